// SPDX-License-Identifier: GPL-2.0-only
/*
 * The services: /sys/kernel/regent, and reading K's events.
 */
#include <linux/cpu.h>
#include <linux/kobject.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <asm/tsc.h>

#include "l.h"

static struct kobject *root;
static struct kobject **cpu_dir;

static ssize_t version_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	return sysfs_emit(buf, "%s\n", REGENT_VERSION);
}

static ssize_t backend_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	return sysfs_emit(buf, "%s\n", regent.backend->name);
}

static ssize_t cpus_show(struct kobject *k, struct kobj_attribute *a, char *buf)
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

static ssize_t status_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	static const char * const word[] = {
		[REGENT_IDLE] = "handed back: ", [REGENT_TAKEN] = "taken over",
		[REGENT_FAULTED] = "faulted: ",
	};
	const char *why = READ_ONCE(regent.why);

	return sysfs_emit(buf, "%s%s\n", word[regent.status], why ?: "");
}

static ssize_t pause_takeover_ns_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	return sysfs_emit(buf, "%llu\n", regent.pause_takeover_ns);
}

static ssize_t pause_handback_ns_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	return sysfs_emit(buf, "%llu\n", regent.pause_handback_ns);
}

static ssize_t memory_kb_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	return sysfs_emit(buf, "%lu\n", donated_kb());
}

/* One of K's counters, of all CPUs: the sum, or the largest. */
static ssize_t all_cpus(char *buf, u64 counter, bool largest, bool ticks)
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

static ssize_t entry_max_ns_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	return all_cpus(buf, REGENT_COUNTER_ENTRY_MAX, true, true);
}

static ssize_t hidden_reads_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	return all_cpus(buf, REGENT_COUNTER_HIDDEN_READS, false, false);
}

static ssize_t hidden_writes_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	return all_cpus(buf, REGENT_COUNTER_HIDDEN_WRITES, false, false);
}

/* Is K's text what was loaded? */
static ssize_t image_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	long crc = regent_hypercall(REGENT_HC_CHECK, 0, 0);

	if (crc < 0)
		return crc;
	return sysfs_emit(buf, "%s\n", crc == regent.image_crc ? "intact" : "damaged");
}

#define RO(name) static struct kobj_attribute attr_##name = __ATTR_RO(name)
RO(version);
RO(backend);
RO(cpus);
RO(status);
RO(pause_takeover_ns);
RO(pause_handback_ns);
RO(memory_kb);
RO(entry_max_ns);
RO(hidden_reads);
RO(hidden_writes);
RO(image);

static struct attribute *root_attrs[] = {
	&attr_version.attr, &attr_backend.attr, &attr_cpus.attr, &attr_status.attr,
	&attr_pause_takeover_ns.attr, &attr_pause_handback_ns.attr,
	&attr_memory_kb.attr, &attr_entry_max_ns.attr, &attr_hidden_reads.attr,
	&attr_hidden_writes.attr, &attr_image.attr, NULL,
};

static const struct attribute_group root_group = { .attrs = root_attrs };

/* cpuN/exits_REASON, cpuN/costs_WHAT */

struct counter_attribute {
	struct kobj_attribute attr;
	unsigned int counter;
};

static int cpu_of_dir(const struct kobject *k, unsigned int *cpu)
{
	return kstrtouint(kobject_name(k) + strlen("cpu"), 10, cpu) ? -EINVAL : 0;
}

static ssize_t counter_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	struct counter_attribute *c = container_of(a, struct counter_attribute, attr);
	unsigned int cpu;
	long v;

	if (cpu_of_dir(k, &cpu))
		return -EINVAL;
	v = regent_hypercall(REGENT_HC_COUNTER, cpu, c->counter);
	return v < 0 ? v : sysfs_emit(buf, "%ld\n", v);
}

#define COUNTER(nm, nr)							\
	static struct counter_attribute nm = {				\
		.attr = __ATTR(nm, 0444, counter_show, NULL), .counter = nr,	\
	}
#define EXITS(nm, rsn)	COUNTER(exits_##nm, REGENT_COUNTER_EXITS + REGENT_EXIT_##rsn)
#define COSTS(nm, what)	COUNTER(costs_##nm, REGENT_COUNTER_COSTS + REGENT_COST_##what)

EXITS(hypercall, HYPERCALL);
EXITS(outer_call, OUTER_CALL);
EXITS(msr, MSR);
EXITS(nested_fault, NESTED_FAULT);
EXITS(virt_insn, VIRT_INSN);
EXITS(interrupt, INTERRUPT);
EXITS(window, WINDOW);
EXITS(apic, APIC);
EXITS(ioapic, IOAPIC);
EXITS(halt, HALT);
EXITS(mwait, MWAIT);
EXITS(pause, PAUSE);
EXITS(cpuid, CPUID);
EXITS(control, CONTROL);
EXITS(nmi, NMI);
EXITS(slice, SLICE);
EXITS(other, OTHER);

