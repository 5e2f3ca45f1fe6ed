// SPDX-License-Identifier: GPL-2.0-only
/* What the guest finds in its registers, and leaves there. */
#include "inside.h"

#define XMM(n, value)	asm volatile("movq %0, %%xmm" #n : : "r"((u64)(value)))
#define CR4_OSXSAVE	0x40000

static u64 read_xmm(void)
{
	u64 a, b;

	asm volatile("movq %%xmm0, %0; movq %%xmm15, %1" : "=r"(a), "=r"(b));
	return a ^ b;
}

/* @arg[0] is in XMM0 and @arg[1] in XMM15, DR0 has @arg[2]; leaves others. */
void guest_registers(void)
{
	u64 dr0;
	uint16_t fcw = 0;
	u32 mxcsr = 0;

	CHECK("XMM", SHARED->arg[0] ^ SHARED->arg[1], read_xmm());
	asm volatile("fnstcw %0; stmxcsr %1" : "+m"(fcw), "+m"(mxcsr));
	CHECK("FCW", 0x27f, fcw);
	CHECK("MXCSR", 0x1f00, mxcsr);
	asm volatile("mov %%dr0, %0" : "=r"(dr0));
	CHECK("DR0", SHARED->arg[2], dr0);
	XMM(0, 0x1111);
	XMM(15, 0x2222);
	asm volatile("fninit; fldpi");
	asm volatile("mov %0, %%dr1" : : "r"(0x3333ull));
	tell(1);
	CHECK("XMM", 0x1111 ^ 0x2222, read_xmm());
}

/* Two of these on one CPU: each has its own, @arg[0], in all that there is. */
void guest_own(void)
{
	u64 own = SHARED->arg[0], dr0;
	u32 i, aux;

	XMM(0, own);
	XMM(15, 0);
	asm volatile("mov %0, %%dr0" : : "r"(own));
	wrmsr(0xc0000082, own);
	wrmsr(0xc0000102, own);
	wrmsr(0xc0000103, own);
	wrmsr(0x174, own);
	/* Linux writes this one unchecked: nothing comes of it. */
	CHECK("a write to NB_CFG", -1, CAUGHT("wrmsr", : "c"(0xc001001f), "a"(0), "d"(0x4000)));
	CHECK("NB_CFG", 0, rdmsr(0xc001001f));
	for (i = 0; i < 200; i++) {
		tell(2);
		CHECK("XMM", own, read_xmm());
		asm volatile("mov %%dr0, %0" : "=r"(dr0));
		CHECK("DR0", own, dr0);
		CHECK("LSTAR", own, rdmsr(0xc0000082));
		CHECK("KERNEL_GS_BASE", own, rdmsr(0xc0000102));
		CHECK("TSC_AUX", own, rdmsr(0xc0000103));
		CHECK("SYSENTER_CS", own, rdmsr(0x174));
		asm volatile("rdtscp" : "=c"(aux) : : "rax", "rdx");
		CHECK("RDTSCP", own, aux);
	}
}

static volatile u32 hits;
static volatile u64 hit_dr6;

static void on_debug(u32 vcpu, struct frame *f)
{
	u64 dr6;

	(void)vcpu;
	if (f->vector != 1)
		return;
	hits++;
	asm volatile("mov %%dr6, %0" : "=r"(dr6));
	hit_dr6 = dr6;
	asm volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ull));
	f->rflags |= 1 << 16;	/* RF */
}

/* Breakpoints of its own, and one that the VMM has set in DR2 on a write to AREA */
void guest_breakpoints(void)
{
	u64 dr7;

	on_vector = on_debug;
	/* An emulator's VMRUN loads DR7, but does not look at it until it changes. */
	asm volatile("mov %%dr7, %0; mov %1, %%dr7; mov %0, %%dr7"
		     : "=&r"(dr7) : "r"(0x400ull));
	*(volatile u32 *)AREA = 1;
	CHECK("the VMM's", 1, hits);
	CHECK("DR6", 4, hit_dr6 & 15);
	asm volatile("mov %0, %%dr3; mov %1, %%dr7"
		     : : "r"((u64)AREA + 8), "r"(0x10000480ull | 0xc0000000));
	*(volatile u32 *)(AREA + 8) = 1;
	CHECK("its own", 2, hits);
	CHECK("DR6", 8, hit_dr6 & 15);
	asm volatile("mov %0, %%dr7" : : "r"(0x400ull));
	*(volatile u32 *)(AREA + 8) = 1;
	CHECK("off", 2, hits);
	asm volatile("pushf; orl $0x100, (%%rsp); popf; nop; pushf; andl $~0x100, (%%rsp); popf"
		     : : : "memory", "cc");
	CHECK("single steps", 1, hits > 3);
	CHECK("DR6.BS", 0x4000, hit_dr6 & 0x400f);
}

static u64 xgetbv(void)
{
	u32 low, high;

	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low | (u64)high << 32;
}

/* @arg[0]: XCR0 as the VMM has set it; @arg[1]: all that there is */
void guest_xcr0(void)
{
	u64 all = SHARED->arg[1];
	u32 low, high;

	CHECK("XGETBV without OSXSAVE", 6,
	      CAUGHT("xgetbv", "=a"(low), "=d"(high) : "c"(0)));
	asm volatile("mov %0, %%cr4" : : "r"(0x620ull | CR4_OSXSAVE));
	CHECK("XCR0", SHARED->arg[0], xgetbv());
	CHECK("XSETBV", -1, CAUGHT("xsetbv", : "c"(0), "a"((u32)all), "d"((u32)(all >> 32))));
	CHECK("XCR0", all, xgetbv());
	CHECK("XCR0 of 0", 13, CAUGHT("xsetbv", : "c"(0), "a"(0), "d"(0)));
	CHECK("no XCR1", 13, CAUGHT("xsetbv", : "c"(1), "a"(1), "d"(0)));
	CHECK("too much", 13, CAUGHT("xsetbv", : "c"(0), "a"(7), "d"(0x40000000)));
	CHECK("XCR0", all, xgetbv());
	tell(1);
	CHECK("XCR0", all, xgetbv());
}

struct clock {
	u32 version, pad;
	u64 tsc, ns;
	u32 mul;
	int8_t shift;
	u8 flags, more[2];
};

static u64 clock_ns(const volatile struct clock *c)
{
	u64 ticks, ns;
	u32 version;

	do {
		version = c->version;
		ticks = rdtsc() - c->tsc;
		ticks = c->shift < 0 ? ticks >> -c->shift : ticks << c->shift;
		ns = c->ns + (u64)((unsigned __int128)ticks * c->mul >> 32);
	} while (version & 1 || version != c->version);
	return ns;
}

/* kvmclock at AREA, the wall clock's zero at AREA + 64 */
void guest_clock(void)
{
	const volatile struct clock *c = (void *)AREA;
	const volatile u32 *wall = (void *)(AREA + 64);
	u64 last, now;
	u32 i;

	wrmsr(0x4b564d00, (u64)wall);
	wrmsr(0x4b564d01, (u64)AREA | 1);
	CHECK("version", 0, c->version & 1);
	CHECK("wall clock's version", 0, wall[0] & 1);
	last = clock_ns(c);
	for (i = 0; i < 100000; i++) {
		now = clock_ns(c);
		if (now < last)
			CHECK("goes back", last, now);
		last = now;
	}
	SHARED->arg[0] = clock_ns(c);
	SHARED->arg[1] = wall[1];
	SHARED->arg[2] = wall[2];
	tell(1);
	SHARED->arg[0] = clock_ns(c);
}
