// SPDX-License-Identifier: GPL-2.0-only
/* Prefixes, lengths of the instructions Regent intercepts, INS and OUTS, MOV CRn. */
#include <regent/insn.h>
#include "unit.h"

#define LENGTH(...)							\
	insn_length((const u8[]){ __VA_ARGS__ }, sizeof((u8[]){ __VA_ARGS__ }), true)

static void known_ones(void **state)
{
	(void)state;
	assert_int_equal(LENGTH(0xf4), 1);			/* HLT */
	assert_int_equal(LENGTH(0xf3, 0xf4), 2);
	assert_int_equal(LENGTH(0xf3, 0x90), 2);		/* PAUSE */
	assert_int_equal(LENGTH(0x66, 0xf3, 0x40, 0x90), 4);
	assert_int_equal(LENGTH(0x0f, 0x01, 0xc9), 3);		/* MWAIT */
	assert_int_equal(LENGTH(0x0f, 0x30), 2);		/* WRMSR */
	assert_int_equal(LENGTH(0x0f, 0x32), 2);		/* RDMSR */
	assert_int_equal(LENGTH(0x0f, 0x01, 0xd9), 3);		/* VMMCALL */
	assert_int_equal(LENGTH(0x0f, 0x01, 0xd8), 3);		/* VMRUN */
	assert_int_equal(LENGTH(0x0f, 0x01, 0xdf), 3);		/* INVLPGA */
	assert_int_equal(LENGTH(0x0f, 0x01, 0xc1), 3);		/* VMCALL */
	assert_int_equal(LENGTH(0x0f, 0xa2), 2);		/* CPUID */
	assert_int_equal(LENGTH(0x0f, 0x01, 0xd1), 3);		/* XSETBV */
	assert_int_equal(LENGTH(0x0f, 0x08), 2);		/* INVD */
	assert_int_equal(LENGTH(0x0f, 0x09), 2);		/* WBINVD */
	assert_int_equal(LENGTH(0x66, 0x48, 0x0f, 0x32), 4);
	assert_int_equal(LENGTH(0x2e, 0x3e, 0x0f, 0x01, 0xd9), 5);
}

static void more_bytes_are_asked_for(void **state)
{
	(void)state;
	assert_int_equal(LENGTH(0x66), 0);
	assert_int_equal(LENGTH(0x0f), 0);
	assert_int_equal(LENGTH(0x0f, 0x01), 0);
}

static void others_are_refused(void **state)
{
	(void)state;
	assert_int_equal(LENGTH(0x90), -1);
	assert_int_equal(LENGTH(0xf2, 0x90), -1);
	assert_int_equal(LENGTH(0x0f, 0x33), -1);		/* RDPMC */
	assert_int_equal(LENGTH(0x0f, 0x01, 0x10), -1);		/* LGDT */
	assert_int_equal(LENGTH(0x0f, 0x01, 0xe0), -1);
}

/* Fifteen prefixes are no instruction, and no reason to read on. */
static void nothing_is_longer_than_the_limit(void **state)
{
	u8 code[INSN_MAX + 1];
	int n;

	(void)state;
	memset(code, 0x66, sizeof(code));
	for (n = 1; n < INSN_MAX; n++)
		assert_int_equal(insn_length(code, n, true), 0);
	assert_int_equal(insn_length(code, INSN_MAX, false), -1);
	code[INSN_MAX - 1] = 0x0f;
	assert_int_equal(insn_length(code, INSN_MAX, false), -1);
	code[INSN_MAX - 2] = 0x0f;
	code[INSN_MAX - 1] = 0x01;
	assert_int_equal(insn_length(code, INSN_MAX, false), -1);
	code[INSN_MAX - 1] = 0x32;
	assert_int_equal(insn_length(code, INSN_MAX, false), INSN_MAX);
	assert_int_equal(insn_length(code, INSN_MAX + 1, false), INSN_MAX);
	/* Its second byte would be the 16th, and that is known, too. */
	code[INSN_MAX - 2] = 0x2e;
	code[INSN_MAX - 1] = 0x0f;
	code[INSN_MAX] = 0x08;
	assert_int_equal(insn_length(code, INSN_MAX + 1, false), -1);
}

#define CODE(...)	(const u8[]){ __VA_ARGS__ }, sizeof((u8[]){ __VA_ARGS__ })

static void rex_is_for_64_bits_and_last(void **state)
{
	struct insn_prefixes p;

	(void)state;
	assert_int_equal(insn_prefixes(CODE(0x66, 0x4c, 0x8b), true, &p), 2);
	assert_int_equal(p.rex, 0x4c);
	assert_true(p.operand && !p.address && !p.lock && !p.rep && !p.repne);
	/* Another prefix behind it takes it back. */
	assert_int_equal(insn_prefixes(CODE(0x4c, 0x67, 0x8b), true, &p), 2);
	assert_int_equal(p.rex, 0);
	assert_int_equal(insn_prefixes(CODE(0x48, 0x41, 0x8b), true, &p), 2);
	assert_int_equal(p.rex, 0x41);
	/* Elsewhere it is INC or DEC. */
	assert_int_equal(insn_prefixes(CODE(0x66, 0x4c, 0x8b), false, &p), 1);
	assert_int_equal(insn_length(CODE(0x40, 0x0f, 0xa2), false), -1);
	assert_int_equal(insn_length(CODE(0x40, 0x0f, 0xa2), true), 3);
}

