// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two modes of a CPU: forwarded, where K takes every interrupt and other worlds may run,
 * and direct, where Linux is alone and takes its interrupts itself. The mode changes at a
 * hypercall, during which Linux has its interrupts off.
 */
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/sched.h>
#include <regent/world.h>

/**
 * mode_forward() - make this CPU forwarded
 * @cpu: this CPU, Linux having its interrupts off
 * @vector: the interrupt vector that Linux gives to K on this CPU
 *
 * Return: 0, also when the CPU is forwarded already, or a negative REGENT_HC_E*, see
 * REGENT_HC_FORWARD.
 */
int mode_forward(struct cpu *cpu, u64 vector)
{
	int err;

	if (cpu->forwarded)
		return 0;
	err = forward_take(cpu, vector);
	if (err)
		return err;
	sched_forwarded(cpu, true);
	forward_begin(cpu);
	return 0;
}

/**
 * mode_direct() - make this CPU direct; its other worlds stop
 * @cpu: this CPU, Linux having its interrupts off
 * @anyway: true for a handback that cannot wait: change the mode even while Linux has an
 *	interrupt in service, whose EOI the physical APIC then does not know
 *
 * Return: 0, also when the CPU is direct already; -REGENT_HC_EBUSY while an interrupt is in
 * service.
 */
int mode_direct(struct cpu *cpu, bool anyway)
{
	if (!cpu->forwarded)
		return 0;
	if (!anyway && !vapic_can_leave(&cpu->vapic))
		return -REGENT_HC_EBUSY;
	sched_forwarded(cpu, false);
	forward_give_back(cpu);
	return 0;
}
