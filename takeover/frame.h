/* SPDX-License-Identifier: GPL-2.0-only */
/* For the backends' assembly: what a C function's caller wants kept, on Linux's stack. */
#ifndef TAKEOVER_FRAME_H
#define TAKEOVER_FRAME_H

#include <asm/unwind_hints.h>

/* The hint's name changed with 6.2; this one came in the same series. */
#ifdef UNWIND_HINT_TYPE_END_OF_STACK
#define NO_UNWIND UNWIND_HINT_END_OF_STACK
#else
#define NO_UNWIND UNWIND_HINT_EMPTY
#endif

	.macro	push_frame
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	pushfq
	mov	%ds, %ecx
	push	%rcx
	mov	%es, %ecx
	push	%rcx
	.endm

	/* DS and ES, on top, are the caller's business. */
	.macro	pop_frame
	popfq
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	.endm

#endif
