/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMX: field numbers of the VMCS, bits of its controls, exit reasons, and the capability
 * MSRs. Intel SDM volume 3, "Virtual Machine Control Structures" and appendices "VMX
 * Capability Reporting Facility" and "Field Encoding in VMCS". Software may not know the
 * VMCS's layout. Only src/vmx/ and takeover/vmx.c include this; selftests/unit/test_vmcs.c
 * compares it with Linux's numbers.
 */
#ifndef HW_VMCS_H
#define HW_VMCS_H

/* Fields of 16 bits. The guest's segments are in the order of REGENT_ES and so on. */
#define VMCS_VPID			0x0000
#define VMCS_GUEST_SELECTOR(seg)	(0x0800 + 2 * (seg))
#define VMCS_HOST_ES_SELECTOR		0x0c00
#define VMCS_HOST_CS_SELECTOR		0x0c02
#define VMCS_HOST_SS_SELECTOR		0x0c04
#define VMCS_HOST_DS_SELECTOR		0x0c06
#define VMCS_HOST_FS_SELECTOR		0x0c08
#define VMCS_HOST_GS_SELECTOR		0x0c0a
#define VMCS_HOST_TR_SELECTOR		0x0c0c

/* Fields of 64 bits */
#define VMCS_EXIT_MSR_LOAD_LIST		0x2008
#define VMCS_ENTRY_MSR_LOAD_LIST	0x200a
#define VMCS_MSR_BITMAP			0x2004
#define VMCS_TSC_OFFSET			0x2010
#define VMCS_VIRTUAL_APIC_PAGE		0x2012
#define VMCS_EPT_POINTER		0x201a
#define VMCS_XSS_EXIT_BITMAP		0x202c
#define VMCS_PCONFIG_EXIT_BITMAP	0x203e
#define VMCS_GUEST_PHYSICAL		0x2400
#define VMCS_LINK_POINTER		0x2800
#define VMCS_GUEST_DEBUGCTL		0x2802
#define VMCS_GUEST_PAT			0x2804
#define VMCS_GUEST_EFER			0x2806
#define VMCS_GUEST_PDPTE(n)		(0x280a + 2 * (n))
#define VMCS_HOST_PAT			0x2c00
#define VMCS_HOST_EFER			0x2c02

/* Fields of 32 bits */
#define VMCS_PIN_CONTROLS		0x4000
#define VMCS_PROC_CONTROLS		0x4002
#define VMCS_EXCEPTION_BITMAP		0x4004
#define VMCS_PF_ERROR_MASK		0x4006
#define VMCS_PF_ERROR_MATCH		0x4008
#define VMCS_CR3_TARGETS		0x400a
#define VMCS_EXIT_CONTROLS		0x400c
#define VMCS_EXIT_MSR_STORES		0x400e
#define VMCS_EXIT_MSR_LOADS		0x4010
#define VMCS_ENTRY_CONTROLS		0x4012
#define VMCS_ENTRY_MSR_LOADS		0x4014
#define VMCS_ENTRY_EVENT		0x4016
#define VMCS_ENTRY_ERROR_CODE		0x4018
#define VMCS_ENTRY_INSN_LENGTH		0x401a
#define VMCS_TPR_THRESHOLD		0x401c
#define VMCS_PROC2_CONTROLS		0x401e
#define VMCS_PLE_GAP			0x4020
#define VMCS_PLE_WINDOW			0x4022
#define VMCS_INSN_ERROR			0x4400
#define VMCS_EXIT_REASON		0x4402
#define VMCS_EXIT_EVENT			0x4404
#define VMCS_EXIT_EVENT_ERROR		0x4406
#define VMCS_VECTORING			0x4408
#define VMCS_VECTORING_ERROR		0x440a
#define VMCS_EXIT_INSN_LENGTH		0x440c
#define VMCS_GUEST_LIMIT(seg)		(0x4800 + 2 * (seg))
#define VMCS_GUEST_GDTR_LIMIT		0x4810
#define VMCS_GUEST_IDTR_LIMIT		0x4812
#define VMCS_GUEST_ACCESS(seg)		(0x4814 + 2 * (seg))
#define VMCS_GUEST_INTERRUPTIBILITY	0x4824
#define VMCS_GUEST_ACTIVITY		0x4826
#define VMCS_GUEST_SYSENTER_CS		0x482a
#define VMCS_TIMER			0x482e
#define VMCS_HOST_SYSENTER_CS		0x4c00

