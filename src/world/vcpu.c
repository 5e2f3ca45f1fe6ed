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

/**
 * vcpu_run() - REGENT_HC_VCPU_RUN
 * @cpu: this CPU
 * @host: its current world, Linux in that hypercall
 *
 * Return: the world to go on with: Linux, which the scheduler may have blocked; or a vCPU that is
 * borrowed, and to be entered at once.
 */
struct world *vcpu_run(struct cpu *cpu, struct world *host)
{
	s64 value = REGENT_VCPU_INTERRUPTED;
	struct world *w;

	cpu->unanswered = true;
	w = vcpu_begin_run(cpu, host->regs.rdi, host->regs.rsi, &value);
	if (!w) {
		answer(cpu, value);
		return host;
	}
	if (!cpu->forwarded) {
		world_switch(cpu, w);
		backend_slice(w, VAPIC_NEVER);
		return w;
	}
	value = vcpu_schedule(cpu, w);
	if (value)
		vcpu_end_run(cpu, w);
	else if (sched_await(cpu, w))
		return host;
	else
		value = REGENT_VCPU_RUNNING;
	answer(cpu, value);
	return host;
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
 * @host: its current world, Linux in that hypercall
 *
 * Return: @host, which the scheduler may have blocked.
 */
struct world *vcpu_wait(struct cpu *cpu, struct world *host)
{
	u64 id = host->regs.rdi, how = host->regs.rsi;
	/* Elsewhere, or on its way: a thread that waits here has to sleep. */
	s64 value = REGENT_VCPU_WAITING;
	struct world *w;

	cpu->unanswered = true;
	w = how & ~(u64)REGENT_WAIT_STOP ? NULL : table_claim(cpu, id);
	if (w && w->kind == WORLD_VM) {
		if (!wait_here(cpu, w, how, &value))
			return host;
	} else if (w || how & ~(u64)REGENT_WAIT_STOP || !table_has(id)) {
		value = -REGENT_HC_EINVAL;
		if (w && !w->scheduled)
			table_give(w, WORLD_NOBODYS);
	} else if (how) {
		value = table_ask(cpu, id, WORLD_ASK_STOP);
	}
	answer(cpu, value);
	return host;
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

/**
 * vcpu_return() - the run of a borrowed vCPU is over: end the hypercall in which it ran
 * @cpu: this CPU
 * @world: its current world, the vCPU; Linux is that afterwards
 */
void vcpu_return(struct cpu *cpu, struct world *world)
{
	vcpu_leave(cpu, world);
	world_switch(cpu, &cpu->host);
	answer(cpu, vcpu_end_run(cpu, world));
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
		if (unlikely(!asid_valid(&cpu->asids, &world->asid)))
			backend_vcpu_load(cpu, world);
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
