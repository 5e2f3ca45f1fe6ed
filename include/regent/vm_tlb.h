/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU that K schedules, and those who take memory from its VM: does it still use translations
 * of before? Plain logic, which selftests/unit/test_tlb_sched.c explores with <regent/asid.h>.
 */
#ifndef REGENT_VM_TLB_H
#define REGENT_VM_TLB_H

#include <regent/abi/types.h>

/**
 * struct vm_tlb - what others see of a vCPU's translations
 * @seen: number of changes of the VM's memory that they have followed, see asid_follow()
 * @inside: the CPU + 1 on which the vCPU may use any, while K schedules it, else 0
 * @kicked_for: number of changes for which vm_tlb_sync() has asked for a kick last; one caller
 *	at a time
 */
struct vm_tlb {
	u32 seen;
	u32 inside;
	u32 kicked_for;
};

/**
 * enum vm_tlb_sync - what is left to do before memory that was taken away may be used again
 * @VM_TLB_DONE: nothing for this vCPU
 * @VM_TLB_BUSY: ask again
 * @VM_TLB_KICK: make it exit, and ask again
 */
enum vm_tlb_sync { VM_TLB_DONE, VM_TLB_BUSY, VM_TLB_KICK };

/**
 * vm_tlb_inside() - from now on a CPU may use translations of a vCPU's
 * @t: the vCPU's
 * @cpu: number of this CPU
 *
 * Before asid_follow(): so either that sees a change, or who has counted it sees the mark.
 */
static inline void vm_tlb_inside(struct vm_tlb *t, u32 cpu)
{
	if (!t->inside)
		__atomic_store_n(&t->inside, cpu + 1, __ATOMIC_SEQ_CST);
}

/**
 * vm_tlb_outside() - this CPU uses none until vm_tlb_inside(), and all accesses of before are over
 * @t: the vCPU's
 */
static inline void vm_tlb_outside(struct vm_tlb *t)
{
	__atomic_store_n(&t->inside, 0, __ATOMIC_RELEASE);
}

/**
 * vm_tlb_sync() - may a vCPU still use translations of before a change?
 * @t: the vCPU's
 * @now: number of changes, the last of which counts
 * @cpu: with VM_TLB_KICK, number of the CPU to kick
 *
 * A vCPU that is not inside now sees the change before it is entered.
 */
static inline enum vm_tlb_sync vm_tlb_sync(struct vm_tlb *t, u32 now, u32 *cpu)
{
	u32 inside = __atomic_load_n(&t->inside, __ATOMIC_SEQ_CST);

	if (!inside || __atomic_load_n(&t->seen, __ATOMIC_ACQUIRE) == now)
		return VM_TLB_DONE;
	if (t->kicked_for == now)
		return VM_TLB_BUSY;
	t->kicked_for = now;
	*cpu = inside - 1;
	return VM_TLB_KICK;
}

#endif
