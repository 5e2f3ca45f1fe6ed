/* SPDX-License-Identifier: GPL-2.0-only */
/* The event ring that K writes and L reads: layout only. */
#ifndef REGENT_ABI_RING_H
#define REGENT_ABI_RING_H

#include <regent/abi/types.h>

#define REGENT_RING_ENTRIES	32	/* a power of two */

/**
 * enum regent_event_type - what an event of K's is about
 * @REGENT_EV_NONE: no event; a slot that was never written
 * @REGENT_EV_HIDDEN_READ: Linux has read K's memory; a: physical address, b: RIP
 * @REGENT_EV_HIDDEN_WRITE: Linux has written to K's memory and got #GP; a, b as above
 * @REGENT_EV_HIDDEN_FETCH: Linux has executed code there and got #GP; a, b as above
 * @REGENT_EV_FAULT: K has faulted and asks L to hand all CPUs back; a: vector, b: K's RIP
 * @REGENT_EV_WORLD_STOPPED: a world is not scheduled any more, because its CPU has
 *	become direct; a: the world's id
 * @REGENT_EV_DEVICE_REFUSED: Linux used an APIC or IOAPIC by an instruction that K cannot
 *	execute, and got #GP; a: where in the page, b: RIP
 * @REGENT_EV_TABLES_LOW: K has few pages left for nested tables: Linux is to donate a
 *	chunk
 */
enum regent_event_type {
	REGENT_EV_NONE = 0,
	REGENT_EV_HIDDEN_READ = 1,
	REGENT_EV_HIDDEN_WRITE = 2,
	REGENT_EV_HIDDEN_FETCH = 3,
	REGENT_EV_FAULT = 4,
	REGENT_EV_WORLD_STOPPED = 5,
	REGENT_EV_DEVICE_REFUSED = 6,
	REGENT_EV_TABLES_LOW = 7,
};

/**
 * struct regent_event - one entry of the ring
 * @type: enum regent_event_type
 * @cpu: Linux's number of the CPU that wrote the event
 * @a: first argument
 * @b: second argument
 * @tsc: time stamp counter at the event
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
 * @head: number of entries ever put (free running). Only the producer writes it, and it
 *	goes by its private copy
 * @lost: number of entries that were dropped because the ring was full; only the
 *	producer writes it
 * @tail: number of entries ever taken (free running); only the consumer writes it
 * @reserved: zero
 * @entry: slot i holds the entries whose number is i modulo REGENT_RING_ENTRIES
 *
 * Neither side trusts head - tail: above REGENT_RING_ENTRIES, the producer takes the ring
 * for full, and the consumer skips to the newest REGENT_RING_ENTRIES entries.
 */
struct regent_ring {
	u32 head;
	u32 lost;
	u32 tail;
	u32 reserved;
	struct regent_event entry[REGENT_RING_ENTRIES];
};

#endif
