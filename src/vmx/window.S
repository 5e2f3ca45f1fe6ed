/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events that arrive while K runs: a physical interrupt that K takes, NMI, #MC. Intel SDM
 * volume 3, "Handling of NMIs" and "Virtual-NMI blocking".
 *
 * K may use IRETQ, because Linux's NMI blocking is the virtual one, which IRETQ in K leaves alone.
 */
#include <regent/abi/handoff.h>

#include "offsets.h"

#define AT_RIP		24	/* offset of RIP: RAX is on top of vector and error code */

	.text
/*
 * int backend_take_interrupt(void) - take one physical interrupt
 *
 * In:	IF clear, on K's stack
 * Out:	eax	its vector, or -1 when none was pending
 *	IF clear
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
 * In, out: as backend_take_interrupt(); -1 also after an NMI. STI's shadow keeps interrupts
 *	away until the HLT; an NMI that arrives between STI and HLT returns behind the HLT.
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
 * void vmx_unblock_nmi(void) - end the NMI blocking that an exit by an NMI leaves
 *
 * IRETQ to the next line does it. The next entry would end the blocking as well, but not on
 * Bochs 2.7. Clobbers RAX.
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

	/* Jump to \no unless RIP was in \from to \to, both included. Clobbers RAX. */
	.macro	unless_in from, to, no
	lea	\from(%rip), %rax
	cmp	%rax, AT_RIP(%rsp)
	jb	\no
	lea	\to(%rip), %rax
	cmp	%rax, AT_RIP(%rsp)
	ja	\no
	.endm

	/* Return to \to instead. Clobbers RAX. */
	.macro	go_to to
	lea	\to(%rip), %rax
	mov	%rax, AT_RIP(%rsp)
	.endm

/*
 * backend_arrival - handle a vector from 32 on; stubs.S jumps here
 *
 * In:	on an IST stack: vector, error code, RIP, CS, RFLAGS, RSP, SS
 * Out:	returns the vector to the caller of backend_take_interrupt() or backend_idle(), which
 *	was interrupted, with IF clear. At any other RIP the arrival is a bug of K's.
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
 * Do not return from an NMI into the last instructions before an entry or before K leaves,
 * which have checked for NMIs already, nor to a HLT, which would never end. Clobbers RAX.
 */
	.macro	fix_return
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
 * backend_nmi - note an NMI, which Linux gets at the next entry; stubs.S jumps here
 *
 * In:	as backend_arrival; the interrupted code is anywhere in K
 */
	.globl	backend_nmi
backend_nmi:
	movl	$1, %gs:CPU_NMI_LATE
	push	%rax
	fix_return
	pop	%rax
	add	$16, %rsp		/* vector, error code */
	iretq

/*
 * backend_mc - handle #MC; stubs.S jumps here
 *
 * Return neither into the last instructions before an entry, which have checked the work word
 * already, nor to a HLT.
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
