// SPDX-License-Identifier: GPL-2.0-only
/* regentctl: let Regent take over, look at it, let it give the machine back. */
#include <errno.h>
#include <string.h>

#include "regentctl.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
} commands[] = {
	{ "enter", cmd_enter, "load regent.ko: Linux becomes a guest of Regent" },
	{ "leave", cmd_leave, "unload it: Linux gets the machine back" },
	{ "status", cmd_status, "say whether Regent rules, and what it did" },
	{ "cpu", cmd_cpu, "say or change whose the CPUs' interrupts are" },
	{ "worlds", cmd_worlds, "list what is scheduled, and what it got" },
	{ "world", cmd_world, "say what VMs' vCPUs get where they are not alone" },
	{ "selftest", cmd_selftest, "share the CPUs with test worlds, and check" },
	{ "state", cmd_state, "print what the takeover found and changed" },
};

static int show_help(void)
{
	size_t i;

	printf("Usage: regentctl COMMAND [OPTION...]\n\nCommands:\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].what);
	printf("\nOptions:\n"
	       "  --help     print this; after a COMMAND, its own help\n"
	       "  --version  print the version\n\n"
	       "Exit status: 0 done, 1 failed, 2 wrong usage; status: 3 when\n"
	       "Regent does not rule. See regentctl(8).\n");
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	size_t i;

	if (argc < 2)
		return usage_error(NULL, "no command given");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return show_help();
	if (!strcmp(argv[1], "--version")) {
		printf("regentctl %s\n", REGENT_VERSION);
		return EXIT_OK;
	}
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	return usage_error(NULL, "unknown %s '%s'",
			   *argv[1] == '-' ? "option" : "command", argv[1]);
}

int main(int argc, char **argv)
{
	int status;

	sys_init();
	status = run(argc, argv);
	if (fflush(stdout) || ferror(stdout)) {
		complain("can't write the output: %s", strerror(errno));
		status = status ?: EXIT_FAILED;
	}
	return status;
}
