/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each GSI of a VM is: a table, made of what a VMM says. Plain logic: route.c allocates it
 * and sends what it says.
 */
#ifndef TAKEOVER_KVM_ROUTES_H
#define TAKEOVER_KVM_ROUTES_H

#include <linux/errno.h>
#include <linux/kvm.h>
#include <regent/nospec.h>

#define ROUTE_GSIS	4096	/* as in KVM */

/* Of an MSI's data */
#define MSI_VECTOR	0xffu
#define MSI_LEVEL	(1u << 15)

/* Pins as a table knows them: those of the PICs first */
#define ROUTE_IOAPIC	16
#define ROUTE_PINS	40
#define ROUTE_NO_GSI	0xffff

/**
 * struct route - a part of what a GSI is
 * @next: number of the next one of the same GSI, plus 1; 0 for none
 * @is_msi: it is an MSI, not a pin
 * @pin: see above
 * @data: of the MSI
 * @address: of the MSI
 */
struct route {
	u32 next;
	bool is_msi;
	u8 pin;
	u32 data;
	u64 address;
};

/**
 * struct route_table - all GSIs of a VM
 * @nr: how many
 * @used: number of @route
 * @pin_gsi: GSI of each pin, or ROUTE_NO_GSI
 * @first: by GSI: number of its first route, plus 1; 0 for none
 * @route: see above
 */
struct route_table {
	u32 nr;
	u32 used;
	u16 pin_gsi[ROUTE_PINS];
	u32 *first;
	struct route route[];
};

/* The first route of a GSI, or NULL */
static inline const struct route *route_first(const struct route_table *table, u32 gsi)
{
	u32 n;

	if (!table || gsi >= table->nr)
		return NULL;
	n = table->first[nospec_index(gsi, table->nr)];
	return n ? &table->route[n - 1] : NULL;
}

static inline const struct route *route_next(const struct route_table *table, const struct route *r)
{
	return r->next ? &table->route[r->next - 1] : NULL;
}

/* The pin that an entry names, or -EINVAL */
static inline int route_pin(const struct kvm_irq_routing_irqchip *e)
{
	switch (e->irqchip) {
	case KVM_IRQCHIP_PIC_MASTER:
		return e->pin < 8 ? (int)e->pin : -EINVAL;
	case KVM_IRQCHIP_PIC_SLAVE:
		return e->pin < 8 ? (int)e->pin + 8 : -EINVAL;
	case KVM_IRQCHIP_IOAPIC:
		return e->pin < ROUTE_PINS - ROUTE_IOAPIC ? (int)e->pin + ROUTE_IOAPIC : -EINVAL;
	}
	return -EINVAL;
}

static inline int route_describe(struct route *r, const struct kvm_irq_routing_entry *e, bool pins)
{
	int pin;

	switch (e->type) {
	case KVM_IRQ_ROUTING_MSI:
		if (e->flags & ~KVM_MSI_VALID_DEVID)
			return -EINVAL;
		r->is_msi = true;
		r->address = (u64)e->u.msi.address_hi << 32 | e->u.msi.address_lo;
		r->data = e->u.msi.data;
		return 0;
	case KVM_IRQ_ROUTING_IRQCHIP:
		pin = route_pin(&e->u.irqchip);
		if (!pins || e->flags || pin < 0)
			return -EINVAL;
		r->pin = pin;
		return 0;
	}
	return -EINVAL;
}

/* Which of KVM's three chips has a pin? */
static inline u32 route_chip(const struct route *r)
{
	return r->pin < ROUTE_IOAPIC ? r->pin / 8 : KVM_IRQCHIP_IOAPIC;
}

/* KVM's rules: a GSI is one MSI, or at most one pin of each chip. */
static inline int route_add(struct route_table *table, const struct kvm_irq_routing_entry *e,
			    bool pins)
{
	u32 gsi = nospec_index(e->gsi, ROUTE_GSIS);
	struct route *r = &table->route[table->used];
	const struct route *other;
	int err = route_describe(r, e, pins);

	if (err)
		return err;
	for (other = route_first(table, gsi); other; other = route_next(table, other))
		if (other->is_msi || r->is_msi || route_chip(other) == route_chip(r))
			return -EINVAL;
	r->next = table->first[gsi];
	table->first[gsi] = ++table->used;
	if (!r->is_msi)
		table->pin_gsi[r->pin] = gsi;
	return 0;
}

/**
 * route_gsis() - how many GSIs has a table?
 * @entry: what the VMM says
 * @nr: number of entries
 *
 * Return: the highest GSI plus 1, or -EINVAL when it is too high.
 */
static inline int route_gsis(const struct kvm_irq_routing_entry *entry, u32 nr)
{
	u32 i, gsis = 0;

	for (i = 0; i < nr; i++) {
		if (entry[i].gsi >= ROUTE_GSIS)
			return -EINVAL;
		if (entry[i].gsi >= gsis)
			gsis = entry[i].gsi + 1;
	}
	return gsis;
}

/**
 * route_fill() - make a table
 * @table: zeroed, with room for @nr routes and, behind them, @gsis numbers
 * @entry: what the VMM says
 * @nr: number of entries
 * @gsis: as route_gsis() says
 * @pins: there are pins, which L has
 *
 * Return: 0, or -EINVAL for an entry that KVM does not accept.
 */
static inline int route_fill(struct route_table *table, const struct kvm_irq_routing_entry *entry,
			     u32 nr, u32 gsis, bool pins)
{
	u32 i;
	int err;

	table->nr = gsis;
	table->first = (u32 *)&table->route[nr];
	for (i = 0; i < ROUTE_PINS; i++)
		table->pin_gsi[i] = ROUTE_NO_GSI;
	for (i = 0; i < nr; i++) {
		err = route_add(table, &entry[i], pins);
		if (err)
			return err;
	}
	return 0;
}

/**
 * route_pin_gsi() - which GSI is a pin?
 * @table: the table, or NULL
 * @pin: as struct route has it
 *
 * Return: a GSI, or ROUTE_NO_GSI.
 */
static inline u32 route_pin_gsi(const struct route_table *table, u32 pin)
{
	return table && pin < ROUTE_PINS ? table->pin_gsi[pin] : ROUTE_NO_GSI;
}

/**
 * route_wants_eoi() - does a level-triggered MSI of the VMM's I/O APICs have this vector?
 * @table: the table, or NULL
 * @nr_pins: number of their pins, which are the first GSIs
 * @vector: the vector
 */
static inline bool route_wants_eoi(const struct route_table *table, u32 nr_pins, u8 vector)
{
	const struct route *r;
	u32 i;

	for (i = 0; table && i < table->nr && i < nr_pins; i++) {
		r = route_first(table, i);
		if (r && r->data & MSI_LEVEL && (r->data & MSI_VECTOR) == vector)
			return true;
	}
	return false;
}

#endif
