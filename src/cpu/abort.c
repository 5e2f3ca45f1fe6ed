// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of K: something happened that K cannot go on from. Linux's state on
 * every CPU lies complete in its world, so a bug of Regent's need not take
 * Linux down: each CPU gets an NMI, and L's NMI handler makes the hypercall
 * that hands it back. That way Linux leaves from a place it knows, at a time
 * when NMIs are not blocked, on this CPU as on all others.
 */
#include <hw/asm.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/k.h>
#include <regent/pages.h>
#include <regent/sched.h>

void k_stack_reset(u64 stack, void (*fn)(struct cpu *cpu), struct cpu *arg)
	__attribute__((noreturn));

static void __attribute__((noreturn)) halt(struct cpu *cpu)
{
	cpu->shared->dead = 1;
	for (;;)
		asm volatile("cli; hlt");
}

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
 * A hypercall is answered, because on the bare machine the instruction would
 * be #UD. Everything else is simply executed again there.
 */
static void end_exit(struct cpu *cpu, struct world *world)
{
	if (!cpu->unanswered)
		return;
	cpu->unanswered = false;
	if (backend_exit_reason(world) == REGENT_EXIT_HYPERCALL) {
		world->regs.rax = -REGENT_HC_EFAULT;
		backend_skip_hypercall(world);
	} else {
		backend_retry_event(world);
	}
}

static void __attribute__((noreturn)) go_on(struct cpu *cpu)
{
	struct world *world = &cpu->system;

	if (cpu->current != world)
		world_switch(cpu, world);
	end_exit(cpu, world);
	sched_abandon(cpu);
	ask_for_leave(cpu);
	cpu->busy = 0;
	backend_resume(world);
}

/**
 * k_abort() - give all CPUs back to Linux
 * @why: one line for the log
 *
 * Any stack of K's. If this CPU's world is not complete in memory, or K fails
 * in here, the CPU halts: nothing of Linux's is run in a state that is not its
 * own.
 */
void k_abort(const char *why)
{
	struct cpu *cpu = this_cpu();

	cpu->faults++;
	log_text("Regent gives up: ");
	log_text(why);
	log_text("\n");
	cpu->shared->faulted = 1;
	/* The others need them to leave, whatever becomes of this CPU. */
	host_lock_break(cpu);
	pages_lock_break(cpu);
	ioapic_lock_break(cpu);
	test_lock_break(cpu);
	if (!cpu->busy || cpu->faults > 1)
		halt(cpu);
	k_stack_reset(cpu->stack_top, go_on, cpu);
}

/**
 * k_shutdown() - end like a CPU without Regent whose Linux triple-faulted
 *
 * The chipset resets the machine then. There is no one to tell, and nothing to
 * hand back.
 */
void k_shutdown(void)
{
	static const struct hw_table none;

	hw_lidt(&none);
	for (;;)
		asm volatile("ud2");
}
