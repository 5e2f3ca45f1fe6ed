#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# abi.sh INCLUDE-DIRECTORY: print what <regent/abi/hypercall.h> there calls its numbers, as
# shell variables: REGENT_HC_NULL=0x0 and so on, its enumerators included. The compiler is
# asked, so that it does not matter in what form the header has them.

set -eu
include=$1
header=regent/abi/hypercall.h
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Whatever looks like a name, but for macros without a value or with arguments
names() {
	echo "#include <$header>" | gcc -I "$include" -E -P - | grep -ow 'REGENT_[A-Z0-9_]*'
	echo "#include <$header>" | gcc -I "$include" -E -dM - |
		sed -n 's/^#define \(REGENT_[A-Z0-9_]*\) .*[0-9].*/\1/p'
}

{
	printf '#include <%s>\n#include <stdio.h>\nint main(void)\n{\n' "$header"
	names | sort -u | while read -r name; do
		printf '\tprintf("%s=0x%%llx\\n", (unsigned long long)%s);\n' "$name" "$name"
	done
	printf '}\n'
} >"$work/abi.c"
gcc -I "$include" -o "$work/abi" "$work/abi.c"
"$work/abi"
