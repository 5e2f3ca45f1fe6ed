#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --monitor --qemu=-machine\ pc-q35-7.0
#
# Hypercalls at their edges: K checks every argument and answers with an error.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

answers() { # WANTED NR [A [B]]
	wanted=$1
	shift
	same "$wanted" "$(hypercall "$@")"
}

# Numbers that are in use must be known here, else "unknown" means nothing.
test_numbers() {
	max=$(sed -n 's/^#define REGENT_HC_MAX\t*//p' "$top/include/regent/abi/hypercall.h")
	check 'a null call' answers 0 0
	for nr in "$(printf %x "$max")" ff ffffffff 100000000 ffffffffffffffff; do
		check "call $nr is unknown" answers -38 "$nr"
	done
	check 'leaving is not for this door' not sh -c "echo 1 >$debug/hypercall"
	for cpu in $(seq 0 "$last_cpu"); do
		check "a null call on CPU $cpu" \
			same 0 "$(taskset -c "$cpu" sh -c "echo 0 >$debug/hypercall && cat $debug/hypercall")"
	done
}

number() { # NR A B
	answer=$(hypercall "$@")
	[ "$answer" -ge 0 ] && return
	echo "$* gave $answer"
	return 1
}

test_counters() {
	for cpu in $(seq 0 "$last_cpu"); do
		check "a counter of CPU $cpu" number 2 "$cpu" 0
	done
	for cpu in $((last_cpu + 1)) fff 1000 ffffffff 100000000 ffffffffffffffff; do
		check "no CPU $cpu" answers -22 2 "$cpu" 0
	done
	for index in ff ffffffff 100000000 ffffffffffffffff; do
		check "no counter $index" answers -22 2 0 $index
	done
}

# Worlds and forwarding, with what no L would send
test_worlds() {
	for vector in 0 1f 100 100000020 ffffffffffffffff; do
		check "vector $vector" answers -22 d 1 $vector
	done
	for id in 0 1 40 41 ffff fffff000 ffffffffffffffff; do
		check "no world $id to start" answers -22 e $id 3e8000000000400
		check "no world $id to stop" answers -22 f $id
		check "no world $id to look at" answers -22 10 $id 0
		check "no world $id to allow" answers -22 11 $id 1
		check "no world $id to wake" answers -22 12 $id
		check "no world $id to let nap" answers -22 13 $id 1000
	done
	check 'the host world' number 10 100000000 5
	check 'the idle world' number 10 200000000 5
	for id in $(printf %x $((0x100000001 + last_cpu))) 100001000 1ffffffff \
		$(printf %x $((0x200000001 + last_cpu))) 2ffffffff; do
		check "no world $id" answers -22 10 "$id" 0
	done
	check 'neither allowed nor not' answers -22 11 1 2
	check 'no such world to be woken' answers -22 13 1 41000000001000
	check 'no part of a switch where no world may run' answers -22 14 1
	check 'no such part of a switch' answers -22 14 3
	check 'nothing else about worlds' answers -22 10 100000000 a
	check 'nothing else about idle ones' answers -22 10 200000000 a
}

# A long call: it comes to K once for each piece, and the caller sees one call.
in_pieces() {
	exits=$sys/cpu1/exits_hypercall
	before=$(cat "$exits")
	crc=$(taskset -c 1 sh -c "echo '3 0 0' >$debug/hypercall && cat $debug/hypercall")
	after=$(cat "$exits")
	[ "$crc" -gt 0 ] && between 10 $((after - before)) 100000
}

crc_is_the_same() {
	same "$(hypercall 3 0 0)" "$(hypercall 3 0 0)"
}

test_check() {
	check 'checking the image is done in pieces' in_pieces
	check 'and always gives the same' crc_is_the_same
	check 'the image is intact' same intact "$(cat "$sys/image")"
	check 'no start amid a piece' answers -22 3 1 0
	check 'no start behind the end' answers -22 3 10000000 0
	check 'no start at the end of the world' answers -22 3 fffffffffffffe00 0
}

test_donate() {
	check 'one more chunk is given' donates
	donated=$(sed 's/0x//' $debug/donate)
	check 'not a second time' answers -16 5 "$donated"
	check 'every CPU has flushed it' answers 1 6
	check 'not a chunk that begins anywhere' answers -22 5 "$(printf %x $((0x$donated + 0x1000)))"
	check 'not one behind the last address' answers -22 5 10000000000000
	check 'not one at the end of the world' answers -22 5 ffffffffffe00000
	check 'thirty more chunks' many donates
}

many() {
	for _ in $(seq 30); do
		"$@" || return
	done
}

check 'taken over' take debug=1
test_numbers
test_counters
test_worlds
test_check
test_donate
check 'no such debug fault' answers -22 4 7
check 'no such debug fault' answers -22 4 ffffffffffffffff
check 'taken over all the time' same 'taken over' "$(cat "$sys/status")"
mark
give_as_found "$(nproc --all)"
mark
check 'taken over without debug=1' take
check 'that has no debug files' test ! -e $debug
give_as_found "$(nproc --all)"
finish
