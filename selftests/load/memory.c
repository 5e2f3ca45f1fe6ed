// SPDX-License-Identifier: GPL-2.0-only
/* Memory: page faults of every kind, with a pattern that must survive. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "load.h"

#define PAGE	4096UL
#define PAGES	512UL

static sigjmp_buf fault_return;
static volatile uintptr_t fault_address;

static uint64_t pattern(uint64_t round, uint64_t page)
{
	return (round * 1000003 + page) * 0x9e3779b97f4a7c15ULL + 1;
}

static void fill(char *area, uint64_t round)
{
	uint64_t page;

	for (page = 0; page < PAGES; page++) {
		*(uint64_t *)(area + page * PAGE) = pattern(round, page);
		*(uint64_t *)(area + page * PAGE + PAGE - 8) = ~pattern(round, page);
	}
}

static void check(const char *area, uint64_t round, const char *when)
{
	uint64_t page, *first, *last;

	for (page = 0; page < PAGES; page++) {
		first = (uint64_t *)(area + page * PAGE);
		last = (uint64_t *)(area + page * PAGE + PAGE - 8);
		if (*first != pattern(round, page) || *last != ~pattern(round, page))
			fail("%s: page %llu holds 0x%llx and 0x%llx", when,
			     (unsigned long long)page, (unsigned long long)*first,
			     (unsigned long long)*last);
	}
}

static void check_zero(const char *area, const char *when)
{
	uint64_t at;

	for (at = 0; at < PAGES * PAGE; at += PAGE / 2)
		if (*(uint64_t *)(area + at))
			fail("%s: 0x%llx at 0x%llx", when,
			     (unsigned long long)*(uint64_t *)(area + at),
			     (unsigned long long)at);
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	fault_address = (uintptr_t)info->si_addr;
	siglongjmp(fault_return, 1);
}

/* A write to a read-only page must fault, at that address, and change nothing. */
static void expect_fault(char *at)
{
	fault_address = 0;
	if (!sigsetjmp(fault_return, 1)) {
		*(volatile char *)at = 1;
		fail("write to a read-only page went through");
	}
	if (fault_address != (uintptr_t)at)
		fail("fault at %p was reported at 0x%lx", (void *)at,
		     (unsigned long)fault_address);
}

static char *map(void)
{
	char *area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	/* Small pages: more faults and more page-table work. */
	madvise(area, PAGES * PAGE, MADV_NOHUGEPAGE);
	return area;
}

static void protect(char *area, int prot)
{
	if (mprotect(area, PAGES * PAGE, prot))
		fail("mprotect: %s", strerror(errno));
}

void run_memory(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	uint64_t round, page;
	char *area;

	sigaction(SIGSEGV, &action, NULL);
	for (round = 1; running(); round++) {
		area = map();
		check_zero(area, "fresh");
		fill(area, round);
		protect(area, PROT_READ);
		for (page = round % 16; page < PAGES; page += 16)
			expect_fault(area + page * PAGE + 128);
		check(area, round, "read-only");
		protect(area, PROT_READ | PROT_WRITE);
		fill(area, round + 1);
		check(area, round + 1, "rewritten");
		if (madvise(area, PAGES * PAGE, MADV_DONTNEED))
			fail("madvise: %s", strerror(errno));
		check_zero(area, "dropped");
		munmap(area, PAGES * PAGE);
		count(PAGES * 4);
	}
}

/* Copy on write: parent and child each keep what is theirs. */
void run_cow(void)
{
	char *area = map();
	uint64_t round;
	int pid;

	for (round = 1; running(); round++) {
		fill(area, round);
		pid = spawn();
		if (!pid) {
			check(area, round, "child, before its write");
			fill(area, round + 7);
			check(area, round + 7, "child, after its write");
			_exit(0);
		}
		fill(area, round + 3);
		reap(pid, "the child");
		check(area, round + 3, "parent, after the child's write");
		count(PAGES * 3);
	}
}
