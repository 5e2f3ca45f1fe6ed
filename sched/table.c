// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of all worlds other than Linux: their ids, and the CPU to which each belongs.
 * Only that CPU touches the world. While a world is not scheduled it may be nobody's: then a
 * hypercall on any CPU claims it.
 */
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/k.h>
#include <regent/lock.h>
#include <regent/sched.h>
#include <regent/world.h>

#define MAX_WORLDS	REGENT_MAX_WORLDS

static struct lock table_lock;

/*
 * The index is id - 1. The owner of a world that is nobody's changes under table_lock; that of
 * any other world is changed without it, by the owner or by the CPU to which the world moves.
 */
static struct world *table[MAX_WORLDS];
static u32 owner[MAX_WORLDS];	/* a CPU's number + 1, or WORLD_* */
static u32 first_free;		/* no lower index is free; under table_lock */
static u32 top;			/* no world has had this index, or a higher one */

/**
 * world_is_allowed() - may a world run on a CPU?
 * @world: a world other than Linux
 * @cpu: number of the CPU
 */
bool world_is_allowed(const struct world *world, u32 cpu)
{
	return cpus_has(world->allowed, cpu);
}

/**
 * table_add() - give a world an id
 * @cpu: this CPU, to which the world belongs then
 * @world: a world that is about to be built; until table_publish() it is not run, and no CPU
 *	can ask anything of it
 *
 * Return: 0, or -REGENT_HC_ENFILE when there are too many worlds.
 */
int table_add(struct cpu *cpu, struct world *world)
{
	u32 i;

	world->cpu = cpu->id;
	world->state = WORLD_DEAD;
	request_retire(&world->request);
	lock_take(&table_lock);
	for (i = first_free; i < MAX_WORLDS && table[i]; i++)
		;
	first_free = i;
	if (i < MAX_WORLDS) {
		world->id = i + 1;
		table[i] = world;
		owner[i] = cpu->id + 1;
		if (top <= i)
			__atomic_store_n(&top, i + 1, __ATOMIC_RELEASE);
	}
	lock_drop(&table_lock);
	return i < MAX_WORLDS ? 0 : -REGENT_HC_ENFILE;
}

/**
 * table_publish() - make a world that is built nobody's, so that any CPU may claim it
 * @world: a world of this CPU's, after table_add()
 *
 * Return: its id; another CPU may have freed the world already.
 */
s64 table_publish(struct world *world)
{
	s64 id = world->id;

	world->state = WORLD_RUNNABLE;
	world->sched.affinity = world->allowed;
	world->sched.affinity_cpus = k_params.nr_cpus;
	request_begin(&world->request);
	table_give(world, WORLD_NOBODYS);
	return id;
}

/**
 * table_remove() - take a world's id back
 * @world: a world of this CPU's, about to be freed
 */
void table_remove(struct world *world)
{
	lock_take(&table_lock);
	table[world->id - 1] = NULL;
	owner[world->id - 1] = 0;
	if (first_free > world->id - 1u)
		first_free = world->id - 1u;
	lock_drop(&table_lock);
}

/**
 * table_hold() - find a world of any CPU, and keep it from being freed
 * @id: any number
 *
 * Takes table_lock: the caller calls table_release() soon, whatever this returns.
 *
 * Return: the world; NULL if there is none, or it is still being built.
 */
const struct world *table_hold(u64 id)
{
	const struct world *w = NULL;

	lock_take(&table_lock);
	if (id - 1 < MAX_WORLDS)
		w = table[id - 1];
	return w && w->memory ? w : NULL;
}

/**
 * table_release() - undo table_hold()
 */
void table_release(void)
{
	lock_drop(&table_lock);
}

/**
 * table_has() - could that be the id of a world?
 * @id: any number
 */
bool table_has(u64 id)
{
	return id - 1 < __atomic_load_n(&top, __ATOMIC_ACQUIRE);
}

/**
 * table_give() - set the owner of a world
 * @world: a world of this CPU's, or one that moves here; unless it stays here, all its state
 *	is in memory
 * @to: the number of the CPU that owns it from now on + 1, WORLD_NOBODYS or WORLD_MOVING
 */
void table_give(const struct world *world, u32 to)
{
	this_cpu()->lent = &this_cpu()->host;
	__atomic_store_n(&owner[world->id - 1], to, __ATOMIC_RELEASE);
}

