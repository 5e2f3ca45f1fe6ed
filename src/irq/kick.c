// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interprocessor interrupts of K's: kicks and NMIs. A kick uses K's own vector of the receiver,
 * which Linux has given (takeover/run/vector.c). K's timer uses the same vector, and when Linux
 * gets it on a forwarded CPU, the event ring has something for L. AMD APM volume 2,
 * "Interprocessor Interrupts".
 */
#include <hw/asm.h>
#include <regent/abi/msrtab.h>
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/k.h>

#define ICR_NMI		(4u << 8)
#define ICR_ASSERT	(1u << 14)

/*
 * Linux may have written the destination of an IPI to ICR2, and not the command yet: put ICR2
 * back afterwards.
 */
static void send_by_page(struct cpu *cpu, u64 base, u32 apic_id, u32 icr)
{
	u8 *apic = mapcache_page(&cpu->mapcache, base & 0x000ffffffffff000ull, MAPCACHE_MMIO);
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
 * Send on an APIC that is Linux's, in the mode and at the address that Linux has set. In x2APIC
 * mode one write sets all of ICR, so there is nothing to put back.
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
 * @cpu: this CPU, forwarded or direct
 * @apic_id: APIC id of the receiver, which may be this CPU
 */
void nmi_send(struct cpu *cpu, u32 apic_id)
{
	send_beside_linux(cpu, apic_id, ICR_NMI | ICR_ASSERT);
}

/**
 * kick() - make a CPU exit to K and look at its mailbox
 * @cpu: this CPU, forwarded or direct
 * @to: a forwarded CPU, which may be this one
 *
 * If @to becomes direct before the kick arrives, Linux gets the interrupt there, and L looks at
 * the event ring early, which does no harm.
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
 * kick_all() - make all other CPUs come to K, whatever they do
 * @cpu: this CPU
 *
 * By NMI, since a CPU may have its interrupts off for as long as this one waits. On
 * behalf of K, L's handler makes a hypercall.
 */
void kick_all(struct cpu *cpu)
{
	u32 i;

	for (i = 0; i < k_params.nr_cpus; i++) {
		struct cpu *to = cpu_find(i);

		if (!to || to == cpu || !__atomic_load_n(&to->entered, __ATOMIC_ACQUIRE))
			continue;
		__atomic_add_fetch(&to->shared->nmis_sent, 1, __ATOMIC_RELEASE);
		nmi_send(cpu, to->handoff->apic_id);
	}
}

/**
 * tell_linux() - tell L that this CPU's event ring has something
 * @cpu: this CPU
 *
 * On a forwarded CPU Linux gets K's vector. On a direct one do nothing, because L looks at the
 * ring every second.
 */
void tell_linux(struct cpu *cpu)
{
	if (cpu->forwarded)
		vapic_accept(&cpu->vapic, cpu->vector, false);
}

/**
 * tell_stopped() - tell L that a world has stopped, that is, a vCPU's run is over
 * @cpu: this CPU, forwarded, or just about to become direct, or direct
 * @id: id of the world
 *
 * A bit of the world's in the page that this CPU shares with Linux: it cannot be lost as an event
 * of the ring can. L takes all of them at K's vector.
 */
void tell_stopped(struct cpu *cpu, u32 id)
{
	u32 bit = id % REGENT_MAX_WORLDS;

	__atomic_or_fetch(&cpu->shared->stopped[bit / 64], 1ull << bit % 64, __ATOMIC_RELEASE);
	__atomic_or_fetch(&cpu->shared->stopped_words, 1ull << bit / 64, __ATOMIC_RELEASE);
	if (cpu->forwarded)
		tell_linux(cpu);
	else if (cpu->vector)
		kick(cpu, cpu);
}
