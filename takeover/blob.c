// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state blob: made before the takeover, filled in when each CPU is taken
 * over, compared with the bare machine after the handback.
 */
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>
#include <linux/vmalloc.h>

#include "l.h"

static char *corrupt_field;
module_param(corrupt_field, charp, 0400);
MODULE_PARM_DESC(corrupt_field, "debug: NAME, falsify this field of the state blob; the handback must report it");

/* CPUs present when the blob was made: those that Regent knows. */
struct cpumask regent_cpus;

/* Guards what is in the blob; a CPU that comes online writes there, too. */
static DEFINE_MUTEX(blob_lock);

static size_t fill;	/* bytes of the blob written so far */
static struct regent_blob_field **cpu_fields;	/* by CPU number */

static void *blob_section(u32 type, u32 id, u32 count, u32 entry_size)
{
	struct regent_blob_section *s = (void *)regent.blob + fill;

	s->type = type;
	s->id = id;
	s->count = count;
	s->entry_size = entry_size;
	fill += sizeof(*s) + (size_t)count * entry_size;
	regent.blob->sections++;
	return s + 1;
}

static void blob_copy_section(u32 type, const void *from, u32 count, u32 entry_size)
{
	memcpy(blob_section(type, 0, count, entry_size), from, (size_t)count * entry_size);
}

static void blob_name_fields(struct regent_blob_field *f)
{
	unsigned int i;

	for (i = 0; i < reg_table_size; i++) {
		strscpy(f[i].name, reg_table[i].name, sizeof(f[i].name));
		f[i].cls = reg_table[i].cls;
		f[i].flags = REGENT_FIELD_ABSENT;	/* until the CPU is read */
	}
}

static size_t blob_size(void)
{
	size_t size = sizeof(struct regent_blob_header);

	size += cpumask_weight(&regent_cpus) * (sizeof(struct regent_blob_section) +
		reg_table_size * sizeof(struct regent_blob_field));
	size += 4 * sizeof(struct regent_blob_section);
	size += sizeof(struct regent_blob_field);
	size += inventory.ranges * sizeof(struct regent_blob_range);
	size += inventory.pcis * sizeof(struct regent_blob_pci);
	size += inventory.ioapics * sizeof(struct regent_blob_ioapic);
	return size;
}

/* Of the whole machine; what else there is, is in the other sections. */
static void blob_global_fields(void)
{
	struct regent_blob_field *f = blob_section(REGENT_BLOB_GLOBAL, 0, 1, sizeof(*f));

	strscpy(f->name, "ONLINE_CPUS", sizeof(f->name));
	f->cls = REGENT_FIELD_VOLATILE;
	f->found = num_online_cpus();
}

static void blob_layout(void)
{
	unsigned int cpu;

	fill = sizeof(*regent.blob);
	blob_global_fields();
	blob_copy_section(REGENT_BLOB_MEMORY, inventory.range, inventory.ranges,
			  sizeof(*inventory.range));
	blob_copy_section(REGENT_BLOB_PCI, inventory.pci, inventory.pcis,
			  sizeof(*inventory.pci));
	blob_copy_section(REGENT_BLOB_IOAPIC, inventory.ioapic, inventory.ioapics,
			  sizeof(*inventory.ioapic));
	for_each_cpu(cpu, &regent_cpus) {
		cpu_fields[cpu] = blob_section(REGENT_BLOB_CPU, cpu, reg_table_size,
					       sizeof(struct regent_blob_field));
		blob_name_fields(cpu_fields[cpu]);
	}
}

static void blob_free_cpu(struct l_cpu *c)
{
	kfree(c->exists);
	kfree(c->found);
	kfree(c->view);
	kfree(c->live);
	free_page((unsigned long)c->shared);
	memset(c, 0, sizeof(*c));
}

static int blob_alloc_cpu(struct l_cpu *c, unsigned int cpu)
{
	c->cpu = cpu;
	c->exists = kcalloc(reg_table_size, sizeof(*c->exists), GFP_KERNEL);
	c->found = kcalloc(reg_table_size, sizeof(*c->found), GFP_KERNEL);
	c->view = kcalloc(reg_table_size, sizeof(*c->view), GFP_KERNEL);
	c->live = kcalloc(reg_table_size, sizeof(*c->live), GFP_KERNEL);
	c->shared = (void *)get_zeroed_page(GFP_KERNEL);
	return c->exists && c->found && c->view && c->live && c->shared ? 0 : -ENOMEM;
}

static void blob_probe_registers(void *unused)
{
	capture_probe(this_cpu_ptr(&l_cpus));
}

static bool blob_has_field(const char *name)
{
	unsigned int i;

	for (i = 0; i < reg_table_size; i++)
		if (!strcmp(reg_table[i].name, name))
			return true;
	return false;
}

