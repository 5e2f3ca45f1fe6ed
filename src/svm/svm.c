// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SVM backend: <regent/backend.h> on the VMCB.
 * AMD APM volume 2, "Secure Virtual Machine".
 */
#include <hw/asm.h>
#include <hw/cr.h>
#include <hw/vmcb.h>
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>

#include "svm.h"

#define DEBUGCTL_BTF	(1ull << 1)

static struct vmcb *vmcb_of(const struct world *world)
{
	return world->backend;
}

/* Access rights as VMX and LAR have them, to the twelve bits of the VMCB. */
static void put_segment(struct vmcb_seg *to, const struct regent_segment *from)
{
	to->selector = from->selector;
	to->attrib = from->unusable ? 0 : (from->access & 0xff) |
					  ((from->access >> 4) & 0xf00);
	to->limit = from->limit;
	to->base = from->base;
}

/* The rest of Linux's state comes with VMSAVE. */
static void put_state(struct vmcb *v, const struct regent_state *s)
{
	struct vmcb_save *save = &v->save;

	put_segment(&save->es, &s->seg[REGENT_ES]);
	put_segment(&save->cs, &s->seg[REGENT_CS]);
	put_segment(&save->ss, &s->seg[REGENT_SS]);
	put_segment(&save->ds, &s->seg[REGENT_DS]);
	save->gdtr.base = s->gdtr_base;
	save->gdtr.limit = s->gdtr_limit;
	save->idtr.base = s->idtr_base;
	save->idtr.limit = s->idtr_limit;
	save->cpl = 0;
	save->efer = s->efer | HW_EFER_SVME;
	save->cr0 = s->cr0;
	save->cr2 = s->cr2;
	save->cr3 = s->cr3;
	save->cr4 = s->cr4;
	save->dr6 = s->dr6;
	save->dr7 = s->dr7;
	save->rflags = s->rflags;
	save->g_pat = s->pat;
	save->s_cet = s->s_cet;
	save->isst = s->isst;
	save->ssp = 0;
}

/*
 * Where VMRUN switches SPEC_CTRL, a world runs with its own value OR-ed with
 * K's, so K's must have no bit of its own. Elsewhere Linux's value just stays.
 */
static void take_spec_ctrl(struct vmcb *v)
{
	if (!k_has(REGENT_FEAT_V_SPEC_CTRL))
		return;
	v->save.spec_ctrl = hw_rdmsr(MSR_REG_SPEC_CTRL);
	hw_wrmsr(MSR_REG_SPEC_CTRL, 0);
}

static void load_tables(const struct regent_handoff *h)
{
	struct hw_table gdt = { sizeof(h->gdt) - 1, (u64)h->gdt };
	struct hw_table idt = { 4095, (u64)k_idt };

	hw_lgdt(&gdt);
	hw_lidt(&idt);
}

/**
 * backend_cpu_init() - make Linux on this CPU a world, not yet running
 * @cpu: this CPU; what L prepared and read is in its handoff
 * @from: from k_entry: Linux's stack pointer at the resume label
 *
 * Afterwards this CPU has K's GDT, IDT, TR and GS.
 */
void backend_cpu_init(struct cpu *cpu, u64 from)
{
	struct regent_handoff *h = cpu->handoff;
	struct world *w = &cpu->system;
	struct vmcb *v = (void *)percpu_va(h->cpu, REGENT_PERCPU_BACKEND);

	w->backend = v;
	w->backend_host = h->backend_pa[SVM_PA_HOST_VMCB];
	w->regs.link = h->backend_pa[SVM_PA_VMCB];
	w->regs.rax = 0;
	w->backend_flags = k_has(REGENT_FEAT_CLEAN_BITS) ? SVM_CLEAN_ALL : 0;
	put_state(v, &h->state);
	v->save.rip = h->resume;
	v->save.rsp = from;
	v->ctl.event_inj = 0;
	v->ctl.int_state = 0;
	v->ctl.clean = 0;
	/* This ASID may have been used on this CPU by whoever had SVM before. */
	v->ctl.tlb_control = SVM_TLB_FLUSH_ALL;
	asid_init(&cpu->asids, SVM_ASID_WORLDS, k_params.backend[SVM_PARAM_ASIDS]);
	take_spec_ctrl(v);
	svm_vmsave(h->backend_pa[SVM_PA_VMCB]);
	load_tables(h);
	svm_vmload(h->backend_pa[SVM_PA_HOST_VMCB]);
}

