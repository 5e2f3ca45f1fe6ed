// SPDX-License-Identifier: GPL-2.0-only
/*
 * Letters and inboxes: one after the other, and with threads that post, move
 * things about and look at them as CPUs do with worlds.
 */
#include <pthread.h>
#include <regent/inbox.h>
#include "unit.h"

static void one_letter(void **state)
{
	struct inbox inbox = { 0 };
	struct letter l = { 0 };

	(void)state;
	assert_null(inbox_take(&inbox));
	assert_true(letter_post(&l));
	assert_false(letter_post(&l));
	assert_false(letter_retire(&l));
	assert_true(inbox_put(&inbox, &l));
	assert_ptr_equal(inbox_take(&inbox), &l);
	assert_null(inbox_take(&inbox));
	letter_open(&l);
	assert_false(letter_retire(&l));
	assert_true(letter_close(&l));
	assert_true(letter_retire(&l));
	assert_false(letter_post(&l));
}

static void posted_while_read(void **state)
{
	struct letter l = { 0 };

	(void)state;
	assert_true(letter_post(&l));
	letter_open(&l);
	assert_false(letter_post(&l));
	assert_false(letter_close(&l));
	letter_open(&l);
	assert_true(letter_close(&l));
	assert_true(letter_post(&l));
}

static void who_rings(void **state)
{
	struct inbox inbox = { 0 };
	struct letter l[3] = { 0 }, *at;
	u32 i, n = 0;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_true(letter_post(&l[i]));
		assert_int_equal(inbox_put(&inbox, &l[i]), i == 0);
	}
	for (at = inbox_take(&inbox); at; at = at->next)
		n++;
	assert_int_equal(n, 3);
	letter_open(&l[0]);
	letter_keep(&l[0]);
	assert_false(letter_post(&l[0]));
	assert_true(inbox_put(&inbox, &l[0]));
}

#define CPUS	3
#define THINGS	5
#define ROUNDS	40000

static struct thing {
	struct letter letter;
	u32 owner;		/* atomic */
	u32 asks;		/* atomic: not seen yet */
	u64 seen;		/* the owner's, without a lock */
} things[THINGS];

static struct inbox inboxes[CPUS];
static u64 asked;
static u32 done;

static struct thing *thing_of(struct letter *l)
{
	return (struct thing *)l;
}

static void deliver(struct thing *t)
{
	inbox_put(&inboxes[__atomic_load_n(&t->owner, __ATOMIC_SEQ_CST)], &t->letter);
}

static void post(struct thing *t)
{
	if (letter_post(&t->letter))
		deliver(t);
}

/* Now and then what has been looked at goes to another CPU. */
static void look(struct thing *t, u32 cpu, u64 *seed)
{
	do {
		letter_open(&t->letter);
		if (__atomic_load_n(&t->owner, __ATOMIC_SEQ_CST) != cpu) {
			letter_keep(&t->letter);
			deliver(t);
			return;
		}
		t->seen += __atomic_exchange_n(&t->asks, 0, __ATOMIC_SEQ_CST);
		if (unit_below(seed, 3) == 0)
			__atomic_store_n(&t->owner, unit_below(seed, CPUS), __ATOMIC_SEQ_CST);
	} while (!letter_close(&t->letter));
}

static void read_all(u32 cpu, u64 *seed)
{
	struct letter *l = inbox_take(&inboxes[cpu]), *next;

	for (; l; l = next) {
		next = l->next;
		look(thing_of(l), cpu, seed);
	}
}

static void *run_cpu(void *arg)
{
	u32 cpu = (struct inbox *)arg - inboxes;
	u64 seed = cpu + 1;
	u32 i;

	for (i = 0; i < ROUNDS; i++) {
		struct thing *t = &things[unit_below(&seed, THINGS)];

		__atomic_add_fetch(&t->asks, 1, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&asked, 1, __ATOMIC_RELAXED);
		post(t);
		read_all(cpu, &seed);
	}
	/* The others may still send something here. */
	__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&done, __ATOMIC_SEQ_CST) < CPUS)
		read_all(cpu, &seed);
	return NULL;
}

static void nothing_is_lost(void **state)
{
	pthread_t thread[CPUS];
	u64 seen = 0, seed = 9;
	u32 i, round;

	(void)state;
	for (i = 0; i < CPUS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, run_cpu, &inboxes[i]), 0);
	for (i = 0; i < CPUS; i++)
		pthread_join(thread[i], NULL);
	for (round = 0; round < 100; round++)
		for (i = 0; i < CPUS; i++)
			read_all(i, &seed);
	for (i = 0; i < THINGS; i++) {
		assert_int_equal(things[i].asks, 0);
		assert_true(letter_retire(&things[i].letter));
		seen += things[i].seen;
	}
	assert_int_equal(seen, asked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_letter),
		cmocka_unit_test(posted_while_read),
		cmocka_unit_test(who_rings),
		cmocka_unit_test(nothing_is_lost),
	};

	return cmocka_run_group_tests_name("inbox", tests, NULL, NULL);
}
