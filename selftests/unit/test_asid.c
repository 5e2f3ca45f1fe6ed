// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address space identifiers, against CPUs that remember every translation until
 * they are told to flush: no world ever meets one of another world, or one of its
 * own from before it was on another CPU.
 */
#include <regent/asid.h>
#include "unit.h"

#define CPUS	3
#define WORLDS	9
#define FIRST	2
#define END	6

static struct asid_pool pools[CPUS];
static struct asid asids[WORLDS];

/* The world and the stay (between two moves) that an identifier's entries are of. */
static struct { u32 world, stay; } tlb[CPUS][END];
static u32 stays[WORLDS], on[WORLDS];
static u64 flushes;

static void enter(u32 cpu, u32 world)
{
	struct asid *a = &asids[world];
	u32 i;

	if (on[world] != cpu) {
		on[world] = cpu;
		stays[world]++;
	}
	if (!asid_valid(&pools[cpu], a) && asid_take(&pools[cpu], a)) {
		flushes++;
		for (i = 0; i < END; i++)
			tlb[cpu][i].stay = 0;
	}
	assert_true(asid_valid(&pools[cpu], a));
	assert_in_range(a->number, FIRST, END - 1);
	if (tlb[cpu][a->number].stay) {
		assert_int_equal(tlb[cpu][a->number].world, world);
		assert_int_equal(tlb[cpu][a->number].stay, stays[world]);
	}
	tlb[cpu][a->number].world = world;
	tlb[cpu][a->number].stay = stays[world];
}

static void restart(u32 cpu)
{
	u32 i;

	asid_init(&pools[cpu], FIRST, END);
	for (i = 0; i < END; i++)
		tlb[cpu][i].stay = 0;
}

static void never_stale(void **state)
{
	u64 seed = 3;
	u32 i;

	(void)state;
	for (i = 0; i < CPUS; i++)
		restart(i);
	for (i = 0; i < 300000; i++) {
		if (unit_below(&seed, 5000) == 0)
			restart(unit_below(&seed, CPUS));
		enter(unit_below(&seed, CPUS), unit_below(&seed, WORLDS));
	}
	assert_true(flushes > 1000);
}

/* As many as there are identifiers: nobody flushes, nobody gets a new one. */
static void no_needless_flush(void **state)
{
	u64 before = flushes;
	struct asid was;
	u32 i;

	(void)state;
	restart(0);
	for (i = 0; i < END - FIRST; i++)
		enter(0, i);
	was = asids[0];
	for (i = 0; i < 100; i++)
		enter(0, i % (END - FIRST));
	assert_int_equal(flushes, before);
	assert_int_equal(was.number, asids[0].number);
	assert_int_equal(was.generation, asids[0].generation);
}

/* With a single one, each switch flushes. */
static void only_one(void **state)
{
	struct asid_pool pool = { 0 };
	struct asid a = { 0 }, b = { 0 };

	(void)state;
	asid_init(&pool, 2, 3);
	assert_false(asid_valid(&pool, &a));
	assert_false(asid_take(&pool, &a));
	assert_true(asid_valid(&pool, &a));
	assert_true(asid_take(&pool, &b));
	assert_false(asid_valid(&pool, &a));
	assert_true(asid_take(&pool, &a));
	assert_int_equal(a.number, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_stale),
		cmocka_unit_test(no_needless_flush),
		cmocka_unit_test(only_one),
	};

	return cmocka_run_group_tests_name("asid", tests, NULL, NULL);
}
