/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduling policy: which entity runs next on a CPU, and for how long. Plain logic,
 * compiled into K and into the unit tests and the simulation.
 *
 * What is fair. On each CPU, at any time, let the runnable entities i have
 * shares w, guarantees min and caps max. The fluid ideal gives each the rate
 *
 *	r_i = clamp(L * w_i, min_i, max_i)	L such that the rates add up to 1
 *
 * (or all are at their max and the CPU idles). Over any interval in which an
 * entity stays runnable it gets the integral of r_i, up to a constant: about
 * a slice where all have shares only, some POLICY_PERIODs where guarantees or
 * caps bind. So it is within 2% of its ideal once that is some 100 slices.
 * Shares count within a CPU; between CPUs only placing and stealing even out.
 *
 * How. Shares: EEVDF. Time run is charged to a virtual time at 1/w; V, the
 * mean of the virtual times weighted by w, is where the ideal would be. An entity
 * that is not ahead of V is eligible, and the eligible entity with the earliest
 * virtual deadline runs. lag = w * (V - vtime) is the service an entity is owed.
 * Guarantees and caps: a bucket each, filled by quotas of a period. An entity with
 * some guarantee left runs before the others, the earliest period first (EDF: it
 * holds because the sum of min per CPU is limited). An entity whose cap is used up
 * waits for the period that gives it time again. Overruns are carried over.
 * Boost: a host interrupt puts the host world first. The host world pays with its
 * own virtual time as always, so it only borrows: not past POLICY_BOOST_DEBT, and
 * before guarantees only POLICY_BOOST_RATE of the CPU, which admission never
 * gives away.
 *
 * What always holds, for every run queue, between two calls:
 *  - an entity is in the tree of fair ones iff it is runnable or running,
 *    and neither throttled nor parked (parked: its min gives it more than its
 *    shares would, so it takes no part in the fair race); in the tree of guaranteed
 *    ones iff runnable or running, not throttled, and with a min; in the tree of
 *    throttled ones iff throttled;
 *  - weight, sum and load are what the trees add up to, and 0 <= sum < weight:
 *    the floor of V is base; so some entity is eligible if the fair tree has any;
 *  - what an entity is owed or owes when it comes back is in
 *    [-POLICY_DEBT, POLICY_CREDIT], whatever happened before;
 *  - the guarantees of all entities added to a CPU, runnable or not, are at
 *    most POLICY_MIN_LIMIT, and those of all CPUs at most the machine's limit;
 *  - a host world stays on its CPU, and so does the running entity.
 *
 * Each call costs O(log n) in the entities of a run queue, and O(1) in those
 * of other CPUs; policy_place() and policy_busiest() look at each run queue
 * that they are given, policy_offer() at POLICY_STEAL_LOOKS candidates.
 *
 * Locking: the run queue's lock guards a run queue and all its entities. The lock is
 * the caller's (K has none: only its own CPU touches a run queue). A move detaches an
 * entity on one CPU and attaches it on the other, so that no caller needs both locks;
 * min_sum and coming are changed atomically for that. Time is in ns, monotonic
 * on a CPU; it may wrap round, and CPUs need not agree on it.
 */
#ifndef REGENT_POLICY_H
#define REGENT_POLICY_H

#include <regent/abi/types.h>
#include <regent/bits.h>
#include <regent/tree.h>

#define POLICY_US		1000ull
#define POLICY_MS		(1000 * POLICY_US)

#define POLICY_SHARES_MAX	65536u
#define POLICY_FULL		1000u	/* min and max: all of a CPU */
#define POLICY_MIN_LIMIT	900u	/* guarantees on a CPU; rest: boosts, shares */
#define POLICY_ENTITIES		65535u	/* on a CPU, so that sums do not overflow */

#define POLICY_PERIOD		(10 * POLICY_MS)	/* of min and max */
#define POLICY_BURST		5u	/* periods of a cap that can be saved up */
#define POLICY_GRAIN		(50 * POLICY_US)	/* the shortest timer */
#define POLICY_LATENCY		(16 * POLICY_MS)	/* is divided into slices, each */
#define POLICY_SLICE_MIN	(100 * POLICY_US)	/* within these bounds */
#define POLICY_SLICE_MAX	(2 * POLICY_MS)
#define POLICY_FOREVER		(~0ull)

