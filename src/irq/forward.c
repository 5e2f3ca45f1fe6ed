// SPDX-License-Identifier: GPL-2.0-only
/*
 * A forwarded CPU: K takes every physical interrupt, acknowledges it, and keeps
 * it in the system world's virtual APIC until Linux can take it. The CPU's
 * modes change at a hypercall, at which Linux has its interrupts off.
 *
 * The timer's registers stay the physical ones: nobody but Linux uses the timer
 * yet, and its interrupt arrives like any other.
 */
#include <hw/asm.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/k.h>

#define LVT_DELIVERY(lvt)	((lvt) >> 8 & 7)
#define ICR_SELF		(1u << 18)
#define VECTORS			256

static u32 nr_forwarded;

/**
 * forward_any() - is any CPU forwarded?
 */
bool forward_any(void)
{
	return __atomic_load_n(&nr_forwarded, __ATOMIC_ACQUIRE);
}

static int highest(struct cpu *cpu, u32 array)
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
 * A level whose pin K does not know (of an IOAPIC that Linux did not tell of, or
 * behind a remapper) would come again at once after its EOI: that has to wait
 * for Linux's own, as on the bare machine.
 */
static void acknowledge_level(struct cpu *cpu, u8 vector)
{
	if (ioapic_arrived(cpu, vector, true))
		apic_write(cpu, VAPIC_REG_EOI, 0);
	else
		cpu->owed[vector / 32] |= 1u << vector % 32;
}

static void end_level(struct cpu *cpu, u8 vector)
{
	if (cpu->owed[vector / 32] >> vector % 32 & 1) {
		cpu->owed[vector / 32] &= ~(1u << vector % 32);
		apic_write(cpu, VAPIC_REG_EOI, 0);
	}
	ioapic_eoi(cpu, vector);
}

/*
 * Acknowledge one that the physical APIC has delivered. Its source is held
 * before the EOI lets it come again. What has no bit in ISR is spurious: the
 * APIC took it back.
 */
static void arrived(struct cpu *cpu, u8 vector)
{
	bool level;

	if (!apic_bit(cpu, VAPIC_REG_ISR, vector))
		return;
	level = apic_bit(cpu, VAPIC_REG_TMR, vector);
	if (level)
		acknowledge_level(cpu, vector);
	else if (cpu->vapic.reg[VAPIC_REG_IRR + vector / 32] >> vector % 32 & 1)
		ioapic_arrived(cpu, vector, false);
	if (!level)
		apic_write(cpu, VAPIC_REG_EOI, 0);
	if (vapic_accept(&cpu->vapic, vector, level) == VAPIC_REFUSED && level)
		end_level(cpu, vector);
}

/* All that is pending there; the next one may need a moment after an EOI. */
static void drain(struct cpu *cpu)
{
	int i, vector;

	for (i = 0; i < VECTORS; i++) {
		vector = backend_take_interrupt();
		if (vector >= 0)
			arrived(cpu, vector);
		else if (highest(cpu, VAPIC_REG_IRR) < 0)
			return;
	}
}

/**
 * forward_interrupt() - an exit because an interrupt is pending
 * @cpu: this CPU, forwarded
 */
void forward_interrupt(struct cpu *cpu)
{
	int vector = backend_take_interrupt();

	if (vector >= 0)
		arrived(cpu, vector);
}

/* What Linux has in service gets its physical EOI now, and the virtual one later. */
static void empty_isr(struct cpu *cpu)
{
	int i, vector;

	for (i = 0; i < VECTORS; i++) {
		vector = highest(cpu, VAPIC_REG_ISR);
		if (vector < 0)
			return;
		if (!apic_bit(cpu, VAPIC_REG_TMR, vector))
			apic_write(cpu, VAPIC_REG_EOI, 0);
		else
			acknowledge_level(cpu, vector);
		/* An EOI that is owed keeps what is below it from coming, too. */
		if (cpu->owed[vector / 32] >> vector % 32 & 1)
			return;
	}
}

