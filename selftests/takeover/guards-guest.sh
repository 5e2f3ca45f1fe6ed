#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# guards-guest.sh [forwarded] [vm] TASK [ARGUMENT]...: what guards.sh has done inside a machine.
# Says on its output what the host is to judge, and at its end what the kernel has said
# ("log: ..."); any other trouble ends it with "FAIL: ..." and status 1.

cd "$(dirname "$0")/../.." || exit 1
self=$PWD/selftests/takeover/guards-guest.sh
build=build/$(uname -r)
sys=/sys/kernel/regent
limit=60	# seconds for what takes a moment; the host may be busy

fail() {
	echo "FAIL: $*"
	say_log
	exit 1
}

# What the kernel has said since this began. The console is for what nobody lives to tell.
say_log() {
	dmesg | sed -n '/guards: start/,$s/^/log: /p'
}

# until_true COMMAND...: poll, with a limit
until_true() {
	waited=0
	until "$@"; do
		waited=$((waited + 1))
		[ $waited -lt $((limit * 10)) ] || return 1
		sleep 0.1
	done
}

mark() {
	echo "guards: $*" >/dev/kmsg
}

online() {
	cat /sys/devices/system/cpu/online
}

take() { # PARAMETER...
	insmod "$build/regent.ko" "$@" || fail "insmod: $(dmesg | grep regent: | tail -n1)"
	[ "$(cat $sys/cpus)" = "$(online)" ] ||
		fail "taken over: $(cat $sys/cpus), online: $(online)"
	[ -z "$forwarded" ] || forward_all
	[ -z "$vm" ] || start_vms
}

has_run() { # PID: for a tenth of a second at least
	[ "$(cut -d' ' -f15 "/proc/$1/stat")" -ge 10 ]
}

# A vCPU that computes all the time, and one that waits in its APIC: not on CPU 0, docs/testing.md
start_vms() {
	vmm=$build/selftests/takeover/vmm/vmm
	taskset -c 1 "$vmm" forever >/tmp/forever &
	until_true has_run $! || fail "the VM does not run: $(cat /tmp/forever)"
	taskset -c 2 "$vmm" asleep >/tmp/asleep &
	until_true grep -q ready /tmp/asleep || fail 'no VM that waits'
	echo 'two VMs'
}

forward_all() {
	for mode in "$sys"/cpu*/mode; do
		echo forwarded >"$mode" || :	# one may be offline
	done 2>/dev/null
	grep -q forwarded $sys/cpu*/mode || fail 'no CPU is forwarded'
	echo "forwarded: $(grep -l forwarded $sys/cpu*/mode | wc -l)"
}

give_back() {
	rmmod regent || fail 'rmmod'
	dmesg | sed -n 's/.*regent: \(handed back: .*\)/\1/p' | tail -n1
}

switches() {
	sed -n 's/^ctxt //p' /proc/stat
}

switched_since() { # NUMBER
	[ "$(switches)" -gt "$1" ]
}

# A little load, which has really begun when this returns.
load() {
	for worker in pipes exec timerfd memory; do
		"$build/selftests/load/load_worker" $worker 0 >/dev/null 2>&1 &
		loads="$loads $!"
	done
	until_true switched_since $(($(switches) + 3000)) || fail 'the load does not run'
}

load_ends() {
	# shellcheck disable=SC2086 # a list
	kill -TERM $loads || fail 'the load has died'
	for pid in $loads; do
		wait "$pid" || fail "the load's check failed: $?"
	done
	loads=
}

work=/tmp
sharer=$build/selftests/takeover/sharer/sharer
# shellcheck source=../sharer.sh
. selftests/sharer.sh

# The numbers by their names, REGENT_HC_NULL and so on
# shellcheck source=/dev/null # it is built
. "$build/selftests/takeover/abi" || exit 1

hypercall() { # NUMBER A B (hexadecimal, 0x or not)
	echo "$*" >/sys/kernel/debug/regent/hypercall
	cat /sys/kernel/debug/regent/hypercall
}

kexec_line() { # TASK [ARGUMENT]...
	echo "console=ttyS0,115200 panic=-1 cryptomgr.notests=1 tsc=reliable" \
		"no_timer_check regent.cmd64=$(printf '%s' "$self $*" | base64 -w0)"
}

# --- tasks ------------------------------------------------------------------

# The machine is to end while it is taken over.
task_end() { # reboot|poweroff|halt|sysrq KEY
	take
	load
	mark "end"
	case $1 in
	sysrq) echo "$2" >/proc/sysrq-trigger ;;
	*) busybox "$1" -f ;;
	esac
	sleep $limit
	fail "survived $*"
}

