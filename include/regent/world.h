/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A world is what K schedules: the host world of each processor, in which Linux runs, vCPUs
 * of virtual machines, and test worlds.
 */
#ifndef REGENT_WORLD_H
#define REGENT_WORLD_H

#include <regent/abi/types.h>
#include <regent/asid.h>
#include <regent/bits.h>
#include <regent/mailbox.h>
#include <regent/policy.h>

struct cpu;

/**
 * struct world_regs - general registers while the world does not run
 * @r15: R15
 * @r14: R14
 * @r13: R13
 * @r12: R12
 * @r11: R11
 * @r10: R10
 * @r9: R9
 * @r8: R8
 * @rbp: RBP
 * @rdi: RDI
 * @rsi: RSI
 * @rdx: RDX
 * @rcx: RCX
 * @rbx: RBX
 * @link: a word of the backend's, which it pops and pushes with the registers (SVM: the
 *	physical address of the VMCB)
 * @rax: RAX
 *
 * The order is that of the pushes in the backend's enter.S, which checks it. The backend
 * has RSP, RIP and RFLAGS in its control structure.
 */
struct world_regs {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rbp, rdi, rsi, rdx, rcx, rbx;
	u64 link;
	u64 rax;
};

/**
 * enum world_kind - what runs in a world
 * @WORLD_HOST: Linux on one processor
 * @WORLD_TEST: a small guest of K's own, for tests
 * @WORLD_VM: a vCPU of a virtual machine
 * @WORLD_KINDS: number of kinds
 */
enum world_kind { WORLD_HOST, WORLD_TEST, WORLD_VM, WORLD_KINDS };

/**
 * enum world_state - may the scheduler run a world?
 * @WORLD_RUNNABLE: yes; whether it waits is for the scheduler to know
 * @WORLD_DEAD: no: the world did something forbidden, or is not built yet; K keeps it until
 *	it is destroyed
 */
enum world_state { WORLD_RUNNABLE, WORLD_DEAD };

/* Bits of struct world.asks: requests of any CPU to the CPU that owns the world */
#define WORLD_ASK_WAKE	(1u << 0)
#define WORLD_ASK_STOP	(1u << 1)

/* Owners of a world: a CPU's number + 1, or one of these */
#define WORLD_NOBODYS	0u
#define WORLD_MOVING	(~0u)

#define WORLD_MSRS	8	/* most MSRs of class REG_WORLD that K switches */

/* Bits of struct world_state_area.rare: work that few switches need */
#define AREA_UNSURE(i)	(1u << (i))	/* for MSR i of @msr */
#define AREA_FXSAVE	(1u << 30)
#define AREA_DEBUGS	(1u << 31)

/**
 * struct world_state_area - the registers that only world_switch() moves
 * @rare: AREA_*. AREA_UNSURE(i): K does not know the MSR's value, because Linux may have
 *	changed it since K has read it, or the value is not 0 and the MSR is not the first;
 *	AREA_FXSAVE: the machine has no XSAVE; AREA_DEBUGS: a world other than Linux has
 *	DR0 to DR3 of its own
 * @xcr0: the XSAVE components that the world has enabled
 * @dr: DR0 to DR3 while they are not in the processor: Linux's while another world has its
 *	own there, that world's otherwise
 * @msr: values of the MSRs in k_params.world_msr; 0 in the rest
 * @xsave: the XSAVE area in standard format, k_params.xsave_size bytes
 *
 * Linux's values may stay in the processor where the switch can tell that no other world
 * needs the register: DR0 to DR3 until another world accesses them, which makes an exit, and
 * MSRs whose writes exit.
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
 * @regs: general registers; first, because enter.S pushes them here
 * @backend: the backend's control structure (SVM: the VMCB; VMX: struct vmx_block)
 * @backend_host: what the backend needs to get back to K on this CPU (SVM: physical address
 *	of the host VMCB)
 * @backend_flags: a word of the backend's (SVM: clean bits of an unchanged VMCB)
 * @backend_dirty: the next entry uses something up that the exit after it has to undo
 * @kind: enum world_kind
 * @state: enum world_state; written by the CPU that runs the world
 * @id: number of the world, 0 for a host world
 * @cpu: CPU that the world is on or moves to; written by the CPU that gives the world away
 * @asid: address space identifier, and the CPU that gave it; not used for a host world
 * @area: registers that only world_switch() moves
 * @npt_root: physical address of the top nested table (NPT, EPT) of its memory
 * @allowed: bit N is set when the world may run on CPU N; memory of its kind's; NULL for
 *	Linux
 * @memory: K's address of the world's memory (of a vCPU, its struct vcpu); NULL for Linux, and
 *	while it is being built
 * @switches: number of times that the world was switched in
 * @exits: number of exits, of a world other than Linux
 * @sched: scheduling state; on no run queue while K does not schedule the world
 * @waited: TSC ticks during which the world was runnable while another world ran
 * @ready_since: TSC since which the world waits for the CPU
 * @alarm: node in cpu->alarms, while the world waits for a point in time
 * @request: the request that goes to the mailbox of @cpu when @asks or @moving has changed
 * @asks: WORLD_ASK_*; all CPUs write it
 * @moving: the old CPU has let the world go, and @cpu has to attach it
 * @scheduled: K schedules the world: it is on a run queue, or moves to one; all CPUs read it
 * @next: next world in cpu->worlds
 * @link: the pointer in that list that points to this world; NULL while in no list
 * @moves: number of times that the world went from one CPU to another
 * @yielded: a test world: its last exit was a yield, so that its registers hold only its
 *	pattern
 */
struct world {
	struct world_regs regs;
	void *backend;
	u64 backend_host;
	u32 backend_flags;
	bool backend_dirty;
	u8 kind;
	u8 state;
	u16 id;
	u32 cpu;
	struct asid asid;
	struct world_state_area area;
	u64 npt_root;
	u64 *allowed;
	u8 *memory;
	u64 switches;
	u64 exits;
	struct sched_entity sched;
	u64 waited;
	u64 ready_since;
	struct tree_node alarm;
	struct request request;
	u32 asks;
	bool moving;
	bool scheduled;
	struct world *next;
	struct world **link;
	u64 moves;
	bool yielded;
};

static inline struct world *world_of_request(struct request *r)
{
	return container_of(r, struct world, request);
}

/* world/run.c: the entry points of exits */
struct world *world_exit(struct world *world);
struct world *world_exit_vcpu(struct world *world);

/* world/switch.c */
void world_msr_written(struct world *host, u32 index);
void world_debugs(struct cpu *cpu, struct world *world);
s64 world_switch_part(struct cpu *cpu, u64 part);
struct world *world_switch(struct cpu *cpu, struct world *to);

/* world/mode.c */
int mode_forward(struct cpu *cpu, u64 vector);
int mode_direct(struct cpu *cpu, bool anyway);

/* world/info.c */
s64 world_info(u64 id, u64 what);

/* world/hypercall.c */
bool hypercall(struct cpu *cpu, struct world *world);

/* world/recover.c */
void world_recover(struct cpu *cpu) __attribute__((noreturn));

#endif
