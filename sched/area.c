// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers that the backend does not switch (struct world_state_area): the memory that
 * keeps them while another world runs. src/world/switch.c saves and loads them.
 */
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/pages.h>
#include <regent/sched.h>
#include <regent/world.h>

#define MXCSR_RESET	0x1f80
#define FCW_RESET	0x37f
#define XSAVE_MXCSR	24		/* offset in the legacy area */

static u32 xsave_pages(void)
{
	return (k_params.xsave_size + REGENT_PAGE_SIZE - 1) / REGENT_PAGE_SIZE;
}

/* What every switch has to do beyond the plain one, on this machine */
static u32 always_rare(void)
{
	return k_params.xcr0_all ? 0 : AREA_FXSAVE;
}

/**
 * world_area_init() - give a world its state area, all registers as after reset
 * @world: a world that has none
 *
 * Return: 0, or -REGENT_HC_ENOSPC when K has no pages left.
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
 * @world: a world that does not run, with an area or without
 */
void world_area_free(struct world *world)
{
	pages_free(world->area.xsave, xsave_pages());
	world->area.xsave = NULL;
}

/**
 * world_forget_msrs() - have the next switch read all of a world's MSRs from the processor
 * @world: the current world: the host world of a CPU that has just been taken over, or a
 *	world during whose switch K has faulted
 */
void world_forget_msrs(struct world *world)
{
	world->area.rare |= ((1u << k_params.nr_world_msrs) - 1) | always_rare();
}

/**
 * world_allow() - let a world run on this CPU, too
 * @cpu: this CPU
 * @world: a world of this CPU's, not scheduled
 *
 * Linux gets a state area of its own here: it needs one as soon as it is not alone.
 *
 * Return: 0, or -REGENT_HC_ENOSPC when K has no pages left.
 */
int world_allow(struct cpu *cpu, struct world *world)
{
	int err = cpu->host.area.xsave ? 0 : world_area_init(&cpu->host);

	if (!err)
		cpus_add(world->allowed, cpu->id);
	return err;
}
