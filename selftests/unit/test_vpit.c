// SPDX-License-Identifier: GPL-2.0-only
/* The 8254: what the data sheet says as far as KVM follows it, one sentence a test. */
#include <regent/vpit.h>
#include "unit.h"

#define LOW		1
#define HIGH		2
#define BOTH		3
#define TICK		838ull			/* a bit less than one */
#define MODE(ch, rw, mode)	((ch) << 6 | (rw) << 4 | (mode) << 1)

static struct vpit p;

/* Time begins somewhere, as it does in a kernel. */
static u64 now = 123456789012345ull;

static int setup(void **state)
{
	(void)state;
	memset(&p, 0xa5, sizeof(p));
	vpit_init(&p, now);
	return 0;
}

/* A bit after that many ticks */
static u64 after(u64 ticks)
{
	return now + ticks * 1000000000 / VPIT_HZ + 1;
}

static void program(u32 channel, u8 mode, u16 count)
{
	vpit_write(&p, VPIT_CONTROL, MODE(channel, BOTH, mode), now);
	vpit_write(&p, VPIT_BASE + channel, count, now);
	vpit_write(&p, VPIT_BASE + channel, count >> 8, now);
}

static u16 get(u32 channel, u64 when)
{
	u16 low = vpit_read(&p, VPIT_BASE + channel, when);

	return low | vpit_read(&p, VPIT_BASE + channel, when) << 8;
}

static void it_is_off_at_first(void **state)
{
	(void)state;
	assert_int_equal(vpit_deadline(&p), VPIT_NEVER);
	assert_int_equal(vpit_fire(&p, ~0ull - 1), 0);
	assert_int_equal(p.channel[0].gate, 1);
	assert_int_equal(p.channel[2].gate, 0);
}

static void a_periodic_channel(u8 mode)
{
	u64 period = 11932ull * 1000000000 / VPIT_HZ;

	program(0, mode, 11932);
	assert_int_equal(vpit_deadline(&p), now + period);
	assert_int_equal(vpit_fire(&p, now + period - 1), 0);
	assert_int_equal(vpit_fire(&p, now + period), 1);
	assert_int_equal(vpit_fire(&p, now + period), 0);
	assert_int_equal(vpit_deadline(&p), now + 2 * period);
	assert_int_equal(vpit_fire(&p, now + 7 * period + 5), 6);
	assert_int_equal(vpit_deadline(&p), now + 8 * period);
	assert_true(vpit_fire(&p, ~0ull - 1) > 1);
}

static void modes_2_and_3_are_periodic(void **state)
{
	(void)state;
	a_periodic_channel(2);
	a_periodic_channel(3);
	vpit_write(&p, VPIT_CONTROL, MODE(0, BOTH, 6), now);
	assert_int_equal(p.channel[0].mode, 2);
	vpit_write(&p, VPIT_CONTROL, MODE(0, BOTH, 7), now);
	assert_int_equal(p.channel[0].mode, 3);
}

static void modes_0_1_and_4_are_not(void **state)
{
	const u8 modes[] = { 0, 1, 4 };
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		program(0, modes[i], 1000);
		assert_int_equal(vpit_deadline(&p), now + 1000ull * 1000000000 / VPIT_HZ);
		assert_int_equal(vpit_fire(&p, after(1000)), 1);
		assert_int_equal(vpit_deadline(&p), VPIT_NEVER);
	}
	program(0, 5, 1000);			/* its gate never rises */
	assert_int_equal(vpit_deadline(&p), VPIT_NEVER);
}

static void other_channels_do_not_interrupt(void **state)
{
	(void)state;
	program(1, 2, 18);
	program(2, 3, 1000);
	assert_int_equal(vpit_deadline(&p), VPIT_NEVER);
}

static void not_too_often(void **state)
{
	(void)state;
	program(0, 2, 2);
	assert_int_equal(vpit_deadline(&p), now + VPIT_PERIOD_MIN);
	program(0, 0, 2);
	assert_true(vpit_deadline(&p) < now + 3 * TICK);
}

static void zero_is_the_largest_count(void **state)
{
	(void)state;
	program(0, 2, 0);
	assert_int_equal(p.channel[0].count, 0x10000);
	assert_int_equal(vpit_deadline(&p), now + 0x10000ull * 1000000000 / VPIT_HZ);
	assert_int_equal(get(0, now), 0);
	assert_int_equal(get(0, after(1)), 0xffff);
}