/* Fields of a register's width */
#define VMCS_CR0_MASK			0x6000
#define VMCS_CR4_MASK			0x6002
#define VMCS_CR0_SHADOW			0x6004
#define VMCS_CR4_SHADOW			0x6006
#define VMCS_QUALIFICATION		0x6400
#define VMCS_GUEST_LINEAR		0x640a
#define VMCS_GUEST_CR0			0x6800
#define VMCS_GUEST_CR3			0x6802
#define VMCS_GUEST_CR4			0x6804
#define VMCS_GUEST_BASE(seg)		(0x6806 + 2 * (seg))
#define VMCS_GUEST_GDTR_BASE		0x6816
#define VMCS_GUEST_IDTR_BASE		0x6818
#define VMCS_GUEST_DR7			0x681a
#define VMCS_GUEST_RSP			0x681c
#define VMCS_GUEST_RIP			0x681e
#define VMCS_GUEST_RFLAGS		0x6820
#define VMCS_GUEST_PENDING_DEBUG	0x6822
#define VMCS_GUEST_SYSENTER_ESP		0x6824
#define VMCS_GUEST_SYSENTER_EIP		0x6826
#define VMCS_HOST_CR0			0x6c00
#define VMCS_HOST_CR3			0x6c02
#define VMCS_HOST_CR4			0x6c04
#define VMCS_HOST_FS_BASE		0x6c06
#define VMCS_HOST_GS_BASE		0x6c08
#define VMCS_HOST_TR_BASE		0x6c0a
#define VMCS_HOST_GDTR_BASE		0x6c0c
#define VMCS_HOST_IDTR_BASE		0x6c0e
#define VMCS_HOST_SYSENTER_ESP		0x6c10
#define VMCS_HOST_SYSENTER_EIP		0x6c12
#define VMCS_HOST_RSP			0x6c14
#define VMCS_HOST_RIP			0x6c16

/* Pin-based controls */
#define VMX_PIN_INTERRUPT		(1u << 0)
#define VMX_PIN_NMI			(1u << 3)
#define VMX_PIN_VIRTUAL_NMI		(1u << 5)
#define VMX_PIN_TIMER			(1u << 6)

/* Primary processor-based controls */
#define VMX_PROC_INTERRUPT_WINDOW	(1u << 2)
#define VMX_PROC_TSC_OFFSET		(1u << 3)
#define VMX_PROC_HLT			(1u << 7)
#define VMX_PROC_MWAIT			(1u << 10)
#define VMX_PROC_RDPMC			(1u << 11)
#define VMX_PROC_CR3_LOAD		(1u << 15)
#define VMX_PROC_CR3_STORE		(1u << 16)
#define VMX_PROC_CR8_LOAD		(1u << 19)
#define VMX_PROC_CR8_STORE		(1u << 20)
#define VMX_PROC_TPR_SHADOW		(1u << 21)
#define VMX_PROC_NMI_WINDOW		(1u << 22)
#define VMX_PROC_DR			(1u << 23)
#define VMX_PROC_IO			(1u << 24)
#define VMX_PROC_MSR_BITMAP		(1u << 28)
#define VMX_PROC_MONITOR		(1u << 29)
#define VMX_PROC_SECONDARY		(1u << 31)

/* Secondary processor-based controls */
#define VMX_PROC2_EPT			(1u << 1)
#define VMX_PROC2_RDTSCP		(1u << 3)
#define VMX_PROC2_VPID			(1u << 5)
#define VMX_PROC2_WBINVD		(1u << 6)
#define VMX_PROC2_UNRESTRICTED		(1u << 7)
#define VMX_PROC2_PAUSE_LOOP		(1u << 10)
#define VMX_PROC2_INVPCID		(1u << 12)
#define VMX_PROC2_XSAVES		(1u << 20)
#define VMX_PROC2_USER_WAIT		(1u << 26)
#define VMX_PROC2_PCONFIG		(1u << 27)

