#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh CYCLES [JOBS]: in a machine, CYCLES takeovers and handbacks under a load
# that checks itself (JOBS of each worker, default 1), while CPUs go offline and
# online. Prints TAP, and a line on the way every ten cycles.
#
# CPUs 1 and 2 come and go at random times. The last CPU goes at chosen ones:
#	cycle 0, 4, ..	offline at the takeover, comes while taken over
#	cycle 1, 5, ..	offline at the takeover and at the handback
#	cycle 2, 6, ..	goes while taken over, offline at the handback
#	cycle 3, 7, ..	stays
# In every other cycle worlds run beside Linux, and their CPUs' modes change.

cd "$(dirname "$0")/../.." || exit 2
cycles=${1:?usage: run.sh CYCLES [JOBS]}
jobs=${2:-1}
module=build/$(uname -r)/regent.ko
sharer=build/$(uname -r)/selftests/takeover/sharer/sharer
last=$(($(nproc --all) - 1))
dir=$(mktemp -d) || exit 2
. selftests/tap.sh
. selftests/soak/lib.sh

# CPU hotplug is held off during a takeover and a handback: try again. The limit
# is generous because an emulated CPU can be away for seconds.
set_cpu() { # CPU 0|1
	local file=/sys/devices/system/cpu/cpu$1/online end=$((SECONDS + 60))
	until { echo "$2" >"$file"; } 2>/dev/null; do
		[ "$(cat "$file")" != "$2" ] || return 0
		[ $SECONDS -lt $end ] || { echo "# CPU $1: not set to $2"; return 1; }
		sleep 0.02
	done
}

# Runs beside the load until the file goes; its count of changes is its output.
come_and_go() {
	local n=0 cpu
	while [ -e "$dir/hotplug" ]; do
		cpu=$((RANDOM % 2 + 1))
		[ $cpu -lt "$last" ] || continue
		set_cpu $cpu 0 || break
		sleep 0.$((RANDOM % 9))
		set_cpu $cpu 1 || break
		n=$((n + 2))
		sleep 0.$((RANDOM % 9))
	done
	echo $n >"$dir/hotplugs"
}

start_load() {
	nice -n 20 selftests/load/run.sh 0 "$jobs" >"$dir/load" 2>&1 & load=$!
	: >"$dir/hotplug"
	if [ "$last" -ge 2 ]; then come_and_go & hotplug=$!; fi
}

stop_load() {
	rm "$dir/hotplug"
	[ "$last" -lt 2 ] || wait "$hotplug"
	kill -TERM $load
	wait $load
}

# regent's CPUs become those online, once whoever is on the way has arrived.
cpus_agree() {
	local end=$((SECONDS + 60)) before taken
	while [ $SECONDS -lt $end ]; do
		before=$(cat /sys/devices/system/cpu/online)
		taken=$(cat /sys/kernel/regent/cpus)
		[ "$before" != "$taken" ] || return 0
	done
	echo "# online: $before, taken over: $taken"
	return 1
}

# On each CPU that is there, but for CPU 0 (see docs/testing.md), until they are told
# to end, or their CPU goes.
beside_worlds() {
	local cpu mode bad=0 sharers=()
	for ((cpu = 1; cpu <= last; cpu++)); do
		"$sharer" $cpu 0 2:1024:0:1000 0:512:0:300 >"$dir/share.$cpu" 2>&1 & sharers[cpu]=$!
	done
	sleep 0.$((RANDOM % 9 + 1))
	for ((cpu = 1; cpu <= last; cpu++)); do
		for mode in direct auto; do
			{ echo $mode >"/sys/kernel/regent/cpu$cpu/mode"; } 2>/dev/null
		done
	done
	sleep 0.$((RANDOM % 9 + 1))
	for ((cpu = 1; cpu <= last; cpu++)); do
		kill "${sharers[cpu]}" 2>/dev/null
		wait "${sharers[cpu]}" || cpu_was_away $cpu || bad=1
	done
	grep -hc ' test ' "$dir"/share.* 2>/dev/null >>"$dir/shared"
	! grep -h ' test ' "$dir"/share.* 2>/dev/null | grep -v ' wrong 0 state [0-3]$' && return $bad
}

# That is why nobody could make worlds there; any other reason is a failure.
cpu_was_away() { # CPU
	grep -q 'No such device or address$' "$dir/share.$1" && return
	sed "s/^/# CPU $1's worlds: /" "$dir/share.$1"
	return 1
}

cycle() { # NUMBER
	local phase=$(($1 % 4)) bad=0
	[ "$last" -gt 0 ] || phase=3
	case $phase in 0 | 1) set_cpu "$last" 0 || bad=1 ;; esac
	insmod "$module" || return 1
	[ "$(cat /sys/kernel/regent/status)" = 'taken over' ] || bad=1
	case $phase in
	0) set_cpu "$last" 1 || bad=1 ;;
	2) set_cpu "$last" 0 || bad=1 ;;
	esac
	cpus_agree || bad=1
	if [ $(($1 % 2)) = 1 ]; then
		beside_worlds || bad=1
	else
		sleep 0.$((RANDOM % 9))
	fi
	rmmod regent || return 1
	case $phase in 1 | 2) set_cpu "$last" 1 || bad=1 ;; esac
	return $bad
}

# The same without Regent: what the kernel complains of here is not Regent's. And
# four cycles without load, for what the first ones leave in caches.
control() {
	local i
	start_load
	sleep $((cycles < 40 ? 10 : 30))
	stop_load || echo "# without Regent, the load failed: $(tail -n 1 "$dir/load")"
	from=$(($(wc -l <"$dir/dmesg") + 1))
	complaints 1 | kinds >"$dir/known"
	[ ! -s "$dir/known" ] || sed 's/^/# without Regent, too: /' "$dir/known"
	for i in 0 1 2 3; do
		cycle "$i" || bail "cycle $i of the warm-up failed"
	done
	wait_for_log 4
}

run_cycles() {
	local i start=$SECONDS
	broken=0
	for ((i = 0; i < cycles; i++)); do
		cycle "$i" || { broken=$((broken + 1)); echo "# cycle $i failed"; }
		[ -d /sys/module/regent ] && bail "cycle $i left the module behind"
		[ $(((i + 1) % 10)) -ne 0 ] ||
			echo "# $((i + 1)) of $cycles cycles, $(($(as_found) - 4)) as found, $((SECONDS - start)) s"
	done
}

echo 'TAP version 13'
# The load shall not keep this script from its work, only Regent.
renice -n -20 $$ >/dev/null
# A copy: the host may build a new one meanwhile.
cp "$module" "$dir/regent.ko" || bail "no $module"
module=$dir/regent.ko
follow_log
control
selftests/leak/memsnap.sh >"$dir/before"
start_load
run_cycles
stop_load
result $? "the load's checks: $(tail -n 1 "$dir/load")"
sed 's/^/# /' "$dir/load"
[ $broken = 0 ]
result $? "$cycles takeovers and handbacks on $((last + 1)) CPUs"
shared=$(awk '{ n += $1 } END { print n + 0 }' "$dir/shared" 2>/dev/null)
[ "$last" -lt 1 ] || [ "${shared:-0}" -gt 0 ]
result $? "worlds ran beside Linux (${shared:-0} of them), and were right"
[ "$last" -lt 2 ] || [ "$(cat "$dir/hotplugs")" -gt 0 ]
result $? "CPUs went and came at random times ($(cat "$dir/hotplugs" 2>/dev/null) changes)"
check_log "$cycles" 4
check_memory 1000
tap_end
