// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/regent: worlds for whoever has it open. See <linux/regent.h>.
 *
 * A test world belongs to an open file and goes with it. It runs only on forwarded
 * CPUs; worlds_apply() brings CPUs to what their worlds need. On which of those that
 * are allowed it is, K decides.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/smp.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "l.h"

#define MAX_ID	64		/* K has no more */

/* A world's CPU lets go of it at once; what is on its way arrives: so often, 100 us. */
#define TRIES	1000

/* By id - 1; changed under regent_lock with hotplug held off, or in its callback. */
static struct {
	const struct file *owner;	/* NULL: there is no such world */
	struct cpumask allowed;
	u64 weights;
} worlds[MAX_ID];

struct call {
	u64 nr, a, b;
	long answer;
};

static void call_here(void *arg)
{
	struct call *call = arg;

	call->answer = regent_hypercall(call->nr, call->a, call->b);
}

static long call_on(unsigned int cpu, u64 nr, u64 a, u64 b)
{
	struct call call = { .nr = nr, .a = a, .b = b };
	int err = smp_call_function_single(cpu, call_here, &call, 1);

	return err ?: call.answer;
}

/* Of a world that K may move, from any CPU: until it is where it can be done. */
static long call_for(u64 nr, u64 id, u64 b)
{
	long err = -EBUSY;
	int i;

	for (i = 0; i < TRIES && err == -EBUSY; i++) {
		if (i)
			usleep_range(100, 200);
		err = regent_hypercall(nr, id, b);
	}
	return err;
}

/**
 * worlds_on() - are there worlds that want to run on this CPU?
 * @cpu: any CPU
 */
bool worlds_on(unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < MAX_ID; i++)
		if (worlds[i].owner && cpumask_test_cpu(cpu, &worlds[i].allowed))
			return true;
	return false;
}

/*
 * Let a world run, on any forwarded CPU that it may run on. One that already does
 * stays where it is.
 */
static int start(unsigned int i)
{
	unsigned int cpu;
	int err = 0;

	if (regent_hypercall(REGENT_HC_WORLD_INFO, i + 1, REGENT_INFO_STATE) !=
	    REGENT_STATE_STOPPED)
		return 0;
	for_each_cpu_and(cpu, &worlds[i].allowed, cpu_online_mask) {
		if (!forward_is(cpu))
			continue;
		err = call_on(cpu, REGENT_HC_WORLD_START, i + 1, worlds[i].weights);
		if (err != -ENOSPC)
			break;
	}
	return err;
}

/**
 * worlds_start() - let all worlds run that can
 *
 * As forward_set(): some CPU has just become forwarded, or direct.
 */
void worlds_start(void)
{
	unsigned int i;

	for (i = 0; i < MAX_ID; i++)
		if (worlds[i].owner)
			start(i);
}

static void end(unsigned int i)
{
	long err = call_for(REGENT_HC_TEST_DESTROY, i + 1, 0);

	if (err && err != -ENODEV)
		pr_warn("test world %u cannot be ended: %pe\n", i + 1, ERR_PTR(err));
	worlds[i].owner = NULL;
}

/*
 * It goes on elsewhere. Not true when there is nowhere, or when all of Regent goes, with
 * worlds still running.
 */
static bool leave(unsigned int i, unsigned int cpu)
{
	cpumask_clear_cpu(cpu, &worlds[i].allowed);
	if (!cpumask_intersects(&worlds[i].allowed, cpu_online_mask))
		return false;
	return !call_on(cpu, REGENT_HC_WORLD_ALLOW, i + 1, 0);
}

/**
 * worlds_end() - end the worlds of a CPU that goes
 * @cpu: the CPU, online still, Linux a world on it
 * @why: for the log
 *
 * Process context, hotplug held off or in its callback on that CPU.
 */
