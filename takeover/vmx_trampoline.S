/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way into K and out of it on VMX. All of it runs on Linux's own page tables,
 * stack and IDT, before as after: VMLAUNCH and VM exits change what has to be changed
 * at one stroke.
 *
 * Both ways in (the takeover, and the hypercall that asks to leave) push the
 * same frame, so that one way out serves both.
 *
 * No breakpoint may be set here, see svm_trampoline.S: after an exit not all of Linux's
 * state is back before vmx_disable() has been there.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/asm.h>
#include <asm/nospec-branch.h>
#include <asm/segment.h>

#include <hw/vmcs.h>
#include <regent/abi/hypercall.h>

#include "frame.h"

	.section .noinstr.text, "ax"
/*
 * long regent_vmx_enter(void)
 *
 * In:	interrupts off; this CPU's VMCS is current, and complete but for RSP
 * Out:	0: as a world; negative: on the bare machine
 */
SYM_CODE_START(regent_vmx_enter)
	NO_UNWIND
	ANNOTATE_NOENDBR
	push_frame
	mov	$VMCS_GUEST_RSP, %eax
	vmwrite	%rsp, %rax
	vmlaunch
	add	$16, %rsp		/* refused: nothing has changed */
	pop_frame
	mov	$-22, %rax
	RET
SYM_CODE_END(regent_vmx_enter)

/*
 * Linux's first instructions as a world. K has its first exit at once.
 */
SYM_CODE_START(regent_vmx_resume)
	NO_UNWIND
	ANNOTATE_NOENDBR
	mov	$REGENT_HC_MAGIC, %r11
	mov	$REGENT_HC_NULL, %eax
	vmcall
	add	$16, %rsp		/* DS and ES are as they were */
	pop_frame
	RET
SYM_CODE_END(regent_vmx_resume)

/*
 * long regent_vmx_leave(void)
 *
 * In:	as a world, interrupts off (or in an NMI)
 * Out:	0 on the bare machine, VMX still on
 */
SYM_CODE_START(regent_vmx_leave)
	NO_UNWIND
	ANNOTATE_NOENDBR
	push_frame
	mov	$REGENT_HC_MAGIC, %r11
	mov	$REGENT_HC_LEAVE, %eax
1:	vmcall
	mov	$-38, %rax		/* VMX is on, but no world is there */
2:	add	$16, %rsp
	pop_frame
	RET
3:	mov	$-38, %rax		/* #UD: nobody is there */
	jmp	2b
	_ASM_EXTABLE(1b, 3b)
SYM_CODE_END(regent_vmx_leave)

/*
 * The way out, in VMX root operation: an exit has loaded Linux's state, but for what
 * the C code behind this puts back. RAX is the result.
 */
SYM_CODE_START(regent_vmx_out)
	NO_UNWIND
	ANNOTATE_NOENDBR
	pop	%rcx
	mov	%ecx, %es
	pop	%rcx
	mov	%ecx, %ds
	pop_frame
	RET
SYM_CODE_END(regent_vmx_out)

/*
 * long regent_vmcall(u64 nr, u64 a, u64 b) - a hypercall; -ENODEV (-19) when
 * nobody is there to take it
 */
SYM_FUNC_START(regent_vmcall)
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	$REGENT_HC_MAGIC, %r11
4:	vmcall
	jmp	6f
5:	mov	$-19, %rax
6:	RET
	_ASM_EXTABLE(4b, 5b)
SYM_FUNC_END(regent_vmcall)

/*
 * bool regent_vmxoff(u64 vmcs) - the VMCS goes back to memory, and VMX off; false when
 * it was off
 */
SYM_FUNC_START(regent_vmxoff)
	push	%rdi
	xor	%eax, %eax
9:	vmclear	(%rsp)
10:	vmxoff
	mov	$1, %eax
11:	pop	%rdi
	RET
	_ASM_EXTABLE(9b, 11b)
	_ASM_EXTABLE(10b, 11b)
SYM_FUNC_END(regent_vmxoff)

/* bool regent_vmxon(u64 pa) */
SYM_FUNC_START(regent_vmxon)
	push	%rdi
	xor	%eax, %eax
7:	vmxon	(%rsp)
	seta	%al
8:	pop	%rdi
	RET
	_ASM_EXTABLE(7b, 8b)
SYM_FUNC_END(regent_vmxon)
