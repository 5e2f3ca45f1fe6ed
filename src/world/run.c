// SPDX-License-Identifier: GPL-2.0-only
/*
 * The run loop of a CPU: from an exit of a world to the next entry. K runs to completion in
 * here, interrupts held off, in bounded time.
 *
 *	world_exit()	handles the frequent exits of Linux itself (fast path), and sends
 *			all others to one of the next two
 *	exit_slow()	calls the handler of the exit reason (exit.c), for the host world
 *	exit_other()	does the same for any other world
 *	way_out()	takes the bits of cpu->work in their order; the scheduler may switch
 *			to another world there
 *
 * The fast paths call no function, so that the compiler saves no registers there.
 */
#include <hw/asm.h>
#include <hw/cr.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/emul.h>
#include <regent/irq.h>
#include <regent/k.h>
#include <regent/sched.h>
#include <regent/test.h>
#include <regent/vm.h>

#include "exit.h"
#include "switch.h"

/* End an exit: enter @world, which is no vCPU. */
static inline struct world *enter_world(struct world *world)
{
	return backend_enter(world);
}

/* The same, whatever it is. */
static inline struct world *enter_any(struct world *world)
{
	return world->kind == WORLD_VM ? backend_enter_vcpu(world) : backend_enter(world);
}

/* Is there no work but the bits @but? */
static inline bool is_quiet(const struct cpu *cpu, u32 but)
{
	return cpu->work.all == but;
}

/*
 * Flush what was zapped in the host's nested tables, and K's own translations of a chunk that goes
 * back to Linux, and tell the other CPUs. See mm/host.c. No translation of K's is global.
 */
static void flush_host(struct cpu *cpu, struct world *host)
{
	u32 now = host_tlb_sequence();

	backend_flush(host);
	mapcache_flush(&cpu->mapcache);
	hw_write_cr3(hw_read_cr3());
	__atomic_store_n(&cpu->tlb_seen, now, __ATOMIC_RELEASE);
}

/* Deliver a machine check that came while K ran, unless the next entry has an event already. */
static void deliver_mc(struct cpu *cpu, struct world *host)
{
	if (!backend_event_queued(host) && work_take(&cpu->work, WORK_MC))
		backend_inject(host, HW_TRAP_MC, BACKEND_NO_ERROR_CODE);
}

/*
 * Linux looks for work with interrupts off and then waits by STI and HLT, or STI and MWAIT.
 * An interrupt that it takes between the two does not end the wait, although it may have
 * brought work. So if one is pending there, advance Linux behind its HLT or MWAIT: it takes
 * the interrupt as if that had come a moment later. A processor keeps STI's interrupt shadow
 * over an exit and an entry, but QEMU loses it at the entry: halt_rip notes the place.
 */
static void __attribute__((noinline)) pass_halt(struct cpu *cpu, struct world *host)
{
	if (backend_cpl(host) || backend_event_queued(host) || !insn_waits(host))
		return;
	cpu->halt_rip = backend_rip(host);
	if (vapic_pending(&cpu->vapic) != VAPIC_NONE && backend_flag_if(host))
		insn_skip(cpu, host);
}

/* Before each entry of the host world: what has to be flushed, and what Linux gets. */
static void serve_host(struct cpu *cpu, struct world *host)
{
	u32 others = __atomic_load_n(&cpu->work.others, __ATOMIC_RELAXED);

	if (unlikely(others)) {
		if (work_take(&cpu->work, WORK_FLUSH))
			flush_host(cpu, host);
		if (others & WORK_MC)
			deliver_mc(cpu, host);
	}
	if (unlikely(cpu->work.own & WORK_POLLING))
		mwait_end(cpu);
	if (!cpu->forwarded)
		return;
	forward_prepare(cpu, host);
	if (unlikely(backend_in_shadow(host) || backend_rip(host) == cpu->halt_rip))
		pass_halt(cpu, host);
	forward_deliver(cpu, host);
}

static void serve_vector(struct cpu *cpu)
{
	sched_vector(cpu);
	if (cpu->forwarded)
		sched_arrived(cpu);
}

/*
 * No world can run: wait for an interrupt until a decision is due. The registers of the
 * current world stay in the processor, so that no switch is needed if it runs next.
 */
