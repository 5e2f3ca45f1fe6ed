/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * K's shadow of an IOAPIC. Linux sees its own redirection entries; what the
 * hardware gets has K's mask ORed in. Plain logic: what has to be written is
 * handed back, and the caller writes it. A call and its writes, and a loop over
 * a function that is to be called again, are done under the lock of that IOAPIC
 * and with interrupts off: a pin that is let go may interrupt at once, and the
 * same loop must not see it held again.
 *
 * While another world runs, an interrupt that came for Linux is in Linux's
 * virtual APIC, and the physical one has had its EOI. So that it does not
 * come again until Linux can take it, its pin is *held*:
 *
 * - a level-triggered one from its arrival to Linux's EOI, in place of the
 *   remote IRR bit that the physical EOI cleared, and that Linux still sees
 * - an edge-triggered one after it came several times while its vector was
 *   pending, until the vector is delivered. An edge on a masked pin is lost;
 *   until delivery the pending vector stands for it, after that it would not,
 *   so a hold must not last to the EOI.
 */
#ifndef REGENT_VIOAPIC_H
#define REGENT_VIOAPIC_H

#include <regent/abi/types.h>

struct vapic;

#define VIOAPIC_SELECT		0x00	/* offsets in the page */
#define VIOAPIC_WINDOW		0x10
#define VIOAPIC_EOI		0x40

#define VIOAPIC_REG_VERSION	0x01
#define VIOAPIC_REG_ENTRY	0x10	/* two a pin */
#define VIOAPIC_PINS		120	/* as many as can be selected */

#define VIOAPIC_STATUS		(1u << 12)
#define VIOAPIC_REMOTE_IRR	(1u << 14)
#define VIOAPIC_LEVEL		(1u << 15)
#define VIOAPIC_MASKED		(1u << 16)

#define VIOAPIC_STORM		4	/* edges while one is pending */
#define VIOAPIC_ANY_CPU		(~0u)
#define VIOAPIC_NO_ROUTE	(-1)

enum vioapic_action {
	VIOAPIC_NOTHING,
	VIOAPIC_WRITE,		/* write @value to register @reg */
	VIOAPIC_WRITE_EOI,	/* write @value to the EOI register, then do
				 * what vioapic_directed_eoi() says
				 */
};

struct vioapic_write {
	u32 reg;
	u32 value;
};

/**
 * struct vioapic_pin - one redirection entry
 * @entry: Linux's, without the read-only bits
 * @vector: what arrives at a CPU: @entry's, or where a remapper leads
 * @next: next pin of that vector, VIOAPIC_PINS at the end
 * @routed: a remapper translates it: @entry's vector and destination are not
 *	those of the interrupt
 * @held: masked by K
 * @held_edge: until delivery instead of EOI
 * @irr: Linux sees remote IRR
 * @edges: how many came while one was pending
 * @held_vector: the vector whose EOI or delivery ends the hold. Linux may
 *	have put another one into the entry since.
 * @held_cpu: the CPU of that
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

struct vioapic {
	u32 version;
	u32 pins;
	u32 held;		/* how many pins are */
	u32 noisy;		/* how many pins have edges != 0 */
	u8 select;
	u8 first[256];		/* pin of each vector */
	struct vioapic_pin pin[VIOAPIC_PINS];
};

void vioapic_load(struct vioapic *io, u32 version, const u64 *entries);
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
