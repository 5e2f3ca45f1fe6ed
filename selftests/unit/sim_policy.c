// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduling policy, simulated: worlds on many CPUs over virtual seconds,
 * beside the fluid ideal that <regent/policy.h> defines. Every number repeats.
 */
#include "unit.h"
#include "policy_check.h"
#include "policy_ideal.h"

#define SECOND		(1000 * POLICY_MS)
#define SPAN		(10 * SECOND)
#define NEVER		(~0ull >> 1)
#define MAX_CPUS	256
#define MAX_WORLDS	65536

static struct policy_machine machine;
static struct cpu *cpus;
static struct world *worlds;
static u64 seed;
static struct runq *places[16];		/* where to wake, if anywhere else */
static u32 n_places;

static void pick(struct cpu *c)
{
	struct sched_entity *was = c->curr;
	u64 slice;
	u32 i;

	c->decisions++;
	c->curr = policy_pick(&c->rq, c->now, &slice);
	for (i = 0; i < c->n && c->n < 16; i++)
		check_pick(&c->rq, c->curr, &c->world[i]->e);
	c->slice_end = slice == POLICY_FOREVER ? NEVER : c->now + slice;
	if (was && was != c->curr && was->kind != SCHED_IDLE &&
	    was->state == SCHED_RUNNABLE)
		world_of(was)->wait_since = c->now;
	if (was != c->curr && c->curr->kind != SCHED_IDLE) {
		struct world *w = world_of(c->curr);
		u64 waited = c->now - w->wait_since;

		if (waited > w->wait_max)
			w->wait_max = waited;
	}
	if (c->curr == c->rq.system && c->boosted_at) {
		if (c->now - c->boosted_at > c->boost_late)
			c->boost_late = c->now - c->boosted_at;
		c->boosted_at = 0;
	}
}

static void advance(struct cpu *c, u64 to)
{
	u64 ran = to - c->now;

	if (c->ideal)
		advance_ideal(c, ran);
	c->now = to;
	if (!c->curr)
		return;
	policy_charge(c->curr, ran, to);
	if (c->curr->kind != SCHED_IDLE && world_of(c->curr)->every) {
		struct world *w = world_of(c->curr);

		w->work -= ran;
		if (!w->work) {
			policy_block(&w->e, to);
			c->curr = NULL;
		}
	}
}

static bool arrive(struct cpu *c, struct world *w)
{
	u64 piece = 1 + unit_below(&seed, 2 * w->piece);

	w->work += piece;
	w->backlog += piece;
	w->arrive = c->now + 1 + unit_below(&seed, 2 * w->every);
	c->stale = true;
	if (w->e.state != SCHED_BLOCKED)
		return false;
	w->wait_since = c->now;
	return policy_wake(&w->e, c->now);
}

static void forget(struct cpu *c, const struct sched_entity *e)
{
	u32 i;

	for (i = 0; &c->world[i]->e != e; i++)
		;
	c->world[i] = c->world[--c->n];
}

static void learn(struct cpu *c, struct sched_entity *e)
{
	c->world = realloc(c->world, (c->n + 1) * sizeof(*c->world));
	c->world[c->n++] = world_of(e);
}

/* Wake on another CPU, if the policy says so; the caller goes on with its own. */
static bool placed_elsewhere(struct cpu *c, struct world *w)
{
	struct runq *to = n_places ? policy_place(&w->e, places, n_places) : &c->rq;
	struct cpu *other = (struct cpu *)to;

	if (to == &c->rq || policy_move(&w->e, to, other->now) != POLICY_OK)
		return false;
	forget(c, &w->e);
	learn(other, &w->e);
	w->toggle = other->now + 1 + unit_below(&seed, 2 * w->on);
	w->wait_since = other->now;
	if (policy_wake(&w->e, other->now))
		pick(other);
	return true;
}

/* Returns whether the CPU has to decide. */
static bool toggle(struct cpu *c, struct world *w)
{
	bool on = wants(w), decide = false;
	u64 mean = on ? w->off : w->on;

	if (on) {
		decide = w->e.state == SCHED_RUNNING;
		policy_block(&w->e, c->now);
		if (decide)
			c->curr = NULL;
	} else if (placed_elsewhere(c, w)) {
		return false;
	} else {
		decide = policy_wake(&w->e, c->now);
		w->wait_since = c->now;
	}
	w->toggle = c->now + 1 + unit_below(&seed, 2 * mean);
	c->stale = true;
	return decide;
}

