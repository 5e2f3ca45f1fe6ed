// SPDX-License-Identifier: GPL-2.0-only
/* The state blob: a good one passes, and whatever is done to it is noticed. */
#include <regent/abi/blob.h>
#include <linux/regent.h>
#include "unit.h"

#define CAPACITY	4096

struct builder {
	struct regent_blob_header *blob;
	u8 *bytes;	/* the same */
};

static void begin(struct builder *b)
{
	b->bytes = calloc(1, CAPACITY);
	b->blob = (void *)b->bytes;
	b->blob->magic = REGENT_BLOB_MAGIC;
	b->blob->version = REGENT_BLOB_VERSION;
	b->blob->length = sizeof(*b->blob);
}

static struct regent_blob_section *
add_section(struct builder *b, u32 type, u32 count, u32 entry_size)
{
	struct regent_blob_section *section;

	section = (void *)(b->bytes + b->blob->length);
	section->type = type;
	section->count = count;
	section->entry_size = entry_size;
	b->blob->length += sizeof(*section) + count * entry_size;
	b->blob->sections++;
	return section;
}

static struct regent_blob_field *
field_of(struct regent_blob_section *section, u32 i)
{
	return (void *)((u8 *)(section + 1) + i * section->entry_size);
}

static void fill_field(struct regent_blob_field *field, const char *name,
		       u8 cls, u8 flags)
{
	strncpy(field->name, name, sizeof(field->name) - 1);
	field->cls = cls;
	field->flags = flags;
	field->found = 1;
	field->view = 2;
	field->live = cls == REGENT_FIELD_OWNED ? 1 : 2;
}

#define BOTH	(REGENT_FIELD_HAS_VIEW | REGENT_FIELD_HAS_LIVE)

/* One section of each kind, one that is empty, and one of a later version. */
static void build(struct builder *b)
{
	struct regent_blob_section *section;
	struct regent_blob_pci *pci;

	begin(b);
	section = add_section(b, REGENT_BLOB_GLOBAL, 2,
			      sizeof(struct regent_blob_field));
	fill_field(field_of(section, 0), "SVME", REGENT_FIELD_OWNED, BOTH);
	fill_field(field_of(section, 1), "MTRR", REGENT_FIELD_TRACKED, BOTH);
	section = add_section(b, 77, 3, 8);
	memset(section + 1, 0xee, 24);
	/* Entries grown by a later version */
	section = add_section(b, REGENT_BLOB_CPU, 3,
			      sizeof(struct regent_blob_field) + 16);
	section->id = 1;
	fill_field(field_of(section, 0), "EFER", REGENT_FIELD_OWNED, BOTH);
	fill_field(field_of(section, 1), "TSC", REGENT_FIELD_VOLATILE, 0);
	fill_field(field_of(section, 2), "S_CET", REGENT_FIELD_OWNED,
		   REGENT_FIELD_ABSENT);
	add_section(b, REGENT_BLOB_MEMORY, 2, sizeof(struct regent_blob_range));
	section = add_section(b, REGENT_BLOB_PCI, 1, sizeof(*pci));
	pci = (void *)(section + 1);
	strcpy(pci->driver, "e1000e");
	add_section(b, REGENT_BLOB_IOAPIC, 0,
		    sizeof(struct regent_blob_ioapic));
	blob_seal(b->blob);
}

static void end(struct builder *b)
{
	free(b->bytes);
}

/* The check on a copy of just that size, so that ASan sees what it reads. */
static int check(const void *data, size_t length)
{
	void *copy = malloc(length ? length : 1);
	int err;

	memcpy(copy, data, length);
	err = blob_check(copy, length);
	free(copy);
	return err;
}

static int reseal(struct builder *b)
{
	blob_seal(b->blob);
	return check(b->bytes, b->blob->length);
}

static void crc_is_zlibs(void **state)
{
	(void)state;
	assert_int_equal(blob_crc32("", 0), 0);
	assert_int_equal(blob_crc32("123456789", 9), 0xcbf43926);
	assert_int_equal(blob_crc32("\0\0\0\0", 4), 0x2144df1c);
}

static void seal_is_crc_without_its_field(void **state)
{
	struct builder b;
	u32 crc;

	(void)state;
	build(&b);
	crc = b.blob->crc;
	b.blob->crc = 0;
	assert_int_equal(blob_crc32(b.bytes, b.blob->length), crc);
	end(&b);
}

static void good_blob_passes(void **state)
{
	static const u32 types[] = {
		REGENT_BLOB_GLOBAL, 77, REGENT_BLOB_CPU, REGENT_BLOB_MEMORY,
		REGENT_BLOB_PCI, REGENT_BLOB_IOAPIC,
	};
	const struct regent_blob_section *section = NULL;
	struct builder b;
	u32 i;

	(void)state;
	build(&b);
	assert_int_equal(check(b.bytes, b.blob->length), BLOB_OK);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		section = blob_next(b.blob, section);
		assert_non_null(section);
		assert_int_equal(section->type, types[i]);
	}
	assert_null(blob_next(b.blob, section));
	end(&b);

	begin(&b);
	assert_int_equal(reseal(&b), BLOB_OK);
	assert_null(blob_next(b.blob, NULL));
	end(&b);
}

