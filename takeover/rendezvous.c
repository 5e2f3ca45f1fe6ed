// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rendezvous: all CPUs enter or none does. Under stop_machine(), with
 * hotplug held off, every CPU goes through two barriers:
 *
 *	ready	every CPU has read its state; one that cannot go on says so here,
 *		and nobody has changed anything yet
 *	entered	every CPU has tried; if one failed, the others leave again
 *
 * The second barrier without a failure is the point of no return: every CPU
 * knows then that Linux is a world on all of them.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/panic.h>
#include <linux/sched/clock.h>
#include <linux/smp.h>
#include <linux/stop_machine.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include <hw/cr.h>

#include "l.h"

/**
 * struct rendezvous - what the CPUs agree on
 * @cpus: how many take part
 * @ready: how many have reached the first barrier
 * @entered: how many have reached the second one
 * @left: how many have left, on the way out
 * @unready: a CPU failed before the first barrier; constant after it, which
 *	@error is not: a CPU may fail to enter before others have looked
 * @error: first failure
 * @where: part of the step that failed
 * @who: CPU it failed on
 */
struct rendezvous {
	unsigned int cpus;
	atomic_t ready;
	atomic_t entered;
	atomic_t left;
	atomic_t unready;
	atomic_t error;
	const char *where;
	unsigned int who;
};

/* Far above what a host that is busy elsewhere keeps a virtual CPU away for. */
#define RENDEZVOUS_MS	60000

/*
 * A CPU that is lost in K never comes, and Linux cannot go on without it: interrupts are
 * off everywhere. Then the machine ends as it does for Linux's own faults, with a dump or
 * a restart, and does not stand still for ever.
 */
static void rendezvous_wait(atomic_t *count, unsigned int cpus)
{
	u64 start = rdtsc(), limit = (u64)tsc_khz * RENDEZVOUS_MS;

	atomic_inc(count);
	while (atomic_read(count) < cpus) {
		cpu_relax();
		if (limit && rdtsc() - start > limit)
			panic("regent: a CPU is lost on its way in or out: %d of %u came\n",
			      atomic_read(count), cpus);
	}
}

static void rendezvous_failed(struct rendezvous *r, const char *where, int error)
{
	if (atomic_cmpxchg(&r->error, 0, error) == 0) {
		r->where = where;
		r->who = smp_processor_id();
	}
}

/* Everything that can fail before this CPU has changed anything. */
static int rendezvous_ready(struct l_cpu *c)
{
	struct regent_handoff *h = c->handoff;

	if (!c->prepared || c->refusal)
		return -ENODEV;
	capture_hot(c->found, true);
	capture_state(h);
	h->cr4 = h->state.cr4 & ~(X86_CR4_PGE | X86_CR4_PCIDE | HW_CR4_CET);
	c->captured = false;
	return 0;
}

/**
 * cpu_enter() - make Linux a world on this CPU
 * @c: this CPU's record, rendezvous_ready() done
 *
 * Interrupts off. Return: 0 as a world, or a negative errno on the bare
 * machine, nothing changed.
 */
noinstr int cpu_enter(struct l_cpu *c)
{
	struct regent_handoff *h = c->handoff;
	long err;

	/* Before the fact: a crash in between must find the CPU. */
	WRITE_ONCE(c->entered, true);
	err = regent.backend->enter(h);
	if (err) {
		WRITE_ONCE(c->entered, false);
		regent.backend->disable(h);
	}
	return err;
}

/**
 * cpu_leave() - hand this CPU back
 * @c: this CPU's record, entered
 *
 * Interrupts off, or an NMI. Harmless on a CPU that has left already: the
 * hypercall is #UD there, and what follows only writes what is there.
 */
noinstr void cpu_leave(struct l_cpu *c)
{
	regent.backend->leave();
	WRITE_ONCE(c->entered, false);
	regent.backend->disable(c->handoff);
}

