// SPDX-License-Identifier: GPL-2.0-only
/* Tests of writes that end no KVM_RUN: ioeventfds and coalesced ones. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* What KVM_COALESCED_MMIO_MAX is made of */
#define PAGE_SIZE	4096

#include "vmm.h"

/* What guest_writes does, in this order, before it tells 1 */
static const struct {
	bool port;
	uint32_t size;
	uint64_t value;
} writes[] = {
	{ true, 1, 0x11 }, { true, 2, 0x2222 }, { true, 4, 0x33333333 },
	{ false, 1, 0x44 }, { false, 2, 0x5555 }, { false, 4, 0x66666666 },
};

#define OUT		0x12			/* their port; memory is DEVICE */
#define PORTS		7			/* the first three of them, as a mask */
#define DEVICES		(7 << 3)
#define ALL		(PORTS | DEVICES)

static bool is_write(const struct vcpu *v, int line, unsigned int i)
{
	uint64_t found = 0;

	if (!exits_by(v, line, writes[i].port ? KVM_EXIT_IO : KVM_EXIT_MMIO))
		return false;
	if (writes[i].port) {
		memcpy(&found, (char *)v->run + v->run->io.data_offset, v->run->io.size);
		return expect(line, "port", OUT, v->run->io.port) &&
		       expect(line, "size", writes[i].size, v->run->io.size) &&
		       expect(line, "value", writes[i].value, found);
	}
	memcpy(&found, v->run->mmio.data, v->run->mmio.len);
	return expect(line, "address", DEVICE, v->run->mmio.phys_addr) &&
	       expect(line, "size", writes[i].size, v->run->mmio.len) &&
	       expect(line, "value", writes[i].value, found);
}

/* Once around: those in @exits get to the VMM, and no others. */
static bool goes_round(const struct vcpu *v, int line, unsigned int exits)
{
	unsigned int i;

	for (i = 0; i < ITEMS(writes); i++)
		if (exits & 1 << i && !is_write(v, line, i))
			return false;
	return tells(v, line, 1);
}

#define ROUND(v, exits)	do { if (!goes_round(v, __LINE__, exits)) return; } while (0)

int make_eventfd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fd < 0)
		die("eventfd");
	return fd;
}

uint64_t read_eventfd(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, 8) == 8 ? count : 0;
}

static int ioevent(const struct vm *vm, int fd, uint64_t address, uint32_t size, uint32_t flags,
		   uint64_t match)
{
	struct kvm_ioeventfd args = { .addr = address, .len = size, .fd = fd, .flags = flags,
				      .datamatch = match };

	return ioctl(vm->vm, KVM_IOEVENTFD, &args) ? -errno : 0;
}

#define PIO	KVM_IOEVENTFD_FLAG_PIO
#define MATCH	KVM_IOEVENTFD_FLAG_DATAMATCH
#define UNDO	KVM_IOEVENTFD_FLAG_DEASSIGN

#define ASSIGNED(wanted, ...)	EXPECT("ioeventfd", wanted, ioevent(__VA_ARGS__))
#define COUNTED(n, fd)		EXPECT("eventfd", n, read_eventfd(fd))

static void refuse_ioevents(const struct vm *vm, int fd)
{
	ASSIGNED(-EINVAL, vm, fd, OUT, 3, PIO, 0);
	ASSIGNED(-EINVAL, vm, fd, OUT, 16, PIO, 0);
	ASSIGNED(-EINVAL, vm, fd, OUT, 0, PIO | MATCH, 0);
	ASSIGNED(-EINVAL, vm, fd, OUT, 1, PIO | 0x100, 0);
	ASSIGNED(-EINVAL, vm, fd, ~0ull - 3, 8, 0, 0);
	ASSIGNED(-EINVAL, vm, vm->vm, OUT, 1, PIO, 0);
	ASSIGNED(-EBADF, vm, -1, OUT, 1, PIO, 0);
	ASSIGNED(-EBADF, vm, -1, OUT, 1, PIO | UNDO, 0);
	ASSIGNED(-ENOENT, vm, fd, OUT, 1, PIO | UNDO, 0);
	EXPECT("bad address", -1, ioctl(vm->vm, KVM_IOEVENTFD, 8));
	EXPECT("bad address", EFAULT, errno);
}

