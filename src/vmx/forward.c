// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VMX does for a forwarded CPU and for emulation: interrupts that exit and are
 * injected, and Linux's registers by number. Intel SDM volume 3, "Event Injection",
 * "APIC Virtualization and Virtual Interrupts".
 */
#include <hw/asm.h>
#include <hw/cr.h>
#include <hw/vmcs.h>
#include <hw/vmx.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/decode.h>
#include <regent/k.h>

#include "vmx.h"

/*
 * A spinlock that is free soon costs no exit: a loop of PAUSEs, less than so many
 * cycles apart, that takes so many cycles.
 */
#define PAUSE_GAP	128
#define PAUSE_WINDOW	(3000 * 40)

#define APIC_TPR	0x80

static struct vmx_block *block_of(const struct world *world)
{
	return world->backend;
}

/* The preemption timer counts while the world runs, and keeps its place at exits. */
static void start_slices(struct vmx_block *b, bool on)
{
	u32 exit = k_params.backend[VMX_PARAM_EXIT_ENTRY];

	if (!k_has(REGENT_FEAT_SLICE_TIMER))
		return;
	vmx_set_pin(b, on ? b->pin | VMX_PIN_TIMER : b->pin & ~VMX_PIN_TIMER);
	hw_vmwrite(VMCS_EXIT_CONTROLS, on ? exit | VMX_EXIT_SAVE_TIMER : exit);
	hw_vmwrite(VMCS_TIMER, ~0u);
}

/**
 * backend_slice() - exit at a time, or earlier where that is too far away
 * @world: the current one, of a forwarded CPU
 * @end: TSC; ~0 for never
 */
void backend_slice(struct world *world, u64 end)
{
	u64 now, value;

	(void)world;
	if (!k_has(REGENT_FEAT_SLICE_TIMER))
		return;
	now = hw_rdtsc();
	value = end > now ? (end - now) >> k_params.backend[VMX_PARAM_TIMER_RATE] : 0;
	hw_vmwrite(VMCS_TIMER, value < ~0u ? value + 1 : ~0u);
}

/**
 * backend_forward() - whose the physical interrupts are
 * @world: the system world, of this CPU
 * @on: K's; the local APIC's page and MSRs are K's then, too, and CR8 is virtual
 */
void backend_forward(struct world *world, bool on)
{
	struct vmx_block *b = block_of(world);
	u32 proc = VMX_PROC_TPR_SHADOW;

	hw_vmwrite(VMCS_VIRTUAL_APIC_PAGE, this_cpu()->handoff->backend_pa[VMX_PA_APIC]);
	hw_vmwrite(VMCS_TPR_THRESHOLD, 0);
	if (k_has(REGENT_FEAT_PAUSE_FILTER)) {
		hw_vmwrite(VMCS_PLE_GAP, PAUSE_GAP);
		hw_vmwrite(VMCS_PLE_WINDOW, PAUSE_WINDOW);
	}
	hw_vmwrite(VMCS_MSR_BITMAP, k_params.backend[on ? VMX_PARAM_FORWARD_MSR_BITMAP :
						     VMX_PARAM_MSR_BITMAP]);
	hw_vmwrite(VMCS_EPT_POINTER, vmx_eptp(on ? k_params.forward_root :
					      k_params.nested_root, k_params.levels));
	vmx_set_pin(b, on ? b->pin | VMX_PIN_INTERRUPT : b->pin & ~VMX_PIN_INTERRUPT);
	vmx_set_proc(b, on ? b->proc | proc : b->proc & ~proc);
	if (!on)
		backend_window(world, false);
	start_slices(b, on);
	backend_flush(world);
}

/**
 * backend_intercept_idle() - does the world give the CPU away when it waits?
 * @world: the system world, of this CPU
 * @on: it does: by HLT and MWAIT, and where the CPU counts them, by many PAUSEs
 */
void backend_intercept_idle(struct world *world, bool on)
{
	struct vmx_block *b = block_of(world);
	u32 waits = VMX_PROC_HLT | VMX_PROC_MWAIT;

	vmx_set_proc(b, on ? b->proc | waits : b->proc & ~waits);
	if (!k_has(REGENT_FEAT_PAUSE_FILTER))
		return;
	vmx_set_proc2(b, on ? b->proc2 | VMX_PROC2_PAUSE_LOOP :
			 b->proc2 & ~VMX_PROC2_PAUSE_LOOP);
}

static u32 blocked(const struct vmx_block *b)
{
	return likely(b->loaded) ? hw_vmread(VMCS_GUEST_INTERRUPTIBILITY) : b->blocked;
}

/**
 * backend_in_shadow() - did the world execute STI or a move to SS just now?
 * @world: of this CPU
 */
bool backend_in_shadow(const struct world *world)
{
	return blocked(block_of(world)) & (VMX_BLOCKED_STI | VMX_BLOCKED_SS);
}

/**
 * backend_flag_if() - does the world have interrupts on, shadow or not?
 * @world: of this CPU
 */
