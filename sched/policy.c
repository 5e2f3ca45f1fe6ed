// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduling policy, see <regent/policy.h>. Plain logic.
 *
 * In this order: virtual time, in and out of the trees, admission, what happens to an entity,
 * the pick. Moves between CPUs are in move.c and place.c.
 */
#include <regent/policy.h>
#include "buckets.h"
#include "queue.h"

#define VSHIFT		16	/* virtual time: 65536ths of ns, by share */
#define RAN_LIMIT	(1000 * POLICY_MS)	/* one charge; no debt grows that large */

/* The latest time that the run queue has seen becomes @now, unless that is earlier. */
void rq_see_clock(struct runq *rq, u64 now)
{
	if (clock_before(rq->clock, now))
		rq->clock = now;
}

/* Virtual time. */

/* Virtual time of @ns, signed; no overflow up to POLICY_DEBT. */
static s64 to_virtual(s64 ns, u32 shares)
{
	return ns * (1ll << VSHIFT) / (s64)shares;
}

/* The ns of service that @e is owed; @e is in the fair tree, or has a key as if it were. */
s64 rq_lag(const struct runq *rq, const struct sched_entity *e)
{
	return (s64)(rq->base - e->fair.key) * e->shares / (1ll << VSHIFT);
}

/* Move base to the floor of V, so that the sum stays small. */
static void move_base(struct runq *rq)
{
	s64 weight = rq->weight;
	s64 step;

	if (!weight)
		return;
	step = rq->sum / weight;
	if (step * weight > rq->sum)
		step--;
	rq->base += step;
	rq->sum -= step * weight;
}

static void fair_in(struct runq *rq, struct sched_entity *e)
{
	rq->sum += (s64)(e->fair.key - rq->base) * e->shares;
	rq->weight += e->shares;
	rq->nr++;
	rq->movable += !!e->fair.marks;
	tree_insert(&rq->fair, &e->fair);
}

static void fair_out(struct runq *rq, struct sched_entity *e)
{
	tree_remove(&rq->fair, &e->fair);
	rq->sum -= (s64)(e->fair.key - rq->base) * e->shares;
	rq->weight -= e->shares;
	rq->nr--;
	rq->movable -= !!e->fair.marks;
}

/* Give @e, not in the fair tree, a new deadline: a slice, the shorter the more entities. */
static void new_request(const struct runq *rq, struct sched_entity *e)
{
	s64 slice = clamp(POLICY_LATENCY / (rq->nr + 1), POLICY_SLICE_MIN,
			  POLICY_SLICE_MAX);

	e->fair.value = e->fair.key + to_virtual(slice, e->shares);
}

/*
 * Charge @ran ns to the virtual time of @e, but not so much that it owes more than @debt ns: the
 * rest is forgiven. Return: whether anything was.
 */
static bool charge_virtual(const struct runq *rq, struct sched_entity *e, u64 ran, u64 debt)
{
	u64 limit = rq->base + to_virtual(debt, e->shares);
	u64 time = (ran << VSHIFT) + e->rest;
	u64 to = e->fair.key + time / e->shares;
	bool beyond = ran && clock_before(limit, to);

	e->rest = time % e->shares;
	if (beyond)
		to = clock_before(limit, e->fair.key) ? e->fair.key : limit;
	e->fair.key = to;
	return beyond;
}

/* In and out of the trees. */

static void guarantee_in(struct runq *rq, struct sched_entity *e)
{
	if (!e->min)
		return;
	e->timed.key = time_of_refill(e, e->min_left, e->min);
	tree_insert(&rq->guaranteed, &e->timed);
}

static void guarantee_out(struct runq *rq, struct sched_entity *e)
{
	if (tree_holds(&e->timed))
		tree_remove(&rq->guaranteed, &e->timed);
}

static void throttle_in(struct runq *rq, struct sched_entity *e)
{
	e->throttled = true;
	e->timed.key = time_of_refill(e, e->max_left, e->max);
	tree_insert(&rq->throttled, &e->timed);
}

