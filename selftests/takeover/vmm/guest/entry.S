/* SPDX-License-Identifier: GPL-2.0-only */
/* The beginnings of the guest: of a vCPU in real mode, in 64-bit mode, and of all vectors. */
#include "guest.h"

	.section .head, "ax"
	.code16
/* A SIPI: CS is GUEST_BASE >> 4, IP 0, and all else as after INIT */
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	lgdtl	gdtr
	mov	$0x620, %eax		/* PAE, OSFXSR, OSXMMEXCPT */
	mov	%eax, %cr4
	mov	$GUEST_TABLES, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x100, %eax		/* LME */
	wrmsr
	mov	$0x80000033, %eax	/* PG, PE, MP, NE, ET */
	mov	%eax, %cr0
	ljmpl	$8, $1f
	.code64
1:	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$1, %eax
	cpuid
	shr	$24, %ebx		/* its number is its APIC's id */
	mov	%ebx, %esi
	mov	$-1, %edi
	mov	%ebx, %esp
	inc	%esp
	imul	$GUEST_STACK, %esp, %esp
	add	$GUEST_STACKS, %esp
	jmp	guest_entry

/* EDI: function, or -1; ESI: the vCPU's number */
	.org	GUEST_ENTRY - GUEST_BASE
	.globl guest_entry
guest_entry:
	lgdt	gdtr
	lidt	idtr
	call	guest_main
1:	hlt
	jmp	1b

	.balign 8
gdt:	.quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdtr:	.word . - gdt - 1
	.long gdt
	.long 0
idtr:	.word 256 * 16 - 1
	.quad idt

	.text
	.balign 16
	.globl guest_vectors
guest_vectors:
	.set	i, 0
	.rept	256
	.balign 16
	.if i != 8 && (i < 10 || i > 14) && i != 17
	push	$0
	.endif
	push	$i
	jmp	common
	.set	i, i + 1
	.endr

common:
	.irp	reg, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
	push	%\reg
	.endr
	mov	%rsp, %rdi
	cld
	call	guest_interrupt
	.irp	reg, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax
	pop	%\reg
	.endr
	add	$16, %rsp
	iretq
	.section .note.GNU-stack, "", @progbits
