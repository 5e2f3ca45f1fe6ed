// SPDX-License-Identifier: GPL-2.0-only
/*
 * regent_bench [--json] [OP...]: instructions per operation on one CPU.
 *
 * Meant for an emulator that counts time in instructions (scripts/machine
 * --icount): there one tick of the TSC is one instruction, which a loop of
 * known length verifies. Elsewhere the figures are ticks scaled by that loop,
 * and a line says so. Operations of the kernel need regent_bench.ko. While
 * Regent rules, the exits to it per operation are counted as well, and what it does
 * that costs far more than its one instruction.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REPEAT		7
#define SLEEP_NS	100000
#define KERNEL_DIR	"/sys/kernel/debug/regent_bench/"
#define CPU_DIR		"/sys/kernel/regent/cpu0/"

/* Of the kernel's files costs_*. */
static const char *const cost_names[] = { "ibpb", "flush", "invlpg", "wrmsr", "xsave" };

#define COSTS		(sizeof(cost_names) / sizeof(cost_names[0]))

struct op {
	const char *name;
	const char *what;
	uint64_t iterations;
	/* Ticks of n operations, loop included; NULL: the kernel module's. */
	uint64_t (*run)(uint64_t n);
};

struct result {
	double instructions;
	double exits;		/* NAN without Regent */
	double costs[COSTS];
};

static double instructions_per_tick;
static double ticks_per_ns;
static uint64_t operations;	/* done since the last measure() began */

