/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of K's scheduler call of each other. @cpu is always this CPU; kernel-doc is at
 * the definitions.
 */
#ifndef REGENT_SCHED_INTERNAL_H
#define REGENT_SCHED_INTERNAL_H

#include <regent/cpu.h>

/* @e: scheduling state of a world, not a CPU's idle entity */
static inline struct world *world_of(struct sched_entity *e)
{
	return container_of(e, struct world, sched);
}

/* core.c */
u64 sched_ns(u64 ticks);
u64 sched_ticks(u64 ns);
void sched_charge(struct cpu *cpu, u64 now);
void sched_decide(struct cpu *cpu);
void sched_preempt(struct cpu *cpu, u64 now);
void sched_others_changed(struct cpu *cpu);
void sched_list_add(struct cpu *cpu, struct world *world);
void sched_list_remove(struct world *world);

/* alarm.c */
void alarm_set(struct cpu *cpu, struct world *world, u64 at);
u64 alarm_at(const struct world *world);
void alarm_cancel(struct cpu *cpu, struct world *world);
void alarm_ring(struct cpu *cpu, u64 now);

/* balance.c */
void balance_forwarded(struct cpu *cpu, bool on);
void balance_visitors(struct cpu *cpu, const struct world *world, bool on);
void balance_wake(struct cpu *cpu, struct world *world);
void balance_read_mailbox(struct cpu *cpu);

#endif
