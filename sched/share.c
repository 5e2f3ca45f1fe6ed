// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduler between CPUs. A world belongs to one CPU, and only that one touches
 * it and its own run queue: there is no lock, and nobody waits for another CPU.
 *
 *	look at this world	its letter goes into its CPU's inbox, and K's vector
 *				rings there: wake it (asks), stop it (asks), or take
 *				it (moving), as the world itself says
 *	look whether others	cpu->asked: a CPU has nothing to do, or worlds may
 *	have nothing to do	come and go
 *
 * A world moves when it waits for its turn and its registers lie in memory: to a
 * CPU that has nothing to do, or that has less to do when the world wakes up. Its
 * CPU lets go of it, then it is the other one's. A CPU that becomes direct empties
 * its inbox; who puts a letter there later sees that, and empties it.
 */
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/k.h>
#include <regent/sched.h>
#include "internal.h"

#define LOOKS	32	/* CPUs that are looked at, from this one on */

/* The forwarded CPUs; each changes its own bit. */
static u64 forwarded[REGENT_MAX_CPUS / 64];

static bool is_forwarded(const struct cpu *cpu)
{
	return __atomic_load_n(&forwarded[cpu->id / 64], __ATOMIC_SEQ_CST) >>
	       cpu->id % 64 & 1;
}

/* Run queues of forwarded CPUs other than this one. */
static u32 peers(const struct cpu *cpu, const u64 *among, struct runq *rqs[LOOKS])
{
	u32 words = (k_params.nr_cpus + 63) / 64;
	u64 from_here = ~0ull << cpu->id % 64;
	u32 i, n = 0;

	for (i = 0; i <= words; i++) {
		u32 word = (cpu->id / 64 + i) % words;
		u64 bits = __atomic_load_n(&forwarded[word], __ATOMIC_RELAXED);

		if (among)
			bits &= among[word];
		if (i == 0)
			bits &= from_here & ~(1ull << cpu->id % 64);
		else if (i == words)
			bits &= ~from_here;
		for (; bits; bits &= bits - 1) {
			if (n == LOOKS)
				return n;
			rqs[n++] = &cpu_of(word * 64 + __builtin_ctzll(bits))->rq;
		}
	}
	return n;
}

/* It could not be taken in: L finds out where it may go on. */
static void lost(struct cpu *of, struct world *w)
{
	policy_drop(&w->sched, &of->rq);
	share_welcome(this_cpu(), w, false);
	world_give(w, WORLD_NOBODYS);
	event_post(REGENT_EV_WORLD_STOPPED, w->id, 0);
	tell_linux(this_cpu());
}

static void deliver(struct cpu *cpu, struct world *w);

/* Empty the inbox of a CPU that is direct: it has no worlds. */
static void abandon(struct cpu *cpu, struct cpu *of)
{
	struct letter *l = inbox_take(&of->inbox), *next;

	for (; l; l = next) {
		struct world *w = world_of_letter(l);

		next = l->next;
		do {
			letter_open(l);
			/* Or that CPU is forwarded again: it looks itself. */
			if (__atomic_load_n(&w->cpu, __ATOMIC_ACQUIRE) != of->id ||
			    is_forwarded(of)) {
				letter_keep(l);
				deliver(cpu, w);
				break;
			}
			if (__atomic_exchange_n(&w->moving, false, __ATOMIC_ACQ_REL))
				lost(of, w);
		} while (!letter_close(l));
	}
}

static void deliver(struct cpu *cpu, struct world *w)
{
	struct cpu *to = cpu_of(__atomic_load_n(&w->cpu, __ATOMIC_ACQUIRE));
	bool first = inbox_put(&to->inbox, &w->letter);

	if (unlikely(!is_forwarded(to)))
		abandon(cpu, to);
	else if (first)
		kick(cpu, to);
}

static void ask(struct cpu *cpu, struct cpu *other)
{
	if (!__atomic_exchange_n(&other->asked, true, __ATOMIC_SEQ_CST))
		kick(cpu, other);
}

/* By the world's CPU. */
static bool take_ask(struct world *w, u32 what)
{
	return __atomic_fetch_and(&w->asks, ~what, __ATOMIC_SEQ_CST) & what;
}

static void run(struct cpu *cpu, struct world *w, u64 now)
{
	sched_charge(cpu, now);
	w->ready_since = now;
	if (policy_wake(&w->sched, sched_ns(now)))
		sched_preempt(cpu, now);
}

