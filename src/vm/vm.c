// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual machines, and their memory: a nested table each, to which L adds pages of Linux's, of
 * 4 KiB or 2 MiB, and from which it takes them away when Linux's own mapping of them ends.
 *
 * Nobody waits in K for another CPU. A zap clears entries and counts up vm->sequence; a vCPU
 * whose own count is behind gets a new address space identifier before it runs (run.c). A
 * vCPU that runs at that moment has to exit: if K schedules it, K kicks its CPU, and L asks until
 * that is done (vm_sync()); if it is borrowed, L interrupts its CPU.
 *
 * Where pages of one size take the place of the other, the old ones are zapped, and L comes
 * again when no CPU can have translations of them any more. A table of 4 KiB pages that was
 * there is *detached*: out of the tree, but processors may have cached where it is, and K's own
 * walks take no lock. REGENT_HC_VM_TRIM frees it, once L has made all of these end. All other
 * tables are freed with the VM only.
 */
#include <hw/pte.h>
#include <regent/backend.h>
#include <regent/irq.h>
#include <regent/mtype.h>
#include <regent/pages.h>
#include <regent/ptab.h>
#include <regent/ptab_walk.h>

#include "vm.h"

#define MAX_VMS		1024
#define FREED_AT_ONCE	256	/* tables that one hypercall frees, in bounded time */
#define LEVEL_2M	2
/* Entries of a detached table, which no processor takes for present */
#define DETACHED_NEXT	0	/* the next table's address */
#define DETACHED_AT	1	/* vm->sequence when it was detached, in bits 32-63 */

static struct lock vms_lock;
static struct vm *vms[MAX_VMS];		/* by id - 1 */

/**
 * vm_get() - find a VM, and keep it from being destroyed
 * @id: any number
 *
 * Return: the VM, to which vm_put() is to be called; NULL when there is none.
 */
struct vm *vm_get(u64 id)
{
	struct vm *vm = NULL;

	lock_take(&vms_lock);
	if (id - 1 < MAX_VMS && vms[id - 1] && !vms[id - 1]->dying) {
		vm = vms[id - 1];
		vm->vcpus++;
	}
	lock_drop(&vms_lock);
	return vm;
}

/**
 * vm_put() - undo vm_get()
 * @vm: the VM
 */
void vm_put(struct vm *vm)
{
	lock_take(&vms_lock);
	vm->vcpus--;
	lock_drop(&vms_lock);
}

/**
 * vm_is_linux_page() - may K use this page of Linux's, or give it to a VM?
 * @pa: any address
 *
 * Return: true for a page of memory that is not K's. Devices have another memory type.
 */
bool vm_is_linux_page(u64 pa)
{
	return !(pa & (REGENT_PAGE_SIZE - 1)) && !(pa >> k_params.phys_bits) &&
	       !host_owns(pa) && mtype_of(&k_params.mtrr, pa) == MTYPE_WB;
}

static void vm_tables(const struct vm *vm, struct ptab *pt)
{
	pt->fmt = backend_npt->fmt;
	pt->root = vm->npt_root;
	pt->levels = k_params.levels;
	pt->max_leaf = LEVEL_2M;
	pt->page = pages_table;
	pt->alloc = pages_table_alloc;
	pt->ctx = NULL;
}

/**
 * vm_page() - a page of a VM's memory, for K's own accesses
 * @cpu: this CPU
 * @vm: the VM
 * @gpa: guest-physical address, of which only the page counts
 *
 * Return: K's address of the page, valid as mapcache_page() says; NULL when nothing is there.
 */
void *vm_page(struct cpu *cpu, const struct vm *vm, u64 gpa)
{
	struct ptab_leaf leaf;
	struct ptab pt;

	vm_tables(vm, &pt);
	if (ptab_walk(&pt, gpa & ~(REGENT_PAGE_SIZE - 1), &leaf) != PTAB_OK)
		return NULL;
	return mapcache_page(&cpu->mapcache, leaf.pa, MAPCACHE_RAM);
}

/**
 * vm_page_to_write() - the same, if the VM may write it
 * @cpu: this CPU
 * @vm: the VM
 * @gpa: guest-physical address, of which only the page counts
 *
 * L has marked such a page as dirty when it mapped it.
 */