static inline uint64_t tsc(void)
{
	uint32_t low, high;

	asm volatile("lfence; rdtsc; lfence" : "=a" (low), "=d" (high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static void die(const char *what)
{
	fprintf(stderr, "regent_bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t run_empty(uint64_t n)
{
	uint64_t start = tsc();

	while (n--)
		asm volatile("" : : : "memory");
	return tsc() - start;
}

static uint64_t run_getpid(uint64_t n)
{
	uint64_t start = tsc();

	while (n--)
		syscall(SYS_getpid);
	return tsc() - start;
}

static uint64_t run_cpuid(uint64_t n)
{
	uint32_t a, b, c, d;
	uint64_t start = tsc();

	while (n--) {
		a = 0;
		c = 0;
		asm volatile("cpuid" : "+a" (a), "=b" (b), "+c" (c), "=d" (d));
	}
	return tsc() - start;
}

static void pass(int from, int to)
{
	char byte;

	if (read(from, &byte, 1) != 1 || write(to, &byte, 1) != 1)
		die("pipe");
}

static uint64_t run_pipe1(uint64_t n)
{
	int fd[2];
	uint64_t start, ticks;
	char byte = 0;

	if (pipe(fd))
		die("pipe");
	start = tsc();
	while (n--)
		if (write(fd[1], &byte, 1) != 1 || read(fd[0], &byte, 1) != 1)
			die("pipe");
	ticks = tsc() - start;
	close(fd[0]);
	close(fd[1]);
	return ticks;
}

static uint64_t run_pipe2(uint64_t n)
{
	int there[2], back[2], pid;
	uint64_t start, ticks, i;
	char byte = 0;

	if (pipe(there) || pipe(back))
		die("pipe");
	pid = fork();
	if (!pid) {
		for (i = 0; i < n + 1; i++)
			pass(there[0], back[1]);
		_exit(0);
	}
	if (write(there[1], &byte, 1) != 1)
		die("pipe");
	pass(back[0], there[1]);
	start = tsc();
	for (i = 0; i < n - 1; i++)
		pass(back[0], there[1]);
	if (read(back[0], &byte, 1) != 1)
		die("pipe");
	ticks = tsc() - start;
	waitpid(pid, NULL, 0);
	close(there[0]);
	close(there[1]);
	close(back[0]);
	close(back[1]);
	return ticks;
}

/* This program in memory: where its file lies (9p, disk) must not count. */
static int program_in_memory(void)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = memfd_create("regent_bench", MFD_CLOEXEC);

	if (from < 0 || to < 0)
		die("memfd_create");
	while (sendfile(to, from, NULL, 1 << 20) > 0)
		;
	close(from);
	return to;
}

static uint64_t run_forkexec(uint64_t n)
{
	static int program = -1;
	uint64_t start;
	int pid;

	if (program < 0)
		program = program_in_memory();
	start = tsc();
	while (n--) {
		pid = fork();
		if (!pid) {
			fexecve(program, (char *[]){ "regent_bench", "--exit", NULL }, environ);
			_exit(1);
		}
		if (waitpid(pid, NULL, 0) != pid)
			die("waitpid");
	}
	return tsc() - start;
}

static uint64_t run_pagefault(uint64_t n)
{
	volatile char *area = mmap(NULL, n * 4096, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t start, ticks, i;

	if (area == MAP_FAILED)
		die("mmap");
	madvise((void *)area, n * 4096, MADV_NOHUGEPAGE);
	start = tsc();
	for (i = 0; i < n; i++)
		area[i * 4096] = 1;
	ticks = tsc() - start;
	munmap((void *)area, n * 4096);
	return ticks;
}

static void sleep_times(uint64_t n)
{
	struct timespec request = { 0, SLEEP_NS };

	while (n--)
		nanosleep(&request, NULL);
}

/* How late: idle time passes without instructions, what is left is the path. */
static uint64_t run_nanosleep_late(uint64_t n)
{
	uint64_t start = tsc(), ticks, asked = n * SLEEP_NS * ticks_per_ns;

	sleep_times(n);
	ticks = tsc() - start;
	return ticks > asked ? ticks - asked : 0;
}

/* Two instructions a turn, for ever. */
static void spin(uint64_t *turns)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 });
	asm volatile("1: incq (%0)\n\tjmp 1b" : : "r" (turns) : "memory");
}

/*
 * What a sleep costs: a process of idle priority counts the instructions that
 * are left for it; all others went into sleeping, switching and waking.
 */
static uint64_t run_nanosleep_cost(uint64_t n)
{
	volatile uint64_t *turns = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t start, ticks, before, left;
	int pid;

	if (turns == MAP_FAILED)
		die("mmap");
	pid = fork();
	if (!pid)
		spin((uint64_t *)turns);
	sleep_times(20);
	before = *turns;
	start = tsc();
	sleep_times(n);
	ticks = tsc() - start;
	left = (*turns - before) * 2 / instructions_per_tick;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	munmap((void *)turns, 4096);
	return ticks > left ? ticks - left : 0;
}

static const struct op ops[] = {
	{ "getpid", "system call", 2000, run_getpid },
	{ "pipe_1", "pipe round trip in one process", 500, run_pipe1 },
	{ "pipe_2", "pipe round trip of two processes", 200, run_pipe2 },
	{ "fork_exec", "fork, exec of a static program, wait", 4, run_forkexec },
	{ "pagefault", "first touch of an anonymous 4 KiB page", 500, run_pagefault },
	{ "nanosleep_late", "return of a 100 us sleep after its time", 20, run_nanosleep_late },
	{ "nanosleep_cost", "all instructions of a 100 us sleep", 50, run_nanosleep_cost },
	{ "cpuid", "CPUID in user mode", 2000, run_cpuid },
	{ "kernel_cpuid", "CPUID in the kernel", 0, NULL },
	{ "rdmsr_apicbase", "RDMSR APIC_BASE", 0, NULL },
	{ "rdmsr_efer", "RDMSR EFER", 0, NULL },
	{ "rdmsr_efer_module", "RDMSR EFER, in a module's text", 0, NULL },
	{ "wrmsr_efer", "WRMSR EFER, same value", 0, NULL },
	{ "wrmsr_kernel_gs_base", "WRMSR KERNEL_GS_BASE, same value", 0, NULL },
	{ "apic_read_id", "read of the APIC's ID", 0, NULL },
	{ "apic_write_lvterr", "write of the APIC's LVT error entry", 0, NULL },
	{ "apic_write_tpr", "write of the APIC's task priority", 0, NULL },
	{ "apic_write_timer", "write of the APIC's timer count", 0, NULL },
	{ "ipi_sent", "interrupt sent to nobody", 0, NULL },
	{ "ipi_taken", "interrupt sent to oneself by number, handled", 0, NULL },
	{ "self_ipi", "interrupt sent to oneself, handled", 0, NULL },
	{ "stop_machine", "stop_machine() of an empty function", 0, NULL },
	{ "null_call", "Regent's null hypercall", 0, NULL },
	{ "world_switch", "to a test world that yields, and back", 0, NULL },
	{ "part_none", "a hypercall, and nothing of a switch", 0, NULL },
	{ "part_xsave", "the same, and a switch's XSAVE out and back", 0, NULL },
	{ "part_mitigations", "the same with its mitigations", 0, NULL },
};

#define OPS	(sizeof(ops) / sizeof(ops[0]))

/* n times: dec, jnz. */
static uint64_t known_loop(uint64_t n)
{
	uint64_t start = tsc();

	asm volatile("1: dec %0\n\tjnz 1b" : "+r" (n) : : "cc");
	return tsc() - start;
}

static double clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* Two lengths: what the reading itself costs falls out of the difference. */
static void calibrate(void)
{
	uint64_t best[2] = { UINT64_MAX, UINT64_MAX }, ticks, start;
	double ns;
	int i, k;

	for (i = 0; i < REPEAT; i++)
		for (k = 0; k < 2; k++) {
			ticks = known_loop(500000 * (k + 1));
			if (ticks < best[k])
				best[k] = ticks;
		}
	instructions_per_tick = 2 * 500000.0 / (best[1] - best[0]);
	ns = clock_ns();
	start = tsc();
	known_loop(20000000);
	ticks_per_ns = (tsc() - start) / (clock_ns() - ns);
}

/* Ticks an operation, of the kernel's module; NAN if it is not there. */
static double kernel_once(const char *name)
{
	char path[128];
	unsigned long long ticks, n;
	FILE *f;
	int got;

	snprintf(path, sizeof(path), KERNEL_DIR "%s", name);
	f = fopen(path, "r");
	if (!f)
		return NAN;
	got = fscanf(f, "%llu %llu", &ticks, &n);
	fclose(f);
	if (got != 2)
		return NAN;
	operations += n;
	return (double)ticks / n;
}

static double once(const struct op *op, uint64_t (*run)(uint64_t), const char *name)
{
	if (!run)
		return kernel_once(name);
	operations += op->iterations;
	return (double)run(op->iterations) / op->iterations;
}

static double counter(const char *path)
{
	FILE *f = fopen(path, "r");
	double n;

	if (!f || fscanf(f, "%lf", &n) != 1)
		die(path);
	fclose(f);
	return n;
}

/* To read these adds nothing to them. */
static void costs(double *cost)
{
	char path[128];
	size_t i;

	for (i = 0; i < COSTS; i++) {
		snprintf(path, sizeof(path), CPU_DIR "costs_%s", cost_names[i]);
		cost[i] = access(path, F_OK) ? NAN : counter(path);
	}
}

/* All exits of this CPU so far; NAN if there is no Regent. */
static double exits(void)
{
	double total = NAN;
	glob_t files;
	size_t i;

	if (glob(CPU_DIR "exits_*", 0, NULL, &files))
		return NAN;
	for (i = 0; i < files.gl_pathc; i++) {
		double n = counter(files.gl_pathv[i]);

		total = isnan(total) ? n : total + n;
	}
	globfree(&files);
	return total;
}

/* What was added since, without what reading the counters adds by itself. */
static double exits_since(double before)
{
	double after = exits(), again = exits();

	return (after - before) - (again - after);
}

/*
 * The least of several runs, so that a run without a timer interrupt counts,
 * minus the least of the empty loop. The exits are those of all the runs.
 */
static struct result measure(const struct op *op)
{
	double best = INFINITY, empty = INFINITY, ticks, before, after[COSTS];
	struct result r = { NAN, NAN, { 0 } };
	size_t c;
	int i;

	costs(r.costs);
	before = exits();
	operations = 0;
	for (i = 0; i < REPEAT; i++) {
		ticks = once(op, op->run, op->name);
		if (isnan(ticks))
			return (struct result){ NAN, NAN, { 0 } };
		best = fmin(best, ticks);
	}
	r.exits = exits_since(before) / operations;
	costs(after);
	for (c = 0; c < COSTS; c++)
		r.costs[c] = (after[c] - r.costs[c]) / operations;
	for (i = 0; i < REPEAT; i++)
		empty = fmin(empty, once(op, op->run ? run_empty : NULL, "empty"));
	r.instructions = (best - empty) * instructions_per_tick;
	return r;
}

static bool wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return !argc;
}

static const char *number(double x, const char *format, const char *absent)
{
	static char text[2][32];
	static int turn;

	if (isnan(x))
		return absent;
	turn = !turn;
	snprintf(text[turn], sizeof(text[turn]), format, x);
	return text[turn];
}

static void report_json(const struct op *op, struct result r, bool first)
{
	size_t i;

	printf("%s\"%s\": {\"instructions\": %s, \"exits\": %s", first ? "" : ", ",
	       op->name, number(r.instructions, "%.1f", "null"),
	       number(r.exits, "%.4f", "null"));
	for (i = 0; i < COSTS; i++)
		printf(", \"%s\": %s", cost_names[i], number(r.costs[i], "%.4f", "null"));
	printf("}");
}

static void report(const struct op *op, struct result r, bool json, bool first)
{
	if (json)
		report_json(op, r, first);
	else
		printf("%-22s %12s %12s  # %s\n", op->name,
		       number(r.instructions, "%.1f", "absent"),
		       number(r.exits, "%.4f", "-"), op->what);
	fflush(stdout);
}

static void known_or_die(int argc, char **argv)
{
	size_t k;
	int i;

	for (i = 0; i < argc; i++) {
		for (k = 0; k < OPS && strcmp(ops[k].name, argv[i]); k++)
			;
		if (k == OPS) {
			fprintf(stderr, "regent_bench: no operation '%s'; there are:\n", argv[i]);
			for (k = 0; k < OPS; k++)
				fprintf(stderr, "  %-22s %s\n", ops[k].name, ops[k].what);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	bool json = argc > 1 && !strcmp(argv[1], "--json"), first = true, exact;
	cpu_set_t cpu;
	size_t i;

	if (argc > 1 && !strcmp(argv[1], "--exit"))
		return 0;
	argc -= 1 + json;
	argv += 1 + json;
	known_or_die(argc, argv);
	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	prctl(PR_SET_TIMERSLACK, 1);
	calibrate();
	exact = fabs(instructions_per_tick - 1) < 0.001;
	if (json)
		printf("{\"instructions_per_tick\": %.6f, \"ticks_per_ns\": %.4f, "
		       "\"exact\": %s, \"ops\": {", instructions_per_tick, ticks_per_ns,
		       exact ? "true" : "false");
	else
		printf("# %.6f instructions a tick, %.4f ticks a ns%s\n", instructions_per_tick,
		       ticks_per_ns, exact ? "" : ": NOT counted in instructions, scaled");
	for (i = 0; i < OPS; i++) {
		if (!wanted(ops[i].name, argc, argv))
			continue;
		report(&ops[i], measure(&ops[i]), json, first);
		first = false;
	}
	if (json)
		puts("}}");
	return 0;
}
