/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events as the VMCB has them, in event_inj and exit_int_info. AMD APM volume 2, "Event
 * Injection" and "Intercepts during IDT Interrupt Delivery". Plain logic.
 */
#ifndef SVM_EVENT_H
#define SVM_EVENT_H

#include <hw/vmcb.h>
#include <regent/event.h>

#define FIRST_INTERRUPT	32	/* vectors below are exceptions' */
#define VECTOR_BP	3
#define VECTOR_OF	4

static inline u32 svm_event_type(u64 event)
{
	return event >> SVM_EVENT_TYPE_SHIFT & SVM_EVENT_TYPE_MASK;
}

/*
 * QEMU says "exception" of an interrupt by V_IRQ whose delivery was cut off, with a vector that
 * none has, and VMRUN refuses that.
 */
static inline u64 svm_event_repaired(u64 event)
{
	if (svm_event_type(event) == SVM_EVENT_EXCEPTION && (u8)event >= FIRST_INTERRUPT)
		event &= ~((u64)SVM_EVENT_TYPE_MASK << SVM_EVENT_TYPE_SHIFT);
	return event;
}

/**
 * svm_delivering() - which event was being delivered when an exit came?
 * @event: exit_int_info
 *
 * Return: the vector of an exception; EVENT_OTHER for another event; EVENT_NOTHING for none.
 */
static inline int svm_delivering(u64 event)
{
	event = svm_event_repaired(event);
	if (!(event & SVM_EVENT_VALID))
		return EVENT_NOTHING;
	return svm_event_type(event) == SVM_EVENT_EXCEPTION ? (int)(u8)event : EVENT_OTHER;
}

/**
 * svm_event_again() - what has to be delivered by the next entry, because it was cut off
 * @event: exit_int_info
 *
 * Not the events of INTn, INT3 and INTO: RIP is on that instruction, which raises them again.
 *
 * Return: event_inj, or 0 for nothing.
 */
static inline u64 svm_event_again(u64 event)
{
	u32 type;

	if (!(event & SVM_EVENT_VALID))
		return 0;
	event = svm_event_repaired(event);
	type = svm_event_type(event);
	if (type == SVM_EVENT_SOFT ||
	    (type == SVM_EVENT_EXCEPTION && ((u8)event == VECTOR_BP || (u8)event == VECTOR_OF)))
		return 0;
	return event;
}

#endif