/* @e leaves the fair tree: its key, free now, notes where its virtual time is against V. */
void rq_stamp(const struct runq *rq, struct sched_entity *e)
{
	e->fair.key = rq->base - to_virtual(e->lag, e->shares);
	e->since = rq->clock;
}

/* What @e would be owed, in ns, had it been runnable and waited since it was stamped. */
static s64 lag_away(const struct runq *rq, const struct sched_entity *e)
{
	s64 most = to_virtual(POLICY_DEBT, e->shares);
	s64 ahead = rq->base - e->fair.key;
	s64 lag;

	if (rq->clock - e->since > ELAPSED_LIMIT)
		return POLICY_DEBT;
	lag = clamp(ahead, -most, most) * e->shares / (1ll << VSHIFT);
	return e->lag + (lag - e->lag) * (s64)rq->weight /
			(s64)(rq->weight + e->shares);
}

/*
 * Bring the lag of @e, which is not in the fair tree, up to date. A blocked entity pays off a
 * debt as it would have by waiting, but earns nothing. A throttled one earns its share, so that
 * only its cap limits it, not also the time that it was throttled.
 */
void rq_make_up(const struct runq *rq, struct sched_entity *e)
{
	s64 lag = lag_away(rq, e);

	if (!e->throttled)
		lag = e->lag > 0 ? e->lag : clamp(lag, e->lag, 0);
	e->lag = clamp(lag, -(s64)POLICY_DEBT, POLICY_CREDIT);
	rq_stamp(rq, e);
}

/*
 * Park @e, whose guarantee gives it more than its shares would: it competes by shares no more
 * until V has caught up, and the other entities share what is left as if it were not there. It
 * owes -@lag ns then; what its guarantee gives it beyond POLICY_MIN_DEBT is forgiven.
 */
static void park_entity(struct runq *rq, struct sched_entity *e, s64 lag)
{
	move_base(rq);
	e->fair.key = rq->base - to_virtual(lag, e->shares);
	e->parked = true;
	rq->parked++;
}

/*
 * Put @e into the fair tree. V, a mean, moves towards an entity that comes in, so that its lag
 * would shrink by W / (W + w): its key makes up for that in advance.
 */
static void race_enter(struct runq *rq, struct sched_entity *e)
{
	s64 lag = 0;

	if (rq->weight)
		lag = e->lag * (s64)(rq->weight + e->shares) / (s64)rq->weight;
	e->fair.key = rq->base - to_virtual(lag, e->shares);
	new_request(rq, e);
	fair_in(rq, e);
	move_base(rq);
}

/* Put @e, which becomes runnable, into the trees in which it belongs. */
void rq_enqueue(struct runq *rq, struct sched_entity *e)
{
	rq_make_up(rq, e);
	rq->load += e->shares;
	if (capped(e)) {
		throttle_in(rq, e);
		return;
	}
	if (e->min && rq->weight && e->lag < -(s64)POLICY_MIN_DEBT / 2)
		park_entity(rq, e, e->lag);
	else
		race_enter(rq, e);
	guarantee_in(rq, e);
}

/* @e competes by shares no more, parked or not. */
static void fair_leave(struct runq *rq, struct sched_entity *e)
{
	if (e->parked)
		rq->parked--;
	else
		fair_out(rq, e);
	e->parked = false;
}

/* Take @e out of its trees, its lag noted, but keep its load: it stays runnable (throttled). */
static void race_leave(struct runq *rq, struct sched_entity *e)
{
	guarantee_out(rq, e);
	e->lag = rq_lag(rq, e);
	fair_leave(rq, e);
	move_base(rq);
	rq_stamp(rq, e);
}

/* Take @e, which is runnable or running, out of all trees. */
void rq_dequeue(struct runq *rq, struct sched_entity *e)
{
	rq->load -= e->shares;
	if (e->throttled) {
		tree_remove(&rq->throttled, &e->timed);
		rq_make_up(rq, e);
		e->throttled = false;
		return;
	}
	race_leave(rq, e);
}

/* Admission. */

