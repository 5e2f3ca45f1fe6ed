/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The buckets of min and max, and of the boost: time flows in at a rate, and
 * what an entity runs is taken out. The policy's own, see <regent/policy.h>.
 */
#ifndef REGENT_SCHED_BUCKETS_H
#define REGENT_SCHED_BUCKETS_H

#include <regent/policy.h>

#define ELAPSED_LIMIT	(1ull << 40)	/* ns; more fills any bucket */

static inline s64 clamp(s64 value, s64 low, s64 high)
{
	return value < low ? low : value > high ? high : value;
}

static inline s64 quota(u32 rate)
{
	return rate * (POLICY_PERIOD / POLICY_FULL);
}

/* At most @periods of it are saved up. */
static inline s64 fill(s64 left, u32 rate, u64 elapsed, u32 periods)
{
	s64 most = quota(rate) * periods;

	left += rate * elapsed / POLICY_FULL;
	return left > most ? most : left;
}

/* Begin a period at @at, with what the time since the last one brings. */
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

/* As time goes by, periods follow each other without a gap. */
static inline void roll(struct sched_entity *e, u64 now)
{
	u64 elapsed = now - e->period;

	if (!clock_before(now, e->period) && elapsed >= POLICY_PERIOD)
		begin_period(e, now - elapsed % POLICY_PERIOD);
}

/* When a bucket that is now at @left will have something in it. */
static inline u64 time_of_refill(const struct sched_entity *e, s64 left, u32 rate)
{
	if (left > 0)
		return e->period;
	return e->period + (-left / quota(rate) + 1) * POLICY_PERIOD;
}

static inline bool capped(const struct sched_entity *e)
{
	return e->max < POLICY_FULL && e->max_left <= 0;
}

#endif
