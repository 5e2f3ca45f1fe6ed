// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's memory by its own addresses: in long mode, with PAE, with 32-bit tables, without
 * paging. AMD APM volume 2, "Page Translation and Protection".
 *
 * vcpu_walk() does not look at rights: the processor has just made the access, or fetched the
 * instruction. vcpu_copy() does, and sets the accessed and dirty bits: what it accesses the
 * processor has not accessed at all.
 */
#include <hw/cr.h>
#include <hw/pte.h>
#include <regent/backend.h>

#include "vm.h"

#define CR3_PAE		0xffffffe0ull
#define CR3_32		0xfffff000ull
#define ENTRY_LARGE	(1ull << 7)
#define LARGE_32	0xffc00000ull	/* address bits 22-31 of a page of 4 MiB */
#define LARGE_32_HIGH	0xff		/* and 32-39, from bit 13 of the entry */

/* The shape of a vCPU's tables */
struct shape {
	u64 root;
	int levels;
	int bits;		/* of an address, for each level */
	bool large;		/* there are pages of 4 MiB */
};

static void shape_of(const struct regent_vcpu_sregs *s, struct shape *to)
{
	to->bits = 9;
	to->large = true;
	if (s->efer & HW_EFER_LMA) {
		to->levels = s->cr4 & HW_CR4_LA57 ? 5 : 4;
		to->root = s->cr3 & HW_PTE_ADDR;
	} else if (s->cr4 & HW_CR4_PAE) {
		to->levels = 3;
		to->root = s->cr3 & CR3_PAE;
	} else {
		to->levels = 2;
		to->bits = 10;
		to->root = s->cr3 & CR3_32;
		to->large = s->cr4 & HW_CR4_PSE;
	}
}

static u64 read_entry(const u8 *page, u64 at, int bits)
{
	return bits == 10 ? *(const volatile u32 *)(page + at) :
			    *(const volatile u64 *)(page + at);
}

static bool is_leaf(const struct shape *s, u64 entry, int level)
{
	if (level == 1)
		return true;
	if (!(entry & ENTRY_LARGE))
		return false;
	return (level == 2 && s->large) || (level == 3 && s->levels > 3);
}

static u64 leaf_address(const struct shape *s, u64 entry, int level, u64 va)
{
	u64 size = 1ull << (12 + s->bits * (level - 1));
	u64 base;

	if (s->bits == 10 && level == 2)
		base = (entry & LARGE_32) | (entry >> 13 & LARGE_32_HIGH) << 32;
	else
		base = entry & HW_PTE_ADDR & ~(size - 1);
	return base | (va & (size - 1));
}

/**
 * struct walk - a walk through a vCPU's tables
 * @gpa: the address; with WALK_ABSENT, that of the table that is not there, or not to be
 *	written
 * @rights: HW_PTE_W and HW_PTE_U, as all levels grant them
 * @mark: bits that are set in each entry on the way: HW_PTE_A, or nothing
 * @mark_leaf: the same in the last one: also HW_PTE_D
 */
struct walk {
	u64 gpa;
	u64 rights;
	u64 mark;
	u64 mark_leaf;
};

/* Only if the entry is still what it was: another vCPU may have changed it. */
static enum walk_result mark_entry(struct cpu *cpu, struct vcpu *v, u64 gpa, u32 old, u32 bits)
{
	u8 *page = vm_page_to_write(cpu, v->vm, gpa);
	u32 *entry = (u32 *)(page + (gpa & (REGENT_PAGE_SIZE - 1)));

	if (!page)
		return WALK_ABSENT;
	return __atomic_compare_exchange_n(entry, &old, old | bits, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED) ? WALK_OK : WALK_MORE;
}

/* One level; WALK_MORE when *@table is that of the next one. */
static enum walk_result walk_level(struct cpu *cpu, struct vcpu *v, const struct shape *s,
				   u64 va, int level, u64 *table, struct walk *w)
{
	u64 index = va >> (12 + s->bits * (level - 1)) & ((1u << s->bits) - 1), entry, mark;
	enum walk_result result;
	const u8 *page;
	bool leaf;

	w->gpa = *table + index * (s->bits == 10 ? 4 : 8);
	page = vm_page(cpu, v->vm, w->gpa);
	if (!page)
		return WALK_ABSENT;
	entry = read_entry(page, w->gpa & (REGENT_PAGE_SIZE - 1), s->bits);
	if (!(entry & HW_PTE_P))
		return WALK_FAULT;
	leaf = is_leaf(s, entry, level);
	/* The four entries at the top of PAE's tables have neither rights nor such bits. */
	if (s->levels != 3 || level != 3) {
		w->rights &= entry;
		mark = leaf ? w->mark_leaf : w->mark;
		result = mark & ~entry ? mark_entry(cpu, v, w->gpa, entry, mark) : WALK_OK;
		if (result != WALK_OK)
			return result == WALK_MORE ? WALK_AGAIN : result;
	}
	*table = entry & HW_PTE_ADDR;
	if (!leaf)
		return WALK_MORE;
	w->gpa = leaf_address(s, entry, level, va);
	return WALK_OK;
}

static enum walk_result walk(struct cpu *cpu, struct vcpu *v,
			     const struct regent_vcpu_sregs *sregs, u64 va, struct walk *w)
{
	enum walk_result result = WALK_FAULT;
	struct shape s;
	u64 table;
	int level;

	w->rights = HW_PTE_W | HW_PTE_U;
	w->gpa = (u32)va;
	if (!(sregs->cr0 & HW_CR0_PG))
		return WALK_OK;
	if (!(sregs->efer & HW_EFER_LMA))
		va = (u32)va;
	shape_of(sregs, &s);
	table = s.root;
	for (level = s.levels; level >= 1; level--) {
		result = walk_level(cpu, v, &s, va, level, &table, w);
		if (result != WALK_MORE)
			return result;
	}
	return WALK_FAULT;
}