/**
 * backend_resume() - enter a world
 * @world: of this CPU
 */
void backend_resume(struct world *world)
{
	/*
	 * GIF holds everything off. IF is what masks physical interrupts while a
	 * world with V_INTR_MASKING runs, and they are to end its run. Here K comes
	 * by at its first entry, and after a fault.
	 */
	asm volatile("sti");
	svm_resume(world);
	__builtin_unreachable();
}

/**
 * backend_enter() - the same, as the last thing that an exit does
 * @world: of this CPU
 *
 * Return: not at all. It is said here to do so, that a call of it can be a jump.
 */
struct world *backend_enter(struct world *world)
{
	return svm_resume(world);
}

/**
 * backend_leave() - hand this CPU back
 * @cpu: this CPU
 * @result: what Linux finds in RAX
 *
 * Linux goes on in its trampoline, on the stack it had when it asked.
 */
void backend_leave(struct cpu *cpu, u64 result)
{
	const struct regent_handoff *h = cpu->handoff;
	const struct vmcb_save *s = &vmcb_of(&cpu->system)->save;
	struct svm_leave_frame f = {
		.gdtr = { s->gdtr.limit, s->gdtr.base },
		.idtr = { s->idtr.limit, s->idtr.base },
		.cr3 = s->cr3,
		.cr4 = s->cr4,
		.rsp = s->rsp,
		.result = result,
		.out = k_params.leave,
	};

	cpu->busy = 0;
	__atomic_store_n(&cpu->entered, 0, __ATOMIC_RELEASE);
	if (hw_read_cr0() != s->cr0)
		hw_write_cr0(s->cr0);
	hw_write_cr2(s->cr2);
	hw_write_dr6(s->dr6);
	hw_write_dr7(s->dr7);
	if (s->g_pat != h->state.pat)
		hw_wrmsr(MSR_REG_PAT, s->g_pat);
	if (k_has(REGENT_FEAT_V_SPEC_CTRL))
		hw_wrmsr(MSR_REG_SPEC_CTRL, s->spec_ctrl);
	if (k_has(REGENT_FEAT_CET)) {
		hw_wrmsr(MSR_REG_S_CET, s->s_cet);
		hw_wrmsr(MSR_REG_ISST, s->isst);
	}
	/* SVME stays until Linux has set GIF again. */
	if (s->efer != (h->state.efer | HW_EFER_SVME))
		hw_wrmsr(MSR_REG_EFER, s->efer);
	svm_leave(h->backend_pa[SVM_PA_VMCB], &f);
}

/**
 * backend_exit_reason() - why the world exited, in K's words
 * @world: of this CPU
 */
enum regent_exit_reason backend_exit_reason(const struct world *world)
{
	const struct vmcb *v = vmcb_of(world);

	switch (v->ctl.exit_code) {
	case SVM_EXIT_VMMCALL:
		return backend_is_hypercall(world) ? REGENT_EXIT_HYPERCALL
						   : REGENT_EXIT_OUTER_CALL;
	case SVM_EXIT_MSR:
		return REGENT_EXIT_MSR;
	case SVM_EXIT_NPF:
		return REGENT_EXIT_NESTED_FAULT;
	case SVM_EXIT_INTR:
		return REGENT_EXIT_INTERRUPT;
	case SVM_EXIT_VINTR:
		return REGENT_EXIT_WINDOW;
	case SVM_EXIT_HLT:
		return REGENT_EXIT_HALT;
	case SVM_EXIT_MWAIT:
		return REGENT_EXIT_MWAIT;
	case SVM_EXIT_PAUSE:
		return REGENT_EXIT_PAUSE;
	case SVM_EXIT_VMRUN:
	case SVM_EXIT_VMLOAD:
	case SVM_EXIT_VMSAVE:
	case SVM_EXIT_STGI:
	case SVM_EXIT_CLGI:
	case SVM_EXIT_SKINIT:
	case SVM_EXIT_INVLPGA:
		return REGENT_EXIT_VIRT_INSN;
	}
	return REGENT_EXIT_OTHER;
}

