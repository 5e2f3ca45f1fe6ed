// SPDX-License-Identifier: GPL-2.0-only
/*
 * What K sends to other CPUs: its vector there, which Linux gave
 * (takeover/vector.c), and NMIs. The vector is also where K's timer comes, and on
 * Linux's side of a forwarded CPU it says that the event ring has something. AMD
 * APM volume 2, "Interprocessor Interrupts".
 */
#include <hw/asm.h>
#include <regent/abi/msrtab.h>
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/k.h>

#define ICR_NMI		(4u << 8)
#define ICR_ASSERT	(1u << 14)

/*
 * Linux may have half done something in its page: the destination written, the
 * command not yet.
 */
static void send_by_page(struct cpu *cpu, u64 base, u32 apic_id, u32 icr)
{
	u8 *apic = mapcache_page(&cpu->window, base & 0x000ffffffffff000ull, MAPCACHE_MMIO);
	volatile u32 *low = (void *)(apic + VAPIC_REG_ICR * 16);
	volatile u32 *high = (void *)(apic + VAPIC_REG_ICR2 * 16);
	u32 linux_high;

	apic_sent(low);
	linux_high = *high;
	*high = apic_id << 24;
	*low = icr;
	apic_sent(low);
	*high = linux_high;
}

/*
 * Send on an APIC that is Linux's, in the mode and at the place that it has given
 * it. In x2APIC mode ICR is written as a whole.
 */
static void send_beside_linux(struct cpu *cpu, u32 apic_id, u32 icr)
{
	u64 base = hw_rdmsr(MSR_REG_APIC_BASE);

	if (base & VAPIC_BASE_X2APIC)
		apic_send_x2apic(apic_id, icr);
	else
		send_by_page(cpu, base, apic_id, icr);
}

/**
 * nmi_send() - send an NMI
 * @cpu: this CPU, forwarded or not
 * @apic_id: APIC id of the receiver; may be this CPU's own
 */
void nmi_send(struct cpu *cpu, u32 apic_id)
{
	send_beside_linux(cpu, apic_id, ICR_NMI | ICR_ASSERT);
}

/**
 * kick() - make another CPU, or this one, come to K and look at its inbox
 * @cpu: this CPU
 * @to: a forwarded one. Has it become direct just now, Linux gets the interrupt,
 *	and L looks for events early, which does no harm
 */
void kick(struct cpu *cpu, const struct cpu *to)
{
	u32 icr = ICR_ASSERT | to->vector;

	if (cpu->forwarded)
		apic_ring(cpu, to->handoff->apic_id, icr);
	else
		send_beside_linux(cpu, to->handoff->apic_id, icr);
}

/**
 * tell_linux() - there is something in this CPU's event ring
 * @cpu: this CPU
 *
 * On a direct one L finds it within a second.
 */
void tell_linux(struct cpu *cpu)
{
	if (cpu->forwarded)
		vapic_accept(&cpu->vapic, cpu->vector, false);
}
