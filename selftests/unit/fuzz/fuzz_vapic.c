// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations on a vapic, and the same on a model of it that keeps one
 * bool a vector, looks at all 256 each time, and steps through a timer's
 * periods one by one. After each operation both have to agree on everything:
 * a lost or doubled vector, a wrong priority or a drifting timer aborts.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <regent/vapic.h>

#define CHECK(cond)	do { if (!(cond)) abort(); } while (0)
#define LVTS		11

static const u32 lvts[LVTS] = {
	VAPIC_REG_CMCI, VAPIC_REG_TIMER, VAPIC_REG_THERMAL, VAPIC_REG_PERF,
	VAPIC_REG_LINT0, VAPIC_REG_LINT1, VAPIC_REG_ERROR, VAPIC_REG_EXT_LVT,
	VAPIC_REG_EXT_LVT + 1, VAPIC_REG_EXT_LVT + 2, VAPIC_REG_EXT_LVT + 3,
};

static struct model {
	bool irr[256], isr[256], tmr[256];
	u32 tpr, ldr, dfr, svr, esr, errors, icr, icr2, initial, divide, ext;
	u32 lvt[LVTS];
	bool on, x2, amd;
	u32 id;
	u64 ratio;
	/* The timer: counts @ticks from @from on, then again and again. */
	bool armed;
	u64 from, ticks, deadline;
} m;

static struct vapic v;
static u64 now;

struct input {
	const u8 *data;
	size_t size;
};

static u64 take(struct input *in, size_t n)
{
	u64 value = 0;

	if (n > in->size)
		n = in->size;
	memcpy(&value, in->data, n);
	in->data += n;
	in->size -= n;
	return value;
}

static int lvt_index(u32 reg)
{
	int i;

	for (i = 0; i < LVTS; i++)
		if (lvts[i] == reg)
			return i;
	return -1;
}

static u32 *lvt_of(u32 reg)
{
	return &m.lvt[lvt_index(reg)];
}

static int top(const bool *set)
{
	int i;

	for (i = 255; i >= 0 && !set[i]; i--)
		;
	return i;
}

static u32 model_ppr(void)
{
	int isrv = top(m.isr);

	if (isrv < 0 || isrv / 16 <= (int)m.tpr / 16)
		return m.tpr;
	return isrv / 16 * 16;
}

static int model_pending(void)
{
	int irrv = top(m.irr);

	return irrv / 16 > (int)model_ppr() / 16 ? irrv : -1;
}

static void model_error(u32 bit);

static int model_accept(u8 vector, bool level)
{
	if (!m.on || !(m.svr & 0x100))
		return VAPIC_REFUSED;
	if (vector < 16) {
		model_error(0x40);
		return VAPIC_REFUSED;
	}
	m.tmr[vector] = level;
	if (m.irr[vector])
		return VAPIC_COALESCED;
	m.irr[vector] = true;
	return VAPIC_ACCEPTED;
}

static int model_raise(u32 reg)
{
	u32 *lvt = lvt_of(reg), was = *lvt;
	int mode = was >> 8 & 7;

	if (!m.on || (was & 0x10000))
		return VAPIC_MASKED;
	if (reg == VAPIC_REG_PERF && !m.amd)
		*lvt |= 0x10000;
	if (mode == 1 || mode == 3 || mode == 6)
		return VAPIC_MASKED;
	if (mode == 0)
		model_accept(was & 0xff, (was & 0x8000) &&
			     (reg == VAPIC_REG_LINT0 || reg == VAPIC_REG_LINT1));
	return mode;
}

static void model_error(u32 bit)
{
	u32 before = m.errors;

	m.errors |= bit;
	if (!before)
		model_raise(VAPIC_REG_ERROR);
}

static int timer_mode(void)
{
	return *lvt_of(VAPIC_REG_TIMER) >> 17 & 3;
}

static int timer_divisor(void)
{
	static const int divisors[16] = {
		2, 4, 8, 16, 2, 4, 8, 16, 32, 64, 128, 1, 32, 64, 128, 1,
	};

	return divisors[m.divide & 15];
}

static u64 model_ticks(void)
{
	return (unsigned __int128)(now - m.from) * m.ratio >> 48;
}

static void model_arm(u32 count)
{
	m.armed = count;
	m.from = now;
	m.ticks = (u64)count * timer_divisor();
}

static u64 model_period(void)
{
	return (u64)m.initial * timer_divisor();
}

