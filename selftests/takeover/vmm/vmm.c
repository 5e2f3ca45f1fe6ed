// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmm TEST: a small VMM on /dev/kvm. Each test makes a VM, runs a piece of guest.S in it, and
 * compares what comes out. It knows nothing of Regent: on KVM itself the same comes out.
 *
 * Exit status: 0 if all was right, 1 if not (and a line says what), 2 for no such test.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vmm.h"

static void test_real(void)
{
	struct kvm_regs regs;
	struct vcpu v;
	struct vm vm;

	BEGIN(&vm, &v, real);
	start_real(&v, 0x1111);
	TELLS(&v, 0x2345);
	EXITS(&v, KVM_EXIT_HLT);
	EXPECT("memory", 0x2345, *(uint16_t *)(vm.memory + 0x2000));
	CALL(v.fd, KVM_GET_REGS, &regs);
	EXPECT("rip", CODE + (guest_real_end - guest_real), regs.rip);
	EXPECT("rax", 0x2345, regs.rax);
	EXPECT("rbx", 0x1111, regs.rbx);
}

static bool reads_port(const struct vcpu *v, int line, int size, uint32_t value)
{
	if (!exits_by(v, line, KVM_EXIT_IO) || !expect(line, "size", size, v->run->io.size) ||
	    !expect(line, "direction", KVM_EXIT_IO_IN, v->run->io.direction) ||
	    !expect(line, "port", 0x11, v->run->io.port))
		return false;
	memcpy((char *)v->run + v->run->io.data_offset, &value, size);
	return true;
}

static bool writes_port(const struct vcpu *v, int line, int size, uint32_t value)
{
	uint32_t found = 0;

	if (!exits_by(v, line, KVM_EXIT_IO) || !expect(line, "size", size, v->run->io.size))
		return false;
	memcpy(&found, (char *)v->run + v->run->io.data_offset, size);
	return expect(line, "value", value, found);
}

static void test_ports(void)
{
	struct vcpu v;
	struct vm vm;

	BEGIN(&vm, &v, ports);
	start_real(&v, 0);
	if (!reads_port(&v, __LINE__, 1, 0x11))
		return;
	TELLS(&v, 0xaaaaaa11);
	if (!reads_port(&v, __LINE__, 2, 0x2233))
		return;
	TELLS(&v, 0xaaaa2233);
	if (!reads_port(&v, __LINE__, 4, 0x44556677))
		return;
	TELLS(&v, 0x44556677);
	if (!writes_port(&v, __LINE__, 1, 0x66) || !writes_port(&v, __LINE__, 2, 0x5566))
		return;
	EXITS(&v, KVM_EXIT_HLT);
}

static bool device(const struct vcpu *v, int line, int offset, int size, bool write,
		   uint64_t value)
{
	uint64_t found = 0;

	if (!exits_by(v, line, KVM_EXIT_MMIO) ||
	    !expect(line, "address", DEVICE + offset, v->run->mmio.phys_addr) ||
	    !expect(line, "size", size, v->run->mmio.len) ||
	    !expect(line, "write", write, v->run->mmio.is_write))
		return false;
	if (!write) {
		memcpy(v->run->mmio.data, &value, size);
		return true;
	}
	memcpy(&found, v->run->mmio.data, size);
	return expect(line, "value", value, found);
}

#define READS(v, offset, size, value)					\
	do { if (!device(v, __LINE__, offset, size, false, value)) return; } while (0)
#define WRITES(v, offset, size, value)					\
	do { if (!device(v, __LINE__, offset, size, true, value)) return; } while (0)

static void test_mmio(void)
{
	struct vcpu v;
	struct vm vm;
	int i;

	BEGIN(&vm, &v, mmio);
	start_32(&v, DEVICE);
	READS(&v, 0, 1, 0x01);
	READS(&v, 0, 2, 0x0203);
	READS(&v, 0, 4, 0x04050607);
	TELLS(&v, 0x04050607);
	READS(&v, 4, 1, 0xfe);
	TELLS(&v, 0xfe);
	READS(&v, 6, 2, 0xfffe);
	TELLS(&v, 0xfffffffe);
	WRITES(&v, 8, 1, 0x12);
	WRITES(&v, 8, 2, 0x1234);
	WRITES(&v, 8, 4, 0x12345678);
	READS(&v, 12, 4, 0x0f);
	WRITES(&v, 12, 4, 0xff);
	READS(&v, 16, 4, 3);
	TELLS(&v, 1);
	for (i = 0; i < 3; i++)
		WRITES(&v, 0x20 + 4 * i, 4, 0x77);
	TELLS(&v, 0x77);
	EXITS(&v, KVM_EXIT_HLT);
}

