// SPDX-License-Identifier: GPL-2.0-only
/* What can be asked about worlds, from any CPU. */
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/sched.h>

static u8 state(const struct world *w)
{
	static const u8 states[] = {
		[SCHED_OFF] = REGENT_STATE_STOPPED, [SCHED_BLOCKED] = REGENT_STATE_BLOCKED,
		[SCHED_RUNNABLE] = REGENT_STATE_RUNNABLE,
		[SCHED_RUNNING] = REGENT_STATE_RUNNING,
	};

	return w->state == WORLD_DEAD ? REGENT_STATE_DEAD : states[w->sched.state & 3];
}

static s64 value(const struct cpu *cpu, const struct world *w, u64 what)
{
	switch (what) {
	case REGENT_INFO_STATE:
		return state(w);
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
	}
	return -REGENT_HC_EINVAL;
}

static s64 system_value(const struct cpu *cpu, u64 what)
{
	s64 exits = 0;
	u32 i;

	if (!cpu || !__atomic_load_n(&cpu->entered, __ATOMIC_ACQUIRE))
		return -REGENT_HC_EINVAL;
	if (what != REGENT_INFO_EXITS)
		return value(cpu, &cpu->system, what);
	for (i = 0; i < REGENT_EXIT_REASONS; i++)
		exits += cpu->exits[i];
	return exits;
}

static s64 idle_value(const struct cpu *cpu, u64 what)
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
 * @id: which world
 * @what: enum regent_world_info
 */
s64 world_info(u64 id, u64 what)
{
	const struct world *w;
	s64 answer;

	if (id >= REGENT_WORLD_IDLE)
		return idle_value(cpu_find(id - REGENT_WORLD_IDLE), what);
	if (id >= REGENT_WORLD_SYSTEM)
		return system_value(cpu_find(id - REGENT_WORLD_SYSTEM), what);
	w = test_world_hold(id);
	answer = w ? value(cpu_of(w->cpu), w, what) : -REGENT_HC_EINVAL;
	test_world_let_go();
	return answer;
}
