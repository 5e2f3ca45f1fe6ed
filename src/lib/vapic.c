// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual local APIC, see <regent/vapic.h>: priorities, delivery, modes, destinations and
 * the timer. vapic_reg.c has its registers. Plain logic.
 *
 * Follows "Advanced Programmable Interrupt Controller" in Intel's manual, volume 3, and the
 * chapter of that name in AMD's volume 2. Where the two differ, a comment says which one the
 * code follows.
 */
#include <regent/vapic.h>
#include "vapic_priv.h"

#define ICR_BUSY	(1u << 12)
#define DFR_FLAT	0xf
#define RATIO_SHIFT	48

static u8 highest_vector(const u32 *words, u8 summary)
{
	int word;

	if (!summary)
		return 0;
	word = 31 - __builtin_clz(summary);
	return word * 32 + 31 - __builtin_clz(words[word]);
}

static bool test_vector(const u32 *words, u8 vector)
{
	return words[vector / 32] & (1u << (vector % 32));
}

static void set_vector(u32 *words, u8 *summary, u8 vector)
{
	words[vector / 32] |= 1u << (vector % 32);
	*summary |= 1u << (vector / 32);
}

static void clear_vector(u32 *words, u8 *summary, u8 vector)
{
	words[vector / 32] &= ~(1u << (vector % 32));
	if (!words[vector / 32])
		*summary &= ~(1u << (vector / 32));
}

static u8 summarize(const u32 *words)
{
	u8 summary = 0;
	int i;

	for (i = 0; i < 8; i++)
		summary |= (words[i] != 0) << i;
	return summary;
}

static void update_ppr(struct vapic *v)
{
	u8 tpr = v->reg[VAPIC_REG_TPR];

	v->ppr = tpr >> 4 >= v->isrv >> 4 ? tpr : v->isrv & 0xf0;
}

static void update_all(struct vapic *v)
{
	v->irr_words = summarize(&v->reg[VAPIC_REG_IRR]);
	v->isr_words = summarize(&v->reg[VAPIC_REG_ISR]);
	v->irrv = highest_vector(&v->reg[VAPIC_REG_IRR], v->irr_words);
	v->isrv = highest_vector(&v->reg[VAPIC_REG_ISR], v->isr_words);
	update_ppr(v);
}

/**
 * vapic_set_tpr() - set the task priority, also by a write to CR8
 * @v: the vapic
 * @tpr: all eight bits; CR8 is the upper half
 */
void vapic_set_tpr(struct vapic *v, u8 tpr)
{
	v->reg[VAPIC_REG_TPR] = tpr;
	update_ppr(v);
}

/*
 * Record an error. A write to ESR rearms the error interrupt, so that only the first of a
 * series of errors raises it. This also ends the recursion when the error interrupt's own
 * vector is illegal.
 */
void vapic_error(struct vapic *v, u32 bit)
{
	bool rearmed = !v->esr_next;

	v->esr_next |= bit;
	if (rearmed)
		vapic_raise(v, VAPIC_REG_ERROR);
}

/**
 * vapic_accept() - a fixed interrupt arrives
 * @v: the vapic
 * @vector: its vector
 * @level: the interrupt is level-triggered, so that its EOI has to reach the IOAPICs
 *
 * A software-disabled APIC accepts no interrupt, but keeps those that are pending.
 *
 * Return: enum vapic_accepted.
 */
int vapic_accept(struct vapic *v, u8 vector, bool level)
{
	u32 bit = 1u << (vector % 32);
	u32 *tmr = &v->reg[VAPIC_REG_TMR + vector / 32];

	if (!vapic_software_enabled(v))
		return VAPIC_REFUSED;
	if (vector < 16) {
		vapic_error(v, VAPIC_ESR_RECEIVE_ILLEGAL);
		return VAPIC_REFUSED;
	}
	*tmr = level ? *tmr | bit : *tmr & ~bit;
	if (test_vector(&v->reg[VAPIC_REG_IRR], vector))
		return VAPIC_COALESCED;
	set_vector(&v->reg[VAPIC_REG_IRR], &v->irr_words, vector);
	if (vector > v->irrv)
		v->irrv = vector;
	return VAPIC_ACCEPTED;
}

