/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A processor as K sees it. A CPU reaches its own struct cpu through GS, which the switch
 * to K loads, and those of other CPUs through cpu_of().
 */
#ifndef REGENT_CPU_H
#define REGENT_CPU_H

#include <hw/asm.h>
#include <regent/abi/handoff.h>
#include <regent/abi/hypercall.h>
#include <regent/asid.h>
#include <regent/bits.h>
#include <regent/held.h>
#include <regent/k.h>
#include <regent/l0.h>
#include <regent/mailbox.h>
#include <regent/mapcache.h>
#include <regent/policy.h>
#include <regent/vapic.h>
#include <regent/work.h>
#include <regent/world.h>

/**
 * struct cpu - K's per-CPU state, one page
 * @self: this struct, for this_cpu()
 * @stack_top: the stack pointer that each exit loads
 * @handoff: what L prepared for this CPU
 * @shared: the page that Linux maps as well
 * @id: Linux's CPU number
 * @entered: 1 while Linux is a world on this CPU
 * @recover: the function to which k_abort() goes with an empty stack; NULL while Linux's
 *	state is not complete in memory
 * @faults: number of exceptions reported on this CPU; the second one halts it
 * @held: the locks that K holds on this CPU
 * @work: what the way out of K has to do; other CPUs write to a part of it
 * @unanswered: K has not finished Linux's exit, and Linux's RIP is where it exited
 * @nmi_late: an NMI came while K ran, which VMX cannot prevent; the backend delivers it.
 *	1: no entry has seen it yet; 2: the scheduler has seen it and runs another world
 * @tlb_seen: nested-table sequence up to which this CPU has flushed; all CPUs read it
 * @mapcache: this CPU's mapping cache
 * @asids: this CPU's address space identifiers for worlds other than Linux
 *
 * Worlds:
 * @host: the host world: Linux on this CPU
 * @current: the world that runs here, or is about to run
 * @lent: the world that ran last inside of a hypercall and may run again at once; @host
 *	when there is none, because no switch to @host takes the fast path
 * @lent_id: id of @lent
 * @stopped: with WORK_STOPPED: the current world, which loses its owner once its
 *	registers are in memory
 * @borrowed_at: TSC since which a vCPU runs inside of a hypercall
 * @awaited: the vCPU whose run Linux waits for in a hypercall, the host world being blocked
 *	or about to be told; @host when that vCPU has left the run queue; NULL while Linux runs
 *
 * Interrupts, while the CPU is forwarded:
 * @forwarded: K takes this CPU's interrupts; WORK_FORWARDED says the same
 * @x2apic: the physical APIC is in x2APIC mode
 * @vector: K's own vector on this CPU, which Linux has allocated for K
 * @kicked: Linux shall go on if it waits, because L0 was asked to end the wait; all CPUs
 *	write it
 * @vapic: the host world's virtual APIC
 * @owed: bitmap of level-triggered vectors whose physical EOI K writes at Linux's EOI
 * @halt_rip: RIP at which Linux was last seen waiting for interrupts
 * @polling: with WORK_POLLING: physical address of the thread flags that mwait_begin()
 *	has changed
 * @bus_ticks: so many ticks of the APIC's clock take as long as @bus_tsc ticks of the TSC
 * @bus_tsc: see @bus_ticks; both are 0 until they are measured
 * @timer_at: TSC value for which K's timer is set, or VAPIC_NEVER
 *
 * Scheduling:
 * @scheduled: the CPU has been forwarded, so that its run queue is complete
 * @slice_end: TSC at which the scheduler wants to decide, or VAPIC_NEVER
 * @slice_due: @slice_end without the extra time that Linux got
 * @charged: TSC up to which the running world is charged
 * @mailbox: requests of other CPUs for this CPU
 * @visitors: number of scheduled worlds that may run here and elsewhere; all CPUs write it
 * @worlds: list of the worlds other than Linux on this run queue
 * @alarms: worlds that wait for a point in time
 * @alarm_at: TSC of the earliest of these points, or VAPIC_NEVER
 * @rq: the run queue
 * @idle: the entity that the policy picks when no world can run
 *
 * L0:
 * @l0: the values that Linux has in KVM's MSRs while these are suspended
 * @l0_suspended: bits of enum l0_agreement
 *
 * Statistics:
 * @event_head: K's private head of the event ring
 * @entry_start: TSC at the beginning of this stay in K, 0 while it takes a fast path
 * @entry_max: longest stay in K, in TSC ticks
 * @exits: Linux's exits by reason
 * @costs: by enum regent_cost, counted where the operation is done
 * @hidden_reads: see REGENT_COUNTER_HIDDEN_READS
 * @hidden_writes: see REGENT_COUNTER_HIDDEN_WRITES
 *
 * Only the CPU itself writes to its struct, except where a member says otherwise.
 */
