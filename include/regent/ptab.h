/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One page-table walker and builder for every format that Regent meets: K's own tables, the
 * worlds' nested tables, and a guest's tables that K walks by software. Plain logic: compiled
 * into K, into L (which builds the tables before the rendezvous) and into the unit tests.
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
 * struct ptab_format - the format of a table's entries
 * @present: an entry with none of these bits set is not present (EPT has three such bits,
 *	the other formats one)
 * @leaf: bit that makes an entry above level 1 a leaf
 * @addr: mask of the address bits in an entry
 * @table: flags of an entry that points to another table
 * @canonical: addresses are sign-extended; guest-physical ones are not
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
 * struct npt_kind - the kind of a backend's nested tables: NPT or EPT
 * @fmt: format of the entries
 * @world: flags of a leaf of the host world's memory: all accesses are allowed
 * @hidden: flags of a leaf that maps zeros in place of K's memory, read-only
 * @type_shift: position of the memory type in a leaf; 0 when a leaf has none, and the
 *	processor takes the type from the MTRRs
 */
struct npt_kind {
	const struct ptab_format *fmt;
	u64 world;
	u64 hidden;
	u32 type_shift;
};

extern const struct npt_kind npt_kind_svm;
extern const struct npt_kind npt_kind_vmx;

/**
 * struct ptab - one tree of tables
 * @fmt: format of the entries
 * @root: physical address of the top table
 * @levels: 4 or 5
 * @max_leaf: highest level that a leaf may have: 1 (4 KiB), 2 (2 MiB), 3 (1 GiB)
 * @page: returns a usable pointer to the 4 KiB table at physical address @pa, or NULL when
 *	there is none; the pointer is valid until the next call
 * @alloc: returns the physical address of a zeroed 4 KiB page, 0 for none
 * @ctx: argument for @page and @alloc
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
 * @entry: the last entry that was read: a leaf, or one that is not present
 * @level: the level of @entry
 * @pa: physical address to which the walked address translates (leaf only)
 * @size: number of bytes that @entry covers
 * @rights: the AND of all entries on the way, but the OR of their NX bits; bits 1, 2 and 63
 *	count for x86 and NPT, bits 0 to 2 for EPT
 */
struct ptab_leaf {
	u64 entry;
	int level;
	u64 pa;
	u64 size;
	u64 rights;
};

/**
 * enum ptab_error - errors of the functions below
 * @PTAB_OK: no error
 * @PTAB_NOMEM: ptab.alloc() returned 0; what was mapped before stays mapped
 * @PTAB_FAULT: ptab.page() returned NULL
 * @PTAB_INVAL: the range is not page-aligned, empty or out of range, or the flags are bad
 * @PTAB_ABSENT: nothing is mapped at the address
 * @PTAB_BUSY: something else was mapped there, and is not any more
 */
enum ptab_error {
	PTAB_OK = 0,
	PTAB_NOMEM = -12,
	PTAB_FAULT = -14,
	PTAB_INVAL = -22,
	PTAB_ABSENT = -2,
	PTAB_BUSY = -16,
};

int ptab_walk(const struct ptab *pt, u64 va, struct ptab_leaf *leaf);
int ptab_map(const struct ptab *pt, u64 va, u64 pa, u64 size, u64 flags);
int ptab_unmap(const struct ptab *pt, u64 va, u64 size);
int ptab_drop(const struct ptab *pt, u64 va, u64 size);
int ptab_place(const struct ptab *pt, u64 va, u64 pa, int level, u64 flags, u64 *detached);
u64 ptab_level_size(int level);

#endif
