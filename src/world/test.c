// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test worlds: small guests of K's own in memory of their own, which look
 * after their registers (testguest.S). They find what a switch forgets.
 *
 * One that is not scheduled runs while Linux waits in a hypercall, until it yields
 * or anything arrives for Linux.
 */
#include <hw/cr.h>
#include <hw/pte.h>
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/lock.h>
#include <regent/mtype.h>
#include <regent/pages.h>
#include <regent/ptab.h>
#include <regent/sched.h>
#include <regent/world.h>

#include "test.h"

#define MEMORY_PAGES	8
#define CODE		0x1000
#define DATA		0x2000
#define FLAGS		0x2080
#define XMM		0x2100
#define DRS		0x2200
#define CR2V		0x2220
#define MSRS		0x2228
#define XCR0V		0x2280
#define DR6V		0x2288
#define DR7V		0x2290
#define TSC_AUXV	0x2298
#define RDTSCP		0x22a0
#define NO_DEBUG	0x22a8
#define WRONG		0x2f08
#define STACK		0x3f00
#define PML4		0x4000
#define PDPT		0x5000
#define PD		0x6000

#define DR6_PATTERN	0x0000400full	/* B0-B3, BS */
#define DR7_PATTERN	0xffff0000ull	/* lengths and kinds, nothing enabled */

#define MAX_WORLDS	64
#define FLAGS_PATTERN	0x200ed7	/* CF PF AF ZF SF IF DF OF ID */
#define FLAGS_VARY	0x0008c5

extern const u8 k_test64[], k_test64_end[], k_test32[], k_test32_end[];
extern const u8 k_test16[], k_test16_end[];
extern const u8 k_bench[], k_bench_end[], k_spin[], k_spin_end[];
extern const u8 k_nap[], k_nap_end[];

static struct lock table_lock;
/*
 * Index is id - 1. Whose a world is, changes under table_lock when it was nobody's,
 * else by the CPU whose it is, or to which it is moving.
 */
static struct world *table[MAX_WORLDS];
static u32 owner[MAX_WORLDS];	/* a CPU's number + 1, or WORLD_* */

/**
 * struct test - a test world, one page
 * @world: first
 * @allowed: CPUs that it may run on
 * @naps: it waits by HLT; else that is its end
 * @wakes: id of a world that it wakes before it waits, 0 for none
 * @nap_ns: for how long it waits; 0 for until somebody wakes it
 */
struct test {
	struct world world;
	u64 allowed[REGENT_MAX_CPUS / 64];
	bool naps;
	u16 wakes;
	u64 nap_ns;
};

_Static_assert(sizeof(struct test) <= REGENT_PAGE_SIZE, "what is allocated");

static struct test *test_of(struct world *w)
{
	return (struct test *)w;
}

static bool is_allowed(struct world *w, u32 cpu)
{
	return test_of(w)->allowed[cpu / 64] >> cpu % 64 & 1;
}

/**
 * test_lock_break() - give the lock up for a CPU that faulted with it
 * @cpu: this CPU
 *
 * What the others do with the table after that is to leave.
 */
void test_lock_break(const struct cpu *cpu)
{
	lock_break(&table_lock, cpu);
}

static void put(struct world *w, u32 at, u64 value)
{
	*(u64 *)(w->memory + at) = value;
}

static u64 get(const struct world *w, u32 at)
{
	return *(const u64 *)(w->memory + at);
}

/* Different in every word and every world. */
static u64 pattern(const struct world *w, u32 at)
{
	u64 v = (w->id + 1) * 0x9e3779b97f4a7c15ull + at * 0xd1b54a32d192ed03ull;

	return v ^ v >> 29;
}

/* What the CPU is in, for the modes that only differ in what they do. */
static u64 cpu_mode(u64 mode)
{
	if (mode == REGENT_TEST_PLAIN)
		return REGENT_TEST_64;
	return mode <= REGENT_TEST_64 ? mode : REGENT_TEST_REAL;
}

