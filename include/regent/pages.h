/* SPDX-License-Identifier: GPL-2.0-only */
/* K's free pages, from chunks that Linux has donated since the takeover. */
#ifndef REGENT_PAGES_H
#define REGENT_PAGES_H

#include <regent/abi/types.h>

int pages_add(u32 slot, u64 pa);
u32 pages_withdraw(void);
void *pages_alloc(u32 count);
void pages_free(void *first, u32 count);
u64 pages_pa(const void *page);
u64 *pages_table(void *ctx, u64 pa);
u64 pages_table_alloc(void *ctx);
u32 pages_free_count(void);
void pages_lock(void);

#endif
