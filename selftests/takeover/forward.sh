#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --qemu=-machine\ pc-q35-7.0\ -device\ edu
#
# Forwarded CPUs: K takes their interrupts and hands them on. None is lost and none
# doubled, whatever the mode, while it changes, and across the handback.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

few=${EDU_FEW:-20000}
some=${EDU_SOME:-50000}
many=${EDU_MANY:-100000}

exits() { # CPU REASON
	cat "$sys/cpu$1/exits_$2"
}

# A timer's interrupts come, and they come by K.
ticks() { # CPU
	before=$(exits "$1" interrupt)
	taskset -c "$1" sleep 0.2 || return
	[ "$(exits "$1" interrupt)" -gt "$before" ]
}

quiet() { # CPU
	before="$(exits "$1" interrupt) $(exits "$1" apic) $(exits "$1" window)"
	taskset -c "$1" sleep 0.2 || return
	same "$before" "$(exits "$1" interrupt) $(exits "$1" apic) $(exits "$1" window)"
}

test_modes() {
	mark
	check 'taken over' take
	for cpu in $(seq 0 "$last_cpu"); do
		check "CPU $cpu is direct at first" quiet "$cpu"
		check "CPU $cpu is forwarded" set_mode "$cpu" forwarded
		check "CPU $cpu's interrupts come by K" ticks "$cpu"
		check "CPU $cpu is direct again" set_mode "$cpu" direct
		check "CPU $cpu's interrupts come by themselves" quiet "$cpu"
	done
	check 'no other mode' fails_to_set sideways
	check 'all are forwarded' set_all forwarded
	check 'forwarded twice is no harm' set_all forwarded
	give_as_found "$(nproc --all)"
}

fails_to_set() { # MODE
	before=$(cat "$sys/cpu0/mode")
	fails_with 'Invalid argument' write_to "$sys/cpu0/mode" "$1" &&
		same "$before" "$(cat "$sys/cpu0/mode")"
}

# --- QEMU's edu device ----------------------------------------------------------

edu_runs() { # KIND N
	echo "$1 $2" >"$edu/run" && wait_for 120 edu_done && edu_right "$2"
}

# Until $work/stop is there: one CPU's mode after the other's changes, and the
# interrupt moves from CPU to CPU.
shake() {
	i=0
	rm -f "$work/stop"
	while [ ! -e "$work/stop" ]; do
		cpu=$((i % (last_cpu + 1)))
		if [ $((i / (last_cpu + 1) % 2)) -eq 0 ]; then mode=forwarded; else mode=direct; fi
		echo "$mode" >"$sys/cpu$cpu/mode" || echo "$cpu: not $mode"
		echo "$(((i / 3) % (last_cpu + 1)))" >"/proc/irq/$(edu_state irq)/smp_affinity_list"
		i=$((i + 1))
	done >"$work/shaken" 2>&1
	echo "$i" >"$work/shakes"
}

edu_shaken() { # KIND
	echo "$1 $many" >"$edu/run" || return
	shake &
	wait_for 200 edu_done
	code=$?
	: >"$work/stop"
	wait $!
	echo "$(cat "$work/shakes") changes"
	cat "$work/shaken"
	[ "$code" -eq 0 ] && [ ! -s "$work/shaken" ] && [ "$(cat "$work/shakes")" -ge 20 ] &&
		edu_right "$many"
}

# Taken over and handed back while they come.
edu_handback() { # KIND
	echo "$1 $some" >"$edu/run" || return
	cycles=0
	while ! edu_done; do
		insmod "$module" || return
		set_all forwarded || return
		rmmod regent || return
		cycles=$((cycles + 1))
	done
	echo "$cycles cycles"
	[ "$cycles" -gt 1 ] && edu_right "$some"
}

# A timer's interrupt comes while the CPU is about to get one that it sent itself.
self_runs() {
	edu_runs self "$many" && [ "$(edu_state latest_ns)" -lt 1000000000 ]
}

test_self() {
	mark
	check "self: $few interrupts natively" edu_runs self "$few"
	check 'self: taken over' take
	check 'self: all CPUs are forwarded' set_all forwarded
	check "self: $many interrupts, and timers beside them" self_runs
	give_as_found "$(nproc --all)" 'self: handed back'
}

test_edu() {
	for kind in intx msi; do
		check "$kind: $few interrupts natively" edu_runs "$kind" "$few"
		mark
		check "$kind: taken over" take
		check "$kind: all CPUs are forwarded" set_all forwarded
		check "$kind: $few interrupts forwarded" edu_runs "$kind" "$few"
		check "$kind: all CPUs are direct" set_all direct
		check "$kind: $few interrupts direct" edu_runs "$kind" "$few"
		check "$kind: $many interrupts while modes change" edu_shaken "$kind"
		give_as_found "$(nproc --all)" "$kind: handed back"
		check "$kind: $some interrupts across takeovers and handbacks" edu_handback "$kind"
	done
}

