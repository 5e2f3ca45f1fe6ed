/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking a physical interrupt. An intercepted one stays pending in the APIC;
 * setting GIF for a moment lets it come, through K's IDT. AMD APM volume 2,
 * "Global Interrupt Flag, STGI and CLGI Instructions".
 *
 * Nothing here and nothing that comes in here returns with IRETQ: that would
 * end the NMI blocking of a Linux that is in its NMI handler.
 */
#include "offsets.h"

#define NMI_RSP		24	/* in the frame of an exception */

	.text
/*
 * int backend_take_interrupt(void) - take one physical interrupt
 *
 * In:	GIF clear, on K's stack
 * Out:	eax	its vector, or -1 when none was pending; GIF clear, IF set.
 *		An NMI that came is in cpu->nmi_pending
 */
	.globl	backend_take_interrupt
	.balign	64
backend_take_interrupt:
	sti				/* after a fault of K's it is clear */
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
 * In, out: as backend_take_interrupt(); -1 also after an NMI. What comes between
 *	STGI and HLT ends the wait, too: an interrupt does not come back here, and
 *	an NMI not to the HLT.
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
 * backend_arrival - a vector from 32 on, out of stubs.S
 *
 * In:	on an IST stack: vector, error code, RIP, CS, RFLAGS, RSP, SS
 * Out:	to the caller of backend_take_interrupt() or backend_idle(). Anywhere else
 *	it is a fault of K's: GIF holds interrupts off.
 */
	.globl	backend_arrival
backend_arrival:
	clgi
	push	%rax
	lea	window_start(%rip), %rax
	cmp	%rax, 24(%rsp)
	jb	1f
	lea	idle_end(%rip), %rax	/* GIF is clear in between */
	cmp	%rax, 24(%rsp)
	ja	1f
	mov	8(%rsp), %eax
	mov	48(%rsp), %rsp
	sti
	jmp	__x86_return_thunk
1:	pop	%rax
	jmp	trap_slow

/*
 * backend_mc - vector 18, out of stubs.S: it may come where GIF is set, and
 * nothing is to come on top of it. Not back to a HLT, which GIF would not end
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
 * backend_nmi - vector 2, out of stubs.S: Linux gets it at the next entry
 *
 * In:	as above; the code it interrupts is anywhere between STGI and CLGI
 * Out:	back there, but not to a HLT, NMIs still blocked
 */
	.globl	backend_nmi
backend_nmi:
	clgi				/* what follows must not let one in */
	add	$16, %rsp		/* vector, error code */
	movl	$1, %gs:CPU_NMI_PENDING
	push	%rax
	push	%rcx
	mov	16 + NMI_RSP(%rsp), %rax
	lea	idle_start(%rip), %rcx
	cmp	%rcx, 16(%rsp)		/* RIP */
	jb	1f
	lea	idle_end(%rip), %rcx
	cmp	%rcx, 16(%rsp)
	jb	2f			/* as if behind the HLT */
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
