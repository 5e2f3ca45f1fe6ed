// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the interrupt controllers that are in the kernel. A thread runs the guest, which does
 * what the main thread asks by shared memory: guest.S.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "vmm.h"

#define GDT		0x2000
#define COUNTERS	0x3000
#define ORDER		0x3100
#define IDT		0x4000
#define APIC		0xfee00000
#define IOAPIC		0xfec00000
#define LEVEL		(1u << 15)
#define MASKED		(1u << 16)

/* What the guest counts, in its order, and the vectors */
enum { TIMER, MASTER, SLAVE, EDGE, LEVELS, SPURIOUS, COUNTED };
static const uint8_t vectors[COUNTED] = { 0x20, 0x23, 0x2a, 0x41, 0x52, 0x27 };

extern const char guest_chips_timer[], guest_chips_master[], guest_chips_slave[],
	guest_chips_edge[], guest_chips_level[], guest_chips_spurious[];

struct order {
	uint32_t what, at, value;
};

enum { OUT = 1, IN, STORE, LOAD, HALT, TELL, END };

struct guest {
	struct vm vm;
	struct vcpu v;
	pthread_t thread;
	volatile uint32_t *count;
	volatile struct order *order;
	useconds_t pause;		/* when it tells 6 */
	bool ready, bad;
};

static void put_gates(const struct vm *vm)
{
	const char *const handlers[COUNTED] = {
		guest_chips_timer, guest_chips_master, guest_chips_slave, guest_chips_edge,
		guest_chips_level, guest_chips_spurious,
	};
	int i;

	for (i = 0; i < COUNTED; i++) {
		uint32_t at = CODE + (handlers[i] - guest_chips);
		uint64_t gate = (at & 0xffff) | 8 << 16 | 0x8e00ull << 32;

		memcpy(vm->memory + IDT + 8 * vectors[i], &gate, 8);
	}
}

