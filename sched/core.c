// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduler of a CPU: it tells the policy what happens, sets the timer to
 * the end of what the policy has decided, and switches. See <regent/sched.h>.
 *
 * A decision is due when cpu->resched is set; the way out of K looks there, on
 * forwarded CPUs only. When nobody can run, K itself waits for an interrupt.
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
 * Who waits for a spinlock of Linux's stalls behind a CPU that is away with it,
 * and K cannot see one. In user space there is none held; at CPL 0 Linux gets
 * this long to come out, and is looked at this often.
 */
#define GRACE_NS	(100 * POLICY_US)
#define GRACE_STEP_NS	(20 * POLICY_US)

static struct policy_machine machine;

u64 sched_ns(u64 ticks)
{
	return (unsigned __int128)ticks * k_params.ns_per_tick >> 32;
}

u64 sched_ticks(u64 ns)
{
	return (unsigned __int128)ns * k_params.ticks_per_ns >> 32;
}

/**
 * sched_cpu_init() - Linux is alone on this CPU
 * @cpu: this CPU, which has just been taken over
 *
 * Linux waits for the takeover: as long as the CPU is direct, only who asks what
 * runs here looks at this. The rest comes with sched_forwarded().
 */
void sched_cpu_init(struct cpu *cpu)
{
	/* All CPUs come at once, and set the same; later ones find it set. */
	if (!machine.min_limit)
		policy_init_machine(&machine, k_params.nr_cpus);
	cpu->resched = false;
	cpu->scheduled = false;
	cpu->charged = hw_rdtsc();
	cpu->idle.ran = 0;
	cpu->rq.entities = 0;
	cpu->rq.curr = &cpu->system.sched;
	cpu->system.sched.ran = 0;
	cpu->system.sched.shares = SYSTEM_SHARES;
	cpu->system.sched.max = POLICY_FULL;
	cpu->system.sched.state = SCHED_RUNNING;
}

/* The run queue, with Linux running on it. */
static void begin(struct cpu *cpu)
{
	u64 now = hw_rdtsc();
	u64 ran = sched_ran(cpu, &cpu->system.sched);
	u64 slice;

	cpu->scheduled = true;
	cpu->slice_end = VAPIC_NEVER;
	cpu->alarm_at = VAPIC_NEVER;
	cpu->alarms = (struct tree){ 0 };
	cpu->resched = false;
	cpu->charged = now;
	cpu->idle = (struct sched_entity){ .kind = SCHED_IDLE };
	policy_init_cpu(&cpu->rq, &machine, cpu->id, &cpu->idle, sched_ns(now));
	cpu->system.sched = (struct sched_entity){
		.kind = SCHED_SYSTEM, .shares = SYSTEM_SHARES, .max = POLICY_FULL,
		.ran = ran,
	};
	policy_add(&cpu->rq, &cpu->system.sched, sched_ns(now));
	policy_wake(&cpu->system.sched, sched_ns(now));
	policy_pick(&cpu->rq, sched_ns(now), &slice);
}

/**
 * sched_forget() - a world is on no run queue any more, whatever that looks like
 * @world: of this CPU, whose run queue is not used again
 */
void sched_forget(struct world *world)
{
	if (world->sched.rq)
		policy_give(&machine, world->sched.min);
	world->sched = (struct sched_entity){
		.ran = world->sched.ran, .affinity = world->sched.affinity,
		.affinity_cpus = world->sched.affinity_cpus,
	};
	world->alarm = (struct tree_node){ 0 };
}

/* Only with others there, or to come, does Linux have to give the CPU away. */
static void give_away(struct cpu *cpu, bool forwarded)
{
	backend_intercept_idle(&cpu->system, forwarded &&
			       (cpu->rq.entities > 1 || cpu->visitors));
}

void sched_others_changed(struct cpu *cpu)
{
	give_away(cpu, cpu->forwarded);
}

/**
 * sched_abandon() - after a fault of K's: only Linux runs any more
 * @cpu: this CPU, Linux the current world
 *
 * Nothing of the run queue is believed.
 */
void sched_abandon(struct cpu *cpu)
{
	test_world_forget_all(cpu);
	begin(cpu);
	sched_others_changed(cpu);
}

/**
 * sched_forwarded() - the CPU has become forwarded, or direct
 * @cpu: this CPU, Linux running
 * @on: forwarded; else the other worlds of the CPU stop
 */
