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

/*
 * The ABI's null hypercall. Where nobody takes it there is #UD, and the
 * exception table makes an error of it.
 */
#define HYPERCALL(instruction)						\
	asm volatile("1: " instruction "\n"				\
		     "2:\n"						\
		     _ASM_EXTABLE_TYPE_REG(1b, 2b, EX_TYPE_EFAULT_REG, %[err]) \
		     : "+a" (result), [err] "+r" (err)			\
		     : "r" (magic) : "memory")

static __always_inline int null_vmmcall(void)
{
	register u64 magic asm("r11") = REGENT_HC_MAGIC;
	u64 result = REGENT_HC_NULL;
	int err = 0;

	HYPERCALL("vmmcall");
	return err ?: (int)result;
}

static __always_inline int null_vmcall(void)
{
	register u64 magic asm("r11") = REGENT_HC_MAGIC;
	u64 result = REGENT_HC_NULL;
	int err = 0;

	HYPERCALL("vmcall");
	return err ?: (int)result;
}

static __always_inline long test_call(u64 nr, u64 a)
{
	register u64 magic asm("r11") = REGENT_HC_MAGIC;
	u64 result = nr;
	int err = 0;

	asm volatile("1: vmmcall\n"
		     "2:\n"
		     _ASM_EXTABLE_TYPE_REG(1b, 2b, EX_TYPE_EFAULT_REG, %[err])
		     : "+a" (result), [err] "+r" (err)
		     : "r" (magic), "D" (a) : "memory");
	return err ?: (long)result;
}

static bool is_intel(void)
{
	return boot_cpu_data.x86_vendor == X86_VENDOR_INTEL;
}

static bool have_vmmcall(void)
{
	return !is_intel() && !null_vmmcall();
}

static bool have_vmcall(void)
{
	return is_intel() && !null_vmcall();
}

/* A test world that yields at once. It needs debug=1 and donated memory. */
static u64 bench_world;

static bool have_world(void)
{
	long id = is_intel() ? -ENODEV : test_call(REGENT_HC_TEST_CREATE, REGENT_TEST_BENCH);

	bench_world = id;
	return id > 0;
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

BENCH_LOOP(empty, barrier())
BENCH_LOOP(kernel_cpuid, cpuid_leaf0())
BENCH_LOOP(rdmsr_apicbase, native_read_msr(MSR_IA32_APICBASE))
BENCH_LOOP(rdmsr_efer, native_read_msr(MSR_EFER))
BENCH_LOOP(wrmsr_efer, native_write_msr(MSR_EFER, (u32)efer, efer >> 32))
BENCH_LOOP(wrmsr_kernel_gs_base, native_write_msr(MSR_KERNEL_GS_BASE, (u32)user_gs_base,
						  user_gs_base >> 32))
BENCH_LOOP(apic_read_id, apic->read(APIC_ID))
BENCH_LOOP(apic_write_lvterr, apic->write(APIC_LVTERR, lvt_error))
BENCH_LOOP(apic_write_tpr, apic->write(APIC_TASKPRI, tpr))
BENCH_LOOP(vmmcall_null, null_vmmcall())
BENCH_LOOP(vmcall_null, null_vmcall())
BENCH_LOOP(world_switch, test_call(REGENT_HC_TEST_RUN, bench_world))
BENCH_LOOP(self_ipi, irq_work_queue(&self_interrupt); irq_work_sync(&self_interrupt))
BENCH_LOOP(stop_machine, stop_machine(nothing_stopped, NULL, cpu_online_mask))

static const struct bench benches[] = {
	{ "empty", .run = run_empty },
	{ "kernel_cpuid", .run = run_kernel_cpuid },
	{ "rdmsr_apicbase", .run = run_rdmsr_apicbase },
	{ "rdmsr_efer", .run = run_rdmsr_efer },
	{ "wrmsr_efer", .prepare = have_efer, .run = run_wrmsr_efer },
	{ "wrmsr_kernel_gs_base", .prepare = have_values, .run = run_wrmsr_kernel_gs_base },
	{ "apic_read_id", .run = run_apic_read_id },
	{ "apic_write_lvterr", .prepare = have_values, .run = run_apic_write_lvterr },
	{ "apic_write_tpr", .prepare = have_values, .run = run_apic_write_tpr },
	{ "vmmcall_null", .prepare = have_vmmcall, .run = run_vmmcall_null },
	{ "vmcall_null", .prepare = have_vmcall, .run = run_vmcall_null },
	{ "world_switch", .prepare = have_world, .finish = destroy_world,
	  .run = run_world_switch },
	{ "self_ipi", .interrupts = true, .run = run_self_ipi },
	{ "stop_machine", .sleeps = true, .run = run_stop_machine },
};

static u64 measure(const struct bench *b, unsigned int n)
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
	return there;
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
