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
#include <regent/backend.h>
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
	a->xcr0 = k_params.xcr0_all & 1;
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

/* What is intercepted of another world, K knows. */
static inline void save_live(struct world_state_area *a)
{
	u32 i;

	if (k_params.xcr0_all)
		a->xcr0 = hw_xgetbv();
	for (i = 0; i < k_params.nr_world_msrs; i++)
		hw_rdmsr_to(k_params.world_msr[i], &a->msr[i]);
}

/* Afterwards XCR0 has everything enabled. */
static inline void save_area(struct cpu *cpu, struct world *w)
{
	struct world_state_area *a = &w->area;

	if (w->kind == WORLD_SYSTEM)
		save_live(a);
	if (a->xcr0 != k_params.xcr0_all)
		hw_xsetbv(k_params.xcr0_all);
	if (k_params.xcr0_all)
		hw_xsave(a->xsave);
	else
		hw_fxsave(a->xsave);
	cpu->costs[REGENT_COST_XSAVE] += 2;	/* and XRSTOR */
	a->dr[0] = HW_READ_DR(0);
	a->dr[1] = HW_READ_DR(1);
	a->dr[2] = HW_READ_DR(2);
	a->dr[3] = HW_READ_DR(3);
}

static inline void load_area(struct cpu *cpu, const struct world_state_area *a,
			     const struct world_state_area *last)
{
	u32 i;

	if (k_params.xcr0_all)
		hw_xrstor(a->xsave);
	else
		hw_fxrstor(a->xsave);
	if (a->xcr0 != k_params.xcr0_all)
		hw_xsetbv(a->xcr0);
	HW_WRITE_DR(0, a->dr[0]);
	HW_WRITE_DR(1, a->dr[1]);
	HW_WRITE_DR(2, a->dr[2]);
	HW_WRITE_DR(3, a->dr[3]);
	/* A WRMSR costs more than a comparison. */
	for (i = 0; i < k_params.nr_world_msrs; i++)
		if (a->msr[i] != last->msr[i]) {
			cpu->costs[REGENT_COST_WRMSR]++;
			hw_wrmsr(k_params.world_msr[i], a->msr[i]);
		}
}

/*
 * Nothing that the one owner trained steers the other. The call is made by hand
 * so that the compiler need not save what it does not touch.
 */
static inline void mitigate(struct cpu *cpu)
{
	u32 by = k_params.mitigations;

	if (!by)
		return;
	if (by & REGENT_MITIGATE_IBPB) {
		cpu->costs[REGENT_COST_IBPB]++;
		hw_wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
	}
	if (by & REGENT_MITIGATE_RSB)
		asm volatile("call rsb_fill" : : : "memory");
}

static inline struct world *__attribute__((always_inline))
do_switch(struct cpu *cpu, struct world *to, bool whole)
{
	struct world *from = cpu->current;

	save_area(cpu, from);
	backend_switch(cpu, from, to);
	if (!whole)
		damage(from, to);
	mitigate(cpu);
	/* Should K fault from here on, Linux has to get its own back from memory. */
	if (to != &cpu->system)
		cpu->current = to;
	load_area(cpu, &to->area, &from->area);
	if (unlikely(to != &cpu->system && !asid_valid(&cpu->asids, &to->asid)))
		backend_world_here(cpu, to);
	if (likely(from->state == WORLD_RUNNING))
		from->state = WORLD_RUNNABLE;
	to->state = WORLD_RUNNING;
	to->switches++;
	cpu->current = to;
	return to;
}

/* In a function of its own: a call would make the other one save registers. */
static struct world *__attribute__((noinline))
damaged_switch(struct cpu *cpu, struct world *to)
{
	return do_switch(cpu, to, false);
}

/**
 * world_switch() - make another world this CPU's current one
 * @cpu: this CPU, in an exit
 * @to: another than the current one, bound to this CPU, runnable, with a state
 *	area. It is entered next, or Linux is
 *
 * The world that was current is runnable afterwards, unless it is dead.
 *
 * Return: @to, to enter.
 */
struct world *world_switch(struct cpu *cpu, struct world *to)
{
	if (unlikely(damage_item))
		return damaged_switch(cpu, to);
	return do_switch(cpu, to, true);
}
