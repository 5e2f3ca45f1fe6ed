// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host world's memory: an identity map that L built before the
 * rendezvous, without K's chunks. What happens here is rare: Linux touches
 * an address beyond what was mapped, or K's memory, or gives a chunk.
 *
 * TLB protocol. A change that takes something away zaps the entry, then bumps
 * host.sequence and sets WORK_FLUSH on every CPU, which flushes on its way
 * out of K and writes down the sequence that it has seen. A caller that needs
 * to know that no CPU holds the old translation makes all CPUs come to K (here
 * L does, with an interrupt) and asks host_flushed(), which compares what they
 * have seen. No CPU waits in K. A change that only adds needs none of this:
 * absent entries are not cached.
 *
 * Pages for tables. What Linux touches beyond the tables of the takeover costs pages.
 * Before they are used up, K asks L for a chunk. Where that comes too late, or never, K
 * drops tables that it has made for such addresses, and makes them anew when they are
 * touched again. A dropped table is used for something else only when every CPU has
 * flushed: until then whoever needs one executes its access again and again, and takes
 * its interrupts in between.
 */
#include <hw/pte.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/lock.h>
#include <regent/mtype.h>
#include <regent/pages.h>
#include <regent/ptab_walk.h>

#define DROPPED_MAX	64	/* tables to be dropped at once, in bounded time */
#define SPARES_MAX	(2 * DROPPED_MAX)

/* Pages that only changes use which cannot wait for others: to split a large leaf. */
#define TABLES_RESERVE	8

/**
 * struct host_memory - the host world's memory region
 * @lock: guards all below, and the nested tables. After a fault with it they may
 *	lack what was being added; every entry in them is whole
 * @sequence: number of zaps
 * @next_page: pages taken from the pool
 * @asked: L knows that pages run low
 * @dropped: tables that were taken out of the trees and may still be in use; their
 *	contents stay as they are
 * @nr_dropped: how many
 * @dropped_at: sequence that all CPUs must have flushed up to before they are free
 * @nr_spare: pages of dropped tables that all CPUs have flushed: zeroed, for tables only
 * @spare: where they are
 * @nr_chunks: places of chunks that were donated since the takeover
 * @chunk: where they are, NO_CHUNK where one has gone back
 * @leaving: place of a chunk on its way back to Linux, + 1; 0 for none
 * @leaving_at: sequence that all CPUs must have flushed up to before Linux gets it
 */
static struct host_memory {
	struct lock lock;
	u32 sequence;
	u32 next_page;
	bool asked;
	u32 nr_dropped;
	u32 dropped_at;
	u64 dropped[DROPPED_MAX];
	u32 nr_spare;
	u64 spare[SPARES_MAX];
	u32 nr_chunks;
	u64 chunk[REGENT_MAX_CHUNKS];
	u32 leaving;
	u32 leaving_at;
} host;

/* No address lies in a chunk that begins here. */
#define NO_CHUNK	(-REGENT_CHUNK_SIZE)

/**
 * host_chunk() - physical address of a chunk by its place in the window
 * @slot: place; the chunks of the takeover come first
 *
 * Return: the address, or one that is none when no chunk is there.
 */
u64 host_chunk(u32 slot)
{
	if (slot < k_params.nr_chunks)
		return k_params.chunk[slot];
	slot -= k_params.nr_chunks;
	return slot < host.nr_chunks ? host.chunk[slot] : NO_CHUNK;
}

/**
 * host_table_page() - struct ptab's @page for all tables in K's memory
 * @ctx: unused
 * @pa: physical address of a table
 */
u64 *host_table_page(void *ctx, u64 pa)
{
	u32 slots = k_params.nr_chunks + host.nr_chunks;
	u32 i;

	(void)ctx;
	for (i = 0; i < slots; i++) {
		u64 offset = pa - host_chunk(i);

		if (offset < REGENT_CHUNK_SIZE)
			return (u64 *)(REGENT_VA_CHUNKS + i * REGENT_CHUNK_SIZE + offset);
	}
	return NULL;
}

