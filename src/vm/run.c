// SPDX-License-Identifier: GPL-2.0-only
/*
 * The run of a vCPU, which a hypercall of L's begins. It lasts until L has something to do.
 *
 *	borrowed	on a direct CPU: the vCPU runs inside that hypercall. Anything that
 *			arrives for Linux ends the run, and L has the timer of its APIC.
 *	scheduled	on a forwarded CPU: the vCPU is on the CPU's run queue. It waits, and is
 *			preempted, without an end of the run, and K has its timer. While Linux
 *			is alone there, the vCPU is borrowed at first, until it waits, or
 *			something else wants the CPU.
 *
 * src/world/vcpu.c calls this, with the switches in between.
 */
#include <regent/backend.h>
#include <regent/irq.h>
#include <regent/k.h>
#include <regent/sched.h>

#include "vm.h"

/**
 * vcpu_take_irq() - an interrupt that L queues, in place of one that is not taken yet
 * @v: the vCPU
 * @page: L's page for it
 */
void vcpu_take_irq(struct vcpu *v, struct regent_vcpu_page *page)
{
	u32 irq = *(const volatile u32 *)&page->irq;

	if (!(irq & REGENT_IRQ_VALID))
		return;
	backend_vcpu_irq(&v->world, irq & 0xff);
	v->window = false;
	page->irq = 0;
}

static u8 cr8_of(const struct vcpu *v)
{
	return v->has_apic ? v->apic.reg[VAPIC_REG_TPR] >> 4 : backend_cr8(&v->world);
}

/**
 * vcpu_tell_state() - what L and the VMM know of a vCPU between two runs
 * @cpu: this CPU
 * @v: the vCPU
 */
void vcpu_tell_state(struct cpu *cpu, struct vcpu *v)
{
	struct regent_vcpu_page *page = vcpu_page(cpu, v);
	int queued = backend_vcpu_irq_queued(&v->world);
	struct backend_event e;

	/* An interrupt whose delivery an exit has cut off is queued as well. */
	backend_get_event(&v->world, &e);
	if (e.type == REGENT_EVENT_INTERRUPT)
		queued = e.vector;
	page->irq_queued = queued == VCPU_IRQ_NONE ? 0 : REGENT_IRQ_VALID | queued;
	page->cr8 = cr8_of(v);
	page->if_flag = backend_flag_if(&v->world);
	page->interruptible = interruptible(&v->world);
	page->takes_extint = v->has_apic && vcpu_apic_takes_extint(v);
}

/* What L looks at after a run only */
static void tell_run(struct cpu *cpu, struct vcpu *v)
{
	struct regent_vcpu_page *page = vcpu_page(cpu, v);

	/* L forgets the timer of a vCPU that K schedules: most likely K does so again at once. */
	v->told = v->has_apic && !v->by_sched ? vapic_timer_deadline(&v->apic) : REGENT_NEVER;
	page->deadline = v->told;
	page->wake = v->wake;
	v->wake = REGENT_WAKE_NONE;
}

/* Before a run: interrupts, as L says. The run may be over at once. */
static void prepare_irq(struct cpu *cpu, struct vcpu *v, u64 how)
{
	struct regent_vcpu_page *page = vcpu_page(cpu, v);

	if (!v->has_apic)
		backend_set_cr8(&v->world, *(const volatile u32 *)&page->cr8 & 15);
	vcpu_take_irq(v, page);
	v->tells_window = how & REGENT_RUN_WINDOW;
	/* The run loop does that when it is the vCPU's turn. */
	if (!v->by_sched)
		vcpu_enter(cpu, &v->world);
}

