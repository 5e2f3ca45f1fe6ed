/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Repeat a world's hypercall to L0, with the instruction of this CPU's vendor (HYPERCALL,
 * src/Makefile).
 */
#include <regent/fixup.h>

	.text
/*
 * bool l0_call(struct world_regs *regs) - make the hypercall with the registers in regs, and
 * store all registers there afterwards
 *
 * In:	rdi	regs
 * Out:	eax	1, or 0 when the instruction faulted, because there is no L0
 *	The callee-saved registers of the C ABI are kept. K does not pass on the world's RSP,
 *	because no known hypervisor's calls use it.
 */
	.globl	l0_call
l0_call:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdi
	mov	0x00(%rdi), %r15
	mov	0x08(%rdi), %r14
	mov	0x10(%rdi), %r13
	mov	0x18(%rdi), %r12
	mov	0x20(%rdi), %r11
	mov	0x28(%rdi), %r10
	mov	0x30(%rdi), %r9
	mov	0x38(%rdi), %r8
	mov	0x40(%rdi), %rbp
	mov	0x50(%rdi), %rsi
	mov	0x58(%rdi), %rdx
	mov	0x60(%rdi), %rcx
	mov	0x68(%rdi), %rbx
	mov	0x78(%rdi), %rax
	mov	0x48(%rdi), %rdi
3:	HYPERCALL
	xchg	%rdi, (%rsp)
	mov	%r15, 0x00(%rdi)
	mov	%r14, 0x08(%rdi)
	mov	%r13, 0x10(%rdi)
	mov	%r12, 0x18(%rdi)
	mov	%r11, 0x20(%rdi)
	mov	%r10, 0x28(%rdi)
	mov	%r9, 0x30(%rdi)
	mov	%r8, 0x38(%rdi)
	mov	%rbp, 0x40(%rdi)
	mov	%rsi, 0x50(%rdi)
	mov	%rdx, 0x58(%rdi)
	mov	%rcx, 0x60(%rdi)
	mov	%rbx, 0x68(%rdi)
	mov	%rax, 0x78(%rdi)
	pop	%rax
	mov	%rax, 0x48(%rdi)
	mov	$1, %eax
	jmp	5f
4:	pop	%rdi
	xor	%eax, %eax
5:	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	jmp	k_return_thunk
	fixup	3b, 4b
