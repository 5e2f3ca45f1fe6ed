/* SPDX-License-Identifier: GPL-2.0-only */
/* Private to guest/: what its functions share. */
#ifndef VMM_GUEST_INSIDE_H
#define VMM_GUEST_INSIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "guest.h"

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

#define APIC_ID		0x20
#define APIC_VERSION	0x30
#define APIC_TPR	0x80
#define APIC_PPR	0xa0
#define APIC_EOI	0xb0
#define APIC_LDR	0xd0
#define APIC_DFR	0xe0
#define APIC_SVR	0xf0
#define APIC_ISR	0x100
#define APIC_IRR	0x200
#define APIC_ICR	0x300
#define APIC_ICR_HIGH	0x310
#define APIC_TIMER	0x320
#define APIC_LINT0	0x350
#define APIC_INITIAL	0x380
#define APIC_CURRENT	0x390
#define APIC_DIVIDE	0x3e0

#define MSR_TSC		0x10
#define MSR_APIC_BASE	0x1b
#define MSR_DEADLINE	0x6e0
#define MSR_X2APIC	0x800
#define MSR_EFER	0xc0000080

#define SHARED		((volatile struct shared *)GUEST_SHARED)
#define AREA		((u8 *)GUEST_AREA)

/* What guest_interrupt() finds on the stack */
struct frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error, rip, cs, rflags, rsp, ss;
};

/* Of each vCPU: interrupts and NMIs that it has taken */
extern volatile u32 count[GUEST_VCPUS][256];
/* The vectors that vCPU 0 has taken, in their order */
extern volatile u8 order[64];
extern volatile u32 orders;
/* Vector that vCPU 0 answers from a handler, and what it is to do there */
extern void (*volatile on_vector)(u32 vcpu, struct frame *f);
/* The next exception goes on at @fixup, and leaves its vector in @caught. */
extern volatile u64 fixup;
extern volatile int caught;

struct gate {
	uint16_t low, selector;
	u8 ist, type;
	uint16_t middle;
	u32 high, zero;
};

extern struct gate idt[256];

#define STEP()		(SHARED->step = __LINE__)
#define CHECK(what, wanted, found)					\
	(STEP(), check(__LINE__, what, (u64)(wanted), (u64)(found)))

void tell(u32 value);
bool check(u32 line, const char *what, u64 wanted, u64 found);
u32 apic_read(u32 reg);
void apic_write(u32 reg, u32 value);
void apic_enable(u32 vcpu);
void send_ipi(u32 dest, u32 command);
void wait_for(const volatile u32 *what, u32 value);
void spin_ms(u32 ms);

static inline u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (u64)high << 32 | low;
}

static inline u64 rdmsr(u32 index)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index) : "memory");
	return (u64)high << 32 | low;
}

static inline void wrmsr(u32 index, u64 value)
{
	asm volatile("wrmsr" : : "c"(index), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static inline u64 read_cr8(void)
{
	u64 value;

	asm volatile("mov %%cr8, %0" : "=r"(value) : : "memory");
	return value;
}

static inline void write_cr8(u64 value)
{
	asm volatile("mov %0, %%cr8" : : "r"(value) : "memory");
}

static inline void cli(void)
{
	asm volatile("cli" : : : "memory");
}

static inline void sti(void)
{
	asm volatile("sti; nop" : : : "memory");
}

/* Interrupts come in no moment between the two. */
static inline void sti_hlt_cli(void)
{
	asm volatile("sti; hlt; cli" : : : "memory");
}

/* Vector of the exception that an instruction raises; -1 for none */
#define CAUGHT(insn, ...)						\
({									\
	caught = -1;							\
	asm volatile("movq $1f, fixup(%%rip)\n\t" insn "\n"		\
		     "1:\tmovq $0, fixup(%%rip)" : __VA_ARGS__ : "memory");	\
	caught;								\
})

/* apic.c */
void guest_ap(u32 vcpu);
void guest_ipi(void);
void guest_tpr(void);
void guest_timer(void);
void guest_smp(void);
void guest_nmi(void);
void guest_wait(void);
void guest_shadow(void);
void guest_lapic(void);
void guest_lapic_after(void);

/* hostile.c */
void guest_db_stack(void);
void guest_garbage(void);
void guest_tables(void);
void guest_moved(void);

/* fire.c */
void guest_fire(void);
void guest_touch(void);

/* state.c */
void guest_registers(void);
void guest_own(void);
void guest_breakpoints(void);
void guest_xcr0(void);
void guest_clock(void);

/* work.c */
void guest_work(void);

/* bench.c */
void guest_bench(void);
void guest_bench_peer(void);

#endif