/**
 * backend_is_hypercall() - is this exit a call of Regent's own?
 * @world: of this CPU
 */
bool backend_is_hypercall(const struct world *world)
{
	const struct vmcb *v = vmcb_of(world);

	return v->ctl.exit_code == SVM_EXIT_VMMCALL &&
	       world->regs.r11 == REGENT_HC_MAGIC && v->save.cpl == 0;
}

/**
 * backend_is_shutdown() - did the world end in a triple fault?
 * @world: of this CPU
 *
 * Not intercepted, so that the hardware does without K what it should; but
 * QEMU (7.2) exits all the same.
 */
bool backend_is_shutdown(const struct world *world)
{
	return vmcb_of(world)->ctl.exit_code == SVM_EXIT_SHUTDOWN;
}

/**
 * backend_entry_failed() - the CPU refused the world's state
 * @world: of this CPU
 */
bool backend_entry_failed(const struct world *world)
{
	/* Emulators write 32 bits of it. */
	return (u32)vmcb_of(world)->ctl.exit_code == (u32)SVM_EXIT_INVALID;
}

/**
 * backend_settle() - forget what the last entry used up
 * @world: of this CPU; called once after each exit
 *
 * From here on, whoever changes a field that the processor may keep clears
 * the clean bits.
 */
void backend_settle(struct world *world)
{
	struct vmcb *v = vmcb_of(world);

	v->ctl.event_inj = 0;
	v->ctl.tlb_control = SVM_TLB_NOTHING;
	v->ctl.clean = world->backend_flags;
}

/**
 * backend_answer() - answer an exit that needs nothing of the rest of K's
 * @cpu: this CPU
 * @world: of this CPU
 *
 * Return: true when that is done.
 */
bool backend_answer(struct cpu *cpu, struct world *world)
{
	(void)cpu;
	(void)world;
	return false;
}

/**
 * backend_control() - the world did something to its control registers
 * @world: of this CPU
 */
void backend_control(struct world *world)
{
	(void)world;		/* not intercepted */
}

/**
 * backend_nested() - what nested tables look like
 */
const struct nested_kind *backend_nested(void)
{
	return &nested_npt;
}

/**
 * backend_exit_describe() - write an exit that K does not know to the log
 * @world: of this CPU
 */
void backend_exit_describe(const struct world *world)
{
	const struct vmcb *v = vmcb_of(world);

	log_hex("SVM exit ", v->ctl.exit_code);
	log_hex(" info1 ", v->ctl.exit_info1);
	log_hex(" info2 ", v->ctl.exit_info2);
	log_hex(" while delivering ", v->ctl.exit_int_info);
	log_hex(" rip ", v->save.rip);
	log_hex(" rsp ", v->save.rsp);
	log_hex(" rflags ", v->save.rflags);
	log_hex(" cr0 ", v->save.cr0);
	log_hex(" cr2 ", v->save.cr2);
	log_hex(" cr3 ", v->save.cr3);
	log_text("\n");
}

/**
 * backend_nested_fault() - decode a nested page fault
 * @world: of this CPU
 * @f: filled in
 */
void backend_nested_fault(const struct world *world, struct nested_fault *f)
{
	const struct vmcb *v = vmcb_of(world);

	f->pa = v->ctl.exit_info2;
	f->present = v->ctl.exit_info1 & HW_PF_PRESENT;
	f->write = v->ctl.exit_info1 & HW_PF_WRITE;
	f->fetch = v->ctl.exit_info1 & HW_PF_FETCH;
}

/**
 * backend_touched() - is this exit an access to one page?
 * @world: of this CPU
 * @page: physical address
 * @offset: filled in: where in the page
 */
