// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts that CPUs send themselves, one after the other, and on each of these
 * CPUs a timer that must go on beside them.
 */
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/workqueue.h>
#include "own.h"

#define PERIOD	(100 * NSEC_PER_USEC)

struct own {
	struct work_struct work;
	struct irq_work irq;
	struct hrtimer timer;
	u64 at;			/* when the timer was there last */
	u64 latest;
};

static DEFINE_PER_CPU(struct own, own);
static atomic64_t begun, handled;
static u64 enough;

static void arrived(struct irq_work *irq)
{
	atomic64_inc(&handled);
}

static void note(struct own *o)
{
	u64 now = ktime_get_mono_fast_ns();

	o->latest = max(o->latest, now - o->at);
	o->at = now;
}

static enum hrtimer_restart goes_on(struct hrtimer *timer)
{
	note(container_of(timer, struct own, timer));
	hrtimer_forward_now(timer, PERIOD);
	return HRTIMER_RESTART;
}

/* On one CPU, until they have done enough together. */
static void send_to_self(struct work_struct *work)
{
	struct own *o = container_of(work, struct own, work);

	o->at = ktime_get_mono_fast_ns();
	hrtimer_start(&o->timer, PERIOD, HRTIMER_MODE_REL_PINNED_HARD);
	while (atomic64_inc_return(&begun) <= enough) {
		irq_work_queue(&o->irq);
		irq_work_sync(&o->irq);
		cond_resched();
	}
	hrtimer_cancel(&o->timer);
	note(o);	/* one that has not come is late, too */
}

/**
 * own_run() - let all CPUs but the first send to themselves
 * @wanted: how often, in all
 * @latest: the longest time, in ns, that one of their timers was not there
 *
 * Process context; sleeps until they have done so. Return: how many have arrived.
 */
u64 own_run(u64 wanted, u64 *latest)
{
	unsigned int cpu;

	enough = wanted;
	atomic64_set(&begun, 0);
	atomic64_set(&handled, 0);
	for_each_online_cpu(cpu) {
		per_cpu(own, cpu).latest = 0;
		if (cpu != cpumask_first(cpu_online_mask))
			queue_work_on(cpu, system_long_wq, &per_cpu(own, cpu).work);
	}
	for_each_online_cpu(cpu) {
		flush_work(&per_cpu(own, cpu).work);
		*latest = max(*latest, per_cpu(own, cpu).latest);
	}
	return atomic64_read(&handled);
}

/**
 * own_init() - once, before the first own_run()
 */
void own_init(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct own *o = &per_cpu(own, cpu);

		INIT_WORK(&o->work, send_to_self);
		o->irq = IRQ_WORK_INIT_HARD(arrived);
		hrtimer_init(&o->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
		o->timer.function = goes_on;
	}
}
