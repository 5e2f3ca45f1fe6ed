// SPDX-License-Identifier: GPL-2.0-only
/* The virtual local APIC: what the manuals say, one sentence a test. */
#include <regent/vapic.h>
#include "unit.h"

#define VERSION		0x01060015u	/* seven LVTs, no-broadcast bit */
#define VERSION_AMD	0x80050010u

static struct vapic v;
static struct vapic_effect e;

/* A bus clock of a quarter of the TSC, divided by one. */
static struct vapic_snapshot found(bool x2apic, u32 id)
{
	struct vapic_snapshot s = {
		.base = VAPIC_BASE_ENABLE | (x2apic ? VAPIC_BASE_X2APIC : 0),
		.id = id, .has_deadline = true, .perf_masks = true,
		.bus_hz = 250, .tsc_hz = 1000,
	};
	u32 reg;

	s.reg[VAPIC_REG_VERSION] = VERSION;
	s.reg[VAPIC_REG_SVR] = VAPIC_SVR_ENABLE | 0xff;
	s.reg[VAPIC_REG_DFR] = ~0u;
	s.reg[VAPIC_REG_DIVIDE] = 0xb;
	for (reg = 0; reg < VAPIC_REGS; reg++)
		if (vapic_lvt_bit(reg))
			s.reg[reg] = VAPIC_LVT_MASKED;
	return s;
}

static void start(bool x2apic, u32 id)
{
	struct vapic_snapshot s = found(x2apic, id);

	memset(&v, 0xa5, sizeof(v));
	vapic_load(&v, &s, 0);
}

static int put(u32 reg, u64 value, u64 now)
{
	memset(&e, 0xa5, sizeof(e));
	return vapic_write(&v, reg, value, now, &e);
}

static u64 get(u32 reg, u64 now)
{
	u64 value = 0xdead;

	assert_int_equal(vapic_read(&v, reg, now, &value), VAPIC_OK);
	return value;
}

static int get_error(u32 reg)
{
	u64 value;

	return vapic_read(&v, reg, 0, &value);
}

static int xapic(void **state)
{
	(void)state;
	start(false, 3);
	return 0;
}

static int x2apic(void **state)
{
	(void)state;
	start(true, 0x25);
	return 0;
}

static void nothing_is_pending_at_first(void **state)
{
	(void)state;
	assert_int_equal(vapic_pending(&v), VAPIC_NONE);
	assert_true(vapic_can_leave(&v));
	assert_int_equal(vapic_timer_deadline(&v), VAPIC_NEVER);
	assert_int_equal(get(VAPIC_REG_ID, 0), 3u << 24);
	assert_int_equal(get(VAPIC_REG_VERSION, 0), VERSION);
}

static void the_highest_comes_first(void **state)
{
	static const u8 vectors[] = { 0x31, 0xfe, 0x10, 0x80, 0x7f, 0xff };
	static const u8 sorted[] = { 0xff, 0xfe, 0x80, 0x7f, 0x31, 0x10 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(vectors); i++)
		assert_int_equal(vapic_accept(&v, vectors[i], false),
				 VAPIC_ACCEPTED);
	assert_int_equal(vapic_accept(&v, 0x80, false), VAPIC_COALESCED);
	for (i = 0; i < ARRAY_SIZE(sorted); i++) {
		assert_int_equal(vapic_pending(&v), sorted[i]);
		assert_true(vapic_ack(&v, sorted[i]));
		assert_false(vapic_ack(&v, sorted[i]));
		assert_int_equal(v.ppr, sorted[i] & 0xf0);
		assert_int_equal(put(VAPIC_REG_EOI, 0, 0), VAPIC_OK);
		assert_true(e.what & VAPIC_EFFECT_EOI);
		assert_int_equal(e.eoi_vector, sorted[i]);
		assert_false(e.eoi_level);
	}
	assert_int_equal(vapic_pending(&v), VAPIC_NONE);
	put(VAPIC_REG_EOI, 0, 0);
	assert_int_equal(e.what, 0);
}

static void classes_nest(void **state)
{
	(void)state;
	vapic_accept(&v, 0x45, false);
	vapic_ack(&v, 0x45);
	vapic_accept(&v, 0x4f, false);		/* same class: has to wait */
	assert_int_equal(vapic_pending(&v), VAPIC_NONE);
	vapic_accept(&v, 0x50, false);
	assert_int_equal(vapic_pending(&v), 0x50);
	vapic_ack(&v, 0x50);
	assert_int_equal(get(VAPIC_REG_PPR, 0), 0x50);
	put(VAPIC_REG_EOI, 0, 0);
	assert_int_equal(e.eoi_vector, 0x50);
	assert_int_equal(get(VAPIC_REG_PPR, 0), 0x40);
	assert_int_equal(vapic_pending(&v), VAPIC_NONE);
	vapic_set_tpr(&v, 0x4a);		/* the same class: TPR, whole */
	assert_int_equal(get(VAPIC_REG_PPR, 0), 0x4a);
	vapic_set_tpr(&v, 0);
	put(VAPIC_REG_EOI, 0, 0);
	assert_int_equal(e.eoi_vector, 0x45);
	assert_int_equal(vapic_pending(&v), 0x4f);
}

