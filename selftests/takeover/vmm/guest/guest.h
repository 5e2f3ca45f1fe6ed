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
	X(bench) X(bench_peer) X(moved)

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
#endif

#endif
