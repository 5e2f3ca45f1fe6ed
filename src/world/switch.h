/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The switch from one world to another on a CPU (SVM's words; VMX does the same with a VMCS):
 *
 *	save the current world's state	enter.S saves the general registers, VMRUN and
 *					VMSAVE what is in the VMCB, this code the rest
 *	exceptions off			since the exit: GIF is clear
 *	load the next world's state	this code loads the rest, enter.S all others
 *	enter, exceptions on		VMRUN sets GIF
 *
 * K itself uses none of the registers that this code moves, so that they stay the current
 * world's over any number of exits.
 *
 * Private to src/world/, and inline, so that the exits that switch most often call no function
 * and save no register.
 */
#ifndef WORLD_SWITCH_H
#define WORLD_SWITCH_H

#include <hw/asm.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/test.h>
#include <regent/world.h>

#define MSR_PRED_CMD	0x49
#define PRED_CMD_IBPB	1
#define MSR_FLUSH_CMD	0x10b
#define FLUSH_CMD_L1D	1

struct world *world_switch_slow(struct cpu *cpu, struct world *to)
	__attribute__((noinline));

/*
 * Afterwards XCR0 has everything enabled. Only Linux's own XCR0 (@host) has to be read, because
 * XSETBV of any other world exits.
 */
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

/* With everything enabled in XCR0, as switch_save_xsave() leaves it. */
static inline void switch_load_xsave(const struct world *w)
{
	hw_xrstor(w->area.xsave);
	if (unlikely(w->area.xcr0 != k_params.xcr0_all))
		hw_xsetbv(w->area.xcr0);
}

/* Write MSR @i, if the next world has another value there: WRMSR costs more than a comparison. */
static inline void switch_msr(struct cpu *cpu, const struct world *from,
			      const struct world *to, u32 i)
{
	if (to->area.msr[i] == from->area.msr[i])
		return;
	cpu->costs[REGENT_COST_WRMSR]++;
	hw_wrmsr(k_params.world_msr[i], to->area.msr[i]);
}

/* Intel's flaws (L1TF, MDS): a world could read what another one has left in cache or buffers. */
static inline void switch_clear_data(u32 by, bool to_host)
{
	static const u16 writable = REGENT_SEL_SS;

	/* Not for Linux, which may read all memory but K's, and K's has no secrets. */
	if ((by & REGENT_MITIGATE_L1D) && !to_host)
		hw_wrmsr(MSR_FLUSH_CMD, FLUSH_CMD_L1D);
	if (by & REGENT_MITIGATE_BUFFERS)
		hw_verw(&writable);
}

/*
 * A world other than Linux may have trained the branch predictors: keep that from the world
 * after it, Linux or not. After Linux nothing is done, because worlds trust Linux as a VM
 * trusts its KVM host: Linux could load another kernel anyway. rsb_fill is called in assembly
 * so that the compiler saves none of the registers that it leaves alone.
 */
static inline void switch_mitigate(struct cpu *cpu, bool from_host, bool to_host)
{
	u32 by = k_params.mitigations;

	if (unlikely(by & (REGENT_MITIGATE_BUFFERS | REGENT_MITIGATE_L1D)))
		switch_clear_data(by, to_host);
	if (from_host)
		return;
	if (by & REGENT_MITIGATE_IBPB) {
		cpu->costs[REGENT_COST_IBPB]++;
		hw_wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
	}
	if (by & REGENT_MITIGATE_RSB)
		asm volatile("call rsb_fill" : : : "memory");
}

/* Does this switch need nothing that only world_switch_slow() does? @to is Linux. */
static inline bool switch_is_plain(const struct world *from, const struct world *to)
{
	return likely(!(from->area.rare | to->area.rare | damage_item));
}

/*
 * The same to a world other than Linux, which needs a valid address space identifier here. For
 * Linux this is false: asid_valid() never holds for the host world.
 */
static inline bool switch_is_plain_to(const struct cpu *cpu, const struct world *from,
				      const struct world *to)
{
	return switch_is_plain(from, to) && likely(asid_valid(&cpu->asids, &to->asid));
}

/* world_switch() where switch_is_plain() or switch_is_plain_to() says so. */
static inline struct world *__attribute__((always_inline))
switch_plain(struct cpu *cpu, struct world *from, struct world *to)
{
	switch_save_xsave(cpu, from, from == &cpu->host);
	backend_save(from);
	/* If K faults from here on, world_recover() has to load Linux's state from memory. */
	if (to != &cpu->host)
		cpu->current = to;
	backend_switch(cpu, from, to);
	switch_mitigate(cpu, from == &cpu->host, to == &cpu->host);
	switch_load_xsave(to);
	switch_msr(cpu, from, to, 0);
	to->switches++;
	if (to == &cpu->host)
		cpu->current = to;
	return to;
}

#endif
