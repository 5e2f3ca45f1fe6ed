// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending an NMI to a CPU, on a local APIC that belongs to Linux: what Linux
 * may have half done there (the destination written, the command not yet) is
 * put back. AMD APM volume 2, "Advanced Programmable Interrupt Controller".
 */
#include <hw/asm.h>
#include <regent/abi/msrtab.h>
#include <regent/cpu.h>
#include <regent/k.h>

#define APIC_ICR_LOW		0x300
#define APIC_ICR_HIGH		0x310
#define ICR_NMI			(4u << 8)
#define ICR_PENDING		(1u << 12)
#define ICR_ASSERT		(1u << 14)
#define APIC_BASE_X2APIC	(1ull << 10)

/* Delivery takes a few bus cycles; a stuck APIC must not hold K here. */
#define ICR_WAIT		100000

static void xapic_wait(volatile u32 *low)
{
	int i;

	for (i = 0; i < ICR_WAIT && (*low & ICR_PENDING); i++)
		hw_pause();
}

static void xapic_nmi(struct cpu *from, u64 base, u32 apic_id)
{
	u8 *apic = mapcache_page(&from->window, base & ~(REGENT_PAGE_SIZE - 1),
				 MAPCACHE_MMIO);
	volatile u32 *low = (void *)(apic + APIC_ICR_LOW);
	volatile u32 *high = (void *)(apic + APIC_ICR_HIGH);
	u32 linux_high;

	xapic_wait(low);
	linux_high = *high;
	*high = apic_id << 24;
	*low = ICR_NMI | ICR_ASSERT;
	xapic_wait(low);
	*high = linux_high;
}

/**
 * nmi_send() - send an NMI
 * @from: this CPU
 * @apic_id: APIC id of the receiver; may be this CPU's own
 */
void nmi_send(struct cpu *from, u32 apic_id)
{
	u64 base = hw_rdmsr(MSR_REG_APIC_BASE);

	if (base & APIC_BASE_X2APIC)
		hw_wrmsr(MSR_REG_X2APIC_ICR,
			 (u64)apic_id << 32 | ICR_NMI | ICR_ASSERT);
	else
		xapic_nmi(from, base & 0x000ffffffffff000ull, apic_id);
}
