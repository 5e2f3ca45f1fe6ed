#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --monitor --qemu=-machine\ pc-q35-7.0
#
# KVM and Regent do not get into each other's way: whichever is there first, the
# other is refused cleanly and told what to do, and works afterwards.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

kvm_module=kvm_amd owns='SVM (EFER.SVME is set)'
if [ "$backend" = vmx ]; then
	kvm_module=kvm_intel owns='VMX (CR4.VMXE is set)'
fi

# Has KVM switched the extensions on without a VM? From 6.12 on it does, on AMD.
is_on() {
	[ "$backend" = svm ] && [ $(($(poke rdmsr 0xc0000080 | sed 's/none //') & 0x1000)) -ne 0 ]
}

owner_is_named() {
	log_has "regent: refused: another hypervisor owns $owns; if it is KVM: modprobe -r $kvm_module"
}

kvm_loaded() {
	grep -q "^$kvm_module " /proc/modules
}

kvm_works() {
	modprobe "$kvm_module" && [ -c /dev/kvm ] && : </dev/kvm
}

# Regent refuses it, and nothing else does.
no_kvm() {
	fails_with 'Device or resource busy' modprobe "$kvm_module" || return
	! kvm_loaded || return
	log_has "regent: $kvm_module not loaded: Regent owns the virtualization extensions"
}

unload_kvm() {
	modprobe -r "$kvm_module" && ! grep -q '^kvm' /proc/modules
}

test_kvm_second() {
	mark
	check 'taken over' take
	check "$kvm_module does not load" no_kvm
	mark
	check '... again and again' no_kvm
	check 'still a world' same intact "$(cat "$sys/image")"
	check 'kvm itself can be unloaded' sh -c '! grep -q "^kvm " /proc/modules || rmmod kvm'
	give_as_found "$(nproc --all)"
	check "$kvm_module loads afterwards" kvm_works
}

advice() {
	if is_on; then
		owner_is_named
	else
		log_has "regent: refused: KVM is loaded; stop its VMs, then: modprobe -r $kvm_module kvm (regentctl enter does it)"
	fi
}

test_kvm_first() {
	mark
	check "with $kvm_module loaded, no takeover" fails_with 'could not insert module' take
	check 'the log says what to do' advice
	check "$kvm_module is unharmed" kvm_works
}

enters() {
	"$ctl" enter --module "$module" || return
	same 'taken over' "$(cat "$sys/status")" || return
	! kvm_loaded
}

enter_is_refused() {
	fails_with "$kvm_module is in use" "$ctl" enter --module "$module" || return
	! regent_loaded && kvm_loaded
}

leaves() {
	"$ctl" leave && ! regent_loaded && kvm_loaded
}

# KVM_CREATE_VM; it is there until its maker gets the newline.
holds_a_vm() {
	python3 -c '
import fcntl, sys
with open("/dev/kvm", "rb") as kvm:
    fcntl.ioctl(kvm, 0xae01, 0)
    print("made", flush=True)
    sys.stdin.readline()' <"$work/hold" >"$work/made" &
	maker=$!
	exec 8>"$work/hold"
	wait_for 20 grep -q made "$work/made"
}

lets_go() {
	exec 8>&-
	wait "$maker"
}

test_vm_first() {
	mkfifo "$work/hold"
	mark
	check 'there is a VM' holds_a_vm
	check 'no takeover' fails_with 'could not insert module' take
	check 'the log says who owns the extensions' owner_is_named
	check 'the VM goes' lets_go
}

# Somebody has a VM: KVM is in use, and stays. The shell holds it open.
test_busy_kvm() {
	exec 9</dev/kvm
	check 'regentctl enter lets a KVM in use alone' enter_is_refused
	exec 9<&-
}

test_regentctl() {
	check "regentctl enter unloads an idle $kvm_module and takes over" enters
	check 'regentctl leave hands back and loads it again' leaves
	check 'it works' kvm_works
}

modprobe -r "$kvm_module" kvm 2>"$work/said"
test_kvm_second
test_kvm_first
test_vm_first
test_busy_kvm
test_regentctl
check 'KVM can be unloaded' unload_kvm
finish
