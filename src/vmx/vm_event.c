// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's exits, and the events that it gets. Intel SDM volume 3, "VM Exits", "Event Injection",
 * "Checks on Guest Non-Register State".
 *
 * What a vCPU is to get is noted in its block: an event, which the next entry delivers in any
 * case, and an interrupt, which waits until the vCPU can take it. backend_vcpu_ready() computes
 * from that, and from the vCPU's state, what the entry injects and which windows are open. So
 * whatever changes between two entries, also by the VMM, the processor accepts the entry.
 */
#include <hw/asm.h>
#include <hw/cr.h>
#include <hw/vmcs.h>
#include <hw/vmx.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/event.h>
#include <regent/k.h>

#include "block.h"
#include "vmx.h"

#define DR7_GD		(1ull << 13)
#define SHADOW		(VMX_BLOCKED_STI | VMX_BLOCKED_SS)
#define ERROR_BITS	0x7fff		/* of an error code that an entry accepts */

/* What the last exit says of an interrupted delivery. */
static void note_vectoring(struct vmx_block *b)
{
	u32 event = hw_vmread(VMCS_VECTORING);

	b->vectoring = event & VMX_EVENT_VALID ? event : 0;
	if (unlikely(b->vectoring & VMX_EVENT_ERROR))
		b->vectoring_error = hw_vmread(VMCS_VECTORING_ERROR);
}

/*
 * backend_exit_begin() of a vCPU. If no entry took place, what it was to deliver is still to come,
 * and the VMCS still tells of the exit before.
 */
void vmx_vcpu_exit(struct world *world)
{
	struct vmx_block *b = block_of(world);
	bool entered;

	b->made_up = b->forced;
	b->reason = b->forced ? b->forced : hw_vmread(VMCS_EXIT_REASON) &
		    (VMX_REASON_BASIC | VMX_REASON_ENTRY_FAILED);
	b->forced = 0;
	entered = !b->made_up && !(b->reason & VMX_REASON_ENTRY_FAILED);
	b->at_exit = entered;
	b->vectoring = 0;
	if (likely(entered)) {
		b->launched = 1;
		b->soft = (b->event & VMX_EVENT_TYPE) == VMX_EVENT_SOFT_INTERRUPT;
		b->event = 0;
		b->event_set = false;
		if (b->sent)
			b->irq = 0;
		note_vectoring(b);
	}
	b->sent = false;
	/* Whoever still waits for one opens it again. */
	if (b->reason == VMX_REASON_NMI_WINDOW || b->reason == VMX_REASON_INTERRUPT_WINDOW)
		b->nmi_window = false;
	if (b->reason == VMX_REASON_EVENT &&
	    (hw_vmread(VMCS_EXIT_EVENT) & VMX_EVENT_TYPE) == VMX_EVENT_NMI) {
		this_cpu()->nmi_late = 1;
		vmx_unblock_nmi();
	}
}

/**
 * backend_io_access() - decode an access to an I/O port
 * @world: the vCPU that exited by it
 * @io: filled in
 */
void backend_io_access(const struct world *world, struct io_access *io)
{
	u32 q = hw_vmread(VMCS_QUALIFICATION);

	io->port = q >> VMX_IO_QUAL_PORT_SHIFT;
	io->size = (q & VMX_IO_QUAL_SIZE) + 1;
	io->write = !(q & VMX_IO_QUAL_IN);
	io->string = q & VMX_IO_QUAL_STRING;
	io->next = backend_rip(world) + hw_vmread(VMCS_EXIT_INSN_LENGTH);
}

/* MOV to CR8, or one to CR0 or CR4 that changes a bit of the masks; nothing else exits. */
static enum control_access cr_access(struct world *world)
{
	u32 q = hw_vmread(VMCS_QUALIFICATION), number = q & VMX_CR_QUAL_NUMBER;
	u64 value = *backend_reg(world, q >> VMX_CR_QUAL_REG_SHIFT & 15);

	if (q & VMX_CR_QUAL_TYPE)
		return CONTROL_OTHER;
	if (number == 8)
		return CONTROL_CR8_WRITE;
	return vmx_move_to_cr(world, number, value) ? CONTROL_AGAIN : CONTROL_OTHER;
}

/**
 * backend_control_access() - what REGENT_EXIT_CONTROL was about. Call it once for each exit
 * @world: the vCPU that exited by it
 */
enum control_access backend_control_access(struct world *world)
{
	switch (block_of(world)->reason) {
	case VMX_REASON_CR:
		return cr_access(world);
	case VMX_REASON_INVD:
	case VMX_REASON_WBINVD:
		return CONTROL_CACHE;
	case VMX_REASON_XSETBV:
		return CONTROL_XSETBV;
	}
	return CONTROL_OTHER;
}

