// SPDX-License-Identifier: GPL-2.0-only
/* The register table: well-formed rows, and the permission map made of them. */
#include <regent/abi/msrtab.h>
#include <linux/regent.h>
#include "unit.h"

_Static_assert((int)REG_OWNED == (int)REGENT_FIELD_OWNED, "one set of numbers");
_Static_assert((int)REG_TRACKED == (int)REGENT_FIELD_TRACKED, "as above");
_Static_assert((int)REG_VOLATILE == (int)REGENT_FIELD_VOLATILE, "as above");
_Static_assert(sizeof(reg_table[0].name) == REGENT_FIELD_NAME, "as above");

static void rows_are_sorted_and_unique(void **state)
{
	unsigned int i;

	(void)state;
	assert_true(reg_table_size > 0);
	for (i = 1; i < reg_table_size; i++)
		assert_true(reg_table[i - 1].index < reg_table[i].index);
}

static void names_are_unique_and_end(void **state)
{
	unsigned int i, j;

	(void)state;
	for (i = 0; i < reg_table_size; i++) {
		assert_in_range(strnlen(reg_table[i].name, 20), 1, 19);
		for (j = 0; j < i; j++)
			assert_string_not_equal(reg_table[i].name,
						reg_table[j].name);
	}
}

static void values_exist(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < reg_table_size; i++) {
		const struct reg_entry *row = &reg_table[i];

		assert_in_range(row->owner, REG_LINUX, REG_REGENT);
		assert_in_range(row->when_switched, REG_NEVER, REG_WORLD);
		assert_in_range(row->trap, REG_TRAP_NONE, REG_TRAP_BOTH);
		assert_in_range(row->cls, REG_OWNED, REG_VOLATILE);
		assert_in_range(row->when, REG_HOT, REG_COLD);
	}
}

/*
 * An access is intercepted because the value is not Linux's alone, or because
 * the map can't let it through (then both kinds of access exit). A write also
 * where the switch between worlds is to know the value.
 */
static void traps_have_a_reason(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < reg_table_size; i++) {
		const struct reg_entry *row = &reg_table[i];

		if (row->index >= REG_PSEUDO)
			assert_int_equal(row->trap, REG_TRAP_NONE);
		else if (!msr_bitmap_covers(row->index))
			assert_int_equal(row->trap, REG_TRAP_BOTH);
		else if (row->when_switched == REG_WORLD)
			assert_false(row->trap & REG_TRAP_READ);
		else if (row->trap)
			assert_int_not_equal(row->owner, REG_LINUX);
		if (row->owner == REG_REGENT)
			assert_int_equal(row->trap, REG_TRAP_BOTH);
	}
}

/* A trapped register is not read as a world: its view is not compared. */
static void trapped_hot_rows_are_owned(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < reg_table_size; i++)
		if (reg_table[i].trap && reg_table[i].when == REG_HOT)
			assert_int_equal(reg_table[i].cls, REG_OWNED);
}

/* What Regent changes, it does in the rendezvous and has to put back. */
static void owned_rows_are_hot(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < reg_table_size; i++) {
		const struct reg_entry *row = &reg_table[i];

		if (row->owner == REG_REGENT)
			assert_int_equal(row->cls, REG_OWNED);
		if (row->cls == REG_OWNED) {
			assert_int_not_equal(row->owner, REG_LINUX);
			assert_int_equal(row->when, REG_HOT);
		}
		if (row->when_switched == REG_EXIT ||
		    row->when_switched == REG_VMLOAD)
			assert_int_equal(row->owner, REG_SWITCHED);
	}
}

static void find_finds_rows_only(void **state)
{
	unsigned int i;
	u64 seed = 3;

	(void)state;
	for (i = 0; i < reg_table_size; i++)
		assert_ptr_equal(reg_find(reg_table[i].index), &reg_table[i]);
	assert_null(reg_find(0));
	assert_null(reg_find(0xffffffff));
	for (i = 0; i < 100000; i++) {
		u32 index = unit_random(&seed);
		const struct reg_entry *row = reg_find(index);

		if (row)
			assert_int_equal(row->index, index);
	}
	assert_null(reg_find(REG_PSEUDO_END));
}

