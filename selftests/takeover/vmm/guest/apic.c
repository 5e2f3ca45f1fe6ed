// SPDX-License-Identifier: GPL-2.0-only
/* What the guest does with its APICs. */
#include "inside.h"

#define SELF		(1u << 18)
#define ALL		(2u << 18)
#define OTHERS		(3u << 18)
#define LOGICAL		(1u << 11)
#define LOWEST		(1u << 8)
#define NMI		(4u << 8)
#define INIT		(5u << 8 | 1u << 14)
#define SIPI		(6u << 8 | 1u << 14 | GUEST_BASE >> 12)
#define PERIODIC	(1u << 17)
#define DEADLINE	(2u << 17)
#define MASKED		(1u << 16)
#define DIVIDE_1	0xb

#define PING		0x50
#define PONG		0x51
#define TICK		0x60
#define ROUNDS		2000	/* or as many as there are in so much time */
#define PING_PONG_MS	2000

static volatile u32 ready;
static volatile bool spins;	/* a vCPU that has nothing to do does not halt */

/* To oneself in all ways, and what the APIC says of it meanwhile */
void guest_ipi(void)
{
	u32 low, high;

	apic_enable(0);
	CHECK("version", 0x14, apic_read(APIC_VERSION) & 0xff);
	CHECK("id", 0, apic_read(APIC_ID));
	CHECK("logical id", SHARED->x2apic ? 1 : 1u << 24, apic_read(APIC_LDR));
	send_ipi(0, SELF | 0x41);
	CHECK("IRR", 1u << 1, apic_read(APIC_IRR + 0x20));
	CHECK("not without IF", 0, count[0][0x41]);
	sti();
	CHECK("self", 1, count[0][0x41]);
	send_ipi(0, 0x41);
	CHECK("physical", 2, count[0][0x41]);
	send_ipi(1, LOGICAL | 0x41);
	CHECK("logical", 3, count[0][0x41]);
	send_ipi(1, LOGICAL | LOWEST | 0x41);
	CHECK("lowest priority", 4, count[0][0x41]);
	send_ipi(0, ALL | 0x41);
	CHECK("all", 5, count[0][0x41]);
	send_ipi(SHARED->x2apic ? 0xffffffff : 0xff, 0x41);
	CHECK("broadcast", 6, count[0][0x41]);
	send_ipi(0, OTHERS | 0x41);
	send_ipi(2, 0x41);
	send_ipi(2, LOGICAL | 0x41);
	CHECK("others", 6, count[0][0x41]);
	if (SHARED->x2apic) {
		wrmsr(MSR_X2APIC + 0x3f, 0x41);
		CHECK("self IPI register", 7, count[0][0x41]);
		CHECK("a write to the id", 13,
		      CAUGHT("wrmsr", : "c"(MSR_X2APIC + 2), "a"(0), "d"(0)));
		CHECK("a register that is not", 13,
		      CAUGHT("rdmsr", "=a"(low), "=d"(high) : "c"(MSR_X2APIC + 0xe)));
	}
	cli();
	send_ipi(0, SELF | 0x45);
	send_ipi(0, SELF | 0xe1);
	send_ipi(0, SELF | 0x83);
	orders = 0;
	wait_for(&count[0][0x45], 1);
	CHECK("the highest first", 0xe1, order[0]);
	CHECK("then", 0x83, order[1]);
	CHECK("the lowest last", 0x45, order[2]);
	CHECK("IRR", 0, apic_read(APIC_IRR + 0x20));
	CHECK("ISR", 0, apic_read(APIC_ISR + 0x20));
}

static void in_handler(u32 vcpu, struct frame *f)
{
	(void)vcpu;
	if (f->vector != 0x62)
		return;
	CHECK("ISR in the handler", 1u << 2, apic_read(APIC_ISR + 0x30));
	CHECK("PPR in the handler", 0x60, apic_read(APIC_PPR));
	send_ipi(0, SELF | 0x61);
	send_ipi(0, SELF | 0x71);
	sti();
	CHECK("a lower one waits", 0, count[0][0x61]);
	CHECK("a higher one does not", 1, count[0][0x71]);
	cli();
}

