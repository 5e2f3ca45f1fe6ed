// SPDX-License-Identifier: GPL-2.0-only
/* The mapping cache, see <regent/mapcache.h>. */
#include <hw/asm.h>
#include <hw/pte.h>
#include <regent/abi/handoff.h>
#include <regent/cpu.h>
#include <regent/mapcache.h>

/* Virtual address that a slot's mapping has. */
static void *slot_va(u32 slot)
{
	return (void *)(REGENT_VA_WINDOW + slot * REGENT_PAGE_SIZE);
}

/**
 * mapcache_page() - map a machine page
 * @mc: this CPU's mapping cache
 * @pa: physical address, page-aligned
 * @type: how the processor may cache the page
 *
 * Return: the page's virtual address. It is valid on this CPU until the second next call, and not
 * beyond the current exit.
 */
void *mapcache_page(struct mapcache *mc, u64 pa, enum mapcache_type type)
{
	u32 set_nr = (pa >> REGENT_PAGE_SHIFT) % MAPCACHE_SETS;
	u64 *pt = (u64 *)REGENT_VA_WINDOW_PT;
	u64 entry = (pa & HW_PTE_ADDR) | (type == MAPCACHE_MMIO ? HW_PTE_K_MMIO : HW_PTE_K_DATA);
	u32 slot = set_nr * MAPCACHE_WAYS;
	u32 way;

	for (way = 0; way < MAPCACHE_WAYS; way++)
		if (mc->tag[slot + way] == entry) {
			mc->recent[set_nr] = way;
			return slot_va(slot + way);
		}
	way = mc->next[set_nr];
	if (way == mc->recent[set_nr])
		way = (way + 1) % MAPCACHE_WAYS;
	mc->next[set_nr] = (way + 1) % MAPCACHE_WAYS;
	mc->recent[set_nr] = way;
	slot += way;
	mc->used = true;
	mc->changes++;
	mc->tag[slot] = entry;
	pt[slot] = entry;
	hw_invlpg((u64)slot_va(slot));
	this_cpu()->costs[REGENT_COST_INVLPG]++;
	return slot_va(slot);
}

/**
 * mapcache_flush() - remove all mappings
 * @mc: this CPU's mapping cache
 */
void mapcache_flush(struct mapcache *mc)
{
	u64 *pt = (u64 *)REGENT_VA_WINDOW_PT;
	u32 slot;

	/* At the takeover Linux waits for this CPU, and nothing is mapped yet. */
	if (!mc->used)
		return;
	mc->used = false;
	mc->changes++;
	for (slot = 0; slot < MAPCACHE_SLOTS; slot++) {
		if (!mc->tag[slot])
			continue;
		mc->tag[slot] = 0;
		pt[slot] = 0;
		hw_invlpg((u64)slot_va(slot));
		this_cpu()->costs[REGENT_COST_INVLPG]++;
	}
}

/* For each takeover of a CPU another one, so that mapcache.changes is never the same again. */
#define CHANGES		(1ull << 40)
static u64 all_changes;

/**
 * mapcache_init() - begin with no mapping
 * @mc: the mapping cache of a CPU that has just been taken over
 */
void mapcache_init(struct mapcache *mc)
{
	mc->changes = __atomic_add_fetch(&all_changes, CHANGES, __ATOMIC_RELAXED);
	mapcache_flush(mc);
}
