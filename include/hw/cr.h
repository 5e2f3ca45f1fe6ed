/* SPDX-License-Identifier: GPL-2.0-only */
/* Bits of control and flag registers. AMD APM volume 2, "System Resources". */
#ifndef HW_CR_H
#define HW_CR_H

#define HW_CR0_PE		(1ull << 0)
#define HW_CR0_ET		(1ull << 4)
#define HW_CR0_WP		(1ull << 16)
#define HW_CR0_NW		(1ull << 29)
#define HW_CR0_CD		(1ull << 30)
#define HW_CR0_PG		(1ull << 31)
#define HW_CR3_PCID_MASK	0xfffull
#define HW_CR4_PSE		(1ull << 4)
#define HW_CR4_PAE		(1ull << 5)
#define HW_CR4_MCE		(1ull << 6)
#define HW_CR4_PGE		(1ull << 7)
#define HW_CR4_LA57		(1ull << 12)
#define HW_CR4_VMXE		(1ull << 13)
#define HW_CR4_PCIDE		(1ull << 17)
#define HW_CR4_SMAP		(1ull << 21)
#define HW_CR4_CET		(1ull << 23)

#define HW_EFER_SCE		(1ull << 0)
#define HW_EFER_SVME		(1ull << 12)
#define HW_EFER_NXE		(1ull << 11)
#define HW_EFER_LMA		(1ull << 10)
#define HW_EFER_LME		(1ull << 8)

#define HW_RFLAGS_TF		(1ull << 8)
#define HW_RFLAGS_IF		(1ull << 9)
#define HW_RFLAGS_RF		(1ull << 16)

#define HW_DR6_BS		(1ull << 14)
#define HW_DR6_BREAKPOINTS	0xfull
#define HW_DR6_RESET		0xffff0ff0ull
#define HW_DR7_RESET		0x400ull

#define HW_VM_CR_LOCK		(1ull << 3)
#define HW_VM_CR_SVMDIS		(1ull << 4)

/* Error code of a page fault, nested or not. */
#define HW_PF_PRESENT		(1ull << 0)
#define HW_PF_WRITE		(1ull << 1)
#define HW_PF_USER		(1ull << 2)
#define HW_PF_FETCH		(1ull << 4)

#define HW_TRAP_DE		0
#define HW_TRAP_DB		1
#define HW_TRAP_NMI		2
#define HW_TRAP_UD		6
#define HW_TRAP_DF		8
#define HW_TRAP_TS		10
#define HW_TRAP_SS		12
#define HW_TRAP_GP		13
#define HW_TRAP_PF		14
#define HW_TRAP_AC		17
#define HW_TRAP_MC		18

#endif