/* L's part of the last exit is done: do the rest. It may be the run's end, too. */
static void complete(struct cpu *cpu, struct vcpu *v, u64 how)
{
	u8 pending = v->pending;

	v->pending = VCPU_NOTHING;
	if (pending == VCPU_PORT_READ)
		vcpu_complete_port(cpu, v);
	else if (pending == VCPU_STRING_READ)
		vcpu_complete_string(cpu, v);
	else if (pending == VCPU_MEMORY_READ)
		vcpu_complete_memory(cpu, v);
	else if (pending == VCPU_MOVE_READ)
		vcpu_complete_move(cpu, v);
	else if (pending == VCPU_MSR_READ || pending == VCPU_MSR_WRITTEN)
		vcpu_end_msr(v, !(how & REGENT_RUN_REFUSED), pending == VCPU_MSR_WRITTEN,
			     *(const volatile u64 *)&vcpu_page(cpu, v)->data);
}

/* After a run: nobody waits for a window any more. */
static void end_run(struct cpu *cpu, struct vcpu *v)
{
	if (backend_vcpu_irq_queued(&v->world) == VCPU_IRQ_NONE)
		backend_vcpu_irq(&v->world, VCPU_IRQ_NONE);
	v->window = false;
	if (v->has_apic)
		vcpu_apic_sync(v);
	vcpu_tell_state(cpu, v);
	tell_run(cpu, v);
}

/*
 * A vCPU stays on the CPU that its thread has come from, until its next exit to Linux. That may
 * be another one than before; Linux's state there needs memory as soon as it is not alone.
 */
static s64 vcpu_allow(struct cpu *cpu, struct vcpu *v)
{
	u32 i;
	int err;

	if (likely(v->on == cpu->id + 1 && cpu->host.area.xsave))
		return 0;
	v->on = 0;
	for (i = 0; i < sizeof(v->allowed) / sizeof(v->allowed[0]); i++)
		v->allowed[i] = 0;
	err = world_allow(cpu, &v->world);
	if (!err)
		v->on = cpu->id + 1;
	return err;
}

/*
 * L has found no memory at the page of the last fault. That is so until the VM gets another slot,
 * for which L counts up vm->sequence: if it has not looked before that.
 */
static void remember_device(struct vcpu *v)
{
	v->devices[v->device_page % VCPU_DEVICES] = (struct vcpu_device){
		.page = v->device_page, .sequence = v->device_sequence,
		.write = v->device_write, .known = true,
	};
}

static s64 prepare(struct cpu *cpu, struct vcpu *v, u64 how)
{
	s64 err = 0;

	if (how & ~(u64)(REGENT_RUN_DEVICE | REGENT_RUN_COMPLETE | REGENT_RUN_WINDOW |
			 REGENT_RUN_REFUSED))
		return -REGENT_HC_EINVAL;
	err = vcpu_allow(cpu, v);
	if (err)
		return err;
	v->ended = false;
	v->by_sched = cpu->forwarded && !(how & REGENT_RUN_COMPLETE);
	v->reason = REGENT_VCPU_INTERRUPTED;
	v->device = how & REGENT_RUN_DEVICE;
	if (v->device)
		remember_device(v);
	complete(cpu, v, how);
	if (!(how & REGENT_RUN_COMPLETE))
		prepare_irq(cpu, v, how);
	asid_follow(&v->world.asid, &v->tlb.seen, &v->vm->sequence);
	return 0;
}

/**
 * vcpu_begin_run() - claim a vCPU and begin its run: scheduled on a forwarded CPU, else borrowed
 * @cpu: this CPU
 * @id: any number
 * @how: REGENT_RUN_*, or any number
 * @answer: the hypercall's result when there is nothing to run: enum regent_vcpu_exit or a
 *	negative REGENT_HC_E*
 *
 * Return: its world, opened (backend_vcpu_open()), which this CPU owns until vcpu_end_run(); or
 * NULL.
 */
struct world *vcpu_begin_run(struct cpu *cpu, u64 id, u64 how, s64 *answer)
{
	struct vcpu *v = vcpu_claim(cpu, id, answer);

	if (!v)
		return NULL;
	*answer = prepare(cpu, v, how);
	if (!*answer && !v->ended && !(how & REGENT_RUN_COMPLETE))
		return &v->world;
	if (!*answer) {
		*answer = v->reason;
		end_run(cpu, v);
	}
	vcpu_unclaim(cpu, v);
	return NULL;
}

