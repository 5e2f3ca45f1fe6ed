// SPDX-License-Identifier: GPL-2.0-only
/* Messages, and lists of strings. */
#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "regentctl.h"

/**
 * complain() - say on stderr what went wrong
 * @fmt: one line, without newline; say what to do
 */
void complain(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("regentctl: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

/**
 * usage_error() - say what is wrong with the command line
 * @command: the command, or NULL before there is one
 * @fmt: what is wrong, one line without newline
 *
 * Return: EXIT_USAGE.
 */
int usage_error(const char *command, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "regentctl: %s%s", command ?: "", command ? ": " : "");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "; see 'regentctl %s%s--help'\n", command ?: "",
		command ? " " : "");
	return EXIT_USAGE;
}

/**
 * bad_option() - say what getopt_long() did not like
 * @command: the command whose options were parsed
 * @c: what getopt_long() returned, ':' or '?'
 * @argv: what it was parsing
 *
 * Return: EXIT_USAGE.
 */
int bad_option(const char *command, int c, char *const argv[])
{
	if (c == ':')
		return usage_error(command, "option '%s' needs a value",
				   argv[optind - 1]);
	if (optopt && optopt < OPT_HELP)
		return usage_error(command, "unknown option '-%c'", optopt);
	if (optopt)
		return usage_error(command, "option '%s' takes no value",
				   argv[optind - 1]);
	return usage_error(command, "unknown option '%s'", argv[optind - 1]);
}

/**
 * make_printable() - replace what could upset a terminal
 * @text: the string, changed in place
 *
 * Return: @text.
 */
char *make_printable(char *text)
{
	char *c;

	for (c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return text;
}

/**
 * span_name() - how much of a string can be a name of a module or parameter
 * @text: the string
 *
 * Return: the number of letters, digits, '_', '-' and '.' it begins with; 0
 * if it begins with '-', because that would be an option to modprobe.
 */
size_t span_name(const char *text)
{
	size_t length = 0;

	if (*text == '-')
		return 0;
	while (isalnum((unsigned char)text[length]) ||
	       (text[length] && strchr("_-.", text[length])))
		length++;
	return length;
}

/**
 * check_alloc() - end the program where memory has run out
 * @memory: what the allocation returned
 *
 * Return: @memory, not NULL.
 */
void *check_alloc(void *memory)
{
	if (!memory) {
		complain("out of memory");
		exit(EXIT_FAILED);
	}
	return memory;
}

/**
 * names_add() - append a copy of a string
 * @names: the list
 * @name: the string
 */
void names_add(struct names *names, const char *name)
{
	names->name = check_alloc(reallocarray(names->name, names->count + 1,
					       sizeof(*names->name)));
	names->name[names->count++] = check_alloc(strdup(name));
}

/**
 * names_has() - whether a string is in a list
 * @names: the list
 * @name: the string
 *
 * Return: true if it is.
 */
bool names_has(const struct names *names, const char *name)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		if (!strcmp(names->name[i], name))
			return true;
	return false;
}

static int compare_names(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

/**
 * names_sort() - sort a list, numbers in the strings by value
 * @names: the list
 */
void names_sort(struct names *names)
{
	if (names->count)
		qsort(names->name, names->count, sizeof(*names->name),
		      compare_names);
}

/**
 * names_free() - empty a list
 * @names: the list
 */
void names_free(struct names *names)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		free(names->name[i]);
	free(names->name);
	*names = (struct names){ 0 };
}
