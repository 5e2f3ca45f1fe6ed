// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files below /sys, /proc, /run and /dev, or below the directory that a test
 * names in REGENTCTL_ROOT.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "regentctl.h"

static const char *sys_root = "";

/**
 * sys_init() - look for a test's root
 *
 * secure_getenv() ignores the variable where the program has more rights than
 * its caller.
 */
void sys_init(void)
{
	const char *root = secure_getenv("REGENTCTL_ROOT");

	if (root && *root)
		sys_root = root;
}

/**
 * sys_is_fake() - whether a test's root is in use
 *
 * Return: true if it is; then nothing may be done to the machine itself.
 */
bool sys_is_fake(void)
{
	return *sys_root;
}

static char *sys_vpath(const char *fmt, va_list args)
{
	char *tail, *path;

	if (vasprintf(&tail, fmt, args) < 0)
		tail = NULL;
	check_alloc(tail);
	if (asprintf(&path, "%s%s", sys_root, tail) < 0)
		path = NULL;
	free(tail);
	return check_alloc(path);
}

/**
 * sys_path() - the path to use for a system file
 * @fmt: its real path
 *
 * Return: the path, to be freed.
 */
char *sys_path(const char *fmt, ...)
{
	va_list args;
	char *path;

	va_start(args, fmt);
	path = sys_vpath(fmt, args);
	va_end(args);
	return path;
}

/**
 * sys_exists() - whether a system file or directory is there
 * @fmt: its real path
 *
 * Return: true if it is.
 */
bool sys_exists(const char *fmt, ...)
{
	va_list args;
	char *path;
	bool there;

	va_start(args, fmt);
	path = sys_vpath(fmt, args);
	va_end(args);
	there = !access(path, F_OK);
	free(path);
	return there;
}

static int read_value(char value[VALUE_MAX], char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	*value = '\0';
	free(path);
	if (fd < 0)
		return -1;
	got = read(fd, value, VALUE_MAX - 1);
	close(fd);
	if (got < 0)
		got = 0;
	value[got] = '\0';
	value[strcspn(value, "\n")] = '\0';
	make_printable(value);
	return 0;
}

/**
 * sys_value() - read a file that holds one line
 * @value: receives the line without its newline, or an empty string
 * @fmt: the real path of the file
 *
 * Return: 0, or -1 if there is no such file.
 */
int sys_value(char value[VALUE_MAX], const char *fmt, ...)
{
	va_list args;
	char *path;

	va_start(args, fmt);
	path = sys_vpath(fmt, args);
	va_end(args);
	return read_value(value, path);
}

/**
 * sys_number() - read a file that holds one decimal number
 * @number: receives the number
 * @fmt: the real path of the file
 *
 * Return: 0, or -1 if there is no such file or no number in it.
 */
int sys_number(u64 *number, const char *fmt, ...)
{
	char value[VALUE_MAX];
	va_list args;
	char *path;

	va_start(args, fmt);
	path = sys_vpath(fmt, args);
	va_end(args);
	if (read_value(value, path) || !parse_u64(value, number))
		return -1;
	return 0;
}

/**
 * sys_list() - list a directory
 * @names: the entries' names are added here
 * @prefix: take only those that begin so; the prefix is left out
 * @fmt: the real path of the directory; none is as good as an empty one
 */
void sys_list(struct names *names, const char *prefix, const char *fmt, ...)
{
	size_t skip = strlen(prefix);
	struct dirent *entry;
	va_list args;
	char *path;
	DIR *dir;

	va_start(args, fmt);
	path = sys_vpath(fmt, args);
	va_end(args);
	dir = opendir(path);
	free(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (*entry->d_name != '.' &&
		    !strncmp(entry->d_name, prefix, skip))
			names_add(names, entry->d_name + skip);
	}
	closedir(dir);
}

/**
 * parse_u64() - read a decimal number that fills a string
 * @text: the string
 * @number: receives the number
 *
 * Return: true if it is one.
 */
bool parse_u64(const char *text, u64 *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return !errno && !*end;
}

/**
 * is_root() - whether the caller may load modules
 *
 * Return: true for root, and for anybody below a test's root.
 */
bool is_root(void)
{
	return sys_is_fake() || !geteuid();
}
