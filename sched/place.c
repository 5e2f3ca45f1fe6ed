// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduling policy between CPUs, see <regent/policy.h>: what is
 * promised in all, who may run where, where to wake, whom to steal from, and
 * what. Plain logic.
 */
#include <regent/policy.h>

/**
 * policy_init_machine() - what all run queues share
 * @machine: to be filled in
 * @cpus: CPUs that there are
 */
void policy_init_machine(struct policy_machine *machine, u32 cpus)
{
	machine->min_sum = 0;
	machine->min_limit = cpus * POLICY_MIN_LIMIT;
}

/**
 * policy_take() - promise a guarantee for the machine
 * @machine: the machine's
 * @min: the guarantee
 *
 * CPUs may be at it at the same time: take, look, and give back if too much.
 *
 * Return: POLICY_OK, or POLICY_NOROOM and nothing is changed.
 */
int policy_take(struct policy_machine *machine, u32 min)
{
	u32 limit = __atomic_load_n(&machine->min_limit, __ATOMIC_RELAXED);

	if (!min)
		return POLICY_OK;
	if (__atomic_add_fetch(&machine->min_sum, min, __ATOMIC_RELAXED) <= limit)
		return POLICY_OK;
	__atomic_sub_fetch(&machine->min_sum, min, __ATOMIC_RELAXED);
	return POLICY_NOROOM;
}

/**
 * policy_give() - take such a promise back
 * @machine: the machine's
 * @min: the guarantee
 */
void policy_give(struct policy_machine *machine, u32 min)
{
	__atomic_sub_fetch(&machine->min_sum, min, __ATOMIC_RELAXED);
}

/**
 * policy_allowed() - may an entity run on a CPU
 * @e: the entity
 * @cpu: number of the CPU
 *
 * This is its affinity only: a system world is bound to its CPU besides.
 */
bool policy_allowed(const struct sched_entity *e, u32 cpu)
{
	if (!e->affinity)
		return true;
	return cpu < e->affinity_cpus && (e->affinity[cpu / 64] >> cpu % 64 & 1);
}

/**
 * policy_marks() - the CPUs to which an entity may move
 * @e: the entity
 *
 * Return: a bit for each, modulo 64; 0 for who never moves.
 */
u64 policy_marks(const struct sched_entity *e)
{
	u64 marks = 0;
	u32 cpu, n = 0;

	if (e->kind != SCHED_VM && e->kind != SCHED_SERVICE)
		return 0;
	if (!e->affinity)
		return ~0ull;
	for (cpu = 0; cpu < e->affinity_cpus; cpu += 64) {
		u64 word = e->affinity[cpu / 64];

		if (e->affinity_cpus - cpu < 64)
			word &= (1ull << (e->affinity_cpus - cpu)) - 1;
		marks |= word;
		n += !!word + !!(word & (word - 1));
	}
	return n == 1 && e->rq && policy_allowed(e, e->rq->cpu) ? 0 : marks;
}

/**
 * policy_min_fits() - has a CPU room for a guarantee
 * @rq: run queue of the CPU; without its lock it is a hint
 * @min: the guarantee
 */
bool policy_min_fits(const struct runq *rq, u32 min)
{
	u32 sum = __atomic_load_n(&rq->min_sum, __ATOMIC_RELAXED);

	return !min || sum + min <= POLICY_MIN_LIMIT;
}

/* They only have their guarantee where they are. */
static struct sched_entity *offer_parked(struct runq *from, struct runq *to)
{
	struct tree_node *node = from->parked ? tree_first(&from->guaranteed) : NULL;
	struct sched_entity *e = node ? policy_of_timed(node) : NULL;

	return e && policy_detach(e, to) == POLICY_OK ? e : NULL;
}

/**
 * policy_offer() - give work to a CPU that has none
 * @from: run queue of this CPU
 * @to: run queue of the other one, of which no lock is needed
 *
 * Who has waited longest here comes first. Affinities beyond the first 64
 * CPUs are told apart only by looking, and guarantees may not fit; after
 * POLICY_STEAL_LOOKS it gives up.
 *
 * Return: the entity, let go of as by policy_detach(); NULL if there is none.
 */
struct sched_entity *policy_offer(struct runq *from, struct runq *to)
{
	u64 mark = 1ull << to->cpu % 64;
	struct tree_node *node;
	int looks;

	if (from == to)
		return NULL;
	node = tree_marked(&from->fair, mark);
	for (looks = 0; node && looks < POLICY_STEAL_LOOKS; looks++) {
		struct sched_entity *e = policy_of_fair(node);

		if (policy_detach(e, to) == POLICY_OK)
			return e;
		node = tree_next_marked(node, mark);
	}
	return offer_parked(from, to);
}

static u64 load_of(const struct runq *rq)
{
	return __atomic_load_n(&rq->load, __ATOMIC_RELAXED) +
	       __atomic_load_n(&rq->coming, __ATOMIC_RELAXED);
}

/**
 * policy_idle() - has a CPU nothing to run, and nothing that is on its way?
 * @rq: its run queue; without its lock it is a hint
 */
bool policy_idle(const struct runq *rq)
{
	return !load_of(rq);
}

/**
 * policy_has_work() - is there one that runs and one that may be had?
 * @rq: run queue of a CPU; without its lock it is a hint
 */
bool policy_has_work(const struct runq *rq)
{
	u32 parked = __atomic_load_n(&rq->parked, __ATOMIC_RELAXED);

	return __atomic_load_n(&rq->movable, __ATOMIC_RELAXED) + parked > 0 &&
	       __atomic_load_n(&rq->nr, __ATOMIC_RELAXED) + parked > 1;
}

/**
 * policy_place() - where to wake an entity
 * @e: the entity, blocked
 * @rqs: run queues to choose from
 * @n: how many
 *
 * It stays where it was unless another CPU is clearly less loaded, as its
 * caches are there. No lock of @rqs is needed: it is a hint, and policy_detach()
 * may still say no.
 *
 * Return: a run queue that it may be moved to, or its own; NULL if its own is
 * not allowed and none of @rqs is possible.
 */
struct runq *policy_place(const struct sched_entity *e, struct runq *rqs[], u32 n)
{
	struct runq *own = policy_allowed(e, e->rq->cpu) ? e->rq : NULL;
	struct runq *best = NULL;
	u32 i;

	if (e->kind != SCHED_VM && e->kind != SCHED_SERVICE)
		return e->rq;
	for (i = 0; i < n; i++) {
		if (rqs[i] == own || !policy_allowed(e, rqs[i]->cpu) ||
		    !policy_min_fits(rqs[i], e->min))
			continue;
		if (!best || load_of(rqs[i]) < load_of(best))
			best = rqs[i];
	}
	if (!best || !own)
		return best ? best : own;
	return (load_of(best) + e->shares) * 8 < (load_of(own) + e->shares) * 7 ?
	       best : own;
}

/**
 * policy_busiest() - whom to steal from
 * @to: run queue of the CPU that has nothing to do
 * @rqs: run queues to choose from
 * @n: how many
 *
 * A hint like policy_place().
 *
 * Return: the one with the most load of those where somebody waits who may
 * move, NULL if there is none.
 */
struct runq *policy_busiest(const struct runq *to, struct runq *rqs[], u32 n)
{
	struct runq *best = NULL;
	u32 i;

	for (i = 0; i < n; i++) {
		if (rqs[i] == to || !policy_has_work(rqs[i]))
			continue;
		if (!best || load_of(rqs[i]) > load_of(best))
			best = rqs[i];
	}
	return best;
}
