// SPDX-License-Identifier: GPL-2.0-only
/* A vCPU's registers, in KVM's structures. The vCPU is locked, and does not run. */
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "kvm.h"

/* The general registers of struct kvm_regs in the processor's order */
#define GPRS(X, r)							\
	X(0, (r)->rax); X(1, (r)->rcx); X(2, (r)->rdx); X(3, (r)->rbx);	\
	X(4, (r)->rsp); X(5, (r)->rbp); X(6, (r)->rsi); X(7, (r)->rdi);	\
	X(8, (r)->r8); X(9, (r)->r9); X(10, (r)->r10); X(11, (r)->r11);	\
	X(12, (r)->r12); X(13, (r)->r13); X(14, (r)->r14); X(15, (r)->r15)

/**
 * state_get_regs() - KVM_GET_REGS
 * @v: the vCPU
 * @r: filled in
 *
 * Return: 0 or a negative errno.
 */
int state_get_regs(struct vcpu *v, struct kvm_regs *r)
{
	const struct regent_vcpu_regs *from = &v->page->regs;
	int err = vm_call(v->vm, REGENT_HC_VCPU_GET, v->id, REGENT_VCPU_REGS);

#define GET(n, reg)	((reg) = from->gpr[n])
	GPRS(GET, r);
	r->rip = from->rip;
	r->rflags = from->rflags;
	return err;
}

/**
 * state_set_regs() - KVM_SET_REGS
 * @v: the vCPU
 * @r: what to set
 *
 * Return: 0 or a negative errno.
 */
int state_set_regs(struct vcpu *v, const struct kvm_regs *r)
{
	struct regent_vcpu_regs *to = &v->page->regs;

#define SET(n, reg)	(to->gpr[n] = (reg))
	GPRS(SET, r);
	to->rip = r->rip;
	to->rflags = r->rflags;
	return vm_call(v->vm, REGENT_HC_VCPU_SET, v->id, REGENT_VCPU_REGS);
}

static void state_get_segment(struct kvm_segment *to, const struct regent_segment *from)
{
	*to = (struct kvm_segment){
		.base = from->base, .limit = from->limit, .selector = from->selector,
		.type = from->access & 15, .s = from->access >> 4 & 1,
		.dpl = from->access >> 5 & 3, .present = from->access >> 7 & 1,
		.avl = from->access >> 12 & 1, .l = from->access >> 13 & 1,
		.db = from->access >> 14 & 1, .g = from->access >> 15 & 1,
		.unusable = from->unusable,
	};
}

static void state_set_segment(struct regent_segment *to, const struct kvm_segment *from)
{
	*to = (struct regent_segment){
		.base = from->base, .limit = from->limit, .selector = from->selector,
		.access = (from->type & 15) | (from->s & 1) << 4 | (from->dpl & 3) << 5 |
			  (from->present & 1) << 7 | (from->avl & 1) << 12 |
			  (from->l & 1) << 13 | (from->db & 1) << 14 | (from->g & 1) << 15,
		.unusable = from->unusable || !from->present,
	};
}

#define SEGMENTS(X, s)							\
	X(REGENT_ES, (s)->es); X(REGENT_CS, (s)->cs); X(REGENT_SS, (s)->ss);	\
	X(REGENT_DS, (s)->ds); X(REGENT_FS, (s)->fs); X(REGENT_GS, (s)->gs);	\
	X(REGENT_LDTR, (s)->ldt); X(REGENT_TR, (s)->tr)

/* The one interrupt that the vCPU has not taken yet */
static void state_get_irq(const struct regent_vcpu_page *page, struct kvm_sregs *s)
{
	u32 irq = page->irq ?: page->irq_queued;

	if (irq)
		s->interrupt_bitmap[(irq & 0xff) / 64] |= 1ull << (irq & 63);
}

/* As KVM: the lowest, if there are several. */
static void state_set_irq(struct regent_vcpu_page *page, const struct kvm_sregs *s)
{
	unsigned int vector;

	page->irq = 0;
	for (vector = 0; vector < 256; vector++) {
		if (!(s->interrupt_bitmap[vector / 64] >> (vector % 64) & 1))
			continue;
		page->irq = REGENT_IRQ_VALID | vector;
		return;
	}
}

