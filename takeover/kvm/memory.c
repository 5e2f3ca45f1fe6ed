// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slots, and Linux's memory in them. Pages are mapped when a vCPU touches them, and stay for as
 * long as the VMM's own mapping: nothing is pinned.
 *
 * Linux tells by a notifier when a mapping goes. Its start marks the range, has K take the
 * pages away, and waits until no vCPU runs that could still use them; its end counts up
 * vm->sequence. A page is mapped only if no notifier has come between Linux's answer which page
 * it is and K's: then it is looked up again.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "kvm.h"

#define MAP_BLOCK	(REGENT_VM_MAPS * PAGE_SIZE)
#define QUICK_TRIES	3	/* to map a page, before it is done more slowly */

/* vm->mmu_lock held */
static const struct vm_slot *memory_find(const struct vm *vm, u64 gpa)
{
	unsigned int i;

	for (i = 0; i < VM_SLOTS; i++)
		if (gpa - vm->slot[i].gpa < vm->slot[i].size)
			return &vm->slot[i];
	return NULL;
}

/* What K does at once. A VM that is left with a page too many must not run again. */
static void memory_zap_piece(struct vm *vm, u64 gpa, u64 size)
{
	if (vm_call(vm, REGENT_HC_VM_ZAP, vm->id | size >> PAGE_SHIFT << 16, gpa))
		WRITE_ONCE(vm->dead, true);
}

/*
 * What a slot has of the VMM's addresses from @start to @end, the first one behind: a piece at
 * a time, between which others may come, also to change the slot. vm->mmu_lock held.
 */
static bool memory_zap_slot(struct vm *vm, const struct vm_slot *s, unsigned long start,
			    unsigned long end, bool may_sleep)
{
	bool any = false;

	for (;;) {
		unsigned long from = max(start, s->hva);
		unsigned long to = min(end, s->hva + (unsigned long)s->size);

		if (!s->size || from >= to)
			return any;
		to = min(to, from + (unsigned long)REGENT_VM_ZAP);
		memory_zap_piece(vm, s->gpa + (from - s->hva), to - from);
		any = true;
		start = to;
		if (may_sleep)
			cond_resched_lock(&vm->mmu_lock);
	}
}

/* The same of all slots */
static bool memory_zap_user(struct vm *vm, unsigned long start, unsigned long end,
			    bool may_sleep)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < VM_SLOTS; i++)
		any |= memory_zap_slot(vm, &vm->slot[i], start, end, may_sleep);
	return any;
}

/* The end of all there is may be the last address. */
static unsigned long memory_range_end(const struct mmu_notifier_range *range)
{
	return range->end > ULONG_MAX - PAGE_SIZE ? ULONG_MAX : PAGE_ALIGN(range->end);
}

/* vm->mmu_lock held */
static bool memory_is_used(const struct vm *vm, unsigned long start, unsigned long end)
{
	unsigned int i;

	for (i = 0; i < VM_SLOTS; i++)
		if (vm->slot[i].size && start < vm->slot[i].hva + vm->slot[i].size &&
		    vm->slot[i].hva < end)
			return true;
	return false;
}

/*
 * All notifiers are counted, and slots come only when there is none; but those that have to do
 * with no slot make no lookup of a page old.
 */
static int memory_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct vm *vm = container_of(mn, struct vm, notifier);
	unsigned long start = range->start & PAGE_MASK, end = memory_range_end(range);
	bool any;

	spin_lock(&vm->mmu_lock);
	if (!vm->zapping++) {
		vm->zap_start = ULONG_MAX;
		vm->zap_end = 0;
	}
	if (memory_is_used(vm, start, end)) {
		vm->zap_start = min(vm->zap_start, start);
		vm->zap_end = max(vm->zap_end, end);
	}
	any = memory_zap_user(vm, start, end, mmu_notifier_range_blockable(range));
	spin_unlock(&vm->mmu_lock);
	if (any)
		vm_kick(vm);
	return 0;
}

static void memory_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct vm *vm = container_of(mn, struct vm, notifier);

	spin_lock(&vm->mmu_lock);
	if (memory_is_used(vm, range->start & PAGE_MASK, memory_range_end(range)))
		vm->sequence++;
	vm->zapping--;
	spin_unlock(&vm->mmu_lock);
}

/* The VMM's memory goes as a whole, with its last thread: nobody can run a vCPU any more. */
static void memory_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct vm *vm = container_of(mn, struct vm, notifier);

	spin_lock(&vm->mmu_lock);
	memory_zap_user(vm, 0, ULONG_MAX, true);
	spin_unlock(&vm->mmu_lock);
	vm_kick(vm);
}

static const struct mmu_notifier_ops memory_notifier = {
	.invalidate_range_start = memory_start,
	.invalidate_range_end = memory_end,
	.release = memory_release,
};

/**
 * memory_watch() - have Linux tell of changes of the VMM's mappings
 * @vm: a new VM, of this process
 *
 * Return: 0 or a negative errno.
 */
