// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduling policy of a move, see <regent/policy.h>: one CPU detaches an entity, the
 * other attaches it. Plain logic.
 */
#include <regent/policy.h>
#include "buckets.h"
#include "queue.h"

/**
 * policy_detach() - take an entity off this CPU's run queue, to move to another CPU
 * @e: entity of a VM or a service, not running
 * @to: run queue of the other CPU; its lock is not needed
 *
 * The other CPU reserves the guarantee, and counts the shares as load, from here on. It then
 * calls policy_attach(), which cannot fail, or any CPU calls policy_drop(); until then @e is on
 * no run queue. What @e is owed and its place in its period move with it.
 *
 * Return: POLICY_OK. Else nothing is changed: POLICY_INVAL for an entity on no run queue, on
 * @to, or of a kind that never moves; POLICY_BUSY when it runs; POLICY_NOTHERE when its affinity
 * excludes the other CPU; POLICY_NOROOM when its guarantee, or one more entity, does not fit.
 */
int policy_detach(struct sched_entity *e, struct runq *to)
{
	struct runq *from = e->rq;

	if (!from || from == to || (e->kind != SCHED_VM && e->kind != SCHED_SERVICE))
		return POLICY_INVAL;
	if (e->state == SCHED_RUNNING)
		return POLICY_BUSY;
	if (!policy_allowed(e, to->cpu))
		return POLICY_NOTHERE;
	if (__atomic_load_n(&to->entities, __ATOMIC_RELAXED) >= POLICY_ENTITIES ||
	    rq_take_min(to, e->min))
		return POLICY_NOROOM;
	__atomic_add_fetch(&to->coming, e->shares, __ATOMIC_RELAXED);
	if (from->skip == e)
		from->skip = NULL;
	if (rq_is_queued(e))
		rq_dequeue(from, e);
	else
		rq_make_up(from, e);
	from->entities--;
	rq_give_min(from, e->min);
	e->period -= from->clock;
	e->rq = NULL;
	return POLICY_OK;
}

/**
 * policy_attach() - put an entity from another CPU on this CPU's run queue
 * @e: the entity, after policy_detach()
 * @to: run queue of this CPU, the one that policy_detach() was given
 * @now: the time on this CPU, in ns
 *
 * Return: true if the CPU has to policy_pick() now, not at the end of the slice.
 */
bool policy_attach(struct sched_entity *e, struct runq *to, u64 now)
{
	rq_see_clock(to, now);
	__atomic_sub_fetch(&to->coming, e->shares, __ATOMIC_RELAXED);
	to->entities++;
	e->period += to->clock;
	e->rq = to;
	e->fair.marks = policy_marks(e);
	rq_stamp(to, e);
	if (!rq_is_queued(e))
		return false;
	rq_enqueue(to, e);
	return rq_decide_anew(to, e);
}

/**
 * policy_drop() - undo what policy_detach() has reserved, for an entity that does not arrive
 * @e: the entity, after policy_detach(); it is on no run queue and has to be added anew
 * @to: the run queue that policy_detach() was given; its lock is not needed
 */
void policy_drop(struct sched_entity *e, struct runq *to)
{
	__atomic_sub_fetch(&to->coming, e->shares, __ATOMIC_RELAXED);
	rq_give_min(to, e->min);
	policy_give(to->machine, e->min);
	e->state = SCHED_OFF;
}

/**
 * policy_rejoin() - put an entity back on a run queue soon after policy_remove()
 * @rq: run queue of the CPU, the one from before or another one
 * @e: the entity, off; afterwards it is blocked. Its parameters may be new
 * @now: the time on that CPU, in ns
 *
 * As policy_add(), but what the entity is owed or owes, and what is left of its guarantee and of
 * its cap, stay: an entity that leaves and comes all the time gains and loses nothing by it.
 *
 * Return: as policy_add().
 */
int policy_rejoin(struct runq *rq, struct sched_entity *e, u64 now)
{
	int err;

	if (!e->last)
		return policy_add(rq, e, now);
	err = rq_admit(rq, e, now);
	if (err)
		return err;
	if (e->last != rq)
		rq_stamp(rq, e);
	/* A period of another CPU's, whose clock is ahead, begins now. */
	if (clock_before(rq->clock, e->period))
		e->period = rq->clock;
	roll(e, rq->clock);
	e->min_left = fill(e->min_left, e->min, 0, 1);
	e->max_left = fill(e->max_left, e->max, 0, POLICY_BURST);
	return POLICY_OK;
}

/**
 * policy_lag() - how much service an entity is owed
 * @e: an entity on a run queue
 *
 * Return: the time in ns; negative if the entity has had more than its share.
 */
s64 policy_lag(const struct sched_entity *e)
{
	return tree_holds(&e->fair) ? rq_lag(e->rq, e) : e->lag;
}
