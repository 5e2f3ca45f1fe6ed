#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The checks of run.sh, in the form of selftests/takeover: its library gives TAP,
# takeover, handback and the kernel's log.
#
# SWITCHES is the number of switches of each mode on each CPU. With FULL set, as many worlds are
# made as K has ids for, which takes minutes.

# shellcheck source=../takeover/lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/../takeover/lib.sh"

worlds_module=$out/selftests/worlds/regent_worlds.ko
worlds=/sys/kernel/debug/regent_worlds/run
switches=${SWITCHES:-2000}
FULL=${FULL-}
no_device=-19	# ENODEV: what the module says when nobody takes its hypercalls
# Not CPU 0: QEMU 7.2 has a race there when others switch, too, see docs/testing.md.
cpus=$(seq 1 "$last_cpu")

# worlds COMMAND...: its answer
worlds() {
	exec 3<>"$worlds" || return
	echo "$*" >&3 && cat <&3
	exec 3>&-
}

# value KEY ANSWER: what follows the word KEY
value() {
	echo "$2" | sed -n "s/.*\\b$1 \\([^ ]*\\).*/\\1/p"
}

# Nothing wrong or changed in N switches, and the worlds got on: an interrupt may
# cut a round short, but not most of them.
right() { # N ANSWER
	echo "$2"
	same "$1" "$(value switches "$2")" && same 0 "$(value error "$2")" || return
	same none "$(value wrong "$2")" && same none "$(value changed "$2")" || return
	[ "$(value rounds "$2")" -ge $(($1 / 2)) ] && return
	echo 'too few rounds'
	return 1
}

runs() { # CPU MODES N
	right "$3" "$(worlds run "$1" "$2" "$3")"
}

take_debug() {
	take debug=1
}

donate() {
	echo 1 >"$debug/donate"
}

answers_on() { # CPU WANTED CALL [A [B]]
	cpu=$1
	wanted=$2
	shift 2
	case $wanted in [A-Z]*) wanted=$(error "$wanted") || return ;; esac
	same "$wanted" "$(hypercall_on "$cpu" "$@")"
}

# --- what is compared ---------------------------------------------------------

# Only what this machine does not have may be left out.
test_list() {
	worlds list >"$work/list"
	check 'the registers are listed' grep -q '^LSTAR filled$' "$work/list"
	sed 's/^/# /' "$work/list" | grep -v ' filled$'
	for reg in RAX R15 RFLAGS CR2 DR0 DR3 DR6 DR7 FS_BASE KERNEL_GS_BASE STAR LSTAR \
		   CSTAR SFMASK SYSENTER_CS X87 SSE MXCSR; do
		grep -q "^$reg filled$" "$work/list" || echo "$reg"
	done >"$work/missing"
	check 'all registers that matter are filled' same '' "$(cat "$work/missing")"
}

# --- switches -----------------------------------------------------------------

test_modes() {
	for cpu in $cpus; do
		for mode in real 32 64 plain; do
			check "$switches switches on CPU $cpu, mode $mode" \
				runs "$cpu" "$mode" "$switches"
		done
	done
	check 'two worlds of a mode in turns' runs 0 64,64 "$switches"
	check 'one with debug registers of its own, and one without' runs 0 64,plain "$switches"
	check 'worlds of four modes in turns' \
		runs "$last_cpu" real,64,plain,32,64 "$switches"
}

# Only an interrupt ends the turn of a world that never yields.
spins() { # CPU
	answer=$(worlds run "$1" spin 20)
	echo "$answer"
	same 20 "$(value switches "$answer")" && same none "$(value changed "$answer")" || return
	[ "$(value rounds "$answer")" -gt 1000 ]
}

test_spin() {
	for cpu in $cpus; do
		check "Linux gets its interrupts from a world that spins on CPU $cpu" \
			spins "$cpu"
	done
}

# But for CPU 0 in QEMU, where it has the race.
each_of() {
	if tcg; then echo "$cpus"; else seq 0 "$last_cpu"; fi
}

