// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of the virtual local APIC, see <regent/vapic.h>. Plain logic.
 *
 * The effect of an access to something reserved depends on the mode. In x2APIC mode it is
 * #GP. In xAPIC mode reserved bits are ignored, reserved registers read as 0 and set a bit in
 * ESR, and writes to read-only registers are lost. While the APIC is off, nothing answers at
 * its page, and reads return all ones.
 */
#include <regent/vapic.h>
#include "vapic_priv.h"

/* Bits of struct rule.can: the accesses that a register allows in each mode */
#define R1	(1u << 0)	/* read in xAPIC mode */
#define W1	(1u << 1)	/* write in xAPIC mode */
#define R2	(1u << 2)	/* read in x2APIC mode */
#define W2	(1u << 3)	/* write in x2APIC mode */
#define RR	(R1 | R2)
#define WW	(W1 | W2)
#define RW	(RR | WW)
#define SOME	(1u << 4)	/* only some APICs have the register */
#define VARY	(1u << 5)	/* only some have all of the register's bits */

#define ICR_WRITABLE	0x000ccfffu
#define ICR_BUSY	(1u << 12)	/* always reads as 0, and may be written */
#define LVT_STATUS	((1u << 12) | (1u << 14))	/* read-only */
#define LVT_PLAIN	0x000107ffu
#define LVT_PIN		0x0001a7ffu

/* The rule of a register. @write: writable bits; @ignore: read-only bits, not reserved */
struct rule {
	u32 write;
	u32 ignore;
	u32 can;
};

static const struct rule rules[VAPIC_REGS] = {
	[VAPIC_REG_ID] = { 0, 0, RR },
	[VAPIC_REG_VERSION] = { 0, 0, RR },
	[VAPIC_REG_TPR] = { 0xff, 0, RW },
	[VAPIC_REG_APR] = { 0, 0, R1 },
	[VAPIC_REG_PPR] = { 0, 0, RR },
	[VAPIC_REG_EOI] = { 0, 0, R1 | WW },
	[VAPIC_REG_RRD] = { 0, 0, R1 },
	[VAPIC_REG_LDR] = { 0xff000000, 0, RR | W1 },
	[VAPIC_REG_DFR] = { 0xf0000000, 0, R1 | W1 },
	[VAPIC_REG_SVR] = { 0x13ff, 0, RW | VARY },
	[VAPIC_REG_ISR ... VAPIC_REG_IRR + 7] = { 0, 0, RR },
	[VAPIC_REG_ESR] = { 0, 0, RW },
	[VAPIC_REG_CMCI] = { LVT_PLAIN, LVT_STATUS, RW | SOME },
	[VAPIC_REG_ICR] = { ICR_WRITABLE, ICR_BUSY, RW },
	[VAPIC_REG_ICR2] = { 0xff000000, 0, R1 | W1 },
	[VAPIC_REG_TIMER] = { 0x000700ff, LVT_STATUS, RW | VARY },
	[VAPIC_REG_THERMAL] = { LVT_PLAIN, LVT_STATUS, RW | SOME },
	[VAPIC_REG_PERF] = { LVT_PLAIN, LVT_STATUS, RW | SOME },
	[VAPIC_REG_LINT0] = { LVT_PIN, LVT_STATUS, RW },
	[VAPIC_REG_LINT1] = { LVT_PIN, LVT_STATUS, RW },
	[VAPIC_REG_ERROR] = { 0x000100ff, LVT_STATUS, RW },
	[VAPIC_REG_INITIAL] = { 0xffffffff, 0, RW },
	[VAPIC_REG_CURRENT] = { 0, 0, RR },
	[VAPIC_REG_DIVIDE] = { 0xb, 0, RW },
	[VAPIC_REG_SELF] = { 0xff, 0, W2 },
	[VAPIC_REG_EXT_FEATURE] = { 0, 0, RR | SOME },
	[VAPIC_REG_EXT_CONTROL] = { 0x4, 0x3, RW | SOME },
	[VAPIC_REG_EXT_LVT ... VAPIC_REGS - 1] = {
		LVT_PLAIN, LVT_STATUS, RW | SOME
	},
};

/**
 * vapic_lvt_bit() - the bit of an LVT in struct vapic_effect.lvts
 * @lvt: a register
 *
 * Return: the bit, or 0 when the register is no LVT.
 */
u32 vapic_lvt_bit(u32 lvt)
{
	if (lvt >= VAPIC_REG_TIMER && lvt <= VAPIC_REG_ERROR)
		return 1u << (lvt - VAPIC_REG_TIMER);
	if (lvt == VAPIC_REG_CMCI)
		return 1u << 6;
	if (lvt >= VAPIC_REG_EXT_LVT && lvt < VAPIC_REG_EXT_LVT + 4)
		return 1u << (8 + lvt - VAPIC_REG_EXT_LVT);
	return 0;
}

