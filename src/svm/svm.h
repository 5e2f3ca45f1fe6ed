/* SPDX-License-Identifier: GPL-2.0-only */
/* Private to src/svm/. */
#ifndef SVM_SVM_H
#define SVM_SVM_H

#include <hw/asm.h>
#include <regent/abi/types.h>

struct world;
struct world_regs;

/**
 * struct svm_leave_frame - what svm_leave() puts back last
 * @gdtr: Linux's
 * @idtr: Linux's
 * @cr3: Linux's, PCID included
 * @cr4: Linux's
 * @rsp: Linux's
 * @result: for the caller of the hypercall, or of the way in
 * @out: Linux address of the trampoline's way out
 */
struct svm_leave_frame {
	struct hw_table gdtr;
	struct hw_table idtr;
	u64 cr3;
	u64 cr4;
	u64 rsp;
	u64 result;
	u64 out;
};

/* Places in struct regent_handoff.backend_pa and struct regent_params.backend */
enum { SVM_PA_VMCB, SVM_PA_HOST_VMCB, SVM_PA_HSAVE };
enum {
	SVM_PARAM_MSRPM, SVM_PARAM_FORWARD_MSRPM, SVM_PARAM_GUEST_MSRPM, SVM_PARAM_IOPM,
	SVM_PARAM_ASIDS, SVM_PARAMS
};

_Static_assert(sizeof(((struct regent_params *)0)->backend) >= SVM_PARAMS * sizeof(u64),
	       "room in struct regent_params");

/* The host world's address space identifier; 0 is K's. */
#define SVM_ASID_HOST	1
#define SVM_ASID_WORLDS	2

struct vmcb;

struct world *svm_resume(struct world *world);	/* see backend_enter() */
void svm_advance(struct world *world, u64 next);
void svm_forget_interrupt(struct vmcb *v, u64 event);
void svm_leave(u64 vmcb_pa, const struct svm_leave_frame *frame)
	__attribute__((noreturn));
bool svm_guarded_vmmcall(struct world_regs *regs);

static inline void svm_vmsave(u64 pa)
{
	asm volatile("vmsave %0" : : "a"(pa) : "memory");
}

static inline void svm_vmload(u64 pa)
{
	asm volatile("vmload %0" : : "a"(pa) : "memory");
}

#endif
