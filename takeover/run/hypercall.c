// SPDX-License-Identifier: GPL-2.0-only
/* Asking K. */
#include <linux/preempt.h>
#include <linux/smp.h>

#include "run.h"

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

struct hypercall {
	u64 nr, a, b;
	long answer;
};

static void hypercall_here(void *arg)
{
	struct hypercall *call = arg;

	call->answer = regent_hypercall(call->nr, call->a, call->b);
}

/**
 * regent_hypercall_on() - make a hypercall from another CPU, interrupts off there
 * @cpu: an online CPU
 * @nr: REGENT_HC_*
 * @a: first argument
 * @b: second argument
 *
 * Process context. Return: as regent_hypercall().
 */
long regent_hypercall_on(unsigned int cpu, u64 nr, u64 a, u64 b)
{
	struct hypercall call = { .nr = nr, .a = a, .b = b };
	int err = smp_call_function_single(cpu, hypercall_here, &call, 1);

	return err ?: call.answer;
}

static void hypercall_visit(void *unused)
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
	on_each_cpu(hypercall_visit, NULL, 1);
}
