#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh SECONDS [JOBS]: run JOBS (default 1) of every worker for SECONDS
# (0: until SIGTERM). SIGTERM ends it early; it verifies and prints all the same.
#
# LOAD_WORKERS="name ..."  only these
# REGENT_OUT=DIR           where `make -C selftests` put its output
#                          (default: build/RELEASE of the running kernel)

here=$(cd "$(dirname "$0")" && pwd)
out=${REGENT_OUT:-$here/../../build/$(uname -r)}
worker=$out/selftests/load/load_worker

case $1 in
''|*[!0-9]*) sed -n '4,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
[ -x "$worker" ] || { echo "load: no $worker: make -C selftests first" >&2; exit 2; }
names=${LOAD_WORKERS:-$("$worker" --list) compile}

logs=$(mktemp -d "${TMPDIR:-/tmp}/load.XXXXXX") || exit 2
pids=
stop() {
	stopped=1
	# shellcheck disable=SC2086
	kill -TERM $pids 2>/dev/null
}
trap stop TERM INT
trap 'rm -rf "$logs"' EXIT

job=0
while [ $job -lt "${2:-1}" ]; do
	for name in $names; do
		case $name in
		compile) "$here/compile.sh" "$1" ;;
		*) exec "$worker" "$name" "$1" ;;
		esac >"$logs/$job.$name" 2>&1 &
		pids="$pids $!"
		echo "$name $!" >>"$logs/started"
	done
	job=$((job + 1))
done

failed=0
while read -r name pid; do
	# A trapped signal ends the wait early, with a status that is not the worker's, also
	# when the worker ends at that moment: then wait again.
	stopped=
	wait "$pid"; status=$?
	while [ -n "$stopped" ]; do
		stopped=
		wait "$pid"; status=$?
	done
	if [ $status -ne 0 ]; then
		failed=$((failed + 1))
		echo "load: worker $name ended with status $status"
	fi
done <"$logs/started"

rm -f "$logs/started"
cat "$logs"/*
# Nor has one that ended well, but does not say what it has verified.
for log in "$logs"/*; do
	grep -q ': [1-9][0-9]* operations, verified$' "$log" && continue
	echo "load: ${log##*/} has verified nothing"
	failed=$((failed + 1))
done
if [ $failed -eq 0 ]; then echo "load: ok"; else echo "load: $failed workers FAILED"; exit 1; fi