static void model_fire(void)
{
	bool due = timer_mode() & 2 ? now >= m.deadline
				    : model_ticks() >= m.ticks;

	if (!m.armed || !due)
		return;
	if (timer_mode() == 1 && m.initial) {
		u64 ticks = model_ticks();

		/* The first thousand one by one: enough to find mistakes. */
		if ((ticks - m.ticks) / model_period() > 1000)
			m.ticks += (ticks - m.ticks) / model_period() *
				   model_period();
		while (m.ticks <= ticks)
			m.ticks += model_period();
	} else {
		m.armed = false;
	}
	model_raise(VAPIC_REG_TIMER);
}

static u32 model_count(void)
{
	u64 end = m.ticks;

	if (!m.armed || (timer_mode() & 2))
		return 0;
	if (timer_mode() == 1 && m.initial && end <= model_ticks())
		end += ((model_ticks() - end) / model_period() + 1) *
			model_period();
	if (end <= model_ticks())
		return 0;
	return (end - model_ticks() + timer_divisor() - 1) / timer_divisor();
}

static void model_reset(void)
{
	int i;

	memset(m.irr, 0, sizeof(m.irr));
	memset(m.isr, 0, sizeof(m.isr));
	memset(m.tmr, 0, sizeof(m.tmr));
	for (i = 0; i < LVTS; i++)
		m.lvt[i] = 0x10000;
	m.tpr = m.esr = m.errors = m.icr = m.icr2 = m.initial = m.divide = 0;
	m.ext = 0;
	m.ldr = m.x2 ? m.id / 16 << 16 | 1u << m.id % 16 : 0;
	m.dfr = ~0u;
	m.svr = 0xff;
	m.armed = false;
}

static bool there(u32 reg)
{
	int lvt = lvt_index(reg);

	if (reg >= VAPIC_REG_EXT_LVT && lvt >= 0)
		return m.amd && reg < VAPIC_REG_EXT_LVT + 3;
	if (reg == VAPIC_REG_EXT_FEATURE || reg == VAPIC_REG_EXT_CONTROL)
		return m.amd;
	if (reg == VAPIC_REG_CMCI)
		return !m.amd;
	return true;
}

/* Bits that can be written, or -1 when the register can't be. */
static s64 model_writable(u32 reg)
{
	if (!there(reg))
		return -1;
	switch (reg) {
	case VAPIC_REG_TPR:
		return 0xff;
	case VAPIC_REG_EOI:
		return 0;
	case VAPIC_REG_LDR:
		return m.x2 ? -1 : (s64)0xff000000;
	case VAPIC_REG_DFR:
		return m.x2 ? -1 : (s64)0xf0000000;
	case VAPIC_REG_SVR:
		return m.amd ? 0x3ff : 0x13ff;
	case VAPIC_REG_ESR:
		return 0;
	case VAPIC_REG_ICR:
		return 0xccfff;
	case VAPIC_REG_ICR2:
		return m.x2 ? -1 : (s64)0xff000000;
	case VAPIC_REG_TIMER:
		return m.amd ? 0x300ff : 0x700ff;
	case VAPIC_REG_LINT0:
	case VAPIC_REG_LINT1:
		return 0x1a7ff;
	case VAPIC_REG_ERROR:
		return 0x100ff;
	case VAPIC_REG_INITIAL:
		return 0xffffffff;
	case VAPIC_REG_DIVIDE:
		return 0xb;
	case VAPIC_REG_SELF:
		return m.x2 ? 0xff : -1;
	case VAPIC_REG_EXT_CONTROL:
		return 4;
	}
	return lvt_index(reg) >= 0 ? 0x107ff : -1;
}

static bool readable(u32 reg)
{
	if (!there(reg))
		return false;
	if (reg >= VAPIC_REG_ISR && reg < VAPIC_REG_IRR + 8)
		return true;
	switch (reg) {
	case VAPIC_REG_ID: case VAPIC_REG_VERSION: case VAPIC_REG_PPR:
	case VAPIC_REG_LDR: case VAPIC_REG_CURRENT: case VAPIC_REG_EXT_FEATURE:
		return true;
	case VAPIC_REG_APR: case VAPIC_REG_RRD: case VAPIC_REG_EOI:
		return !m.x2;
	case VAPIC_REG_SELF:
		return false;
	}
	return model_writable(reg) >= 0;
}

static u32 vector_word(const bool *set)
{
	u32 word = 0;
	int i;

	for (i = 0; i < 32; i++)
		word |= (u32)set[i] << i;
	return word;
}

