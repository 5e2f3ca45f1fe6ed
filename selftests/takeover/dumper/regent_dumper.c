// SPDX-License-Identifier: GPL-2.0-only
/*
 * An independent witness of processor state.
 *
 * Reading /sys/kernel/debug/regent_dumper/state prints, for every online CPU,
 * what that CPU itself says about its registers. It shares no code and no
 * header with Regent on purpose: a mistake in Regent's own list of state must
 * not hide here as well. Compare two readings with dumpdiff.
 */
#include <linux/cpu.h>
#include <linux/debugfs.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/utsname.h>
#include <asm/apicdef.h>
#include <asm/fixmap.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>

#include "msrs.h"

#define DUMP_BYTES	(32 * 1024)
#define HASH_START	0xcbf29ce484222325ULL
#define HASH_PRIME	0x100000001b3ULL
#define TLS_FIRST	12
#define TLS_LAST	14
#define SYSTEM_FLAGS	(X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF | \
			 X86_EFLAGS_IOPL | X86_EFLAGS_NT | X86_EFLAGS_RF | \
			 X86_EFLAGS_VM | X86_EFLAGS_AC | X86_EFLAGS_VIF | \
			 X86_EFLAGS_VIP | X86_EFLAGS_ID)

/* One CPU's lines; filled on that CPU with interrupts off, printed later. */
struct dump {
	unsigned int cpu;
	size_t used;
	char *text;
};

/* The memory operand of SGDT and SIDT. */
struct table_register {
	u16 limit;
	u64 base;
} __packed;

/* The part of the 64-bit TSS that holds state. */
struct tss_memory {
	u32 at_000;
	u64 rsp[3];
	u64 at_01c;
	u64 ist[7];
	u64 at_05c;
	u16 at_064;
	u16 iomap_base;
} __packed;

static struct dentry *dumper_dir;

static __printf(2, 3) void dump_line(struct dump *d, const char *fmt, ...)
{
	va_list args;

	d->used += scnprintf(d->text + d->used, DUMP_BYTES - d->used,
			     "cpu%u.", d->cpu);
	va_start(args, fmt);
	d->used += vscnprintf(d->text + d->used, DUMP_BYTES - d->used, fmt, args);
	va_end(args);
}

static void dump_value(struct dump *d, const char *name, u64 value)
{
	dump_line(d, "%s=0x%llx\n", name, value);
}

static u64 hash(const u8 *bytes, size_t len, u64 h)
{
	while (len--)
		h = (h ^ *bytes++) * HASH_PRIME;
	return h;
}

/*
 * Three descriptors belong to the running thread (thread-local segments):
 * they are printed one by one and left out of the hash.
 */
static void dump_gdt(struct dump *d, const struct table_register *gdtr)
{
	const u64 *gdt = (const u64 *)gdtr->base;
	unsigned int entries = (gdtr->limit + 1) / 8, i;
	u64 h = HASH_START;

	for (i = 0; i < entries; i++) {
		if (i >= TLS_FIRST && i <= TLS_LAST)
			dump_line(d, "gdt_tls%u=0x%llx\n", i - TLS_FIRST, gdt[i]);
		else
			h = hash((const u8 *)&gdt[i], 8, h);
	}
	dump_value(d, "gdt_hash", h);
}

static void dump_tss(struct dump *d, const struct tss_memory *tss)
{
	int i;

	for (i = 0; i < 3; i++)
		dump_line(d, "tss_rsp%d=0x%llx\n", i, tss->rsp[i]);
	for (i = 0; i < 7; i++)
		dump_line(d, "tss_ist%d=0x%llx\n", i + 1, tss->ist[i]);
	dump_value(d, "tss_iomap_base", tss->iomap_base);
}

/* The hidden part of TR cannot be read; its descriptor is what should be in it. */
static void dump_tr(struct dump *d, const struct table_register *gdtr)
{
	u64 low, high, base;
	u16 tr;

	asm volatile("str %0" : "=m" (tr));
	dump_value(d, "tr", tr);
	if (!tr || (tr | 7) + 8 > gdtr->limit) {
		dump_line(d, "tr_base=absent\n");
		return;
	}
	low = *(const u64 *)(gdtr->base + (tr & ~7));
	high = *(const u64 *)(gdtr->base + (tr & ~7) + 8);
	base = (low >> 16 & 0xffffff) | (low >> 56 & 0xff) << 24 | high << 32;
	dump_value(d, "tr_base", base);
	dump_value(d, "tr_limit", (low & 0xffff) | (low >> 32 & 0xf0000));
	dump_value(d, "tr_type", low >> 40 & 0xf);
	dump_value(d, "tr_busy", low >> 41 & 1);
	dump_tss(d, (const struct tss_memory *)base);
}

