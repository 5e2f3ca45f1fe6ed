// SPDX-License-Identifier: GPL-2.0-only
/* The guest in C: vCPUs, vectors, what it tells the VMM, and its APICs. */
#include "inside.h"

struct gate idt[256] __attribute__((aligned(16)));
volatile u32 count[GUEST_VCPUS][256];
volatile u8 order[64];
volatile u32 orders;
void (*volatile on_vector)(u32 vcpu, struct frame *f);
volatile u64 fixup;
volatile int caught;

extern const char guest_vectors[];

void guest_main(u32 function, u32 vcpu);
void guest_interrupt(struct frame *f);

static void out(uint16_t port, u32 value)
{
	asm volatile("out %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

void tell(u32 value)
{
	out(GUEST_TELL, value);
}

bool check(u32 line, const char *what, u64 wanted, u64 found)
{
	if (wanted == found)
		return true;
	SHARED->line = line;
	SHARED->what = (u64)what;
	SHARED->wanted = wanted;
	SHARED->found = found;
	out(GUEST_FAIL, 0);
	return false;
}

u32 apic_read(u32 reg)
{
	if (SHARED->x2apic)
		return rdmsr(MSR_X2APIC + (reg >> 4));
	return *(volatile u32 *)(0xfee00000ul + reg);
}

void apic_write(u32 reg, u32 value)
{
	if (SHARED->x2apic)
		wrmsr(MSR_X2APIC + (reg >> 4), value);
	else
		*(volatile u32 *)(0xfee00000ul + reg) = value;
}

/* Logical ids are a bit for each vCPU in both modes: x2APIC has them so by itself. */
void apic_enable(u32 vcpu)
{
	if (SHARED->x2apic) {
		wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0x400);
	} else {
		apic_write(APIC_DFR, 0xffffffff);
		apic_write(APIC_LDR, 1u << (24 + vcpu));
	}
	apic_write(APIC_SVR, 0x1ff);
}

void send_ipi(u32 dest, u32 command)
{
	if (SHARED->x2apic) {
		wrmsr(MSR_X2APIC + (APIC_ICR >> 4), (u64)dest << 32 | command);
		return;
	}
	apic_write(APIC_ICR_HIGH, dest << 24);
	apic_write(APIC_ICR, command);
}

/* By HLT: what does not come is for the VMM to find. */
void wait_for(const volatile u32 *what, u32 value)
{
	cli();
	while (*what < value)
		sti_hlt_cli();
	sti();
}

void spin_ms(u32 ms)
{
	u64 end = rdtsc() + ms * SHARED->tsc_khz;

	while (rdtsc() < end)
		asm volatile("pause");
}

static void exception(struct frame *f)
{
	u64 to = fixup;

	if (to) {
		fixup = 0;
		caught = f->vector;
		f->rip = to;
		return;
	}
	check(f->vector, "exception at", 0, f->rip);
	for (;;)
		tell(GUEST_DONE);
}

void guest_interrupt(struct frame *f)
{
	u32 vcpu = ((u64)f - GUEST_STACKS) / GUEST_STACK;

	if (f->vector < 32 && f->vector != 2) {
		if (on_vector)
			on_vector(vcpu, f);
		else
			exception(f);
		return;
	}
	count[vcpu][f->vector]++;
	if (!vcpu && orders < sizeof(order))
		order[orders++] = f->vector;
	if (on_vector)
		on_vector(vcpu, f);
	if (f->vector != 2)
		apic_write(APIC_EOI, 0);
}

static void fill_idt(void)
{
	u64 at = (u64)guest_vectors;
	u32 i;

	for (i = 0; i < 256; i++, at += 16)
		idt[i] = (struct gate){ .low = at, .selector = 8, .type = 0x8e,
					.middle = at >> 16 };
}

#define GUEST_POINTER(name)	guest_##name,
static void (*const functions[])(void) = { GUEST_FUNCTIONS(GUEST_POINTER) };

void guest_main(u32 function, u32 vcpu)
{
	if (function >= GUEST_FNS) {
		guest_ap(vcpu);
		return;
	}
	if (!vcpu)
		fill_idt();
	functions[function]();
	for (;;)
		tell(GUEST_DONE);
}
