// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any sequence of calls of the scheduling policy, with any times and amounts,
 * on three CPUs of which two fold to the same mark. After every call all that
 * always holds is checked, and what was picked is the best there is.
 */
#include <stdint.h>
#include <string.h>
#include "../policy_check.h"

#define CPUS	3
#define N	24

static const u32 cpu_number[CPUS] = { 0, 1, 65 };
static const u64 masks[4][2] = { { ~0ull, ~0ull }, { 1, 0 }, { 2, 0 }, { 0, 2 } };

static struct policy_machine machine;
static struct runq rqs[CPUS];
static struct sched_entity idles[CPUS];
static struct sched_entity pool[N];
static struct sched_entity *all[N];
static u64 now[CPUS], passed[CPUS];

struct input {
	const uint8_t *at, *end;
};

static u32 byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

/* Small, large and absurd numbers, all likely. */
static u64 amount(struct input *in)
{
	u32 b = byte(in);

	return (u64)(byte(in) + 1) << (b % 56);
}

/*
 * A clock may wrap, but what waits in a tree must not be older than half of its
 * range, which is 292 years: all steps of an input together are less.
 */
static void pass_time(u32 cpu, u64 ns)
{
	if (ns > (1ull << 62) - passed[cpu])
		return;
	passed[cpu] += ns;
	now[cpu] += ns;
}

static void init(struct input *in)
{
	u64 start = 0 - amount(in);
	u32 i;

	memset(passed, 0, sizeof(passed));
	memset(pool, 0, sizeof(pool));
	memset(idles, 0, sizeof(idles));
	policy_init_machine(&machine, CPUS);
	for (i = 0; i < CPUS; i++) {
		now[i] = start * (i + 1);
		policy_init_cpu(&rqs[i], &machine, cpu_number[i], &idles[i], now[i]);
	}
	for (i = 0; i < N; i++) {
		all[i] = &pool[i];
		pool[i].kind = i < CPUS ? SCHED_SYSTEM : SCHED_VM + i % 2;
	}
}

static void check_all(void)
{
	u32 i, min = 0;

	for (i = 0; i < CPUS; i++) {
		check_runq(&rqs[i], all, N);
		min += rqs[i].min_sum;
	}
	CHECK(min == machine.min_sum);
}

static void pick(u32 cpu)
{
	struct runq *rq = &rqs[cpu];
	struct sched_entity *skip = rq->skip, *e;
	u64 slice;
	u32 i;

	e = policy_pick(rq, now[cpu], &slice);
	CHECK(e->rq == rq && rq->curr == e && e->state == SCHED_RUNNING);
	CHECK(slice >= POLICY_GRAIN);
	CHECK((e->kind == SCHED_IDLE) == !(rq->nr + rq->parked));
	for (i = 0; i < N; i++)
		if (&pool[i] != skip)
			check_pick(rq, e, &pool[i]);
}

static void add(struct sched_entity *e, u32 cpu, bool again, struct input *in)
{
	const u64 *mask = masks[byte(in) % 4];

	if (e->state != SCHED_OFF)
		return;
	e->shares = amount(in);
	e->min = byte(in) * 4;
	e->max = e->min + byte(in) * 4;
	e->affinity = mask == masks[0] ? NULL : mask;
	e->affinity_cpus = 66;
	if (again)
		policy_rejoin(&rqs[cpu], e, now[cpu]);
	else
		policy_add(&rqs[cpu], e, now[cpu]);
}

static void on_entity(struct sched_entity *e, u32 op, u32 cpu, struct input *in)
{
	u32 min = byte(in) * 4, home = e->rq ? (u32)(e->rq - rqs) : 0;

	if (op == 0)
		add(e, cpu, min & 4, in);
	if (!e->rq)
		return;
	switch (op) {
	case 1:
		policy_remove(e, now[home]);
		break;
	case 2:
	case 3:
		policy_wake(e, now[home]);
		break;
	case 4:
		policy_block(e, now[home]);
		break;
	case 5:
		policy_set(e, amount(in), min, min + byte(in) * 4, now[home]);
		break;
	case 6:
		policy_set_affinity(e, masks[byte(in) % 4], 66);
		break;
	case 7:
		if (min & 4)
			policy_yield(e, now[home]);
		else
			policy_boost(e, now[home]);
		break;
	case 8:
		policy_move(e, &rqs[cpu], now[cpu]);
		break;
	}
}

static void charge(u32 cpu, u64 ran)
{
	if (rqs[cpu].curr)
		policy_charge(rqs[cpu].curr, ran, now[cpu]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct runq *some[CPUS] = { &rqs[0], &rqs[1], &rqs[2] };
	u32 steps;

	init(&in);
	for (steps = 0; in.at < in.end && steps < 400; steps++) {
		u32 op = byte(&in), which = byte(&in), cpu = which % CPUS;
		struct runq *rq;

		switch (op % 16) {
		case 9:
		case 10:
			pick(cpu);
			break;
		case 11:
			charge(cpu, amount(&in));
			break;
		case 12:
			pass_time(cpu, amount(&in));
			break;
		case 13:
			charge(cpu, byte(&in) * 10000);
			pass_time(cpu, byte(&in) * 10000);
			pick(cpu);
			break;
		case 14:
			rq = policy_busiest(&rqs[cpu], some, CPUS);
			if (rq)
				policy_steal(rq, &rqs[cpu], now[cpu]);
			break;
		case 15:
			if (pool[which % N].rq)
				policy_place(&pool[which % N], some, CPUS);
			break;
		default:
			on_entity(&pool[which % N], op % 16, cpu, &in);
		}
		check_all();
	}
	return 0;
}
