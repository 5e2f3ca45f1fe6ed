/* SPDX-License-Identifier: GPL-2.0-only */
/* Private to src/world/: what an exit needs of test worlds without a call. */
#ifndef WORLD_TEST_H
#define WORLD_TEST_H

#include <regent/backend.h>
#include <regent/cpu.h>

/* Where in its memory a test world counts, see testguest.S */
#define TEST_WORLD_ROUNDS	0x2f00

/* What Linux gets for having run a test world. Before the switch, which may damage it. */
static inline void test_world_result(struct cpu *cpu, const struct world *world)
{
	cpu->system.regs.rax = *(const u64 *)(world->memory + TEST_WORLD_ROUNDS);
}

/* Its hypercall is done. After the switch: VMX has its registers at hand then. */
static inline void test_world_answered(struct cpu *cpu)
{
	backend_skip_hypercall(&cpu->system);
	cpu->unanswered = false;
}

#endif
