// SPDX-License-Identifier: GPL-2.0-only
/*
 * K's free pages, for worlds. They come from chunks donated after the takeover (what is needed
 * for the takeover itself L has laid out before). A chunk is used only when no CPU can still
 * write to it through an old translation. One of which no page is used can go back to Linux.
 */
#include <hw/asm.h>
#include <hw/pte.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/lock.h>
#include <regent/pagemap.h>
#include <regent/pages.h>
#include <regent/ptab.h>

/* Free pages that stay when a chunk goes, so that it does not come again at once */
#define PAGES_KEPT	(PAGEMAP_PAGES / 2)

_Static_assert(PAGEMAP_PAGES * REGENT_PAGE_SIZE == REGENT_CHUNK_SIZE, "a map for a chunk");

enum chunk_state { CHUNK_NONE, CHUNK_FRESH, CHUNK_OPEN };

/**
 * struct chunk - a chunk, by its place in the chunks' window
 * @map: its pages
 * @state: CHUNK_FRESH while it waits for all CPUs to have flushed
 * @zapped: sequence that they must have flushed up to
 */
struct chunk {
	struct pagemap map;
	u32 state;
	u32 zapped;
};

/**
 * struct page_pool - the pool
 * @lock: guards the rest. After a fault with it a page may be missing in the pool; none is
 *	there twice
 * @chunk: the chunks
 * @top: the highest place there has been, + 1
 * @hint: below this place there is no free page
 * @pages: how many free pages there are
 */
static struct page_pool {
	struct lock lock;
	struct chunk chunk[REGENT_MAX_CHUNKS];
	u32 top;
	u32 hint;
	u32 pages;
} pool;

/**
 * pages_lock() - as a CPU that is about to fault
 */
void pages_lock(void)
{
	lock_take(&pool.lock);
}

static u64 chunk_va(u32 slot)
{
	return REGENT_VA_CHUNKS + slot * REGENT_CHUNK_SIZE;
}

/* The page directory of the chunks' window exists, and all CPUs share it. */
static void k_tables(struct ptab *pt)
{
	*pt = (struct ptab){
		.fmt = &ptab_x86, .root = hw_read_cr3(), .levels = k_params.levels,
		.max_leaf = 2, .page = host_table_page,
	};
}

/**
 * pages_add() - take a donated chunk into the pool
 * @slot: place in the chunks' window, where none is
 * @pa: its physical address; already zapped from the host world's tables
 *
 * Return: 0 or an enum ptab_error.
 */
int pages_add(u32 slot, u64 pa)
{
	struct chunk *c = &pool.chunk[slot];
	struct ptab pt;
	int err;

	lock_take(&pool.lock);
	k_tables(&pt);
	err = ptab_map(&pt, chunk_va(slot), pa, REGENT_CHUNK_SIZE, HW_PTE_K_DATA);
	if (!err) {
		*c = (struct chunk){ .state = CHUNK_FRESH, .zapped = host_tlb_sequence() };
		pool.pages += PAGEMAP_PAGES;
		if (slot >= pool.top)
			pool.top = slot + 1;
		if (slot < pool.hint)
			pool.hint = slot;
	}
	lock_drop(&pool.lock);
	return err;
}

/**
 * pages_withdraw() - take a chunk of which nothing is used out of the pool
 *
 * K has it mapped no more, but CPUs may hold translations until they have flushed.
 *
 * Return: its place in the chunks' window; REGENT_MAX_CHUNKS when there is none to spare.
 */
u32 pages_withdraw(void)
{
	u32 slot, found = REGENT_MAX_CHUNKS;
	struct ptab pt;

	lock_take(&pool.lock);
	/* The last one: the first ones are filled first. */
	for (slot = pool.top; slot-- > k_params.nr_chunks && found == REGENT_MAX_CHUNKS; )
		if (pool.chunk[slot].state != CHUNK_NONE && !pool.chunk[slot].map.count)
			found = slot;
	if (pool.pages < PAGEMAP_PAGES + PAGES_KEPT)
		found = REGENT_MAX_CHUNKS;
	if (found < REGENT_MAX_CHUNKS) {
		pool.chunk[found].state = CHUNK_NONE;
		pool.pages -= PAGEMAP_PAGES;
		k_tables(&pt);
		ptab_drop(&pt, chunk_va(found), REGENT_CHUNK_SIZE);
	}
	lock_drop(&pool.lock);
	return found;
}