static void tpr_holds_back(void **state)
{
	(void)state;
	vapic_accept(&v, 0x55, false);
	put(VAPIC_REG_TPR, 0x5a, 0);
	assert_int_equal(e.what, VAPIC_EFFECT_TPR | VAPIC_EFFECT_CHECK);
	assert_int_equal(vapic_pending(&v), VAPIC_NONE);
	assert_int_equal(get(VAPIC_REG_PPR, 0), 0x5a);
	put(VAPIC_REG_TPR, 0xffffff4f, 0);
	assert_int_equal(get(VAPIC_REG_TPR, 0), 0x4f);
	assert_int_equal(vapic_pending(&v), 0x55);
	vapic_set_tpr(&v, 0xf0);
	assert_int_equal(vapic_pending(&v), VAPIC_NONE);
}

static void level_needs_a_broadcast(void **state)
{
	(void)state;
	vapic_accept(&v, 0x61, true);
	assert_int_equal(get(VAPIC_REG_TMR + 3, 0), 2);
	vapic_ack(&v, 0x61);
	put(VAPIC_REG_EOI, 0, 0);
	assert_true(e.eoi_level && e.eoi_broadcast);
	put(VAPIC_REG_SVR, 0x1ff | VAPIC_SVR_NO_BROADCAST, 0);
	vapic_accept(&v, 0x61, true);
	vapic_ack(&v, 0x61);
	put(VAPIC_REG_EOI, 0, 0);
	assert_true(e.eoi_level && !e.eoi_broadcast);
	vapic_accept(&v, 0x61, false);		/* TMR follows the last one */
	assert_int_equal(get(VAPIC_REG_TMR + 3, 0), 0);
}

static void illegal_vectors_are_errors(void **state)
{
	(void)state;
	put(VAPIC_REG_ERROR, 0xfe, 0);
	assert_int_equal(vapic_accept(&v, 15, false), VAPIC_REFUSED);
	assert_int_equal(get(VAPIC_REG_ESR, 0), 0);	/* not before a write */
	assert_int_equal(vapic_pending(&v), 0xfe);
	put(VAPIC_REG_ICR, 0x000c000f, 0);
	assert_int_equal(e.what, VAPIC_EFFECT_CHECK);
	put(VAPIC_REG_ESR, 0, 0);
	assert_int_equal(get(VAPIC_REG_ESR, 0), VAPIC_ESR_RECEIVE_ILLEGAL |
			 VAPIC_ESR_SEND_ILLEGAL);
	put(VAPIC_REG_ESR, 0, 0);
	assert_int_equal(get(VAPIC_REG_ESR, 0), 0);
}

static void the_error_interrupt_is_armed_by_esr(void **state)
{
	(void)state;
	put(VAPIC_REG_ERROR, 0xfe, 0);
	get(0x3d, 0);
	vapic_ack(&v, 0xfe);
	put(VAPIC_REG_EOI, 0, 0);
	get(0x3d, 0);
	assert_int_equal(vapic_pending(&v), VAPIC_NONE);
	put(VAPIC_REG_ESR, 0, 0);
	get(0x3d, 0);
	assert_int_equal(vapic_pending(&v), 0xfe);
	put(VAPIC_REG_ERROR, 0x01, 0);		/* itself illegal: no end */
	put(VAPIC_REG_ESR, 0, 0);
	get(0x3d, 0);
	put(VAPIC_REG_ESR, 0, 0);
	assert_int_equal(get(VAPIC_REG_ESR, 0), VAPIC_ESR_REGISTER |
			 VAPIC_ESR_RECEIVE_ILLEGAL);
}

static void xapic_ignores_what_is_reserved(void **state)
{
	(void)state;
	put(VAPIC_REG_ID, 0, 0);
	put(VAPIC_REG_VERSION, 0, 0);
	put(VAPIC_REG_IRR, 0xffffffff, 0);
	assert_int_equal(get(VAPIC_REG_ID, 0), 3u << 24);
	assert_int_equal(get(VAPIC_REG_IRR, 0), 0);
	put(VAPIC_REG_DFR, 0, 0);
	assert_int_equal(get(VAPIC_REG_DFR, 0), 0x0fffffff);
	put(VAPIC_REG_LDR, 0xffffffff, 0);
	assert_int_equal(get(VAPIC_REG_LDR, 0), 0xff000000);
	put(VAPIC_REG_TIMER, 0xffffffff, 0);
	assert_int_equal(get(VAPIC_REG_TIMER, 0), 0x000700ff);
	put(VAPIC_REG_LINT0, 0xffffffff, 0);
	assert_int_equal(get(VAPIC_REG_LINT0, 0), 0x0001a7ff);
	put(VAPIC_REG_PERF, 0xffffffff, 0);
	assert_int_equal(get(VAPIC_REG_PERF, 0), 0x000107ff);
	put(VAPIC_REG_DIVIDE, 0xffffffff, 0);
	assert_int_equal(get(VAPIC_REG_DIVIDE, 0), 0xb);
	put(VAPIC_REG_ESR, 0xffffffff, 0);
	assert_int_equal(get(VAPIC_REG_ESR, 0), 0);
	put(VAPIC_REG_SELF, 0x40, 0);		/* only in x2APIC mode */
	assert_int_equal(vapic_pending(&v), VAPIC_NONE);
	get(0x1000, 0);
	put(VAPIC_REG_ESR, 0, 0);
	assert_int_equal(get(VAPIC_REG_ESR, 0), VAPIC_ESR_REGISTER);
}

