// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOAPIC shadow: rules one by one, and a machine of two CPUs, devices and
 * an IOAPIC, in which no interrupt may be lost or come twice.
 */
#include <regent/vapic.h>
#include <regent/vioapic.h>
#include "unit.h"

#define VERSION		(0x20 | 23 << 16)
#define LEVEL		VIOAPIC_LEVEL
#define MASKED		VIOAPIC_MASKED
#define DEST(cpu)	((u64)(cpu) << 56)

static struct vioapic io;
static struct vioapic_write w;

static void start(u32 version)
{
	u64 entries[VIOAPIC_PINS];
	int i;

	for (i = 0; i < VIOAPIC_PINS; i++)
		entries[i] = MASKED;
	entries[4] = 0x34;
	entries[9] = 0x39 | LEVEL | DEST(1) | VIOAPIC_REMOTE_IRR;
	memset(&io, 0xa5, sizeof(io));
	vioapic_load(&io, version, entries);
}

static int setup(void **state)
{
	(void)state;
	start(VERSION);
	return 0;
}

static int put(u32 reg, u32 value)
{
	memset(&w, 0xa5, sizeof(w));
	assert_int_equal(vioapic_write(&io, VIOAPIC_SELECT, reg, &w),
			 VIOAPIC_NOTHING);
	return vioapic_write(&io, VIOAPIC_WINDOW, value, &w);
}

static u32 get(u32 reg, u32 live)
{
	vioapic_write(&io, VIOAPIC_SELECT, reg, &w);
	assert_int_equal(vioapic_read(&io, VIOAPIC_SELECT, 0), reg);
	return vioapic_read(&io, VIOAPIC_WINDOW, live);
}

static void reads(void **state)
{
	(void)state;
	assert_int_equal(get(0x18, VIOAPIC_STATUS), 0x34 | VIOAPIC_STATUS);
	assert_int_equal(vioapic_needs(&io, VIOAPIC_WINDOW), 0x18);
	assert_int_equal(vioapic_needs(&io, VIOAPIC_SELECT), -1);
	assert_int_equal(get(0x22, 0), 0x39 | LEVEL);
	assert_int_equal(get(0x23, 0x77), 1 << 24);
	assert_int_equal(vioapic_needs(&io, VIOAPIC_WINDOW), -1);
	assert_int_equal(get(VIOAPIC_REG_VERSION, VERSION), VERSION);
	assert_int_equal(vioapic_needs(&io, VIOAPIC_WINDOW), 1);
	assert_int_equal(get(0x40, 0x1234), 0x1234);	/* behind the pins */
	assert_int_equal(vioapic_read(&io, 0x30, 5), 0);
}

static void writes(void **state)
{
	(void)state;
	assert_int_equal(put(0x12, 0x31 | LEVEL | VIOAPIC_STATUS |
			     VIOAPIC_REMOTE_IRR), VIOAPIC_WRITE);
	assert_int_equal(w.reg, 0x12);
	assert_int_equal(w.value, 0x31 | LEVEL);
	assert_int_equal(put(0x13, 0x02000000), VIOAPIC_WRITE);
	assert_int_equal(w.value, 0x02000000);
	assert_int_equal(get(0x12, 0), 0x31 | LEVEL);
	assert_int_equal(get(0x13, 0), 0x02000000);
	assert_int_equal(put(0x40, 1), VIOAPIC_NOTHING);
	assert_int_equal(put(0x00, 0x0f000000), VIOAPIC_WRITE);
	assert_int_equal(vioapic_write(&io, VIOAPIC_EOI, 0x131, &w),
			 VIOAPIC_WRITE_EOI);
	assert_int_equal(w.value, 0x31);
	start(0x11 | 23 << 16);			/* without that register */
	assert_int_equal(vioapic_write(&io, VIOAPIC_EOI, 0x31, &w),
			 VIOAPIC_NOTHING);
}

