/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What L prepares for K before the rendezvous, and where everything lies in
 * K's address space.
 *
 *	PML4 slot 510, the same on every CPU:
 *	  REGENT_VA_IMAGE	the image: text, read-only data, data
 *	  REGENT_VA_PERCPU	one area of REGENT_PERCPU_STRIDE for each CPU
 *	  REGENT_VA_SHARED	one page for each CPU that Linux can see, too
 *	  REGENT_VA_APIC	the local APIC's page: each CPU finds its own there
 *	  REGENT_VA_CHUNKS	all donated chunks, chunk i at i * 2 MiB
 *	PML4 slot 509, each CPU its own:
 *	  REGENT_VA_WINDOW	the mapping cache
 *	  REGENT_VA_WINDOW_PT	the page table of that window
 *	PML4 slot 511:
 *	  the pages of L's trampoline, at their Linux address
 *
 * With five-level paging the same PML4 hangs in slot 511 of a PML5.
 */
#ifndef REGENT_ABI_HANDOFF_H
#define REGENT_ABI_HANDOFF_H

#define REGENT_VA_IMAGE		0xffffff0000000000
#define REGENT_VA_PERCPU	0xffffff0040000000
#define REGENT_VA_SHARED	0xffffff0080000000
#define REGENT_VA_APIC		0xffffff00a0000000
#define REGENT_VA_CHUNKS	0xffffff00c0000000
#define REGENT_VA_WINDOW	0xfffffe8000000000
#define REGENT_VA_WINDOW_PT	0xfffffe8000200000

#define REGENT_PERCPU_STRIDE	0x20000
#define REGENT_STACK_PAGES	4
/* Offsets in a CPU's area; what is not listed is a guard page. */
#define REGENT_PERCPU_STACK	0x01000
#define REGENT_PERCPU_IST_FAULT	0x06000	/* 2 pages */
#define REGENT_PERCPU_IST_DF	0x09000
#define REGENT_PERCPU_IST_NMI	0x0b000
#define REGENT_PERCPU_CPU	0x0d000	/* struct cpu, K's alone */
#define REGENT_PERCPU_HANDOFF	0x0f000	/* struct regent_handoff */
#define REGENT_PERCPU_BACKEND	0x11000	/* 2 pages: VMCB and host VMCB, or VMCS */
#define REGENT_PERCPU_IST_MC	0x14000

/* The segments that K and Linux must agree on so that no far jump is needed. */
#define REGENT_SEL_CS		0x10
#define REGENT_SEL_SS		0x18
#define REGENT_SEL_TSS		0x20

#define REGENT_IMAGE_MAGIC	0x4b544e4547455221	/* "!REGENTK" */
#define REGENT_IMAGE_ABI	1

#define REGENT_STUB_STRIDE	16
#define REGENT_MAX_CPUS		4096
#define REGENT_MAX_CHUNKS	512
#define REGENT_MAX_IOAPICS	8

#define REGENT_IST_FAULT	1
#define REGENT_IST_DF		2
#define REGENT_IST_NMI		3
#define REGENT_IST_MC		4

#ifndef __ASSEMBLY__
#include <regent/abi/types.h>
#include <regent/abi/ring.h>
#include <regent/mtype.h>

/**
 * struct regent_image_header - the first bytes of the image
 * @magic: REGENT_IMAGE_MAGIC
 * @abi: REGENT_IMAGE_ABI
 * @text_end: offset behind the text (read and execute), page-aligned
 * @rodata_end: offset behind read-only data, page-aligned
 * @file_end: offset behind what the file holds
 * @image_end: offset behind the zeroed data, page-aligned
 * @entry: address L's trampoline jumps to
 * @idt: address of a page in read-only data, which L fills
 * @stubs: address of 256 exception entries, REGENT_STUB_STRIDE apart
 * @params: address of struct regent_params in read-only data, which L fills
 */
struct regent_image_header {
	u64 magic;
	u32 abi;
	u32 text_end;
	u32 rodata_end;
	u32 file_end;
	u32 image_end;
	u32 reserved;
	u64 entry;
	u64 idt;
	u64 stubs;
	u64 params;
};

