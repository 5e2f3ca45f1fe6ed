// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any calls of the KVM API, with any arguments, from several threads at once, on descriptors that
 * others open and close meanwhile. What comes of them is nobody's business; that Linux and K live
 * on is. VMM_SEED=n repeats what each thread asks for (not when), VMM_CALLS=n is how many times.
 *
 * Two vCPUs run all the time, whose VMs get all of it, but whose own state nobody makes up: QEMU's
 * processor does not bear everything. The other vCPUs' state is anything, and they never run.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm.h"

#define THREADS		4
#define CALLS		2000		/* of each thread, or VMM_CALLS */
#define VMS		5
#define VCPUS		10
#define EVENTFDS	6
#define RUNNERS		2		/* the first VMs, each with a vCPU */
#define ROOM		(256u << 10)	/* for arguments */

enum kind { SYSTEM, VM, VCPU, KINDS };

/* @get: a call that fills in what is then changed. @size: of the argument; 0: it is a number */
struct kvm_call {
	enum kind kind;
	unsigned long nr, get;
	unsigned int size;
	const char *name;
};

#define READ(kind, nr, size)		{ kind, nr, 0, size, #nr }
#define PLAIN(kind, nr, size)		{ kind, nr, 0, size, #nr }
#define CHANGE(kind, nr, get, size)	{ kind, nr, get, size, #nr }