/* AMD's layout, written down independently: 2 KiB for each range of 8192. */
static int bit_of(u32 msr)
{
	if (msr <= 0x1fff)
		return 0x0000 * 8 + msr * 2;
	if (msr >= 0xc0000000 && msr <= 0xc0001fff)
		return 0x0800 * 8 + (msr - 0xc0000000) * 2;
	if (msr >= 0xc0010000 && msr <= 0xc0011fff)
		return 0x1000 * 8 + (msr - 0xc0010000) * 2;
	return -1;
}

static void bitmap_covers_its_ranges(void **state)
{
	static const u32 edges[] = {
		0, 0x1fff, 0x2000, 0xbfffffff, 0xc0000000, 0xc0001fff,
		0xc0002000, 0xc000ffff, 0xc0010000, 0xc0011fff, 0xc0012000,
		0x4b564d00, 0xfffeffff, 0xffff0000, 0xffffffff,
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(edges); i++)
		assert_int_equal(msr_bitmap_covers(edges[i]),
				 bit_of(edges[i]) >= 0);
}

static void bitmap_has_exactly_the_traps(void **state)
{
	u8 *map = calloc(1, MSR_BITMAP_SIZE);
	unsigned int i;

	(void)state;
	assert_non_null(map);
	msr_bitmap_build(map);
	for (i = 0; i < reg_table_size; i++) {
		int bit = bit_of(reg_table[i].index);

		if (bit < 0)
			continue;
		assert_int_equal(map[bit / 8] >> (bit % 8) & 3,
				 reg_table[i].trap);
		map[bit / 8] &= ~(3 << (bit % 8));
	}
	for (i = 0; i < MSR_BITMAP_SIZE; i++)
		assert_int_equal(map[i], 0);
	free(map);
}

static int traps(const u8 *map, u32 index)
{
	int bit = bit_of(index);

	return map[bit / 8] >> (bit % 8) & 3;
}

static void a_forwarded_apic_is_trapped(void **state)
{
	u8 *direct = calloc(1, MSR_BITMAP_SIZE);
	u8 *map = calloc(1, MSR_BITMAP_SIZE);
	u32 index, more = 0;

	(void)state;
	assert_true(direct && map);
	msr_bitmap_build(direct);
	msr_bitmap_build(map);
	msr_bitmap_forward(map);
	assert_int_equal(traps(map, MSR_REG_APIC_BASE), REG_TRAP_WRITE);
	assert_int_equal(traps(map, MSR_REG_TSC_DEADLINE), REG_TRAP_BOTH);
	assert_int_equal(traps(map, 0x7ff), REG_TRAP_NONE);
	assert_int_equal(traps(map, 0x900), REG_TRAP_NONE);
	for (index = 0x800; index < 0x900; index++)
		assert_int_equal(traps(map, index), REG_TRAP_BOTH);
	for (index = 0; index < MSR_BITMAP_SIZE; index++) {
		more += __builtin_popcount(map[index] ^ direct[index]);
		assert_int_equal(direct[index] & ~map[index], 0);
	}
	assert_int_equal(more, 2 * 256 + 2 + 1);
	free(direct);
	free(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_forwarded_apic_is_trapped),
		cmocka_unit_test(rows_are_sorted_and_unique),
		cmocka_unit_test(names_are_unique_and_end),
		cmocka_unit_test(values_exist),
		cmocka_unit_test(traps_have_a_reason),
		cmocka_unit_test(trapped_hot_rows_are_owned),
		cmocka_unit_test(owned_rows_are_hot),
		cmocka_unit_test(find_finds_rows_only),
		cmocka_unit_test(bitmap_covers_its_ranges),
		cmocka_unit_test(bitmap_has_exactly_the_traps),
	};

	return cmocka_run_group_tests_name("msrtab", tests, NULL, NULL);
}
