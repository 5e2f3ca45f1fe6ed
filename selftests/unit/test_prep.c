// SPDX-License-Identifier: GPL-2.0-only
/* The control blocks of SVM as L prepares them, by the manual's offsets. */
#include <regent/abi/msrtab.h>
#include <regent/prep.h>
#include "unit.h"

#define AREA	0xffffff0040020000ull

static u8 vmcb[4096], host[4096];
static struct regent_handoff h;
static struct regent_params p;

static u64 get(const u8 *block, int offset, int bytes)
{
	u64 v = 0;

	memcpy(&v, block + offset, bytes);
	return v;
}

static int prepare(void **state)
{
	(void)state;
	h.cpu_va = AREA + REGENT_PERCPU_CPU;
	p.npt_root = 0x12345000;
	p.backend[0] = 0x777000;
	svm_prepare_cpu(vmcb, host, &h, &p, AREA);
	return 0;
}

static void world_is_guarded(void **state)
{
	u64 misc1 = get(vmcb, 0x00c, 4), misc2 = get(vmcb, 0x010, 4);

	(void)state;
	assert_int_equal(get(vmcb, 0x058, 4), 1);		/* ASID, never 0 */
	assert_int_equal(get(vmcb, 0x090, 8), 1);		/* nested paging */
	assert_int_equal(get(vmcb, 0x0b0, 8), p.npt_root);
	assert_int_equal(get(vmcb, 0x048, 8), p.backend[0]);	/* MSR map */
	/* VMRUN must be intercepted or the CPU refuses; all of SVM is. */
	assert_int_equal(misc2 & 0x7f, 0x7f);
	assert_int_equal(misc1, 1u << 26 | 1u << 28);
	assert_int_equal(get(vmcb, 0x060, 8), 0);		/* no virtual interrupts */
	assert_int_equal(get(vmcb, 0x008, 4), 0);		/* no exceptions */
	assert_int_equal(get(vmcb, 0x050, 8), 0);		/* TSC as it is */
}

static void host_has_its_tss_and_gs(void **state)
{
	(void)state;
	assert_int_equal(get(host, 0x400 + 0x50 + 8, 8), h.cpu_va);
	assert_int_equal(get(host, 0x400 + 0x90, 2), REGENT_SEL_TSS);
	assert_int_equal(get(host, 0x400 + 0x90 + 8, 8),
			 AREA + REGENT_PERCPU_HANDOFF + offsetof(struct regent_handoff, tss));
	assert_int_equal(get(host, 0x400 + 0x90 + 4, 4), sizeof(h.tss) - 1);
	/* No way in by SYSCALL: LSTAR, STAR and the rest are zero. */
	assert_int_equal(get(host, 0x600, 8) | get(host, 0x608, 8), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(world_is_guarded),
		cmocka_unit_test(host_has_its_tss_and_gs),
	};

	return cmocka_run_group_tests_name("prep", tests, prepare, NULL);
}