/* docs/vms.md, "What there is" */
static const struct kvm_call kvm_calls[] = {
	PLAIN(SYSTEM, KVM_GET_API_VERSION, 0),
	PLAIN(SYSTEM, KVM_CREATE_VM, 0),
	PLAIN(SYSTEM, KVM_CHECK_EXTENSION, 0),
	PLAIN(SYSTEM, KVM_GET_VCPU_MMAP_SIZE, 0),
	READ(SYSTEM, KVM_GET_SUPPORTED_CPUID, 8),
	READ(SYSTEM, KVM_GET_MSR_INDEX_LIST, 4),
	READ(SYSTEM, KVM_GET_MSR_FEATURE_INDEX_LIST, 4),
	READ(SYSTEM, KVM_GET_MSRS, 64),
	READ(SYSTEM, KVM_X86_GET_MCE_CAP_SUPPORTED, 8),
	PLAIN(VM, KVM_CREATE_VCPU, 0),
	PLAIN(VM, KVM_SET_USER_MEMORY_REGION, sizeof(struct kvm_userspace_memory_region)),
	PLAIN(VM, KVM_CHECK_EXTENSION, 0),
	PLAIN(VM, KVM_ENABLE_CAP, sizeof(struct kvm_enable_cap)),
	PLAIN(VM, KVM_CREATE_IRQCHIP, 0),
	PLAIN(VM, KVM_CREATE_PIT, 0),
	PLAIN(VM, KVM_CREATE_PIT2, sizeof(struct kvm_pit_config)),
	READ(VM, KVM_GET_IRQCHIP, sizeof(struct kvm_irqchip)),
	CHANGE(VM, KVM_SET_IRQCHIP, KVM_GET_IRQCHIP, sizeof(struct kvm_irqchip)),
	READ(VM, KVM_GET_PIT, sizeof(struct kvm_pit_state)),
	CHANGE(VM, KVM_SET_PIT, KVM_GET_PIT, sizeof(struct kvm_pit_state)),
	READ(VM, KVM_GET_PIT2, sizeof(struct kvm_pit_state2)),
	CHANGE(VM, KVM_SET_PIT2, KVM_GET_PIT2, sizeof(struct kvm_pit_state2)),
	PLAIN(VM, KVM_REINJECT_CONTROL, sizeof(struct kvm_reinject_control)),
	PLAIN(VM, KVM_SET_GSI_ROUTING, 8 + 6 * sizeof(struct kvm_irq_routing_entry)),
	PLAIN(VM, KVM_SIGNAL_MSI, sizeof(struct kvm_msi)),
	PLAIN(VM, KVM_IRQ_LINE, sizeof(struct kvm_irq_level)),
	PLAIN(VM, KVM_IRQ_LINE_STATUS, sizeof(struct kvm_irq_level)),
	PLAIN(VM, KVM_IRQFD, sizeof(struct kvm_irqfd)),
	PLAIN(VM, KVM_IOEVENTFD, sizeof(struct kvm_ioeventfd)),
	PLAIN(VM, KVM_REGISTER_COALESCED_MMIO, sizeof(struct kvm_coalesced_mmio_zone)),
	PLAIN(VM, KVM_UNREGISTER_COALESCED_MMIO, sizeof(struct kvm_coalesced_mmio_zone)),
	READ(VM, KVM_GET_CLOCK, sizeof(struct kvm_clock_data)),
	CHANGE(VM, KVM_SET_CLOCK, KVM_GET_CLOCK, sizeof(struct kvm_clock_data)),
	PLAIN(VM, KVM_SET_TSS_ADDR, 0),
	PLAIN(VM, KVM_SET_IDENTITY_MAP_ADDR, 8),
	PLAIN(VCPU, KVM_RUN, 0),
	PLAIN(VCPU, KVM_INTERRUPT, sizeof(struct kvm_interrupt)),
	PLAIN(VCPU, KVM_NMI, 0),
	READ(VCPU, KVM_GET_REGS, sizeof(struct kvm_regs)),
	CHANGE(VCPU, KVM_SET_REGS, KVM_GET_REGS, sizeof(struct kvm_regs)),
	READ(VCPU, KVM_GET_SREGS, sizeof(struct kvm_sregs)),
	CHANGE(VCPU, KVM_SET_SREGS, KVM_GET_SREGS, sizeof(struct kvm_sregs)),
	READ(VCPU, KVM_GET_FPU, sizeof(struct kvm_fpu)),
	CHANGE(VCPU, KVM_SET_FPU, KVM_GET_FPU, sizeof(struct kvm_fpu)),
	READ(VCPU, KVM_GET_XSAVE, sizeof(struct kvm_xsave)),
	READ(VCPU, KVM_GET_XSAVE2, sizeof(struct kvm_xsave)),
	CHANGE(VCPU, KVM_SET_XSAVE, KVM_GET_XSAVE, sizeof(struct kvm_xsave)),
	READ(VCPU, KVM_GET_XCRS, sizeof(struct kvm_xcrs)),
	CHANGE(VCPU, KVM_SET_XCRS, KVM_GET_XCRS, sizeof(struct kvm_xcrs)),
	READ(VCPU, KVM_GET_DEBUGREGS, sizeof(struct kvm_debugregs)),
	CHANGE(VCPU, KVM_SET_DEBUGREGS, KVM_GET_DEBUGREGS, sizeof(struct kvm_debugregs)),
	READ(VCPU, KVM_GET_MSRS, 256),
	PLAIN(VCPU, KVM_SET_MSRS, 256),
	READ(VCPU, KVM_GET_VCPU_EVENTS, sizeof(struct kvm_vcpu_events)),
	CHANGE(VCPU, KVM_SET_VCPU_EVENTS, KVM_GET_VCPU_EVENTS, sizeof(struct kvm_vcpu_events)),
	READ(VCPU, KVM_GET_MP_STATE, sizeof(struct kvm_mp_state)),
	CHANGE(VCPU, KVM_SET_MP_STATE, KVM_GET_MP_STATE, sizeof(struct kvm_mp_state)),
	READ(VCPU, KVM_GET_LAPIC, sizeof(struct kvm_lapic_state)),
	CHANGE(VCPU, KVM_SET_LAPIC, KVM_GET_LAPIC, sizeof(struct kvm_lapic_state)),
	PLAIN(VCPU, KVM_GET_TSC_KHZ, 0),
	PLAIN(VCPU, KVM_SET_TSC_KHZ, 0),
	PLAIN(VCPU, KVM_SET_CPUID2, 8 + 10 * sizeof(struct kvm_cpuid_entry2)),
	PLAIN(VCPU, KVM_SET_SIGNAL_MASK, 12),
	PLAIN(VCPU, KVM_X86_SETUP_MCE, 8),
	PLAIN(VCPU, KVM_TPR_ACCESS_REPORTING, sizeof(struct kvm_tpr_access_ctl)),
	PLAIN(VCPU, KVM_SET_VAPIC_ADDR, 8),
};

