// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts that come from outside of a VM, where K has its vCPUs' APICs. The VMM says what each
 * GSI is: an MSI, or, where L has the other interrupt controllers, pins of these. It sets a GSI
 * by an ioctl, or has an eventfd do that (an irqfd).
 *
 * An irqfd looks up its GSI each time, so it needs no notice of new routes. It ends in one of
 * three ways: the VMM deassigns it, the eventfd is closed, or the VM's descriptor is. The first
 * and the last end it at once. The second comes under the eventfd's own lock, which is needed to
 * leave its queue, so that work does the rest. Who has taken an irqfd off vm->routes.irqfds is
 * the one who frees it.
 *
 * An irqfd with a resample eventfd raises its GSI, and leaves it high until an EOI of one of its
 * pins. Then the GSI falls, and the resample eventfd is signalled, whose reader writes the irqfd
 * again if its device has not finished. Where the VMM has the I/O APICs (a split irqchip) there
 * is none, as in KVM: what an EOI means for a pin is the VMM's then.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "kvm.h"
#include "routes.h"

/* What KVM answers for an interrupt that nobody could take */
#define NOBODY		(-1)

/**
 * struct irqfd - an eventfd that sends an interrupt
 * @vm: to whom
 * @gsi: which one; any number, whether it has a route or not
 * @eventfd: held
 * @resample: held; or NULL
 * @resamplers: in vm->routes.resamplers, if there is @resample
 * @wait: in @eventfd's queue
 * @poll: how it got there
 * @inject: sends the interrupt where @wait may not
 * @list: in vm->routes.irqfds or .closed, under vm->routes.irqfd_lock
 */
struct irqfd {
	struct vm *vm;
	u32 gsi;
	struct eventfd_ctx *eventfd;
	struct eventfd_ctx *resample;
	struct list_head resamplers;
	wait_queue_entry_t wait;
	poll_table poll;
	struct work_struct inject;
	struct list_head list;
};

static int route_set_one(struct vm *vm, const struct route *r, u32 source, bool level)
{
	if (!r->is_msi)
		return r->pin < ROUTE_IOAPIC ?
		       irqchip_set_pic(vm, source, r->pin, level) :
		       irqchip_set_ioapic(vm, source, r->pin - ROUTE_IOAPIC, level);
	return level ? irq_send_msi(vm, r->address, r->data) : NOBODY;
}

/**
 * route_set_line() - a GSI rises or falls
 * @vm: the VM
 * @source: IRQ_SOURCE_*: it is high while any of these holds it high
 * @gsi: any number
 * @level: it rises. An MSI is sent then
 *
 * Any context. Return: as KVM: how many vCPUs got something, 0 if they had it already, a negative
 * number if nobody did.
 */
int route_set_line(struct vm *vm, u32 source, u32 gsi, bool level)
{
	const struct route_table *table;
	int answer = NOBODY, err = NOBODY;
	const struct route *r;
	int idx, got;

	idx = srcu_read_lock(&vm->srcu);
	table = srcu_dereference(vm->routes.table, &vm->srcu);
	for (r = route_first(table, gsi); r; r = route_next(table, r)) {
		got = route_set_one(vm, r, source, level);
		if (got < 0)
			err = got;
		else
			answer = max(answer, 0) + got;
	}
	srcu_read_unlock(&vm->srcu, idx);
	return answer < 0 ? err : answer;
}

/* Any context. As route_set_line(). */
static int route_send(struct vm *vm, u32 gsi)
{
	int answer = route_set_line(vm, IRQ_SOURCE_VMM, gsi, true);

	if (vm->irqchip)
		route_set_line(vm, IRQ_SOURCE_VMM, gsi, false);
	return answer;
}