static void fill_data(struct world *w, u64 mode)
{
	u32 at;

	for (at = DATA; at < FLAGS; at += 8)
		put(w, at, pattern(w, at));
	put(w, DATA + 8 * 7, STACK - 16 * (w->id & 7));
	put(w, FLAGS, w->id & 1 ? FLAGS_PATTERN : FLAGS_PATTERN ^ FLAGS_VARY);
	for (at = XMM; at < DRS; at += 8)
		put(w, at, pattern(w, at));
	/* Addresses must be canonical. */
	for (at = DRS; at < MSRS + 6 * 8; at += 8)
		put(w, at, pattern(w, at) & 0x00007ffffffff000ull);
	/* SFMASK and SYSENTER's registers are narrower, the selector most of all. */
	for (; at < MSRS + 10 * 8; at += 8)
		put(w, at, (u32)pattern(w, at));
	put(w, MSRS + 7 * 8, (u16)pattern(w, at));
	put(w, DR6V, HW_DR6_RESET | (pattern(w, DR6V) & DR6_PATTERN));
	put(w, DR7V, HW_DR7_RESET | (pattern(w, DR7V) & DR7_PATTERN));
	put(w, NO_DEBUG, mode == REGENT_TEST_PLAIN);
	if (cpu_mode(mode) == REGENT_TEST_64) {
		put(w, PML4, PDPT | HW_PTE_P | HW_PTE_W);
		put(w, PDPT, PD | HW_PTE_P | HW_PTE_W);
		put(w, PD, HW_PTE_P | HW_PTE_W | 0x80);
	}
}

/* What only K can fill, and a world of the 64-bit kind can read. */
static void fill_area(struct world *w)
{
	u32 i;

	if (w->id & 1)
		w->area.xcr0 = k_params.xcr0_all;
	put(w, XCR0V, w->area.xcr0);
	for (i = 0; i < k_params.nr_world_msrs; i++) {
		if (k_params.world_msr[i] != MSR_REG_TSC_AUX)
			continue;
		w->area.msr[i] = (u32)pattern(w, TSC_AUXV);
		put(w, TSC_AUXV, w->area.msr[i]);
		put(w, RDTSCP, 1);
	}
}

static void copy_code(struct world *w, const u8 *from, const u8 *end)
{
	u8 *to = w->memory + CODE;

	while (from < end)
		*to++ = *from++;
}

static int map_memory(struct world *w)
{
	struct ptab pt = {
		.fmt = backend_nested()->fmt, .levels = k_params.levels, .max_leaf = 1,
		.page = pages_table, .alloc = pages_table_alloc,
	};

	w->memory = pages_alloc(MEMORY_PAGES);
	w->nested_root = pages_table_alloc(NULL);
	pt.root = w->nested_root;
	if (!w->memory || !w->nested_root)
		return -REGENT_HC_ENOSPC;
	w->pages = MEMORY_PAGES;
	return ptab_map(&pt, 0, pages_pa(w->memory), MEMORY_PAGES * REGENT_PAGE_SIZE,
			nested_leaf(backend_nested(), MTYPE_WB)) ? -REGENT_HC_ENOSPC : 0;
}

/* The tables of a region this small are a single page on each level. */
static void free_tables(struct world *w)
{
	u64 table = w->nested_root;
	int level;

	for (level = k_params.levels; table && level >= 1; level--) {
		u64 *page = pages_table(NULL, table);
		u64 next = level > 1 ? page[0] & HW_PTE_ADDR : 0;

		pages_free(page, 1);
		table = next;
	}
}

static void free_world(struct world *w)
{
	backend_world_destroy(w);
	world_area_free(w);
	free_tables(w);
	pages_free(w->memory, MEMORY_PAGES);
	pages_free(w, 1);
}

