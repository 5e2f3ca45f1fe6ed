// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory types of whole machines: data/mtrr/ has one machine a file, its
 * registers and the map they have to give (the format: data/mtrr/README).
 * Above that, the longer questions have to agree with mtype_of().
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <regent/mtype.h>
#include "unit.h"

#define MAX_FILES	64
#define MAX_EXPECT	64
#define PAGE		4096ull

struct expect {
	u64 start;
	u64 end;
	u8 type;
};

struct machine {
	char name[256];
	struct mtrr_state mtrr;
	struct expect expect[MAX_EXPECT];
	u32 expects;
};

static struct machine machines[MAX_FILES];
static u32 machine_count;

static u8 type_named(const char *name)
{
	static const char * const names[] = {
		[MTYPE_UC] = "UC", [MTYPE_WC] = "WC", [MTYPE_WT] = "WT",
		[MTYPE_WP] = "WP", [MTYPE_WB] = "WB",
	};
	u8 i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i] && strcmp(names[i], name) == 0)
			return i;
	}
	return 0xff;
}

/* One line of a file; false when it is none of those that exist. */
static bool parse_line(struct machine *m, const char *line)
{
	struct mtrr_state *s = &m->mtrr;
	unsigned long long a, b;
	char type[8];
	unsigned int n;

	if (sscanf(line, "phys_bits %u", &n) == 1)
		s->phys_bits = n;
	else if (sscanf(line, "cap %llx", &a) == 1)
		s->cap = a;
	else if (sscanf(line, "def_type %llx", &a) == 1)
		s->def_type = a;
	else if (sscanf(line, "top_mem2 %llx", &a) == 1)
		s->top_mem2 = a;
	else if (sscanf(line, "tom2_wb %u", &n) == 1)
		s->tom2_wb = n;
	else if (sscanf(line, "fixed %u %llx", &n, &a) == 2 && n < MTYPE_FIXED)
		s->fixed[n] = a;
	else if (sscanf(line, "var %u %llx %llx", &n, &a, &b) == 3 &&
		 n == s->var_count && n < MTYPE_MAX_VAR)
		s->var[s->var_count++] = (struct mtype_var) { a, b };
	else if (sscanf(line, "expect %llx %llx %7s", &a, &b, type) == 3 &&
		 m->expects < MAX_EXPECT && type_named(type) != 0xff)
		m->expect[m->expects++] = (struct expect) {
			a, b, type_named(type) };
	else
		return line[0] == '#' || line[0] == '\n';
	return true;
}

static void parse_file(const char *path, const char *name)
{
	struct machine *m = &machines[machine_count];
	char line[256];
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_true(machine_count < MAX_FILES);
	snprintf(m->name, sizeof(m->name), "%s", name);
	while (fgets(line, sizeof(line), file)) {
		if (!parse_line(m, line))
			fail_msg("%s: bad line: %s", name, line);
	}
	fclose(file);
	if (!m->expects)
		fail_msg("%s: expects nothing", name);
	machine_count++;
}

