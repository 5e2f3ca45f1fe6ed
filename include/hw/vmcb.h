/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual machine control block of SVM: layout only.
 * AMD APM volume 2, appendix "Layout of VMCB". Only src/svm/ includes this.
 */
#ifndef HW_VMCB_H
#define HW_VMCB_H

#include <regent/abi/types.h>

/* A segment register with its hidden part */
struct vmcb_seg {
	u16 selector;
	u16 attrib;		/* access byte in 0-7; AVL, L, D, G in 8-11 */
	u32 limit;
	u64 base;
};

struct vmcb_control {
	u16 intercept_cr_read;
	u16 intercept_cr_write;
	u16 intercept_dr_read;
	u16 intercept_dr_write;
	u32 intercept_exception;
	u32 intercept_misc1;
	u32 intercept_misc2;
	u32 intercept_misc3;
	u8  reserved018[0x3c - 0x18];
	u16 pause_filter_threshold;
	u16 pause_filter_count;
	u64 iopm_base;
	u64 msrpm_base;
	u64 tsc_offset;
	u32 asid;
	u32 tlb_control;
	u64 vintr;
	u64 int_state;
	u64 exit_code;
	u64 exit_info1;
	u64 exit_info2;
	u64 exit_int_info;
	u64 nested_ctl;
	u64 avic_apic_bar;
	u64 ghcb;
	u64 event_inj;
	u64 nested_cr3;
	u64 virt_ext;
	u32 clean;
	u32 reserved0c4;
	u64 next_rip;
	u8  insn_len;
	u8  insn_bytes[15];
	u64 avic_backing_page;
	u64 reserved0e8;
	u64 avic_logical_table;
	u64 avic_physical_table;
	u64 reserved100;
	u64 vmsa;
	u8  reserved110[0x400 - 0x110];
};

struct vmcb_save {
	struct vmcb_seg es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	u8  reserved0a0[0xcb - 0xa0];
	u8  cpl;
	u32 reserved0cc;
	u64 efer;
	u8  reserved0d8[0x148 - 0xd8];
	u64 cr4;
	u64 cr3;
	u64 cr0;
	u64 dr7;
	u64 dr6;
	u64 rflags;
	u64 rip;
	u8  reserved180[0x1d8 - 0x180];
	u64 rsp;
	u64 s_cet;
	u64 ssp;
	u64 isst;
	u64 rax;
	u64 star;
	u64 lstar;
	u64 cstar;
	u64 sfmask;
	u64 kernel_gs_base;
	u64 sysenter_cs;
	u64 sysenter_esp;
	u64 sysenter_eip;
	u64 cr2;
	u8  reserved248[0x268 - 0x248];
	u64 g_pat;
	u64 dbgctl;
	u64 br_from;
	u64 br_to;
	u64 last_excp_from;
	u64 last_excp_to;
	u8  reserved298[0x2e0 - 0x298];
	u64 spec_ctrl;
	u8  reserved2e8[0xc00 - 0x2e8];
};

struct vmcb {
	struct vmcb_control ctl;
	struct vmcb_save save;
};

