/* SPDX-License-Identifier: GPL-2.0-only */
/* Lengths of the instructions that Regent intercepts. Plain logic. */
#ifndef REGENT_INSN_H
#define REGENT_INSN_H

#include <regent/abi/types.h>

#define INSN_MAX	15	/* a longer instruction is #GP on every x86 */

bool insn_is_prefix(u8 byte);
int insn_length(const u8 *code, int n);

/**
 * insn_length_plain() - insn_length() of what is intercepted most, without a prefix
 * @word: the first two bytes
 *
 * Return: the length; 0 when insn_length() has to find it.
 */
static inline int insn_length_plain(u16 word)
{
	switch (word) {
	case 0xa20f:		/* CPUID */
	case 0x300f:		/* WRMSR */
	case 0x320f:		/* RDMSR */
		return 2;
	}
	return (word & 0xff) == 0xf4;	/* HLT */
}

#endif