static u64 model_read(u32 reg)
{
	if (reg >= VAPIC_REG_ISR && reg < VAPIC_REG_ISR + 8)
		return vector_word(&m.isr[(reg - VAPIC_REG_ISR) * 32]);
	if (reg >= VAPIC_REG_TMR && reg < VAPIC_REG_TMR + 8)
		return vector_word(&m.tmr[(reg - VAPIC_REG_TMR) * 32]);
	if (reg >= VAPIC_REG_IRR && reg < VAPIC_REG_IRR + 8)
		return vector_word(&m.irr[(reg - VAPIC_REG_IRR) * 32]);
	switch (reg) {
	case VAPIC_REG_ID:
		return m.x2 ? m.id : m.id << 24;
	case VAPIC_REG_VERSION:
		return m.amd ? 0x80050010 : 0x01060015;
	case VAPIC_REG_TPR:
		return m.tpr;
	case VAPIC_REG_PPR:
		return model_ppr();
	case VAPIC_REG_LDR:
		return m.ldr;
	case VAPIC_REG_DFR:
		return m.dfr;
	case VAPIC_REG_SVR:
		return m.svr;
	case VAPIC_REG_ESR:
		return m.esr;
	case VAPIC_REG_ICR:
		return m.icr | (m.x2 ? (u64)m.icr2 << 32 : 0);
	case VAPIC_REG_ICR2:
		return m.icr2;
	case VAPIC_REG_INITIAL:
		return m.initial;
	case VAPIC_REG_CURRENT:
		return model_count();
	case VAPIC_REG_DIVIDE:
		return m.divide;
	case VAPIC_REG_EXT_FEATURE:
		return 0x00030000;
	case VAPIC_REG_EXT_CONTROL:
		return m.ext;
	}
	return lvt_index(reg) >= 0 ? *lvt_of(reg) : 0;
}

static void model_eoi(const struct vapic_effect *e)
{
	int vector = top(m.isr);

	CHECK(!!(e->what & VAPIC_EFFECT_EOI) == (vector >= 0));
	if (vector < 0)
		return;
	m.isr[vector] = false;
	CHECK(e->eoi_vector == vector && e->eoi_level == m.tmr[vector]);
	CHECK(e->eoi_broadcast == (m.tmr[vector] && !(m.svr & 0x1000)));
}

static void model_icr(const struct vapic_effect *e)
{
	int mode = m.icr >> 8 & 7, to = m.icr >> 18 & 3;
	u8 vector = m.icr;
	bool sent = false;

	if (mode < 2 && vector < 16)
		model_error(0x20);
	else if (mode == 0 && to == 1)
		model_accept(vector, false);
	else
		sent = true;
	CHECK(!!(e->what & VAPIC_EFFECT_IPI) == sent);
	if (!sent)
		return;
	CHECK(e->ipi.vector == vector && e->ipi.delivery == mode);
	CHECK(e->ipi.shorthand == to && e->ipi.to.wide == m.x2);
	CHECK(e->ipi.to.logical == !!(m.icr & 0x800));
	CHECK(e->ipi.to.dest == (m.x2 ? m.icr2 : m.icr2 >> 24));
}

static void model_lvt(u32 reg, u32 value)
{
	int old = timer_mode();

	if (reg == VAPIC_REG_TIMER)
		model_fire();
	*lvt_of(reg) = value | (m.svr & 0x100 ? 0 : 0x10000);
	if ((old ^ timer_mode()) & 2)
		m.armed = false;
}

static void model_svr(u32 value)
{
	int i;

	if ((m.svr & 0x100) && !(value & 0x100)) {
		model_fire();
		for (i = 0; i < LVTS; i++)
			m.lvt[i] |= 0x10000;
	}
	m.svr = value;
}

static void model_timer(u32 reg, u32 value)
{
	u32 count;

	if (reg == VAPIC_REG_INITIAL && (timer_mode() & 2))
		return;
	model_fire();
	count = model_count();
	if (reg == VAPIC_REG_INITIAL)
		m.initial = count = value;
	else
		m.divide = value;
	if (reg == VAPIC_REG_INITIAL || (m.armed && !(timer_mode() & 2)))
		model_arm(count);
}

