// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walk tables that a guest supplied. Input: kind, some addresses to walk, then
 * the entries; whatever they point to is one of the pages there, or nowhere.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <regent/ptab.h>

#define PAGES	8
#define WALKS	4

struct memory {
	u64 *page[PAGES];	/* each allocated alone, for ASan */
};

struct input {
	u64 kind;
	u64 root;
	u64 va[WALKS];
};

/* Small inputs have to reach deep: the low address bits choose the page. */
static u64 *page_of(void *ctx, u64 pa)
{
	struct memory *memory = ctx;

	if (pa & 0xfff)
		abort();
	return (pa >> 12 & 15) < PAGES ? memory->page[pa >> 12 & 15] : NULL;
}

static void walk(const struct ptab *pt, u64 va)
{
	struct ptab_leaf leaf = { 0 };

	if (ptab_walk(pt, va, &leaf) != PTAB_OK)
		return;
	if (leaf.level < 1 || leaf.level > 3 ||
	    leaf.size != ptab_level_size(leaf.level) ||
	    (leaf.pa ^ va) & (leaf.size - 1) || leaf.pa >> 52)
		abort();
}

static void fill(struct memory *memory, const uint8_t *data, size_t size)
{
	size_t i;

	for (i = 0; i < PAGES; i++)
		memory->page[i] = calloc(1, 4096);
	/* Deal the entries out round the pages: one input fills slot 0 of all. */
	for (i = 0; i < size / 8 && i < PAGES * 512; i++)
		memcpy(&memory->page[i % PAGES][i / PAGES], data + i * 8, 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ptab_format *fmt[] = {
		&ptab_x86, &ptab_npt, &ptab_ept,
	};
	struct memory memory;
	struct input input;
	struct ptab pt;
	int i;

	if (size < sizeof(input))
		return 0;
	memcpy(&input, data, sizeof(input));
	fill(&memory, data + sizeof(input), size - sizeof(input));
	pt = (struct ptab) {
		.fmt = fmt[input.kind % 3], .root = input.root,
		.levels = 4 + (input.kind >> 8) % 2, .max_leaf = 3,
		.page = page_of, .ctx = &memory,
	};
	for (i = 0; i < WALKS; i++)
		walk(&pt, input.va[i]);
	for (i = 0; i < PAGES; i++)
		free(memory.page[i]);
	return 0;
}
