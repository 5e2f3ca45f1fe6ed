// SPDX-License-Identifier: GPL-2.0-only
/* Tests of what sends interrupts to a VM: routes of GSIs, MSIs and irqfds. */
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

#define ROUTES		4096
#define PINS		24
#define FIRST		0x41		/* the vectors that the guest counts */
#define SECOND		0x52
#define LEVEL		0xc000		/* of an MSI's data: level-triggered, asserted */
#define APICS		0xfee00000

static int irqfd(const struct vm *vm, int fd, uint32_t gsi, uint32_t flags, int resample)
{
	struct kvm_irqfd args = { .fd = fd, .gsi = gsi, .flags = flags, .resamplefd = resample };

	return ioctl(vm->vm, KVM_IRQFD, &args) ? -errno : 0;
}

static int signal_msi(const struct vm *vm, uint32_t address, uint32_t data, uint32_t flags)
{
	struct kvm_msi msi = { .address_lo = address, .data = data, .flags = flags };
	int n = ioctl(vm->vm, KVM_SIGNAL_MSI, &msi);

	return n < 0 ? -errno : n;
}

/* KVM_IRQ_LINE_STATUS: its status, where it succeeds */
static int irq_line(const struct vm *vm, uint32_t gsi, uint32_t level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	return ioctl(vm->vm, KVM_IRQ_LINE_STATUS, &line) ? -errno : line.status;
}

static struct {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry entry[ROUTES + 1];
} routing;

static struct kvm_irq_routing_entry *add_route(uint32_t gsi, uint32_t data)
{
	struct kvm_irq_routing_entry *e = &routing.entry[routing.head.nr++];

	*e = (struct kvm_irq_routing_entry){
		.gsi = gsi, .type = KVM_IRQ_ROUTING_MSI,
		.u.msi.address_lo = APICS, .u.msi.data = data,
	};
	return e;
}

static int set_routes(const struct vm *vm)
{
	int err = ioctl(vm->vm, KVM_SET_GSI_ROUTING, &routing) ? -errno : 0;

	routing.head.nr = routing.head.flags = 0;
	return err;
}

static const int capabilities[] = {
	KVM_CAP_SIGNAL_MSI, KVM_CAP_IRQFD, KVM_CAP_IRQFD_RESAMPLE, KVM_CAP_IRQ_INJECT_STATUS,
};

/* There is nothing yet that could take an interrupt. */
void test_routes(void)
{
	int fd = make_eventfd();
	struct kvm_irq_level line = { .irq = 1, .level = 1 };
	struct vcpu v;
	struct vm vm;
	size_t i;

	BEGIN(&vm, &v, read);
	EXPECT("routes", ROUTES, CALL(vm.vm, KVM_CHECK_EXTENSION, KVM_CAP_IRQ_ROUTING));
	for (i = 0; i < ITEMS(capabilities); i++)
		EXPECT("capability", 1, CALL(vm.vm, KVM_CHECK_EXTENSION, capabilities[i]));
	EXPECT("no routes", -EINVAL, set_routes(&vm));
	add_route(1, FIRST);
	EXPECT("a route", -EINVAL, set_routes(&vm));
	EXPECT("bad address", -1, ioctl(vm.vm, KVM_SET_GSI_ROUTING, 8));
	EXPECT("bad address", EFAULT, errno);
	EXPECT("MSI", -EINVAL, signal_msi(&vm, APICS, FIRST, 0));
	EXPECT("bad address", -1, ioctl(vm.vm, KVM_SIGNAL_MSI, 8));
	EXPECT("bad address", EFAULT, errno);
	EXPECT("line", -ENXIO, irq_line(&vm, 1, 1));
	EXPECT("line", -1, ioctl(vm.vm, KVM_IRQ_LINE, &line));
	EXPECT("line", ENXIO, errno);
	EXPECT("bad address", -1, ioctl(vm.vm, KVM_IRQ_LINE, 8));
	EXPECT("bad address", EFAULT, errno);
	EXPECT("irqfd", -EINVAL, irqfd(&vm, fd, 1, 0, 0));
	EXPECT("flags", -EINVAL, irqfd(&vm, fd, 1, 4, 0));
	EXPECT("flags", -EINVAL, irqfd(&vm, fd, 1, 4 | KVM_IRQFD_FLAG_DEASSIGN, 0));
	EXPECT("bad address", -1, ioctl(vm.vm, KVM_IRQFD, 8));
	EXPECT("bad address", EFAULT, errno);
	/* What is not there can be taken away. */
	EXPECT("deassign", 0, irqfd(&vm, fd, 1, KVM_IRQFD_FLAG_DEASSIGN, 0));
	EXPECT("no descriptor", -EBADF, irqfd(&vm, -1, 1, KVM_IRQFD_FLAG_DEASSIGN, 0));
	EXPECT("no eventfd", -EINVAL, irqfd(&vm, vm.vm, 1, KVM_IRQFD_FLAG_DEASSIGN, 0));
}