/**
 * vcpu_schedule() - have the scheduler run a vCPU whose run has begun
 * @cpu: this CPU, forwarded
 * @world: a vCPU of this CPU's
 *
 * Return: 0; -REGENT_HC_EINVAL for weights that are none, -REGENT_HC_ENFILE when there is no room
 * for it: the run is over.
 */
s64 vcpu_schedule(struct cpu *cpu, struct world *world)
{
	const struct regent_vcpu_page *page = vcpu_page(cpu, vcpu_of(world));
	int err;

	/* A request to stop it, made once more after it had stopped, is void. */
	__atomic_fetch_and(&world->asks, ~WORLD_ASK_STOP, __ATOMIC_SEQ_CST);
	err = sched_add(cpu, world, *(const volatile u64 *)&page->weights);
	/* That one means that memory is missing. */
	return err == -REGENT_HC_ENOSPC ? -REGENT_HC_ENFILE : err;
}

/*
 * L waits for the moment at which the vCPU can take an interrupt, unless its APIC has a window open
 * or an interrupt on its way. A vCPU that halts with interrupts on can take one.
 */
static void look_for_window(struct vcpu *v)
{
	struct world *w = &v->world;

	if (interruptible(w))
		vcpu_end(w, REGENT_VCPU_WINDOW);
	else if (!v->waits && !v->window && backend_vcpu_irq_queued(w) == VCPU_IRQ_NONE)
		backend_vcpu_irq(w, VCPU_IRQ_WINDOW);
}

/*
 * A vCPU looks for work with interrupts off and then waits by STI and HLT. No interrupt may come
 * between the two: it would not end the wait, although it may have brought work. A processor keeps
 * STI's interrupt shadow over an exit and an entry, but QEMU before version 10 loses it at the
 * entry (docs/testing.md), also below another hypervisor. So the HLT is done here, and what is
 * pending ends that.
 */
static void __attribute__((noinline)) halt_in_shadow(struct cpu *cpu, struct world *world)
{
	struct vcpu *v = vcpu_of(world);
	u8 code[DECODE_MAX];

	if (v->ended || (v->has_apic && v->mp_state != REGENT_MP_RUNNABLE) ||
	    backend_cpl(world) || backend_event_queued(world))
		return;
	if (vcpu_code(cpu, v, code) && code[0] == 0xf4)	/* HLT */
		vcpu_hlt(cpu, world);
}

/**
 * vcpu_enter() - before each entry of a vCPU: what it gets. The run may be over instead.
 * @cpu: this CPU
 * @world: a vCPU whose run has begun
 */
void vcpu_enter(struct cpu *cpu, struct world *world)
{
	struct vcpu *v = vcpu_of(world);

	v->waits = false;
	if (unlikely(k_has(REGENT_FEAT_TCG | REGENT_FEAT_L0)) && backend_in_shadow(world))
		halt_in_shadow(cpu, world);
	vcpu_past_iret(v);
	if (v->has_apic)
		vcpu_apic_enter(cpu, v);
	if (unlikely(v->nmis || v->nmi_iret) && !v->ended && !v->waits)
		vcpu_enter_nmi(v);
	if (unlikely(v->tells_window) && !v->ended)
		look_for_window(v);
	if (v->ended || v->waits)
		return;
	vcpu_load_pdptes(cpu, v);
	if (!v->ended)
		backend_vcpu_ready(world);
}

/**
 * vcpu_enter_scheduled() - the same for a vCPU that the scheduler has picked
 * @cpu: this CPU, forwarded
 * @world: its current world, a vCPU
 *
 * Return: VCPU_ENTER to enter it, VCPU_ENDED when the run is over, VCPU_BLOCKED when it has
 * nothing to run and the scheduler has blocked it, VCPU_AGAIN when this is to be called again.
 */
enum vcpu_turn vcpu_enter_scheduled(struct cpu *cpu, struct world *world)
{
	struct vcpu *v = vcpu_of(world);