#define VMCB_AT(member, offset)						\
	_Static_assert(offsetof(struct vmcb, member) == (offset), #member)
VMCB_AT(ctl.intercept_exception, 0x008);
VMCB_AT(ctl.intercept_misc1, 0x00c);
VMCB_AT(ctl.intercept_misc2, 0x010);
VMCB_AT(ctl.pause_filter_threshold, 0x03c);
VMCB_AT(ctl.iopm_base, 0x040);
VMCB_AT(ctl.msrpm_base, 0x048);
VMCB_AT(ctl.asid, 0x058);
VMCB_AT(ctl.tlb_control, 0x05c);
VMCB_AT(ctl.vintr, 0x060);
VMCB_AT(ctl.int_state, 0x068);
VMCB_AT(ctl.exit_code, 0x070);
VMCB_AT(ctl.exit_info1, 0x078);
VMCB_AT(ctl.exit_int_info, 0x088);
VMCB_AT(ctl.nested_ctl, 0x090);
VMCB_AT(ctl.event_inj, 0x0a8);
VMCB_AT(ctl.nested_cr3, 0x0b0);
VMCB_AT(ctl.clean, 0x0c0);
VMCB_AT(ctl.next_rip, 0x0c8);
VMCB_AT(ctl.insn_len, 0x0d0);
VMCB_AT(ctl.avic_backing_page, 0x0e0);
VMCB_AT(ctl.vmsa, 0x108);
VMCB_AT(save, 0x400);
VMCB_AT(save.gdtr, 0x460);
VMCB_AT(save.tr, 0x490);
VMCB_AT(save.cpl, 0x4cb);
VMCB_AT(save.efer, 0x4d0);
VMCB_AT(save.cr4, 0x548);
VMCB_AT(save.dr7, 0x560);
VMCB_AT(save.rflags, 0x570);
VMCB_AT(save.rip, 0x578);
VMCB_AT(save.rsp, 0x5d8);
VMCB_AT(save.s_cet, 0x5e0);
VMCB_AT(save.rax, 0x5f8);
VMCB_AT(save.star, 0x600);
VMCB_AT(save.kernel_gs_base, 0x620);
VMCB_AT(save.cr2, 0x640);
VMCB_AT(save.g_pat, 0x668);
VMCB_AT(save.dbgctl, 0x670);
VMCB_AT(save.last_excp_to, 0x690);
VMCB_AT(save.spec_ctrl, 0x6e0);
_Static_assert(sizeof(struct vmcb) == 0x1000, "one page");

/* intercept_misc1 */
#define SVM_INTERCEPT_INTR	(1u << 0)
#define SVM_INTERCEPT_NMI	(1u << 1)
#define SVM_INTERCEPT_SMI	(1u << 2)
#define SVM_INTERCEPT_INIT	(1u << 3)
#define SVM_INTERCEPT_VINTR	(1u << 4)
#define SVM_INTERCEPT_RDPMC	(1u << 15)
#define SVM_INTERCEPT_CPUID	(1u << 18)
#define SVM_INTERCEPT_IRET	(1u << 20)
#define SVM_INTERCEPT_INVD	(1u << 22)
#define SVM_INTERCEPT_PAUSE	(1u << 23)
#define SVM_INTERCEPT_HLT	(1u << 24)
#define SVM_INTERCEPT_INVLPGA	(1u << 26)
#define SVM_INTERCEPT_IO	(1u << 27)
#define SVM_INTERCEPT_MSR	(1u << 28)
#define SVM_INTERCEPT_FERR	(1u << 30)
#define SVM_INTERCEPT_SHUTDOWN	(1u << 31)
/* intercept_misc2 */
#define SVM_INTERCEPT_VMRUN	(1u << 0)
#define SVM_INTERCEPT_VMMCALL	(1u << 1)
#define SVM_INTERCEPT_VMLOAD	(1u << 2)
#define SVM_INTERCEPT_VMSAVE	(1u << 3)
#define SVM_INTERCEPT_STGI	(1u << 4)
#define SVM_INTERCEPT_CLGI	(1u << 5)
#define SVM_INTERCEPT_SKINIT	(1u << 6)
#define SVM_INTERCEPT_WBINVD	(1u << 9)
#define SVM_INTERCEPT_MONITOR	(1u << 10)
#define SVM_INTERCEPT_MWAIT	(1u << 11)
#define SVM_INTERCEPT_XSETBV	(1u << 13)
#define SVM_INTERCEPT_RDPRU	(1u << 14)

/* vintr */
#define SVM_V_TPR_MASK		0xffull
#define SVM_V_IRQ		(1ull << 8)
#define SVM_V_INTR_PRIO		(0xfull << 16)
#define SVM_V_INTR_PRIO_SHIFT	16
#define SVM_V_IGN_TPR		(1ull << 20)
#define SVM_V_INTR_MASKING	(1ull << 24)
#define SVM_V_INTR_VECTOR_SHIFT	32

#define SVM_TLB_NOTHING		0
#define SVM_TLB_FLUSH_ALL	1
#define SVM_TLB_FLUSH_ASID	3

/* VMCB clean bits 0 to 12: groups of fields that the processor may keep from the last VMRUN */
#define SVM_CLEAN_ALL		0x1fffu
#define SVM_CLEAN_INTERCEPTS	(1u << 0)
#define SVM_CLEAN_VINTR		(1u << 3)

/* nested_ctl */
#define SVM_NESTED_PAGING	(1ull << 0)
#define SVM_ENABLE_INVLPGB	(1ull << 7)

#define SVM_INT_SHADOW		(1ull << 0)

#define SVM_EXIT_CR4_READ	0x004
#define SVM_EXIT_CR4_WRITE	0x014
#define SVM_EXIT_CR8_WRITE	0x018
#define SVM_EXIT_DR_FIRST	0x020	/* reads of DR0 to DR15, then writes */
#define SVM_EXIT_DR_LAST	0x03f
#define SVM_EXIT_EXCEPTION	0x040	/* plus the vector */
#define SVM_EXIT_INTR		0x060
#define SVM_EXIT_NMI		0x061
#define SVM_EXIT_SMI		0x062
#define SVM_EXIT_INIT		0x063
#define SVM_EXIT_VINTR		0x064
#define SVM_EXIT_RDPMC		0x06f
#define SVM_EXIT_CPUID		0x072
#define SVM_EXIT_IRET		0x074
#define SVM_EXIT_INVD		0x076
#define SVM_EXIT_PAUSE		0x077
#define SVM_EXIT_HLT		0x078
#define SVM_EXIT_IO		0x07b
#define SVM_EXIT_WBINVD		0x089
#define SVM_EXIT_MONITOR	0x08a
#define SVM_EXIT_MWAIT		0x08b
#define SVM_EXIT_XSETBV		0x08d
#define SVM_EXIT_RDPRU		0x08e
#define SVM_EXIT_VMRUN		0x080
#define SVM_EXIT_INVLPGA	0x07a
#define SVM_EXIT_MSR		0x07c
#define SVM_EXIT_SHUTDOWN	0x07f
#define SVM_EXIT_VMMCALL	0x081
#define SVM_EXIT_VMLOAD		0x082
#define SVM_EXIT_VMSAVE		0x083
#define SVM_EXIT_STGI		0x084
#define SVM_EXIT_CLGI		0x085
#define SVM_EXIT_SKINIT		0x086
#define SVM_EXIT_NPF		0x400
#define SVM_EXIT_INVALID	(~0ull)

/* event_inj and exit_int_info */
#define SVM_EVENT_VALID		(1ull << 31)
#define SVM_EVENT_ERROR		(1ull << 11)
#define SVM_EVENT_TYPE_SHIFT	8
#define SVM_EVENT_TYPE_MASK	7
#define SVM_EVENT_INTR		0
#define SVM_EVENT_NMI		2
#define SVM_EVENT_EXCEPTION	3
#define SVM_EVENT_SOFT		4

#endif
