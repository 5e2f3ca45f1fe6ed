// SPDX-License-Identifier: GPL-2.0-only
/* Running the guest in C: its memory, vCPUs with an APIC, and those that have a thread. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmm.h"

#define CPUIDS		128
#define GUEST_SECONDS	50	/* until it counts as hung: vmm.sh gives a minute */

GUEST(image);

static void on_signal(int nr)
{
	(void)nr;
}

static uint32_t tsc_khz(const struct vm *vm, const struct vcpu *v)
{
	(void)vm;
	return CALL(v->fd, KVM_GET_TSC_KHZ, 0);
}

volatile struct shared *shared(const struct vm *vm)
{
	return (volatile struct shared *)(vm->memory + GUEST_SHARED);
}

/* 4 GiB, each address its own, by pages of 2 MiB that may be written, also by programs */
static void fill_guest_tables(const struct vm *vm)
{
	uint64_t *t = (uint64_t *)(vm->memory + GUEST_TABLES);
	uint32_t i;

	t[0] = GUEST_TABLES + 0x1007;
	for (i = 0; i < 4; i++)
		t[512 + i] = GUEST_TABLES + 0x2007 + 0x1000 * i;
	for (i = 0; i < 2048; i++)
		t[1024 + i] = 0x200000ull * i | 0x87;
}

/**
 * fill_guest_vm() - put the guest in C into a VM
 * @vm: a new VM
 * @x2apic: the guest uses x2APIC
 * @vcpus: how many there will be
 */
void fill_guest_vm(struct vm *vm, bool x2apic, uint32_t vcpus)
{
	struct sigaction action = { .sa_handler = on_signal };

	memcpy(vm->memory + GUEST_BASE, guest_image, guest_image_end - guest_image);
	fill_guest_tables(vm);
	shared(vm)->x2apic = x2apic;
	shared(vm)->vcpus = vcpus;
	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	alarm(GUEST_SECONDS);
}

/**
 * make_guest_vm() - make a VM with the guest in C in it, and APICs
 * @vm: the VM
 * @x2apic: the guest uses x2APIC
 * @vcpus: how many there will be
 */
void make_guest_vm(struct vm *vm, bool x2apic, uint32_t vcpus)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };

	make_vm(vm);
	CALL(vm->vm, KVM_ENABLE_CAP, &cap);
	fill_guest_vm(vm, x2apic, vcpus);
}

/* All that is supported, the APIC's id where it belongs, and the timer by deadline */
static void set_cpuid(const struct vm *vm, const struct vcpu *v, uint32_t number)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[CPUIDS];
	} c;
	uint32_t i;

	c.head.nent = CPUIDS;
	CALL(vm->kvm, KVM_GET_SUPPORTED_CPUID, &c);
	for (i = 0; i < c.head.nent; i++) {
		if (c.entry[i].function == 1) {
			c.entry[i].ebx = (c.entry[i].ebx & 0xffffff) | number << 24;
			c.entry[i].ecx |= 1 << 24;
		} else if (c.entry[i].function == 0xb) {
			c.entry[i].edx = number;
		}
	}
	CALL(v->fd, KVM_SET_CPUID2, &c);
}

/**
 * make_guest_vcpu() - make a vCPU of it
 * @vm: the VM
 * @v: the vCPU
 * @number: its number
 */
void make_guest_vcpu(const struct vm *vm, struct vcpu *v, int number)
{
	make_vcpu(vm, v, number);
	set_cpuid(vm, v, number);
	shared(vm)->tsc_khz = tsc_khz(vm, v);
}

/**
 * start_guest() - have a vCPU begin with a function of the guest
 * @v: the vCPU
 * @number: its number
 * @function: the function
 */
void start_guest(const struct vcpu *v, uint32_t number, enum guest_function function)
{
	struct kvm_regs regs = {
		.rip = GUEST_ENTRY, .rflags = 2, .rdi = function, .rsi = number,
		.rsp = GUEST_STACKS + GUEST_STACK * (number + 1),
	};
	struct kvm_sregs s;

	get_sregs(v, &s);
	set_flat(&s);
	s.cs.db = 0;
	s.cs.l = 1;
	s.cr0 = 0x80000033;
	s.cr3 = GUEST_TABLES;
	s.cr4 = 0x620;
	s.efer = 0x500;
	CALL(v->fd, KVM_SET_SREGS, &s);
	CALL(v->fd, KVM_SET_REGS, &regs);
}

