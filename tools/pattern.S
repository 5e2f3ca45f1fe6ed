/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unsigned long pattern_hold(const struct pattern *in, struct pattern *out,
 *			      unsigned long rounds)
 *
 * Fill the general and vector registers from @in, do nothing for a while, and
 * store what they hold then in @out. Whoever interrupts meanwhile must have put
 * everything back. Layout: fifteen general registers (RSP is not one of them), then
 * sixteen of 32 bytes; with @in's "wide" set those are YMM, else XMM.
 */
#define GENERAL(n)	((n) * 8)
#define VECTOR(n)	(128 + (n) * 32)
#define WIDE		120

	.text
	.globl	pattern_hold
	.type	pattern_hold, @function
pattern_hold:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rsi			/* 16: out */
	push	%rdx			/* 8: rounds */
	push	%rdi			/* 0: in */
	cmpq	$0, WIDE(%rdi)
	je	1f
.altmacro
.macro ymm_load n, at
	vmovdqu	\at(%rdi), %ymm\n
.endm
.macro ymm_store n, at
	vmovdqu	%ymm\n, \at(%rax)
.endm
.macro xmm_load n, at
	movdqu	\at(%rdi), %xmm\n
.endm
.macro xmm_store n, at
	movdqu	%xmm\n, \at(%rax)
.endm
.macro all what
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	\what \n, VECTOR(\n)
	.endr
.endm
	all ymm_load
	jmp	2f
1:	all xmm_load
2:	mov	GENERAL(0)(%rdi), %rax
	mov	GENERAL(1)(%rdi), %rbx
	mov	GENERAL(2)(%rdi), %rcx
	mov	GENERAL(3)(%rdi), %rdx
	mov	GENERAL(4)(%rdi), %rsi
	mov	GENERAL(6)(%rdi), %rbp
	mov	GENERAL(7)(%rdi), %r8
	mov	GENERAL(8)(%rdi), %r9
	mov	GENERAL(9)(%rdi), %r10
	mov	GENERAL(10)(%rdi), %r11
	mov	GENERAL(11)(%rdi), %r12
	mov	GENERAL(12)(%rdi), %r13
	mov	GENERAL(13)(%rdi), %r14
	mov	GENERAL(14)(%rdi), %r15
	mov	GENERAL(5)(%rdi), %rdi
3:	decq	8(%rsp)			/* no register is free */
	jnz	3b
	push	%rax
	mov	24(%rsp), %rax		/* out */
	mov	%rbx, GENERAL(1)(%rax)
	mov	%rcx, GENERAL(2)(%rax)
	mov	%rdx, GENERAL(3)(%rax)
	mov	%rsi, GENERAL(4)(%rax)
	mov	%rdi, GENERAL(5)(%rax)
	mov	%rbp, GENERAL(6)(%rax)
	mov	%r8, GENERAL(7)(%rax)
	mov	%r9, GENERAL(8)(%rax)
	mov	%r10, GENERAL(9)(%rax)
	mov	%r11, GENERAL(10)(%rax)
	mov	%r12, GENERAL(11)(%rax)
	mov	%r13, GENERAL(12)(%rax)
	mov	%r14, GENERAL(13)(%rax)
	mov	%r15, GENERAL(14)(%rax)
	popq	GENERAL(0)(%rax)
	mov	(%rsp), %rdi
	cmpq	$0, WIDE(%rdi)
	je	4f
	all ymm_store
	vzeroupper
	jmp	5f
4:	all xmm_store
5:	add	$24, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	.size	pattern_hold, . - pattern_hold
	.section .note.GNU-stack, "", @progbits
