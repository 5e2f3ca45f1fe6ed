// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/kvm. The API is not complete, and VMs are not yet as isolated as they will be
 * (docs/vms.md): so it is root's, whatever the device node says.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "kvm.h"

static int kvm_open(struct inode *inode, struct file *file)
{
	/* A takeover that fails frees the module, whoever has the device open. */
	if (THIS_MODULE->state != MODULE_STATE_LIVE)
		return -EBUSY;
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

static long kvm_ioctl(struct file *file, unsigned int nr, unsigned long arg)
{
	switch (nr) {
	case KVM_GET_API_VERSION:
		return arg ? -EINVAL : KVM_API_VERSION;
	case KVM_CREATE_VM:
		return arg ? -EINVAL : vm_make();
	case KVM_CHECK_EXTENSION:
		return vm_extension(arg);
	case KVM_GET_VCPU_MMAP_SIZE:
		return arg ? -EINVAL : VCPU_RUN_PAGES * PAGE_SIZE;
	case KVM_GET_MSR_INDEX_LIST:
	case KVM_GET_MSR_FEATURE_INDEX_LIST:
		return msr_list(nr == KVM_GET_MSR_FEATURE_INDEX_LIST, (void __user *)arg);
	case KVM_GET_SUPPORTED_CPUID:
		return cpuid_supported((void __user *)arg);
	case KVM_GET_MSRS:
		return msr_ioctl(NULL, false, (void __user *)arg);
	case KVM_X86_GET_MCE_CAP_SUPPORTED:
		return msr_mce_cap((void __user *)arg);
	}
	return -ENOTTY;
}

static const struct file_operations kvm_fops = {
	.owner = THIS_MODULE,
	.open = kvm_open,
	.unlocked_ioctl = kvm_ioctl,
	.llseek = noop_llseek,
};

/* KVM's own number, so that its vendor modules do not load beside Regent. */
static struct miscdevice kvm_misc = {
	.minor = KVM_MINOR,
	.name = "kvm",
	.fops = &kvm_fops,
	.mode = 0600,
};

/**
 * kvm_device_do() - make /dev/kvm
 *
 * Return: 0 or a negative errno: -EBUSY when KVM has it.
 */
int kvm_device_do(void)
{
	int err = misc_register(&kvm_misc);

	if (!err)
		vm_ops_set(&world_ops);
	return err;
}

/**
 * kvm_device_undo() - undo kvm_device_do()
 */
void kvm_device_undo(void)
{
	misc_deregister(&kvm_misc);
	vm_ops_set(NULL);
	worlds_quiet();
}
