// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX's plain logic: the choice of controls, the values that go into a VMCS, and the MSR bitmaps.
 * L uses it for the host world, K for other worlds. Intel SDM volume 3, "VM-Execution Control
 * Fields" and the chapters around it.
 */
#include <hw/cr.h>
#include <hw/vmcs.h>
#include <regent/abi/msrtab.h>

#include "vmx.h"

/*
 * Choose a word of controls by its capability MSR @cap, whose lower half has the bits that must
 * be set and whose upper half has those that may be set. @need: bits to set; @later: bits that
 * must be possible later; @like: bits to set if possible; @never: bits that must not be forced.
 * Return: whether this CPU can do so.
 */
static bool choose_controls(u64 cap, u32 need, u32 later, u32 like, u32 never, u32 *to)
{
	u32 must = cap, may = cap >> 32;

	*to = must | need | (like & may);
	return !((need | later) & ~may) && !(must & never);
}

#define PIN_NEED	(VMX_PIN_NMI | VMX_PIN_VIRTUAL_NMI)
/* Forwarded CPUs and other worlds need these. */
#define PIN_LATER	VMX_PIN_INTERRUPT
#define PROC_LATER	(VMX_PROC_TPR_SHADOW | VMX_PROC_INTERRUPT_WINDOW | VMX_PROC_NMI_WINDOW | \
			 VMX_PROC_HLT | VMX_PROC_MWAIT | VMX_PROC_MONITOR | VMX_PROC_IO | \
			 VMX_PROC_CR8_LOAD | VMX_PROC_CR8_STORE | VMX_PROC_DR | \
			 VMX_PROC_RDPMC | VMX_PROC_TSC_OFFSET)
#define PROC2_LATER	VMX_PROC2_WBINVD
#define PROC_NEED	(VMX_PROC_MSR_BITMAP | VMX_PROC_SECONDARY)
#define PROC_NEVER	(VMX_PROC_CR3_LOAD | VMX_PROC_CR3_STORE | VMX_PROC_IO | VMX_PROC_HLT | \
			 VMX_PROC_MWAIT | VMX_PROC_MONITOR | VMX_PROC_DR)
#define PROC2_NEED	(VMX_PROC2_EPT | VMX_PROC2_VPID | VMX_PROC2_UNRESTRICTED)
/* Without one of these, the instruction of that name is #UD in Linux. */
#define PROC2_LIKE	(VMX_PROC2_RDTSCP | VMX_PROC2_INVPCID | VMX_PROC2_XSAVES | \
			 VMX_PROC2_USER_WAIT | VMX_PROC2_PCONFIG)
#define EXIT_NEED	(VMX_EXIT_HOST_64 | VMX_EXIT_SAVE_DEBUG | VMX_EXIT_SAVE_PAT | \
			 VMX_EXIT_LOAD_PAT | VMX_EXIT_SAVE_EFER | VMX_EXIT_LOAD_EFER)
#define ENTRY_NEED	(VMX_ENTRY_GUEST_64 | VMX_ENTRY_LOAD_DEBUG | VMX_ENTRY_LOAD_PAT | \
			 VMX_ENTRY_LOAD_EFER)
#define EPT_NEED	(VMX_CAP_EPT_4_LEVELS | VMX_CAP_EPT_WB | VMX_CAP_EPT_2M | \
			 VMX_CAP_INVEPT | VMX_CAP_INVEPT_SINGLE | VMX_CAP_INVEPT_ALL | \
			 VMX_CAP_INVVPID | VMX_CAP_INVVPID_SINGLE | VMX_CAP_INVVPID_ALL)

/**
 * vmx_choose() - choose the host world's controls
 * @caps: this CPU's capability MSRs
 * @to: filled in
 *
 * Set no control that Regent does not need: on a direct CPU Linux has its interrupts, ports, HLT
 * and control registers (except CR4.VMXE) for itself.
 *
 * Return: NULL, or a text that says why Regent cannot use this CPU.
 */