/**
 * vapic_ack() - the processor takes an interrupt
 * @v: the vapic
 * @vector: what vapic_pending() returned
 *
 * Return: true if the vector was pending. If not, nothing changes.
 */
bool vapic_ack(struct vapic *v, u8 vector)
{
	u32 *irr = &v->reg[VAPIC_REG_IRR];

	if (!test_vector(irr, vector))
		return false;
	clear_vector(irr, &v->irr_words, vector);
	v->irrv = highest_vector(irr, v->irr_words);
	set_vector(&v->reg[VAPIC_REG_ISR], &v->isr_words, vector);
	if (vector > v->isrv)
		v->isrv = vector;
	update_ppr(v);
	return true;
}

/* End the highest interrupt in service. When there is none, an EOI does nothing. */
void vapic_end(struct vapic *v, struct vapic_effect *e)
{
	u8 vector = v->isrv;

	if (!vector)
		return;
	clear_vector(&v->reg[VAPIC_REG_ISR], &v->isr_words, vector);
	v->isrv = highest_vector(&v->reg[VAPIC_REG_ISR], v->isr_words);
	update_ppr(v);
	e->what |= VAPIC_EFFECT_EOI | VAPIC_EFFECT_CHECK;
	e->eoi_vector = vector;
	e->eoi_level = test_vector(&v->reg[VAPIC_REG_TMR], vector);
	e->eoi_broadcast = e->eoi_level &&
		!(v->reg[VAPIC_REG_SVR] & VAPIC_SVR_NO_BROADCAST);
}

/**
 * vapic_takes() - does the APIC accept messages of a delivery mode at all?
 * @v: the vapic
 * @delivery: enum vapic_delivery
 */
bool vapic_takes(const struct vapic *v, int delivery)
{
	switch (delivery) {
	case VAPIC_SMI:
	case VAPIC_NMI:
	case VAPIC_INIT:
	case VAPIC_SIPI:
		return v->enabled;
	}
	return vapic_software_enabled(v);
}

/**
 * vapic_raise() - the source behind an LVT entry fires
 * @v: the vapic
 * @lvt: the register of that entry
 *
 * On Intel a performance interrupt masks its entry; AMD documents nothing of the kind. The
 * physical entry does the same by itself.
 *
 * Return: VAPIC_FIXED when the vector has become pending here (or is illegal), VAPIC_MASKED
 * when there is nothing to do, or VAPIC_NMI, VAPIC_SMI, VAPIC_INIT or VAPIC_EXTINT, which the
 * caller delivers.
 */
int vapic_raise(struct vapic *v, u32 lvt)
{
	u32 entry = v->reg[lvt];
	int delivery = entry >> 8 & 7;

	if (!v->enabled || (entry & VAPIC_LVT_MASKED))
		return VAPIC_MASKED;
	if (lvt == VAPIC_REG_PERF && v->perf_masks)
		v->reg[lvt] |= VAPIC_LVT_MASKED;
	switch (delivery) {
	case VAPIC_FIXED:
		vapic_accept(v, entry, entry & LVT_LEVEL);	/* only LINTs have it */
		return VAPIC_FIXED;
	case VAPIC_SMI:
	case VAPIC_NMI:
	case VAPIC_INIT:
	case VAPIC_EXTINT:
		return delivery;
	}
	return VAPIC_MASKED;
}

/* ---- the timer ---- */

/* hi:lo / by, for a quotient that fits in 64 bits; libgcc's division is not linked. */
static u64 divide_128(u64 hi, u64 lo, u64 by)
{
	u64 quotient, rest;

	asm("divq %4" : "=a"(quotient), "=d"(rest)
	    : "a"(lo), "d"(hi), "r"(by) : "cc");
	return quotient;
}

static u64 ticks_at(const struct vapic *v, u64 tsc)
{
	if (tsc <= v->epoch)
		return 0;
	return (unsigned __int128)(tsc - v->epoch) * v->ratio >> RATIO_SHIFT;
}

