// SPDX-License-Identifier: GPL-2.0-only
/* What each GSI is: the tables of takeover/kvm/routes.h, against what the VMM has said. */
#include "../../takeover/kvm/routes.h"
#include "unit.h"

#define ENTRIES	200

static struct kvm_irq_routing_entry entry[ENTRIES];
static struct route_table *table;
static u32 nr;

static struct kvm_irq_routing_entry *add(u32 gsi)
{
	struct kvm_irq_routing_entry *e = &entry[nr++];

	memset(e, 0, sizeof(*e));
	e->gsi = gsi;
	return e;
}

static struct kvm_irq_routing_entry *add_msi(u32 gsi, u64 address, u32 data)
{
	struct kvm_irq_routing_entry *e = add(gsi);

	e->type = KVM_IRQ_ROUTING_MSI;
	e->u.msi.address_lo = address;
	e->u.msi.address_hi = address >> 32;
	e->u.msi.data = data;
	return e;
}

static struct kvm_irq_routing_entry *add_pin(u32 gsi, u32 chip, u32 pin)
{
	struct kvm_irq_routing_entry *e = add(gsi);

	e->type = KVM_IRQ_ROUTING_IRQCHIP;
	e->u.irqchip.irqchip = chip;
	e->u.irqchip.pin = pin;
	return e;
}

/* As route.c does it; in memory of just that size, so that ASan sees what is beyond. */
static int make(bool pins)
{
	int gsis = route_gsis(entry, nr), err;

	free(table);
	table = NULL;
	if (gsis < 0)
		return gsis;
	table = calloc(1, sizeof(*table) + nr * sizeof(table->route[0]) + gsis * sizeof(u32));
	err = route_fill(table, entry, nr, gsis, pins);
	if (err) {
		free(table);
		table = NULL;
	}
	return err;
}

static int setup(void **state)
{
	(void)state;
	nr = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(table);
	table = NULL;
	return 0;
}

static void no_table(void **state)
{
	(void)state;
	assert_null(route_first(NULL, 0));
	assert_int_equal(route_pin_gsi(NULL, 3), ROUTE_NO_GSI);
	assert_false(route_wants_eoi(NULL, 24, 0x31));
	assert_int_equal(make(true), 0);
	assert_null(route_first(table, 0));
	assert_null(route_first(table, ~0u));
	assert_int_equal(route_pin_gsi(table, ROUTE_PINS), ROUTE_NO_GSI);
}

static void one_msi(void **state)
{
	const struct route *r;

	(void)state;
	add_msi(ROUTE_GSIS - 1, 0x12345678fee01000, 0x4041);
	assert_int_equal(make(false), 0);
	r = route_first(table, ROUTE_GSIS - 1);
	assert_non_null(r);
	assert_true(r->is_msi && r->address == 0x12345678fee01000 && r->data == 0x4041);
	assert_null(route_next(table, r));
	assert_null(route_first(table, ROUTE_GSIS - 2));
	assert_null(route_first(table, ROUTE_GSIS));
}

/* Pin n of the I/O APIC and of a PIC, as every PC has it */
static void as_in_a_pc(void **state)
{
	const struct route *r;
	u32 gsi, found;

	(void)state;
	for (gsi = 0; gsi < 24; gsi++) {
		if (gsi < 16)
			add_pin(gsi, gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE,
				gsi % 8);
		add_pin(gsi, KVM_IRQCHIP_IOAPIC, gsi == 0 ? 2 : gsi == 2 ? 0 : gsi);
	}
	assert_int_equal(make(false), -EINVAL);		/* the VMM has the chips */
	assert_int_equal(make(true), 0);
	for (gsi = 0; gsi < 24; gsi++) {
		u32 pin = gsi == 0 ? 2 : gsi == 2 ? 0 : gsi;

		found = 0;
		for (r = route_first(table, gsi); r; r = route_next(table, r)) {
			assert_false(r->is_msi);
			assert_int_equal(r->pin, r->pin < ROUTE_IOAPIC ? gsi : pin + ROUTE_IOAPIC);
			found++;
		}
		assert_int_equal(found, gsi < 16 ? 2 : 1);
		assert_int_equal(route_pin_gsi(table, ROUTE_IOAPIC + pin), gsi);
		if (gsi < 16)
			assert_int_equal(route_pin_gsi(table, gsi), gsi);
	}
	assert_null(route_first(table, 24));
}

