// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs that K schedules, on forwarded CPUs: the thread in KVM_RUN waits until its vCPU's run is
 * over. While Linux has nothing else to run on this CPU, it waits in a hypercall, which costs no
 * switch of tasks; else it sleeps, and K's interrupt wakes it. The vCPU runs on meanwhile, whatever
 * Linux does.
 *
 * The thread is the contract: what Linux says of it (its CPUs, its nice value) holds for the vCPU.
 * A run uses what holds when it begins; a look at all of them once a second ends runs that have
 * begun with something else.
 */
#include <linux/delay.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/regent.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "kvm.h"

/* By K's number of the world */
static DEFINE_XARRAY_FLAGS(vcpus, XA_FLAGS_LOCK_IRQ);

/* One REGENT_IOC_VM_SET at a time */
static DEFINE_MUTEX(set_lock);

#define SHARES_NICE_0	1024
#define SHARES_BY_NICE	4096	/* at most */
#define MIN_MAX		900	/* the rest is for interrupts */
#define SHARES_MAX	65536

/*
 * As Linux has it: each step of nice is a quarter more, or a fifth less. But what Linux does for
 * such a thread, and all else that it has to do on that CPU, has Linux's shares (those of nice 0):
 * more than four times as much would keep the vCPU waiting for its own VMM.
 */
static u32 shares_of(int nice)
{
	u32 shares = SHARES_NICE_0;

	for (; nice < 0 && shares < SHARES_BY_NICE; nice++)
		shares += shares / 4;
	for (; nice > 0; nice--)
		shares -= shares / 5;
	return min_t(u32, shares, SHARES_BY_NICE);
}

static u64 weights(u32 shares, u32 min, u32 max)
{
	return shares | (u64)min << 32 | (u64)max << 48;
}

static u32 weights_shares(u64 w)
{
	return (u32)w;
}

static u32 weights_min(u64 w)
{
	return w >> 32 & 0xffff;
}

static u32 weights_max(u64 w)
{
	return w >> 48;
}

/* A CPU that had no room for a guarantee may have some later, or the thread is on another one. */
#define NO_MIN	(5 * HZ)

static u64 weights_of(const struct vcpu *v, int nice)
{
	u64 w = READ_ONCE(v->weights);
	u32 min = weights_min(w);

	if (min && time_before64(get_jiffies_64(), READ_ONCE(v->no_min_until)))
		min = 0;
	return weights(weights_shares(w) ?: shares_of(nice), min, weights_max(w));
}

/**
 * world_init() - a new vCPU, before others see it
 * @v: the vCPU
 */
void world_init(struct vcpu *v)
{
	v->weights = weights(0, 0, 1000);
	v->no_min_until = get_jiffies_64();
	v->ran_on = -1;
}

/**
 * world_known() - a vCPU has its number
 * @v: the vCPU
 *
 * Process context. Return: 0 or -ENOMEM.
 */
int world_known(struct vcpu *v)
{
	return xa_err(xa_store_irq(&vcpus, v->id, v, GFP_KERNEL));
}

/**
 * world_unknown() - undo world_known(); it may still be looked at, until synchronize_rcu()
 * @v: the vCPU
 */
void world_unknown(struct vcpu *v)
{
	/* One of an earlier takeover has lost its number to a new one. */
	xa_lock_irq(&vcpus);
	__xa_cmpxchg(&vcpus, v->id, v, NULL, 0);
	xa_unlock_irq(&vcpus);
}

static void world_told(unsigned long id)
{
	struct vcpu *v;

	rcu_read_lock();
	v = xa_load(&vcpus, id);
	if (v) {
		WRITE_ONCE(v->told, true);
		smp_mb();	/* with rcuwait_wait_event() */
		rcuwait_wake_up(&v->wait);
	}
	rcu_read_unlock();
}

/* Wake the threads that wait for worlds which K has stopped. */
static void worlds_told(struct regent_shared *shared)
{
	unsigned long words = xchg(&shared->stopped_words, 0), bits;
	unsigned int word, bit;

	for_each_set_bit(word, &words, REGENT_MAX_WORLDS / 64) {
		bits = xchg(&shared->stopped[word], 0);
		for_each_set_bit(bit, &bits, 64)
			world_told(word * 64 + bit ?: REGENT_MAX_WORLDS);
	}
}

