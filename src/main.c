// SPDX-License-Identifier: GPL-2.0-only
/* A processor's entry into K, once for each takeover of that CPU. Reads as a list. */
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/l0.h>
#include <regent/sched.h>
#include <regent/world.h>

/* The area is zero at first. A CPU that comes back finds its old area, and keeps its counters. */
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
	cpu->recover = NULL;
	cpu->faults = 0;
	cpu->work.own = 0;
	work_take(&cpu->work, ~0u);
	cpu->entry_start = 0;
	cpu->forwarded = false;
	cpu->kicked = false;
	cpu->unanswered = false;
	cpu->polling = 0;
	cpu->l0_suspended = 0;
	for (i = 0; i < 8; i++)
		cpu->owed[i] = 0;
}

/**
 * k_enter() - take over one CPU
 * @cpu: the CPU's struct cpu; GS is not loaded yet
 * @from: the argument of backend_cpu_init(), from the backend's k_entry
 *
 * Runs on K's page tables and stack, with every interrupt held off. Linux continues as a
 * world. Does not return.
 */
void k_enter(struct cpu *cpu, u64 from)
{
	cpu_init(cpu);
	backend_cpu_init(cpu, from);
	cpu->host.kind = WORLD_HOST;
	cpu->host.state = WORLD_RUNNABLE;
	cpu->host.cpu = cpu->id;
	cpu->current = &cpu->host;
	cpu->lent = &cpu->host;
	world_forget_msrs(&cpu->host);
	mapcache_init(&cpu->mapcache);
	sched_cpu_init(cpu);
	cpu->tlb_seen = host_tlb_sequence();
	l0_suspend(cpu, L0_ASYNC_PF);
	cpu->recover = world_recover;
	__atomic_store_n(&cpu->entered, 1, __ATOMIC_RELEASE);
	backend_resume(&cpu->host);
}