static u64 take_page(u32 reserve)
{
	if (host.nr_spare)
		return host.spare[--host.nr_spare];
	if (host.next_page + reserve < k_params.pool_pages)
		return k_params.pool + host.next_page++ * REGENT_PAGE_SIZE;
	return pages_table_alloc(NULL);
}

static u64 table_alloc(void *ctx)
{
	(void)ctx;
	return take_page(0);
}

static u64 device_table_alloc(void *ctx)
{
	(void)ctx;
	return take_page(TABLES_RESERVE);
}

/*
 * Two trees: that of direct CPUs, and that of forwarded ones, which has no local
 * APIC. They share all tables but those on the way to its page, so that each
 * change is made in both; where they share, the second finds it done.
 */
static const u64 *const roots[] = { &k_params.npt_root, &k_params.forward_root };

#define ROOTS	(sizeof(roots) / sizeof(roots[0]))

static void host_tables(struct ptab *pt, u32 tree)
{
	pt->fmt = backend_npt->fmt;
	pt->root = *roots[tree];
	pt->levels = k_params.levels;
	pt->max_leaf = k_has(REGENT_FEAT_1G) ? 3 : 2;
	pt->page = host_table_page;
	pt->alloc = table_alloc;
	pt->ctx = NULL;
}

static bool owns(u64 pa)
{
	u32 i;

	for (i = 0; i < k_params.nr_chunks; i++)
		if (pa - k_params.chunk[i] < REGENT_CHUNK_SIZE)
			return true;
	for (i = 0; i < host.nr_chunks; i++)
		if (pa - host.chunk[i] < REGENT_CHUNK_SIZE)
			return true;
	return false;
}

/* Is a chunk of K's in this range? */
static bool overlaps_owned(u64 start, u64 size)
{
	u32 i;

	for (i = 0; i < k_params.nr_chunks; i++)
		if (k_params.chunk[i] - start < size)
			return true;
	for (i = 0; i < host.nr_chunks; i++)
		if (host.chunk[i] - start < size)
			return true;
	return false;
}

/**
 * host_owns() - is this K's memory?
 * @pa: physical address
 *
 * Without the lock: a chunk is added before Linux says that it is not its own any more, the number
 * after the address, and goes before Linux uses it again.
 */
bool host_owns(u64 pa)
{
	return owns(pa);
}

/* Linux may read zeros there, once K has counted the first time. */
static bool show_zeros(const struct ptab *pt, u64 pa)
{
	const struct npt_kind *kind = backend_npt;
	u64 type = kind->type_shift ? (u64)MTYPE_WB << kind->type_shift : 0;

	return ptab_map(pt, pa & ~(REGENT_PAGE_SIZE - 1), k_params.zero_page,
			REGENT_PAGE_SIZE, kind->hidden | type) == PTAB_OK;
}

/* Where the tables have memory types, a leaf has one only. */
static u64 host_leaf(u64 pa)
{
	const struct npt_kind *kind = backend_npt;

	return npt_leaf(kind, kind->type_shift ? mtype_of(&k_params.mtrr, pa) : 0);
}

static bool one_type(u64 pa, u64 size)
{
	u8 type;

	return !backend_npt->type_shift ||
	       mtype_uniform(&k_params.mtrr, pa, size, &type);
}

static u64 leaf_size(const struct ptab *pt, u64 pa, const struct ptab_leaf *leaf)
{
	u64 size = ptab_level_size(pt->max_leaf);

	if (leaf->size < size)
		size = leaf->size;
	while (size > REGENT_CHUNK_SIZE && overlaps_owned(pa & ~(size - 1), size))
		size >>= 9;
	while (size > REGENT_PAGE_SIZE && !one_type(pa & ~(size - 1), size))
		size >>= 9;
	return size;
}

/*
 * Memory or a device that no table covers yet: at the size of the format. The tables on
 * the way are marked: they may be dropped again.
 */
