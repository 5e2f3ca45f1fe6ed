#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --monitor --qemu=-machine\ pc-q35-7.0
#
# Every step fails in turn, and every part of a step, on every CPU where it runs
# on each: the takeover says which, and leaves nothing behind.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

# The names in a table of struct step. TABLE is "steps", "guards" or "services".
names_of() { # FILE TABLE
	sed -n "/struct step $2\[\] = {/,/^};/s/^\t{ \"\([a-z]*\)\".*/\1/p" "$top/takeover/$1"
}

steps=$(names_of module.c steps)
guards=$(names_of guard.c guards)
services=$(names_of run/services.c services)

lists_are_whole() {
	# shellcheck disable=SC2086 # words
	set -- $steps $guards $services
	[ $# -ge 19 ] && return
	echo "only $*"
	return 1
}

# No takeover, the reason in the log, nothing in sysfs.
fails() { # FAIL_STEP LINE...
	mark
	if take fail_step="$1" 2>"$work/insmod"; then
		echo "taken over all the same"
		give
		return 1
	fi
	shift
	logged=$(log)
	for line in "$@" 'failed: -ECANCELED; all undone, Linux is as before'; do
		case $logged in
		*"$line"*) ;;
		*) echo "the log has not: $line"; return 1 ;;
		esac
	done
	! regent_loaded && [ ! -e "$sys" ]
}

test_steps() {
	for s in $steps; do
		check "step $s fails" fails "$s" "regent: step $s failed: -ECANCELED"
	done
	for g in $guards; do
		check "guard $g fails" fails "$g" "regent: guard $g failed: -ECANCELED" "regent: step guards failed"
	done
	for v in $services; do
		check "service $v fails" fails "$v" "regent: service $v failed: -ECANCELED" "regent: step services failed"
	done
}

# On each CPU: before anything is changed, and when it has been taken over.
test_cpus() {
	for cpu in $(seq 0 "$last_cpu"); do
		for part in ready processors; do
			check "$part fails on CPU $cpu" fails "$part:$cpu" \
				"regent: step $part, CPU $cpu failed: -ECANCELED" \
				"regent: step processors failed"
		done
	done
}

# A name that is none must not be taken for one.
test_no_such_step() {
	mark
	check 'a step that is not there does not fail' take fail_step=nonsense
	give_as_found "$(nproc --all)"
	mark
	check 'nor a CPU that is not there' take fail_step=ready:4095
	give_as_found "$(nproc --all)"
}

memory_is_back() {
	"$here/../leak/memcmp.sh" "$work/memory" "$work/memory.after" 1024
}

check 'the lists of steps and guards are whole' lists_are_whole
# What the first takeover loads and caches stays, as with any module.
check 'taken over' take
mark
give_as_found "$(nproc --all)"
dump before
SNAP_ROUNDS=1 "$here/../leak/memsnap.sh" >"$work/memory"
test_steps
test_cpus
SNAP_ROUNDS=1 "$here/../leak/memsnap.sh" >"$work/memory.after"
check 'all memory is back' memory_is_back
check 'the dumper works' dump after
check 'the dumps agree' same_dumps before after
test_no_such_step
finish
