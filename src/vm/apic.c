// SPDX-License-Identifier: GPL-2.0-only
/*
 * The APICs of a VM's vCPUs. Only the CPU that has claimed a vCPU works on its APIC. What
 * others send it they post: a bit of @posted for each vector, of @posted_what for all else.
 * The vCPU takes that at its next entry; L makes it exit for it, or wakes its thread.
 *
 * Time in an APIC is the processor's TSC, without the vCPU's offset. When its timer is due, an
 * alarm of K's wakes a vCPU that K schedules; for any other L has a timer.
 */
#include <hw/asm.h>
#include <hw/cr.h>
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/irq.h>
#include <regent/k.h>
#include <regent/nospec.h>
#include <regent/sched.h>

#include "vm.h"

#define APIC_VERSION		0x00050014u	/* six LVTs */
#define BUS_HZ			1000000000ull	/* as KVM's */

/* Of an MSI: Intel SDM volume 3, "Message Signalled Interrupts" */
#define MSI_DEST_SHIFT		12
#define MSI_LOGICAL		(1u << 2)
#define MSI_DELIVERY_SHIFT	8
#define MSI_LEVEL		(1u << 15)
/* Bits 8 to 31 of a destination, as KVM takes them with KVM_CAP_X2APIC_API */
#define MSI_HIGH_DEST		0xffffff00u

#define LEAST_PERIOD_US	100	/* of a periodic timer that wakes a vCPU */

#define POSTED_VECTOR		(1u << 0)
#define POSTED_NMI		(1u << 1)
#define POSTED_INIT		(1u << 2)
#define POSTED_SIPI		(1u << 3)
#define POSTED_SIPI_SHIFT	8

static void load_apic(struct vcpu *v, struct vapic_snapshot *s)
{
	u64 now = hw_rdtsc();

	s->base = v->apic_base;
	s->id = v->apic.id;
	s->has_deadline = true;
	s->bus_hz = BUS_HZ;
	s->tsc_hz = k_params.tsc_khz * 1000ull;
	s->reg[VAPIC_REG_VERSION] = APIC_VERSION;
	vapic_load(&v->apic, s, now);
}

/**
 * vcpu_apic_init() - give a new vCPU its APIC, as after a reset
 * @v: the vCPU, with its number
 * @id: the APIC's id
 */
void vcpu_apic_init(struct vcpu *v, u32 id)
{
	struct vapic_snapshot s = { .reg = { 0 } };

	v->has_apic = true;
	v->apic.id = id;
	v->apic_base = VCPU_APIC_BASE | VAPIC_BASE_ENABLE | (v->number ? 0 : VCPU_APIC_BSP);
	load_apic(v, &s);
	vapic_reset(&v->apic);
	v->mp_state = v->number ? REGENT_MP_UNINITIALIZED : REGENT_MP_RUNNABLE;
}

/**
 * vcpu_apic_get() - read the registers of a vCPU's APIC
 * @v: the vCPU
 * @to: filled in
 *
 * Return: 0, or -REGENT_HC_EINVAL: it has none.
 */
s64 vcpu_apic_get(struct vcpu *v, struct regent_vcpu_apic *to)
{
	u64 now = hw_rdtsc(), value;
	u32 i;

	if (!v->has_apic)
		return -REGENT_HC_EINVAL;
	/* What has expired shows in IRR, so that it is not lost where these go. */
	vapic_timer_fire(&v->apic, now);
	for (i = 0; i < sizeof(to->reg) / sizeof(to->reg[0]); i++)
		to->reg[i] = v->apic.reg[i];
	to->reg[VAPIC_REG_PPR] = v->apic.ppr;
	if (v->apic.enabled && vapic_read(&v->apic, VAPIC_REG_CURRENT, now, &value) == VAPIC_OK)
		to->reg[VAPIC_REG_CURRENT] = value;
	return 0;
}

/**
 * vcpu_apic_set() - write them
 * @v: the vCPU
 * @from: the registers, from anybody
 *
 * Return: 0, or -REGENT_HC_EINVAL: it has none.
 */
