/* SPDX-License-Identifier: GPL-2.0-only */
/* Private to src/test/. */
#ifndef TEST_START_H
#define TEST_START_H

#include <regent/abi/types.h>

struct regent_state;

#define TEST_START_CR3	0x4000		/* world.c puts the PML4 here */

void test_start_state(struct regent_state *s, u64 mode);

#endif
