/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * K takes a physical interrupt. An intercepted interrupt stays pending in the APIC; K sets GIF
 * for a moment, and the interrupt arrives through K's IDT. AMD APM volume 2, "Global Interrupt
 * Flag, STGI and CLGI Instructions".
 *
 * Neither this code nor the interrupt and NMI handlers below return with IRETQ, because IRETQ
 * would end the NMI blocking of a Linux that is in its NMI handler. (backend_mc does, by way of
 * trap_slow.)
 */
#include "offsets.h"

#define NMI_RSP		24	/* offset of RSP in an exception frame, from RIP on */

	.text
/*
 * int backend_take_interrupt(void) - take one physical interrupt
 *
 * In:	GIF clear, on K's stack
 * Out:	eax	its vector, or -1 when none was pending
 *	GIF clear, IF set; WORK_NMI is set if an NMI arrived
 */
	.globl	backend_take_interrupt
	.balign	64
backend_take_interrupt:
	sti				/* IF is clear after a fault in K */
window_start:
	stgi
	nop
	nop
	clgi
	mov	$-1, %eax
	jmp	__x86_return_thunk

/*
 * int backend_idle(void) - wait for a physical interrupt, and take it
 *
 * In, out: as backend_take_interrupt(); -1 also after an NMI. An interrupt or NMI that
 *	arrives between STGI and HLT ends the wait, too: backend_arrival does not return to
 *	this code, and backend_nmi returns behind the HLT.
 */
	.globl	backend_idle
	.balign	64
backend_idle:
	sti
idle_start:
	stgi
	hlt
idle_end:
	clgi
	mov	$-1, %eax
	jmp	__x86_return_thunk

/*
 * backend_arrival - handle a vector from 32 on; stubs.S jumps here
 *
 * In:	on an IST stack: vector, error code, RIP, CS, RFLAGS, RSP, SS
 * Out:	returns the vector to the caller of backend_take_interrupt() or backend_idle(), which
 *	was interrupted. At any other RIP the arrival is a bug of K's, because a clear GIF
 *	holds interrupts off.
 */
	.globl	backend_arrival
backend_arrival:
	clgi
	push	%rax
	lea	window_start(%rip), %rax
	cmp	%rax, 24(%rsp)
	jb	1f
	lea	idle_end(%rip), %rax	/* GIF is clear between the two routines */
	cmp	%rax, 24(%rsp)
	ja	1f
	mov	8(%rsp), %eax
	mov	48(%rsp), %rsp
	sti
	jmp	__x86_return_thunk
1:	pop	%rax
	jmp	trap_slow

/*
 * backend_mc - handle #MC; stubs.S jumps here
 *
 * #MC may arrive while GIF is set. Clear GIF first, so that no interrupt or NMI nests in this
 * handler. Then a HLT of backend_idle() would never end: skip it.
 */
	.globl	backend_mc
backend_mc:
	clgi
	push	%rax
	lea	idle_start(%rip), %rax
	cmp	%rax, 24(%rsp)		/* RIP */
	jb	1f
	lea	idle_end(%rip), %rax
	cmp	%rax, 24(%rsp)
	jae	1f
	mov	%rax, 24(%rsp)
1:	pop	%rax
	jmp	trap_slow

/*
 * backend_nmi - note an NMI, which Linux gets at the next entry; stubs.S jumps here
 *
 * In:	as backend_arrival; the interrupted code is anywhere between STGI and CLGI
 * Out:	back to the interrupted code, but behind a HLT; NMIs are still blocked
 */
	.globl	backend_nmi
backend_nmi:
	clgi				/* the code below must not take an interrupt */
	add	$16, %rsp		/* vector, error code */
	orl	$NMI_WORK, %gs:CPU_WORK
	push	%rax
	push	%rcx
	mov	16 + NMI_RSP(%rsp), %rax
	lea	idle_start(%rip), %rcx
	cmp	%rcx, 16(%rsp)		/* RIP */
	jb	1f
	lea	idle_end(%rip), %rcx
	cmp	%rcx, 16(%rsp)
	jb	2f			/* return behind the HLT */
1:	mov	16(%rsp), %rcx
2:	mov	%rcx, -8(%rax)
	mov	32(%rsp), %rcx		/* RFLAGS */
	mov	%rcx, -16(%rax)
	mov	8(%rsp), %rcx		/* RAX */
	mov	%rcx, -24(%rax)
	pop	%rcx
	lea	-24(%rax), %rsp
	pop	%rax
	popfq
	jmp	__x86_return_thunk
