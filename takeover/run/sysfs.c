// SPDX-License-Identifier: GPL-2.0-only
/* /sys/kernel/regent. Reading K's counters makes hypercalls. */
#include <linux/cpu.h>
#include <linux/kobject.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <asm/tsc.h>

#include "run.h"

static struct kobject *sysfs_root;
static struct kobject **sysfs_cpu_dir;

static ssize_t sysfs_version_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	return sysfs_emit(buf, "%s\n", REGENT_VERSION);
}

static ssize_t sysfs_backend_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	return sysfs_emit(buf, "%s\n", regent.backend->name);
}

static ssize_t sysfs_cpus_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	cpumask_var_t mask;
	unsigned int cpu;
	ssize_t n;

	if (!zalloc_cpumask_var(&mask, GFP_KERNEL))
		return -ENOMEM;
	for_each_cpu(cpu, &regent_cpus)
		if (READ_ONCE(per_cpu_ptr(&l_cpus, cpu)->entered))
			cpumask_set_cpu(cpu, mask);
	n = sysfs_emit(buf, "%*pbl\n", cpumask_pr_args(mask));
	free_cpumask_var(mask);
	return n;
}

static ssize_t sysfs_status_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	static const char * const word[] = {
		[REGENT_IDLE] = "handed back: ", [REGENT_TAKEN] = "taken over",
		[REGENT_FAULTED] = "faulted: ",
	};
	const char *why = READ_ONCE(regent.why);

	return sysfs_emit(buf, "%s%s\n", word[regent.status], why ?: "");
}

static ssize_t sysfs_pause_takeover_ns_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	return sysfs_emit(buf, "%llu\n", regent.pause_takeover_ns);
}

static ssize_t sysfs_pause_handback_ns_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	return sysfs_emit(buf, "%llu\n", regent.pause_handback_ns);
}

static ssize_t sysfs_memory_kb_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	return sysfs_emit(buf, "%lu\n", donated_kb());
}

/* One of K's counters, of all CPUs: the sum, or the largest. */
static ssize_t sysfs_all_cpus(char *buf, u64 counter, bool largest, bool ticks)
{
	unsigned int cpu;
	u64 total = 0;

	for_each_cpu(cpu, &regent_cpus) {
		long v = regent_hypercall(REGENT_HC_COUNTER, cpu, counter);

		if (v < 0)
			return v;
		total = largest ? max_t(u64, total, v) : total + v;
	}
	if (ticks)
		total = mul_u64_u32_div(total, 1000000, tsc_khz ?: 1);
	return sysfs_emit(buf, "%llu\n", total);
}

static ssize_t sysfs_entry_max_ns_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	return sysfs_all_cpus(buf, REGENT_COUNTER_ENTRY_MAX, true, true);
}

static ssize_t sysfs_hidden_reads_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	return sysfs_all_cpus(buf, REGENT_COUNTER_HIDDEN_READS, false, false);
}

static ssize_t sysfs_hidden_writes_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	return sysfs_all_cpus(buf, REGENT_COUNTER_HIDDEN_WRITES, false, false);
}

static ssize_t sysfs_table_pages_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	return sysfs_all_cpus(buf, REGENT_COUNTER_TABLE_PAGES, true, false);
}

/* Is K's text what was loaded? */
static ssize_t sysfs_image_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	long crc = regent_hypercall(REGENT_HC_CHECK, 0, 0);

	if (crc < 0)
		return crc;
	return sysfs_emit(buf, "%s\n", crc == regent.image_crc ? "intact" : "damaged");
}

#define SYSFS_RO(nm)								\
	static struct kobj_attribute sysfs_##nm = __ATTR(nm, 0444, sysfs_##nm##_show, NULL)
