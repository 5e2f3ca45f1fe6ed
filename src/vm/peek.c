// SPDX-License-Identifier: GPL-2.0-only
/* Walks through a vCPU's tables that are remembered: see peek.h. */
#include <hw/pte.h>

#include "peek.h"

#define LARGE	(1ull << 7)
#define LARGEST	3		/* level of the largest pages: 1 GiB */

/* Note an entry as the last one so far. */
static void note_entry(struct vcpu_place *p, int level, u64 *entry, u64 found)
{
	for (; level >= 1; level--) {
		p->entry[VCPU_PEEK_LEVELS - level] = entry;
		p->found[VCPU_PEEK_LEVELS - level] = found;
	}
}

/* Walk, and note the way. False when it ends anywhere but in memory that is mapped. */
static bool note_walk(struct cpu *cpu, struct vcpu *v, struct vcpu_place *p, u64 va)
{
	u64 table = p->root, entry, offset;
	int level;
	u8 *page;

	for (level = VCPU_PEEK_LEVELS; level >= 1; level--) {
		page = vm_page(cpu, v->vm, table);
		if (!page)
			return false;
		offset = (va >> (3 + 9 * level) & 511) * 8;
		entry = __atomic_load_n((u64 *)(page + offset), __ATOMIC_RELAXED);
		if (!(entry & HW_PTE_P))
			return false;
		note_entry(p, level, (u64 *)(page + offset), entry);
		table = entry & HW_PTE_ADDR;
		if (level > 1 && level <= LARGEST && entry & LARGE)
			break;
	}
	offset = ptab_level_size(level ?: 1) - 1;
	p->page = vm_page(cpu, v->vm, (table & ~offset) | (va & offset));
	return p->page;
}

/**
 * place_note() - walk, and remember it
 * @cpu: this CPU
 * @v: the vCPU, in 64-bit mode
 * @va: linear address of code
 *
 * The window may not show all of the pages at the same time, or not yet: then nothing is noted.
 * Not inline, so that those who look save no register.
 *
 * Return: where the code is; NULL when nothing is noted.
 */
const u8 *__attribute__((noinline)) place_note(struct cpu *cpu, struct vcpu *v, u64 va)
{
	struct vcpu_place *p = place_of(v, va);
	u64 changes = cpu->mapcache.changes;

	p->changes = 0;
	p->va = va & ~(REGENT_PAGE_SIZE - 1);
	p->root = place_root(&v->world);
	p->sequence = __atomic_load_n(&v->vm->sequence, __ATOMIC_SEQ_CST);
	if (!note_walk(cpu, v, p, va) || changes != cpu->mapcache.changes)
		return NULL;
	p->changes = changes;
	return p->page + (va & (REGENT_PAGE_SIZE - 1));
}
