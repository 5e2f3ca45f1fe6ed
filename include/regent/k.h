/* SPDX-License-Identifier: GPL-2.0-only */
/* What every file of K may use: parameters, log, events, guarded accesses. */
#ifndef REGENT_K_H
#define REGENT_K_H

#include <regent/abi/handoff.h>

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

struct cpu;
struct world;

extern const struct regent_params k_params;
extern const char k_idt[];
extern const char k_image_start[], k_text_end[], k_rodata_end[];

static inline bool k_has(u32 feature)
{
	return k_params.features & feature;
}

/* lib/log.c: K's last words, see struct regent_shared */
void log_text(const char *text);
void log_hex(const char *name, u64 value);
void event_post(u32 type, u64 a, u64 b);

/* cpu/guarded.S: accesses that may fault; true when they did not */
bool guarded_rdmsr(u32 msr, u64 *value);
bool guarded_wrmsr(u32 msr, u64 value);

/* cpu/abort.c: K cannot go on */
void k_abort(const char *why) __attribute__((noreturn));
void k_shutdown(void) __attribute__((noreturn));

/* cpu/trap.c */
void machine_check(struct cpu *cpu);

/* cpu/thunks.S */
void rsb_fill(void);

/* main.c */
void k_enter(struct cpu *cpu, u64 from) __attribute__((noreturn));

/* emul/insn.c */
int insn_length_of(const struct world *world);
bool insn_waits(const struct world *world);
u64 guest_address(const struct world *world, u64 va);
u64 *guest_word(u64 pa);
int insn_fetch(const struct world *world, u8 *code);
int insn_peek(struct cpu *cpu, const struct world *world, u64 code[2]);

/* mm/host.c: the host world's memory */
bool host_fault(struct cpu *cpu, u64 pa, bool write, bool fetch, u64 rip);
int host_donate(struct cpu *cpu, u64 pa);
bool host_flushed(u32 sequence);
bool host_owns(u64 pa);
u64 host_chunk(u32 slot);
u64 *host_table_page(void *ctx, u64 pa);
void host_lock_break(const struct cpu *cpu);
u32 host_table_pages(void);
int host_device_trap(u64 pa, bool on);
u32 host_tlb_sequence(void);

/* world/hypercall.c */
bool hypercall(struct cpu *cpu, struct world *world);

#endif
