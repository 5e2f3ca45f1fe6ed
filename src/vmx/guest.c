// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMCS of worlds other than Linux, and the switch between VMCSs. Intel SDM volume 3,
 * "Software Use of Virtual-Machine Control Structures".
 *
 * VMCLEAR writes such a world's VMCS back to memory whenever another world gets the CPU, so that
 * any CPU may run the world next, and its pages may be freed. The host world's VMCS stays.
 */
#include <hw/asm.h>
#include <hw/cr.h>
#include <hw/vmcs.h>
#include <hw/vmx.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>

#include "block.h"
#include "vmx.h"

/* MSRs that neither entries nor exits switch: STAR, LSTAR, CSTAR, SFMASK, KERNEL_GS_BASE. */
static const u32 own_msr[] = { 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102 };

_Static_assert(sizeof(own_msr) / sizeof(own_msr[0]) + 2 == VMX_OWN, "CR2 and DR6 come first");

static u64 read_dr6(void)
{
	return HW_READ_DR(6);
}

static void save_own(u64 *own)
{
	u32 i;

	own[VMX_OWN_CR2] = hw_read_cr2();
	own[VMX_OWN_DR6] = read_dr6();
	for (i = 2; i < VMX_OWN; i++)
		hw_rdmsr_to(own_msr[i - 2], &own[i]);
}

/* @last: what the previous world had, and the processor's MSRs therefore still hold */
static void load_own(const u64 *own, const u64 *last)
{
	u32 i;

	hw_write_cr2(own[VMX_OWN_CR2]);
	hw_write_dr6(own[VMX_OWN_DR6]);
	for (i = 2; i < VMX_OWN; i++)
		if (own[i] != last[i])
			hw_wrmsr(own_msr[i - 2], own[i]);
}

/* A vmx_put for prep.c. */
static void put_field(u64 field, u64 value)
{
	hw_vmwrite(field, value);
}

/* Write K's state on this CPU into the current VMCS, that of a world new to this CPU. */
static void put_this_cpu(struct world *w)
{
	struct cpu *cpu = this_cpu();

	vmx_put_host(put_field, cpu->handoff, (u64)k_idt);
	hw_vmwrite(VMCS_HOST_RIP, (u64)(w->kind == WORLD_VM ? vmx_exit_vcpu : vmx_exit));
	hw_vmwrite(VMCS_HOST_RSP, (u64)(&w->regs + 1));
	block_of(w)->cpu = cpu->id + 1;
}

/**
 * vmx_unload() - a world's VMCS is not this CPU's current one any more
 * @w: the world whose VMCS is loaded
 *
 * Note what others ask of Linux or of a vCPU meanwhile; put any other VMCS than Linux's back to
 * memory. vmx_load() of another world follows.
 */
void vmx_unload(struct world *w)
{
	struct vmx_block *b = block_of(w);

	if (w->kind != WORLD_TEST && b->loaded) {
		b->flags = hw_vmread(VMCS_GUEST_RFLAGS);
		b->blocked = hw_vmread(VMCS_GUEST_INTERRUPTIBILITY);
		b->cpl = backend_cpl(w);
	}
	if (w->kind != WORLD_HOST) {
		hw_vmclear(b->vmcs);
		b->launched = 0;
	}
	b->loaded = false;
}

/**
 * vmx_load() - make a world's VMCS this CPU's current one
 * @cpu: this CPU
 * @w: the world, whose VMCS is loaded nowhere
 */
void vmx_load(struct cpu *cpu, struct world *w)
{
	struct vmx_block *b = block_of(w);

	hw_vmptrld(b->vmcs);
	b->loaded = true;
	/* An NMI may have waited while the other world ran on (2): the next entry looks at it. */
	if (w->kind == WORLD_HOST && cpu->nmi_late)
		cpu->nmi_late = 1;
	if (b->stale) {
		b->stale = false;
		vmx_set_pin(b, b->pin);
		vmx_set_proc(b, b->proc);
		vmx_set_proc2(b, b->proc2);
	}
	if (w->kind != WORLD_HOST && b->cpu != cpu->id + 1)
		put_this_cpu(w);
}

/**
 * backend_save() - save the registers that neither entries nor exits switch
 * @from: the current world
 */
void backend_save(struct world *from)
{
	save_own(block_of(from)->own);
}

/**
 * backend_switch() - switch the processor to another world's VMCS and registers
 * @cpu: this CPU
 * @from: the current world, after backend_save()
 * @to: the next world
 */
void backend_switch(struct cpu *cpu, struct world *from, struct world *to)
{
	/* A vCPU that is open has taken Linux's place as the current VMCS already. */
	if (unlikely(block_of(&cpu->host)->opened == to)) {
		block_of(&cpu->host)->opened = NULL;
	} else {
		vmx_unload(from);
		vmx_load(cpu, to);
	}
	block_of(from)->live = false;
	block_of(to)->live = true;
	load_own(block_of(to)->own, block_of(from)->own);
}

/*
 * Make every instruction exit that would reach beyond the world, and every event that arrives
 * from outside, because those are Linux's.
 */
