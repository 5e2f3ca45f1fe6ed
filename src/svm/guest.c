// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMCB of worlds other than Linux. AMD APM volume 2, "Secure Virtual Machine".
 */
#include <hw/cr.h>
#include <hw/vmcb.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>

#include "svm.h"

/*
 * Bits of the intercept fields: DR0 to DR3, and DR7 with DR5. Writes of DR7 exit because without
 * a breakpoint enabled there the values of DR0 to DR3 do nothing. DR5 is DR7 while CR4.DE is
 * clear, and has an intercept bit of its own.
 */
#define DR_ADDRESSES	0x000f
#define DR_CONTROL	0x00a0

/*
 * Intercept every instruction that would reach beyond the world, and every event that arrives
 * from outside, because those are Linux's. With V_INTR_MASKING, K's IF masks physical
 * interrupts, not the world's.
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
	c->nested_cr3 = w->npt_root;
}

/**
 * backend_world_create() - build the VMCB of a world
 * @cpu: any CPU
 * @world: the world, whose npt_root is set
 * @pages: BACKEND_WORLD_PAGES zeroed pages of K's, for the VMCB; the rest stays unused
 * @pa: physical address of @pages
 * @state: the registers that the world starts with
 * @rip: the address where it starts
 *
 * Return: 0, or -REGENT_HC_ENFILE: this machine has no ASIDs for worlds other than Linux.
 */
int backend_world_create(struct cpu *cpu, struct world *world, void *pages, u64 pa,
			 const struct regent_state *state, u64 rip)
{
	struct vmcb *v = pages;

	if (k_params.backend[SVM_PARAM_ASIDS] <= SVM_ASID_WORLDS)
		return -REGENT_HC_ENFILE;
	guest_control(&v->ctl, world);
	svm_put_state(v, state);
	svm_put_segment(&v->save.fs, &state->seg[REGENT_FS]);
	svm_put_segment(&v->save.gs, &state->seg[REGENT_GS]);
	svm_put_segment(&v->save.ldtr, &state->seg[REGENT_LDTR]);
	svm_put_segment(&v->save.tr, &state->seg[REGENT_TR]);
	v->save.rip = rip;
	world->backend = v;
	world->backend_flags = cpu->host.backend_flags;
	world->regs.link = pa;
	return 0;
}

/**
 * backend_vcpu_load() - prepare a world for its first entry on this CPU, or after its ASID expired
 * @cpu: this CPU
 * @world: the world, its ASID not valid here; no other world than Linux is entered before it
 *
 * The processor may cache the VMCB only of a world that this CPU ran last, so mark no field
 * clean.
 */
void backend_vcpu_load(struct cpu *cpu, struct world *world)
{
	struct vmcb *v = world->backend;

	if (asid_take(&cpu->asids, &world->asid))
		svm_set_flush(world, SVM_TLB_FLUSH_ALL);
	v->ctl.asid = world->asid.number;
	svm_touch(world, SVM_CLEAN_ALL);
	world->backend_host = cpu->host.backend_host;
}

/**
 * backend_save() - save the registers that the backend keeps in the processor: none on SVM
 * @from: the current world
 */
void backend_save(struct world *from)
{
	(void)from;		/* #VMEXIT and VMSAVE have saved all */
}

/**
 * backend_switch() - switch the processor to another world's control block: no work on SVM
 * @cpu: this CPU
 * @from: the current world
 * @to: the next world
 */
void backend_switch(struct cpu *cpu, struct world *from, struct world *to)
{
	(void)cpu;		/* VMRUN takes the VMCB's address */
	(void)from;
	(void)to;
}

/**
 * backend_world_debugs() - let a world use debug registers without an exit from now on
 * @world: the current world, whose own DR0 to DR3 are loaded already
 */
void backend_world_debugs(struct world *world)
{
	struct vmcb *v = world->backend;

	v->ctl.intercept_dr_read = 0;
	v->ctl.intercept_dr_write = 0;
	svm_touch(world, SVM_CLEAN_ALL);
}

#define AT(item, field, mask)						\
	[REGENT_SKIP_##item - REGENT_SKIP_RSP] = {			\
		offsetof(struct vmcb_save, field),			\
		sizeof(((struct vmcb_save *)0)->field), mask }

/*
 * Bits that Linux can do without for some instructions with interrupts off: bits without effect
 * at CPL 0, unused entries, limits that grow, and selectors of segment registers whose hidden
 * parts stay.
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
	AT(DR7, dr7, 1 << 16),			/* type of a disabled breakpoint */
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
	AT(SS, ss.selector, 3 << 3),		/* null, or the data segment */
	AT(DS, ds.selector, 1 << 3),
	AT(FS, fs.selector, 1 << 3),
	AT(GS, gs.selector, 1 << 3),
};

/**
 * backend_damage() - flip a bit of a register that VMRUN, VMLOAD and #VMEXIT switch, for a test
 * @world: a world of this CPU
 * @item: the register: enum regent_test_skip, from REGENT_SKIP_RSP on
 */
void backend_damage(struct world *world, u64 item)
{
	struct vmcb *v = world->backend;
	u32 i = item - REGENT_SKIP_RSP;
	u8 *field = (u8 *)&v->save + harmless[i].offset;
	u32 n;

	for (n = 0; n < harmless[i].size; n++)
		field[n] ^= harmless[i].flip >> 8 * n;
	svm_touch(world, SVM_CLEAN_ALL);
}
