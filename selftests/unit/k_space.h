/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * K's fixed addresses, moved to where a user program can have memory. Included
 * before everything else by the Makefile.
 */
#ifndef K_SPACE_H
#define K_SPACE_H

#include <regent/abi/handoff.h>

#undef REGENT_VA_PERCPU
#undef REGENT_VA_CHUNKS
#define REGENT_VA_PERCPU	0x200000000000ull
#define REGENT_VA_CHUNKS	0x200100000000ull

#endif
