#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --memory 2048 --disk 512 --qemu=-object\ memory-backend-ram,id=m0,size=1G\ -object\ memory-backend-ram,id=m1,size=1G\ -numa\ node,nodeid=0,cpus=0-1,memdev=m0\ -numa\ node,nodeid=1,cpus=2-3,memdev=m1
#
# VMs' memory under fire: guests that know what is in each page, while the VMM and Linux take
# it, move it, merge it, split it, swap it out. Memory of all sizes; K's own memory when VMs come
# and go. The machine has two nodes, between which pages move, and a disk to swap to. With
# VMM_ON=kvm they run on KVM itself. CPU 0 is left out, as in vmm.sh.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

vmm=$out/selftests/takeover/vmm/vmm
fires='fire_balloon fire_balloon2m fire_punch fire_protect fire_protect2m fire_move fire_fork
	fire_migrate fire_huge fire_ksm fire_all'
thp=/sys/kernel/mm/transparent_hugepage
pool=/sys/kernel/mm/hugepages/hugepages
mapped_2m=$debug/mapped_2m

run_vmm() { # TEST
	taskset -c "1-$last_cpu" timeout 240 "$vmm" "$1"
}

fires_of() { # WHOSE [TEST...]
	whose=$1
	shift
	for t; do
		check "$whose: $t" run_vmm "$t"
	done
}

# A test that gets N pages of 2 MiB at least, and not each many times
maps_2m() { # TEST LEAST MOST
	before_2m=$(cat "$mapped_2m")
	run_vmm "$1" && between "$2" $(($(cat "$mapped_2m") - before_2m)) "$3"
}

reserve_huge() { # KB COUNT
	echo "$2" >"$pool-$1kB/nr_hugepages" && same "$2" "$(cat "$pool-$1kB/nr_hugepages")"
}

# In a memory cgroup that is smaller than the VM: pages go to the disk, and come back.
swaps() {
	cgroups=$work/cgroups
	mkdir "$cgroups" && mount -t cgroup2 none "$cgroups" &&
		echo +memory >"$cgroups/cgroup.subtree_control" && mkdir "$cgroups/fire" &&
		echo 14M >"$cgroups/fire/memory.max" || return
	# shellcheck disable=SC2016 # for that shell to expand
	sh -c 'echo $$ >"$1" && shift && exec "$@"' sh "$cgroups/fire/cgroup.procs" \
		taskset -c "1-$last_cpu" timeout 240 "$vmm" fire_swap
	swapped=$?
	rmdir "$cgroups/fire" && umount "$cgroups" && rmdir "$cgroups" && return "$swapped"
}

swap_on() {
	mkswap /dev/vda >"$work/mkswap" && swapon /dev/vda
}

test_sizes() {
	check '64 GiB, hardly any of it there' run_vmm sparse
	check '256 MiB in pages of 4 KiB' maps_2m small 0 0
	check '256 MiB in pages of 2 MiB' maps_2m large 128 400
	check 'pages of 2 MiB are reserved' reserve_huge 2048 16
	check 'from hugetlbfs' maps_2m hugetlb 16 32
	check 'and returned' reserve_huge 2048 0
	if reserve_huge 1048576 1 >/dev/null 2>&1; then
		check 'a page of 1 GiB' maps_2m gigantic 512 1024
	else
		skip 'a page of 1 GiB' 'Linux finds none here'
	fi
	reserve_huge 1048576 0 >/dev/null 2>&1
}

# How much K has, when it has given back what it can
k_memory() {
	cat $sys/memory_kb
}

k_memory_is() { # KB
	same "$1" "$(k_memory)"
}

# K has a page more for a CPU once it has run a vCPU.
on_each_cpu() {
	for cpu in $(seq 1 "$last_cpu"); do
		taskset -c "$cpu" timeout 60 "$vmm" real || return
	done
}

# A hundred VMs each time: the second hundred needs nothing that the first had not.
test_crowd() {
	check 'a VM on each CPU' on_each_cpu
	check 'a hundred VMs' run_vmm crowd
	k_kb=$(k_memory)
	k_pages=$(cat $sys/table_pages)
	check 'a hundred more' run_vmm crowd
	check 'K has no more memory' wait_for 10 k_memory_is "$k_kb"
	check 'and as many pages of it free' same "$k_pages" "$(cat $sys/table_pages)"
}

# A VM with more tables than a chunk holds: the chunks go back when it ends.
gives_back() {
	before_kb=$(k_memory)
	run_vmm tables_of_64g >"$work/tables" 2>&1 || { cat "$work/tables"; return 1; }
	most_kb=$(sed -n 's/^K has \([0-9]*\) KiB$/\1/p' "$work/tables")
	between $((before_kb + 2 * 2048)) "$most_kb" $((before_kb + 8 * 2048)) || return
	wait_for 10 k_memory_is "$before_kb" && not log_has "read Regent's memory"
}

if [ "${VMM_ON-}" = kvm ]; then
	check 'KVM loads' modprobe kvm_amd
	check 'there is swap' swap_on
	# shellcheck disable=SC2086 # a list
	fires_of KVM $fires sparse small large crowd
	check 'KVM: swap' swaps
	check 'there is no swap any more' swapoff /dev/vda
	check 'KVM is unloaded' modprobe -r kvm_amd kvm
	finish
fi

need_cpus 3
echo always >$thp/enabled
check 'there is swap' swap_on
mark
check 'taken over' take debug=1
# shellcheck disable=SC2086 # a list
fires_of direct $fires
check 'direct: swap' swaps
test_sizes
test_crowd
for _ in 1 2 3; do
	check 'a large VM ends, and K gives its memory back' gives_back
done
check 'CPU 2 is forwarded' set_mode 2 forwarded
fires_of forwarded fire_all fire_huge
check 'CPU 2 is direct again' set_mode 2 direct
give_as_found "$(nproc --all)"
check 'there is no swap any more' swapoff /dev/vda
finish
