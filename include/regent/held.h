/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The list of locks that one CPU holds, so that K can drop exactly these when it faults on
 * that CPU. Plain logic; <regent/lock.h> is what K's code calls.
 *
 * A CPU notes a lock before it takes the lock, and forgets the lock after it has dropped it.
 * A fault may come in between, so the list may name a lock that this CPU does not hold; the
 * lock itself names its holder.
 */
#ifndef REGENT_HELD_H
#define REGENT_HELD_H

#include <regent/abi/types.h>

#define HELD_MAX	4	/* most locks that a CPU holds at the same time */

/**
 * struct lock - a spinlock
 * @holder: the struct cpu that holds it, NULL for none
 * @abandon: puts right what cannot stay half done when K faults with the lock, before it is
 *	dropped; NULL for nothing
 */
struct lock {
	const void *holder;
	void (*abandon)(struct lock *l);
};

/**
 * struct held - the locks of one CPU; only this CPU accesses the list
 * @count: number of entries in @lock
 * @lock: the locks, in the order in which they were taken
 */
struct held {
	u32 count;
	struct lock *lock[HELD_MAX];
};

/**
 * held_note() - note a lock that is about to be taken
 * @h: this CPU's locks
 * @l: the lock
 *
 * Return: false when the list is full.
 */
static inline bool held_note(struct held *h, struct lock *l)
{
	if (h->count >= HELD_MAX)
		return false;
	h->lock[h->count] = l;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	h->count++;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return true;
}

/**
 * held_forget() - forget a lock that has been dropped
 * @h: this CPU's locks
 * @l: the lock; mostly the one that was taken last
 */
static inline void held_forget(struct held *h, const struct lock *l)
{
	u32 i = h->count;

	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	while (i && h->lock[i - 1] != l)
		i--;
	if (!i)
		return;
	for (; i < h->count; i++)
		h->lock[i - 1] = h->lock[i];
	h->count--;
}

/**
 * held_break() - drop all locks that a CPU holds
 * @h: the CPU's locks
 * @holder: the CPU, as in struct lock
 * @again: K has faulted before on this CPU, perhaps in a lock's @abandon
 *
 * A lock that the CPU has noted but still waits for stays with its holder.
 */
static inline void held_break(struct held *h, const void *holder, bool again)
{
	u32 i;

	for (i = h->count; i; i--) {
		struct lock *l = h->lock[i - 1];

		if (__atomic_load_n(&l->holder, __ATOMIC_RELAXED) != holder)
			continue;
		if (l->abandon && !again)
			l->abandon(l);
		__atomic_store_n(&l->holder, NULL, __ATOMIC_RELEASE);
	}
	h->count = 0;
}

#endif