void sched_forwarded(struct cpu *cpu, bool on)
{
	if (on && !cpu->scheduled)
		begin(cpu);
	share_forwarded(cpu, on);
	if (!on)
		test_world_stop_all(cpu);
	cpu->slice_end = VAPIC_NEVER;
	/* Nothing ends the last decision any more: the policy is to know. */
	cpu->resched = on;
	/* On the way to direct cpu->forwarded still says so. */
	give_away(cpu, on);
}

void sched_charge(struct cpu *cpu, u64 now)
{
	u64 ran = now - cpu->charged;

	cpu->charged = now;
	if (cpu->rq.curr)
		policy_charge(cpu->rq.curr, sched_ns(ran), sched_ns(now));
}

static void slice_over(struct cpu *cpu, u64 now)
{
	if (cpu->rq.curr == &cpu->system.sched && backend_cpl(&cpu->system) == 0 &&
	    now - cpu->slice_due < sched_ticks(GRACE_NS)) {
		cpu->slice_end = now + sched_ticks(GRACE_STEP_NS);
		backend_slice(&cpu->system, cpu->slice_end);
		return;
	}
	cpu->slice_end = VAPIC_NEVER;
	cpu->resched = true;
}

/* Linux is not preempted in the kernel at once: it is to come out first. */
void sched_preempt(struct cpu *cpu, u64 now)
{
	if (cpu->rq.curr != &cpu->system.sched) {
		cpu->resched = true;
		return;
	}
	cpu->slice_end = now;
	cpu->slice_due = now;
	slice_over(cpu, now);
	timer_update(cpu);
}

/**
 * sched_add() - a world may run on this CPU from now on
 * @cpu: this CPU, forwarded
 * @world: its own, on no run queue
 * @weights: as REGENT_HC_WORLD_START has it
 *
 * Return: 0, or -REGENT_HC_EINVAL, or -REGENT_HC_ENOSPC when its guarantee is
 * more than the CPU or the machine has left.
 */
int sched_add(struct cpu *cpu, struct world *world, u64 weights)
{
	struct sched_entity *e = &world->sched;
	u64 now = hw_rdtsc();
	int err;

	if (e->rq)
		return -REGENT_HC_EBUSY;
	*e = (struct sched_entity){
		.kind = SCHED_VM, .shares = (u32)weights, .ran = e->ran,
		.affinity = e->affinity, .affinity_cpus = e->affinity_cpus,
		.min = weights >> 32 & 0xffff, .max = weights >> 48,
	};
	err = policy_add(&cpu->rq, e, sched_ns(now));
	if (err)
		return err == POLICY_NOROOM ? -REGENT_HC_ENOSPC : -REGENT_HC_EINVAL;
	sched_charge(cpu, now);
	world->ready_since = now;
	if (policy_wake(e, sched_ns(now)))
		sched_preempt(cpu, now);
	share_welcome(cpu, world, true);
	sched_others_changed(cpu);
	return 0;
}

/**
 * sched_remove() - a world may not run any more
 * @cpu: its CPU, this one
 * @world: running or not; on no run queue, nothing happens
 *
 * If it was running, sched_next() comes next.
 */
void sched_remove(struct cpu *cpu, struct world *world)
{
	u64 now = hw_rdtsc();

	if (!world->sched.rq)
		return;
	sched_charge(cpu, now);
	alarm_cancel(cpu, world);
	policy_remove(&world->sched, sched_ns(now));
	share_welcome(cpu, world, false);
	if (!cpu->rq.curr)
		cpu->resched = true;
	sched_others_changed(cpu);
}

/* Is there something for Linux? If it waits, it must be able to take it. */
static bool host_wanted(const struct cpu *cpu, bool waits)
{
	if (cpu->nmi_pending || cpu->nmi_late || cpu->mc_pending)
		return true;
	if (waits && __atomic_load_n(&cpu->kicked, __ATOMIC_RELAXED))
		return true;
	if (vapic_pending(&cpu->vapic) == VAPIC_NONE)
		return false;
	return !waits || backend_interruptible(&cpu->system);
}

/**
 * sched_arrived() - something may have arrived for Linux
 * @cpu: this CPU, forwarded
 */
void sched_arrived(struct cpu *cpu)
{
	struct sched_entity *host = &cpu->system.sched;
	u64 now;

	if (host->state == SCHED_RUNNING ||
	    !host_wanted(cpu, host->state == SCHED_BLOCKED))
		return;
	now = hw_rdtsc();
	sched_charge(cpu, now);
	if (host->state == SCHED_BLOCKED) {
		cpu->system.ready_since = now;
		__atomic_store_n(&cpu->kicked, false, __ATOMIC_RELAXED);
	}
	if (policy_boost(host, sched_ns(now)))
		cpu->resched = true;
}

