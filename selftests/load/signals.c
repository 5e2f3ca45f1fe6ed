// SPDX-License-Identifier: GPL-2.0-only
/* Signals: every queued one arrives once, in order, with its value. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#define ROUND	200

static void block(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGRTMIN);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGUSR2);
	sigprocmask(SIG_BLOCK, set, NULL);
}

static void wait_for(int sig, siginfo_t *info)
{
	struct timespec patience = { PATIENCE_SEC, 0 };
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, sig);
	do {
		got = sigtimedwait(&set, info, &patience);
	} while (got < 0 && errno == EINTR);
	if (got != sig)
		fail("signal %d lost: %s", sig, strerror(errno));
}

/* The plain signal ends the round: after it nothing may be pending. */
static void receive_round(int sender)
{
	sigset_t pending;
	siginfo_t info;
	int i;

	for (i = 0; i < ROUND; i++) {
		wait_for(SIGRTMIN, &info);
		if (info.si_value.sival_int != i || info.si_pid != sender)
			fail("signal %d of the round came as %d from %d", i,
			     info.si_value.sival_int, info.si_pid);
	}
	wait_for(SIGUSR1, &info);
	sigpending(&pending);
	if (sigismember(&pending, SIGRTMIN) || sigismember(&pending, SIGUSR1))
		fail("more signals than were sent");
	kill(sender, SIGUSR2);
}

static void send_round(int receiver)
{
	union sigval value;
	siginfo_t info;
	int i;

	for (i = 0; i < ROUND; i++) {
		value.sival_int = i;
		while (sigqueue(receiver, SIGRTMIN, value)) {
			if (errno != EAGAIN)
				fail("sigqueue: %s", strerror(errno));
			sched_yield();
		}
	}
	if (kill(receiver, SIGUSR1))
		fail("kill: %s", strerror(errno));
	wait_for(SIGUSR2, &info);
	if (info.si_pid != receiver)
		fail("answer from %d", info.si_pid);
}

/* A child serves ten rounds and ends by itself: none is lost to a kill. */
void run_signals(void)
{
	sigset_t set;
	int parent = getpid(), child, i;

	block(&set);
	while (running()) {
		child = spawn();
		if (!child) {
			for (i = 0; i < 10; i++)
				receive_round(parent);
			_exit(0);
		}
		for (i = 0; i < 10; i++)
			send_round(child);
		reap(child, "the receiver");
		count(10 * (ROUND + 2));
	}
}
