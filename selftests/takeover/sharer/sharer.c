// SPDX-License-Identifier: GPL-2.0-only
/*
 * sharer CPU[-CPU] SECONDS MODE:SHARES:MIN:MAX... - test worlds beside Linux
 *
 * Make these worlds on each of the CPUs, wait (0: until SIGTERM), and print for
 * each world, Linux and nobody ("idle") how many thousandths of that time they ran:
 *
 *	cpu C test|host|idle ran T rounds N wrong R state S
 *
 * sharer shake CPU-CPU: change the modes of these CPUs in turns, between direct and
 * what they are otherwise, until SIGTERM; print how often, and how often a second.
 *
 * sharer bad: ioctls that must be refused; prints each that is not.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/regent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define MAX	256

static volatile sig_atomic_t stop;

static void on_signal(int unused)
{
	(void)unused;
	stop = 1;
}

static int fail(const char *what)
{
	fprintf(stderr, "sharer: %s: %s\n", what, strerror(errno));
	return 1;
}

static size_t read_all(int fd, struct regent_world *list)
{
	struct regent_world w = { 0 };
	size_t n = 0;

	while (n < MAX && !ioctl(fd, REGENT_IOC_WORLD_NEXT, &w))
		list[n++] = w;
	return n;
}

static int make(int fd, unsigned int cpu, const char *text)
{
	struct regent_test_create t = { .cpu = cpu };

	if (sscanf(text, "%u:%u:%u:%u", &t.mode, &t.shares, &t.min, &t.max) != 4)
		errno = EINVAL;
	else if (!ioctl(fd, REGENT_IOC_TEST_CREATE, &t))
		return 0;
	return fail(text);
}

static const struct regent_world *find(const struct regent_world *list, size_t n,
				       unsigned long long id)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (list[i].id == id)
			return &list[i];
	return NULL;
}

static void print(const struct regent_world *before, size_t n_before,
		  const struct regent_world *w, unsigned long long ns)
{
	static const char * const kind[] = { "test", "host", "idle" };
	const struct regent_world *b = find(before, n_before, w->id);

	printf("cpu %u %s ran %llu rounds %llu wrong %u state %u\n", w->cpu,
	       kind[w->kind % 3], (w->ran_ns - (b ? b->ran_ns : 0)) * 1000 / ns, w->rounds,
	       w->wrong, w->state);
}

static unsigned long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static int share(int fd, unsigned int first, unsigned int last, int seconds)
{
	static struct regent_world before[MAX], after[MAX];
	size_t n_before = read_all(fd, before), n, i;
	unsigned long long start = now();
	struct timespec t = { seconds ? seconds : 1000000, 0 };

	printf("ready\n");
	fflush(stdout);
	while (!stop && nanosleep(&t, &t))
		;
	n = read_all(fd, after);
	start = now() - start;
	for (i = 0; i < n; i++)
		if (after[i].cpu >= first && after[i].cpu <= last)
			print(before, n_before, &after[i], start);
	return n ? 0 : fail("no worlds");
}

static void must_fail(int fd, const char *what, unsigned long nr, void *arg, int error)
{
	if (!ioctl(fd, nr, arg))
		printf("%s was not refused\n", what);
	else if (errno != error)
		printf("%s: %s, not %s\n", what, strerror(errno), strerror(error));
}

#define CREATE(what, error, ...)						\
	do {									\
		struct regent_test_create t = { __VA_ARGS__ };	\
		must_fail(fd, what, REGENT_IOC_TEST_CREATE, &t, error);		\
	} while (0)

static int bad(int fd)
{
	struct regent_world w = { .id = ~0ull };

	CREATE("no such CPU", ENXIO, .shares = 1, .cpu = 4096, .max = 1000);
	CREATE("CPU ~0", ENXIO, .shares = 1, .cpu = ~0u, .max = 1000);
	CREATE("mode 5", EINVAL, .shares = 1, .mode = 5, .max = 1000);
	CREATE("no shares", EINVAL, .shares = 0, .max = 1000);
	CREATE("too many shares", EINVAL, .shares = 65537, .max = 1000);
	CREATE("max 0", EINVAL, .shares = 1, .max = 0);
	CREATE("max 1001", EINVAL, .shares = 1, .max = 1001);
	CREATE("min above max", EINVAL, .shares = 1, .min = 500, .max = 400);
	CREATE("min 65536", EINVAL, .shares = 1, .min = 65536, .max = 1000);
	CREATE("min 950", ENOSPC, .shares = 1, .min = 950, .max = 1000);
	CREATE("reserved", EINVAL, .shares = 1, .reserved = 1, .max = 1000);
	must_fail(fd, "world 0", REGENT_IOC_TEST_DESTROY, NULL, ENOENT);
	must_fail(fd, "world 1", REGENT_IOC_TEST_DESTROY, (void *)1, ENOENT);
	must_fail(fd, "world ~0", REGENT_IOC_TEST_DESTROY, (void *)~0ul, ENOENT);
	must_fail(fd, "another ioctl", _IO(0xb7, 99), NULL, ENOTTY);
	must_fail(fd, "no memory", REGENT_IOC_TEST_CREATE, NULL, EFAULT);
	must_fail(fd, "no memory to list", REGENT_IOC_WORLD_NEXT, (void *)1, EFAULT);
	must_fail(fd, "after the last", REGENT_IOC_WORLD_NEXT, &w, ENOENT);
	return 0;
}

static int set_mode(unsigned int cpu, const char *mode)
{
	char path[64];
	int fd, rc;

	snprintf(path, sizeof(path), "/sys/kernel/regent/cpu%u/mode", cpu);
	fd = open(path, O_WRONLY);
	rc = fd < 0 || write(fd, mode, strlen(mode)) < 0 ? fail(path) : 0;
	close(fd);
	return rc;
}

static int shake(unsigned int first, unsigned int last)
{
	unsigned long long start = now(), n = 0;
	unsigned int cpu = first;

	while (!stop) {
		if (set_mode(cpu, "direct") || set_mode(cpu, "auto"))
			return 1;
		n += 2;
		cpu = cpu < last ? cpu + 1 : first;
	}
	printf("%llu changes, %llu a second\n", n,
	       n * 1000000000 / (now() - start));
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int first, last, cpu;
	int fd, i;

	signal(SIGTERM, on_signal);
	if (argc == 3 && !strcmp(argv[1], "shake") &&
	    sscanf(argv[2], "%u-%u", &first, &last) == 2)
		return shake(first, last);
	fd = open("/dev/regent", O_RDWR);
	if (fd < 0)
		return fail("/dev/regent");
	if (argc == 2 && !strcmp(argv[1], "bad"))
		return bad(fd);
	if (argc < 4 || sscanf(argv[1], "%u-%u", &first, &last) < 1)
		return 2;
	if (!strchr(argv[1], '-'))
		last = first;
	for (cpu = first; cpu <= last; cpu++)
		for (i = 3; i < argc; i++)
			if (make(fd, cpu, argv[i]))
				return 1;
	return share(fd, first, last, atoi(argv[2]));
}
