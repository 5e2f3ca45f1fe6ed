/* SPDX-License-Identifier: GPL-2.0-only */
/* Private to src/vmx/ and takeover/vmx.c. */
#ifndef VMX_VMX_H
#define VMX_VMX_H

#include <regent/abi/handoff.h>

struct cpu;
struct world;

/* Indexes in struct regent_handoff.backend_pa and struct regent_params.backend */
enum { VMX_PA_VMCS, VMX_PA_VMXON, VMX_PA_APIC, VMX_PA_BLOCK };
enum {
	VMX_PARAM_MSR_BITMAP, VMX_PARAM_FORWARD_MSR_BITMAP, VMX_PARAM_GUEST_MSR_BITMAP,
	VMX_PARAM_PIN_PROC, VMX_PARAM_PROC2, VMX_PARAM_EXIT_ENTRY, VMX_PARAM_EPT_VPID,
	VMX_PARAM_REVISION, VMX_PARAM_TIMER_RATE, VMX_PARAMS
};

_Static_assert(sizeof(((struct regent_params *)0)->backend) >= VMX_PARAMS * sizeof(u64),
	       "room in struct regent_params");

/* The host world's VPID, and the first and the end of the others; 0 is K's. */
#define VMX_VPID_HOST	1
#define VMX_VPID_WORLDS	2
#define VMX_VPIDS	0x10000

/**
 * struct vmx_caps - the capability MSRs; the "true" ones where they exist
 * @basic: IA32_VMX_BASIC
 * @pin: IA32_VMX_(TRUE_)PINBASED_CTLS
 * @proc: IA32_VMX_(TRUE_)PROCBASED_CTLS
 * @proc2: IA32_VMX_PROCBASED_CTLS2
 * @exit: IA32_VMX_(TRUE_)EXIT_CTLS
 * @entry: IA32_VMX_(TRUE_)ENTRY_CTLS
 * @cr0_fixed0: IA32_VMX_CR0_FIXED0: bits of CR0 that must be 1
 * @cr0_fixed1: IA32_VMX_CR0_FIXED1: bits of CR0 that may be 1
 * @cr4_fixed0: IA32_VMX_CR4_FIXED0
 * @cr4_fixed1: IA32_VMX_CR4_FIXED1
 * @ept_vpid: IA32_VMX_EPT_VPID_CAP
 */
struct vmx_caps {
	u64 basic;
	u64 pin;
	u64 proc;
	u64 proc2;
	u64 exit;
	u64 entry;
	u64 cr0_fixed0;
	u64 cr0_fixed1;
	u64 cr4_fixed0;
	u64 cr4_fixed1;
	u64 ept_vpid;
};

/**
 * struct vmx_controls - the five words of controls
 * @pin: pin-based controls, VMX_PIN_*
 * @proc: primary processor-based controls, VMX_PROC_*
 * @proc2: secondary processor-based controls, VMX_PROC2_*
 * @exit: VM-exit controls, VMX_EXIT_*
 * @entry: VM-entry controls, VMX_ENTRY_*
 */
struct vmx_controls {
	u32 pin;
	u32 proc;
	u32 proc2;
	u32 exit;
	u32 entry;
};

/* Size of struct vmx_block.own: CR2, DR6, and the MSRs of SYSCALL and SWAPGS */
#define VMX_OWN		7
#define VMX_OWN_CR2	0
#define VMX_OWN_DR6	1

/**
 * struct vmx_msr_load - an entry of a list of MSRs, in the processor's layout
 * @index: MSR number
 * @reserved: zero
 * @value: the value that the processor loads
 */
struct vmx_msr_load {
	u32 index;
	u32 reserved;
	u64 value;
} __attribute__((aligned(16)));

