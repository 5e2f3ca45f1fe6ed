// SPDX-License-Identifier: GPL-2.0-only
/* The IOAPIC of a VM, see <regent/vmioapic.h>. Plain logic. */
#include <regent/nospec.h>
#include <regent/vioapic.h>
#include <regent/vmioapic.h>

#define REG_ID		0x00
#define REG_VERSION	0x01
#define REG_ARBITRATION	0x02
#define ID_SHIFT	24
#define DEST_SHIFT	56
#define LOGICAL		(1u << 11)
#define READ_ONLY	(VIOAPIC_STATUS | VIOAPIC_REMOTE_IRR)

/* Of a message: Intel SDM volume 3, "Message Signalled Interrupts" */
#define MSI_ADDRESS	0xfee00000u
#define MSI_DEST_SHIFT	12
#define MSI_LOGICAL	(1u << 2)
#define MSI_ASSERT	(1u << 14)

/* Vector, delivery mode and trigger mode are where an entry has them. */
#define MSI_OF_ENTRY	(0x7ffu | VIOAPIC_LEVEL)

/**
 * vmioapic_init() - as after power on
 * @io: the IOAPIC
 */
void vmioapic_init(struct vmioapic *io)
{
	u32 pin;

	*io = (struct vmioapic){ .irr = 0 };
	for (pin = 0; pin < VMIOAPIC_PINS; pin++)
		io->entry[pin] = VIOAPIC_MASKED;
}

static bool send(struct vmioapic *io, u32 pin, struct vmioapic_message *m)
{
	u64 entry = io->entry[pin];

	if (entry & VIOAPIC_MASKED ||
	    (entry & VIOAPIC_LEVEL && entry & VIOAPIC_REMOTE_IRR))
		return false;
	if (entry & VIOAPIC_LEVEL)
		io->entry[pin] |= VIOAPIC_REMOTE_IRR;
	m->address = MSI_ADDRESS | (u32)(entry >> DEST_SHIFT) << MSI_DEST_SHIFT |
		     (entry & LOGICAL ? MSI_LOGICAL : 0);
	m->data = (entry & MSI_OF_ENTRY) | MSI_ASSERT;
	return true;
}

/**
 * vmioapic_set() - a line rises or falls
 * @io: the IOAPIC
 * @pin: 0 to 23
 * @level: it is high
 * @m: filled in with VMIOAPIC_SEND
 *
 * Return: VMIOAPIC_*.
 */
int vmioapic_set(struct vmioapic *io, u32 pin, bool level, struct vmioapic_message *m)
{
	u32 bit = 1u << pin, old = io->irr;

	if (!level) {
		io->irr &= ~bit;
		return VMIOAPIC_LOW;
	}
	io->irr |= bit;
	if (!(io->entry[pin] & VIOAPIC_LEVEL) && old & bit)
		return VMIOAPIC_MERGED;
	return send(io, pin, m) ? VMIOAPIC_SEND : VMIOAPIC_MASKED;
}

/**
 * vmioapic_again() - a pin has been changed by somebody: send what it sends now
 * @io: the IOAPIC
 * @pin: 0 to 23
 * @m: filled in if there is something to send
 *
 * Return: whether there is. An edge that came while the pin was masked is lost.
 */
bool vmioapic_again(struct vmioapic *io, u32 pin, struct vmioapic_message *m)
{
	return io->entry[pin] & VIOAPIC_LEVEL && io->irr >> pin & 1 && send(io, pin, m);
}

/**
 * vmioapic_ends() - which pins does the EOI of a level-triggered vector end?
 * @io: the IOAPIC
 * @vector: the vector
 *
 * Return: a bit for each, for vmioapic_eoi(). In between the caller asks what drives the line.
 */
u32 vmioapic_ends(const struct vmioapic *io, u8 vector)
{
	u32 pin, pins = 0;

	for (pin = 0; pin < VMIOAPIC_PINS; pin++)
		if ((u8)io->entry[pin] == vector && io->entry[pin] & VIOAPIC_LEVEL)
			pins |= 1u << pin;
	return pins;
}

/**
 * vmioapic_eoi() - end a level-triggered pin's interrupt
 * @io: the IOAPIC
 * @pin: 0 to 23
 * @m: filled in if there is something to send
 *
 * Return: whether there is: the line is high still.
 */
bool vmioapic_eoi(struct vmioapic *io, u32 pin, struct vmioapic_message *m)
{
	if (!(io->entry[pin] & VIOAPIC_LEVEL))
		return false;
	io->entry[pin] &= ~(u64)VIOAPIC_REMOTE_IRR;
	return vmioapic_again(io, pin, m);
}

static u32 selected_pin(const struct vmioapic *io)
{
	return ((u32)io->select - VIOAPIC_REG_ENTRY) / 2;
}

static u32 read_window(const struct vmioapic *io)
{
	u32 pin = selected_pin(io);

	switch (io->select) {
	case REG_ID:
	case REG_ARBITRATION:
		return (u32)io->id << ID_SHIFT;
	case REG_VERSION:
		return VMIOAPIC_VERSION | (VMIOAPIC_PINS - 1) << 16;
	}
	if (io->select < VIOAPIC_REG_ENTRY || pin >= VMIOAPIC_PINS)
		return ~0u;
	return io->entry[nospec_index(pin, VMIOAPIC_PINS)] >> (io->select & 1 ? 32 : 0);
}

/**
 * vmioapic_read() - a register is read
 * @io: the IOAPIC
 * @offset: from its address, any
 */
u32 vmioapic_read(const struct vmioapic *io, u32 offset)
{
	if (offset == VIOAPIC_SELECT)
		return io->select;
	return offset == VIOAPIC_WINDOW ? read_window(io) : 0;
}

/* That a pin is made edge-triggered clears remote IRR, which Linux does where there is no EOI. */
static void write_entry(struct vmioapic *io, u32 pin, u32 value)
{
	u64 entry = io->entry[pin];

	if (io->select & 1)
		entry = (u32)entry | (u64)value << 32;
	else
		entry = (entry & (~0ull << 32 | READ_ONLY)) | (value & ~READ_ONLY);
	if (!(entry & VIOAPIC_LEVEL))
		entry &= ~(u64)VIOAPIC_REMOTE_IRR;
	io->entry[pin] = entry;
}

/**
 * vmioapic_write() - a register is written
 * @io: the IOAPIC
 * @offset: from its address, any
 * @value: the value
 * @m: filled in if there is something to send
 *
 * Return: whether there is.
 */
bool vmioapic_write(struct vmioapic *io, u32 offset, u32 value, struct vmioapic_message *m)
{
	u32 pin = selected_pin(io);

	if (offset == VIOAPIC_SELECT)
		io->select = value;
	if (offset != VIOAPIC_WINDOW)
		return false;
	if (io->select == REG_ID)
		io->id = value >> ID_SHIFT & 0xf;
	if (io->select < VIOAPIC_REG_ENTRY || pin >= VMIOAPIC_PINS)
		return false;
	pin = nospec_index(pin, VMIOAPIC_PINS);
	write_entry(io, pin, value);
	return vmioapic_again(io, pin, m);
}
