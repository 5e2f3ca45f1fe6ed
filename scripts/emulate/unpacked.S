/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a boot loader takes for a bzImage's kernel, and enters as such at TO_LOAD:
 * it moves an unpacked Linux, which lies behind it, to where that was linked to run,
 * and enters it as the 64-bit boot protocol says. An emulator without a JIT would
 * spend most of a boot unpacking.
 *
 * In: flat 32-bit protected mode, ESI = boot_params. From the build: TO, where Linux
 * belongs; SIZE, its bytes in the file; MEMORY, its bytes in memory; both multiples
 * of 4. Out: RSI = boot_params, the first 4 GiB mapped as they are, at TO.
 */
	.code32
	.globl	_start
_start:
	cli
	movl	%esi, %ebp

	/* Upwards, and the two may overlap: the last byte first. */
	std
	movl	$image + SIZE - 4, %esi
	movl	$TO + SIZE - 4, %edi
	movl	$SIZE / 4, %ecx
	rep movsl
	cld
	movl	$TO + SIZE, %edi
	movl	$(MEMORY - SIZE) / 4, %ecx
	xorl	%eax, %eax
	rep stosl

	/* One PML4 entry, four of the next level, four tables of 2 MiB pages. */
	movl	$tables + 0x1007, tables
	xorl	%ecx, %ecx
1:	movl	%ecx, %eax
	shll	$12, %eax
	addl	$tables + 0x2007, %eax
	movl	%eax, tables + 0x1000(, %ecx, 8)
	incl	%ecx
	cmpl	$4, %ecx
	jb	1b
	xorl	%ecx, %ecx
2:	movl	%ecx, %eax
	shll	$21, %eax
	orl	$0x83, %eax
	movl	%eax, tables + 0x2000(, %ecx, 8)
	incl	%ecx
	cmpl	$2048, %ecx
	jb	2b

	movl	$tables, %eax
	movl	%eax, %cr3
	movl	$0x20, %eax		/* CR4.PAE */
	movl	%eax, %cr4
	movl	$0xc0000080, %ecx	/* EFER.LME */
	movl	$0x100, %eax
	xorl	%edx, %edx
	wrmsr
	movl	$0x80000001, %eax	/* CR0.PG, PE */
	movl	%eax, %cr0
	lgdt	gdtr
	movl	%ebp, %esi
	ljmp	$8, $TO

	.align	8
gdt:	.quad	0, 0x00af9a000000ffff	/* 64-bit code */
gdtr:	.word	. - gdt - 1
	.long	gdt

	.align	4096
tables:	.fill	6 * 4096
image:
