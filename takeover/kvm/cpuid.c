// SPDX-License-Identifier: GPL-2.0-only
/*
 * What CPUID can show to a VM: what the processor has, Linux has not turned off, and works in a
 * VM. The masks name what works. A new feature is off until it is named, because it may need an
 * MSR or a control bit that K keeps for itself.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xcr.h>
#include <asm/kvm_para.h>
#include <asm/processor.h>

#include "kvm.h"

#define CPUID_ENTRIES	128	/* room for all, and more */
#define CPUID_CACHES	16	/* subleaves of a leaf that lists caches, at most */
#define CPUID_BASIC	0xd	/* what is above is about nothing that a VM has */
#define CPUID_EXTENDED	0x80000021

/* The components that a vCPU can have in XCR0: not PKRU, whose CR4 bit it has not. */
#define CPUID_XCR0	(XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512)

/* Bits of leaf 0x80000021; Linux 6.1 has no names for them */
#define CPUID_NO_NESTED_DATA_BP		BIT(0)
#define CPUID_LFENCE_SERIALIZES		BIT(2)
#define CPUID_NULL_SELECTOR_CLEARS	BIT(6)
#define CPUID_NO_SMM_CTL_MSR		BIT(9)

#define FEATURE(name)	(1u << (X86_FEATURE_##name & 31))

/* Not PCID and MONITOR; OSXSAVE is K's to show. */
#define WORKS_1_ECX							\
	(FEATURE(XMM3) | FEATURE(PCLMULQDQ) | FEATURE(SSSE3) | FEATURE(FMA) |		\
	 FEATURE(CX16) | FEATURE(XMM4_1) | FEATURE(XMM4_2) | FEATURE(MOVBE) |		\
	 FEATURE(POPCNT) | FEATURE(AES) | FEATURE(XSAVE) | FEATURE(AVX) |		\
	 FEATURE(F16C) | FEATURE(RDRAND))

/* Bits that leaf 0x80000001 repeats */
#define WORKS_EDX							\
	(FEATURE(FPU) | FEATURE(VME) | FEATURE(DE) | FEATURE(PSE) | FEATURE(TSC) |	\
	 FEATURE(MSR) | FEATURE(PAE) | FEATURE(MCE) | FEATURE(CX8) | FEATURE(APIC) |	\
	 FEATURE(MTRR) | FEATURE(PGE) | FEATURE(MCA) | FEATURE(CMOV) | FEATURE(PAT) |	\
	 FEATURE(PSE36) | FEATURE(MMX) | FEATURE(FXSR))

#define WORKS_1_EDX							\
	(WORKS_EDX | FEATURE(SEP) | FEATURE(CLFLUSH) | FEATURE(XMM) | FEATURE(XMM2) |	\
	 FEATURE(SELFSNOOP))

#define WORKS_7_EBX							\
	(FEATURE(FSGSBASE) | FEATURE(BMI1) | FEATURE(HLE) | FEATURE(AVX2) |		\
	 FEATURE(FDP_EXCPTN_ONLY) | FEATURE(SMEP) | FEATURE(BMI2) | FEATURE(ERMS) |	\
	 FEATURE(RTM) | FEATURE(ZERO_FCS_FDS) | FEATURE(AVX512F) | FEATURE(AVX512DQ) |	\
	 FEATURE(RDSEED) | FEATURE(ADX) | FEATURE(SMAP) | FEATURE(AVX512IFMA) |		\
	 FEATURE(CLFLUSHOPT) | FEATURE(CLWB) | FEATURE(AVX512CD) | FEATURE(SHA_NI) |	\
	 FEATURE(AVX512BW) | FEATURE(AVX512VL))

#define WORKS_7_ECX							\
	(FEATURE(AVX512VBMI) | FEATURE(UMIP) | FEATURE(AVX512_VBMI2) | FEATURE(GFNI) |	\
	 FEATURE(VAES) | FEATURE(VPCLMULQDQ) | FEATURE(AVX512_VNNI) |			\
	 FEATURE(AVX512_BITALG) | FEATURE(AVX512_VPOPCNTDQ) | FEATURE(RDPID) |		\
	 FEATURE(CLDEMOTE) | FEATURE(MOVDIRI) | FEATURE(MOVDIR64B))

#define WORKS_7_EDX							\
	(FEATURE(FSRM) | FEATURE(AVX512_VP2INTERSECT) | FEATURE(SERIALIZE) |		\
	 FEATURE(AVX512_FP16))

