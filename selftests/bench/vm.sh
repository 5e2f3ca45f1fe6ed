#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# vm.sh regent|kvm: in a machine with one CPU and --icount, what operations of a VM cost, and how
# long Debian takes to boot in one, waiting not counted. Prints lines for scripts/bench to read: those of vmm/bench.c,
# and "boot NANOSECONDS".

cd "$(dirname "$0")/../.." || exit 2
out=build/$(uname -r)

case $1 in
regent) insmod "$out/regent.ko" ;;
kvm) modprobe kvm_amd ;;
esac || exit 1
"$out/selftests/takeover/vmm/vmm" bench || exit 1
# Ticks of 10 ms in which the CPU had something to do. It waits for the emulator's disk, too, and
# how long that takes depends on the machine that emulates.
busy() {
	awk '$1 == "cpu" { print $2 + $3 + $4 + $7 + $8 + $9 }' /proc/stat
}

# On a forwarded CPU K runs the VM also while Linux is idle, of which these ticks do not tell.
[ "$1" = kvm ] || echo direct >/sys/kernel/regent/cpu0/mode || exit 1
begin=$(busy)
selftests/guest/boot.sh true >&2 || exit 1
echo "boot $((($(busy) - begin) * 10000000))"
case $1 in
regent) rmmod regent ;;
kvm) modprobe -r kvm_amd kvm ;;
esac