static void levels_are_held_until_eoi(void **state)
{
	(void)state;
	assert_false(vioapic_level(&io, 0x34, NULL, 1, &w));	/* an edge */
	assert_true(vioapic_level(&io, 0x39, NULL, 1, &w));
	assert_int_equal(w.reg, 0x22);
	assert_int_equal(w.value, 0x39 | LEVEL | MASKED);
	assert_false(vioapic_level(&io, 0x39, NULL, 1, &w));
	assert_int_equal(get(0x22, 0), 0x39 | LEVEL | VIOAPIC_REMOTE_IRR);
	assert_false(vioapic_delivered(&io, 0x39, 1, &w));
	assert_false(vioapic_eoi(&io, 0x39, 0, &w));	/* another CPU's */
	assert_false(vioapic_eoi(&io, 0x38, 1, &w));
	assert_true(vioapic_eoi(&io, 0x39, 1, &w));
	assert_int_equal(w.reg, 0x22);
	assert_int_equal(w.value, 0x39 | LEVEL);
	assert_false(vioapic_eoi(&io, 0x39, 1, &w));
	assert_int_equal(get(0x22, 0), 0x39 | LEVEL);
}

static void linuxs_mask_is_its_own(void **state)
{
	(void)state;
	vioapic_level(&io, 0x39, NULL, 1, &w);
	put(0x22, 0x39 | LEVEL);			/* K's mask stays */
	assert_int_equal(w.value, 0x39 | LEVEL | MASKED);
	put(0x22, 0x39 | LEVEL | MASKED);
	assert_int_equal(get(0x22, 0), 0x39 | LEVEL | MASKED |
			 VIOAPIC_REMOTE_IRR);
	assert_true(vioapic_eoi(&io, 0x39, 1, &w));
	assert_int_equal(w.value, 0x39 | LEVEL | MASKED);	/* Linux's */
	/* Masked by Linux when it arrives: held all the same. */
	assert_true(vioapic_level(&io, 0x39, NULL, 1, &w));
	put(0x22, 0x39 | LEVEL);
	assert_int_equal(w.value, 0x39 | LEVEL | MASKED);
	assert_true(vioapic_eoi(&io, 0x39, 1, &w));
	assert_int_equal(w.value, 0x39 | LEVEL);
}

static void a_new_vector_does_not_end_a_hold(void **state)
{
	(void)state;
	vioapic_level(&io, 0x39, NULL, 1, &w);
	put(0x22, 0x51 | LEVEL);
	put(0x23, 0x00000000);
	assert_int_equal(w.reg, 0x23);
	assert_false(vioapic_eoi(&io, 0x51, 0, &w));
	assert_true(vioapic_eoi(&io, 0x39, 1, &w));
	assert_int_equal(w.value, 0x51 | LEVEL);
	assert_false(vioapic_level(&io, 0x39, NULL, 1, &w));
	assert_true(vioapic_level(&io, 0x51, NULL, 0, &w));
}

static void turning_to_edge_clears_remote_irr(void **state)
{
	(void)state;
	vioapic_level(&io, 0x39, NULL, 1, &w);
	put(0x22, 0x39 | MASKED);
	assert_int_equal(get(0x22, 0), 0x39 | MASKED);
	put(0x22, 0x39 | LEVEL);
	assert_int_equal(get(0x22, 0), 0x39 | LEVEL);
	assert_true(vioapic_eoi(&io, 0x39, 1, &w));
	assert_int_equal(w.value, 0x39 | LEVEL);
}

static void edges_are_held_in_a_storm(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < VIOAPIC_STORM - 1; i++)
		assert_false(vioapic_edge(&io, 0x34, NULL, 0, &w));
	assert_false(vioapic_delivered(&io, 0x34, 0, &w));	/* counts anew */
	for (i = 0; i < VIOAPIC_STORM - 1; i++)
		assert_false(vioapic_edge(&io, 0x34, NULL, 0, &w));
	assert_true(vioapic_edge(&io, 0x34, NULL, 0, &w));
	assert_int_equal(w.reg, 0x18);
	assert_int_equal(w.value, 0x34 | MASKED);
	assert_int_equal(get(0x18, 0), 0x34);
	assert_false(vioapic_edge(&io, 0x34, NULL, 0, &w));
	assert_false(vioapic_eoi(&io, 0x34, 0, &w));
	assert_false(vioapic_delivered(&io, 0x34, 1, &w));
	assert_true(vioapic_delivered(&io, 0x34, 0, &w));
	assert_int_equal(w.value, 0x34);
	assert_int_equal(io.noisy, 0);
	assert_false(vioapic_edge(&io, 0x34, NULL, 0, &w));
}

