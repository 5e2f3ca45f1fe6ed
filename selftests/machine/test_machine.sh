#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Tests of scripts/machine itself: what every other test relies on.  Prints TAP.
# shellcheck disable=SC2016 # commands are for the guest's shell to expand

cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. selftests/tap.sh

# Run the machine; its output is in $work/out and err, its status in $status.
machine() {
	scripts/machine --timeout 120 "$@" >"$work/out" 2>"$work/err"
	status=$?
}

status_is() { # STATUS NAME
	[ "$status" = "$1" ]
	result $? "$2"
	[ "$status" = "$1" ] || {
		echo "# status $status, not $1"
		tail -n 20 "$work/err" | sed 's/^/# /'
	}
}

out_has() { # LINE NAME
	grep -Fxq -- "$1" "$work/out"
	result $? "$2"
}

test_set_up() {
	machine -- ; status_is 125 'no command is a set-up error'
	machine --no-such -- true; status_is 125 'so is an unknown option'
	machine --icount -- true; status_is 125 'so is --icount with two CPUs'
	machine --emulator bochs --icount --cpus 1 -- true
	status_is 125 'so is --icount with Bochs'
	machine --emulator bochs --cpu host -- true
	status_is 125 'so is a CPU that Bochs has not'
	machine --kernel 0.1 -- true; status_is 125 'so is a kernel not here'
}

# One boot with all defaults, asked many things.
test_defaults() {
	local release mark=machine-test-$$
	REGENT_PASS='PASSED' PASSED='a  b' HIDDEN=x \
		machine --monitor --disk 8 -- sh -c '
		echo "cwd $PWD"
		echo "release $(uname -r) $REGENT_RELEASE"
		echo "cpus $(nproc)"
		echo "env $PASSED ${HIDDEN-unset}"
		printf "arg %s\n" "$@"
		echo "error" >&2
		touch /tmp/$1 scripts/$1 && echo "writable"
		ping -c1 -W5 127.0.0.1 >/dev/null 2>&1 ||
			busybox ping -c1 127.0.0.1 >/dev/null && echo "loopback"
		grep -q regent /proc/modules || echo "bare"
		modprobe kvm_amd && [ -c /dev/kvm ] && echo "kvm"
		[ $(cat /sys/block/vda/size) = 16384 ] && echo "disk"
		test -r "$REGENT_VMLINUZ" -a -r "$REGENT_INITRD" && echo "files"
		(echo nmi; sleep 1) >/dev/virtio-ports/regent.monitor
		awk "/NMI:/ && \$2 + \$3 > 0 { print \"nmi\" }" /proc/interrupts
		sleep 1000 &
		exit 7' sh "$mark" "it's" '$HOME *'
	release=$(scripts/setup --print-kernel 6.1 | cut -d' ' -f3)
	status_is 7 'the exit status passes'
	out_has "cwd $PWD" "the project's directory is the working directory"
	out_has "release $release $release" 'Debian 6.1 runs by default'
	out_has 'cpus 2' 'with two CPUs'
	out_has 'env a  b unset' 'only the variables of REGENT_PASS pass'
	out_has "arg it's" 'an argument with a quote passes'
	out_has 'arg $HOME *' 'an argument with special characters passes'
	[ "$(head -n1 "$work/err")" = error ]
	result $? 'the error output is separate'
	out_has 'writable' 'files can be written in the guest'
	[ ! -e "scripts/$mark" ] && [ ! -e "/tmp/$mark" ]
	result $? 'and are not written on the host'
	out_has 'loopback' 'the loopback device is up'
	out_has 'bare' 'Regent is not loaded'
	out_has 'kvm' 'kvm_amd loads'
	out_has 'disk' '--disk gives a disk'
	out_has 'files' 'the kernel and its initramfs can be read'
	out_has 'nmi' 'the guest can send itself an NMI by the monitor'
}

test_output_is_intact() {
	machine --fast -- sh -c 'head -c 5000000 "$REGENT_VMLINUZ"'
	head -c 5000000 "$(scripts/setup --print-kernel 6.1 | cut -d' ' -f1)" |
		cmp -s - "$work/out"
	result $? '5 MB of binary output arrive unchanged'
}

# The console is what tells of a panic or a reset: nothing of it may be lost because
# nobody reads it for a while. Linux gives up on a character after 10 ms.
test_console_is_whole() {
	local machine lines=500
	: >"$work/out"
	scripts/machine --fast --timeout 120 --console "$work/console" -- sh -c '
		echo on >/proc/sys/kernel/printk_devkmsg
		echo go
		sleep 1
		for i in $(seq '$lines'); do
			echo "console line $i, which is here from its begin to its end" >/dev/kmsg
		done' >"$work/out" 2>"$work/err" &
	machine=$!
	until grep -q go "$work/out" || ! kill -0 $machine 2>/dev/null; do
		sleep 0.1
	done
	kill -STOP $machine
	sleep 6
	kill -CONT $machine
	wait $machine
	status=$?
	status_is 0 'a machine that nobody listens to for six seconds goes on'
	[ "$(grep -c 'console line [0-9]*, which is here from its begin to its end$' \
		"$work/console")" = $lines ]
	result $? "and no character of its console's $lines lines is lost"
}