/* At one port: width, value, and who collides with whom */
static void match_ports(const struct vm *vm, const struct vcpu *v, int fd, int other)
{
	ASSIGNED(0, vm, fd, OUT, 1, PIO, 0);
	ROUND(v, ALL & ~1);
	ROUND(v, ALL & ~1);
	COUNTED(2, fd);
	ASSIGNED(-EEXIST, vm, other, OUT, 1, PIO, 0);
	ASSIGNED(-EEXIST, vm, other, OUT, 1, PIO | MATCH, 5);
	ASSIGNED(-EEXIST, vm, other, OUT, 0, PIO, 0);
	ASSIGNED(0, vm, other, OUT, 2, PIO | MATCH, 0x2223);
	ROUND(v, ALL & ~1);
	COUNTED(0, other);
	ASSIGNED(0, vm, other, OUT, 2, PIO | MATCH, 0x2222);
	ASSIGNED(-EEXIST, vm, fd, OUT, 2, PIO | MATCH, 0x2222);
	ASSIGNED(-EEXIST, vm, fd, OUT, 2, PIO, 0);
	/* A value that no port of this width can have */
	ASSIGNED(0, vm, other, OUT, 4, PIO | MATCH, 0x133333333ull);
	ROUND(v, ALL & ~3);
	COUNTED(1, other);
	COUNTED(2, fd);
	/* Only as it was assigned */
	ASSIGNED(-ENOENT, vm, other, OUT, 1, PIO | UNDO, 0);
	ASSIGNED(-ENOENT, vm, fd, OUT, 2, PIO | UNDO, 0);
	ASSIGNED(-ENOENT, vm, fd, OUT, 1, UNDO, 0);
	ASSIGNED(-ENOENT, vm, fd, OUT, 1, PIO | MATCH | UNDO, 0);
	ASSIGNED(0, vm, fd, OUT, 1, PIO | UNDO, 0);
	ASSIGNED(-ENOENT, vm, fd, OUT, 1, PIO | UNDO, 0);
	ROUND(v, ALL & ~2);
	COUNTED(0, fd);
	COUNTED(1, other);
	ASSIGNED(0, vm, other, OUT, 2, PIO | MATCH | UNDO, 0x2222);
	ROUND(v, ALL);
}

static void match_memory(const struct vm *vm, const struct vcpu *v, int fd, int other)
{
	/* A port of this number is something else. */
	ASSIGNED(0, vm, other, OUT, 0, 0, 0);
	ROUND(v, ALL);
	ASSIGNED(0, vm, fd, DEVICE, 0, 0, 0);
	ASSIGNED(-EEXIST, vm, other, DEVICE, 2, 0, 0);
	ROUND(v, PORTS);
	COUNTED(3, fd);
	ASSIGNED(0, vm, fd, DEVICE, 0, UNDO, 0);
	ROUND(v, ALL);
	COUNTED(0, fd);
	ASSIGNED(0, vm, fd, DEVICE, 4, MATCH, 0x66666666);
	ASSIGNED(0, vm, other, DEVICE, 2, 0, 0);
	ROUND(v, ALL & ~(1 << 4 | 1 << 5));
	COUNTED(1, fd);
	COUNTED(1, other);
	/* The address has to be the same. */
	ASSIGNED(0, vm, other, DEVICE - 1, 8, 0, 0);
	ASSIGNED(0, vm, other, DEVICE + 1, 1, 0, 0);
	ROUND(v, ALL & ~(1 << 4 | 1 << 5));
	COUNTED(1, other);
}

/* All 64 bits of a value count. */
static void match_quad(void)
{
	int fd = make_eventfd();
	struct vcpu v;
	struct vm vm;
	int i;

	BEGIN(&vm, &v, long);
	fill_tables(&vm);
	set_long_mode(&v);
	ASSIGNED(0, &vm, fd, DEVICE + 8, 8, MATCH, 0x1020304050607081ull);
	ASSIGNED(0, &vm, fd, DEVICE + 8, 8, MATCH, 0x1020304050607080ull);
	start_32(&v, 0);
	for (i = 0; i < 5; i++)
		EXITS(&v, KVM_EXIT_IO);
	EXITS(&v, KVM_EXIT_MMIO);
	EXPECT("read", 0, v.run->mmio.is_write);
	memcpy(v.run->mmio.data, &(uint64_t){ 0x1020304050607080ull }, 8);
	EXITS(&v, KVM_EXIT_HLT);
	COUNTED(1, fd);
}

