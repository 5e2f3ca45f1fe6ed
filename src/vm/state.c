// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's state in parts, for L and the VMM: read and written in L's page while the vCPU does
 * not run. The page is Linux's: what is checked is copied before.
 */
#include <hw/asm.h>
#include <hw/cr.h>
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/k.h>
#include <regent/pages.h>
#include <regent/sched.h>

#include "vm.h"

#define XSAVE_MXCSR		24
#define XSAVE_MXCSR_MASK	28
#define XSAVE_HEADER		512
#define XSAVE_HEADER_SIZE	64
#define MXCSR_MASK_DEFAULT	0xffbf
#define DR6_UPPER		0xffffffff00000000ull

static void get_regs(struct vcpu *v, struct regent_vcpu_regs *to)
{
	struct decode_regs r;
	u32 i;

	backend_get_regs(&v->world, &r);
	for (i = 0; i < 16; i++)
		to->gpr[i] = r.gpr[i];
	to->rip = r.rip;
	to->rflags = r.flags;
}

static void set_regs(struct vcpu *v, const struct regent_vcpu_regs *from)
{
	struct decode_regs r;
	u32 i;

	backend_get_regs(&v->world, &r);
	/* At the same instruction, what L reads for it is still to be put into a register. */
	if (r.rip != from->rip)
		v->pending = VCPU_NOTHING;
	for (i = 0; i < 16; i++)
		r.gpr[i] = from->gpr[i];
	r.flags = from->rflags;
	r.rip = from->rip;
	backend_set_regs(&v->world, &r);
}

/* The vCPU sees its own CR4.MCE, not K's. */
static void get_sregs(struct vcpu *v, struct regent_vcpu_sregs *to)
{
	struct regent_vcpu_sregs s = { 0 };

	backend_get_sregs(&v->world, &s);
	if (!v->mce)
		s.cr4 &= ~HW_CR4_MCE;
	if (v->has_apic) {
		s.apic_base = v->apic_base;
		s.cr8 = v->apic.reg[VAPIC_REG_TPR] >> 4;
	}
	*to = s;
}

static s64 set_sregs(struct vcpu *v, const struct regent_vcpu_sregs *from)
{
	struct backend_event e, none = { .type = REGENT_EVENT_NONE };
	struct regent_vcpu_sregs s = *from;
	s64 err;

	/* What is checked is what is used: the page is Linux's, and not read again. */
	asm volatile("" : : : "memory");
	if (v->has_apic && s.apic_base != v->apic_base && !vcpu_apic_base_valid(s.apic_base))
		return -REGENT_HC_EINVAL;
	err = backend_set_sregs(&v->world, &s);
	if (err)
		return err;
	if (v->has_apic) {
		vcpu_apic_force_base(v, s.apic_base);
		vapic_set_tpr(&v->apic, s.cr8 << 4);
	}
	v->mce = s.cr4 & HW_CR4_MCE;
	backend_vcpu_irq(&v->world, VCPU_IRQ_NONE);
	v->window = false;
	/* An interrupt whose delivery an exit has cut off is one that is queued, too. */
	backend_get_event(&v->world, &e);
	if (e.type == REGENT_EVENT_INTERRUPT)
		backend_set_event(&v->world, &none);
	return 0;
}

static s64 set_cpuid(struct vcpu *v, const struct regent_vcpu_page *page, u32 at, u32 count)
{
	u32 i;

	if (count > REGENT_VCPU_CPUIDS_AT_ONCE || at > REGENT_VCPU_CPUIDS - count)
		return -REGENT_HC_EINVAL;
	if (!v->cpuid)
		v->cpuid = pages_alloc(1);
	if (!v->cpuid)
		return -REGENT_HC_ENOSPC;
	for (i = 0; i < count; i++)
		v->cpuid[at + i] = page->cpuid[i];
	v->nr_cpuid = at + count;
	vcpu_forget_leaves(v);
	return 0;
}

static bool xsave_piece_valid(u32 at, u32 count)
{
	return count <= REGENT_VCPU_CHUNK && at <= k_params.xsave_size &&
	       count <= k_params.xsave_size - at;
}

static s64 get_xsave(struct vcpu *v, struct regent_vcpu_page *page, u32 at, u32 count)
{
	const u8 *area = v->world.area.xsave;
	u32 i;

	if (!xsave_piece_valid(at, count))
		return -REGENT_HC_EINVAL;
	for (i = 0; i < count; i++)
		page->bytes[i] = area[at + i];
	return 0;
}

