#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 1 --icount --qemu=-icount\ shift=3
#
# What Linux and other worlds get of a CPU. Time is counted in instructions here, 8 ns
# each, so that it is exact however busy the host is.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

seconds=${SCHED_SECONDS:-10}

selftest() {
	"$ctl" selftest worlds --seconds "$seconds"
}

# WHO: thousandths that it ran, in what sharer has printed
ran() { # WHO
	sed -n "s/^cpu 0 $1 ran \\([0-9]*\\) .*/\\1/p" "$work/shared"
}

# Linux has nothing to do: the world gets its cap, and the rest is nobody's.
capped() {
	shared 0 3 4:1024:0:200 && between 195 "$(ran test)" 205 && between 750 "$(ran idle)" 805
}

# A hog of Linux's while COMMAND runs
beside_a_hog() { # COMMAND...
	rm -f "$work/hog"
	# shellcheck disable=SC2016 # $1 is the other shell's
	sh -c 'echo >"$1"; while :; do :; done' hog "$work/hog" &
	hog=$!
	wait_for 10 test -e "$work/hog" || return
	"$@"
	code=$?
	kill "$hog"
	wait "$hog" 2>/dev/null
	return "$code"
}

# By its shares it would get a thousandth.
guaranteed() {
	shared 0 3 4:1:600:1000 && between 595 "$(ran test)" 612
}

# Linux is in the middle of its slice when the world goes, and does not wait later.
restarted() {
	start_sharer shared 0 3 4:1:600:1000 || return
	echo direct >"$sys/cpu0/mode" && echo auto >"$sys/cpu0/mode"
	wait "$sharing" && nothing_wrong "$work/shared" && between 580 "$(ran test)" 612
}

# Three of Linux's weight, one of half of it, one with next to nothing
divided() {
	shared 0 4 4:1024:0:1000 4:1024:0:1000 4:512:0:1000 4:1:0:1000 || return
	ran test >"$work/each"
	for want in 285 285 142 0; do
		read -r is && between $((want - 10)) "$is" $((want + 10)) || return
	done <"$work/each"
	between 265 "$(ran host)" 305
}

mark
check 'the dumper works' insmod "$dumper"
check 'taken over' take
check 'shares, registers and programs are right' selftest
check 'a cap holds while Linux idles' capped
check 'a guarantee holds beside a busy Linux' beside_a_hog guaranteed
check 'also after the CPU was direct' beside_a_hog restarted
check 'shares divide what is left' beside_a_hog divided
give_as_found 1
finish
