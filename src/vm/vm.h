/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private to src/vm/:
 *
 *	vm.c		virtual machines: their memory
 *	vcpu.c		vCPUs: created, claimed, destroyed
 *	run.c		a run: begun by a hypercall of L's, each entry, its end
 *	state.c		a vCPU's state, for L and the VMM
 *	exit.c		what a vCPU does that makes it exit
 *	string.c	its INS and OUTS
 *	msr.c		its MSRs
 *	nmi.c		its NMIs
 *	apic.c		the APICs of a VM's vCPUs
 *	emulate.c	its accesses to devices
 *	peek.c		its code, where it has exited before
 *	walk.c		its memory by its own addresses
 */
#ifndef VM_VM_H
#define VM_VM_H

#include <regent/abi/vm.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/decode.h>
#include <regent/insn.h>
#include <regent/lock.h>
#include <regent/vapic.h>
#include <regent/vm.h>
#include <regent/vm_tlb.h>
#include <regent/world.h>

/**
 * struct vm - a virtual machine
 * @lock: guards the nested tables' changes
 * @npt_root: physical address of the top nested table
 * @page_pa: physical address of L's page for the VM
 * @sequence: number of zaps; all CPUs read it
 * @memory_start: physical address of a range that is all write-back memory, the one that was
 *	looked up last, under @lock
 * @memory_end: the first address behind it
 * @detached: physical address of the first table that is in no tree any more, but may still be
 *	walked; 0 for none. See vm.c
 * @vcpus: number of vCPUs, under vm.c's lock of all VMs
 * @dying: no vCPU and no page can be added any more, under the same lock
 * @apic_lock: keeps the vCPUs in @vcpu there, while something is sent to them
 * @vcpu: by number
 * @top_vcpu: the highest number there has been, + 1
 * @last_lowest: number of the vCPU that got the last interrupt with lowest priority
 */
struct vm {
	struct lock lock;
	u64 npt_root;
	u64 page_pa;
	u32 sequence;
	u64 memory_start;
	u64 memory_end;
	u64 detached;
	u32 vcpus;
	bool dying;
	struct lock apic_lock;
	struct vcpu *vcpu[REGENT_VM_VCPUS];
	u32 top_vcpu;
	u32 last_lowest;
};

/* Places in a vCPU's code that are remembered, and how many bytes of each are read at most */
#define VCPU_PLACES	8
#define VCPU_PEEK	16
#define VCPU_PEEK_LEVELS	4	/* of its tables, in long mode */

/**
 * struct vcpu_place - a page of a vCPU's code, and the way to it: see peek.h
 * @va: linear address of the page
 * @root: physical address of the vCPU's top table
 * @changes: cpu->mapcache.changes of the CPU in whose window @entry and @page are; 0 when nothing
 *	is noted
 * @sequence: vm->sequence
 * @entry: where the tables' entries on the way are; behind the last one, itself again
 * @found: what was in them
 * @page: the page
 */
struct vcpu_place {
	u64 va;
	u64 root;
	u64 changes;
	u32 sequence;
	u64 *entry[VCPU_PEEK_LEVELS];
	u64 found[VCPU_PEEK_LEVELS];
	const u8 *page;
};

#define VCPU_LEAVES	16	/* a power of two */

/**
 * struct vcpu_leaf - where a leaf of CPUID is found that was asked for
 * @function: EAX before
 * @index: ECX before
 * @leaf: where it is in vcpu->cpuid; NULL for none
 */
struct vcpu_leaf {
	u32 function;
	u32 index;
	const struct regent_vcpu_cpuid *leaf;
};

#define VCPU_DEVICES	8

/**
 * struct vcpu_device - a page that is no memory: each access to it makes an exit
 * @page: guest-physical address, in pages
 * @sequence: vm->sequence before L looked: a slot that comes later counts it up
 * @write: L has said so of a write: there may be memory to be read
 * @known: there is such a page
 */
struct vcpu_device {
	u64 page;
	u32 sequence;
	bool write;
	bool known;
};

/* Where an APIC is after a reset, and stays */
#define VCPU_APIC_BASE	0xfee00000ull
#define VCPU_APIC_BSP	(1ull << 8)

