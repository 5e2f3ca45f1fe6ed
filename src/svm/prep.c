// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of the control blocks that do not depend on what Linux is doing:
 * made by L before the rendezvous. Plain logic.
 */
#include <hw/vmcb.h>
#include <regent/abi/msrtab.h>
#include <regent/prep.h>

#include "svm.h"

/*
 * What K wants to see of Linux: nothing but hypercalls, the instructions of
 * SVM, and the MSRs of the table. On a direct CPU interrupts and NMIs go
 * straight to Linux, and a shutdown resets the machine as without Regent.
 */
static void build_control(struct vmcb_control *c, const struct regent_params *p)
{
	c->intercept_misc1 = SVM_INTERCEPT_INVLPGA | SVM_INTERCEPT_MSR;
	c->intercept_misc2 = SVM_INTERCEPT_VMRUN | SVM_INTERCEPT_VMMCALL |
			     SVM_INTERCEPT_VMLOAD | SVM_INTERCEPT_VMSAVE |
			     SVM_INTERCEPT_STGI | SVM_INTERCEPT_CLGI |
			     SVM_INTERCEPT_SKINIT;
	c->msrpm_base = p->backend[SVM_PARAM_MSRPM];
	c->asid = SVM_ASID_HOST;
	c->nested_ctl = SVM_NESTED_PAGING;
	/* A broadcast reaches the ASID of the host world, on all CPUs: Linux's. */
	if (p->features & REGENT_FEAT_INVLPGB)
		c->nested_ctl |= SVM_ENABLE_INVLPGB;
	c->nested_cr3 = p->nested_root;
}

/*
 * What VMLOAD gives K: TR and GS. No SYSCALL entry: K has none.
 */
static void build_host(struct vmcb_save *s, const struct regent_handoff *h, u64 area)
{
	s->tr.selector = REGENT_SEL_TSS;
	s->tr.attrib = 0x8b;		/* present, busy 64-bit TSS */
	s->tr.limit = sizeof(h->tss) - 1;
	s->tr.base = area + REGENT_PERCPU_HANDOFF + offsetof(struct regent_handoff, tss);
	s->gs.base = h->cpu_va;
	s->gs.attrib = 0x093;
	s->gs.limit = ~0u;
	s->fs.attrib = 0x093;
	s->fs.limit = ~0u;
}

/**
 * svm_prepare_cpu() - fill in a CPU's control blocks
 * @vmcb: the system world's, zeroed
 * @host_vmcb: K's own, zeroed; only VMLOAD reads it
 * @h: the CPU's handoff
 * @p: the machine's parameters
 * @area: K's address of the CPU's area
 */
void svm_prepare_cpu(void *vmcb, void *host_vmcb, const struct regent_handoff *h,
		     const struct regent_params *p, u64 area)
{
	build_control(&((struct vmcb *)vmcb)->ctl, p);
	build_host(&((struct vmcb *)host_vmcb)->save, h, area);
}

/* What VMRUN or VMLOAD switches, a world may have for itself. */
static const u32 guest_msrs[] = {
	0x174, 0x175, 0x176,			/* SYSENTER */
	0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084,
	0xc0000100, 0xc0000101, 0xc0000102,	/* FS, GS, KERNEL_GS base */
};

/**
 * svm_prepare_machine() - fill in the permission maps
 * @msrpm: MSR_BITMAP_SIZE bytes, zeroed: the host world's
 * @forward_msrpm: the same on a forwarded CPU
 * @guest_msrpm: the same for other worlds
 * @iopm: SVM_IOPM_SIZE bytes: no port for other worlds
 */
void svm_prepare_machine(void *msrpm, void *forward_msrpm, void *guest_msrpm,
			 void *iopm)
{
	u8 *guest = guest_msrpm;
	u8 *ports = iopm;
	unsigned int i;

	msr_bitmap_build(msrpm);
	msr_bitmap_build(forward_msrpm);
	msr_bitmap_forward(forward_msrpm);
	for (i = 0; i < MSR_BITMAP_SIZE; i++)
		guest[i] = 0xff;
	for (i = 0; i < sizeof(guest_msrs) / sizeof(guest_msrs[0]); i++)
		msr_bitmap_pass(guest, guest_msrs[i]);
	for (i = 0; i < SVM_IOPM_SIZE; i++)
		ports[i] = 0xff;
}
