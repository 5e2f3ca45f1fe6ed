/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest in C: what it and the VMM know of each other. It is one program for all vCPUs,
 * linked at GUEST_BASE that runs in 64-bit mode on tables that the VMM has filled. Register
 * RDI says which function it executes; a vCPU that a SIPI starts executes guest_ap().
 */
#ifndef VMM_GUEST_H
#define VMM_GUEST_H

#define GUEST_BASE	0x8000		/* the SIPI's vector is 8 */
#define GUEST_ENTRY	(GUEST_BASE + 0x100)
#define GUEST_TABLES	0x1000		/* 6 pages: all 4 GiB by 2 MiB */
#define GUEST_SHARED	0x60000
#define GUEST_AREA	0x61000		/* 16 KiB that are a test's own */
#define GUEST_FIRE	0x66000		/* struct fire, up to the stacks */
#define GUEST_STACKS	0x80000
#define GUEST_STACK	0x2000		/* of each vCPU */
#define GUEST_VCPUS	4

#define GUEST_TELL	0x10		/* ports: a value for the VMM; */
#define GUEST_FAIL	0x11		/* struct shared says what is wrong */
#define GUEST_DONE	0xd09e		/* what a function tells at its end */

#define WORK_UNIT_MS	100		/* work: of its notes, which fill GUEST_AREA */
#define WORK_UNITS	4096
/* bench: what it tells before and after a loop; indexes in struct shared.arg; where it reaches */
#define BENCH_READY	0x4ead
#define BENCH_DONE	0xd0e
#define BENCH_OP	0
#define BENCH_COUNT	1
#define BENCH_TICKS	2
#define BENCH_STRIDE	3
#define BENCH_PORT	0x12
#define BENCH_DEVICE	0x10000000
#define BENCH_MEMORY	0x40000000

#ifndef __ASSEMBLER__
#include <stdint.h>

#define GUEST_FUNCTIONS(X)						\
	X(ipi) X(tpr) X(timer) X(smp) X(nmi) X(wait) X(lapic) X(lapic_after)	\
	X(db_stack) X(garbage) X(tables)					\
	X(registers) X(own) X(breakpoints) X(xcr0) X(clock) X(work)		\
	X(bench) X(bench_peer) X(moved) X(fire) X(touch) X(shadow)

/* What bench can repeat */
#define BENCH_OPS(X)							\
	X(empty) X(cpuid) X(cpuid_late) X(vmmcall) X(rdmsr)		\
	X(apic_read) X(apic_write) X(x2apic_read) X(x2apic_write)	\
	X(ioapic_read) X(pic_read) X(pio_read) X(pio_write)		\
	X(mmio_read) X(mmio_write) X(self_ipi) X(timer) X(ping) X(touch)

enum bench_op {
#define BENCH_ENUM(name)	BENCH_##name,
	BENCH_OPS(BENCH_ENUM)
#undef BENCH_ENUM
};

enum guest_function {
#define GUEST_ENUM(name)	GUEST_FN_##name,
	GUEST_FUNCTIONS(GUEST_ENUM)
#undef GUEST_ENUM
	GUEST_FNS
};

/**
 * struct shared - at GUEST_SHARED
 * @tsc_khz: from the VMM
 * @x2apic: from the VMM: the mode of APICs
 * @vcpus: from the VMM
 * @arg: from the VMM, and back
 * @what: of a failure: address of its name
 * @wanted: of a failure
 * @found: of a failure
 * @line: of a failure
 * @step: the line that the guest has come to
 */
struct shared {
	uint64_t tsc_khz;
	uint32_t x2apic;
	uint32_t vcpus;
	uint64_t arg[8];
	uint64_t what;
	uint64_t wanted;
	uint64_t found;
	uint32_t line;
	uint32_t step;
};

#define FIRE_PAGES	4096		/* at most */
#define FIRE_VCPUS	2
#define FIRE_EMPTY	0		/* the version of a page of zeros */
#define FIRE_FIRST	3		/* words of a page that are used: one in a cache line */
#define FIRE_STEP	8

/**
 * struct fire - at GUEST_FIRE: memory that vCPUs compute with while things happen to it
 * @gpa: from the VMM: where the memory is
 * @pages: from the VMM: how many
 * @stop: from the VMM
 * @request: from the VMM, the last field that it writes: a number that is new
 * @first: from the VMM: the pages of a request
 * @count: from the VMM
 * @away: from the VMM: 1: leave these pages alone; 0: use them again
 * @zeroed: from the VMM, with @away 0: they are zeros now
 * @answer: the last request that the guest has followed
 * @tickets: vCPUs that have begun
 * @waiting: vCPUs at the end of their round
 * @round: number of rounds
 * @lock: taken to report
 * @page: of a mismatch
 * @version: what the page should have been
 * @of: version of each page
 * @left: whether a page is left alone
 */
struct fire {
	uint64_t gpa;
	uint32_t pages;
	uint32_t stop;
	uint32_t request;
	uint32_t first;
	uint32_t count;
	uint32_t away;
	uint32_t zeroed;
	uint32_t answer;
	uint32_t tickets;
	uint32_t waiting;
	uint32_t round;
	uint32_t lock;
	uint32_t page;
	uint32_t version;
	uint8_t of[FIRE_PAGES];
	uint8_t left[FIRE_PAGES];
};

_Static_assert(GUEST_FIRE + sizeof(struct fire) <= GUEST_STACKS, "it ends there");

/*
 * What word @i of a page is. Each third version is the same for all pages, so that KSM finds
 * something to merge.
 */
static inline uint64_t fire_seed(uint32_t page, uint32_t version)
{
	if (version % 3 == 1)
		page = ~0u;
	return ((uint64_t)page << 32 | version) * 0x9e3779b97f4a7c15ull;
}

static inline uint64_t fire_word(uint64_t seed, uint32_t version, uint32_t i)
{
	return version == FIRE_EMPTY ? 0 : seed + i * 0x0101010101010101ull;
}
#endif

#endif
