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
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <linux/stop_machine.h>
#include <linux/suspend.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include <hw/cr.h>

#include "l.h"

/**
 * struct rendezvous - what the CPUs agree on
 * @cpus: how many take part
 * @ready: how many have reached the first barrier
 * @entered: how many have reached the second one
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
	atomic_t unready;
	atomic_t error;
	const char *where;
	unsigned int who;
};

static void barrier_wait(atomic_t *count, unsigned int cpus)
{
	atomic_inc(count);
	while (atomic_read(count) < cpus)
		cpu_relax();
}

static void failed(struct rendezvous *r, const char *where, int error)
{
	if (atomic_cmpxchg(&r->error, 0, error) == 0) {
		r->where = where;
		r->who = smp_processor_id();
	}
}

/* Everything that can fail before this CPU has changed anything. */
static int cpu_ready(struct l_cpu *c)
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
 * @c: this CPU's record, cpu_ready() done
 *
 * Interrupts off. Return: 0 as a world, or a negative errno on the bare
 * machine, nothing changed.
 */
int cpu_enter(struct l_cpu *c)
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
void cpu_leave(struct l_cpu *c)
{
	regent.backend->leave();
	WRITE_ONCE(c->entered, false);
	regent.backend->disable(c->handoff);
}

static int enter_all(void *arg)
{
	u64 start = rdtsc_ordered();
	struct rendezvous *r = arg;
	struct l_cpu *c = this_cpu_ptr(&l_cpus);
	int err = step_fails("ready", c->cpu) ? -ECANCELED : cpu_ready(c);

	if (err) {
		failed(r, "ready", err);
		atomic_set(&r->unready, 1);
	}
	barrier_wait(&r->ready, r->cpus);
	if (atomic_read(&r->unready))
		return 0;
	err = cpu_enter(c);
	if (!err && step_fails("processors", c->cpu)) {
		cpu_leave(c);
		err = -ECANCELED;
	}
	if (err)
		failed(r, "processors", err);
	barrier_wait(&r->entered, r->cpus);
	if (atomic_read(&r->error) && c->entered)
		cpu_leave(c);
	/* The point of no return. */
	c->away = rdtsc_ordered() - start;
	return 0;
}

static int leave_all(void *arg)
{
	u64 start = rdtsc_ordered();
	struct l_cpu *c = this_cpu_ptr(&l_cpus);

	if (c->entered) {
		capture_hot(c->view, false);
		cpu_leave(c);
		capture_hot(c->live, true);
		c->captured = true;
	}
	c->away = rdtsc_ordered() - start;
	return 0;
}

static u64 tsc_to_ns(u64 ticks)
{
	return mul_u64_u32_div(ticks, 1000000, tsc_khz ?: 1);
}

static u64 longest_away(void)
{
	unsigned int cpu;
	u64 most = 0;

	for_each_online_cpu(cpu)
		most = max(most, per_cpu_ptr(&l_cpus, cpu)->away);
	return tsc_to_ns(most);
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

static void cold_found(void *unused)
{
	struct l_cpu *c = this_cpu_ptr(&l_cpus);

	/* Things may have changed since the probe: suspend, another module. */
	c->refusal = regent.backend->probe_cpu();
	capture_probe(c);
	if (c->prepared)
		c->handoff->apic_id = capture_apic_id();
	capture_cold(c, c->found);
}

static void cold_view(void *unused)
{
	struct l_cpu *c = this_cpu_ptr(&l_cpus);

	capture_cold(c, c->view);
}

static void cold_live(void *unused)
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

	on_each_cpu(cold_found, NULL, 1);
	stop_machine(enter_all, &r, cpu_online_mask);
	err = atomic_read(&r.error);
	if (err) {
		const char *why = per_cpu_ptr(&l_cpus, r.who)->refusal;

		pr_err("step %s, CPU %u failed: %pe%s%s\n", r.where, r.who, ERR_PTR(err),
		       why ? "; " : "", why ?: "");
		return err;
	}
	regent.pause_takeover_ns = longest_away();
	regent.status = REGENT_TAKEN;
	regent.why = NULL;
	for_each_online_cpu(cpu)
		blob_note_found(cpu);
	pr_info("taken over: %u CPUs (%s), Linux was away for %llu ns\n", r.cpus,
		regent.backend->name, regent.pause_takeover_ns);
	return 0;
}

/* regent_lock held, hotplug held off. */
static void handback_all(const char *why)
{
	unsigned int cpus = cpus_entered();

	on_each_cpu(cold_view, NULL, 1);
	stop_machine(leave_all, NULL, cpu_online_mask);
	on_each_cpu(cold_live, NULL, 1);
	regent.pause_handback_ns = longest_away();
	if (regent.status == REGENT_TAKEN) {
		regent.status = REGENT_IDLE;
		regent.why = why;
	}
	pr_info("Linux was away for %llu ns\n", regent.pause_handback_ns);
	blob_report(cpus);
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

	cold_found(NULL);
	local_irq_save(flags);
	err = cpu_ready(c);
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

	cold_view(NULL);
	local_irq_save(flags);
	capture_hot(c->view, false);
	cpu_leave(c);
	capture_hot(c->live, true);
	c->captured = true;
	local_irq_restore(flags);
	cold_live(NULL);
}

/* A CPU that halted in K never comes out; nothing of K's may be freed then. */
static bool cpu_lost(void)
{
	unsigned int cpu;

	for_each_cpu(cpu, &regent_cpus) {
		const struct l_cpu *c = per_cpu_ptr(&l_cpus, cpu);

		if (READ_ONCE(c->shared->dead)) {
			pr_crit("CPU %u is lost in Regent, which stays loaded; reboot this machine\n",
				cpu);
			return true;
		}
	}
	return false;
}

static void end_worlds(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		worlds_end(cpu, "Regent hands back");
}

/**
 * hand_back() - hand every CPU back
 * @why: for sysfs
 *
 * Process context. Afterwards no CPU is in K, so that K's memory can go: also
 * after a fault of K, when a CPU may not have had its NMI yet.
 */
void hand_back(const char *why)
{
	unsigned int cpu;

	if (cpu_lost())
		for (;;)
			schedule_timeout_idle(HZ * 60);
	mutex_lock(&regent_lock);
	cpu_hotplug_disable();
	if (regent.status == REGENT_TAKEN) {
		end_worlds();
		forward_none();
		handback_all(why);
	}
	worlds_forget();
	while (cpus_entered())
		stop_machine(leave_all, NULL, cpu_online_mask);
	/* A CPU that goes offline now would take its interrupt to another one. */
	for_each_possible_cpu(cpu)
		vector_put(cpu);
	cpu_hotplug_enable();
	mutex_unlock(&regent_lock);
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
	/* The vectors' handlers are gone, which could have started it again. */
	events_quiet();
}
