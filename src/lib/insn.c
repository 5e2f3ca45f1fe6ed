// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prefixes, which all that decodes here and in decode.c reads by the same function. MOV to and
 * from control registers, INS and OUTS.
 * Lengths of the instructions that Regent intercepts: HLT, PAUSE, MWAIT, RDMSR, WRMSR and
 * the 0F 01 group of virtualization instructions, and of vCPUs CPUID, INVD, WBINVD and XSETBV, with
 * any prefixes. Plain logic.
 */
#include <regent/insn.h>

static bool take_prefix(struct insn_prefixes *p, u8 byte, bool wide)
{
	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e:
		/* 64-bit mode ignores these: they do not even cancel another segment prefix. */
		if (!wide)
			p->segment = byte >> 3 & 3;
		return true;
	case 0x64: case 0x65:
		p->segment = byte & 7;
		return true;
	case 0x66:
		p->operand = true;
		return true;
	case 0x67:
		p->address = true;
		return true;
	case 0xf0:
		p->lock = true;
		return true;
	case 0xf2:
		p->repne = true;
		return true;
	case 0xf3:
		p->rep = true;
		return true;
	}
	return false;
}

/**
 * insn_prefixes() - read the prefixes of an instruction
 * @code: its first bytes
 * @n: number of known bytes, of which at most INSN_MAX are read
 * @wide: 64-bit mode, which alone has REX
 * @p: filled in
 *
 * Return: number of bytes: where the opcode is, unless it is @n or INSN_MAX.
 */
int insn_prefixes(const u8 *code, int n, bool wide, struct insn_prefixes *p)
{
	int i;

	*p = (struct insn_prefixes){ .segment = INSN_NO_SEGMENT };
	for (i = 0; i < n && i < INSN_MAX; i++) {
		if (wide && (code[i] & 0xf0) == 0x40)
			p->rex = code[i];
		else if (take_prefix(p, code[i], wide))
			p->rex = 0;
		else
			break;
	}
	return i;
}

/**
 * insn_length() - length of an instruction of which some bytes are known
 * @code: its first bytes
 * @n: number of known bytes
 * @wide: 64-bit mode
 *
 * Return: the length in bytes, 0 when more bytes are needed, -1 when the instruction is none
 * of those that Regent intercepts, or longer than an instruction can be (which is #GP).
 */
int insn_length(const u8 *code, int n, bool wide)
{
	struct insn_prefixes p;
	int i;

	if (n > INSN_MAX)
		n = INSN_MAX;
	i = insn_prefixes(code, n, wide, &p);
	if (i >= n)
		return n >= INSN_MAX ? -1 : 0;
	if (code[i] == 0xf4 || (code[i] == 0x90 && p.rep))
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

static u64 address_mask(enum decode_mode mode, bool other)
{
	switch (mode) {
	case DECODE_16:
		return other ? 0xffffffff : 0xffff;
	case DECODE_32:
		return other ? 0xffff : 0xffffffff;
	case DECODE_64:
		break;
	}
	return other ? 0xffffffff : ~0ull;
}

/**
 * insn_string() - is this INS or OUTS? AMD APM volume 3, "INS", "OUTS"
 * @code: its first bytes
 * @n: number of known bytes
 * @mode: of the code segment
 * @s: filled in if it is
 */
bool insn_string(const u8 *code, int n, enum decode_mode mode, struct insn_string *s)
{
	struct insn_prefixes p;
	int i = insn_prefixes(code, n, mode == DECODE_64, &p);

	if (i >= n || i >= INSN_MAX || (code[i] & 0xfc) != 0x6c)
		return false;
	s->write = code[i] & 2;
	s->repeated = p.rep || p.repne;
	s->mask = address_mask(mode, p.address);
	/* INS writes to ES, whatever the prefix says. */
	s->segment = !s->write ? DECODE_ES :
		     p.segment == INSN_NO_SEGMENT ? DECODE_DS : p.segment;
	return true;
}

/**
 * insn_cr() - is this MOV to or from a control register? AMD APM volume 3, "MOV CRn"
 * @code: its first bytes
 * @n: number of known bytes
 * @wide: 64-bit mode
 * @to: filled in if it is
 *
 * CR8 is CR0 with REX.R or, in all modes, with LOCK.
 */
bool insn_cr(const u8 *code, int n, bool wide, struct insn_cr *to)
{
	struct insn_prefixes p;
	int i = insn_prefixes(code, n, wide, &p);
	u8 modrm;

	if (i + 3 > n || i + 3 > INSN_MAX || code[i] != 0x0f || (code[i + 1] & 0xfd) != 0x20)
		return false;
	/* Whatever the first two bits of ModRM say, these are registers. */
	modrm = code[i + 2];
	*to = (struct insn_cr){
		.length = i + 3, .write = code[i + 1] & 2,
		.cr = (modrm >> 3 & 7) | (p.rex & 4) << 1 | (p.lock ? 8 : 0),
		.reg = (modrm & 7) | (p.rex & 1) << 3,
	};
	return true;
}