int memory_watch(struct vm *vm)
{
	vm->notifier.ops = &memory_notifier;
	return mmu_notifier_register(&vm->notifier, vm->mm);
}

/**
 * memory_unwatch() - undo memory_watch()
 * @vm: the VM, which nobody uses
 */
void memory_unwatch(struct vm *vm)
{
	mmu_notifier_unregister(&vm->notifier, vm->mm);
}

static bool memory_overlaps(const struct vm *vm, unsigned int except, u64 gpa, u64 size)
{
	unsigned int i;

	for (i = 0; i < VM_SLOTS; i++) {
		const struct vm_slot *s = &vm->slot[i];

		if (i != except && s->size && gpa < s->gpa + s->size && s->gpa < gpa + size)
			return true;
	}
	return false;
}

#define MAX_PAGES	((1ull << 31) - 1)	/* of a slot, as in KVM */

/* What KVM accepts, and what the processor and K's tables can address */
static bool memory_valid(const struct kvm_userspace_memory_region *m)
{
	u32 bits = min(boot_cpu_data.x86_phys_bits, regent.features & REGENT_FEAT_LA57 ? 57 : 48);
	u64 top = 1ull << bits;

	return m->memory_size >> PAGE_SHIFT <= MAX_PAGES && m->slot < VM_SLOTS &&
	       !(m->flags & ~KVM_MEM_READONLY) &&
	       PAGE_ALIGNED(m->memory_size | m->guest_phys_addr | m->userspace_addr) &&
	       m->guest_phys_addr < top && m->memory_size <= top - m->guest_phys_addr &&
	       access_ok((void __user *)(unsigned long)m->userspace_addr, m->memory_size);
}

/* vm->slots_lock held for writing: nobody maps anything meanwhile. */
static void memory_empty(struct vm *vm, struct vm_slot *slot)
{
	/* Notifiers know the slot until no vCPU can use it any more. */
	spin_lock(&vm->mmu_lock);
	memory_zap_slot(vm, slot, slot->hva, slot->hva + slot->size, true);
	spin_unlock(&vm->mmu_lock);
	vm_kick(vm);
	spin_lock(&vm->mmu_lock);
	slot->size = 0;
	vm->sequence++;
	spin_unlock(&vm->mmu_lock);
}

/* The same. A notifier that has begun has not seen the slot: it has to end first. */
static int memory_fill(struct vm *vm, struct vm_slot *slot,
		       const struct kvm_userspace_memory_region *m)
{
	spin_lock(&vm->mmu_lock);
	while (vm->zapping) {
		spin_unlock(&vm->mmu_lock);
		if (fatal_signal_pending(current))
			return -EINTR;
		usleep_range(20, 100);
		spin_lock(&vm->mmu_lock);
	}
	slot->gpa = m->guest_phys_addr;
	slot->hva = m->userspace_addr;
	slot->size = m->memory_size;
	slot->readonly = m->flags & KVM_MEM_READONLY;
	vm->sequence++;
	/* K has nothing there, but remembers that there is none: see struct vcpu_device. */
	memory_zap_piece(vm, slot->gpa, PAGE_SIZE);
	spin_unlock(&vm->mmu_lock);
	return 0;
}

/**
 * memory_set() - KVM_SET_USER_MEMORY_REGION
 * @vm: the VM
 * @m: the slot
 *
 * As KVM: the size of a slot does not change, and only a slot that moves keeps its number.
 *
 * Return: 0; -EINVAL for a bad slot, -EEXIST when it overlaps another one; -EINTR.
 */
int memory_set(struct vm *vm, const struct kvm_userspace_memory_region *m)
{
	struct vm_slot *slot, old;
	int err = 0;

	if (!memory_valid(m))
		return -EINVAL;
	slot = &vm->slot[m->slot];
	down_write(&vm->slots_lock);
	old = *slot;
	if ((!m->memory_size && !old.size) ||
	    (m->memory_size && old.size &&
	     (m->memory_size != old.size || m->userspace_addr != old.hva ||
	      !!(m->flags & KVM_MEM_READONLY) != old.readonly)))
		err = -EINVAL;
	else if (m->memory_size &&
		 memory_overlaps(vm, m->slot, m->guest_phys_addr, m->memory_size))
		err = -EEXIST;
	if (!err && old.size)
		memory_empty(vm, slot);
	if (!err && m->memory_size)
		err = memory_fill(vm, slot, m);
	up_write(&vm->slots_lock);
	return err;
}

/* A page of the VMM's, held; *@write is true afterwards if it may be written. */
static int memory_get_page(unsigned long hva, bool readonly, bool *write, struct page **page)
{
	long n;

	if (!readonly && !*write && get_user_pages_fast_only(hva, 1, FOLL_WRITE, page) == 1) {
		*write = true;
		return 0;
	}
	n = get_user_pages_unlocked(hva, 1, page, *write ? FOLL_WRITE : 0);
	return n == 1 ? 0 : n < 0 ? n : -EFAULT;
}

