// SPDX-License-Identifier: GPL-2.0-only
/*
 * K's shadow of an IOAPIC, see <regent/vioapic.h>. Plain logic.
 */
#include <regent/vapic.h>
#include <regent/vioapic.h>

#define READ_ONLY	(VIOAPIC_STATUS | VIOAPIC_REMOTE_IRR)
#define LOGICAL		(1u << 11)
#define REMAPPABLE	(1ull << 48)	/* an entry in Intel's format for a remapper */
#define VERSION_EOI	0x20		/* first version that has an EOI register */
#define END		VIOAPIC_PINS

/* ---- pins by vector ---- */

static void unchain_pin(struct vioapic *io, u32 pin)
{
	u8 *link = &io->first[io->pin[pin].vector];

	while (*link != pin)
		link = &io->pin[*link].next;
	*link = io->pin[pin].next;
}

static void chain_pin(struct vioapic *io, u32 pin, u8 vector)
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
	unchain_pin(io, pin);
	chain_pin(io, pin, vector);
}

/* ---- holding ---- */

static u32 physical_low(const struct vioapic_pin *p)
{
	return (u32)p->entry | (p->held ? VIOAPIC_MASKED : 0);
}

static void write_low(const struct vioapic *io, const struct vioapic_pin *p,
		      struct vioapic_write *w)
{
	w->reg = VIOAPIC_REG_ENTRY + 2 * (p - io->pin);
	w->value = physical_low(p);
}

