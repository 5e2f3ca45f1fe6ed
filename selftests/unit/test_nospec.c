// SPDX-License-Identifier: GPL-2.0-only
/* The mask of indexes, at its bounds, and with sizes that the compiler knows or does not. */
#include <regent/nospec.h>
#include "unit.h"

static void check(u64 index, u64 size)
{
	assert_true(nospec_mask(index, size) == (index < size ? ~0ull : 0));
	assert_true(nospec_index(index, size) == (index < size ? index : 0));
}

static void bounds(void **state)
{
	static const u64 values[] = {
		0, 1, 2, 63, 64, 0x7f, 0x80, 0xff, 0x100, 0x7fffffff, 0x80000000, 0xffffffff,
		0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffffffe, ~0ull,
	};
	u32 i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(values); i++)
		for (j = 0; j < ARRAY_SIZE(values); j++)
			check(values[i], values[j]);
}

static void known_sizes(void **state)
{
	u64 i;

	(void)state;
	for (i = 0; i < 200; i++) {
		assert_true(nospec_index(i, 84) == (i < 84 ? i : 0));
		assert_true(nospec_index(i, 1) == 0);
		assert_true(nospec_index(-i - 1, 84) == 0);
	}
	/* A size that no immediate operand can hold */
	assert_true(nospec_index(0x123456789, 0x200000000) == 0x123456789);
	assert_true(nospec_index(0x200000000, 0x200000000) == 0);
}

static void any(void **state)
{
	u64 seed = 7, i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		u64 size = unit_random(&seed) >> unit_below(&seed, 64);

		check(unit_random(&seed) >> unit_below(&seed, 64), size);
		check(size + unit_below(&seed, 5) - 2, size);
	}
}

/* The point of it: the mask is computed, also where the compiler knows the comparison's result. */
static void survives_the_compiler(void **state)
{
	static const u8 table[4] = { 1, 2, 3, 4 };
	volatile u64 index = 2;
	u64 i = index;

	(void)state;
	if (i < 4)
		assert_int_equal(table[nospec_index(i, 4)], 3);
	/* A bound that is smaller than the comparison's shows that the mask is there. */
	if (i < 4)
		assert_int_equal(table[nospec_index(i, 2)], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds),
		cmocka_unit_test(known_sizes),
		cmocka_unit_test(any),
		cmocka_unit_test(survives_the_compiler),
	};

	return cmocka_run_group_tests_name("nospec", tests, NULL, NULL);
}
