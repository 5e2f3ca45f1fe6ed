// SPDX-License-Identifier: GPL-2.0-only
/* regentctl enter: the friendly way in. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "regentctl.h"

/**
 * struct enter_args - the command line
 * @path: the module's file, NULL for the installed one
 * @params: the module's parameters, "NAME=VALUE" each
 * @fd: the module's file, open, or -1
 */
struct enter_args {
	const char *path;
	struct names params;
	int fd;
};

static int show_help(void)
{
	printf("Usage: regentctl enter [--module PATH] [PARAM=VALUE...]\n\n"
	       "Load regent.ko: Linux goes on as a guest of Regent. An idle KVM is\n"
	       "unloaded before, and brought back by 'regentctl leave'.\n\n"
	       "  --module PATH  load this file; without it, what 'modprobe regent' finds\n"
	       "  --help         print this\n\n"
	       "Exit status: 0 taken over, 1 failed (and nothing changed), 2 wrong usage.\n");
	return EXIT_OK;
}

/* Module parameters: the kernel splits them at blanks and has no escapes. */
static bool is_param(const char *text)
{
	size_t name = span_name(text);

	return name && text[name] == '=' && !strpbrk(text, "\"\n");
}

static int parse(struct enter_args *args, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, OPT_HELP },
		{ "module", required_argument, NULL, OPT_MODULE },
		{ 0 }
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (c == 'h' || c == OPT_HELP)
			exit(show_help());
		if (c != OPT_MODULE)
			return bad_option("enter", c, argv);
		args->path = optarg;
	}
	for (; optind < argc; optind++) {
		if (!is_param(argv[optind]))
			return usage_error("enter", "'%s' is not PARAM=VALUE",
					   argv[optind]);
		names_add(&args->params, argv[optind]);
	}
	return 0;
}

/* All that can be refused before anything is touched. */
static bool may_enter(struct enter_args *args)
{
	if (!is_root()) {
		complain("only root may load Regent; use sudo");
		return false;
	}
	if (regent_is_loaded()) {
		complain("Regent is already loaded; to load it anew, run 'regentctl leave' first");
		return false;
	}
	if (args->path) {
		args->fd = open(args->path, O_RDONLY | O_CLOEXEC);
		if (args->fd < 0)
			complain("can't open %s: %s", args->path,
				 strerror(errno));
		return args->fd >= 0;
	}
	if (!modprobe_knows("regent")) {
		complain("no regent.ko is installed for this kernel; give --module PATH");
		return false;
	}
	return true;
}

static int load(const struct enter_args *args)
{
	const char **list;
	size_t i;
	int rc;

	if (args->path)
		return module_insert(args->fd, args->path, &args->params);
	list = check_alloc(calloc(args->params.count + 2, sizeof(*list)));
	list[0] = "regent";
	for (i = 0; i < args->params.count; i++)
		list[i + 1] = args->params.name[i];
	rc = modprobe(list);
	free(list);
	return rc;
}

static const char *explain(int error)
{
	switch (error) {
	case -ENOEXEC:
		return "the file is no module for this kernel; build it against 'uname -r'";
	case -EKEYREJECTED:
	case -ENOKEY:
		return "the kernel accepts only signed modules; sign it, or turn off Secure Boot";
	case -EPERM:
		return "the kernel forbids it; look for lockdown or kernel.modules_disabled";
	case -EIO:
		return "see the kernel log ('dmesg')";
	default:
		return strerror(-error);
	}
}

static void explain_failure(const struct kmsg *kmsg, int error)
{
	size_t i;

	complain("Regent did not take over:");
	if (kmsg_print_warnings(kmsg, stderr))
		return;
	for (i = 0; i < kmsg->lines.count; i++)
		fprintf(stderr, "%s\n", kmsg->lines.name[i]);
	if (!kmsg->lines.count)
		fprintf(stderr, "regent: not loaded: %s\n", explain(error));
}

/* The module is in: say so, with what it had to say. */
static int report(const struct kmsg *kmsg)
{
	const char *line = kmsg_find(kmsg, "taken over:");
	char status[VALUE_MAX], cpus[VALUE_MAX];

	kmsg_print_warnings(kmsg, stderr);
	sys_value(status, "/sys/kernel/regent/status");
	if (strcmp(status, "taken over")) {
		complain("Regent is loaded, but its status is '%s'; run 'regentctl leave'",
			 status);
		return EXIT_FAILED;
	}
	sys_value(cpus, "/sys/kernel/regent/cpus");
	if (line)
		printf("%s\n", line);
	else
		printf("regent: taken over: CPUs %s\n", cpus);
	return EXIT_OK;
}

static int enter(const struct enter_args *args)
{
	int rc, status = EXIT_FAILED;
	struct kmsg kmsg;

	if (kvm_make_way()) {
		kvm_bring_back();
		return EXIT_FAILED;
	}
	kmsg_open(&kmsg);
	rc = load(args);
	kmsg_read(&kmsg);
	if (rc) {
		explain_failure(&kmsg, rc);
		kvm_bring_back();
	} else {
		status = report(&kmsg);
	}
	kmsg_close(&kmsg);
	return status;
}

/**
 * cmd_enter() - regentctl enter
 * @argc: number of arguments, the command's name included
 * @argv: the arguments
 *
 * Return: the exit status.
 */
int cmd_enter(int argc, char **argv)
{
	struct enter_args args = { .fd = -1 };
	int status;

	status = parse(&args, argc, argv);
	if (!status && !may_enter(&args))
		status = EXIT_FAILED;
	if (!status) {
		hold_signals();
		status = enter(&args);
	}
	if (args.fd >= 0)
		close(args.fd);
	names_free(&args.params);
	return status;
}
