/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What always holds for a run queue (see <regent/policy.h>), checked by looking
 * at everything. For the unit tests, the simulation and the fuzzer of the
 * policy. No recursion over bad trees: a wrong height is found before.
 */
#ifndef POLICY_CHECK_H
#define POLICY_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <regent/policy.h>

#define CHECK(what) do { \
	if (!(what)) { \
		fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
		abort(); \
	} \
} while (0)

/* Both ends of a move, as on two CPUs one after the other. */
static inline int policy_move(struct sched_entity *e, struct runq *to, u64 now)
{
	int err = e->rq == to && e->state != SCHED_RUNNING ? POLICY_OK :
		policy_detach(e, to);

	if (!err && e->rq != to) {
		CHECK(!e->rq && !tree_holds(&e->fair) && !tree_holds(&e->timed));
		CHECK(to->coming >= e->shares);
		policy_attach(e, to, now);
	}
	return err;
}

static inline struct sched_entity *policy_steal(struct runq *from, struct runq *to,
						u64 now)
{
	struct sched_entity *e = policy_offer(from, to);

	if (e)
		policy_attach(e, to, now);
	return e;
}

/* Order, balance, and what each node knows of those below. Returns how many. */
static inline u32 check_tree(const struct tree_node *node,
			     const struct tree_node *parent)
{
	u64 earliest = node ? node->value : 0, marks = node ? node->marks : 0;
	int i, high[2] = { 0, 0 };
	u32 count = 1;

	if (!node)
		return 0;
	CHECK(node->parent == parent);
	CHECK(node->height > 0 && node->height < 30);
	for (i = 0; i < 2; i++) {
		const struct tree_node *child = node->child[i];

		if (!child)
			continue;
		CHECK(child->height < node->height);
		CHECK(i ? !clock_before(child->key, node->key) :
			  !clock_before(node->key, child->key));
		high[i] = child->height;
		marks |= child->marks_below;
		if (clock_before(child->earliest, earliest))
			earliest = child->earliest;
		count += check_tree(child, node);
	}
	CHECK(abs(high[0] - high[1]) <= 1);
	CHECK(node->height == 1 + (high[0] > high[1] ? high[0] : high[1]));
	CHECK(node->earliest == earliest && node->marks_below == marks);
	return count;
}

static inline void check_entity(const struct runq *rq, const struct sched_entity *e)
{
	bool queued = e->state == SCHED_RUNNABLE || e->state == SCHED_RUNNING;

	CHECK(e->state == SCHED_OFF ? !e->rq : e->rq == rq);
	CHECK(queued || !e->throttled);
	CHECK(tree_holds(&e->fair) == (queued && !e->throttled && !e->parked));
	CHECK(!e->parked || (queued && e->min && !e->throttled));
	CHECK(tree_holds(&e->timed) == (queued && (e->throttled || e->min)));
	CHECK((e->state == SCHED_RUNNING) == (rq->curr == e));
	CHECK(e->min <= e->max);
	CHECK(e->min_left <= (s64)(e->min * (POLICY_PERIOD / POLICY_FULL)));
	CHECK(e->min_left >= -(s64)POLICY_GRAIN);
	CHECK(e->max_left <= (s64)(e->max * (POLICY_PERIOD / POLICY_FULL)) *
	      (s64)POLICY_BURST);
	CHECK(!queued || e->max == POLICY_FULL || e->throttled == (e->max_left <= 0));
	CHECK(!tree_holds(&e->fair) || !clock_before(e->fair.value, e->fair.key));
}

/* @all: every entity there is, @n of them; those on other run queues are skipped. */
static inline void check_runq(const struct runq *rq, struct sched_entity *const *all,
			      u32 n)
{
	u32 i, entities = 0, min_sum = 0, nr = 0, with_min = 0, throttled = 0;
	u32 movable = 0, parked = 0;
	u64 load = 0, weight = 0;
	s64 sum = 0;

	for (i = 0; i < n; i++) {
		const struct sched_entity *e = all[i];

		if (e->rq != rq)
			continue;
		check_entity(rq, e);
		entities++;
		min_sum += e->min;
		if (e->state >= SCHED_RUNNABLE)
			load += e->shares;
		throttled += e->throttled;
		parked += e->parked;
		with_min += e->min && e->state >= SCHED_RUNNABLE && !e->throttled;
		if (!tree_holds(&e->fair))
			continue;
		nr++;
		movable += e->kind != SCHED_SYSTEM && e->fair.marks;
		weight += e->shares;
		sum += (s64)(e->fair.key - rq->base) * e->shares;
	}
	CHECK(entities == rq->entities && min_sum == rq->min_sum);
	CHECK(min_sum <= POLICY_MIN_LIMIT);
	CHECK(load == rq->load && weight == rq->weight && sum == rq->sum);
	CHECK(nr == rq->nr && movable == rq->movable && parked == rq->parked);
	CHECK(weight ? sum >= 0 && (u64)sum < weight : sum == 0);
	CHECK(check_tree(rq->fair.root, NULL) == nr);
	CHECK(check_tree(rq->guaranteed.root, NULL) == with_min);
	CHECK(check_tree(rq->throttled.root, NULL) == throttled);
	CHECK(!rq->boost || (rq->boost == rq->system &&
			     rq->boost->state >= SCHED_RUNNABLE));
}

/* @e was just picked from @rq by shares; @other must not have a better claim. */
static inline void check_pick(const struct runq *rq, const struct sched_entity *e,
			      const struct sched_entity *other)
{
	if (e->kind == SCHED_IDLE || e->reason != SCHED_FAIR)
		return;
	CHECK(!clock_before(rq->base, e->fair.key));
	CHECK(other->rq != rq || !tree_holds(&other->fair) ||
	      clock_before(rq->base, other->fair.key) ||
	      !clock_before(other->fair.value, e->fair.value));
}

#endif
