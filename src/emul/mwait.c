// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linux waits by MWAIT on its idle thread's flags: see <regent/polling.h>. AMD APM
 * volume 3, "MWAIT".
 */
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/emul.h>
#include <regent/k.h>
#include <regent/polling.h>

/* What the thread that runs has for flags; 0 where that cannot be found out. */
static u64 flags_of_current(const struct cpu *cpu, const struct world *world)
{
	const u64 *task;
	u64 pa, thread;

	pa = guest_address(world, cpu->handoff->current_task);
	task = guest_word(pa);
	if (!task)
		return 0;
	thread = *task;
	return guest_address(world, thread + k_params.flags_offset);
}

/**
 * mwait_begin() - may the CPU be given away at this MWAIT?
 * @cpu: this CPU, forwarded
 * @world: the host world
 *
 * Only an idle thread that an interrupt ends the wait of: everywhere else MWAIT is
 * over at once, which it may always be. Return: true, then mwait_end() follows before
 * Linux goes on.
 */
bool mwait_begin(struct cpu *cpu, const struct world *world)
{
	u64 pa, *flags;

	if (backend_cpl(world) || !backend_flag_if(world))
		return false;
	pa = flags_of_current(cpu, world);
	flags = guest_word(pa);
	if (!flags || !polling_stop(flags, k_params.flag_polling, k_params.flags_resched))
		return false;
	cpu->polling = pa;
	cpu->work.own |= WORK_POLLING;
	return true;
}

/**
 * mwait_end() - Linux goes on behind its MWAIT
 * @cpu: this CPU, after mwait_begin()
 */
void mwait_end(struct cpu *cpu)
{
	u64 *flags = guest_word(cpu->polling);

	cpu->polling = 0;
	cpu->work.own &= ~WORK_POLLING;
	if (flags)
		polling_again(flags, k_params.flag_polling);
}
