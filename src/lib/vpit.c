// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254 of a VM, see <regent/vpit.h>. Plain logic.
 *
 * Nothing counts: a counter's value is computed from the time at which it was loaded.
 */
#include <regent/nospec.h>
#include <regent/vpit.h>

#define NS		1000000000ull
#define FULL_COUNT	0x10000

/* What is read or written next */
#define RW_NONE		0
#define RW_LOW		1
#define RW_HIGH		2
#define RW_LOW_FIRST	3
#define RW_HIGH_NEXT	4

/* The control word */
#define READ_BACK	3
#define NO_COUNT	(1u << 5)	/* of a read-back */
#define NO_STATUS	(1u << 4)
#define BCD		(1u << 0)

/* Port 0x61 */
#define SPEAKER_GATE	(1u << 0)
#define SPEAKER_DATA	(1u << 1)
#define SPEAKER_REFRESH	(1u << 4)
#define SPEAKER_OUT	(1u << 5)
/* It toggles every 16 microseconds, about as a real one does. */
#define REFRESH_SHIFT	14

static u64 ns_to_ticks(u64 ns)
{
	return ns / NS * VPIT_HZ + ns % NS * VPIT_HZ / NS;
}

static u64 ticks_to_ns(u64 ticks)
{
	return ticks / VPIT_HZ * NS + ticks % VPIT_HZ * NS / VPIT_HZ;
}

/* Ticks since the counter was loaded */
static u64 elapsed(const struct vpit_channel *c, u64 now)
{
	return now > (u64)c->load_time ? ns_to_ticks(now - c->load_time) : 0;
}

static u16 counter(const struct vpit_channel *c, u64 now)
{
	u64 ticks = elapsed(c, now);

	switch (c->mode) {
	case 0: case 1: case 4: case 5:
		return c->count - ticks;
	case 3:
		return c->count - 2 * ticks % c->count;
	}
	return c->count - ticks % c->count;
}

static bool output(const struct vpit_channel *c, u64 now)
{
	u64 ticks = elapsed(c, now);

	switch (c->mode) {
	case 1:
		return ticks < c->count;
	case 2:
		return ticks && ticks % c->count == 0;
	case 3:
		return ticks % c->count < (c->count + 1) >> 1;
	case 4: case 5:
		return ticks == c->count;
	}
	return ticks >= c->count;
}

static void arm(struct vpit *p, u64 now)
{
	const struct vpit_channel *c = &p->channel[0];
	u64 ns = ticks_to_ns(c->count);

	p->deadline = VPIT_NEVER;
	p->period = 0;
	if (p->hpet)
		return;
	switch (c->mode) {
	case 0: case 1: case 4:
		p->deadline = now + ns;
		return;
	case 2: case 3:
		p->period = ns < VPIT_PERIOD_MIN ? VPIT_PERIOD_MIN : ns;
		p->deadline = now + p->period;
		return;
	}
}

static void load_count(struct vpit *p, u32 channel, u32 count, u64 now)
{
	struct vpit_channel *c = &p->channel[channel];

	c->count = count ?: FULL_COUNT;
	c->load_time = now;
	if (!channel)
		arm(p, now);
}

/**
 * vpit_init() - as after power on
 * @p: the 8254
 * @now: time
 */
void vpit_init(struct vpit *p, u64 now)
{
	u32 i;

	*p = (struct vpit){ .deadline = VPIT_NEVER };
	for (i = 0; i < VPIT_CHANNELS; i++) {
		p->channel[i].mode = VPIT_OFF;
		p->channel[i].gate = i != 2;
		load_count(p, i, 0, now);
	}
}

/**
 * vpit_load() - set all registers
 * @p: the 8254
 * @from: the channels, from anybody. They are loaded with their counts now
 * @hpet: see struct vpit
 * @now: time
 */
void vpit_load(struct vpit *p, const struct vpit_channel *from, bool hpet, u64 now)
{
	u32 i;

	p->hpet = hpet;
	for (i = 0; i < VPIT_CHANNELS; i++) {
		p->channel[i] = from[i];
		load_count(p, i, from[i].count > FULL_COUNT ? FULL_COUNT : from[i].count, now);
	}
}

/**
 * vpit_fire() - the deadline may have come
 * @p: the 8254
 * @now: time
 *
 * Return: how many interrupts channel 0 has made.
 */
u32 vpit_fire(struct vpit *p, u64 now)
{
	u64 n;

	if (p->deadline == VPIT_NEVER || now < p->deadline)
		return 0;
	if (!p->period) {
		p->deadline = VPIT_NEVER;
		return 1;
	}
	n = (now - p->deadline) / p->period + 1;
	p->deadline += n * p->period;
	return n > ~0u ? ~0u : n;
}

static void latch_count(struct vpit_channel *c, u64 now)
{
	if (c->count_latched)
		return;
	c->latched_count = counter(c, now);
	c->count_latched = c->rw_mode;
}

