/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What comes while K runs: a physical interrupt that K lets in, NMI, #MC. Intel SDM
 * volume 3, "Handling of NMIs" and "Virtual-NMI blocking".
 *
 * IRETQ is harmless here: Linux's NMI blocking is the virtual one.
 */
#include <regent/abi/handoff.h>

#include "offsets.h"

#define AT_RIP		24	/* with RAX pushed on top of vector and error code */

	.text
/*
 * int backend_take_interrupt(void) - take one physical interrupt
 *
 * In:	IF clear, on K's stack
 * Out:	eax	its vector, or -1 when none was pending; IF clear
 */
	.globl	backend_take_interrupt
	.balign	64
backend_take_interrupt:
take_start:
	sti
	nop
	nop
	cli
take_end:
	mov	$-1, %eax
	jmp	__x86_return_thunk

/*
 * int backend_idle(void) - wait for a physical interrupt, and take it
 *
 * In, out: as backend_take_interrupt(); -1 also after an NMI. An interrupt does not
 *	come between STI and HLT; an NMI that does comes back behind the HLT.
 */
	.globl	backend_idle
	.balign	64
backend_idle:
idle_start:
	cmpl	$0, %gs:CPU_NMI_LATE
	jne	idle_end
	sti
	hlt
	cli
idle_end:
	cli
	mov	$-1, %eax
	jmp	__x86_return_thunk

/*
 * void vmx_unblock_nmi(void) - NMIs are not blocked any more after an exit for one
 *
 * The entry unblocks them as well, but not that of Bochs 2.7.
 */
	.globl	vmx_unblock_nmi
vmx_unblock_nmi:
	mov	%rsp, %rax
	pushq	$REGENT_SEL_SS
	push	%rax
	pushfq
	pushq	$REGENT_SEL_CS
	lea	1f(%rip), %rax
	push	%rax
	iretq
1:	jmp	__x86_return_thunk

	/* Is RIP from \from up to and with \to? Clobbers RAX; \no if not. */
	.macro	unless_in from, to, no
	lea	\from(%rip), %rax
	cmp	%rax, AT_RIP(%rsp)
	jb	\no
	lea	\to(%rip), %rax
	cmp	%rax, AT_RIP(%rsp)
	ja	\no
	.endm

	/* The interrupted code goes on at \to. */
	.macro	go_to to
	lea	\to(%rip), %rax
	mov	%rax, AT_RIP(%rsp)
	.endm

/*
 * backend_arrival - a vector from 32 on, out of stubs.S
 *
 * In:	on an IST stack: vector, error code, RIP, CS, RFLAGS, RSP, SS
 * Out:	to the caller of backend_take_interrupt() or backend_idle(), IF clear.
 *	Anywhere else it is a fault of K's.
 */
	.globl	backend_arrival
backend_arrival:
	push	%rax
	unless_in take_start, take_end, 1f
	jmp	2f
1:	unless_in idle_start, idle_end, 3f
2:	mov	8(%rsp), %eax
	mov	48(%rsp), %rsp
	jmp	__x86_return_thunk
3:	pop	%rax
	jmp	trap_slow

/*
 * Where K must not go back to after an NMI or a #MC: into an entry, which would not
 * know of it, and to a HLT, which it would not end.
 */
	.macro	go_round
	unless_in vmx_window_start, vmx_window_last, 1f
	go_to	vmx_late_entry
	jmp	3f
1:	unless_in vmx_leave_start, vmx_leave_last, 2f
	go_to	vmx_leave_late
	jmp	3f
2:	unless_in idle_start, idle_end, 3f
	go_to	idle_end
3:
	.endm

/*
 * backend_nmi - vector 2, out of stubs.S: Linux gets it
 */
	.globl	backend_nmi
backend_nmi:
	movl	$1, %gs:CPU_NMI_LATE
	push	%rax
	go_round
	pop	%rax
	add	$16, %rsp		/* vector, error code */
	iretq

/*
 * backend_mc - vector 18, out of stubs.S
 */
	.globl	backend_mc
backend_mc:
	push	%rax
	unless_in vmx_window_start, vmx_window_last, 1f
	go_to	vmx_late_entry
	jmp	2f
1:	unless_in idle_start, idle_end, 2f
	go_to	idle_end
2:	pop	%rax
	jmp	trap_slow
