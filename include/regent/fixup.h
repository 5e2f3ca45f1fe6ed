/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For K's assembly: an instruction that may fault, and where to go on then.
 * trap() looks the pair up.
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
