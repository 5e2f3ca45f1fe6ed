// SPDX-License-Identifier: GPL-2.0-only
/*
 * What SVM does for a forwarded CPU and for emulation: interrupts intercepted
 * and injected, and Linux's registers by number.
 * AMD APM volume 2, "Interrupt and Local APIC Support", "Event Injection".
 */
#include <hw/cr.h>
#include <hw/vmcb.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/decode.h>
#include <regent/k.h>

#include "svm.h"

/*
 * A spinlock that is free soon costs no exit: so many PAUSEs with less than so many
 * cycles between two of them.
 */
#define PAUSES		3000
#define PAUSE_CYCLES	128

#define CS_LONG		0x200
#define CS_BIG		0x400

static struct vmcb *vmcb_of(const struct world *world)
{
	return world->backend;
}

/*
 * One field serves two purposes. With VINTR intercepted, a virtual interrupt is
 * no more than a question: can the world take one? Without, it is the real one.
 */
static bool has_interrupt(const struct vmcb *v)
{
	return (v->ctl.vintr & SVM_V_IRQ) && !(v->ctl.intercept_misc1 & SVM_INTERCEPT_VINTR);
}

static bool has_question(const struct vmcb *v)
{
	return (v->ctl.vintr & SVM_V_IRQ) && (v->ctl.intercept_misc1 & SVM_INTERCEPT_VINTR);
}

/*
 * Before the answer the world may wait by STI and HLT, which the question should
 * end at once; a KVM below emulates that HLT, and does not see the question.
 */
static void intercept_halt(struct vmcb *v)
{
	v->ctl.intercept_misc1 &= ~SVM_INTERCEPT_HLT;
	if ((v->ctl.intercept_misc2 & SVM_INTERCEPT_MWAIT) || has_question(v))
		v->ctl.intercept_misc1 |= SVM_INTERCEPT_HLT;
}

/**
 * backend_forward() - whose the physical interrupts are
 * @world: the system world, of this CPU
 * @on: K's; the local APIC's page and MSRs are K's then, too
 *
 * NMIs stay Linux's in either mode: an NMI that ends no run of Linux's is
 * delivered, and blocked until Linux's IRET, by the processor itself.
 */
void backend_forward(struct world *world, bool on)
{
	struct vmcb *v = vmcb_of(world);

	v->ctl.intercept_misc1 &= ~(SVM_INTERCEPT_INTR | SVM_INTERCEPT_VINTR);
	v->ctl.vintr = 0;
	v->ctl.nested_cr3 = on ? k_params.forward_root : k_params.nested_root;
	v->ctl.msrpm_base = k_params.backend[on ? SVM_PARAM_FORWARD_MSRPM : SVM_PARAM_MSRPM];
	if (on) {
		v->ctl.intercept_misc1 |= SVM_INTERCEPT_INTR | SVM_INTERCEPT_VINTR;
		v->ctl.vintr = SVM_V_INTR_MASKING;
	}
	intercept_halt(v);
	v->ctl.clean = 0;
	backend_flush(world);
}

/**
 * backend_intercept_idle() - does the world give the CPU away when it waits?
 * @world: the system world, of this CPU
 * @on: it does: by HLT and MWAIT, and where the CPU counts them, by many PAUSEs
 */
void backend_intercept_idle(struct world *world, bool on)
{
	struct vmcb *v = vmcb_of(world);

	v->ctl.intercept_misc1 &= ~SVM_INTERCEPT_PAUSE;
	v->ctl.intercept_misc2 &= ~SVM_INTERCEPT_MWAIT;
	if (on)
		v->ctl.intercept_misc2 |= SVM_INTERCEPT_MWAIT;
	intercept_halt(v);
	if (on && k_has(REGENT_FEAT_PAUSE_FILTER)) {
		v->ctl.intercept_misc1 |= SVM_INTERCEPT_PAUSE;
		v->ctl.pause_filter_count = PAUSES;
		if (k_has(REGENT_FEAT_PAUSE_THRESHOLD))
			v->ctl.pause_filter_threshold = PAUSE_CYCLES;
	}
	v->ctl.clean = 0;
}

/**
 * backend_slice() - exit at a time: SVM has no timer for that
 * @world: the next one
 * @end: TSC
 */
void backend_slice(struct world *world, u64 end)
{
	(void)world;
	(void)end;
}

/**
 * backend_in_shadow() - did the world execute STI or a move to SS just now?
 * @world: of this CPU
 */
