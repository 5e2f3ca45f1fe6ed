// SPDX-License-Identifier: GPL-2.0-only
/*
 * K's shadow of an IOAPIC, see <regent/vioapic.h>. Plain logic.
 */
#include <regent/vapic.h>
#include <regent/vioapic.h>

#define READ_ONLY	(VIOAPIC_STATUS | VIOAPIC_REMOTE_IRR)
#define LOGICAL		(1u << 11)
#define REMAPPABLE	(1ull << 48)	/* Intel's format of such an entry */
#define VERSION_EOI	0x20		/* from here on with an EOI register */
#define END		VIOAPIC_PINS

/* ---- pins by vector ---- */

static void unchain(struct vioapic *io, u32 pin)
{
	u8 *link = &io->first[io->pin[pin].vector];

	while (*link != pin)
		link = &io->pin[*link].next;
	*link = io->pin[pin].next;
}

static void chain(struct vioapic *io, u32 pin, u8 vector)
{
	struct vioapic_pin *p = &io->pin[pin];

	p->vector = vector;
	p->next = io->first[vector];
	io->first[vector] = pin;
}

static void set_vector(struct vioapic *io, u32 pin, u8 vector)
{
	if (io->pin[pin].vector == vector)
		return;
	unchain(io, pin);
	chain(io, pin, vector);
}

/* ---- holding ---- */

static u32 physical(const struct vioapic_pin *p)
{
	return (u32)p->entry | (p->held ? VIOAPIC_MASKED : 0);
}

static void write_low(const struct vioapic *io, const struct vioapic_pin *p,
		      struct vioapic_write *w)
{
	w->reg = VIOAPIC_REG_ENTRY + 2 * (p - io->pin);
	w->value = physical(p);
}

static void hold(struct vioapic *io, struct vioapic_pin *p, u8 vector, u32 cpu,
		 struct vioapic_write *w)
{
	p->held = true;
	p->held_edge = !(p->entry & VIOAPIC_LEVEL);
	p->irr = !p->held_edge;
	p->held_vector = vector;
	p->held_cpu = cpu;
	io->held++;
	write_low(io, p, w);
}

static void let_go(struct vioapic *io, struct vioapic_pin *p,
		   struct vioapic_write *w)
{
	p->held = false;
	p->irr = false;
	io->held--;
	write_low(io, p, w);
}

static void set_edges(struct vioapic *io, struct vioapic_pin *p, u8 edges)
{
	io->noisy += (edges != 0) - (p->edges != 0);
	p->edges = edges;
}

/*
 * Whether the pin may be where @v's vector came from. A remapper's
 * destination is not known here. Holding a pin too many does no harm: it ends
 * with the same EOI.
 */
static bool comes_from(const struct vioapic_pin *p, const struct vapic *v)
{
	struct vapic_dest to = {
		.dest = p->entry >> 56, .logical = p->entry & LOGICAL,
	};

	if ((p->entry >> 8 & 7) > VAPIC_LOWEST)
		return false;
	return p->routed || (p->entry & REMAPPABLE) || !v || vapic_match(v, &to);
}

/* A pin of that vector and trigger mode which is not held yet, or NULL. */
static struct vioapic_pin *source(struct vioapic *io, u8 vector,
				  const struct vapic *v, bool level)
{
	struct vioapic_pin *p;
	u8 pin;

	for (pin = io->first[vector]; pin != END; pin = p->next) {
		p = &io->pin[pin];
		if (!p->held && level == !!(p->entry & VIOAPIC_LEVEL) &&
		    comes_from(p, v))
			return p;
	}
	return NULL;
}

/**
 * vioapic_level() - a level-triggered interrupt arrived: hold its pins
 * @io: the shadow
 * @vector: the vector
 * @v: the virtual APIC it came to, or NULL for any
 * @cpu: the CPU it came to
 * @w: filled in when the return value is true
 *
 * It makes no difference whether Linux has masked the pin in the meantime: it
 * may unmask it before its EOI, and the interrupt must not come then.
 *
 * Return: whether there is something to write; then call it again.
 */
bool vioapic_level(struct vioapic *io, u8 vector, const struct vapic *v,
		   u32 cpu, struct vioapic_write *w)
{
	struct vioapic_pin *p = source(io, vector, v, true);

	if (p)
		hold(io, p, vector, cpu, w);
	return p;
}

