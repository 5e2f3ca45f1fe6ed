// SPDX-License-Identifier: GPL-2.0-only
/*
 * From an exit of a world to the next entry: run to completion, interrupts
 * held off, in bounded time. One handler for each reason.
 */
#include <hw/asm.h>
#include <hw/cr.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/k.h>
#include <regent/outer.h>
#include <regent/sched.h>

#include "switch.h"
#include "test.h"

/* Of KVM's interface; to another hypervisor it is a call that means nothing here. */
#define KVM_HC_KICK_CPU	5

static void exit_hypercall(struct cpu *cpu, struct world *world)
{
	if (hypercall(cpu, world))
		backend_skip_hypercall(world);
}

/*
 * Not Regent's call. Where a hypervisor runs below Linux it gets the call, as
 * without Regent; only from CPL 0, because K repeats it at CPL 0 and the
 * hypervisor could not tell a user program from the kernel any more. Else
 * #UD, as if nobody were there.
 */
static void exit_outer_call(struct cpu *cpu, struct world *world)
{
	const struct world_regs *r = &world->regs;
	u64 nr = r->rax, apic_id = r->rcx;

	if (!k_has(REGENT_FEAT_OUTER) || backend_cpl(world) ||
	    !backend_outer_call(world)) {
		backend_inject(world, HW_TRAP_UD, BACKEND_NO_ERROR_CODE);
		return;
	}
	if (nr == KVM_HC_KICK_CPU)
		sched_kicked(cpu, apic_id);
	backend_skip(world);
}

static void exit_msr(struct cpu *cpu, struct world *world)
{
	struct msr_access a;
	int done;

	backend_msr_access(world, &a);
	done = backend_switched_msr(world, &a);
	if (!done && cpu->forwarded)
		done = forward_msr(cpu, &a);
	if (!done)
		done = outer_msr(cpu, &a);
	if (!done)	/* outside the bitmap's ranges, or only noted: ask the CPU */
		done = (a.write ? guarded_wrmsr(a.index, a.value)
				: guarded_rdmsr(a.index, &a.value)) ? 1 : -1;
	if (a.write)
		world_msr_written(world, a.index);
	if (done < 0) {
		backend_inject(world, HW_TRAP_GP, 0);
		return;
	}
	if (!a.write) {
		world->regs.rax = (u32)a.value;
		world->regs.rdx = a.value >> 32;
	}
	backend_skip(world);
}

static void exit_nested_fault(struct cpu *cpu, struct world *world)
{
	struct nested_fault f;

	backend_nested_fault(world, &f);
	if (mmio_ioapic(cpu, world, f.pa))
		return;
	if (host_fault(cpu, f.pa, f.write, f.fetch, backend_rip(world)))
		backend_retry_event(world);
	else
		backend_inject(world, HW_TRAP_GP, 0);
}

/* Whatever it was delivering goes first; forward_deliver() does the rest. */
static void exit_interrupt(struct cpu *cpu, struct world *world)
{
	backend_retry_event(world);
	forward_interrupt(cpu);
}

static void exit_window(struct cpu *cpu, struct world *world)
{
	(void)cpu;
	backend_retry_event(world);
}

/* The CPU goes to another world, or K waits. */
static void exit_halt(struct cpu *cpu, struct world *world)
{
	if (backend_skip(world) && cpu->forwarded)
		sched_halt(cpu);
}

/* As HLT, but Linux may have work without an interrupt. */
static void exit_mwait(struct cpu *cpu, struct world *world)
{
	if (backend_skip(world) && cpu->forwarded && mwait_begin(cpu, world))
		sched_halt(cpu);
}

/* Linux spins: what it waits for may be on another CPU, or have to run here. */
static void exit_pause(struct cpu *cpu, struct world *world)
{
	if (backend_skip(world) && cpu->forwarded && backend_cpl(world) == 0)
		sched_pause(cpu);
}

/* To Linux, this CPU's SVM or VMX is switched off. */
static void exit_virt_insn(struct cpu *cpu, struct world *world)
{
	(void)cpu;
	backend_inject(world, HW_TRAP_UD, BACKEND_NO_ERROR_CODE);
}

static void exit_control(struct cpu *cpu, struct world *world)
{
	(void)cpu;
	backend_control(world);
}

/* The backend has noted what it was, and delivers it. */
static void exit_nmi(struct cpu *cpu, struct world *world)
{
	(void)cpu;
	backend_retry_event(world);
}

static void exit_slice(struct cpu *cpu, struct world *world)
{
	if (cpu->forwarded)
		sched_slice(cpu, world);
}

static void exit_other(struct cpu *cpu, struct world *world)
{
	(void)cpu;
	if (backend_is_shutdown(world))
		k_shutdown();
	backend_exit_describe(world);
	k_abort("an exit that was not asked for");
}

typedef void exit_handler(struct cpu *cpu, struct world *world);

