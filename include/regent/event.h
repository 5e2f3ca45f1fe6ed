/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an exception becomes that is raised while another event is being delivered. Intel SDM
 * volume 3, "Interrupt 8 - Double Fault Exception"; AMD APM volume 2, "#DF - Double-Fault
 * Exception". Plain logic.
 */
#ifndef REGENT_EVENT_H
#define REGENT_EVENT_H

#include <hw/cr.h>
#include <regent/abi/types.h>

#define EVENT_OTHER	0x100	/* an interrupt, an NMI, or what INTn makes: no exception */
#define EVENT_NOTHING	(-1)
#define EVENT_SHUTDOWN	(-1)

/* Is it one of those that two of make a double fault? Page faults are apart. */
static inline bool event_contributes(int vector)
{
	switch (vector) {
	case HW_TRAP_DE:
	case HW_TRAP_TS ... HW_TRAP_GP:
		return true;
	}
	return false;
}

/**
 * event_merge() - an exception is raised
 * @delivering: vector of the exception that was being delivered meanwhile; EVENT_OTHER for
 *	another event; EVENT_NOTHING
 * @vector: vector of the new one
 *
 * An exception that takes the other's place does so because the instruction, executed again,
 * raises the other again; of an interrupt that was being delivered nothing is left, as in the
 * processor.
 *
 * Return: the vector to deliver, which may be HW_TRAP_DF; or EVENT_SHUTDOWN.
 */
static inline int event_merge(int delivering, u8 vector)
{
	bool severe = event_contributes(vector) || vector == HW_TRAP_PF;

	if (delivering == HW_TRAP_DF && severe)
		return EVENT_SHUTDOWN;
	if (delivering == HW_TRAP_PF && severe)
		return HW_TRAP_DF;
	if (event_contributes(delivering) && event_contributes(vector))
		return HW_TRAP_DF;
	return vector;
}

#endif
