/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Address space identifiers: what tags a CPU's cached translations. Each CPU gives
 * out its own, one after the other; when they are used up, all are flushed there
 * and a new generation begins. So a number that a world gets has no translations,
 * and keeps only those of that world, until it runs on another CPU: what it
 * changes there its old number never sees. Plain logic.
 */
#ifndef REGENT_ASID_H
#define REGENT_ASID_H

#include <regent/abi/types.h>

/**
 * struct asid_pool - the identifiers of a CPU
 * @generation: counts how often they were used up, from 1
 * @first: the first one to give out
 * @end: behind the last one
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
 * @pool: whose it is
 * @generation: it holds in this one only
 * @number: the identifier
 */
struct asid {
	const struct asid_pool *pool;
	u64 generation;
	u32 number;
};

static inline bool asid_valid(const struct asid_pool *pool, const struct asid *asid)
{
	return asid->pool == pool && asid->generation == pool->generation;
}

void asid_init(struct asid_pool *pool, u32 first, u32 end);
bool asid_take(struct asid_pool *pool, struct asid *asid);

#endif