COSTS(ibpb, IBPB);
COSTS(flush, FLUSH);
COSTS(invlpg, INVLPG);
COSTS(wrmsr, WRMSR);
COSTS(xsave, XSAVE);

static ssize_t mode_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	unsigned int cpu;

	if (cpu_of_dir(k, &cpu))
		return -EINVAL;
	return sysfs_emit(buf, "%s\n", forward_is(cpu) ? "forwarded" : "direct");
}

static const char * const mode_name[] = {
	[FORWARD_AUTO] = "auto", [FORWARD_OFF] = "direct", [FORWARD_ON] = "forwarded",
};

static ssize_t mode_wanted_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	unsigned int cpu;

	if (cpu_of_dir(k, &cpu))
		return -EINVAL;
	return sysfs_emit(buf, "%s\n", mode_name[forward_wanted(cpu)]);
}

/* "direct", "forwarded" or "auto" */
static ssize_t mode_store(struct kobject *k, struct kobj_attribute *a, const char *buf,
			  size_t n)
{
	int mode = sysfs_match_string(mode_name, buf);
	int err = -ENODEV;
	unsigned int cpu;

	if (mode < 0 || cpu_of_dir(k, &cpu))
		return -EINVAL;
	mutex_lock(&regent_lock);
	cpus_read_lock();
	if (regent.status == REGENT_TAKEN && cpu_online(cpu))
		err = forward_want(cpu, mode);
	cpus_read_unlock();
	mutex_unlock(&regent_lock);
	return err ?: n;
}

static struct kobj_attribute attr_mode = __ATTR_RW(mode);
static struct kobj_attribute attr_mode_wanted = __ATTR_RO(mode_wanted);

static struct attribute *cpu_attrs[] = {
	&exits_hypercall.attr.attr, &exits_outer_call.attr.attr, &exits_msr.attr.attr,
	&exits_nested_fault.attr.attr, &exits_virt_insn.attr.attr,
	&exits_interrupt.attr.attr, &exits_window.attr.attr, &exits_apic.attr.attr,
	&exits_ioapic.attr.attr, &exits_halt.attr.attr, &exits_mwait.attr.attr,
	&exits_pause.attr.attr, &exits_cpuid.attr.attr, &exits_control.attr.attr,
	&exits_nmi.attr.attr, &exits_slice.attr.attr, &exits_other.attr.attr,
	&costs_ibpb.attr.attr, &costs_flush.attr.attr, &costs_invlpg.attr.attr,
	&costs_wrmsr.attr.attr, &costs_xsave.attr.attr,
	&attr_mode.attr, &attr_mode_wanted.attr, NULL,
};

static const struct attribute_group cpu_group = { .attrs = cpu_attrs };

/* The state blob */

static ssize_t state_read(struct file *file, struct kobject *k, struct bin_attribute *a,
			  char *buf, loff_t off, size_t count)
{
	return blob_read(buf, off, count);
}

static struct bin_attribute attr_state = {
	.attr = { .name = "state", .mode = 0400 },
	.read = state_read,
};

static int add_cpus(void)
{
	unsigned int cpu;

	cpu_dir = kcalloc(nr_cpu_ids, sizeof(*cpu_dir), GFP_KERNEL);
	if (!cpu_dir)
		return -ENOMEM;
	for_each_cpu(cpu, &regent_cpus) {
		char name[16];
		int err;

		scnprintf(name, sizeof(name), "cpu%u", cpu);
		cpu_dir[cpu] = kobject_create_and_add(name, root);
		if (!cpu_dir[cpu])
			return -ENOMEM;
		err = sysfs_create_group(cpu_dir[cpu], &cpu_group);
		if (err)
			return err;
	}
	return 0;
}

static void remove_sysfs(void)
{
	unsigned int cpu;

	for (cpu = 0; cpu_dir && cpu < nr_cpu_ids; cpu++)
		kobject_put(cpu_dir[cpu]);
	kfree(cpu_dir);
	cpu_dir = NULL;
	kobject_put(root);
	root = NULL;
}

static int add_sysfs(void)
{
	int err;

	root = kobject_create_and_add("regent", kernel_kobj);
	if (!root)
		return -ENOMEM;
	err = sysfs_create_group(root, &root_group);
	if (!err)
		err = sysfs_create_bin_file(root, &attr_state);
	if (!err)
		err = add_cpus();
	if (err)
		remove_sysfs();
	return err;
}

int services_do(void)
{
	int err = add_sysfs();

	if (err)
		return err;
	err = events_do();
	if (err)
		goto no_events;
	err = worlds_do();
	if (err)
		goto no_worlds;
	debug_do();
	return 0;

no_worlds:
	events_undo();
no_events:
	remove_sysfs();
	return err;
}

void services_undo(void)
{
	debug_undo();
	worlds_undo();
	events_undo();
	remove_sysfs();
}
