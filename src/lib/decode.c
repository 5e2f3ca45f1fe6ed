// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decoder of accesses to device registers, see <regent/decode.h>; decode_apply.c has what the
 * instructions do. Plain logic.
 *
 * The bytes are a guest's and may be anything, even other bytes than those that made the
 * access: DECODE_MAX and the number of known bytes bound everything.
 */
#include <regent/decode.h>
#include <regent/insn.h>

/* Bits of struct opcode.how: what follows the opcode, and the direction */
#define BYTE	0x01		/* operands are one byte, else operand size */
#define TO_REG	0x02
#define IMM8	0x04
#define IMMZ	0x08		/* operand size, but at most four bytes */
#define MODRM	0x10
#define MOFFS	0x20		/* an address in place of ModRM */
#define STRING	0x40
#define KNOWN	0x80

/* Values of struct opcode.op for groups: bits 5:3 of ModRM choose the operation. */
#define GROUP		0x80
#define GROUP_ALU	0x80
#define GROUP_TEST	0x81	/* TEST, TEST, NOT, NEG */
#define GROUP_INC	0x82
#define GROUP_MOV	0x83
#define GROUP_BT	0x84

/* A row of the opcode table: enum decode_op or GROUP_*, and the bits above */
struct opcode {
	u8 op;
	u8 how;
};

#define ALU(op) \
	[(op) << 3] = { op, KNOWN | MODRM | BYTE },		\
	[(op) << 3 | 1] = { op, KNOWN | MODRM },		\
	[(op) << 3 | 2] = { op, KNOWN | MODRM | BYTE | TO_REG },	\
	[(op) << 3 | 3] = { op, KNOWN | MODRM | TO_REG }

static const struct opcode one_byte[256] = {
	ALU(DECODE_ADD), ALU(DECODE_OR), ALU(DECODE_ADC), ALU(DECODE_SBB),
	ALU(DECODE_AND), ALU(DECODE_SUB), ALU(DECODE_XOR), ALU(DECODE_CMP),
	[0x80] = { GROUP_ALU, KNOWN | MODRM | BYTE | IMM8 },
	[0x81] = { GROUP_ALU, KNOWN | MODRM | IMMZ },
	[0x82] = { GROUP_ALU, KNOWN | MODRM | BYTE | IMM8 },
	[0x83] = { GROUP_ALU, KNOWN | MODRM | IMM8 },
	[0x84] = { DECODE_TEST, KNOWN | MODRM | BYTE },
	[0x85] = { DECODE_TEST, KNOWN | MODRM },
	[0x86] = { DECODE_XCHG, KNOWN | MODRM | BYTE },
	[0x87] = { DECODE_XCHG, KNOWN | MODRM },
	[0x88] = { DECODE_MOV, KNOWN | MODRM | BYTE },
	[0x89] = { DECODE_MOV, KNOWN | MODRM },
	[0x8a] = { DECODE_MOV, KNOWN | MODRM | BYTE | TO_REG },
	[0x8b] = { DECODE_MOV, KNOWN | MODRM | TO_REG },
	[0xa0] = { DECODE_MOV, KNOWN | MOFFS | BYTE | TO_REG },
	[0xa1] = { DECODE_MOV, KNOWN | MOFFS | TO_REG },
	[0xa2] = { DECODE_MOV, KNOWN | MOFFS | BYTE },
	[0xa3] = { DECODE_MOV, KNOWN | MOFFS },
	[0xa4] = { DECODE_MOVS, KNOWN | STRING | BYTE },
	[0xa5] = { DECODE_MOVS, KNOWN | STRING },
	[0xaa] = { DECODE_STOS, KNOWN | STRING | BYTE },
	[0xab] = { DECODE_STOS, KNOWN | STRING },
	[0xac] = { DECODE_LODS, KNOWN | STRING | BYTE | TO_REG },
	[0xad] = { DECODE_LODS, KNOWN | STRING | TO_REG },
	[0xc6] = { GROUP_MOV, KNOWN | MODRM | BYTE | IMM8 },
	[0xc7] = { GROUP_MOV, KNOWN | MODRM | IMMZ },
	[0xf6] = { GROUP_TEST, KNOWN | MODRM | BYTE },
	[0xf7] = { GROUP_TEST, KNOWN | MODRM },
	[0xfe] = { GROUP_INC, KNOWN | MODRM | BYTE },
	[0xff] = { GROUP_INC, KNOWN | MODRM },
};

