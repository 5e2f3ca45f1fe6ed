// SPDX-License-Identifier: GPL-2.0-only
/*
 * What decoded instructions do to registers, flags and their memory operand, see
 * <regent/decode.h>. Plain logic.
 */
#include <regent/decode.h>

#define CF	(1u << 0)
#define PF	(1u << 2)
#define AF	(1u << 4)
#define ZF	(1u << 6)
#define SF	(1u << 7)
#define DF	(1u << 10)
#define OF	(1u << 11)
#define ARITHMETIC	(CF | PF | AF | ZF | SF | OF)

enum { RAX, RCX, RSI = 6, RDI = 7 };

static u64 mask_of(int bytes)
{
	return ~0ull >> (64 - 8 * bytes);
}

static u64 sign_of(int bytes)
{
	return 1ull << (8 * bytes - 1);
}

static u64 extend(u64 value, int bytes)
{
	int unused = 64 - 8 * bytes;

	return (u64)((s64)(value << unused) >> unused);
}

/* Writing one or two bytes keeps the rest of the register, writing four clears it. */
static void put_bytes(u64 *reg, int bytes, u64 value)
{
	u64 kept = bytes < 4 ? *reg & ~mask_of(bytes) : 0;

	*reg = kept | (value & mask_of(bytes));
}

static u64 get_reg(const struct decode *d, const struct decode_regs *r)
{
	if (d->reg == DECODE_NO_REG)
		return d->imm;
	return r->gpr[d->reg] >> (d->high ? 8 : 0);
}

static void put_reg(const struct decode *d, struct decode_regs *r, u64 value)
{
	u64 *reg = &r->gpr[d->reg];

	if (d->high)
		*reg = (*reg & ~0xff00ull) | (value & 0xff) << 8;
	else
		put_bytes(reg, d->reg_width, value);
}

/* ---- addresses ---- */

static u64 linear_address(const struct decode *d, const struct decode_regs *r,
			  int segment, u64 offset)
{
	offset &= mask_of(d->address_width);
	if (d->mode != DECODE_64)
		return (r->segment_base[segment] + offset) & mask_of(4);
	return segment < DECODE_FS ? offset : r->segment_base[segment] + offset;
}

/* BT, BTS, BTR and BTC with a register reach beyond the operand, in both directions. */
static u64 bit_offset(const struct decode *d, const struct decode_regs *r)
{
	s64 bit;

	if (d->op < DECODE_BT || d->op > DECODE_BTC || d->reg == DECODE_NO_REG)
		return 0;
	bit = extend(r->gpr[d->reg], d->width);
	return (bit >> (2 + __builtin_ffs(d->width))) * d->width;
}

/**
 * decode_address() - linear address of the memory operand
 * @d: the instruction
 * @r: registers before the instruction
 *
 * Return: the address; for MOVS, the one that is read.
 */
u64 decode_address(const struct decode *d, const struct decode_regs *r)
{
	u64 offset = d->disp + bit_offset(d, r);

	if (d->base == DECODE_RIP)
		offset += r->rip + d->length;
	else if (d->base != DECODE_NO_REG)
		offset += r->gpr[d->base];
	if (d->index != DECODE_NO_REG)
		offset += r->gpr[d->index] << d->scale;
	return linear_address(d, r, d->segment, offset);
}

/**
 * decode_target() - linear address that the instruction writes
 * @d: the instruction
 * @r: registers before the instruction
 *
 * Return: the address.
 */
u64 decode_target(const struct decode *d, const struct decode_regs *r)
{
	if (d->op == DECODE_MOVS)
		return linear_address(d, r, DECODE_ES, r->gpr[RDI]);
	return decode_address(d, r);
}

/* ---- flags ---- */

static void set_flags(struct decode_regs *r, u64 changed, u64 flags)
{
	r->flags = (r->flags & ~changed) | (flags & changed);
}

/* The flags that follow from the result alone: ZF, SF, PF */
static u64 result_flags(u64 result, int bytes)
{
	u64 flags = 0;

	if (!(result & mask_of(bytes)))
		flags |= ZF;
	if (result & sign_of(bytes))
		flags |= SF;
	if (!__builtin_parity(result & 0xff))
		flags |= PF;
	return flags;
}

/*
 * The flags from the carries out of each bit of an addition, or the borrows of a subtraction:
 * the highest carry is CF, that of bit 3 is AF, and OF is set when the two highest differ.
 */
static u64 carry_flags(u64 carries, int bytes)
{
	u64 flags = 0;

	if (carries & sign_of(bytes))
		flags |= CF;
	if (carries & 8)
		flags |= AF;
	if ((carries ^ carries << 1) & sign_of(bytes))
		flags |= OF;
	return flags;
}

static u64 add(struct decode_regs *r, u64 a, u64 b, bool carry, int bytes,
	       u64 changed)
{
	u64 sum = a + b + carry;
	u64 carries = (a & b) | ((a | b) & ~sum);

	set_flags(r, changed,
		  result_flags(sum, bytes) | carry_flags(carries, bytes));
	return sum;
}

static u64 subtract(struct decode_regs *r, u64 a, u64 b, bool borrow, int bytes,
		    u64 changed)
{
	u64 rest = a - b - borrow;
	u64 borrows = (~a & b) | ((~a | b) & rest);

	set_flags(r, changed,
		  result_flags(rest, bytes) | carry_flags(borrows, bytes));
	return rest;
}

