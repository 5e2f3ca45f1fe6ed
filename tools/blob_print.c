// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state blob, for people and as JSON. The blob has passed blob_check():
 * sections and entries lie inside it and strings end, but any value may be in
 * them.
 */
#include <string.h>
#include <time.h>

#include <linux/regent.h>
#include <regent/abi/blob.h>

#include "regentctl.h"

static const char *const class_names[] = {
	[REGENT_FIELD_OWNED] = "owned",
	[REGENT_FIELD_TRACKED] = "tracked",
	[REGENT_FIELD_VOLATILE] = "volatile",
};

static const char *const range_names[] = {
	[REGENT_RANGE_RAM] = "RAM",
	[REGENT_RANGE_RESERVED] = "reserved",
	[REGENT_RANGE_ACPI] = "ACPI tables",
	[REGENT_RANGE_NVS] = "ACPI NVS",
	[REGENT_RANGE_MMIO] = "MMIO",
	[REGENT_RANGE_PERSISTENT] = "persistent",
};

static const char *const device_names[] = { "host-managed", "reserved", "shared" };

static const char *const msi_names[] = { "INTx", "MSI", "MSI-X" };

static const char *name_of(const char *const names[], size_t count, u64 i)
{
	return i < count && names[i] ? names[i] : "unknown";
}

#define NAME_OF(names, i)	name_of(names, ARRAY_SIZE(names), i)

static const void *entry_at(const struct regent_blob_section *section, u32 i)
{
	return (const u8 *)(section + 1) + (size_t)i * section->entry_size;
}

static bool has_fields(const struct regent_blob_section *section)
{
	return section->type == REGENT_BLOB_GLOBAL ||
	       section->type == REGENT_BLOB_CPU;
}

static bool has_live(const struct regent_blob_header *blob)
{
	const struct regent_blob_section *section = NULL;
	u32 i;

	while ((section = blob_next(blob, section))) {
		for (i = 0; has_fields(section) && i < section->count; i++) {
			const struct regent_blob_field *field;

			field = entry_at(section, i);
			if (field->flags & REGENT_FIELD_HAS_LIVE)
				return true;
		}
	}
	return false;
}

/**
 * blob_assess() - count the fields that are as found
 * @blob: the blob
 * @outcome: receives the counts; @crc_right is left alone
 */
void blob_assess(const struct regent_blob_header *blob,
		 struct blob_outcome *outcome)
{
	struct blob_result result = blob_compare(blob, NULL, NULL);

	outcome->result_known = has_live(blob);
	outcome->compared = result.compared;
	outcome->different = outcome->result_known ?
			     result.compared - result.same : 0;
}

/* For people. */

static void print_value(FILE *out, u64 value, bool valid, int width)
{
	if (valid)
		fprintf(out, " 0x%016llx", value);
	else
		fprintf(out, " %-*s", width, "-");
}

static void print_field(FILE *out, const struct regent_blob_field *field,
			bool known)
{
	char name[REGENT_FIELD_NAME];

	memcpy(name, field->name, sizeof(name));
	fprintf(out, "  %-19s %-8s", make_printable(name),
		NAME_OF(class_names, field->cls));
	if (field->flags & REGENT_FIELD_ABSENT) {
		fprintf(out, " not on this CPU\n");
		return;
	}
	print_value(out, field->found, true, 18);
	print_value(out, field->view, field->flags & REGENT_FIELD_HAS_VIEW, 18);
	print_value(out, field->live, field->flags & REGENT_FIELD_HAS_LIVE, 0);
	fprintf(out, "%s\n", known && !blob_field_same(field) ? " DIFFERS" : "");
}

static void print_fields(FILE *out, const struct regent_blob_section *section,
			 bool known)
{
	u32 i;

	if (section->type == REGENT_BLOB_CPU)
		fprintf(out, "\nCPU %u\n", section->id);
	else
		fprintf(out, "\nMachine\n");
	if (section->count)
		fprintf(out, "  %-19s %-8s %-18s %-18s LIVE\n", "FIELD", "CLASS",
			"FOUND", "VIEW");
	for (i = 0; i < section->count; i++)
		print_field(out, entry_at(section, i), known);
}

static void print_ranges(FILE *out, const struct regent_blob_section *section)
{
	const struct regent_blob_range *range;
	u32 i;

	fprintf(out, "\nMemory\n");
	for (i = 0; i < section->count; i++) {
		range = entry_at(section, i);
		fprintf(out, "  0x%016llx-0x%016llx %12llu KiB %s\n",
			range->start, range->start + range->size - 1,
			range->size / 1024, NAME_OF(range_names, range->type));
	}
}

