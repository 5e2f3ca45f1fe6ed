// SPDX-License-Identifier: GPL-2.0-only
/* Address space identifiers, see <regent/asid.h>. */
#include <regent/asid.h>

/**
 * asid_init() - start a CPU's identifiers anew
 * @pool: zeroed, or used before; the identifiers that it gave out become invalid
 * @first: the first identifier
 * @end: the last one plus 1, above @first
 *
 * The CPU may still hold translations for these identifiers: the caller flushes them all
 * before the next entry with one of them.
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
 * @asid: the world's, which is not valid here
 *
 * Return: true when this CPU has to flush all identifiers at its next entry, which is the
 * one with the new identifier.
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