/* @pins: there are pins, which L has. */
static struct route_table *route_table_make(const struct kvm_irq_routing_entry *entry, u32 nr,
					    bool pins)
{
	struct route_table *table;
	int gsis = route_gsis(entry, nr), err;

	if (gsis < 0)
		return ERR_PTR(gsis);
	table = kvzalloc(struct_size(table, route, nr) + gsis * sizeof(u32), GFP_KERNEL_ACCOUNT);
	if (!table)
		return ERR_PTR(-ENOMEM);
	err = route_fill(table, entry, nr, gsis, pins);
	if (err) {
		kvfree(table);
		return ERR_PTR(err);
	}
	return table;
}

/* Nobody sends by the old table when this returns. */
static void route_table_replace(struct vm *vm, struct route_table *table)
{
	struct vm_routes *routes = &vm->routes;

	mutex_lock(&routes->lock);
	table = rcu_replace_pointer(routes->table, table, lockdep_is_held(&routes->lock));
	mutex_unlock(&routes->lock);
	synchronize_srcu_expedited(&vm->srcu);
	kvfree(table);
}

/**
 * route_set() - KVM_SET_GSI_ROUTING
 * @vm: the VM
 * @user: all routes, instead of those before
 *
 * Return: 0; -EINVAL without K's APICs, or for a route that KVM does not accept.
 */
int route_set(struct vm *vm, const struct kvm_irq_routing __user *user)
{
	struct kvm_irq_routing_entry *entry = NULL;
	struct kvm_irq_routing head;
	struct route_table *table;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (!vm_has_apics(vm) || head.nr > ROUTE_GSIS || head.flags)
		return -EINVAL;
	if (head.nr) {
		entry = vmemdup_user(user->entries, array_size(sizeof(*entry), head.nr));
		if (IS_ERR(entry))
			return PTR_ERR(entry);
	}
	table = route_table_make(entry, head.nr, vm->irqchip);
	kvfree(entry);
	if (IS_ERR(table))
		return PTR_ERR(table);
	route_table_replace(vm, table);
	return 0;
}

/**
 * route_set_default() - the routes of a VM whose interrupt controllers L has
 * @vm: the VM, which is about to get them
 *
 * As KVM: GSI n is pin n of the I/O APIC, and of the PICs, as far as they have that many.
 *
 * Return: 0 or -ENOMEM.
 */
