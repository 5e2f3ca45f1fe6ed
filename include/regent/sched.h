/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduler: which world runs on a CPU. policy.h decides, sched/core.c does,
 * sched/share.c moves worlds between CPUs. All on the CPU concerned, with interrupts
 * held off; there is no lock.
 *
 * It works on forwarded CPUs: on a direct one Linux is alone.
 */
#ifndef REGENT_SCHED_H
#define REGENT_SCHED_H

#include <regent/abi/types.h>

struct cpu;
struct sched_entity;
struct world;

void sched_cpu_init(struct cpu *cpu);
void sched_abandon(struct cpu *cpu);
void sched_forwarded(struct cpu *cpu, bool on);

void sched_forget(struct world *world);
int sched_add(struct cpu *cpu, struct world *world, u64 weights);
void sched_remove(struct cpu *cpu, struct world *world);

void sched_tick(struct cpu *cpu, u64 now);
void sched_slice(struct cpu *cpu, struct world *world);
void sched_arrived(struct cpu *cpu);
void sched_halt(struct cpu *cpu);
void sched_pause(struct cpu *cpu);
void sched_wait(struct cpu *cpu, struct world *world, u64 ns);
void sched_ask(struct cpu *cpu, struct world *world, u32 what);
void sched_rung(struct cpu *cpu);
void sched_kicked(struct cpu *cpu, u64 apic_id);
struct world *sched_next(struct cpu *cpu);

u64 sched_ran(const struct cpu *cpu, const struct sched_entity *e);
u64 sched_waited(const struct world *world);

#endif
