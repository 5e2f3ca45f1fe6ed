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

/**
 * mode_apply() - bring a CPU to the mode that it is to have, and let its worlds run
 * @cpu: an online CPU on which Linux is a world
 *
 * Context and return as forward_set().
 */
int mode_apply(unsigned int cpu)
{
	enum mode mode = per_cpu(mode_wish, cpu);
	bool to = mode == MODE_FORWARDED || (mode == MODE_AUTO && worlds_on(cpu));
	int err;

	if (to == forward_is(cpu))
		return 0;
	err = forward_set(cpu, to);
	if (!err)
		worlds_start_all();
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

static void mode_run(struct work_struct *work)
{
	mutex_lock(&regent_lock);
	cpus_read_lock();
	if (regent.status == REGENT_TAKEN) {
		mode_apply_all();
		worlds_start_all();
	}
	cpus_read_unlock();
	mutex_unlock(&regent_lock);
}

static DECLARE_WORK(mode_work, mode_run);

/**
 * mode_apply_soon() - bring CPUs to the modes that they are to have, soon
 *
 * Any context: for the end of a hotplug operation, when all were direct.
 */
void mode_apply_soon(void)
{
	schedule_work(&mode_work);
}

/**
 * mode_quiet() - after the last mode_apply_soon()
 *
 * Process context, no lock held.
 */
void mode_quiet(void)
{
	cancel_work_sync(&mode_work);
}