/* vm->mmu_lock held: has a notifier made the answer old? */
static bool memory_is_stale(const struct vm *vm, unsigned long hva, unsigned long sequence)
{
	return vm->sequence != sequence ||
	       (vm->zapping && hva >= vm->zap_start && hva < vm->zap_end);
}

static long memory_map(struct vm *vm, u64 gpa, unsigned long hva, struct page *page, bool write,
		       unsigned long sequence)
{
	long err = -EAGAIN;

	spin_lock(&vm->mmu_lock);
	if (!memory_is_stale(vm, hva, sequence)) {
		vm->page->map[0] = (struct regent_vm_map){
			.gpa = gpa, .pa = page_to_phys(page), .writable = write,
		};
		err = vm_call(vm, REGENT_HC_VM_MAP, vm->id, 1);
		/* Before a notifier can have it cleaned, and write-protected */
		if (!err && write)
			set_page_dirty(page);
	}
	spin_unlock(&vm->mmu_lock);
	return err;
}

/*
 * What Linux has behind that page already, up to the end of an aligned block of as many pages as
 * one hypercall maps: the vCPU will want it soon. Nothing is allocated for it, and if it cannot
 * be mapped now, nothing is lost.
 */
static void memory_map_behind(struct vm *vm, u64 gpa, unsigned long hva, unsigned int count,
			      bool readonly, unsigned long sequence)
{
	struct page *page[REGENT_VM_MAPS];
	int i, n;

	n = get_user_pages_fast_only(hva, count, readonly ? 0 : FOLL_WRITE, page);
	if (n <= 0)
		return;
	spin_lock(&vm->mmu_lock);
	for (i = 0; i < n && !memory_is_stale(vm, hva + i * PAGE_SIZE, sequence); i++)
		vm->page->map[i] = (struct regent_vm_map){
			.gpa = gpa + i * PAGE_SIZE, .pa = page_to_phys(page[i]),
			.writable = !readonly,
		};
	if (i == n) {
		/* After an error K may have mapped some. */
		vm_call(vm, REGENT_HC_VM_MAP, vm->id, n);
		for (i = 0; i < n && !readonly; i++)
			set_page_dirty(page[i]);
	}
	spin_unlock(&vm->mmu_lock);
	for (i = 0; i < n; i++)
		put_page(page[i]);
}

static int memory_try(struct vm *vm, u64 gpa, bool write)
{
	unsigned long sequence, hva, behind = 0;
	const struct vm_slot *s;
	struct page *page;
	bool readonly;
	long err;

	spin_lock(&vm->mmu_lock);
	s = memory_find(vm, gpa);
	sequence = vm->sequence;
	hva = s ? s->hva + (gpa - s->gpa) : 0;
	readonly = s && s->readonly;
	if (s)
		behind = min_t(u64, s->size - (gpa - s->gpa),
			       MAP_BLOCK - (gpa & (MAP_BLOCK - 1)));
	spin_unlock(&vm->mmu_lock);
	if (!s || (write && readonly))
		return 1;
	err = memory_get_page(hva, readonly, &write, &page);
	if (err)
		return err;
	err = memory_map(vm, gpa, hva, page, write && !readonly, sequence);
	put_page(page);
	if (!err && behind > PAGE_SIZE)
		memory_map_behind(vm, gpa + PAGE_SIZE, hva + PAGE_SIZE,
				  behind / PAGE_SIZE - 1, readonly, sequence);
	return err;
}

/**
 * memory_fault() - map what a vCPU has touched
 * @vm: the VM, of this process
 * @gpa: guest-physical address
 * @write: for writing
 *
 * Process context. Return: 0; 1 when it is no memory, or none that may be written; a negative
 * errno: -EFAULT when the VMM has nothing there.
 */
int memory_fault(struct vm *vm, u64 gpa, bool write)
{
	unsigned int had, tries = 0;
	int err;

	down_read(&vm->slots_lock);
	do {
		had = donated_chunks();
		err = memory_try(vm, gpa & PAGE_MASK, write);
		if (err == -ENOSPC)
			err = vm_give_memory(had) ?: -EAGAIN;
		/* A notifier may need this CPU to come to its end. */
		if (err == -EAGAIN && ++tries > QUICK_TRIES)
			usleep_range(20, 100);
	} while (err == -EAGAIN && !signal_pending(current));
	up_read(&vm->slots_lock);
	/* With a signal pending the vCPU comes here again. */
	return err == -EAGAIN ? 0 : err;
}

/**
 * memory_user() - where the VMM has a piece of a VM's memory
 * @vm: the VM, of this process
 * @gpa: guest-physical address
 * @size: bytes, not over the end of a slot
 * @write: to be written
 *
 * Return: its address; NULL when there is none.
 */
void __user *memory_user(struct vm *vm, u64 gpa, u64 size, bool write)
{
	const struct vm_slot *s;
	unsigned long hva = 0;

	spin_lock(&vm->mmu_lock);
	s = memory_find(vm, gpa);
	if (s && gpa - s->gpa + size <= s->size && !(write && s->readonly))
		hva = s->hva + (gpa - s->gpa);
	spin_unlock(&vm->mmu_lock);
	return (void __user *)hva;
}