static void x2apic_faults_on_what_is_reserved(void **state)
{
	static const u32 faults[][2] = {
		{ VAPIC_REG_ID, 0 }, { VAPIC_REG_VERSION, 0 },
		{ VAPIC_REG_EOI, 1 }, { VAPIC_REG_TPR, 0x100 },
		{ VAPIC_REG_LDR, 0 }, { VAPIC_REG_DFR, ~0u },
		{ VAPIC_REG_SVR, 0x400 }, { VAPIC_REG_ESR, 1 },
		{ VAPIC_REG_ICR, 1u << 13 }, { VAPIC_REG_ICR, 1u << 16 },
		{ VAPIC_REG_ICR, 1u << 20 }, { VAPIC_REG_ICR2, 0 },
		{ VAPIC_REG_TIMER, 1u << 19 }, { VAPIC_REG_TIMER, 1u << 8 },
		{ VAPIC_REG_CURRENT, 0 }, { VAPIC_REG_DIVIDE, 4 },
		{ VAPIC_REG_SELF, 0x100 }, { VAPIC_REG_IRR, 0 },
		{ VAPIC_REG_APR, 0 }, { 0x3a, 0 }, { 0x1000, 0 },
		{ VAPIC_REG_EXT_FEATURE, 0 }, { VAPIC_REG_EXT_LVT, 0 },
	};
	struct vapic before = v;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(faults); i++)
		assert_int_equal(put(faults[i][0], faults[i][1], 0), VAPIC_GP);
	assert_int_equal(put(VAPIC_REG_TPR, 1ull << 32, 0), VAPIC_GP);
	assert_int_equal(put(VAPIC_REG_EOI, 1ull << 32, 0), VAPIC_GP);
	assert_int_equal(get_error(VAPIC_REG_EOI), VAPIC_GP);
	assert_int_equal(get_error(VAPIC_REG_SELF), VAPIC_GP);
	assert_int_equal(get_error(VAPIC_REG_DFR), VAPIC_GP);
	assert_int_equal(get_error(VAPIC_REG_ICR2), VAPIC_GP);
	assert_int_equal(get_error(VAPIC_REG_APR), VAPIC_GP);
	assert_memory_equal(&v, &before, sizeof(v));
	assert_int_equal(put(VAPIC_REG_EOI, 0, 0), VAPIC_OK);
	assert_int_equal(put(VAPIC_REG_ICR, (1u << 12) | 0xc0041, 0), VAPIC_OK);
	assert_int_equal(get(VAPIC_REG_ICR, 0), 0xc0041);
}

static void versions_tell_what_is_there(void **state)
{
	struct vapic_snapshot s = found(true, 1);

	(void)state;
	s.has_deadline = false;
	s.reg[VAPIC_REG_VERSION] = VERSION_AMD;
	s.reg[VAPIC_REG_EXT_FEATURE] = 0x00040007;
	vapic_load(&v, &s, 0);
	assert_int_equal(get(VAPIC_REG_EXT_FEATURE, 0), 0x00040004);
	assert_int_equal(put(VAPIC_REG_EXT_LVT + 3, 0x400, 0), VAPIC_OK);
	assert_int_equal(e.what, VAPIC_EFFECT_LVT);
	assert_int_equal(e.lvts, vapic_lvt_bit(VAPIC_REG_EXT_LVT + 3));
	assert_int_equal(put(VAPIC_REG_CMCI, 0, 0), VAPIC_GP);
	assert_int_equal(put(VAPIC_REG_THERMAL, 0x10000, 0), VAPIC_OK);
	assert_int_equal(put(VAPIC_REG_TIMER, VAPIC_TIMER_DEADLINE, 0),
			 VAPIC_GP);
	assert_int_equal(put(VAPIC_REG_SVR, VAPIC_SVR_NO_BROADCAST, 0),
			 VAPIC_GP);
	s.reg[VAPIC_REG_VERSION] = 0x00030010;
	vapic_load(&v, &s, 0);
	assert_int_equal(get_error(VAPIC_REG_PERF), VAPIC_GP);
	assert_int_equal(get_error(VAPIC_REG_THERMAL), VAPIC_GP);
	assert_int_equal(get_error(VAPIC_REG_EXT_LVT), VAPIC_GP);
}

