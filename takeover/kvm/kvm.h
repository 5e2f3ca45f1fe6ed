/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The KVM API, as far as it goes (docs/vms.md): file descriptors and ioctls of Linux's, over
 * hypercalls to K, which has the VMs. Each file calls those below it in this list:
 *
 *	device.c	/dev/kvm
 *	vm.c		a VM's descriptor
 *	vcpu.c		a vCPU's descriptor
 *	run.c		KVM_RUN
 *	state.c		a vCPU's registers, in KVM's structures
 *	fpu.c		the same of FPU and debug registers
 *	events.c	the same of what it is about to take, and of its APIC
 *	cpuid.c		the CPUID that a VM can have
 *	msr.c		MSRs that do nothing, and KVM's
 *	clock.c		TSC and kvmclock
 *	memory.c	slots, and Linux's memory in them
 *	irqchip.c	PICs and I/O APIC, and pit.c the PIT, where the VMM leaves them to L
 *	route.c		interrupts that the VMM or an eventfd sends
 *	ioevent.c	writes of a vCPU that end no KVM_RUN
 *	call.c		asking K for a VM
 *	world.c		vCPUs that K schedules: their threads wait
 *	wait.c		vCPUs that wait, and what wakes them
 */
#ifndef TAKEOVER_KVM_KVM_H
#define TAKEOVER_KVM_KVM_H

#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/kvm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rcuwait.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/workqueue.h>

#include <regent/abi/vm.h>

#include "../l.h"
#include "slots.h"

struct eventfd_ctx;

#define VM_SLOTS	512
#define KVM_MAX_MCE_BANKS	32	/* as KVM */
#define VM_VCPUS	REGENT_VM_VCPUS	/* K has worlds for fewer in all */
#define VM_PINS		4096	/* of the VMM's I/O APICs, at most, as KVM */

/**
 * struct vm_routes - what becomes an interrupt of a VM, see route.c
 * @lock: serializes changes of @table, and assigning and deassigning of irqfds
 * @table: the MSI of each GSI; vm->srcu guards readers
 * @irqfd_lock: guards the lists; it is taken with interrupts off
 * @resamplers: irqfds with a resample eventfd; vm->srcu guards readers
 * @irqfds: assigned
 * @closed: those whose eventfd is closed: @reap frees them
 * @reap: work
 */
struct vm_routes {
	struct mutex lock;	/* @table, and who assigns and deassigns */
	struct route_table __rcu *table;
	spinlock_t irqfd_lock;	/* the lists */
	struct list_head resamplers;
	struct list_head irqfds;
	struct list_head closed;
	struct work_struct reap;
};

#define IOEVENT_BUCKETS	64

/**
 * struct vm_ioevents - writes that are no exits to the VMM, see ioevent.c
 * @lock: serializes changes of @bucket and @zones, whose readers vm->srcu guards
 * @bucket: ioeventfds, by a hash of their addresses
 * @zones: addresses of which writes go to @ring
 * @zones_of: their number: of memory, and of ports
 * @ring_lock: guards writes to @ring
 * @ring: page that the VMM sees behind each vCPU's own, and may write: nothing in it is true
 */
struct vm_ioevents {
	struct mutex lock;	/* changes of @bucket and @zones */
	struct hlist_head bucket[IOEVENT_BUCKETS];
	struct list_head zones;
	unsigned int zones_of[2];
	spinlock_t ring_lock;	/* writes to @ring */
	struct kvm_coalesced_mmio_ring *ring;
};

