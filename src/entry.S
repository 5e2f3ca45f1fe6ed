/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The image's header, and the first instruction of K on a CPU.
 */
#include <regent/abi/handoff.h>

	.section .header, "a"
	.quad	REGENT_IMAGE_MAGIC
	.long	REGENT_IMAGE_ABI
	.long	k_text_size
	.long	k_rodata_size
	.long	k_file_size
	.long	k_image_size
	.long	0
	.quad	k_entry
	.quad	k_idt
	.quad	k_stubs
	.quad	k_params

/*
 * k_entry - from L's trampoline, once for each takeover of a CPU
 *
 * In:	rdx	top of K's stack on this CPU
 *	rcx	struct cpu
 *	r9	Linux's RSP
 *	CR3 is K's; GDT, IDT, TR and segments are still Linux's; RFLAGS.IF and
 *	(SVM) GIF are clear.
 * Does not return: Linux goes on at its resume label as a world.
 */
	.text
	.globl	k_entry
k_entry:
	/* Linux's data segments may be a user's, which K's GDT does not have. */
	xor	%eax, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%rdx, %rsp
	mov	%rcx, %rdi
	mov	%r9, %rsi
	cld
	/*
	 * GIF holds everything off. IF is what masks physical interrupts while a
	 * world with V_INTR_MASKING runs, and they are to end its run.
	 */
	sti
	call	k_enter
	ud2
