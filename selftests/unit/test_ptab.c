// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page-table code against a reference model: an array with one element
 * for each 4 KiB page of a window of addresses.
 */
#include <stdio.h>
#include <regent/ptab.h>
#include "unit.h"

#define POOL_PAGES	4096
#define POOL_BASE	0x100000000ull	/* where the pool pretends to lie */
#define WINDOW_PAGES	(3u << 18)	/* 3 GiB */
#define NONE		(~0ull)

struct pool {
	u64 (*page)[512];
	u32 used;
	u32 limit;		/* no page after this many */
	u32 fail_at;		/* this allocation fails; 0: none */
	u32 allocations;
};

struct fixture {
	struct pool pool;
	struct ptab pt;
	u64 window;		/* first address of the window */
	u64 *model;		/* address | flags of each page, or NONE */
	u64 seed;
};

static u64 *pool_page(void *ctx, u64 pa)
{
	struct pool *pool = ctx;

	if (pa < POOL_BASE || pa >= POOL_BASE + pool->used * 4096ull)
		return NULL;
	return pool->page[(pa - POOL_BASE) / 4096];
}

static u64 pool_alloc(void *ctx)
{
	struct pool *pool = ctx;

	if (++pool->allocations == pool->fail_at || pool->used >= pool->limit)
		return 0;
	memset(pool->page[pool->used], 0, 4096);
	return POOL_BASE + pool->used++ * 4096ull;
}

static void clear(struct fixture *f)
{
	u32 i;

	f->pool.used = 0;
	f->pool.limit = POOL_PAGES;
	f->pool.fail_at = 0;
	f->pool.allocations = 0;
	f->seed = 0x5eed;
	f->pt.root = pool_alloc(&f->pool);
	for (i = 0; i < WINDOW_PAGES; i++)
		f->model[i] = NONE;
}

static void use(struct fixture *f, const struct ptab_format *fmt, int levels,
		int max_leaf)
{
	f->pt = (struct ptab) {
		.fmt = fmt, .levels = levels, .max_leaf = max_leaf,
		.page = pool_page, .alloc = pool_alloc, .ctx = &f->pool,
	};
	/* Over an entry of the top level, so that several tables take part. */
	f->window = (levels == 5 ? 0x0034005600000000ull : 0x345600000000ull);
	f->window = (f->window & ~((1ull << 39) - 1)) + (1ull << 39) - (2ull << 30);
	clear(f);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->pool.page = calloc(POOL_PAGES, 4096);
	f->model = malloc(WINDOW_PAGES * sizeof(u64));
	use(f, &ptab_x86, 4, 3);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->pool.page);
	free(f->model);
	free(f);
	return 0;
}

/* One page of the tables has to be what the model says. */
static void assert_page(struct fixture *f, u32 page)
{
	u64 va = f->window + page * 4096ull + 0x123;
	struct ptab_leaf leaf;
	int err = ptab_walk(&f->pt, va, &leaf);
	u64 want = f->model[page];

	if (want == NONE) {
		assert_int_equal(err, PTAB_ABSENT);
		return;
	}
	assert_int_equal(err, PTAB_OK);
	assert_int_equal(leaf.pa, (want & f->pt.fmt->addr) | 0x123);
	assert_int_equal(leaf.size, ptab_level_size(leaf.level));
	assert_true(leaf.level <= f->pt.max_leaf);
	assert_int_equal(leaf.entry & ~f->pt.fmt->addr &
			 ~(leaf.level > 1 ? f->pt.fmt->leaf : 0),
			 want & ~f->pt.fmt->addr);
	assert_int_equal(leaf.rights & 7, want & f->pt.fmt->table & 7);
	assert_int_equal(leaf.rights >> 63, want >> 63);
}

static void assert_window(struct fixture *f, u32 samples)
{
	u32 i;

	for (i = 0; i < samples; i++)
		assert_page(f, unit_below(&f->seed, WINDOW_PAGES));
	assert_page(f, 0);
	assert_page(f, WINDOW_PAGES - 1);
}

static void assert_edges(struct fixture *f, u32 first, u32 count)
{
	u32 i;

	for (i = 0; i < 100; i++)
		assert_page(f, first + unit_below(&f->seed, count));
	assert_page(f, first);
	assert_page(f, first + count - 1);
	assert_page(f, first + count / 2);
	if (first)
		assert_page(f, first - 1);
	if (first + count < WINDOW_PAGES)
		assert_page(f, first + count);
}

