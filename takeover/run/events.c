// SPDX-License-Identifier: GPL-2.0-only
/*
 * What K has to tell: the event rings, and K's last words after a fault. Read
 * once a second from memory that K shares, which costs no exit.
 */
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include <regent/ring.h>

#include "run.h"

#define EVENTS_PERIOD	HZ

static void events_run(struct work_struct *work);
static DECLARE_DEFERRABLE_WORK(events_work, events_run);

static void events_tell(const struct regent_event *ev)
{
	switch (ev->type) {
	case REGENT_EV_HIDDEN_READ:
		pr_warn_ratelimited("CPU %u read Regent's memory at 0x%llx (zeros were shown), at %pS\n",
				    ev->cpu, ev->a, (void *)ev->b);
		break;
	case REGENT_EV_HIDDEN_WRITE:
		pr_warn_ratelimited("CPU %u wrote Regent's memory at 0x%llx (refused with #GP), at %pS\n",
				    ev->cpu, ev->a, (void *)ev->b);
		break;
	case REGENT_EV_DEVICE_REFUSED:
		pr_warn_ratelimited("CPU %u used an APIC's register 0x%llx by an instruction that Regent cannot execute (refused with #GP), at %pS\n",
				    ev->cpu, ev->a, (void *)ev->b);
		break;
	case REGENT_EV_WORLD_STOPPED:
		mode_apply_soon();
		break;
	case REGENT_EV_TABLES_LOW:
		donated_soon();
		break;
	case REGENT_EV_HIDDEN_FETCH:
		pr_warn_ratelimited("CPU %u ran code in Regent's memory at 0x%llx (refused with #GP)\n",
				    ev->cpu, ev->a);
		break;
	}
}

static void events_last_words(struct l_cpu *c)
{
	char *text = c->shared->log;
	u32 length = READ_ONCE(c->shared->log_length);
	char *line;

	if (!length)
		return;
	text[min_t(u32, length, REGENT_LOG_SIZE - 1)] = 0;
	while ((line = strsep(&text, "\n")))
		if (*line)
			pr_err("K on CPU %u: %s\n", c->cpu, line);
	WRITE_ONCE(c->shared->log_length, 0);
}

static DEFINE_MUTEX(drain_lock);

static void events_drain_locked(void)
{
	struct regent_event ev;
	unsigned int cpu, n;

	for_each_cpu(cpu, &regent_cpus) {
		struct l_cpu *c = per_cpu_ptr(&l_cpus, cpu);
		u32 tail;

		if (!c->shared)
			continue;
		tail = c->shared->events.tail;
		for (n = 0; n < REGENT_RING_ENTRIES; n++)
			if (ring_get(&c->shared->events, &tail, &ev))
				events_tell(&ev);
		events_last_words(c);
	}
}

/**
 * events_drain() - tell what K has told
 *
 * Process context.
 */
void events_drain(void)
{
	mutex_lock(&drain_lock);
	events_drain_locked();
	mutex_unlock(&drain_lock);
}

/**
 * events_try_drain() - the same with a CPU lost in K, which may hold the lock for ever
 *
 * What the holder was telling then stays untold. Process context.
 */
void events_try_drain(void)
{
	if (!mutex_trylock(&drain_lock))
		return;
	events_drain_locked();
	mutex_unlock(&drain_lock);
}

const struct vm_ops *vm_ops;

/**
 * vm_ops_set() - say who has VMs
 * @ops: NULL for nobody
 *
 * Process context, while no CPU is in K and /dev/regent is not there.
 */
void vm_ops_set(const struct vm_ops *ops)
{
	WRITE_ONCE(vm_ops, ops);
}

/* K's interrupt came, for one of two reasons, or for both. */
static void events_soon(void)
{
	struct regent_shared *shared = this_cpu_ptr(&l_cpus)->shared;
	const struct vm_ops *ops = READ_ONCE(vm_ops);
	bool stopped = READ_ONCE(shared->stopped_words);

	if (stopped && ops)
		ops->stopped(shared);
	if (!stopped || READ_ONCE(shared->events.head) != READ_ONCE(shared->events.tail) ||
	    READ_ONCE(shared->log_length))
		mod_delayed_work(system_wq, &events_work, 0);
}

static void events_run(struct work_struct *work)
{
	events_drain();
	schedule_delayed_work(&events_work, EVENTS_PERIOD);
}

int events_do(void)
{
	schedule_delayed_work(&events_work, EVENTS_PERIOD);
	vector_listen(events_soon);
	return 0;
}

void events_undo(void)
{
	vector_listen(NULL);
	cancel_delayed_work_sync(&events_work);
	events_drain();
}
