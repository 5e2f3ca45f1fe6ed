// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test worlds: small guests of K's own, each with its own memory, which check their registers
 * (guest.S). They find registers that a switch forgets.
 *
 * A test world that is not scheduled runs while Linux waits in a hypercall, until the world yields
 * or anything arrives for Linux.
 */
#include <hw/cr.h>
#include <hw/pte.h>
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/mtype.h>
#include <regent/pages.h>
#include <regent/ptab.h>
#include <regent/sched.h>
#include <regent/test.h>
#include <regent/world.h>

#include "start.h"

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
#define PML4		TEST_START_CR3
#define PDPT		0x5000
#define PD		0x6000

#define DR6_PATTERN	0x0000400full	/* B0-B3, BS */
#define DR7_PATTERN	0xffff0000ull	/* lengths and kinds, nothing enabled */

#define FLAGS_PATTERN	0x200ed7	/* CF PF AF ZF SF IF DF OF ID */
#define FLAGS_VARY	0x0008c5
#define HLT_LENGTH	1

extern const u8 k_test64[], k_test64_end[], k_test32[], k_test32_end[];
extern const u8 k_test16[], k_test16_end[];
extern const u8 k_bench[], k_bench_end[], k_spin[], k_spin_end[];
extern const u8 k_nap[], k_nap_end[];

/**
 * struct test - a test world, allocated as one page
 * @world: the world
 * @allowed: a bit for each CPU on which the world may run
 * @naps: HLT makes the world sleep; otherwise HLT ends it
 * @wakes: id of a world that this one wakes before it sleeps, 0 for none
 * @nap_ns: how long the world sleeps, in ns; 0: until another world or a hypercall wakes it
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
	return container_of(w, struct test, world);
}

/* A test world of this CPU's, or nobody's; a world of another kind is given back. */
static struct world *claim_test(struct cpu *cpu, u64 id, u32 ask, s64 *err)
{
	struct world *w = table_claim(cpu, id);

	if (!w) {
		*err = table_ask(cpu, id, ask);
		return NULL;
	}
	if (likely(w->kind == WORLD_TEST))
		return w;
	table_give(w, WORLD_NOBODYS);
	*err = -REGENT_HC_EINVAL;
	return NULL;
}

/* @at: address in the world's memory */
static void write_word(struct world *w, u32 at, u64 value)
{
	*(u64 *)(w->memory + at) = value;
}

static u64 read_word(const struct world *w, u32 at)
{
	return *(const u64 *)(w->memory + at);
}

/* A value that differs for every word and every world. */
static u64 pattern(const struct world *w, u32 at)
{
	u64 v = (w->id + 1) * 0x9e3779b97f4a7c15ull + at * 0xd1b54a32d192ed03ull;

	return v ^ v >> 29;
}

/* The CPU's mode in a test mode; some test modes differ only in what their code does. */
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
		write_word(w, at, pattern(w, at));
	write_word(w, DATA + 8 * 7, STACK - 16 * (w->id & 7));
	write_word(w, FLAGS, w->id & 1 ? FLAGS_PATTERN : FLAGS_PATTERN ^ FLAGS_VARY);
	for (at = XMM; at < DRS; at += 8)
		write_word(w, at, pattern(w, at));
	/* DR0 to DR3, CR2 and the first six MSRs: addresses among them must be canonical. */
	for (at = DRS; at < MSRS + 6 * 8; at += 8)
		write_word(w, at, pattern(w, at) & 0x00007ffffffff000ull);
	/* SFMASK and SYSENTER's MSRs have 32 bits here, and SYSENTER_CS 16. */
	for (; at < MSRS + 10 * 8; at += 8)
		write_word(w, at, (u32)pattern(w, at));
	write_word(w, MSRS + 7 * 8, (u16)pattern(w, at));
	write_word(w, DR6V, HW_DR6_RESET | (pattern(w, DR6V) & DR6_PATTERN));
	write_word(w, DR7V, HW_DR7_RESET | (pattern(w, DR7V) & DR7_PATTERN));
	write_word(w, NO_DEBUG, mode == REGENT_TEST_PLAIN);
	if (cpu_mode(mode) == REGENT_TEST_64) {
		write_word(w, PML4, PDPT | HW_PTE_P | HW_PTE_W);
		write_word(w, PDPT, PD | HW_PTE_P | HW_PTE_W);
		write_word(w, PD, HW_PTE_P | HW_PTE_W | 0x80);
	}
}

