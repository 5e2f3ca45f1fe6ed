// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMCS of vCPUs: controls and registers. Intel SDM volume 3, "VMX Non-Root Operation" and
 * "VM-Execution Control Fields". Events are in vm_event.c.
 *
 * A vCPU may set by itself what entries and exits switch. K owns what they do not switch, or
 * what VMX or K needs: CR0.CD and NW, CR0.NE, CR4.VMXE and CR4.MCE (without which a machine check
 * would stop the processor), and the bits of CR4 that a vCPU has not. Such bits are in the masks,
 * and the vCPU finds its own ones in the read shadows.
 */
#include <hw/asm.h>
#include <hw/cr.h>
#include <hw/vmcs.h>
#include <hw/vmx.h>
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/decode.h>
#include <regent/k.h>
#include <regent/sregs.h>

#include "block.h"
#include "vmx.h"

#define CR0_NE		(1ull << 5)
#define CR0_MASK	(CR0_NE | HW_CR0_NW | HW_CR0_CD)
#define CR3_PAE		0xffffffe0ull
#define RFLAGS_AC	(1ull << 18)
#define SEG_ACCESSED	1u
#define SEG_CODE_DATA	(1u << 4)	/* S */
#define SEG_DPL		(3u << VMX_ACCESS_DPL_SHIFT)
#define SEG_ACCESS	0xf0ffu
#define APIC_TPR	0x80

/* DB and AC: an exception that its own delivery raises again would keep the processor. */
#define VCPU_EXCEPTIONS	(1u << HW_TRAP_MC | 1u << HW_TRAP_DB | 1u << HW_TRAP_AC)

/**
 * backend_vm_there() - can VMs run on this machine?
 */
bool backend_vm_there(void)
{
	return true;
}

/**
 * backend_vcpu_open() - make a vCPU's registers accessible while another world is the current one
 * @cpu: this CPU, whose current world is not accessible from now on
 * @world: the vCPU, which this CPU has claimed
 *
 * Either a switch to the vCPU or backend_vcpu_close() follows in the same exit.
 */
void backend_vcpu_open(struct cpu *cpu, struct world *world)
{
	if (block_of(world)->loaded)
		return;
	vmx_unload(cpu->current);
	vmx_load(cpu, world);
	block_of(&cpu->host)->opened = world;
}

/**
 * backend_vcpu_close() - undo backend_vcpu_open(), if a vCPU is open
 * @cpu: this CPU
 */
void backend_vcpu_close(struct cpu *cpu)
{
	struct world *world = block_of(&cpu->host)->opened;

	if (!world)
		return;
	block_of(&cpu->host)->opened = NULL;
	vmx_unload(world);
	vmx_load(cpu, cpu->current);
}

/* @cr0: as the vCPU sees it */
static void set_cr0(u64 cr0)
{
	hw_vmwrite(VMCS_CR0_SHADOW, cr0);
	hw_vmwrite(VMCS_GUEST_CR0, (cr0 & ~(HW_CR0_NW | HW_CR0_CD)) | CR0_NE | HW_CR0_ET);
}

/* @cr4: as the vCPU sees it */
static void set_cr4(const struct vmx_block *b, u64 cr4)
{
	hw_vmwrite(VMCS_CR4_SHADOW, cr4);
	hw_vmwrite(VMCS_GUEST_CR4, (cr4 & ~b->cr4_mask) | HW_CR4_MCE | HW_CR4_VMXE);
}

static u64 visible_cr0(void)
{
	return (hw_vmread(VMCS_GUEST_CR0) & ~CR0_MASK) | (hw_vmread(VMCS_CR0_SHADOW) & CR0_MASK);
}

/**
 * backend_vcpu_control() - make a vCPU of a world that backend_world_create() has built
 * @world: the world
 *
 * CR8 is the TPR shadow, and exits only when backend_intercept_cr8() says so.
 */