void test_ioevent(void)
{
	int fd = make_eventfd(), other = make_eventfd();
	struct vcpu v;
	struct vm vm;

	BEGIN(&vm, &v, writes);
	EXPECT("KVM_CAP_IOEVENTFD", 1, CALL(vm.vm, KVM_CHECK_EXTENSION, KVM_CAP_IOEVENTFD));
	EXPECT("any length", 1,
	       CALL(vm.vm, KVM_CHECK_EXTENSION, KVM_CAP_IOEVENTFD_ANY_LENGTH));
	start_32(&v, DEVICE);
	ROUND(&v, ALL);
	refuse_ioevents(&vm, fd);
	match_ports(&vm, &v, fd, other);
	match_memory(&vm, &v, fd, other);
	/* The VMM's descriptor may go: the VM has the eventfd still. */
	close(fd);
	ROUND(&v, ALL & ~(1 << 4 | 1 << 5));
	match_quad();
}

struct drainer {
	const struct vcpu *v;
	bool stop;
	unsigned long exits;
};

static void *run_on(void *arg)
{
	struct drainer *r = arg;

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED) && !ioctl(r->v->fd, KVM_RUN, 0))
		__atomic_add_fetch(&r->exits, 1, __ATOMIC_RELAXED);
	return NULL;
}

static bool signalled(int fd)
{
	int i;

	for (i = 0; i < 100000; i++) {
		if (read_eventfd(fd))
			return true;
		usleep(10);
	}
	return false;
}

