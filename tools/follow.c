// SPDX-License-Identifier: GPL-2.0-only
/*
 * regentctl world follow: what cgroups (v2) say of a vCPU's thread holds for the vCPU. The kernel
 * does not tell modules of it, so this reads cpu.weight and cpu.max from the cgroups' files.
 *
 * Linux shares out a group's time among the threads in it, wherever they run. Regent has shares
 * and caps of single vCPUs, each on one CPU. So weights of nested groups are multiplied, and a
 * limit is divided evenly among the vCPUs below it, which keeps it but does not lend what one
 * of them leaves.
 */
#include <errno.h>
#include <getopt.h>
#include <linux/regent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "regentctl.h"

#define CGROUPS		"/sys/fs/cgroup"
#define SHARES		1024	/* of weight 100 */
#define SHARES_MAX	65536
#define WEIGHT		100
#define FRACTION	65536	/* so that small weights of nested groups are not lost */
#define GROUP_MAX	4096

/**
 * struct vcpu - a vCPU, and what its thread's groups say
 * @vm: VM
 * @number: its number there
 * @pid: VMM
 * @thread: thread
 * @group: path of the thread's cgroup below CGROUPS; an empty string is the root
 * @shares: by their weights; 0: by the thread's nice value
 * @max: by their limits, in thousandths of a CPU
 * @refused: the kernel has not taken them
 */
struct vcpu {
	u32 vm;
	u32 number;
	s32 pid;
	s32 thread;
	char *group;
	u32 shares;
	u32 max;
	bool refused;
};

/**
 * struct vcpus - several of them
 * @vcpu: the vCPUs
 * @count: how many
 */
struct vcpus {
	struct vcpu *vcpu;
	size_t count;
};

/* Return: the path, to be freed, or NULL if the thread has ended or there is no cgroup v2. */
static char *read_group(s32 pid, s32 thread)
{
	char *path = sys_path("/proc/%d/task/%d/cgroup", pid, thread);
	FILE *file = fopen(path, "re");
	char *line = NULL, *group = NULL;
	size_t size = 0;

	free(path);
	if (!file)
		return NULL;
	while (!group && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "0::/", 4) && strlen(line) < GROUP_MAX)
			group = check_alloc(strdup(line[4] ? line + 3 : ""));
	}
	free(line);
	fclose(file);
	return group;
}

/* Make a group its parent. Return: false for the root. */
static bool go_up(char *group)
{
	char *slash = strrchr(group, '/');

	if (slash)
		*slash = '\0';
	return slash;
}

static bool is_below(const char *group, const char *ancestor)
{
	size_t length = strlen(ancestor);

	return !strncmp(group, ancestor, length) &&
	       (!group[length] || group[length] == '/');
}

static size_t vcpus_below(const struct vcpus *all, const char *group)
{
	size_t i, n = 0;

	for (i = 0; i < all->count; i++)
		n += is_below(all->vcpu[i].group, group);
	return n;
}

/* A group that is idle has weight 0; Linux then counts 3 of 1024. */
static void apply_weight(const char *group, u64 *shares)
{
	u64 weight;

	if (sys_number(&weight, CGROUPS "%s/cpu.weight", group))
		return;
	if (weight)
		*shares = *shares * weight / WEIGHT;
	else
		*shares = *shares * 3 / SHARES;
	if (*shares > (u64)SHARES_MAX * FRACTION)
		*shares = (u64)SHARES_MAX * FRACTION;
}

/* "max 100000" or "30000 100000" */
static void apply_limit(const struct vcpus *all, const char *group, u32 *max)
{
	unsigned long long quota, period, each;
	char value[VALUE_MAX];

	if (sys_value(value, CGROUPS "%s/cpu.max", group) ||
	    sscanf(value, "%llu %llu", &quota, &period) != 2 || !period)
		return;
	each = quota * 1000 / period / vcpus_below(all, group);
	if (each < *max)
		*max = each ?: 1;
}

/* A group in which the controller is off has no files, and no say. */
static void ask_groups(const struct vcpus *all, struct vcpu *v)
{
	char *group = check_alloc(strdup(v->group));
	u64 shares = (u64)SHARES * FRACTION;

	v->max = 1000;
	do {
		apply_weight(group, &shares);
		apply_limit(all, group, &v->max);
	} while (go_up(group));
	free(group);
	v->shares = shares / FRACTION ?: 1;
	if (v->shares == SHARES)
		v->shares = 0;
}

static void free_vcpus(struct vcpus *all)
{
	size_t i;

	for (i = 0; i < all->count; i++)
		free(all->vcpu[i].group);
	free(all->vcpu);
	*all = (struct vcpus){ 0 };
}

/* All that have a thread now */
static struct vcpus read_vcpus(const struct regent_world *list, size_t count)
{
	struct vcpus all = { 0 };
	char *group;
	size_t i;

