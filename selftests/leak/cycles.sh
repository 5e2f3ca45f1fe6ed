#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# cycles.sh [CYCLES]: in a machine, without load: do CYCLES (default 100) takeovers
# and handbacks leave memory behind? A page a cycle is found. TAP.
#
# Linux's own caches come and go by some hundred KiB at any time, a leak grows
# every time: if memory grew, as many cycles again decide.

here=$(cd "$(dirname "$0")" && pwd)
module=$here/../../build/$(uname -r)/regent.ko
cycles=${1:-100}
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT

cycle() { # TIMES
	i=0
	while [ $i -lt "$1" ]; do
		if ! insmod "$module" || ! rmmod regent; then
			echo "Bail out! cycle $i failed"
			exit 1
		fi
		i=$((i + 1))
	done
}

echo 'TAP version 13'
# The first cycles fill caches that stay, as they do for any module.
cycle 10
"$here/memsnap.sh" >"$dir/before"
for _ in 1 2; do
	cycle "$cycles"
	"$here/memsnap.sh" >"$dir/after"
	"$here/memcmp.sh" "$dir/before" "$dir/after" $((cycles * 3)) >"$dir/out"
	status=$?
	sed 's/^/# /' "$dir/out"
	[ $status -ne 0 ] || break
	mv "$dir/after" "$dir/before"
done
if [ "$status" -eq 0 ]; then word=ok; else word='not ok'; fi
echo "$word 1 - $cycles takeovers and handbacks: $(tail -n 1 "$dir/out")"
echo 1..1
exit "$status"
