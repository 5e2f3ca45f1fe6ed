// SPDX-License-Identifier: GPL-2.0-only
/* Faults on purpose, see <regent/debug.h>. Each must reach trap(). */
#include <regent/abi/hypercall.h>
#include <regent/debug.h>
#include <regent/k.h>

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
	}
}
