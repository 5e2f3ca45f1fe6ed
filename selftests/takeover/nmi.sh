#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --monitor --qemu=-machine\ pc-q35-7.0
#
# NMIs and machine checks reach Linux, the same as on the bare machine: those of
# the machine's monitor, and those that CPUs send each other for backtraces.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

monitor=/dev/virtio-ports/regent.monitor

# A line of /proc/interrupts, one number for each CPU.
interrupts() { # NAME
	awk -v name="$1:" '$1 == name { for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) printf "%s ", $i }' \
		/proc/interrupts
}

more() { # BEFORE AFTER: the differences
	echo "$1 $2" | awk '{ for (i = 1; i <= NF / 2; i++) printf "%d ", $(i + NF / 2) - $i }'
}

came() { # NAME BEFORE
	[ "$(interrupts "$1")" != "$2" ]
}

tell() { # COMMAND
	echo "$1" >"$monitor"
}

# What a command at the monitor makes of a line of /proc/interrupts, per CPU.
effect() { # NAME COMMAND
	before=$(interrupts "$1")
	tell "$2"
	wait_for 20 came "$1" "$before" || return
	more "$before" "$(interrupts "$1")"
}

sysrq_l() { # TIMES
	for _ in $(seq "$1"); do
		mark
		echo l >/proc/sysrq-trigger
		wait_for 15 eval "[ \$(backtraces) -eq $(nproc) ]" || return
	done
}

# Uncorrected, and Linux only says that it would panic. It may be in user space
# and then kill the program: there is none to spare but a loop of our own.
mce() { # CPU
	before=$(interrupts MCE)
	tell "mce $1 1 0xb200000000000000 0x0 0x0 0x0"
	wait_for 20 came MCE "$before" || return
	more "$before" "$(interrupts MCE)"
}

one_at() { # CPU
	awk -v at="$1" -v n="$(nproc)" 'BEGIN { for (i = 0; i < n; i++) printf "%d ", i == at }'
}

# Corrected ones raise no exception: Linux finds them when it looks. What it says
# of "events logged" is for two a minute only; the error itself it always prints.
corrected_is_logged() {
	tell "mce 1 2 0x9000000000000000 0x0 0x0 0x0"
	echo 1 >"$mc"/machinecheck0/check_interval
	wait_for 30 log_has 'Bank 2: 9000000000000000'
	code=$?
	echo 300 >"$mc"/machinecheck0/check_interval
	return "$code"
}

# Linux tells of its first fake panic only, so it is the counter that counts.
same_mce() { # CPU
	same "$(one_at "$1")" "$(mce "$1")"
}

ask() { # WHERE TIMES
	mark
	check "$1: $2 times sysrq-l, a backtrace of every CPU" sysrq_l "$2"
	mark
	for _ in 1 2 3; do
		effect NMI nmi
	done >"$work/nmi.$1"
	check "$1: the monitor's NMIs come" [ "$(tr ' ' '\n' <"$work/nmi.$1" | grep -c '^1$')" -eq 3 ]
	for cpu in $(seq 0 "$last_cpu"); do
		mark
		check "$1: a machine check comes to CPU $cpu, and to no other" same_mce "$cpu"
	done
	mark
	check "$1: a corrected error is logged" corrected_is_logged
}

[ -c $monitor ] || skip_all 'no monitor'
need_cpus 2
mc=/sys/devices/system/machinecheck
echo 1 >/sys/kernel/debug/mce/fake_panic
sysctl -q kernel.panic_on_unrecovered_nmi=0
ask native 2
check 'taken over' take
ask world 20
check 'the same NMIs as on the bare machine' cmp "$work/nmi.native" "$work/nmi.world"
check 'still a world on every CPU' same "$(cat /sys/devices/system/cpu/online)" "$(cat "$sys/cpus")"
mark
give_as_found "$(nproc --all)"
echo 0 >/sys/kernel/debug/mce/fake_panic
finish 'NMI received for unknown reason|Call Trace'