/**
 * backend_exception() - which exception made a vCPU exit
 * @world: the vCPU that exited by it
 *
 * Of #DB, do what its delivery would have done to the debug registers, and an exit has not.
 */
int backend_exception(struct world *world)
{
	struct vmx_block *b = block_of(world);
	u8 vector = hw_vmread(VMCS_EXIT_EVENT);
	u64 dr6, dr7;

	if (vector != HW_TRAP_DB)
		return vector;
	dr6 = vmx_dr6(b) & ~(u64)HW_DR6_BREAKPOINTS;
	vmx_set_dr6(b, dr6 | (hw_vmread(VMCS_QUALIFICATION) & VMX_DEBUG_QUAL));
	dr7 = hw_vmread(VMCS_GUEST_DR7);
	if (dr7 & DR7_GD)
		hw_vmwrite(VMCS_GUEST_DR7, dr7 & ~DR7_GD);
	return vector;
}

/**
 * backend_exit_code() - the exit in the vendor's numbers, for messages
 * @world: a vCPU
 */
u64 backend_exit_code(const struct world *world)
{
	return block_of(world)->reason;
}

/**
 * backend_delivering() - which exception was being delivered when the exit came?
 * @world: the vCPU that exited
 *
 * Return: its vector; 0x100 for another event; -1 for none.
 */
int backend_delivering(const struct world *world)
{
	u32 event = block_of(world)->vectoring;

	if (!event)
		return -1;
	return (event & VMX_EVENT_TYPE) == VMX_EVENT_EXCEPTION ? (u8)event : 0x100;
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
}

/* backend_inject() of a vCPU */
void vmx_vcpu_inject(struct world *world, u8 vector, u32 error)
{
	struct vmx_block *b = block_of(world);

	if (unlikely(event_merge(backend_delivering(world), vector) != vector)) {
		vector = HW_TRAP_DF;
		error = 0;
	}
	b->event = VMX_EVENT_VALID | VMX_EVENT_EXCEPTION | vector;
	b->error = error;
	if (error != BACKEND_NO_ERROR_CODE)
		b->event |= VMX_EVENT_ERROR;
}

static void set_nmi_blocking(bool on)
{
	u32 blocked = hw_vmread(VMCS_GUEST_INTERRUPTIBILITY);

	hw_vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
		   on ? blocked | VMX_BLOCKED_NMI : blocked & ~VMX_BLOCKED_NMI);
}

/*
 * backend_complete_interrupts() of a vCPU, with the same exceptions. But behind a soft interrupt
 * that the VMM has queued RIP is already, and no instruction raises it again.
 */
void vmx_vcpu_complete(struct world *world)
{
	struct vmx_block *b = block_of(world);
	u32 type = b->vectoring & VMX_EVENT_TYPE;

	if (likely(!b->vectoring)) {
		if (b->reason == VMX_REASON_EPT_VIOLATION &&
		    (hw_vmread(VMCS_QUALIFICATION) & VMX_EPT_QUAL_IRET))
			set_nmi_blocking(true);
		return;
	}
	if (type >= VMX_EVENT_SOFT_INTERRUPT && !b->soft)
		return;
	if (type == VMX_EVENT_NMI)
		set_nmi_blocking(false);
	b->event = b->vectoring & (VMX_EVENT_VALID | VMX_EVENT_ERROR | VMX_EVENT_TYPE | 0xff);
	b->error = b->vectoring_error;
}

/**
 * backend_event_pending() - is an event queued that the next entry delivers in any case?
 * @world: any vCPU of this CPU's
 *
 * Not so an interrupt, which waits until the vCPU can take it.
 */
bool backend_event_pending(const struct world *world)
{
	return block_of(world)->event;
}

/* Types of events as the ABI has them, by the processor's number */
static const u8 event_type[8] = {
	[VMX_EVENT_EXTERNAL >> 8] = REGENT_EVENT_INTERRUPT,
	[VMX_EVENT_NMI >> 8] = REGENT_EVENT_NMI,
	[VMX_EVENT_EXCEPTION >> 8] = REGENT_EVENT_EXCEPTION,
	[VMX_EVENT_SOFT_INTERRUPT >> 8] = REGENT_EVENT_SOFT,
};

/**
 * backend_get_event() - read what the next entry of a vCPU delivers
 * @world: any vCPU of this CPU's
 * @e: filled in
 */
void backend_get_event(const struct world *world, struct backend_event *e)
{
	const struct vmx_block *b = block_of(world);

	*e = (struct backend_event){ .type = REGENT_EVENT_NONE };
	if (!b->event)
		return;
	e->type = event_type[(b->event & VMX_EVENT_TYPE) >> 8];
	e->vector = b->event;
	e->has_error = b->event & VMX_EVENT_ERROR;
	e->error = e->has_error ? b->error : 0;
}

