#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --qemu=-machine\ pc-q35-7.0
#
# VMs by /dev/kvm: a small VMM's tests. With VMM_ON=kvm they run on KVM itself, which says whether
# they are right; apart, because KVM in an emulated machine may hang. With VMM_ON=fuzz it is calls
# of any kind alone, VMM_CALLS of each thread, again and again, from VMM_SEED on. QEMU's CPU 0 has
# a race with what worlds do (docs/testing.md): the tests stay away from it.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

vmm=$out/selftests/takeover/vmm/vmm
# Not here, because QEMU 7.2 may end by them: endless_db, endless_db32, breakpoints (it loses its
# list of breakpoints where VMRUN or an exit loads DR7), and fuzz (KVM has hung by it).
cases='real ports mapping cow readonly still mmio long cpuid triple faults signal irq complete smp two refusals
	rewrite sigmask slots plugged softdirty pae supported ioevent drain coalesced ring routes gsis delivery
	ipi tpr timer ipis ipis2 nmi halted killed lapic
	endless_ac moved holes tables crossing refused events registers own clock msrs
	chips pic ioapic resample pit'
# Not on KVM: QEMU 7.2 does not exit by XSETBV, of which KVM hears nothing; and there are MSRs that
# KVM lets a guest write, by which it ends. fuzz_ioctl has the calls that Regent has. Its VMRUN
# loads no interrupt shadow.
regent_cases='garbage xcr0 fuzz_ioctl shadow'
# Where a test makes up values: always the same ones
export VMM_SEED="${VMM_SEED-1}"

# Everybody who makes a VM does so here.
run_vmm() { # TEST
	taskset -c "1-$last_cpu" timeout 240 "$vmm" "$1"
}

tests_of() { # WHOSE [CASE...]
	whose=$1
	shift
	for t in $cases "$@"; do
		check "$whose: $t" run_vmm "$t"
	done
}

test_kvm() {
	check 'KVM loads' modprobe kvm_amd
	tests_of KVM
	check 'KVM is unloaded' modprobe -r kvm_amd kvm
}

killed() {
	: >"$work/forever"	# now: the child does it later than it is looked at
	taskset -c 1 "$vmm" forever >"$work/forever" &
	pid=$!
	wait_for 10 grep -q ready "$work/forever" || return
	kill -KILL "$pid"
	wait "$pid"
	same 137 "$?"
}

test_regent() {
	mark
	check 'taken over' take
	check 'all CPUs stay direct' set_all direct
	# shellcheck disable=SC2086 # a list
	tests_of Regent $regent_cases
	for _ in 1 2 3 4; do
		check 'a VMM is killed' killed
	done
	check 'CPU 2 is forwarded' set_mode 2 forwarded
	# What has to do with more than one CPU
	for t in mapping cow signal smp two slots delivery timer ipis ipis2 killed pic resample; do
		check "mixed: $t" run_vmm "$t"
	done
	check 'all CPUs are forwarded' set_all forwarded
	# shellcheck disable=SC2086 # a list
	tests_of forwarded $regent_cases
	for _ in 1 2 3 4; do
		check 'a VMM is killed' killed
	done
	check 'all CPUs are direct again' set_all direct
	give_as_found "$(nproc --all)"
}

# A VM that is there keeps Regent loaded.
stays_loaded() {
	: >"$work/forever"	# now: the child does it later than it is looked at
	taskset -c 1 "$vmm" forever >"$work/forever" &
	pid=$!
	wait_for 10 grep -q ready "$work/forever" || return
	fails_with 'in use' rmmod regent
	code=$?
	kill -KILL "$pid"
	wait "$pid"
	return "$code"
}

test_in_use() {
	mark
	check 'taken over' take
	check 'not while there is a VM' stays_loaded
	give_as_found "$(nproc --all)"
}

# A vCPU that runs, and one that waits: their VMMs hear that K is gone.
heard_of_the_fault() {
	: >"$work/forever"
	taskset -c 1 timeout 60 "$vmm" forever >"$work/forever" & runs=$!
	taskset -c 2 timeout 60 "$vmm" asleep >"$work/asleep" & waits=$!
	wait_for 10 grep -q ready "$work/forever" && wait_for 10 grep -q ready "$work/asleep" &&
		k_faults && given_back || return
	wait "$runs"
	wait "$waits"
	cat "$work/forever" "$work/asleep"
	grep -q 'KVM_RUN: Input/output error' "$work/forever" &&
		grep -q 'KVM_RUN: Input/output error' "$work/asleep"
}

test_fault() {
	mark
	check 'taken over' take debug=1
	check 'K faults, and the VMMs hear of it' heard_of_the_fault
	check 'Regent can be removed' give
}

pm_test=/sys/power/pm_test

# Linux's own dry run of a suspend, which hands back and takes over again.
suspends() {
	echo freezer >"$pm_test" && echo mem >/sys/power/state && echo none >"$pm_test"
}

# The VM is gone then, and its VMM hears of it.
ends_by_suspend() {
	: >"$work/forever"	# now: the child does it later than it is looked at
	taskset -c 1 "$vmm" forever >"$work/forever" &
	pid=$!
	wait_for 10 grep -q ready "$work/forever" && suspends || return
	wait "$pid"
	grep 'KVM_RUN: Input/output error' "$work/forever"
}

# K has as many worlds as before: it would run out of them.
none_is_left() {
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do
		run_vmm smp || return
	done
}

test_suspend() {
	[ -e "$pm_test" ] || return
	echo 0 >/sys/module/suspend/parameters/pm_test_delay
	mark
	check 'taken over' take
	for _ in 1 2 3; do
		check 'a VM ends with a suspend' ends_by_suspend
	done
	check 'and leaves nothing in K' none_is_left
	give_as_found "$(nproc --all)"
}

test_fuzz() {
	seed=$VMM_SEED
	mark
	check 'taken over' take
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		VMM_SEED=$seed
		check "calls from seed $seed" run_vmm fuzz_ioctl
		seed=$((seed + 1))
	done
	give_as_found "$(nproc --all)"
}

need_cpus 3
if [ "${VMM_ON-}" = fuzz ]; then
	test_fuzz
	finish
fi
if [ "${VMM_ON-}" = kvm ]; then
	test_kvm
	finish
fi
test_regent
test_in_use
test_fault
test_suspend
finish
