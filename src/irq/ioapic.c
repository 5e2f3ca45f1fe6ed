// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOAPICs while any CPU is forwarded: Linux's accesses come here from all
 * CPUs, and K masks in addition what Linux cannot take yet. The logic is
 * <regent/vioapic.h>.
 *
 * One lock for each IOAPIC, taken for Linux's rare accesses and for
 * level-triggered interrupts.
 */
#include <hw/asm.h>
#include <hw/pte.h>
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/k.h>
#include <regent/lock.h>
#include <regent/vioapic.h>

/**
 * struct ioapic - one of them
 * @lock: guards the rest, and the hardware's register pair
 * @loaded: the shadow holds; until then accesses pass
 * @shadow: what Linux sees
 */
static struct ioapic {
	struct lock lock;
	bool loaded;
	struct vioapic shadow;
} ioapics[REGENT_MAX_IOAPICS];

static u32 current_mode;	/* enum regent_ioapic_mode; written under mode_lock */
static struct lock mode_lock;

static u32 mode_now(void)
{
	return __atomic_load_n(&current_mode, __ATOMIC_ACQUIRE);
}

static void set_mode(u32 mode)
{
	__atomic_store_n(&current_mode, mode, __ATOMIC_RELEASE);
}

static void drop(struct ioapic *io)
{
	lock_drop(&io->lock);
}

/* @offset must not lead out of the page, see mmio.c. */
static volatile u32 *at(struct cpu *cpu, int nr, u32 offset)
{
	u64 pa = k_params.ioapic[nr];
	u8 *page = mapcache_page(&cpu->mapcache, pa & ~(REGENT_PAGE_SIZE - 1), MAPCACHE_MMIO);

	return (volatile u32 *)(page + (pa & (REGENT_PAGE_SIZE - 1)) + offset);
}

/* Linux may lose its CPUs' K between its own select and window. */
static void select_again(struct cpu *cpu, int nr)
{
	if (ioapics[nr].loaded)
		*at(cpu, nr, VIOAPIC_SELECT) = ioapics[nr].shadow.select;
}

/*
 * K has faulted on this CPU, perhaps between its own select and window. Linux is to find
 * the register selected that it has selected.
 */
static void abandon(struct lock *l)
{
	struct ioapic *io = container_of(l, struct ioapic, lock);

	select_again(this_cpu(), io - ioapics);
}

static struct ioapic *take(int nr)
{
	lock_take(&ioapics[nr].lock);
	ioapics[nr].lock.abandon = abandon;
	return &ioapics[nr];
}

static u32 read_reg(struct cpu *cpu, int nr, u32 reg)
{
	u32 value;

	*at(cpu, nr, VIOAPIC_SELECT) = reg;
	value = *at(cpu, nr, VIOAPIC_WINDOW);
	select_again(cpu, nr);
	return value;
}

/* Read back: a mask has to be there before the EOI that follows. */
static void write_reg(struct cpu *cpu, int nr, const struct vioapic_write *w)
{
	*at(cpu, nr, VIOAPIC_SELECT) = w->reg;
	*at(cpu, nr, VIOAPIC_WINDOW) = w->value;
	(void)*at(cpu, nr, VIOAPIC_WINDOW);
	select_again(cpu, nr);
}

/* Linux may have selected a register and not used it yet: that stays. */
static void load(struct cpu *cpu, int nr)
{
	struct ioapic *io = take(nr);
	u32 selected = *at(cpu, nr, VIOAPIC_SELECT);
	u32 version = read_reg(cpu, nr, VIOAPIC_REG_VERSION);
	u64 entry[VIOAPIC_PINS] = { 0 };
	u32 pins = (version >> 16 & 0xff) + 1;
	u32 i;

	for (i = 0; i < pins && i < VIOAPIC_PINS; i++)
		entry[i] = read_reg(cpu, nr, VIOAPIC_REG_ENTRY + 2 * i) |
			   (u64)read_reg(cpu, nr, VIOAPIC_REG_ENTRY + 2 * i + 1) << 32;
	vioapic_load(&io->shadow, version, entry);
	io->shadow.select = selected;
	io->loaded = true;
	select_again(cpu, nr);
	drop(io);
}

static void unload(struct cpu *cpu, int nr)
{
	struct ioapic *io = take(nr);
	struct vioapic_write w;

	while (vioapic_release(&io->shadow, VIOAPIC_ANY_CPU, &w))
		write_reg(cpu, nr, &w);
	*at(cpu, nr, VIOAPIC_SELECT) = io->shadow.select;
	io->loaded = false;
	drop(io);
}

