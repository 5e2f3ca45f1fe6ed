#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# compile.sh SECONDS: compile the same file again and again; each object must be
# the same, byte for byte. A worker like those in load_worker.

dir=$(mktemp -d "${TMPDIR:-/tmp}/load_compile.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
stopped=
trap 'stopped=1 interrupted=1' TERM INT
end=$(($(date +%s) + $1))

# A few functions with arithmetic the compiler cannot fold away.
awk 'BEGIN {
	for (i = 0; i < 12; i++)
		printf "unsigned f%d(unsigned *a, int n)\n{\n\tunsigned s = %d;\n" \
		       "\tfor (int i = 0; i < n; i++) {\n\t\ts = s * %d + a[i];\n" \
		       "\t\tif (s & %d)\n\t\t\ta[i] ^= s >> %d;\n\t}\n\treturn s;\n}\n",
		       i, i * 7919, i * 2 + 3, i % 31 + 1, i % 13 + 1
}' >"$dir/generated.c"

# Two at the least, however slow the machine: one alone compares with nothing.
more() {
	[ $count -lt 2 ] && return 0
	[ -z "$stopped" ] && { [ "$1" -eq 0 ] || [ "$(date +%s)" -lt "$end" ]; }
}

count=0
first=
while more "$1"; do
	# Its own session: a SIGTERM for our group must not end a compiler halfway.
	setsid -w gcc -O1 -c -o "$dir/generated.o" "$dir/generated.c" 2>"$dir/log" &
	compiler=$!
	interrupted=
	wait $compiler; status=$?
	# A trapped signal ends the wait early, with a status that is not the compiler's.
	while [ -n "$interrupted" ]; do
		interrupted=
		wait $compiler; status=$?
	done
	if [ $status -ne 0 ]; then
		echo "compile: FAILED after $count operations: gcc exit $status: $(head -1 "$dir/log")"
		exit 1
	fi
	hash=$(sha256sum <"$dir/generated.o")
	first=${first:-$hash}
	if [ "$hash" != "$first" ]; then
		echo "compile: FAILED after $count operations: object differs: $hash, was $first"
		exit 1
	fi
	count=$((count + 1))
done
echo "compile: $count operations, verified"