s64 vcpu_apic_set(struct vcpu *v, const struct regent_vcpu_apic *from)
{
	struct vapic *a = &v->apic;
	struct vapic_snapshot s = {
		.deadline = a->armed && vapic_deadline_mode(a) ? a->deadline : 0,
	};
	u32 i;

	if (!v->has_apic)
		return -REGENT_HC_EINVAL;
	for (i = 0; i < sizeof(from->reg) / sizeof(from->reg[0]); i++)
		s.reg[i] = *(const volatile u32 *)&from->reg[i];
	load_apic(v, &s);
	backend_set_cr8(&v->world, v->apic.reg[VAPIC_REG_TPR] >> 4);
	return 0;
}

/**
 * vcpu_apic_base_valid() - can a vCPU's APIC_BASE have this value?
 * @base: any value
 *
 * The APIC stays at its address: K looks for it there only.
 */
bool vcpu_apic_base_valid(u64 base)
{
	if ((base & ~(u64)(VCPU_APIC_BSP | VAPIC_BASE_ENABLE | VAPIC_BASE_X2APIC)) !=
	    VCPU_APIC_BASE)
		return false;
	return base & VAPIC_BASE_ENABLE || !(base & VAPIC_BASE_X2APIC);
}

/**
 * vcpu_apic_force_base() - give a vCPU's APIC another mode, as only the VMM may do it
 * @v: the vCPU
 * @base: IA32_APIC_BASE, valid
 */
void vcpu_apic_force_base(struct vcpu *v, u64 base)
{
	if (!(base & VAPIC_BASE_X2APIC) && v->apic.x2apic)
		vapic_set_base(&v->apic, 0);
	if (base & VAPIC_BASE_ENABLE)
		vapic_set_base(&v->apic, base & ~VAPIC_BASE_X2APIC);
	vapic_set_base(&v->apic, base);
	v->apic_base = base;
}

/**
 * vcpu_apic_takes_extint() - does what a PIC sends come through?
 * @v: a vCPU with an APIC
 *
 * While the APIC is off, LINT0 is INTR.
 */
bool vcpu_apic_takes_extint(const struct vcpu *v)
{
	u32 lint0 = v->apic.reg[VAPIC_REG_LINT0];

	if (!v->apic.enabled)
		return true;
	return !(lint0 & VAPIC_LVT_MASKED) && (lint0 >> 8 & 7) == VAPIC_EXTINT;
}

static void post(struct vcpu *to, u8 vector, bool level)
{
	u64 bit = 1ull << vector % 64;

	if (level)
		__atomic_or_fetch(&to->posted_level[vector / 64], bit, __ATOMIC_RELAXED);
	else
		__atomic_and_fetch(&to->posted_level[vector / 64], ~bit, __ATOMIC_RELAXED);
	/* Who takes this bit sees the other one. */
	__atomic_or_fetch(&to->posted[vector / 64], bit, __ATOMIC_RELEASE);
	__atomic_or_fetch(&to->posted_what, POSTED_VECTOR, __ATOMIC_RELEASE);
}

static void accept_posted(struct vcpu *v)
{
	u32 i, vector;
	u64 bits, level;

	for (i = 0; i < 4; i++) {
		bits = __atomic_exchange_n(&v->posted[i], 0, __ATOMIC_ACQUIRE);
		level = __atomic_load_n(&v->posted_level[i], __ATOMIC_RELAXED);
		for (; bits; bits &= bits - 1) {
			vector = i * 64 + __builtin_ctzll(bits);
			vapic_accept(&v->apic, vector, level >> vector % 64 & 1);
		}
	}
}

/* AMD APM volume 2, "Processor Initialization State". The APIC keeps its id and its mode. */
static void take_init(struct vcpu *v)
{
	vcpu_reset(v);
	vapic_reset(&v->apic);
	v->nmis = 0;
	vcpu_block_nmi(v, false);
	v->mp_state = v->apic_base & VCPU_APIC_BSP ? REGENT_MP_RUNNABLE : REGENT_MP_INIT;
}

static void take_sipi(struct vcpu *v, u8 vector)
{
	if (v->mp_state != REGENT_MP_INIT)
		return;
	v->sipi = vector;
	vcpu_startup(v, vector);
	v->mp_state = REGENT_MP_RUNNABLE;
}

/**
 * vcpu_apic_absorb() - take what has been posted
 * @v: a vCPU with an APIC, claimed by this CPU
 */
