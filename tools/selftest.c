// SPDX-License-Identifier: GPL-2.0-only
/*
 * regentctl selftest worlds: Linux and test worlds share each CPU, and nobody
 * loses a register. On each CPU a thread of ours computes all the time with
 * patterns in its registers, against two test worlds that look after theirs.
 */
#include <cpuid.h>
#include <errno.h>
#include <getopt.h>
#include <linux/regent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "regentctl.h"

#define SECONDS		10
#define SECONDS_MAX	86400
#define TOLERANCE	2		/* percent of the CPU */
#define HOST_SHARES	1024
#define ROUNDS		20000		/* of the loop between two comparisons */
#define GENERAL		15
#define VECTORS		16
#define MODE_REAL	0
#define MODE_64		2
#define SETTLE_NS	200000000ull

/* As pattern.S has it. */
struct pattern {
	u64 general[GENERAL];
	u64 wide;
	u64 vector[VECTORS][4];
};

unsigned long pattern_hold(const struct pattern *in, struct pattern *out,
			   unsigned long rounds);

/* Two worlds beside Linux on each CPU. */
static const struct {
	u32 mode;
	u32 shares;
} kinds[] = { { MODE_64, 1024 }, { MODE_REAL, 512 } };

#define WORLDS	ARRAY_SIZE(kinds)

/**
 * struct bench - one CPU under test
 * @cpu: its number
 * @thread: Linux's competitor there
 * @held: times its registers were compared
 * @wrong: times they were not as they should be
 * @id: the test worlds
 * @begin: ns that Linux and the worlds had run at the beginning
 * @ran: ns that they have run since
 */
struct bench {
	unsigned int cpu;
	pthread_t thread;
	u64 held;
	u64 wrong;
	u64 id[WORLDS];
	u64 begin[1 + WORLDS];
	u64 ran[1 + WORLDS];
};

static volatile sig_atomic_t stop;
static u64 tolerance = TOLERANCE;

static void on_signal(int unused)
{
	(void)unused;
	stop = 1;
}

static bool has_ymm(void)
{
	return __builtin_cpu_supports("avx");
}

static u64 next_random(u64 *seed)
{
	*seed += 0x9e3779b97f4a7c15ull;
	return (*seed ^ *seed >> 30) * 0xbf58476d1ce4e5b9ull;
}

static void fill(struct pattern *p, u64 *seed)
{
	size_t i, j;

	for (i = 0; i < GENERAL; i++)
		p->general[i] = next_random(seed);
	for (i = 0; i < VECTORS; i++)
		for (j = 0; j < 4; j++)
			p->vector[i][j] = j < 2 || p->wide ? next_random(seed) : 0;
}