void worlds_end(unsigned int cpu, const char *why)
{
	unsigned int i, n = 0;

	for (i = 0; i < MAX_ID; i++) {
		if (!worlds[i].owner || !cpumask_test_cpu(cpu, &worlds[i].allowed) ||
		    leave(i, cpu))
			continue;
		end(i);
		n++;
	}
	if (n)
		pr_warn("%u worlds of CPU %u ended: %s\n", n, cpu, why);
}

/**
 * worlds_forget() - K is gone, and all worlds with it
 */
void worlds_forget(void)
{
	unsigned int i;

	for (i = 0; i < MAX_ID; i++)
		worlds[i].owner = NULL;
}

static void apply_run(struct work_struct *work)
{
	unsigned int cpu;

	mutex_lock(&regent_lock);
	cpus_read_lock();
	if (regent.status == REGENT_TAKEN) {
		for_each_online_cpu(cpu)
			forward_apply(cpu);
		worlds_start();
	}
	cpus_read_unlock();
	mutex_unlock(&regent_lock);
}

static DECLARE_WORK(apply_work, apply_run);

/**
 * worlds_apply() - bring CPUs to the modes that they are to have, soon
 *
 * Any context: for the end of a hotplug operation, when all were direct.
 */
void worlds_apply(void)
{
	schedule_work(&apply_work);
}

/**
 * worlds_quiet() - after the last worlds_apply()
 *
 * Process context, no lock held.
 */
void worlds_quiet(void)
{
	cancel_work_sync(&apply_work);
}

/* --- the device ------------------------------------------------------------ */

/* K may need more memory for it. */
static long call_with_memory(unsigned int cpu, u64 nr, u64 a, u64 b)
{
	long answer = call_on(cpu, nr, a, b);
	int err;

	if (answer != -ENOSPC)
		return answer;
	err = donated_give();
	return err ?: call_on(cpu, nr, a, b);
}

/* Bring all CPUs to what the worlds need now. The first error is the answer. */
static int apply_all(void)
{
	unsigned int cpu;
	int err = 0;

	for_each_online_cpu(cpu) {
		int e = forward_apply(cpu);

		err = err ?: e;
	}
	return err;
}

static long create_on(const struct file *file, struct regent_test_create *t)
{
	long id;
	int err;

	if (regent.status != REGENT_TAKEN)
		return -ENODEV;
	if (t->cpu >= nr_cpu_ids || !cpu_online(t->cpu))
		return -ENXIO;
	id = call_with_memory(t->cpu, REGENT_HC_TEST_CREATE, t->mode, 0);
	if (id < 0)
		return id;
	if (id > MAX_ID)
		return -EIO;
	worlds[id - 1].owner = file;
	cpumask_copy(&worlds[id - 1].allowed, cpumask_of(t->cpu));
	worlds[id - 1].weights = t->shares | (u64)t->min << 32 | (u64)t->max << 48;
	err = forward_apply(t->cpu);
	if (!err)
		err = start(id - 1);
	if (err) {
		end(id - 1);
		forward_apply(t->cpu);
		return err;
	}
	t->id = id;
	return 0;
}

/* As the scheduler has it, also for one that cannot start yet. */
static bool is_valid(const struct regent_test_create *t)
{
	return !t->reserved && t->mode < REGENT_TEST_MODES && t->shares &&
	       t->shares <= 65536 && t->max && t->max <= 1000 && t->min <= t->max;
}

static long ioctl_create(const struct file *file, struct regent_test_create __user *user)
{
	struct regent_test_create t;
	long err;

	if (copy_from_user(&t, user, sizeof(t)))
		return -EFAULT;
	if (!is_valid(&t))
		return -EINVAL;
	mutex_lock(&regent_lock);
	cpus_read_lock();
	err = create_on(file, &t);
	cpus_read_unlock();
	mutex_unlock(&regent_lock);
	if (!err && copy_to_user(user, &t, sizeof(t)))
		return -EFAULT;		/* it goes with the file */
	return err;
}