static void make_split_vm(struct vm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = PINS };

	make_vm(vm);
	CALL(vm->vm, KVM_ENABLE_CAP, &cap);
}

static void refuse_routes(const struct vm *vm)
{
	add_route(ROUTES, FIRST);
	EXPECT("GSI", -EINVAL, set_routes(vm));
	add_route(~0u, FIRST);
	EXPECT("GSI", -EINVAL, set_routes(vm));
	add_route(1, FIRST);
	add_route(1, SECOND);
	EXPECT("two of one GSI", -EINVAL, set_routes(vm));
	add_route(1, FIRST)->flags = 4;
	EXPECT("flags of an MSI", -EINVAL, set_routes(vm));
	add_route(1, FIRST)->type = KVM_IRQ_ROUTING_IRQCHIP;
	EXPECT("a pin", -EINVAL, set_routes(vm));
	add_route(1, FIRST)->type = 99;
	EXPECT("type", -EINVAL, set_routes(vm));
	add_route(1, FIRST);
	routing.head.flags = 1;
	EXPECT("flags", -EINVAL, set_routes(vm));
	routing.head.nr = ROUTES + 1;
	EXPECT("too many", -EINVAL, set_routes(vm));
}

static void refuse_irqfds(const struct vm *vm)
{
	int fd = make_eventfd(), other = make_eventfd();

	EXPECT("no descriptor", -EBADF, irqfd(vm, -1, 1, 0, 0));
	EXPECT("no eventfd", -EINVAL, irqfd(vm, vm->vm, 1, 0, 0));
	EXPECT("resample", -EINVAL, irqfd(vm, fd, 1, KVM_IRQFD_FLAG_RESAMPLE, other));
	EXPECT("irqfd", 0, irqfd(vm, fd, 1, 0, 0));
	EXPECT("once more", -EBUSY, irqfd(vm, fd, 1, 0, 0));
	EXPECT("another GSI", -EBUSY, irqfd(vm, fd, 2, 0, 0));
	EXPECT("another eventfd", 0, irqfd(vm, other, 1, 0, 0));
	/* What is written is an interrupt, and cannot be read. */
	if (write(fd, &(uint64_t){ 5 }, 8) != 8)
		die("write");
	EXPECT("taken", 0, read_eventfd(fd));
	EXPECT("of another GSI", 0, irqfd(vm, fd, 2, KVM_IRQFD_FLAG_DEASSIGN, 0));
	EXPECT("still there", -EBUSY, irqfd(vm, fd, 1, 0, 0));
	EXPECT("deassign", 0, irqfd(vm, fd, 1, KVM_IRQFD_FLAG_DEASSIGN, 0));
	if (write(fd, &(uint64_t){ 5 }, 8) != 8)
		die("write");
	EXPECT("its own again", 5, read_eventfd(fd));
	EXPECT("any GSI", 0, irqfd(vm, fd, ~0u, 0, 0));
	close(fd);
	close(other);
}

static void *assign_irqfds(void *arg)
{
	const struct vm *vm = arg;
	int i;

	for (i = 0; i < 300; i++) {
		int fd = make_eventfd();

		EXPECT("assign", 0, irqfd(vm, fd, i, 0, 0));
		if (write(fd, &(uint64_t){ 1 }, 8) != 8)
			die("write");
		if (i & 1)
			EXPECT("deassign", 0, irqfd(vm, fd, i, KVM_IRQFD_FLAG_DEASSIGN, 0));
		close(fd);
	}
	return NULL;
}

/* Eventfds that come and go, while the VM does as well */
static void close_irqfds(void)
{
	pthread_t thread[3];
	struct vm vm;
	int i, n;

	for (n = 0; n < 3; n++) {
		make_split_vm(&vm);
		for (i = 0; i < 3; i++)
			pthread_create(&thread[i], NULL, assign_irqfds, &vm);
		for (i = 0; i < 100; i++) {
			add_route(i, FIRST);
			EXPECT("routes", 0, set_routes(&vm));
		}
		for (i = 0; i < 3; i++)
			pthread_join(thread[i], NULL);
		for (i = 0; i < 50; i++)
			EXPECT("assign", 0, irqfd(&vm, make_eventfd(), i, 0, 0));
		close(vm.vm);
		close(vm.kvm);
	}
}

