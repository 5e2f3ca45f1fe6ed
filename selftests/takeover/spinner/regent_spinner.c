// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every CPU of Linux spins with interrupts off: loading this returns after it. Knows nothing of
 * Regent.
 *
 * /sys/module/regent_spinner/parameters: ms: for how long; begin, end: the TSC, when all CPUs
 * were spinning, and when the first one was about to stop.
 */
#include <linux/module.h>
#include <linux/stop_machine.h>
#include <asm/msr.h>
#include <asm/tsc.h>

static uint ms = 10000;
module_param(ms, uint, 0444);
static ulong begin;
module_param(begin, ulong, 0444);
static ulong end;
module_param(end, ulong, 0444);

static atomic_t here;

static int spin(void *unused)
{
	u64 until;

	atomic_inc(&here);
	while (atomic_read(&here) < num_online_cpus())
		cpu_relax();
	until = rdtsc_ordered() + (u64)ms * tsc_khz;
	if (!cmpxchg(&begin, 0, rdtsc_ordered()))
		WRITE_ONCE(end, until);
	while (rdtsc_ordered() < until)
		cpu_relax();
	return 0;
}

static int __init spinner_init(void)
{
	begin = 0;
	/* All CPUs with interrupts off, at the same time */
	return stop_machine(spin, NULL, cpu_online_mask);
}

static void __exit spinner_exit(void)
{
}

module_init(spinner_init);
module_exit(spinner_exit);
MODULE_DESCRIPTION("Every CPU spins with interrupts off, for a test");
MODULE_LICENSE("GPL");
