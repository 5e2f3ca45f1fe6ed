// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which CPUs are forwarded: those that the operator wants so, and those on which another
 * world than Linux may run. How it is done is in forward.c.
 */
#include <linux/cpu.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/workqueue.h>

#include "run.h"

/* What the operator wants of each CPU */
static DEFINE_PER_CPU(enum mode, mode_wish);

/* When a vCPU was on a CPU last, in jiffies; 0 for never */
static DEFINE_PER_CPU(unsigned long, mode_vcpu_at);

/* So long a CPU stays forwarded without one: a VM that exits to its VMM now and then is there. */
#define VCPU_HOLD	(10 * HZ)

/* When a CPU could not be forwarded last, in jiffies; 0 for never */
static unsigned long mode_failed_at;

static bool vcpus_on(unsigned int cpu)
{
	unsigned long at = READ_ONCE(per_cpu(mode_vcpu_at, cpu));

	return at && time_before(jiffies, at + VCPU_HOLD);
}

/**
 * mode_apply() - bring a CPU to the mode that it is to have, and let its worlds run
 * @cpu: an online CPU on which Linux is a world
 *
 * Context and return as forward_set().
 */
int mode_apply(unsigned int cpu)
{
	enum mode mode = per_cpu(mode_wish, cpu);
	bool used = worlds_on(cpu) || vcpus_on(cpu);
	bool to = mode == MODE_FORWARDED || (mode == MODE_AUTO && used);
	int err;

	if (to == forward_is(cpu))
		return 0;
	err = forward_set(cpu, to);
	if (!err)
		worlds_start_all();
	else if (to)
		WRITE_ONCE(mode_failed_at, jiffies ?: 1);
	return err;
}

/**
 * mode_apply_all() - bring all CPUs to what the worlds need now
 *
 * Context as forward_set(). Return: 0 or the first error; the other CPUs are changed all
 * the same.
 */
int mode_apply_all(void)
{
	unsigned int cpu;
	int err = 0;

	for_each_online_cpu(cpu) {
		int e = mode_apply(cpu);

		err = err ?: e;
	}
	return err;
}

/**
 * mode_want() - say what mode a CPU is to have, and make it so
 * @cpu: as above
 * @mode: when it is to be forwarded
 *
 * Context and return as forward_set(); after an error nothing is changed.
 */
int mode_want(unsigned int cpu, enum mode mode)
{
	enum mode was = per_cpu(mode_wish, cpu);
	int err;

	per_cpu(mode_wish, cpu) = mode;
	err = mode_apply(cpu);
	if (err)
		per_cpu(mode_wish, cpu) = was;
	return err;
}

/**
 * mode_wanted() - when is this CPU to be forwarded?
 * @cpu: any CPU
 */
enum mode mode_wanted(unsigned int cpu)
{
	return per_cpu(mode_wish, cpu);
}

static void mode_run(struct work_struct *work);
static DECLARE_DELAYED_WORK(mode_work, mode_run);

/* A CPU that has had a vCPU is looked at until it is direct again. */
static bool mode_may_change(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		if (vcpus_on(cpu) && forward_is(cpu))
			return true;
	return false;
}

static void mode_run(struct work_struct *work)
{
	bool again = false;

	mutex_lock(&regent_lock);
	cpus_read_lock();
	if (regent.status == REGENT_TAKEN) {
		mode_apply_all();
		worlds_start_all();
		again = mode_may_change();
	}
	cpus_read_unlock();
	mutex_unlock(&regent_lock);
	if (again)
		schedule_delayed_work(&mode_work, VCPU_HOLD / 2);
}

/* The reason may have gone since: a handler of Linux's, or the idle driver. */
static bool failed_lately(void)
{
	unsigned long at = READ_ONCE(mode_failed_at);

	return at && time_before(jiffies, at + VCPU_HOLD);
}

/**
 * mode_vcpu_runs() - a vCPU is about to run on a CPU, or does: K is to schedule it there
 * @cpu: an online CPU
 *
 * Any context. The CPU becomes forwarded soon, if it can and the operator has not forbidden it.
 */
void mode_vcpu_runs(unsigned int cpu)
{
	unsigned long now = jiffies ?: 1;

	if (READ_ONCE(per_cpu(mode_vcpu_at, cpu)) == now)
		return;
	WRITE_ONCE(per_cpu(mode_vcpu_at, cpu), now);
	if (!forward_is(cpu) && mode_wanted(cpu) == MODE_AUTO && !failed_lately())
		mode_apply_soon();
}

/**
 * mode_apply_soon() - bring CPUs to the modes that they are to have, soon
 *
 * Any context: for the end of a hotplug operation, when all were direct.
 */
void mode_apply_soon(void)
{
	mod_delayed_work(system_wq, &mode_work, 0);
}

/**
 * mode_quiet() - after the last mode_apply_soon()
 *
 * Process context, no lock held.
 */
void mode_quiet(void)
{
	cancel_delayed_work_sync(&mode_work);
}
