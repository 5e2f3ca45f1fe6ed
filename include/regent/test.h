/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests of K itself: test worlds (test/world.c), registers that a switch damages on
 * purpose (test/damage.c), and faults on purpose (test/fault.c).
 */
#ifndef REGENT_TEST_H
#define REGENT_TEST_H

#include <regent/abi/hypercall.h>
#include <regent/cpu.h>

/* Offset of the round counter in a test world's memory, see guest.S */
#define TEST_WORLD_ROUNDS	0x2f00

/*
 * The result of the hypercall by which Linux runs a test world. Call this before the switch,
 * which may damage RAX on purpose.
 */
static inline u64 test_world_result(const struct world *world)
{
	return *(const u64 *)(world->memory + TEST_WORLD_ROUNDS);
}

s64 test_world_create(struct cpu *cpu, u64 mode);
s64 test_world_destroy(struct cpu *cpu, u64 id);
s64 test_world_nap(struct cpu *cpu, u64 id, u64 how);
s64 test_world_info(u64 id, u64 what);
struct world *test_world_borrow(struct cpu *cpu, u64 id);

/* Exit handlers of test worlds */
void test_world_yield(struct cpu *cpu, struct world *world);
void test_world_halt(struct cpu *cpu, struct world *world);
void test_world_died(struct cpu *cpu, struct world *world);

extern u32 damage_item;
s64 damage_choose(u64 item, u64 side);
void damage(const struct world *from, struct world *to);
void damage_fault(const struct world *to, u32 item);

s64 debug_fault(u64 kind);

#endif
