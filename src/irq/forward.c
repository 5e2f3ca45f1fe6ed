// SPDX-License-Identifier: GPL-2.0-only
/*
 * A forwarded CPU: K takes every physical interrupt, acknowledges it, and keeps it in the host
 * world's virtual APIC until Linux can take it. The physical timer is K's (timer.c), and Linux
 * has a virtual one. A CPU becomes forwarded or direct in a hypercall, which Linux makes with
 * its interrupts off.
 */
#include <hw/asm.h>
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/k.h>
#include <regent/l0.h>

#define LVT_DELIVERY(lvt)	((lvt) >> 8 & 7)
#define ICR_SELF		(1u << 18)
#define VECTORS			256

static u32 nr_forwarded;

/**
 * forward_any() - is any CPU forwarded, or about to be?
 *
 * Return: true when there is one; the I/O APICs then keep their mode.
 */
bool forward_any(void)
{
	return __atomic_load_n(&nr_forwarded, __ATOMIC_ACQUIRE);
}

/* The highest vector in the physical IRR or ISR, -1 when there is none. */
static int highest_vector(struct cpu *cpu, u32 array)
{
	int i;

	for (i = 7; i >= 0; i--) {
		u32 word = apic_read(cpu, array + i);

		if (word)
			return i * 32 + 31 - __builtin_clz(word);
	}
	return -1;
}

/*
 * K masks the pin of a level before the EOI. K does not know the pin of a level that comes from an
 * I/O APIC that Linux did not list, or through an interrupt remapper. Such a level would come
 * again right after its physical EOI, so that EOI waits for Linux's own (cpu->owed), as on the
 * bare machine.
 */
static void acknowledge_level(struct cpu *cpu, u8 vector)
{
	if (ioapic_arrived(cpu, vector, true))
		apic_write(cpu, VAPIC_REG_EOI, 0);
	else
		cpu->owed[vector / 32] |= 1u << vector % 32;
}

/**
 * forward_end_level() - let a level come again after Linux's EOI
 * @cpu: this CPU, forwarded
 * @vector: the level's vector
 *
 * Write the physical EOI if that has waited, else unmask the level's pin.
 */
void forward_end_level(struct cpu *cpu, u8 vector)
{
	if (cpu->owed[vector / 32] >> vector % 32 & 1) {
		cpu->owed[vector / 32] &= ~(1u << vector % 32);
		apic_write(cpu, VAPIC_REG_EOI, 0);
	}
	ioapic_eoi(cpu, vector);
}

/**
 * forward_arrived() - acknowledge an interrupt that K has taken, and make it pending for Linux
 * @cpu: this CPU, forwarded
 * @vector: the interrupt's vector
 *
 * Hold the source first, because the physical EOI lets it come again. A vector without a bit in
 * the physical ISR is spurious and is dropped. K's own vector sets WORK_VECTOR instead.
 */
void forward_arrived(struct cpu *cpu, u8 vector)
{
	bool level;

	if (!apic_bit(cpu, VAPIC_REG_ISR, vector))
		return;
	if (vector == cpu->vector) {
		apic_write(cpu, VAPIC_REG_EOI, 0);
		cpu->work.own |= WORK_VECTOR;
		return;
	}
	level = apic_bit(cpu, VAPIC_REG_TMR, vector);
	if (level)
		acknowledge_level(cpu, vector);
	else if (cpu->vapic.reg[VAPIC_REG_IRR + vector / 32] >> vector % 32 & 1)
		ioapic_arrived(cpu, vector, false);
	if (!level)
		apic_write(cpu, VAPIC_REG_EOI, 0);
	if (vapic_accept(&cpu->vapic, vector, level) == VAPIC_REFUSED && level)
		forward_end_level(cpu, vector);
}

/*
 * Take all interrupts that are pending in the physical APIC. After an EOI the next one may need a
 * moment to arrive, so look at IRR before giving up.
 */
static void drain_apic(struct cpu *cpu)
{
	int i, vector;

	for (i = 0; i < VECTORS; i++) {
		vector = backend_take_interrupt();
		if (vector >= 0)
			forward_arrived(cpu, vector);
		else if (highest_vector(cpu, VAPIC_REG_IRR) < 0)
			return;
	}
}

/**
 * forward_interrupt() - take the physical interrupt that made an exit
 * @cpu: this CPU, forwarded
 */
