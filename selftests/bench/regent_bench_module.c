// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a user program cannot execute, timed in the kernel: reading the file
 * /sys/kernel/debug/regent_bench/OP runs OP many times with interrupts off and
 * prints "TICKS ITERATIONS", or "absent". The program regent_bench reads them.
 */
#include <linux/debugfs.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/stop_machine.h>
#include <asm/apic.h>
#include <asm/asm.h>
#include <asm/hardirq.h>
#include <asm/irq_vectors.h>
#include <asm/msr.h>
#include <asm/processor.h>

/* The one header of Regent's that is needed: its hypercall ABI. */
#include <regent/abi/hypercall.h>

static unsigned int iterations = 1000;
module_param(iterations, uint, 0644);

struct bench {
	const char *name;
	bool interrupts;		/* run with interrupts on */
	bool sleeps;
	bool (*prepare)(void);		/* is it there? may be NULL */
	void (*finish)(void);		/* undo that; may be NULL */
	bool (*done)(unsigned int n);	/* did they all happen? may be NULL */
	u64 (*run)(unsigned int n);
};

/* Each operation has a loop of its own: no indirect call is in the way. */
#define BENCH_LOOP(op, body)					\
	static u64 run_##op(unsigned int n)			\
	{							\
		u64 start = rdtsc_ordered();			\
								\
		while (n--) {					\
			body;					\
			barrier();				\
		}						\
		return rdtsc_ordered() - start;			\
	}

static u64 efer;
static u64 user_gs_base;
static u32 lvt_error;
static u32 tpr;
static u32 timer_count;		/* what is left of it */
static u32 own_id;

/* No APIC has it; 0xff would be all. */
#define ID_OF_NOBODY	0xfe

static u64 read_msr(u32 msr)
{
	u64 value = 0;

	rdmsrl_safe(msr, &value);
	return value;
}

/* Every register is written with the value that it has. */
static bool have_efer(void)
{
	efer = read_msr(MSR_EFER);
	return true;
}

static bool have_values(void)
{
	user_gs_base = read_msr(MSR_KERNEL_GS_BASE);
	lvt_error = apic->read(APIC_LVTERR);
	tpr = apic->read(APIC_TASKPRI);
	return true;
}

/* Always armed, so that all of the work is there to do. */
static bool have_timer(void)
{
	u32 lvt = apic->read(APIC_LVTT);

	timer_count = apic->read(APIC_TMCCT);
	return !(lvt & (APIC_LVT_TIMER_PERIODIC | APIC_LVT_TIMER_TSCDEADLINE));
}

/* Linux's next tick is late by what the measurement took. */
static void restore_timer(void)
{
	apic->write(APIC_TMICT, timer_count);
}

static bool have_icr(void)
{
	own_id = apic->read(APIC_ID) >> 24;
	return !x2apic_enabled();
}

/*
 * A hypercall by the ABI. Where nobody takes it there is #UD, and the exception
 * table makes an error of it. What is not loaded does not count.
 */
