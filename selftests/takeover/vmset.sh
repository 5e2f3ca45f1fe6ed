#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --qemu=-machine\ pc-q35-7.0
#
# What an operator sees of a VM and says of it: regentctl worlds, world set, world follow, and
# leave. The VM is a vCPU that never stops, on CPU 1. Because the host may be busy the limits are
# wide, and what does not hold at once may come true within some tries. QEMU's CPU 0 has a race with
# what worlds do (docs/testing.md): the VM stays away from it.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

vmm=$out/selftests/takeover/vmm/vmm
groups=/sys/fs/cgroup
group=$groups/regent_test

start_vm() {
	: >"$work/forever"	# now: the child does it later than it is looked at
	taskset -c 1 "$vmm" forever >"$work/forever" &
	vm=$!
	wait_for 10 grep -q ready "$work/forever"
}

end_vm() {
	kill -KILL "$vm"
	wait "$vm"
	same 137 "$?"
}

# One member of what the list says of the vCPU; the writer has one a line.
of_vcpu() { # KEY
	"$ctl" worlds --json >"$work/json" || return
	awk -v key="\"$1\":" '
		/"name": "vm1\/0"/ { on = 1 }
		/}/ { on = 0 }
		on && $1 == key { gsub(/[",]/, "", $2); print $2 }' "$work/json"
}

vcpu_has() { # KEY VALUE
	same "$2" "$(of_vcpu "$1")"
}

is_listed() {
	wait_for 10 vcpu_has thread "$vm" && python3 -m json.tool <"$work/json" >"$work/valid" &&
		vcpu_has vm 1 && vcpu_has vcpu 0 && vcpu_has pid "$vm" && vcpu_has command vmm &&
		"$ctl" worlds >"$work/table" && cat "$work/table" &&
		grep -q "^vm1/0  *1 " "$work/table" && grep -q "^vm1/0  *$vm  *$vm vmm$" "$work/table"
}

# Of the time of that CPU, the thousandths that the vCPU has run in about a second
share_on() { # CPU
	"$ctl" worlds >"$work/begin" && sleep 1 && "$ctl" worlds >"$work/end" || return
	awk -v cpu="$1" '
		$2 != cpu || NF != 11 { next }
		NR == FNR { begin[$1] = $7; next }
		{ ran = $7 - begin[$1]; all += ran }
		$1 == "vm1/0" { vm = ran }
		END { printf "%d\n", all ? 1000 * vm / all : -1 }' "$work/begin" "$work/end"
}

gets() { # CPU LOW HIGH: thousandths
	share=$(share_on "$1")
	between "$2" "$share" "$3"
}

is_limited() {
	"$ctl" world set vm1/0 --max 30% && wait_for 2 vcpu_has max_permille 300 &&
		wait_for 2 gets 1 260 340 && "$ctl" worlds | grep '^vm1/0 .* 30% '
}

is_free_again() {
	"$ctl" world set "$vm" --max 100 && wait_for 2 vcpu_has max_permille 1000 &&
		wait_for 2 gets 1 700 1000
}

shows() { # SHARES MIN
	vcpu_has shares "$1" && vcpu_has min_permille "$2"
}

# The run that has the new values begins when the vCPU has let go of its CPU.
has_shares_and_min() {
	"$ctl" world set vm1 --shares 300 --min 12.5% && wait_for 2 shows 300 125
}

has_nice_shares() { # LOW HIGH
	between "$1" "$(of_vcpu shares)" "$2"
}

# Beside a program of Linux's that computes on the same CPU: 3 parts of 4, then a quarter
has_them_beside_a_busy_linux() {
	taskset -c 1 sh -c 'while :; do :; done' &
	busy=$!
	"$ctl" world set vm1 --shares 3072 --min 0 && wait_for 2 shows 3072 0 &&
		wait_for 2 gets 1 650 850 && echo "$share of 750" &&
		"$ctl" world set vm1 --shares 341 && wait_for 2 shows 341 0 &&
		wait_for 2 gets 1 150 350 && echo "$share of 250"
	code=$?
	kill "$busy"
	wait "$busy"
	return "$code"
}

# Ten steps of a fifth less; and no more than four times what Linux has
follows_nice() {
	"$ctl" world set vm1 --shares nice --min 0 && wait_for 2 shows 1024 0 &&
		renice -n 10 -p "$vm" && wait_for 2 has_nice_shares 90 130 &&
		renice -n -20 -p "$vm" && wait_for 2 has_nice_shares 4096 4096 &&
		renice -n 0 -p "$vm"
}

moves() {
	"$ctl" world set vm1 --cpus 2 && taskset -pc "$vm" | grep ': 2$' &&
		wait_for 5 vcpu_has cpu 2 && wait_for 2 gets 2 700 1000 &&
		"$ctl" world set vm1/0 --cpus 1,3 && "$ctl" world set vm1/0 --cpus 1 &&
		wait_for 5 vcpu_has cpu 1 && wait_for 2 gets 1 700 1000
}

# Nothing is changed by these.
refuses() {
	fails_with 'VM 9 has no vCPUs' "$ctl" world set vm9 --max 50 &&
		fails_with 'process 1 has no vCPUs' "$ctl" world set 1 --max 50 &&
		fails_with 'vm1 has no vCPU 1;' "$ctl" world set vm1/1 --max 50 &&
		fails_with "no CPU of '60' is online" "$ctl" world set vm1 --cpus 60 &&
		"$ctl" world set vm1 --min 20 && fails_with 'would be above' "$ctl" world set vm1 --max 10 &&
		wait_for 2 vcpu_has min_permille 200 && vcpu_has max_permille 1000 &&
		"$ctl" world set vm1 --min 0
}

is_named_in_the_way() {
	fails_with "process $vm vmm: vm1 with 1 vCPU" "$ctl" leave &&
		grep 'Regent is in use; shut down its VMs and what else uses it, then try again:' \
			"$work/failed"
}

make_group() {
	mountpoint -q "$groups" || mount -t cgroup2 none "$groups" || return
	echo +cpu >"$groups/cgroup.subtree_control" && mkdir "$group" && echo "$vm" >"$group/cgroup.procs"
}

follows_once() {
	make_group && echo '40000 100000' >"$group/cpu.max" && echo 50 >"$group/cpu.weight" || return
	"$ctl" world follow --once >"$work/followed" || return
	cat "$work/followed"
	same 'vm1/0: shares 512, at most 40.0%' "$(cat "$work/followed")" &&
		wait_for 2 shows 512 0 && vcpu_has max_permille 400 && wait_for 2 gets 1 350 450
}

# It holds the module for moments only, and ends by itself when that goes.
follows_on() {
	"$ctl" world follow >"$work/followed" 2>&1 &
	follower=$!
	wait_for 10 grep -q 'shares 512' "$work/followed" || return
	echo max >"$group/cpu.max" && echo 200 >"$group/cpu.weight" && wait_for 5 shows 2048 0 &&
		vcpu_has max_permille 1000
}

has_ended() {
	! alive "$follower"
}

ends_by_itself() {
	wait_for 10 has_ended || return
	wait "$follower"
	same 3 "$?" && cat "$work/followed" && grep -q 'Regent is not loaded' "$work/followed"
}

none_is_listed() {
	"$ctl" worlds >"$work/table" && not grep '^vm' "$work/table"
}

remove_group() {
	wait_for 10 rmdir "$group" && echo -cpu >"$groups/cgroup.subtree_control"
}

test_vm() {
	mark
	check 'taken over' take
	check 'all CPUs are forwarded' set_all forwarded
	check 'a VM runs' start_vm
	check 'its vCPU is listed, with process, thread and command' is_listed
	check 'it has the CPU that Linux does not need' wait_for 2 gets 1 700 1000
	check 'it gets 30% when that is all that it may get' is_limited
	echo "# it got $share thousandths"
	check 'and all again' is_free_again
	check 'shares and guarantee are as set' has_shares_and_min
	check 'and hold beside a busy Linux' has_them_beside_a_busy_linux
	comment <"$work/said"
	check "the thread's nice value makes its shares" follows_nice
	check 'it moves to the CPUs that its thread is given' moves
	check 'what cannot be set is refused, and nothing changed' refuses
	check 'it is named as being in the way' is_named_in_the_way
	check "its cgroup's weight and limit are carried over" follows_once
	check 'and are followed when they change' follows_on
	check 'the VM ends' end_vm
	check 'and is listed no more' wait_for 2 none_is_listed
	# Unlike rmmod it tries for a while, so that what follows does not keep it.
	check 'handed back, while the cgroups are followed' "$ctl" leave
	check 'all fields as found' as_found "$(nproc --all)"
	check 'what followed ends, too' ends_by_itself
	check 'the cgroup goes' remove_group
}

need_cpus 3
test_vm
finish
