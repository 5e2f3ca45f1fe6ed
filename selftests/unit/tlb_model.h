/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What models of TLBs share: the states that are to be gone on from, and those that were visited,
 * by 64 bits of a hash. A state is a struct of bytes only, so that equal states are equal in
 * memory; one model at a time.
 */
#ifndef TLB_MODEL_H
#define TLB_MODEL_H

#include <regent/asid.h>
#include "unit.h"

#define MODEL_NONE	0xff

static u64 *model_visited, model_room, model_used;
static u8 *model_todo;
static u64 model_waiting, model_todo_room;

static u64 model_hash(const void *state, u64 size)
{
	const u8 *p = state;
	u64 h = 0xcbf29ce484222325ull;
	u64 i, word;

	for (i = 0; i < size; i += sizeof(word)) {
		word = 0;
		memcpy(&word, p + i, size - i < sizeof(word) ? size - i : sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 29;
	}
	h *= 0x9e3779b97f4a7c15ull;
	return (h ^ h >> 29) | 1;
}

static bool model_insert(u64 h)
{
	u64 i = h >> 20 & (model_room - 1);

	while (model_visited[i] && model_visited[i] != h)
		i = (i + 1) & (model_room - 1);
	if (model_visited[i])
		return false;
	model_visited[i] = h;
	model_used++;
	return true;
}

static bool model_is_new(const void *state, u64 size)
{
	u64 *old = model_visited, i;

	if (2 * model_used >= model_room) {
		model_room = model_room ? 2 * model_room : 1 << 16;
		model_visited = calloc(model_room, sizeof(*model_visited));
		model_used = 0;
		for (i = 0; old && i < model_room / 2; i++)
			if (old[i])
				model_insert(old[i]);
		free(old);
	}
	return model_insert(model_hash(state, size));
}

/* Go on from a state later, unless it was visited. */
static void model_put(const void *state, u64 size)
{
	if (!model_is_new(state, size))
		return;
	if (model_waiting == model_todo_room) {
		model_todo_room = model_todo_room ? 2 * model_todo_room : 1024;
		model_todo = realloc(model_todo, model_todo_room * size);
	}
	memcpy(model_todo + model_waiting++ * size, state, size);
}

/* The state that was put last. False when there is none any more. */
static bool model_take(void *state, u64 size)
{
	if (!model_waiting)
		return false;
	memcpy(state, model_todo + --model_waiting * size, size);
	return true;
}

static void model_forget(void)
{
	free(model_visited);
	free(model_todo);
	model_visited = NULL;
	model_todo = NULL;
	model_room = model_used = model_waiting = model_todo_room = 0;
}

/* struct asid in bytes: @pool is a CPU, or MODEL_NONE. */
struct model_asid {
	u8 pool, generation, number;
};

static struct asid model_load_asid(const struct model_asid *m, const struct asid_pool *pools)
{
	return (struct asid){
		.pool = m->pool == MODEL_NONE ? NULL : &pools[m->pool],
		.generation = m->generation, .number = m->number,
	};
}

static void model_store_asid(struct model_asid *m, const struct asid *a,
			     const struct asid_pool *pools)
{
	m->pool = a->pool ? a->pool - pools : MODEL_NONE;
	m->generation = a->generation;
	m->number = a->number;
}

#endif