static void model_set(struct fixture *f, u32 first, u32 count, u64 value)
{
	u32 i;

	for (i = 0; i < count; i++)
		f->model[first + i] = value == NONE ? NONE : value + i * 4096ull;
}

struct op {
	u32 first;
	u32 count;
	u64 value;	/* address | flags, or NONE to unmap */
};

static u64 random_flags(struct fixture *f)
{
	static const u64 any = 1ull << 63 | 1ull << 9 | 1ull << 5 | 2;

	return (unit_random(&f->seed) & any) | 1;
}

static struct op random_op(struct fixture *f)
{
	static const u32 unit[] = { 1, 1, 1, 1, 512, 512, 512, 1 << 18 };
	u32 align = unit[unit_below(&f->seed, ARRAY_SIZE(unit))];
	u32 most = align == 1 ? 1500 : WINDOW_PAGES / align;
	struct op op;

	op.count = align * (1 + unit_below(&f->seed, most < 6 ? most : 6));
	if (align == 1)
		op.count = 1 + unit_below(&f->seed, most);
	op.first = unit_below(&f->seed, (WINDOW_PAGES - op.count) / align + 1) *
		   align;
	if (unit_below(&f->seed, 3) == 0) {
		op.value = NONE;
	} else {
		op.value = unit_below(&f->seed, 1 << 20) * align * 4096ull;
		op.value = (op.value & 0x000fffffff000ull) |
			   random_flags(f);
	}
	return op;
}

static int apply(struct fixture *f, const struct op *op)
{
	u64 va = f->window + op->first * 4096ull;
	u64 size = op->count * 4096ull;

	if (op->value == NONE)
		return ptab_unmap(&f->pt, va, size);
	return ptab_map(&f->pt, va, op->value & f->pt.fmt->addr, size,
			op->value & ~f->pt.fmt->addr);
}

static const struct {
	const struct ptab_format *fmt;
	int levels;
	int max_leaf;
} kinds[] = {
	{ &ptab_x86, 4, 3 }, { &ptab_x86, 5, 2 }, { &ptab_x86, 4, 1 },
	{ &ptab_npt, 4, 3 }, { &ptab_npt, 5, 3 }, { &ptab_npt, 4, 2 },
	{ &ptab_ept, 4, 3 }, { &ptab_ept, 5, 2 }, { &ptab_ept, 4, 1 },
};

static void random_sequences(void **state)
{
	struct fixture *f = *state;
	u32 k, i;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		use(f, kinds[k].fmt, kinds[k].levels, kinds[k].max_leaf);
		f->seed += k;
		for (i = 0; i < 300; i++) {
			struct op op = random_op(f);

			assert_int_equal(apply(f, &op), PTAB_OK);
			model_set(f, op.first, op.count, op.value);
			assert_edges(f, op.first, op.count);
			assert_window(f, 50);
		}
		assert_window(f, 100000);
	}
}

static void large_leaves_are_used(void **state)
{
	struct fixture *f = *state;
	struct ptab_leaf leaf;
	u64 gib = 1ull << 30;
	u64 va;

	/* 4 KiB + 2 MiB short of a GiB on both sides: each size in turn. */
	use(f, &ptab_npt, 4, 3);
	va = gib - 0x201000;
	assert_int_equal(ptab_map(&f->pt, va, va, gib + 2 * 0x201000, 7), 0);
	assert_int_equal(ptab_walk(&f->pt, va, &leaf), 0);
	assert_int_equal(leaf.level, 1);
	assert_int_equal(ptab_walk(&f->pt, va + 0x1000, &leaf), 0);
	assert_int_equal(leaf.level, 2);
	assert_int_equal(ptab_walk(&f->pt, gib + 0x12345678, &leaf), 0);
	assert_int_equal(leaf.level, 3);
	assert_int_equal(leaf.pa, gib + 0x12345678);
	assert_int_equal(ptab_walk(&f->pt, 2 * gib, &leaf), 0);
	assert_int_equal(leaf.level, 2);
	assert_int_equal(ptab_walk(&f->pt, 2 * gib + 0x200000, &leaf), 0);
	assert_int_equal(leaf.level, 1);
	assert_int_equal(ptab_walk(&f->pt, 2 * gib + 0x201000, &leaf),
			 PTAB_ABSENT);
	assert_int_equal(f->pool.used, 6);	/* root, PDPT, 2 PD, 2 PT */
}

