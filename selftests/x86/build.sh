#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# build.sh: build Linux's own x86 selftests, on the host, into build/x86-selftests
# (REGENT_X86_OUT overrides). They come from Debian's linux-source-6.1; nothing
# of them is copied into this tree. 32-bit programs only if gcc -m32 works.
set -e

here=$(cd "$(dirname "$0")" && pwd)
out=${REGENT_X86_OUT:-$here/../../build/x86-selftests}
tarball=${LINUX_TARBALL:-/usr/src/linux-source-6.1.tar.xz}
top=$(basename "$tarball" .tar.xz)

[ -r "$tarball" ] || { echo "x86/build.sh: no $tarball: apt-get install linux-source-6.1" >&2; exit 2; }
# From nothing: gcc leaves a precompiled header of helpers.h under a program's
# name when the program fails to compile, and make would take it for built.
rm -rf "${out:?}/src" "${out:?}/bin"
mkdir -p "$out/src" "$out/bin"
out=$(cd "$out" && pwd)
tar xf "$tarball" -C "$out/src" --strip-components=1 \
	"$top/tools/testing/selftests/x86" "$top/tools/testing/selftests/lib.mk" \
	"$top/tools/testing/selftests/kselftest.h" \
	"$top/tools/testing/selftests/kselftest_harness.h" \
	"$top/tools/testing/selftests/kselftest" "$top/tools/include" "$top/tools/arch/x86/include" \
	"$top/arch/x86/include"
make -s -C "$out/src/tools/testing/selftests/x86" OUTPUT="$out/bin" KHDR_INCLUDES= -k all >"$out/log" 2>&1 ||
	{ tail -20 "$out/log" >&2; echo "x86/build.sh: failed, see $out/log" >&2; exit 1; }
echo "x86/build.sh: $(find "$out/bin" -maxdepth 1 -name '*_[36][24]' | wc -l) programs in $out/bin"