/* VM-exit controls */
#define VMX_EXIT_SAVE_DEBUG		(1u << 2)
#define VMX_EXIT_HOST_64		(1u << 9)
#define VMX_EXIT_SAVE_PAT		(1u << 18)
#define VMX_EXIT_LOAD_PAT		(1u << 19)
#define VMX_EXIT_SAVE_EFER		(1u << 20)
#define VMX_EXIT_LOAD_EFER		(1u << 21)
#define VMX_EXIT_SAVE_TIMER		(1u << 22)

/* VM-entry controls */
#define VMX_ENTRY_LOAD_DEBUG		(1u << 2)
#define VMX_ENTRY_GUEST_64		(1u << 9)
#define VMX_ENTRY_LOAD_PAT		(1u << 14)
#define VMX_ENTRY_LOAD_EFER		(1u << 15)

/* Exit reasons. Bit 31: the entry has failed; bits 16 to 30 are details. */
#define VMX_REASON_BASIC		0xffffu
#define VMX_REASON_EVENT		0	/* an exception or an NMI */
#define VMX_REASON_INTERRUPT		1
#define VMX_REASON_TRIPLE_FAULT		2
#define VMX_REASON_INIT			3
#define VMX_REASON_INTERRUPT_WINDOW	7
#define VMX_REASON_NMI_WINDOW		8
#define VMX_REASON_CPUID		10
#define VMX_REASON_GETSEC		11
#define VMX_REASON_HLT			12
#define VMX_REASON_INVD			13
#define VMX_REASON_RDPMC		15
#define VMX_REASON_VMCALL		18
#define VMX_REASON_VMCLEAR		19
#define VMX_REASON_VMXON		27
#define VMX_REASON_CR			28
#define VMX_REASON_DR			29
#define VMX_REASON_IO			30
#define VMX_REASON_RDMSR		31
#define VMX_REASON_WRMSR		32
#define VMX_REASON_INVALID_STATE	33
#define VMX_REASON_MWAIT		36
#define VMX_REASON_MONITOR		39
#define VMX_REASON_PAUSE		40
#define VMX_REASON_EPT_VIOLATION	48
#define VMX_REASON_INVEPT		50
#define VMX_REASON_TIMER		52
#define VMX_REASON_INVVPID		53
#define VMX_REASON_WBINVD		54
#define VMX_REASON_XSETBV		55
#define VMX_REASON_VMFUNC		59
#define VMX_REASON_SEAMCALL		76
#define VMX_REASON_TDCALL		77
#define VMX_REASON_ENTRY_FAILED		(1u << 31)

/* VMCS_ENTRY_EVENT, VMCS_EXIT_EVENT and VMCS_VECTORING */
#define VMX_EVENT_TYPE			0x700u
#define VMX_EVENT_EXTERNAL		0x000u
#define VMX_EVENT_NMI			0x200u
#define VMX_EVENT_EXCEPTION		0x300u
#define VMX_EVENT_SOFT_INTERRUPT	0x400u
#define VMX_EVENT_SOFT_PRIVILEGED	0x500u
#define VMX_EVENT_SOFT_EXCEPTION	0x600u
#define VMX_EVENT_ERROR			(1u << 11)
#define VMX_EVENT_VALID			(1u << 31)

/* VMCS_GUEST_INTERRUPTIBILITY */
#define VMX_BLOCKED_STI			(1u << 0)
#define VMX_BLOCKED_SS			(1u << 1)
#define VMX_BLOCKED_NMI			(1u << 3)

/* VMCS_GUEST_PENDING_DEBUG */
#define VMX_PENDING_BS			(1u << 14)

/* VMCS_GUEST_ACCESS; its other bits are those of struct regent_segment */
#define VMX_ACCESS_DPL_SHIFT		5
#define VMX_ACCESS_LONG			(1u << 13)
#define VMX_ACCESS_BIG			(1u << 14)
#define VMX_ACCESS_UNUSABLE		(1u << 16)