/**
 * backend_set_event() - write it
 * @world: a vCPU
 * @e: the event; an exception is one that exists
 */
void backend_set_event(struct world *world, const struct backend_event *e)
{
	struct vmx_block *b = block_of(world);
	u32 type;

	/* Nothing that the last exit has interrupted is left. */
	b->vectoring = 0;
	b->event = 0;
	for (type = 0; type < 8 && event_type[type] != e->type; type++)
		;
	if (e->type == REGENT_EVENT_NONE || type == 8)
		return;
	b->event = VMX_EVENT_VALID | type << 8 | e->vector;
	if (e->type == REGENT_EVENT_NMI)
		b->event = VMX_EVENT_VALID | VMX_EVENT_NMI | HW_TRAP_NMI;
	if (e->has_error)
		b->event |= VMX_EVENT_ERROR;
	b->error = e->error;
}

/**
 * backend_set_shadow() - put a vCPU into an interrupt shadow, or take it out
 * @world: a vCPU
 * @on: into one
 */
void backend_set_shadow(struct world *world, bool on)
{
	u32 blocked = hw_vmread(VMCS_GUEST_INTERRUPTIBILITY);

	(void)world;
	if (on == !!(blocked & SHADOW))
		return;
	hw_vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
		   (blocked & ~SHADOW) | (on ? VMX_BLOCKED_STI : 0));
}

/**
 * backend_intercept_iret() - block a vCPU's NMIs until its next IRET, or unblock them
 * @world: a vCPU
 * @on: block them. An NMI that the next entry delivers does so itself
 *
 * The processor does that: IRET does not exit.
 */
void backend_intercept_iret(struct world *world, bool on)
{
	(void)world;
	set_nmi_blocking(on);
}

static bool event_is_nmi(const struct vmx_block *b)
{
	return (b->event & (VMX_EVENT_VALID | VMX_EVENT_TYPE)) ==
	       (VMX_EVENT_VALID | VMX_EVENT_NMI);
}

/**
 * backend_nmi_blocked() - does the processor block a vCPU's NMIs?
 * @world: a vCPU
 * @known: not used: the processor says it
 *
 * Return: true also when the next entry delivers an NMI.
 */
bool backend_nmi_blocked(const struct world *world, bool known)
{
	(void)known;
	return event_is_nmi(block_of(world)) ||
	       (hw_vmread(VMCS_GUEST_INTERRUPTIBILITY) & VMX_BLOCKED_NMI);
}

/**
 * backend_takes_nmi() - can the next entry deliver an NMI, if none is blocked?
 * @world: a vCPU
 */
bool backend_takes_nmi(const struct world *world)
{
	return !block_of(world)->event && !backend_in_shadow(world);
}

/**
 * backend_nmi_window() - have a vCPU exit, once, when it can take an NMI
 * @world: a vCPU
 */
void backend_nmi_window(struct world *world)
{
	block_of(world)->nmi_window = true;
}

/**
 * backend_step() - have a vCPU raise #DB after its next instruction
 * @world: a vCPU
 * @on: it does so
 */
void backend_step(struct world *world, bool on)
{
	u64 flags = hw_vmread(VMCS_GUEST_RFLAGS);

	(void)world;
	/* RF: no breakpoint on this instruction is met for a second time. */
	hw_vmwrite(VMCS_GUEST_RFLAGS, on ? flags | HW_RFLAGS_TF | HW_RFLAGS_RF :
					   flags & ~HW_RFLAGS_TF);
}

/**
 * backend_stepped() - a vCPU has raised that #DB: it does not see it
 * @world: a vCPU
 */
void backend_stepped(struct world *world)
{
	struct vmx_block *b = block_of(world);

	vmx_set_dr6(b, vmx_dr6(b) & ~(u64)HW_DR6_BS);
}

/**
 * backend_vcpu_irq() - have a vCPU take an interrupt, or exit when it could
 * @world: any vCPU of this CPU's
 * @what: a vector; VCPU_IRQ_WINDOW; VCPU_IRQ_NONE takes either back
 */
void backend_vcpu_irq(struct world *world, int what)
{
	struct vmx_block *b = block_of(world);

	b->irq = what >= 0 ? VMX_EVENT_VALID | (what & 0xff) : 0;
	b->irq_window = what == VCPU_IRQ_WINDOW;
}

/**
 * backend_vcpu_irq_queued() - which interrupt has a vCPU not taken yet?
 * @world: any vCPU of this CPU's
 *
 * Return: its vector, or VCPU_IRQ_NONE.
 */