static void wait_for_work(struct cpu *cpu)
{
	int vector;

	if (cpu->current->kind == WORLD_VM)
		vcpu_outside(cpu->current);
	balance_pull(cpu);
	cpu_account(cpu);
	cpu_begin(cpu);
	while (!(cpu->work.own & WORK_RESCHED)) {
		vector = backend_idle();
		cpu_begin(cpu);
		if (vector >= 0)
			forward_arrived(cpu, vector);
		if (cpu->work.own & WORK_VECTOR)
			sched_vector(cpu);
		if (work_take(&cpu->work, WORK_BALANCE))
			sched_asked(cpu);
		sched_arrived(cpu);
	}
}

/*
 * The scheduler has stopped the current world. Save its registers by a switch to the host
 * world, and only then make it nobody's: another CPU may claim it from then on.
 */
static void release_stopped(struct cpu *cpu)
{
	struct world *world = cpu->stopped;

	cpu->work.own &= ~WORK_STOPPED;
	if (cpu->current == world) {
		if (world->kind == WORLD_VM)
			vcpu_leave(cpu, world);
		world_switch(cpu, &cpu->host);
	}
	table_let_go(cpu, world);
}

/* Switch to the world that the scheduler picks; wait in here while no world can run. */
static struct world *run_next(struct cpu *cpu)
{
	struct world *next;

	for (;;) {
		if (unlikely(cpu->work.own & WORK_STOPPED))
			release_stopped(cpu);
		next = sched_next(cpu);
		if (likely(next))
			break;
		wait_for_work(cpu);
	}
	if (next != cpu->current) {
		if (cpu->current->kind == WORLD_VM)
			vcpu_leave(cpu, cpu->current);
		world_switch(cpu, next);
	}
	backend_slice(next, cpu->slice_end);
	balance_push(cpu);
	return next;
}

/* The world to enter: @world, unless the scheduler has to decide. */
static struct world *next_world(struct cpu *cpu, struct world *world)
{
	do {
		if (unlikely(cpu->work.own & WORK_RESCHED))
			world = run_next(cpu);
	} while (world->kind == WORLD_VM && !vcpu_turn(cpu, world));
	return world;
}

/*
 * The slow way out of K: do what cpu->work asks for, then enter @world or the world that the
 * scheduler picks. A function of its own, called last, so that the fast paths save no register.
 */
static struct world *__attribute__((noinline))
way_out(struct cpu *cpu, struct world *world)
{
	if (!cpu->entry_start)
		cpu_begin(cpu);
	if (unlikely(cpu->work.own & WORK_VECTOR))
		serve_vector(cpu);
	if (unlikely(cpu->work.others) && work_take(&cpu->work, WORK_BALANCE))
		sched_asked(cpu);
	/*
	 * The preemption timer counts in worlds only: a world that exits all the time would
	 * outrun its slice.
	 */
	if (k_has(REGENT_FEAT_SLICE_TIMER) && unlikely(cpu->entry_start >= cpu->slice_end) &&
	    cpu->forwarded)
		sched_slice(cpu, world);
	world = next_world(cpu, world);
	if (world == &cpu->host) {
		if (unlikely(cpu->awaited))
			vcpu_answer(cpu);
		serve_host(cpu, world);
	}
	cpu_account(cpu);
	return enter_any(world);
}

/* Is there nothing for forward_deliver() to do? False is always safe. */
static inline bool nothing_arrives(const struct cpu *cpu, const struct world *host)
{
	const struct vapic *v = &cpu->vapic;

	return vapic_pending(v) == VAPIC_NONE &&
	       backend_undisturbed(host, v->reg[VAPIC_REG_TPR]) &&
	       backend_rip(host) != cpu->halt_rip;
}

/*
 * On a forwarded CPU: nothing to do but to enter Linux? Never so with the preemption timer,
 * which counts in worlds only: a Linux that exits all the time would outrun its slice.
 */
static inline bool is_quiet_forwarded(const struct cpu *cpu, const struct world *host)
{
	return is_quiet(cpu, WORK_FORWARDED) && !k_has(REGENT_FEAT_SLICE_TIMER) &&
	       likely(nothing_arrives(cpu, host));
}

/* End a short exit of Linux's, on a direct or a forwarded CPU. */
static inline struct world *enter_host(struct cpu *cpu, struct world *host)
{
	if (likely(is_quiet(cpu, 0) || is_quiet_forwarded(cpu, host)))
		return enter_world(host);
	return way_out(cpu, host);
}

/*
 * End the hypercall in which another world ran. After the switch to Linux only: VMX can advance
 * the current world's RIP alone.
 */
