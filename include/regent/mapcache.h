/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mapping cache: a processor's own window of short-lived mappings of
 * machine pages, K's only way to memory that is not its own. The window is
 * mapped in this CPU's root table only, so no other CPU ever has to flush.
 */
#ifndef REGENT_MAPCACHE_H
#define REGENT_MAPCACHE_H

#include <hw/pte.h>
#include <regent/abi/handoff.h>
#include <regent/abi/types.h>

/* Few sets would do, but a hot page must not throw out another at each exit. */
#define MAPCACHE_SETS	32
#define MAPCACHE_WAYS	4
#define MAPCACHE_SLOTS	(MAPCACHE_SETS * MAPCACHE_WAYS)

/**
 * struct mapcache - which machine page each slot of the window shows
 * @tag: entry of the slot as it stands in the window's page table, 0 for none;
 *	a page's set is that of its number
 * @next: which way of each set is replaced next
 * @recent: which way was asked for last; it is not replaced
 * @used: there is a mapping to flush
 */
struct mapcache {
	u64 tag[MAPCACHE_SLOTS];
	u8 next[MAPCACHE_SETS];
	u8 recent[MAPCACHE_SETS];
	bool used;
};

enum mapcache_type {
	MAPCACHE_RAM,		/* write-back */
	MAPCACHE_MMIO,		/* uncached, for device registers */
};

/*
 * A page of RAM that was the last of its set to be asked for; else NULL, and
 * mapcache_page() may still find it. Who asks whether a page is K's own need not ask
 * again: where that changes, the window is flushed.
 */
static inline void *mapcache_hit(const struct mapcache *mc, u64 pa)
{
	u32 set = (pa >> REGENT_PAGE_SHIFT) % MAPCACHE_SETS;
	u32 slot = set * MAPCACHE_WAYS + mc->recent[set];

	return mc->tag[slot] == (pa | HW_PTE_K_DATA) ?
	       (void *)(REGENT_VA_WINDOW + slot * REGENT_PAGE_SIZE) : NULL;
}

void *mapcache_page(struct mapcache *mc, u64 pa, enum mapcache_type type);
void mapcache_flush(struct mapcache *mc);

#endif
