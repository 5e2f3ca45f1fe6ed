// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread on CPU 1 that waits as Linux's idle thread does where there is MWAIT: it
 * says that it polls its flags, and waits for a write to them. Another thread of
 * CPU 1, which comes before it, is woken from CPU 2, many times. Knows nothing of
 * Regent.
 *
 * /sys/module/regent_idler/parameters: wakes: how often; waits: MWAITs that were
 * needed meanwhile. Loading it does it all; what is not there it does not load on.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <asm/mwait.h>

#define POLLER_CPU	1
#define WAKER_CPU	2

static uint wakes = 300;
module_param(wakes, uint, 0444);
static ulong waits;
module_param(waits, ulong, 0444);

static DECLARE_COMPLETION(work);
static DECLARE_COMPLETION(done);
static DECLARE_COMPLETION(all_done);

/* As mwait_idle() of the kernel. */
static void wait_once(void)
{
	set_thread_flag(TIF_POLLING_NRFLAG);
	/* Who sees no polling yet sends an interrupt; else this sees what is set. */
	smp_mb__after_atomic();
	if (!need_resched()) {
		local_irq_disable();
		__monitor(&current_thread_info()->flags, 0, 0);
		if (!need_resched()) {
			waits++;
			__sti_mwait(0, 0);
		}
		local_irq_enable();
	}
	clear_thread_flag(TIF_POLLING_NRFLAG);
	/* What was set while it polled is looked at afterwards. */
	smp_mb__after_atomic();
}

static int poller(void *unused)
{
	while (!kthread_should_stop()) {
		preempt_disable();
		wait_once();
		preempt_enable();
		/* Without an interrupt nobody has told the preemption count. */
		if (need_resched())
			schedule();
	}
	return 0;
}

static int worker(void *unused)
{
	while (!kthread_should_stop()) {
		wait_for_completion(&work);
		complete(&done);
	}
	return 0;
}

static struct task_struct *start(int (*fn)(void *), unsigned int cpu, const char *name)
{
	struct task_struct *t = kthread_create(fn, NULL, "%s", name);

	if (IS_ERR(t))
		return t;
	kthread_bind(t, cpu);
	return t;
}

/* One that has not run yet just ends. */
static void stop(struct task_struct *t)
{
	if (!IS_ERR(t))
		kthread_stop(t);
}

static int waker(void *unused)
{
	uint i;

	for (i = 0; i < wakes; i++) {
		usleep_range(300, 400);
		complete(&work);
		wait_for_completion(&done);
	}
	complete(&all_done);
	while (!kthread_should_stop())
		usleep_range(1000, 2000);
	return 0;
}

static int __init idler_init(void)
{
	struct task_struct *p, *w, *k;
	int err;

	if (!boot_cpu_has(X86_FEATURE_MWAIT) || !cpu_online(POLLER_CPU) ||
	    !cpu_online(WAKER_CPU))
		return -ENODEV;
	w = start(worker, POLLER_CPU, "idler_worker");
	p = start(poller, POLLER_CPU, "idler_poller");
	k = start(waker, WAKER_CPU, "idler_waker");
	err = IS_ERR(w) || IS_ERR(p) || IS_ERR(k) ? -ENOMEM : 0;
	if (!err) {
		sched_set_fifo(w);
		wake_up_process(w);
		wake_up_process(p);
		wake_up_process(k);
		wait_for_completion(&all_done);
	}
	stop(k);
	stop(p);
	complete(&work);
	stop(w);
	return err;
}

static void __exit idler_exit(void)
{
}

module_init(idler_init);
module_exit(idler_exit);
MODULE_DESCRIPTION("A thread that waits by MWAIT, and is woken without an interrupt");
MODULE_LICENSE("GPL");
