#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 1 --icount --qemu=-icount\ shift=3
#
# A VM runs on while every CPU of Linux spins with interrupts off. Time is counted in
# instructions here, 8 ns each, so that it is exact however busy the host is.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

vmm=$out/selftests/takeover/vmm/vmm
spinner=$out/selftests/takeover/spinner/regent_spinner.ko
spinner_sys=/sys/module/regent_spinner/parameters
spin_ms=${HUNG_MS:-10000}

# Its notes of whole pieces between two points of time: the rounds of a piece, on average
rate_of() { # BEGIN END
	awk -v from="$1" -v to="$2" '
		last != "" && last >= from && $1 <= to { sum += rounds; n++ }
		{ last = $1; rounds = $2 }
		END { if (!n) exit 1; printf "%d\n", sum / n }' "$work/rounds"
}

# With --icount Linux's clock is the VM's: nothing races here.
alone_and_hung() {
	"$vmm" work >"$work/work" & vm=$!
	wait_for 10 grep -q ready "$work/work" || return
	sleep 1		# its CPU becomes forwarded
	"$ctl" world set "$vm" --min 50% || return
	sleep 4
	insmod "$spinner" ms="$spin_ms" || return
	cp "$spinner_sys/begin" "$work/begin" && cp "$spinner_sys/end" "$work/end" &&
		rmmod regent_spinner || return
	sleep 2
	kill "$vm"
	wait "$vm" || return
	grep -v ready "$work/work" >"$work/rounds"
}

# Linux had nothing to do for three seconds before, and for one afterwards.
works_on() {
	read -r begin <"$work/begin"
	read -r end <"$work/end"
	tick=$(((end - begin) / spin_ms))	# TSC ticks of a millisecond
	alone=$(rate_of $((begin - 3500 * tick)) $((begin - 500 * tick))) || return
	hung=$(rate_of "$begin" "$end") || return
	after=$(rate_of $((end + 500 * tick)) $((end + 1500 * tick))) || return
	echo "rounds in 100 ms: alone $alone, while Linux hung $hung, afterwards $after"
	[ "$((hung * 100))" -ge "$((alone * 45))" ] && [ "$((after * 100))" -ge "$((alone * 95))" ]
}

# Thousandths of its CPU that the VM gets in two seconds
share() {
	for time in before after; do
		"$ctl" worlds --json >"$work/$time" || return
		[ "$time" = after ] || sleep 2
	done
	# vm1/0, then the host's and the idle one of the only CPU
	for time in before after; do
		sed -n 's/.*"ran_ns": \([0-9]*\).*/\1/p' "$work/$time" | tr '\n' ' '
	done | awk '{ vm = $4 - $1; all = vm + $5 - $2 + $6 - $3; printf "%d\n", vm * 1000 / all }'
}

# Linux has a program that never waits. A quarter by its shares, then its guarantee, then its cap
beside_a_hog() {
	"$vmm" forever >"$work/forever" & vm=$!
	sh -c 'while :; do :; done' & hog=$!
	wait_for 10 grep -q ready "$work/forever" && sleep 1 &&
		"$ctl" world set "$vm" --shares 341 && sleep 1 && between 235 "$(share)" 265 &&
		"$ctl" world set "$vm" --min 50% && sleep 1 && between 490 "$(share)" 515 &&
		"$ctl" world set "$vm" --min 0 --max 10% && sleep 1 && between 90 "$(share)" 110
	code=$?
	kill "$hog" "$vm"
	wait "$hog" "$vm"
	return "$code"
}

test_hung() {
	mark
	check 'taken over' take
	check 'a VM works, and Linux spins with interrupts off' alone_and_hung
	check 'with min 50% the VM did at least 45% of its work meanwhile' works_on
	comment <"$work/said"
	check 'beside a busy Linux it gets its shares, its guarantee, its cap' beside_a_hog
	give_as_found 1
}

test_hung
finish
