// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes into blob_check(), as they are and with magic, version, length and
 * checksum made right, so that the fuzzer gets at what lies behind those.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <regent/abi/blob.h>
#include <linux/regent.h>

static void touch(void *ctx, const struct regent_blob_section *section,
		  const struct regent_blob_field *field)
{
	size_t *sum = ctx;

	*sum += section->id + strlen(field->name);
}

static void use_if_good(const struct regent_blob_header *blob, size_t size)
{
	struct blob_result result;
	size_t sum = 0;

	if (blob_check(blob, size) != BLOB_OK)
		return;
	result = blob_compare(blob, touch, &sum);
	if (result.same > result.compared)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct regent_blob_header *blob = malloc(size ? size : 1);

	memcpy(blob, data, size);
	use_if_good(blob, size);
	if (size >= sizeof(*blob)) {
		blob->magic = REGENT_BLOB_MAGIC;
		blob->version = REGENT_BLOB_VERSION;
		blob->length = size;
		blob_seal(blob);
		use_if_good(blob, size);
	}
	free(blob);
	return 0;
}
