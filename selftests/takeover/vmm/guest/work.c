// SPDX-License-Identifier: GPL-2.0-only
/* A vCPU that works without an end, and without an exit */
#include "inside.h"

/* The last piece is not added to any more. */
void guest_work(void)
{
	volatile u32 *rounds = (void *)GUEST_AREA;
	u64 unit = SHARED->tsc_khz * WORK_UNIT_MS, begin = rdtsc(), at;

	SHARED->arg[0] = begin;
	tell(1);
	for (;;) {
		at = (rdtsc() - begin) / unit;
		if (at < WORK_UNITS)
			rounds[at]++;
	}
}
