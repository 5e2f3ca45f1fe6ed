#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --monitor --qemu=-machine\ pc-q35-7.0
#
# The APIC and the IOAPIC in other ways than by a MOV of 32 bits: in other widths, by
# string instructions, by programs. What the bare machine gives, Linux gets also where K
# is in between; an instruction that K cannot execute costs the one who did it, and
# nobody else. After a fault of K's, the IOAPIC is as Linux has left it.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

ioapic=$(sed -n 's/^ *\([0-9a-f]*\)-[0-9a-f]* : IOAPIC 0$/0x\1/p' /proc/iomem)
apic=$(sed -n 's/^ *\([0-9a-f]*\)-[0-9a-f]* : Local APIC$/0x\1/p' /proc/iomem)

at() { # BASE OFFSET
	printf '0x%x' $(($1 + $2))
}

# Bochs panics where an access spans two registers.
widths='8 16 32 64'
[ $backend != vmx ] || widths='8 16 32'

# The version register is selected, which nobody changes.
read_ioapic() {
	echo "device out32 $ioapic 1"
	for n in $widths; do
		for offset in 0 0x10; do
			echo "device in$n $(at "$ioapic" $offset)"
			echo "device copy$n $(at "$ioapic" $offset)"
		done
	done
	echo "device in8 $(at "$ioapic" 1)"
	echo "device in8 $(at "$ioapic" 0x11)"
}

# Each width selects a register of the last pin, which nothing uses, and writes it.
write_ioapic() {
	for n in $widths; do
		for how in out fill; do
			echo "device out32 $ioapic 1"
			echo "device $how$n $ioapic 0x3e"
			echo "device in32 $ioapic"
			echo "device out32 $ioapic 0x3e"
			echo "device out32 $(at "$ioapic" 0x10) 0x10055"
			echo "device $how$n $(at "$ioapic" 0x10) 0x10066"
			echo "device in32 $(at "$ioapic" 0x10)"
			echo "device in32 $ioapic"
		done
	done
	echo "device out32 $(at "$ioapic" 0x10) 0x10000"
	# By a string move from one register to another.
	echo "device out32 $ioapic 1"
	echo "device across $(at "$ioapic" 0x10) $ioapic"
	echo "device in32 $ioapic"
	echo "device across $ioapic $(at "$apic" 0x30)"
}

# The version, the spurious vector, and the EOI register, where nothing happens.
use_apic() {
	for n in $widths; do
		for offset in 0x30 0xf0; do
			echo "device in$n $(at "$apic" $offset)"
		done
		echo "device copy$n $(at "$apic" 0x30)"
	done
	echo "device in8 $(at "$apic" 0x32)"
	echo "device out32 $(at "$apic" 0xe0) 0xffffffff"
}

programs() { # CPU
	for how in fresh file const; do
		taskset -c "$1" "$poke_user" copy $how "$ioapic"
	done
}

everything() { # CPU
	{ read_ioapic; write_ioapic; use_apic; } | poke_many "$1" &&
		poke "device out32 $ioapic 1" && programs "$1"
}

as_natively() { # CPU
	everything "$1" >"$work/here"
	diff "$work/native" "$work/here"
}

refused() { # CPU HOW BASE [TO]
	cmd="device $2 $3${4:+ $4}"
	same "$cmd: trap 13" "$(echo "$cmd" | poke_many "$1")"
}

in_force() {
	not faulted && same 0 "$(hypercall 0)"
}

test_widths() {
	mark
	check 'taken over' take debug=1
	check 'CPU 1 is forwarded' set_mode 1 forwarded
	for cpu in 1 0; do
		check "CPU $cpu reads and writes as on the bare machine" as_natively $cpu
	done
	for how in push sse; do
		check "$how on the IOAPIC is refused" refused 0 $how "$ioapic"
		check "$how on the APIC of a forwarded CPU is refused" refused 1 $how "$apic"
	done
	check 'and so is a string move to memory that ends in the IOAPIC' \
		refused 1 across "$(at "$apic" 0x30)" "$(at "$ioapic" -2)"
	check 'the log tells of it' wait_for 10 log_has \
		"CPU 1 used an APIC's register 0x0 by an instruction that Regent cannot execute"
	check 'Regent is in force' in_force
	check 'CPU 1 is direct again' set_mode 1 direct
	give_as_found
}

selected() { # REGISTER
	same "none 0x$1 0x0 0x0 0x0" "$(poke "device in32 $ioapic")"
}

# Linux reads and writes no entry meanwhile: pins do not move by themselves.
test_select() {
	mark
	poke "device out32 $ioapic 2" >/dev/null
	check 'taken over' take debug=1
	check 'CPU 1 is forwarded' set_mode 1 forwarded
	check 'Linux finds the register selected that it has selected' selected 2
	hypercall 4 2 >"$work/answer"
	check 'after a fault every CPU is given back' given_back
	check '... and it is selected in the IOAPIC' selected 2
	check 'Regent can be removed' give
}

need_poke
everything 1 >"$work/native"
comment <"$work/native"
test_widths
test_select
finish