/* What is open; -1 for nothing. A descriptor is closed by who has taken it out. */
static int systems[1], vms[VMS], vcpus[VCPUS], eventfds[EVENTFDS];
static int runner_vm[RUNNERS], runner_vcpu[RUNNERS];
static struct kvm_run *runner_run[RUNNERS];
static uint8_t *arena;			/* the VMs' memory, all the same */
static bool stop;

static const struct {
	int *fd;
	unsigned int n;
} pools[KINDS] = { { systems, 1 }, { vms, VMS }, { vcpus, VCPUS } };

/**
 * struct thread - a thread that calls
 * @seed: state of its random numbers
 * @buffer: for arguments, before memory that is not there
 * @did: calls that were made, by their number in kvm_calls
 * @good: those that were accepted
 */
struct thread {
	pthread_t thread;
	uint64_t seed;
	uint8_t *buffer;
	unsigned int did[ITEMS(kvm_calls)], good[ITEMS(kvm_calls)];
};

static uint64_t pick(struct thread *t, uint64_t n)
{
	t->seed ^= t->seed << 13;
	t->seed ^= t->seed >> 7;
	t->seed ^= t->seed << 17;
	return (t->seed >> 11) % n;
}

/* Numbers at which something begins or ends */
static uint64_t boundary(struct thread *t)
{
	static const uint64_t some[] = {
		0, 1, 2, 3, 4, 7, 8, 15, 16, 23, 24, 25, 31, 32, 63, 64, 65, 127, 128, 255, 256,
		511, 512, 513, 4095, 4096, 4097, 0xffff, 0x10000, 0xfffff, 0x100000, 0xfec00000,
		0xfee00000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 1ull << 40, 1ull << 47,
		1ull << 52, 0x7fffffffffffffff, 0x8000000000000000, ~0ull - 4095, ~0ull - 1, ~0ull,
	};
	uint64_t value = some[pick(t, ITEMS(some))];

	switch (pick(t, 6)) {
	case 0:
		return value + pick(t, 5) - 2;
	case 1:
		return pick(t, ~0ull);
	case 2:
		return 1ull << pick(t, 64);
	}
	return value;
}

/* A few fields, or all of it */
static void spoil(struct thread *t, uint8_t *at, unsigned int size)
{
	unsigned int n = pick(t, 8) ? pick(t, 5) : size / 4, width;
	uint64_t value;

	for (; n && size; n--) {
		width = pick(t, 2) ? 4 : 8;
		value = boundary(t);
		if (size >= width)
			memcpy(at + pick(t, size / width) * width, &value, width);
		else
			at[pick(t, size)] = value;
	}
}

static int any_of(struct thread *t, const int *fd, unsigned int n)
{
	return __atomic_load_n(&fd[pick(t, n)], __ATOMIC_RELAXED);
}

static bool is_a_runner(int fd)
{
	int i;

	for (i = 0; i < RUNNERS; i++)
		if (fd == runner_vcpu[i])
			return true;
	return false;
}

/* Mostly one of the right kind */
static int descriptor(struct thread *t, enum kind kind)
{
	if (!pick(t, 64))
		return any_of(t, eventfds, EVENTFDS);
	if (!pick(t, 32))
		kind = pick(t, KINDS);
	if (kind == VM && !pick(t, 3))
		return runner_vm[pick(t, RUNNERS)];
	if (kind == VCPU && !pick(t, 5))
		return runner_vcpu[pick(t, RUNNERS)];
	return any_of(t, pools[kind].fd, pools[kind].n);
}

/* Open something, into a place that is free, or in place of another one. */
static void keep(struct thread *t, int *fd, unsigned int n, int new)
{
	int old = __atomic_exchange_n(&fd[pick(t, n)], new, __ATOMIC_RELAXED);

	if (old >= 0)
		close(old);
}

static int open_vcpu(struct thread *t, int vm, unsigned long number)
{
	int fd = ioctl(vm, KVM_CREATE_VCPU, number);
	struct kvm_run *run;

	if (fd < 0)
		return -1;
	/* It never runs: see above. Nobody clears this, and the page stays after the mapping. */
	run = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (run == MAP_FAILED) {
		close(fd);
		return -1;
	}
	run->immediate_exit = 1;
	munmap(run, 4096);
	keep(t, vcpus, VCPUS, fd);
	return fd;
}