/* A large leaf put over a table would lose it: there is no way to free one. */
static void tables_are_not_lost(void **state)
{
	struct fixture *f = *state;
	struct ptab_leaf leaf;
	u32 used;

	use(f, &ptab_npt, 4, 3);
	assert_int_equal(ptab_map(&f->pt, 0x5000, 0, 4096, 7), 0);
	used = f->pool.used;
	assert_int_equal(ptab_map(&f->pt, 0, 0x40000000, 0x40000000, 7), 0);
	assert_int_equal(ptab_walk(&f->pt, 0x5000, &leaf), 0);
	assert_int_equal(leaf.level, 1);
	assert_int_equal(leaf.pa, 0x40005000);
	assert_int_equal(ptab_walk(&f->pt, 0x200000, &leaf), 0);
	assert_int_equal(leaf.level, 2);
	assert_int_equal(ptab_unmap(&f->pt, 0, 0x40000000), 0);
	assert_int_equal(ptab_map(&f->pt, 0x5000, 0, 4096, 7), 0);
	assert_int_equal(f->pool.used, used);
}

static void unmap_splits_only_the_edges(void **state)
{
	struct fixture *f = *state;
	struct ptab_leaf leaf;
	u64 gib = 1ull << 30;

	use(f, &ptab_ept, 4, 3);
	assert_int_equal(ptab_map(&f->pt, 0, gib, gib, 0x37), 0);
	assert_int_equal(ptab_unmap(&f->pt, 0x200000, 0x201000), 0);
	assert_int_equal(ptab_walk(&f->pt, 0x1fffff, &leaf), 0);
	assert_int_equal(leaf.level, 2);
	assert_int_equal(leaf.entry, gib | 0xb7);
	assert_int_equal(ptab_walk(&f->pt, 0x200000, &leaf), PTAB_ABSENT);
	assert_int_equal(leaf.level, 2);
	assert_int_equal(ptab_walk(&f->pt, 0x400fff, &leaf), PTAB_ABSENT);
	assert_int_equal(leaf.level, 1);
	assert_int_equal(ptab_walk(&f->pt, 0x401000, &leaf), 0);
	assert_int_equal(leaf.level, 1);
	assert_int_equal(leaf.entry, (gib + 0x401000) | 0x37);
	assert_int_equal(ptab_walk(&f->pt, 0x600000, &leaf), 0);
	assert_int_equal(leaf.level, 2);
}

static void unmap_of_nothing_is_quick(void **state)
{
	struct fixture *f = *state;

	use(f, &ptab_npt, 5, 3);
	assert_int_equal(ptab_unmap(&f->pt, 0, 1ull << 57), PTAB_OK);
	use(f, &ptab_npt, 4, 3);
	assert_int_equal(ptab_unmap(&f->pt, 0x1000, (1ull << 48) - 0x1000),
			 PTAB_OK);
	assert_int_equal(f->pool.used, 1);
}

/* After a failure each page is as before or as it was to become. */
static void assert_half_done(struct fixture *f, const struct op *op)
{
	u32 i;

	for (i = 0; i < op->count; i++) {
		u64 va = f->window + (op->first + i) * 4096ull;
		u64 want = op->value + (op->value == NONE ? 0 : i * 4096ull);
		struct ptab_leaf leaf;
		int err = ptab_walk(&f->pt, va, &leaf);

		if (err == PTAB_ABSENT && want == NONE)
			continue;
		if (err == PTAB_OK && want != NONE &&
		    leaf.pa == (want & f->pt.fmt->addr))
			continue;
		assert_page(f, op->first + i);
	}
	if (op->first)
		assert_page(f, op->first - 1);
	if (op->first + op->count < WINDOW_PAGES)
		assert_page(f, op->first + op->count);
	assert_window(f, 200);
}

/* A short sequence that allocates in every way there is. */
static const struct op tight[] = {
	{ 0, 1 << 18, 0x40000003 },
	{ 5, 1, NONE },			/* 1 GiB to 4 KiB: two splits */
	{ (2 << 18) - 3, 6, 0x7003 },	/* over a top-level entry */
	{ 512 * 7, 512, 0x800021 },
	{ 512 * 7 + 9, 512, 0x5001 },
	{ 1 << 18, 1 << 18, 0x80000003 },
	{ (1 << 18) + 512, 512, NONE },
	{ (1 << 18) + 700, 1024, NONE },
};