static inline void end_loan(struct cpu *cpu)
{
	backend_advance(&cpu->host, BACKEND_CALL_LENGTH);
	cpu->unanswered = false;
}

/* The two hypercalls in which a vCPU may run before they return */
static struct world *__attribute__((noinline))
exit_vcpu_call(struct cpu *cpu, struct world *host)
{
	bool enter = false;

	if (host->regs.rax == REGENT_HC_VCPU_RUN)
		enter = vcpu_run(cpu, host);
	else
		vcpu_wait(cpu, host);
	if (!enter)
		return way_out(cpu, cpu->current);
	cpu_account(cpu);
	return backend_enter_vcpu(cpu->current);
}

static bool is_vcpu_call(const struct world *host)
{
	return host->regs.rax == REGENT_HC_VCPU_RUN || host->regs.rax == REGENT_HC_VCPU_WAIT;
}

/* Handle an exit of Linux's by the table of handlers. */
static struct world *__attribute__((noinline))
exit_slow(struct cpu *cpu, struct world *host)
{
	enum regent_exit_reason reason = backend_exit_reason(host);

	cpu_begin(cpu);
	cpu->exits[reason]++;
	if (reason == REGENT_EXIT_HYPERCALL && is_vcpu_call(host))
		return exit_vcpu_call(cpu, host);
	cpu->unanswered = true;
	exit_handlers[WORLD_HOST][reason](cpu, host);
	cpu->unanswered = false;
	if (is_quiet(cpu, 0) || is_quiet_forwarded(cpu, host)) {
		cpu_account(cpu);
		return enter_world(host);
	}
	return way_out(cpu, host);
}

/* Fast path of an access to the local APIC: Linux makes several for each interrupt. */
static struct world *__attribute__((noinline))
exit_apic(struct cpu *cpu, struct world *host, u32 offset)
{
	cpu->exits[REGENT_EXIT_APIC]++;
	cpu->unanswered = true;
	mmio_apic(cpu, host, offset);
	cpu->unanswered = false;
	if (likely(is_quiet(cpu, WORK_FORWARDED) && nothing_arrives(cpu, host)))
		return enter_world(host);
	return way_out(cpu, host);
}

/* An MSR needs neither the table of handlers nor the clock. */
static struct world *__attribute__((noinline))
exit_msr(struct cpu *cpu, struct world *host)
{
	cpu->exits[REGENT_EXIT_MSR]++;
	cpu->unanswered = true;
	exit_host_msr(cpu, host);
	cpu->unanswered = false;
	return enter_host(cpu, host);
}

/*
 * Handle an exit of a world other than Linux. A world that is on no run queue runs inside a
 * hypercall of Linux (it is borrowed), which ends when that world is done. Any other one goes
 * on, or not, as the way out says.
 */
static struct world *__attribute__((noinline))
exit_other(struct cpu *cpu, struct world *world)
{
	enum regent_exit_reason reason = backend_exit_reason(world);
	bool borrowed = !world->sched.rq;

	cpu_begin(cpu);
	world->yielded = false;
	exit_handlers[world->kind][reason](cpu, world);
	if (!borrowed)
		return way_out(cpu, world);
	if (world->kind == WORLD_VM) {
		if (!vcpu_go_on(cpu, world))
			return way_out(cpu, cpu->current);
		cpu_account(cpu);
		return backend_enter_vcpu(world);
	}
	/* A borrowed test world goes on only after its first access to a debug register. */
	if (reason == REGENT_EXIT_DEBUG_REG) {
		cpu_account(cpu);
		return enter_world(world);
	}
	cpu->host.regs.rax = test_world_result(world);
	world_switch(cpu, &cpu->host);
	end_loan(cpu);
	return way_out(cpu, &cpu->host);
}

/* Fast path of a borrowed world's yield, its usual exit: nothing is called in here. */
static inline struct world *exit_yield(struct cpu *cpu, struct world *world)
{
	struct world *host = &cpu->host;

	if (unlikely(world->kind != WORLD_TEST || world->sched.rq ||
		     !switch_is_plain(world, host)))
		return exit_other(cpu, world);
	if (world == host)
		__builtin_unreachable();
	backend_advance(world, BACKEND_CALL_LENGTH);
	world->yielded = true;
	host->regs.rax = test_world_result(world);
	switch_plain(cpu, world, host);
	end_loan(cpu);
	return enter_host(cpu, host);
}

/*
 * REGENT_HC_TEST_RUN. Linux's RIP stays on the hypercall until the world exits: if K faults
 * before, Linux is still in a hypercall, which then fails.
 */
