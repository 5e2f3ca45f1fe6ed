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
#include <regent/sched.h>

#define LVT_DELIVERY(lvt)	((lvt) >> 8 & 7)
#define LVT_STATUS		((1u << 12) | (1u << 14))	/* read-only */
#define ICR_SELF		(1u << 18)
#define VECTORS			256
#define PV_EOI_ON		1

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
		end_level(cpu, vector);
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

/* As it was, when K cannot have it. */
static void untake_timer(struct cpu *cpu, const struct vapic_snapshot *s)
{
	apic_write(cpu, VAPIC_REG_DIVIDE, s->reg[VAPIC_REG_DIVIDE]);
	apic_write(cpu, VAPIC_REG_TIMER, s->reg[VAPIC_REG_TIMER]);
	if (s->reg[VAPIC_REG_TIMER] & VAPIC_TIMER_DEADLINE)
		apic_set_deadline(cpu, s->deadline);
	else
		apic_write(cpu, VAPIC_REG_INITIAL, s->reg[VAPIC_REG_INITIAL]);
}

/* The virtual APIC begins as a copy of the physical one, whose timer is K's then. */
static int take_apic(struct cpu *cpu)
{
	struct vapic_snapshot s;
	u64 now = apic_snapshot(cpu, &s);
	int err = timer_calibrate(cpu);

	if (err) {
		untake_timer(cpu, &s);
		return err;
	}
	s.bus_hz = cpu->bus_ticks;
	s.tsc_hz = cpu->bus_tsc;
	vapic_load(&cpu->vapic, &s, now);
	return 0;
}

/*
 * A hypervisor below may take an EOI from a bit in Linux's memory, where K does
 * not see it. Without that bit Linux writes to its APIC.
 */
static void take_pv_eoi(struct cpu *cpu)
{
	cpu->pv_eoi = 0;
	if (k_has(REGENT_FEAT_OUTER) &&
	    guarded_rdmsr(MSR_REG_KVM_PV_EOI, &cpu->pv_eoi) && (cpu->pv_eoi & PV_EOI_ON))
		guarded_wrmsr(MSR_REG_KVM_PV_EOI, 0);
}

