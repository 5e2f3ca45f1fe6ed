// SPDX-License-Identifier: GPL-2.0-only
/*
 * What L asks K: see <regent/abi/hypercall.h>. The arguments come from a root
 * that may be hostile: each is checked, none is a pointer.
 */
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/crc.h>
#include <regent/debug.h>
#include <regent/irq.h>
#include <regent/k.h>
#include <regent/outer.h>
#include <regent/sched.h>

/* A piece of REGENT_HC_CHECK, small beside an interrupt's latency. */
#define CHECK_PIECE	512

static s64 counter(u64 id, u64 index)
{
	const struct cpu *cpu = cpu_find(id);

	if (!cpu || index >= REGENT_COUNTERS)
		return -REGENT_HC_EINVAL;
	if (index >= REGENT_COUNTER_COSTS)
		return cpu->costs[index - REGENT_COUNTER_COSTS];
	switch (index) {
	case REGENT_COUNTER_ENTRY_MAX:
		return cpu->entry_max;
	case REGENT_COUNTER_HIDDEN_READS:
		return cpu->hidden_reads;
	case REGENT_COUNTER_HIDDEN_WRITES:
		return cpu->hidden_writes;
	case REGENT_COUNTER_TABLE_PAGES:
		return host_table_pages();
	default:
		return cpu->exits[index - REGENT_COUNTER_EXITS];
	}
}

/* Progress in rdi (offset) and rsi (CRC so far): false to be called again. */
static bool check_image(struct world_regs *r)
{
	u64 size = k_rodata_end - k_image_start;
	u64 at = r->rdi;
	u64 piece;

	if (at >= size || at % CHECK_PIECE) {
		r->rax = -REGENT_HC_EINVAL;
		return true;
	}
	piece = size - at < CHECK_PIECE ? size - at : CHECK_PIECE;
	r->rsi = crc32_update(r->rsi, k_image_start + at, piece);
	r->rdi = at + piece;
	if (r->rdi < size)
		return false;
	r->rax = (u32)r->rsi;
	return true;
}

static s64 debug(u64 kind)
{
	if (!k_has(REGENT_FEAT_DEBUG_FAULT))
		return -REGENT_HC_EPERM;
	if (kind >= REGENT_FAULTS)
		return -REGENT_HC_EINVAL;
	debug_fault(kind);
	return -REGENT_HC_EFAULT;
}

static s64 test_call(struct cpu *cpu, const struct world_regs *r)
{
	switch (r->rax) {
	case REGENT_HC_TEST_CREATE:
		return test_world_create(cpu, r->rdi);
	case REGENT_HC_TEST_INFO:
		return test_world_info(r->rdi, r->rsi);
	case REGENT_HC_TEST_DESTROY:
		return test_world_destroy(cpu, r->rdi);
	case REGENT_HC_TEST_NAP:
		return test_world_nap(cpu, r->rdi, r->rsi);
	}
	if (!k_has(REGENT_FEAT_DEBUG_FAULT))
		return -REGENT_HC_EPERM;
	return r->rax == REGENT_HC_TEST_PART ? world_switch_part(cpu, r->rdi) :
					       damage_choose(r->rdi, r->rsi);
}

static s64 world_call(struct cpu *cpu, const struct world_regs *r)
{
	switch (r->rax) {
	case REGENT_HC_WORLD_START:
		return test_world_start(cpu, r->rdi, r->rsi);
	case REGENT_HC_WORLD_STOP:
		return test_world_stop(cpu, r->rdi);
	case REGENT_HC_WORLD_ALLOW:
		return r->rsi > 1 ? -REGENT_HC_EINVAL : test_world_allow(cpu, r->rdi, r->rsi);
	case REGENT_HC_WORLD_WAKE:
		return test_world_wake(cpu, r->rdi);
	default:
		return world_info(r->rdi, r->rsi);
	}
}

/**
 * hypercall() - do what L asks
 * @cpu: this CPU
 * @world: the host world; arguments and result are in its registers. Not
 *	REGENT_HC_TEST_RUN, which exit.c does
 *
 * Return: true when the call is done, false to execute it again.
 */
bool hypercall(struct cpu *cpu, struct world *world)
{
	struct world_regs *r = &world->regs;

	switch (r->rax) {
	case REGENT_HC_NULL:
		r->rax = 0;
		return true;
	case REGENT_HC_LEAVE:
		forward_stop(cpu, true);
		outer_resume(cpu, OUTER_ASYNC_PF);
		backend_leave(cpu, 0);
	case REGENT_HC_COUNTER:
		r->rax = counter(r->rdi, r->rsi);
		return true;
	case REGENT_HC_CHECK:
		return check_image(r);
	case REGENT_HC_DEBUG_FAULT:
		r->rax = debug(r->rdi);
		return true;
	case REGENT_HC_DONATE:
		r->rax = host_donate(cpu, r->rdi);
		return true;
	case REGENT_HC_IOAPIC:
		r->rax = ioapic_mode(r->rdi);
		return true;
	case REGENT_HC_FORWARD:
		r->rax = r->rdi ? forward_start(cpu, r->rsi) : forward_stop(cpu, false);
		return true;
	case REGENT_HC_FLUSHED:
		r->rax = host_flushed(host_tlb_sequence());
		return true;
	case REGENT_HC_WORLD_START:
	case REGENT_HC_WORLD_STOP:
	case REGENT_HC_WORLD_INFO:
	case REGENT_HC_WORLD_ALLOW:
	case REGENT_HC_WORLD_WAKE:
		r->rax = world_call(cpu, r);
		return true;
	case REGENT_HC_TEST_CREATE:
	case REGENT_HC_TEST_INFO:
	case REGENT_HC_TEST_DESTROY:
	case REGENT_HC_TEST_SKIP:
	case REGENT_HC_TEST_NAP:
	case REGENT_HC_TEST_PART:
		r->rax = test_call(cpu, r);
		return true;
	default:
		r->rax = -REGENT_HC_ENOSYS;
		return true;
	}
}