static int rendezvous_enter(void *arg)
{
	u64 start = rdtsc_ordered();
	struct rendezvous *r = arg;
	struct l_cpu *c = this_cpu_ptr(&l_cpus);
	int err = step_fails("ready", c->cpu) ? -ECANCELED : rendezvous_ready(c);

	if (err) {
		rendezvous_failed(r, "ready", err);
		atomic_set(&r->unready, 1);
	}
	rendezvous_wait(&r->ready, r->cpus);
	if (atomic_read(&r->unready))
		return 0;
	err = cpu_enter(c);
	if (!err && step_fails("processors", c->cpu)) {
		cpu_leave(c);
		err = -ECANCELED;
	}
	if (err)
		rendezvous_failed(r, "processors", err);
	rendezvous_wait(&r->entered, r->cpus);
	if (atomic_read(&r->error) && c->entered)
		cpu_leave(c);
	/* The point of no return. */
	c->away = rdtsc_ordered() - start;
	return 0;
}

static int rendezvous_leave(void *arg)
{
	u64 start = rdtsc_ordered();
	struct rendezvous *r = arg;
	struct l_cpu *c = this_cpu_ptr(&l_cpus);

	if (c->entered) {
		capture_hot(c->view, false);
		cpu_leave(c);
		capture_hot(c->live, true);
		c->captured = true;
	}
	c->away = rdtsc_ordered() - start;
	/* stop_machine() waits for all as well, but has no end. */
	rendezvous_wait(&r->left, r->cpus);
	return 0;
}

static void rendezvous_leave_all(void)
{
	struct rendezvous r = { .cpus = num_online_cpus() };

	stop_machine(rendezvous_leave, &r, cpu_online_mask);
}

static u64 rendezvous_ns(u64 ticks)
{
	return mul_u64_u32_div(ticks, 1000000, tsc_khz ?: 1);
}

static u64 rendezvous_longest(void)
{
	unsigned int cpu;
	u64 most = 0;

	for_each_online_cpu(cpu)
		most = max(most, per_cpu_ptr(&l_cpus, cpu)->away);
	return rendezvous_ns(most);
}

/**
 * cpus_entered() - number of CPUs on which Linux is a world
 */
unsigned int cpus_entered(void)
{
	unsigned int cpu, n = 0;

	for_each_cpu(cpu, &regent_cpus)
		n += READ_ONCE(per_cpu_ptr(&l_cpus, cpu)->entered);
	return n;
}

static void rendezvous_cold_found(void *unused)
{
	struct l_cpu *c = this_cpu_ptr(&l_cpus);

	/* Things may have changed since the probe: suspend, another module. */
	c->refusal = regent.backend->probe_cpu();
	capture_probe(c);
	if (c->prepared)
		c->handoff->apic_id = capture_apic_id();
	capture_cold(c, c->found);
}

static void rendezvous_cold_view(void *unused)
{
	struct l_cpu *c = this_cpu_ptr(&l_cpus);

	capture_cold(c, c->view);
}

static void rendezvous_cold_live(void *unused)
{
	struct l_cpu *c = this_cpu_ptr(&l_cpus);

	capture_cold(c, c->live);
}

/**
 * takeover_all() - take over every online CPU
 *
 * Process context, regent_lock held, hotplug held off. Return: 0, or a
 * negative errno with every CPU as before.
 */
int takeover_all(void)
{
	struct rendezvous r = { .cpus = num_online_cpus() };
	unsigned int cpu;
	int err;

	on_each_cpu(rendezvous_cold_found, NULL, 1);
	stop_machine(rendezvous_enter, &r, cpu_online_mask);
	err = atomic_read(&r.error);
	if (err) {
		const char *why = per_cpu_ptr(&l_cpus, r.who)->refusal;

		pr_err("step %s, CPU %u failed: %pe%s%s\n", r.where, r.who, ERR_PTR(err),
		       why ? "; " : "", why ?: "");
		return err;
	}
	regent.pause_takeover_ns = rendezvous_longest();
	regent.status = REGENT_TAKEN;
	regent.why = NULL;
	for_each_online_cpu(cpu)
		blob_note_found(cpu);
	pr_info("taken over: %u CPUs (%s), Linux was away for %llu ns\n", r.cpus,
		regent.backend->name, regent.pause_takeover_ns);
	return 0;
}

/**
 * handback_all() - hand back every CPU on which Linux is a world
 * @why: for sysfs
 *
 * Process context, regent_lock held, hotplug held off.
 */
