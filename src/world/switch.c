// SPDX-License-Identifier: GPL-2.0-only
/* The slow switch between worlds: with all that the plain one (switch.h) leaves out. */
#include <hw/asm.h>
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/test.h>
#include <regent/world.h>

#include "switch.h"

/**
 * world_msr_written() - note that Linux has written an MSR
 * @host: this CPU's host world
 * @index: number of any MSR; nothing happens if the switch does not move it
 *
 * The next switch reads the MSR from the processor.
 */
void world_msr_written(struct world *host, u32 index)
{
	u32 i;

	for (i = 0; i < k_params.nr_world_msrs; i++)
		if (k_params.world_msr[i] == index)
			host->area.rare |= AREA_UNSURE(i);
}

/*
 * Does K know what a world has in an MSR from now on, and can the plain switch handle it? The
 * value stays until Linux's next write, which exits, except in DEBUGCTL, where #DB and freezing
 * clear bits, and in MSRs whose writes do not exit. The plain switch moves only the first MSR,
 * so that all others have to be 0.
 */
static bool will_stay(u32 i, u64 value)
{
	return !(k_params.world_msr_live >> i & 1) &&
	       (!value || (i == 0 && k_params.world_msr[i] != MSR_REG_DEBUGCTL));
}

/* Read those MSRs of the current world that K is unsure of. */
static void read_msrs(struct world_state_area *a)
{
	u32 i;

	for (i = 0; i < k_params.nr_world_msrs; i++) {
		if (!(a->rare & AREA_UNSURE(i)))
			continue;
		hw_rdmsr_to(k_params.world_msr[i], &a->msr[i]);
		if (will_stay(i, a->msr[i]))
			a->rare &= ~AREA_UNSURE(i);
	}
}

static void save_debug(struct world *w)
{
	w->area.dr[0] = HW_READ_DR(0);
	w->area.dr[1] = HW_READ_DR(1);
	w->area.dr[2] = HW_READ_DR(2);
	w->area.dr[3] = HW_READ_DR(3);
}

static void load_debug(const struct world *w)
{
	HW_WRITE_DR(0, w->area.dr[0]);
	HW_WRITE_DR(1, w->area.dr[1]);
	HW_WRITE_DR(2, w->area.dr[2]);
	HW_WRITE_DR(3, w->area.dr[3]);
}

/* The world whose DR0 to DR3 are in the processor while world @w runs: @w itself, or Linux. */
static struct world *debugger(struct cpu *cpu, struct world *w)
{
	return w->area.rare & AREA_DEBUGS ? w : &cpu->host;
}

/**
 * world_debugs() - give a world debug registers of its own, at its first access to one
 * @cpu: this CPU
 * @world: the current world, not Linux. It executes its instruction again, which does not exit
 *	any more, like all later accesses to debug registers
 */
void world_debugs(struct cpu *cpu, struct world *world)
{
	if (world->area.rare & AREA_DEBUGS)
		return;
	save_debug(&cpu->host);
	world->area.rare |= AREA_DEBUGS;
	load_debug(world);
	backend_world_debugs(world);
}

static void save_fpu(struct cpu *cpu, struct world *w)
{
	if (k_params.xcr0_all)
		switch_save_xsave(cpu, w, w == &cpu->host);
	else
		hw_fxsave(w->area.xsave);
}

static void load_fpu(const struct world *w)
{
	if (k_params.xcr0_all)
		switch_load_xsave(w);
	else
		hw_fxrstor(w->area.xsave);
}

static void load_msrs(struct cpu *cpu, const struct world *from, const struct world *to)
{
	u32 i;

	for (i = 0; i < k_params.nr_world_msrs; i++)
		switch_msr(cpu, from, to, i);
}

/**
 * world_switch_slow() - world_switch(), with the parts that few worlds need
 * @cpu: this CPU
 * @to: as in world_switch()
 *
 * These are MSRs that K is unsure of, debug registers, FXSAVE where there is no XSAVE, an
 * address space identifier that is not valid here, and the damage of a test.
 *
 * Return: @to, to enter.
 */
struct world *world_switch_slow(struct cpu *cpu, struct world *to)
{
	struct world *from = cpu->current;
	struct world *old = debugger(cpu, from), *new = debugger(cpu, to);

	read_msrs(&from->area);
	save_fpu(cpu, from);
	if (old != new)
		save_debug(old);
	backend_save(from);
	/*
	 * If K faults from here on, world_recover() has to load Linux's state from memory,
	 * which it does when Linux is not the current world. The current world also decides
	 * whether it loads Linux's DR0 to DR3: it must not be one that shares Linux's while
	 * another world's are in the processor.
	 */
	if (to != &cpu->host && (old == &cpu->host || new == to))
		cpu->current = to;
	backend_switch(cpu, from, to);
	if (unlikely(damage_item)) {
		damage(from, to);
		damage_fault(to, REGENT_SKIP_FAULT_EARLY);
	}
	switch_mitigate(cpu, from == &cpu->host, to == &cpu->host);
	if (old != new)
		load_debug(new);
	if (to != &cpu->host)
		cpu->current = to;
	load_fpu(to);
	load_msrs(cpu, from, to);
	if (unlikely(damage_item))
		damage_fault(to, REGENT_SKIP_FAULT_LATE);
	/*
	 * A new identifier may have all translations flushed by the next entry, which has to be
	 * this world's. Of a vCPU that is not sure yet: src/world/vcpu.c sees to it.
	 */
	if (to != &cpu->host && to->kind != WORLD_VM && !asid_valid(&cpu->asids, &to->asid))
		backend_vcpu_load(cpu, to);
	to->switches++;
	cpu->current = to;
	return to;
}

/**
 * world_switch_part() - see REGENT_HC_TEST_PART
 * @cpu: this CPU, Linux its current world
 * @part: enum regent_test_part
 *
 * Return: 0; -REGENT_HC_EINVAL when there is no such part, or this machine or CPU cannot do it.
 */
s64 world_switch_part(struct cpu *cpu, u64 part)
{
	struct world *host = &cpu->host;

	if (part >= REGENT_PARTS || !host->area.xsave || !k_params.xcr0_all)
		return -REGENT_HC_EINVAL;
	if (part == REGENT_PART_XSAVE) {
		switch_save_xsave(cpu, host, true);
		switch_load_xsave(host);
		switch_save_xsave(cpu, host, false);
		switch_load_xsave(host);
	} else if (part == REGENT_PART_MITIGATIONS) {
		switch_mitigate(cpu, true, false);
		switch_mitigate(cpu, false, true);
	}
	return 0;
}

/**
 * world_switch() - make another world this CPU's current one
 * @cpu: this CPU, in an exit
 * @to: a world of this CPU's other than the current one, with a state area; this world or Linux
 *	is entered next
 *
 * Return: @to, to enter.
 */
struct world *world_switch(struct cpu *cpu, struct world *to)
{
	if (unlikely(to == &cpu->host ? !switch_is_plain(cpu->current, to) :
					!switch_is_plain_to(cpu, cpu->current, to)))
		return world_switch_slow(cpu, to);
	return switch_plain(cpu, cpu->current, to);
}
