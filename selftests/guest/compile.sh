#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# compile.sh DIR JOBS: compile some of K's files as they lie here, JOBS at a time, into DIR, and
# print what the objects' checksums are. It runs on the host and in VMs (see disk.sh).

cd "$(dirname "$0")" || exit 2
[ $# -eq 2 ] || { sed -n '4,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
dir=$1
jobs=$2
mkdir -p "$dir" || exit 2

# Every JOBS-th file
compile_share() { # NUMBER
	turn=0
	for file in lib/*.c; do
		turn=$(((turn + 1) % jobs))
		[ $turn -eq "$1" ] || continue
		object=${file##*/}
		gcc -std=gnu11 -O2 -ffreestanding -Iinclude -c -o "$dir/${object%.c}.o" "$file" ||
			return
	done
}

job=0
pids=
while [ $job -lt "$jobs" ]; do
	compile_share $job &
	pids="$pids $!"
	job=$((job + 1))
done
for pid in $pids; do
	wait "$pid" || exit
done
cd "$dir" && sha256sum ./*.o
