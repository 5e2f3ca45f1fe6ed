// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduling policy between CPUs, see <regent/policy.h>: the guarantees of the whole
 * machine, affinity, on which CPU to wake an entity, from which CPU to take one, and which.
 * Plain logic.
 */
#include <regent/policy.h>

/**
 * policy_init_machine() - fill in what all run queues share
 * @machine: the struct to be filled in
 * @cpus: number of CPUs of the machine
 */
void policy_init_machine(struct policy_machine *machine, u32 cpus)
{
	machine->min_sum = 0;
	machine->min_limit = cpus * POLICY_MIN_LIMIT;
}

/**
 * policy_take() - reserve a guarantee of the machine
 * @machine: what all run queues share
 * @min: the guarantee, in thousandths of a CPU
 *
 * Several CPUs may do so at the same time: each adds first, and takes that back if the sum is
 * over the limit.
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
 * policy_give() - undo policy_take()
 * @machine: what all run queues share
 * @min: the guarantee, in thousandths of a CPU
 */
void policy_give(struct policy_machine *machine, u32 min)
{
	__atomic_sub_fetch(&machine->min_sum, min, __ATOMIC_RELAXED);
}

/**
 * policy_allowed() - does the affinity of an entity allow a CPU?
 * @e: the entity
 * @cpu: number of the CPU
 *
 * The host world's entity never leaves its CPU, whatever its affinity.
 */
bool policy_allowed(const struct sched_entity *e, u32 cpu)
{
	if (!e->affinity)
		return true;
	return cpu < e->affinity_cpus && cpus_has(e->affinity, cpu);
}

/**
 * policy_marks() - the CPUs to which an entity may move
 * @e: the entity
 *
 * Return: a bit for each CPU, its number modulo 64; 0 for an entity that never moves.
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
 * policy_min_fits() - has a CPU room for a guarantee?
 * @rq: run queue of the CPU; without its lock the result is a hint
 * @min: the guarantee, in thousandths of a CPU
 */
bool policy_min_fits(const struct runq *rq, u32 min)
{
	u32 sum = __atomic_load_n(&rq->min_sum, __ATOMIC_RELAXED);

	return !min || sum + min <= POLICY_MIN_LIMIT;
}

/* Offer a parked entity: while it is parked it gets no more than its guarantee on this CPU. */
static struct sched_entity *offer_parked(struct runq *from, struct runq *to)
{
	struct tree_node *node = from->parked ? tree_first(&from->guaranteed) : NULL;
	struct sched_entity *e = node ? policy_of_timed(node) : NULL;

	return e && policy_detach(e, to) == POLICY_OK ? e : NULL;
}

/**
 * policy_offer() - find an entity for a CPU that has nothing to run, and detach it
 * @from: run queue of this CPU
 * @to: run queue of the other CPU; its lock is not needed
 *
 * The entity that has waited longest here comes first. A candidate may turn out not to be
 * allowed there, because the tree knows CPUs only modulo 64, or its guarantee may not fit there:
 * after POLICY_STEAL_LOOKS candidates the search ends.
 *
 * Return: the entity, detached as by policy_detach(); NULL if there is none.
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
 * policy_idle() - has a CPU nothing to run, and no entity on its way to it?
 * @rq: its run queue; without its lock the result is a hint
 */
bool policy_idle(const struct runq *rq)
{
	return !load_of(rq);
}

/**
 * policy_has_work() - has a CPU an entity that it could give away, and one to run besides?
 * @rq: its run queue; without its lock the result is a hint
 */
bool policy_has_work(const struct runq *rq)
{
	u32 parked = __atomic_load_n(&rq->parked, __ATOMIC_RELAXED);

	return __atomic_load_n(&rq->movable, __ATOMIC_RELAXED) + parked > 0 &&
	       __atomic_load_n(&rq->nr, __ATOMIC_RELAXED) + parked > 1;
}

/**
 * policy_place() - choose the CPU on which to wake an entity
 * @e: the entity, blocked
 * @rqs: run queues to choose from
 * @n: number of these
 *
 * The entity stays where it was, because its caches are warm there, unless another CPU is
 * clearly less loaded. The locks of @rqs are not needed: the result is a hint, and
 * policy_detach() may still refuse.
 *
 * Return: a run queue to which @e may be moved, or its own; NULL if its own is not allowed and
 * none of @rqs is possible.
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
 * policy_busiest() - choose the CPU from which to take an entity
 * @to: run queue of the CPU that has nothing to do
 * @rqs: run queues to choose from
 * @n: number of these
 *
 * The result is a hint, as in policy_place().
 *
 * Return: the run queue with the most load of those that policy_has_work(); NULL if there is
 * none.
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