int route_set_default(struct vm *vm)
{
	struct kvm_irq_routing_entry *entry;
	struct route_table *table;
	u32 i, nr = 0;

	entry = kcalloc(ROUTE_PINS, sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;
	for (i = 0; i < ROUTE_PINS; i++) {
		struct kvm_irq_routing_entry *e = &entry[nr++];

		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		e->gsi = i < ROUTE_IOAPIC ? i : i - ROUTE_IOAPIC;
		e->u.irqchip.irqchip = i < ROUTE_IOAPIC ? i / 8 : KVM_IRQCHIP_IOAPIC;
		e->u.irqchip.pin = i < ROUTE_IOAPIC ? i % 8 : e->gsi;
	}
	table = route_table_make(entry, nr, true);
	kfree(entry);
	if (IS_ERR(table))
		return PTR_ERR(table);
	route_table_replace(vm, table);
	return 0;
}

/**
 * route_signal_msi() - KVM_SIGNAL_MSI
 * @vm: the VM
 * @user: the MSI
 *
 * Return: as irq_send_msi(); -EINVAL without K's APICs.
 */
int route_signal_msi(struct vm *vm, const struct kvm_msi __user *user)
{
	struct kvm_msi msi;

	if (copy_from_user(&msi, user, sizeof(msi)))
		return -EFAULT;
	if (!vm_has_apics(vm) || msi.flags & ~KVM_MSI_VALID_DEVID)
		return -EINVAL;
	return irq_send_msi(vm, (u64)msi.address_hi << 32 | msi.address_lo, msi.data);
}

/**
 * route_irq_line() - KVM_IRQ_LINE and KVM_IRQ_LINE_STATUS
 * @vm: the VM, whose APICs K has
 * @gsi: any number
 * @level: it rises
 *
 * Process context. Return: KVM's status: to how many vCPUs, 0 if they had it already, -1 if
 * to nobody.
 */
int route_irq_line(struct vm *vm, u32 gsi, bool level)
{
	return max(route_set_line(vm, IRQ_SOURCE_VMM, gsi, level), NOBODY);
}

/**
 * route_eoi() - does the VMM want to know that a level-triggered interrupt was ended?
 * @vm: the VM
 * @vector: of the interrupt. That it was a level-triggered one is the APIC's to know
 *
 * Any context. Return: true if a pin of the VMM's I/O APICs sends it: KVM_RUN is to end with
 * KVM_EXIT_IOAPIC_EOI.
 */
bool route_eoi(struct vm *vm, u8 vector)
{
	const struct route_table *table;
	bool wanted;
	int idx;

	idx = srcu_read_lock(&vm->srcu);
	table = srcu_dereference(vm->routes.table, &vm->srcu);
	wanted = route_wants_eoi(table, READ_ONCE(vm->nr_pins), vector);
	srcu_read_unlock(&vm->srcu, idx);
	return wanted;
}

/**
 * route_pin_ended() - a pin's interrupt has been ended: what drives it may look at it again
 * @vm: the VM
 * @ioapic: it is the I/O APIC's
 * @pin: its number there, or that of both PICs
 *
 * Process context.
 */
void route_pin_ended(struct vm *vm, bool ioapic, u32 pin)
{
	const struct route_table *table;
	struct irqfd *f;
	u32 gsi;
	int idx;

	idx = srcu_read_lock(&vm->srcu);
	table = srcu_dereference(vm->routes.table, &vm->srcu);
	gsi = route_pin_gsi(table, ioapic ? pin + ROUTE_IOAPIC : pin);
	if (gsi != ROUTE_NO_GSI && !list_empty(&vm->routes.resamplers)) {
		route_set_line(vm, IRQ_SOURCE_RESAMPLE, gsi, false);
		list_for_each_entry_srcu(f, &vm->routes.resamplers, resamplers,
					 srcu_read_lock_held(&vm->srcu))
			if (f->gsi == gsi)
				ioevent_count(f->resample);
	}
	srcu_read_unlock(&vm->srcu, idx);
}

/* Any context. As route_set_line(). */
static int irqfd_send(const struct irqfd *f)
{
	return f->resample ? route_set_line(f->vm, IRQ_SOURCE_RESAMPLE, f->gsi, true) :
			     route_send(f->vm, f->gsi);
}

static void irqfd_inject(struct work_struct *work)
{
	irqfd_send(container_of(work, struct irqfd, inject));
}

/* The eventfd is about to be freed. Its queue's lock is held: it is left by work. */
static void irqfd_closed(struct irqfd *f)
{
	struct vm_routes *routes = &f->vm->routes;
	unsigned long flags;

	spin_lock_irqsave(&routes->irqfd_lock, flags);
	if (!list_empty(&f->list)) {
		list_move(&f->list, &routes->closed);
		schedule_work(&routes->reap);
	}
	spin_unlock_irqrestore(&routes->irqfd_lock, flags);
}

/* Under the eventfd's queue's lock, with interrupts off; with PREEMPT_RT that lock sleeps. */
static int irqfd_wake(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct irqfd *f = container_of(wait, struct irqfd, wait);
	__poll_t events = key_to_poll(key);
	u64 count;

	if (events & EPOLLHUP)
		irqfd_closed(f);
	if (!(events & EPOLLIN))
		return 0;
	eventfd_ctx_do_read(f->eventfd, &count);
	if (irqfd_send(f) == -EAGAIN)
		schedule_work(&f->inject);
	return 1;
}

static void irqfd_queue(struct file *file, wait_queue_head_t *queue, poll_table *poll)
{
	struct irqfd *f = container_of(poll, struct irqfd, poll);

	/* First of all, so that nobody else reads what is an interrupt. */
	add_wait_queue_priority(queue, &f->wait);
}

static void irqfd_free(struct irqfd *f)
{
	if (!IS_ERR_OR_NULL(f->resample))
		eventfd_ctx_put(f->resample);
	if (!IS_ERR_OR_NULL(f->eventfd))
		eventfd_ctx_put(f->eventfd);
	kfree(f);
}

static struct irqfd *irqfd_make(struct vm *vm, const struct kvm_irqfd *args, struct file *file)
{
	struct irqfd *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	int err = 0;

	if (!f)
		return ERR_PTR(-ENOMEM);
	f->vm = vm;
	f->gsi = args->gsi;
	f->eventfd = eventfd_ctx_fileget(file);
	if (args->flags & KVM_IRQFD_FLAG_RESAMPLE)
		f->resample = eventfd_ctx_fdget(args->resamplefd);
	if (IS_ERR(f->eventfd))
		err = PTR_ERR(f->eventfd);
	else if (IS_ERR(f->resample))
		err = PTR_ERR(f->resample);
	if (err) {
		irqfd_free(f);
		return ERR_PTR(err);
	}
	INIT_WORK(&f->inject, irqfd_inject);
	INIT_LIST_HEAD(&f->list);
	INIT_LIST_HEAD(&f->resamplers);
	init_waitqueue_func_entry(&f->wait, irqfd_wake);
	init_poll_funcptr(&f->poll, irqfd_queue);
	return f;
}

/* The last one of a GSI leaves it low. */
static void irqfd_end_resample(struct irqfd *f)
{
	struct vm_routes *routes = &f->vm->routes;
	const struct irqfd *other;
	bool last = true;

	spin_lock_irq(&routes->irqfd_lock);
	list_del_rcu(&f->resamplers);
	list_for_each_entry(other, &routes->resamplers, resamplers)
		last = last && other->gsi != f->gsi;
	spin_unlock_irq(&routes->irqfd_lock);
	synchronize_srcu_expedited(&f->vm->srcu);
	if (last)
		route_set_line(f->vm, IRQ_SOURCE_RESAMPLE, f->gsi, false);
}

/* It is on no list any more. routes->lock held. Nothing is sent when this returns. */
static void irqfd_end(struct irqfd *f)
{
	u64 count;

	eventfd_ctx_remove_wait_queue(f->eventfd, &f->wait, &count);
	flush_work(&f->inject);
	if (f->resample)
		irqfd_end_resample(f);
	irqfd_free(f);
}

/* vm->routes.lock held. -EBUSY: the eventfd sends another interrupt of this VM already. */
static int irqfd_list(struct irqfd *f)
{
	struct vm_routes *routes = &f->vm->routes;
	const struct irqfd *other;
	int err = 0;

	spin_lock_irq(&routes->irqfd_lock);
	list_for_each_entry(other, &routes->irqfds, list)
		if (other->eventfd == f->eventfd)
			err = -EBUSY;
	if (!err)
		list_add_tail(&f->list, &routes->irqfds);
	if (!err && f->resample)
		list_add_tail_rcu(&f->resamplers, &routes->resamplers);
	spin_unlock_irq(&routes->irqfd_lock);
	return err;
}

/*
 * vm->routes.lock keeps others from deassigning an irqfd that is in no queue yet, and that the
 * file is held keeps the eventfd from being closed meanwhile.
 */
static int irqfd_assign_file(struct vm *vm, const struct kvm_irqfd *args, struct file *file)
{
	struct irqfd *f = irqfd_make(vm, args, file);
	int err;

	if (IS_ERR(f))
		return PTR_ERR(f);
	mutex_lock(&vm->routes.lock);
	err = irqfd_list(f);
	if (err)
		irqfd_free(f);
	/* What was written to it before counts as well. */
	else if (vfs_poll(file, &f->poll) & EPOLLIN)
		irqfd_send(f);
	mutex_unlock(&vm->routes.lock);
	return err;
}

static int irqfd_assign(struct vm *vm, const struct kvm_irqfd *args)
{
	struct file *file;
	int err;

	if (!vm_has_apics(vm) || (args->flags & KVM_IRQFD_FLAG_RESAMPLE && !vm->irqchip))
		return -EINVAL;
	file = fget(args->fd);
	if (!file)
		return -EBADF;
	err = irqfd_assign_file(vm, args, file);
	fput(file);
	return err;
}

/* One that is to end, off its list; of an eventfd and a GSI, or any for NULL */
static struct irqfd *irqfd_take(struct vm_routes *routes, struct list_head *list,
				const struct eventfd_ctx *eventfd, u32 gsi)
{
	struct irqfd *f, *found = NULL;

	spin_lock_irq(&routes->irqfd_lock);
	list_for_each_entry(f, list, list) {
		if (!eventfd || (f->eventfd == eventfd && f->gsi == gsi)) {
			found = f;
			list_del_init(&f->list);
			break;
		}
	}
	spin_unlock_irq(&routes->irqfd_lock);
	return found;
}

static int irqfd_deassign(struct vm *vm, const struct kvm_irqfd *args)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fdget(args->fd);
	struct vm_routes *routes = &vm->routes;
	struct irqfd *f;

	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	mutex_lock(&routes->lock);
	f = irqfd_take(routes, &routes->irqfds, eventfd, args->gsi);
	if (f)
		irqfd_end(f);
	mutex_unlock(&routes->lock);
	eventfd_ctx_put(eventfd);
	return 0;
}

