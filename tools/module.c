// SPDX-License-Identifier: GPL-2.0-only
/* Loading and unloading kernel modules. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "regentctl.h"

#define PROGRAM_ARGS	64
#define INIT_COMPRESSED	4	/* MODULE_INIT_COMPRESSED_FILE, Linux 5.17 */

/**
 * regent_is_loaded() - whether regent.ko is in the kernel
 *
 * Return: true if it is, or is coming or going.
 */
bool regent_is_loaded(void)
{
	return sys_exists("/sys/module/regent") ||
	       sys_exists("/sys/kernel/regent");
}

/**
 * module_refcount() - how many hold a module
 * @name: the module
 *
 * Return: the number, or -1 if it is not loaded (or built in).
 */
int module_refcount(const char *name)
{
	u64 count;

	if (sys_number(&count, "/sys/module/%s/refcnt", name))
		return -1;
	return count > 0x7fffffff ? 0x7fffffff : (int)count;
}

/**
 * module_names() - list the loaded modules
 * @names: their names are added here
 */
void module_names(struct names *names)
{
	char *path = sys_path("/proc/modules");
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	free(path);
	if (!file)
		return;
	while (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n ")] = '\0';
		names_add(names, line);
	}
	free(line);
	fclose(file);
}

/* The child: quiet sends its errors to nowhere. */
static void become(const char *program, char *const argv[], bool quiet)
{
	const char *path = getenv("PATH") ?: "";
	char *more;

	if (quiet && !freopen("/dev/null", "w", stderr))
		_exit(127);
	if (sys_is_fake()) {
		execv(sys_path("/sbin/%s", program), argv);
		_exit(127);
	}
	if (asprintf(&more, "%s%s/usr/sbin:/sbin", path, *path ? ":" : "") > 0)
		setenv("PATH", more, 1);
	execvp(program, argv);
	_exit(127);
}

/*
 * Run insmod, rmmod or modprobe. With a test's root only the programs below
 * it are run, so that a test can't touch the machine it runs on.
 */
static int run(const char *program, const char *const args[], bool quiet)
{
	char *argv[PROGRAM_ARGS] = { (char *)program };
	int status, i;
	pid_t child;

	for (i = 0; args[i]; i++) {
		if (i == PROGRAM_ARGS - 2)
			return -E2BIG;
		argv[i + 1] = (char *)args[i];
	}
	fflush(NULL);
	child = fork();
	if (child < 0)
		return -errno;
	if (!child)
		become(program, argv, quiet);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return -ENOENT;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

/**
 * modprobe() - run modprobe
 * @args: its arguments, a NULL after the last
 *
 * Return: 0, or -ENOENT if there is no modprobe, or -EIO if it failed; it
 * has then said why.
 */
int modprobe(const char *const args[])
{
	return run("modprobe", args, false);
}

/**
 * modprobe_knows() - whether modprobe could load a module
 * @name: the module
 *
 * Return: true if it is installed for the running kernel.
 */
bool modprobe_knows(const char *name)
{
	const char *const args[] = { "-n", "-q", name, NULL };

	return !run("modprobe", args, true);
}

/* The kernel takes one string and splits it at blanks outside quotes. */
static char *join_params(const struct names *params)
{
	char *all = check_alloc(strdup("")), *more;
	const char *value;
	size_t i;
	int rc;

	for (i = 0; i < params->count; i++) {
		value = strchr(params->name[i], '=') + 1;
		rc = asprintf(&more, strpbrk(value, " \t") ? "%s%s%.*s\"%s\"" :
			      "%s%s%.*s%s", all, i ? " " : "",
			      (int)(value - params->name[i]), params->name[i],
			      value);
		free(all);
		all = check_alloc(rc < 0 ? NULL : more);
	}
	return all;
}

static bool is_compressed(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && (!strcmp(dot, ".xz") || !strcmp(dot, ".gz") ||
		       !strcmp(dot, ".zst"));
}

/**
 * module_insert() - load a module from a file
 * @fd: the file
 * @path: its name
 * @params: "NAME=VALUE" each
 *
 * Return: 0 or a negative errno.
 */
int module_insert(int fd, const char *path, const struct names *params)
{
	char *joined = join_params(params);
	const char *const args[] = { path, joined, NULL };
	int rc = 0;

	if (sys_is_fake())
		rc = run("insmod", args, false);
	else if (syscall(SYS_finit_module, fd, joined,
			 is_compressed(path) ? INIT_COMPRESSED : 0))
		rc = -errno;
	free(joined);
	return rc;
}

/**
 * module_delete() - unload a module, once, without waiting for its users
 * @name: the module
 *
 * Return: 0 or a negative errno; -EWOULDBLOCK if it is in use.
 */
int module_delete(const char *name)
{
	const char *const args[] = { name, NULL };

	if (sys_is_fake())
		return run("rmmod", args, true) ? -EWOULDBLOCK : 0;
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

/**
 * hold_signals() - let no signal end the program half-way
 *
 * Between unloading KVM and loading it again nothing may stop us, not even a
 * reader of our output that goes away.
 */
void hold_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}
