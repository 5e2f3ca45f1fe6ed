// SPDX-License-Identifier: GPL-2.0-only
/*
 * The balance between CPUs. A world belongs to one CPU, and a CPU touches only its own
 * worlds and its own run queue: there is no lock, and no CPU waits for another one. A CPU
 * has two ways to make another CPU do something:
 *
 *	the mailbox	It puts the request of a world into the mailbox of the world's CPU
 *			and kicks that CPU, which looks at the world: @asks says whether
 *			to wake or stop it, @moving whether to take it in.
 *	WORK_BALANCE	It sets this bit of the other CPU's work and kicks that CPU, which
 *			then looks for a CPU with nothing to do: there is one, or a world
 *			that may visit has begun or ended to be scheduled.
 *
 * A world moves while it waits for its turn and its registers lie in memory: to a CPU that
 * has nothing to do, or, when the world wakes up, to a CPU with less load. Its old CPU lets
 * go of it; from then on it belongs to the new one. A CPU that becomes direct empties its
 * mailbox. A CPU that puts a request into the mailbox of a direct CPU finds that out
 * afterwards, and empties that mailbox itself.
 */
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/k.h>
#include <regent/sched.h>
#include "internal.h"

#define LOOKS	32	/* run queues that one search looks at, from this CPU on */

/* A bit for each forwarded CPU, which only that CPU changes. */
static u64 forwarded[REGENT_MAX_CPUS / 64];

static bool is_forwarded(const struct cpu *cpu)
{
	return __atomic_load_n(&forwarded[cpu->id / 64], __ATOMIC_SEQ_CST) >>
	       cpu->id % 64 & 1;
}

/*
 * Collect the run queues of forwarded CPUs other than this one, only of those in @among
 * unless it is NULL. Return: how many there are in @rqs.
 */
static u32 collect_peers(const struct cpu *cpu, const u64 *among, struct runq *rqs[LOOKS])
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

/*
 * The world was on its way to a CPU that is direct now. Make it nobody's and tell L, which
 * starts it again on a CPU that it picks.
 */
static void strand_world(struct cpu *of, struct world *w)
{
	policy_drop(&w->sched, &of->rq);
	__atomic_store_n(&w->scheduled, false, __ATOMIC_RELEASE);
	balance_visitors(this_cpu(), w, false);
	if (w->kind != WORLD_VM)
		event_post(REGENT_EV_WORLD_STOPPED, w->id, 0);
	table_let_go(this_cpu(), w);
	tell_linux(this_cpu());
}

static void deliver_request(struct cpu *cpu, struct world *w);

/* Empty the mailbox of a direct CPU, which runs no world and takes none in. */
static void empty_mailbox(struct cpu *cpu, struct cpu *of)
{
	struct request *l = mailbox_take(&of->mailbox), *next;

	for (; l; l = next) {
		struct world *w = world_of_request(l);

		next = l->next;
		do {
			request_open(l);
			/*
			 * The world has gone elsewhere, or the CPU is forwarded again: that
			 * CPU is to look at the request itself.
			 */
			if (__atomic_load_n(&w->cpu, __ATOMIC_ACQUIRE) != of->id ||
			    is_forwarded(of)) {
				request_keep(l);
				deliver_request(cpu, w);
				break;
			}
			if (__atomic_exchange_n(&w->moving, false, __ATOMIC_ACQ_REL))
				strand_world(of, w);
		} while (!request_close(l));
	}
}

static void deliver_request(struct cpu *cpu, struct world *w)
{
	struct cpu *to = cpu_of(__atomic_load_n(&w->cpu, __ATOMIC_ACQUIRE));
	bool first = mailbox_put(&to->mailbox, &w->request);

	if (unlikely(!is_forwarded(to)))
		empty_mailbox(cpu, to);
	else if (first)
		kick(cpu, to);
}

static void ask_to_balance(struct cpu *cpu, struct cpu *other)
{
	if (!(__atomic_fetch_or(&other->work.others, WORK_BALANCE, __ATOMIC_SEQ_CST) &
	      WORK_BALANCE))
		kick(cpu, other);
}