/**
 * struct vm - a VM
 * @ref: its descriptor and those of its vCPUs
 * @mm: the VMM's memory, held by mmgrab()
 * @all: in the list of all VMs
 * @id: K's number of it
 * @pid: the process that has made it
 * @epoch: the takeover in which it was made
 * @dead: K has lost it: every further request is -EIO
 * @page: what K and L exchange about it, under @mmu_lock
 * @split: K has the vCPUs' APICs, the VMM the other interrupt controllers
 * @nr_pins: GSIs of the VMM's I/O APICs, with @split
 * @irqchip: K has the vCPUs' APICs, L these; or NULL. Once set it stays
 * @clock_lock: guards the next four
 * @clock_tsc: when kvmclock had the value @clock_ns
 * @clock_ns: see above
 * @tsc_written: a vCPU's TSC has been written
 * @tsc_offset: what was added to the TSC then
 * @slots_lock: held for writing while slots change, for reading while pages are mapped
 * @lock: serializes the making of vCPUs
 * @mmu_lock: guards all below, @slot as well, and orders maps and zaps
 * @zaps: notifiers that have come
 * @nothing_behind: touches in a row after which nothing more was to be mapped
 * @notifier: tells when mappings of the VMM go
 * @slot: by number
 * @slots_top: no slot has been used from this number on
 * @vcpu: by number
 * @srcu: who reads @routes.table and the lists of @ioevents
 * @routes: interrupts
 * @ioevents: writes
 */
struct vm {
	struct kref ref;
	struct mm_struct *mm;
	struct list_head all;
	u64 id;
	pid_t pid;
	unsigned int epoch;
	bool dead;
	struct regent_vm_page *page;
	bool split;
	unsigned int nr_pins;
	struct irqchip *irqchip;
	raw_spinlock_t clock_lock;
	u64 clock_tsc;
	u64 clock_ns;
	bool tsc_written;
	u64 tsc_offset;
	struct rw_semaphore slots_lock;
	struct mutex lock;	/* the making of vCPUs */
	spinlock_t mmu_lock;	/* slots, and the order of maps and zaps */
	struct vm_zaps zaps;
	unsigned int nothing_behind;
	struct mmu_notifier notifier;
	struct vm_slot slot[VM_SLOTS];
	unsigned int slots_top;
	struct vcpu *vcpu[VM_VCPUS];
	struct srcu_struct srcu;
	struct vm_routes routes;
	struct vm_ioevents ioevents;
};

#define MSR_PLAIN		8
#define MSR_MTRR_FIXED		11
#define MSR_MTRR_VARIABLE	16	/* two for each range */

/**
 * struct vcpu_msrs - MSRs that hold a value and do nothing
 * @plain: as msr.c lists them
 * @mtrr_fixed: MTRRs of fixed ranges
 * @mtrr_variable: MTRRs of variable ranges
 * @mtrr_default: MTRRdefType
 * @mcg_cap: IA32_MCG_CAP
 * @mcg_status: IA32_MCG_STATUS
 * @mcg_ctl: IA32_MCG_CTL
 * @bank: four for each bank of machine checks
 */
struct vcpu_msrs {
	u64 plain[MSR_PLAIN];
	u64 mtrr_fixed[MSR_MTRR_FIXED];
	u64 mtrr_variable[MSR_MTRR_VARIABLE];
	u64 mtrr_default;
	u64 mcg_cap;
	u64 mcg_status;
	u64 mcg_ctl;
	u64 bank[KVM_MAX_MCE_BANKS * 4];
};

/**
 * struct vcpu - a vCPU
 * @vm: its VM
 * @lock: one thread at a time
 * @id: K's number of it
 * @number: its number in the VM
 * @cpu: CPU on which it is in K, or -1; written with preemption off
 * @page: what K and L exchange about it
 * @run: what L and the VMM exchange about it: struct kvm_run, and a page for I/O
 * @io: the data of the last exit that was a read is still to be told to K
 * @apic_base: IA32_APIC_BASE
 * @masked: @sigset is valid
 * @sigset: signals that are blocked during KVM_RUN
 * @wait: its thread, while it waits in KVM_RUN
 * @kicked: something may have arrived since it was entered last
 * @timer: kicks it when its APIC's timer is due
 * @timer_tsc: when that is, as TSC; REGENT_NEVER while @timer is off
 * @msr: MSRs that do nothing
 * @system_time: MSR_KVM_SYSTEM_TIME
 * @wall_clock: MSR_KVM_WALL_CLOCK
 * @told: K has stopped its world since it was asked last
 * @thread: the thread in KVM_RUN, or NULL
 * @tid: number of the last one
 * @ran_on: CPU on which the last run has begun, or -1 outside of KVM_RUN
 * @waited: ns that its world has waited for its CPU, a second ago
 * @weights: what K gives it beside others on a CPU, as REGENT_HC_WORLD_START has it; its shares
 *	are 0 for what the thread's nice value says
 * @no_min_until: jiffies; before that K is not asked for the guarantee, which it did not have
 * @clock_old: kvmclock is to be written to the VM's memory before the next run
 */
