/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exception entries of K, and the parameters L fills in.
 *
 * 256 entries, REGENT_STUB_STRIDE bytes apart: L builds the IDT from that.
 * All run on IST stacks, because an exception can come while RSP points into
 * a world's register save area (see svm/enter.S). Interrupts and NMIs are held
 * off whenever K runs, but where the backend lets one in: those are its.
 */
#include <regent/abi/handoff.h>

	.section .params, "a"
	.balign 8
	.globl	k_params
k_params:
	.zero	8192

	.text
	.balign	REGENT_STUB_STRIDE
	.globl	k_stubs
k_stubs:
vector = 0
	.rept 256
	.balign	REGENT_STUB_STRIDE
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || \
	      vector == 21 || vector == 29 || vector == 30)
	pushq	$0			/* where the CPU pushes no error code */
	.endif
	pushq	$vector
	jmp	trap_entry
vector = vector + 1
	.endr

/*
 * trap_entry - common part
 *
 * In:	on an IST stack: vector, error code, RIP, CS, RFLAGS, RSP, SS
 * Out:	back with IRETQ when trap() knows a fix-up, with RIP moved to it;
 *	trap() does not return otherwise
 */
trap_entry:
	cmpq	$31, (%rsp)
	ja	backend_arrival
	cmpq	$2, (%rsp)
	je	backend_nmi
	cmpq	$18, (%rsp)
	je	backend_mc
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
	call	*%rsi			/* cold, and the last thing K does */
	ud2
