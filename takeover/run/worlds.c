// SPDX-License-Identifier: GPL-2.0-only
/*
 * The worlds beside Linux, as L knows them: who owns each, and on which CPUs it may run.
 * On which of those it is, and when, K decides. A world runs only on forwarded CPUs.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/slab.h>

#include "run.h"

/* A world's CPU lets go of it at once; what is on its way arrives: so often, 100 us. */
#define TRIES	1000

/* A test world */
struct l_world {
	const struct file *owner;
	struct cpumask allowed;
	u64 weights;
};

/* By id - 1; changed under regent_lock with hotplug held off, or in its callback. */
static struct l_world *worlds[WORLDS_MAX_ID];

/* Of a world that K may move, from any CPU: until it is where it can be done. */
static long worlds_call(u64 nr, u64 id, u64 b)
{
	long err = -EBUSY;
	int i;

	for (i = 0; i < TRIES && err == -EBUSY; i++) {
		if (i)
			usleep_range(100, 200);
		err = regent_hypercall(nr, id, b);
	}
	return err;
}

/* K may need more memory for it. */
static long worlds_call_with_memory(unsigned int cpu, u64 nr, u64 a, u64 b)
{
	long answer = regent_hypercall_on(cpu, nr, a, b);
	int err;

	if (answer != -ENOSPC)
		return answer;
	err = donated_give();
	return err ?: regent_hypercall_on(cpu, nr, a, b);
}

/**
 * worlds_on() - are there worlds that want to run on this CPU?
 * @cpu: any CPU
 */
bool worlds_on(unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < WORLDS_MAX_ID; i++)
		if (worlds[i] && cpumask_test_cpu(cpu, &worlds[i]->allowed))
			return true;
	return false;
}

/**
 * worlds_owned_by() - is there a world of this id, and is it this one's?
 * @owner: as in worlds_create()
 * @id: any number
 */
bool worlds_owned_by(const struct file *owner, u64 id)
{
	return id - 1 < WORLDS_MAX_ID && worlds[id - 1] && worlds[id - 1]->owner == owner;
}

/**
 * worlds_create() - make a test world, which does not run yet
 * @owner: who has it
 * @cpu: the online CPU that it may run on at first
 * @mode: enum regent_test_mode
 * @weights: as REGENT_HC_WORLD_START has them
 *
 * Process context, regent_lock held, hotplug held off. Return: its id or a negative
 * errno.
 */
long worlds_create(const struct file *owner, unsigned int cpu, u64 mode, u64 weights)
{
	struct l_world *w = kzalloc(sizeof(*w), GFP_KERNEL);
	long id;

	if (!w)
		return -ENOMEM;
	id = worlds_call_with_memory(cpu, REGENT_HC_TEST_CREATE, mode, 0);
	if (id < 0 || id > WORLDS_MAX_ID) {
		kfree(w);
		return id < 0 ? id : -EIO;
	}
	w->owner = owner;
	cpumask_copy(&w->allowed, cpumask_of(cpu));
	w->weights = weights;
	worlds[id - 1] = w;
	return id;
}

/**
 * worlds_start() - let a world run, on any forwarded CPU that it may run on
 * @id: of a world that exists
 *
 * Context as worlds_create(). Return: 0, also where the world runs already or no CPU of
 * its is forwarded yet, or a negative errno.
 */
int worlds_start(unsigned int id)
{
	unsigned int cpu;
	int err = 0;

	if (regent_hypercall(REGENT_HC_WORLD_INFO, id, REGENT_INFO_STATE) !=
	    REGENT_STATE_STOPPED)
		return 0;
	for_each_cpu_and(cpu, &worlds[id - 1]->allowed, cpu_online_mask) {
		if (!forward_is(cpu))
			continue;
		err = regent_hypercall_on(cpu, REGENT_HC_WORLD_START, id,
					  worlds[id - 1]->weights);
		if (err != -ENOSPC)
			break;
	}
	return err;
}

