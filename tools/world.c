// SPDX-License-Identifier: GPL-2.0-only
/* regentctl world: what the vCPUs of VMs get where they are not alone on their CPU. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <linux/regent.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "regentctl.h"

#define SHARES_MAX	65536
#define MIN_MAX		900	/* thousandths */
#define CPUS_MAX	8192
#define CPUS_SIZE	CPU_ALLOC_SIZE(CPUS_MAX)

/**
 * struct target - the vCPUs that are meant
 * @text: as the operator wrote it
 * @by_process: @number is the VMM's process id, not the VM's number
 * @number: which VM
 * @vcpu: which vCPU, or REGENT_VCPU_ALL
 */
struct target {
	const char *text;
	bool by_process;
	u32 number;
	u32 vcpu;
};

/**
 * struct wish - what they are to get
 * @set: shares, guarantee and cap
 * @is_set: one of these is given
 * @cpus: CPUs as the operator wrote them, or NULL
 * @mask: the same
 */
struct wish {
	struct regent_vm_set set;
	bool is_set;
	const char *cpus;
	cpu_set_t *mask;
};

/**
 * world_help() - print the help of "regentctl world"
 *
 * Return: EXIT_OK.
 */
int world_help(void)
{
	printf("Usage: regentctl world set VM[/VCPU] [--shares N|nice] [--min P] [--max P]\n"
	       "                           [--cpus LIST]\n"
	       "       regentctl world follow [--once]\n\n"
	       "set: say what the vCPUs of a VM, or one of them, get where they are not alone\n"
	       "on their CPU. VM is vmN, as 'regentctl worlds' lists it, or the process id of\n"
	       "its VMM. What is not given stays as it is; 'regentctl worlds' shows what holds.\n\n"
	       "  --shares N     share of what all there compete for; Linux has 1024 (1 to %d)\n"
	       "  --shares nice  the share that the nice value of the vCPU's thread stands for\n"
	       "  --min P        percent of the CPU that are guaranteed, such as 12.5%% (0 to %d)\n"
	       "  --max P        percent of the CPU that it gets at most (0.1 to 100)\n"
	       "  --cpus LIST    CPUs that it may run on, such as 1,3-5: those of its thread\n\n"
	       "follow: set shares and cap to what cgroups (v2) say of the vCPUs' threads, by\n"
	       "cpu.weight and cpu.max, now and whenever that changes.\n\n"
	       "  --once  do that once\n\n"
	       "  --help  print this\n\n"
	       "Exit status: 0 done; 1 failed; 2 wrong usage; follow: 3 Regent does not rule.\n",
	       SHARES_MAX, MIN_MAX / 10);
	return EXIT_OK;
}

static bool parse_u32(const char *text, u32 *number)
{
	u64 wide;

	if (!parse_u64(text, &wide) || wide > 0x7fffffff)
		return false;
	*number = wide;
	return true;
}

/* vm1, vm1/0, 4711, 4711/0 */
static bool parse_target(const char *text, struct target *target)
{
	char *copy = check_alloc(strdup(text)), *slash = strchr(copy, '/');
	bool ok;

	target->text = text;
	target->vcpu = REGENT_VCPU_ALL;
	target->by_process = strncmp(copy, "vm", 2);
	if (slash)
		*slash = '\0';
	ok = parse_u32(target->by_process ? copy : copy + 2, &target->number) &&
	     (!slash || parse_u32(slash + 1, &target->vcpu));
	free(copy);
	return ok;
}

/* 50, 50%, 12.5: to thousandths */
static bool parse_percent(const char *text, u32 *permille)
{
	unsigned long whole;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	whole = strtoul(text, &end, 10);
	if (whole > 100)
		return false;
	*permille = whole * 10;
	if (*end == '.' && isdigit((unsigned char)end[1])) {
		*permille += end[1] - '0';
		end += 2;
	}
	if (*end == '%')
		end++;
	return !*end && *permille <= 1000;
}