/*
 * Does this APIC have a register that only some have? The first four LVTs always exist; the
 * version register tells how many more.
 */
static bool reg_exists(const struct vapic *v, u32 reg)
{
	u32 max_lvt = v->reg[VAPIC_REG_VERSION] >> 16 & 0xff;
	u32 extended = v->reg[VAPIC_REG_EXT_FEATURE] >> 16 & 0xff;

	switch (reg) {
	case VAPIC_REG_PERF:
		return max_lvt >= 4;
	case VAPIC_REG_THERMAL:
		return max_lvt >= 5;
	case VAPIC_REG_CMCI:
		return max_lvt >= 6;
	}
	if (!(v->reg[VAPIC_REG_VERSION] & VAPIC_VERSION_EXTENDED))
		return false;
	return reg < VAPIC_REG_EXT_LVT || reg - VAPIC_REG_EXT_LVT < extended;
}

/* Those of the accesses @mode that a register allows on this APIC */
static inline u32 allowed_in(const struct vapic *v, u32 reg, u32 mode)
{
	u32 can;

	if (reg >= VAPIC_REGS)
		return 0;
	can = rules[reg].can;
	return !(can & SOME) || reg_exists(v, reg) ? can & mode : 0;
}

/* The accesses that a register allows now: some of R1 and W1, or of R2 and W2 */
static u32 allowed(const struct vapic *v, u32 reg)
{
	return allowed_in(v, reg, v->x2apic ? R2 | W2 : R1 | W1);
}

static u32 writable_here(const struct vapic *v, u32 reg)
{
	u32 bits = rules[reg].write;

	if (reg == VAPIC_REG_TIMER && !v->has_deadline)
		bits &= ~VAPIC_TIMER_DEADLINE;
	if (reg == VAPIC_REG_SVR &&
	    !(v->reg[VAPIC_REG_VERSION] & VAPIC_VERSION_NO_BROADCAST))
		bits &= ~VAPIC_SVR_NO_BROADCAST;
	return bits;
}

static inline u32 writable(const struct vapic *v, u32 reg)
{
	return rules[reg].can & VARY ? writable_here(v, reg) : rules[reg].write;
}

/**
 * vapic_read() - the world reads a register
 * @v: the vapic; in xAPIC mode the error interrupt may become pending
 * @reg: the register
 * @now: the TSC
 * @value: filled in on VAPIC_OK, with 64 bits of ICR in x2APIC mode, else 32 bits
 *
 * Return: VAPIC_OK or VAPIC_GP.
 */
int vapic_read(struct vapic *v, u32 reg, u64 now, u64 *value)
{
	*value = v->enabled ? 0 : ~0u;
	if (!v->enabled)
		return VAPIC_OK;
	if (!(allowed(v, reg) & RR)) {
		if (v->x2apic)
			return VAPIC_GP;
		if (!allowed(v, reg))
			vapic_error(v, VAPIC_ESR_REGISTER);
		return VAPIC_OK;
	}
	*value = v->reg[reg];
	if (reg == VAPIC_REG_PPR)
		*value = v->ppr;
	else if (reg == VAPIC_REG_CURRENT)
		*value = vapic_timer_count(v, now);
	else if (reg == VAPIC_REG_ICR && v->x2apic)
		*value |= (u64)v->reg[VAPIC_REG_ICR2] << 32;
	return VAPIC_OK;
}

static void send_self(struct vapic *v, u8 vector, struct vapic_effect *e)
{
	e->what |= VAPIC_EFFECT_CHECK;
	if (vector < 16)
		vapic_error(v, VAPIC_ESR_SEND_ILLEGAL);
	else
		vapic_accept(v, vector, false);
}

/*
 * Write ICR's lower half, which sends. Both manuals list combinations of shorthand and
 * delivery mode that are not valid, and processors send some of them nevertheless. The caller
 * gets them all, so that on a forwarded CPU the physical APIC still decides. The level and
 * trigger bits only have a meaning with INIT.
 */