void test_gsis(void)
{
	struct vm vm;
	int i;

	make_split_vm(&vm);
	EXPECT("no route", -1, irq_line(&vm, 5, 1));
	EXPECT("no GSI", -1, irq_line(&vm, ~0u, 1));
	refuse_routes(&vm);
	for (i = 0; i < ROUTES; i++)
		add_route(i, FIRST);
	EXPECT("all", 0, set_routes(&vm));
	add_route(7, FIRST)->flags = KVM_MSI_VALID_DEVID;
	EXPECT("with a device", 0, set_routes(&vm));
	EXPECT("level 0", -1, irq_line(&vm, 7, 0));
	EXPECT("flags of an MSI", -EINVAL, signal_msi(&vm, APICS, FIRST, 2));
	refuse_irqfds(&vm);
	EXPECT("none", 0, set_routes(&vm));
	EXPECT("no route", -1, irq_line(&vm, 7, 1));
	close_irqfds();
}

extern const char guest_apic_first[], guest_apic_second[];

struct guest {
	struct vm vm;
	struct vcpu v;
	volatile uint32_t *first, *second, *stop, *spin;
	unsigned int eois;
	bool ready, bad;
};

static void put_gate(const struct vm *vm, uint32_t vector, const char *handler)
{
	uint32_t at = CODE + (handler - guest_apic);
	uint64_t gate = (at & 0xffff) | 8 << 16 | 0x8e00ull << 32 | (uint64_t)(at >> 16) << 48;

	memcpy(vm->memory + 0x4000 + 8 * vector, &gate, 8);
}

/* Flat segments at 0x2000, where an interrupt's code segment is found; its table at 0x4000 */
static void start_apic(struct guest *g, bool x2apic)
{
	static const uint64_t gdt[] = { 0, 0x00cf9b000000ffffull, 0x00cf93000000ffffull };
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry;
	} cpuid = {
		.head.nent = 1,
		.entry = { .function = 1, .ecx = 1 << 21, .edx = 1 << 9 | 1 << 5 },
	};
	struct kvm_sregs s;

	make_split_vm(&g->vm);
	make_vcpu(&g->vm, &g->v, 0);
	CALL(g->v.fd, KVM_SET_CPUID2, &cpuid);
	copy_code(&g->vm, guest_apic, guest_apic_end);
	memcpy(g->vm.memory + 0x2000, gdt, sizeof(gdt));
	put_gate(&g->vm, FIRST, guest_apic_first);
	put_gate(&g->vm, SECOND, guest_apic_second);
	start_32(&g->v, x2apic);
	get_sregs(&g->v, &s);
	s.gdt = (struct kvm_dtable){ .base = 0x2000, .limit = sizeof(gdt) - 1 };
	s.idt = (struct kvm_dtable){ .base = 0x4000, .limit = 8 * 256 - 1 };
	CALL(g->v.fd, KVM_SET_SREGS, &s);
	g->first = (uint32_t *)(g->vm.memory + 0x3000);
	g->second = g->first + 1;
	g->stop = g->first + 2;
	g->spin = g->first + 3;
}

/* Until the guest says that it was told to stop */
static void *run_apic(void *arg)
{
	struct guest *g = arg;
	struct kvm_run *run = g->v.run;

	while (!ioctl(g->v.fd, KVM_RUN, 0)) {
		if (run->exit_reason == KVM_EXIT_IOAPIC_EOI && run->eoi.vector == SECOND) {
			__atomic_add_fetch(&g->eois, 1, __ATOMIC_SEQ_CST);
			continue;
		}
		if (run->exit_reason != KVM_EXIT_IO || run->io.port != PORT)
			break;
		if (*((char *)run + run->io.data_offset) == 2)
			return NULL;
		__atomic_store_n(&g->ready, true, __ATOMIC_SEQ_CST);
	}
	printf("exit %u\n", run->exit_reason);
	g->bad = true;
	return NULL;
}

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* The guest has counted up to this. */
static bool comes_to(const struct guest *g, int line, const volatile uint32_t *counter,
		     uint32_t wanted)
{
	time_t end = now() + 10;

	while (*counter != wanted && !g->bad && now() < end)
		sched_yield();
	return expect(line, "interrupts", wanted, *counter);
}

#define COMES(counter, n)	do { if (!comes_to(g, __LINE__, counter, n)) return; } while (0)

/* One after the other, so that none may be lost */
static void by_eventfd(struct guest *g, int times)
{
	uint32_t from = *g->first;
	int fd = make_eventfd(), i;

	/* One that is there already counts. */
	if (write(fd, &(uint64_t){ 1 }, 8) != 8)
		die("write");
	EXPECT("irqfd", 0, irqfd(&g->vm, fd, 30, 0, 0));
	COMES(g->first, ++from);
	for (i = 0; i < times; i++) {
		if (write(fd, &(uint64_t){ 1 }, 8) != 8)
			die("write");
		COMES(g->first, ++from);
	}
	EXPECT("deassign", 0, irqfd(&g->vm, fd, 30, KVM_IRQFD_FLAG_DEASSIGN, 0));
	if (write(fd, &(uint64_t){ 1 }, 8) != 8)
		die("write");
	usleep(1000);
	COMES(g->first, from);
	close(fd);
}

