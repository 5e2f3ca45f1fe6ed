// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page-table walker and builder, see <regent/ptab.h>. Plain logic.
 *
 * Every table is reached through pt->page(), so one walk works on K's memory,
 * on Linux's view of the same pages, on a guest's tables behind the mapping
 * cache, and on arrays in a unit test.
 */
#include <hw/pte.h>
#include <regent/ptab.h>

#define ENTRIES		512
#define RIGHTS_AND	0x7ull		/* present/read, write, user/execute */
#define RIGHT_NX	(1ull << 63)

const struct ptab_format ptab_x86 = {
	.present = 1ull << 0,
	.leaf = 1ull << 7,
	.addr = 0x000ffffffffff000ull,
	.table = 0x3,			/* present, writable; NX left to leaves */
	.canonical = true,
};

const struct ptab_format ptab_npt = {
	.present = 1ull << 0,
	.leaf = 1ull << 7,
	.addr = 0x000ffffffffff000ull,
	.table = 0x27,			/* every guest access is a user access */
};

const struct ptab_format ptab_ept = {
	.present = 0x7,
	.leaf = 1ull << 7,
	.addr = 0x000ffffffffff000ull,
	.table = 0x7,
};

/*
 * SVM: write-back in the nested entry, so that Linux's PAT and the MTRRs decide as on
 * the bare machine. Accessed and dirty are set, so that the processor need not
 * write the tables.
 */
const struct nested_kind nested_npt = {
	.fmt = &ptab_npt, .world = HW_NPT_WORLD, .hidden = HW_NPT_HIDDEN,
};

/*
 * VMX: the entry's type takes the MTRR's place, the PAT stays Linux's. EPT's own
 * accessed and dirty bits are not used.
 */
const struct nested_kind nested_ept = {
	.fmt = &ptab_ept, .world = HW_EPT_WORLD, .hidden = HW_EPT_HIDDEN,
	.type_shift = HW_EPT_TYPE_SHIFT,
};

/**
 * ptab_level_size() - bytes that one entry of a level covers
 * @level: 1 (4 KiB) to 5
 */
u64 ptab_level_size(int level)
{
	return 1ull << (12 + 9 * (level - 1));
}

static unsigned int slot_of(u64 va, int level)
{
	return (va >> (12 + 9 * (level - 1))) & (ENTRIES - 1);
}

static u64 va_mask(const struct ptab *pt)
{
	return (ptab_level_size(pt->levels) << 9) - 1;
}

/* The bits above the top level repeat its highest bit, or are zero. */
static bool va_ok(const struct ptab *pt, u64 va)
{
	u64 top = pt->fmt->canonical ? va_mask(pt) >> 1 : va_mask(pt);

	return !(va & ~top) || (pt->fmt->canonical && (va | top) == ~0ull);
}

/*
 * An entry is read once and written whole, whatever the compiler would like:
 * a guest may change its own behind our back, and a CPU may walk ours while a
 * new table goes in, which has to be complete by then.
 */
