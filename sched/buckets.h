/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The buckets of min, max and the boost (token buckets, in ns): time flows into a bucket at a
 * rate, and the time that an entity runs is taken out. Private to the policy, see
 * <regent/policy.h>.
 */
#ifndef REGENT_SCHED_BUCKETS_H
#define REGENT_SCHED_BUCKETS_H

#include <regent/policy.h>

#define ELAPSED_LIMIT	(1ull << 40)	/* ns; a longer time fills any bucket, too */

static inline s64 clamp(s64 value, s64 low, s64 high)
{
	return value < low ? low : value > high ? high : value;
}

/* ns that flow in during one period at @rate, in thousandths of a CPU */
static inline s64 quota(u32 rate)
{
	return rate * (POLICY_PERIOD / POLICY_FULL);
}

/* Return: @left and what has flowed in during @elapsed ns, at most the quota of @periods. */
static inline s64 fill(s64 left, u32 rate, u64 elapsed, u32 periods)
{
	s64 most = quota(rate) * periods;

	left += rate * elapsed / POLICY_FULL;
	return left > most ? most : left;
}

/* Begin a period at @at, and let what the time since the last one brings flow in. */
static inline void begin_period(struct sched_entity *e, u64 at)
{
	u64 elapsed = at - e->period;

	if (clock_before(at, e->period))
		return;
	if (elapsed > ELAPSED_LIMIT)
		elapsed = ELAPSED_LIMIT;
	e->min_left = fill(e->min_left, e->min, elapsed, 1);
	e->max_left = fill(e->max_left, e->max, elapsed, POLICY_BURST);
	e->period = at;
}

/* Begin the period that @now is in, unless it has begun: periods follow without a gap. */
static inline void roll(struct sched_entity *e, u64 now)
{
	u64 elapsed = now - e->period;

	if (!clock_before(now, e->period) && elapsed >= POLICY_PERIOD)
		begin_period(e, now - elapsed % POLICY_PERIOD);
}

/* Return: the start of the period in which a bucket that has @left now has time in it. */
static inline u64 time_of_refill(const struct sched_entity *e, s64 left, u32 rate)
{
	if (left > 0)
		return e->period;
	return e->period + (-left / quota(rate) + 1) * POLICY_PERIOD;
}

/* Is the cap of the entity used up? */
static inline bool capped(const struct sched_entity *e)
{
	return e->max < POLICY_FULL && e->max_left <= 0;
}

#endif
