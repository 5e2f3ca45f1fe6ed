/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interface to SVM or VMX. The backend is linked in and never called through a
 * pointer: an image holds one backend. All functions run on the CPU that owns the world,
 * with interrupts held off (SVM: GIF clear).
 *
 *	backend.h		the life of a CPU as a hypervisor, and nested tables
 *	backend_exit.h		what an exit was about
 *	backend_regs.h		the world's registers and its code
 *	backend_irq.h		events, and interrupts on a forwarded CPU
 *	backend_world.h		worlds other than Linux, and the switch
 *	backend_vm.h		vCPUs
 *
 * The world is the CPU's current one (world_switch()), because VMX can only access the
 * current VMCS. Functions that also take the host world when it is not current say so.
 */
#ifndef REGENT_BACKEND_H
#define REGENT_BACKEND_H

#include <regent/backend_exit.h>
#include <regent/backend_irq.h>
#include <regent/backend_regs.h>
#include <regent/backend_vm.h>
#include <regent/backend_world.h>
#include <regent/ptab.h>

struct cpu;
struct world;

void backend_cpu_init(struct cpu *cpu, u64 from);
void backend_resume(struct world *world) __attribute__((noreturn));
struct world *backend_enter(struct world *world);
struct world *backend_enter_vcpu(struct world *world);
void backend_leave(struct cpu *cpu, u64 result) __attribute__((noreturn));

/* The format of this backend's nested tables */
extern const struct npt_kind *const backend_npt;
void backend_flush(struct world *world);

#endif