# --- the rest of Linux ----------------------------------------------------------

# All but CPU 0, which QEMU 7.2 loses while the others restore FPU state, see
# docs/testing.md.
set_others() { # MODE
	for cpu in $(seq 1 "$last_cpu"); do
		set_mode "$cpu" "$1" || return
	done
}

changes() { # SECONDS
	end=$(($(date +%s) + $1))
	n=0
	while [ "$(date +%s)" -lt "$end" ]; do
		set_others forwarded && set_others direct || return
		n=$((n + 1))
	done
	echo "$n rounds"
}

test_load() {
	mark
	start_load
	check 'under load: taken over' take
	check 'under load: forwarded' set_others forwarded
	sleep 10
	check 'under load: modes change for 10 s' changes 10
	check 'under load: forwarded again' set_others forwarded
	give_as_found "$(nproc --all)" 'under load: handed back'
	check 'the load noticed nothing' load_is_right
}

follows() {
	same "$(cat /sys/devices/system/cpu/online)" "$(cat "$sys/cpus")"
}

are_forwarded() { # FIRST LAST
	for cpu in $(seq "$1" "$2"); do
		same forwarded "$(cat "$sys/cpu$cpu/mode")" || return
	done
}

test_hotplug() {
	mark
	check 'taken over' take
	check 'all are forwarded' set_all forwarded
	check 'a forwarded CPU goes' offline "$last_cpu"
	check 'the others are forwarded again' wait_for 10 are_forwarded 0 "$((last_cpu - 1))"
	check 'no mode for a CPU that is away' \
		fails_with 'No such device' write_to "$sys/cpu$last_cpu/mode" forwarded
	check 'it comes' online "$last_cpu"
	check 'it is a world' follows
	check 'and all are forwarded, as they are to be' wait_for 10 are_forwarded 0 "$last_cpu"
	check 'its interrupts come by K' ticks "$last_cpu"
	give_as_found "$(nproc --all)"
}

ioapic_exits() {
	cat "$sys"/cpu*/exits_ioapic | awk '{ n += $1 } END { print n }'
}

# What is asked out of turn is refused and changes nothing: Linux's accesses go
# on coming to K.
ioapics_stay() {
	for to in DIRECT TRAPPED SHADOWED; do
		answers EBUSY IOAPIC "IOAPIC_$to" || return
	done
	before=$(ioapic_exits)
	edu_runs intx "$few" && [ "$(ioapic_exits)" -gt "$before" ]
}

test_fault() {
	mark
	check 'taken over' take debug=1
	check 'all are forwarded' set_all forwarded
	check 'the IOAPICs stay shadowed' ioapics_stay
	check 'K faults' k_faults
	check 'every CPU is given back' given_back
	check 'interrupts go on' edu_runs intx "$few"
	check 'Regent can be removed' give
}

apic=$(sed -n 's/^ *\([0-9a-f]*\)-[0-9a-f]* : Local APIC$/0x\1/p' /proc/iomem)
CP_VECTOR=21

# CPU 0 sends what no device sends: it stays pending for ever, as Linux takes no such vector.
send_to_others() { # VECTOR
	printf 'device out32 0x%x 0x%x\n' $((apic + 0x300)) $((0xc4000 | $1)) | poke_many 0
}

is_pending() { # CPU VECTOR, below 32
	answer=$(printf 'device in32 0x%x\n' $((apic + 0x200)) | poke_many "$1")
	echo "$answer"
	irr=${answer#*: none }
	[ $((${irr%% *} >> $2 & 1)) -eq 1 ]
}

# A vector that is an exception's in K is Linux's business alone.
test_exception_vector() {
	mark
	check 'taken over' take
	check 'CPU 1 is forwarded' set_mode 1 forwarded
	check "an interrupt has an exception's vector" send_to_others $CP_VECTOR
	check 'CPU 1 goes on' ticks 1
	check 'and is forwarded' are_forwarded 1 1
	check 'CPU 1 is direct' set_mode 1 direct
	check 'the interrupt is pending still' is_pending 1 $CP_VECTOR
	give_as_found "$(nproc --all)"
}

need_cpus 2
need_poke
insmod "$edu_module"
[ -e "$edu/run" ] || skip_all 'no edu device'
check 'the dumper works' dump before
test_modes
test_edu
test_self
test_load
test_hotplug
test_fault
test_exception_vector
check 'the dumper works' dump after
check 'the dumps agree' same_dumps before after
rmmod regent_edu
finish