/* Arguments that have a chance */
static void make_sense(struct thread *t, const struct kvm_call *c, void *at)
{
	struct kvm_userspace_memory_region *region = at;
	struct kvm_ioeventfd *ioevent = at;
	struct kvm_irq_routing *routing = at;
	struct kvm_irqfd *irqfd = at;
	unsigned int i;

	memset(at, 0, c->size);
	switch (c->nr) {
	case KVM_SET_USER_MEMORY_REGION:
		region->slot = pick(t, 8);
		region->guest_phys_addr = pick(t, 64) << 14;
		region->memory_size = pick(t, 4) ? (1 + pick(t, 16)) << 14 : 0;
		region->userspace_addr = (uintptr_t)arena + (pick(t, 32) << 14);
		region->flags = pick(t, 4) ? 0 : KVM_MEM_READONLY;
		return;
	case KVM_IRQFD:
		irqfd->fd = any_of(t, eventfds, EVENTFDS);
		irqfd->resamplefd = any_of(t, eventfds, EVENTFDS);
		irqfd->gsi = pick(t, 30);
		irqfd->flags = pick(t, 4);
		return;
	case KVM_IOEVENTFD:
		ioevent->fd = any_of(t, eventfds, EVENTFDS);
		ioevent->addr = pick(t, 2) ? PORT : DEVICE;
		ioevent->len = pick(t, 9);
		ioevent->flags = pick(t, 8);
		return;
	case KVM_SET_GSI_ROUTING:
		routing->nr = pick(t, 7);
		for (i = 0; i < routing->nr; i++) {
			routing->entries[i].gsi = pick(t, 32);
			routing->entries[i].type = pick(t, 3);
			routing->entries[i].u.irqchip.irqchip = pick(t, 4);
			routing->entries[i].u.irqchip.pin = pick(t, 25);
		}
		return;
	case KVM_ENABLE_CAP:
		((struct kvm_enable_cap *)at)->cap = KVM_CAP_SPLIT_IRQCHIP;
		((struct kvm_enable_cap *)at)->args[0] = 24;
		return;
	case KVM_SIGNAL_MSI:
		((struct kvm_msi *)at)->address_lo = 0xfee00000 | pick(t, 256) << 12;
		((struct kvm_msi *)at)->data = pick(t, 0x1000);
		return;
	case KVM_IRQ_LINE:
	case KVM_IRQ_LINE_STATUS:
		((struct kvm_irq_level *)at)->irq = pick(t, 30);
		((struct kvm_irq_level *)at)->level = pick(t, 2);
		return;
	}
}

/* What is handed over: an address, or something that is none */
static unsigned long argument(struct thread *t, const struct kvm_call *c, int fd)
{
	uint8_t *at = t->buffer;

	if (!c->size)
		return pick(t, 4) ? pick(t, 8) : boundary(t);
	switch (pick(t, 24)) {
	case 0:
		return boundary(t);
	case 1:
		return 0xffff888000000000ul + pick(t, 1 << 20);
	case 2:				/* its end is where nothing is */
		return (uintptr_t)at + ROOM - 1 - pick(t, c->size);
	case 3:				/* with room for what a list may be long */
		at = arena + pick(t, MEMORY - 0x4000);
		break;
	}
	if (c->get && pick(t, 8))
		ioctl(fd, c->get, at);
	else if (pick(t, 3))
		make_sense(t, c, at);
	if (!pick(t, 3))
		spoil(t, at, c->size);
	return (uintptr_t)at;
}

/* A vCPU that runs keeps what it is; nobody sets breakpoints, see is_tcg(). */
static bool is_let_be(const struct kvm_call *c, int fd)
{
	if (c->nr == KVM_SET_DEBUGREGS && is_tcg())
		return true;
	return is_a_runner(fd) && c->kind == VCPU && _IOC_DIR(c->nr) & _IOC_WRITE &&
	       c->nr != KVM_GET_MSRS;
}

