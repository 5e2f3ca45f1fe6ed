/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The code of the test worlds: each fills its registers with a pattern, yields, and checks that
 * all registers still have it. K copies the code to 0x1000 of the world's memory. The data, which
 * world.c fills in, are at 0x2000:
 *
 *	0x2000	rax rbx rcx rdx rsi rdi rbp rsp r8-r15, 8 bytes each
 *	0x2080	flags
 *	0x2100	xmm0-xmm15
 *	0x2200	DR0-DR3
 *	0x2220	CR2
 *	0x2228	10 MSRs: FS, GS, KERNEL_GS base, STAR, LSTAR, CSTAR, SFMASK,
 *		SYSENTER_CS, _ESP, _EIP
 *	0x2280	XCR0
 *	0x2288	DR6, DR7
 *	0x2298	TSC_AUX
 *	0x22a0	1 if the CPU has RDTSCP, which reads TSC_AUX
 *	0x22a8	1 if the world leaves the debug registers alone
 *	0x2800	scratch
 *	0x2f00	number of rounds without a wrong register
 *	0x2f08	number of the first wrong register: 1 flags, from 2 the
 *		general ones, 32 XMM, 64 DR0-DR3, 68 CR2, 70 MSRs, 80 XCR0, 81 DR6,
 *		82 DR7, 83 TSC_AUX
 *
 * The worlds run with IF set, although they get no interrupt of their own. An interrupt for Linux
 * makes an exit whatever IF is, but Bochs 2.7 holds it off after an entry with IF clear.
 */
#define DATA	0x2000
#define FLAGS	0x2080
#define XMM	0x2100
#define DRS	0x2200
#define CR2V	0x2220
#define MSRS	0x2228
#define NR_MSRS	10
#define XCR0V	0x2280
#define DR6V	0x2288
#define DR7V	0x2290
#define TSC_AUXV	0x2298
#define RDTSCP	0x22a0
#define NO_DEBUG	0x22a8
#define SCRATCH	0x2800
#define ROUNDS	0x2f00
#define WRONG	0x2f08

	.section .rodata
	.globl	k_bench, k_bench_end, k_spin, k_spin_end, k_nap, k_nap_end
	.globl	k_test64, k_test64_end, k_test32, k_test32_end, k_test16, k_test16_end

/* Compare a register with the word at where; n is the number to report before going to wrong. */
	.macro	check n, reg, where, wrong
	cmp	\reg, \where
	movb	$\n, WRONG
	jne	\wrong
	.endm

	.macro	check64 n, reg, where
	check	\n, \reg, \where, test64_wrong
	.endm

/* The general registers that every mode has but the stack pointer; size is r or e. */
	.macro	load_general size
	mov	DATA + 8 * 0, %\size\()ax
	mov	DATA + 8 * 1, %\size\()bx
	mov	DATA + 8 * 2, %\size\()cx
	mov	DATA + 8 * 3, %\size\()dx
	mov	DATA + 8 * 4, %\size\()si
	mov	DATA + 8 * 5, %\size\()di
	mov	DATA + 8 * 6, %\size\()bp
	.endm

	.macro	check_general size, wrong
	check	2, %\size\()ax, DATA, \wrong
	check	3, %\size\()bx, DATA + 8, \wrong
	check	4, %\size\()cx, DATA + 16, \wrong
	check	5, %\size\()dx, DATA + 24, \wrong
	check	6, %\size\()si, DATA + 32, \wrong
	check	7, %\size\()di, DATA + 40, \wrong
	check	8, %\size\()bp, DATA + 48, \wrong
	check	9, %\size\()sp, DATA + 56, \wrong
	.endm

	.balign	16
	.code64
k_test64:
	/* Load once: debug registers, CR2, MSRs. Checks do not change them. */
	cmpb	$0, NO_DEBUG
	jne	1f
	mov	DRS, %rax
	mov	%rax, %dr0
	mov	DRS + 8, %rax
	mov	%rax, %dr1
	mov	DRS + 16, %rax
	mov	%rax, %dr2
	mov	DRS + 24, %rax
	mov	%rax, %dr3
	mov	DR6V, %rax
	mov	%rax, %dr6
	mov	DR7V, %rax
	mov	%rax, %dr7
1:	mov	CR2V, %rax
	mov	%rax, %cr2
	lea	test64_msrs(%rip), %rsi
	mov	$MSRS, %rdi
	mov	$NR_MSRS, %ebx
1:	mov	(%rsi), %ecx
	mov	(%rdi), %eax
	mov	4(%rdi), %edx
	wrmsr
	add	$4, %rsi
	add	$8, %rdi
	dec	%ebx
	jnz	1b

