// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Linux reads and writes of its APIC on a forwarded CPU, in the page or by
 * MSRs: the virtual one, and of the physical one what sends, raises or addresses
 * interrupts. AMD APM volume 2, "Advanced Programmable Interrupt Controller";
 * Intel SDM volume 3, "Extended XAPIC (x2APIC)".
 */
#include <hw/asm.h>
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/k.h>

#define LVT_STATUS	((1u << 12) | (1u << 14))	/* read-only */

/* Without broadcast, Linux tells the IOAPIC by itself. */
static void linux_eoi(struct cpu *cpu, const struct vapic_effect *e)
{
	if (e->eoi_broadcast)
		forward_end_level(cpu, e->eoi_vector);
	else if (cpu->owed[e->eoi_vector / 32] >> e->eoi_vector % 32 & 1)
		forward_end_level(cpu, e->eoi_vector);
}

/* Messages are addressed by these, and LVTs raise what they say: physically. */
static bool is_physical(u32 reg)
{
	return reg == VAPIC_REG_LDR || reg == VAPIC_REG_DFR ||
	       (vapic_lvt_bit(reg) && reg != VAPIC_REG_TIMER);
}

/* In x2APIC mode the processor may refuse what the virtual APIC does not. */
static bool pass_on(struct cpu *cpu, u32 reg, u32 value)
{
	if (cpu->x2apic)
		return guarded_wrmsr(MSR_REG_X2APIC + reg, value);
	apic_write(cpu, reg, value);
	return true;
}

/*
 * When Linux switches its APIC off, that masks every LVT. K goes on with its own,
 * and the virtual APIC refuses what arrives.
 */
static bool write_svr(struct cpu *cpu, u32 value)
{
	if (!pass_on(cpu, VAPIC_REG_SVR, value))
		return false;
	if (!(value & VAPIC_SVR_ENABLE)) {
		apic_write(cpu, VAPIC_REG_SVR, value | VAPIC_SVR_ENABLE);
		timer_start(cpu);
	}
	return true;
}

/* What of a write goes to the physical APIC, too. */
static bool write_physical(struct cpu *cpu, u32 reg, u32 value)
{
	if (reg == VAPIC_REG_SVR)
		return write_svr(cpu, value);
	if (!is_physical(reg))
		return true;
	if (vapic_lvt_bit(reg))
		value = cpu->vapic.reg[reg] & ~LVT_STATUS;
	return pass_on(cpu, reg, value);
}

/**
 * forward_apic_read() - Linux reads its APIC
 * @cpu: this CPU, forwarded
 * @offset: where in the page, a multiple of 16
 */
u32 forward_apic_read(struct cpu *cpu, u32 offset)
{
	u32 reg = offset / 16;
	u64 value;

	if (cpu->x2apic)
		return ~0u;	/* nobody there */
	vapic_read(&cpu->vapic, reg, hw_rdtsc(), &value);
	return value;
}

static u64 low_bytes(u64 value, int width)
{
	return value & (~0ull >> (64 - 8 * width));
}

static u64 read_page(u32 offset, int width)
{
	return hw_mmio_read((const volatile u8 *)REGENT_VA_APIC + offset, width);
}

/* The version register tells, because its low byte is never 0. */
static bool answers_in_part(int width)
{
	u32 version = read_page(VAPIC_REG_VERSION * 16, 4);

	return read_page(VAPIC_REG_VERSION * 16, width) == low_bytes(version, width);
}

/**
 * forward_apic_peek() - Linux reads its APIC's page in a way that no manual defines
 * @cpu: this CPU, forwarded
 * @offset: where in the page, which the access does not leave
 * @width: bytes: 1, 2, 4 or 8
 *
 * A processor whose APIC gives a part of a register gets that part of the virtual one.
 * Everything else the physical APIC answers, as on the bare machine.
 */
u64 forward_apic_peek(struct cpu *cpu, u32 offset, int width)
{
	u32 lane = offset % 16;

	if (cpu->x2apic)
		return low_bytes(~0ull, width);	/* nobody there */
	if (lane + width <= 4 && answers_in_part(width))
		return low_bytes(forward_apic_read(cpu, offset - lane) >> 8 * lane, width);
	return read_page(offset, width);
}

/*
 * One each interrupt, so that it does not go all the way of the others.
 *
 * QEMU's VMRUN with a virtual interrupt may forget that a physical one is pending,
 * which then stays so until another one comes (docs/testing.md). Its APIC looks again
 * when the task priority is written.
 */
static void write_eoi(struct cpu *cpu)
{
	struct vapic_effect e;

	vapic_eoi(&cpu->vapic, &e);
	if (unlikely(k_has(REGENT_FEAT_TCG)))
		apic_write(cpu, VAPIC_REG_TPR, APIC_K_TPR);
	if ((e.what & VAPIC_EFFECT_EOI) && unlikely(e.eoi_level))
		linux_eoi(cpu, &e);
}

