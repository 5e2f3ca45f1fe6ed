// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/regent: worlds for whoever has it open. See <linux/regent.h>. A test world belongs
 * to an open file and goes with it.
 */
#include <linux/cpu.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/uaccess.h>

#include "run.h"

static long device_make_world(const struct file *file, struct regent_test_create *t)
{
	u64 weights = t->shares | (u64)t->min << 32 | (u64)t->max << 48;
	long id;
	int err;

	if (regent.status != REGENT_TAKEN)
		return -ENODEV;
	if (t->cpu >= nr_cpu_ids || !cpu_online(t->cpu))
		return -ENXIO;
	id = worlds_create(file, t->cpu, t->mode, weights);
	if (id < 0)
		return id;
	err = mode_apply(t->cpu);
	if (!err)
		err = worlds_start(id);
	if (err) {
		worlds_end(id);
		mode_apply(t->cpu);
		return err;
	}
	t->id = id;
	return 0;
}

/* As the scheduler has it, also for one that cannot start yet. */
static bool device_valid(const struct regent_test_create *t)
{
	return !t->reserved && t->mode < REGENT_TEST_MODES && t->shares &&
	       t->shares <= 65536 && t->max && t->max <= 1000 && t->min <= t->max;
}

static long device_ioctl_create(const struct file *file, struct regent_test_create __user *user)
{
	struct regent_test_create t;
	long err;

	if (copy_from_user(&t, user, sizeof(t)))
		return -EFAULT;
	if (!device_valid(&t))
		return -EINVAL;
	mutex_lock(&regent_lock);
	cpus_read_lock();
	err = device_make_world(file, &t);
	cpus_read_unlock();
	mutex_unlock(&regent_lock);
	if (!err && copy_to_user(user, &t, sizeof(t)))
		return -EFAULT;		/* it goes with the file */
	return err;
}

/* regent_lock held, hotplug held off. */
static void device_end_world(unsigned int id)
{
	worlds_end(id);
	if (regent.status == REGENT_TAKEN)
		mode_apply_all();
}

static long device_ioctl_destroy(const struct file *file, u64 id)
{
	long err = -ENOENT;

	mutex_lock(&regent_lock);
	cpus_read_lock();
	if (worlds_owned_by(file, id)) {
		device_end_world(id);
		err = 0;
	}
	cpus_read_unlock();
	mutex_unlock(&regent_lock);
	return err;
}

/* Stopped, changed, started again: nobody runs it meanwhile. */
static int device_change(const struct regent_test_set *t)
{
	u64 nap = t->nap_ns | (u64)t->wakes << REGENT_NAP_WAKES_SHIFT;
	int err = worlds_stop(t->id);
	int e;

	if (err)
		return err;
	err = regent_hypercall(REGENT_HC_TEST_NAP, t->id, nap);
	if (!err && t->allowed)
		err = worlds_allow(t->id, t->allowed);
	e = mode_apply_all();
	err = err ?: e;
	e = worlds_start(t->id);
	return err ?: e;
}

static long device_set(const struct file *file, const struct regent_test_set *t)
{
	unsigned int cpu;

	if (!worlds_owned_by(file, t->id))
		return -ENOENT;
	if (regent.status != REGENT_TAKEN)
		return -ENODEV;
	if (!t->allowed)
		return device_change(t);
	for_each_online_cpu(cpu)
		if (cpu < 64 && t->allowed >> cpu & 1)
			return device_change(t);
	return -ENXIO;
}

static long device_ioctl_set(const struct file *file, const struct regent_test_set __user *user)
{
	struct regent_test_set t;
	long err;

	if (copy_from_user(&t, user, sizeof(t)))
		return -EFAULT;
	if (t.reserved || t.nap_ns > REGENT_NAP_NS_MASK || t.wakes > WORLDS_MAX_ID)
		return -EINVAL;
	mutex_lock(&regent_lock);
	cpus_read_lock();
	err = device_set(file, &t);
	cpus_read_unlock();
	mutex_unlock(&regent_lock);
	return err;
}

static long device_ioctl_wake(const struct file *file, u64 id)
{
	long err = -ENOENT;

	mutex_lock(&regent_lock);
	if (worlds_owned_by(file, id))
		err = regent.status == REGENT_TAKEN ?
		      regent_hypercall(REGENT_HC_WORLD_WAKE, id, 0) : -ENODEV;
	mutex_unlock(&regent_lock);
	return err;
}