/* Run the sequence with allocation number @fail_at failing. */
static bool run_tight(struct fixture *f, u32 fail_at)
{
	bool failed = false;
	u32 i;

	clear(f);
	f->pool.allocations = 0;
	f->pool.fail_at = fail_at;
	for (i = 0; i < ARRAY_SIZE(tight); i++) {
		int err = apply(f, &tight[i]);

		if (err) {
			assert_int_equal(err, PTAB_NOMEM);
			assert_false(failed);
			failed = true;
			assert_half_done(f, &tight[i]);
			assert_int_equal(apply(f, &tight[i]), PTAB_OK);
		}
		model_set(f, tight[i].first, tight[i].count, tight[i].value);
		assert_edges(f, tight[i].first, tight[i].count);
	}
	assert_window(f, 200);
	return failed;
}

static void every_allocation_may_fail(void **state)
{
	struct fixture *f = *state;
	u32 k, n;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		if (kinds[k].max_leaf == 1)
			continue;
		use(f, kinds[k].fmt, kinds[k].levels, kinds[k].max_leaf);
		assert_false(run_tight(f, 0));
		for (n = 1; run_tight(f, n); n++)
			;
		assert_true(n > 8);
	}
}

static void exhausted_pool(void **state)
{
	struct fixture *f = *state;
	u64 flags = 3;
	u32 limit;

	use(f, &ptab_npt, 4, 1);
	for (limit = 1; limit < 7; limit++) {
		f->pool.used = 0;
		f->pool.limit = limit;
		f->pt.root = pool_alloc(&f->pool);
		assert_int_equal(ptab_map(&f->pt, 0, 0, 0x800000, flags),
				 PTAB_NOMEM);
		assert_int_equal(f->pool.used, limit);
	}
	f->pool.limit = 7;
	assert_int_equal(ptab_map(&f->pt, 0, 0, 0x800000, flags), PTAB_OK);
}

static void bad_arguments(void **state)
{
	struct fixture *f = *state;
	struct ptab *pt = &f->pt;
	u64 max = 1ull << 48;

	use(f, &ptab_npt, 4, 3);
	assert_int_equal(ptab_map(pt, 0x800, 0, 4096, 3), PTAB_INVAL);
	assert_int_equal(ptab_map(pt, 0, 0x800, 4096, 3), PTAB_INVAL);
	assert_int_equal(ptab_map(pt, 0, 0, 4097, 3), PTAB_INVAL);
	assert_int_equal(ptab_map(pt, 0, 0, 0, 3), PTAB_INVAL);
	assert_int_equal(ptab_map(pt, max, 0, 4096, 3), PTAB_INVAL);
	assert_int_equal(ptab_map(pt, max - 4096, 0, 8192, 3), PTAB_INVAL);
	assert_int_equal(ptab_map(pt, ~0xfffull, 0, 4096, 3), PTAB_INVAL);
	assert_int_equal(ptab_map(pt, 4096, 0, ~0xfffull, 3), PTAB_INVAL);
	assert_int_equal(ptab_map(pt, 8192, 0, ~0xfffull, 3), PTAB_INVAL);
	assert_int_equal(ptab_map(pt, 0, 1ull << 52, 4096, 3), PTAB_INVAL);
	assert_int_equal(ptab_map(pt, 0, (1ull << 52) - 4096, 8192, 3),
			 PTAB_INVAL);
	assert_int_equal(ptab_map(pt, 0, ~0xfffull, 8192, 3), PTAB_INVAL);
	assert_int_equal(ptab_map(pt, 0, 0, 4096, 0x1003), PTAB_INVAL);
	assert_int_equal(ptab_map(pt, 0, 0, 4096, 0x83), PTAB_INVAL);
	assert_int_equal(ptab_unmap(pt, 0x800, 4096), PTAB_INVAL);
	assert_int_equal(ptab_unmap(pt, 0, 0), PTAB_INVAL);
	assert_int_equal(ptab_unmap(pt, 0, 0x1800), PTAB_INVAL);
	assert_int_equal(ptab_unmap(pt, max, 4096), PTAB_INVAL);
	assert_int_equal(ptab_unmap(pt, 4096, max), PTAB_INVAL);
	assert_int_equal(f->pool.used, 1);
	assert_int_equal(ptab_map(pt, max - 4096, 0, 4096, 3), PTAB_OK);
}

