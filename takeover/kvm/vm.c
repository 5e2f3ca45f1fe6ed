// SPDX-License-Identifier: GPL-2.0-only
/* A VM's descriptor. */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "kvm.h"
#include "routes.h"

static void vm_end(struct vm *vm)
{
	while (vm_call(vm, REGENT_HC_VM_DESTROY, vm->id, 0) == -EBUSY)
		cond_resched();
}

static void vm_unalloc(struct vm *vm)
{
	route_free(vm);
	irqchip_free(vm);
	ioevent_free(vm);
	cleanup_srcu_struct(&vm->srcu);
	mmdrop(vm->mm);
	free_page((unsigned long)vm->page);
	kvfree(vm);
}

static void vm_free(struct kref *ref)
{
	struct vm *vm = container_of(ref, struct vm, ref);

	irqchip_stop(vm);
	vm_unknown(vm);
	memory_unwatch(vm);
	vm_end(vm);
	vm_unalloc(vm);
	donated_return();
}

/**
 * vm_put() - a descriptor of a VM, or of one of its vCPUs, is closed
 * @vm: the VM
 */
void vm_put(struct vm *vm)
{
	kref_put(&vm->ref, vm_free);
}

/**
 * vm_extension() - KVM_CHECK_EXTENSION
 * @cap: KVM_CAP_*, or any number
 *
 * Return: as KVM, for what works here; 0 for all else.
 */
int vm_extension(unsigned long cap)
{
	switch (cap) {
	case KVM_CAP_EXT_CPUID:
	case KVM_CAP_USER_MEMORY:
	case KVM_CAP_DESTROY_MEMORY_REGION_WORKS:
	case KVM_CAP_JOIN_MEMORY_REGIONS_WORKS:
	case KVM_CAP_SYNC_MMU:
	case KVM_CAP_READONLY_MEM:
	case KVM_CAP_IMMEDIATE_EXIT:
	case KVM_CAP_CHECK_EXTENSION_VM:
	case KVM_CAP_SET_TSS_ADDR:
	case KVM_CAP_SET_IDENTITY_MAP_ADDR:
	case KVM_CAP_MP_STATE:
	case KVM_CAP_VCPU_EVENTS:
	case KVM_CAP_DEBUGREGS:
	case KVM_CAP_XSAVE:
	case KVM_CAP_GET_MSR_FEATURES:
	case KVM_CAP_GET_TSC_KHZ:
	case KVM_CAP_TSC_DEADLINE_TIMER:
	case KVM_CAP_IRQCHIP:
	case KVM_CAP_SPLIT_IRQCHIP:
	case KVM_CAP_PIT:
	case KVM_CAP_PIT2:
	case KVM_CAP_PIT_STATE2:
	case KVM_CAP_REINJECT_CONTROL:
	case KVM_CAP_ENABLE_CAP_VM:
	case KVM_CAP_USER_NMI:
	case KVM_CAP_INTERNAL_ERROR_DATA:
	/* It says that single steps are the kernel's own, and QEMU 8 and later ask for it. */
	case KVM_CAP_X86_ROBUST_SINGLESTEP:
	case KVM_CAP_SIGNAL_MSI:
	case KVM_CAP_IRQFD:
	case KVM_CAP_IRQFD_RESAMPLE:
	case KVM_CAP_IRQ_INJECT_STATUS:
	case KVM_CAP_IOEVENTFD:
	case KVM_CAP_IOEVENTFD_NO_LENGTH:
	case KVM_CAP_IOEVENTFD_ANY_LENGTH:
	case KVM_CAP_COALESCED_PIO:
		return 1;
	case KVM_CAP_COALESCED_MMIO:
		return KVM_COALESCED_MMIO_PAGE_OFFSET;
	case KVM_CAP_IRQ_ROUTING:
		return ROUTE_GSIS;
	case KVM_CAP_XCRS:
		return !!fpu_components();
	case KVM_CAP_XSAVE2:
		return fpu_xsave_size();
	case KVM_CAP_MCE:
		return KVM_MAX_MCE_BANKS;
	case KVM_CAP_ADJUST_CLOCK:
		return KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;
	case KVM_CAP_NR_MEMSLOTS:
		return VM_SLOTS;
	case KVM_CAP_NR_VCPUS:
		return min_t(unsigned int, num_online_cpus(), VM_VCPUS);
	case KVM_CAP_MAX_VCPUS:
	case KVM_CAP_MAX_VCPU_ID:
		return VM_VCPUS;
	}
	return 0;
}

/* vm->lock held */
static bool vm_has_vcpus(const struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < VM_VCPUS; i++)
		if (vm->vcpu[i])
			return true;
	return false;
}