static void *run_guest(void *arg)
{
	struct guest *g = arg;
	struct kvm_run *run = g->v.run;

	while (!ioctl(g->v.fd, KVM_RUN, 0)) {
		if (run->exit_reason != KVM_EXIT_IO || run->io.port != PORT)
			break;
		if (*((char *)run + run->io.data_offset) == 6)
			usleep(g->pause);
		__atomic_store_n(&g->ready, true, __ATOMIC_SEQ_CST);
	}
	printf("exit %u\n", run->exit_reason);
	g->bad = true;
	return NULL;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

#define WAIT_FOR(g, condition)						\
	do {								\
		double end = now() + 10;				\
		while (!(condition) && !(g)->bad && now() < end)	\
			sched_yield();					\
		EXPECT(#condition, true, !!(condition));		\
	} while (0)

/* Does not wait until it is done */
static void order(struct guest *g, uint32_t what, uint32_t at, uint32_t value)
{
	g->order->at = at;
	g->order->value = value;
	__atomic_store_n(&g->order->what, what, __ATOMIC_SEQ_CST);
}

static uint32_t has(struct guest *g, uint32_t what, uint32_t at, uint32_t value)
{
	order(g, what, at, value);
	WAIT_FOR(g, !g->order->what);
	return g->order->value;
}

static void redirect(struct guest *g, uint32_t pin, uint32_t entry)
{
	has(g, STORE, IOAPIC, 0x10 + 2 * pin);
	has(g, STORE, IOAPIC + 0x10, entry);
}

static void init_pic(struct guest *g, uint32_t port, uint8_t base, uint8_t mask)
{
	has(g, OUT, port, 0x11);
	has(g, OUT, port + 1, base);
	has(g, OUT, port + 1, port == 0x20 ? 4 : 2);
	has(g, OUT, port + 1, 1);
	has(g, OUT, port + 1, mask);
}

static void make_chips(struct vm *vm)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

	make_vm(vm);
	CALL(vm->vm, KVM_CREATE_IRQCHIP, 0);
	CALL(vm->vm, KVM_CREATE_PIT2, &pit);
}

/* PICs at 0x20 and 0x28, with pins 3 and 10 not masked, and the APIC lets them through. */
static void start_chips(struct guest *g)
{
	static const uint64_t gdt[] = { 0, 0x00cf9b000000ffffull, 0x00cf93000000ffffull };
	struct kvm_sregs s;

	make_chips(&g->vm);
	make_vcpu(&g->vm, &g->v, 0);
	copy_code(&g->vm, guest_chips, guest_chips_end);
	memcpy(g->vm.memory + GDT, gdt, sizeof(gdt));
	put_gates(&g->vm);
	start_32(&g->v, 0);
	get_sregs(&g->v, &s);
	s.gdt = (struct kvm_dtable){ .base = GDT, .limit = sizeof(gdt) - 1 };
	s.idt = (struct kvm_dtable){ .base = IDT, .limit = 8 * 256 - 1 };
	CALL(g->v.fd, KVM_SET_SREGS, &s);
	g->count = (uint32_t *)(g->vm.memory + COUNTERS);
	g->order = (struct order *)(g->vm.memory + ORDER);
	pthread_create(&g->thread, NULL, run_guest, g);
	WAIT_FOR(g, __atomic_load_n(&g->ready, __ATOMIC_SEQ_CST));
	init_pic(g, 0x20, 0x20, 0xf3);
	init_pic(g, 0xa0, 0x28, 0xfb);
	has(g, STORE, APIC + 0xf0, 0x1ff);
	has(g, STORE, APIC + 0x350, 0x700);
}

static int interrupts(struct guest *g, int i)
{
	return __atomic_load_n(&g->count[i], __ATOMIC_SEQ_CST);
}

static void stop_chips(struct guest *g)
{
	EXPECT("ended well", false, g->bad);
	EXPECT("spurious", 0, interrupts(g, SPURIOUS));
	/* It waits in the kernel until the program ends. */
	order(g, END, 0, 0);
}

/* KVM_IRQ_LINE_STATUS: its status */
static int line(struct guest *g, uint32_t gsi, uint32_t level)
{
	struct kvm_irq_level l = { .irq = gsi, .level = level };

	CALL(g->vm.vm, KVM_IRQ_LINE_STATUS, &l);
	return l.status;
}

static void pulse(struct guest *g, uint32_t gsi)
{
	line(g, gsi, 1);
	line(g, gsi, 0);
}

static int get_chip(const struct vm *vm, uint32_t id, struct kvm_irqchip *chip)
{
	chip->chip_id = id;
	return ioctl(vm->vm, KVM_GET_IRQCHIP, chip) ? -errno : 0;
}

static int tries(const struct vm *vm, unsigned long nr, const void *arg)
{
	return ioctl(vm->vm, nr, arg) ? -errno : 0;
}

static void refuse_without_chips(void)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = 24 };
	struct kvm_reinject_control control = { 0 };
	struct kvm_pit_state2 pit;
	struct kvm_irqchip chip;
	struct vcpu v;
	struct vm vm;

	make_vm(&vm);
	EXPECT("no chip", -ENXIO, get_chip(&vm, 0, &chip));
	EXPECT("no chip", -ENXIO, tries(&vm, KVM_SET_IRQCHIP, &chip));
	EXPECT("no PIT", -ENXIO, tries(&vm, KVM_GET_PIT2, &pit));
	EXPECT("no PIT", -ENXIO, tries(&vm, KVM_REINJECT_CONTROL, &control));
	make_vcpu(&vm, &v, 0);
	EXPECT("too late", -EINVAL, tries(&vm, KVM_CREATE_IRQCHIP, NULL));
	make_vm(&vm);
	CALL(vm.vm, KVM_ENABLE_CAP, &cap);
	EXPECT("split", -EEXIST, tries(&vm, KVM_CREATE_IRQCHIP, NULL));
	make_chips(&vm);
	EXPECT("twice", -EEXIST, tries(&vm, KVM_CREATE_IRQCHIP, NULL));
	EXPECT("twice", -EEXIST, tries(&vm, KVM_CREATE_PIT, NULL));
	EXPECT("split", -EEXIST, tries(&vm, KVM_ENABLE_CAP, &cap));
	EXPECT("which one?", -EINVAL, get_chip(&vm, 3, &chip));
	EXPECT("bad address", -EFAULT, tries(&vm, KVM_GET_IRQCHIP, (void *)8));
	EXPECT("bad address", -EFAULT, tries(&vm, KVM_SET_PIT2, (void *)8));
	make_vcpu(&vm, &v, 0);
	EXPECT("KVM_INTERRUPT", -1, ioctl(v.fd, KVM_INTERRUPT, &(struct kvm_interrupt){ .irq = 5 }));
	EXPECT("KVM_INTERRUPT", ENXIO, errno);
}

