/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The IOAPIC of a VM, behind which there is no hardware (that of vioapic.h shadows one). It is
 * KVM's: version 0x11, without an EOI register. Plain logic: a function says which message is to
 * be sent to the APICs, and the caller sends it. It holds a lock around a call and that.
 *
 * A level-triggered pin sends one message, and sets remote IRR. With the EOI of its vector it
 * sends the next one, if its line is high still.
 */
#ifndef REGENT_VMIOAPIC_H
#define REGENT_VMIOAPIC_H

#include <regent/abi/types.h>

#define VMIOAPIC_PINS		24
#define VMIOAPIC_BASE		0xfec00000ull
#define VMIOAPIC_SIZE		0x100
#define VMIOAPIC_VERSION	0x11

/* What vmioapic_set() tells: KVM's result for a line that is set; VMIOAPIC_SEND is no result. */
#define VMIOAPIC_MASKED		(-1)
#define VMIOAPIC_MERGED		0
#define VMIOAPIC_LOW		1
#define VMIOAPIC_SEND		2

/**
 * struct vmioapic_message - a message for the APICs
 * @address: as of an MSI
 * @data: as of an MSI
 */
struct vmioapic_message {
	u32 address;
	u32 data;
};

/**
 * struct vmioapic - the IOAPIC of a VM
 * @entry: redirection entries
 * @irr: lines that are high
 * @select: the register that is selected
 * @id: its id
 */
struct vmioapic {
	u64 entry[VMIOAPIC_PINS];
	u32 irr;
	u8 select;
	u8 id;
};

void vmioapic_init(struct vmioapic *io);
int vmioapic_set(struct vmioapic *io, u32 pin, bool level, struct vmioapic_message *m);
bool vmioapic_again(struct vmioapic *io, u32 pin, struct vmioapic_message *m);
u32 vmioapic_ends(const struct vmioapic *io, u8 vector);
bool vmioapic_eoi(struct vmioapic *io, u32 pin, struct vmioapic_message *m);
u32 vmioapic_read(const struct vmioapic *io, u32 offset);
bool vmioapic_write(struct vmioapic *io, u32 offset, u32 value, struct vmioapic_message *m);

#endif
