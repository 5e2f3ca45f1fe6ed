// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU with an APIC waits for an interrupt in KVM_RUN, and others send it some. K notes what
 * arrives; here the vCPU is made to look: its CPU is interrupted, or its thread woken. A timer
 * of Linux's does the same when its APIC's timer is due.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <trace/events/ipi.h>

#include <asm/tsc.h>

#include "kvm.h"

/**
 * vcpu_kick() - make a vCPU look at what has arrived for it
 * @v: the vCPU
 *
 * Any context, and several at a time. K has the news before: either it has entered the vCPU
 * with them, or this sees the CPU on which the vCPU runs.
 */
void vcpu_kick(struct vcpu *v)
{
	int cpu, this;

	WRITE_ONCE(v->kicked, true);
	smp_mb();	/* with vcpu_enter() and rcuwait_wait_event() */
	rcuwait_wake_up(&v->wait);
	this = get_cpu();
	cpu = READ_ONCE(v->cpu);
	/* On this CPU it has exited already. */
	if (cpu >= 0 && cpu != this && cpu_online(cpu))
		smp_send_reschedule(cpu);
	put_cpu();
}

/**
 * vm_wake() - make those vCPUs look that K names
 * @vm: the VM
 * @wake: REGENT_WAKE_*
 *
 * Any context.
 */
void vm_wake(struct vm *vm, u32 wake)
{
	unsigned int i;

	if (wake == REGENT_WAKE_NONE)
		return;
	rcu_read_lock();
	for (i = 0; i < VM_VCPUS; i++) {
		struct vcpu *v = READ_ONCE(vm->vcpu[i]);

		if (v && (wake == REGENT_WAKE_ALL || wake == i + 1))
			vcpu_kick(v);
	}
	rcu_read_unlock();
}

static enum hrtimer_restart wait_timer(struct hrtimer *timer)
{
	struct vcpu *v = container_of(timer, struct vcpu, timer);

	WRITE_ONCE(v->timer_tsc, REGENT_NEVER);
	vcpu_kick(v);
	return HRTIMER_NORESTART;
}

/**
 * wait_init() - a new vCPU
 * @v: the vCPU
 */
void wait_init(struct vcpu *v)
{
	rcuwait_init(&v->wait);
	v->timer_tsc = REGENT_NEVER;
	hrtimer_init(&v->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	v->timer.function = wait_timer;
}

/**
 * wait_free() - undo wait_init()
 * @v: the vCPU, which nobody finds any more
 */
void wait_free(struct vcpu *v)
{
	hrtimer_cancel(&v->timer);
}

/* At the longest, so that nothing overflows; the vCPU then looks, and the timer starts again. */
#define WAIT_NS_MAX	(60ull * NSEC_PER_SEC)

/**
 * wait_set_timer() - have the vCPU kicked when its APIC's timer is due
 * @v: the vCPU, after a run: the time is in its page
 */
void wait_set_timer(struct vcpu *v)
{
	u64 due = v->page->deadline, now, ticks = 0;

	if (due == READ_ONCE(v->timer_tsc))
		return;
	hrtimer_cancel(&v->timer);
	WRITE_ONCE(v->timer_tsc, due);
	if (due == REGENT_NEVER)
		return;
	now = rdtsc();
	/* The time is the VM's: the division must not overflow. */
	if (due > now)
		ticks = min_t(u64, due - now, (u64)tsc_khz * (WAIT_NS_MAX / NSEC_PER_MSEC));
	hrtimer_start(&v->timer,
		      ns_to_ktime(mul_u64_u64_div_u64(ticks, NSEC_PER_MSEC, tsc_khz)),
		      HRTIMER_MODE_REL_HARD);
}

/**
 * wait_for_vcpu() - wait until there may be something for a vCPU
 * @v: the vCPU, locked; it was entered after @v->kicked had been cleared
 */
void wait_for_vcpu(struct vcpu *v)
{
	rcuwait_wait_event(&v->wait, READ_ONCE(v->kicked) || irqchip_can_go_on(v) ||
			   signal_pending(current) || !vm_lives(v->vm), TASK_INTERRUPTIBLE);
}