int backend_vcpu_irq_queued(const struct world *world)
{
	u32 irq = block_of(world)->irq;

	return irq ? (int)(u8)irq : VCPU_IRQ_NONE;
}

/*
 * Make an interrupt shadow one that an entry accepts: STI's only while IF is set, and a single
 * step pending behind the instruction just if RFLAGS.TF says so. A vCPU's own state is so; a
 * VMM may have changed it. Return: the new VMCS_GUEST_INTERRUPTIBILITY.
 */
static u32 __attribute__((noinline)) fit_shadow(u64 flags, u32 blocked)
{
	u64 pending = hw_vmread(VMCS_GUEST_PENDING_DEBUG) & ~(u64)VMX_PENDING_BS;

	if (blocked & VMX_BLOCKED_STI && !(flags & HW_RFLAGS_IF)) {
		blocked = (blocked & ~SHADOW) | VMX_BLOCKED_SS;
		hw_vmwrite(VMCS_GUEST_INTERRUPTIBILITY, blocked);
	}
	hw_vmwrite(VMCS_GUEST_PENDING_DEBUG,
		   flags & HW_RFLAGS_TF ? pending | VMX_PENDING_BS : pending);
	return blocked;
}

/* Has the exception an error code? In real mode none has. */
static bool has_error_code(u8 vector)
{
	switch (vector) {
	case HW_TRAP_DF:
	case HW_TRAP_TS ... HW_TRAP_PF:
	case HW_TRAP_AC:
		return hw_vmread(VMCS_GUEST_CR0) & HW_CR0_PE;
	}
	return false;
}

/* An event that is not an interrupt, as an entry accepts it */
static u32 fit_event(struct vmx_block *b, u32 blocked)
{
	u32 event = b->event & ~VMX_EVENT_ERROR;

	switch (event & VMX_EVENT_TYPE) {
	case VMX_EVENT_NMI:
		if (blocked & (VMX_BLOCKED_NMI | SHADOW))
			hw_vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
				   blocked & ~(VMX_BLOCKED_NMI | SHADOW));
		break;
	case VMX_EVENT_EXCEPTION:
		if (!has_error_code(event))
			break;
		event |= VMX_EVENT_ERROR;
		hw_vmwrite(VMCS_ENTRY_ERROR_CODE, b->error == BACKEND_NO_ERROR_CODE ? 0 :
						  b->error & ERROR_BITS);
		break;
	case VMX_EVENT_SOFT_INTERRUPT:
		/* RIP is that of the next instruction already, as VMMs keep it. */
		hw_vmwrite(VMCS_ENTRY_INSN_LENGTH, 0);
		break;
	}
	return event;
}

/*
 * What the entry injects: VMCS_ENTRY_EVENT. An interrupt whose delivery was interrupted waits
 * again, if the VMM has made the vCPU one that cannot take it.
 */
static u32 choose_event(struct vmx_block *b, u64 flags, u32 blocked)
{
	bool open = flags & HW_RFLAGS_IF && !(blocked & SHADOW);

	b->sent = false;
	if (b->event && (b->event & VMX_EVENT_TYPE) != VMX_EVENT_EXTERNAL)
		return fit_event(b, blocked);
	if (b->event && open)
		return b->event & ~VMX_EVENT_ERROR;
	if (b->event) {
		b->irq = VMX_EVENT_VALID | (u8)b->event;
		b->event = 0;
	}
	b->sent = b->irq && open;
	return b->sent ? b->irq : 0;
}

/**
 * backend_vcpu_ready() - nothing more is asked of the next entry: prepare it
 * @world: the vCPU, current or open; its registers stay as they are until the entry
 */
void backend_vcpu_ready(struct world *world)
{
	struct vmx_block *b = block_of(world);
	u64 flags = hw_vmread(VMCS_GUEST_RFLAGS);
	u32 blocked = hw_vmread(VMCS_GUEST_INTERRUPTIBILITY), event, proc;

	if (unlikely(blocked & SHADOW))
		blocked = fit_shadow(flags, blocked);
	event = choose_event(b, flags, blocked);
	if (event || b->event_set)
		hw_vmwrite(VMCS_ENTRY_EVENT, event);
	b->event_set = event;
	proc = b->proc & ~(VMX_PROC_INTERRUPT_WINDOW | VMX_PROC_NMI_WINDOW);
	if (b->irq_window || (b->irq && !b->sent))
		proc |= VMX_PROC_INTERRUPT_WINDOW;
	/* Some processors open an NMI window in STI's shadow, where no NMI can be injected. */
	if (b->nmi_window)
		proc |= blocked & VMX_BLOCKED_STI ? VMX_PROC_INTERRUPT_WINDOW :
						    VMX_PROC_NMI_WINDOW;
	if (proc != b->proc)
		vmx_set_proc(b, proc);
}
