/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A world: what K schedules. The system world of each processor, in which Linux
 * runs, and test worlds.
 */
#ifndef REGENT_WORLD_H
#define REGENT_WORLD_H

#include <regent/abi/types.h>
#include <regent/asid.h>
#include <regent/inbox.h>
#include <regent/policy.h>

struct cpu;

/**
 * struct world_regs - general registers while the world does not run
 *
 * The order is that of the pushes in the backend's enter.S, which checks it.
 * RSP, RIP and RFLAGS are the backend's.
 */
struct world_regs {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rbp, rdi, rsi, rdx, rcx, rbx;
	u64 link;		/* the backend's, popped and pushed with the rest */
	u64 rax;
};

/**
 * enum world_kind - what runs in a world
 * @WORLD_SYSTEM: Linux on one processor
 * @WORLD_TEST: a small guest of K's own, for tests
 */
enum world_kind { WORLD_SYSTEM, WORLD_TEST };

/**
 * enum world_state - what the scheduler may do with it
 * @WORLD_RUNNABLE: it could run, as far as it is concerned, or does
 * @WORLD_DEAD: it did something it must not, or is not built yet; kept until it is
 *	destroyed
 */
enum world_state { WORLD_RUNNABLE, WORLD_DEAD };

/* What any CPU may ask of a world's CPU. */
#define WORLD_ASK_WAKE	(1u << 0)
#define WORLD_ASK_STOP	(1u << 1)

/* Whose a world is: a CPU's number + 1, or */
#define WORLD_NOBODYS	0u
#define WORLD_MOVING	(~0u)

#define WORLD_MSRS	8	/* most registers of class REG_WORLD switched here */

/* What a switch from or to a world has to do that few need. */
#define AREA_UNSURE(i)	(1u << (i))	/* for each of @msr */
#define AREA_FXSAVE	(1u << 30)
#define AREA_DEBUGS	(1u << 31)

/**
 * struct world_state_area - what no entry or exit switches, only world_switch()
 * @rare: AREA_UNSURE: Linux may have changed that MSR, and K has not looked since, or
 *	it has another value than 0 and is not the first; AREA_FXSAVE: there is no
 *	XSAVE here; AREA_DEBUGS: another world than Linux has DR0 to DR3 of its own
 * @xcr0: which components of XSAVE the world has enabled
 * @dr: DR0 to DR3: Linux's while another world has its own in the processor, that
 *	one's while it has not
 * @msr: values of the MSRs in k_params.world_msr, 0 behind those
 * @xsave: the XSAVE area, standard format, k_params.xsave_size bytes
 *
 * What is Linux's may be live in the processor instead, where the switch can tell
 * that it is not needed: DR0 to DR3 as long as nobody touches them, who else would
 * exit, and MSRs whose writes exit.
 */
struct world_state_area {
	u32 rare;
	u64 xcr0;
	u64 dr[4];
	u64 msr[WORLD_MSRS];
	u8 *xsave;
};

/**
 * struct world - one schedulable entity
 * @regs: general registers; first, because enter.S stacks them here
 * @backend: pointer to the backend's control structure (SVM: the VMCB)
 * @backend_flags: a word of the backend's (SVM: clean bits of an unchanged VMCB)
 * @backend_host: what the backend needs to get back to K on this CPU
 * @kind: enum world_kind
 * @state: enum world_state; written by the CPU that runs it
 * @id: number, 0 for a system world
 * @cpu: CPU that it is on, or goes to; written by the one that gives it away
 * @asid: where it ran last, and under what number; not of a system world
 * @area: registers that only world_switch() moves
 * @nested_root: physical address of its memory region's nested table
 * @memory: its memory, K's address; NULL for Linux
 * @pages: number of pages there
 * @switches: how often it was switched in
 * @exits: how often another world than Linux came to K
 * @sched: its scheduling state, on no run queue where K does not schedule it
 * @waited: TSC ticks it could have run, but another one did
 * @ready_since: since when, while it waits
 * @alarm: when it waits for a time
 * @letter: goes to @cpu when there is something to look at
 * @asks: WORLD_ASK_*; written by all
 * @moving: let go of, and to be taken in by @cpu
 * @moves: how often it went from one CPU to another
 * @yielded: a test world: its last exit was a yield, so that it holds nothing
 *	but its pattern
 */
struct world {
	struct world_regs regs;
	void *backend;
	u64 backend_host;
	u32 backend_flags;
	u8 kind;
	u8 state;
	u16 id;
	u32 cpu;
	struct asid asid;
	struct world_state_area area;
	u64 nested_root;
	u8 *memory;
	u32 pages;
	u64 switches;
	u64 exits;
	struct sched_entity sched;
	u64 waited;
	u64 ready_since;
	struct tree_node alarm;
	struct letter letter;
	u32 asks;
	bool moving;
	u64 moves;
	bool yielded;
};

static inline struct world *world_of_letter(struct letter *l)
{
	return (struct world *)((char *)l - offsetof(struct world, letter));
}

struct world *world_exit(struct world *world);

/* world/info.c */
s64 world_info(u64 id, u64 what);

/* world/switch.c */
int world_area_init(struct world *world);
void world_area_free(struct world *world);
void world_forget_msrs(struct world *host);
void world_msr_written(struct world *host, u32 index);
void world_debugs(struct cpu *cpu, struct world *world);
s64 world_switch_part(struct cpu *cpu, u64 part);
struct world *world_switch(struct cpu *cpu, struct world *to);

/* world/test.c */
s64 test_world_create(struct cpu *cpu, u64 mode);
s64 test_world_destroy(struct cpu *cpu, u64 id);
s64 test_world_allow(struct cpu *cpu, u64 id, bool on);
s64 test_world_nap(struct cpu *cpu, u64 id, u64 how);
s64 test_world_wake(struct cpu *cpu, u64 id);
s64 test_world_info(u64 id, u64 what);
s64 test_world_start(struct cpu *cpu, u64 id, u64 weights);
s64 test_world_stop(struct cpu *cpu, u64 id);
void test_world_stop_all(struct cpu *cpu);
void test_world_forget_all(struct cpu *cpu);
struct world *test_world_find(const struct cpu *cpu, u64 id);
struct world *test_world_claim(struct cpu *cpu, u64 id);
void test_lock_break(const struct cpu *cpu);
struct world *test_world_borrow(struct cpu *cpu, u64 id);
const struct world *test_world_hold(u64 id);
void test_world_let_go(void);
bool test_world_scheduled_exit(struct cpu *cpu, struct world *world);
struct world *test_world_exit(struct cpu *cpu, struct world *world);

void world_give(const struct world *world, u32 owner);
bool world_is_mine(const struct cpu *cpu, const struct world *world);

/* world/damage.c */
extern u32 damage_item;
s64 damage_choose(u64 item, u64 side);
void damage(const struct world *from, struct world *to);
void damage_fault(const struct world *to);

#endif
