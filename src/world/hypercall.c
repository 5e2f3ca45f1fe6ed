// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypercalls of L, see <regent/abi/hypercall.h>. A hostile root user can make them, too:
 * each argument is checked, and none is a pointer.
 */
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/crc.h>
#include <regent/irq.h>
#include <regent/k.h>
#include <regent/l0.h>
#include <regent/sched.h>
#include <regent/test.h>
#include <regent/vm.h>

typedef s64 hypercall_fn(struct cpu *cpu, struct world_regs *r);

/* Bytes that REGENT_HC_CHECK does at once: they take less time than an interrupt may wait. */
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

/*
 * REGENT_HC_CHECK, a piece of it. The progress is in RDI (offset) and RSI (CRC so far). Return:
 * false to have the instruction executed again.
 */
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

static s64 hc_null(struct cpu *cpu, struct world_regs *r)
{
	(void)cpu;
	(void)r;
	return 0;
}

static s64 hc_leave(struct cpu *cpu, struct world_regs *r)
{
	(void)r;
	mode_direct(cpu, true);
	l0_resume(cpu, L0_ASYNC_PF);
	cpu->recover = NULL;
	backend_leave(cpu, 0);
}

static s64 hc_counter(struct cpu *cpu, struct world_regs *r)
{
	(void)cpu;
	return counter(r->rdi, r->rsi);
}

static s64 hc_debug_fault(struct cpu *cpu, struct world_regs *r)
{
	(void)cpu;
	if (r->rdi >= REGENT_FAULTS)
		return -REGENT_HC_EINVAL;
	return debug_fault(r->rdi);
}

static s64 hc_donate(struct cpu *cpu, struct world_regs *r)
{
	return host_donate(cpu, r->rdi);
}

static s64 hc_return(struct cpu *cpu, struct world_regs *r)
{
	(void)cpu;
	return host_return(r->rdi);
}

static s64 hc_flushed(struct cpu *cpu, struct world_regs *r)
{
	(void)cpu;
	(void)r;
	return host_flushed(host_tlb_sequence());
}

static s64 hc_ioapic(struct cpu *cpu, struct world_regs *r)
{
	(void)cpu;
	return ioapic_mode(r->rdi);
}

static s64 hc_forward(struct cpu *cpu, struct world_regs *r)
{
	return r->rdi ? mode_forward(cpu, r->rsi) : mode_direct(cpu, false);
}

static s64 hc_world_start(struct cpu *cpu, struct world_regs *r)
{
	return table_start(cpu, r->rdi, r->rsi);
}

static s64 hc_world_stop(struct cpu *cpu, struct world_regs *r)
{
	return table_stop(cpu, r->rdi);
}

static s64 hc_world_allow(struct cpu *cpu, struct world_regs *r)
{
	return r->rsi > 1 ? -REGENT_HC_EINVAL : table_allow(cpu, r->rdi, r->rsi);
}

static s64 hc_world_wake(struct cpu *cpu, struct world_regs *r)
{
	return table_wake(cpu, r->rdi);
}

static s64 hc_world_info(struct cpu *cpu, struct world_regs *r)
{
	(void)cpu;
	return world_info(r->rdi, r->rsi);
}

static s64 hc_test_create(struct cpu *cpu, struct world_regs *r)
{
	return test_world_create(cpu, r->rdi);
}

static s64 hc_test_info(struct cpu *cpu, struct world_regs *r)
{
	(void)cpu;
	return test_world_info(r->rdi, r->rsi);
}

static s64 hc_test_destroy(struct cpu *cpu, struct world_regs *r)
{
	return test_world_destroy(cpu, r->rdi);
}

static s64 hc_test_nap(struct cpu *cpu, struct world_regs *r)
{
	return test_world_nap(cpu, r->rdi, r->rsi);
}

static s64 hc_test_part(struct cpu *cpu, struct world_regs *r)
{
	return world_switch_part(cpu, r->rdi);
}

static s64 hc_test_skip(struct cpu *cpu, struct world_regs *r)
{
	(void)cpu;
	return damage_choose(r->rdi, r->rsi);
}

static s64 hc_vm_create(struct cpu *cpu, struct world_regs *r)
{
	(void)cpu;
	return vm_create(r->rdi);
}

static s64 hc_vm_destroy(struct cpu *cpu, struct world_regs *r)
{
	(void)cpu;
	return vm_destroy(r->rdi);
}

static s64 hc_vm_end_all(struct cpu *cpu, struct world_regs *r)
{
	(void)r;
	return vm_end_all(cpu);
}

static s64 hc_vm_map(struct cpu *cpu, struct world_regs *r)
{
	return vm_map(cpu, r->rdi, r->rsi);
}

static s64 hc_vm_zap(struct cpu *cpu, struct world_regs *r)
{
	(void)cpu;
	return vm_zap(r->rdi, r->rsi);
}

