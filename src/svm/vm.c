// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMCB of vCPUs. AMD APM volume 2, "Secure Virtual Machine".
 *
 * What a vCPU may set by itself is what VMRUN and VMLOAD switch. K owns what would outlive it
 * or reach beyond it: CR4.MCE, without which a machine check would stop the processor, and
 * EFER.SVME. CR0.CD and NW slow the vCPU alone, because VMRUN and #VMEXIT switch CR0.
 */
#include <hw/asm.h>
#include <hw/cr.h>
#include <hw/vmcb.h>
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/decode.h>
#include <regent/k.h>
#include <regent/sregs.h>

#include "block.h"
#include "event.h"
#include "svm.h"

#define CR8_MASK	0xfull
#define RFLAGS_AC	(1ull << 18)
#define ATTRIB_PRESENT	0x80
#define DR7_GD		(1ull << 13)

/* DB and AC: an exception that its own delivery raises again would keep the processor. */
#define VCPU_EXCEPTIONS	((1u << HW_TRAP_DB) | (1u << HW_TRAP_AC))

/**
 * backend_vm_there() - can VMs run on this machine?
 */
bool backend_vm_there(void)
{
	return true;
}

/**
 * backend_vcpu_control() - make a vCPU of a world that backend_world_create() has built
 * @world: the world
 */
void backend_vcpu_control(struct world *world)
{
	struct vmcb_control *c = &vmcb_of(world)->ctl;

	c->intercept_cr_read |= 1u << 4;
	c->intercept_cr_write |= 1u << 4;
	c->intercept_exception |= VCPU_EXCEPTIONS;
	c->intercept_misc1 |= SVM_INTERCEPT_RDPMC | SVM_INTERCEPT_CPUID | SVM_INTERCEPT_FERR;
	c->intercept_misc2 |= SVM_INTERCEPT_RDPRU;
	vmcb_of(world)->save.cr4 |= HW_CR4_MCE;
}

/**
 * backend_vcpu_open() - make a vCPU's registers accessible: SVM's always are
 * @cpu: this CPU
 * @world: the vCPU
 */
void backend_vcpu_open(struct cpu *cpu, struct world *world)
{
	(void)cpu;
	(void)world;
}

/**
 * backend_vcpu_close() - undo backend_vcpu_open()
 * @cpu: this CPU
 */
void backend_vcpu_close(struct cpu *cpu)
{
	(void)cpu;
}

/**
 * backend_vcpu_ready() - nothing more is asked of the next entry: the VMCB has it all already
 * @world: the vCPU
 */
void backend_vcpu_ready(struct world *world)
{
	(void)world;
}

/**
 * backend_io_access() - decode an access to an I/O port
 * @world: the vCPU that exited by it
 * @io: filled in
 */
void backend_io_access(const struct world *world, struct io_access *io)
{
	const struct vmcb_control *c = &vmcb_of(world)->ctl;

	io->port = c->exit_info1 >> 16;
	io->size = c->exit_info1 >> 4 & 7;
	io->write = !(c->exit_info1 & 1);
	io->string = c->exit_info1 & 4;
	io->next = c->exit_info2;
}

/**
 * backend_control_access() - what REGENT_EXIT_CONTROL was about
 * @world: the vCPU that exited by it
 */
enum control_access backend_control_access(struct world *world)
{
	switch (vmcb_of(world)->ctl.exit_code) {
	case SVM_EXIT_CR4_READ:
		return CONTROL_CR4_READ;
	case SVM_EXIT_CR4_WRITE:
		return CONTROL_CR4_WRITE;
	case SVM_EXIT_CR8_WRITE:
		return CONTROL_CR8_WRITE;
	case SVM_EXIT_INVD:
	case SVM_EXIT_WBINVD:
		return CONTROL_CACHE;
	case SVM_EXIT_XSETBV:
		return CONTROL_XSETBV;
	case SVM_EXIT_IRET:
		return CONTROL_IRET;
	}
	return CONTROL_OTHER;
}

