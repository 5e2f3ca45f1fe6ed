/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions by which L prepares K's memory before the rendezvous. Plain logic, compiled
 * into L: they write only through the pointers that they get.
 */
#ifndef REGENT_PREP_H
#define REGENT_PREP_H

#include <regent/abi/handoff.h>

/* K's descriptor tables */
void desc_build_idt(void *idt, u64 stubs);
void desc_build_cpu(struct regent_handoff *h, u64 area);

/* SVM: a CPU's two control blocks and the machine's permission map */
void svm_prepare_cpu(void *vmcb, void *host_vmcb, const struct regent_handoff *h,
		     const struct regent_params *p, u64 area);
void svm_prepare_machine(void *msrpm, void *forward_msrpm, void *guest_msrpm,
			 void *iopm);

#define SVM_IOPM_SIZE	0x3000

#endif