static void dump_tables(struct dump *d)
{
	struct table_register gdtr, idtr;
	u16 ldtr;

	asm volatile("sgdt %0" : "=m" (gdtr));
	asm volatile("sidt %0" : "=m" (idtr));
	asm volatile("sldt %0" : "=m" (ldtr));
	dump_value(d, "gdtr_base", gdtr.base);
	dump_value(d, "gdtr_limit", gdtr.limit);
	dump_gdt(d, &gdtr);
	dump_value(d, "idtr_base", idtr.base);
	dump_value(d, "idtr_limit", idtr.limit);
	dump_value(d, "idt_hash", hash((const u8 *)idtr.base, idtr.limit + 1,
				       HASH_START));
	dump_value(d, "ldtr", ldtr);
	dump_tr(d, &gdtr);
}

#define dump_selector(d, reg)					\
	do {							\
		u16 selector;					\
		asm volatile("mov %%" #reg ", %0" : "=r" (selector));	\
		dump_value(d, #reg, selector);			\
	} while (0)

static void dump_selectors(struct dump *d)
{
	dump_selector(d, cs);
	dump_selector(d, ss);
	dump_selector(d, ds);
	dump_selector(d, es);
	dump_selector(d, fs);
	dump_selector(d, gs);
}

#define dump_register(d, reg)					\
	do {							\
		u64 value;					\
		asm volatile("mov %%" #reg ", %0" : "=r" (value));	\
		dump_value(d, #reg, value);			\
	} while (0)

static void dump_xcr0(struct dump *d, u64 cr4)
{
	u32 low, high;

	if (!(cr4 & X86_CR4_OSXSAVE)) {
		dump_line(d, "xcr0=absent\n");
		return;
	}
	asm volatile("xgetbv" : "=a" (low), "=d" (high) : "c" (0));
	dump_value(d, "xcr0", (u64)high << 32 | low);
}

static void dump_pkru(struct dump *d, u64 cr4)
{
	u32 low, high;

	if (!(cr4 & X86_CR4_PKE)) {
		dump_line(d, "pkru=absent\n");
		return;
	}
	asm volatile("rdpkru" : "=a" (low), "=d" (high) : "c" (0));
	dump_value(d, "pkru", low);
}

static void dump_control(struct dump *d)
{
	u64 cr4, flags;

	dump_register(d, cr0);
	dump_register(d, cr2);
	dump_register(d, cr3);
	dump_register(d, cr4);
	dump_register(d, cr8);
	asm volatile("mov %%cr4, %0" : "=r" (cr4));
	dump_xcr0(d, cr4);
	dump_pkru(d, cr4);
	asm volatile("pushfq; popq %0" : "=r" (flags));
	dump_value(d, "rflags_system", flags & SYSTEM_FLAGS);
}

static void dump_debug(struct dump *d)
{
	dump_register(d, db0);
	dump_register(d, db1);
	dump_register(d, db2);
	dump_register(d, db3);
	dump_register(d, db6);
	dump_register(d, db7);
}

static void dump_msr(struct dump *d, const char *name, u32 msr)
{
	u64 value;

	if (rdmsrl_safe(msr, &value))
		dump_line(d, "%s=absent\n", name);
	else
		dump_value(d, name, value);
}

static void dump_msr_row(struct dump *d, const char *name, u32 first,
			 u32 stride, unsigned int count)
{
	char numbered[32];
	unsigned int i;

	for (i = 0; i < count; i++) {
		snprintf(numbered, sizeof(numbered), "%s%u", name, i);
		dump_msr(d, numbered, first + i * stride);
	}
}

/* How many variable MTRRs and machine-check banks there are, the CPU says. */
static void dump_counted_msrs(struct dump *d)
{
	u64 cap;

	if (!rdmsrl_safe(0xfe, &cap)) {
		dump_msr_row(d, "mtrr_base", 0x200, 2, cap & 0xff);
		dump_msr_row(d, "mtrr_mask", 0x201, 2, cap & 0xff);
	}
	if (!rdmsrl_safe(0x179, &cap))
		dump_msr_row(d, "mc_ctl", 0x400, 4, min_t(u32, cap & 0xff, 32));
}

static void dump_msrs(struct dump *d)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(single_msrs); i++)
		dump_msr(d, single_msrs[i].name, single_msrs[i].msr);
	for (i = 0; i < ARRAY_SIZE(msr_rows); i++)
		dump_msr_row(d, msr_rows[i].name, msr_rows[i].first,
			     msr_rows[i].stride, msr_rows[i].count);
	dump_counted_msrs(d);
}

static int read_apic(bool x2apic, u32 offset, u64 *value)
{
	if (x2apic)
		return rdmsrl_safe(0x800 + (offset >> 4), value);
	*value = readl((void __iomem *)(APIC_BASE + offset));
	return 0;
}

static void dump_apic_register(struct dump *d, bool x2apic, const char *name,
			       u32 offset)
{
	u64 value;

	if (read_apic(x2apic, offset, &value))
		dump_line(d, "%s=absent\n", name);
	else
		dump_value(d, name, value);
}

static void dump_apic_rows(struct dump *d, bool x2apic)
{
	static const struct { const char *name; u32 offset; } rows[] = {
		{ "apic_isr", 0x100 }, { "apic_tmr", 0x180 }, { "apic_irr", 0x200 },
	};
	char numbered[32];
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		for (j = 0; j < 8; j++) {
			snprintf(numbered, sizeof(numbered), "%s%u", rows[i].name, j);
			dump_apic_register(d, x2apic, numbered,
					   rows[i].offset + j * 0x10);
		}
}

/* Reading a register that is not there sets an APIC error: ask the version. */
static void dump_apic_optional(struct dump *d, bool x2apic)
{
	u64 version;

	if (read_apic(x2apic, 0x30, &version))
		return;
	if ((version >> 16 & 0xff) >= 6)
		dump_apic_register(d, x2apic, "apic_lvt_cmci", 0x2f0);
	if (!(version & BIT(31)))
		return;
	dump_apic_register(d, x2apic, "apic_ext_feature", 0x400);
	dump_apic_register(d, x2apic, "apic_ext_control", 0x410);
	dump_apic_register(d, x2apic, "apic_ext_lvt0", 0x500);
	dump_apic_register(d, x2apic, "apic_ext_lvt1", 0x510);
	dump_apic_register(d, x2apic, "apic_ext_lvt2", 0x520);
	dump_apic_register(d, x2apic, "apic_ext_lvt3", 0x530);
}

static void dump_apic(struct dump *d)
{
	static const struct { const char *name; u32 offset; } registers[] = {
		{ "apic_id", 0x20 }, { "apic_version", 0x30 }, { "apic_tpr", 0x80 },
		{ "apic_ppr", 0xa0 }, { "apic_ldr", 0xd0 }, { "apic_svr", 0xf0 },
		{ "apic_esr", 0x280 }, { "apic_icr", 0x300 },
		{ "apic_lvt_timer", 0x320 }, { "apic_lvt_thermal", 0x330 },
		{ "apic_lvt_pmc", 0x340 }, { "apic_lvt_lint0", 0x350 },
		{ "apic_lvt_lint1", 0x360 }, { "apic_lvt_error", 0x370 },
		{ "apic_timer_initial", 0x380 }, { "apic_timer_current", 0x390 },
		{ "apic_timer_divide", 0x3e0 },
	};
	bool x2apic;
	unsigned int i;
	u64 base;

	if (rdmsrl_safe(0x1b, &base) || !(base & BIT(11)))
		return;
	x2apic = base & BIT(10);
	for (i = 0; i < ARRAY_SIZE(registers); i++)
		dump_apic_register(d, x2apic, registers[i].name,
				   registers[i].offset);
	if (!x2apic) {
		dump_apic_register(d, x2apic, "apic_dfr", 0xe0);
		dump_apic_register(d, x2apic, "apic_icr_high", 0x310);
	}
	dump_apic_rows(d, x2apic);
	dump_apic_optional(d, x2apic);
}

/* Runs on the CPU it describes, with interrupts off. */
static void dump_this_cpu(void *data)
{
	struct dump *d = data;

	dump_tables(d);
	dump_selectors(d);
	dump_control(d);
	dump_debug(d);
	dump_msrs(d);
	dump_apic(d);
}

static int state_show(struct seq_file *m, void *unused)
{
	struct dump d;
	int err = 0;

	d.text = kvmalloc(DUMP_BYTES, GFP_KERNEL);
	if (!d.text)
		return -ENOMEM;
	cpus_read_lock();
	seq_printf(m, "format=1\nrelease=%s\nonline=%*pbl\n",
		   init_utsname()->release, cpumask_pr_args(cpu_online_mask));
	for_each_online_cpu(d.cpu) {
		d.used = 0;
		err = smp_call_function_single(d.cpu, dump_this_cpu, &d, 1);
		if (!err && d.used >= DUMP_BYTES - 1)
			err = -ENOSPC;
		if (err)
			break;
		seq_write(m, d.text, d.used);
	}
	cpus_read_unlock();
	kvfree(d.text);
	return err;
}
DEFINE_SHOW_ATTRIBUTE(state);

static int __init dumper_init(void)
{
	dumper_dir = debugfs_create_dir("regent_dumper", NULL);
	debugfs_create_file("state", 0400, dumper_dir, NULL, &state_fops);
	return 0;
}

static void __exit dumper_exit(void)
{
	debugfs_remove_recursive(dumper_dir);
}

module_init(dumper_init);
module_exit(dumper_exit);

MODULE_DESCRIPTION("Independent dump of processor state, for Regent's tests");
MODULE_LICENSE("GPL");