static int map_more(struct ptab *pt, u64 pa)
{
	struct ptab_format marked = *pt->fmt;
	struct ptab_leaf leaf;
	u64 size;
	int found;

	found = ptab_walk(pt, pa, &leaf);
	if (found != PTAB_ABSENT)
		return found;	/* PTAB_OK: another CPU was first */
	size = leaf_size(pt, pa, &leaf);
	marked.table |= HW_PTE_SOFT;
	pt->fmt = &marked;
	pt->alloc = device_table_alloc;
	return ptab_map(pt, pa & ~(size - 1), pa & ~(size - 1), size, host_leaf(pa));
}

/*
 * Every CPU is to flush before it enters its world again. With the lock. Returns the sequence
 * that all have to flush up to.
 */
static u32 zapped(void)
{
	u32 sequence = __atomic_add_fetch(&host.sequence, 1, __ATOMIC_SEQ_CST);
	u32 i;

	for (i = 0; i < k_params.nr_cpus; i++) {
		struct cpu *cpu = cpu_find(i);

		if (cpu)
			work_ask(&cpu->work, WORK_FLUSH);
	}
	return sequence;
}

static bool is_table(u64 entry, int level)
{
	const struct ptab_format *fmt = backend_npt->fmt;

	return level > 1 && (entry & fmt->present) && !(level <= 3 && (entry & fmt->leaf));
}

/* A table whose entries are of @level, and those below it. False when the list is full. */
static bool drop_table(u64 pa, int level)
{
	u64 *table = host_table_page(NULL, pa);
	u32 i;

	for (i = 0; level > 1 && i < 512; i++) {
		if (!is_table(table[i], level))
			continue;
		if (!drop_table(table[i] & HW_PTE_ADDR, level - 1))
			return false;
		__atomic_store_n(&table[i], 0, __ATOMIC_RELEASE);
	}
	if (host.nr_dropped == DROPPED_MAX)
		return false;
	host.dropped[host.nr_dropped++] = pa;
	return true;
}

/* Those in a table that stays. L has made all tables from the root down to the PDPTs. */
static bool drop_marked(u64 pa, int level)
{
	u64 *table = host_table_page(NULL, pa);
	bool more = true;
	u32 i;

	for (i = 0; more && i < 512; i++) {
		if (!is_table(table[i], level))
			continue;
		if (!(table[i] & HW_PTE_SOFT)) {
			more = level <= 3 || drop_marked(table[i] & HW_PTE_ADDR, level - 1);
			continue;
		}
		more = drop_table(table[i] & HW_PTE_ADDR, level - 1);
		if (more)
			__atomic_store_n(&table[i], 0, __ATOMIC_RELEASE);
	}
	return more;
}

/* Return: whether all CPUs are to flush, so that pages become free. */
static bool drop_tables(void)
{
	u32 i;

	if (host.nr_dropped)
		return false;	/* some CPU has still to flush */
	for (i = 0; i < ROOTS; i++)
		if (!drop_marked(*roots[i], k_params.levels))
			break;
	if (!host.nr_dropped)
		return false;
	host.dropped_at = zapped();
	return true;
}

/* For tables again, so that there are always as many pages for them as there have been. */
static void put_spare(u64 pa)
{
	u64 *table = host_table_page(NULL, pa);
	u32 i;

	if (host.nr_spare == SPARES_MAX) {
		pages_free(table, 1);
		return;
	}
	for (i = 0; i < PTAB_ENTRIES; i++)
		table[i] = 0;
	host.spare[host.nr_spare++] = pa;
}

static void free_dropped(void)
{
	if (!host.nr_dropped || !host_flushed(host.dropped_at))
		return;
	while (host.nr_dropped)
		put_spare(host.dropped[--host.nr_dropped]);
}

/* Once, until there is a new chunk, or tables had to be dropped. */
static bool ask_for_pages(u64 pa)
{
	if (host.asked || host_table_pages() > REGENT_TABLES_LOW)
		return false;
	host.asked = true;
	event_post(REGENT_EV_TABLES_LOW, pa, host_table_pages());
	return true;
}