/* 1,3-5 */
static bool parse_cpus(const char *text, cpu_set_t *mask)
{
	unsigned long first, last;
	char *end;

	do {
		if (!isdigit((unsigned char)*text))
			return false;
		first = strtoul(text, &end, 10);
		last = first;
		if (*end == '-') {
			if (!isdigit((unsigned char)end[1]))
				return false;
			last = strtoul(end + 1, &end, 10);
		}
		if (first > last || last >= CPUS_MAX)
			return false;
		for (; first <= last; first++)
			CPU_SET_S(first, CPUS_SIZE, mask);
		text = end + 1;
	} while (*end == ',');
	return !*end;
}

static bool is_meant(const struct regent_world *w, u32 vm, const struct target *target)
{
	return w->kind == REGENT_WORLD_KIND_VM && w->vm == vm &&
	       (target->vcpu == REGENT_VCPU_ALL || w->vcpu == target->vcpu);
}

/* The number of the VM that is meant; there is one, and it has the vCPU. */
static int find_vm(const struct regent_world *list, size_t count, const struct target *target,
		   u32 *vm)
{
	bool found = false, meant = false;
	size_t i;

	for (i = 0; i < count; i++) {
		if (list[i].kind != REGENT_WORLD_KIND_VM ||
		    target->number != (target->by_process ? (u32)list[i].pid : list[i].vm))
			continue;
		if (found && *vm != list[i].vm) {
			complain("process %u has several VMs; name one as vmN, see 'regentctl worlds'",
				 target->number);
			return -1;
		}
		*vm = list[i].vm;
		found = true;
		meant |= is_meant(&list[i], *vm, target);
	}
	if (!found)
		complain("%s %u has no vCPUs; 'regentctl worlds' lists the VMs",
			 target->by_process ? "process" : "VM", target->number);
	else if (!meant)
		complain("vm%u has no vCPU %u; 'regentctl worlds' lists them", *vm, target->vcpu);
	return meant ? 0 : -1;
}

/*
 * A vCPU runs where its thread may. The number of a thread that has ended may be another one's
 * by now, but not one of this process.
 */
static bool has_thread(const struct regent_world *w)
{
	if (!w->thread)
		complain("vm%u/%u has had no thread yet, and its CPUs are the thread's; let the VM start first",
			 w->vm, w->vcpu);
	else if (!sys_exists("/proc/%d/task/%d", w->pid, w->thread))
		complain("vm%u/%u: its thread %d has ended, and its CPUs are the thread's; let the VM go on first",
			 w->vm, w->vcpu, w->thread);
	else
		return true;
	return false;
}

static int set_weights(int fd, u32 vm, const struct target *target, struct regent_vm_set *set)
{
	set->vm = vm;
	set->vcpu = target->vcpu;
	if (!ioctl(fd, REGENT_IOC_VM_SET, set))
		return 0;
	if (errno == ENOENT)
		complain("%s has ended just now; 'regentctl worlds' lists the VMs", target->text);
	else if (errno == EINVAL)
		complain("%s: --min would be above --max; give both, see 'regentctl worlds'",
			 target->text);
	else
		complain("%s: can't set: %s", target->text, strerror(errno));
	return -1;
}

static int set_cpus(const struct regent_world *w, const struct wish *wish)
{
	if (!sched_setaffinity(w->thread, CPUS_SIZE, wish->mask))
		return 0;
	if (errno == EINVAL)
		complain("vm%u/%u: no CPU of '%s' is online and allowed to its thread %d; see 'taskset -pc %d' and its cpuset",
			 w->vm, w->vcpu, wish->cpus, w->thread, w->thread);
	else if (errno == ESRCH)
		complain("vm%u/%u: its thread %d has ended just now; try again", w->vm, w->vcpu,
			 w->thread);
	else
		complain("vm%u/%u: can't set the CPUs of its thread %d: %s", w->vm, w->vcpu,
			 w->thread, strerror(errno));
	return -1;
}

/* All is looked at before anything is changed. */
static int set_all(int fd, const struct regent_world *list, size_t count,
		   const struct target *target, struct wish *wish)
{
	u32 vm = 0;
	size_t i;

	if (find_vm(list, count, target, &vm))
		return EXIT_FAILED;
	for (i = 0; wish->cpus && i < count; i++)
		if (is_meant(&list[i], vm, target) && !has_thread(&list[i]))
			return EXIT_FAILED;
	if (wish->is_set && set_weights(fd, vm, target, &wish->set))
		return EXIT_FAILED;
	for (i = 0; wish->cpus && i < count; i++)
		if (is_meant(&list[i], vm, target) && set_cpus(&list[i], wish))
			return EXIT_FAILED;
	return EXIT_OK;
}

