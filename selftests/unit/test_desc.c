// SPDX-License-Identifier: GPL-2.0-only
/* K's descriptor tables, read back as the processor reads them. */
#include <regent/prep.h>
#include "unit.h"

#define AREA	0xffffff0040020000ull
#define STUBS	0xffffff00000120e0ull

static u64 base_of(const u64 *d)
{
	return (d[0] >> 16 & 0xffffff) | (d[0] >> 56 & 0xff) << 24 | d[1] << 32;
}

static void gates_point_at_their_stubs(void **state)
{
	static u64 idt[512];
	int v;

	(void)state;
	desc_build_idt(idt, STUBS);
	for (v = 0; v < 256; v++) {
		u64 lo = idt[2 * v], hi = idt[2 * v + 1];

		assert_int_equal((lo & 0xffff) | (lo >> 32 & 0xffff0000) | hi << 32,
				 STUBS + v * REGENT_STUB_STRIDE);
		assert_int_equal(lo >> 16 & 0xffff, REGENT_SEL_CS);
		assert_int_equal(lo >> 40 & 0xff, 0x8e);
		assert_in_range(lo >> 32 & 7, 1, 4);
	}
	assert_int_equal(idt[2 * 8] >> 32 & 7, REGENT_IST_DF);
	assert_int_equal(idt[2 * 2] >> 32 & 7, REGENT_IST_NMI);
	assert_int_equal(idt[2 * 18] >> 32 & 7, REGENT_IST_MC);
	assert_int_equal(idt[2 * 14] >> 32 & 7, REGENT_IST_FAULT);
}

static void tss_is_where_the_gdt_says(void **state)
{
	static struct regent_handoff h;
	int i;

	(void)state;
	h.stack_top = AREA + 0x5000;
	desc_build_cpu(&h, AREA);
	assert_int_equal(base_of(&h.gdt[REGENT_SEL_TSS / 8]),
			 AREA + REGENT_PERCPU_HANDOFF + offsetof(struct regent_handoff, tss));
	assert_int_equal(h.gdt[REGENT_SEL_TSS / 8] & 0xffff, sizeof(h.tss) - 1);
	/* Code: present, DPL 0, long mode. Stack: present, DPL 0, writable. */
	assert_int_equal(h.gdt[REGENT_SEL_CS / 8] >> 40 & 0x20ff, 0x209b);
	assert_int_equal(h.gdt[REGENT_SEL_SS / 8] >> 40 & 0xff, 0x93);
	for (i = 0; i < 4; i++) {
		assert_int_equal(h.tss.ist[i] % REGENT_PAGE_SIZE, 0);
		assert_in_range(h.tss.ist[i], AREA, AREA + REGENT_PERCPU_STRIDE);
	}
}

/* The page below each stack is not the end of another thing of the area. */
static void guards_are_left_free(void **state)
{
	static const struct { u32 start, pages; } part[] = {
		{ REGENT_PERCPU_STACK, REGENT_STACK_PAGES },
		{ REGENT_PERCPU_IST_FAULT, 2 }, { REGENT_PERCPU_IST_DF, 1 },
		{ REGENT_PERCPU_IST_NMI, 1 }, { REGENT_PERCPU_CPU, 1 },
		{ REGENT_PERCPU_HANDOFF, 1 }, { REGENT_PERCPU_BACKEND, 2 },
		{ REGENT_PERCPU_IST_MC, 1 },
	};
	unsigned int i;

	(void)state;
	assert_true(part[0].start >= REGENT_PAGE_SIZE);
	for (i = 1; i < sizeof(part) / sizeof(part[0]); i++)
		assert_true(part[i].start >= part[i - 1].start +
			    (part[i - 1].pages + 1) * REGENT_PAGE_SIZE);
	assert_true(part[i - 1].start + part[i - 1].pages * REGENT_PAGE_SIZE <=
		    REGENT_PERCPU_STRIDE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gates_point_at_their_stubs),
		cmocka_unit_test(tss_is_where_the_gdt_says),
		cmocka_unit_test(guards_are_left_free),
	};

	return cmocka_run_group_tests_name("desc", tests, NULL, NULL);
}
