// SPDX-License-Identifier: GPL-2.0-only
/*
 * After a fault of K's, this CPU goes on in Linux, and K sends an NMI to every CPU: L's NMI
 * handler makes the hypercall that hands its CPU back. So Linux leaves K from code that it
 * knows, and at a time when NMIs are not blocked, on this CPU as on all others.
 */
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/k.h>
#include <regent/sched.h>
#include <regent/world.h>

#include "exit.h"

/* Have all CPUs handed back, by NMI. */
static void ask_for_leave(struct cpu *self)
{
	u32 i;

	for (i = 0; i < k_params.nr_cpus; i++) {
		struct cpu *cpu = cpu_find(i);

		if (!cpu || !__atomic_load_n(&cpu->entered, __ATOMIC_ACQUIRE))
			continue;
		__atomic_or_fetch(&cpu->shared->request, REGENT_REQUEST_LEAVE,
				  __ATOMIC_RELEASE);
		__atomic_add_fetch(&cpu->shared->nmis_sent, 1, __ATOMIC_RELEASE);
		nmi_send(self, cpu->handoff->apic_id);
	}
}

/*
 * End the exit of Linux's that K was handling. A hypercall fails with -REGENT_HC_EFAULT, because
 * its instruction is #UD on the bare machine. Any other instruction is executed again there.
 */
static void end_host_exit(struct cpu *cpu, struct world *world)
{
	if (!cpu->unanswered)
		return;
	cpu->unanswered = false;
	if (backend_exit_reason(world) == REGENT_EXIT_HYPERCALL) {
		world->regs.rax = -REGENT_HC_EFAULT;
		backend_advance(world, BACKEND_CALL_LENGTH);
	} else {
		backend_complete_interrupts(world);
	}
}

/**
 * world_recover() - after a fault of K's, go on in Linux and have all CPUs handed back
 * @cpu: this CPU, on an empty stack of K's; Linux's state is complete in memory
 *
 * Does not return.
 */
void world_recover(struct cpu *cpu)
{
	struct world *world = &cpu->host;

	backend_vcpu_close(cpu);
	if (cpu->current != world) {
		if (cpu->current->kind == WORLD_VM)
			vcpu_leave(cpu, cpu->current);
		/*
		 * K may have faulted in a switch to the current world, so that the MSRs are
		 * still those of the world that ran before it.
		 */
		world_forget_msrs(cpu->current);
		world_switch(cpu, world);
	}
	end_host_exit(cpu, world);
	sched_abandon(cpu);
	ask_for_leave(cpu);
	cpu->entry_start = 0;
	backend_resume(world);
}
