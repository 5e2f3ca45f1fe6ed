/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Address space identifiers (SVM: ASIDs, VMX: VPIDs), which tag a CPU's cached
 * translations. Each CPU gives out its own, one after the other. When they are used up, it
 * flushes them all and begins a new generation. So an identifier has no translations when a
 * world gets it, and later only that world's. A world that runs on another CPU needs a new
 * one, because the CPU does not see with the old one what the world changed elsewhere.
 * Plain logic.
 */
#ifndef REGENT_ASID_H
#define REGENT_ASID_H

#include <regent/abi/types.h>

/**
 * struct asid_pool - the identifiers of a CPU
 * @generation: number of the current generation, from 1; one ends when all are used up
 * @first: the first identifier to give out
 * @end: the last one to give out, plus 1
 * @next: the next one to give out
 */
struct asid_pool {
	u64 generation;
	u32 first;
	u32 end;
	u32 next;
};

/**
 * struct asid - the identifier of a world; zeroed: none
 * @pool: the CPU's pool that gave it out
 * @generation: the generation of @pool in which it is valid
 * @number: the identifier
 */
struct asid {
	const struct asid_pool *pool;
	u64 generation;
	u32 number;
};

/**
 * asid_valid() - may a world run with its identifier on this CPU?
 * @pool: this CPU's
 * @asid: the world's
 */
static inline bool asid_valid(const struct asid_pool *pool, const struct asid *asid)
{
	return asid->pool == pool && asid->generation == pool->generation;
}

/**
 * asid_follow() - before a run: drop the translations of what was taken from the world's memory
 * @asid: the world's; it becomes invalid, so that the world gets another one
 * @seen: number of the last change that the world's translations have followed
 * @sequence: number of changes, which any CPU counts up after it has changed the tables
 *
 * Who changes the tables looks at which CPUs run the world after it has counted; so a CPU says
 * that it runs the world before it calls this, and then either is seen or sees the count.
 * Another CPU's translations are no danger: the world gets another identifier there as well.
 */
static inline void asid_follow(struct asid *asid, u32 *seen, const u32 *sequence)
{
	u32 now = __atomic_load_n(sequence, __ATOMIC_SEQ_CST);

	if (*seen == now)
		return;
	asid->pool = NULL;
	/* Who waits for that may then use the memory: all accesses of before are over. */
	__atomic_store_n(seen, now, __ATOMIC_RELEASE);
}

void asid_init(struct asid_pool *pool, u32 first, u32 end);
bool asid_take(struct asid_pool *pool, struct asid *asid);

#endif
