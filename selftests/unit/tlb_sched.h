/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The states of test_tlb_sched.c: what there is in one, what a CPU and K use in it, and which ones
 * are the same.
 */
#ifndef TLB_SCHED_H
#define TLB_SCHED_H

#include "tlb_model.h"

#define CPUS	2
#define VCPUS	2
#define TAGS	4		/* 0: the EPT pointer's; else ASIDs or VPIDs */
#define FIRST	2
#define END	4		/* two identifiers, so that they are used up at once */
#define NONE	MODEL_NONE

enum mistake {
	RIGHT, NO_MARK, MARK_AFTER_READ, NO_BARRIER, UNMARK_BEFORE_HANDLED, MARK_WHEN_BLOCKED,
	MARK_WHEN_ENDED, NO_LOOK_AT_SEEN, NO_LOOK_AT_MARK, KICK_LOST, KICK_ONCE, KICK_ELSEWHERE,
	NO_SYNC, SYNC_ONCE, NO_INTERRUPT, NO_FOLLOW_AT_CONVERSION, FOLLOW_AT_PICK_ONLY,
	FAST_EXIT_TAKES_KICK, SAME_IDENTIFIER, OLD_WALKS, TAKEN_AT_SWITCH, TAKEN_AT_LOAN, MISTAKES
};

enum { NOTIFIER_IDLE, COUNT, LOOK, WAIT, SYNC, CHANGE, FINISH };

/*
 * What a vCPU does next. Outside of a run; at the beginning of one in K; borrowed: not entered
 * yet, inside, in K; scheduled: on the run queue, picked, decided on, inside, in K, blocked.
 */
enum { OUT, CALL, LENT, LENT_INSIDE, LENT_EXIT, READY, PICKED, TURN, INSIDE, EXIT, BLOCKED };

/* All in bytes, so that equal states are equal in memory. */
struct vcpu_state {
	u8 pc, cpu;
	u8 awaited;		/* v->cpu in L: Linux there is in the hypercall, or will be */
	u8 seen, inside, kicked_for;	/* struct vm_tlb */
	u8 stored;		/* @inside, as this CPU alone sees it */
	struct model_asid asid;
	u8 flush;		/* TLB_CONTROL in its VMCB */
	u8 held;		/* pages that K touches */
	u8 interrupted;		/* the exit is by an interrupt */
	u8 was_lent;
};

struct state {
	u8 entry;		/* the nested table's: a page, or NONE */
	u8 mm;			/* the page that Linux has there */
	u8 gone;		/* a bit for each page that a notifier has taken */
	u8 count;		/* K's, of zaps */
	u8 walks;		/* pages that were there since: K may remember a walk to them */
	u8 locked;		/* L's lock, held over steps */
	u8 ends, zapping;	/* struct vm_zaps */
	u8 pc, round, at, waits;	/* the notifier, bits of vCPUs looked at, a CPU */
	u8 runs, leaves, maps;	/* how many are left; of vCPUs that leave by themselves */
	u8 on[CPUS];		/* the vCPU that K or the CPU is at; NONE: Linux, or idle */
	u8 asked[CPUS];		/* an interrupt for Linux is on its way, or pending */
	u8 kicked[CPUS];	/* and one for K */
	u8 tlb[CPUS][TAGS];	/* a bit for each page */
	u8 pool_generation[CPUS], pool_next[CPUS];
	struct vcpu_state vcpu[VCPUS];
};

static bool vmx;
static enum mistake mistake;
static bool good, moved;
static const struct state *now_at;

/* What the model has seen at all */
static u64 states, entries, loans, conversions, blocks, flushes, moves, kicks, busy, refused;
static u64 walks;

/* --- what processors do, and K while it handles an exit -------------------------------------- */

static bool is_inside(const struct vcpu_state *v)
{
	return v->pc == INSIDE || v->pc == LENT_INSIDE;
}

static bool is_handled(const struct vcpu_state *v)
{
	return v->pc == CALL || v->pc == LENT || v->pc == LENT_EXIT || v->pc == TURN ||
	       v->pc == EXIT;
}

static bool is_scheduled(const struct vcpu_state *v)
{
	return v->pc >= READY;
}

/* False if it uses what is gone. */
static bool processor_runs(struct state *s, const struct vcpu_state *v)
{
	u8 *tlb = s->tlb[v->cpu];

	if (s->entry != NONE) {
		tlb[v->asid.number] |= 1u << s->entry;
		if (vmx)
			tlb[0] |= 1u << s->entry;
	}
	return !((tlb[v->asid.number] | (vmx ? tlb[0] : 0)) & s->gone);
}

