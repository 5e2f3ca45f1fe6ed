#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# breaches: plant a breach of each rule of scripts/style in a scratch copy of the
# tree, and see the rule name it. Each breach has a name of its own, which starts
# with style_breach, and which nothing else in the tree contains: a rule that
# fails for another reason does not pass here. Arguments: groups of rules.

groups=(text header sparse layer wall)

top=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree
count=0
failures=0

# A copy that git knows, with what was built, so that little has to be built again.
copy() {
	cd "$top" || exit 2
	scripts/layers >/dev/null 2>&1	# its objects
	scripts/style --only '^$' checkpatch wall >/dev/null	# Linux's scripts, K
	mkdir "$tree"
	git ls-files -z --cached --others --exclude-standard |
		while IFS= read -rd '' file; do
			[ ! -f "$file" ] || printf '%s\0' "$file"
		done | xargs -0 cp -a --parents -t "$tree"
	cp -a --parents -t "$tree" build/k build/style
	rm -rf "$tree/build/style/module"
	cd "$tree" || exit 2
	find build -name '*.d' -exec sed -i "s#$top/#$tree/#g" {} +
	git init -q && git add -A && commit
}

commit() {
	git -c user.name=style -c user.email=style@localhost commit -qm copy
}

# plant FILE: append the standard input
plant() {
	mkdir -p "$(dirname "$1")"
	cat >>"$1"
}

# run RULE...: into $scratch/out, with what was planted
run() {
	scripts/style "$@" >"$scratch/out" 2>&1
}

# found TEST MARK: the test of that name failed, and says the mark below
found() {
	count=$((count + 1))
	if awk -v test=" - $1" -v mark="$2" '
		/^(not )?ok / { failed = /^not ok/ && substr($0, length($0) - length(test) + 1) == test }
		/^#/ && failed && index($0, mark) { seen = 1 }
		END { exit !seen }' "$scratch/out"
	then
		echo "ok $count - $1: $2"
	else
		failures=$((failures + 1))
		echo "not ok $count - $1: $2"
		sed 's/^/# /' "$scratch/out"
	fi
}

# Only the sources: what was built stays, and what was planted is built anew.
clean() {
	git checkout -q . && git clean -fdq
}

text_rules() {
	plant tools/style_breach.c <<-'C'
		// SPDX-License-Identifier: GPL-2.0-only
		int style_breach( void );
	C
	printf 'int a%0100d;\n' 1 | plant tools/style_breach_wide.c
	plant tools/style_breach.sh <<-'SH'
		#!/bin/sh
		rm -r $1
	SH
	plant tools/style_breach.h <<-'C'
		/**
		 * style_breach() - with a parameter that is not described
		 */
		int style_breach(int style_breach_parameter);
	C
	{ echo 'void style_breach(void)'; echo '{'; yes ';' | head -n 81; echo '}'; } |
		plant tools/style_breach_function.c
	yes ';' | head -n 801 | plant sched/style_breach_file.c
	echo 9.8.7 >VERSION
	echo '#define REGENT_VERSION "style_breach 9.8.7"' | plant takeover/l.h
	run --only 'style_breach|/l\.h' checkpatch shell kernel-doc sizes version
	found 'checkpatch' 'tools/style_breach.c:2: ERROR'
	found 'checkpatch' 'tools/style_breach_wide.c:1: over 100 columns'
	found 'shellcheck' 'tools/style_breach.sh'
	found 'kernel-doc' 'style_breach_parameter'
	found 'no function of over 80 lines' 'tools/style_breach_function.c:2'
	found 'no file of over 800 lines' 'sched/style_breach_file.c'
	found 'VERSION is the only one, and CHANGELOG.md agrees' 'version 9.8.7'
	found 'VERSION is the only one, and CHANGELOG.md agrees' 'style_breach 9.8.7'
	clean
}

