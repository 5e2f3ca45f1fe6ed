// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page tables, all built before the rendezvous: K's own (one root for
 * each CPU, see <regent/abi/handoff.h> for the map) and the host world's
 * nested tables.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>
#include <asm/io.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/special_insns.h>

#include <hw/cr.h>
#include <hw/pte.h>
#include <regent/crc.h>
#include <regent/mapcache.h>
#include <regent/prep.h>
#include <regent/ptab.h>

#include "l.h"

/* Pages K may use for nested tables on its own: each maps 512 GiB more. */
#define POOL_PAGES	64

static u64 shared_root;

static u64 *l_page(void *ctx, u64 pa)
{
	return phys_to_virt(pa);
}

static u64 l_alloc(void *ctx)
{
	void *page = donated_pages(1);

	return page ? donated_pa(page) : 0;
}

static struct ptab l_ptab(const struct ptab_format *fmt, u64 root, int max_leaf)
{
	return (struct ptab){
		.fmt = fmt, .root = root, .levels = regent.params->levels,
		.max_leaf = max_leaf, .page = l_page, .alloc = l_alloc,
	};
}

/**
 * k_map() - map something in the part of K's address space all CPUs share
 * @va: K's address
 * @pa: physical address
 * @size: bytes
 * @flags: HW_PTE_K_*
 *
 * Return: 0 or a negative errno (those of enum ptab_error).
 */
int k_map(u64 va, u64 pa, u64 size, u64 flags)
{
	struct ptab pt;

	if (!shared_root)
		shared_root = l_alloc(NULL);
	if (!shared_root)
		return -ENOMEM;
	pt = l_ptab(&ptab_x86, shared_root, 2);
	return ptab_map(&pt, va, pa, size, flags);
}

/* The table of a level on the way to an address, as Linux sees it. */
static u64 *table_of(u64 root, u64 va, int level)
{
	u64 *table = phys_to_virt(root);
	int at;

	for (at = regent.params->levels; at > level; at--)
		table = phys_to_virt(table[(va >> (12 + 9 * (at - 1))) & 511] &
				     HW_PTE_ADDR);
	return table;
}

/* The window and its page table: mapped in this CPU's root only. */
static int map_window(u64 root)
{
	struct ptab pt = l_ptab(&ptab_x86, root, 1);
	u64 *window;
	int err;

	/* Any page, only to have the tables; the slot is emptied again. */
	err = ptab_map(&pt, REGENT_VA_WINDOW, 0, PAGE_SIZE, HW_PTE_K_DATA);
	if (err)
		return err;
	window = table_of(root, REGENT_VA_WINDOW, 1);
	window[0] = 0;
	return ptab_map(&pt, REGENT_VA_WINDOW_PT, donated_pa(window), PAGE_SIZE,
			HW_PTE_K_DATA);
}

/* What all CPUs share hangs in the same slots of each CPU's PML4. */
static int cpu_root(u64 *cr3)
{
	u64 *mine, *shared;
	u64 root = l_alloc(NULL);
	int i, err;

	if (!root)
		return -ENOMEM;
	err = map_window(root);
	if (err)
		return err;
	mine = table_of(root, REGENT_VA_WINDOW, 4);
	shared = table_of(shared_root, REGENT_VA_IMAGE, 4);
	for (i = 0; i < 512; i++)
		if (shared[i])
			mine[i] = shared[i];
	*cr3 = root;
	return 0;
}

static int map_fresh(u64 va, unsigned int pages)
{
	void *page = donated_pages(pages);

	return page ? k_map(va, donated_pa(page), pages * PAGE_SIZE, HW_PTE_K_DATA)
		    : -ENOMEM;
}

static int map_area(struct l_cpu *c, u64 area)
{
	int err;

	c->handoff = donated_pages(1);
	if (!c->handoff)
		return -ENOMEM;
	err = k_map(area + REGENT_PERCPU_HANDOFF, donated_pa(c->handoff), PAGE_SIZE,
		    HW_PTE_K_DATA);
	if (!err)
		err = k_map(REGENT_VA_SHARED + (u64)c->cpu * PAGE_SIZE,
			    virt_to_phys(c->shared), PAGE_SIZE, HW_PTE_K_DATA);
	if (!err)
		err = map_fresh(area + REGENT_PERCPU_STACK, REGENT_STACK_PAGES);
	if (!err)
		err = map_fresh(area + REGENT_PERCPU_IST_FAULT, 2);
	if (!err)
		err = map_fresh(area + REGENT_PERCPU_IST_DF, 1);
	if (!err)
		err = map_fresh(area + REGENT_PERCPU_IST_NMI, 1);
	if (!err)
		err = map_fresh(area + REGENT_PERCPU_IST_MC, 1);
	if (!err)
		err = map_fresh(area + REGENT_PERCPU_CPU, 1);
	return err;
}

