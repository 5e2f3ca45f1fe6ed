/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * K's shadow of an IOAPIC. Linux sees its own redirection entries; the hardware gets them
 * with K's mask ORed in. Plain logic: a function returns what has to be written, and the
 * caller writes it. The caller holds the lock of that IOAPIC, with interrupts off, around a
 * call and its writes, and around a loop over a function that is to be called again: a pin
 * that was let go may interrupt at once, and the same loop must not find it held again.
 *
 * While another world runs, an interrupt that came for Linux is pending in Linux's virtual
 * APIC, and the physical interrupt has had its EOI. K *holds* the interrupt's pin, so that
 * the interrupt does not come again until Linux can take it:
 *
 * - a level-triggered pin from the interrupt's arrival to Linux's EOI, in place of the
 *   remote IRR bit, which the physical EOI has cleared and Linux still sees
 * - an edge-triggered pin from several arrivals while its vector was pending to the delivery
 *   of the vector. An edge on a masked pin is lost: before the delivery the pending vector
 *   stands for it, after the delivery nothing would, so a hold must not last to the EOI.
 */
#ifndef REGENT_VIOAPIC_H
#define REGENT_VIOAPIC_H

#include <regent/abi/types.h>

struct vapic;

#define VIOAPIC_SELECT		0x00	/* offsets in the page */
#define VIOAPIC_WINDOW		0x10
#define VIOAPIC_EOI		0x40

#define VIOAPIC_REG_VERSION	0x01
#define VIOAPIC_REG_ENTRY	0x10	/* two registers for each pin */
#define VIOAPIC_PINS		120	/* as many as can be selected */

#define VIOAPIC_STATUS		(1u << 12)
#define VIOAPIC_REMOTE_IRR	(1u << 14)
#define VIOAPIC_LEVEL		(1u << 15)
#define VIOAPIC_MASKED		(1u << 16)

#define VIOAPIC_STORM		4	/* edges while their vector is pending */
#define VIOAPIC_ANY_CPU		(~0u)
#define VIOAPIC_NO_ROUTE	(-1)

/**
 * enum vioapic_action - what the caller has to do after vioapic_write()
 * @VIOAPIC_NOTHING: nothing
 * @VIOAPIC_WRITE: write the value to the register of struct vioapic_write
 * @VIOAPIC_WRITE_EOI: write the value to the EOI register, then call
 *	vioapic_directed_eoi()
 */
enum vioapic_action {
	VIOAPIC_NOTHING,
	VIOAPIC_WRITE,
	VIOAPIC_WRITE_EOI,
};

/**
 * struct vioapic_write - a write that the caller has to make
 * @reg: the register to select
 * @value: the value for the window
 */
struct vioapic_write {
	u32 reg;
	u32 value;
};

/**
 * struct vioapic_pin - one redirection entry
 * @entry: Linux's entry, without the read-only bits
 * @vector: the vector that arrives at a CPU: the entry's, or the remapper's
 * @next: next pin with that vector, VIOAPIC_PINS at the end
 * @routed: a remapper translates the entry, whose vector and destination are not those of
 *	the interrupt
 * @held: K masks the pin
 * @held_edge: the hold ends with the delivery, not with the EOI
 * @irr: Linux sees remote IRR set
 * @edges: number of edges that came while the vector was pending
 * @held_vector: the vector whose EOI or delivery ends the hold, because Linux may have
 *	put another one into the entry since
 * @held_cpu: the CPU whose EOI or delivery ends the hold
 */
struct vioapic_pin {
	u64 entry;
	u8 vector;
	u8 next;
	bool routed;
	bool held;
	bool held_edge;
	bool irr;
	u8 edges;
	u8 held_vector;
	u32 held_cpu;
};

/**
 * struct vioapic - the shadow of an IOAPIC
 * @version: its version register
 * @pins: number of pins
 * @held: number of held pins
 * @noisy: number of pins whose edges are not 0
 * @select: the register that Linux has selected
 * @first: first pin of each vector, VIOAPIC_PINS for none
 * @pin: the pins
 */
struct vioapic {
	u32 version;
	u32 pins;
	u32 held;
	u32 noisy;
	u8 select;
	u8 first[256];
	struct vioapic_pin pin[VIOAPIC_PINS];
};

void vioapic_load(struct vioapic *io, u32 version, const u64 *entries);
bool vioapic_changed(struct vioapic *io, u32 live, struct vioapic_write *w);
void vioapic_route(struct vioapic *io, u32 pin, int vector);

int vioapic_needs(const struct vioapic *io, u32 offset);
u32 vioapic_read(const struct vioapic *io, u32 offset, u32 live);
int vioapic_write(struct vioapic *io, u32 offset, u32 value,
		  struct vioapic_write *w);

bool vioapic_level(struct vioapic *io, u8 vector, const struct vapic *v,
		   u32 cpu, struct vioapic_write *w);
bool vioapic_edge(struct vioapic *io, u8 vector, const struct vapic *v,
		  u32 cpu, struct vioapic_write *w);
bool vioapic_delivered(struct vioapic *io, u8 vector, u32 cpu,
		       struct vioapic_write *w);
bool vioapic_eoi(struct vioapic *io, u8 vector, u32 cpu,
		 struct vioapic_write *w);
bool vioapic_directed_eoi(struct vioapic *io, u8 vector,
			  struct vioapic_write *w);
bool vioapic_release(struct vioapic *io, u32 cpu, struct vioapic_write *w);

#endif