void backend_vcpu_control(struct world *world)
{
	struct vmx_block *b = block_of(world);
	struct cpu *cpu = this_cpu();

	backend_vcpu_open(cpu, world);
	b->cr4_mask = ~sregs_cr4_bits() | HW_CR4_MCE;
	vmx_set_proc(b, (b->proc & ~(VMX_PROC_CR8_LOAD | VMX_PROC_CR8_STORE)) |
			VMX_PROC_TPR_SHADOW | VMX_PROC_TSC_OFFSET | VMX_PROC_RDPMC);
	hw_vmwrite(VMCS_VIRTUAL_APIC_PAGE, b->vmcs + REGENT_PAGE_SIZE);
	hw_vmwrite(VMCS_TPR_THRESHOLD, 0);
	hw_vmwrite(VMCS_TSC_OFFSET, 0);
	hw_vmwrite(VMCS_EXCEPTION_BITMAP, VCPU_EXCEPTIONS);
	hw_vmwrite(VMCS_CR0_MASK, CR0_MASK);
	hw_vmwrite(VMCS_CR4_MASK, b->cr4_mask);
	set_cr0(hw_vmread(VMCS_GUEST_CR0));
	set_cr4(b, 0);
	backend_vcpu_close(cpu);
}

static bool cr0_valid(u64 cr0)
{
	return !(cr0 >> 32) && !((cr0 & HW_CR0_PG) && !(cr0 & HW_CR0_PE)) &&
	       !((cr0 & HW_CR0_NW) && !(cr0 & HW_CR0_CD));
}

static bool cr4_valid(const struct vmx_block *b, u64 cr4)
{
	return !(cr4 & b->cr4_mask & ~HW_CR4_MCE) &&
	       (cr4 & HW_CR4_PAE || !(hw_vmread(VMCS_GUEST_EFER) & HW_EFER_LMA));
}

/**
 * vmx_move_to_cr() - a vCPU has exited by MOV to CR0 or CR4, because of a bit in the mask
 * @world: the vCPU
 * @cr: 0 or 4
 * @value: what it moves there
 *
 * With the new bits in the shadow the instruction does not exit any more. The processor executes
 * it then, and does all that belongs to it: further checks, PDPTEs, EFER.LMA, translations.
 *
 * Return: false when it is #GP.
 */
bool vmx_move_to_cr(struct world *world, int cr, u64 value)
{
	if (backend_decode_mode(world) != DECODE_64)
		value = (u32)value;
	if (cr == 0 ? !cr0_valid(value) : !cr4_valid(block_of(world), value))
		return false;
	hw_vmwrite(cr == 0 ? VMCS_CR0_SHADOW : VMCS_CR4_SHADOW, value);
	return true;
}

/**
 * backend_intercept_cr8() - have a vCPU exit when it writes CR8
 * @world: a vCPU
 * @on: it does so from now on
 */
void backend_intercept_cr8(struct world *world, bool on)
{
	struct vmx_block *b = block_of(world);

	vmx_set_proc(b, on ? b->proc | VMX_PROC_CR8_LOAD : b->proc & ~VMX_PROC_CR8_LOAD);
}

/**
 * backend_cr8() - read a vCPU's CR8
 * @world: any vCPU of this CPU's
 */
u8 backend_cr8(const struct world *world)
{
	return block_of(world)->apic[APIC_TPR] >> 4;
}

/**
 * backend_set_cr8() - write a vCPU's CR8
 * @world: any vCPU of this CPU's
 * @cr8: 0 to 15
 */
void backend_set_cr8(struct world *world, u8 cr8)
{
	block_of(world)->apic[APIC_TPR] = cr8 << 4;
}

/**
 * backend_set_rip() - have a vCPU go on elsewhere, because L says so
 * @world: a vCPU
 * @rip: RIP
 */
void backend_set_rip(struct world *world, u64 rip)
{
	block_of(world)->at_exit = false;
	hw_vmwrite(VMCS_GUEST_RIP, rip);
}

/**
 * backend_set_regs() - write a vCPU's general registers, RIP and RFLAGS, because L says so
 * @world: a vCPU
 * @r: the registers, from anybody
 *
 * No instruction ends by that, and what is queued for the next entry stays.
 */
void backend_set_regs(struct world *world, const struct decode_regs *r)
{
	int i;

	for (i = 0; i < 16; i++)
		*backend_reg(world, i) = r->gpr[i];
	hw_vmwrite(VMCS_GUEST_RSP, r->gpr[4]);
	hw_vmwrite(VMCS_GUEST_RFLAGS, (r->flags & SREGS_RFLAGS_BITS) | 2);
	backend_set_rip(world, r->rip);
}

/**
 * backend_go_back() - a vCPU has not executed the instruction that backend_advance() ended
 * @world: a vCPU
 * @rip: where that instruction is
 */
void backend_go_back(struct world *world, u64 rip)
{
	if (hw_vmread(VMCS_GUEST_RFLAGS) & HW_RFLAGS_TF)
		hw_vmwrite(VMCS_GUEST_PENDING_DEBUG,
			   hw_vmread(VMCS_GUEST_PENDING_DEBUG) & ~(u64)VMX_PENDING_BS);
	backend_set_rip(world, rip);
}

