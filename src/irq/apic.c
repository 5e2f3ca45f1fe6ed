// SPDX-License-Identifier: GPL-2.0-only
/*
 * The physical local APIC, in xAPIC mode (a page) or x2APIC mode (MSRs). AMD APM
 * volume 2, "Advanced Programmable Interrupt Controller" and "x2APIC"; Intel SDM
 * volume 3, "Extended XAPIC (x2APIC)" and "TSC-Deadline Mode".
 */
#include <hw/asm.h>
#include <regent/abi/msrtab.h>
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/k.h>

#define ICR_PENDING	(1u << 12)
#define LVT_COUNT(version)	(((version) >> 16 & 0xff) + 1)
#define EXT_LVT_COUNT(feature)	((feature) >> 16 & 0xff)

/* Reads of a busy ICR before K goes on. Delivery takes a few bus cycles; an APIC may be stuck. */
#define ICR_WAIT	100000

static inline volatile u32 *apic_reg(struct cpu *cpu, u32 reg)
{
	(void)cpu;
	return (volatile u32 *)(REGENT_VA_APIC + reg * 16ull);
}

/**
 * apic_usable() - is the APIC on, and where it was at the takeover?
 * @cpu: this CPU
 *
 * Note the APIC's mode in @cpu->x2apic. While the APIC is K's, Linux cannot change the mode.
 *
 * Return: true when K can use the APIC.
 */
bool apic_usable(struct cpu *cpu)
{
	u64 base = hw_rdmsr(MSR_REG_APIC_BASE);

	cpu->x2apic = base & VAPIC_BASE_X2APIC;
	return (base & VAPIC_BASE_ENABLE) &&
	       (base & 0x000ffffffffff000ull) == k_params.apic_base;
}

/**
 * apic_read() - read a register of the physical APIC
 * @cpu: this CPU
 * @reg: the register, VAPIC_REG_*
 *
 * Return: its value.
 */
u32 apic_read(struct cpu *cpu, u32 reg)
{
	if (cpu->x2apic)
		return hw_rdmsr(MSR_REG_X2APIC + reg);
	return *apic_reg(cpu, reg);
}

/**
 * apic_write() - write a register of the physical APIC
 * @cpu: this CPU
 * @reg: the register, VAPIC_REG_*
 * @value: the new value
 */
void apic_write(struct cpu *cpu, u32 reg, u32 value)
{
	if (cpu->x2apic)
		hw_wrmsr(MSR_REG_X2APIC + reg, value);
	else
		*apic_reg(cpu, reg) = value;
}

/* MFENCE orders a write of the LVT in the APIC's page before the write of this MSR. */
static void set_deadline(u64 tsc)
{
	hw_mfence();
	hw_wrmsr(MSR_REG_TSC_DEADLINE, tsc);
}

/**
 * apic_give_timer() - load the physical timer with Linux's state
 * @cpu: this CPU
 * @divide: Linux's divide register
 * @lvt: Linux's LVT, which has the mode
 * @count: initial count in timer ticks; not used in TSC-deadline mode
 * @deadline: in TSC-deadline mode, the TSC at which the timer fires; 0 disarms it, and a TSC that
 *	has passed makes it fire at once
 */
void apic_give_timer(struct cpu *cpu, u32 divide, u32 lvt, u32 count, u64 deadline)
{
	apic_write(cpu, VAPIC_REG_DIVIDE, divide);
	apic_write(cpu, VAPIC_REG_TIMER, lvt);
	if (lvt & VAPIC_TIMER_DEADLINE)
		set_deadline(deadline);
	else
		apic_write(cpu, VAPIC_REG_INITIAL, count);
}

/**
 * apic_bit() - read a vector's bit in IRR, ISR or TMR
 * @cpu: this CPU
 * @array: the first of the eight registers: VAPIC_REG_IRR, _ISR or _TMR
 * @vector: the vector
 *
 * Return: true when the bit is set.
 */
bool apic_bit(struct cpu *cpu, u32 array, u8 vector)
{
	return apic_read(cpu, array + vector / 32) >> vector % 32 & 1;
}

/**
 * apic_sent() - wait until the APIC has sent the last interprocessor interrupt
 * @icr: the lower half of ICR in the APIC's page (xAPIC mode)
 *
 * Give up after ICR_WAIT reads.
 */
void apic_sent(const volatile u32 *icr)
{
	int i;

	for (i = 0; i < ICR_WAIT && (*icr & ICR_PENDING); i++)
		hw_pause();
}

/**
 * apic_send_x2apic() - send an interprocessor interrupt in x2APIC mode
 * @to: destination, a 32-bit APIC id
 * @icr: command: the lower half of ICR
 *
 * The fences make other CPUs see all earlier stores first, because a write of this MSR does not
 * wait for them.
 */
void apic_send_x2apic(u32 to, u32 icr)
{
	hw_mfence();
	hw_lfence();
	hw_wrmsr(MSR_REG_X2APIC_ICR, (u64)to << 32 | icr);
}

/**
 * apic_send() - send an interprocessor interrupt
 * @cpu: this CPU, forwarded: ICR is K's
 * @icr2: destination: the upper half of ICR, in the format of the APIC's mode
 * @icr: command: the lower half of ICR
 */
void apic_send(struct cpu *cpu, u32 icr2, u32 icr)
{
	if (cpu->x2apic) {
		apic_send_x2apic(icr2, icr);
		return;
	}
	apic_sent(apic_reg(cpu, VAPIC_REG_ICR));
	apic_write(cpu, VAPIC_REG_ICR2, icr2);
	apic_write(cpu, VAPIC_REG_ICR, icr);
}