static int set_by_device(const struct target *target, struct wish *wish)
{
	struct regent_world *list;
	int status = EXIT_FAILED;
	int fd = world_device();
	size_t count;

	if (fd < 0)
		return EXIT_FAILED;
	list = worlds_read(fd, &count);
	if (list)
		status = set_all(fd, list, count, target, wish);
	free(list);
	close(fd);
	return status;
}

/* One option of "world set". Return: what is wrong with it, or NULL. */
static const char *take_option(int option, const char *value, struct wish *wish)
{
	wish->is_set |= option != OPT_CPUS;
	switch (option) {
	case OPT_SHARES:
		if (!strcmp(value, "nice"))
			wish->set.shares = 0;
		else if (!parse_u32(value, &wish->set.shares) || wish->set.shares > SHARES_MAX)
			return "--shares must be 1 to 65536, or nice";
		return NULL;
	case OPT_MIN:
		if (!parse_percent(value, &wish->set.min) || wish->set.min > MIN_MAX)
			return "--min must be a percentage from 0 to 90, such as 12.5%";
		return NULL;
	case OPT_MAX:
		if (!parse_percent(value, &wish->set.max) || !wish->set.max)
			return "--max must be a percentage from 0.1 to 100, such as 12.5%";
		return NULL;
	}
	CPU_ZERO_S(CPUS_SIZE, wish->mask);
	wish->cpus = value;
	return parse_cpus(value, wish->mask) ? NULL : "--cpus must be a list such as 1,3-5";
}

static bool min_above_max(const struct regent_vm_set *set)
{
	return set->min != REGENT_KEEP && set->max != REGENT_KEEP && set->min > set->max;
}

static int set_by_arguments(int argc, char **argv, struct wish *wish)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, OPT_HELP },
		{ "shares", required_argument, NULL, OPT_SHARES },
		{ "min", required_argument, NULL, OPT_MIN },
		{ "max", required_argument, NULL, OPT_MAX },
		{ "cpus", required_argument, NULL, OPT_CPUS },
		{ 0 }
	};
	struct target target;
	const char *wrong;
	int c;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (c == 'h' || c == OPT_HELP)
			return world_help();
		if (c < OPT_HELP)
			return bad_option("world", c, argv);
		wrong = take_option(c, optarg, wish);
		if (wrong)
			return usage_error("world", "%s", wrong);
	}
	if (optind == argc)
		return usage_error("world", "which VM? give vmN or the VMM's process id");
	if (optind + 1 < argc)
		return usage_error("world", "unexpected argument '%s'", argv[optind + 1]);
	if (!parse_target(argv[optind], &target))
		return usage_error("world", "'%s' is no VM: give vmN, vmN/M or the VMM's process id",
				   argv[optind]);
	if (!wish->is_set && !wish->cpus)
		return usage_error("world", "what to set? give --shares, --min, --max or --cpus");
	if (min_above_max(&wish->set))
		return usage_error("world", "--min is above --max");
	return set_by_device(&target, wish);
}

static int world_set(int argc, char **argv)
{
	struct wish wish = {
		.set = { .shares = REGENT_KEEP, .min = REGENT_KEEP, .max = REGENT_KEEP },
		.mask = check_alloc(CPU_ALLOC(CPUS_MAX)),
	};
	int status = set_by_arguments(argc, argv, &wish);

	CPU_FREE(wish.mask);
	return status;
}

/**
 * cmd_world() - regentctl world
 * @argc: number of arguments, the command's name included
 * @argv: the arguments
 *
 * Return: the exit status.
 */
int cmd_world(int argc, char **argv)
{
	opterr = 0;
	if (argc < 2)
		return usage_error("world", "what to do? there are 'set' and 'follow'");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return world_help();
	if (!strcmp(argv[1], "set"))
		return world_set(argc - 1, argv + 1);
	if (!strcmp(argv[1], "follow"))
		return world_follow(argc - 1, argv + 1);
	return usage_error("world", "unknown %s '%s'", *argv[1] == '-' ? "option" : "word",
			   argv[1]);
}
