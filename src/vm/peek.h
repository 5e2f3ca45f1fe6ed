/* SPDX-License-Identifier: GPL-2.0-only */
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
#ifndef VM_PEEK_H
#define VM_PEEK_H

#include <regent/backend.h>
#include <regent/insn.h>
#include <regent/ptab.h>

#include "vm.h"

static inline struct vcpu_place *place_of(struct vcpu *v, u64 va)
{
	return &v->place[(va >> REGENT_PAGE_SHIFT) % VCPU_PLACES];
}

static inline u64 place_root(const struct world *world)
{
	struct ptab pt;

	backend_paging(world, &pt);
	return pt.root;
}

/* Would a walk find the same? */
static inline bool place_is_same(const struct cpu *cpu, const struct vcpu *v,
				 const struct vcpu_place *p, u64 va)
{
	u64 differs = 0;
	u32 i;

	if (p->va != (va & ~(REGENT_PAGE_SIZE - 1)) || p->root != place_root(&v->world) ||
	    p->changes != cpu->mapcache.changes ||
	    p->sequence != __atomic_load_n(&v->vm->sequence, __ATOMIC_SEQ_CST))
		return false;
#pragma GCC unroll 4
	for (i = 0; i < VCPU_PEEK_LEVELS; i++)
		differs |= __atomic_load_n(p->entry[i], __ATOMIC_RELAXED) ^ p->found[i];
	return !differs;
}

const u8 *place_note(struct cpu *cpu, struct vcpu *v, u64 va);

/**
 * vcpu_peek() - the instruction on which a vCPU has exited, where it costs little
 * @cpu: this CPU
 * @v: the vCPU
 *
 * Return: where the instruction is, VCPU_PEEK bytes of its page; NULL when it is not known.
 * Another vCPU may change it at any time: read it once.
 */
static inline const u8 *vcpu_peek(struct cpu *cpu, struct vcpu *v)
{
	u64 va = backend_rip(&v->world), at = va & (REGENT_PAGE_SIZE - 1);
	const struct vcpu_place *p = place_of(v, va);

	if (unlikely(backend_decode_mode(&v->world) != DECODE_64 ||
		     at > REGENT_PAGE_SIZE - VCPU_PEEK))
		return NULL;
	return likely(place_is_same(cpu, v, p, va)) ? p->page + at : place_note(cpu, v, va);
}

/**
 * vcpu_length_plain() - the length of the instruction on which a vCPU has exited
 * @cpu: this CPU
 * @v: the vCPU
 *
 * Return: bytes; 0 when it takes longer to find out.
 */
static inline int vcpu_length_plain(struct cpu *cpu, struct vcpu *v)
{
	int length = backend_insn_length(&v->world);
	const u8 *code;

	if (length)
		return length;
	code = vcpu_peek(cpu, v);
	return code ? insn_length_plain(*(const volatile u16 *)code) : 0;
}

#endif
