/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual local APIC of a world. Plain logic: it touches no hardware, and returns what a
 * register write causes outside in a struct vapic_effect.
 *
 * A vapic has no lock. One CPU works on it at a time: the one that owns its world.
 *
 * Registers are numbered as in x2APIC: the MSR minus 0x800, which is the offset in the xAPIC
 * page divided by 16. Time is the TSC as the world sees it; the APIC bus clock is a ratio of
 * that.
 */
#ifndef REGENT_VAPIC_H
#define REGENT_VAPIC_H

#include <regent/abi/types.h>

#define VAPIC_REG_ID		0x02
#define VAPIC_REG_VERSION	0x03
#define VAPIC_REG_TPR		0x08
#define VAPIC_REG_APR		0x09
#define VAPIC_REG_PPR		0x0a
#define VAPIC_REG_EOI		0x0b
#define VAPIC_REG_RRD		0x0c
#define VAPIC_REG_LDR		0x0d
#define VAPIC_REG_DFR		0x0e
#define VAPIC_REG_SVR		0x0f
#define VAPIC_REG_ISR		0x10	/* eight registers each: ISR, TMR, IRR */
#define VAPIC_REG_TMR		0x18
#define VAPIC_REG_IRR		0x20
#define VAPIC_REG_ESR		0x28
#define VAPIC_REG_CMCI		0x2f
#define VAPIC_REG_ICR		0x30
#define VAPIC_REG_ICR2		0x31
#define VAPIC_REG_TIMER		0x32
#define VAPIC_REG_THERMAL	0x33
#define VAPIC_REG_PERF		0x34
#define VAPIC_REG_LINT0		0x35
#define VAPIC_REG_LINT1		0x36
#define VAPIC_REG_ERROR		0x37
#define VAPIC_REG_INITIAL	0x38
#define VAPIC_REG_CURRENT	0x39
#define VAPIC_REG_DIVIDE	0x3e
#define VAPIC_REG_SELF		0x3f
/* AMD's extended space, which exists when the version register says so */
#define VAPIC_REG_EXT_FEATURE	0x40
#define VAPIC_REG_EXT_CONTROL	0x41
#define VAPIC_REG_EXT_LVT	0x50	/* up to four */
#define VAPIC_REGS		0x54

#define VAPIC_VERSION_NO_BROADCAST	(1u << 24)	/* SVR bit 12 exists */
#define VAPIC_VERSION_EXTENDED		(1u << 31)	/* AMD */
#define VAPIC_SVR_ENABLE		(1u << 8)
#define VAPIC_SVR_NO_BROADCAST		(1u << 12)
#define VAPIC_LVT_MASKED		(1u << 16)
#define VAPIC_TIMER_MODE		(3u << 17)
#define VAPIC_TIMER_ONESHOT		(0u << 17)
#define VAPIC_TIMER_PERIODIC		(1u << 17)
#define VAPIC_TIMER_DEADLINE		(2u << 17)
#define VAPIC_BASE_X2APIC		(1ull << 10)
#define VAPIC_BASE_ENABLE		(1ull << 11)

#define VAPIC_ESR_SEND_ILLEGAL		(1u << 5)
#define VAPIC_ESR_RECEIVE_ILLEGAL	(1u << 6)
#define VAPIC_ESR_REGISTER		(1u << 7)

#define VAPIC_NEVER	(~0ull)
#define VAPIC_NONE	(-1)

/* Delivery modes, as the ICR, the LVTs and the IOAPIC encode them; VAPIC_MASKED is none. */
enum vapic_delivery {
	VAPIC_FIXED, VAPIC_LOWEST, VAPIC_SMI, VAPIC_REMOTE_READ,
	VAPIC_NMI, VAPIC_INIT, VAPIC_SIPI, VAPIC_EXTINT,
	VAPIC_MASKED = -1,
};

/* Destination shorthands, as the ICR encodes them */
enum vapic_shorthand {
	VAPIC_TO_DEST, VAPIC_TO_SELF, VAPIC_TO_ALL, VAPIC_TO_OTHERS,
};

/**
 * enum vapic_result - the result of an access
 * @VAPIC_OK: the access is done
 * @VAPIC_GP: the access is #GP (x2APIC, or IA32_APIC_BASE)
 */
enum vapic_result {
	VAPIC_OK,
	VAPIC_GP,
};