/**
 * sched_halt() - Linux has nothing to do
 * @cpu: this CPU, forwarded, Linux behind its HLT
 */
void sched_halt(struct cpu *cpu)
{
	u64 now = hw_rdtsc();

	if (__atomic_exchange_n(&cpu->kicked, false, __ATOMIC_SEQ_CST) ||
	    host_wanted(cpu, true))
		return;
	sched_charge(cpu, now);
	policy_block(&cpu->system.sched, sched_ns(now));
	cpu->resched = true;
}

/**
 * sched_pause() - Linux spins, and would let others run
 * @cpu: this CPU, forwarded, Linux behind a PAUSE
 */
void sched_pause(struct cpu *cpu)
{
	u64 now = hw_rdtsc();

	if (cpu->rq.nr + cpu->rq.parked < 2)
		return;
	sched_charge(cpu, now);
	policy_yield(&cpu->system.sched, sched_ns(now));
	cpu->resched = true;
}

/**
 * sched_tick() - K's timer has interrupted
 * @cpu: this CPU, forwarded
 * @now: the TSC
 */
void sched_tick(struct cpu *cpu, u64 now)
{
	if (unlikely(now >= cpu->alarm_at))
		alarm_ring(cpu, now);
	if (now >= cpu->slice_end)
		slice_over(cpu, now);
}

/**
 * sched_slice() - the timer that the entry has started has made an exit
 * @cpu: this CPU, forwarded
 * @world: that ran
 *
 * The timer cannot count as far as a slice can be long.
 */
void sched_slice(struct cpu *cpu, struct world *world)
{
	u64 now = hw_rdtsc();

	if (now >= cpu->slice_end)
		slice_over(cpu, now);
	else
		backend_slice(world, cpu->slice_end);
}

static struct sched_entity *choose(struct cpu *cpu)
{
	struct sched_entity *last = cpu->rq.curr;
	u64 now = hw_rdtsc();
	struct sched_entity *e;
	u64 slice;

	sched_charge(cpu, now);
	e = policy_pick(&cpu->rq, sched_ns(now), &slice);
	cpu->resched = false;
	cpu->slice_end = slice == POLICY_FOREVER ? VAPIC_NEVER : now + sched_ticks(slice);
	cpu->slice_due = cpu->slice_end;
	timer_update(cpu);
	if (last && last != e && last->state == SCHED_RUNNABLE && last != &cpu->idle)
		world_of(last)->ready_since = now;
	if (last != e && e != &cpu->idle)
		world_of(e)->waited += now - world_of(e)->ready_since;
	return e;
}

/* What is pending for Linux counts from the moment that it is switched out. */
static struct sched_entity *decide(struct cpu *cpu)
{
	struct sched_entity *e = choose(cpu);

	if (e != &cpu->system.sched)
		sched_arrived(cpu);
	return cpu->resched ? choose(cpu) : e;
}

/* The registers of the world that ran last stay where they are. */
static void wait(struct cpu *cpu)
{
	int vector;

	share_idle(cpu);
	cpu_account(cpu);
	cpu_begin(cpu);
	while (!cpu->resched) {
		vector = backend_idle();
		cpu_begin(cpu);
		if (vector >= 0)
			forward_arrived(cpu, vector);
		sched_arrived(cpu);
	}
}

/**
 * sched_next() - decide, and make it the current world
 * @cpu: this CPU, forwarded, cpu->resched set, the current world's exit done
 *
 * Return: the world to enter. K waits in here when there is none.
 */
struct world *sched_next(struct cpu *cpu)
{
	struct sched_entity *e = decide(cpu);
	struct world *world;

	while (e == &cpu->idle) {
		wait(cpu);
		e = decide(cpu);
	}
	world = world_of(e);
	if (world != cpu->current)
		world_switch(cpu, world);
	backend_slice(world, cpu->slice_end);
	share_out(cpu);
	return world;
}

/**
 * sched_ran() - how long a world has run
 * @cpu: its CPU, any
 * @e: its scheduling state, or that of nobody
 *
 * Return: ns.
 */
u64 sched_ran(const struct cpu *cpu, const struct sched_entity *e)
{
	u64 ran = e->ran;

	if (cpu->rq.curr == e)
		ran += sched_ns(hw_rdtsc() - cpu->charged);
	return ran;
}

/**
 * sched_waited() - how long a world could have run, but another one did
 * @world: any
 *
 * Return: ns.
 */
u64 sched_waited(const struct world *world)
{
	u64 waited = world->waited;

	if (world->sched.state == SCHED_RUNNABLE)
		waited += hw_rdtsc() - world->ready_since;
	return sched_ns(waited);
}
