#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --memory 2048 --emulator qemu10
#
# Debian's kernels in stock QEMU, as VMs of Regent's: each value of each column below at least
# twice, and each kernel with each machine. Each VM reads and writes a disk, fetches a file by its
# network card, and compiles on all its CPUs. BOOTS="3 7" does these only. qemu.sh is the quick one.
# QEMU's CPU 0 has a race with what worlds do (docs/testing.md): the VMs stay away from it.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

boot=$top/selftests/guest/boot.sh
compiler=$top/build/guest/disk
sums=$top/build/guest/sums
disk=$work/disk
address=127.0.0.1:8080

# kernel, machine, vCPUs, -cpu, QEMU
kinds='6.1  q35                       1 host 7.2
6.1  q35                       2 max  10
6.12 q35                       4 host 10
6.1  q35,kernel-irqchip=split  4 EPYC 7.2
6.12 q35,kernel-irqchip=split  2 max  7.2
6.12 q35,kernel-irqchip=split  1 host 10
6.1  pc                        4 max  10
6.12 pc                        1 EPYC 7.2
6.12 pc                        2 host 10
6.1  microvm                   2 EPYC 10
6.12 microvm,rtc=on            4 max  7.2
6.1  microvm                   1 host 7.2'

# What the VM does. Each step is one line, which says what came out. What its kernel complains of
# because the emulator was away (late) is only counted.
# shellcheck disable=SC2016 # the guest expands it
work_in_vm='
sum() { sha256sum | cut -d" " -f1; }
echo "is $(uname -r) with $(grep -c ^processor /proc/cpuinfo) cpus"
echo "clock $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
echo "disk has $(dd if=/dev/vda bs=64k count=64 2>/dev/null | sum)"
dd if=/dev/vda of=/dev/vda bs=64k count=64 seek=64 2>/dev/null
blockdev --flushbufs /dev/vda
echo "disk got $(dd if=/dev/vda bs=64k count=64 skip=64 2>/dev/null | sum)"
ip link set lo up
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
ping -q -c 3 -W 20 10.0.2.2 >/dev/null && echo "ping answered"
echo "net has $(wget -q -O - http://10.0.2.2:8080/data | sum)"
mount -t ext4 -o ro /dev/vdb /mnt && mount -t devtmpfs dev /mnt/dev &&
	mount -t tmpfs tmp /mnt/tmp || exit 1
PATH=/bin:/usr/bin chroot /mnt /src/compile.sh /tmp/objects "$(grep -c ^processor /proc/cpuinfo)"
late="soft lockup|rcu.*stall|hung_task|clocksource.*unstable"
echo "late $(dmesg | grep -cE "$late")"
! dmesg | grep -vE "$late|Return Stack Overflow: WARNING" |
	grep -B 4 -A 16 -E "WARNING|BUG:|Oops|unchecked MSR|general protection"'

serve() {
	mkdir "$work/www" && head -c 2M /dev/urandom >"$work/www/data" || return
	busybox httpd -f -p "$address" -h "$work/www" & server=$!
	trap 'kill $server; rm -rf "$work"' EXIT
	wait_for 60 busybox wget -q -O /dev/null "http://$address/data"
}

sum_of() { # FILE [FROM-BLOCK]
	dd if="$1" bs=64k count=64 skip="${2:-0}" 2>/dev/null | sha256sum | cut -d' ' -f1
}

# The VM's first 4 MiB are news each time, and its next ones zeros.
new_disk() {
	head -c 4M /dev/urandom >"$disk" && truncate -s 8M "$disk"
}

choose_qemu() { # VERSION
	unset QEMU QEMU_MODULE_DIR
	[ "$1" = 10 ] || return 0
	root=$("$top/scripts/setup" --print-qemu10) || return
	export QEMU_MODULE_DIR="$root/usr/lib/x86_64-linux-gnu/qemu"
	export QEMU="$root/usr/bin/qemu-system-x86_64 -L $root/usr/share/qemu -L $root/usr/share/seabios"
}

guest_says() { # LINE
	grep -Fqx -- "$1" "$work/guest" && return
	echo "it did not say: $1"
	return 1
}

boots() { # KERNEL MACHINE VCPUS MODEL QEMU
	new_disk && choose_qemu "$5" || return
	"$boot" -k "$1" -m "$2" -c "$3" -C "$4" -p 1-3 -r 512 -t 900 -n -l ext4 -l crc32c_generic \
		-d "$disk" -d "$compiler,readonly=on" "$work_in_vm" >"$work/guest" 2>&1
	status=$?
	cat "$work/guest"
	same 0 "$status" || return
	release=$("$top/scripts/setup" --print-kernel "$1") || return
	guest_says "is ${release##* } with $3 cpus" || return
	guest_says "disk has $(sum_of "$disk")" || return
	guest_says "disk got $(sum_of "$disk")" || return
	same "$(sum_of "$disk")" "$(sum_of "$disk" 64)" || return
	guest_says 'ping answered' || return
	guest_says "net has $(sha256sum <"$work/www/data" | cut -d' ' -f1)" || return
	grep '  \./' "$work/guest" | diff - "$sums"
}

boot_all() {
	number=0
	while read -r series machine cpus model qemu; do
		number=$((number + 1))
		case " ${BOOTS:-$number} " in *" $number "*) ;; *) continue ;; esac
		started=$(date +%s)
		check "$series on $machine, $cpus vCPUs, -cpu $model, QEMU $qemu" \
			boots "$series" "$machine" "$cpus" "$model" "$qemu"
		echo "# boot $number: $(($(date +%s) - started)) s, $(grep -E '^(clock|late) ' "$work/guest" | paste -sd' ')"
	done <<-KINDS
		$kinds
	KINDS
}

need_cpus 4
[ -s "$sums" ] || { echo "Bail out! no $sums: selftests/guest/disk.sh makes it"; exit 2; }
mark
check 'a server' serve
check 'taken over' take
boot_all
give_as_found "$(nproc --all)"
finish