static bool boost(struct cpu *c)
{
	struct sched_entity *host = c->rq.system;
	bool was_blocked = host->state == SCHED_BLOCKED;

	c->boost_next += c->boost_every;
	if (host->state == SCHED_RUNNING)
		return false;
	if (!c->boosted_at)
		c->boosted_at = c->now;
	if (was_blocked) {
		world_of(host)->wait_since = c->now;
		world_of(host)->toggle = c->now + world_of(host)->on;
		c->stale = true;
	}
	return policy_boost(host, c->now);
}

static u64 next_event(const struct cpu *c, struct world **which)
{
	u64 at = NEVER;
	u32 i;

	*which = NULL;
	for (i = 0; i < c->n; i++) {
		struct world *w = c->world[i];
		u64 own = w->every ? w->arrive : w->toggle;

		if (own < at) {
			*which = w;
			at = own;
		}
	}
	if (c->boost_every && c->boost_next < at) {
		*which = NULL;
		at = c->boost_next;
	}
	return at;
}

/* The CPU keeps to its slice unless policy_wake() or policy_boost() objects. */
static void run(struct cpu *c, u64 until)
{
	struct world *which;
	u64 event = next_event(c, &which);

	if (!c->curr)
		pick(c);
	while (c->now < until) {
		u64 stop = c->slice_end < event ? c->slice_end : event;
		bool decide;

		if (c->curr->kind != SCHED_IDLE && world_of(c->curr)->every &&
		    stop > c->now + world_of(c->curr)->work)
			stop = c->now + world_of(c->curr)->work;
		advance(c, stop < until ? stop : until);
		decide = c->now >= c->slice_end || !c->curr;
		if (c->now >= event) {
			decide |= !which ? boost(c) :
				  which->every ? arrive(c, which) : toggle(c, which);
			event = next_event(c, &which);
		}
		if (decide)
			pick(c);
	}
}

static struct world *new_world(struct cpu *c, u8 kind, u32 shares, u32 min, u32 max)
{
	struct world *w = &worlds[0];

	while (w->e.state != SCHED_OFF)
		w++;
	memset(w, 0, sizeof(*w));
	w->e.kind = kind;
	w->e.shares = shares;
	w->e.min = min;
	w->e.max = max;
	w->toggle = NEVER;
	w->wait_since = c->now;
	if (policy_add(&c->rq, &w->e, c->now) != POLICY_OK)
		return NULL;
	policy_wake(&w->e, c->now);
	c->world = realloc(c->world, (c->n + 1) * sizeof(*c->world));
	c->world[c->n++] = w;
	c->stale = true;
	return w;
}

static int setup(void **state)
{
	u32 i;

	(void)state;
	seed = 0x5eed;
	worlds = calloc(MAX_WORLDS + 1, sizeof(*worlds));
	cpus = calloc(MAX_CPUS, sizeof(*cpus));
	policy_init_machine(&machine, MAX_CPUS);
	for (i = 0; i < MAX_CPUS; i++) {
		cpus[i].ideal = true;
		policy_init_cpu(&cpus[i].rq, &machine, i, &cpus[i].idle, 0);
	}
	return 0;
}

static int teardown(void **state)
{
	u32 i;

	(void)state;
	for (i = 0; i < MAX_CPUS; i++)
		free(cpus[i].world);
	free(cpus);
	free(worlds);
	return 0;
}

static double apart(const struct world *w)
{
	double d = w->e.ran - w->due;

	return d < 0 ? -d : d;
}

struct figures {
	double worst;		/* of the ideal, of those due 100 ms or more */
	double worst_ns;
	u64 wait;
	u64 decisions;
};

/* Within 2% of the ideal, or within @slack ns where that is more. */
static struct figures compare(const struct cpu *c, double slack)
{
	struct figures f = { .decisions = c->decisions };
	u32 i;

