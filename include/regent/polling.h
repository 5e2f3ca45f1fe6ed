/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An idle Linux that waits by MWAIT polls its thread's flags: a CPU that has work for it sets
 * NEED_RESCHED there and sends no interrupt. While K runs another world on the CPU, nothing
 * sees that write. So K clears the bit that says "polling" for that time: a waker reads the
 * bit in the same atomic step in which it sets NEED_RESCHED, and then sends an interrupt.
 * Plain logic.
 */
#ifndef REGENT_POLLING_H
#define REGENT_POLLING_H

#include <regent/abi/types.h>

/**
 * polling_stop() - make wakers send an interrupt instead of relying on the poll
 * @flags: the thread's flags
 * @polling: the bit that says that the thread polls
 * @resched: the bits that wakers set
 *
 * Return: true when the bit was cleared, so that polling_again() has to follow; false when
 * there is work already or the thread does not poll, and nothing has changed.
 */
static inline bool polling_stop(u64 *flags, u64 polling, u64 resched)
{
	u64 old = __atomic_fetch_and(flags, ~polling, __ATOMIC_SEQ_CST);

	if (!(old & polling))
		return false;
	if (!(old & resched))
		return true;
	__atomic_fetch_or(flags, polling, __ATOMIC_SEQ_CST);
	return false;
}

/**
 * polling_again() - the thread goes on, and reads its flags itself
 * @flags: the thread's flags
 * @polling: the bit that polling_stop() has cleared
 */
static inline void polling_again(u64 *flags, u64 polling)
{
	__atomic_fetch_or(flags, polling, __ATOMIC_SEQ_CST);
}

#endif
