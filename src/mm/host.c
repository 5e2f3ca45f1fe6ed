// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host world's memory: an identity map that L built before the
 * rendezvous, without K's chunks. What happens here is rare: Linux touches
 * an address beyond what was mapped, or K's memory, or gives a chunk.
 *
 * TLB protocol. A change that takes something away zaps the entry, then bumps
 * host.sequence. Every CPU compares the sequence with its own at each entry
 * into its world and flushes if it is behind, then writes down what it has
 * seen. Whoever needs the certainty that no CPU holds the old translation
 * makes all CPUs come to K (here L does, with an interrupt) and looks at what
 * they have seen: host_flushed(). Nobody waits in K. A change that only adds
 * needs none of this: absent entries are not cached.
 */
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/lock.h>
#include <regent/mtype.h>
#include <regent/pages.h>

/**
 * struct host_memory - the host world's memory region
 * @lock: guards all below, and the nested tables
 * @sequence: number of zaps
 * @next_page: pages taken from the pool
 * @nr_chunks: chunks that are K's, the donated ones included
 * @chunk: where they are
 */
static struct host_memory {
	struct lock lock;
	u32 sequence;
	u32 next_page;
	u32 nr_chunks;
	u64 chunk[REGENT_MAX_CHUNKS];
} host;

/**
 * host_lock_break() - give the lock up for a CPU that faulted with it
 * @cpu: this CPU
 *
 * The tables may lack what was being added; every entry in them is whole.
 */
void host_lock_break(const struct cpu *cpu)
{
	lock_break(&host.lock, cpu);
}

/**
 * host_chunk() - physical address of a chunk by its place in the window
 * @slot: place; the chunks of the takeover come first
 *
 * Return: the address, or ~0 when no chunk is there.
 */
u64 host_chunk(u32 slot)
{
	if (slot < k_params.nr_chunks)
		return k_params.chunk[slot];
	slot -= k_params.nr_chunks;
	return slot < host.nr_chunks ? host.chunk[slot] : ~0ull;
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

static u64 table_alloc(void *ctx)
{
	(void)ctx;
	if (host.next_page >= k_params.pool_pages)
		return 0;
	return k_params.pool + host.next_page++ * REGENT_PAGE_SIZE;
}

/*
 * Two trees: that of direct CPUs, and that of forwarded ones, which has no local
 * APIC. They share all tables but those on the way to its page, so that each
 * change is made in both; where they share, the second finds it done.
 */
static const u64 *const roots[] = { &k_params.nested_root, &k_params.forward_root };

#define ROOTS	(sizeof(roots) / sizeof(roots[0]))

static void host_tables(struct ptab *pt, u32 tree)
{
	pt->fmt = backend_nested()->fmt;
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
 * Without the lock: chunks are only added, the number after the address.
 */
bool host_owns(u64 pa)
{
	return owns(pa);
}

/* Linux may read zeros there, once K has counted the first time. */
static bool show_zeros(const struct ptab *pt, u64 pa)
{
	const struct nested_kind *kind = backend_nested();
	u64 type = kind->type_shift ? (u64)MTYPE_WB << kind->type_shift : 0;

	return ptab_map(pt, pa & ~(REGENT_PAGE_SIZE - 1), k_params.zero_page,
			REGENT_PAGE_SIZE, kind->hidden | type) == PTAB_OK;
}

/* Where the tables have memory types, a leaf has one only. */
static u64 host_leaf(u64 pa)
{
	const struct nested_kind *kind = backend_nested();

	return nested_leaf(kind, kind->type_shift ? mtype_of(&k_params.mtrr, pa) : 0);
}

static bool one_type(u64 pa, u64 size)
{
	u8 type;

	return !backend_nested()->type_shift ||
	       mtype_uniform(&k_params.mtrr, pa, size, &type);
}

/* Memory or a device that no table covers yet: at the size of the format. */
static bool map_more(const struct ptab *pt, u64 pa)
{
	u64 size = ptab_level_size(pt->max_leaf);
	struct ptab_leaf leaf;
	int found;

	if (pa >> k_params.phys_bits)
		return false;
	found = ptab_walk(pt, pa, &leaf);
	if (found == PTAB_OK)
		return true;		/* another CPU was first */
	if (found != PTAB_ABSENT)
		return false;
	if (leaf.size < size)
		size = leaf.size;
	while (size > REGENT_CHUNK_SIZE && overlaps_owned(pa & ~(size - 1), size))
		size >>= 9;
	while (size > REGENT_PAGE_SIZE && !one_type(pa & ~(size - 1), size))
		size >>= 9;
	return ptab_map(pt, pa & ~(size - 1), pa & ~(size - 1), size,
			host_leaf(pa)) == PTAB_OK;
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
 * Return: true to execute the access again, false to inject #GP.
 */
bool host_fault(struct cpu *cpu, u64 pa, bool write, bool fetch, u64 rip)
{
	bool hidden, again = true;
	struct ptab pt;
	u32 i;

	lock_take(&host.lock);
	hidden = owns(pa);
	for (i = 0; again && i < ROOTS; i++) {
		host_tables(&pt, i);
		if (!hidden)
			again = map_more(&pt, pa);
		else
			again = !write && !fetch && show_zeros(&pt, pa);
	}
	lock_drop(&host.lock);

	if (hidden)
		count_hidden(cpu, pa, !write && !fetch, fetch, rip);
	else if (!again)	/* it works on the bare machine */
		k_abort("no page left to map what Linux touches");
	return again;
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
		__atomic_add_fetch(&host.sequence, 1, __ATOMIC_SEQ_CST);
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
 * Return: 0 or a negative REGENT_HC_E*.
 */
int host_donate(struct cpu *cpu, u64 pa)
{
	int err = 0;
	u32 slot;

	if (pa & (REGENT_CHUNK_SIZE - 1) || (pa + REGENT_CHUNK_SIZE - 1) >> k_params.phys_bits)
		return -REGENT_HC_EINVAL;
	lock_take(&host.lock);
	if (owns(pa)) {
		err = -REGENT_HC_EBUSY;
	} else if (k_params.nr_chunks + host.nr_chunks >= REGENT_MAX_CHUNKS ||
		   unmap(pa, REGENT_CHUNK_SIZE)) {
		err = -REGENT_HC_ENOSPC;
	} else {
		host.chunk[host.nr_chunks] = pa;
		__atomic_store_n(&host.nr_chunks, host.nr_chunks + 1, __ATOMIC_RELEASE);
		__atomic_add_fetch(&host.sequence, 1, __ATOMIC_SEQ_CST);
	}
	slot = k_params.nr_chunks + host.nr_chunks - 1;
	lock_drop(&host.lock);
	(void)cpu;
	/* Not used while another waits: then it only stays hidden. */
	return err ?: pages_add(slot, pa);
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
	return k_params.pool_pages - __atomic_load_n(&host.next_page, __ATOMIC_RELAXED);
}
