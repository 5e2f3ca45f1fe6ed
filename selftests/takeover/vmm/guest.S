/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the VMM's guests execute, each piece at CODE (0x1000). A piece tells the VMM a value by
 * OUT of EAX to port 0x10, and ends by HLT.
 */
#define PIECE(name)	.globl guest_##name, guest_##name##_end; guest_##name:
#define END(name)	guest_##name##_end:
#define TELL		out %eax, $0x10

	.section .rodata
	.code16
PIECE(real)
	mov	$0x1234, %ax
	add	%bx, %ax
	mov	%ax, (0x2000)
	movzwl	%ax, %eax
	TELL
	hlt
END(real)

/* What is read from a port goes into a part of RAX. */
PIECE(ports)
	mov	$0xaaaaaaaa, %eax
	mov	$0x11, %dx
	in	%dx, %al
	TELL
	in	%dx, %ax
	TELL
	in	%dx, %eax
	TELL
	mov	$0x5566, %ax
	out	%al, %dx
	out	%ax, %dx
	hlt
END(ports)

/* Reads address 0x3000 for ever. */
PIECE(read)
1:	mov	(0x3000), %eax
	TELL
	jmp	1b
END(read)

/* Counts at 0x3000 for ever, without an exit. */
PIECE(spin)
1:	lock incl (0x3000)
	jmp	1b
END(spin)

/* The same, 100,000 times. */
PIECE(count)
	mov	$100000, %ecx
1:	lock incl (0x3000)
	dec	%ecx
	jnz	1b
	hlt
END(count)

/* Writes EBX to 0x3000. */
PIECE(write)
	mov	%ebx, (0x3000)
	mov	(0x3000), %eax
	TELL
	hlt
END(write)

PIECE(cpuid)
	mov	$0x40000000, %eax
	xor	%ecx, %ecx
	cpuid
	xor	%ebx, %eax
	xor	%ecx, %eax
	xor	%edx, %eax
	TELL
	mov	$0x12345, %eax
	cpuid
	TELL
	hlt
END(cpuid)

/*
 * Interrupts: tells 1 with IF clear, then waits with IF set. The handlers of vmm.c halt, so
 * here each interrupt has one that returns, at 0x2800: it tells 0x77.
 */
PIECE(irq)
	mov	$1, %eax
	TELL
	mov	$2, %eax
	TELL
	sti
	nop
	mov	$3, %eax
	TELL
1:	hlt
	jmp	1b
END(irq)
PIECE(handler)
	mov	$0x77, %eax
	TELL
	iretw
END(handler)

/* No interrupt table: an exception is a triple fault. */
PIECE(triple)
	lidt	(0x2000)
	int3
END(triple)

/* Handlers of #DB to #GP at 0x2100 by a table at 0: each tells its vector. */
#define FAULTS(insn)	insn; TELL
PIECE(faults)
	mov	$0xff, %eax
	vmmcall
	TELL
	mov	$0x2000000, %ecx
	rdmsr
	hlt
END(faults)
PIECE(ud)
	vmrun	%eax
	hlt
END(ud)
PIECE(cr4)
	mov	$0x80000000, %eax
	mov	%eax, %cr4
	hlt
END(cr4)

	.code32
/* With BX the address of a device: all widths, sign, and what reads and writes. */
PIECE(mmio)
	mov	(%ebx), %al
	mov	(%ebx), %ax
	mov	(%ebx), %eax
	TELL
	movzbl	4(%ebx), %eax
	TELL
	movswl	6(%ebx), %eax
	TELL
	movb	$0x12, 8(%ebx)
	movw	$0x1234, 8(%ebx)
	movl	$0x12345678, 8(%ebx)
	orl	$0xf0, 12(%ebx)
	add	16(%ebx), %eax
	TELL
	mov	$3, %ecx
	lea	0x20(%ebx), %edi
	mov	$0x77, %eax
	cld
	rep stosl
	TELL
	hlt
END(mmio)

/* Reads address 0x40003000 by the VMM's tables, by those that it sets itself, and by new ones. */
PIECE(pae)
	mov	0x40003000, %eax
	TELL
	mov	%ebx, %cr3
	mov	0x40003000, %eax
	TELL
	mov	0x40003000, %eax
	TELL
	hlt
END(pae)

/* As handler of #DB, with its stack's end in EBX, where a breakpoint is: endless */
PIECE(push)
	mov	%ebx, %esp
	push	%eax
	jmp	guest_push
END(push)

/* At CPL 3, with a stack that is misaligned by 2: #AC, whose delivery raises it again */
PIECE(misaligned)
	mov	(%esp), %eax
	mov	$0x600d, %eax
	TELL
1:	jmp	1b
END(misaligned)

/* With the stack where nothing is: #UD, and its handler is here */
PIECE(hole)
	ud2
END(hole)

/* The end of memory is at 2(%ebx). */
PIECE(crossing)
	mov	$0x44332211, %eax
	mov	%eax, (%ebx)
	mov	(%ebx), %eax
	TELL
	hlt
END(crossing)