/* The first TSC at which ticks_at() returns @ticks */
static u64 tsc_at(const struct vapic *v, u64 ticks)
{
	u64 hi = ticks >> (64 - RATIO_SHIFT);
	u64 lo = ticks << RATIO_SHIFT;
	u64 tsc;

	if (__builtin_add_overflow(lo, v->ratio - 1, &lo))
		hi++;
	if (hi >= v->ratio)
		return VAPIC_NEVER;
	tsc = divide_128(hi, lo, v->ratio);
	return tsc > VAPIC_NEVER - v->epoch ? VAPIC_NEVER : v->epoch + tsc;
}

static int divide_shift(const struct vapic *v)
{
	u32 divide = v->reg[VAPIC_REG_DIVIDE];

	return ((divide & 3) + (divide >> 1 & 4) + 1) & 7;
}

/**
 * vapic_deadline_mode() - is the timer in TSC-deadline mode?
 * @v: the vapic
 */
bool vapic_deadline_mode(const struct vapic *v)
{
	return v->reg[VAPIC_REG_TIMER] & VAPIC_TIMER_DEADLINE;
}

static bool periodic(const struct vapic *v)
{
	return (v->reg[VAPIC_REG_TIMER] & VAPIC_TIMER_MODE) ==
		VAPIC_TIMER_PERIODIC;
}

static u64 period(const struct vapic *v)
{
	return (u64)v->reg[VAPIC_REG_INITIAL] << divide_shift(v);
}

/* Start the counter with @count at TSC @now; 0 stops it. */
void vapic_timer_arm(struct vapic *v, u32 count, u64 now)
{
	v->armed = count;
	v->epoch = now;
	v->expiry = (u64)count << divide_shift(v);
	v->deadline = tsc_at(v, v->expiry);
}

/* The value of the current-count register at TSC @now */
u32 vapic_timer_count(const struct vapic *v, u64 now)
{
	u64 ticks = ticks_at(v, now);
	u64 left = 0;

	if (!v->armed || vapic_deadline_mode(v))
		return 0;
	if (ticks < v->expiry)
		left = v->expiry - ticks;
	else if (periodic(v) && period(v))
		left = period(v) - (ticks - v->expiry) % period(v);
	return (left + (1u << divide_shift(v)) - 1) >> divide_shift(v);
}

/**
 * vapic_timer_deadline() - when has the caller to call vapic_timer_fire()?
 * @v: the vapic
 *
 * A masked timer counts on, but need not be watched.
 *
 * Return: a TSC, which may have passed, or VAPIC_NEVER.
 */
u64 vapic_timer_deadline(const struct vapic *v)
{
	if (!v->armed || (v->reg[VAPIC_REG_TIMER] & VAPIC_LVT_MASKED))
		return VAPIC_NEVER;
	return v->deadline;
}

/**
 * vapic_timer_fire() - let the timer expire if it is time
 * @v: the vapic
 * @now: the TSC
 *
 * Periods are counted in ticks from the first one on, so that they do not drift. Missed
 * periods give one interrupt, because IRR holds their vector only once.
 *
 * Return: true if the timer has expired: then the next deadline is another one.
 */
bool vapic_timer_fire(struct vapic *v, u64 now)
{
	if (!v->armed || now < v->deadline)
		return false;
	if (periodic(v) && period(v)) {
		u64 late = ticks_at(v, now) - v->expiry;

		v->expiry += (late / period(v) + 1) * period(v);
		v->deadline = tsc_at(v, v->expiry);
	} else {
		v->armed = false;
	}
	vapic_raise(v, VAPIC_REG_TIMER);
	return true;
}

/**
 * vapic_read_deadline() - the world reads IA32_TSC_DEADLINE
 * @v: the vapic; a deadline that has passed fires first
 * @now: the TSC
 *
 * Return: the deadline, 0 when it is disarmed.
 */
u64 vapic_read_deadline(struct vapic *v, u64 now)
{
	vapic_timer_fire(v, now);
	return v->armed && vapic_deadline_mode(v) ? v->deadline : 0;
}

