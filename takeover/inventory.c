// SPDX-License-Identifier: GPL-2.0-only
/*
 * The inventory: what this machine has. Goes into the state blob, and K's
 * tables are built from it.
 */
#include <linux/ioport.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "l.h"

#define MSR_SYSCFG		0xc0010010
#define SYSCFG_TOM2_WB		(3ull << 21)	/* enabled, and write-back */
#define MSR_TOP_MEM2		0xc001001d
#define MAX_RANGES		1024

struct inventory inventory;

static u32 inventory_range_type(const struct resource *r)
{
	switch (r->desc) {
	case IORES_DESC_ACPI_TABLES:
		return REGENT_RANGE_ACPI;
	case IORES_DESC_ACPI_NV_STORAGE:
		return REGENT_RANGE_NVS;
	case IORES_DESC_PERSISTENT_MEMORY:
	case IORES_DESC_PERSISTENT_MEMORY_LEGACY:
		return REGENT_RANGE_PERSISTENT;
	}
	if ((r->flags & IORESOURCE_SYSTEM_RAM) == IORESOURCE_SYSTEM_RAM)
		return REGENT_RANGE_RAM;
	return r->desc == IORES_DESC_RESERVED ? REGENT_RANGE_RESERVED : REGENT_RANGE_MMIO;
}

static void inventory_range(const struct resource *r)
{
	struct regent_blob_range *to;

	if (inventory.ranges == MAX_RANGES)
		return;
	to = &inventory.range[inventory.ranges++];
	to->start = r->start;
	to->size = resource_size(r);
	to->type = inventory_range_type(r);
	inventory.top = max_t(u64, inventory.top, r->end + 1);
	if (to->type == REGENT_RANGE_RAM || to->type == REGENT_RANGE_PERSISTENT)
		inventory.ram_top = max_t(u64, inventory.ram_top, r->end + 1);
}

/* The top level of the resource tree: RAM, firmware, bridges' windows. */
static int inventory_ranges(void)
{
	struct resource *r;

	inventory.range = kvcalloc(MAX_RANGES, sizeof(*inventory.range), GFP_KERNEL);
	if (!inventory.range)
		return -ENOMEM;
	/* Siblings come and go only with hotplug of memory or host bridges. */
	for (r = iomem_resource.child; r; r = r->sibling)
		inventory_range(r);
	return 0;
}

static void inventory_bars(struct regent_blob_pci *to, struct pci_dev *dev)
{
	int i;

	for (i = 0; i < REGENT_PCI_BARS; i++) {
		unsigned long flags = pci_resource_flags(dev, i);

		if (!pci_resource_len(dev, i))
			continue;
		to->bar[i] = pci_resource_start(dev, i);
		to->bar_size[i] = pci_resource_len(dev, i);
		to->bar_flags[i] = (flags & IORESOURCE_MEM ? 1 : 0) |
				   (flags & IORESOURCE_IO ? 2 : 0) |
				   (flags & IORESOURCE_PREFETCH ? 4 : 0) |
				   (flags & IORESOURCE_MEM_64 ? 8 : 0);
	}
}

static void inventory_function(struct regent_blob_pci *to, struct pci_dev *dev)
{
	struct device_driver *driver;

	to->segment = pci_domain_nr(dev->bus);
	to->bus = dev->bus->number;
	to->devfn = dev->devfn;
	to->vendor = dev->vendor;
	to->device = dev->device;
	to->pci_class = dev->class;
	to->irq = dev->irq;
	to->msi = dev->msix_enabled ? 2 : dev->msi_enabled ? 1 : 0;
	device_lock(&dev->dev);
	driver = dev->dev.driver;
	if (driver)
		strscpy(to->driver, driver->name, sizeof(to->driver));
	device_unlock(&dev->dev);
	inventory_bars(to, dev);
}

static int inventory_pci(void)
{
	struct pci_dev *dev = NULL;
	u32 n = 0;

	for_each_pci_dev(dev)
		n++;
	inventory.pci = kvcalloc(n ?: 1, sizeof(*inventory.pci), GFP_KERNEL);
	if (!inventory.pci)
		return -ENOMEM;
	/* One that is plugged in meanwhile is not in the list. */
	for_each_pci_dev(dev) {
		if (inventory.pcis == n) {
			pci_dev_put(dev);
			break;
		}
		inventory_function(&inventory.pci[inventory.pcis++], dev);
	}
	return 0;
}

/* Linux keeps its I/O APICs as resources named so; more it does not export. */
static int inventory_ioapics(void)
{
	struct resource *r, *c;
	u32 n = 0;

	inventory.ioapic = kcalloc(64, sizeof(*inventory.ioapic), GFP_KERNEL);
	if (!inventory.ioapic)
		return -ENOMEM;
	for (r = iomem_resource.child; r; r = r->sibling) {
		for (c = r; c && n < 64; c = c == r ? r->child : c->sibling) {
			if (!c->name || strncmp(c->name, "IOAPIC", 6))
				continue;
			inventory.ioapic[n].address = c->start;
			inventory.ioapic[n].gsi_base = ~0u;
			n++;
		}
	}
	inventory.ioapics = n;
	return 0;
}

static int inventory_mtrrs(void)
{
	static const u32 fixed[MTYPE_FIXED] = {
		0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f,
	};
	struct mtrr_state *m = &inventory.mtrr;
	u64 v;
	u32 i;

	m->phys_bits = boot_cpu_data.x86_phys_bits;
	if (rdmsrl_safe(0xfe, &m->cap) || rdmsrl_safe(0x2ff, &m->def_type))
		return 0;
	if ((m->cap & 0xff) > MTYPE_MAX_VAR)
		return step_refused("more variable MTRRs than Regent can record; please report this CPU");
	for (i = 0; i < MTYPE_FIXED && (m->cap & (1 << 8)); i++)
		rdmsrl_safe(fixed[i], &m->fixed[i]);
	m->var_count = m->cap & 0xff;
	for (i = 0; i < m->var_count; i++) {
		rdmsrl_safe(0x200 + 2 * i, &m->var[i].base);
		rdmsrl_safe(0x201 + 2 * i, &m->var[i].mask);
	}
	if (boot_cpu_data.x86_vendor != X86_VENDOR_INTEL &&
	    !rdmsrl_safe(MSR_SYSCFG, &v)) {
		m->tom2_wb = (v & SYSCFG_TOM2_WB) == SYSCFG_TOM2_WB;
		rdmsrl_safe(MSR_TOP_MEM2, &m->top_mem2);
	}
	return 0;
}

void inventory_undo(void)
{
	kvfree(inventory.range);
	kvfree(inventory.pci);
	kfree(inventory.ioapic);
	memset(&inventory, 0, sizeof(inventory));
}

int inventory_do(void)
{
	int err = inventory_ranges();

	if (!err)
		err = inventory_pci();
	if (!err)
		err = inventory_ioapics();
	if (!err)
		err = inventory_mtrrs();
	if (err)
		inventory_undo();
	return err;
}
