/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The integer types that K, L and the user-space unit tests agree on.
 *
 * This is the only header of include/regent/ that knows for which of the three it is
 * compiled: L takes Linux's u64, K and user space take the compiler's.
 */
#ifndef REGENT_ABI_TYPES_H
#define REGENT_ABI_TYPES_H

#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/stddef.h>
#else
#include <stdbool.h>
#include <stddef.h>
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef signed int s32;
typedef signed long long s64;
#endif

#define REGENT_PAGE_SHIFT	12
#define REGENT_PAGE_SIZE	(1ull << REGENT_PAGE_SHIFT)
#define REGENT_CHUNK_SHIFT	21
#define REGENT_CHUNK_SIZE	(1ull << REGENT_CHUNK_SHIFT)

#endif
