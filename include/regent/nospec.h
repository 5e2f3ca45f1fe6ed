/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Indexes that a guest or a program chooses. A comparison refuses those that are too large, but
 * a processor that expects the comparison to succeed goes on before it knows, with any index, and
 * what it reads there leaves traces in its caches. So the index is masked as well, by an
 * arithmetic result that no processor predicts. AMD "Software Techniques for Managing
 * Speculation", Intel "Bounds Check Bypass". Plain logic, for K and L.
 */
#ifndef REGENT_NOSPEC_H
#define REGENT_NOSPEC_H

#include <regent/abi/types.h>

/**
 * nospec_mask() - all ones for an index that is in bounds
 * @index: any number
 * @size: number of elements, which the caller does not choose
 *
 * Return: ~0 if @index < @size, or 0, also while the processor speculates.
 */
static inline u64 nospec_mask(u64 index, u64 size)
{
	u64 mask;

	/* CMP borrows if index < size, and SBB makes all ones of the borrow. */
	asm volatile("cmpq %2, %1\n\tsbbq %0, %0" : "=r"(mask) : "r"(index), "er"(size) : "cc");
	return mask;
}

/**
 * nospec_index() - an index for use behind the comparison with its bound
 * @index: the index
 * @size: number of elements
 *
 * Return: @index if it is in bounds, or 0.
 */
static inline u64 nospec_index(u64 index, u64 size)
{
	return index & nospec_mask(index, size);
}

#endif
