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
#include <regent/insn.h>
#include <regent/k.h>

#include "block.h"
#include "event.h"
#include "svm.h"

#define DEBUGCTL_BTF	(1ull << 1)
#define NPF_TABLES	(1ull << 33)	/* APM: "Nested Page Faults" */

/* Convert access rights from the format of VMX and LAR to the twelve bits of the VMCB. */
void svm_put_segment(struct vmcb_seg *to, const struct regent_segment *from)
{
	to->selector = from->selector;
	to->attrib = from->unusable ? 0 : (from->access & 0xff) |
					  ((from->access >> 4) & 0xf00);
	to->limit = from->limit;
	to->base = from->base;
}

/* Leave out FS, GS, LDTR, TR and the MSRs of SYSCALL and SYSENTER: VMLOAD and VMSAVE move them. */
void svm_put_state(struct vmcb *v, const struct regent_state *s)
{
	struct vmcb_save *save = &v->save;

	svm_put_segment(&save->es, &s->seg[REGENT_ES]);
	svm_put_segment(&save->cs, &s->seg[REGENT_CS]);
	svm_put_segment(&save->ss, &s->seg[REGENT_SS]);
	svm_put_segment(&save->ds, &s->seg[REGENT_DS]);
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
 * Where VMRUN switches SPEC_CTRL, a world runs with its own value ORed with K's, so K's value
 * must be 0. On other CPUs Linux's value stays in the MSR while K runs.
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
 * backend_cpu_init() - make Linux on this CPU a world that is not running yet
 * @cpu: this CPU; its handoff has all that L has prepared and read
 * @from: Linux's RSP at the resume label, from k_entry
 *
 * Afterwards this CPU has K's GDT, IDT, TR and GS.
 */
void backend_cpu_init(struct cpu *cpu, u64 from)
{
	struct regent_handoff *h = cpu->handoff;
	struct world *w = &cpu->host;
	struct vmcb *v = (void *)percpu_va(h->cpu, REGENT_PERCPU_BACKEND);

	w->backend = v;
	w->backend_host = h->backend_pa[SVM_PA_HOST_VMCB];
	w->regs.link = h->backend_pa[SVM_PA_VMCB];
	w->regs.rax = 0;
	w->backend_flags = k_has(REGENT_FEAT_CLEAN_BITS) ? SVM_CLEAN_ALL : 0;
	svm_put_state(v, &h->state);
	v->save.rip = h->resume;
	v->save.rsp = from;
	v->ctl.int_state = 0;
	svm_set_event(w, 0);
	svm_touch(w, SVM_CLEAN_ALL);
	/* A hypervisor before Regent may have left translations for this ASID on this CPU. */
	svm_set_flush(w, SVM_TLB_FLUSH_ALL);
	asid_init(&cpu->asids, SVM_ASID_WORLDS, k_params.backend[SVM_PARAM_ASIDS]);
	take_spec_ctrl(v);
	svm_vmsave(h->backend_pa[SVM_PA_VMCB]);
	load_tables(h);
	svm_vmload(h->backend_pa[SVM_PA_HOST_VMCB]);
}

/**
 * backend_resume() - enter a world outside an exit: at the takeover, and after a fault of K's
 * @world: the current world of this CPU
 */
void backend_resume(struct world *world)
{
	/*
	 * K's IF masks physical interrupts while a world with V_INTR_MASKING runs, and they must
	 * exit: set it. In K itself a clear GIF holds all interrupts off.
	 */
	asm volatile("sti");
	svm_resume(world);
	__builtin_unreachable();
}

/**
 * backend_enter() - enter a world at the end of an exit
 * @world: the current world of this CPU
 *
 * Return: never. The type says otherwise so that the compiler makes the call a jump.
 */
struct world *backend_enter(struct world *world)
{
	return svm_resume(world);
}

/**
 * backend_enter_vcpu() - the same of a vCPU, whose registers are cleared at its exit
 * @world: the current world of this CPU, a vCPU
 *
 * Return: as backend_enter(). The exit goes to world_exit_vcpu().
 */
struct world *backend_enter_vcpu(struct world *world)
{
	return svm_resume_vcpu(world);
}

/**
 * backend_leave() - hand this CPU back to Linux
 * @cpu: this CPU
 * @result: the value that Linux finds in RAX
 *
 * Linux continues in its trampoline, on the stack that it had at its last exit. Does not return.
 */
void backend_leave(struct cpu *cpu, u64 result)
{
	const struct regent_handoff *h = cpu->handoff;
	const struct vmcb_save *s = &vmcb_of(&cpu->host)->save;
	struct svm_leave_frame f = {
		.gdtr = { s->gdtr.limit, s->gdtr.base },
		.idtr = { s->idtr.limit, s->idtr.base },
		.cr3 = s->cr3,
		.cr4 = s->cr4,
		.rsp = s->rsp,
		.result = result,
		.out = k_params.leave,
	};

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
	/* SVME stays set, because Linux has yet to execute STGI. */
	if (s->efer != (h->state.efer | HW_EFER_SVME))
		hw_wrmsr(MSR_REG_EFER, s->efer);
	svm_leave(h->backend_pa[SVM_PA_VMCB], &f);
}

/**
 * backend_exit_is_call() - is this exit a hypercall, to Regent or to L0?
 * @world: the world of this CPU that exited
 *
 * Return: true when the exit is a VMMCALL.
 */
bool backend_exit_is_call(const struct world *world)
{
	return vmcb_of(world)->ctl.exit_code == SVM_EXIT_VMMCALL;
}

/**
 * backend_exit_is_cpuid() - is this exit a CPUID?
 * @world: of this CPU
 */
bool backend_exit_is_cpuid(const struct world *world)
{
	return vmcb_of(world)->ctl.exit_code == SVM_EXIT_CPUID;
}

/**
 * backend_exit_is_msr() - is this exit an access to an MSR?
 * @world: of this CPU
 */
bool backend_exit_is_msr(const struct world *world)
{
	return vmcb_of(world)->ctl.exit_code == SVM_EXIT_MSR;
}

/*
 * In another world than Linux any call is for K. Linux calls K with the magic and from CPL 0; its
 * other calls are for L0.
 */
static enum regent_exit_reason call_reason(const struct world *world)
{
	return world->kind != WORLD_HOST ||
	       (world->regs.r11 == REGENT_HC_MAGIC && vmcb_of(world)->save.cpl == 0) ?
	       REGENT_EXIT_HYPERCALL : REGENT_EXIT_L0_CALL;
}

/**
 * backend_exit_reason() - decode why the world exited
 * @world: the world of this CPU that exited
 *
 * An interrupt, NMI, SMI or INIT that made the exit stays pending. A shutdown is not
 * intercepted in the host world, because the hardware then resets the machine without K; but
 * QEMU exits all the same.
 *
 * Return: the reason; REGENT_EXIT_OTHER for an exit that K did not ask for.
 */
enum regent_exit_reason backend_exit_reason(const struct world *world)
{
	u64 code = vmcb_of(world)->ctl.exit_code;

	/* Emulators write only the lower 32 bits of this code. */
	if ((u32)code == (u32)SVM_EXIT_INVALID)
		return REGENT_EXIT_ENTRY_FAILED;
	switch (code) {
	case SVM_EXIT_VMMCALL:
		return call_reason(world);
	case SVM_EXIT_MSR:
		return REGENT_EXIT_MSR;
	case SVM_EXIT_NPF:
		return REGENT_EXIT_NPF;
	case SVM_EXIT_INTR:
	case SVM_EXIT_SMI:
	case SVM_EXIT_INIT:
		return REGENT_EXIT_INTERRUPT;
	case SVM_EXIT_NMI:
		return REGENT_EXIT_NMI;
	case SVM_EXIT_VINTR:
		return REGENT_EXIT_IRQ_WINDOW;
	case SVM_EXIT_HLT:
		return REGENT_EXIT_HLT;
	case SVM_EXIT_MONITOR:
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
	case SVM_EXIT_DR_FIRST ... SVM_EXIT_DR_LAST:
		return REGENT_EXIT_DEBUG_REG;
	case SVM_EXIT_IO:
		return REGENT_EXIT_IO;
	case SVM_EXIT_CPUID:
		return REGENT_EXIT_CPUID;
	case SVM_EXIT_RDPRU:
		return REGENT_EXIT_VIRT_INSN;
	case SVM_EXIT_IRET:
	case SVM_EXIT_CR4_READ:
	case SVM_EXIT_CR4_WRITE:
	case SVM_EXIT_CR8_WRITE:
	case SVM_EXIT_RDPMC:
	case SVM_EXIT_INVD:
	case SVM_EXIT_WBINVD:
	case SVM_EXIT_XSETBV:
		return REGENT_EXIT_CONTROL;
	case SVM_EXIT_EXCEPTION + HW_TRAP_DB:
	case SVM_EXIT_EXCEPTION + HW_TRAP_AC:
		return REGENT_EXIT_EXCEPTION;
	case SVM_EXIT_EXCEPTION + HW_TRAP_MC:
		return REGENT_EXIT_MC;
	case SVM_EXIT_SHUTDOWN:
		return REGENT_EXIT_SHUTDOWN;
	}
	return REGENT_EXIT_OTHER;
}

/*
 * Only these functions write the VMCB's fields that hold for one entry: the clean bits, the
 * event and the flush. They set backend_dirty, and backend_exit_begin() resets the fields after
 * that entry.
 */

/* The processor must not use its cached copy of the fields of @changed: SVM_CLEAN_*. */
void svm_touch(struct world *world, u32 changed)
{
	vmcb_of(world)->ctl.clean &= ~changed;
	world->backend_dirty = true;
}

/* @event: what the next entry injects: SVM_EVENT_*, type and vector; 0 for nothing */
void svm_set_event(struct world *world, u64 event)
{
	vmcb_of(world)->ctl.event_inj = event;
	world->backend_dirty = true;
}

/* @what: what the next entry flushes: SVM_TLB_* */
void svm_set_flush(struct world *world, u32 what)
{
	struct vmcb_control *c = &vmcb_of(world)->ctl;

	/* What another one has asked for must not become less. */
	if (c->tlb_control != SVM_TLB_FLUSH_ALL)
		c->tlb_control = what;
	world->backend_dirty = true;
}

static void __attribute__((noinline)) reset_entry_fields(struct world *world)
{
	struct vmcb_control *c = &vmcb_of(world)->ctl;

	c->event_inj = 0;
	c->tlb_control = SVM_TLB_NOTHING;
	c->clean = world->backend_flags;
	world->backend_dirty = false;
}

/**
 * backend_exit_begin() - reset the VMCB's fields that held for the last entry only
 * @world: the world of this CPU that exited
 *
 * Call it once after each exit.
 */
void backend_exit_begin(struct world *world)
{
	if (unlikely(world->backend_dirty))
		reset_entry_fields(world);
}

/**
 * backend_exit_fastpath() - handle exits that need only the backend: SVM has none
 * @cpu: this CPU
 * @world: its host world
 *
 * Return: true when the exit is handled, which is never.
 */
bool backend_exit_fastpath(struct cpu *cpu, struct world *world)
{
	(void)cpu;
	(void)world;
	return false;
}

/**
 * backend_control() - emulate an access to a control register: none is intercepted on SVM
 * @world: the world of this CPU that exited
 *
 * Return: false when the world gets #GP, which is never.
 */
bool backend_control(struct world *world)
{
	(void)world;
	return true;
}

const struct npt_kind *const backend_npt = &npt_kind_svm;

/**
 * backend_exit_describe() - log an exit that K cannot handle
 * @world: the world of this CPU that exited
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
 * backend_npf_gpa() - read the address of a nested page fault
 * @world: the world of this CPU that exited
 *
 * Return: the guest-physical address; NPF_NONE when the exit is no nested page fault.
 */
u64 backend_npf_gpa(const struct world *world)
{
	const struct vmcb_control *c = &vmcb_of(world)->ctl;

	return c->exit_code == SVM_EXIT_NPF ? c->exit_info2 : NPF_NONE;
}

/**
 * backend_npf() - decode a nested page fault
 * @world: the world of this CPU that exited by it
 * @f: filled in
 */
void backend_npf(const struct world *world, struct npf *f)
{
	const struct vmcb *v = vmcb_of(world);

	f->gpa = v->ctl.exit_info2;
	f->present = v->ctl.exit_info1 & HW_PF_PRESENT;
	f->write = v->ctl.exit_info1 & HW_PF_WRITE;
	f->fetch = v->ctl.exit_info1 & HW_PF_FETCH;
	f->tables = v->ctl.exit_info1 & NPF_TABLES;
}

/**
 * backend_msr_access() - decode an intercepted MSR access
 * @world: the world of this CPU that exited by it
 * @a: filled in; the value counts for a write only
 */
void backend_msr_access(const struct world *world, struct msr_access *a)
{
	a->index = world->regs.rcx;
	a->write = vmcb_of(world)->ctl.exit_info1 & 1;
	a->value = (u32)world->regs.rax | world->regs.rdx << 32;
}

/* Ignore EFER.SVME, which is Regent's. Try the value on the CPU, which knows what is allowed. */
static int write_efer(struct world *world, u64 value)
{
	struct vmcb *v = vmcb_of(world);
	u64 ours = hw_rdmsr(MSR_REG_EFER);
	u64 kept;
	bool ok;

	if (value == (v->save.efer & ~HW_EFER_SVME))
		return 1;
	if ((value ^ v->save.efer) & HW_EFER_LME)
		return -1;	/* paging is on */
	ok = guarded_wrmsr(MSR_REG_EFER, value | HW_EFER_SVME | HW_EFER_NXE);
	kept = hw_rdmsr(MSR_REG_EFER);
	hw_wrmsr(MSR_REG_EFER, ours);
	if (!ok)
		return -1;
	/*
	 * Take the value as the CPU has kept it, because a bit that the CPU ignores would make
	 * VMRUN fail. LMA is read-only.
	 */
	v->save.efer = (kept & ~HW_EFER_NXE) | (value & HW_EFER_NXE);
	svm_touch(world, SVM_CLEAN_ALL);
	return 1;
}

/* MSRs that Regent uses: Linux reads the value from before the takeover; writes are absorbed. */
static int regent_msr(struct msr_access *a)
{
	const struct regent_handoff *h = this_cpu()->handoff;

	switch (a->index) {
	case MSR_REG_VM_HSAVE_PA:
		a->value = h->hsave_found;
		return 1;
	case MSR_REG_VM_CR:
		/* Show SVM as switched off by the firmware, so that kvm_amd refuses to load. */
		a->value = h->vm_cr_found | HW_VM_CR_SVMDIS | HW_VM_CR_LOCK;
		return 1;
	}
	return 0;
}

/**
 * backend_switched_msr() - emulate an access to an MSR that VMRUN switches or Regent uses
 * @world: this CPU's host world
 * @a: the access; a read stores the value here
 *
 * Return: 1: done; 0: no such MSR; -1: the world gets #GP.
 */
int backend_switched_msr(struct world *world, struct msr_access *a)
{
	struct vmcb *v = vmcb_of(world);

	if (a->index != MSR_REG_EFER)
		return regent_msr(a);
	if (a->write)
		return write_efer(world, a->value);
	a->value = v->save.efer & ~HW_EFER_SVME;
	return 1;
}

/**
 * backend_rip() - read the world's RIP
 * @world: a world of this CPU
 *
 * Return: RIP.
 */
u64 backend_rip(const struct world *world)
{
	return vmcb_of(world)->save.rip;
}

/**
 * backend_cpl() - read the world's privilege level
 * @world: a world of this CPU
 *
 * Return: 0 to 3.
 */
int backend_cpl(const struct world *world)
{
	return vmcb_of(world)->save.cpl;
}

/**
 * backend_code_address() - find the linear address of the current instruction
 * @world: a world of this CPU, in long mode
 *
 * Return: the linear address.
 */
u64 backend_code_address(const struct world *world)
{
	const struct vmcb_save *s = &vmcb_of(world)->save;

	/* In compatibility mode CS has a base, and linear addresses have 32 bits. */
	return s->efer & HW_EFER_LMA && s->cs.attrib & 0x200 ? s->rip :
								  (u32)(s->cs.base + s->rip);
}

/**
 * backend_paging() - describe the world's own page tables
 * @world: a world of this CPU, in long mode
 * @pt: format, root, levels and largest leaf are filled in
 */
void backend_paging(const struct world *world, struct ptab *pt)
{
	const struct vmcb_save *s = &vmcb_of(world)->save;

	pt->fmt = &ptab_x86;
	pt->root = s->cr3 & ptab_x86.addr;
	pt->levels = s->cr4 & HW_CR4_LA57 ? 5 : 4;
	pt->max_leaf = 3;
}

/* Clear RF. If the world single-steps, raise #DB after the instruction, as without Regent. */
static void __attribute__((noinline)) advance_flags(struct world *world)
{
	struct vmcb *v = vmcb_of(world);

	v->save.rflags &= ~HW_RFLAGS_RF;
	if (!(v->save.rflags & HW_RFLAGS_TF))
		return;
	if (hw_rdmsr(MSR_REG_DEBUGCTL) & DEBUGCTL_BTF)
		return;		/* it steps from branch to branch, and this is no branch */
	v->save.dr6 |= HW_DR6_BS;
	svm_touch(world, SVM_CLEAN_ALL);
	backend_inject(world, HW_TRAP_DB, BACKEND_NO_ERROR_CODE);
}

/* Move RIP to @next. The end of an instruction also ends an interrupt shadow and clears RF. */
void svm_advance(struct world *world, u64 next)
{
	struct vmcb *v = vmcb_of(world);

	v->save.rip = next;
	v->ctl.int_state &= ~SVM_INT_SHADOW;
	if (unlikely(v->save.rflags & (HW_RFLAGS_RF | HW_RFLAGS_TF)))
		advance_flags(world);
}

/**
 * backend_advance() - move RIP behind the instruction that K has executed for the world
 * @world: a world of this CPU
 * @length: the instruction's length in bytes
 */
void backend_advance(struct world *world, int length)
{
	svm_advance(world, vmcb_of(world)->save.rip + length);
}

/**
 * backend_insn_length() - find the length of the instruction that made the exit
 * @world: the world of this CPU that exited
 *
 * Return: bytes; 0 when the CPU has no nRIP save, or RIP has moved since the exit.
 */
int backend_insn_length(const struct world *world)
{
	const struct vmcb *v = vmcb_of(world);
	u64 length;

	if (!k_has(REGENT_FEAT_NRIPS) || !v->ctl.next_rip)
		return 0;
	length = v->ctl.next_rip - v->save.rip;
	return length <= INSN_MAX ? length : 0;
}

/**
 * backend_inject() - inject an exception at the next entry
 * @world: a world of this CPU
 * @vector: the exception's vector
 * @error: its error code, or BACKEND_NO_ERROR_CODE
 *
 * If the exit interrupted the delivery of another exception, it may become a double fault. A
 * triple fault is left to the processor: the double fault's delivery fails there once more.
 */
void backend_inject(struct world *world, u8 vector, u32 error)
{
	struct vmcb *v = vmcb_of(world);
	int merged = event_merge(svm_delivering(v->ctl.exit_int_info), vector);
	u64 event;

	if (merged != vector) {
		vector = HW_TRAP_DF;
		error = 0;
	}
	event = SVM_EVENT_VALID | vector |
		(u64)SVM_EVENT_EXCEPTION << SVM_EVENT_TYPE_SHIFT;
	/* The processor would push it in real mode as well, where there is none. */
	if (error != BACKEND_NO_ERROR_CODE && v->save.cr0 & HW_CR0_PE)
		event |= SVM_EVENT_ERROR | (u64)error << 32;
	svm_set_event(world, event);
}

/**
 * backend_page_fault() - the world gets a page fault at the next entry
 * @world: of this CPU
 * @address: linear address that faulted
 * @error: the error code
 */
void backend_page_fault(struct world *world, u64 address, u32 error)
{
	vmcb_of(world)->save.cr2 = address;
	svm_touch(world, SVM_CLEAN_ALL);
	backend_inject(world, HW_TRAP_PF, error);
}

/**
 * backend_complete_interrupts() - inject again the event whose delivery the exit interrupted
 * @world: a world of this CPU, which is about to execute its instruction again
 *
 * Leave out the events of INTn, INT3 and INTO, because the instruction raises them again.
 */
void backend_complete_interrupts(struct world *world)
{
	u64 event = svm_event_again(vmcb_of(world)->ctl.exit_int_info);

	if (!event)
		return;
	if (svm_event_type(event) == SVM_EVENT_INTR)
		svm_forget_interrupt(world, event);
	svm_set_event(world, event);
}

/**
 * backend_flush() - drop all cached translations of the world at its next entry
 * @world: a world of this CPU
 */
void backend_flush(struct world *world)
{
	this_cpu()->costs[REGENT_COST_FLUSH]++;
	svm_set_flush(world, k_has(REGENT_FEAT_FLUSH_ASID) ? SVM_TLB_FLUSH_ASID :
							    SVM_TLB_FLUSH_ALL);
}