/* Reserve a guarantee of a CPU: atomic, because a CPU that sends an entity there does so. */
int rq_take_min(struct runq *rq, u32 min)
{
	if (!min)
		return POLICY_OK;
	if (__atomic_add_fetch(&rq->min_sum, min, __ATOMIC_RELAXED) <= POLICY_MIN_LIMIT)
		return POLICY_OK;
	__atomic_sub_fetch(&rq->min_sum, min, __ATOMIC_RELAXED);
	return POLICY_NOROOM;
}

/* Undo rq_take_min(). */
void rq_give_min(struct runq *rq, u32 min)
{
	__atomic_sub_fetch(&rq->min_sum, min, __ATOMIC_RELAXED);
}

static bool parameters_ok(u32 shares, u32 min, u32 max)
{
	return shares && shares <= POLICY_SHARES_MAX && max &&
	       max <= POLICY_FULL && min <= max;
}

/**
 * policy_init_cpu() - make an empty run queue
 * @rq: the struct to be filled in
 * @machine: what all run queues share
 * @cpu: number of the run queue's CPU
 * @idle: the entity that policy_pick() returns when no other one can run
 * @now: the time on that CPU, in ns
 */
void policy_init_cpu(struct runq *rq, struct policy_machine *machine, u32 cpu,
		     struct sched_entity *idle, u64 now)
{
	*rq = (struct runq) {
		.machine = machine, .cpu = cpu, .idle = idle,
		.clock = now, .until = now,
	};
	idle->kind = SCHED_IDLE;
	idle->state = SCHED_RUNNABLE;
	idle->rq = rq;
}

/* Put an entity that is off on a run queue, blocked, if there is room: see policy_add(). */
int rq_admit(struct runq *rq, struct sched_entity *e, u64 now)
{
	int err;

	if (e->state != SCHED_OFF || e->kind < SCHED_SYSTEM ||
	    e->kind > SCHED_SERVICE || !parameters_ok(e->shares, e->min, e->max))
		return POLICY_INVAL;
	if (!policy_allowed(e, rq->cpu))
		return POLICY_NOTHERE;
	if (e->kind == SCHED_SYSTEM && rq->system)
		return POLICY_BUSY;
	if (rq->entities >= POLICY_ENTITIES)
		return POLICY_NOROOM;
	err = rq_take_min(rq, e->min);
	if (err)
		return err;
	err = policy_take(rq->machine, e->min);
	if (err) {
		rq_give_min(rq, e->min);
		return err;
	}
	rq_see_clock(rq, now);
	if (e->kind == SCHED_SYSTEM)
		rq->system = e;
	rq->entities++;
	e->rq = rq;
	e->state = SCHED_BLOCKED;
	e->fair.marks = policy_marks(e);
	return POLICY_OK;
}

/**
 * policy_add() - admit an entity to a CPU
 * @rq: run queue of the CPU
 * @e: the entity, off; afterwards it is blocked
 * @now: the time on that CPU, in ns
 *
 * Return: POLICY_OK. Else nothing is changed: POLICY_INVAL when the state, kind or parameters
 * of @e are wrong; POLICY_NOTHERE when its affinity excludes the CPU; POLICY_BUSY when the CPU
 * has its host world; POLICY_NOROOM when its guarantee, or one more entity, does not fit.
 */
int policy_add(struct runq *rq, struct sched_entity *e, u64 now)
{
	int err = rq_admit(rq, e, now);

	if (err)
		return err;
	e->lag = 0;
	rq_stamp(rq, e);
	e->period = rq->clock;
	e->min_left = quota(e->min);
	e->max_left = quota(e->max);
	e->boost_left = quota(POLICY_BOOST_RATE);
	e->boost_at = rq->clock;
	return POLICY_OK;
}

/**
 * policy_remove() - take an entity off its CPU, whatever its state
 * @e: the entity; if it was running, the caller calls policy_pick()
 * @now: the time on its CPU, in ns
 */
