// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of a switch that few switches need, see switch.h, and the state that it
 * switches.
 */
#include <hw/asm.h>
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/pages.h>
#include <regent/world.h>

#include "switch.h"

#define MXCSR_RESET	0x1f80
#define FCW_RESET	0x37f
#define XSAVE_MXCSR	24		/* offset in the legacy area */

static u32 xsave_pages(void)
{
	return (k_params.xsave_size + REGENT_PAGE_SIZE - 1) / REGENT_PAGE_SIZE;
}

static u32 always_rare(void)
{
	return k_params.xcr0_all ? 0 : AREA_FXSAVE;
}

/**
 * world_area_init() - give a world its state area, all registers as after reset
 * @world: the world
 *
 * Return: 0 or -REGENT_HC_ENOSPC.
 */
int world_area_init(struct world *world)
{
	struct world_state_area *a = &world->area;

	a->xsave = pages_alloc(xsave_pages());
	if (!a->xsave)
		return -REGENT_HC_ENOSPC;
	*(u16 *)a->xsave = FCW_RESET;
	*(u32 *)(a->xsave + XSAVE_MXCSR) = MXCSR_RESET;
	a->xcr0 = k_params.xcr0_all & 1;
	a->rare |= always_rare();
	return 0;
}

/**
 * world_area_free() - undo world_area_init()
 * @world: a world that is not running
 */
void world_area_free(struct world *world)
{
	pages_free(world->area.xsave, xsave_pages());
	world->area.xsave = NULL;
}

/**
 * world_forget_msrs() - nothing is known of what Linux's MSRs hold
 * @host: the system world of a CPU that has just been taken over
 */
void world_forget_msrs(struct world *host)
{
	host->area.rare = ((1u << k_params.nr_world_msrs) - 1) | always_rare();
}

/**
 * world_msr_written() - Linux has written an MSR
 * @host: this CPU's system world
 * @index: any MSR
 */
void world_msr_written(struct world *host, u32 index)
{
	u32 i;

	for (i = 0; i < k_params.nr_world_msrs; i++)
		if (k_params.world_msr[i] == index)
			host->area.rare |= AREA_UNSURE(i);
}

/*
 * A value stays known until Linux's next write, which exits, but for DEBUGCTL: #DB and
 * freezing clear bits there. Of all but the first, the plain switch knows only 0.
 */
static bool will_stay(u32 i, u64 value)
{
	return !(k_params.world_msr_live >> i & 1) &&
	       (!value || (i == 0 && k_params.world_msr[i] != MSR_REG_DEBUGCTL));
}

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

/* Whose DR0 to DR3 are in the processor while a world runs. */
static struct world *debugger(struct cpu *cpu, struct world *w)
{
	return w->area.rare & AREA_DEBUGS ? w : &cpu->system;
}

/**
 * world_debugs() - a world has touched a debug register, and gets its own
 * @cpu: this CPU
 * @world: the current one, not Linux. It is to execute its instruction again; that
 *	and others of its kind do not exit any more
 */
void world_debugs(struct cpu *cpu, struct world *world)
{
	if (world->area.rare & AREA_DEBUGS)
		return;
	save_debug(&cpu->system);
	world->area.rare |= AREA_DEBUGS;
	load_debug(world);
	backend_world_debugs(world);
}

static void save_fpu(struct cpu *cpu, struct world *w)
{
	if (k_params.xcr0_all)
		switch_save_xsave(cpu, w, w == &cpu->system);
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
 * world_switch_slow() - world_switch() with all that few need
 * @cpu: this CPU
 * @to: see there
 */
struct world *world_switch_slow(struct cpu *cpu, struct world *to)
{
	struct world *from = cpu->current;
	struct world *old = debugger(cpu, from), *new = debugger(cpu, to);

	read_msrs(&from->area);
	save_fpu(cpu, from);
	if (old != new)
		save_debug(old);
	backend_switch(cpu, from, to);
	if (unlikely(damage_item))
		damage(from, to);
	switch_mitigate(cpu, to == &cpu->system);
	/* Should K fault from here on, Linux has to get its own back from memory. */
	if (to != &cpu->system && new == to)
		cpu->current = to;
	if (old != new)
		load_debug(new);
	if (to != &cpu->system)
		cpu->current = to;
	load_fpu(to);
	load_msrs(cpu, from, to);
	if (unlikely(damage_item))
		damage_fault(to);
	if (to != &cpu->system && !asid_valid(&cpu->asids, &to->asid))
		backend_world_here(cpu, to);
	to->switches++;
	cpu->current = to;
	return to;
}

/**
 * world_switch_part() - see REGENT_HC_TEST_PART
 * @cpu: this CPU, Linux the current world
 * @part: enum regent_test_part
 */
s64 world_switch_part(struct cpu *cpu, u64 part)
{
	struct world *host = &cpu->system;

	if (part >= REGENT_PARTS || !host->area.xsave || !k_params.xcr0_all)
		return -REGENT_HC_EINVAL;
	if (part == REGENT_PART_XSAVE) {
		switch_save_xsave(cpu, host, true);
		switch_load_xsave(host);
		switch_save_xsave(cpu, host, false);
		switch_load_xsave(host);
	} else if (part == REGENT_PART_MITIGATIONS) {
		switch_mitigate(cpu, false);
		switch_mitigate(cpu, true);
	}
	return 0;
}

/**
 * world_switch() - make another world this CPU's current one
 * @cpu: this CPU, in an exit
 * @to: another than the current one, bound to this CPU, runnable, with a state
 *	area. It is entered next, or Linux is
 *
 * Return: @to, to enter.
 */
struct world *world_switch(struct cpu *cpu, struct world *to)
{
	if (unlikely(!switch_is_plain(cpu, cpu->current, to)))
		return world_switch_slow(cpu, to);
	return switch_plain(cpu, cpu->current, to);
}
