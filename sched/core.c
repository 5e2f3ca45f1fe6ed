// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduler of one CPU. It tells the policy what happens (a wake-up, a slice that is
 * over, an interrupt), sets the timer to the end of the slice that the policy has granted,
 * and tells the run loop which world to run next. See <regent/sched.h>.
 *
 * WORK_RESCHED in cpu->work means that the policy has to pick a world before the next entry.
 */
#include <hw/asm.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/k.h>
#include <regent/sched.h>
#include "internal.h"

#define SYSTEM_SHARES	1024

/*
 * A CPU that waits for a spinlock of Linux's spins on while K runs another world on the CPU
 * that holds it, and K cannot see whether Linux holds one. In user space it holds none. At
 * CPL 0, Linux gets up to GRACE_NS more to leave the kernel, and K looks every GRACE_STEP_NS.
 */
#define GRACE_NS	(100 * POLICY_US)
#define GRACE_STEP_NS	(20 * POLICY_US)

static struct policy_machine machine;

/**
 * sched_ns() - convert TSC ticks to ns, the unit of the policy
 * @ticks: a TSC value, or a difference of two
 */
u64 sched_ns(u64 ticks)
{
	return (unsigned __int128)ticks * k_params.ns_per_tick >> 32;
}

/**
 * sched_ticks() - convert ns to TSC ticks
 * @ns: a time of the policy's
 */
u64 sched_ticks(u64 ns)
{
	return (unsigned __int128)ns * k_params.ticks_per_ns >> 32;
}

/**
 * sched_decide() - have the run loop call sched_next() before the next entry
 * @cpu: this CPU
 */
void sched_decide(struct cpu *cpu)
{
	cpu->work.own |= WORK_RESCHED;
}

/**
 * sched_cpu_init() - set up the scheduler of a CPU on which Linux is alone
 * @cpu: this CPU, which has just been taken over
 *
 * All of Linux waits for the takeover, so that this does little: of a direct CPU's run queue
 * only what REGENT_HC_WORLD_INFO tells is used. sched_forwarded() does the rest.
 */
void sched_cpu_init(struct cpu *cpu)
{
	/*
	 * At the takeover all CPUs come here at the same time and write the same values. A
	 * CPU that is taken over later finds the limit set.
	 */
	if (!machine.min_limit)
		policy_init_machine(&machine, k_params.nr_cpus);
	cpu->work.own &= ~WORK_RESCHED;
	cpu->scheduled = false;
	cpu->worlds = NULL;
	cpu->charged = hw_rdtsc();
	cpu->idle.ran = 0;
	cpu->rq.entities = 0;
	cpu->rq.curr = &cpu->host.sched;
	cpu->host.sched.ran = 0;
	cpu->host.sched.shares = SYSTEM_SHARES;
	cpu->host.sched.max = POLICY_FULL;
	cpu->host.sched.state = SCHED_RUNNING;
}

/* Make a new run queue, with the host world on it, running. */
static void begin_run_queue(struct cpu *cpu)
{
	u64 now = hw_rdtsc();
	u64 ran = sched_ran(cpu, &cpu->host.sched);
	u64 slice;

	cpu->scheduled = true;
	cpu->slice_end = VAPIC_NEVER;
	cpu->alarm_at = VAPIC_NEVER;
	cpu->alarms = (struct tree){ 0 };
	cpu->work.own &= ~(WORK_RESCHED | WORK_STOPPED);
	cpu->charged = now;
	cpu->idle = (struct sched_entity){ .kind = SCHED_IDLE };
	policy_init_cpu(&cpu->rq, &machine, cpu->id, &cpu->idle, sched_ns(now));
	cpu->host.sched = (struct sched_entity){
		.kind = SCHED_SYSTEM, .shares = SYSTEM_SHARES, .max = POLICY_FULL,
		.ran = ran,
	};
	policy_add(&cpu->rq, &cpu->host.sched, sched_ns(now));
	policy_wake(&cpu->host.sched, sched_ns(now));
	policy_pick(&cpu->rq, sched_ns(now), &slice);
}

/**
 * sched_list_add() - put a world into the list of the worlds on a CPU's run queue
 * @cpu: this CPU
 * @world: a world other than Linux, in no such list
 */
