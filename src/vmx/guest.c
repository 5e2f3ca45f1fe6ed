// SPDX-License-Identifier: GPL-2.0-only
/*
 * Worlds that are not Linux, on VMX: their VMCS, in the states a test world starts
 * in, and the switch between VMCSs. Intel SDM volume 3, "Software Use of
 * Virtual-Machine Control Structures".
 *
 * A world's VMCS goes back to memory (VMCLEAR) whenever another world gets the CPU, so
 * that any CPU may have it next, and its page may be freed.
 */
#include <hw/asm.h>
#include <hw/cr.h>
#include <hw/vmcs.h>
#include <hw/vmx.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/pages.h>

#include "vmx.h"

#define PAT_RESET	0x0007040600070406ull
#define CR0_PE		(1ull << 0)
#define CR0_ET		(1ull << 4)
#define CR0_NE		(1ull << 5)
#define CR0_PG		(1ull << 31)
#define CR4_PAE		(1ull << 5)
#define CR4_OSFXSR	(1ull << 9)
#define CR4_OSXMMEXCPT	(1ull << 10)
#define CR4_OSXSAVE	(1ull << 18)

/* Access rights: those of a descriptor's upper word, from its access byte on. */
#define SEG_CODE64	0xa09b
#define SEG_CODE32	0xc09b
#define SEG_CODE16	0x009b
#define SEG_DATA32	0xc093
#define SEG_DATA16	0x0093
#define SEG_LDT		0x0082
#define SEG_TSS		0x008b

#define START_RIP	0x1000
#define START_CR3	0x4000

/* Its block, and the VMCS behind it */
#define WORLD_PAGES	2

static const u32 own_msr[] = { 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102 };

_Static_assert(sizeof(own_msr) / sizeof(own_msr[0]) + 2 == VMX_OWN, "CR2 and DR6 come first");

static struct vmx_block *block_of(const struct world *world)
{
	return world->backend;
}

static u64 read_dr6(void)
{
	return HW_READ_DR(6);
}

static void save_own(u64 *own)
{
	u32 i;

	own[0] = hw_read_cr2();
	own[1] = read_dr6();
	for (i = 2; i < VMX_OWN; i++)
		hw_rdmsr_to(own_msr[i - 2], &own[i]);
}

static void load_own(const u64 *own, const u64 *last)
{
	u32 i;

	hw_write_cr2(own[0]);
	hw_write_dr6(own[1]);
	for (i = 2; i < VMX_OWN; i++)
		if (own[i] != last[i])
			hw_wrmsr(own_msr[i - 2], own[i]);
}

static void put(u64 field, u64 value)
{
	hw_vmwrite(field, value);
}

/* What K has on this CPU, for a world that comes from another one. */
static void put_this_cpu(struct world *w)
{
	struct cpu *cpu = this_cpu();

	vmx_put_host(put, cpu->handoff, (u64)k_idt);
	hw_vmwrite(VMCS_HOST_RIP, (u64)vmx_exit);
	hw_vmwrite(VMCS_HOST_RSP, (u64)(&w->regs + 1));
	block_of(w)->cpu = cpu->id + 1;
}

static void unload(struct world *w)
{
	struct vmx_block *b = block_of(w);

	if (w->kind == WORLD_SYSTEM) {
		b->flags = hw_vmread(VMCS_GUEST_RFLAGS);
		b->blocked = hw_vmread(VMCS_GUEST_INTERRUPTIBILITY);
		b->cpl = backend_cpl(w);
	} else {
		hw_vmclear(b->vmcs);
		b->launched = 0;
	}
	b->loaded = false;
}

static void load(struct cpu *cpu, struct world *w)
{
	struct vmx_block *b = block_of(w);

	hw_vmptrld(b->vmcs);
	b->loaded = true;
	/* One that another world did not end for. */
	if (w->kind == WORLD_SYSTEM && cpu->nmi_late)
		cpu->nmi_late = 1;
	if (b->stale) {
		b->stale = false;
		vmx_set_pin(b, b->pin);
		vmx_set_proc(b, b->proc);
		vmx_set_proc2(b, b->proc2);
	}
	if (w->kind != WORLD_SYSTEM && b->cpu != cpu->id + 1)
		put_this_cpu(w);
}

