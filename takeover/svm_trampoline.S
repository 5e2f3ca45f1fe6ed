/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way into K and out of it: the only code that both Linux's and K's page
 * tables map at the same address. No stack is used between the two.
 *
 * Both ways in (the takeover, and the hypercall that asks to leave) push the
 * same frame, so that one way out serves both: a takeover that the CPU refuses
 * returns as if it had been handed back.
 *
 * No breakpoint may be set here: Linux's handler of it is not there between the two. So
 * all is in .noinstr.text, which kprobes and tracers refuse.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/asm.h>
#include <asm/nospec-branch.h>
#include <asm/segment.h>
#include <asm/unwind_hints.h>

#include <regent/abi/hypercall.h>

#include "frame.h"

	.section .noinstr.text, "ax"
	.balign	64
SYM_DATA_START(regent_trampoline_start)
SYM_DATA_END(regent_trampoline_start)

/*
 * long regent_trampoline_enter(u64 cr3, u64 entry, u64 stack, u64 cpu_va, u64 cr4)
 *
 * In:	interrupts off, SVME set
 * Out:	0: as a world; negative: K refused, and this is the bare machine
 */
SYM_CODE_START(regent_trampoline_enter)
	NO_UNWIND
	ANNOTATE_NOENDBR
	mov	%rcx, %r10
	push_frame
	mov	%r10, %rcx
	mov	%rsp, %r9
	clgi				/* no NMI until VMRUN */
	mov	%r8, %cr4		/* drops global and PCID entries */
	mov	%rdi, %cr3
	ANNOTATE_RETPOLINE_SAFE
	jmp	*%rsi
SYM_CODE_END(regent_trampoline_enter)

/*
 * Linux's first instruction as a world: RSP is that of the frame, RAX 0.
 */
SYM_CODE_START(regent_resume)
	NO_UNWIND
	ANNOTATE_NOENDBR
	add	$16, %rsp		/* DS and ES are as they were */
	pop_frame
	RET
SYM_CODE_END(regent_resume)

/*
 * long regent_trampoline_leave(void)
 *
 * In:	as a world, interrupts off (or in an NMI)
 * Out:	0 on the bare machine, SVME still set
 */
SYM_CODE_START(regent_trampoline_leave)
	NO_UNWIND
	ANNOTATE_NOENDBR
	push_frame
	mov	$REGENT_HC_MAGIC, %r11
	mov	$REGENT_HC_LEAVE, %eax
1:	vmmcall
	jmp	regent_resume		/* K refused; not reached */
2:	mov	$-38, %rax		/* #UD: nobody is there */
	jmp	regent_resume
	_ASM_EXTABLE(1b, 2b)
SYM_CODE_END(regent_trampoline_leave)

/*
 * The way out: from K's leave, on K's page tables.
 *
 * In:	rdi Linux's CR3, rsi its CR4, rdx its RSP, rax the result; GIF clear, IF
 *	set
 */
SYM_CODE_START(regent_trampoline_out)
	NO_UNWIND
	ANNOTATE_NOENDBR
	/* CR4.PCIDE may only be set while CR3 holds PCID 0. */
	mov	%rdi, %r8
	and	$~0xfff, %r8
	mov	%r8, %cr3
	mov	%rsi, %cr4
	mov	%rdi, %cr3
	mov	%rdx, %rsp
	/* #VMEXIT gave K's data segments; Linux's may be a user's. */
	mov	$__KERNEL_DS, %ecx
	mov	%ecx, %ss
	pop	%rcx
	mov	%ecx, %es
	pop	%rcx
	mov	%ecx, %ds
	/*
	 * K runs with IF set (k_entry). The caller has interrupts off, maybe in
	 * an NMI with locks held, and they come back no earlier than its flags.
	 */
	cli
	stgi
	pop_frame
	RET
SYM_CODE_END(regent_trampoline_out)

SYM_DATA_START(regent_trampoline_end)
	ANNOTATE_NOENDBR		/* nobody goes there */
	int3
SYM_DATA_END(regent_trampoline_end)

/*
 * long regent_vmmcall(u64 nr, u64 a, u64 b) - a hypercall; -ENODEV (-19) when
 * nobody is there to take it
 */
SYM_FUNC_START(regent_vmmcall)
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	$REGENT_HC_MAGIC, %r11
3:	vmmcall
	jmp	5f
4:	mov	$-19, %rax
5:	RET
	_ASM_EXTABLE(3b, 4b)
SYM_FUNC_END(regent_vmmcall)