static const struct {
	const u8 *start, *end;
} code[REGENT_TEST_MODES] = {
	[REGENT_TEST_REAL] = { k_test16, k_test16_end },
	[REGENT_TEST_32] = { k_test32, k_test32_end },
	[REGENT_TEST_64] = { k_test64, k_test64_end },
	[REGENT_TEST_BENCH] = { k_bench, k_bench_end },
	[REGENT_TEST_SPIN] = { k_spin, k_spin_end },
	[REGENT_TEST_NAP] = { k_nap, k_nap_end },
	[REGENT_TEST_PLAIN] = { k_test64, k_test64_end },
};

/* Linux needs a state area, too, as soon as it is not alone. */
static int allow(struct cpu *cpu, struct world *w)
{
	int err = cpu->system.area.xsave ? 0 : world_area_init(&cpu->system);

	if (!err)
		test_of(w)->allowed[cpu->id / 64] |= 1ull << cpu->id % 64;
	return err;
}

static int build(struct cpu *cpu, struct world *w, u64 mode)
{
	int err = map_memory(w);

	if (!err)
		err = world_area_init(w);
	if (!err)
		err = allow(cpu, w);
	if (!err)
		err = backend_world_create(cpu, w, cpu_mode(mode));
	if (err)
		return err;
	fill_data(w, mode);
	fill_area(w);
	copy_code(w, code[mode].start, code[mode].end);
	w->sched.affinity = test_of(w)->allowed;
	w->sched.affinity_cpus = k_params.nr_cpus;
	test_of(w)->naps = mode == REGENT_TEST_NAP;
	w->kind = WORLD_TEST;
	w->state = WORLD_RUNNABLE;
	return 0;
}

static int reserve_id(struct cpu *cpu, struct world *w)
{
	u32 i;

	w->cpu = cpu->id;
	w->state = WORLD_DEAD;	/* not to be run before it is built */
	letter_retire(&w->letter);	/* nor written to: it may go again */
	lock_take(&table_lock);
	for (i = 0; i < MAX_WORLDS && table[i]; i++)
		;
	if (i < MAX_WORLDS) {
		w->id = i + 1;
		table[i] = w;
		owner[i] = cpu->id + 1;
	}
	lock_drop(&table_lock);
	return i < MAX_WORLDS ? 0 : -REGENT_HC_ENFILE;
}

static void release_id(struct world *w)
{
	lock_take(&table_lock);
	table[w->id - 1] = NULL;
	owner[w->id - 1] = 0;
	lock_drop(&table_lock);
}

/**
 * test_world_hold() - a world of any CPU, that does not go until it is let go
 * @id: any number
 *
 * Return: the world, NULL if there is none, or it is still being built. In either
 * case test_world_let_go() comes next, soon.
 */
const struct world *test_world_hold(u64 id)
{
	const struct world *w = NULL;

	lock_take(&table_lock);
	if (id - 1 < MAX_WORLDS)
		w = table[id - 1];
	return w && w->memory ? w : NULL;
}

/**
 * test_world_let_go() - undo test_world_hold()
 */
void test_world_let_go(void)
{
	lock_drop(&table_lock);
}

/**
 * world_give() - say whose a world is from now on
 * @world: a test world, this CPU's or coming here, with all its state in memory
 *	unless it stays here
 * @to: a CPU's number + 1, or WORLD_*
 */
void world_give(const struct world *world, u32 to)
{
	this_cpu()->lent = NULL;
	__atomic_store_n(&owner[world->id - 1], to, __ATOMIC_RELEASE);
}

/**
 * world_is_mine() - is a world this CPU's, to do with it what it likes?
 * @cpu: this CPU
 * @world: a test world that does not go meanwhile
 */
bool world_is_mine(const struct cpu *cpu, const struct world *world)
{
	return __atomic_load_n(&owner[world->id - 1], __ATOMIC_ACQUIRE) == cpu->id + 1;
}

/**
 * test_world_find() - the world of an id
 * @cpu: this CPU
 * @id: any number
 *
 * Return: the world, NULL if there is none or it is not this CPU's. What is this
 * CPU's stays until this CPU destroys it or gives it away.
 */
