/* SPDX-License-Identifier: GPL-2.0-only */
/* What Linux has agreed on with L0, if that is a KVM: see cpu/l0.c. */
#ifndef REGENT_L0_H
#define REGENT_L0_H

#include <regent/abi/types.h>

struct cpu;
struct msr_access;
struct world_regs;

/**
 * enum l0_agreement - paravirtual features of L0 that K suspends
 * @L0_PV_EOI: EOI without a write to the APIC; suspended while the CPU is forwarded
 * @L0_ASYNC_PF: asynchronous page faults; suspended while the CPU is taken over
 * @L0_AGREEMENTS: number of them
 */
enum l0_agreement { L0_PV_EOI, L0_ASYNC_PF, L0_AGREEMENTS };

void l0_suspend(struct cpu *cpu, enum l0_agreement what);
void l0_resume(struct cpu *cpu, enum l0_agreement what);
bool l0_call(struct world_regs *regs);	/* l0_call.S */
int l0_msr(struct cpu *cpu, struct msr_access *a);

#endif
