// SPDX-License-Identifier: GPL-2.0-only
/* Asking K. */
#include <linux/preempt.h>
#include <linux/smp.h>

#include "l.h"

/**
 * regent_hypercall() - make a hypercall from this CPU
 * @nr: REGENT_HC_*
 * @a: first argument
 * @b: second argument
 *
 * Any context. Return: what K answers; -ENODEV when this CPU is not under
 * Regent, also when it stops being so at this very moment.
 */
long regent_hypercall(u64 nr, u64 a, u64 b)
{
	long answer = -ENODEV;

	preempt_disable();
	if (READ_ONCE(this_cpu_ptr(&l_cpus)->entered))
		answer = regent.backend->hypercall(nr, a, b);
	preempt_enable();
	return answer;
}

static void visit(void *unused)
{
	regent_hypercall(REGENT_HC_NULL, 0, 0);
}

/**
 * visit_all() - make every CPU come to K once, where it flushes what it must
 *
 * Process context, hotplug held off or in a hotplug callback.
 */
void visit_all(void)
{
	on_each_cpu(visit, NULL, 1);
}
