#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# memcmp.sh BEFORE AFTER [KIB]: compare two outputs of memsnap.sh. Exit status 1
# if kernel memory grew by more than KIB (default 200: half of a page a cycle
# over 100 cycles), or if modules or vmalloc areas stayed behind.

case $# in
2|3) ;;
*) sed -n '4,6s/^# //p' "$0" >&2; exit 2 ;;
esac
awk -F= -v tolerance="${3:-200}" '
	NR == FNR { before[$1] = $2; next }
	{
		grown = $2 - before[$1]
		printf "%-24s %10d -> %10d  %+d\n", $1, before[$1], $2, grown
		seen++
		if ($1 == "kernel_kb" && grown > tolerance)
			bad = bad "; kernel memory grew by " grown " KiB"
		if ($1 == "vmalloc_areas_count" && grown > tolerance / 8)
			bad = bad "; " grown " more vmalloc areas"
		if ($1 == "modules_count" && grown > 0)
			bad = bad "; " grown " more modules loaded"
	}
	END {
		if (seen < 10) {
			print "memcmp: not outputs of memsnap.sh"
			exit 2
		}
		print "memcmp: " (bad ? "LEAK" bad : "no leak seen (tolerance " tolerance " KiB)")
		exit bad ? 1 : 0
	}' "$1" "$2"