const char *vmx_choose(const struct vmx_caps *caps, struct vmx_controls *to)
{
	if ((caps->basic >> VMX_BASIC_TYPE_SHIFT & 0xf) != 6)
		return "VMX does not keep a VMCS in write-back memory; use another CPU or hypervisor below";
	if (!choose_controls(caps->pin, PIN_NEED, PIN_LATER, 0, VMX_PIN_INTERRUPT, &to->pin))
		return "VMX without virtual NMIs; Regent needs a CPU with them";
	if (!choose_controls(caps->proc, PROC_NEED, PROC_LATER, 0, PROC_NEVER, &to->proc))
		return "VMX without MSR bitmaps or secondary controls; Regent needs a CPU with EPT";
	if (!choose_controls(caps->proc2, PROC2_NEED, PROC2_LATER, PROC2_LIKE, 0, &to->proc2))
		return "VMX without EPT, VPID or unrestricted guest; Regent needs a CPU with all three";
	if ((caps->ept_vpid & EPT_NEED) != EPT_NEED)
		return "EPT or VPID that cannot be flushed one by one, or without 2 MiB pages; use another CPU or hypervisor below";
	if (!choose_controls(caps->exit, EXIT_NEED, 0, 0, 0, &to->exit) ||
	    !choose_controls(caps->entry, ENTRY_NEED, 0, 0, 0, &to->entry))
		return "VMX that does not switch EFER and PAT; Regent needs a newer CPU or hypervisor below";
	return NULL;
}

/**
 * vmx_locked_off() - check whether VMX may be switched on
 * @feature_control: value of IA32_FEATURE_CONTROL
 *
 * VMXON needs this MSR locked. Regent does not lock it, because it could not undo that; the
 * firmware or Linux must have done so.
 *
 * Return: NULL, or a text that says why VMX cannot be switched on.
 */
const char *vmx_locked_off(u64 feature_control)
{
	if (!(feature_control & VMX_FEATURE_CONTROL_LOCK))
		return "nobody has locked IA32_FEATURE_CONTROL (MSR 3A), and Regent could not undo that; enable VMX (VT-x) in the firmware's setup";
	if (!(feature_control & VMX_FEATURE_CONTROL_VMXON))
		return "the firmware has switched VMX off; enable VMX (VT-x) in its setup";
	return NULL;
}

/**
 * vmx_is_instruction() - is the instruction length of an exit defined?
 * @reason: VMX_REASON_* of the exit
 *
 * Return: true when an instruction made the exit.
 */
bool vmx_is_instruction(u32 reason)
{
	switch (reason) {
	case VMX_REASON_CPUID:
	case VMX_REASON_GETSEC:
	case VMX_REASON_HLT:
	case VMX_REASON_INVD:
	case VMX_REASON_RDPMC:
	case VMX_REASON_IO:
	case VMX_REASON_VMCALL ... VMX_REASON_VMXON:
	case VMX_REASON_CR:
	case VMX_REASON_DR:
	case VMX_REASON_RDMSR:
	case VMX_REASON_WRMSR:
	case VMX_REASON_MWAIT:
	case VMX_REASON_MONITOR:
	case VMX_REASON_PAUSE:
	case VMX_REASON_INVEPT:
	case VMX_REASON_INVVPID:
	case VMX_REASON_WBINVD:
	case VMX_REASON_XSETBV:
	case VMX_REASON_VMFUNC:
	case VMX_REASON_SEAMCALL:
	case VMX_REASON_TDCALL:
		return true;
	}
	return false;
}

/**
 * vmx_eptp() - build the EPT pointer of an EPT
 * @root: physical address of its top table
 * @levels: number of levels, 4 or 5
 *
 * Return: the EPT pointer, with write-back as the type of the tables.
 */
u64 vmx_eptp(u64 root, u32 levels)
{
	return root | VMX_EPTP_WB | (u64)(levels - 1) << VMX_EPTP_LEVELS_SHIFT;
}

/**
 * vmx_put_controls() - write a world's controls, and all other control fields
 * @put: function that writes a field of the current VMCS
 * @c: the controls
 */