static void other_ways_to_let_go(void **state)
{
	(void)state;
	put(0x24, 0x39 | LEVEL);		/* pin 10 shares the vector */
	assert_true(vioapic_level(&io, 0x39, NULL, 1, &w));
	assert_true(vioapic_level(&io, 0x39, NULL, 1, &w));
	assert_false(vioapic_level(&io, 0x39, NULL, 1, &w));
	assert_true(vioapic_directed_eoi(&io, 0x39, &w));
	assert_true(vioapic_directed_eoi(&io, 0x39, &w));
	assert_false(vioapic_directed_eoi(&io, 0x39, &w));
	vioapic_level(&io, 0x39, NULL, 1, &w);
	vioapic_level(&io, 0x39, NULL, 2, &w);
	assert_true(vioapic_release(&io, 2, &w));
	assert_false(vioapic_release(&io, 2, &w));
	assert_true(vioapic_release(&io, VIOAPIC_ANY_CPU, &w));
	assert_int_equal(io.held, 0);
}

static void remapped_pins_have_another_vector(void **state)
{
	(void)state;
	put(0x22, 0x09 | LEVEL);		/* Linux: the pin, for its EOI */
	vioapic_route(&io, 9, 0x71);
	assert_false(vioapic_level(&io, 0x09, NULL, 0, &w));
	assert_true(vioapic_level(&io, 0x71, NULL, 0, &w));
	put(0x22, 0x0a | LEVEL);		/* the route stays */
	assert_true(vioapic_directed_eoi(&io, 0x0a, &w));
	assert_true(vioapic_level(&io, 0x71, NULL, 0, &w));
	assert_true(vioapic_eoi(&io, 0x71, 0, &w));
	vioapic_route(&io, 9, VIOAPIC_NO_ROUTE);
	assert_true(vioapic_level(&io, 0x0a, NULL, 0, &w));
}

static struct vapic cpus[2];

static void load_cpus(void)
{
	struct vapic_snapshot s = { .base = VAPIC_BASE_ENABLE,
				    .bus_hz = 1, .tsc_hz = 1 };
	u32 i;

	s.reg[VAPIC_REG_SVR] = 0x1ff;
	s.reg[VAPIC_REG_DFR] = ~0u;
	for (i = 0; i < 2; i++) {
		s.id = i;
		vapic_load(&cpus[i], &s, 0);
	}
}

static void vectors_are_each_cpus_own(void **state)
{
	(void)state;
	load_cpus();
	put(0x24, 0x39 | LEVEL);		/* pin 10, the same on CPU 0 */
	assert_true(vioapic_level(&io, 0x39, &cpus[0], 0, &w));
	assert_int_equal(w.reg, 0x24);
	assert_false(vioapic_level(&io, 0x39, &cpus[0], 0, &w));
	assert_true(vioapic_level(&io, 0x39, &cpus[1], 1, &w));
	assert_int_equal(w.reg, 0x22);
	put(0x26, 0x44 | LEVEL | VAPIC_NMI << 8);	/* no vector in that */
	assert_false(vioapic_level(&io, 0x44, NULL, 0, &w));
}

/* ---- a machine ---- */

#define PINS	6
#define EDGE(pin)	((pin) >= 4)

static struct {
	u64 entry[PINS];	/* of the hardware */
	bool irr[PINS];
	u32 events[PINS];	/* of the devices, not handled yet */
	bool running[PINS];	/* from arrival to EOI, when level-triggered */
	u32 held_edges;
	u32 handled;
} m;

static u64 seed = 42;

/*
 * K's loops run under the lock of the IOAPIC and with interrupts off: what the
 * hardware then delivers arrives after them, in lines_settle().
 */
static void hardware_write(const struct vioapic_write *x)
{
	u32 pin = (x->reg - 0x10) / 2;

	if (x->reg & 1)
		m.entry[pin] = (u32)m.entry[pin] | (u64)x->value << 32;
	else
		m.entry[pin] = (m.entry[pin] & ~0xffffffffull) | x->value;
}

