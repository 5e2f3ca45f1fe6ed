#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What Linux sees of VMX, which is Regent's: as before, CR4.VMXE can be set and reads so,
# and the instructions of VMX are not there. IA32_FEATURE_CONTROL alone differs: it says
# that VMX is switched off, for good.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

feature_control=0x3a
efer=0xc0000080
others='0x1b 0x174 0x175 0x176 0x277 0xc0000080 0xc0000081 0xc0000082 0xc0000084 0xc0000102
	0xfe 0x2ff 0x12345 0x40000000 0x4b564d00 0xdeadbeef'
insns='vmxon vmclear vmptrld vmread vmwrite invept invvpid vmlaunch vmresume vmxoff
	vmfunc vmcall vmmcall vmrun getsec'

questions() { # EFER
	for nr in $others; do
		echo "rdmsr $nr"
	done
	for insn in $insns; do
		echo "insn $insn"
	done
	echo vmxe
	echo "wrmsr $efer $1"
	echo "wrmsr $efer $(($1 | 1 << 40))"
	echo "rdmsr $efer"
}

refused() { # FILE: how many instructions
	same "$(echo "$insns" | wc -w)" "$(grep -c '^insn .*: trap 6$' "$work/$1")"
}

vmx_is_off() { # CPU
	echo "rdmsr $feature_control" | poke_many "$1" | grep -qx "rdmsr $feature_control: none 0x1"
}

stays_off() { # CPU
	same "wrmsr $feature_control 5: trap 13" "$(echo "wrmsr $feature_control 5" | poke_many "$1")"
}

[ "$backend" = vmx ] || skip_all 'not a CPU of Intel'
found=$(poke rdmsr $efer | sed 's/none //')
control=$(poke rdmsr $feature_control)
for cpu in $(seq 0 "$last_cpu"); do
	questions "$found" | poke_many "$cpu" >"$work/native.$cpu"
done
check 'bare machine: no instruction of VMX is there' refused native.0
check 'bare machine: VMX can be used' [ $((${control#none } & 5)) -eq 5 ]
mark
check 'taken over' take
for cpu in $(seq 0 "$last_cpu"); do
	questions "$found" | poke_many "$cpu" >"$work/world.$cpu"
	check "CPU $cpu: registers and instructions as on the bare machine" \
		same_answers "native.$cpu" "world.$cpu"
	check "CPU $cpu: VMX is said to be switched off" vmx_is_off "$cpu"
	check "CPU $cpu: and that cannot be changed" stays_off "$cpu"
	check "CPU $cpu: it is still a world" same intact "$(taskset -c "$cpu" cat "$sys/image")"
done
check 'instructions of VMX are counted' [ "$(cat "$sys/cpu0/exits_virt_insn")" -ge 10 ]
give_as_found "$(nproc --all)"
check 'IA32_FEATURE_CONTROL is as before' same "$control" "$(poke rdmsr $feature_control)"
finish
