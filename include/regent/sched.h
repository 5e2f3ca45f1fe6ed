/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduler: which world runs on a CPU. The policy (policy.h) decides, sched/core.c tells
 * it what happens, sched/balance.c moves worlds between CPUs, sched/table.c knows the owner
 * of each world. Each function runs on the CPU concerned, with interrupts held off; only the
 * table has a lock.
 *
 * K schedules worlds on forwarded CPUs; a direct CPU has only the host world. The scheduler
 * does not switch: sched_next() returns the next world, and src/world/run.c switches to it.
 */
#ifndef REGENT_SCHED_H
#define REGENT_SCHED_H

#include <regent/abi/types.h>

struct cpu;
struct sched_entity;
struct world;

/* sched/core.c */
void sched_cpu_init(struct cpu *cpu);
void sched_abandon(struct cpu *cpu);
void sched_forwarded(struct cpu *cpu, bool on);

int sched_add(struct cpu *cpu, struct world *world, u64 weights);
void sched_remove(struct cpu *cpu, struct world *world);

bool sched_await(struct cpu *cpu, struct world *world);
void sched_await_over(struct cpu *cpu);
void sched_borrowed(struct world *world, u64 ticks);
void sched_slice(struct cpu *cpu, struct world *world);
void sched_arrived(struct cpu *cpu);
void sched_halt(struct cpu *cpu);
void sched_pause(struct cpu *cpu);
void sched_vector(struct cpu *cpu);
struct world *sched_next(struct cpu *cpu);

u64 sched_ran(const struct cpu *cpu, const struct sched_entity *e);
u64 sched_waited(const struct world *world);

/* sched/balance.c */
void sched_wait(struct cpu *cpu, struct world *world, u64 ns);
bool sched_wait_until(struct cpu *cpu, struct world *world, u64 at);
void sched_set_alarm(struct cpu *cpu, struct world *world, u64 at);
void sched_ask(struct cpu *cpu, struct world *world, u32 what);
void sched_kicked(struct cpu *cpu, u64 apic_id);
void sched_asked(struct cpu *cpu);
void balance_push(struct cpu *cpu);
void balance_pull(struct cpu *cpu);

/* sched/table.c: the owners of worlds */
int table_add(struct cpu *cpu, struct world *world);
s64 table_publish(struct world *world);
void table_remove(struct world *world);
const struct world *table_hold(u64 id);
void table_release(void);
bool table_has(u64 id);
void table_give(const struct world *world, u32 owner);
void table_let_go(struct cpu *cpu, const struct world *world);
void table_give_all(struct cpu *cpu);
bool table_is_mine(const struct cpu *cpu, const struct world *world);
struct world *table_claim(struct cpu *cpu, u64 id);
s64 table_ask(struct cpu *cpu, u64 id, u32 what);
s64 table_start(struct cpu *cpu, u64 id, u64 weights);
s64 table_stop(struct cpu *cpu, u64 id);
s64 table_allow(struct cpu *cpu, u64 id, bool on);
s64 table_wake(struct cpu *cpu, u64 id);
s64 table_retire(struct cpu *cpu, u64 id, struct world **world);
bool world_is_allowed(const struct world *world, u32 cpu);

/* sched/area.c: the registers of a world that only a switch moves */
int world_area_init(struct world *world);
void world_area_free(struct world *world);
void world_forget_msrs(struct world *world);
int world_allow(struct cpu *cpu, struct world *world);

#endif
