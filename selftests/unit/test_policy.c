// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduling policy, call by call, and its tree against a sorted array.
 * What it amounts to over seconds is in sim_policy.c.
 */
#include "unit.h"
#include "policy_check.h"

#define CPUS	3
#define START	(0 - 5 * POLICY_MS)	/* the clock wraps round on the way */

struct fixture {
	struct policy_machine machine;
	struct runq rq[CPUS];
	struct sched_entity idle[CPUS];
	struct sched_entity e[80];
	u64 now;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	u32 i;

	f->now = START;
	policy_init_machine(&f->machine, CPUS);
	for (i = 0; i < CPUS; i++)
		policy_init_cpu(&f->rq[i], &f->machine, i, &f->idle[i], f->now);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static int try(struct fixture *f, u32 i, u8 kind, u32 shares, u32 min, u32 max)
{
	f->e[i].kind = kind;
	f->e[i].shares = shares;
	f->e[i].min = min;
	f->e[i].max = max;
	return policy_add(&f->rq[0], &f->e[i], f->now);
}

static struct sched_entity *awake(struct fixture *f, u32 i, u8 kind, u32 shares,
				  u32 min, u32 max)
{
	assert_int_equal(try(f, i, kind, shares, min, max), POLICY_OK);
	policy_wake(&f->e[i], f->now);
	return &f->e[i];
}

/* Run what is picked on CPU 0, for its slice or until @until. */
static struct sched_entity *turn(struct fixture *f, u64 until)
{
	u64 slice;
	struct sched_entity *e = policy_pick(&f->rq[0], f->now, &slice);