#define POLICY_CREDIT		(4 * POLICY_MS)		/* lag kept while blocked */
#define POLICY_DEBT		(100 * POLICY_MS)
#define POLICY_MIN_DEBT		(2 * POLICY_PERIOD)	/* most overrun of min */
#define POLICY_BOOST_DEBT	(2 * POLICY_MS)
#define POLICY_BOOST_SLICE	(200 * POLICY_US)
#define POLICY_BOOST_RATE	50u			/* of POLICY_FULL */

#define POLICY_RELEASES		4	/* throttled ones freed in one pick */
#define POLICY_STEAL_LOOKS	16

/**
 * enum policy_error - errors of the functions below
 * @POLICY_OK: no error
 * @POLICY_BUSY: the entity runs, or the CPU has its host world already
 * @POLICY_INVAL: the parameters, the kind or the state are not valid
 * @POLICY_NOROOM: guarantees or number of entities would be over the limit
 * @POLICY_NOTHERE: the entity's affinity excludes the CPU
 */
enum policy_error {
	POLICY_OK = 0,
	POLICY_BUSY = -16,
	POLICY_INVAL = -22,
	POLICY_NOROOM = -28,
	POLICY_NOTHERE = -1,
};

/**
 * enum sched_kind - the kind of an entity
 * @SCHED_IDLE: runs when no other entity can; in no tree
 * @SCHED_SYSTEM: the host world of this CPU, which never moves
 * @SCHED_VM: a vCPU of a virtual machine, or a test world
 * @SCHED_SERVICE: deferred work of K's own
 */
enum sched_kind {
	SCHED_IDLE,
	SCHED_SYSTEM,
	SCHED_VM,
	SCHED_SERVICE,
};

/**
 * enum sched_state - the state of an entity
 * @SCHED_OFF: on no run queue
 * @SCHED_BLOCKED: waits for an event
 * @SCHED_RUNNABLE: could run
 * @SCHED_RUNNING: runs
 */
enum sched_state {
	SCHED_OFF,
	SCHED_BLOCKED,
	SCHED_RUNNABLE,
	SCHED_RUNNING,
};

/**
 * enum sched_reason - why the running entity was picked
 * @SCHED_FAIR: for its shares
 * @SCHED_GUARANTEED: for its guarantee
 * @SCHED_BOOSTED: for a host interrupt
 */
enum sched_reason {
	SCHED_FAIR,
	SCHED_GUARANTEED,
	SCHED_BOOSTED,
};

struct runq;

/**
 * struct sched_entity - the scheduling state of a world, embedded there
 * @fair: node in the fair tree, by virtual time (65536ths of ns / share); value: virtual
 *	deadline; marks: CPUs that the entity may move to, modulo 64. While the entity is
 *	not in the tree, the key is where its virtual time would be
 * @timed: while throttled, node by the end of that; else, with a min, node by the start of
 *	the period that has some guarantee left
 * @rq: run queue that the entity was added to, blocked or not
 * @last: run queue that the entity was removed from last, for policy_rejoin()
 * @affinity: bit N is set when CPU N is allowed; NULL for all CPUs
 * @affinity_cpus: number of bits in @affinity
 * @kind: enum sched_kind
 * @state: enum sched_state
 * @reason: enum sched_reason of its last turn
 * @throttled: its cap is used up
 * @parked: its guarantee is more than its shares would give, so that it runs by that only
 * @shares: 1 to POLICY_SHARES_MAX
 * @min: guaranteed thousandths of a CPU
 * @max: cap in thousandths of a CPU, POLICY_FULL for none
 * @rest: remainder of the last division of time by shares
 * @lag: ns that it was owed when it left the fair tree
 * @since: time at which @lag was brought up to date
 * @period: start of the period of the buckets
 * @min_left: ns of guarantee left in that period; negative: overrun
 * @max_left: ns of cap left in that period; negative: overrun
 * @boost_left: ns that it may still run before guarantees
 * @boost_at: time at which @boost_left was brought up to date
 * @boost_used: ns that it has run of its last boost
 * @ran: ns that it has run in all
 *
 * The owner sets @kind, @shares, @min, @max, @affinity and @affinity_cpus, zeroes the
 * other members, and calls policy_add(); from then on the policy owns the entity.
 */
struct sched_entity {
	struct tree_node fair;
	struct tree_node timed;
	struct runq *rq;
	const struct runq *last;
	const u64 *affinity;
	u32 affinity_cpus;
	u8 kind;
	u8 state;
	u8 reason;
	bool throttled;
	bool parked;
	u32 shares;
	u32 min;
	u32 max;
	u32 rest;
	s64 lag;
	u64 since;
	u64 period;
	s64 min_left;
	s64 max_left;
	s64 boost_left;
	u64 boost_at;
	u64 boost_used;
	u64 ran;
};

