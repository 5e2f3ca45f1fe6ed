// SPDX-License-Identifier: GPL-2.0-only
/*
 * The alarms of a CPU: worlds that wait for a time, in a tree by that time. cpu->alarm_at has
 * the earliest, and timer_update() sets K's timer no later than that.
 */
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/tree.h>
#include "internal.h"

#define RINGS	4	/* alarms served by one interrupt, so that it stays short */

static struct world *world_of_alarm(struct tree_node *node)
{
	return container_of(node, struct world, alarm);
}

/* Bring cpu->alarm_at up to date. */
static void look_for_next(struct cpu *cpu)
{
	struct tree_node *first = tree_first(&cpu->alarms);

	cpu->alarm_at = first ? first->key : VAPIC_NEVER;
}

/**
 * alarm_set() - have a world woken at a time
 * @cpu: this CPU
 * @world: a world of this CPU's that has no alarm set
 * @at: the time, as a TSC value
 *
 * The caller has the scheduler decide, which calls timer_update().
 */
void alarm_set(struct cpu *cpu, struct world *world, u64 at)
{
	world->alarm.key = at;
	world->alarm.value = at;
	tree_insert(&cpu->alarms, &world->alarm);
	look_for_next(cpu);
}

/**
 * alarm_at() - when will a world be woken?
 * @world: a world of this CPU's
 *
 * Return: a TSC value, VAPIC_NEVER when it has no alarm.
 */
u64 alarm_at(const struct world *world)
{
	return tree_holds(&world->alarm) ? world->alarm.key : VAPIC_NEVER;
}

/**
 * alarm_cancel() - undo alarm_set()
 * @cpu: this CPU
 * @world: a world of this CPU's, with an alarm or without
 */
void alarm_cancel(struct cpu *cpu, struct world *world)
{
	if (!tree_holds(&world->alarm))
		return;
	tree_remove(&cpu->alarms, &world->alarm);
	look_for_next(cpu);
}

/**
 * alarm_ring() - wake the worlds whose time has come
 * @cpu: this CPU, forwarded
 * @now: the TSC; the caller calls timer_update()
 *
 * This wakes RINGS worlds at most. If more are due, the timer fires again at once. A world that
 * does not wait looks at the clock before its next entry.
 */
void alarm_ring(struct cpu *cpu, u64 now)
{
	int i;

	for (i = 0; i < RINGS && !clock_before(now, cpu->alarm_at) && cpu->alarms.root; i++) {
		struct world *w = world_of_alarm(tree_first(&cpu->alarms));

		if (w->sched.state == SCHED_BLOCKED)
			balance_wake(cpu, w);
		else
			alarm_cancel(cpu, w);
	}
}
