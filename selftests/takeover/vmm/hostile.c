// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests and VMMs that mean harm. Whatever comes of it: KVM_RUN ends, by a signal at the latest,
 * and what is run next runs as ever.
 */
#include <cpuid.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "vmm.h"

#define GDT		0x5000
#define IDT		0x5100
#define HOLE		0x20000000
#define INTERRUPTED	0xfff	/* beside KVM_EXIT_*: KVM_RUN was ended by a signal */
#define FAILED		0xffe	/* KVM_RUN ended with another errno */

static void on_alarm(int nr)
{
	(void)nr;
}

/* How KVM_RUN ends, within so much time, after which a signal comes again and again */
static uint32_t run_for(const struct vcpu *v, uint32_t ms)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value.tv_usec = ms * 1000, .it_interval.tv_usec = 50000 };
	struct itimerval never = { .it_value.tv_usec = 0 };
	int err;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	err = ioctl(v->fd, KVM_RUN, 0) ? errno : 0;
	setitimer(ITIMER_REAL, &never, NULL);
	return !err ? v->run->exit_reason : err == EINTR ? INTERRUPTED : FAILED;
}

/* One of those that there may be */
static bool one_of(int line, uint32_t found, uint32_t a, uint32_t b, uint32_t c)
{
	if (getenv("VMM_VERBOSE"))
		printf("line %d: ends with %u\n", line, found);
	if (found == a || found == b || found == c)
		return true;
	return expect(line, "KVM_RUN ends", a, found);
}

#define ONE_OF(found, a, b, c)	one_of(__LINE__, found, a, b, c)

/* All is as ever in a VM that is made now. */
void still_works(int line)
{
	struct vcpu v;
	struct vm vm;

	BEGIN(&vm, &v, real);
	start_real(&v, 0x1111);
	tells(&v, line, 0x2345);
	exits_by(&v, line, KVM_EXIT_HLT);
	close(v.fd);
	close(vm.vm);
	close(vm.kvm);
}

/* QEMU's own processor aborts QEMU at a breakpoint that the delivery of an event meets. */
bool is_tcg(void)
{
	uint32_t a, b, c, d;

	__cpuid(0x40000000, a, b, c, d);
	return b == 0x54474354;
}

static void db_stack(bool delivery)
{
	struct kvm_sregs s;
	struct vcpu v;
	struct vm vm;
	uint64_t ist = GUEST_AREA + 0x2000;
	uint32_t i, end;

	make_guest_vm(&vm, false, 1);
	make_guest_vcpu(&vm, &v, 0);
	start_guest(&v, 0, GUEST_FN_db_stack);
	memcpy(vm.memory + GUEST_AREA + 0x24, &ist, 8);
	shared(&vm)->arg[0] = delivery;
	get_sregs(&v, &s);
	s.tr.base = GUEST_AREA;
	s.tr.limit = 0x67;
	s.tr.type = 11;
	CALL(v.fd, KVM_SET_SREGS, &s);
	for (i = 0; i < 3; i++) {
		end = run_for(&v, 200);
		ONE_OF(end, INTERRUPTED, delivery ? KVM_EXIT_IO : INTERRUPTED, INTERRUPTED);
	}
	still_works(__LINE__);
}

void test_endless_db(void)
{
	db_stack(false);
	if (is_tcg())
		printf("skipped: breakpoints that the delivery of #DB meets\n");
	else
		db_stack(true);
}

static void put64(const struct vm *vm, uint32_t at, uint64_t value)
{
	memcpy(vm->memory + at, &value, 8);
}

