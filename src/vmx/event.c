// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event injection: exceptions, interrupts and NMIs that a world gets at its next entry. Intel
 * SDM volume 3, "Event Injection" and "Virtual-NMI blocking".
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

/* Only the current VMCS can be written: have backend_switch() write that of another world later. */
static void put_control(struct vmx_block *b, u64 field, u32 value)
{
	if (likely(b->loaded))
		hw_vmwrite(field, value);
	else
		b->stale = true;
}

/**
 * vmx_set_pin() - set the pin-based controls
 * @b: the block of a world of this CPU, current or not
 * @pin: VMX_PIN_*
 */
void vmx_set_pin(struct vmx_block *b, u32 pin)
{
	b->pin = pin;
	put_control(b, VMCS_PIN_CONTROLS, pin);
}

/**
 * vmx_set_proc() - set the primary processor-based controls
 * @b: the block of a world of this CPU, current or not
 * @proc: VMX_PROC_*
 */
void vmx_set_proc(struct vmx_block *b, u32 proc)
{
	b->proc = proc;
	put_control(b, VMCS_PROC_CONTROLS, proc);
}

/**
 * vmx_set_proc2() - set the secondary processor-based controls
 * @b: the block of a world of this CPU, current or not
 * @proc2: VMX_PROC2_*
 */
void vmx_set_proc2(struct vmx_block *b, u32 proc2)
{
	b->proc2 = proc2;
	put_control(b, VMCS_PROC2_CONTROLS, proc2);
}

/**
 * vmx_deliver() - set the event that the next entry injects
 * @world: the current world of this CPU
 * @event: VMX_EVENT_*, type and vector
 * @error: the event's error code, or BACKEND_NO_ERROR_CODE
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

/* Which event was being delivered when the exit came? As event_merge() takes it. */
static int delivering(void)
{
	u32 event = hw_vmread(VMCS_VECTORING);

	if (!(event & VMX_EVENT_VALID))
		return EVENT_NOTHING;
	return (event & VMX_EVENT_TYPE) == VMX_EVENT_EXCEPTION ? (int)(u8)event : EVENT_OTHER;
}

/**
 * backend_inject() - inject an exception at the next entry
 * @world: the current world of this CPU
 * @vector: the exception's vector
 * @error: its error code, or BACKEND_NO_ERROR_CODE
 *
 * If the exit interrupted the delivery of another exception, it may become a double fault. A
 * triple fault is left to the processor: the double fault's delivery fails there once more.
 */
void backend_inject(struct world *world, u8 vector, u32 error)
{
	if (world->kind == WORLD_VM) {
		vmx_vcpu_inject(world, vector, error);
		return;
	}
	if (event_merge(delivering(), vector) != vector) {
		vector = HW_TRAP_DF;
		error = 0;
	}
	vmx_deliver(world, VMX_EVENT_EXCEPTION | vector, error);
}

/**
 * backend_page_fault() - the world gets a page fault at the next entry
 * @world: the current world of this CPU, or a vCPU that is open
 * @address: linear address that faulted
 * @error: the error code
 */
void backend_page_fault(struct world *world, u64 address, u32 error)
{
	if (block_of(world)->live)
		hw_write_cr2(address);
	else
		block_of(world)->own[VMX_OWN_CR2] = address;
	backend_inject(world, HW_TRAP_PF, error);
}

static void set_nmi_blocking(bool on)
{
	u32 blocked = hw_vmread(VMCS_GUEST_INTERRUPTIBILITY);

	hw_vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
		   on ? blocked | VMX_BLOCKED_NMI : blocked & ~VMX_BLOCKED_NMI);
}

/**
 * backend_complete_interrupts() - inject again the event whose delivery the exit interrupted
 * @world: the current world of this CPU, which is about to execute its instruction again
 *
 * Leave out the events of INTn, INT3, INTO and INT1, because the instruction raises them again.
 * An IRET whose access to memory made an EPT violation has unblocked NMIs already: block them,
 * so that it unblocks them again. An NMI whose delivery exited has blocked NMIs already:
 * unblock them, because an NMI cannot be injected while they are blocked.
 */
