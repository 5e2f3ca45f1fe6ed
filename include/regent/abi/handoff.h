/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What L prepares for K before the rendezvous, and the layout of K's address space.
 *
 *	PML4 slot 510, the same on every CPU:
 *	  REGENT_VA_IMAGE	the image: text, read-only data, data
 *	  REGENT_VA_PERCPU	one area of REGENT_PERCPU_STRIDE for each CPU
 *	  REGENT_VA_SHARED	one page for each CPU, which Linux maps as well
 *	  REGENT_VA_APIC	the local APIC's page: each CPU finds its own there
 *	  REGENT_VA_CHUNKS	all donated chunks, chunk i at i * 2 MiB
 *	PML4 slot 509, private to each CPU:
 *	  REGENT_VA_WINDOW	the mapping cache
 *	  REGENT_VA_WINDOW_PT	the page table that maps the mapping cache
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
/* Offsets in a CPU's area. Pages that are not listed are guard pages. */
#define REGENT_PERCPU_STACK	0x01000
#define REGENT_PERCPU_IST_FAULT	0x06000	/* 2 pages */
#define REGENT_PERCPU_IST_DF	0x09000
#define REGENT_PERCPU_IST_NMI	0x0b000
#define REGENT_PERCPU_CPU	0x0d000	/* struct cpu, which only K maps */
#define REGENT_PERCPU_HANDOFF	0x0f000	/* struct regent_handoff */
#define REGENT_PERCPU_BACKEND	0x11000	/* 2 pages: VMCB and host VMCB, or VMCS */
#define REGENT_PERCPU_IST_MC	0x14000

/* K and Linux use the same CS and SS selectors, so that the way in and out needs no far jump. */
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
 * @text_end: offset of the end of the text (read and execute), page-aligned
 * @rodata_end: offset of the end of the read-only data, page-aligned
 * @file_end: offset of the end of what the file holds
 * @image_end: offset of the end of the zeroed data, page-aligned
 * @reserved: zero
 * @entry: K's address that L's trampoline jumps to
 * @idt: K's address of a page in the read-only data, which L fills with the IDT
 * @stubs: K's address of 256 exception entries, REGENT_STUB_STRIDE bytes apart
 * @params: K's address of struct regent_params in the read-only data, which L fills
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
#define REGENT_FEAT_NRIPS	(1u << 0)	/* SVM saves the next RIP at an exit */
#define REGENT_FEAT_DECODE	(1u << 1)	/* SVM decode assists: the VMCB has the code */
#define REGENT_FEAT_FLUSH_ASID	(1u << 2)	/* VMRUN can flush one ASID */
#define REGENT_FEAT_CLEAN_BITS	(1u << 3)	/* VMCB clean bits */
#define REGENT_FEAT_LA57	(1u << 4)	/* five-level paging is in use */
#define REGENT_FEAT_DEADLINE	(1u << 5)	/* the APIC's timer has TSC-deadline mode */
#define REGENT_FEAT_L0		(1u << 6)	/* there is an L0: Linux is its guest */
#define REGENT_FEAT_CET		(1u << 7)
#define REGENT_FEAT_DEBUG_FAULT	(1u << 8)	/* L allows REGENT_HC_DEBUG_FAULT */
#define REGENT_FEAT_1G		(1u << 9)	/* pages of 1 GiB */
#define REGENT_FEAT_V_SPEC_CTRL	(1u << 10)	/* VMRUN switches SPEC_CTRL */
#define REGENT_FEAT_INVLPGB	(1u << 11)	/* Linux may use INVLPGB */
#define REGENT_FEAT_PAUSE_FILTER	(1u << 12)	/* an exit takes many PAUSEs */
#define REGENT_FEAT_PAUSE_THRESHOLD	(1u << 13)	/* ... that come close together */
#define REGENT_FEAT_TCG		(1u << 14)	/* QEMU's emulator, see write_eoi() */
#define REGENT_FEAT_SLICE_TIMER	(1u << 15)	/* VMX: entries start a preemption timer */

/* What K does when the CPU goes from one world to another, where the CPU needs it. */
#define REGENT_MITIGATE_IBPB	(1u << 0)	/* indirect branch prediction barrier */
#define REGENT_MITIGATE_RSB	(1u << 1)	/* fill the return stack buffer */
#define REGENT_MITIGATE_BUFFERS	(1u << 2)	/* VERW overwrites the CPU's buffers */
#define REGENT_MITIGATE_L1D	(1u << 3)	/* flush the first-level data cache */