static void put64(const struct vm *vm, uint32_t at, uint64_t value)
{
	memcpy(vm->memory + at, &value, 8);
}

/* 0 to 2 MiB, 1 GiB on it again by a page of 4 KiB, and a device at 0x50000000 */
void fill_tables(const struct vm *vm)
{
	put64(vm, 0x4000, 0x5003);
	put64(vm, 0x5000, 0x6003);
	put64(vm, 0x5008, 0x7003);
	put64(vm, 0x6000, 0x83);
	put64(vm, 0x7000, 0x9003);
	put64(vm, 0x7000 + 8 * 128, 0xa003);
	put64(vm, 0x9000 + 8 * 3, 0x3003);
	put64(vm, 0xa000, DEVICE | 3);
	/* GDT: code of 64 bits */
	put64(vm, 0x2000, 0);
	put64(vm, 0x2008, 0x00209b0000000000ull);
	vm->memory[0x2010] = 15;
	vm->memory[0x2011] = 0;
	vm->memory[0x2012] = 0;
	vm->memory[0x2013] = 0x20;
}

struct cpuid {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[3];
};

/* KVM refuses what CPUID does not show. */
void set_long_mode(const struct vcpu *v)
{
	struct cpuid c = {
		.head = { .nent = 3 },
		.entry = {
			{ .function = 1, .edx = 1 << 6 },		/* PAE */
			{ .function = 0x80000000, .eax = 0x80000001 },
			{ .function = 0x80000001, .edx = 1 << 29 },	/* LM */
		},
	};

	CALL(v->fd, KVM_SET_CPUID2, &c);
}

static void test_long(void)
{
	struct kvm_sregs s;
	struct vcpu v;
	struct vm vm;

	BEGIN(&vm, &v, long);
	fill_tables(&vm);
	set_long_mode(&v);
	start_32(&v, 0);
	TELLS(&v, 0);
	TELLS(&v, 0x20);
	TELLS(&v, 0x11223344);
	TELLS(&v, 0x500);
	TELLS(&v, 0x600d);
	READS(&v, 0, 8, 0x1020304050607080ull);
	WRITES(&v, 8, 8, 0x1020304050607080ull);
	EXITS(&v, KVM_EXIT_HLT);
	get_sregs(&v, &s);
	EXPECT("EFER", 0x500, s.efer);
	EXPECT("CR4", 0x20, s.cr4);
	EXPECT("CR3", 0x4000, s.cr3);
	EXPECT("CS.L", 1, s.cs.l);
}

static void test_cpuid(void)
{
	struct cpuid c = {
		.head = { .nent = 2 },
		.entry = {
			{ .function = 0, .eax = 0 },
			{ .function = 0x40000000, .eax = 0x1000, .ebx = 0x200, .ecx = 0x30,
			  .edx = 4 },
		},
	};
	struct vcpu v;
	struct vm vm;

	BEGIN(&vm, &v, cpuid);
	CALL(v.fd, KVM_SET_CPUID2, &c);
	start_real(&v, 0);
	TELLS(&v, 0x1234);
	TELLS(&v, 0);
	EXITS(&v, KVM_EXIT_HLT);
}

static void test_triple(void)
{
	struct vcpu v;
	struct vm vm;

	BEGIN(&vm, &v, triple);
	start_real(&v, 0);
	EXITS(&v, KVM_EXIT_SHUTDOWN);
}

/* In real mode an exception goes by the table at 0: each handler is MOV AL, vector; OUT; HLT. */
static void fill_handlers(const struct vm *vm)
{
	uint32_t vector;

	for (vector = 0; vector < 32; vector++) {
		uint8_t handler[] = { 0x66, 0xb8, vector, 0, 0, 0, 0x66, 0xe7, PORT, 0xf4 };

		memcpy(vm->memory + 0x2100 + 16 * vector, handler, sizeof(handler));
		*(uint16_t *)(vm->memory + 4 * vector) = 0x2100 + 16 * vector;
		*(uint16_t *)(vm->memory + 4 * vector + 2) = 0;
	}
}