/* GDT: flat code and data of rings 0 and 3; a gate for one vector at CODE */
static void fill_32(const struct vm *vm, const struct vcpu *v, uint32_t vector,
		    uint32_t selector)
{
	struct kvm_sregs s;

	put64(vm, GDT + 8, 0x00cf9b000000ffffull);
	put64(vm, GDT + 16, 0x00cf93000000ffffull);
	put64(vm, GDT + 24, 0x00cffb000000ffffull);
	put64(vm, GDT + 32, 0x00cff3000000ffffull);
	put64(vm, IDT + 8 * vector, 0x0000ee0000000000ull | selector << 16 | CODE);
	get_sregs(v, &s);
	s.gdt.base = GDT;
	s.gdt.limit = 39;
	s.idt.base = IDT;
	s.idt.limit = 255;
	CALL(v->fd, KVM_SET_SREGS, &s);
}

void test_endless_db32(void)
{
	struct kvm_debugregs debug = { .dr6 = 0xffff0ff0, .dr7 = 0xd0403 };
	struct vcpu v;
	struct vm vm;
	uint32_t i;

	/* The handler's PUSH meets it, not the delivery, which is above. */
	BEGIN(&vm, &v, push);
	start_32(&v, 0x8000);
	fill_32(&vm, &v, 1, 8);
	debug.db[0] = 0x8000 - 4;
	CALL(v.fd, KVM_SET_DEBUGREGS, &debug);
	for (i = 0; i < 3; i++)
		ONE_OF(run_for(&v, 200), INTERRUPTED, INTERRUPTED, INTERRUPTED);
	still_works(__LINE__);
}

/* Where the processor does not check alignment, as some emulators, the guest goes on. */
void test_endless_ac(void)
{
	struct kvm_regs regs;
	struct kvm_sregs s;
	struct vcpu v;
	struct vm vm;
	uint32_t i;

	BEGIN(&vm, &v, misaligned);
	start_32(&v, 0);
	fill_32(&vm, &v, 17, 0x1b);
	put64(&vm, IDT + 8 * 8, 0x0000ee0000000000ull | 0x1b << 16 | CODE);
	get_sregs(&v, &s);
	s.cs.dpl = s.ss.dpl = s.ds.dpl = s.es.dpl = s.fs.dpl = s.gs.dpl = 3;
	s.cs.selector = 0x1b;
	s.ss.selector = s.ds.selector = s.es.selector = s.fs.selector = s.gs.selector = 0x23;
	s.cr0 |= 1 << 18;		/* AM */
	CALL(v.fd, KVM_SET_SREGS, &s);
	CALL(v.fd, KVM_GET_REGS, &regs);
	regs.rflags = 1 << 18 | 3 << 12 | 2;
	regs.rsp = 0x8002;
	CALL(v.fd, KVM_SET_REGS, &regs);
	for (i = 0; i < 3; i++)
		ONE_OF(run_for(&v, 200), INTERRUPTED, KVM_EXIT_IO, INTERRUPTED);
	still_works(__LINE__);
}

/* Exceptions whose frame goes where nothing is, and code where nothing is */
void test_holes(void)
{
	struct kvm_regs regs;
	struct vcpu v;
	struct vm vm;
	int i;

	for (i = 1; i < 4; i++) {
		BEGIN(&vm, &v, hole);
		start_32(&v, 0);
		fill_32(&vm, &v, 6, 8);
		CALL(v.fd, KVM_GET_REGS, &regs);
		if (i & 1)
			regs.rsp = HOLE;
		if (i & 2)
			regs.rip = HOLE + 0x1000;
		CALL(v.fd, KVM_SET_REGS, &regs);
		ONE_OF(run_for(&v, 300), KVM_EXIT_INTERNAL_ERROR, INTERRUPTED, KVM_EXIT_MMIO);
	}
	still_works(__LINE__);
}

