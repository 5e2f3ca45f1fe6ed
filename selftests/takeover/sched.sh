#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --cpu EPYC,+svm,+npt,+monitor --qemu=-machine\ pc-q35-7.0\ -device\ edu
#
# Linux beside other worlds: that nobody loses a register, that no interrupt is lost.
# CPU 0 has no other world: QEMU 7.2 has a race there, see docs/testing.md. What each
# gets is in shares.sh.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

seconds=${SCHED_SECONDS:-10}
few=${EDU_FEW:-2000}
many=${EDU_MANY:-$((few * 10))}

# --- Linux's timers ---------------------------------------------------------------

# One a line: CPU, when its next timer is due, and what time it is, in ns
next_timers() {
	awk '/^now at / { now = $3 }
		/^Per CPU device: / { cpu = $4 }
		/^Broadcast device/ { cpu = "" }
		/^ next_event: / && cpu != "" { print cpu, $2, now }' /proc/timer_list
}

every_timer_is_seen() {
	same "$(nproc --all)" "$(next_timers | awk '$3 > 0' | wc -l)"
}

# The CPUs whose next timer should have come more than 5 s ago
overdue() {
	next_timers | awk '$2 + 5e9 < $3 { print "CPU " $1 ": due at " $2 ", it is " $3 }'
}

watch_timers() {
	while sleep 1; do
		overdue
	done >"$work/overdue" 2>&1 &
	watcher=$!
}

none_overdue() {
	kill "$watcher" && same '' "$(cat "$work/overdue")"
}

# --- beside Linux ---------------------------------------------------------------

# This machine's CPUs are threads of a host that may be busy: shares.sh is exact.
selftest() {
	taskset -c "1-$last_cpu" "$ctl" selftest worlds --seconds "$seconds" --tolerance 10
}

lists() {
	start_sharer shared 1 0 2:512:100:900 0:1:0:1000 || return
	"$ctl" worlds | tee "$work/list"
	"$ctl" worlds --json | python3 -m json.tool >"$work/json"
	code=$?
	same 'cpu1 forwarded (auto)' "$("$ctl" cpu 1)" || code=1
	"$ctl" leave >"$work/leave" 2>&1 && code=1
	cat "$work/leave" "$work/json"
	grep -qw "$sharing" "$work/leave" || code=1
	stop_sharer shared || code=1
	same 'cpu1 direct (auto)' "$("$ctl" cpu 1)" || code=1
	[ "$code" -eq 0 ] && grep -q '^test/1  *1 [a-z]*  *512  *10.0%  *90% ' "$work/list" &&
		grep -q "^host/$last_cpu " "$work/list" && grep -q '"name": "idle/0"' "$work/json"
}

# Where the operator says direct, a world waits.
waits() {
	echo direct >"$sys/cpu1/mode" || return
	"$sharer" 1 2 2:1024:0:1000 >"$work/shared"
	code=$?
	echo auto >"$sys/cpu1/mode"
	cat "$work/shared"
	[ "$code" -eq 0 ] && grep -q '^cpu 1 test ran 0 rounds 0 moves 0 wrong 0 state 0$' "$work/shared"
}

refused() {
	"$sharer" bad >"$work/bad" || return
	same '' "$(cat "$work/bad")"
}

# Linux's interrupts are in /proc/interrupts; K's timer is not among them.
is_shown() {
	grep ' regent$' /proc/interrupts
}

test_beside() {
	mark
	check 'taken over' take
	check 'registers and programs are right' selftest
	check 'worlds are listed, and hold the module' lists
	check 'bad requests are refused' refused
	check 'where it may not run, a world waits' waits
	check 'the vector is shown' is_shown
	give_as_found "$(nproc --all)"
}

# --- waiting, waking, moving -----------------------------------------------------

# KEY: of the test worlds that sharer has printed in $work/shared, one a line
of_tests() { # KEY
	sed -n "s/^cpu [0-9]* test .*\\b$1 \\([0-9]*\\).*/\\1/p" "$work/shared"
}

