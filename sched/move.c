// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduling policy of a move, see <regent/policy.h>: one CPU lets go, the
 * other takes in. Plain logic.
 */
#include <regent/policy.h>
#include "queue.h"

/**
 * policy_detach() - let go of an entity that is to go to another CPU
 * @e: a VM's or service's entity that is not running
 * @to: run queue of that CPU, of which no lock is needed
 *
 * Its guarantee there is taken, and its shares count as load there: what follows
 * on the other CPU is policy_attach(), which cannot fail, or policy_drop(). Until
 * then @e is on no run queue. What it is owed, and where it is in its period,
 * go with it.
 *
 * Return: POLICY_OK, or an enum policy_error and nothing is changed.
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
 * policy_attach() - take in an entity that has come from another CPU
 * @e: let go of by policy_detach()
 * @to: run queue of this CPU, as there
 * @now: the time here
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
 * policy_drop() - an entity on its way does not arrive
 * @e: let go of by policy_detach(), on no run queue any more afterwards
 * @to: as there
 */
void policy_drop(struct sched_entity *e, struct runq *to)
{
	__atomic_sub_fetch(&to->coming, e->shares, __ATOMIC_RELAXED);
	rq_give_min(to, e->min);
	policy_give(to->machine, e->min);
	e->state = SCHED_OFF;
}
