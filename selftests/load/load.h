/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A load that checks itself. A worker runs until running() says no, counts its
 * operations, and calls fail() at the first thing that is not as it must be.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define NSEC_PER_SEC	1000000000LL

/* How long to wait for what must come: an emulated CPU can be away for seconds. */
#define PATIENCE_SEC	120

struct worker {
	const char *name;
	void (*run)(void);
};

/* main.c */
bool running(void);
void count(uint64_t operations);
void fail(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
int64_t now_ns(void);
int cpus(void);
void pin(int cpu);
int spawn(void);
void reap(int pid, const char *who);

/* A stream both ends of a pipe can compute. */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* sha256.c */
void sha256(const void *data, size_t len, uint8_t digest[32]);

/* The workers, each in the file of its subject. */
void run_files(void);
void run_nanosleep(void);
void run_timerfd(void);
void run_itimer(void);
void run_signals(void);
void run_exec(void);
void run_pipes(void);
void run_memory(void);
void run_cow(void);
void run_fpu(void);
void run_threads(void);
void run_tsc(void);

int exec_child(const char *text);

#endif