void *vm_page_to_write(struct cpu *cpu, const struct vm *vm, u64 gpa)
{
	struct ptab_leaf leaf;
	struct ptab pt;

	vm_tables(vm, &pt);
	if (ptab_walk(&pt, gpa & ~(REGENT_PAGE_SIZE - 1), &leaf) != PTAB_OK ||
	    !(leaf.entry & HW_PTE_W))
		return NULL;
	return mapcache_page(&cpu->mapcache, leaf.pa, MAPCACHE_RAM);
}

static u64 vm_add(struct vm *vm)
{
	u64 i;

	lock_take(&vms_lock);
	for (i = 0; i < MAX_VMS && vms[i]; i++)
		;
	if (i < MAX_VMS)
		vms[i] = vm;
	lock_drop(&vms_lock);
	return i < MAX_VMS ? i + 1 : 0;
}

/**
 * vm_create() - see REGENT_HC_VM_CREATE
 * @page_pa: physical address of L's page for the VM
 *
 * Return: the VM's id or a negative REGENT_HC_E*.
 */
s64 vm_create(u64 page_pa)
{
	struct vm *vm;
	s64 err;
	u64 id;

	if (!backend_vm_there())
		return -REGENT_HC_EOPNOTSUPP;
	if (!vm_is_linux_page(page_pa))
		return -REGENT_HC_EINVAL;
	vm = pages_alloc(1);
	if (!vm)
		return -REGENT_HC_ENOSPC;
	vm->page_pa = page_pa;
	vm->npt_root = pages_table_alloc(NULL);
	id = vm->npt_root ? vm_add(vm) : 0;
	if (id)
		return id;
	err = vm->npt_root ? -REGENT_HC_ENFILE : -REGENT_HC_ENOSPC;
	if (vm->npt_root)
		pages_free(pages_table(NULL, vm->npt_root), 1);
	pages_free(vm, 1);
	return err;
}

/*
 * Free the tables below a table whose entries are of @level, at most @left of them. Each is
 * taken out of its parent before it is freed.
 */
static void free_tables(u64 *table, int level, u32 *left)
{
	u64 *below;
	u32 i;

	for (i = 0; level > 1 && *left && i < PTAB_ENTRIES; i++) {
		if (!(table[i] & backend_npt->fmt->present) ||
		    ptab_is_leaf(backend_npt->fmt, table[i], level))
			continue;
		below = pages_table(NULL, table[i] & HW_PTE_ADDR);
		free_tables(below, level - 1, left);
		if (!*left)
			return;
		table[i] = 0;
		pages_free(below, 1);
		--*left;
	}
}

/*
 * Free detached tables, at most @left, from the one on to which *@link points. They are in the
 * order in which they were detached, the last one first.
 */
static void free_detached(u64 *link, u32 *left)
{
	u64 *table;

	while (*link && *left) {
		table = pages_table(NULL, *link);
		*link = table[DETACHED_NEXT];
		pages_free(table, 1);
		--*left;
	}
}

/**
 * vm_destroy() - see REGENT_HC_VM_DESTROY
 * @id: any number
 *
 * Return: 0; -REGENT_HC_EBUSY to be asked again; -REGENT_HC_EINVAL when there is no such VM.
 */
s64 vm_destroy(u64 id)
{
	u32 left = FREED_AT_ONCE;
	struct vm *vm = NULL;

	lock_take(&vms_lock);
	if (id - 1 < MAX_VMS && vms[id - 1])
		vm = vms[id - 1];
	if (vm && !vm->vcpus)
		vm->dying = true;
	if (!vm || !vm->dying) {
		lock_drop(&vms_lock);
		return vm ? -REGENT_HC_EBUSY : -REGENT_HC_EINVAL;
	}
	free_detached(&vm->detached, &left);
	free_tables(pages_table(NULL, vm->npt_root), k_params.levels, &left);
	if (left)
		vms[id - 1] = NULL;
	lock_drop(&vms_lock);
	if (!left)
		return -REGENT_HC_EBUSY;
	pages_free(pages_table(NULL, vm->npt_root), 1);
	pages_free(vm, 1);
	return 0;
}

/**
 * vm_end_all() - see REGENT_HC_VM_END_ALL
 * @cpu: this CPU
 *
 * Return: 0 when there is no VM any more; -REGENT_HC_EBUSY to be called again.
 */
