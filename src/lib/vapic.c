// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual local APIC, see <regent/vapic.h>: priorities, delivery, modes,
 * destinations and the timer. Its registers are in vapic_reg.c. Plain logic.
 *
 * Follows "Advanced Programmable Interrupt Controller" in Intel's manual,
 * volume 3, and the chapter of that name in AMD's volume 2. Where the two
 * differ, a comment says what is done here.
 */
#include <regent/vapic.h>
#include "vapic_priv.h"

#define ICR_BUSY	(1u << 12)
#define DFR_FLAT	0xf
#define RATIO_SHIFT	48

static u8 highest(const u32 *words, u8 summary)
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
	v->irrv = highest(&v->reg[VAPIC_REG_IRR], v->irr_words);
	v->isrv = highest(&v->reg[VAPIC_REG_ISR], v->isr_words);
	update_ppr(v);
}

/**
 * vapic_set_tpr() - the task priority, also by a write to CR8
 * @v: the vapic
 * @tpr: all eight bits; CR8 is their upper half
 */
void vapic_set_tpr(struct vapic *v, u8 tpr)
{
	v->reg[VAPIC_REG_TPR] = tpr;
	update_ppr(v);
}

/*
 * Note an error. Writing ESR rearms the error interrupt, so that of a series
 * of errors only the first raises it; that also ends the recursion when its
 * own vector is illegal.
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
 * @level: level-triggered, so that its EOI has to reach the IOAPICs
 *
 * A software-disabled APIC takes none, but keeps those it has.
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
 * @vector: what vapic_pending() said
 *
 * Return: whether it was pending. If not, nothing changes.
 */
bool vapic_ack(struct vapic *v, u8 vector)
{
	u32 *irr = &v->reg[VAPIC_REG_IRR];

	if (!test_vector(irr, vector))
		return false;
	clear_vector(irr, &v->irr_words, vector);
	v->irrv = highest(irr, v->irr_words);
	set_vector(&v->reg[VAPIC_REG_ISR], &v->isr_words, vector);
	if (vector > v->isrv)
		v->isrv = vector;
	update_ppr(v);
	return true;
}

/* End the highest interrupt in service; without any, an EOI does nothing. */
void vapic_end(struct vapic *v, struct vapic_effect *e)
{
	u8 vector = v->isrv;

	if (!vector)
		return;
	clear_vector(&v->reg[VAPIC_REG_ISR], &v->isr_words, vector);
	v->isrv = highest(&v->reg[VAPIC_REG_ISR], v->isr_words);
	update_ppr(v);
	e->what |= VAPIC_EFFECT_EOI | VAPIC_EFFECT_CHECK;
	e->eoi_vector = vector;
	e->eoi_level = test_vector(&v->reg[VAPIC_REG_TMR], vector);
	e->eoi_broadcast = e->eoi_level &&
		!(v->reg[VAPIC_REG_SVR] & VAPIC_SVR_NO_BROADCAST);
}

/**
 * vapic_takes() - whether a message of some delivery mode is accepted at all
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
 * On Intel a performance interrupt masks its entry; AMD documents nothing of
 * the kind. The physical entry does the same by itself.
 *
 * Return: VAPIC_FIXED when it was set pending here (or was illegal),
 * VAPIC_MASKED when nothing is to be done, or VAPIC_NMI, VAPIC_SMI,
 * VAPIC_INIT or VAPIC_EXTINT, which is for the caller to deliver.
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
		vapic_accept(v, entry, entry & LVT_LEVEL);	/* only LINT's */
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

/* hi:lo / by, where the quotient has 64 bits; without libgcc's division. */
static u64 divide(u64 hi, u64 lo, u64 by)
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

/* The first TSC at which ticks_at() says @ticks. */
static u64 tsc_at(const struct vapic *v, u64 ticks)
{
	u64 hi = ticks >> (64 - RATIO_SHIFT);
	u64 lo = ticks << RATIO_SHIFT;
	u64 tsc;

	if (__builtin_add_overflow(lo, v->ratio - 1, &lo))
		hi++;
	if (hi >= v->ratio)
		return VAPIC_NEVER;
	tsc = divide(hi, lo, v->ratio);
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

/* Let the counter start with @count at @now. It stops when that is 0. */
void vapic_timer_arm(struct vapic *v, u32 count, u64 now)
{
	v->armed = count;
	v->epoch = now;
	v->expiry = (u64)count << divide_shift(v);
	v->deadline = tsc_at(v, v->expiry);
}

/* What the current-count register reads. */
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
 * vapic_timer_deadline() - when vapic_timer_fire() has to be called
 * @v: the vapic
 *
 * Return: a TSC, maybe one that has passed, or VAPIC_NEVER. A masked timer
 * counts on, but nobody has to watch it.
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
 * Periods are counted in ticks from the first on, so they do not drift. Those
 * that were missed give one interrupt, as their vector is only once in IRR.
 *
 * Return: whether it did: the next deadline is another one.
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
 * vapic_read_deadline() - IA32_TSC_DEADLINE
 * @v: the vapic
 * @now: the TSC
 */
u64 vapic_read_deadline(struct vapic *v, u64 now)
{
	vapic_timer_fire(v, now);
	return v->armed && vapic_deadline_mode(v) ? v->deadline : 0;
}

/**
 * vapic_write_deadline() - IA32_TSC_DEADLINE; 0 disarms
 * @v: the vapic
 * @value: the new deadline
 * @now: the TSC
 * @e: effects
 *
 * In the other two modes the write does nothing. A deadline that has passed
 * fires at once.
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
 * vapic_match() - whether a message is addressed to this APIC
 * @v: the vapic
 * @to: its destination
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
 * @n: how many there are
 * @to: the destination
 * @last: who got the last one, or VAPIC_NONE; among equals it is the next's
 *	turn
 *
 * Return: the index of the addressed APIC with the lowest priority, or
 * VAPIC_NONE when none of them takes it.
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

/* In x2APIC mode the logical id follows from the id. */
static void set_mode_ids(struct vapic *v)
{
	v->reg[VAPIC_REG_ID] = v->x2apic ? v->id : v->id << 24;
	if (v->x2apic)
		v->reg[VAPIC_REG_LDR] = v->id >> 4 << 16 | 1u << (v->id & 15);
}

/**
 * vapic_reset() - as after INIT
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
 * vapic_set_base() - IA32_APIC_BASE: off, xAPIC or x2APIC
 * @v: the vapic
 * @base: value; who calls has checked that x2APIC may be turned on, and looks
 *	after the address and the reserved bits
 *
 * Return: VAPIC_GP for a change of mode that there is not.
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
		vapic_reset(v);		/* off, or on from off */
	}
	return VAPIC_OK;
}

static void load_timer(struct vapic *v, const struct vapic_snapshot *s, u64 now)
{
	u32 count = s->reg[VAPIC_REG_CURRENT];

	v->ratio = divide(s->bus_hz >> (64 - RATIO_SHIFT),
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
 * @s: what was found there
 * @now: TSC at which @s's current count was read
 *
 * What the physical APIC has in ISR and IRR is from now on here. The caller
 * drains it there: level-triggered sources are held first, then each gets its
 * physical EOI, and what the drained IRR raises is dropped or accepted again,
 * which is the same.
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
 * vapic_leave() - what the physical APIC has to be told to take over
 * @v: the vapic, its timer fired if that was due
 * @now: the TSC
 * @left: filled in
 *
 * The registers that can be written are in @v->reg.
 *
 * Return: whether it can: nothing is in service.
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