/* The call of guest_faults as Intel has it; KVM would take either. */
static void fit_call(const struct vm *vm)
{
	static const uint8_t vmmcall[] = { 0x0f, 0x01, 0xd9 };
	uint8_t *at = memmem(vm->memory + CODE, guest_faults_end - guest_faults, vmmcall,
			     sizeof(vmmcall));

	if (at && is_intel())
		at[2] = 0xc1;
}

static void test_faults(void)
{
	struct vcpu v;
	struct vm vm;

	BEGIN(&vm, &v, faults);
	fit_call(&vm);
	fill_handlers(&vm);
	start_real(&v, 0);
	TELLS(&v, -1000);		/* VMMCALL: no such call */
	TELLS(&v, 13);			/* RDMSR of none */
	EXITS(&v, KVM_EXIT_HLT);
	copy_code(&vm, guest_ud, guest_ud_end);
	start_real(&v, 0);
	TELLS(&v, 6);
	copy_code(&vm, guest_cr4, guest_cr4_end);
	start_real(&v, 0);
	TELLS(&v, 13);
}

static void on_alarm(int nr)
{
	(void)nr;
}

static void test_signal(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value.tv_usec = 100000 };
	const volatile uint32_t *counter;
	struct vcpu v;
	struct vm vm;
	int i;

	BEGIN(&vm, &v, spin);
	start_real(&v, 0);
	sigaction(SIGALRM, &action, NULL);
	counter = (uint32_t *)(vm.memory + 0x3000);
	/* A machine in an emulator's virtual machine may need more than once to come so far. */
	for (i = 0; i < 100 && *counter <= 100; i++) {
		setitimer(ITIMER_REAL, &soon, NULL);
		EXPECT("KVM_RUN", -1, ioctl(v.fd, KVM_RUN, 0));
		EXPECT("errno", EINTR, errno);
		EXPECT("exit reason", KVM_EXIT_INTR, v.run->exit_reason);
	}
	EXPECT("it ran", 1, *counter > 100);
	v.run->immediate_exit = 1;
	EXPECT("immediate exit", -1, ioctl(v.fd, KVM_RUN, 0));
	EXPECT("errno", EINTR, errno);
}

static int interrupt(const struct vcpu *v, uint32_t vector)
{
	struct kvm_interrupt irq = { .irq = vector };

	return ioctl(v->fd, KVM_INTERRUPT, &irq) ? -errno : 0;
}

static void test_irq(void)
{
	struct kvm_sregs s;
	struct vcpu v;
	struct vm vm;

	BEGIN(&vm, &v, irq);
	memcpy(vm.memory + 0x2800, guest_handler, guest_handler_end - guest_handler);
	*(uint32_t *)(vm.memory + 4 * 0x40) = 0x2800;
	start_real(&v, 0);
	TELLS(&v, 1);
	EXPECT("IF", 0, v.run->if_flag);
	EXPECT("ready", 0, v.run->ready_for_interrupt_injection);
	EXPECT("bad vector", -EINVAL, interrupt(&v, 256));
	TELLS(&v, 2);
	TELLS(&v, 3);
	EXITS(&v, KVM_EXIT_HLT);
	EXPECT("IF", 1, v.run->if_flag);
	EXPECT("ready", 1, v.run->ready_for_interrupt_injection);
	EXPECT("interrupt", 0, interrupt(&v, 0x40));
	get_sregs(&v, &s);
	EXPECT("pending", 1, s.interrupt_bitmap[1]);
	TELLS(&v, 0x77);
	EXITS(&v, KVM_EXIT_HLT);
	get_sregs(&v, &s);
	EXPECT("pending", 0, s.interrupt_bitmap[1]);
	/* The window opens where IF is set. */
	start_real(&v, 0);
	TELLS(&v, 1);
	v.run->request_interrupt_window = 1;
	TELLS(&v, 2);
	EXITS(&v, KVM_EXIT_IRQ_WINDOW_OPEN);
	EXPECT("ready", 1, v.run->ready_for_interrupt_injection);
	EXPECT("interrupt", 0, interrupt(&v, 0x40));
	v.run->request_interrupt_window = 0;
	TELLS(&v, 0x77);
	TELLS(&v, 3);
	EXITS(&v, KVM_EXIT_HLT);
	EXITS(&v, KVM_EXIT_HLT);
}

