/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The registers of a world that struct world_regs does not hold, and the world's code: see
 * <regent/backend.h>. backend_cpl(), backend_flag_if(), and backend_in_shadow() also take
 * the host world when it is not the current world.
 */
#ifndef REGENT_BACKEND_REGS_H
#define REGENT_BACKEND_REGS_H

#include <regent/abi/types.h>

struct decode_regs;
struct ptab;
struct world;

/* Bytes of VMCALL and of VMMCALL, as L and test worlds write them */
#define BACKEND_CALL_LENGTH	3

u64 backend_rip(const struct world *world);
int backend_cpl(const struct world *world);
bool backend_flag_if(const struct world *world);
bool backend_flag_ac(const struct world *world);
bool backend_in_shadow(const struct world *world);
u64 *backend_reg(struct world *world, int number);
void backend_get_regs(const struct world *world, struct decode_regs *r);
void backend_put_regs(struct world *world, const struct decode_regs *r);

/* Stepping over an instruction */
int backend_insn_length(const struct world *world);
void backend_advance(struct world *world, int length);

/* The world's code and its page tables */
void backend_paging(const struct world *world, struct ptab *pt);
u64 backend_code_address(const struct world *world);
int backend_decode_mode(const struct world *world);
int backend_code_words(const struct world *world, u64 code[2]);

/* Could the world take an interrupt now: is IF set, and no interrupt shadow? */
static inline bool backend_interruptible(const struct world *world)
{
	return backend_flag_if(world) && !backend_in_shadow(world);
}

#endif