#define WORKS_7_1_EAX	(FEATURE(AVX_VNNI) | FEATURE(AVX512_BF16))

/* Not XSAVES: a vCPU has no XSS. */
#define WORKS_D_1_EAX	(FEATURE(XSAVEOPT) | FEATURE(XSAVEC) | FEATURE(XGETBV1))

#define WORKS_8000_0001_ECX						\
	(FEATURE(LAHF_LM) | FEATURE(CMP_LEGACY) | FEATURE(CR8_LEGACY) | FEATURE(ABM) |	\
	 FEATURE(SSE4A) | FEATURE(MISALIGNSSE) | FEATURE(3DNOWPREFETCH) | FEATURE(XOP) | \
	 FEATURE(FMA4) | FEATURE(TBM) | FEATURE(TOPOEXT))

/* Not FXSR_OPT: a vCPU's EFER has no FFXSR. */
#define WORKS_8000_0001_EDX						\
	(WORKS_EDX | FEATURE(SYSCALL) | FEATURE(NX) | FEATURE(MMXEXT) |			\
	 FEATURE(GBPAGES) | FEATURE(RDTSCP) | FEATURE(LM) | FEATURE(3DNOWEXT) |		\
	 FEATURE(3DNOW))

#define WORKS_8000_0008_EBX						\
	(FEATURE(CLZERO) | FEATURE(XSAVEERPTR) | FEATURE(WBNOINVD) | FEATURE(AMD_SSB_NO))

/**
 * struct cpuid_list - the answer to KVM_GET_SUPPORTED_CPUID
 * @n: number of entries; more than CPUID_ENTRIES if they did not fit
 * @entry: the entries
 */
struct cpuid_list {
	u32 n;
	struct kvm_cpuid_entry2 entry[CPUID_ENTRIES];
};

static bool cpuid_indexed(u32 function)
{
	return function == 4 || function == 7 || function == 0xb || function == 0xd ||
	       function == 0x8000001d;
}

/* An entry of zeros. The last one is written again where there is no room. */
static struct kvm_cpuid_entry2 *cpuid_add(struct cpuid_list *list, u32 function, u32 index)
{
	struct kvm_cpuid_entry2 *e = &list->entry[min(list->n++, CPUID_ENTRIES - 1u)];

	*e = (struct kvm_cpuid_entry2){
		.function = function, .index = index,
		.flags = cpuid_indexed(function) ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
	};
	return e;
}

static struct kvm_cpuid_entry2 *cpuid_add_host(struct cpuid_list *list, u32 function, u32 index)
{
	struct kvm_cpuid_entry2 *e = cpuid_add(list, function, index);

	cpuid_count(function, index, &e->eax, &e->ebx, &e->ecx, &e->edx);
	return e;
}

/* Of what the processor shows in a register, what Linux has not turned off, and works */
static u32 cpuid_features(u32 shown, enum cpuid_leafs word, u32 works)
{
	return shown & boot_cpu_data.x86_capability[word] & works;
}

/* APIC ID and number of threads are the VMM's to say. */
static void cpuid_add_1(struct cpuid_list *list)
{
	struct kvm_cpuid_entry2 *e = cpuid_add_host(list, 1, 0);

	e->ebx &= 0xffff;
	/* L and K make x2APICs, whatever the processor has. */
	e->ecx = cpuid_features(e->ecx, CPUID_1_ECX, WORKS_1_ECX) | FEATURE(X2APIC) |
		 FEATURE(HYPERVISOR);
	e->edx = cpuid_features(e->edx, CPUID_1_EDX, WORKS_1_EDX);
}

static void cpuid_add_7(struct cpuid_list *list)
{
	struct kvm_cpuid_entry2 *e = cpuid_add_host(list, 7, 0);
	bool more = e->eax;

	e->eax = more;
	e->ebx = cpuid_features(e->ebx, CPUID_7_0_EBX, WORKS_7_EBX);
	e->ecx = cpuid_features(e->ecx, CPUID_7_ECX, WORKS_7_ECX);
	e->edx = cpuid_features(e->edx, CPUID_7_EDX, WORKS_7_EDX);
	if (!more)
		return;
	e = cpuid_add_host(list, 7, 1);
	e->eax = cpuid_features(e->eax, CPUID_7_1_EAX, WORKS_7_1_EAX);
	e->ebx = e->ecx = e->edx = 0;
}

