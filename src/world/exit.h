/* SPDX-License-Identifier: GPL-2.0-only */
/* Private to src/world/: what the run loop calls for an exit. */
#ifndef WORLD_EXIT_H
#define WORLD_EXIT_H

#include <regent/abi/hypercall.h>
#include <regent/world.h>

/*
 * @cpu: this CPU
 * @world: its current world, which has exited; its RIP is still on the instruction that made
 *	the exit, if one did
 */
typedef void exit_handler(struct cpu *cpu, struct world *world);

extern exit_handler * const exit_handlers[WORLD_KINDS][REGENT_EXIT_REASONS];

/* The handler of MSR in the host world, which the run loop also calls without the table. */
void exit_host_msr(struct cpu *cpu, struct world *world);

/* vcpu.c */
bool vcpu_run(struct cpu *cpu, struct world *host);
bool vcpu_go_on(struct cpu *cpu, struct world *world);
void vcpu_wait(struct cpu *cpu, struct world *host);
void vcpu_answer(struct cpu *cpu);
void vcpu_leave(struct cpu *cpu, struct world *world);
bool vcpu_turn(struct cpu *cpu, struct world *world);

#endif