static void the_last_segment_counts(void **state)
{
	struct insn_prefixes p;

	(void)state;
	insn_prefixes(CODE(0x26, 0x2e, 0x36, 0x8b), false, &p);
	assert_int_equal(p.segment, DECODE_SS);
	insn_prefixes(CODE(0x64, 0x3e, 0x8b), false, &p);
	assert_int_equal(p.segment, DECODE_DS);
	insn_prefixes(CODE(0x26, 0x8b), false, &p);
	assert_int_equal(p.segment, DECODE_ES);
	insn_prefixes(CODE(0x2e, 0x8b), false, &p);
	assert_int_equal(p.segment, DECODE_CS);
	/* 64-bit mode knows FS and GS alone. */
	assert_int_equal(insn_prefixes(CODE(0x65, 0x2e, 0x36, 0x8b), true, &p), 3);
	assert_int_equal(p.segment, DECODE_GS);
	insn_prefixes(CODE(0x26, 0x8b), true, &p);
	assert_int_equal(p.segment, INSN_NO_SEGMENT);
	insn_prefixes(CODE(0xf0, 0xf2, 0xf3, 0x8b), true, &p);
	assert_true(p.lock && p.repne && p.rep);
	assert_int_equal(insn_prefixes(CODE(0x90), true, &p), 0);
	assert_int_equal(insn_prefixes(NULL, 0, true, &p), 0);
}

static void ins_and_outs(void **state)
{
	struct insn_string s;

	(void)state;
	assert_true(insn_string(CODE(0x6c), DECODE_16, &s));
	assert_true(!s.write && !s.repeated && s.segment == DECODE_ES && s.mask == 0xffff);
	assert_true(insn_string(CODE(0xf3, 0x67, 0x6f), DECODE_16, &s));
	assert_true(s.write && s.repeated && s.segment == DECODE_DS && s.mask == 0xffffffff);
	assert_true(insn_string(CODE(0xf2, 0x64, 0x66, 0x6f), DECODE_32, &s));
	assert_true(s.write && s.repeated && s.segment == DECODE_FS && s.mask == 0xffffffff);
	assert_true(insn_string(CODE(0x67, 0x6e), DECODE_32, &s));
	assert_true(s.mask == 0xffff);
	/* INS writes to ES, and 64-bit mode ignores CS's prefix, also behind FS's. */
	assert_true(insn_string(CODE(0x64, 0x6d), DECODE_32, &s) && s.segment == DECODE_ES);
	assert_true(insn_string(CODE(0x64, 0x2e, 0x48, 0x6e), DECODE_64, &s));
	assert_true(s.segment == DECODE_FS && s.mask == ~0ull);
	assert_true(insn_string(CODE(0x67, 0x6e), DECODE_64, &s) && s.mask == 0xffffffff);
	assert_false(insn_string(CODE(0x48, 0x6e), DECODE_32, &s));
	assert_false(insn_string(CODE(0xe4), DECODE_32, &s));
	assert_false(insn_string(CODE(0xf3), DECODE_32, &s));
	assert_false(insn_string(NULL, 0, DECODE_32, &s));
}

static void control_registers(void **state)
{
	struct insn_cr c;

	(void)state;
	assert_true(insn_cr(CODE(0x0f, 0x20, 0xe0), false, &c));	/* MOV EAX, CR4 */
	assert_true(!c.write && c.cr == 4 && c.reg == 0 && c.length == 3);
	assert_true(insn_cr(CODE(0x0f, 0x22, 0xe1), true, &c));	/* MOV CR4, RCX */
	assert_true(c.write && c.cr == 4 && c.reg == 1 && c.length == 3);
	assert_true(insn_cr(CODE(0x45, 0x0f, 0x22, 0xc1), true, &c));	/* MOV CR8, R9 */
	assert_true(c.write && c.cr == 8 && c.reg == 9 && c.length == 4);
	assert_true(insn_cr(CODE(0xf0, 0x0f, 0x22, 0xc2), false, &c));	/* LOCK MOV CR0 */
	assert_true(c.write && c.cr == 8 && c.reg == 2 && c.length == 4);
	assert_true(insn_cr(CODE(0x44, 0x66, 0x0f, 0x22, 0xc2), true, &c));
	/* REX is not the last. */
	assert_true(c.cr == 0 && c.reg == 2 && c.length == 5);
	assert_false(insn_cr(CODE(0x44, 0x0f, 0x22, 0xc2), false, &c));
	assert_false(insn_cr(CODE(0x0f, 0x21, 0xc2), true, &c));	/* of DR */
	assert_false(insn_cr(CODE(0x0f, 0x22), true, &c));
	assert_false(insn_cr(NULL, 0, true, &c));
}

/* The short way is right wherever it says anything, and says it of those that exit most. */
static void plain_ones(void **state)
{
	u32 word, known = 0;

	(void)state;
	for (word = 0; word < 0x10000; word++) {
		u8 code[2] = { word, word >> 8 };
		int length = insn_length_plain(word);

		if (!length)
			continue;
		known++;
		assert_int_equal(insn_length(code, length, true), length);
	}
	assert_int_equal(known, 256 + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_ones),
		cmocka_unit_test(more_bytes_are_asked_for),
		cmocka_unit_test(others_are_refused),
		cmocka_unit_test(nothing_is_longer_than_the_limit),
		cmocka_unit_test(rex_is_for_64_bits_and_last),
		cmocka_unit_test(the_last_segment_counts),
		cmocka_unit_test(ins_and_outs),
		cmocka_unit_test(control_registers),
		cmocka_unit_test(plain_ones),
	};

	return cmocka_run_group_tests_name("insn", tests, NULL, NULL);
}
