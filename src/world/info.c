// SPDX-License-Identifier: GPL-2.0-only
/* REGENT_HC_WORLD_INFO: what L can ask about any world, from any CPU. */
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/sched.h>

static u8 info_state(const struct world *w)
{
	static const u8 states[] = {
		[SCHED_OFF] = REGENT_STATE_STOPPED, [SCHED_BLOCKED] = REGENT_STATE_BLOCKED,
		[SCHED_RUNNABLE] = REGENT_STATE_RUNNABLE,
		[SCHED_RUNNING] = REGENT_STATE_RUNNING,
	};

	return w->state == WORLD_DEAD ? REGENT_STATE_DEAD : states[w->sched.state & 3];
}

/* As <linux/regent.h> numbers them */
static u8 info_kind(const struct world *w)
{
	static const u8 kinds[WORLD_KINDS] = {
		[WORLD_TEST] = 0, [WORLD_HOST] = 1, [WORLD_VM] = 3,
	};

	return kinds[w->kind];
}

static s64 info_value(const struct cpu *cpu, const struct world *w, u64 what)
{
	switch (what) {
	case REGENT_INFO_STATE:
		return info_state(w);
	case REGENT_INFO_CPU:
		return cpu->id;
	case REGENT_INFO_SHARES:
		return w->sched.shares;
	case REGENT_INFO_MIN:
		return w->sched.min;
	case REGENT_INFO_MAX:
		return w->sched.max;
	case REGENT_INFO_RAN:
		return sched_ran(cpu, &w->sched);
	case REGENT_INFO_WAITED:
		return sched_waited(w);
	case REGENT_INFO_SWITCHES:
		return w->switches;
	case REGENT_INFO_EXITS:
		return w->exits;
	case REGENT_INFO_MOVES:
		return w->moves;
	case REGENT_INFO_KIND:
		return info_kind(w);
	}
	return -REGENT_HC_EINVAL;
}

static s64 info_of_host(const struct cpu *cpu, u64 what)
{
	s64 exits = 0;
	u32 i;

	if (!cpu || !__atomic_load_n(&cpu->entered, __ATOMIC_ACQUIRE))
		return -REGENT_HC_EINVAL;
	if (what != REGENT_INFO_EXITS)
		return info_value(cpu, &cpu->host, what);
	for (i = 0; i < REGENT_EXIT_REASONS; i++)
		exits += cpu->exits[i];
	return exits;
}

static s64 info_of_idle(const struct cpu *cpu, u64 what)
{
	if (!cpu || !__atomic_load_n(&cpu->entered, __ATOMIC_ACQUIRE) ||
	    what >= REGENT_INFOS)
		return -REGENT_HC_EINVAL;
	if (what == REGENT_INFO_STATE)
		return cpu->rq.curr == &cpu->idle ? REGENT_STATE_RUNNING
						  : REGENT_STATE_RUNNABLE;
	if (what == REGENT_INFO_CPU)
		return cpu->id;
	return what == REGENT_INFO_RAN ? (s64)sched_ran(cpu, &cpu->idle) : 0;
}

/**
 * world_info() - see REGENT_HC_WORLD_INFO
 * @id: id of a world other than Linux, REGENT_WORLD_SYSTEM + a CPU's number for its host world,
 *	or REGENT_WORLD_IDLE + a CPU's number: any number
 * @what: enum regent_world_info
 *
 * Another CPU may change the world meanwhile, so that a value may be old.
 *
 * Return: the value; -REGENT_HC_EINVAL when there is no such world or value.
 */
s64 world_info(u64 id, u64 what)
{
	const struct world *w;
	s64 answer;

	if (id >= REGENT_WORLD_IDLE)
		return info_of_idle(cpu_find(id - REGENT_WORLD_IDLE), what);
	if (id >= REGENT_WORLD_SYSTEM)
		return info_of_host(cpu_find(id - REGENT_WORLD_SYSTEM), what);
	w = table_hold(id);
	answer = w ? info_value(cpu_of(w->cpu), w, what) : -REGENT_HC_EINVAL;
	table_release();
	return answer;
}
