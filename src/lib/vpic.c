// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pair of 8259A of a VM, see <regent/vpic.h>. Plain logic.
 *
 * Follows the 8259A's data sheet. ICW1's level and single mode bits do nothing: a PC has ELCR
 * instead, and always two chips.
 */
#include <regent/vpic.h>

#define NONE		(-1)
#define LOWEST		7	/* what a chip says when the request has gone meanwhile */
#define MASTER_ELCR	0xf8	/* not the timer, the keyboard and the slave */
#define SLAVE_ELCR	0xde	/* not the clock and the coprocessor */

#define ICW1		(1u << 4)
#define ICW1_IC4	(1u << 0)
#define ICW4_AEOI	(1u << 1)
#define ICW4_SFNM	(1u << 4)
#define OCW3		(1u << 3)
#define OCW3_RIS	(1u << 0)
#define OCW3_RR		(1u << 1)
#define OCW3_POLL	(1u << 2)
#define OCW3_SMM	(1u << 5)
#define OCW3_ESMM	(1u << 6)
#define OCW2_ROTATE	(1u << 7)
#define OCW2_SPECIFIC	(1u << 6)
#define OCW2_EOI	(1u << 5)
#define POLL_YES	(1u << 7)

/* How far behind the pin of the highest priority the first of @pins is; 8 if there is none */
static u32 priority_of(const struct vpic_chip *c, u8 pins)
{
	u32 n = 0;

	while (n < 8 && !(pins >> ((n + c->priority_add) & 7) & 1))
		n++;
	return n;
}

/* The pin that requests an interrupt, and may interrupt what is in service; or NONE */
static int requesting_pin(const struct vpic *p, const struct vpic_chip *c)
{
	u32 priority = priority_of(c, c->irr & ~c->imr);
	u8 blocking = c->isr;

	if (c->special_mask)
		blocking &= ~c->imr;
	if (c->special_fully_nested_mode && c == &p->chip[0])
		blocking &= ~(1u << VPIC_CASCADE);
	if (priority >= priority_of(c, blocking))
		return NONE;
	return (priority + c->priority_add) & 7;
}

static void update_output(struct vpic *p)
{
	u8 cascade = 1u << VPIC_CASCADE;

	if (requesting_pin(p, &p->chip[1]) == NONE)
		p->chip[0].irr &= ~cascade;
	else
		p->chip[0].irr |= cascade;
	p->output = requesting_pin(p, &p->chip[0]) != NONE;
}

static void end_pin(struct vpic *p, struct vpic_chip *c, u32 pin)
{
	c->isr &= ~(1u << pin);
	p->ended |= 1u << (pin + (c == &p->chip[1] ? 8 : 0));
}

/* The processor takes the interrupt of a pin. */
static void take_pin(struct vpic *p, struct vpic_chip *c, u32 pin)
{
	c->isr |= 1u << pin;
	if (!(c->elcr >> pin & 1))
		c->irr &= ~(1u << pin);
	if (!c->auto_eoi)
		return;
	if (c->rotate_on_auto_eoi)
		c->priority_add = (pin + 1) & 7;
	end_pin(p, c, pin);
}

/**
 * vpic_init() - as after power on
 * @p: the pair
 */
void vpic_init(struct vpic *p)
{
	*p = (struct vpic){
		.chip[0].elcr_mask = MASTER_ELCR, .chip[1].elcr_mask = SLAVE_ELCR,
	};
}

/**
 * vpic_load() - set all registers of a chip
 * @p: the pair
 * @chip: 0 for the master, 1 for the slave
 * @from: the registers, from anybody
 */
void vpic_load(struct vpic *p, u32 chip, const struct vpic_chip *from)
{
	struct vpic_chip *c = &p->chip[chip];
	u8 elcr_mask = c->elcr_mask;

	*c = *from;
	c->priority_add &= 7;
	c->elcr_mask = elcr_mask;
	c->elcr &= elcr_mask;
	update_output(p);
}

/**
 * vpic_set() - a pin rises or falls
 * @p: the pair
 * @pin: 0 to 15; nothing happens to the slave's
 * @level: it is high
 *
 * Return: VPIC_*.
 */
int vpic_set(struct vpic *p, u32 pin, bool level)
{
	struct vpic_chip *c = &p->chip[pin >> 3 & 1];
	u8 bit = 1u << (pin & 7);
	int what = VPIC_NEW;

	if (pin == VPIC_CASCADE)
		return VPIC_MASKED;
	if (!level) {
		c->last_irr &= ~bit;
		if (c->elcr & bit)
			c->irr &= ~bit;
	} else {
		if (c->elcr & bit || !(c->last_irr & bit)) {
			what = c->irr & bit ? VPIC_MERGED : VPIC_NEW;
			c->irr |= bit;
		}
		c->last_irr |= bit;
	}
	update_output(p);
	return c->imr & bit ? VPIC_MASKED : what;
}

/**
 * vpic_acknowledge() - the processor takes the interrupt
 * @p: the pair
 *
 * Return: its vector. If the request has gone meanwhile, it is that of pin 7 or 15.
 */
