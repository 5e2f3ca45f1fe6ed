/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A world: what K schedules. Today there is one kind, the system world of
 * each processor, in which Linux runs.
 */
#ifndef REGENT_WORLD_H
#define REGENT_WORLD_H

#include <regent/abi/types.h>

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
 * struct world - one schedulable entity
 * @regs: general registers; first, because enter.S stacks them here
 * @backend: pointer to the backend's control structure (SVM: the VMCB)
 * @backend_flags: a word of the backend's (SVM: clean bits of an unchanged VMCB)
 * @backend_host: what the backend needs to get back to K on this CPU
 */
struct world {
	struct world_regs regs;
	void *backend;
	u64 backend_host;
	u32 backend_flags;
};

struct world *world_exit(struct world *world);

#endif