/* K's interrupt handler, and the physical EOI it ends with. */
static void arrive(u32 cpu, u8 vector, bool level)
{
	int accepted = vapic_accept(&cpus[cpu], vector, level), i;

	if (level) {
		assert_int_equal(accepted, VAPIC_ACCEPTED);
		while (vioapic_level(&io, vector, &cpus[cpu], cpu, &w))
			hardware_write(&w);
	} else if (accepted == VAPIC_COALESCED &&
		   vioapic_edge(&io, vector, &cpus[cpu], cpu, &w)) {
		hardware_write(&w);
		m.held_edges++;
	}
	for (i = 0; level && i < PINS; i++)
		if ((u8)m.entry[i] == vector)
			m.irr[i] = false;
}

static void deliver(u32 pin)
{
	u64 entry = m.entry[pin];

	if (EDGE(pin) || !m.events[pin] || m.irr[pin] || (entry & MASKED))
		return;
	assert_false(m.running[pin]);
	m.running[pin] = true;
	m.irr[pin] = true;
	arrive(entry >> 56, entry, true);
}

static void lines_settle(void)
{
	int i;

	for (i = 0; i < PINS; i++)
		deliver(i);
}

static void event(u32 pin)
{
	u64 entry = m.entry[pin];

	m.events[pin]++;
	if (EDGE(pin) && !(entry & MASKED))
		arrive(entry >> 56, entry, false);
}

static void linux_write(u32 reg, u32 value)
{
	if (put(reg, value) == VIOAPIC_WRITE)
		hardware_write(&w);
}

/* One interrupt is taken; its handler does what the device wants. */
static void linux_handles(u32 cpu)
{
	int vector = vapic_pending(&cpus[cpu]), pin = (vector >> 4) - 3;

	if (vector < 0)
		return;
	assert_true(vapic_ack(&cpus[cpu], vector));
	while (vioapic_delivered(&io, vector, cpu, &w))
		hardware_write(&w);
	assert_in_range(pin, 0, PINS - 1);
	if (EDGE(pin) && unit_below(&seed, 2))
		event(pin);			/* before it looked */
	m.handled += m.events[pin];
	m.events[pin] = 0;
	if (EDGE(pin) && unit_below(&seed, 2))
		event(pin);			/* after that */
}

static void linux_ends(u32 cpu)
{
	struct vapic_effect e;

	vapic_write(&cpus[cpu], VAPIC_REG_EOI, 0, 0, &e);
	if (!(e.what & VAPIC_EFFECT_EOI) || !e.eoi_level)
		return;
	m.running[(e.eoi_vector >> 4) - 3] = false;
	while (vioapic_eoi(&io, e.eoi_vector, cpu, &w))
		hardware_write(&w);
}

/*
 * Linux masks and unmasks level-triggered pins as it likes, and gives any pin
 * another vector and CPU, a level-triggered one only while it is masked and
 * its remote IRR is clear.
 */
static void linux_reconfigures(u32 pin)
{
	u32 low = get(0x10 + 2 * pin, m.irr[pin] ? VIOAPIC_REMOTE_IRR : 0);
	u32 vector = (pin + 3) << 4 | unit_below(&seed, 16);

	if (EDGE(pin))
		return;
	if (!(low & MASKED)) {
		linux_write(0x10 + 2 * pin, low | MASKED);
		return;
	}
	if (!(low & VIOAPIC_REMOTE_IRR)) {
		linux_write(0x11 + 2 * pin, unit_below(&seed, 2) << 24);
		low = vector | LEVEL;
	}
	linux_write(0x10 + 2 * pin, low & ~MASKED);
}

static void step(void)
{
	u32 pin = unit_below(&seed, PINS), cpu = unit_below(&seed, 2);

	switch (unit_below(&seed, 8)) {
	case 0: case 1: case 2:
		event(pin);
		break;
	case 3: case 4:
		linux_handles(cpu);
		break;
	case 5: case 6:
		linux_ends(cpu);
		break;
	case 7:
		linux_reconfigures(pin);
		break;
	}
	lines_settle();
}