struct world *test_world_find(const struct cpu *cpu, u64 id)
{
	/* Another CPU never writes this one's number there: no lock. */
	if (unlikely(id - 1 >= MAX_WORLDS ||
		     __atomic_load_n(&owner[id - 1], __ATOMIC_ACQUIRE) != cpu->id + 1))
		return NULL;
	return table[id - 1];
}

static struct world *__attribute__((noinline)) claim_slow(struct cpu *cpu, u64 id)
{
	struct world *w = NULL;

	lock_take(&table_lock);
	if (id - 1 < MAX_WORLDS && owner[id - 1] == WORLD_NOBODYS)
		w = table[id - 1];
	if (w) {
		__atomic_store_n(&w->cpu, cpu->id, __ATOMIC_RELEASE);
		world_give(w, cpu->id + 1);
	}
	lock_drop(&table_lock);
	return w;
}

/**
 * test_world_claim() - the world of an id, which is this CPU's now
 * @cpu: this CPU
 * @id: any number
 *
 * Return: the world, NULL if there is none or it is another CPU's.
 */
struct world *test_world_claim(struct cpu *cpu, u64 id)
{
	struct world *w = test_world_find(cpu, id);

	/* Whoever asks may be about to change what a loan depends on. */
	cpu->lent = NULL;
	return likely(w) ? w : claim_slow(cpu, id);
}

/**
 * test_world_borrow() - a world that is to run inside a hypercall of Linux
 * @cpu: this CPU
 * @id: any number
 *
 * Return: the world, which is this CPU's then; NULL if it cannot run here and now.
 */
struct world *test_world_borrow(struct cpu *cpu, u64 id)
{
	struct world *w = test_world_claim(cpu, id);

	if (likely(w && w->state == WORLD_RUNNABLE && !w->sched.rq &&
		   is_allowed(w, cpu->id))) {
		cpu->lent = w;
		cpu->lent_id = id;
		return w;
	}
	if (w && !w->sched.rq)
		world_give(w, WORLD_NOBODYS);
	return NULL;
}

/**
 * test_world_create() - see REGENT_HC_TEST_CREATE
 * @cpu: this CPU
 * @mode: enum regent_test_mode
 */
s64 test_world_create(struct cpu *cpu, u64 mode)
{
	struct world *w;
	int err;

	if (mode >= REGENT_TEST_MODES)
		return -REGENT_HC_EINVAL;
	w = pages_alloc(1);
	if (!w)
		return -REGENT_HC_ENOSPC;
	err = reserve_id(cpu, w);
	if (!err) {
		err = build(cpu, w, mode);
		if (err)
			release_id(w);
	}
	if (err) {
		free_world(w);
		return err;
	}
	err = w->id;
	letter_begin(&w->letter);
	world_give(w, WORLD_NOBODYS);
	return err;
}

/* It is another CPU's: is there such a world at all, and what is it to do? */
static s64 ask(struct cpu *cpu, u64 id, u32 what)
{
	s64 err = -REGENT_HC_EINVAL;

	lock_take(&table_lock);
	if (id - 1 < MAX_WORLDS && table[id - 1]) {
		err = -REGENT_HC_EBUSY;
		if (owner[id - 1] != WORLD_NOBODYS)
			sched_ask(cpu, table[id - 1], what);
	}
	lock_drop(&table_lock);
	return err;
}

/**
 * test_world_destroy() - see REGENT_HC_TEST_DESTROY
 * @cpu: this CPU
 * @id: its id
 */
s64 test_world_destroy(struct cpu *cpu, u64 id)
{
	struct world *w = test_world_claim(cpu, id);

	if (!w)
		return ask(cpu, id, WORLD_ASK_STOP);
	if (w == cpu->current)
		return -REGENT_HC_EINVAL;
	sched_remove(cpu, w);
	/* A letter may still be on its way to where it was. */
	if (!letter_retire(&w->letter)) {
		world_give(w, WORLD_NOBODYS);
		return -REGENT_HC_EBUSY;
	}
	release_id(w);
	free_world(w);
	return 0;
}