/* XCR0 and TSC_AUX, which only K can set, and which a 64-bit world can read. */
static void fill_area(struct world *w)
{
	u32 i;

	if (w->id & 1)
		w->area.xcr0 = k_params.xcr0_all;
	write_word(w, XCR0V, w->area.xcr0);
	for (i = 0; i < k_params.nr_world_msrs; i++) {
		if (k_params.world_msr[i] != MSR_REG_TSC_AUX)
			continue;
		w->area.msr[i] = (u32)pattern(w, TSC_AUXV);
		write_word(w, TSC_AUXV, w->area.msr[i]);
		write_word(w, RDTSCP, 1);
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
		.fmt = backend_npt->fmt, .levels = k_params.levels, .max_leaf = 1,
		.page = pages_table, .alloc = pages_table_alloc,
	};

	w->memory = pages_alloc(MEMORY_PAGES);
	w->npt_root = pages_table_alloc(NULL);
	pt.root = w->npt_root;
	if (!w->memory || !w->npt_root)
		return -REGENT_HC_ENOSPC;
	return ptab_map(&pt, 0, pages_pa(w->memory), MEMORY_PAGES * REGENT_PAGE_SIZE,
			npt_leaf(backend_npt, MTYPE_WB)) ? -REGENT_HC_ENOSPC : 0;
}

