// SPDX-License-Identifier: GPL-2.0-only
/*
 * A forwarded CPU: K takes every physical interrupt, acknowledges it, and keeps
 * it in the system world's virtual APIC until Linux can take it. The CPU's
 * modes change at a hypercall, at which Linux has its interrupts off. The timer is
 * K's then (timer.c), and Linux has a virtual one.
 */
#include <hw/asm.h>
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/k.h>
#include <regent/outer.h>
#include <regent/sched.h>

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

/**
 * forward_end_level() - Linux has done with a level
 * @cpu: this CPU, forwarded
 * @vector: its vector
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
 * forward_arrived() - acknowledge one that the physical APIC has delivered
 * @cpu: this CPU, forwarded
 * @vector: its vector
 *
 * Its source is held before the EOI lets it come again. What has no bit in ISR is
 * spurious: the APIC took it back.
 */
void forward_arrived(struct cpu *cpu, u8 vector)
{
	bool level;

	if (!apic_bit(cpu, VAPIC_REG_ISR, vector))
		return;
	if (vector == cpu->vector) {
		apic_write(cpu, VAPIC_REG_EOI, 0);
		timer_fired(cpu);
		sched_rung(cpu);
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

/* All that is pending there; the next one may need a moment after an EOI. */
static void drain(struct cpu *cpu)
{
	int i, vector;

	for (i = 0; i < VECTORS; i++) {
		vector = backend_take_interrupt();
		if (vector >= 0)
			forward_arrived(cpu, vector);
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
		forward_arrived(cpu, vector);
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

/* The virtual APIC begins as a copy of the physical one, whose timer is K's then. */
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
 * forward_start() - take this CPU's interrupts
 * @cpu: this CPU, Linux having its interrupts off
 * @vector: one that Linux gives to K on this CPU
 *
 * Return: 0 or a negative REGENT_HC_E*, see REGENT_HC_FORWARD.
 */
int forward_start(struct cpu *cpu, u64 vector)
{
	int err = -REGENT_HC_EBUSY;

	if (cpu->forwarded)
		return 0;
	if (vector < 32 || vector >= VECTORS)
		return -REGENT_HC_EINVAL;
	if (!apic_usable(cpu) || has_extint(cpu) || !k_params.tsc_khz)
		return -REGENT_HC_EOPNOTSUPP;
	/* First the count: from then on the IOAPICs stay as they are. */
	__atomic_add_fetch(&nr_forwarded, 1, __ATOMIC_SEQ_CST);
	if (ioapic_shadowed())
		err = take_apic(cpu);
	if (err) {
		__atomic_sub_fetch(&nr_forwarded, 1, __ATOMIC_SEQ_CST);
		return err;
	}
	cpu->vector = vector;
	outer_suspend(cpu, OUTER_PV_EOI);
	empty_isr(cpu);
	apic_write(cpu, VAPIC_REG_TPR, 0);
	backend_forward(&cpu->system, true);
	backend_set_tpr(&cpu->system, cpu->vapic.reg[VAPIC_REG_TPR]);
	cpu->forwarded = true;
	sched_forwarded(cpu, true);
	timer_start(cpu);
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
	if (!cpu->x2apic)
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
	sched_forwarded(cpu, false);
	timer_stop(cpu);
	drain(cpu);
	vapic_leave(v, hw_rdtsc(), &left);
	backend_forward(&cpu->system, false);
	cpu->forwarded = false;
	apic_write(cpu, VAPIC_REG_SVR, v->reg[VAPIC_REG_SVR]);
	timer_give_back(cpu, &left);
	apic_write(cpu, VAPIC_REG_TPR, v->reg[VAPIC_REG_TPR]);
	raise_again(cpu, &left);
	outer_resume(cpu, OUTER_PV_EOI);
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

/*
 * Linux waits by STI and HLT or MWAIT, and has looked for work before. What is handled
 * between the two would not end the wait, so that it must be taken behind those,
 * as if it had come a moment later. The processor keeps STI's shadow over an exit
 * and an entry; QEMU loses it at the entry.
 */
static void __attribute__((noinline)) pass_halt(struct cpu *cpu, struct world *world)
{
	if (backend_cpl(world) || backend_event_queued(world) || !insn_waits(world))
		return;
	cpu->halt_rip = backend_rip(world);
	if (vapic_pending(&cpu->vapic) != VAPIC_NONE && backend_flag_if(world))
		backend_skip(world);
}

/**
 * forward_quiet() - is there nothing for forward_deliver() to do?
 * @cpu: this CPU, forwarded
 * @world: its system world
 *
 * Only for speed; false is always right.
 */
bool forward_quiet(const struct cpu *cpu, const struct world *world)
{
	const struct vapic *v = &cpu->vapic;

	return vapic_pending(v) == VAPIC_NONE && !cpu->nmi_pending &&
	       backend_undisturbed(world, v->reg[VAPIC_REG_TPR]) &&
	       backend_rip(world) != cpu->halt_rip;
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
	if (unlikely(backend_in_shadow(world) || backend_rip(world) == cpu->halt_rip))
		pass_halt(cpu, world);
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