/* How far decoding has come */
struct cursor {
	const u8 *code;
	int n;
	int at;
	int error;
	struct insn_prefixes prefix;
};

/* Take a number. The first error stays, because the missing bytes decide what would follow. */
static u64 take_bytes(struct cursor *c, int bytes)
{
	u64 value = 0;
	int i;

	if (c->error)
		return 0;
	if (c->at + bytes > c->n) {
		c->error = c->at + bytes > DECODE_MAX ? DECODE_UNKNOWN
						      : DECODE_MORE;
		return 0;
	}
	for (i = 0; i < bytes; i++)
		value |= (u64)c->code[c->at + i] << (8 * i);
	c->at += bytes;
	return value;
}

static u64 extend(u64 value, int bytes)
{
	int unused = 64 - 8 * bytes;

	return (u64)((s64)(value << unused) >> unused);
}

static u64 take_signed(struct cursor *c, int bytes)
{
	return extend(take_bytes(c, bytes), bytes);
}

/* Take the prefixes and return the opcode. */
static u8 take_prefixes(struct cursor *c, struct decode *d)
{
	c->at = insn_prefixes(c->code, c->n, d->mode == DECODE_64, &c->prefix);
	d->lock = c->prefix.lock;
	d->rep = c->prefix.rep || c->prefix.repne;
	return take_bytes(c, 1);
}

static int operand_size(const struct cursor *c, const struct decode *d)
{
	if (c->prefix.rex & 8)
		return 8;
	return c->prefix.operand == (d->mode == DECODE_16) ? 4 : 2;
}

static int address_size(const struct cursor *c, const struct decode *d)
{
	if (d->mode == DECODE_64)
		return c->prefix.address ? 4 : 8;
	return c->prefix.address == (d->mode == DECODE_16) ? 4 : 2;
}

/*
 * Opcodes after 0f. A move that extends sets the width of the memory operand, which differs
 * from the register's.
 */
static struct opcode two_byte(struct cursor *c, struct decode *d)
{
	u8 byte = take_bytes(c, 1);

	switch (byte) {
	case 0xa3: case 0xab: case 0xb3: case 0xbb:
		return (struct opcode){ DECODE_BT + (byte >> 3 & 3),
					KNOWN | MODRM };
	case 0xba:
		return (struct opcode){ GROUP_BT, KNOWN | MODRM | IMM8 };
	case 0xb6: case 0xb7: case 0xbe: case 0xbf:
		d->width = byte & 1 ? 2 : 1;
		d->sign = byte & 8;
		return (struct opcode){ DECODE_MOV, KNOWN | MODRM | TO_REG };
	case 0xc3:			/* MOVNTI: four or eight bytes */
		if (c->prefix.operand || d->rep)
			break;
		c->prefix.operand = d->mode == DECODE_16;
		return (struct opcode){ DECODE_MOV, KNOWN | MODRM };
	}
	return (struct opcode){ 0, 0 };
}

static struct opcode take_opcode(struct cursor *c, struct decode *d)
{
	u8 byte = take_prefixes(c, d);

	if (c->error)
		return (struct opcode){ 0, 0 };
	if (byte == 0x0f)
		return two_byte(c, d);
	if (d->mode == DECODE_64) {
		if (byte == 0x82)
			return (struct opcode){ 0, 0 };
		/* Without REX.W, 66 63 differs between vendors. */
		if (byte == 0x63 && (!c->prefix.operand || (c->prefix.rex & 8))) {
			d->width = 4;
			d->sign = true;
			return (struct opcode){ DECODE_MOV,
						KNOWN | MODRM | TO_REG };
		}
	}
	return one_byte[byte];
}

static void address_16(struct cursor *c, struct decode *d, u8 mod, u8 rm)
{
	static const u8 bases[8] = { 3, 3, 5, 5, 6, 7, 5, 3 };
	static const u8 indexes[4] = { 6, 7, 6, 7 };

	if (mod == 0 && rm == 6) {
		d->disp = take_signed(c, 2);
		return;
	}
	d->base = bases[rm];
	if (rm < 4)
		d->index = indexes[rm];
	if (mod)
		d->disp = take_signed(c, mod == 1 ? 1 : 2);
}

