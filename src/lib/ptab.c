// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page-table walker and builder, see <regent/ptab.h>. Plain logic.
 *
 * The walk reaches every table through pt->page(), so that it works on K's memory, on
 * Linux's view of the same pages, on a guest's tables behind the mapping cache, and on
 * arrays in a unit test.
 */
#include <hw/pte.h>
#include <regent/ptab.h>
#include <regent/ptab_walk.h>

#define ENTRIES	PTAB_ENTRIES

/**
 * ptab_level_size() - number of bytes that one entry of a level covers
 * @level: 1 (4 KiB) to 5
 *
 * Return: the number.
 */
u64 ptab_level_size(int level)
{
	return ptab_size(level);
}

const struct ptab_format ptab_x86 = {
	.present = 1ull << 0,
	.leaf = 1ull << 7,
	.addr = 0x000ffffffffff000ull,
	.table = 0x3,			/* present, writable; leaves have NX */
	.canonical = true,
};

const struct ptab_format ptab_npt = {
	.present = 1ull << 0,
	.leaf = 1ull << 7,
	.addr = 0x000ffffffffff000ull,
	.table = 0x27,			/* to NPT, each guest access is a user access */
};

const struct ptab_format ptab_ept = {
	.present = 0x7,
	.leaf = 1ull << 7,
	.addr = 0x000ffffffffff000ull,
	.table = 0x7,
};

/*
 * SVM: nested entries are write-back, so that Linux's PAT and the MTRRs decide as on the bare
 * machine. The accessed and dirty bits are set, so that the processor need not write the
 * tables.
 */
const struct npt_kind npt_kind_svm = {
	.fmt = &ptab_npt, .world = HW_NPT_WORLD, .hidden = HW_NPT_HIDDEN,
};

/*
 * VMX: the nested entry's type replaces the MTRRs', and Linux's PAT still counts. K does not
 * use EPT's accessed and dirty bits.
 */
const struct npt_kind npt_kind_vmx = {
	.fmt = &ptab_ept, .world = HW_EPT_WORLD, .hidden = HW_EPT_HIDDEN,
	.type_shift = HW_EPT_TYPE_SHIFT,
};

/* Write an entry at once, after the new table is complete, because a CPU may be walking. */
static void set_entry(u64 *entry, u64 value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

/**
 * ptab_walk() - find the entry that translates an address
 * @pt: the tables, which may be a guest's and hold anything
 * @va: address to translate
 * @leaf: filled in when the result is PTAB_OK or PTAB_ABSENT
 *
 * Return: PTAB_OK; PTAB_ABSENT (@leaf->level is the level at which the walk ended);
 * PTAB_FAULT when pt->page() returns NULL for a table; or PTAB_INVAL when @va is not
 * canonical or is beyond what the tables can map.
 */
int ptab_walk(const struct ptab *pt, u64 va, struct ptab_leaf *leaf)
{
	return ptab_walk_inline(pt, va, leaf);
}

/*
 * Replace a leaf by a table that maps the same, so that a part of it can be changed. The
 * entry changes last, so that a concurrent walk sees either the leaf or the table.
 */
static int split_leaf(const struct ptab *pt, u64 table, unsigned int slot, int level)
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
	entry = ptab_entry(&page[slot]);
	base = ptab_leaf_address(fmt, entry, level);
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
 * Go down to the table of level @to that covers @va, and store its physical address in
 * @table. Split leaves on the way; create missing tables if @build.
 */
static int descend_to(const struct ptab *pt, u64 va, int to, bool build, u64 *table)
{
	int level;

	*table = pt->root & pt->fmt->addr;
	for (level = pt->levels; level > to; level--) {
		unsigned int slot = ptab_slot(va, level);
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
		} else if (ptab_is_leaf(pt->fmt, page[slot], level)) {
			err = split_leaf(pt, *table, slot, level);
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
	       size - 1 <= ptab_va_mask(pt) && last >= va &&
	       ptab_va_ok(pt, va) && ptab_va_ok(pt, last);
}

static bool target_ok(const struct ptab *pt, u64 pa, u64 size, u64 flags)
{
	u64 beyond = ~(pt->fmt->addr | (REGENT_PAGE_SIZE - 1));
	u64 last = pa + (size - 1);

	return !(pa & (REGENT_PAGE_SIZE - 1)) &&
	       !(pa & beyond) && !(last & beyond) &&
	       !(flags & (pt->fmt->addr | pt->fmt->leaf));
}

/* Level of the largest leaf that fits at @va and @pa within @size */
static int best_level(const struct ptab *pt, u64 va, u64 pa, u64 size)
{
	int level = pt->max_leaf;

	while (level > 1 && ((va | pa) & (ptab_level_size(level) - 1) ||
			     size < ptab_level_size(level)))
		level--;
	return level;
}

/* A leaf may replace an absent entry or a leaf, but not a table, which would leak. */
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
 * @pa: physical address for @va, page-aligned
 * @size: bytes, page-aligned
 * @flags: bits of a leaf of any size, without the address. The function adds bit 7, which
 *	marks a larger leaf; so @flags cannot have that bit, nor the PAT bit, which is bit 7
 *	in a 4 KiB leaf and bit 12 in others
 *
 * Leaves in the way are split and overwritten. The caller flushes the TLBs if anything was
 * mapped there before.
 *
 * Return: PTAB_OK or an enum ptab_error; after an error the range is mapped in part, and
 * every entry is valid.
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
		err = descend_to(pt, va, level, true, &table);
		if (err)
			return err;
		page = pt->page(pt->ctx, table);
		if (!page)
			return PTAB_FAULT;
		set_entry(&page[ptab_slot(va, level)],
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
 * Larger leaves that reach beyond the range are split. Empty tables stay. The caller flushes
 * the TLBs.
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
			err = descend_to(pt, va, level, true, &table);
			if (err)
				return err;
			page = pt->page(pt->ctx, table);
			if (!page)
				return PTAB_FAULT;
			set_entry(&page[ptab_slot(va, level)], 0);
		}
		if (step >= size)
			break;
		va += step;
		size -= step;
	}
	return PTAB_OK;
}