static void assert_not_canonical(struct ptab *pt, u64 va)
{
	struct ptab_leaf leaf;

	assert_int_equal(ptab_walk(pt, va, &leaf), PTAB_INVAL);
	assert_int_equal(ptab_map(pt, va & ~0xfffull, 0, 4096, 3), PTAB_INVAL);
	assert_int_equal(ptab_unmap(pt, va & ~0xfffull, 4096), PTAB_INVAL);
}

static void canonical_addresses(void **state)
{
	struct fixture *f = *state;
	struct ptab *pt = &f->pt;
	struct ptab_leaf leaf;
	u64 half;
	int levels;

	for (levels = 4; levels <= 5; levels++) {
		use(f, &ptab_x86, levels, 3);
		half = 1ull << (levels == 4 ? 47 : 56);
		assert_not_canonical(pt, half);
		assert_not_canonical(pt, -half - 1);
		assert_not_canonical(pt, half << 1);
		assert_not_canonical(pt, 1ull << 63);
		assert_int_equal(ptab_map(pt, half - 4096, 0, 8192, 3),
				 PTAB_INVAL);
		assert_int_equal(ptab_map(pt, 0, 0, -4096ull, 3), PTAB_INVAL);
		assert_int_equal(ptab_unmap(pt, 0, -4096ull), PTAB_INVAL);
		assert_int_equal(ptab_map(pt, -4096ull, 0, 8192, 3),
				 PTAB_INVAL);
		assert_int_equal(ptab_map(pt, -4096ull, 0x5000, 4096, 3), 0);
		assert_int_equal(ptab_map(pt, -half, 0x6000, 4096, 3), 0);
		assert_int_equal(ptab_map(pt, half - 4096, 0x7000, 4096, 3), 0);
		assert_int_equal(ptab_walk(pt, ~0ull, &leaf), 0);
		assert_int_equal(leaf.pa, 0x5fff);
		assert_int_equal(ptab_walk(pt, -half, &leaf), 0);
		assert_int_equal(leaf.pa, 0x6000);
		assert_int_equal(ptab_walk(pt, half - 1, &leaf), 0);
		assert_int_equal(leaf.pa, 0x7fff);
	}
}

static void rights_add_up(void **state)
{
	struct fixture *f = *state;
	struct ptab_leaf leaf;

	use(f, &ptab_x86, 4, 3);
	assert_int_equal(ptab_map(&f->pt, 0, 0, 4096, 1ull << 63 | 7), 0);
	assert_int_equal(ptab_walk(&f->pt, 0, &leaf), 0);
	assert_int_equal(leaf.rights, 1ull << 63 | 3);	/* tables: no user */
	f->pool.page[1][0] &= ~2ull;			/* PDPT entry */
	assert_int_equal(ptab_walk(&f->pt, 0, &leaf), 0);
	assert_int_equal(leaf.rights, 1ull << 63 | 1);
	f->pool.page[1][0] |= 1ull << 63;
	f->pool.page[3][0] &= ~(1ull << 63);		/* PT entry */
	assert_int_equal(ptab_walk(&f->pt, 0, &leaf), 0);
	assert_int_equal(leaf.rights, 1ull << 63 | 1);
}

static u64 walked(struct fixture *f, u64 va, int *level)
{
	struct ptab_leaf leaf = { 0 };

	if (ptab_walk(&f->pt, va, &leaf) != PTAB_OK)
		return NONE;
	*level = leaf.level;
	return leaf.pa | (leaf.entry & 3) << 60;
}

