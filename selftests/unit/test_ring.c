// SPDX-License-Identifier: GPL-2.0-only
/* The event ring: order, a full ring, lies in the indexes, two threads. */
#include <pthread.h>
#include <sched.h>
#include <regent/ring.h>
#include "unit.h"

static struct regent_event event_of(u32 n)
{
	struct regent_event ev = {
		.type = REGENT_EV_HIDDEN_READ, .cpu = n,
		.a = n * 3ull, .b = ~(u64)n, .tsc = (u64)n << 32,
	};

	return ev;
}

static void assert_event(const struct regent_event *ev, u32 n)
{
	struct regent_event want = event_of(n);

	assert_memory_equal(ev, &want, sizeof(want));
}

static void put(struct regent_ring *ring, u32 *head, u32 n)
{
	struct regent_event ev = event_of(n);

	assert_true(ring_put(ring, head, &ev));
}

static void get(struct regent_ring *ring, u32 *tail, u32 n)
{
	struct regent_event ev;

	assert_true(ring_get(ring, tail, &ev));
	assert_event(&ev, n);
}

static void starts_empty(void **state)
{
	struct regent_ring ring;
	struct regent_event ev;
	u32 tail = 0;

	(void)state;
	memset(&ring, 0xff, sizeof(ring));
	ring_init(&ring);
	assert_false(ring_get(&ring, &tail, &ev));
	assert_int_equal(tail, 0);
	assert_int_equal(ring.lost, 0);
	assert_int_equal(ring.entry[REGENT_RING_ENTRIES - 1].type, 0);
}

static void full_ring_counts_lost(void **state)
{
	struct regent_event ev = event_of(99);
	struct regent_ring ring;
	u32 head = 0, tail = 0, i;

	(void)state;
	ring_init(&ring);
	for (i = 0; i < REGENT_RING_ENTRIES; i++)
		put(&ring, &head, i);
	assert_false(ring_put(&ring, &head, &ev));
	assert_false(ring_put(&ring, &head, &ev));
	assert_int_equal(ring.lost, 2);
	get(&ring, &tail, 0);
	put(&ring, &head, REGENT_RING_ENTRIES);
	for (i = 1; i <= REGENT_RING_ENTRIES; i++)
		get(&ring, &tail, i);
	assert_false(ring_get(&ring, &tail, &ev));
}

/* Free running indexes: the slot after 0xffffffff is slot 0. */
static void indexes_wrap(void **state)
{
	struct regent_ring ring;
	u32 head = 0xfffffff0, tail = 0xfffffff0, i, j;

	(void)state;
	ring_init(&ring);
	ring.head = head;
	ring.tail = tail;
	for (i = 0; i < 100; i++) {
		for (j = 0; j < i % REGENT_RING_ENTRIES; j++)
			put(&ring, &head, i + j);
		for (j = 0; j < i % REGENT_RING_ENTRIES; j++)
			get(&ring, &tail, i + j);
	}
	assert_int_equal(ring.lost, 0);
	assert_true(head < 0xfffffff0);
}

static void lying_tail_does_not_hurt_producer(void **state)
{
	struct regent_event ev = event_of(1);
	struct regent_ring ring;
	u32 head = 7, i, puts = 0;
	u64 seed = 1;

	(void)state;
	ring_init(&ring);
	ring.tail = head + 1;		/* more taken than was ever put */
	assert_false(ring_put(&ring, &head, &ev));
	ring.tail = head - REGENT_RING_ENTRIES - 1;
	assert_false(ring_put(&ring, &head, &ev));
	assert_int_equal(ring.lost, 2);
	ring.tail = head - REGENT_RING_ENTRIES + 1;
	assert_true(ring_put(&ring, &head, &ev));
	assert_int_equal(head, 8);
	for (i = 0; i < 10000; i++) {
		ring.tail = head + (u32)unit_below(&seed, 100) - 50;
		ring.head = unit_random(&seed);	/* not the producer's word */
		puts += ring_put(&ring, &head, &ev);
	}
	assert_true(puts > 0);
	assert_int_equal(head, 8 + puts);
	assert_int_equal(ring.lost, 2 + 10000 - puts);
}

static void lying_head_resynchronizes_consumer(void **state)
{
	struct regent_event ev;
	struct regent_ring ring;
	u32 tail = 5, i;
	u64 seed = 2;

	(void)state;
	ring_init(&ring);
	ring.head = tail + 1000;
	for (i = 0; i < REGENT_RING_ENTRIES; i++)
		assert_true(ring_get(&ring, &tail, &ev));
	assert_int_equal(tail, 1005);
	assert_int_equal(ring.tail, 1005);
	assert_false(ring_get(&ring, &tail, &ev));
	ring.head = tail + REGENT_RING_ENTRIES + 1;	/* one too many */
	assert_true(ring_get(&ring, &tail, &ev));
	assert_int_equal(tail, 1005 + 2);
	ring.head = tail - 1;		/* gone backwards */
	assert_true(ring_get(&ring, &tail, &ev));
	assert_int_equal(tail, 1006 - REGENT_RING_ENTRIES + 1);
	for (i = 0; i < 10000; i++) {
		ring.head = unit_random(&seed);
		ring.tail = unit_random(&seed);	/* not the consumer's word */
		if (ring_get(&ring, &tail, &ev))
			assert_int_equal(ring.tail, tail);
	}
}

#define STRESS	200000

static void *produce(void *arg)
{
	struct regent_ring *ring = arg;
	u32 head = 0, n = 0;

	while (n < STRESS) {
		struct regent_event ev = event_of(n);

		if (ring_put(ring, &head, &ev))
			n++;
		else
			sched_yield();
	}
	return NULL;
}

static void two_threads(void **state)
{
	struct regent_event ev;
	struct regent_ring ring;
	pthread_t thread;
	u32 tail = 0, n = 0;

	(void)state;
	ring_init(&ring);
	assert_int_equal(pthread_create(&thread, NULL, produce, &ring), 0);
	while (n < STRESS) {
		if (ring_get(&ring, &tail, &ev))
			assert_event(&ev, n++);
		else
			sched_yield();
	}
	pthread_join(thread, NULL);
	assert_false(ring_get(&ring, &tail, &ev));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_empty),
		cmocka_unit_test(full_ring_counts_lost),
		cmocka_unit_test(indexes_wrap),
		cmocka_unit_test(lying_tail_does_not_hurt_producer),
		cmocka_unit_test(lying_head_resynchronizes_consumer),
		cmocka_unit_test(two_threads),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