header_rules() {
	local header
	for header in regent/style_breach hw/style_breach_hw; do
		echo '#pragma once
			static inline u64 style_breach(u64 a) { return a; }' | plant include/$header.h
	done
	echo 'struct style_breach_twice { int a; };' | plant include/regent/style_breach_twice.h
	for header in regent/abi/style_breach_abi uapi/linux/style_breach_uapi; do
		echo '#pragma once
			struct style_breach { __nothing_u64 a; };' | plant include/$header.h
	done
	run --only style_breach headers
	for header in breach.h breach_hw.h breach_twice.h; do
		found 'headers of K stand alone' style_$header
	done
	for header in breach_abi.h breach_uapi.h; do
		found 'headers of the interfaces stand alone in user space' style_$header
	done
	clean
}

# Symbols that no header declares
sparse_rules() {
	echo 'int style_breach_l;' | plant takeover/module.c
	echo 'int style_breach_k;' | plant src/main.c
	run --only '^(takeover/module|src/main)\.c' sparse-l sparse-k
	found 'sparse: L' style_breach_l
	found 'sparse: K' style_breach_k
	clean
}

# What looks at the sources reads comments, too, so that K still builds with these.
wall_rules() {
	plant src/main.c <<-'C'
		#include "/usr/include/linux/const.h"
	C
	plant sched/core.c <<-'C'
		/*
		#include <linux/style_breach.h>
		struct vmcb *style_breach_sched;
		*/
	C
	echo '/* u64 style_breach_read = hw_vmread(0); */' | plant src/main.c
	echo '/* style_breach_write: hw_vmwrite(0, 0); */' | plant takeover/module.c
	echo '/* asm("vmrun %0" : : "a"(style_breach_insn)); */' | plant src/main.c
	echo '/* #include <hw/vmcs.h> style_breach_header */' | plant include/regent/k.h
	echo '/* style_breach_field: VMCS_GUEST_RIP */' | plant src/lib/ring.c
	run wall
	found "no file of Linux's is compiled into K" main.d
	found "no header of Linux's in K's files but in what L shares" linux/style_breach.h
	found "no header of Linux's in K's files but in what L shares" src/main.c
	for mark in sched read write insn header field; do
		found "the backends' structures and instructions stay in their rooms" style_breach_$mark
	done
	clean
	plant src/main.c <<-'C'
		extern int style_breach_undefined;
		int *style_breach_at __attribute__((used)) = &style_breach_undefined;
	C
	rm build/k/vmx/lib/crc.d
	run wall
	found 'K builds' style_breach_undefined
	found "and K's dependency files were there to look at" k/vmx/lib/crc.d
	clean
}

# Data refers upward like a call. Rooms beside each other, and one that is not known
layer_rules() {
	local room
	plant src/lib/ring.c <<-'C'
		extern void k_enter(void);
		void *style_breach_up(void);
		void *style_breach_up(void) { return k_enter; }
		extern int style_breach_weak __attribute__((weak));
		int *style_breach_at = &style_breach_weak;
	C
	for room in vm:test test:vm attic:attic; do
		plant "src/${room%:*}/style_breach_${room%:*}.c" <<-C
			extern int style_breach_of_${room#*:}, style_breach_of_vm;
			int style_breach_of_${room%:*};
			int *style_breach_to_${room#*:} = &style_breach_of_${room#*:};
			int *style_breach_too_${room#*:} = &style_breach_of_vm;
		C
		sed -i "s#^K_COMMON := #&${room%:*}/style_breach_${room%:*}.o #" src/Makefile
	done
	run layers
	found "K's rooms call only downward" 'src/lib/ring.c: k_enter (main): a lower room calls up'
	found "K's rooms call only downward" \
		'src/vm/style_breach_vm.c: style_breach_of_test (test): a room calls its neighbour'
	found "K's rooms call only downward" \
		'src/test/style_breach_test.c: style_breach_of_vm (vm): a room calls its neighbour'
	found "K's rooms call only downward" 'style_breach_weak: a weak symbol'
	found "K's rooms call only downward" 'scripts/layers does not know the room attic'
	clean
}

echo 'TAP version 13'
copy
for group in "${@:-${groups[@]}}"; do
	"${group}_rules"
done
echo "1..$count"
[ $failures = 0 ]
