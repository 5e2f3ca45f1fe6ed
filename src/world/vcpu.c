// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs in the run loop: the two hypercalls of L's that run one and wait for it, and what comes
 * before an entry of one that K schedules. See src/vm/run.c for what a run is.
 *
 * While Linux waits in such a hypercall, the host world is blocked, and cpu->awaited is the vCPU.
 * Linux's RIP stays on the hypercall, so that it fails if K faults meanwhile.
 */
#include <hw/asm.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/sched.h>
#include <regent/vm.h>

#include "exit.h"

/* End a hypercall. VMX can advance the current world's RIP alone: Linux is that. */
static void answer(struct cpu *cpu, s64 value)
{
	cpu->awaited = NULL;
	cpu->host.regs.rax = value;
	backend_advance(&cpu->host, BACKEND_CALL_LENGTH);
	cpu->unanswered = false;
}

/**
 * vcpu_leave() - before this CPU switches from a vCPU to another world
 * @cpu: this CPU
 * @world: its current world, a vCPU
 */
void vcpu_leave(struct cpu *cpu, struct world *world)
{
	(void)cpu;
	/* QEMU before version 8 does not exit by XSETBV: the vCPU may have done it by itself. */
	if (k_params.xcr0_all)
		world->area.xcr0 = hw_xgetbv();
	vcpu_outside(world);
}

/*
 * The current world, a vCPU, is entered next, for certain. Not before that it may get a new
 * identifier: the entry may have to flush all of them, before any other world gets one.
 */
static void prepare_entry(struct cpu *cpu, struct world *world)
{
	if (unlikely(!asid_valid(&cpu->asids, &world->asid)))
		backend_vcpu_load(cpu, world);
}

/* The run of a borrowed vCPU is over: end the hypercall in which it ran. */
static void give_back(struct cpu *cpu, struct world *world, s64 err)
{
	s64 value;

	vcpu_leave(cpu, world);
	sched_borrowed(world, hw_rdtsc() - cpu->borrowed_at);
	if (cpu->forwarded)
		sched_set_alarm(cpu, world, VAPIC_NEVER);
	world_switch(cpu, &cpu->host);
	value = vcpu_end_run(cpu, world);
	answer(cpu, err ?: value);
}

/*
 * From now on the scheduler has a vCPU that was borrowed, as the current world. Linux is blocked
 * instead, unless there is something for it: then it hears that the vCPU runs on.
 */
static void begin_scheduling(struct cpu *cpu, struct world *world)
{
	u64 now = hw_rdtsc();
	s64 err;

	sched_borrowed(world, now - cpu->borrowed_at);
	cpu->borrowed_at = now;
	err = vcpu_schedule(cpu, world);
	if (err) {
		give_back(cpu, world, err);
		return;
	}
	if (!sched_await(cpu, world))
		cpu->awaited = world;
	cpu->work.own |= WORK_RESCHED;
}

/* Is there something to do that is not the borrowed vCPU's? On a direct CPU Linux sees to that. */
static bool is_wanted(const struct cpu *cpu)
{
	return cpu->forwarded && (cpu->work.all != WORK_FORWARDED || cpu->nmi_late ||
				  vapic_pending(&cpu->vapic) != VAPIC_NONE);
}

/**
 * vcpu_go_on() - the exit of a borrowed vCPU has been handled
 * @cpu: this CPU
 * @world: its current world, the vCPU
 *
 * Return: true to enter it; false to go the way out with the world that is the current one then.
 */
bool vcpu_go_on(struct cpu *cpu, struct world *world)
{
	if (!vcpu_has_ended(world) && unlikely(is_wanted(cpu))) {
		begin_scheduling(cpu, world);
		return false;
	}
	if (!vcpu_has_ended(world))
		vcpu_enter(cpu, world);
	if (vcpu_has_ended(world)) {
		give_back(cpu, world, 0);
		return false;
	}
	if (likely(!vcpu_waits(world)))
		return true;
	begin_scheduling(cpu, world);
	return false;
}

/**
 * vcpu_run() - REGENT_HC_VCPU_RUN
 * @cpu: this CPU
 * @host: its current world, Linux in that hypercall
 *
 * While Linux is alone on a forwarded CPU, a vCPU is borrowed at first there as well: most runs are
 * short, and the scheduler would have nothing to decide.
 *
 * Return: true to enter the vCPU, which is the current world; false to go the way out.
 */
