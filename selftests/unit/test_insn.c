// SPDX-License-Identifier: GPL-2.0-only
/* Lengths of the instructions Regent intercepts. */
#include <regent/insn.h>
#include "unit.h"

#define LENGTH(...)							\
	insn_length((const u8[]){ __VA_ARGS__ }, sizeof((u8[]){ __VA_ARGS__ }))

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
	u8 code[INSN_MAX];
	int n;

	(void)state;
	memset(code, 0x66, sizeof(code));
	for (n = 1; n < INSN_MAX; n++)
		assert_int_equal(insn_length(code, n), 0);
	assert_int_equal(insn_length(code, INSN_MAX), -1);
	code[INSN_MAX - 1] = 0x0f;
	assert_int_equal(insn_length(code, INSN_MAX), -1);
	code[INSN_MAX - 2] = 0x0f;
	code[INSN_MAX - 1] = 0x01;
	assert_int_equal(insn_length(code, INSN_MAX), -1);
	code[INSN_MAX - 1] = 0x32;
	assert_int_equal(insn_length(code, INSN_MAX), INSN_MAX);
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
		assert_int_equal(insn_length(code, length), length);
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
		cmocka_unit_test(plain_ones),
	};

	return cmocka_run_group_tests_name("insn", tests, NULL, NULL);
}