static s64 hc_vm_trim(struct cpu *cpu, struct world_regs *r)
{
	(void)cpu;
	return vm_trim(r->rdi, r->rsi);
}

static s64 hc_vm_msi(struct cpu *cpu, struct world_regs *r)
{
	return vm_msi(cpu, r->rdi, r->rsi);
}

static s64 hc_vm_sync(struct cpu *cpu, struct world_regs *r)
{
	return vm_sync(cpu, r->rdi);
}

static s64 hc_vcpu_create(struct cpu *cpu, struct world_regs *r)
{
	return vcpu_create(cpu, r->rdi, r->rsi);
}

static s64 hc_vcpu_destroy(struct cpu *cpu, struct world_regs *r)
{
	return vcpu_destroy(cpu, r->rdi);
}

static s64 hc_vcpu_get(struct cpu *cpu, struct world_regs *r)
{
	return vcpu_get(cpu, r->rdi, r->rsi);
}

static s64 hc_vcpu_set(struct cpu *cpu, struct world_regs *r)
{
	return vcpu_set(cpu, r->rdi, r->rsi);
}

/*
 * By number. REGENT_HC_TEST_RUN, VCPU_RUN and VCPU_WAIT are missing, because run.c handles
 * them.
 */
static const struct {
	hypercall_fn *fn;
	bool debug;		/* only where L was loaded with debug=1 */
} calls[REGENT_HC_MAX] = {
	[REGENT_HC_NULL] = { hc_null, false },
	[REGENT_HC_LEAVE] = { hc_leave, false },
	[REGENT_HC_COUNTER] = { hc_counter, false },
	[REGENT_HC_DEBUG_FAULT] = { hc_debug_fault, true },
	[REGENT_HC_DONATE] = { hc_donate, false },
	[REGENT_HC_RETURN] = { hc_return, false },
	[REGENT_HC_FLUSHED] = { hc_flushed, false },
	[REGENT_HC_IOAPIC] = { hc_ioapic, false },
	[REGENT_HC_FORWARD] = { hc_forward, false },
	[REGENT_HC_WORLD_START] = { hc_world_start, false },
	[REGENT_HC_WORLD_STOP] = { hc_world_stop, false },
	[REGENT_HC_WORLD_ALLOW] = { hc_world_allow, false },
	[REGENT_HC_WORLD_WAKE] = { hc_world_wake, false },
	[REGENT_HC_WORLD_INFO] = { hc_world_info, false },
	[REGENT_HC_TEST_CREATE] = { hc_test_create, false },
	[REGENT_HC_TEST_INFO] = { hc_test_info, false },
	[REGENT_HC_TEST_DESTROY] = { hc_test_destroy, false },
	[REGENT_HC_TEST_NAP] = { hc_test_nap, false },
	[REGENT_HC_TEST_PART] = { hc_test_part, true },
	[REGENT_HC_TEST_SKIP] = { hc_test_skip, true },
	[REGENT_HC_VM_CREATE] = { hc_vm_create, false },
	[REGENT_HC_VM_DESTROY] = { hc_vm_destroy, false },
	[REGENT_HC_VM_END_ALL] = { hc_vm_end_all, false },
	[REGENT_HC_VM_MAP] = { hc_vm_map, false },
	[REGENT_HC_VM_ZAP] = { hc_vm_zap, false },
	[REGENT_HC_VM_TRIM] = { hc_vm_trim, false },
	[REGENT_HC_VM_MSI] = { hc_vm_msi, false },
	[REGENT_HC_VM_SYNC] = { hc_vm_sync, false },
	[REGENT_HC_VCPU_CREATE] = { hc_vcpu_create, false },
	[REGENT_HC_VCPU_DESTROY] = { hc_vcpu_destroy, false },
	[REGENT_HC_VCPU_GET] = { hc_vcpu_get, false },
	[REGENT_HC_VCPU_SET] = { hc_vcpu_set, false },
};

static s64 dispatch(struct cpu *cpu, struct world_regs *r)
{
	u64 nr = r->rax;

	if (nr >= REGENT_HC_MAX || !calls[nr].fn)
		return -REGENT_HC_ENOSYS;
	if (calls[nr].debug && !k_has(REGENT_FEAT_DEBUG_FAULT))
		return -REGENT_HC_EPERM;
	return calls[nr].fn(cpu, r);
}

/**
 * hypercall() - execute a hypercall of L's
 * @cpu: this CPU
 * @world: the host world; the number is in RAX, the arguments in RDI and RSI, and RAX gets the
 *	result: a negative REGENT_HC_E* is an error
 *
 * Return: true when the call is done; false when the instruction is to be executed again.
 */
bool hypercall(struct cpu *cpu, struct world *world)
{
	struct world_regs *r = &world->regs;

	if (r->rax == REGENT_HC_CHECK)
		return check_image(r);
	r->rax = dispatch(cpu, r);
	return true;
}