bool backend_in_shadow(const struct world *world)
{
	return vmcb_of(world)->ctl.int_state & SVM_INT_SHADOW;
}

/**
 * backend_flag_if() - does the world have interrupts on, shadow or not?
 * @world: of this CPU
 */
bool backend_flag_if(const struct world *world)
{
	return vmcb_of(world)->save.rflags & HW_RFLAGS_IF;
}

/**
 * backend_interruptible() - could the world take an interrupt now?
 * @world: of this CPU
 */
bool backend_interruptible(const struct world *world)
{
	return backend_flag_if(world) && !backend_in_shadow(world);
}

/**
 * backend_undisturbed() - is the world as forward_deliver() has left it?
 * @world: of this CPU, forwarded
 * @tpr: the task priority it had then
 *
 * Return: true when CR8 has not changed, no window is asked for, and the last
 * instruction casts no shadow.
 */
bool backend_undisturbed(const struct world *world, u8 tpr)
{
	const struct vmcb_control *c = &vmcb_of(world)->ctl;
	u32 changes = SVM_V_INTR_MASKING | SVM_V_IRQ | SVM_V_TPR_MASK;

	return (c->vintr & changes) == (SVM_V_INTR_MASKING | tpr >> 4) &&
	       !(c->int_state & SVM_INT_SHADOW);
}

static void virtual_interrupt(struct vmcb *v, bool real, u8 vector)
{
	v->ctl.intercept_misc1 &= ~SVM_INTERCEPT_VINTR;
	if (!real)
		v->ctl.intercept_misc1 |= SVM_INTERCEPT_VINTR;
	v->ctl.vintr = (v->ctl.vintr & (SVM_V_INTR_MASKING | SVM_V_TPR_MASK)) | SVM_V_IRQ |
		       SVM_V_INTR_PRIO | SVM_V_IGN_TPR |
		       (u64)vector << SVM_V_INTR_VECTOR_SHIFT;
	intercept_halt(v);
	v->ctl.clean &= ~(SVM_CLEAN_INTERCEPTS | SVM_CLEAN_VINTR);
}

/**
 * backend_window() - exit as soon as the world can take an interrupt
 * @world: of this CPU, forwarded
 * @wanted: or not any more. Where one is queued, its handler's end of interrupt
 *	will be an exit, too
 */
void backend_window(struct world *world, bool wanted)
{
	struct vmcb *v = vmcb_of(world);

	if (wanted == !!(v->ctl.vintr & SVM_V_IRQ) || has_interrupt(v))
		return;
	if (wanted) {
		virtual_interrupt(v, false, 0);
		return;
	}
	v->ctl.vintr &= ~SVM_V_IRQ;
	intercept_halt(v);
	v->ctl.clean &= ~(SVM_CLEAN_INTERCEPTS | SVM_CLEAN_VINTR);
}

/**
 * backend_event_queued() - will the next entry deliver an event already?
 * @world: of this CPU
 */
bool backend_event_queued(const struct world *world)
{
	return (vmcb_of(world)->ctl.event_inj & SVM_EVENT_VALID) ||
	       has_interrupt(vmcb_of(world));
}

/**
 * backend_inject_interrupt() - the world gets an interrupt at the next entry
 * @world: of this CPU, interruptible, no event queued
 * @vector: its vector
 *
 * As a virtual interrupt: QEMU 7.2 may deliver what is in event_inj twice, see
 * docs/design.md. It stays queued where an NMI or an exit comes before it.
 */
void backend_inject_interrupt(struct world *world, u8 vector)
{
	virtual_interrupt(vmcb_of(world), true, vector);
}

/* An exit has interrupted the delivery of @event: it is in no other place, too. */
void svm_forget_interrupt(struct vmcb *v, u64 event)
{
	if (has_interrupt(v) && (u8)event == (u8)(v->ctl.vintr >> SVM_V_INTR_VECTOR_SHIFT))
		v->ctl.vintr &= ~SVM_V_IRQ;
}

/**
 * backend_inject_nmi() - the world gets an NMI that came in K
 * @world: of this CPU, no event queued
 */
void backend_inject_nmi(struct world *world)
{
	vmcb_of(world)->ctl.event_inj = SVM_EVENT_VALID | HW_TRAP_NMI |
		(u64)SVM_EVENT_NMI << SVM_EVENT_TYPE_SHIFT;
}

