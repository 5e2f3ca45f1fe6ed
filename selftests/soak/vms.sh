#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# vms.sh CYCLES [SEED]: in a machine, CYCLES takeovers and handbacks, with two VMs each time:
# Debian in stock QEMU, one of two vCPUs and one of one. One of the two is killed at a random
# moment while it boots, the other does its work and powers off. Nothing may be left of them, in
# K, in Linux's memory, or in references to the module. Prints TAP, and a line for each cycle.
#
# QEMU's CPU 0 has a race with what worlds do (docs/testing.md): the VMs stay away from it.

cd "$(dirname "$0")/../.." || exit 2
cycles=${1:?usage: vms.sh CYCLES [SEED]}
seed=${2:-$(date +%s)}
module=build/$(uname -r)/regent.ko
regent=/sys/kernel/regent
last=$(($(nproc --all) - 1))
warm=1		# cycles that do not count: they fill caches
boot_tenths=50	# what a boot took, at least, in tenths of a second
dir=$(mktemp -d) || exit 2
. selftests/tap.sh
. selftests/soak/lib.sh

# shellcheck disable=SC2016 # the guest expands it
work_in_vm='echo "cpus $(grep -c ^processor /proc/cpuinfo) sum $(seq 1 20000 | sha256sum)"'

# The one to be killed has no end of its own. Where there is no clock chip, as in a plain microvm on
# KVM, Linux looks for one for long.
start_vm() { # NUMBER VCPUS COMMAND
	rm -f "$dir/pid.$1"
	selftests/guest/boot.sh -m microvm,rtc=on -c "$2" -p "1-$last" -t 500 -i "$dir/pid.$1" "$3" \
		>"$dir/vm.$1" 2>&1 & vm[$1]=$!
}