static enum host_result map_touched(u64 pa)
{
	struct ptab pt;
	int err = PTAB_OK;
	u32 i;

	if (pa >> k_params.phys_bits)
		return HOST_REFUSED;
	free_dropped();
	for (i = 0; !err && i < ROOTS; i++) {
		host_tables(&pt, i);
		err = map_more(&pt, pa);
	}
	if (err == PTAB_NOMEM && drop_tables()) {
		host.asked = false;
		ask_for_pages(pa);
		return HOST_KICK;
	}
	if (err && err != PTAB_NOMEM)
		return HOST_REFUSED;
	return ask_for_pages(pa) ? HOST_TELL : HOST_AGAIN;
}

static enum host_result touch_hidden(u64 pa, bool read)
{
	struct ptab pt;
	bool shown = read;
	u32 i;

	for (i = 0; shown && i < ROOTS; i++) {
		host_tables(&pt, i);
		shown = show_zeros(&pt, pa);
	}
	return shown ? HOST_AGAIN : HOST_REFUSED;
}

static void count_hidden(struct cpu *cpu, u64 pa, bool read, bool fetch, u64 rip)
{
	if (read) {
		cpu->hidden_reads++;
		event_post(REGENT_EV_HIDDEN_READ, pa, rip);
		return;
	}
	cpu->hidden_writes++;
	event_post(fetch ? REGENT_EV_HIDDEN_FETCH : REGENT_EV_HIDDEN_WRITE, pa, rip);
}

/**
 * host_fault() - the host world touched what its tables do not allow
 * @cpu: this CPU
 * @pa: physical address
 * @write: it was a write
 * @fetch: it was an instruction fetch
 * @rip: where Linux was, for the log
 *
 * Return: enum host_result.
 */
enum host_result host_fault(struct cpu *cpu, u64 pa, bool write, bool fetch, u64 rip)
{
	bool hidden, read = !write && !fetch;
	enum host_result result;

	lock_take(&host.lock);
	hidden = owns(pa);
	result = hidden ? touch_hidden(pa, read) : map_touched(pa);
	lock_drop(&host.lock);
	if (hidden)
		count_hidden(cpu, pa, read, fetch, rip);
	return result;
}

/* Both trees, with the lock. */
static int unmap(u64 pa, u64 size)
{
	struct ptab pt;
	u32 i;
	int err = 0;

	for (i = 0; !err && i < ROOTS; i++) {
		host_tables(&pt, i);
		err = ptab_unmap(&pt, pa, size);
	}
	return err;
}

/**
 * host_device_trap() - have Linux's accesses to a device's page exit, or not
 * @pa: physical address in the page, which has an entry of its own
 * @on: have them exit, as soon as all CPUs have flushed
 *
 * Return: 0 or -REGENT_HC_ENOSPC.
 */
int host_device_trap(u64 pa, bool on)
{
	u64 page = pa & ~(REGENT_PAGE_SIZE - 1);
	struct ptab pt;
	int err = 0;
	u32 i;

	lock_take(&host.lock);
	if (on) {
		err = unmap(page, REGENT_PAGE_SIZE);
		zapped();
	}
	for (i = 0; !on && !err && i < ROOTS; i++) {
		host_tables(&pt, i);
		err = ptab_map(&pt, page, page, REGENT_PAGE_SIZE, host_leaf(page));
	}
	lock_drop(&host.lock);
	return err ? -REGENT_HC_ENOSPC : 0;
}

/**
 * host_donate() - take a chunk from Linux while it runs
 * @cpu: this CPU, whose TLB is flushed before Linux goes on
 * @pa: physical address; Linux says that it does not use it any more
 *
 * Only memory: devices have another memory type.
 *
 * Return: 0 or a negative REGENT_HC_E*.
 */
