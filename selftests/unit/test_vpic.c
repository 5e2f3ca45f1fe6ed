// SPDX-License-Identifier: GPL-2.0-only
/* The pair of 8259A: what the data sheet says, one sentence a test. */
#include <regent/vpic.h>
#include "unit.h"

#define MASTER		VPIC_MASTER
#define SLAVE		VPIC_SLAVE
#define EOI		0x20
#define EOI_OF(pin)	(0x60 | (pin))
#define ROTATE_EOI	0xa0
#define READ_IRR	0x0a
#define READ_ISR	0x0b
#define POLL		0x0c
#define SPECIAL_MASK	0x68
#define NORMAL_MASK	0x48

static struct vpic p;

static void init_chip(u32 port, u8 base, u8 icw4)
{
	vpic_write(&p, port, 0x11);
	vpic_write(&p, port + 1, base);
	vpic_write(&p, port + 1, port == MASTER ? 4 : 2);
	vpic_write(&p, port + 1, icw4);
}

/* As a PC's firmware does it: vectors 0x20 and 0x28, nothing masked */
static int setup(void **state)
{
	(void)state;
	memset(&p, 0xa5, sizeof(p));
	vpic_init(&p);
	init_chip(MASTER, 0x20, 1);
	init_chip(SLAVE, 0x28, 1);
	return 0;
}

static void pulse(u32 pin)
{
	vpic_set(&p, pin, true);
	vpic_set(&p, pin, false);
}

static u8 get(u32 port, u8 ocw3)
{
	vpic_write(&p, port, ocw3);
	return vpic_read(&p, port);
}

static void comes(u8 vector)
{
	assert_true(p.output);
	assert_int_equal(vpic_acknowledge(&p), vector);
}

static void an_edge_is_one_interrupt(void **state)
{
	(void)state;
	assert_false(p.output);
	assert_int_equal(vpic_set(&p, 3, true), VPIC_NEW);
	comes(0x23);
	assert_false(p.output);
	assert_int_equal(get(MASTER, READ_ISR), 1 << 3);
	vpic_write(&p, MASTER, EOI);
	assert_false(p.output);
	assert_int_equal(get(MASTER, READ_ISR), 0);
	assert_int_equal(vpic_set(&p, 3, true), VPIC_NEW);	/* no edge, as KVM has it */
	assert_false(p.output);
	vpic_set(&p, 3, false);
	assert_int_equal(vpic_set(&p, 3, true), VPIC_NEW);
	comes(0x23);
}

static void edges_merge_until_they_are_taken(void **state)
{
	(void)state;
	pulse(4);
	assert_int_equal(vpic_set(&p, 4, true), VPIC_MERGED);
	comes(0x24);
	vpic_write(&p, MASTER, EOI);
	assert_false(p.output);
}

static void masked_pins_wait(void **state)
{
	(void)state;
	vpic_write(&p, MASTER + 1, 1 << 4);
	assert_int_equal(vpic_read(&p, MASTER + 1), 1 << 4);
	assert_int_equal(vpic_set(&p, 4, true), VPIC_MASKED);
	assert_false(p.output);
	assert_int_equal(get(MASTER, READ_IRR), 1 << 4);
	vpic_write(&p, MASTER + 1, 0);
	comes(0x24);
}

static void priorities_nest(void **state)
{
	(void)state;
	pulse(4);
	comes(0x24);
	pulse(6);
	assert_false(p.output);
	pulse(1);
	comes(0x21);
	vpic_write(&p, MASTER, EOI);
	assert_int_equal(get(MASTER, READ_ISR), 1 << 4);
	assert_false(p.output);
	vpic_write(&p, MASTER, EOI);
	comes(0x26);
}

static void a_level_requests_while_it_is_high(void **state)
{
	(void)state;
	vpic_write(&p, VPIC_ELCR, 0xff);
	vpic_write(&p, VPIC_ELCR + 1, 0xff);
	assert_int_equal(vpic_read(&p, VPIC_ELCR), 0xf8);
	assert_int_equal(vpic_read(&p, VPIC_ELCR + 1), 0xde);
	vpic_set(&p, 5, true);
	comes(0x25);
	vpic_write(&p, MASTER, EOI);
	comes(0x25);
	vpic_set(&p, 5, false);
	vpic_write(&p, MASTER, EOI);
	assert_false(p.output);
	vpic_set(&p, 5, true);
	vpic_set(&p, 5, false);
	assert_false(p.output);
}

