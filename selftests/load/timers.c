// SPDX-License-Identifier: GPL-2.0-only
/* Timers: none may fire early, none may get lost. Late is not an error here. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "load.h"

#define TIMERFD_PERIOD_NS	(5 * 1000 * 1000LL)

void run_nanosleep(void)
{
	uint64_t random = 0x9e3779b97f4a7c15ULL;

	while (running()) {
		int64_t asked = 1000 + next_random(&random) % 3000000, start, slept;
		struct timespec request = { 0, asked };
		int interrupted;

		start = now_ns();
		interrupted = clock_nanosleep(CLOCK_MONOTONIC, 0, &request, NULL);
		slept = now_ns() - start;
		if (interrupted == EINTR)
			continue;
		if (interrupted)
			fail("clock_nanosleep: %s", strerror(interrupted));
		if (slept < asked)
			fail("slept %lld ns of %lld", (long long)slept, (long long)asked);
		count(1);
	}
}

static void arm_periodic(int fd, int64_t start)
{
	int64_t first = start + TIMERFD_PERIOD_NS;
	struct itimerspec timer = {
		.it_interval = { 0, TIMERFD_PERIOD_NS },
		.it_value = { first / NSEC_PER_SEC, first % NSEC_PER_SEC },
	};

	if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &timer, NULL))
		fail("timerfd_settime: %s", strerror(errno));
}

/*
 * A read of a periodic timer returns all periods that passed since the last
 * read, so their sum is known exactly but for the time the read itself took.
 */
void run_timerfd(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	int64_t start = now_ns(), before, after;
	uint64_t sum = 0, n;

	if (fd < 0)
		fail("timerfd_create: %s", strerror(errno));
	arm_periodic(fd, start);
	while (running()) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int ready = poll(&p, 1, PATIENCE_SEC * 1000);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready != 1)
			fail("timer lost: nothing for %d s", PATIENCE_SEC);
		before = now_ns();
		if (read(fd, &n, sizeof(n)) != sizeof(n))
			fail("reading the timer: %s", strerror(errno));
		after = now_ns();
		sum += n;
		if ((int64_t)sum > (after - start) / TIMERFD_PERIOD_NS)
			fail("%llu periods in %lld ns: early", (unsigned long long)sum,
			     (long long)(after - start));
		if ((int64_t)sum < (before - start) / TIMERFD_PERIOD_NS)
			fail("%llu periods in %lld ns: lost", (unsigned long long)sum,
			     (long long)(before - start));
		count(n);
	}
	close(fd);
}

static void one_alarm(const sigset_t *set, int64_t asked_us)
{
	struct itimerval timer = { .it_value = { 0, asked_us } };
	struct timespec patience = { PATIENCE_SEC, 0 };
	int64_t start = now_ns(), took;

	if (setitimer(ITIMER_REAL, &timer, NULL))
		fail("setitimer: %s", strerror(errno));
	while (sigtimedwait(set, NULL, &patience) != SIGALRM)
		if (errno != EINTR)
			fail("alarm of %lld us lost: %s", (long long)asked_us,
			     strerror(errno));
	took = now_ns() - start;
	if (took < asked_us * 1000)
		fail("alarm of %lld us after %lld ns", (long long)asked_us,
		     (long long)took);
}

void run_itimer(void)
{
	uint64_t random = 0x2545f4914f6cdd1dULL;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	while (running()) {
		one_alarm(&set, 100 + next_random(&random) % 5000);
		count(1);
	}
}
