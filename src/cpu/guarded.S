/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accesses that may fault: asked of the CPU instead of predicted. trap() moves
 * RIP from the first address of a pair in .fixups to the second.
 */
#include <regent/fixup.h>

	.text
/* bool guarded_rdmsr(u32 msr, u64 *value) */
	.globl	guarded_rdmsr
guarded_rdmsr:
	mov	%edi, %ecx
1:	rdmsr
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, (%rsi)
	mov	$1, %eax
	jmp	k_return_thunk
	fixup	1b, guarded_failed

/* bool guarded_wrmsr(u32 msr, u64 value) */
	.globl	guarded_wrmsr
guarded_wrmsr:
	mov	%edi, %ecx
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
2:	wrmsr
	mov	$1, %eax
	jmp	k_return_thunk
	fixup	2b, guarded_failed

guarded_failed:
	xor	%eax, %eax
	jmp	k_return_thunk
