#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# boot.sh [-a ARGS] [-c CPUS] [-m MACHINE] [-p CPULIST] [-t SECONDS] [-v] COMMAND: boot a VM by
# QEMU on /dev/kvm, with Debian's kernel that runs here and an initrd of nothing but busybox. COMMAND
# runs in it, and its output is printed. Afterwards the VM powers off.
#
#   -a ARGS      for the kernel, too
#   -c CPUS      vCPUs (1)
#   -m MACHINE   for QEMU's -M (microvm)
#   -p CPULIST   the CPUs on which QEMU runs, for taskset (all)
#   -t SECONDS   until the VM is killed (300)
#   -v           print the kernel's messages, too
#
# Exit status: COMMAND's; 125 when the VM did not come so far, or did not end.
# QEMU="PROGRAM OPTION..." takes another QEMU than the system's, VM_KERNEL=FILE another kernel.

here=$(cd "$(dirname "$0")" && pwd)
cpus=1
machine=microvm
list=0-$(($(nproc --all) - 1))
limit=300
quiet=quiet
vmlinuz=${VM_KERNEL:-${REGENT_VMLINUZ:-/boot/vmlinuz-$(uname -r)}}
arguments=

usage() {
	sed -n '4,16s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

while getopts a:c:m:p:t:v option; do
	case $option in
	a) arguments=$OPTARG ;;
	c) cpus=$OPTARG ;;
	m) machine=$OPTARG ;;
	p) list=$OPTARG ;;
	t) limit=$OPTARG ;;
	v) quiet= ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -eq 1 ] || usage
command -v busybox >/dev/null || { echo "boot.sh: no busybox; run make setup" >&2; exit 125; }

dir=$(mktemp -d) || exit 125
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/root/bin" "$dir/root/proc" "$dir/root/sys" "$dir/root/dev"
cp "$(command -v busybox)" "$dir/root/bin/busybox"
cp "$here/init" "$dir/root/init"
printf '%s\n' "$1" >"$dir/root/command"
(cd "$dir/root" && find . | cpio -o -H newc) >"$dir/initrd" 2>"$dir/cpio" ||
	{ cat "$dir/cpio" >&2; exit 125; }

# shellcheck disable=SC2086 # a program and its options
timeout -k 5 "$limit" taskset -c "$list" ${QEMU:-qemu-system-x86_64} \
	-M "$machine" -accel kvm -cpu host -smp "$cpus" -m 256 \
	-nodefaults -no-user-config -display none -serial stdio -no-reboot \
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
