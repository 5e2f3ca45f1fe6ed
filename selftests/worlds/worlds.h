/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files of regent_worlds.ko. */
#ifndef WORLDS_H
#define WORLDS_H

/* Places in struct worlds_frame's arrays, for call.S and regs.c. */
#define F_RAX		0
#define F_RBX		1
#define F_RCX		2
#define F_RDX		3
#define F_RSI		4
#define F_RDI		5
#define F_RBP		6
#define F_R8		7
#define F_R9		8
#define F_R10		9
#define F_R11		10
#define F_R12		11
#define F_R13		12
#define F_R14		13
#define F_R15		14
#define F_RSP		15	/* filled in by call.S, before and after */
#define F_RFLAGS	16
#define F_REGS		17

#ifndef __ASSEMBLY__
#include <linux/types.h>

/**
 * struct worlds_frame - registers around one VMMCALL
 * @in: before
 * @out: after
 * @failed: the instruction faulted
 */
struct worlds_frame {
	u64 in[F_REGS];
	u64 out[F_REGS];
	u64 failed;
};

void worlds_call(struct worlds_frame *frame);

#define WORLDS_REGS	80	/* enough for all names below */

/**
 * struct worlds_tally - which registers were found changed, and how often
 * @mismatches: by the number of the name, see worlds_name()
 */
struct worlds_tally {
	u64 mismatches[WORLDS_REGS];
};

/* Numbers of names: the frame's, then regs.c's, then xstate.c's. */
#define WORLDS_XSTATE	64

struct rnd {
	u64 state;
};

static inline u64 rnd(struct rnd *r)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return r->state * 0x2545f4914f6cdd1dull;
}

/* regs.c: all that is not general and not in the XSAVE area */
void regs_probe(void);
void regs_keep(u64 *kept);
void regs_fill(const u64 *kept, u64 *want, struct rnd *r);
void regs_compare(const u64 *want, struct worlds_tally *t);
void regs_restore(const u64 *kept);
const char *worlds_name(unsigned int number);
int regs_describe(unsigned int number, char *text, size_t size);

/* xstate.c: the XSAVE area */
struct xstate;
bool xstate_probe(void);
struct xstate *xstate_new(void);
void xstate_free(struct xstate *x);
void xstate_keep(struct xstate *x);
void xstate_fill(struct xstate *x, struct rnd *r);
void xstate_compare(struct xstate *x, struct worlds_tally *t);
void xstate_restore(struct xstate *x);
const char *xstate_name(unsigned int component);
#endif

#endif