static u64 get_entry(const u64 *entry)
{
	return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

static void set_entry(u64 *entry, u64 value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static bool is_leaf(const struct ptab_format *fmt, u64 entry, int level)
{
	return level == 1 || (level <= 3 && (entry & fmt->leaf));
}

static u64 leaf_address(const struct ptab_format *fmt, u64 entry, int level)
{
	return entry & fmt->addr & ~(ptab_level_size(level) - 1);
}

/**
 * ptab_walk() - find what translates an address
 * @pt: the tables; they may be a guest's and hold anything
 * @va: address to translate
 * @leaf: filled in when the return value is PTAB_OK or PTAB_ABSENT
 *
 * Return: PTAB_OK, PTAB_ABSENT (@leaf->level says where it ended),
 * PTAB_FAULT when a table lies where @page gives nothing, or PTAB_INVAL when
 * @va is not canonical or beyond what the tables can map.
 */
int ptab_walk(const struct ptab *pt, u64 va, struct ptab_leaf *leaf)
{
	u64 table = pt->root & pt->fmt->addr;
	u64 rights = RIGHTS_AND;
	int level;

	if (!va_ok(pt, va))
		return PTAB_INVAL;
	for (level = pt->levels; level >= 1; level--) {
		u64 *page = pt->page(pt->ctx, table);
		u64 entry;

		if (!page)
			return PTAB_FAULT;
		entry = get_entry(&page[slot_of(va, level)]);
		rights = (rights & entry & RIGHTS_AND) |
			 ((rights | entry) & RIGHT_NX);
		leaf->entry = entry;
		leaf->level = level;
		leaf->size = ptab_level_size(level);
		leaf->rights = rights;
		if (!(entry & pt->fmt->present))
			return PTAB_ABSENT;
		if (is_leaf(pt->fmt, entry, level)) {
			leaf->pa = leaf_address(pt->fmt, entry, level) |
				   (va & (leaf->size - 1));
			return PTAB_OK;
		}
		table = entry & pt->fmt->addr;
	}
	return PTAB_ABSENT;
}

/*
 * Replace a leaf by a table that maps the same, so that a part of it can be
 * changed. The entry changes last, so that a walk meanwhile sees the one or
 * the other.
 */
static int split(const struct ptab *pt, u64 table, unsigned int slot, int level)
{
	const struct ptab_format *fmt = pt->fmt;
	u64 below = ptab_level_size(level - 1);
	u64 pa = pt->alloc(pt->ctx);
	u64 *page, entry, base;
	unsigned int i;

	if (!pa)
		return PTAB_NOMEM;
	page = pt->page(pt->ctx, table);
	if (!page)
		return PTAB_FAULT;
	entry = get_entry(&page[slot]);
	base = leaf_address(fmt, entry, level);
	entry &= ~fmt->addr;
	if (level - 1 == 1)
		entry &= ~fmt->leaf;
	page = pt->page(pt->ctx, pa);
	if (!page)
		return PTAB_FAULT;
	for (i = 0; i < ENTRIES; i++)
		page[i] = (base + i * below) | entry;
	page = pt->page(pt->ctx, table);
	if (!page)
		return PTAB_FAULT;
	set_entry(&page[slot], pa | fmt->table);
	return PTAB_OK;
}

/*
 * Go down to the table of @level that covers @va, building (or splitting) on
 * the way if @build. Leaves its physical address in @table.
 */
static int descend(const struct ptab *pt, u64 va, int to, bool build, u64 *table)
{
	int level;

	*table = pt->root & pt->fmt->addr;
	for (level = pt->levels; level > to; level--) {
		unsigned int slot = slot_of(va, level);
		u64 *page = pt->page(pt->ctx, *table);
		int err = PTAB_OK;

		if (!page)
			return PTAB_FAULT;
		if (!(page[slot] & pt->fmt->present)) {
			u64 pa = build ? pt->alloc(pt->ctx) : 0;

			if (!pa)
				return build ? PTAB_NOMEM : PTAB_ABSENT;
			page = pt->page(pt->ctx, *table);
			if (!page)
				return PTAB_FAULT;
			set_entry(&page[slot], pa | pt->fmt->table);
		} else if (is_leaf(pt->fmt, page[slot], level)) {
			err = split(pt, *table, slot, level);
		}
		if (err)
			return err;
		page = pt->page(pt->ctx, *table);
		if (!page)
			return PTAB_FAULT;
		*table = page[slot] & pt->fmt->addr;
	}
	return PTAB_OK;
}

static bool range_ok(const struct ptab *pt, u64 va, u64 size)
{
	u64 last = va + (size - 1);

	return size && !((va | size) & (REGENT_PAGE_SIZE - 1)) &&
	       size - 1 <= va_mask(pt) && last >= va &&
	       va_ok(pt, va) && va_ok(pt, last);
}

static bool target_ok(const struct ptab *pt, u64 pa, u64 size, u64 flags)
{
	u64 beyond = ~(pt->fmt->addr | (REGENT_PAGE_SIZE - 1));
	u64 last = pa + (size - 1);

	return !(pa & (REGENT_PAGE_SIZE - 1)) &&
	       !(pa & beyond) && !(last & beyond) &&
	       !(flags & (pt->fmt->addr | pt->fmt->leaf));
}

/* The largest leaf that fits at va and pa within size. */
static int best_level(const struct ptab *pt, u64 va, u64 pa, u64 size)
{
	int level = pt->max_leaf;

	while (level > 1 && ((va | pa) & (ptab_level_size(level) - 1) ||
			     size < ptab_level_size(level)))
		level--;
	return level;
}

/* A leaf may go over an absent entry or a leaf, not over a table: that would leak it. */
static int place_level(const struct ptab *pt, u64 va, int level)
{
	struct ptab_leaf old;
	int err = ptab_walk(pt, va, &old);

	if (err == PTAB_FAULT)
		return err;
	return old.level < level ? old.level : level;
}

/**
 * ptab_map() - map a range with the largest leaves that fit
 * @pt: the tables
 * @va: first address, page-aligned
 * @pa: what it translates to, page-aligned
 * @size: bytes, page-aligned
 * @flags: entry bits of any leaf, without address; the bit that marks a
 *	larger leaf is added here. So bit 7 is not to be had, nor the PAT bit,
 *	which is bit 7 in a 4 KiB leaf and bit 12 in others
 *
 * Leaves in the way are split and overwritten. The caller flushes the TLBs if
 * anything was mapped there before.
 *
 * Return: PTAB_OK or an enum ptab_error; after an error the range is mapped in
 * part and every entry is valid.
 */
int ptab_map(const struct ptab *pt, u64 va, u64 pa, u64 size, u64 flags)
{
	if (!range_ok(pt, va, size) || !target_ok(pt, pa, size, flags))
		return PTAB_INVAL;
	while (size) {
		int level = place_level(pt, va, best_level(pt, va, pa, size));
		u64 step, table, *page;
		int err;

		if (level < 0)
			return level;
		step = ptab_level_size(level);
		err = descend(pt, va, level, true, &table);
		if (err)
			return err;
		page = pt->page(pt->ctx, table);
		if (!page)
			return PTAB_FAULT;
		set_entry(&page[slot_of(va, level)],
			  pa | flags | (level > 1 ? pt->fmt->leaf : 0));
		va += step;
		pa += step;
		size -= step;
	}
	return PTAB_OK;
}

/**
 * ptab_unmap() - make a range absent
 * @pt: the tables
 * @va: first address, page-aligned
 * @size: bytes, page-aligned
 *
 * Larger leaves that reach over the ends are split. Tables that become empty
 * stay. The caller flushes the TLBs.
 *
 * Return: PTAB_OK (also when nothing was mapped) or an enum ptab_error.
 */
int ptab_unmap(const struct ptab *pt, u64 va, u64 size)
{
	if (!range_ok(pt, va, size))
		return PTAB_INVAL;
	while (size) {
		struct ptab_leaf old;
		u64 step, table, *page;
		int err = ptab_walk(pt, va, &old);
		int level;

		if (err == PTAB_FAULT)
			return err;
		level = old.level;
		step = old.size - (va & (old.size - 1));
		if (err == PTAB_OK) {
			while (level > 1 && (va & (ptab_level_size(level) - 1) ||
					     size < ptab_level_size(level)))
				level--;
			step = ptab_level_size(level);
			err = descend(pt, va, level, true, &table);
			if (err)
				return err;
			page = pt->page(pt->ctx, table);
			if (!page)
				return PTAB_FAULT;
			set_entry(&page[slot_of(va, level)], 0);
		}
		if (step >= size)
			break;
		va += step;
		size -= step;
	}
	return PTAB_OK;
}
