// SPDX-License-Identifier: GPL-2.0-only
/*
 * SVM's part of a forwarded CPU and of emulation: interrupts that are intercepted and
 * injected, and Linux's registers by number.
 * AMD APM volume 2, "Interrupt and Local APIC Support", "Event Injection".
 */
#include <hw/cr.h>
#include <hw/vmcb.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/decode.h>
#include <regent/k.h>

#include "block.h"
#include "svm.h"

/*
 * A PAUSE exits only after PAUSES of them with less than PAUSE_CYCLES between any two, so that
 * a spinlock that is free soon costs no exit.
 */
#define PAUSES		3000
#define PAUSE_CYCLES	128

#define CS_LONG		0x200
#define CS_BIG		0x400

/*
 * V_IRQ serves two purposes. With VINTR intercepted it is an interrupt window: the world exits
 * as soon as it can take an interrupt. Without, it is the interrupt itself.
 */
static bool virq_is_interrupt(const struct vmcb *v)
{
	return (v->ctl.vintr & SVM_V_IRQ) && !(v->ctl.intercept_misc1 & SVM_INTERCEPT_VINTR);
}

static bool virq_is_window(const struct vmcb *v)
{
	return (v->ctl.vintr & SVM_V_IRQ) && (v->ctl.intercept_misc1 & SVM_INTERCEPT_VINTR);
}

/*
 * Intercept HLT while an interrupt window is open. The world may execute STI and HLT, and the
 * window should end that HLT at once; but a KVM below emulates the HLT and does not look at
 * the window.
 */
static void intercept_halt(struct vmcb *v)
{
	v->ctl.intercept_misc1 &= ~SVM_INTERCEPT_HLT;
	if ((v->ctl.intercept_misc2 & SVM_INTERCEPT_MWAIT) || virq_is_window(v))
		v->ctl.intercept_misc1 |= SVM_INTERCEPT_HLT;
}

/**
 * backend_forward() - choose whether physical interrupts go to K or to Linux
 * @world: this CPU's host world
 * @on: true: they exit to K, and so do accesses to the local APIC's page and MSRs; false:
 *	Linux has all of these
 *
 * NMIs are not intercepted in either mode: the processor itself delivers an NMI to Linux and
 * blocks further ones until Linux's IRET.
 */
void backend_forward(struct world *world, bool on)
{
	struct vmcb *v = vmcb_of(world);

	v->ctl.intercept_misc1 &= ~(SVM_INTERCEPT_INTR | SVM_INTERCEPT_VINTR);
	v->ctl.vintr = 0;
	v->ctl.nested_cr3 = on ? k_params.forward_root : k_params.npt_root;
	v->ctl.msrpm_base = k_params.backend[on ? SVM_PARAM_FORWARD_MSRPM : SVM_PARAM_MSRPM];
	if (on) {
		v->ctl.intercept_misc1 |= SVM_INTERCEPT_INTR | SVM_INTERCEPT_VINTR;
		v->ctl.vintr = SVM_V_INTR_MASKING;
	}
	intercept_halt(v);
	svm_touch(world, SVM_CLEAN_ALL);
	backend_flush(world);
}

/**
 * backend_intercept_idle() - choose whether a waiting Linux exits to K
 * @world: this CPU's host world
 * @on: true: it exits by HLT, by MWAIT and, on CPUs that have the PAUSE filter, by many PAUSEs
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
	svm_touch(world, SVM_CLEAN_ALL);
}

/**
 * backend_slice() - do nothing: SVM has no timer that ends a slice
 * @world: the world that is entered next
 * @end: TSC at which the slice ends
 */
void backend_slice(struct world *world, u64 end)
{
	(void)world;
	(void)end;
}

/**
 * backend_in_shadow() - is the world in an interrupt shadow?
 * @world: a world of this CPU
 *
 * Return: true when its last instruction was STI or a move to SS.
 */