static int prepare_area(struct l_cpu *c)
{
	u64 area = REGENT_VA_PERCPU + (u64)c->cpu * REGENT_PERCPU_STRIDE;
	struct regent_handoff *h;
	int err = map_area(c, area);

	if (err)
		return err;
	h = c->handoff;
	h->cpu = c->cpu;
	h->current_task = (u64)per_cpu_ptr(&L_CURRENT, c->cpu);
	h->cpu_va = area + REGENT_PERCPU_CPU;
	h->stack_top = area + REGENT_PERCPU_STACK + REGENT_STACK_PAGES * PAGE_SIZE;
	h->resume = (u64)regent.backend->resume;
	desc_build_cpu(h, area);
	return regent.backend->prepare_cpu(h, area);
}

/* The trampoline at its Linux address, executable, not writable. */
static int map_trampoline(void)
{
	u64 va = regent.params->trampoline;
	int err = 0;

	for (; va && !err && va < (u64)regent.backend->mapped_end; va += PAGE_SIZE) {
		struct page *page = vmalloc_to_page((void *)va);

		err = page ? k_map(va, page_to_phys(page), PAGE_SIZE, HW_PTE_K_TEXT)
			   : -EFAULT;
	}
	return err;
}

static u64 host_leaf(u64 pa)
{
	return npt_leaf(regent.backend->nested, mtype_of(&inventory.mtrr, pa));
}

/* One identity-mapped piece of a single memory type, in the largest leaves. */
static int map_host(struct ptab *pt, u64 end)
{
	u64 pa = 0;
	int most = regent.params->features & REGENT_FEAT_1G ? 3 : 2;

	while (pa < end) {
		int level = mtype_leaf_level(&inventory.mtrr, pa, end, most);
		u64 size = ptab_level_size(level);
		int err;

		pt->max_leaf = level;
		err = ptab_map(pt, pa, pa, size, host_leaf(pa));
		if (err)
			return err;
		pa += size;
	}
	return 0;
}

/* Taking a chunk away may need a table, and that a new chunk. */
static int hide_chunks(struct ptab *pt)
{
	unsigned int i;

	for (i = 0; i < donated_chunks(); i++) {
		int err = ptab_unmap(pt, donated_chunk(i), REGENT_CHUNK_SIZE);

		if (err)
			return err;
	}
	return 0;
}

/* A page that K may take away and give back gets an entry of its own. */
static int own_entry(struct ptab *pt, u64 pa)
{
	int err = ptab_unmap(pt, pa, PAGE_SIZE);

	return err ?: ptab_map(pt, pa, pa, PAGE_SIZE, host_leaf(pa));
}

static int split_devices(struct ptab *pt)
{
	struct regent_params *p = regent.params;
	unsigned int i;
	u64 base;
	int err;

	rdmsrl(MSR_IA32_APICBASE, base);
	p->apic_base = base & GENMASK_ULL(51, 12);
	err = k_map(REGENT_VA_APIC, p->apic_base, PAGE_SIZE, HW_PTE_K_MMIO);
	if (!err)
		err = own_entry(pt, p->apic_base);
	if (inventory.ioapics <= REGENT_MAX_IOAPICS)
		p->nr_ioapics = inventory.ioapics;
	for (i = 0; !err && i < p->nr_ioapics; i++) {
		p->ioapic[i] = inventory.ioapic[i].address;
		err = own_entry(pt, p->ioapic[i] & PAGE_MASK);
	}
	return err;
}

/*
 * The tree of forwarded CPUs: copies of the tables on the way to the local
 * APIC's page, which it does not have, and all others shared.
 */
static int build_forward(void)
{
	struct regent_params *p = regent.params;
	u64 from = p->npt_root, *to_entry = &p->forward_root;
	int level;

	for (level = p->levels; level >= 1; level--) {
		unsigned int slot = p->apic_base >> (12 + 9 * (level - 1)) & 511;
		u64 copy = l_alloc(NULL);
		u64 *table;

		if (!copy)
			return -ENOMEM;
		table = phys_to_virt(copy);
		memcpy(table, phys_to_virt(from), PAGE_SIZE);
		*to_entry = copy | (*to_entry & ~HW_PTE_ADDR);
		from = table[slot] & HW_PTE_ADDR;
		to_entry = &table[slot];
	}
	*to_entry = 0;
	return 0;
}