	if (slice > until - f->now)
		slice = until - f->now;
	f->now += slice;
	policy_charge(e, slice, f->now);
	return e;
}

static void run_for(struct fixture *f, u64 ns)
{
	u64 until = f->now + ns;

	while (f->now != until)
		turn(f, until);
}

static void parameters(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(try(f, 0, SCHED_VM, 0, 0, 1000), POLICY_INVAL);
	assert_int_equal(try(f, 0, SCHED_VM, 65537, 0, 1000), POLICY_INVAL);
	assert_int_equal(try(f, 0, SCHED_VM, 1, 0, 1001), POLICY_INVAL);
	assert_int_equal(try(f, 0, SCHED_VM, 1, 0, 0), POLICY_INVAL);
	assert_int_equal(try(f, 0, SCHED_VM, 1, 501, 500), POLICY_INVAL);
	assert_int_equal(try(f, 0, SCHED_IDLE, 1, 0, 1000), POLICY_INVAL);
	assert_int_equal(try(f, 0, SCHED_SYSTEM, 1, 0, 1000), POLICY_OK);
	assert_int_equal(try(f, 0, SCHED_SYSTEM, 1, 0, 1000), POLICY_INVAL);
	assert_int_equal(try(f, 1, SCHED_SYSTEM, 1, 0, 1000), POLICY_BUSY);
	assert_int_equal(policy_set(&f->e[0], 0, 0, 1000, f->now), POLICY_INVAL);
	assert_int_equal(policy_set(&f->e[0], 1, 2, 1, f->now), POLICY_INVAL);
	assert_int_equal(policy_set(&f->e[2], 1, 0, 1000, f->now), POLICY_INVAL);
	policy_remove(&f->e[0], f->now);
	assert_int_equal(try(f, 1, SCHED_SYSTEM, 1, 0, 1000), POLICY_OK);
}

/* Neither a CPU nor the machine promises what it has not got. */
static void admission(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(try(f, 0, SCHED_VM, 1, 500, 1000), POLICY_OK);
	assert_int_equal(try(f, 1, SCHED_VM, 1, 401, 1000), POLICY_NOROOM);
	assert_int_equal(try(f, 1, SCHED_VM, 1, 400, 1000), POLICY_OK);
	assert_int_equal(try(f, 2, SCHED_VM, 1, 1, 1000), POLICY_NOROOM);
	assert_int_equal(try(f, 2, SCHED_VM, 1, 0, 1000), POLICY_OK);
	assert_int_equal(policy_set(&f->e[2], 1, 1, 1000, f->now), POLICY_NOROOM);
	assert_int_equal(policy_set(&f->e[1], 1, 399, 1000, f->now), POLICY_OK);
	assert_int_equal(policy_set(&f->e[2], 1, 1, 1000, f->now), POLICY_OK);
	assert_int_equal(f->machine.min_sum, 900);

	/* Another CPU has room for one of them, and only once. */
	assert_int_equal(policy_move(&f->e[0], &f->rq[1], f->now), POLICY_OK);
	assert_int_equal(policy_move(&f->e[1], &f->rq[1], f->now), POLICY_OK);
	assert_int_equal(policy_move(&f->e[2], &f->rq[1], f->now), POLICY_OK);
	assert_int_equal(try(f, 3, SCHED_VM, 1, 10, 1000), POLICY_OK);
	assert_int_equal(policy_move(&f->e[3], &f->rq[1], f->now), POLICY_NOROOM);
	assert_int_equal(f->machine.min_sum, 910);

	f->machine.min_limit = 1000;
	assert_int_equal(try(f, 4, SCHED_VM, 1, 91, 1000), POLICY_NOROOM);
	assert_int_equal(policy_set(&f->e[3], 1, 101, 1000, f->now), POLICY_NOROOM);
	assert_int_equal(try(f, 4, SCHED_VM, 1, 90, 1000), POLICY_OK);
	policy_remove(&f->e[0], f->now);
	policy_remove(&f->e[4], f->now);
	assert_int_equal(f->machine.min_sum, 410);
	assert_int_equal(f->rq[1].min_sum, 400);
}

static void idle_and_alone(void **state)
{
	struct fixture *f = *state;
	struct sched_entity *e;
	u64 slice;

	assert_ptr_equal(policy_pick(&f->rq[0], f->now, &slice), &f->idle[0]);
	assert_int_equal(slice, POLICY_FOREVER);
	assert_int_equal(try(f, 0, SCHED_VM, 1, 0, 1000), POLICY_OK);
	e = &f->e[0];
	assert_true(policy_wake(e, f->now));
	assert_false(policy_wake(e, f->now));
	assert_ptr_equal(policy_pick(&f->rq[0], f->now, &slice), e);
	assert_int_equal(slice, POLICY_FOREVER);
	/* Nobody set a timer for who comes now: decide, however little it has. */
	assert_int_equal(try(f, 1, SCHED_VM, 1, 0, 1000), POLICY_OK);
	assert_true(policy_wake(&f->e[1], f->now));
	policy_pick(&f->rq[0], f->now, &slice);
	assert_int_equal(slice, POLICY_SLICE_MAX);
	policy_remove(e, f->now);
	policy_block(&f->e[1], f->now);
	assert_ptr_equal(policy_pick(&f->rq[0], f->now, &slice), &f->idle[0]);
}

static void cap_is_exact(void **state)
{
	struct fixture *f = *state;
	struct sched_entity *e = awake(f, 0, SCHED_VM, 1, 0, 250);
	u64 slice;

	assert_ptr_equal(policy_pick(&f->rq[0], f->now, &slice), e);
	assert_int_equal(slice, POLICY_PERIOD / 4);
	run_for(f, POLICY_PERIOD);
	assert_int_equal(e->ran, POLICY_PERIOD / 4);
	run_for(f, 99 * POLICY_PERIOD);
	assert_int_equal(e->ran, 100 * POLICY_PERIOD / 4);
	assert_int_equal(f->idle[0].ran, 100 * POLICY_PERIOD * 3 / 4);

	/* An overrun is paid back: here K came back 40 ms late. */
	policy_pick(&f->rq[0], f->now, &slice);
	f->now += 4 * POLICY_PERIOD;
	policy_charge(e, 4 * POLICY_PERIOD, f->now);
	assert_true(e->throttled);
	run_for(f, 96 * POLICY_PERIOD);
	assert_in_range(e->ran, 200 * POLICY_PERIOD / 4,
			(200 + POLICY_BURST) * POLICY_PERIOD / 4);
}

/* A cap that lets less than a grain through at a time still holds on average. */
static void tiny_cap_and_min(void **state)
{
	struct fixture *f = *state;
	struct sched_entity *cap = awake(f, 0, SCHED_VM, 65536, 0, 1);
	struct sched_entity *min = awake(f, 1, SCHED_VM, 1, 1, 1000);

	awake(f, 2, SCHED_VM, 65536, 0, 1000);
	run_for(f, 1000 * POLICY_PERIOD);
	assert_in_range(cap->ran, 9900 * POLICY_US, 10100 * POLICY_US);
	assert_in_range(min->ran, 9900 * POLICY_US, 10300 * POLICY_US);
}

static void guarantee_first(void **state)
{
	struct fixture *f = *state;
	struct sched_entity *big = awake(f, 0, SCHED_VM, 65536, 0, 1000);
	struct sched_entity *min = awake(f, 1, SCHED_VM, 1, 300, 1000);
	u64 slice, before;

	assert_ptr_equal(policy_pick(&f->rq[0], f->now, &slice), min);
	assert_int_equal(slice, 3 * POLICY_MS);
	run_for(f, POLICY_PERIOD);
	assert_int_equal(min->ran, 3 * POLICY_MS);
	/* Who sleeps and wakes finds its guarantee, at once. */
	policy_block(min, f->now);
	run_for(f, 50 * POLICY_PERIOD);
	policy_pick(&f->rq[0], f->now, &slice);
	assert_true(policy_wake(min, f->now));
	assert_ptr_equal(policy_pick(&f->rq[0], f->now, &slice), min);
	/* But waking often does not give more than the rate. */
	before = min->ran;
	for (u32 i = 0; i < 1000; i++) {
		run_for(f, POLICY_MS);
		policy_block(min, f->now);
		policy_wake(min, f->now);
	}
	assert_in_range(min->ran - before, 290 * POLICY_MS, 310 * POLICY_MS);
	/* Alone it gets everything, and no timer but for its periods. */
	policy_block(big, f->now);
	before = min->ran;
	run_for(f, 10 * POLICY_PERIOD);
	assert_int_equal(min->ran - before, 10 * POLICY_PERIOD);
	/* A guarantee beyond the share leaves no debt beyond the bound. */
	policy_wake(big, f->now);
	run_for(f, 100 * POLICY_PERIOD);
	assert_true(policy_lag(min) >= -(s64)(POLICY_MIN_DEBT + POLICY_MS));
	assert_int_equal(policy_set(min, 65536, 0, 1000, f->now), POLICY_OK);
	before = min->ran;
	run_for(f, 20 * POLICY_PERIOD);
	assert_true(min->ran - before >= 7 * POLICY_PERIOD);
}

/* Whatever it owes by shares, a guarantee counts when it wakes, and fills asleep. */
static void guarantee_at_wakeup(void **state)
{
	struct fixture *f = *state;
	struct sched_entity *min = awake(f, 0, SCHED_VM, 1, 300, 1000);
	u64 slice;

	awake(f, 1, SCHED_VM, 65536, 0, 1000);
	awake(f, 2, SCHED_VM, 65536, 0, 1000);
	run_for(f, 20 * POLICY_PERIOD + 3 * POLICY_MS);
	assert_true(min->parked);
	assert_int_equal(min->ran, 63 * POLICY_MS);
	assert_ptr_not_equal(policy_pick(&f->rq[0], f->now, &slice), min);
	policy_block(min, f->now);
	run_for(f, 4 * POLICY_MS);
	policy_pick(&f->rq[0], f->now, &slice);
	assert_true(policy_wake(min, f->now));
	assert_true(policy_lag(min) < 0);
	assert_ptr_equal(policy_pick(&f->rq[0], f->now, &slice), min);
	assert_int_equal(slice, 2100 * POLICY_US);

	/* Parked and left alone, it is back. */
	run_for(f, 20 * POLICY_PERIOD + 4 * POLICY_MS);
	assert_true(min->parked);
	policy_block(&f->e[1], f->now);
	policy_block(&f->e[2], f->now);
	run_for(f, 20 * POLICY_PERIOD);
	assert_false(min->parked);
	assert_int_equal(f->idle[0].ran, 0);
}

static void boost_borrows(void **state)
{
	struct fixture *f = *state;
	struct sched_entity *host = awake(f, 0, SCHED_SYSTEM, 1, 0, 1000);
	struct sched_entity *vm = awake(f, 1, SCHED_VM, 1, 0, 1000);
	u64 slice, i;

	run_for(f, 10 * POLICY_PERIOD);
	while (turn(f, f->now + POLICY_FOREVER / 2) != host)
		;
	policy_pick(&f->rq[0], f->now, &slice);
	assert_ptr_equal(f->rq[0].curr, vm);
	assert_false(policy_boost(vm, f->now));
	assert_true(policy_boost(host, f->now));
	for (i = 0; i < 2; i++) {
		assert_ptr_equal(f->rq[0].boost, host);
		assert_ptr_equal(policy_pick(&f->rq[0], f->now, &slice), host);
		assert_int_equal(host->reason, SCHED_BOOSTED);
		assert_int_equal(slice, POLICY_BOOST_SLICE / (i + 1));
		assert_false(policy_boost(host, f->now));
		f->now += POLICY_BOOST_SLICE / 2;
		policy_charge(host, POLICY_BOOST_SLICE / 2, f->now);
	}
	assert_null(f->rq[0].boost);
	/* Its credit is used up: the next interrupts wait. */
	for (i = 0; i < 20; i++) {
		policy_boost(host, f->now);
		run_for(f, POLICY_BOOST_SLICE);
		assert_true(policy_lag(host) >= -(s64)(POLICY_BOOST_DEBT + POLICY_SLICE_MAX));
	}
	policy_block(host, f->now);
	assert_null(f->rq[0].boost);
	policy_boost(host, f->now);
	assert_int_equal(host->state, SCHED_RUNNABLE);
	policy_remove(host, f->now);
	assert_null(f->rq[0].boost);
	policy_pick(&f->rq[0], f->now, &slice);
}

/* What somebody is owed survives sleep, moving and new shares, within bounds. */
static void lag_is_kept(void **state)
{
	struct fixture *f = *state;
	struct sched_entity *a = awake(f, 0, SCHED_VM, 100, 0, 1000);
	struct sched_entity *b = awake(f, 1, SCHED_VM, 300, 0, 1000);
	struct sched_entity *c = awake(f, 2, SCHED_VM, 50, 0, 1000);
	s64 lag;
	u64 slice;
	u32 i;

	run_for(f, 7 * POLICY_MS);
	for (i = 0; i < 3; i++) {
		lag = policy_lag(&f->e[i]);
		assert_int_not_equal(lag, 0);
		policy_set(&f->e[i], 7 + 100 * i, 0, 1000, f->now);
		assert_in_range(policy_lag(&f->e[i]) - lag + 100, 0, 200);
	}
	policy_block(c, f->now);
	lag = policy_lag(c);
	policy_wake(c, f->now);
	assert_in_range(policy_lag(c) - lag + 100, 0, 200);
	/* An hour's overrun and a year's sleep: neither debt nor credit explode. */
	policy_pick(&f->rq[0], f->now, &slice);
	policy_charge(f->rq[0].curr, 3600ull * 1000 * POLICY_MS, f->now += POLICY_MS);
	a = f->rq[0].curr;
	assert_in_range(-policy_lag(a), POLICY_MS, POLICY_DEBT);
	policy_block(a, f->now);
	f->now += 365ull * 86400 * 1000 * POLICY_MS;
	policy_wake(a, f->now);
	assert_true(policy_lag(a) <= 0 && policy_lag(a) >= -(s64)POLICY_MS);
	run_for(f, 100 * POLICY_PERIOD);
	check_runq(&f->rq[0], (struct sched_entity *[]){ &f->e[0], b, c }, 3);
}

/* A debt is paid off while nobody runs, too; and no ns is too short to count. */
static void small_change(void **state)
{
	struct fixture *f = *state;
	struct sched_entity *a = awake(f, 0, SCHED_VM, 40000, 0, 1000);
	struct sched_entity *b = awake(f, 1, SCHED_VM, 40000, 0, 1000);
	struct sched_entity *first;
	u64 slice, key, i;

	first = policy_pick(&f->rq[0], f->now, &slice);
	key = first->fair.key;
	for (i = 0; i < 10000; i++)
		policy_charge(first, 1, ++f->now);
	assert_int_equal(first->fair.key - key, (10000ull << 16) / 40000);

	policy_charge(first, 20 * POLICY_MS, f->now += 20 * POLICY_MS);
	assert_true(policy_lag(first) < -(s64)(9 * POLICY_MS));
	policy_block(a, f->now);
	policy_block(b, f->now);
	run_for(f, 100 * POLICY_MS);
	policy_wake(first == a ? b : a, f->now);
	policy_wake(first, f->now);
	assert_true(policy_lag(first) > -(s64)POLICY_MS);
}

/* Who has its guarantee only is welcome where there is nothing to do. */
static void parked_is_stolen(void **state)
{
	struct fixture *f = *state;
	struct runq *all[] = { &f->rq[0], &f->rq[1] };
	struct sched_entity *min = awake(f, 0, SCHED_VM, 1, 300, 1000);
	static const u64 here = 1;
	u64 slice;

	awake(f, 1, SCHED_VM, 65536, 0, 1000);
	policy_set_affinity(&f->e[1], &here, 2);
	run_for(f, 20 * POLICY_PERIOD + 5 * POLICY_MS);
	policy_pick(&f->rq[0], f->now, &slice);
	assert_true(min->parked);
	assert_ptr_equal(policy_busiest(&f->rq[1], all, 2), &f->rq[0]);
	assert_ptr_equal(policy_steal(&f->rq[0], &f->rq[1], f->now), min);
	assert_false(min->parked);
	assert_int_equal(f->rq[0].parked, 0);
}

/* A debt goes along to a CPU where V is elsewhere. */
static void debt_moves(void **state)
{
	struct fixture *f = *state;
	struct sched_entity *a = awake(f, 0, SCHED_VM, 10, 0, 1000);
	struct sched_entity *b = awake(f, 1, SCHED_VM, 10, 0, 1000);
	u64 slice;
	s64 lag;

	policy_move(b, &f->rq[1], f->now);
	policy_pick(&f->rq[1], f->now, &slice);
	policy_charge(b, 600 * POLICY_MS, f->now);
	policy_charge(b, 600 * POLICY_MS, f->now);
	run_for(f, 300 * POLICY_MS);
	awake(f, 2, SCHED_VM, 10, 0, 1000);
	assert_ptr_equal(policy_pick(&f->rq[0], f->now, &slice), a);
	policy_charge(a, 20 * POLICY_MS, f->now += 20 * POLICY_MS);
	policy_pick(&f->rq[0], f->now, &slice);
	lag = policy_lag(a);
	assert_true(lag < -(s64)(9 * POLICY_MS));
	policy_move(a, &f->rq[1], f->now);
	assert_in_range(policy_lag(a) - lag + 100, 0, 200);
}

/* Who yields lets others pass that are eligible, once, and loses nothing by it. */
static void yielding(void **state)
{
	struct fixture *f = *state;
	struct sched_entity *a = awake(f, 0, SCHED_SYSTEM, 1024, 0, 1000);
	struct sched_entity *b;
	u64 slice, ran;

	assert_ptr_equal(policy_pick(&f->rq[0], f->now, &slice), a);
	policy_yield(a, f->now);
	assert_ptr_equal(policy_pick(&f->rq[0], f->now, &slice), a);	/* alone */
	b = awake(f, 1, SCHED_VM, 1, 0, 1000);
	policy_yield(b, f->now);		/* does not run */
	assert_ptr_equal(policy_pick(&f->rq[0], f->now, &slice), a);
	policy_yield(a, f->now);
	assert_ptr_equal(policy_pick(&f->rq[0], f->now, &slice), b);
	/* It has the more to come now, by shares. */
	f->now += POLICY_MS;
	policy_charge(b, POLICY_MS, f->now);
	assert_ptr_equal(policy_pick(&f->rq[0], f->now, &slice), a);
	/* The other one has had more than its share: nobody else is eligible. */
	policy_yield(a, f->now);
	assert_ptr_equal(policy_pick(&f->rq[0], f->now, &slice), a);
	policy_boost(a, f->now);
	policy_yield(a, f->now);
	policy_block(a, f->now);
	assert_null(f->rq[0].skip);
	assert_ptr_equal(policy_pick(&f->rq[0], f->now, &slice), b);
	policy_wake(a, f->now);
	ran = a->ran;
	run_for(f, 1000 * POLICY_MS);
	assert_true(a->ran - ran > 990 * POLICY_MS);
}

/* Between two CPUs an entity counts where it goes to, arriving or not. */
static void on_the_way(void **state)
{
	struct fixture *f = *state;
	struct sched_entity *a = awake(f, 0, SCHED_VM, 7, 300, 1000);
	struct sched_entity *b = awake(f, 1, SCHED_VM, 5, 200, 1000);
	struct sched_entity *c = awake(f, 2, SCHED_VM, 5, 400, 1000);
	u64 slice;

	assert_true(policy_idle(&f->rq[1]));
	assert_int_equal(policy_detach(a, &f->rq[1]), POLICY_OK);
	assert_int_equal(policy_detach(a, &f->rq[1]), POLICY_INVAL);
	assert_false(policy_idle(&f->rq[1]));
	assert_int_equal(f->rq[0].min_sum, 600);
	assert_int_equal(f->rq[1].min_sum, 300);
	assert_int_equal(policy_detach(b, &f->rq[1]), POLICY_OK);
	/* There is no room for a third one, although nobody is there yet. */
	assert_int_equal(policy_detach(c, &f->rq[1]), POLICY_OK);
	assert_int_equal(try(f, 3, SCHED_VM, 1, 1, 1000), POLICY_OK);
	assert_int_equal(policy_detach(&f->e[3], &f->rq[1]), POLICY_NOROOM);
	assert_int_equal(f->machine.min_sum, 901);
	assert_int_equal(f->rq[1].entities, 0);

	policy_drop(b, &f->rq[1]);
	assert_int_equal(f->machine.min_sum, 701);
	assert_int_equal(f->rq[1].min_sum, 700);
	assert_int_equal(b->state, SCHED_OFF);
	assert_int_equal(try(f, 1, SCHED_VM, 5, 200, 1000), POLICY_OK);

	assert_true(policy_attach(a, &f->rq[1], f->now));
	assert_ptr_equal(policy_pick(&f->rq[1], f->now, &slice), a);
	policy_attach(c, &f->rq[1], f->now);
	assert_int_equal(f->rq[1].coming, 0);
	assert_int_equal(f->rq[1].entities, 2);
	assert_true(policy_has_work(&f->rq[1]));
	assert_false(policy_has_work(&f->rq[0]));
}

static void moving(void **state)
{
	struct fixture *f = *state;
	static const u64 here = 1, there = 5;
	struct sched_entity *host = awake(f, 0, SCHED_SYSTEM, 1, 0, 1000);
	struct sched_entity *stay = awake(f, 1, SCHED_VM, 1, 0, 1000);
	struct sched_entity *go = awake(f, 2, SCHED_SERVICE, 1, 0, 1000);
	struct runq *all[] = { &f->rq[0], &f->rq[1], &f->rq[2] };
	u64 slice;

	assert_int_equal(policy_set_affinity(stay, &here, 3), POLICY_OK);
	assert_int_equal(policy_set_affinity(go, &there, 3), POLICY_OK);
	assert_int_equal(policy_set_affinity(host, &(u64){ 2 }, 3), POLICY_INVAL);
	assert_int_equal(policy_set_affinity(go, &there, 2), POLICY_OK);
	assert_int_equal(policy_move(go, &f->rq[2], 12345), POLICY_NOTHERE);
	assert_int_equal(policy_set_affinity(go, &there, 3), POLICY_OK);
	assert_ptr_equal(policy_busiest(&f->rq[1], all, 3), &f->rq[0]);
	assert_null(policy_steal(&f->rq[0], &f->rq[1], 12345));
	assert_ptr_equal(policy_steal(&f->rq[0], &f->rq[2], 777), go);
	assert_ptr_equal(go->rq, &f->rq[2]);
	assert_null(policy_busiest(&f->rq[0], all, 3));
	assert_ptr_equal(policy_pick(&f->rq[2], 888, &slice), go);
	assert_int_equal(policy_move(go, &f->rq[0], f->now), POLICY_BUSY);
	assert_int_equal(policy_move(host, &f->rq[2], 999), POLICY_INVAL);
	policy_block(go, 999);
	assert_int_equal(policy_move(go, &f->rq[1], f->now), POLICY_NOTHERE);
	assert_ptr_equal(policy_place(go, all, 3), &f->rq[2]);
	assert_int_equal(policy_set_affinity(go, &here, 3), POLICY_NOTHERE);
	assert_ptr_equal(policy_place(go, all, 3), &f->rq[0]);
	assert_int_equal(policy_move(go, &f->rq[0], f->now), POLICY_OK);
	policy_set_affinity(go, NULL, 0);
	policy_wake(go, f->now);
	policy_block(stay, f->now);
	assert_ptr_equal(policy_place(stay, all, 3), &f->rq[0]);
	policy_set_affinity(stay, NULL, 0);
	assert_ptr_equal(policy_place(stay, all, 3), &f->rq[1]);
	assert_ptr_equal(policy_place(host, all, 3), &f->rq[0]);
	policy_pick(&f->rq[0], f->now, &slice);
	assert_int_not_equal(f->rq[0].curr->state, SCHED_RUNNABLE);
	check_runq(&f->rq[0], (struct sched_entity *[]){ host, stay, go }, 3);
}

/* CPUs whose clocks are years apart: a cap goes on where it was. */
static void clocks_differ(void **state)
{
	struct fixture *f = *state;
	struct sched_entity *e = awake(f, 0, SCHED_VM, 1, 0, 250);
	static const u64 apart[] = { 1ull << 60, 0 - (1ull << 60) };
	u64 slice;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(apart); i++) {
		struct runq *to = &f->rq[i + 1];
		u64 there;

		run_for(f, POLICY_PERIOD / 4);
		assert_true(e->throttled);
		policy_pick(&f->rq[0], f->now, &slice);
		there = f->now + apart[i];
		policy_init_cpu(to, &f->machine, i + 1, &f->idle[i + 1], there);
		assert_int_equal(policy_move(e, to, there), POLICY_OK);
		assert_ptr_equal(policy_pick(to, there, &slice), to->idle);
		assert_int_equal(slice, POLICY_PERIOD * 3 / 4);
		there += slice;
		assert_ptr_equal(policy_pick(to, there, &slice), e);
		assert_int_equal(slice, POLICY_PERIOD / 4);
		policy_block(e, there);
		assert_int_equal(policy_move(e, &f->rq[0], f->now), POLICY_OK);
		f->now += POLICY_PERIOD;
		policy_set(e, 1, 0, 1000, f->now);
		policy_set(e, 1, 0, 250, f->now);
		e->max_left = POLICY_PERIOD / 4;
		policy_wake(e, f->now);
	}
}