task_triple() {
	take
	load
	mark "end"
	insmod "$build/selftests/takeover/triple/triple.ko"
	fail 'survived a triple fault'
}

# CPU makes a hypercall in which K faults in the fault: whoever made it stays there.
task_lost() { # CPU
	take debug=1
	keep=$((($1 + 1) % $(nproc)))
	taskset -p -c $keep $$ >/dev/null
	mark "end"
	# shellcheck disable=SC2016 # for that shell to expand
	taskset -c "$1" sh -c 'echo "${1#0x} ${2#0x}" >/sys/kernel/debug/regent/hypercall
		echo back >/tmp/back' sh "$REGENT_HC_DEBUG_FAULT" "$REGENT_FAULT_TWICE" &
	sleep 2	# no event tells of a CPU that is gone; too early only makes the test easier
	[ ! -e /tmp/back ] || fail 'K came back'
	busybox reboot -n -f
	sleep $limit
	fail 'survived a restart'
}

# A takeover and handback under load, all CPUs.
task_cycle() {
	take
	load
	cat $sys/image
	grep -ow -e la57 -e pti /proc/cpuinfo | sort -u
	load_ends
	give_back
}

# The same, with most of the memory used meanwhile.
task_memory() {
	take
	total=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)
	mount -t tmpfs -o size=100% fill /mnt
	head -c $((total * 85 / 100))k /dev/zero >/mnt/fill || fail 'filling memory'
	highest=$(sed -n 's/^ *start_pfn: *//p' /proc/zoneinfo | sort -n | tail -n1)
	[ "$highest" -ge $((1 << 20)) ] && echo 'memory above 4 GiB'
	rm /mnt/fill
	give_back
}

switch_cpu() { # CPU 0|1
	echo "$2" >"/sys/devices/system/cpu/cpu$1/online" || fail "CPU $1 to $2"
}

# Booted with maxcpus=1: CPUs come while taken over; one goes again.
task_comers() {
	[ "$(online)" = 0 ] || fail "online: $(online)"
	take
	for cpu in 1 2 3; do
		switch_cpu $cpu 1
		echo "come: $(taskset -c $cpu cat $sys/cpus)"
	done
	load
	switch_cpu 2 0
	echo "gone: $(cat $sys/cpus)"
	load_ends
	give_back
	switch_cpu 2 1
	echo "online: $(online)"
}

cpu_is_there() { # CPU
	[ -d "/sys/devices/system/cpu/cpu$1" ]
}

# CPUs 2 and 3 are possible, but absent. CPU 2 is plugged in while taken over:
# Regent has nothing prepared for it, so it must stay offline, and nothing else
# may suffer.
task_absent() {
	take debug=1
	echo "counter of an absent CPU: $(hypercall "$REGENT_HC_COUNTER" 3 0)"
	echo "device_add EPYC-x86_64-cpu,id=new,socket-id=0,core-id=2,thread-id=0" \
		>/dev/virtio-ports/regent.monitor
	until_true cpu_is_there 2 || fail 'no CPU was plugged in'
	echo "counter of a new CPU: $(hypercall "$REGENT_HC_COUNTER" 2 0)"
	echo 1 >/sys/devices/system/cpu/cpu2/online && fail 'the new CPU came online'
	echo "online: $(online), taken over: $(cat $sys/cpus)"
	give_back
	switch_cpu 2 1
	echo "afterwards online: $(online)"
	task_cycle
}

task_refused() {
	insmod "$build/regent.ko" && fail 'insmod went well'
	[ ! -d $sys ] || fail "$sys is there"
	dmesg | sed -n '/regent: .*taint/d; s/.*\(regent: .*\)/\1/p'
}

# kexec while taken over; the next kernel does a cycle, too.
task_kexec() { # OPTION...
	take
	load
	kexec -l "$@" --initrd="$REGENT_INITRD" \
		--command-line="$(kexec_line next "$(nproc)")" "$REGENT_VMLINUZ" ||
		fail 'kexec -l'
	mark "end"
	kexec -e
	sleep $limit
	fail 'survived kexec -e'
}

task_next() { # CPUS
	echo "next kernel: $(nproc) of $1 CPUs"
	task_cycle
}

symbol() { # NAME
	awk -v name="$1" '$3 == name { print $1; exit }' /proc/kallsyms
}

# What vmcore_cpus has to know of this kernel
dead_cpus() {
	echo "$(symbol __per_cpu_offset) $(symbol l_cpus) $(nproc --all)"
}

prepare_dump() { # TEXT
	mark "$1"
	kexec -p -s --initrd="$REGENT_INITRD" \
		--command-line="$(kexec_line dump "$(dead_cpus)") nr_cpus=1 irqpoll reset_devices" "$REGENT_VMLINUZ" ||
		fail 'kexec -p'
}

