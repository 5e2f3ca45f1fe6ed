// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guards: what keeps the takeover whole when Linux does something rare.
 *
 *	KVM			its device number is Regent's, so it does not load
 *	NMI			K asks for a CPU back after a fault
 *	kdump, emergency	each CPU is handed back where it is
 *	reboot, kexec		handed back first
 *	suspend, hibernate	handed back first, taken over again afterwards
 *	CPU hotplug		a CPU leaves before it goes, and is taken over when
 *				it comes
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/reboot.h>
#include <linux/suspend.h>
#include <linux/workqueue.h>
#include <asm/nmi.h>
#include <asm/reboot.h>

#include "l.h"
#include "run/run.h"

/* KVM */

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

static int guard_kvm_do(void)
{
	int err = kvm_device_do();

	if (err == -EBUSY)
		return step_refused(regent.backend->kvm_is_loaded);
	if (err)
		return err;
	err = register_module_notifier(&module_guard);
	if (err)
		kvm_device_undo();
	return err;
}

static void guard_kvm_undo(void)
{
	unregister_module_notifier(&module_guard);
	kvm_device_undo();
}

/* Faults of K */

/* Each CPU leaves by an NMI, at once: how often to look, 20 ms apart; a lost one runs no VM. */
#define FAULT_TRIES	250

/* No vCPU runs any more when its VM's memory is let go. */
static void guard_fault_vms(void)
{
	int i;

	vms_ending();
	for (i = 0; i < FAULT_TRIES && cpus_entered(); i++)
		msleep(20);
	vms_ended();
}

static void guard_fault_work(struct work_struct *work)
{
	mutex_lock(&regent_lock);
	if (regent.status == REGENT_TAKEN) {
		regent.status = REGENT_FAULTED;
		regent.why = "K faulted and gave the CPUs back; see the kernel log, then rmmod regent";
		pr_err("K faulted; every CPU is being handed back, Linux goes on\n");
		guard_fault_vms();
	}
	mutex_unlock(&regent_lock);
	events_drain();
}

static DECLARE_WORK(fault_work, guard_fault_work);

static void guard_fault_irq(struct irq_work *work)
{
	schedule_work(&fault_work);
}

static DEFINE_IRQ_WORK(fault_irq, guard_fault_irq);

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
	/*
	 * K wants this CPU to come by, and flush what it must. Or a second CPU faulted,
	 * too, and its NMI found nothing left to do.
	 */
	if ((s32)(READ_ONCE(c->shared->nmis_sent) - c->nmis_seen) > 0) {
		c->nmis_seen++;
		regent_hypercall(REGENT_HC_NULL, 0, 0);
		return NMI_HANDLED;
	}
	return NMI_DONE;
}

static int guard_nmi_do(void)
{
	return register_nmi_handler(NMI_LOCAL, guard_nmi, 0, "regent");
}

static void guard_nmi_undo(void)
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

static int guard_emergency_do(void)
{
	cpu_emergency_register_virt_callback(guard_emergency);
	return 0;
}

static void guard_emergency_undo(void)
{
	cpu_emergency_unregister_virt_callback(guard_emergency);
}

/* Reboot, power-off, kexec */

/* How long CPUs have to answer an interrupt; a host may be busy elsewhere. */
#define GUARD_LOST_MS	20000

/*
 * With a CPU lost in K the orderly way is closed: what shuts devices down waits for all
 * CPUs, and Linux wants to restart from CPU 0, which may be the one. So the machine is
 * restarted here and now. Switching off is left to Linux, which may manage.
 */
static int guard_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	int cpu = cpu_lost(GUARD_LOST_MS);

	if (cpu < 0) {
		hand_back("handed back for a restart");
		return NOTIFY_DONE;
	}
	events_try_drain();
	if (action == SYS_RESTART) {
		pr_emerg("CPU %d is lost in Regent: the machine restarts at once, its devices as they are\n",
			 cpu);
		emergency_restart();
	}
	pr_emerg("CPU %d is lost in Regent: if the machine does not end by itself, reset it\n",
		 cpu);
	return NOTIFY_DONE;
}

static struct notifier_block reboot_guard = {
	.notifier_call = guard_reboot,
	.priority = INT_MAX,
};

static int guard_reboot_do(void)
{
	return register_reboot_notifier(&reboot_guard);
}

static void guard_reboot_undo(void)
{
	unregister_reboot_notifier(&reboot_guard);
}

/* Suspend and hibernation */

static bool suspended;

static void guard_take_again(void)
{
	mutex_lock(&regent_lock);
	cpu_hotplug_disable();
	if (suspended && regent.status == REGENT_IDLE && takeover_all())
		regent.why = "not taken over again after suspend; rmmod regent, then insmod it";
	suspended = false;
	mode_apply_soon();
	cpu_hotplug_enable();
	mutex_unlock(&regent_lock);
}

static int guard_pm(struct notifier_block *nb, unsigned long action, void *data)
{
	switch (action) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		if (cpu_lost(GUARD_LOST_MS) >= 0)
			return notifier_from_errno(-EBUSY);
		suspended = regent.status == REGENT_TAKEN;
		hand_back("handed back for suspend");
		break;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		guard_take_again();
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block pm_guard = { .notifier_call = guard_pm };

static int guard_pm_do(void)
{
	return register_pm_notifier(&pm_guard);
}

static void guard_pm_undo(void)
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
	mode_apply_soon();
	return err;
}

static int guard_offline(unsigned int cpu)
{
	struct l_cpu *c = per_cpu_ptr(&l_cpus, cpu);

	if (c->entered) {
		forward_none();
		worlds_end_on(cpu, "the CPU went offline");
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
	mode_apply_soon();
	return 0;
}

static int guard_hotplug_do(void)
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

static void guard_hotplug_undo(void)
{
	cpuhp_remove_state_nocalls(hotplug_state);
	cpuhp_remove_state_nocalls(prepare_state);
	mode_quiet();
}

static const struct step guards[] = {
	{ "kvm",	guard_kvm_do,		guard_kvm_undo },
	{ "nmi",	guard_nmi_do,		guard_nmi_undo },
	{ "emergency",	guard_emergency_do,	guard_emergency_undo },
	{ "reboot",	guard_reboot_do,	guard_reboot_undo },
	{ "suspend",	guard_pm_do,		guard_pm_undo },
	{ "hotplug",	guard_hotplug_do,	guard_hotplug_undo },
};

int guards_do(void)
{
	return steps_do(guards, ARRAY_SIZE(guards), "guard", "");
}

void guards_undo(void)
{
	steps_undo(guards, ARRAY_SIZE(guards));
	/* What came last may have asked for it once more. */
	mode_quiet();
	donated_quiet();
}
