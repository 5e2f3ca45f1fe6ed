/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pair of 8259A of a VM, with the registers that choose edge or level for each pin (ELCR).
 * Plain logic: the caller sets the pins, looks at the output after each call, and has the
 * processor acknowledge. It holds a lock around each call.
 *
 *	pins 0, 1, 3 to 7 ---+--------+
 *	                     | master | --- output: INTR of the processor, or LINT0
 *	             pin 2 --+--------+
 *	+-------+      |
 *	| slave | -----+
 *	+-------+--- pins 8 to 15
 *
 * As KVM does it, an edge stays requested when its pin falls again before it was acknowledged.
 */
#ifndef REGENT_VPIC_H
#define REGENT_VPIC_H

#include <regent/abi/types.h>

#define VPIC_PINS	16	/* of both */
#define VPIC_CASCADE	2	/* the master's pin that is the slave */
#define VPIC_MASTER	0x20	/* ports: two each */
#define VPIC_SLAVE	0xa0
#define VPIC_ELCR	0x4d0

/* What vpic_set() tells: KVM's result for a line that is set */
#define VPIC_MASKED	(-1)
#define VPIC_MERGED	0
#define VPIC_NEW	1

/**
 * struct vpic_chip - one 8259A. The layout is that of struct kvm_pic_state.
 * @last_irr: pins that are high
 * @irr: interrupts that are requested
 * @imr: interrupts that are masked
 * @isr: interrupts in service
 * @priority_add: the pin with the highest priority
 * @irq_base: vector of pin 0
 * @read_reg_select: the even port reads ISR, not IRR
 * @poll: the next read is a poll
 * @special_mask: in service and masked blocks nobody
 * @init_state: which ICW the odd port expects: 0 for none, 1 for ICW2, 2 for ICW3, 3 for ICW4
 * @auto_eoi: service ends with the acknowledge
 * @rotate_on_auto_eoi: and priorities rotate with it
 * @special_fully_nested_mode: the slave interrupts itself
 * @init4: ICW4 will come
 * @elcr: pins that are level-triggered
 * @elcr_mask: pins that can be
 */
struct vpic_chip {
	u8 last_irr;
	u8 irr;
	u8 imr;
	u8 isr;
	u8 priority_add;
	u8 irq_base;
	u8 read_reg_select;
	u8 poll;
	u8 special_mask;
	u8 init_state;
	u8 auto_eoi;
	u8 rotate_on_auto_eoi;
	u8 special_fully_nested_mode;
	u8 init4;
	u8 elcr;
	u8 elcr_mask;
};

/**
 * struct vpic - both
 * @chip: master and slave
 * @output: an interrupt is requested of the processor
 * @ended: pins whose service has ended since vpic_take_ended()
 */
struct vpic {
	struct vpic_chip chip[2];
	bool output;
	u16 ended;
};

void vpic_init(struct vpic *p);
void vpic_load(struct vpic *p, u32 chip, const struct vpic_chip *from);
int vpic_set(struct vpic *p, u32 pin, bool level);
u8 vpic_acknowledge(struct vpic *p);
bool vpic_has_port(u32 port);
u8 vpic_read(struct vpic *p, u32 port);
void vpic_write(struct vpic *p, u32 port, u8 value);

/**
 * vpic_take_ended() - which pins have their service ended?
 * @p: the pair
 *
 * Return: a bit for each pin, once. A level-triggered line may be looked at again.
 */
static inline u16 vpic_take_ended(struct vpic *p)
{
	u16 ended = p->ended;

	p->ended = 0;
	return ended;
}

#endif
