// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lengths of the instructions that Regent intercepts: HLT, PAUSE, MWAIT, RDMSR, WRMSR and
 * the 0F 01 group of virtualization instructions, and of vCPUs CPUID, INVD, WBINVD and XSETBV, with
 * any prefixes. Plain logic.
 */
#include <regent/insn.h>

/**
 * insn_is_prefix() - is a byte a prefix in every mode? REX, which 64-bit code alone has, is not
 * @byte: of code
 */
bool insn_is_prefix(u8 byte)
{
	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e:	/* segments */
	case 0x64: case 0x65: case 0x66: case 0x67:
	case 0xf0: case 0xf2: case 0xf3:
		return true;
	}
	return false;
}

/**
 * insn_length() - length of an instruction of which some bytes are known
 * @code: its first bytes
 * @n: number of known bytes
 *
 * Return: the length in bytes, 0 when more bytes are needed, -1 when the instruction is none
 * of those that Regent intercepts.
 */
int insn_length(const u8 *code, int n)
{
	bool repeat = false;
	int i = 0;

	for (; i < n && (insn_is_prefix(code[i]) || (code[i] & 0xf0) == 0x40); i++)	/* REX */
		repeat |= code[i] == 0xf3;
	if (i >= n)
		return n >= INSN_MAX ? -1 : 0;
	if (code[i] == 0xf4 || (code[i] == 0x90 && repeat))
		return i + 1;
	if (code[i] != 0x0f)
		return -1;
	if (i + 1 >= n)
		return n >= INSN_MAX ? -1 : 0;
	switch (code[i + 1]) {
	case 0x08: case 0x09:				/* INVD, WBINVD */
	case 0x30: case 0x32:				/* WRMSR, RDMSR */
	case 0xa2:					/* CPUID */
		return i + 2;
	}
	if (code[i + 1] != 0x01)
		return -1;
	if (i + 2 >= n)
		return n >= INSN_MAX ? -1 : 0;
	/* VMX: c1 (VMCALL); SVM: d8 (VMRUN) to df (INVLPGA); c9: MWAIT; d1: XSETBV. */
	if (code[i + 2] == 0xc1 || code[i + 2] == 0xc9 || code[i + 2] == 0xd1 ||
	    (code[i + 2] & 0xf8) == 0xd8)
		return i + 3;
	return -1;
}