# A crash on that CPU, with CPU 1 offline if asked for.
task_crash() { # CPU [offline]
	take
	prepare_dump "written before the crash"
	load
	[ -z "$2" ] || switch_cpu 1 0
	taskset -c "$1" sh -c 'echo c >/proc/sysrq-trigger'
	fail 'survived the crash'
}

# --- tasks where the machine has no disk: kernels after this one ------------

# What they find is for the console; then they reboot. With K still there, VMX would
# look switched off by the firmware.
make_witness() {
	mkdir /tmp/witness /tmp/witness/dev /tmp/witness/proc || fail 'no room for an initramfs'
	cp /bin/busybox /tmp/witness/busybox
	cp "$build/selftests/takeover/vmcore/vmcore_cpus" /tmp/witness || fail 'no vmcore_cpus'
	dead_cpus >/tmp/witness/dead
	cat >/tmp/witness/init <<-'INIT'
	#!/busybox sh
	/busybox mount -t proc none /proc
	/busybox mount -t devtmpfs none /dev
	say() {
		echo "guards: witness: $*" >/dev/kmsg
	}
	say "a kernel on $(/busybox nproc) CPUs"
	/busybox grep -qw vmx /proc/cpuinfo && say 'VMX is free'
	[ -e /proc/vmcore ] && {
		say "vmcore: $(/busybox stat -c %s /proc/vmcore) bytes," \
			"$(/busybox dd if=/proc/vmcore bs=1M count=4 | /busybox wc -c) read"
		/vmcore_cpus $(/busybox cat /dead) 2>&1 | while read -r line; do say "$line"; done
	}
	/busybox reboot -f
	INIT
	chmod +x /tmp/witness/init
	(cd /tmp/witness && busybox find . | busybox cpio -o -H newc) >/tmp/witness.cpio ||
		fail 'cannot make an initramfs'
}

load_witness() { # OPTION... -- PARAMETER...
	options=
	while [ "$1" != -- ]; do
		options="$options $1"
		shift
	done
	shift
	make_witness
	# It digests some 70 MB, which takes minutes in Bochs; -s would have the kernel do it.
	# shellcheck disable=SC2086 # a list
	kexec $options -c --initrd=/tmp/witness.cpio --command-line="console=ttyS0,115200 \
		panic=-1 cryptomgr.notests=1 reboot=t $*" "$REGENT_VMLINUZ" ||
		fail "kexec$options"
}

task_witness_kexec() {
	take
	load_witness -l --
	load
	mark "end"
	kexec -e
	sleep $limit
	fail 'survived kexec -e'
}

task_witness_crash() { # CPU
	take
	load_witness -p -- nr_cpus=1 irqpoll reset_devices
	load
	mark "written before the crash"
	taskset -c "$1" sh -c 'echo c >/proc/sysrq-trigger'
	fail 'survived the crash'
}

# --- and where it has one ---------------------------------------------------

# A crash at once after a fault of K's.
task_fault() {
	take debug=1
	prepare_dump "written before K's fault"
	load
	taskset -c 1 sh -c '
		echo "$*" >/sys/kernel/debug/regent/hypercall
		echo c >/proc/sysrq-trigger' sh "$REGENT_HC_DEBUG_FAULT" "$REGENT_FAULT_PF"
	fail 'survived the crash'
}

# Reads all of the dump; finds the release and K's last words.
search_vmcore() {
	python3 - <<-'PYTHON'
	import os, re, struct

	core = open("/proc/vmcore", "rb", buffering=0)

	def read(at, size):
	    core.seek(at)
	    return core.read(size)

	head = read(0, 64)
	phoff, = struct.unpack_from("<Q", head, 32)
	entry, count = struct.unpack_from("<HH", head, 54)
	for i in range(count):
	    kind, _, offset, _, _, size = struct.unpack("<IIQQQQ", read(phoff + i * entry, 40))
	    if kind == 4:
	        release = re.search(rb"OSRELEASE=[^\n]*", read(offset, size))
	        if release:
	            print("vmcore:", release[0].decode())

	core.seek(0)
	total, piece, words = 0, b"", set()
	while more := core.read(1 << 20):
	    total += len(more)
	    piece = piece[-200:] + more
	    words |= set(re.findall(rb"#PF vector e error \w+ at K\+\w+[ -~]*", piece))
	if total == os.stat("/proc/vmcore").st_size:
	    print("vmcore:", total, "bytes, all read")
	for text in words:
	    print("last words:", text.decode())
	PYTHON
}

