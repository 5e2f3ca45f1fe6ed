// SPDX-License-Identifier: GPL-2.0-only
/* Offsets for the backend's assembly: the build reads them from the compiler's output. */
#include <hw/vmcb.h>
#include <regent/cpu.h>

#include "svm.h"

#define OFFSET(name, type, member)					\
	asm volatile("\n->" #name " %c0" : : "i"(offsetof(type, member)))
#define VALUE(name, value)						\
	asm volatile("\n->" #name " %c0" : : "i"((int)(value)))

void offsets(void);
void offsets(void)
{
	OFFSET(WORLD_REGS, struct world, regs);
	OFFSET(WORLD_RAX, struct world, regs.rax);
	OFFSET(WORLD_LINK, struct world, regs.link);
	OFFSET(WORLD_BACKEND, struct world, backend);
	OFFSET(WORLD_HOST, struct world, backend_host);
	OFFSET(CPU_STACK_TOP, struct cpu, stack_top);
	OFFSET(CPU_WORK, struct cpu, work.own);
	VALUE(NMI_WORK, WORK_NMI);
	OFFSET(VMCB_RAX, struct vmcb, save.rax);
	OFFSET(LEAVE_GDTR, struct svm_leave_frame, gdtr);
	OFFSET(LEAVE_IDTR, struct svm_leave_frame, idtr);
	OFFSET(LEAVE_CR3, struct svm_leave_frame, cr3);
	OFFSET(LEAVE_CR4, struct svm_leave_frame, cr4);
	OFFSET(LEAVE_RSP, struct svm_leave_frame, rsp);
	OFFSET(LEAVE_RESULT, struct svm_leave_frame, result);
	OFFSET(LEAVE_OUT, struct svm_leave_frame, out);
}
