// SPDX-License-Identifier: GPL-2.0-only
/* The IOAPIC of a VM: what the data sheet says, and KVM, one sentence a test. */
#include <regent/vmioapic.h>
#include "unit.h"

#define SELECT		0x00
#define WINDOW		0x10
#define LOGICAL		(1u << 11)
#define REMOTE_IRR	(1u << 14)
#define LEVEL		(1u << 15)
#define MASKED		(1u << 16)
#define ENTRY(pin)	(0x10 + 2 * (pin))

static struct vmioapic io;
static struct vmioapic_message m;

static int setup(void **state)
{
	(void)state;
	memset(&io, 0xa5, sizeof(io));
	vmioapic_init(&io);
	return 0;
}

static u32 get(u8 reg)
{
	assert_false(vmioapic_write(&io, SELECT, reg, &m));
	assert_int_equal(vmioapic_read(&io, SELECT), reg);
	return vmioapic_read(&io, WINDOW);
}

/* Return: something is sent. */
static bool put(u8 reg, u32 value)
{
	memset(&m, 0xa5, sizeof(m));
	vmioapic_write(&io, SELECT, reg, &m);
	return vmioapic_write(&io, WINDOW, value, &m);
}

static void registers(void **state)
{
	u32 pin;

	(void)state;
	assert_int_equal(get(0), 0);
	assert_int_equal(get(1), 0x170011);
	put(0, 0xff000000);
	assert_int_equal(get(0), 0x0f000000);
	assert_int_equal(get(2), 0x0f000000);
	put(1, 0);
	put(2, 0);
	assert_int_equal(get(1), 0x170011);
	assert_int_equal(get(0), 0x0f000000);
	for (pin = 0; pin < VMIOAPIC_PINS; pin++) {
		assert_int_equal(get(ENTRY(pin)), MASKED);
		put(ENTRY(pin) + 1, pin << 24);
		put(ENTRY(pin), MASKED | (0x30 + pin));
	}
	for (pin = 0; pin < VMIOAPIC_PINS; pin++) {
		assert_int_equal(get(ENTRY(pin)), MASKED | (0x30 + pin));
		assert_int_equal(get(ENTRY(pin) + 1), pin << 24);
	}
	assert_int_equal(get(ENTRY(VMIOAPIC_PINS)), ~0u);
	assert_false(put(ENTRY(VMIOAPIC_PINS), 0x44));
	assert_false(put(0x05, 0x44));
	assert_int_equal(vmioapic_read(&io, 0x40), 0);
	assert_false(vmioapic_write(&io, 0x40, 0x44, &m));
	/* What the guest cannot write */
	put(ENTRY(3), 0x31 | LEVEL | REMOTE_IRR | 1 << 12);
	assert_int_equal(get(ENTRY(3)), 0x31 | LEVEL);
}

static void an_edge_is_one_message(void **state)
{
	(void)state;
	put(ENTRY(4) + 1, 3u << 24);
	put(ENTRY(4), 0x54);
	assert_int_equal(vmioapic_set(&io, 4, true, &m), VMIOAPIC_SEND);
	assert_int_equal(m.address, 0xfee03000);
	assert_int_equal(m.data, 0x54 | 1 << 14);
	assert_int_equal(vmioapic_set(&io, 4, true, &m), VMIOAPIC_MERGED);
	assert_int_equal(vmioapic_set(&io, 4, false, &m), VMIOAPIC_LOW);
	assert_int_equal(vmioapic_set(&io, 4, true, &m), VMIOAPIC_SEND);
	assert_int_equal(vmioapic_ends(&io, 0x54), 0);
	assert_int_equal(get(ENTRY(4)), 0x54);
}

static void a_message_is_what_the_entry_says(void **state)
{
	(void)state;
	put(ENTRY(9) + 1, 0xffu << 24);
	put(ENTRY(9), 0x61 | 1 << 8 | LOGICAL | LEVEL | 1 << 13);
	assert_int_equal(vmioapic_set(&io, 9, true, &m), VMIOAPIC_SEND);
	assert_int_equal(m.address, 0xfeeff004);
	assert_int_equal(m.data, 0x61 | 1 << 8 | LEVEL | 1 << 14);
}

static void masked_edges_are_lost(void **state)
{
	(void)state;
	put(ENTRY(4), 0x54 | MASKED);
	assert_int_equal(vmioapic_set(&io, 4, true, &m), VMIOAPIC_MASKED);
	assert_false(put(ENTRY(4), 0x54));
	vmioapic_set(&io, 4, false, &m);
	assert_int_equal(vmioapic_set(&io, 4, true, &m), VMIOAPIC_SEND);
}

