/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of every MSR and control register that Regent knows: its owner, when it is
 * switched, whether K intercepts it, and its class in the state blob.
 *
 * An MSR that is not listed is Linux's and is not intercepted. An MSR outside the ranges of
 * SVM's permission map always exits; K repeats that access for Linux.
 */
#ifndef REGENT_ABI_MSRTAB_H
#define REGENT_ABI_MSRTAB_H

#include <regent/abi/types.h>

/**
 * enum reg_owner - whose value the register holds while Linux is a world
 * @REG_LINUX: Linux's; Regent never writes another value
 * @REG_SWITCHED: K and Linux each have a value of their own
 * @REG_REGENT: Regent's; Linux reads the value that it left there, and K drops its writes
 */
enum reg_owner { REG_LINUX, REG_SWITCHED, REG_REGENT };

/**
 * enum reg_switch - when the register changes from one owner's value to another's
 * @REG_NEVER: never: the register has one owner
 * @REG_EXIT: at each entry and exit, by the processor (VMRUN, VM entry)
 * @REG_VMLOAD: at each entry and exit, by VMLOAD and VMSAVE (SVM)
 * @REG_WORLD: when another world gets this CPU, but not at exits
 */
enum reg_switch { REG_NEVER, REG_EXIT, REG_VMLOAD, REG_WORLD };

/* Which accesses of Linux K intercepts */
#define REG_TRAP_NONE	0
#define REG_TRAP_READ	1
#define REG_TRAP_WRITE	2
#define REG_TRAP_BOTH	3

/* Class in the blob; the same numbers as enum regent_field_class of the uapi. */
enum reg_class { REG_OWNED, REG_TRACKED, REG_VOLATILE };

/**
 * enum reg_when - when the blob reads the register
 * @REG_HOT: in the rendezvous, because the switch to K changes the register
 * @REG_COLD: outside of the rendezvous, by a call to each CPU, because Regent leaves the
 *	register alone
 */
enum reg_when { REG_HOT, REG_COLD };

/* Registers that are no MSRs, under numbers that no MSR has */
#define REG_PSEUDO	0xffff0000u
enum reg_pseudo {
	REG_CR0 = REG_PSEUDO, REG_CR2, REG_CR3, REG_CR4, REG_CR8, REG_DR6, REG_DR7,
	REG_RFLAGS, REG_XCR0,
	REG_GDTR_BASE, REG_GDTR_LIMIT, REG_IDTR_BASE, REG_IDTR_LIMIT,
	REG_ES, REG_CS, REG_SS, REG_DS, REG_FS, REG_GS, REG_LDTR, REG_TR,
	REG_DR0, REG_DR1, REG_DR2, REG_DR3,
	REG_APIC_LVTT, REG_APIC_LVTPC, REG_APIC_LVT0, REG_APIC_LVT1, REG_APIC_LVTERR,
	REG_APIC_SVR, REG_APIC_TPR, REG_APIC_LDR, REG_APIC_ID,
	REG_PSEUDO_END
};

#define MSR_REG_EFER		0xc0000080u
#define MSR_REG_SPEC_CTRL	0x00000048u
#define MSR_REG_DEBUGCTL	0x000001d9u
#define MSR_REG_PAT		0x00000277u
#define MSR_REG_APIC_BASE	0x0000001bu
#define MSR_REG_TSC_AUX		0xc0000103u
#define MSR_REG_FS_BASE		0xc0000100u
#define MSR_REG_FEATURE_CONTROL	0x0000003au
#define MSR_REG_VM_CR		0xc0010114u
#define MSR_REG_VM_HSAVE_PA	0xc0010117u
#define MSR_REG_S_CET		0x000006a2u
#define MSR_REG_ISST		0x000006a8u
#define MSR_REG_TSC_DEADLINE	0x000006e0u
#define MSR_REG_X2APIC		0x00000800u	/* the first of 256 */
#define MSR_REG_X2APIC_ICR	0x00000830u
#define MSR_REG_KVM_ASYNC_PF	0x4b564d02u
#define MSR_REG_KVM_PV_EOI	0x4b564d04u

/**
 * struct reg_entry - one row of the table
 * @index: MSR number, or enum reg_pseudo
 * @name: as in the blob, and as corrupt_field= takes it
 * @owner: enum reg_owner
 * @when_switched: enum reg_switch
 * @trap: REG_TRAP_*. A REG_WORLD row that Linux hardly ever writes has REG_TRAP_WRITE, so
 *	that a switch knows the value without reading the register
 * @cls: enum reg_class
 * @when: enum reg_when
 */
struct reg_entry {
	u32 index;
	char name[20];
	u8 owner;
	u8 when_switched;
	u8 trap;
	u8 cls;
	u8 when;
};

extern const struct reg_entry reg_table[];
extern const unsigned int reg_table_size;

const struct reg_entry *reg_find(u32 index);
bool msr_bitmap_covers(u32 index);
void msr_bitmap_build(u8 *bitmap);
void msr_bitmap_forward(u8 *bitmap);
void msr_bitmap_pass(u8 *bitmap, u32 index);

/* Bytes of SVM's MSR permission map. */
#define MSR_BITMAP_SIZE		8192

#endif