/* The world's memory is so small that its nested tables have one page on each level. */
static void free_tables(struct world *w)
{
	u64 table = w->npt_root;
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
	pages_free(w->backend, BACKEND_WORLD_PAGES);
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

static int build_backend(struct cpu *cpu, struct world *w, u64 mode)
{
	struct regent_state state;
	void *pages = pages_alloc(BACKEND_WORLD_PAGES);

	if (!pages)
		return -REGENT_HC_ENOSPC;
	test_start_state(&state, mode);
	w->backend = pages;
	return backend_world_create(cpu, w, pages, pages_pa(pages), &state, CODE);
}

static int build_world(struct cpu *cpu, struct world *w, u64 mode)
{
	int err = map_memory(w);

	w->allowed = test_of(w)->allowed;
	if (!err)
		err = world_area_init(w);
	if (!err)
		err = world_allow(cpu, w);
	if (!err)
		err = build_backend(cpu, w, cpu_mode(mode));
	if (err)
		return err;
	fill_data(w, mode);
	fill_area(w);
	copy_code(w, code[mode].start, code[mode].end);
	test_of(w)->naps = mode == REGENT_TEST_NAP;
	return 0;
}

/**
 * test_world_create() - create a test world, see REGENT_HC_TEST_CREATE
 * @cpu: this CPU, with Linux as its current world
 * @mode: what the world does: enum regent_test_mode
 *
 * Return: the world's id, or a negative REGENT_HC_E*: EINVAL for a bad mode, ENOSPC without
 * memory, or another of table_add(), world_allow() and backend_world_create().
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
	w->kind = WORLD_TEST;
	err = table_add(cpu, w);
	if (!err) {
		err = build_world(cpu, w, mode);
		if (err)
			table_remove(w);
	}
	if (err) {
		free_world(w);
		return err;
	}
	return table_publish(w);
}

/**
 * test_world_destroy() - destroy a test world, see REGENT_HC_TEST_DESTROY
 * @cpu: this CPU
 * @id: the world's id
 *
 * Return: 0, or the negative REGENT_HC_E* of table_retire(); the world then stays.
 */
s64 test_world_destroy(struct cpu *cpu, u64 id)
{
	struct world *w = NULL;
	s64 err = 0;

	if (!claim_test(cpu, id, WORLD_ASK_STOP, &err))
		return err;
	err = table_retire(cpu, id, &w);
	if (!err)
		free_world(w);
	return err;
}

/**
 * test_world_borrow() - claim a world that is to run inside a hypercall of Linux
 * @cpu: this CPU
 * @id: the world's id, not checked yet
 *
 * Return: the world, which this CPU owns then; NULL if the world cannot run on this CPU now.
 */
struct world *test_world_borrow(struct cpu *cpu, u64 id)
{
	struct world *w = table_claim(cpu, id);

	if (likely(w && w->kind == WORLD_TEST && w->state == WORLD_RUNNABLE && !w->sched.rq &&
		   world_is_allowed(w, cpu->id))) {
		cpu->lent = w;
		cpu->lent_id = id;
		return w;
	}
	if (w && !w->sched.rq)
		table_give(w, WORLD_NOBODYS);
	return NULL;
}

/**
 * test_world_nap() - set how a world sleeps, see REGENT_HC_TEST_NAP
 * @cpu: this CPU
 * @id: id of the world, which is not scheduled
 * @how: REGENT_NAP_NS_MASK: ns to sleep; from REGENT_NAP_WAKES_SHIFT on: id of a world to wake
 *
 * Return: 0, or a negative REGENT_HC_E*: EINVAL when there is no world to wake, EBUSY when the
 * world is scheduled, or what table_ask() returns when this CPU cannot claim the world.
 */
s64 test_world_nap(struct cpu *cpu, u64 id, u64 how)
{
	u64 wakes = how >> REGENT_NAP_WAKES_SHIFT;
	struct world *w;
	s64 err = 0;

	if (wakes && !table_has(wakes))
		return -REGENT_HC_EINVAL;
	w = claim_test(cpu, id, 0, &err);
	if (!w)
		return err;
	if (w->sched.rq)
		return -REGENT_HC_EBUSY;
	test_of(w)->nap_ns = how & REGENT_NAP_NS_MASK;
	test_of(w)->wakes = wakes;
	table_give(w, WORLD_NOBODYS);
	return 0;
}

static s64 read_info(const struct world *w, u64 what)
{
	if (!w || w->kind != WORLD_TEST)
		return -REGENT_HC_EINVAL;
	switch (what) {
	case REGENT_TEST_ROUNDS:
		return read_word(w, TEST_WORLD_ROUNDS);
	case REGENT_TEST_WRONG:
		/* While the world runs, this is only the register that it is checking. */
		return w->state == WORLD_DEAD ? (u8)read_word(w, WRONG) : 0;
	case REGENT_TEST_SWITCHES:
		return w->switches;
	}
	return -REGENT_HC_EINVAL;
}

/**
 * test_world_info() - read a figure of a test world, see REGENT_HC_TEST_INFO
 * @id: id of the world, which may be on any CPU
 * @what: the figure, enum regent_test_info
 *
 * Return: the figure, or -REGENT_HC_EINVAL: no such world or figure.
 */
s64 test_world_info(u64 id, u64 what)
{
	s64 answer = read_info(table_hold(id), what);

	table_release();
	return answer;
}

/* End a world: it never runs again, and stays until it is destroyed. */
static void kill_world(struct cpu *cpu, struct world *world)
{
	world->state = WORLD_DEAD;
	cpu->lent = &cpu->host;
	sched_remove(cpu, world);
}

/**
 * test_world_yield() - handle a hypercall of a test world, which is a yield
 * @cpu: this CPU
 * @world: the test world that exited
 */
void test_world_yield(struct cpu *cpu, struct world *world)
{
	(void)cpu;
	backend_advance(world, BACKEND_CALL_LENGTH);
	world->yielded = true;
}

/**
 * test_world_halt() - handle HLT of a test world
 * @cpu: this CPU
 * @world: the test world that exited
 *
 * A scheduled world that naps sleeps. HLT ends all others, and a world that has found a wrong
 * register.
 */
void test_world_halt(struct cpu *cpu, struct world *world)
{
	struct test *t = test_of(world);

	backend_advance(world, HLT_LENGTH);
	if (!world->sched.rq || !t->naps || (u8)read_word(world, WRONG)) {
		kill_world(cpu, world);
		return;
	}
	if (t->wakes)
		table_wake(cpu, t->wakes);
	sched_wait(cpu, world, t->nap_ns);
}

/**
 * test_world_died() - log an exit that a test world must not make, and end the world
 * @cpu: this CPU
 * @world: the test world that exited
 */
void test_world_died(struct cpu *cpu, struct world *world)
{
	backend_exit_describe(world);
	kill_world(cpu, world);
}