static struct world *__attribute__((noinline))
exit_run_slow(struct cpu *cpu, struct world *host)
{
	struct world *w = test_world_borrow(cpu, host->regs.rdi);

	/* An interrupt that is in Linux's virtual APIC already would not end the world's run. */
	if (unlikely(!w || (cpu->forwarded && vapic_pending(&cpu->vapic) != VAPIC_NONE))) {
		host->regs.rax = w ? test_world_result(w) : (u64)-REGENT_HC_EINVAL;
		backend_advance(host, BACKEND_CALL_LENGTH);
		return way_out(cpu, host);
	}
	cpu->unanswered = true;
	world_switch(cpu, w);
	backend_slice(w, cpu->forwarded ? cpu->slice_end : VAPIC_NEVER);
	return enter_world(w);
}

/* Fast path of REGENT_HC_TEST_RUN for the world that ran last: nothing is called in here. */
static inline struct world *exit_run(struct cpu *cpu)
{
	struct world *host = &cpu->host, *w = cpu->lent;

	cpu->exits[REGENT_EXIT_HYPERCALL]++;
	if (unlikely(host->regs.rdi != cpu->lent_id ||
		     (cpu->forwarded && vapic_pending(&cpu->vapic) != VAPIC_NONE) ||
		     !switch_is_plain_to(cpu, host, w)))
		return exit_run_slow(cpu, host);
	if (w == host)
		__builtin_unreachable();
	cpu->unanswered = true;
	switch_plain(cpu, host, w);
	backend_slice(w, cpu->forwarded ? cpu->slice_end : VAPIC_NEVER);
	return enter_world(w);
}

static inline bool is_hypercall(const struct world *host)
{
	return backend_exit_is_call(host) && likely(host->regs.r11 == REGENT_HC_MAGIC) &&
	       likely(backend_cpl(host) == 0);
}

/* On a CPU with the preemption timer a vCPU that exits all the time would outrun its slice. */
static inline bool is_quiet_vcpu(const struct cpu *cpu)
{
	return is_quiet(cpu, 0) ||
	       (is_quiet(cpu, WORK_FORWARDED) && !k_has(REGENT_FEAT_SLICE_TIMER));
}

/**
 * world_exit_vcpu() - handle one exit of a vCPU
 * @world: the vCPU, its general registers saved in it and no longer in the processor
 *
 * As world_exit(). A short exit needs neither the table of handlers, nor the clock, nor a look
 * at what the vCPU gets.
 */
struct world *world_exit_vcpu(struct world *world)
{
	struct cpu *cpu = this_cpu();

	backend_exit_begin(world);
	world->exits++;
	if (likely(is_quiet_vcpu(cpu)) && vcpu_exit_fast(cpu, world))
		return backend_enter_vcpu(world);
	return exit_other(cpu, world);
}

/**
 * world_exit() - handle one exit
 * @world: the world that exited, its general registers saved in it
 *
 * The backend's enter.S jumps here, on an empty stack and with K's GS.
 *
 * Return: not at all, see backend_enter().
 */
struct world *world_exit(struct world *world)
{
	struct cpu *cpu = this_cpu();
	u64 offset;

	backend_exit_begin(world);
	if (unlikely(world->kind != WORLD_HOST)) {
		world->exits++;
		return backend_exit_is_call(world) ? exit_yield(cpu, world) :
						     exit_other(cpu, world);
	}
	if (likely(is_hypercall(world))) {
		/* RAX, the number of the call, is 0, which is the result, too. */
		if (likely(world->regs.rax == REGENT_HC_NULL)) {
			backend_advance(world, BACKEND_CALL_LENGTH);
			cpu->exits[REGENT_EXIT_HYPERCALL]++;
			return enter_host(cpu, world);
		}
		/* Read again, so that the comparison above needs no register. */
		if (__atomic_load_n(&world->regs.rax, __ATOMIC_RELAXED) == REGENT_HC_TEST_RUN)
			return exit_run(cpu);
	}
	if (backend_exit_fastpath(cpu, world))
		return enter_host(cpu, world);
	if (backend_exit_is_msr(world))
		return exit_msr(cpu, world);
	if (cpu->forwarded) {
		offset = backend_npf_gpa(world) - k_params.apic_base;
		if (offset < REGENT_PAGE_SIZE)
			return exit_apic(cpu, world, offset);
	}
	return exit_slow(cpu, world);
}
