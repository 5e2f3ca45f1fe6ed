#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --monitor --qemu=-machine\ pc-q35-7.0
#
# Refused on every CPU at once, often: each CPU finds its reason in an interrupt, where a
# kernel with PREEMPT_RT may not sleep. Another hypervisor is played by this test.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

times=60

if [ "$backend" = svm ]; then
	register=0xc0000080 bit=0x1000	# EFER.SVME
	reason='another hypervisor owns SVM'
else
	skip_all 'EFER.SVME is of SVM'
fi

efer() { # CPU
	poke_many "$1" <<-EOF | sed -n 's/.*: none //p'
	rdmsr $register
	EOF
}

set_efer() { # CPU VALUE
	same "wrmsr $register $2: none" "$(echo "wrmsr $register $2" | poke_many "$1")"
}

own() {
	for cpu in $(seq 0 "$last_cpu"); do
		found=$(efer "$cpu")
		echo "$found" >"$work/efer$cpu"
		set_efer "$cpu" "$(printf '0x%x' $((found | bit)))" || return
	done
}

disown() {
	for cpu in $(seq 0 "$last_cpu"); do
		set_efer "$cpu" "$(cat "$work/efer$cpu")" || return
	done
}

refused() {
	for i in $(seq "$times"); do
		mark
		! take 2>/dev/null || { echo "taken over, in round $i"; give; return 1; }
		log_has "regent: refused: $reason" || return
	done
}

check 'another hypervisor owns every CPU' own
check "refused $times times" refused
check 'it is gone' disown
mark
check 'taken over' take
give_as_found
finish
