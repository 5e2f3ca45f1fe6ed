// SPDX-License-Identifier: GPL-2.0-only
/*
 * K's vector on each CPU, which Linux gave (takeover/vector.c): its timer comes
 * there, and what other CPUs ring with; on Linux's side of a forwarded CPU it says
 * that the event ring has something. AMD APM volume 2, "Interprocessor Interrupts".
 */
#include <hw/asm.h>
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/k.h>

#define ICR_PENDING	(1u << 12)
#define ICR_ASSERT	(1u << 14)

/* Delivery takes a few bus cycles; a stuck APIC must not hold K here. */
#define ICR_WAIT	100000

/**
 * kick() - make another CPU, or this one, come to K and look at its inbox
 * @cpu: this CPU
 * @to: a forwarded one. Has it become direct just now, Linux gets the interrupt,
 *	and L looks for events early, which does no harm
 *
 * On a direct CPU the APIC is Linux's: what it has half done there is put back. In
 * x2APIC mode ICR is written as a whole.
 */
void kick(struct cpu *cpu, const struct cpu *to)
{
	bool linux_icr;
	u32 linux_icr2 = 0;
	int i;

	/* Linux may have changed the mode of a direct CPU's. */
	if (!cpu->forwarded)
		apic_look(cpu);
	linux_icr = !cpu->forwarded && !cpu->x2apic;
	if (linux_icr)
		linux_icr2 = apic_read(cpu, VAPIC_REG_ICR2);
	apic_ring(cpu, to->handoff->apic_id, ICR_ASSERT | to->vector);
	if (!linux_icr)
		return;
	for (i = 0; i < ICR_WAIT && (apic_read(cpu, VAPIC_REG_ICR) & ICR_PENDING); i++)
		hw_pause();
	apic_write(cpu, VAPIC_REG_ICR2, linux_icr2);
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