static void print_bars(FILE *out, const struct regent_blob_pci *pci)
{
	u32 i;

	for (i = 0; i < REGENT_PCI_BARS; i++) {
		if (!pci->bar[i] && !pci->bar_size[i])
			continue;
		fprintf(out, "    BAR %u 0x%016llx, 0x%llx bytes%s%s%s%s\n", i,
			pci->bar[i], pci->bar_size[i],
			pci->bar_flags[i] & 1 ? ", memory" : "",
			pci->bar_flags[i] & 2 ? ", ports" : "",
			pci->bar_flags[i] & 4 ? ", prefetchable" : "",
			pci->bar_flags[i] & 8 ? ", 64-bit" : "");
	}
}

static void print_pci(FILE *out, const struct regent_blob_section *section)
{
	const struct regent_blob_pci *pci;
	char driver[REGENT_PCI_DRIVER];
	u32 i;

	fprintf(out, "\nPCI functions\n");
	for (i = 0; i < section->count; i++) {
		pci = entry_at(section, i);
		memcpy(driver, pci->driver, sizeof(driver));
		fprintf(out, "  %04x:%02x:%02x.%x %04x:%04x class %06x, %s, %s",
			pci->segment, pci->bus, pci->devfn >> 3,
			pci->devfn & 7, pci->vendor, pci->device,
			pci->pci_class, NAME_OF(device_names, pci->device_class),
			NAME_OF(msi_names, pci->msi));
		if (pci->irq)
			fprintf(out, ", IRQ %u", pci->irq);
		if (*driver)
			fprintf(out, ", driver %s", make_printable(driver));
		fputc('\n', out);
		print_bars(out, pci);
	}
}

static void print_ioapics(FILE *out, const struct regent_blob_section *section)
{
	const struct regent_blob_ioapic *ioapic;
	u32 i;

	fprintf(out, "\nI/O APICs\n");
	for (i = 0; i < section->count; i++) {
		ioapic = entry_at(section, i);
		fprintf(out, "  0x%016llx", ioapic->address);
		if (ioapic->gsi_base != ~0u)
			fprintf(out, ", interrupts from %u", ioapic->gsi_base);
		if (ioapic->entries)
			fprintf(out, ", %u entries", ioapic->entries);
		fputc('\n', out);
	}
}

static void print_section(FILE *out, const struct regent_blob_section *section,
			  bool known)
{
	switch (section->type) {
	case REGENT_BLOB_GLOBAL:
	case REGENT_BLOB_CPU:
		print_fields(out, section, known);
		break;
	case REGENT_BLOB_MEMORY:
		print_ranges(out, section);
		break;
	case REGENT_BLOB_PCI:
		print_pci(out, section);
		break;
	case REGENT_BLOB_IOAPIC:
		print_ioapics(out, section);
		break;
	default:
		fprintf(out, "\nSection of unknown type %u, %u entries of %u bytes\n",
			section->type, section->count, section->entry_size);
	}
}

static void print_head(FILE *out, const struct regent_blob_header *blob,
		       const struct blob_outcome *outcome)
{
	time_t seconds = blob->time;
	char when[64] = "at an impossible time";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	fprintf(out, "State blob version %u, %u bytes, %u sections\n",
		blob->version, blob->length, blob->sections);
	fprintf(out, "Checksum:  %s\n", outcome->crc_right ? "right" :
		"WRONG, do not trust what follows");
	fprintf(out, "Takeover:  %s\n", when);
	if (!outcome->result_known)
		fprintf(out, "Fields:    %llu to compare at the handback\n",
			outcome->compared);
	else
		fprintf(out, "Fields:    %llu of %llu as found%s\n",
			outcome->compared - outcome->different,
			outcome->compared,
			outcome->different ? ", the others marked DIFFERS" : "");
}

/**
 * blob_print() - print a blob for people
 * @out: where to
 * @blob: the blob
 * @outcome: what blob_assess() says of it
 */
void blob_print(FILE *out, const struct regent_blob_header *blob,
		const struct blob_outcome *outcome)
{
	const struct regent_blob_section *section = NULL;

	print_head(out, blob, outcome);
	while ((section = blob_next(blob, section)))
		print_section(out, section, outcome->result_known);
}

/* As JSON. */

static void json_value(struct json *json, const char *key, u64 value,
		       bool valid)
{
	if (valid)
		json_hex(json, key, value);
	else
		json_null(json, key);
}

static void json_fields(struct json *json,
			const struct regent_blob_section *section, bool known)
{
	const struct regent_blob_field *field;
	bool here;
	u32 i;

	for (i = 0; i < section->count; i++) {
		field = entry_at(section, i);
		here = !(field->flags & REGENT_FIELD_ABSENT);
		json_open(json, NULL, '{');
		json_string(json, "name", field->name);
		json_string(json, "class", NAME_OF(class_names, field->cls));
		json_value(json, "found", field->found, here);
		json_value(json, "view", field->view,
			   here && field->flags & REGENT_FIELD_HAS_VIEW);
		json_value(json, "live", field->live,
			   here && field->flags & REGENT_FIELD_HAS_LIVE);
		json_bool(json, "differs", known && !blob_field_same(field));
		json_close(json);
	}
}