/**
 * apic_ring() - send an interprocessor interrupt to one CPU
 * @cpu: this CPU, forwarded: ICR is K's
 * @apic_id: APIC id of the receiver
 * @icr: command: the lower half of ICR
 */
void apic_ring(struct cpu *cpu, u32 apic_id, u32 icr)
{
	apic_send(cpu, cpu->x2apic ? apic_id : apic_id << 24, icr);
}

/* Registers that every APIC has, and that have no side effect when read. */
static const u8 plain_regs[] = {
	VAPIC_REG_ID, VAPIC_REG_VERSION, VAPIC_REG_TPR, VAPIC_REG_LDR, VAPIC_REG_SVR,
	VAPIC_REG_ESR, VAPIC_REG_LINT0, VAPIC_REG_LINT1, VAPIC_REG_ERROR,
};

/* Registers that differ by mode: x2APIC mode has no DFR, and ICR is one register of 64 bits. */
static void read_by_mode(struct cpu *cpu, u32 *reg)
{
	u64 icr;

	if (cpu->x2apic) {
		icr = hw_rdmsr(MSR_REG_X2APIC_ICR);
		reg[VAPIC_REG_ICR] = icr;
		reg[VAPIC_REG_ICR2] = icr >> 32;
		return;
	}
	reg[VAPIC_REG_DFR] = apic_read(cpu, VAPIC_REG_DFR);
	reg[VAPIC_REG_ICR] = apic_read(cpu, VAPIC_REG_ICR);
	reg[VAPIC_REG_ICR2] = apic_read(cpu, VAPIC_REG_ICR2);
}

static void read_optional(struct cpu *cpu, u32 *reg)
{
	u32 count = LVT_COUNT(reg[VAPIC_REG_VERSION]);
	u32 i;

	if (count > 4)
		reg[VAPIC_REG_PERF] = apic_read(cpu, VAPIC_REG_PERF);
	if (count > 5)
		reg[VAPIC_REG_THERMAL] = apic_read(cpu, VAPIC_REG_THERMAL);
	if (count > 6)
		reg[VAPIC_REG_CMCI] = apic_read(cpu, VAPIC_REG_CMCI);
	if (!(reg[VAPIC_REG_VERSION] & VAPIC_VERSION_EXTENDED))
		return;
	reg[VAPIC_REG_EXT_FEATURE] = apic_read(cpu, VAPIC_REG_EXT_FEATURE);
	reg[VAPIC_REG_EXT_CONTROL] = apic_read(cpu, VAPIC_REG_EXT_CONTROL);
	for (i = 0; i < EXT_LVT_COUNT(reg[VAPIC_REG_EXT_FEATURE]) && i < 4; i++)
		reg[VAPIC_REG_EXT_LVT + i] = apic_read(cpu, VAPIC_REG_EXT_LVT + i);
}

/*
 * Read the timer before all else, and mask it: if it expires in between, its interrupt is in IRR,
 * which is read later.
 * Return: the TSC at which the count was read.
 */
static u64 take_timer(struct cpu *cpu, struct vapic_snapshot *s)
{
	u64 now;

	s->reg[VAPIC_REG_TIMER] = apic_read(cpu, VAPIC_REG_TIMER);
	s->has_deadline = k_has(REGENT_FEAT_DEADLINE);
	if (s->has_deadline)
		s->deadline = hw_rdmsr(MSR_REG_TSC_DEADLINE);
	s->reg[VAPIC_REG_CURRENT] = apic_read(cpu, VAPIC_REG_CURRENT);
	now = hw_rdtsc();
	s->reg[VAPIC_REG_INITIAL] = apic_read(cpu, VAPIC_REG_INITIAL);
	s->reg[VAPIC_REG_DIVIDE] = apic_read(cpu, VAPIC_REG_DIVIDE);
	apic_write(cpu, VAPIC_REG_TIMER, s->reg[VAPIC_REG_TIMER] | VAPIC_LVT_MASKED);
	/*
	 * A count that has just reached 0 may not have raised its interrupt yet, and the mask then
	 * suppresses it. Count the timer as due: an interrupt too many is better than none.
	 */
	if (!(s->reg[VAPIC_REG_TIMER] & (VAPIC_LVT_MASKED | VAPIC_TIMER_MODE)) &&
	    s->reg[VAPIC_REG_INITIAL] && !s->reg[VAPIC_REG_CURRENT])
		s->reg[VAPIC_REG_CURRENT] = 1;
	return now;
}

/**
 * apic_snapshot() - read all registers of the physical APIC, and mask its timer
 * @cpu: this CPU, whose APIC is usable
 * @s: filled in, except the clocks' frequencies
 *
 * Return: the TSC at which the timer's count was read.
 */
u64 apic_snapshot(struct cpu *cpu, struct vapic_snapshot *s)
{
	u64 now;
	u32 i;

	*s = (struct vapic_snapshot){ .base = hw_rdmsr(MSR_REG_APIC_BASE) };
	now = take_timer(cpu, s);
	for (i = 0; i < sizeof(plain_regs); i++)
		s->reg[plain_regs[i]] = apic_read(cpu, plain_regs[i]);
	for (i = 0; i < 8; i++) {
		s->reg[VAPIC_REG_ISR + i] = apic_read(cpu, VAPIC_REG_ISR + i);
		s->reg[VAPIC_REG_TMR + i] = apic_read(cpu, VAPIC_REG_TMR + i);
		s->reg[VAPIC_REG_IRR + i] = apic_read(cpu, VAPIC_REG_IRR + i);
	}
	read_by_mode(cpu, s->reg);
	read_optional(cpu, s->reg);
	s->id = cpu->x2apic ? s->reg[VAPIC_REG_ID] : s->reg[VAPIC_REG_ID] >> 24;
	return now;
}
