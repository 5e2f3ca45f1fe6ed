// SPDX-License-Identifier: GPL-2.0-only
/* Address space identifiers, see <regent/asid.h>. */
#include <regent/asid.h>

/**
 * asid_init() - a CPU's identifiers, about whose translations nothing is known
 * @pool: zeroed, or used before: what it has given out holds no more
 * @first: the first one
 * @end: behind the last one, above @first
 *
 * Before the next entry with one of them the CPU flushes them all.
 */
void asid_init(struct asid_pool *pool, u32 first, u32 end)
{
	pool->generation++;
	pool->first = first;
	pool->end = end;
	pool->next = first;
}

/**
 * asid_take() - give a world an identifier that has no translations
 * @pool: this CPU's
 * @asid: the world's, invalid here
 *
 * Return: true when this CPU has to flush all identifiers at the entry that comes
 * next, which is the one with this one.
 */
bool asid_take(struct asid_pool *pool, struct asid *asid)
{
	bool again = pool->next == pool->end;

	if (again) {
		pool->generation++;
		pool->next = pool->first;
	}
	asid->pool = pool;
	asid->generation = pool->generation;
	asid->number = pool->next++;
	return again;
}
