// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exit handlers: exit_handlers[kind of world][reason]. A handler emulates what the world
 * did, and leaves what has to be done before the next entry as bits in cpu->work, which the run
 * loop (run.c) takes.
 */
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

/* A hypercall of KVM's. With another hypervisor below, the number means something else. */
#define KVM_HC_KICK_CPU	5

/* The host world */

static void host_hypercall(struct cpu *cpu, struct world *world)
{
	if (hypercall(cpu, world))
		backend_advance(world, BACKEND_CALL_LENGTH);
}

/*
 * A hypercall that is not Regent's. Repeat it to L0, if there is one, as without Regent; but
 * only from CPL 0: K repeats it at CPL 0, so that L0 would take a user program's call for the
 * kernel's. Else it is #UD, as on a machine without a hypervisor.
 */
static void host_l0_call(struct cpu *cpu, struct world *world)
{
	u64 nr = world->regs.rax, apic_id = world->regs.rcx;

	if (!k_has(REGENT_FEAT_L0) || backend_cpl(world) || !l0_call(&world->regs)) {
		backend_inject(world, HW_TRAP_UD, BACKEND_NO_ERROR_CODE);
		return;
	}
	if (nr == KVM_HC_KICK_CPU)
		sched_kicked(cpu, apic_id);
	insn_skip(cpu, world);
}

void exit_host_msr(struct cpu *cpu, struct world *world)
{
	struct msr_access a;
	int done;

	backend_msr_access(world, &a);
	done = backend_switched_msr(world, &a);
	if (!done && cpu->forwarded)
		done = forward_msr(cpu, &a);
	if (!done)
		done = l0_msr(cpu, &a);
	if (!done) {	/* outside the bitmap's ranges, or only noted: ask the CPU */
		done = (a.write ? guarded_wrmsr(a.index, a.value)
				: guarded_rdmsr(a.index, &a.value)) ? 1 : -1;
		if (a.write)
			world_msr_written(world, a.index);
	}
	if (done < 0) {
		backend_inject(world, HW_TRAP_GP, 0);
		return;
	}
	if (!a.write) {
		world->regs.rax = (u32)a.value;
		world->regs.rdx = a.value >> 32;
	}
	insn_skip(cpu, world);
}

static void host_npf(struct cpu *cpu, struct world *world)
{
	struct npf f;

	backend_npf(world, &f);
	if (mmio_ioapic(cpu, world, f.gpa))
		return;
	switch (host_fault(cpu, f.gpa, f.write, f.fetch, backend_rip(world))) {
	case HOST_REFUSED:
		backend_inject(world, HW_TRAP_GP, 0);
		return;
	case HOST_KICK:
		kick_all(cpu);
		tell_linux(cpu);
		break;
	case HOST_TELL:
		tell_linux(cpu);
		break;
	case HOST_AGAIN:
		break;
	}
	backend_complete_interrupts(world);
}

/* What the exit interrupted is delivered again first; forward_deliver() does the rest. */
static void host_interrupt(struct cpu *cpu, struct world *world)
{
	backend_complete_interrupts(world);
	forward_interrupt(cpu);
}

/* The way out delivers what is pending; the backend has noted an NMI already. */
static void host_window(struct cpu *cpu, struct world *world)
{
	(void)cpu;
	backend_complete_interrupts(world);
}

/* Linux waits: another world gets the CPU, or K waits for an interrupt. */
static void host_hlt(struct cpu *cpu, struct world *world)
{
	if (insn_skip(cpu, world) && cpu->forwarded)
		sched_halt(cpu);
}

/* As HLT, but Linux may get work by a write to memory, without an interrupt. */
static void host_mwait(struct cpu *cpu, struct world *world)
{
	if (insn_skip(cpu, world) && cpu->forwarded && mwait_begin(cpu, world))
		sched_halt(cpu);
}

/* Linux spins, perhaps for what another world keeps from running: let that one run first. */
static void host_pause(struct cpu *cpu, struct world *world)
{
	if (insn_skip(cpu, world) && cpu->forwarded && backend_cpl(world) == 0)
		sched_pause(cpu);
}

/* Linux sees SVM or VMX switched off on this CPU. */
static void host_virt_insn(struct cpu *cpu, struct world *world)
{
	(void)cpu;
	backend_inject(world, HW_TRAP_UD, BACKEND_NO_ERROR_CODE);
}

static void host_control(struct cpu *cpu, struct world *world)
{
	(void)cpu;
	if (!backend_control(world))
		backend_inject(world, HW_TRAP_GP, 0);
}

/* The preemption timer */
static void host_slice(struct cpu *cpu, struct world *world)
{
	if (cpu->forwarded)
		sched_slice(cpu, world);
}

/* A triple fault of Linux's */
static void host_shutdown(struct cpu *cpu, struct world *world)
{
	(void)cpu;
	(void)world;
	k_shutdown();
}

/*
 * The CPU has refused the world's state at an entry. At the first entry Linux is still in its
 * trampoline: hand the CPU back with an error. Later, Linux's state may be wrong: the CPU halts.
 */
static void host_entry_failed(struct cpu *cpu, struct world *world)
{
	if (backend_rip(world) == cpu->handoff->resume) {
		l0_resume(cpu, L0_ASYNC_PF);
		cpu->recover = NULL;
		backend_leave(cpu, -REGENT_HC_EINVAL);
	}
	backend_exit_describe(world);
	cpu->recover = NULL;
	k_abort("the CPU refused the world's state");
}