static exit_handler * const exit_table[REGENT_EXIT_REASONS] = {
	[REGENT_EXIT_HYPERCALL] = exit_hypercall,
	[REGENT_EXIT_OUTER_CALL] = exit_outer_call,
	[REGENT_EXIT_MSR] = exit_msr,
	[REGENT_EXIT_NESTED_FAULT] = exit_nested_fault,
	[REGENT_EXIT_VIRT_INSN] = exit_virt_insn,
	[REGENT_EXIT_INTERRUPT] = exit_interrupt,
	[REGENT_EXIT_WINDOW] = exit_window,
	[REGENT_EXIT_HALT] = exit_halt,
	[REGENT_EXIT_MWAIT] = exit_mwait,
	[REGENT_EXIT_PAUSE] = exit_pause,
	[REGENT_EXIT_CPUID] = exit_other,	/* backend_answer() does it */
	[REGENT_EXIT_CONTROL] = exit_control,
	[REGENT_EXIT_NMI] = exit_nmi,
	[REGENT_EXIT_SLICE] = exit_slice,
	[REGENT_EXIT_OTHER] = exit_other,
};

/* A machine check that came while K ran waits until nothing else is queued. */
static void deliver_mc(struct cpu *cpu, struct world *world)
{
	if (!cpu->mc_pending)
		return;
	if (backend_event_queued(world)) {
		cpu->tlb_seen--;	/* look again at the next exit */
		return;
	}
	cpu->mc_pending = 0;
	backend_inject(world, HW_TRAP_MC, BACKEND_NO_ERROR_CODE);
}

static void catch_up(struct cpu *cpu, struct world *world)
{
	u32 now = host_tlb_sequence();

	backend_flush(world);
	mapcache_flush(&cpu->window);
	__atomic_store_n(&cpu->tlb_seen, now, __ATOMIC_RELEASE);
	deliver_mc(cpu, world);
}

/* The end of every exit. */
static inline struct world *out(struct cpu *cpu, struct world *world)
{
	cpu->busy = 0;
	return backend_enter(world);
}

static void serve_linux(struct cpu *cpu, struct world *world)
{
	if (cpu->tlb_seen != host_tlb_sequence())
		catch_up(cpu, world);
	if (unlikely(cpu->polling))
		mwait_end(cpu);
	if (cpu->forwarded)
		forward_deliver(cpu, world);
}

/* In a function of its own, called last: the hot path then saves no register. */
static struct world *__attribute__((noinline))
enter_slow(struct cpu *cpu, struct world *world)
{
	if (!cpu->entry_start)
		cpu_begin(cpu);
	/* Its timer counts while a world runs: what exits all the time would outrun it. */
	if (k_has(REGENT_FEAT_SLICE_TIMER) && unlikely(cpu->entry_start >= cpu->slice_end) &&
	    cpu->forwarded)
		sched_slice(cpu, world);
	if (unlikely(cpu->resched))
		world = sched_next(cpu);
	if (world == &cpu->system)
		serve_linux(cpu, world);
	cpu_account(cpu);
	return out(cpu, world);
}

/*
 * Back into a world, for Linux: flush if a translation was taken away (see mm/host.c), and
 * hand on what has arrived.
 */
static inline struct world *enter(struct cpu *cpu, struct world *world)
{
	if (unlikely(cpu->tlb_seen != host_tlb_sequence() || cpu->forwarded))
		return enter_slow(cpu, world);
	return out(cpu, world);
}

/* The same on a forwarded CPU. Mostly nothing is to be decided. */
static inline struct world *enter_forwarded(struct cpu *cpu, struct world *world)
{
	if (likely(!cpu->resched && cpu->tlb_seen == host_tlb_sequence() &&
		   forward_quiet(cpu, world)))
		return out(cpu, world);
	return enter_slow(cpu, world);
}

/*
 * Linux's short way back in either mode. Not where its slice ends by a timer that counts
 * in worlds only: who does nothing else than exit would outrun it.
 */
static inline struct world *enter_linux(struct cpu *cpu, struct world *world)
{
	if (unlikely(cpu->forwarded))
		return k_has(REGENT_FEAT_SLICE_TIMER) ? enter_slow(cpu, world) :
							enter_forwarded(cpu, world);
	if (unlikely(cpu->tlb_seen != host_tlb_sequence()))
		return enter_slow(cpu, world);
	return out(cpu, world);
}

/*
 * The CPU does not take the world's state. At the first entry Linux is still in
 * its trampoline and can be told; later, nothing of its state is certain.
 */
static void __attribute__((noreturn)) refused(struct cpu *cpu, struct world *world)
{
	if (backend_rip(world) == cpu->handoff->resume) {
		outer_resume(cpu, OUTER_ASYNC_PF);
		backend_leave(cpu, -REGENT_HC_EINVAL);
	}
	backend_exit_describe(world);
	cpu->busy = 0;
	k_abort("the CPU refused the world's state");
}

static struct world *__attribute__((noinline))
exit_slow(struct cpu *cpu, struct world *world)
{
	enum regent_exit_reason reason = backend_exit_reason(world);

	cpu_begin(cpu);
	if (unlikely(backend_entry_failed(world)))
		refused(cpu, world);
	cpu->exits[reason]++;
	cpu->unanswered = true;
	exit_table[reason](cpu, world);
	cpu->unanswered = false;
	return enter_slow(cpu, world);
}