static void icr_is_decoded(void **state)
{
	(void)state;
	put(VAPIC_REG_ICR2, 0x42ffffff, 0);
	assert_int_equal(e.what, 0);
	assert_int_equal(get(VAPIC_REG_ICR2, 0), 0x42000000);
	put(VAPIC_REG_ICR, 0xfff3f9e1, 0);
	assert_int_equal(e.what, VAPIC_EFFECT_IPI);
	assert_int_equal(get(VAPIC_REG_ICR, 0), 0x0000c9e1);
	assert_int_equal(e.ipi.vector, 0xe1);
	assert_int_equal(e.ipi.delivery, VAPIC_LOWEST);
	assert_int_equal(e.ipi.shorthand, VAPIC_TO_DEST);
	assert_true(e.ipi.to.logical);
	assert_false(e.ipi.to.wide);
	assert_int_equal(e.ipi.to.dest, 0x42);
	put(VAPIC_REG_ICR, 0x0000c500, 0);
	assert_int_equal(e.ipi.delivery, VAPIC_INIT);
	assert_false(e.ipi.deassert);
	put(VAPIC_REG_ICR, 0x00008500, 0);
	assert_true(e.ipi.deassert);
	put(VAPIC_REG_ICR, 0x000c0400, 0);	/* NMI: its vector is ignored */
	assert_int_equal(e.what, VAPIC_EFFECT_IPI);
	assert_int_equal(e.ipi.delivery, VAPIC_NMI);
	assert_int_equal(e.ipi.shorthand, VAPIC_TO_OTHERS);
}

static void x2apic_icr_has_64_bits(void **state)
{
	(void)state;
	assert_int_equal(put(VAPIC_REG_ICR, 0x12345678000000f3, 0), VAPIC_OK);
	assert_int_equal(e.what, VAPIC_EFFECT_IPI);
	assert_int_equal(e.ipi.to.dest, 0x12345678);
	assert_true(e.ipi.to.wide);
	assert_int_equal(get(VAPIC_REG_ICR, 0), 0x12345678000000f3);
	assert_int_equal(get(VAPIC_REG_ID, 0), 0x25);
	assert_int_equal(get(VAPIC_REG_LDR, 0), 0x00020020);
}

static void self_ipis_stay_here(void **state)
{
	(void)state;
	assert_int_equal(put(VAPIC_REG_SELF, 0x70, 0), VAPIC_OK);
	assert_int_equal(e.what, VAPIC_EFFECT_CHECK);
	assert_int_equal(vapic_pending(&v), 0x70);
	put(VAPIC_REG_ICR, 0x40071, 0);
	assert_int_equal(e.what, VAPIC_EFFECT_CHECK);
	assert_int_equal(vapic_pending(&v), 0x71);
	put(VAPIC_REG_ICR, 0x40400, 0);		/* an NMI to oneself does not */
	assert_int_equal(e.what, VAPIC_EFFECT_IPI);
	assert_int_equal(put(VAPIC_REG_SELF, 0x0f, 0), VAPIC_OK);
	put(VAPIC_REG_ESR, 0, 0);
	assert_int_equal(get(VAPIC_REG_ESR, 0), VAPIC_ESR_SEND_ILLEGAL);
}

static void software_disable_masks_lvts(void **state)
{
	(void)state;
	put(VAPIC_REG_LINT1, 0x400, 0);
	put(VAPIC_REG_TIMER, 0x40, 0);
	put(VAPIC_REG_INITIAL, 100, 0);
	vapic_accept(&v, 0x80, false);
	put(VAPIC_REG_SVR, 0xff, 0);
	assert_int_equal(e.what, VAPIC_EFFECT_ENABLE | VAPIC_EFFECT_LVT |
			 VAPIC_EFFECT_TIMER);
	assert_int_equal(vapic_timer_deadline(&v), VAPIC_NEVER);
	assert_int_equal(vapic_raise(&v, VAPIC_REG_LINT1), VAPIC_MASKED);
	put(VAPIC_REG_LINT1, 0x400, 0);
	assert_int_equal(get(VAPIC_REG_LINT1, 0), 0x10400);
	assert_int_equal(vapic_accept(&v, 0x90, false), VAPIC_REFUSED);
	assert_int_equal(vapic_pending(&v), 0x80);	/* held, not lost */
	assert_true(vapic_takes(&v, VAPIC_NMI) && vapic_takes(&v, VAPIC_INIT) &&
		    vapic_takes(&v, VAPIC_SIPI) && vapic_takes(&v, VAPIC_SMI));
	assert_false(vapic_takes(&v, VAPIC_FIXED) ||
		     vapic_takes(&v, VAPIC_LOWEST));
	put(VAPIC_REG_SVR, 0x1ff, 0);
	assert_int_equal(e.what, VAPIC_EFFECT_ENABLE);
	assert_int_equal(get(VAPIC_REG_LINT1, 0), 0x10400);
}

