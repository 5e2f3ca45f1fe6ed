// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guards: what keeps the takeover whole when Linux does something rare.
 *
 *	KVM			its device number is held, so it does not load
 *	NMI			K asks for a CPU back after a fault
 *	kdump, emergency	each CPU is handed back where it is
 *	reboot, kexec		handed back first
 *	suspend, hibernate	handed back first, taken over again afterwards
 *	CPU hotplug		a CPU leaves before it goes, and is taken over when
 *				it comes
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/irq_work.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/reboot.h>
#include <linux/suspend.h>
#include <linux/workqueue.h>
#include <asm/nmi.h>
#include <asm/reboot.h>

#include "l.h"

/* KVM's device number */

static int kvm_open(struct inode *inode, struct file *file)
{
	return -EBUSY;
}

static const struct file_operations kvm_fops = {
	.owner = THIS_MODULE,
	.open = kvm_open,
};

static struct miscdevice kvm_holder = {
	.minor = KVM_MINOR,
	.name = "regent-kvm",
	.fops = &kvm_fops,
	.mode = 0400,
};

/*
 * From 6.12 on kvm_amd would get as far as a warning before it meets any of
 * what Regent shows it, so it is not let in at all.
 */
static int guard_module(struct notifier_block *nb, unsigned long action, void *data)
{
	const struct module *m = data;

	if (action != MODULE_STATE_COMING ||
	    (strcmp(m->name, "kvm_amd") && strcmp(m->name, "kvm_intel")))
		return NOTIFY_DONE;
	pr_info("%s not loaded: Regent owns the virtualization extensions; rmmod regent first\n",
		m->name);
	return notifier_from_errno(-EBUSY);
}

static struct notifier_block module_guard = { .notifier_call = guard_module };

static int kvm_do(void)
{
	int err = misc_register(&kvm_holder);

	if (err == -EBUSY)
		return step_refused(regent.backend->kvm_is_loaded);
	if (err)
		return err;
	err = register_module_notifier(&module_guard);
	if (err)
		misc_deregister(&kvm_holder);
	return err;
}

static void kvm_undo(void)
{
	unregister_module_notifier(&module_guard);
	misc_deregister(&kvm_holder);
}

/* Faults of K */

static void fault_work_run(struct work_struct *work)
{
	mutex_lock(&regent_lock);
	if (regent.status == REGENT_TAKEN) {
		regent.status = REGENT_FAULTED;
		regent.why = "K faulted and gave the CPUs back; see the kernel log, then rmmod regent";
		pr_err("K faulted; every CPU is being handed back, Linux goes on\n");
	}
	mutex_unlock(&regent_lock);
	events_drain();
}

static DECLARE_WORK(fault_work, fault_work_run);

static void fault_irq_run(struct irq_work *work)
{
	schedule_work(&fault_work);
}

static DEFINE_IRQ_WORK(fault_irq, fault_irq_run);

static int guard_nmi(unsigned int type, struct pt_regs *regs)
{
	struct l_cpu *c = this_cpu_ptr(&l_cpus);
	u32 request;

	if (!c->shared)
		return NMI_DONE;
	request = xchg(&c->shared->request, 0);
	if (request & REGENT_REQUEST_LEAVE) {
		c->nmis_seen++;
		/* Whatever c->entered says: it changes just after the fact. */
		cpu_leave(c);
		irq_work_queue(&fault_irq);
		return NMI_HANDLED;
	}
	/* A second CPU faulted, too, and its NMI found nothing left to do. */
	if ((s32)(READ_ONCE(c->shared->nmis_sent) - c->nmis_seen) > 0) {
		c->nmis_seen++;
		return NMI_HANDLED;
	}
	return NMI_DONE;
}

static int nmi_do(void)
{
	return register_nmi_handler(NMI_LOCAL, guard_nmi, 0, "regent");
}

static void nmi_undo(void)
{
	unregister_nmi_handler(NMI_LOCAL, "regent");
	irq_work_sync(&fault_irq);
	cancel_work_sync(&fault_work);
}

/* Crash dump and emergency restart: on each CPU, interrupts off or an NMI */

static void guard_emergency(void)
{
	struct l_cpu *c = this_cpu_ptr(&l_cpus);

	if (c->entered)
		cpu_leave(c);
}

static int emergency_do(void)
{
	cpu_emergency_register_virt_callback(guard_emergency);
	return 0;
}

static void emergency_undo(void)
{
	cpu_emergency_unregister_virt_callback(guard_emergency);
}

/* Reboot, power-off, kexec */

