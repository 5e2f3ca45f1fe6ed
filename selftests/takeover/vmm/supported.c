// SPDX-License-Identifier: GPL-2.0-only
/* KVM_GET_SUPPORTED_CPUID: how it is called, and that the processor has what it reports. */
#include <cpuid.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm.h"

#define ENTRIES	256

struct list {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[ENTRIES];
};

static const struct kvm_cpuid_entry2 *find(const struct list *l, uint32_t function,
					   uint32_t index)
{
	uint32_t i;

	for (i = 0; i < l->head.nent; i++)
		if (l->entry[i].function == function && l->entry[i].index == index)
			return &l->entry[i];
	return NULL;
}

/* The list, or an error with nothing of it changed */
static int get_list(const struct vm *vm, struct list *l, uint32_t room)
{
	memset(l, 0x55, sizeof(*l));
	l->head.nent = room;
	return ioctl(vm->kvm, KVM_GET_SUPPORTED_CPUID, l) ? -errno : 0;
}

static void check_protocol(const struct vm *vm, struct list *l)
{
	uint32_t n;

	EXPECT("capability", 1, CALL(vm->kvm, KVM_CHECK_EXTENSION, KVM_CAP_EXT_CPUID));
	EXPECT("all of it", 0, get_list(vm, l, ENTRIES));
	n = l->head.nent;
	EXPECT("some entries", 1, n > 10 && n < ENTRIES);
	EXPECT("no room", -E2BIG, get_list(vm, l, 0));
	EXPECT("one entry", -E2BIG, get_list(vm, l, 1));
	EXPECT("one less", -E2BIG, get_list(vm, l, n - 1));
	EXPECT("nent as it was", n - 1, l->head.nent);
	EXPECT("no entry", 0x55555555, l->entry[0].function);
	EXPECT("more than there may be", 0, get_list(vm, l, 1000000));
	EXPECT("entries", n, l->head.nent);
	EXPECT("just enough", 0, get_list(vm, l, n));
	EXPECT("entries", n, l->head.nent);
	EXPECT("behind the last", 0x55555555, l->entry[n].function);
	EXPECT("no address", -1, ioctl(vm->kvm, KVM_GET_SUPPORTED_CPUID, 8));
	EXPECT("no address", EFAULT, errno);
}

/* Each leaf once, and all of 0, 0x40000000, 0x80000000 up to what the first says */
static void check_leaves(const struct list *l)
{
	static const uint32_t first[] = { 0, 0x40000000, 0x80000000 };
	uint32_t i, function;

	for (i = 0; i < l->head.nent; i++) {
		const struct kvm_cpuid_entry2 *e = &l->entry[i];
		bool indexed = e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX;

		EXPECT("a leaf once", 1, find(l, e->function, e->index) == e);
		EXPECT("an index that counts", 1, indexed || !e->index);
	}
	for (i = 0; i < ITEMS(first); i++) {
		const struct kvm_cpuid_entry2 *e = find(l, first[i], 0);

		if (!EXPECT("first leaf", 1, !!e))
			return;
		for (function = first[i]; function <= e->eax; function++)
			EXPECT("leaf", 1, !!find(l, function, 0));
	}
	EXPECT("leaf 7 has an index", 1, find(l, 7, 0)->flags);
	EXPECT("leaf 1 has none", 0, find(l, 1, 0)->flags);
	EXPECT("signature", 0, memcmp(&find(l, 0x40000000, 0)->ebx, "KVMKVMKVM\0\0", 12));
}

