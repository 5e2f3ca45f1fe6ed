#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# disk.sh DIR: make DIR/disk, an ext4 file system with this machine's compiler and some files of K's
# for VMs to compile (compile.sh in its root), and DIR/sums, what comes out here.

set -e
top=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -eq 1 ] || { sed -n '4,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
root=$out/root
rm -rf "$root" "$out/objects" "$out/disk" "$out/sums"
mkdir -p "$root/lib" "$root/bin" "$root/dev" "$root/proc" "$root/tmp" "$root/src/lib"

# A program, with the libraries that it needs, each at its place
add_program() { # FILE
	{ echo "$1"; ldd "$1" | grep -o '/[^ ]*'; } | while read -r file; do
		mkdir -p "$root${file%/*}"
		cp -L "$file" "$root$file"
	done
}

add_program "$(command -v gcc)"
add_program "$(command -v as)"
add_program "$(gcc -print-prog-name=cc1)"
headers=$(gcc -print-file-name=include)
mkdir -p "$root${headers%/*}"
cp -r "$headers" "$root${headers%/*}/"
cp "$(command -v busybox)" "$root/bin/busybox"
for name in sh mkdir sha256sum dirname; do
	ln -s busybox "$root/bin/$name"
done
cp "$top/selftests/guest/compile.sh" "$root/src/"
cp -r "$top/include" "$root/src/"
for name in decode ptab vapic vioapic; do
	cp "$top/src/lib/$name.c" "$root/src/lib/"
done
cp "$top"/src/lib/*.h "$root/src/lib/"

"$root/src/compile.sh" "$out/objects" 2 >"$out/sums.new"
PATH=$PATH:/sbin:/usr/sbin mkfs.ext4 -q -F -m 0 -d "$root" "$out/disk.new" 128M >&2
rm -rf "$root"
mv "$out/disk.new" "$out/disk"
mv "$out/sums.new" "$out/sums"
