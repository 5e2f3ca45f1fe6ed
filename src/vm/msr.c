// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's MSRs, as far as K has them: what a switch moves, its APIC, and its TSC. All others
 * L has, or there are none.
 */
#include <hw/asm.h>
#include <hw/cr.h>
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/k.h>
#include <regent/sched.h>

#include "peek.h"
#include "vm.h"

#define MSR_TSC			0x10
#define MSR_TSC_ADJUST		0x3b
#define X2APIC_MSRS		0x100

/* Eight memory types that exist */
static bool pat_valid(u64 pat)
{
	u32 i, type;

	for (i = 0; i < 64; i += 8) {
		type = pat >> i & 0xff;
		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}

static bool is_x2apic(u64 index)
{
	return index - MSR_REG_X2APIC < X2APIC_MSRS;
}

static void set_tsc_offset(struct vcpu *v, u64 offset)
{
	v->tsc_offset = offset;
	backend_set_tsc_offset(&v->world, offset);
}

/* The index of TSC_AUX among the MSRs that a switch moves: always the first, if it exists. */
static bool has_tsc_aux(void)
{
	return k_params.nr_world_msrs && k_params.world_msr[0] == MSR_REG_TSC_AUX;
}

static enum vcpu_msr read_apic_msr(struct vcpu *v, u64 index, u64 *value)
{
	u64 deadline;

	if (!v->has_apic)
		return VCPU_MSR_LINUX;
	if (index == MSR_REG_APIC_BASE) {
		*value = v->apic_base;
	} else if (index == MSR_REG_TSC_DEADLINE) {
		deadline = vapic_read_deadline(&v->apic, hw_rdtsc());
		*value = deadline ? deadline + v->tsc_offset : 0;
	} else if (!v->apic.x2apic ||
		   !vcpu_apic_read(v, index - MSR_REG_X2APIC, value)) {
		return VCPU_MSR_REFUSED;
	}
	return VCPU_MSR_DONE;
}

/**
 * vcpu_read_msr() - read a vCPU's MSR
 * @v: the vCPU, loaded or not
 * @index: any number
 * @value: filled in on VCPU_MSR_DONE
 */
enum vcpu_msr vcpu_read_msr(struct vcpu *v, u64 index, u64 *value)
{
	const u64 *field = backend_vcpu_msr(&v->world, index);

	if (field) {
		*value = *field;
		return VCPU_MSR_DONE;
	}
	if (is_x2apic(index) || index == MSR_REG_APIC_BASE || index == MSR_REG_TSC_DEADLINE)
		return read_apic_msr(v, index, value);
	switch (index) {
	case MSR_REG_EFER:
		*value = backend_efer(&v->world);
		return VCPU_MSR_DONE;
	case MSR_REG_PAT:
		*value = backend_pat(&v->world);
		return VCPU_MSR_DONE;
	case MSR_TSC:
		*value = hw_rdtsc() + v->tsc_offset;
		return VCPU_MSR_DONE;
	case MSR_TSC_ADJUST:
		*value = v->tsc_adjust;
		return VCPU_MSR_DONE;
	case REGENT_MSR_TSC_OFFSET:
		*value = v->tsc_offset;
		return VCPU_MSR_DONE;
	case MSR_REG_TSC_AUX:
		if (!has_tsc_aux())
			return VCPU_MSR_REFUSED;
		*value = v->world.area.msr[0];
		return VCPU_MSR_DONE;
	}
	return VCPU_MSR_LINUX;
}

/* A deadline by the vCPU's TSC, by the processor's: 0 is none, and what has passed is now. */
static u64 deadline_of(const struct vcpu *v, u64 value, u64 now)
{
	u64 tsc = now + v->tsc_offset;

	if (!value)
		return 0;
	if (value <= tsc)
		return now;
	return value - tsc < VAPIC_NEVER - 1 - now ? now + (value - tsc) : VAPIC_NEVER - 1;
}

static enum vcpu_msr write_apic_msr(struct vcpu *v, u64 index, u64 value)
{
	u64 now = hw_rdtsc();
	struct vapic_effect e;

	if (!v->has_apic)
		return VCPU_MSR_LINUX;
	if (index == MSR_REG_APIC_BASE)
		return vcpu_write_apic_base(v, value) ? VCPU_MSR_DONE : VCPU_MSR_REFUSED;
	if (index == MSR_REG_TSC_DEADLINE) {
		vapic_write_deadline(&v->apic, deadline_of(v, value, now), now, &e);
		return VCPU_MSR_DONE;
	}
	if (!v->apic.x2apic ||
	    !vcpu_apic_write(this_cpu(), v, index - MSR_REG_X2APIC, value))
		return VCPU_MSR_REFUSED;
	return VCPU_MSR_DONE;
}

/* A write to TSC_ADJUST moves the TSC as well, and the other way round; the VMM's moves neither. */
static void write_tsc(struct vcpu *v, u64 index, u64 value, bool vmm)
{
	u64 delta = index == MSR_TSC ? value - (hw_rdtsc() + v->tsc_offset) :
				       value - v->tsc_adjust;

	if (index == MSR_TSC_ADJUST && vmm) {
		v->tsc_adjust = value;
		return;
	}
	set_tsc_offset(v, v->tsc_offset + delta);
	if (vmm)
		return;
	v->tsc_adjust += delta;
	/* A deadline is a value of the vCPU's TSC, which comes earlier now, or later. */
	if (v->has_apic && v->apic.armed && vapic_deadline_mode(&v->apic))
		v->apic.deadline -= delta;
}

static enum vcpu_msr write_tsc_aux(struct vcpu *v, u64 value, bool loaded)
{
	if (!has_tsc_aux() || value >> 32)
		return VCPU_MSR_REFUSED;
	v->world.area.msr[0] = value;
	if (loaded)
		hw_wrmsr(MSR_REG_TSC_AUX, value);
	return VCPU_MSR_DONE;
}

/**
 * vcpu_write_msr() - write a vCPU's MSR
 * @v: the vCPU, loaded if it writes it by itself
 * @index: any number
 * @value: the value
 * @vmm: the VMM writes it, not the vCPU
 */
enum vcpu_msr vcpu_write_msr(struct vcpu *v, u64 index, u64 value, bool vmm)
{
	u64 *field = backend_vcpu_msr(&v->world, index);

	if (field)
		return backend_vcpu_write_msr(&v->world, index, value) ? VCPU_MSR_DONE :
									  VCPU_MSR_REFUSED;
	if (is_x2apic(index) || index == MSR_REG_APIC_BASE || index == MSR_REG_TSC_DEADLINE)
		return write_apic_msr(v, index, value);
	switch (index) {
	case MSR_REG_EFER:
		return backend_set_efer(&v->world, value, vmm) ? VCPU_MSR_DONE :
								 VCPU_MSR_REFUSED;
	case MSR_REG_PAT:
		if (!pat_valid(value))
			return VCPU_MSR_REFUSED;
		backend_set_pat(&v->world, value);
		return VCPU_MSR_DONE;
	case MSR_TSC:
	case MSR_TSC_ADJUST:
		write_tsc(v, index, value, vmm);
		return VCPU_MSR_DONE;
	case REGENT_MSR_TSC_OFFSET:
		if (!vmm)
			return VCPU_MSR_REFUSED;
		set_tsc_offset(v, value);
		return VCPU_MSR_DONE;
	case MSR_REG_TSC_AUX:
		return write_tsc_aux(v, value, !vmm);
	}
	return VCPU_MSR_LINUX;
}

/**
 * vcpu_msr() - a vCPU accesses an MSR that no switch moves
 * @cpu: this CPU
 * @world: its current world
 */
void vcpu_msr(struct cpu *cpu, struct world *world)
{
	struct vcpu *v = vcpu_of(world);
	struct regent_vcpu_page *page;
	enum vcpu_msr result;
	struct msr_access a;

	backend_msr_access(world, &a);
	v->insn_rip = backend_rip(world);
	if (!vcpu_skip(cpu, v))
		return;
	result = a.write ? vcpu_write_msr(v, a.index, a.value, false) :
			   vcpu_read_msr(v, a.index, &a.value);
	if (result != VCPU_MSR_LINUX) {
		vcpu_end_msr(v, result == VCPU_MSR_DONE, a.write, a.value);
		return;
	}
	page = vcpu_page(cpu, v);
	page->address = a.index;
	page->write = a.write;
	page->data = a.write ? a.value : 0;
	v->pending = a.write ? VCPU_MSR_WRITTEN : VCPU_MSR_READ;
	vcpu_end(world, REGENT_VCPU_MSR);
}

/*
 * A vCPU that K schedules sets its timer: K's alarm follows, and nothing else. An interrupt that
 * is there at once has the alarm ring at once, after which the vCPU gets it.
 */
static bool deadline_fast(struct cpu *cpu, struct vcpu *v, u64 value)
{
	int length = v->by_sched && v->has_apic ? vcpu_length_plain(cpu, v) : 0;

	if (!length || write_apic_msr(v, MSR_REG_TSC_DEADLINE, value) != VCPU_MSR_DONE)
		return false;
	backend_advance(&v->world, length);
	sched_set_alarm(cpu, &v->world, vapic_pending(&v->apic) == VAPIC_NONE ?
					vcpu_apic_alarm(v) : hw_rdtsc());
	return true;
}

/**
 * vcpu_msr_fast() - a vCPU accesses its APIC as MSRs, and nothing but an alarm follows from that
 * @cpu: this CPU
 * @v: the vCPU
 *
 * Return: false when nothing has been done.
 */
bool __attribute__((noinline)) vcpu_msr_fast(struct cpu *cpu, struct vcpu *v)
{
	struct world_regs *r = &v->world.regs;
	struct msr_access a;
	int length;
	u32 reg;

	backend_msr_access(&v->world, &a);
	if (a.index == MSR_REG_TSC_DEADLINE)
		return a.write && deadline_fast(cpu, v, a.value);
	reg = a.index - MSR_REG_X2APIC;
	if (!v->has_apic || !v->apic.x2apic || !vcpu_apic_is_quiet(v, reg, a.write))
		return false;
	length = vcpu_length_plain(cpu, v);
	if (!length || !(a.write ? vcpu_apic_write(cpu, v, reg, a.value) :
				   vcpu_apic_read(v, reg, &a.value)))
		return false;
	if (!a.write) {
		r->rax = (u32)a.value;
		r->rdx = a.value >> 32;
	}
	backend_advance(&v->world, length);
	return true;
}

/**
 * vcpu_end_msr() - the rest of RDMSR or WRMSR
 * @v: the vCPU, at the next instruction
 * @ok: false: it is #GP
 * @write: it was WRMSR
 * @value: what RDMSR reads
 */
void vcpu_end_msr(struct vcpu *v, bool ok, bool write, u64 value)
{
	struct world *world = &v->world;

	if (!ok) {
		backend_go_back(world, v->insn_rip);
		backend_inject(world, HW_TRAP_GP, 0);
	} else if (!write) {
		world->regs.rax = (u32)value;
		world->regs.rdx = value >> 32;
	}
}
