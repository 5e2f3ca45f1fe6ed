// SPDX-License-Identifier: GPL-2.0-only
/* The mapping cache, see <regent/mapcache.h>. */
#include <hw/asm.h>
#include <hw/pte.h>
#include <regent/abi/handoff.h>
#include <regent/cpu.h>
#include <regent/mapcache.h>

static void *slot_va(u32 slot)
{
	return (void *)(REGENT_VA_WINDOW + slot * REGENT_PAGE_SIZE);
}

/**
 * mapcache_page() - make a machine page reachable
 * @mc: this CPU's window
 * @pa: physical address, page-aligned
 * @type: how the processor may cache it
 *
 * Return: its address; valid on this CPU until two more pages have been asked
 * for, and not over an exit.
 */
void *mapcache_page(struct mapcache *mc, u64 pa, enum mapcache_type type)
{
	u32 set = (pa >> REGENT_PAGE_SHIFT) % MAPCACHE_SETS;
	u64 *pt = (u64 *)REGENT_VA_WINDOW_PT;
	u64 entry = (pa & HW_PTE_ADDR) | (type == MAPCACHE_MMIO ? HW_PTE_K_MMIO : HW_PTE_K_DATA);
	u32 slot = set * MAPCACHE_WAYS;
	u32 way;

	for (way = 0; way < MAPCACHE_WAYS; way++)
		if (mc->tag[slot + way] == entry) {
			mc->recent[set] = way;
			return slot_va(slot + way);
		}
	way = mc->next[set];
	if (way == mc->recent[set])
		way = (way + 1) % MAPCACHE_WAYS;
	mc->next[set] = (way + 1) % MAPCACHE_WAYS;
	mc->recent[set] = way;
	slot += way;
	mc->used = true;
	mc->tag[slot] = entry;
	pt[slot] = entry;
	hw_invlpg((u64)slot_va(slot));
	this_cpu()->costs[REGENT_COST_INVLPG]++;
	return slot_va(slot);
}

/**
 * mapcache_flush() - forget all mappings
 * @mc: this CPU's window
 */
void mapcache_flush(struct mapcache *mc)
{
	u64 *pt = (u64 *)REGENT_VA_WINDOW_PT;
	u32 slot;

	/* Linux waits, at the takeover. */
	if (!mc->used)
		return;
	mc->used = false;
	for (slot = 0; slot < MAPCACHE_SLOTS; slot++) {
		if (!mc->tag[slot])
			continue;
		mc->tag[slot] = 0;
		pt[slot] = 0;
		hw_invlpg((u64)slot_va(slot));
		this_cpu()->costs[REGENT_COST_INVLPG]++;
	}
}
