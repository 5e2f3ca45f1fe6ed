/* SPDX-License-Identifier: GPL-2.0-only */
/* What a CPU sends itself, see own.c */
#ifndef REGENT_EDU_OWN_H
#define REGENT_EDU_OWN_H

#include <linux/types.h>

void own_init(void);
u64 own_run(u64 wanted, u64 *latest);

#endif
