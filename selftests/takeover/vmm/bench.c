// SPDX-License-Identifier: GPL-2.0-only
/*
 * What operations of a VM cost, for scripts/bench: under an emulator that counts instructions
 * (scripts/machine --icount), where a tick of the TSC is one. Prints lines
 *
 *	vm OPERATION TICKS EXITS SWITCHES RETURNS
 *
 * each of one operation: the vCPU's ticks; its exits; how often the CPU went from Linux to it
 * (in KVM, which is a part of Linux, nobody counts that: "-"); and how often KVM_RUN returned.
 * Of several rounds, that with the fewest ticks counts: in the others Linux's own timer came.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/regent.h>

#include "vmm.h"

#define KVM_EXITS	"/sys/kernel/debug/kvm/exits"
#define TICKS_PER_MS	1000000		/* of the emulator: one a nanosecond */
#define ROUNDS		5
#define ROUNDS_OF_AREA	2		/* each is so long that the timer comes in any */
#define ROUNDS_OF_HUGE	8		/* in some of them once less often than in others */
#define TICK_US		4000
#define HUGE		(2u << 20)
#define AREA		(64u << 20)
#define AREA_SLOT	1

/* What is there for the guest */
enum kind { XAPIC, X2APIC, CHIPS, TWO };

/* What a round begins with: the area that it touches, if any */
enum area { NONE, EMPTY, EMPTY_HUGE, THERE, THERE_HUGE };

static const struct operation {
	const char *name;
	enum bench_op op;
	enum kind kind;
	uint32_t count;
	enum area area;
	uint32_t stride;
} operations[] = {
#define OPERATION(o, k, n)	{ .name = #o, .op = BENCH_##o, .kind = k, .count = n }
#define TOUCH(what, a, bytes)	{ .name = what, .op = BENCH_touch, .kind = X2APIC,	\
				  .count = AREA / (bytes), .area = a, .stride = bytes }
	OPERATION(cpuid, XAPIC, 200), OPERATION(cpuid_late, XAPIC, 200),
	OPERATION(vmmcall, XAPIC, 200), OPERATION(rdmsr, XAPIC, 200),
	OPERATION(apic_read, XAPIC, 200), OPERATION(apic_write, XAPIC, 200),
	OPERATION(x2apic_read, X2APIC, 200), OPERATION(x2apic_write, X2APIC, 200),
	OPERATION(ioapic_read, CHIPS, 200), OPERATION(pic_read, CHIPS, 200),
	OPERATION(pio_read, XAPIC, 200), OPERATION(pio_write, XAPIC, 200),
	OPERATION(mmio_read, XAPIC, 200), OPERATION(mmio_write, XAPIC, 200),
	OPERATION(self_ipi, X2APIC, 100), OPERATION(timer, X2APIC, 50),
	OPERATION(ping, TWO, 50),
	TOUCH("fault", THERE, 4096), TOUCH("fault_far", THERE, 1u << 20),
	TOUCH("fault_huge", THERE_HUGE, HUGE),
	TOUCH("first_touch", EMPTY, 4096), TOUCH("first_touch_huge", EMPTY_HUGE, 4096),
};

struct counts {
	double ticks, exits, switches, returns;
	bool no_switches;
};

/* A VM, and what it has */
struct bench {
	struct vm vm;
	struct vcpu v, peer;
	struct runner runner;
	uint8_t *area;
	double returns;
};

static void count_regent(int fd, struct counts *c)
{
	struct regent_world w = { .id = 0 };

	while (!ioctl(fd, REGENT_IOC_WORLD_NEXT, &w)) {
		if (w.kind != REGENT_WORLD_KIND_VM)
			continue;
		c->exits += w.exits;
		c->switches += w.switches;
	}
	close(fd);
}

static void count_kvm(struct counts *c)
{
	FILE *f = fopen(KVM_EXITS, "r");

	c->no_switches = true;
	if (!f || fscanf(f, "%lf", &c->exits) != 1)
		die(KVM_EXITS);
	fclose(f);
}

