// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's code, where it costs little. A vCPU makes most of its exits at few places, and a walk
 * through its tables, each of which is found by a walk through the VM's, costs more than all of
 * such an exit besides. So K remembers walks: where the entries are, and what was in them. A walk
 * that would find the same again is not repeated. That holds while
 *
 *	- CR3 and the page of the code are the same, in 64-bit mode;
 *	- each entry still has the value that was found;
 *	- the VM's own tables have not changed (vm->sequence), so that each table is where it was;
 *	- K's window shows the same pages (mapcache.changes).
 *
 * The result is what a walk would find, without any flush by the vCPU.
 */
#include <hw/pte.h>
#include <regent/backend.h>
#include <regent/ptab.h>

#include "vm.h"

#define LEVELS	(sizeof(((struct vcpu_place *)0)->entry) / sizeof(u64 *))
#define LARGE	(1ull << 7)
#define LARGEST	3		/* level of the largest pages: 1 GiB */

static struct vcpu_place *place_of(struct vcpu *v, u64 va)
{
	return &v->place[(va >> REGENT_PAGE_SHIFT) % VCPU_PLACES];
}

static inline u64 root_of(const struct world *world)
{
	struct ptab pt;

	backend_paging(world, &pt);
	return pt.root;
}

/* Would a walk find the same? */
static inline bool is_same(const struct cpu *cpu, const struct vcpu *v,
			   const struct vcpu_place *p, u64 va)
{
	u32 i;

	if (p->va != (va & ~(REGENT_PAGE_SIZE - 1)) || p->root != root_of(&v->world) ||
	    p->cpu != cpu || p->changes != cpu->mapcache.changes ||
	    p->sequence != __atomic_load_n(&v->vm->sequence, __ATOMIC_SEQ_CST))
		return false;
	for (i = 0; i < p->entries; i++)
		if (__atomic_load_n(p->entry[i], __ATOMIC_RELAXED) != p->found[i])
			return false;
	return true;
}

/* Walk, and note the way. False when it ends anywhere but in memory that is mapped. */
static bool note_walk(struct cpu *cpu, struct vcpu *v, struct vcpu_place *p, u64 va)
{
	u64 table = p->root, entry, offset;
	int level;
	u8 *page;

	p->entries = 0;
	for (level = LEVELS; level >= 1; level--) {
		page = vm_page(cpu, v->vm, table);
		if (!page)
			return false;
		offset = (va >> (3 + 9 * level) & 511) * 8;
		entry = __atomic_load_n((u64 *)(page + offset), __ATOMIC_RELAXED);
		if (!(entry & HW_PTE_P))
			return false;
		p->entry[p->entries] = (u64 *)(page + offset);
		p->found[p->entries++] = entry;
		table = entry & HW_PTE_ADDR;
		if (level > 1 && level <= LARGEST && entry & LARGE)
			break;
	}
	offset = ptab_level_size(level ?: 1) - 1;
	p->page = vm_page(cpu, v->vm, (table & ~offset) | (va & offset));
	return p->page;
}

/* The window may not show all of the pages at the same time, or not yet: then nothing is noted. */
static void note_place(struct cpu *cpu, struct vcpu *v, u64 va)
{
	struct vcpu_place *p = place_of(v, va);

	p->va = va & ~(REGENT_PAGE_SIZE - 1);
	p->cpu = NULL;
	p->root = root_of(&v->world);
	p->changes = cpu->mapcache.changes;
	p->sequence = __atomic_load_n(&v->vm->sequence, __ATOMIC_SEQ_CST);
	if (note_walk(cpu, v, p, va) && p->changes == cpu->mapcache.changes)
		p->cpu = cpu;
}

/**
 * vcpu_peek() - the instruction on which a vCPU has exited, where it costs little
 * @cpu: this CPU
 * @v: the vCPU
 *
 * Return: where the instruction is, VCPU_PEEK bytes of its page; NULL when it is not known.
 * Another vCPU may change it at any time: read it once.
 */
const u8 *vcpu_peek(struct cpu *cpu, struct vcpu *v)
{
	u64 va = backend_code_address(&v->world), at = va & (REGENT_PAGE_SIZE - 1);
	const struct vcpu_place *p = place_of(v, va);

	if (at > REGENT_PAGE_SIZE - VCPU_PEEK || backend_decode_mode(&v->world) != DECODE_64)
		return NULL;
	if (likely(is_same(cpu, v, p, va)))
		return p->page + at;
	note_place(cpu, v, va);
	return is_same(cpu, v, p, va) ? p->page + at : NULL;
}
