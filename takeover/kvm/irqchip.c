// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PICs and the I/O APIC of a VM, where the VMM does not have them: KVM_CREATE_IRQCHIP. What
 * they do is in src/lib; here is what surrounds them: their lines, the APICs, vCPU 0's INTR, its
 * ports and addresses, and their state for a VMM.
 *
 * All is done under one raw spinlock, in whatever context a line is set. What an EOI causes
 * (route_pin_ended()) is done without it, by the vCPU's thread.
 *
 * The PICs' output goes to vCPU 0 only, at its next entry. The lock is not needed to look at it:
 * who raises it kicks the vCPU after that.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "irqchip.h"
#include "kvm.h"

#define WAKE_VCPU_0	1u	/* of vm_wake(): its number + 1 */

static_assert(sizeof(struct vpic_chip) == sizeof(struct kvm_pic_state));
static_assert(offsetof(struct vpic_chip, isr) == offsetof(struct kvm_pic_state, isr));
static_assert(offsetof(struct vpic_chip, init4) == offsetof(struct kvm_pic_state, init4));

/**
 * irqchip_create() - KVM_CREATE_IRQCHIP
 * @vm: the VM, locked, without vCPUs
 *
 * Return: 0 or a negative errno.
 */
int irqchip_create(struct vm *vm)
{
	struct irqchip *chip = kzalloc(sizeof(*chip), GFP_KERNEL_ACCOUNT);
	int err;

	if (!chip)
		return -ENOMEM;
	chip->vm = vm;
	raw_spin_lock_init(&chip->lock);
	vpic_init(&chip->pic);
	vmioapic_init(&chip->ioapic);
	err = route_set_default(vm);
	if (err) {
		kfree(chip);
		return err;
	}
	/* Whoever finds it finds it complete, with its routes. */
	smp_store_release(&vm->irqchip, chip);
	return 0;
}

/**
 * irqchip_stop() - a VM is about to end
 * @vm: the VM, which K has still. Nothing is sent to it when this returns
 */
void irqchip_stop(struct vm *vm)
{
	if (vm->irqchip)
		pit_stop(vm->irqchip);
}

/**
 * irqchip_free() - undo irqchip_create()
 * @vm: the VM, which nobody uses
 */
void irqchip_free(struct vm *vm)
{
	kfree(vm->irqchip);
}

/* ---- lines ---- */

static bool irqchip_hold(u8 *sources, u32 source, bool level)
{
	if (level)
		*sources |= 1u << source;
	else
		*sources &= ~(1u << source);
	return *sources;
}

/* After a change of the PICs, under the lock: has their output risen? */
static bool irqchip_rises(const struct irqchip *chip, bool was_high)
{
	return chip->pic.output && !was_high;
}

/**
 * irqchip_set_pic() - a pin of the PICs rises or falls
 * @vm: a VM with irqchip_create()
 * @source: IRQ_SOURCE_*
 * @pin: 0 to 15
 * @level: it rises
 *
 * Any context. Return: as KVM: 1 for a new interrupt, 0 if it was there, -1 if it is masked.
 */
int irqchip_set_pic(struct vm *vm, u32 source, u32 pin, bool level)
{
	struct irqchip *chip = vm->irqchip;
	unsigned long flags;
	bool was, rises;
	int answer;

	raw_spin_lock_irqsave(&chip->lock, flags);
	was = chip->pic.output;
	answer = vpic_set(&chip->pic, pin, irqchip_hold(&chip->pic_source[pin], source, level));
	rises = irqchip_rises(chip, was);
	raw_spin_unlock_irqrestore(&chip->lock, flags);
	if (rises)
		vm_wake(vm, WAKE_VCPU_0);
	return answer;
}

static int irqchip_send(struct irqchip *chip, const struct vmioapic_message *m)
{
	return irq_send_msi(chip->vm, m->address, m->data);
}

/**
 * irqchip_set_ioapic() - a pin of the I/O APIC rises or falls
 * @vm: a VM with irqchip_create()
 * @source: IRQ_SOURCE_*
 * @pin: 0 to 23
 * @level: it rises
 *
 * Any context. Return: as KVM: how many vCPUs got an interrupt, 0 if it was there, 1 if the pin
 * has fallen, a negative number if it is masked.
 */
int irqchip_set_ioapic(struct vm *vm, u32 source, u32 pin, bool level)
{
	struct irqchip *chip = vm->irqchip;
	struct vmioapic_message m;
	unsigned long flags;
	int answer;

	raw_spin_lock_irqsave(&chip->lock, flags);
	level = irqchip_hold(&chip->ioapic_source[pin], source, level);
	answer = vmioapic_set(&chip->ioapic, pin, level, &m);
	if (answer == VMIOAPIC_SEND) {
		answer = irqchip_send(chip, &m);
		if (source == IRQ_SOURCE_PIT)
			chip->pit.sent = true;
	}
	raw_spin_unlock_irqrestore(&chip->lock, flags);
	return answer;
}