struct vcpu {
	struct vm *vm;
	struct mutex lock;	/* one thread at a time */
	u64 id;
	unsigned int number;
	int cpu;
	struct regent_vcpu_page *page;
	struct kvm_run *run;
	enum { VCPU_NO_READ, VCPU_PORT_READ, VCPU_MMIO_READ } io;
	u64 apic_base;
	bool masked;
	sigset_t sigset;
	struct rcuwait wait;
	bool kicked;
	struct hrtimer timer;
	u64 timer_tsc;
	struct vcpu_msrs msr;
	u64 system_time;
	u64 wall_clock;
	bool clock_old;
	bool told;
	struct task_struct *thread;
	pid_t tid;
	int ran_on;
	long waited;
	u64 weights;
	u64 no_min_until;
};

/* Has K the vCPUs' APICs? */
static inline bool vm_has_apics(const struct vm *vm)
{
	return READ_ONCE(vm->split) || READ_ONCE(vm->irqchip);
}

/* What holds a line high */
#define IRQ_SOURCE_VMM		0
#define IRQ_SOURCE_RESAMPLE	1
#define IRQ_SOURCE_PIT		2

/* Pages of vcpu->run, and with the VM's ring behind them those that the VMM maps */
#define VCPU_OWN_PAGES	2
#define VCPU_RUN_PAGES	3
#define VCPU_IO_OFFSET	(KVM_PIO_PAGE_OFFSET * PAGE_SIZE)

/* call.c */
unsigned int vm_epoch(void);
void vm_known(struct vm *vm);
void vm_unknown(struct vm *vm);
bool vm_lives(const struct vm *vm);
bool vm_exists(const struct vm *vm);
int irq_send_msi(struct vm *vm, u64 address, u32 data);
long vm_call(struct vm *vm, u64 nr, u64 a, u64 b);
long vm_call_with_memory(struct vm *vm, u64 nr, u64 a, u64 b);
int vm_give_memory(unsigned int had);
long vcpu_enter(struct vcpu *v, u64 how);
void vm_kick(struct vm *vm);

/* world.c */
void world_init(struct vcpu *v);
int world_known(struct vcpu *v);
void world_unknown(struct vcpu *v);
void world_prepare(struct vcpu *v);
long world_follow(struct vcpu *v, long answer);
void world_begin(struct vcpu *v);
void world_end(struct vcpu *v);
bool world_guarantee_failed(struct vcpu *v);
void worlds_quiet(void);

extern const struct vm_ops world_ops;

/* memory.c */
int memory_watch(struct vm *vm);
void memory_unwatch(struct vm *vm);
int memory_set(struct vm *vm, const struct kvm_userspace_memory_region *m);
int memory_fault(struct vm *vm, u64 gpa, bool write);
void __user *memory_user(struct vm *vm, u64 gpa, u64 size, bool write);

/* wait.c */
void vcpu_kick(struct vcpu *v);
void vm_wake(struct vm *vm, u32 wake);
void wait_init(struct vcpu *v);
void wait_free(struct vcpu *v);
void wait_set_timer(struct vcpu *v);
void wait_for_vcpu(struct vcpu *v);

/* cpuid.c */
int cpuid_supported(struct kvm_cpuid2 __user *user);

/* clock.c */
void clock_init(struct vm *vm);
void clock_get(struct vm *vm, struct kvm_clock_data *clock);
int clock_set(struct vm *vm, const struct kvm_clock_data *clock);
void clock_update(struct vcpu *v);
void clock_write_wall(struct vcpu *v, u64 gpa);
int clock_set_tsc(struct vcpu *v, u64 value);

/* msr.c */
void msr_init(struct vcpu *v);
bool msr_read(struct vcpu *v, u64 index, u64 *value);
bool msr_write(struct vcpu *v, u64 index, u64 value, bool vmm);
int msr_get(struct vcpu *v, u64 index, u64 *value);
int msr_set(struct vcpu *v, u64 index, u64 value);
int msr_ioctl(struct vcpu *v, bool set, struct kvm_msrs __user *user);
int msr_list(bool features, struct kvm_msr_list __user *user);
int msr_setup_mce(struct vcpu *v, const u64 __user *user);
int msr_mce_cap(u64 __user *user);

