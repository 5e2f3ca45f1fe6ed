/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of K's scheduler say to each other. All on the CPU concerned. */
#ifndef REGENT_SCHED_INTERNAL_H
#define REGENT_SCHED_INTERNAL_H

#include <regent/cpu.h>

static inline struct world *world_of(struct sched_entity *e)
{
	return (struct world *)((char *)e - offsetof(struct world, sched));
}

/* core.c */
u64 sched_ns(u64 ticks);
u64 sched_ticks(u64 ns);
void sched_charge(struct cpu *cpu, u64 now);
void sched_preempt(struct cpu *cpu, u64 now);
void sched_others_changed(struct cpu *cpu);

/* alarm.c */
void alarm_set(struct cpu *cpu, struct world *world, u64 at);
void alarm_cancel(struct cpu *cpu, struct world *world);
void alarm_ring(struct cpu *cpu, u64 now);

/* share.c */
void share_forwarded(struct cpu *cpu, bool on);
void share_welcome(struct cpu *cpu, const struct world *world, bool on);
void share_wake(struct cpu *cpu, struct world *world);
void share_out(struct cpu *cpu);
void share_idle(struct cpu *cpu);

#endif
