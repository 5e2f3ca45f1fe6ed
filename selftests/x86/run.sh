#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh OUTFILE: run the programs that build.sh built, in a machine, and write
# "program exit_status passed failed skipped" for each: its exit status (124:
# ran into the limit of 30 s) and the numbers of its [OK], [FAIL], [SKIP] lines.
# The output of each goes to OUTFILE.d/. X86_ALL=1 runs the excluded ones too.

here=$(cd "$(dirname "$0")" && pwd)
bin=${REGENT_X86_OUT:-$here/../../build/x86-selftests}/bin
limit=${X86_LIMIT:-30}

# Programs without a stable result in an emulator even natively: "name reason".
excluded() {
	cat <<'LIST'
syscall_numbering_64 needs more than 30 s; what it got done by then varies
sysret_ss_attrs_64   hangs until the limit, with no output
LIST
}

[ $# -eq 1 ] || { sed -n '4,7s/^# //p' "$0" >&2; exit 2; }
mkdir -p "$1.d" && : >"$1" || exit 2
# Where the programs are is read-only in a machine; some want to write.
cd "$(mktemp -d)" || exit 2

lines() {
	grep -c "^\[$1\]" "$log"
}

for program in "$bin"/*_32 "$bin"/*_64; do
	[ -e "$program" ] || continue
	name=${program##*/}
	if [ -z "$X86_ALL" ] && excluded | grep -q "^$name "; then
		echo "# $name left out: $(excluded | sed -n "s/^$name *//p")"
		continue
	fi
	log=$1.d/$name
	timeout -k 5 "$limit" "$program" >"$log" 2>&1 </dev/null
	status=$?
	echo "$name $status $(lines OK) $(lines FAIL) $(lines SKIP)" | tee -a "$1"
done
[ -s "$1" ] || { echo "x86/run.sh: no programs in $bin: run build.sh first" >&2; exit 2; }
awk '{ n++; if ($2) failed++; ok += $3; bad += $4; skipped += $5 }
	END { printf "# %d programs, %d ended with an error; %d checks passed, %d failed, %d skipped\n",
		n, failed, ok, bad, skipped }' "$1"
