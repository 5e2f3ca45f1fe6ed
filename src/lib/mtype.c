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

/* Most pieces of one run; the fixed ranges alone are 88 */
#define RUN_PIECES		256

static u64 phys_end(const struct mtrr_state *state)
{
	if (!state->phys_bits || state->phys_bits > 52)
		return 1ull << 52;
	return 1ull << state->phys_bits;
}

static bool mtrr_enabled(const struct mtrr_state *state)
{
	return state->def_type & DEF_ENABLE;
}

static bool fixed_enabled(const struct mtrr_state *state)
{
	return mtrr_enabled(state) && (state->cap & CAP_FIX) &&
	       (state->def_type & DEF_FIXED_ENABLE);
}

static u32 var_count(const struct mtrr_state *state)
{
	u32 count = state->cap & 0xff;

	if (count > state->var_count)
		count = state->var_count;
	return count < MTYPE_MAX_VAR ? count : MTYPE_MAX_VAR;
}

/* Address bits of the mask; an empty mask matches every address. */
static u64 var_mask(const struct mtrr_state *state, u32 i)
{
	return state->var[i].mask & (phys_end(state) - 1) &
	       ~(REGENT_PAGE_SIZE - 1);
}

static bool var_matches(const struct mtrr_state *state, u32 i, u64 pa)
{
	return ((pa ^ state->var[i].base) & var_mask(state, i)) == 0;
}

/* No register can hold a reserved encoding; a record that does counts as UC, which is safe. */
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

/* Size of the fixed range around @pa, which is below 1 MiB */
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
	u64 index;	/* of a byte in all eleven registers */

	if (pa < 0x80000)
		index = pa >> 16;
	else if (pa < 0xc0000)
		index = 8 + ((pa - 0x80000) >> 14);
	else
		index = 24 + ((pa - 0xc0000) >> 12);
	return known_type((state->fixed[index / 8] >> (index % 8 * 8)) & 7);
}

/* Type of overlapping ranges, each of which has set its type's bit in @seen */
static u8 overlap_type(u32 seen)
{
	if (seen & 1u << MTYPE_UC)
		return MTYPE_UC;
	if ((seen & (seen - 1)) == 0)
		return __builtin_ctz(seen);
	if (seen == (1u << MTYPE_WT | 1u << MTYPE_WB))
		return MTYPE_WT;
	return MTYPE_UC;	/* undefined by the manuals */
}

/**
 * mtype_of() - memory type of one physical address
 * @state: recorded MTRRs
 * @pa: physical address
 *
 * An address whose type is undefined or reserved, or which is too wide, is UC.
 *
 * Return: MTYPE_UC, _WC, _WT, _WP or _WB.
 */
u8 mtype_of(const struct mtrr_state *state, u64 pa)
{
	u32 seen = 0;
	u32 i;

	if (!mtrr_enabled(state) || pa >= phys_end(state))
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
 * The first address above @pa that matches when @pa does not. Look at the highest bit of the
 * mask in which @pa differs from the base. If the base has a 1 there, setting the bit is the
 * smallest step up. If the base has a 0, carry into the free bits above (those not in the
 * mask). All free bits below become 0.
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
	/* Going beyond the lowest bit of the mask flips that bit, so that the range ends there. */
	return (pa | ((mask & -mask) - 1)) + 1;
}

static void limit_end(u64 *end, u64 pa, u64 boundary)
{
	if (boundary > pa && boundary < *end)
		*end = boundary;
}

/* The first address above @pa, at most @limit, where the type may change. */
static u64 piece_end(const struct mtrr_state *state, u64 pa, u64 limit)
{
	u64 end = limit;
	u32 i;

	if (!mtrr_enabled(state) || pa >= phys_end(state))
		return end;
	if (pa < FIXED_END && fixed_enabled(state)) {
		limit_end(&end, pa, (pa | (fixed_size(pa) - 1)) + 1);
		return end;
	}
	limit_end(&end, pa, phys_end(state));
	for (i = 0; i < var_count(state); i++)
		limit_end(&end, pa, var_boundary(state, i, pa));
	if (state->tom2_wb) {
		limit_end(&end, pa, FOUR_GIB);
		limit_end(&end, pa, state->top_mem2 & TOP_MEM2_ADDR);
	}
	return end;
}

/**
 * mtype_run() - how far one memory type reaches
 * @state: recorded MTRRs
 * @pa: physical address to start from
 * @limit: address at which to stop
 * @type: filled in with the type at @pa
 *
 * If odd masks cut the run into hundreds of pieces, the result is shorter than the run, but
 * never longer.
 *
 * Return: bytes from @pa that have that type; 0 only when @pa is not below @limit.
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
 * @type: filled in with the type at @start
 *
 * Return: true if all of the range has that type; false also when the range is empty, wraps
 * around, or is cut into too many pieces (see mtype_run()).
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
 * mtype_leaf_level() - level of the largest page that can start at a physical address
 * @state: recorded MTRRs
 * @pa: physical address
 * @limit: first address that the page must not cover
 * @max_level: highest level wanted: 1 (4 KiB), 2 (2 MiB) or 3 (1 GiB)
 *
 * Return: the highest level whose page starts at @pa, naturally aligned, has one memory type
 * and ends at @limit or below; 0 if not even a page of 4 KiB does.
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
