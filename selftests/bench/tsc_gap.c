// SPDX-License-Identifier: GPL-2.0-only
/*
 * tsc_gap [--seconds S] [--spin US] [--rest US] [-- COMMAND...]
 *
 * How long was a CPU away from its programs? A thread bound to each CPU reads
 * the TSC without pause and keeps the longest gap between two readings. It
 * runs at real-time priority, so that other programs are no gap; what is left
 * are interrupts, stop_machine, and whoever is beneath the kernel.
 *
 * So that the kernel and COMMAND get their share, the threads spin for some
 * time and rest for some time, in turns. A pause that falls into the rest is
 * seen all the same: the thread then wakes late, and that counts as a gap.
 * Beware: every gap contains what the host of an emulator takes; compare with
 * the same command without Regent.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_CPUS	256
#define NSEC_PER_SEC	1000000000LL

struct watcher {
	pthread_t thread;
	int cpu;
	bool started, real_time;
	uint64_t gap, gap_at;		/* in ticks: longest between two readings */
	uint64_t readings;
	int64_t late, late_at;		/* in ns: latest wake-up */
};

static struct watcher watchers[MAX_CPUS];
static volatile bool stop;
static long spin_us = 1000, rest_us = 4000, seconds;
static double ticks_per_ns;
static uint64_t tsc_start;
static int64_t ns_start;

static inline uint64_t tsc(void)
{
	uint32_t low, high;

	asm volatile("lfence; rdtsc" : "=a" (low), "=d" (high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

static void calibrate(void)
{
	struct timespec t = { 0, 200000000 };

	tsc_start = tsc();
	ns_start = now_ns();
	nanosleep(&t, NULL);
	ticks_per_ns = (double)(tsc() - tsc_start) / (now_ns() - ns_start);
}

static void spin(struct watcher *w, uint64_t ticks)
{
	uint64_t last = tsc(), end = last + ticks, now;

	do {
		now = tsc();
		if (now - last > w->gap) {
			w->gap = now - last;
			w->gap_at = last - tsc_start;
		}
		last = now;
		w->readings++;
	} while (now < end);
}

static void rest(struct watcher *w)
{
	int64_t due = now_ns() + rest_us * 1000, late;
	struct timespec t = { due / NSEC_PER_SEC, due % NSEC_PER_SEC };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
		;
	late = now_ns() - due;
	if (late > w->late) {
		w->late = late;
		w->late_at = due - ns_start;
	}
}

static void *watch(void *arg)
{
	struct watcher *w = arg;
	struct sched_param priority = { .sched_priority = 10 };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(w->cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return NULL;
	w->real_time = !sched_setscheduler(0, SCHED_FIFO, &priority);
	/* The first turn meets cold code and pages: it does not count. */
	rest(w);
	spin(w, spin_us * 1000 * ticks_per_ns);
	w->gap = 0;
	w->late = 0;
	w->started = true;
	while (!stop) {
		spin(w, spin_us * 1000 * ticks_per_ns);
		rest(w);
	}
	return NULL;
}

static int run_command(char **argv)
{
	int pid = fork(), status;

	if (!pid) {
		execvp(argv[0], argv);
		fprintf(stderr, "tsc_gap: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	while (waitpid(pid, &status, 0) != pid)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int watch_all(int cpus, char **command)
{
	int64_t end = now_ns() + seconds * NSEC_PER_SEC;
	int i, status = 0;

	for (i = 0; i < cpus; i++) {
		watchers[i].cpu = i;
		if (pthread_create(&watchers[i].thread, NULL, watch, &watchers[i])) {
			fprintf(stderr, "tsc_gap: no thread for CPU %d\n", i);
			exit(2);
		}
	}
	usleep(100000);
	if (*command)
		status = run_command(command);
	while (now_ns() < end)
		usleep(10000);
	stop = true;
	for (i = 0; i < cpus; i++)
		pthread_join(watchers[i].thread, NULL);
	return status;
}

static void report(int cpus)
{
	double longest = 0, gap;
	int i;

	for (i = 0; i < cpus; i++) {
		struct watcher *w = &watchers[i];

		if (!w->started) {
			printf("cpu%d offline\n", i);
			continue;
		}
		gap = w->gap / ticks_per_ns;
		printf("cpu%d longest_gap_ns %.0f at_s %.3f latest_wakeup_ns %lld at_s %.3f "
		       "readings %llu%s\n", i, gap, w->gap_at / ticks_per_ns / 1e9,
		       (long long)w->late, w->late_at / 1e9,
		       (unsigned long long)w->readings,
		       w->real_time ? "" : " (NOT at real-time priority)");
		longest = gap > longest ? gap : longest;
		longest = w->late > longest ? w->late : longest;
	}
	printf("longest_ns %.0f\n", longest);
}

static void usage(void)
{
	fprintf(stderr, "usage: tsc_gap [--seconds S] [--spin US] [--rest US] [-- COMMAND...]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	int cpus = sysconf(_SC_NPROCESSORS_CONF), i, status;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i += 2) {
		if (i + 1 == argc)
			usage();
		if (!strcmp(argv[i], "--seconds"))
			seconds = atol(argv[i + 1]);
		else if (!strcmp(argv[i], "--spin"))
			spin_us = atol(argv[i + 1]);
		else if (!strcmp(argv[i], "--rest"))
			rest_us = atol(argv[i + 1]);
		else
			usage();
	}
	i += i < argc;
	if ((i >= argc && seconds <= 0) || cpus > MAX_CPUS)
		usage();
	mlockall(MCL_CURRENT | MCL_FUTURE);
	calibrate();
	status = watch_all(cpus, argv + (i < argc ? i : argc));
	report(cpus);
	return status;
}