/* Bits of MXCSR that this processor has: Intel SDM volume 1, "Guidelines for Writing to MXCSR" */
static u32 mxcsr_mask(void)
{
	u8 area[512] __attribute__((aligned(16)));
	u32 mask;

	hw_fxsave(area);
	mask = *(const u32 *)(area + XSAVE_MXCSR_MASK);
	return mask ?: MXCSR_MASK_DEFAULT;
}

/* XRSTOR and FXRSTOR of K's fault if what has no meaning is not zero. */
static void clean_xsave(struct vcpu *v)
{
	u8 *area = v->world.area.xsave;
	u32 *mxcsr = (u32 *)(area + XSAVE_MXCSR);
	u64 *header = (u64 *)(area + XSAVE_HEADER);
	u32 i;

	*mxcsr &= mxcsr_mask();
	if (!k_params.xcr0_all)
		return;
	header[0] &= k_params.xcr0_all;
	for (i = 1; i < XSAVE_HEADER_SIZE / sizeof(u64); i++)
		header[i] = 0;
}

static s64 set_xsave(struct vcpu *v, const struct regent_vcpu_page *page, u32 at, u32 count)
{
	u8 *area = v->world.area.xsave;
	u32 i;

	if (!xsave_piece_valid(at, count))
		return -REGENT_HC_EINVAL;
	for (i = 0; i < count; i++)
		area[at + i] = page->bytes[i];
	clean_xsave(v);
	return 0;
}

static void get_debug(const struct vcpu *v, struct regent_vcpu_debug *to)
{
	u32 i;

	for (i = 0; i < 4; i++)
		to->dr[i] = v->world.area.dr[i];
	backend_get_debug(&v->world, &to->dr6, &to->dr7);
	to->xcr0 = v->world.area.xcr0;
}

/*
 * A vCPU that is not loaded has its DR0 to DR3 in memory in any case; that they are its own,
 * and not Linux's, it has to be told when one of them does something.
 */
static s64 set_debug(struct vcpu *v, const struct regent_vcpu_debug *from)
{
	struct regent_vcpu_debug d = *(const volatile struct regent_vcpu_debug *)from;
	u32 i;

	if (d.xcr0 && !vcpu_xcr0_valid(d.xcr0))
		return -REGENT_HC_EINVAL;
	if ((d.dr6 | d.dr7) & DR6_UPPER)
		return -REGENT_HC_EINVAL;
	for (i = 0; i < 4; i++)
		v->world.area.dr[i] = d.dr[i];
	v->world.area.rare |= AREA_DEBUGS;
	backend_world_debugs(&v->world);
	backend_set_debug(&v->world, d.dr6, d.dr7);
	if (d.xcr0)
		v->world.area.xcr0 = d.xcr0;
	return 0;
}

static void get_events(struct vcpu *v, struct regent_vcpu_events *to)
{
	struct backend_event e;

	backend_get_event(&v->world, &e);
	vcpu_past_iret(v);
	*to = (struct regent_vcpu_events){
		.event = e.type, .vector = e.vector, .has_error = e.has_error,
		.error = e.error, .shadow = backend_in_shadow(&v->world), .nmis = v->nmis,
		.nmi_blocked = v->nmi_blocked, .mp_state = v->mp_state, .sipi = v->sipi,
	};
}

static s64 set_events(struct vcpu *v, const struct regent_vcpu_events *from)
{
	struct regent_vcpu_events n = *(const volatile struct regent_vcpu_events *)from;
	struct backend_event e = {
		.type = n.event, .vector = n.vector, .has_error = n.has_error, .error = n.error,
	};

	if (n.event > REGENT_EVENT_SOFT || n.vector > 255 || n.nmis > 2 || n.sipi > 255 ||
	    n.mp_state > REGENT_MP_HALTED || (n.mp_state && !v->has_apic))
		return -REGENT_HC_EINVAL;
	/* An exception is below 32, and not an NMI: VMRUN refuses what is not. */
	if (n.event == REGENT_EVENT_EXCEPTION && (n.vector > 31 || n.vector == HW_TRAP_NMI))
		return -REGENT_HC_EINVAL;
	backend_set_event(&v->world, &e);
	backend_set_shadow(&v->world, n.shadow);
	v->nmis = n.nmis;
	/* If it is at an IRET, it stays there. */
	if (v->nmi_blocked != !!n.nmi_blocked)
		vcpu_block_nmi(v, n.nmi_blocked);
	v->mp_state = n.mp_state;
	v->sipi = n.sipi;
	return 0;
}