bool backend_in_shadow(const struct world *world)
{
	return vmcb_of(world)->ctl.int_state & SVM_INT_SHADOW;
}

/**
 * backend_flag_if() - read the world's RFLAGS.IF
 * @world: a world of this CPU
 *
 * Return: true when IF is set, also in an interrupt shadow.
 */
bool backend_flag_if(const struct world *world)
{
	return vmcb_of(world)->save.rflags & HW_RFLAGS_IF;
}

/**
 * backend_undisturbed() - is the world as forward_deliver() left it?
 * @world: the host world of this CPU, which is forwarded
 * @tpr: the task priority at that time
 *
 * Return: true when CR8 has not changed, no interrupt is queued, no interrupt window is open,
 * and the world is in no interrupt shadow.
 */
bool backend_undisturbed(const struct world *world, u8 tpr)
{
	const struct vmcb_control *c = &vmcb_of(world)->ctl;
	u32 changes = SVM_V_INTR_MASKING | SVM_V_IRQ | SVM_V_TPR_MASK;

	return (c->vintr & changes) == (SVM_V_INTR_MASKING | tpr >> 4) &&
	       !(c->int_state & SVM_INT_SHADOW);
}

/* @real: V_IRQ is an interrupt with @vector; otherwise it is an interrupt window */
static void set_virq(struct world *world, bool real, u8 vector)
{
	struct vmcb *v = vmcb_of(world);

	v->ctl.intercept_misc1 &= ~SVM_INTERCEPT_VINTR;
	if (!real)
		v->ctl.intercept_misc1 |= SVM_INTERCEPT_VINTR;
	v->ctl.vintr = (v->ctl.vintr & (SVM_V_INTR_MASKING | SVM_V_TPR_MASK)) | SVM_V_IRQ |
		       SVM_V_INTR_PRIO | SVM_V_IGN_TPR |
		       (u64)vector << SVM_V_INTR_VECTOR_SHIFT;
	intercept_halt(v);
	svm_touch(world, SVM_CLEAN_INTERCEPTS | SVM_CLEAN_VINTR);
}

/**
 * backend_irq_window() - open or close the interrupt window
 * @world: the host world of this CPU, which is forwarded
 * @wanted: true: the world exits as soon as it can take an interrupt; false: no such exit
 *
 * While an interrupt is queued there is no room for a window, and no need: the EOI of that
 * interrupt's handler is an exit, too.
 */
void backend_irq_window(struct world *world, bool wanted)
{
	struct vmcb *v = vmcb_of(world);

	if (wanted == !!(v->ctl.vintr & SVM_V_IRQ) || virq_is_interrupt(v))
		return;
	if (wanted) {
		set_virq(world, false, 0);
		return;
	}
	v->ctl.vintr &= ~SVM_V_IRQ;
	intercept_halt(v);
	svm_touch(world, SVM_CLEAN_INTERCEPTS | SVM_CLEAN_VINTR);
}

/**
 * backend_event_queued() - will the next entry deliver an event already?
 * @world: a world of this CPU
 *
 * Return: true when an exception, an NMI or an interrupt is queued for the next entry.
 */
bool backend_event_queued(const struct world *world)
{
	return (vmcb_of(world)->ctl.event_inj & SVM_EVENT_VALID) ||
	       virq_is_interrupt(vmcb_of(world));
}

/**
 * backend_inject_interrupt() - inject an interrupt at the next entry
 * @world: the host world of this CPU, interruptible, with no event queued
 * @vector: the interrupt's vector
 *
 * Use V_IRQ, because QEMU 7.2 may deliver an event in event_inj twice, see docs/testing.md. The
 * interrupt stays queued if an NMI or an exit comes before it.
 */
void backend_inject_interrupt(struct world *world, u8 vector)
{
	set_virq(world, true, vector);
}