# One that fails, or does not come to its end, is not among them.
all_at_once() { # CPU...
	for cpu; do
		(runs "$cpu" 64,32 "$switches" >"$work/at_once.$cpu" 2>&1 && echo "$cpu") &
	done >"$work/at_once"
	wait
	cat "$work"/at_once.*
	same "$(printf '%s\n' "$@" | sort)" "$(sort "$work/at_once")"
}

test_all_at_once() {
	# shellcheck disable=SC2046 # a list
	set -- $(each_of)
	if [ $# -ge 2 ]; then
		check "switches on $# CPUs at once" all_at_once "$@"
	else
		skip 'switches on several CPUs at once' 'there is one that may'
	fi
}

# --- one register left out ----------------------------------------------------

# Emulators have these registers, but do not switch them, or not at all.
tcg() {
	grep -q '^machine tcg$' "$work/list"
}

# What is reported when ITEM is left out.
report_of() { # ITEM SIDE
	case $1:$2 in
	XSAVE:linux)
		names=X87,SSE
		for component in AVX OPMASK ZMM_HI256 HI16_ZMM PKRU; do
			! grep -q "^$component filled$" "$work/list" || names=$names,$component
		done
		echo "$names,MXCSR" ;;
	GDTR:*|IDTR:*) echo "${1}_LIMIT" ;;
	*) echo "$1" ;;
	esac
}

names_it() { # ITEM SIDE
	answer=$(worlds skip "$last_cpu" 64 "$1" "$2")
	echo "$answer"
	if [ "$2" = linux ]; then
		same none "$(value wrong "$answer")" || return
		found=$(value changed "$answer" | sed 's/:[0-9]*//g')
	else
		same none "$(value changed "$answer")" || return
		found=$(value wrong "$answer")
	fi
	same "$(report_of "$1" "$2")" "$found"
}

left_out() { # ITEM SIDE
	what="$1 left out of the switch to $2 is reported"
	if grep -q "^$1 absent$" "$work/list"; then
		skip "$what" 'this machine has none'
	elif [ "$1" = PAT ] && tcg; then
		skip "$what" "this emulator's VMRUN does not load it"
	else
		check "$what" names_it "$1" "$2"
	fi
}

moved='XSAVE XCR0 DR0 DR1 DR2 DR3 TSC_AUX'
general='RAX RBX RCX RDX RSI RDI RBP R8 R9 R10 R11 R12 R13 R14 R15 RFLAGS'
by_cpu='CR2 DR6 DR7 FS_BASE KERNEL_GS_BASE STAR LSTAR CSTAR SFMASK
	SYSENTER_CS SYSENTER_ESP SYSENTER_EIP'
# Test worlds have no use for these.
by_cpu_linux='DEBUGCTL CR0 CR3 CR4 EFER PAT GDTR IDTR LDTR TR ES SS DS FS GS'
# Linux would not survive these.
by_cpu_test='RSP GS_BASE'

test_left_out() {
	for item in $moved $general $by_cpu $by_cpu_linux; do
		left_out "$item" linux
	done
	for item in $moved $general $by_cpu $by_cpu_test; do
		left_out "$item" test
	done
	check 'nothing is left out any more' runs "$last_cpu" 64 500
}

# --- debug registers ----------------------------------------------------------

# Each turn ends with one exit; any more are its first touch of a debug register.
exits_more() { # MODE NUMBER
	id=$(printf %x "$(hypercall_on 0 TEST_CREATE "$1")")
	for _ in 1 2 3 4 5; do
		hypercall_on 0 TEST_RUN "$id" >/dev/null
	done
	more=$(($(hypercall_on 0 WORLD_INFO "$id" INFO_EXITS) -
		$(hypercall_on 0 WORLD_INFO "$id" INFO_SWITCHES)))
	answers_on 0 0 TEST_DESTROY "$id" && same "$2" "$more"
}