/* Features of this machine and of this takeover, for struct regent_params. */
#define REGENT_FEAT_NRIPS	(1u << 0)	/* SVM saves the next RIP */
#define REGENT_FEAT_DECODE	(1u << 1)
#define REGENT_FEAT_FLUSH_ASID	(1u << 2)
#define REGENT_FEAT_CLEAN_BITS	(1u << 3)
#define REGENT_FEAT_LA57	(1u << 4)
#define REGENT_FEAT_DEADLINE	(1u << 5)	/* the APIC's timer has TSC-deadline mode */
#define REGENT_FEAT_OUTER	(1u << 6)	/* Linux is a guest already */
#define REGENT_FEAT_CET		(1u << 7)
#define REGENT_FEAT_DEBUG_FAULT	(1u << 8)	/* L allows REGENT_HC_DEBUG_FAULT */
#define REGENT_FEAT_1G		(1u << 9)
#define REGENT_FEAT_V_SPEC_CTRL	(1u << 10)	/* VMRUN switches SPEC_CTRL */
#define REGENT_FEAT_INVLPGB	(1u << 11)
#define REGENT_FEAT_PAUSE_FILTER	(1u << 12)	/* only many PAUSEs make an exit, */
#define REGENT_FEAT_PAUSE_THRESHOLD	(1u << 13)	/* and only close together */
#define REGENT_FEAT_TCG		(1u << 14)	/* QEMU's emulator: see write_eoi() */
#define REGENT_FEAT_SLICE_TIMER	(1u << 15)	/* entries start a timer, which exits */

/* What stands between two owners of a CPU, as the CPU needs it. */
#define REGENT_MITIGATE_IBPB	(1u << 0)	/* indirect branch prediction barrier */
#define REGENT_MITIGATE_RSB	(1u << 1)	/* fill the return stack buffer */
#define REGENT_MITIGATE_BUFFERS	(1u << 2)	/* VERW overwrites the CPU's buffers */
#define REGENT_MITIGATE_L1D	(1u << 3)	/* flush the first-level data cache */

/**
 * struct regent_params - what all CPUs share; read-only for K
 * @features: REGENT_FEAT_*
 * @nr_cpus: number of CPU areas; Linux's CPU numbers are below it
 * @phys_bits: width of a physical address
 * @levels: levels of the paging mode, 4 or 5
 * @nested_root: physical address of the host world's nested tables
 * @forward_root: the same without the local APIC's page, for forwarded CPUs
 * @zero_page: physical address of a page of zeros, for hidden memory
 * @pool: physical address of the first of @pool_pages free pages, contiguous
 *	and donated: K's own nested tables come from there
 * @pool_pages: number of them
 * @nr_chunks: donated chunks known at the takeover
 * @apic_base: physical address of the local APIC (xAPIC)
 * @leave: Linux address of the trampoline's way out
 * @trampoline: Linux address of the trampoline's first page
 * @backend: what the backend needs (SVM: the permission maps)
 * @xcr0_all: components of XSAVE this CPU has; 0 when Linux does without XSAVE
 * @xsave_size: bytes of an XSAVE area, standard format, for all of them, or of
 *	FXSAVE's
 * @nr_world_msrs: entries in @world_msr
 * @world_msr: MSRs to switch between worlds (class REG_WORLD) that exist here
 * @world_msr_live: bit N is set when Linux changes the Nth without an exit
 * @mitigations: REGENT_MITIGATE_*
 * @code_base: virtual address of Linux's image mapping, which never changes
 * @code_size: bytes of it
 * @code_phys: physical address that it maps to, modulo 2^64
 * @flags_offset: of a thread's flags in what regent_handoff.current_task points at
 * @flag_polling: bit of them: the thread looks at them while it is idle
 * @flags_resched: bits of them that end that
 * @tsc_khz: frequency of the TSC
 * @ns_per_tick: ns for one tick of the TSC, 32.32
 * @ticks_per_ns: ticks of the TSC for one ns, 32.32
 * @mtrr: memory types, for nested tables that have some
 * @nr_ioapics: entries in @ioapic; 0 when there are more than fit
 * @ioapic: physical addresses of the IOAPICs
 * @area: bit N is set when CPU N has an area; others must not be touched
 * @chunk: physical addresses of the donated chunks
 */
struct regent_params {
	u32 features;
	u32 nr_cpus;
	u32 phys_bits;
	u32 levels;
	u64 nested_root;
	u64 forward_root;
	u64 zero_page;
	u64 pool;
	u32 pool_pages;
	u32 nr_chunks;
	u64 apic_base;
	u64 leave;
	u64 trampoline;
	u64 backend[10];
	u64 xcr0_all;
	u32 xsave_size;
	u32 nr_world_msrs;
	u32 world_msr[8];
	u32 world_msr_live;
	u32 mitigations;
	u32 tsc_khz;
	u64 code_base;
	u64 code_size;
	u64 code_phys;
	u64 flags_offset;
	u64 flag_polling;
	u64 flags_resched;
	u64 ns_per_tick;
	u64 ticks_per_ns;
	struct mtrr_state mtrr;
	u32 nr_ioapics;
	u64 ioapic[REGENT_MAX_IOAPICS];
	u64 area[REGENT_MAX_CPUS / 64];
	u64 chunk[REGENT_MAX_CHUNKS];
};

/**
 * struct regent_segment - a segment register with its hidden part
 * @selector: visible part
 * @unusable: nothing is loaded (null selector)
 * @access: type, S, DPL, P in bits 0-7; AVL, L, D, G in bits 12-15
 * @limit: in bytes
 * @base: linear address
 */
