// SPDX-License-Identifier: GPL-2.0-only
/*
 * sharer CPU[-CPU] SECONDS MODE:SHARES:MIN:MAX[:NAP_US]... - test worlds beside Linux
 *
 * Make these worlds on each of the CPUs, wait (0: until SIGTERM), and print for
 * each world, Linux and nobody ("idle") how many thousandths of that time they ran:
 *
 *	cpu C test|host|idle ran T rounds N moves M wrong R state S
 *
 * sharer spread CPU-CPU SECONDS MODE:...: make these worlds on the first CPU, let
 * them run on all of them, and print the same.
 *
 * sharer toss CPU-CPU SECONDS MODE:...: put them on one of the CPUs, then on another
 * one, and so on; print how often, and the same.
 *
 * sharer pair CPU CPU SECONDS: two worlds of mode 5 that wake each other and then
 * wait; print the same.
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

/* Returns its id, 0 after a complaint. */
static unsigned long long make(int fd, unsigned int cpu, const char *text,
			       unsigned long long allowed)
{
	struct regent_test_create t = { .cpu = cpu };
	struct regent_test_set set = { .allowed = allowed };
	unsigned long long nap_us = 0;

	errno = EINVAL;
	if (sscanf(text, "%u:%u:%u:%u:%llu", &t.mode, &t.shares, &t.min, &t.max, &nap_us) >= 4 &&
	    !ioctl(fd, REGENT_IOC_TEST_CREATE, &t)) {
		set.id = t.id;
		set.nap_ns = nap_us * 1000;
		if (!(allowed || nap_us) || !ioctl(fd, REGENT_IOC_TEST_SET, &set))
			return t.id;
	}
	fail(text);
	return 0;
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

	printf("cpu %u %s ran %llu rounds %llu moves %llu wrong %u state %u\n", w->cpu,
	       kind[w->kind % 3], (w->ran_ns - (b ? b->ran_ns : 0)) * 1000 / ns, w->rounds,
	       w->moves, w->wrong, w->state);
}

static unsigned long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* Put each world on a CPU of its own choice, in turns, until the time is over. */
static int toss(int fd, const struct regent_world *list, size_t n, unsigned int first,
		unsigned int last, unsigned long long until)
{
	unsigned long long tosses = 0;

	while (!stop && now() < until) {
		const struct regent_world *w = &list[tosses % n];
		struct regent_test_set set = {
			.id = w->id,
			.allowed = 1ull << (first + tosses * 7 / n % (last - first + 1)),
		};

		if (w->kind == REGENT_WORLD_KIND_TEST && ioctl(fd, REGENT_IOC_TEST_SET, &set))
			return fail("toss");
		tosses++;
	}
	printf("tosses %llu\n", tosses);
	return 0;
}