/* An exit is finished by an immediate one, as a VMM does before it saves the state. */
static void test_complete(void)
{
	struct kvm_regs before, after;
	struct vcpu v;
	struct vm vm;

	BEGIN(&vm, &v, ports);
	start_real(&v, 0);
	if (!reads_port(&v, __LINE__, 1, 0x42))
		return;
	CALL(v.fd, KVM_GET_REGS, &before);
	v.run->immediate_exit = 1;
	EXPECT("immediate exit", -1, ioctl(v.fd, KVM_RUN, 0));
	EXPECT("errno", EINTR, errno);
	CALL(v.fd, KVM_GET_REGS, &after);
	EXPECT("rax", 0xaaaaaa42, after.rax);
	EXPECT("rip", before.rip + 1, after.rip);
}

/* Two VMs have nothing in common. */
static void test_two(void)
{
	struct vcpu v[2];
	struct vm vm[2];
	int i, n;

	for (i = 0; i < 2; i++) {
		BEGIN(&vm[i], &v[i], read);
		start_real(&v[i], 0);
		*(uint32_t *)(vm[i].memory + 0x3000) = i + 1;
	}
	for (n = 0; n < 20; n++)
		for (i = 0; i < 2; i++)
			TELLS(&v[i], i + 1);
}

#define REFUSED(fd, nr, arg, error)					\
	do {								\
		EXPECT(#nr, -1, ioctl(fd, nr, arg));			\
		EXPECT(#nr, error, errno);				\
	} while (0)

static void test_refusals(void)
{
	struct kvm_sregs s;
	struct vcpu v;
	struct vm vm;

	BEGIN(&vm, &v, read);
	REFUSED(vm.vm, KVM_CREATE_VCPU, 0, EEXIST);
	REFUSED(vm.vm, KVM_CREATE_VCPU, 100000, EINVAL);
	REFUSED(vm.kvm, KVM_GET_API_VERSION, 1, EINVAL);
	REFUSED(v.fd, KVM_RUN, 1, EINVAL);
	REFUSED(v.fd, KVM_SET_REGS, 8, EFAULT);
	REFUSED(v.fd, KVM_SET_SREGS, 8, EFAULT);
	EXPECT("overlap", -EEXIST, set_slot(&vm, 1, 0xff000, vm.memory, 0x2000, 0));
	EXPECT("not aligned", -EINVAL, set_slot(&vm, 1, 0x200800, vm.memory, 0x1000, 0));
	EXPECT("flags", -EINVAL, set_slot(&vm, 1, 0x200000, vm.memory, 0x1000, 0x100));
	EXPECT("kernel memory", -EINVAL,
	       set_slot(&vm, 1, 0x200000, (void *)0xffff800000000000ull, 0x1000, 0));
	get_sregs(&v, &s);
	s.efer = 0x400;			/* LMA without paging */
	REFUSED(v.fd, KVM_SET_SREGS, &s, EINVAL);
	s.efer = 0;
	s.cr4 = 1ull << 40;
	REFUSED(v.fd, KVM_SET_SREGS, &s, EINVAL);
}

/* Whoever started this reads that it is ready, and how it has ended if it was not killed. */
static void run_until_killed(const struct vcpu *v)
{
	printf("ready\n");
	fflush(stdout);
	if (ioctl(v->fd, KVM_RUN, 0))
		printf("KVM_RUN: %s\n", strerror(errno));
}

/* Until it is killed */
static void test_forever(void)
{
	struct vcpu v;
	struct vm vm;

	BEGIN(&vm, &v, spin);
	start_real(&v, 0);
	run_until_killed(&v);
}

/* The same of a vCPU with an APIC that halts: KVM_RUN waits, and nothing ever comes. */
static void test_asleep(void)
{
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };
	struct vcpu v;
	struct vm vm;

	make_vm(&vm);
	CALL(vm.vm, KVM_ENABLE_CAP, &split);
	make_vcpu(&vm, &v, 0);
	vm.memory[CODE] = 0xf4;		/* HLT */
	start_real(&v, 0);
	run_until_killed(&v);
}

/* A device read that is under way outlives that the VMM sets the same registers. */
static void test_rewrite(void)
{
	struct kvm_regs regs;
	struct vcpu v;
	struct vm vm;

	BEGIN(&vm, &v, ports);
	start_real(&v, 0);
	if (!reads_port(&v, __LINE__, 1, 0x11))
		return;
	CALL(v.fd, KVM_GET_REGS, &regs);
	CALL(v.fd, KVM_SET_REGS, &regs);
	TELLS(&v, 0xaaaaaa11);
}

/* A signal that is blocked, and only let through in KVM_RUN, is there for sigtimedwait(). */
static void test_sigmask(void)
{
	struct {
		struct kvm_signal_mask head;
		uint64_t set;
	} mask = { .head.len = 8 };
	struct itimerval soon = { .it_value.tv_usec = 100000 };
	struct timespec now = { 0 };
	struct vcpu v;
	struct vm vm;
	sigset_t set;

	BEGIN(&vm, &v, spin);
	start_real(&v, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CALL(v.fd, KVM_SET_SIGNAL_MASK, &mask);
	setitimer(ITIMER_REAL, &soon, NULL);
	EXPECT("KVM_RUN", -1, ioctl(v.fd, KVM_RUN, 0));
	EXPECT("errno", EINTR, errno);
	EXPECT("signal", SIGALRM, sigtimedwait(&set, NULL, &now));
}

#define TEST(name)	{ #name, test_##name }

static const struct {
	const char *name;
	void (*fn)(void);
} tests[] = {
	TEST(real), TEST(ports), TEST(mapping), TEST(cow), TEST(readonly),
	TEST(mmio), TEST(long), TEST(cpuid), TEST(triple), TEST(faults),
	TEST(signal), TEST(irq), TEST(complete), TEST(smp), TEST(two),
	TEST(refusals), TEST(rewrite), TEST(sigmask), TEST(slots), TEST(plugged), TEST(softdirty),
	TEST(pae), TEST(forever), TEST(asleep), TEST(work),
	TEST(supported),
	TEST(ioevent), TEST(drain), TEST(coalesced), TEST(ring), TEST(routes), TEST(gsis),
	TEST(delivery),
	TEST(ipi), TEST(tpr), TEST(timer), TEST(ipis), TEST(ipis2), TEST(nmi), TEST(halted),
	TEST(shadow), TEST(killed), TEST(lapic),
	TEST(endless_db), TEST(endless_db32), TEST(endless_ac), TEST(holes), TEST(tables),
	TEST(crossing), TEST(garbage), TEST(refused), TEST(events), TEST(fuzz), TEST(fuzz_ioctl),
	TEST(registers), TEST(own), TEST(breakpoints), TEST(xcr0), TEST(clock), TEST(msrs),
	TEST(chips), TEST(pic), TEST(ioapic), TEST(resample), TEST(pit),
	TEST(bench), TEST(moved),
	TEST(fire_balloon), TEST(fire_balloon2m), TEST(fire_punch), TEST(fire_protect),
	TEST(fire_protect2m), TEST(fire_move), TEST(fire_fork), TEST(fire_migrate),
	TEST(fire_huge), TEST(fire_swap), TEST(fire_ksm), TEST(fire_all),
	TEST(still), TEST(sparse), TEST(tables_of_64g), TEST(small), TEST(large), TEST(hugetlb),
	TEST(gigantic), TEST(crowd),
};

int main(int argc, char **argv)
{
	unsigned int i;

	for (i = 0; argc == 2 && i < ITEMS(tests); i++) {
		if (strcmp(tests[i].name, argv[1]))
			continue;
		tests[i].fn();
		return failed;
	}
	fprintf(stderr, "usage: vmm TEST, of:");
	for (i = 0; i < ITEMS(tests); i++)
		fprintf(stderr, " %s", tests[i].name);
	fprintf(stderr, "\n");
	return 2;
}