/* A vCPU writes all the time: nothing is signalled any more when it is deassigned. */
void test_drain(void)
{
	int fd = make_eventfd(), n;
	struct drainer r = { 0 };
	pthread_t thread;
	struct vcpu v;
	struct vm vm;

	BEGIN(&vm, &v, writes);
	start_32(&v, DEVICE);
	r.v = &v;
	pthread_create(&thread, NULL, run_on, &r);
	for (n = 0; n < 200 && !failed; n++) {
		ASSIGNED(0, &vm, fd, OUT, 2, PIO, 0);
		ASSIGNED(0, &vm, fd, DEVICE, 0, 0, 0);
		EXPECT("signalled", true, signalled(fd));
		ASSIGNED(0, &vm, fd, OUT, 2, PIO | UNDO, 0);
		ASSIGNED(0, &vm, fd, DEVICE, 0, UNDO, 0);
		read_eventfd(fd);
		usleep(500);
		COUNTED(0, fd);
	}
	__atomic_store_n(&r.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT("exits", true, r.exits > 0);
}

static int zone(const struct vm *vm, unsigned long nr, uint64_t address, uint32_t size,
		uint32_t port)
{
	struct kvm_coalesced_mmio_zone args = { .addr = address, .size = size, .pio = port };

	return ioctl(vm->vm, nr, &args) ? -errno : 0;
}

#define ADDED(wanted, ...)						\
	EXPECT("register", wanted, zone(&vm, KVM_REGISTER_COALESCED_MMIO, __VA_ARGS__))
#define REMOVED(wanted, ...)						\
	EXPECT("unregister", wanted, zone(&vm, KVM_UNREGISTER_COALESCED_MMIO, __VA_ARGS__))

static struct kvm_coalesced_mmio_ring *ring_of(const struct vm *vm, const struct vcpu *v)
{
	int page = CALL(vm->kvm, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO);

	EXPECT("page", 2, page);
	EXPECT("size", 3 * PAGE_SIZE, vm->run_size);
	return (void *)((char *)v->run + page * PAGE_SIZE);
}

/* The next entry is this write. */
static bool is_in_ring(struct kvm_coalesced_mmio_ring *ring, int line, unsigned int i)
{
	const struct kvm_coalesced_mmio *e = &ring->coalesced_mmio[ring->first];
	uint64_t found = 0;

	if (ring->first == ring->last)
		return expect(line, "entry", 1, 0);
	memcpy(&found, e->data, writes[i].size);
	ring->first = (ring->first + 1) % KVM_COALESCED_MMIO_MAX;
	return expect(line, "address", writes[i].port ? OUT : DEVICE, e->phys_addr) &&
	       expect(line, "size", writes[i].size, e->len) &&
	       expect(line, "port", writes[i].port, e->pio) &&
	       expect(line, "value", writes[i].value, found);
}

/* These writes, in their order, and nothing else */
static bool ring_has(struct kvm_coalesced_mmio_ring *ring, int line, unsigned int mask)
{
	unsigned int i;

	for (i = 0; i < ITEMS(writes); i++)
		if (mask & 1 << i && !is_in_ring(ring, line, i))
			return false;
	return expect(line, "end", ring->last, ring->first);
}

#define RING(mask)	do { if (!ring_has(ring, __LINE__, mask)) return; } while (0)

void test_coalesced(void)
{
	struct kvm_coalesced_mmio_ring *ring;
	int fd = make_eventfd();
	struct vcpu v;
	struct vm vm;

	BEGIN(&vm, &v, writes);
	EXPECT("ports", 1, CALL(vm.vm, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_PIO));
	ring = ring_of(&vm, &v);
	start_32(&v, DEVICE);
	ADDED(-EINVAL, OUT, 4, 2);
	REMOVED(-EINVAL, OUT, 4, 2);
	REMOVED(0, OUT, 4, 1);
	ROUND(&v, ALL);
	RING(0);
	/* A write has to be in it as a whole. */
	ADDED(0, OUT, 2, 1);
	ROUND(&v, ALL & ~3);
	RING(3);
	ADDED(0, OUT, 4, 1);
	ADDED(0, DEVICE - 16, 32, 0);
	ROUND(&v, 0);
	ROUND(&v, 0);
	if (!is_in_ring(ring, __LINE__, 0))
		return;
	ring->first += ITEMS(writes) - 1;
	RING(ALL);
	/* An ioeventfd takes one of them: not both get it. */
	EXPECT("ioeventfd", 0, ioevent(&vm, fd, OUT, 1, PIO, 0));
	ROUND(&v, 0);
	EXPECT("once", 6, read_eventfd(fd) + (ring->last - ring->first));
	ring->first = ring->last;
	EXPECT("ioeventfd", 0, ioevent(&vm, fd, OUT, 1, PIO | UNDO, 0));
	/* All zones go that have it. */
	REMOVED(0, OUT, 8, 1);
	REMOVED(0, OUT, 4, 0);
	ROUND(&v, 0);
	RING(ALL);
	REMOVED(0, OUT, 1, 1);
	ROUND(&v, PORTS);
	RING(DEVICES);
	REMOVED(0, DEVICE, 1, 0);
	ROUND(&v, ALL);
	RING(0);
}

/* As many as KVM allows, of each kind */
static void fill_zones(const struct vm *of)
{
	struct vm vm = *of;
	int i;

	for (i = 0; i < 1000 && !failed; i++)
		ADDED(0, 0x20000000 + 4 * i, 4, 0);
	ADDED(-ENOSPC, 0x30000000, 4, 0);
	ADDED(0, 0x1000, 4, 1);
	REMOVED(0, 0x20000000, 4, 0);
	ADDED(0, 0x30000000, 4, 0);
	ADDED(-ENOSPC, 0x30000004, 4, 0);
}

/*
 * A full ring, which the second vCPU finds as well. It is made so by ring->first: a KVM that is
 * old takes one for full too early, or never, if ring->last is beyond it.
 */
static void fill_ring(const struct vcpu *v, const struct vcpu *second,
		      struct kvm_coalesced_mmio_ring *ring)
{
	ring->first = 2 * ITEMS(writes) + 3;
	ROUND(v, 0);
	ROUND(second, 0);
	ROUND(v, ALL & ~3);
	ROUND(second, ALL);
	EXPECT("last", 2 * ITEMS(writes) + 2, ring->last);
	EXPECT("data", 0x2222, *(uint16_t *)ring->coalesced_mmio[7].data);
	ring->first++;
	ROUND(second, ALL & ~1);
	/* Around its end */
	ring->last = KVM_COALESCED_MMIO_MAX - 4;
	ring->first = ring->last;
	ROUND(v, 0);
	EXPECT("last", 2, ring->last);
	RING(ALL);
}

/* The VMM may write there what it likes. */
static void break_ring(const struct vcpu *v, struct kvm_coalesced_mmio_ring *ring)
{
	ring->last = 0xffffffff;
	ROUND(v, ALL);
	ring->last = KVM_COALESCED_MMIO_MAX;
	ROUND(v, ALL);
	ring->first = 0xfffffff0;
	ring->last = 0;
	ROUND(v, 0);
	ring->first = ring->last = 0;
	ROUND(v, 0);
	RING(ALL);
}

void test_ring(void)
{
	struct kvm_coalesced_mmio_ring *ring;
	struct vcpu v, second;
	struct vm vm;

	BEGIN(&vm, &v, writes);
	make_vcpu(&vm, &second, 1);
	ring = ring_of(&vm, &v);
	start_32(&v, DEVICE);
	start_32(&second, DEVICE);
	ADDED(0, OUT, 4, 1);
	ADDED(0, DEVICE, 4, 0);
	fill_ring(&v, &second, ring);
	EXPECT("of the second", ring->last, ring_of(&vm, &second)->last);
	break_ring(&v, ring);
	REMOVED(0, OUT, 1, 1);
	REMOVED(0, DEVICE, 1, 0);
	fill_zones(&vm);
}