test_other_kernel_and_kexec() {
	machine --kernel 6.12 --fast --cpus 4 -- sh -c '
		nproc; uname -r
		next=$(echo "echo second; kill -9 \$\$" | base64 -w0)
		kexec -l -s --initrd="$REGENT_INITRD" --command-line="console=ttyS0 \
			panic=-1 regent.cmd64=$next" "$REGENT_VMLINUZ" && kexec -e'
	out_has 4 'four CPUs come up'
	out_has "$(scripts/setup --print-kernel 6.12 | cut -d' ' -f3)" \
		'--kernel chooses the kernel'
	out_has second 'a kernel started by kexec runs its own command'
	status_is 137 'whose signal shows as 128 + its number'
}

test_icount() {
	machine --fast --icount --cpus 1 -- nproc
	status_is 0 '--icount works'
	out_has 1 'with one CPU'
}

test_endings() {
	machine --fast --expect reboot -- sh -c 'echo c >/proc/sysrq-trigger'
	status_is 122 'a panic is a failure'
	grep -q 'Kernel panic - not syncing: sysrq' "$work/err"
	result $? "and the console's end is shown"
	machine --fast --expect reboot -- busybox reboot -f
	status_is 0 'a reboot that is expected is none'
	machine --fast --quiet -- busybox poweroff -f
	status_is 121 'an unexpected power-off is a failure'
	machine --fast --timeout 6 -- sleep 1000
	status_is 124 'a hang is a failure'
	grep -q 'RIP=' "$work/err"
	result $? "and the CPUs' state is shown"
}

# The machine's type is named after the version, whichever files QEMU was started with; with
# the ROMs of the QEMU that is installed it would boot as well.
test_qemu10() {
	REGENT_CACHE=$work/empty machine --emulator qemu10 -- true
	status_is 125 'QEMU 10: without it, the machine is not set up'
	[ "$(cat "$work/err")" = 'machine: setup: no QEMU 10 here; run scripts/setup' ]
	result $? 'QEMU 10: and one line says what to do'
	machine --emulator qemu10 --fast --monitor -- sh -c '
		cd /sys/class/dmi/id
		sed "s/\.[0-9]*$//; s/^/type /" product_version
		grep -aqF "$(cat bios_version)" "$1/usr/share/seabios/bios-256k.bin" && echo "bios"
		(echo nmi; sleep 1) >/dev/virtio-ports/regent.monitor
		awk "/NMI:/ && \$2 + \$3 > 0 { print \"nmi\" }" /proc/interrupts
		modprobe kvm_amd && [ -c /dev/kvm ] && echo "kvm"
		exit 7' sh "$(scripts/setup --print-qemu10)"
	status_is 7 'QEMU 10: the exit status passes'
	out_has 'type pc-q35-10' "QEMU 10: the guest sees its machine"
	out_has bios 'QEMU 10: and its BIOS'
	out_has nmi 'QEMU 10: the monitor works'
	out_has kvm 'QEMU 10: kvm_amd loads'
	machine --emulator qemu10 --fast --timeout 6 -- sleep 1000
	status_is 124 'QEMU 10: a hang is a failure'
	grep -q 'RIP=' "$work/err"
	result $? "QEMU 10: and the CPUs' state is shown"
}

# A boot takes 20 s: two of them have to show it all.
test_bochs() {
	local bochs='--emulator bochs --cpus 1'
	# shellcheck disable=SC2086 # options
	REGENT_PASS='PASSED' PASSED='a  b' machine $bochs --cpu amd -- sh -c '
		echo "cwd $PWD"
		echo "release $(uname -r) $REGENT_RELEASE"
		grep -ow svm /proc/cpuinfo
		echo "env $PASSED"
		printf "arg %s\n" "$@"
		echo "error" >&2
		touch /tmp/x scripts/x && echo "writable"
		seq 1000
		sleep 1000 &
		exit 7' sh "it's" '$HOME *'
	status_is 7 'Bochs: the exit status passes'
	out_has "cwd $PWD" "Bochs: the project's directory is the working directory"
	out_has "release $1 $1" 'Bochs: Debian 6.1 runs by default'
	out_has svm 'Bochs: --cpu amd has SVM'
	out_has 'env a  b' 'Bochs: variables of REGENT_PASS pass'
	out_has 'arg $HOME *' 'Bochs: an argument with special characters passes'
	[ "$(head -n1 "$work/err")" = error ]
	result $? 'Bochs: the error output is separate'
	out_has writable 'Bochs: files can be written in the guest'
	[ "$(grep -Fx -A999 1 "$work/out" | sha1sum)" = "$(seq 1000 | sha1sum)" ]
	result $? 'Bochs: much output arrives unchanged'
	# shellcheck disable=SC2086 # options
	machine $bochs -- sh -c '
		grep -ow vmx /proc/cpuinfo
		echo c >/proc/sysrq-trigger'
	status_is 122 'Bochs: a panic is a failure'
	out_has vmx 'Bochs: the default has VMX'
	grep -Fxq "machine: the guest's kernel panicked" "$work/err"
	result $? 'Bochs: and is said in a line'
	# shellcheck disable=SC2086 # options
	machine $bochs --timeout 5 -- true
	status_is 124 'Bochs: a hang is a failure'
	grep -q '^rip: ' "$work/err"
	result $? "Bochs: and the CPUs' state is shown"
}

test_set_up
test_defaults
test_output_is_intact
test_console_is_whole
test_other_kernel_and_kexec
test_icount
test_endings
test_qemu10
test_bochs "$(scripts/setup --print-kernel 6.1 | cut -d' ' -f3)"
tap_end