test_debug() {
	check 'no exit for debug registers without a touch' exits_more TEST_PLAIN 0
	check 'one for DR0 to DR3' exits_more TEST_64 1
	# VMX has them exit all or none; SVM by their numbers.
	check 'one for DR5, which is DR7' exits_more TEST_32 1
}

# --- ids and memory -----------------------------------------------------------

test_ids() {
	id=$(hypercall_on 0 TEST_CREATE TEST_64)
	check 'a world is made' between 1 "$id" 64
	id=$(printf %x "$id")
	for nr in TEST_RUN TEST_DESTROY; do
		for bad in 0 "$((0x$id + 1))" 40 41 ffffffffffffffff; do
			check "call $nr knows no world $bad" answers_on 0 EINVAL $nr "$bad"
		done
	done
	check 'not on another CPU' answers_on 1 EINVAL TEST_RUN "$id"
	check 'its counters are readable on another CPU' answers_on 1 0 TEST_INFO "$id" TEST_ROUNDS
	for bad in TEST_INFOS ff ffffffffffffffff; do
		check "no counter $bad" answers_on 0 EINVAL TEST_INFO "$id" "$bad"
	done
	for bad in TEST_MODES ff ffffffffffffffff; do
		check "no mode $bad" answers_on 0 EINVAL TEST_CREATE "$bad"
	done
	check 'it is destroyed, on any CPU' answers_on 1 0 TEST_DESTROY "$id"
	check 'but once' answers_on 0 EINVAL TEST_DESTROY "$id"
	check 'and cannot run' answers_on 0 EINVAL TEST_RUN "$id"
	check 'nothing to leave out behind the last' answers_on 0 EINVAL TEST_SKIP SKIPS SIDE_LINUX
	check 'no third side' answers_on 0 EINVAL TEST_SKIP SKIP_XSAVE SIDES
}

# A hundred and more times the memory that was donated.
again_and_again() {
	for i in $(seq 200); do
		id=$(hypercall TEST_CREATE $((i % 3)))
		[ "$id" -gt 0 ] || { echo "creation $i: $id"; return 1; }
		answers 0 TEST_DESTROY "$(printf %x "$id")" || return
	done
}

# N worlds, or as many as there is room for: K gets memory as it asks for some.
fill() { # N
	total=0
	while :; do
		answer=$(worlds fill 0 real $(($1 - total)))
		made=$(value made "$answer") first=$(value first "$answer")
		total=$((total + made))
		[ "$made" -eq 0 ] || echo "$first $((first + made - 1))" >>"$work/ids"
		case $(value error "$answer") in
		0)	[ "$total" -lt "$1" ] || break ;;
		"$(error ENOSPC)") donate || break ;;
		*)	break ;;
		esac
	done
}

# Address space ids are no limit.
many() {
	fill 300
	same 'error 0, 300' "error $(value error "$answer"), $total"
}

# As many as K has ids for
until_full() {
	fill 5000
	same "$(error ENFILE)" "$(value error "$answer")" && between 4032 "$total" 4096
}

empty_again() {
	while read -r first last; do
		same "destroyed $((last - first + 1)) error 0" \
			"$(worlds empty 0 "$first" "$last")" || return
	done <"$work/ids"
	runs 0 64 100
}

test_memory() {
	taskset -cp 0 $$ >/dev/null
	check '200 worlds made and destroyed leave no page behind' again_and_again
	: >"$work/ids"
	if [ -z "$FULL" ]; then
		check '300 worlds at once' many
	else
		check 'worlds are made until there is no more room' until_full
		check 'and not one more' answers_on 0 ENFILE TEST_CREATE TEST_REAL
	fi
	check 'more memory can be given' donate
	check 'all are destroyed, and the next one runs' empty_again
	taskset -cp "$(cat /sys/devices/system/cpu/online)" $$ >/dev/null
}

# --- while worlds are there ---------------------------------------------------

made() { # CPU
	id=$(hypercall_on "$1" TEST_CREATE TEST_64)
	[ "$id" -gt 0 ] && echo "$id" >"$work/id.$1" && right 50 "$(worlds use "$1" "$id" 50)"
}

