/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What puts an entity into a run queue and takes it out, for the files of the policy; the code
 * and its comments are in policy.c. The caller holds the run queue's lock, or is, as in K, the
 * only one to touch the run queue.
 */
#ifndef REGENT_SCHED_QUEUE_H
#define REGENT_SCHED_QUEUE_H

#include <regent/policy.h>

/* Is the entity in one of the trees of its run queue? */
static inline bool rq_is_queued(const struct sched_entity *e)
{
	return e->state == SCHED_RUNNABLE || e->state == SCHED_RUNNING;
}

void rq_see_clock(struct runq *rq, u64 now);
void rq_stamp(const struct runq *rq, struct sched_entity *e);
void rq_make_up(const struct runq *rq, struct sched_entity *e);
void rq_enqueue(struct runq *rq, struct sched_entity *e);
void rq_dequeue(struct runq *rq, struct sched_entity *e);
bool rq_decide_anew(const struct runq *rq, const struct sched_entity *e);
s64 rq_lag(const struct runq *rq, const struct sched_entity *e);
int rq_admit(struct runq *rq, struct sched_entity *e, u64 now);
int rq_take_min(struct runq *rq, u32 min);
void rq_give_min(struct runq *rq, u32 min);

#endif