/**
 * backend_exception() - which exception made a vCPU exit
 * @world: the vCPU that exited by it
 *
 * DR6 is up to date already, and nothing of the delivery has been done.
 */
int backend_exception(struct world *world)
{
	struct vmcb *v = vmcb_of(world);
	int vector = v->ctl.exit_code - SVM_EXIT_EXCEPTION;

	/* As its delivery does, so that the handler can access debug registers */
	if (vector == HW_TRAP_DB && v->save.dr7 & DR7_GD) {
		v->save.dr7 &= ~DR7_GD;
		svm_touch(world, SVM_CLEAN_ALL);
	}
	return vector;
}

/**
 * backend_exit_code() - the exit in the vendor's numbers, for messages
 * @world: a vCPU
 */
u64 backend_exit_code(const struct world *world)
{
	return vmcb_of(world)->ctl.exit_code;
}

/**
 * backend_delivering() - which exception was being delivered when the exit came?
 * @world: the vCPU that exited
 *
 * Return: its vector; EVENT_OTHER for another event; EVENT_NOTHING.
 */
int backend_delivering(const struct world *world)
{
	return svm_delivering(vmcb_of(world)->ctl.exit_int_info);
}

/**
 * backend_event_pending() - is an event queued that the next entry delivers in any case?
 * @world: a vCPU
 *
 * Not so an interrupt, which waits until the vCPU can take it.
 */
bool backend_event_pending(const struct world *world)
{
	return vmcb_of(world)->ctl.event_inj & SVM_EVENT_VALID;
}

/**
 * backend_entry_refused() - the processor has not entered the vCPU at all
 * @world: a vCPU
 *
 * It may not have flushed what the entry was to flush either.
 */
void backend_entry_refused(struct world *world)
{
	world->asid.pool = NULL;
	svm_touch(world, SVM_CLEAN_ALL);
	svm_set_flush(&this_cpu()->host, SVM_TLB_FLUSH_ALL);
}

/* Types of REGENT_EVENT_*, by the processor's number and back */
static const u8 event_type[8] = {
	[0] = REGENT_EVENT_INTERRUPT, [SVM_EVENT_NMI] = REGENT_EVENT_NMI,
	[SVM_EVENT_EXCEPTION] = REGENT_EVENT_EXCEPTION, [SVM_EVENT_SOFT] = REGENT_EVENT_SOFT,
};

/**
 * backend_get_event() - read what the next entry of a vCPU delivers
 * @world: a vCPU
 * @e: filled in
 */
void backend_get_event(const struct world *world, struct backend_event *e)
{
	u64 event = vmcb_of(world)->ctl.event_inj;

	*e = (struct backend_event){ .type = REGENT_EVENT_NONE };
	if (!(event & SVM_EVENT_VALID))
		return;
	e->type = event_type[event >> SVM_EVENT_TYPE_SHIFT & SVM_EVENT_TYPE_MASK];
	e->vector = event;
	e->has_error = event & SVM_EVENT_ERROR;
	e->error = event >> 32;
}

/**
 * backend_set_event() - write it
 * @world: a vCPU
 * @e: the event; the processor accepts it
 */
void backend_set_event(struct world *world, const struct backend_event *e)
{
	u64 event = SVM_EVENT_VALID | e->vector, type;

	/* Nothing that the last exit has interrupted is left. */
	vmcb_of(world)->ctl.exit_int_info = 0;
	for (type = 0; type < 8 && event_type[type] != e->type; type++)
		;
	if (e->type == REGENT_EVENT_NONE || type == 8) {
		svm_set_event(world, 0);
		return;
	}
	event |= type << SVM_EVENT_TYPE_SHIFT;
	if (e->has_error)
		event |= SVM_EVENT_ERROR | (u64)e->error << 32;
	svm_set_event(world, event);
}

/**
 * backend_set_shadow() - put a vCPU into an interrupt shadow, or take it out
 * @world: a vCPU
 * @on: into one
 */