/* fpu.c */
u64 fpu_components(void);
u32 fpu_xsave_size(void);
int fpu_get_xsave(struct vcpu *v, void __user *user, u32 size);
int fpu_set_xsave(struct vcpu *v, const void __user *user);
int fpu_ioctl(struct vcpu *v, bool set, struct kvm_fpu __user *user);
int fpu_ioctl_xcrs(struct vcpu *v, bool set, struct kvm_xcrs __user *user);
int fpu_ioctl_debugregs(struct vcpu *v, bool set, struct kvm_debugregs __user *user);

/* events.c */
int events_ioctl(struct vcpu *v, bool set, struct kvm_vcpu_events __user *user);
int events_ioctl_mp(struct vcpu *v, bool set, struct kvm_mp_state __user *user);
int events_nmi(struct vcpu *v);
int events_ioctl_apic(struct vcpu *v, bool set, struct kvm_lapic_state __user *user);

/* run.c */
int run_vcpu(struct vcpu *v);
int run_answered(struct vcpu *v, long answer, u64 *how);

/* irqchip.c */
int irqchip_create(struct vm *vm);
void irqchip_stop(struct vm *vm);
void irqchip_free(struct vm *vm);
int irqchip_set_pic(struct vm *vm, u32 source, u32 pin, bool level);
int irqchip_set_ioapic(struct vm *vm, u32 source, u32 pin, bool level);
void irqchip_eoi(struct vm *vm, u8 vector);
bool irqchip_can_go_on(const struct vcpu *v);
u64 irqchip_enter(struct vcpu *v);
void irqchip_look_after(struct vm *vm);
bool irqchip_access(struct vcpu *v, bool port);
int irqchip_ioctl(struct vm *vm, bool set, struct kvm_irqchip __user *user);

/* pit.c */
int pit_create(struct vm *vm, u32 flags);
int pit_ioctl(struct vm *vm, unsigned int nr, void __user *user);
int pit_reinject(struct vm *vm, bool reinject);

/* route.c */
void route_init(struct vm *vm);
void route_shutdown(struct vm *vm);
void route_free(struct vm *vm);
int route_set(struct vm *vm, const struct kvm_irq_routing __user *user);
int route_set_default(struct vm *vm);
int route_set_line(struct vm *vm, u32 source, u32 gsi, bool level);
void route_pin_ended(struct vm *vm, bool ioapic, u32 pin);
int route_signal_msi(struct vm *vm, const struct kvm_msi __user *user);
int route_irq_line(struct vm *vm, u32 gsi, bool level);
int route_irqfd(struct vm *vm, const struct kvm_irqfd *args);
bool route_eoi(struct vm *vm, u8 vector);

/* ioevent.c */
void ioevent_count(struct eventfd_ctx *eventfd);
int ioevent_init(struct vm *vm);
void ioevent_free(struct vm *vm);
int ioevent_set(struct vm *vm, const struct kvm_ioeventfd *args);
bool ioevent_signal(struct vm *vm, bool port, u64 address, u32 size, u64 data);
int coalesced_add(struct vm *vm, const struct kvm_coalesced_mmio_zone *zone);
int coalesced_remove(struct vm *vm, const struct kvm_coalesced_mmio_zone *zone);
bool coalesced_write(struct vm *vm, bool port, u64 address, u32 size, u64 data);

/* state.c */
int state_get_regs(struct vcpu *v, struct kvm_regs *r);
int state_set_regs(struct vcpu *v, const struct kvm_regs *r);
int state_get_sregs(struct vcpu *v, struct kvm_sregs *s);
int state_set_sregs(struct vcpu *v, const struct kvm_sregs *s);
int state_set_cpuid(struct vcpu *v, const struct kvm_cpuid2 __user *user);

/* vcpu.c */
int vcpu_make(struct vm *vm, unsigned long number);

/* vm.c */
int vm_make(void);
void vm_put(struct vm *vm);
int vm_extension(unsigned long cap);

#endif