/**
 * backend_switch() - what the backend itself has to switch
 * @cpu: this CPU
 * @from: the current world
 * @to: the next one
 */
void backend_switch(struct cpu *cpu, struct world *from, struct world *to)
{
	save_own(block_of(from)->own);
	unload(from);
	load(cpu, to);
	load_own(block_of(to)->own, block_of(from)->own);
}

static void segment(struct regent_segment *s, u32 access, u32 limit)
{
	s->access = access;
	s->limit = limit;
}

static void guest_segments(struct regent_state *s, u64 mode)
{
	u32 limit = mode == REGENT_TEST_REAL ? 0xffff : ~0u;
	u32 data = mode == REGENT_TEST_REAL ? SEG_DATA16 : SEG_DATA32;

	segment(&s->seg[REGENT_CS], mode == REGENT_TEST_REAL ? SEG_CODE16 :
		mode == REGENT_TEST_32 ? SEG_CODE32 : SEG_CODE64, limit);
	segment(&s->seg[REGENT_SS], data, limit);
	segment(&s->seg[REGENT_DS], data, limit);
	segment(&s->seg[REGENT_ES], data, limit);
	segment(&s->seg[REGENT_FS], data, limit);
	segment(&s->seg[REGENT_GS], data, limit);
	segment(&s->seg[REGENT_LDTR], SEG_LDT, 0xffff);
	segment(&s->seg[REGENT_TR], SEG_TSS, 0xffff);
}

static void guest_registers(struct regent_state *s, u64 mode)
{
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
		s->efer = HW_EFER_LME | HW_EFER_LMA;
	}
	s->dr7 = HW_DR7_RESET;
	s->rflags = HW_RFLAGS_IF | 2;	/* see testguest.S */
	s->pat = PAT_RESET;
}

/*
 * Everything that would reach beyond the world exits, and everything that arrives from
 * outside is Linux's.
 */
static void guest_controls(struct vmx_block *b, u64 mode)
{
	struct vmx_controls c = {
		.pin = (u32)k_params.backend[VMX_PARAM_PIN_PROC] | VMX_PIN_INTERRUPT,
		.proc = k_params.backend[VMX_PARAM_PIN_PROC] >> 32 | VMX_PROC_HLT |
			VMX_PROC_MWAIT | VMX_PROC_MONITOR | VMX_PROC_IO |
			VMX_PROC_CR8_LOAD | VMX_PROC_CR8_STORE | VMX_PROC_DR,
		.proc2 = VMX_PROC2_EPT | VMX_PROC2_VPID | VMX_PROC2_UNRESTRICTED |
			 VMX_PROC2_WBINVD |
			 (k_params.backend[VMX_PARAM_PROC2] & VMX_PROC2_RDTSCP),
		.exit = k_params.backend[VMX_PARAM_EXIT_ENTRY],
		.entry = k_params.backend[VMX_PARAM_EXIT_ENTRY] >> 32,
	};

	if (mode != REGENT_TEST_64)
		c.entry &= ~VMX_ENTRY_GUEST_64;
	if (k_has(REGENT_FEAT_SLICE_TIMER)) {
		c.pin |= VMX_PIN_TIMER;
		c.exit |= VMX_EXIT_SAVE_TIMER;
	}
	b->pin = c.pin;
	b->proc = c.proc;
	b->proc2 = c.proc2;
	vmx_put_controls(put, &c);
	hw_vmwrite(VMCS_EXCEPTION_BITMAP, 1u << HW_TRAP_MC);
	hw_vmwrite(VMCS_MSR_BITMAP, k_params.backend[VMX_PARAM_GUEST_MSR_BITMAP]);
}

static void fill(struct world *w, u64 mode)
{
	struct regent_state s = { .rflags = 2 };

	guest_controls(block_of(w), mode);
	guest_segments(&s, mode);
	guest_registers(&s, mode);
	vmx_put_guest(put, &s);
	hw_vmwrite(VMCS_GUEST_RIP, START_RIP);
	hw_vmwrite(VMCS_GUEST_RSP, 0);
	hw_vmwrite(VMCS_EPT_POINTER, vmx_eptp(w->nested_root, k_params.levels));
	backend_slice(w, ~0ull);
	put_this_cpu(w);
}

