// SPDX-License-Identifier: GPL-2.0-only
/* Files: what is written must be read again, by its SHA-256. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "load.h"

#define FILE_BYTES	(512 * 1024)
#define BLOCK_BYTES	(32 * 1024)

static int open_file(void)
{
	const char *dir = getenv("TMPDIR");
	char path[256] = "/tmp";
	int fd;

	if (dir && strlen(dir) < sizeof(path) - 32)
		strcpy(path, dir);
	strcat(path, "/load_files.XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		fail("mkstemp %s: %s", path, strerror(errno));
	unlink(path);
	return fd;
}

static void transfer(int fd, uint8_t *data, bool writing)
{
	size_t at;
	ssize_t n;

	for (at = 0; at < FILE_BYTES; at += n) {
		n = writing ? pwrite(fd, data + at, BLOCK_BYTES, at)
			    : pread(fd, data + at, BLOCK_BYTES, at);
		if (n <= 0 || n % 8)
			fail("%s at %zu: %zd, %s", writing ? "write" : "read", at, n,
			     strerror(errno));
	}
}

static void check(const uint8_t *data, const uint8_t *expected, const char *how)
{
	uint8_t digest[32];

	sha256(data, FILE_BYTES, digest);
	if (memcmp(digest, expected, 32))
		fail("checksum wrong after %s", how);
}

void run_files(void)
{
	uint64_t *data = malloc(FILE_BYTES), random = 0x853c49e6748fea9bULL;
	uint8_t digest[32], *mapped;
	int fd, i;

	while (running()) {
		fd = open_file();
		for (i = 0; i < FILE_BYTES / 8; i++)
			data[i] = next_random(&random);
		sha256(data, FILE_BYTES, digest);
		transfer(fd, (uint8_t *)data, true);
		if (fsync(fd))
			fail("fsync: %s", strerror(errno));
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		memset(data, 0, FILE_BYTES);
		transfer(fd, (uint8_t *)data, false);
		check((uint8_t *)data, digest, "read");
		mapped = mmap(NULL, FILE_BYTES, PROT_READ, MAP_SHARED, fd, 0);
		if (mapped == MAP_FAILED)
			fail("mmap: %s", strerror(errno));
		check(mapped, digest, "mmap");
		munmap(mapped, FILE_BYTES);
		close(fd);
		count(1);
	}
	free(data);
}