static long vm_ioctl_region(struct vm *vm, const void __user *user)
{
	struct kvm_userspace_memory_region m;

	if (copy_from_user(&m, user, sizeof(m)))
		return -EFAULT;
	return memory_set(vm, &m);
}

static long vm_ioctl_cap(struct vm *vm, const struct kvm_enable_cap __user *user)
{
	struct kvm_enable_cap cap;
	int err = 0;

	if (copy_from_user(&cap, user, sizeof(cap)))
		return -EFAULT;
	if (cap.flags || cap.cap != KVM_CAP_SPLIT_IRQCHIP)
		return -EINVAL;
	if (cap.args[0] > VM_PINS)
		return -EINVAL;
	mutex_lock(&vm->lock);
	if (vm_has_apics(vm) || vm_has_vcpus(vm)) {
		err = -EEXIST;
	} else {
		vm->nr_pins = cap.args[0];
		WRITE_ONCE(vm->split, true);
	}
	mutex_unlock(&vm->lock);
	return err;
}

static long vm_ioctl_clock(struct vm *vm, bool set, struct kvm_clock_data __user *user)
{
	struct kvm_clock_data clock;

	if (!set) {
		clock_get(vm, &clock);
		return copy_to_user(user, &clock, sizeof(clock)) ? -EFAULT : 0;
	}
	if (copy_from_user(&clock, user, sizeof(clock)))
		return -EFAULT;
	return clock_set(vm, &clock);
}

/* Three pages for processors that run real mode by VM86; SVM does not need them. */
static long vm_ioctl_tss(unsigned long address)
{
	return address > (u32)(-3 * PAGE_SIZE) ? -EINVAL : 0;
}

static long vm_ioctl_identity(struct vm *vm, const u64 __user *user)
{
	u64 address;

	if (copy_from_user(&address, user, sizeof(address)))
		return -EFAULT;
	return READ_ONCE(vm->vcpu[0]) ? -EINVAL : 0;
}

static long vm_ioctl_irq_line(struct vm *vm, unsigned int nr, void __user *user)
{
	struct kvm_irq_level line;

	if (copy_from_user(&line, user, sizeof(line)))
		return -EFAULT;
	if (!vm_has_apics(vm))
		return -ENXIO;
	line.status = route_irq_line(vm, line.irq, line.level);
	if (nr == KVM_IRQ_LINE_STATUS && copy_to_user(user, &line, sizeof(line)))
		return -EFAULT;
	return 0;
}

static long vm_ioctl_irqchip(struct vm *vm)
{
	int err;

	mutex_lock(&vm->lock);
	if (vm_has_apics(vm))
		err = -EEXIST;
	else if (vm_has_vcpus(vm))
		err = -EINVAL;
	else
		err = irqchip_create(vm);
	mutex_unlock(&vm->lock);
	return err;
}

static long vm_ioctl_pit(struct vm *vm, unsigned int nr, const void __user *user)
{
	struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };
	int err;

	if (nr == KVM_CREATE_PIT2 && copy_from_user(&config, user, sizeof(config)))
		return -EFAULT;
	mutex_lock(&vm->lock);
	err = pit_create(vm, config.flags);
	mutex_unlock(&vm->lock);
	return err;
}

static long vm_ioctl_reinject(struct vm *vm, const void __user *user)
{
	struct kvm_reinject_control control;

	if (copy_from_user(&control, user, sizeof(control)))
		return -EFAULT;
	return pit_reinject(vm, control.pit_reinject);
}

/* Interrupt controllers that L has for a VM */
static long vm_ioctl_chips(struct vm *vm, unsigned int nr, void __user *user)
{
	switch (nr) {
	case KVM_CREATE_IRQCHIP:
		return vm_ioctl_irqchip(vm);
	case KVM_GET_IRQCHIP:
	case KVM_SET_IRQCHIP:
		return irqchip_ioctl(vm, nr == KVM_SET_IRQCHIP, user);
	case KVM_CREATE_PIT:
	case KVM_CREATE_PIT2:
		return vm_ioctl_pit(vm, nr, user);
	case KVM_GET_PIT:
	case KVM_SET_PIT:
	case KVM_GET_PIT2:
	case KVM_SET_PIT2:
		return pit_ioctl(vm, nr, user);
	case KVM_REINJECT_CONTROL:
		return vm_ioctl_reinject(vm, user);
	}
	return -ENOTTY;
}

static long vm_ioctl_irqfd(struct vm *vm, const void __user *user)
{
	struct kvm_irqfd args;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	return route_irqfd(vm, &args);
}

