/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A processor as K sees it. Reached through GS, which the switch to K loads;
 * other CPUs' through cpu_of().
 */
#ifndef REGENT_CPU_H
#define REGENT_CPU_H

#include <hw/asm.h>
#include <regent/abi/handoff.h>
#include <regent/abi/hypercall.h>
#include <regent/asid.h>
#include <regent/inbox.h>
#include <regent/k.h>
#include <regent/mapcache.h>
#include <regent/outer.h>
#include <regent/policy.h>
#include <regent/vapic.h>
#include <regent/world.h>

/**
 * struct cpu - K's per-CPU state, one page
 * @self: this struct
 * @stack_top: what the exit path loads into RSP
 * @handoff: what L prepared
 * @shared: the page Linux sees, too
 * @id: Linux's CPU number
 * @entered: Linux is a world on this CPU; written by this CPU only
 * @busy: K is inside an exit: the world's state is complete in memory
 * @faults: exceptions reported on this CPU; the second one halts it
 * @mc_pending: #MC came while K ran; Linux gets it at the next entry
 * @nmi_pending: NMI came while K let interrupts in; Linux gets it
 * @nmi_late: the same where NMIs come in K at any time (VMX); the backend delivers it.
 *	1: nobody has looked yet; 2: the scheduler has, and another world runs
 * @tlb_seen: nested-table sequence this CPU has flushed up to; written by
 *	this CPU, read by all
 * @forwarded: K takes this CPU's interrupts
 * @event_head: K's own head of the event ring
 * @entry_start: TSC of the current entry, 0 while it is on its short way
 * @entry_max: longest stay in K, TSC ticks
 * @exits: exits by reason
 * @costs: see enum regent_cost, counted where they are done
 * @hidden_reads: see REGENT_COUNTER_HIDDEN_READS
 * @hidden_writes: see REGENT_COUNTER_HIDDEN_WRITES
 * @window: this CPU's mapping cache
 * @system: the system world: Linux on this CPU
 * @current: the world that runs here, or is about to
 * @lent: the world that ran inside a hypercall last, and may at once do so again;
 *	or NULL
 * @lent_id: its id
 * @vapic: the system world's APIC while @forwarded
 * @owed: level-triggered vectors that await the physical EOI until Linux's
 * @halt_rip: where Linux waits for interrupts, as last seen
 * @polling: physical address of flags that mwait_begin() has changed, or 0
 * @unanswered: Linux's exit is not done with; its RIP is where it exited
 * @x2apic: while @forwarded: the physical APIC is in x2APIC mode
 * @kicked: Linux is to go on if it waits, by a call to the hypervisor below; written by
 *	all
 * @outer: what Linux has in KVM's MSRs while those are suspended
 * @outer_suspended: bits of enum outer_agreement
 * @vector: K's own on this CPU, a gift of Linux's
 * @scheduled: the CPU has been forwarded: its run queue is whole
 * @resched: the scheduler has to decide before the next entry
 * @bus_ticks: that many ticks of the APIC's clock are ...
 * @bus_tsc: ... that many of the TSC; both 0 until they are measured
 * @timer_at: TSC for which K's timer is set, VAPIC_NEVER when it is not
 * @slice_end: TSC at which the scheduler wants to decide, or VAPIC_NEVER
 * @slice_due: the same without what Linux got on top
 * @charged: TSC up to which the world that runs is charged
 * @inbox: what others have for this CPU
 * @asked: others want to know whether it has too much to do; written by all
 * @visitors: scheduled worlds that may run here, and elsewhere, too; written by all
 * @alarms: worlds that wait for a time
 * @alarm_at: TSC of the earliest of them, or VAPIC_NEVER
 * @asids: what other worlds than Linux are told apart by here
 * @rq: who can run here
 * @idle: nobody
 */
struct cpu {
	struct cpu *self;
	u64 stack_top;
	struct regent_handoff *handoff;
	struct regent_shared *shared;
	u32 id;
	u32 entered;
	u32 busy;
	u32 faults;
	u32 mc_pending;
	u32 nmi_pending;
	u32 nmi_late;
	u32 tlb_seen;
	bool forwarded;
	u32 event_head;
	u64 entry_start;
	u64 entry_max;
	u64 exits[REGENT_EXIT_REASONS];
	u64 costs[REGENT_COSTS];
	u64 hidden_reads;
	u64 hidden_writes;
	struct mapcache window;
	struct world system;
	struct world *current;
	struct world *lent;
	u64 lent_id;
	struct vapic vapic;
	u32 owed[8];
	u64 halt_rip;
	u64 polling;
	bool unanswered;
	bool x2apic;
	bool kicked;
	u8 vector;
	bool scheduled;
	bool resched;
	u64 outer[OUTER_AGREEMENTS];
	u32 outer_suspended;
	u64 bus_ticks;
	u64 bus_tsc;
	u64 timer_at;
	u64 slice_end;
	u64 slice_due;
	u64 charged;
	struct inbox inbox;
	bool asked;
	u32 visitors;
	struct tree alarms;
	u64 alarm_at;
	struct asid_pool asids;
	struct runq rq;
	struct sched_entity idle;
};

_Static_assert(sizeof(struct cpu) <= 4096, "one page of the CPU's area");

/* The fixed addresses behind these accessors are laid out in handoff.h. */
static inline u64 percpu_va(u32 cpu, u32 offset)
{
	return REGENT_VA_PERCPU + (u64)cpu * REGENT_PERCPU_STRIDE + offset;
}

static inline struct cpu *cpu_of(u32 cpu)
{
	return (struct cpu *)percpu_va(cpu, REGENT_PERCPU_CPU);
}

/* NULL for a CPU that has no area: one that could be plugged in, but is not. */
static inline struct cpu *cpu_find(u64 cpu)
{
	if (cpu >= k_params.nr_cpus || !(k_params.area[cpu / 64] >> (cpu % 64) & 1))
		return NULL;
	return cpu_of(cpu);
}

/*
 * The longest stay is exported. Waiting for an interrupt is none, and what takes the
 * short way (docs/design.md) is not worth two looks at the clock.
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