/**
 * table_let_go() - make a world that was stopped nobody's, and tell L, which may wait for that
 * @cpu: this CPU
 * @world: a world of this CPU's, or one that was on its way to a CPU; its state is in memory
 */
void table_let_go(struct cpu *cpu, const struct world *world)
{
	u32 id = world->id;

	table_give(world, WORLD_NOBODYS);
	/* Another CPU may have freed the world by now. */
	tell_stopped(cpu, id);
}

/**
 * table_give_all() - make all worlds of this CPU nobody's
 * @cpu: this CPU, Linux running; none of its worlds is on the run queue
 */
void table_give_all(struct cpu *cpu)
{
	u32 end = __atomic_load_n(&top, __ATOMIC_ACQUIRE);
	u32 i;

	for (i = 0; i < end; i++)
		if (__atomic_load_n(&owner[i], __ATOMIC_ACQUIRE) == cpu->id + 1)
			table_give(table[i], WORLD_NOBODYS);
}

/**
 * table_is_mine() - does a world belong to this CPU?
 * @cpu: this CPU
 * @world: a world that is not freed meanwhile
 */
bool table_is_mine(const struct cpu *cpu, const struct world *world)
{
	return __atomic_load_n(&owner[world->id - 1], __ATOMIC_ACQUIRE) == cpu->id + 1;
}

/*
 * Find a world of this CPU's; NULL if there is no such world, or it is not this CPU's. A world
 * of this CPU's stays so until this CPU destroys it or gives it away, and no other CPU writes
 * this CPU's number to owner[]: no lock is needed.
 */
static struct world *table_find(const struct cpu *cpu, u64 id)
{
	if (unlikely(id - 1 >= MAX_WORLDS ||
		     __atomic_load_n(&owner[id - 1], __ATOMIC_ACQUIRE) != cpu->id + 1))
		return NULL;
	return table[id - 1];
}

/* Claim a world that is nobody's; NULL if there is no such world, or it is another CPU's. */
static struct world *__attribute__((noinline)) claim_slow(struct cpu *cpu, u64 id)
{
	struct world *w = NULL;

	lock_take(&table_lock);
	if (id - 1 < MAX_WORLDS && owner[id - 1] == WORLD_NOBODYS)
		w = table[id - 1];
	if (w) {
		__atomic_store_n(&w->cpu, cpu->id, __ATOMIC_RELEASE);
		table_give(w, cpu->id + 1);
	}
	lock_drop(&table_lock);
	return w;
}

/**
 * table_claim() - make the world of an id this CPU's
 * @cpu: this CPU
 * @id: any number
 *
 * Return: the world; NULL if there is none, or it is another CPU's.
 */
struct world *table_claim(struct cpu *cpu, u64 id)
{
	struct world *w = table_find(cpu, id);

	/* The caller may change what exit_run() relies on: have it look at the world anew. */
	cpu->lent = &cpu->host;
	return likely(w) ? w : claim_slow(cpu, id);
}

/**
 * table_ask() - ask the CPU to which a world belongs to do something with it
 * @cpu: this CPU
 * @id: any number, but not that of a world of this CPU's
 * @what: WORLD_ASK_*, 0 for nothing
 *
 * Return: -REGENT_HC_EBUSY: L has to repeat its hypercall, until the world is nobody's;
 * -REGENT_HC_EINVAL when there is no such world.
 */
s64 table_ask(struct cpu *cpu, u64 id, u32 what)
{
	s64 err = -REGENT_HC_EINVAL;

	lock_take(&table_lock);
	if (id - 1 < MAX_WORLDS && table[id - 1]) {
		err = -REGENT_HC_EBUSY;
		if (owner[id - 1] != WORLD_NOBODYS)
			sched_ask(cpu, table[id - 1], what);
	}
	lock_drop(&table_lock);
	return err;
}

/**
 * table_start() - see REGENT_HC_WORLD_START
 * @cpu: this CPU
 * @id: id of the world, any number
 * @weights: shares, min and max, in the format of that hypercall
 *
 * Return: 0; -REGENT_HC_EBUSY when the world is scheduled, or belongs to another CPU;
 * -REGENT_HC_EINVAL when this CPU is direct, there is no such world, it is a vCPU, it is dead or
 * it may not run here; else as sched_add().
 */
