// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes of a vCPU to a device that end no KVM_RUN: those that signal an eventfd (an ioeventfd),
 * and those that only go to a ring, which the VMM looks at sometime (coalesced). Both are found
 * without a lock, by who holds vm->srcu. What the VMM takes away is freed, and the eventfd not
 * signalled any more, when nobody holds it from before.
 *
 * As in KVM, the number of ioeventfds is limited by the VMM's memory only.
 */
#include <linux/eventfd.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "kvm.h"

#define MAX_ZONES	1000	/* of memory, and as many of ports: KVM's limit */

/**
 * struct ioevent - an eventfd that a write signals
 * @node: in vm->ioevents.bucket
 * @eventfd: held
 * @address: what is written to
 * @match: value that is written, if not @any
 * @size: bytes that are written, 0 for any
 * @port: to a port, not to memory
 * @any: whatever is written
 */
struct ioevent {
	struct hlist_node node;
	struct eventfd_ctx *eventfd;
	u64 address;
	u64 match;
	u32 size;
	bool port;
	bool any;
};

/**
 * struct coalesced - addresses of which writes go to the ring
 * @list: in vm->ioevents.zones
 * @next: of those that are to be freed
 * @address: the first one
 * @size: how many
 * @port: of ports, not of memory
 */
struct coalesced {
	struct list_head list;
	struct coalesced *next;
	u64 address;
	u32 size;
	bool port;
};

/**
 * ioevent_count() - add 1 to an eventfd
 * @eventfd: the eventfd
 */
void ioevent_count(struct eventfd_ctx *eventfd)
{
#ifdef L_EVENTFD_COUNT		/* see Kbuild */
	eventfd_signal(eventfd, 1);
#else
	eventfd_signal(eventfd);
#endif
}

static struct hlist_head *ioevent_bucket(struct vm *vm, u64 address)
{
	return &vm->ioevents.bucket[hash_64(address, ilog2(IOEVENT_BUCKETS))];
}

/* @data is no wider than @size: a value that is too large for it never matches. */
static bool ioevent_matches(const struct ioevent *e, bool port, u64 address, u32 size, u64 data)
{
	return e->address == address && e->port == port &&
	       (!e->size || (e->size == size && (e->any || e->match == data)));
}

/**
 * ioevent_signal() - signal the eventfd that a write is meant for
 * @vm: the VM of the vCPU that writes
 * @port: to a port, not to memory
 * @address: of the port or guest-physical
 * @size: bytes, 1 to 8
 * @data: value; what is beyond @size does not count
 *
 * Process context. Return: true if there is one: the VMM is not to see the write.
 */
bool ioevent_signal(struct vm *vm, bool port, u64 address, u32 size, u64 data)
{
	const struct ioevent *e;
	bool found = false;
	int idx;

	if (size < 8)
		data &= (1ull << size * 8) - 1;
	idx = srcu_read_lock(&vm->srcu);
	hlist_for_each_entry_srcu(e, ioevent_bucket(vm, address), node,
				  srcu_read_lock_held(&vm->srcu)) {
		found = ioevent_matches(e, port, address, size, data);
		if (found) {
			ioevent_count(e->eventfd);
			break;
		}
	}
	srcu_read_unlock(&vm->srcu, idx);
	return found;
}

/* Could one write be meant for both? vm->ioevents.lock held. */
static bool ioevent_collides(struct vm *vm, const struct ioevent *e)
{
	const struct ioevent *other;

	hlist_for_each_entry(other, ioevent_bucket(vm, e->address), node)
		if (other->port == e->port && other->address == e->address &&
		    (!other->size || !e->size ||
		     (other->size == e->size &&
		      (other->any || e->any || other->match == e->match))))
			return true;
	return false;
}

/* As KVM, which looks at less where it deassigns */
static bool ioevent_valid(const struct kvm_ioeventfd *args)
{
	if (args->flags & ~(KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_PIO))
		return false;
	switch (args->len) {
	case 0:
		return !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
	case 1:
	case 2:
	case 4:
	case 8:
		return args->addr + args->len >= args->addr;
	}
	return false;
}