static void the_slave_is_the_masters_pin(void **state)
{
	(void)state;
	assert_int_equal(vpic_set(&p, 2, true), VPIC_MASKED);	/* nobody else's */
	assert_false(p.output);
	pulse(10);
	assert_int_equal(get(MASTER, READ_IRR), 1 << 2);
	comes(0x2a);
	assert_int_equal(get(MASTER, READ_ISR), 1 << 2);
	assert_int_equal(get(SLAVE, READ_ISR), 1 << 2);
	pulse(3);
	assert_false(p.output);
	pulse(8);			/* higher, but the master has its pin in service */
	assert_false(p.output);
	vpic_write(&p, SLAVE, EOI);
	vpic_write(&p, MASTER, EOI);
	comes(0x28);
}

static void special_fully_nested(void **state)
{
	(void)state;
	init_chip(MASTER, 0x20, 0x11);
	pulse(10);
	comes(0x2a);
	pulse(11);
	assert_false(p.output);
	pulse(8);
	comes(0x28);
}

static void a_request_that_has_gone_is_spurious(void **state)
{
	(void)state;
	vpic_write(&p, VPIC_ELCR, 0xf8);
	vpic_write(&p, VPIC_ELCR + 1, 0xde);
	vpic_set(&p, 5, true);
	vpic_set(&p, 5, false);
	assert_int_equal(vpic_acknowledge(&p), 0x27);
	assert_int_equal(get(MASTER, READ_ISR), 0);
	/* While the master acknowledges, the slave's goes: its pin was seen before. */
	p.chip[0].irr |= 1 << 2;
	assert_int_equal(vpic_acknowledge(&p), 0x2f);
	assert_int_equal(get(MASTER, READ_ISR), 1 << 2);
	assert_int_equal(get(SLAVE, READ_ISR), 0);
}

static void auto_eoi(void **state)
{
	(void)state;
	init_chip(MASTER, 0x20, 3);
	pulse(1);
	pulse(6);
	comes(0x21);
	assert_int_equal(get(MASTER, READ_ISR), 0);
	comes(0x26);
	assert_int_equal(vpic_take_ended(&p), 1 << 1 | 1 << 6);
	assert_int_equal(vpic_take_ended(&p), 0);
	vpic_write(&p, MASTER, 0x80);		/* rotate with it */
	pulse(1);
	comes(0x21);
	pulse(1);
	pulse(3);
	comes(0x23);
	comes(0x21);
	vpic_write(&p, MASTER, 0x00);
	pulse(0);
	comes(0x20);
	pulse(0);
	pulse(3);
	comes(0x23);			/* pin 2 is the highest still */
}

static void rotation(void **state)
{
	(void)state;
	pulse(3);
	comes(0x23);
	vpic_write(&p, MASTER, ROTATE_EOI);
	pulse(3);
	pulse(4);
	comes(0x24);			/* 3 is the lowest */
	vpic_write(&p, MASTER, EOI);
	comes(0x23);
	vpic_write(&p, MASTER, 0xe0 | 3);	/* and by name */
	vpic_write(&p, MASTER, 0xc0 | 5);	/* without an EOI: 6 is the highest */
	pulse(0);
	pulse(7);
	comes(0x27);
	vpic_write(&p, MASTER, EOI_OF(7));
	comes(0x20);
}

static void special_mask(void **state)
{
	(void)state;
	pulse(1);
	comes(0x21);
	pulse(5);
	assert_false(p.output);
	vpic_write(&p, MASTER + 1, 1 << 1);
	assert_false(p.output);
	vpic_write(&p, MASTER, SPECIAL_MASK);
	comes(0x25);
	vpic_write(&p, MASTER, EOI);		/* not of a masked one */
	assert_int_equal(get(MASTER, READ_ISR), 1 << 1);
	vpic_write(&p, MASTER, EOI_OF(1));
	assert_int_equal(get(MASTER, READ_ISR), 0);
	vpic_write(&p, MASTER, NORMAL_MASK);
	assert_int_equal(p.chip[0].special_mask, 0);
}

static void a_poll_acknowledges(void **state)
{
	(void)state;
	assert_int_equal(get(MASTER, POLL) & 0x80, 0);
	pulse(4);
	assert_int_equal(get(MASTER, POLL), 0x84);
	assert_false(p.output);
	assert_int_equal(get(MASTER, READ_ISR), 1 << 4);
	vpic_write(&p, MASTER, EOI);
	pulse(9);
	assert_int_equal(get(SLAVE, POLL), 0x81);
	assert_false(p.output);
}