/**
 * enum vapic_accepted - the fate of an interrupt that arrives
 * @VAPIC_ACCEPTED: it is pending now
 * @VAPIC_COALESCED: the vector was pending already
 * @VAPIC_REFUSED: the vector is illegal, or the APIC is off
 */
enum vapic_accepted {
	VAPIC_ACCEPTED,
	VAPIC_COALESCED,
	VAPIC_REFUSED,
};

/**
 * enum vapic_short - what vapic_write_short() has done
 * @VAPIC_SHORT_NOT: nothing; vapic_write() has to do it
 * @VAPIC_SHORT_DONE: all there is to do
 * @VAPIC_SHORT_LVT: an LVT has changed, and is to be written to the physical APIC
 * @VAPIC_SHORT_TIMER: the timer has changed: ask vapic_timer_deadline()
 */
enum vapic_short { VAPIC_SHORT_NOT, VAPIC_SHORT_DONE, VAPIC_SHORT_LVT, VAPIC_SHORT_TIMER };

/**
 * struct vapic_dest - the destination of a message
 * @dest: APIC id or logical id; all ones (in its width) is a broadcast
 * @logical: @dest is a logical id
 * @wide: @dest has 32 bits and not 8, because the message comes from an APIC in x2APIC mode
 *	or through an interrupt remapper; so a broadcast is another number
 */
struct vapic_dest {
	u32 dest;
	bool logical;
	bool wide;
};

/**
 * struct vapic_ipi - an interprocessor interrupt
 * @vector: the vector
 * @delivery: enum vapic_delivery
 * @shorthand: enum vapic_shorthand
 * @deassert: an INIT level de-assert, for which there is nothing to do
 * @to: the destination, with VAPIC_TO_DEST
 */
struct vapic_ipi {
	u8 vector;
	u8 delivery;
	u8 shorthand;
	bool deassert;
	struct vapic_dest to;
};

/* Bits of struct vapic_effect.what: what the caller has to do after a register write */
#define VAPIC_EFFECT_EOI	(1u << 0)	/* end the interrupt that eoi_* tells of */
#define VAPIC_EFFECT_IPI	(1u << 1)	/* send ipi */
#define VAPIC_EFFECT_TIMER	(1u << 2)	/* call vapic_timer_deadline() again */
#define VAPIC_EFFECT_LVT	(1u << 3)	/* the LVTs in lvts have changed */
#define VAPIC_EFFECT_ENABLE	(1u << 4)	/* SVR has enabled or disabled the APIC */
#define VAPIC_EFFECT_CHECK	(1u << 5)	/* call vapic_pending() again */
#define VAPIC_EFFECT_TPR	(1u << 6)	/* copy the TPR to CR8 */

/**
 * struct vapic_effect - what a register write causes outside of the vapic
 * @what: VAPIC_EFFECT_*
 * @lvts: the LVTs that have changed, by vapic_lvt_bit()
 * @ipi: the IPI to send
 * @eoi_vector: the vector whose service has ended
 * @eoi_level: the vector was level-triggered
 * @eoi_broadcast: the IOAPICs are to get the EOI
 */
struct vapic_effect {
	u32 what;
	u32 lvts;
	struct vapic_ipi ipi;
	u8 eoi_vector;
	bool eoi_level;
	bool eoi_broadcast;
};

/**
 * struct vapic - a virtual local APIC
 * @reg: what the world reads, except for PPR and the current count, which are computed for
 *	each read. A snapshot has the same format
 * @irr_words: bit i is set when word i of IRR is not 0
 * @isr_words: the same for ISR
 * @irrv: highest vector in IRR, 0 for none
 * @isrv: highest vector in ISR, 0 for none
 * @ppr: processor priority. It and the four before are derived from ISR, IRR and TPR, and
 *	updated after each change of these
 * @enabled: IA32_APIC_BASE enables the APIC
 * @x2apic: the APIC is in x2APIC mode
 * @has_deadline: CPUID says that the timer has TSC-deadline mode
 * @perf_masks: a performance interrupt masks its LVT (Intel; AMD does not)
 * @id: all 32 bits of the APIC's id, also in xAPIC mode
 * @esr_next: errors since ESR was written last
 * @armed: the timer counts
 * @ratio: bus ticks per TSC tick, as a 16.48 fixed-point number
 * @epoch: TSC at which bus ticks are counted from 0
 * @expiry: bus ticks at which the timer expires; not in TSC-deadline mode
 * @deadline: TSC at which the timer expires, in all modes
 */
