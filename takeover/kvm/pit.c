// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PIT of a VM: KVM_CREATE_PIT2. What it does is in src/lib/vpit.c; a timer of Linux's tells
 * it that the time has come, and each tick raises and lowers GSI 0.
 *
 * A tick waits from then until the guest has ended its interrupt at the PIC. Meanwhile others
 * are owed, unless the VMM wants them dropped, and are made one by one: a guest that counts ticks
 * has its time right. The I/O APIC tells of no end of an edge-triggered interrupt. What it
 * has sent does not wait, and neither does what is masked: nothing is owed then.
 */
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "irqchip.h"
#include "kvm.h"

static_assert(sizeof(struct vpit_channel) == sizeof(struct kvm_pit_channel_state));
static_assert(offsetof(struct vpit_channel, gate) == offsetof(struct kvm_pit_channel_state, gate));
static_assert(offsetof(struct vpit_channel, load_time) ==
	      offsetof(struct kvm_pit_channel_state, count_load_time));

/* Under the lock: does the last tick still wait? */
static bool pit_waits(const struct irqchip *chip)
{
	const struct vpic_chip *pic = &chip->pic.chip[0];

	return !chip->pit.sent && (pic->irr | pic->isr) & 1 && !(pic->imr & 1);
}

static void pit_tick(struct irqchip *chip)
{
	route_set_line(chip->vm, IRQ_SOURCE_PIT, 0, true);
	route_set_line(chip->vm, IRQ_SOURCE_PIT, 0, false);
}

/* Under the lock, also in the timer itself, which waits for it: it is started for the deadline. */
static void pit_set_timer(struct irqchip *chip)
{
	u64 deadline = vpit_deadline(&chip->pit.state);

	if (deadline == VPIT_NEVER)
		hrtimer_try_to_cancel(&chip->pit.timer);
	else
		hrtimer_start(&chip->pit.timer, ns_to_ktime(deadline), HRTIMER_MODE_ABS_HARD);
}

/* Under the lock: @n ticks are due. Return: one is to be made now. */
static bool pit_due(struct irqchip *chip, u32 n)
{
	struct irqchip_pit *pit = &chip->pit;

	if (!n)
		return false;
	if (!pit->reinject)
		return true;
	if (pit_waits(chip)) {
		pit->owed = min_t(u64, (u64)pit->owed + n, ~0u);
		return false;
	}
	pit->owed = n;
	pit->sent = false;
	return true;
}

static enum hrtimer_restart pit_timer(struct hrtimer *timer)
{
	struct irqchip *chip = container_of(timer, struct irqchip, pit.timer);
	unsigned long flags;
	bool due;

	if (!vm_lives(chip->vm))
		return HRTIMER_NORESTART;
	raw_spin_lock_irqsave(&chip->lock, flags);
	due = pit_due(chip, vpit_fire(&chip->pit.state, ktime_get_ns()));
	pit_set_timer(chip);
	raw_spin_unlock_irqrestore(&chip->lock, flags);
	if (due)
		pit_tick(chip);
	return HRTIMER_NORESTART;
}

/**
 * pit_ended() - the PIC's interrupt of a tick has been ended
 * @chip: the interrupt controllers
 *
 * Process context.
 */
void pit_ended(struct irqchip *chip)
{
	struct irqchip_pit *pit = &chip->pit;
	bool due;

	raw_spin_lock_irq(&chip->lock);
	if (pit->owed)
		pit->owed--;
	due = pit->present && pit->reinject && pit->owed && !pit_waits(chip);
	raw_spin_unlock_irq(&chip->lock);
	if (due)
		pit_tick(chip);
}

static bool pit_has(const struct irqchip_pit *pit, u32 port, u32 size)
{
	if (!pit->present || !vpit_has_port(port))
		return false;
	return port == VPIT_SPEAKER ? pit->speaker : port + size <= VPIT_CONTROL + 1;
}

/**
 * pit_access() - a vCPU accesses a port: is it the PIT's?
 * @chip: the interrupt controllers
 * @port: the port
 * @size: bytes, of which only the first one counts
 * @write: it writes
 * @data: what it writes, or gets
 *
 * Process context. Return: true if it is; then it is done.
 */