/* Of a larger leaf all goes, and it takes no memory. */
static void drop_takes_whole_leaves(void **state)
{
	struct fixture *f = *state;
	struct ptab *pt = &f->pt;
	int level;

	use(f, &ptab_npt, 4, 2);
	assert_int_equal(ptab_map(pt, 0, 0, 6 << 20, 3), PTAB_OK);
	assert_int_equal(ptab_map(pt, 6 << 20, 0, 8192, 3), PTAB_OK);
	f->pool.limit = f->pool.used;
	/* From the last page of the first leaf to the first one of the third: all three */
	assert_int_equal(ptab_drop(pt, (2 << 20) - 4096, (2 << 20) + 8192), PTAB_OK);
	assert_int_equal(walked(f, 0, &level), NONE);
	assert_int_equal(walked(f, 2 << 20, &level), NONE);
	assert_int_equal(walked(f, (6 << 20) - 4096, &level), NONE);
	assert_int_equal(walked(f, 6 << 20, &level), 3ull << 60);
	assert_int_equal(ptab_drop(pt, 6 << 20, 4096), PTAB_OK);
	assert_int_equal(walked(f, 6 << 20, &level), NONE);
	assert_int_equal(walked(f, (6 << 20) + 4096, &level), 3ull << 60 | 4096);
	assert_int_equal(ptab_drop(pt, 0, 1ull << 47), PTAB_OK);
	assert_int_equal(walked(f, (6 << 20) + 4096, &level), NONE);
	assert_int_equal(ptab_drop(pt, 0x800, 4096), PTAB_INVAL);
	assert_int_equal(ptab_drop(pt, 0, 0), PTAB_INVAL);
}

#define MIB2	(2ull << 20)

/* What is in the way goes first, and the caller hears of it. */
static void place_goes_by_absent(void **state)
{
	const u64 world = 0x67;
	struct fixture *f = *state;
	struct ptab *pt = &f->pt;
	u64 detached = NONE;
	int level;

	use(f, &ptab_npt, 4, 2);
	assert_int_equal(ptab_place(pt, 0x5000, 0x105000, 1, world, &detached), PTAB_OK);
	assert_int_equal(ptab_place(pt, 0x6000, 0x106000, 1, world & ~2ull, &detached), PTAB_OK);
	assert_int_equal(walked(f, 0x5000, &level), 3ull << 60 | 0x105000);
	/* More rights are added, and never taken. */
	assert_int_equal(ptab_place(pt, 0x6000, 0x106000, 1, world, &detached), PTAB_OK);
	assert_int_equal(ptab_place(pt, 0x6000, 0x106000, 1, world & ~2ull, &detached), PTAB_OK);
	assert_int_equal(walked(f, 0x6000, &level), 3ull << 60 | 0x106000);
	/* Another page */
	assert_int_equal(ptab_place(pt, 0x6000, 0x107000, 1, world, &detached), PTAB_BUSY);
	assert_int_equal(detached, 0);
	assert_int_equal(walked(f, 0x6000, &level), NONE);
	assert_int_equal(ptab_place(pt, 0x6000, 0x107000, 1, world, &detached), PTAB_OK);
	/* A page of 2 MiB over the table, which is the fourth page of the pool */
	assert_int_equal(ptab_place(pt, 0, MIB2, 2, world, &detached), PTAB_BUSY);
	assert_int_equal(detached, POOL_BASE + 3 * 4096);
	assert_int_equal(walked(f, 0x5000, &level), NONE);
	f->pool.limit = f->pool.used;
	assert_int_equal(ptab_place(pt, 0, MIB2, 2, world & ~2ull, &detached), PTAB_OK);
	assert_int_equal(walked(f, 0x5000, &level), 1ull << 60 | (MIB2 + 0x5000));
	assert_int_equal(level, 2);
	/* A part of it, as it is, and for writing */
	assert_int_equal(ptab_place(pt, 0x5000, MIB2 + 0x5000, 1, world & ~2ull, &detached),
			 PTAB_OK);
	assert_int_equal(ptab_place(pt, 0, MIB2, 2, world, &detached), PTAB_OK);
	assert_int_equal(ptab_place(pt, 0x5000, MIB2 + 0x5000, 1, world, &detached), PTAB_OK);
	assert_int_equal(walked(f, 0x5000, &level), 3ull << 60 | (MIB2 + 0x5000));
	assert_int_equal(level, 2);
	/* Another page in its place */
	assert_int_equal(ptab_place(pt, 0x5000, 0x5000, 1, world, &detached), PTAB_BUSY);
	assert_int_equal(detached, 0);
	assert_int_equal(walked(f, 0x6000, &level), NONE);
	assert_int_equal(ptab_place(pt, 0x5000, 0x5000, 1, world, &detached), PTAB_NOMEM);
	f->pool.limit++;
	assert_int_equal(ptab_place(pt, 0x5000, 0x5000, 1, world, &detached), PTAB_OK);
	assert_int_equal(walked(f, 0x5000, &level), 3ull << 60 | 0x5000);
	assert_int_equal(walked(f, 0x6000, &level), NONE);
}