void backend_set_shadow(struct world *world, bool on)
{
	struct vmcb_control *c = &vmcb_of(world)->ctl;

	c->int_state = on ? c->int_state | SVM_INT_SHADOW : c->int_state & ~SVM_INT_SHADOW;
}

/**
 * backend_intercept_iret() - have a vCPU exit before each IRET
 * @world: a vCPU
 * @on: it does so from now on
 */
void backend_intercept_iret(struct world *world, bool on)
{
	struct vmcb_control *c = &vmcb_of(world)->ctl;

	if (on)
		c->intercept_misc1 |= SVM_INTERCEPT_IRET;
	else
		c->intercept_misc1 &= ~SVM_INTERCEPT_IRET;
	svm_touch(world, SVM_CLEAN_INTERCEPTS);
}

/**
 * backend_nmi_blocked() - does the processor block a vCPU's NMIs? SVM does not say
 * @world: a vCPU
 * @known: what K has found out by itself
 */
bool backend_nmi_blocked(const struct world *world, bool known)
{
	(void)world;
	return known;
}

/**
 * backend_takes_nmi() - can the next entry deliver an NMI, if none is blocked?
 * @world: a vCPU
 */
bool backend_takes_nmi(const struct world *world)
{
	return !backend_event_pending(world);
}

/**
 * backend_nmi_window() - have a vCPU exit when it can take an NMI: SVM cannot do that
 * @world: a vCPU
 */
void backend_nmi_window(struct world *world)
{
	(void)world;
}

/**
 * backend_step() - have a vCPU raise #DB after its next instruction
 * @world: a vCPU
 * @on: it does so
 */
void backend_step(struct world *world, bool on)
{
	struct vmcb_save *s = &vmcb_of(world)->save;

	/* RF: no breakpoint on this instruction is met for a second time. */
	if (on)
		s->rflags |= HW_RFLAGS_TF | HW_RFLAGS_RF;
	else
		s->rflags &= ~HW_RFLAGS_TF;
}

/**
 * backend_stepped() - a vCPU has raised that #DB: it does not see it
 * @world: a vCPU
 */
void backend_stepped(struct world *world)
{
	vmcb_of(world)->save.dr6 &= ~(u64)HW_DR6_BS;
	svm_touch(world, SVM_CLEAN_ALL);
}

/**
 * backend_vcpu_irq() - have a vCPU take an interrupt, or exit when it could
 * @world: a vCPU
 * @what: a vector; VCPU_IRQ_WINDOW; VCPU_IRQ_NONE takes either back
 *
 * By V_IRQ: the processor delivers it as soon as IF and the interrupt shadow allow. CR8 is not
 * looked at, because L has the APIC.
 */
void backend_vcpu_irq(struct world *world, int what)
{
	struct vmcb_control *c = &vmcb_of(world)->ctl;
	u64 vector = what >= 0 ? what : 0;

	c->intercept_misc1 &= ~SVM_INTERCEPT_VINTR;
	c->vintr &= SVM_V_INTR_MASKING | SVM_V_TPR_MASK;
	if (what == VCPU_IRQ_WINDOW)
		c->intercept_misc1 |= SVM_INTERCEPT_VINTR;
	if (what != VCPU_IRQ_NONE)
		c->vintr |= SVM_V_IRQ | SVM_V_INTR_PRIO | SVM_V_IGN_TPR |
			    vector << SVM_V_INTR_VECTOR_SHIFT;
	svm_touch(world, SVM_CLEAN_INTERCEPTS | SVM_CLEAN_VINTR);
}

/**
 * backend_intercept_cr8() - have a vCPU exit when it writes CR8
 * @world: a vCPU
 * @on: it does so from now on
 */
void backend_intercept_cr8(struct world *world, bool on)
{
	struct vmcb_control *c = &vmcb_of(world)->ctl;

	if (on)
		c->intercept_cr_write |= 1u << 8;
	else
		c->intercept_cr_write &= ~(1u << 8);
	svm_touch(world, SVM_CLEAN_INTERCEPTS);
}

