/* SPDX-License-Identifier: GPL-2.0-only */
/* What irqchip.c and pit.c share: the interrupt controllers of a VM that L has for it. */
#ifndef TAKEOVER_KVM_IRQCHIP_H
#define TAKEOVER_KVM_IRQCHIP_H

#include <linux/hrtimer.h>
#include <linux/spinlock.h>

#include <regent/vmioapic.h>
#include <regent/vpic.h>
#include <regent/vpit.h>

struct vm;

/**
 * struct irqchip_pit - the PIT
 * @present: there is one
 * @speaker: and it has port 0x61
 * @reinject: ticks that come while the last one waits are made up for
 * @owed: ticks that are to be made, with the one that waits
 * @sent: the I/O APIC has sent the last one: nothing waits
 * @timer: channel 0
 * @flags: KVM_PIT_FLAGS_*
 * @state: its registers
 */
struct irqchip_pit {
	bool present;
	bool speaker;
	bool reinject;
	u32 owed;
	bool sent;
	struct hrtimer timer;
	u32 flags;
	struct vpit state;
};

/**
 * struct irqchip - the interrupt controllers of a VM
 * @vm: the VM
 * @lock: guards all below. It is taken in hard interrupts, and messages are sent under it
 * @pic: the PICs
 * @ioapic: the I/O APIC
 * @pic_source: by pin: IRQ_SOURCE_* that hold it high, a bit for each
 * @ioapic_source: the same of the I/O APIC's pins
 * @pit: the PIT
 */
struct irqchip {
	struct vm *vm;
	raw_spinlock_t lock;	/* all below */
	struct vpic pic;
	struct vmioapic ioapic;
	u8 pic_source[VPIC_PINS];
	u8 ioapic_source[VMIOAPIC_PINS];
	struct irqchip_pit pit;
};

/* pit.c, for irqchip.c */
void pit_ended(struct irqchip *chip);
bool pit_access(struct irqchip *chip, u32 port, u32 size, bool write, u64 *data);
void pit_stop(struct irqchip *chip);

#endif
