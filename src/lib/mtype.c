// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory types by the MTRRs: see "Memory-Type Range Registers" in AMD's
 * system programming volume and "Memory Cache Control" in Intel's.
 *
 *   0        512K       768K        1M             4G         TOP_MEM2
 *   |  64 KiB  |  16 KiB  |  4 KiB  |              |              |
 *   +--------- fixed ranges --------+              |              |
 *   |<-- variable ranges, wherever they match (below 1M: fixed wins) ...
 *   |<-- else the default type ------------------->|<- WB, if so ->|<- ...
 */
#include <regent/mtype.h>

#define CAP_FIX			(1ull << 8)
#define DEF_FIXED_ENABLE	(1ull << 10)
#define DEF_ENABLE		(1ull << 11)
#define VAR_VALID		(1ull << 11)

#define FIXED_END		0x100000ull
#define FOUR_GIB		0x100000000ull
#define TOP_MEM2_ADDR		0x000fffffff800000ull

/* Pieces that one run is put together from: the fixed ranges alone are 88. */
#define RUN_PIECES		256

static u64 phys_end(const struct mtrr_state *state)
{
	if (!state->phys_bits || state->phys_bits > 52)
		return 1ull << 52;
	return 1ull << state->phys_bits;
}

static bool enabled(const struct mtrr_state *state)
{
	return state->def_type & DEF_ENABLE;
}

static bool fixed_enabled(const struct mtrr_state *state)
{
	return enabled(state) && (state->cap & CAP_FIX) &&
	       (state->def_type & DEF_FIXED_ENABLE);
}

static u32 var_count(const struct mtrr_state *state)
{
	u32 count = state->cap & 0xff;

	if (count > state->var_count)
		count = state->var_count;
	return count < MTYPE_MAX_VAR ? count : MTYPE_MAX_VAR;
}

/* The mask's address bits: an empty mask would match everything. */
static u64 var_mask(const struct mtrr_state *state, u32 i)
{
	return state->var[i].mask & (phys_end(state) - 1) &
	       ~(REGENT_PAGE_SIZE - 1);
}

static bool var_matches(const struct mtrr_state *state, u32 i, u64 pa)
{
	return ((pa ^ state->var[i].base) & var_mask(state, i)) == 0;
}

/* A reserved encoding can't be in a register; if it is recorded, play safe. */
static u8 known_type(u8 type)
{
	switch (type) {
	case MTYPE_WC:
	case MTYPE_WT:
	case MTYPE_WP:
	case MTYPE_WB:
		return type;
	default:
		return MTYPE_UC;
	}
}

/* Size of the fixed ranges around @pa, which is below 1 MiB. */
static u64 fixed_size(u64 pa)
{
	if (pa < 0x80000)
		return 0x10000;
	if (pa < 0xc0000)
		return 0x4000;
	return 0x1000;
}

static u8 fixed_type(const struct mtrr_state *state, u64 pa)
{
	u64 index;	/* counts bytes over all eleven registers */

	if (pa < 0x80000)
		index = pa >> 16;
	else if (pa < 0xc0000)
		index = 8 + ((pa - 0x80000) >> 14);
	else
		index = 24 + ((pa - 0xc0000) >> 12);
	return known_type((state->fixed[index / 8] >> (index % 8 * 8)) & 7);
}

/* The type of overlapping ranges, each of which set the bit of its type. */
static u8 overlap_type(u32 seen)
{
	if (seen & 1u << MTYPE_UC)
		return MTYPE_UC;
	if ((seen & (seen - 1)) == 0)
		return __builtin_ctz(seen);
	if (seen == (1u << MTYPE_WT | 1u << MTYPE_WB))
		return MTYPE_WT;
	return MTYPE_UC;	/* undefined */
}

/**
 * mtype_of() - memory type of one physical address
 * @state: recorded MTRRs
 * @pa: physical address
 *
 * What is undefined, reserved or beyond the physical address width is UC.
 *
 * Return: MTYPE_UC, _WC, _WT, _WP or _WB.
 */
u8 mtype_of(const struct mtrr_state *state, u64 pa)
{
	u32 seen = 0;
	u32 i;

	if (!enabled(state) || pa >= phys_end(state))
		return MTYPE_UC;
	if (pa < FIXED_END && fixed_enabled(state))
		return fixed_type(state, pa);
	for (i = 0; i < var_count(state); i++) {
		if (!(state->var[i].mask & VAR_VALID) ||
		    !var_matches(state, i, pa))
			continue;
		seen |= 1u << known_type(state->var[i].base & 0xff);
	}
	if (seen)
		return overlap_type(seen);
	if (state->tom2_wb && pa >= FOUR_GIB &&
	    pa < (state->top_mem2 & TOP_MEM2_ADDR))
		return MTYPE_WB;
	return known_type(state->def_type & 0xff);
}

/*
 * The first address above @pa that matches when @pa does not. Look at the
 * highest bit of the mask in which @pa differs from the base. If the base has
 * a 1 there, setting it is the smallest step up. If it has a 0, carry into
 * the free bits above (those not in the mask). Below, everything free is 0.
 *
 * Masks with holes are legal, so this is more than the next power of two.
 */