SYSFS_RO(version);
SYSFS_RO(backend);
SYSFS_RO(cpus);
SYSFS_RO(status);
SYSFS_RO(pause_takeover_ns);
SYSFS_RO(pause_handback_ns);
SYSFS_RO(memory_kb);
SYSFS_RO(entry_max_ns);
SYSFS_RO(table_pages);
SYSFS_RO(hidden_reads);
SYSFS_RO(hidden_writes);
/* K reads all of its text for that: not for everybody, as often as they like. */
static struct kobj_attribute sysfs_image = __ATTR(image, 0400, sysfs_image_show, NULL);

static struct attribute *sysfs_root_attrs[] = {
	&sysfs_version.attr, &sysfs_backend.attr, &sysfs_cpus.attr, &sysfs_status.attr,
	&sysfs_pause_takeover_ns.attr, &sysfs_pause_handback_ns.attr,
	&sysfs_memory_kb.attr, &sysfs_entry_max_ns.attr, &sysfs_table_pages.attr,
	&sysfs_hidden_reads.attr,
	&sysfs_hidden_writes.attr, &sysfs_image.attr, NULL,
};

static const struct attribute_group sysfs_root_group = { .attrs = sysfs_root_attrs };

/* cpuN/exits_REASON, cpuN/costs_WHAT */

struct sysfs_counter {
	struct kobj_attribute attr;
	unsigned int counter;
};

static int sysfs_cpu_of(const struct kobject *k, unsigned int *cpu)
{
	return kstrtouint(kobject_name(k) + strlen("cpu"), 10, cpu) ? -EINVAL : 0;
}

static ssize_t sysfs_counter_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	struct sysfs_counter *c = container_of(a, struct sysfs_counter, attr);
	unsigned int cpu;
	long v;

	if (sysfs_cpu_of(k, &cpu))
		return -EINVAL;
	v = regent_hypercall(REGENT_HC_COUNTER, cpu, c->counter);
	return v < 0 ? v : sysfs_emit(buf, "%ld\n", v);
}

/*
 * What is counted: by reason of an exit (REGENT_EXIT_LIST has the names), and by enum
 * regent_cost.
 */
#define SYSFS_COSTS(X)				\
	X(IBPB, "ibpb")				\
	X(FLUSH, "flush")			\
	X(INVLPG, "invlpg")			\
	X(WRMSR, "wrmsr")			\
	X(XSAVE, "xsave")

/* They show what others run: not for everybody. */
#define SYSFS_COUNTER(nm, nr)						\
	{								\
		.attr.attr = { .name = (nm), .mode = 0400 },		\
		.attr.show = sysfs_counter_show, .counter = (nr),	\
	}
