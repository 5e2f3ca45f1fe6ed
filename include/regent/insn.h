/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prefixes of instructions, lengths of those that Regent intercepts, and what a few of them are
 * about. Plain logic.
 */
#ifndef REGENT_INSN_H
#define REGENT_INSN_H

#include <regent/abi/types.h>
#include <regent/decode.h>

#define INSN_MAX	15	/* a longer instruction is #GP on every x86 */
#define INSN_NO_SEGMENT	(-1)

/**
 * struct insn_prefixes - the prefixes of an instruction
 * @segment: enum decode_segment of the one that counts, or INSN_NO_SEGMENT
 * @rex: REX, which counts only right before the opcode; 0 for none
 * @operand: there is 66
 * @address: there is 67
 * @lock: there is F0
 * @repne: there is F2
 * @rep: there is F3
 */
struct insn_prefixes {
	s8 segment;
	u8 rex;
	bool operand;
	bool address;
	bool lock;
	bool repne;
	bool rep;
};

/**
 * struct insn_string - how INS or OUTS addresses memory
 * @mask: bits of RSI, RDI and RCX that count
 * @segment: enum decode_segment
 * @repeated: it has REP
 * @write: it is OUTS
 */
struct insn_string {
	u64 mask;
	u8 segment;
	bool repeated;
	bool write;
};

/**
 * struct insn_cr - a MOV to or from a control register
 * @length: bytes
 * @cr: the control register
 * @reg: the general register
 * @write: to the control register
 */
struct insn_cr {
	u8 length;
	u8 cr;
	u8 reg;
	bool write;
};

int insn_prefixes(const u8 *code, int n, bool wide, struct insn_prefixes *p);
int insn_length(const u8 *code, int n, bool wide);
bool insn_string(const u8 *code, int n, enum decode_mode mode, struct insn_string *s);
bool insn_cr(const u8 *code, int n, bool wide, struct insn_cr *to);

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
