/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An idle Linux that waits by MWAIT polls its thread's flags: who has work for it
 * sets NEED_RESCHED there and sends no interrupt. While K has the CPU elsewhere
 * nobody sees that write, so the bit that says "polling" is taken away for so long:
 * wakers look at it in the same atomic step in which they set NEED_RESCHED, and send
 * an interrupt then. Plain logic.
 */
#ifndef REGENT_POLLING_H
#define REGENT_POLLING_H

#include <regent/abi/types.h>

/**
 * polling_stop() - may the CPU wait for an interrupt instead?
 * @flags: the thread's
 * @polling: the bit that says so
 * @resched: the bits that wakers set
 *
 * Return: true when the bit was taken away, and polling_again() has to follow; false
 * when there is work already, or the thread does not poll: nothing is changed.
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
 * polling_again() - the thread goes on, and looks at its flags itself
 * @flags: the thread's
 * @polling: the bit
 */
static inline void polling_again(u64 *flags, u64 polling)
{
	__atomic_fetch_or(flags, polling, __ATOMIC_SEQ_CST);
}

#endif