static void a_level_is_sent_until_it_falls(void **state)
{
	(void)state;
	put(ENTRY(9), 0x39 | LEVEL);
	assert_int_equal(vmioapic_set(&io, 9, true, &m), VMIOAPIC_SEND);
	assert_int_equal(get(ENTRY(9)), 0x39 | LEVEL | REMOTE_IRR);
	assert_int_equal(vmioapic_set(&io, 9, true, &m), VMIOAPIC_MASKED);
	assert_int_equal(vmioapic_ends(&io, 0x38), 0);
	assert_int_equal(vmioapic_ends(&io, 0x39), 1 << 9);
	assert_true(vmioapic_eoi(&io, 9, &m));
	assert_int_equal(m.data, 0x39 | LEVEL | 1 << 14);
	vmioapic_set(&io, 9, false, &m);
	assert_false(vmioapic_eoi(&io, 9, &m));
	assert_int_equal(get(ENTRY(9)), 0x39 | LEVEL);
	assert_int_equal(vmioapic_set(&io, 9, true, &m), VMIOAPIC_SEND);
}

static void masked_levels_wait(void **state)
{
	(void)state;
	put(ENTRY(9), 0x39 | LEVEL | MASKED);
	assert_int_equal(vmioapic_set(&io, 9, true, &m), VMIOAPIC_MASKED);
	assert_true(put(ENTRY(9), 0x39 | LEVEL));
	assert_int_equal(m.data & 0xff, 0x39);
	/* Masked and unmasked in service: once is enough. */
	assert_false(put(ENTRY(9), 0x39 | LEVEL | MASKED));
	assert_false(put(ENTRY(9), 0x39 | LEVEL));
	put(ENTRY(9), 0x39 | LEVEL | MASKED);
	assert_false(vmioapic_eoi(&io, 9, &m));
	assert_true(put(ENTRY(9), 0x39 | LEVEL));
}

/* Linux does that where an IOAPIC has no EOI register. */
static void turning_to_edge_clears_remote_irr(void **state)
{
	(void)state;
	put(ENTRY(9), 0x39 | LEVEL);
	vmioapic_set(&io, 9, true, &m);
	assert_false(put(ENTRY(9), 0x39 | MASKED));
	assert_int_equal(get(ENTRY(9)), 0x39 | MASKED);
	assert_int_equal(vmioapic_ends(&io, 0x39), 0);
	assert_false(vmioapic_eoi(&io, 9, &m));
	assert_true(put(ENTRY(9), 0x39 | LEVEL));
}

static void vectors_may_be_shared(void **state)
{
	(void)state;
	put(ENTRY(9), 0x39 | LEVEL);
	put(ENTRY(23), 0x39 | LEVEL);
	put(ENTRY(7), 0x39);
	vmioapic_set(&io, 23, true, &m);
	vmioapic_set(&io, 7, true, &m);
	assert_int_equal(vmioapic_ends(&io, 0x39), 1 << 9 | 1 << 23);
	assert_false(vmioapic_eoi(&io, 9, &m));
	assert_true(vmioapic_eoi(&io, 23, &m));
	vmioapic_set(&io, 23, false, &m);
	assert_false(vmioapic_eoi(&io, 23, &m));
}

/* A level that rises and falls, with a guest that masks, moves and ends as it likes */
static void a_high_line_is_always_heard(void **state)
{
	u32 sent = 0, n;
	bool line = false;
	u64 seed = 5;

	(void)state;
	put(ENTRY(9), 0x39 | LEVEL);
	for (n = 0; n < 200000; n++) {
		switch (unit_below(&seed, 4)) {
		case 0:
			line = unit_below(&seed, 2);
			sent += vmioapic_set(&io, 9, line, &m) == VMIOAPIC_SEND;
			break;
		case 1:
			sent += put(ENTRY(9), 0x39 | LEVEL | (unit_below(&seed, 2) ? MASKED : 0));
			break;
		case 2:
			put(ENTRY(9) + 1, unit_random(&seed));
			break;
		default:
			if (sent && unit_below(&seed, 2)) {
				sent--;
				sent += vmioapic_eoi(&io, 9, &m);
			}
			break;
		}
		assert_true(sent <= 1);
		assert_true(!line || sent || get(ENTRY(9)) & MASKED);
		assert_int_equal(!!(get(ENTRY(9)) & REMOTE_IRR), sent);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(registers, setup),
		cmocka_unit_test_setup(an_edge_is_one_message, setup),
		cmocka_unit_test_setup(a_message_is_what_the_entry_says, setup),
		cmocka_unit_test_setup(masked_edges_are_lost, setup),
		cmocka_unit_test_setup(a_level_is_sent_until_it_falls, setup),
		cmocka_unit_test_setup(masked_levels_wait, setup),
		cmocka_unit_test_setup(turning_to_edge_clears_remote_irr, setup),
		cmocka_unit_test_setup(vectors_may_be_shared, setup),
		cmocka_unit_test_setup(a_high_line_is_always_heard, setup),
	};

	return cmocka_run_group_tests_name("vmioapic", tests, NULL, NULL);
}