#define HYPERCALL(nr, inputs...)						\
({										\
	register u64 magic asm("r11") = REGENT_HC_MAGIC;			\
	u64 result = (nr);							\
	int err = 0;								\
										\
	asm volatile("1: " ALTERNATIVE("vmcall", "vmmcall", X86_FEATURE_VMMCALL) "\n" \
		     "2:\n"							\
		     _ASM_EXTABLE_TYPE_REG(1b, 2b, EX_TYPE_EFAULT_REG, %[err])	\
		     : "+a" (result), [err] "+r" (err)				\
		     : "r" (magic), ##inputs : "memory");			\
	err ?: (long)result;							\
})

static __always_inline long null_call(void)
{
	return HYPERCALL(REGENT_HC_NULL);
}

static __always_inline long test_call2(u64 nr, u64 a, u64 b)
{
	return HYPERCALL(nr, "D" (a), "S" (b));
}

static __always_inline long test_call(u64 nr, u64 a)
{
	return test_call2(nr, a, 0);
}

static bool have_regent(void)
{
	return !null_call();
}

/* A test world that yields at once. It needs debug=1 and donated memory. */
static u64 bench_world;
static long switches_before;

static bool have_world(void)
{
	long id = test_call(REGENT_HC_TEST_CREATE, REGENT_TEST_BENCH);

	bench_world = id;
	switches_before = 0;
	return id > 0;
}

/*
 * It does not run while an interrupt is pending for Linux, which one may be
 * meanwhile, on a forwarded CPU: Linux has them off.
 */
static bool world_ran(unsigned int n)
{
	long now = test_call2(REGENT_HC_TEST_INFO, bench_world, REGENT_TEST_SWITCHES);
	bool all = now - switches_before == n;

	switches_before = now;
	return all;
}

/* What is part of each switch, done without one. */
static bool have_parts(void)
{
	return have_world() && !test_call(REGENT_HC_TEST_PART, REGENT_PART_NONE);
}

static void destroy_world(void)
{
	test_call(REGENT_HC_TEST_DESTROY, bench_world);
}

/* cpuid_eax() goes through memory, which would count. */
static __always_inline void cpuid_leaf0(void)
{
	u32 a = 0, b, c = 0, d;

	asm volatile("cpuid" : "+a" (a), "=b" (b), "+c" (c), "=d" (d));
}

static void nothing(struct irq_work *work)
{
}

static DEFINE_IRQ_WORK(self_interrupt, nothing);

static int nothing_stopped(void *unused)
{
	return 0;
}

/* By its number: unlike a shorthand, it comes back as any interrupt does. */
static void send(u32 id)
{
	apic->write(APIC_ICR2, id << 24);
	apic->write(APIC_ICR, APIC_DM_FIXED | IRQ_WORK_VECTOR);
}

/* With nothing queued, the handler only counts. */
static void send_and_take(void)
{
	unsigned int before = this_cpu_read(irq_stat.apic_irq_work_irqs);

	send(own_id);
	while (this_cpu_read(irq_stat.apic_irq_work_irqs) == before)
		cpu_relax();
}

BENCH_LOOP(empty, barrier())
BENCH_LOOP(kernel_cpuid, cpuid_leaf0())
BENCH_LOOP(rdmsr_apicbase, native_read_msr(MSR_IA32_APICBASE))
/* As all of Linux does it, its modules too: the instruction is in the kernel's image. */
BENCH_LOOP(rdmsr_efer, rdmsrl(MSR_EFER, efer))
BENCH_LOOP(wrmsr_efer, wrmsrl(MSR_EFER, efer))
BENCH_LOOP(rdmsr_efer_module, native_read_msr(MSR_EFER))
BENCH_LOOP(wrmsr_kernel_gs_base, native_write_msr(MSR_KERNEL_GS_BASE, (u32)user_gs_base,
						  user_gs_base >> 32))
BENCH_LOOP(apic_read_id, apic->read(APIC_ID))
BENCH_LOOP(apic_write_lvterr, apic->write(APIC_LVTERR, lvt_error))
BENCH_LOOP(apic_write_tpr, apic->write(APIC_TASKPRI, tpr))
BENCH_LOOP(apic_write_timer, apic->write(APIC_TMICT, timer_count | 1 << 30))
BENCH_LOOP(ipi_sent, send(ID_OF_NOBODY))
BENCH_LOOP(ipi_taken, send_and_take())
BENCH_LOOP(null_call, null_call())
BENCH_LOOP(world_switch, test_call(REGENT_HC_TEST_RUN, bench_world))
BENCH_LOOP(part_none, test_call(REGENT_HC_TEST_PART, REGENT_PART_NONE))
BENCH_LOOP(part_xsave, test_call(REGENT_HC_TEST_PART, REGENT_PART_XSAVE))
BENCH_LOOP(part_mitigations, test_call(REGENT_HC_TEST_PART, REGENT_PART_MITIGATIONS))
BENCH_LOOP(self_ipi, irq_work_queue(&self_interrupt); irq_work_sync(&self_interrupt))
BENCH_LOOP(stop_machine, stop_machine(nothing_stopped, NULL, cpu_online_mask))

static const struct bench benches[] = {
	{ "empty", .run = run_empty },
	{ "kernel_cpuid", .run = run_kernel_cpuid },
	{ "rdmsr_apicbase", .run = run_rdmsr_apicbase },
	{ "rdmsr_efer", .run = run_rdmsr_efer },
	{ "rdmsr_efer_module", .run = run_rdmsr_efer_module },
	{ "wrmsr_efer", .prepare = have_efer, .run = run_wrmsr_efer },
	{ "wrmsr_kernel_gs_base", .prepare = have_values, .run = run_wrmsr_kernel_gs_base },
	{ "apic_read_id", .run = run_apic_read_id },
	{ "apic_write_lvterr", .prepare = have_values, .run = run_apic_write_lvterr },
	{ "apic_write_tpr", .prepare = have_values, .run = run_apic_write_tpr },
	{ "apic_write_timer", .prepare = have_timer, .finish = restore_timer,
	  .run = run_apic_write_timer },
	{ "ipi_sent", .prepare = have_icr, .interrupts = true, .run = run_ipi_sent },
	{ "ipi_taken", .prepare = have_icr, .interrupts = true, .run = run_ipi_taken },
	{ "null_call", .prepare = have_regent, .run = run_null_call },
	{ "world_switch", .prepare = have_world, .finish = destroy_world,
	  .done = world_ran, .run = run_world_switch },
	{ "part_none", .prepare = have_parts, .finish = destroy_world, .run = run_part_none },
	{ "part_xsave", .prepare = have_parts, .finish = destroy_world,
	  .run = run_part_xsave },
	{ "part_mitigations", .prepare = have_parts, .finish = destroy_world,
	  .run = run_part_mitigations },
	{ "self_ipi", .interrupts = true, .run = run_self_ipi },
	{ "stop_machine", .sleeps = true, .run = run_stop_machine },
};

static u64 measure_once(const struct bench *b, unsigned int n)
{
	unsigned long flags;
	u64 ticks;

	if (b->interrupts)
		return b->run(n);
	local_irq_save(flags);
	ticks = b->run(n);
	local_irq_restore(flags);
	return ticks;
}

/* The first of some that was whole; else the time of none. */
static u64 measure(const struct bench *b, unsigned int n)
{
	int tries = 100;
	u64 ticks;

	do {
		ticks = measure_once(b, n);
		if (!b->done || b->done(n))
			return ticks;
	} while (--tries);
	return U64_MAX;
}

/* On one CPU, what prepare() has found is still true in run(). */
static bool measure_here(const struct bench *b, unsigned int n, u64 *ticks)
{
	bool there;

	preempt_disable();
	there = !b->prepare || b->prepare();
	if (there)
		*ticks = measure(b, n);
	if (there && b->finish)
		b->finish();
	preempt_enable();
	return there && *ticks != U64_MAX;
}

static int bench_show(struct seq_file *m, void *unused)
{
	const struct bench *b = m->private;
	unsigned int n = iterations;
	bool there = true;
	u64 ticks = 0;

	if (b->sleeps)
		ticks = b->run(n);
	else
		there = measure_here(b, n, &ticks);
	if (there)
		seq_printf(m, "%llu %u\n", ticks, n);
	else
		seq_puts(m, "absent\n");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(bench);

static struct dentry *bench_dir;

static int __init bench_init(void)
{
	unsigned int i;

	bench_dir = debugfs_create_dir("regent_bench", NULL);
	for (i = 0; i < ARRAY_SIZE(benches); i++)
		debugfs_create_file(benches[i].name, 0400, bench_dir,
				    (void *)&benches[i], &bench_fops);
	return 0;
}

static void __exit bench_exit(void)
{
	debugfs_remove_recursive(bench_dir);
	irq_work_sync(&self_interrupt);
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("Privileged operations to measure, for Regent's benchmark");
MODULE_LICENSE("GPL");