void sched_list_add(struct cpu *cpu, struct world *world)
{
	world->next = cpu->worlds;
	world->link = &cpu->worlds;
	if (world->next)
		world->next->link = &world->next;
	cpu->worlds = world;
}

/**
 * sched_list_remove() - undo sched_list_add()
 * @world: a world in the list of this CPU
 */
void sched_list_remove(struct world *world)
{
	*world->link = world->next;
	if (world->next)
		world->next->link = world->link;
	world->link = NULL;
}

/*
 * Take a world off a run queue that may be damaged and is not used again: its state is reset
 * without a look at the queue.
 */
static void forget_world(struct world *world)
{
	policy_give(&machine, world->sched.min);
	__atomic_store_n(&world->scheduled, false, __ATOMIC_RELEASE);
	world->sched = (struct sched_entity){
		.ran = world->sched.ran, .affinity = world->sched.affinity,
		.affinity_cpus = world->sched.affinity_cpus,
	};
	world->alarm = (struct tree_node){ 0 };
}

/* Intercept HLT, MWAIT and PAUSE only while another world shares this CPU or may move to it. */
static void intercept_idle(struct cpu *cpu, bool forwarded)
{
	backend_intercept_idle(&cpu->host, forwarded &&
			       (cpu->rq.entities > 1 || cpu->visitors));
}

/**
 * sched_others_changed() - intercept Linux's HLT, or not, as the worlds of a CPU need it
 * @cpu: this CPU; the worlds on its run queue, or those that may come, have changed
 */
void sched_others_changed(struct cpu *cpu)
{
	intercept_idle(cpu, cpu->forwarded);
}

/**
 * sched_abandon() - after a fault of K's, run nothing but Linux on this CPU
 * @cpu: this CPU, Linux its current world
 *
 * The fault may have come in the middle of a change of the run queue, so that a new one
 * takes its place.
 */
void sched_abandon(struct cpu *cpu)
{
	while (cpu->worlds) {
		struct world *world = cpu->worlds;

		sched_list_remove(world);
		forget_world(world);
	}
	cpu->awaited = NULL;
	begin_run_queue(cpu);
	sched_others_changed(cpu);
}

/*
 * Stop all worlds on this CPU's run queue, and make every world of this CPU nobody's: also one
 * that has died, or that Linux ran in a hypercall last, so that another CPU may claim it. Linux
 * is running.
 */
static void stop_worlds(struct cpu *cpu)
{
	struct world *w;

	while ((w = cpu->worlds)) {
		sched_remove(cpu, w);
		table_let_go(cpu, w);
	}
	table_give_all(cpu);
}

/**
 * sched_forwarded() - start or end the scheduling of worlds on a CPU
 * @cpu: this CPU, Linux running
 * @on: true when the CPU has become forwarded; false when it is about to become direct, so
 *	that all worlds other than Linux on its run queue stop
 */
void sched_forwarded(struct cpu *cpu, bool on)
{
	if (on && !cpu->scheduled)
		begin_run_queue(cpu);
	balance_forwarded(cpu, on);
	if (!on)
		stop_worlds(cpu);
	cpu->slice_end = VAPIC_NEVER;
	/* No timer ends the policy's last decision any more: have it decide anew. */
	cpu->work.own &= ~WORK_RESCHED;
	if (on)
		sched_decide(cpu);
	/* Not sched_others_changed(): cpu->forwarded is still set while @on is false. */
	intercept_idle(cpu, on);
}

/**
 * sched_charge() - charge the world that runs for its time up to now
 * @cpu: this CPU
 * @now: the TSC
 */
void sched_charge(struct cpu *cpu, u64 now)
{
	u64 ran = now - cpu->charged;

	cpu->charged = now;
	if (cpu->rq.curr)
		policy_charge(cpu->rq.curr, sched_ns(ran), sched_ns(now));
}

/*
 * The slice of the world that runs is over. Linux at CPL 0 gets GRACE_STEP_NS more, until it
 * has had GRACE_NS; else a decision is due.
 */
