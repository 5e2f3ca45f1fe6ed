// SPDX-License-Identifier: GPL-2.0-only
/* Worlds that are not Linux, on VMX: not there yet, and refused. */
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>

#include "vmx.h"

/**
 * backend_world_create() - give a world its control block
 * @cpu: any
 * @world: its nested table is set
 * @mode: enum regent_test_mode
 *
 * Return: -REGENT_HC_EOPNOTSUPP.
 */
int backend_world_create(struct cpu *cpu, struct world *world, u64 mode)
{
	(void)cpu;
	(void)world;
	(void)mode;
	return -REGENT_HC_EOPNOTSUPP;
}

/**
 * backend_world_here() - a world begins to run on this CPU, or anew
 * @cpu: this CPU
 * @world: there is none
 */
void backend_world_here(struct cpu *cpu, struct world *world)
{
	(void)cpu;
	(void)world;
}

/**
 * backend_world_destroy() - free the control block
 * @world: not running anywhere
 */
void backend_world_destroy(struct world *world)
{
	(void)world;
}

/**
 * backend_world_exit() - why a world other than Linux exited
 * @world: there is none
 */
enum backend_world_exit backend_world_exit(const struct world *world)
{
	(void)world;
	return BACKEND_WORLD_FAILED;
}

/**
 * backend_damage() - flip a bit of a register that the CPU switches
 * @world: of this CPU
 * @item: enum regent_test_skip
 */
void backend_damage(struct world *world, u64 item)
{
	(void)world;
	(void)item;
}
