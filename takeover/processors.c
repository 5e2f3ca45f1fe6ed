// SPDX-License-Identifier: GPL-2.0-only
/*
 * The step "processors": all of the machine in, and all of it out with what ran on it.
 * How the CPUs go in and out is in rendezvous.c.
 */
#include <linux/cpu.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/suspend.h>

#include "l.h"
#include "run/run.h"

static void processors_end_worlds(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		worlds_end_on(cpu, "Regent hands back");
}

/**
 * hand_back() - hand every CPU back
 * @why: for sysfs
 *
 * Process context, no CPU being lost, see cpu_lost(). Afterwards no CPU is in K, so that K's
 * memory can go: also after a fault of K, when a CPU may not have had its NMI yet.
 */
void hand_back(const char *why)
{
	unsigned int cpu;

	mutex_lock(&regent_lock);
	cpu_hotplug_disable();
	if (regent.status == REGENT_TAKEN) {
		vm_end_all();
		processors_end_worlds();
		forward_none();
		handback_all(why);
	}
	worlds_forget();
	leave_rest();
	vms_ended();
	/* A CPU that goes offline now would take its interrupt to another one. */
	for_each_possible_cpu(cpu)
		vector_put(cpu);
	cpu_hotplug_enable();
	mutex_unlock(&regent_lock);
}

/* A CPU answers at once, if it answers; a busy host takes longer. */
#define LOST_MS		10000

/**
 * wait_for_lost() - before Regent goes, which it cannot do while a CPU is lost in K
 *
 * Process context, no lock held. The removal of a module cannot fail, so that it waits,
 * with all else as it was. The machine can be restarted meanwhile.
 */
void wait_for_lost(void)
{
	bool told = false;
	int cpu;

	while ((cpu = cpu_lost(LOST_MS)) >= 0) {
		if (!told)
			pr_crit("CPU %d is lost in Regent, which stays loaded; reboot this machine\n",
				cpu);
		told = true;
		schedule_timeout_idle(HZ);
	}
}

int processors_do(void)
{
	/* Between suspend's notifiers a takeover would be lost. */
	unsigned int sleep = lock_system_sleep();
	int err;

	mutex_lock(&regent_lock);
	cpu_hotplug_disable();
	err = takeover_all();
	cpu_hotplug_enable();
	mutex_unlock(&regent_lock);
	unlock_system_sleep(sleep);
	return err;
}

void processors_undo(void)
{
	hand_back("handed back");
}