static void place_refuses(void **state)
{
	struct fixture *f = *state;
	struct ptab *pt = &f->pt;
	u64 detached;

	use(f, &ptab_npt, 4, 2);
	assert_int_equal(ptab_place(pt, 0x5000, 0, 2, 3, &detached), PTAB_INVAL);
	assert_int_equal(ptab_place(pt, 0, 0x5000, 2, 3, &detached), PTAB_INVAL);
	assert_int_equal(ptab_place(pt, 0, 0x800, 1, 3, &detached), PTAB_INVAL);
	assert_int_equal(ptab_place(pt, 0, 0, 3, 3, &detached), PTAB_INVAL);
	assert_int_equal(ptab_place(pt, 1ull << 48, 0, 1, 3, &detached), PTAB_INVAL);
	assert_int_equal(ptab_place(pt, 0, 1ull << 52, 1, 3, &detached), PTAB_INVAL);
	assert_int_equal(ptab_place(pt, 0, 0, 1, 0x83, &detached), PTAB_INVAL);
	assert_int_equal(f->pool.used, 1);
}

/* Tables that a guest supplied: anything, anywhere. */
static void garbage_tables(void **state)
{
	struct fixture *f = *state;
	u32 found[3] = { 0 };
	u32 i, k, round;

	for (round = 0; round < 400; round++) {
		k = round % ARRAY_SIZE(kinds);
		use(f, kinds[k].fmt, kinds[k].levels, kinds[k].max_leaf);
		f->seed = 77 + round;
		f->pool.used = 8;
		for (i = 0; i < 8 * 512; i++) {
			u64 entry = unit_random(&f->seed);

			/* Half of them point to a table that exists. */
			if (entry & 1ull << 62)
				entry = (entry & ~f->pt.fmt->addr) |
					(POOL_BASE + (entry >> 40 & 7) * 4096);
			f->pool.page[i / 512][i % 512] = entry;
		}
		f->pt.root |= unit_random(&f->seed) & 0xfff;
		for (i = 0; i < 100; i++) {
			struct ptab_leaf leaf = { 0 };
			u64 va = unit_random(&f->seed) >> 17;
			int err = ptab_walk(&f->pt, va, &leaf);

			if (err == PTAB_OK) {
				assert_int_equal(leaf.pa % leaf.size,
						 va % leaf.size);
				assert_true(leaf.pa < 1ull << 52);
				assert_in_range(leaf.level, 1, 3);
			}
			found[err == PTAB_OK ? 0 : err == PTAB_ABSENT ? 1 : 2]++;
		}
	}
	assert_true(found[0] && found[1] && found[2]);
}

static u64 *no_page(void *ctx, u64 pa)
{
	(void)ctx;
	(void)pa;
	return NULL;
}

static void no_page_at_all(void **state)
{
	struct fixture *f = *state;
	struct ptab_leaf leaf;

	use(f, &ptab_x86, 4, 3);
	f->pt.page = no_page;
	assert_int_equal(ptab_walk(&f->pt, 0, &leaf), PTAB_FAULT);
	assert_int_equal(ptab_map(&f->pt, 0, 0, 4096, 3), PTAB_FAULT);
	assert_int_equal(ptab_unmap(&f->pt, 0, 4096), PTAB_FAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_sequences),
		cmocka_unit_test(large_leaves_are_used),
		cmocka_unit_test(tables_are_not_lost),
		cmocka_unit_test(unmap_splits_only_the_edges),
		cmocka_unit_test(unmap_of_nothing_is_quick),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(exhausted_pool),
		cmocka_unit_test(bad_arguments),
		cmocka_unit_test(canonical_addresses),
		cmocka_unit_test(rights_add_up),
		cmocka_unit_test(drop_takes_whole_leaves),
		cmocka_unit_test(place_goes_by_absent),
		cmocka_unit_test(place_refuses),
		cmocka_unit_test(garbage_tables),
		cmocka_unit_test(no_page_at_all),
	};

	return cmocka_run_group_tests_name("ptab", tests, setup, teardown);
}
