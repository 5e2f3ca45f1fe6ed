// SPDX-License-Identifier: GPL-2.0-only
/* What the guest does to keep its host's CPU, or to confuse it. */
#include "inside.h"

#define DR7_WRITE_8	0x90403		/* DR0: writes of 8 bytes */
#define CR4_GOOD	0x620

extern const char db_writes[], db_returns[];

/* The task state segment is at AREA, with IST 1 at AREA + 0x2000. */
#define STACK_TOP	(GUEST_AREA + 0x2000)

asm(".balign 16\n"
    "db_writes:	mov	%rax, (%rdx)\n"
    "		jmp	db_writes\n"
    "db_returns:	iretq\n");

static void set_gate(u32 vector, u64 at, u32 ist)
{
	idt[vector].low = at;
	idt[vector].middle = at >> 16;
	idt[vector].ist = ist;
}

/* A breakpoint on what the handler of #DB writes; or, @arg[0], what its delivery writes. */
void guest_db_stack(void)
{
	u64 where = SHARED->arg[0] ? STACK_TOP - 8 : STACK_TOP + 8;

	set_gate(1, (u64)(SHARED->arg[0] ? db_returns : db_writes), 1);
	asm volatile("mov %0, %%dr0\n\tmov %1, %%dr7"
		     : : "r"(where), "r"((u64)DR7_WRITE_8) : "memory");
	asm volatile("mov %%rax, (%0)" : : "d"(where) : "memory");
	asm volatile("mov %0, %%dr7" : : "r"(0x400ull));
}

static u64 seed;

static u64 random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/*
 * MSRs without which the guest cannot go on, that name its memory, or that send it an INIT, are
 * left alone.
 */
static bool is_own(u32 index)
{
	return index == MSR_EFER || index == MSR_APIC_BASE || index == 0x11 || index == 0x12 ||
	       index == 0x830 ||
	       index >> 8 == 0x4b564d || (index >= 0xc0000100 && index <= 0xc0000102);
}

static void one_msr(void)
{
	static const u32 base[] = { 0, 0x170, 0x200, 0x400, 0x800, 0xc0000080, 0xc0010000,
				    0xc0010110, 0x6e0, 0xd90, 0xc0000100 };
	u32 index = base[random() % (sizeof(base) / sizeof(base[0]))] + random() % 128;
	u64 value = random() & random();
	u32 low = 0, high = 0;

	if (random() % 16 == 0)
		index = random();
	if (is_own(index))
		return;
	SHARED->arg[1] = index;
	if (random() & 1)
		value >>= random() % 64;
	CAUGHT("rdmsr", "=a"(low), "=d"(high) : "c"(index));
	CAUGHT("wrmsr", : "c"(index), "a"((u32)value), "d"((u32)(value >> 32)));
	CAUGHT("wrmsr", : "c"(index), "a"(low), "d"(high));
}

static void one_register(void)
{
	u64 value = random() & random();

	switch (random() % 4) {
	case 0:	/* bits that this guest can have, or #GP */
		CAUGHT("mov %0, %%cr4", : "r"((value & ~0x1a30028ull) | CR4_GOOD));
		asm volatile("mov %0, %%cr4" : : "r"((u64)CR4_GOOD));
		break;
	case 1:
		CAUGHT("xsetbv", : "c"((u32)random() & 1), "a"((u32)value),
		       "d"((u32)(value >> 32)));
		break;
	case 2:
		/* An emulator's processor may take more than it runs with then. */
		CAUGHT("mov %0, %%dr6", : "r"(value & 0xffffffff));
		CAUGHT("mov %0, %%dr7", : "r"(value & 0xffffdf00));
		asm volatile("mov %0, %%dr7" : : "r"(0x400ull));
		break;
	case 3:
		CAUGHT("mov %0, %%cr0", : "r"((value & 0x4005003f) | 0x80000033));
		asm volatile("mov %0, %%cr0" : : "r"(0x80000033ull));
		break;
	}
}

/* @arg[0]: the seed */
void guest_garbage(void)
{
	u32 i;

	seed = SHARED->arg[0] | 1;
	for (i = 0; i < 1000; i++) {
		STEP();
		one_msr();
		one_register();
		cli();
	}
}

/* The VMM has made the tables something else. */
void guest_tables(void)
{
	asm volatile("mov %%cr3, %%rax; mov %%rax, %%cr3" : : : "rax", "memory");
	*(volatile u32 *)AREA = *(volatile u32 *)0x70000;
}

#define MOVED		0x50000000ul	/* an address that the tables lead elsewhere */
#define MOVED_ENTRY	(GUEST_TABLES + 0x3000 + 8 * ((MOVED & 0x3fffffff) >> 21))
#define PLACE		0x100
#define VERSION		0xfee00030ul

/* CPUID, with a prefix on one of two pages; and a MOV from the APIC to EAX, or to EDX */
static const u8 cpuid_code[2][4] = { { 0x0f, 0xa2, 0xc3 }, { 0x48, 0x0f, 0xa2, 0xc3 } };
static const u8 load_code[2][4] = { { 0x8b, 0x07, 0xc3 }, { 0x8b, 0x17, 0xc3 } };

/* By a new entry and an INVLPG: CR3 stays what it is. */
static void put_page(u64 page)
{
	*(volatile u64 *)GUEST_AREA = page | 7;
	asm volatile("invlpg (%0)" : : "r"(MOVED) : "memory");
}

static void call_moved(u64 at, u32 *a, u32 *d)
{
	u32 b, c = 0;

	asm volatile("call *%[at]" : "+a"(*a), "=b"(b), "+c"(c), "+d"(*d)
		     : [at] "r"(at), "D"(VERSION) : "memory");
}

static void run_moved(u32 which)
{
	u32 a = 0x40000000, d = 0;

	call_moved(MOVED, &a, &d);
	CHECK("CPUID", 1, a >= 0x40000000);
	a = d = 0x1234;
	call_moved(MOVED + PLACE, &a, &d);
	CHECK("the register", 0x14, (which ? d : a) & 0xff);
	CHECK("the other one", 0x1234, which ? a : d);
}

/*
 * Code whose pages the guest changes below one address, at which K has looked before; and then
 * the code itself.
 */
void guest_moved(void)
{
	u32 i, j;

	apic_enable(0);
	*(volatile u64 *)MOVED_ENTRY = GUEST_AREA | 7;
	for (i = 0; i < 2; i++) {
		u8 *page = (u8 *)GUEST_AREA + 0x1000 * (i + 1);

		for (j = 0; j < 4; j++) {
			page[j] = cpuid_code[i][j];
			page[PLACE + j] = load_code[i][j];
		}
	}
	for (i = 0; i < 20; i++) {
		put_page(GUEST_AREA + 0x1000 * (i % 2 + 1));
		run_moved(i % 2);
		run_moved(i % 2);
	}
	for (j = 0; j < 4; j++) {
		AREA[0x2000 + j] = cpuid_code[0][j];
		AREA[0x2000 + PLACE + j] = load_code[0][j];
	}
	run_moved(0);
}
