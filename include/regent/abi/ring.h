/* SPDX-License-Identifier: GPL-2.0-only */
/* The event ring that K writes and L reads: layout only. */
#ifndef REGENT_ABI_RING_H
#define REGENT_ABI_RING_H

#include <regent/abi/types.h>

#define REGENT_RING_ENTRIES	32	/* a power of two */

/**
 * enum regent_event_type - what K has to tell
 * @REGENT_EV_HIDDEN_READ: Linux read K's memory; a: physical address, b: RIP
 * @REGENT_EV_HIDDEN_WRITE: Linux wrote it and got #GP; a, b as above
 * @REGENT_EV_HIDDEN_FETCH: Linux ran code there and got #GP; a, b as above
 * @REGENT_EV_FAULT: K faulted and gave its CPUs back; a: vector, b: K's RIP
 * @REGENT_EV_WORLD_STOPPED: a world is not scheduled any more, because its CPU had
 *	just become direct; a: its id
 */
enum regent_event_type {
	REGENT_EV_NONE = 0,
	REGENT_EV_HIDDEN_READ = 1,
	REGENT_EV_HIDDEN_WRITE = 2,
	REGENT_EV_HIDDEN_FETCH = 3,
	REGENT_EV_FAULT = 4,
	REGENT_EV_WORLD_STOPPED = 5,
};

/**
 * struct regent_event - one entry
 * @type: enum regent_event_type
 * @cpu: CPU that wrote it
 * @a: first argument
 * @b: second argument
 * @tsc: time stamp counter
 */
struct regent_event {
	u32 type;
	u32 cpu;
	u64 a;
	u64 b;
	u64 tsc;
};

/**
 * struct regent_ring - the ring in shared memory
 * @head: entries ever put (free running), written by the producer only; the
 *	producer's own copy is what counts for it
 * @lost: entries dropped because the ring was full, producer only
 * @tail: entries ever taken, consumer only
 * @entry: slot i holds entry number i modulo REGENT_RING_ENTRIES
 *
 * head - tail is never trusted: the producer treats a difference above
 * REGENT_RING_ENTRIES as a full ring, the consumer as a ring to resynchronize
 * (it skips to the newest REGENT_RING_ENTRIES entries).
 */
struct regent_ring {
	u32 head;
	u32 lost;
	u32 tail;
	u32 reserved;
	struct regent_event entry[REGENT_RING_ENTRIES];
};

#endif