static void host_other(struct cpu *cpu, struct world *world)
{
	(void)cpu;
	backend_exit_describe(world);
	k_abort("an exit that was not asked for");
}

/* Worlds other than Linux, of whatever kind */

/*
 * An interrupt or NMI has arrived, which is Linux's. On a forwarded CPU K takes it. On a direct
 * CPU it stays pending until Linux runs: the exit ends the hypercall that the world runs in.
 */
static void other_interrupt(struct cpu *cpu, struct world *world)
{
	(void)world;
	if (!cpu->forwarded)
		return;
	forward_interrupt(cpu);
	sched_arrived(cpu);
}

/* A world inside a hypercall of Linux uses up Linux's slice, and its run ends at any exit. */
static void other_slice(struct cpu *cpu, struct world *world)
{
	if (world->sched.rq)
		sched_slice(cpu, world);
}

static void other_debug_reg(struct cpu *cpu, struct world *world)
{
	world_debugs(cpu, world);
}

static void other_mc(struct cpu *cpu, struct world *world)
{
	(void)world;
	machine_check(cpu);
	if (cpu->forwarded)
		sched_arrived(cpu);
}

/* The same in a vCPU: if it is borrowed, its run ends so that Linux goes on */

static void vm_interrupt(struct cpu *cpu, struct world *world)
{
	backend_complete_interrupts(world);
	other_interrupt(cpu, world);
	vcpu_interrupted(world);
}

/* The backend has it come earlier than asked for where an interrupt may not make an exit. */
static void vm_slice(struct cpu *cpu, struct world *world)
{
	other_interrupt(cpu, world);
	if (world->sched.rq)
		sched_slice(cpu, world);
	else
		backend_slice(world, cpu->forwarded ? cpu->slice_end : VAPIC_NEVER);
	vcpu_interrupted(world);
}

static void vm_mc(struct cpu *cpu, struct world *world)
{
	backend_complete_interrupts(world);
	other_mc(cpu, world);
	vcpu_interrupted(world);
}

/*
 * The processor may raise #DB or #AC again while it delivers the same, without end, and takes
 * no interrupt meanwhile: so look for one here.
 */
static void vm_exception(struct cpu *cpu, struct world *world)
{
	vcpu_exception(cpu, world);
	other_interrupt(cpu, world);
	if (!vcpu_has_ended(world))
		vcpu_interrupted(world);
}

/*
 *	  reason       the host world     test worlds       vCPUs
 *
 * host_other stands for an exit that K has not asked for, or that is handled before it comes
 * to this table: the decoder returns NPF for accesses to APIC and IOAPIC, and CPUID is
 * backend_exit_fastpath()'s.
 */
#define HANDLERS(X) \
	X(HYPERCALL,    host_hypercall,    test_world_yield, vcpu_call)          \
	X(L0_CALL,      host_l0_call,      test_world_yield, vcpu_call)          \
	X(MSR,          exit_host_msr,     test_world_died,  vcpu_msr)           \
	X(NPF,          host_npf,          test_world_died,  vcpu_npf)           \
	X(VIRT_INSN,    host_virt_insn,    test_world_died,  vcpu_undefined)     \
	X(INTERRUPT,    host_interrupt,    other_interrupt,  vm_interrupt)       \
	X(IRQ_WINDOW,   host_window,       test_world_died,  vcpu_window)        \
	X(APIC,         host_other,        test_world_died,  vcpu_unexpected)    \
	X(IOAPIC,       host_other,        test_world_died,  vcpu_unexpected)    \
	X(HLT,          host_hlt,          test_world_halt,  vcpu_hlt)           \
	X(MWAIT,        host_mwait,        test_world_died,  vcpu_undefined)     \
	X(PAUSE,        host_pause,        test_world_died,  vcpu_unexpected)    \
	X(CPUID,        host_other,        test_world_died,  vcpu_cpuid)         \
	X(CONTROL,      host_control,      test_world_died,  vcpu_control)       \
	X(NMI,          host_window,       other_interrupt,  vm_interrupt)       \
	X(SLICE,        host_slice,        other_slice,      vm_slice)           \
	X(DEBUG_REG,    host_other,        other_debug_reg,  other_debug_reg)    \
	X(IO,           host_other,        test_world_died,  vcpu_io)            \
	X(EXCEPTION,    host_other,        test_world_died,  vm_exception)       \
	X(MC,           host_other,        other_mc,         vm_mc)              \
	X(SHUTDOWN,     host_shutdown,     test_world_died,  vcpu_shutdown)      \
	X(ENTRY_FAILED, host_entry_failed, test_world_died,  vcpu_entry_failed)  \
	X(OTHER,        host_other,        test_world_died,  vcpu_unexpected)

#define HOST(reason, host, test, vm)	\
	[REGENT_EXIT_##reason] = host,
#define TEST(reason, host, test, vm)	\
	[REGENT_EXIT_##reason] = test,
#define VM(reason, host, test, vm)	\
	[REGENT_EXIT_##reason] = vm,
#define ONE(reason, host, test, vm)	+ 1

/* The compiler refuses two lines of one reason, so that this count shows that none is missing. */
_Static_assert(HANDLERS(ONE) == REGENT_EXIT_REASONS, "a handler for each reason");

exit_handler * const exit_handlers[WORLD_KINDS][REGENT_EXIT_REASONS] = {
	[WORLD_HOST] = { HANDLERS(HOST) },
	[WORLD_TEST] = { HANDLERS(TEST) },
	[WORLD_VM] = { HANDLERS(VM) },
};