/**
 * backend_world_create() - give a world its control block
 * @cpu: this CPU, Linux its current world
 * @world: its nested table is set
 * @mode: enum regent_test_mode
 *
 * Return: 0, or -REGENT_HC_ENOSPC (pages).
 */
int backend_world_create(struct cpu *cpu, struct world *world, u64 mode)
{
	struct vmx_block *b = pages_alloc(WORLD_PAGES);
	u32 *vmcs = (u32 *)((u8 *)b + REGENT_PAGE_SIZE);

	if (!b)
		return -REGENT_HC_ENOSPC;
	world->backend = b;
	b->vmcs = pages_pa(vmcs);
	b->own[1] = HW_DR6_RESET;
	*vmcs = k_params.backend[VMX_PARAM_REVISION];
	hw_vmclear(b->vmcs);
	hw_vmptrld(b->vmcs);
	fill(world, mode);
	hw_vmclear(b->vmcs);
	hw_vmptrld(block_of(&cpu->system)->vmcs);
	return 0;
}

/**
 * backend_world_here() - a world begins to run on this CPU, or anew
 * @cpu: this CPU
 * @world: the current one, its identifier invalid here
 *
 * Its nested table may lie where that of one that is gone has been.
 */
void backend_world_here(struct cpu *cpu, struct world *world)
{
	if (asid_take(&cpu->asids, &world->asid))
		hw_invvpid(VMX_INV_ALL, 0);
	hw_vmwrite(VMCS_VPID, world->asid.number);
	hw_invept(VMX_INV_SINGLE, hw_vmread(VMCS_EPT_POINTER));
}

/**
 * backend_world_destroy() - free the control block
 * @world: not running anywhere
 */
void backend_world_destroy(struct world *world)
{
	pages_free(world->backend, WORLD_PAGES);
	world->backend = NULL;
}

static void skip(void)
{
	hw_vmwrite(VMCS_GUEST_RIP,
		   hw_vmread(VMCS_GUEST_RIP) + hw_vmread(VMCS_EXIT_INSN_LENGTH));
}

/**
 * backend_world_debugs() - a world has debug registers of its own from now on
 * @world: the current one, which has them already
 *
 * DR6 may tell of a breakpoint that is not enabled: up to now that was Linux's.
 */
void backend_world_debugs(struct world *world)
{
	struct vmx_block *b = block_of(world);

	hw_write_dr6(read_dr6() & ~HW_DR6_BREAKPOINTS);
	vmx_set_proc(b, b->proc & ~VMX_PROC_DR);
}

/**
 * backend_world_yields() - is that what a world other than Linux exited for?
 * @world: the current one
 */
bool backend_world_yields(const struct world *world)
{
	return block_of(world)->reason == VMX_REASON_VMCALL;
}

/**
 * backend_world_exit() - why a world other than Linux exited
 * @world: the current one
 *
 * What arrived stays pending: Linux gets it. An NMI has been noted.
 */
enum backend_world_exit backend_world_exit(const struct world *world)
{
	switch (block_of(world)->reason) {
	case VMX_REASON_VMCALL:
		skip();
		return BACKEND_WORLD_YIELD;
	case VMX_REASON_HLT:
		skip();
		return BACKEND_WORLD_HALT;
	case VMX_REASON_INTERRUPT:
	case VMX_REASON_INIT:
		return BACKEND_WORLD_INTERRUPT;
	case VMX_REASON_TIMER:
		return BACKEND_WORLD_SLICE;
	case VMX_REASON_DR:
		return BACKEND_WORLD_DEBUG;
	case VMX_REASON_EVENT:
		if ((u8)hw_vmread(VMCS_EXIT_EVENT) == HW_TRAP_MC)
			return BACKEND_WORLD_MC;
		if ((u8)hw_vmread(VMCS_EXIT_EVENT) == HW_TRAP_NMI)
			return BACKEND_WORLD_INTERRUPT;
	}
	return BACKEND_WORLD_FAILED;
}

