// SPDX-License-Identifier: GPL-2.0-only
/*
 * L's side of SVM: is it there and free, and switching it on and off on a CPU.
 * AMD APM volume 2, "Secure Virtual Machine", "Enabling SVM".
 */
#include <linux/cc_platform.h>
#include <linux/mm.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>

#include <hw/cr.h>
#include <hw/pte.h>
#include <regent/prep.h>

#include "l.h"
#include "native.h"
#include "../src/svm/svm.h"

extern const u8 regent_k_svm[], regent_k_svm_end[];

#define CPUID_SVM		0x8000000a
#define CPUID_SVM_NPT		(1u << 0)
#define CPUID_ENCRYPTION	0x8000001f
#define SYSCFG_SNP		(1ull << 24)
#define TSC_RATIO_ONE		(1ull << 32)
#define MSR_SEV_STATUS		0xc0010131

/* svm_trampoline.S */
extern const char regent_trampoline_start[], regent_trampoline_end[];
extern const char regent_resume[], regent_trampoline_out[];
long regent_trampoline_enter(u64 cr3, u64 entry, u64 stack, u64 cpu_va, u64 cr4);
long regent_trampoline_leave(void);
long regent_vmmcall(u64 nr, u64 a, u64 b);

static bool svm_is_this_cpu(void)
{
	return boot_cpu_data.x86_vendor == X86_VENDOR_AMD ||
	       boot_cpu_data.x86_vendor == X86_VENDOR_HYGON;
}

static const char *svm_probe_machine(void)
{
	if (!boot_cpu_has(X86_FEATURE_SVM))
		return "this CPU does not offer SVM (or a hypervisor below hides it); enable it in the firmware, or nested virtualization below";
	return NULL;
}

static u32 svm_features(u32 found)
{
	return found;
}

/*
 * K maps memory as it finds it. That is wrong where Linux has the encryption bit set in its own
 * tables, or memory has owners; not where the firmware only allows that, as it often does
 * (SYSCFG.MemEncryptionModEn).
 */
static const char *svm_encryption(void)
{
	u64 v;

	if (cpuid_eax(0x80000000) < CPUID_ENCRYPTION || !(cpuid_eax(CPUID_ENCRYPTION) & 3))
		return NULL;
	if (cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT) ||
	    (!rdmsrl_safe(MSR_SEV_STATUS, &v) && (v & 1)))
		return "this machine is an encrypted guest (SEV); start it without SEV";
	if (cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT))
		return "Linux encrypts its memory (SME); boot with mem_encrypt=off";
	if (!rdmsrl_safe(MSR_AMD64_SYSCFG, &v) && (v & SYSCFG_SNP))
		return "memory has owners (SEV-SNP); switch SNP off in the firmware's setup";
	return NULL;
}

static const char *svm_probe_cpu(void)
{
	u64 v;

	if (cpuid_eax(0x80000000) < CPUID_SVM ||
	    !(cpuid_edx(CPUID_SVM) & CPUID_SVM_NPT))
		return "SVM without nested paging; Regent needs a CPU with NPT";
	if (cpuid_ebx(CPUID_SVM) <= SVM_ASID_HOST)
		return "SVM without address space identifiers; use another CPU or hypervisor below";
	if (rdmsrl_safe(MSR_VM_CR, &v) || (v & HW_VM_CR_SVMDIS))
		return "the firmware has switched SVM off; enable SVM (AMD-V) in its setup";
	if (rdmsrl_safe(MSR_EFER, &v) || (v & EFER_SVME))
		return "another hypervisor owns SVM (EFER.SVME is set); if it is KVM: modprobe -r kvm_amd";
	if (!rdmsrl_safe(MSR_AMD64_TSC_RATIO, &v) && v && v != TSC_RATIO_ONE)
		return "the TSC ratio for guests is not 1 (MSR C0000104), which would change Linux's clock; reboot";
#ifdef X86_CR4_FRED
	if (__read_cr4() & X86_CR4_FRED)
		return "FRED event delivery is on; boot with fred=off";
#endif
	return svm_encryption();
}