static void slice_over(struct cpu *cpu, u64 now)
{
	if (cpu->rq.curr == &cpu->host.sched && backend_cpl(&cpu->host) == 0 &&
	    now - cpu->slice_due < sched_ticks(GRACE_NS)) {
		cpu->slice_end = now + sched_ticks(GRACE_STEP_NS);
		backend_slice(&cpu->host, cpu->slice_end);
		return;
	}
	cpu->slice_end = VAPIC_NEVER;
	sched_decide(cpu);
}

/**
 * sched_borrowed() - count the time of a world that has run inside of a hypercall
 * @world: a world of this CPU's, on no run queue
 * @ticks: TSC ticks, which the host world is charged for
 */
void sched_borrowed(struct world *world, u64 ticks)
{
	world->sched.ran += sched_ns(ticks);
}

/**
 * sched_preempt() - end the slice of the world that runs now
 * @cpu: this CPU, forwarded
 * @now: the TSC
 *
 * Linux at CPL 0 is not preempted at once: it gets the time to leave its kernel.
 */
void sched_preempt(struct cpu *cpu, u64 now)
{
	if (cpu->rq.curr != &cpu->host.sched) {
		sched_decide(cpu);
		return;
	}
	cpu->slice_end = now;
	cpu->slice_due = now;
	slice_over(cpu, now);
	timer_update(cpu);
}

static int add_anew(struct cpu *cpu, struct sched_entity *e, u64 now)
{
	*e = (struct sched_entity){
		.kind = e->kind, .shares = e->shares, .min = e->min, .max = e->max,
		.ran = e->ran, .affinity = e->affinity,
		.affinity_cpus = e->affinity_cpus,
	};
	return policy_add(&cpu->rq, e, sched_ns(now));
}

/**
 * sched_add() - put a world on this CPU's run queue
 * @cpu: this CPU, forwarded
 * @world: a world of this CPU's
 * @weights: shares, min and max as REGENT_HC_WORLD_START has them
 *
 * Return: 0; -REGENT_HC_EBUSY when the world is on a run queue; -REGENT_HC_EINVAL when
 * @weights are out of range or the world may not run here; -REGENT_HC_ENOSPC when min is more
 * than the CPU or the machine has left to guarantee, or the run queue is full.
 *
 * A vCPU comes and goes with each of its exits to Linux: it keeps what it is owed, and owes.
 */
int sched_add(struct cpu *cpu, struct world *world, u64 weights)
{
	struct sched_entity *e = &world->sched;
	u64 now = hw_rdtsc();
	int err;

	if (e->rq)
		return -REGENT_HC_EBUSY;
	e->kind = SCHED_VM;
	e->shares = (u32)weights;
	e->min = weights >> 32 & 0xffff;
	e->max = weights >> 48;
	err = world->kind == WORLD_VM ? policy_rejoin(&cpu->rq, e, sched_ns(now)) :
					add_anew(cpu, e, now);
	if (err)
		return err == POLICY_NOROOM ? -REGENT_HC_ENOSPC : -REGENT_HC_EINVAL;
	/* Who posts something to a vCPU looks at this afterwards, see src/vm/apic.c. */
	__atomic_store_n(&world->scheduled, true, __ATOMIC_SEQ_CST);
	sched_list_add(cpu, world);
	sched_charge(cpu, now);
	world->ready_since = now;
	if (policy_wake(e, sched_ns(now)))
		sched_preempt(cpu, now);
	balance_visitors(cpu, world, true);
	sched_others_changed(cpu);
	return 0;
}

/**
 * sched_remove() - take a world off this CPU's run queue
 * @cpu: this CPU
 * @world: a world of this CPU's, running or not; nothing happens if it is on no run queue
 *
 * A decision is due afterwards if the world was running.
 */
void sched_remove(struct cpu *cpu, struct world *world)
{
	u64 now = hw_rdtsc();

	if (!world->sched.rq)
		return;
	sched_charge(cpu, now);
	alarm_cancel(cpu, world);
	sched_list_remove(world);
	policy_remove(&world->sched, sched_ns(now));
	__atomic_store_n(&world->scheduled, false, __ATOMIC_RELEASE);
	balance_visitors(cpu, world, false);
	if (!cpu->rq.curr)
		sched_decide(cpu);
	if (cpu->awaited == world) {
		sched_await_over(cpu);
		cpu->awaited = &cpu->host;	/* the world may be freed before Linux runs */
	}
	sched_others_changed(cpu);
}