/* Priorities: CR8 and TPR are the same. */
void guest_tpr(void)
{
	apic_enable(0);
	sti();
	write_cr8(5);
	CHECK("TPR by CR8", 0x50, apic_read(APIC_TPR));
	CHECK("PPR", 0x50, apic_read(APIC_PPR));
	send_ipi(0, SELF | 0x41);
	send_ipi(0, SELF | 0x5f);
	CHECK("masked", 0, count[0][0x41] + count[0][0x5f]);
	send_ipi(0, SELF | 0x60);
	CHECK("above", 1, count[0][0x60]);
	write_cr8(4);
	CHECK("the higher one released", 1, count[0][0x5f]);
	CHECK("the lower one not", 0, count[0][0x41]);
	write_cr8(3);
	CHECK("released", 1, count[0][0x41]);
	apic_write(APIC_TPR, 0x80);
	CHECK("CR8 by TPR", 8, read_cr8());
	send_ipi(0, SELF | 0x41);
	CHECK("masked by TPR", 1, count[0][0x41]);
	apic_write(APIC_TPR, 0);
	CHECK("released by TPR", 2, count[0][0x41]);
	CHECK("CR8 is 0", 0, read_cr8());
	write_cr8(15);
	cli();
	send_ipi(0, SELF | 0x41);
	write_cr8(0);
	CHECK("not without IF", 2, count[0][0x41]);
	sti();
	CHECK("but with it", 3, count[0][0x41]);
	on_vector = in_handler;
	send_ipi(0, SELF | 0x62);
	CHECK("the lower one in the end", 1, count[0][0x61]);
	on_vector = NULL;
}

/* How long it took, in microseconds, is within bounds: a shared host is slow, but never early. */
static void check_time(u32 line, u64 start, u64 us)
{
	u64 took = (rdtsc() - start) * 1000 / SHARED->tsc_khz;

	if (took < us - us / 50)
		check(line, "too early", us, took);
	if (took > us + 5000000)
		check(line, "too late", us, took);
}

static void one_shot(u32 ticks, u32 divide, u32 us)
{
	u32 had = count[0][TICK], left;
	u64 start = rdtsc();

	apic_write(APIC_TIMER, TICK);
	apic_write(APIC_INITIAL, 0);
	apic_write(APIC_DIVIDE, divide);
	apic_write(APIC_INITIAL, ticks);
	left = apic_read(APIC_CURRENT);
	CHECK("current count", 1, left <= ticks);
	CHECK("initial count", ticks, apic_read(APIC_INITIAL));
	wait_for(&count[0][TICK], had + 1);
	check_time(__LINE__, start, us);
	CHECK("at the end", 0, apic_read(APIC_CURRENT));
	spin_ms(5);
	CHECK("once", had + 1, count[0][TICK]);
}

static void periodic(void)
{
	u32 had = count[0][TICK];
	u64 start = rdtsc();

	apic_write(APIC_TIMER, PERIODIC | TICK);
	apic_write(APIC_DIVIDE, DIVIDE_1);
	apic_write(APIC_INITIAL, 10000000);
	wait_for(&count[0][TICK], had + 5);
	check_time(__LINE__, start, 50000);
	spin_ms(30);
	CHECK("while it runs", 1, count[0][TICK] > had + 5);
	apic_write(APIC_INITIAL, 0);
	spin_ms(1);
	had = count[0][TICK];
	spin_ms(30);
	CHECK("stopped", had, count[0][TICK]);
}

static void deadline(u32 ms)
{
	u32 had = count[0][TICK];
	u64 start = rdtsc(), due = start + ms * SHARED->tsc_khz;

	wrmsr(MSR_DEADLINE, due);
	CHECK("deadline", 1, rdmsr(MSR_DEADLINE) == due || !ms || count[0][TICK] > had);
	wait_for(&count[0][TICK], had + 1);
	check_time(__LINE__, start, ms * 1000);
	CHECK("no deadline", 0, rdmsr(MSR_DEADLINE));
}