/* May its pages be used? */
static bool chunk_is_open(struct chunk *c)
{
	if (c->state == CHUNK_FRESH && host_flushed(c->zapped))
		c->state = CHUNK_OPEN;
	return c->state == CHUNK_OPEN;
}

/* With the lock */
static u8 *pages_take(u32 count)
{
	u32 slot;
	int first;

	while (pool.hint < pool.top && (pool.chunk[pool.hint].state == CHUNK_NONE ||
					pool.chunk[pool.hint].map.count == PAGEMAP_PAGES))
		pool.hint++;
	for (slot = pool.hint; slot < pool.top; slot++) {
		if (!chunk_is_open(&pool.chunk[slot]))
			continue;
		first = pagemap_take(&pool.chunk[slot].map, count);
		if (first < 0)
			continue;
		pool.pages -= count;
		return (u8 *)(chunk_va(slot) + first * REGENT_PAGE_SIZE);
	}
	return NULL;
}

/**
 * pages_alloc() - take pages
 * @count: how many, contiguous, PAGEMAP_RUN_MAX at most
 *
 * Return: K's address, zeroed, or NULL: L has to donate a chunk first.
 */
void *pages_alloc(u32 count)
{
	u64 *word;
	u8 *page;
	u64 i;

	lock_take(&pool.lock);
	page = pages_take(count);
	lock_drop(&pool.lock);
	word = (u64 *)page;
	for (i = 0; word && i < count * REGENT_PAGE_SIZE / 8; i++)
		word[i] = 0;
	return page;
}

/* A page of the takeover's own chunks, which L has given out, and of which K may free some */
static void open_taken(u32 slot)
{
	struct chunk *c = &pool.chunk[slot];
	u32 i;

	c->state = CHUNK_OPEN;
	for (i = 0; i < PAGEMAP_PAGES / 64; i++)
		c->map.used[i] = ~0ull;
	c->map.count = PAGEMAP_PAGES;
	if (slot >= pool.top)
		pool.top = slot + 1;
}

/**
 * pages_free() - give pages back
 * @first: from pages_alloc(), or NULL
 * @count: as there
 */
void pages_free(void *first, u32 count)
{
	u64 page = ((u64)first - REGENT_VA_CHUNKS) / REGENT_PAGE_SIZE;
	u32 slot = page / PAGEMAP_PAGES;

	if (!first)
		return;
	lock_take(&pool.lock);
	if (slot < k_params.nr_chunks && pool.chunk[slot].state == CHUNK_NONE)
		open_taken(slot);
	/* A page that is free already would be given to two owners next. */
	if (pagemap_give(&pool.chunk[slot].map, page % PAGEMAP_PAGES, count)) {
		pool.pages += count;
		if (slot < pool.hint)
			pool.hint = slot;
	} else {
		log_hex("not in use, and given back", (u64)first);
	}
	lock_drop(&pool.lock);
}

/**
 * pages_pa() - physical address of a page of the pool
 * @page: K's address
 */
u64 pages_pa(const void *page)
{
	u64 offset = (u64)page - REGENT_VA_CHUNKS;

	return host_chunk(offset / REGENT_CHUNK_SIZE) + offset % REGENT_CHUNK_SIZE;
}

/**
 * pages_table() - struct ptab's @page for tables made of the pool's pages
 * @ctx: unused
 * @pa: physical address of a table
 */
u64 *pages_table(void *ctx, u64 pa)
{
	return host_table_page(ctx, pa);
}

/**
 * pages_table_alloc() - struct ptab's @alloc
 * @ctx: unused
 */
u64 pages_table_alloc(void *ctx)
{
	void *page = pages_alloc(1);

	(void)ctx;
	return page ? pages_pa(page) : 0;
}

/**
 * pages_free_count() - free pages, for L to know when to donate
 */
u32 pages_free_count(void)
{
	return __atomic_load_n(&pool.pages, __ATOMIC_RELAXED);
}
