/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Into a world and out of it. Intel SDM volume 3, "VM Entries" and "VM Exits".
 *
 * The stack pointer walks through struct world_regs: pops load the world, and an
 * exit finds RSP behind it (VMCS_HOST_RSP), so that pushes save it, with no other
 * register in use. IF is clear in K, and its exceptions run on IST stacks.
 *
 * NMIs come in K at any time. Nothing that comes between the last look for one and
 * the entry may wait for the next exit: backend_nmi (window.S) sees that RIP is in
 * a window and moves it to the way that looks again. What was popped is still in
 * memory.
 */
#include "offsets.h"

#if WORLD_REGS != 0 || WORLD_LINK != 14 * 8 || WORLD_RAX != 15 * 8
#error "struct world_regs has changed: change the pushes and pops"
#endif

	.macro	save_regs
	push	%rax
	push	%rax			/* link: not used */
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
	.endm

	.text
/*
 * k_entry - the first exit on a CPU after a takeover: L has launched Linux as a
 * world, with this as where exits go
 *
 * In:	as at each exit, RSP at the top of K's stack
 * Does not return: k_enter() finds Linux's registers on its stack.
 */
	.globl	k_entry
k_entry:
	save_regs
	mov	%rsp, %rsi
	lea	(CPU_BELOW_STACK_TOP + 16 * 8)(%rsp), %rdi
	call	k_enter
	ud2

/*
 * vmx_resume - enter a world, and go to world_exit() each time it exits
 *
 * In:	rdi	struct world; its VMCS is current, with RSP for exits behind its regs
 *	IF clear; the stack is abandoned
 * Does not return.
 */
	.globl	vmx_resume
	.globl	vmx_window_start
	.globl	vmx_window_last
	.balign	64
vmx_resume:
vmx_window_start:
	cmpl	$1, %gs:CPU_NMI_LATE
	je	vmx_late_entry
	mov	WORLD_BACKEND(%rdi), %rax
	cmpl	$0, BLOCK_LAUNCHED(%rax)
	mov	%rdi, %rsp
	pop	%r15			/* no pop changes the flags */
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
	pop	%rax
	je	1f
	vmresume
	jmp	2f			/* refused */
1:
vmx_window_last:
	vmlaunch
2:	/* Refused before the world's state was touched. */
	mov	%gs:CPU_CURRENT, %rdi
	mov	%gs:CPU_STACK_TOP, %rsp
	call	vmx_refused
	mov	%rax, %rdi
	jmp	vmx_resume

	.globl	vmx_exit
	.balign	64
vmx_exit:
	save_regs
	mov	%rsp, %rdi
	mov	%gs:CPU_STACK_TOP, %rsp
	jmp	world_exit		/* it comes back to vmx_resume */
	int3

	.globl	vmx_late_entry
vmx_late_entry:
	mov	%gs:CPU_CURRENT, %rdi
	mov	%gs:CPU_STACK_TOP, %rsp
	call	vmx_late
	mov	%rax, %rdi
	jmp	vmx_resume

/*
 * vmx_leave - leave K: the VMCS has Linux's state as that of an exit, and an entry
 * that comes straight back there
 *
 * In:	rdi	result
 *	rsi	struct regent_handoff.left, told of an NMI that came
 *	edx	0: the entry is VMLAUNCH
 * Out:	at L's way out, on Linux's page tables and stack, with
 *	rax	result
 */
	.globl	vmx_leave
	.globl	vmx_leave_start
	.globl	vmx_leave_last
	.globl	vmx_leave_late
vmx_leave:
vmx_leave_start:
	cmpl	$0, %gs:CPU_NMI_LATE
	jne	vmx_leave_late
	mov	%rdi, %rax
	test	%edx, %edx
	je	1f
	vmresume
	ud2
1:
vmx_leave_last:
	vmlaunch
	ud2
vmx_leave_late:
	movl	$0, %gs:CPU_NMI_LATE
	orl	$LEFT_NMI, (%rsi)
	jmp	vmx_leave
