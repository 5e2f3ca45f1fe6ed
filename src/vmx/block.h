/* SPDX-License-Identifier: GPL-2.0-only */
/* Private to src/vmx/, and K's only: a world's control block. */
#ifndef VMX_BLOCK_H
#define VMX_BLOCK_H

#include <regent/world.h>

#include "vmx.h"

static inline struct vmx_block *block_of(const struct world *world)
{
	return world->backend;
}

#endif