static void model_store(u32 reg, u32 value, const struct vapic_effect *e)
{
	switch (reg) {
	case VAPIC_REG_TPR:
		m.tpr = value;
		return;
	case VAPIC_REG_EOI:
		model_eoi(e);
		return;
	case VAPIC_REG_LDR:
		m.ldr = value;
		return;
	case VAPIC_REG_DFR:
		m.dfr = value | 0x0fffffff;
		return;
	case VAPIC_REG_SVR:
		model_svr(value);
		return;
	case VAPIC_REG_ESR:
		m.esr = m.errors;
		m.errors = 0;
		return;
	case VAPIC_REG_ICR:
		m.icr = value;
		model_icr(e);
		return;
	case VAPIC_REG_ICR2:
		m.icr2 = value;
		return;
	case VAPIC_REG_INITIAL:
	case VAPIC_REG_DIVIDE:
		model_timer(reg, value);
		return;
	case VAPIC_REG_EXT_CONTROL:
		m.ext = value;
		return;
	case VAPIC_REG_SELF:
		if (value < 16)
			model_error(0x20);
		else
			model_accept(value, false);
		return;
	}
	model_lvt(reg, value);
}

static void op_write(u32 reg, u64 value)
{
	s64 can = model_writable(reg);
	u64 reserved = ~can & ~(u64)(lvt_index(reg) >= 0 ? 0x5000 : 0);
	struct vapic_effect e;
	int result;

	if (reg == VAPIC_REG_ICR)
		reserved = (u32)reserved & ~0x1000u;
	if (reg == VAPIC_REG_EXT_CONTROL)
		reserved &= ~3ull;
	memset(&e, 0xa5, sizeof(e));
	result = vapic_write(&v, reg, value, now, &e);
	if (m.x2 && (can < 0 || (value & reserved))) {
		CHECK(result == VAPIC_GP);
		return;
	}
	CHECK(result == VAPIC_OK);
	if (!m.on) {
		CHECK(!e.what);
		return;
	}
	if (can < 0) {
		if (!readable(reg))
			model_error(0x80);
		return;
	}
	if (m.x2 && reg == VAPIC_REG_ICR)
		m.icr2 = value >> 32;
	model_store(reg, value & can, &e);
	/* Whatever became pending has to be announced. */
	if (model_pending() >= 0 && (e.what & VAPIC_EFFECT_EOI))
		CHECK(e.what & VAPIC_EFFECT_CHECK);
}

static void op_read(u32 reg)
{
	u64 value;
	int result = vapic_read(&v, reg, now, &value);

	if (!m.on) {
		CHECK(result == VAPIC_OK && value == 0xffffffff);
	} else if (readable(reg)) {
		CHECK(result == VAPIC_OK && value == model_read(reg));
	} else if (m.x2) {
		CHECK(result == VAPIC_GP);
	} else {
		CHECK(result == VAPIC_OK && !value);
		if (model_writable(reg) < 0)
			model_error(0x80);
	}
}

static void op_deadline(u64 value)
{
	struct vapic_effect e;

	vapic_write_deadline(&v, value, now, &e);
	if (!(timer_mode() & 2)) {
		CHECK(!e.what);
		return;
	}
	model_fire();
	m.armed = value;
	m.deadline = value;
	model_fire();
	CHECK(vapic_read_deadline(&v, now) == (m.armed ? value : 0));
}

static void op_base(u64 base)
{
	bool on = base & VAPIC_BASE_ENABLE, x2 = base & VAPIC_BASE_X2APIC;
	bool bad = (x2 && !on) || (x2 && !m.on) || (m.x2 && on && !x2);

	CHECK(vapic_set_base(&v, base) == (bad ? VAPIC_GP : VAPIC_OK));
	if (bad || (on == m.on && x2 == m.x2))
		return;
	m.on = on;
	m.x2 = x2;
	if (x2) {
		m.icr2 = 0;
		m.ldr = m.id / 16 << 16 | 1u << m.id % 16;
	} else {
		model_reset();
	}
}

static void op_ack(u8 vector)
{
	int pending = vapic_pending(&v);

	CHECK(pending == model_pending());
	if (pending >= 0)
		vector = pending;
	CHECK(vapic_ack(&v, vector) == m.irr[vector]);
	if (m.irr[vector])
		m.isr[vector] = true;
	m.irr[vector] = false;
}

