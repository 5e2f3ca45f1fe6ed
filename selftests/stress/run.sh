#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh MINUTES: in a machine with 4 CPUs, stress-ng (verifying), cyclictest and a
# load with checksums for MINUTES, while test worlds have half of every CPU but CPU 0
# (see docs/testing.md). Before that, cyclictest without Regent. TAP.

cd "$(dirname "$0")/../.." || exit 2
minutes=${1:?usage: run.sh MINUTES}
out=build/$(uname -r)
sharer=$out/selftests/takeover/sharer/sharer
last=$(($(nproc --all) - 1))
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
. selftests/tap.sh
work=$dir
. selftests/sharer.sh

# The latencies' histogram, in powers of two
cyclic() { # SECONDS
	cyclictest -q -D "$1" -S -p 80 -i 1000 -h 100000 2>&1 | awk '
		/^[0-9]+ / {
			for (b = 1; b <= $1; b *= 2)
				;
			for (i = 2; i <= NF; i++)
				bin[b] += $i
		}
		/^# Max Latencies/ { print "# " $0 }
		END {
			for (b = 1; b <= 131072; b *= 2)
				if (bin[b])
					printf "#   below %6d us: %d\n", b, bin[b]
		}'
}

stress() {
	stress-ng --verify --metrics-brief --timeout "${minutes}m" --cpu 2 --vm 1 \
		--vm-bytes 64M --timer 1 --signal 1 --fork 1 --futex 1 --switch 1 --cyclic 1 \
		>"$dir/stress" 2>&1
}

echo 'TAP version 13'
dmesg -n 4
for tool in stress-ng cyclictest; do
	command -v $tool >/dev/null || { echo "Bail out! no $tool: apt install stress-ng rt-tests"; exit 1; }
done
echo '# cyclictest before the takeover'
cyclic 20
from=$(($(dmesg | wc -l) + 1))
insmod "$out/regent.ko"
result $? 'taken over'
start_sharer shared "1-$last" 0 2:1024:0:1000 >"$dir/worlds"
result $? 'worlds on every CPU but one'
selftests/load/run.sh 0 1 >"$dir/load" 2>&1 & load=$!
stress & stressing=$!
echo '# cyclictest beside worlds and all else'
cyclic $((minutes * 60 - 20))
wait $stressing
result $? 'stress-ng verified what it did'
sed 's/^/# /' "$dir/stress"
kill -TERM $load
wait $load
result $? "the load's checks: $(tail -n 1 "$dir/load")"
stop_sharer shared >"$dir/worlds"
result $? 'the worlds were right, to the end'
sed 's/^/# /' "$dir/worlds"
rmmod regent
result $? 'handed back'
! dmesg | tail -n "+$from" | grep -E 'WARNING:|BUG:|Oops|Call Trace|stall|lockup|hung_task|blocked for more|regent: (field|K )' |
	sed 's/^/# /' | grep .
result $? 'the kernel has nothing to complain of'
dmesg | grep -o 'regent: handed back.*' | sed 's/^/# /'
tap_end
