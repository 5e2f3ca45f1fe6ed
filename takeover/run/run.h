/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What acts while Regent rules. Each file calls those below it in this list, and tells
 * those above by a callback that they have given it:
 *
 *	services.c	the step: the rest in order
 *	sysfs.c		/sys/kernel/regent
 *	device.c	/dev/regent
 *	debug.c		files for tests
 *	events.c	what K has to tell
 *	mode.c		policy: which CPUs are to be forwarded, and when worlds start
 *	worlds.c	the worlds beside Linux: whose they are, where they may run
 *	forward.c	mechanism: a CPU becomes forwarded, or direct
 *	vector.c	the interrupt that K uses on a CPU
 *	hypercall.c	asking K
 */
#ifndef TAKEOVER_RUN_H
#define TAKEOVER_RUN_H

#include "../l.h"

struct file;

/* vector.c */
int vector_get(unsigned int cpu);
void vector_put(unsigned int cpu);
void vector_listen(void (*fn)(void));

/* forward.c */
int forward_set(unsigned int cpu, bool to);
bool forward_is(unsigned int cpu);
void forward_none(void);

/* worlds.c */
#define WORLDS_MAX_ID	REGENT_MAX_WORLDS

bool worlds_on(unsigned int cpu);
long worlds_create(const struct file *owner, unsigned int cpu, u64 mode, u64 weights);
int worlds_start(unsigned int id);
void worlds_start_all(void);
int worlds_stop(unsigned int id);
int worlds_allow(unsigned int id, u64 cpus);
void worlds_end(unsigned int id);
void worlds_end_on(unsigned int cpu, const char *why);
void worlds_forget(void);
bool worlds_owned_by(const struct file *owner, u64 id);

/* mode.c */
/**
 * enum mode - when a CPU is to be forwarded
 * @MODE_AUTO: while another world than Linux is there
 * @MODE_DIRECT: never
 * @MODE_FORWARDED: always
 */
enum mode { MODE_AUTO, MODE_DIRECT, MODE_FORWARDED };

int mode_apply(unsigned int cpu);
int mode_apply_all(void);
int mode_want(unsigned int cpu, enum mode mode);
enum mode mode_wanted(unsigned int cpu);
void mode_apply_soon(void);
void mode_quiet(void);

/* events.c */
extern const struct vm_ops *vm_ops;

int events_do(void);
void events_undo(void);
void events_drain(void);
void events_try_drain(void);

/* sysfs.c, device.c, debug.c */
int sysfs_do(void);
void sysfs_undo(void);
int device_do(void);
void device_undo(void);
int debug_do(void);
void debug_undo(void);

#endif