static void refused(void **state)
{
	(void)state;
	add_msi(ROUTE_GSIS, 0xfee00000, 0x41);
	assert_int_equal(make(true), -EINVAL);
	nr = 0;
	add_msi(~0u, 0xfee00000, 0x41);
	assert_int_equal(make(true), -EINVAL);
	nr = 0;
	add_pin(1, KVM_IRQCHIP_PIC_MASTER, 8);
	assert_int_equal(make(true), -EINVAL);
	nr = 0;
	add_pin(1, KVM_IRQCHIP_PIC_SLAVE, ~0u);
	assert_int_equal(make(true), -EINVAL);
	nr = 0;
	add_pin(1, KVM_IRQCHIP_IOAPIC, 24);
	assert_int_equal(make(true), -EINVAL);
	nr = 0;
	add_pin(1, 3, 0);
	assert_int_equal(make(true), -EINVAL);
	nr = 0;
	add(1)->type = KVM_IRQ_ROUTING_HV_SINT;
	assert_int_equal(make(true), -EINVAL);
	nr = 0;
	add_msi(1, 0xfee00000, 0x41)->flags = 2;
	assert_int_equal(make(true), -EINVAL);
	nr = 0;
	add_msi(1, 0xfee00000, 0x41)->flags = KVM_MSI_VALID_DEVID;
	assert_int_equal(make(true), 0);
	add_pin(2, KVM_IRQCHIP_IOAPIC, 1)->flags = KVM_MSI_VALID_DEVID;
	assert_int_equal(make(true), -EINVAL);
}

/* A GSI is one MSI, or one pin of each chip. */
static void what_goes_together(void **state)
{
	(void)state;
	add_msi(5, 0xfee00000, 0x41);
	add_msi(5, 0xfee00000, 0x42);
	assert_int_equal(make(true), -EINVAL);
	nr = 0;
	add_msi(5, 0xfee00000, 0x41);
	add_pin(5, KVM_IRQCHIP_IOAPIC, 5);
	assert_int_equal(make(true), -EINVAL);
	nr = 0;
	add_pin(5, KVM_IRQCHIP_IOAPIC, 5);
	add_msi(5, 0xfee00000, 0x41);
	assert_int_equal(make(true), -EINVAL);
	nr = 0;
	add_pin(5, KVM_IRQCHIP_IOAPIC, 5);
	add_pin(5, KVM_IRQCHIP_IOAPIC, 6);
	assert_int_equal(make(true), -EINVAL);
	nr = 0;
	add_pin(5, KVM_IRQCHIP_IOAPIC, 5);
	add_pin(5, KVM_IRQCHIP_PIC_MASTER, 1);
	add_pin(5, KVM_IRQCHIP_PIC_SLAVE, 1);
	assert_int_equal(make(true), 0);
	add_pin(5, KVM_IRQCHIP_PIC_SLAVE, 2);
	assert_int_equal(make(true), -EINVAL);
	nr = 3;
	/* Of a pin of two GSIs, the last one hears of its end, as in KVM. */
	add_pin(6, KVM_IRQCHIP_PIC_MASTER, 1);
	assert_int_equal(make(true), 0);
	assert_int_equal(route_pin_gsi(table, 1), 6);
}

static void ends(void **state)
{
	(void)state;
	add_msi(3, 0xfee00000, 0x41 | MSI_LEVEL);
	add_msi(4, 0xfee00000, 0x42);
	add_msi(24, 0xfee00000, 0x43 | MSI_LEVEL);
	assert_int_equal(make(false), 0);
	assert_true(route_wants_eoi(table, 24, 0x41));
	assert_false(route_wants_eoi(table, 24, 0x42));		/* an edge */
	assert_false(route_wants_eoi(table, 24, 0x43));		/* no pin */
	assert_true(route_wants_eoi(table, 25, 0x43));
	assert_true(route_wants_eoi(table, ~0u, 0x43));
	assert_false(route_wants_eoi(table, 3, 0x41));
	assert_false(route_wants_eoi(table, 24, 0));
}

/* Any entries: what is accepted says of each GSI just what the entries say. */
static void against_a_list(void **state)
{
	const struct route *r;
	u64 seed = 5, n;
	u32 i, count, accepted = 0;

	(void)state;
	for (n = 0; n < 20000; n++) {
		u32 gsi, most = 1 + unit_below(&seed, 12);

		nr = 0;
		while (nr < most)
			if (unit_below(&seed, 3))
				add_pin(unit_below(&seed, 40), unit_below(&seed, 3),
					unit_below(&seed, 8));
			else
				add_msi(unit_below(&seed, 40), unit_random(&seed), nr);
		if (make(true))
			continue;
		accepted++;
		for (gsi = 0; gsi < 64; gsi++) {
			count = 0;
			for (i = 0; i < nr; i++)
				count += entry[i].gsi == gsi;
			for (r = route_first(table, gsi); r; r = route_next(table, r)) {
				count--;
				i = r - table->route;
				assert_int_equal(entry[i].gsi, gsi);
				assert_int_equal(r->is_msi,
						 entry[i].type == KVM_IRQ_ROUTING_MSI);
			}
			assert_int_equal(count, 0);
		}
	}
	assert_true(accepted > 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_table, setup, teardown),
		cmocka_unit_test_setup_teardown(one_msi, setup, teardown),
		cmocka_unit_test_setup_teardown(as_in_a_pc, setup, teardown),
		cmocka_unit_test_setup_teardown(refused, setup, teardown),
		cmocka_unit_test_setup_teardown(what_goes_together, setup, teardown),
		cmocka_unit_test_setup_teardown(ends, setup, teardown),
		cmocka_unit_test_setup_teardown(against_a_list, setup, teardown),
	};

	return cmocka_run_group_tests_name("routes", tests, NULL, NULL);
}