# KEY [CONDITION]: how many of the test worlds have it so, in awk's words
tests_with() { # KEY CONDITION
	of_tests "$1" | awk "\$1 $2" | wc -l
}

# Thousandths that nothing ran on CPU 1
idle() {
	sed -n 's/^cpu 1 idle ran \([0-9]*\) .*/\1/p' "$work/shared"
}

# A world that sleeps a millisecond at a time, and one that nobody wakes.
sleeps() {
	shared 1 3 5:1024:0:1000:1000 5:1024:0:1000 || return
	between 300 "$(of_tests rounds | head -n 1)" 3000 && between 600 "$(idle)" 1000 &&
		same '0 1' "$(of_tests rounds | tail -n 1) $(of_tests state | tail -n 1)"
}

# What waits is shown so, and costs nothing.
sleeper_is_shown() {
	start_sharer shared 1 0 5:1024:0:1000 || return
	wait_for 10 sh -c "$ctl worlds | grep '^test/1  *1 blocked  *1024'"
	code=$?
	stop_sharer shared && return "$code"
}

# Each round of the one needs one of the other: a lost wake-up would be the last. A
# busy host takes 10 ms for a round, each of which is QEMU's lock and two threads.
wakes() { # CPU CPU
	shared pair "$1" "$2" 4 || return
	one=$(of_tests rounds | head -n 1)
	other=$(of_tests rounds | tail -n 1)
	between 100 "$one" 100000000 && between $((one - one / 10)) "$other" $((one + one / 10))
}

# They all begin on CPU 1, where each would get a third at most. A busy host is slow with Linux's
# own interrupts, too.
spreads() {
	shared spread "1-$last_cpu" 4 0:1024:0:1000 1:1024:0:1000 2:1024:0:1000 || return
	same 3 "$(tests_with ran '> 450')" && [ "$(tests_with moves '> 0')" -ge 2 ]
}

# Nobody can run there (its world waits), but its guarantee is given.
guarantee_stays() { # MIN LEAST MOST: moves of a world with that guarantee
	start_sharer on2 2 0 5:1:600:1000 && start_sharer on1 1 0 4:1024:0:1000 &&
		shared spread 1-2 2 "0:1024:$1:1000"
	code=$?
	stop_sharer on1 || code=1
	stop_sharer on2 || code=1
	moves=$(sed -n '/rounds 0 /d; /^cpu .* test/s/.* moves \([0-9]*\) .*/\1/p' "$work/shared" |
		sort -n | tail -n 1)
	[ "$code" -eq 0 ] && between "$2" "$moves" "$3"
}

tossed() {
	shared toss "1-$last_cpu" 5 0:1024:0:1000 1:512:100:1000 2:1024:0:500 4:1:0:1000 \
		5:1024:0:1000:300 5:1024:0:1000:2000 || return
	same 6 "$(tests_with rounds '> 0')" && same 0 "$(tests_with state '== 0')" &&
		between 30 "$(sed -n 's/^tosses //p' "$work/shared")" 1000000
}

# Modes were changed to the end.
was_shaken() {
	grep -q '^[1-9][0-9]* changes, [0-9][0-9]* a second$' "$work/shaken"
}

# CPUs become direct under the worlds, which go on where they may, and none is lost.
shaken() {
	start_sharer shared spread "1-$last_cpu" 0 0:1024:0:1000 1:512:100:1000 2:1024:0:500 \
		5:1024:0:1000:300 5:1024:0:1000:2000 5:1024:0:1000:100 || return
	timeout 5 "$sharer" shake "1-$last_cpu" >"$work/shaken" 2>&1
	code=$?
	cat "$work/shaken"
	stop_sharer shared && same 124 "$code" && was_shaken &&
		same 6 "$(tests_with rounds '> 100')" && same 0 "$(tests_with state '== 0')"
}