/* regent_lock held, hotplug held off. */
static void destroy(unsigned int i)
{
	if (regent.status != REGENT_TAKEN) {
		worlds[i].owner = NULL;
		return;
	}
	end(i);
	apply_all();
}

static bool is_own(const struct file *file, u64 id)
{
	return id - 1 < MAX_ID && worlds[id - 1].owner == file;
}

static long ioctl_destroy(const struct file *file, u64 id)
{
	long err = -ENOENT;

	mutex_lock(&regent_lock);
	cpus_read_lock();
	if (is_own(file, id)) {
		destroy(id - 1);
		err = 0;
	}
	cpus_read_unlock();
	mutex_unlock(&regent_lock);
	return err;
}

/* First where it may run from now on, so that it may always run somewhere. */
static int set_allowed(unsigned int i, u64 allowed)
{
	struct cpumask *mask = &worlds[i].allowed;
	unsigned int cpu;
	int err;

	for_each_online_cpu(cpu) {
		if (cpu >= 64 || !(allowed >> cpu & 1) || cpumask_test_cpu(cpu, mask))
			continue;
		err = call_with_memory(cpu, REGENT_HC_WORLD_ALLOW, i + 1, 1);
		if (err)
			return err;
		cpumask_set_cpu(cpu, mask);
	}
	for_each_online_cpu(cpu) {
		if (!cpumask_test_cpu(cpu, mask) || (cpu < 64 && allowed >> cpu & 1))
			continue;
		err = call_on(cpu, REGENT_HC_WORLD_ALLOW, i + 1, 0);
		if (err)
			return err;
		cpumask_clear_cpu(cpu, mask);
	}
	return 0;
}

/* Stopped, changed, started again: nobody runs it meanwhile. */
static int change(const struct regent_test_set *t)
{
	unsigned int i = t->id - 1;
	u64 nap = t->nap_ns | (u64)t->wakes << REGENT_NAP_WAKES_SHIFT;
	int err = call_for(REGENT_HC_WORLD_STOP, t->id, 0);
	int e;

	if (err)
		return err;
	err = regent_hypercall(REGENT_HC_TEST_NAP, t->id, nap);
	if (!err && t->allowed)
		err = set_allowed(i, t->allowed);
	e = apply_all();
	err = err ?: e;
	e = start(i);
	return err ?: e;
}

static long set(const struct file *file, const struct regent_test_set *t)
{
	unsigned int cpu;

	if (!is_own(file, t->id))
		return -ENOENT;
	if (regent.status != REGENT_TAKEN)
		return -ENODEV;
	if (!t->allowed)
		return change(t);
	for_each_online_cpu(cpu)
		if (cpu < 64 && t->allowed >> cpu & 1)
			return change(t);
	return -ENXIO;
}

static long ioctl_set(const struct file *file, const struct regent_test_set __user *user)
{
	struct regent_test_set t;
	long err;

	if (copy_from_user(&t, user, sizeof(t)))
		return -EFAULT;
	if (t.reserved || t.nap_ns > REGENT_NAP_NS_MASK || t.wakes > MAX_ID)
		return -EINVAL;
	mutex_lock(&regent_lock);
	cpus_read_lock();
	err = set(file, &t);
	cpus_read_unlock();
	mutex_unlock(&regent_lock);
	return err;
}

static long ioctl_wake(const struct file *file, u64 id)
{
	long err = -ENOENT;

	mutex_lock(&regent_lock);
	if (is_own(file, id))
		err = regent.status == REGENT_TAKEN ?
		      regent_hypercall(REGENT_HC_WORLD_WAKE, id, 0) : -ENODEV;
	mutex_unlock(&regent_lock);
	return err;
}

static long ask(u64 id, u32 what)
{
	return regent_hypercall(REGENT_HC_WORLD_INFO, id, what);
}

