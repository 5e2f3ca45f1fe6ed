/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * void worlds_call(struct worlds_frame *frame) - VMMCALL with every general
 * register and the flags as in frame->in, and what is found after it into
 * frame->out.
 *
 * The registers are loaded and stored with moves and a stack only: nothing here
 * changes a flag between POPF, the instruction and PUSHF.
 */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>

#include "worlds.h"

#define IN(n)	(8 * (n))
#define OUT(n)	(8 * (F_REGS + (n)))
#define FAILED	(8 * 2 * F_REGS)

	.text
SYM_FUNC_START(worlds_call)
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	pushfq
	push	%rdi
	mov	%rsp, IN(F_RSP)(%rdi)
	mov	IN(F_RAX)(%rdi), %rax
	mov	IN(F_RBX)(%rdi), %rbx
	mov	IN(F_RCX)(%rdi), %rcx
	mov	IN(F_RDX)(%rdi), %rdx
	mov	IN(F_RSI)(%rdi), %rsi
	mov	IN(F_RBP)(%rdi), %rbp
	mov	IN(F_R8)(%rdi), %r8
	mov	IN(F_R9)(%rdi), %r9
	mov	IN(F_R10)(%rdi), %r10
	mov	IN(F_R11)(%rdi), %r11
	mov	IN(F_R12)(%rdi), %r12
	mov	IN(F_R13)(%rdi), %r13
	mov	IN(F_R14)(%rdi), %r14
	mov	IN(F_R15)(%rdi), %r15
	push	IN(F_RFLAGS)(%rdi)
	mov	IN(F_RDI)(%rdi), %rdi
	popfq
1:	ALTERNATIVE "vmcall", "vmmcall", X86_FEATURE_VMMCALL
2:	push	%rdi
	mov	8(%rsp), %rdi
	mov	%rax, OUT(F_RAX)(%rdi)
	lea	8(%rsp), %rax
	mov	%rax, OUT(F_RSP)(%rdi)
	pushfq
	pop	OUT(F_RFLAGS)(%rdi)
	pop	OUT(F_RDI)(%rdi)
	mov	%rbx, OUT(F_RBX)(%rdi)
	mov	%rcx, OUT(F_RCX)(%rdi)
	mov	%rdx, OUT(F_RDX)(%rdi)
	mov	%rsi, OUT(F_RSI)(%rdi)
	mov	%rbp, OUT(F_RBP)(%rdi)
	mov	%r8, OUT(F_R8)(%rdi)
	mov	%r9, OUT(F_R9)(%rdi)
	mov	%r10, OUT(F_R10)(%rdi)
	mov	%r11, OUT(F_R11)(%rdi)
	mov	%r12, OUT(F_R12)(%rdi)
	mov	%r13, OUT(F_R13)(%rdi)
	mov	%r14, OUT(F_R14)(%rdi)
	mov	%r15, OUT(F_R15)(%rdi)
	pop	%rdi
	popfq
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	RET
3:	push	%rdi
	mov	8(%rsp), %rdi
	movq	$1, FAILED(%rdi)
	pop	%rdi
	jmp	2b
	_ASM_EXTABLE(1b, 3b)
SYM_FUNC_END(worlds_call)
