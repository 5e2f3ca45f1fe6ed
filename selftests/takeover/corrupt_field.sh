#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --monitor --qemu=-machine\ pc-q35-7.0
#
# The comparison after the handback is no self-praise: what is not as found is
# reported by name, for every owned field; what Linux may change is not.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

cpus=$(nproc --all)

# The fields of a class, by CPU 0's section of the state.
fields() { # CLASS
	awk -v class="$1" '/^CPU / { here = $2 == 0 } here && $2 == class && $3 ~ /^0x/ { print $1 }' \
		"$work/state"
}

take_and_give() { # FIELD
	mark
	take corrupt_field="$1" && give
}

# This field on every CPU, no other, and the numbers add up.
reported() { # FIELD
	take_and_give "$1" || return
	log | grep 'regent: field ' >"$work/reported"
	for cpu in $(seq 0 "$last_cpu"); do
		grep -Eq "regent: field $1 on CPU $cpu: found 0x[0-9a-f]+ now 0x[0-9a-f]+" \
			"$work/reported" || { echo "not for CPU $cpu"; return 1; }
	done
	same "$cpus" "$(wc -l <"$work/reported")" || return
	log_has "regent: handed back: $cpus CPUs, $((all_fields - cpus)) of $all_fields fields as found"
}

unreported() { # FIELD
	[ -n "$1" ] || { echo 'there is no such field'; return 1; }
	take_and_give "$1" || return
	as_found "$cpus"
}

refused() { # FIELD
	mark
	fails_with 'could not insert module' take corrupt_field="$1" || return
	log_has "regent: corrupt_field=$1: no such field" || return
	log_has 'regent: step blob failed'
}

test_lists() {
	check 'taken over' take
	check 'the state can be read' "$ctl" state
	cp "$work/said" "$work/state"
	mark
	give_as_found "$cpus"
	all_fields=$(sed -n 's/^Fields: *\([0-9]*\) to compare.*/\1/p' "$work/state")
	owned=$(fields owned)
	check 'a whole list of owned fields' between 15 "$(echo "$owned" | wc -l)" 100
}

test_lists
for field in $owned; do
	check "owned field $field is reported" reported "$field"
done
check 'a tracked field is compared with what Linux left' unreported "$(fields tracked | head -n 1)"
check 'a volatile field is not compared' unreported "$(fields volatile | head -n 1)"
check 'a field that is not there is refused' refused NO_SUCH_FIELD
finish
