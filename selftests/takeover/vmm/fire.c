// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory under fire: two vCPUs compute with a VM's memory (guest/fire.c) while the VMM does to
 * the mapping behind it all that a VMM or Linux may do. What the guest finds wrong is named by
 * its page, with what was done to that page last, and what is being done.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm.h"

#define FIRE_GPA	0x1000000
#define MIB		(1ul << 20)
#define PAGE		4096ul
#define SLOT_PAGES	1024		/* 4 MiB, so that slots have whole pages of 2 MiB */
#define SLOTS		(FIRE_PAGES / SLOT_PAGES)
#define BYTES		(FIRE_PAGES * PAGE)
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif
#define NODES		2

/**
 * struct arena - the VM, its memory under fire, and who does what to it
 * @at: where each slot's memory is
 * @memfd: of the memory, or -1
 * @asked: held by who asks the guest to leave pages alone
 * @seed: for random numbers
 */
static struct arena {
	struct vm vm;
	struct vcpu v[FIRE_VCPUS];
	pthread_t thread[FIRE_VCPUS];
	uint8_t *at[SLOTS];
	int memfd;
	pthread_mutex_t asked;
	uint64_t seed;
	bool stop;
} arena = { .memfd = -1, .asked = PTHREAD_MUTEX_INITIALIZER, .seed = 0x5eed };

/* What is being done to the memory, and what was done to each page last */
enum deed {
	NOTHING, BALLOON, PUNCH, PROTECT, MOVE, KSM, SPLIT, COLLAPSE, PAGEOUT, MIGRATE, FORK,
	DEEDS
};

static const char *const deeds[DEEDS] = {
	"nothing", "MADV_DONTNEED", "a hole in the file", "mprotect", "mremap", "KSM",
	"a page of 2 MiB split", "MADV_COLLAPSE", "MADV_PAGEOUT", "move_pages", "fork",
};

static unsigned int now[DEEDS], done[DEEDS];
static uint8_t last[FIRE_PAGES];

static volatile struct fire *fire(void)
{
	return (volatile struct fire *)(arena.vm.memory + GUEST_FIRE);
}

static uint32_t random_below(uint32_t n)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	uint64_t x;

	pthread_mutex_lock(&lock);
	x = arena.seed;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	arena.seed = x;
	pthread_mutex_unlock(&lock);
	return (x >> 11) % n;
}

static uint8_t *page_at(uint32_t page)
{
	return arena.at[page / SLOT_PAGES] + page % SLOT_PAGES * PAGE;
}

static void begin_deed(enum deed what, uint32_t first, uint32_t count)
{
	memset(last + first, what, count);
	__atomic_add_fetch(&now[what], 1, __ATOMIC_SEQ_CST);
}

static void end_deed(enum deed what)
{
	__atomic_sub_fetch(&now[what], 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&done[what], 1, __ATOMIC_SEQ_CST);
}

/* The guest has found something: which page, and what was done? */
static void tell_page(const struct vm *vm)
{
	uint32_t page = fire()->page, i;

	(void)vm;
	printf("page %u, version %u, at %p; last: %s; now:", page, fire()->version,
	       (void *)page_at(page % FIRE_PAGES), deeds[last[page % FIRE_PAGES] % DEEDS]);
	for (i = 1; i < DEEDS; i++)
		if (__atomic_load_n(&now[i], __ATOMIC_SEQ_CST))
			printf(" %s", deeds[i]);
	printf("\n");
	fflush(stdout);
}

/*
 * A vCPU's thread. Where the VMM has taken the right to an address away for a moment, KVM_RUN
 * is EFAULT, and the instruction is executed again.
 */