/* ---- the end of interrupts ---- */

/* Process context */
static void irqchip_pic_ended(struct irqchip *chip, u32 pins)
{
	u32 pin;

	for (pin = 0; pins; pin++, pins >>= 1) {
		if (!(pins & 1))
			continue;
		if (!pin)
			pit_ended(chip);
		route_pin_ended(chip->vm, false, pin);
	}
}

/**
 * irqchip_eoi() - a vCPU has ended a level-triggered interrupt
 * @vm: a VM with irqchip_create()
 * @vector: its vector
 *
 * Process context.
 */
void irqchip_eoi(struct vm *vm, u8 vector)
{
	struct irqchip *chip = vm->irqchip;
	struct vmioapic_message m;
	u32 pin, pins;

	raw_spin_lock_irq(&chip->lock);
	pins = vmioapic_ends(&chip->ioapic, vector);
	raw_spin_unlock_irq(&chip->lock);
	for (pin = 0; pins; pin++, pins >>= 1) {
		if (!(pins & 1))
			continue;
		/* What drives the line may let it fall before the pin looks at it. */
		route_pin_ended(vm, true, pin);
		raw_spin_lock_irq(&chip->lock);
		if (vmioapic_eoi(&chip->ioapic, pin, &m))
			irqchip_send(chip, &m);
		raw_spin_unlock_irq(&chip->lock);
	}
}

/* ---- vCPU 0's INTR ---- */

/* Is there an interrupt of the PICs for this vCPU, which would get it through its LINT0? */
static bool irqchip_has_extint(const struct vcpu *v)
{
	const struct irqchip *chip = v->vm->irqchip;

	return chip && !v->page->number && READ_ONCE(chip->pic.output) && v->page->takes_extint;
}

/**
 * irqchip_can_go_on() - does an interrupt of the PICs end a vCPU's HLT?
 * @v: the vCPU, after a run
 */
bool irqchip_can_go_on(const struct vcpu *v)
{
	return irqchip_has_extint(v) && v->page->interruptible;
}

/**
 * irqchip_enter() - give a vCPU what the PICs have for it
 * @v: the vCPU, about to be entered: what comes from now on kicks it
 *
 * Interrupts off. Return: REGENT_RUN_WINDOW if the vCPU cannot take it yet, or 0.
 */
u64 irqchip_enter(struct vcpu *v)
{
	struct irqchip *chip = v->vm->irqchip;

	if (!irqchip_has_extint(v) || v->page->irq & REGENT_IRQ_VALID)
		return 0;
	if (!v->page->interruptible || v->page->irq_queued)
		return REGENT_RUN_WINDOW;
	raw_spin_lock(&chip->lock);
	if (chip->pic.output)
		v->page->irq = REGENT_IRQ_VALID | vpic_acknowledge(&chip->pic);
	raw_spin_unlock(&chip->lock);
	return 0;
}

/**
 * irqchip_look_after() - what a run has left: interrupts that have ended with their acknowledge
 * @vm: any VM
 *
 * Process context.
 */
void irqchip_look_after(struct vm *vm)
{
	struct irqchip *chip = vm->irqchip;
	u32 ended;

	if (!chip || !READ_ONCE(chip->pic.ended))
		return;
	raw_spin_lock_irq(&chip->lock);
	ended = vpic_take_ended(&chip->pic);
	raw_spin_unlock_irq(&chip->lock);
	irqchip_pic_ended(chip, ended);
}

/* ---- ports and addresses ---- */

/* As KVM, which knows accesses of a byte only */
static void irqchip_access_pic(struct irqchip *chip, struct regent_vcpu_page *page)
{
	bool was, rises;

	raw_spin_lock_irq(&chip->lock);
	was = chip->pic.output;
	if (page->size != 1)
		page->data = 0;
	else if (page->write)
		vpic_write(&chip->pic, page->address, page->data);
	else
		page->data = vpic_read(&chip->pic, page->address);
	rises = irqchip_rises(chip, was);
	raw_spin_unlock_irq(&chip->lock);
	if (rises)
		vm_wake(chip->vm, WAKE_VCPU_0);
	irqchip_look_after(chip->vm);
}

static bool irqchip_access_port(struct irqchip *chip, struct regent_vcpu_page *page)
{
	u32 port = page->address;

	if (vpic_has_port(port) && (port & 1) + page->size <= 2) {
		irqchip_access_pic(chip, page);
		return true;
	}
	return pit_access(chip, port, page->size, page->write, &page->data);
}