/**
 * test_world_start() - see REGENT_HC_WORLD_START
 * @cpu: this CPU
 * @id: the world
 * @weights: shares, min and max
 */
s64 test_world_start(struct cpu *cpu, u64 id, u64 weights)
{
	struct world *w;
	s64 err;

	if (!cpu->forwarded)
		return -REGENT_HC_EINVAL;
	w = test_world_claim(cpu, id);
	if (!w)
		return ask(cpu, id, 0);
	if (w->sched.rq)
		return -REGENT_HC_EBUSY;
	/* It was asked to stop more often than it could. */
	__atomic_fetch_and(&w->asks, ~WORLD_ASK_STOP, __ATOMIC_SEQ_CST);
	err = -REGENT_HC_EINVAL;
	if (w->state == WORLD_RUNNABLE && is_allowed(w, cpu->id))
		err = sched_add(cpu, w, weights);
	if (err)
		world_give(w, WORLD_NOBODYS);
	return err;
}

/**
 * test_world_stop() - see REGENT_HC_WORLD_STOP
 * @cpu: this CPU
 * @id: the world
 */
s64 test_world_stop(struct cpu *cpu, u64 id)
{
	struct world *w = test_world_claim(cpu, id);

	if (!w)
		return ask(cpu, id, WORLD_ASK_STOP);
	sched_remove(cpu, w);
	world_give(w, WORLD_NOBODYS);
	return 0;
}

/**
 * test_world_allow() - see REGENT_HC_WORLD_ALLOW
 * @cpu: this CPU
 * @id: the world, which is not scheduled
 * @on: it may run here; else it may not
 */
s64 test_world_allow(struct cpu *cpu, u64 id, bool on)
{
	struct world *w = test_world_claim(cpu, id);
	s64 err = 0;

	if (!w)
		return ask(cpu, id, 0);
	if (w->sched.rq)
		return -REGENT_HC_EBUSY;
	if (on)
		err = allow(cpu, w);
	else
		test_of(w)->allowed[cpu->id / 64] &= ~(1ull << cpu->id % 64);
	world_give(w, WORLD_NOBODYS);
	return err;
}

/**
 * test_world_nap() - see REGENT_HC_TEST_NAP
 * @cpu: this CPU
 * @id: the world, which is not scheduled
 * @how: for how long, and whom it wakes
 */
s64 test_world_nap(struct cpu *cpu, u64 id, u64 how)
{
	struct world *w;

	if (how >> REGENT_NAP_WAKES_SHIFT > MAX_WORLDS)
		return -REGENT_HC_EINVAL;
	w = test_world_claim(cpu, id);
	if (!w)
		return ask(cpu, id, 0);
	if (w->sched.rq)
		return -REGENT_HC_EBUSY;
	test_of(w)->nap_ns = how & REGENT_NAP_NS_MASK;
	test_of(w)->wakes = how >> REGENT_NAP_WAKES_SHIFT;
	world_give(w, WORLD_NOBODYS);
	return 0;
}

/**
 * test_world_wake() - see REGENT_HC_WORLD_WAKE
 * @cpu: this CPU
 * @id: the world, of any CPU or nobody's, which finds it when it waits next
 */
s64 test_world_wake(struct cpu *cpu, u64 id)
{
	s64 err = -REGENT_HC_EINVAL;

	lock_take(&table_lock);
	if (id - 1 < MAX_WORLDS && table[id - 1]) {
		sched_ask(cpu, table[id - 1], WORLD_ASK_WAKE);
		err = 0;
	}
	lock_drop(&table_lock);
	return err;
}

/**
 * test_world_stop_all() - none of this CPU is scheduled any more
 * @cpu: this CPU, Linux running
 */
void test_world_stop_all(struct cpu *cpu)
{
	u32 id;

	for (id = 1; id <= MAX_WORLDS; id++) {
		struct world *w = test_world_find(cpu, id);

		if (!w)
			continue;
		sched_remove(cpu, w);
		world_give(w, WORLD_NOBODYS);
	}
}