s64 table_start(struct cpu *cpu, u64 id, u64 weights)
{
	struct world *w;
	s64 err;

	if (!cpu->forwarded)
		return -REGENT_HC_EINVAL;
	w = table_claim(cpu, id);
	if (!w)
		return table_ask(cpu, id, 0);
	if (w->sched.rq)
		return -REGENT_HC_EBUSY;
	/* A request to stop it, made once more after it had stopped, is void. */
	__atomic_fetch_and(&w->asks, ~WORLD_ASK_STOP, __ATOMIC_SEQ_CST);
	err = -REGENT_HC_EINVAL;
	/* A vCPU's run is begun by REGENT_HC_VCPU_RUN only. */
	if (w->kind != WORLD_VM && w->state == WORLD_RUNNABLE && world_is_allowed(w, cpu->id))
		err = sched_add(cpu, w, weights);
	if (err)
		table_give(w, WORLD_NOBODYS);
	return err;
}

/* vCPUs have hypercalls of their own. Return: whether @w, just claimed, is one. */
static bool refuse_vcpu(struct world *w)
{
	if (w->kind != WORLD_VM)
		return false;
	if (!w->scheduled)
		table_give(w, WORLD_NOBODYS);
	return true;
}

/**
 * table_stop() - see REGENT_HC_WORLD_STOP
 * @cpu: this CPU, Linux running
 * @id: id of the world, any number
 *
 * Return: 0, or as table_ask(); -REGENT_HC_EINVAL for a vCPU.
 */
s64 table_stop(struct cpu *cpu, u64 id)
{
	struct world *w = table_claim(cpu, id);

	if (!w)
		return table_ask(cpu, id, WORLD_ASK_STOP);
	if (refuse_vcpu(w))
		return -REGENT_HC_EINVAL;
	sched_remove(cpu, w);
	table_give(w, WORLD_NOBODYS);
	return 0;
}

/**
 * table_allow() - see REGENT_HC_WORLD_ALLOW
 * @cpu: this CPU
 * @id: id of the world, any number
 * @on: true when the world may run here from now on, false when it may not
 *
 * Return: 0; -REGENT_HC_EBUSY when the world is scheduled, or belongs to another CPU;
 * -REGENT_HC_EINVAL when there is none, or it is a vCPU; -REGENT_HC_ENOSPC when memory for
 * Linux's own state is missing.
 */
s64 table_allow(struct cpu *cpu, u64 id, bool on)
{
	struct world *w = table_claim(cpu, id);
	s64 err = 0;

	if (!w)
		return table_ask(cpu, id, 0);
	if (refuse_vcpu(w))
		return -REGENT_HC_EINVAL;
	if (w->sched.rq)
		return -REGENT_HC_EBUSY;
	if (on)
		err = world_allow(cpu, w);
	else
		cpus_remove(w->allowed, cpu->id);
	table_give(w, WORLD_NOBODYS);
	return err;
}

/**
 * table_wake() - see REGENT_HC_WORLD_WAKE
 * @cpu: this CPU
 * @id: id of a world of any CPU, or nobody's: any number
 *
 * If the world does not wait now, its next wait ends at once.
 *
 * Return: 0, or -REGENT_HC_EINVAL when there is no such world.
 */
s64 table_wake(struct cpu *cpu, u64 id)
{
	s64 err = -REGENT_HC_EINVAL;

	lock_take(&table_lock);
	if (id - 1 < MAX_WORLDS && table[id - 1]) {
		sched_ask(cpu, table[id - 1], WORLD_ASK_WAKE);
		err = 0;
	}
	lock_drop(&table_lock);
	return err;
}

/**
 * table_retire() - stop a world and take its id back, so that it can be freed
 * @cpu: this CPU, Linux running
 * @id: id of the world, any number
 * @world: set to the world when the result is 0; the caller frees it
 *
 * Return: 0; -REGENT_HC_EBUSY when L has to repeat its hypercall; -REGENT_HC_EINVAL when there
 * is no such world.
 */
s64 table_retire(struct cpu *cpu, u64 id, struct world **world)
{
	struct world *w = table_claim(cpu, id);

	if (!w)
		return table_ask(cpu, id, WORLD_ASK_STOP);
	if (w == cpu->current)
		return -REGENT_HC_EINVAL;
	sched_remove(cpu, w);
	/* The world's request may still be in the mailbox of a CPU that it has left. */
	if (!request_retire(&w->request)) {
		table_give(w, WORLD_NOBODYS);
		return -REGENT_HC_EBUSY;
	}
	table_remove(w);
	*world = w;
	return 0;
}