/* MSRs that only a switch moves, from own[2] on: see guest.c */
static int own_index(u64 index)
{
	switch (index) {
	case 0xc0000081 ... 0xc0000084:		/* STAR, LSTAR, CSTAR, SFMASK */
		return 2 + (index - 0xc0000081);
	case MSR_REG_FS_BASE + 2:		/* KERNEL_GS_BASE */
		return 6;
	}
	return -1;
}

/* The VMCS' field of an MSR; 0 for another one */
static u64 msr_field(u64 index)
{
	switch (index) {
	case MSR_REG_FS_BASE:
		return VMCS_GUEST_BASE(REGENT_FS);
	case MSR_REG_FS_BASE + 1:
		return VMCS_GUEST_BASE(REGENT_GS);
	case 0x174:
		return VMCS_GUEST_SYSENTER_CS;
	case 0x175:
		return VMCS_GUEST_SYSENTER_ESP;
	case 0x176:
		return VMCS_GUEST_SYSENTER_EIP;
	}
	return 0;
}

/**
 * backend_vcpu_msr() - find an MSR that a switch moves, and that a vCPU accesses without exit
 * @world: a vCPU; if such an MSR is asked for, an open one
 * @index: any number
 *
 * Return: where its value is, to be read until the next call; NULL when it is none of these.
 */
u64 *backend_vcpu_msr(struct world *world, u64 index)
{
	struct vmx_block *b = block_of(world);
	int own = own_index(index);
	u64 field = msr_field(index);

	if (own >= 0)
		return &b->own[own];
	if (!field)
		return NULL;
	b->scratch = hw_vmread(field);
	return &b->scratch;
}

/**
 * backend_vcpu_write_msr() - write one of these
 * @world: a vCPU that is open
 * @index: a number that backend_vcpu_msr() knows
 * @value: the value
 *
 * Return: false when the processor would raise #GP.
 */
bool backend_vcpu_write_msr(struct world *world, u64 index, u64 value)
{
	int own = own_index(index);

	/* STAR, SFMASK and SYSENTER_CS are no addresses. */
	if (index != 0xc0000081 && index != 0xc0000084 && index != 0x174 &&
	    !vcpu_canonical(value))
		return false;
	/* The upper half of SFMASK is reserved, and its WRMSR raises #GP: also K's. */
	if (index == 0xc0000084 && value >> 32)
		return false;
	if (own >= 0)
		block_of(world)->own[own] = value;
	else
		hw_vmwrite(msr_field(index), value);
	return true;
}

/**
 * backend_set_tsc_offset() - add something to the TSC that a vCPU sees
 * @world: a vCPU
 * @offset: what
 */
void backend_set_tsc_offset(struct world *world, u64 offset)
{
	(void)world;
	hw_vmwrite(VMCS_TSC_OFFSET, offset);
}

/* DR6, which no exit moves, of a world that is loaded or a vCPU that is open */
u64 vmx_dr6(const struct vmx_block *b)
{
	return b->live ? HW_READ_DR(6) : b->own[VMX_OWN_DR6];
}

void vmx_set_dr6(struct vmx_block *b, u64 dr6)
{
	if (b->live)
		hw_write_dr6(dr6);
	else
		b->own[VMX_OWN_DR6] = dr6;
}

/**
 * backend_get_debug() - read a vCPU's DR6 and DR7
 * @world: a vCPU
 * @dr6: filled in
 * @dr7: filled in
 */
void backend_get_debug(const struct world *world, u64 *dr6, u64 *dr7)
{
	*dr6 = vmx_dr6(block_of(world));
	*dr7 = hw_vmread(VMCS_GUEST_DR7);
}

/**
 * backend_set_debug() - write them
 * @world: a vCPU
 * @dr6: DR6, of 32 bits
 * @dr7: DR7, of 32 bits
 */
void backend_set_debug(struct world *world, u64 dr6, u64 dr7)
{
	vmx_set_dr6(block_of(world), (u32)dr6);
	hw_vmwrite(VMCS_GUEST_DR7, (u32)dr7);
}