void policy_remove(struct sched_entity *e, u64 now)
{
	struct runq *rq = e->rq;

	if (!rq || e->kind == SCHED_IDLE)
		return;
	policy_block(e, now);
	if (rq->system == e)
		rq->system = NULL;
	rq->entities--;
	rq_give_min(rq, e->min);
	policy_give(rq->machine, e->min);
	e->state = SCHED_OFF;
	e->last = rq;
	e->rq = NULL;
}

/**
 * policy_set() - change what an entity gets
 * @e: the entity, in any state; if it is running, it has been charged
 * @shares: 1 to POLICY_SHARES_MAX
 * @min: guaranteed thousandths of a CPU, at most @max
 * @max: at most these thousandths, POLICY_FULL for no cap
 * @now: the time on its CPU, in ns
 *
 * What it is owed, in ns, stays the same. The caller calls policy_pick() then.
 *
 * Return: POLICY_OK. Else nothing is changed: POLICY_INVAL when the parameters are wrong or @e
 * is on no run queue; POLICY_NOROOM when the guarantee does not fit.
 */
int policy_set(struct sched_entity *e, u32 shares, u32 min, u32 max, u64 now)
{
	struct runq *rq = e->rq;
	bool queued = rq_is_queued(e);
	int err = POLICY_OK;

	if (!rq || e->kind == SCHED_IDLE || !parameters_ok(shares, min, max))
		return POLICY_INVAL;
	if (min > e->min) {
		err = rq_take_min(rq, min - e->min);
		if (!err)
			err = policy_take(rq->machine, min - e->min);
		else
			return err;
		if (err)
			rq_give_min(rq, min - e->min);
	} else {
		rq_give_min(rq, e->min - min);
		policy_give(rq->machine, e->min - min);
	}
	if (err)
		return err;
	rq_see_clock(rq, now);
	if (queued)
		rq_dequeue(rq, e);
	else
		rq_make_up(rq, e);
	roll(e, rq->clock);
	e->shares = shares;
	e->min = min;
	e->max = max;
	e->rest = 0;
	e->min_left = fill(e->min_left, min, 0, 1);
	e->max_left = fill(e->max_left, max, 0, POLICY_BURST);
	rq_stamp(rq, e);
	if (queued)
		rq_enqueue(rq, e);
	return POLICY_OK;
}

/**
 * policy_set_affinity() - change where an entity may run
 * @e: the entity
 * @affinity: a bit for each allowed CPU, or NULL for all; used until changed
 * @cpus: bits in @affinity
 *
 * Return: POLICY_OK. POLICY_NOTHERE: done, but @affinity excludes the CPU of @e: the caller has
 * to stop @e, if it runs, and move it. POLICY_INVAL: nothing is changed, because @e is on no run
 * queue, or is the host world, which may not leave its CPU.
 */
int policy_set_affinity(struct sched_entity *e, const u64 *affinity, u32 cpus)
{
	struct sched_entity as = { .affinity = affinity, .affinity_cpus = cpus };
	bool fair = tree_holds(&e->fair);

	if (!e->rq || e->kind == SCHED_IDLE)
		return POLICY_INVAL;
	if (e->kind == SCHED_SYSTEM && !policy_allowed(&as, e->rq->cpu))
		return POLICY_INVAL;
	if (fair)
		fair_out(e->rq, e);
	e->affinity = affinity;
	e->affinity_cpus = cpus;
	e->fair.marks = policy_marks(e);
	if (fair)
		fair_in(e->rq, e);
	return policy_allowed(e, e->rq->cpu) ? POLICY_OK : POLICY_NOTHERE;
}

/* What happens to an entity. */

/* Does the entity owe less than what a boost may borrow? */
static bool boost_paid(const struct runq *rq, const struct sched_entity *e)
{
	return rq_lag(rq, e) > -(s64)POLICY_BOOST_DEBT;
}

