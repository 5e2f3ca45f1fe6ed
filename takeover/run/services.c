// SPDX-License-Identifier: GPL-2.0-only
/* The step "services": what users, and K, find of L while Regent rules. */
#include "run.h"

static const struct step services[] = {
	{ "events",	events_do,	events_undo },
	{ "sysfs",	sysfs_do,	sysfs_undo },
	{ "device",	device_do,	device_undo },
	{ "debug",	debug_do,	debug_undo },
};

int services_do(void)
{
	return steps_do(services, ARRAY_SIZE(services), "service", "");
}

void services_undo(void)
{
	steps_undo(services, ARRAY_SIZE(services));
}