void (*on_report)(const struct vm *vm);

/* The guest says that something is wrong: so does the VMM. */
static void report(const struct vm *vm)
{
	volatile struct shared *s = shared(vm);
	const char *what = s->what < MEMORY ? (const char *)vm->memory + s->what : "?";

	printf("guest, line %u: %s: 0x%llx, not 0x%llx\n", s->line, what,
	       (unsigned long long)s->found, (unsigned long long)s->wanted);
	if (on_report)
		on_report(vm);
	failed = true;
}

static void report_end(const struct vm *vm, const struct vcpu *v, int err)
{
	struct kvm_regs regs = { .rip = 0 };

	ioctl(v->fd, KVM_GET_REGS, &regs);
	printf("KVM_RUN: %s; exit %u, RIP 0x%llx, guest after line %u\n", strerror(err),
	       v->run->exit_reason, (unsigned long long)regs.rip, shared(vm)->step);
	failed = true;
}

/**
 * guest_says() - run a vCPU of the guest until it tells something, or KVM_RUN ends otherwise
 * @vm: the VM
 * @v: the vCPU
 * @value: what it tells
 *
 * Return: 0; the errno of KVM_RUN; or -1: it ended with v->run->exit_reason.
 */
int guest_says(const struct vm *vm, const struct vcpu *v, uint32_t *value)
{
	for (;;) {
		if (ioctl(v->fd, KVM_RUN, 0)) {
			if (errno == EAGAIN)	/* of a vCPU that has been started */
				continue;
			return errno;
		}
		if (v->run->exit_reason != KVM_EXIT_IO)
			return -1;
		memcpy(value, (char *)v->run + v->run->io.data_offset, sizeof(*value));
		if (v->run->io.port == GUEST_TELL)
			return 0;
		if (v->run->io.port != GUEST_FAIL)
			return -1;
		report(vm);
	}
}

/**
 * guest_tells() - a vCPU of the guest tells just this
 * @vm: the VM
 * @v: the vCPU
 * @line: of the test
 * @value: what it is to tell
 */
bool guest_tells(const struct vm *vm, const struct vcpu *v, int line, uint32_t value)
{
	uint32_t found;
	int err = guest_says(vm, v, &found);

	if (err) {
		report_end(vm, v, err < 0 ? 0 : err);
		return false;
	}
	return expect(line, "the guest tells", value, found);
}

/**
 * pin() - give a vCPU's thread a CPU of its own, as long as there are some
 * @number: the vCPU's number
 */
void pin(uint32_t number)
{
	cpu_set_t all, one;
	int cpu, n = 0;

	sched_getaffinity(getpid(), sizeof(all), &all);
	n = number % CPU_COUNT(&all);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all) || n--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

static void *run_thread(void *arg)
{
	struct runner *r = arg;
	uint32_t value;
	int err;

	pin(r->number);
	do
		err = guest_says(r->vm, r->v, &value);
	while (!err || (err == EINTR && !__atomic_load_n(&r->stop, __ATOMIC_SEQ_CST)));
	if (err != EINTR)
		report_end(r->vm, r->v, err < 0 ? 0 : err);
	__atomic_store_n(&r->ended, true, __ATOMIC_SEQ_CST);
	return NULL;
}

/**
 * begin_thread() - run a vCPU of the guest on a thread, which gets no SIGALRM
 * @r: to be given to end_thread()
 * @vm: the VM
 * @v: the vCPU
 * @number: its number
 */
void begin_thread(struct runner *r, const struct vm *vm, const struct vcpu *v, uint32_t number)
{
	sigset_t alarms, old;

	*r = (struct runner){ .vm = vm, .v = v, .number = number };
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarms, &old);
	pthread_create(&r->thread, NULL, run_thread, r);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/**
 * end_thread() - undo begin_thread(), wherever the vCPU is
 * @r: from begin_thread()
 */
void end_thread(struct runner *r)
{
	__atomic_store_n(&r->stop, true, __ATOMIC_SEQ_CST);
	r->v->run->immediate_exit = 1;
	while (!__atomic_load_n(&r->ended, __ATOMIC_SEQ_CST)) {
		pthread_kill(r->thread, SIGUSR1);
		usleep(1000);
	}
	pthread_join(r->thread, NULL);
	r->v->run->immediate_exit = 0;
}
