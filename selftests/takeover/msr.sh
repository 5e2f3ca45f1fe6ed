#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --monitor --qemu=-machine\ pc-q35-7.0
#
# What Linux sees of the registers that are Regent's, and of SVM, is what it saw
# before: EFER.SVME is clear, writes have no effect and do no harm, the
# instructions of SVM are not there. VM_CR alone differs: it says that SVM is
# switched off.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

efer=0xc0000080
vm_cr=0xc0010114
hsave=0xc0010117
svme=0x1000
svmdis=0x10

# Untouched, some outside of what a permission map covers, and some not there.
others='0x1b 0x277 0xc0000081 0xc0000082 0xc0000103 0xc0010015 0xfe 0x2ff
	0x4b564d00 0x40000000 0x12345 0xc0010115 0xc001ffff 0xdeadbeef'
insns='vmrun vmload vmsave stgi clgi skinit invlpga vmmcall'

# What must answer as on the bare machine. EFER is written as it is, with SVME,
# and with a bit that no processor has; and put right again.
questions() { # EFER
	for nr in $efer $hsave $others; do
		echo "rdmsr $nr"
	done
	for insn in $insns; do
		echo "insn $insn"
	done
	echo "wrmsr $efer $1"
	echo "rdmsr $efer"
	echo "wrmsr $efer $(($1 | 1 << 40))"
	echo "rdmsr $efer"
	echo "wrmsr $efer $1"
	echo "wrmsr $hsave 0"
	echo "rdmsr $hsave"
}

# What must have no effect as a world.
attempts() { # EFER
	echo "wrmsr $efer $(($1 | svme))"
	echo "rdmsr $efer"
	echo "insn vmrun"
	echo "wrmsr $hsave 0x1000"
	echo "rdmsr $hsave"
	echo "wrmsr $vm_cr 0"
	echo "rdmsr $vm_cr"
}

ask_as_program() {
	for insn in $insns magic rdmsr; do
		echo "$insn: $("$poke_user" insn "$insn")"
	done
}

every_instruction_is_refused() {
	same 8 "$(grep -c '^insn .*: trap 6$' "$work/native.0")"
}

gave() { # COMMAND-PATTERN ANSWER
	grep -qx "$1: $2" "$work/attempts" && return
	cat "$work/attempts"
	return 1
}

svm_is_off() {
	vm_cr_now=$(sed -n "s/^rdmsr $vm_cr: none //p" "$work/attempts")
	same $((svmdis)) $((vm_cr_now & svmdis))
}

test_native() {
	for cpu in $(seq 0 "$last_cpu"); do
		questions "$efer_found" | poke_many "$cpu" >"$work/native.$cpu"
	done
	ask_as_program >"$work/native.program"
	check 'bare machine: SVME is clear' same 0 $((efer_found & svme))
	check 'bare machine: no instruction of SVM is there' every_instruction_is_refused
	check 'bare machine: a program is refused them, too' \
		same 9 "$(grep -c SIGILL "$work/native.program")"
}

test_world() { # CPU
	questions "$efer_found" | poke_many "$1" >"$work/world.$1"
	check "CPU $1: registers and instructions as on the bare machine" \
		same_answers "native.$1" "world.$1"
	attempts "$efer_found" | poke_many "$1" >"$work/attempts"
	check "CPU $1: SVME can be written" gave "wrmsr $efer $((efer_found | svme))" none
	check "CPU $1: and is not there afterwards" gave "rdmsr $efer" "none $efer_found"
	check "CPU $1: nor is VMRUN" gave 'insn vmrun' 'trap 6'
	check "CPU $1: VM_HSAVE_PA can be written" gave "wrmsr $hsave 0x1000" none
	check "CPU $1: to no effect" gave "rdmsr $hsave" 'none 0x0'
	check "CPU $1: VM_CR can be written" gave "wrmsr $vm_cr 0" none
	check "CPU $1: and says that SVM is off" svm_is_off
	check "CPU $1: it is still a world" same intact "$(taskset -c "$1" cat "$sys/image")"
}

# As a world EFER.SVME is set behind Linux's back, so that a program's privileged
# instruction of SVM is #GP, not #UD: the processor checks the privilege before
# it asks whether the instruction is intercepted. All else is the same.
test_programs() {
	ask_as_program >"$work/world.program"
	sed -E '/^(vm(run|load|save)|clgi|stgi|invlpga):/s/SIGILL/SIGSEGV/' \
		"$work/native.program" >"$work/expected.program"
	check 'programs get what they get on the bare machine' \
		same_answers expected.program world.program
	check "a program's hypercall with the magic is refused" \
		grep -qx 'magic: SIGILL' "$work/world.program"
}

test_counters() {
	check 'accesses to MSRs are counted' [ "$(cat "$sys/cpu1/exits_msr")" -ge 8 ]
	check 'instructions of SVM are counted' [ "$(cat "$sys/cpu1/exits_virt_insn")" -ge 7 ]
	check 'foreign hypercalls are counted' [ "$(cat "$sys/cpu1/exits_outer_call")" -ge 1 ]
}

need_cpus 2
efer_found=$(poke rdmsr $efer | sed 's/none //')
vm_cr_found=$(poke rdmsr $vm_cr)
test_native
mark
check 'taken over' take
for cpu in $(seq 0 "$last_cpu"); do
	test_world "$cpu"
done
test_programs
test_counters
give_as_found "$(nproc --all)"
check 'VM_CR is as before' same "$vm_cr_found" "$(poke rdmsr $vm_cr)"
check 'EFER is as before' same "none $efer_found" "$(poke rdmsr $efer)"
finish