static void one_call(struct thread *t)
{
	unsigned int i = pick(t, ITEMS(kvm_calls));
	const struct kvm_call *c = &kvm_calls[i];
	int fd = descriptor(t, c->kind), answer;
	unsigned long arg;

	if (fd < 0 || is_let_be(c, fd))
		return;
	arg = argument(t, c, fd);
	/* Descriptors that come of it are kept. */
	if (c->nr == KVM_CREATE_VCPU) {
		answer = open_vcpu(t, fd, arg);
	} else {
		answer = ioctl(fd, c->nr, arg);
		if (c->nr == KVM_CREATE_VM && answer >= 0)
			keep(t, vms, VMS, answer);
	}
	t->did[i]++;
	t->good[i] += answer >= 0;
}

/* Anything else that a program can do to these descriptors, or to what they use */
static void something_else(struct thread *t)
{
	int fd = descriptor(t, pick(t, KINDS));
	uint8_t *at;

	switch (pick(t, 8)) {
	case 0:
		keep(t, vcpus, VCPUS, -1);
		return;
	case 1:
		keep(t, vms, VMS, ioctl(systems[0], KVM_CREATE_VM, 0));
		return;
	case 2:
		keep(t, eventfds, EVENTFDS, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
		return;
	case 3:
		madvise(arena + (pick(t, 32) << 14), 1 << 14, MADV_DONTNEED);
		return;
	case 4:
		eventfd_write(any_of(t, eventfds, EVENTFDS), 1);
		return;
	case 5:
		at = mmap(NULL, 1 << 14, PROT_READ, MAP_SHARED, fd, pick(t, 8) << 12);
		if (at == MAP_FAILED)
			return;
		/* Behind the last page is SIGBUS: the kernel looks. */
		if (write(any_of(t, eventfds, EVENTFDS), at + (pick(t, 4) << 12), 8) < 0)
			errno = 0;
		munmap(at, 1 << 14);
		return;
	case 6:
		if (is_a_runner(fd))
			return;
		/* No number of those that run a vCPU, or return a descriptor */
		ioctl(fd, _IOC(pick(t, 4), KVMIO, 0x82 + pick(t, 0x7e), pick(t, 64) * 8),
		      t->buffer);
		return;
	case 7:
		memset(arena + (pick(t, 64) << 12), boundary(t), 64);
		return;
	}
}

static void *call_thread(void *arg)
{
	const char *given = getenv("VMM_CALLS");
	unsigned long n = given ? strtoul(given, NULL, 0) : CALLS;
	struct thread *t = arg;

	for (; n; n--) {
		one_call(t);
		if (!pick(t, 8))
			something_else(t);
	}
	return NULL;
}

/* A vCPU that runs, whatever comes, until it is told to stop */
static void *run_thread(void *arg)
{
	int i = *(int *)arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		ioctl(runner_vcpu[i], KVM_RUN, 0);
		sched_yield();
	}
	return NULL;
}

static void on_kick(int nr)
{
	(void)nr;
}

/* Each call of the table is one. */
static void check_table(void)
{
	int fd[KINDS] = { systems[0], runner_vm[0], runner_vcpu[0] }, answer;
	unsigned int i;

	for (i = 0; i < ITEMS(kvm_calls); i++) {
		if (kvm_calls[i].nr == KVM_RUN || kvm_calls[i].nr == KVM_CREATE_IRQCHIP)
			continue;
		answer = ioctl(fd[kvm_calls[i].kind], kvm_calls[i].nr, kvm_calls[i].size ? 8 : 0);
		if (answer < 0 && errno == ENOTTY) {
			printf("%s: no such call\n", kvm_calls[i].name);
			failed = true;
		}
		if (kvm_calls[i].nr == KVM_CREATE_VM && answer >= 0)
			close(answer);
	}
}

