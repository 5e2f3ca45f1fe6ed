// SPDX-License-Identifier: GPL-2.0-only
/* regentctl status: whether Regent rules, and what it did. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "regentctl.h"

#define DIR		"/sys/kernel/regent"
#define EXITS		"exits_"
#define COLUMNS		8	/* CPUs side by side */
#define ABSENT		(~0ull)

/* The single values, in the order of the table. */
static const struct value {
	const char *file;
	const char *label;
	enum { TEXT, CPULIST, NS, KIB, COUNT } kind;
} values[] = {
	{ "version", "version", TEXT },
	{ "backend", "backend", TEXT },
	{ "status", "status", TEXT },
	{ "cpus", "CPUs", CPULIST },
	{ "memory_kb", "memory", KIB },
	{ "pause_takeover_ns", "takeover pause", NS },
	{ "pause_handback_ns", "handback pause", NS },
	{ "entry_max_ns", "longest entry", NS },
	{ "table_pages", "table pages", COUNT },
	{ "hidden_reads", "hidden reads", COUNT },
	{ "hidden_writes", "hidden writes", COUNT },
};

/**
 * struct exits - exits per reason and CPU
 * @cpus: CPU numbers, as text, sorted
 * @reasons: reasons, sorted
 * @count: exits of reason r on CPU c at [r * cpus.count + c], or ABSENT
 */
struct exits {
	struct names cpus;
	struct names reasons;
	u64 *count;
};

static int show_help(void)
{
	printf("Usage: regentctl status [--json]\n\n"
	       "Say whether Regent rules, how long Linux was away, and how often and why\n"
	       "CPUs left Linux since.\n\n"
	       "  --json  print JSON\n"
	       "  --help  print this\n\n"
	       "Exit status: 0 Regent rules; 1 it has faulted, or its status can't be\n"
	       "read; 2 wrong usage; 3 it is not loaded or has handed back.\n");
	return EXIT_OK;
}

static void find_cpus(struct exits *exits)
{
	struct names found = { 0 };
	size_t i;
	u64 cpu;

	sys_list(&found, "cpu", DIR);
	for (i = 0; i < found.count; i++)
		if (parse_u64(found.name[i], &cpu))
			names_add(&exits->cpus, found.name[i]);
	names_sort(&exits->cpus);
	names_free(&found);
}

static void find_reasons(struct exits *exits)
{
	struct names found = { 0 };
	size_t c, i;

	for (c = 0; c < exits->cpus.count; c++) {
		sys_list(&found, EXITS, DIR "/cpu%s", exits->cpus.name[c]);
		for (i = 0; i < found.count; i++)
			if (!names_has(&exits->reasons, found.name[i]))
				names_add(&exits->reasons, found.name[i]);
		names_free(&found);
	}
	names_sort(&exits->reasons);
}

static void read_exits(struct exits *exits)
{
	size_t r, c;
	u64 *count;

	find_cpus(exits);
	find_reasons(exits);
	exits->count = check_alloc(calloc(exits->reasons.count *
					  exits->cpus.count + 1,
					  sizeof(*exits->count)));
	count = exits->count;
	for (r = 0; r < exits->reasons.count; r++) {
		for (c = 0; c < exits->cpus.count; c++, count++)
			if (sys_number(count, DIR "/cpu%s/" EXITS "%s",
				       exits->cpus.name[c],
				       exits->reasons.name[r]))
				*count = ABSENT;
	}
}

static void free_exits(struct exits *exits)
{
	names_free(&exits->cpus);
	names_free(&exits->reasons);
	free(exits->count);
}

static u64 count_at(const struct exits *exits, size_t r, size_t c)
{
	return exits->count[r * exits->cpus.count + c];
}

static u64 sum_of(const struct exits *exits, size_t r)
{
	u64 sum = 0;
	size_t c;

	for (c = 0; c < exits->cpus.count; c++)
		if (count_at(exits, r, c) != ABSENT)
			sum += count_at(exits, r, c);
	return sum;
}

/* For people. */

static void print_value(const struct value *value)
{
	char text[VALUE_MAX];
	u64 number;

	printf("%-16s", value->label);
	if (sys_value(text, DIR "/%s", value->file) || !*text)
		printf("-\n");
	else if (value->kind == NS && parse_u64(text, &number) && number)
		printf("%llu.%llu us\n", number / 1000, number % 1000 / 100);
	else if (value->kind == NS)
		printf("-\n");
	else if (value->kind == KIB)
		printf("%s KiB\n", text);
	else
		printf("%s\n", text);
}

static int digits(u64 number)
{
	return snprintf(NULL, 0, "%llu", number);
}

/* Only root may read them; whoever else it is that asks. */
static bool are_hidden(const struct exits *exits)
{
	size_t i;

	for (i = 0; i < exits->reasons.count * exits->cpus.count; i++)
		if (exits->count[i] != ABSENT)
			return false;
	return geteuid();
}

static int widest_reason(const struct exits *exits)
{
	int width = strlen("exits");
	size_t r;

	for (r = 0; r < exits->reasons.count; r++)
		if ((int)strlen(exits->reasons.name[r]) > width)
			width = strlen(exits->reasons.name[r]);
	return width;
}

/* Every number fits where the largest sum does. */
static int widest_count(const struct exits *exits)
{
	int width = strlen("cpu0000");
	size_t r;

	for (r = 0; r < exits->reasons.count; r++)
		if (digits(sum_of(exits, r)) > width)
			width = digits(sum_of(exits, r));
	return width;
}

static void print_row(const struct exits *exits, size_t r, size_t from,
		      size_t to, int width)
{
	size_t c;
	u64 count;

	for (c = from; c < to; c++) {
		count = count_at(exits, r, c);
		if (count == ABSENT)
			printf("  %*s", width, "-");
		else
			printf("  %*llu", width, count);
	}
	printf("\n");
}