# In the dump kernel.
task_dump() { # __PER_CPU_OFFSET L_CPUS CPUS
	[ -r /proc/vmcore ] || fail 'no /proc/vmcore'
	"$build/selftests/takeover/vmcore/vmcore_cpus" "$@" || fail 'vmcore_cpus'
	search_vmcore || fail 'search_vmcore'
	makedumpfile -c -d 31 /proc/vmcore /tmp/dump >/tmp/said 2>&1 ||
		fail "makedumpfile: $(tail -n1 /tmp/said)"
	echo "makedumpfile: $(stat -c %s /tmp/dump) of $(stat -c %s /proc/vmcore) bytes"
	makedumpfile --dump-dmesg /tmp/dump /tmp/dmesg >/tmp/said 2>&1 ||
		fail "makedumpfile --dump-dmesg: $(tail -n1 /tmp/said)"
	sed 's/^/dmesg: /' /tmp/dmesg
}

# Linux under KVM: another task in a virtual machine inside this one.
task_nested() { # [OPTION]... -- TASK...
	modprobe kvm_amd || fail 'modprobe kvm_amd'
	for word; do
		shift
		set -- "$@" "$word"
		[ "$word" != -- ] || set -- "$@" "$self"
	done
	REGENT_ACCEL=kvm taskset -c 1-3 scripts/machine --fast --timeout 1500 \
		--console /tmp/console "$@"
	status=$?
	sed -n '/guards: start/,$s/^/inner: /p' /tmp/console
	return $status
}

outer_calls() {
	cat $sys/cpu*/exits_outer_call | awk '{ n += $1 } END { print n }'
}

# What is raised beside worlds while modes change arrives, once.
edu_beside() { # KIND N
	echo "$1 $2" >"$edu"/run || fail "edu $1"
	for _ in $(seq 300); do
		grep -q 'running 0' "$edu"/state && break
		sleep 1
	done
	sed "s/^/$1: /" "$edu"/state
	awk -v kind="$1" '$10 < 5e9 { print kind ": in time" }' "$edu"/state
}

# What sharer has said of its test worlds
sum_up() { # FILE
	awk '$3 == "test" { n++; rounds += $7; wrong += $9 }
	     END { printf "worlds: %d, rounds: %d, wrong: %d\n", n, rounds, wrong }' "$1"
}

# CPU 0 has no other world on this machine, see docs/testing.md.
task_sharing() {
	grep -qw xsave /proc/cpuinfo || echo 'no xsave'
	take
	load
	"$sharer" 1 3 2:1024:0:1000 1:512:0:1000 0:512:0:1000 \
		>/tmp/shared || fail 'the worlds did not end well'
	load_ends
	sum_up /tmp/shared
	give_back
}

# VMs of the small VMM, each test of which says whether it is right
task_vmm() { # TEST...
	take
	for mode in direct forwarded; do
		for cpu in $(seq 0 "$(($(nproc --all) - 1))"); do
			echo "$mode" >"$sys/cpu$cpu/mode" || fail "CPU $cpu cannot be $mode"
		done
		for vm; do
			timeout 300 "$build/selftests/takeover/vmm/vmm" "$vm" || fail "$mode: $vm"
			echo "$mode: $vm: right"
		done
	done
	give_back
}

task_worlds() {
	dmesg | grep -o -m1 'x2apic'
	edu=/sys/kernel/debug/regent_edu
	insmod "$build/selftests/takeover/edu/regent_edu.ko" || fail 'no edu device'
	take
	start_sharer shared 0-1 0 2:1024:0:1000 1:512:0:1000 || fail 'no worlds'
	load
	"$sharer" shake 0-1 >/tmp/shaken &
	shaking=$!
	for kind in msi timer call kick; do
		edu_beside "$kind" 100
	done
	kill $shaking
	wait $shaking
	echo "changes: $(cat /tmp/shaken)"
	load_ends
	stop_sharer shared || fail 'the worlds did not end well'
	sum_up /tmp/shared
	echo "outer calls: $(outer_calls)"
	rmmod regent_edu
	give_back
}

task_inner() {
	dmesg | grep -o -m1 'x2apic'
	echo "clock: $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
	take
	load
	cat $sys/image
	load_ends
	echo "outer calls: $(outer_calls)"
	grep . $sys/cpu*/exits_* | grep -v ':0$'
	give_back
}

mark "start $*"
# "forwarded TASK": the same with all CPUs forwarded; "vm TASK": while VMs run.
forwarded='' vm=''
[ "$1" != forwarded ] || { forwarded=1; shift; }
[ "$1" != vm ] || { vm=1; shift; }
task=$1
shift
"task_$task" "$@"
status=$?
say_log
[ $status -eq 0 ]
