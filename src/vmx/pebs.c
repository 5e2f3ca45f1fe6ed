// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linux's PEBS: the processor writes records of events to linear addresses, by whatever page
 * tables it runs on. K and other worlds have other page tables than Linux, so PEBS must be off
 * there. While Linux has PEBS on, the MSR lists of entries and exits switch PEBS_ENABLE. Intel
 * SDM volume 3, "Processor Event Based Sampling (PEBS)", "MSRs in VM-Entry and VM-Exit Load
 * Areas".
 */
#include <hw/asm.h>
#include <hw/vmcs.h>
#include <hw/vmx.h>
#include <regent/abi/msrtab.h>
#include <regent/cpu.h>
#include <regent/k.h>

#include "vmx.h"

#define MSR_GLOBAL_CTRL	0x38f		/* of the performance counters */

/* Make entries load PEBS_ENABLE with @value, and exits with 0; neither if @value is 0. */
static void set_pebs(struct vmx_block *b, u64 value)
{
	b->pebs_entry = (struct vmx_msr_load){ .index = VMX_MSR_PEBS_ENABLE, .value = value };
	b->pebs_exit = (struct vmx_msr_load){ .index = VMX_MSR_PEBS_ENABLE };
	hw_vmwrite(VMCS_ENTRY_MSR_LOADS, !!value);
	hw_vmwrite(VMCS_EXIT_MSR_LOADS, !!value);
}

/**
 * vmx_pebs_init() - take over PEBS_ENABLE, which L has set to 0 for the takeover
 * @b: the host world's block; its VMCS is current
 * @h: this CPU's handoff, with Linux's value
 */
void vmx_pebs_init(struct vmx_block *b, const struct regent_handoff *h)
{
	u64 block = h->backend_pa[VMX_PA_BLOCK];

	hw_vmwrite(VMCS_ENTRY_MSR_LOAD_LIST, block + offsetof(struct vmx_block, pebs_entry));
	hw_vmwrite(VMCS_EXIT_MSR_LOAD_LIST, block + offsetof(struct vmx_block, pebs_exit));
	set_pebs(b, h->pebs);
}

/**
 * vmx_pebs_leave() - tell L the value of PEBS_ENABLE that it has to put back
 * @b: the host world's block; its VMCS is current
 * @h: this CPU's handoff, which gets the value
 */
void vmx_pebs_leave(const struct vmx_block *b, struct regent_handoff *h)
{
	h->pebs = b->pebs_entry.value;
	hw_vmwrite(VMCS_ENTRY_MSR_LOADS, 0);
}

/**
 * vmx_pebs_write() - emulate Linux's write of PEBS_ENABLE
 * @b: the host world's block; its VMCS is current
 * @value: the value that Linux writes
 *
 * Try the value on the processor, with all performance counters stopped meanwhile, so that no
 * record is written in K.
 *
 * Return: true when the processor takes the value, false when Linux gets #GP.
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
		set_pebs(b, value);
	return taken;
}