	for (i = 0; i < c->n; i++) {
		const struct world *w = c->world[i];
		double limit = w->due * 0.02 > slack ? w->due * 0.02 : slack;

		if (apart(w) > limit)
			print_error("shares %u min %u max %u: due %.3f ms, ran %.3f ms\n",
				    w->e.shares, w->e.min, w->e.max,
				    w->due / 1e6, w->e.ran / 1e6);
		assert_true(apart(w) <= limit);
		if (w->due >= 1e8 && apart(w) / w->due > f.worst)
			f.worst = apart(w) / w->due;
		if (apart(w) > f.worst_ns)
			f.worst_ns = apart(w);
		if (w->wait_max > f.wait)
			f.wait = w->wait_max;
	}
	return f;
}

static void add_figures(struct figures *all, struct figures f)
{
	all->decisions += f.decisions;
	if (f.worst > all->worst)
		all->worst = f.worst;
	if (f.worst_ns > all->worst_ns)
		all->worst_ns = f.worst_ns;
	if (f.wait > all->wait)
		all->wait = f.wait;
}

static void say(const char *what, struct figures f)
{
	print_message("# %s: off the ideal by at most %.3f%% (%.3f ms), "
		      "waited at most %.1f ms, %llu decisions\n",
		      what, f.worst * 100, f.worst_ns / 1e6, f.wait / 1e6, f.decisions);
}

/* Nobody waits longer than its share of what guarantees leave, and its cap, make it. */
static void assert_no_starvation(const struct cpu *c)
{
	u64 weight = 0;
	u32 i;

	for (i = 0; i < c->n; i++)
		weight += c->world[i]->e.shares;
	for (i = 0; i < c->n; i++) {
		const struct world *w = c->world[i];
		u64 turn = POLICY_SLICE_MAX * weight / w->e.shares *
			   POLICY_FULL / (POLICY_FULL - c->rq.min_sum) +
			   POLICY_SLICE_MAX * POLICY_FULL / w->e.max;

		if (turn < SPAN)
			assert_true(w->wait_max <= 2 * turn + 4 * POLICY_PERIOD);
	}
}

static void check_cpu(struct cpu *c)
{
	struct sched_entity **all = calloc(c->n, sizeof(*all));
	u32 i;

	for (i = 0; i < c->n; i++)
		all[i] = &c->world[i]->e;
	check_runq(&c->rq, all, c->n);
	free(all);
}

/* 1,000 VMs and 256 host worlds, all busy, shares from 1 to 100. */
static void thousand_worlds(void **state)
{
	struct figures all = { 0 };
	u32 i;

	(void)state;
	for (i = 0; i < 256; i++)
		new_world(&cpus[i], SCHED_SYSTEM, 20 + unit_below(&seed, 80), 0, 1000);
	for (i = 0; i < 1000; i++)
		new_world(&cpus[i % 256], SCHED_VM, 1 + unit_below(&seed, 100), 0, 1000);
	for (i = 0; i < 256; i++) {
		run(&cpus[i], SPAN);
		add_figures(&all, compare(&cpus[i], 2.0 * POLICY_SLICE_MAX));
		assert_no_starvation(&cpus[i]);
		check_cpu(&cpus[i]);
	}
	say("1,000 worlds", all);
}

static void limited_world(struct cpu *c, u8 kind)
{
	u32 max = unit_below(&seed, 3) ? 1000 : 20 + unit_below(&seed, 980);
	u32 min = unit_below(&seed, 3) ? 0 : unit_below(&seed, 400);

	/* When it is refused, it is because there is no room left. */
	if (min > max)
		min = max;
	if (!new_world(c, kind, 1 + unit_below(&seed, 100), min, max))
		assert_true(c->rq.min_sum + min > POLICY_MIN_LIMIT);
}

/* The same with guarantees and caps, which have to hold to the period. */
static void guarantees_and_caps(void **state)
{
	struct figures all = { 0 };
	u32 i, j;

	(void)state;
	for (i = 0; i < 256; i++) {
		struct cpu *c = &cpus[i];

		limited_world(c, SCHED_SYSTEM);
		for (j = 0; j < 4; j++)
			limited_world(c, SCHED_VM);
		run(c, SPAN);
		for (j = 0; j < c->n; j++) {
			struct world *w = c->world[j];

			assert_true(w->e.ran + POLICY_PERIOD >= SPAN / 1000 * w->e.min);
			assert_true(w->e.max == POLICY_FULL || w->e.ran <=
				    (SPAN + POLICY_BURST * POLICY_PERIOD) / 1000 *
				    w->e.max + POLICY_GRAIN);
		}
		add_figures(&all, compare(c, 4.0 * POLICY_SLICE_MAX));
		assert_no_starvation(c);
		check_cpu(c);
	}
	say("min and max", all);
}

