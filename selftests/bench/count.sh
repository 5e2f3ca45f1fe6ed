#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# count.sh: in a machine with one CPU and --icount, what operations cost natively
# and as host world. Prints lines "KEY VALUE" for scripts/bench to read.

cd "$(dirname "$0")/../.." || exit 2
out=build/$(uname -r)
bench=$out/selftests/bench/regent_bench
idle=10	# seconds: of virtual time, so they pass at once

exits() {
	cat /sys/kernel/regent/cpu0/exits_* | awk '{ n += $1 } END { print n }'
}

# Reading the counters makes exits itself: as many each time.
idle_exits() {
	before=$(exits)
	again=$(exits)
	sleep $idle
	after=$(exits)
	echo "idle_exits $(((after - again) - (again - before)))"
	echo "idle_seconds $idle"
}

away() { # KEY PATTERN
	dmesg | sed -n "s/.*regent: $2.* away for \\([0-9]*\\) ns.*/$1 \\1/p" | tail -n 1
}

insmod "$out/selftests/bench/regent_bench.ko" || exit 1
echo "native $($bench --json)" || exit 1
# debug=1 and donated memory are for the test world of world_switch.
insmod "$out/regent.ko" debug=1 || exit 1
echo 1 >/sys/kernel/debug/regent/donate || exit 1
echo "world $($bench --json)" || exit 1
idle_exits
echo forwarded >/sys/kernel/regent/cpu0/mode || exit 1
echo "forwarded $($bench --json)" || exit 1
echo direct >/sys/kernel/regent/cpu0/mode || exit 1
echo "entry_max $(cat /sys/kernel/regent/entry_max_ns)"
rmmod regent || exit 1
away takeover 'taken over:'
away handback 'Linux was'
