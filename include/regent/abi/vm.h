/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What L and K exchange about virtual machines: one page of Linux's for each VM and one for
 * each vCPU, whose addresses L gives at their creation. K reads them during a hypercall and
 * writes them until a run is over, and checks all that it reads: they are Linux's.
 */
#ifndef REGENT_ABI_VM_H
#define REGENT_ABI_VM_H

#include <regent/abi/handoff.h>
#include <regent/abi/types.h>

#define REGENT_VM_MAPS		64	/* pages that one hypercall maps at most */
#define REGENT_PAGE_2M		(2ull << 20)
/* Of REGENT_HC_VM_MAP's answer */
#define REGENT_VM_RESIZED	(1ll << 32)
/* Bytes that one hypercall takes away at most */
#define REGENT_VM_ZAP		(8ull << 20)
#define REGENT_VCPU_CPUIDS	128	/* entries that a vCPU can have */
#define REGENT_VCPU_CHUNK	2048	/* bytes of a part that one hypercall copies at most */
#define REGENT_VM_VCPUS		128	/* vCPUs of a VM; their numbers are below */
/* No point in time */
#define REGENT_NEVER		(~0ull)

/**
 * struct regent_vm_map - a page of a VM's memory
 * @gpa: guest-physical address
 * @pa: physical address of the page of Linux's that is there from now on
 * @size: REGENT_PAGE_SIZE or REGENT_PAGE_2M; @gpa and @pa are aligned as it
 * @writable: 0: a write of the VM is a fault that L sees; else 1
 */
struct regent_vm_map {
	u64 gpa;
	u64 pa;
	u64 size;
	u64 writable;
};

/**
 * struct regent_vm_page - a VM's page
 * @map: for REGENT_HC_VM_MAP
 */
struct regent_vm_page {
	struct regent_vm_map map[REGENT_VM_MAPS];
};

/* Which vCPUs of a VM got something, that L has to run or to wake: one's number + 1, or these */
#define REGENT_WAKE_NONE	0u
#define REGENT_WAKE_ALL		(~0u)

/**
 * enum regent_vcpu_exit - why REGENT_HC_VCPU_RUN has returned
 * @REGENT_VCPU_INTERRUPTED: something has arrived for Linux on this CPU
 * @REGENT_VCPU_FAULT: the VM has touched @address, which K does not map, or not for this
 *	access. L maps it, or says by REGENT_RUN_DEVICE that it is no memory
 * @REGENT_VCPU_IO: an access of @size bytes to port @address. For a read, L leaves what was
 *	read in @data before the next REGENT_HC_VCPU_RUN
 * @REGENT_VCPU_MMIO: the same in memory
 * @REGENT_VCPU_HLT: HLT; of a vCPU with an APIC: it waits, and @deadline says until when at
 *	most
 * @REGENT_VCPU_SHUTDOWN: triple fault
 * @REGENT_VCPU_FAIL_ENTRY: the processor does not accept the vCPU's state; @data is its code
 * @REGENT_VCPU_UNKNOWN: an access to a device by an instruction that K cannot execute;
 *	@insn has it
 * @REGENT_VCPU_WINDOW: the vCPU can take an interrupt, as REGENT_RUN_WINDOW asked
 * @REGENT_VCPU_UNEXPECTED: an exit that K has not asked for; @data is its code
 * @REGENT_VCPU_MSR: an access to MSR @address, which L has; @data as with REGENT_VCPU_IO.
 *	L says by REGENT_RUN_REFUSED that it is #GP
 * @REGENT_VCPU_EOI: the vCPU has ended a level with vector @address
 * @REGENT_VCPU_RUNNING: nothing to do: K schedules the vCPU on, see REGENT_HC_VCPU_WAIT
 * @REGENT_VCPU_WAITING: the same, and the vCPU waits for an interrupt
 */
enum regent_vcpu_exit {
	REGENT_VCPU_INTERRUPTED = 0, REGENT_VCPU_FAULT, REGENT_VCPU_IO, REGENT_VCPU_MMIO,
	REGENT_VCPU_HLT, REGENT_VCPU_SHUTDOWN, REGENT_VCPU_FAIL_ENTRY, REGENT_VCPU_UNKNOWN,
	REGENT_VCPU_WINDOW, REGENT_VCPU_UNEXPECTED, REGENT_VCPU_MSR, REGENT_VCPU_EOI,
	REGENT_VCPU_RUNNING, REGENT_VCPU_WAITING,
};

/* What REGENT_HC_VCPU_WAIT is told */
#define REGENT_WAIT_STOP	1	/* the run is to end now */

