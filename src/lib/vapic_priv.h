/* SPDX-License-Identifier: GPL-2.0-only */
/* Between vapic.c and vapic_reg.c. */
#ifndef REGENT_LIB_VAPIC_PRIV_H
#define REGENT_LIB_VAPIC_PRIV_H

#include <regent/vapic.h>

#define LVT_LEVEL	(1u << 15)

/*
 * Of AMD's extended space only the LVTs are there: specific EOI and the
 * interrupt enable registers (bits 0 and 1) would change how priorities work.
 */
#define EXT_FEATURE_KEPT	0x00ff0004u

void vapic_error(struct vapic *v, u32 bit);
void vapic_end(struct vapic *v, struct vapic_effect *e);
void vapic_timer_arm(struct vapic *v, u32 count, u64 now);
u32 vapic_timer_count(const struct vapic *v, u64 now);

#endif
