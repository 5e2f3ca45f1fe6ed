// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: its parameters, and the step table that the takeover runs
 * downwards and the handback upwards.
 */
#include <linux/module.h>
#include <linux/mutex.h>

#include "l.h"

struct regent regent = { .why = "not taken over" };
/* Taken for every change of regent, and so for takeover and handback. */
DEFINE_MUTEX(regent_lock);
DEFINE_PER_CPU(struct l_cpu, l_cpus);

char *fail_step;
module_param(fail_step, charp, 0400);
MODULE_PARM_DESC(fail_step, "debug: NAME[:CPU], make this step fail (on this CPU)");

static const struct step steps[] = {
	{ "probe",	probe_do },
	{ "memory",	memory_do,	memory_undo },
	{ "image",	image_do,	image_undo },
	{ "inventory",	inventory_do,	inventory_undo },
	{ "blob",	blob_do,	blob_undo },
	{ "tables",	tables_do,	tables_undo },
	{ "guards",	guards_do,	guards_undo },
	{ "processors",	processors_do,	processors_undo },
	{ "services",	services_do,	services_undo },
};

static bool refused;

/**
 * step_named() - does fail_step= name this?
 * @name: a step, or a part of one
 * @cpu: CPU it runs on, -1 for a step of the whole machine
 */
bool step_named(const char *name, int cpu)
{
	size_t n = strlen(name);
	int which;

	if (strncmp(fail_step, name, n))
		return false;
	if (cpu < 0)
		return !fail_step[n];
	return fail_step[n] == ':' && !kstrtoint(fail_step + n + 1, 10, &which) &&
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
	refused = true;
	return -EOPNOTSUPP;
}

static void undo_from(int i)
{
	for (; i >= 0; i--)
		if (steps[i].undo_step)
			steps[i].undo_step();
}

static int run_step(const struct step *step)
{
	int err = step->do_step();

	if (!err && step_fails(step->name, -1)) {
		if (step->undo_step)
			step->undo_step();
		err = -ECANCELED;
	}
	return err;
}

static int __init regent_init(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		err = run_step(&steps[i]);
		if (!err)
			continue;
		if (!refused)
			pr_err("step %s failed: %pe; all undone, Linux is as before\n",
			       steps[i].name, ERR_PTR(err));
		undo_from(i - 1);
		return err;
	}
	return 0;
}

static void __exit regent_exit(void)
{
	undo_from(ARRAY_SIZE(steps) - 1);
}

module_init(regent_init);
module_exit(regent_exit);

MODULE_DESCRIPTION("Regent: takes over a running Linux, and hands it back");
MODULE_VERSION(REGENT_VERSION);
MODULE_LICENSE("GPL");
