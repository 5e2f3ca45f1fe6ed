/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One page-table walker and builder for every format Regent meets: K's own
 * tables, nested tables of the worlds, and the tables of a guest that K has
 * to walk by hand. Plain logic: compiled into K, into L (which builds the
 * tables before the rendezvous) and into the unit tests.
 *
 *   va bits   56..48   47..39   38..30   29..21   20..12   11..0
 *   level       5        4        3        2        1      offset
 *             PML5     PML4     PDPT      PD       PT
 *                               1 GiB    2 MiB    4 KiB   <- leaf sizes
 */
#ifndef REGENT_PTAB_H
#define REGENT_PTAB_H

#include <regent/abi/types.h>

/**
 * struct ptab_format - what an entry of this kind of table looks like
 * @present: an entry with none of these bits set is not present (EPT has
 *	three such bits, the others one)
 * @leaf: bit that makes an entry above level 1 a leaf
 * @addr: mask of the address bits in an entry
 * @table: flags of an entry that points to another table
 * @canonical: addresses are sign-extended (guest-physical ones are not)
 */
struct ptab_format {
	u64 present;
	u64 leaf;
	u64 addr;
	u64 table;
	bool canonical;
};

extern const struct ptab_format ptab_x86;	/* long mode: K, guests */
extern const struct ptab_format ptab_npt;	/* SVM nested tables */
extern const struct ptab_format ptab_ept;	/* VMX nested tables */

/**
 * struct nested_kind - what nested tables look like
 * @fmt: their format
 * @world: leaf flags of the host world's memory: everything allowed
 * @hidden: of a page of zeros in place of K's memory, only to be read
 * @type_shift: where a leaf has the memory type; 0: it has none, the MTRRs count
 */
struct nested_kind {
	const struct ptab_format *fmt;
	u64 world;
	u64 hidden;
	u32 type_shift;
};

extern const struct nested_kind nested_npt;
extern const struct nested_kind nested_ept;

/**
 * struct ptab - one tree of tables
 * @fmt: its format
 * @root: physical address of the top table
 * @levels: 4 or 5
 * @max_leaf: highest level a leaf may have: 1 (4 KiB), 2 (2 MiB), 3 (1 GiB)
 * @page: gives a usable pointer to the 4 KiB table at physical address @pa,
 *	or NULL when there is none; valid until the next call
 * @alloc: gives the physical address of a zeroed 4 KiB page, 0 for none
 * @ctx: handed to @page and @alloc
 *
 * The caller serializes all changes to one tree.
 */
struct ptab {
	const struct ptab_format *fmt;
	u64 root;
	int levels;
	int max_leaf;
	u64 *(*page)(void *ctx, u64 pa);
	u64 (*alloc)(void *ctx);
	void *ctx;
};

/**
 * struct ptab_leaf - where a walk ended
 * @entry: the last entry read: a leaf, or one that is not present
 * @level: its level
 * @pa: physical address that the walked address translates to (leaf only)
 * @size: bytes that the entry covers
 * @rights: AND of the entries on the way, OR-ed over NX by ptab_x86's rule
 *	(bits 1, 2 and 63 meaningful for x86 and NPT; 0..2 for EPT)
 */
struct ptab_leaf {
	u64 entry;
	int level;
	u64 pa;
	u64 size;
	u64 rights;
};

enum ptab_error {
	PTAB_OK = 0,
	PTAB_NOMEM = -12,	/* @alloc gave nothing; what was mapped stays */
	PTAB_FAULT = -14,	/* @page gave nothing */
	PTAB_INVAL = -22,	/* not page-aligned, empty, out of range, bad flags */
	PTAB_ABSENT = -2,	/* nothing mapped there */
};

int ptab_walk(const struct ptab *pt, u64 va, struct ptab_leaf *leaf);
int ptab_map(const struct ptab *pt, u64 va, u64 pa, u64 size, u64 flags);
int ptab_unmap(const struct ptab *pt, u64 va, u64 size);
u64 ptab_level_size(int level);

#endif
