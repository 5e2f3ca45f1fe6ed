#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --memory 2048 --emulator qemu10
#
# Debian's kernel in stock QEMU, as a VM of Regent's. QEMU's CPU 0 has a race with what worlds
# do (docs/testing.md): the VMs stay away from it.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

boot=$top/selftests/guest/boot.sh
lines=20000
# shellcheck disable=SC2016 # the guest expands it
sum_of_lines='echo "cpus $(grep -c ^processor /proc/cpuinfo)"
echo "clock $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
echo "sum $(seq 1 '$lines' | sha256sum)"
for cpu in /sys/devices/system/cpu/cpu[0-9]*; do
	taskset -p $((1 << ${cpu##*cpu})) $$ >/dev/null && seq 1 2000 | sha256sum | sed "s/^/on ${cpu##*/} /"
done'

boots() { # CPUS [OPTION...]
	cpus=$1
	shift
	"$boot" -c "$cpus" -p 1-3 "$@" "$sum_of_lines" >"$work/guest" 2>&1
	status=$?
	cat "$work/guest"
	same 0 "$status" || return
	grep -qx "cpus $cpus" "$work/guest" || return
	grep -qx "sum $(seq 1 "$lines" | sha256sum)" "$work/guest" || return
	same "$cpus" "$(grep -c "^on cpu[0-9]* $(seq 1 2000 | sha256sum)" "$work/guest")"
}

# The VMM is another one, which wants more of KVM.
by_qemu10() {
	root=$("$top/scripts/setup" --print-qemu10) || return
	QEMU_MODULE_DIR=$root/usr/lib/x86_64-linux-gnu/qemu \
	QEMU="$root/usr/bin/qemu-system-x86_64 -L $root/usr/share/qemu -L $root/usr/share/seabios" \
		boots 2
}

# Both are there at the same time, each with two vCPUs.
two_at_once() {
	"$boot" -c 2 -m microvm,rtc=on -p 1-3 'echo one 42' >"$work/one" 2>&1 & one=$!
	"$boot" -c 2 -m microvm,rtc=on -p 1-3 'echo two 56' >"$work/two" 2>&1 & two=$!
	wait "$one"
	first=$?
	wait "$two"
	second=$?
	cat "$work/one" "$work/two"
	same '0 0' "$first $second" || return
	grep -qx 'one 42' "$work/one" && grep -qx 'two 56' "$work/two"
}

# While it boots; nobody says how far it is.
killed_while_booting() { # SECONDS
	setsid "$boot" -c 2 -m microvm,rtc=on -p 1-3 'echo here' >"$work/killed" 2>&1 & boot_pid=$!
	wait_for 60 pgrep -f 'qemu-system.*-accel kvm' >/dev/null || return
	sleep "$1"
	pkill -KILL -f 'qemu-system.*-accel kvm' || return
	wait "$boot_pid"
	same 125 "$?"
}

need_cpus 4
mark
check 'taken over' take
check 'Debian boots on a microvm' boots 1 -m microvm,rtc=on
check 'with two vCPUs' boots 2 -m microvm,rtc=on
check 'on q35, with the BIOS' boots 2 -m q35
check 'on a pc' boots 1 -m pc
check 'by QEMU 10' by_qemu10
check 'two VMs boot at once' two_at_once
check 'a VM is killed while it boots' killed_while_booting 3
check 'and one boots afterwards' boots 2 -m microvm,rtc=on
give_as_found "$(nproc --all)"
finish