/**
 * struct policy_machine - what the run queues of a machine share
 * @min_sum: thousandths of a CPU guaranteed on all CPUs; changed atomically
 * @min_limit: upper limit of @min_sum
 */
struct policy_machine {
	u32 min_sum;
	u32 min_limit;
};

/**
 * struct runq - the run queue of a CPU
 * @machine: what it shares with the other run queues
 * @cpu: number of the CPU
 * @fair: runnable and running entities that are neither throttled nor parked
 * @guaranteed: those of them, and of the parked entities, that have a min
 * @throttled: runnable entities whose cap is used up
 * @idle: the entity that is picked when no other can run
 * @system: the host world of the CPU, or NULL
 * @curr: the entity picked last, NULL when it has left
 * @boost: the host world while it is to be boosted, else NULL
 * @skip: the entity that has yielded since the last pick, or NULL
 * @clock: latest time seen
 * @until: end of the last decision
 * @open: the last decision had no other entity to consider, so that a new one calls for
 *	another decision now
 * @base: floor of V
 * @sum: sum of weight * (vtime - @base) in the fair tree
 * @weight: sum of shares in the fair tree
 * @load: sum of shares of all entities that are runnable, running or throttled
 * @coming: sum of shares of all entities that are moving here; changed atomically
 * @nr: number of entities in the fair tree
 * @movable: number of those that another CPU may pull
 * @parked: number of runnable and running entities that are parked
 * @entities: number of all entities that were added
 * @min_sum: sum of min of all entities that were added; changed atomically
 */
struct runq {
	struct policy_machine *machine;
	u32 cpu;
	struct tree fair;
	struct tree guaranteed;
	struct tree throttled;
	struct sched_entity *idle;
	struct sched_entity *system;
	struct sched_entity *curr;
	struct sched_entity *boost;
	struct sched_entity *skip;
	u64 clock;
	u64 until;
	bool open;
	u64 base;
	s64 sum;
	u64 weight;
	u64 load;
	u64 coming;
	u32 nr;
	u32 movable;
	u32 parked;
	u32 entities;
	u32 min_sum;
};

void policy_init_machine(struct policy_machine *machine, u32 cpus);
void policy_init_cpu(struct runq *rq, struct policy_machine *machine, u32 cpu,
		     struct sched_entity *idle, u64 now);

int policy_add(struct runq *rq, struct sched_entity *e, u64 now);
int policy_rejoin(struct runq *rq, struct sched_entity *e, u64 now);
void policy_remove(struct sched_entity *e, u64 now);
int policy_set(struct sched_entity *e, u32 shares, u32 min, u32 max, u64 now);
int policy_set_affinity(struct sched_entity *e, const u64 *affinity, u32 cpus);

void policy_charge(struct sched_entity *e, u64 ran, u64 now);
bool policy_wake(struct sched_entity *e, u64 now);
bool policy_boost(struct sched_entity *e, u64 now);
void policy_yield(struct sched_entity *e, u64 now);
void policy_block(struct sched_entity *e, u64 now);
struct sched_entity *policy_pick(struct runq *rq, u64 now, u64 *slice);

int policy_detach(struct sched_entity *e, struct runq *to);
bool policy_attach(struct sched_entity *e, struct runq *to, u64 now);
void policy_drop(struct sched_entity *e, struct runq *to);
struct sched_entity *policy_offer(struct runq *from, struct runq *to);
struct runq *policy_place(const struct sched_entity *e, struct runq *rqs[], u32 n);
struct runq *policy_busiest(const struct runq *to, struct runq *rqs[], u32 n);

s64 policy_lag(const struct sched_entity *e);
bool policy_allowed(const struct sched_entity *e, u32 cpu);
int policy_take(struct policy_machine *machine, u32 min);
void policy_give(struct policy_machine *machine, u32 min);
bool policy_idle(const struct runq *rq);
bool policy_has_work(const struct runq *rq);
u64 policy_marks(const struct sched_entity *e);
bool policy_min_fits(const struct runq *rq, u32 min);

/* The entity of a node in a tree of fair ones, or in a tree by time */
static inline struct sched_entity *policy_of_fair(struct tree_node *node)
{
	return container_of(node, struct sched_entity, fair);
}

static inline struct sched_entity *policy_of_timed(struct tree_node *node)
{
	return container_of(node, struct sched_entity, timed);
}

#endif