/**
 * state_get_sregs() - KVM_GET_SREGS
 * @v: the vCPU
 * @s: filled in
 *
 * Return: 0 or a negative errno.
 */
int state_get_sregs(struct vcpu *v, struct kvm_sregs *s)
{
	const struct regent_vcpu_sregs *from = &v->page->sregs;
	int err = vm_call(v->vm, REGENT_HC_VCPU_GET, v->id, REGENT_VCPU_SREGS);

	memset(s, 0, sizeof(*s));
#define GET_SEG(n, segment)	state_get_segment(&(segment), &from->seg[n])
	SEGMENTS(GET_SEG, s);
	s->gdt.base = from->gdt_base;
	s->gdt.limit = from->gdt_limit;
	s->idt.base = from->idt_base;
	s->idt.limit = from->idt_limit;
	s->cr0 = from->cr0;
	s->cr2 = from->cr2;
	s->cr3 = from->cr3;
	s->cr4 = from->cr4;
	s->cr8 = from->cr8;
	s->efer = from->efer;
	if (vm_has_apics(v->vm))
		v->apic_base = from->apic_base;
	s->apic_base = v->apic_base;
	state_get_irq(v->page, s);
	return err;
}

/**
 * state_set_sregs() - KVM_SET_SREGS
 * @v: the vCPU
 * @s: what to set
 *
 * Return: 0; -EINVAL for values that no processor has.
 */
int state_set_sregs(struct vcpu *v, const struct kvm_sregs *s)
{
	struct regent_vcpu_sregs *to = &v->page->sregs;
	int err;

	state_set_irq(v->page, s);
#define SET_SEG(n, segment)	state_set_segment(&to->seg[n], &(segment))
	SEGMENTS(SET_SEG, s);
	to->gdt_base = s->gdt.base;
	to->gdt_limit = s->gdt.limit;
	to->idt_base = s->idt.base;
	to->idt_limit = s->idt.limit;
	to->cr0 = s->cr0;
	to->cr2 = s->cr2;
	to->cr3 = s->cr3;
	to->cr4 = s->cr4;
	to->cr8 = s->cr8;
	to->efer = s->efer;
	to->apic_base = s->apic_base;
	err = vm_call(v->vm, REGENT_HC_VCPU_SET, v->id, REGENT_VCPU_SREGS);
	if (!err)
		v->apic_base = s->apic_base;
	return err;
}

/* In pieces that fit into the vCPU's page, the first one also if there is nothing in it */
static int state_put_cpuid(struct vcpu *v, const struct kvm_cpuid_entry2 *e, u32 n)
{
	struct regent_vcpu_page *page = v->page;
	u32 at = 0, i, count;
	int err;

	do {
		count = min_t(u32, n - at, REGENT_VCPU_CPUIDS_AT_ONCE);
		for (i = 0; i < count; i++)
			page->cpuid[i] = (struct regent_vcpu_cpuid){
				.function = e[at + i].function, .index = e[at + i].index,
				.indexed = e[at + i].flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
				.eax = e[at + i].eax, .ebx = e[at + i].ebx,
				.ecx = e[at + i].ecx, .edx = e[at + i].edx,
			};
		page->at = at;
		page->count = count;
		err = vm_call_with_memory(v->vm, REGENT_HC_VCPU_SET, v->id, REGENT_VCPU_CPUID);
		at += count;
	} while (!err && at < n);
	return err;
}

/**
 * state_set_cpuid() - KVM_SET_CPUID2
 * @v: the vCPU
 * @user: the VMM's structure
 *
 * Return: 0; -E2BIG for too many entries; -EFAULT.
 */
int state_set_cpuid(struct vcpu *v, const struct kvm_cpuid2 __user *user)
{
	struct kvm_cpuid_entry2 *e;
	u32 n;
	int err;

	if (get_user(n, &user->nent))
		return -EFAULT;
	if (n > REGENT_VCPU_CPUIDS)
		return -E2BIG;
	e = memdup_user(user->entries, array_size(n, sizeof(*e)));
	if (IS_ERR(e))
		return PTR_ERR(e);
	err = state_put_cpuid(v, e, n);
	kfree(e);
	return err;
}
