// SPDX-License-Identifier: GPL-2.0-only
/* load_worker NAME SECONDS: run one worker until the time is over or SIGTERM. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

static const struct worker workers[] = {
	{ "files", run_files },
	{ "nanosleep", run_nanosleep },
	{ "timerfd", run_timerfd },
	{ "itimer", run_itimer },
	{ "signals", run_signals },
	{ "exec", run_exec },
	{ "pipes", run_pipes },
	{ "memory", run_memory },
	{ "cow", run_cow },
	{ "fpu", run_fpu },
	{ "threads", run_threads },
	{ "tsc", run_tsc },
};

static const char *name;
static atomic_ullong operations;
static int64_t end_ns;
static volatile sig_atomic_t stopped;

int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

bool running(void)
{
	return !stopped && (!end_ns || now_ns() < end_ns);
}

void count(uint64_t n)
{
	atomic_fetch_add(&operations, n);
}

void fail(const char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	printf("%s: FAILED after %llu operations: %s\n", name,
	       (unsigned long long)atomic_load(&operations), text);
	fflush(stdout);
	_exit(1);
}

int cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

/* Without success, where that CPU is offline: the worker then runs anywhere. */
void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* fork() whose child does not outlive its parent. */
int spawn(void)
{
	int pid = fork();

	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

void reap(int pid, const char *who)
{
	int status, got;

	do {
		got = waitpid(pid, &status, 0);
	} while (got < 0 && errno == EINTR);
	if (got != pid)
		fail("waiting for %s: %s", who, strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail("%s ended with status 0x%x", who, status);
}

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

/* System calls are restarted: workers ask running() often enough. */
static void catch_stop(void)
{
	struct sigaction action = { .sa_handler = stop, .sa_flags = SA_RESTART };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	size_t i, known = sizeof(workers) / sizeof(workers[0]);

	if (argc == 3 && !strcmp(argv[1], "--exec-child"))
		return exec_child(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "--list")) {
		for (i = 0; i < known; i++)
			puts(workers[i].name);
		return 0;
	}
	for (i = 0; argc == 3 && i < known && strcmp(workers[i].name, argv[1]); i++)
		;
	if (argc != 3 || i == known) {
		fprintf(stderr, "usage: load_worker NAME SECONDS | --list\n");
		return 2;
	}
	name = argv[1];
	if (atoi(argv[2]))
		end_ns = now_ns() + atoi(argv[2]) * NSEC_PER_SEC;
	catch_stop();
	workers[i].run();
	printf("%s: %llu operations, verified\n", name,
	       (unsigned long long)atomic_load(&operations));
	return 0;
}
