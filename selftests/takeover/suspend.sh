#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --monitor --qemu=-machine\ pc-q35-7.0
#
# Suspend: Regent hands back first, and takes over again afterwards. Linux's own
# dry run goes as far as switching the other CPUs off.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

pm_test=/sys/power/pm_test

dry_run() { # LEVEL
	echo "$1" >$pm_test && echo mem >/sys/power/state
}

taken_over() {
	same 'taken over' "$(cat "$sys/status")" || return
	same "$(cat /sys/devices/system/cpu/online)" "$(cat "$sys/cpus")"
}

[ -e $pm_test ] || skip_all 'this kernel has no /sys/power/pm_test'
echo 0 >/sys/module/suspend/parameters/pm_test_delay
dry_run core 2>"$work/said" || skip_all "this machine does not suspend: $(cat "$work/said")"

dump before
check 'taken over' take
for level in freezer devices processors core; do
	mark
	check "suspend as far as $level" dry_run $level
	check "... handed back before ($level)" as_found "$(nproc --all)"
	check "... and taken over again ($level)" wait_for 10 taken_over
	check "... which the log says ($level)" log_has 'regent: taken over:'
	check "... and K is intact ($level)" same intact "$(cat "$sys/image")"
done
mark
give_as_found "$(nproc --all)"
mark
check 'suspend without Regent' dry_run core
check 'does not take over' not log_has 'regent:'
echo none >$pm_test
dump after
check 'the dumps agree' same_dumps before after
finish