static void it_counts_down(void **state)
{
	(void)state;
	program(2, 0, 1000);
	assert_int_equal(get(2, now), 1000);
	assert_int_equal(get(2, after(1)), 999);
	assert_int_equal(get(2, after(1000)), 0);
	assert_int_equal(get(2, after(1001)), 0xffff);
	program(2, 2, 1000);
	assert_int_equal(get(2, after(999)), 1);
	assert_int_equal(get(2, after(1000)), 1000);
	assert_int_equal(get(2, after(2500)), 500);
	program(2, 3, 1000);			/* by two */
	assert_int_equal(get(2, after(499)), 2);
	assert_int_equal(get(2, after(500)), 1000);
	/* A clock that went back is none that went far. */
	assert_int_equal(get(2, now - 1000000), 1000);
}

static void single_bytes(void **state)
{
	(void)state;
	vpit_write(&p, VPIT_CONTROL, MODE(2, LOW, 0), now);
	vpit_write(&p, VPIT_BASE + 2, 0x34, now);
	assert_int_equal(p.channel[2].count, 0x34);
	assert_int_equal(vpit_read(&p, VPIT_BASE + 2, now), 0x34);
	assert_int_equal(vpit_read(&p, VPIT_BASE + 2, now), 0x34);
	vpit_write(&p, VPIT_CONTROL, MODE(2, HIGH, 0), now);
	vpit_write(&p, VPIT_BASE + 2, 0x12, now);
	assert_int_equal(p.channel[2].count, 0x1200);
	assert_int_equal(vpit_read(&p, VPIT_BASE + 2, now), 0x12);
	/* The first of two changes nothing. */
	vpit_write(&p, VPIT_CONTROL, MODE(2, BOTH, 0), now);
	vpit_write(&p, VPIT_BASE + 2, 0x55, now);
	assert_int_equal(p.channel[2].count, 0x1200);
	vpit_write(&p, VPIT_BASE + 2, 0x66, now);
	assert_int_equal(p.channel[2].count, 0x6655);
}

static void a_latch_holds_until_it_is_read(void **state)
{
	(void)state;
	program(2, 0, 0x4321);
	vpit_write(&p, VPIT_CONTROL, MODE(2, 0, 0), now);
	vpit_write(&p, VPIT_CONTROL, MODE(2, 0, 0), after(50));	/* does nothing */
	assert_int_equal(get(2, after(100)), 0x4321);
	assert_int_equal(get(2, after(0x21)), 0x4300);
}

static void reading_back(void **state)
{
	(void)state;
	program(0, 2, 1000);
	program(2, 3, 1000);
	/* Status and count of channels 0 and 2: status comes first. */
	vpit_write(&p, VPIT_CONTROL, 0xc0 | 1 << 1 | 1 << 3, after(100));
	assert_int_equal(vpit_read(&p, VPIT_BASE, now), BOTH << 4 | 2 << 1);
	assert_int_equal(get(0, now), 900);
	assert_int_equal(vpit_read(&p, VPIT_BASE + 2, now), 0x80 | BOTH << 4 | 3 << 1);
	assert_int_equal(get(2, now), 800);
	/* Only the count of channel 0 */
	vpit_write(&p, VPIT_CONTROL, 0xd0 | 1 << 1, after(200));
	assert_int_equal(get(0, now), 800);
	/* Only the status of channel 2 */
	vpit_write(&p, VPIT_CONTROL, 0xe0 | 1 << 3, after(600));
	assert_int_equal(vpit_read(&p, VPIT_BASE + 2, now), BOTH << 4 | 3 << 1);
	assert_int_equal(vpit_read(&p, VPIT_CONTROL, now), 0);
}

