// SPDX-License-Identifier: GPL-2.0-only
/* Tests of a VM's memory, under what the VMM and Linux do to it. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm.h"

/* What the VMM does to its mapping, the guest sees. */
void test_mapping(void)
{
	uint32_t *word;
	struct vcpu v;
	struct vm vm;
	int status;
	pid_t child;

	BEGIN(&vm, &v, read);
	word = (uint32_t *)(vm.memory + 0x3000);
	*word = 0x11;
	start_real(&v, 0);
	TELLS(&v, 0x11);
	*word = 0x12;
	TELLS(&v, 0x12);
	madvise(word, 4096, MADV_DONTNEED);
	TELLS(&v, 0);
	*word = 0x13;
	TELLS(&v, 0x13);
	/* After a fork each has its own. */
	child = fork();
	if (!child) {
		*word = 0x99;
		_exit(0);
	}
	waitpid(child, &status, 0);
	TELLS(&v, 0x13);
	/* Another page in its place */
	if (mmap(word, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0) == MAP_FAILED)
		die("mmap in place");
	*word = 0x14;
	TELLS(&v, 0x14);
	if (mremap(word, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, anonymous(4096)) ==
	    MAP_FAILED)
		die("mremap");
	EXPECT("without a mapping", -1, ioctl(v.fd, KVM_RUN, 0));
	EXPECT("without a mapping", EFAULT, errno);
}

/* A guest's write after a fork is the parent's alone. */
void test_cow(void)
{
	int go[2], status;
	uint32_t *word;
	struct vcpu v;
	struct vm vm;
	pid_t child;
	char c;

	BEGIN(&vm, &v, write);
	word = (uint32_t *)(vm.memory + 0x3000);
	*word = 0x21;
	if (pipe(go))
		die("pipe");
	child = fork();
	if (!child) {
		if (read(go[0], &c, 1) != 1)
			_exit(2);
		_exit(*word != 0x21);
	}
	start_real(&v, 0x22);
	TELLS(&v, 0x22);
	EXPECT("memory", 0x22, *word);
	if (write(go[1], "", 1) != 1)
		die("write");
	waitpid(child, &status, 0);
	EXPECT("the child's memory", 0, status);
}

void test_readonly(void)
{
	uint32_t *page = anonymous(4096);
	struct vcpu v;
	struct vm vm;

	BEGIN(&vm, &v, write);
	*page = 0x31;
	EXPECT("size changes", -EINVAL, set_slot(&vm, 0, 0, vm.memory, 0x3000, 0));
	EXPECT("removed", 0, set_slot(&vm, 0, 0, vm.memory, 0, 0));
	EXPECT("slot", 0, set_slot(&vm, 0, 0, vm.memory, 0x3000, 0));
	EXPECT("readonly", 0, set_slot(&vm, 1, 0x3000, page, 4096, KVM_MEM_READONLY));
	start_real(&v, 0x32);
	EXITS(&v, KVM_EXIT_MMIO);
	EXPECT("address", 0x3000, v.run->mmio.phys_addr);
	EXPECT("write", 1, v.run->mmio.is_write);
	EXPECT("value", 0x32, *(uint32_t *)v.run->mmio.data);
	TELLS(&v, 0x31);
	EXITS(&v, KVM_EXIT_HLT);
	EXPECT("memory", 0x31, *page);
}

static void *run_count(void *arg)
{
	const struct vcpu *v = arg;

	exits_by(v, __LINE__, KVM_EXIT_HLT);
	return NULL;
}

#define THREADS	4

