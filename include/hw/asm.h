/* SPDX-License-Identifier: GPL-2.0-only */
/* Single instructions for K, without logic. */
#ifndef HW_ASM_H
#define HW_ASM_H

#include <regent/abi/types.h>

static inline u64 hw_rdtsc(void)
{
	u32 lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (u64)hi << 32;
}

static inline u64 hw_rdmsr(u32 msr)
{
	u32 lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return lo | (u64)hi << 32;
}

/* RDMSR into memory, which saves putting the halves together. */
static inline void hw_rdmsr_to(u32 msr, u64 *value)
{
	asm volatile("rdmsr\n\tmov %%eax, (%1)\n\tmov %%edx, 4(%1)"
		     : "=m"(*value) : "r"(value), "c"(msr) : "eax", "edx");
}

static inline void hw_wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32))
		     : "memory");
}

static inline u64 hw_read_cr0(void)
{
	u64 v;

	asm volatile("mov %%cr0, %0" : "=r"(v));
	return v;
}

static inline void hw_write_cr0(u64 v)
{
	asm volatile("mov %0, %%cr0" : : "r"(v) : "memory");
}

static inline u64 hw_read_cr2(void)
{
	u64 v;

	asm volatile("mov %%cr2, %0" : "=r"(v));
	return v;
}

static inline void hw_write_cr2(u64 v)
{
	asm volatile("mov %0, %%cr2" : : "r"(v));
}

static inline void hw_write_dr6(u64 v)
{
	asm volatile("mov %0, %%dr6" : : "r"(v));
}

static inline void hw_write_dr7(u64 v)
{
	asm volatile("mov %0, %%dr7" : : "r"(v));
}

static inline void hw_invlpg(u64 va)
{
	asm volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static inline void hw_mfence(void)
{
	asm volatile("mfence" : : : "memory");
}

static inline void hw_lfence(void)
{
	asm volatile("lfence" : : : "memory");
}

/* With the right microcode, VERW overwrites the CPU's buffers. */
static inline void hw_verw(const u16 *selector)
{
	asm volatile("verw %0" : : "m"(*selector) : "cc", "memory");
}

static inline void hw_pause(void)
{
	asm volatile("pause" : : : "memory");
}

static inline u64 hw_xgetbv(void)
{
	u32 lo, hi;

	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo | (u64)hi << 32;
}

static inline void hw_xsetbv(u64 v)
{
	asm volatile("xsetbv" : : "c"(0), "a"((u32)v), "d"((u32)(v >> 32)));
}

/* XSAVE and XRSTOR move what XCR0 enables; the caller sets XCR0 to all components first. */
static inline void hw_xsave(u8 *area)
{
	asm volatile("xsave64 %0" : "+m"(*(u8 (*)[4096])area) : "a"(~0u), "d"(~0u) : "memory");
}

static inline void hw_xrstor(const u8 *area)
{
	asm volatile("xrstor64 %0" : : "m"(*(const u8 (*)[4096])area), "a"(~0u), "d"(~0u)
		     : "memory");
}

static inline void hw_fxsave(u8 *area)
{
	asm volatile("fxsave64 %0" : "+m"(*(u8 (*)[512])area) : : "memory");
}

static inline void hw_fxrstor(const u8 *area)
{
	asm volatile("fxrstor64 %0" : : "m"(*(const u8 (*)[512])area) : "memory");
}

#define HW_READ_DR(n)							\
({									\
	u64 dr_value;							\
	asm volatile("mov %%dr" #n ", %0" : "=r"(dr_value));		\
	dr_value;							\
})

#define HW_WRITE_DR(n, v)	asm volatile("mov %0, %%dr" #n : : "r"((u64)(v)))

struct hw_table {
	u16 limit;
	u64 base;
} __attribute__((packed));

static inline void hw_lgdt(const struct hw_table *t)
{
	asm volatile("lgdt %0" : : "m"(*t));
}

static inline void hw_lidt(const struct hw_table *t)
{
	asm volatile("lidt %0" : : "m"(*t));
}

/* Device registers, in the width that is asked for: 1, 2, 4 or 8 bytes. */
static inline u64 hw_mmio_read(const volatile void *at, int width)
{
	switch (width) {
	case 1:
		return *(const volatile u8 *)at;
	case 2:
		return *(const volatile u16 *)at;
	case 4:
		return *(const volatile u32 *)at;
	default:
		return *(const volatile u64 *)at;
	}
}

static inline void hw_mmio_write(volatile void *at, int width, u64 value)
{
	switch (width) {
	case 1:
		*(volatile u8 *)at = value;
		break;
	case 2:
		*(volatile u16 *)at = value;
		break;
	case 4:
		*(volatile u32 *)at = value;
		break;
	default:
		*(volatile u64 *)at = value;
	}
}

static inline u64 hw_read_cr3(void)
{
	u64 v;

	asm volatile("mov %%cr3, %0" : "=r"(v));
	return v;
}

/* Drops all translations that are not global. */
static inline void hw_write_cr3(u64 v)
{
	asm volatile("mov %0, %%cr3" : : "r"(v) : "memory");
}

/* The task priority of the physical APIC, in which it stays as it is */
static inline void hw_rewrite_cr8(void)
{
	u64 cr8;

	asm volatile("mov %%cr8, %0; mov %0, %%cr8" : "=r"(cr8) : : "memory");
}

#endif
