// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state blob: checksum, checks and comparison, see <regent/abi/blob.h>. L and user space
 * only, as K never reads a blob.
 *
 * regentctl reads blobs from files, so blob_check() trusts no byte; the other functions take
 * a blob that L made or that blob_check() accepted.
 */
#include <regent/abi/blob.h>
#include <linux/regent.h>

_Static_assert(sizeof(struct regent_blob_header) == 32, "file format");
_Static_assert(sizeof(struct regent_blob_section) == 16, "file format");
_Static_assert(sizeof(struct regent_blob_field) == 48, "file format");
_Static_assert(sizeof(struct regent_blob_range) == 24, "file format");
_Static_assert(sizeof(struct regent_blob_pci) == 144, "file format");
_Static_assert(sizeof(struct regent_blob_ioapic) == 16, "file format");

#define CRC_OFFSET	offsetof(struct regent_blob_header, crc)

/* CRC by four bits at a time, which is fast enough: a blob has some ten KiB and is made once. */
static const u32 crc_nibble[16] = {
	0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
	0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
	0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
	0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

static u32 crc_add(u32 crc, const void *data, size_t length)
{
	const u8 *byte = data;

	for (; length; length--) {
		crc ^= *byte++;
		crc = crc >> 4 ^ crc_nibble[crc & 15];
		crc = crc >> 4 ^ crc_nibble[crc & 15];
	}
	return crc;
}

/**
 * blob_crc32() - CRC-32 as zlib computes it
 * @data: bytes
 * @length: how many
 *
 * Return: the checksum.
 */
u32 blob_crc32(const void *data, size_t length)
{
	return ~crc_add(~0u, data, length);
}

/* Checksum of a whole blob, with its own field taken as zero */
static u32 crc_of(const struct regent_blob_header *blob)
{
	static const u8 zero[sizeof(blob->crc)];
	const u8 *byte = (const u8 *)blob;
	size_t after = CRC_OFFSET + sizeof(zero);
	u32 crc;

	crc = crc_add(~0u, byte, CRC_OFFSET);
	crc = crc_add(crc, zero, sizeof(zero));
	return ~crc_add(crc, byte + after, blob->length - after);
}

/**
 * blob_seal() - write a blob's checksum
 * @blob: blob that is complete otherwise; seal it again after any change
 */
void blob_seal(struct regent_blob_header *blob)
{
	blob->crc = crc_of(blob);
}

static const struct regent_blob_section *
section_at(const struct regent_blob_header *blob, u64 offset)
{
	return (const void *)((const u8 *)blob + offset);
}

/* Offset of the end of the section at @offset, 0 when the section reaches beyond the blob */
static u64 section_end(const struct regent_blob_header *blob, u64 offset)
{
	const struct regent_blob_section *section = section_at(blob, offset);
	u64 left;

	if (blob->length - offset < sizeof(*section))
		return 0;
	left = blob->length - offset - sizeof(*section);
	if ((u64)section->count * section->entry_size > left)
		return 0;
	return offset + sizeof(*section) +
	       (u64)section->count * section->entry_size;
}

static u32 least_entry_size(u32 type)
{
	switch (type) {
	case REGENT_BLOB_GLOBAL:
	case REGENT_BLOB_CPU:
		return sizeof(struct regent_blob_field);
	case REGENT_BLOB_MEMORY:
		return sizeof(struct regent_blob_range);
	case REGENT_BLOB_PCI:
		return sizeof(struct regent_blob_pci);
	case REGENT_BLOB_IOAPIC:
		return sizeof(struct regent_blob_ioapic);
	default:
		return 8;	/* a type of a later version, which readers skip */
	}
}

static const void *
entry_at(const struct regent_blob_section *section, u32 i)
{
	return (const u8 *)(section + 1) + (u64)i * section->entry_size;
}

static bool has_fields(const struct regent_blob_section *section)
{
	return section->type == REGENT_BLOB_GLOBAL ||
	       section->type == REGENT_BLOB_CPU;
}

/* Strings must end and classes must exist, so that readers need not check again. */
static bool entry_ok(const struct regent_blob_section *section, u32 i)
{
	const struct regent_blob_field *field;
	const struct regent_blob_pci *pci;

	if (has_fields(section)) {
		field = entry_at(section, i);
		return !field->name[REGENT_FIELD_NAME - 1] &&
		       field->cls <= REGENT_FIELD_VOLATILE;
	}
	if (section->type == REGENT_BLOB_PCI) {
		pci = entry_at(section, i);
		return !pci->driver[REGENT_PCI_DRIVER - 1];
	}
	return true;
}

static int check_section(const struct regent_blob_section *section)
{
	u32 i;

	if (section->entry_size % 8 ||
	    section->entry_size < least_entry_size(section->type))
		return BLOB_ENTRY;
	for (i = 0; i < section->count; i++) {
		if (!entry_ok(section, i))
			return BLOB_FIELD;
	}
	return BLOB_OK;
}

static int check_sections(const struct regent_blob_header *blob)
{
	u64 offset = sizeof(*blob);
	u32 i;

	/* Each round advances by at least the size of a section's head. */
	for (i = 0; i < blob->sections; i++) {
		u64 end = section_end(blob, offset);
		int err;

		if (!end)
			return BLOB_SECTION;
		err = check_section(section_at(blob, offset));
		if (err)
			return err;
		offset = end;
	}
	return offset == blob->length ? BLOB_OK : BLOB_SECTION;
}

/**
 * blob_check() - tell whether bytes are an undamaged blob of this version
 * @data: the bytes, which may be anything
 * @length: number of bytes
 *
 * Return: BLOB_OK or an enum blob_error.
 */
int blob_check(const void *data, size_t length)
{
	const struct regent_blob_header *blob = data;

	if ((unsigned long)data % 8)
		return BLOB_ALIGN;
	if (length < sizeof(*blob))
		return BLOB_SHORT;
	if (blob->magic != REGENT_BLOB_MAGIC)
		return BLOB_MAGIC;
	if (blob->version != REGENT_BLOB_VERSION)
		return BLOB_VERSION;
	if (blob->length > length)
		return BLOB_SHORT;
	if (blob->length < length || blob->length % 8)
		return BLOB_LENGTH;
	if (blob->crc != crc_of(blob))
		return BLOB_CRC;
	return check_sections(blob);
}

/**
 * blob_next() - walk through the sections of a blob
 * @blob: blob
 * @section: section of @blob, or NULL for the first
 *
 * Return: the section after @section, NULL after the last.
 */
const struct regent_blob_section *
blob_next(const struct regent_blob_header *blob,
	  const struct regent_blob_section *section)
{
	u64 offset = sizeof(*blob);

	if (section)
		offset = section_end(blob, (const u8 *)section -
					   (const u8 *)blob);
	if (!offset || offset >= blob->length || !section_end(blob, offset))
		return NULL;
	return section_at(blob, offset);
}

static bool is_compared(const struct regent_blob_field *field)
{
	return !(field->flags & REGENT_FIELD_ABSENT) &&
	       field->cls != REGENT_FIELD_VOLATILE;
}

/**
 * blob_field_same() - tell whether a field is as it should be
 * @field: a field, after the handback
 *
 * A value that was never read counts as different, because a forgotten comparison must not
 * look like one that went well.
 *
 * Return: false if the field is compared and differs.
 */
bool blob_field_same(const struct regent_blob_field *field)
{
	if (!is_compared(field))
		return true;
	if (!(field->flags & REGENT_FIELD_HAS_LIVE))
		return false;
	if (field->cls == REGENT_FIELD_OWNED)
		return field->live == field->found;
	return (field->flags & REGENT_FIELD_HAS_VIEW) &&
	       field->live == field->view;
}

/**
 * blob_compare() - compare the machine after the handback with the record
 * @blob: blob that holds the live values
 * @differs: called for each field that differs; may be NULL
 * @ctx: argument for @differs
 *
 * Return: number of compared fields, and number of those that are the same.
 */
struct blob_result
blob_compare(const struct regent_blob_header *blob,
	     void (*differs)(void *ctx, const struct regent_blob_section *section,
			     const struct regent_blob_field *field),
	     void *ctx)
{
	const struct regent_blob_section *section = NULL;
	struct blob_result result = { 0, 0 };
	u32 i;

	while ((section = blob_next(blob, section))) {
		for (i = 0; has_fields(section) && i < section->count; i++) {
			const struct regent_blob_field *field;

			field = entry_at(section, i);
			if (!is_compared(field))
				continue;
			result.compared++;
			if (blob_field_same(field))
				result.same++;
			else if (differs)
				differs(ctx, section, field);
		}
	}
	return result;
}