static bool changes(const struct guest *g, const volatile uint32_t *counter, uint32_t from)
{
	time_t end = now() + 10;

	while (*counter == from && !g->bad && now() < end)
		sched_yield();
	return *counter != from;
}

/* Those that come too fast are one, but none is lost as a whole. */
static void by_bursts(struct guest *g)
{
	int fd = make_eventfd(), other = make_eventfd(), i, n;
	uint32_t second = *g->second;

	EXPECT("irqfd", 0, irqfd(&g->vm, fd, 30, 0, 0));
	EXPECT("irqfd", 0, irqfd(&g->vm, other, 31, 0, 0));
	for (n = 0; n < 20; n++) {
		uint32_t before = *g->first;

		for (i = 0; i < 50; i++)
			if (write(fd, &(uint64_t){ 1 }, 8) != 8)
				die("write");
		if (write(other, &(uint64_t){ 1 }, 8) != 8)
			die("write");
		COMES(g->second, ++second);
		EXPECT("some", true, changes(g, g->first, before));
		usleep(1000);
		EXPECT("not too many", true, *g->first - before <= 50);
	}
	/* Closed, not deassigned */
	close(fd);
	close(other);
}

static void by_msi(struct guest *g, int times)
{
	uint32_t from = *g->first, second = *g->second;
	int i;

	for (i = 0; i < times; i++) {
		EXPECT("MSI", 1, signal_msi(&g->vm, APICS, FIRST, 0));
		COMES(g->first, ++from);
		EXPECT("line", 1, irq_line(&g->vm, 31, 1));
		COMES(g->second, ++second);
		EXPECT("line down", -1, irq_line(&g->vm, 31, 0));
	}
	EXPECT("nobody", true, signal_msi(&g->vm, APICS | 0x77000, FIRST, 0) <= 0);
}

/* A pin of an I/O APIC: the VMM hears of each EOI. */
static void by_level(struct guest *g, int times)
{
	uint32_t from = *g->second;
	unsigned int eois = g->eois;
	time_t end;
	int i;

	for (i = 0; i < times; i++) {
		EXPECT("line", 1, irq_line(&g->vm, 5, 1));
		COMES(g->second, ++from);
		end = now() + 10;
		while (__atomic_load_n(&g->eois, __ATOMIC_SEQ_CST) == eois && now() < end)
			sched_yield();
		EXPECT("EOI", ++eois, __atomic_load_n(&g->eois, __ATOMIC_SEQ_CST));
		irq_line(&g->vm, 5, 0);
	}
}

/* The route in force is that of the last call, also for an irqfd that is older. */
static void by_new_routes(struct guest *g)
{
	uint32_t first = *g->first, second = *g->second;
	int fd = make_eventfd(), i;

	EXPECT("irqfd", 0, irqfd(&g->vm, fd, 30, 0, 0));
	for (i = 0; i < 100; i++) {
		add_route(30, i & 1 ? FIRST : SECOND);
		EXPECT("routes", 0, set_routes(&g->vm));
		if (write(fd, &(uint64_t){ 1 }, 8) != 8)
			die("write");
		if (i & 1)
			COMES(g->first, ++first);
		else
			COMES(g->second, ++second);
	}
	EXPECT("none", 0, set_routes(&g->vm));
	if (write(fd, &(uint64_t){ 1 }, 8) != 8)
		die("write");
	usleep(1000);
	COMES(g->first, first);
	close(fd);
}

static void deliver(bool x2apic)
{
	struct guest guest = { 0 }, *g = &guest;
	pthread_t thread;
	time_t end;

	start_apic(g, x2apic);
	pthread_create(&thread, NULL, run_apic, g);
	end = now() + 10;
	while (!__atomic_load_n(&g->ready, __ATOMIC_SEQ_CST) && !g->bad && now() < end)
		sched_yield();
	add_route(5, SECOND | LEVEL);
	add_route(30, FIRST);
	add_route(31, SECOND);
	EXPECT("routes", 0, set_routes(&g->vm));
	by_eventfd(g, 2000);
	*g->spin = 1;
	by_eventfd(g, 2000);
	by_msi(g, 500);
	*g->spin = 0;
	by_msi(g, 500);
	by_level(g, 500);
	by_bursts(g);
	by_new_routes(g);
	*g->spin = 1;
	*g->stop = 1;
	/* Out of its HLT */
	signal_msi(&g->vm, APICS, FIRST, 0);
	pthread_join(thread, NULL);
	EXPECT("ended well", false, g->bad);
}

void test_delivery(void)
{
	deliver(false);
	deliver(true);
}
