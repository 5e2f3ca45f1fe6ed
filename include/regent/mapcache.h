/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mapping cache: a processor's own window of short-lived mappings of machine pages,
 * through which K reaches all memory that is not its own. Only this CPU's root table maps
 * the window, so no other CPU ever has to flush.
 */
#ifndef REGENT_MAPCACHE_H
#define REGENT_MAPCACHE_H

#include <hw/pte.h>
#include <regent/abi/handoff.h>
#include <regent/abi/types.h>

/* Fewer sets would do, but two hot pages of one set must not evict each other at each exit. */
#define MAPCACHE_SETS	32
#define MAPCACHE_WAYS	4
#define MAPCACHE_SLOTS	(MAPCACHE_SETS * MAPCACHE_WAYS)

/**
 * struct mapcache - which machine page each slot of the window shows
 * @tag: for each slot, its entry in the window's page table, 0 for none; a page's set is
 *	its page number modulo MAPCACHE_SETS
 * @next: for each set, the way that is replaced next
 * @recent: for each set, the way that was used last, which is not replaced
 * @used: there is a mapping to flush
 * @changes: counted up whenever a slot shows another page, or none; never the same on two CPUs,
 *	and never 0
 */
struct mapcache {
	u64 tag[MAPCACHE_SLOTS];
	u8 next[MAPCACHE_SETS];
	u8 recent[MAPCACHE_SETS];
	bool used;
	u64 changes;
};

/* Memory types of a mapping */
enum mapcache_type {
	MAPCACHE_RAM,		/* write-back */
	MAPCACHE_MMIO,		/* uncached, for device registers */
};

/**
 * mapcache_hit() - find a page of RAM that was used last in its set
 * @mc: this CPU's mapping cache
 * @pa: physical address of the page
 *
 * A hit also means that the page is not K's own, as the caller of mapcache_page() had to
 * check: when pages become K's, the window is flushed.
 *
 * Return: the page; NULL when another page was used last, and mapcache_page() may still find
 * this one.
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
void mapcache_init(struct mapcache *mc);

#endif