static int route_pins(const struct vm *vm, uint32_t chip, uint32_t pin, uint32_t chip2,
		      uint32_t pin2)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry[2];
	} r = {
		.head.nr = 2,
		.entry = {
			{ .gsi = 7, .type = KVM_IRQ_ROUTING_IRQCHIP,
			  .u.irqchip = { .irqchip = chip, .pin = pin } },
			{ .gsi = 7, .type = KVM_IRQ_ROUTING_IRQCHIP,
			  .u.irqchip = { .irqchip = chip2, .pin = pin2 } },
		},
	};

	return tries(vm, KVM_SET_GSI_ROUTING, &r);
}

static void refuse_pins(void)
{
	struct vm vm;

	make_chips(&vm);
	EXPECT("one of each", 0, route_pins(&vm, KVM_IRQCHIP_PIC_MASTER, 7, KVM_IRQCHIP_IOAPIC, 23));
	EXPECT("two chips", 0, route_pins(&vm, KVM_IRQCHIP_PIC_MASTER, 7, KVM_IRQCHIP_PIC_SLAVE, 7));
	EXPECT("one twice", -EINVAL, route_pins(&vm, KVM_IRQCHIP_IOAPIC, 1, KVM_IRQCHIP_IOAPIC, 2));
	EXPECT("no pin", -EINVAL, route_pins(&vm, KVM_IRQCHIP_PIC_MASTER, 8, KVM_IRQCHIP_IOAPIC, 2));
	EXPECT("no pin", -EINVAL, route_pins(&vm, KVM_IRQCHIP_PIC_SLAVE, 8, KVM_IRQCHIP_IOAPIC, 2));
	EXPECT("no pin", -EINVAL, route_pins(&vm, KVM_IRQCHIP_IOAPIC, 24, KVM_IRQCHIP_PIC_SLAVE, 2));
	EXPECT("no chip", -EINVAL, route_pins(&vm, 3, 1, KVM_IRQCHIP_PIC_SLAVE, 2));
}

static void states(void)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_PIC_SLAVE };
	struct kvm_pit_state2 pit = { .flags = 0 };
	struct kvm_pit_state old;
	struct vm vm;

	make_chips(&vm);
	CALL(vm.vm, KVM_GET_IRQCHIP, &chip);
	EXPECT("ELCR's mask", 0xde, chip.chip.pic.elcr_mask);
	chip.chip.pic.imr = 0x5a;
	chip.chip.pic.irq_base = 0x70;
	CALL(vm.vm, KVM_SET_IRQCHIP, &chip);
	memset(&chip.chip, 0, sizeof(chip.chip));
	CALL(vm.vm, KVM_GET_IRQCHIP, &chip);
	EXPECT("mask", 0x5a, chip.chip.pic.imr);
	EXPECT("base", 0x70, chip.chip.pic.irq_base);
	chip.chip_id = KVM_IRQCHIP_IOAPIC;
	CALL(vm.vm, KVM_GET_IRQCHIP, &chip);
	EXPECT("address", IOAPIC, chip.chip.ioapic.base_address);
	EXPECT("masked", MASKED, chip.chip.ioapic.redirtbl[23].bits);
	chip.chip.ioapic.id = 3;
	chip.chip.ioapic.ioregsel = 0x21;
	chip.chip.ioapic.redirtbl[23].bits = 0x0100000000010044ull;
	CALL(vm.vm, KVM_SET_IRQCHIP, &chip);
	memset(&chip.chip, 0, sizeof(chip.chip));
	CALL(vm.vm, KVM_GET_IRQCHIP, &chip);
	EXPECT("id", 3, chip.chip.ioapic.id);
	EXPECT("selected", 0x21, chip.chip.ioapic.ioregsel);
	EXPECT("entry", 0x0100000000010044ull, chip.chip.ioapic.redirtbl[23].bits);
	CALL(vm.vm, KVM_GET_PIT2, &pit);
	EXPECT("count", 0x10000, pit.channels[0].count);
	EXPECT("mode", 0xff, pit.channels[0].mode);
	EXPECT("gate", 0, pit.channels[2].gate);
	pit.channels[2].count = 1000;
	pit.channels[2].mode = 3;
	CALL(vm.vm, KVM_SET_PIT2, &pit);
	CALL(vm.vm, KVM_GET_PIT, &old);
	EXPECT("count", 1000, old.channels[2].count);
	EXPECT("mode", 3, old.channels[2].mode);
	CALL(vm.vm, KVM_SET_PIT, &old);
}