/* From 32-bit mode without paging to long mode, by its own page tables at 0x4000. */
PIECE(long)
	mov	%cr4, %eax
	TELL
	or	$0x20, %eax		/* PAE */
	mov	%eax, %cr4
	mov	%cr4, %eax
	TELL
	mov	$0x4000, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x100, %eax		/* LME */
	wrmsr
	mov	%cr0, %eax
	or	$0x80000000, %eax
	mov	%eax, %cr0
	lgdt	(0x2010)
	ljmp	$8, $(CODE + 2f - guest_long)
	.code64
2:	mov	$0x1122334455667788, %rax
	mov	%rax, %r15
	shr	$32, %rax
	TELL
	mov	$0xc0000080, %ecx
	rdmsr
	TELL
	mov	$0x40003000, %ebx	/* mapped to 0x3000 */
	movl	$0x600d, (%rbx)
	mov	0x3000, %eax
	TELL
	/* A device by way of the page tables */
	mov	$0x50000000, %ebx
	mov	(%rbx), %rax
	mov	%rax, 8(%rbx)
	hlt
END(long)

	.code32
/* Writes of all widths to a port and, with EBX its address, to a device; tells 1; for ever. */
PIECE(writes)
	mov	$0x12, %edx
1:	mov	$0x11111111, %eax
	out	%al, %dx
	mov	$0x22222222, %eax
	out	%ax, %dx
	mov	$0x33333333, %eax
	out	%eax, %dx
	movb	$0x44, (%ebx)
	movw	$0x5555, (%ebx)
	movl	$0x66666666, (%ebx)
	mov	$1, %eax
	TELL
	jmp	1b
END(writes)

/*
 * Interrupts by the APIC, in x2APIC mode if EBX is not 0. Tells 1 when it is ready for them.
 * 0x3000 and 0x3004 count those of two vectors. Waits by HLT, but with 0x300c set it does not.
 * As soon as 0x3008 is set it tells 2.
 */
PIECE(apic)
	test	%ebx, %ebx
	jz	1f
	mov	$0x1b, %ecx
	rdmsr
	or	$0x400, %eax
	wrmsr
	mov	$0x80f, %ecx		/* spurious interrupt vector */
	mov	$0x1ff, %eax
	xor	%edx, %edx
	wrmsr
	jmp	2f
1:	movl	$0x1ff, 0xfee000f0
2:	mov	$1, %eax
	TELL
3:	cli
	cmpl	$0, 0x3008
	jne	5f
	cmpl	$0, 0x300c
	jne	4f
	sti
	hlt
	jmp	3b
4:	sti
	pause
	jmp	3b
5:	movl	$0, 0x3008
	mov	$2, %eax
	TELL
	jmp	3b
	.globl	guest_apic_first, guest_apic_second
guest_apic_first:
	lock incl 0x3000
	jmp	6f
guest_apic_second:
	lock incl 0x3004
6:	test	%ebx, %ebx
	jz	7f
	push	%eax
	mov	$0x80b, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr				/* EOI */
	pop	%eax
	iret
7:	movl	$0, 0xfee000b0
	iret
END(apic)
/*
 * Interrupts by PICs and an I/O APIC. 0x3000 on: how often each vector came that irqchip.c has a
 * gate for. Does what 0x3100 says, and clears it then: 1 writes the byte at 0x3108 to the port at
 * 0x3104; 2 reads a byte; 3 and 4 are the same with the 32 bits at an address; 5 halts until an
 * interrupt has come; 6 tells 6; 7 halts at last.
 */
PIECE(chips)
	mov	$1, %eax
	TELL
	sti
1:	pause
	mov	0x3100, %eax
	test	%eax, %eax
	jz	1b
	mov	0x3104, %edx
	cmp	$5, %eax
	je	6f
	ja	7f
	mov	%eax, %ecx
	mov	0x3108, %eax
	cmp	$2, %ecx
	je	3f
	cmp	$3, %ecx
	je	4f
	ja	5f
	out	%al, %dx
	jmp	2f
3:	xor	%eax, %eax
	in	%dx, %al
	mov	%eax, 0x3108
	jmp	2f
4:	mov	%eax, (%edx)
	jmp	2f
5:	mov	(%edx), %eax
	mov	%eax, 0x3108
2:	movl	$0, 0x3100
	jmp	1b
6:	cli				/* the handler sets 0x310c */
	cmpl	$0, 0x310c
	jne	8f
	sti
	hlt
	jmp	6b
8:	movl	$0, 0x310c
	sti
	jmp	2b
7:	cmp	$6, %eax
	jne	9f
	TELL
	jmp	2b
9:	cli
	hlt
#define HANDLER(name, at, eoi)			\
	.globl	guest_chips_##name;		\
guest_chips_##name:				\
	lock incl at;				\
	movl	$1, 0x310c;			\
	jmp	eoi
HANDLER(timer, 0x3000, 10f)
HANDLER(master, 0x3004, 10f)
HANDLER(slave, 0x3008, 11f)
HANDLER(edge, 0x300c, 12f)
HANDLER(level, 0x3010, 12f)
HANDLER(spurious, 0x3014, 13f)
11:	push	%eax
	mov	$0x20, %al
	out	%al, $0xa0
	pop	%eax
10:	push	%eax
	mov	$0x20, %al
	out	%al, $0x20
	pop	%eax
	iret
12:	movl	$0, 0xfee000b0
13:	iret
END(chips)
	.section .note.GNU-stack, "", @progbits
