// SPDX-License-Identifier: GPL-2.0-only
/* regentctl leave: give the machine back and bring back what was there. */
#include <errno.h>
#include <getopt.h>
#include <linux/regent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "regentctl.h"

#define TRIES		30	/* a process that just ended lets go late */
#define PAUSE_US	100000

static int show_help(void)
{
	printf("Usage: regentctl leave\n\n"
	       "Unload regent.ko: Linux gets the machine back as it was found. Then\n"
	       "load what 'regentctl enter' had unloaded.\n\n"
	       "  --help  print this\n\n"
	       "Exit status: 0 handed back and everything as found; 1 in use, or\n"
	       "something differs; 2 wrong usage.\n");
	return EXIT_OK;
}

static bool has_vms(const struct worlds *worlds)
{
	size_t i;

	for (i = 0; i < worlds->count; i++)
		if (worlds->list[i].kind == REGENT_WORLD_KIND_VM)
			return true;
	return false;
}

static void print_holders(void)
{
	struct worlds worlds = worlds_now();
	struct names holders = { 0 };
	unsigned int users;
	size_t i;

	complain("Regent is in use; %sthen try again:", has_vms(&worlds) ?
		 "shut down its VMs and what else uses it, " :
		 "shut down what uses it, ");
	sys_list(&holders, "", "/sys/module/regent/holders");
	for (i = 0; i < holders.count; i++)
		fprintf(stderr, "  module %s: unload it with 'modprobe -r %s'\n",
			holders.name[i], holders.name[i]);
	users = print_users(stderr, true, &worlds);
	if (!users && !holders.count)
		fprintf(stderr, "  no process or module found, but a reference count of %d\n",
			module_refcount("regent"));
	names_free(&holders);
	free(worlds.list);
}

/* EBUSY: somebody else is loading or unloading it at this moment. */
static int try_unload(void)
{
	int rc, try;

	for (try = 0; try < TRIES; try++) {
		rc = module_delete("regent");
		if (rc != -EWOULDBLOCK && rc != -EBUSY)
			break;
		usleep(PAUSE_US);
	}
	if (rc == -EWOULDBLOCK)
		print_holders();
	else if (rc == -EBUSY)
		complain("Regent is being loaded or unloaded by somebody else; try again later");
	else if (rc)
		complain("can't unload Regent: %s", strerror(-rc));
	return rc;
}

/* "handed back: 4 CPUs, 120 of 120 fields as found" */
static bool all_as_found(const char *line)
{
	const char *counts = strstr(line, ", ");
	unsigned int same, all;

	return counts && sscanf(counts, ", %u of %u ", &same, &all) == 2 &&
	       same == all;
}

/*
 * Say what the module said. @before is its status before: one that had handed
 * back earlier has compared then, and says nothing now.
 */
static int report(const struct kmsg *kmsg, const char *before)
{
	const char *line = kmsg_find(kmsg, "handed back:");
	unsigned int warnings = kmsg_print_warnings(kmsg, stderr);

	if (warnings) {
		complain("the machine was given back, but with the warnings above");
		return EXIT_FAILED;
	}
	if (line) {
		printf("%s\n", line);
		return all_as_found(line) ? EXIT_OK : EXIT_FAILED;
	}
	if (strcmp(before, "taken over")) {
		printf("regent: unloaded; it no longer ruled (%s)\n", before);
		return EXIT_OK;
	}
	complain("given back, but no word in the kernel log whether as found; see 'dmesg'");
	return EXIT_FAILED;
}

static int leave(void)
{
	char before[VALUE_MAX];
	struct kmsg kmsg;
	int status = EXIT_FAILED;

	sys_value(before, "/sys/kernel/regent/status");
	kmsg_open(&kmsg);
	if (!try_unload()) {
		kmsg_read(&kmsg);
		status = report(&kmsg, before);
		if (kvm_bring_back())
			status = EXIT_FAILED;
	}
	kmsg_close(&kmsg);
	return status;
}

/* Somebody unloaded it without us: what is left is to bring KVM back. */
static int already_left(void)
{
	if (!kvm_is_remembered()) {
		complain("Regent is not loaded: nothing to leave; 'regentctl enter' loads it");
		return EXIT_FAILED;
	}
	printf("Regent is not loaded any more\n");
	return kvm_bring_back() ? EXIT_FAILED : EXIT_OK;
}

/**
 * cmd_leave() - regentctl leave
 * @argc: number of arguments, the command's name included
 * @argv: the arguments
 *
 * Return: the exit status.
 */
int cmd_leave(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, OPT_HELP },
		{ 0 }
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (c == 'h' || c == OPT_HELP)
			return show_help();
		return bad_option("leave", c, argv);
	}
	if (optind < argc)
		return usage_error("leave", "unexpected argument '%s'",
				   argv[optind]);
	if (!is_root()) {
		complain("only root may unload Regent; use sudo");
		return EXIT_FAILED;
	}
	hold_signals();
	return regent_is_loaded() ? leave() : already_left();
}
