// SPDX-License-Identifier: GPL-2.0-only
/*
 * K's last words and its events, in the page that this CPU shares with Linux. Linux may write
 * anything there: K keeps the ring's index itself, and limits the log's length.
 */
#include <hw/asm.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/ring.h>

static void log_put(struct regent_shared *s, u32 *at, char c)
{
	if (*at < REGENT_LOG_SIZE)
		s->log[(*at)++] = c;
}

static u32 log_end(const struct regent_shared *s)
{
	u32 at = s->log_length;

	return at < REGENT_LOG_SIZE ? at : REGENT_LOG_SIZE;
}

/**
 * log_text() - append text to this CPU's log, which cuts off what does not fit
 * @text: NUL-terminated text
 */
void log_text(const char *text)
{
	struct regent_shared *s = this_cpu()->shared;
	u32 at = log_end(s);

	while (*text)
		log_put(s, &at, *text++);
	s->log_length = at;
}

/**
 * log_hex() - append a name and a number
 * @name: text before the number
 * @value: number, written in hexadecimal
 */
void log_hex(const char *name, u64 value)
{
	struct regent_shared *s = this_cpu()->shared;
	int shift = 60;
	u32 at;

	log_text(name);
	at = log_end(s);
	while (shift > 0 && !(value >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		log_put(s, &at, "0123456789abcdef"[(value >> shift) & 15]);
	s->log_length = at;
}

/**
 * event_post() - tell L of an event, through this CPU's ring
 * @type: enum regent_event_type
 * @a: first argument
 * @b: second argument
 *
 * A full ring drops the event and counts it as lost.
 */
void event_post(u32 type, u64 a, u64 b)
{
	struct cpu *cpu = this_cpu();
	struct regent_event ev = {
		.type = type, .cpu = cpu->id, .a = a, .b = b, .tsc = hw_rdtsc(),
	};

	ring_put(&cpu->shared->events, &cpu->event_head, &ev);
}