u8 vpic_acknowledge(struct vpic *p)
{
	struct vpic_chip *c = &p->chip[0];
	int pin = requesting_pin(p, c);

	if (pin != NONE)
		take_pin(p, c, pin);
	if (pin == VPIC_CASCADE) {
		c = &p->chip[1];
		pin = requesting_pin(p, c);
		if (pin != NONE)
			take_pin(p, c, pin);
	}
	update_output(p);
	return c->irq_base + (pin == NONE ? LOWEST : pin);
}

/* A read after a poll command is an acknowledge as well. */
static u8 poll(struct vpic *p, struct vpic_chip *c)
{
	int pin = requesting_pin(p, c);

	c->poll = 0;
	if (pin == NONE)
		return LOWEST;
	take_pin(p, c, pin);
	update_output(p);
	return POLL_YES | pin;
}

static struct vpic_chip *chip_of(struct vpic *p, u32 port)
{
	return &p->chip[(port & ~1u) == VPIC_SLAVE];
}

/**
 * vpic_has_port() - does a port belong to it?
 * @port: any
 */
bool vpic_has_port(u32 port)
{
	port &= ~1u;
	return port == VPIC_MASTER || port == VPIC_SLAVE || port == VPIC_ELCR;
}

/**
 * vpic_read() - a port is read
 * @p: the pair
 * @port: one of its ports
 */
u8 vpic_read(struct vpic *p, u32 port)
{
	struct vpic_chip *c = chip_of(p, port);

	if ((port & ~1u) == VPIC_ELCR)
		return p->chip[port & 1].elcr;
	if (c->poll)
		return poll(p, c);
	if (port & 1)
		return c->imr;
	return c->read_reg_select ? c->isr : c->irr;
}

/* Pins that are level-triggered go on requesting. What was in service never gets its EOI. */
static void start_init(struct vpic *p, struct vpic_chip *c, u8 icw1)
{
	u32 pin;

	for (pin = 0; pin < 8; pin++)
		if (c->isr >> pin & 1)
			end_pin(p, c, pin);
	c->last_irr = 0;
	c->irr &= c->elcr;
	c->imr = 0;
	c->priority_add = 0;
	c->special_mask = 0;
	c->read_reg_select = 0;
	c->poll = 0;
	c->special_fully_nested_mode = 0;
	c->auto_eoi = 0;
	c->rotate_on_auto_eoi = 0;
	c->init4 = icw1 & ICW1_IC4;
	c->init_state = 1;
}

/* The pin that an OCW2 is about: the one it names, or that of the highest priority in service */
static int ended_pin(const struct vpic_chip *c, u8 ocw2)
{
	u8 isr = c->special_mask ? c->isr & ~c->imr : c->isr;
	u32 priority;

	if (ocw2 & OCW2_SPECIFIC)
		return ocw2 & 7;
	priority = priority_of(c, isr);
	return priority == 8 ? NONE : (int)((priority + c->priority_add) & 7);
}

static void write_ocw2(struct vpic *p, struct vpic_chip *c, u8 value)
{
	bool rotate = value & OCW2_ROTATE;
	int pin;

	if (!(value & OCW2_EOI)) {
		if (!(value & OCW2_SPECIFIC))
			c->rotate_on_auto_eoi = rotate;
		else if (rotate)
			c->priority_add = (value + 1) & 7;
		return;
	}
	pin = ended_pin(c, value);
	if (pin == NONE)
		return;
	if (rotate)
		c->priority_add = (pin + 1) & 7;
	end_pin(p, c, pin);
}

static void write_ocw3(struct vpic_chip *c, u8 value)
{
	if (value & OCW3_POLL)
		c->poll = 1;
	if (value & OCW3_RR)
		c->read_reg_select = value & OCW3_RIS;
	if (value & OCW3_ESMM)
		c->special_mask = !!(value & OCW3_SMM);
}

/* The mask, or the ICW that is next */
static void write_odd(struct vpic_chip *c, u8 value)
{
	switch (c->init_state) {
	case 1:
		c->irq_base = value & 0xf8;
		c->init_state = 2;
		return;
	case 2:
		c->init_state = c->init4 ? 3 : 0;
		return;
	case 3:
		c->special_fully_nested_mode = !!(value & ICW4_SFNM);
		c->auto_eoi = !!(value & ICW4_AEOI);
		c->init_state = 0;
		return;
	}
	c->imr = value;
}

/**
 * vpic_write() - a port is written
 * @p: the pair
 * @port: one of its ports
 * @value: the value
 */
void vpic_write(struct vpic *p, u32 port, u8 value)
{
	struct vpic_chip *c = chip_of(p, port);

	if ((port & ~1u) == VPIC_ELCR) {
		c = &p->chip[port & 1];
		c->elcr = value & c->elcr_mask;
	} else if (port & 1) {
		write_odd(c, value);
	} else if (value & ICW1) {
		start_init(p, c, value);
	} else if (value & OCW3) {
		write_ocw3(c, value);
	} else {
		write_ocw2(p, c, value);
	}
	update_output(p);
}
