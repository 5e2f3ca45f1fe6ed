// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a CPU becomes forwarded, so that K takes its interrupts and hands them on, or
 * direct again. The change is made on the CPU itself, with its interrupts off; while
 * there is one such CPU, K is between Linux and the IOAPICs, too. Which CPUs are to be
 * forwarded is decided in mode.c.
 */
#include <linux/cpu.h>
#include <linux/cpuidle.h>
#include <linux/delay.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/hypervisor.h>

#include "run.h"

/* Linux finishes a handler, or is about to: this often, a millisecond apart. */
#define TRIES	1000

/* CPUs that are; under regent_lock, or in a hotplug callback. */
static struct cpumask forwarded;

static void forward_mark(unsigned int cpu, bool to)
{
	if (to)
		cpumask_set_cpu(cpu, &forwarded);
	else
		cpumask_clear_cpu(cpu, &forwarded);
}

static int forward_change(unsigned int cpu, bool to)
{
	int vector = 0, i;
	long answer;

	if (to) {
		vector = vector_get(cpu);
		if (vector < 0)
			return vector;
	}
	for (i = 0; i < TRIES; i++) {
		answer = regent_hypercall_on(cpu, REGENT_HC_FORWARD, to, vector);
		if (answer != -EBUSY)
			break;
		usleep_range(1000, 2000);
	}
	if (!answer)
		forward_mark(cpu, to);
	return answer;
}

/* All CPUs come to K once, and so none has a way around it any more. */
static int forward_take_ioapics(void)
{
	int err;

	/* A handback that could not wait may have left them shadowed. */
	regent_hypercall(REGENT_HC_IOAPIC, REGENT_IOAPIC_DIRECT, 0);
	err = regent_hypercall(REGENT_HC_IOAPIC, REGENT_IOAPIC_TRAPPED, 0);
	if (err)
		return err;
	visit_all();
	err = regent_hypercall(REGENT_HC_IOAPIC, REGENT_IOAPIC_SHADOWED, 0);
	if (err)
		regent_hypercall(REGENT_HC_IOAPIC, REGENT_IOAPIC_DIRECT, 0);
	return err;
}

static void forward_give_ioapics(void)
{
	long err = regent_hypercall(REGENT_HC_IOAPIC, REGENT_IOAPIC_DIRECT, 0);

	/* Gone after a fault of K's, it has let go of them. */
	if (err && err != -ENODEV)
		pr_warn("the IOAPICs stay trapped: %pe\n", ERR_PTR(err));
}

/*
 * Where K cannot do it right. A CPU that waits in a C-state entered with
 * interrupts off wakes for a physical interrupt, not for one that K has taken
 * already: only HLT and MWAIT behind STI are safe, which is what Linux uses
 * without a cpuidle driver. On Hyper-V Linux ends its interrupts with MSRs.
 */
static bool forward_possible(void)
{
	const struct cpuidle_driver *idle = cpuidle_get_driver();

	return inventory.ioapics && inventory.ioapics <= REGENT_MAX_IOAPICS &&
	       (!idle || !strcmp(idle->name, "haltpoll")) &&
	       !hypervisor_is_type(X86_HYPER_MS_HYPERV);
}

/**
 * forward_set() - change a CPU's mode
 * @cpu: an online CPU on which Linux is a world
 * @to: true for forwarded, false for direct
 *
 * Process context, regent_lock held, hotplug held off. Return: 0; -EOPNOTSUPP
 * when this machine's APICs are not of the kind that K can forward; -EBUSY when
 * Linux does not get out of a handler; -ENOSPC without a vector for K.
 */
int forward_set(unsigned int cpu, bool to)
{
	int err = 0;

	if (to == cpumask_test_cpu(cpu, &forwarded))
		return 0;
	if (to && !forward_possible())
		return -EOPNOTSUPP;
	if (to && cpumask_empty(&forwarded))
		err = forward_take_ioapics();
	if (!err)
		err = forward_change(cpu, to);
	if (cpumask_empty(&forwarded))
		forward_give_ioapics();
	return err;
}

/**
 * forward_is() - is this CPU forwarded?
 * @cpu: any CPU
 */
bool forward_is(unsigned int cpu)
{
	return cpumask_test_cpu(cpu, &forwarded);
}

/**
 * forward_none() - make all CPUs direct, before they are handed back, or before
 * any CPU runs bare: it would use the IOAPICs behind K's back
 *
 * As forward_set(), or in a hotplug callback. What does not change now, K changes
 * as the CPU leaves.
 */
void forward_none(void)
{
	unsigned int cpu;

	for_each_cpu(cpu, &forwarded) {
		int err = forward_set(cpu, false);

		if (err && err != -ENODEV)
			pr_warn("CPU %u leaves with an interrupt in service: %pe\n", cpu,
				ERR_PTR(err));
	}
	cpumask_clear(&forwarded);
}
