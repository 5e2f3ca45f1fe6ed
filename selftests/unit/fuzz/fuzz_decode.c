// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes into the decoder, in all modes. What it makes of them has to be
 * whole: as short as it says, the same from just those bytes, not less known
 * by fewer, and fit to be carried out with any registers. The same of what reads
 * only prefixes, lengths, INS and OUTS, and MOV CRn.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <regent/decode.h>
#include <regent/insn.h>

#define CHECK(cond)	do { if (!(cond)) abort(); } while (0)

static void check_fields(const struct decode *d)
{
	CHECK(d->length >= 1 && d->length <= DECODE_MAX);
	CHECK(d->width == 1 || d->width == 2 || d->width == 4 || d->width == 8);
	CHECK(d->reg_width >= 1 && d->reg_width <= 8);
	CHECK(d->reg <= 15 || d->reg == DECODE_NO_REG);
	CHECK(d->base <= DECODE_NO_REG && d->segment <= DECODE_GS);
	CHECK(d->index <= 15 || d->index == DECODE_NO_REG);
	CHECK(d->scale <= 3 && d->op <= DECODE_LODS);
	CHECK(d->reads || d->writes);
	CHECK(!d->to_reg || (d->reads && !d->writes));
	CHECK(!d->to_reg || d->reg != DECODE_NO_REG);
	CHECK(!d->high || (d->reg < 4 && d->reg_width == 1));
	CHECK(!d->lock || (d->reads && d->writes));
	CHECK(d->mode == DECODE_64 ? d->address_width >= 4
				   : d->address_width <= 4);
	if (d->mode != DECODE_64) {
		CHECK(d->width <= 4 && d->base != DECODE_RIP);
		CHECK(d->reg < 8 || d->reg == DECODE_NO_REG);
	}
}

static void check_apply(const struct decode *d, const u8 *data, size_t size)
{
	struct decode_regs r, before;
	u64 mem, out;
	int i;

	memset(&r, 0x5a, sizeof(r));
	memcpy(&r, data, size < sizeof(r) ? size : sizeof(r));
	before = r;
	mem = decode_address(d, &r) ^ decode_target(d, &r);
	if (decode_idle(d, &r))
		return;
	CHECK(!memcmp(&r, &before, sizeof(r)));
	decode_apply(d, &r, mem, &out);
	CHECK(d->writes || !out);
	CHECK(d->width == 8 || !(out >> 8 * d->width));
	CHECK(!((r.flags ^ before.flags) & ~0x8d5ull));
	CHECK(r.rip == before.rip ? d->rep : true);
	/* A store changes no register; a string instruction its three. */
	for (i = 0; i < 16; i++)
		if (i != d->reg && !(d->op >= DECODE_MOVS &&
				     (i == 1 || i == 6 || i == 7)))
			CHECK(r.gpr[i] == before.gpr[i]);
	if (!d->to_reg && d->op < DECODE_XCHG)
		CHECK(!memcmp(r.gpr, before.gpr, sizeof(r.gpr)));
}

static void check(const u8 *data, size_t size, enum decode_mode mode)
{
	int n = size < DECODE_MAX + 1 ? size : DECODE_MAX + 1;
	struct decode d, again;
	int result, i;
	u8 *code;

	result = decode(data, n, mode, &d);
	CHECK(result != DECODE_MORE || n < DECODE_MAX);
	if (result == DECODE_OK)
		check_fields(&d);
	for (i = 0; i <= n; i++) {
		int part;

		code = malloc(i ? i : 1);	/* ASan sees a byte too many */
		memcpy(code, data, i);
		part = decode(code, i, mode, &again);
		if (result == DECODE_OK && i >= d.length)
			CHECK(part == DECODE_OK && !memcmp(&d, &again, sizeof(d)));
		else if (result == DECODE_OK || result == DECODE_MORE)
			CHECK(part == DECODE_MORE);
		else
			CHECK(part != DECODE_OK);
		free(code);
	}
	if (result == DECODE_OK)
		check_apply(&d, data + d.length, size - d.length);
}

/* All that insn.c knows, of the first @i bytes: ASan sees a byte too many. */
static void check_insn(const u8 *data, int i, enum decode_mode mode, struct decode *d, int whole)
{
	bool wide = mode == DECODE_64;
	struct insn_prefixes p, all;
	struct insn_string s;
	struct insn_cr cr;
	int n, length, upto;
	u8 *code = malloc(i ? i : 1);

	memcpy(code, data, i);
	n = insn_prefixes(code, i, wide, &p);
	CHECK(n >= 0 && n <= i && n <= INSN_MAX);
	CHECK(p.segment >= INSN_NO_SEGMENT && p.segment <= DECODE_GS);
	CHECK(!p.rex || (wide && p.rex >> 4 == 4 && code[n - 1] == p.rex));
	/* The prefixes of fewer bytes are the same, until the first opcode. */
	upto = insn_prefixes(data, whole, wide, &all);
	CHECK(n == (i < upto ? i : upto));
	length = insn_length(code, i, wide);
	CHECK(length <= i && length <= INSN_MAX && length >= -1 && (length <= 0 || length > n));
	CHECK(length || i < INSN_MAX);
	if (insn_string(code, i, mode, &s)) {
		CHECK(s.segment <= DECODE_GS && s.mask >= 0xffff && n < i && length == -1);
		CHECK(s.write || s.segment == DECODE_ES);
	}
	if (insn_cr(code, i, wide, &cr)) {
		CHECK(cr.length == n + 3 && cr.length <= i && cr.cr < 16 && cr.reg < 16);
		CHECK(length == -1);
	}
	/* What accesses memory is none of these, and has the same prefixes. */
	if (decode(code, i, mode, d) == DECODE_OK) {
		CHECK(length == -1 && !insn_string(code, i, mode, &s) &&
		      !insn_cr(code, i, wide, &cr));
		CHECK(d->lock == p.lock && d->length > n);
		CHECK(!d->rep || p.rep || p.repne);
	}
	free(code);
}

static void check_insns(const u8 *data, size_t size, enum decode_mode mode)
{
	int n = size < INSN_MAX + 1 ? size : INSN_MAX + 1, i;
	struct decode d;

	for (i = 0; i <= n; i++)
		check_insn(data, i, mode, &d, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(data, size, DECODE_16);
	check(data, size, DECODE_32);
	check(data, size, DECODE_64);
	check_insns(data, size, DECODE_16);
	check_insns(data, size, DECODE_32);
	check_insns(data, size, DECODE_64);
	return 0;
}