# Allowed elsewhere, a world outlives its CPU, and does not come back to it.
moves_away() {
	start_sharer shared spread 1-2 0 0:1024:0:1000 1:1024:0:1000 || return
	echo 0 >/sys/devices/system/cpu/cpu1/online || return
	wait_for 10 sh -c "[ \$($ctl worlds | grep -c '^test/[12]  *2 r') -eq 2 ]" || return
	echo 1 >/sys/devices/system/cpu/cpu1/online || return
	sleep 1
	same 'cpu1 direct (auto)' "$("$ctl" cpu 1)" || return
	echo 0 >/sys/devices/system/cpu/cpu2/online || return
	end_sharer shared || return
	echo 1 >/sys/devices/system/cpu/cpu2/online || return
	same 0 "$(tests_with rounds '>= 0')"
}

# Reschedule interrupts of CPU 1
told() {
	sed -n 's/^ *RES: *[0-9]* *\([0-9]*\) .*/\1/p' /proc/interrupts
}

# A thread that polls its flags by MWAIT, while another one is woken 300 times. How
# often an interrupt was needed for that is in $polled.
polls() {
	before=$(told)
	insmod "$out/selftests/takeover/idler/regent_idler.ko" || return
	polled=$(($(told) - before))
	echo "$polled interrupts, $(cat /sys/module/regent_idler/parameters/waits) waits"
	rmmod regent_idler
}

# K has the CPU elsewhere meanwhile, and must be told: more often than without it.
polls_beside_a_world() {
	alone=$polled
	start_sharer shared 1 0 0:1024:0:1000 || return
	mwaits=$(cat "$sys/cpu1/exits_mwait")
	polls
	code=$?
	mwaits=$(($(cat "$sys/cpu1/exits_mwait") - mwaits))
	stop_sharer shared && between 150 "$mwaits" 100000000 &&
		between $((alone + 50)) "$polled" 10000 && return "$code"
}

test_between_cpus() {
	mark
	check 'taken over' take
	check 'a thread that polls is woken' polls
	check 'and with an interrupt beside a world' polls_beside_a_world
	check 'worlds sleep' sleeps
	check 'one that sleeps is shown' sleeper_is_shown
	check 'worlds wake each other on a CPU' wakes 1 1
	check 'worlds wake each other across CPUs' wakes 1 2
	check 'idle CPUs take worlds' spreads
	check 'not where their guarantee is not to be had' guarantee_stays 600 0 0
	check 'but where it is' guarantee_stays 300 1 100000
	check 'worlds put on other CPUs lose no register' tossed
	check 'nor any that modes change under' shaken
	check "a CPU's worlds move when it goes, if they may" moves_away
	give_as_found "$(nproc --all)"
}

# --- nothing lost ---------------------------------------------------------------

in_time() {
	[ "$(edu_state latest_ns)" -lt 1000000000 ]
}

# KIND N: N times, and each time once; none later than a second. The host may be away
# for as long, but hardly twice.
edu_runs() {
	for attempt in 1 2; do
		echo "$1 $2" >"$edu/run" || return
		wait_for 200 edu_done
		edu_right "$2" || return
		! in_time || return 0
		echo "late, attempt $attempt"
	done
	return 1
}

share_all() { # [WORLD...]
	[ $# -gt 0 ] || set -- 2:1024:0:1000
	start_sharer all "1-$last_cpu" 0 "$@"
}

shared_all() { # [WORLDS]
	stop_sharer all &&
		same "${1:-$last_cpu}" "$(grep -c ' test ' "$work/all")"
}

# More than there are CPUs, and they sleep at times: some move all the time.
spread_all() {
	start_sharer all spread "1-$last_cpu" 0 0:1024:0:1000 2:1024:0:1000 5:1024:0:1000:300 \
		5:1024:0:1000:700 5:1024:0:1000:1100 2:512:0:300
}

# On a busy host the interrupts are over after a few moves.
was_moved() {
	cat "$work/unmoved"
	echo "$(wc -l <"$work/moved") moves"
	[ -s "$work/moved" ]
}

# Modes change under the worlds, which stop and go on; the interrupt moves.
edu_shaken() { # KIND N
	: >"$work/moved"
	: >"$work/unmoved"
	"$sharer" shake "1-$last_cpu" >"$work/shaken" 2>&1 &
	shaker=$!
	(
		i=0
		while irq=/proc/irq/$(edu_state irq)/smp_affinity_list && [ -w "$irq" ]; do
			write_to "$irq" "$((i % (last_cpu + 1)))" 2>>"$work/unmoved" &&
				echo "$i" >>"$work/moved"
			i=$((i + 1))
			sleep 0.01
		done
	) 2>/dev/null &
	mover=$!
	edu_runs "$@"
	code=$?
	kill "$shaker" "$mover"
	wait "$shaker" || code=1
	cat "$work/shaken"
	[ "$code" -eq 0 ] && was_shaken || return
	case $1 in intx | msi) was_moved ;; esac
}

