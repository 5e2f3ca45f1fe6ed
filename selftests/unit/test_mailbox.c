// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests and mailboxes: one after the other, and with threads that post, move
 * things about and look at them as CPUs do with worlds.
 */
#include <pthread.h>
#include <regent/mailbox.h>
#include "unit.h"

static void one_letter(void **state)
{
	struct mailbox mailbox = { 0 };
	struct request l = { 0 };

	(void)state;
	assert_null(mailbox_take(&mailbox));
	assert_true(request_post(&l));
	assert_false(request_post(&l));
	assert_false(request_retire(&l));
	assert_true(mailbox_put(&mailbox, &l));
	assert_ptr_equal(mailbox_take(&mailbox), &l);
	assert_null(mailbox_take(&mailbox));
	request_open(&l);
	assert_false(request_retire(&l));
	assert_true(request_close(&l));
	assert_true(request_retire(&l));
	assert_false(request_post(&l));
}

static void posted_while_read(void **state)
{
	struct request l = { 0 };

	(void)state;
	assert_true(request_post(&l));
	request_open(&l);
	assert_false(request_post(&l));
	assert_false(request_close(&l));
	request_open(&l);
	assert_true(request_close(&l));
	assert_true(request_post(&l));
}

static void who_rings(void **state)
{
	struct mailbox mailbox = { 0 };
	struct request l[3] = { 0 }, *at;
	u32 i, n = 0;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_true(request_post(&l[i]));
		assert_int_equal(mailbox_put(&mailbox, &l[i]), i == 0);
	}
	for (at = mailbox_take(&mailbox); at; at = at->next)
		n++;
	assert_int_equal(n, 3);
	request_open(&l[0]);
	request_keep(&l[0]);
	assert_false(request_post(&l[0]));
	assert_true(mailbox_put(&mailbox, &l[0]));
}

#define CPUS	3
#define THINGS	5
#define ROUNDS	40000

static struct thing {
	struct request request;
	u32 owner;		/* atomic */
	u32 asks;		/* atomic: not seen yet */
	u64 seen;		/* the owner's, without a lock */
} things[THINGS];

static struct mailbox mailboxes[CPUS];
static u64 asked;
static u32 done;

static struct thing *thing_of(struct request *l)
{
	return (struct thing *)l;
}

static void deliver(struct thing *t)
{
	mailbox_put(&mailboxes[__atomic_load_n(&t->owner, __ATOMIC_SEQ_CST)], &t->request);
}

static void post(struct thing *t)
{
	if (request_post(&t->request))
		deliver(t);
}

/* Now and then what has been looked at goes to another CPU. */
static void look(struct thing *t, u32 cpu, u64 *seed)
{
	do {
		request_open(&t->request);
		if (__atomic_load_n(&t->owner, __ATOMIC_SEQ_CST) != cpu) {
			request_keep(&t->request);
			deliver(t);
			return;
		}
		t->seen += __atomic_exchange_n(&t->asks, 0, __ATOMIC_SEQ_CST);
		if (unit_below(seed, 3) == 0)
			__atomic_store_n(&t->owner, unit_below(seed, CPUS), __ATOMIC_SEQ_CST);
	} while (!request_close(&t->request));
}

static void read_all(u32 cpu, u64 *seed)
{
	struct request *l = mailbox_take(&mailboxes[cpu]), *next;

	for (; l; l = next) {
		next = l->next;
		look(thing_of(l), cpu, seed);
	}
}

static void *run_cpu(void *arg)
{
	u32 cpu = (struct mailbox *)arg - mailboxes;
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
		assert_int_equal(pthread_create(&thread[i], NULL, run_cpu, &mailboxes[i]), 0);
	for (i = 0; i < CPUS; i++)
		pthread_join(thread[i], NULL);
	for (round = 0; round < 100; round++)
		for (i = 0; i < CPUS; i++)
			read_all(i, &seed);
	for (i = 0; i < THINGS; i++) {
		assert_int_equal(things[i].asks, 0);
		assert_true(request_retire(&things[i].request));
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

	return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