/* @w is let go of: from the last line on it is the other CPU's. */
static void hand_over(struct cpu *cpu, struct world *w, struct cpu *to)
{
	if (w->sched.state == SCHED_RUNNABLE)
		w->waited += hw_rdtsc() - w->ready_since;
	sched_others_changed(cpu);
	world_give(w, WORLD_MOVING);
	__atomic_store_n(&w->cpu, to->id, __ATOMIC_RELEASE);
	__atomic_store_n(&w->moving, true, __ATOMIC_RELEASE);
	if (letter_post(&w->letter))
		deliver(cpu, w);
}

static void arrive(struct cpu *cpu, struct world *w)
{
	u64 now = hw_rdtsc();

	world_give(w, cpu->id + 1);
	w->moves++;
	sched_charge(cpu, now);
	if (policy_attach(&w->sched, &cpu->rq, sched_ns(now)))
		sched_preempt(cpu, now);
	w->ready_since = now;
	if (w->sched.state == SCHED_BLOCKED)
		run(cpu, w, now);
	sched_others_changed(cpu);
}

static struct cpu *place(struct cpu *cpu, struct world *w)
{
	struct runq *rqs[LOOKS];
	struct runq *to;

	if (!w->sched.fair.marks || !w->sched.affinity || policy_idle(&cpu->rq))
		return cpu;
	to = policy_place(&w->sched, rqs, peers(cpu, w->sched.affinity, rqs));
	return to ? cpu_of(to->cpu) : cpu;
}

/**
 * share_wake() - a world of this CPU can run: here, or where there is less to do
 * @cpu: this CPU, forwarded
 * @world: here, waiting
 */
void share_wake(struct cpu *cpu, struct world *world)
{
	struct cpu *to = cpu;

	alarm_cancel(cpu, world);
	/* Its registers may still be in the processor: K did not need it. */
	if (world != cpu->current)
		to = place(cpu, world);
	if (to != cpu && policy_detach(&world->sched, &to->rq) == POLICY_OK)
		hand_over(cpu, world, to);
	else
		run(cpu, world, hw_rdtsc());
}

/**
 * sched_wait() - a world of this CPU has nothing to do
 * @cpu: this CPU, forwarded, the world running
 * @world: the world
 * @ns: for how long; 0 for until somebody wakes it
 *
 * Who wanted to wake it since it waited last has done so now.
 */
void sched_wait(struct cpu *cpu, struct world *world, u64 ns)
{
	u64 now = hw_rdtsc();

	if (take_ask(world, WORLD_ASK_WAKE))
		return;
	sched_charge(cpu, now);
	if (ns)
		alarm_set(cpu, world, now + sched_ticks(ns));
	policy_block(&world->sched, sched_ns(now));
	cpu->resched = true;
}

/* Whoever has it next finds all of it in memory. */
static void stop(struct cpu *cpu, struct world *w)
{
	sched_remove(cpu, w);
	if (cpu->current == w)
		world_switch(cpu, &cpu->system);
	world_give(w, WORLD_NOBODYS);
}

/* False when it is another CPU's to look at. */
static bool look(struct cpu *cpu, struct world *w)
{
	if (__atomic_load_n(&w->cpu, __ATOMIC_ACQUIRE) != cpu->id)
		return false;
	if (__atomic_exchange_n(&w->moving, false, __ATOMIC_ACQ_REL))
		arrive(cpu, w);
	if (!world_is_mine(cpu, w))
		return true;	/* on its way, or nobody's, which remembers */
	if (take_ask(w, WORLD_ASK_STOP))
		stop(cpu, w);
	else if (w->sched.state == SCHED_BLOCKED && take_ask(w, WORLD_ASK_WAKE))
		share_wake(cpu, w);
	return true;
}

/**
 * sched_ask() - ask the CPU of a world, any, to do something with it
 * @cpu: this CPU, forwarded or not
 * @world: does not go meanwhile
 * @what: WORLD_ASK_*
 */
void sched_ask(struct cpu *cpu, struct world *world, u32 what)
{
	__atomic_or_fetch(&world->asks, what, __ATOMIC_SEQ_CST);
	if (world_is_mine(cpu, world))
		look(cpu, world);
	else if (letter_post(&world->letter))
		deliver(cpu, world);
}

static void read_letter(struct cpu *cpu, struct world *w)
{
	do {
		letter_open(&w->letter);
		if (!look(cpu, w)) {
			letter_keep(&w->letter);
			deliver(cpu, w);
			return;
		}
	} while (!letter_close(&w->letter));
}