void backend_complete_interrupts(struct world *world)
{
	u32 event, type;

	if (world->kind == WORLD_VM) {
		vmx_vcpu_complete(world);
		return;
	}
	event = hw_vmread(VMCS_VECTORING);
	type = event & VMX_EVENT_TYPE;
	if (!(event & VMX_EVENT_VALID)) {
		if (block_of(world)->reason == VMX_REASON_EPT_VIOLATION &&
		    (hw_vmread(VMCS_QUALIFICATION) & VMX_EPT_QUAL_IRET))
			set_nmi_blocking(true);
		return;
	}
	if (type >= VMX_EVENT_SOFT_INTERRUPT)
		return;
	if (type == VMX_EVENT_NMI)
		set_nmi_blocking(false);
	vmx_deliver(world, type | (u8)event, event & VMX_EVENT_ERROR ?
		    (u32)hw_vmread(VMCS_VECTORING_ERROR) : BACKEND_NO_ERROR_CODE);
}

/**
 * backend_event_queued() - will the next entry deliver an event already?
 * @world: the current world of this CPU, or any vCPU of this CPU's
 *
 * Return: true when an exception, an NMI or an interrupt is queued for the next entry.
 */
bool backend_event_queued(const struct world *world)
{
	return block_of(world)->queued;
}

/*
 * Open an NMI window: the world exits when it can take an NMI. In STI's shadow, open an interrupt
 * window instead: some processors open an NMI window even in that shadow, but none injects an NMI
 * there.
 */
static void open_nmi_window(struct vmx_block *b, u32 blocked)
{
	b->nmi_waits = true;
	vmx_set_proc(b, b->proc | (blocked & VMX_BLOCKED_STI ? VMX_PROC_INTERRUPT_WINDOW :
			       VMX_PROC_NMI_WINDOW));
}

/**
 * vmx_window_is_open() - handle the exit of an NMI window or an interrupt window
 * @b: the host world's block
 *
 * Close both windows. The next entry looks at a waiting NMI; for an interrupt,
 * forward_deliver() decides anew before that entry.
 */
void vmx_window_is_open(struct vmx_block *b)
{
	vmx_set_proc(b, b->proc & ~(VMX_PROC_INTERRUPT_WINDOW | VMX_PROC_NMI_WINDOW));
	if (b->nmi_waits)
		this_cpu()->nmi_late = 1;
	b->nmi_waits = false;
}

/*
 * Inject an NMI into Linux at this entry, or open a window for it. An NMI that arrives while
 * another waits merges with it, as in the processor.
 */
static void pass_nmi(struct world *world)
{
	struct vmx_block *b = block_of(world);
	u32 blocked = hw_vmread(VMCS_GUEST_INTERRUPTIBILITY);

	if (b->event || (blocked & (VMX_BLOCKED_STI | VMX_BLOCKED_SS | VMX_BLOCKED_NMI)))
		open_nmi_window(b, blocked);
	else
		vmx_deliver(world, VMX_EVENT_NMI | HW_TRAP_NMI, BACKEND_NO_ERROR_CODE);
}

/**
 * backend_inject_nmi() - inject an NMI at the next entry, or as soon as Linux can take one
 * @world: this CPU's host world; or a vCPU that takes one at its next entry
 */
void backend_inject_nmi(struct world *world)
{
	if (world->kind == WORLD_VM)
		block_of(world)->event = VMX_EVENT_VALID | VMX_EVENT_NMI | HW_TRAP_NMI;
	else
		this_cpu()->nmi_late = 1;	/* the entry checks this */
}

/**
 * vmx_late() - handle an NMI or #MC that arrived after the way out had looked for one
 * @world: the world that was about to be entered
 *
 * Inject the event into Linux. In another world, make up an exit, as if the event had arrived
 * right after the entry. For an NMI do that only once (nmi_late becomes 2), because the scheduler
 * may then decide that Linux has to wait.
 *
 * Return: true when the world exits instead, false when K enters it.
 */
bool vmx_late(struct world *world)
{
	struct cpu *cpu = this_cpu();

	if (world != &cpu->host) {
		if (cpu->nmi_late)
			cpu->nmi_late = 2;
		block_of(world)->forced = VMX_REASON_INTERRUPT;
		return true;
	}
	if (cpu->nmi_late) {
		cpu->nmi_late = 0;
		pass_nmi(world);
	}
	if (!block_of(world)->event && work_take(&cpu->work, WORK_MC))
		vmx_deliver(world, VMX_EVENT_EXCEPTION | HW_TRAP_MC, BACKEND_NO_ERROR_CODE);
	return false;
}

/**
 * vmx_refused() - make up an exit after a VMRESUME or VMLAUNCH that failed as an instruction
 * @world: the world that was to be entered
 *
 * The cause is a bug, or control or host fields that the processor does not accept.
 */
void vmx_refused(struct world *world)
{
	block_of(world)->forced = VMX_REASON_ENTRY_FAILED | VMX_REASON_INVALID_STATE;
}