static s64 get_msrs(struct vcpu *v, struct regent_vcpu_page *page, u32 count)
{
	u32 i;

	if (count > REGENT_VCPU_MSRS_AT_ONCE)
		return -REGENT_HC_EINVAL;
	for (i = 0; i < count; i++) {
		u64 index = *(const volatile u64 *)&page->msr[i].index, value = 0;

		if (vcpu_read_msr(v, index, &value) != VCPU_MSR_DONE)
			break;
		page->msr[i].value = value;
	}
	page->count = i;
	return 0;
}

static s64 set_msrs(struct vcpu *v, struct regent_vcpu_page *page, u32 count)
{
	u32 i;

	if (count > REGENT_VCPU_MSRS_AT_ONCE)
		return -REGENT_HC_EINVAL;
	for (i = 0; i < count; i++) {
		struct regent_vcpu_msr m = *(const volatile struct regent_vcpu_msr *)&page->msr[i];

		if (vcpu_write_msr(v, m.index, m.value, true) != VCPU_MSR_DONE)
			break;
	}
	page->count = i;
	return 0;
}

static s64 get_part(struct cpu *cpu, struct vcpu *v, u64 part)
{
	struct regent_vcpu_page *page = vcpu_page(cpu, v);
	u32 at = *(const volatile u32 *)&page->at, count = *(const volatile u32 *)&page->count;

	switch (part) {
	case REGENT_VCPU_REGS:
		get_regs(v, &page->regs);
		return 0;
	case REGENT_VCPU_SREGS:
		get_sregs(v, &page->sregs);
		return 0;
	case REGENT_VCPU_XSAVE:
		return get_xsave(v, page, at, count);
	case REGENT_VCPU_DEBUG:
		get_debug(v, &page->debug);
		return 0;
	case REGENT_VCPU_EVENTS:
		get_events(v, &page->events);
		return 0;
	case REGENT_VCPU_APIC:
		return vcpu_apic_get(v, &page->apic);
	case REGENT_VCPU_MSRS:
		return get_msrs(v, page, count);
	}
	return -REGENT_HC_EINVAL;
}

static s64 set_part(struct cpu *cpu, struct vcpu *v, u64 part)
{
	struct regent_vcpu_page *page = vcpu_page(cpu, v);
	u32 at = *(const volatile u32 *)&page->at, count = *(const volatile u32 *)&page->count;
	s64 err;

	switch (part) {
	case REGENT_VCPU_REGS:
		set_regs(v, &page->regs);
		return 0;
	case REGENT_VCPU_SREGS:
		err = set_sregs(v, &page->sregs);
		if (!err)
			vcpu_take_irq(v, page);
		return err;
	case REGENT_VCPU_CPUID:
		return set_cpuid(v, page, at, count);
	case REGENT_VCPU_XSAVE:
		return set_xsave(v, page, at, count);
	case REGENT_VCPU_DEBUG:
		return set_debug(v, &page->debug);
	case REGENT_VCPU_EVENTS:
		return set_events(v, &page->events);
	case REGENT_VCPU_APIC:
		return vcpu_apic_set(v, &page->apic);
	case REGENT_VCPU_MSRS:
		return set_msrs(v, page, count);
	}
	return -REGENT_HC_EINVAL;
}

/**
 * vcpu_get() - see REGENT_HC_VCPU_GET
 * @cpu: this CPU
 * @id: any number
 * @part: enum regent_vcpu_part, or any number
 *
 * Return: 0 or a negative REGENT_HC_E*.
 */
s64 vcpu_get(struct cpu *cpu, u64 id, u64 part)
{
	s64 err = 0;
	struct vcpu *v = vcpu_claim(cpu, id, &err);

	if (!v)
		return err;
	if (v->has_apic)
		vcpu_apic_absorb(v);
	err = get_part(cpu, v, part);
	vcpu_unclaim(cpu, v);
	return err;
}

/**
 * vcpu_set() - see REGENT_HC_VCPU_SET
 * @cpu: this CPU
 * @id: any number
 * @part: enum regent_vcpu_part, or any number
 *
 * Return: 0 or a negative REGENT_HC_E*.
 */
s64 vcpu_set(struct cpu *cpu, u64 id, u64 part)
{
	s64 err = 0;
	struct vcpu *v = vcpu_claim(cpu, id, &err);

	if (!v)
		return err;
	/* What has been posted stays so: it is as if it came a moment later. */
	err = set_part(cpu, v, part);
	if (!err)
		vcpu_tell_state(cpu, v);
	vcpu_unclaim(cpu, v);
	return err;
}