/* How firmware and Linux measure the TSC: mode 0 on channel 2, and bit 5 of port 0x61 */
static void the_speakers_port(void **state)
{
	u32 i, toggles = 0;

	(void)state;
	vpit_write(&p, VPIT_SPEAKER, 1, now);
	program(2, 0, 59659);
	assert_int_equal(vpit_read(&p, VPIT_SPEAKER, after(59658)) & 0x23, 0x01);
	assert_int_equal(vpit_read(&p, VPIT_SPEAKER, after(59659)) & 0x23, 0x21);
	vpit_write(&p, VPIT_SPEAKER, 2, now);
	assert_int_equal(vpit_read(&p, VPIT_SPEAKER, now) & 0x03, 0x02);
	for (i = 0; i < 1000; i++)
		toggles += ((vpit_read(&p, VPIT_SPEAKER, now + i * 1000) ^
			     vpit_read(&p, VPIT_SPEAKER, now + i * 1000 + 1000)) & 0x10) != 0;
	assert_in_range(toggles, 60, 67);
}

static void a_rising_gate_starts_anew(void **state)
{
	(void)state;
	program(2, 2, 1000);
	vpit_write(&p, VPIT_SPEAKER, 1, after(300));
	assert_int_equal(get(2, after(300) + 1000), 999);
	vpit_write(&p, VPIT_SPEAKER, 1, after(300) + 50000);
	assert_int_equal(get(2, after(300) + 101000), 880);
	program(2, 0, 1000);
	vpit_write(&p, VPIT_SPEAKER, 0, now);
	vpit_write(&p, VPIT_SPEAKER, 1, after(300));
	assert_int_equal(get(2, after(300)), 700);
}

static void state_is_loaded(void **state)
{
	struct vpit_channel channel[VPIT_CHANNELS];
	u64 then = now + 5000000000;

	(void)state;
	program(0, 2, 10000);
	memcpy(channel, p.channel, sizeof(channel));
	vpit_init(&p, then);
	vpit_load(&p, channel, false, then);
	assert_int_equal(vpit_deadline(&p), then + 10000ull * 1000000000 / VPIT_HZ);
	vpit_load(&p, channel, true, then);		/* the HPET does it */
	assert_int_equal(vpit_deadline(&p), VPIT_NEVER);
	program(0, 2, 10000);
	assert_int_equal(vpit_deadline(&p), VPIT_NEVER);
	vpit_load(&p, channel, false, then);
	assert_int_not_equal(vpit_deadline(&p), VPIT_NEVER);
}

static void state_from_anybody(void **state)
{
	struct vpit_channel channel[VPIT_CHANNELS];
	u64 seed = 3;
	u32 i, n;

	(void)state;
	for (n = 0; n < 100000; n++) {
		for (i = 0; i < sizeof(channel); i++)
			((u8 *)channel)[i] = unit_random(&seed);
		vpit_load(&p, channel, n & 1, unit_random(&seed) >> 1);
		for (i = 0; i < 8; i++) {
			vpit_write(&p, VPIT_BASE + (i & 3), unit_random(&seed),
				   unit_random(&seed) >> 1);
			vpit_read(&p, VPIT_BASE + (i & 3), unit_random(&seed));
		}
		vpit_read(&p, VPIT_SPEAKER, unit_random(&seed));
		vpit_fire(&p, unit_random(&seed));
	}
}

static void ports(void **state)
{
	u32 port, n = 0;

	(void)state;
	for (port = 0; port < 0x10000; port++)
		n += vpit_has_port(port);
	assert_int_equal(n, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(it_is_off_at_first, setup),
		cmocka_unit_test_setup(modes_2_and_3_are_periodic, setup),
		cmocka_unit_test_setup(modes_0_1_and_4_are_not, setup),
		cmocka_unit_test_setup(other_channels_do_not_interrupt, setup),
		cmocka_unit_test_setup(not_too_often, setup),
		cmocka_unit_test_setup(zero_is_the_largest_count, setup),
		cmocka_unit_test_setup(it_counts_down, setup),
		cmocka_unit_test_setup(single_bytes, setup),
		cmocka_unit_test_setup(a_latch_holds_until_it_is_read, setup),
		cmocka_unit_test_setup(reading_back, setup),
		cmocka_unit_test_setup(the_speakers_port, setup),
		cmocka_unit_test_setup(a_rising_gate_starts_anew, setup),
		cmocka_unit_test_setup(state_is_loaded, setup),
		cmocka_unit_test_setup(state_from_anybody, setup),
		cmocka_unit_test_setup(ports, setup),
	};

	return cmocka_run_group_tests_name("vpit", tests, NULL, NULL);
}