/**
 * struct vmx_block - what K keeps of a world beside its VMCS
 * @vmcs: physical address of the VMCS
 * @reason: VMX_REASON_* of the last exit
 * @event: VMCS_ENTRY_EVENT of the next entry, 0 for no event
 * @irq: of a vCPU: VMX_EVENT_VALID and the vector of an interrupt that it gets, at the next
 *	entry or as soon as it can take one; 0 for none
 * @queued: @event and @irq
 * @pin: pin-based controls, also while the VMCS is not loaded
 * @proc: primary processor-based controls, likewise
 * @proc2: secondary processor-based controls, likewise
 * @forced: the reason of an exit that K makes up where no entry took place; 0: the VMCS has
 *	the reason
 * @launched: 0: the next entry is VMLAUNCH
 * @at_exit: RIP is still that of the exit
 * @nmi_waits: K has opened an NMI or interrupt window for a waiting NMI
 * @loaded: the VMCS is this CPU's current one
 * @stale: the controls have changed while the VMCS was not loaded
 * @rsp: RSP, for backend_reg()
 * @flags: RFLAGS while the VMCS is not loaded (of Linux and of vCPUs)
 * @blocked: VMCS_GUEST_INTERRUPTIBILITY, likewise
 * @cpl: CPL, likewise
 * @cpu: number + 1 of the CPU whose host state the VMCS has
 * @own: registers that neither entries nor exits switch, see guest.c
 * @live: these are in the processor, and @own is old
 * @opened: of the host world: the vCPU that backend_vcpu_open() has loaded, or NULL
 * @error: of a vCPU: the error code that belongs to @event
 * @vectoring: of a vCPU: the event whose delivery the last exit has interrupted, or 0
 * @vectoring_error: its error code
 * @made_up: K has made up the last exit
 * @sent: of a vCPU: the entry delivers @irq
 * @soft: of a vCPU: the last entry has delivered a soft interrupt that the VMM has queued
 * @event_set: of a vCPU: VMCS_ENTRY_EVENT is not 0
 * @irq_window: of a vCPU: it exits when it can take an interrupt
 * @nmi_window: likewise, an NMI
 * @cr4_mask: of a vCPU: bits of CR4 that it does not have for itself
 * @pdptes_old: of a vCPU: the VMM has given it PAE's tables, of which the VMCS has the top ones
 * @scratch: of a vCPU: an MSR that backend_vcpu_msr() has read
 * @apic: the virtual APIC page, of which K uses only the TPR
 * @pebs_entry: the MSR that an entry loads, see pebs.c
 * @pebs_exit: the MSR that an exit loads
 */
struct vmx_block {
	u64 vmcs;
	u32 reason;
	union {
		struct {
			u32 event;
			u32 irq;
		};
		u64 queued;
	};
	u32 pin;
	u32 proc;
	u32 proc2;
	u32 forced;
	u32 launched;
	bool at_exit;
	bool nmi_waits;
	bool loaded;
	bool stale;
	u64 rsp;
	u64 flags;
	u32 blocked;
	u32 cpl;
	u32 cpu;
	u64 own[VMX_OWN];
	bool live;
	struct world *opened;
	u32 error;
	u32 vectoring;
	u32 vectoring_error;
	bool made_up;
	bool sent;
	bool soft;
	bool event_set;
	bool irq_window;
	bool nmi_window;
	u64 cr4_mask;
	bool pdptes_old;
	u64 scratch;
	u8 *apic;
	struct vmx_msr_load pebs_entry;
	struct vmx_msr_load pebs_exit;
};

/* prep.c: plain logic. A function that writes a field of the current VMCS */
typedef void vmx_put(u64 field, u64 value);

const char *vmx_choose(const struct vmx_caps *caps, struct vmx_controls *to);
const char *vmx_locked_off(u64 feature_control);
bool vmx_is_instruction(u32 reason);
u64 vmx_eptp(u64 root, u32 levels);
void vmx_put_controls(vmx_put *put, const struct vmx_controls *c);
void vmx_put_host(vmx_put *put, const struct regent_handoff *h, u64 idt);
void vmx_put_guest(vmx_put *put, const struct regent_state *s);
void vmx_prepare_machine(void *bitmap, void *forward_bitmap, void *guest_bitmap);

#define VMX_BITMAP_SIZE	4096

/* enter.S */
struct world *vmx_resume(struct world *world);	/* see backend_enter() */
void vmx_leave(u64 result, u64 *left, u32 launched) __attribute__((noreturn));
extern const char vmx_exit[];
extern const char vmx_exit_vcpu[];

/* pebs.c */
void vmx_pebs_init(struct vmx_block *b, const struct regent_handoff *h);
void vmx_pebs_leave(const struct vmx_block *b, struct regent_handoff *h);
bool vmx_pebs_write(struct vmx_block *b, u64 value);

/* window.S */
void vmx_unblock_nmi(void);

/* Called by enter.S */
bool vmx_late(struct world *world);
void vmx_refused(struct world *world);

/* event.c: controls of a world, which may not be the current one */
void vmx_set_pin(struct vmx_block *b, u32 pin);
void vmx_set_proc(struct vmx_block *b, u32 proc);
void vmx_set_proc2(struct vmx_block *b, u32 proc2);
void vmx_deliver(struct world *world, u32 event, u32 error);
void vmx_window_is_open(struct vmx_block *b);

void vmx_advance(struct world *world, u64 next);

/* guest.c: the current VMCS of this CPU */
void vmx_unload(struct world *world);
void vmx_load(struct cpu *cpu, struct world *world);

/* vm.c */
bool vmx_move_to_cr(struct world *world, int cr, u64 value);
u64 vmx_dr6(const struct vmx_block *b);
void vmx_set_dr6(struct vmx_block *b, u64 dr6);

/* vm_event.c: a vCPU's part of the functions of vmx.c and event.c */
void vmx_vcpu_exit(struct world *world);
void vmx_vcpu_inject(struct world *world, u8 vector, u32 error);
void vmx_vcpu_complete(struct world *world);

#endif
