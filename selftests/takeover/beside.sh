#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Linux beside other worlds, in short, for an emulator without a JIT: registers, moves,
# modes, and a fault of K's. What is more is in sched.sh, which wants QEMU's devices.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

range=0-$last_cpu
everywhere=$((last_cpu + 1))

# Each of them has run, and found no wrong register.
all_ran() { # WORLDS
	same "$1" "$(grep -c ' test ' "$work/shared")" &&
		same 0 "$(grep ' test ' "$work/shared" | grep -c ' rounds 0 ')"
}

of_each_kind() {
	shared "$range" 2 0:1024:0:1000 1:1024:0:1000 2:1024:0:1000 5:1024:0:1000:1000 &&
		all_ran $((4 * everywhere))
}

# Two thirds and a third of what Linux leaves of a CPU, which is nearly all.
by_shares() {
	shared 0 3 4:1024:0:1000 4:512:0:1000 || return
	ran=$(sed -n 's/^cpu 0 test ran \([0-9]*\) .*/\1/p' "$work/shared" | sort -n |
		awk '{ ran[NR] = $1; sum += $1 } END { print NR, sum, int(1000 * ran[1] / sum) }')
	same 2 "${ran%% *}" && between 900 "$(echo "$ran" | cut -d' ' -f2)" 1000 &&
		between 318 "${ran##* }" 349
}

tossed() {
	shared toss "$range" 1 0:1024:0:1000 1:1024:0:1000 2:1024:0:1000 && all_ran 3
}

wakes() {
	shared pair 0 "$last_cpu" 1 && all_ran 2
}

shaken() {
	"$sharer" shake "$range" >"$work/shaken" 2>&1 &
	shaker=$!
	shared "$range" 2 2:1024:0:1000 5:1024:0:1000:300
	code=$?
	kill "$shaker"
	wait "$shaker" || code=1
	cat "$work/shaken"
	[ "$code" -eq 0 ] && all_ran $((2 * everywhere)) &&
		grep -q '^[1-9][0-9]* changes, [0-9]* a second$' "$work/shaken"
}

# CPUs ask each other by NMI.
nmis() {
	mark
	for _ in 1 2 3; do
		echo l >/proc/sysrq-trigger
	done
	wait_for 15 eval "[ \$(backtraces) -eq $everywhere ]"
}

fills() {
	start_sharer all "$range" 0 2:1024:100:1000 0:512:0:300 5:1024:0:1000:300
}

check 'taken over' take debug=1
check 'worlds of each kind beside Linux' of_each_kind
check 'each by its share' by_shares
check 'worlds put on one CPU after the other' tossed
check 'worlds wake each other' wakes
check 'modes change under worlds' shaken
check 'worlds beside Linux, for longer' fills
check 'NMIs reach Linux beside them' nmis
check 'the worlds go, and were right' stop_sharer all
mark
give_as_found "$everywhere"
check 'taken over again' take debug=1
check 'worlds again' fills
check 'K faults' k_faults
check 'every CPU is given back' given_back
check 'the worlds are lost' lost_sharer all
check 'Regent can be removed' give
finish 'Call Trace'