static void lvts_deliver(void **state)
{
	(void)state;
	put(VAPIC_REG_LINT0, 0x700, 0);
	put(VAPIC_REG_LINT1, 0x8054, 0);
	put(VAPIC_REG_PERF, 0x400, 0);
	put(VAPIC_REG_THERMAL, 0xfa, 0);
	put(VAPIC_REG_CMCI, 0x1f9, 0);		/* lowest priority: reserved */
	assert_int_equal(vapic_raise(&v, VAPIC_REG_LINT0), VAPIC_EXTINT);
	assert_int_equal(vapic_raise(&v, VAPIC_REG_PERF), VAPIC_NMI);
	assert_int_equal(vapic_raise(&v, VAPIC_REG_PERF), VAPIC_MASKED);
	assert_int_equal(vapic_raise(&v, VAPIC_REG_CMCI), VAPIC_MASKED);
	assert_int_equal(vapic_raise(&v, VAPIC_REG_LINT1), VAPIC_FIXED);
	assert_int_equal(vapic_pending(&v), 0x54);
	assert_int_equal(get(VAPIC_REG_TMR + 2, 0), 1u << 20);
	assert_int_equal(vapic_raise(&v, VAPIC_REG_THERMAL), VAPIC_FIXED);
	assert_int_equal(vapic_pending(&v), 0xfa);
}

static void one_shot(void **state)
{
	(void)state;
	put(VAPIC_REG_TIMER, 0x40, 0);
	put(VAPIC_REG_INITIAL, 100, 1000);
	assert_int_equal(e.what, VAPIC_EFFECT_TIMER);
	assert_int_equal(vapic_timer_deadline(&v), 1400);
	assert_int_equal(get(VAPIC_REG_CURRENT, 1000), 100);
	assert_int_equal(get(VAPIC_REG_CURRENT, 1003), 100);
	assert_int_equal(get(VAPIC_REG_CURRENT, 1004), 99);
	assert_int_equal(get(VAPIC_REG_CURRENT, 1399), 1);
	assert_int_equal(get(VAPIC_REG_CURRENT, 1400), 0);
	assert_false(vapic_timer_fire(&v, 1399));
	assert_true(vapic_timer_fire(&v, 1400));
	assert_false(vapic_timer_fire(&v, 1500));
	assert_int_equal(vapic_pending(&v), 0x40);
	assert_int_equal(vapic_timer_deadline(&v), VAPIC_NEVER);
	assert_int_equal(get(VAPIC_REG_INITIAL, 1500), 100);
	put(VAPIC_REG_INITIAL, 100, 2000);
	put(VAPIC_REG_INITIAL, 0, 2000);
	assert_int_equal(vapic_timer_deadline(&v), VAPIC_NEVER);
}

static void dividers(void **state)
{
	static const u8 codes[] = { 0xb, 0x0, 0x1, 0x2, 0x3, 0x8, 0x9, 0xa };
	size_t i;

	(void)state;
	put(VAPIC_REG_TIMER, 0x40, 0);
	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		put(VAPIC_REG_DIVIDE, codes[i], 0);
		put(VAPIC_REG_INITIAL, 10, 0);
		assert_int_equal(vapic_timer_deadline(&v), 40ull << i);
		assert_int_equal(get(VAPIC_REG_CURRENT, (4ull << i) - 1), 10);
		assert_int_equal(get(VAPIC_REG_CURRENT, 4ull << i), 9);
	}
	put(VAPIC_REG_DIVIDE, 0xb, 0);
	put(VAPIC_REG_INITIAL, ~0u, 0);
	assert_int_equal(vapic_timer_deadline(&v), 4ull * ~0u);
	put(VAPIC_REG_DIVIDE, 0x0, 4 * 0xffffff00ull);	/* 255 left, half speed */
	assert_int_equal(e.what, VAPIC_EFFECT_TIMER);
	assert_int_equal(vapic_timer_deadline(&v),
			 4 * 0xffffff00ull + 255 * 8);
}

static void the_bus_may_be_faster(void **state)
{
	struct vapic_snapshot s = found(false, 0);

	(void)state;
	s.bus_hz = 3;
	s.tsc_hz = 1;
	vapic_load(&v, &s, 0);
	put(VAPIC_REG_TIMER, 0x40, 0);
	put(VAPIC_REG_INITIAL, 0xffff, 100);
	assert_int_equal(vapic_timer_deadline(&v), 100 + 0xffff / 3);
	put(VAPIC_REG_INITIAL, 0xfffe, 100);
	assert_int_equal(vapic_timer_deadline(&v), 100 + 0xffff / 3);
	assert_int_equal(get(VAPIC_REG_CURRENT, 101), 0xfffe - 3);
}

static void periodic_does_not_drift(void **state)
{
	struct vapic_snapshot s = found(false, 0);
	u64 now = 12345, i;

	(void)state;
	s.bus_hz = 24000000;		/* no whole number of TSC ticks each */
	s.tsc_hz = 2903995123;
	vapic_load(&v, &s, 0);
	put(VAPIC_REG_TIMER, VAPIC_TIMER_PERIODIC | 0x40, 0);
	put(VAPIC_REG_INITIAL, 24000, now);		/* 1 kHz */
	for (i = 1; i <= 1000000; i++) {
		now = vapic_timer_deadline(&v);
		assert_true(vapic_timer_fire(&v, now));
		assert_int_equal(vapic_pending(&v), 0x40);
		vapic_ack(&v, 0x40);
		put(VAPIC_REG_EOI, 0, now);
	}
	/* 1000 s later: off by less than a tick and the ratio's rounding. */
	assert_in_range(now, 12345 + 1000 * s.tsc_hz,
			12345 + 1000 * s.tsc_hz + 2000);
}

