/* SPDX-License-Identifier: GPL-2.0-only */
/* Lengths of the instructions Regent intercepts. Plain logic. */
#ifndef REGENT_INSN_H
#define REGENT_INSN_H

#include <regent/abi/types.h>

#define INSN_MAX	15	/* longer is #GP on every x86 */

int insn_length(const u8 *code, int n);

#endif
