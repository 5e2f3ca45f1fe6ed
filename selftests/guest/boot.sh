#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# boot.sh [OPTION...] COMMAND: boot a VM by QEMU on /dev/kvm, with a kernel of Debian's and an
# initrd of busybox and the modules that the VM's devices need. COMMAND runs in it, and its output
# is printed. Afterwards the VM powers off.
#
#   -a ARGS      for the kernel, too
#   -c CPUS      vCPUs (1)
#   -C MODEL     for QEMU's -cpu (host)
#   -d FILE      a virtio-blk disk, by QEMU itself: FILE[,OPTION=VALUE...] as in -drive file=;
#                several are /dev/vda, /dev/vdb ...
#   -i FILE      QEMU writes its process ID there
#   -k SERIES    the kernel: 6.1 or 6.12 (the one that runs here)
#   -l MODULE    a module to load, with what it needs; any number of them
#   -m MACHINE   for QEMU's -M (microvm)
#   -n           a virtio-net card, by QEMU itself; 10.0.2.2 is this machine
#   -p CPULIST   the CPUs on which QEMU runs, for taskset (all)
#   -r MB        memory (256)
#   -t SECONDS   until the VM is killed (300)
#   -v           print the kernel's messages, too
#
# Exit status: COMMAND's; 125 when the VM did not come so far, or did not end.
# QEMU="PROGRAM OPTION..." takes another QEMU than the system's, VM_KERNEL=FILE another kernel.

here=$(cd "$(dirname "$0")" && pwd)
cpus=1
model=host
disks=
series=
modules=
machine=microvm
net=
pidfile=
list=0-$(($(nproc --all) - 1))
memory=256
limit=300
quiet=quiet
arguments=

usage() {
	sed -n '4,25s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

while getopts a:c:C:d:i:k:l:m:np:r:t:v option; do
	case $option in
	a) arguments=$OPTARG ;;
	c) cpus=$OPTARG ;;
	C) model=$OPTARG ;;
	d) disks="$disks $OPTARG" ;;
	i) pidfile="-pidfile $OPTARG" ;;
	k) series=$OPTARG ;;
	l) modules="$modules $OPTARG" ;;
	m) machine=$OPTARG ;;
	n) net=yes ;;
	p) list=$OPTARG ;;
	r) memory=$OPTARG ;;
	t) limit=$OPTARG ;;
	v) quiet= ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -eq 1 ] || usage
command -v busybox >/dev/null || { echo "boot.sh: no busybox; run make setup" >&2; exit 125; }

# Which of Debian's kernels: its file, where its modules are, and its name.
if [ -n "$series" ]; then
	kernel=$("$here/../../scripts/setup" --print-kernel "$series") || exit 125
else
	kernel="${REGENT_VMLINUZ:-/boot/vmlinuz-$(uname -r)} / $(uname -r)"
fi
vmlinuz=${VM_KERNEL:-${kernel%% *}}
release=${kernel##* }
kernel=${kernel% *}
tree=${kernel##* }

# A microvm has no PCI.
bus=pci
[ "${machine%%,*}" != microvm ] || bus=device
transport=virtio_pci
[ $bus = pci ] || transport=virtio_mmio
devices=
number=0
for disk in $disks; do
	devices="$devices -drive if=none,id=disk$number,format=raw,file=$disk"
	devices="$devices -device virtio-blk-$bus,drive=disk$number"
	number=$((number + 1))
done
[ $number -eq 0 ] || modules="$transport virtio_blk $modules"
if [ -n "$net" ]; then
	card=virtio-net-$bus
	[ $bus != pci ] || card=$card,romfile=
	devices="$devices -netdev user,id=net -device $card,netdev=net"
	modules="$transport virtio_net $modules"
fi

dir=$(mktemp -d) || exit 125
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/root/bin" "$dir/root/proc" "$dir/root/sys" "$dir/root/dev" "$dir/root/modules" \
	"$dir/root/tmp" "$dir/root/mnt"

# In the order in which they are to be loaded, unpacked.
pack_modules() {
	# shellcheck disable=SC2086 # several
	modprobe -d "$tree" -S "$release" -a --show-depends $modules >"$dir/depends" || return
	awk '$1 == "insmod" && !seen[$2]++ { print $2 }' "$dir/depends" | while read -r file; do
		name=${file##*/}
		name=${name%.xz}
		case $file in
		*.xz) xz -dc "$file" >"$dir/root/modules/$name" ;;
		*) cp "$file" "$dir/root/modules/" ;;
		esac || return
		echo "$name" >>"$dir/root/modules/order"
	done
}

[ -z "$modules" ] || pack_modules || exit 125
cp "$(command -v busybox)" "$dir/root/bin/busybox"
cp "$here/init" "$dir/root/init"
printf '%s\n' "$1" >"$dir/root/command"
(cd "$dir/root" && find . | cpio -o -H newc) >"$dir/initrd" 2>"$dir/cpio" ||
	{ cat "$dir/cpio" >&2; exit 125; }

# shellcheck disable=SC2086 # a program and its options
timeout -k 5 "$limit" taskset -c "$list" ${QEMU:-qemu-system-x86_64} \
	-M "$machine" -accel kvm -cpu "$model" -smp "$cpus" -m "$memory" $pidfile \
	-nodefaults -no-user-config -display none -serial stdio -no-reboot $devices \
	-kernel "$vmlinuz" -initrd "$dir/initrd" \
	-append "console=ttyS0 panic=-1 reboot=t $quiet $arguments" </dev/null >"$dir/console" 2>"$dir/errors"
status=$?
tr -d '\r' <"$dir/console" >"$dir/said"
answer=$(sed -n 's/^guest: status \([0-9]*\)$/\1/p' "$dir/said")
[ -n "$quiet" ] || cat "$dir/said"
[ -z "$quiet" ] || sed -n '/^guest: begin$/,/^guest: status /p' "$dir/said" | sed '1d;$d'
if [ "$status" -ne 0 ] || [ -z "$answer" ]; then
	echo "boot.sh: QEMU ended with status $status" >&2
	cat "$dir/errors" >&2
	tail -n 20 "$dir/said" >&2
	exit 125
fi
exit "$answer"