	vm_tlb_inside(&v->tlb, cpu->id);
	asid_follow(&v->world.asid, &v->tlb.seen, &v->vm->sequence);
	if (!v->ended)
		vcpu_enter(cpu, world);
	if (unlikely(v->ended))
		return VCPU_ENDED;
	if (likely(!v->waits))
		return VCPU_ENTER;
	vcpu_outside(world);
	return sched_wait_until(cpu, world, vcpu_apic_alarm(v)) ? VCPU_BLOCKED : VCPU_AGAIN;
}

/**
 * vcpu_outside() - a vCPU uses no translations until vcpu_enter_scheduled()
 * @world: a vCPU that this CPU does not enter, because it waits or another world runs
 */
void vcpu_outside(struct world *world)
{
	vm_tlb_outside(&vcpu_of(world)->tlb);
}

/**
 * vcpu_end() - the run is over when the exit has been handled
 * @world: a vCPU whose run has begun
 * @reason: why
 */
void vcpu_end(struct world *world, enum regent_vcpu_exit reason)
{
	vcpu_of(world)->ended = true;
	vcpu_of(world)->reason = reason;
}

/**
 * vcpu_interrupted() - something has come in between: a borrowed vCPU's run is over
 * @world: a vCPU whose run has begun
 */
void vcpu_interrupted(struct world *world)
{
	if (!vcpu_of(world)->by_sched)
		vcpu_end(world, REGENT_VCPU_INTERRUPTED);
}

/**
 * vcpu_has_ended() - is the run of a vCPU over?
 * @world: a vCPU whose run has begun
 */
bool vcpu_has_ended(struct world *world)
{
	return vcpu_of(world)->ended;
}

/**
 * vcpu_waits() - has a vCPU nothing to run?
 * @world: a vCPU after vcpu_enter()
 */
bool vcpu_waits(struct world *world)
{
	return vcpu_of(world)->waits;
}

/**
 * vcpu_is_uncapped() - may a vCPU run for as long as it likes?
 * @cpu: this CPU
 * @world: a vCPU whose run has begun
 */
bool vcpu_is_uncapped(struct cpu *cpu, struct world *world)
{
	u64 weights = *(const volatile u64 *)&vcpu_page(cpu, vcpu_of(world))->weights;

	return weights >> 48 == POLICY_FULL;
}

/**
 * vcpu_end_run() - a run is over: tell L of it, and make the vCPU nobody's
 * @cpu: this CPU, at a hypercall of Linux's, which is the current world
 * @world: a vCPU of this CPU's, on no run queue
 *
 * Return: enum regent_vcpu_exit.
 */
s64 vcpu_end_run(struct cpu *cpu, struct world *world)
{
	struct vcpu *v = vcpu_of(world);
	s64 reason = v->reason;

	vcpu_outside(world);
	end_run(cpu, v);
	table_give(world, WORLD_NOBODYS);
	return reason;
}

/**
 * vcpu_fault() - end the run because L has to map something
 * @cpu: this CPU
 * @v: the vCPU
 * @gpa: guest-physical address
 * @write: for writing
 * @fetch: for fetching an instruction
 *
 * Code and page tables that are not in memory K cannot read.
 */
void vcpu_fault(struct cpu *cpu, struct vcpu *v, u64 gpa, bool write, bool fetch)
{
	struct regent_vcpu_page *page = vcpu_page(cpu, v);

	if (vcpu_is_device(v, gpa, write)) {
		page->insn_length = 0;
		vcpu_end(&v->world, REGENT_VCPU_UNKNOWN);
		return;
	}
	page->address = gpa;
	page->write = write;
	page->fetch = fetch;
	v->device_page = gpa >> REGENT_PAGE_SHIFT;
	v->device_write = write;
	v->device_sequence = __atomic_load_n(&v->vm->sequence, __ATOMIC_SEQ_CST);
	vcpu_end(&v->world, REGENT_VCPU_FAULT);
}