/**
 * backend_vcpu_irq_queued() - which interrupt has a vCPU not taken yet?
 * @world: a vCPU
 *
 * Return: its vector, or VCPU_IRQ_NONE.
 */
int backend_vcpu_irq_queued(const struct world *world)
{
	const struct vmcb_control *c = &vmcb_of(world)->ctl;

	if (!(c->vintr & SVM_V_IRQ) || (c->intercept_misc1 & SVM_INTERCEPT_VINTR))
		return VCPU_IRQ_NONE;
	return c->vintr >> SVM_V_INTR_VECTOR_SHIFT & 0xff;
}

/**
 * backend_cr8() - read a vCPU's CR8
 * @world: a vCPU
 */
u8 backend_cr8(const struct world *world)
{
	return vmcb_of(world)->ctl.vintr & CR8_MASK;
}

/**
 * backend_set_cr8() - write a vCPU's CR8
 * @world: a vCPU
 * @cr8: 0 to 15
 */
void backend_set_cr8(struct world *world, u8 cr8)
{
	struct vmcb_control *c = &vmcb_of(world)->ctl;

	c->vintr = (c->vintr & ~SVM_V_TPR_MASK) | (cr8 & CR8_MASK);
	svm_touch(world, SVM_CLEAN_VINTR);
}

/**
 * backend_set_rip() - have a vCPU go on elsewhere, because L says so
 * @world: a vCPU
 * @rip: RIP
 */
void backend_set_rip(struct world *world, u64 rip)
{
	vmcb_of(world)->save.rip = rip;
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
	struct vmcb_save *s = &vmcb_of(world)->save;
	int i;

	for (i = 0; i < 16; i++)
		*backend_reg(world, i) = r->gpr[i];
	s->rip = r->rip;
	s->rflags = (r->flags & SREGS_RFLAGS_BITS) | 2;
}

/**
 * backend_go_back() - a vCPU has not executed the instruction that backend_advance() ended
 * @world: a vCPU
 * @rip: where that instruction is
 */
void backend_go_back(struct world *world, u64 rip)
{
	struct vmcb_save *s = &vmcb_of(world)->save;

	if (s->rflags & HW_RFLAGS_TF) {
		s->dr6 &= ~(u64)HW_DR6_BS;
		svm_set_event(world, 0);
		svm_touch(world, SVM_CLEAN_ALL);
	}
	s->rip = rip;
}

/* Where the VMCB has an MSR that VMLOAD and VMSAVE switch; NULL for another one */
static u64 *msr_field(struct vmcb_save *s, u64 index)
{
	switch (index) {
	case 0xc0000081:
		return &s->star;
	case 0xc0000082:
		return &s->lstar;
	case 0xc0000083:
		return &s->cstar;
	case 0xc0000084:
		return &s->sfmask;
	case MSR_REG_FS_BASE:
		return &s->fs.base;
	case MSR_REG_FS_BASE + 1:
		return &s->gs.base;
	case MSR_REG_FS_BASE + 2:
		return &s->kernel_gs_base;
	case 0x174:
		return &s->sysenter_cs;
	case 0x175:
		return &s->sysenter_esp;
	case 0x176:
		return &s->sysenter_eip;
	}
	return NULL;
}

/**
 * backend_vcpu_msr() - find an MSR that a switch moves, and that a vCPU accesses without exit
 * @world: a vCPU that is not loaded
 * @index: any number
 *
 * Return: where its value is, to be read; NULL when it is none of these.
 */
u64 *backend_vcpu_msr(struct world *world, u64 index)
{
	return msr_field(&vmcb_of(world)->save, index);
}

/**
 * backend_vcpu_write_msr() - write one of these
 * @world: a vCPU that is not loaded
 * @index: a number that backend_vcpu_msr() knows
 * @value: the value
 *
 * Return: false when the processor would raise #GP.
 */
