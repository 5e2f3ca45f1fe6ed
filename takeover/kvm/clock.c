// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time in a VM: its TSC, kvmclock, and the wall clock at kvmclock's zero. A VM's kvmclock is
 * the TSC from one moment on, the same for all its vCPUs, so that it never goes back.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include <asm/pvclock-abi.h>
#include <asm/tsc.h>

#include "kvm.h"

#define TSC_SYNC_NS	NSEC_PER_SEC	/* TSCs that are closer are meant to agree */

/* Nanoseconds per tick as kvmclock wants them: ((ticks << shift) * mul) >> 32 */
static void clock_scale(u32 khz, s8 *shift, u32 *mul)
{
	u64 hz = khz * 1000ull, base = hz;
	int by = 0;

	for (; base > NSEC_PER_SEC * 2; base >>= 1)
		by--;
	for (; base <= NSEC_PER_SEC; base <<= 1)
		by++;
	*shift = by;
	*mul = div64_u64((u64)NSEC_PER_SEC << 32, base);
}

static u64 clock_ns(u64 ticks)
{
	return mul_u64_u64_div_u64(ticks, NSEC_PER_MSEC, tsc_khz);
}

/* vm->clock_lock held */
static u64 clock_now(const struct vm *vm)
{
	s64 ticks = rdtsc_ordered() - vm->clock_tsc;

	/* Where the CPUs' TSCs do not agree, it may be negative. */
	return vm->clock_ns + clock_ns(max_t(s64, ticks, 0));
}

/**
 * clock_init() - a new VM's clock starts at 0
 * @vm: the VM
 */
void clock_init(struct vm *vm)
{
	raw_spin_lock_init(&vm->clock_lock);
	vm->clock_tsc = rdtsc_ordered();
	vm->clock_ns = 0;
}

/**
 * clock_get() - KVM_GET_CLOCK
 * @vm: the VM
 * @clock: filled in
 */
void clock_get(struct vm *vm, struct kvm_clock_data *clock)
{
	unsigned long flags;

	memset(clock, 0, sizeof(*clock));
	raw_spin_lock_irqsave(&vm->clock_lock, flags);
	clock->clock = clock_now(vm);
	clock->realtime = ktime_get_real_ns();
	clock->host_tsc = rdtsc();
	raw_spin_unlock_irqrestore(&vm->clock_lock, flags);
	clock->flags = KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;
	if (!check_tsc_unstable())
		clock->flags |= KVM_CLOCK_TSC_STABLE;
}

/**
 * clock_set() - KVM_SET_CLOCK
 * @vm: the VM
 * @clock: the time, and with KVM_CLOCK_REALTIME when it was that
 *
 * Return: 0, or -EINVAL for a flag that there is not.
 */
int clock_set(struct vm *vm, const struct kvm_clock_data *clock)
{
	u64 ns = clock->clock, real = ktime_get_real_ns();
	unsigned long flags;
	unsigned int i;

	if (clock->flags & ~(KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC))
		return -EINVAL;
	if (clock->flags & KVM_CLOCK_REALTIME && real > clock->realtime)
		ns += real - clock->realtime;
	raw_spin_lock_irqsave(&vm->clock_lock, flags);
	vm->clock_tsc = rdtsc_ordered();
	vm->clock_ns = ns;
	raw_spin_unlock_irqrestore(&vm->clock_lock, flags);
	rcu_read_lock();
	for (i = 0; i < VM_VCPUS; i++) {
		struct vcpu *v = READ_ONCE(vm->vcpu[i]);

		if (v)
			WRITE_ONCE(v->clock_old, true);
	}
	rcu_read_unlock();
	/* Those that run take it at their next entry. */
	vm_wake(vm, REGENT_WAKE_ALL);
	return 0;
}

/*
 * Write a structure that begins with its version, which is odd while the rest is being written.
 * The vCPU reads the version, the rest, and the version again.
 */