struct regent_segment {
	u16 selector;
	u16 unusable;
	u32 access;
	u32 limit;
	u64 base;
};

enum { REGENT_ES, REGENT_CS, REGENT_SS, REGENT_DS, REGENT_FS, REGENT_GS,
       REGENT_LDTR, REGENT_TR, REGENT_SEGMENTS };

/**
 * struct regent_state - a processor's state that the switch to K changes,
 * as L reads it on the bare machine in the rendezvous
 *
 * What VMLOAD and VMSAVE move by themselves on SVM (FS, GS, LDTR and TR with
 * their hidden parts, the SYSENTER MSRs; also DEBUGCTL) the SVM backend takes
 * from the processor, not from here; VMX's part of L reads it (takeover/vmx.c).
 */
struct regent_state {
	u64 cr0;
	u64 cr2;
	u64 cr3;
	u64 cr4;
	u64 efer;
	u64 dr6;
	u64 dr7;
	u64 rflags;
	u64 pat;
	u64 s_cet;
	u64 isst;
	u64 debugctl;
	u64 sysenter[3];
	u64 gdtr_base;
	u64 idtr_base;
	u32 gdtr_limit;
	u32 idtr_limit;
	struct regent_segment seg[REGENT_SEGMENTS];
};

/**
 * struct regent_tss - the 64-bit task state segment
 */
struct regent_tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved28;
	u64 ist[7];		/* ist[0] is IST 1 */
	u64 reserved92;
	u16 reserved100;
	u16 iomap;
} __attribute__((packed));

/**
 * struct regent_handoff - what one CPU needs; filled by L, kept by K
 * @cpu: Linux's number of this CPU
 * @apic_id: its APIC id
 * @cr3: K's CR3 on this CPU
 * @cr4: CR4 to switch to K with: Linux's without PGE, PCIDE and CET
 * @stack_top: K's stack
 * @cpu_va: K's struct cpu
 * @backend_pa: physical addresses (SVM: VMCB, host VMCB, host save area; VMX: VMCS,
 *	VMXON region, virtual APIC)
 * @hsave_found: what VM_HSAVE_PA held before (SVM)
 * @vm_cr_found: what VM_CR held (SVM)
 * @feature_control_found: what IA32_FEATURE_CONTROL held (VMX)
 * @pebs: what IA32_PEBS_ENABLE held (VMX)
 * @left: REGENT_LEFT_*: K has left this CPU, and @state is what L has to put back
 * @current_task: Linux address of this CPU's pointer to the thread that runs
 * @state: see there
 * @resume: Linux address to continue at, in the trampoline
 * @gdt: K's GDT
 * @tss: K's TSS
 */
struct regent_handoff {
	u32 cpu;
	u32 apic_id;
	u64 cr3;
	u64 cr4;
	u64 stack_top;
	u64 cpu_va;
	u64 backend_pa[4];
	u64 hsave_found;
	u64 vm_cr_found;
	u64 feature_control_found;
	u64 pebs;
	u64 left;
	u64 current_task;
	u64 resume;
	struct regent_state state;
	u64 gdt[6];
	struct regent_tss tss;
};

/* What K leaves to L where an exit cannot do it (VMX) */
#define REGENT_LEFT		(1u << 0)	/* @state holds what to put back */
#define REGENT_LEFT_NMI		(1u << 1)	/* an NMI came, and is Linux's */

/* Reasons in struct regent_shared.request: why an NMI asks L for a hypercall. */
#define REGENT_REQUEST_LEAVE	(1u << 0)

#define REGENT_LOG_SIZE		2048

/**
 * struct regent_shared - one page for each CPU that both sides see
 * @request: REGENT_REQUEST_*, set by K before it sends an NMI, cleared by L
 * @faulted: K's fault happened on this CPU
 * @dead: 1 when this CPU has halted in K and will not come back
 * @reserved: zero
 * @nmis_sent: NMIs that K has sent to this CPU
 * @log_length: bytes in @log
 * @events: what K has to tell
 * @log: text of K's last words; lies in Linux's memory, so that a crash dump
 *	contains it
 *
 * K trusts nothing here: it reads no index and no length of Linux's.
 */
struct regent_shared {
	u32 request;
	u32 nmis_sent;
	u32 faulted;
	u32 dead;
	u32 reserved;
	u32 log_length;
	struct regent_ring events;
	char log[REGENT_LOG_SIZE];
};

_Static_assert(sizeof(struct regent_shared) <= 4096, "one page");
_Static_assert(sizeof(struct regent_handoff) <= 4096, "one page");
_Static_assert(sizeof(struct regent_params) <= 8192, "what stubs.S sets aside");
_Static_assert(sizeof(struct regent_tss) == 104, "as the CPU has it");
#endif

#endif