static void ioevent_describe(struct ioevent *e, const struct kvm_ioeventfd *args)
{
	e->address = args->addr;
	e->size = args->len;
	e->port = args->flags & KVM_IOEVENTFD_FLAG_PIO;
	e->any = !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
	e->match = e->any ? 0 : args->datamatch;
}

static int ioevent_assign(struct vm *vm, const struct kvm_ioeventfd *args)
{
	struct eventfd_ctx *eventfd;
	struct ioevent *e;
	int err = 0;

	if (!ioevent_valid(args))
		return -EINVAL;
	eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	e = kzalloc(sizeof(*e), GFP_KERNEL_ACCOUNT);
	if (!e) {
		eventfd_ctx_put(eventfd);
		return -ENOMEM;
	}
	ioevent_describe(e, args);
	e->eventfd = eventfd;
	mutex_lock(&vm->ioevents.lock);
	if (ioevent_collides(vm, e))
		err = -EEXIST;
	else
		hlist_add_head_rcu(&e->node, ioevent_bucket(vm, e->address));
	mutex_unlock(&vm->ioevents.lock);
	if (err) {
		eventfd_ctx_put(eventfd);
		kfree(e);
	}
	return err;
}

/* Off its list, or NULL */
static struct ioevent *ioevent_take(struct vm *vm, const struct ioevent *like)
{
	struct ioevent *e, *found = NULL;

	mutex_lock(&vm->ioevents.lock);
	hlist_for_each_entry(e, ioevent_bucket(vm, like->address), node) {
		if (e->eventfd == like->eventfd && e->address == like->address &&
		    e->size == like->size && e->port == like->port && e->any == like->any &&
		    e->match == like->match) {
			hlist_del_rcu(&e->node);
			found = e;
			break;
		}
	}
	mutex_unlock(&vm->ioevents.lock);
	return found;
}

static int ioevent_deassign(struct vm *vm, const struct kvm_ioeventfd *args)
{
	struct ioevent like, *e;

	like.eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(like.eventfd))
		return PTR_ERR(like.eventfd);
	ioevent_describe(&like, args);
	e = ioevent_take(vm, &like);
	eventfd_ctx_put(like.eventfd);
	if (!e)
		return -ENOENT;
	synchronize_srcu_expedited(&vm->srcu);
	eventfd_ctx_put(e->eventfd);
	kfree(e);
	return 0;
}

/**
 * ioevent_set() - KVM_IOEVENTFD
 * @vm: the VM
 * @args: what to assign or deassign
 *
 * Return: 0; -EINVAL for what KVM does not accept, -EBADF; -EEXIST if a write could be meant
 * for two; -ENOENT if there is none to deassign. After that no write signals the eventfd.
 */
int ioevent_set(struct vm *vm, const struct kvm_ioeventfd *args)
{
	return args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN ? ioevent_deassign(vm, args) :
							   ioevent_assign(vm, args);
}

static bool coalesced_has(const struct coalesced *z, bool port, u64 address, u32 size)
{
	return z->port == port && address >= z->address && size <= z->size &&
	       address - z->address <= z->size - size;
}

/* The VMM writes to the ring, too: neither index is to be relied on. */
static bool coalesced_put(struct vm_ioevents *io, const struct kvm_coalesced_mmio *entry)
{
	struct kvm_coalesced_mmio_ring *ring = io->ring;
	u32 first, last;
	bool room;

	spin_lock(&io->ring_lock);
	first = READ_ONCE(ring->first);
	last = READ_ONCE(ring->last);
	/* One stays free: a ring that is full would look as an empty one. */
	room = last < KVM_COALESCED_MMIO_MAX && (last + 1) % KVM_COALESCED_MMIO_MAX != first;
	if (room) {
		last = array_index_nospec(last, KVM_COALESCED_MMIO_MAX);
		ring->coalesced_mmio[last] = *entry;
		/* The VMM reads it after it has seen this. */
		smp_store_release(&ring->last, (last + 1) % KVM_COALESCED_MMIO_MAX);
	}
	spin_unlock(&io->ring_lock);
	return room;
}

/**
 * coalesced_write() - put a write in the ring, if the VMM wants it there
 * @vm: the VM of the vCPU that writes
 * @port: to a port, not to memory
 * @address: of the port or guest-physical
 * @size: bytes, 1 to 8
 * @data: value
 *
 * Process context. Return: false if the VMM is to see it now: it is in no zone, or the ring is
 * full.
 */
