// SPDX-License-Identifier: GPL-2.0-only
/* Processes: fork, exec, wait; and pipes between processes on two CPUs. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#define STREAM_BYTES	(256 * 1024)

/* The new program proves that it runs: its exit status depends on its text. */
int exec_child(const char *text)
{
	return (atoi(text) * 7 + 3) & 0x7f;
}

/* The new program has no handler: a SIGTERM for the whole group must wait. */
static void block_stop(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

void run_exec(void)
{
	char text[16];
	int i, pid, status;

	for (i = 0; running(); i++) {
		snprintf(text, sizeof(text), "%d", i);
		pid = spawn();
		if (!pid) {
			block_stop();
			execl("/proc/self/exe", "load_worker", "--exec-child", text, NULL);
			_exit(0x7e);
		}
		while (waitpid(pid, &status, 0) != pid)
			if (errno != EINTR)
				fail("waitpid: %s", strerror(errno));
		if (!WIFEXITED(status) || WEXITSTATUS(status) != ((i * 7 + 3) & 0x7f))
			fail("child %d ended with status 0x%x", i, status);
		count(1);
	}
}

static void write_stream(int fd, uint64_t seed)
{
	uint64_t block[512], random = seed;
	size_t sent, at, len, i;
	ssize_t n;

	for (sent = 0; sent < STREAM_BYTES; sent += len) {
		len = 8 * (1 + next_random(&random) % 512);
		for (i = 0; i < len / 8; i++)
			block[i] = next_random(&random);
		for (at = 0; at < len; at += n) {
			n = write(fd, (char *)block + at, len - at);
			if (n < 0 && errno != EINTR)
				fail("write to a pipe: %s", strerror(errno));
			if (n < 0)
				n = 0;
		}
	}
}

static void read_all(int fd, void *to, size_t len)
{
	size_t at;
	ssize_t n;

	for (at = 0; at < len; at += n) {
		n = read(fd, (char *)to + at, len - at);
		if (!n)
			fail("pipe ended %zu bytes early", len - at);
		if (n < 0 && errno != EINTR)
			fail("read from a pipe: %s", strerror(errno));
		if (n < 0)
			n = 0;
	}
}

static void read_stream(int fd, uint64_t seed)
{
	uint64_t block[512], random = seed, expected;
	size_t got, len, i;
	char extra;

	for (got = 0; got < STREAM_BYTES; got += len) {
		len = 8 * (1 + next_random(&random) % 512);
		read_all(fd, block, len);
		for (i = 0; i < len / 8; i++) {
			expected = next_random(&random);
			if (block[i] != expected)
				fail("pipe at %zu: 0x%llx is not 0x%llx", got + i * 8,
				     (unsigned long long)block[i],
				     (unsigned long long)expected);
		}
	}
	if (read(fd, &extra, 1) != 0)
		fail("pipe has more than was written");
}

void run_pipes(void)
{
	int n = cpus(), fd[2], pid, turn;

	for (turn = 0; running(); turn++) {
		uint64_t seed = 0x9e3779b97f4a7c15ULL * (turn + 1);

		if (pipe(fd))
			fail("pipe: %s", strerror(errno));
		pid = spawn();
		if (!pid) {
			close(fd[0]);
			pin(turn % n);
			write_stream(fd[1], seed);
			_exit(0);
		}
		close(fd[1]);
		pin((turn + 1 + turn / n % n) % n);
		read_stream(fd[0], seed);
		close(fd[0]);
		reap(pid, "the writer");
		count(1);
	}
}