	for (i = 0; i < count; i++) {
		if (list[i].kind != REGENT_WORLD_KIND_VM || !list[i].thread)
			continue;
		group = read_group(list[i].pid, list[i].thread);
		if (!group)
			continue;
		all.vcpu = check_alloc(reallocarray(all.vcpu, all.count + 1, sizeof(*all.vcpu)));
		all.vcpu[all.count++] = (struct vcpu){
			.vm = list[i].vm, .number = list[i].vcpu, .pid = list[i].pid,
			.thread = list[i].thread, .group = group,
		};
	}
	for (i = 0; i < all.count; i++)
		ask_groups(&all, &all.vcpu[i]);
	return all;
}

/* What the kernel was told the same of before. A VM's number may be another one's by now. */
static const struct vcpu *find_same(const struct vcpus *before, const struct vcpu *v)
{
	size_t i;

	for (i = 0; i < before->count; i++) {
		const struct vcpu *old = &before->vcpu[i];

		if (old->vm == v->vm && old->number == v->number && old->pid == v->pid &&
		    old->thread == v->thread && old->shares == v->shares && old->max == v->max)
			return old;
	}
	return NULL;
}

static void say_done(const struct vcpu *v)
{
	printf("vm%u/%u: shares ", v->vm, v->number);
	if (v->shares)
		printf("%u", v->shares);
	else
		printf("by nice value");
	printf(", at most %u.%u%%\n", v->max / 10, v->max % 10);
}

static void say_refused(const struct vcpu *v, int error)
{
	if (error == EINVAL)
		complain("vm%u/%u: its cgroup leaves it %u.%u%%, less than is guaranteed; lower that by 'regentctl world set vm%u/%u --min'",
			 v->vm, v->number, v->max / 10, v->max % 10, v->vm, v->number);
	else
		complain("vm%u/%u: can't set: %s", v->vm, v->number, strerror(error));
}

/* Tried again each time, but said once. Return: 0 or -1. */
static int set_vcpu(int fd, const struct vcpus *before, struct vcpu *v)
{
	const struct vcpu *same = find_same(before, v);
	struct regent_vm_set set = {
		.vm = v->vm, .vcpu = v->number, .shares = v->shares, .min = REGENT_KEEP,
		.max = v->max,
	};

	if (same && !same->refused)
		return 0;
	if (!ioctl(fd, REGENT_IOC_VM_SET, &set)) {
		say_done(v);
		return 0;
	}
	if (errno == ENOENT)
		return 0;	/* it has just ended */
	v->refused = true;
	if (!same)
		say_refused(v, errno);
	return -1;
}

/* Set what is not as @before, which becomes what is now. */
static int look(struct vcpus *before)
{
	int fd = world_device(), status = EXIT_OK;
	struct regent_world *list;
	struct vcpus now;
	size_t count, i;

	if (fd < 0)
		return errno == ENOENT ? EXIT_INACTIVE : EXIT_FAILED;
	list = worlds_read(fd, &count);
	if (!list) {
		status = errno == ENODEV ? EXIT_INACTIVE : EXIT_FAILED;
		close(fd);
		return status;
	}
	now = read_vcpus(list, count);
	free(list);
	for (i = 0; i < now.count; i++)
		if (set_vcpu(fd, before, &now.vcpu[i]))
			status = EXIT_FAILED;
	close(fd);	/* it would hold the module */
	free_vcpus(before);
	*before = now;
	fflush(stdout);
	return status;
}

/* Until Regent rules no more */
static int look_again_and_again(struct vcpus *before)
{
	const struct timespec second = { .tv_sec = 1 };
	int status;

	do {
		status = look(before);
		nanosleep(&second, NULL);
	} while (status != EXIT_INACTIVE);
	return status;
}

/**
 * world_follow() - regentctl world follow
 * @argc: number of arguments, the word "follow" included
 * @argv: the arguments
 *
 * Return: the exit status.
 */
int world_follow(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, OPT_HELP },
		{ "once", no_argument, NULL, OPT_ONCE },
		{ 0 }
	};
	struct vcpus before = { 0 };
	bool once = false;
	int c, status;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (c == 'h' || c == OPT_HELP)
			return world_help();
		if (c != OPT_ONCE)
			return bad_option("world", c, argv);
		once = true;
	}
	if (optind < argc)
		return usage_error("world", "unexpected argument '%s'", argv[optind]);
	if (!sys_exists(CGROUPS "/cgroup.controllers")) {
		complain("no cgroup v2 is mounted at " CGROUPS "; mount it, or use 'regentctl world set'");
		return EXIT_FAILED;
	}
	status = once ? look(&before) : look_again_and_again(&before);
	free_vcpus(&before);
	return status;
}