test64_round:
	.set	i, 0
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movdqu	XMM + 16 * \n, %xmm\n
	.endr
	mov	DATA + 8 * 7, %rsp
	pushq	FLAGS
	popfq
	load_general r
	.irp	n, 8, 9, 10, 11, 12, 13, 14, 15
	mov	DATA + 8 * \n, %r\n
	.endr
	HYPERCALL

	movb	$1, WRONG
	pushfq
	mov	%rax, SCRATCH
	popq	%rax
	cmp	%rax, FLAGS
	jne	test64_wrong
	mov	SCRATCH, %rax
	cld
	check_general r, test64_wrong
	.irp	n, 8, 9, 10, 11, 12, 13, 14, 15
	check64	(2 + \n), %r\n, (DATA + 8 * \n)
	.endr
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movdqu	%xmm\n, SCRATCH
	mov	SCRATCH, %rax
	check64	(32 + \n), %rax, (XMM + 16 * \n)
	mov	SCRATCH + 8, %rax
	check64	(32 + \n), %rax, (XMM + 16 * \n + 8)
	.endr
	cmpb	$0, NO_DEBUG
	jne	5f
	mov	%dr0, %rax
	check64	64, %rax, DRS
	mov	%dr1, %rax
	check64	65, %rax, (DRS + 8)
	mov	%dr2, %rax
	check64	66, %rax, (DRS + 16)
	mov	%dr3, %rax
	check64	67, %rax, (DRS + 24)
	mov	%dr6, %rax
	check64	81, %rax, DR6V
	mov	%dr7, %rax
	check64	82, %rax, DR7V
5:	mov	%cr2, %rax
	check64	68, %rax, CR2V
	lea	test64_msrs(%rip), %rsi
	mov	$MSRS, %rdi
	mov	$70, %ebx
2:	mov	%bl, WRONG
	mov	(%rsi), %ecx
	rdmsr
	cmp	(%rdi), %eax
	jne	test64_wrong
	cmp	4(%rdi), %edx
	jne	test64_wrong
	add	$4, %rsi
	add	$8, %rdi
	inc	%ebx
	cmp	$(70 + NR_MSRS), %ebx
	jne	2b
	cmpq	$0, XCR0V
	je	4f
	xor	%ecx, %ecx
	xgetbv
	check64	80, %eax, XCR0V
4:	cmpb	$0, RDTSCP
	je	3f
	rdtscp
	check64	83, %ecx, TSC_AUXV
3:	movb	$0, WRONG
	incq	ROUNDS
	jmp	test64_round
test64_wrong:
	hlt
	jmp	test64_wrong
	.balign	4
test64_msrs:
	.long	0xc0000100, 0xc0000101, 0xc0000102
	.long	0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084
	.long	0x174, 0x175, 0x176
k_test64_end:

	.balign	16
	.code32
k_test32:
	/* While CR4.DE is clear, DR5 is DR7. The first write has to exit to K. */
	mov	$0x400, %eax
	mov	%eax, %db5
	mov	DATA + 8 * 7, %esp
	pushl	FLAGS
	popfl
	load_general e
	HYPERCALL
	movb	$1, WRONG
	pushfl
	mov	%eax, SCRATCH
	popl	%eax
	cmp	%eax, FLAGS
	jne	test32_wrong
	mov	SCRATCH, %eax
	check_general e, test32_wrong
	movb	$0, WRONG
	incl	ROUNDS
	jmp	k_test32
test32_wrong:
	hlt
	jmp	test32_wrong
k_test32_end:

/* Code in real mode that waits between two rounds by \wait: a yield or HLT. */
	.macro	test16 name, wait
	.balign	16
	.code16
\name:
	mov	DATA + 8 * 7, %esp
	pushl	FLAGS
	popfl
	load_general e
	\wait
	movb	$1, WRONG
	pushfl
	mov	%eax, SCRATCH
	popl	%eax
	cmp	%eax, FLAGS
	jne	\name\()_wrong
	mov	SCRATCH, %eax
	check_general e, \name\()_wrong
	movb	$0, WRONG
	incl	ROUNDS
	jmp	\name
\name\()_wrong:
	hlt
	jmp	\name\()_wrong
\name\()_end:
	.endm

	test16	k_test16, HYPERCALL
	test16	k_nap, hlt

/* For measuring a switch: a yield and a jump, and no more. */
k_bench:
	HYPERCALL
	jmp	k_bench
k_bench_end:

/* A world that never yields: it counts. */
k_spin:
	incl	ROUNDS
	jmp	k_spin
k_spin_end:
