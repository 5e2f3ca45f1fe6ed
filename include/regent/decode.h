/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decoder of the instructions with which operating systems access device registers in
 * memory. Plain logic.
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
 * Each round does one element of a repeated string instruction: decode_apply() leaves RIP
 * on the instruction until the last element is done.
 */
#ifndef REGENT_DECODE_H
#define REGENT_DECODE_H

#include <regent/abi/types.h>

#define DECODE_MAX	15	/* a longer instruction is #GP */

/* The code segment's default operand size, or 64-bit mode */
enum decode_mode { DECODE_16, DECODE_32, DECODE_64 };

/**
 * enum decode_result - what decode() found
 * @DECODE_OK: an instruction with a memory operand
 * @DECODE_MORE: the instruction is longer than the bytes that are known
 * @DECODE_UNKNOWN: an instruction that this decoder does not know, or that has no memory
 *	operand, or that is #UD
 */
enum decode_result {
	DECODE_OK,
	DECODE_MORE,
	DECODE_UNKNOWN,
};

/* Operations; the first eight are numbered as the processor encodes them. */
enum decode_op {
	DECODE_ADD, DECODE_OR, DECODE_ADC, DECODE_SBB,
	DECODE_AND, DECODE_SUB, DECODE_XOR, DECODE_CMP,
	DECODE_TEST, DECODE_NOT, DECODE_NEG, DECODE_INC, DECODE_DEC,
	DECODE_BT, DECODE_BTS, DECODE_BTR, DECODE_BTC,
	DECODE_MOV,		/* into a register: extended to reg_width */
	DECODE_XCHG, DECODE_MOVS, DECODE_STOS, DECODE_LODS,
};

/* Register numbers: 0 to 15 as the processor encodes them, and these two */
#define DECODE_RIP	16
#define DECODE_NO_REG	17

enum decode_segment {
	DECODE_ES, DECODE_CS, DECODE_SS, DECODE_DS, DECODE_FS, DECODE_GS,
};

/**
 * struct decode - an instruction with a memory operand
 * @length: bytes of code
 * @mode: enum decode_mode for which it was decoded
 * @op: enum decode_op
 * @width: bytes of the memory operand
 * @reg_width: bytes of the register operand, more than @width when it is extended
 * @reg: register operand; DECODE_NO_REG when @imm is the operand, or there is none
 * @high: @reg stands for AH, CH, DH or BH (and is 0 to 3)
 * @to_reg: the result goes to the register, not to memory
 * @sign: the memory operand is sign-extended
 * @reads: the instruction reads memory
 * @writes: the instruction writes memory
 * @rep: the instruction repeats while the count register is not zero
 * @lock: there is a LOCK prefix
 * @segment: enum decode_segment of the memory operand
 * @address_width: bytes of an address: 2, 4 or 8
 * @base: base register, or DECODE_RIP, or DECODE_NO_REG
 * @index: index register, or DECODE_NO_REG
 * @scale: left shift of the index
 * @disp: displacement
 * @imm: immediate operand, sign-extended to 64 bits
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
 * struct decode_move - a MOV of 32 bits between memory and a register or immediate
 * @length: bytes of code
 * @reg: register; DECODE_NO_REG when the instruction stores @imm
 * @store: the MOV writes memory; else it reads memory
 * @imm: immediate operand
 *
 * The memory address is left out: the caller knows it from the access that faulted.
 */
struct decode_move {
	u8 length;
	u8 reg;
	bool store;
	u32 imm;
};

/**
 * struct decode_regs - the registers that an instruction can use
 * @gpr: general registers in the processor's order: RAX, RCX, RDX, ...
 * @rip: RIP
 * @flags: RFLAGS
 * @segment_base: linear addresses of the segments, by enum decode_segment
 */
struct decode_regs {
	u64 gpr[16];
	u64 rip;
	u64 flags;
	u64 segment_base[6];
};

bool decode_move(u64 low, u64 high, struct decode_move *m);
int decode(const u8 *code, int n, enum decode_mode mode, struct decode *d);
u64 decode_address(const struct decode *d, const struct decode_regs *r);
u64 decode_target(const struct decode *d, const struct decode_regs *r);
bool decode_idle(const struct decode *d, struct decode_regs *r);
void decode_apply(const struct decode *d, struct decode_regs *r, u64 mem,
		  u64 *out);

#endif