s64 vm_end_all(struct cpu *cpu)
{
	s64 err = vcpu_end_any(cpu);
	u64 id;

	for (id = 1; !err && id <= MAX_VMS; id++)
		if (vm_destroy(id) != -REGENT_HC_EINVAL)
			err = -REGENT_HC_EBUSY;
	return err;
}

/*
 * Where the iTLB multihit flaw is (Intel), a page of 2 MiB must not be executable, and a fetch
 * has to split it: L then maps 4 KiB there. VMX has no VMs yet; SVM's processors do not have it.
 */
static u64 vm_leaf(bool writable)
{
	u64 flags = npt_leaf(backend_npt, MTYPE_WB);

	/* Bit 1 is the right to write in NPT and in EPT. */
	return writable ? flags : flags & ~HW_PTE_W;
}

static u32 count_zap(struct vm *vm)
{
	return __atomic_add_fetch(&vm->sequence, 1, __ATOMIC_SEQ_CST);
}

/*
 * A table that was taken out of the tree. A processor that still walks it finds nothing, and
 * no bits in the entries that link it.
 */
static void detach(struct vm *vm, u64 pa, u32 sequence)
{
	u64 *table = pages_table(NULL, pa);
	u32 i;

	for (i = 0; i < PTAB_ENTRIES; i++)
		__atomic_store_n(&table[i], 0, __ATOMIC_RELAXED);
	__atomic_store_n(&table[DETACHED_AT], (u64)sequence << 32, __ATOMIC_RELAXED);
	__atomic_store_n(&table[DETACHED_NEXT], vm->detached, __ATOMIC_RELAXED);
	vm->detached = pa;
}

/*
 * Is all of a page write-back memory? The range around it is remembered: a VM gets pages next to
 * each other, one after the other. With vm->lock.
 */
static bool is_memory(struct vm *vm, u64 pa, u64 size)
{
	u64 start = pa & ~(REGENT_PAGE_2M - 1), run;
	u8 type;

	if (likely(pa >= vm->memory_start && pa + size <= vm->memory_end))
		return true;
	run = mtype_run(&k_params.mtrr, start, 1ull << k_params.phys_bits, &type);
	if (type != MTYPE_WB || run < pa - start + size)
		return size == REGENT_PAGE_SIZE && mtype_of(&k_params.mtrr, pa) == MTYPE_WB;
	vm->memory_start = start;
	vm->memory_end = start + run;
	return true;
}

/* May a VM have this page? One that is Linux's. K's chunks are as large as 2 MiB, and aligned. */
static bool may_map(struct vm *vm, u64 pa, u64 size)
{
	_Static_assert(REGENT_CHUNK_SIZE == REGENT_PAGE_2M, "one chunk, or none of any");
	return !(pa & (size - 1)) && !(pa >> k_params.phys_bits) && !host_owns(pa) &&
	       is_memory(vm, pa, size);
}

static s64 map_one(struct vm *vm, const struct regent_vm_map *m)
{
	bool is_2m = m->size == REGENT_PAGE_2M;
	u64 table = 0;
	struct ptab pt;
	u32 sequence;
	int err;

	if (m->writable > 1 || (!is_2m && m->size != REGENT_PAGE_SIZE) ||
	    !may_map(vm, m->pa, m->size))
		return -REGENT_HC_EINVAL;
	vm_tables(vm, &pt);
	err = ptab_place(&pt, m->gpa, m->pa, is_2m ? LEVEL_2M : 1, vm_leaf(m->writable), &table);
	if (err == PTAB_BUSY) {
		sequence = count_zap(vm);
		if (table)
			detach(vm, table, sequence);
		return REGENT_VM_RESIZED | sequence;
	}
	return !err ? 0 : err == PTAB_NOMEM ? -REGENT_HC_ENOSPC : -REGENT_HC_EINVAL;
}

/**
 * vm_map() - see REGENT_HC_VM_MAP
 * @cpu: this CPU
 * @id: any number
 * @count: number of entries in L's page
 *
 * Return: 0; REGENT_VM_RESIZED; or a negative REGENT_HC_E*.
 */