static int share(int fd, unsigned int first, unsigned int last, int seconds, int tossing)
{
	static struct regent_world before[MAX], after[MAX];
	size_t n_before = read_all(fd, before), n, i;
	unsigned long long start = now();
	struct timespec t = { seconds ? seconds : 1000000, 0 };

	printf("ready\n");
	fflush(stdout);
	if (tossing && toss(fd, before, n_before, first, last, start + t.tv_sec * 1000000000ull))
		return 1;
	while (!tossing && !stop && nanosleep(&t, &t))
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

#define SET(what, error, ...)							\
	do {									\
		struct regent_test_set t = { __VA_ARGS__ };		\
		must_fail(fd, what, REGENT_IOC_TEST_SET, &t, error);		\
	} while (0)

/* Requests about a world that is there; it stays as it was. */
static int bad_of_own(int fd)
{
	unsigned long long id = make(fd, 1, "5:1:0:1000", 0);

	if (!id)
		return 1;
	SET("no CPU that is there", ENXIO, .id = id, .allowed = 1ull << 63);
	if (ioctl(fd, REGENT_IOC_TEST_WAKE, id) || ioctl(fd, REGENT_IOC_TEST_DESTROY, id))
		return fail("a world that naps");
	must_fail(fd, "destroyed already", REGENT_IOC_TEST_DESTROY, (void *)id, ENOENT);
	return 0;
}

static int bad(int fd)
{
	struct regent_world w = { .id = ~0ull };

	CREATE("no such CPU", ENXIO, .shares = 1, .cpu = 4096, .max = 1000);
	CREATE("CPU ~0", ENXIO, .shares = 1, .cpu = ~0u, .max = 1000);
	CREATE("mode 7", EINVAL, .shares = 1, .mode = 7, .max = 1000);
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
	SET("set world 0", ENOENT, .id = 0);
	SET("set world 1", ENOENT, .id = 1);
	SET("set reserved", EINVAL, .id = 1, .reserved = 1);
	SET("set a long nap", EINVAL, .id = 1, .nap_ns = 1ull << 48);
	SET("set a waker beyond all", EINVAL, .id = 1, .wakes = 65535);
	must_fail(fd, "wake world 0", REGENT_IOC_TEST_WAKE, NULL, ENOENT);
	must_fail(fd, "wake world 1", REGENT_IOC_TEST_WAKE, (void *)1, ENOENT);
	must_fail(fd, "no memory to set", REGENT_IOC_TEST_SET, (void *)1, EFAULT);
	must_fail(fd, "another ioctl", _IO(0xb7, 99), NULL, ENOTTY);
	must_fail(fd, "no memory", REGENT_IOC_TEST_CREATE, NULL, EFAULT);
	must_fail(fd, "no memory to list", REGENT_IOC_WORLD_NEXT, (void *)1, EFAULT);
	must_fail(fd, "after the last", REGENT_IOC_WORLD_NEXT, &w, ENOENT);
	return bad_of_own(fd);
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

static int pair(int fd, unsigned int a, unsigned int b, int seconds)
{
	struct regent_test_set one = { .id = make(fd, a, "5:1024:0:1000", 0) };
	struct regent_test_set two = { .id = make(fd, b, "5:1024:0:1000", 0) };

	if (!one.id || !two.id)
		return 1;
	one.wakes = two.id;
	two.wakes = one.id;
	if (ioctl(fd, REGENT_IOC_TEST_SET, &one) || ioctl(fd, REGENT_IOC_TEST_SET, &two) ||
	    ioctl(fd, REGENT_IOC_TEST_WAKE, one.id))
		return fail("pair");
	return share(fd, a < b ? a : b, a < b ? b : a, seconds, 0);
}

static int device(void)
{
	int fd = open("/dev/regent", O_RDWR);

	if (fd < 0)
		fail("/dev/regent");
	return fd;
}

/* spread and toss: all worlds begin on the first CPU. */
static int spread(int fd, int argc, char **argv)
{
	unsigned int first, last;
	int i;

	if (sscanf(argv[2], "%u-%u", &first, &last) != 2 || last > 62)
		return 2;
	for (i = 4; i < argc; i++)
		if (!make(fd, first, argv[i], (2ull << last) - (1ull << first)))
			return 1;
	return share(fd, first, last, atoi(argv[3]), !strcmp(argv[1], "toss"));
}

static int plain(int fd, int argc, char **argv)
{
	unsigned int first, last, cpu;
	int i;

	if (sscanf(argv[1], "%u-%u", &first, &last) < 1)
		return 2;
	if (!strchr(argv[1], '-'))
		last = first;
	for (cpu = first; cpu <= last; cpu++)
		for (i = 3; i < argc; i++)
			if (!make(fd, cpu, argv[i], 0))
				return 1;
	return share(fd, first, last, atoi(argv[2]), 0);
}

int main(int argc, char **argv)
{
	unsigned int first, last;
	int fd;

	signal(SIGTERM, on_signal);
	if (argc == 3 && !strcmp(argv[1], "shake") &&
	    sscanf(argv[2], "%u-%u", &first, &last) == 2)
		return shake(first, last);
	fd = device();
	if (fd < 0)
		return 1;
	if (argc == 2 && !strcmp(argv[1], "bad"))
		return bad(fd);
	if (argc > 4 && (!strcmp(argv[1], "spread") || !strcmp(argv[1], "toss")))
		return spread(fd, argc, argv);
	if (argc == 5 && !strcmp(argv[1], "pair"))
		return pair(fd, atoi(argv[2]), atoi(argv[3]), atoi(argv[4]));
	return argc >= 4 ? plain(fd, argc, argv) : 2;
}
