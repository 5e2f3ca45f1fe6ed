// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a vCPU's control registers may hold. AMD APM volume 2, "System Resources"; Intel SDM
 * volume 3, "System Architecture Overview".
 */
#include <hw/cr.h>
#include <regent/k.h>
#include <regent/sregs.h>

#define CR0_BITS	0xe005003full
#define CR4_BITS	0x7ffull	/* VME to OSXMMEXCPT, which all processors here have */
#define CR8_MASK	0xfull
#define ACCESS_LD	0x6000	/* L and D */
#define OSXSAVE		(1ull << 18)
#define LIMIT_MAX	0xffff

/**
 * sregs_cr4_bits() - which bits of CR4 may a vCPU set on this processor?
 */
u64 sregs_cr4_bits(void)
{
	u32 a = 7, b, c = 0, d;
	u64 bits = CR4_BITS;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (b & 1u << 0)
		bits |= 1u << 16;	/* FSGSBASE */
	if (b & 1u << 7)
		bits |= 1u << 20;	/* SMEP */
	if (b & 1u << 20)
		bits |= HW_CR4_SMAP;
	if (c & 1u << 2)
		bits |= 1u << 11;	/* UMIP */
	if (k_params.xcr0_all)
		bits |= OSXSAVE;
	return bits;
}

/**
 * sregs_valid() - could a processor have this state? An entry refuses what it could not have.
 * @s: the state, from anybody
 * @cr4_bits: bits of CR4 that a vCPU may set
 */
bool sregs_valid(const struct regent_vcpu_sregs *s, u64 cr4_bits)
{
	bool paging = s->cr0 & HW_CR0_PG, active = s->efer & HW_EFER_LMA;

	if (s->cr0 & ~CR0_BITS || s->cr4 & ~cr4_bits || s->efer & ~SREGS_EFER_BITS ||
	    s->cr8 & ~CR8_MASK || s->gdt_limit > LIMIT_MAX || s->idt_limit > LIMIT_MAX)
		return false;
	if ((paging && !(s->cr0 & HW_CR0_PE)) ||
	    ((s->cr0 & HW_CR0_NW) && !(s->cr0 & HW_CR0_CD)))
		return false;
	if (active != (paging && (s->efer & HW_EFER_LME)))
		return false;
	if (!active)
		return true;
	/* Nor code that is both 64-bit and 32-bit, and CR3 beyond memory. */
	return s->cr4 & HW_CR4_PAE && !(s->cr3 >> k_params.phys_bits) &&
	       (s->seg[REGENT_CS].access & ACCESS_LD) != ACCESS_LD;
}
