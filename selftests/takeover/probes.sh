#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# machine: --cpus 4 --monitor --qemu=-machine\ pc-q35-7.0
#
# No breakpoint on the ways in and out, at no instruction: where neither kernel's state
# is whole, nobody could handle it. Of both backends, whichever rules here.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2317,SC2119 # checks are called by name
. "$(dirname "$0")/lib.sh"

prober=$out/selftests/takeover/prober/regent_prober.ko

ways='regent_trampoline_enter regent_resume regent_trampoline_leave regent_trampoline_out
	regent_vmx_enter regent_vmx_resume regent_vmx_leave regent_vmx_out regent_vmxon
	regent_vmxoff cpu_enter cpu_leave svm_enter svm_come_back svm_disable vmx_enter
	vmx_come_back vmx_disable vmx_restore_rest vmx_restore_user_segments
	vmx_restore_gdt_and_tr'

# Names without what the compiler may have added to them.
symbols() {
	nm -S "$module" | sed -E 's/[.](isra|constprop)[.].*//' >"$work/sizes"
	grep '\[regent\]$' /proc/kallsyms | sed -E 's/[.](isra|constprop)[.][0-9]+//' >"$work/places"
}

# "ADDRESS,SIZE" of a function of regent.ko as it is loaded
range_of() { # NAME
	size=$(awk -v name="$1" '$4 == name { print $2 }' "$work/sizes")
	place=$(awk -v name="$1" '$3 == name { print $1 }' "$work/places")
	[ -n "$size" ] && [ -n "$place" ] && echo "0x$place,0x$size"
}

ranges=
all_known() {
	symbols
	for way in $ways; do
		range=$(range_of "$way") || { echo "no $way"; return 1; }
		ranges=$ranges${ranges:+,}$range
	done
}

refused() { # RANGES
	insmod "$prober" ranges="$1" && rmmod regent_prober
}

all_refused() {
	refused "$ranges" && return
	log | grep regent_prober
	return 1
}

# Else nothing that is refused means anything.
accepted_elsewhere() {
	! refused "$(range_of regent_hypercall)" 2>/dev/null &&
		log_has 'regent_prober: accepted at regent_hypercall'
}

mark
check 'taken over' take
check 'the ways in and out are known' all_known
check 'a breakpoint on other code of the module is accepted' accepted_elsewhere
check 'none is on any byte of the ways in and out' all_refused
give_as_found
finish
