/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual local APIC of a world. Plain logic: it touches no hardware, and
 * what a register write causes outside is handed back as a struct
 * vapic_effect.
 *
 * A vapic has no lock. One CPU works on it at a time: the CPU that its world
 * is on, or whoever holds that world.
 *
 * Registers are numbered as in x2APIC: the MSR minus 0x800, which is the
 * offset in the xAPIC page divided by 16. Time is the TSC as the world sees
 * it; the APIC bus clock is a ratio of that.
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
#define VAPIC_REG_ISR		0x10	/* eight of each */
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
/* AMD's extended space, there when the version says so. */
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

/* Delivery modes, as the ICR, the LVTs and the IOAPIC encode them. */
enum vapic_delivery {
	VAPIC_FIXED, VAPIC_LOWEST, VAPIC_SMI, VAPIC_REMOTE_READ,
	VAPIC_NMI, VAPIC_INIT, VAPIC_SIPI, VAPIC_EXTINT,
	VAPIC_MASKED = -1,
};

enum vapic_shorthand {
	VAPIC_TO_DEST, VAPIC_TO_SELF, VAPIC_TO_ALL, VAPIC_TO_OTHERS,
};

enum vapic_result {
	VAPIC_OK,
	VAPIC_GP,		/* x2APIC: the access is #GP */
};

enum vapic_accepted {
	VAPIC_ACCEPTED,		/* newly pending */
	VAPIC_COALESCED,	/* was pending already */
	VAPIC_REFUSED,		/* illegal vector, or the APIC is off */
};

/*
 * To whom a message goes. @wide is set when it comes from an APIC in x2APIC
 * mode or through an interrupt remapper, so that its destination has 32 bits:
 * broadcast is all ones, and that is another number in either width.
 */
struct vapic_dest {
	u32 dest;
	bool logical;
	bool wide;
};

struct vapic_ipi {
	u8 vector;
	u8 delivery;			/* enum vapic_delivery */
	u8 shorthand;			/* enum vapic_shorthand */
	bool deassert;			/* INIT level de-assert: nothing to do */
	struct vapic_dest to;		/* with VAPIC_TO_DEST */
};

/* What a register write asks of the caller. */
#define VAPIC_EFFECT_EOI	(1u << 0)	/* eoi_* */
#define VAPIC_EFFECT_IPI	(1u << 1)	/* ipi: send it */
#define VAPIC_EFFECT_TIMER	(1u << 2)	/* ask vapic_timer_deadline() */
#define VAPIC_EFFECT_LVT	(1u << 3)	/* lvts: these changed */
#define VAPIC_EFFECT_ENABLE	(1u << 4)	/* enabled or disabled by SVR */
#define VAPIC_EFFECT_CHECK	(1u << 5)	/* ask vapic_pending() again */
#define VAPIC_EFFECT_TPR	(1u << 6)	/* TPR changed: CR8 has to follow */

struct vapic_effect {
	u32 what;
	u32 lvts;		/* bits by vapic_lvt_bit() */
	struct vapic_ipi ipi;
	u8 eoi_vector;
	bool eoi_level;
	bool eoi_broadcast;	/* the IOAPICs are to hear of it */
};

/*
 * reg[] is what the world reads, except for PPR and the current count, which
 * are made when asked for. It is also the format of a snapshot.
 */
struct vapic {
	u32 reg[VAPIC_REGS];
	/* Derived from ISR, IRR and TPR after each change of theirs. */
	u8 irr_words, isr_words;	/* which of the eight words are not 0 */
	u8 irrv, isrv;			/* highest vector, 0 for none */
	u8 ppr;

	bool enabled;			/* by IA32_APIC_BASE */
	bool x2apic;
	bool has_deadline;		/* CPUID says TSC-deadline */
	bool perf_masks;		/* Intel: a PMI masks its LVT */
	u32 id;				/* all 32 bits, also in xAPIC mode */
	u32 esr_next;			/* errors since ESR was written */

	bool armed;
	u64 ratio;			/* bus ticks per TSC tick, 16.48 */
	u64 epoch;			/* TSC at which the ticks below are 0 */
	u64 expiry;			/* in ticks; not in TSC-deadline mode */
	u64 deadline;			/* the same as TSC */
};

/**
 * struct vapic_snapshot - a physical APIC, or a vapic, as found
 * @reg: its registers. Read the current count first, then mask the timer,
 *	then read IRR: in that order an expiry in between is delivered once or
 *	twice, and never lost.
 * @base: IA32_APIC_BASE
 * @id: all 32 bits of the APIC's id
 * @deadline: IA32_TSC_DEADLINE, 0 when disarmed or not there
 * @has_deadline: CPUID says that the timer has TSC-deadline mode
 * @perf_masks: a performance interrupt masks its LVT (Intel; AMD does not)
 * @bus_hz: frequency of the timer's clock before division, in the same unit
 *	as @tsc_hz and less than 65536 times that
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

/* What vapic_leave() found pending, to be raised again physically. */
struct vapic_left {
	u32 edge[8];		/* by self-IPI */
	u32 level[8];		/* by unmasking the source */
	u32 remaining;		/* the timer's count */
};

void vapic_load(struct vapic *v, const struct vapic_snapshot *s, u64 now);
bool vapic_leave(const struct vapic *v, u64 now, struct vapic_left *left);
void vapic_reset(struct vapic *v);
int vapic_set_base(struct vapic *v, u64 base);

int vapic_read(struct vapic *v, u32 reg, u64 now, u64 *value);
int vapic_write(struct vapic *v, u32 reg, u64 value, u64 now,
		struct vapic_effect *e);
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
 * Return: the highest pending vector if its class is above the processor's
 * priority, or VAPIC_NONE.
 */
static inline int vapic_pending(const struct vapic *v)
{
	return v->irrv >> 4 > v->ppr >> 4 ? v->irrv : VAPIC_NONE;
}

/* vapic_ppr() - the processor priority: of TPR or of what is in service */
static inline u8 vapic_ppr(const struct vapic *v)
{
	return v->ppr;
}

/* vapic_can_leave() - whether the physical APIC could take over from here */
static inline bool vapic_can_leave(const struct vapic *v)
{
	return !v->isrv;
}

static inline bool vapic_software_enabled(const struct vapic *v)
{
	return v->enabled && (v->reg[VAPIC_REG_SVR] & VAPIC_SVR_ENABLE);
}

#endif
