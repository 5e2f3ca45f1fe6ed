/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The switch from one world to another on a CPU:
 *
 *	save the current world's state	general registers by enter.S, what VMRUN
 *					and VMLOAD move by them, the rest here
 *	exceptions off			since the exit: GIF is clear
 *	load the next world's state	the rest here, the others by enter.S
 *	enter, exceptions on		VMRUN sets GIF
 *
 * K itself uses none of the registers handled here, so that they stay the
 * current world's over any number of exits.
 *
 * Private to src/world/: inline, so that the exits that switch most often call
 * nothing and save no register.
 */
#ifndef WORLD_SWITCH_H
#define WORLD_SWITCH_H

#include <hw/asm.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/world.h>

#define MSR_PRED_CMD	0x49
#define PRED_CMD_IBPB	1
#define MSR_FLUSH_CMD	0x10b
#define FLUSH_CMD_L1D	1

struct world *world_switch_slow(struct cpu *cpu, struct world *to)
	__attribute__((noinline));

/* Afterwards XCR0 has everything enabled. XSETBV of another world exits: K knows. */
static inline void switch_save_xsave(struct cpu *cpu, struct world *w, bool host)
{
	struct world_state_area *a = &w->area;

	if (host)
		a->xcr0 = hw_xgetbv();
	if (unlikely(a->xcr0 != k_params.xcr0_all))
		hw_xsetbv(k_params.xcr0_all);
	hw_xsave(a->xsave);
	cpu->costs[REGENT_COST_XSAVE] += 2;	/* and XRSTOR */
}

static inline void switch_load_xsave(const struct world *w)
{
	hw_xrstor(w->area.xsave);
	if (unlikely(w->area.xcr0 != k_params.xcr0_all))
		hw_xsetbv(w->area.xcr0);
}

/* A WRMSR costs more than a comparison. */
static inline void switch_msr(struct cpu *cpu, const struct world *from,
			      const struct world *to, u32 i)
{
	if (to->area.msr[i] == from->area.msr[i])
		return;
	cpu->costs[REGENT_COST_WRMSR]++;
	hw_wrmsr(k_params.world_msr[i], to->area.msr[i]);
}

/* Intel's: what was used lately can be read by who should not. */
static inline void switch_clear_data(u32 by, bool to_host)
{
	static const u16 writable = REGENT_SEL_SS;

	/* Linux may read all memory but K's, which has no secrets; others may not. */
	if ((by & REGENT_MITIGATE_L1D) && !to_host)
		hw_wrmsr(MSR_FLUSH_CMD, FLUSH_CMD_L1D);
	if (by & REGENT_MITIGATE_BUFFERS)
		hw_verw(&writable);
}

/*
 * Nothing that the one owner trained steers the other. The call is made by hand
 * so that the compiler need not save what it does not touch.
 */
static inline void switch_mitigate(struct cpu *cpu, bool to_host)
{
	u32 by = k_params.mitigations;

	if (unlikely(by & (REGENT_MITIGATE_BUFFERS | REGENT_MITIGATE_L1D)))
		switch_clear_data(by, to_host);

	if (by & REGENT_MITIGATE_IBPB) {
		cpu->costs[REGENT_COST_IBPB]++;
		hw_wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
	}
	if (by & REGENT_MITIGATE_RSB)
		asm volatile("call rsb_fill" : : : "memory");
}

/* Everything else only world_switch_slow() does. */
static inline bool switch_is_plain(const struct cpu *cpu, const struct world *from,
				   const struct world *to)
{
	return likely(!(from->area.rare | to->area.rare | damage_item)) &&
	       (to == &cpu->system || likely(asid_valid(&cpu->asids, &to->asid)));
}

/* See world_switch(). */
static inline struct world *__attribute__((always_inline))
switch_plain(struct cpu *cpu, struct world *from, struct world *to)
{
	switch_save_xsave(cpu, from, from == &cpu->system);
	backend_switch(cpu, from, to);
	switch_mitigate(cpu, to == &cpu->system);
	/* Should K fault from here on, Linux has to get its own back from memory. */
	if (to != &cpu->system)
		cpu->current = to;
	switch_load_xsave(to);
	switch_msr(cpu, from, to, 0);
	to->switches++;
	if (to == &cpu->system)
		cpu->current = to;
	return to;
}

#endif
