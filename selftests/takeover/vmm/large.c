// SPDX-License-Identifier: GPL-2.0-only
/* VMs with much memory, in pages of all sizes, and VMs that come and go. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm.h"

#define GIB		(1ull << 30)
#define MIB		(1ull << 20)
#define AREA_GPA	(1ull << 30)
#define CROWD		100
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif

/* A guest that knows of 64 GiB, by pages of 1 GiB */
static void map_more(const struct vm *vm)
{
	uint64_t *pdpt = (uint64_t *)(vm->memory + GUEST_TABLES + 0x1000);
	uint64_t i;

	for (i = 4; i < 128; i++)
		pdpt[i] = i * GIB | 0x87;
}

/* Memory from AREA_GPA on: the guest touches a part of each @step bytes, and finds it again. */
static void touch(struct vm *vm, struct vcpu *v, void *at, uint64_t size, uint64_t step)
{
	make_guest_vm(vm, false, 1);
	alarm(0);
	map_more(vm);
	make_guest_vcpu(vm, v, 0);
	EXPECT("slot", 0, set_slot(vm, 1, AREA_GPA, at, size, 0));
	shared(vm)->arg[0] = AREA_GPA;
	shared(vm)->arg[1] = size / step;
	shared(vm)->arg[2] = step;
	start_guest(v, 0, GUEST_FN_touch);
	guest_tells(vm, v, __LINE__, GUEST_DONE);
}

static uint8_t *map_aligned(uint64_t size, int advice)
{
	uint8_t *p = mmap(NULL, size + 2 * MIB, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	p = (uint8_t *)(((uintptr_t)p + 2 * MIB - 1) & ~(2 * MIB - 1));
	if (madvise(p, size, advice))
		die("madvise");
	return p;
}

/* 64 GiB, of which hardly anything is there */
void test_sparse(void)
{
	struct vcpu v;
	struct vm vm;

	touch(&vm, &v, map_aligned(64 * GIB, MADV_NOHUGEPAGE), 64 * GIB, 64 * MIB + 4096);
}

/* The same, but so often that the tables need several chunks of K's, of which it says how many. */
void test_tables_of_64g(void)
{
	unsigned long kb = 0;
	struct vcpu v;
	struct vm vm;
	FILE *f;

	touch(&vm, &v, map_aligned(64 * GIB, MADV_NOHUGEPAGE), 64 * GIB, 32 * MIB + 4096);
	f = fopen("/sys/kernel/regent/memory_kb", "r");
	if (!f || fscanf(f, "%lu", &kb) != 1)
		die("memory_kb");
	fclose(f);
	printf("K has %lu KiB\n", kb);
}

/* 256 MiB in pages of 4 KiB, each of which is touched. Most of them Linux has already. */
void test_small(void)
{
	uint8_t *at = map_aligned(256 * MIB, MADV_NOHUGEPAGE);
	struct vcpu v;
	struct vm vm;

	if (madvise(at, 240 * MIB, MADV_POPULATE_WRITE))
		die("MADV_POPULATE_WRITE");
	touch(&vm, &v, at, 256 * MIB, 4096);
}

/*
 * The same in pages of 2 MiB, which Linux has already: a guest that reads first gets the page of
 * zeros, and what it writes then is in pages of 4 KiB. Then a part of each goes, and is zero.
 */
void test_large(void)
{
	uint8_t *at = map_aligned(256 * MIB, MADV_HUGEPAGE);
	uint64_t i;
	struct vcpu v;
	struct vm vm;

	if (madvise(at, 256 * MIB, MADV_POPULATE_WRITE))
		die("MADV_POPULATE_WRITE");
	touch(&vm, &v, at, 256 * MIB, 4096);
	for (i = 0; i < 256; i += 2)
		if (madvise(at + i * MIB, MIB, MADV_DONTNEED))
			die("madvise");
	shared(&vm)->arg[1] = 128;
	shared(&vm)->arg[2] = 2 * MIB;
	start_guest(&v, 0, GUEST_FN_touch);
	guest_tells(&vm, &v, __LINE__, GUEST_DONE);
	/* What was beside it is as it was. */
	for (i = 1; i < 256; i += 2)
		if (!EXPECT("a word beside", i * 256 + 1,
			    *(uint64_t *)(at + i * MIB + 256 * 8)))
			break;
}

static void run_hugetlb(uint64_t size, int order)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | order << MAP_HUGE_SHIFT, -1, 0);
	struct vcpu v;
	struct vm vm;

	if (p == MAP_FAILED)
		die("mmap of huge pages");
	touch(&vm, &v, p, size, 4096);
}

/* From hugetlbfs: the machine has to have reserved pages. */
void test_hugetlb(void)
{
	run_hugetlb(32 * MIB, 21);
}

void test_gigantic(void)
{
	run_hugetlb(GIB, 30);
}

/* Many VMs, one after the other; each touches 64 MiB here and there. */
void test_crowd(void)
{
	int i;

	for (i = 0; i < CROWD && !failed; i++) {
		uint8_t *at = map_aligned(64 * MIB, MADV_NOHUGEPAGE);
		struct vcpu v;
		struct vm vm;

		touch(&vm, &v, at, 64 * MIB, 256 * 1024);
		munmap(v.run, vm.run_size);
		close(v.fd);
		close(vm.vm);
		close(vm.kvm);
		munmap(vm.memory, MEMORY);
		munmap(at, 64 * MIB);
	}
}