/* Clear the bits @what of what the world is asked to do, and say which of them were set. */
static bool take_ask(struct world *w, u32 what)
{
	return __atomic_fetch_and(&w->asks, ~what, __ATOMIC_SEQ_CST) & what;
}

static void wake_here(struct cpu *cpu, struct world *w, u64 now)
{
	sched_charge(cpu, now);
	w->ready_since = now;
	if (policy_wake(&w->sched, sched_ns(now)))
		sched_preempt(cpu, now);
}

/*
 * Give a world that policy_detach() has taken off this run queue to CPU @to. From the store
 * to @moving on the other CPU may have it.
 */
static void hand_over_world(struct cpu *cpu, struct world *w, struct cpu *to)
{
	if (w->sched.state == SCHED_RUNNABLE)
		w->waited += hw_rdtsc() - w->ready_since;
	alarm_cancel(cpu, w);
	sched_list_remove(w);
	sched_others_changed(cpu);
	table_give(w, WORLD_MOVING);
	__atomic_store_n(&w->cpu, to->id, __ATOMIC_RELEASE);
	__atomic_store_n(&w->moving, true, __ATOMIC_RELEASE);
	if (request_post(&w->request))
		deliver_request(cpu, w);
}

static void take_in_world(struct cpu *cpu, struct world *w)
{
	u64 now = hw_rdtsc();

	table_give(w, cpu->id + 1);
	w->moves++;
	sched_list_add(cpu, w);
	sched_charge(cpu, now);
	if (policy_attach(&w->sched, &cpu->rq, sched_ns(now)))
		sched_preempt(cpu, now);
	w->ready_since = now;
	if (w->sched.state == SCHED_BLOCKED)
		wake_here(cpu, w, now);
	sched_others_changed(cpu);
}

static struct cpu *choose_cpu(struct cpu *cpu, struct world *w)
{
	struct runq *rqs[LOOKS];
	struct runq *to;

	if (!w->sched.fair.marks || !w->sched.affinity || policy_idle(&cpu->rq))
		return cpu;
	to = policy_place(&w->sched, rqs, collect_peers(cpu, w->sched.affinity, rqs));
	return to ? cpu_of(to->cpu) : cpu;
}

/**
 * balance_wake() - wake a world of this CPU, here or on a CPU with less load
 * @cpu: this CPU, forwarded
 * @world: a world of this CPU that is blocked; its alarm is cancelled
 */
void balance_wake(struct cpu *cpu, struct world *world)
{
	struct cpu *to = cpu;

	alarm_cancel(cpu, world);
	/* While K waits, the current world's registers are still in the processor: no move. */
	if (world != cpu->current)
		to = choose_cpu(cpu, world);
	if (to != cpu && policy_detach(&world->sched, &to->rq) == POLICY_OK)
		hand_over_world(cpu, world, to);
	else
		wake_here(cpu, world, hw_rdtsc());
}

static void block_world(struct cpu *cpu, struct world *world, u64 now)
{
	sched_charge(cpu, now);
	policy_block(&world->sched, sched_ns(now));
	sched_decide(cpu);
	/* Linux, too, has nothing to wait for in here for now. */
	if (cpu->awaited == world)
		sched_await_over(cpu);
}

/**
 * sched_wait() - block a world that has nothing to do
 * @cpu: this CPU, forwarded
 * @world: its current world, in an exit
 * @ns: how long the world waits at most, in ns; 0 to wait until it is woken
 *
 * A wake-up that was asked for since the last wait ends this wait at once.
 */
void sched_wait(struct cpu *cpu, struct world *world, u64 ns)
{
	u64 now = hw_rdtsc();

	if (take_ask(world, WORLD_ASK_WAKE))
		return;
	if (ns)
		alarm_set(cpu, world, now + sched_ticks(ns));
	block_world(cpu, world, now);
}