/**
 * vioapic_edge() - an edge-triggered interrupt arrived, and was pending already
 * @io: the shadow
 * @vector: the vector
 * @v: the virtual APIC it came to, or NULL for any
 * @cpu: the CPU it came to
 * @w: filled in when the return value is true
 *
 * Call it once for each that arrives: it counts.
 *
 * Return: whether there is something to write.
 */
bool vioapic_edge(struct vioapic *io, u8 vector, const struct vapic *v,
		  u32 cpu, struct vioapic_write *w)
{
	struct vioapic_pin *p = source(io, vector, v, false);

	if (!p)
		return false;
	set_edges(io, p, p->edges + 1);
	if (p->edges < VIOAPIC_STORM)
		return false;
	hold(io, p, vector, cpu, w);
	return true;
}

/* Let go one pin that is held for this vector and CPU. */
static bool let_go_one(struct vioapic *io, u8 vector, u32 cpu, bool edge,
		       struct vioapic_write *w)
{
	u32 pin;

	for (pin = 0; io->held && pin < io->pins; pin++) {
		struct vioapic_pin *p = &io->pin[pin];

		if (!p->held || p->held_edge != edge ||
		    p->held_vector != vector || p->held_cpu != cpu)
			continue;
		set_edges(io, p, 0);
		let_go(io, p, w);
		return true;
	}
	return false;
}

/**
 * vioapic_delivered() - Linux's processor takes a vector
 * @io: the shadow
 * @vector: the vector
 * @cpu: the CPU
 * @w: filled in when the return value is true
 *
 * Has to be written before Linux runs, or an edge that its handler causes is
 * lost.
 *
 * Return: whether there is something to write; then call it again.
 */
bool vioapic_delivered(struct vioapic *io, u8 vector, u32 cpu,
		       struct vioapic_write *w)
{
	u8 pin;

	if (!io->noisy)
		return false;
	for (pin = io->first[vector]; pin != END; pin = io->pin[pin].next)
		if (!io->pin[pin].held)
			set_edges(io, &io->pin[pin], 0);
	return let_go_one(io, vector, cpu, true, w);
}

/**
 * vioapic_eoi() - Linux's EOI of a level-triggered vector, to be broadcast
 * @io: the shadow
 * @vector: the vector
 * @cpu: the CPU
 * @w: filled in when the return value is true
 *
 * Return: whether there is something to write; then call it again.
 */
bool vioapic_eoi(struct vioapic *io, u8 vector, u32 cpu,
		 struct vioapic_write *w)
{
	return let_go_one(io, vector, cpu, false, w);
}

/**
 * vioapic_directed_eoi() - Linux wrote the EOI register
 * @io: the shadow
 * @vector: what it wrote: the vector as it is in the entries, whatever a
 *	remapper makes of it, and from whichever CPU
 * @w: filled in when the return value is true
 *
 * Return: whether there is something to write; then call it again.
 */
bool vioapic_directed_eoi(struct vioapic *io, u8 vector,
			  struct vioapic_write *w)
{
	u32 pin;

	for (pin = 0; io->held && pin < io->pins; pin++) {
		struct vioapic_pin *p = &io->pin[pin];

		if (!p->held || p->held_edge || (u8)p->entry != vector)
			continue;
		let_go(io, p, w);
		return true;
	}
	return false;
}

/**
 * vioapic_release() - hold nothing any more
 * @io: the shadow
 * @cpu: of this CPU, whose virtual APIC was reset, or VIOAPIC_ANY_CPU
 * @w: filled in when the return value is true
 *
 * Return: whether there is something to write; then call it again.
 */
bool vioapic_release(struct vioapic *io, u32 cpu, struct vioapic_write *w)
{
	u32 pin;

	for (pin = 0; io->held && pin < io->pins; pin++) {
		struct vioapic_pin *p = &io->pin[pin];

		if (!p->held || (cpu != VIOAPIC_ANY_CPU && p->held_cpu != cpu))
			continue;
		set_edges(io, p, 0);
		let_go(io, p, w);
		return true;
	}
	return false;
}

/* ---- Linux's accesses ---- */

/* The pin that is selected, or NULL when another register is. */
static struct vioapic_pin *selected(const struct vioapic *io)
{
	u32 pin = (io->select - VIOAPIC_REG_ENTRY) / 2;