/* Those that do not run: with the APICs in K, with all interrupt controllers, or with none */
static void open_vms(struct thread *t)
{
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };
	struct kvm_pit_config pit = { .flags = 0 };
	int i, n;

	for (i = 0; i < VMS; i++) {
		vms[i] = CALL(systems[0], KVM_CREATE_VM, 0);
		if (i % 3 == 1)
			CALL(vms[i], KVM_ENABLE_CAP, &split);
		if (i % 3 == 2) {
			CALL(vms[i], KVM_CREATE_IRQCHIP, 0);
			CALL(vms[i], KVM_CREATE_PIT2, &pit);
		}
		for (n = 0; n < 2; n++)
			if (open_vcpu(t, vms[i], n) < 0)
				die("a vCPU");
	}
	for (i = 0; i < EVENTFDS; i++)
		eventfds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

static void open_all(void)
{
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };
	struct vcpu v;
	struct vm vm;
	int i;

	arena = anonymous(MEMORY);
	memset(vms, -1, sizeof(vms));
	memset(vcpus, -1, sizeof(vcpus));
	memset(eventfds, -1, sizeof(eventfds));
	for (i = 0; i < RUNNERS; i++) {
		make_vm(&vm);
		systems[0] = vm.kvm;
		if (i)
			CALL(vm.vm, KVM_ENABLE_CAP, &split);
		make_vcpu(&vm, &v, 0);
		copy_code(&vm, guest_spin, guest_spin_end);
		start_real(&v, 0);
		runner_vm[i] = vm.vm;
		runner_vcpu[i] = v.fd;
		runner_run[i] = v.run;
	}
}

static void start_thread(struct thread *t, uint64_t seed, int i)
{
	*t = (struct thread){ .seed = (seed + i) * 0x9e3779b97f4a7c15ull | 1 };
	t->buffer = mmap(NULL, ROOM + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (t->buffer == MAP_FAILED ||
	    mprotect(t->buffer, ROOM, PROT_READ | PROT_WRITE) ||
	    pthread_create(&t->thread, NULL, call_thread, t))
		die("a thread");
}

/* A vCPU that runs keeps those waiting that want it: signals end KVM_RUN now and then. */
static void kick_until_ended(const pthread_t *thread, int n, const pthread_t *runner)
{
	struct timespec never = { 0 };
	int i, ended = 0;

	while (ended < n) {
		while (ended < n && !pthread_timedjoin_np(thread[ended], NULL, &never))
			ended++;
		for (i = ended; i < n; i++)
			pthread_kill(thread[i], SIGUSR1);
		for (i = 0; runner && i < RUNNERS; i++)
			pthread_kill(runner[i], SIGUSR1);
		usleep(500);
	}
}

static void report(const struct thread *t)
{
	unsigned int i, j, did, good, calls = 0, accepted = 0, never = 0;

	for (i = 0; i < ITEMS(kvm_calls); i++) {
		did = good = 0;
		for (j = 0; j < THREADS; j++) {
			did += t[j].did[i];
			good += t[j].good[i];
		}
		calls += did;
		accepted += good;
		never += !good;
		if (getenv("VMM_VERBOSE"))
			printf("%s: %u, %u accepted\n", kvm_calls[i].name, did, good);
	}
	printf("%u calls, %u accepted; %u of %zu never\n", calls, accepted, never,
	       ITEMS(kvm_calls));
	/* Else it would look at how calls are refused, and at nothing behind that. */
	EXPECT("many are accepted", 1, accepted * 5 > calls);
}

void test_fuzz_ioctl(void)
{
	struct sigaction action = { .sa_handler = on_kick };
	pthread_t runner[RUNNERS], thread[THREADS];
	int number[RUNNERS] = { 0, 1 }, i;
	static struct thread t[THREADS];
	uint64_t seed = random_seed();

	sigaction(SIGUSR1, &action, NULL);
	open_all();
	check_table();
	t[0].seed = seed;
	open_vms(&t[0]);
	for (i = 0; i < RUNNERS; i++)
		if (pthread_create(&runner[i], NULL, run_thread, &number[i]))
			die("a thread");
	for (i = 0; i < THREADS; i++) {
		start_thread(&t[i], seed, i);
		thread[i] = t[i].thread;
	}
	kick_until_ended(thread, THREADS, runner);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < RUNNERS; i++)
		runner_run[i]->immediate_exit = 1;
	kick_until_ended(runner, RUNNERS, NULL);
	report(t);
	still_works(__LINE__);
}