static struct counts count(const struct bench *b)
{
	struct counts c = { .returns = b->returns };
	int fd = open("/dev/regent", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		count_regent(fd, &c);
	else
		count_kvm(&c);
	return c;
}

/* Where the VMM has a device that answers at once */
static bool is_device(const struct kvm_run *run)
{
	if (run->exit_reason == KVM_EXIT_IO)
		return run->io.port == BENCH_PORT;
	return run->exit_reason == KVM_EXIT_MMIO && run->mmio.phys_addr == BENCH_DEVICE;
}

/* As little as a VMM can do */
static void run_until(struct bench *b, uint32_t value)
{
	struct kvm_run *run = b->v.run;

	for (;;) {
		if (ioctl(b->v.fd, KVM_RUN, 0))
			die("KVM_RUN");
		b->returns++;
		if (is_device(run))
			continue;
		if (run->exit_reason != KVM_EXIT_IO || run->io.port != GUEST_TELL ||
		    *(uint32_t *)((char *)run + run->io.data_offset) != value) {
			printf("exit %u of the guest\n", run->exit_reason);
			exit(1);
		}
		return;
	}
}

/* The area at its beginning: nothing of it is in the VM's tables. */
static void renew_area(struct bench *b, enum area area)
{
	bool huge = area == EMPTY_HUGE || area == THERE_HUGE;
	uint8_t *at;

	if (b->area) {
		set_slot(&b->vm, AREA_SLOT, BENCH_MEMORY, b->area, 0, 0);
		munmap(b->area, AREA + HUGE);
	}
	b->area = anonymous(AREA + HUGE);
	at = (uint8_t *)(((uintptr_t)b->area + HUGE - 1) & -(uintptr_t)HUGE);
	if (madvise(at, AREA, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		die("madvise");
	if (area == THERE || area == THERE_HUGE)
		memset(at, 1, AREA);
	EXPECT("slot", 0, set_slot(&b->vm, AREA_SLOT, BENCH_MEMORY, at, AREA, 0));
}

/* @wait: microseconds, so that it begins at another moment between two of Linux's ticks */
static struct counts one_round(struct bench *b, const struct operation *o, uint32_t wait)
{
	volatile struct shared *s = shared(&b->vm);
	struct counts before, after;

	if (o->area) {
		renew_area(b, o->area);
		usleep(wait);
	}
	s->arg[BENCH_OP] = o->op;
	s->arg[BENCH_COUNT] = o->count;
	s->arg[BENCH_STRIDE] = o->stride;
	before = count(b);
	run_until(b, BENCH_DONE);
	after = count(b);
	after.ticks = s->arg[BENCH_TICKS];
	/* Without that by which it tells its end */
	after.exits -= before.exits + 1;
	after.switches -= before.switches + 1;
	after.returns -= before.returns + 1;
	run_until(b, BENCH_READY);
	return after;
}

static int rounds_of(const struct operation *o)
{
	switch (o->area) {
	case NONE:
		return ROUNDS;
	case EMPTY_HUGE:
	case THERE_HUGE:
		return ROUNDS_OF_HUGE;
	case EMPTY:
	case THERE:
		break;
	}
	return ROUNDS_OF_AREA;
}

static struct counts best_round(struct bench *b, const struct operation *o)
{
	int i, rounds = rounds_of(o);
	struct counts best = { .ticks = 0 }, now;

	for (i = 0; i < rounds; i++) {
		now = one_round(b, o, TICK_US * i / rounds);
		if (!i || now.ticks < best.ticks)
			best = now;
	}
	return best;
}

static void begin(struct bench *b, enum kind kind)
{
	memset(b, 0, sizeof(*b));
	if (kind == CHIPS) {
		make_vm(&b->vm);
		CALL(b->vm.vm, KVM_CREATE_IRQCHIP, 0);
		fill_guest_vm(&b->vm, false, 1);
	} else {
		make_guest_vm(&b->vm, kind != XAPIC, kind == TWO ? 2 : 1);
	}
	make_guest_vcpu(&b->vm, &b->v, 0);
	if (llabs((long long)shared(&b->vm)->tsc_khz - TICKS_PER_MS) > TICKS_PER_MS / 1000) {
		printf("a tick is no instruction here\n");
		exit(1);
	}
	start_guest(&b->v, 0, GUEST_FN_bench);
	run_until(b, BENCH_READY);
	if (kind != TWO)
		return;
	make_guest_vcpu(&b->vm, &b->peer, 1);
	CALL(b->peer.fd, KVM_SET_MP_STATE, &(struct kvm_mp_state){ KVM_MP_STATE_RUNNABLE });
	start_guest(&b->peer, 1, GUEST_FN_bench_peer);
	begin_thread(&b->runner, &b->vm, &b->peer, 1);
	usleep(10000);
}

static void end(struct bench *b, enum kind kind)
{
	alarm(0);
	if (kind == TWO) {
		end_thread(&b->runner);
		munmap(b->peer.run, b->vm.run_size);
		close(b->peer.fd);
	}
	munmap(b->v.run, b->vm.run_size);
	close(b->v.fd);
	close(b->vm.vm);
	close(b->vm.kvm);
	munmap(b->vm.memory, MEMORY);
	if (b->area)
		munmap(b->area, AREA + HUGE);
}

static void measure(const struct operation *o)
{
	const struct operation nothing = { .op = BENCH_empty, .count = o->count };
	struct counts c, empty;
	struct bench b;

	begin(&b, o->kind);
	empty = best_round(&b, &nothing);
	c = best_round(&b, o);
	end(&b, o->kind);
	/* The timer's loop has subtracted its own already. */
	if (o->op != BENCH_timer)
		c.ticks -= empty.ticks;
	printf("vm %s %.1f %.3f ", o->name, c.ticks / o->count, c.exits / o->count);
	if (c.no_switches)
		printf("- ");
	else
		printf("%.3f ", c.switches / o->count);
	printf("%.3f\n", c.returns / o->count);
	fflush(stdout);
}

void test_bench(void)
{
	unsigned int i;

	for (i = 0; i < ITEMS(operations) && !failed; i++)
		measure(&operations[i]);
}