/**
 * struct regent_params - what all CPUs share; K only reads it
 * @features: REGENT_FEAT_*
 * @nr_cpus: number of slots for CPU areas; all Linux CPU numbers are below it
 * @phys_bits: width of a physical address in bits
 * @levels: levels of the paging mode, 4 or 5
 * @npt_root: physical address of the top nested table (NPT, EPT) of the host world
 * @forward_root: the same for forwarded CPUs, without the local APIC's page
 * @zero_page: physical address of a page of zeros, which Linux reads in place of K's memory
 * @pool: physical address of @pool_pages contiguous donated pages, from which K takes
 *	its nested tables
 * @pool_pages: number of pages in @pool
 * @nr_chunks: number of chunks that were donated before the takeover
 * @apic_base: physical address of the local APIC's page (xAPIC)
 * @leave: Linux address of the trampoline's way out
 * @trampoline: Linux address of the trampoline's first page
 * @backend: the backend's own parameters, by SVM_PARAM_* or VMX_PARAM_*
 * @xcr0_all: XSAVE components that this CPU has; 0 when Linux does not use XSAVE
 * @xsave_size: bytes of an XSAVE area in standard format for @xcr0_all, or of an FXSAVE
 *	area
 * @nr_world_msrs: number of entries in @world_msr
 * @world_msr: numbers of the MSRs of class REG_WORLD that exist here; a switch between
 *	worlds moves them
 * @world_msr_live: bit N is set when Linux can write the Nth of them without an exit
 * @mitigations: REGENT_MITIGATE_*
 * @tsc_khz: frequency of the TSC in kHz
 * @code_base: virtual address of Linux's image, whose mapping never changes
 * @code_size: bytes of that mapping
 * @code_phys: physical address of the image, modulo 2^64
 * @flags_offset: offset of a thread's flags in the task whose address is found at
 *	struct regent_handoff.current_task
 * @flag_polling: the bit of these flags which says that the idle thread polls them
 * @flags_resched: the bits of these flags which end the thread's wait
 * @ns_per_tick: ns in one tick of the TSC, as a 32.32 fixed-point number
 * @ticks_per_ns: ticks of the TSC in one ns, as a 32.32 fixed-point number
 * @mtrr: the MTRRs, which give nested tables the sizes and (EPT) the types of their pages
 * @nr_ioapics: number of entries in @ioapic; 0 when there are more than fit
 * @ioapic: physical addresses of the IOAPICs
 * @area: bit N is set when CPU N has an area; K must not touch any other area
 * @chunk: physical addresses of the chunks that were donated before the takeover
 */
struct regent_params {
	u32 features;
	u32 nr_cpus;
	u32 phys_bits;
	u32 levels;
	u64 npt_root;
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
 * @selector: the visible part
 * @unusable: 1 when nothing is loaded (null selector), else 0
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

/* Indexes of struct regent_state.seg */
enum { REGENT_ES, REGENT_CS, REGENT_SS, REGENT_DS, REGENT_FS, REGENT_GS,
       REGENT_LDTR, REGENT_TR, REGENT_SEGMENTS };

/**
 * struct regent_state - the part of a processor's state that the switch to K changes
 * @cr0: CR0
 * @cr2: CR2
 * @cr3: CR3 with Linux's PCID
 * @cr4: CR4
 * @efer: EFER
 * @dr6: DR6
 * @dr7: DR7
 * @rflags: RFLAGS
 * @pat: IA32_PAT
 * @s_cet: IA32_S_CET
 * @isst: IA32_INTERRUPT_SSP_TABLE_ADDR
 * @debugctl: IA32_DEBUGCTL (VMX)
 * @sysenter: IA32_SYSENTER_CS, _ESP and _EIP, in this order (VMX)
 * @gdtr_base: linear address of Linux's GDT
 * @idtr_base: linear address of Linux's IDT
 * @gdtr_limit: bytes of the GDT minus 1
 * @idtr_limit: bytes of the IDT minus 1
 * @seg: segment registers, by REGENT_ES and so on
 *
 * L reads it on the bare machine in the rendezvous. The SVM backend takes from the
 * processor what VMLOAD and VMSAVE move by themselves (FS, GS, LDTR and TR with their
 * hidden parts, the SYSENTER MSRs), and DEBUGCTL as well; VMX's part of L reads these
 * into this struct (takeover/vmx.c).
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
 * struct regent_tss - the 64-bit task state segment, as the processor lays it out
 * @reserved0: zero
 * @rsp: stack pointers for CPL 0 to 2
 * @reserved28: zero
 * @ist: stack pointers of the interrupt stack table; ist[0] is IST 1
 * @reserved92: zero
 * @reserved100: zero
 * @iomap: offset of the I/O permission map; the size of the TSS when there is none
 */
struct regent_tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved28;
	u64 ist[7];
	u64 reserved92;
	u16 reserved100;
	u16 iomap;
} __attribute__((packed));

