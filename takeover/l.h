/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of L share. L is ordinary module code: exported symbols only.
 */
#ifndef TAKEOVER_L_H
#define TAKEOVER_L_H

#undef pr_fmt
#define pr_fmt(fmt) "regent: " fmt

#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/regent.h>
#include <linux/types.h>

#include <regent/abi/blob.h>
#include <regent/abi/handoff.h>
#include <regent/abi/hypercall.h>
#include <regent/abi/msrtab.h>
#include <regent/mtype.h>

/**
 * enum regent_status - where the takeover stands
 * @REGENT_IDLE: not taken over (yet, or the suspend guard handed back)
 * @REGENT_TAKEN: Linux is a world on every online CPU
 * @REGENT_FAULTED: K gave its CPUs back after a fault
 */
enum regent_status { REGENT_IDLE, REGENT_TAKEN, REGENT_FAULTED };

/**
 * struct l_backend - what L does differently for SVM and VMX
 * @name: for the log and sysfs
 * @image: K's image
 * @image_end: end of it
 * @kvm_is_loaded: what to do then
 * @nested: what the host world's nested tables look like
 * @resume: where Linux goes on as a world
 * @out: where it goes on when K has left
 * @mapped: code of L's that K sees, too, at its Linux address; NULL for none
 * @mapped_end: end of it
 * @owns_debugctl: entries and exits switch DEBUGCTL
 * @is_this_cpu: is it for CPUs of this vendor?
 * @probe_machine: NULL or the reason to refuse
 * @probe_cpu: the same on each CPU
 * @features: REGENT_FEAT_* as this backend means them, from what Linux says
 * @prepare_machine: before any CPU, in process context
 * @prepare_cpu: for each CPU, in process context
 * @enter: on the CPU, interrupts off: make Linux a world. A negative errno with
 *	the CPU as before, or to be disabled (@disable does no harm)
 * @leave: on the CPU, in any context: come back, if K is there
 * @disable: on the CPU, interrupts off: as found
 * @hypercall: as regent_hypercall(), on a CPU that may be bare
 */
struct l_backend {
	const char *name;
	const u8 *image;
	const u8 *image_end;
	const char *kvm_is_loaded;
	const struct npt_kind *nested;
	const char *resume;
	const char *out;
	const char *mapped;
	const char *mapped_end;
	bool owns_debugctl;
	bool (*is_this_cpu)(void);
	const char *(*probe_machine)(void);
	const char *(*probe_cpu)(void);
	u32 (*features)(u32 found);
	int (*prepare_machine)(void);
	int (*prepare_cpu)(struct regent_handoff *h, u64 area);
	long (*enter)(struct regent_handoff *h);
	long (*leave)(void);
	void (*disable)(struct regent_handoff *h);
	long (*hypercall)(u64 nr, u64 a, u64 b);
};

extern const struct l_backend l_backend_svm;
extern const struct l_backend l_backend_vmx;

/**
 * struct l_cpu - L's record of one CPU
 * @cpu: Linux's number
 * @prepared: K has an area for it
 * @entered: Linux is a world on it; written on that CPU, interrupts off
 * @nmis_seen: NMIs of K's that L's handler has claimed
 * @handoff: in K's memory
 * @shared: page that K sees, too
 * @captured: @view and @live are of the last handback
 * @refusal: why this CPU cannot be taken over, NULL if it can
 * @away: TSC ticks the last takeover or handback took on this CPU
 * @exists: registers of the table that this CPU has
 * @found: their values before the takeover, by row
 * @view: as Linux saw them as a world, before the handback
 * @live: after the handback
 */
struct l_cpu {
	unsigned int cpu;
	bool prepared;
	bool entered;
	u32 nmis_seen;
	struct regent_handoff *handoff;
	struct regent_shared *shared;
	bool captured;
	const char *refusal;
	u64 away;
	bool *exists;
	u64 *found;
	u64 *view;
	u64 *live;
};

/**
 * struct regent - the module's state
 * @status: enum regent_status
 * @why: one line for sysfs when not taken over
 * @backend: SVM or VMX
 * @features: REGENT_FEAT_*, as @params has them: those are hidden while K runs
 * @params: K's parameters, in its read-only data, writable here
 * @header: K's image header
 * @blob: the state blob, NULL until there is one
 * @pause_takeover_ns: longest time a CPU was away at the last takeover
 * @pause_handback_ns: the same for the last handback
 * @image_crc: CRC-32 of K's text and read-only data as loaded
 *
 * Changed under regent_lock; read without it by sysfs.
 */
struct regent {
	enum regent_status status;
	const char *why;
	const struct l_backend *backend;
	u32 features;
	struct regent_params *params;
	const struct regent_image_header *header;
	struct regent_blob_header *blob;
	u64 pause_takeover_ns;
	u64 pause_handback_ns;
	u32 image_crc;
};

extern struct regent regent;
extern struct mutex regent_lock;
extern struct cpumask regent_cpus;
DECLARE_PER_CPU(struct l_cpu, l_cpus);

