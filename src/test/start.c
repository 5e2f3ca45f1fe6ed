// SPDX-License-Identifier: GPL-2.0-only
/* The states in which test worlds start: real mode, 32-bit mode without paging, 64-bit mode. */
#include <hw/cr.h>
#include <regent/abi/handoff.h>
#include <regent/abi/hypercall.h>
#include <regent/k.h>

#include "start.h"

#define PAT_RESET	0x0007040600070406ull
#define CR0_PE		(1ull << 0)
#define CR0_ET		(1ull << 4)
#define CR0_NE		(1ull << 5)
#define CR0_PG		(1ull << 31)
#define CR4_PAE		(1ull << 5)
#define CR4_OSFXSR	(1ull << 9)
#define CR4_OSXMMEXCPT	(1ull << 10)
#define CR4_OSXSAVE	(1ull << 18)
#define RFLAGS_FIXED	(1ull << 1)

/* Access rights: the upper half of a descriptor, shifted so that its access byte is lowest. */
#define SEG_CODE64	0xa09b
#define SEG_CODE32	0xc09b
#define SEG_CODE16	0x009b
#define SEG_DATA32	0xc093
#define SEG_DATA16	0x0093
#define SEG_LDT		0x0082
#define SEG_TSS		0x008b

static void set_segment(struct regent_segment *s, u32 access, u32 limit)
{
	s->access = access;
	s->limit = limit;
}

static void set_segments(struct regent_state *s, u64 mode)
{
	u32 limit = mode == REGENT_TEST_REAL ? 0xffff : ~0u;
	u32 data = mode == REGENT_TEST_REAL ? SEG_DATA16 : SEG_DATA32;

	set_segment(&s->seg[REGENT_CS], mode == REGENT_TEST_REAL ? SEG_CODE16 :
		mode == REGENT_TEST_32 ? SEG_CODE32 : SEG_CODE64, limit);
	set_segment(&s->seg[REGENT_SS], data, limit);
	set_segment(&s->seg[REGENT_DS], data, limit);
	set_segment(&s->seg[REGENT_ES], data, limit);
	set_segment(&s->seg[REGENT_FS], data, limit);
	set_segment(&s->seg[REGENT_GS], data, limit);
	set_segment(&s->seg[REGENT_LDTR], SEG_LDT, 0xffff);
	set_segment(&s->seg[REGENT_TR], SEG_TSS, 0xffff);
}

/**
 * test_start_state() - build the registers that a test world starts with
 * @s: filled in
 * @mode: the CPU's mode: REGENT_TEST_REAL, REGENT_TEST_32 or REGENT_TEST_64
 */
void test_start_state(struct regent_state *s, u64 mode)
{
	*s = (struct regent_state){
		.cr0 = CR0_ET | CR0_NE, .cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT,
		.dr6 = HW_DR6_RESET, .dr7 = HW_DR7_RESET, .pat = PAT_RESET,
		.rflags = HW_RFLAGS_IF | RFLAGS_FIXED,	/* IF: see guest.S */
	};
	set_segments(s, mode);
	if (k_params.xcr0_all)
		s->cr4 |= CR4_OSXSAVE;
	if (mode != REGENT_TEST_REAL)
		s->cr0 |= CR0_PE;
	if (mode == REGENT_TEST_64) {
		s->cr0 |= CR0_PG;
		s->cr4 |= CR4_PAE;
		s->cr3 = TEST_START_CR3;
		s->efer = HW_EFER_LME | HW_EFER_LMA;
	}
}
