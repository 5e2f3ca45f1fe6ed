/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading, sealing and comparing the state blob: plain logic for L and for
 * the unit tests. The layout is user-visible: <linux/regent.h> (include/uapi).
 */
#ifndef REGENT_ABI_BLOB_H
#define REGENT_ABI_BLOB_H

#include <regent/abi/types.h>

struct regent_blob_header;
struct regent_blob_section;
struct regent_blob_field;

/**
 * enum blob_error - why blob_check() refuses a blob
 * @BLOB_OK: the blob is good
 * @BLOB_ALIGN: the blob does not lie on an 8-byte boundary
 * @BLOB_SHORT: there are fewer bytes than a header, or than the header says
 * @BLOB_MAGIC: the blob does not begin with REGENT_BLOB_MAGIC
 * @BLOB_VERSION: the blob was made by another version
 * @BLOB_LENGTH: the length in the header is not a multiple of 8, or less than the
 *	number of bytes there are
 * @BLOB_CRC: the checksum is wrong: the blob is damaged
 * @BLOB_SECTION: the sections do not fill the blob exactly
 * @BLOB_ENTRY: a section's entry size is too small for the section's type, or not a
 *	multiple of 8
 * @BLOB_FIELD: a name lacks its final NUL, or a field's class does not exist
 */
enum blob_error {
	BLOB_OK = 0,
	BLOB_ALIGN = -1,
	BLOB_SHORT = -2,
	BLOB_MAGIC = -3,
	BLOB_VERSION = -4,
	BLOB_LENGTH = -5,
	BLOB_CRC = -6,
	BLOB_SECTION = -7,
	BLOB_ENTRY = -8,
	BLOB_FIELD = -9,
};

u32 blob_crc32(const void *data, size_t length);
void blob_seal(struct regent_blob_header *blob);
int blob_check(const void *data, size_t length);
const struct regent_blob_section *
blob_next(const struct regent_blob_header *blob,
	  const struct regent_blob_section *section);

/**
 * struct blob_result - the outcome of a comparison
 * @compared: number of owned and tracked fields that this CPU has
 * @same: number of those whose live value is as it should be, see blob_field_same()
 */
struct blob_result {
	u32 compared;
	u32 same;
};

bool blob_field_same(const struct regent_blob_field *field);
struct blob_result
blob_compare(const struct regent_blob_header *blob,
	     void (*differs)(void *ctx, const struct regent_blob_section *section,
			     const struct regent_blob_field *field),
	     void *ctx);

#endif