/*
 * Is an NMI, a machine check or an interrupt pending for Linux? While Linux waits (@waits), an
 * interrupt counts only if Linux can take it, and a kick by the hypervisor's call counts, too.
 */
static bool host_wanted(const struct cpu *cpu, bool waits)
{
	if ((cpu->work.own & WORK_NMI) || cpu->nmi_late ||
	    (__atomic_load_n(&cpu->work.others, __ATOMIC_RELAXED) & WORK_MC))
		return true;
	if (waits && __atomic_load_n(&cpu->kicked, __ATOMIC_RELAXED))
		return true;
	if (vapic_pending(&cpu->vapic) == VAPIC_NONE)
		return false;
	return !waits || backend_interruptible(&cpu->host);
}

/**
 * sched_arrived() - wake and boost the host world if something is pending for it
 * @cpu: this CPU, forwarded, on which an interrupt, NMI or machine check may have arrived
 */
void sched_arrived(struct cpu *cpu)
{
	struct sched_entity *host = &cpu->host.sched;
	u64 now;

	/* In a hypercall Linux has interrupts off, but L has them on as soon as that returns. */
	if (host->state == SCHED_RUNNING ||
	    !host_wanted(cpu, host->state == SCHED_BLOCKED && !cpu->awaited))
		return;
	now = hw_rdtsc();
	sched_charge(cpu, now);
	if (host->state == SCHED_BLOCKED) {
		cpu->host.ready_since = now;
		__atomic_store_n(&cpu->kicked, false, __ATOMIC_RELAXED);
	}
	if (policy_boost(host, sched_ns(now)))
		sched_decide(cpu);
}

/**
 * sched_await() - block the host world, which waits in a hypercall until a vCPU's run is over
 * @cpu: this CPU, forwarded, Linux in that hypercall with interrupts off
 * @world: the vCPU, on this CPU's run queue
 *
 * Whatever arrives for Linux ends the wait, whether Linux has interrupts on or not, and so does
 * a wait of the vCPU itself. The run loop ends the hypercall when the host world runs again.
 *
 * Return: false when something is pending for Linux already: then it is not blocked.
 */
bool sched_await(struct cpu *cpu, struct world *world)
{
	u64 now = hw_rdtsc();

	if (host_wanted(cpu, false))
		return false;
	cpu->awaited = world;
	sched_charge(cpu, now);
	policy_block(&cpu->host.sched, sched_ns(now));
	sched_decide(cpu);
	return true;
}

/**
 * sched_await_over() - the host world, which may wait in sched_await(), goes on
 * @cpu: this CPU
 */
void sched_await_over(struct cpu *cpu)
{
	struct sched_entity *host = &cpu->host.sched;
	u64 now = hw_rdtsc();

	if (host->state != SCHED_BLOCKED)
		return;
	sched_charge(cpu, now);
	cpu->host.ready_since = now;
	if (policy_boost(host, sched_ns(now)))
		sched_decide(cpu);
}

/**
 * sched_halt() - block the host world, which has nothing to do
 * @cpu: this CPU, forwarded, Linux's RIP behind its HLT or MWAIT
 *
 * The host world runs on if something is pending for it already.
 */
void sched_halt(struct cpu *cpu)
{
	u64 now = hw_rdtsc();

	if (__atomic_exchange_n(&cpu->kicked, false, __ATOMIC_SEQ_CST) ||
	    host_wanted(cpu, true))
		return;
	sched_charge(cpu, now);
	policy_block(&cpu->host.sched, sched_ns(now));
	sched_decide(cpu);
}

/**
 * sched_pause() - let another world run before Linux, which spins
 * @cpu: this CPU, forwarded, Linux's RIP behind a PAUSE
 */
void sched_pause(struct cpu *cpu)
{
	u64 now = hw_rdtsc();

	if (cpu->rq.nr + cpu->rq.parked < 2)
		return;
	sched_charge(cpu, now);
	policy_yield(&cpu->host.sched, sched_ns(now));
	sched_decide(cpu);
}