/* vCPUs of one VM on all CPUs, and their memory taken away and given all the time */
void test_smp(void)
{
	struct vcpu v[THREADS];
	pthread_t thread[THREADS];
	struct vm vm;
	int i, n;

	make_vm(&vm);
	copy_code(&vm, guest_count, guest_count_end);
	for (i = 0; i < THREADS; i++) {
		make_vcpu(&vm, &v[i], i);
		start_real(&v[i], 0);
	}
	for (i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, run_count, &v[i]);
	for (n = 0; n < 200; n++) {
		mprotect(vm.memory + 0x3000, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
		mprotect(vm.memory + 0x3000, 4096, PROT_READ | PROT_WRITE);
		madvise(vm.memory + 0x40000, 0x1000, MADV_DONTNEED);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	EXPECT("counted", THREADS * 100000, *(uint32_t *)(vm.memory + 0x3000));
}

/* KVM_RUN is EFAULT while the guest may not write. */
static void *run_spin(void *arg)
{
	const struct runner *r = arg;

	while (!__atomic_load_n(&r->stop, __ATOMIC_SEQ_CST))
		if (ioctl(r->v->fd, KVM_RUN, 0) && errno != EFAULT && errno != EINTR)
			break;
	return NULL;
}

/*
 * A guest counts without an exit. When the VMM's call that takes the right to write has returned,
 * the count stands still, whatever translation the guest's processor has had.
 */
void test_still(void)
{
	volatile uint32_t *word;
	uint32_t before, n, i, moved = 0, last = 0;
	struct runner r = { .stop = false };
	struct vcpu v;
	struct vm vm;

	BEGIN(&vm, &v, spin);
	word = (uint32_t *)(vm.memory + 0x3000);
	start_real(&v, 0);
	r.v = &v;
	pthread_create(&r.thread, NULL, run_spin, &r);
	for (n = 0; n < 300; n++) {
		while (*word == last)
			usleep(100);
		if (mprotect(vm.memory + 0x3000, 4096, PROT_READ))
			die("mprotect");
		before = *word;
		for (i = 0; i < 20000; i++)
			last = *word;
		moved += last != before;
		if (mprotect(vm.memory + 0x3000, 4096, PROT_READ | PROT_WRITE))
			die("mprotect");
	}
	EXPECT("times that it went on", 0, moved);
	/* So that KVM_RUN ends */
	__atomic_store_n(&r.stop, true, __ATOMIC_SEQ_CST);
	if (mprotect(vm.memory + 0x3000, 4096, PROT_READ))
		die("mprotect");
	pthread_join(r.thread, NULL);
}

/* What has to do with no slot, and a slot's beginning and end while notifiers run */
static void *map_and_unmap(void *arg)
{
	const bool *stop = arg;

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED))
		munmap(anonymous(0x100000), 0x100000);
	return NULL;
}

