// SPDX-License-Identifier: GPL-2.0-only
/*
 * K's descriptor tables, which L builds before the rendezvous: building an IDT inside would
 * take most of the time during which Linux stands still. Plain logic.
 */
#include <regent/prep.h>

#define GATE_INTERRUPT	0x8e00ull	/* present, DPL 0, 64-bit interrupt gate */
#define VECTORS		256

static unsigned int ist_of(unsigned int vector)
{
	if (vector == 8)
		return REGENT_IST_DF;
	if (vector == 2)
		return REGENT_IST_NMI;
	/* #MC has its own stack: an NMI and a #MC may both be pending when GIF is set. */
	if (vector == 18)
		return REGENT_IST_MC;
	return REGENT_IST_FAULT;
}

/**
 * desc_build_idt() - fill an IDT
 * @idt: the IDT, 4 KiB
 * @stubs: K's address of the stub of vector 0
 */
void desc_build_idt(void *idt, u64 stubs)
{
	u64 *gate = idt;
	unsigned int v;

	for (v = 0; v < VECTORS; v++) {
		u64 to = stubs + v * REGENT_STUB_STRIDE;

		gate[2 * v] = (to & 0xffff) | (u64)REGENT_SEL_CS << 16 |
			      (u64)ist_of(v) << 32 | GATE_INTERRUPT << 32 |
			      (to & 0xffff0000) << 32;
		gate[2 * v + 1] = to >> 32;
	}
}

/**
 * desc_build_cpu() - fill a CPU's GDT and TSS
 * @h: the CPU's handoff
 * @area: K's address of the CPU's area
 *
 * CS and SS have the selectors that Linux uses, and the same flat 64-bit segments behind
 * them, so that the way in and out needs no far jump.
 */
void desc_build_cpu(struct regent_handoff *h, u64 area)
{
	u64 tss = area + REGENT_PERCPU_HANDOFF + offsetof(struct regent_handoff, tss);
	u64 limit = sizeof(h->tss) - 1;

	h->gdt[REGENT_SEL_CS / 8] = 0x00af9b000000ffffull;
	h->gdt[REGENT_SEL_SS / 8] = 0x00cf93000000ffffull;
	h->gdt[REGENT_SEL_TSS / 8] = limit | (tss & 0xffffff) << 16 |
				     0x8bull << 40 | ((tss >> 24) & 0xff) << 56;
	h->gdt[REGENT_SEL_TSS / 8 + 1] = tss >> 32;

	h->tss.rsp[0] = h->stack_top;
	h->tss.ist[REGENT_IST_FAULT - 1] = area + REGENT_PERCPU_IST_FAULT + 2 * REGENT_PAGE_SIZE;
	h->tss.ist[REGENT_IST_DF - 1] = area + REGENT_PERCPU_IST_DF + REGENT_PAGE_SIZE;
	h->tss.ist[REGENT_IST_NMI - 1] = area + REGENT_PERCPU_IST_NMI + REGENT_PAGE_SIZE;
	h->tss.ist[REGENT_IST_MC - 1] = area + REGENT_PERCPU_IST_MC + REGENT_PAGE_SIZE;
	h->tss.iomap = sizeof(h->tss);
}
