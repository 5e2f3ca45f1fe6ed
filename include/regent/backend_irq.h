/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events for a world, and physical interrupts of a forwarded CPU: see
 * <regent/backend.h>. backend_intercept_idle() also takes the host world when it is not the
 * current world.
 */
#ifndef REGENT_BACKEND_IRQ_H
#define REGENT_BACKEND_IRQ_H

#include <regent/abi/types.h>

struct world;

#define BACKEND_NO_ERROR_CODE	(~0u)

/* Events at the next entry */
void backend_inject(struct world *world, u8 vector, u32 error);
void backend_page_fault(struct world *world, u64 address, u32 error);
void backend_inject_interrupt(struct world *world, u8 vector);
void backend_inject_nmi(struct world *world);
void backend_complete_interrupts(struct world *world);
bool backend_event_queued(const struct world *world);
void backend_irq_window(struct world *world, bool wanted);

/* Interrupts of a forwarded CPU */
void backend_forward(struct world *world, bool on);
bool backend_undisturbed(const struct world *world, u8 tpr);
u8 backend_tpr(const struct world *world);
void backend_set_tpr(struct world *world, u8 tpr);
void backend_intercept_idle(struct world *world, bool on);
void backend_slice(struct world *world, u64 end);
int backend_take_interrupt(void);
int backend_idle(void);

#endif
