// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's MSRs that K leaves to L: those that hold a value and do nothing (MTRRs, machine
 * checks, settings of a processor), and KVM's own. And the ioctls for all of them.
 */
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <asm/kvm_para.h>
#include <asm/msr-index.h>
#include <asm/processor.h>

#include "kvm.h"

#define MCG_CAP_ALLOWED		(MCG_CTL_P | MCG_SER_P | 0xff)
#define MCG_CTL_P		(1ull << 8)
#define MCG_SER_P		(1ull << 24)
#define MC_BANK_MSRS		4
#define MTRR_PHYS_BASE		0x200u		/* and MTRRphysMask, in turn */
#define MTRR_CAP		0x508		/* 8 variable ranges, fixed ranges, WC */
#define MTRR_DEF_ALLOWED	0xcff
#define UCODE_REV		0x01000065ull	/* as KVM on AMD */
#define UCODE_REV_SHIFT		32
#define UCODE_REV_INTEL		1ull		/* and on Intel */
#define MAX_MSRS		256		/* in one ioctl, as KVM */
#define HWCR_ALLOWED		0x1000148ull	/* what systems write; no effect */

/*
 * MSRs that hold a value. @keep: bits that a vCPU can write; all others it cannot change. What
 * only a VMM writes has 0.
 */
static const struct msr_plain {
	u32 index;
	u64 reset;
	u64 keep;
} msr_plain[MSR_PLAIN] = {
	{ MSR_IA32_MISC_ENABLE, MSR_IA32_MISC_ENABLE_FAST_STRING, ~0ull },
	{ MSR_IA32_UCODE_REV, UCODE_REV << UCODE_REV_SHIFT, 0 },
	{ MSR_K7_HWCR, 0, HWCR_ALLOWED },
	{ MSR_AMD64_DE_CFG, 0, ~0ull },
	{ MSR_AMD64_SYSCFG, 0, 0 },
	{ MSR_AMD64_NB_CFG, 0, 0 },
	{ MSR_SMI_COUNT, 0, 0 },
	{ MSR_IA32_EBL_CR_POWERON, 0, ~0ull },
};

/* MSRs whose write means something on the processor that K shows, but nothing in a VM */
static bool msr_is_ignored(u32 index)
{
	switch (index) {
	case MSR_AMD64_PATCH_LOADER:
	case MSR_AMD64_BU_CFG2:
	case MSR_AMD64_DC_CFG:
	case MSR_F15H_EX_CFG:
	case MSR_K7_EVNTSEL0 ... MSR_K7_PERFCTR3:
	case MSR_IA32_P5_MC_ADDR:
	case MSR_IA32_P5_MC_TYPE:
	case MSR_K8_INT_PENDING_MSG:
	case MSR_VM_HSAVE_PA:
		return true;
	}
	return false;
}

static int msr_plain_find(u32 index)
{
	unsigned int i;

	for (i = 0; i < MSR_PLAIN; i++)
		if (msr_plain[i].index == index)
			return i;
	return -1;
}

static u64 msr_plain_reset(unsigned int i)
{
	if (msr_plain[i].index == MSR_IA32_UCODE_REV &&
	    boot_cpu_data.x86_vendor != X86_VENDOR_AMD &&
	    boot_cpu_data.x86_vendor != X86_VENDOR_HYGON)
		return UCODE_REV_INTEL << UCODE_REV_SHIFT;
	return msr_plain[i].reset;
}

static const u32 mtrr_fixed[MSR_MTRR_FIXED] = {
	MSR_MTRRfix64K_00000, MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000,
	MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_C8000, MSR_MTRRfix4K_D0000, MSR_MTRRfix4K_D8000,
	MSR_MTRRfix4K_E0000, MSR_MTRRfix4K_E8000, MSR_MTRRfix4K_F0000, MSR_MTRRfix4K_F8000,
};