static void address_32(struct cursor *c, struct decode *d, u8 mod, u8 rm)
{
	u8 sib;

	if (rm == 4) {
		sib = take_bytes(c, 1);
		d->scale = sib >> 6;
		d->index = (sib >> 3 & 7) | (c->prefix.rex & 2) << 2;
		if (d->index == 4)
			d->index = DECODE_NO_REG;
		rm = sib & 7;
		if (mod || rm != 5)
			d->base = rm | (c->prefix.rex & 1) << 3;
	} else if (mod || rm != 5) {
		d->base = rm | (c->prefix.rex & 1) << 3;
	} else if (d->mode == DECODE_64) {
		d->base = DECODE_RIP;
	}
	if (mod == 1)
		d->disp = take_signed(c, 1);
	else if (mod == 2 || rm == 5)
		d->disp = take_signed(c, 4);
}

/* Take ModRM and what belongs to it. Return bits 5:3: a register, or the choice in a group. */
static u8 take_modrm(struct cursor *c, struct decode *d)
{
	u8 modrm = take_bytes(c, 1);

	if (c->error)
		return 0;
	if (modrm >> 6 == 3) {
		c->error = DECODE_UNKNOWN;	/* a register operand, not memory */
		return 0;
	}
	if (d->address_width == 2)
		address_16(c, d, modrm >> 6, modrm & 7);
	else
		address_32(c, d, modrm >> 6, modrm & 7);
	if (d->base == 4 || d->base == 5)
		d->segment = DECODE_SS;
	return modrm >> 3 & 7;
}

static bool group_choose(struct opcode *o, u8 which)
{
	static const u8 tests[] = {
		DECODE_TEST, DECODE_TEST, DECODE_NOT, DECODE_NEG,
	};

	switch (o->op) {
	case GROUP_ALU:
		o->op = which;
		return true;
	case GROUP_TEST:
		if (which < 2)
			o->how |= o->how & BYTE ? IMM8 : IMMZ;
		o->op = tests[which & 3];
		return which < 4;
	case GROUP_INC:
		o->op = DECODE_INC + (which & 1);
		return which < 2;
	case GROUP_MOV:
		o->op = DECODE_MOV;
		return which == 0;
	}
	o->op = DECODE_BT + (which & 3);
	return which >= 4;
}

static void register_operand(const struct cursor *c, struct decode *d, u8 which)
{
	d->reg = which | (c->prefix.rex & 4) << 1;
	if (d->reg_width == 1 && !c->prefix.rex && which >= 4) {
		d->reg = which - 4;
		d->high = true;
	}
}

static void string_operands(struct decode *d)
{
	d->base = 6;
	d->reg = 0;
	if (d->op == DECODE_MOVS)
		d->reg = DECODE_NO_REG;
	if (d->op == DECODE_STOS) {
		d->base = 7;
		d->segment = DECODE_ES;
	}
}

/* Take everything between the opcode and the immediate. */
static void take_operands(struct cursor *c, struct decode *d, struct opcode *o)
{
	u8 which;

	if (o->how & STRING) {
		string_operands(d);
	} else if (o->how & MOFFS) {
		d->disp = take_bytes(c, d->address_width);
		d->reg = 0;
	} else {
		which = take_modrm(c, d);
		if (!(o->op & GROUP))
			register_operand(c, d, which);
		else if (!group_choose(o, which))
			c->error = c->error ?: DECODE_UNKNOWN;
		d->op = o->op;
	}
	/* A segment prefix does not apply to the destination of a string instruction. */
	if (c->prefix.segment >= 0 && d->op != DECODE_STOS)
		d->segment = c->prefix.segment;
}

static void set_direction(struct decode *d)
{
	bool load = d->op == DECODE_MOV || d->op == DECODE_LODS;
	bool test = d->op == DECODE_CMP || d->op == DECODE_TEST ||
		    d->op == DECODE_BT;

	d->reads = d->to_reg || !(load || d->op == DECODE_STOS);
	d->writes = !d->to_reg && !test;
}