static void missed_periods_are_one(void **state)
{
	(void)state;
	put(VAPIC_REG_TIMER, VAPIC_TIMER_PERIODIC | 0x40, 0);
	put(VAPIC_REG_INITIAL, 100, 0);
	assert_true(vapic_timer_fire(&v, 400));
	assert_int_equal(vapic_timer_deadline(&v), 800);
	assert_int_equal(get(VAPIC_REG_CURRENT, 2040), 90);
	assert_true(vapic_timer_fire(&v, 2040));
	assert_int_equal(vapic_timer_deadline(&v), 2400);
	assert_int_equal(get(VAPIC_REG_CURRENT, 2040), 90);
	vapic_ack(&v, 0x40);
	assert_int_equal(vapic_pending(&v), VAPIC_NONE);
}

static void a_masked_timer_counts_on(void **state)
{
	(void)state;
	put(VAPIC_REG_TIMER, VAPIC_LVT_MASKED | 0x40, 0);
	put(VAPIC_REG_INITIAL, 100, 0);
	assert_int_equal(vapic_timer_deadline(&v), VAPIC_NEVER);
	assert_int_equal(get(VAPIC_REG_CURRENT, 200), 50);
	put(VAPIC_REG_TIMER, 0x40, 200);
	assert_int_equal(vapic_timer_deadline(&v), 400);
	put(VAPIC_REG_TIMER, VAPIC_LVT_MASKED | 0x40, 300);
	put(VAPIC_REG_TIMER, 0x40, 500);	/* expired in between: gone */
	assert_int_equal(vapic_timer_deadline(&v), VAPIC_NEVER);
	assert_int_equal(vapic_pending(&v), VAPIC_NONE);
	put(VAPIC_REG_INITIAL, 100, 1000);
	put(VAPIC_REG_TIMER, VAPIC_LVT_MASKED | 0x40, 1500);
	assert_int_equal(vapic_pending(&v), 0x40);	/* it was due before */
	assert_true(e.what & VAPIC_EFFECT_CHECK);
}

static void tsc_deadline(void **state)
{
	(void)state;
	vapic_write_deadline(&v, 5000, 0, &e);
	assert_int_equal(e.what, 0);			/* not in this mode */
	assert_int_equal(vapic_read_deadline(&v, 0), 0);
	put(VAPIC_REG_TIMER, VAPIC_TIMER_DEADLINE | 0x40, 0);
	put(VAPIC_REG_INITIAL, 100, 0);
	assert_int_equal(get(VAPIC_REG_INITIAL, 0), 0);
	assert_int_equal(vapic_timer_deadline(&v), VAPIC_NEVER);
	vapic_write_deadline(&v, 5000, 0, &e);
	assert_int_equal(e.what, VAPIC_EFFECT_TIMER);
	assert_int_equal(vapic_timer_deadline(&v), 5000);
	assert_int_equal(vapic_read_deadline(&v, 4999), 5000);
	assert_int_equal(get(VAPIC_REG_CURRENT, 100), 0);
	assert_true(vapic_timer_fire(&v, 5000));
	assert_int_equal(vapic_read_deadline(&v, 5000), 0);
	assert_int_equal(vapic_pending(&v), 0x40);
	vapic_ack(&v, 0x40);
	put(VAPIC_REG_EOI, 0, 0);
	vapic_write_deadline(&v, 6000, 7000, &e);	/* in the past */
	assert_true(e.what & VAPIC_EFFECT_CHECK);
	assert_int_equal(vapic_pending(&v), 0x40);
	vapic_write_deadline(&v, 9000, 8000, &e);
	vapic_write_deadline(&v, 0, 8000, &e);
	assert_int_equal(e.what, VAPIC_EFFECT_TIMER);	/* and no interrupt */
	assert_int_equal(vapic_timer_deadline(&v), VAPIC_NEVER);
	vapic_write_deadline(&v, 9000, 8000, &e);
	put(VAPIC_REG_TIMER, 0x40, 8000);		/* leaving it disarms */
	assert_int_equal(vapic_timer_deadline(&v), VAPIC_NEVER);
}