/* K walks at any time during an exit, and uses what it has found until that is handled. */
static bool k_runs(struct state *s, struct vcpu_state *v)
{
	v->held |= s->walks;
	walks += v->held != 0;
	return !(v->held & s->gone);
}

static bool all_run(struct state *s)
{
	bool ok = s->entry == NONE || !(s->gone >> s->entry & 1);
	u32 i;

	for (i = 0; i < VCPUS; i++) {
		if (is_inside(&s->vcpu[i]))
			ok &= processor_runs(s, &s->vcpu[i]);
		else if (is_handled(&s->vcpu[i]))
			ok &= k_runs(s, &s->vcpu[i]);
		else
			s->vcpu[i].held = 0;
	}
	return ok;
}

/* Does Linux run on a CPU, with interrupts on? */
static bool linux_runs(const struct state *s, u32 cpu)
{
	u32 i;

	for (i = 0; i < VCPUS; i++)
		if (s->vcpu[i].awaited == cpu)
			return false;
	return s->on[cpu] == NONE;
}

/* What cannot be told apart is the same state. */
static void normalize(struct state *s)
{
	u32 i;

	for (i = 0; i < VCPUS; i++) {
		struct vcpu_state *v = &s->vcpu[i];

		if (v->asid.pool != NONE &&
		    v->asid.generation != s->pool_generation[v->asid.pool])
			v->asid.pool = NONE;
		v->asid.generation = v->asid.pool != NONE;
		if (v->asid.pool == NONE && !is_inside(v))
			v->asid.number = 0;
		if (v->pc == OUT)
			v->cpu = 0;
		if (v->pc != EXIT)
			v->interrupted = false;
		if (v->seen != s->count)
			v->seen = 0;	/* behind: the count only goes up */
	}
	for (i = 0; i < CPUS; i++) {
		s->pool_generation[i] = 1;
		if (s->on[i] == NONE)
			s->kicked[i] = false;	/* whoever is there takes it */
		if (linux_runs(s, i))
			s->asked[i] = false;
	}
}

#define SWAP(a, b)	do { __typeof__(a) swapped = a; a = b; b = swapped; } while (0)

static u8 other(u8 which)
{
	return which == NONE ? NONE : !which;
}

static void swap_cpus(struct state *s)
{
	u32 i;

	_Static_assert(CPUS == 2 && VCPUS == 2, "one and the other");
	SWAP(s->on[0], s->on[1]);
	SWAP(s->asked[0], s->asked[1]);
	SWAP(s->kicked[0], s->kicked[1]);
	SWAP(s->pool_generation[0], s->pool_generation[1]);
	SWAP(s->pool_next[0], s->pool_next[1]);
	for (i = 0; i < TAGS; i++)
		SWAP(s->tlb[0][i], s->tlb[1][i]);
	if (s->pc == WAIT)
		s->waits = other(s->waits);
	for (i = 0; i < VCPUS; i++) {
		struct vcpu_state *v = &s->vcpu[i];

		if (v->pc != OUT)
			v->cpu = other(v->cpu);
		if (v->inside)
			v->inside = CPUS + 1 - v->inside;
		if (v->stored)
			v->stored = CPUS + 1 - v->stored;
		v->awaited = other(v->awaited);
		v->asid.pool = other(v->asid.pool);
	}
}

static void swap_vcpus(struct state *s)
{
	u32 i;

	SWAP(s->vcpu[0], s->vcpu[1]);
	s->at = (s->at & 1) << 1 | s->at >> 1;
	for (i = 0; i < CPUS; i++)
		s->on[i] = other(s->on[i]);
}

/* CPUs are alike, and vCPUs are: one state stands for all that differ only by their numbers. */
static void choose(struct state *s)
{
	struct state t = *s, best = *s;
	u32 i;

	for (i = 0; i < 3; i++) {
		if (i == 1)
			swap_vcpus(&t);
		else
			swap_cpus(&t);
		if (memcmp(&t, &best, sizeof(t)) < 0)
			best = t;
	}
	*s = best;
}

static void put(struct state *s)
{
	normalize(s);
	good &= all_run(s);
	choose(s);
	moved |= memcmp(s, now_at, sizeof(*s)) != 0;
	model_put(s, sizeof(*s));
}

#endif