/* Could the policy prefer @e, just made runnable, before the slice that it has granted ends? */
bool rq_decide_anew(const struct runq *rq, const struct sched_entity *e)
{
	const struct sched_entity *curr = rq->curr;

	if (!curr || curr->kind == SCHED_IDLE || rq->open)
		return true;
	if (curr == e)
		return false;
	if (e->throttled)
		return clock_before(e->timed.key, rq->until);
	if (curr->throttled)
		return true;
	if (rq->boost == e && boost_paid(rq, e) &&
	    (e->boost_left > 0 || curr->reason == SCHED_FAIR))
		return true;
	if (curr->reason == SCHED_GUARANTEED || rq->boost == curr)
		return false;
	if (!clock_before(rq->base, e->fair.key) &&
	    clock_before(e->fair.value, curr->fair.value))
		return true;
	/* Its guarantee may be due now, or before the decision ends. */
	return e->min && clock_before(e->timed.key, rq->until);
}

/* Make a blocked entity runnable. Its period begins now, so that its min counts from now on. */
static void make_runnable(struct runq *rq, struct sched_entity *e)
{
	begin_period(e, rq->clock);
	e->state = SCHED_RUNNABLE;
	rq_enqueue(rq, e);
}

/**
 * policy_wake() - make a blocked entity runnable
 * @e: the entity, on the run queue where it is to run; nothing happens if it is not blocked
 * @now: the time on that CPU, in ns
 *
 * The caller charges the running entity first, for the time before @e came.
 *
 * Return: true if the CPU has to policy_pick() now, not at the end of the slice.
 */
bool policy_wake(struct sched_entity *e, u64 now)
{
	struct runq *rq = e->rq;

	if (e->state != SCHED_BLOCKED)
		return false;
	rq_see_clock(rq, now);
	make_runnable(rq, e);
	return rq_decide_anew(rq, e);
}

/**
 * policy_boost() - prefer the host world, for which an interrupt has come
 * @e: the host world's entity, which is woken if it is blocked; nothing happens if it runs
 * @now: the time on its CPU, in ns
 *
 * The boost lasts until @e has run for POLICY_BOOST_SLICE, or blocks. It only borrows: in the
 * long run no other entity loses share by it.
 *
 * Return: true if the CPU has to policy_pick() now.
 */
bool policy_boost(struct sched_entity *e, u64 now)
{
	struct runq *rq = e->rq;
	u64 elapsed;

	if (!rq || rq->system != e || e->state == SCHED_RUNNING)
		return false;
	rq_see_clock(rq, now);
	elapsed = rq->clock - e->boost_at;
	if (elapsed > ELAPSED_LIMIT)
		elapsed = ELAPSED_LIMIT;
	e->boost_left = fill(e->boost_left, POLICY_BOOST_RATE, elapsed, 1);
	e->boost_at = rq->clock;
	e->boost_used = 0;
	rq->boost = e;
	if (e->state == SCHED_BLOCKED)
		make_runnable(rq, e);
	return rq_decide_anew(rq, e);
}

/**
 * policy_block() - block an entity, which waits for something
 * @e: the entity, runnable, or running and charged; else nothing happens
 * @now: the time on its CPU, in ns
 */
void policy_block(struct sched_entity *e, u64 now)
{
	struct runq *rq = e->rq;

	if (!rq_is_queued(e) || e->kind == SCHED_IDLE)
		return;
	rq_see_clock(rq, now);
	rq_dequeue(rq, e);
	e->state = SCHED_BLOCKED;
	if (rq->curr == e)
		rq->curr = NULL;
	if (rq->boost == e)
		rq->boost = NULL;
	if (rq->skip == e)
		rq->skip = NULL;
}

/**
 * policy_yield() - have the next pick prefer other entities to the running one
 * @e: the entity, running and charged; else nothing happens
 * @now: the time on its CPU, in ns
 *
 * The next pick passes over @e if another entity is eligible; a boost of it ends. What @e is
 * owed stays.
 */
void policy_yield(struct sched_entity *e, u64 now)
{
	struct runq *rq = e->rq;

	if (e->state != SCHED_RUNNING || e->kind == SCHED_IDLE)
		return;
	rq_see_clock(rq, now);
	if (rq->boost == e)
		rq->boost = NULL;
	rq->skip = e;
}

