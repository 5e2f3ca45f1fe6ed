#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --monitor --qemu=-machine\ pc-q35-7.0
#
# Single-stepping traps once per instruction, over intercepted ones as well, in
# programs and in the kernel: at the same places as on the bare machine.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

step_all() { # WHERE
	for cpu in $(seq 0 "$last_cpu"); do
		taskset -c "$cpu" sh -c 'echo step >/dev/regent_poke && cat /dev/regent_poke'
	done >"$work/kernel.$1"
	taskset -c "$last_cpu" "$poke_user" step >"$work/program.$1"
}

traps_between() { # LOW FILE HIGH
	between "$1" "$(head -n 1 "$work/$2" | wc -w)" "$3"
}

insmod "$poke_module"
step_all native
check 'bare machine: a trap after each of 8 instructions' traps_between 8 kernel.native 8
check 'bare machine: a program stops after each instruction' traps_between 18 program.native 24
check 'bare machine: VMMCALL is no instruction to it' \
	same 2 "$(grep -o ILL "$work/program.native" | wc -l)"
mark
check 'taken over' take
step_all world
check 'the kernel over RDMSR and WRMSR of EFER: as on the bare machine' \
	diff "$work/kernel.native" "$work/kernel.world"
check 'a program over CPUID, SYSCALL and VMMCALL: as on the bare machine' \
	diff "$work/program.native" "$work/program.world"
check 'these did come to Regent' [ "$(cat $sys/cpu$last_cpu/exits_msr)" -ge 2 ]
check 'these did come to Regent' [ "$(cat $sys/cpu$last_cpu/exits_outer_call)" -ge 2 ]
give_as_found "$(nproc --all)"
finish