static void hold_pin(struct vioapic *io, struct vioapic_pin *p, u8 vector, u32 cpu,
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

static void let_pin_go(struct vioapic *io, struct vioapic_pin *p,
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
 * Can the pin be the source of an interrupt of @v's? K does not know a remapper's
 * destination. Holding a pin too many does no harm, because the same EOI ends the hold.
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

/* A pin of that vector and trigger mode that is not held yet, or NULL */
static struct vioapic_pin *find_source(struct vioapic *io, u8 vector,
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
 * vioapic_level() - a level-triggered interrupt has arrived: hold its pins
 * @io: the shadow
 * @vector: the vector
 * @v: the virtual APIC that the interrupt came to, or NULL for any
 * @cpu: the CPU that the interrupt came to
 * @w: filled in when the result is true
 *
 * A pin that Linux has masked meanwhile is held as well, because Linux may unmask it before
 * its EOI, and the interrupt must not come then.
 *
 * Return: true when there is something to write; then call it again.
 */
bool vioapic_level(struct vioapic *io, u8 vector, const struct vapic *v,
		   u32 cpu, struct vioapic_write *w)
{
	struct vioapic_pin *p = find_source(io, vector, v, true);

	if (p)
		hold_pin(io, p, vector, cpu, w);
	return p;
}

/**
 * vioapic_edge() - an edge-triggered interrupt has arrived, and was pending already
 * @io: the shadow
 * @vector: the vector
 * @v: the virtual APIC that the interrupt came to, or NULL for any
 * @cpu: the CPU that the interrupt came to
 * @w: filled in when the result is true
 *
 * Call it once for each interrupt, because it counts them.
 *
 * Return: true when there is something to write.
 */
bool vioapic_edge(struct vioapic *io, u8 vector, const struct vapic *v,
		  u32 cpu, struct vioapic_write *w)
{
	struct vioapic_pin *p = find_source(io, vector, v, false);

	if (!p)
		return false;
	set_edges(io, p, p->edges + 1);
	if (p->edges < VIOAPIC_STORM)
		return false;
	hold_pin(io, p, vector, cpu, w);
	return true;
}

/* Let go of one pin that is held for this vector and CPU. */
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
		let_pin_go(io, p, w);
		return true;
	}
	return false;
}

/**
 * vioapic_delivered() - Linux's processor takes a vector
 * @io: the shadow
 * @vector: the vector
 * @cpu: the CPU
 * @w: filled in when the result is true
 *
 * The caller makes the write before Linux runs, or an edge that Linux's handler causes would
 * be lost.
 *
 * Return: true when there is something to write; then call it again.
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
 * vioapic_eoi() - Linux's EOI of a level-triggered vector, which the APIC broadcasts
 * @io: the shadow
 * @vector: the vector
 * @cpu: the CPU
 * @w: filled in when the result is true
 *
 * Return: true when there is something to write; then call it again.
 */
bool vioapic_eoi(struct vioapic *io, u8 vector, u32 cpu,
		 struct vioapic_write *w)
{
	return let_go_one(io, vector, cpu, false, w);
}

/**
 * vioapic_directed_eoi() - Linux has written the EOI register
 * @io: the shadow
 * @vector: the value: a vector as it is in the entries, whatever a remapper makes of it; any
 *	CPU may write it
 * @w: filled in when the result is true
 *
 * Return: true when there is something to write; then call it again.
 */
bool vioapic_directed_eoi(struct vioapic *io, u8 vector,
			  struct vioapic_write *w)
{
	u32 pin;

	for (pin = 0; io->held && pin < io->pins; pin++) {
		struct vioapic_pin *p = &io->pin[pin];

		if (!p->held || p->held_edge || (u8)p->entry != vector)
			continue;
		let_pin_go(io, p, w);
		return true;
	}
	return false;
}

/**
 * vioapic_release() - let go of all held pins
 * @io: the shadow
 * @cpu: the CPU whose virtual APIC was reset, to let go of its pins only, or
 *	VIOAPIC_ANY_CPU
 * @w: filled in when the result is true
 *
 * Return: true when there is something to write; then call it again.
 */
bool vioapic_release(struct vioapic *io, u32 cpu, struct vioapic_write *w)
{
	u32 pin;

	for (pin = 0; io->held && pin < io->pins; pin++) {
		struct vioapic_pin *p = &io->pin[pin];

		if (!p->held || (cpu != VIOAPIC_ANY_CPU && p->held_cpu != cpu))
			continue;
		set_edges(io, p, 0);
		let_pin_go(io, p, w);
		return true;
	}
	return false;
}

/* ---- Linux's accesses ---- */

/* The pin that Linux has selected, or NULL when it has selected another register */
static struct vioapic_pin *selected_pin(const struct vioapic *io)
{
	u32 pin = (io->select - VIOAPIC_REG_ENTRY) / 2;

	if (io->select < VIOAPIC_REG_ENTRY || pin >= io->pins)
		return NULL;
	return (struct vioapic_pin *)&io->pin[pin];
}

/**
 * vioapic_needs() - which register of the hardware does a read need?
 * @io: the shadow
 * @offset: offset in the page that Linux reads
 *
 * Return: the register to read for vioapic_read(), or -1 for none.
 */
int vioapic_needs(const struct vioapic *io, u32 offset)
{
	if (offset != VIOAPIC_WINDOW || (selected_pin(io) && (io->select & 1)))
		return -1;
	return io->select;
}

/**
 * vioapic_read() - what Linux reads
 * @io: the shadow
 * @offset: offset in the page
 * @live: value of the register that vioapic_needs() returned
 *
 * Return: the value for Linux.
 */
u32 vioapic_read(const struct vioapic *io, u32 offset, u32 live)
{
	const struct vioapic_pin *p = selected_pin(io);

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
 * Write the lower half of an entry. Turning a pin to edge-triggered clears remote IRR, and
 * Linux does just that where there is no EOI register. K keeps the hold: the vector is still
 * pending or in service, and its EOI will come.
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
 * @offset: offset in the page
 * @value: the value
 * @w: filled in unless the result is VIOAPIC_NOTHING
 *
 * Return: enum vioapic_action.
 */
int vioapic_write(struct vioapic *io, u32 offset, u32 value,
		  struct vioapic_write *w)
{
	struct vioapic_pin *p = selected_pin(io);

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
		w->value = physical_low(p);
	}
	return VIOAPIC_WRITE;
}

/**
 * vioapic_changed() - the selected register may have been written behind the shadow
 * @io: the shadow
 * @live: what the hardware holds now
 * @w: filled in when the return value is true
 *
 * A pin that is held has K's mask in the hardware, so that a mask that is still there
 * tells nothing: Linux's stays as it was. One that is gone Linux has taken away.
 *
 * Return: whether there is something to write.
 */
bool vioapic_changed(struct vioapic *io, u32 live, struct vioapic_write *w)
{
	struct vioapic_pin *p = selected_pin(io);

	if (!p)
		return false;
	if (io->select & 1) {
		p->entry = (p->entry & 0xffffffff) | (u64)live << 32;
		return false;
	}
	if (p->held && (live & VIOAPIC_MASKED))
		live = (live & ~VIOAPIC_MASKED) | ((u32)p->entry & VIOAPIC_MASKED);
	write_entry_low(io, p, live);
	write_low(io, p, w);
	return p->held;
}

/**
 * vioapic_route() - set the vector that a remapper makes of a pin
 * @io: the shadow
 * @pin: number of the pin
 * @vector: the vector, or VIOAPIC_NO_ROUTE when the entry itself has it
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
 * @version: its version register, which also tells the number of pins
 * @entries: the redirection entries
 *
 * Linux sees the hardware's remote IRR until a pin is held for the first time.
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
		chain_pin(io, i, entries[i]);
	}
}
