#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --monitor --qemu=-machine\ pc-q35-7.0
#
# Hypercalls at their edges: K checks every argument and answers with an error.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

test_numbers() {
	check 'a null call' answers 0 NULL
	for nr in MAX ff ffffffff 100000000 ffffffffffffffff; do
		check "call $nr is unknown" answers ENOSYS "$nr"
	done
	check 'leaving is not for this door' \
		fails_with 'Operation not permitted' write_to $debug/hypercall "${REGENT_HC_LEAVE#0x}"
	for cpu in $(seq 0 "$last_cpu"); do
		check "a null call on CPU $cpu" same 0 "$(hypercall_on "$cpu" NULL)"
	done
}

number() { # CALL A B
	answer=$(hypercall "$@") || return
	[ "$answer" -ge 0 ] && return
	echo "$* gave $answer"
	return 1
}

test_counters() {
	for cpu in $(seq 0 "$last_cpu"); do
		check "a counter of CPU $cpu" number COUNTER "$cpu" 0
	done
	for cpu in $((last_cpu + 1)) fff 1000 ffffffff 100000000 ffffffffffffffff; do
		check "no CPU $cpu" answers EINVAL COUNTER "$cpu" 0
	done
	for index in COUNTERS ff ffffffff 100000000 ffffffffffffffff; do
		check "no counter $index" answers EINVAL COUNTER 0 "$index"
	done
}

# Worlds and forwarding, with what no L would send
test_worlds() {
	for vector in 0 1f 100 100000020 ffffffffffffffff; do
		check "vector $vector" answers EINVAL FORWARD 1 $vector
	done
	for id in 0 1 40 41 ffff fffff000 ffffffffffffffff; do
		check "no world $id to start" answers EINVAL WORLD_START $id 3e8000000000400
		check "no world $id to stop" answers EINVAL WORLD_STOP $id
		check "no world $id to look at" answers EINVAL WORLD_INFO $id INFO_STATE
		check "no world $id to allow" answers EINVAL WORLD_ALLOW $id 1
		check "no world $id to wake" answers EINVAL WORLD_WAKE $id
		check "no world $id to let nap" answers EINVAL TEST_NAP $id 1000
	done
	check 'the host world' number WORLD_INFO WORLD_SYSTEM INFO_RAN
	check 'the idle world' number WORLD_INFO WORLD_IDLE INFO_RAN
	for id in $(printf %x $((REGENT_WORLD_SYSTEM + last_cpu + 1))) 100001000 1ffffffff \
		$(printf %x $((REGENT_WORLD_IDLE + last_cpu + 1))) 2ffffffff; do
		check "no world $id" answers EINVAL WORLD_INFO "$id" INFO_STATE
	done
	check 'neither allowed nor not' answers EINVAL WORLD_ALLOW 1 2
	check 'no such world to be woken' answers EINVAL TEST_NAP 1 41000000001000
	check 'no part of a switch where no world may run' answers EINVAL TEST_PART PART_XSAVE
	check 'no such part of a switch' answers EINVAL TEST_PART PARTS
	check 'nothing else about worlds' answers EINVAL WORLD_INFO WORLD_SYSTEM INFOS
	check 'nothing else about idle ones' answers EINVAL WORLD_INFO WORLD_IDLE INFOS
}

# A long call: it comes to K once for each piece, and the caller sees one call.
in_pieces() {
	exits=$sys/cpu1/exits_hypercall
	before=$(cat "$exits")
	crc=$(hypercall_on 1 CHECK 0 0) || return
	after=$(cat "$exits")
	[ "$crc" -gt 0 ] && between 10 $((after - before)) 100000
}

crc_is_the_same() {
	crc=$(hypercall CHECK 0 0)
	[ "$crc" -gt 0 ] && answers "$crc" CHECK 0 0
}

test_check() {
	check 'checking the image is done in pieces' in_pieces
	check 'and always gives the same' crc_is_the_same
	check 'the image is intact' same intact "$(cat "$sys/image")"
	check 'no start amid a piece' answers EINVAL CHECK 1 0
	check 'no start behind the end' answers EINVAL CHECK 10000000 0
	check 'no start at the end of the world' answers EINVAL CHECK fffffffffffffe00 0
}

test_donate() {
	check 'one more chunk is given' donates
	donated=$(sed 's/0x//' $debug/donate)
	check 'not a second time' answers EBUSY DONATE "$donated"
	check 'every CPU has flushed it' answers 1 FLUSHED
	check 'not a chunk that begins anywhere' answers EINVAL DONATE "$(printf %x $((0x$donated + 0x1000)))"
	check "not the APICs' registers" answers EINVAL DONATE fee00000
	check 'not one behind the last address' answers EINVAL DONATE 10000000000000
	check 'not one at the end of the world' answers EINVAL DONATE ffffffffffe00000
	check 'thirty more chunks' many donates
}

many() {
	for _ in $(seq 30); do
		"$@" || return
	done
}

# A world that Linux has run on a CPU is that CPU's, until the CPU becomes direct.
runs_on_1() {
	world=$(hypercall_on 1 TEST_CREATE TEST_BENCH) && [ "$world" -gt 0 ] || return
	world=$(printf %x "$world")
	[ "$(hypercall_on 1 TEST_RUN "$world")" -ge 0 ] &&
		same "$(error EBUSY)" "$(hypercall_on 0 TEST_DESTROY "$world")"
}

test_left_behind() {
	check 'CPU 1 is forwarded' set_mode 1 forwarded
	check 'a world runs there, and nobody else may end it' runs_on_1
	check 'CPU 1 is direct' set_mode 1 direct
	check 'now another CPU may' same 0 "$(hypercall_on 0 TEST_DESTROY "$world")"
}

need_cpus 2
check 'taken over' take debug=1
test_numbers
test_counters
test_worlds
test_check
test_donate
test_left_behind
check 'no such debug fault' answers EINVAL DEBUG_FAULT FAULTS
check 'no such debug fault' answers EINVAL DEBUG_FAULT ffffffffffffffff
check 'taken over all the time' same 'taken over' "$(cat "$sys/status")"
mark
give_as_found "$(nproc --all)"
mark
check 'taken over without debug=1' take
check 'that has no debug files' test ! -e $debug
give_as_found "$(nproc --all)"
finish