/* Linux uses its APIC several times for each interrupt. */
static struct world *__attribute__((noinline))
exit_apic(struct cpu *cpu, struct world *world, u32 offset)
{
	cpu->exits[REGENT_EXIT_APIC]++;
	cpu->unanswered = true;
	mmio_apic(cpu, world, offset);
	cpu->unanswered = false;
	return enter_forwarded(cpu, world);
}

/* Of a world that ran inside a hypercall of Linux, and may go on doing so. */
static struct world *__attribute__((noinline))
exit_borrowed(struct cpu *cpu, struct world *world)
{
	struct world *to = test_world_exit(cpu, world);

	return to == world ? out(cpu, to) : enter(cpu, to);
}

/* It yields, as most do: no call in here. */
static inline struct world *exit_yield(struct cpu *cpu, struct world *world)
{
	struct world *host = &cpu->system;

	if (unlikely(!switch_is_plain(cpu, world, host)))
		return exit_borrowed(cpu, world);
	if (world == host)
		__builtin_unreachable();
	backend_world_exit(world);
	world->yielded = true;
	test_world_result(cpu, world);
	switch_plain(cpu, world, host);
	test_world_answered(cpu);
	return enter_linux(cpu, host);
}

/* Of a world that is not Linux, whose own exit is done with. */
static struct world *__attribute__((noinline))
exit_scheduled(struct cpu *cpu, struct world *world)
{
	cpu_begin(cpu);
	if (test_world_scheduled_exit(cpu, world)) {
		forward_interrupt(cpu);
		sched_arrived(cpu);
	}
	return enter(cpu, world);
}

/*
 * REGENT_HC_TEST_RUN. Linux's RIP stays on the instruction until the world
 * exits: whatever goes wrong before, Linux is in a hypercall that failed.
 */
static struct world *__attribute__((noinline))
exit_run_slow(struct cpu *cpu, struct world *host)
{
	struct world *w = test_world_borrow(cpu, host->regs.rdi);

	/* What K has taken for Linux already would not end the world's run. */
	if (unlikely(!w || (cpu->forwarded && vapic_pending(&cpu->vapic) != VAPIC_NONE))) {
		host->regs.rax = w ? test_world_info(w->id, REGENT_TEST_ROUNDS) :
				     -REGENT_HC_EINVAL;
		backend_skip_hypercall(host);
		return enter(cpu, host);
	}
	cpu->unanswered = true;
	world_switch(cpu, w);
	backend_slice(w, cpu->forwarded ? cpu->slice_end : VAPIC_NEVER);
	return out(cpu, w);
}

/* The same world once more: no call in here. */
static inline struct world *exit_run(struct cpu *cpu)
{
	struct world *host = &cpu->system, *w = cpu->lent;

	cpu->exits[REGENT_EXIT_HYPERCALL]++;
	if (unlikely(host->regs.rdi != cpu->lent_id || !w ||
		     (cpu->forwarded && vapic_pending(&cpu->vapic) != VAPIC_NONE) ||
		     !switch_is_plain(cpu, host, w)))
		return exit_run_slow(cpu, host);
	if (w == host)
		__builtin_unreachable();
	cpu->unanswered = true;
	switch_plain(cpu, host, w);
	backend_slice(w, cpu->forwarded ? cpu->slice_end : VAPIC_NEVER);
	return out(cpu, w);
}

/* Hypercalls that need no call of a function; the others go the slow way. */
static inline bool hypercall_fast(struct world *world)
{
	if (world->regs.rax != REGENT_HC_NULL)
		return false;
	world->regs.rax = 0;
	return true;
}

/**
 * world_exit() - handle one exit
 * @world: the world that exited, its registers saved
 *
 * From the backend's enter.S, on an empty stack. GS is K's. What comes often calls
 * nothing, so that nothing is saved.
 *
 * Return: not at all, see backend_enter().
 */
struct world *world_exit(struct world *world)
{
	struct cpu *cpu = this_cpu();
	u32 offset;

	cpu->busy = 1;
	backend_settle(world);
	if (unlikely(world->kind != WORLD_SYSTEM)) {
		world->exits++;
		if (world->sched.rq)
			return exit_scheduled(cpu, world);
		return backend_world_yields(world) ? exit_yield(cpu, world) :
						     exit_borrowed(cpu, world);
	}
	if (likely(backend_is_hypercall(world))) {
		if (likely(hypercall_fast(world))) {
			cpu->exits[REGENT_EXIT_HYPERCALL]++;
			backend_skip_hypercall(world);
			return enter_linux(cpu, world);
		}
		if (world->regs.rax == REGENT_HC_TEST_RUN)
			return exit_run(cpu);
	}
	if (backend_answer(cpu, world))
		return enter_linux(cpu, world);
	if (cpu->forwarded && backend_touched(world, k_params.apic_base, &offset))
		return exit_apic(cpu, world, offset);
	return exit_slow(cpu, world);
}