static void *run_fire(void *arg)
{
	const struct vcpu *v = arg;
	uint32_t value;
	int err;

	pin(v - arena.v);
	do
		err = guest_says(&arena.vm, v, &value);
	while ((!err && value != GUEST_DONE) || err == EFAULT || err == EINTR);
	if (err) {
		printf("a vCPU ends: %s, exit %u\n", strerror(err), v->run->exit_reason);
		failed = true;
		__atomic_store_n(&arena.stop, true, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

/* Address space of the memory's size, as aligned as a page of 2 MiB */
static uint8_t *reserve(size_t size)
{
	uint8_t *p = mmap(NULL, size + 2 * MIB, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return (uint8_t *)(((uintptr_t)p + 2 * MIB - 1) & ~(2 * MIB - 1));
}

static void map_arena(int flags, int fd)
{
	uint8_t *p = reserve(BYTES);
	uint32_t i;

	if (mmap(p, BYTES, PROT_READ | PROT_WRITE, MAP_FIXED | flags, fd, 0) == MAP_FAILED)
		die("mmap of the memory under fire");
	for (i = 0; i < SLOTS; i++) {
		arena.at[i] = p + i * SLOT_PAGES * PAGE;
		EXPECT("slot", 0, set_slot(&arena.vm, 1 + i, FIRE_GPA + i * SLOT_PAGES * PAGE,
					   arena.at[i], SLOT_PAGES * PAGE, 0));
	}
}

/* Has the guest come further since, or has it ended? */
static bool wait_rounds(uint32_t rounds)
{
	uint32_t from = fire()->round;

	while (fire()->round - from < rounds && !__atomic_load_n(&arena.stop, __ATOMIC_SEQ_CST))
		usleep(2000);
	return !__atomic_load_n(&arena.stop, __ATOMIC_SEQ_CST);
}

static void begin_fire(int flags, int fd)
{
	struct kvm_mp_state runs = { .mp_state = KVM_MP_STATE_RUNNABLE };
	uint32_t i;

	on_report = tell_page;
	arena.memfd = fd;
	make_guest_vm(&arena.vm, false, FIRE_VCPUS);
	alarm(0);
	map_arena(flags, fd);
	fire()->gpa = FIRE_GPA;
	fire()->pages = FIRE_PAGES;
	for (i = 0; i < FIRE_VCPUS; i++) {
		make_guest_vcpu(&arena.vm, &arena.v[i], i);
		start_guest(&arena.v[i], i, GUEST_FN_fire);
		CALL(arena.v[i].fd, KVM_SET_MP_STATE, &runs);
	}
	for (i = 0; i < FIRE_VCPUS; i++)
		pthread_create(&arena.thread[i], NULL, run_fire, &arena.v[i]);
	wait_rounds(50);
}

/* Each page is looked at by the VMM as well: what the guest has written last is there. */
static void end_fire(void)
{
	uint32_t page, i, rounds;

	wait_rounds(50);
	rounds = fire()->round;
	fire()->stop = 1;
	for (i = 0; i < FIRE_VCPUS; i++)
		pthread_join(arena.thread[i], NULL);
	for (page = 0; page < FIRE_PAGES && !failed; page++) {
		uint32_t version = fire()->of[page];
		uint64_t seed = fire_seed(page, version);
		const uint64_t *word = (const uint64_t *)page_at(page);

		for (i = FIRE_FIRST; i < PAGE / 8; i += FIRE_STEP) {
			if (word[i] == fire_word(seed, version, i))
				continue;
			printf("page %u, word %u, in the VMM; last: %s\n", page, i,
			       deeds[last[page]]);
			failed = true;
			break;
		}
	}
	printf("%u rounds\n", rounds);
}

/* Ask the guest, and wait until it follows. */
static bool ask(uint32_t first, uint32_t count, bool away, bool zeroed)
{
	uint32_t request = fire()->request + 1;

	fire()->first = first;
	fire()->count = count;
	fire()->away = away;
	fire()->zeroed = zeroed;
	__atomic_store_n(&fire()->request, request, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&fire()->answer, __ATOMIC_SEQ_CST) != request) {
		if (__atomic_load_n(&arena.stop, __ATOMIC_SEQ_CST))
			return false;
		usleep(500);
	}
	return true;
}

static void pick(uint32_t max, uint32_t *first, uint32_t *count)
{
	uint32_t slot = random_below(SLOTS);

	*count = 1 + random_below(max);
	*first = slot * SLOT_PAGES + random_below(SLOT_PAGES - *count);
}

static void do_balloon(void)
{
	enum deed what = arena.memfd >= 0 ? PUNCH : BALLOON;
	uint32_t first, count;
	int err;

	pick(random_below(4) ? 16 : 700, &first, &count);
	pthread_mutex_lock(&arena.asked);
	if (ask(first, count, true, false)) {
		begin_deed(what, first, count);
		if (what == PUNCH)
			err = fallocate(arena.memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					first * PAGE, count * PAGE);
		else
			err = madvise(page_at(first), count * PAGE, MADV_DONTNEED);
		EXPECT(deeds[what], 0, err);
		end_deed(what);
		ask(first, count, false, true);
	}
	pthread_mutex_unlock(&arena.asked);
}

/* Where memory was, there may be none any more: test_fire_all() moves it. */
static void protect(void *at, size_t size, int rights)
{
	if (mprotect(at, size, rights))
		EXPECT("mprotect", ENOMEM, errno);
}

/* Rights that come and go; without the right to an access, the guest waits for it. */
static void do_protect(void)
{
	static const int rights[] = { PROT_READ | PROT_WRITE | PROT_EXEC, PROT_READ, PROT_NONE };
	uint32_t first, count;
	uint8_t *at;

	pick(64, &first, &count);
	at = page_at(first);
	begin_deed(PROTECT, first, count);
	protect(at, count * PAGE, rights[random_below(3)]);
	usleep(random_below(300));
	protect(at, count * PAGE, PROT_READ | PROT_WRITE);
	end_deed(PROTECT);
}

/* A slot's memory moves: the slot goes, and comes again with the new address. */
static void do_move(void)
{
	uint32_t slot = random_below(SLOTS), first = slot * SLOT_PAGES;
	size_t size = SLOT_PAGES * PAGE;
	uint64_t gpa = FIRE_GPA + first * PAGE;
	uint8_t *to;

	pthread_mutex_lock(&arena.asked);
	if (ask(first, SLOT_PAGES, true, false)) {
		begin_deed(MOVE, first, SLOT_PAGES);
		to = reserve(size);
		EXPECT("no slot", 0, set_slot(&arena.vm, 1 + slot, gpa, arena.at[slot], 0, 0));
		if (mremap(arena.at[slot], size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to)
			arena.at[slot] = to;
		else
			EXPECT("mremap", EFAULT, errno);	/* it is several mappings */
		EXPECT("slot", 0, set_slot(&arena.vm, 1 + slot, gpa, arena.at[slot], size, 0));
		end_deed(MOVE);
		ask(first, SLOT_PAGES, false, false);
	}
	pthread_mutex_unlock(&arena.asked);
}

static void do_advice(enum deed what, int advice, uint32_t max)
{
	uint32_t first, count;

	pick(max, &first, &count);
	begin_deed(what, first, count);
	/* What Linux cannot do now is not done. */
	madvise(page_at(first), count * PAGE, advice);
	end_deed(what);
}

static void do_pageout(void)
{
	do_advice(PAGEOUT, MADV_PAGEOUT, 128);
}

static void do_collapse(void)
{
	uint32_t first = random_below(FIRE_PAGES / 512) * 512;

	begin_deed(COLLAPSE, first, 512);
	madvise(page_at(first), 2 * MIB, MADV_COLLAPSE);
	end_deed(COLLAPSE);
}

/* Of a page in the middle the rights change, so that Linux splits its entry. */
static void do_split(void)
{
	uint32_t first = random_below(FIRE_PAGES / 512) * 512 + random_below(512);
	uint8_t *at = page_at(first);

	begin_deed(SPLIT, first & ~511u, 512);
	protect(at, PAGE, PROT_READ);
	protect(at, PAGE, PROT_READ | PROT_WRITE);
	end_deed(SPLIT);
}

/* To the other node, and back the next time. On one node Linux says how the pages are. */
static void do_migrate(void)
{
	static uint32_t to;
	uint32_t first, count, i;
	int node[64], status[64];
	void *page[64];

	pick(64, &first, &count);
	to = (to + 1) % NODES;
	for (i = 0; i < count; i++) {
		page[i] = page_at(first + i);
		node[i] = to;
	}
	begin_deed(MIGRATE, first, count);
	if (syscall(SYS_move_pages, 0, count, page, node, status, 2 /* MPOL_MF_MOVE */) < 0)
		EXPECT("move_pages", ENODEV, errno);
	end_deed(MIGRATE);
}

static uint64_t sum_of(const uint8_t *from, size_t size)
{
	const uint64_t *word = (const uint64_t *)from;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < size / 8; i += 8)
		sum = sum * 31 + word[i];
	return sum;
}

/* What the child has must not change while the guest writes. */
static void do_fork(void)
{
	uint32_t slot = random_below(SLOTS);
	int status;
	pid_t child;

	begin_deed(FORK, slot * SLOT_PAGES, SLOT_PAGES);
	pthread_mutex_lock(&arena.asked);	/* nothing moves */
	child = fork();
	if (!child) {
		uint64_t before;

		if (mprotect(arena.at[slot], SLOT_PAGES * PAGE, PROT_READ))
			_exit(2);
		before = sum_of(arena.at[slot], SLOT_PAGES * PAGE);
		usleep(20000);
		_exit(before != sum_of(arena.at[slot], SLOT_PAGES * PAGE));
	}
	pthread_mutex_unlock(&arena.asked);
	if (child < 0)
		die("fork");
	wait_rounds(3);
	waitpid(child, &status, 0);
	if (!EXPECT("the child's memory changes: status", 0, status))
		printf("slot %u\n", slot);
	end_deed(FORK);
}

static void do_ksm(void)
{
	uint32_t slot = random_below(SLOTS);

	begin_deed(KSM, slot * SLOT_PAGES, SLOT_PAGES);
	madvise(arena.at[slot], SLOT_PAGES * PAGE, MADV_MERGEABLE);
	wait_rounds(10);
	if (!random_below(4))
		madvise(arena.at[slot], SLOT_PAGES * PAGE, MADV_UNMERGEABLE);
	end_deed(KSM);
}

/* "name value" in a file of the kernel's */
static uint64_t kernel_count(const char *file, const char *name)
{
	unsigned long long value = 0, found = 0;
	char word[80];
	FILE *f = fopen(file, "r");

	while (f && fscanf(f, "%79s %llu", word, &found) == 2)
		if (!strcmp(word, name))
			value = found;
	if (f)
		fclose(f);
	return value;
}

static uint64_t vmstat(const char *name)
{
	return kernel_count("/proc/vmstat", name);
}

static void write_kernel(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(file);
	close(fd);
}

static void repeat(void (*deed)(void), int times)
{
	while (times-- && !__atomic_load_n(&arena.stop, __ATOMIC_SEQ_CST))
		deed();
}

static void new_memfd(void)
{
	int fd = memfd_create("fire", 0);

	if (fd < 0 || ftruncate(fd, BYTES))
		die("memfd");
	begin_fire(MAP_SHARED, fd);
}

#define ANONYMOUS	(MAP_PRIVATE | MAP_ANONYMOUS)

/* Each test does one thing many times. */
static void run_deed(void (*deed)(void), int times, int advice)
{
	size_t i;

	begin_fire(ANONYMOUS, -1);
	if (madvise(arena.at[0], BYTES, advice))
		die("madvise");
	for (i = 0; advice == MADV_HUGEPAGE && i < BYTES; i += 2 * MIB)
		madvise(arena.at[0] + i, 2 * MIB, MADV_COLLAPSE);
	repeat(deed, times);
	end_fire();
}

void test_fire_balloon(void)
{
	run_deed(do_balloon, 40, MADV_NOHUGEPAGE);
}

static void balloon_and_collapse(void)
{
	do_balloon();
	do_collapse();
}

void test_fire_balloon2m(void)
{
	run_deed(balloon_and_collapse, 40, MADV_HUGEPAGE);
}

void test_fire_punch(void)
{
	new_memfd();
	repeat(do_balloon, 40);
	end_fire();
}

void test_fire_protect(void)
{
	run_deed(do_protect, 150, MADV_NOHUGEPAGE);
}

void test_fire_protect2m(void)
{
	run_deed(do_protect, 150, MADV_HUGEPAGE);
}

void test_fire_move(void)
{
	run_deed(do_move, 20, MADV_HUGEPAGE);
}

void test_fire_fork(void)
{
	run_deed(do_fork, 8, MADV_HUGEPAGE);
}

void test_fire_migrate(void)
{
	uint64_t before = vmstat("pgmigrate_success");

	run_deed(do_migrate, 60, MADV_NOHUGEPAGE);
	EXPECT("pages were moved", 1, vmstat("pgmigrate_success") > before + 100);
}

static void split_and_collapse(void)
{
	int i;

	do_collapse();
	wait_rounds(2);
	for (i = 0; i < 4; i++)
		do_split();
}

void test_fire_huge(void)
{
	uint64_t split = vmstat("thp_split_pmd"), made = vmstat("thp_collapse_alloc");

	run_deed(split_and_collapse, 30, MADV_HUGEPAGE);
	EXPECT("pages of 2 MiB were split", 1, vmstat("thp_split_pmd") > split + 10);
	/* A new one in place of each: MADV_COLLAPSE takes no old one. */
	EXPECT("pages of 2 MiB were made", 1, vmstat("thp_collapse_alloc") > made + 3);
}

void test_fire_swap(void)
{
	uint64_t out = vmstat("pswpout"), in = vmstat("pswpin");

	run_deed(do_pageout, 40, MADV_HUGEPAGE);
	EXPECT("pages went to the disk", 1, vmstat("pswpout") > out + 200);
	EXPECT("pages came back", 1, vmstat("pswpin") > in + 200);
}

static uint64_t merged(void)
{
	unsigned long long n = 0;
	FILE *f = fopen("/sys/kernel/mm/ksm/pages_sharing", "r");

	if (!f || fscanf(f, "%llu", &n) != 1)
		die("pages_sharing");
	fclose(f);
	return n;
}

static void ksm_on(void)
{
	write_kernel("/sys/kernel/mm/ksm/sleep_millisecs", "5");
	write_kernel("/sys/kernel/mm/ksm/pages_to_scan", "2000");
	write_kernel("/sys/kernel/mm/ksm/run", "1");
}

void test_fire_ksm(void)
{
	uint64_t most = 0;
	int i;

	ksm_on();
	begin_fire(ANONYMOUS, -1);
	for (i = 0; i < 8 && !arena.stop; i++) {
		do_ksm();
		most = merged() > most ? merged() : most;
	}
	end_fire();
	write_kernel("/sys/kernel/mm/ksm/run", "2");
	EXPECT("pages were merged", 1, most > 10);
}

struct attack {
	void (*deed)(void);
	int times;
	pthread_t thread;
};

static void *run_attack(void *arg)
{
	const struct attack *a = arg;

	repeat(a->deed, a->times);
	return NULL;
}

/* All at once. fork() has the other threads wait for mmap_lock, so that it comes less often. */
void test_fire_all(void)
{
	static struct attack attacks[] = {
		{ .deed = do_balloon, .times = 12 }, { .deed = do_move, .times = 5 },
		{ .deed = do_protect, .times = 60 }, { .deed = split_and_collapse, .times = 12 },
		{ .deed = do_pageout, .times = 15 }, { .deed = do_migrate, .times = 20 },
		{ .deed = do_ksm, .times = 4 }, { .deed = do_fork, .times = 3 },
	};
	uint32_t i;

	ksm_on();
	begin_fire(ANONYMOUS, -1);
	for (i = 0; i < ITEMS(attacks); i++)
		pthread_create(&attacks[i].thread, NULL, run_attack, &attacks[i]);
	for (i = 0; i < ITEMS(attacks); i++)
		pthread_join(attacks[i].thread, NULL);
	end_fire();
	write_kernel("/sys/kernel/mm/ksm/run", "2");
	for (i = 1; i < DEEDS; i++)
		printf("%u times %s\n", done[i], deeds[i]);
}