/**
 * worlds_start_all() - let all worlds run that can
 *
 * As forward_set(): some CPU has just become forwarded, or direct.
 */
void worlds_start_all(void)
{
	unsigned int i;

	for (i = 0; i < WORLDS_MAX_ID; i++)
		if (worlds[i])
			worlds_start(i + 1);
}

/**
 * worlds_stop() - let a world run no more, until worlds_start()
 * @id: of a world that exists
 *
 * Context as worlds_create(). Return: 0 or a negative errno.
 */
int worlds_stop(unsigned int id)
{
	return worlds_call(REGENT_HC_WORLD_STOP, id, 0);
}

/**
 * worlds_end() - end a world
 * @id: of a world that exists
 *
 * Context as worlds_create().
 */
void worlds_end(unsigned int id)
{
	long err;

	if (regent.status == REGENT_TAKEN) {
		err = worlds_call(REGENT_HC_TEST_DESTROY, id, 0);
		if (err && err != -ENODEV)
			pr_warn("test world %u cannot be ended: %pe\n", id, ERR_PTR(err));
	}
	kfree(worlds[id - 1]);
	worlds[id - 1] = NULL;
}

/**
 * worlds_allow() - say on which CPUs a world may run
 * @id: of a world that is stopped
 * @cpus: bit N is CPU N; there is an online one among them
 *
 * The new CPUs come first, so that the world may always run somewhere. Context as
 * worlds_create(). Return: 0 or a negative errno.
 */
int worlds_allow(unsigned int id, u64 cpus)
{
	struct cpumask *mask = &worlds[id - 1]->allowed;
	unsigned int cpu;
	int err;

	for_each_online_cpu(cpu) {
		if (cpu >= 64 || !(cpus >> cpu & 1) || cpumask_test_cpu(cpu, mask))
			continue;
		err = worlds_call_with_memory(cpu, REGENT_HC_WORLD_ALLOW, id, 1);
		if (err)
			return err;
		cpumask_set_cpu(cpu, mask);
	}
	for_each_online_cpu(cpu) {
		if (!cpumask_test_cpu(cpu, mask) || (cpu < 64 && cpus >> cpu & 1))
			continue;
		err = regent_hypercall_on(cpu, REGENT_HC_WORLD_ALLOW, id, 0);
		if (err)
			return err;
		cpumask_clear_cpu(cpu, mask);
	}
	return 0;
}

/*
 * A world of a CPU that goes runs on elsewhere. False when there is nowhere, or when all
 * of Regent goes, with worlds still running.
 */
static bool worlds_leave(unsigned int id, unsigned int cpu)
{
	struct cpumask *mask = &worlds[id - 1]->allowed;

	cpumask_clear_cpu(cpu, mask);
	if (!cpumask_intersects(mask, cpu_online_mask))
		return false;
	return !regent_hypercall_on(cpu, REGENT_HC_WORLD_ALLOW, id, 0);
}

/**
 * worlds_end_on() - end the worlds of a CPU that goes
 * @cpu: the CPU, online still, Linux a world on it
 * @why: for the log
 *
 * Process context, hotplug held off or in its callback on that CPU.
 */
void worlds_end_on(unsigned int cpu, const char *why)
{
	unsigned int i, n = 0;

	for (i = 0; i < WORLDS_MAX_ID; i++) {
		if (!worlds[i] || !cpumask_test_cpu(cpu, &worlds[i]->allowed) ||
		    worlds_leave(i + 1, cpu))
			continue;
		worlds_end(i + 1);
		n++;
	}
	if (n)
		pr_warn("%u worlds of CPU %u ended: %s\n", n, cpu, why);
}

/**
 * worlds_forget() - K is gone, and all worlds with it
 */
void worlds_forget(void)
{
	unsigned int i;

	for (i = 0; i < WORLDS_MAX_ID; i++) {
		kfree(worlds[i]);
		worlds[i] = NULL;
	}
}