/* Stealing goes past those who may not come, but not for ever. */
static void stealing_gives_up(void **state)
{
	struct fixture *f = *state;
	u32 i;

	for (i = 0; i < POLICY_STEAL_LOOKS - 1; i++)
		awake(f, i, SCHED_VM, 1, 50, 1000);
	assert_int_equal(try(f, 79, SCHED_VM, 1, 0, 1000), POLICY_OK);
	assert_int_equal(policy_move(&f->e[79], &f->rq[1], f->now), POLICY_OK);
	assert_int_equal(policy_set(&f->e[79], 1, 851, 1000, f->now), POLICY_OK);
	awake(f, 70, SCHED_VM, 1, 0, 1000);
	assert_ptr_equal(policy_steal(&f->rq[0], &f->rq[1], f->now), &f->e[70]);
	assert_int_equal(policy_move(&f->e[70], &f->rq[0], f->now), POLICY_OK);
	policy_block(&f->e[70], f->now);
	awake(f, 40, SCHED_VM, 1, 50, 1000);
	policy_wake(&f->e[70], f->now);
	assert_null(policy_steal(&f->rq[0], &f->rq[1], f->now));
}

/* Many caps that end at the same time do not make one long pick. */
static void releases_are_bounded(void **state)
{
	struct fixture *f = *state;
	u64 slice;
	u32 i;

	for (i = 0; i < 20; i++)
		awake(f, i, SCHED_VM, 1, 0, 1);
	run_for(f, 2 * POLICY_MS);
	assert_int_equal(f->rq[0].nr, 0);
	f->now += 100 * POLICY_PERIOD;
	policy_pick(&f->rq[0], f->now, &slice);
	assert_int_equal(f->rq[0].nr, POLICY_RELEASES);
	assert_int_equal(slice, POLICY_GRAIN);
	policy_pick(&f->rq[0], f->now, &slice);
	assert_int_equal(f->rq[0].nr, 2 * POLICY_RELEASES);
}