/*
 * Take @ran ns from the buckets of @e. Return: the part that its guarantee covers. That allows
 * for an overrun of POLICY_GRAIN, because no timer is shorter.
 */
static u64 charge_buckets(struct sched_entity *e, u64 ran)
{
	s64 covered = e->min_left;

	if (e->reason == SCHED_GUARANTEED)
		covered += POLICY_GRAIN;
	if (!e->min || covered < 0)
		covered = 0;
	covered = clamp(ran, 0, covered);
	e->min_left -= covered;
	if (e->max < POLICY_FULL)
		e->max_left = clamp(e->max_left - ran, -(s64)RAN_LIMIT, e->max_left);
	if (e->reason == SCHED_BOOSTED)
		e->boost_left = clamp(e->boost_left - (s64)ran,
				      -quota(POLICY_BOOST_RATE), e->boost_left);
	return covered;
}

/* Charge an entity that was throttled by an earlier charge, and runs until the next pick. */
static void charge_throttled(struct runq *rq, struct sched_entity *e, u64 ran)
{
	tree_remove(&rq->throttled, &e->timed);
	charge_buckets(e, ran);
	e->lag = clamp(e->lag - (s64)ran, -(s64)POLICY_DEBT, POLICY_CREDIT);
	throttle_in(rq, e);
}

/**
 * policy_charge() - charge an entity for the time that it has run
 * @e: the entity that was picked last, the idle one included
 * @ran: ns that it has run since it was picked, or charged last
 * @now: the time on its CPU, in ns
 */
void policy_charge(struct sched_entity *e, u64 ran, u64 now)
{
	struct runq *rq = e->rq;
	u64 covered;
	bool beyond;

	rq_see_clock(rq, now);
	e->ran += ran;
	if (ran > RAN_LIMIT)
		ran = RAN_LIMIT;
	/* With no entity in the fair tree V is free: its advance pays off debts of blocked ones. */
	if (e->kind == SCHED_IDLE && !rq->weight)
		rq->base += ran << VSHIFT;
	if (e->kind == SCHED_IDLE || e->state != SCHED_RUNNING)
		return;
	e->boost_used += ran;
	if (rq->boost == e && e->boost_used >= POLICY_BOOST_SLICE)
		rq->boost = NULL;
	if (e->throttled) {
		charge_throttled(rq, e, ran);
		return;
	}
	guarantee_out(rq, e);
	fair_leave(rq, e);
	covered = charge_buckets(e, ran);
	beyond = charge_virtual(rq, e, covered, POLICY_MIN_DEBT);
	charge_virtual(rq, e, ran - covered, POLICY_DEBT);
	if (!clock_before(e->fair.key, e->fair.value))
		new_request(rq, e);
	if (beyond && rq->weight) {
		park_entity(rq, e, -(s64)POLICY_MIN_DEBT);
	} else {
		fair_in(rq, e);
		move_base(rq);
	}
	roll(e, rq->clock);
	if (capped(e)) {
		race_leave(rq, e);
		throttle_in(rq, e);
	} else {
		guarantee_in(rq, e);
	}
}

/* The pick. */

/* Release throttled entities that have time again; only a few, so that a pick stays short. */
static void release_throttled(struct runq *rq)
{
	int i;

	for (i = 0; i < POLICY_RELEASES; i++) {
		struct tree_node *node = tree_first(&rq->throttled);
		struct sched_entity *e;

		if (!node || clock_before(rq->clock, node->key))
			return;
		e = policy_of_timed(node);
		rq_dequeue(rq, e);
		roll(e, rq->clock);
		rq_enqueue(rq, e);
	}
}

/* The entity whose guarantee is due, NULL if there is none. */
static struct sched_entity *guarantee_due(const struct runq *rq)
{
	struct tree_node *node = tree_first(&rq->guaranteed);

	if (!node || clock_before(rq->clock, node->key))
		return NULL;
	return policy_of_timed(node);
}

/* The eligible entity with the earliest deadline; one that has yielded only if it is alone. */
static struct tree_node *pick_eligible(struct runq *rq)
{
	struct sched_entity *skip = rq->skip;
	struct tree_node *node = NULL;