static void latch_status(struct vpit_channel *c, u64 now)
{
	if (c->status_latched)
		return;
	c->status = output(c, now) << 7 | (c->rw_mode & 3) << 4 | (c->mode & 7) << 1 | c->bcd;
	c->status_latched = 1;
}

static void read_back(struct vpit *p, u8 what, u64 now)
{
	u32 i;

	for (i = 0; i < VPIT_CHANNELS; i++) {
		if (!(what >> (i + 1) & 1))
			continue;
		if (!(what & NO_COUNT))
			latch_count(&p->channel[i], now);
		if (!(what & NO_STATUS))
			latch_status(&p->channel[i], now);
	}
}

static void write_control(struct vpit *p, u8 value, u64 now)
{
	u8 rw = value >> 4 & 3, mode = value >> 1 & 7;
	struct vpit_channel *c;

	if (value >> 6 == READ_BACK) {
		read_back(p, value, now);
		return;
	}
	c = &p->channel[value >> 6];
	if (!rw) {
		latch_count(c, now);
		return;
	}
	c->rw_mode = rw;
	c->read_state = rw;
	c->write_state = rw;
	c->mode = mode > 5 ? mode - 4 : mode;
	c->bcd = value & BCD;
}

static void write_count(struct vpit *p, u32 channel, u8 value, u64 now)
{
	struct vpit_channel *c = &p->channel[channel];

	switch (c->write_state) {
	case RW_HIGH:
		load_count(p, channel, (u32)value << 8, now);
		return;
	case RW_LOW_FIRST:
		c->write_latch = value;
		c->write_state = RW_HIGH_NEXT;
		return;
	case RW_HIGH_NEXT:
		c->write_state = RW_LOW_FIRST;
		load_count(p, channel, c->write_latch | (u32)value << 8, now);
		return;
	}
	load_count(p, channel, value, now);
}

static u8 read_latched(struct vpit_channel *c)
{
	u8 state = c->count_latched;

	c->count_latched = state == RW_LOW_FIRST ? RW_HIGH : RW_NONE;
	return c->latched_count >> (state == RW_HIGH ? 8 : 0);
}

static u8 read_count(struct vpit_channel *c, u64 now)
{
	u8 state = c->read_state;

	if (c->status_latched) {
		c->status_latched = 0;
		return c->status;
	}
	if (c->count_latched)
		return read_latched(c);
	if (state == RW_LOW_FIRST)
		c->read_state = RW_HIGH_NEXT;
	else if (state == RW_HIGH_NEXT)
		c->read_state = RW_LOW_FIRST;
	return counter(c, now) >> (state == RW_HIGH || state == RW_HIGH_NEXT ? 8 : 0);
}

/* A rising gate starts these modes anew. */
static void set_gate(struct vpit_channel *c, bool gate, u64 now)
{
	if (gate && !c->gate && (c->mode == 1 || c->mode == 2 || c->mode == 3 || c->mode == 5))
		c->load_time = now;
	c->gate = gate;
}

static u8 read_speaker(const struct vpit *p, u64 now)
{
	const struct vpit_channel *c = &p->channel[2];

	return (c->gate ? SPEAKER_GATE : 0) | (p->speaker ? SPEAKER_DATA : 0) |
	       (now >> REFRESH_SHIFT & 1 ? SPEAKER_REFRESH : 0) |
	       (output(c, now) ? SPEAKER_OUT : 0);
}

static u32 channel_of(u32 port)
{
	return nospec_index(port - VPIT_BASE, VPIT_CHANNELS);
}

/**
 * vpit_has_port() - does a port belong to it?
 * @port: any
 *
 * Port 0x61 does as well; a VMM may have it itself.
 */
bool vpit_has_port(u32 port)
{
	return (port >= VPIT_BASE && port <= VPIT_CONTROL) || port == VPIT_SPEAKER;
}

/**
 * vpit_read() - a port is read
 * @p: the 8254
 * @port: one of its ports
 * @now: time
 */
u8 vpit_read(struct vpit *p, u32 port, u64 now)
{
	if (port == VPIT_SPEAKER)
		return read_speaker(p, now);
	return port < VPIT_CONTROL ? read_count(&p->channel[channel_of(port)], now) : 0;
}

/**
 * vpit_write() - a port is written
 * @p: the 8254
 * @port: one of its ports
 * @value: the value
 * @now: time
 *
 * The deadline may be another one afterwards.
 */
void vpit_write(struct vpit *p, u32 port, u8 value, u64 now)
{
	if (port == VPIT_SPEAKER) {
		p->speaker = value & SPEAKER_DATA;
		set_gate(&p->channel[2], value & SPEAKER_GATE, now);
	} else if (port == VPIT_CONTROL) {
		write_control(p, value, now);
	} else {
		write_count(p, channel_of(port), value, now);
	}
}
