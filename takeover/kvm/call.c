// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asking K for a VM. K's VMs end with a takeover: what L still has of them then is dead, and
 * its numbers may be another VM's in the next one.
 */
#include <linux/cpu.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>

#include "kvm.h"

/* Counted up by every handback, when no CPU is in K any more. */
static unsigned int epoch;

/* All VMs are about to go: none of them may run any more, but K may have them still. */
static bool ending;

/* All VMs, of this takeover and of earlier ones */
static LIST_HEAD(vms);
static DEFINE_RAW_SPINLOCK(vms_lock);

/**
 * vm_known() - a new VM
 * @vm: the VM
 */
void vm_known(struct vm *vm)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vms_lock, flags);
	list_add(&vm->all, &vms);
	raw_spin_unlock_irqrestore(&vms_lock, flags);
}

/**
 * vm_unknown() - undo vm_known()
 * @vm: the VM
 */
void vm_unknown(struct vm *vm)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vms_lock, flags);
	list_del(&vm->all);
	raw_spin_unlock_irqrestore(&vms_lock, flags);
}

static void vms_wake(void)
{
	unsigned long flags;
	struct vm *vm;

	raw_spin_lock_irqsave(&vms_lock, flags);
	list_for_each_entry(vm, &vms, all)
		vm_wake(vm, REGENT_WAKE_ALL);
	raw_spin_unlock_irqrestore(&vms_lock, flags);
}

/**
 * vms_ending() - no VM may run any more: those who wait in KVM_RUN stop their vCPUs
 *
 * Any context. Until vms_ended() K has the VMs still, and notifiers have it take memory away from
 * them: a vCPU that K schedules may be running.
 */
void vms_ending(void)
{
	WRITE_ONCE(ending, true);
	vms_wake();
}

/**
 * vms_ended() - K has lost all VMs: those who wait in KVM_RUN hear of it
 *
 * Any context. No CPU is in K any more. A VM that was made since vm_end_all() is dead as well.
 */
void vms_ended(void)
{
	WRITE_ONCE(epoch, epoch + 1);
	WRITE_ONCE(ending, false);
	vms_wake();
}

/**
 * vm_epoch() - number of the current takeover
 */
unsigned int vm_epoch(void)
{
	return READ_ONCE(epoch);
}

/* Each does a bounded piece; what K cannot free, because it is about to go, goes with it. */
#define END_TRIES	100000

/**
 * vm_end_all() - K is about to go, and all VMs with it
 *
 * Process context, regent_lock held, hotplug held off. No vCPU runs afterwards: who runs one looks
 * at @ending with interrupts off, and takes visit_all()'s interrupt after it; those that K
 * schedules K stops before it frees them.
 */
void vm_end_all(void)
{
	int i;

	vms_ending();
	visit_all();
	for (i = 0; i < END_TRIES; i++) {
		if (regent_hypercall(REGENT_HC_VM_END_ALL, 0, 0) != -EBUSY)
			return;
		cond_resched();
	}
	pr_warn("K did not end all VMs\n");
}

static bool vm_is_known(const struct vm *vm)
{
	return vm->epoch == vm_epoch();
}

/**
 * vm_lives() - has K a VM still?
 * @vm: the VM
 */
bool vm_lives(const struct vm *vm)
{
	return !READ_ONCE(vm->dead) && !READ_ONCE(ending) && vm_is_known(vm);
}

/**
 * vm_exists() - may K have a VM still, which perhaps is not to run any more?
 * @vm: the VM
 */
bool vm_exists(const struct vm *vm)
{
	return vm_is_known(vm);
}

/* What ends a VM, or takes memory from it, is done for one that must not run as well. */
static bool vm_accepts(const struct vm *vm, u64 nr)
{
	switch (nr) {
	case REGENT_HC_VM_DESTROY:
	case REGENT_HC_VCPU_DESTROY:
	case REGENT_HC_VM_ZAP:
	case REGENT_HC_VM_SYNC:
		return vm_exists(vm);
	}
	return vm_lives(vm);
}

/* A CPU that has just come may not be under K yet: any other one will do. */
static long vm_call_elsewhere(struct vm *vm, u64 nr, u64 a, u64 b)
{
	long answer = -ENODEV;
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		answer = regent_hypercall_on(cpu, nr, a, b);
		if (answer != -ENODEV)
			return answer;
	}
	WRITE_ONCE(vm->dead, true);
	return -EIO;
}

/**
 * vm_call() - make a hypercall for a VM, or for one of its vCPUs
 * @vm: the VM
 * @nr: REGENT_HC_*, but not VCPU_RUN
 * @a: first argument
 * @b: second argument
 *
 * Any context with interrupts on. Return: as regent_hypercall(); -EIO when K has lost the VM.
 */
long vm_call(struct vm *vm, u64 nr, u64 a, u64 b)
{
	long answer = -EIO;

	preempt_disable();
	if (vm_accepts(vm, nr)) {
		answer = regent_hypercall(nr, a, b);
		if (answer == -ENODEV)
			answer = vm_call_elsewhere(vm, nr, a, b);
	}
	preempt_enable();
	return answer;
}

/**
 * vm_give_memory() - K needs more memory for VMs
 * @had: donated_chunks() before K said so
 *
 * Of several who come at once, one gives. Process context, no spinlock held. Return: 0 or a
 * negative errno: -ENOMEM when Linux has none for K.
 */
int vm_give_memory(unsigned int had)
{
	int err = -EIO;

	mutex_lock(&regent_lock);
	cpus_read_lock();
	if (regent.status == REGENT_TAKEN)
		err = donated_chunks() == had ? donated_give() : 0;
	cpus_read_unlock();
	mutex_unlock(&regent_lock);
	return err;
}

