// SPDX-License-Identifier: GPL-2.0-only
/*
 * How K gives up. The state of Linux on every CPU lies complete in its world, so a bug of
 * Regent's need not take Linux down: cpu->recover (world_recover()) resumes Linux from there.
 */
#include <hw/asm.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/lock.h>

void k_stack_reset(u64 stack, void (*fn)(struct cpu *cpu), struct cpu *arg)
	__attribute__((noreturn));

static void __attribute__((noreturn)) halt_cpu(struct cpu *cpu)
{
	cpu->shared->dead = 1;
	for (;;)
		asm volatile("cli; hlt");
}

/**
 * k_abort() - give all CPUs back to Linux after a bug of K's
 * @why: the cause, one line for the log
 *
 * If Linux's state on this CPU is not complete in memory, or K faults a second time, halt the CPU,
 * rather than run Linux in a state that is not its own.
 *
 * Context: any stack of K's; locks may be held. Does not return.
 */
void k_abort(const char *why)
{
	struct cpu *cpu = this_cpu();

	cpu->faults++;
	log_text("Regent gives up: ");
	log_text(why);
	log_text("\n");
	cpu->shared->faulted = 1;
	/* Other CPUs need the locks to leave K, even if this CPU halts. */
	locks_break(cpu);
	if (!cpu->recover || cpu->faults > 1)
		halt_cpu(cpu);
	k_stack_reset(cpu->stack_top, cpu->recover, cpu);
}

/**
 * k_shutdown() - reset the machine by a triple fault, because Linux has triple-faulted
 *
 * The chipset resets the machine, as it would without Regent. Does not return.
 */
void k_shutdown(void)
{
	static const struct hw_table none;

	hw_lidt(&none);
	for (;;)
		asm volatile("ud2");
}
