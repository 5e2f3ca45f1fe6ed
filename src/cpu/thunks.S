/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * K's own retpolines and return thunk. GCC makes every indirect call and every return of K's C
 * code go through these, so that a branch predictor that a guest has trained finds no indirect
 * branch in K to steer.
 */
	.text
	.macro	retpoline reg
	.globl	__x86_indirect_thunk_\reg
__x86_indirect_thunk_\reg:
	call	2f
1:	pause
	lfence
	jmp	1b
2:	mov	%\reg, (%rsp)
	ret
	int3
	.endm

	.irp	reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
	.balign	32
	retpoline \reg
	.endr

	.balign	64
	.globl	__x86_return_thunk
	.globl	k_return_thunk
__x86_return_thunk:
k_return_thunk:
	ret
	int3

/*
 * void rsb_fill(void) - fill the return stack buffer with harmless entries
 *
 * 32 entries are as deep as any processor's. There is no loop, because its branches would double
 * the instructions. A return that uses one of the entries speculatively stops at the INT3.
 * Clobbers flags only.
 */
	.globl	rsb_fill
rsb_fill:
	.rept	32
	call	1f
	int3
1:
	.endr
	add	$(32 * 8), %rsp
	lfence
	jmp	k_return_thunk
