// SPDX-License-Identifier: GPL-2.0-only
/*
 * The probe: can this machine be taken over? It touches nothing. Each refusal
 * is one line that says what to do.
 */
#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/module.h>
#include <linux/smp.h>
#include <asm/cpufeature.h>
#include <asm/hypervisor.h>
#include <asm/msr.h>

#include "l.h"

#define CPUID_INVLPGB	(1u << 3)	/* 8000_0008 EBX */
#define CPUID_CET_SS	(1u << 7)	/* 7 ECX */

static const char *probe_reason;

/*
 * The first CPU's reason is the one to tell. All CPUs come here in an interrupt at once,
 * where a spinlock would sleep on PREEMPT_RT.
 */
static void probe_refuse(const char *why)
{
	cmpxchg(&probe_reason, NULL, why);
}

static const char *probe_alike(void)
{
	const struct cpuinfo_x86 *c = &cpu_data(smp_processor_id());

	/* Linux compared the CPUs at boot; what remains is what it tolerates. */
	if (c->x86 != boot_cpu_data.x86 || c->x86_model != boot_cpu_data.x86_model ||
	    c->x86_stepping != boot_cpu_data.x86_stepping ||
	    c->x86_phys_bits != boot_cpu_data.x86_phys_bits)
		return "not every CPU is alike; Regent needs CPUs of one model";
	return NULL;
}

static void probe_this_cpu(void *unused)
{
	const char *why = probe_alike();

	if (!why)
		why = regent.backend->probe_cpu();
	if (why)
		probe_refuse(why);
}

static int probe_machine(void)
{
	static const struct l_backend *const backends[] = { &l_backend_svm, &l_backend_vmx };
	const char *why;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(backends); i++)
		if (backends[i]->is_this_cpu())
			regent.backend = backends[i];
	if (!regent.backend)
		return step_refused("this CPU has neither AMD's SVM nor Intel's VMX; use another machine");
	why = regent.backend->probe_machine();
	if (why)
		return step_refused(why);
	if (x86_hyper_type == X86_HYPER_XEN_HVM)
		return step_refused("Linux is a guest of Xen, whose hypercalls need Linux's own page tables; use another hypervisor below");
	if (num_possible_cpus() > REGENT_MAX_CPUS)
		return step_refused("more CPUs than Regent knows how to hold; boot with nr_cpus=4096");
	return 0;
}

/**
 * probe_features() - REGENT_FEAT_* of this machine
 */
u32 probe_features(void)
{
	u32 f = 0;

	if (boot_cpu_has(X86_FEATURE_NRIPS))
		f |= REGENT_FEAT_NRIPS;
	if (boot_cpu_has(X86_FEATURE_DECODEASSISTS))
		f |= REGENT_FEAT_DECODE;
	if (boot_cpu_has(X86_FEATURE_FLUSHBYASID))
		f |= REGENT_FEAT_FLUSH_ASID;
	if (boot_cpu_has(X86_FEATURE_VMCBCLEAN))
		f |= REGENT_FEAT_CLEAN_BITS;
	if (boot_cpu_has(X86_FEATURE_PAUSEFILTER))
		f |= REGENT_FEAT_PAUSE_FILTER;
	if (boot_cpu_has(X86_FEATURE_PFTHRESHOLD))
		f |= REGENT_FEAT_PAUSE_THRESHOLD;
	if (boot_cpu_has(X86_FEATURE_GBPAGES))
		f |= REGENT_FEAT_1G;
	if (boot_cpu_has(X86_FEATURE_TSC_DEADLINE_TIMER))
		f |= REGENT_FEAT_DEADLINE;
	if (boot_cpu_has(X86_FEATURE_HYPERVISOR))
		f |= REGENT_FEAT_L0;
	if (boot_cpu_has(X86_FEATURE_HYPERVISOR) && hypervisor_cpuid_base("TCGTCGTCGTCG", 0))
		f |= REGENT_FEAT_TCG;
	if (boot_cpu_has(X86_FEATURE_V_SPEC_CTRL))
		f |= REGENT_FEAT_V_SPEC_CTRL;
	if (cpuid_ebx(0x80000008) & CPUID_INVLPGB)
		f |= REGENT_FEAT_INVLPGB;
	if (cpuid_ecx(7) & CPUID_CET_SS)
		f |= REGENT_FEAT_CET;
	if (__read_cr4() & X86_CR4_LA57)
		f |= REGENT_FEAT_LA57;
	return regent.backend->features(f);
}

/**
 * probe_do() - refuse what cannot be taken over
 *
 * Process context. Return: 0 or -EOPNOTSUPP, the reason being in the log.
 */
int probe_do(void)
{
	int err = probe_machine();

	if (err)
		return err;
	probe_reason = NULL;
	on_each_cpu(probe_this_cpu, NULL, 1);
	return probe_reason ? step_refused(probe_reason) : 0;
}