void guest_timer(void)
{
	u32 i;

	apic_enable(0);
	sti();
	one_shot(20000000, DIVIDE_1, 20000);
	one_shot(2000000, 0x2, 16000);	/* by 8 */
	one_shot(1, DIVIDE_1, 0);
	periodic();
	apic_write(APIC_TIMER, MASKED | TICK);
	apic_write(APIC_INITIAL, 1000000);
	spin_ms(10);
	i = count[0][TICK];
	apic_write(APIC_TIMER, DEADLINE | TICK);
	spin_ms(10);
	CHECK("masked", i, count[0][TICK]);
	deadline(20);
	deadline(0);
	for (i = 0; i < 20; i++)
		deadline(1);
	/* One that is taken back does not come. */
	i = count[0][TICK];
	wrmsr(MSR_DEADLINE, rdtsc() + 30 * SHARED->tsc_khz);
	wrmsr(MSR_DEADLINE, 0);
	spin_ms(60);
	CHECK("taken back", i, count[0][TICK]);
}

void guest_ap(u32 vcpu)
{
	apic_enable(vcpu);
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	cli();
	for (;;) {
		if (!spins)
			sti_hlt_cli();
		sti();
		cli();
	}
}

static void answer(u32 vcpu, struct frame *f)
{
	if (vcpu && f->vector == PING)
		send_ipi(0, PONG);
}

static void spin_for(const volatile u32 *what, u32 value)
{
	while (*what < value)
		asm volatile("pause");
}

static void start_others(u32 n)
{
	ready = 0;
	send_ipi(0, OTHERS | INIT);
	spin_ms(10);
	send_ipi(0, OTHERS | SIPI);
	spin_for(&ready, n);
	/* A second one, as systems send it, does nothing. */
	send_ipi(0, OTHERS | SIPI);
	spin_ms(5);
	CHECK("started", n, ready);
}

static void ping_pong(u32 rounds, bool halt)
{
	u32 i, had = count[0][PONG], got = count[1][PING];
	u64 end = rdtsc() + PING_PONG_MS * SHARED->tsc_khz;

	for (i = 1; i <= rounds; i++) {
		if (rdtsc() > end)
			rounds = i;
		send_ipi(1, PING);
		if (halt)
			wait_for(&count[0][PONG], had + i);
		else
			spin_for(&count[0][PONG], had + i);
	}
	CHECK("pings", got + rounds, count[1][PING]);
	CHECK("pongs", had + rounds, count[0][PONG]);
}

/* @sent of @vector have arrived at the vCPUs of @mask, and none at others. */
static void arrives(u32 line, u32 vector, u32 mask)
{
	u32 i;

	for (i = 0; i < SHARED->vcpus; i++)
		if (mask >> i & 1)
			spin_for(&count[i][vector], 1);
	spin_ms(5);
	for (i = 0; i < SHARED->vcpus; i++) {
		check(line, "arrived", mask >> i & 1, count[i][vector]);
		count[i][vector] = 0;
	}
}

#define ARRIVES(vector, mask)	(STEP(), arrives(__LINE__, vector, mask))

static void destinations(u32 all)
{
	u32 i, n;

	for (i = 0; i < SHARED->vcpus; i++) {
		send_ipi(i, 0x90);
		ARRIVES(0x90, 1u << i);
		send_ipi(1u << i, LOGICAL | 0x91);
		ARRIVES(0x91, 1u << i);
	}
	send_ipi(0, ALL | 0x92);
	ARRIVES(0x92, all);
	send_ipi(0, OTHERS | 0x93);
	ARRIVES(0x93, all & ~1u);
	send_ipi(SHARED->x2apic ? 0xffffffff : 0xff, 0x94);
	ARRIVES(0x94, all);
	send_ipi(all, LOGICAL | 0x95);
	ARRIVES(0x95, all);
	send_ipi(all & ~1u, LOGICAL | 0x96);
	ARRIVES(0x96, all & ~1u);
	count[0][0x97] = count[1][0x97] = count[2][0x97] = 0;
	for (i = 1; i <= 30; i++) {
		send_ipi(all, LOGICAL | LOWEST | 0x97);
		do
			n = count[0][0x97] + count[1][0x97] + count[2][0x97];
		while (n < i);
	}
	spin_ms(5);
	CHECK("lowest priority", 30,
	      count[0][0x97] + count[1][0x97] + count[2][0x97]);
	for (i = 1; i <= 10; i++) {
		send_ipi(0, OTHERS | NMI);
		spin_for(&count[1][2], i);
		spin_for(&count[SHARED->vcpus - 1][2], i);
	}
	CHECK("NMIs", 10, count[1][2]);
	CHECK("no NMI", 0, count[0][2]);
	count[1][2] = count[2][2] = count[3][2] = 0;
}