/* The guest's tables where nothing is, and where they cannot be written */
void test_tables(void)
{
	struct kvm_sregs s;
	struct vcpu v;
	struct vm vm;
	uint32_t end;

	make_guest_vm(&vm, false, 1);
	make_guest_vcpu(&vm, &v, 0);
	start_guest(&v, 0, GUEST_FN_tables);
	get_sregs(&v, &s);
	s.cr3 = HOLE;
	CALL(v.fd, KVM_SET_SREGS, &s);
	end = run_for(&v, 300);
	if (end != KVM_EXIT_SHUTDOWN)
		ONE_OF(end, KVM_EXIT_INTERNAL_ERROR, INTERRUPTED, KVM_EXIT_MMIO);
	EXPECT("slot", 0, set_slot(&vm, 0, 0, vm.memory, 0, 0));
	EXPECT("slot", 0, set_slot(&vm, 0, 0, vm.memory, 0x1000, 0));
	EXPECT("slot", 0, set_slot(&vm, 1, 0x1000, vm.memory + 0x1000, 0x6000,
				   KVM_MEM_READONLY));
	EXPECT("slot", 0, set_slot(&vm, 2, 0x7000, vm.memory + 0x7000, MEMORY - 0x7000, 0));
	start_guest(&v, 0, GUEST_FN_tables);
	end = run_for(&v, 300);
	if (end != KVM_EXIT_SHUTDOWN && end != KVM_EXIT_IO)
		ONE_OF(end, KVM_EXIT_INTERNAL_ERROR, INTERRUPTED, KVM_EXIT_MMIO);
	still_works(__LINE__);
}

/* The device has the upper half; memory may have been written before or not at all. */
void test_crossing(void)
{
	struct vcpu v;
	struct vm vm;

	BEGIN(&vm, &v, crossing);
	start_32(&v, MEMORY - 2);
	if (!ONE_OF(run_for(&v, 300), KVM_EXIT_MMIO, KVM_EXIT_INTERNAL_ERROR,
		    KVM_EXIT_MMIO))
		return;
	if (v.run->exit_reason == KVM_EXIT_MMIO) {
		EXPECT("address", MEMORY, v.run->mmio.phys_addr);
		EXPECT("length", 2, v.run->mmio.len);
		EXPECT("value", 0x4433, *(uint16_t *)v.run->mmio.data);
		EXPECT("in memory", 0x2211, *(uint16_t *)(vm.memory + MEMORY - 2));
		EXITS(&v, KVM_EXIT_MMIO);
		EXPECT("address", MEMORY, v.run->mmio.phys_addr);
		EXPECT("read", 0, v.run->mmio.is_write);
		*(uint16_t *)v.run->mmio.data = 0x6655;
		TELLS(&v, 0x66552211);
	}
	still_works(__LINE__);
}