static bool irqchip_access_ioapic(struct irqchip *chip, struct regent_vcpu_page *page)
{
	u64 offset = page->address - VMIOAPIC_BASE;
	struct vmioapic_message m;

	if (offset >= VMIOAPIC_SIZE)
		return false;
	raw_spin_lock_irq(&chip->lock);
	if (!page->write)
		page->data = vmioapic_read(&chip->ioapic, offset);
	else if (vmioapic_write(&chip->ioapic, offset, page->data, &m))
		irqchip_send(chip, &m);
	raw_spin_unlock_irq(&chip->lock);
	return true;
}

/**
 * irqchip_access() - a vCPU accesses a port or an address: is it one of these devices?
 * @v: the vCPU. Its page says what it does, and gets what is read
 * @port: it is a port
 *
 * Process context. Return: true if it is; then it is done.
 */
bool irqchip_access(struct vcpu *v, bool port)
{
	struct irqchip *chip = v->vm->irqchip;

	if (!chip)
		return false;
	return port ? irqchip_access_port(chip, v->page) : irqchip_access_ioapic(chip, v->page);
}

/* ---- state ---- */

static void irqchip_get_ioapic(const struct irqchip *chip, struct kvm_ioapic_state *to)
{
	u32 pin;

	to->base_address = VMIOAPIC_BASE;
	to->ioregsel = chip->ioapic.select;
	to->id = chip->ioapic.id;
	to->irr = chip->ioapic.irr;
	for (pin = 0; pin < VMIOAPIC_PINS; pin++)
		to->redirtbl[pin].bits = chip->ioapic.entry[pin];
}

/* As KVM: each line that is high then has just risen. */
static void irqchip_set_ioapic_state(struct irqchip *chip, const struct kvm_ioapic_state *from)
{
	struct vmioapic_message m;
	u32 pin;

	chip->ioapic.select = from->ioregsel;
	chip->ioapic.id = from->id & 0xf;
	chip->ioapic.irr = 0;
	for (pin = 0; pin < VMIOAPIC_PINS; pin++)
		chip->ioapic.entry[pin] = from->redirtbl[pin].bits;
	for (pin = 0; pin < VMIOAPIC_PINS; pin++)
		if (from->irr >> pin & 1 &&
		    vmioapic_set(&chip->ioapic, pin, true, &m) == VMIOAPIC_SEND)
			irqchip_send(chip, &m);
}

static void irqchip_get(struct irqchip *chip, struct kvm_irqchip *state)
{
	raw_spin_lock_irq(&chip->lock);
	if (state->chip_id == KVM_IRQCHIP_IOAPIC)
		irqchip_get_ioapic(chip, &state->chip.ioapic);
	else
		memcpy(&state->chip.pic,
		       &chip->pic.chip[state->chip_id == KVM_IRQCHIP_PIC_SLAVE],
		       sizeof(state->chip.pic));
	raw_spin_unlock_irq(&chip->lock);
}

static void irqchip_set(struct irqchip *chip, const struct kvm_irqchip *state)
{
	struct vpic_chip pic;

	memcpy(&pic, &state->chip.pic, sizeof(pic));
	raw_spin_lock_irq(&chip->lock);
	if (state->chip_id == KVM_IRQCHIP_IOAPIC)
		irqchip_set_ioapic_state(chip, &state->chip.ioapic);
	else
		vpic_load(&chip->pic, state->chip_id == KVM_IRQCHIP_PIC_SLAVE, &pic);
	raw_spin_unlock_irq(&chip->lock);
	vm_wake(chip->vm, WAKE_VCPU_0);
}

/**
 * irqchip_ioctl() - KVM_GET_IRQCHIP, KVM_SET_IRQCHIP
 * @vm: the VM
 * @set: the latter
 * @user: the VMM's structure
 *
 * Return: 0; -ENXIO without irqchip_create(), -EINVAL for a chip that there is not, -EFAULT.
 */
int irqchip_ioctl(struct vm *vm, bool set, struct kvm_irqchip __user *user)
{
	struct irqchip *chip = vm->irqchip;
	struct kvm_irqchip *state;
	int err = 0;

	state = memdup_user(user, sizeof(*state));
	if (IS_ERR(state))
		return PTR_ERR(state);
	if (!chip)
		err = -ENXIO;
	else if (state->chip_id > KVM_IRQCHIP_IOAPIC)
		err = -EINVAL;
	else if (set)
		irqchip_set(chip, state);
	else
		irqchip_get(chip, state);
	if (!err && !set && copy_to_user(user, state, sizeof(*state)))
		err = -EFAULT;
	kfree(state);
	return err;
}