#define NODES	400

static struct tree_node *slow_earliest(struct tree_node *nodes, u64 key)
{
	struct tree_node *best = NULL;
	u32 i;

	for (i = 0; i < NODES; i++)
		if (tree_holds(&nodes[i]) && !clock_before(key, nodes[i].key) &&
		    (!best || clock_before(nodes[i].value, best->value)))
			best = &nodes[i];
	return best;
}

static u32 slow_marked(struct tree_node *nodes, u64 marks)
{
	u32 i, n = 0;

	for (i = 0; i < NODES; i++)
		n += tree_holds(&nodes[i]) && (nodes[i].marks & marks);
	return n;
}

static void compare_tree(struct tree *tree, struct tree_node *nodes, u32 n, u64 *seed)
{
	u64 key = unit_below(seed, 1200) - 600, marks = 1ull << unit_below(seed, 6);
	struct tree_node *a = tree_earliest(tree, key), *b = slow_earliest(nodes, key);
	struct tree_node *node;
	u32 marked = 0;

	assert_int_equal(check_tree(tree->root, NULL), n);
	assert_int_equal(!a, !b);
	if (a)
		assert_true(a->value == b->value && !clock_before(key, a->key));
	b = NULL;
	for (node = tree_marked(tree, marks); node; node = tree_next_marked(node, marks)) {
		assert_true(node->marks & marks);
		assert_true(!b || !clock_before(node->key, b->key));
		b = node;
		marked++;
	}
	assert_int_equal(marked, slow_marked(nodes, marks));
}