void forward_interrupt(struct cpu *cpu)
{
	int vector = backend_take_interrupt();

	if (vector >= 0)
		forward_arrived(cpu, vector);
}

/*
 * Write the physical EOIs of all interrupts that Linux has in service. They are in service in the
 * virtual APIC as well, where Linux's own EOIs end them.
 */
static void empty_isr(struct cpu *cpu)
{
	int i, vector;

	for (i = 0; i < VECTORS; i++) {
		vector = highest_vector(cpu, VAPIC_REG_ISR);
		if (vector < 0)
			return;
		if (!apic_bit(cpu, VAPIC_REG_TMR, vector))
			apic_write(cpu, VAPIC_REG_EOI, 0);
		else
			acknowledge_level(cpu, vector);
		/* While an EOI is owed, the APIC holds off all vectors of lower priority. */
		if (cpu->owed[vector / 32] >> vector % 32 & 1)
			return;
	}
}

/* ExtINT on LINT0 bypasses the APIC's registers, so K would lose those interrupts. */
static bool has_extint(struct cpu *cpu)
{
	u32 lint0 = apic_read(cpu, VAPIC_REG_LINT0);

	return !(lint0 & VAPIC_LVT_MASKED) && LVT_DELIVERY(lint0) == VAPIC_EXTINT;
}

/*
 * Load the virtual APIC with a copy of the physical one, and take the physical timer.
 * Return: 0, or -REGENT_HC_EOPNOTSUPP: the timer cannot be used, and is Linux's again.
 */
static int take_apic(struct cpu *cpu)
{
	struct vapic_snapshot s;
	u64 now = apic_snapshot(cpu, &s);
	int err = timer_calibrate(cpu);

	if (err) {
		apic_give_timer(cpu, s.reg[VAPIC_REG_DIVIDE], s.reg[VAPIC_REG_TIMER],
				s.reg[VAPIC_REG_INITIAL], s.deadline);
		return err;
	}
	s.bus_hz = cpu->bus_ticks;
	s.tsc_hz = cpu->bus_tsc;
	vapic_load(&cpu->vapic, &s, now);
	return 0;
}

/**
 * forward_take() - take the physical APIC for K, and give Linux a virtual one
 * @cpu: this CPU, direct, with Linux's interrupts off
 * @vector: the vector that Linux gives to K on this CPU
 *
 * Afterwards all interrupts that Linux has in service have had their physical EOI, and the
 * physical task priority is APIC_K_TPR. Call forward_begin() when the scheduler is ready.
 *
 * Return: 0, or with nothing changed: -REGENT_HC_EINVAL: @vector is none; -REGENT_HC_EOPNOTSUPP:
 * K cannot use this APIC or its timer; -REGENT_HC_EBUSY: the I/O APICs are not shadowed yet.
 */
int forward_take(struct cpu *cpu, u64 vector)
{
	int err = -REGENT_HC_EBUSY;

	if (vector < 32 || vector >= VECTORS)
		return -REGENT_HC_EINVAL;
	if (!apic_usable(cpu) || has_extint(cpu) || !k_params.tsc_khz)
		return -REGENT_HC_EOPNOTSUPP;
	/* Count this CPU first: from then on the I/O APICs cannot change their mode. */
	__atomic_add_fetch(&nr_forwarded, 1, __ATOMIC_SEQ_CST);
	if (ioapic_shadowed())
		err = take_apic(cpu);
	if (err) {
		__atomic_sub_fetch(&nr_forwarded, 1, __ATOMIC_SEQ_CST);
		return err;
	}
	cpu->vector = vector;
	l0_suspend(cpu, L0_PV_EOI);
	empty_isr(cpu);
	apic_write(cpu, VAPIC_REG_TPR, APIC_K_TPR);
	backend_forward(&cpu->host, true);
	backend_set_tpr(&cpu->host, cpu->vapic.reg[VAPIC_REG_TPR]);
	cpu->forwarded = true;
	cpu->work.own |= WORK_FORWARDED;
	return 0;
}

/**
 * forward_begin() - start K's timer, and take the interrupts that are pending
 * @cpu: this CPU, after forward_take(), with its scheduler ready
 */
void forward_begin(struct cpu *cpu)
{
	timer_start(cpu);
	/* The virtual APIC's copy has what is pending: take it now, so that it merges there. */
	drain_apic(cpu);
}