static void loads_a_running_apic(void **state)
{
	struct vapic_snapshot s = found(false, 7);
	struct vapic_left left;

	(void)state;
	s.reg[VAPIC_REG_IRR] = 0xffff;			/* no such vectors */
	s.reg[VAPIC_REG_IRR + 2] = 0x12;
	s.reg[VAPIC_REG_TMR + 2] = 0x02;
	s.reg[VAPIC_REG_TMR + 3] = 0x01;		/* of an earlier one */
	s.reg[VAPIC_REG_ISR + 1] = 0x80000000;
	s.reg[VAPIC_REG_ICR] = 0x10fd;
	s.reg[VAPIC_REG_TIMER] = VAPIC_TIMER_PERIODIC | 0xec;
	s.reg[VAPIC_REG_INITIAL] = 1000;
	s.reg[VAPIC_REG_CURRENT] = 10;
	vapic_load(&v, &s, 5000);
	assert_int_equal(vapic_pending(&v), 0x44);
	assert_int_equal(v.ppr, 0x30);
	assert_false(vapic_can_leave(&v));
	assert_int_equal(get(VAPIC_REG_ICR, 0), 0xfd);
	assert_int_equal(vapic_timer_deadline(&v), 5040);
	assert_int_equal(get(VAPIC_REG_CURRENT, 5000), 10);
	vapic_timer_fire(&v, 5040);
	assert_int_equal(vapic_timer_deadline(&v), 9040);
	put(VAPIC_REG_EOI, 0, 0);
	assert_int_equal(e.eoi_vector, 0x3f);
	assert_true(vapic_leave(&v, 5080, &left));
	assert_int_equal(left.edge[2], 0x10);
	assert_int_equal(left.level[2], 0x02);
	assert_int_equal(left.level[3], 0);
	assert_int_equal(left.edge[7], 1u << 12);	/* the timer's */
	assert_int_equal(left.edge[0], 0);
	assert_int_equal(left.remaining, 990);
	s.reg[VAPIC_REG_CURRENT] = 0;		/* caught while it reloads */
	vapic_load(&v, &s, 5000);
	assert_int_equal(vapic_timer_deadline(&v), 9000);
	s.reg[VAPIC_REG_TIMER] = VAPIC_TIMER_ONESHOT | 0xec;
	vapic_load(&v, &s, 5000);
	assert_int_equal(vapic_timer_deadline(&v), VAPIC_NEVER);
}

static void loads_a_deadline(void **state)
{
	struct vapic_snapshot s = found(true, 7);

	(void)state;
	s.reg[VAPIC_REG_TIMER] = VAPIC_TIMER_DEADLINE | 0xec;
	s.deadline = 777;
	vapic_load(&v, &s, 0);
	assert_int_equal(vapic_timer_deadline(&v), 777);
	s.deadline = 0;
	vapic_load(&v, &s, 0);
	assert_int_equal(vapic_timer_deadline(&v), VAPIC_NEVER);
}

static bool matches(u32 dest, bool logical, bool wide)
{
	struct vapic_dest to = { dest, logical, wide };

	return vapic_match(&v, &to);
}

static void xapic_destinations(void **state)
{
	(void)state;
	assert_true(matches(3, false, false) && matches(0xff, false, false));
	assert_false(matches(2, false, false) || matches(0xff, false, true));
	assert_true(matches(3, false, true) && matches(~0u, true, true));
	put(VAPIC_REG_LDR, 0x28000000, 0);
	assert_true(matches(0x08, true, false) && matches(0x21, true, false));
	assert_false(matches(0x17, true, false) || matches(0, true, false));
	put(VAPIC_REG_DFR, 0, 0);			/* clusters */
	assert_true(matches(0x28, true, false) && matches(0x2f, true, false));
	assert_true(matches(0xff, true, false));
	assert_false(matches(0x08, true, false) || matches(0x27, true, false));
	assert_false(matches(0x20, true, false));
}

static void x2apic_destinations(void **state)
{
	(void)state;
	assert_true(matches(0x25, false, true) && matches(0x20020, true, true));
	assert_true(matches(0x2ffff, true, true) && matches(~0u, true, true));
	assert_true(matches(0xff, false, false));
	assert_false(matches(0x2ffdf, true, true) || matches(0x20, true, true));
	assert_false(matches(0xff, false, true) || matches(0x24, false, true));
	vapic_set_base(&v, 0);
	assert_false(matches(~0u, false, true));
}

static void lowest_priority(void **state)
{
	struct vapic four[4], *all[4];
	struct vapic_dest to = { .dest = 0x0e, .logical = true };
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		start(false, i);
		put(VAPIC_REG_LDR, 0x01000000u << i, 0);
		four[i] = v;
		all[i] = &four[i];
	}
	assert_int_equal(vapic_lowest(all, 4, &to, VAPIC_NONE), 1);
	assert_int_equal(vapic_lowest(all, 4, &to, 1), 2);
	assert_int_equal(vapic_lowest(all, 4, &to, 2), 3);
	assert_int_equal(vapic_lowest(all, 4, &to, 3), 1);
	vapic_set_tpr(&four[1], 0x30);
	vapic_set_tpr(&four[2], 0x20);
	vapic_set_tpr(&four[3], 0x40);
	assert_int_equal(vapic_lowest(all, 4, &to, 2), 2);
	four[2].reg[VAPIC_REG_SVR] = 0xff;
	assert_int_equal(vapic_lowest(all, 4, &to, 2), 1);
	to.dest = 0x80;
	assert_int_equal(vapic_lowest(all, 4, &to, 2), VAPIC_NONE);
}

