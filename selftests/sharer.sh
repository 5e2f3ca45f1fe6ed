# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Test worlds beside Linux, made by takeover/sharer: for the takeover's tests, whose lib.sh
# has this, and others that set $sharer (the program) and $work (a directory).

# What sharer has printed: there were worlds, and none found a wrong register.
nothing_wrong() { # FILE
	cat "$1"
	grep -q ' test ' "$1" || { echo 'no word of any world'; return 1; }
	! grep ' test ' "$1" | grep -v ' wrong 0 state [0-3]$'
}

# Worlds for some seconds, to their end; what they did is in $work/shared.
shared() { # ARGUMENT of sharer...
	"$sharer" "$@" >"$work/shared" && nothing_wrong "$work/shared"
}

# A child that has ended may wait to be asked for its status: that is not alive.
alive() { # PID
	case $(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) in
	'' | [ZX]*) return 1 ;;
	esac
}

# Until its worlds are there, or it has ended: tries are limited, as in wait_for.
sharer_is_ready() { # PID FILE
	for _ in $(seq "${sharer_tries:-200}"); do
		! grep -q '^ready$' "$2" || return 0
		alive "$1" || break
		sleep 0.1
	done
	grep -q '^ready$' "$2"
}

# start_sharer NAME ARGUMENT of sharer...: worlds until stop_sharer NAME; true when they are
# there. What the sharer says is in $work/NAME, its process id in $sharing.
start_sharer() {
	sharer_name=$1
	shift
	# The child empties the file later than it is looked at: an earlier sharer's words go now.
	: >"$work/$sharer_name"
	"$sharer" "$@" >"$work/$sharer_name" 2>&1 &
	sharing=$!
	echo "$sharing" >"$work/$sharer_name.pid"
	sharer_is_ready "$sharing" "$work/$sharer_name" && return
	echo "no worlds: sharer $* said:"
	cat "$work/$sharer_name"
	return 1
}

# Its status when it is asked to end. To have ended before that is an error.
end_sharer() { # NAME
	read -r sharing <"$work/$1.pid" || return
	if alive "$sharing"; then
		kill "$sharing"
		wait "$sharing"
	else
		wait "$sharing"
		echo "sharer had ended by itself, with status $?"
		return 2
	fi
}

# It has lived to this moment, ends well, and its worlds were right.
stop_sharer() { # NAME
	end_sharer "$1"
	sharer_status=$?
	nothing_wrong "$work/$1" && [ "$sharer_status" -eq 0 ]
}

# After a fault of K's: it ends, when asked or before, and finds its worlds gone.
lost_sharer() { # NAME
	read -r sharing <"$work/$1.pid" || return
	! alive "$sharing" || kill "$sharing"
	wait "$sharing"
	sharer_status=$?
	cat "$work/$1"
	[ "$sharer_status" -eq 1 ] && ! grep -q ' test ' "$work/$1"
}
