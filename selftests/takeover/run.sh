#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh RELEASE [TEST...]: run tests of the takeover as root in a machine that
# runs the kernel RELEASE, and print one TAP stream. Without TEST: all those
# for the common machine.
# run.sh --list: print each test's name and the options of scripts/machine it
# needs beside --kernel ("# machine:" in its head), which are the same for all
# tests of the common machine.

here=$(cd "$(dirname "$0")" && pwd)
common='basic fail_step corrupt_field hotplug fault memory msr kvm hypercall nmi step suspend
	width refused probes'
others='la57 forward sched shares hung far_bar vmm vmset vmm-fire qemu'
# beside, cycles and loaded are for Bochs: others do more, but slower. vmx is for
# Intel, which only Bochs has. boots takes long: make check-long has it.
limit=${TEST_LIMIT:-1500}	# seconds a test may take; a shared host can be four times as slow as ours

case $1 in
--list)
	for t in $common $others; do
		echo "$t $(sed -n 's/^# machine: //p' "$here/$t.sh")"
	done
	exit ;;
-*|'') sed -n '4,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

[ "$1" = "$(uname -r)" ] || { echo "Bail out! this is kernel $(uname -r), not $1"; exit 2; }
REGENT_OUT=${REGENT_OUT:-$here/../../build/$1}
export REGENT_OUT
shift
[ $# -gt 0 ] || eval "set -- $common"

# The console is slow, and the log keeps all; errors and worse are shown.
dmesg -n 4

# With --icount a CPU without work skips to its next timer, also while it waits for the
# host's disk: the guest's clock says nothing then, and scripts/machine's limit holds.
limited() { # TEST
	if grep -q '^# machine:.* --icount' "$here/$1.sh"; then
		"$here/$1.sh"
	else
		timeout -k 5 "$limit" "$here/$1.sh"
	fi
}

# What has been printed is to be seen even if the machine ends: mawk would wait for more.
prompt_awk() {
	case $(readlink -f "$(command -v awk)") in
	*/mawk) awk -W interactive "$@" ;;
	*) awk "$@" ;;
	esac
}

# One test's TAP, renumbered and named, becomes a part of the stream's. A test
# that does not end as TAP says has failed, too.
merge() { # TEST FIRST-NUMBER
	prompt_awk -v test="$1" -v n="$2" -v merged="$merged" '
	/^(not )?ok / {
		word = $1 == "not" ? "not ok" : "ok"
		sub(/^(not )?ok [0-9]+( - )?/, "")
		print word " " ++n " - " test ": " $0
		if (word != "ok")
			bad++
		seen++
		fflush()	# a machine may end here
		next
	}
	/^1\.\.0 # SKIP/ {
		sub(/^1\.\.0 /, "")
		print "ok " ++n " - " test " " $0
		planned = 1
		skipped = 1
		next
	}
	/^1\.\./ { planned = substr($0, 4) == seen; next }
	/^status / { status = $2; next }
	{ print ($0 ~ /^#/ ? "" : "# ") $0 }
	{ fflush() }
	END {
		if (!planned || (status != 0 && !bad)) {
			print "not ok " ++n " - " test ": ended with status " status
			bad++
		}
		print n + 0, bad + 0 > merged
	}'
}

merged=$(mktemp) || exit 2
trap 'rm -f "$merged"' EXIT
echo 'TAP version 13'
number=0 failed=0
for t; do
	start=$(date +%s)
	{
		limited "$t" 2>&1
		echo "status $?"
	} | merge "$t" "$number"
	read -r number bad <"$merged"
	failed=$((failed + bad))
	echo "# $t took $(($(date +%s) - start)) s"
	# The next one must not suffer for this one.
	! grep -q '^regent ' /proc/modules || rmmod regent
done
echo "1..$number"
[ $failed -eq 0 ]