void blob_undo(void)
{
	unsigned int cpu;

	capture_cleanup();
	for_each_cpu(cpu, &regent_cpus)
		blob_free_cpu(per_cpu_ptr(&l_cpus, cpu));
	vfree(regent.blob);
	regent.blob = NULL;
	kfree(cpu_fields);
	cpu_fields = NULL;
}

int blob_do(void)
{
	unsigned int cpu;
	int err = 0;

	cpumask_copy(&regent_cpus, cpu_present_mask);
	if (corrupt_field && !blob_has_field(corrupt_field)) {
		pr_err("corrupt_field=%s: no such field; see regentctl state\n", corrupt_field);
		return -EINVAL;
	}
	for_each_cpu(cpu, &regent_cpus)
		err = err ?: blob_alloc_cpu(per_cpu_ptr(&l_cpus, cpu), cpu);
	regent.blob = vzalloc(blob_size());
	cpu_fields = kcalloc(nr_cpu_ids, sizeof(*cpu_fields), GFP_KERNEL);
	if (err || !regent.blob || !cpu_fields) {
		blob_undo();
		return -ENOMEM;
	}
	on_each_cpu(blob_probe_registers, NULL, 1);
	regent.blob->magic = REGENT_BLOB_MAGIC;
	regent.blob->version = REGENT_BLOB_VERSION;
	regent.blob->time = ktime_get_real_seconds();
	blob_layout();
	regent.blob->length = fill;
	blob_seal(regent.blob);
	err = capture_setup();
	if (err)
		blob_undo();
	return err;
}

/**
 * blob_note_found() - put what was found on a CPU into the blob
 * @cpu: a CPU that has been taken over
 *
 * Process context; regent_lock held, or CPU hotplug on its way.
 */
void blob_note_found(unsigned int cpu)
{
	const struct l_cpu *c = per_cpu_ptr(&l_cpus, cpu);
	struct regent_blob_field *f = cpu_fields[cpu];
	unsigned int i;

	mutex_lock(&blob_lock);
	for (i = 0; i < reg_table_size; i++) {
		f[i].flags = c->exists[i] ? 0 : REGENT_FIELD_ABSENT;
		f[i].found = c->found[i];
		if (corrupt_field && !strcmp(f[i].name, corrupt_field))
			f[i].found ^= 1;
	}
	blob_seal(regent.blob);
	mutex_unlock(&blob_lock);
}

static void blob_note_live(unsigned int cpu)
{
	const struct l_cpu *c = per_cpu_ptr(&l_cpus, cpu);
	struct regent_blob_field *f = cpu_fields[cpu];
	unsigned int i;

	if (!c->captured)
		return;
	for (i = 0; i < reg_table_size; i++) {
		if (f[i].flags & REGENT_FIELD_ABSENT)
			continue;
		f[i].view = c->view[i];
		f[i].live = c->live[i];
		f[i].flags |= REGENT_FIELD_HAS_VIEW | REGENT_FIELD_HAS_LIVE;
	}
}

static void blob_differs(void *ctx, const struct regent_blob_section *s,
			 const struct regent_blob_field *f)
{
	pr_warn("field %s on CPU %u: found 0x%llx now 0x%llx\n", f->name, s->id,
		f->cls == REGENT_FIELD_TRACKED ? f->view : f->found, f->live);
}

/**
 * blob_report() - compare the bare machine with the blob, and say the result
 * @cpus: number of CPUs handed back
 *
 * Process context, after the last CPU has left and was read.
 */
void blob_report(unsigned int cpus)
{
	struct blob_result r;
	unsigned int cpu;

	mutex_lock(&blob_lock);
	for_each_cpu(cpu, &regent_cpus)
		blob_note_live(cpu);
	r = blob_compare(regent.blob, blob_differs, NULL);
	if (r.same == r.compared)
		pr_info("handed back: %u CPUs, %u of %u fields as found\n",
			cpus, r.same, r.compared);
	else
		pr_warn("handed back: %u CPUs, %u of %u fields as found\n",
			cpus, r.same, r.compared);
	blob_seal(regent.blob);
	mutex_unlock(&blob_lock);
}

/**
 * blob_read() - copy a part of the blob out
 * @to: where to
 * @off: first byte
 * @count: bytes
 *
 * Process context. Return: bytes copied.
 */
ssize_t blob_read(char *to, loff_t off, size_t count)
{
	ssize_t n;

	mutex_lock(&blob_lock);
	n = memory_read_from_buffer(to, count, &off, regent.blob, regent.blob->length);
	mutex_unlock(&blob_lock);
	return n;
}
