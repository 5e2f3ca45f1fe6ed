// SPDX-License-Identifier: GPL-2.0-only
/*
 * Worlds that are not Linux, on SVM: their control block, in the states a test
 * world starts in. AMD APM volume 2, "Secure Virtual Machine".
 */
#include <hw/cr.h>
#include <hw/vmcb.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/pages.h>

#include "svm.h"

#define PAT_RESET	0x0007040600070406ull
#define CR0_PE		(1ull << 0)
#define CR0_ET		(1ull << 4)
#define CR0_NE		(1ull << 5)
#define CR0_PG		(1ull << 31)
#define CR4_PAE		(1ull << 5)
#define CR4_OSFXSR	(1ull << 9)
#define CR4_OSXMMEXCPT	(1ull << 10)
#define CR4_OSXSAVE	(1ull << 18)

/* Access bytes with AVL, L, D and G, as the VMCB packs them. */
#define SEG_CODE64	0xa9b
#define SEG_CODE32	0xc9b
#define SEG_CODE16	0x09b
#define SEG_DATA32	0xc93
#define SEG_DATA16	0x093
#define SEG_LDT		0x082
#define SEG_TSS		0x08b

/*
 * DR0 to DR3, and DR7: without breakpoints enabled the others do nothing. DR5 is DR7
 * while CR4.DE is clear, and exits by its own number.
 */
#define DR_ADDRESSES	0x000f
#define DR_CONTROL	0x00a0

#define START_RIP	0x1000
#define START_CR3	0x4000

/*
 * Everything that would reach beyond the world exits, and everything that
 * arrives from outside is Linux's. Interrupts are masked by K's IF, not by the
 * world's.
 */
static void guest_control(struct vmcb_control *c, const struct world *w)
{
	c->intercept_dr_read = DR_ADDRESSES;
	c->intercept_dr_write = DR_ADDRESSES | DR_CONTROL;
	c->intercept_exception = 1u << HW_TRAP_MC;
	c->intercept_misc1 = SVM_INTERCEPT_INTR | SVM_INTERCEPT_NMI | SVM_INTERCEPT_SMI |
			     SVM_INTERCEPT_INIT | SVM_INTERCEPT_INVD | SVM_INTERCEPT_HLT |
			     SVM_INTERCEPT_INVLPGA | SVM_INTERCEPT_IO | SVM_INTERCEPT_MSR |
			     SVM_INTERCEPT_SHUTDOWN;
	c->intercept_misc2 = SVM_INTERCEPT_VMRUN | SVM_INTERCEPT_VMMCALL |
			     SVM_INTERCEPT_VMLOAD | SVM_INTERCEPT_VMSAVE |
			     SVM_INTERCEPT_STGI | SVM_INTERCEPT_CLGI |
			     SVM_INTERCEPT_SKINIT | SVM_INTERCEPT_WBINVD |
			     SVM_INTERCEPT_MONITOR | SVM_INTERCEPT_MWAIT |
			     SVM_INTERCEPT_XSETBV;
	c->iopm_base = k_params.backend[SVM_PARAM_IOPM];
	c->msrpm_base = k_params.backend[SVM_PARAM_GUEST_MSRPM];
	c->vintr = SVM_V_INTR_MASKING;
	c->nested_ctl = SVM_NESTED_PAGING;
	c->nested_cr3 = w->nested_root;
}

static void segment(struct vmcb_seg *s, u16 attrib, u32 limit)
{
	s->attrib = attrib;
	s->limit = limit;
}

static void guest_segments(struct vmcb_save *s, u64 mode)
{
	u32 limit = mode == REGENT_TEST_REAL ? 0xffff : ~0u;
	u16 data = mode == REGENT_TEST_REAL ? SEG_DATA16 : SEG_DATA32;

	segment(&s->cs, mode == REGENT_TEST_REAL ? SEG_CODE16 :
		mode == REGENT_TEST_32 ? SEG_CODE32 : SEG_CODE64, limit);
	segment(&s->ss, data, limit);
	segment(&s->ds, data, limit);
	segment(&s->es, data, limit);
	segment(&s->fs, data, limit);
	segment(&s->gs, data, limit);
	segment(&s->ldtr, SEG_LDT, 0xffff);
	segment(&s->tr, SEG_TSS, 0xffff);
	s->gdtr.limit = 0;
	s->idtr.limit = 0;
}

