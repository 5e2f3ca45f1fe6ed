// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linux's PEBS: the processor writes records of events to linear addresses, by
 * whatever page tables it runs on. In K and in other worlds these are not Linux's, so
 * that PEBS has to be off there: by MSR lists at entries and exits, and only while
 * Linux has it on. Intel SDM volume 3, "Processor Event Based Sampling (PEBS)",
 * "MSRs in VM-Entry and VM-Exit Load Areas".
 */
#include <hw/asm.h>
#include <hw/vmcs.h>
#include <hw/vmx.h>
#include <regent/abi/msrtab.h>
#include <regent/cpu.h>
#include <regent/k.h>

#include "vmx.h"

#define MSR_GLOBAL_CTRL	0x38f		/* of the performance counters */

static void set(struct vmx_block *b, u64 value)
{
	b->pebs_entry = (struct vmx_msr_load){ .index = VMX_MSR_PEBS_ENABLE, .value = value };
	b->pebs_exit = (struct vmx_msr_load){ .index = VMX_MSR_PEBS_ENABLE };
	hw_vmwrite(VMCS_ENTRY_MSR_LOADS, !!value);
	hw_vmwrite(VMCS_EXIT_MSR_LOADS, !!value);
}

/**
 * vmx_pebs_init() - Linux has become a world, and L has switched PEBS off
 * @b: of the system world, current
 * @h: this CPU's handoff
 */
void vmx_pebs_init(struct vmx_block *b, const struct regent_handoff *h)
{
	u64 block = h->backend_pa[VMX_PA_BLOCK];

	hw_vmwrite(VMCS_ENTRY_MSR_LOAD_LIST, block + offsetof(struct vmx_block, pebs_entry));
	hw_vmwrite(VMCS_EXIT_MSR_LOAD_LIST, block + offsetof(struct vmx_block, pebs_exit));
	set(b, h->pebs);
}

/**
 * vmx_pebs_leave() - L will switch PEBS on again
 * @b: of the system world, current
 * @h: this CPU's handoff
 */
void vmx_pebs_leave(const struct vmx_block *b, struct regent_handoff *h)
{
	h->pebs = b->pebs_entry.value;
	hw_vmwrite(VMCS_ENTRY_MSR_LOADS, 0);
}

/**
 * vmx_pebs_write() - Linux writes PEBS_ENABLE
 * @b: of the system world, current
 * @value: what it writes
 *
 * Nothing counts while the processor says whether it takes that.
 *
 * Return: whether it does.
 */
bool vmx_pebs_write(struct vmx_block *b, u64 value)
{
	u64 global = 0;
	bool has_global = guarded_rdmsr(MSR_GLOBAL_CTRL, &global) &&
			  guarded_wrmsr(MSR_GLOBAL_CTRL, 0);
	bool taken = guarded_wrmsr(VMX_MSR_PEBS_ENABLE, value);

	guarded_wrmsr(VMX_MSR_PEBS_ENABLE, 0);
	if (has_global)
		hw_wrmsr(MSR_GLOBAL_CTRL, global);
	if (taken)
		set(b, value);
	return taken;
}
