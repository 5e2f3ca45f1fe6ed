/* SPDX-License-Identifier: GPL-2.0-only */
/* Worlds other than Linux, and the switch: see <regent/backend.h>. */
#ifndef REGENT_BACKEND_WORLD_H
#define REGENT_BACKEND_WORLD_H

#include <regent/abi/types.h>

struct cpu;
struct regent_state;
struct world;

/* Number of contiguous pages of K's that backend_world_create() takes */
#define BACKEND_WORLD_PAGES	3

int backend_world_create(struct cpu *cpu, struct world *world, void *pages, u64 pa,
			 const struct regent_state *state, u64 rip);
void backend_vcpu_load(struct cpu *cpu, struct world *world);
void backend_save(struct world *from);
void backend_switch(struct cpu *cpu, struct world *from, struct world *to);
void backend_world_debugs(struct world *world);
void backend_damage(struct world *world, u64 item);

#endif
