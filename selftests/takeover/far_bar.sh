#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --cpu EPYC,+svm,+npt,phys-bits=48 --qemu=-device\ pci-testdev,membar=0x200000000000
#
# A device's memory so large that K cannot have tables for all that Linux touches of it:
# K drops tables and makes them anew, and asks Linux for pages. Linux gets what the bare
# machine gives, also with its interrupts off.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

# QEMU's pci-testdev: the BAR of 32 TiB.
far_bar() {
	for dev in /sys/bus/pci/devices/*; do
		[ "$(cat "$dev/vendor" "$dev/device" | xargs)" = '0x1b36 0x0005' ] || continue
		while read -r start end _; do
			[ $((end - start)) -lt $((1 << 44)) ] || { echo "$start"; return; }
		done <"$dev/resource"
	done
	return 1
}

# 100 pages, each with tables of its own; two such rounds have no table in common.
step=0x4000000000
round() { # CPU OFFSET
	echo "far $(printf '0x%x' $((bar + $2))) $step" | poke_many "$1"
}

as_natively() { # CPU
	for offset in 0 0x40000000 0x2000000000; do
		same "$(cat "$work/native$offset")" "$(round "$1" "$offset")" || return
	done
}

given_pages() {
	[ "$(cat "$sys/memory_kb")" -gt "$memory" ] && [ "$(cat "$sys/table_pages")" -gt 64 ]
}

says_so() {
	"$ctl" status | grep -q '^table pages  *[0-9]'
}

bar=$(far_bar) || { echo "Bail out! no far BAR"; exit 2; }
for offset in 0 0x40000000 0x2000000000; do
	round 0 $offset >"$work/native$offset"
done
comment <"$work/native0"

mark
check 'taken over' take debug=1
memory=$(cat "$sys/memory_kb")
for cpu in $(seq 0 "$last_cpu"); do
	check "CPU $cpu reads 300 pages far apart as on the bare machine" as_natively "$cpu"
done
check 'all CPUs are forwarded' set_all forwarded
for cpu in $(seq 0 "$last_cpu"); do
	check "CPU $cpu, forwarded, reads the same" as_natively "$cpu"
done
check 'Regent is in force' not faulted
check 'Linux has given pages for tables' wait_for 30 given_pages
check 'regentctl status tells how many are left' says_so
check "K's text is intact" same intact "$(cat "$sys/image")"
give_as_found
finish
