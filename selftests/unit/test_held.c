// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a CPU notes of the locks that it holds.
 */
#include <regent/held.h>
#include "unit.h"

static int me, somebody;	/* stand for two CPUs */

static void take(struct held *h, struct lock *l)
{
	assert_true(held_note(h, l));
	assert_null(l->holder);
	l->holder = &me;
}

static void drop(struct held *h, struct lock *l)
{
	l->holder = NULL;
	held_forget(h, l);
}

static void breaks_what_is_held(void **state)
{
	struct lock l[3] = { 0 };
	struct held h = { 0 };

	(void)state;
	take(&h, &l[0]);
	take(&h, &l[1]);
	take(&h, &l[2]);
	drop(&h, &l[1]);
	l[1].holder = &somebody;
	held_break(&h, &me, false);
	assert_null(l[0].holder);
	assert_ptr_equal(l[1].holder, &somebody);
	assert_null(l[2].holder);
	assert_int_equal(h.count, 0);
}

/* A fault between the note and the lock, or behind the drop and before the note's end. */
static void leaves_what_is_not_held(void **state)
{
	struct lock l[2] = { { .holder = &somebody }, { .holder = NULL } };
	struct held h = { 0 };

	(void)state;
	assert_true(held_note(&h, &l[0]));
	assert_true(held_note(&h, &l[1]));
	held_break(&h, &me, false);
	assert_ptr_equal(l[0].holder, &somebody);
	assert_null(l[1].holder);
}

/* In any order of drops the others stay noted. */
static void forgets_in_any_order(void **state)
{
	static const u8 order[][HELD_MAX] = {
		{ 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 1, 3, 0, 2 }, { 2, 0, 3, 1 },
	};
	struct lock l[HELD_MAX] = { 0 };
	struct held h = { 0 };
	u32 o, i, j, k;

	(void)state;
	for (o = 0; o < sizeof(order) / sizeof(order[0]); o++) {
		for (i = 0; i < HELD_MAX; i++)
			take(&h, &l[i]);
		for (i = 0; i < HELD_MAX; i++) {
			drop(&h, &l[order[o][i]]);
			assert_int_equal(h.count, HELD_MAX - 1 - i);
			for (j = 0; j < h.count; j++)
				for (k = 0; k <= i; k++)
					assert_ptr_not_equal(h.lock[j], &l[order[o][k]]);
		}
	}
}

static void is_bounded(void **state)
{
	struct lock l[HELD_MAX + 1] = { 0 };
	struct held h = { 0 };
	u32 i;

	(void)state;
	for (i = 0; i < HELD_MAX; i++)
		take(&h, &l[i]);
	assert_false(held_note(&h, &l[HELD_MAX]));
	held_forget(&h, &l[HELD_MAX]);		/* it is not there: nothing happens */
	assert_int_equal(h.count, HELD_MAX);
	drop(&h, &l[0]);
	assert_true(held_note(&h, &l[HELD_MAX]));
	held_break(&h, &me, false);
	for (i = 0; i <= HELD_MAX; i++)
		assert_null(l[i].holder);
}

static unsigned int abandoned;

static void count_abandoned(struct lock *l)
{
	/* Nobody else has it yet. */
	assert_non_null(l->holder);
	abandoned++;
}

static void a_lock_is_put_right_before_it_is_dropped_but_once(void **state)
{
	struct lock l = { .abandon = count_abandoned };
	struct held h = { 0 };
	int cpu;

	(void)state;
	abandoned = 0;
	held_note(&h, &l);
	held_break(&h, &cpu, false);		/* not held: nothing to put right */
	assert_int_equal(abandoned, 0);
	held_note(&h, &l);
	l.holder = &cpu;
	held_break(&h, &cpu, false);
	assert_int_equal(abandoned, 1);
	assert_null(l.holder);
	held_note(&h, &l);
	l.holder = &cpu;
	held_break(&h, &cpu, true);		/* the fault may have been in there */
	assert_int_equal(abandoned, 1);
	assert_null(l.holder);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(breaks_what_is_held),
		cmocka_unit_test(leaves_what_is_not_held),
		cmocka_unit_test(forgets_in_any_order),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(a_lock_is_put_right_before_it_is_dropped_but_once),
	};

	return cmocka_run_group_tests_name("held", tests, NULL, NULL);
}