static int guard_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	hand_back("handed back for a restart");
	return NOTIFY_DONE;
}

static struct notifier_block reboot_guard = {
	.notifier_call = guard_reboot,
	.priority = INT_MAX,
};

static int reboot_do(void)
{
	return register_reboot_notifier(&reboot_guard);
}

static void reboot_undo(void)
{
	unregister_reboot_notifier(&reboot_guard);
}

/* Suspend and hibernation */

static bool suspended;

static void take_again(void)
{
	mutex_lock(&regent_lock);
	cpu_hotplug_disable();
	if (suspended && regent.status == REGENT_IDLE && takeover_all())
		regent.why = "not taken over again after suspend; rmmod regent, then insmod it";
	suspended = false;
	worlds_apply();
	cpu_hotplug_enable();
	mutex_unlock(&regent_lock);
}

static int guard_pm(struct notifier_block *nb, unsigned long action, void *data)
{
	switch (action) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		suspended = regent.status == REGENT_TAKEN;
		hand_back("handed back for suspend");
		break;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		take_again();
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block pm_guard = { .notifier_call = guard_pm };

static int pm_do(void)
{
	return register_pm_notifier(&pm_guard);
}

static void pm_undo(void)
{
	unregister_pm_notifier(&pm_guard);
}

/*
 * CPU hotplug. The callbacks run on the CPU itself, before it goes and after
 * it has come; regent.status does not change meanwhile, because takeover and
 * handback hold hotplug off.
 */

static int hotplug_state, prepare_state;

static int guard_online(unsigned int cpu)
{
	struct l_cpu *c = per_cpu_ptr(&l_cpus, cpu);
	int err;

	if (regent.status != REGENT_TAKEN)
		return 0;
	if (!c->prepared) {
		pr_err("CPU %u was added after the takeover; to use it: rmmod regent, insmod it again\n",
		       cpu);
		return -ENODEV;
	}
	err = cpu_enter_one(c);
	if (err)
		pr_err("CPU %u not taken over (%pe) and so not brought online\n", cpu,
		       ERR_PTR(err));
	worlds_apply();
	return err;
}

static int guard_offline(unsigned int cpu)
{
	struct l_cpu *c = per_cpu_ptr(&l_cpus, cpu);

	if (c->entered) {
		forward_none();
		worlds_end(cpu, "the CPU went offline");
		vector_put(cpu);
		cpu_leave_one(c);
	}
	return 0;
}

/* On another CPU, before this one comes: it is bare until guard_online(). */
static int guard_prepare(unsigned int cpu)
{
	if (regent.status == REGENT_TAKEN)
		forward_none();
	return 0;
}

/* A CPU is gone, or did not come: the others are what they are to be again. */
static int guard_dead(unsigned int cpu)
{
	worlds_apply();
	return 0;
}

static int hotplug_do(void)
{
	prepare_state = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "regent:prepare",
						  guard_prepare, guard_dead);
	if (prepare_state < 0)
		return prepare_state;
	hotplug_state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "regent:online",
						  guard_online, guard_offline);
	if (hotplug_state < 0)
		cpuhp_remove_state_nocalls(prepare_state);
	return hotplug_state < 0 ? hotplug_state : 0;
}

static void hotplug_undo(void)
{
	cpuhp_remove_state_nocalls(hotplug_state);
	cpuhp_remove_state_nocalls(prepare_state);
	worlds_quiet();
}

static const struct step guards[] = {
	{ "kvm",	kvm_do,		kvm_undo },
	{ "nmi",	nmi_do,		nmi_undo },
	{ "emergency",	emergency_do,	emergency_undo },
	{ "reboot",	reboot_do,	reboot_undo },
	{ "suspend",	pm_do,		pm_undo },
	{ "hotplug",	hotplug_do,	hotplug_undo },
};

static void undo_guards(int i)
{
	while (i-- > 0)
		guards[i].undo_step();
}

int guards_do(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(guards); i++) {
		int err = guards[i].do_step();

		if (!err && step_fails(guards[i].name, -1)) {
			guards[i].undo_step();
			err = -ECANCELED;
		}
		if (err) {
			/* A refusal has said why. */
			if (err != -EOPNOTSUPP)
				pr_err("guard %s failed: %pe\n", guards[i].name, ERR_PTR(err));
			undo_guards(i);
			return err;
		}
	}
	return 0;
}

void guards_undo(void)
{
	undo_guards(ARRAY_SIZE(guards));
	/* What came last may have asked for it once more. */
	worlds_quiet();
}