/* Features, and what KVM adds to the processor's by itself */
static const struct word {
	uint32_t function, index;
	uint32_t eax, ebx, ecx, edx;	/* what is added, or no feature at all */
} words[] = {
	{ .function = 1, .eax = -1, .ebx = -1,
	  .ecx = 1 << 21 | 1 << 24 | 1u << 31 }, /* x2APIC, TSC_DEADLINE, HYPERVISOR */
	{ .function = 7, .eax = -1,
	  .ebx = 1 << 1,			/* TSC_ADJUST */
	  .edx = 1 << 26 | 1 << 27 | 1 << 29 | 1u << 31 }, /* SPEC_CTRL and its kin */
	{ .function = 7, .index = 1 },
	{ .function = 0xd },
	{ .function = 0xd, .index = 1, .ebx = -1 },
	{ .function = 0x80000001, .eax = -1, .ebx = -1 },
};

static void check_word(const struct list *l, const struct word *w)
{
	const struct kvm_cpuid_entry2 *e = find(l, w->function, w->index);
	uint32_t a, b, c, d;

	if (!e)
		return;
	__cpuid_count(w->function, w->index, a, b, c, d);
	if (w->function == 0xd && !w->index) {
		EXPECT("size of all", 1, e->ecx <= c);
		EXPECT("size of all", e->ecx, e->ebx);
		b = e->ebx;
		c = e->ecx;
	}
	if (e->eax & ~(a | w->eax) || e->ebx & ~(b | w->ebx) || e->ecx & ~(c | w->ecx) ||
	    e->edx & ~(d | w->edx)) {
		printf("leaf 0x%x, %u: 0x%x 0x%x 0x%x 0x%x; the processor has 0x%x 0x%x 0x%x 0x%x\n",
		       w->function, w->index, e->eax, e->ebx, e->ecx, e->edx, a, b, c, d);
		failed = true;
	}
}

/* What only works with a part of the API that says by a capability whether it is there */
static void check_nested(const struct vm *vm, const struct list *l)
{
	bool nested = CALL(vm->kvm, KVM_CHECK_EXTENSION, KVM_CAP_NESTED_STATE);
	const struct kvm_cpuid_entry2 *e = find(l, 0x80000001, 0);

	if (nested)
		return;
	EXPECT("SVM", 0, e->ecx >> 2 & 1);
	EXPECT("VMX", 0, find(l, 1, 0)->ecx >> 5 & 1);
	e = find(l, 0x8000000a, 0);
	EXPECT("SVM's features", 0, e ? e->eax | e->ebx | e->ecx | e->edx : 0);
}

/* Each component of XCR0 has its place within the whole. */
static void check_xsave(const struct list *l)
{
	const struct kvm_cpuid_entry2 *all = find(l, 0xd, 0), *e;
	uint32_t i;

	EXPECT("XSAVE", find(l, 1, 0)->ecx >> 26 & 1, all && all->eax & 1);
	for (i = 2; all && i < 32; i++) {
		e = find(l, 0xd, i);
		if (!(all->eax >> i & 1))
			continue;
		if (EXPECT("component", 1, !!e))
			EXPECT("its end", 1, e->eax && e->ebx + e->eax <= all->ebx);
	}
}

/* A vCPU can have all of it, and shows it. */
static void check_set(const struct vm *vm, const struct list *l)
{
	const struct kvm_cpuid_entry2 *e = find(l, 0x40000000, 0);
	struct vcpu v;

	make_vcpu(vm, &v, 0);
	copy_code(vm, guest_cpuid, guest_cpuid_end);
	CALL(v.fd, KVM_SET_CPUID2, l);
	start_real(&v, 0);
	TELLS(&v, e->eax ^ e->ebx ^ e->ecx ^ e->edx);
	TELLS(&v, 0);
	EXITS(&v, KVM_EXIT_HLT);
}

void test_supported(void)
{
	struct list l;
	struct vm vm;
	unsigned int i;

	make_vm(&vm);
	check_protocol(&vm, &l);
	check_leaves(&l);
	if (failed)
		return;
	for (i = 0; i < ITEMS(words); i++)
		check_word(&l, &words[i]);
	check_nested(&vm, &l);
	check_xsave(&l);
	check_set(&vm, &l);
}