/**
 * route_irqfd() - KVM_IRQFD
 * @vm: the VM
 * @args: what to assign or deassign
 *
 * Return: 0, also if there was nothing to deassign; -EINVAL without K's APICs, for a resample
 * eventfd without L's I/O APIC, and for what is no eventfd; -EBADF; -EBUSY if the eventfd is in
 * use.
 */
int route_irqfd(struct vm *vm, const struct kvm_irqfd *args)
{
	if (args->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	return args->flags & KVM_IRQFD_FLAG_DEASSIGN ? irqfd_deassign(vm, args) :
						       irqfd_assign(vm, args);
}

/*
 * The lock keeps others from assigning an irqfd meanwhile, which might raise the GSI that the end
 * of the last one with a resample eventfd is about to lower.
 */
static void routes_end(struct vm_routes *routes, struct list_head *list)
{
	struct irqfd *f;

	mutex_lock(&routes->lock);
	while ((f = irqfd_take(routes, list, NULL, 0)))
		irqfd_end(f);
	mutex_unlock(&routes->lock);
}

static void routes_reap(struct work_struct *work)
{
	struct vm_routes *routes = container_of(work, struct vm_routes, reap);

	routes_end(routes, &routes->closed);
}

/**
 * route_init() - prepare route.c's part of a VM
 * @vm: a new VM
 */
void route_init(struct vm *vm)
{
	struct vm_routes *routes = &vm->routes;

	mutex_init(&routes->lock);
	spin_lock_init(&routes->irqfd_lock);
	INIT_LIST_HEAD(&routes->irqfds);
	INIT_LIST_HEAD(&routes->closed);
	INIT_LIST_HEAD(&routes->resamplers);
	INIT_WORK(&routes->reap, routes_reap);
}

/**
 * route_shutdown() - a VM's descriptor is closed
 * @vm: the VM, which K has still
 *
 * Process context. Nothing but its own vCPUs sends it an interrupt any more.
 */
void route_shutdown(struct vm *vm)
{
	routes_end(&vm->routes, &vm->routes.irqfds);
	flush_work(&vm->routes.reap);
}

/**
 * route_free() - undo route_init()
 * @vm: the VM, which nobody uses
 */
void route_free(struct vm *vm)
{
	kvfree(rcu_dereference_protected(vm->routes.table, true));
}