/*
 * An exit has interrupted the delivery of @event, which K will inject again by event_inj. If
 * @event is the interrupt in V_IRQ, clear that, so that Linux does not get it twice.
 */
void svm_forget_interrupt(struct world *world, u64 event)
{
	struct vmcb *v = vmcb_of(world);

	if (!virq_is_interrupt(v) || (u8)event != (u8)(v->ctl.vintr >> SVM_V_INTR_VECTOR_SHIFT))
		return;
	v->ctl.vintr &= ~SVM_V_IRQ;
	svm_touch(world, SVM_CLEAN_VINTR);
}

/**
 * backend_inject_nmi() - inject an NMI that arrived in K
 * @world: the host world of this CPU, with no event queued
 */
void backend_inject_nmi(struct world *world)
{
	svm_set_event(world, SVM_EVENT_VALID | HW_TRAP_NMI |
			     (u64)SVM_EVENT_NMI << SVM_EVENT_TYPE_SHIFT);
}

/**
 * backend_tpr() - read the task priority that the world has set by CR8
 * @world: the host world of this CPU, which is forwarded
 *
 * Return: the priority as in the APIC's TPR: CR8 in the upper four bits, zeros below.
 */
u8 backend_tpr(const struct world *world)
{
	return (vmcb_of(world)->ctl.vintr & SVM_V_TPR_MASK) << 4;
}

/**
 * backend_set_tpr() - set what the world reads in CR8
 * @world: the host world of this CPU, which is forwarded
 * @tpr: the priority as in the APIC's TPR, whose upper four bits are CR8
 */
void backend_set_tpr(struct world *world, u8 tpr)
{
	struct vmcb *v = vmcb_of(world);

	v->ctl.vintr = (v->ctl.vintr & ~SVM_V_TPR_MASK) | tpr >> 4;
	svm_touch(world, SVM_CLEAN_ALL);
}

/**
 * backend_decode_mode() - find the operating mode in which to decode the current instruction
 * @world: a world of this CPU
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
 * backend_code_words() - read the bytes of the current instruction that the CPU has fetched
 * @world: a world of this CPU
 * @code: filled in, the first byte lowest
 *
 * Return: the number of bytes, at most 15; 0 when the CPU has no decode assists, or when the
 * exit is no nested page fault.
 */
int backend_code_words(const struct world *world, u64 code[2])
{
	const struct vmcb_control *c = &vmcb_of(world)->ctl;

	if (!k_has(REGENT_FEAT_DECODE) || c->exit_code != SVM_EXIT_NPF)
		return 0;
	code[0] = *(const u64 *)c->insn_bytes;
	code[1] = *(const u64 *)(c->insn_bytes + 7) >> 8;
	return c->insn_len & 15;
}

/* Index in struct world_regs of each register number of the processor's; RSP is not there. */
#define PLACE(reg)	(offsetof(struct world_regs, reg) / 8)

static const u8 place[16] = {
	PLACE(rax), PLACE(rcx), PLACE(rdx), PLACE(rbx), 0, PLACE(rbp), PLACE(rsi),
	PLACE(rdi), PLACE(r8), PLACE(r9), PLACE(r10), PLACE(r11), PLACE(r12),
	PLACE(r13), PLACE(r14), PLACE(r15),
};

/**
 * backend_reg() - find one of the world's general registers
 * @world: a world of this CPU
 * @number: the register's number in the processor's encoding, 0 to 15
 *
 * Return: where the register is, to read or to write.
 */
u64 *backend_reg(struct world *world, int number)
{
	return number == 4 ? &vmcb_of(world)->save.rsp : (u64 *)&world->regs + place[number];
}

/**
 * backend_get_regs() - read the world's registers in the processor's order
 * @world: a world of this CPU
 * @r: filled in, except the segment bases
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
 * backend_put_regs() - write the world's registers back after an emulated instruction
 * @world: a world of this CPU
 * @r: the registers as decode_apply() left them; RIP is that of the next instruction
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
