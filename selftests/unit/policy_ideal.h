/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulation's worlds and CPUs, and what the fluid ideal that
 * <regent/policy.h> defines would give each world.
 */
#ifndef POLICY_IDEAL_H
#define POLICY_IDEAL_H

#include <regent/policy.h>

struct world {
	struct sched_entity e;
	u64 toggle;		/* when it blocks or wakes, if ever */
	u64 on, off;		/* mean ns of being runnable and blocked */
	u64 arrive;		/* or: when more work arrives, if ever */
	u64 every, piece;	/* mean ns from piece to piece, and of a piece */
	u64 work;		/* what it has yet to do */
	double backlog;		/* what it would in the ideal */
	double rate;		/* of the fluid ideal, now */
	double due;		/* what the ideal has given it */
	double floor, ceiling;	/* what min and max have promised so far */
	u64 wait_since;		/* runnable and not running, since */
	u64 wait_max;
};

struct cpu {
	struct runq rq;
	struct sched_entity idle;
	struct sched_entity *curr;
	struct world **world;	/* those here */
	u32 n;
	u64 now;
	u64 slice_end;
	u64 boost_every, boost_next;
	u64 boost_late;		/* longest from boost to running */
	u64 boosted_at;
	u64 decisions;
	bool stale;		/* the ideal has to be computed anew */
	bool ideal;		/* compare with it */
};

static inline struct world *world_of(struct sched_entity *e)
{
	return (struct world *)e;
}

static inline bool wants(const struct world *w)
{
	return w->every ? w->backlog > 0 : w->e.state >= SCHED_RUNNABLE;
}

/* r = clamp(L * shares, min, max), with the L that fills the CPU: by bisection. */
static inline void compute_ideal(struct cpu *c)
{
	double low = 0, high = 2.0;
	bool limits = false;
	u64 shares = 0;
	u32 i, round;

	for (i = 0; i < c->n; i++) {
		shares += wants(c->world[i]) ? c->world[i]->e.shares : 0;
		limits |= c->world[i]->e.min || c->world[i]->e.max < POLICY_FULL;
	}
	/* Without limits there is no need to search. */
	if (!limits && shares)
		low = high = 1.0 / shares;
	for (round = 0; round < (limits ? 60 : 1); round++) {
		double level = (low + high) / 2, sum = 0;

		for (i = 0; i < c->n; i++) {
			struct world *w = c->world[i];
			double min = w->e.min / 1000.0, max = w->e.max / 1000.0;

			w->rate = wants(w) ? level * w->e.shares : 0;
			if (wants(w) && w->rate < min)
				w->rate = min;
			if (w->rate > max)
				w->rate = max;
			sum += w->rate;
		}
		if (sum > 1)
			high = level;
		else
			low = level;
	}
	c->stale = false;
}

static inline void owe(struct world *w, double ns)
{
	double due = w->rate * ns;

	if (w->every) {
		due = w->backlog < due ? w->backlog : due;
		w->backlog -= due;
		if (w->backlog < 0.5)
			w->backlog = 0;
	}
	w->due += due;
	w->ceiling += w->e.max / 1000.0 * ns;
	if (wants(w))
		w->floor += w->e.min / 1000.0 * ns;
}

/* In steps, of which each ends when the work of a world ends in the ideal. */
static inline void advance_ideal(struct cpu *c, double ns)
{
	while (ns > 0) {
		double step = ns;
		u32 i;

		if (c->stale)
			compute_ideal(c);
		for (i = 0; i < c->n; i++) {
			const struct world *w = c->world[i];

			if (w->every && w->rate > 0 && w->backlog / w->rate < step) {
				step = w->backlog / w->rate;
				c->stale = true;
			}
		}
		for (i = 0; i < c->n; i++)
			owe(c->world[i], step);
		ns -= step;
	}
}

#endif
