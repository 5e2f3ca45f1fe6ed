// SPDX-License-Identifier: GPL-2.0-only
/* What the module said in the kernel log. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "regentctl.h"

#define TAG		"regent: "
#define LEVEL_WARNING	4
#define RECORD_MAX	8192	/* /dev/kmsg refuses a buffer below a record */
#define LOG_MAX		(16u << 20)

/**
 * kmsg_open() - remember this moment of the kernel log
 * @kmsg: the log; where it can't be read it will be empty
 */
void kmsg_open(struct kmsg *kmsg)
{
	char *path = sys_path("/dev/kmsg");

	*kmsg = (struct kmsg){ 0 };
	kmsg->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg->fd >= 0)
		lseek(kmsg->fd, 0, SEEK_END);
	free(path);
}

/* A record: "PRIORITY,SEQUENCE,TIME,FLAGS[,...];TEXT", then " KEY=VALUE"s. */
static void take_record(struct kmsg *kmsg, char *record)
{
	char *text = strchr(record, ';');
	unsigned long priority;

	if (!text || *record < '0' || *record > '9')
		return;
	priority = strtoul(record, NULL, 10);
	/* Only facility 0 is the kernel; anything else user space wrote. */
	if (priority > 7 || strncmp(++text, TAG, strlen(TAG)))
		return;
	kmsg->level = check_alloc(reallocarray(kmsg->level,
					       kmsg->lines.count + 1,
					       sizeof(*kmsg->level)));
	kmsg->level[kmsg->lines.count] = priority;
	names_add(&kmsg->lines, make_printable(text));
}

/* Read all there is now: the device gives one record a call. */
static char *read_log(struct kmsg *kmsg)
{
	char *log = check_alloc(malloc(1));
	size_t length = 0;
	ssize_t got;

	while (length < LOG_MAX) {
		log = check_alloc(realloc(log, length + RECORD_MAX + 1));
		got = read(kmsg->fd, log + length, RECORD_MAX);
		if (got > 0)
			length += got;
		else if (got < 0 && errno == EPIPE)
			kmsg->lost = true;
		else if (got == 0 || errno != EINTR)
			break;
	}
	log[length] = '\0';
	return log;
}

/**
 * kmsg_read() - take in what Regent logged since kmsg_open()
 * @kmsg: the log
 */
void kmsg_read(struct kmsg *kmsg)
{
	char *log, *record, *rest;

	if (kmsg->fd < 0)
		return;
	log = read_log(kmsg);
	rest = log;
	while ((record = strsep(&rest, "\n")))
		take_record(kmsg, record);
	free(log);
	if (kmsg->lost)
		complain("some lines of the kernel log were overwritten before they could be read");
}

/**
 * kmsg_find() - find the newest line that begins so
 * @kmsg: the log
 * @prefix: the beginning, after "regent: "
 *
 * Return: the line with "regent: ", or NULL.
 */
const char *kmsg_find(const struct kmsg *kmsg, const char *prefix)
{
	size_t i;

	for (i = kmsg->lines.count; i-- > 0;) {
		if (!strncmp(kmsg->lines.name[i] + strlen(TAG), prefix,
			     strlen(prefix)))
			return kmsg->lines.name[i];
	}
	return NULL;
}

/* The module loader's remarks on any module that is not Linux's own. */
static bool is_taint(const char *line)
{
	return strstr(line, "taints kernel") || strstr(line, "tainting kernel");
}

/**
 * kmsg_print_warnings() - print the lines that are warnings or worse
 * @kmsg: the log
 * @out: where to
 *
 * Return: how many were printed.
 */
unsigned int kmsg_print_warnings(const struct kmsg *kmsg, FILE *out)
{
	unsigned int printed = 0;
	size_t i;

	fflush(stdout);
	for (i = 0; i < kmsg->lines.count; i++) {
		if (kmsg->level[i] > LEVEL_WARNING ||
		    is_taint(kmsg->lines.name[i]))
			continue;
		fprintf(out, "%s\n", kmsg->lines.name[i]);
		printed++;
	}
	return printed;
}

/**
 * kmsg_close() - done with the kernel log
 * @kmsg: the log
 */
void kmsg_close(struct kmsg *kmsg)
{
	if (kmsg->fd >= 0)
		close(kmsg->fd);
	names_free(&kmsg->lines);
	free(kmsg->level);
}