/* The CPUs @from to @to - 1; the sums stand before the first ones. */
static void print_block(const struct exits *exits, size_t from, size_t to)
{
	int name = widest_reason(exits), width = widest_count(exits);
	size_t r, c;

	printf("\n%-*s", name, "exits");
	if (!from)
		printf("  %*s", width, "sum");
	for (c = from; c < to; c++)
		printf("  %*s%s", width - (int)strlen(exits->cpus.name[c]),
		       "cpu", exits->cpus.name[c]);
	printf("\n");
	for (r = 0; r < exits->reasons.count; r++) {
		printf("%-*s", name, exits->reasons.name[r]);
		if (!from)
			printf("  %*llu", width, sum_of(exits, r));
		print_row(exits, r, from, to, width);
	}
}

static void print_status(const struct exits *exits)
{
	size_t i, from, to;

	for (i = 0; i < ARRAY_SIZE(values); i++)
		print_value(&values[i]);
	if (!exits->reasons.count)
		return;
	if (are_hidden(exits)) {
		printf("\nOnly root may read the exits.\n");
		return;
	}
	for (from = 0; from < exits->cpus.count; from = to) {
		to = from + COLUMNS;
		if (to > exits->cpus.count)
			to = exits->cpus.count;
		print_block(exits, from, to);
	}
}

/* As JSON. */

/* "0-2,5" becomes 0, 1, 2, 5; a list that is none ends where it goes wrong. */
static void json_cpulist(struct json *json, const char *list)
{
	unsigned int first, last;
	int used;

	while (sscanf(list, "%u%n", &first, &used) == 1) {
		list += used;
		last = first;
		if (sscanf(list, "-%u%n", &last, &used) == 1)
			list += used;
		if (last < first || last - first > 65535)
			return;
		for (; first <= last; first++)
			json_number(json, NULL, first);
		if (*list++ != ',')
			return;
	}
}

/* A status such as "handed back: suspend" is a status and a reason. */
static void json_text(struct json *json, const struct value *value, char *text)
{
	char *reason = NULL;

	if (!strcmp(value->file, "status"))
		reason = strstr(text, ": ");
	if (reason)
		*reason = '\0';
	json_string(json, value->file, text);
	if (reason)
		json_string(json, "reason", reason + 2);
}

static void print_value_json(struct json *json, const struct value *value)
{
	char text[VALUE_MAX];
	u64 number;

	if (sys_value(text, DIR "/%s", value->file)) {
		json_null(json, value->file);
	} else if (value->kind == CPULIST) {
		json_open(json, value->file, '[');
		json_cpulist(json, text);
		json_close(json);
	} else if (value->kind == TEXT) {
		json_text(json, value, text);
	} else if (parse_u64(text, &number)) {
		json_number(json, value->file, number);
	} else {
		json_null(json, value->file);
	}
}

static void print_exits_json(struct json *json, const struct exits *exits)
{
	size_t r, c;

	json_open(json, "exits", '{');
	for (r = 0; r < exits->reasons.count && !are_hidden(exits); r++)
		json_number(json, exits->reasons.name[r], sum_of(exits, r));
	json_close(json);
	json_open(json, "per_cpu", '[');
	for (c = 0; c < exits->cpus.count; c++) {
		u64 cpu = 0;

		parse_u64(exits->cpus.name[c], &cpu);
		json_open(json, NULL, '{');
		json_number(json, "cpu", cpu);
		json_open(json, "exits", '{');
		for (r = 0; r < exits->reasons.count; r++)
			if (count_at(exits, r, c) != ABSENT)
				json_number(json, exits->reasons.name[r],
					    count_at(exits, r, c));
		json_close(json);
		json_close(json);
	}
	json_close(json);
}

static void print_status_json(const struct exits *exits)
{
	struct json json = { .out = stdout };
	size_t i;

	json_open(&json, NULL, '{');
	json_bool(&json, "loaded", true);
	for (i = 0; i < ARRAY_SIZE(values); i++)
		print_value_json(&json, &values[i]);
	print_exits_json(&json, exits);
	json_close(&json);
}

static const char not_loaded_text[] =
	"Regent is not loaded; Linux is on the bare machine (or under another hypervisor)";

static int not_loaded(bool as_json)
{
	struct json json = { .out = stdout };

	if (as_json) {
		json_open(&json, NULL, '{');
		json_bool(&json, "loaded", false);
		json_close(&json);
	} else {
		printf("%s\n", not_loaded_text);
	}
	return EXIT_INACTIVE;
}

static int exit_status(void)
{
	char status[VALUE_MAX];

	sys_value(status, DIR "/status");
	if (!strcmp(status, "taken over"))
		return EXIT_OK;
	if (!strncmp(status, "handed back", strlen("handed back")))
		return EXIT_INACTIVE;
	return EXIT_FAILED;
}

/**
 * cmd_status() - regentctl status
 * @argc: number of arguments, the command's name included
 * @argv: the arguments
 *
 * Return: the exit status.
 */
int cmd_status(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, OPT_HELP },
		{ "json", no_argument, NULL, OPT_JSON },
		{ 0 }
	};
	struct exits exits = { 0 };
	bool as_json = false;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (c == 'h' || c == OPT_HELP)
			return show_help();
		if (c != OPT_JSON)
			return bad_option("status", c, argv);
		as_json = true;
	}
	if (optind < argc)
		return usage_error("status", "unexpected argument '%s'",
				   argv[optind]);
	if (!sys_exists(DIR))
		return not_loaded(as_json);
	read_exits(&exits);
	if (as_json)
		print_status_json(&exits);
	else
		print_status(&exits);
	free_exits(&exits);
	return exit_status();
}