/* Where a vCPU has an MTRR; NULL for another MSR */
static u64 *msr_mtrr(struct vcpu *v, u32 index)
{
	unsigned int i;

	if (index - MTRR_PHYS_BASE < MSR_MTRR_VARIABLE) {
		index = array_index_nospec(index - MTRR_PHYS_BASE, MSR_MTRR_VARIABLE);
		return &v->msr.mtrr_variable[index];
	}
	if (index == MSR_MTRRdefType)
		return &v->msr.mtrr_default;
	for (i = 0; i < MSR_MTRR_FIXED; i++)
		if (mtrr_fixed[i] == index)
			return &v->msr.mtrr_fixed[i];
	return NULL;
}

static bool mtrr_type_valid(u8 type)
{
	return type < 8 && type != 2 && type != 3 && type != 7;
}

static bool mtrr_valid(u32 index, u64 value)
{
	unsigned int i;

	if (index == MSR_MTRRdefType)
		return !(value & ~(u64)MTRR_DEF_ALLOWED) && mtrr_type_valid(value);
	if (index - MTRR_PHYS_BASE < MSR_MTRR_VARIABLE)
		return index & 1 ? !(value & 0x7ff) :
				   !(value & 0xf00) && mtrr_type_valid(value);
	for (i = 0; i < 64; i += 8)
		if (!mtrr_type_valid(value >> i))
			return false;
	return true;
}

/* Where a vCPU has an MSR of its machine checks */
static u64 *msr_machine_check(struct vcpu *v, u32 index)
{
	unsigned int banks = v->msr.mcg_cap & 0xff;

	if (index == MSR_IA32_MCG_STATUS)
		return &v->msr.mcg_status;
	if (index == MSR_IA32_MCG_CTL)
		return v->msr.mcg_cap & MCG_CTL_P ? &v->msr.mcg_ctl : NULL;
	if (index - MSR_IA32_MC0_CTL < banks * MC_BANK_MSRS) {
		index = array_index_nospec(index - MSR_IA32_MC0_CTL, banks * MC_BANK_MSRS);
		return &v->msr.bank[index];
	}
	return NULL;
}

/* Of a bank's registers a vCPU writes CTL all or nothing, and the others with 0 only. */
static bool machine_check_valid(u32 index, u64 value)
{
	if (index == MSR_IA32_MCG_CTL)
		return !value || value == ~0ull;
	if (index == MSR_IA32_MCG_STATUS)
		return true;
	return (index - MSR_IA32_MC0_CTL) % MC_BANK_MSRS ? !value : true;
}

/**
 * msr_init() - a new vCPU's values, as after a reset
 * @v: the vCPU
 */
void msr_init(struct vcpu *v)
{
	unsigned int i;

	for (i = 0; i < MSR_PLAIN; i++)
		v->msr.plain[i] = msr_plain_reset(i);
	v->msr.mcg_cap = KVM_MAX_MCE_BANKS;
}

static bool msr_read_kvm(struct vcpu *v, u32 index, u64 *value)
{
	switch (index) {
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		*value = v->system_time;
		return true;
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		*value = v->wall_clock;
		return true;
	}
	return false;
}

/**
 * msr_read() - read an MSR that K does not have
 * @v: the vCPU, locked
 * @index: its number
 * @value: filled in
 *
 * Return: false: there is none.
 */
bool msr_read(struct vcpu *v, u64 index, u64 *value)
{
	int plain = msr_plain_find(index);
	const u64 *field;

	*value = 0;
	if (plain >= 0) {
		*value = v->msr.plain[plain];
		return true;
	}
	if (index == MSR_MTRRcap)
		*value = MTRR_CAP;
	else if (index == MSR_IA32_MCG_CAP)
		*value = v->msr.mcg_cap;
	if (*value || msr_is_ignored(index))
		return true;
	field = msr_mtrr(v, index) ?: msr_machine_check(v, index);
	if (!field)
		return msr_read_kvm(v, index, value);
	*value = *field;
	return true;
}

static bool msr_write_kvm(struct vcpu *v, u32 index, u64 value, bool vmm)
{
	switch (index) {
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		v->system_time = value;
		WRITE_ONCE(v->clock_old, true);
		return true;
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		v->wall_clock = value;
		if (!vmm)
			clock_write_wall(v, value);
		return true;
	}
	return false;
}

