/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For K's assembly: the address of an instruction that may fault, and the address at which
 * K goes on if it does. trap() looks the pair up.
 */
#ifndef REGENT_FIXUP_H
#define REGENT_FIXUP_H

#ifdef __ASSEMBLY__
	.macro	fixup from, to
	.pushsection .fixups, "a"
	.quad	\from, \to
	.popsection
	.endm
#endif

#endif