/**
 * sched_rung() - K's vector has come: the timer, or another CPU has something
 * @cpu: this CPU
 */
void sched_rung(struct cpu *cpu)
{
	struct letter *l, *next;

	/* On the way to direct the inbox is whoever's that puts something there. */
	if (!is_forwarded(cpu))
		return;
	for (l = inbox_take(&cpu->inbox); l; l = next) {
		next = l->next;
		read_letter(cpu, world_of_letter(l));
	}
	if (!__atomic_load_n(&cpu->asked, __ATOMIC_RELAXED))
		return;
	__atomic_store_n(&cpu->asked, false, __ATOMIC_SEQ_CST);
	sched_others_changed(cpu);
	share_out(cpu);
}

/**
 * sched_kicked() - Linux has asked the hypervisor below to end a CPU's HLT
 * @cpu: this CPU, any
 * @apic_id: of the CPU that waits, or does so soon
 *
 * That one sees only the HLTs of K's own.
 */
void sched_kicked(struct cpu *cpu, u64 apic_id)
{
	u32 words = (k_params.nr_cpus + 63) / 64;
	u32 word;
	u64 bits;

	for (word = 0; word < words; word++) {
		bits = __atomic_load_n(&forwarded[word], __ATOMIC_RELAXED);
		for (; bits; bits &= bits - 1) {
			struct cpu *c = cpu_of(word * 64 + __builtin_ctzll(bits));

			if (c->handoff->apic_id != apic_id)
				continue;
			__atomic_store_n(&c->kicked, true, __ATOMIC_SEQ_CST);
			if (c != cpu)
				kick(cpu, c);
			return;
		}
	}
}

/**
 * share_forwarded() - worlds may come here, or not any more
 * @cpu: this CPU
 * @on: whether
 */
void share_forwarded(struct cpu *cpu, bool on)
{
	u64 bit = 1ull << cpu->id % 64;

	if (on) {
		cpu->asked = false;
		__atomic_or_fetch(&forwarded[cpu->id / 64], bit, __ATOMIC_SEQ_CST);
	} else {
		__atomic_and_fetch(&forwarded[cpu->id / 64], ~bit, __ATOMIC_SEQ_CST);
		abandon(cpu, cpu);
	}
}

/**
 * share_welcome() - a world begins or ends to be scheduled
 * @cpu: this CPU
 * @world: the world
 * @on: it begins
 *
 * If it may run on several CPUs, these must be seen when they have nothing to do.
 */
void share_welcome(struct cpu *cpu, const struct world *world, bool on)
{
	const u64 *among = world->sched.affinity;
	u32 i, n = 0;

	for (i = 0; among && i < world->sched.affinity_cpus; i += 64)
		n += !!among[i / 64] + !!(among[i / 64] & (among[i / 64] - 1));
	for (i = 0; n > 1 && i < world->sched.affinity_cpus; i++) {
		struct cpu *c;

		if (!(among[i / 64] >> i % 64 & 1))
			continue;
		c = cpu_of(i);
		__atomic_add_fetch(&c->visitors, on ? 1 : -1, __ATOMIC_SEQ_CST);
		if (c != cpu && is_forwarded(c))
			ask(cpu, c);
	}
}

/**
 * share_out() - give what waits here to CPUs that have nothing to do
 * @cpu: this CPU, forwarded
 */
void share_out(struct cpu *cpu)
{
	struct runq *rqs[LOOKS];
	struct sched_entity *e;
	u32 i, n;

	/* What K is about to leave has its registers in the processor. */
	if (!cpu->visitors || !policy_has_work(&cpu->rq) ||
	    cpu->rq.curr != &cpu->current->sched)
		return;
	n = peers(cpu, NULL, rqs);
	for (i = 0; i < n && policy_has_work(&cpu->rq); i++) {
		e = policy_idle(rqs[i]) ? policy_offer(&cpu->rq, rqs[i]) : NULL;
		if (e)
			hand_over(cpu, world_of(e), cpu_of(rqs[i]->cpu));
	}
}

/**
 * share_idle() - this CPU is about to wait: does another one have too much to do?
 * @cpu: this CPU, forwarded
 */
void share_idle(struct cpu *cpu)
{
	struct runq *rqs[LOOKS];
	struct runq *from;

	if (!cpu->visitors)
		return;
	from = policy_busiest(&cpu->rq, rqs, peers(cpu, NULL, rqs));
	if (from)
		ask(cpu, cpu_of(from->cpu));
}
