// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts the interrupts of QEMU's "edu" device: is any lost, or there twice?
 * Interrupt n+1 is raised after n has been acknowledged at the device: in turns
 * in the handler, so that it is there again at once, and a little later by a
 * timer, wherever that is. Without the device: timers, and calls on other CPUs.
 * Knows nothing of Regent.
 *
 * /sys/kernel/debug/regent_edu:
 *	run	write what to count, and how often, to start:
 *		intx N, msi N	interrupts
 *		storm N		handler entries: the device's level stays for eight
 *		timer N		high-resolution timers, the next set by the one before
 *		call N		functions called on one CPU after the other, waiting
 *		self N		interrupts that a CPU sends itself, on all but the first
 *				at once; the latest is that of timers beside them
 *		kick N		under KVM: CPUs that halt with interrupts off, as for a
 *				spinlock, and go on by a call to KVM
 *	state	"running 0|1 raised N handled N spurious N latest_ns N irq N"
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/kvm_para.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>
#include <asm/smp.h>
#include "own.h"

/* Linux 6.8 gave it this name. */
#ifndef PCI_IRQ_INTX
#define PCI_IRQ_INTX	PCI_IRQ_LEGACY
#endif

#define EDU_VENDOR	0x1234
#define EDU_DEVICE	0x11e8
#define EDU_STATUS	0x24
#define EDU_RAISE	0x60
#define EDU_ACK		0x64

#define LATER		(20 * NSEC_PER_USEC)
#define STORM		8	/* entries for one level */

/* One device; changed by its handler and its timer, which take turns. */
static struct edu {
	struct pci_dev *dev;
	void __iomem *regs;
	struct hrtimer timer;
	struct work_struct calls, kicks, own;
	call_single_data_t csd;
	bool waits;
	void (*next)(void);
	u32 entries;	/* for one interrupt of the device */
	bool has_irq;
	int irq;
	u64 wanted;
	u64 raised;
	u64 handled;
	u64 spurious;
	u64 raised_at;
	u64 latest;
} edu;

static struct dentry *dir;

static void count(void)
{
	edu.latest = max(edu.latest, ktime_get_mono_fast_ns() - edu.raised_at);
	WRITE_ONCE(edu.handled, edu.handled + 1);
}

static void raise_next(void)
{
	edu.raised += edu.entries;
	edu.raised_at = ktime_get_mono_fast_ns();
	writel(1, edu.regs + EDU_RAISE);
}

static void start_timer(void)
{
	edu.raised++;
	edu.raised_at = ktime_get_mono_fast_ns() + LATER;
	hrtimer_start(&edu.timer, LATER, HRTIMER_MODE_REL_HARD);
}

static enum hrtimer_restart edu_timer(struct hrtimer *timer)
{
	if (edu.next != start_timer) {
		raise_next();
		return HRTIMER_NORESTART;
	}
	if (ktime_get_mono_fast_ns() < edu.raised_at)
		edu.spurious++;		/* before its time */
	else
		count();
	if (edu.handled < edu.wanted)
		start_timer();
	return HRTIMER_NORESTART;
}

static void called(void *unused)
{
	count();
}

static void call_all(struct work_struct *work)
{
	unsigned int cpu = 0;

	while (edu.handled < edu.wanted) {
		cpu = cpumask_next(cpu, cpu_online_mask);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first(cpu_online_mask);
		edu.raised++;
		edu.raised_at = ktime_get_mono_fast_ns();
		if (smp_call_function_single(cpu, called, NULL, 1))
			edu.raised--;	/* gone meanwhile */
		if (edu.raised != edu.handled)
			break;
		cond_resched();
	}
}

static void start_calls(void)
{
	queue_work(system_unbound_wq, &edu.calls);
}

static void wait_for_kick(void *unused)
{
	while (READ_ONCE(edu.waits))
		asm volatile("hlt" : : : "memory");
	count();
}

static unsigned int kick_next(unsigned int cpu)
{
	unsigned int this = get_cpu();

	do {
		cpu = cpumask_next(cpu, cpu_online_mask);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first(cpu_online_mask);
	} while (cpu == this);
	WRITE_ONCE(edu.waits, true);
	if (!smp_call_function_single_async(cpu, &edu.csd))
		edu.raised++;
	udelay(100);
	edu.raised_at = ktime_get_mono_fast_ns();
	WRITE_ONCE(edu.waits, false);
	kvm_hypercall2(KVM_HC_KICK_CPU, 0, per_cpu(x86_cpu_to_apicid, cpu));
	put_cpu();
	return cpu;
}

static void kick_all(struct work_struct *work)
{
	unsigned int cpu = 0;

	while (READ_ONCE(edu.handled) < edu.wanted) {
		cpu = kick_next(cpu);
		while (READ_ONCE(edu.handled) != edu.raised) {
			if (ktime_get_mono_fast_ns() - edu.raised_at > 20 * NSEC_PER_SEC)
				return;
			cond_resched();
		}
	}
}

static void start_kicks(void)
{
	queue_work(system_unbound_wq, &edu.kicks);
}

static void own_all(struct work_struct *work)
{
	u64 handled = own_run(edu.wanted, &edu.latest);

	edu.raised = edu.wanted;
	WRITE_ONCE(edu.handled, handled);
}

