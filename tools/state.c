// SPDX-License-Identifier: GPL-2.0-only
/* regentctl state: print the state blob, the live one or a saved one. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/regent.h>
#include <regent/abi/blob.h>

#include "regentctl.h"

#define LIVE_BLOB	"/sys/kernel/regent/state"
#define BLOB_MAX	(64u << 20)
#define PIECE		65536u

/**
 * struct state_args - the command line
 * @json: print JSON
 * @raw: write the blob itself to this file, "-" for stdout
 * @file: a saved blob, "-" for stdin, NULL for the live one
 */
struct state_args {
	bool json;
	const char *raw;
	const char *file;
};

/**
 * struct bytes - the blob as it was read
 * @data: the bytes, aligned as malloc() does
 * @length: how many
 */
struct bytes {
	void *data;
	size_t length;
};

static int show_help(void)
{
	printf("Usage: regentctl state [--json] [--raw FILE|-] [FILE|-]\n\n"
	       "Print the state blob: what the takeover found and changed, field by\n"
	       "field, from /sys/kernel/regent/state (needs root) or from FILE.\n\n"
	       "  --json        print JSON; 64-bit values are strings such as \"0x1f\"\n"
	       "  --raw FILE|-  write the blob as it is to FILE or to stdout instead\n"
	       "  --help        print this\n\n"
	       "Exit status: 0 printed; 1 not readable, damaged, or a field differs;\n"
	       "2 wrong usage.\n");
	return EXIT_OK;
}

static int parse(struct state_args *args, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, OPT_HELP },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "raw", required_argument, NULL, OPT_RAW },
		{ 0 }
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (c == 'h' || c == OPT_HELP)
			exit(show_help());
		else if (c == OPT_JSON)
			args->json = true;
		else if (c == OPT_RAW)
			args->raw = optarg;
		else
			return bad_option("state", c, argv);
	}
	if (args->json && args->raw)
		return usage_error("state", "--json and --raw exclude each other");
	if (argc - optind > 1)
		return usage_error("state", "more than one FILE");
	args->file = argv[optind];
	return 0;
}

static int open_live(void)
{
	char *path = sys_path(LIVE_BLOB);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	free(path);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		complain("Regent is not loaded; run 'regentctl enter' or give a saved FILE");
	else if (errno == EACCES || errno == EPERM)
		complain("only root may read the state; use sudo");
	else
		complain("can't open %s: %s", LIVE_BLOB, strerror(errno));
	return -1;
}

static int open_input(const char *file)
{
	int fd;

	if (!file)
		return open_live();
	if (!strcmp(file, "-"))
		return STDIN_FILENO;
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		complain("can't open %s: %s", file, strerror(errno));
	return fd;
}

static bool read_all(int fd, struct bytes *bytes, const char *what)
{
	ssize_t got = 1;

	while (got) {
		if (bytes->length > BLOB_MAX) {
			complain("%s is larger than any state blob", what);
			return false;
		}
		bytes->data = check_alloc(realloc(bytes->data,
						  bytes->length + PIECE));
		got = read(fd, (char *)bytes->data + bytes->length, PIECE);
		if (got < 0 && errno != EINTR) {
			complain("can't read %s: %s", what, strerror(errno));
			return false;
		}
		if (got > 0)
			bytes->length += got;
	}
	return true;
}

static bool write_raw(const struct bytes *bytes, const char *file)
{
	bool to_stdout = !strcmp(file, "-");
	size_t done = 0;
	ssize_t put = 0;
	int fd = STDOUT_FILENO;

	/* The live blob is for root only: keep its copy so. */
	if (!to_stdout)
		fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	while (fd >= 0 && done < bytes->length) {
		put = write(fd, (char *)bytes->data + done,
			    bytes->length - done);
		if (put < 0 && errno != EINTR)
			break;
		done += put > 0 ? put : 0;
	}
	if (fd < 0 || put < 0 || (!to_stdout && close(fd))) {
		complain("can't write %s: %s", to_stdout ? "stdout" : file,
			 strerror(errno));
		return false;
	}
	return true;
}

static const char *what_is_wrong(int error)
{
	switch (error) {
	case BLOB_SHORT:
		return "is cut off";
	case BLOB_MAGIC:
		return "is no state blob";
	case BLOB_VERSION:
		return "is a state blob of another version; use that version's regentctl";
	case BLOB_LENGTH:
		return "has more bytes than its header says";
	case BLOB_CRC:
		return "has a wrong checksum";
	default:
		return "is damaged: its sections or fields make no sense";
	}
}

/*
 * Check the blob. One with nothing wrong but its checksum is sealed anew, so
 * that it can be printed: the checks of its structure come after the checksum.
 */
static bool check(struct bytes *bytes, struct blob_outcome *outcome,
		  const char *what)
{
	int error = blob_check(bytes->data, bytes->length);

	outcome->crc_right = error != BLOB_CRC;
	if (error == BLOB_CRC) {
		complain("%s %s", what, what_is_wrong(error));
		blob_seal(bytes->data);
		error = blob_check(bytes->data, bytes->length);
	}
	if (error) {
		complain("%s %s", what, what_is_wrong(error));
		return false;
	}
	blob_assess(bytes->data, outcome);
	return true;
}

static int show(const struct state_args *args, struct bytes *bytes,
		const char *what)
{
	struct blob_outcome outcome = { 0 };

	if (args->raw && !write_raw(bytes, args->raw))
		return EXIT_FAILED;
	if (!check(bytes, &outcome, what))
		return EXIT_FAILED;
	if (args->json)
		blob_print_json(stdout, bytes->data, &outcome);
	else if (!args->raw)
		blob_print(stdout, bytes->data, &outcome);
	return outcome.crc_right && !outcome.different ? EXIT_OK : EXIT_FAILED;
}

/**
 * cmd_state() - regentctl state
 * @argc: number of arguments, the command's name included
 * @argv: the arguments
 *
 * Return: the exit status.
 */
int cmd_state(int argc, char **argv)
{
	struct state_args args = { 0 };
	struct bytes bytes = { 0 };
	const char *what = LIVE_BLOB;
	int fd, status;

	status = parse(&args, argc, argv);
	if (status)
		return status;
	if (args.file)
		what = strcmp(args.file, "-") ? args.file : "stdin";
	fd = open_input(args.file);
	if (fd < 0)
		return EXIT_FAILED;
	status = EXIT_FAILED;
	if (read_all(fd, &bytes, what))
		status = show(&args, &bytes, what);
	if (fd != STDIN_FILENO)
		close(fd);
	free(bytes.data);
	return status;
}
