/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules of memory slots, and of notifiers that come between Linux's answer which page is
 * somewhere and K's mapping of it. Plain logic: memory.c holds the locks.
 */
#ifndef TAKEOVER_KVM_SLOTS_H
#define TAKEOVER_KVM_SLOTS_H

#include <regent/abi/types.h>

#define SLOT_PAGES	((1ull << 31) - 1)	/* at most, as in KVM */

/**
 * struct vm_slot - a memory slot
 * @gpa: guest-physical address
 * @size: bytes, 0 for none
 * @hva: the VMM's address of the same
 * @readonly: writes are accesses to a device
 */
struct vm_slot {
	u64 gpa;
	u64 size;
	unsigned long hva;
	bool readonly;
};

/**
 * struct vm_zaps - notifiers
 * @sequence: number of ends
 * @zapping: notifiers between start and end
 * @start: of the VMM's addresses that these have to do with
 * @end: the first one behind
 */
struct vm_zaps {
	unsigned long sequence;
	unsigned int zapping;
	unsigned long start;
	unsigned long end;
};

/**
 * enum slot_change - what becomes of a slot
 * @SLOT_REFUSED: there is none to delete, or one would change that may only move
 * @SLOT_OVERLAPS: another slot is there
 * @SLOT_EMPTY: it goes
 * @SLOT_FILL: it comes
 * @SLOT_MOVE: it goes, and comes somewhere else
 */
enum slot_change { SLOT_REFUSED, SLOT_OVERLAPS, SLOT_EMPTY, SLOT_FILL, SLOT_MOVE };

/**
 * slot_find() - the slot that has a guest-physical address
 * @slot: the slots
 * @n: their number
 * @gpa: any address
 *
 * Return: the slot, or NULL.
 */
static inline const struct vm_slot *slot_find(const struct vm_slot *slot, unsigned int n, u64 gpa)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (gpa - slot[i].gpa < slot[i].size)
			return &slot[i];
	return NULL;
}

/**
 * slot_uses() - has any slot some of the VMM's addresses?
 * @slot: the slots
 * @n: their number
 * @start: the first one
 * @end: the first one behind
 */
static inline bool slot_uses(const struct vm_slot *slot, unsigned int n, unsigned long start,
			     unsigned long end)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (slot[i].size && start < slot[i].hva + slot[i].size && slot[i].hva < end)
			return true;
	return false;
}

/**
 * slot_fits() - is it memory that a VM can have?
 * @gpa: guest-physical address
 * @size: bytes
 * @hva: the VMM's address, which the caller checks as well
 * @top: the first guest-physical address that there cannot be
 */
static inline bool slot_fits(u64 gpa, u64 size, u64 hva, u64 top)
{
	return !((gpa | size | hva) & (REGENT_PAGE_SIZE - 1)) &&
	       size >> REGENT_PAGE_SHIFT <= SLOT_PAGES && gpa < top && size <= top - gpa;
}

/**
 * slot_change() - decide on KVM_SET_USER_MEMORY_REGION
 * @slot: the slots
 * @n: their number
 * @which: the one to change
 * @to: what it is to be; slot_fits() says yes
 *
 * As KVM: the size of a slot does not change, and only a slot that moves keeps its number.
 */
static inline enum slot_change slot_change(const struct vm_slot *slot, unsigned int n,
					   unsigned int which, const struct vm_slot *to)
{
	const struct vm_slot *old = &slot[which];
	unsigned int i;

	if (!to->size)
		return old->size ? SLOT_EMPTY : SLOT_REFUSED;
	if (old->size && (to->size != old->size || to->hva != old->hva ||
			  to->readonly != old->readonly))
		return SLOT_REFUSED;
	for (i = 0; i < n; i++)
		if (i != which && slot[i].size && to->gpa < slot[i].gpa + slot[i].size &&
		    slot[i].gpa < to->gpa + to->size)
			return SLOT_OVERLAPS;
	return old->size ? SLOT_MOVE : SLOT_FILL;
}

/**
 * zaps_begin() - a notifier starts
 * @z: the VM's
 * @start: the VMM's first address that it is about
 * @end: the first one behind
 * @used: slots have some of these addresses
 *
 * All notifiers are counted, and slots come only when there is none; but those that have to do
 * with no slot make no lookup of a page old.
 */
static inline void zaps_begin(struct vm_zaps *z, unsigned long start, unsigned long end, bool used)
{
	if (!z->zapping++) {
		z->start = ~0ul;
		z->end = 0;
	}
	if (!used)
		return;
	if (start < z->start)
		z->start = start;
	if (end > z->end)
		z->end = end;
}

/**
 * zaps_end() - it ends
 * @z: the VM's
 * @used: slots have some of its addresses
 */
static inline void zaps_end(struct vm_zaps *z, bool used)
{
	if (used)
		z->sequence++;
	z->zapping--;
}

/**
 * zaps_stale() - has a notifier made Linux's answer old?
 * @z: the VM's
 * @start: the VMM's first address that it was about
 * @size: bytes
 * @sequence: @z->sequence before Linux was asked
 */
static inline bool zaps_stale(const struct vm_zaps *z, unsigned long start, unsigned long size,
			      unsigned long sequence)
{
	return z->sequence != sequence ||
	       (z->zapping && start < z->end && z->start < start + size);
}

#endif
