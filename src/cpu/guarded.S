/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accesses that may fault: K tries them, and need not predict what this CPU allows. For each,
 * .fixups has a pair of addresses, and trap() moves RIP from the first to the second.
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

/* bool guarded_xsetbv(u32 index, u64 value) */
	.globl	guarded_xsetbv
guarded_xsetbv:
	mov	%edi, %ecx
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
3:	xsetbv
	mov	$1, %eax
	jmp	k_return_thunk
	fixup	3b, guarded_failed

guarded_failed:
	xor	%eax, %eax
	jmp	k_return_thunk
