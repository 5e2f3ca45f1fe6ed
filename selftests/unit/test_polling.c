// SPDX-License-Identifier: GPL-2.0-only
/*
 * An idle thread's flags, with a waker like Linux's: set NEED_RESCHED, and send an
 * interrupt only if the thread was not polling.
 */
#include <pthread.h>
#include <sched.h>
#include <regent/polling.h>
#include "unit.h"

#define RESCHED	(1ull << 3)
#define LAZY	(1ull << 4)
#define POLLING	(1ull << 21)
#define OTHER	(1ull << 40)

static void one_by_one(void **state)
{
	u64 flags = POLLING | OTHER;

	(void)state;
	assert_true(polling_stop(&flags, POLLING, RESCHED | LAZY));
	assert_int_equal(flags, OTHER);
	flags |= RESCHED;
	polling_again(&flags, POLLING);
	assert_int_equal(flags, POLLING | OTHER | RESCHED);
	assert_false(polling_stop(&flags, POLLING, RESCHED | LAZY));
	assert_int_equal(flags, POLLING | OTHER | RESCHED);
	flags = POLLING | LAZY;
	assert_false(polling_stop(&flags, POLLING, RESCHED | LAZY));
	assert_int_equal(flags, POLLING | LAZY);
	/* Not polling: it is another MWAIT, and the flags are not K's to change. */
	flags = OTHER;
	assert_false(polling_stop(&flags, POLLING, RESCHED | LAZY));
	assert_int_equal(flags, OTHER);
}

#define ROUNDS	20000

static u64 flags;
static u32 interrupts;

static void *waker(void *unused)
{
	u32 i;

	(void)unused;
	for (i = 0; i < ROUNDS; i++) {
		if (!(__atomic_fetch_or(&flags, RESCHED, __ATOMIC_SEQ_CST) & POLLING))
			__atomic_add_fetch(&interrupts, 1, __ATOMIC_SEQ_CST);
		/* Until it has been seen: each wake-up counts. */
		while (__atomic_load_n(&flags, __ATOMIC_SEQ_CST) & RESCHED)
			sched_yield();
	}
	return NULL;
}

/* The idle thread: K waits for an interrupt only, which must come. */
static void no_wakeup_is_lost(void **state)
{
	pthread_t thread;
	u32 i, seen = 0;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, waker, NULL), 0);
	for (i = 0; i < ROUNDS; i++) {
		__atomic_fetch_or(&flags, POLLING, __ATOMIC_SEQ_CST);
		while (!(__atomic_load_n(&flags, __ATOMIC_SEQ_CST) & RESCHED)) {
			if (!polling_stop(&flags, POLLING, RESCHED))
				continue;
			while (__atomic_load_n(&interrupts, __ATOMIC_SEQ_CST) == seen)
				sched_yield();
			polling_again(&flags, POLLING);
		}
		seen = __atomic_load_n(&interrupts, __ATOMIC_SEQ_CST);
		/* As Linux does: no more polling, then the work. */
		__atomic_fetch_and(&flags, ~POLLING, __ATOMIC_SEQ_CST);
		__atomic_fetch_and(&flags, ~RESCHED, __ATOMIC_SEQ_CST);
	}
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_by_one),
		cmocka_unit_test(no_wakeup_is_lost),
	};

	return cmocka_run_group_tests_name("polling", tests, NULL, NULL);
}
