// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX's part of a forwarded CPU and of emulation: interrupts that exit and are injected, and
 * Linux's registers by number. Intel SDM volume 3, "Event Injection", "APIC Virtualization and
 * Virtual Interrupts".
 */
#include <hw/asm.h>
#include <hw/cr.h>
#include <hw/vmcs.h>
#include <hw/vmx.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/decode.h>
#include <regent/k.h>

#include "block.h"
#include "vmx.h"

/*
 * A loop of PAUSEs that are less than PAUSE_GAP cycles apart exits after PAUSE_WINDOW cycles, so
 * that a spinlock that is free soon costs no exit.
 */
#define PAUSE_GAP	128
#define PAUSE_WINDOW	(3000 * 40)

#define APIC_TPR	0x80

/* Turn the preemption timer on or off. It counts while the world runs; exits save its count. */
static void start_slices(struct vmx_block *b, bool on)
{
	u32 exit = k_params.backend[VMX_PARAM_EXIT_ENTRY];

	if (!k_has(REGENT_FEAT_SLICE_TIMER))
		return;
	vmx_set_pin(b, on ? b->pin | VMX_PIN_TIMER : b->pin & ~VMX_PIN_TIMER);
	hw_vmwrite(VMCS_EXIT_CONTROLS, on ? exit | VMX_EXIT_SAVE_TIMER : exit);
	hw_vmwrite(VMCS_TIMER, ~0u);
}

/*
 * Bochs does not look at interrupts for Linux while a vCPU has IF clear (docs/testing.md), and
 * such a vCPU may spin for ever. An exit in so many cycles costs nothing on a processor.
 */
static u64 vcpu_slice(u64 end)
{
	u64 soon = hw_rdtsc() + k_params.tsc_khz * 10ull;

	return end < soon ? end : soon;
}

/**
 * backend_slice() - set the preemption timer to the end of a slice
 * @world: the current world of a forwarded CPU
 * @end: TSC at which the slice ends; ~0 for never
 *
 * The world exits earlier if @end is farther away than the timer can count; a vCPU, after 10 ms
 * at the latest.
 */
void backend_slice(struct world *world, u64 end)
{
	u64 now, value;

	if (world->kind == WORLD_VM)
		end = vcpu_slice(end);
	if (!k_has(REGENT_FEAT_SLICE_TIMER))
		return;
	now = hw_rdtsc();
	value = end > now ? (end - now) >> k_params.backend[VMX_PARAM_TIMER_RATE] : 0;
	hw_vmwrite(VMCS_TIMER, value < ~0u ? value + 1 : ~0u);
}

/**
 * backend_forward() - choose whether physical interrupts go to K or to Linux
 * @world: this CPU's host world
 * @on: true: they exit to K, and so do accesses to the local APIC's page and MSRs, and CR8 is
 *	the TPR shadow; false: Linux has all of these
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
					      k_params.npt_root, k_params.levels));
	vmx_set_pin(b, on ? b->pin | VMX_PIN_INTERRUPT : b->pin & ~VMX_PIN_INTERRUPT);
	vmx_set_proc(b, on ? b->proc | proc : b->proc & ~proc);
	if (!on)
		backend_irq_window(world, false);
	start_slices(b, on);
	backend_flush(world);
}

/**
 * backend_intercept_idle() - choose whether a waiting Linux exits to K
 * @world: this CPU's host world
 * @on: true: it exits by HLT, by MWAIT and, on CPUs with PAUSE-loop exiting, by many PAUSEs
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

static u32 interruptibility(const struct vmx_block *b)
{
	return likely(b->loaded) ? hw_vmread(VMCS_GUEST_INTERRUPTIBILITY) : b->blocked;
}

/**
 * backend_in_shadow() - is the world in an interrupt shadow?
 * @world: the current world of this CPU, or its host world
 *
 * Return: true when its last instruction was STI or a move to SS.
 */
