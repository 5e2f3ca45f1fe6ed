/* SPDX-License-Identifier: GPL-2.0-only */
/* The assembly around trap(), and the parameters of K that L fills in. */
	.section .params, "a"
	.balign 8
	.globl	k_params
k_params:
	.zero	8192

	.text
/*
 * trap_slow - call trap() for an exception in K
 *
 * In:	on an IST stack: vector, error code, RIP, CS, RFLAGS, RSP, SS
 * Out:	IRETQ to the RIP in the frame, which trap() has moved if there is a fix-up;
 *	trap() does not return from a bug of K's
 */
	.globl	trap_slow
trap_slow:
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	cld
	mov	%rsp, %rdi
	call	trap
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$16, %rsp
	iretq

/*
 * k_stack_reset - abandon the stack and call a function that does not return
 *
 * In:	rdi	new stack pointer
 *	rsi	the function
 *	rdx	its argument
 */
	.globl	k_stack_reset
k_stack_reset:
	mov	%rdi, %rsp
	mov	%rdx, %rdi
	call	*%rsi			/* needs no retpoline: K gives up here */
	ud2