static const int capabilities[] = {
	KVM_CAP_IRQCHIP, KVM_CAP_PIT, KVM_CAP_PIT2, KVM_CAP_PIT_STATE2, KVM_CAP_REINJECT_CONTROL,
	KVM_CAP_IRQFD_RESAMPLE,
};

void test_chips(void)
{
	struct vm vm;
	size_t i;

	make_vm(&vm);
	for (i = 0; i < ITEMS(capabilities); i++)
		EXPECT("capability", 1, CALL(vm.vm, KVM_CHECK_EXTENSION, capabilities[i]));
	refuse_without_chips();
	refuse_pins();
	states();
}

/* Each edge is one interrupt, whether the guest spins or halts. */
static void count_edges(struct guest *g, uint32_t gsi, int counter, int times)
{
	int from = interrupts(g, counter), i;

	for (i = 1; i <= times; i++) {
		if (i & 1)
			order(g, HALT, 0, 0);
		pulse(g, gsi);
		WAIT_FOR(g, interrupts(g, counter) == from + i);
		if (i & 1)
			WAIT_FOR(g, !g->order->what);
	}
}

void test_pic(void)
{
	struct guest guest = { 0 }, *g = &guest;

	start_chips(g);
	count_edges(g, 3, MASTER, 200);
	count_edges(g, 10, SLAVE, 200);
	EXPECT("mask", 0xf3, has(g, IN, 0x21, 0));
	/* Masked: it waits */
	has(g, OUT, 0x21, 0xff);
	EXPECT("masked", -1, line(g, 3, 1));
	line(g, 3, 0);
	has(g, OUT, 0x20, 0x0a);
	EXPECT("requested", 1 << 3, has(g, IN, 0x20, 0));
	EXPECT("none", 200, interrupts(g, MASTER));
	has(g, OUT, 0x21, 0xf3);
	WAIT_FOR(g, interrupts(g, MASTER) == 201);
	has(g, OUT, 0x20, 0x0b);
	EXPECT("in service", 0, has(g, IN, 0x20, 0));
	/* What the APIC does not let through is nothing. */
	has(g, STORE, APIC + 0x350, MASKED | 0x700);
	pulse(g, 3);
	usleep(20000);
	EXPECT("none", 201, interrupts(g, MASTER));
	/* ELCR */
	has(g, OUT, 0x4d0, 0xff);
	has(g, OUT, 0x4d1, 0xff);
	EXPECT("ELCR", 0xf8, has(g, IN, 0x4d0, 0));
	EXPECT("ELCR", 0xde, has(g, IN, 0x4d1, 0));
	stop_chips(g);
}

