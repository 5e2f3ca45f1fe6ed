// SPDX-License-Identifier: GPL-2.0-only
/*
 * K's own timer on a forwarded CPU: the local APIC's, one-shot, undivided, on
 * the vector that Linux gave. It is set to the earliest of what the CPU waits
 * for: Linux's virtual timer, the end of a slice (where the backend has no timer for
 * that), and the time at which a world wants to be woken. AMD APM volume 2, "APIC
 * Timer Operation".
 *
 * The APIC's clock is measured against the TSC, once for each CPU.
 */
#include <hw/asm.h>
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/k.h>
#include <regent/sched.h>

#define DIVIDE_BY_1	0xb
#define TIMER_MAX	0xffffffffu
#define RATIO_SHIFT	48		/* as in struct vapic */

#define CALIBRATE_US	50
#define BRACKETS	16		/* readings; the tightest one counts */

struct reading {
	u64 tsc;
	u32 count;
};

/* Somebody (an SMI, a hypervisor below) may come between the two clocks. */
static struct reading read_both(struct cpu *cpu)
{
	struct reading best = { 0, 0 };
	u64 width = ~0ull;
	int i;

	for (i = 0; i < BRACKETS; i++) {
		u64 before = hw_rdtsc();
		u32 count = apic_read(cpu, VAPIC_REG_CURRENT);
		u64 after = hw_rdtsc();

		if (after - before >= width)
			continue;
		width = after - before;
		best = (struct reading){ before + width / 2, count };
	}
	return best;
}

/**
 * timer_calibrate() - measure the APIC's clock, if that was not done yet
 * @cpu: this CPU, whose timer is K's: masked, and its count is lost
 *
 * Takes CALIBRATE_US the first time. Return: 0, or -REGENT_HC_EOPNOTSUPP when it
 * does not count.
 */
int timer_calibrate(struct cpu *cpu)
{
	u64 wait = (u64)k_params.tsc_khz * CALIBRATE_US / 1000;
	struct reading from, to;

	if (cpu->bus_ticks)
		return 0;
	/* In TSC-deadline mode it does not count. */
	apic_write(cpu, VAPIC_REG_TIMER,
		   apic_read(cpu, VAPIC_REG_TIMER) & ~VAPIC_TIMER_MODE);
	apic_write(cpu, VAPIC_REG_DIVIDE, DIVIDE_BY_1);
	apic_write(cpu, VAPIC_REG_INITIAL, TIMER_MAX);
	from = read_both(cpu);
	while (hw_rdtsc() - from.tsc < wait)
		hw_pause();
	to = read_both(cpu);
	apic_write(cpu, VAPIC_REG_INITIAL, 0);
	if (to.count >= from.count || to.tsc <= from.tsc)
		return -REGENT_HC_EOPNOTSUPP;
	if ((from.count - to.count) >> 16 >= to.tsc - from.tsc)
		return -REGENT_HC_EOPNOTSUPP;	/* more than a ratio can hold */
	cpu->bus_ticks = from.count - to.count;
	cpu->bus_tsc = to.tsc - from.tsc;
	return 0;
}

/**
 * timer_start() - the timer is K's from now on
 * @cpu: this CPU, calibrated, the virtual APIC loaded
 */
void timer_start(struct cpu *cpu)
{
	cpu->timer_at = VAPIC_NEVER;
	apic_write(cpu, VAPIC_REG_DIVIDE, DIVIDE_BY_1);
	apic_write(cpu, VAPIC_REG_TIMER, VAPIC_TIMER_ONESHOT | cpu->vector);
	timer_update(cpu);
}

/* Rounded up: an interrupt before its time would have to be waited for again. */
static u32 ticks_until(const struct cpu *cpu, u64 at)
{
	u64 now = hw_rdtsc();
	u64 ticks = 0;

	if (at > now)
		ticks = (unsigned __int128)(at - now) * cpu->vapic.ratio >> RATIO_SHIFT;
	return ticks < TIMER_MAX ? ticks + 1 : TIMER_MAX;
}

/**
 * timer_update() - set the timer to what comes first
 * @cpu: this CPU, forwarded
 */
void timer_update(struct cpu *cpu)
{
	u64 at = vapic_timer_deadline(&cpu->vapic);

	if (at > cpu->slice_end && !k_has(REGENT_FEAT_SLICE_TIMER))
		at = cpu->slice_end;
	if (at > cpu->alarm_at)
		at = cpu->alarm_at;
	if (at == cpu->timer_at)
		return;
	cpu->timer_at = at;
	apic_write(cpu, VAPIC_REG_INITIAL, at == VAPIC_NEVER ? 0 : ticks_until(cpu, at));
}

/**
 * timer_fired() - K's timer has interrupted
 * @cpu: this CPU, forwarded
 *
 * It may be a late one, or one of those that were needed to get to a time far
 * away: only the TSC tells what is due.
 */
void timer_fired(struct cpu *cpu)
{
	u64 now = hw_rdtsc();

	cpu->timer_at = VAPIC_NEVER;
	vapic_timer_fire(&cpu->vapic, now);
	sched_tick(cpu, now);
	timer_update(cpu);
}

/* It may have become due since vapic_timer_fire(): then it is due soon. */
static u32 count_left(const struct vapic *v, const struct vapic_left *left)
{
	if (!v->armed)
		return 0;
	if ((v->reg[VAPIC_REG_TIMER] & VAPIC_TIMER_MODE) == VAPIC_TIMER_PERIODIC)
		return v->reg[VAPIC_REG_INITIAL];
	return left->remaining ? left->remaining : 1;
}

/**
 * timer_stop() - K's timer raises nothing any more
 * @cpu: this CPU, forwarded
 *
 * What it has raised may be pending still. What is due for Linux is pending in
 * the virtual APIC afterwards.
 */
void timer_stop(struct cpu *cpu)
{
	apic_write(cpu, VAPIC_REG_TIMER, VAPIC_LVT_MASKED | cpu->vector);
	apic_write(cpu, VAPIC_REG_INITIAL, 0);
	vapic_timer_fire(&cpu->vapic, hw_rdtsc());
}

/**
 * timer_give_back() - Linux's timer is the physical one again
 * @cpu: this CPU, after timer_stop()
 * @left: what vapic_leave() said
 *
 * A periodic timer starts with a whole period: its phase is lost, because the
 * count cannot be set apart from the period.
 */
void timer_give_back(struct cpu *cpu, const struct vapic_left *left)
{
	const struct vapic *v = &cpu->vapic;

	apic_give_timer(cpu, v->reg[VAPIC_REG_DIVIDE], v->reg[VAPIC_REG_TIMER],
			count_left(v, left), v->armed ? v->deadline : 0);
}
