// SPDX-License-Identifier: GPL-2.0-only
/*
 * What operations cost in a VM: bench.c of the VMM says by struct shared which one, and how many
 * times. Each has a loop of its own, so that no indirect call is in the way.
 */
#include "inside.h"

#define SELF		(1u << 18)
#define DEADLINE	(2u << 17)
#define VECTOR		0x41
#define PING		0x50
#define PONG		0x51
#define TICK		0x60
#define TIMER_AHEAD	20000	/* ticks: long enough for what comes before the spinning */
#define NO_CALL		0x1000	/* no hypercall of KVM's */
#define APIC_ERROR	0x370
#define APIC_PAGE	0xfee00000ul
#define IOAPIC_WINDOW	0xfec00010ul
#define MASTER_MASK	0x21
#define LEAF_LATE	0x80000001u

#define LOOP(name, body)						\
	static u64 name##_loop(u32 n)					\
	{								\
		u64 start = rdtsc();					\
									\
		while (n--) {						\
			body;						\
			asm volatile("" : : : "memory");		\
		}							\
		return rdtsc() - start;					\
	}

static inline void cpuid(u32 leaf)
{
	u32 a = leaf, b, c = 0, d;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
}

static inline void vmmcall(void)
{
	u64 result = NO_CALL;

	asm volatile("vmmcall" : "+a"(result) : : "memory");
}

static inline u32 load(u64 at)
{
	return *(volatile u32 *)at;
}

static inline void store(u64 at, u32 value)
{
	*(volatile u32 *)at = value;
}

static inline void in8(uint16_t port)
{
	u8 value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
}

static inline void in32(uint16_t port)
{
	u32 value;

	asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
}

static inline void out32(uint16_t port)
{
	asm volatile("outl %0, %1" : : "a"(0), "Nd"(port) : "memory");
}

static void self_ipi(void)
{
	u32 had = count[0][VECTOR];

	cli();
	send_ipi(0, SELF | VECTOR);
	while (count[0][VECTOR] == had)
		sti_hlt_cli();
}

static void ping(void)
{
	u32 had = count[0][PONG];

	send_ipi(1, PING);
	wait_for(&count[0][PONG], had + 1);
}

LOOP(empty, (void)0)
LOOP(cpuid, cpuid(0))
LOOP(cpuid_late, cpuid(LEAF_LATE))
LOOP(vmmcall, vmmcall())
LOOP(rdmsr, rdmsr(MSR_APIC_BASE))
LOOP(apic_read, load(APIC_PAGE + APIC_ID))
LOOP(apic_write, store(APIC_PAGE + APIC_ERROR, 0x10000))
LOOP(x2apic_read, rdmsr(MSR_X2APIC + (APIC_ID >> 4)))
LOOP(x2apic_write, wrmsr(MSR_X2APIC + (APIC_ERROR >> 4), 0x10000))
LOOP(ioapic_read, load(IOAPIC_WINDOW))
LOOP(pic_read, in8(MASTER_MASK))
LOOP(pio_read, in32(BENCH_PORT))
LOOP(pio_write, out32(BENCH_PORT))
LOOP(mmio_read, load(BENCH_DEVICE))
LOOP(mmio_write, store(BENCH_DEVICE, 0))
LOOP(self_ipi, self_ipi())
LOOP(ping, ping())

/*
 * One interrupt of the timer, less what the vCPU itself executes while it waits: three
 * instructions a round, each of which is a tick.
 */
static u64 one_tick(void)
{
	const volatile u32 *taken = &count[0][TICK];
	u64 rounds = 0, start = rdtsc();
	u32 had = *taken;

	wrmsr(MSR_DEADLINE, start + TIMER_AHEAD);
	asm volatile("1:\tinc %0\n\t"
		     "cmp %2, %1\n\t"
		     "je 1b" : "+r"(rounds) : "m"(*taken), "r"(had) : "cc");
	return rdtsc() - start - 3 * rounds;
}

static u64 timer_loop(u32 n)
{
	u64 spent = 0;

	apic_write(APIC_TIMER, DEADLINE | TICK);
	while (n--)
		spent += one_tick();
	return spent;
}

static u64 touch_loop(u32 n)
{
	u64 at = BENCH_MEMORY, stride = SHARED->arg[BENCH_STRIDE], start = rdtsc();

	for (; n--; at += stride)
		*(volatile u8 *)at = 1;
	return rdtsc() - start;
}

static void answer(u32 vcpu, struct frame *f)
{
	if (vcpu == 1 && f->vector == PING)
		send_ipi(0, PONG);
}

#define BENCH_LOOP(name)	name##_loop,
static u64 (*const loops[])(u32 n) = { BENCH_OPS(BENCH_LOOP) };

void guest_bench(void)
{
	u64 op;

	apic_enable(0);
	on_vector = answer;
	sti();
	for (;;) {
		tell(BENCH_READY);
		op = SHARED->arg[BENCH_OP];
		SHARED->arg[BENCH_TICKS] = loops[op](SHARED->arg[BENCH_COUNT]);
		tell(BENCH_DONE);
	}
}

/* The other vCPU, which starts when the first one is ready. */
void guest_bench_peer(void)
{
	apic_enable(1);
	cli();
	for (;;)
		sti_hlt_cli();
}
