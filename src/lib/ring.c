// SPDX-License-Identifier: GPL-2.0-only
/*
 * The event ring. Each side keeps its own index in private memory and only publishes it in
 * the ring. The other side's index in the ring may be anything, and is only a hint.
 *
 *   producer: fill slot, release head        consumer: acquire head, copy slot
 *   producer: acquire tail, reuse slot  <--  consumer: release tail
 */
#include <regent/ring.h>

_Static_assert((REGENT_RING_ENTRIES & (REGENT_RING_ENTRIES - 1)) == 0,
	       "slots are found by masking free running indexes");
_Static_assert(sizeof(struct regent_event) == 32, "ABI between K and L");
_Static_assert(sizeof(struct regent_ring) == 16 + 32 * REGENT_RING_ENTRIES,
	       "ABI between K and L");

/**
 * ring_init() - make a ring empty
 * @ring: a ring that neither side uses yet
 *
 * Both sides start with a private index of 0.
 */
void ring_init(struct regent_ring *ring)
{
	static const struct regent_event none;
	int i;

	ring->head = 0;
	ring->lost = 0;
	ring->tail = 0;
	ring->reserved = 0;
	for (i = 0; i < REGENT_RING_ENTRIES; i++)
		ring->entry[i] = none;
}

/**
 * ring_put() - tell the other side of an event
 * @ring: ring
 * @head: the producer's private index
 * @ev: the event, outside of the ring's memory
 *
 * Return: true when the event is in the ring, false when the ring is full and the event is
 * counted as lost.
 */
bool ring_put(struct regent_ring *ring, u32 *head, const struct regent_event *ev)
{
	u32 tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
	u32 lost;

	if (*head - tail >= REGENT_RING_ENTRIES) {
		lost = __atomic_load_n(&ring->lost, __ATOMIC_RELAXED);
		__atomic_store_n(&ring->lost, lost + 1, __ATOMIC_RELAXED);
		return false;
	}
	ring->entry[*head % REGENT_RING_ENTRIES] = *ev;
	*head += 1;
	__atomic_store_n(&ring->head, *head, __ATOMIC_RELEASE);
	return true;
}

/**
 * ring_get() - take the oldest event
 * @ring: ring
 * @tail: the consumer's private index
 * @ev: filled in with the event
 *
 * The event is as trustworthy as the producer. A producer that moves its index at will can
 * keep a consumer busy for ever: the caller bounds how many events it takes at once.
 *
 * Return: true with an event in @ev, false when there is none.
 */
bool ring_get(struct regent_ring *ring, u32 *tail, struct regent_event *ev)
{
	u32 head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);

	if (head == *tail)
		return false;
	if (head - *tail > REGENT_RING_ENTRIES)
		*tail = head - REGENT_RING_ENTRIES;
	*ev = ring->entry[*tail % REGENT_RING_ENTRIES];
	*tail += 1;
	__atomic_store_n(&ring->tail, *tail, __ATOMIC_RELEASE);
	return true;
}
