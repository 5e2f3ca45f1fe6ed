/* SPDX-License-Identifier: GPL-2.0-only */
/* What an exit was about: see <regent/backend.h>. */
#ifndef REGENT_BACKEND_EXIT_H
#define REGENT_BACKEND_EXIT_H

#include <regent/abi/hypercall.h>
#include <regent/abi/types.h>

struct cpu;
struct world;

#define NPF_NONE	(~0ull)		/* no guest-physical address */

/**
 * struct npf - a nested page fault: a world accessed what its nested table does not allow
 * @gpa: guest-physical address
 * @present: there is an entry, which does not allow this access
 * @write: the access was a write
 * @fetch: the access was an instruction fetch
 * @tables: it was an access to the world's own page tables, for another address
 */
struct npf {
	u64 gpa;
	bool present;
	bool write;
	bool fetch;
	bool tables;
};

/**
 * struct msr_access - an intercepted RDMSR or WRMSR
 * @index: MSR number
 * @write: the instruction is WRMSR
 * @value: the value that the world writes; of a RDMSR, what it is to read
 */
struct msr_access {
	u32 index;
	bool write;
	u64 value;
};

/* Called once after each exit, before any other function */
void backend_exit_begin(struct world *world);
bool backend_exit_fastpath(struct cpu *cpu, struct world *world);
bool backend_exit_is_call(const struct world *world);
bool backend_exit_is_cpuid(const struct world *world);
bool backend_exit_is_msr(const struct world *world);
enum regent_exit_reason backend_exit_reason(const struct world *world);
void backend_exit_describe(const struct world *world);

u64 backend_npf_gpa(const struct world *world);
void backend_npf(const struct world *world, struct npf *f);
void backend_msr_access(const struct world *world, struct msr_access *a);
int backend_switched_msr(struct world *world, struct msr_access *a);
bool backend_control(struct world *world);

#endif
