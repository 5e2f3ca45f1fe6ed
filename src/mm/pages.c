// SPDX-License-Identifier: GPL-2.0-only
/*
 * K's free pages, for worlds. They come from chunks donated after the takeover
 * (what is needed for the takeover itself L has laid out before). A chunk is
 * used only when no CPU can still write to it through an old translation.
 */
#include <hw/pte.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/lock.h>
#include <regent/pages.h>
#include <regent/ptab.h>

#define CHUNK_PAGES	(REGENT_CHUNK_SIZE / REGENT_PAGE_SIZE)

#define MAX_RUN		8	/* pages in the longest run that is kept whole */

/**
 * struct free_run - free contiguous pages, linked through the first
 * @next: the next run of the same length
 */
struct free_run {
	struct free_run *next;
};

/**
 * struct page_pool - the pool
 * @lock: guards the rest. After a fault with it a page may be missing in the pool;
 *	none is there twice
 * @run: free runs by their length: who asks for several pages asks for as many
 *	again, so that runs are not joined, and split only for single pages
 * @pages: how many pages there are in all runs
 * @next: first unused address of the last chunk
 * @left: unused pages there
 * @fresh: chunk that waits for all CPUs to have flushed, NULL for none
 * @zapped: sequence they must have flushed up to
 */
static struct page_pool {
	struct lock lock;
	struct free_run *run[MAX_RUN + 1];
	u32 pages;
	u8 *next;
	u32 left;
	u8 *fresh;
	u32 zapped;
} pool;

/**
 * pages_lock() - as a CPU that is about to fault
 */
void pages_lock(void)
{
	lock_take(&pool.lock);
}

static u64 read_cr3(void)
{
	u64 v;

	asm volatile("mov %%cr3, %0" : "=r"(v));
	return v;
}

/* The page directory of the chunks' window exists, and all CPUs share it. */
static int map_chunk(u64 va, u64 pa)
{
	struct ptab pt = {
		.fmt = &ptab_x86, .root = read_cr3(), .levels = k_params.levels,
		.max_leaf = 2, .page = host_table_page,
	};

	return ptab_map(&pt, va, pa, REGENT_CHUNK_SIZE, HW_PTE_K_DATA);
}

static void put_run(u8 *first, u32 count)
{
	struct free_run *r = (struct free_run *)first;

	r->next = pool.run[count];
	pool.run[count] = r;
	pool.pages += count;
}

static u8 *take_run(u32 count)
{
	struct free_run *r = count <= MAX_RUN ? pool.run[count] : NULL;

	if (r) {
		pool.run[count] = r->next;
		pool.pages -= count;
	}
	return (u8 *)r;
}

static void put(u8 *first, u32 count)
{
	for (; count > MAX_RUN; count--, first += REGENT_PAGE_SIZE)
		put_run(first, 1);
	put_run(first, count);
}

/* What is left of the chunk before is used page by page. */
static void open_fresh(void)
{
	while (pool.left) {
		put_run(pool.next, 1);
		pool.next += REGENT_PAGE_SIZE;
		pool.left--;
	}
	pool.next = pool.fresh;
	pool.left = CHUNK_PAGES;
	pool.fresh = NULL;
}

/**
 * pages_add() - take a donated chunk into the pool
 * @slot: place in the chunks' window
 * @pa: its physical address; already zapped from the host world's tables
 *
 * Return: 0, or -REGENT_HC_EBUSY while the chunk before is not flushed yet.
 */
int pages_add(u32 slot, u64 pa)
{
	u8 *va = (u8 *)(REGENT_VA_CHUNKS + slot * REGENT_CHUNK_SIZE);
	int err = -REGENT_HC_EBUSY;

	lock_take(&pool.lock);
	if (pool.fresh && host_flushed(pool.zapped))
		open_fresh();
	if (!pool.fresh) {
		err = map_chunk((u64)va, pa);
		if (!err) {
			pool.fresh = va;
			pool.zapped = host_tlb_sequence();
		}
	}
	lock_drop(&pool.lock);
	return err;
}

static u8 *take_new(u32 count)
{
	u8 *first;

	if (pool.fresh && pool.left < count && host_flushed(pool.zapped))
		open_fresh();
	if (pool.left < count)
		return NULL;
	first = pool.next;
	pool.next += count * REGENT_PAGE_SIZE;
	pool.left -= count;
	return first;
}

static u8 *split_run(void)
{
	u32 n = 2;
	u8 *first;

	while (n <= MAX_RUN && !pool.run[n])
		n++;
	if (n > MAX_RUN)
		return NULL;
	first = take_run(n);
	for (; n > 1; n--)
		put_run(first + (n - 1) * REGENT_PAGE_SIZE, 1);
	return first;
}

static u8 *take(u32 count)
{
	u8 *first = take_run(count);

	if (!first)
		first = take_new(count);
	if (!first && count == 1)
		first = split_run();
	return first;
}

/**
 * pages_alloc() - take pages
 * @count: how many, contiguous
 *
 * Return: K's address, zeroed, or NULL: L has to donate a chunk first.
 */
void *pages_alloc(u32 count)
{
	u64 *word;
	u8 *page;
	u64 i;

	lock_take(&pool.lock);
	page = take(count);
	lock_drop(&pool.lock);
	word = (u64 *)page;
	for (i = 0; word && i < count * REGENT_PAGE_SIZE / 8; i++)
		word[i] = 0;
	return page;
}

/**
 * pages_free() - give pages back
 * @first: from pages_alloc(), or NULL
 * @count: as there
 */
void pages_free(void *first, u32 count)
{
	if (!first)
		return;
	lock_take(&pool.lock);
	put(first, count);
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
	return pool.pages + pool.left + (pool.fresh ? (u32)CHUNK_PAGES : 0);
}