struct cpu {
	struct cpu *self;
	u64 stack_top;
	struct regent_handoff *handoff;
	struct regent_shared *shared;
	u32 id;
	u32 entered;
	void (*recover)(struct cpu *cpu);
	u32 faults;
	struct held held;
	union work work;
	bool unanswered;
	u32 nmi_late;
	u32 tlb_seen;
	struct mapcache mapcache;
	struct asid_pool asids;

	struct world host;
	struct world *current;
	struct world *lent;
	u64 lent_id;
	struct world *stopped;
	struct world *awaited;
	u64 borrowed_at;

	bool forwarded;
	bool x2apic;
	u8 vector;
	bool kicked;
	struct vapic vapic;
	u32 owed[8];
	u64 halt_rip;
	u64 polling;
	u64 bus_ticks;
	u64 bus_tsc;
	u64 timer_at;

	bool scheduled;
	u64 slice_end;
	u64 slice_due;
	u64 charged;
	struct mailbox mailbox;
	u32 visitors;
	struct world *worlds;
	struct tree alarms;
	u64 alarm_at;
	struct runq rq;
	struct sched_entity idle;

	u64 l0[L0_AGREEMENTS];
	u32 l0_suspended;

	u32 event_head;
	u64 entry_start;
	u64 entry_max;
	u64 exits[REGENT_EXIT_REASONS];
	u64 costs[REGENT_COSTS];
	u64 hidden_reads;
	u64 hidden_writes;
};

_Static_assert(sizeof(struct cpu) <= 4096, "one page of the CPU's area");

/* handoff.h lays out these fixed addresses. */
static inline u64 percpu_va(u32 cpu, u32 offset)
{
	return REGENT_VA_PERCPU + (u64)cpu * REGENT_PERCPU_STRIDE + offset;
}

static inline struct cpu *cpu_of(u32 cpu)
{
	return (struct cpu *)percpu_va(cpu, REGENT_PERCPU_CPU);
}

/* Returns NULL for a CPU that has no area, because it could be plugged in but is not. */
static inline struct cpu *cpu_find(u64 cpu)
{
	if (cpu >= k_params.nr_cpus || !cpus_has(k_params.area, cpu))
		return NULL;
	return cpu_of(cpu);
}

/*
 * cpu_begin() and cpu_account() measure a stay in K, whose longest is exported. Waiting for
 * an interrupt does not count, and a fast path (docs/switch.md) is too short to read the
 * clock twice.
 */
static inline void cpu_begin(struct cpu *cpu)
{
	cpu->entry_start = hw_rdtsc();
}

static inline void cpu_account(struct cpu *cpu)
{
	u64 stay = hw_rdtsc() - cpu->entry_start;

	cpu->entry_start = 0;
	if (unlikely(stay > cpu->entry_max))
		cpu->entry_max = stay;
}

static inline struct cpu *this_cpu(void)
{
	struct cpu *cpu;

	asm("mov %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

#endif
