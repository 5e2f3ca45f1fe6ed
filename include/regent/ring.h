/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ring with one producer and one consumer, in memory that both can write: neither trusts
 * the other's index. K tells L of events by it, with one ring for each CPU.
 *
 * The memory layout (struct regent_ring) is ABI between K and L; the functions are plain
 * logic, compiled into both.
 */
#ifndef REGENT_RING_H
#define REGENT_RING_H

#include <regent/abi/ring.h>

void ring_init(struct regent_ring *ring);
bool ring_put(struct regent_ring *ring, u32 *head, const struct regent_event *ev);
bool ring_get(struct regent_ring *ring, u32 *tail, struct regent_event *ev);

#endif