void test_slots(void)
{
	bool stop = false;
	pthread_t thread;
	struct vcpu v;
	struct vm vm;
	int n;

	BEGIN(&vm, &v, read);
	start_real(&v, 0);
	pthread_create(&thread, NULL, map_and_unmap, &stop);
	for (n = 0; n < 100; n++) {
		uint32_t *page = anonymous(4096);

		*page = n;
		EXPECT("without", 0, set_slot(&vm, 0, 0, vm.memory, 0, 0));
		EXPECT("below", 0, set_slot(&vm, 0, 0, vm.memory, 0x3000, 0));
		EXPECT("page", 0, set_slot(&vm, 1, 0x3000, page, 4096, 0));
		if (!tells(&v, __LINE__, n))
			break;
		EXPECT("without the page", 0, set_slot(&vm, 1, 0x3000, page, 0, 0));
		munmap(page, 4096);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

/* The guest reads a device, and the VMM answers. */
static bool reads_device(const struct vcpu *v, int line, uint32_t value)
{
	if (!exits_by(v, line, KVM_EXIT_MMIO) ||
	    !expect(line, "address", 0x3000, v->run->mmio.phys_addr) ||
	    !expect(line, "read", 0, v->run->mmio.is_write))
		return false;
	memcpy(v->run->mmio.data, &value, 4);
	return tells(v, line, value);
}

/* Where there was a device, again and again, there is memory, and then a device again. */
void test_plugged(void)
{
	uint32_t *page = anonymous(4096);
	struct vcpu v;
	struct vm vm;
	int n;

	BEGIN(&vm, &v, read);
	start_real(&v, 0);
	EXPECT("without", 0, set_slot(&vm, 0, 0, vm.memory, 0, 0));
	EXPECT("below", 0, set_slot(&vm, 0, 0, vm.memory, 0x3000, 0));
	for (n = 0; n < 10; n++) {
		*page = 0x1000 + n;
		if (!reads_device(&v, __LINE__, n) || !reads_device(&v, __LINE__, n + 100))
			return;
		EXPECT("page", 0, set_slot(&vm, 1, 0x3000, page, 4096, 0));
		TELLS(&v, 0x1000 + n);
		EXPECT("without the page", 0, set_slot(&vm, 1, 0x3000, page, 0, 0));
	}
}

/* All of the VMM's memory is made read-only for a moment: no write of the guest's is missed. */
void test_softdirty(void)
{
	uint64_t entry = 0;
	struct vcpu v;
	struct vm vm;
	int fd, map;

	BEGIN(&vm, &v, write);
	start_real(&v, 1);
	TELLS(&v, 1);
	fd = open("/proc/self/clear_refs", O_WRONLY);
	map = open("/proc/self/pagemap", O_RDONLY);
	if (fd < 0 || map < 0 || write(fd, "4", 1) != 1)
		die("clear_refs");
	start_real(&v, 2);
	TELLS(&v, 2);
	if (pread(map, &entry, 8, (uintptr_t)(vm.memory + 0x3000) / 4096 * 8) != 8)
		die("pagemap");
	EXPECT("soft-dirty", 1, entry >> 55 & 1);
}

/* PAE's tables at @at: 0 to 2 MiB, and 0x40003000 on page @page */
static void fill_pae(const struct vm *vm, uint32_t at, uint64_t page)
{
	const uint64_t top[4] = { (at + 0x1000) | 1, (at + 0x2000) | 1, 0, 0 };
	const uint64_t low = 0x83, middle = (at + 0x3000) | 3, entry = page | 3;

	/* At the end of the table's 32 bytes that are aligned */
	memcpy(vm->memory + at + 0x20, top, sizeof(top));
	memcpy(vm->memory + at + 0x1000, &low, 8);
	memcpy(vm->memory + at + 0x2000, &middle, 8);
	memcpy(vm->memory + at + 0x3000 + 8 * 3, &entry, 8);
	memcpy(vm->memory + page, &at, 4);
}

static void set_pae(const struct vcpu *v, uint64_t cr3)
{
	struct kvm_sregs s;

	get_sregs(v, &s);
	s.cr0 |= 0x80000000;
	s.cr4 |= 0x20;
	s.cr3 = cr3;
	CALL(v->fd, KVM_SET_SREGS, &s);
}

/* Tables that the VMM sets, that the guest sets, and that the VMM sets as they are. */
void test_pae(void)
{
	struct vcpu v;
	struct vm vm;

	BEGIN(&vm, &v, pae);
	set_long_mode(&v);
	fill_pae(&vm, 0x10000, 0x18000);
	fill_pae(&vm, 0x20000, 0x28000);
	fill_pae(&vm, 0x30000, 0x38000);
	start_32(&v, 0x20020);
	set_pae(&v, 0x10020);
	TELLS(&v, 0x10000);
	TELLS(&v, 0x20000);
	set_pae(&v, 0x30020);
	TELLS(&v, 0x30000);
	set_pae(&v, 0x30020);
	EXITS(&v, KVM_EXIT_HLT);
	start_32(&v, 0x20020);
	set_pae(&v, 0x10020);
	TELLS(&v, 0x10000);
	set_pae(&v, 0x10020);
	TELLS(&v, 0x20000);
	set_pae(&v, 0x20020);
	TELLS(&v, 0x20000);
	EXITS(&v, KVM_EXIT_HLT);
}