/**
 * struct regent_handoff - what K needs of one CPU; L fills it, then K keeps it
 * @cpu: Linux's number of this CPU
 * @apic_id: the CPU's APIC id
 * @cr3: K's CR3 on this CPU
 * @cr4: the CR4 with which the CPU goes to K: Linux's without PGE, PCIDE and CET
 * @stack_top: K's address of the end of K's stack
 * @cpu_va: K's address of the CPU's struct cpu
 * @backend_pa: physical addresses, by SVM_PA_* (VMCB, host VMCB, host save area) or
 *	VMX_PA_* (VMCS, VMXON region, virtual APIC page, struct vmx_block)
 * @hsave_found: VM_HSAVE_PA as found (SVM)
 * @vm_cr_found: VM_CR as found (SVM)
 * @feature_control_found: IA32_FEATURE_CONTROL as found (VMX)
 * @pebs: Linux's IA32_PEBS_ENABLE (VMX)
 * @left: REGENT_LEFT_*, set by K when it leaves this CPU; L then puts back what @state holds
 * @current_task: Linux address of this CPU's pointer to the running task
 * @resume: Linux address in the trampoline at which Linux goes on
 * @state: Linux's state, see struct regent_state
 * @gdt: K's GDT on this CPU
 * @tss: K's TSS on this CPU
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

/* What L has to do after K has left, because no exit can do it (VMX) */
#define REGENT_LEFT		(1u << 0)	/* put back what @state holds */
#define REGENT_LEFT_NMI		(1u << 1)	/* deliver Linux's NMI, which came in K */

/* Bits of struct regent_shared.request: the hypercall that K wants of L's NMI handler. */
#define REGENT_REQUEST_LEAVE	(1u << 0)

#define REGENT_LOG_SIZE		2048

/* Worlds other than Linux, at most; their ids are 1 to this number. */
#define REGENT_MAX_WORLDS	4096

/**
 * struct regent_shared - one page for each CPU that both K and Linux map
 * @request: REGENT_REQUEST_*; K sets a bit before it sends an NMI, L clears it
 * @nmis_sent: number of NMIs that K has sent to this CPU
 * @faulted: not 0 when K has faulted on this CPU
 * @dead: 1 when this CPU has halted in K and will not come back
 * @reserved: zero
 * @log_length: bytes in @log
 * @events: the event ring, by which K tells L something
 * @stopped_words: bit i: word i of @stopped may be not 0; K sets bits after those of @stopped, L
 *	clears them before
 * @stopped: bit ID modulo REGENT_MAX_WORLDS: that world has stopped, by itself or because K has
 *	stopped it; K sets bits, L clears them
 * @log: K's last words, as text. They lie in Linux's memory, so that a crash dump
 *	contains them
 *
 * K trusts nothing in this page: of Linux's, it uses no index, and it limits
 * @log_length before it writes to @log.
 */
struct regent_shared {
	u32 request;
	u32 nmis_sent;
	u32 faulted;
	u32 dead;
	u32 reserved;
	u32 log_length;
	struct regent_ring events;
	u64 stopped_words;
	u64 stopped[REGENT_MAX_WORLDS / 64];
	char log[REGENT_LOG_SIZE];
};

_Static_assert(sizeof(struct regent_shared) <= 4096, "one page");
_Static_assert(sizeof(struct regent_handoff) <= 4096, "one page");
_Static_assert(sizeof(struct regent_params) <= 8192, "what stubs.S sets aside");
_Static_assert(sizeof(struct regent_tss) == 104, "as the CPU has it");
#endif

#endif
