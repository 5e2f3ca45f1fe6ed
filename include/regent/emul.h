/* SPDX-License-Identifier: GPL-2.0-only */
/* Instructions that K executes for a world, and the world's memory by the world's addresses. */
#ifndef REGENT_EMUL_H
#define REGENT_EMUL_H

#include <regent/abi/types.h>

struct cpu;
struct world;

/**
 * enum guest_result - what became of guest_copy()
 * @GUEST_OK: done
 * @GUEST_FAULT: Linux is to get a page fault
 * @GUEST_AGAIN: the page tables have changed: execute the instruction again
 * @GUEST_REFUSED: it is no memory of Linux's
 */
enum guest_result { GUEST_OK, GUEST_FAULT, GUEST_AGAIN, GUEST_REFUSED };

/**
 * struct guest_access - an access to Linux's memory that K does in its place
 * @va: linear address
 * @width: bytes, up to 8
 * @write: K writes
 * @user: at CPL 3
 * @value: read, or to be written
 * @fault: on GUEST_FAULT, the address that faults
 * @error: on GUEST_FAULT, the error code
 */
struct guest_access {
	u64 va;
	int width;
	bool write;
	bool user;
	u64 value;
	u64 fault;
	u32 error;
};

/* emul/insn.c */
int insn_length_of(const struct world *world);
bool insn_skip(struct cpu *cpu, struct world *world);
bool insn_waits(const struct world *world);
u64 guest_address(const struct world *world, u64 va);
u64 *guest_word(u64 pa);
enum guest_result guest_copy(const struct world *world, struct guest_access *a);
int insn_fetch(const struct world *world, u8 *code);
int insn_peek(struct cpu *cpu, const struct world *world, u64 code[2]);

/* emul/mwait.c */
bool mwait_begin(struct cpu *cpu, const struct world *world);
void mwait_end(struct cpu *cpu);

/* emul/mmio.c */
void mmio_apic(struct cpu *cpu, struct world *world, u32 offset);
bool mmio_ioapic(struct cpu *cpu, struct world *world, u64 gpa);

#endif