static bool msr_write_plain(struct vcpu *v, unsigned int i, u64 value, bool vmm)
{
	u64 keep = vmm ? ~0ull : msr_plain[i].keep;

	/*
	 * Firmware and systems write what they have read, microcode's number before reading, and
	 * Linux sets a bit for PCI's extended space in NB_CFG. As in KVM, that has no effect.
	 */
	if (!keep)
		return msr_plain[i].index == MSR_IA32_UCODE_REV ||
		       msr_plain[i].index == MSR_AMD64_NB_CFG || value == v->msr.plain[i];
	if ((value ^ v->msr.plain[i]) & ~keep)
		return false;
	v->msr.plain[i] = value;
	return true;
}

/**
 * msr_write() - write an MSR that K does not have
 * @v: the vCPU, locked
 * @index: its number
 * @value: the value
 * @vmm: the VMM does it, not the vCPU
 *
 * Return: false: there is none, or not with that value.
 */
bool msr_write(struct vcpu *v, u64 index, u64 value, bool vmm)
{
	int plain = msr_plain_find(index);
	u64 *field;

	if (plain >= 0)
		return msr_write_plain(v, plain, value, vmm);
	if (msr_is_ignored(index))
		return true;
	if (index == MSR_MTRRcap || index == MSR_IA32_MCG_CAP)
		return vmm && value == (index == MSR_MTRRcap ? MTRR_CAP : v->msr.mcg_cap);
	field = msr_mtrr(v, index);
	if (field && !mtrr_valid(index, value))
		return false;
	if (!field) {
		field = msr_machine_check(v, index);
		if (field && !vmm && !machine_check_valid(index, value))
			return false;
	}
	if (!field)
		return msr_write_kvm(v, index, value, vmm);
	*field = value;
	return true;
}

/**
 * msr_get() - read one of K's MSRs
 * @v: the vCPU, locked
 * @index: any number
 * @value: filled in
 *
 * Return: 0; 1 when K does not have it; a negative errno.
 */
int msr_get(struct vcpu *v, u64 index, u64 *value)
{
	struct regent_vcpu_page *page = v->page;
	int err;

	page->count = 1;
	page->msr[0].index = index;
	err = vm_call(v->vm, REGENT_HC_VCPU_GET, v->id, REGENT_VCPU_MSRS);
	*value = page->msr[0].value;
	return err ?: !page->count;
}

/**
 * msr_set() - write one of K's MSRs
 * @v: the vCPU, locked
 * @index: any number
 * @value: the value
 *
 * Return: 0; 1 when K does not have it, or not with that value; a negative errno.
 */
int msr_set(struct vcpu *v, u64 index, u64 value)
{
	struct regent_vcpu_page *page = v->page;
	int err;

	page->count = 1;
	page->msr[0].index = index;
	page->msr[0].value = value;
	err = vm_call(v->vm, REGENT_HC_VCPU_SET, v->id, REGENT_VCPU_MSRS);
	return err ?: !page->count;
}

static int msr_get_any(struct vcpu *v, u32 index, u64 *value)
{
	int err = msr_get(v, index, value);

	return err > 0 ? !msr_read(v, index, value) : err;
}

static int msr_set_any(struct vcpu *v, u32 index, u64 value)
{
	int err;

	if (index == MSR_IA32_TSC)
		return clock_set_tsc(v, value);
	err = msr_set(v, index, value);
	return err > 0 ? !msr_write(v, index, value, true) : err;
}

/* The feature MSRs of KVM_GET_MSR_FEATURE_INDEX_LIST, which are read on /dev/kvm */
static const u32 msr_features[] = { MSR_IA32_UCODE_REV, MSR_AMD64_DE_CFG };

static int msr_feature(struct vcpu *v, u32 index, u64 *value)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(msr_features); i++) {
		if (msr_features[i] != index)
			continue;
		*value = msr_plain_reset(msr_plain_find(index));
		return 0;
	}
	return 1;
}

/**
 * msr_ioctl() - KVM_GET_MSRS, KVM_SET_MSRS
 * @v: the vCPU, locked; NULL for KVM_GET_MSRS on /dev/kvm
 * @set: KVM_SET_MSRS
 * @user: the VMM's structure
 *
 * Return: number of MSRs before the first one that does not exist or is refused; -E2BIG for too
 * many; another negative errno.
 */
