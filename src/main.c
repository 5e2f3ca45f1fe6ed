// SPDX-License-Identifier: GPL-2.0-only
/* Where a processor comes into K for the first time. Reads as a list. */
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/outer.h>
#include <regent/sched.h>

/* The area is zero at first, and keeps its counters when a CPU comes back. */
static void cpu_init(struct cpu *cpu)
{
	struct regent_handoff *h = (void *)((u64)cpu - REGENT_PERCPU_CPU +
					    REGENT_PERCPU_HANDOFF);
	int i;

	cpu->self = cpu;
	cpu->handoff = h;
	cpu->id = h->cpu;
	cpu->stack_top = h->stack_top;
	cpu->shared = (void *)(REGENT_VA_SHARED + (u64)h->cpu * REGENT_PAGE_SIZE);
	cpu->busy = 0;
	cpu->faults = 0;
	cpu->mc_pending = 0;
	cpu->nmi_pending = 0;
	cpu->entry_start = 0;
	cpu->forwarded = false;
	cpu->kicked = false;
	cpu->unanswered = false;
	cpu->polling = 0;
	cpu->outer_suspended = 0;
	for (i = 0; i < 8; i++)
		cpu->owed[i] = 0;
}

/**
 * k_enter() - take over one CPU
 * @cpu: its area; GS is not loaded yet
 * @from: what the backend's k_entry has for backend_cpu_init()
 *
 * With K's page tables and stack, and every interrupt held off. Linux continues
 * as a world.
 */
void k_enter(struct cpu *cpu, u64 from)
{
	cpu_init(cpu);
	backend_cpu_init(cpu, from);
	cpu->system.kind = WORLD_SYSTEM;
	cpu->system.state = WORLD_RUNNABLE;
	cpu->system.cpu = cpu->id;
	cpu->current = &cpu->system;
	cpu->lent = NULL;
	world_forget_msrs(&cpu->system);
	mapcache_flush(&cpu->window);
	sched_cpu_init(cpu);
	cpu->tlb_seen = host_tlb_sequence();
	outer_suspend(cpu, OUTER_ASYNC_PF);
	__atomic_store_n(&cpu->entered, 1, __ATOMIC_RELEASE);
	backend_resume(&cpu->system);
}
