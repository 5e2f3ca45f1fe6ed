// SPDX-License-Identifier: GPL-2.0-only
/*
 * The switch from one world to another on a CPU:
 *
 *	save the current world's state	general registers by enter.S, what VMRUN
 *					and VMLOAD move by them, the rest here
 *	exceptions off			since the exit: GIF is clear
 *	load the next world's state	the rest here, the others by enter.S
 *	enter, exceptions on		VMRUN sets GIF
 *
 * K itself uses none of the registers handled here, so that they stay the
 * current world's over any number of exits.
 */
#include <hw/asm.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/pages.h>
#include <regent/world.h>

#define MSR_PRED_CMD	0x49
#define PRED_CMD_IBPB	1
#define MXCSR_RESET	0x1f80
#define FCW_RESET	0x37f
#define XSAVE_MXCSR	24		/* offset in the legacy area */

static u32 xsave_pages(void)
{
	return (k_params.xsave_size + REGENT_PAGE_SIZE - 1) / REGENT_PAGE_SIZE;
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
	a->xcr0 = 1;
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

static void save_area(struct world_state_area *a)
{
	u32 i;

	a->xcr0 = hw_xgetbv();
	if (a->xcr0 != k_params.xcr0_all)
		hw_xsetbv(k_params.xcr0_all);
	hw_xsave(a->xsave);
	a->dr[0] = HW_READ_DR(0);
	a->dr[1] = HW_READ_DR(1);
	a->dr[2] = HW_READ_DR(2);
	a->dr[3] = HW_READ_DR(3);
	for (i = 0; i < k_params.nr_world_msrs; i++)
		a->msr[i] = hw_rdmsr(k_params.world_msr[i]);
}

/* XCR0 has everything enabled, from save_area(). */
static void load_area(const struct world_state_area *a, const struct world_state_area *last)
{
	u32 i;

	hw_xrstor(a->xsave);
	if (a->xcr0 != k_params.xcr0_all)
		hw_xsetbv(a->xcr0);
	HW_WRITE_DR(0, a->dr[0]);
	HW_WRITE_DR(1, a->dr[1]);
	HW_WRITE_DR(2, a->dr[2]);
	HW_WRITE_DR(3, a->dr[3]);
	/* A WRMSR costs more than a comparison. */
	for (i = 0; i < k_params.nr_world_msrs; i++)
		if (a->msr[i] != last->msr[i])
			hw_wrmsr(k_params.world_msr[i], a->msr[i]);
}

/* Nothing that the one owner trained steers the other. */
static void mitigate(void)
{
	if (k_params.mitigations & REGENT_MITIGATE_IBPB)
		hw_wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
	if (k_params.mitigations & REGENT_MITIGATE_RSB)
		rsb_fill();
}

/**
 * world_switch() - make another world this CPU's current one
 * @cpu: this CPU
 * @to: bound to this CPU, runnable, with a state area
 *
 * Return: @to, to enter.
 */
struct world *world_switch(struct cpu *cpu, struct world *to)
{
	struct world *from = cpu->current;
	u64 now = hw_rdtsc();

	if (to == from)
		return to;
	save_area(&from->area);
	if (unlikely(damage_item))
		damage(from, to);
	mitigate();
	load_area(&to->area, &from->area);
	if (from->state == WORLD_RUNNING)
		from->state = WORLD_RUNNABLE;
	to->state = WORLD_RUNNING;
	from->ran += now - from->since;
	to->since = now;
	to->switches++;
	cpu->current = to;
	return to;
}
