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

u32 blob_crc32(const void *data, size_t length);
void blob_seal(struct regent_blob_header *blob);
int blob_check(const void *data, size_t length);
const struct regent_blob_section *
blob_next(const struct regent_blob_header *blob,
	  const struct regent_blob_section *section);

/**
 * struct blob_result - the outcome of a comparison
 * @compared: owned and tracked fields that this CPU has
 * @same: those of them that are as found
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