static void send_ipi(struct vapic *v, u32 icr, struct vapic_effect *e)
{
	struct vapic_ipi *ipi = &e->ipi;

	v->reg[VAPIC_REG_ICR] = icr;
	ipi->vector = icr;
	ipi->delivery = icr >> 8 & 7;
	ipi->shorthand = icr >> 18 & 3;
	ipi->deassert = ipi->delivery == VAPIC_INIT && (icr & LVT_LEVEL) &&
		!(icr & (1u << 14));
	ipi->to.logical = icr & (1u << 11);
	ipi->to.wide = v->x2apic;
	ipi->to.dest = v->reg[VAPIC_REG_ICR2];
	if (!v->x2apic)
		ipi->to.dest >>= 24;
	if (ipi->delivery <= VAPIC_LOWEST && ipi->vector < 16) {
		vapic_error(v, VAPIC_ESR_SEND_ILLEGAL);
		e->what |= VAPIC_EFFECT_CHECK;
	} else if (ipi->delivery == VAPIC_FIXED &&
		   ipi->shorthand == VAPIC_TO_SELF) {
		send_self(v, ipi->vector, e);
	} else {
		e->what |= VAPIC_EFFECT_IPI;
	}
}

/* Let a timer that is due expire before the write takes effect. */
static void expire_timer(struct vapic *v, u64 now, struct vapic_effect *e)
{
	if (vapic_timer_fire(v, now))
		e->what |= VAPIC_EFFECT_CHECK;
	e->what |= VAPIC_EFFECT_TIMER;
}

static void write_lvt(struct vapic *v, u32 reg, u32 value, u32 bit,
		      struct vapic_effect *e)
{
	if (!vapic_software_enabled(v))
		value |= VAPIC_LVT_MASKED;
	v->reg[reg] = value | (v->reg[reg] & LVT_STATUS);
	e->what |= VAPIC_EFFECT_LVT;
	e->lvts = bit;
}

/* A change to or from TSC-deadline mode stops the timer; otherwise it counts on. */
static void write_lvt_timer(struct vapic *v, u32 value, u64 now,
			    struct vapic_effect *e)
{
	bool was_deadline = vapic_deadline_mode(v);

	expire_timer(v, now, e);
	write_lvt(v, VAPIC_REG_TIMER, value, vapic_lvt_bit(VAPIC_REG_TIMER), e);
	if (vapic_deadline_mode(v) != was_deadline)
		v->armed = false;
}

static void write_svr(struct vapic *v, u32 value, u64 now,
		      struct vapic_effect *e)
{
	bool was_enabled = v->reg[VAPIC_REG_SVR] & VAPIC_SVR_ENABLE;
	u32 lvt;

	if (was_enabled != !!(value & VAPIC_SVR_ENABLE))
		e->what |= VAPIC_EFFECT_ENABLE;
	if (was_enabled && !(value & VAPIC_SVR_ENABLE)) {
		expire_timer(v, now, e);
		for (lvt = 0; lvt < VAPIC_REGS; lvt++) {
			if (!vapic_lvt_bit(lvt))
				continue;
			v->reg[lvt] |= VAPIC_LVT_MASKED;
			e->lvts |= vapic_lvt_bit(lvt);
		}
		e->what |= VAPIC_EFFECT_LVT;
	}
	v->reg[VAPIC_REG_SVR] = value;
}

/* The timer goes on from its current count, at another speed. */
static void write_divide(struct vapic *v, u32 value, u64 now,
			 struct vapic_effect *e)
{
	u32 count;

	expire_timer(v, now, e);
	count = vapic_timer_count(v, now);
	v->reg[VAPIC_REG_DIVIDE] = value;
	if (v->armed && !vapic_deadline_mode(v))
		vapic_timer_arm(v, count, now);
}

static void write_initial(struct vapic *v, u32 value, u64 now,
			  struct vapic_effect *e)
{
	if (vapic_deadline_mode(v))
		return;
	expire_timer(v, now, e);
	v->reg[VAPIC_REG_INITIAL] = value;
	vapic_timer_arm(v, value, now);
}

/**
 * vapic_write_short() - a short way of vapic_write() for what is written most
 * @v: the vapic
 * @reg: any register
 * @value: what the world writes
 * @now: the TSC; any number unless @reg is VAPIC_REG_INITIAL
 *
 * Return: VAPIC_SHORT_NOT when vapic_write() has to do it: another register, or another
 * mode than xAPIC. Else the write is done, and what it asks of the caller: nothing, to
 * write the LVT to the physical APIC, or to ask vapic_timer_deadline().
 */