#define AT(item, field, mask)						\
	[REGENT_SKIP_##item - REGENT_SKIP_RSP] = { field, mask }

/* Numbers that no field has, for what is not in the VMCS. */
#define LIVE(n)		(0x10000 + (n))
#define LIVE_CR2	LIVE(0)
#define LIVE_DR6	LIVE(1)
#define LIVE_MSR(n)	LIVE(2 + (n))

/*
 * Bits that nobody misses for some instructions without interrupts: of no use
 * at CPL 0, in entries that nobody uses, limits grown, visible parts of segment
 * registers whose hidden parts stay.
 */
static const struct { u32 field; u64 flip; } harmless[] = {
	AT(RSP, VMCS_GUEST_RSP, 1 << 3),
	AT(RFLAGS, VMCS_GUEST_RFLAGS, 1 << 0),		/* CF */
	AT(CR0, VMCS_GUEST_CR0, 1 << 18),		/* AM */
	AT(CR2, LIVE_CR2, 1 << 12),
	AT(CR3, VMCS_GUEST_CR3, 1 << 3),		/* PWT */
	AT(CR4, VMCS_GUEST_CR4, 1 << 2),		/* TSD */
	AT(EFER, VMCS_GUEST_EFER, 1 << 0),		/* SCE */
	AT(PAT, VMCS_GUEST_PAT, 1ull << 48),		/* entry 6 */
	AT(DR6, LIVE_DR6, 1 << 0),
	AT(DR7, VMCS_GUEST_DR7, 1 << 16),		/* kind of a breakpoint that is off */
	AT(FS_BASE, VMCS_GUEST_BASE(REGENT_FS), 1 << 12),
	AT(GS_BASE, VMCS_GUEST_BASE(REGENT_GS), 1 << 12),
	AT(KERNEL_GS_BASE, LIVE_MSR(4), 1 << 12),
	AT(STAR, LIVE_MSR(0), 1 << 12),
	AT(LSTAR, LIVE_MSR(1), 1 << 12),
	AT(CSTAR, LIVE_MSR(2), 1 << 12),
	AT(SFMASK, LIVE_MSR(3), 1 << 12),
	AT(SYSENTER_CS, VMCS_GUEST_SYSENTER_CS, 1 << 12),
	AT(SYSENTER_ESP, VMCS_GUEST_SYSENTER_ESP, 1 << 12),
	AT(SYSENTER_EIP, VMCS_GUEST_SYSENTER_EIP, 1 << 12),
	AT(GDTR, VMCS_GUEST_GDTR_LIMIT, 1 << 14),
	AT(IDTR, VMCS_GUEST_IDTR_LIMIT, 1 << 14),
	AT(LDTR, VMCS_GUEST_SELECTOR(REGENT_LDTR), 1 << 3),
	AT(TR, VMCS_GUEST_SELECTOR(REGENT_TR), 1 << 4),
	AT(ES, VMCS_GUEST_SELECTOR(REGENT_ES), 1 << 3),
	AT(SS, VMCS_GUEST_SELECTOR(REGENT_SS), 3 << 3),	/* null or K's and Linux's data */
	AT(DS, VMCS_GUEST_SELECTOR(REGENT_DS), 1 << 3),
	AT(FS, VMCS_GUEST_SELECTOR(REGENT_FS), 1 << 3),
	AT(GS, VMCS_GUEST_SELECTOR(REGENT_GS), 1 << 3),
};

/**
 * backend_damage() - flip a bit of a register that the CPU switches
 * @world: the next one, backend_switch() done
 * @item: enum regent_test_skip, from REGENT_SKIP_RSP on
 */
void backend_damage(struct world *world, u64 item)
{
	u32 field = harmless[item - REGENT_SKIP_RSP].field;
	u64 flip = harmless[item - REGENT_SKIP_RSP].flip;
	u32 msr;

	(void)world;
	if (field < LIVE(0)) {
		hw_vmwrite(field, hw_vmread(field) ^ flip);
	} else if (field == LIVE_CR2) {
		hw_write_cr2(hw_read_cr2() ^ flip);
	} else if (field == LIVE_DR6) {
		hw_write_dr6(read_dr6() ^ flip);
	} else {
		msr = own_msr[field - LIVE_MSR(0)];
		hw_wrmsr(msr, hw_rdmsr(msr) ^ flip);
	}
}