/**
 * sched_vector() - serve K's own vector, at which its timer and kicks arrive
 * @cpu: this CPU, with WORK_VECTOR, which is cleared
 *
 * The vector does not tell the one from the other: this looks at the TSC for what the timer
 * has made due, and into the mailbox.
 */
void sched_vector(struct cpu *cpu)
{
	u64 now = hw_rdtsc();

	cpu->work.own &= ~WORK_VECTOR;
	/* The vector may have come just before the CPU became direct. */
	if (!cpu->forwarded)
		return;
	timer_fired(cpu, now);
	if (unlikely(now >= cpu->alarm_at))
		alarm_ring(cpu, now);
	if (now >= cpu->slice_end)
		slice_over(cpu, now);
	/* A decision sets the timer itself. */
	if (!(cpu->work.own & WORK_RESCHED))
		timer_update(cpu);
	balance_read_mailbox(cpu);
}

/**
 * sched_slice() - serve the exit of the timer that counts while a world runs
 * @cpu: this CPU, forwarded
 * @world: the current world
 *
 * A slice can be longer than that timer can count: then it is started once more.
 */
void sched_slice(struct cpu *cpu, struct world *world)
{
	u64 now = hw_rdtsc();

	if (now >= cpu->slice_end)
		slice_over(cpu, now);
	else
		backend_slice(world, cpu->slice_end);
}

/*
 * Have the policy pick who runs next, and set the timer to the end of that slice. Waiting time
 * is counted here: of the one that is preempted from now on, of the one picked up to now.
 */
static struct sched_entity *pick_next(struct cpu *cpu)
{
	struct sched_entity *last = cpu->rq.curr;
	u64 now = hw_rdtsc();
	struct sched_entity *e;
	u64 slice;

	sched_charge(cpu, now);
	e = policy_pick(&cpu->rq, sched_ns(now), &slice);
	cpu->work.own &= ~WORK_RESCHED;
	cpu->slice_end = slice == POLICY_FOREVER ? VAPIC_NEVER : now + sched_ticks(slice);
	cpu->slice_due = cpu->slice_end;
	timer_update(cpu);
	if (last && last != e && last->state == SCHED_RUNNABLE && last != &cpu->idle)
		world_of(last)->ready_since = now;
	if (last != e && e != &cpu->idle)
		world_of(e)->waited += now - world_of(e)->ready_since;
	return e;
}

/*
 * What is pending for Linux boosts the host world only while that does not run: if another
 * world was picked, look at it now, and pick once more if the boost wants that.
 */
static struct sched_entity *decide_next(struct cpu *cpu)
{
	struct sched_entity *e = pick_next(cpu);

	if (e != &cpu->host.sched)
		sched_arrived(cpu);
	return cpu->work.own & WORK_RESCHED ? pick_next(cpu) : e;
}

/**
 * sched_next() - decide which world runs next
 * @cpu: this CPU, forwarded, with WORK_RESCHED, the exit of its current world handled
 *
 * Return: the world to switch to, which may be the current one; NULL when no world can run.
 */
struct world *sched_next(struct cpu *cpu)
{
	struct sched_entity *e = decide_next(cpu);

	return e == &cpu->idle ? NULL : world_of(e);
}

/**
 * sched_ran() - how long a world has run
 * @cpu: the CPU of the world, any
 * @e: scheduling state of the world, or of that CPU's idle entity
 *
 * Return: the time in ns; of a world of another CPU it is a snapshot, which may be old.
 */
u64 sched_ran(const struct cpu *cpu, const struct sched_entity *e)
{
	u64 ran = e->ran;

	if (cpu->rq.curr == e)
		ran += sched_ns(hw_rdtsc() - cpu->charged);
	return ran;
}

/**
 * sched_waited() - how long a world was runnable while another one ran
 * @world: any world
 *
 * Return: the time in ns.
 */
u64 sched_waited(const struct world *world)
{
	u64 waited = world->waited;

	if (world->sched.state == SCHED_RUNNABLE)
		waited += hw_rdtsc() - world->ready_since;
	return sched_ns(waited);
}