/**
 * struct message - an interrupt on its way to vCPUs
 * @vector: the vector
 * @delivery: enum vapic_delivery
 * @shorthand: enum vapic_shorthand
 * @level: it is a level
 * @to: the destination, with VAPIC_TO_DEST
 */
struct message {
	u8 vector;
	u8 delivery;
	u8 shorthand;
	bool level;
	struct vapic_dest to;
};

/* What of the last exit is still to be done when L has its part of it */
enum vcpu_pending {
	VCPU_NOTHING, VCPU_PORT_READ, VCPU_STRING_READ, VCPU_MEMORY_READ, VCPU_MSR_READ,
	VCPU_MSR_WRITTEN, VCPU_MOVE_READ,
};

/**
 * enum vcpu_msr - the result of an access to an MSR
 * @VCPU_MSR_DONE: done
 * @VCPU_MSR_REFUSED: it is #GP
 * @VCPU_MSR_LINUX: K does not have it: L may
 */
enum vcpu_msr { VCPU_MSR_DONE, VCPU_MSR_REFUSED, VCPU_MSR_LINUX };

/**
 * struct vcpu - a vCPU, allocated as one page
 * @world: its world
 * @vm: its VM
 * @page_pa: physical address of L's page for the vCPU
 * @allowed: a bit for each CPU on which the vCPU may run
 * @on: number + 1 of the CPU for which @allowed and Linux's state there are set up
 * @tlb: for vm_sync(); by vm->sequence, and its kicks are under vm->apic_lock
 * @by_sched: K schedules it in this run
 * @waits: it has nothing to run: K's scheduler is to block it
 * @ended: the run is over, and @reason says why
 * @reason: enum regent_vcpu_exit
 * @pending: enum vcpu_pending
 * @device: L said at the beginning of this run that @device_page is no memory
 * @device_page: page of the last fault
 * @device_write: that was a write
 * @device_sequence: vm->sequence at that time
 * @devices: pages of which L has said the same in earlier runs, by their number
 * @device_gpa: address of the last access to a device
 * @insn: with VCPU_MEMORY_READ: the instruction
 * @move: with VCPU_MOVE_READ: the instruction
 * @io: with VCPU_PORT_READ and VCPU_STRING_READ: the access
 * @string: with VCPU_STRING_READ: how the instruction addresses memory
 * @insn_rip: with VCPU_MSR_READ and VCPU_MSR_WRITTEN: where the instruction is
 * @mce: CR4.MCE as the vCPU sees it
 * @tells_window: L wants to know when the vCPU can take an interrupt
 * @nr_cpuid: number of entries in @cpuid
 * @cpuid: a page of them, or NULL
 * @leaf: of these, what was asked for
 * @tsc_offset: what is added to the TSC
 * @tsc_adjust: IA32_TSC_ADJUST
 * @nmis: NMIs that the vCPU has not taken yet
 * @nmi_blocked: it handles one
 * @nmi_iret: it is at the IRET at @nmi_iret_rip, after which NMIs are not blocked any more
 * @nmi_step: it executes that IRET with RFLAGS.TF, which is K's
 * @nmi_iret_rip: where that IRET is
 * @mp_state: REGENT_MP_*
 * @sipi: vector of the last SIPI
 * @number: its number in the VM
 * @has_apic: K has its APIC, which all below is for
 * @apic: the APIC
 * @apic_base: IA32_APIC_BASE
 * @window: it exits when it can take an interrupt, for a vector in @apic
 * @cr8_exits: it exits when it writes CR8, for the same
 * @wake: REGENT_WAKE_*: what it has sent in this run
 * @just_told: a run has ended before the entry, so that L hears of @apic's timer
 * @told: when @apic's timer is due, as L knows; VAPIC_NEVER for never
 * @posted: vectors that others have sent
 * @posted_level: which of these are levels
 * @posted_what: what they have sent at all: POSTED_*, see apic.c
 * @place: where in its code it has exited
 */
