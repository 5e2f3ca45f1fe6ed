/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Single instructions for the ways in and out, where not all of Linux's state may be
 * there. Linux's own functions for them can be traced, probed and patched; these cannot.
 */
#ifndef TAKEOVER_NATIVE_H
#define TAKEOVER_NATIVE_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <asm/desc_defs.h>

static __always_inline u64 l_rdmsr(u32 msr)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return low | (u64)high << 32;
}

static __always_inline void l_wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32))
		     : "memory");
}

static __always_inline void l_store_gdt(struct desc_ptr *table)
{
	asm volatile("sgdt %0" : "=m"(*table));
}

static __always_inline void l_load_gdt(const struct desc_ptr *table)
{
	asm volatile("lgdt %0" : : "m"(*table) : "memory");
}

static __always_inline void l_store_idt(struct desc_ptr *table)
{
	asm volatile("sidt %0" : "=m"(*table));
}

static __always_inline void l_load_idt(const struct desc_ptr *table)
{
	asm volatile("lidt %0" : : "m"(*table) : "memory");
}

#endif
