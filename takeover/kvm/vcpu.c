// SPDX-License-Identifier: GPL-2.0-only
/* A vCPU's descriptor. */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <asm/tsc.h>

#include "kvm.h"

#define APIC_BASE_RESET	0xfee00800ull
#define APIC_BASE_BSP	0x100ull

static long vcpu_ioctl_regs(struct vcpu *v, unsigned int nr, void __user *user)
{
	struct kvm_regs regs;
	int err;

	if (nr == KVM_GET_REGS) {
		err = state_get_regs(v, &regs);
		return err ?: copy_to_user(user, &regs, sizeof(regs)) ? -EFAULT : 0;
	}
	if (copy_from_user(&regs, user, sizeof(regs)))
		return -EFAULT;
	return state_set_regs(v, &regs);
}

static long vcpu_ioctl_sregs(struct vcpu *v, unsigned int nr, void __user *user)
{
	struct kvm_sregs sregs;
	int err;

	if (nr == KVM_GET_SREGS) {
		err = state_get_sregs(v, &sregs);
		return err ?: copy_to_user(user, &sregs, sizeof(sregs)) ? -EFAULT : 0;
	}
	if (copy_from_user(&sregs, user, sizeof(sregs)))
		return -EFAULT;
	return state_set_sregs(v, &sregs);
}

static long vcpu_ioctl_sigmask(struct vcpu *v, struct kvm_signal_mask __user *user)
{
	u32 len;

	v->masked = false;
	if (!user)
		return 0;
	if (get_user(len, &user->len))
		return -EFAULT;
	if (len != sizeof(v->sigset))
		return -EINVAL;
	if (copy_from_user(&v->sigset, user->sigset, sizeof(v->sigset)))
		return -EFAULT;
	sigdelsetmask(&v->sigset, sigmask(SIGKILL) | sigmask(SIGSTOP));
	v->masked = true;
	return 0;
}

/* KVM_INTERRUPT: the last one counts, and is taken when the vCPU can. */
static long vcpu_ioctl_interrupt(struct vcpu *v, const struct kvm_interrupt __user *user)
{
	struct kvm_interrupt irq;

	if (copy_from_user(&irq, user, sizeof(irq)))
		return -EFAULT;
	if (irq.irq > 255)
		return -EINVAL;
	if (v->vm->irqchip)
		return -ENXIO;
	/* As KVM: what the VMM has acknowledged already must not be lost. */
	if (vm_has_apics(v->vm) && (v->page->irq || v->page->irq_queued))
		return -EEXIST;
	v->page->irq = REGENT_IRQ_VALID | irq.irq;
	return 0;
}

/* What TPR accesses report is for processors without CR8 in 32-bit code: none is ever reported. */
static long vcpu_ioctl_tpr(struct kvm_tpr_access_ctl __user *user)
{
	struct kvm_tpr_access_ctl ctl;

	if (copy_from_user(&ctl, user, sizeof(ctl)))
		return -EFAULT;
	if (ctl.flags)
		return -EINVAL;
	ctl.enabled = 0;
	return copy_to_user(user, &ctl, sizeof(ctl)) ? -EFAULT : 0;
}

static long vcpu_ioctl_state(struct vcpu *v, unsigned int nr, void __user *user)
{
	switch (nr) {
	case KVM_GET_FPU:
	case KVM_SET_FPU:
		return fpu_ioctl(v, nr == KVM_SET_FPU, user);
	case KVM_GET_XSAVE:
		return fpu_get_xsave(v, user, sizeof(struct kvm_xsave));
	case KVM_GET_XSAVE2:
		return fpu_get_xsave(v, user, fpu_xsave_size());
	case KVM_SET_XSAVE:
		return fpu_set_xsave(v, user);
	case KVM_GET_XCRS:
	case KVM_SET_XCRS:
		return fpu_ioctl_xcrs(v, nr == KVM_SET_XCRS, user);
	case KVM_GET_DEBUGREGS:
	case KVM_SET_DEBUGREGS:
		return fpu_ioctl_debugregs(v, nr == KVM_SET_DEBUGREGS, user);
	case KVM_GET_VCPU_EVENTS:
	case KVM_SET_VCPU_EVENTS:
		return events_ioctl(v, nr == KVM_SET_VCPU_EVENTS, user);
	case KVM_GET_MP_STATE:
	case KVM_SET_MP_STATE:
		return events_ioctl_mp(v, nr == KVM_SET_MP_STATE, user);
	case KVM_GET_LAPIC:
	case KVM_SET_LAPIC:
		return events_ioctl_apic(v, nr == KVM_SET_LAPIC, user);
	}
	return -ENOTTY;
}

static long vcpu_ioctl_locked(struct vcpu *v, unsigned int nr, void __user *user)
{
	switch (nr) {
	case KVM_RUN:
		return user ? -EINVAL : run_vcpu(v);
	case KVM_GET_REGS:
	case KVM_SET_REGS:
		return vcpu_ioctl_regs(v, nr, user);
	case KVM_GET_SREGS:
	case KVM_SET_SREGS:
		return vcpu_ioctl_sregs(v, nr, user);
	case KVM_SET_CPUID2:
		return state_set_cpuid(v, user);
	case KVM_INTERRUPT:
		return vcpu_ioctl_interrupt(v, user);
	case KVM_SET_SIGNAL_MASK:
		return vcpu_ioctl_sigmask(v, user);
	case KVM_GET_MSRS:
	case KVM_SET_MSRS:
		return msr_ioctl(v, nr == KVM_SET_MSRS, user);
	case KVM_X86_SETUP_MCE:
		return msr_setup_mce(v, user);
	case KVM_NMI:
		return events_nmi(v);
	case KVM_GET_TSC_KHZ:
		return tsc_khz;
	case KVM_SET_TSC_KHZ:
		/* As KVM without TSC scaling: within 250 of a million it is the same. */
		return abs((long)(unsigned long)user - (long)tsc_khz) > tsc_khz / 4000 ?
		       -EINVAL : 0;
	case KVM_TPR_ACCESS_REPORTING:
		return vcpu_ioctl_tpr(user);
	case KVM_SET_VAPIC_ADDR:
		return vm_has_apics(v->vm) ? 0 : -EINVAL;
	}
	return vcpu_ioctl_state(v, nr, user);
}