bool backend_vcpu_write_msr(struct world *world, u64 index, u64 value)
{
	struct vmcb_save *s = &vmcb_of(world)->save;
	u64 *field = msr_field(s, index);

	/* VMLOAD loads other addresses as well, but no processor could have had them. */
	if (field != &s->star && field != &s->sfmask && field != &s->sysenter_cs &&
	    !vcpu_canonical(value))
		return false;
	*field = value;
	return true;
}

/**
 * backend_set_tsc_offset() - add something to the TSC that a vCPU sees
 * @world: a vCPU
 * @offset: what
 */
void backend_set_tsc_offset(struct world *world, u64 offset)
{
	vmcb_of(world)->ctl.tsc_offset = offset;
	svm_touch(world, SVM_CLEAN_INTERCEPTS);
}

/**
 * backend_get_debug() - read a vCPU's DR6 and DR7
 * @world: a vCPU
 * @dr6: filled in
 * @dr7: filled in
 */
void backend_get_debug(const struct world *world, u64 *dr6, u64 *dr7)
{
	*dr6 = vmcb_of(world)->save.dr6;
	*dr7 = vmcb_of(world)->save.dr7;
}

/**
 * backend_set_debug() - write them
 * @world: a vCPU
 * @dr6: DR6, of 32 bits
 * @dr7: DR7, of 32 bits
 */
void backend_set_debug(struct world *world, u64 dr6, u64 dr7)
{
	vmcb_of(world)->save.dr6 = (u32)dr6;
	vmcb_of(world)->save.dr7 = (u32)dr7;
	svm_touch(world, SVM_CLEAN_ALL);
}

static void get_segment(struct regent_segment *to, const struct vmcb_seg *from)
{
	to->selector = from->selector;
	to->unusable = !(from->attrib & ATTRIB_PRESENT);
	to->access = (from->attrib & 0xff) | (from->attrib & 0xf00) << 4;
	to->limit = from->limit;
	to->base = from->base;
}

/**
 * backend_get_sregs() - read a vCPU's segments and control registers
 * @world: a vCPU
 * @s: filled in; CR4.MCE is K's
 */
void backend_get_sregs(const struct world *world, struct regent_vcpu_sregs *s)
{
	const struct vmcb_save *v = &vmcb_of(world)->save;

	get_segment(&s->seg[REGENT_ES], &v->es);
	get_segment(&s->seg[REGENT_CS], &v->cs);
	get_segment(&s->seg[REGENT_SS], &v->ss);
	get_segment(&s->seg[REGENT_DS], &v->ds);
	get_segment(&s->seg[REGENT_FS], &v->fs);
	get_segment(&s->seg[REGENT_GS], &v->gs);
	get_segment(&s->seg[REGENT_LDTR], &v->ldtr);
	get_segment(&s->seg[REGENT_TR], &v->tr);
	/* Intel and KVM have the privilege level in SS; SVM has it apart. */
	s->seg[REGENT_SS].access = (s->seg[REGENT_SS].access & ~0x60u) | v->cpl << 5;
	s->gdt_base = v->gdtr.base;
	s->gdt_limit = v->gdtr.limit;
	s->idt_base = v->idtr.base;
	s->idt_limit = v->idtr.limit;
	s->cr0 = v->cr0;
	s->cr2 = v->cr2;
	s->cr3 = v->cr3;
	s->cr4 = v->cr4;
	s->cr8 = vmcb_of(world)->ctl.vintr & CR8_MASK;
	s->efer = v->efer & ~HW_EFER_SVME;
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
	struct vmcb *v = vmcb_of(world);
	struct vmcb_save *to = &v->save;

	if (!sregs_valid(s, sregs_cr4_bits()))
		return -REGENT_HC_EINVAL;
	svm_put_segment(&to->es, &s->seg[REGENT_ES]);
	svm_put_segment(&to->cs, &s->seg[REGENT_CS]);
	svm_put_segment(&to->ss, &s->seg[REGENT_SS]);
	svm_put_segment(&to->ds, &s->seg[REGENT_DS]);
	svm_put_segment(&to->fs, &s->seg[REGENT_FS]);
	svm_put_segment(&to->gs, &s->seg[REGENT_GS]);
	svm_put_segment(&to->ldtr, &s->seg[REGENT_LDTR]);
	svm_put_segment(&to->tr, &s->seg[REGENT_TR]);
	to->cpl = s->seg[REGENT_SS].access >> 5 & 3;
	to->gdtr.base = s->gdt_base;
	to->gdtr.limit = s->gdt_limit;
	to->idtr.base = s->idt_base;
	to->idtr.limit = s->idt_limit;
	to->cr0 = s->cr0 | HW_CR0_ET;
	to->cr2 = s->cr2;
	to->cr3 = s->cr3;
	to->cr4 = s->cr4 | HW_CR4_MCE;
	to->efer = s->efer | HW_EFER_SVME;
	v->ctl.vintr = (v->ctl.vintr & ~SVM_V_TPR_MASK) | s->cr8;
	svm_touch(world, SVM_CLEAN_ALL);
	backend_flush(world);
	return 0;
}

