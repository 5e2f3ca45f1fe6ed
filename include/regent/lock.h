/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A spinlock for K's cold paths. Whoever holds it does a bounded piece of work
 * and waits for no other CPU.
 */
#ifndef REGENT_LOCK_H
#define REGENT_LOCK_H

struct lock {
	int held;
};

static inline void lock_take(struct lock *l)
{
	while (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(&l->held, __ATOMIC_RELAXED))
			asm volatile("pause");
}

static inline void lock_drop(struct lock *l)
{
	__atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}

#endif