struct vcpu {
	struct world world;
	struct vm *vm;
	u64 page_pa;
	u64 allowed[REGENT_MAX_CPUS / 64];
	u32 on;
	struct vm_tlb tlb;
	bool by_sched;
	bool waits;
	bool ended;
	u8 reason;
	u8 pending;
	bool device;
	u64 device_page;
	bool device_write;
	u32 device_sequence;
	struct vcpu_device devices[VCPU_DEVICES];
	u64 device_gpa;
	struct decode insn;
	struct decode_move move;
	struct io_access io;
	struct insn_string string;
	u64 insn_rip;
	bool mce;
	bool tells_window;
	u32 nr_cpuid;
	struct regent_vcpu_cpuid *cpuid;
	struct vcpu_leaf leaf[VCPU_LEAVES];
	u64 tsc_offset;
	u64 tsc_adjust;
	u8 nmis;
	bool nmi_blocked;
	bool nmi_iret;
	bool nmi_step;
	u64 nmi_iret_rip;
	u8 mp_state;
	u8 sipi;
	u8 number;
	bool has_apic;
	struct vapic apic;
	u64 apic_base;
	bool window;
	bool cr8_exits;
	u32 wake;
	bool just_told;
	u64 told;
	u64 posted[4];
	u64 posted_level[4];
	u32 posted_what;
	struct vcpu_place place[VCPU_PLACES];
};

_Static_assert(sizeof(struct vcpu) <= REGENT_PAGE_SIZE, "what is allocated");

/* CPUID shows something else from now on. */
static inline void vcpu_forget_leaves(struct vcpu *v)
{
	u32 i;

	for (i = 0; i < VCPU_LEAVES; i++)
		v->leaf[i].leaf = NULL;
}

static inline struct vcpu *vcpu_of(struct world *world)
{
	return container_of(world, struct vcpu, world);
}

/* A segment of the decoder's, as struct regent_vcpu_sregs has it */
static inline u32 vcpu_segment(u32 segment)
{
	static const u8 to[] = {
		[DECODE_ES] = REGENT_ES, [DECODE_CS] = REGENT_CS, [DECODE_SS] = REGENT_SS,
		[DECODE_DS] = REGENT_DS, [DECODE_FS] = REGENT_FS, [DECODE_GS] = REGENT_GS,
	};

	return to[segment];
}

/* Has L said that there is no memory, or none that may be written? */
static inline bool vcpu_is_device(const struct vcpu *v, u64 gpa, bool write)
{
	u64 page = gpa >> REGENT_PAGE_SHIFT;
	const struct vcpu_device *d = &v->devices[page % VCPU_DEVICES];

	if (v->device && page == v->device_page)
		return true;
	return d->known && d->page == page && (write || !d->write) &&
	       d->sequence == __atomic_load_n(&v->vm->sequence, __ATOMIC_SEQ_CST);
}

/* vm.c */
struct vm *vm_get(u64 id);
void vm_put(struct vm *vm);
void *vm_page(struct cpu *cpu, const struct vm *vm, u64 gpa);
void *vm_page_to_write(struct cpu *cpu, const struct vm *vm, u64 gpa);
bool vm_is_linux_page(u64 pa);

/* Could the vCPU take an interrupt at its next entry, and has it none to take? */
static inline bool interruptible(const struct world *w)
{
	return backend_interruptible(w) && !backend_event_queued(w) &&
	       backend_vcpu_irq_queued(w) == VCPU_IRQ_NONE;
}

/* vcpu.c */
s64 vcpu_end_any(struct cpu *cpu);
struct vcpu *vcpu_claim(struct cpu *cpu, u64 id, s64 *err);
void vcpu_unclaim(struct cpu *cpu, struct vcpu *v);
void vcpu_reset(struct vcpu *v);
void vcpu_startup(struct vcpu *v, u8 vector);

/**
 * vcpu_page() - L's page for a vCPU
 * @cpu: this CPU
 * @v: the vCPU
 *
 * Return: K's address, valid as mapcache_page() says.
 */
static inline struct regent_vcpu_page *vcpu_page(struct cpu *cpu, const struct vcpu *v)
{
	struct regent_vcpu_page *page = mapcache_hit(&cpu->mapcache, v->page_pa);

	return likely(page) ? page : mapcache_page(&cpu->mapcache, v->page_pa, MAPCACHE_RAM);
}