/* A logic operation leaves AF undefined; processors clear it. */
static u64 logic(struct decode_regs *r, u64 result, int bytes)
{
	set_flags(r, ARITHMETIC, result_flags(result, bytes));
	return result;
}

static u64 bit_op(const struct decode *d, struct decode_regs *r, u64 mem,
		  u64 which)
{
	u64 bit = 1ull << (which & (8 * d->width - 1));

	set_flags(r, CF, mem & bit ? CF : 0);
	switch (d->op) {
	case DECODE_BTS:
		return mem | bit;
	case DECODE_BTR:
		return mem & ~bit;
	case DECODE_BTC:
		return mem ^ bit;
	}
	return mem;
}

/* Compute a op b; a is also the destination. */
static u64 compute(const struct decode *d, struct decode_regs *r, u64 a, u64 b)
{
	bool carry = r->flags & CF;
	int bytes = d->width;

	switch (d->op) {
	case DECODE_ADD:
		return add(r, a, b, false, bytes, ARITHMETIC);
	case DECODE_ADC:
		return add(r, a, b, carry, bytes, ARITHMETIC);
	case DECODE_INC:
		return add(r, a, 1, false, bytes, ARITHMETIC & ~CF);
	case DECODE_SUB:
	case DECODE_CMP:
		return subtract(r, a, b, false, bytes, ARITHMETIC);
	case DECODE_SBB:
		return subtract(r, a, b, carry, bytes, ARITHMETIC);
	case DECODE_DEC:
		return subtract(r, a, 1, false, bytes, ARITHMETIC & ~CF);
	case DECODE_NEG:
		return subtract(r, 0, a, false, bytes, ARITHMETIC);
	case DECODE_AND:
	case DECODE_TEST:
		return logic(r, a & b, bytes);
	case DECODE_OR:
		return logic(r, a | b, bytes);
	case DECODE_XOR:
		return logic(r, a ^ b, bytes);
	case DECODE_NOT:
		return ~a;
	}
	return b;			/* MOV, XCHG, STOS, LODS */
}

/* ---- string instructions ---- */

static void advance(const struct decode *d, struct decode_regs *r, int reg)
{
	u64 step = r->flags & DF ? -(u64)d->width : d->width;

	put_bytes(&r->gpr[reg], d->address_width, r->gpr[reg] + step);
}

/* Return: whether there is another element to do. */
static bool advance_string(const struct decode *d, struct decode_regs *r)
{
	if (d->op != DECODE_STOS)
		advance(d, r, RSI);
	if (d->op != DECODE_LODS)
		advance(d, r, RDI);
	if (!d->rep)
		return false;
	put_bytes(&r->gpr[RCX], d->address_width, r->gpr[RCX] - 1);
	return r->gpr[RCX] & mask_of(d->address_width);
}

static void step_over(const struct decode *d, struct decode_regs *r)
{
	r->rip += d->length;
	if (d->mode != DECODE_64)
		r->rip &= mask_of(4);
}

/**
 * decode_idle() - step over an instruction that has nothing to do
 * @d: the instruction
 * @r: registers; RIP moves to the next instruction on true
 *
 * Return: true for a repeated instruction with a count of zero.
 */
bool decode_idle(const struct decode *d, struct decode_regs *r)
{
	if (!d->rep || (r->gpr[RCX] & mask_of(d->address_width)))
		return false;
	step_over(d, r);
	return true;
}

static __attribute__((noinline))
void apply_any(const struct decode *d, struct decode_regs *r, u64 mem, u64 *out)
{
	u64 other = get_reg(d, r);
	u64 result;

	mem &= mask_of(d->width);
	if (d->op == DECODE_MOVS)
		result = mem;
	else if (d->op >= DECODE_BT && d->op <= DECODE_BTC)
		result = bit_op(d, r, mem, other);
	else if (d->to_reg)
		result = compute(d, r, other, d->sign ? extend(mem, d->width)
						      : mem);
	else
		result = compute(d, r, mem, other);
	if (d->writes)
		*out = result & mask_of(d->width);
	if (d->op == DECODE_XCHG)
		put_reg(d, r, mem);
	else if (d->to_reg && d->op != DECODE_CMP)
		put_reg(d, r, result);
	if (d->op >= DECODE_MOVS && advance_string(d, r))
		return;
	step_over(d, r);
}

/**
 * decode_apply() - execute the instruction
 * @d: the instruction
 * @r: registers. RIP moves on, unless a repeated string instruction has more to do. The
 *	caller looks after the interrupt shadow, RF and single-stepping
 * @mem: the value that was read, when @d->reads
 * @out: the value to write, when @d->writes
 *
 * If the write then faults, the instruction must have had no effect: keep a copy of @r.
 */
void decode_apply(const struct decode *d, struct decode_regs *r, u64 mem,
		  u64 *out)
{
	*out = 0;
	if (d->op != DECODE_MOV || d->to_reg) {
		apply_any(d, r, mem, out);
		return;
	}
	/* Most instructions are stores. */
	*out = get_reg(d, r) & mask_of(d->width);
	step_over(d, r);
}
