/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the rest of K asks of SVM or VMX. Linked in, never called through a
 * pointer: an image holds one backend. Everything runs on the CPU that owns
 * the world, with interrupts held off (SVM: GIF clear).
 *
 * The world is the CPU's current one (world_switch()): VMX has only that one's
 * registers at hand. backend_cpl(), backend_flag_if(), backend_in_shadow(),
 * backend_interruptible() and backend_intercept_idle() also take Linux's when it is
 * not.
 */
#ifndef REGENT_BACKEND_H
#define REGENT_BACKEND_H

#include <regent/abi/hypercall.h>
#include <regent/ptab.h>

struct cpu;
struct decode_regs;
struct world;

/**
 * struct nested_fault - a world touched what its nested table does not allow
 * @pa: the world's physical address
 * @present: there is an entry, it does not allow this
 * @write: a write
 * @fetch: an instruction fetch
 */
struct nested_fault {
	u64 pa;
	bool present;
	bool write;
	bool fetch;
};

/**
 * struct msr_access - an intercepted RDMSR or WRMSR
 * @index: MSR number
 * @write: WRMSR
 * @value: what is written
 */
struct msr_access {
	u32 index;
	bool write;
	u64 value;
};

/**
 * enum backend_world_exit - why a world other than Linux exited
 * @BACKEND_WORLD_YIELD: it made a hypercall
 * @BACKEND_WORLD_HALT: it has nothing to do
 * @BACKEND_WORLD_INTERRUPT: something arrived for Linux
 * @BACKEND_WORLD_SLICE: its time is over
 * @BACKEND_WORLD_DEBUG: it touched a debug register, for the first and last time:
 *	world_debugs()
 * @BACKEND_WORLD_MC: a machine check: it is Linux's
 * @BACKEND_WORLD_FAILED: anything else: it is not to run any more
 */
enum backend_world_exit {
	BACKEND_WORLD_YIELD, BACKEND_WORLD_HALT, BACKEND_WORLD_INTERRUPT,
	BACKEND_WORLD_SLICE, BACKEND_WORLD_DEBUG, BACKEND_WORLD_MC, BACKEND_WORLD_FAILED
};

#define BACKEND_NO_ERROR_CODE	(~0u)

/* Life of a CPU */
void backend_cpu_init(struct cpu *cpu, u64 from);
void backend_resume(struct world *world) __attribute__((noreturn));
struct world *backend_enter(struct world *world);
void backend_leave(struct cpu *cpu, u64 result) __attribute__((noreturn));

/* What happened */
enum regent_exit_reason backend_exit_reason(const struct world *world);
void backend_exit_describe(const struct world *world);
bool backend_entry_failed(const struct world *world);
bool backend_is_hypercall(const struct world *world);
bool backend_is_shutdown(const struct world *world);
void backend_settle(struct world *world);
bool backend_answer(struct cpu *cpu, struct world *world);
void backend_control(struct world *world);
void backend_nested_fault(const struct world *world, struct nested_fault *f);
bool backend_touched(const struct world *world, u64 page, u32 *offset);
void backend_msr_access(const struct world *world, struct msr_access *a);

/* The world's registers that struct world_regs does not have */
u64 backend_rip(const struct world *world);
int backend_cpl(const struct world *world);
void backend_paging(const struct world *world, struct ptab *pt);
u64 backend_code_address(const struct world *world);
int backend_switched_msr(struct world *world, struct msr_access *a);

/* Its memory */
const struct nested_kind *backend_nested(void);

/* What happens next */
bool backend_skip(struct world *world);
void backend_skip_hypercall(struct world *world);
void backend_inject(struct world *world, u8 vector, u32 error);
void backend_retry_event(struct world *world);
bool backend_event_queued(const struct world *world);
void backend_flush(struct world *world);

/* Interrupts of a forwarded CPU */
int backend_take_interrupt(void);
int backend_idle(void);
void backend_intercept_idle(struct world *world, bool on);
void backend_slice(struct world *world, u64 end);
void backend_forward(struct world *world, bool on);
bool backend_interruptible(const struct world *world);
bool backend_in_shadow(const struct world *world);
bool backend_flag_if(const struct world *world);
bool backend_undisturbed(const struct world *world, u8 tpr);
void backend_window(struct world *world, bool wanted);
void backend_inject_interrupt(struct world *world, u8 vector);
void backend_inject_nmi(struct world *world);
u8 backend_tpr(const struct world *world);
void backend_set_tpr(struct world *world, u8 tpr);

/* Emulation */
int backend_decode_mode(const struct world *world);
int backend_code_bytes(const struct world *world, u8 *code);
int backend_code_words(const struct world *world, u64 code[2]);
u64 *backend_reg(struct world *world, int number);
void backend_advance(struct world *world, int length);
void backend_get_regs(const struct world *world, struct decode_regs *r);
void backend_put_regs(struct world *world, const struct decode_regs *r);

/* Worlds of K's own */
int backend_world_create(struct cpu *cpu, struct world *world, u64 mode);
void backend_world_destroy(struct world *world);
void backend_world_here(struct cpu *cpu, struct world *world);
void backend_switch(struct cpu *cpu, struct world *from, struct world *to);
enum backend_world_exit backend_world_exit(const struct world *world);
void backend_world_debugs(struct world *world);
bool backend_world_yields(const struct world *world);
void backend_damage(struct world *world, u64 item);
bool backend_outer_call(struct world *world);

#endif