/* With interrupts off, so that what comes from now on ends the hypercall. */
static long world_ask_here(struct vcpu *v, u64 how)
{
	long answer = REGENT_VCPU_RUNNING;

	WRITE_ONCE(v->cpu, smp_processor_id());
	smp_mb();	/* with vcpu_kick() */
	if (!READ_ONCE(v->kicked) || how) {
		/* A run's end that K tells from now on sets it again. Not without a question. */
		WRITE_ONCE(v->told, false);
		answer = regent_hypercall(REGENT_HC_VCPU_WAIT, v->id, how);
	}
	/* With vm_kick() */
	smp_store_release(&v->cpu, -1);
	return answer;
}

static long world_ask(struct vcpu *v, u64 how)
{
	long answer = REGENT_VCPU_RUNNING;

	preempt_disable();
	local_irq_disable();
	if (how ? !vm_exists(v->vm) : !vm_lives(v->vm))
		answer = -EIO;
	else if (how || (!signal_pending(current) && !need_resched()))
		answer = world_ask_here(v, how);
	local_irq_enable();
	preempt_enable();
	/* A CPU that has just come, and is not under K yet: the vCPU is on another one. */
	if (answer == -ENODEV && cpus_entered())
		answer = how ? -EBUSY : REGENT_VCPU_RUNNING;
	/* K may have ended it already. */
	return answer < 0 && answer != -EBUSY && !vm_lives(v->vm) ? -EIO : answer;
}

static bool world_is_to_stop(const struct vcpu *v)
{
	return signal_pending(current) || READ_ONCE(v->kicked) || !vm_lives(v->vm);
}

/* Another CPU has to let go of it, which takes an exit there. */
static long world_stop(struct vcpu *v)
{
	unsigned int tries = 0;
	long answer;

	while ((answer = world_ask(v, REGENT_WAIT_STOP)) == -EBUSY) {
		if (tries++ < 100)
			cpu_relax();
		else
			usleep_range(20, 50);
		cond_resched();
	}
	return answer;
}

static void world_sleep(struct vcpu *v)
{
	rcuwait_wait_event(&v->wait, READ_ONCE(v->told) || world_is_to_stop(v),
			   TASK_INTERRUPTIBLE);
}

/**
 * world_follow() - wait until the run of a vCPU is over, or has to be
 * @v: the vCPU, locked
 * @answer: of the hypercall that has begun the run
 *
 * Process context. Return: enum regent_vcpu_exit or a negative errno, as the hypercall.
 */
long world_follow(struct vcpu *v, long answer)
{
	while (answer == REGENT_VCPU_RUNNING || answer == REGENT_VCPU_WAITING) {
		if (world_is_to_stop(v)) {
			answer = world_stop(v);
			continue;
		}
		if (!READ_ONCE(v->told) &&
		    (answer == REGENT_VCPU_WAITING || !single_task_running()))
			world_sleep(v);
		else
			cond_resched();
		if (!world_is_to_stop(v))
			answer = world_ask(v, 0);
	}
	return answer;
}

/**
 * world_prepare() - what K is to give a vCPU in the run that begins now
 * @v: the vCPU, locked, on the CPU where it is about to run
 *
 * Interrupts off.
 */
void world_prepare(struct vcpu *v)
{
	int cpu = smp_processor_id();

	v->page->weights = weights_of(v, task_nice(current));
	WRITE_ONCE(v->told, false);
	WRITE_ONCE(v->ran_on, cpu);
	mode_vcpu_runs(cpu);
}

/* Does the run that has begun still have what the thread, or the operator, wants? */
static bool world_is_right(const struct vcpu *v, struct task_struct *thread, int cpu)
{
	return cpumask_test_cpu(cpu, thread->cpus_ptr) &&
	       v->page->weights == weights_of(v, task_nice(thread));
}

#define LOOK_PERIOD	HZ
#define WAITED_NS	(NSEC_PER_SEC / 4)

/*
 * Linux sees a sleeping thread, and does not move it away from a CPU where its vCPU has waited
 * for other worlds for long. When it is woken, Linux places it anew.
 */
static bool world_has_waited(struct vcpu *v)
{
	long waited = regent_hypercall(REGENT_HC_WORLD_INFO, v->id, REGENT_INFO_WAITED);
	long before = v->waited;

	v->waited = waited;
	return before > 0 && waited - before > WAITED_NS;
}

/* A sleeping thread's vCPU may run all the time: its CPU is to stay forwarded. */
static void world_look(struct vcpu *v)
{
	struct task_struct *thread;
	int cpu = READ_ONCE(v->ran_on);

	thread = READ_ONCE(v->thread);
	if (!thread || cpu < 0)
		return;
	mode_vcpu_runs(cpu);
	if (!world_is_right(v, thread, cpu) || world_has_waited(v))
		vcpu_kick(v);
}