bool backend_flag_if(const struct world *world)
{
	const struct vmx_block *b = block_of(world);
	u64 flags = likely(b->loaded) ? hw_vmread(VMCS_GUEST_RFLAGS) : b->flags;

	return flags & HW_RFLAGS_IF;
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
	const struct vmx_block *b = block_of(world);

	return b->apic[APIC_TPR] >> 4 == tpr >> 4 &&
	       !(b->proc & VMX_PROC_INTERRUPT_WINDOW) && !backend_in_shadow(world);
}

/**
 * backend_window() - exit as soon as the world can take an interrupt
 * @world: of this CPU, forwarded
 * @wanted: or not any more
 */
void backend_window(struct world *world, bool wanted)
{
	struct vmx_block *b = block_of(world);

	if (wanted == !!(b->proc & VMX_PROC_INTERRUPT_WINDOW) || (b->nmi_waits && !wanted))
		return;
	vmx_set_proc(b, b->proc ^ VMX_PROC_INTERRUPT_WINDOW);
}

/**
 * backend_inject_interrupt() - the world gets an interrupt at the next entry
 * @world: of this CPU, interruptible, no event queued
 * @vector: its vector
 */
void backend_inject_interrupt(struct world *world, u8 vector)
{
	vmx_deliver(world, VMX_EVENT_EXTERNAL | vector, BACKEND_NO_ERROR_CODE);
}

/**
 * backend_tpr() - the task priority the world has set by CR8
 * @world: of this CPU, forwarded
 */
u8 backend_tpr(const struct world *world)
{
	return block_of(world)->apic[APIC_TPR];
}

/**
 * backend_set_tpr() - what the world reads in CR8
 * @world: of this CPU, forwarded
 * @tpr: as in the APIC; the upper four bits are CR8
 */
void backend_set_tpr(struct world *world, u8 tpr)
{
	block_of(world)->apic[APIC_TPR] = tpr & 0xf0;
}

/**
 * backend_decode_mode() - what the current instruction is written in
 * @world: of this CPU
 *
 * Return: enum decode_mode.
 */
int backend_decode_mode(const struct world *world)
{
	u32 access = hw_vmread(VMCS_GUEST_ACCESS(REGENT_CS));

	(void)world;
	if ((hw_vmread(VMCS_GUEST_EFER) & HW_EFER_LMA) && (access & VMX_ACCESS_LONG))
		return DECODE_64;
	return access & VMX_ACCESS_BIG ? DECODE_32 : DECODE_16;
}

/**
 * backend_code_bytes() - the instruction as the CPU has fetched it
 * @world: of this CPU
 * @code: where to
 *
 * Return: 0, VMX does not tell.
 */
int backend_code_bytes(const struct world *world, u8 *code)
{
	(void)world;
	(void)code;
	return 0;
}

/**
 * backend_code_words() - the same
 * @world: of this CPU
 * @code: where to
 *
 * Return: 0.
 */
int backend_code_words(const struct world *world, u64 code[2])
{
	(void)world;
	(void)code;
	return 0;
}

/* Where the processor's numbers are in struct world_regs; RSP is not there. */
#define PLACE(reg)	(offsetof(struct world_regs, reg) / 8)

static const u8 place[16] = {
	PLACE(rax), PLACE(rcx), PLACE(rdx), PLACE(rbx), 0, PLACE(rbp), PLACE(rsi),
	PLACE(rdi), PLACE(r8), PLACE(r9), PLACE(r10), PLACE(r11), PLACE(r12),
	PLACE(r13), PLACE(r14), PLACE(r15),
};

/**
 * backend_reg() - one of the world's general registers, to read or to write
 * @world: of this CPU
 * @number: the processor's, 0 to 15. RSP, which is in the VMCS, can only be read: no
 *	device has anything for it
 */
u64 *backend_reg(struct world *world, int number)
{
	if (unlikely(number == 4)) {
		block_of(world)->rsp = hw_vmread(VMCS_GUEST_RSP);
		return &block_of(world)->rsp;
	}
	return (u64 *)&world->regs + place[number];
}

/**
 * backend_advance() - go on behind an emulated instruction
 * @world: of this CPU, in 64-bit mode
 * @length: bytes of it
 */
void backend_advance(struct world *world, int length)
{
	vmx_advance(world, hw_vmread(VMCS_GUEST_RIP) + length);
}

/**
 * backend_get_regs() - the world's registers, in the processor's order
 * @world: of this CPU
 * @r: filled in, but for the segment bases
 */
void backend_get_regs(const struct world *world, struct decode_regs *r)
{
	int i;

	for (i = 0; i < 16; i++)
		r->gpr[i] = *backend_reg((struct world *)world, i);
	r->rip = hw_vmread(VMCS_GUEST_RIP);
	r->flags = hw_vmread(VMCS_GUEST_RFLAGS);
}

/**
 * backend_put_regs() - after an emulated instruction
 * @world: of this CPU
 * @r: as decode_apply() left them
 */
void backend_put_regs(struct world *world, const struct decode_regs *r)
{
	int i;

	for (i = 0; i < 16; i++)
		*backend_reg(world, i) = r->gpr[i];
	hw_vmwrite(VMCS_GUEST_RSP, r->gpr[4]);
	hw_vmwrite(VMCS_GUEST_RFLAGS, r->flags);
	vmx_advance(world, r->rip);
}