/*
 * Mapped before the rendezvous: all RAM, and up to the highest address Linux
 * knows where that costs little (some machines have a PCI window up to the end
 * of the address space). K adds the rest when Linux touches it.
 */
static u64 nested_end(void)
{
	u64 cheap = regent.params->features & REGENT_FEAT_1G ? 1ull << 44 : 0;
	u64 end = max3(inventory.ram_top, min(inventory.top, cheap), 4ull << 30);

	return ALIGN(end, 1ull << 30);
}

static int build_nested(void)
{
	struct ptab pt;
	u64 root = l_alloc(NULL);
	int err;

	if (!root)
		return -ENOMEM;
	regent.params->npt_root = root;
	regent.params->mtrr = inventory.mtrr;
	pt = l_ptab(regent.backend->nested->fmt, root, 3);
	err = map_host(&pt, nested_end());
	pt.max_leaf = 1;
	if (!err)
		err = split_devices(&pt);
	return err ?: build_forward();
}

static int reserve_pages(void)
{
	struct regent_params *p = regent.params;
	void *pool = donated_pages(POOL_PAGES);
	void *zero = donated_pages(1);

	if (!pool || !zero)
		return -ENOMEM;
	p->pool = donated_pa(pool);
	p->pool_pages = POOL_PAGES;
	p->zero_page = donated_pa(zero);
	return 0;
}

/*
 * K sees its own memory as a whole, too, for the tables in it; but its text
 * and read-only data are not writable under that address either.
 */
static int map_chunks(void)
{
	u64 image = donated_pa(regent.header);
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < donated_chunks(); i++) {
		u64 pa = donated_chunk(i);
		u64 va = REGENT_VA_CHUNKS + i * REGENT_CHUNK_SIZE;

		err = k_map(va, pa, REGENT_CHUNK_SIZE, HW_PTE_K_DATA);
		if (!err && image - pa < REGENT_CHUNK_SIZE)
			err = k_map(va + (image - pa), image,
				    regent.header->rodata_end, HW_PTE_K_RO);
	}
	return err;
}

/*
 * Last, when hardly a page is needed any more: hide and map all chunks, again
 * if one was added by that.
 */
static int seal_memory(void)
{
	const struct ptab_format *fmt = regent.backend->nested->fmt;
	struct ptab direct = l_ptab(fmt, regent.params->npt_root, 3);
	struct ptab forward = l_ptab(fmt, regent.params->forward_root, 3);
	unsigned int before, i;
	int err;

	do {
		before = donated_chunks();
		err = hide_chunks(&direct);
		if (!err)
			err = hide_chunks(&forward);
		if (!err)
			err = map_chunks();
		if (err)
			return err;
	} while (donated_chunks() != before);
	regent.params->nr_chunks = before;
	for (i = 0; i < before; i++)
		regent.params->chunk[i] = donated_chunk(i);
	return 0;
}

static int prepare_cpus(void)
{
	unsigned int cpu;
	int err;

	for_each_cpu(cpu, &regent_cpus) {
		struct l_cpu *c = per_cpu_ptr(&l_cpus, cpu);

		err = prepare_area(c);
		if (err)
			return err;
	}
	/* After the last mapping all CPUs share. */
	for_each_cpu(cpu, &regent_cpus) {
		struct l_cpu *c = per_cpu_ptr(&l_cpus, cpu);

		err = cpu_root(&c->handoff->cr3);
		if (err)
			return err;
		regent.params->area[cpu / 64] |= 1ull << (cpu % 64);
		c->prepared = true;
	}
	return 0;
}

int tables_do(void)
{
	int err = reserve_pages();

	shared_root = shared_root ?: l_alloc(NULL);
	if (!err)
		err = map_trampoline();
	if (!err)
		err = build_nested();
	if (!err)
		err = regent.backend->prepare_machine();
	/* The slots of the chunks' window must exist before the roots copy them. */
	if (!err)
		err = map_chunks();
	if (!err)
		err = prepare_cpus();
	if (!err)
		err = seal_memory();
	if (!err)
		regent.image_crc = crc32_update(0, regent.header,
						regent.header->rodata_end);
	return err;
}

void tables_undo(void)
{
	unsigned int cpu;

	for_each_cpu(cpu, &regent_cpus)
		per_cpu_ptr(&l_cpus, cpu)->prepared = false;
	shared_root = 0;
}
