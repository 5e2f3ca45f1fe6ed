#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# VMs by /dev/kvm, for Bochs: the cases of vmm.sh for one CPU, and those that QEMU cannot do.
# VMM_CASES are others of them.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

vmm=$out/selftests/takeover/vmm/vmm
cases='real ports mapping cow readonly mmio long cpuid triple faults signal irq complete two refusals
	rewrite slots softdirty pae supported ioevent coalesced ring routes gsis delivery
	ipi tpr timer nmi halted killed lapic
	endless_db endless_db32 endless_ac holes tables crossing refused events registers own
	breakpoints clock msrs chips pic ioapic resample pit garbage xcr0 fuzz'
export VMM_SEED=1

# vCPUs on a direct and on a forwarded CPU at once stop Bochs: see docs/testing.md.
tests_of() { # CPUS MODE
	for t in ${VMM_CASES:-$cases}; do
		check "$2: $t" taskset -c "$1" timeout 240 "$vmm" "$t"
	done
}

mark
check 'taken over' take
tests_of "0-$last_cpu" direct
if [ "$last_cpu" -gt 0 ]; then
	check 'the last CPU is forwarded' set_mode "$last_cpu" forwarded
	tests_of "$last_cpu" forwarded
	check 'it is direct again' set_mode "$last_cpu" direct
fi
give_as_found
finish