/* All start, and send each other what there is. */
void guest_smp(void)
{
	u32 others = SHARED->vcpus - 1, i;

	apic_enable(0);
	on_vector = answer;
	sti();
	start_others(others);
	ping_pong(ROUNDS, true);
	ping_pong(ROUNDS, false);
	destinations((2u << others) - 1);
	spins = true;
	send_ipi(0, OTHERS | 0x99);	/* out of HLT */
	ping_pong(ROUNDS, true);
	ping_pong(ROUNDS, false);
	destinations((2u << others) - 1);
	spins = false;
	/* Once more, out of HLT and out of a loop */
	for (i = 0; i < 10; i++) {
		spins = i & 1;
		start_others(others);
		ping_pong(10, true);
	}
}

static volatile u32 depth, deepest;

static void in_nmi(u32 vcpu, struct frame *f)
{
	u32 n = ++depth;

	(void)vcpu;
	(void)f;
	if (n > deepest)
		deepest = n;
	/* The VMM sends more of them now, that come after the IRET. */
	tell(0x100 + count[0][2]);
	spin_ms(1);
	tell(0x200 + count[0][2]);
	depth = n - 1;
}

/* NMIs from the VMM: never one within another */
void guest_nmi(void)
{
	u32 i;

	on_vector = in_nmi;
	for (i = 0; i < 5; i++)
		tell(i);
	CHECK("one at a time", 1, deepest);
	SHARED->arg[0] = count[0][2];
}

/* Waits for ever. */
void guest_wait(void)
{
	apic_enable(0);
	tell(1);
	cli();
	for (;;)
		sti_hlt_cli();
}

extern const u8 guest_hlt[];

static void note_rip(u32 vcpu, struct frame *f)
{
	(void)vcpu;
	SHARED->arg[1] = f->rip;
}

/* The VMM puts it onto the HLT, into STI's shadow, with an interrupt pending. */
void guest_shadow(void)
{
	apic_enable(0);
	on_vector = note_rip;
	cli();
	SHARED->arg[0] = (u64)guest_hlt;
	/* tell(1), without a frame of its own */
	asm volatile("outl %0, %w1; jmp 1f; .globl guest_hlt; guest_hlt: hlt; 1: cli"
		     : : "a"(1), "d"(GUEST_TELL) : "memory");
}

/* Leaves something everywhere in its APIC, which the VMM moves to another vCPU. */
void guest_lapic(void)
{
	apic_enable(0);
	write_cr8(3);
	apic_write(APIC_LINT0, MASKED | 0x33);
	apic_write(APIC_TIMER, PERIODIC | TICK);
	apic_write(APIC_DIVIDE, DIVIDE_1);
	apic_write(APIC_INITIAL, 20000000);
	send_ipi(0, SELF | 0x42);
	tell(1);
}

/* And so it is there: a vector waits, and the timer runs. */
void guest_lapic_after(void)
{
	CHECK("CR8", 3, read_cr8());
	CHECK("LINT0", MASKED | 0x33, apic_read(APIC_LINT0));
	CHECK("timer", PERIODIC | TICK, apic_read(APIC_TIMER));
	CHECK("initial count", 20000000, apic_read(APIC_INITIAL));
	CHECK("SVR", 0x1ff, apic_read(APIC_SVR));
	CHECK("logical id", SHARED->x2apic ? 1 : 1u << 24, apic_read(APIC_LDR));
	CHECK("IRR", 1u << 2, apic_read(APIC_IRR + 0x20) & 0xff);
	wait_for(&count[0][TICK], 3);
	CHECK("what waited", 1, count[0][0x42]);
}