static void guest_controls(struct vmx_block *b, bool long_mode)
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

	if (!long_mode)
		c.entry &= ~VMX_ENTRY_GUEST_64;
	if (k_has(REGENT_FEAT_SLICE_TIMER)) {
		c.pin |= VMX_PIN_TIMER;
		c.exit |= VMX_EXIT_SAVE_TIMER;
	}
	b->pin = c.pin;
	b->proc = c.proc;
	b->proc2 = c.proc2;
	vmx_put_controls(put_field, &c);
	hw_vmwrite(VMCS_EXCEPTION_BITMAP, 1u << HW_TRAP_MC);
	hw_vmwrite(VMCS_MSR_BITMAP, k_params.backend[VMX_PARAM_GUEST_MSR_BITMAP]);
}

static void fill_vmcs(struct world *w, const struct regent_state *state, u64 rip)
{
	guest_controls(block_of(w), state->efer & HW_EFER_LMA);
	vmx_put_guest(put_field, state);
	hw_vmwrite(VMCS_GUEST_RIP, rip);
	hw_vmwrite(VMCS_GUEST_RSP, 0);
	hw_vmwrite(VMCS_EPT_POINTER, vmx_eptp(w->npt_root, k_params.levels));
	backend_slice(w, ~0ull);
	put_this_cpu(w);
}

/**
 * backend_world_create() - build the VMCS of a world
 * @cpu: this CPU, with Linux as its current world
 * @world: the world, whose npt_root is set
 * @pages: BACKEND_WORLD_PAGES zeroed pages of K's: struct vmx_block, behind it the VMCS and the
 *	virtual APIC page
 * @pa: physical address of @pages
 * @state: the registers that the world starts with
 * @rip: the address where it starts
 *
 * Return: 0.
 */
int backend_world_create(struct cpu *cpu, struct world *world, void *pages, u64 pa,
			 const struct regent_state *state, u64 rip)
{
	struct vmx_block *b = pages;
	u32 *vmcs = (u32 *)((u8 *)b + REGENT_PAGE_SIZE);

	world->backend = b;
	b->vmcs = pa + REGENT_PAGE_SIZE;
	b->apic = (u8 *)b + 2 * REGENT_PAGE_SIZE;
	b->own[VMX_OWN_DR6] = state->dr6;
	*vmcs = k_params.backend[VMX_PARAM_REVISION];
	hw_vmclear(b->vmcs);
	hw_vmptrld(b->vmcs);
	fill_vmcs(world, state, rip);
	hw_vmclear(b->vmcs);
	hw_vmptrld(block_of(&cpu->host)->vmcs);
	return 0;
}

/**
 * backend_vcpu_load() - prepare a world for its first entry on this CPU, or after its VPID expired
 * @cpu: this CPU
 * @world: the current world, its VPID not valid here
 *
 * Flush by its EPT pointer as well, because its EPT may lie where that of a destroyed world was.
 */
void backend_vcpu_load(struct cpu *cpu, struct world *world)
{
	if (asid_take(&cpu->asids, &world->asid))
		hw_invvpid(VMX_INV_ALL, 0);
	hw_vmwrite(VMCS_VPID, world->asid.number);
	hw_invept(VMX_INV_SINGLE, hw_vmread(VMCS_EPT_POINTER));
}

/**
 * backend_world_debugs() - let a world use debug registers without an exit from now on
 * @world: the current world, whose own DR0 to DR3 are loaded already; or a vCPU that is open
 *
 * Clear the breakpoint bits in DR6. They may be set for breakpoints that are not enabled, and
 * up to now those were Linux's.
 */
void backend_world_debugs(struct world *world)
{
	struct vmx_block *b = block_of(world);

	vmx_set_dr6(b, vmx_dr6(b) & ~HW_DR6_BREAKPOINTS);
	vmx_set_proc(b, b->proc & ~VMX_PROC_DR);
}

#define AT(item, field, mask)						\
	[REGENT_SKIP_##item - REGENT_SKIP_RSP] = { field, mask }

/* Registers that are not in the VMCS, by numbers that no VMCS field has. */
#define LIVE(n)		(0x10000 + (n))
#define LIVE_CR2	LIVE(0)
#define LIVE_DR6	LIVE(1)
#define LIVE_MSR(n)	LIVE(2 + (n))

/*
 * Bits that Linux can do without for some instructions with interrupts off: bits without effect
 * at CPL 0, unused entries, limits that grow, and selectors of segment registers whose hidden
 * parts stay.
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
	AT(DR7, VMCS_GUEST_DR7, 1 << 16),		/* type of a disabled breakpoint */
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
	AT(SS, VMCS_GUEST_SELECTOR(REGENT_SS), 3 << 3),	/* null, or the data segment */
	AT(DS, VMCS_GUEST_SELECTOR(REGENT_DS), 1 << 3),
	AT(FS, VMCS_GUEST_SELECTOR(REGENT_FS), 1 << 3),
	AT(GS, VMCS_GUEST_SELECTOR(REGENT_GS), 1 << 3),
};

/**
 * backend_damage() - flip a bit of a register that the backend switches, for a test
 * @world: the next world, after backend_switch()
 * @item: the register: enum regent_test_skip, from REGENT_SKIP_RSP on
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