bool pit_access(struct irqchip *chip, u32 port, u32 size, bool write, u64 *data)
{
	struct irqchip_pit *pit = &chip->pit;
	u64 now, deadline;

	if (!pit_has(pit, port, size))
		return false;
	raw_spin_lock_irq(&chip->lock);
	now = ktime_get_ns();
	deadline = vpit_deadline(&pit->state);
	if (!write) {
		*data = vpit_read(&pit->state, port, now);
	} else {
		vpit_write(&pit->state, port, *data, now);
		if (vpit_deadline(&pit->state) != deadline) {
			pit->owed = 0;
			pit_set_timer(chip);
		}
	}
	raw_spin_unlock_irq(&chip->lock);
	return true;
}

/**
 * pit_create() - KVM_CREATE_PIT2
 * @vm: the VM, locked
 * @flags: KVM_PIT_SPEAKER_DUMMY: port 0x61 belongs to it; all others do nothing, as in KVM
 *
 * Return: 0; -EEXIST if there is one, -ENOENT without irqchip_create().
 */
int pit_create(struct vm *vm, u32 flags)
{
	struct irqchip *chip = vm->irqchip;
	struct irqchip_pit *pit;

	if (!chip)
		return -ENOENT;
	pit = &chip->pit;
	if (pit->present)
		return -EEXIST;
	hrtimer_init(&pit->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	pit->timer.function = pit_timer;
	raw_spin_lock_irq(&chip->lock);
	vpit_init(&pit->state, ktime_get_ns());
	pit->speaker = flags & KVM_PIT_SPEAKER_DUMMY;
	pit->reinject = true;
	pit->present = true;
	raw_spin_unlock_irq(&chip->lock);
	return 0;
}

/**
 * pit_stop() - no more ticks
 * @chip: the interrupt controllers of a VM whose vCPUs do not run any more
 */
void pit_stop(struct irqchip *chip)
{
	if (chip->pit.present)
		hrtimer_cancel(&chip->pit.timer);
}

static void pit_get(struct irqchip *chip, struct kvm_pit_state2 *to)
{
	struct irqchip_pit *pit = &chip->pit;

	memset(to, 0, sizeof(*to));
	raw_spin_lock_irq(&chip->lock);
	memcpy(to->channels, pit->state.channel, sizeof(to->channels));
	to->flags = pit->flags;
	raw_spin_unlock_irq(&chip->lock);
}

static void pit_set(struct irqchip *chip, const struct kvm_pit_state2 *from)
{
	struct vpit_channel channel[VPIT_CHANNELS];
	struct irqchip_pit *pit = &chip->pit;

	memcpy(channel, from->channels, sizeof(channel));
	raw_spin_lock_irq(&chip->lock);
	pit->flags = from->flags;
	vpit_load(&pit->state, channel, from->flags & KVM_PIT_FLAGS_HPET_LEGACY, ktime_get_ns());
	pit->owed = 0;
	pit_set_timer(chip);
	raw_spin_unlock_irq(&chip->lock);
}

/**
 * pit_ioctl() - KVM_GET_PIT, KVM_SET_PIT, KVM_GET_PIT2, KVM_SET_PIT2
 * @vm: the VM
 * @nr: which one
 * @user: the VMM's structure: the older one is the first part of the newer one
 *
 * Return: 0; -ENXIO without a PIT; -EFAULT.
 */
int pit_ioctl(struct vm *vm, unsigned int nr, void __user *user)
{
	bool old = nr == KVM_GET_PIT || nr == KVM_SET_PIT;
	size_t size = old ? sizeof(struct kvm_pit_state) : sizeof(struct kvm_pit_state2);
	struct irqchip *chip = vm->irqchip;
	struct kvm_pit_state2 state = { 0 };

	if (!chip || !chip->pit.present)
		return -ENXIO;
	if (nr == KVM_GET_PIT || nr == KVM_GET_PIT2) {
		pit_get(chip, &state);
		return copy_to_user(user, &state, size) ? -EFAULT : 0;
	}
	if (copy_from_user(&state, user, size))
		return -EFAULT;
	if (old)
		state.flags = chip->pit.flags;
	pit_set(chip, &state);
	return 0;
}

/**
 * pit_reinject() - KVM_REINJECT_CONTROL
 * @vm: the VM
 * @reinject: see struct irqchip_pit
 *
 * Return: 0, or -ENXIO without a PIT.
 */
int pit_reinject(struct vm *vm, bool reinject)
{
	struct irqchip *chip = vm->irqchip;

	if (!chip || !chip->pit.present)
		return -ENXIO;
	raw_spin_lock_irq(&chip->lock);
	chip->pit.reinject = reinject;
	chip->pit.owed = 0;
	raw_spin_unlock_irq(&chip->lock);
	return 0;
}
