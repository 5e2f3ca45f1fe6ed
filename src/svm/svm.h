/* SPDX-License-Identifier: GPL-2.0-only */
/* Private to src/svm/. */
#ifndef SVM_SVM_H
#define SVM_SVM_H

#include <hw/asm.h>
#include <regent/abi/types.h>

struct world;

/**
 * struct svm_leave_frame - what svm_leave() restores last
 * @gdtr: Linux's GDTR
 * @idtr: Linux's IDTR
 * @cr3: Linux's CR3, PCID included
 * @cr4: Linux's CR4
 * @rsp: Linux's stack pointer
 * @result: RAX for the caller of the hypercall, or of the way in
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

/* Indexes in struct regent_handoff.backend_pa and struct regent_params.backend */
enum { SVM_PA_VMCB, SVM_PA_HOST_VMCB, SVM_PA_HSAVE };
enum {
	SVM_PARAM_MSRPM, SVM_PARAM_FORWARD_MSRPM, SVM_PARAM_GUEST_MSRPM, SVM_PARAM_IOPM,
	SVM_PARAM_ASIDS, SVM_PARAMS
};

_Static_assert(sizeof(((struct regent_params *)0)->backend) >= SVM_PARAMS * sizeof(u64),
	       "room in struct regent_params");

/* The host world's ASID, and the first one for other worlds; 0 is K's. */
#define SVM_ASID_HOST	1
#define SVM_ASID_WORLDS	2

struct regent_segment;
struct regent_state;
struct vmcb;
struct vmcb_seg;

struct world *svm_resume(struct world *world);	/* see backend_enter() */
struct world *svm_resume_vcpu(struct world *world);
void svm_advance(struct world *world, u64 next);
void svm_forget_interrupt(struct world *world, u64 event);
void svm_touch(struct world *world, u32 changed);
void svm_set_event(struct world *world, u64 event);
void svm_set_flush(struct world *world, u32 what);
void svm_leave(u64 vmcb_pa, const struct svm_leave_frame *frame)
	__attribute__((noreturn));
void svm_put_segment(struct vmcb_seg *to, const struct regent_segment *from);
void svm_put_state(struct vmcb *v, const struct regent_state *s);

static inline void svm_vmsave(u64 pa)
{
	asm volatile("vmsave %0" : : "a"(pa) : "memory");
}

static inline void svm_vmload(u64 pa)
{
	asm volatile("vmload %0" : : "a"(pa) : "memory");
}

#endif
