// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plays /dev/regent and Linux's scheduler for regentctl, where it is preloaded. What shall happen
 * stands in files below $REGENTCTL_ROOT:
 *   worlds	a world a line: KIND ID CPU SHARES MIN MAX VM VCPU PID THREAD; none: Regent
 *		does not rule
 *   set-error	REGENT_IOC_VM_SET fails with this number
 *   cpus-error	sched_setaffinity() fails with this number
 * What was asked for is appended to calls.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/regent.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

static FILE *open_file(const char *name, const char *mode)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", getenv("REGENTCTL_ROOT"), name);
	return fopen(path, mode);
}

/* Return: 0, or -1 with what the file says as errno. */
static int outcome(const char *name)
{
	FILE *file = open_file(name, "r");
	int error = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%d", &error) != 1)
		abort();
	fclose(file);
	errno = error;
	return error ? -1 : 0;
}

static int next_world(struct regent_world *after)
{
	struct regent_world w = { .state = 3, .ran_ns = 1234567890123, .waited_ns = 1000000,
				  .switches = 7, .exits = 8, .moves = 9, .rounds = 10 };
	FILE *file = open_file("worlds", "r");
	unsigned long long id, last = 0;
	int found = 0;

	if (!file) {
		errno = ENODEV;
		return -1;
	}
	while (!found && fscanf(file, "%u %llu %u %u %u %u %u %u %d %d", &w.kind, &id, &w.cpu,
				&w.shares, &w.min, &w.max, &w.vm, &w.vcpu, &w.pid,
				&w.thread) == 10) {
		found = last == after->id;
		last = id;
	}
	fclose(file);
	if (!found) {
		errno = ENOENT;
		return -1;
	}
	w.id = last;
	*after = w;
	return 0;
}

static int set_vm(const struct regent_vm_set *set)
{
	FILE *file = open_file("calls", "a");

	fprintf(file, "set %u %d %d %d %d %u\n", set->vm, (int)set->vcpu, (int)set->shares,
		(int)set->min, (int)set->max, set->reserved);
	fclose(file);
	return outcome("set-error");
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	(void)fd;
	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (request == REGENT_IOC_WORLD_NEXT)
		return next_world(arg);
	if (request == REGENT_IOC_VM_SET)
		return set_vm(arg);
	errno = ENOTTY;
	return -1;
}

int sched_setaffinity(pid_t thread, size_t size, const cpu_set_t *mask)
{
	FILE *file = open_file("calls", "a");
	size_t cpu;

	fprintf(file, "cpus %d", thread);
	for (cpu = 0; cpu < size * 8; cpu++)
		if (CPU_ISSET_S(cpu, size, mask))
			fprintf(file, " %zu", cpu);
	fputc('\n', file);
	fclose(file);
	return outcome("cpus-error");
}
