#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --monitor --qemu=-machine\ pc-q35-7.0
#
# CPUs go offline and come online while taken over, before, and across the
# handback; each is a world exactly while it is online.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

cpus=$(nproc --all)

# Regent has the CPUs that are online, and no other.
follows() {
	same "$(cat /sys/devices/system/cpu/online)" "$(cat "$sys/cpus")"
}

goes() { # CPU
	offline "$1" && follows
}

comes() { # CPU
	online "$1" && follows
}

# It answers hypercalls, made on that CPU itself.
serves() { # CPU
	before=$(cat "$sys/cpu$1/exits_hypercall")
	taskset -c "$1" cat "$sys/image" >"$work/image" || return
	same intact "$(cat "$work/image")" || return
	[ "$(cat "$sys/cpu$1/exits_hypercall")" -gt "$before" ]
}

test_each() {
	mark
	check 'taken over' take
	for cpu in $(seq 1 "$last_cpu"); do
		check "CPU $cpu goes" goes "$cpu"
		check "CPU $cpu comes" comes "$cpu"
		check "CPU $cpu is a world again" serves "$cpu"
	done
	give_as_found "$cpus"
}

toggle() { # TIMES
	for i in $(seq "$1"); do
		cpu=$((i % last_cpu + 1))
		offline "$cpu" && online "$cpu" || return
	done
	follows
}

test_rapid() {
	mark
	check 'taken over' take
	check '30 rapid toggles' toggle 30
	give_as_found "$cpus"
}

# The one that is away has nothing to hand back any more, but was compared.
test_handback_with_one_away() {
	mark
	check 'taken over' take
	check "CPU $last_cpu goes" goes "$last_cpu"
	give_as_found "$((cpus - 1))" 'handed back with a CPU offline'
	check "CPU $last_cpu comes on the bare machine" online "$last_cpu"
}

test_takeover_with_one_away() {
	mark
	check "CPU 1 goes on the bare machine" offline 1
	check 'taken over with a CPU offline' take
	check 'the others are worlds' follows
	check 'CPU 1 comes' comes 1
	check 'CPU 1 is a world' serves 1
	give_as_found "$cpus"
}

test_both_with_one_away() {
	mark
	check "CPU 2 goes on the bare machine" offline 2
	check 'taken over with it offline' take
	give_as_found "$((cpus - 1))" 'handed back with it still offline'
	check "CPU 2 comes" online 2
}

need_cpus 3
# What a CPU has after it has come is Linux's doing, so dump after that.
offline 1 && online 1 && offline 2 && online 2 && offline "$last_cpu" && online "$last_cpu"
check 'the dumper works' dump before
test_each
test_rapid
test_handback_with_one_away
test_takeover_with_one_away
test_both_with_one_away
check 'the dumper works' dump after
check 'the dumps agree' same_dumps before after
finish
