#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian's kernel in stock QEMU, as a VM of Regent's, for Bochs: once, to its init. The kernel is
# unpacked already, and does without what takes long.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

boots() {
	# shellcheck disable=SC2016 # the guest expands it
	VM_KERNEL=${REGENT_UNPACKED-} "$top/selftests/guest/boot.sh" -t 1200 -a "cryptomgr.notests=1 \
tsc=reliable mitigations=off nokaslr initcall_blacklist=load_system_certificate_list,trace_eval_init \
${VM_ARGUMENTS-}" 'echo "sum $(seq 1 100 | sha256sum)"
echo "clock $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"' \
		>"$work/guest" 2>&1
	status=$?
	cat "$work/guest"
	same 0 "$status" && grep -qx "sum $(seq 1 100 | sha256sum)" "$work/guest"
}

mark
check 'taken over' take
check 'Debian boots on a microvm' boots
give_as_found
finish