void test_ioapic(void)
{
	struct guest guest = { 0 }, *g = &guest;
	struct kvm_irqchip chip;
	int i, from;

	start_chips(g);
	has(g, STORE, IOAPIC, 1);
	EXPECT("version", 0x170011, has(g, LOAD, IOAPIC + 0x10, 0));
	EXPECT("selected", 1, has(g, LOAD, IOAPIC, 0));
	redirect(g, 5, vectors[EDGE]);
	redirect(g, 20, vectors[EDGE]);
	count_edges(g, 5, EDGE, 200);
	count_edges(g, 20, EDGE, 200);
	EXPECT("rises", 1, line(g, 20, 1));
	EXPECT("is high", 0, line(g, 20, 1));
	line(g, 20, 0);
	/* A level comes again until it falls. */
	redirect(g, 21, vectors[LEVELS] | LEVEL);
	from = interrupts(g, LEVELS);
	line(g, 21, 1);
	WAIT_FOR(g, interrupts(g, LEVELS) > from + 100);
	line(g, 21, 0);
	usleep(20000);
	from = interrupts(g, LEVELS);
	usleep(20000);
	EXPECT("no more", from, interrupts(g, LEVELS));
	/* Masked, it waits; and unmasked it comes. */
	for (i = 0; i < 20; i++) {
		redirect(g, 21, vectors[LEVELS] | LEVEL | MASKED);
		line(g, 21, 1);
		EXPECT("masked", from, interrupts(g, LEVELS));
		/* Until it falls, the guest may have no time for anything else. */
		order(g, STORE, IOAPIC + 0x10, vectors[LEVELS] | LEVEL);
		WAIT_FOR(g, interrupts(g, LEVELS) > from);
		line(g, 21, 0);
		WAIT_FOR(g, !g->order->what);
		from = interrupts(g, LEVELS);
	}
	get_chip(&g->vm, KVM_IRQCHIP_IOAPIC, &chip);
	EXPECT("entry", vectors[LEVELS] | LEVEL, chip.chip.ioapic.redirtbl[21].bits);
	EXPECT("lines", 0, chip.chip.ioapic.irr);
	stop_chips(g);
}

static int assign(struct guest *g, uint32_t gsi, int fd, int resample, uint32_t flags)
{
	struct kvm_irqfd args = { .fd = fd, .gsi = gsi, .flags = flags, .resamplefd = resample };

	return ioctl(g->vm.vm, KVM_IRQFD, &args) ? -errno : 0;
}

static void write_eventfd(int fd)
{
	if (write(fd, &(uint64_t){ 1 }, 8) != 8)
		die("write");
}

/* Each write is one interrupt, whose end is one event. */
static void resample(struct guest *g, uint32_t gsi, int counter, int times)
{
	int fd = make_eventfd(), ends = make_eventfd(), other = make_eventfd(), i;
	int from = interrupts(g, counter);

	EXPECT("no eventfd", -EINVAL, assign(g, gsi, fd, g->vm.vm, KVM_IRQFD_FLAG_RESAMPLE));
	EXPECT("irqfd", 0, assign(g, gsi, fd, ends, KVM_IRQFD_FLAG_RESAMPLE));
	EXPECT("irqfd", 0, assign(g, gsi, other, ends, KVM_IRQFD_FLAG_RESAMPLE));
	for (i = 1; i <= times; i++) {
		uint64_t told = 0;

		write_eventfd(i & 1 ? fd : other);
		WAIT_FOR(g, interrupts(g, counter) == from + i);
		/* Both are told. */
		WAIT_FOR(g, (told += read_eventfd(ends)) >= 2);
		EXPECT("told", 2, told);
	}
	usleep(20000);
	EXPECT("no more", from + times, interrupts(g, counter));
	EXPECT("deassign", 0, assign(g, gsi, other, 0, KVM_IRQFD_FLAG_DEASSIGN));
	/* The last one leaves the line low. */
	EXPECT("deassign", 0, assign(g, gsi, fd, 0, KVM_IRQFD_FLAG_DEASSIGN));
	close(fd);
	close(ends);
	close(other);
}

/*
 * An irqfd whose eventfd is closed ends a moment later, and lowers its GSI if it is the last one
 * there. One that comes meanwhile, and raises the GSI, must not find it low.
 */
static void resample_again(struct guest *g, uint32_t gsi, int times)
{
	struct kvm_irqchip chip;
	int ends = make_eventfd(), i;

	redirect(g, gsi, vectors[LEVELS] | LEVEL | MASKED);
	for (i = 0; i < times && !failed; i++) {
		int closed = make_eventfd(), fd = make_eventfd();

		EXPECT("irqfd", 0, assign(g, gsi, closed, ends, KVM_IRQFD_FLAG_RESAMPLE));
		close(closed);
		/* It ends while this one is made, or before, or after. */
		usleep(i % 64 * 4);
		EXPECT("irqfd", 0, assign(g, gsi, fd, ends, KVM_IRQFD_FLAG_RESAMPLE));
		write_eventfd(fd);
		usleep(2000);
		get_chip(&g->vm, KVM_IRQCHIP_IOAPIC, &chip);
		EXPECT("the line is high", 1, chip.chip.ioapic.irr >> gsi & 1);
		EXPECT("deassign", 0, assign(g, gsi, fd, 0, KVM_IRQFD_FLAG_DEASSIGN));
		close(fd);
	}
	close(ends);
}

