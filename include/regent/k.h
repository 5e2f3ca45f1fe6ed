/* SPDX-License-Identifier: GPL-2.0-only */
/* What every file of K may use: parameters, log, events, accesses that may fault. */
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

/* lib/log.c: K's last words and its events, in struct regent_shared */
void log_text(const char *text);
void log_hex(const char *name, u64 value);
void event_post(u32 type, u64 a, u64 b);

/* cpu/guarded.S: accesses that may fault; they return false when they did */
bool guarded_rdmsr(u32 msr, u64 *value);
bool guarded_wrmsr(u32 msr, u64 value);
bool guarded_xsetbv(u32 index, u64 value);

/* cpu/abort.c: the end of K on this CPU */
void k_abort(const char *why) __attribute__((noreturn));
void k_shutdown(void) __attribute__((noreturn));

/* cpu/trap.c */
void machine_check(struct cpu *cpu);

/* cpu/thunks.S */
void rsb_fill(void);

/* main.c */
void k_enter(struct cpu *cpu, u64 from) __attribute__((noreturn));

/* mm/host.c: the host world's memory */
enum host_result {
	HOST_REFUSED,	/* Linux gets #GP */
	HOST_AGAIN,	/* execute the access again */
	HOST_TELL,	/* the same, and L has an event to look at */
	HOST_KICK,	/* the same, and all CPUs are to come to K and flush */
};

enum host_result host_fault(struct cpu *cpu, u64 pa, bool write, bool fetch, u64 rip);
int host_donate(struct cpu *cpu, u64 pa);
s64 host_return(u64 pa);
bool host_flushed(u32 sequence);
bool host_owns(u64 pa);
u64 host_chunk(u32 slot);
u64 *host_table_page(void *ctx, u64 pa);
u32 host_table_pages(void);
int host_device_trap(u64 pa, bool on);
u32 host_tlb_sequence(void);

#endif