static void json_ranges(struct json *json,
			const struct regent_blob_section *section)
{
	const struct regent_blob_range *range;
	u32 i;

	for (i = 0; i < section->count; i++) {
		range = entry_at(section, i);
		json_open(json, NULL, '{');
		json_hex(json, "start", range->start);
		json_hex(json, "size", range->size);
		json_string(json, "type", NAME_OF(range_names, range->type));
		json_close(json);
	}
}

static void json_bars(struct json *json, const struct regent_blob_pci *pci)
{
	u32 i;

	json_open(json, "bars", '[');
	for (i = 0; i < REGENT_PCI_BARS; i++) {
		if (!pci->bar[i] && !pci->bar_size[i])
			continue;
		json_open(json, NULL, '{');
		json_number(json, "bar", i);
		json_hex(json, "start", pci->bar[i]);
		json_hex(json, "size", pci->bar_size[i]);
		json_string(json, "type", pci->bar_flags[i] & 2 ? "ports" :
			    pci->bar_flags[i] & 1 ? "memory" : "unknown");
		json_bool(json, "prefetchable", pci->bar_flags[i] & 4);
		json_bool(json, "64bit", pci->bar_flags[i] & 8);
		json_close(json);
	}
	json_close(json);
}

static void json_pci(struct json *json,
		     const struct regent_blob_section *section)
{
	const struct regent_blob_pci *pci;
	char address[32];
	u32 i;

	for (i = 0; i < section->count; i++) {
		pci = entry_at(section, i);
		snprintf(address, sizeof(address), "%04x:%02x:%02x.%x",
			 pci->segment, pci->bus, pci->devfn >> 3,
			 pci->devfn & 7);
		json_open(json, NULL, '{');
		json_string(json, "address", address);
		json_number(json, "vendor", pci->vendor);
		json_number(json, "device", pci->device);
		json_number(json, "class", pci->pci_class);
		json_string(json, "device_class",
			    NAME_OF(device_names, pci->device_class));
		json_string(json, "interrupts", NAME_OF(msi_names, pci->msi));
		json_number(json, "irq", pci->irq);
		json_string(json, "driver", pci->driver);
		json_bars(json, pci);
		json_close(json);
	}
}

static void json_ioapics(struct json *json,
			 const struct regent_blob_section *section)
{
	const struct regent_blob_ioapic *ioapic;
	u32 i;

	for (i = 0; i < section->count; i++) {
		ioapic = entry_at(section, i);
		json_open(json, NULL, '{');
		json_hex(json, "address", ioapic->address);
		if (ioapic->gsi_base != ~0u)
			json_number(json, "gsi_base", ioapic->gsi_base);
		else
			json_null(json, "gsi_base");
		json_number(json, "entries", ioapic->entries);
		json_close(json);
	}
}

static const char *const section_names[] = {
	[REGENT_BLOB_GLOBAL] = "machine",
	[REGENT_BLOB_CPU] = "cpu",
	[REGENT_BLOB_MEMORY] = "memory",
	[REGENT_BLOB_PCI] = "pci",
	[REGENT_BLOB_IOAPIC] = "ioapic",
};

static void json_section(struct json *json,
			 const struct regent_blob_section *section, bool known)
{
	json_open(json, NULL, '{');
	json_string(json, "type", NAME_OF(section_names, section->type));
	json_number(json, "id", section->id);
	json_number(json, "count", section->count);
	json_open(json, "entries", '[');
	if (has_fields(section))
		json_fields(json, section, known);
	else if (section->type == REGENT_BLOB_MEMORY)
		json_ranges(json, section);
	else if (section->type == REGENT_BLOB_PCI)
		json_pci(json, section);
	else if (section->type == REGENT_BLOB_IOAPIC)
		json_ioapics(json, section);
	json_close(json);
	json_close(json);
}

/**
 * blob_print_json() - print a blob as JSON
 * @out: where to
 * @blob: the blob
 * @outcome: what blob_assess() says of it
 */
void blob_print_json(FILE *out, const struct regent_blob_header *blob,
		     const struct blob_outcome *outcome)
{
	const struct regent_blob_section *section = NULL;
	struct json json = { .out = out };

	json_open(&json, NULL, '{');
	json_number(&json, "version", blob->version);
	json_number(&json, "length", blob->length);
	json_number(&json, "time", blob->time);
	json_bool(&json, "crc_right", outcome->crc_right);
	json_number(&json, "fields_compared", outcome->compared);
	if (outcome->result_known)
		json_number(&json, "fields_different", outcome->different);
	else
		json_null(&json, "fields_different");
	json_open(&json, "sections", '[');
	while ((section = blob_next(blob, section)))
		json_section(&json, section, outcome->result_known);
	json_close(&json);
	json_close(&json);
}
