// SPDX-License-Identifier: GPL-2.0-only
/* regentctl worlds: what Regent schedules; and the list of it, for other commands. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/regent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "regentctl.h"

#define DEVICE	"/dev/regent"

static int show_help(void)
{
	printf("Usage: regentctl worlds [--json]\n\n"
	       "List the worlds: Linux on each CPU (host), nobody (idle), vCPU M of VM N\n"
	       "(vmN/M), and others, with what they may use and what they have used; and\n"
	       "for vCPUs, the VM's process, the vCPU's thread and the command's name.\n\n"
	       "  --json  print JSON\n"
	       "  --help  print this\n\n"
	       "Exit status: 0 done; 1 failed; 2 wrong usage; 3 Regent does not rule.\n");
	return EXIT_OK;
}

/**
 * world_device() - open /dev/regent, or complain
 *
 * Return: a file descriptor, or -1.
 */
int world_device(void)
{
	char *path = sys_path(DEVICE);
	int fd = open(path, O_RDWR | O_CLOEXEC);

	free(path);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		complain("Regent is not loaded");
	else if (errno == EACCES)
		complain("only root may look at worlds");
	else
		complain("can't open " DEVICE ": %s", strerror(errno));
	return -1;
}

/* Return: a list to free(), or NULL with errno: ENODEV where Regent does not rule. */
static struct regent_world *list_worlds(int fd, size_t *count)
{
	struct regent_world *list = NULL;
	struct regent_world w = { 0 };
	size_t n = 0;
	int error;

	while (!ioctl(fd, REGENT_IOC_WORLD_NEXT, &w)) {
		list = check_alloc(reallocarray(list, n + 1, sizeof(*list)));
		list[n++] = w;
	}
	error = errno;
	if (error == ENOENT) {
		*count = n;
		return list ?: check_alloc(malloc(1));
	}
	free(list);
	errno = error;
	return NULL;
}

/**
 * worlds_read() - all worlds, or a complaint
 * @fd: of world_device()
 * @count: set to how many
 *
 * Return: a list to free(), or NULL with errno after the complaint.
 */
struct regent_world *worlds_read(int fd, size_t *count)
{
	struct regent_world *list = list_worlds(fd, count);
	int error = errno;

	if (list)
		return list;
	if (error == ENODEV)
		complain("Regent does not rule (see 'regentctl status')");
	else
		complain("can't read the worlds: %s", strerror(error));
	errno = error;
	return NULL;
}

/**
 * worlds_now() - all worlds, without a word about errors
 *
 * Return: the worlds, whose list is to be freed; none where they can't be read.
 */
struct worlds worlds_now(void)
{
	char *path = sys_path(DEVICE);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct worlds worlds = { 0 };

	free(path);
	if (fd < 0)
		return worlds;
	worlds.list = list_worlds(fd, &worlds.count);
	close(fd);
	return worlds;
}

/**
 * world_name() - what to call a world
 * @w: the world
 * @name: filled in
 */
void world_name(const struct regent_world *w, char name[WORLD_NAME])
{
	static const char * const kind[] = { "test", "host", "idle" };

	if (w->kind == REGENT_WORLD_KIND_VM)
		snprintf(name, WORLD_NAME, "vm%u/%u", w->vm, w->vcpu);
	else
		snprintf(name, WORLD_NAME, "%s/%llu",
			 w->kind < ARRAY_SIZE(kind) ? kind[w->kind] : "?",
			 w->kind == REGENT_WORLD_KIND_TEST ? w->id : w->cpu);
}

/**
 * world_command() - the name of the command that has made a vCPU's VM
 * @w: a vCPU
 * @command: filled in; an empty string if its process has ended
 */
void world_command(const struct regent_world *w, char command[VALUE_MAX])
{
	sys_value(command, "/proc/%d/comm", w->pid);
}

static const char *state_name(u32 state)
{
	static const char * const name[] = {
		"stopped", "blocked", "runnable", "running", "dead",
	};

	return state < ARRAY_SIZE(name) ? name[state] : "?";
}

static void print_seconds(u64 ns)
{
	printf(" %8llu.%03llu", ns / 1000000000, ns / 1000000 % 1000);
}

