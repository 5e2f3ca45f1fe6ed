#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# VMs by /dev/kvm on direct CPUs, for Bochs: those cases of vmm.sh that take little time. VMM_CASES
# are others of them.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

vmm=$out/selftests/takeover/vmm/vmm
cases='real ports mapping readonly mmio long cpuid triple faults signal irq complete two'
export VMM_SEED=1

mark
check 'taken over' take
for t in ${VMM_CASES:-$cases}; do
	check "$t" timeout 240 "$vmm" "$t"
done
give_as_found
finish
