#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# world.sh: in a machine, run Linux's x86 selftests, take over, run them again,
# hand back, and compare program by program. TAP.

here=$(cd "$(dirname "$0")" && pwd)
module=$here/../../build/$(uname -r)/regent.ko
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT

bail() {
	echo "Bail out! $*"
	exit 1
}

echo 'TAP version 13'
"$here/run.sh" "$dir/before" >"$dir/said" || bail "before: $(tail -n 1 "$dir/said")"
grep '^#' "$dir/said"
insmod "$module" || bail 'not taken over'
"$here/run.sh" "$dir/after" >"$dir/said" || bail "after: $(tail -n 1 "$dir/said")"
grep '^# [0-9]' "$dir/said"
# Else all this would have compared Linux with itself.
taken=$(cat /sys/kernel/regent/status /sys/kernel/regent/cpus | tr '\n' ' ')
[ "$taken" = "taken over $(cat /sys/devices/system/cpu/online) " ] ||
	bail "Regent did not rule to the end: $taken"
rmmod regent || bail 'not handed back'
"$here/compare.sh" "$dir/before" "$dir/after"
status=$?
# What differs is shown, both ways.
awk 'NR == FNR { line[$1] = $0; next } line[$1] != $0 { print $1 }' \
	"$dir/before" "$dir/after" | while read -r program; do
	for when in before after; do
		echo "# $program, $when:"
		tail -n 20 "$dir/$when.d/$program" | sed 's/^/#   /'
	done
done
exit $status