/* What REGENT_HC_VCPU_RUN is told */
#define REGENT_RUN_DEVICE	1	/* what was touched last is no memory */
#define REGENT_RUN_COMPLETE	2	/* finish the last exit only */
#define REGENT_RUN_WINDOW	4	/* return when the vCPU can take an interrupt */
#define REGENT_RUN_REFUSED	8	/* the MSR that was accessed last does not exist */

/* Of regent_vcpu_page.irq: the rest is a vector. */
#define REGENT_IRQ_VALID	0x100

/**
 * enum regent_vcpu_part - what REGENT_HC_VCPU_GET and REGENT_HC_VCPU_SET copy
 * @REGENT_VCPU_REGS: struct regent_vcpu_regs
 * @REGENT_VCPU_SREGS: struct regent_vcpu_sregs
 * @REGENT_VCPU_CPUID: @count entries of struct regent_vcpu_cpuid, from entry @at on, which
 *	are the last ones then; only set
 * @REGENT_VCPU_XSAVE: @count bytes of the XSAVE area in standard format (without XSAVE, of the
 *	FXSAVE area), from byte @at on
 * @REGENT_VCPU_DEBUG: struct regent_vcpu_debug
 * @REGENT_VCPU_EVENTS: struct regent_vcpu_events
 * @REGENT_VCPU_APIC: struct regent_vcpu_apic, only of a vCPU with an APIC
 * @REGENT_VCPU_MSRS: @count of struct regent_vcpu_msr, of which the index is read, and the
 *	value is read or written. With the first one that K does not have, or whose value is
 *	wrong, it stops: @count is their number before it
 * @REGENT_VCPU_PARTS: number of these values
 */
enum regent_vcpu_part {
	REGENT_VCPU_REGS = 0, REGENT_VCPU_SREGS, REGENT_VCPU_CPUID, REGENT_VCPU_XSAVE,
	REGENT_VCPU_DEBUG, REGENT_VCPU_EVENTS, REGENT_VCPU_APIC, REGENT_VCPU_MSRS,
	REGENT_VCPU_PARTS
};

/**
 * struct regent_vcpu_regs - general registers
 * @gpr: in the processor's order: RAX, RCX, RDX, RBX, RSP, ...
 * @rip: RIP
 * @rflags: RFLAGS
 */
struct regent_vcpu_regs {
	u64 gpr[16];
	u64 rip;
	u64 rflags;
};

/**
 * struct regent_vcpu_sregs - segments and control registers
 * @seg: by REGENT_ES and so on
 * @gdt_base: GDTR
 * @idt_base: IDTR
 * @gdt_limit: GDTR
 * @idt_limit: IDTR
 * @cr0: CR0
 * @cr2: CR2
 * @cr3: CR3
 * @cr4: CR4
 * @cr8: CR8
 * @efer: EFER
 * @apic_base: IA32_APIC_BASE, of a vCPU with an APIC
 */
struct regent_vcpu_sregs {
	struct regent_segment seg[REGENT_SEGMENTS];
	u64 gdt_base;
	u64 idt_base;
	u32 gdt_limit;
	u32 idt_limit;
	u64 cr0;
	u64 cr2;
	u64 cr3;
	u64 cr4;
	u64 cr8;
	u64 efer;
	u64 apic_base;
};

/**
 * struct regent_vcpu_cpuid - what CPUID shows for one leaf
 * @function: EAX before
 * @index: ECX before
 * @indexed: whether @index counts
 * @eax: EAX after
 * @ebx: EBX after
 * @ecx: ECX after
 * @edx: EDX after
 */
struct regent_vcpu_cpuid {
	u32 function;
	u32 index;
	u32 indexed;
	u32 eax;
	u32 ebx;
	u32 ecx;
	u32 edx;
};

/**
 * struct regent_vcpu_msr - an MSR
 * @index: its number, or REGENT_MSR_TSC_OFFSET
 * @value: its value
 */
struct regent_vcpu_msr {
	u64 index;
	u64 value;
};

/* No MSR: what is added to the processor's TSC for the vCPU */
#define REGENT_MSR_TSC_OFFSET	(1ull << 32)

/**
 * struct regent_vcpu_debug - debug registers, and XCR0
 * @dr: DR0 to DR3
 * @dr6: DR6
 * @dr7: DR7
 * @xcr0: XCR0; when it is set, 0 for what it is
 */
struct regent_vcpu_debug {
	u64 dr[4];
	u64 dr6;
	u64 dr7;
	u64 xcr0;
};

/* Of regent_vcpu_events.event: the type of an event, besides interrupts that L queues */
#define REGENT_EVENT_NONE	0
#define REGENT_EVENT_INTERRUPT	1
#define REGENT_EVENT_NMI	2
#define REGENT_EVENT_EXCEPTION	3
#define REGENT_EVENT_SOFT	4

