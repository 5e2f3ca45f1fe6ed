/* SPDX-License-Identifier: GPL-2.0-only */
/* Virtual machines, for the rooms above src/vm/. */
#ifndef REGENT_VM_H
#define REGENT_VM_H

#include <regent/abi/vm.h>

struct cpu;
struct world;

/* Hypercalls: see <regent/abi/hypercall.h> */
s64 vm_create(u64 page_pa);
s64 vm_destroy(u64 id);
s64 vm_end_all(struct cpu *cpu);
s64 vm_map(struct cpu *cpu, u64 id, u64 count);
s64 vm_zap(u64 id, u64 gpa);
s64 vm_trim(u64 id, u64 resized);
s64 vm_msi(struct cpu *cpu, u64 id, u64 address);
s64 vm_sync(struct cpu *cpu, u64 id);
s64 vcpu_create(struct cpu *cpu, u64 id, u64 page_pa);
s64 vcpu_destroy(struct cpu *cpu, u64 id);
s64 vcpu_get(struct cpu *cpu, u64 id, u64 part);
s64 vcpu_set(struct cpu *cpu, u64 id, u64 part);

/* A run */
enum vcpu_turn { VCPU_ENTER, VCPU_ENDED, VCPU_BLOCKED, VCPU_AGAIN };

struct world *vcpu_begin_run(struct cpu *cpu, u64 id, u64 how, s64 *answer);
s64 vcpu_schedule(struct cpu *cpu, struct world *world);
void vcpu_enter(struct cpu *cpu, struct world *world);
enum vcpu_turn vcpu_enter_scheduled(struct cpu *cpu, struct world *world);
void vcpu_outside(struct world *world);
bool vcpu_has_ended(struct world *world);
bool vcpu_waits(struct world *world);
bool vcpu_is_uncapped(struct cpu *cpu, struct world *world);
s64 vcpu_end_run(struct cpu *cpu, struct world *world);
void vcpu_end(struct world *world, enum regent_vcpu_exit reason);
void vcpu_interrupted(struct world *world);

/* Exit handlers of vCPUs */
bool vcpu_exit_fast(struct cpu *cpu, struct world *world);
void vcpu_call(struct cpu *cpu, struct world *world);
void vcpu_msr(struct cpu *cpu, struct world *world);
void vcpu_npf(struct cpu *cpu, struct world *world);
void vcpu_undefined(struct cpu *cpu, struct world *world);
void vcpu_hlt(struct cpu *cpu, struct world *world);
void vcpu_cpuid(struct cpu *cpu, struct world *world);
void vcpu_control(struct cpu *cpu, struct world *world);
void vcpu_io(struct cpu *cpu, struct world *world);
void vcpu_window(struct cpu *cpu, struct world *world);
void vcpu_exception(struct cpu *cpu, struct world *world);
void vcpu_shutdown(struct cpu *cpu, struct world *world);
void vcpu_entry_failed(struct cpu *cpu, struct world *world);
void vcpu_unexpected(struct cpu *cpu, struct world *world);

#endif