void test_resample(void)
{
	struct guest guest = { 0 }, *g = &guest;

	start_chips(g);
	redirect(g, 22, vectors[LEVELS] | LEVEL);
	resample(g, 22, LEVELS, 200);
	/* Pin 2 of the slave is level-triggered. */
	has(g, OUT, 0x4d1, 1 << 2);
	resample(g, 10, SLAVE, 200);
	resample(g, 22, LEVELS, 200);
	resample_again(g, 23, 400);
	stop_chips(g);
}

#define TICKS_A_SECOND	100

static void program_pit(struct guest *g)
{
	uint32_t count = 1193182 / TICKS_A_SECOND;

	has(g, OUT, 0x43, 0x34);
	has(g, OUT, 0x40, count & 0xff);
	has(g, OUT, 0x40, count >> 8);
}

static void stop_pit(struct guest *g)
{
	has(g, OUT, 0x43, 0x30);
	has(g, OUT, 0x40, 0);
	has(g, OUT, 0x40, 0);
	usleep(100000);			/* and a last one */
}

/* How many ticks came in as long as that, and how many were due */
static void count_ticks(struct guest *g, int counter, double seconds, useconds_t pause,
			double *got, double *due)
{
	int from;
	double start;

	program_pit(g);
	start = now();
	from = interrupts(g, counter);
	if (pause) {
		g->pause = pause;
		has(g, TELL, 0, 0);
	}
	while (now() < start + seconds)
		usleep(1000);
	*due = (now() - start) * TICKS_A_SECOND;
	*got = interrupts(g, counter) - from;
	printf("%g ticks, of %g\n", *got, *due);
	stop_pit(g);
}

static void set_reinject(struct guest *g, bool reinject)
{
	struct kvm_reinject_control control = { .pit_reinject = reinject };

	CALL(g->vm.vm, KVM_REINJECT_CONTROL, &control);
}

/* The speaker's port: channel 2 counts, and its output rises at the end. */
static void read_speaker(struct guest *g)
{
	double start;

	has(g, OUT, 0x61, 1);
	has(g, OUT, 0x43, 0xb0);
	has(g, OUT, 0x42, 0xff);
	start = now();
	has(g, OUT, 0x42, 0xff);
	EXPECT("low", 0, has(g, IN, 0x61, 0) & 0x20);
	while (!(has(g, IN, 0x61, 0) & 0x20) && now() < start + 5)
		;
	/* 65535 ticks are 54.9 ms. */
	EXPECT("not too early", true, now() - start > 0.0545);
	EXPECT("not too late", true, now() - start < 0.5);
}

/*
 * A busy host lets ticks be late, and those that cannot be made up for are lost: one second of
 * several has to be right.
 */
static void expect_ticks(struct guest *g, const char *what, int counter, useconds_t pause,
			 double least, double missing)
{
	double got = 0, due = 0;
	int tries;

	for (tries = 0; tries < 4; tries++) {
		count_ticks(g, counter, 1, pause, &got, &due);
		if (got >= due * least - missing && got <= due + 3)
			return;
	}
	EXPECT(what, due, got);
}

void test_pit(void)
{
	struct guest guest = { 0 }, *g = &guest;
	double got, due;

	start_chips(g);
	read_speaker(g);
	/* By the PIC: none is lost, also while the guest does not run. */
	has(g, OUT, 0x21, 0xf2);
	expect_ticks(g, "all", TIMER, 0, 1, 3);
	expect_ticks(g, "all are made up for", TIMER, 500000, 1, 5);
	set_reinject(g, false);
	count_ticks(g, TIMER, 1, 500000, &got, &due);
	EXPECT("some are dropped", true, got <= due - 30 && got >= 10);
	set_reinject(g, true);
	has(g, OUT, 0x21, 0xf3);
	/* By the I/O APIC: what a busy host keeps from coming in time is lost. */
	redirect(g, 0, vectors[EDGE]);
	expect_ticks(g, "most", EDGE, 0, 0.8, 0);
	stop_chips(g);
}