static long vm_ioctl_ioeventfd(struct vm *vm, const void __user *user)
{
	struct kvm_ioeventfd args;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	return ioevent_set(vm, &args);
}

static long vm_ioctl_coalesced(struct vm *vm, unsigned int nr, const void __user *user)
{
	struct kvm_coalesced_mmio_zone zone;

	if (copy_from_user(&zone, user, sizeof(zone)))
		return -EFAULT;
	return nr == KVM_REGISTER_COALESCED_MMIO ? coalesced_add(vm, &zone) :
						   coalesced_remove(vm, &zone);
}

/* Interrupts that are sent to a VM, and writes of its vCPUs */
static long vm_ioctl_events(struct vm *vm, unsigned int nr, void __user *user)
{
	switch (nr) {
	case KVM_SET_GSI_ROUTING:
		return route_set(vm, user);
	case KVM_SIGNAL_MSI:
		return route_signal_msi(vm, user);
	case KVM_IRQ_LINE:
	case KVM_IRQ_LINE_STATUS:
		return vm_ioctl_irq_line(vm, nr, user);
	case KVM_IRQFD:
		return vm_ioctl_irqfd(vm, user);
	case KVM_IOEVENTFD:
		return vm_ioctl_ioeventfd(vm, user);
	case KVM_REGISTER_COALESCED_MMIO:
	case KVM_UNREGISTER_COALESCED_MMIO:
		return vm_ioctl_coalesced(vm, nr, user);
	}
	return vm_ioctl_chips(vm, nr, user);
}

static long vm_ioctl(struct file *file, unsigned int nr, unsigned long arg)
{
	struct vm *vm = file->private_data;

	if (vm->mm != current->mm || READ_ONCE(vm->dead) || vm->epoch != vm_epoch())
		return -EIO;
	switch (nr) {
	case KVM_CREATE_VCPU:
		return vcpu_make(vm, arg);
	case KVM_SET_USER_MEMORY_REGION:
		return vm_ioctl_region(vm, (void __user *)arg);
	case KVM_CHECK_EXTENSION:
		return vm_extension(arg);
	case KVM_ENABLE_CAP:
		return vm_ioctl_cap(vm, (void __user *)arg);
	case KVM_SET_TSS_ADDR:
		return vm_ioctl_tss(arg);
	case KVM_SET_IDENTITY_MAP_ADDR:
		return vm_ioctl_identity(vm, (void __user *)arg);
	case KVM_GET_CLOCK:
	case KVM_SET_CLOCK:
		return vm_ioctl_clock(vm, nr == KVM_SET_CLOCK, (void __user *)arg);
	}
	return vm_ioctl_events(vm, nr, (void __user *)arg);
}

static int vm_release(struct inode *inode, struct file *file)
{
	route_shutdown(file->private_data);
	vm_put(file->private_data);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vm_ioctl,
	.release = vm_release,
	.llseek = noop_llseek,
};

static struct vm *vm_alloc(void)
{
	struct vm *vm = kvzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);

	if (!vm)
		return NULL;
	vm->page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vm->page)
		goto no_page;
	if (init_srcu_struct(&vm->srcu))
		goto no_srcu;
	if (ioevent_init(vm))
		goto no_ioevents;
	route_init(vm);
	kref_init(&vm->ref);
	init_rwsem(&vm->slots_lock);
	mutex_init(&vm->lock);
	spin_lock_init(&vm->mmu_lock);
	clock_init(vm);
	vm->epoch = vm_epoch();
	vm->pid = task_tgid_nr(current);
	vm->mm = current->mm;
	mmgrab(vm->mm);
	return vm;

no_ioevents:
	cleanup_srcu_struct(&vm->srcu);
no_srcu:
	free_page((unsigned long)vm->page);
no_page:
	kvfree(vm);
	return NULL;
}

/**
 * vm_make() - KVM_CREATE_VM
 *
 * Return: a descriptor or a negative errno: -EOPNOTSUPP where K cannot run VMs.
 */
int vm_make(void)
{
	struct vm *vm = vm_alloc();
	long id;
	int err;

	if (!vm)
		return -ENOMEM;
	id = vm_call_with_memory(vm, REGENT_HC_VM_CREATE, virt_to_phys(vm->page), 0);
	if (id < 0) {
		vm_unalloc(vm);
		return id;
	}
	vm->id = id;
	err = memory_watch(vm);
	if (err) {
		vm_end(vm);
		vm_unalloc(vm);
		return err;
	}
	vm_known(vm);
	err = anon_inode_getfd("kvm-vm", &vm_fops, vm, O_RDWR | O_CLOEXEC);
	if (err < 0)
		vm_put(vm);
	return err;
}