bool backend_touched(const struct world *world, u64 page, u32 *offset)
{
	const struct vmcb_control *c = &vmcb_of(world)->ctl;
	u64 at = c->exit_info2 - page;

	*offset = at;
	return c->exit_code == SVM_EXIT_NPF && at < REGENT_PAGE_SIZE;
}

/**
 * backend_msr_access() - decode an intercepted MSR access
 * @world: of this CPU
 * @a: filled in
 */
void backend_msr_access(const struct world *world, struct msr_access *a)
{
	a->index = world->regs.rcx;
	a->write = vmcb_of(world)->ctl.exit_info1 & 1;
	a->value = (u32)world->regs.rax | world->regs.rdx << 32;
}

/* EFER.SVME is Regent's; whether the rest is allowed, the CPU says. */
static int write_efer(struct vmcb *v, u64 value)
{
	u64 ours = hw_rdmsr(MSR_REG_EFER);
	u64 kept;
	bool ok;

	if ((value ^ v->save.efer) & HW_EFER_LME)
		return -1;	/* paging is on */
	ok = guarded_wrmsr(MSR_REG_EFER, value | HW_EFER_SVME | HW_EFER_NXE);
	kept = hw_rdmsr(MSR_REG_EFER);
	hw_wrmsr(MSR_REG_EFER, ours);
	if (!ok)
		return -1;
	/* A bit that the CPU has ignored would make VMRUN fail. LMA is read-only. */
	v->save.efer = (kept & ~HW_EFER_NXE) | (value & HW_EFER_NXE);
	v->ctl.clean = 0;
	return 1;
}

/* Regent's own registers: Linux reads what it left, what it writes is absorbed. */
static int own_msr(struct msr_access *a)
{
	const struct regent_handoff *h = this_cpu()->handoff;

	switch (a->index) {
	case MSR_REG_VM_HSAVE_PA:
		a->value = h->hsave_found;
		return 1;
	case MSR_REG_VM_CR:
		/* As firmware would switch SVM off: kvm_amd then refuses to load. */
		a->value = h->vm_cr_found | HW_VM_CR_SVMDIS | HW_VM_CR_LOCK;
		return 1;
	}
	return 0;
}

/**
 * backend_switched_msr() - an access to an MSR that the switch holds, or Regent
 * @world: of this CPU
 * @a: the access; a read puts the value there
 *
 * Return: 1 done, 0 not such an MSR, -1 the world gets #GP.
 */
int backend_switched_msr(struct world *world, struct msr_access *a)
{
	struct vmcb *v = vmcb_of(world);

	if (a->index != MSR_REG_EFER)
		return own_msr(a);
	if (a->write)
		return write_efer(v, a->value);
	a->value = v->save.efer & ~HW_EFER_SVME;
	return 1;
}

/**
 * backend_rip() - where the world is
 * @world: of this CPU
 */
u64 backend_rip(const struct world *world)
{
	return vmcb_of(world)->save.rip;
}

/**
 * backend_cpl() - its privilege level
 * @world: of this CPU
 */
int backend_cpl(const struct world *world)
{
	return vmcb_of(world)->save.cpl;
}

/**
 * backend_code_address() - linear address of the current instruction
 * @world: of this CPU, in long mode
 */
u64 backend_code_address(const struct world *world)
{
	const struct vmcb_save *s = &vmcb_of(world)->save;

	/* Compatibility mode has a segment base and 32-bit addresses. */
	return s->cs.attrib & 0x200 ? s->rip : (u32)(s->cs.base + s->rip);
}

/**
 * backend_paging() - the world's own page tables
 * @world: of this CPU, in long mode
 * @pt: format, root and levels are filled in
 */
void backend_paging(const struct world *world, struct ptab *pt)
{
	const struct vmcb_save *s = &vmcb_of(world)->save;

	pt->fmt = &ptab_x86;
	pt->root = s->cr3 & ptab_x86.addr;
	pt->levels = s->cr4 & HW_CR4_LA57 ? 5 : 4;
	pt->max_leaf = 3;
}