static void tree_is_right(void **state)
{
	static struct tree_node nodes[NODES];
	struct tree tree = { 0 };
	u64 seed = 0x5eed;
	u32 i, n = 0;

	(void)state;
	for (i = 0; i < 20000; i++) {
		struct tree_node *node = &nodes[unit_below(&seed, NODES)];

		if (tree_holds(node)) {
			tree_remove(&tree, node);
			n--;
		} else {
			node->key = unit_below(&seed, 1000) - 500;
			node->value = unit_below(&seed, 1000) - 500;
			node->marks = unit_below(&seed, 8) ? 0 : 1 << unit_below(&seed, 6);
			tree_insert(&tree, node);
			n++;
		}
		if (i % 8 == 0)
			compare_tree(&tree, nodes, n, &seed);
	}
}

/*
 * A vCPU leaves its run queue at each exit to its VMM and comes back: its cap and its shares hold
 * all the same, on one CPU or on two by turns.
 */
static void leave_and_rejoin(struct fixture *f, struct sched_entity *e, u64 ns, u32 queues)
{
	u64 until = f->now + ns, slice, next;
	u32 turns = 0;

	while (f->now != until) {
		u32 on = turns++ % queues;
		struct sched_entity *now;

		if (!e->rq) {
			assert_int_equal(policy_rejoin(&f->rq[on], e, f->now), POLICY_OK);
			policy_wake(e, f->now);
		}
		now = policy_pick(&f->rq[on], f->now, &slice);
		next = f->now + (slice < 100 * POLICY_US ? slice : 100 * POLICY_US);
		if (next - f->now > until - f->now)
			next = until;
		policy_charge(now, next - f->now, next);
		f->now = next;
		if (e->rq)
			policy_remove(e, f->now);
	}
}