static void give_pv_eoi(const struct cpu *cpu)
{
	if (cpu->pv_eoi & PV_EOI_ON)
		guarded_wrmsr(MSR_REG_KVM_PV_EOI, cpu->pv_eoi);
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
	take_pv_eoi(cpu);
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
	give_pv_eoi(cpu);
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
 * Linux waits by STI and HLT, and has looked for work before. What is handled
 * between the two would not end the wait, so that it must be taken behind the HLT,
 * as if it had come a moment later. The processor keeps STI's shadow over an exit
 * and an entry; QEMU loses it at the entry.
 */
static void __attribute__((noinline)) pass_halt(struct cpu *cpu, struct world *world)
{
	if (backend_cpl(world) || backend_event_queued(world) || !insn_is_halt(world))
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

/* Without broadcast, Linux tells the IOAPIC by itself. */
static void linux_eoi(struct cpu *cpu, const struct vapic_effect *e)
{
	if (e->eoi_broadcast)
		end_level(cpu, e->eoi_vector);
	else if (cpu->owed[e->eoi_vector / 32] >> e->eoi_vector % 32 & 1)
		end_level(cpu, e->eoi_vector);
}

/* Messages are addressed by these, and LVTs raise what they say: physically. */
static bool is_physical(u32 reg)
{
	return reg == VAPIC_REG_LDR || reg == VAPIC_REG_DFR ||
	       (vapic_lvt_bit(reg) && reg != VAPIC_REG_TIMER);
}

/* In x2APIC mode the processor may refuse what the virtual APIC does not. */
static bool pass_on(struct cpu *cpu, u32 reg, u32 value)
{
	if (cpu->x2apic)
		return guarded_wrmsr(MSR_REG_X2APIC + reg, value);
	apic_write(cpu, reg, value);
	return true;
}

/*
 * When Linux switches its APIC off, that masks every LVT. K goes on with its own,
 * and the virtual APIC refuses what arrives.
 */
static bool write_svr(struct cpu *cpu, u32 value)
{
	if (!pass_on(cpu, VAPIC_REG_SVR, value))
		return false;
	if (!(value & VAPIC_SVR_ENABLE)) {
		apic_write(cpu, VAPIC_REG_SVR, value | VAPIC_SVR_ENABLE);
		timer_start(cpu);
	}
	return true;
}

/* What of a write goes to the physical APIC, too. */
static bool write_physical(struct cpu *cpu, u32 reg, u32 value)
{
	if (reg == VAPIC_REG_SVR)
		return write_svr(cpu, value);
	if (!is_physical(reg))
		return true;
	if (vapic_lvt_bit(reg))
		value = cpu->vapic.reg[reg] & ~LVT_STATUS;
	return pass_on(cpu, reg, value);
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

	if (cpu->x2apic)
		return ~0u;	/* nobody there */
	if (offset % 16)
		return 0;
	vapic_read(&cpu->vapic, reg, hw_rdtsc(), &value);
	return value;
}

/* One each interrupt, so that it does not go all the way of the others. */
static void write_eoi(struct cpu *cpu)
{
	struct vapic_effect e;

	vapic_eoi(&cpu->vapic, &e);
	if ((e.what & VAPIC_EFFECT_EOI) && unlikely(e.eoi_level))
		linux_eoi(cpu, &e);
}

/* What the physical APIC has to say is Linux's, too. */
static void collect_errors(struct cpu *cpu)
{
	apic_write(cpu, VAPIC_REG_ESR, 0);
	cpu->vapic.esr_next |= apic_read(cpu, VAPIC_REG_ESR);
}

/* Return: enum vapic_result, as of the virtual APIC's mode. */
static int write_register(struct cpu *cpu, u32 reg, u64 value)
{
	struct vapic *v = &cpu->vapic;
	struct vapic_effect e;

	if (reg == VAPIC_REG_EOI && !(cpu->x2apic && value)) {
		write_eoi(cpu);
		return VAPIC_OK;
	}
	if (unlikely(reg == VAPIC_REG_ESR))
		collect_errors(cpu);
	/* The TSC of the write is that of the exit. */
	if (vapic_write(v, reg, value, cpu->entry_start, &e) != VAPIC_OK)
		return VAPIC_GP;
	if (e.what & VAPIC_EFFECT_IPI)
		apic_send(cpu, v->reg[VAPIC_REG_ICR2], v->reg[VAPIC_REG_ICR]);
	if (e.what & VAPIC_EFFECT_TIMER)
		timer_update(cpu);
	/* These two come often. */
	if (reg == VAPIC_REG_INITIAL || reg == VAPIC_REG_ICR)
		return VAPIC_OK;
	if (e.what & VAPIC_EFFECT_TPR)
		backend_set_tpr(&cpu->system, v->reg[VAPIC_REG_TPR]);
	return write_physical(cpu, reg, value) ? VAPIC_OK : VAPIC_GP;
}

/**
 * forward_apic_write() - Linux writes to its APIC's page
 * @cpu: this CPU, forwarded
 * @offset: where in the page
 * @value: what
 */
void forward_apic_write(struct cpu *cpu, u32 offset, u32 value)
{
	if (!cpu->x2apic && !(offset % 16))
		write_register(cpu, offset / 16, value);
}

static int x2apic_msr(struct cpu *cpu, struct msr_access *a)
{
	u32 reg = a->index - MSR_REG_X2APIC;
	int result = VAPIC_GP;

	if (cpu->x2apic)
		result = a->write ? write_register(cpu, reg, a->value) :
			 vapic_read(&cpu->vapic, reg, hw_rdtsc(), &a->value);
	return result == VAPIC_OK ? 1 : -1;
}

static int deadline_msr(struct cpu *cpu, struct msr_access *a)
{
	struct vapic_effect e;

	if (!k_has(REGENT_FEAT_DEADLINE))
		return 0;
	if (a->write)
		vapic_write_deadline(&cpu->vapic, a->value, hw_rdtsc(), &e);
	else
		a->value = vapic_read_deadline(&cpu->vapic, hw_rdtsc());
	timer_update(cpu);
	return 1;
}

/* Off below, so that what is written is for later; whether it may be, is not. */
static int pv_eoi_msr(struct cpu *cpu, struct msr_access *a)
{
	if (!k_has(REGENT_FEAT_OUTER))
		return 0;
	if (a->write && !guarded_wrmsr(a->index, a->value & ~(u64)PV_EOI_ON))
		return -1;
	if (a->write)
		cpu->pv_eoi = a->value;
	else if (!guarded_rdmsr(a->index, &a->value))
		return -1;
	a->value = cpu->pv_eoi;
	return 1;
}

/**
 * forward_msr() - an access to an MSR that only a forwarded CPU has intercepted
 * @cpu: this CPU, forwarded
 * @a: the access; a read puts the value there
 *
 * The APIC stays on, in its mode and place: Linux changes that only at boot.
 *
 * Return: as backend_switched_msr().
 */
int forward_msr(struct cpu *cpu, struct msr_access *a)
{
	switch (a->index) {
	case MSR_REG_APIC_BASE:
		if (!a->write)
			return 0;
		return a->value == hw_rdmsr(a->index) ? 1 : -1;
	case MSR_REG_TSC_DEADLINE:
		return deadline_msr(cpu, a);
	case MSR_REG_KVM_PV_EOI:
		return pv_eoi_msr(cpu, a);
	}
	if (a->index - MSR_REG_X2APIC < 256)
		return x2apic_msr(cpu, a);
	return 0;
}
