// SPDX-License-Identifier: GPL-2.0-only
/* Faults on purpose, see <regent/debug.h>. Each must reach trap(). */
#include <hw/asm.h>
#include <regent/abi/hypercall.h>
#include <regent/debug.h>
#include <regent/k.h>
#include <regent/pages.h>

static u64 deeper(volatile u64 *above)
{
	volatile u64 here[64];

	here[0] = (u64)above;
	return deeper(here) + here[0];
}

static void run_data(void)
{
	static u8 code[16] = { 0xc3 };
	void (*fn)(void) = (void *)code;

	fn();
}

/* Long enough for another CPU to come and wait. */
static void with_lock(void)
{
	u64 end = hw_rdtsc() + k_params.tsc_khz * 100ull;

	pages_lock();
	while (hw_rdtsc() < end)
		hw_pause();
	asm volatile("ud2");
}

/**
 * debug_fault() - fault
 * @kind: enum regent_debug_fault; does not return if the fault is caught
 */
void debug_fault(u64 kind)
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
		deeper(NULL);
		break;
	case REGENT_FAULT_WRITE_TEXT:
		*(volatile char *)k_image_start = 0;
		break;
	case REGENT_FAULT_EXEC_DATA:
		run_data();
		break;
	case REGENT_FAULT_LOCKED:
		with_lock();
		break;
	}
}