void vcpu_apic_absorb(struct vcpu *v)
{
	u32 what;

	if (likely(!__atomic_load_n(&v->posted_what, __ATOMIC_RELAXED)))
		return;
	what = __atomic_exchange_n(&v->posted_what, 0, __ATOMIC_ACQUIRE);
	if (what & POSTED_INIT)
		take_init(v);
	if (what & POSTED_SIPI)
		take_sipi(v, what >> POSTED_SIPI_SHIFT);
	if (what & POSTED_NMI)
		vcpu_add_nmi(v);
	if (what & POSTED_VECTOR)
		accept_posted(v);
}

/* INIT ends what has come before it. */
static void post_init(struct vcpu *to)
{
	u32 old = __atomic_load_n(&to->posted_what, __ATOMIC_RELAXED), new;

	do {
		new = (old & POSTED_VECTOR) | POSTED_INIT;
	} while (!__atomic_compare_exchange_n(&to->posted_what, &old, new, false,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

/* A SIPI replaces one that has not been taken yet. */
static void post_sipi(struct vcpu *to, u8 vector)
{
	u32 old = __atomic_load_n(&to->posted_what, __ATOMIC_RELAXED), new;

	do {
		new = (old & ((1u << POSTED_SIPI_SHIFT) - 1)) | POSTED_SIPI |
		      (u32)vector << POSTED_SIPI_SHIFT;
	} while (!__atomic_compare_exchange_n(&to->posted_what, &old, new, false,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

/* What arrives at one vCPU. SMIs and what a PIC sends there are not. Return: it got something. */
static bool send_one(struct vcpu *to, const struct message *m)
{
	switch (m->delivery) {
	case VAPIC_FIXED:
	case VAPIC_LOWEST:
		if (!vapic_software_enabled(&to->apic))
			return false;
		post(to, m->vector, m->level);
		return true;
	case VAPIC_NMI:
		__atomic_or_fetch(&to->posted_what, POSTED_NMI, __ATOMIC_RELEASE);
		return true;
	case VAPIC_INIT:
		post_init(to);
		return true;
	case VAPIC_SIPI:
		post_sipi(to, m->vector);
		return true;
	}
	return false;
}

static bool is_meant(const struct vcpu *to, const struct vcpu *from, const struct message *m)
{
	switch (m->shorthand) {
	case VAPIC_TO_SELF:
		return to == from;
	case VAPIC_TO_ALL:
		return true;
	case VAPIC_TO_OTHERS:
		return to != from;
	}
	return vapic_match(&to->apic, &m->to);
}

/*
 * A vCPU has got something. The one that K schedules K makes look at it; any other one is for L
 * to kick. The order matters: either this sees that K schedules it, or its first entry sees what
 * has been posted.
 */
static void wake_one(struct cpu *cpu, struct vcpu *to, u32 *wake)
{
	if (__atomic_load_n(&to->world.scheduled, __ATOMIC_SEQ_CST)) {
		sched_ask(cpu, &to->world, WORLD_ASK_WAKE);
		return;
	}
	*wake = *wake == REGENT_WAKE_NONE || *wake == to->number + 1u ? to->number + 1u :
									REGENT_WAKE_ALL;
}

/* Each in turn gets one of those that are for the vCPU with the lowest priority. */
static struct vcpu *choose(struct vm *vm, const struct vcpu *from, const struct message *m)
{
	u32 i, at;

	for (i = 1; i <= REGENT_VM_VCPUS; i++) {
		struct vcpu *to;

		at = (vm->last_lowest + i) % REGENT_VM_VCPUS;
		to = vm->vcpu[at];
		if (!to || !to->has_apic || !is_meant(to, from, m) ||
		    !vapic_software_enabled(&to->apic))
			continue;
		vm->last_lowest = at;
		return to;
	}
	return NULL;
}

/*
 * The lock keeps the vCPUs there, whose APICs others may be changing meanwhile: then it is as if
 * the message had come a moment earlier or later. Return: number of vCPUs that got it.
 */
static u32 send(struct cpu *cpu, struct vm *vm, const struct vcpu *from, const struct message *m,
		u32 *wake)
{
	struct vcpu *to;
	u32 i, n = 0;

	lock_take(&vm->apic_lock);
	if (m->delivery == VAPIC_LOWEST) {
		to = choose(vm, from, m);
		if (to && send_one(to, m)) {
			if (to != from)
				wake_one(cpu, to, wake);
			n = 1;
		}
	}
	for (i = 0; m->delivery != VAPIC_LOWEST && i < vm->top_vcpu; i++) {
		to = vm->vcpu[i];
		if (!to || !to->has_apic || !is_meant(to, from, m) || !send_one(to, m))
			continue;
		/* The sender itself takes it before it goes on. */
		if (to != from)
			wake_one(cpu, to, wake);
		n++;
	}
	lock_drop(&vm->apic_lock);
	return n;
}

/**
 * vm_add_vcpu() - make a vCPU known to those that send, and to vm_sync()
 * @v: a vCPU with its number
 *
 * Return: 0, or -REGENT_HC_EINVAL: the VM has one with this number.
 */
s64 vm_add_vcpu(struct vcpu *v)
{
	struct vm *vm = v->vm;
	s64 err = -REGENT_HC_EINVAL;

	lock_take(&vm->apic_lock);
	if (!vm->vcpu[v->number]) {
		vm->vcpu[v->number] = v;
		if (vm->top_vcpu <= v->number)
			vm->top_vcpu = v->number + 1;
		err = 0;
	}
	lock_drop(&vm->apic_lock);
	return err;
}

/**
 * vm_remove_vcpu() - undo vm_add_vcpu()
 * @v: the vCPU
 */
void vm_remove_vcpu(struct vcpu *v)
{
	struct vm *vm = v->vm;

	lock_take(&vm->apic_lock);
	if (vm->vcpu[v->number] == v)
		vm->vcpu[v->number] = NULL;
	lock_drop(&vm->apic_lock);
}

/**
 * vm_msi() - see REGENT_HC_VM_MSI
 * @cpu: this CPU
 * @id: id of a VM in bits 0-15, data of the message in 32-63
 * @address: its address
 *
 * Return: REGENT_WAKE_* in bits 0-31, the number of vCPUs that got it above; or a negative
 * REGENT_HC_E*.
 */
s64 vm_msi(struct cpu *cpu, u64 id, u64 address)
{
	u32 data = id >> 32, wake = REGENT_WAKE_NONE, n;
	struct message m = {
		.vector = data, .delivery = data >> MSI_DELIVERY_SHIFT & 7,
		.level = data & MSI_LEVEL, .shorthand = VAPIC_TO_DEST,
		.to.dest = (address >> MSI_DEST_SHIFT & 0xff) |
			   (address >> 32 & MSI_HIGH_DEST),
		.to.logical = address & MSI_LOGICAL,
	};
	struct vm *vm = vm_get(id & 0xffff);

	if (!vm)
		return -REGENT_HC_EINVAL;
	m.to.wide = m.to.dest > 0xff;
	n = send(cpu, vm, NULL, &m, &wake);
	vm_put(vm);
	return (u64)(n & 0xff) << 32 | wake;
}

/* What a write to an APIC has caused. The way in looks after all that concerns the vCPU alone. */
static void take_effect(struct cpu *cpu, struct vcpu *v, const struct vapic_effect *e)
{
	struct message m;

	if (e->what & VAPIC_EFFECT_TPR)
		backend_set_cr8(&v->world, v->apic.reg[VAPIC_REG_TPR] >> 4);
	if (e->what & VAPIC_EFFECT_IPI && !e->ipi.deassert) {
		m = (struct message){
			.vector = e->ipi.vector, .delivery = e->ipi.delivery,
			.shorthand = e->ipi.shorthand, .to = e->ipi.to,
		};
		send(cpu, v->vm, v, &m, &v->wake);
	}
	if (e->what & VAPIC_EFFECT_EOI && e->eoi_level && e->eoi_broadcast) {
		vcpu_page(cpu, v)->address = e->eoi_vector;
		vcpu_end(&v->world, REGENT_VCPU_EOI);
	}
}

/**
 * vcpu_apic_sync() - a vCPU may have written CR8, which is its TPR
 * @v: a vCPU with an APIC
 */
void vcpu_apic_sync(struct vcpu *v)
{
	u8 cr8 = backend_cr8(&v->world);

	if (cr8 != v->apic.reg[VAPIC_REG_TPR] >> 4)
		vapic_set_tpr(&v->apic, cr8 << 4);
}

/*
 * QEMU's VMRUN with an interrupt for the vCPU may forget a physical one, see write_eoi() in
 * src/irq/access.c: its APIC looks again when the task priority is written.
 */
static void look_again(u32 reg)
{
	if (reg == VAPIC_REG_EOI && unlikely(k_has(REGENT_FEAT_TCG)))
		hw_rewrite_cr8();
}

/**
 * vcpu_apic_write() - a vCPU writes a register of its APIC
 * @cpu: this CPU
 * @v: the vCPU
 * @reg: the register, any number
 * @value: the value
 *
 * Return: false when it is #GP.
 */
bool vcpu_apic_write(struct cpu *cpu, struct vcpu *v, u32 reg, u64 value)
{
	struct vapic_effect e = { .what = 0 };

	if (reg >= VAPIC_REGS)
		return !v->apic.x2apic;
	look_again(reg);
	vcpu_apic_sync(v);
	if (vapic_write(&v->apic, nospec_index(reg, VAPIC_REGS), value, hw_rdtsc(), &e) !=
	    VAPIC_OK)
		return false;
	take_effect(cpu, v, &e);
	return true;
}

/**
 * vcpu_apic_read() - a vCPU reads a register of its APIC
 * @v: the vCPU
 * @reg: the register, any number
 * @value: filled in
 *
 * Return: false when it is #GP.
 */
bool vcpu_apic_read(struct vcpu *v, u32 reg, u64 *value)
{
	*value = 0;
	if (reg >= VAPIC_REGS)
		return !v->apic.x2apic;
	vcpu_apic_sync(v);
	return vapic_read(&v->apic, nospec_index(reg, VAPIC_REGS), hw_rdtsc(), value) == VAPIC_OK;
}

#define PLAIN(reg)	(1ull << VAPIC_REG_##reg)

/* Nothing follows from a write to these while no interrupt waits. */
#define PLAIN_WRITES							\
	(PLAIN(TPR) | PLAIN(EOI) | PLAIN(ESR) | PLAIN(LDR) | PLAIN(ICR2) | PLAIN(LINT0) | \
	 PLAIN(LINT1) | PLAIN(ERROR))
/* All APICs have these, and to read them changes nothing; 24 of them are ISR, TMR and IRR. */
#define PLAIN_READS							\
	(PLAIN(ID) | PLAIN(VERSION) | PLAIN(TPR) | PLAIN(PPR) | PLAIN(LDR) | PLAIN(SVR) | \
	 0xffffffull << VAPIC_REG_ISR | PLAIN(ESR) | PLAIN(ICR) | PLAIN(TIMER) | PLAIN(LINT0) | \
	 PLAIN(LINT1) | PLAIN(ERROR) | PLAIN(INITIAL) | PLAIN(CURRENT) | PLAIN(DIVIDE))

/**
 * vcpu_apic_is_quiet() - does nothing follow from an access to a vCPU's APIC?
 * @v: a vCPU whose APIC is on
 * @reg: the register, any number
 * @write: it is written
 *
 * An EOI of a level is for L.
 */
bool vcpu_apic_is_quiet(const struct vcpu *v, u32 reg, bool write)
{
	const struct vapic *a = &v->apic;

	if (reg >= 64)
		return false;
	if (!write)
		return PLAIN_READS >> reg & 1;
	return PLAIN_WRITES >> reg & 1 && !a->irrv &&
	       (reg != VAPIC_REG_EOI ||
		!(a->reg[VAPIC_REG_TMR + a->isrv / 32] >> a->isrv % 32 & 1));
}

/* Does a vCPU that is not running go on? HLT ends with what it can take, or an NMI. */
static bool goes_on(struct vcpu *v)
{
	if (v->mp_state == REGENT_MP_HALTED &&
	    ((v->nmis && !v->nmi_blocked) || backend_event_queued(&v->world) ||
	     (vapic_pending(&v->apic) != VAPIC_NONE && backend_flag_if(&v->world))))
		v->mp_state = REGENT_MP_RUNNABLE;
	return v->mp_state == REGENT_MP_RUNNABLE;
}

/*
 * The vector that the vCPU takes at this entry, if it can take one. What waits for IF, or for the
 * end of a shadow, makes the vCPU exit when it is so far. What waits for a lower CR8 makes it
 * exit by each write to that. V_INTR_PRIO would do, but QEMU exits for it at equal priority as
 * well, and so for ever.
 */
static void deliver_interrupt(struct vcpu *v)
{
	struct vapic *a = &v->apic;
	struct world *w = &v->world;
	int vector = vapic_pending(a);

	if (backend_vcpu_irq_queued(w) != VCPU_IRQ_NONE)
		return;
	if (vector != VAPIC_NONE && interruptible(w)) {
		vapic_ack(a, vector);
		backend_vcpu_irq(w, vector);
		v->window = false;
		return;
	}
	if (v->window == (vector != VAPIC_NONE))
		return;
	v->window = !v->window;
	backend_vcpu_irq(w, v->window ? VCPU_IRQ_WINDOW : VCPU_IRQ_NONE);
}

static void watch_cr8(struct vcpu *v)
{
	const struct vapic *a = &v->apic;
	bool waits = a->irrv >> 4 > a->isrv >> 4 && a->irrv >> 4 <= a->reg[VAPIC_REG_TPR] >> 4;

	if (v->cr8_exits == waits)
		return;
	v->cr8_exits = waits;
	backend_intercept_cr8(&v->world, waits);
}

/*
 * Of a borrowed vCPU: its run is over when it has to wait, or L has something to do. A timer that
 * is due again each time must not keep it from running at all.
 */
static void go_on_borrowed(struct vcpu *v)
{
	u64 deadline = vapic_timer_deadline(&v->apic);

	if (!goes_on(v))
		vcpu_end(&v->world, REGENT_VCPU_HLT);
	else if (v->wake != REGENT_WAKE_NONE || (deadline < v->told && !v->just_told))
		vcpu_end(&v->world, REGENT_VCPU_INTERRUPTED);
	else
		deliver_interrupt(v);
	v->just_told = v->ended && deadline < v->told;
}

/**
 * vcpu_apic_alarm() - when has the scheduler to wake a vCPU for its APIC's timer?
 * @v: a vCPU with an APIC
 *
 * A periodic timer with a tiny period must not have K do nothing but that.
 *
 * Return: a TSC value, VAPIC_NEVER for never.
 */
u64 vcpu_apic_alarm(const struct vcpu *v)
{
	u64 at = vapic_timer_deadline(&v->apic), least;

	if ((v->apic.reg[VAPIC_REG_TIMER] & VAPIC_TIMER_MODE) != VAPIC_TIMER_PERIODIC)
		return at;
	least = hw_rdtsc() + (u64)k_params.tsc_khz * LEAST_PERIOD_US / 1000;
	return at < least ? least : at;
}

/* Of a vCPU that K schedules: the same by K's own means, but L wakes those that are L's. */
static void go_on_scheduled(struct cpu *cpu, struct vcpu *v)
{
	v->waits = !goes_on(v);
	if (unlikely(v->wake != REGENT_WAKE_NONE))
		vcpu_end(&v->world, REGENT_VCPU_INTERRUPTED);
	else if (!v->waits)
		deliver_interrupt(v);
	if (!v->ended && !v->waits)
		sched_set_alarm(cpu, &v->world, vcpu_apic_alarm(v));
}

/**
 * vcpu_apic_enter() - before each entry of a vCPU with an APIC: what it gets
 * @cpu: this CPU
 * @v: the vCPU
 */
void vcpu_apic_enter(struct cpu *cpu, struct vcpu *v)
{
	struct vapic *a = &v->apic;
	u64 now = hw_rdtsc();

	vcpu_apic_sync(v);
	vcpu_apic_absorb(v);
	/* L's timer for that time has fired, or is about to. */
	if (v->told <= now)
		v->told = VAPIC_NEVER;
	if (a->armed && now >= a->deadline)
		vapic_timer_fire(a, now);
	if (v->ended)
		return;
	if (v->by_sched)
		go_on_scheduled(cpu, v);
	else
		go_on_borrowed(v);
	watch_cr8(v);
}

/**
 * vcpu_write_apic_base() - a vCPU, or the VMM, writes IA32_APIC_BASE
 * @v: the vCPU
 * @base: the value
 *
 * Return: false when it is #GP.
 */
bool vcpu_write_apic_base(struct vcpu *v, u64 base)
{
	if (!v->has_apic || !vcpu_apic_base_valid(base) ||
	    vapic_set_base(&v->apic, base) != VAPIC_OK)
		return false;
	v->apic_base = base;
	return true;
}
