#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# selftest.sh [CYCLES]: does the search for leaks find a page a cycle, and does it
# stay quiet without one? To be run in a machine (it leaks). TAP.

here=$(cd "$(dirname "$0")" && pwd)
out=${REGENT_OUT:-$here/../../build/$(uname -r)}
module=$out/selftests/leak/leaky.ko
cycles=${1:-100}
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT

cycle() {
	i=0
	while [ $i -lt "$cycles" ]; do
		insmod "$module" kind="$1" && rmmod leaky || exit 2
		i=$((i + 1))
	done
}

# The first cycles fill caches that stay, as they do for any module.
cycle none
tests=0 failed=0
for kind in none page slab vmalloc; do
	"$here/memsnap.sh" >"$dir/before"
	cycle $kind
	"$here/memsnap.sh" >"$dir/after"
	"$here/memcmp.sh" "$dir/before" "$dir/after" $((cycles * 3)) >"$dir/out"; got=$?
	tests=$((tests + 1))
	sed 's/^/# /' "$dir/out"
	want=1
	[ $kind = none ] && want=0
	if [ $got -eq $want ]; then
		echo "ok $tests $kind leaked in $cycles cycles: $(tail -1 "$dir/out")"
	else
		echo "not ok $tests $kind leaked in $cycles cycles: $(tail -1 "$dir/out")"
		failed=1
	fi
done
echo "1..$tests"
exit $failed
