// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a world gets at its next entry: exceptions, interrupts, NMIs. Intel SDM
 * volume 3, "Event Injection" and "Virtual-NMI blocking".
 */
#include <hw/asm.h>
#include <hw/cr.h>
#include <hw/vmcs.h>
#include <hw/vmx.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>

#include "vmx.h"

static struct vmx_block *block_of(const struct world *world)
{
	return world->backend;
}

static void put(struct vmx_block *b, u64 field, u32 value)
{
	if (likely(b->loaded))
		hw_vmwrite(field, value);
	else
		b->stale = true;
}

/**
 * vmx_set_pin() - set the pin-based controls
 * @b: of a world of this CPU, which may not be the current one
 * @pin: VMX_PIN_*
 */
void vmx_set_pin(struct vmx_block *b, u32 pin)
{
	b->pin = pin;
	put(b, VMCS_PIN_CONTROLS, pin);
}

/**
 * vmx_set_proc() - set the primary processor-based controls
 * @b: of a world of this CPU, which may not be the current one
 * @proc: VMX_PROC_*
 */
void vmx_set_proc(struct vmx_block *b, u32 proc)
{
	b->proc = proc;
	put(b, VMCS_PROC_CONTROLS, proc);
}

/**
 * vmx_set_proc2() - set the secondary processor-based controls
 * @b: of a world of this CPU, which may not be the current one
 * @proc2: VMX_PROC2_*
 */
void vmx_set_proc2(struct vmx_block *b, u32 proc2)
{
	b->proc2 = proc2;
	put(b, VMCS_PROC2_CONTROLS, proc2);
}

/**
 * vmx_deliver() - set the event of the next entry
 * @world: of this CPU
 * @event: VMX_EVENT_*, type and vector
 * @error: its error code, or BACKEND_NO_ERROR_CODE
 */
void vmx_deliver(struct world *world, u32 event, u32 error)
{
	event |= VMX_EVENT_VALID;
	if (error != BACKEND_NO_ERROR_CODE) {
		event |= VMX_EVENT_ERROR;
		hw_vmwrite(VMCS_ENTRY_ERROR_CODE, error);
	}
	hw_vmwrite(VMCS_ENTRY_EVENT, event);
	block_of(world)->event = event;
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
	if (hw_vmread(VMCS_VECTORING) & VMX_EVENT_VALID) {
		vector = HW_TRAP_DF;
		error = 0;
	}
	vmx_deliver(world, VMX_EVENT_EXCEPTION | vector, error);
}

static void block_nmi(bool on)
{
	u32 blocked = hw_vmread(VMCS_GUEST_INTERRUPTIBILITY);

	hw_vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
		   on ? blocked | VMX_BLOCKED_NMI : blocked & ~VMX_BLOCKED_NMI);
}

/**
 * backend_retry_event() - deliver again what an exit interrupted
 * @world: of this CPU, about to execute its instruction again
 *
 * INTn, INT3, INTO and INT1 are that instruction. An IRET has unblocked NMIs already
 * when its memory makes an exit, and is to do so again. An NMI whose delivery made one
 * blocks, and could not be delivered again.
 */
void backend_retry_event(struct world *world)
{
	u32 event = hw_vmread(VMCS_VECTORING);
	u32 type = event & VMX_EVENT_TYPE;

	if (!(event & VMX_EVENT_VALID)) {
		if (block_of(world)->reason == VMX_REASON_EPT_VIOLATION &&
		    (hw_vmread(VMCS_QUALIFICATION) & VMX_EPT_QUAL_IRET))
			block_nmi(true);
		return;
	}
	if (type >= VMX_EVENT_SOFT_INTERRUPT)
		return;
	if (type == VMX_EVENT_NMI)
		block_nmi(false);
	vmx_deliver(world, type | (u8)event, event & VMX_EVENT_ERROR ?
		    (u32)hw_vmread(VMCS_VECTORING_ERROR) : BACKEND_NO_ERROR_CODE);
}

/**
 * backend_event_queued() - will the next entry deliver an event already?
 * @world: of this CPU
 */
bool backend_event_queued(const struct world *world)
{
	return block_of(world)->event;
}

/*
 * Have the world exit when it can take an NMI. Some processors take STI's shadow for
 * no hindrance there, but none injects under it: an interrupt window opens behind it.
 */
static void ask_for_nmi_window(struct vmx_block *b, u32 blocked)
{
	b->nmi_waits = true;
	vmx_set_proc(b, b->proc | (blocked & VMX_BLOCKED_STI ? VMX_PROC_INTERRUPT_WINDOW :
			       VMX_PROC_NMI_WINDOW));
}

/**
 * vmx_window_is_open() - an exit because something can be delivered
 * @b: of the system world
 *
 * For an interrupt, forward_deliver() decides anew before the entry.
 */
void vmx_window_is_open(struct vmx_block *b)
{
	vmx_set_proc(b, b->proc & ~(VMX_PROC_INTERRUPT_WINDOW | VMX_PROC_NMI_WINDOW));
	if (b->nmi_waits)
		this_cpu()->nmi_late = 1;
	b->nmi_waits = false;
}

/*
 * Linux gets an NMI, now or as soon as it can. One that comes while another waits is
 * the same one, as in the processor.
 */
static void pass_nmi(struct world *world)
{
	struct vmx_block *b = block_of(world);
	u32 blocked = hw_vmread(VMCS_GUEST_INTERRUPTIBILITY);

	if (b->event || (blocked & (VMX_BLOCKED_STI | VMX_BLOCKED_SS | VMX_BLOCKED_NMI)))
		ask_for_nmi_window(b, blocked);
	else
		vmx_deliver(world, VMX_EVENT_NMI | HW_TRAP_NMI, BACKEND_NO_ERROR_CODE);
}

/**
 * backend_inject_nmi() - the world gets an NMI
 * @world: the system world, of this CPU
 */
void backend_inject_nmi(struct world *world)
{
	(void)world;
	this_cpu()->nmi_late = 1;	/* the entry looks at it */
}

/**
 * vmx_late() - something came between the last look and the entry
 * @world: that was about to be entered
 *
 * In another world than Linux it is as if it had come right after the entry, once:
 * the scheduler may decide that Linux has to wait.
 *
 * Return: the world to enter.
 */
struct world *vmx_late(struct world *world)
{
	struct cpu *cpu = this_cpu();

	if (world != &cpu->system) {
		if (cpu->nmi_late)
			cpu->nmi_late = 2;
		block_of(world)->forced = VMX_REASON_INTERRUPT;
		return world_exit(world);
	}
	if (cpu->nmi_late) {
		cpu->nmi_late = 0;
		pass_nmi(world);
	}
	if (cpu->mc_pending && !block_of(world)->event) {
		cpu->mc_pending = 0;
		vmx_deliver(world, VMX_EVENT_EXCEPTION | HW_TRAP_MC, BACKEND_NO_ERROR_CODE);
	}
	return world;
}

/**
 * vmx_refused() - VMRESUME or VMLAUNCH did not even look at the world
 * @world: that was to be entered
 *
 * A bug, or host state that the processor does not take.
 */
struct world *vmx_refused(struct world *world)
{
	block_of(world)->forced = VMX_REASON_ENTRY_FAILED | VMX_REASON_INVALID_STATE;
	return world_exit(world);
}
