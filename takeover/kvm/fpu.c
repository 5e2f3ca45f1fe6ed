// SPDX-License-Identifier: GPL-2.0-only
/* A vCPU's FPU state, XCR0 and debug registers, in KVM's structures. The vCPU is locked. */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <asm/fpu/api.h>

#include "kvm.h"

#define XSAVE_HEADER	512
#define XSAVE_FPSSE	3
#define MXCSR_MASK_DEFAULT	0xffbf
#define DR_UPPER	0xffffffff00000000ull

/* Of an FXSAVE area: Intel SDM volume 1, "FXSAVE Area" */
struct fxsave {
	u16 fcw;
	u16 fsw;
	u8 ftw;
	u8 reserved;
	u16 last_opcode;
	u64 last_ip;
	u64 last_dp;
	u32 mxcsr;
	u32 mxcsr_mask;
	u8 fpr[8][16];
	u8 xmm[16][16];
	u8 rest[96];
};

static_assert(sizeof(struct fxsave) == XSAVE_HEADER);

/* Bits of MXCSR that there are: Intel SDM volume 1, "Guidelines for Writing to MXCSR Register" */
static u32 fpu_mxcsr_mask(void)
{
	static u32 mask;
	struct fxsave *fx;

	if (READ_ONCE(mask))
		return mask;
	fx = kzalloc(sizeof(*fx), GFP_KERNEL);	/* aligned as its size is */
	if (!fx)
		return MXCSR_MASK_DEFAULT;
	kernel_fpu_begin();
	asm volatile("fxsave %0" : "+m"(*fx));
	kernel_fpu_end();
	WRITE_ONCE(mask, fx->mxcsr_mask ?: MXCSR_MASK_DEFAULT);
	kfree(fx);
	return mask;
}

/* In pieces that fit into the vCPU's page */
static int fpu_copy(struct vcpu *v, u8 *area, u32 size, u64 call)
{
	struct regent_vcpu_page *page = v->page;
	u32 at, n;
	int err;

	for (at = 0; at < size; at += n) {
		n = min_t(u32, size - at, REGENT_VCPU_CHUNK);
		page->at = at;
		page->count = n;
		if (call == REGENT_HC_VCPU_SET)
			memcpy(page->bytes, area + at, n);
		err = vm_call(v->vm, call, v->id, REGENT_VCPU_XSAVE);
		if (err)
			return err;
		if (call == REGENT_HC_VCPU_GET)
			memcpy(area + at, page->bytes, n);
	}
	return 0;
}

/**
 * fpu_components() - the XSAVE components that there are; 0 without XSAVE
 */
u64 fpu_components(void)
{
	u64 xcr0_all;

	image_xsave(&xcr0_all);
	return xcr0_all;
}

/* Without XSAVE there is an FXSAVE area, of which a VMM is told that all of it counts. */
static bool fpu_has_xsave(void)
{
	return fpu_components();
}

static u32 fpu_size(void)
{
	u64 xcr0_all;

	return image_xsave(&xcr0_all);
}

/**
 * fpu_xsave_size() - KVM_CAP_XSAVE2: bytes that KVM_GET_XSAVE2 needs
 */
u32 fpu_xsave_size(void)
{
	return max_t(u32, fpu_size(), sizeof(struct kvm_xsave));
}

static u64 *fpu_xstate_bv(u8 *area)
{
	return (u64 *)(area + XSAVE_HEADER);
}

/**
 * fpu_get_xsave() - KVM_GET_XSAVE, KVM_GET_XSAVE2
 * @v: the vCPU
 * @user: where to
 * @size: bytes there
 *
 * Return: 0; -EINVAL when it does not fit; another negative errno.
 */
int fpu_get_xsave(struct vcpu *v, void __user *user, u32 size)
{
	u8 *area;
	int err;

	if (fpu_size() > size)
		return -EINVAL;
	area = kzalloc(size, GFP_KERNEL_ACCOUNT);
	if (!area)
		return -ENOMEM;
	err = fpu_copy(v, area, fpu_size(), REGENT_HC_VCPU_GET);
	if (!fpu_has_xsave())
		*fpu_xstate_bv(area) = XSAVE_FPSSE;
	if (!err && copy_to_user(user, area, size))
		err = -EFAULT;
	kfree(area);
	return err;
}

/* What XRSTOR would not take. K looks at it again, and would change it silently. */
static bool fpu_valid(u8 *area)
{
	const struct fxsave *fx = (const void *)area;
	const u64 *header = fpu_xstate_bv(area);
	u64 known = fpu_has_xsave() ? fpu_components() : XSAVE_FPSSE;
	unsigned int i;

	if (header[0] & ~known || fx->mxcsr & ~fpu_mxcsr_mask())
		return false;
	for (i = 1; i < 8; i++)
		if (header[i])
			return false;
	return true;
}

/**
 * fpu_set_xsave() - KVM_SET_XSAVE
 * @v: the vCPU
 * @user: the VMM's area, as large as fpu_xsave_size() says
 *
 * Return: 0; -EINVAL for what the processor would not load; another negative errno.
 */
int fpu_set_xsave(struct vcpu *v, const void __user *user)
{
	u8 *area = memdup_user(user, fpu_xsave_size());
	int err;

	if (IS_ERR(area))
		return PTR_ERR(area);
	err = fpu_valid(area) ? fpu_copy(v, area, fpu_size(), REGENT_HC_VCPU_SET) : -EINVAL;
	kfree(area);
	return err;
}