int msr_ioctl(struct vcpu *v, bool set, struct kvm_msrs __user *user)
{
	struct kvm_msr_entry *e;
	struct kvm_msrs head;
	int err = 0;
	u32 i;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nmsrs >= MAX_MSRS)
		return -E2BIG;
	e = memdup_user(user->entries, array_size(head.nmsrs, sizeof(*e)));
	if (IS_ERR(e))
		return PTR_ERR(e);
	for (i = 0; i < head.nmsrs && !err; i++)
		err = !v ? msr_feature(v, e[i].index, &e[i].data) :
		      set ? msr_set_any(v, e[i].index, e[i].data) :
			    msr_get_any(v, e[i].index, &e[i].data);
	if (err)
		i--;
	if (err >= 0 && !set && copy_to_user(user->entries, e, array_size(i, sizeof(*e))))
		err = -EFAULT;
	kfree(e);
	return err < 0 ? err : i;
}

/* What a VMM has to save */
static const u32 msr_saved[] = {
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP, MSR_STAR, MSR_LSTAR,
	MSR_CSTAR, MSR_SYSCALL_MASK, MSR_KERNEL_GS_BASE, MSR_IA32_TSC, MSR_IA32_CR_PAT,
	MSR_TSC_AUX, MSR_IA32_TSC_ADJUST, MSR_IA32_TSC_DEADLINE, MSR_IA32_MISC_ENABLE,
	MSR_IA32_MCG_STATUS, MSR_IA32_MCG_CTL, MSR_KVM_WALL_CLOCK, MSR_KVM_SYSTEM_TIME,
	MSR_KVM_WALL_CLOCK_NEW, MSR_KVM_SYSTEM_TIME_NEW, MSR_K7_HWCR, MSR_AMD64_DE_CFG,
	MSR_IA32_UCODE_REV, MSR_SMI_COUNT,
};

static int msr_copy_list(const u32 *list, u32 n, struct kvm_msr_list __user *user)
{
	u32 room;

	if (get_user(room, &user->nmsrs) || put_user(n, &user->nmsrs))
		return -EFAULT;
	if (room < n)
		return -E2BIG;
	return copy_to_user(user->indices, list, n * sizeof(*list)) ? -EFAULT : 0;
}

/**
 * msr_list() - KVM_GET_MSR_INDEX_LIST, KVM_GET_MSR_FEATURE_INDEX_LIST
 * @features: the latter
 * @user: the VMM's structure
 *
 * Return: 0; -E2BIG when there is no room, and the number is told; -EFAULT.
 */
int msr_list(bool features, struct kvm_msr_list __user *user)
{
	return features ? msr_copy_list(msr_features, ARRAY_SIZE(msr_features), user) :
			  msr_copy_list(msr_saved, ARRAY_SIZE(msr_saved), user);
}

/**
 * msr_setup_mce() - KVM_X86_SETUP_MCE
 * @v: the vCPU, locked
 * @user: what the VMM wants in MCG_CAP
 *
 * Return: 0; -EINVAL for what there is not; -EFAULT.
 */
int msr_setup_mce(struct vcpu *v, const u64 __user *user)
{
	u64 cap;
	unsigned int i;

	if (get_user(cap, user))
		return -EFAULT;
	if (!(cap & 0xff) || (cap & 0xff) > KVM_MAX_MCE_BANKS || cap & ~MCG_CAP_ALLOWED)
		return -EINVAL;
	v->msr.mcg_cap = cap;
	if (cap & MCG_CTL_P)
		v->msr.mcg_ctl = ~0ull;
	for (i = 0; i < (cap & 0xff); i++)
		v->msr.bank[i * MC_BANK_MSRS] = ~0ull;
	return 0;
}

/**
 * msr_mce_cap() - KVM_X86_GET_MCE_CAP_SUPPORTED
 * @user: what can be asked for
 *
 * Return: 0 or -EFAULT.
 */
int msr_mce_cap(u64 __user *user)
{
	return put_user(MCG_CTL_P | MCG_SER_P, user);
}
