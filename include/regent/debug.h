/* SPDX-License-Identifier: GPL-2.0-only */
/* Faults on purpose, to test what K does about faults. */
#ifndef REGENT_DEBUG_H
#define REGENT_DEBUG_H

#include <regent/abi/types.h>

void debug_fault(u64 kind);

#endif
