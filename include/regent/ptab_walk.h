/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ptab_walk() as an inline function, for hot paths: where the compiler knows the function
 * behind pt->page(), there is no indirect call. Plain logic.
 */
#ifndef REGENT_PTAB_WALK_H
#define REGENT_PTAB_WALK_H

#include <regent/ptab.h>

#define PTAB_ENTRIES	512
#define PTAB_RIGHTS	0x7ull		/* present/read, write, user/execute */
#define PTAB_NX		(1ull << 63)

static inline u64 ptab_size(int level)
{
	return 1ull << (12 + 9 * (level - 1));
}

static inline unsigned int ptab_slot(u64 va, int level)
{
	return (va >> (12 + 9 * (level - 1))) & (PTAB_ENTRIES - 1);
}

static inline u64 ptab_va_mask(const struct ptab *pt)
{
	return (ptab_size(pt->levels) << 9) - 1;
}

/* Is an address canonical: do the bits above the top level repeat its highest bit, or are zero? */
static inline bool ptab_va_ok(const struct ptab *pt, u64 va)
{
	u64 top = pt->fmt->canonical ? ptab_va_mask(pt) >> 1 : ptab_va_mask(pt);

	return !(va & ~top) || (pt->fmt->canonical && (va | top) == ~0ull);
}

/* Read an entry once, because a guest may change its own tables meanwhile. */
static inline u64 ptab_entry(const u64 *entry)
{
	return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

static inline bool ptab_is_leaf(const struct ptab_format *fmt, u64 entry, int level)
{
	return level == 1 || (level <= 3 && (entry & fmt->leaf));
}

static inline u64 ptab_leaf_address(const struct ptab_format *fmt, u64 entry, int level)
{
	return entry & fmt->addr & ~(ptab_size(level) - 1);
}

/* See ptab_walk(). */
static inline int __attribute__((always_inline))
ptab_walk_inline(const struct ptab *pt, u64 va, struct ptab_leaf *leaf)
{
	u64 table = pt->root & pt->fmt->addr;
	u64 rights = PTAB_RIGHTS;
	int level;

	if (!ptab_va_ok(pt, va))
		return PTAB_INVAL;
	for (level = pt->levels; level >= 1; level--) {
		u64 *page = pt->page(pt->ctx, table);
		u64 entry;

		if (!page)
			return PTAB_FAULT;
		entry = ptab_entry(&page[ptab_slot(va, level)]);
		rights = (rights & entry & PTAB_RIGHTS) | ((rights | entry) & PTAB_NX);
		leaf->entry = entry;
		leaf->level = level;
		leaf->size = ptab_size(level);
		leaf->rights = rights;
		if (!(entry & pt->fmt->present))
			return PTAB_ABSENT;
		if (ptab_is_leaf(pt->fmt, entry, level)) {
			leaf->pa = ptab_leaf_address(pt->fmt, entry, level) |
				   (va & (leaf->size - 1));
			return PTAB_OK;
		}
		table = entry & pt->fmt->addr;
	}
	return PTAB_ABSENT;
}

#endif
