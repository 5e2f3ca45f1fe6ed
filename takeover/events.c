// SPDX-License-Identifier: GPL-2.0-only
/*
 * What K has to tell: the event rings, and K's last words after a fault. Read
 * once a second from memory that K shares, which costs no exit.
 */
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include <regent/ring.h>

#include "l.h"

#define EVENTS_PERIOD	HZ

static void events_run(struct work_struct *work);
static DECLARE_DEFERRABLE_WORK(events_work, events_run);

static void tell(const struct regent_event *ev)
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
	case REGENT_EV_WORLD_STOPPED:
		worlds_apply();
		break;
	case REGENT_EV_HIDDEN_FETCH:
		pr_warn_ratelimited("CPU %u ran code in Regent's memory at 0x%llx (refused with #GP)\n",
				    ev->cpu, ev->a);
		break;
	}
}

static void last_words(struct l_cpu *c)
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

/**
 * events_drain() - tell what K has told
 *
 * Process context.
 */
void events_drain(void)
{
	static DEFINE_MUTEX(drain_lock);
	struct regent_event ev;
	unsigned int cpu, n;

	mutex_lock(&drain_lock);
	for_each_cpu(cpu, &regent_cpus) {
		struct l_cpu *c = per_cpu_ptr(&l_cpus, cpu);
		u32 tail;

		if (!c->shared)
			continue;
		tail = c->shared->events.tail;
		for (n = 0; n < REGENT_RING_ENTRIES; n++)
			if (ring_get(&c->shared->events, &tail, &ev))
				tell(&ev);
		last_words(c);
	}
	mutex_unlock(&drain_lock);
}

/**
 * events_soon() - K says that there is something to tell
 *
 * Any context.
 */
void events_soon(void)
{
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
	return 0;
}

/**
 * events_quiet() - nothing is told any more, after the last events_soon()
 */
void events_quiet(void)
{
	cancel_delayed_work_sync(&events_work);
}

void events_undo(void)
{
	events_quiet();
	events_drain();
}