static void fpu_to_user(struct kvm_fpu *to, const struct fxsave *fx)
{
	memset(to, 0, sizeof(*to));
	memcpy(to->fpr, fx->fpr, sizeof(to->fpr));
	memcpy(to->xmm, fx->xmm, sizeof(to->xmm));
	to->fcw = fx->fcw;
	to->fsw = fx->fsw;
	to->ftwx = fx->ftw;
	to->last_opcode = fx->last_opcode;
	to->last_ip = fx->last_ip;
	to->last_dp = fx->last_dp;
	to->mxcsr = fx->mxcsr;
}

static void fpu_from_user(struct fxsave *fx, const struct kvm_fpu *from)
{
	memcpy(fx->fpr, from->fpr, sizeof(from->fpr));
	memcpy(fx->xmm, from->xmm, sizeof(from->xmm));
	fx->fcw = from->fcw;
	fx->fsw = from->fsw;
	fx->ftw = from->ftwx;
	fx->last_opcode = from->last_opcode;
	fx->last_ip = from->last_ip;
	fx->last_dp = from->last_dp;
	fx->mxcsr = from->mxcsr & fpu_mxcsr_mask();
}

/**
 * fpu_ioctl() - KVM_GET_FPU, KVM_SET_FPU
 * @v: the vCPU
 * @set: the latter
 * @user: the VMM's structure
 *
 * Return: 0 or a negative errno.
 */
int fpu_ioctl(struct vcpu *v, bool set, struct kvm_fpu __user *user)
{
	u8 *area = kzalloc(fpu_xsave_size(), GFP_KERNEL_ACCOUNT);
	struct kvm_fpu fpu;
	int err;

	if (!area)
		return -ENOMEM;
	err = fpu_copy(v, area, fpu_size(), REGENT_HC_VCPU_GET);
	if (!err && !set) {
		fpu_to_user(&fpu, (const void *)area);
		err = copy_to_user(user, &fpu, sizeof(fpu)) ? -EFAULT : 0;
	} else if (!err && copy_from_user(&fpu, user, sizeof(fpu))) {
		err = -EFAULT;
	} else if (!err) {
		fpu_from_user((void *)area, &fpu);
		if (fpu_has_xsave())
			*fpu_xstate_bv(area) |= XSAVE_FPSSE;
		err = fpu_copy(v, area, fpu_size(), REGENT_HC_VCPU_SET);
	}
	kfree(area);
	return err;
}

static int fpu_get_debug(struct vcpu *v)
{
	return vm_call(v->vm, REGENT_HC_VCPU_GET, v->id, REGENT_VCPU_DEBUG);
}

static int fpu_set_debug(struct vcpu *v)
{
	return vm_call(v->vm, REGENT_HC_VCPU_SET, v->id, REGENT_VCPU_DEBUG);
}

/**
 * fpu_ioctl_xcrs() - KVM_GET_XCRS, KVM_SET_XCRS
 * @v: the vCPU
 * @set: the latter
 * @user: the VMM's structure
 *
 * Return: 0; -EINVAL without XSAVE, or for what XSETBV would not take; another negative errno.
 */
int fpu_ioctl_xcrs(struct vcpu *v, bool set, struct kvm_xcrs __user *user)
{
	struct kvm_xcrs xcrs = { 0 };
	u32 i;
	int err = fpu_get_debug(v);

	if (!fpu_has_xsave())
		return -EINVAL;
	if (err)
		return err;
	if (!set) {
		xcrs.nr_xcrs = 1;
		xcrs.xcrs[0].value = v->page->debug.xcr0;
		return copy_to_user(user, &xcrs, sizeof(xcrs)) ? -EFAULT : 0;
	}
	if (copy_from_user(&xcrs, user, sizeof(xcrs)))
		return -EFAULT;
	if (xcrs.nr_xcrs > KVM_MAX_XCRS || xcrs.flags)
		return -EINVAL;
	for (i = 0; i < xcrs.nr_xcrs; i++) {
		if (xcrs.xcrs[i].xcr)
			continue;
		/* For K, 0 is no value. */
		if (!xcrs.xcrs[i].value)
			return -EINVAL;
		v->page->debug.xcr0 = xcrs.xcrs[i].value;
		return fpu_set_debug(v);
	}
	return 0;
}

/**
 * fpu_ioctl_debugregs() - KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS
 * @v: the vCPU
 * @set: the latter
 * @user: the VMM's structure
 *
 * Return: 0; -EINVAL for what there is not; another negative errno.
 */
int fpu_ioctl_debugregs(struct vcpu *v, bool set, struct kvm_debugregs __user *user)
{
	struct regent_vcpu_debug *d = &v->page->debug;
	struct kvm_debugregs regs = { .flags = 0 };
	int err = fpu_get_debug(v);

	if (err)
		return err;
	if (!set) {
		memcpy(regs.db, d->dr, sizeof(regs.db));
		regs.dr6 = d->dr6;
		regs.dr7 = d->dr7;
		return copy_to_user(user, &regs, sizeof(regs)) ? -EFAULT : 0;
	}
	if (copy_from_user(&regs, user, sizeof(regs)))
		return -EFAULT;
	if (regs.flags || (regs.dr6 | regs.dr7) & DR_UPPER)
		return -EINVAL;
	memcpy(d->dr, regs.db, sizeof(regs.db));
	d->dr6 = regs.dr6;
	d->dr7 = regs.dr7;
	d->xcr0 = 0;
	return fpu_set_debug(v);
}
