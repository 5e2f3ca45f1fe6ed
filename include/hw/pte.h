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

/* Left to software in an entry that points to a table, in all formats. */
#define HW_PTE_SOFT		(1ull << 11)

/* NPT leaf of the host world's memory: all accesses are allowed. */
#define HW_NPT_WORLD		(HW_PTE_P | HW_PTE_W | HW_PTE_U | HW_PTE_A | HW_PTE_D)
/* NPT leaf that maps a page of zeros in place of K's memory, read-only. */
#define HW_NPT_HIDDEN		(HW_PTE_P | HW_PTE_U | HW_PTE_A | HW_PTE_NX)

/* The same in EPT (read, write, execute); the memory type is in the bits above. */
#define HW_EPT_WORLD		7ull
#define HW_EPT_HIDDEN		1ull
#define HW_EPT_TYPE_SHIFT	3

#endif