/**
 * backend_tpr() - the task priority the world has set by CR8
 * @world: of this CPU, forwarded
 */
u8 backend_tpr(const struct world *world)
{
	return (vmcb_of(world)->ctl.vintr & SVM_V_TPR_MASK) << 4;
}

/**
 * backend_set_tpr() - what the world reads in CR8
 * @world: of this CPU, forwarded
 * @tpr: as in the APIC; the upper four bits are CR8
 */
void backend_set_tpr(struct world *world, u8 tpr)
{
	struct vmcb *v = vmcb_of(world);

	v->ctl.vintr = (v->ctl.vintr & ~SVM_V_TPR_MASK) | tpr >> 4;
	v->ctl.clean = 0;
}

/**
 * backend_decode_mode() - what the current instruction is written in
 * @world: of this CPU
 *
 * Return: enum decode_mode.
 */
int backend_decode_mode(const struct world *world)
{
	const struct vmcb_save *s = &vmcb_of(world)->save;

	if ((s->efer & HW_EFER_LMA) && (s->cs.attrib & CS_LONG))
		return DECODE_64;
	return s->cs.attrib & CS_BIG ? DECODE_32 : DECODE_16;
}

/**
 * backend_code_bytes() - the instruction as the CPU has fetched it
 * @world: of this CPU, exited on a nested page fault
 * @code: where to, 15 bytes
 *
 * Return: how many there are; 0 when this CPU does not tell.
 */
int backend_code_bytes(const struct world *world, u8 *code)
{
	const struct vmcb_control *c = &vmcb_of(world)->ctl;
	int i;

	if (!k_has(REGENT_FEAT_DECODE) || c->exit_code != SVM_EXIT_NPF)
		return 0;
	for (i = 0; i < (c->insn_len & 15); i++)
		code[i] = c->insn_bytes[i];
	return i;
}

/**
 * backend_code_words() - the same, the first byte lowest
 * @world: of this CPU, exited on a nested page fault
 * @code: where to
 *
 * Return: how many bytes there are; 0 when this CPU does not tell.
 */
int backend_code_words(const struct world *world, u64 code[2])
{
	const struct vmcb_control *c = &vmcb_of(world)->ctl;

	if (!k_has(REGENT_FEAT_DECODE))
		return 0;
	code[0] = *(const u64 *)c->insn_bytes;
	code[1] = *(const u64 *)(c->insn_bytes + 7) >> 8;
	return c->insn_len & 15;
}

/* Where the processor's numbers are in struct world_regs; RSP is not there. */
#define PLACE(reg)	(offsetof(struct world_regs, reg) / 8)

static const u8 place[16] = {
	PLACE(rax), PLACE(rcx), PLACE(rdx), PLACE(rbx), 0, PLACE(rbp), PLACE(rsi),
	PLACE(rdi), PLACE(r8), PLACE(r9), PLACE(r10), PLACE(r11), PLACE(r12),
	PLACE(r13), PLACE(r14), PLACE(r15),
};

/**
 * backend_reg() - one of the world's general registers
 * @world: of this CPU
 * @number: the processor's, 0 to 15
 */
u64 *backend_reg(struct world *world, int number)
{
	return number == 4 ? &vmcb_of(world)->save.rsp : (u64 *)&world->regs + place[number];
}

/**
 * backend_advance() - go on behind an emulated instruction
 * @world: of this CPU, in 64-bit mode
 * @length: bytes of it
 */
void backend_advance(struct world *world, int length)
{
	svm_advance(world, vmcb_of(world)->save.rip + length);
}

/**
 * backend_get_regs() - the world's registers, in the processor's order
 * @world: of this CPU
 * @r: filled in, but for the segment bases
 */
void backend_get_regs(const struct world *world, struct decode_regs *r)
{
	const struct vmcb_save *s = &vmcb_of(world)->save;
	int i;

	for (i = 0; i < 16; i++)
		r->gpr[i] = *backend_reg((struct world *)world, i);
	r->rip = s->rip;
	r->flags = s->rflags;
}

/**
 * backend_put_regs() - after an emulated instruction
 * @world: of this CPU
 * @r: as decode_apply() left them
 */
void backend_put_regs(struct world *world, const struct decode_regs *r)
{
	struct vmcb *v = vmcb_of(world);
	int i;

	for (i = 0; i < 16; i++)
		*backend_reg(world, i) = r->gpr[i];
	v->save.rflags = r->flags;
	svm_advance(world, r->rip);
}
