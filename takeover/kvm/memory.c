// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slots, and Linux's memory in them. Pages are mapped when a vCPU touches them, and stay for as
 * long as the VMM's own mapping: nothing is pinned.
 *
 * Linux tells by a notifier when a mapping goes. Its start marks the range, has K take the
 * pages away, and waits until no vCPU runs that could still use them; its end counts up
 * vm->zaps.sequence. A page is mapped only if no notifier has come between Linux's answer which
 * page it is and K's: then it is looked up again. slots.h has the rules.
 *
 * What Linux has in a page of 2 MiB or more, and the slot has as aligned, K gets as 2 MiB.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "kvm.h"

#define MAP_BLOCK	(REGENT_VM_MAPS * PAGE_SIZE)
#define QUICK_TRIES	3	/* to map a page, before it is done more slowly */

static atomic64_t mapped_2m;	/* pages of 2 MiB that K was given, for tests */

/**
 * memory_mapped_2m() - how often a page of 2 MiB was mapped into a VM
 */
u64 memory_mapped_2m(void)
{
	return atomic64_read(&mapped_2m);
}

/* vm->mmu_lock held */
static const struct vm_slot *memory_find(const struct vm *vm, u64 gpa)
{
	return slot_find(vm->slot, vm->slots_top, gpa);
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

	for (i = 0; i < vm->slots_top; i++)
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
	return slot_uses(vm->slot, vm->slots_top, start, end);
}

static int memory_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct vm *vm = container_of(mn, struct vm, notifier);
	unsigned long start = range->start & PAGE_MASK, end = memory_range_end(range);
	bool any;

	spin_lock(&vm->mmu_lock);
	zaps_begin(&vm->zaps, start, end, memory_is_used(vm, start, end));
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
	zaps_end(&vm->zaps,
		 memory_is_used(vm, range->start & PAGE_MASK, memory_range_end(range)));
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

/* What KVM accepts, and what the processor and K's tables can address */
static bool memory_valid(const struct kvm_userspace_memory_region *m)
{
	u32 bits = min(boot_cpu_data.x86_phys_bits, regent.features & REGENT_FEAT_LA57 ? 57 : 48);

	return m->slot < VM_SLOTS && !(m->flags & ~KVM_MEM_READONLY) &&
	       slot_fits(m->guest_phys_addr, m->memory_size, m->userspace_addr, 1ull << bits) &&
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
	vm->zaps.sequence++;
	spin_unlock(&vm->mmu_lock);
}

