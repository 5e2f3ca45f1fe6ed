/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decoder of the instructions with which operating systems access device
 * registers in memory. Plain logic.
 *
 *	if (decode(code, n, mode, &d) == DECODE_OK && !decode_idle(&d, &regs)) {
 *		if (d.reads)
 *			mem = read(decode_address(&d, &regs), d.width);
 *		to = decode_target(&d, &regs);
 *		decode_apply(&d, &regs, mem, &out);
 *		if (d.writes)
 *			write(to, d.width, out);
 *	}
 *
 * A repeated string instruction is done one element at a time: decode_apply()
 * leaves RIP on it until the last.
 */
#ifndef REGENT_DECODE_H
#define REGENT_DECODE_H

#include <regent/abi/types.h>

#define DECODE_MAX	15	/* a longer instruction is #GP */

enum decode_mode { DECODE_16, DECODE_32, DECODE_64 };

enum decode_result {
	DECODE_OK,
	DECODE_MORE,		/* it goes on behind the bytes that are known */
	DECODE_UNKNOWN,		/* not decoded here, or no memory operand, or #UD */
};

/* The first eight as the processor encodes them. */
enum decode_op {
	DECODE_ADD, DECODE_OR, DECODE_ADC, DECODE_SBB,
	DECODE_AND, DECODE_SUB, DECODE_XOR, DECODE_CMP,
	DECODE_TEST, DECODE_NOT, DECODE_NEG, DECODE_INC, DECODE_DEC,
	DECODE_BT, DECODE_BTS, DECODE_BTR, DECODE_BTC,
	DECODE_MOV,		/* to a register: extended to reg_width */
	DECODE_XCHG, DECODE_MOVS, DECODE_STOS, DECODE_LODS,
};

/* Numbers of registers: those of the processor, and these two. */
#define DECODE_RIP	16
#define DECODE_NO_REG	17

enum decode_segment {
	DECODE_ES, DECODE_CS, DECODE_SS, DECODE_DS, DECODE_FS, DECODE_GS,
};

/**
 * struct decode - an instruction with a memory operand
 * @length: bytes of code
 * @mode: enum decode_mode it was decoded for
 * @op: enum decode_op
 * @width: bytes of the memory operand
 * @reg_width: bytes of the register operand, more than @width when extended
 * @reg: register operand; DECODE_NO_REG when it is @imm, or there is none
 * @high: @reg is AH, CH, DH or BH (and holds 0 to 3)
 * @to_reg: the result goes to the register, not to memory
 * @sign: extend with the sign
 * @reads: reads memory
 * @writes: writes memory
 * @rep: repeat while the count register is not zero
 * @lock: LOCK prefix
 * @segment: enum decode_segment
 * @address_width: bytes of an address: 2, 4 or 8
 * @base: register or DECODE_RIP or DECODE_NO_REG
 * @index: register or DECODE_NO_REG
 * @scale: the index is shifted left by this
 * @disp: displacement
 * @imm: immediate operand, extended to 64 bits
 */
struct decode {
	u8 length;
	u8 mode;
	u8 op;
	u8 width;
	u8 reg_width;
	u8 reg;
	bool high;
	bool to_reg;
	bool sign;
	bool reads;
	bool writes;
	bool rep;
	bool lock;
	u8 segment;
	u8 address_width;
	u8 base;
	u8 index;
	u8 scale;
	u64 disp;
	u64 imm;
};

/**
 * struct decode_move - a MOV of 32 bits between memory and something else
 * @length: bytes of code
 * @reg: the register; DECODE_NO_REG when @imm is stored
 * @store: to memory; else from it
 * @imm: immediate operand
 *
 * Where the memory is, who met the access knows already.
 */
struct decode_move {
	u8 length;
	u8 reg;
	bool store;
	u32 imm;
};

struct decode_regs {
	u64 gpr[16];		/* in the processor's order: RAX, RCX, RDX, ... */
	u64 rip;
	u64 flags;
	u64 segment_base[6];	/* by enum decode_segment */
};

bool decode_move(u64 low, u64 high, struct decode_move *m);
int decode(const u8 *code, int n, enum decode_mode mode, struct decode *d);
u64 decode_address(const struct decode *d, const struct decode_regs *r);
u64 decode_target(const struct decode *d, const struct decode_regs *r);
bool decode_idle(const struct decode *d, struct decode_regs *r);
void decode_apply(const struct decode *d, struct decode_regs *r, u64 mem,
		  u64 *out);

#endif
