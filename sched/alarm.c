// SPDX-License-Identifier: GPL-2.0-only
/*
 * Worlds that wait for a time: by that in a tree, the earliest in cpu->alarm_at,
 * to which K's timer is set at the latest.
 */
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/tree.h>
#include "internal.h"

#define RINGS	4	/* at once, so that an interrupt stays short */

static struct world *world_of_alarm(struct tree_node *node)
{
	return (struct world *)((char *)node - offsetof(struct world, alarm));
}

static void look_for_next(struct cpu *cpu)
{
	struct tree_node *first = tree_first(&cpu->alarms);

	cpu->alarm_at = first ? first->key : VAPIC_NEVER;
}

/**
 * alarm_set() - wake a world at a time
 * @cpu: this CPU
 * @world: here, with no alarm set, about to wait; a decision follows, and with it
 *	timer_update()
 * @at: TSC
 */
void alarm_set(struct cpu *cpu, struct world *world, u64 at)
{
	world->alarm.key = at;
	world->alarm.value = at;
	tree_insert(&cpu->alarms, &world->alarm);
	look_for_next(cpu);
}

/**
 * alarm_cancel() - not any more
 * @cpu: this CPU
 * @world: here, with an alarm or without
 */
void alarm_cancel(struct cpu *cpu, struct world *world)
{
	if (!tree_holds(&world->alarm))
		return;
	tree_remove(&cpu->alarms, &world->alarm);
	look_for_next(cpu);
}

/**
 * alarm_ring() - wake those whose time has come
 * @cpu: this CPU
 * @now: the TSC
 *
 * What is left over makes the timer fire again at once.
 */
void alarm_ring(struct cpu *cpu, u64 now)
{
	int i;

	for (i = 0; i < RINGS && !clock_before(now, cpu->alarm_at) && cpu->alarms.root; i++)
		share_wake(cpu, world_of_alarm(tree_first(&cpu->alarms)));
}
