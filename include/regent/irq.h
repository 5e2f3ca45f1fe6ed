/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupts of forwarded CPUs: the physical APIC, the IOAPICs' shadows, and the forwarding
 * of physical interrupts to Linux. Each function runs on the CPU concerned, with interrupts
 * held off.
 */
#ifndef REGENT_IRQ_H
#define REGENT_IRQ_H

#include <regent/abi/types.h>

struct cpu;
struct msr_access;
struct world;
struct vapic_left;
struct vapic_snapshot;

/*
 * The physical task priority of a forwarded CPU. It keeps vectors 16 to 31 away, which an APIC
 * takes for legal and K's IDT for exceptions; Linux uses none of them, and has the same priority
 * on the bare machine.
 */
#define APIC_K_TPR	0x10

/* irq/apic.c: the physical local APIC; registers are numbered as in <regent/vapic.h> */
bool apic_usable(struct cpu *cpu);
u32 apic_read(struct cpu *cpu, u32 reg);
void apic_write(struct cpu *cpu, u32 reg, u32 value);
void apic_give_timer(struct cpu *cpu, u32 divide, u32 lvt, u32 count, u64 deadline);
void apic_sent(const volatile u32 *icr);
void apic_send_x2apic(u32 to, u32 icr);
void apic_send(struct cpu *cpu, u32 icr2, u32 icr);
void apic_ring(struct cpu *cpu, u32 apic_id, u32 icr);
u64 apic_snapshot(struct cpu *cpu, struct vapic_snapshot *s);
bool apic_bit(struct cpu *cpu, u32 array, u8 vector);

/* irq/ioapic.c */
int ioapic_mode(u64 mode);
bool ioapic_shadowed(void);
int ioapic_find(u64 pa);
bool ioapic_arrived(struct cpu *cpu, u8 vector, bool level);
void ioapic_delivered(struct cpu *cpu, u8 vector);
void ioapic_eoi(struct cpu *cpu, u8 vector);
void ioapic_release(struct cpu *cpu);
u64 ioapic_read(struct cpu *cpu, int nr, u32 offset, int width);
void ioapic_write(struct cpu *cpu, int nr, u32 offset, int width, u64 value);

/* irq/forward.c */
int forward_take(struct cpu *cpu, u64 vector);
void forward_begin(struct cpu *cpu);
void forward_give_back(struct cpu *cpu);
bool forward_any(void);
void forward_arrived(struct cpu *cpu, u8 vector);
void forward_interrupt(struct cpu *cpu);
void forward_prepare(struct cpu *cpu, struct world *world);
void forward_deliver(struct cpu *cpu, struct world *world);
void forward_end_level(struct cpu *cpu, u8 vector);

/* irq/access.c: Linux's accesses to its local APIC */
u32 forward_apic_read(struct cpu *cpu, u32 offset);
void forward_apic_write(struct cpu *cpu, u32 offset, u32 value);
u64 forward_apic_peek(struct cpu *cpu, u32 offset, int width);
int forward_msr(struct cpu *cpu, struct msr_access *a);

/* irq/timer.c: K's own timer */
int timer_calibrate(struct cpu *cpu);
void timer_start(struct cpu *cpu);
void timer_update(struct cpu *cpu);
void timer_fired(struct cpu *cpu, u64 now);
void timer_stop(struct cpu *cpu);
void timer_give_back(struct cpu *cpu, const struct vapic_left *left);

/* irq/kick.c: kicks and NMIs to other CPUs, and K's vector for Linux on this CPU */
void nmi_send(struct cpu *cpu, u32 apic_id);
void kick(struct cpu *cpu, const struct cpu *to);
void kick_all(struct cpu *cpu);
void tell_linux(struct cpu *cpu);
void tell_stopped(struct cpu *cpu, u32 id);

#endif