static int change_mode(struct cpu *cpu, u32 mode)
{
	u32 i;
	int err = 0;

	switch (mode) {
	case REGENT_IOAPIC_TRAPPED:
		/* First: who misses the page is not to have it mapped again. */
		set_mode(mode);
		for (i = 0; !err && i < k_params.nr_ioapics; i++)
			err = host_device_trap(k_params.ioapic[i], true);
		for (i = 0; err && i < k_params.nr_ioapics; i++)
			host_device_trap(k_params.ioapic[i], false);
		if (err)
			set_mode(REGENT_IOAPIC_DIRECT);
		return err;
	case REGENT_IOAPIC_SHADOWED:
		for (i = 0; i < k_params.nr_ioapics; i++)
			load(cpu, i);
		return 0;
	}
	for (i = 0; i < k_params.nr_ioapics; i++) {
		if (mode_now() == REGENT_IOAPIC_SHADOWED)
			unload(cpu, i);
		host_device_trap(k_params.ioapic[i], false);
	}
	return 0;
}

/**
 * ioapic_mode() - see REGENT_HC_IOAPIC
 * @mode: enum regent_ioapic_mode
 *
 * A machine with no IOAPIC, or more than K keeps shadows for, stays direct.
 *
 * Return: 0 or a negative REGENT_HC_E*.
 */
int ioapic_mode(u64 mode)
{
	int err = -REGENT_HC_EINVAL;

	if (mode > REGENT_IOAPIC_SHADOWED || !k_params.nr_ioapics)
		return err;
	lock_take(&mode_lock);
	if (mode == REGENT_IOAPIC_DIRECT ? forward_any() : mode != mode_now() + 1)
		err = -REGENT_HC_EBUSY;
	else if (mode == REGENT_IOAPIC_SHADOWED && !host_flushed(host_tlb_sequence()))
		err = -REGENT_HC_EBUSY;
	else
		err = change_mode(this_cpu(), mode);
	if (!err)
		set_mode(mode);
	lock_drop(&mode_lock);
	return err;
}

/**
 * ioapic_shadowed() - does K see all of Linux's accesses?
 */
bool ioapic_shadowed(void)
{
	return mode_now() == REGENT_IOAPIC_SHADOWED;
}

/**
 * ioapic_find() - is this address an IOAPIC's that K traps?
 * @pa: physical address
 *
 * Return: its number, or -1.
 */
int ioapic_find(u64 pa)
{
	int found = -1;
	u32 i;

	if (mode_now() == REGENT_IOAPIC_DIRECT)
		return -1;
	for (i = 0; i < k_params.nr_ioapics; i++) {
		u64 at = k_params.ioapic[i];

		/* Two may share a page. */
		if ((pa ^ at) < REGENT_PAGE_SIZE && pa >= at &&
		    (found < 0 || at > k_params.ioapic[found]))
			found = i;
	}
	return found;
}

/**
 * ioapic_arrived() - an interrupt came to a CPU, not acknowledged yet
 * @cpu: this CPU, forwarded
 * @vector: its vector
 * @level: level-triggered: held until Linux's EOI. An edge: it was pending
 *	already; several of them are held until it is delivered
 *
 * Return: whether a pin is held that was not before.
 */
bool ioapic_arrived(struct cpu *cpu, u8 vector, bool level)
{
	struct vioapic_write w;
	bool held = false;
	u32 i;

	for (i = 0; i < k_params.nr_ioapics; i++) {
		struct ioapic *io = take(i);

		if (!level && vioapic_edge(&io->shadow, vector, &cpu->vapic, cpu->id, &w))
			write_reg(cpu, i, &w);
		while (level && vioapic_level(&io->shadow, vector, &cpu->vapic, cpu->id, &w)) {
			write_reg(cpu, i, &w);
			held = true;
		}
		drop(io);
	}
	return held;
}

/**
 * ioapic_delivered() - Linux is about to take a vector
 * @cpu: this CPU, forwarded
 * @vector: the vector
 */
void ioapic_delivered(struct cpu *cpu, u8 vector)
{
	struct vioapic_write w;
	u32 i;

	for (i = 0; i < k_params.nr_ioapics; i++) {
		struct ioapic *io;

		/* Written by this CPU's own arrivals, or none of its business. */
		if (!__atomic_load_n(&ioapics[i].shadow.noisy, __ATOMIC_RELAXED))
			continue;
		io = take(i);
		while (vioapic_delivered(&io->shadow, vector, cpu->id, &w))
			write_reg(cpu, i, &w);
		drop(io);
	}
}