bool backend_in_shadow(const struct world *world)
{
	return interruptibility(block_of(world)) & (VMX_BLOCKED_STI | VMX_BLOCKED_SS);
}

/**
 * backend_flag_if() - read the world's RFLAGS.IF
 * @world: the current world of this CPU, or its host world
 *
 * Return: true when IF is set, also in an interrupt shadow.
 */
bool backend_flag_if(const struct world *world)
{
	const struct vmx_block *b = block_of(world);
	u64 flags = likely(b->loaded) ? hw_vmread(VMCS_GUEST_RFLAGS) : b->flags;

	return flags & HW_RFLAGS_IF;
}

/**
 * backend_undisturbed() - is the world as forward_deliver() left it?
 * @world: the host world of this CPU, which is forwarded
 * @tpr: the task priority at that time
 *
 * Return: true when CR8 has not changed, no interrupt window is open, and the world is in no
 * interrupt shadow.
 */
bool backend_undisturbed(const struct world *world, u8 tpr)
{
	const struct vmx_block *b = block_of(world);

	return b->apic[APIC_TPR] >> 4 == tpr >> 4 &&
	       !(b->proc & VMX_PROC_INTERRUPT_WINDOW) && !backend_in_shadow(world);
}

/**
 * backend_irq_window() - open or close the interrupt window
 * @world: the host world of this CPU, which is forwarded
 * @wanted: true: the world exits as soon as it can take an interrupt; false: no such exit,
 *	unless a waiting NMI needs the window
 */
void backend_irq_window(struct world *world, bool wanted)
{
	struct vmx_block *b = block_of(world);

	if (wanted == !!(b->proc & VMX_PROC_INTERRUPT_WINDOW) || (b->nmi_waits && !wanted))
		return;
	vmx_set_proc(b, b->proc ^ VMX_PROC_INTERRUPT_WINDOW);
}

/**
 * backend_inject_interrupt() - inject an interrupt at the next entry
 * @world: the host world of this CPU, interruptible, with no event queued
 * @vector: the interrupt's vector
 */
void backend_inject_interrupt(struct world *world, u8 vector)
{
	vmx_deliver(world, VMX_EVENT_EXTERNAL | vector, BACKEND_NO_ERROR_CODE);
}

/**
 * backend_tpr() - read the task priority that the world has set by CR8
 * @world: the host world of this CPU, which is forwarded
 *
 * Return: the priority as in the APIC's TPR: CR8 in the upper four bits, zeros below.
 */
u8 backend_tpr(const struct world *world)
{
	return block_of(world)->apic[APIC_TPR];
}

/**
 * backend_set_tpr() - set what the world reads in CR8
 * @world: the host world of this CPU, which is forwarded
 * @tpr: the priority as in the APIC's TPR, whose upper four bits are CR8
 */
void backend_set_tpr(struct world *world, u8 tpr)
{
	block_of(world)->apic[APIC_TPR] = tpr & 0xf0;
}

/**
 * backend_decode_mode() - find the operating mode in which to decode the current instruction
 * @world: the current world of this CPU
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
 * backend_code_words() - read the bytes of the current instruction that the CPU has fetched
 * @world: the current world of this CPU
 * @code: left alone
 *
 * Return: 0, because VMX does not give these bytes.
 */
int backend_code_words(const struct world *world, u64 code[2])
{
	(void)world;
	(void)code;
	return 0;
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
 * @world: the current world of this CPU
 * @number: the register's number in the processor's encoding, 0 to 15
 *
 * Return: where the register is, to read or to write. For RSP, which is in the VMCS, this is a
 * copy to read only; no device access loads RSP.
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
 * backend_get_regs() - read the world's registers in the processor's order
 * @world: the current world of this CPU
 * @r: filled in, except the segment bases
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
 * backend_put_regs() - write the world's registers back after an emulated instruction
 * @world: the current world of this CPU
 * @r: the registers as decode_apply() left them; RIP is that of the next instruction
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
