// SPDX-License-Identifier: GPL-2.0-only
/* The mapping cache, see <regent/mapcache.h>. */
#include <hw/asm.h>
#include <hw/pte.h>
#include <regent/abi/handoff.h>
#include <regent/mapcache.h>

/**
 * mapcache_page() - make a machine page reachable
 * @mc: this CPU's window
 * @pa: physical address, page-aligned
 * @type: how the processor may cache it
 *
 * Return: its address; valid on this CPU until the next call, and not over an
 * exit. Each page has one slot it can be in.
 */
void *mapcache_page(struct mapcache *mc, u64 pa, enum mapcache_type type)
{
	u64 *pt = (u64 *)REGENT_VA_WINDOW_PT;
	u64 entry = (pa & HW_PTE_ADDR) | HW_PTE_K_DATA;
	u32 slot;

	if (type == MAPCACHE_MMIO)
		entry |= HW_PTE_PCD | HW_PTE_PWT;
	slot = (pa >> REGENT_PAGE_SHIFT) % MAPCACHE_SLOTS;
	if (mc->tag[slot] == entry)
		return (void *)(REGENT_VA_WINDOW + slot * REGENT_PAGE_SIZE);
	mc->tag[slot] = entry;
	pt[slot] = entry;
	hw_invlpg(REGENT_VA_WINDOW + slot * REGENT_PAGE_SIZE);
	return (void *)(REGENT_VA_WINDOW + slot * REGENT_PAGE_SIZE);
}

/**
 * mapcache_flush() - forget all mappings
 * @mc: this CPU's window
 */
void mapcache_flush(struct mapcache *mc)
{
	u64 *pt = (u64 *)REGENT_VA_WINDOW_PT;
	u32 slot;

	for (slot = 0; slot < MAPCACHE_SLOTS; slot++) {
		if (!mc->tag[slot])
			continue;
		mc->tag[slot] = 0;
		pt[slot] = 0;
		hw_invlpg(REGENT_VA_WINDOW + slot * REGENT_PAGE_SIZE);
	}
}