static void print_vcpus(const struct regent_world *w, size_t count)
{
	char name[WORLD_NAME], command[VALUE_MAX];
	bool any = false;

	for (; count--; w++) {
		if (w->kind != REGENT_WORLD_KIND_VM)
			continue;
		if (!any)
			printf("\n%-9s %8s %8s %s\n", "VCPU", "PROCESS", "THREAD", "COMMAND");
		any = true;
		world_name(w, name);
		world_command(w, command);
		printf("%-9s %8d ", name, w->pid);
		if (w->thread)
			printf("%8d", w->thread);
		else
			printf("%8s", "-");
		printf(" %s\n", *command ? command : "-");
	}
}

static void print_table(const struct regent_world *w, size_t count)
{
	char name[WORLD_NAME];
	size_t i;

	printf("%-9s %4s %-8s %6s %6s %6s %12s %12s %9s %9s %6s\n", "WORLD", "CPU", "STATE",
	       "SHARES", "MIN", "MAX", "RAN_S", "WAITED_S", "SWITCHES", "EXITS", "MOVES");
	for (i = 0; i < count; i++) {
		world_name(&w[i], name);
		printf("%-9s %4u %-8s %6u %5.1f%% %5.4g%%", name, w[i].cpu,
		       state_name(w[i].state), w[i].shares, w[i].min / 10.0, w[i].max / 10.0);
		print_seconds(w[i].ran_ns);
		print_seconds(w[i].waited_ns);
		printf(" %9llu %9llu %6llu\n", w[i].switches, w[i].exits, w[i].moves);
	}
	print_vcpus(w, count);
}

static void print_json_vcpu(struct json *json, const struct regent_world *w)
{
	char command[VALUE_MAX];

	world_command(w, command);
	json_number(json, "vm", w->vm);
	json_number(json, "vcpu", w->vcpu);
	json_number(json, "pid", w->pid);
	if (w->thread)
		json_number(json, "thread", w->thread);
	else
		json_null(json, "thread");
	if (*command)
		json_string(json, "command", command);
	else
		json_null(json, "command");
}

static void print_json(const struct regent_world *w, size_t count)
{
	struct json json = { .out = stdout };
	char name[WORLD_NAME];
	size_t i;

	json_open(&json, NULL, '{');
	json_open(&json, "worlds", '[');
	for (i = 0; i < count; i++, w++) {
		world_name(w, name);
		json_open(&json, NULL, '{');
		json_string(&json, "name", name);
		json_number(&json, "cpu", w->cpu);
		json_string(&json, "state", state_name(w->state));
		json_number(&json, "shares", w->shares);
		json_number(&json, "min_permille", w->min);
		json_number(&json, "max_permille", w->max);
		json_number(&json, "ran_ns", w->ran_ns);
		json_number(&json, "waited_ns", w->waited_ns);
		json_number(&json, "switches", w->switches);
		json_number(&json, "exits", w->exits);
		json_number(&json, "moves", w->moves);
		if (w->kind == REGENT_WORLD_KIND_TEST) {
			json_number(&json, "rounds", w->rounds);
			json_number(&json, "wrong", w->wrong);
		}
		if (w->kind == REGENT_WORLD_KIND_VM)
			print_json_vcpu(&json, w);
		json_close(&json);
	}
	json_close(&json);
	json_close(&json);
}

/**
 * cmd_worlds() - regentctl worlds
 * @argc: number of arguments, the command's name included
 * @argv: the arguments
 *
 * Return: the exit status.
 */
int cmd_worlds(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, OPT_HELP },
		{ "json", no_argument, NULL, OPT_JSON },
		{ 0 }
	};
	struct regent_world *list;
	bool json = false;
	size_t count;
	int c, fd;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (c == 'h' || c == OPT_HELP)
			return show_help();
		if (c != OPT_JSON)
			return bad_option("worlds", c, argv);
		json = true;
	}
	if (optind < argc)
		return usage_error("worlds", "unexpected argument '%s'", argv[optind]);
	fd = world_device();
	if (fd < 0)
		return errno == ENOENT ? EXIT_INACTIVE : EXIT_FAILED;
	list = worlds_read(fd, &count);
	close(fd);
	if (!list)
		return errno == ENODEV ? EXIT_INACTIVE : EXIT_FAILED;
	if (json)
		print_json(list, count);
	else
		print_table(list, count);
	free(list);
	return EXIT_OK;
}