static void modes_change_as_allowed(void **state)
{
	(void)state;
	vapic_accept(&v, 0x80, false);
	put(VAPIC_REG_ICR2, 0x42000000, 0);
	assert_int_equal(vapic_set_base(&v, VAPIC_BASE_X2APIC), VAPIC_GP);
	assert_int_equal(vapic_set_base(&v, VAPIC_BASE_ENABLE |
					VAPIC_BASE_X2APIC), VAPIC_OK);
	assert_int_equal(vapic_pending(&v), 0x80);	/* kept */
	assert_int_equal(get(VAPIC_REG_ICR, 0), 0);
	assert_int_equal(get(VAPIC_REG_ID, 0), 3);
	assert_int_equal(get(VAPIC_REG_LDR, 0), 8);
	assert_int_equal(vapic_set_base(&v, VAPIC_BASE_ENABLE), VAPIC_GP);
	assert_int_equal(vapic_set_base(&v, 0), VAPIC_OK);
	assert_int_equal(vapic_pending(&v), VAPIC_NONE);
	assert_false(vapic_takes(&v, VAPIC_NMI));
	assert_int_equal(vapic_set_base(&v, VAPIC_BASE_ENABLE |
					VAPIC_BASE_X2APIC), VAPIC_GP);
	assert_int_equal(vapic_set_base(&v, VAPIC_BASE_ENABLE), VAPIC_OK);
	assert_int_equal(get(VAPIC_REG_SVR, 0), 0xff);
	assert_int_equal(get(VAPIC_REG_LINT0, 0), VAPIC_LVT_MASKED);
	assert_int_equal(get(VAPIC_REG_DFR, 0), ~0u);
	assert_int_equal(get(VAPIC_REG_VERSION, 0), VERSION);
	assert_int_equal(get(VAPIC_REG_ID, 0), 3u << 24);
}

#define XAPIC(test)	cmocka_unit_test_setup(test, xapic)
#define X2APIC(test)	cmocka_unit_test_setup(test, x2apic)

/* What the long way asks of the caller, of what the short way knows. */
static enum vapic_short asked_by(u32 what)
{
	if (what & VAPIC_EFFECT_LVT)
		return VAPIC_SHORT_LVT;
	return what & VAPIC_EFFECT_TIMER ? VAPIC_SHORT_TIMER : VAPIC_SHORT_DONE;
}

/* The short way leaves what the long way leaves, or says that it is not the one. */
static void a_short_way_is_the_same(void **state)
{
	static const u32 values[] = { 0, ~0u, 0x000100fe, 0x0001a7ff, 0x000200ef, 0x000400ef };
	struct vapic before, by_long;
	u32 reg, i, k, on, done = 0;
	enum vapic_short how;

	(void)state;
	for (on = 0; on < 2; on++)
		for (k = 0; k < sizeof(values) / sizeof(values[0]); k++)
			for (reg = 0; reg < VAPIC_REGS + 2; reg++)
				for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
					start(false, 3);
					put(VAPIC_REG_SVR, on ? VAPIC_SVR_ENABLE | 0xff : 0xff, 0);
					put(VAPIC_REG_TIMER, values[k], 0);
					put(VAPIC_REG_INITIAL, 100, 0);
					before = v;
					put(reg, values[i], 5000);
					by_long = v;
					v = before;
					how = vapic_write_short(&v, reg, values[i], 5000);
					if (how == VAPIC_SHORT_NOT) {
						assert_memory_equal(&v, &before, sizeof(v));
						continue;
					}
					done |= 1u << how;
					assert_memory_equal(&v, &by_long, sizeof(v));
					assert_int_equal(how, asked_by(e.what));
				}
	assert_int_equal(done, 1u << VAPIC_SHORT_DONE | 1u << VAPIC_SHORT_LVT |
			       1u << VAPIC_SHORT_TIMER);
	start(true, 3);
	assert_int_equal(vapic_write_short(&v, VAPIC_REG_ERROR, 0, 0), VAPIC_SHORT_NOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		XAPIC(nothing_is_pending_at_first),
		XAPIC(the_highest_comes_first),
		XAPIC(classes_nest),
		XAPIC(tpr_holds_back),
		XAPIC(level_needs_a_broadcast),
		XAPIC(illegal_vectors_are_errors),
		XAPIC(the_error_interrupt_is_armed_by_esr),
		XAPIC(xapic_ignores_what_is_reserved),
		X2APIC(x2apic_faults_on_what_is_reserved),
		X2APIC(versions_tell_what_is_there),
		XAPIC(icr_is_decoded),
		X2APIC(x2apic_icr_has_64_bits),
		X2APIC(self_ipis_stay_here),
		XAPIC(software_disable_masks_lvts),
		XAPIC(lvts_deliver),
		XAPIC(a_short_way_is_the_same),
		XAPIC(one_shot),
		XAPIC(dividers),
		XAPIC(the_bus_may_be_faster),
		XAPIC(periodic_does_not_drift),
		XAPIC(missed_periods_are_one),
		XAPIC(a_masked_timer_counts_on),
		XAPIC(tsc_deadline),
		XAPIC(loads_a_running_apic),
		X2APIC(loads_a_deadline),
		XAPIC(xapic_destinations),
		X2APIC(x2apic_destinations),
		XAPIC(lowest_priority),
		XAPIC(modes_change_as_allowed),
	};

	return cmocka_run_group_tests_name("vapic", tests, NULL, NULL);
}
