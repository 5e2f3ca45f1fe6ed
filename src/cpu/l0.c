// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paravirtual features that Linux has enabled in the KVM below it and that K must suspend: K
 * clears their enable bits in KVM's MSRs, while Linux reads back what it has written. Linux's
 * Documentation/virt/kvm/x86/msr.rst.
 */
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/l0.h>

static const struct {
	u32 msr;
	u64 bits;
} agreed[L0_AGREEMENTS] = {
	/* Linux would end interrupts by a bit in its memory, which K does not see. */
	[L0_PV_EOI] = { MSR_REG_KVM_PV_EOI, 1 << 0 },
	/*
	 * KVM would give K a #PF as an exit when memory of Linux's is not present yet. With this
	 * bit clear KVM waits for the memory instead.
	 */
	[L0_ASYNC_PF] = { MSR_REG_KVM_ASYNC_PF, 1 << 2 },
};

/**
 * l0_suspend() - switch off a paravirtual feature of L0's for now
 * @cpu: this CPU
 * @what: the feature, which is not suspended
 *
 * Without an L0 there is nothing to do.
 */
void l0_suspend(struct cpu *cpu, enum l0_agreement what)
{
	u64 *value = &cpu->l0[what];

	*value = 0;
	if (!k_has(REGENT_FEAT_L0))
		return;
	cpu->l0_suspended |= 1 << what;
	if (guarded_rdmsr(agreed[what].msr, value) && (*value & agreed[what].bits))
		guarded_wrmsr(agreed[what].msr, *value & ~agreed[what].bits);
}

/**
 * l0_resume() - give Linux a paravirtual feature of L0's back, as Linux has it set
 * @cpu: this CPU
 * @what: the feature; if it is not suspended, nothing is done
 */
void l0_resume(struct cpu *cpu, enum l0_agreement what)
{
	if ((cpu->l0_suspended & 1 << what) && (cpu->l0[what] & agreed[what].bits))
		guarded_wrmsr(agreed[what].msr, cpu->l0[what]);
	cpu->l0_suspended &= ~(1 << what);
}

/*
 * While a feature is suspended, keep what Linux writes for l0_resume(). KVM checks the value now:
 * write it there without the enable bit.
 */
static int shadowed_msr(struct cpu *cpu, int what, struct msr_access *a)
{
	if (a->write && !guarded_wrmsr(a->index, a->value & ~agreed[what].bits))
		return -1;
	if (a->write)
		cpu->l0[what] = a->value;
	else if (!guarded_rdmsr(a->index, &a->value))
		return -1;
	a->value = cpu->l0[what];
	return 1;
}

/**
 * l0_msr() - emulate Linux's access to the MSR of a suspended feature
 * @cpu: this CPU
 * @a: the access to any MSR; a read stores the value here
 *
 * Return: 1: done; 0: no suspended feature has this MSR; -1: Linux gets #GP.
 */
int l0_msr(struct cpu *cpu, struct msr_access *a)
{
	int what;

	for (what = 0; what < L0_AGREEMENTS; what++)
		if (a->index == agreed[what].msr && (cpu->l0_suspended & 1 << what))
			return shadowed_msr(cpu, what, a);
	return 0;
}