static void compare(void)
{
	struct vapic_left left;
	u64 deadline = vapic_timer_deadline(&v);
	u32 reg;
	int i;

	for (reg = VAPIC_REG_ISR; reg < VAPIC_REG_IRR + 8; reg++)
		CHECK(v.reg[reg] == model_read(reg));
	for (i = 0; i < 8; i++) {
		CHECK(!!v.reg[VAPIC_REG_IRR + i] == (v.irr_words >> i & 1));
		CHECK(!!v.reg[VAPIC_REG_ISR + i] == (v.isr_words >> i & 1));
	}
	CHECK(v.irrv == (top(m.irr) < 0 ? 0 : top(m.irr)));
	CHECK(v.isrv == (top(m.isr) < 0 ? 0 : top(m.isr)));
	CHECK(vapic_pending(&v) == model_pending());
	CHECK(v.ppr == model_ppr());
	CHECK(vapic_leave(&v, now, &left) == (top(m.isr) < 0));
	CHECK(left.remaining == model_count());
	for (i = 0; i < LVTS; i++)
		CHECK(v.reg[lvts[i]] == m.lvt[i]);
	CHECK(v.armed == m.armed && v.esr_next == m.errors);
	CHECK(v.enabled == m.on && v.x2apic == m.x2);
	if (!m.armed || (*lvt_of(VAPIC_REG_TIMER) & 0x10000))
		CHECK(deadline == VAPIC_NEVER);
	else if (timer_mode() & 2)
		CHECK(deadline == m.deadline);
	else if (deadline != VAPIC_NEVER)	/* its first tick, not before */
		CHECK((u64)((unsigned __int128)(deadline - m.from) *
			    m.ratio >> 48) >= m.ticks &&
		      (u64)((unsigned __int128)(deadline - 1 - m.from) *
			    m.ratio >> 48) < m.ticks);
}

static void start(struct input *in)
{
	static const u32 clocks[][2] = {
		{ 1, 1 }, { 1000, 1000 }, { 24000, 2903995 }, { 100, 3 },
		{ 60000, 1 }, { 1, 5000 }, { 19200, 2400001 }, { 333, 1000 },
	};
	struct vapic_snapshot s = { .has_deadline = true };
	u8 how = take(in, 1);
	int i;

	memset(&m, 0, sizeof(m));
	now = take(in, 4);
	m.on = true;
	m.x2 = how & 1;
	m.amd = how & 2;
	m.id = take(in, m.x2 ? 4 : 1);
	model_reset();
	m.svr = 0x1ff;
	s.base = VAPIC_BASE_ENABLE | (m.x2 ? VAPIC_BASE_X2APIC : 0);
	s.id = m.id;
	s.has_deadline = s.perf_masks = !m.amd;
	s.bus_hz = clocks[how >> 5][0];
	s.tsc_hz = clocks[how >> 5][1];
	m.ratio = ((unsigned __int128)s.bus_hz << 48) / s.tsc_hz;
	s.reg[VAPIC_REG_VERSION] = m.amd ? 0x80050010 : 0x01060015;
	s.reg[VAPIC_REG_EXT_FEATURE] = m.amd ? 0x00030003 : 0;
	s.reg[VAPIC_REG_SVR] = m.svr;
	s.reg[VAPIC_REG_DFR] = m.dfr;
	for (i = 0; i < LVTS; i++)
		s.reg[lvts[i]] = m.lvt[i];
	vapic_load(&v, &s, now);
}

static void step(struct input *in)
{
	u8 op = take(in, 1), arg = take(in, 1);

	/* Mostly registers that there are, some that there are not. */
	switch (op & 15) {
	case 0: case 1: case 2:
		op_write(arg & 0x7f, take(in, arg & 0x80 ? 4 : 8));
		break;
	case 3:
		op_write(arg & 0x7f, take(in, 1));
		break;
	case 4: case 5:
		op_read(arg & 0x7f);
		break;
	case 6: case 7:
		CHECK(vapic_accept(&v, arg, op & 0x80) ==
		      model_accept(arg, op & 0x80));
		break;
	case 8: case 9:
		op_ack(arg);
		break;
	case 10:
		op_write(VAPIC_REG_EOI, 0);
		break;
	case 11:
		now += take(in, arg & 7 ? 2 : 5);
		break;
	case 12:
		vapic_timer_fire(&v, now);
		model_fire();
		break;
	case 13:
		op_deadline(arg & 0x80 ? now + take(in, 2) : take(in, 3));
		break;
	case 14:
		CHECK(vapic_raise(&v, lvts[arg % LVTS]) ==
		      model_raise(lvts[arg % LVTS]));
		break;
	case 15:
		op_base((u64)(arg & 3) << 10);
		break;
	}
	compare();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size < 4096 ? size : 4096 };

	start(&in);
	while (in.size)
		step(&in);
	return 0;
}