void vmx_put_controls(vmx_put *put, const struct vmx_controls *c)
{
	put(VMCS_PIN_CONTROLS, c->pin);
	put(VMCS_PROC_CONTROLS, c->proc);
	put(VMCS_PROC2_CONTROLS, c->proc2);
	put(VMCS_EXIT_CONTROLS, c->exit);
	put(VMCS_ENTRY_CONTROLS, c->entry);
	put(VMCS_EXCEPTION_BITMAP, 0);
	put(VMCS_PF_ERROR_MASK, 0);
	put(VMCS_PF_ERROR_MATCH, 0);
	put(VMCS_CR3_TARGETS, 0);
	put(VMCS_EXIT_MSR_STORES, 0);
	put(VMCS_EXIT_MSR_LOADS, 0);
	put(VMCS_ENTRY_MSR_LOADS, 0);
	put(VMCS_ENTRY_EVENT, 0);
	put(VMCS_LINK_POINTER, ~0ull);
	if (c->proc2 & VMX_PROC2_XSAVES)
		put(VMCS_XSS_EXIT_BITMAP, 0);
	if (c->proc2 & VMX_PROC2_PCONFIG)
		put(VMCS_PCONFIG_EXIT_BITMAP, 0);
	/* VMXE is Regent's; Linux finds it clear. */
	put(VMCS_CR0_MASK, 0);
	put(VMCS_CR0_SHADOW, 0);
	put(VMCS_CR4_MASK, HW_CR4_VMXE);
	put(VMCS_CR4_SHADOW, 0);
}

/**
 * vmx_put_host() - write the host fields: K's state that an exit loads, except RSP and RIP
 * @put: function that writes a field of the current VMCS
 * @h: this CPU's handoff
 * @idt: address of K's IDT
 *
 * An exit sets the limits of GDT and IDT to 0xffff, and TR's to 0x67, the size of K's TSS.
 */
void vmx_put_host(vmx_put *put, const struct regent_handoff *h, u64 idt)
{
	u64 page = h->cpu_va - REGENT_PERCPU_CPU + REGENT_PERCPU_HANDOFF;

	put(VMCS_HOST_CR0, h->state.cr0);
	put(VMCS_HOST_CR3, h->cr3);
	put(VMCS_HOST_CR4, h->cr4 | HW_CR4_VMXE);
	put(VMCS_HOST_PAT, h->state.pat);
	put(VMCS_HOST_EFER, h->state.efer);
	put(VMCS_HOST_CS_SELECTOR, REGENT_SEL_CS);
	put(VMCS_HOST_SS_SELECTOR, REGENT_SEL_SS);
	put(VMCS_HOST_DS_SELECTOR, 0);
	put(VMCS_HOST_ES_SELECTOR, 0);
	put(VMCS_HOST_FS_SELECTOR, 0);
	put(VMCS_HOST_GS_SELECTOR, 0);
	put(VMCS_HOST_TR_SELECTOR, REGENT_SEL_TSS);
	put(VMCS_HOST_FS_BASE, 0);
	put(VMCS_HOST_GS_BASE, h->cpu_va);
	put(VMCS_HOST_TR_BASE, page + offsetof(struct regent_handoff, tss));
	put(VMCS_HOST_GDTR_BASE, page + offsetof(struct regent_handoff, gdt));
	put(VMCS_HOST_IDTR_BASE, idt);
	/* K has no SYSENTER entry. */
	put(VMCS_HOST_SYSENTER_CS, 0);
	put(VMCS_HOST_SYSENTER_ESP, 0);
	put(VMCS_HOST_SYSENTER_EIP, 0);
}

static void put_segment(vmx_put *put, int n, const struct regent_segment *s)
{
	put(VMCS_GUEST_SELECTOR(n), s->selector);
	put(VMCS_GUEST_LIMIT(n), s->limit);
	put(VMCS_GUEST_ACCESS(n), s->unusable ? VMX_ACCESS_UNUSABLE : s->access);
	put(VMCS_GUEST_BASE(n), s->base);
}

/**
 * vmx_put_guest() - write the guest fields: the world's state that an entry loads, except RSP
 *	and RIP
 * @put: function that writes a field of the current VMCS
 * @s: the world's state
 */