static void guest_registers(struct vmcb_save *s, u64 mode)
{
	s->efer = HW_EFER_SVME;
	s->cr0 = CR0_ET | CR0_NE;
	s->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
	if (k_params.xcr0_all)
		s->cr4 |= CR4_OSXSAVE;
	if (mode != REGENT_TEST_REAL)
		s->cr0 |= CR0_PE;
	if (mode == REGENT_TEST_64) {
		s->cr0 |= CR0_PG;
		s->cr4 |= CR4_PAE;
		s->cr3 = START_CR3;
		s->efer |= HW_EFER_LME | HW_EFER_LMA;
	}
	s->dr6 = HW_DR6_RESET;
	s->dr7 = HW_DR7_RESET;
	s->rflags = HW_RFLAGS_IF | 2;	/* see testguest.S */
	s->rip = START_RIP;
	s->g_pat = PAT_RESET;
}

/**
 * backend_world_create() - give a world its control block
 * @cpu: any
 * @world: its nested table is set
 * @mode: enum regent_test_mode
 *
 * Return: 0, -REGENT_HC_ENOSPC (pages) or -REGENT_HC_ENFILE (address space
 * identifiers).
 */
int backend_world_create(struct cpu *cpu, struct world *world, u64 mode)
{
	struct vmcb *v;

	if (k_params.backend[SVM_PARAM_ASIDS] <= SVM_ASID_WORLDS)
		return -REGENT_HC_ENFILE;
	v = pages_alloc(1);
	if (!v)
		return -REGENT_HC_ENOSPC;
	guest_control(&v->ctl, world);
	guest_segments(&v->save, mode);
	guest_registers(&v->save, mode);
	world->backend = v;
	world->backend_flags = cpu->system.backend_flags;
	world->regs.link = pages_pa(v);
	return 0;
}

/**
 * backend_world_here() - a world begins to run on this CPU, or anew
 * @cpu: this CPU
 * @world: saved, its identifier invalid here; no other world than Linux is entered
 *	before it
 *
 * Only the CPU that has run it may know its control block: nothing there is clean.
 */
void backend_world_here(struct cpu *cpu, struct world *world)
{
	struct vmcb *v = world->backend;

	if (asid_take(&cpu->asids, &world->asid))
		v->ctl.tlb_control = SVM_TLB_FLUSH_ALL;
	v->ctl.asid = world->asid.number;
	v->ctl.clean = 0;
	world->backend_host = cpu->system.backend_host;
}

/**
 * backend_switch() - what the backend itself has to switch
 * @cpu: this CPU
 * @from: the current world
 * @to: the next one
 */
void backend_switch(struct cpu *cpu, struct world *from, struct world *to)
{
	(void)cpu;		/* the next VMRUN names its control block */
	(void)from;
	(void)to;
}

/**
 * backend_world_destroy() - free the control block
 * @world: not running anywhere
 */
void backend_world_destroy(struct world *world)
{
	pages_free(world->backend, 1);
	world->backend = NULL;
}

static enum backend_world_exit __attribute__((noinline)) other_exit(struct vmcb *v)
{
	switch (v->ctl.exit_code) {
	case SVM_EXIT_HLT:
		v->save.rip += 1;
		return BACKEND_WORLD_HALT;
	case SVM_EXIT_INTR:
	case SVM_EXIT_NMI:
	case SVM_EXIT_SMI:
	case SVM_EXIT_INIT:
		return BACKEND_WORLD_INTERRUPT;
	case SVM_EXIT_DR_FIRST ... SVM_EXIT_DR_LAST:
		return BACKEND_WORLD_DEBUG;
	case SVM_EXIT_EXCEPTION + HW_TRAP_MC:
		return BACKEND_WORLD_MC;
	}
	return BACKEND_WORLD_FAILED;
}

