#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --monitor --qemu=-machine\ pc-q35-7.0
#
# Suspend and hibernation: Regent hands back first, and takes over again
# afterwards. Linux's own dry run goes as far as freezing the programs; further
# it would suspend devices, and the machine's root is on one (9p over virtio)
# that does not come back from that, with or without Regent.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

pm_test=/sys/power/pm_test

dry_run() { # mem|disk
	echo freezer >$pm_test && echo "$1" >/sys/power/state
}

taken_over() {
	same 'taken over' "$(cat "$sys/status")" || return
	same "$(cat /sys/devices/system/cpu/online)" "$(cat "$sys/cpus")"
}

# In that order: handed back, programs frozen, taken over.
in_order() {
	log | awk '
		/regent: handed back:/ { n = n "back " }
		/[Ff]reezing user space processes/ && !/completed/ { if (n !~ /frozen/) n = n "frozen " }
		/regent: taken over:/ { n = n "taken" }
		END { if (n == "back frozen taken") exit 0; print "the order was: " n; exit 1 }'
}

test_way() { # mem|disk
	if ! dry_run "$1" 2>"$work/said"; then
		skip "$1" "not even without Regent: $(cat "$work/said")"
		return
	fi
	mark
	check "$1: taken over" take
	mark
	check "$1: dry run" dry_run "$1"
	check "$1: taken over again" wait_for 10 taken_over
	check "$1: handed back before, with all fields as found" as_found "$(nproc --all)"
	check "$1: and taken over again after it" in_order
	check "$1: K is intact" same intact "$(cat "$sys/image")"
	mark
	give_as_found "$(nproc --all)" "$1: handed back"
	mark
	check "$1: without Regent" dry_run "$1"
	check "$1: there is nothing to take over" not log_has 'regent:'
}

[ -e $pm_test ] || skip_all 'this kernel has no /sys/power/pm_test'
echo 0 >/sys/module/suspend/parameters/pm_test_delay
dump before
test_way mem
test_way disk
echo none >$pm_test
dump after
check 'the dumps agree' same_dumps before after
finish