/**
 * sched_wait_until() - the same until a point in time, which the world may wait for as it runs
 * @cpu: this CPU, forwarded
 * @world: its current world, in an exit
 * @at: a TSC value, VAPIC_NEVER for none
 *
 * Return: false when a wake-up was asked for: the world has not been blocked.
 */
bool sched_wait_until(struct cpu *cpu, struct world *world, u64 at)
{
	if (take_ask(world, WORLD_ASK_WAKE))
		return false;
	sched_set_alarm(cpu, world, at);
	block_world(cpu, world, hw_rdtsc());
	return true;
}

/**
 * sched_set_alarm() - have a world that runs exit, or one that waits woken, at a point in time
 * @cpu: this CPU, forwarded
 * @world: a world of this CPU's, on its run queue
 * @at: a TSC value, VAPIC_NEVER for none
 */
void sched_set_alarm(struct cpu *cpu, struct world *world, u64 at)
{
	if (alarm_at(world) == at)
		return;
	alarm_cancel(cpu, world);
	if (at != VAPIC_NEVER)
		alarm_set(cpu, world, at);
	timer_update(cpu);
}

/*
 * Stop a world of this CPU and make it nobody's. The registers of the current world are still
 * in the processor: the run loop saves them first (WORK_STOPPED), so that the CPU that claims
 * the world next finds all of its state in memory.
 */
static void stop_world(struct cpu *cpu, struct world *w)
{
	sched_remove(cpu, w);
	if (cpu->current != w) {
		table_let_go(cpu, w);
		return;
	}
	cpu->stopped = w;
	cpu->work.own |= WORK_STOPPED | WORK_RESCHED;
}

/*
 * Do what world @w is asked for, if it is this CPU's. Return: false when the request is for
 * another CPU, to which the world has gone.
 */
static bool serve_world(struct cpu *cpu, struct world *w)
{
	if (__atomic_load_n(&w->cpu, __ATOMIC_ACQUIRE) != cpu->id)
		return false;
	if (__atomic_exchange_n(&w->moving, false, __ATOMIC_ACQ_REL))
		take_in_world(cpu, w);
	if (!table_is_mine(cpu, w))
		return true;	/* it moves, or is nobody's: the bits in @asks stay for later */
	if (take_ask(w, WORLD_ASK_STOP))
		stop_world(cpu, w);
	else if (w->sched.state == SCHED_BLOCKED && take_ask(w, WORLD_ASK_WAKE))
		balance_wake(cpu, w);
	return true;
}

/**
 * sched_ask() - have a world woken or stopped by the CPU to which it belongs
 * @cpu: this CPU, forwarded or not
 * @world: a world of any CPU, which is not freed meanwhile
 * @what: WORLD_ASK_*, 0 for nothing but a look at the world
 *
 * A world of this CPU is served before this returns, that of another CPU some time later.
 */
void sched_ask(struct cpu *cpu, struct world *world, u32 what)
{
	__atomic_or_fetch(&world->asks, what, __ATOMIC_SEQ_CST);
	if (table_is_mine(cpu, world))
		serve_world(cpu, world);
	else if (request_post(&world->request))
		deliver_request(cpu, world);
}

static void read_request(struct cpu *cpu, struct world *w)
{
	do {
		request_open(&w->request);
		if (!serve_world(cpu, w)) {
			request_keep(&w->request);
			deliver_request(cpu, w);
			return;
		}
	} while (!request_close(&w->request));
}

/**
 * balance_read_mailbox() - serve all requests that other CPUs have put here
 * @cpu: this CPU
 */
void balance_read_mailbox(struct cpu *cpu)
{
	struct request *r, *next;

	/* While this CPU becomes direct, the CPU that puts a request here empties the mailbox. */
	if (!is_forwarded(cpu))
		return;
	for (r = mailbox_take(&cpu->mailbox); r; r = next) {
		next = r->next;
		read_request(cpu, world_of_request(r));
	}
}

