/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory types: what the MTRRs of a machine say about a physical address. Plain logic on a
 * recorded set of registers, compiled into K, into L and into the unit tests. K and L choose
 * by it the sizes of nested pages, and their types where nested tables hold one (EPT).
 */
#ifndef REGENT_MTYPE_H
#define REGENT_MTYPE_H

#include <regent/abi/types.h>
#include <regent/ptab.h>

/* Types as the MTRRs and the PAT encode them; only the PAT has UC-. */
#define MTYPE_UC	0
#define MTYPE_WC	1
#define MTYPE_WT	4
#define MTYPE_WP	5
#define MTYPE_WB	6
#define MTYPE_UC_MINUS	7

#define MTYPE_FIXED	11	/* fixed-range registers of eight types each */
#define MTYPE_MAX_VAR	16	/* variable ranges that can be recorded */

/**
 * struct mtype_var - one variable range, as its two MSRs hold it
 * @base: physical base address, and the type
 * @mask: physical mask, and the valid bit
 */
struct mtype_var {
	u64 base;
	u64 mask;
};

/**
 * struct mtrr_state - the MTRRs of one CPU
 * @cap: MTRRcap; 0 on a CPU without MTRRs
 * @def_type: MTRRdefType
 * @fixed: fixed-range registers by rising address: 64K_00000, 16K_80000, 16K_A0000,
 *	4K_C0000 ... 4K_F8000. Only the low three bits of each byte count, because AMD has
 *	RdDram and WrDram above them
 * @top_mem2: AMD's TOP_MEM2, 0 elsewhere
 * @var: variable ranges
 * @var_count: number of recorded ranges in @var
 * @phys_bits: width of a physical address in bits; 0 when unknown, which counts as 52
 * @tom2_wb: AMD's SYSCFG has both MtrrTom2En and Tom2ForceMemTypeWB set: memory from
 *	4 GiB to @top_mem2 is write-back by default
 */
struct mtrr_state {
	u64 cap;
	u64 def_type;
	u64 fixed[MTYPE_FIXED];
	u64 top_mem2;
	struct mtype_var var[MTYPE_MAX_VAR];
	u32 var_count;
	u8 phys_bits;
	bool tom2_wb;
};

u8 mtype_of(const struct mtrr_state *state, u64 pa);
u64 mtype_run(const struct mtrr_state *state, u64 pa, u64 limit, u8 *type);
bool mtype_uniform(const struct mtrr_state *state, u64 start, u64 size,
		   u8 *type);
int mtype_leaf_level(const struct mtrr_state *state, u64 pa, u64 limit,
		     int max_level);

/**
 * npt_leaf() - flags of a leaf of the host world's nested tables
 * @kind: kind of the tables
 * @type: MTYPE_* by the MTRRs
 *
 * Return: the leaf without its address.
 */
static inline u64 npt_leaf(const struct npt_kind *kind, u8 type)
{
	return kind->world | (kind->type_shift ? (u64)type << kind->type_shift : 0);
}

#endif