/**
 * backend_pdptes_wanted() - does K have to read PAE's four top entries for a vCPU?
 * @world: a vCPU
 *
 * Return: NPF_NONE: on SVM the processor reads them from memory.
 */
u64 backend_pdptes_wanted(const struct world *world)
{
	(void)world;
	return NPF_NONE;
}

/**
 * backend_set_pdptes() - what has been read: not on SVM
 * @world: a vCPU
 * @pdpte: the entries
 */
void backend_set_pdptes(struct world *world, const u64 pdpte[4])
{
	(void)world;
	(void)pdpte;
}

/**
 * backend_efer() - read a vCPU's EFER
 * @world: a vCPU
 */
u64 backend_efer(const struct world *world)
{
	return vmcb_of(world)->save.efer & ~HW_EFER_SVME;
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
	struct vmcb_save *v = &vmcb_of(world)->save;

	if (efer & ~SREGS_EFER_BITS)
		return false;
	if (!vmm && (efer ^ v->efer) & HW_EFER_LME && v->cr0 & HW_CR0_PG)
		return false;
	v->efer = (efer & ~HW_EFER_LMA) | (v->efer & HW_EFER_LMA) | HW_EFER_SVME;
	svm_touch(world, SVM_CLEAN_ALL);
	backend_flush(world);
	return true;
}

/**
 * backend_cr4() - read a vCPU's CR4, with K's MCE
 * @world: a vCPU
 */
u64 backend_cr4(const struct world *world)
{
	return vmcb_of(world)->save.cr4;
}

/**
 * backend_set_cr4() - write a vCPU's CR4, as the vCPU asks; K's MCE stays
 * @world: a vCPU
 * @cr4: the value
 *
 * Return: false when the processor would raise #GP; nothing is changed then.
 */
bool backend_set_cr4(struct world *world, u64 cr4)
{
	struct vmcb_save *v = &vmcb_of(world)->save;

	if (cr4 & ~sregs_cr4_bits() || (v->efer & HW_EFER_LMA && !(cr4 & HW_CR4_PAE)))
		return false;
	v->cr4 = cr4 | HW_CR4_MCE;
	svm_touch(world, SVM_CLEAN_ALL);
	/* PGE, PSE, PAE, SMEP and SMAP change what is translated. */
	backend_flush(world);
	return true;
}

/**
 * backend_pat() - read a vCPU's PAT
 * @world: a vCPU
 */
u64 backend_pat(const struct world *world)
{
	return vmcb_of(world)->save.g_pat;
}

/**
 * backend_set_pat() - write a vCPU's PAT
 * @world: a vCPU
 * @pat: eight types that exist, as the caller has checked
 */
void backend_set_pat(struct world *world, u64 pat)
{
	vmcb_of(world)->save.g_pat = pat;
	svm_touch(world, SVM_CLEAN_ALL);
}

/**
 * backend_flag_ac() - read a vCPU's RFLAGS.AC
 * @world: a vCPU
 */
bool backend_flag_ac(const struct world *world)
{
	return vmcb_of(world)->save.rflags & RFLAGS_AC;
}