static void start_own(void)
{
	queue_work(system_unbound_wq, &edu.own);
}

static irqreturn_t edu_handler(int irq, void *unused)
{
	u32 status = readl(edu.regs + EDU_STATUS);

	if (!status) {
		edu.spurious++;
		return IRQ_NONE;
	}
	count();
	if (edu.handled % edu.entries)
		return IRQ_HANDLED;	/* the level stays */
	writel(status, edu.regs + EDU_ACK);
	if (edu.handled >= edu.wanted)
		return IRQ_HANDLED;
	if (edu.handled / edu.entries % 2)
		raise_next();
	else
		hrtimer_start(&edu.timer, LATER, HRTIMER_MODE_REL_HARD);
	return IRQ_HANDLED;
}

static void free_interrupt(void)
{
	/* A pending timer raises the last one: it finds a handler. */
	while (hrtimer_cancel(&edu.timer))
		;
	cancel_work_sync(&edu.calls);
	cancel_work_sync(&edu.kicks);
	cancel_work_sync(&edu.own);
	if (!edu.has_irq)
		return;
	free_irq(edu.irq, &edu);
	pci_free_irq_vectors(edu.dev);
	edu.has_irq = false;
}

static int get_interrupt(unsigned int kind)
{
	int err;

	free_interrupt();
	err = pci_alloc_irq_vectors(edu.dev, 1, 1, kind);
	if (err < 0)
		return err;
	edu.irq = pci_irq_vector(edu.dev, 0);
	/* Its own line: so that each entry that finds nothing is one too many. */
	err = request_irq(edu.irq, edu_handler, 0, "regent_edu", &edu);
	if (err)
		pci_free_irq_vectors(edu.dev);
	edu.has_irq = !err;
	return err;
}

static int prepare(const char *kind)
{
	bool storm = !strcmp(kind, "storm");

	edu.entries = storm ? STORM : 1;
	edu.next = raise_next;
	if (storm || !strcmp(kind, "intx"))
		return get_interrupt(PCI_IRQ_INTX);
	if (!strcmp(kind, "msi"))
		return get_interrupt(PCI_IRQ_MSI);
	free_interrupt();
	if (!strcmp(kind, "timer"))
		edu.next = start_timer;
	else if (!strcmp(kind, "call"))
		edu.next = start_calls;
	else if (!strcmp(kind, "self") && num_online_cpus() > 1)
		edu.next = start_own;
	else if (!strcmp(kind, "kick") && kvm_para_available() &&
		 (cpuid_eax(KVM_CPUID_FEATURES) & BIT(KVM_FEATURE_PV_UNHALT)) &&
		 num_online_cpus() > 1)
		edu.next = start_kicks;
	else
		return -EINVAL;
	return 0;
}

static ssize_t run_write(struct file *file, const char __user *user, size_t n, loff_t *off)
{
	char text[40], kind[8];
	unsigned long long wanted;
	int err;

	if (n >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, user, n))
		return -EFAULT;
	text[n] = 0;
	if (sscanf(text, "%7s %llu", kind, &wanted) != 2 || !wanted)
		return -EINVAL;
	err = prepare(kind);
	if (err)
		return err;
	edu.wanted = wanted;
	edu.raised = 0;
	edu.handled = 0;
	edu.spurious = 0;
	edu.latest = 0;
	edu.next();
	return n;
}

static const struct file_operations run_fops = {
	.owner = THIS_MODULE,
	.write = run_write,
};

static int state_show(struct seq_file *m, void *unused)
{
	u64 handled = READ_ONCE(edu.handled);

	seq_printf(m, "running %d raised %llu handled %llu spurious %llu latest_ns %llu irq %d\n",
		   handled < edu.wanted, edu.raised, handled, edu.spurious, edu.latest,
		   edu.irq);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

static int edu_probe(struct pci_dev *dev, const struct pci_device_id *id)
{
	int err = pcim_enable_device(dev);

	if (err)
		return err;
	pci_set_master(dev);
	edu.dev = dev;
	edu.regs = pcim_iomap(dev, 0, 0);
	if (!edu.regs)
		return -ENOMEM;
	hrtimer_init(&edu.timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	edu.timer.function = edu_timer;
	INIT_WORK(&edu.calls, call_all);
	INIT_WORK(&edu.kicks, kick_all);
	INIT_WORK(&edu.own, own_all);
	own_init();
	edu.csd.func = wait_for_kick;
	dir = debugfs_create_dir("regent_edu", NULL);
	debugfs_create_file("run", 0200, dir, NULL, &run_fops);
	debugfs_create_file("state", 0400, dir, NULL, &state_fops);
	return 0;
}

static void edu_remove(struct pci_dev *dev)
{
	debugfs_remove(dir);
	free_interrupt();
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(EDU_VENDOR, EDU_DEVICE) },
	{ }
};

static struct pci_driver edu_driver = {
	.name = "regent_edu",
	.id_table = edu_ids,
	.probe = edu_probe,
	.remove = edu_remove,
};
module_pci_driver(edu_driver);

MODULE_DESCRIPTION("Test of Regent: counts interrupts of QEMU's edu device");
MODULE_LICENSE("GPL");
