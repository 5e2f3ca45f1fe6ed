// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: the step table, which the takeover runs downwards and the handback
 * upwards, and the state that all files share.
 */
#include <linux/module.h>
#include <linux/mutex.h>

#include "l.h"

struct regent regent = { .why = "not taken over" };
/* Taken for every change of regent, and so for takeover and handback. */
DEFINE_MUTEX(regent_lock);
DEFINE_PER_CPU(struct l_cpu, l_cpus);

bool regent_debug;
module_param_named(debug, regent_debug, bool, 0400);
MODULE_PARM_DESC(debug, "debug: make files in debugfs that can make K fault");

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

static int __init regent_init(void)
{
	return steps_do(steps, ARRAY_SIZE(steps), "step",
			"; all undone, Linux is as before");
}

static void __exit regent_exit(void)
{
	wait_for_lost();
	steps_undo(steps, ARRAY_SIZE(steps));
}

module_init(regent_init);
module_exit(regent_exit);

MODULE_DESCRIPTION("Regent: takes over a running Linux, and hands it back");
MODULE_VERSION(REGENT_VERSION);
MODULE_LICENSE("GPL");