enum vapic_short vapic_write_short(struct vapic *v, u32 reg, u32 value, u64 now)
{
	if (v->x2apic || !v->enabled)
		return VAPIC_SHORT_NOT;
	if (reg == VAPIC_REG_INITIAL && !vapic_deadline_mode(v)) {
		vapic_timer_fire(v, now);
		v->reg[reg] = value;
		vapic_timer_arm(v, value, now);
		return VAPIC_SHORT_TIMER;
	}
	if (reg == VAPIC_REG_ICR2) {
		v->reg[reg] = value & rules[VAPIC_REG_ICR2].write;
		return VAPIC_SHORT_DONE;
	}
	if (reg - VAPIC_REG_LINT0 > VAPIC_REG_ERROR - VAPIC_REG_LINT0)
		return VAPIC_SHORT_NOT;
	value &= rules[reg].write;
	if (!vapic_software_enabled(v))
		value |= VAPIC_LVT_MASKED;
	v->reg[reg] = value | (v->reg[reg] & LVT_STATUS);
	return VAPIC_SHORT_LVT;
}

static void write_rare(struct vapic *v, u32 reg, u32 value, u64 now, struct vapic_effect *e)
{
	switch (reg) {
	case VAPIC_REG_TPR:
		vapic_set_tpr(v, value);
		e->what |= VAPIC_EFFECT_TPR | VAPIC_EFFECT_CHECK;
		return;
	case VAPIC_REG_TIMER:
		write_lvt_timer(v, value, now, e);
		return;
	case VAPIC_REG_DIVIDE:
		write_divide(v, value, now, e);
		return;
	case VAPIC_REG_ESR:
		v->reg[reg] = v->esr_next;
		v->esr_next = 0;
		return;
	case VAPIC_REG_SVR:
		write_svr(v, value, now, e);
		return;
	case VAPIC_REG_SELF:
		send_self(v, value, e);
		return;
	case VAPIC_REG_DFR:
		v->reg[reg] = value | 0x0fffffff;
		return;
	}
	v->reg[reg] = value;
}

/* Out of line, so that the two frequent registers need not save registers for this. */
static void __attribute__((noinline))
write_other(struct vapic *v, u32 reg, u32 value, u64 now, struct vapic_effect *e)
{
	u32 lvt = reg == VAPIC_REG_TIMER ? 0 : vapic_lvt_bit(reg);

	if (lvt)
		write_lvt(v, reg, value, lvt, e);
	else
		write_rare(v, reg, value, now, e);
}

/* Write a register; the register and all bits of the value are writable. */
static void write_allowed(struct vapic *v, u32 reg, u32 value, u64 now,
			  struct vapic_effect *e)
{
	if (reg == VAPIC_REG_INITIAL)
		write_initial(v, value, now, e);
	else if (reg == VAPIC_REG_ICR)
		send_ipi(v, value, e);
	else
		write_other(v, reg, value, now, e);
}

static int write_x2apic(struct vapic *v, u32 reg, u64 value, u64 now,
			struct vapic_effect *e)
{
	u32 bits;

	if (!(allowed(v, reg) & W2))
		return VAPIC_GP;
	bits = writable(v, reg);
	if ((u32)value & ~(bits | rules[reg].ignore))
		return VAPIC_GP;
	if (reg == VAPIC_REG_ICR)
		v->reg[VAPIC_REG_ICR2] = value >> 32;
	else if (value >> 32)
		return VAPIC_GP;
	write_allowed(v, reg, value & bits, now, e);
	return VAPIC_OK;
}

/**
 * vapic_eoi() - the world writes 0 to the EOI register
 * @v: the vapic
 * @e: filled in with the effects
 */
void vapic_eoi(struct vapic *v, struct vapic_effect *e)
{
	e->what = 0;
	e->lvts = 0;
	if (v->enabled)
		vapic_end(v, e);
}

/**
 * vapic_write() - the world writes a register
 * @v: the vapic
 * @reg: the register
 * @value: 64 bits in x2APIC mode, else only the lower 32 count
 * @now: the TSC
 * @e: filled in with what the caller has to do
 *
 * Return: VAPIC_OK, or VAPIC_GP, and then nothing has changed.
 */
int vapic_write(struct vapic *v, u32 reg, u64 value, u64 now,
		struct vapic_effect *e)
{
	u32 can;

	if (reg == VAPIC_REG_EOI && !(v->x2apic && value)) {
		vapic_eoi(v, e);
		return VAPIC_OK;
	}
	e->what = 0;
	e->lvts = 0;
	if (!v->enabled)
		return VAPIC_OK;
	if (v->x2apic)
		return write_x2apic(v, reg, value, now, e);
	can = allowed_in(v, reg, R1 | W1);
	if (can & W1) {
		write_allowed(v, reg, value & writable(v, reg), now, e);
	} else if (!can) {
		vapic_error(v, VAPIC_ESR_REGISTER);
		e->what = VAPIC_EFFECT_CHECK;
	}
	return VAPIC_OK;
}