/* Mixtures that simpler policies got wrong by 5 to 30%; shares, min, max. */
static void hard_mixtures(void **state)
{
	static const u32 mixture[][5][3] = {
		/* Parked and capped at once, beside one near its cap. */
		{ {89, 0, 117}, {9, 41, 1000}, {30, 300, 300}, {89, 0, 1000}, {64, 320, 1000} },
		{ {13, 0, 20}, {25, 0, 1000}, {68, 235, 235}, {3, 60, 1000}, {14, 360, 1000} },
		{ {90, 0, 1000}, {41, 241, 241}, {41, 0, 56}, {52, 356, 1000}, {4, 0, 290} },
		/* A low cap that large guarantees leave little time for. */
		{ {69, 0, 939}, {85, 334, 545}, {80, 313, 1000}, {6, 0, 1000}, {58, 0, 101} },
		{ {86, 391, 1000}, {59, 0, 1000}, {48, 0, 22}, {97, 364, 576}, {19, 0, 575} },
		{ {56, 0, 1000}, {28, 0, 247}, {78, 0, 1000}, {3, 0, 20}, {18, 0, 1000} },
		/* A share just below the cap, beside others that are capped. */
		{ {71, 0, 141}, {19, 0, 1000}, {99, 0, 1000}, {47, 0, 179}, {84, 0, 1000} },
		{ {27, 0, 48}, {37, 0, 168}, {64, 0, 386}, {48, 0, 859}, {74, 253, 1000} },
		{ {26, 0, 326}, {43, 0, 1000}, {36, 24, 24}, {97, 387, 424}, {67, 0, 1000} },
		{ {44, 0, 1000}, {46, 0, 1000}, {1, 0, 1000}, {47, 0, 312}, {75, 112, 112} },
	};
	struct figures all = { 0 };
	u32 i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(mixture); i++) {
		for (j = 0; j < 5; j++)
			assert_non_null(new_world(&cpus[i], SCHED_VM, mixture[i][j][0],
						  mixture[i][j][1], mixture[i][j][2]));
		run(&cpus[i], SPAN);
		add_figures(&all, compare(&cpus[i], 4.0 * POLICY_SLICE_MAX));
	}
	say("hard mixtures", all);
}

static void random_set(struct cpu *c)
{
	struct world *w = c->world[unit_below(&seed, c->n)];
	u32 max = unit_below(&seed, 2) ? 1000 : 100 + unit_below(&seed, 900);
	u32 min = unit_below(&seed, 2) ? 0 : unit_below(&seed, 300);

	advance(c, c->now);
	policy_set(&w->e, 1 + unit_below(&seed, 100), min < max ? min : max, max, c->now);
	c->stale = true;
	pick(c);
}

/* Work arrives at random, 80% or 160% of what the CPU can do; shares change. */
static void random_arrivals(void **state)
{
	struct figures all = { 0 };
	u32 i, j;

	(void)state;
	for (i = 0; i < 40; i++) {
		struct cpu *c = &cpus[i];

		for (j = 0; j < 12; j++) {
			struct world *w = new_world(c, SCHED_VM, 1 + unit_below(&seed, 100),
						    0, 1000);

			policy_block(&w->e, c->now);
			w->piece = (200 * POLICY_US) << unit_below(&seed, 9);
			w->every = w->piece * (i % 2 ? 15 : 8);
			w->arrive = unit_below(&seed, 2 * w->every);
		}
		for (j = 1; j <= 100; j++) {
			struct world *w = c->world[unit_below(&seed, c->n)];

			run(c, SPAN / 100 * j);
			check_cpu(c);
			advance(c, c->now);
			policy_set(&w->e, 1 + unit_below(&seed, 100), 0, 1000, c->now);
			c->stale = true;
			pick(c);
		}
		add_figures(&all, compare(c, 2.0 * POLICY_SLICE_MAX));
	}
	say("random arrivals, shares", all);
}

