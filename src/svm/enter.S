/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VM entry and exit. AMD APM volume 2, "Secure Virtual Machine", VMRUN and #VMEXIT.
 *
 * RSP walks through struct world_regs: pops load the world's registers, pushes save them, and
 * no other register is needed. Nothing can use that RSP as a stack meanwhile: GIF is clear, and
 * K's exceptions run on IST stacks.
 */
#include "offsets.h"

#if WORLD_REGS != 0 || WORLD_LINK != 14 * 8
#error "struct world_regs has changed: change the pushes and pops"
#endif

	.text
/*
 * k_entry - K's first instruction: L's trampoline jumps here once for each takeover of a CPU
 *
 * In:	rdx	top of K's stack on this CPU
 *	rcx	struct cpu
 *	r9	Linux's RSP
 *	CR3 is K's; GDT, IDT, TR and segments are still Linux's; RFLAGS.IF and
 *	GIF are clear.
 * Does not return: Linux continues at its resume label, as a world.
 */
	.globl	k_entry
k_entry:
	/* DS and ES may hold a user program's selectors, which K's GDT does not have. */
	xor	%eax, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%rdx, %rsp
	mov	%rcx, %rdi
	mov	%r9, %rsi
	cld
	call	k_enter
	ud2

/*
 * After #VMEXIT, and before RSP has K's stack: save the world's registers. The exit restored K's
 * RAX and RSP.
 */
	.macro	save_regs
	vmsave	%rax
	push	%rax
	push	%rbx
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%rbp
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, %rdi
	.endm

	.macro	load_regs
	mov	WORLD_BACKEND(%rdi), %rsi
	mov	WORLD_RAX(%rdi), %rax
	mov	%rax, VMCB_RAX(%rsi)
	mov	%rdi, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rbp
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rbx
	pop	%rax			/* link */
	vmload	%rax
	.endm

/* RDI: the world */
	.macro	load_k
	mov	WORLD_BACKEND(%rdi), %rsi
	mov	WORLD_HOST(%rdi), %rax
	vmload	%rax			/* K's TR and GS */
	mov	VMCB_RAX(%rsi), %rax
	mov	%rax, WORLD_RAX(%rdi)
	mov	%gs:CPU_STACK_TOP, %rsp
	.endm

/*
 * svm_resume - enter a world, and jump to world_exit() when it exits
 *
 * In:	rdi	struct world: regs.link holds the physical address of its
 *		VMCB, backend the VMCB, backend_host the physical address of
 *		this CPU's host VMCB
 *	GIF clear; K's stack is abandoned
 * Does not return.
 */
	.globl	svm_resume
	.balign	64
svm_resume:
	load_regs
	vmrun	%rax
	save_regs
	load_k
	jmp	world_exit		/* jumps back to svm_resume */
	int3

/*
 * svm_resume_vcpu - the same of a vCPU, which exits to world_exit_vcpu()
 *
 * Nothing of the vCPU's stays in a register while K's C code runs, not even by speculation: it
 * could lead a load there. There is no branch before that, which could be mispredicted; that is
 * why the way in decides, and not the exit.
 */
	.globl	svm_resume_vcpu
	.balign	64
svm_resume_vcpu:
	load_regs
	vmrun	%rax
	save_regs
	.irp	reg, ebx, ecx, edx, ebp, r8d, r9d, r10d, r11d, r12d, r13d, r14d, r15d
	xor	%\reg, %\reg
	.endr
	load_k				/* RSI and RAX, too */
	xor	%eax, %eax
	jmp	world_exit_vcpu
	int3

/*
 * svm_leave - load the part of Linux's state that C code cannot load, and jump out of K
 *
 * In:	rdi	physical address of the VMCB that holds Linux's FS, GS, LDTR,
 *		TR and SYSCALL state
 *	rsi	struct svm_leave_frame, on K's stack
 * Out:	at frame->out, in K's page tables, with
 *	rdi	Linux's CR3
 *	rsi	Linux's CR4
 *	rdx	Linux's RSP
 *	rax	result
 *	GIF clear; all other registers are undefined
 */
	.globl	svm_leave
svm_leave:
	mov	%rdi, %rax
	vmload	%rax
	lgdt	LEAVE_GDTR(%rsi)
	lidt	LEAVE_IDTR(%rsi)
	mov	LEAVE_CR3(%rsi), %rdi
	mov	LEAVE_RSP(%rsi), %rdx
	mov	LEAVE_RESULT(%rsi), %rax
	mov	LEAVE_OUT(%rsi), %rcx
	mov	LEAVE_CR4(%rsi), %rsi
	lfence
	jmp	*%rcx