static void each_changed_byte_is_noticed(void **state)
{
	struct builder b;
	u32 i, length;
	u64 seed = 4;

	(void)state;
	build(&b);
	length = b.blob->length;
	for (i = 0; i < length; i++) {
		u8 was = b.bytes[i];

		b.bytes[i] ^= 1 + unit_below(&seed, 255);
		assert_int_not_equal(check(b.bytes, length), BLOB_OK);
		if (i >= sizeof(*b.blob))
			assert_int_equal(check(b.bytes, length), BLOB_CRC);
		b.bytes[i] = was;
	}
	assert_int_equal(check(b.bytes, length), BLOB_OK);
	end(&b);
}

static void truncated_at_every_length(void **state)
{
	struct builder b;
	u32 i, length;

	(void)state;
	build(&b);
	length = b.blob->length;
	for (i = 0; i < length; i++)
		assert_int_equal(check(b.bytes, i), BLOB_SHORT);
	assert_int_equal(check(b.bytes, length + 8), BLOB_LENGTH);
	/* And with a head that agrees */
	for (i = sizeof(*b.blob); i < length; i++) {
		b.blob->length = i;
		if (i % 8)
			assert_int_equal(reseal(&b), BLOB_LENGTH);
		else
			assert_int_equal(reseal(&b), BLOB_SECTION);
	}
	end(&b);
}

static void header_is_checked(void **state)
{
	struct builder b;

	(void)state;
	build(&b);
	assert_int_equal(blob_check(b.bytes + 4, 64), BLOB_ALIGN);
	b.blob->magic++;
	assert_int_equal(reseal(&b), BLOB_MAGIC);
	b.blob->magic--;
	b.blob->version++;
	assert_int_equal(reseal(&b), BLOB_VERSION);
	b.blob->version--;
	b.blob->sections++;
	assert_int_equal(reseal(&b), BLOB_SECTION);
	b.blob->sections = 0xffffffff;
	assert_int_equal(reseal(&b), BLOB_SECTION);
	b.blob->sections = 5;
	assert_int_equal(reseal(&b), BLOB_SECTION);
	b.blob->sections = 6;
	assert_int_equal(reseal(&b), BLOB_OK);
	b.blob->length = 8;
	assert_int_equal(check(b.bytes, sizeof(*b.blob)), BLOB_LENGTH);
	b.blob->length = 0xfffffff8;
	assert_int_equal(check(b.bytes, CAPACITY), BLOB_SHORT);
	end(&b);
}

static void hostile_counts_and_sizes(void **state)
{
	static const u32 values[] = {
		0, 1, 2, 4, 7, 8, 12, 16, 24, 47, 48, 49, 56, 64, 0x7fffffff,
		0x80000000, 0x10000000, 0x05555556, 0xfffffff8, 0xffffffff,
	};
	struct regent_blob_section *section;
	struct builder b;
	u32 i, j, type, passed = 0;

	(void)state;
	build(&b);
	section = (void *)(b.bytes + sizeof(*b.blob));
	for (type = 0; type < 8; type++) {
		section->type = type;
		for (i = 0; i < ARRAY_SIZE(values); i++) {
			for (j = 0; j < ARRAY_SIZE(values); j++) {
				section->count = values[i];
				section->entry_size = values[j];
				if (reseal(&b) != BLOB_OK)
					continue;
				blob_compare(b.blob, NULL, NULL);
				passed++;
			}
		}
	}
	/* 96 bytes are there: 2 * 48 for 7 types, 4 * 24 for 5, 12 * 8 for 3. */
	assert_int_equal(passed, 15);
	section->type = REGENT_BLOB_GLOBAL;
	section->count = 0x80000000;
	section->entry_size = 0;
	assert_int_equal(reseal(&b), BLOB_ENTRY);
	section->count = 4;
	section->entry_size = 24;
	assert_int_equal(reseal(&b), BLOB_ENTRY);
	section->count = 8;
	section->entry_size = 12;
	section->type = 99;
	assert_int_equal(reseal(&b), BLOB_ENTRY);
	end(&b);
}

