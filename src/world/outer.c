// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Linux has agreed with the KVM below it, and K cannot have meanwhile: some
 * bits of KVM's own MSRs are off there, while Linux reads what it has written.
 * Linux's Documentation/virt/kvm/x86/msr.rst.
 */
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/outer.h>

static const struct {
	u32 msr;
	u64 bits;
} agreed[OUTER_AGREEMENTS] = {
	/* Interrupts ended by a bit in Linux's memory, where K does not see it */
	[OUTER_PV_EOI] = { MSR_REG_KVM_PV_EOI, 1 << 0 },
	/* An exit to K, as #PF, when memory of Linux's is not there yet: KVM waits instead */
	[OUTER_ASYNC_PF] = { MSR_REG_KVM_ASYNC_PF, 1 << 2 },
};

/**
 * outer_suspend() - make it not so, for now
 * @cpu: this CPU
 * @what: an agreement that is not suspended
 */
void outer_suspend(struct cpu *cpu, enum outer_agreement what)
{
	u64 *value = &cpu->outer[what];

	*value = 0;
	if (!k_has(REGENT_FEAT_OUTER))
		return;
	cpu->outer_suspended |= 1 << what;
	if (guarded_rdmsr(agreed[what].msr, value) && (*value & agreed[what].bits))
		guarded_wrmsr(agreed[what].msr, *value & ~agreed[what].bits);
}

/**
 * outer_resume() - as Linux wants it
 * @cpu: this CPU
 * @what: an agreement; one that is not suspended stays as it is
 */
void outer_resume(struct cpu *cpu, enum outer_agreement what)
{
	if ((cpu->outer_suspended & 1 << what) && (cpu->outer[what] & agreed[what].bits))
		guarded_wrmsr(agreed[what].msr, cpu->outer[what]);
	cpu->outer_suspended &= ~(1 << what);
}

/* What is written is for later; whether it may be, is not. */
static int shadowed(struct cpu *cpu, int what, struct msr_access *a)
{
	if (a->write && !guarded_wrmsr(a->index, a->value & ~agreed[what].bits))
		return -1;
	if (a->write)
		cpu->outer[what] = a->value;
	else if (!guarded_rdmsr(a->index, &a->value))
		return -1;
	a->value = cpu->outer[what];
	return 1;
}

/**
 * outer_msr() - Linux's access to an MSR of KVM's
 * @cpu: this CPU
 * @a: the access; a read puts the value there
 *
 * Return: 1 done, 0 nothing is suspended there, -1 Linux gets #GP.
 */
int outer_msr(struct cpu *cpu, struct msr_access *a)
{
	int what;

	for (what = 0; what < OUTER_AGREEMENTS; what++)
		if (a->index == agreed[what].msr && (cpu->outer_suspended & 1 << what))
			return shadowed(cpu, what, a);
	return 0;
}