static void get_segment(struct regent_segment *to, int n)
{
	u32 access = hw_vmread(VMCS_GUEST_ACCESS(n));

	to->selector = hw_vmread(VMCS_GUEST_SELECTOR(n));
	to->limit = hw_vmread(VMCS_GUEST_LIMIT(n));
	to->base = hw_vmread(VMCS_GUEST_BASE(n));
	to->unusable = !!(access & VMX_ACCESS_UNUSABLE);
	to->access = access & SEG_ACCESS;
	/* Of an unusable segment nothing is defined but the privilege level in SS. */
	if (to->unusable)
		to->access = n == REGENT_SS ? access & SEG_DPL : 0;
}

/*
 * Entries want the accessed bit that a load of the segment register would have set, and that
 * VMMs leave out.
 */
static void set_segment(const struct regent_segment *from, int n)
{
	u32 access = from->access & SEG_ACCESS;

	if (from->unusable)
		access = VMX_ACCESS_UNUSABLE | (n == REGENT_SS ? access & SEG_DPL : 0);
	else if (access & SEG_CODE_DATA && n != REGENT_LDTR && n != REGENT_TR)
		access |= SEG_ACCESSED;
	hw_vmwrite(VMCS_GUEST_SELECTOR(n), from->selector);
	hw_vmwrite(VMCS_GUEST_LIMIT(n), from->limit);
	hw_vmwrite(VMCS_GUEST_BASE(n), from->base);
	hw_vmwrite(VMCS_GUEST_ACCESS(n), access);
}

/**
 * backend_get_sregs() - read a vCPU's segments and control registers
 * @world: a vCPU
 * @s: filled in, as the vCPU sees it
 */
void backend_get_sregs(const struct world *world, struct regent_vcpu_sregs *s)
{
	const struct vmx_block *b = block_of(world);
	int n;

	for (n = 0; n < REGENT_SEGMENTS; n++)
		get_segment(&s->seg[n], n);
	s->gdt_base = hw_vmread(VMCS_GUEST_GDTR_BASE);
	s->gdt_limit = hw_vmread(VMCS_GUEST_GDTR_LIMIT);
	s->idt_base = hw_vmread(VMCS_GUEST_IDTR_BASE);
	s->idt_limit = hw_vmread(VMCS_GUEST_IDTR_LIMIT);
	s->cr0 = visible_cr0();
	s->cr2 = b->live ? hw_read_cr2() : b->own[VMX_OWN_CR2];
	s->cr3 = hw_vmread(VMCS_GUEST_CR3);
	s->cr4 = backend_cr4(world);
	s->cr8 = backend_cr8(world);
	s->efer = hw_vmread(VMCS_GUEST_EFER);
}

static void set_efer(u64 efer)
{
	u32 entry = k_params.backend[VMX_PARAM_EXIT_ENTRY] >> 32;

	hw_vmwrite(VMCS_GUEST_EFER, efer);
	hw_vmwrite(VMCS_ENTRY_CONTROLS, efer & HW_EFER_LMA ? entry | VMX_ENTRY_GUEST_64 :
							     entry & ~VMX_ENTRY_GUEST_64);
}

static bool has_pae_tables(u64 cr0, u64 cr4, u64 efer)
{
	return cr0 & HW_CR0_PG && cr4 & HW_CR4_PAE && !(efer & HW_EFER_LMA);
}

/*
 * The VMCS has PAE's top entries, as a MOV to CR3 has loaded them last. Read them anew where the
 * VMM has changed the tables, but not where it writes what it has read: those in memory may
 * differ.
 */
static void check_pdptes(struct vmx_block *b, const struct regent_vcpu_sregs *s)
{
	bool had = has_pae_tables(hw_vmread(VMCS_GUEST_CR0), hw_vmread(VMCS_GUEST_CR4),
				  hw_vmread(VMCS_GUEST_EFER));

	if (!has_pae_tables(s->cr0, s->cr4, s->efer))
		b->pdptes_old = false;
	else if (!had || s->cr3 != hw_vmread(VMCS_GUEST_CR3))
		b->pdptes_old = true;
}

/**
 * backend_pdptes_wanted() - does K have to read PAE's four top entries for a vCPU?
 * @world: a vCPU
 *
 * Return: their guest-physical address; NPF_NONE for no.
 */
u64 backend_pdptes_wanted(const struct world *world)
{
	return likely(!block_of(world)->pdptes_old) ? NPF_NONE :
						      hw_vmread(VMCS_GUEST_CR3) & CR3_PAE;
}

/**
 * backend_set_pdptes() - what has been read
 * @world: a vCPU
 * @pdpte: the entries, from anybody: the next entry checks them
 */