/**
 * vcpu_walk() - translate an address of a vCPU
 * @cpu: this CPU
 * @v: the vCPU
 * @va: linear address
 * @gpa: the guest-physical address; with WALK_ABSENT, that of the table that is not there
 *
 * Return: WALK_OK; WALK_FAULT when the vCPU's own tables have nothing there; WALK_ABSENT when
 * L has to map a table first.
 */
enum walk_result vcpu_walk(struct cpu *cpu, struct vcpu *v, u64 va, u64 *gpa)
{
	struct regent_vcpu_sregs sregs;
	struct walk w = { .mark = 0 };
	enum walk_result result;

	backend_get_sregs(&v->world, &sregs);
	result = walk(cpu, v, &sregs, va, &w);
	*gpa = w.gpa;
	return result;
}

/**
 * vcpu_load_pdptes() - before an entry: PAE's four top entries, if the processor wants them of K
 * @cpu: this CPU
 * @v: the vCPU, whose run is over when L has to map their page first
 */
void vcpu_load_pdptes(struct cpu *cpu, struct vcpu *v)
{
	u64 gpa = backend_pdptes_wanted(&v->world), pdpte[4];
	const u8 *page;
	u32 i;

	if (likely(gpa == NPF_NONE))
		return;
	page = vm_page(cpu, v->vm, gpa);
	if (!page) {
		vcpu_fault(cpu, v, gpa, false, false);
		return;
	}
	for (i = 0; i < 4; i++)
		pdpte[i] = read_entry(page, (gpa & (REGENT_PAGE_SIZE - 1)) + 8 * i, 9);
	backend_set_pdptes(&v->world, pdpte);
}

/* May the vCPU access such a page? */
static bool allowed(const struct vcpu *v, const struct regent_vcpu_sregs *s, u64 rights,
		    bool write)
{
	bool user = backend_cpl(&v->world) == 3;

	if (user && !(rights & HW_PTE_U))
		return false;
	if (!user && rights & HW_PTE_U && s->cr4 & HW_CR4_SMAP && s->cr0 & HW_CR0_PG &&
	    !backend_flag_ac(&v->world))
		return false;
	return !write || rights & HW_PTE_W || (!user && !(s->cr0 & HW_CR0_WP));
}

static void fault(struct vcpu *v, u64 va, bool present, bool write)
{
	u32 error = (present ? HW_PF_PRESENT : 0) | (write ? HW_PF_WRITE : 0) |
		    (backend_cpl(&v->world) == 3 ? HW_PF_USER : 0);

	backend_page_fault(&v->world, va, error);
}

/* K's address of a byte of the vCPU's; NULL when it faults, or when L has to map something. */
static u8 *reach(struct cpu *cpu, struct vcpu *v, u64 va, bool write)
{
	struct regent_vcpu_sregs sregs;
	struct walk w = { .mark = 0 };
	enum walk_result result;
	u8 *page;

	backend_get_sregs(&v->world, &sregs);
	result = walk(cpu, v, &sregs, va, &w);
	if (result == WALK_OK && allowed(v, &sregs, w.rights, write)) {
		w.mark = HW_PTE_A;
		w.mark_leaf = HW_PTE_A | (write ? HW_PTE_D : 0);
		result = walk(cpu, v, &sregs, va, &w);
		/* They have been changed meanwhile: the vCPU executes its instruction again. */
		if (result == WALK_AGAIN || result == WALK_FAULT ||
		    (result == WALK_OK && !allowed(v, &sregs, w.rights, write)))
			return NULL;
	} else if (result != WALK_ABSENT) {
		fault(v, va, result == WALK_OK, write);
		return NULL;
	}
	if (result != WALK_OK) {
		vcpu_fault(cpu, v, w.gpa, true, false);
		return NULL;
	}
	page = write ? vm_page_to_write(cpu, v->vm, w.gpa) : vm_page(cpu, v->vm, w.gpa);
	if (page)
		return page + (w.gpa & (REGENT_PAGE_SIZE - 1));
	vcpu_fault(cpu, v, w.gpa, write, false);
	return NULL;
}

/**
 * vcpu_copy() - access a vCPU's memory for it
 * @cpu: this CPU
 * @v: the vCPU
 * @va: linear address
 * @data: what is written, or read
 * @n: bytes, 8 at most
 * @how: COPY_TRY finds out only whether it could be written
 *
 * Return: false when nothing was done: the vCPU gets a page fault, or the run is over, because
 * L has to map something.
 */
bool vcpu_copy(struct cpu *cpu, struct vcpu *v, u64 va, u64 *data, int n, enum copy how)
{
	u8 *at, *bytes = (u8 *)data;
	u64 last = (va + n - 1) & ~(REGENT_PAGE_SIZE - 1);
	int i;

	/* Both pages first: a write is done as a whole, or not at all. */
	if (how != COPY_READ &&
	    (!reach(cpu, v, va, true) || (last > va && !reach(cpu, v, last, true))))
		return false;
	if (how == COPY_TRY)
		return true;
	for (i = 0; i < n; i++) {
		at = reach(cpu, v, va + i, how == COPY_WRITE);
		if (!at)
			return false;
		if (how == COPY_WRITE)
			*at = bytes[i];
		else
			bytes[i] = *(volatile u8 *)at;
	}
	return true;
}
