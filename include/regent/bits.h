/* SPDX-License-Identifier: GPL-2.0-only */
/* Small things that many files need: the struct around a member, and sets of CPUs. */
#ifndef REGENT_BITS_H
#define REGENT_BITS_H

#include <regent/abi/types.h>

/* Linux has its own. */
#ifndef container_of
#define container_of(ptr, type, member)	((type *)((char *)(ptr) - offsetof(type, member)))
#endif

/* A set of CPUs is an array of words: CPU n is bit n % 64 of word n / 64. */
static inline bool cpus_has(const u64 *cpus, u32 cpu)
{
	return cpus[cpu / 64] >> cpu % 64 & 1;
}

static inline void cpus_add(u64 *cpus, u32 cpu)
{
	cpus[cpu / 64] |= 1ull << cpu % 64;
}

static inline void cpus_remove(u64 *cpus, u32 cpu)
{
	cpus[cpu / 64] &= ~(1ull << cpu % 64);
}

#endif