static int svm_machine(void)
{
	u8 *msrpm = donated_pages(MSR_BITMAP_SIZE / PAGE_SIZE);
	u8 *forward_msrpm = donated_pages(MSR_BITMAP_SIZE / PAGE_SIZE);
	u8 *guest_msrpm = donated_pages(MSR_BITMAP_SIZE / PAGE_SIZE);
	u8 *iopm = donated_pages(SVM_IOPM_SIZE / PAGE_SIZE);
	u64 *backend = regent.params->backend;

	if (!msrpm || !forward_msrpm || !guest_msrpm || !iopm)
		return -ENOMEM;
	svm_prepare_machine(msrpm, forward_msrpm, guest_msrpm, iopm);
	backend[SVM_PARAM_MSRPM] = donated_pa(msrpm);
	backend[SVM_PARAM_FORWARD_MSRPM] = donated_pa(forward_msrpm);
	backend[SVM_PARAM_GUEST_MSRPM] = donated_pa(guest_msrpm);
	backend[SVM_PARAM_IOPM] = donated_pa(iopm);
	backend[SVM_PARAM_ASIDS] = cpuid_ebx(CPUID_SVM);
	return 0;
}

static int svm_cpu(struct regent_handoff *h, u64 area)
{
	u8 *blocks = donated_pages(2);
	u8 *hsave = donated_pages(1);
	int err;

	if (!blocks || !hsave)
		return -ENOMEM;
	h->backend_pa[SVM_PA_VMCB] = donated_pa(blocks);
	h->backend_pa[SVM_PA_HOST_VMCB] = donated_pa(blocks + PAGE_SIZE);
	h->backend_pa[SVM_PA_HSAVE] = donated_pa(hsave);
	err = k_map(area + REGENT_PERCPU_BACKEND, donated_pa(blocks), 2 * PAGE_SIZE,
		    HW_PTE_K_DATA);
	if (err)
		return err;
	svm_prepare_cpu(blocks, blocks + PAGE_SIZE, h, regent.params, area);
	return 0;
}

static noinstr long svm_enter(struct regent_handoff *h)
{
	l_wrmsr(MSR_EFER, h->state.efer | EFER_SVME);
	l_wrmsr(MSR_VM_HSAVE_PA, h->backend_pa[SVM_PA_HSAVE]);
	return regent_trampoline_enter(h->cr3, regent.header->entry, h->stack_top,
				       h->cpu_va, h->cr4);
}

static noinstr long svm_come_back(void)
{
	return regent_trampoline_leave();
}

/* K has put EFER back as Linux wants it; SVME had to stay for STGI. */
static noinstr void svm_disable(struct regent_handoff *h)
{
	u64 efer = l_rdmsr(MSR_EFER);

	l_wrmsr(MSR_VM_HSAVE_PA, h->hsave_found);
	l_wrmsr(MSR_EFER, efer & ~EFER_SVME);
}

/* Called through a pointer, which an assembler's function has no hash and no ENDBR for. */
static long svm_hypercall(u64 nr, u64 a, u64 b)
{
	return regent_vmmcall(nr, a, b);
}

const struct l_backend l_backend_svm = {
	.name = "svm",
	.image = regent_k_svm,
	.image_end = regent_k_svm_end,
	.kvm_is_loaded = "KVM is loaded; stop its VMs, then: modprobe -r kvm_amd kvm (regentctl enter does it)",
	.nested = &npt_kind_svm,
	.resume = regent_resume,
	.out = regent_trampoline_out,
	.mapped = regent_trampoline_start,
	.mapped_end = regent_trampoline_end,
	.is_this_cpu = svm_is_this_cpu,
	.probe_machine = svm_probe_machine,
	.probe_cpu = svm_probe_cpu,
	.features = svm_features,
	.prepare_machine = svm_machine,
	.prepare_cpu = svm_cpu,
	.enter = svm_enter,
	.leave = svm_come_back,
	.disable = svm_disable,
	.hypercall = svm_hypercall,
};