void vmx_put_guest(vmx_put *put, const struct regent_state *s)
{
	int n;

	for (n = 0; n < REGENT_SEGMENTS; n++)
		put_segment(put, n, &s->seg[n]);
	put(VMCS_GUEST_GDTR_BASE, s->gdtr_base);
	put(VMCS_GUEST_GDTR_LIMIT, s->gdtr_limit);
	put(VMCS_GUEST_IDTR_BASE, s->idtr_base);
	put(VMCS_GUEST_IDTR_LIMIT, s->idtr_limit);
	put(VMCS_GUEST_CR0, s->cr0);
	put(VMCS_GUEST_CR3, s->cr3);
	put(VMCS_GUEST_CR4, s->cr4 | HW_CR4_VMXE);
	put(VMCS_GUEST_EFER, s->efer);
	put(VMCS_GUEST_PAT, s->pat);
	put(VMCS_GUEST_DR7, s->dr7);
	put(VMCS_GUEST_DEBUGCTL, s->debugctl);
	put(VMCS_GUEST_SYSENTER_CS, s->sysenter[0]);
	put(VMCS_GUEST_SYSENTER_ESP, s->sysenter[1]);
	put(VMCS_GUEST_SYSENTER_EIP, s->sysenter[2]);
	put(VMCS_GUEST_RFLAGS, s->rflags);
	put(VMCS_GUEST_INTERRUPTIBILITY, 0);
	put(VMCS_GUEST_ACTIVITY, 0);
	put(VMCS_GUEST_PENDING_DEBUG, 0);
}

/*
 * The MSR bitmap has four quarters: reads of the low MSRs, reads of the high MSRs, writes of the
 * low MSRs, writes of the high MSRs. Accesses to all other MSRs exit.
 */
#define QUARTER		1024
#define HIGH_MSRS	0xc0000000u
#define RANGE		0x2000u

/* @kinds: REG_TRAP_*; accesses of that kind to MSR @index exit from now on, or do not */
static void mark_msr(u8 *bitmap, u32 index, u8 kinds, bool exits)
{
	bool high = index - HIGH_MSRS < RANGE;
	u32 bit = high ? index - HIGH_MSRS : index;
	u8 *part = bitmap + (high ? QUARTER : 0);
	int i;

	if (bit >= RANGE)
		return;
	for (i = 0; i < 2; i++, part += 2 * QUARTER) {
		if (!(kinds & (i ? REG_TRAP_WRITE : REG_TRAP_READ)))
			continue;
		if (exits)
			part[bit / 8] |= 1 << bit % 8;
		else
			part[bit / 8] &= ~(1 << bit % 8);
	}
}

static void build_bitmap(u8 *bitmap)
{
	unsigned int i;

	for (i = 0; i < reg_table_size; i++)
		if (reg_table[i].index < REG_PSEUDO)
			mark_msr(bitmap, reg_table[i].index, reg_table[i].trap, true);
	mark_msr(bitmap, VMX_MSR_PEBS_ENABLE, REG_TRAP_WRITE, true);
	/* Entries and exits switch DEBUGCTL. */
	mark_msr(bitmap, MSR_REG_DEBUGCTL, REG_TRAP_BOTH, false);
}

/*
 * MSRs that a world may access without an exit, because entries and exits or backend_switch()
 * switch them.
 */
static const u32 guest_msrs[] = {
	0x174, 0x175, 0x176,			/* SYSENTER */
	0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084,
	0xc0000100, 0xc0000101, 0xc0000102,	/* FS, GS, KERNEL_GS base */
};

/**
 * vmx_prepare_machine() - fill in the MSR bitmaps
 * @bitmap: the host world's on a direct CPU: VMX_BITMAP_SIZE bytes, zeroed
 * @forward_bitmap: the host world's on a forwarded CPU: likewise
 * @guest_bitmap: that of other worlds: VMX_BITMAP_SIZE bytes
 */
void vmx_prepare_machine(void *bitmap, void *forward_bitmap, void *guest_bitmap)
{
	u8 *guest = guest_bitmap;
	unsigned int i;

	build_bitmap(bitmap);
	build_bitmap(forward_bitmap);
	mark_msr(forward_bitmap, MSR_REG_APIC_BASE, REG_TRAP_WRITE, true);
	mark_msr(forward_bitmap, MSR_REG_TSC_DEADLINE, REG_TRAP_BOTH, true);
	for (i = 0; i < 256; i++)
		mark_msr(forward_bitmap, MSR_REG_X2APIC + i, REG_TRAP_BOTH, true);
	for (i = 0; i < VMX_BITMAP_SIZE; i++)
		guest[i] = 0xff;
	for (i = 0; i < sizeof(guest_msrs) / sizeof(guest_msrs[0]); i++)
		mark_msr(guest, guest_msrs[i], REG_TRAP_BOTH, false);
}