/* The same. A notifier that has begun has not seen the slot: it has to end first. */
static int memory_fill(struct vm *vm, struct vm_slot *slot, const struct vm_slot *to)
{
	spin_lock(&vm->mmu_lock);
	while (vm->zaps.zapping) {
		spin_unlock(&vm->mmu_lock);
		if (fatal_signal_pending(current))
			return -EINTR;
		usleep_range(20, 100);
		spin_lock(&vm->mmu_lock);
	}
	*slot = *to;
	vm->slots_top = max_t(unsigned int, vm->slots_top, slot - vm->slot + 1);
	vm->zaps.sequence++;
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
 * Return: 0; -EINVAL for a bad slot, -EEXIST when it overlaps another one; -EINTR.
 */
int memory_set(struct vm *vm, const struct kvm_userspace_memory_region *m)
{
	struct vm_slot to = {
		.gpa = m->guest_phys_addr, .size = m->memory_size, .hva = m->userspace_addr,
		.readonly = m->flags & KVM_MEM_READONLY,
	};
	enum slot_change change;
	unsigned int which;
	int err = 0;

	if (!memory_valid(m))
		return -EINVAL;
	which = array_index_nospec(m->slot, VM_SLOTS);
	down_write(&vm->slots_lock);
	change = slot_change(vm->slot, VM_SLOTS, which, &to);
	if (change == SLOT_REFUSED)
		err = -EINVAL;
	if (change == SLOT_OVERLAPS)
		err = -EEXIST;
	if (change == SLOT_EMPTY || change == SLOT_MOVE)
		memory_empty(vm, &vm->slot[which]);
	if (change == SLOT_FILL || change == SLOT_MOVE)
		err = memory_fill(vm, &vm->slot[which], &to);
	up_write(&vm->slots_lock);
	return err;
}

/**
 * struct touch - what a vCPU has touched, and where the VMM has it
 * @gpa: guest-physical address of the page
 * @hva: the VMM's address of the same
 * @write: for writing; once Linux has named the page, whether it may be written
 * @readonly: the slot is
 * @fits_2m: the slot has all of the 2 MiB around @gpa, as aligned as @gpa is
 * @behind: bytes from @gpa on that are mapped with it, if Linux has them
 * @sequence: vm->zaps.sequence before Linux was asked
 */
struct touch {
	u64 gpa;
	unsigned long hva;
	bool write;
	bool readonly;
	bool fits_2m;
	unsigned long behind;
	unsigned long sequence;
};

/* False when it is no memory, or none that may be written. */
static bool memory_look_up(struct vm *vm, u64 gpa, bool write, struct touch *t)
{
	const struct vm_slot *s;
	u64 first, offset;

	spin_lock(&vm->mmu_lock);
	s = memory_find(vm, gpa);
	if (s) {
		offset = gpa - s->gpa;
		first = gpa & ~(REGENT_PAGE_2M - 1);
		*t = (struct touch){
			.gpa = gpa, .hva = s->hva + offset, .write = write,
			.readonly = s->readonly, .sequence = vm->zaps.sequence,
			.behind = min_t(u64, s->size - offset,
					MAP_BLOCK - (gpa & (MAP_BLOCK - 1))),
			.fits_2m = !((s->gpa ^ s->hva) & (REGENT_PAGE_2M - 1)) &&
				   first >= s->gpa &&
				   first - s->gpa + REGENT_PAGE_2M <= s->size,
		};
	}
	spin_unlock(&vm->mmu_lock);
	return s && !(write && t->readonly);
}

/* The VMM's page, held; @t->write says afterwards if it may be written. */
static int memory_get_page(struct touch *t, struct page **page)
{
	bool write = t->write;
	long n;

	if (!t->readonly && !write && get_user_pages_fast_only(t->hva, 1, FOLL_WRITE, page) == 1) {
		t->write = true;
		return 0;
	}
	n = get_user_pages_unlocked(t->hva, 1, page, write ? FOLL_WRITE : 0);
	return n == 1 ? 0 : n < 0 ? n : -EFAULT;
}

/* vm->mmu_lock held: has a notifier made the answer old? */
static bool memory_is_stale(const struct vm *vm, unsigned long hva, unsigned long size,
			    unsigned long sequence)
{
	return zaps_stale(&vm->zaps, hva, size, sequence);
}

/*
 * Has Linux itself this address in a page of 2 MiB, or of 1 GiB? Its tables say so. They are
 * not freed while interrupts are off here: who frees one waits for this CPU before. vm->mmu_lock
 * held: no notifier has come since Linux was asked for the page, so that it is there still.
 */
static bool memory_is_huge(struct mm_struct *mm, unsigned long hva)
{
	bool huge = false;
	unsigned long flags;
	p4d_t p4d;
	pgd_t pgd;
	pud_t pud;
	pmd_t pmd;

	local_irq_save(flags);
	pgd = READ_ONCE(*pgd_offset(mm, hva));
	if (pgd_none(pgd))
		goto out;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (p4d_none(p4d) || !p4d_present(p4d))
		goto out;
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (pud_none(pud) || !pud_present(pud))
		goto out;
	huge = pud_leaf(pud);
	if (huge)
		goto out;
	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	huge = pmd_present(pmd) && pmd_leaf(pmd);
out:
	local_irq_restore(flags);
	return huge;
}

/* vm->mmu_lock held: can all of the 2 MiB around what was touched be mapped? */
static bool memory_maps_2m(const struct vm *vm, const struct touch *t, struct page *page)
{
	unsigned long first = t->hva & ~(REGENT_PAGE_2M - 1);

	/* Devices' memory, which some file systems map in such pages, goes by 4 KiB. */
	return t->fits_2m && PageCompound(page) &&
	       !((page_to_phys(page) ^ t->hva) & (REGENT_PAGE_2M - 1)) &&
	       !memory_is_stale(vm, first, REGENT_PAGE_2M, t->sequence) &&
	       memory_is_huge(vm->mm, t->hva);
}

/*
 * K has taken away what was in the way. Before there is something else, nobody uses it any more:
 * so vm->mmu_lock stays held, which keeps all others from mapping anything.
 */
static void memory_resized(struct vm *vm, long answer)
{
	vm_kick(vm);
	while (vm_call(vm, REGENT_HC_VM_TRIM, vm->id, answer) == -EBUSY)
		cpu_relax();
}

static long memory_map(struct vm *vm, struct touch *t, struct page *page)
{
	u64 size = PAGE_SIZE, pa = page_to_phys(page);
	bool write = t->write && !t->readonly;
	long err = -EAGAIN;

	spin_lock(&vm->mmu_lock);
	if (memory_is_stale(vm, t->hva, PAGE_SIZE, t->sequence))
		goto out;
	if (memory_maps_2m(vm, t, page)) {
		size = REGENT_PAGE_2M;
		t->behind = 0;
	}
	vm->page->map[0] = (struct regent_vm_map){
		.gpa = t->gpa & ~(size - 1), .pa = pa & ~(size - 1), .size = size,
		.writable = write,
	};
	err = vm_call(vm, REGENT_HC_VM_MAP, vm->id, 1);
	/* Before a notifier can have it cleaned, and write-protected */
	if (!err && write)
		set_page_dirty(page);
	if (!err && size == REGENT_PAGE_2M)
		atomic64_inc(&mapped_2m);
	if (err > 0) {
		memory_resized(vm, err);
		err = -EAGAIN;
	}
out:
	spin_unlock(&vm->mmu_lock);
	return err;
}

/*
 * What Linux has behind that page already, up to the end of an aligned block of as many pages as
 * one hypercall maps: the vCPU will want it soon. Nothing is allocated for it, and if it cannot
 * be mapped now, nothing is lost.
 */
static void memory_map_behind(struct vm *vm, const struct touch *t)
{
	unsigned long hva = t->hva + PAGE_SIZE;
	struct page *page[REGENT_VM_MAPS];
	int i, n = t->behind / PAGE_SIZE - 1;
	u64 gpa = t->gpa + PAGE_SIZE;
	long answer;

	n = get_user_pages_fast_only(hva, n, t->readonly ? 0 : FOLL_WRITE, page);
	WRITE_ONCE(vm->nothing_behind, n > 0 ? 0 : READ_ONCE(vm->nothing_behind) + 1);
	if (n <= 0)
		return;
	spin_lock(&vm->mmu_lock);
	if (!memory_is_stale(vm, hva, n * PAGE_SIZE, t->sequence)) {
		for (i = 0; i < n; i++)
			vm->page->map[i] = (struct regent_vm_map){
				.gpa = gpa + i * PAGE_SIZE, .pa = page_to_phys(page[i]),
				.size = PAGE_SIZE, .writable = !t->readonly,
			};
		/* Unless it answers 0, K may have mapped some. */
		answer = vm_call(vm, REGENT_HC_VM_MAP, vm->id, n);
		if (answer > 0)
			memory_resized(vm, answer);
		for (i = 0; i < n && !t->readonly; i++)
			set_page_dirty(page[i]);
	}
	spin_unlock(&vm->mmu_lock);
	for (i = 0; i < n; i++)
		put_page(page[i]);
}

/* A VM that touches new memory finds nothing behind it, page for page: then look now and then. */
static bool memory_looks_behind(struct vm *vm)
{
	unsigned int n = READ_ONCE(vm->nothing_behind);

	if (n < 4 || !(n % 16))
		return true;
	WRITE_ONCE(vm->nothing_behind, n + 1);
	return false;
}

static int memory_try(struct vm *vm, u64 gpa, bool write)
{
	struct page *page;
	struct touch t;
	long err;

	if (!memory_look_up(vm, gpa, write, &t))
		return 1;
	err = memory_get_page(&t, &page);
	if (err)
		return err;
	err = memory_map(vm, &t, page);
	put_page(page);
	if (!err && t.behind > PAGE_SIZE && memory_looks_behind(vm))
		memory_map_behind(vm, &t);
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
