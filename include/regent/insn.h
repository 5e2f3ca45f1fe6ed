/* SPDX-License-Identifier: GPL-2.0-only */
/* Lengths of the instructions that Regent intercepts. Plain logic. */
#ifndef REGENT_INSN_H
#define REGENT_INSN_H

#include <regent/abi/types.h>

#define INSN_MAX	15	/* a longer instruction is #GP on every x86 */

bool insn_is_prefix(u8 byte);
int insn_length(const u8 *code, int n);

#endif
