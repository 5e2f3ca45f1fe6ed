// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking KVM out of the way, and bringing it back. What was unloaded is
 * remembered in a file, one module a line, because another run brings it back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "regentctl.h"

#define RUN_DIR		"/run/regent"
#define REMEMBERED	RUN_DIR "/unloaded-modules"
#define MODULE_NAME	56	/* MODULE_NAME_LEN of 64-bit Linux */

static const char *const vendors[] = { "kvm_amd", "kvm_intel" };

/* The file's lines become arguments of modprobe: take nothing else. */
static bool is_module_name(const char *name)
{
	size_t length = span_name(name);

	return length && length < MODULE_NAME && !name[length];
}

static void recall(struct names *names)
{
	char *path = sys_path(REMEMBERED);
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	free(path);
	if (!file)
		return;
	while (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (is_module_name(line) && !names_has(names, line))
			names_add(names, line);
	}
	free(line);
	fclose(file);
}

static void forget(void)
{
	char *path = sys_path(REMEMBERED);

	unlink(path);
	free(path);
}

static bool write_names(const char *path, const struct names *names)
{
	FILE *file = fopen(path, "we");
	bool wrong;
	size_t i;

	if (!file)
		return false;
	for (i = 0; i < names->count; i++)
		fprintf(file, "%s\n", names->name[i]);
	wrong = ferror(file);
	return !fclose(file) && !wrong;
}

/* Replace the file in one step: never leave half of it behind. */
static void remember(const struct names *names)
{
	char *dir = sys_path(RUN_DIR), *path = sys_path(REMEMBERED);
	char *new = sys_path(REMEMBERED ".new");
	size_t i;

	mkdir(dir, 0755);
	if (!write_names(new, names) || rename(new, path)) {
		complain("can't write %s: %s; load these yourself afterwards:",
			 path, strerror(errno));
		for (i = 0; i < names->count; i++)
			fprintf(stderr, "  modprobe %s\n", names->name[i]);
	}
	free(dir);
	free(path);
	free(new);
}

/**
 * kvm_is_remembered() - whether modules wait to be brought back
 *
 * Return: true if they do.
 */
bool kvm_is_remembered(void)
{
	return sys_exists(REMEMBERED);
}

static const char *busy_vendor(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vendors); i++)
		if (module_refcount(vendors[i]) > 0)
			return vendors[i];
	return NULL;
}

static void print_busy(const char *vendor)
{
	const struct worlds none = { 0 };
	struct names holders = { 0 };
	unsigned int found;
	size_t i;

	complain("%s is in use; shut down what uses it, then run 'regentctl enter' again:",
		 vendor);
	sys_list(&holders, "", "/sys/module/%s/holders", vendor);
	for (i = 0; i < holders.count; i++)
		fprintf(stderr, "  module %s: unload it with 'modprobe -r %s'\n",
			holders.name[i], holders.name[i]);
	found = print_users(stderr, false, &none);
	if (!found && !holders.count)
		fprintf(stderr, "  no process or module found, but a reference count of %d\n",
			module_refcount(vendor));
	names_free(&holders);
}

/* Vendors first: loading them brings what they need by itself. */
static void add_missing(struct names *gone, const struct names *before,
			const struct names *after)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vendors); i++)
		if (names_has(before, vendors[i]) &&
		    !names_has(after, vendors[i]) &&
		    !names_has(gone, vendors[i]))
			names_add(gone, vendors[i]);
	for (i = 0; i < before->count; i++)
		if (is_module_name(before->name[i]) &&
		    !names_has(after, before->name[i]) &&
		    !names_has(gone, before->name[i]))
			names_add(gone, before->name[i]);
}

static int remove_idle(const char *name)
{
	const char *const args[] = { "-r", name, NULL };
	int rc;

	if (module_refcount(name) != 0)
		return 0;
	rc = modprobe(args);
	if (rc)
		complain("can't unload %s: %s; unload it yourself with 'modprobe -r %s'",
			 name, rc == -EIO ? "modprobe failed" : strerror(-rc),
			 name);
	return rc;
}

/**
 * kvm_make_way() - unload an idle KVM and remember what was unloaded
 *
 * Return: 0, or -1 if it is in use or stays; the user has been told why.
 * What was unloaded by then kvm_bring_back() loads again.
 */
int kvm_make_way(void)
{
	struct names before = { 0 }, after = { 0 }, gone = { 0 };
	const char *busy = busy_vendor();
	size_t i, old;
	int rc = 0;

	if (busy) {
		print_busy(busy);
		return -1;
	}
	module_names(&before);
	for (i = 0; i < ARRAY_SIZE(vendors) && !rc; i++)
		rc = remove_idle(vendors[i]);
	if (!rc)
		rc = remove_idle("kvm");
	module_names(&after);
	recall(&gone);
	old = gone.count;
	add_missing(&gone, &before, &after);
	if (gone.count > old)
		remember(&gone);
	for (i = old; i < gone.count; i++)
		printf("unloaded %s\n", gone.name[i]);
	names_free(&before);
	names_free(&after);
	names_free(&gone);
	return rc ? -1 : 0;
}

/**
 * kvm_bring_back() - load again what was unloaded
 *
 * Return: 0, or -1 if some could not be loaded; they stay remembered.
 */
int kvm_bring_back(void)
{
	struct names gone = { 0 }, left = { 0 };
	size_t i;
	int rc;

	recall(&gone);
	for (i = 0; i < gone.count; i++) {
		const char *const args[] = { gone.name[i], NULL };

		if (!modprobe(args)) {
			printf("loaded %s again\n", gone.name[i]);
			continue;
		}
		complain("can't load %s again; do it yourself with 'modprobe %s'",
			 gone.name[i], gone.name[i]);
		names_add(&left, gone.name[i]);
	}
	if (left.count)
		remember(&left);
	else
		forget();
	rc = left.count ? -1 : 0;
	names_free(&gone);
	names_free(&left);
	return rc;
}
