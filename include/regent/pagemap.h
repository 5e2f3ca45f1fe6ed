/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which pages of a chunk are in use. Plain logic; the caller serializes.
 */
#ifndef REGENT_PAGEMAP_H
#define REGENT_PAGEMAP_H

#include <regent/abi/types.h>

#define PAGEMAP_PAGES	512
#define PAGEMAP_RUN_MAX	64	/* pages that are given out together, at most */

/**
 * struct pagemap - pages of a chunk
 * @used: a bit for each page
 * @count: number of bits set in @used
 */
struct pagemap {
	u64 used[PAGEMAP_PAGES / 64];
	u32 count;
};

int pagemap_take(struct pagemap *map, u32 count);
bool pagemap_give(struct pagemap *map, u32 first, u32 count);

#endif
