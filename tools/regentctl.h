/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of regentctl share. */
#ifndef REGENTCTL_H
#define REGENTCTL_H

#include <stdio.h>

#include <regent/abi/types.h>

#define EXIT_OK		0
#define EXIT_FAILED	1
#define EXIT_USAGE	2
#define EXIT_INACTIVE	3	/* to say what is there: Regent does not rule */

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define __attr(...)		__attribute__((__VA_ARGS__))
#define __printf(fmt, args)	__attr(format(printf, fmt, args))

#define VALUE_MAX	256	/* bytes of one sysfs value, its NUL included */

/* The commands. */
int cmd_enter(int argc, char **argv);
int cmd_leave(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_cpu(int argc, char **argv);
int cmd_state(int argc, char **argv);
int cmd_worlds(int argc, char **argv);
int cmd_world(int argc, char **argv);
int cmd_selftest(int argc, char **argv);

/* Long options; above any character, see bad_option(). */
enum {
	OPT_HELP = 256,
	OPT_JSON,
	OPT_MODULE,
	OPT_RAW,
	OPT_SECONDS,
	OPT_TOLERANCE,
	OPT_SHARES,
	OPT_MIN,
	OPT_MAX,
	OPT_CPUS,
	OPT_ONCE,
};

/* util.c: messages, and lists of strings. */

/**
 * struct names - a growing list of strings that it owns
 * @name: the strings
 * @count: how many
 */
struct names {
	char **name;
	size_t count;
};

void complain(const char *fmt, ...) __printf(1, 2);
int usage_error(const char *command, const char *fmt, ...)
	__printf(2, 3);
int bad_option(const char *command, int c, char *const argv[]);
char *make_printable(char *text);
size_t span_name(const char *text);
void *check_alloc(void *memory);
void names_add(struct names *names, const char *name);
bool names_has(const struct names *names, const char *name);
void names_sort(struct names *names);
void names_free(struct names *names);

/* sys.c: files below /sys, /proc, /run and /dev, or below a test's root. */

void sys_init(void);
bool sys_is_fake(void);
char *sys_path(const char *fmt, ...) __printf(1, 2);
bool sys_exists(const char *fmt, ...) __printf(1, 2);
int sys_value(char value[VALUE_MAX], const char *fmt, ...)
	__printf(2, 3);
int sys_number(u64 *number, const char *fmt, ...)
	__printf(2, 3);
void sys_list(struct names *names, const char *prefix, const char *fmt, ...)
	__printf(3, 4);
bool parse_u64(const char *text, u64 *number);
bool is_root(void);

/* module.c: loading and unloading. */

bool regent_is_loaded(void);
int module_refcount(const char *name);
void module_names(struct names *names);
int modprobe(const char *const args[]);
bool modprobe_knows(const char *name);
int module_insert(int fd, const char *path, const struct names *params);
int module_delete(const char *name);
void hold_signals(void);

/* users.c: who holds a device. */

struct regent_world;

/**
 * struct worlds - all worlds at one moment
 * @list: the worlds, or NULL
 * @count: how many
 */
struct worlds {
	struct regent_world *list;
	size_t count;
};

unsigned int print_users(FILE *out, bool regent_devices, const struct worlds *worlds);

/* kvm.c: taking KVM out of the way, and bringing it back. */

int kvm_make_way(void);
int kvm_bring_back(void);
bool kvm_is_remembered(void);

/* kmsg.c: what the module said in the kernel log. */

/**
 * struct kmsg - the kernel log from one moment on
 * @fd: /dev/kmsg, or -1 when it can't be read
 * @lost: lines were overwritten before they were read
 * @lines: the texts of Regent's lines
 * @level: their log levels
 */
struct kmsg {
	int fd;
	bool lost;
	struct names lines;
	int *level;
};

void kmsg_open(struct kmsg *kmsg);
void kmsg_read(struct kmsg *kmsg);
const char *kmsg_find(const struct kmsg *kmsg, const char *prefix);
unsigned int kmsg_print_warnings(const struct kmsg *kmsg, FILE *out);
void kmsg_close(struct kmsg *kmsg);

/* json.c: a writer. */

#define JSON_DEPTH	8

/**
 * struct json - JSON being written
 * @out: where to
 * @depth: open objects and arrays
 * @close: their closing brackets
 * @filled: whether they have a member already
 */
struct json {
	FILE *out;
	unsigned int depth;
	char close[JSON_DEPTH];
	bool filled[JSON_DEPTH];
};

void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json);
void json_string(struct json *json, const char *key, const char *text);
void json_number(struct json *json, const char *key, u64 number);
void json_hex(struct json *json, const char *key, u64 number);
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);

/* worlds.c: what /dev/regent tells of worlds. */

#define WORLD_NAME	32

int world_device(void);
struct worlds worlds_now(void);
struct regent_world *worlds_read(int fd, size_t *count);
void world_name(const struct regent_world *w, char name[WORLD_NAME]);
void world_command(const struct regent_world *w, char command[VALUE_MAX]);

/* world.c and follow.c: what VMs' vCPUs get. */

int world_help(void);
int world_follow(int argc, char **argv);

/* blob_print.c: the state blob, for people and as JSON. */

struct regent_blob_header;

/**
 * struct blob_outcome - what is to say of a whole blob
 * @crc_right: the checksum is right
 * @result_known: the live values are there, so that they were compared
 * @compared: owned and tracked fields compared
 * @different: those of them that are not as found
 */
struct blob_outcome {
	bool crc_right;
	bool result_known;
	u64 compared;
	u64 different;
};

void blob_assess(const struct regent_blob_header *blob,
		 struct blob_outcome *outcome);
void blob_print(FILE *out, const struct regent_blob_header *blob,
		const struct blob_outcome *outcome);
void blob_print_json(FILE *out, const struct regent_blob_header *blob,
		     const struct blob_outcome *outcome);

#endif