bool coalesced_write(struct vm *vm, bool port, u64 address, u32 size, u64 data)
{
	struct kvm_coalesced_mmio entry = { .phys_addr = address, .len = size, .pio = port };
	const struct coalesced *z;
	bool found = false;
	int idx;

	if (size > sizeof(entry.data))
		return false;
	memcpy(entry.data, &data, size);
	idx = srcu_read_lock(&vm->srcu);
	list_for_each_entry_srcu(z, &vm->ioevents.zones, list, srcu_read_lock_held(&vm->srcu)) {
		found = coalesced_has(z, port, address, size);
		if (found)
			break;
	}
	found = found && coalesced_put(&vm->ioevents, &entry);
	srcu_read_unlock(&vm->srcu, idx);
	return found;
}

/**
 * coalesced_add() - KVM_REGISTER_COALESCED_MMIO
 * @vm: the VM
 * @zone: of ports or of memory; others may overlap it
 *
 * Return: 0; -EINVAL if it is neither, -ENOSPC if there are too many.
 */
int coalesced_add(struct vm *vm, const struct kvm_coalesced_mmio_zone *zone)
{
	struct vm_ioevents *io = &vm->ioevents;
	struct coalesced *z;
	bool room;

	if (zone->pio > 1)
		return -EINVAL;
	z = kzalloc(sizeof(*z), GFP_KERNEL_ACCOUNT);
	if (!z)
		return -ENOMEM;
	z->address = zone->addr;
	z->size = zone->size;
	z->port = zone->pio;
	mutex_lock(&io->lock);
	room = io->zones_of[z->port] < MAX_ZONES;
	if (room) {
		io->zones_of[z->port]++;
		list_add_tail_rcu(&z->list, &io->zones);
	}
	mutex_unlock(&io->lock);
	if (!room)
		kfree(z);
	return room ? 0 : -ENOSPC;
}

/**
 * coalesced_remove() - KVM_UNREGISTER_COALESCED_MMIO
 * @vm: the VM
 * @zone: a piece of what is to go: all zones go that have it as a whole
 *
 * Return: 0, also if there is none; -EINVAL if it is neither of ports nor of memory. After that
 * no write gets to the ring for them.
 */
int coalesced_remove(struct vm *vm, const struct kvm_coalesced_mmio_zone *zone)
{
	struct vm_ioevents *io = &vm->ioevents;
	struct coalesced *z, *next, *gone = NULL;

	if (zone->pio > 1)
		return -EINVAL;
	mutex_lock(&io->lock);
	list_for_each_entry_safe(z, next, &io->zones, list) {
		if (!coalesced_has(z, zone->pio, zone->addr, zone->size))
			continue;
		io->zones_of[z->port]--;
		list_del_rcu(&z->list);
		z->next = gone;
		gone = z;
	}
	mutex_unlock(&io->lock);
	if (gone)
		synchronize_srcu_expedited(&vm->srcu);
	for (; gone; gone = next) {
		next = gone->next;
		kfree(gone);
	}
	return 0;
}

/**
 * ioevent_init() - prepare ioevent.c's part of a VM
 * @vm: a new VM
 *
 * Return: 0 or -ENOMEM.
 */
int ioevent_init(struct vm *vm)
{
	struct vm_ioevents *io = &vm->ioevents;

	io->ring = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!io->ring)
		return -ENOMEM;
	mutex_init(&io->lock);
	spin_lock_init(&io->ring_lock);
	INIT_LIST_HEAD(&io->zones);
	return 0;
}

/**
 * ioevent_free() - undo ioevent_init()
 * @vm: the VM, which nobody uses
 */
void ioevent_free(struct vm *vm)
{
	struct hlist_node *next_node;
	struct coalesced *z, *next;
	struct ioevent *e;
	unsigned int i;

	for (i = 0; i < IOEVENT_BUCKETS; i++) {
		hlist_for_each_entry_safe(e, next_node, &vm->ioevents.bucket[i], node) {
			eventfd_ctx_put(e->eventfd);
			kfree(e);
		}
	}
	list_for_each_entry_safe(z, next, &vm->ioevents.zones, list)
		kfree(z);
	free_page((unsigned long)vm->ioevents.ring);
}
