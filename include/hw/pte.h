/* SPDX-License-Identifier: GPL-2.0-only */
/* Bits of a long-mode (and SVM nested) page-table entry. */
#ifndef HW_PTE_H
#define HW_PTE_H

#define HW_PTE_P		(1ull << 0)
#define HW_PTE_W		(1ull << 1)
#define HW_PTE_U		(1ull << 2)
#define HW_PTE_PWT		(1ull << 3)
#define HW_PTE_PCD		(1ull << 4)
#define HW_PTE_A		(1ull << 5)
#define HW_PTE_D		(1ull << 6)
#define HW_PTE_NX		(1ull << 63)
#define HW_PTE_ADDR		0x000ffffffffff000ull

#define HW_PTE_K_TEXT		(HW_PTE_P | HW_PTE_A)
#define HW_PTE_K_RO		(HW_PTE_P | HW_PTE_A | HW_PTE_NX)
#define HW_PTE_K_DATA		(HW_PTE_P | HW_PTE_W | HW_PTE_A | HW_PTE_D | HW_PTE_NX)

#define HW_PTE_K_MMIO		(HW_PTE_K_DATA | HW_PTE_PCD | HW_PTE_PWT)

/* The host world's memory: everything allowed. */
#define HW_NPT_WORLD		(HW_PTE_P | HW_PTE_W | HW_PTE_U | HW_PTE_A | HW_PTE_D)
/* A page of zeros in place of K's memory. */
#define HW_NPT_HIDDEN		(HW_PTE_P | HW_PTE_U | HW_PTE_A | HW_PTE_NX)

/* The same in VMX's tables: read, write, execute; the memory type is above them. */
#define HW_EPT_WORLD		7ull
#define HW_EPT_HIDDEN		1ull
#define HW_EPT_TYPE_SHIFT	3

#endif