/* VMCS_QUALIFICATION of an EPT violation */
#define VMX_EPT_QUAL_WRITE		(1u << 1)
#define VMX_EPT_QUAL_FETCH		(1u << 2)
#define VMX_EPT_QUAL_PRESENT		(7u << 3)	/* what the entry allows */
#define VMX_EPT_QUAL_LINEAR		(1u << 7)	/* by a linear address */
#define VMX_EPT_QUAL_FINAL		(1u << 8)	/* and to what it translates to */
#define VMX_EPT_QUAL_IRET		(1u << 12)	/* an IRET had unblocked NMIs */

/* The same of an access to a control register */
#define VMX_CR_QUAL_NUMBER		0xfu
#define VMX_CR_QUAL_TYPE		0x30u		/* 0: MOV to the register */
#define VMX_CR_QUAL_REG_SHIFT		8

/* The same of an access to an I/O port */
#define VMX_IO_QUAL_SIZE		0x7u		/* minus 1 */
#define VMX_IO_QUAL_IN			(1u << 3)
#define VMX_IO_QUAL_STRING		(1u << 4)
#define VMX_IO_QUAL_PORT_SHIFT		16

/* The same of #DB: bits of DR6 */
#define VMX_DEBUG_QUAL			0x600fu		/* B0 to B3, BD, BS */

/* The EPT pointer, and entries of these tables */
#define VMX_EPTP_WB			6ull
#define VMX_EPTP_LEVELS_SHIFT		3		/* levels minus 1 */
#define VMX_EPT_R			(1ull << 0)
#define VMX_EPT_W			(1ull << 1)
#define VMX_EPT_X			(1ull << 2)
#define VMX_EPT_TYPE_SHIFT		3

/* IA32_VMX_EPT_VPID_CAP */
#define VMX_CAP_EPT_4_LEVELS		(1ull << 6)
#define VMX_CAP_EPT_5_LEVELS		(1ull << 7)
#define VMX_CAP_EPT_WB			(1ull << 14)
#define VMX_CAP_EPT_2M			(1ull << 16)
#define VMX_CAP_EPT_1G			(1ull << 17)
#define VMX_CAP_INVEPT			(1ull << 20)
#define VMX_CAP_INVEPT_SINGLE		(1ull << 25)
#define VMX_CAP_INVEPT_ALL		(1ull << 26)
#define VMX_CAP_INVVPID			(1ull << 32)
#define VMX_CAP_INVVPID_SINGLE		(1ull << 41)
#define VMX_CAP_INVVPID_ALL		(1ull << 42)

/* Kinds of INVEPT and INVVPID */
#define VMX_INV_SINGLE			1
#define VMX_INV_ALL			2

/* MSRs */
#define VMX_MSR_FEATURE_CONTROL		0x03a
#define VMX_MSR_PEBS_ENABLE		0x3f1
#define VMX_MSR_BASIC			0x480
#define VMX_MSR_PIN			0x481
#define VMX_MSR_PROC			0x482
#define VMX_MSR_EXIT			0x483
#define VMX_MSR_ENTRY			0x484
#define VMX_MSR_MISC			0x485
#define VMX_MSR_CR0_FIXED0		0x486
#define VMX_MSR_CR0_FIXED1		0x487
#define VMX_MSR_CR4_FIXED0		0x488
#define VMX_MSR_CR4_FIXED1		0x489
#define VMX_MSR_PROC2			0x48b
#define VMX_MSR_EPT_VPID		0x48c
#define VMX_MSR_TRUE_PIN		0x48d
#define VMX_MSR_TRUE_PROC		0x48e
#define VMX_MSR_TRUE_EXIT		0x48f
#define VMX_MSR_TRUE_ENTRY		0x490

#define VMX_FEATURE_CONTROL_LOCK	(1u << 0)
#define VMX_FEATURE_CONTROL_SMX		(1u << 1)
#define VMX_FEATURE_CONTROL_VMXON	(1u << 2)	/* VMXON outside of SMX */

#define VMX_BASIC_TRUE			(1ull << 55)
#define VMX_BASIC_TYPE_SHIFT		50
#define VMX_BASIC_REVISION		0x7fffffffull
#define VMX_MISC_TIMER_RATE		0x1full
#define VMX_MISC_ZERO_LENGTH		(1ull << 30)	/* of a soft event's instruction */

#endif