/*
 * Raise all that is pending in the virtual APIC on the physical one: edges by a self-IPI, known
 * levels by themselves when ioapic_release() unmasks their pins. In xAPIC mode put Linux's ICR2
 * back, because Linux may be about to write the command.
 */
static void raise_again(struct cpu *cpu, const struct vapic_left *left)
{
	u32 icr2 = cpu->vapic.reg[VAPIC_REG_ICR2];
	u32 vector;

	for (vector = 16; vector < VECTORS; vector++) {
		u32 bit = 1u << vector % 32;

		/* After its EOI a level of an unknown pin comes again; raise a pending one. */
		if (cpu->owed[vector / 32] & bit) {
			cpu->owed[vector / 32] &= ~bit;
			apic_write(cpu, VAPIC_REG_EOI, 0);
			if (left->level[vector / 32] & bit)
				apic_send(cpu, icr2, ICR_SELF | vector);
		}
		if (left->edge[vector / 32] & bit)
			apic_send(cpu, icr2, ICR_SELF | vector);
	}
	if (!cpu->x2apic)
		apic_write(cpu, VAPIC_REG_ICR2, icr2);
}

/**
 * forward_give_back() - give the physical APIC back to Linux
 * @cpu: this CPU, forwarded, with Linux's interrupts off and no other world scheduled
 *
 * If an interrupt is in service in the virtual APIC, Linux's EOI for it has no effect on the
 * physical one.
 */
void forward_give_back(struct cpu *cpu)
{
	struct vapic *v = &cpu->vapic;
	struct vapic_left left;

	timer_stop(cpu);
	drain_apic(cpu);
	vapic_leave(v, hw_rdtsc(), &left);
	backend_forward(&cpu->host, false);
	cpu->forwarded = false;
	cpu->work.own &= ~(WORK_FORWARDED | WORK_VECTOR);
	apic_write(cpu, VAPIC_REG_SVR, v->reg[VAPIC_REG_SVR]);
	timer_give_back(cpu, &left);
	apic_write(cpu, VAPIC_REG_TPR, v->reg[VAPIC_REG_TPR]);
	raise_again(cpu, &left);
	l0_resume(cpu, L0_PV_EOI);
	ioapic_release(cpu);
	__atomic_sub_fetch(&nr_forwarded, 1, __ATOMIC_SEQ_CST);
	if (cpu->work.own & WORK_NMI) {
		cpu->work.own &= ~WORK_NMI;
		nmi_send(cpu, cpu->handoff->apic_id);
	}
}

/*
 * Inject an NMI that arrived in K. If another event is queued for the entry, send the NMI again
 * instead: the APIC keeps it pending.
 */
static void deliver_nmi(struct cpu *cpu, struct world *world)
{
	if (backend_event_queued(world))
		nmi_send(cpu, cpu->handoff->apic_id);
	else
		backend_inject_nmi(world);
	cpu->work.own &= ~WORK_NMI;
}

/**
 * forward_prepare() - take over a TPR that Linux has set by CR8, and inject a waiting NMI
 * @cpu: this CPU, forwarded
 * @world: its host world
 */
void forward_prepare(struct cpu *cpu, struct world *world)
{
	u8 tpr = backend_tpr(world);

	if (unlikely(tpr >> 4 != cpu->vapic.reg[VAPIC_REG_TPR] >> 4))
		vapic_set_tpr(&cpu->vapic, tpr);	/* by CR8 */
	if (unlikely(cpu->work.own & WORK_NMI))
		deliver_nmi(cpu, world);
}

/**
 * forward_deliver() - inject the interrupt that Linux gets at the next entry
 * @cpu: this CPU, forwarded
 * @world: its host world, after forward_prepare()
 *
 * If an interrupt is still pending afterwards, open the interrupt window. Only this function
 * decides what Linux gets, from state alone, before each entry.
 */
void forward_deliver(struct cpu *cpu, struct world *world)
{
	struct vapic *v = &cpu->vapic;
	int vector = vapic_pending(v);

	if (vector != VAPIC_NONE && !backend_event_queued(world) &&
	    backend_interruptible(world)) {
		vapic_ack(v, vector);
		ioapic_delivered(cpu, vector);
		backend_inject_interrupt(world, vector);
		vector = vapic_pending(v);
	}
	backend_irq_window(world, vector != VAPIC_NONE);
}