static int read_machines(void **state)
{
	const char *data = getenv("UNIT_DATA");
	char dir[512], path[1024];
	struct dirent *entry;
	DIR *handle;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/mtrr", data ? data : "data");
	handle = opendir(dir);
	if (!handle)
		return -1;
	while ((entry = readdir(handle))) {
		if (!strstr(entry->d_name, ".txt"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		parse_file(path, entry->d_name);
	}
	closedir(handle);
	return machine_count ? 0 : -1;
}

/* The maps cover all physical addresses, without a gap, as runs. */
static void maps_are_as_written(void **state)
{
	u32 i, k;

	(void)state;
	for (i = 0; i < machine_count; i++) {
		const struct machine *m = &machines[i];
		u64 at = 0;

		for (k = 0; k < m->expects; k++) {
			const struct expect *e = &m->expect[k];
			u8 type = 0xff;
			u64 run;

			run = mtype_run(&m->mtrr, e->start, ~0ull, &type);
			if (e->start != at || type != e->type ||
			    (e->start + run != e->end && k + 1 < m->expects) ||
			    mtype_of(&m->mtrr, e->end - 1) != e->type)
				fail_msg("%s: %#" PRIx64 ": type %u, run %#"
					 PRIx64, m->name, (uint64_t)e->start,
					 type, (uint64_t)run);
			at = e->end;
		}
		assert_int_equal(at, 1ull << m->mtrr.phys_bits);
	}
}

/* A run is right if all its pages agree and the one behind it doesn't. */
static void check_run(const struct machine *m, u64 pa, u64 limit)
{
	u8 type;
	u64 run = mtype_run(&m->mtrr, pa, limit, &type);
	u64 end = pa + run, at, step;

	assert_int_equal(type, mtype_of(&m->mtrr, pa));
	assert_true(pa >= limit ? run == 0 : run > 0 && end <= limit);
	/* Every page near both ends, and some in between. */
	step = run / 512 / PAGE * PAGE;
	for (at = pa; at < end; ) {
		bool edge = at - pa < 64 * PAGE || end - at < 64 * PAGE;

		if (mtype_of(&m->mtrr, at) != type)
			fail_msg("%s: run from %#" PRIx64 " reaches over %#"
				 PRIx64, m->name, (uint64_t)pa, (uint64_t)at);
		at += edge || !step ? PAGE : step;
	}
	if (end < limit && end > pa && mtype_of(&m->mtrr, end) == type)
		fail_msg("%s: run from %#" PRIx64 " ends too early at %#"
			 PRIx64, m->name, (uint64_t)pa, (uint64_t)end);
}

/* Anywhere, beyond the end too, but more often where something changes. */
static u64 random_pa(const struct machine *m, u64 *seed)
{
	const struct expect *e = &m->expect[unit_below(seed, m->expects)];
	u64 max = 1ull << (m->mtrr.phys_bits + 1);
	u64 near = unit_below(seed, 64) * PAGE;

	switch (unit_below(seed, 4)) {
	case 0:
		return unit_below(seed, max);
	case 1:
		return unit_below(seed, 0x200000);
	case 2:
		return e->start + near;
	default:
		return (e->end - near - 1) & (max - 1);
	}
}

static void runs_agree_with_pages(void **state)
{
	u64 seed = 5;
	u32 i, k;

	(void)state;
	for (i = 0; i < machine_count; i++) {
		const struct machine *m = &machines[i];

		for (k = 0; k < 2000; k++)
			check_run(m, random_pa(m, &seed), random_pa(m, &seed));
		for (k = 0; k < 512; k++)
			check_run(m, k * PAGE, 0x200000);
	}
}

static void uniform_agrees_with_run(void **state)
{
	u64 seed = 6;
	u32 i, k;

	(void)state;
	for (i = 0; i < machine_count; i++) {
		const struct machine *m = &machines[i];

		for (k = 0; k < 2000; k++) {
			u64 pa = random_pa(m, &seed);
			u64 run;
			u8 type, again = 0xff;

			run = mtype_run(&m->mtrr, pa, 1ull << 52, &type);
			assert_true(mtype_uniform(&m->mtrr, pa, run, &again));
			assert_int_equal(again, type);
			assert_true(mtype_uniform(&m->mtrr, pa, 1, &again));
			if (pa + run < 1ull << 52)
				assert_false(mtype_uniform(&m->mtrr, pa,
							   run + 1, &again));
			assert_false(mtype_uniform(&m->mtrr, pa, 0, &again));
			assert_false(mtype_uniform(&m->mtrr, pa, -pa, &again));
		}
	}
}

/* What mtype_leaf_level() promises, tried for each level from the top. */
static int leaf_level_by_hand(const struct machine *m, u64 pa, u64 limit,
			      int level)
{
	u64 size;
	u8 type;

	for (; level > 0; level--) {
		size = PAGE << (9 * (level - 1));
		if (pa % size == 0 && pa < limit && limit - pa >= size &&
		    mtype_uniform(&m->mtrr, pa, size, &type))
			return level;
	}
	return 0;
}

static void leaf_levels_fit(void **state)
{
	u64 seed = 7;
	u32 i, k;

	(void)state;
	for (i = 0; i < machine_count; i++) {
		const struct machine *m = &machines[i];

		for (k = 0; k < 3000; k++) {
			u64 pa = random_pa(m, &seed) & ~((PAGE << (9 *
					unit_below(&seed, 3))) - 1);
			u64 limit = random_pa(m, &seed);
			int max = unit_below(&seed, 4);

			assert_int_equal(mtype_leaf_level(&m->mtrr, pa, limit,
							  max),
					 leaf_level_by_hand(m, pa, limit, max));
		}
		assert_int_equal(mtype_leaf_level(&m->mtrr, 0x800, ~0ull, 3), 0);
		assert_int_equal(mtype_leaf_level(&m->mtrr, 0x1000, 0x1fff, 3), 0);
		assert_int_equal(mtype_leaf_level(&m->mtrr, 0x1000, 0, 3), 0);
	}
}

/* Registers that no firmware would write, masks with holes above all. */
static void odd_registers(void **state)
{
	static struct machine m;
	u64 seed = 8;
	u32 i, k;

	(void)state;
	for (i = 0; i < 300; i++) {
		memset(&m, 0, sizeof(m));
		snprintf(m.name, sizeof(m.name), "odd %u", i);
		m.mtrr.cap = 0x500 | unit_below(&seed, 24);
		m.mtrr.def_type = unit_below(&seed, 8) |
				  (unit_below(&seed, 8) ? 0x800 : 0) |
				  (unit_random(&seed) & 0x400);
		m.mtrr.phys_bits = 24 + unit_below(&seed, 10);
		m.mtrr.var_count = unit_below(&seed, 24);
		m.mtrr.tom2_wb = unit_random(&seed) >> 63;
		m.mtrr.top_mem2 = unit_random(&seed) & 0x1ff800000;
		for (k = 0; k < MTYPE_FIXED; k++)
			m.mtrr.fixed[k] = unit_random(&seed);
		for (k = 0; k < MTYPE_MAX_VAR; k++) {
			m.mtrr.var[k].base = unit_random(&seed) & ~0xff8ull;
			/* Few zeros, so that runs are not too many */
			m.mtrr.var[k].mask = (unit_random(&seed) |
					      unit_random(&seed)) &
					     0xfffffffff80f0800;
		}
		m.expects = 1;
		m.expect[0].end = 1ull << m.mtrr.phys_bits;
		for (k = 0; k < 100; k++) {
			u64 pa = random_pa(&m, &seed);

			check_run(&m, pa, pa + (unit_random(&seed) >> 40));
		}
	}
}

/* More pieces than a run is put together from: short, but never wrong. */
static void endless_pieces_end(void **state)
{
	struct mtrr_state mtrr = {
		.cap = 0x501, .def_type = 0x806, .phys_bits = 46,
		.var_count = 1, .var = { { 0x1000 | MTYPE_WB, 0x1800 } },
	};
	u8 type;
	u64 run;

	(void)state;
	run = mtype_run(&mtrr, 0, 1ull << 46, &type);
	assert_int_equal(type, MTYPE_WB);
	assert_true(run >= 64 * PAGE && run < 1ull << 46);
	assert_true(mtype_uniform(&mtrr, 0, 0x10000, &type));
	assert_false(mtype_uniform(&mtrr, 0, 1ull << 46, &type));
}

/* Two ranges over the same page, every type against every other. */
static void overlaps(void **state)
{
	u32 a, b;

	(void)state;
	for (a = 0; a < 8; a++) {
		for (b = 0; b < 8; b++) {
			struct mtrr_state mtrr = {
				.cap = 0x502, .def_type = 0x801,
				.phys_bits = 36, .var_count = 2,
				.var = { { 0x100000 | a, 0xffff00800 },
					 { 0x100000 | b, 0xffff00800 } },
			};
			u8 want = MTYPE_UC;

			if (a == b && a != 2 && a != 3 && a != 7)
				want = a;
			if ((a == MTYPE_WT && b == MTYPE_WB) ||
			    (a == MTYPE_WB && b == MTYPE_WT))
				want = MTYPE_WT;
			assert_int_equal(mtype_of(&mtrr, 0x123000), want);
			assert_int_equal(mtype_of(&mtrr, 0xfffff), MTYPE_WC);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_are_as_written),
		cmocka_unit_test(runs_agree_with_pages),
		cmocka_unit_test(uniform_agrees_with_run),
		cmocka_unit_test(leaf_levels_fit),
		cmocka_unit_test(odd_registers),
		cmocka_unit_test(endless_pieces_end),
		cmocka_unit_test(overlaps),
	};

	return cmocka_run_group_tests_name("mtype", tests, read_machines, NULL);
}