static void fields_are_checked(void **state)
{
	struct regent_blob_section *section;
	struct regent_blob_field *field;
	struct regent_blob_pci *pci;
	struct builder b;

	(void)state;
	begin(&b);
	section = add_section(&b, REGENT_BLOB_CPU, 1, sizeof(*field));
	field = field_of(section, 0);
	memset(field->name, 'x', sizeof(field->name));
	assert_int_equal(reseal(&b), BLOB_FIELD);
	field->name[sizeof(field->name) - 1] = '\0';
	assert_int_equal(reseal(&b), BLOB_OK);
	field->cls = REGENT_FIELD_VOLATILE + 1;
	assert_int_equal(reseal(&b), BLOB_FIELD);
	field->cls = 0;
	section = add_section(&b, REGENT_BLOB_PCI, 1, sizeof(*pci));
	pci = (void *)(section + 1);
	memset(pci->driver, 'x', sizeof(pci->driver));
	assert_int_equal(reseal(&b), BLOB_FIELD);
	end(&b);
}

struct wanted {
	u8 cls;
	u8 flags;
	u64 found, view, live;
	bool compared;
	bool same;
};

static const struct wanted wanted[] = {
	{ REGENT_FIELD_OWNED, BOTH, 5, 6, 5, true, true },
	{ REGENT_FIELD_OWNED, BOTH, 5, 6, 6, true, false },
	{ REGENT_FIELD_OWNED, REGENT_FIELD_HAS_LIVE, 5, 0, 5, true, true },
	{ REGENT_FIELD_OWNED, REGENT_FIELD_HAS_VIEW, 5, 5, 5, true, false },
	{ REGENT_FIELD_OWNED, 0, 5, 5, 5, true, false },
	{ REGENT_FIELD_OWNED, REGENT_FIELD_ABSENT, 5, 6, 7, false, true },
	{ REGENT_FIELD_OWNED, REGENT_FIELD_ABSENT | BOTH, 5, 6, 7, false, true },
	{ REGENT_FIELD_TRACKED, BOTH, 5, 6, 6, true, true },
	{ REGENT_FIELD_TRACKED, BOTH, 5, 6, 5, true, false },
	{ REGENT_FIELD_TRACKED, BOTH, 5, 6, 6 | 1ull << 63, true, false },
	{ REGENT_FIELD_TRACKED, REGENT_FIELD_HAS_LIVE, 6, 6, 6, true, false },
	{ REGENT_FIELD_TRACKED, REGENT_FIELD_HAS_VIEW, 6, 6, 6, true, false },
	{ REGENT_FIELD_TRACKED, REGENT_FIELD_ABSENT, 5, 6, 7, false, true },
	{ REGENT_FIELD_VOLATILE, BOTH, 5, 6, 7, false, true },
	{ REGENT_FIELD_VOLATILE, 0, 5, 6, 7, false, true },
};

static void count_differing(void *ctx, const struct regent_blob_section *section,
			    const struct regent_blob_field *field)
{
	u32 *seen = ctx;
	u32 i = field->name[0] - 'a';

	assert_int_equal(section->id, 3);
	assert_true(i < ARRAY_SIZE(wanted));
	assert_false(wanted[i].same);
	seen[i]++;
}

static void classes_are_compared_by_rule(void **state)
{
	u32 seen[ARRAY_SIZE(wanted)] = { 0 };
	u32 compared = 0, same = 0, i;
	struct regent_blob_section *section;
	struct blob_result result;
	struct builder b;

	(void)state;
	begin(&b);
	section = add_section(&b, REGENT_BLOB_CPU, ARRAY_SIZE(wanted),
			      sizeof(struct regent_blob_field));
	section->id = 3;
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct regent_blob_field *field = field_of(section, i);

		field->name[0] = 'a' + i;
		field->cls = wanted[i].cls;
		field->flags = wanted[i].flags;
		field->found = wanted[i].found;
		field->view = wanted[i].view;
		field->live = wanted[i].live;
		assert_int_equal(blob_field_same(field), wanted[i].same);
		compared += wanted[i].compared;
		same += wanted[i].compared && wanted[i].same;
	}
	assert_int_equal(reseal(&b), BLOB_OK);
	result = blob_compare(b.blob, count_differing, seen);
	assert_int_equal(result.compared, compared);
	assert_int_equal(result.same, same);
	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_int_equal(seen[i], !wanted[i].same);
	end(&b);
}

static void all_sections_are_compared(void **state)
{
	struct blob_result result;
	struct builder b;

	(void)state;
	build(&b);
	result = blob_compare(b.blob, NULL, NULL);
	assert_int_equal(result.compared, 3);
	assert_int_equal(result.same, 3);
	end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_is_zlibs),
		cmocka_unit_test(seal_is_crc_without_its_field),
		cmocka_unit_test(good_blob_passes),
		cmocka_unit_test(each_changed_byte_is_noticed),
		cmocka_unit_test(truncated_at_every_length),
		cmocka_unit_test(header_is_checked),
		cmocka_unit_test(hostile_counts_and_sizes),
		cmocka_unit_test(fields_are_checked),
		cmocka_unit_test(classes_are_compared_by_rule),
		cmocka_unit_test(all_sections_are_compared),
	};

	return cmocka_run_group_tests_name("blob", tests, NULL, NULL);
}
