/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A spinlock for K's cold paths. Whoever holds it does a bounded piece of work
 * and waits for no other CPU. A CPU on which K faults gives up what it holds: each
 * lock has to be in the list of k_abort().
 */
#ifndef REGENT_LOCK_H
#define REGENT_LOCK_H

#include <regent/cpu.h>

struct lock {
	const struct cpu *holder;
};

static inline void lock_take(struct lock *l)
{
	const struct cpu *nobody = NULL;

	while (!__atomic_compare_exchange_n(&l->holder, &nobody, this_cpu(), false,
					    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		nobody = NULL;
		while (__atomic_load_n(&l->holder, __ATOMIC_RELAXED))
			asm volatile("pause");
	}
}

static inline void lock_drop(struct lock *l)
{
	__atomic_store_n(&l->holder, NULL, __ATOMIC_RELEASE);
}

static inline void lock_break(struct lock *l, const struct cpu *cpu)
{
	if (__atomic_load_n(&l->holder, __ATOMIC_RELAXED) == cpu)
		lock_drop(l);
}

#endif
