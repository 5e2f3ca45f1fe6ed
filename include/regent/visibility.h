/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * src/Makefile includes this before everything else of K: every symbol is in the image, so
 * the compiler may address it relative to RIP without a GOT.
 */
#pragma GCC visibility push(hidden)
