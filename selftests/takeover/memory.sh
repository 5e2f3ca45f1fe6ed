#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --monitor --qemu=-machine\ pc-q35-7.0
#
# K's memory is hidden: reads give zeros, writes and execution are refused, all
# are counted and logged. What lies beyond the mapped range is mapped when it is
# touched.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

magic=0x4b544e4547455221	# the first word of K's image

# The physical address of K's first chunk. Only Linux itself says where that is.
first_chunk() {
	poke pages "$(sed -n 's/^\([0-9a-f]*\) b chunk\t\[regent\]$/0x\1/p' /proc/kallsyms)"
}

hidden_reads_go_up() { # COMMAND...
	before=$(cat "$sys/hidden_reads")
	"$@" || return
	same $((before + 1)) "$(cat "$sys/hidden_reads")"
}

hidden_writes_go_up() { # COMMAND...
	before=$(cat "$sys/hidden_writes")
	"$@" || return
	same $((before + 1)) "$(cat "$sys/hidden_writes")"
}

gives() { # ANSWER POKE-COMMAND...
	wanted=$1
	shift
	same "$wanted" "$(poke "$@")"
}

user_gets() { # ANSWER HOW PA
	same "$1" "$("$poke_user" memory "$2" "$3")"
}

at() { # CHUNK OFFSET
	printf '0x%x' $(($1 + $2))
}

# Memory of Linux's own, so that the tools are known to work.
test_own_page() {
	page=$(poke page)
	check "own page, $1: written" gives none write "$page" 0x1122334455667788
	check "own page, $1: read" gives 'none 0x1122334455667788' read "$page"
	check "own page, $1: written by a program" user_gets 'done' write "$page"
	check "own page, $1: run by a program" user_gets 'done' exec "$page"
}

test_hidden() { # NAME PA
	mark
	check "$1: read gives zeros, and is counted" \
		hidden_reads_go_up gives 'none 0x0' read "$(at "$2" 0)"
	check "$1: so does another page" \
		hidden_reads_go_up gives 'none 0x0' read "$(at "$2" 0x1ff000)"
	check "$1: a program reads zeros" user_gets 0x0 read "$(at "$2" 0)"
	check "$1: write is refused, and counted" \
		hidden_writes_go_up gives 'trap 13' write "$(at "$2" 0)" 0x5555
	check "$1: also where nobody has read" \
		hidden_writes_go_up gives 'trap 13' write "$(at "$2" 0x3000)" 0x5555
	check "$1: a program's write is refused" \
		hidden_writes_go_up user_gets SIGSEGV write "$(at "$2" 0)"
	check "$1: a program cannot run it" \
		hidden_writes_go_up user_gets SIGSEGV exec "$(at "$2" 0)"
	check "$1: still zeros" gives 'none 0x0' read "$(at "$2" 0)"
	check "$1: the log tells of the read" wait_for 10 log_has \
		"read Regent's memory at $(printf '0x%x' "$2") (zeros were shown)"
	check "$1: the log tells of the write" wait_for 10 log_has \
		"wrote Regent's memory at $(printf '0x%x' "$2") (refused with #GP)"
	check "$1: the log tells of the execution" wait_for 10 log_has \
		"ran code in Regent's memory at $(printf '0x%x' "$2") (refused with #GP)"
}

nested_faults() {
	cat "$sys"/cpu*/exits_nested_fault | awk '{ n += $1 } END { print n }'
}

# An address that the processor can give, but that is above all Linux knows of.
beyond() {
	bits=$(sed -n 's/^address sizes\t: \([0-9]*\) bits physical.*/\1/p;T;q' /proc/cpuinfo)
	last=$(tail -n 1 /proc/iomem | sed 's/^ *[0-9a-f]*-\([0-9a-f]*\) .*/\1/')
	high=$(printf '0x%x' $(((1 << (bits - 1)) + 0x12345000)))
	[ $((high)) -gt $((0x$last)) ]
}

mapped_once() {
	before=$(nested_faults)
	gives "$native" mmio "$high" || return
	same $((before + 1)) "$(nested_faults)" || return
	for cpu in $(seq 0 "$last_cpu"); do
		same "mmio $high: $native" "$(echo "mmio $high" | poke_many "$cpu")" || return
	done
	same $((before + 1)) "$(nested_faults)"
}

test_beyond() {
	if ! beyond; then
		skip 'beyond the mapped range' "Linux knows of memory at $high"
		return
	fi
	check 'beyond the mapped range: as natively, with one exit for all' mapped_once
}

# The proof that the zeros were shown, not found: on the bare machine again, with
# K's memory not given back yet, the same addresses have K in them.
test_after_fault() {
	mark
	check 'K faults' k_faults UD
	check 'after a fault, on the bare machine' given_back
	check "K's image is where zeros were read, and untouched" gives "none $magic" read "$chunk"
	test_own_page 'after a fault'
}

linux_can_use_it() {
	LOAD_WORKERS=memory "$here/../load/run.sh" 1
}

test_own_page 'bare machine'
if beyond; then native=$(poke mmio "$high"); fi
check 'taken over' take debug=1
test_own_page 'taken over'
chunk=$(first_chunk)
test_hidden "K's first chunk" "$chunk"
check 'one more chunk is given' donates
donated=$(cat $debug/donate)
test_hidden 'a chunk given later' "$donated"
test_beyond
check "K's text is intact" same intact "$(cat "$sys/image")"
test_after_fault
check 'Regent can be removed' give
check 'the memory reads as memory' gives 'none 0x0' read "$chunk"
check 'Linux can use its memory' linux_can_use_it
finish