/* Everything at once, with boosts: no ideal is defined, but min and max hold. */
static void random_everything(void **state)
{
	double shortest = 0, over = 0;
	u32 i, j;

	(void)state;
	for (i = 0; i < 50; i++) {
		struct cpu *c = &cpus[i];

		for (j = 0; j < 10; j++)
			limited_world(c, j ? SCHED_VM : SCHED_SYSTEM);
		for (j = 0; j < c->n; j++) {
			c->world[j]->on = POLICY_MS << unit_below(&seed, 9);
			c->world[j]->off = POLICY_MS << unit_below(&seed, 9);
			c->world[j]->toggle = unit_below(&seed, 2 * c->world[j]->on);
		}
		c->boost_every = 300 * POLICY_US + unit_below(&seed, POLICY_MS);
		for (j = 1; j <= 200; j++) {
			run(c, SPAN / 200 * j);
			check_cpu(c);
			if (j % 5 == 0)
				random_set(c);
		}
		for (j = 0; j < c->n; j++) {
			struct world *w = c->world[j];

			assert_true(w->e.ran >= w->floor - 2 * POLICY_PERIOD);
			assert_true(w->e.ran <= w->ceiling + 5 * POLICY_PERIOD);
			if (w->floor - w->e.ran > shortest)
				shortest = w->floor - w->e.ran;
			if (w->e.max < POLICY_FULL && w->e.ran - w->ceiling > over)
				over = w->e.ran - w->ceiling;
		}
	}
	print_message("# random everything: at most %.3f ms below min, %.3f ms above max\n",
		      shortest / 1e6, over / 1e6);
}

/* From 1 to 65,536 on one CPU. */
static void share_ratios(void **state)
{
	struct cpu *c = &cpus[0];
	u32 i;

	(void)state;
	for (i = 0; i <= 16; i++)
		new_world(c, SCHED_VM, 1u << i, 0, 1000);
	for (i = 0; i < 100; i++)
		new_world(c, SCHED_VM, 65536, 0, 1000);
	run(c, 10 * SPAN);
	say("shares 1 to 65,536 in 100 s", compare(c, 2.0 * POLICY_SLICE_MAX));
	check_cpu(c);
}

/*
 * Interrupts every 50 us at a host that computes all the time: it gets its
 * share and no more. At one that sleeps in between: it runs at once.
 */
static void boost_steals_nothing(void **state)
{
	struct cpu *busy = &cpus[0], *calm = &cpus[1], *guarantee = &cpus[2];
	u32 i;

	(void)state;
	new_world(busy, SCHED_SYSTEM, 100, 0, 1000);
	for (i = 0; i < 3; i++)
		new_world(busy, SCHED_VM, 100, 0, 1000);
	busy->boost_every = 50 * POLICY_US;
	run(busy, SPAN);
	say("boost storm", compare(busy, 2.0 * POLICY_SLICE_MAX));

	/* A small guarantee beside a host that is nearly everything. */
	new_world(guarantee, SCHED_SYSTEM, 65536, 0, 1000);
	new_world(guarantee, SCHED_VM, 1, 800, 1000);
	guarantee->boost_every = 50 * POLICY_US;
	run(guarantee, SPAN);
	say("boost storm beside min", compare(guarantee, 2.0 * POLICY_SLICE_MAX));
	assert_true(guarantee->world[1]->wait_max <= POLICY_PERIOD);

	new_world(calm, SCHED_SYSTEM, 100, 0, 1000);
	for (i = 0; i < 3; i++)
		new_world(calm, SCHED_VM, 100, 0, 1000);
	new_world(calm, SCHED_VM, 100, 500, 1000);
	calm->world[0]->on = 20 * POLICY_US;
	calm->world[0]->off = SPAN * 10;
	calm->world[0]->toggle = calm->world[0]->on;
	calm->boost_every = 990 * POLICY_US;
	calm->boost_next = POLICY_MS;
	run(calm, SPAN);
	print_message("# a host that sleeps runs %llu ns after its interrupt\n",
		      calm->boost_late);
	assert_int_equal(calm->boost_late, 0);
	assert_true(calm->world[0]->e.ran > SPAN / 990 * 19);
}

