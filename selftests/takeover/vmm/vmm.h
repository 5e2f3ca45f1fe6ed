/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of vmm share: see vmm.c. The functions end the program where a call fails. */
#ifndef VMM_H
#define VMM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/guest.h"

#define DEVICE	0x10000000
#define MEMORY	0x100000
#define PORT	0x10
#define ITEMS(a)	(sizeof(a) / sizeof((a)[0]))

#define GUEST(name)	extern const char guest_##name[], guest_##name##_end[]
GUEST(real); GUEST(ports); GUEST(read); GUEST(spin); GUEST(count); GUEST(write);
GUEST(irq); GUEST(handler); GUEST(push); GUEST(misaligned); GUEST(hole); GUEST(crossing);
GUEST(cpuid); GUEST(triple); GUEST(faults); GUEST(ud); GUEST(cr4); GUEST(mmio); GUEST(long);
GUEST(writes); GUEST(pae); GUEST(apic); GUEST(chips);

struct vm {
	int kvm, vm;
	uint8_t *memory;
	size_t run_size;
};

struct vcpu {
	int fd;
	struct kvm_run *run;
};

extern bool failed;

#define EXPECT(what, wanted, found) expect(__LINE__, what, wanted, found)

bool expect(int line, const char *what, uint64_t wanted, uint64_t found);
void die(const char *what);
int call(int fd, unsigned long nr, const void *arg, const char *name);
int set_slot(const struct vm *vm, int slot, uint64_t gpa, void *at, size_t size,
	     uint32_t flags);
void *anonymous(size_t size);
void make_vm(struct vm *vm);
void make_vcpu(const struct vm *vm, struct vcpu *v, int number);
void copy_code(const struct vm *vm, const char *from, const char *end);
bool is_intel(void);
void get_sregs(const struct vcpu *v, struct kvm_sregs *s);
void start_real(const struct vcpu *v, uint64_t rbx);
void set_flat(struct kvm_sregs *s);
void start_32(const struct vcpu *v, uint64_t rbx);
bool exits_by(const struct vcpu *v, int line, uint32_t reason);
bool tells(const struct vcpu *v, int line, uint32_t value);

#define CALL(fd, nr, arg)	call(fd, nr, (const void *)(uintptr_t)(arg), #nr)

#define BEGIN(vm, v, piece)						\
	do {								\
		make_vm(vm);						\
		make_vcpu(vm, v, 0);					\
		copy_code(vm, guest_##piece, guest_##piece##_end);	\
	} while (0)

#define EXITS(v, reason)	do { if (!exits_by(v, __LINE__, reason)) return; } while (0)
#define TELLS(v, value)		do { if (!tells(v, __LINE__, value)) return; } while (0)

/* vmm.c */
void fill_tables(const struct vm *vm);
void set_long_mode(const struct vcpu *v);

/* events.c */
int make_eventfd(void);
uint64_t read_eventfd(int fd);
void test_ioevent(void);
void test_drain(void);
void test_coalesced(void);
void test_ring(void);

/* interrupts.c */
void test_routes(void);
void test_gsis(void);
void test_delivery(void);
/* guest.c */
struct runner {
	const struct vm *vm;
	const struct vcpu *v;
	uint32_t number;
	pthread_t thread;
	bool stop, ended;
};

volatile struct shared *shared(const struct vm *vm);
void fill_guest_vm(struct vm *vm, bool x2apic, uint32_t vcpus);
/* What a test says beside what the guest has found wrong; or NULL */
extern void (*on_report)(const struct vm *vm);
void make_guest_vm(struct vm *vm, bool x2apic, uint32_t vcpus);
void make_guest_vcpu(const struct vm *vm, struct vcpu *v, int number);
void start_guest(const struct vcpu *v, uint32_t number, enum guest_function function);
int guest_says(const struct vm *vm, const struct vcpu *v, uint32_t *value);
bool guest_tells(const struct vm *vm, const struct vcpu *v, int line, uint32_t value);
void pin(uint32_t number);
void begin_thread(struct runner *r, const struct vm *vm, const struct vcpu *v, uint32_t number);
void end_thread(struct runner *r);

#define GUEST_TELLS(vm, v, value)					\
	do { if (!guest_tells(vm, v, __LINE__, value)) return; } while (0)

/* apic.c */
void test_ipi(void);
void test_tpr(void);
void test_timer(void);
void test_ipis(void);
void test_ipis2(void);
void test_nmi(void);
void test_halted(void);
void test_shadow(void);
void test_killed(void);
void test_lapic(void);

/* hostile.c */
void test_endless_db(void);
void test_endless_db32(void);
void test_endless_ac(void);
void test_holes(void);
void test_tables(void);
void test_crossing(void);
void test_garbage(void);
void test_refused(void);
void test_events(void);
void test_fuzz(void);
void still_works(int line);
bool is_tcg(void);
uint64_t random_seed(void);
void test_moved(void);

/* fuzz_ioctl.c */
void test_fuzz_ioctl(void);

/* state.c */
void test_registers(void);
void test_own(void);
void test_breakpoints(void);
void test_xcr0(void);
void test_clock(void);
void test_msrs(void);

/* work.c */
void test_work(void);

/* irqchip.c */
void test_chips(void);
void test_pic(void);
void test_ioapic(void);
void test_resample(void);
void test_pit(void);

/* memory.c */
void test_mapping(void);
void test_cow(void);
void test_readonly(void);
void test_smp(void);
void test_still(void);
void test_slots(void);
void test_plugged(void);
void test_softdirty(void);
void test_pae(void);

/* bench.c */
void test_bench(void);

/* fire.c */
void test_fire_balloon(void);
void test_fire_balloon2m(void);
void test_fire_punch(void);
void test_fire_protect(void);
void test_fire_protect2m(void);
void test_fire_move(void);
void test_fire_fork(void);
void test_fire_migrate(void);
void test_fire_huge(void);
void test_fire_swap(void);
void test_fire_ksm(void);
void test_fire_all(void);

/* large.c */
void test_sparse(void);
void test_tables_of_64g(void);
void test_small(void);
void test_large(void);
void test_hugetlb(void);
void test_gigantic(void);
void test_crowd(void);

/* supported.c */
void test_supported(void);

#endif
