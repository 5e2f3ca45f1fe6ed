#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# In and out ten times with a little work in between, then once with every CPU
# forwarded: short enough for an emulator without a JIT.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119,SC2016 # checks are called by name
. "$(dirname "$0")/lib.sh"

# Processes, pipes, timers and files, on each CPU: their result is known.
work_on() { # CPU
	same 5050 "$(taskset -c "$1" sh -c '
		seq 100 | while read -r n; do echo "$n"; done >"$1/numbers$2"
		sleep 0.05
		sort -n "$1/numbers$2" | awk "{ sum += \$1 } END { print sum }"' sh "$work" "$1")"
}

work_everywhere() {
	for cpu in $(seq 0 "$last_cpu"); do
		work_on "$cpu" || return
	done
}

# A timer's interrupt comes by K.
ticks_everywhere() {
	for cpu in $(seq 0 "$last_cpu"); do
		before=$(cat "$sys/cpu$cpu/exits_interrupt")
		taskset -c "$cpu" sleep 0.2 || return
		[ "$(cat "$sys/cpu$cpu/exits_interrupt")" -gt "$before" ] ||
			{ echo "none on CPU $cpu"; return 1; }
	done
}

check 'the dumper works' dump before
for i in $(seq 10); do
	mark
	check "taken over, $i" take
	check "work is done, $i" work_everywhere
	give_as_found "$(nproc --all)" "handed back, $i"
done

mark
check 'taken over' take
check 'every CPU is forwarded' set_all forwarded
check "each CPU's interrupts come by K" ticks_everywhere
check 'work is done on forwarded CPUs' work_everywhere
check 'every CPU is direct' set_all direct
check 'every CPU is forwarded again' set_all forwarded
give_as_found "$(nproc --all)" 'handed back from there'
check 'the dumper works' dump after
check 'the dumps agree' same_dumps before after
finish