/* Interrupts that bypass the APIC's registers would be lost in K. */
static bool has_extint(struct cpu *cpu)
{
	u32 lint0 = apic_read(cpu, VAPIC_REG_LINT0);

	return !(lint0 & VAPIC_LVT_MASKED) && LVT_DELIVERY(lint0) == VAPIC_EXTINT;
}

/**
 * forward_start() - take this CPU's interrupts
 * @cpu: this CPU, Linux having its interrupts off
 *
 * Return: 0 or a negative REGENT_HC_E*, see REGENT_HC_FORWARD.
 */
int forward_start(struct cpu *cpu)
{
	if (cpu->forwarded)
		return 0;
	if (!apic_usable() || has_extint(cpu))
		return -REGENT_HC_EOPNOTSUPP;
	/* First the count: from then on the IOAPICs stay as they are. */
	__atomic_add_fetch(&nr_forwarded, 1, __ATOMIC_SEQ_CST);
	if (!ioapic_shadowed()) {
		__atomic_sub_fetch(&nr_forwarded, 1, __ATOMIC_SEQ_CST);
		return -REGENT_HC_EBUSY;
	}
	apic_snapshot(cpu, &cpu->vapic);
	empty_isr(cpu);
	apic_write(cpu, VAPIC_REG_TPR, 0);
	backend_forward(&cpu->system, true);
	backend_set_tpr(&cpu->system, cpu->vapic.reg[VAPIC_REG_TPR]);
	cpu->forwarded = true;
	/* The copy has what is pending, and must not get it a second time later. */
	drain(cpu);
	return 0;
}

/* ICR2 may hold what Linux is about to use. */
static void raise_again(struct cpu *cpu, const struct vapic_left *left)
{
	u32 icr2 = cpu->vapic.reg[VAPIC_REG_ICR2];
	u32 vector;

	for (vector = 16; vector < VECTORS; vector++) {
		u32 bit = 1u << vector % 32;

		/* A level that K does not know comes by itself, or now once more. */
		if (cpu->owed[vector / 32] & bit) {
			cpu->owed[vector / 32] &= ~bit;
			apic_write(cpu, VAPIC_REG_EOI, 0);
			if (left->level[vector / 32] & bit)
				apic_send(cpu, icr2, ICR_SELF | vector);
		}
		if (left->edge[vector / 32] & bit)
			apic_send(cpu, icr2, ICR_SELF | vector);
	}
	apic_write(cpu, VAPIC_REG_ICR2, icr2);
}

/**
 * forward_stop() - let interrupts go straight to Linux again
 * @cpu: this CPU, Linux having its interrupts off
 * @anyway: also with one in service, whose EOI then meets an APIC that knows
 *	nothing of it: for a handback that cannot wait
 *
 * Return: 0 or -REGENT_HC_EBUSY.
 */
int forward_stop(struct cpu *cpu, bool anyway)
{
	struct vapic *v = &cpu->vapic;
	struct vapic_left left;

	if (!cpu->forwarded)
		return 0;
	if (!anyway && !vapic_can_leave(v))
		return -REGENT_HC_EBUSY;
	drain(cpu);
	vapic_leave(v, 0, &left);
	backend_forward(&cpu->system, false);
	cpu->forwarded = false;
	apic_write(cpu, VAPIC_REG_TPR, v->reg[VAPIC_REG_TPR]);
	raise_again(cpu, &left);
	ioapic_release(cpu);
	__atomic_sub_fetch(&nr_forwarded, 1, __ATOMIC_SEQ_CST);
	if (cpu->nmi_pending) {
		cpu->nmi_pending = 0;
		nmi_send(cpu, cpu->handoff->apic_id);
	}
	return 0;
}

