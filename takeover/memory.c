// SPDX-License-Identifier: GPL-2.0-only
/*
 * K's memory: taken from Linux in 2 MiB chunks, given out in pages, zeroed,
 * and returned as a whole. More chunks come as the preparation needs them, and as VMs do; when VMs
 * end, those that K does not use go back.
 */
#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/workqueue.h>

#include "l.h"

#define CHUNK_ORDER	(REGENT_CHUNK_SHIFT - PAGE_SHIFT)

static struct page *chunk[REGENT_MAX_CHUNKS];
static unsigned int chunks;
static unsigned int given;	/* the last ones of these: since the takeover */
static unsigned int used;	/* pages of the last chunk */

/**
 * donated_more() - take one more chunk from Linux
 *
 * Process context. Return: 0, -ENOMEM (memory too fragmented) or -ENOSPC.
 */
int donated_more(void)
{
	struct page *page;

	if (chunks == REGENT_MAX_CHUNKS)
		return -ENOSPC;
	page = alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL,
			   CHUNK_ORDER);
	if (!page)
		return -ENOMEM;
	chunk[chunks++] = page;
	used = 0;
	return 0;
}

/**
 * donated_pages() - take pages of K's memory
 * @count: how many, physically contiguous
 *
 * Return: their Linux address, zeroed, or NULL. They return with the chunks.
 */
void *donated_pages(unsigned int count)
{
	void *va;

	if (!chunks || used + count > 1u << CHUNK_ORDER)
		if (count > 1u << CHUNK_ORDER || donated_more())
			return NULL;
	va = page_address(chunk[chunks - 1]) + used * PAGE_SIZE;
	used += count;
	return va;
}

/**
 * donated_pa() - physical address of a page of K's memory
 * @page: from donated_pages()
 */
u64 donated_pa(const void *page)
{
	return virt_to_phys((void *)page);
}

/**
 * donated_chunks() - number of chunks taken
 */
unsigned int donated_chunks(void)
{
	return chunks;
}

/**
 * donated_chunk() - physical address of a chunk
 * @index: below donated_chunks()
 */
u64 donated_chunk(unsigned int index)
{
	return page_to_phys(chunk[index]);
}

/**
 * donated_kb() - KiB taken from Linux
 */
unsigned long donated_kb(void)
{
	return (unsigned long)chunks << (REGENT_CHUNK_SHIFT - 10);
}

int memory_do(void)
{
	int err = donated_more();

	if (err)
		pr_err("no free 2 MiB block of memory; free some, or: echo 1 > /proc/sys/vm/compact_memory\n");
	return err;
}

/* What K wrote there is not Linux's business: the next owner gets zeros. */
void memory_undo(void)
{
	while (chunks) {
		struct page *page = chunk[--chunks];

		memset(page_address(page), 0, REGENT_CHUNK_SIZE);
		__free_pages(page, CHUNK_ORDER);
	}
	used = 0;
	given = 0;
}

/* All CPUs flush, and have done so? */
static bool donated_flushed(void)
{
	visit_all();
	return regent_hypercall(REGENT_HC_FLUSHED, 0, 0) == 1;
}

/**
 * donated_give() - give K one more chunk after the takeover
 *
 * Zapped, then every CPU is made to enter K once: nobody holds the old mapping.
 * Process context, regent_lock held. Return: 0 or a negative errno.
 */
int donated_give(void)
{
	int err = donated_more();

	if (err)
		return err;
	given++;
	err = regent_hypercall(REGENT_HC_DONATE, donated_chunk(donated_chunks() - 1), 0);
	if (err)
		return err;
	return donated_flushed() ? 0 : -EIO;
}

/* Not one of those that K was taken over with: K has these until the handback. */
static struct page *donated_remove(u64 pa)
{
	struct page *page = NULL;
	unsigned int i;

	for (i = chunks - given; i < chunks && !page; i++) {
		if (page_to_phys(chunk[i]) != pa)
			continue;
		page = chunk[i];
		chunk[i] = chunk[--chunks];
		given--;
	}
	return page;
}

/*
 * One chunk that K does not need. Where a step fails, K keeps it hidden until the handback.
 * regent_lock held, hotplug held off. Return: true when there may be more.
 */
static bool donated_return_one(void)
{
	long pa = regent_hypercall(REGENT_HC_RETURN, 0, 0);
	struct page *page;

	if (pa <= 0 || !donated_flushed() || regent_hypercall(REGENT_HC_RETURN, pa, 0) ||
	    !donated_flushed())
		return false;
	page = donated_remove(pa);
	if (!page)
		return false;
	memset(page_address(page), 0, REGENT_CHUNK_SIZE);
	__free_pages(page, CHUNK_ORDER);
	return true;
}

static void donated_return_all(struct work_struct *work)
{
	bool more = true;

	while (more) {
		mutex_lock(&regent_lock);
		cpus_read_lock();
		more = regent.status == REGENT_TAKEN && donated_return_one();
		cpus_read_unlock();
		mutex_unlock(&regent_lock);
	}
}

static DECLARE_WORK(return_work, donated_return_all);

/**
 * donated_return() - K may have memory to spare: take it back, soon
 *
 * Any context.
 */
void donated_return(void)
{
	schedule_work(&return_work);
}

/* Somebody else may have given K a chunk meanwhile. Without memory K gets along, slowly. */
static void give_tables(struct work_struct *work)
{
	long left;

	mutex_lock(&regent_lock);
	cpus_read_lock();
	if (regent.status == REGENT_TAKEN) {
		left = regent_hypercall(REGENT_HC_COUNTER, cpumask_first(&regent_cpus),
					REGENT_COUNTER_TABLE_PAGES);
		if (left >= 0 && left <= REGENT_TABLES_LOW && donated_give())
			pr_warn_ratelimited("no memory for more tables of Regent's: accesses to devices that are far apart can be slow\n");
	}
	cpus_read_unlock();
	mutex_unlock(&regent_lock);
}

static DECLARE_WORK(give_work, give_tables);

/**
 * donated_soon() - K runs out of pages for its tables: give it a chunk
 *
 * Any context.
 */
void donated_soon(void)
{
	schedule_work(&give_work);
}

/**
 * donated_quiet() - after the last donated_soon() and donated_return()
 *
 * Process context, no lock held.
 */
void donated_quiet(void)
{
	cancel_work_sync(&give_work);
	cancel_work_sync(&return_work);
}