/**
 * vapic_write_deadline() - the world writes IA32_TSC_DEADLINE
 * @v: the vapic
 * @value: the new deadline; 0 disarms
 * @now: the TSC
 * @e: filled in with the effects
 *
 * In the other two timer modes the write does nothing. A deadline that has passed fires at
 * once.
 */
void vapic_write_deadline(struct vapic *v, u64 value, u64 now,
			  struct vapic_effect *e)
{
	e->what = 0;
	e->lvts = 0;
	if (!vapic_deadline_mode(v))
		return;
	if (vapic_timer_fire(v, now))
		e->what = VAPIC_EFFECT_CHECK;
	v->armed = value;
	v->deadline = value;
	if (vapic_timer_fire(v, now))
		e->what = VAPIC_EFFECT_CHECK;
	e->what |= VAPIC_EFFECT_TIMER;
}

/* ---- destinations ---- */

static bool match_logical(const struct vapic *v, u32 dest)
{
	u32 ldr = v->reg[VAPIC_REG_LDR];

	if (v->x2apic)
		return dest >> 16 == ldr >> 16 && (dest & ldr & 0xffff);
	ldr >>= 24;
	if (v->reg[VAPIC_REG_DFR] >> 28 == DFR_FLAT)
		return dest & ldr & 0xff;
	return dest >> 4 == ldr >> 4 && (dest & ldr & 0xf);
}

/**
 * vapic_match() - is a message addressed to this APIC?
 * @v: the vapic
 * @to: destination of the message
 */
bool vapic_match(const struct vapic *v, const struct vapic_dest *to)
{
	u32 all = to->wide ? ~0u : 0xff;

	if (!v->enabled)
		return false;
	if ((to->dest & all) == all)
		return true;
	if (to->logical)
		return match_logical(v, to->dest & all);
	return v->id == (to->dest & all);
}

/**
 * vapic_lowest() - arbitrate a lowest-priority message
 * @all: the vapics
 * @n: number of vapics
 * @to: the destination
 * @last: index of the vapic that got the last such message, or VAPIC_NONE; among equals the
 *	next one after it gets this one
 *
 * Return: the index of the addressed APIC with the lowest priority, or VAPIC_NONE when none
 * of them takes the message.
 */
int vapic_lowest(struct vapic *const *all, int n, const struct vapic_dest *to,
		 int last)
{
	int best = VAPIC_NONE;
	int i, j = last;

	for (i = 0; i < n; i++) {
		j = j + 1 < n ? j + 1 : 0;
		if (!vapic_match(all[j], to) || !vapic_software_enabled(all[j]))
			continue;
		if (best == VAPIC_NONE || all[j]->ppr < all[best]->ppr)
			best = j;
	}
	return best;
}

/* ---- states ---- */

/* Set the id registers; in x2APIC mode the logical id follows from the id. */
static void set_mode_ids(struct vapic *v)
{
	v->reg[VAPIC_REG_ID] = v->x2apic ? v->id : v->id << 24;
	if (v->x2apic)
		v->reg[VAPIC_REG_LDR] = v->id >> 4 << 16 | 1u << (v->id & 15);
}

/**
 * vapic_reset() - reset the APIC as INIT does
 * @v: the vapic; its mode, id and version stay
 */
void vapic_reset(struct vapic *v)
{
	u32 version = v->reg[VAPIC_REG_VERSION];
	u32 extended = v->reg[VAPIC_REG_EXT_FEATURE];
	u32 reg;

	for (reg = 0; reg < VAPIC_REGS; reg++)
		v->reg[reg] = vapic_lvt_bit(reg) ? VAPIC_LVT_MASKED : 0;
	v->reg[VAPIC_REG_VERSION] = version;
	v->reg[VAPIC_REG_EXT_FEATURE] = extended;
	v->reg[VAPIC_REG_DFR] = ~0u;
	v->reg[VAPIC_REG_SVR] = 0xff;
	v->esr_next = 0;
	v->armed = false;
	set_mode_ids(v);
	update_all(v);
}