/* An NMI that came in K. With another event first, the APIC keeps it pending. */
static void deliver_nmi(struct cpu *cpu, struct world *world)
{
	if (backend_event_queued(world))
		nmi_send(cpu, cpu->handoff->apic_id);
	else
		backend_inject_nmi(world);
	cpu->nmi_pending = 0;
}

/**
 * forward_deliver() - what Linux gets at the next entry, and when to ask again
 * @cpu: this CPU, forwarded
 * @world: its system world
 *
 * The one place that decides, from state alone, before each entry.
 */
void forward_deliver(struct cpu *cpu, struct world *world)
{
	struct vapic *v = &cpu->vapic;
	u8 tpr = backend_tpr(world);
	int vector;

	if (unlikely(tpr >> 4 != v->reg[VAPIC_REG_TPR] >> 4))
		vapic_set_tpr(v, tpr);	/* by CR8 */
	if (unlikely(cpu->nmi_pending))
		deliver_nmi(cpu, world);
	vector = vapic_pending(v);
	if (vector != VAPIC_NONE && !backend_event_queued(world) &&
	    backend_interruptible(world)) {
		vapic_ack(v, vector);
		ioapic_delivered(cpu, vector);
		backend_inject_interrupt(world, vector);
		vector = vapic_pending(v);
	}
	backend_window(world, vector != VAPIC_NONE);
}

/* Without broadcast, Linux tells the IOAPIC by itself. */
static void linux_eoi(struct cpu *cpu, const struct vapic_effect *e)
{
	if (e->eoi_broadcast)
		end_level(cpu, e->eoi_vector);
	else if (cpu->owed[e->eoi_vector / 32] >> e->eoi_vector % 32 & 1)
		end_level(cpu, e->eoi_vector);
}

static bool is_timer(u32 reg)
{
	return reg == VAPIC_REG_TIMER || reg == VAPIC_REG_INITIAL ||
	       reg == VAPIC_REG_CURRENT || reg == VAPIC_REG_DIVIDE;
}

/* Messages are addressed by these, and LVTs raise what they say: physically. */
static bool is_physical(u32 reg)
{
	return reg == VAPIC_REG_LDR || reg == VAPIC_REG_DFR || reg == VAPIC_REG_SVR ||
	       vapic_lvt_bit(reg);
}

/**
 * forward_apic_read() - Linux reads its APIC
 * @cpu: this CPU, forwarded
 * @offset: where in the page
 */
u32 forward_apic_read(struct cpu *cpu, u32 offset)
{
	u32 reg = offset / 16;
	u64 value;

	if (offset % 16)
		return 0;
	if (is_timer(reg))
		return apic_read(cpu, reg);
	vapic_read(&cpu->vapic, reg, hw_rdtsc(), &value);
	return value;
}

/**
 * forward_apic_write() - Linux writes to its APIC
 * @cpu: this CPU, forwarded
 * @offset: where in the page
 * @value: what
 */
void forward_apic_write(struct cpu *cpu, u32 offset, u32 value)
{
	struct vapic *v = &cpu->vapic;
	struct vapic_effect e;
	u32 reg = offset / 16;

	if (offset % 16)
		return;
	if (is_timer(reg)) {
		apic_write(cpu, reg, value);
		return;
	}
	if (reg == VAPIC_REG_ESR) {
		/* What the physical APIC has to say is Linux's, too. */
		apic_write(cpu, reg, 0);
		v->esr_next |= apic_read(cpu, reg);
	}
	vapic_write(v, reg, value, hw_rdtsc(), &e);
	if ((e.what & VAPIC_EFFECT_EOI) && e.eoi_level)
		linux_eoi(cpu, &e);
	if (e.what & VAPIC_EFFECT_IPI)
		apic_send(cpu, v->reg[VAPIC_REG_ICR2], v->reg[VAPIC_REG_ICR]);
	if (e.what & VAPIC_EFFECT_TPR)
		backend_set_tpr(&cpu->system, v->reg[VAPIC_REG_TPR]);
	if (is_physical(reg))
		apic_write(cpu, reg, value);
}
