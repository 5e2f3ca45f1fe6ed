/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VM entry and exit. Intel SDM volume 3, "VM Entries" and "VM Exits".
 *
 * RSP walks through struct world_regs: pops load the world's registers. An exit loads RSP with
 * the struct's end (VMCS_HOST_RSP), so that pushes save them, and no other register is needed.
 * IF is clear in K, and its exceptions run on IST stacks.
 *
 * An NMI may arrive in K at any time. One that arrives between the last check of nmi_late and
 * the entry must not wait for the next exit: backend_nmi (window.S) sees that RIP is in
 * vmx_window_start to vmx_window_last and moves it to vmx_late_entry. The registers that were
 * popped are still in memory.
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
 * k_entry - the first exit on a CPU after a takeover: L has launched Linux as a world, with
 * k_entry in VMCS_HOST_RIP
 *
 * In:	as at each exit, with RSP at the top of K's stack
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
 * vmx_resume - enter a world; vmx_exit continues when it exits
 *
 * In:	rdi	struct world; its VMCS is current, VMCS_HOST_RSP is the end of its regs
 *	IF clear; K's stack is abandoned
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
	pop	%r15			/* pops keep the flags for the je below */
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
	jmp	2f			/* the processor refused the entry */
1:
vmx_window_last:
	vmlaunch
2:	/* The processor refused the entry before it loaded any state of the world. */
	mov	%gs:CPU_CURRENT, %rdi
	mov	%gs:CPU_STACK_TOP, %rsp
	call	vmx_refused
	mov	%gs:CPU_CURRENT, %rdi
	jmp	world_exit

/*
 * vmx_exit - save the world's registers, and jump to world_exit()
 *
 * In:	as an exit leaves the CPU: RSP at the end of the world's regs, IF clear
 */
	.globl	vmx_exit
	.balign	64
vmx_exit:
	save_regs
	mov	%rsp, %rdi
	mov	%gs:CPU_STACK_TOP, %rsp
	jmp	world_exit		/* jumps back to vmx_resume */
	int3

/*
 * vmx_exit_vcpu - the same of a vCPU, and jump to world_exit_vcpu()
 *
 * In:	as vmx_exit
 *
 * Nothing of the vCPU's stays in a register while K's C code runs, not even by speculation: it
 * could lead a load there. There is no branch before that, which could be mispredicted.
 */
	.globl	vmx_exit_vcpu
	.balign	64
vmx_exit_vcpu:
	save_regs
	mov	%rsp, %rdi
	.irp	reg, eax, ebx, ecx, edx, esi, ebp, r8d, r9d, r10d, r11d, r12d, r13d, r14d, r15d
	xor	%\reg, %\reg
	.endr
	mov	%gs:CPU_STACK_TOP, %rsp
	jmp	world_exit_vcpu
	int3

/*
 * vmx_late_entry - handle an NMI or #MC that arrived right before an entry, and enter the
 * world, or exit from it if vmx_late() says so
 *
 * In:	IF clear, any RSP
 */
	.globl	vmx_late_entry
vmx_late_entry:
	mov	%gs:CPU_CURRENT, %rdi
	mov	%gs:CPU_STACK_TOP, %rsp
	call	vmx_late
	mov	%gs:CPU_CURRENT, %rdi
	test	%al, %al
	je	vmx_resume
	jmp	world_exit

/*
 * vmx_leave - leave K by an entry that exits at once
 *
 * In:	rdi	result
 *	rsi	address of regent_handoff.left, which gets LEFT_NMI if an NMI arrives
 *	edx	0: use VMLAUNCH for the entry
 *	The VMCS has Linux's state in its host fields, which the exit loads.
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