/* May the instruction have a LOCK prefix? With any other one LOCK is #UD. */
static bool lockable(const struct decode *d)
{
	return d->reads && d->writes && d->op != DECODE_MOVS;
}

static int decode_any(const u8 *code, int n, struct decode *d)
{
	struct cursor c = { .code = code, .n = n };
	struct opcode o = take_opcode(&c, d);
	int size;

	if (c.error)
		return c.error;
	if (!(o.how & KNOWN))
		return DECODE_UNKNOWN;
	size = operand_size(&c, d);
	d->op = o.op;
	d->to_reg = o.how & TO_REG;
	d->reg_width = o.how & BYTE ? 1 : size;
	if (!d->width)
		d->width = d->reg_width;
	d->address_width = address_size(&c, d);
	take_operands(&c, d, &o);
	if (o.how & (IMM8 | IMMZ))
		d->imm = take_signed(&c, o.how & IMM8 ? 1 :
					 size < 4 ? size : 4);
	if (c.error)
		return c.error;
	set_direction(d);
	if (d->lock && !lockable(d))
		return DECODE_UNKNOWN;
	if (!(o.how & STRING))
		d->rep = false;		/* the prefix has no effect, or is a hint */
	d->length = c.at;
	return DECODE_OK;
}

/* Bytes of ModRM, SIB and displacement, without an address-size prefix */
static inline int modrm_length(u8 modrm, u8 sib)
{
	/* Indexed by mod and rm, which tell whether there is SIB, a displacement, or both. */
	static const u8 lengths[32] = {
		1, 1, 1, 1, 2, 5, 1, 1,
		2, 2, 2, 2, 3, 2, 2, 2,
		5, 5, 5, 5, 6, 5, 5, 5,
	};
	u32 row = (modrm >> 3 & 0x18) | (modrm & 7);

	/* SIB without a base has a displacement as well. */
	return row == 4 && (sib & 7) == 5 ? 6 : lengths[row];
}

/* Decode a MOV. @rex is the REX prefix before @low, or 0, and then costs nothing. */
static inline __attribute__((always_inline))
bool move_decode(u64 low, u64 high, u32 rex, struct decode_move *m)
{
	u32 op = low & 0xff;
	int length;

	if ((op != 0x89 && op != 0x8b && op != 0xc7) || (rex & 8) ||
	    (low & 0xc000) == 0xc000)
		return false;
	length = 1 + modrm_length(low >> 8, low >> 16);
	m->reg = (low >> 11 & 7) | (rex & 4) << 1;
	m->store = op != 0x8b;
	m->imm = 0;
	if (op == 0xc7) {
		if (low >> 11 & 7)
			return false;
		m->reg = DECODE_NO_REG;
		m->imm = low >> 8 * length | high << (64 - 8 * length);
		length += 4;
	}
	m->length = length + (rex >> 6);
	return true;
}

/**
 * decode_move() - is this a MOV of 32 bits, in 64-bit mode?
 * @low: the first eight bytes of the code
 * @high: the next eight bytes; they need not be known when @m->length turns out to be less
 * @m: filled in when it is
 *
 * For callers that know the address of the access. Operating systems access an APIC only by
 * such a MOV. Code with a prefix other than REX is left to decode().
 */
bool decode_move(u64 low, u64 high, struct decode_move *m)
{
	if ((low & 0xf0) == 0x40)
		return move_decode(low >> 8 | high << 56, high >> 8, low & 0xff, m);
	return move_decode(low, high, 0, m);
}

/**
 * decode() - decode one instruction that accesses memory
 * @code: its bytes
 * @n: number of known bytes, of which at most DECODE_MAX are read
 * @mode: mode of the code segment
 * @d: filled in; valid only on DECODE_OK
 *
 * Return: enum decode_result.
 */
int decode(const u8 *code, int n, enum decode_mode mode, struct decode *d)
{
	*d = (struct decode){
		.mode = mode, .segment = DECODE_DS, .reg = DECODE_NO_REG,
		.base = DECODE_NO_REG, .index = DECODE_NO_REG,
	};
	return decode_any(code, n < DECODE_MAX ? n : DECODE_MAX, d);
}