static void clock_publish(u32 __user *user, void *info, size_t size)
{
	u32 version;

	if (get_user(version, user))
		return;
	version = (version | 1) + 2;
	if (put_user(version, user))
		return;
	smp_wmb();	/* as above */
	*(u32 *)info = version;
	if (copy_to_user(user, info, size))
		return;
	smp_wmb();	/* as above */
	if (put_user(version + 1, user))
		return;		/* the VMM has taken the memory away: so be it */
}

/* The vCPU's page of kvmclock. Where there is no memory, nothing is written, as by KVM. */
static void clock_write(struct vcpu *v)
{
	struct pvclock_vcpu_time_info info = { .flags = PVCLOCK_TSC_STABLE_BIT };
	u64 gpa = v->system_time & ~1ull, offset = 0;
	unsigned long flags;
	void __user *user;

	if (msr_get(v, REGENT_MSR_TSC_OFFSET, &offset))
		return;
	user = memory_user(v->vm, gpa, sizeof(info), true);
	if (!user)
		return;
	if (check_tsc_unstable())
		info.flags = 0;
	raw_spin_lock_irqsave(&v->vm->clock_lock, flags);
	info.tsc_timestamp = v->vm->clock_tsc + offset;
	info.system_time = v->vm->clock_ns;
	raw_spin_unlock_irqrestore(&v->vm->clock_lock, flags);
	clock_scale(tsc_khz, &info.tsc_shift, &info.tsc_to_system_mul);
	clock_publish(user, &info, sizeof(info));
}

/**
 * clock_update() - before a run: a clock that has been set anew
 * @v: the vCPU, locked, of this process
 */
void clock_update(struct vcpu *v)
{
	if (likely(!READ_ONCE(v->clock_old)))
		return;
	WRITE_ONCE(v->clock_old, false);
	if (v->system_time & 1)
		clock_write(v);
}

/**
 * clock_write_wall() - MSR_KVM_WALL_CLOCK_NEW: what time it was at kvmclock's zero
 * @v: the vCPU, of this process
 * @gpa: where the VM wants to read it
 */
void clock_write_wall(struct vcpu *v, u64 gpa)
{
	struct pvclock_wall_clock wall = { .version = 0 };
	void __user *user;
	struct timespec64 t;
	unsigned long flags;
	u64 ns;

	user = memory_user(v->vm, gpa, sizeof(wall), true);
	if (!user)
		return;
	raw_spin_lock_irqsave(&v->vm->clock_lock, flags);
	ns = ktime_get_real_ns() - clock_now(v->vm);
	raw_spin_unlock_irqrestore(&v->vm->clock_lock, flags);
	t = ns_to_timespec64(ns);
	wall.sec = t.tv_sec;
	wall.nsec = t.tv_nsec;
	clock_publish(user, &wall, sizeof(wall));
}

/**
 * clock_set_tsc() - the VMM writes a vCPU's TSC
 * @v: the vCPU
 * @value: the value
 *
 * As KVM: a value that is within a second of what another vCPU's TSC has by now is meant to be
 * the same, and so is 0, which a VMM writes at a reset. Return: 0 or a negative errno.
 */
int clock_set_tsc(struct vcpu *v, u64 value)
{
	struct vm *vm = v->vm;
	u64 now, expected, window = (u64)tsc_khz * (TSC_SYNC_NS / NSEC_PER_MSEC);
	unsigned long flags;
	u64 offset;

	raw_spin_lock_irqsave(&vm->clock_lock, flags);
	now = rdtsc_ordered();
	expected = now + vm->tsc_offset;
	offset = value - now;
	if (vm->tsc_written && (!value || value - expected + window < 2 * window))
		offset = vm->tsc_offset;
	vm->tsc_written = true;
	vm->tsc_offset = offset;
	raw_spin_unlock_irqrestore(&vm->clock_lock, flags);
	WRITE_ONCE(v->clock_old, true);
	return msr_set(v, REGENT_MSR_TSC_OFFSET, offset);
}