/**
 * ptab_drop() - make a range absent, and whatever a larger leaf maps beside it
 * @pt: the tables
 * @va: first address, page-aligned
 * @size: bytes, page-aligned
 *
 * Unlike ptab_unmap(), it needs no memory, so that it cannot fail for want of some. Empty
 * tables stay. The caller flushes the TLBs.
 *
 * Return: PTAB_OK (also when nothing was mapped), PTAB_FAULT or PTAB_INVAL.
 */
int ptab_drop(const struct ptab *pt, u64 va, u64 size)
{
	if (!range_ok(pt, va, size))
		return PTAB_INVAL;
	for (;;) {
		struct ptab_leaf old;
		int err = ptab_walk(pt, va, &old);
		u64 step, table, *page;

		if (err == PTAB_FAULT)
			return err;
		if (err == PTAB_OK) {
			err = descend_to(pt, va, old.level, false, &table);
			page = err ? NULL : pt->page(pt->ctx, table);
			if (!page)
				return PTAB_FAULT;
			set_entry(&page[ptab_slot(va, old.level)], 0);
		}
		step = old.size - (va & (old.size - 1));
		if (step >= size)
			return PTAB_OK;
		va += step;
		size -= step;
	}
}

/* Does a leaf of a higher level map all that is asked for? */
static bool covers(const struct ptab_format *fmt, u64 entry, int level, u64 va, u64 pa, u64 flags)
{
	u64 offset = va & (ptab_level_size(level) - 1);

	return ptab_leaf_address(fmt, entry, level) + offset == pa &&
	       (entry & ~fmt->addr & ~fmt->leaf & ~HW_PTE_W) == (flags & ~HW_PTE_W) &&
	       (entry & HW_PTE_W || !(flags & HW_PTE_W));
}

/* The entry of @level for @va. A leaf on the way is left in *@entry: *@at says its level. */
static int find_place(const struct ptab *pt, u64 va, int level, u64 **entry, int *at)
{
	u64 table = pt->root & pt->fmt->addr;
	u64 *page, pa;
	int i;

	for (i = pt->levels; ; i--) {
		page = pt->page(pt->ctx, table);
		if (!page)
			return PTAB_FAULT;
		*entry = &page[ptab_slot(va, i)];
		*at = i;
		if (i == level || (**entry & pt->fmt->present &&
				   ptab_is_leaf(pt->fmt, **entry, i)))
			return PTAB_OK;
		if (!(**entry & pt->fmt->present)) {
			pa = pt->alloc(pt->ctx);
			if (!pa)
				return PTAB_NOMEM;
			/* The pointer is valid until the next call of pt->page() only. */
			page = pt->page(pt->ctx, table);
			if (!page)
				return PTAB_FAULT;
			*entry = &page[ptab_slot(va, i)];
			set_entry(*entry, pa | pt->fmt->table);
		}
		table = **entry & pt->fmt->addr;
	}
}

/**
 * ptab_place() - map one leaf, or take away what is in its way
 * @pt: the tables
 * @va: address, aligned as the leaf
 * @pa: physical address, aligned as the leaf
 * @level: of the leaf: 1 (4 KiB) or 2 (2 MiB)
 * @flags: as for ptab_map()
 * @detached: filled in with PTAB_BUSY: physical address of the table that was in the way and
 *	is not in the tree any more; 0 when it was a leaf
 *
 * Translations of two sizes, or to two pages, must not be in a TLB for one address at a time.
 * So where the tables have another leaf, or leaves of another size, those go first: the caller
 * flushes the TLBs and comes again. Until then processors may still walk a detached table. A
 * leaf that is the same but for the right to write gets what both grant.
 *
 * Return: PTAB_OK; PTAB_BUSY; or another enum ptab_error, and nothing has changed but that
 * there are more tables.
 */
int ptab_place(const struct ptab *pt, u64 va, u64 pa, int level, u64 flags, u64 *detached)
{
	const struct ptab_format *fmt = pt->fmt;
	u64 size = ptab_level_size(level);
	u64 new = pa | flags | (level > 1 ? fmt->leaf : 0);
	u64 *entry, old;
	int err, at;

	if (level > pt->max_leaf || ((va | pa) & (size - 1)) || !range_ok(pt, va, size) ||
	    !target_ok(pt, pa, size, flags))
		return PTAB_INVAL;
	err = find_place(pt, va, level, &entry, &at);
	if (err)
		return err;
	old = *entry;
	if (at == level && (!(old & fmt->present) ||
			    (ptab_is_leaf(fmt, old, at) && !((old ^ new) & ~HW_PTE_W)))) {
		set_entry(entry, old & fmt->present ? old | new : new);
		return PTAB_OK;
	}
	if (at > level && covers(fmt, old, at, va, pa, flags))
		return PTAB_OK;
	*detached = ptab_is_leaf(fmt, old, at) ? 0 : old & fmt->addr;
	set_entry(entry, 0);
	return PTAB_BUSY;
}