void handback_all(const char *why)
{
	unsigned int cpus = cpus_entered();

	on_each_cpu(rendezvous_cold_view, NULL, 1);
	rendezvous_leave_all();
	on_each_cpu(rendezvous_cold_live, NULL, 1);
	regent.pause_handback_ns = rendezvous_longest();
	if (regent.status == REGENT_TAKEN) {
		regent.status = REGENT_IDLE;
		regent.why = why;
	}
	pr_info("Linux was away for %llu ns\n", regent.pause_handback_ns);
	blob_report(cpus);
}

/**
 * leave_rest() - hand back the CPUs that K has given up, and that are still there
 *
 * Process context, regent_lock held, hotplug held off. After a fault of K a CPU may not
 * have had its NMI yet.
 */
void leave_rest(void)
{
	while (cpus_entered())
		rendezvous_leave_all();
}

/**
 * cpu_enter_one() - take over a CPU that comes online
 * @c: its record
 *
 * On that CPU, process context. Return: 0 or a negative errno.
 */
int cpu_enter_one(struct l_cpu *c)
{
	unsigned long flags;
	int err;

	rendezvous_cold_found(NULL);
	local_irq_save(flags);
	err = rendezvous_ready(c);
	if (!err)
		err = cpu_enter(c);
	local_irq_restore(flags);
	if (!err)
		blob_note_found(c->cpu);
	return err;
}

/**
 * cpu_leave_one() - hand back a CPU that goes offline
 * @c: its record, entered
 *
 * On that CPU, process context. What was read is compared at the handback.
 */
void cpu_leave_one(struct l_cpu *c)
{
	unsigned long flags;

	rendezvous_cold_view(NULL);
	local_irq_save(flags);
	capture_hot(c->view, false);
	cpu_leave(c);
	capture_hot(c->live, true);
	c->captured = true;
	local_irq_restore(flags);
	rendezvous_cold_live(NULL);
}

static DEFINE_PER_CPU(call_single_data_t, rendezvous_csd);
static struct cpumask rendezvous_silent;	/* CPUs that have not answered */

static void rendezvous_answer(void *unused)
{
	cpumask_clear_cpu(smp_processor_id(), &rendezvous_silent);
}

/* The CPU is free again for the next question once it has answered this one. */
static void rendezvous_ask(unsigned int cpu)
{
	call_single_data_t *csd = per_cpu_ptr(&rendezvous_csd, cpu);

	if (cpumask_test_and_set_cpu(cpu, &rendezvous_silent))
		return;
	INIT_CSD(csd, rendezvous_answer, NULL);
	if (smp_call_function_single_async(cpu, csd))
		cpumask_clear_cpu(cpu, &rendezvous_silent);
}

/* The first that halted in K, or -1 */
static int rendezvous_dead(void)
{
	unsigned int cpu;

	for_each_cpu(cpu, &regent_cpus)
		if (READ_ONCE(per_cpu_ptr(&l_cpus, cpu)->shared->dead))
			return cpu;
	return -1;
}

/**
 * cpu_lost() - is there a CPU that does not come to Linux any more?
 * @ms: how long to wait for each CPU's answer to an interrupt
 *
 * A CPU that halted in K never does: nothing of K's may be freed then, and who waits for
 * all CPUs (stop_machine(), RCU) waits for ever. So this is asked first. Process context,
 * no lock held; one caller at a time does it. Return: the CPU, or -1.
 */
int cpu_lost(unsigned int ms)
{
	static DEFINE_MUTEX(asking);
	u64 end = ktime_get_ns() + ms * (u64)NSEC_PER_MSEC;
	unsigned int cpu;
	int lost;

	mutex_lock(&asking);
	preempt_disable();
	for_each_online_cpu(cpu)
		rendezvous_ask(cpu);
	preempt_enable();
	for (;;) {
		lost = rendezvous_dead();
		if (lost >= 0 || cpumask_empty(&rendezvous_silent))
			break;
		if (ktime_get_ns() > end) {
			lost = cpumask_first(&rendezvous_silent);
			break;
		}
		usleep_range(1000, 2000);
	}
	mutex_unlock(&asking);
	return lost;
}
