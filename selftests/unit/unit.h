/* SPDX-License-Identifier: GPL-2.0-only */
/* What every unit test needs: cmocka, and random numbers that repeat. */
#ifndef REGENT_SELFTESTS_UNIT_H
#define REGENT_SELFTESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <regent/abi/types.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* xorshift64*: the same sequence on every machine, so a failure repeats. */
static inline u64 unit_random(u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

static inline u64 unit_below(u64 *state, u64 bound)
{
	return (unit_random(state) >> 16) % bound;
}

#endif