#define SYSFS_EXIT(reason, nm)						\
	[REGENT_EXIT_##reason] =					\
		SYSFS_COUNTER("exits_" #nm, REGENT_COUNTER_EXITS + REGENT_EXIT_##reason),
#define SYSFS_COST(cost, nm)						\
	[REGENT_COST_##cost] =						\
		SYSFS_COUNTER("costs_" nm, REGENT_COUNTER_COSTS + REGENT_COST_##cost),
#define SYSFS_COUNT_ONE(what, nm)	+ 1

static struct sysfs_counter sysfs_exits[] = { REGENT_EXIT_LIST(SYSFS_EXIT) };
static struct sysfs_counter sysfs_costs[] = { SYSFS_COSTS(SYSFS_COST) };

static_assert(0 SYSFS_COSTS(SYSFS_COUNT_ONE) == REGENT_COSTS, "a cost without a name");

static ssize_t sysfs_mode_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	unsigned int cpu;

	if (sysfs_cpu_of(k, &cpu))
		return -EINVAL;
	return sysfs_emit(buf, "%s\n", forward_is(cpu) ? "forwarded" : "direct");
}

static const char * const sysfs_mode_name[] = {
	[MODE_AUTO] = "auto", [MODE_DIRECT] = "direct", [MODE_FORWARDED] = "forwarded",
};

static ssize_t sysfs_mode_wanted_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	unsigned int cpu;

	if (sysfs_cpu_of(k, &cpu))
		return -EINVAL;
	return sysfs_emit(buf, "%s\n", sysfs_mode_name[mode_wanted(cpu)]);
}

/* "direct", "forwarded" or "auto" */
static ssize_t sysfs_mode_store(struct kobject *k, struct kobj_attribute *a, const char *buf,
				size_t n)
{
	int mode = sysfs_match_string(sysfs_mode_name, buf);
	int err = -ENODEV;
	unsigned int cpu;

	if (mode < 0 || sysfs_cpu_of(k, &cpu))
		return -EINVAL;
	mutex_lock(&regent_lock);
	cpus_read_lock();
	if (regent.status == REGENT_TAKEN && cpu_online(cpu))
		err = mode_want(cpu, mode);
	cpus_read_unlock();
	mutex_unlock(&regent_lock);
	return err ?: n;
}

static struct kobj_attribute sysfs_mode =
	__ATTR(mode, 0644, sysfs_mode_show, sysfs_mode_store);
static struct kobj_attribute sysfs_mode_wanted =
	__ATTR(mode_wanted, 0444, sysfs_mode_wanted_show, NULL);

#define SYSFS_EXIT_ATTR(reason, nm)	&sysfs_exits[REGENT_EXIT_##reason].attr.attr,
#define SYSFS_COST_ATTR(cost, nm)	&sysfs_costs[REGENT_COST_##cost].attr.attr,

static struct attribute *sysfs_cpu_attrs[] = {
	&sysfs_mode.attr, &sysfs_mode_wanted.attr,
	REGENT_EXIT_LIST(SYSFS_EXIT_ATTR)
	SYSFS_COSTS(SYSFS_COST_ATTR)
	NULL,
};

static const struct attribute_group sysfs_cpu_group = { .attrs = sysfs_cpu_attrs };

/* The state blob */

static ssize_t sysfs_state_read(struct file *file, struct kobject *k, struct bin_attribute *a,
				char *buf, loff_t off, size_t count)
{
	return blob_read(buf, off, count);
}

static struct bin_attribute sysfs_state = {
	.attr = { .name = "state", .mode = 0400 },
	.read = sysfs_state_read,
};

static int sysfs_add_cpus(void)
{
	unsigned int cpu;

	sysfs_cpu_dir = kcalloc(nr_cpu_ids, sizeof(*sysfs_cpu_dir), GFP_KERNEL);
	if (!sysfs_cpu_dir)
		return -ENOMEM;
	for_each_cpu(cpu, &regent_cpus) {
		char name[16];
		int err;

		scnprintf(name, sizeof(name), "cpu%u", cpu);
		sysfs_cpu_dir[cpu] = kobject_create_and_add(name, sysfs_root);
		if (!sysfs_cpu_dir[cpu])
			return -ENOMEM;
		err = sysfs_create_group(sysfs_cpu_dir[cpu], &sysfs_cpu_group);
		if (err)
			return err;
	}
	return 0;
}

void sysfs_undo(void)
{
	unsigned int cpu;

	for (cpu = 0; sysfs_cpu_dir && cpu < nr_cpu_ids; cpu++)
		kobject_put(sysfs_cpu_dir[cpu]);
	kfree(sysfs_cpu_dir);
	sysfs_cpu_dir = NULL;
	kobject_put(sysfs_root);
	sysfs_root = NULL;
}

int sysfs_do(void)
{
	int err;

	sysfs_root = kobject_create_and_add("regent", kernel_kobj);
	if (!sysfs_root)
		return -ENOMEM;
	err = sysfs_create_group(sysfs_root, &sysfs_root_group);
	if (!err)
		err = sysfs_create_bin_file(sysfs_root, &sysfs_state);
	if (!err)
		err = sysfs_add_cpus();
	if (err)
		sysfs_undo();
	return err;
}