/**
 * vapic_set_base() - write IA32_APIC_BASE: off, xAPIC or x2APIC
 * @v: the vapic
 * @base: the value. The caller has checked that x2APIC may be turned on, and looks after the
 *	address and the reserved bits
 *
 * Return: VAPIC_OK, or VAPIC_GP for a change of mode that does not exist.
 */
int vapic_set_base(struct vapic *v, u64 base)
{
	bool enable = base & VAPIC_BASE_ENABLE;
	bool x2apic = base & VAPIC_BASE_X2APIC;

	if (x2apic && (!enable || !v->enabled))
		return VAPIC_GP;
	if (v->x2apic && enable && !x2apic)
		return VAPIC_GP;
	if (enable == v->enabled && x2apic == v->x2apic)
		return VAPIC_OK;
	v->enabled = enable;
	v->x2apic = x2apic;
	if (x2apic) {
		v->reg[VAPIC_REG_ICR2] = 0;
		set_mode_ids(v);
	} else {
		vapic_reset(v);		/* turned off, or on again */
	}
	return VAPIC_OK;
}

static void load_timer(struct vapic *v, const struct vapic_snapshot *s, u64 now)
{
	u32 count = s->reg[VAPIC_REG_CURRENT];

	v->ratio = divide_128(s->bus_hz >> (64 - RATIO_SHIFT),
			      s->bus_hz << RATIO_SHIFT, s->tsc_hz);
	if (!count && periodic(v))
		count = s->reg[VAPIC_REG_INITIAL];
	v->reg[VAPIC_REG_CURRENT] = 0;
	vapic_timer_arm(v, vapic_deadline_mode(v) ? 0 : count, now);
	if (vapic_deadline_mode(v)) {
		v->armed = s->deadline;
		v->deadline = s->deadline;
	}
}

/**
 * vapic_load() - start as a copy of a physical APIC
 * @v: the vapic
 * @s: state of the physical APIC
 * @now: TSC at which @s's current count was read
 *
 * The vapic takes over what the physical APIC has in ISR and IRR. The caller then drains the
 * physical APIC: it first holds the level-triggered sources, writes a physical EOI for each
 * interrupt in service, and drops or accepts again what the drained IRR raises, which makes
 * no difference.
 */
void vapic_load(struct vapic *v, const struct vapic_snapshot *s, u64 now)
{
	u32 reg;

	for (reg = 0; reg < VAPIC_REGS; reg++)
		v->reg[reg] = s->reg[reg];
	v->enabled = s->base & VAPIC_BASE_ENABLE;
	v->x2apic = v->enabled && (s->base & VAPIC_BASE_X2APIC);
	v->has_deadline = s->has_deadline;
	v->perf_masks = s->perf_masks;
	v->id = s->id;
	v->esr_next = 0;
	v->reg[VAPIC_REG_TPR] &= 0xff;
	v->reg[VAPIC_REG_ICR] &= ~ICR_BUSY;
	v->reg[VAPIC_REG_EXT_FEATURE] &= EXT_FEATURE_KEPT;
	v->reg[VAPIC_REG_ISR] &= ~0xffffu;
	v->reg[VAPIC_REG_IRR] &= ~0xffffu;
	if (!v->has_deadline)
		v->reg[VAPIC_REG_TIMER] &= ~VAPIC_TIMER_DEADLINE;
	set_mode_ids(v);
	update_all(v);
	load_timer(v, s, now);
}

/**
 * vapic_leave() - what has the physical APIC to be told to take over?
 * @v: the vapic, whose timer has fired if it was due
 * @now: the TSC
 * @left: filled in
 *
 * The registers that can be written are in @v->reg.
 *
 * Return: true if the physical APIC can take over, because nothing is in service.
 */
bool vapic_leave(const struct vapic *v, u64 now, struct vapic_left *left)
{
	int i;

	for (i = 0; i < 8; i++) {
		u32 irr = v->reg[VAPIC_REG_IRR + i];
		u32 tmr = v->reg[VAPIC_REG_TMR + i];

		left->edge[i] = irr & ~tmr;
		left->level[i] = irr & tmr;
	}
	left->remaining = vapic_timer_count(v, now);
	return vapic_can_leave(v);
}