/* What the physical APIC has to say is Linux's, too. */
static void collect_errors(struct cpu *cpu)
{
	apic_write(cpu, VAPIC_REG_ESR, 0);
	cpu->vapic.esr_next |= apic_read(cpu, VAPIC_REG_ESR);
}

/* As Linux has it; in x2APIC mode the processor may refuse it. */
static bool send(struct cpu *cpu)
{
	const struct vapic *v = &cpu->vapic;
	u32 icr2 = v->reg[VAPIC_REG_ICR2], icr = v->reg[VAPIC_REG_ICR];

	if (cpu->x2apic)
		return guarded_wrmsr(MSR_REG_X2APIC_ICR, (u64)icr2 << 32 | icr);
	apic_send(cpu, icr2, icr);
	return true;
}

/* What else is written needs no clock. */
static bool changes_timer(u32 reg)
{
	return reg == VAPIC_REG_INITIAL || reg == VAPIC_REG_TIMER || reg == VAPIC_REG_DIVIDE ||
	       reg == VAPIC_REG_SVR;
}

static int __attribute__((noinline)) write_other(struct cpu *cpu, u32 reg, u64 value)
{
	struct vapic *v = &cpu->vapic;
	struct vapic_effect e;

	if (unlikely(reg == VAPIC_REG_ESR))
		collect_errors(cpu);
	if (vapic_write(v, reg, value, changes_timer(reg) ? hw_rdtsc() : 0, &e) != VAPIC_OK)
		return VAPIC_GP;
	if ((e.what & VAPIC_EFFECT_IPI) && !send(cpu))
		return VAPIC_GP;
	if (e.what & VAPIC_EFFECT_TIMER)
		timer_update(cpu);
	/* These two come often. */
	if (reg == VAPIC_REG_INITIAL || reg == VAPIC_REG_ICR)
		return VAPIC_OK;
	if (e.what & VAPIC_EFFECT_TPR)
		backend_set_tpr(&cpu->host, v->reg[VAPIC_REG_TPR]);
	return write_physical(cpu, reg, value) ? VAPIC_OK : VAPIC_GP;
}

/* Return: enum vapic_result, as of the virtual APIC's mode. */
static int write_register(struct cpu *cpu, u32 reg, u64 value)
{
	struct vapic *v = &cpu->vapic;

	if (reg == VAPIC_REG_EOI && !(cpu->x2apic && value)) {
		write_eoi(cpu);
		return VAPIC_OK;
	}
	switch (vapic_write_short(v, reg, value, reg == VAPIC_REG_INITIAL ? hw_rdtsc() : 0)) {
	case VAPIC_SHORT_DONE:
		return VAPIC_OK;
	case VAPIC_SHORT_LVT:
		apic_write(cpu, reg, v->reg[reg] & ~LVT_STATUS);
		return VAPIC_OK;
	case VAPIC_SHORT_TIMER:
		timer_update(cpu);
		return VAPIC_OK;
	case VAPIC_SHORT_NOT:
		break;
	}
	return write_other(cpu, reg, value);
}

/**
 * forward_apic_write() - Linux writes to its APIC's page
 * @cpu: this CPU, forwarded
 * @offset: where in the page, a multiple of 16
 * @value: what
 */
void forward_apic_write(struct cpu *cpu, u32 offset, u32 value)
{
	if (!cpu->x2apic)
		write_register(cpu, offset / 16, value);
}

static int x2apic_msr(struct cpu *cpu, struct msr_access *a)
{
	u32 reg = a->index - MSR_REG_X2APIC;
	int result = VAPIC_GP;

	if (cpu->x2apic)
		result = a->write ? write_register(cpu, reg, a->value) :
			 vapic_read(&cpu->vapic, reg, hw_rdtsc(), &a->value);
	return result == VAPIC_OK ? 1 : -1;
}

static int deadline_msr(struct cpu *cpu, struct msr_access *a)
{
	struct vapic_effect e;

	if (!k_has(REGENT_FEAT_DEADLINE))
		return 0;
	if (a->write)
		vapic_write_deadline(&cpu->vapic, a->value, hw_rdtsc(), &e);
	else
		a->value = vapic_read_deadline(&cpu->vapic, hw_rdtsc());
	timer_update(cpu);
	return 1;
}

/**
 * forward_msr() - an access to an MSR that only a forwarded CPU has intercepted
 * @cpu: this CPU, forwarded
 * @a: the access; a read puts the value there
 *
 * The APIC stays on, in its mode and place: Linux changes that only at boot.
 *
 * Return: as backend_switched_msr().
 */
int forward_msr(struct cpu *cpu, struct msr_access *a)
{
	switch (a->index) {
	case MSR_REG_APIC_BASE:
		if (!a->write)
			return 0;
		return a->value == hw_rdmsr(a->index) ? 1 : -1;
	case MSR_REG_TSC_DEADLINE:
		return deadline_msr(cpu, a);
	}
	if (a->index - MSR_REG_X2APIC < 256)
		return x2apic_msr(cpu, a);
	return 0;
}