static long vcpu_ioctl(struct file *file, unsigned int nr, unsigned long arg)
{
	struct vcpu *v = file->private_data;
	long err;

	if (v->vm->mm != current->mm)
		return -EIO;
	if (mutex_lock_killable(&v->lock))
		return -EINTR;
	err = vcpu_ioctl_locked(v, nr, (void __user *)arg);
	mutex_unlock(&v->lock);
	return err;
}

static vm_fault_t vcpu_mmap_fault(struct vm_fault *fault)
{
	struct vcpu *v = fault->vma->vm_file->private_data;
	unsigned long page;

	if (fault->pgoff >= VCPU_RUN_PAGES)
		return VM_FAULT_SIGBUS;
	page = array_index_nospec(fault->pgoff, VCPU_RUN_PAGES);
	fault->page = page == KVM_COALESCED_MMIO_PAGE_OFFSET ?
		virt_to_page(v->vm->ioevents.ring) :
		virt_to_page((u8 *)v->run + page * PAGE_SIZE);
	get_page(fault->page);
	return 0;
}

static const struct vm_operations_struct vcpu_vm_ops = { .fault = vcpu_mmap_fault };

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_ops = &vcpu_vm_ops;
	return 0;
}

static void vcpu_free(struct vcpu *v)
{
	free_page((unsigned long)v->page);
	free_pages_exact(v->run, VCPU_OWN_PAGES * PAGE_SIZE);
	kfree(v);
}

static void vcpu_end(struct vcpu *v)
{
	while (vm_call(v->vm, REGENT_HC_VCPU_DESTROY, v->id, 0) == -EBUSY)
		cond_resched();
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	struct vcpu *v = file->private_data;
	struct vm *vm = v->vm;
	unsigned int i;

	mutex_lock(&vm->lock);
	for (i = 0; i < VM_VCPUS; i++)
		if (vm->vcpu[i] == v)
			WRITE_ONCE(vm->vcpu[i], NULL);
	mutex_unlock(&vm->lock);
	world_unknown(v);
	vcpu_end(v);
	synchronize_rcu();	/* vm_kick() and others may still look at it */
	wait_free(v);
	vcpu_free(v);
	vm_put(vm);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vcpu_ioctl,
	.mmap = vcpu_mmap,
	.release = vcpu_release,
	.llseek = noop_llseek,
};

static struct vcpu *vcpu_alloc(struct vm *vm)
{
	struct vcpu *v = kzalloc(sizeof(*v), GFP_KERNEL_ACCOUNT);

	if (!v)
		return NULL;
	v->run = alloc_pages_exact(VCPU_OWN_PAGES * PAGE_SIZE, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	v->page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!v->run || !v->page) {
		if (v->run)
			free_pages_exact(v->run, VCPU_OWN_PAGES * PAGE_SIZE);
		free_page((unsigned long)v->page);
		kfree(v);
		return NULL;
	}
	mutex_init(&v->lock);
	v->vm = vm;
	v->cpu = -1;
	wait_init(v);
	world_init(v);
	msr_init(v);
	return v;
}

/* vm->lock held */
static int vcpu_open(struct vm *vm, unsigned long number)
{
	struct vcpu *v = vcpu_alloc(vm);
	long id;
	int fd;

	if (!v)
		return -ENOMEM;
	v->number = number;
	v->page->number = number;
	v->page->apic_id = number;
	v->page->has_apic = vm_has_apics(vm);
	id = vm_call_with_memory(vm, REGENT_HC_VCPU_CREATE, vm->id, virt_to_phys(v->page));
	if (id < 0) {
		vcpu_free(v);
		return id;
	}
	v->id = id;
	v->apic_base = APIC_BASE_RESET | (number ? 0 : APIC_BASE_BSP);
	kref_get(&vm->ref);
	WRITE_ONCE(vm->vcpu[number], v);
	fd = world_known(v);
	if (!fd)
		fd = anon_inode_getfd("kvm-vcpu", &vcpu_fops, v, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	WRITE_ONCE(vm->vcpu[number], NULL);
	world_unknown(v);
	vcpu_end(v);
	synchronize_rcu();
	wait_free(v);
	vcpu_free(v);
	vm_put(vm);
	return fd;
}

/**
 * vcpu_make() - KVM_CREATE_VCPU
 * @vm: the VM
 * @number: the vCPU's number, any
 *
 * Return: a descriptor; -EINVAL for a number that is too large, -EEXIST when there is one.
 */
int vcpu_make(struct vm *vm, unsigned long number)
{
	int fd;

	if (number >= VM_VCPUS)
		return -EINVAL;
	number = array_index_nospec(number, VM_VCPUS);
	mutex_lock(&vm->lock);
	fd = vm->vcpu[number] ? -EEXIST : vcpu_open(vm, number);
	mutex_unlock(&vm->lock);
	return fd;
}