int host_donate(struct cpu *cpu, u64 pa)
{
	int err = 0;
	u32 place = 0;
	u8 type;

	if (pa & (REGENT_CHUNK_SIZE - 1) || (pa + REGENT_CHUNK_SIZE - 1) >> k_params.phys_bits ||
	    !mtype_uniform(&k_params.mtrr, pa, REGENT_CHUNK_SIZE, &type) || type != MTYPE_WB)
		return -REGENT_HC_EINVAL;
	lock_take(&host.lock);
	while (place < host.nr_chunks && host.chunk[place] != NO_CHUNK)
		place++;
	if (owns(pa)) {
		err = -REGENT_HC_EBUSY;
	} else if (k_params.nr_chunks + place >= REGENT_MAX_CHUNKS ||
		   unmap(pa, REGENT_CHUNK_SIZE)) {
		err = -REGENT_HC_ENOSPC;
	} else {
		__atomic_store_n(&host.chunk[place], pa, __ATOMIC_RELEASE);
		if (place == host.nr_chunks)
			__atomic_store_n(&host.nr_chunks, place + 1, __ATOMIC_RELEASE);
		zapped();
		host.asked = false;
	}
	lock_drop(&host.lock);
	(void)cpu;
	return err ?: pages_add(k_params.nr_chunks + place, pa) ? -REGENT_HC_ENOSPC : 0;
}

/*
 * K uses it no more. It stays hidden, and K's own translations are dropped with those of the
 * host world's tables (world/run.c).
 */
static s64 begin_return(void)
{
	u32 slot;

	if (host.leaving)
		return host.chunk[host.leaving - 1];
	slot = pages_withdraw();
	if (slot == REGENT_MAX_CHUNKS)
		return 0;
	host.leaving = slot - k_params.nr_chunks + 1;
	host.leaving_at = zapped();
	return host_chunk(slot);
}

/* As before host_donate(), but where Linux has looked at zeros the entries stay small. */
static s64 end_return(u64 pa)
{
	struct ptab pt;
	int err = 0;
	u32 i;

	if (!host.leaving || host.chunk[host.leaving - 1] != pa)
		return -REGENT_HC_EINVAL;
	if (!host_flushed(host.leaving_at))
		return -REGENT_HC_EBUSY;
	for (i = 0; !err && i < ROOTS; i++) {
		host_tables(&pt, i);
		err = ptab_map(&pt, pa, pa, REGENT_CHUNK_SIZE, host_leaf(pa));
	}
	if (err)
		return -REGENT_HC_ENOSPC;
	__atomic_store_n(&host.chunk[host.leaving - 1], NO_CHUNK, __ATOMIC_RELEASE);
	host.leaving = 0;
	zapped();
	return 0;
}

/**
 * host_return() - see REGENT_HC_RETURN
 * @pa: 0, or any number
 *
 * Return: a chunk's address, 0, or a negative REGENT_HC_E*.
 */
s64 host_return(u64 pa)
{
	s64 answer;

	lock_take(&host.lock);
	answer = pa ? end_return(pa) : begin_return();
	lock_drop(&host.lock);
	return answer;
}

/**
 * host_tlb_sequence() - number of zaps so far
 */
u32 host_tlb_sequence(void)
{
	return __atomic_load_n(&host.sequence, __ATOMIC_ACQUIRE);
}

/**
 * host_flushed() - has every CPU flushed what was zapped?
 * @sequence: host_tlb_sequence() after the zap
 */
bool host_flushed(u32 sequence)
{
	u32 i;

	for (i = 0; i < k_params.nr_cpus; i++) {
		struct cpu *cpu = cpu_find(i);

		if (cpu && __atomic_load_n(&cpu->entered, __ATOMIC_ACQUIRE) &&
		    (s32)(__atomic_load_n(&cpu->tlb_seen, __ATOMIC_ACQUIRE) - sequence) < 0)
			return false;
	}
	return true;
}

/**
 * host_table_pages() - pages left for nested tables
 */
u32 host_table_pages(void)
{
	return k_params.pool_pages - __atomic_load_n(&host.next_page, __ATOMIC_RELAXED) +
	       __atomic_load_n(&host.nr_spare, __ATOMIC_RELAXED) + pages_free_count();
}