/**
 * struct step - one reversible part of the takeover
 * @name: for messages and fail_step=
 * @do_step: 0 or a negative errno; leaves nothing behind on failure
 * @undo_step: reverses it; cannot fail
 */
struct step {
	const char *name;
	int (*do_step)(void);
	void (*undo_step)(void);
};

/* step.c: a list of steps, done downwards and undone upwards */
extern char *step_to_fail;
bool step_named(const char *name, int cpu);

/* Inline, because the rendezvous asks, too: Linux is away meanwhile. */
static inline bool step_fails(const char *name, int cpu)
{
	return unlikely(step_to_fail) && step_named(name, cpu);
}

int step_refused(const char *why);
int steps_do(const struct step *steps, unsigned int count, const char *what,
	     const char *then);
void steps_undo(const struct step *steps, unsigned int count);

/* One do and undo each, in the order of the step table */
int probe_do(void);
int memory_do(void);
void memory_undo(void);
int image_do(void);
void image_undo(void);
u32 image_xsave(u64 *xcr0_all);
int tables_do(void);
void tables_undo(void);
int blob_do(void);
void blob_undo(void);
int guards_do(void);
void guards_undo(void);
int processors_do(void);
void processors_undo(void);
int services_do(void);
void services_undo(void);

/* probe.c */
u32 probe_features(void);

/* memory.c: K's memory, taken from Linux */
void *donated_pages(unsigned int count);
u64 donated_pa(const void *page);
unsigned int donated_chunks(void);
u64 donated_chunk(unsigned int index);
unsigned long donated_kb(void);
int donated_more(void);
int donated_give(void);
void donated_soon(void);
void donated_return(void);
void donated_quiet(void);

/* image.c and tables.c */
void *image_va(u64 k_va);
int k_map(u64 va, u64 pa, u64 size, u64 flags);

/* inventory.c */
struct inventory {
	struct regent_blob_range *range;
	u32 ranges;
	struct regent_blob_pci *pci;
	u32 pcis;
	struct regent_blob_ioapic *ioapic;
	u32 ioapics;
	struct mtrr_state mtrr;
	u64 top;		/* end of the highest range */
	u64 ram_top;		/* end of the highest RAM */
};

extern struct inventory inventory;
int inventory_do(void);
void inventory_undo(void);

/* capture.c: reading a CPU's registers */
int capture_setup(void);
void capture_cleanup(void);
void capture_probe(struct l_cpu *c);
void capture_hot(u64 *to, bool trapped);
void capture_cold(struct l_cpu *c, u64 *to);
u32 capture_apic_id(void);
void capture_state(struct regent_handoff *h);
void capture_segment(struct regent_segment *s, u16 selector);

/* blob.c */
void blob_note_found(unsigned int cpu);
void blob_report(unsigned int cpus);
ssize_t blob_read(char *to, loff_t off, size_t count);

/* rendezvous.c: the CPUs go in and out */
int cpu_enter(struct l_cpu *c);
void cpu_leave(struct l_cpu *c);
int cpu_enter_one(struct l_cpu *c);
void cpu_leave_one(struct l_cpu *c);
int cpu_lost(unsigned int ms);
unsigned int cpus_entered(void);
int takeover_all(void);
void handback_all(const char *why);
void leave_rest(void);

/* processors.c: the whole machine in and out, whatever runs on it */
void hand_back(const char *why);
void wait_for_lost(void);

/* Where Linux keeps "current", which has moved between its versions; see Kbuild. */
#ifdef L_PCPU_HOT
#define L_CURRENT	pcpu_hot.current_task
#else
#define L_CURRENT	current_task
#endif

/* kvm/device.c, kvm/call.c and kvm/memory.c: /dev/kvm */
struct regent_shared;
struct regent_world;
struct regent_vm_set;

/**
 * struct vm_ops - what run/ asks of those who have VMs
 * @stopped: K has stopped worlds, as @shared says; on the CPU concerned, interrupts off
 * @describe: fill in what K does not know of a vCPU; false when there is none of this id
 * @set: REGENT_IOC_VM_SET; returns 0 or a negative errno
 */
struct vm_ops {
	void (*stopped)(struct regent_shared *shared);
	bool (*describe)(struct regent_world *w);
	int (*set)(const struct regent_vm_set *set);
};

void vm_ops_set(const struct vm_ops *ops);
void mode_vcpu_runs(unsigned int cpu);
int kvm_device_do(void);
void kvm_device_undo(void);
void vm_end_all(void);
void vms_ending(void);
void vms_ended(void);
u64 memory_mapped_2m(void);

/* run/hypercall.c: asking K */
long regent_hypercall(u64 nr, u64 a, u64 b);
long regent_hypercall_on(unsigned int cpu, u64 nr, u64 a, u64 b);
void visit_all(void);

/* module.c, of the parameter debug=1 */
extern bool regent_debug;

#endif