struct vapic {
	u32 reg[VAPIC_REGS];
	u8 irr_words, isr_words;
	u8 irrv, isrv;
	u8 ppr;

	bool enabled;
	bool x2apic;
	bool has_deadline;
	bool perf_masks;
	u32 id;
	u32 esr_next;

	bool armed;
	u64 ratio;
	u64 epoch;
	u64 expiry;
	u64 deadline;
};

/**
 * struct vapic_snapshot - the state of a physical APIC, or of a vapic
 * @reg: its registers. Read the current count first, then mask the timer, then read IRR: in
 *	that order an expiry in between is delivered once or twice, and never lost
 * @base: IA32_APIC_BASE
 * @id: all 32 bits of the APIC's id
 * @has_deadline: CPUID says that the timer has TSC-deadline mode
 * @perf_masks: a performance interrupt masks its LVT (Intel; AMD does not)
 * @deadline: IA32_TSC_DEADLINE, 0 when disarmed or absent
 * @bus_hz: frequency of the timer's clock before division, in the same unit as @tsc_hz and
 *	less than 65536 times that
 * @tsc_hz: frequency of the TSC
 */
struct vapic_snapshot {
	u32 reg[VAPIC_REGS];
	u64 base;
	u32 id;
	bool has_deadline;
	bool perf_masks;
	u64 deadline;
	u64 bus_hz;
	u64 tsc_hz;
};

/**
 * struct vapic_left - what vapic_leave() found pending, to be raised again physically
 * @edge: bitmap of edge-triggered vectors, which the caller raises by self-IPI
 * @level: bitmap of level-triggered vectors, which come again when their source is unmasked
 * @remaining: the timer's current count
 */
struct vapic_left {
	u32 edge[8];
	u32 level[8];
	u32 remaining;
};

void vapic_load(struct vapic *v, const struct vapic_snapshot *s, u64 now);
bool vapic_leave(const struct vapic *v, u64 now, struct vapic_left *left);
void vapic_reset(struct vapic *v);
int vapic_set_base(struct vapic *v, u64 base);

int vapic_read(struct vapic *v, u32 reg, u64 now, u64 *value);
int vapic_write(struct vapic *v, u32 reg, u64 value, u64 now,
		struct vapic_effect *e);
enum vapic_short vapic_write_short(struct vapic *v, u32 reg, u32 value, u64 now);
void vapic_eoi(struct vapic *v, struct vapic_effect *e);
u64 vapic_read_deadline(struct vapic *v, u64 now);
void vapic_write_deadline(struct vapic *v, u64 value, u64 now,
			  struct vapic_effect *e);
void vapic_set_tpr(struct vapic *v, u8 tpr);

int vapic_accept(struct vapic *v, u8 vector, bool level);
bool vapic_ack(struct vapic *v, u8 vector);
bool vapic_takes(const struct vapic *v, int delivery);
int vapic_raise(struct vapic *v, u32 lvt);
u32 vapic_lvt_bit(u32 lvt);

u64 vapic_timer_deadline(const struct vapic *v);
bool vapic_deadline_mode(const struct vapic *v);
bool vapic_timer_fire(struct vapic *v, u64 now);

bool vapic_match(const struct vapic *v, const struct vapic_dest *to);
int vapic_lowest(struct vapic *const *all, int n, const struct vapic_dest *to,
		 int last);

/**
 * vapic_pending() - the vector to inject now
 * @v: the vapic
 *
 * Return: the highest pending vector if its class is above the processor's priority, or
 * VAPIC_NONE.
 */
static inline int vapic_pending(const struct vapic *v)
{
	return v->irrv >> 4 > v->ppr >> 4 ? v->irrv : VAPIC_NONE;
}

/**
 * vapic_can_leave() - could the physical APIC take over from here?
 * @v: the vapic
 *
 * It could while nothing is in service.
 */
static inline bool vapic_can_leave(const struct vapic *v)
{
	return !v->isrv;
}

/* Do both IA32_APIC_BASE and SVR enable the APIC? */
static inline bool vapic_software_enabled(const struct vapic *v)
{
	return v->enabled && (v->reg[VAPIC_REG_SVR] & VAPIC_SVR_ENABLE);
}

#endif
