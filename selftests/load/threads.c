// SPDX-License-Identifier: GPL-2.0-only
/* Threads: contended counters must come out exact; the TSC must not go back. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "load.h"

#define MAX_THREADS	64
#define ROUNDS		2000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;
static uint64_t under_lock;
static atomic_ullong without_lock;

static void *contend(void *unused)
{
	int i;

	pthread_barrier_wait(&barrier);
	for (i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&lock);
		under_lock++;
		/* Holding it across a yield makes the others wait in the futex. */
		if (i % 64 == 0)
			sched_yield();
		pthread_mutex_unlock(&lock);
		atomic_fetch_add(&without_lock, 1);
	}
	return unused;
}

static void start(pthread_t *thread, void *(*body)(void *), void *argument)
{
	int err = pthread_create(thread, NULL, body, argument);

	if (err)
		fail("pthread_create: %s", strerror(err));
}

void run_threads(void)
{
	pthread_t thread[MAX_THREADS];
	int n = cpus() + 1, i;
	uint64_t expected;

	if (n > MAX_THREADS)
		n = MAX_THREADS;
	while (running()) {
		under_lock = 0;
		atomic_store(&without_lock, 0);
		pthread_barrier_init(&barrier, NULL, n);
		for (i = 0; i < n; i++)
			start(&thread[i], contend, NULL);
		for (i = 0; i < n; i++)
			pthread_join(thread[i], NULL);
		pthread_barrier_destroy(&barrier);
		expected = (uint64_t)n * ROUNDS;
		if (under_lock != expected || atomic_load(&without_lock) != expected)
			fail("counted %llu and %llu of %llu",
			     (unsigned long long)under_lock,
			     (unsigned long long)atomic_load(&without_lock),
			     (unsigned long long)expected);
		count(expected);
	}
}

static uint64_t read_tsc(void)
{
	uint32_t low, high;

	asm volatile("lfence; rdtsc; lfence" : "=a" (low), "=d" (high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* Short rests: a spinning thread a CPU would leave nothing to the others. */
static void *watch_tsc(void *cpu)
{
	struct timespec rest = { 0, 2000000 };
	uint64_t last, now;
	int i;

	pin((int)(intptr_t)cpu);
	last = read_tsc();
	while (running()) {
		for (i = 0; i < 1000; i++) {
			now = read_tsc();
			if (now < last)
				fail("TSC of CPU %d went from %llu back to %llu",
				     (int)(intptr_t)cpu, (unsigned long long)last,
				     (unsigned long long)now);
			last = now;
		}
		count(1000);
		nanosleep(&rest, NULL);
	}
	return NULL;
}

void run_tsc(void)
{
	pthread_t thread[MAX_THREADS];
	int n = cpus(), i;

	if (n > MAX_THREADS)
		n = MAX_THREADS;
	for (i = 0; i < n; i++)
		start(&thread[i], watch_tsc, (void *)(intptr_t)i);
	for (i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
}