bool vcpu_run(struct cpu *cpu, struct world *host)
{
	s64 value = REGENT_VCPU_INTERRUPTED;
	struct world *w;

	cpu->unanswered = true;
	w = vcpu_begin_run(cpu, host->regs.rdi, host->regs.rsi, &value);
	if (!w) {
		answer(cpu, value);
		return false;
	}
	if (!cpu->forwarded || (cpu->rq.entities == 1 && vcpu_is_uncapped(cpu, w))) {
		world_switch(cpu, w);
		backend_slice(w, cpu->forwarded ? cpu->slice_end : VAPIC_NEVER);
		cpu->borrowed_at = hw_rdtsc();
		if (cpu->forwarded && !vcpu_go_on(cpu, w))
			return false;
		prepare_entry(cpu, w);
		return true;
	}
	backend_vcpu_close(cpu);
	value = vcpu_schedule(cpu, w);
	if (value)
		vcpu_end_run(cpu, w);
	else if (sched_await(cpu, w))
		return false;
	else
		value = REGENT_VCPU_RUNNING;
	answer(cpu, value);
	return false;
}

/* Of a vCPU of this CPU's, in REGENT_HC_VCPU_WAIT. Return: false when Linux waits now. */
static bool wait_here(struct cpu *cpu, struct world *w, bool stop, s64 *value)
{
	if (w->scheduled && stop)
		sched_remove(cpu, w);
	if (!w->scheduled)
		*value = vcpu_end_run(cpu, w);
	else if (w->sched.state == SCHED_BLOCKED)
		*value = REGENT_VCPU_WAITING;
	else if (sched_await(cpu, w))
		return false;
	else
		*value = REGENT_VCPU_RUNNING;
	return true;
}

/**
 * vcpu_wait() - REGENT_HC_VCPU_WAIT
 * @cpu: this CPU
 * @host: its current world, Linux in that hypercall, which the scheduler may block
 */
void vcpu_wait(struct cpu *cpu, struct world *host)
{
	u64 id = host->regs.rdi, how = host->regs.rsi;
	/* Elsewhere, or on its way: a thread that waits here has to sleep. */
	s64 value = REGENT_VCPU_WAITING;
	struct world *w;

	cpu->unanswered = true;
	w = how & ~(u64)REGENT_WAIT_STOP ? NULL : table_claim(cpu, id);
	if (w && w->kind == WORLD_VM) {
		if (!wait_here(cpu, w, how, &value))
			return;
	} else if (w || how & ~(u64)REGENT_WAIT_STOP || !table_has(id)) {
		value = -REGENT_HC_EINVAL;
		if (w && !w->scheduled)
			table_give(w, WORLD_NOBODYS);
	} else if (how) {
		value = table_ask(cpu, id, WORLD_ASK_STOP);
	}
	answer(cpu, value);
}

/**
 * vcpu_answer() - the host world runs again: end the hypercall in which it waits
 * @cpu: this CPU, with cpu->awaited, Linux its current world
 */
void vcpu_answer(struct cpu *cpu)
{
	answer(cpu, cpu->awaited->sched.state == SCHED_BLOCKED ? REGENT_VCPU_WAITING :
								REGENT_VCPU_RUNNING);
}

/* The run of a vCPU that K schedules is over. Linux waits for that here, or elsewhere in L. */
static void end_scheduled(struct cpu *cpu, struct world *world)
{
	bool awaited = cpu->awaited == world;

	vcpu_leave(cpu, world);
	sched_remove(cpu, world);
	world_switch(cpu, &cpu->host);
	if (awaited)
		answer(cpu, vcpu_end_run(cpu, world));
	else
		table_let_go(cpu, world);
}

/**
 * vcpu_turn() - it is the turn of a vCPU that K schedules
 * @cpu: this CPU, forwarded
 * @world: its current world, a vCPU
 *
 * Return: true to enter it; false when the scheduler has to decide anew, or it is to be asked
 * once more.
 */
bool vcpu_turn(struct cpu *cpu, struct world *world)
{
	switch (vcpu_enter_scheduled(cpu, world)) {
	case VCPU_ENTER:
		prepare_entry(cpu, world);
		return true;
	case VCPU_ENDED:
		end_scheduled(cpu, world);
		return false;
	case VCPU_BLOCKED:
	case VCPU_AGAIN:
		break;
	}
	return false;
}