static void an_eoi_ends_service(void **state)
{
	(void)state;
	vpic_write(&p, MASTER, EOI);			/* of nothing */
	assert_int_equal(vpic_take_ended(&p), 0);
	pulse(12);
	comes(0x2c);
	vpic_write(&p, SLAVE, EOI);
	assert_int_equal(vpic_take_ended(&p), 1 << 12);
	vpic_write(&p, MASTER, EOI);
	assert_int_equal(vpic_take_ended(&p), 1 << 2);
	pulse(3);
	comes(0x23);
	init_chip(MASTER, 0x20, 1);
	assert_int_equal(vpic_take_ended(&p), 1 << 3);
}

static void initialization(void **state)
{
	(void)state;
	vpic_write(&p, VPIC_ELCR, 1 << 5);
	vpic_set(&p, 5, true);
	pulse(6);
	vpic_write(&p, MASTER + 1, 0xff);
	vpic_write(&p, MASTER, 0x10);		/* without ICW4 */
	vpic_write(&p, MASTER + 1, 0x47);
	vpic_write(&p, MASTER + 1, 4);
	assert_int_equal(vpic_read(&p, MASTER + 1), 0);
	assert_int_equal(vpic_read(&p, MASTER), 1 << 5);
	comes(0x45);
	vpic_write(&p, MASTER + 1, 0xfe);	/* a mask again */
	assert_int_equal(vpic_read(&p, MASTER + 1), 0xfe);
}

static void state_from_anybody(void **state)
{
	struct vpic_chip chip;
	u64 seed = 7;
	u32 i, n;

	(void)state;
	for (n = 0; n < 200000; n++) {
		for (i = 0; i < sizeof(chip); i++)
			((u8 *)&chip)[i] = unit_random(&seed);
		vpic_load(&p, n & 1, &chip);
		assert_int_equal(p.chip[n & 1].elcr_mask, n & 1 ? 0xde : 0xf8);
		vpic_set(&p, unit_below(&seed, VPIC_PINS), n & 2);
		if (p.output)
			vpic_acknowledge(&p);
		vpic_write(&p, MASTER + (n & 1), unit_random(&seed));
		vpic_read(&p, SLAVE + (n & 1));
	}
}

/* Each edge on each pin comes through once, whatever else is going on. */
static void nothing_is_lost(void **state)
{
	u32 wanted[VPIC_PINS] = { 0 }, got[VPIC_PINS] = { 0 };
	u64 seed = 11;
	u32 pin, n;

	(void)state;
	for (n = 0; n < 100000; n++) {
		pin = unit_below(&seed, VPIC_PINS);
		if (vpic_set(&p, pin, true) == VPIC_NEW)
			wanted[pin]++;
		vpic_set(&p, pin, false);
		while (p.output && unit_below(&seed, 3)) {
			pin = vpic_acknowledge(&p) - 0x20;
			got[pin]++;
			if (pin >= 8)
				vpic_write(&p, SLAVE, EOI);
			vpic_write(&p, MASTER, EOI);
		}
	}
	while (p.output) {
		pin = vpic_acknowledge(&p) - 0x20;
		got[pin]++;
		if (pin >= 8)
			vpic_write(&p, SLAVE, EOI);
		vpic_write(&p, MASTER, EOI);
	}
	assert_memory_equal(wanted, got, sizeof(got));
	assert_int_equal(got[2], 0);
	assert_true(got[9] > 1000);
}

static void ports(void **state)
{
	u32 port, n = 0;

	(void)state;
	for (port = 0; port < 0x10000; port++)
		n += vpic_has_port(port);
	assert_int_equal(n, 6);
	assert_true(vpic_has_port(0x21) && vpic_has_port(0xa0) && vpic_has_port(0x4d1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_edge_is_one_interrupt, setup),
		cmocka_unit_test_setup(edges_merge_until_they_are_taken, setup),
		cmocka_unit_test_setup(masked_pins_wait, setup),
		cmocka_unit_test_setup(priorities_nest, setup),
		cmocka_unit_test_setup(a_level_requests_while_it_is_high, setup),
		cmocka_unit_test_setup(the_slave_is_the_masters_pin, setup),
		cmocka_unit_test_setup(special_fully_nested, setup),
		cmocka_unit_test_setup(a_request_that_has_gone_is_spurious, setup),
		cmocka_unit_test_setup(auto_eoi, setup),
		cmocka_unit_test_setup(rotation, setup),
		cmocka_unit_test_setup(special_mask, setup),
		cmocka_unit_test_setup(a_poll_acknowledges, setup),
		cmocka_unit_test_setup(an_eoi_ends_service, setup),
		cmocka_unit_test_setup(initialization, setup),
		cmocka_unit_test_setup(state_from_anybody, setup),
		cmocka_unit_test_setup(nothing_is_lost, setup),
		cmocka_unit_test_setup(ports, setup),
	};

	return cmocka_run_group_tests_name("vpic", tests, NULL, NULL);
}