static u64 cost_of(struct cpu *c, u64 *worst)
{
	u64 i, total = 0;

	*worst = 0;
	for (i = 0; i < 3000; i++) {
		struct world *w = c->world[unit_below(&seed, c->n)];
		u64 before = tree_steps, steps;

		advance(c, c->now + 50000 + unit_below(&seed, 100000));
		if (i % 3 == 0 && &w->e != c->curr) {
			policy_block(&w->e, c->now);
			policy_wake(&w->e, c->now);
		}
		pick(c);
		steps = tree_steps - before;
		total += steps;
		if (steps > *worst)
			*worst = steps;
	}
	return total / 3000;
}

/* Nodes visited by charge, block, wake and pick together, for n worlds. */
static void cost_is_logarithmic(void **state)
{
	struct cpu *c = &cpus[0];
	u32 log2, n = 0;

	(void)state;
	c->ideal = false;
	pick(c);
	for (log2 = 2; log2 <= 15; log2++) {
		u64 mean, worst;

		for (; n < 1u << log2; n++) {
			struct world *w = &worlds[n];

			w->e.kind = SCHED_VM;
			w->e.shares = 1 + unit_below(&seed, 1000);
			w->e.min = n % 64 == 0;
			w->e.max = n % 5 ? 1000 : 20;
			assert_int_equal(policy_add(&c->rq, &w->e, c->now), POLICY_OK);
			policy_wake(&w->e, c->now);
			c->world = realloc(c->world, (n + 1) * sizeof(*c->world));
			c->world[c->n++] = w;
		}
		mean = cost_of(c, &worst);
		if (log2 % 3 == 0)
			print_message("# %u worlds: %llu steps a decision, at most %llu\n",
				      n, mean, worst);
		assert_true(mean <= 16 * (log2 + 2));
		assert_true(worst <= 60 * (log2 + 2));
	}
	check_cpu(c);
}

static void steal(struct cpu *c, struct runq **rqs, u32 n)
{
	struct runq *from = policy_busiest(&c->rq, rqs, n);
	struct sched_entity *e = from ? policy_steal(from, &c->rq, c->now) : NULL;

	if (!e)
		return;
	assert_true(e->kind != SCHED_SYSTEM && policy_allowed(e, c->rq.cpu));
	forget((struct cpu *)from, e);
	learn(c, e);
	pick(c);
}

/* All start on one CPU; idle ones steal until all have work; nobody is lost. */
static void stealing(void **state)
{
	static const u64 two = 3;	/* CPUs 0 and 1 */
	u64 t, busy = 0;
	u32 i;

	(void)state;
	for (i = 0; i < 16; i++) {
		cpus[i].ideal = false;
		places[i] = &cpus[i].rq;
		new_world(&cpus[i], SCHED_SYSTEM, 10, 0, 1000);
		cpus[i].world[0]->on = POLICY_MS;
		cpus[i].world[0]->off = 20 * POLICY_MS;
		cpus[i].world[0]->toggle = POLICY_MS;
	}
	for (i = 0; i < 64; i++) {
		struct world *w = new_world(&cpus[0], SCHED_VM, 100, i % 9, 1000);

		if (i % 16 == 0)
			policy_set_affinity(&w->e, &two, 2);
		w->on = 5 * POLICY_MS;
		w->off = 2 * POLICY_MS;
		w->toggle = unit_below(&seed, w->on);
	}
	n_places = 16;
	for (t = POLICY_MS; t <= SPAN; t += POLICY_MS / 4) {
		for (i = 0; i < 16; i++) {
			run(&cpus[i], t);
			if (cpus[i].curr->kind == SCHED_IDLE)
				steal(&cpus[i], places, 16);
		}
	}
	for (i = 0; i < 16; i++) {
		check_cpu(&cpus[i]);
		busy += SPAN - cpus[i].idle.ran;
	}
	n_places = 0;
	for (i = 16; i < 80; i++)
		assert_true(policy_allowed(&worlds[i].e, worlds[i].e.rq->cpu) &&
			    worlds[i].e.ran > SPAN / 10);
	print_message("# stealing: %.2f of 16 CPUs busy\n", (double)busy / SPAN);
	assert_true(busy > SPAN * 155 / 10);
}

int main(void)
{
#define SIM(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		SIM(thousand_worlds),
		SIM(guarantees_and_caps),
		SIM(hard_mixtures),
		SIM(random_arrivals),
		SIM(random_everything),
		SIM(share_ratios),
		SIM(boost_steals_nothing),
		SIM(cost_is_logarithmic),
		SIM(stealing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
