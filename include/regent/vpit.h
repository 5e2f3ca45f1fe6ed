/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The 8254 of a VM, and port 0x61 with it: three counters, of which channel 0 interrupts, and
 * channel 2's gate and output are in port 0x61. Plain logic: the caller says what time it is, in
 * nanoseconds, and calls vpit_fire() when vpit_deadline() has come. It holds a lock around each.
 *
 * As KVM does it, counts are binary whatever the mode says, a gate that is low stops nothing,
 * and each period of channel 0 is one interrupt, whatever its output did meanwhile.
 */
#ifndef REGENT_VPIT_H
#define REGENT_VPIT_H

#include <regent/abi/types.h>

#define VPIT_HZ		1193182ull
#define VPIT_CHANNELS	3
#define VPIT_BASE	0x40	/* ports */
#define VPIT_CONTROL	0x43
#define VPIT_SPEAKER	0x61
#define VPIT_NEVER	(~0ull)
/* As KVM: channel 0 does not interrupt more often */
#define VPIT_PERIOD_MIN	200000ull

/**
 * struct vpit_channel - a counter. The layout is that of struct kvm_pit_channel_state.
 * @count: what it counts down from, 1 to 0x10000
 * @latched_count: what the next reads show, with @count_latched
 * @count_latched: which bytes of @latched_count are to be read: a state as @read_state
 * @status_latched: the next read shows @status
 * @status: see above
 * @read_state: which byte is read next: 1 low, 2 high, 3 low and then 4 high
 * @write_state: the same of writes
 * @write_latch: the low byte
 * @rw_mode: @read_state and @write_state to begin with
 * @mode: 0 to 5; VPIT_OFF before it is programmed
 * @bcd: what the guest has written; nothing looks at it
 * @gate: its gate is high
 * @load_time: when @count was written
 */
struct vpit_channel {
	u32 count;
	u16 latched_count;
	u8 count_latched;
	u8 status_latched;
	u8 status;
	u8 read_state;
	u8 write_state;
	u8 write_latch;
	u8 rw_mode;
	u8 mode;
	u8 bcd;
	u8 gate;
	s64 load_time;
};

#define VPIT_OFF	0xff

/**
 * struct vpit - the 8254
 * @channel: the counters
 * @speaker: bit 1 of port 0x61
 * @hpet: the HPET interrupts in place of channel 0
 * @deadline: when channel 0 interrupts next, or VPIT_NEVER
 * @period: nanoseconds until the next one, 0 if it is the last one
 */
struct vpit {
	struct vpit_channel channel[VPIT_CHANNELS];
	bool speaker;
	bool hpet;
	u64 deadline;
	u64 period;
};

void vpit_init(struct vpit *p, u64 now);
void vpit_load(struct vpit *p, const struct vpit_channel *from, bool hpet, u64 now);
u32 vpit_fire(struct vpit *p, u64 now);
bool vpit_has_port(u32 port);
u8 vpit_read(struct vpit *p, u32 port, u64 now);
void vpit_write(struct vpit *p, u32 port, u8 value, u64 now);

/**
 * vpit_deadline() - when channel 0 interrupts next
 * @p: the 8254
 *
 * Return: time, or VPIT_NEVER.
 */
static inline u64 vpit_deadline(const struct vpit *p)
{
	return p->deadline;
}

#endif