/**
 * ioapic_eoi() - Linux's EOI of a level-triggered vector
 * @cpu: this CPU, forwarded
 * @vector: the vector
 */
void ioapic_eoi(struct cpu *cpu, u8 vector)
{
	struct vioapic_write w;
	u32 i;

	for (i = 0; i < k_params.nr_ioapics; i++) {
		struct ioapic *io = take(i);

		while (vioapic_eoi(&io->shadow, vector, cpu->id, &w))
			write_reg(cpu, i, &w);
		drop(io);
	}
}

/**
 * ioapic_release() - hold nothing for a CPU any more: pending levels come again
 * @cpu: this CPU
 */
void ioapic_release(struct cpu *cpu)
{
	struct vioapic_write w;
	u32 i;

	for (i = 0; i < k_params.nr_ioapics; i++) {
		struct ioapic *io = take(i);

		while (vioapic_release(&io->shadow, cpu->id, &w))
			write_reg(cpu, i, &w);
		drop(io);
	}
}

/* The registers of an IOAPIC are 32 bits wide; the manuals define no other access. */
static bool is_register(u32 offset, int width)
{
	return width == 4 && (offset == VIOAPIC_SELECT || offset == VIOAPIC_WINDOW ||
			      offset == VIOAPIC_EOI);
}

/*
 * Only the chip knows what it makes of a write that no manual defines. The write can
 * have changed which register is selected, or what was selected before.
 */
static void write_undefined(struct cpu *cpu, int nr, u32 offset, int width, u64 value)
{
	struct vioapic *shadow = &ioapics[nr].shadow;
	struct vioapic_write w;
	u32 selected;

	select_again(cpu, nr);
	hw_mmio_write((volatile u8 *)at(cpu, nr, 0) + offset, width, value);
	selected = *at(cpu, nr, VIOAPIC_SELECT);
	*at(cpu, nr, VIOAPIC_SELECT) = shadow->select;
	if (vioapic_changed(shadow, *at(cpu, nr, VIOAPIC_WINDOW), &w))
		write_reg(cpu, nr, &w);
	shadow->select = selected;
	select_again(cpu, nr);
}

static u64 read_shadow(struct cpu *cpu, int nr, u32 offset)
{
	const struct vioapic *shadow = &ioapics[nr].shadow;
	int reg = vioapic_needs(shadow, offset);
	u32 live = 0;

	if (reg >= 0)
		live = read_reg(cpu, nr, reg);
	return vioapic_read(shadow, offset, live);
}

static void write_shadow(struct cpu *cpu, int nr, u32 offset, u32 value)
{
	struct vioapic *shadow = &ioapics[nr].shadow;
	struct vioapic_write w;
	int what = vioapic_write(shadow, offset, value, &w);

	if (what == VIOAPIC_WRITE)
		write_reg(cpu, nr, &w);
	if (what != VIOAPIC_WRITE_EOI)
		return;
	*at(cpu, nr, VIOAPIC_EOI) = w.value;
	while (vioapic_directed_eoi(shadow, value, &w))
		write_reg(cpu, nr, &w);
}

/**
 * ioapic_read() - Linux reads
 * @cpu: this CPU
 * @nr: from ioapic_find()
 * @offset: where in its page, which the access does not leave
 * @width: bytes: 1, 2, 4 or 8
 *
 * What is no register, or no register's width, the chip itself answers as it does on
 * the bare machine. There Linux may see K's own mask of a pin that is held.
 */
u64 ioapic_read(struct cpu *cpu, int nr, u32 offset, int width)
{
	struct ioapic *io = take(nr);
	u64 value;

	if (io->loaded && is_register(offset, width)) {
		value = read_shadow(cpu, nr, offset);
	} else {
		/* What Linux selects stays in the shadow until the chip has to know it. */
		select_again(cpu, nr);
		value = hw_mmio_read((volatile u8 *)at(cpu, nr, 0) + offset, width);
	}
	drop(io);
	return value;
}

/**
 * ioapic_write() - Linux writes
 * @cpu: this CPU
 * @nr: from ioapic_find()
 * @offset: where in its page, which the access does not leave
 * @width: bytes: 1, 2, 4 or 8
 * @value: what
 */
void ioapic_write(struct cpu *cpu, int nr, u32 offset, int width, u64 value)
{
	struct ioapic *io = take(nr);

	if (!io->loaded)
		hw_mmio_write((volatile u8 *)at(cpu, nr, 0) + offset, width, value);
	else if (is_register(offset, width))
		write_shadow(cpu, nr, offset, value);
	else
		write_undefined(cpu, nr, offset, width, value);
	drop(io);
}
