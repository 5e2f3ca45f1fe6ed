// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of the VMCBs that do not depend on Linux's current state. L fills them in before
 * the rendezvous. Plain logic.
 */
#include <hw/vmcb.h>
#include <regent/abi/msrtab.h>
#include <regent/prep.h>

#include "svm.h"

/*
 * Intercept no more of Linux than hypercalls, the instructions of SVM, and the MSRs that the
 * register table traps. On a direct CPU interrupts and NMIs go straight to Linux, and a
 * shutdown resets the machine as without Regent.
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
	/* INVLPGB flushes one ASID on all CPUs, and the host worlds of all CPUs have the same. */
	if (p->features & REGENT_FEAT_INVLPGB)
		c->nested_ctl |= SVM_ENABLE_INVLPGB;
	c->nested_cr3 = p->npt_root;
}

/* K's TR and GS, which VMLOAD loads. The SYSCALL MSRs stay 0, because K has no such entry. */
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
 * svm_prepare_cpu() - fill in a CPU's VMCBs
 * @vmcb: the host world's VMCB, zeroed
 * @host_vmcb: K's own VMCB, zeroed; only VMLOAD reads it
 * @h: the CPU's handoff
 * @p: the machine's parameters
 * @area: K's virtual address of the CPU's area
 */
void svm_prepare_cpu(void *vmcb, void *host_vmcb, const struct regent_handoff *h,
		     const struct regent_params *p, u64 area)
{
	build_control(&((struct vmcb *)vmcb)->ctl, p);
	build_host(&((struct vmcb *)host_vmcb)->save, h, area);
}

/* MSRs that a world may access without an exit, because VMRUN or VMLOAD switches them. */
static const u32 guest_msrs[] = {
	0x174, 0x175, 0x176,			/* SYSENTER */
	0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084,
	0xc0000100, 0xc0000101, 0xc0000102,	/* FS, GS, KERNEL_GS base */
};

/**
 * svm_prepare_machine() - fill in the MSR and I/O permission maps
 * @msrpm: the host world's MSR map on a direct CPU: MSR_BITMAP_SIZE bytes, zeroed
 * @forward_msrpm: the host world's MSR map on a forwarded CPU: likewise
 * @guest_msrpm: the MSR map of other worlds: MSR_BITMAP_SIZE bytes
 * @iopm: the I/O map of other worlds, which may use no port: SVM_IOPM_SIZE bytes
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