/**
 * vm_call_with_memory() - the same, and K may need more memory for it
 * @vm: the VM
 * @nr: REGENT_HC_*
 * @a: first argument
 * @b: second argument
 *
 * Process context, no lock of a VM's held. Return: as vm_call(); -ENOMEM when Linux has no
 * memory for K.
 */
long vm_call_with_memory(struct vm *vm, u64 nr, u64 a, u64 b)
{
	unsigned int had;
	long answer;
	int err;

	for (;;) {
		had = donated_chunks();
		answer = vm_call(vm, nr, a, b);
		if (answer != -ENOSPC)
			return answer;
		err = vm_give_memory(had);
		if (err)
			return err;
	}
}

static long vcpu_enter_here(struct vcpu *v, u64 how)
{
	long answer = -EIO;

	WRITE_ONCE(v->kicked, false);
	WRITE_ONCE(v->cpu, smp_processor_id());
	/* Either vm_kick() and vcpu_kick() see @cpu, or K sees what was done before. */
	smp_mb();
	if (!(how & REGENT_RUN_COMPLETE)) {
		how |= irqchip_enter(v);
		world_prepare(v);
	}
	if (vm_lives(v->vm))
		answer = regent_hypercall(REGENT_HC_VCPU_RUN, v->id, how);
	/* K has read the VM's memory before vm_kick() sees this. */
	smp_store_release(&v->cpu, -1);
	return answer;
}

/* What a run has left: interrupts for others, and another time for the timer */
static void vcpu_look_after(struct vcpu *v, long answer)
{
	u32 wake = v->page->wake;

	if (!vm_has_apics(v->vm))
		return;
	/* A run may have ended because it could not go on, after it had sent something. */
	v->page->wake = REGENT_WAKE_NONE;
	vm_wake(v->vm, wake);
	if (answer < 0)
		return;
	irqchip_look_after(v->vm);
	wait_set_timer(v);
}

/**
 * vcpu_enter() - run a vCPU until there is something to do
 * @v: the vCPU, locked
 * @how: REGENT_RUN_*
 *
 * Process context. Return: enum regent_vcpu_exit, or a negative errno: -EIO when K has lost
 * the VM.
 */
long vcpu_enter(struct vcpu *v, u64 how)
{
	unsigned int had;
	long answer;
	int err;

	for (;;) {
		had = donated_chunks();
		preempt_disable();
		local_irq_disable();
		/* What comes from now on makes the hypercall return. */
		answer = REGENT_VCPU_INTERRUPTED;
		if (how & REGENT_RUN_COMPLETE || (!signal_pending(current) && !need_resched()))
			answer = vcpu_enter_here(v, how);
		local_irq_enable();
		preempt_enable();
		answer = world_follow(v, answer);
		vcpu_look_after(v, answer);
		if (answer == -ENOSPC)
			err = vm_give_memory(had);
		else if (answer == -ENFILE && world_guarantee_failed(v))
			err = 0;
		else if (answer == -EBUSY || (answer == -ENODEV && cpus_entered()))
			err = signal_pending(current) ? -EINTR : (cond_resched(), 0);
		else
			break;
		if (err)
			return err;
	}
	/* K is gone, or has faulted meanwhile. */
	return answer == -ENODEV || answer == -EFAULT ? -EIO : answer;
}

/**
 * irq_send_msi() - send a message signalled interrupt to a VM's APICs
 * @vm: the VM
 * @address: of the message
 * @data: of the message
 *
 * Any context. Return: number of vCPUs that got it; -EPERM, as KVM, when nobody could take it;
 * -EAGAIN when it cannot be sent from here, but from process context; another negative errno.
 */
int irq_send_msi(struct vm *vm, u64 address, u32 data)
{
	u64 a = vm->id | (u64)data << 32;
	long answer = -EIO;

	preempt_disable();
	if (vm_lives(vm)) {
		answer = regent_hypercall(REGENT_HC_VM_MSI, a, address);
		/* A CPU that has just come, and is not under K yet */
		if (answer == -ENODEV)
			answer = irqs_disabled() ? -EAGAIN :
				 vm_call_elsewhere(vm, REGENT_HC_VM_MSI, a, address);
	}
	preempt_enable();
	if (answer < 0)
		return answer;
	vm_wake(vm, (u32)answer);
	return answer >> 32 ?: -EPERM;
}

static void vm_kicked(void *unused)
{
}

/**
 * vm_kick() - wait until no vCPU runs that may not have seen what was zapped
 * @vm: the VM
 *
 * Interrupts on; not from an interrupt. A vCPU that is entered meanwhile has seen it.
 */
void vm_kick(struct vm *vm)
{
	unsigned int i;
	int cpu;

	/* See vcpu_enter_here(): K has counted the zap before @cpu is read. */
	smp_mb();
	for (i = 0; i < VM_VCPUS; i++) {
		const struct vcpu *v;

		rcu_read_lock();
		v = READ_ONCE(vm->vcpu[i]);
		/* With vcpu_enter_here() */
		cpu = v ? smp_load_acquire(&v->cpu) : -1;
		rcu_read_unlock();
		if (cpu >= 0)
			smp_call_function_single(cpu, vm_kicked, NULL, 1);
	}
	/* Those that K schedules it makes exit by itself. */
	while (vm_call(vm, REGENT_HC_VM_SYNC, vm->id, 0) == -EBUSY)
		cpu_relax();
}