/**
 * test_world_forget_all() - the run queue of a CPU is lost
 * @cpu: this CPU
 */
void test_world_forget_all(struct cpu *cpu)
{
	u32 id;

	for (id = 1; id <= MAX_WORLDS; id++) {
		struct world *w = test_world_find(cpu, id);

		if (w)
			sched_forget(w);
	}
}

static s64 info(const struct world *w, u64 what)
{
	if (!w)
		return -REGENT_HC_EINVAL;
	switch (what) {
	case REGENT_TEST_ROUNDS:
		return get(w, TEST_WORLD_ROUNDS);
	case REGENT_TEST_WRONG:
		/* While it goes on, that is only the one it is looking at. */
		return w->state == WORLD_DEAD ? (u8)get(w, WRONG) : 0;
	case REGENT_TEST_SWITCHES:
		return w->switches;
	}
	return -REGENT_HC_EINVAL;
}

/**
 * test_world_info() - see REGENT_HC_TEST_INFO
 * @id: the world, of any CPU
 * @what: enum regent_test_info
 */
s64 test_world_info(u64 id, u64 what)
{
	s64 answer = info(test_world_hold(id), what);

	test_world_let_go();
	return answer;
}

static void died(struct cpu *cpu, struct world *world, bool describe)
{
	if (describe)
		backend_exit_describe(world);
	world->state = WORLD_DEAD;
	cpu->lent = NULL;
	world_switch(cpu, &cpu->system);
}

/**
 * test_world_exit() - a test world exited that runs inside a hypercall of Linux
 * @cpu: this CPU
 * @world: the test world
 *
 * Return: the world to enter: Linux, whose hypercall is done, or @world.
 */
struct world *test_world_exit(struct cpu *cpu, struct world *world)
{
	enum backend_world_exit why = backend_world_exit(world);

	world->yielded = why == BACKEND_WORLD_YIELD;
	test_world_result(cpu, world);
	switch (why) {
	case BACKEND_WORLD_DEBUG:
		world_debugs(cpu, world);
		return world;
	case BACKEND_WORLD_FAILED:
	case BACKEND_WORLD_HALT:
		died(cpu, world, why == BACKEND_WORLD_FAILED);
		break;
	default:
		if (why == BACKEND_WORLD_MC)
			machine_check(cpu);
		world_switch(cpu, &cpu->system);
	}
	test_world_answered(cpu);
	return &cpu->system;
}

/* It waits, unless it does so because it has found something wrong. */
static bool nap(struct cpu *cpu, struct test *t)
{
	if (!t->naps || (u8)get(&t->world, WRONG))
		return false;
	if (t->wakes)
		test_world_wake(cpu, t->wakes);
	sched_wait(cpu, &t->world, t->nap_ns);
	return true;
}

/**
 * test_world_scheduled_exit() - a test world exited in its own time
 * @cpu: this CPU, forwarded
 * @world: the test world
 *
 * Return: true when something has arrived for Linux.
 */
bool test_world_scheduled_exit(struct cpu *cpu, struct world *world)
{
	enum backend_world_exit why = backend_world_exit(world);

	world->yielded = why == BACKEND_WORLD_YIELD;
	switch (why) {
	case BACKEND_WORLD_YIELD:
		return false;
	case BACKEND_WORLD_SLICE:
		sched_slice(cpu, world);
		return false;
	case BACKEND_WORLD_DEBUG:
		world_debugs(cpu, world);
		return false;
	case BACKEND_WORLD_MC:
		machine_check(cpu);
		return true;
	case BACKEND_WORLD_INTERRUPT:
		return true;
	case BACKEND_WORLD_FAILED:
		backend_exit_describe(world);
		break;
	case BACKEND_WORLD_HALT:
		if (nap(cpu, test_of(world)))
			return false;
		break;
	}
	world->state = WORLD_DEAD;
	sched_remove(cpu, world);
	return false;
}