static void everything_is_handled(void)
{
	int i;

	for (i = 0; i < PINS; i++)
		if (m.entry[i] & MASKED && io.pin[i].entry & MASKED)
			linux_reconfigures(i);
	for (i = 0; i < 100; i++) {
		lines_settle();
		linux_handles(i & 1);
		linux_ends(i & 1);
	}
	for (i = 0; i < PINS; i++) {
		assert_int_equal(m.events[i], 0);
		assert_int_equal(m.entry[i], io.pin[i].entry);
	}
	assert_int_equal(io.held, 0);
	assert_true(vapic_can_leave(&cpus[0]) && vapic_can_leave(&cpus[1]));
}

static void nothing_is_lost_or_doubled(void **state)
{
	int i;

	(void)state;
	load_cpus();
	memset(&m, 0, sizeof(m));
	for (i = 0; i < PINS; i++)
		m.entry[i] = ((i + 3) << 4) | (EDGE(i) ? 0 : LEVEL) |
			     DEST(i & 1);
	vioapic_load(&io, 0x11 | (PINS - 1) << 16, m.entry);
	for (i = 0; i < 300000; i++) {
		step();
		if (i % 1000 == 999)
			everything_is_handled();
	}
	assert_true(m.held_edges > 1000);
	assert_true(m.handled > 50000);
}

/* A write that only the chip understands: the shadow learns from what is there then. */
static void learns_what_the_chip_has(void **state)
{
	(void)state;
	put(0x10 + 2 * 9 + 1, 0x02000000);
	assert_false(vioapic_changed(&io, 0x03000000, &w));
	assert_int_equal(get(0x10 + 2 * 9 + 1, 0), 0x03000000);
	get(0x10 + 2 * 9, 0);
	assert_false(vioapic_changed(&io, 0x3a | LEVEL | MASKED, &w));
	assert_int_equal(get(0x10 + 2 * 9, 0), 0x3a | LEVEL | MASKED);
	/* No pin is selected: nothing to learn. */
	get(VIOAPIC_REG_VERSION, 0);
	assert_false(vioapic_changed(&io, 0, &w));
}

/* K's mask is in the hardware and not Linux's; when it is gone, it has to come back. */
static void holds_what_the_chip_has_let_go(void **state)
{
	(void)state;
	assert_true(vioapic_level(&io, 0x39, NULL, 1, &w));
	get(0x10 + 2 * 9, 0);
	assert_true(vioapic_changed(&io, 0x3a | LEVEL | MASKED, &w));
	assert_int_equal(w.reg, 0x10 + 2 * 9);
	assert_int_equal(w.value, 0x3a | LEVEL | MASKED);
	assert_int_equal(get(0x10 + 2 * 9, 0) & MASKED, 0);
	assert_true(vioapic_changed(&io, 0x3b | LEVEL, &w));
	assert_int_equal(w.value, 0x3b | LEVEL | MASKED);
	assert_int_equal(get(0x10 + 2 * 9, 0) & (MASKED | 0xff), 0x3b);
	assert_true(vioapic_eoi(&io, 0x39, 1, &w));
	assert_int_equal(w.value, 0x3b | LEVEL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(reads, setup),
		cmocka_unit_test_setup(writes, setup),
		cmocka_unit_test_setup(levels_are_held_until_eoi, setup),
		cmocka_unit_test_setup(linuxs_mask_is_its_own, setup),
		cmocka_unit_test_setup(a_new_vector_does_not_end_a_hold, setup),
		cmocka_unit_test_setup(turning_to_edge_clears_remote_irr, setup),
		cmocka_unit_test_setup(edges_are_held_in_a_storm, setup),
		cmocka_unit_test_setup(learns_what_the_chip_has, setup),
		cmocka_unit_test_setup(holds_what_the_chip_has_let_go, setup),
		cmocka_unit_test_setup(other_ways_to_let_go, setup),
		cmocka_unit_test_setup(remapped_pins_have_another_vector, setup),
		cmocka_unit_test_setup(vectors_are_each_cpus_own, setup),
		cmocka_unit_test(nothing_is_lost_or_doubled),
	};

	return cmocka_run_group_tests_name("vioapic", tests, NULL, NULL);
}