static u64 next_match(u64 pa, u64 base, u64 mask, u64 end)
{
	u64 differ = (pa ^ base) & mask;
	u64 bit = 1ull << (63 - __builtin_clzll(differ));
	u64 below = (bit << 1) - 1;
	u64 next;

	if (base & bit)
		next = pa & ~below;
	else
		next = (pa | mask | below) + 1;
	next = (next & ~mask) | (base & mask);
	return next < end ? next : end;
}

/* The first address above @pa at which range @i starts or stops to match. */
static u64 var_boundary(const struct mtrr_state *state, u32 i, u64 pa)
{
	u64 mask = var_mask(state, i);
	u64 end = phys_end(state);

	if (!(state->var[i].mask & VAR_VALID) || !mask)
		return end;
	if (!var_matches(state, i, pa))
		return next_match(pa, state->var[i].base, mask, end);
	/* Stepping over the lowest bit of the mask flips it. */
	return (pa | ((mask & -mask) - 1)) + 1;
}

static void nearer(u64 *end, u64 pa, u64 boundary)
{
	if (boundary > pa && boundary < *end)
		*end = boundary;
}

/* The first address above @pa, at most @limit, where the type may change. */
static u64 piece_end(const struct mtrr_state *state, u64 pa, u64 limit)
{
	u64 end = limit;
	u32 i;

	if (!enabled(state) || pa >= phys_end(state))
		return end;
	if (pa < FIXED_END && fixed_enabled(state)) {
		nearer(&end, pa, (pa | (fixed_size(pa) - 1)) + 1);
		return end;
	}
	nearer(&end, pa, phys_end(state));
	for (i = 0; i < var_count(state); i++)
		nearer(&end, pa, var_boundary(state, i, pa));
	if (state->tom2_wb) {
		nearer(&end, pa, FOUR_GIB);
		nearer(&end, pa, state->top_mem2 & TOP_MEM2_ADDR);
	}
	return end;
}

/**
 * mtype_run() - how far one memory type reaches
 * @state: recorded MTRRs
 * @pa: physical address to start from
 * @limit: first address not to look at
 * @type: the type at @pa
 *
 * Ranges with masks so odd that a run falls into hundreds of pieces give a
 * run that is shorter than it could be, never one that is too long.
 *
 * Return: bytes from @pa that have that type, 0 only when @pa is not below
 * @limit.
 */
u64 mtype_run(const struct mtrr_state *state, u64 pa, u64 limit, u8 *type)
{
	u64 end = pa;
	int i;

	*type = mtype_of(state, pa);
	for (i = 0; i < RUN_PIECES && end < limit; i++) {
		if (mtype_of(state, end) != *type)
			break;
		end = piece_end(state, end, limit);
	}
	return end - pa;
}

/**
 * mtype_uniform() - tell whether a range has one memory type
 * @state: recorded MTRRs
 * @start: first address
 * @size: bytes
 * @type: the type at @start
 *
 * Return: true if all of it has that type; false also when the range is
 * empty, wraps around, or is too odd to tell (see mtype_run()).
 */
bool mtype_uniform(const struct mtrr_state *state, u64 start, u64 size,
		   u8 *type)
{
	u64 limit = start + size;

	if (limit <= start) {
		*type = mtype_of(state, start);
		return false;
	}
	return mtype_run(state, start, limit, type) == size;
}

/**
 * mtype_leaf_level() - the largest page that a physical address can start
 * @state: recorded MTRRs
 * @pa: physical address
 * @limit: first address that the page must not cover
 * @max_level: highest level wanted: 1 (4 KiB), 2 (2 MiB) or 3 (1 GiB)
 *
 * Return: the highest level whose page starts at @pa, naturally aligned, has
 * one memory type and ends at @limit or below; 0 if not even 4 KiB do.
 */
int mtype_leaf_level(const struct mtrr_state *state, u64 pa, u64 limit,
		     int max_level)
{
	int level = max_level < 3 ? max_level : 3;
	u64 size, run;
	u8 type;

	size = REGENT_PAGE_SIZE << 18;
	if (limit > pa && limit - pa > size)
		limit = pa + size;
	run = mtype_run(state, pa, limit, &type);
	for (; level > 0; level--) {
		size = REGENT_PAGE_SIZE << (9 * (level - 1));
		if ((pa & (size - 1)) == 0 && run >= size)
			break;
	}
	return level > 0 ? level : 0;
}

/**
 * mtype_combine_pat() - effective memory type of a mapping
 * @mtrr: type by the MTRRs
 * @pat: type by the PAT
 *
 * Where AMD and Intel differ (PAT and MTRR are WP and WT in either order, or
 * WP by MTRR and UC- by PAT) this is UC, as on AMD; Intel documents WP, WT and
 * WC there, after calling it undefined for years.
 *
 * Return: MTYPE_UC, _WC, _WT, _WP or _WB; UC for encodings that are reserved.
 */
u8 mtype_combine_pat(u8 mtrr, u8 pat)
{
	mtrr = known_type(mtrr);
	switch (pat) {
	case MTYPE_WC:
		return MTYPE_WC;
	case MTYPE_UC_MINUS:
		return mtrr == MTYPE_WC ? MTYPE_WC : MTYPE_UC;
	case MTYPE_WB:
		return mtrr;
	case MTYPE_WT:
	case MTYPE_WP:
		return mtrr == MTYPE_WB || mtrr == pat ? pat : MTYPE_UC;
	default:
		return MTYPE_UC;
	}
}
