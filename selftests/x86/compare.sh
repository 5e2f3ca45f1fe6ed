#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# compare.sh BEFORE AFTER: two OUTFILEs of run.sh, program by program (TAP). Exit
# status 1 if a program differs, is missing, or is new.

if [ $# -ne 2 ] || [ ! -s "$1" ] || [ ! -s "$2" ]; then
	echo "usage: compare.sh BEFORE AFTER (two files from run.sh)" >&2
	exit 2
fi
awk '
	{ name = $1; sub(/^[^ ]* /, "") }
	NR == FNR { before[name] = $0; order[n++] = name; next }
	{ after[name] = $0; if (!(name in before)) order[n++] = name }
	END {
		for (i = 0; i < n; i++) {
			name = order[i]
			a = (name in before) ? before[name] : "not run"
			b = (name in after) ? after[name] : "not run"
			same = a == b
			printf "%sok %d %s: %s%s\n", same ? "" : "not ", i + 1, name, a, \
				same ? "" : " -> " b
			differ += !same
		}
		printf "1..%d\n# status, passed, failed, skipped; %d of %d differ\n", n, differ, n
		exit differ ? 1 : 0
	}' "$1" "$2"