/* Caches: the first subleaf without one ends the list. */
static void cpuid_add_caches(struct cpuid_list *list, u32 function)
{
	u32 i;

	for (i = 0; i < CPUID_CACHES; i++)
		if (!(cpuid_add_host(list, function, i)->eax & 0x1f))
			return;
}

/* Each component's subleaf. Returns the size of them all, as XSAVE and as XSAVEC write them. */
static void cpuid_add_components(struct cpuid_list *list, u64 xcr0, u32 *standard, u32 *compact)
{
	u32 i;

	*standard = *compact = sizeof(struct fxregs_state) + sizeof(struct xstate_header);
	for (i = XFEATURE_YMM; i < 64; i++) {
		struct kvm_cpuid_entry2 *e;

		if (!(xcr0 >> i & 1))
			continue;
		e = cpuid_add_host(list, 0xd, i);
		*standard = max(*standard, e->ebx + e->eax);
		*compact = (e->ecx & 2 ? ALIGN(*compact, 64) : *compact) + e->eax;
		e->ecx &= 2;
		e->edx = 0;
	}
}

/* The sizes are those for all components; K shows those for the vCPU's XCR0. */
static void cpuid_add_d(struct cpuid_list *list)
{
	struct kvm_cpuid_entry2 *all = cpuid_add(list, 0xd, 0), *more;
	u32 standard, compact;
	u64 xcr0;

	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return;
	xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK) & CPUID_XCR0;
	more = cpuid_add_host(list, 0xd, 1);
	more->eax = cpuid_features(more->eax, CPUID_D_1_EAX, WORKS_D_1_EAX);
	more->ecx = more->edx = 0;
	cpuid_add_components(list, xcr0, &standard, &compact);
	all->eax = xcr0;
	all->edx = xcr0 >> 32;
	all->ebx = all->ecx = standard;
	more->ebx = more->eax & FEATURE(XSAVEC) ? compact : 0;
}

static void cpuid_add_basic(struct cpuid_list *list, u32 function)
{
	switch (function) {
	case 1:
		cpuid_add_1(list);
		break;
	case 2:
		cpuid_add_host(list, function, 0);
		break;
	case 4:
		cpuid_add_caches(list, function);
		break;
	case 6:
		cpuid_add(list, function, 0)->eax = FEATURE(ARAT);
		break;
	case 7:
		cpuid_add_7(list);
		break;
	case 0xd:
		cpuid_add_d(list);
		break;
	default:
		cpuid_add(list, function, 0);
	}
}

static void cpuid_add_8000_0001(struct cpuid_list *list)
{
	struct kvm_cpuid_entry2 *e = cpuid_add_host(list, 0x80000001, 0);

	e->ebx &= ~GENMASK(27, 16);
	e->ecx = cpuid_features(e->ecx, CPUID_8000_0001_ECX, WORKS_8000_0001_ECX);
	e->edx = cpuid_features(e->edx, CPUID_8000_0001_EDX, WORKS_8000_0001_EDX);
}

/* Of the addresses' widths, the virtual one is without LA57. As KVM, the number of cores stays. */
static void cpuid_add_8000_0008(struct cpuid_list *list)
{
	struct kvm_cpuid_entry2 *e = cpuid_add_host(list, 0x80000008, 0);

	e->eax = (e->eax & 0xff) | 48 << 8;
	e->ebx = cpuid_features(e->ebx, CPUID_8000_0008_EBX, WORKS_8000_0008_EBX);
	e->ecx &= 0xf0ff;
	e->edx = 0;
}

/* Linux knows of two of these bits from elsewhere, as well. */
static void cpuid_add_8000_0021(struct cpuid_list *list, bool shown)
{
	struct kvm_cpuid_entry2 *e = shown ? cpuid_add_host(list, 0x80000021, 0) :
					     cpuid_add(list, 0x80000021, 0);

	e->eax &= CPUID_NO_NESTED_DATA_BP | CPUID_LFENCE_SERIALIZES |
		  CPUID_NULL_SELECTOR_CLEARS;
	e->eax |= CPUID_NO_SMM_CTL_MSR;
	if (boot_cpu_has(X86_FEATURE_LFENCE_RDTSC))
		e->eax |= CPUID_LFENCE_SERIALIZES;
	if (!boot_cpu_has_bug(X86_BUG_NULL_SEG))
		e->eax |= CPUID_NULL_SELECTOR_CLEARS;
	e->ebx = e->ecx = e->edx = 0;
}