# Taken over and handed back while they come, with worlds in between.
edu_handback() { # KIND N
	for cycle in 1 2; do
		if edu_done; then
			[ "$cycle" -eq 1 ] || edu_right "$2" || return
			echo "$1 $2" >"$edu/run" || return
		fi
		insmod "$module" || return
		share_all 2:1024:0:1000 5:1024:0:1000:300 || return
		sleep 0.2
		shared_all $((2 * last_cpu)) || return
		rmmod regent || return
	done
	wait_for 200 edu_done && edu_right "$2"
}

test_nothing_lost() {
	check 'the counter is there' insmod "$edu_module"
	for kind in intx msi storm timer call; do
		check "$kind: $few natively" edu_runs "$kind" "$few"
	done
	mark
	check 'taken over' take
	check 'worlds on all CPUs but one' share_all
	for kind in intx msi storm timer call; do
		check "$kind: $few beside worlds" edu_runs "$kind" "$few"
	done
	for kind in intx msi timer call; do
		check "$kind: $few while modes change" edu_shaken "$kind" "$few"
	done
	check 'the worlds were right' shared_all
	check 'worlds that move' spread_all
	for kind in msi timer call; do
		check "$kind: $few while worlds move" edu_runs "$kind" "$few"
	done
	check 'they were right, too' shared_all 6
	give_as_found "$(nproc --all)"
	for kind in intx msi timer call; do
		check "$kind: $many across takeovers, worlds and handbacks" edu_handback "$kind" "$many"
	done
	check 'the counter can go' rmmod regent_edu
}

# --- what goes wrong ------------------------------------------------------------

mode_is() { # CPU WHAT
	same "cpu$1 $2" "$("$ctl" cpu "$1")"
}

loses_its_worlds() {
	start_sharer all 1-2 0 2:1024:0:1000 || return
	echo 0 >/sys/devices/system/cpu/cpu2/online || return
	wait_for 10 mode_is 1 'forwarded (auto)' || return
	echo 1 >/sys/devices/system/cpu/cpu2/online || return
	sleep 1
	mode_is 1 'forwarded (auto)' && stop_sharer all &&
		same 1 "$(grep -c ' test ' "$work/all")"
}

test_hotplug() {
	mark
	check 'taken over' take
	check "a CPU's worlds go with it, the others run on" loses_its_worlds
	give_as_found "$(nproc --all)"
}

fill_all() {
	start_sharer all toss "1-$last_cpu" 1000 2:1024:100:1000 0:512:0:300 4:1:0:1000 \
		5:1024:0:1000:300 5:1024:0:1000 2:1024:0:1000
}

# K faults while worlds run and move: Linux gets all CPUs, the worlds are gone.
test_fault() {
	mark
	check 'taken over' take debug=1
	check 'worlds of all kinds on all CPUs but one' fill_all
	check 'K faults' k_faults
	check 'every CPU is given back' given_back
	check 'nobody sees the worlds any more' fails_with 'Regent does not rule' "$ctl" worlds
	check 'who had made them has lost them' lost_sharer all
	check 'Regent can be removed' give
}

need_cpus 3
# Neither do these tests' own programs run on CPU 0.
taskset -pc "1-$last_cpu" $$ >"$work/said"
check 'the dumper works' insmod "$dumper"
check 'the timers of all CPUs can be seen' every_timer_is_seen
watch_timers
test_beside
test_between_cpus
test_nothing_lost
test_hotplug
test_fault
check "no timer of Linux's was overdue" none_overdue
finish