/* run.c */
void vcpu_fault(struct cpu *cpu, struct vcpu *v, u64 gpa, bool write, bool fetch);
void vcpu_take_irq(struct vcpu *v, struct regent_vcpu_page *page);
void vcpu_tell_state(struct cpu *cpu, struct vcpu *v);

/* exit.c */
void vcpu_complete_port(struct cpu *cpu, struct vcpu *v);
bool vcpu_xcr0_valid(u64 xcr0);

/* string.c */
void vcpu_string_io(struct cpu *cpu, struct vcpu *v, const struct io_access *io);
void vcpu_complete_string(struct cpu *cpu, struct vcpu *v);

/* msr.c */
enum vcpu_msr vcpu_read_msr(struct vcpu *v, u64 index, u64 *value);
enum vcpu_msr vcpu_write_msr(struct vcpu *v, u64 index, u64 value, bool vmm);
bool vcpu_msr_fast(struct cpu *cpu, struct vcpu *v);
void vcpu_end_msr(struct vcpu *v, bool ok, bool write, u64 value);

/* nmi.c */
void vcpu_block_nmi(struct vcpu *v, bool on);
void vcpu_iret(struct vcpu *v);
bool vcpu_stepped(struct vcpu *v);
void vcpu_past_iret(struct vcpu *v);
void vcpu_add_nmi(struct vcpu *v);
void vcpu_enter_nmi(struct vcpu *v);

/* apic.c */
void vcpu_apic_init(struct vcpu *v, u32 id);
s64 vcpu_apic_get(struct vcpu *v, struct regent_vcpu_apic *to);
s64 vcpu_apic_set(struct vcpu *v, const struct regent_vcpu_apic *from);
bool vcpu_apic_base_valid(u64 base);
void vcpu_apic_force_base(struct vcpu *v, u64 base);
bool vcpu_write_apic_base(struct vcpu *v, u64 base);
bool vcpu_apic_takes_extint(const struct vcpu *v);
void vcpu_apic_absorb(struct vcpu *v);
void vcpu_apic_sync(struct vcpu *v);
u64 vcpu_apic_alarm(const struct vcpu *v);
void vcpu_apic_enter(struct cpu *cpu, struct vcpu *v);
bool vcpu_apic_write(struct cpu *cpu, struct vcpu *v, u32 reg, u64 value);
bool vcpu_apic_read(struct vcpu *v, u32 reg, u64 *value);
bool vcpu_apic_is_quiet(const struct vcpu *v, u32 reg, bool write);
s64 vm_add_vcpu(struct vcpu *v);
void vm_remove_vcpu(struct vcpu *v);

/* emulate.c */
void vcpu_device(struct cpu *cpu, struct vcpu *v, const struct npf *f);
void vcpu_apic_page(struct cpu *cpu, struct vcpu *v, const struct npf *f);
bool vcpu_apic_page_fast(struct cpu *cpu, struct vcpu *v);
void vcpu_odd_code(struct cpu *cpu, struct vcpu *v, int n);
void vcpu_complete_memory(struct cpu *cpu, struct vcpu *v);
void vcpu_complete_move(struct cpu *cpu, struct vcpu *v);
void vcpu_unknown(struct cpu *cpu, struct vcpu *v);
bool vcpu_skip(struct cpu *cpu, struct vcpu *v);
int vcpu_code(struct cpu *cpu, struct vcpu *v, u8 *code);

/* walk.c */
enum walk_result { WALK_OK, WALK_FAULT, WALK_ABSENT, WALK_MORE, WALK_AGAIN };
enum copy { COPY_READ, COPY_WRITE, COPY_TRY };

enum walk_result vcpu_walk(struct cpu *cpu, struct vcpu *v, u64 va, u64 *gpa);
void vcpu_load_pdptes(struct cpu *cpu, struct vcpu *v);
bool vcpu_copy(struct cpu *cpu, struct vcpu *v, u64 va, u64 *data, int n, enum copy how);

#endif
