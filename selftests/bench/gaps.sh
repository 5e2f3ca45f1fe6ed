#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# gaps.sh: in a machine, the longest gap between two TSC readings that a thread
# sees on each CPU while a module is loaded and unloaded five times: first a
# module that does nothing, then Regent. Prints lines "KEY VALUE".

cd "$(dirname "$0")/../.." || exit 2
out=build/$(uname -r)
gap=$out/selftests/bench/tsc_gap

# gaps KEY FILE
gaps() {
	name=$(basename "$2" .ko)
	# shellcheck disable=SC2016 # for the inner shell
	"$gap" --seconds 3 -- sh -c 'for i in 1 2 3 4 5; do
		insmod "$1" && sleep 0.3 && rmmod "$2" || exit 1
		sleep 0.3
	done' sh "$2" "$name" >"/tmp/$1" || { echo "gaps.sh: $name failed" >&2; exit 1; }
	sed -n "s/^cpu\([0-9]*\) longest_gap_ns \([0-9]*\).*/gap_$1 \1 \2/p" "/tmp/$1"
}

gaps native "$out/selftests/leak/leaky.ko"
gaps world "$out/regent.ko"