/**
 * backend_world_debugs() - a world has debug registers of its own from now on
 * @world: the current one, which has them already
 */
void backend_world_debugs(struct world *world)
{
	struct vmcb *v = world->backend;

	v->ctl.intercept_dr_read = 0;
	v->ctl.intercept_dr_write = 0;
	v->ctl.clean = 0;
}

/**
 * backend_world_yields() - is that what a world other than Linux exited for?
 * @world: of this CPU
 */
bool backend_world_yields(const struct world *world)
{
	const struct vmcb *v = world->backend;

	return v->ctl.exit_code == SVM_EXIT_VMMCALL;
}

/**
 * backend_world_exit() - why a world other than Linux exited
 * @world: of this CPU
 *
 * What arrived (interrupt, NMI, SMI, INIT) stays pending: Linux gets it.
 */
enum backend_world_exit backend_world_exit(const struct world *world)
{
	struct vmcb *v = world->backend;

	/* The first one, and no call here: what switches most often. */
	if (unlikely(v->ctl.exit_code != SVM_EXIT_VMMCALL))
		return other_exit(v);
	v->save.rip += 3;
	return BACKEND_WORLD_YIELD;
}

#define AT(item, field, mask)						\
	[REGENT_SKIP_##item - REGENT_SKIP_RSP] = {			\
		offsetof(struct vmcb_save, field),			\
		sizeof(((struct vmcb_save *)0)->field), mask }

/*
 * Bits that nobody misses for some instructions without interrupts: of no use
 * at CPL 0, in entries that nobody uses, limits grown, visible parts of segment
 * registers whose hidden parts stay.
 */
static const struct { u16 offset, size; u64 flip; } harmless[] = {
	AT(RSP, rsp, 1 << 3),
	AT(RFLAGS, rflags, 1 << 0),		/* CF */
	AT(CR0, cr0, 1 << 18),			/* AM */
	AT(CR2, cr2, 1 << 12),
	AT(CR3, cr3, 1 << 3),			/* PWT */
	AT(CR4, cr4, 1 << 2),			/* TSD */
	AT(EFER, efer, 1 << 0),			/* SCE */
	AT(PAT, g_pat, 1ull << 48),		/* entry 6 */
	AT(DR6, dr6, 1 << 0),
	AT(DR7, dr7, 1 << 16),			/* kind of a breakpoint that is off */
	AT(FS_BASE, fs.base, 1 << 12),
	AT(GS_BASE, gs.base, 1 << 12),
	AT(KERNEL_GS_BASE, kernel_gs_base, 1 << 12),
	AT(STAR, star, 1 << 12),
	AT(LSTAR, lstar, 1 << 12),
	AT(CSTAR, cstar, 1 << 12),
	AT(SFMASK, sfmask, 1 << 12),
	AT(SYSENTER_CS, sysenter_cs, 1 << 12),
	AT(SYSENTER_ESP, sysenter_esp, 1 << 12),
	AT(SYSENTER_EIP, sysenter_eip, 1 << 12),
	AT(GDTR, gdtr.limit, 1 << 14),
	AT(IDTR, idtr.limit, 1 << 14),
	AT(LDTR, ldtr.selector, 1 << 3),
	AT(TR, tr.selector, 1 << 4),
	AT(ES, es.selector, 1 << 3),
	AT(SS, ss.selector, 3 << 3),		/* null or K's and Linux's data */
	AT(DS, ds.selector, 1 << 3),
	AT(FS, fs.selector, 1 << 3),
	AT(GS, gs.selector, 1 << 3),
};

/**
 * backend_damage() - flip a bit of a register that the CPU switches
 * @world: of this CPU
 * @item: enum regent_test_skip, from REGENT_SKIP_RSP on
 */
void backend_damage(struct world *world, u64 item)
{
	struct vmcb *v = world->backend;
	u32 i = item - REGENT_SKIP_RSP;
	u8 *field = (u8 *)&v->save + harmless[i].offset;
	u32 n;

	for (n = 0; n < harmless[i].size; n++)
		field[n] ^= harmless[i].flip >> 8 * n;
	v->ctl.clean = 0;
}