s64 vm_map(struct cpu *cpu, u64 id, u64 count)
{
	const struct regent_vm_page *page;
	struct regent_vm_map m;
	struct vm *vm;
	s64 err = 0;
	u64 i;

	if (count > REGENT_VM_MAPS)
		return -REGENT_HC_EINVAL;
	vm = vm_get(id);
	if (!vm)
		return -REGENT_HC_EINVAL;
	lock_take(&vm->lock);
	page = mapcache_page(&cpu->mapcache, vm->page_pa, MAPCACHE_RAM);
	for (i = 0; i < count && !err; i++) {
		m = *(const volatile struct regent_vm_map *)&page->map[i];
		err = map_one(vm, &m);
	}
	lock_drop(&vm->lock);
	vm_put(vm);
	return err;
}

/**
 * vm_zap() - see REGENT_HC_VM_ZAP
 * @id: id of a VM in bits 0-15, number of pages above
 * @gpa: guest-physical address
 *
 * Return: 0; -REGENT_HC_EINVAL for a bad range, or when there is no such VM.
 */
s64 vm_zap(u64 id, u64 gpa)
{
	u64 pages = id >> 16;
	struct ptab pt;
	struct vm *vm;
	int err;

	if (pages > REGENT_VM_ZAP >> REGENT_PAGE_SHIFT)
		return -REGENT_HC_EINVAL;
	vm = vm_get(id & 0xffff);
	if (!vm)
		return -REGENT_HC_EINVAL;
	lock_take(&vm->lock);
	vm_tables(vm, &pt);
	/* Of a page of 2 MiB, all goes: it is mapped again when it is touched. */
	err = ptab_drop(&pt, gpa, pages << REGENT_PAGE_SHIFT);
	count_zap(vm);
	lock_drop(&vm->lock);
	vm_put(vm);
	return err ? -REGENT_HC_EINVAL : 0;
}

/* Make a vCPU exit that may use translations of before @now. Return: whether it may. */
static bool sync_vcpu(struct cpu *cpu, struct vcpu *v, u32 now)
{
	enum vm_tlb_sync left;
	u32 to = 0;

	left = vm_tlb_sync(&v->tlb, now, &to);
	if (left == VM_TLB_KICK)
		kick(cpu, cpu_of(to));
	return left != VM_TLB_DONE;
}

/**
 * vm_sync() - see REGENT_HC_VM_SYNC
 * @cpu: this CPU
 * @id: id of the VM, any number
 *
 * An entry marks the vCPU as inside before it looks at vm->sequence. So a vCPU that is not inside
 * now sees the zap at its next entry; and one that is inside takes the kick before it has
 * executed an instruction, and then sees it.
 *
 * Return: 0, -REGENT_HC_EBUSY or -REGENT_HC_EINVAL.
 */
s64 vm_sync(struct cpu *cpu, u64 id)
{
	struct vm *vm = vm_get(id);
	bool busy = false;
	u32 i, now;

	if (!vm)
		return -REGENT_HC_EINVAL;
	lock_take(&vm->apic_lock);
	now = __atomic_load_n(&vm->sequence, __ATOMIC_SEQ_CST);
	for (i = 0; i < vm->top_vcpu; i++)
		if (vm->vcpu[i])
			busy |= sync_vcpu(cpu, vm->vcpu[i], now);
	lock_drop(&vm->apic_lock);
	vm_put(vm);
	return busy ? -REGENT_HC_EBUSY : 0;
}

/**
 * vm_trim() - see REGENT_HC_VM_TRIM
 * @id: any number
 * @resized: any number
 *
 * Return: 0; -REGENT_HC_EBUSY to be asked again; -REGENT_HC_EINVAL when there is no such VM.
 */
s64 vm_trim(u64 id, u64 resized)
{
	u32 left = FREED_AT_ONCE;
	struct vm *vm = vm_get(id);
	u64 *link;

	if (!vm)
		return -REGENT_HC_EINVAL;
	lock_take(&vm->lock);
	/* Few: L comes after each one. */
	for (link = &vm->detached; *link; link = &pages_table(NULL, *link)[DETACHED_NEXT])
		if ((s32)((u32)(pages_table(NULL, *link)[DETACHED_AT] >> 32) - (u32)resized) <= 0)
			break;
	free_detached(link, &left);
	lock_drop(&vm->lock);
	vm_put(vm);
	return left ? 0 : -REGENT_HC_EBUSY;
}