static long device_ask(u64 id, u32 what)
{
	return regent_hypercall(REGENT_HC_WORLD_INFO, id, what);
}

/* A world may end meanwhile: then there is no such world. */
static bool device_describe(struct regent_world *w)
{
	long info[REGENT_INFOS], rounds, wrong;
	u32 i;

	for (i = 0; i < REGENT_INFOS; i++) {
		info[i] = device_ask(w->id, i);
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
	if (w->id <= WORLDS_MAX_ID)
		w->kind = info[REGENT_INFO_KIND];
	if (w->kind == REGENT_WORLD_KIND_VM)
		return vm_ops && vm_ops->describe(w);
	if (w->kind != REGENT_WORLD_KIND_TEST)
		return true;
	rounds = regent_hypercall(REGENT_HC_TEST_INFO, w->id, REGENT_TEST_ROUNDS);
	wrong = regent_hypercall(REGENT_HC_TEST_INFO, w->id, REGENT_TEST_WRONG);
	w->rounds = rounds;
	w->wrong = wrong;
	return rounds >= 0 && wrong >= 0;
}

/* The order: test worlds and vCPUs by id, then the host's and the idle one of each CPU. */
static u64 device_next_id(u64 id)
{
	if (id < WORLDS_MAX_ID)
		return id + 1;
	if (id < REGENT_WORLD_SYSTEM)
		return REGENT_WORLD_SYSTEM;
	if (id < REGENT_WORLD_IDLE)
		return id - REGENT_WORLD_SYSTEM < nr_cpu_ids ? id + 1 : REGENT_WORLD_IDLE;
	return id - REGENT_WORLD_IDLE < nr_cpu_ids ? id + 1 : 0;
}

static u32 device_kind_of(u64 id)
{
	if (id >= REGENT_WORLD_IDLE)
		return REGENT_WORLD_KIND_IDLE;
	return id >= REGENT_WORLD_SYSTEM ? REGENT_WORLD_KIND_HOST : REGENT_WORLD_KIND_TEST;
}

static long device_ioctl_next(struct regent_world __user *user)
{
	struct regent_world w;
	u64 id;

	if (copy_from_user(&w, user, sizeof(w)))
		return -EFAULT;
	for (id = device_next_id(w.id); id; id = device_next_id(id)) {
		w = (struct regent_world){ .id = id, .kind = device_kind_of(id) };
		if (regent.status != REGENT_TAKEN)
			return -ENODEV;
		if (device_describe(&w))
			return copy_to_user(user, &w, sizeof(w)) ? -EFAULT : 0;
	}
	return -ENOENT;
}

static long device_ioctl_vm_set(const struct regent_vm_set __user *user)
{
	struct regent_vm_set set;

	if (copy_from_user(&set, user, sizeof(set)))
		return -EFAULT;
	if (set.reserved)
		return -EINVAL;
	return vm_ops ? vm_ops->set(&set) : -ENOENT;
}

static long device_ioctl(struct file *file, unsigned int nr, unsigned long arg)
{
	switch (nr) {
	case REGENT_IOC_WORLD_NEXT:
		return device_ioctl_next((void __user *)arg);
	case REGENT_IOC_TEST_CREATE:
		return device_ioctl_create(file, (void __user *)arg);
	case REGENT_IOC_TEST_DESTROY:
		return device_ioctl_destroy(file, arg);
	case REGENT_IOC_TEST_SET:
		return device_ioctl_set(file, (void __user *)arg);
	case REGENT_IOC_TEST_WAKE:
		return device_ioctl_wake(file, arg);
	case REGENT_IOC_VM_SET:
		return device_ioctl_vm_set((void __user *)arg);
	}
	return -ENOTTY;
}

static int device_release(struct inode *inode, struct file *file)
{
	unsigned int id;

	mutex_lock(&regent_lock);
	cpus_read_lock();
	for (id = 1; id <= WORLDS_MAX_ID; id++)
		if (worlds_owned_by(file, id))
			device_end_world(id);
	cpus_read_unlock();
	mutex_unlock(&regent_lock);
	return 0;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = device_release,
	.llseek = noop_llseek,
};

static struct miscdevice device_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "regent",
	.mode = 0600,
	.fops = &device_fops,
};

int device_do(void)
{
	return misc_register(&device_misc);
}

void device_undo(void)
{
	misc_deregister(&device_misc);
}
