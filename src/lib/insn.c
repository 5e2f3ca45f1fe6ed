// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lengths of the instructions Regent intercepts: HLT, PAUSE, MWAIT, RDMSR, WRMSR and
 * the 0F 01 group of virtualization instructions, with any prefixes. Plain logic.
 */
#include <regent/insn.h>

static bool is_prefix(u8 byte)
{
	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e:	/* segments */
	case 0x64: case 0x65: case 0x66: case 0x67:
	case 0xf0: case 0xf2: case 0xf3:
		return true;
	}
	return (byte & 0xf0) == 0x40;			/* REX */
}

/**
 * insn_length() - length of an instruction of which some bytes are known
 * @code: its first bytes
 * @n: number of bytes
 *
 * Return: its length, 0 when more bytes are needed, -1 when it is none of
 * those that Regent intercepts.
 */
int insn_length(const u8 *code, int n)
{
	bool repeat = false;
	int i = 0;

	for (; i < n && is_prefix(code[i]); i++)
		repeat |= code[i] == 0xf3;
	if (i >= n)
		return n >= INSN_MAX ? -1 : 0;
	if (code[i] == 0xf4 || (code[i] == 0x90 && repeat))
		return i + 1;
	if (code[i] != 0x0f)
		return -1;
	if (i + 1 >= n)
		return n >= INSN_MAX ? -1 : 0;
	if (code[i + 1] == 0x30 || code[i + 1] == 0x32)
		return i + 2;
	if (code[i + 1] != 0x01)
		return -1;
	if (i + 2 >= n)
		return n >= INSN_MAX ? -1 : 0;
	/* VMX: 0f 01 c1 (VMCALL); SVM: 0f 01 d8 (VMRUN) to df (INVLPGA); c9: MWAIT. */
	if (code[i + 2] == 0xc1 || code[i + 2] == 0xc9 || (code[i + 2] & 0xf8) == 0xd8)
		return i + 3;
	return -1;
}