void backend_set_pdptes(struct world *world, const u64 pdpte[4])
{
	int n;

	for (n = 0; n < 4; n++)
		hw_vmwrite(VMCS_GUEST_PDPTE(n), pdpte[n]);
	block_of(world)->pdptes_old = false;
}

/**
 * backend_set_sregs() - write a vCPU's segments and control registers
 * @world: a vCPU
 * @s: what to write, from anybody
 *
 * Return: 0, or -REGENT_HC_EINVAL with nothing changed.
 */
int backend_set_sregs(struct world *world, const struct regent_vcpu_sregs *s)
{
	struct vmx_block *b = block_of(world);
	int n;

	if (!sregs_valid(s, ~b->cr4_mask | HW_CR4_MCE))
		return -REGENT_HC_EINVAL;
	check_pdptes(b, s);
	for (n = 0; n < REGENT_SEGMENTS; n++)
		set_segment(&s->seg[n], n);
	hw_vmwrite(VMCS_GUEST_GDTR_BASE, s->gdt_base);
	hw_vmwrite(VMCS_GUEST_GDTR_LIMIT, s->gdt_limit);
	hw_vmwrite(VMCS_GUEST_IDTR_BASE, s->idt_base);
	hw_vmwrite(VMCS_GUEST_IDTR_LIMIT, s->idt_limit);
	set_cr0(s->cr0);
	if (b->live)
		hw_write_cr2(s->cr2);
	else
		b->own[VMX_OWN_CR2] = s->cr2;
	hw_vmwrite(VMCS_GUEST_CR3, s->cr3);
	set_cr4(b, s->cr4);
	set_efer(s->efer);
	backend_set_cr8(world, s->cr8);
	backend_flush(world);
	return 0;
}

/**
 * backend_efer() - read a vCPU's EFER
 * @world: a vCPU
 */
u64 backend_efer(const struct world *world)
{
	(void)world;
	return hw_vmread(VMCS_GUEST_EFER);
}

/**
 * backend_set_efer() - write a vCPU's EFER, as the vCPU asks
 * @world: a vCPU
 * @efer: the value
 * @vmm: it is the VMM that asks, which may also change LME while paging is on
 *
 * Return: false when the processor would raise #GP; nothing is changed then.
 */
bool backend_set_efer(struct world *world, u64 efer, bool vmm)
{
	u64 was = hw_vmread(VMCS_GUEST_EFER);

	if (efer & ~SREGS_EFER_BITS)
		return false;
	if (!vmm && (efer ^ was) & HW_EFER_LME && hw_vmread(VMCS_GUEST_CR0) & HW_CR0_PG)
		return false;
	set_efer((efer & ~HW_EFER_LMA) | (was & HW_EFER_LMA));
	backend_flush(world);
	return true;
}

/**
 * backend_cr4() - read a vCPU's CR4, as the vCPU sees it
 * @world: a vCPU
 */
u64 backend_cr4(const struct world *world)
{
	u64 mask = block_of(world)->cr4_mask;

	return (hw_vmread(VMCS_GUEST_CR4) & ~mask) | (hw_vmread(VMCS_CR4_SHADOW) & mask);
}

/**
 * backend_set_cr4() - write a vCPU's CR4, as the vCPU asks
 * @world: a vCPU
 * @cr4: the value
 *
 * A vCPU's own MOV to CR4 does not come here: the processor executes it (CONTROL_AGAIN).
 *
 * Return: false when the processor would raise #GP; nothing is changed then.
 */
bool backend_set_cr4(struct world *world, u64 cr4)
{
	const struct vmx_block *b = block_of(world);

	if (!cr4_valid(b, cr4))
		return false;
	set_cr4(b, cr4);
	backend_flush(world);
	return true;
}

/**
 * backend_pat() - read a vCPU's PAT
 * @world: a vCPU
 */
u64 backend_pat(const struct world *world)
{
	(void)world;
	return hw_vmread(VMCS_GUEST_PAT);
}

/**
 * backend_set_pat() - write a vCPU's PAT
 * @world: a vCPU
 * @pat: eight types that exist, as the caller has checked
 */
void backend_set_pat(struct world *world, u64 pat)
{
	(void)world;
	hw_vmwrite(VMCS_GUEST_PAT, pat);
}

/**
 * backend_flag_ac() - read a vCPU's RFLAGS.AC
 * @world: a vCPU
 */
bool backend_flag_ac(const struct world *world)
{
	(void)world;
	return hw_vmread(VMCS_GUEST_RFLAGS) & RFLAGS_AC;
}
