// SPDX-License-Identifier: GPL-2.0-only
/* Offsets for the backend's assembly: the build reads them from the compiler's output. */
#include <regent/cpu.h>

#include "vmx.h"

#define OFFSET(name, type, member)					\
	asm volatile("\n->" #name " %c0" : : "i"(offsetof(type, member)))
#define VALUE(name, value)						\
	asm volatile("\n->" #name " %c0" : : "i"((int)(value)))

void offsets(void);
void offsets(void)
{
	OFFSET(WORLD_REGS, struct world, regs);
	OFFSET(WORLD_LINK, struct world, regs.link);
	OFFSET(WORLD_RAX, struct world, regs.rax);
	OFFSET(WORLD_BACKEND, struct world, backend);
	OFFSET(CPU_STACK_TOP, struct cpu, stack_top);
	OFFSET(CPU_CURRENT, struct cpu, current);
	OFFSET(CPU_NMI_LATE, struct cpu, nmi_late);
	OFFSET(BLOCK_LAUNCHED, struct vmx_block, launched);
	VALUE(LEFT_NMI, REGENT_LEFT_NMI);
	VALUE(CPU_BELOW_STACK_TOP, REGENT_PERCPU_CPU - REGENT_PERCPU_STACK -
	      REGENT_STACK_PAGES * REGENT_PAGE_SIZE);
}
