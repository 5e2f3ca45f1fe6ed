/* SPDX-License-Identifier: GPL-2.0-only */
/* Private to src/svm/, for K only: the control block of a world. */
#ifndef SVM_BLOCK_H
#define SVM_BLOCK_H

#include <regent/world.h>

#include <hw/vmcb.h>

static inline struct vmcb *vmcb_of(const struct world *world)
{
	return world->backend;
}

#endif
