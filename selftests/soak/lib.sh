# shellcheck shell=bash disable=SC2154 # dir and from are the caller's
# SPDX-License-Identifier: GPL-2.0-only
#
# What the soaks share: the kernel's log, whole and from the first line on, and what it must
# not say. $dir is a directory of the caller's, $from the first line that counts.

bail() {
	echo "Bail out! $*"
	exit 1
}

# What the kernel must not say. The last line's kinds come from time alone: an
# emulator that is held up provokes them on any kernel.
complaints() { # FROM-LINE
	tail -n "+$1" "$dir/dmesg" | grep -v \
		-e 'module verification failed' -e 'Return Stack Overflow: WARNING' | grep -E \
		-e 'WARNING:|BUG:|Oops|Call Trace|general protection|segfault|page fault' \
		-e 'unable to handle|scheduling while atomic|bad page|list_(add|del) corrupt' \
		-e 'spurious|unexpected|[Uu]nknown NMI|unknown reason|APIC error|No irq handler' \
		-e 'regent: (field|step|K |refused|.*(fail|fault|panic|memory at))' \
		-e 'rcu.*stall|soft lockup|hung_task|blocked for more|clocksource.*unstable'
}

# Which kind a complaint is: without time stamp, numbers and addresses.
kinds() {
	sed 's/^\[[^]]*\] *//; s/0x[0-9a-f]*//g; s/[0-9]//g' | sort -u
}

handbacks() {
	grep -c 'regent: handed back:' "$dir/dmesg"
}

# "handed back: N CPUs, F of F fields as found"
as_found() {
	awk '/regent: handed back:/ { for (i = 2; i < NF; i++)
			if ($i == "of" && $(i - 1) == $(i + 1) && $(i + 1) > 0) n++ }
		END { print n + 0 }' "$dir/dmesg"
}

follow_log() {
	dmesg --follow >"$dir/dmesg" 2>/dev/null & log=$!
	trap 'kill $log; rm -rf "$dir"' EXIT
}

wait_for_log() { # HANDBACKS
	local end=$((SECONDS + 60))
	until [ "$(handbacks)" -ge "$1" ] || [ $SECONDS -ge $end ]; do
		sleep 0.1
	done
}

# The log from line $from on, after the cycles: as many handbacks as there were, each right.
check_log() { # CYCLES CYCLES-BEFORE
	local new
	wait_for_log $(($1 + $2))
	[ "$(handbacks)" = $(($1 + $2)) ]
	result $? "the log has every handback ($(($(handbacks) - $2)) of $1)"
	[ "$(as_found)" = "$(handbacks)" ]
	result $? "all fields as found, each time ($(($(as_found) - $2)) of $1)"
	grep -o 'regent: handed back:.*' "$dir/dmesg" | sort | uniq -c | sed 's/^/# /'
	new=$(complaints "$from" | kinds | comm -13 "$dir/known" -)
	[ -z "$new" ]
	result $? 'the kernel has nothing to complain of'
	[ -z "$new" ] || complaints "$from" | head -n 20 | sed 's/^/# /'
}

# A load alone moves this by up to 300 KiB: only a chunk of K's, or what grows with each
# cycle, shows here. leak/cycles.sh sees pages.
check_memory() { # KIB
	selftests/leak/memsnap.sh >"$dir/after"
	selftests/leak/memcmp.sh "$dir/before" "$dir/after" "$1" >"$dir/memory"
	result $? "$(tail -n 1 "$dir/memory")"
	sed 's/^/# /' "$dir/memory"
}
