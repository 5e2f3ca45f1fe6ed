// SPDX-License-Identifier: GPL-2.0-only
/* regentctl cpu: whose a CPU's interrupts are. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "regentctl.h"

#define DIR	"/sys/kernel/regent"

static int show_help(void)
{
	printf("Usage: regentctl cpu [N [forward|direct|auto]]\n\n"
	       "Print the mode of every CPU, or of CPU N, or change it:\n\n"
	       "  forward  Regent takes the CPU's interrupts and hands them on\n"
	       "  direct   they go straight to Linux; no other world runs there\n"
	       "  auto     forwarded while another world is there (after the takeover)\n\n"
	       "  --help   print this\n\n"
	       "Exit status: 0 done; 1 failed; 2 wrong usage.\n");
	return EXIT_OK;
}

static int print_mode(const char *cpu)
{
	char mode[VALUE_MAX], wanted[VALUE_MAX];

	if (sys_value(mode, DIR "/cpu%s/mode", cpu) ||
	    sys_value(wanted, DIR "/cpu%s/mode_wanted", cpu)) {
		complain("CPU %s is not Regent's", cpu);
		return EXIT_FAILED;
	}
	printf("cpu%s %s%s\n", cpu, mode, strcmp(wanted, "auto") ? "" : " (auto)");
	return EXIT_OK;
}

static int print_all(void)
{
	struct names dirs = { 0 };
	int status = EXIT_OK;
	u64 number;
	size_t i;

	sys_list(&dirs, "cpu", DIR);
	names_sort(&dirs);
	for (i = 0; i < dirs.count; i++)
		if (parse_u64(dirs.name[i], &number) && print_mode(dirs.name[i]))
			status = EXIT_FAILED;
	names_free(&dirs);
	return status;
}

static const char *reason(int error)
{
	switch (error) {
	case EOPNOTSUPP:
		return "not on this machine: C-states (boot with cpuidle.off=1), Hyper-V, or more than 8 I/O APICs";
	case ENOSPC:
		return "Linux has no interrupt vector left there";
	case EBUSY:
		return "Linux does not come out of an interrupt handler; try again";
	case ENODEV:
		return "it is offline, or Regent does not rule (see 'regentctl status')";
	}
	return strerror(error);
}

static int set_mode(const char *cpu, const char *mode)
{
	char *path = sys_path(DIR "/cpu%s/mode", cpu);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0 || write(fd, mode, strlen(mode)) < 0)
		error = errno;
	if (fd >= 0)
		close(fd);
	free(path);
	if (!error)
		return EXIT_OK;
	if (error == ENOENT)
		complain("CPU %s is not Regent's", cpu);
	else
		complain("CPU %s: %s", cpu, reason(error));
	return EXIT_FAILED;
}

/**
 * cmd_cpu() - regentctl cpu
 * @argc: number of arguments, the command's name included
 * @argv: the arguments
 *
 * Return: the exit status.
 */
int cmd_cpu(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, OPT_HELP },
		{ 0 }
	};
	u64 number;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (c == 'h' || c == OPT_HELP)
			return show_help();
		return bad_option("cpu", c, argv);
	}
	argv += optind;
	argc -= optind;
	if (argc > 2)
		return usage_error("cpu", "unexpected argument '%s'", argv[2]);
	if (argc && !parse_u64(argv[0], &number))
		return usage_error("cpu", "'%s' is no CPU number", argv[0]);
	if (argc == 2 && strcmp(argv[1], "forward") && strcmp(argv[1], "direct") &&
	    strcmp(argv[1], "auto"))
		return usage_error("cpu", "no mode '%s'", argv[1]);
	if (!sys_exists(DIR)) {
		complain("Regent is not loaded");
		return EXIT_FAILED;
	}
	if (!argc)
		return print_all();
	if (argc == 1)
		return print_mode(argv[0]);
	return set_mode(argv[0], strcmp(argv[1], "forward") ? argv[1] : "forwarded");
}