/* Single-stepped: the trap comes after the instruction, as without Regent. */
static void __attribute__((noinline)) advance_flags(struct world *world)
{
	struct vmcb *v = vmcb_of(world);

	v->save.rflags &= ~HW_RFLAGS_RF;
	if (!(v->save.rflags & HW_RFLAGS_TF))
		return;
	if (hw_rdmsr(MSR_REG_DEBUGCTL) & DEBUGCTL_BTF)
		return;		/* from branch to branch, and this is none */
	v->save.dr6 |= HW_DR6_BS;
	v->ctl.clean = 0;
	backend_inject(world, HW_TRAP_DB, BACKEND_NO_ERROR_CODE);
}

/* An instruction also ends an interrupt shadow and clears RF. */
void svm_advance(struct world *world, u64 next)
{
	struct vmcb *v = vmcb_of(world);

	v->save.rip = next;
	v->ctl.int_state &= ~SVM_INT_SHADOW;
	if (unlikely(v->save.rflags & (HW_RFLAGS_RF | HW_RFLAGS_TF)))
		advance_flags(world);
}

/**
 * backend_skip_hypercall() - go on behind a hypercall of Regent's own
 * @world: of this CPU; L writes VMMCALL without prefixes
 */
void backend_skip_hypercall(struct world *world)
{
	svm_advance(world, vmcb_of(world)->save.rip + 3);
}

/**
 * backend_skip() - go on behind the intercepted instruction
 * @world: of this CPU
 *
 * Return: false when the instruction cannot be found; it is executed again.
 */
bool backend_skip(struct world *world)
{
	const struct vmcb *v = vmcb_of(world);
	u64 next = 0;

	if (k_has(REGENT_FEAT_NRIPS))
		next = v->ctl.next_rip;
	if (!next) {
		int length = insn_length_of(world);

		if (!length)
			return false;
		next = v->save.rip + length;
	}
	svm_advance(world, next);
	return true;
}

/**
 * backend_inject() - the world gets an exception at the next entry
 * @world: of this CPU
 * @vector: exception
 * @error: its error code, or BACKEND_NO_ERROR_CODE
 *
 * An exception while another event is being delivered is a double fault.
 */
void backend_inject(struct world *world, u8 vector, u32 error)
{
	struct vmcb *v = vmcb_of(world);
	u64 event;

	if (v->ctl.exit_int_info & SVM_EVENT_VALID) {
		vector = HW_TRAP_DF;
		error = 0;
	}
	event = SVM_EVENT_VALID | vector |
		(u64)SVM_EVENT_EXCEPTION << SVM_EVENT_TYPE_SHIFT;
	if (error != BACKEND_NO_ERROR_CODE)
		event |= SVM_EVENT_ERROR | (u64)error << 32;
	v->ctl.event_inj = event;
}

/**
 * backend_retry_event() - deliver again what an exit interrupted
 * @world: of this CPU, about to execute its instruction again
 *
 * INTn, INT3 and INTO are part of that instruction.
 */
void backend_retry_event(struct world *world)
{
	struct vmcb *v = vmcb_of(world);
	u64 event = v->ctl.exit_int_info;
	int type = (event >> SVM_EVENT_TYPE_SHIFT) & SVM_EVENT_TYPE_MASK;
	u8 vector = event;

	if (!(event & SVM_EVENT_VALID) || type == SVM_EVENT_SOFT)
		return;
	svm_forget_interrupt(v, event);
	if (type == SVM_EVENT_EXCEPTION && (vector == 3 || vector == 4))
		return;
	v->ctl.event_inj = event;
}

/**
 * backend_flush() - drop all cached translations of the world at its entry
 * @world: of this CPU
 */
void backend_flush(struct world *world)
{
	this_cpu()->costs[REGENT_COST_FLUSH]++;
	vmcb_of(world)->ctl.tlb_control = k_has(REGENT_FEAT_FLUSH_ASID) ?
					  SVM_TLB_FLUSH_ASID : SVM_TLB_FLUSH_ALL;
}

/**
 * backend_outer_call() - repeat a hypercall to the hypervisor below
 * @world: of this CPU; the answer is put into its registers
 *
 * Return: false when nobody is there.
 */
bool backend_outer_call(struct world *world)
{
	return svm_guarded_vmmcall(&world->regs);
}