/**
 * sched_asked() - do what another CPU has set WORK_BALANCE for
 * @cpu: this CPU, which has taken that bit
 *
 * Linux's HLT may have to be intercepted from now on, or no more, and a CPU that has nothing
 * to do gets a world of this one.
 */
void sched_asked(struct cpu *cpu)
{
	if (!is_forwarded(cpu))
		return;
	sched_others_changed(cpu);
	balance_push(cpu);
}

/**
 * sched_kicked() - end a CPU's HLT as Linux has asked of the hypervisor below
 * @cpu: this CPU, forwarded or not
 * @apic_id: APIC id of the CPU that waits, or is about to
 *
 * On a forwarded CPU K has intercepted Linux's HLT, so that the hypervisor below, which has
 * had the call, knows of no HLT but K's own.
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
 * balance_forwarded() - let worlds of other CPUs come here, or not any more
 * @cpu: this CPU
 * @on: true when they may come; false makes worlds that are on their way here nobody's
 */
void balance_forwarded(struct cpu *cpu, bool on)
{
	u64 bit = 1ull << cpu->id % 64;

	if (on) {
		work_take(&cpu->work, WORK_BALANCE);
		__atomic_or_fetch(&forwarded[cpu->id / 64], bit, __ATOMIC_SEQ_CST);
	} else {
		__atomic_and_fetch(&forwarded[cpu->id / 64], ~bit, __ATOMIC_SEQ_CST);
		empty_mailbox(cpu, cpu);
	}
}

/**
 * balance_visitors() - count a world on all CPUs where it may run
 * @cpu: this CPU
 * @world: a world that begins or ends to be scheduled
 * @on: true when it begins
 *
 * Does nothing for a world that may run on one CPU only. Each of several CPUs has to intercept
 * Linux's HLT, so that K sees when that CPU has nothing to do and could take the world.
 */
void balance_visitors(struct cpu *cpu, const struct world *world, bool on)
{
	const u64 *among = world->sched.affinity;
	u32 i, n = 0;

	for (i = 0; among && i < world->sched.affinity_cpus; i += 64)
		n += !!among[i / 64] + !!(among[i / 64] & (among[i / 64] - 1));
	for (i = 0; n > 1 && i < world->sched.affinity_cpus; i++) {
		struct cpu *c;

		if (!cpus_has(among, i))
			continue;
		c = cpu_of(i);
		__atomic_add_fetch(&c->visitors, on ? 1 : -1, __ATOMIC_SEQ_CST);
		if (c != cpu && is_forwarded(c))
			ask_to_balance(cpu, c);
	}
}

/**
 * balance_push() - give worlds that wait here to CPUs that have nothing to do
 * @cpu: this CPU, forwarded
 */
void balance_push(struct cpu *cpu)
{
	struct runq *rqs[LOOKS];
	struct sched_entity *e;
	u32 i, n;

	/* A world that K is about to switch out still has its registers in the processor. */
	if (!cpu->visitors || !policy_has_work(&cpu->rq) ||
	    cpu->rq.curr != &cpu->current->sched)
		return;
	n = collect_peers(cpu, NULL, rqs);
	for (i = 0; i < n && policy_has_work(&cpu->rq); i++) {
		e = policy_idle(rqs[i]) ? policy_offer(&cpu->rq, rqs[i]) : NULL;
		if (e)
			hand_over_world(cpu, world_of(e), cpu_of(rqs[i]->cpu));
	}
}

/**
 * balance_pull() - ask the busiest CPU for a world
 * @cpu: this CPU, forwarded, about to wait because it has nothing to run
 *
 * That CPU gives one by balance_push(), or none.
 */
void balance_pull(struct cpu *cpu)
{
	struct runq *rqs[LOOKS];
	struct runq *from;

	if (!cpu->visitors)
		return;
	from = policy_busiest(&cpu->rq, rqs, collect_peers(cpu, NULL, rqs));
	if (from)
		ask_to_balance(cpu, cpu_of(from->cpu));
}