/* What a vCPU does: the values of KVM_MP_STATE_*, of which these are there */
#define REGENT_MP_RUNNABLE	0
#define REGENT_MP_UNINITIALIZED	1
#define REGENT_MP_INIT		2
#define REGENT_MP_HALTED	3

/**
 * struct regent_vcpu_events - what a vCPU is about to take, and whether it runs at all
 * @event: REGENT_EVENT_*, what the next entry delivers
 * @vector: its vector
 * @has_error: it has an error code
 * @error: the error code
 * @shadow: the vCPU is in an interrupt shadow
 * @nmis: NMIs that it has not taken yet, 0 to 2
 * @nmi_blocked: it handles one, and takes no other one before its IRET
 * @mp_state: REGENT_MP_*
 * @sipi: vector of the last SIPI
 */
struct regent_vcpu_events {
	u32 event;
	u32 vector;
	u32 has_error;
	u32 error;
	u32 shadow;
	u32 nmis;
	u32 nmi_blocked;
	u32 mp_state;
	u32 sipi;
};

/**
 * struct regent_vcpu_apic - a vCPU's APIC
 * @reg: its registers: the first four bytes of each 16 of the page that a VMM knows
 */
struct regent_vcpu_apic {
	u32 reg[64];
};

/**
 * struct regent_vcpu_page - a vCPU's page
 * @regs: for REGENT_VCPU_REGS
 * @sregs: for REGENT_VCPU_SREGS
 * @reason: enum regent_vcpu_exit, and the following as it says
 * @size: bytes
 * @address: port, MSR, or guest-physical address
 * @data: value of an access
 * @write: it was a write
 * @fetch: it was an instruction fetch
 * @insn_length: known bytes of @insn
 * @insn: the instruction
 * @irq: an interrupt that L queues: REGENT_IRQ_VALID and its vector. The next run, or
 *	REGENT_VCPU_SREGS, takes it and writes 0
 * @irq_queued: the same, of an interrupt that the vCPU has not taken yet; 0 for none
 * @cr8: CR8: what a run begins with (without an APIC), and ends with
 * @if_flag: at the end of a run: RFLAGS.IF
 * @interruptible: at the end of a run: the vCPU could take an interrupt
 * @takes_extint: at the end of a run: the vCPU's APIC would take what a PIC sends to LINT0
 * @number: at the vCPU's creation: its number in the VM, below REGENT_VM_VCPUS
 * @apic_id: at the vCPU's creation: the id of its APIC
 * @has_apic: at the vCPU's creation: K has its APIC
 * @wake: at the end of a run: REGENT_WAKE_*, what the vCPU has sent to others
 * @deadline: at the end of a run: TSC at which the APIC's timer is due, or REGENT_NEVER, also
 *	after a run that K has scheduled
 * @weights: what it gets when K schedules it, as REGENT_HC_WORLD_START has it
 * @at: where in a part, in its unit
 * @count: how much of it
 * @cpuid: for REGENT_VCPU_CPUID
 * @bytes: for REGENT_VCPU_XSAVE
 * @debug: for REGENT_VCPU_DEBUG
 * @events: for REGENT_VCPU_EVENTS
 * @apic: for REGENT_VCPU_APIC
 * @msr: for REGENT_VCPU_MSRS
 */
struct regent_vcpu_page {
	struct regent_vcpu_regs regs;
	struct regent_vcpu_sregs sregs;
	u32 reason;
	u32 size;
	u64 address;
	u64 data;
	u32 write;
	u32 fetch;
	u32 insn_length;
	u8 insn[16];
	u32 irq;
	u32 irq_queued;
	u32 cr8;
	u32 if_flag;
	u32 interruptible;
	u32 takes_extint;
	u32 number;
	u32 apic_id;
	u32 has_apic;
	u32 wake;
	u64 deadline;
	u64 weights;
	u32 at;
	u32 count;
	union {
		struct regent_vcpu_cpuid cpuid[REGENT_VCPU_CHUNK / 28];
		u8 bytes[REGENT_VCPU_CHUNK];
		struct regent_vcpu_debug debug;
		struct regent_vcpu_events events;
		struct regent_vcpu_apic apic;
		struct regent_vcpu_msr msr[REGENT_VCPU_CHUNK / 16];
	};
};

/* How many of a part one hypercall copies at most */
#define REGENT_VCPU_CPUIDS_AT_ONCE	(REGENT_VCPU_CHUNK / 28)
#define REGENT_VCPU_MSRS_AT_ONCE	(REGENT_VCPU_CHUNK / 16)

_Static_assert(sizeof(struct regent_vm_page) <= REGENT_PAGE_SIZE, "one page");
_Static_assert(sizeof(struct regent_vcpu_page) <= REGENT_PAGE_SIZE, "one page");
_Static_assert(sizeof(struct regent_vcpu_cpuid) == 28, "as above");

#endif