static void world_look_at_all(struct work_struct *work);
static DECLARE_DELAYED_WORK(look_work, world_look_at_all);

static void world_look_at_all(struct work_struct *work)
{
	unsigned long id;
	bool any = false;
	struct vcpu *v;

	rcu_read_lock();
	xa_for_each(&vcpus, id, v) {
		any = true;
		world_look(v);
	}
	rcu_read_unlock();
	if (any)
		schedule_delayed_work(&look_work, LOOK_PERIOD);
}

/**
 * world_begin() - the calling thread is about to run a vCPU
 * @v: the vCPU, locked
 */
void world_begin(struct vcpu *v)
{
	WRITE_ONCE(v->thread, current);
	WRITE_ONCE(v->tid, task_pid_nr(current));
	schedule_delayed_work(&look_work, LOOK_PERIOD);
}

/**
 * world_end() - undo world_begin()
 * @v: the vCPU, locked
 */
void world_end(struct vcpu *v)
{
	WRITE_ONCE(v->ran_on, -1);
	WRITE_ONCE(v->thread, NULL);
}

/**
 * worlds_quiet() - nobody looks at vCPUs any more
 *
 * Process context, when there is none.
 */
void worlds_quiet(void)
{
	cancel_delayed_work_sync(&look_work);
}

/**
 * world_guarantee_failed() - K cannot guarantee a vCPU what it is to have: for now it does without
 * @v: the vCPU, locked
 *
 * Return: false when it was not its guarantee for which there was no room.
 */
bool world_guarantee_failed(struct vcpu *v)
{
	u32 min = weights_min(v->page->weights);

	if (!min)
		return false;
	pr_warn_ratelimited("VM %u, vCPU %u: nothing is guaranteed for some seconds: CPU %d has less than %u.%u%% left to guarantee\n",
			    (u32)v->vm->id, v->number, v->ran_on, min / 10, min % 10);
	WRITE_ONCE(v->no_min_until, get_jiffies_64() + NO_MIN);
	return true;
}

static bool world_describe(struct regent_world *w)
{
	struct vcpu *v;

	rcu_read_lock();
	v = xa_load(&vcpus, w->id);
	if (v) {
		w->vm = v->vm->id;
		w->vcpu = v->number;
		w->pid = v->vm->pid;
		w->thread = READ_ONCE(v->tid);
	}
	rcu_read_unlock();
	return v;
}

/* The new values; what is kept is @v's. Return: whether they are any. */
static bool world_merge(const struct vcpu *v, const struct regent_vm_set *set,
			struct regent_vm_set *to)
{
	u64 w = READ_ONCE(v->weights);

	*to = *set;
	if (set->shares == REGENT_KEEP)
		to->shares = weights_shares(w);
	if (set->min == REGENT_KEEP)
		to->min = weights_min(w);
	if (set->max == REGENT_KEEP)
		to->max = weights_max(w);
	return to->shares <= SHARES_MAX && to->min <= MIN_MAX && to->max <= 1000 &&
	       to->max && to->min <= to->max;
}

static bool world_is_meant(const struct vcpu *v, const struct regent_vm_set *set)
{
	return v->vm->id == set->vm &&
	       (set->vcpu == REGENT_VCPU_ALL || v->number == set->vcpu);
}

static void world_apply(struct vcpu *v, const struct regent_vm_set *to)
{
	WRITE_ONCE(v->no_min_until, get_jiffies_64());
	WRITE_ONCE(v->weights, weights(to->shares, to->min, to->max));
	vcpu_kick(v);
}

/* For all of them, or for none */
static int world_set(const struct regent_vm_set *set)
{
	struct regent_vm_set to;
	int err = -ENOENT;
	unsigned long id;
	struct vcpu *v;

	mutex_lock(&set_lock);
	rcu_read_lock();
	xa_for_each(&vcpus, id, v) {
		if (!world_is_meant(v, set))
			continue;
		err = 0;
		if (world_merge(v, set, &to))
			continue;
		err = -EINVAL;
		break;
	}
	xa_for_each(&vcpus, id, v)
		if (!err && world_is_meant(v, set) && world_merge(v, set, &to))
			world_apply(v, &to);
	rcu_read_unlock();
	mutex_unlock(&set_lock);
	return err;
}

const struct vm_ops world_ops = {
	.stopped = worlds_told,
	.describe = world_describe,
	.set = world_set,
};