static void cpuid_add_extended(struct cpuid_list *list, u32 function, u32 last)
{
	struct kvm_cpuid_entry2 *e;

	switch (function) {
	case 0x80000001:
		cpuid_add_8000_0001(list);
		break;
	case 0x80000002 ... 0x80000006:		/* name, caches, TLBs */
		cpuid_add_host(list, function, 0);
		break;
	case 0x80000007:
		e = cpuid_add_host(list, function, 0);
		e->eax = e->ebx = e->ecx = 0;
		e->edx &= boot_cpu_data.x86_power & BIT(8);	/* the TSC never stops */
		break;
	case 0x80000008:
		cpuid_add_8000_0008(list);
		break;
	case 0x80000019:			/* TLBs of 1 GiB */
		e = cpuid_add_host(list, function, 0);
		e->ecx = e->edx = 0;
		break;
	case 0x8000001a:			/* widths at which SSE and AVX are fast */
		e = cpuid_add_host(list, function, 0);
		e->eax &= 7;
		e->ebx = e->ecx = e->edx = 0;
		break;
	case 0x8000001d:
		cpuid_add_caches(list, function);
		break;
	case 0x80000021:
		cpuid_add_8000_0021(list, last >= function);
		break;
	default:
		cpuid_add(list, function, 0);
	}
}

static void cpuid_add_all_basic(struct cpuid_list *list)
{
	struct kvm_cpuid_entry2 *first = cpuid_add_host(list, 0, 0);
	u32 i;

	first->eax = min_t(u32, first->eax, CPUID_BASIC);
	for (i = 1; i <= first->eax; i++)
		cpuid_add_basic(list, i);
}

/*
 * Leaf 0x80000021 is made up where the processor has none, unless it is so old that leaf
 * 0x8000001d is missing, too: QEMU takes that one from the processor itself.
 */
static void cpuid_add_all_extended(struct cpuid_list *list)
{
	struct kvm_cpuid_entry2 *first = cpuid_add_host(list, 0x80000000, 0);
	u32 last = first->eax, i;

	first->eax = last >= 0x8000001d ? CPUID_EXTENDED : last;
	for (i = 0x80000001; i <= first->eax; i++)
		cpuid_add_extended(list, i, last);
}

/* For a Linux in the VM: there is KVM, and of its own features these. */
static void cpuid_add_all_kvm(struct cpuid_list *list)
{
	struct kvm_cpuid_entry2 *e = cpuid_add(list, KVM_CPUID_SIGNATURE, 0);

	e->eax = KVM_CPUID_FEATURES;
	memcpy(&e->ebx, KVM_SIGNATURE, sizeof(e->ebx));
	memcpy(&e->ecx, KVM_SIGNATURE + 4, sizeof(e->ecx));
	memcpy(&e->edx, KVM_SIGNATURE + 8, sizeof(e->edx));
	e = cpuid_add(list, KVM_CPUID_FEATURES, 0);
	e->eax = BIT(KVM_FEATURE_CLOCKSOURCE) | BIT(KVM_FEATURE_NOP_IO_DELAY) |
		 BIT(KVM_FEATURE_CLOCKSOURCE2) | BIT(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT);
}

static int cpuid_copy(const struct cpuid_list *list, struct kvm_cpuid2 __user *user)
{
	u32 room;

	if (get_user(room, &user->nent))
		return -EFAULT;
	if (room < list->n || list->n > CPUID_ENTRIES)
		return -E2BIG;
	if (copy_to_user(user->entries, list->entry, list->n * sizeof(list->entry[0])) ||
	    put_user(list->n, &user->nent))
		return -EFAULT;
	return 0;
}

/**
 * cpuid_supported() - KVM_GET_SUPPORTED_CPUID
 * @user: the VMM's structure, filled in, and its number of entries
 *
 * Return: 0; -E2BIG when there are more entries than the VMM has room for, and nothing is
 *	written; -EFAULT; -ENOMEM.
 */
int cpuid_supported(struct kvm_cpuid2 __user *user)
{
	struct cpuid_list *list = kzalloc(sizeof(*list), GFP_KERNEL);
	int err;

	if (!list)
		return -ENOMEM;
	preempt_disable();		/* all of it is one CPU's */
	cpuid_add_all_basic(list);
	cpuid_add_all_extended(list);
	cpuid_add_all_kvm(list);
	preempt_enable();
	err = cpuid_copy(list, user);
	kfree(list);
	return err;
}
