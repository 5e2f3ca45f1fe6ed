/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A spinlock for K's cold paths. The holder does a bounded piece of work, and waits for no
 * other CPU except the holder of a lock that it takes inside of this one. Each CPU notes the
 * locks that it holds: when K faults there, k_abort() drops just these, so that the other
 * CPUs do not wait for ever. The data behind a lock therefore has to be usable, if perhaps
 * not complete, after each step of a change.
 */
#ifndef REGENT_LOCK_H
#define REGENT_LOCK_H

#include <regent/cpu.h>
#include <regent/held.h>
#include <regent/k.h>

/**
 * lock_take() - take a spinlock
 * @l: the lock; this CPU must not hold it
 */
static inline void lock_take(struct lock *l)
{
	struct cpu *cpu = this_cpu();
	const void *nobody = NULL;

	if (unlikely(!held_note(&cpu->held, l)))
		k_abort("a CPU takes more locks than it can note");
	while (!__atomic_compare_exchange_n(&l->holder, &nobody, cpu, false,
					    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		nobody = NULL;
		while (__atomic_load_n(&l->holder, __ATOMIC_RELAXED))
			asm volatile("pause");
	}
}

/**
 * lock_drop() - drop a spinlock
 * @l: the lock, which this CPU holds
 */
static inline void lock_drop(struct lock *l)
{
	__atomic_store_n(&l->holder, NULL, __ATOMIC_RELEASE);
	held_forget(&this_cpu()->held, l);
}

/**
 * locks_break() - drop all locks that this CPU holds
 * @cpu: this CPU, on which K has faulted
 */
static inline void locks_break(struct cpu *cpu)
{
	held_break(&cpu->held, cpu, cpu->faults > 1);
}

#endif
