#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# linux_vmx.sh DIRECTORY: put Linux's words about VMX, of Debian's headers, where a
# user program can include them: DIRECTORY/linux_vmx/. Nothing of them is copied into
# this tree. Without headers only a note that they are missing is there.

set -eu
to=$1/linux_vmx
mkdir -p "$to"
from=$(find /usr/src -maxdepth 1 -name 'linux-headers-6.1.*-common' 2>/dev/null | sort -V | tail -n 1)
arch=$from/arch/x86/include

if [ -z "$from" ] || [ ! -f "$arch/asm/vmx.h" ] || [ ! -f "$arch/uapi/asm/vmx.h" ]; then
	echo '#define LINUX_VMX_MISSING' >"$to/linux_vmx.h"
	exit
fi

# The constants alone: what needs the rest of the kernel is left out.
sed -n -e '/^#include/d' -e '/^#define[[:space:]]/p' "$arch/asm/vmxfeatures.h" >"$to/features.h"
sed -n -e '/^#define[[:space:]]EXIT_REASON_/p' -e '/^#define[[:space:]]VMX_EXIT_REASONS_FAILED/p' \
	"$arch/uapi/asm/vmx.h" >"$to/reasons.h"
# With lines that go on joined
work=$to/joined
sed -e ':more' -e '/\\$/{N;s/\\\n//;bmore}' "$arch/asm/vmx.h" >"$work"
grep -E '^#define[[:space:]]+(MSR_IA32_FEAT_CTL|FEAT_CTL_|MSR_IA32_VMX_|VMX_BASIC_)' \
	"$arch/asm/msr-index.h" >"$to/msr.h"
{
	sed -n '/^enum vmcs_field {/,/^};/p' "$work"
	grep -E '^#define[[:space:]]+(VMCS_CONTROL_BIT|CPU_BASED_|SECONDARY_EXEC_|PIN_BASED_|VM_EXIT_|VM_ENTRY_|INTR_|GUEST_INTR_STATE_|EPT_VIOLATION_|VMX_EPT|VMX_VPID|VMX_AR_)' \
		"$work"
} >"$to/vmx.h"
cat >"$to/linux_vmx.h" <<-'H'
	#define BIT(n) (1ul << (n))
	#include "features.h"
	#include "msr.h"
	#include "reasons.h"
	#include "vmx.h"
H