static void *compete(void *arg)
{
	struct bench *b = arg;
	u64 seed = b->cpu + 1;
	struct pattern in = { .wide = has_ymm() };
	struct pattern out = in;

	while (!stop) {
		fill(&in, &seed);
		pattern_hold(&in, &out, ROUNDS);
		__atomic_add_fetch(&b->wrong, !!memcmp(&in, &out, sizeof(in)), __ATOMIC_RELAXED);
		__atomic_add_fetch(&b->held, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static int start_thread(struct bench *b)
{
	pthread_attr_t attr;
	cpu_set_t set;
	int err;

	CPU_ZERO(&set);
	CPU_SET(b->cpu, &set);
	pthread_attr_init(&attr);
	err = pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	if (!err)
		err = pthread_create(&b->thread, &attr, compete, b);
	pthread_attr_destroy(&attr);
	if (err)
		complain("CPU %u: can't run a thread there: %s", b->cpu, strerror(err));
	return err;
}

static const char *reason(int error)
{
	switch (error) {
	case EOPNOTSUPP:
		return "this machine's CPUs can't be forwarded (see regentctl-cpu in regentctl(8))";
	case ENODEV:
		return "Regent does not rule (see 'regentctl status')";
	case ENFILE:
		return "there are too many; try fewer CPUs with taskset(1)";
	}
	return strerror(error);
}

static int create_worlds(int fd, struct bench *b)
{
	size_t i;

	for (i = 0; i < WORLDS; i++) {
		struct regent_test_create t = {
			.cpu = b->cpu, .mode = kinds[i].mode, .shares = kinds[i].shares,
			.max = 1000,
		};

		if (ioctl(fd, REGENT_IOC_TEST_CREATE, &t)) {
			complain("CPU %u: can't make a test world: %s", b->cpu, reason(errno));
			return -1;
		}
		b->id[i] = t.id;
	}
	return 0;
}

static const struct regent_world *find(const struct regent_world *list, size_t count,
				       const struct bench *b, size_t which)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (which ? list[i].id == b->id[which - 1] :
		    list[i].kind == REGENT_WORLD_KIND_HOST && list[i].cpu == b->cpu)
			return &list[i];
	}
	return NULL;
}

/* How long all have run; a world that is gone says nothing. */
static int read_times(int fd, struct bench *b, size_t benches, bool end)
{
	struct regent_world *list;
	size_t count, i, w;

	list = worlds_read(fd, &count);
	if (!list)
		return -1;
	for (i = 0; i < benches; i++) {
		for (w = 0; w <= WORLDS; w++) {
			const struct regent_world *world = find(list, count, &b[i], w);

			if (!end)
				b[i].begin[w] = world ? world->ran_ns : 0;
			else
				b[i].ran[w] = world ? world->ran_ns - b[i].begin[w] : 0;
		}
	}
	free(list);
	return 0;
}

static double percent(const struct bench *b, size_t w)
{
	u64 sum = 0;
	size_t i;

	for (i = 0; i <= WORLDS; i++)
		sum += b->ran[i];
	return sum ? 100.0 * b->ran[w] / sum : 0;
}

static double wanted(size_t w)
{
	double sum = HOST_SHARES;
	size_t i;

	for (i = 0; i < WORLDS; i++)
		sum += kinds[i].shares;
	return 100.0 * (w ? kinds[w - 1].shares : HOST_SHARES) / sum;
}

static bool judge_share(const struct bench *b, size_t w, const char *name)
{
	double is = percent(b, w);
	bool ok = is >= wanted(w) - tolerance && is <= wanted(w) + tolerance;

	printf("%-6s CPU %u: %s ran %.1f%% of the time, %.1f%% is its share\n",
	       ok ? "ok" : "FAILED", b->cpu, name, is, wanted(w));
	return ok;
}

static bool judge_world(const struct bench *b, size_t w, const struct regent_world *world)
{
	char name[WORLD_NAME] = "a world";
	bool ok;

	if (world)
		world_name(world, name);
	ok = judge_share(b, w, name);
	if (!world || world->wrong || !world->rounds || world->state == 4) {
		printf("FAILED CPU %u: %s found register %u wrong after %llu rounds\n", b->cpu,
		       name, world ? world->wrong : 0, world ? world->rounds : 0);
		return false;
	}
	printf("ok     CPU %u: %s found all registers right %llu times, in %llu turns\n",
	       b->cpu, name, world->rounds, world->switches);
	return ok;
}

static bool judge_cpu(const struct bench *b, const struct regent_world *list, size_t count)
{
	bool ok = judge_share(b, 0, "Linux");
	size_t w;

	if (!b->held || b->wrong)
		ok = false;
	printf("%-6s CPU %u: a program found its registers wrong %llu times of %llu\n",
	       !b->held || b->wrong ? "FAILED" : "ok", b->cpu, b->wrong, b->held);
	for (w = 1; w <= WORLDS; w++)
		ok &= judge_world(b, w, find(list, count, b, w));
	return ok;
}

static int judge(int fd, const struct bench *b, size_t benches)
{
	struct regent_world *list;
	size_t count, i;
	bool ok = true;

	list = worlds_read(fd, &count);
	if (!list)
		return EXIT_FAILED;
	for (i = 0; i < benches; i++)
		ok &= judge_cpu(&b[i], list, count);
	free(list);
	printf("%s\n", ok ? "all right" : "FAILED");
	return ok ? EXIT_OK : EXIT_FAILED;
}

static void pass_time(u64 ns)
{
	struct timespec t = { ns / 1000000000, ns % 1000000000 };

	while (!stop && clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
		;
}

/* Until each CPU has been shared for that long, which is not what a clock says. */
static int share(int fd, struct bench *b, size_t benches, u64 seconds)
{
	u64 least, passed = 0;
	size_t i, w;

	pass_time(SETTLE_NS);
	if (read_times(fd, b, benches, false))
		return -1;
	while (!stop && passed < seconds * 1000000000) {
		pass_time(1000000000);
		if (read_times(fd, b, benches, true))
			return -1;
		for (least = ~0ull, i = 0; i < benches; i++) {
			u64 sum = 0;

			for (w = 0; w <= WORLDS; w++)
				sum += b[i].ran[w];
			least = sum < least ? sum : least;
		}
		passed = least;
	}
	return 0;
}

static int run_on(int fd, struct bench *b, size_t benches, u64 seconds)
{
	size_t started, i;
	int err = 0;

	for (started = 0; !err && started < benches; started++) {
		err = start_thread(&b[started]);
		if (err)
			break;
	}
	for (i = 0; !err && i < benches; i++)
		err = create_worlds(fd, &b[i]);
	if (!err)
		err = share(fd, b, benches, seconds);
	if (!err && stop) {
		complain("interrupted");
		err = -1;
	}
	stop = 1;
	for (i = 0; i < started; i++)
		pthread_join(b[i].thread, NULL);
	return err ? EXIT_FAILED : judge(fd, b, benches);
}

static int run(u64 seconds)
{
	struct bench *b = NULL;
	size_t benches = 0;
	cpu_set_t set;
	int cpu, fd, status;

	fd = world_device();
	if (fd < 0)
		return EXIT_FAILED;
	sched_getaffinity(0, sizeof(set), &set);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		b = check_alloc(realloc(b, (benches + 1) * sizeof(*b)));
		b[benches++] = (struct bench){ .cpu = cpu };
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	printf("Sharing %zu CPUs with %zu test worlds each for %llu s ...\n", benches, WORLDS,
	       seconds);
	fflush(stdout);
	status = run_on(fd, b, benches, seconds);
	close(fd);
	free(b);
	return status;
}

static int show_help(void)
{
	printf("Usage: regentctl selftest worlds [--seconds N] [--tolerance P]\n\n"
	       "Share each CPU that this program may run on between Linux and two test\n"
	       "worlds, for N seconds (%d) of each CPU's time; compare what each got with\n"
	       "its shares, and all registers with what they should be. Linux is slower\n"
	       "meanwhile: it gets 40%% of these CPUs.\n\n"
	       "  --seconds N    how long, 1 to %d\n"
	       "  --tolerance P  percent of the CPU that a share may be off, 1 to 100 (%d)\n"
	       "  --help         print this\n\n"
	       "Exit status: 0 all right; 1 not, or it could not be tried; 2 wrong usage.\n",
	       SECONDS, SECONDS_MAX, TOLERANCE);
	return EXIT_OK;
}

static bool parse_range(u64 *value, u64 most)
{
	return parse_u64(optarg, value) && *value && *value <= most;
}

/**
 * cmd_selftest() - regentctl selftest
 * @argc: number of arguments, the command's name included
 * @argv: the arguments
 *
 * Return: the exit status.
 */
int cmd_selftest(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, OPT_HELP },
		{ "seconds", required_argument, NULL, OPT_SECONDS },
		{ "tolerance", required_argument, NULL, OPT_TOLERANCE },
		{ 0 }
	};
	u64 seconds = SECONDS;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (c == 'h' || c == OPT_HELP)
			return show_help();
		if (c != OPT_SECONDS && c != OPT_TOLERANCE)
			return bad_option("selftest", c, argv);
		if (c == OPT_SECONDS && !parse_range(&seconds, SECONDS_MAX))
			return usage_error("selftest", "--seconds must be 1 to %d", SECONDS_MAX);
		if (c == OPT_TOLERANCE && !parse_range(&tolerance, 100))
			return usage_error("selftest", "--tolerance must be 1 to 100");
	}
	if (optind == argc)
		return usage_error("selftest", "what to test? there is 'worlds'");
	if (strcmp(argv[optind], "worlds"))
		return usage_error("selftest", "no selftest '%s'", argv[optind]);
	if (optind + 1 < argc)
		return usage_error("selftest", "unexpected argument '%s'", argv[optind + 1]);
	return run(seconds);
}
