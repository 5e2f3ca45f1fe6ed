// SPDX-License-Identifier: GPL-2.0-only
/* Faults on purpose, see <regent/test.h>. Each one must reach trap(). */
#include <hw/asm.h>
#include <regent/abi/hypercall.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/lock.h>
#include <regent/pages.h>
#include <regent/test.h>

/* Recurse until K's stack overflows into its guard page. */
static u64 overflow_stack(volatile u64 *above)
{
	volatile u64 here[64];

	here[0] = (u64)above;
	return overflow_stack(here) + here[0];
}

static void run_data(void)
{
	static u8 code[16] = { 0xc3 };
	void (*fn)(void) = (void *)code;

	fn();
}

/* The lock of this test that is taken before the pages' lock. */
static struct lock outer_lock;

static bool is_locked(const struct lock *l)
{
	return __atomic_load_n(&l->holder, __ATOMIC_RELAXED);
}

/* Fault with two locks held, after 100 ms, in which other CPUs come and wait for either lock. */
static void fault_with_locks(void)
{
	u64 end = hw_rdtsc() + k_params.tsc_khz * 100ull;

	lock_take(&outer_lock);
	pages_lock();
	while (hw_rdtsc() < end)
		hw_pause();
	asm volatile("ud2");
}

/*
 * Wait for the lock that another CPU faults with. Give that CPU ten seconds to take it, because
 * the machine may be slow.
 */
static s64 wait_for_lock(void)
{
	u64 end = hw_rdtsc() + k_params.tsc_khz * 10000ull;

	while (!is_locked(&outer_lock)) {
		if (hw_rdtsc() > end)
			return -REGENT_HC_EBUSY;
		hw_pause();
	}
	lock_take(&outer_lock);
	lock_drop(&outer_lock);
	return -REGENT_HC_EFAULT;
}

/**
 * debug_fault() - make K fault on purpose
 * @kind: the fault, enum regent_debug_fault
 *
 * A fault that trap() sees does not return here.
 *
 * Return: -REGENT_HC_EFAULT: nothing has faulted, or @kind is unknown; -REGENT_HC_EBUSY: no other
 * CPU has taken the lock (REGENT_FAULT_WAIT).
 */
s64 debug_fault(u64 kind)
{
	switch (kind) {
	case REGENT_FAULT_PF:
		*(volatile u64 *)0x1000 = 0;
		break;
	case REGENT_FAULT_GP:
		*(volatile u64 *)0x8000000000000000ull = 0;
		break;
	case REGENT_FAULT_UD:
		asm volatile("ud2");
		break;
	case REGENT_FAULT_STACK:
		overflow_stack(NULL);
		break;
	case REGENT_FAULT_WRITE_TEXT:
		*(volatile char *)k_image_start = 0;
		break;
	case REGENT_FAULT_EXEC_DATA:
		run_data();
		break;
	case REGENT_FAULT_LOCKED:
		fault_with_locks();
		break;
	case REGENT_FAULT_WAIT:
		return wait_for_lock();
	case REGENT_FAULT_TWICE:
		this_cpu()->faults = 1;
		asm volatile("ud2");
		break;
	}
	return -REGENT_HC_EFAULT;
}
