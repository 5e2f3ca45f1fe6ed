// SPDX-License-Identifier: GPL-2.0-only
/* The map of a chunk's pages, against an array of them. */
#include <regent/pagemap.h>
#include "unit.h"

#define ROUNDS	200000

static struct pagemap map;
/* Length of the run that begins here, or 255: in one */
static u8 model[PAGEMAP_PAGES];

static u32 used(void)
{
	u32 i, n = 0;

	for (i = 0; i < PAGEMAP_PAGES; i++)
		n += !!model[i];
	return n;
}

static void note_taken(int first, u32 count)
{
	u32 i;

	assert_in_range(first, 0, PAGEMAP_PAGES - count);
	for (i = 0; i < count; i++) {
		assert_int_equal(model[first + i], 0);
		model[first + i] = i ? 255 : count;
	}
}

/* Is there a run of free pages in one word? */
static bool has_run(u32 count)
{
	u32 i, n = 0;

	for (i = 0; i < PAGEMAP_PAGES; i++) {
		n = model[i] ? 0 : i % 64 ? n + 1 : 1;
		if (n >= count)
			return true;
	}
	return false;
}

static void takes_and_gives(void **state)
{
	u64 seed = 0x5eed, x;
	u32 round, first, count, i, refused = 0;
	int at;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		x = unit_random(&seed);
		/* Fuller and emptier in turn */
		if (x % 100 < (round / 2000 % 2 ? 60u : 40u)) {
			count = x >> 8 & 15 ? 1 + (x >> 16) % 8 : 1 + (x >> 16) % 64;
			at = pagemap_take(&map, count);
			assert_int_equal(at >= 0, has_run(count));
			refused += at < 0;
			if (at >= 0)
				note_taken(at, count);
		} else {
			first = (x >> 16) % PAGEMAP_PAGES;
			count = model[first];
			if (!count || count == 255)
				continue;
			assert_true(pagemap_give(&map, first, count));
			for (i = 0; i < count; i++)
				model[first + i] = 0;
		}
		if (round % 64 == 0)
			assert_int_equal(map.count, used());
	}
	assert_true(refused > 100);
	for (i = 0; i < PAGEMAP_PAGES; i++)
		if (model[i] && model[i] != 255)
			assert_true(pagemap_give(&map, i, model[i]));
	assert_int_equal(map.count, 0);
}

static void refuses(void **state)
{
	struct pagemap m = { .count = 0 };

	(void)state;
	assert_int_equal(pagemap_take(&m, 0), -1);
	assert_int_equal(pagemap_take(&m, 65), -1);
	assert_int_equal(pagemap_take(&m, 64), 0);
	assert_int_equal(pagemap_take(&m, 3), 64);
	assert_false(pagemap_give(&m, 0, 65));
	assert_false(pagemap_give(&m, 63, 2));		/* over the end of a word */
	assert_false(pagemap_give(&m, 66, 2));		/* the second one is free */
	assert_false(pagemap_give(&m, 512, 1));
	assert_false(pagemap_give(&m, 0, 0));
	assert_int_equal(m.count, 67);
	assert_true(pagemap_give(&m, 65, 1));
	assert_false(pagemap_give(&m, 65, 1));		/* twice */
	assert_int_equal(m.count, 66);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_and_gives),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests_name("pagemap", tests, NULL, NULL);
}