	if (io->select < VIOAPIC_REG_ENTRY || pin >= io->pins)
		return NULL;
	return (struct vioapic_pin *)&io->pin[pin];
}

/**
 * vioapic_needs() - what of the hardware a read needs
 * @io: the shadow
 * @offset: where in the page Linux reads
 *
 * Return: the register to read for vioapic_read(), or -1 for none.
 */
int vioapic_needs(const struct vioapic *io, u32 offset)
{
	if (offset != VIOAPIC_WINDOW || (selected(io) && (io->select & 1)))
		return -1;
	return io->select;
}

/**
 * vioapic_read() - what Linux reads
 * @io: the shadow
 * @offset: where in the page
 * @live: what vioapic_needs() asked for
 */
u32 vioapic_read(const struct vioapic *io, u32 offset, u32 live)
{
	const struct vioapic_pin *p = selected(io);

	if (offset == VIOAPIC_SELECT)
		return io->select;
	if (offset != VIOAPIC_WINDOW)
		return 0;
	if (!p)
		return live;
	if (io->select & 1)
		return p->entry >> 32;
	return (u32)p->entry | (live & READ_ONLY) |
		(p->irr ? VIOAPIC_REMOTE_IRR : 0);
}

/*
 * Turning a pin to edge-triggered clears remote IRR, and without an EOI
 * register Linux does just that. K's hold stays: the vector is still pending
 * or in service, and its EOI will come.
 */
static void write_entry_low(struct vioapic *io, struct vioapic_pin *p,
			    u32 value)
{
	value &= ~READ_ONLY;
	p->entry = (p->entry & ~0xffffffffull) | value;
	if (!(value & VIOAPIC_LEVEL))
		p->irr = false;
	if (!p->routed)
		set_vector(io, p - io->pin, value);
}

/**
 * vioapic_write() - Linux writes
 * @io: the shadow
 * @offset: where in the page
 * @value: what
 * @w: filled in unless the return value is VIOAPIC_NOTHING
 *
 * Return: enum vioapic_action.
 */
int vioapic_write(struct vioapic *io, u32 offset, u32 value,
		  struct vioapic_write *w)
{
	struct vioapic_pin *p = selected(io);

	w->value = value;
	w->reg = io->select;
	if (offset == VIOAPIC_EOI && (io->version & 0xff) >= VERSION_EOI) {
		w->value &= 0xff;
		return VIOAPIC_WRITE_EOI;
	}
	if (offset == VIOAPIC_SELECT)
		io->select = value;
	if (offset != VIOAPIC_WINDOW)
		return VIOAPIC_NOTHING;
	if (!p)
		return io->select < VIOAPIC_REG_ENTRY ? VIOAPIC_WRITE
						      : VIOAPIC_NOTHING;
	if (io->select & 1) {
		p->entry = (p->entry & 0xffffffff) | (u64)value << 32;
	} else {
		write_entry_low(io, p, value);
		w->value = physical(p);
	}
	return VIOAPIC_WRITE;
}

/**
 * vioapic_route() - tell what vector a remapper makes of a pin
 * @io: the shadow
 * @pin: the pin
 * @vector: the vector, or VIOAPIC_NO_ROUTE when the entry itself says it
 */
void vioapic_route(struct vioapic *io, u32 pin, int vector)
{
	struct vioapic_pin *p = &io->pin[pin];

	p->routed = vector != VIOAPIC_NO_ROUTE;
	set_vector(io, pin, p->routed ? vector : (int)(u8)p->entry);
}

/**
 * vioapic_load() - start with what the hardware holds
 * @io: the shadow
 * @version: its version register, which also says how many pins there are
 * @entries: the redirection entries
 *
 * Remote IRR stays the hardware's until a pin is held the first time.
 */
void vioapic_load(struct vioapic *io, u32 version, const u64 *entries)
{
	u32 i;

	io->version = version;
	io->pins = (version >> 16 & 0xff) + 1;
	if (io->pins > VIOAPIC_PINS)
		io->pins = VIOAPIC_PINS;
	io->held = 0;
	io->noisy = 0;
	io->select = 0;
	for (i = 0; i < 256; i++)
		io->first[i] = END;
	for (i = 0; i < io->pins; i++) {
		io->pin[i] = (struct vioapic_pin){
			.entry = entries[i] & ~(u64)READ_ONLY,
		};
		chain(io, i, entries[i]);
	}
}
