/* SPDX-License-Identifier: GPL-2.0-only */
/* What Linux has agreed with a KVM below it, see world/outer.c. */
#ifndef REGENT_OUTER_H
#define REGENT_OUTER_H

struct cpu;
struct msr_access;

/**
 * enum outer_agreement - what K may have to suspend
 * @OUTER_PV_EOI: while the CPU is forwarded
 * @OUTER_ASYNC_PF: as long as the CPU is taken over
 */
enum outer_agreement { OUTER_PV_EOI, OUTER_ASYNC_PF, OUTER_AGREEMENTS };

void outer_suspend(struct cpu *cpu, enum outer_agreement what);
void outer_resume(struct cpu *cpu, enum outer_agreement what);
int outer_msr(struct cpu *cpu, struct msr_access *a);

#endif