static void rejoining(void **state)
{
	struct fixture *f = *state;
	struct sched_entity *capped = awake(f, 0, SCHED_VM, 1024, 0, 300);
	struct sched_entity *shared;
	u64 ran;

	leave_and_rejoin(f, capped, 1000 * POLICY_MS, 1);
	assert_in_range(capped->ran, 290 * POLICY_MS, 320 * POLICY_MS);
	ran = capped->ran;
	leave_and_rejoin(f, capped, 1000 * POLICY_MS, 2);
	assert_in_range(capped->ran - ran, 290 * POLICY_MS, 320 * POLICY_MS);

	awake(f, 1, SCHED_SYSTEM, 1024, 0, 1000);
	shared = awake(f, 2, SCHED_VM, 512, 0, 1000);
	leave_and_rejoin(f, shared, 3000 * POLICY_MS, 1);
	assert_in_range(shared->ran, 980 * POLICY_MS, 1020 * POLICY_MS);

	/* A guarantee is given back as often as it is taken. */
	f->e[3].kind = SCHED_VM;
	f->e[3].shares = 1;
	f->e[3].min = 500;
	f->e[3].max = 1000;
	leave_and_rejoin(f, &f->e[3], 1000 * POLICY_MS, 1);
	assert_in_range(f->e[3].ran, 490 * POLICY_MS, 520 * POLICY_MS);
	assert_int_equal(f->rq[0].min_sum, 0);
	assert_int_equal(f->machine.min_sum, 0);
	assert_int_equal(policy_rejoin(&f->rq[0], &f->e[1], f->now), POLICY_INVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(parameters),
		TEST(admission),
		TEST(idle_and_alone),
		TEST(cap_is_exact),
		TEST(tiny_cap_and_min),
		TEST(guarantee_first),
		TEST(guarantee_at_wakeup),
		TEST(boost_borrows),
		TEST(lag_is_kept),
		TEST(small_change),
		TEST(parked_is_stolen),
		TEST(debt_moves),
		TEST(yielding),
		TEST(on_the_way),
		TEST(moving),
		TEST(clocks_differ),
		TEST(stealing_gives_up),
		TEST(releases_are_bounded),
		TEST(rejoining),
		TEST(tree_is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