uint64_t random_seed(void)
{
	const char *given = getenv("VMM_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 2654435761u;

	printf("seed 0x%llx (VMM_SEED)\n", (unsigned long long)seed);
	fflush(stdout);
	return seed | 1;
}

void test_garbage(void)
{
	struct vcpu v;
	struct vm vm;

	make_guest_vm(&vm, true, 1);
	make_guest_vcpu(&vm, &v, 0);
	start_guest(&v, 0, GUEST_FN_garbage);
	shared(&vm)->arg[0] = random_seed();
	guest_tells(&vm, &v, __LINE__, GUEST_DONE);
	if (failed)
		printf("last MSR 0x%llx\n", (unsigned long long)shared(&vm)->arg[1]);
	still_works(__LINE__);
}

#define SPOILS	12

/* States that no processor has, or hardly one */
static void spoil(struct kvm_sregs *s, int i)
{
	struct kvm_sregs by[SPOILS] = {
		[0] = { .cs.db = 1 },			/* L and D */
		[1] = { .cr4 = 1 << 5 },		/* long mode without PAE */
		[2] = { .cr0 = 1 << 29 },		/* NW without CD */
		[3] = { .cr3 = 1ull << 60 },
		[4] = { .efer = 1 << 12 },		/* SVME */
		[5] = { .efer = 1ull << 40 },
		[6] = { .cr4 = 1ull << 63 },
		[7] = { .cr0 = 1ull << 40 },
		[8] = { .cr0 = 1 },			/* paging without protection */
		[9] = { .cr8 = 0x12345 },
		[10] = { .apic_base = 0x10000000 },
		[11] = { .idt.base = 1ull << 63, .gdt.base = 1ull << 63 },
	};

	s->cs.db ^= by[i].cs.db;
	s->cr0 ^= by[i].cr0;
	s->cr3 ^= by[i].cr3;
	s->cr4 ^= by[i].cr4;
	s->efer ^= by[i].efer;
	s->cr8 ^= by[i].cr8;
	s->apic_base ^= by[i].apic_base;
	s->idt.base ^= by[i].idt.base;
	s->gdt.base ^= by[i].gdt.base;
}

static void run_spoilt(const struct vcpu *v, int i)
{
	struct kvm_sregs s;
	uint32_t end;

	start_guest(v, 0, GUEST_FN_tables);
	get_sregs(v, &s);
	spoil(&s, i);
	if (ioctl(v->fd, KVM_SET_SREGS, &s)) {
		expect(i, "errno", EINVAL, errno);
		return;
	}
	end = run_for(v, 200);
	if (getenv("VMM_VERBOSE"))
		printf("state %d: ends with %u\n", i, end);
	expect(i, "KVM_RUN failed", 0, end == FAILED);
}

/* What a processor would not run, and then what it runs */
void test_refused(void)
{
	struct kvm_sregs sane;
	struct vcpu v;
	struct vm vm;
	int i;

	make_guest_vm(&vm, false, 1);
	make_guest_vcpu(&vm, &v, 0);
	get_sregs(&v, &sane);
	for (i = 0; i < SPOILS; i++) {
		run_spoilt(&v, i);
		CALL(v.fd, KVM_SET_SREGS, &sane);
		start_guest(&v, 0, GUEST_FN_tables);
		alarm(10);
		GUEST_TELLS(&vm, &v, GUEST_DONE);
	}
	still_works(__LINE__);
}

static uint64_t seed;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void randomize(void *p, size_t size)
{
	uint8_t *b = p;
	size_t i, n = next_random() % 4 ? 1 + next_random() % 8 : size;

	for (i = 0; i < n; i++)
		b[n == size ? i : next_random() % size] = next_random();
}

/* Any events, and the vCPU run with them */
void test_events(void)
{
	struct kvm_vcpu_events e, sane;
	struct kvm_regs regs;
	struct vcpu v;
	struct vm vm;
	int i;

	seed = random_seed();
	make_guest_vm(&vm, false, 1);
	make_guest_vcpu(&vm, &v, 0);
	start_guest(&v, 0, GUEST_FN_tables);
	CALL(v.fd, KVM_GET_VCPU_EVENTS, &sane);
	for (i = 0; i < 300; i++) {
		start_guest(&v, 0, GUEST_FN_tables);
		e = sane;
		randomize(&e, sizeof(e));
		if (next_random() & 1)
			e.flags &= 0xf;
		if (!ioctl(v.fd, KVM_SET_VCPU_EVENTS, &e))
			run_for(&v, 5);
		CALL(v.fd, KVM_GET_REGS, &regs);
	}
	close(v.fd);
	still_works(__LINE__);
}

static const struct {
	unsigned long get, set;
	size_t size;
	bool vm;
} calls[] = {
	{ KVM_GET_REGS, KVM_SET_REGS, sizeof(struct kvm_regs), false },
	{ KVM_GET_SREGS, KVM_SET_SREGS, sizeof(struct kvm_sregs), false },
	{ KVM_GET_FPU, KVM_SET_FPU, sizeof(struct kvm_fpu), false },
	{ KVM_GET_XSAVE, KVM_SET_XSAVE, sizeof(struct kvm_xsave), false },
	{ KVM_GET_XCRS, KVM_SET_XCRS, sizeof(struct kvm_xcrs), false },
	{ KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS, sizeof(struct kvm_debugregs), false },
	{ KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS, sizeof(struct kvm_vcpu_events), false },
	{ KVM_GET_MP_STATE, KVM_SET_MP_STATE, sizeof(struct kvm_mp_state), false },
	{ KVM_GET_LAPIC, KVM_SET_LAPIC, sizeof(struct kvm_lapic_state), false },
	{ KVM_GET_CLOCK, KVM_SET_CLOCK, sizeof(struct kvm_clock_data), true },
	{ 0, KVM_INTERRUPT, sizeof(struct kvm_interrupt), false },
	{ 0, KVM_SET_CPUID2, 256, false },
	{ 0, KVM_SET_MSRS, 256, false },
	{ 0, KVM_GET_MSRS, 256, false },
	{ 0, KVM_SET_SIGNAL_MASK, 16, false },
	{ 0, KVM_X86_SETUP_MCE, 8, false },
	{ 0, KVM_TPR_ACCESS_REPORTING, sizeof(struct kvm_tpr_access_ctl), false },
	{ 0, KVM_ENABLE_CAP, sizeof(struct kvm_enable_cap), true },
};

static void one_call(const struct vm *vm, const struct vcpu *v)
{
	static uint8_t buffer[16384] __attribute__((aligned(64)));
	unsigned int i = next_random() % (ITEMS(calls) + 2);
	int fd;

	if (i == ITEMS(calls)) {
		ioctl(v->fd, KVM_NMI, 0);
		return;
	}
	if (i > ITEMS(calls)) {
		ioctl(v->fd, 0xae00ul | (next_random() & 0x4fff00ff), buffer);
		return;
	}
	if (calls[i].set == KVM_SET_DEBUGREGS && is_tcg())
		return;
	fd = calls[i].vm ? vm->vm : v->fd;
	if (calls[i].get)
		ioctl(fd, calls[i].get, buffer);
	else
		memset(buffer, 0, sizeof(buffer));
	randomize(buffer, calls[i].size);
	if (calls[i].size == 256)
		buffer[1] = buffer[2] = buffer[3] = 0;	/* a short list */
	ioctl(fd, calls[i].set, buffer);
}

static void one_slot(const struct vm *vm)
{
	struct kvm_userspace_memory_region r = {
		.slot = next_random() % 8, .guest_phys_addr = next_random() & 0xffffff000,
		.memory_size = next_random() & 0x7f000, .flags = next_random() & 3,
		.userspace_addr = (uintptr_t)vm->memory + (next_random() & 0x7f000),
	};

	ioctl(vm->vm, KVM_SET_USER_MEMORY_REGION, &r);
}

#define FUZZ_SECONDS	6

/* Anything at all, with a vCPU that runs in between; the seed is printed. */
void test_fuzz(void)
{
	time_t end = time(NULL) + FUZZ_SECONDS;
	enum guest_function function;
	struct vcpu v;
	struct vm vm;
	uint32_t i;

	seed = random_seed();
	while (time(NULL) < end) {
		make_guest_vm(&vm, next_random() & 1, 1);
		make_guest_vcpu(&vm, &v, 0);
		/* No breakpoints: see is_tcg(). */
		function = next_random() % GUEST_FN_db_stack;
		start_guest(&v, 0, function);
		for (i = 0; i < 200 && time(NULL) < end; i++) {
			one_call(&vm, &v);
			if (next_random() % 16 == 0)
				one_slot(&vm);
			if (next_random() % 4 == 0)
				run_for(&v, 1 + next_random() % 4);
		}
		munmap(v.run, vm.run_size);
		munmap(vm.memory, MEMORY);
		close(v.fd);
		close(vm.vm);
		close(vm.kvm);
	}
	still_works(__LINE__);
}

/* The guest moves its code, and changes it. */
void test_moved(void)
{
	struct vcpu v;
	struct vm vm;

	make_guest_vm(&vm, false, 1);
	make_guest_vcpu(&vm, &v, 0);
	start_guest(&v, 0, GUEST_FN_moved);
	GUEST_TELLS(&vm, &v, GUEST_DONE);
}
