// SPDX-License-Identifier: GPL-2.0-only
/*
 * K's own timer on a forwarded CPU: the local APIC's timer, one-shot, undivided, on K's own
 * vector. K sets it to the earliest of three times: Linux's virtual timer, the end of a slice
 * (unless the backend has a timer for that), and the alarm of a world that sleeps. AMD APM
 * volume 2, "APIC Timer Operation".
 *
 * K measures the APIC's clock against the TSC, once for each CPU.
 */
#include <hw/asm.h>
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/k.h>

#define DIVIDE_BY_1	0xb
#define TIMER_MAX	0xffffffffu
#define RATIO_SHIFT	48		/* as in struct vapic */

#define CALIBRATE_US	50
#define BRACKETS	16		/* readings of both clocks; K uses the quickest */

struct reading {
	u64 tsc;
	u32 count;
};

/*
 * Read both clocks at the same time. An SMI or L0 may come in between, so take the reading that
 * was quickest.
 */
static struct reading read_clocks(struct cpu *cpu)
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
 * timer_calibrate() - measure the APIC's clock, unless K has done so before
 * @cpu: this CPU, whose timer is masked; the timer's count is lost
 *
 * It takes CALIBRATE_US the first time.
 *
 * Return: 0, or -REGENT_HC_EOPNOTSUPP: the timer does not count, or counts too fast.
 */
int timer_calibrate(struct cpu *cpu)
{
	u64 wait = (u64)k_params.tsc_khz * CALIBRATE_US / 1000;
	struct reading from, to;

	if (cpu->bus_ticks)
		return 0;
	/* In TSC-deadline mode the timer does not count: make it one-shot. */
	apic_write(cpu, VAPIC_REG_TIMER,
		   apic_read(cpu, VAPIC_REG_TIMER) & ~VAPIC_TIMER_MODE);
	apic_write(cpu, VAPIC_REG_DIVIDE, DIVIDE_BY_1);
	apic_write(cpu, VAPIC_REG_INITIAL, TIMER_MAX);
	from = read_clocks(cpu);
	while (hw_rdtsc() - from.tsc < wait)
		hw_pause();
	to = read_clocks(cpu);
	apic_write(cpu, VAPIC_REG_INITIAL, 0);
	if (to.count >= from.count || to.tsc <= from.tsc)
		return -REGENT_HC_EOPNOTSUPP;
	if ((from.count - to.count) >> 16 >= to.tsc - from.tsc)
		return -REGENT_HC_EOPNOTSUPP;	/* more than struct vapic's ratio holds */
	cpu->bus_ticks = from.count - to.count;
	cpu->bus_tsc = to.tsc - from.tsc;
	return 0;
}

/**
 * timer_start() - take the physical timer for K
 * @cpu: this CPU, after timer_calibrate(), with its virtual APIC loaded
 */
void timer_start(struct cpu *cpu)
{
	cpu->timer_at = VAPIC_NEVER;
	apic_write(cpu, VAPIC_REG_DIVIDE, DIVIDE_BY_1);
	apic_write(cpu, VAPIC_REG_TIMER, VAPIC_TIMER_ONESHOT | cpu->vector);
	timer_update(cpu);
}

/* Convert a TSC to a count. Round up, because after an early interrupt K would wait once more. */
static u32 ticks_until(const struct cpu *cpu, u64 at)
{
	u64 now = hw_rdtsc();
	u64 ticks = 0;

	if (at > now)
		ticks = (unsigned __int128)(at - now) * cpu->vapic.ratio >> RATIO_SHIFT;
	return ticks < TIMER_MAX ? ticks + 1 : TIMER_MAX;
}

/**
 * timer_update() - set K's timer to the earliest of the times that this CPU waits for
 * @cpu: this CPU, forwarded
 */
void timer_update(struct cpu *cpu)
{
	u64 at = vapic_timer_deadline(&cpu->vapic);

	/* The backend's timer counts in worlds only, not while K waits with none to run. */
	if (at > cpu->slice_end &&
	    (!k_has(REGENT_FEAT_SLICE_TIMER) || cpu->rq.curr == &cpu->idle))
		at = cpu->slice_end;
	if (at > cpu->alarm_at)
		at = cpu->alarm_at;
	if (at == cpu->timer_at)
		return;
	cpu->timer_at = at;
	apic_write(cpu, VAPIC_REG_INITIAL, at == VAPIC_NEVER ? 0 : ticks_until(cpu, at));
}

/**
 * timer_fired() - fire Linux's virtual timer if it is due, after an interrupt on K's vector
 * @cpu: this CPU, forwarded
 * @now: the current TSC
 *
 * The interrupt may be a kick, a late one of K's timer, or one of several that are needed to reach
 * a time far away, so only the TSC says what is due. The caller calls timer_update() next.
 */
void timer_fired(struct cpu *cpu, u64 now)
{
	cpu->timer_at = VAPIC_NEVER;
	vapic_timer_fire(&cpu->vapic, now);
}

/*
 * Linux's initial count. A one-shot timer may have become due since vapic_timer_fire(): it then
 * fires after one tick.
 */
static u32 count_left(const struct vapic *v, const struct vapic_left *left)
{
	if (!v->armed)
		return 0;
	if ((v->reg[VAPIC_REG_TIMER] & VAPIC_TIMER_MODE) == VAPIC_TIMER_PERIODIC)
		return v->reg[VAPIC_REG_INITIAL];
	return left->remaining ? left->remaining : 1;
}

/**
 * timer_stop() - stop K's timer
 * @cpu: this CPU, forwarded
 *
 * An interrupt that it has raised may still be pending. If Linux's virtual timer is due, its
 * interrupt is pending in the virtual APIC afterwards.
 */
void timer_stop(struct cpu *cpu)
{
	apic_write(cpu, VAPIC_REG_TIMER, VAPIC_LVT_MASKED | cpu->vector);
	apic_write(cpu, VAPIC_REG_INITIAL, 0);
	vapic_timer_fire(&cpu->vapic, hw_rdtsc());
}

/**
 * timer_give_back() - give the physical timer back to Linux
 * @cpu: this CPU, after timer_stop()
 * @left: filled in by vapic_leave()
 *
 * A periodic timer starts with a whole period. Its phase is lost, because the APIC has no way to
 * set the count without the period.
 */
void timer_give_back(struct cpu *cpu, const struct vapic_left *left)
{
	const struct vapic *v = &cpu->vapic;

	apic_give_timer(cpu, v->reg[VAPIC_REG_DIVIDE], v->reg[VAPIC_REG_TIMER],
			count_left(v, left), v->armed ? v->deadline : 0);
}