	rq->skip = NULL;
	if (skip && tree_holds(&skip->fair)) {
		tree_remove(&rq->fair, &skip->fair);
		node = tree_earliest(&rq->fair, rq->base);
		tree_insert(&rq->fair, &skip->fair);
	}
	return node ? node : tree_earliest(&rq->fair, rq->base);
}

/* The pick by shares. If only parked entities are left, the next of them is unparked for it. */
static struct sched_entity *pick_fair(struct runq *rq)
{
	struct tree_node *node = pick_eligible(rq);
	struct sched_entity *e;

	if (node)
		return policy_of_fair(node);
	if (!rq->parked)
		return rq->idle;
	e = policy_of_timed(tree_first(&rq->guaranteed));
	fair_leave(rq, e);
	e->fair.key = rq->base;
	new_request(rq, e);
	fair_in(rq, e);
	return e;
}

static struct sched_entity *pick_entity(struct runq *rq, u8 *reason)
{
	struct sched_entity *first = guarantee_due(rq);
	struct sched_entity *boost = rq->boost;

	if (boost && !boost->throttled && boost_paid(rq, boost) &&
	    (boost->boost_left > 0 || !first)) {
		*reason = SCHED_BOOSTED;
		return boost;
	}
	if (first) {
		*reason = SCHED_GUARANTEED;
		return first;
	}
	*reason = SCHED_FAIR;
	return pick_fair(rq);
}

/* How many ns @e, the entity picked, may run before another one is due. */
static u64 turn_of(const struct runq *rq, const struct sched_entity *e)
{
	const struct tree_node *next = tree_first(&rq->guaranteed);
	u64 turn, until;

	if (e->reason == SCHED_GUARANTEED)
		return e->min_left;
	if (e->reason == SCHED_BOOSTED)
		return clamp(rq_lag(rq, e) + POLICY_BOOST_DEBT, 0,
			     POLICY_BOOST_SLICE - e->boost_used);
	turn = POLICY_FOREVER;
	if (rq->nr > 1)
		turn = (e->fair.value - e->fair.key) * e->shares >> VSHIFT;
	if (!next || next == &e->timed)
		return turn;
	until = next->key - rq->clock;
	return turn < until ? turn : until;
}

/* turn_of() and what caps allow: that of @e, and those of throttled entities that come back. */
static u64 slice_of(const struct runq *rq, const struct sched_entity *e)
{
	const struct tree_node *next = tree_first(&rq->throttled);
	u64 slice = POLICY_FOREVER;

	if (e->kind != SCHED_IDLE && rq->nr + rq->parked > 1)
		slice = turn_of(rq, e);
	if (e->kind != SCHED_IDLE && e->max < POLICY_FULL &&
	    slice > (u64)e->max_left)
		slice = e->max_left;
	if (next && !clock_before(rq->clock, next->key))
		slice = 0;
	else if (next && slice > next->key - rq->clock)
		slice = next->key - rq->clock;
	return slice < POLICY_GRAIN ? POLICY_GRAIN : slice;
}

/**
 * policy_pick() - decide what runs next
 * @rq: run queue of the CPU; the entity that was running has been charged
 * @now: the time on that CPU, in ns
 * @slice: set to the ns that the entity may run before the next decision, or POLICY_FOREVER
 *
 * Return: the entity, now running; the idle one if no other one can run.
 */
struct sched_entity *policy_pick(struct runq *rq, u64 now, u64 *slice)
{
	struct sched_entity *e;
	u8 reason;

	rq_see_clock(rq, now);
	if (rq->curr)
		rq->curr->state = SCHED_RUNNABLE;
	release_throttled(rq);
	e = pick_entity(rq, &reason);
	if (e->kind != SCHED_IDLE)
		roll(e, rq->clock);
	e->reason = reason;
	e->state = SCHED_RUNNING;
	rq->curr = e;
	*slice = slice_of(rq, e);
	rq->open = rq->nr < 2;
	rq->until = rq->clock + *slice;
	return e;
}
