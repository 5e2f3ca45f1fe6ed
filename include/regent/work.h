/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a CPU has to do on its way out of K, in one word: the way out is fast when the word
 * is 0. Rooms below src/world/ set a bit here instead of calling up.
 */
#ifndef REGENT_WORK_H
#define REGENT_WORK_H

#include <regent/abi/types.h>

/* Bits of @own: only the CPU itself sets and clears them, and not in exceptions. */
#define WORK_FORWARDED	(1u << 0)	/* K takes this CPU's interrupts */
#define WORK_RESCHED	(1u << 1)	/* the scheduler has to decide before the next entry */
#define WORK_NMI	(1u << 2)	/* an NMI came while K let interrupts in (SVM) */
#define WORK_POLLING	(1u << 3)	/* emul/mwait.c has changed an idle thread's flags */
#define WORK_VECTOR	(1u << 4)	/* K's own vector came: the timer, or a kick */
#define WORK_STOPPED	(1u << 5)	/* the current world was stopped: cpu->stopped */

/* Bits of @others: any CPU sets them, also in an exception; each change is atomic. */
#define WORK_FLUSH	(1u << 0)	/* entries of the host world's tables were zapped */
#define WORK_MC		(1u << 1)	/* a machine check came, to be delivered to Linux */
#define WORK_BALANCE	(1u << 2)	/* another CPU is idle, or worlds have come or gone */

/**
 * union work - the word
 * @all: both halves; 0 when there is nothing to do
 * @own: bits of the first list
 * @others: bits of the second list
 */
union work {
	u64 all;
	struct {
		u32 own;
		u32 others;
	};
};

/**
 * work_ask() - set bits of @others
 * @work: any CPU's
 * @bits: of the second list
 */
static inline void work_ask(union work *work, u32 bits)
{
	__atomic_or_fetch(&work->others, bits, __ATOMIC_SEQ_CST);
}

/**
 * work_take() - clear bits of @others
 * @work: this CPU's
 * @bits: of the second list
 *
 * Return: those of @bits that were set.
 */
static inline u32 work_take(union work *work, u32 bits)
{
	if (!(__atomic_load_n(&work->others, __ATOMIC_ACQUIRE) & bits))
		return 0;
	return __atomic_fetch_and(&work->others, ~bits, __ATOMIC_SEQ_CST) & bits;
}

#endif