# What a process that does not end is waiting for, thread by thread
show_threads() { # PID
	local task
	for task in /proc/"$1"/task/*; do
		echo "# $(cat "$task/comm") $(sed -n 's/^State:\t//p' "$task/status" | head -n 1):" \
			"$(tr '\n' ' ' <"$task/stack")"
	done 2>/dev/null
}

ends() { # NUMBER SECONDS
	local end=$((SECONDS + $2))
	while kill -0 "${vm[$1]}" 2>/dev/null; do
		[ $SECONDS -lt $end ] || break
		sleep 0.2
	done
	kill -0 "${vm[$1]}" 2>/dev/null || return 0
	echo "# VM $1 does not end:"
	show_threads "$(cat "$dir/pid.$1")"
	return 1
}

# At a random moment from QEMU's very start on
kill_vm() { # NUMBER
	local end=$((SECONDS + 60)) tenths
	until [ -s "$dir/pid.$1" ]; do
		[ $SECONDS -lt $end ] || { echo "# VM $1 has not started"; return 1; }
		sleep 0.05
	done
	tenths=$((RANDOM % boot_tenths))
	sleep $((tenths / 10)).$((tenths % 10))
	kill -KILL "$(cat "$dir/pid.$1")" || return
	ends "$1" 60 || return
	wait "${vm[$1]}"
	[ $? = 125 ] && grep -q 'QEMU ended with status 137' "$dir/vm.$1" && killed_after=$tenths
}

# Its kernel's last words can share a line with what it said before.
survives() { # NUMBER VCPUS
	local status
	ends "$1" 520 || return
	wait "${vm[$1]}"
	status=$?
	[ $status = 0 ] && grep -q "^cpus $2 sum $(seq 1 20000 | sha256sum)" "$dir/vm.$1" && return
	echo "# VM $1, status $status:"
	sed 's/^/#   /' "$dir/vm.$1"
	return 1
}

# Pages of K's that are lost: what it had, and what came with chunks, less what it has. Its
# tables for Linux grow by some when Linux touches memory for the first time.
pages_lost() { # KIB PAGES
	echo $(($2 + ($(cat $regent/memory_kb) - $1) / 4 - $(cat $regent/table_pages)))
}

# K keeps one chunk of what VMs have had, so that it need not ask at once again. Others come
# back soon after a VM's end.
nothing_held() { # REFERENCES KIB PAGES
	[ "$(cat /sys/module/regent/refcnt)" = "$1" ] &&
		[ "$(cat $regent/memory_kb)" -le $(($2 + 2048)) ] && [ "$(pages_lost "$2" "$3")" -le 16 ]
}

left_alone() { # REFERENCES KIB PAGES
	local end=$((SECONDS + 60)) held=0
	until nothing_held "$@"; do
		[ $SECONDS -lt $end ] || { held=1; break; }
		sleep 0.2
	done
	left="$(($(cat $regent/memory_kb) - $2)) KiB and $(pages_lost "$2" "$3") pages kept"
	[ $held = 0 ] || echo "# $left, $(cat /sys/module/regent/refcnt) references"
	return $held
}

cycle() { # NUMBER
	local bad=0 victim=$((RANDOM % 2)) before most commands=("$work_in_vm" "$work_in_vm") begun
	commands[victim]='echo here; sleep 100000'
	insmod "$module" || return 1
	[ "$(cat $regent/status)" = 'taken over' ] || bad=1
	before="$(cat /sys/module/regent/refcnt) $(cat $regent/memory_kb) $(cat $regent/table_pages)"
	begun=$(date +%s%1N)
	start_vm 0 2 "${commands[0]}"
	start_vm 1 1 "${commands[1]}"
	kill_vm $victim || { sed 's/^/# killed: /' "$dir/vm.$victim"; bad=1; }
	most=$(cat $regent/memory_kb)
	survives $((1 - victim)) $((1 + victim)) || bad=1
	took=$(($(date +%s%1N) - begun))
	# shellcheck disable=SC2086 # three numbers
	left_alone $before || bad=1
	rmmod regent || return 1
	[ $bad = 0 ] && echo "$most" >>"$dir/most"
	return $bad
}

# What Linux could give away, after a rest. Kernel memory alone is looked at in check_memory.
available() {
	echo 3 >/proc/sys/vm/drop_caches
	awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo
}

# The first ones tell how long a boot takes on this machine, and fill caches.
warm_up() {
	local i
	: >"$dir/known"
	from=1
	for ((i = 0; i < warm; i++)); do
		cycle $i || bail "cycle $i of the warm-up failed"
		boot_tenths=$((took * 3 / 4 > boot_tenths ? took * 3 / 4 : boot_tenths))
	done
	wait_for_log $warm
	rm -f "$dir/most"
}

run_cycles() {
	local i
	broken=0
	for ((i = 0; i < cycles; i++)); do
		killed_after=
		cycle $i || { broken=$((broken + 1)); echo "# cycle $i failed"; }
		[ -d /sys/module/regent ] && bail "cycle $i left the module behind"
		available >>"$dir/available"
		echo "# cycle $((i + 1)) of $cycles: killed after $killed_after tenths of a second," \
			"$((took / 10)) s, $left," \
			"available $(tail -n 1 "$dir/available") kB"
	done
}

# The straight line through what was available, in KiB a cycle: a chunk of K's that is left
# every second time shows. It says nothing of a few cycles.
check_trend() {
	local slope
	slope=$(awk '{ n++; x += n; y += $1; xx += n * n; xy += n * $1 }
		END { d = n * xx - x * x; printf "%d\n", d ? (n * xy - x * y) / d : 0 }' "$dir/available")
	[ "$cycles" -lt 10 ] || [ "$slope" -gt -200 ]
	result $? "what is available does not fall ($slope KiB a cycle)"
}

echo 'TAP version 13'
echo "# seed $seed"
RANDOM=$seed
[ "$last" -ge 2 ] || bail 'this needs 3 CPUs'
# A copy: the host may build a new one meanwhile.
cp "$module" "$dir/regent.ko" || bail "no $module"
module=$dir/regent.ko
follow_log
warm_up
selftests/leak/memsnap.sh >"$dir/before"
run_cycles
[ $broken = 0 ]
result $? "$cycles takeovers with two VMs, one killed, the other right"
[ "$(wc -l <"$dir/most")" = "$cycles" ]
result $? "K had its own memory again, and the module no user ($(sort -n "$dir/most" | tail -n 1) KiB at most)"
check_log "$cycles" $warm
check_trend
check_memory $((cycles < 10 ? 1000 : cycles * 50))
tap_end