/* A world may end meanwhile: then there is no such world. */
static bool describe(struct regent_world *w)
{
	long info[REGENT_INFOS], rounds, wrong;
	u32 i;

	for (i = 0; i < REGENT_INFOS; i++) {
		info[i] = ask(w->id, i);
		if (info[i] < 0)
			return false;
	}
	w->state = info[REGENT_INFO_STATE];
	w->cpu = info[REGENT_INFO_CPU];
	w->shares = info[REGENT_INFO_SHARES];
	w->min = info[REGENT_INFO_MIN];
	w->max = info[REGENT_INFO_MAX];
	w->ran_ns = info[REGENT_INFO_RAN];
	w->waited_ns = info[REGENT_INFO_WAITED];
	w->switches = info[REGENT_INFO_SWITCHES];
	w->exits = info[REGENT_INFO_EXITS];
	w->moves = info[REGENT_INFO_MOVES];
	if (w->kind != REGENT_WORLD_KIND_TEST)
		return true;
	rounds = regent_hypercall(REGENT_HC_TEST_INFO, w->id, REGENT_TEST_ROUNDS);
	wrong = regent_hypercall(REGENT_HC_TEST_INFO, w->id, REGENT_TEST_WRONG);
	w->rounds = rounds;
	w->wrong = wrong;
	return rounds >= 0 && wrong >= 0;
}

/* The order: test worlds by id, then the host's and the idle one of each CPU. */
static u64 next_id(u64 id)
{
	if (id < MAX_ID)
		return id + 1;
	if (id < REGENT_WORLD_SYSTEM)
		return REGENT_WORLD_SYSTEM;
	if (id < REGENT_WORLD_IDLE)
		return id - REGENT_WORLD_SYSTEM < nr_cpu_ids ? id + 1 : REGENT_WORLD_IDLE;
	return id - REGENT_WORLD_IDLE < nr_cpu_ids ? id + 1 : 0;
}

static u32 kind_of(u64 id)
{
	if (id >= REGENT_WORLD_IDLE)
		return REGENT_WORLD_KIND_IDLE;
	return id >= REGENT_WORLD_SYSTEM ? REGENT_WORLD_KIND_HOST : REGENT_WORLD_KIND_TEST;
}

static long ioctl_next(struct regent_world __user *user)
{
	struct regent_world w;
	u64 id;

	if (copy_from_user(&w, user, sizeof(w)))
		return -EFAULT;
	for (id = next_id(w.id); id; id = next_id(id)) {
		w = (struct regent_world){ .id = id, .kind = kind_of(id) };
		if (regent.status != REGENT_TAKEN)
			return -ENODEV;
		if (describe(&w))
			return copy_to_user(user, &w, sizeof(w)) ? -EFAULT : 0;
	}
	return -ENOENT;
}

static long worlds_ioctl(struct file *file, unsigned int nr, unsigned long arg)
{
	switch (nr) {
	case REGENT_IOC_WORLD_NEXT:
		return ioctl_next((void __user *)arg);
	case REGENT_IOC_TEST_CREATE:
		return ioctl_create(file, (void __user *)arg);
	case REGENT_IOC_TEST_DESTROY:
		return ioctl_destroy(file, arg);
	case REGENT_IOC_TEST_SET:
		return ioctl_set(file, (void __user *)arg);
	case REGENT_IOC_TEST_WAKE:
		return ioctl_wake(file, arg);
	}
	return -ENOTTY;
}

static int worlds_release(struct inode *inode, struct file *file)
{
	unsigned int i;

	mutex_lock(&regent_lock);
	cpus_read_lock();
	for (i = 0; i < MAX_ID; i++)
		if (worlds[i].owner == file)
			destroy(i);
	cpus_read_unlock();
	mutex_unlock(&regent_lock);
	return 0;
}

static const struct file_operations worlds_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = worlds_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = worlds_release,
	.llseek = noop_llseek,
};

static struct miscdevice worlds_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "regent",
	.mode = 0600,
	.fops = &worlds_fops,
};

int worlds_do(void)
{
	return misc_register(&worlds_device);
}

void worlds_undo(void)
{
	misc_deregister(&worlds_device);
}