lives_on() { # CPU
	right 50 "$(worlds use "$1" "$(cat "$work/id.$1")" 50)"
}

test_hotplug() {
	check "a world on CPU $last_cpu" made "$last_cpu"
	check "CPU $last_cpu goes" offline "$last_cpu"
	check 'the other CPU has no part in its world' \
		answers_on 0 EINVAL TEST_RUN "$(printf %x "$(cat "$work/id.$last_cpu")")"
	check "CPU $last_cpu comes" online "$last_cpu"
	check 'its world lives on' lives_on "$last_cpu"
}

test_handback_with_worlds() {
	for cpu in $cpus; do
		check "a world on CPU $cpu" made "$cpu"
	done
	give_as_found "$(nproc --all)" 'handed back with worlds alive'
	check 'nobody answers then' same "failed $no_device" "$(worlds use 0 1 1)"
	mark
	check 'taken over again' take_debug
	check 'no world is left over' answers_on 0 EINVAL TEST_RUN 1
	check 'no memory, either' answers_on 0 ENOSPC TEST_CREATE TEST_REAL
	check 'memory is given' donate
	check 'and a world runs' runs 0 64 500
}

test_fault() {
	check "a world on CPU 0" made 0
	check "a world on CPU $last_cpu" made "$last_cpu"
	check 'K faults and says so' answers_on 0 EFAULT DEBUG_FAULT FAULT_PF
	check 'every CPU is given back' given_back
	check 'no world any more' same "failed $no_device" "$(worlds use 0 1 1)"
	check 'Regent can be removed' give
}

# K faults on one CPU while the others switch.
test_fault_while_switching() {
	mark
	check 'taken over' take_debug
	check 'memory is given' donate
	worlds run "$last_cpu" 64,32 100000000 >"$work/long" &
	check 'the other CPU switches' wait_for 30 switching
	check 'K faults on CPU 0' answers_on 0 EFAULT DEBUG_FAULT FAULT_GP
	check 'every CPU is given back' given_back
	wait
	check 'the switches ended, and nothing had changed' ended_clean
	check 'Regent can be removed' give
}

switching() {
	[ "$(hypercall_on 0 TEST_INFO 1 TEST_SWITCHES)" -gt 100 ]
}

# The last one found K gone, either in it or before it.
ended_clean() {
	answer=$(cat "$work/long")
	echo "$answer"
	same none "$(value changed "$answer")"
}

# Linux's registers are in memory then, and the processor has another's.
faulted_between() { # MODE SIDE WHEN
	answer=$(worlds skip "$last_cpu" "$1" "FAULT_$3" "$2")
	echo "$answer"
	same "$(error EFAULT)" "$(value error "$answer")" && same none "$(value changed "$answer")" && given_back
}

test_fault_in_a_switch() {
	for side in test linux; do
		for mode in 64 plain; do
			for when in EARLY LATE; do
				mark
				check 'taken over' take_debug
				check 'memory is given' donate
				check "a fault $when in the switch to $side, mode $mode: Linux has its registers" \
					faulted_between "$mode" "$side" "$when"
				check 'Regent can be removed' give
			done
		done
	done
}

mark
insmod "$worlds_module" || { echo "Bail out! no $worlds_module"; exit 2; }
check 'taken over' take_debug
check 'without memory there is no world' same "failed $(error ENOSPC)" "$(worlds run 0 64 1)"
check 'memory is given' donate
test_list
test_modes
test_spin
test_all_at_once
test_debug
test_left_out
test_ids
test_memory
test_hotplug
give_as_found "$(nproc --all)"
mark
check 'taken over' take_debug
check 'memory is given' donate
test_handback_with_worlds
test_fault
test_fault_while_switching
test_fault_in_a_switch
mark
check 'taken over once more' take_debug
give_as_found "$(nproc --all)"
rmmod regent_worlds
finish
