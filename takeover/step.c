// SPDX-License-Identifier: GPL-2.0-only
/* Steps: a list of them is done downwards, and undone upwards from where one failed. */
#include <linux/module.h>
#include <linux/string.h>

#include "l.h"

char *step_to_fail;
static bool step_is_refused;	/* the log has the reason already */
module_param_named(fail_step, step_to_fail, charp, 0400);
MODULE_PARM_DESC(fail_step, "debug: NAME[:CPU], make this step fail (on this CPU)");

/**
 * step_named() - does fail_step= name this?
 * @name: a step, or a part of one
 * @cpu: CPU it runs on, -1 for a step of the whole machine
 */
bool step_named(const char *name, int cpu)
{
	size_t n = strlen(name);
	int which;

	if (strncmp(step_to_fail, name, n))
		return false;
	if (cpu < 0)
		return !step_to_fail[n];
	return step_to_fail[n] == ':' && !kstrtoint(step_to_fail + n + 1, 10, &which) &&
	       which == cpu;
}

/**
 * step_refused() - say why the machine cannot be taken over
 * @why: one line: the reason; what to do
 *
 * Return: -EOPNOTSUPP, for the step to return.
 */
int step_refused(const char *why)
{
	pr_err("refused: %s\n", why);
	step_is_refused = true;
	return -EOPNOTSUPP;
}

static int step_run(const struct step *step)
{
	int err = step->do_step();

	if (!err && step_fails(step->name, -1)) {
		if (step->undo_step)
			step->undo_step();
		err = -ECANCELED;
	}
	return err;
}

/**
 * steps_do() - do a list of steps, all or none
 * @steps: the list
 * @count: how many
 * @what: what a step of this list is called in the log
 * @then: what the log says behind the error
 *
 * Process context. Return: 0, or the error of the step that failed, everything before it
 * undone. The log says which; a refusal has said more.
 */
int steps_do(const struct step *steps, unsigned int count, const char *what,
	     const char *then)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		int err = step_run(&steps[i]);

		if (!err)
			continue;
		if (!step_is_refused)
			pr_err("%s %s failed: %pe%s\n", what, steps[i].name, ERR_PTR(err), then);
		steps_undo(steps, i);
		return err;
	}
	return 0;
}

/**
 * steps_undo() - undo the first steps of a list, the last of them first
 * @steps: the list
 * @count: how many were done
 *
 * Process context.
 */
void steps_undo(const struct step *steps, unsigned int count)
{
	while (count-- > 0)
		if (steps[count].undo_step)
			steps[count].undo_step();
}
