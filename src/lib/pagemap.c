// SPDX-License-Identifier: GPL-2.0-only
/* Which pages of a chunk are in use, see <regent/pagemap.h>. Plain logic. */
#include <regent/pagemap.h>

#define WORDS	(PAGEMAP_PAGES / 64)

static u64 run_mask(u32 count)
{
	return count == 64 ? ~0ull : (1ull << count) - 1;
}

/**
 * pagemap_take() - take contiguous pages
 * @map: the chunk's
 * @count: how many, 1 to PAGEMAP_RUN_MAX
 *
 * A run lies in one word of the map, so that looking for one is quick.
 *
 * Return: number of the first page; -1 when there is no such run.
 */
int pagemap_take(struct pagemap *map, u32 count)
{
	u32 word, i, first;
	u64 starts;

	if (!count || count > PAGEMAP_RUN_MAX || map->count + count > PAGEMAP_PAGES)
		return -1;
	for (word = 0; word < WORDS; word++) {
		/* Pages at which as many as @i are free; above the last one there is none. */
		starts = ~map->used[word];
		for (i = 1; i < count && starts; i++)
			starts &= ~map->used[word] >> i;
		if (!starts)
			continue;
		first = __builtin_ctzll(starts);
		map->used[word] |= run_mask(count) << first;
		map->count += count;
		return word * 64 + first;
	}
	return -1;
}

/**
 * pagemap_give() - undo pagemap_take(), of all its pages or some
 * @map: the chunk's
 * @first: number of the first page
 * @count: how many
 *
 * Return: true; false when these are not pages of one run, and nothing is done.
 */
bool pagemap_give(struct pagemap *map, u32 first, u32 count)
{
	u64 mask;

	if (!count || count > PAGEMAP_RUN_MAX || first >= PAGEMAP_PAGES || first % 64 + count > 64)
		return false;
	mask = run_mask(count) << first % 64;
	if ((map->used[first / 64] & mask) != mask)
		return false;
	map->used[first / 64] &= ~mask;
	map->count -= count;
	return true;
}
