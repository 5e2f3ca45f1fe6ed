// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs: how they come and go. L runs a vCPU by a hypercall (run.c). Between two runs its world
 * is nobody's, and all its state is in memory: any CPU may claim it.
 */
#include <hw/cr.h>
#include <regent/backend.h>
#include <regent/k.h>
#include <regent/pages.h>
#include <regent/sched.h>

#include "vm.h"

#define PAT_RESET	0x0007040600070406ull
#define SEG_CODE16	0x009b
#define SEG_DATA16	0x0093
#define SEG_LDT		0x0082
#define SEG_TSS		0x008b
#define RESET_RIP	0xfff0
#define RESET_CS	0xf000
#define RESET_CS_BASE	0xffff0000
#define RFLAGS_RESET	2
/* Of the FPU, as a VMM reads them before the first run: what FNINIT makes of them */
#define FCW_RESET	0x37f
#define MXCSR_RESET	0x1f80
#define MXCSR_OFFSET	24

static void reset_segment(struct regent_segment *s, u32 access)
{
	s->access = access;
	s->limit = 0xffff;
}

/* As after a reset: AMD APM volume 2, "Processor Initialization State". */
static void reset_state(struct regent_state *s)
{
	u32 i;

	*s = (struct regent_state){
		.cr0 = HW_CR0_ET | HW_CR0_NW | HW_CR0_CD, .dr6 = HW_DR6_RESET,
		.dr7 = HW_DR7_RESET, .pat = PAT_RESET, .rflags = RFLAGS_RESET,
		.gdtr_limit = 0xffff, .idtr_limit = 0xffff,
	};
	for (i = REGENT_ES; i <= REGENT_GS; i++)
		reset_segment(&s->seg[i], i == REGENT_CS ? SEG_CODE16 : SEG_DATA16);
	s->seg[REGENT_CS].selector = RESET_CS;
	s->seg[REGENT_CS].base = RESET_CS_BASE;
	reset_segment(&s->seg[REGENT_LDTR], SEG_LDT);
	reset_segment(&s->seg[REGENT_TR], SEG_TSS);
}

/* The segments of @s as regent_vcpu_sregs has them */
static void init_sregs(const struct regent_state *s, struct regent_vcpu_sregs *to)
{
	u32 i;

	for (i = 0; i < REGENT_SEGMENTS; i++)
		to->seg[i] = s->seg[i];
	to->gdt_limit = s->gdtr_limit;
	to->idt_limit = s->idtr_limit;
	to->cr0 = s->cr0;
}

/**
 * vcpu_reset() - a vCPU gets INIT: AMD APM volume 2, "Processor Initialization State"
 * @v: the vCPU. Loaded or not, the next entry takes what is set here
 *
 * INIT leaves CD and NW, the FPU, and most MSRs alone.
 */
void vcpu_reset(struct vcpu *v)
{
	struct regent_vcpu_sregs old, s = { .cr4 = 0 };
	struct backend_event none = { .type = REGENT_EVENT_NONE };
	struct decode_regs r = { .flags = RFLAGS_RESET };
	struct regent_state state;

	reset_state(&state);
	init_sregs(&state, &s);
	backend_get_sregs(&v->world, &old);
	s.cr0 = HW_CR0_ET | (old.cr0 & HW_CR0_CD ? old.cr0 & (HW_CR0_NW | HW_CR0_CD) : 0);
	backend_set_sregs(&v->world, &s);
	r.rip = RESET_RIP;
	backend_set_regs(&v->world, &r);
	backend_set_debug(&v->world, HW_DR6_RESET, HW_DR7_RESET);
	backend_set_event(&v->world, &none);
	backend_set_shadow(&v->world, false);
	backend_vcpu_irq(&v->world, VCPU_IRQ_NONE);
	v->mce = false;
	v->pending = VCPU_NOTHING;
	v->window = false;
}

/**
 * vcpu_startup() - a vCPU gets a SIPI
 * @v: the vCPU, as vcpu_reset() has left it
 * @vector: the page where it starts
 */
void vcpu_startup(struct vcpu *v, u8 vector)
{
	struct regent_vcpu_sregs s;

	backend_get_sregs(&v->world, &s);
	s.seg[REGENT_CS].selector = vector << 8;
	s.seg[REGENT_CS].base = (u64)vector << 12;
	backend_set_sregs(&v->world, &s);
	backend_set_rip(&v->world, 0);
}

static int vcpu_build(struct cpu *cpu, struct vcpu *v)
{
	struct world *w = &v->world;
	struct regent_state state;
	void *pages;
	int err;

	w->npt_root = v->vm->npt_root;
	w->allowed = v->allowed;
	err = world_area_init(w);
	if (!err) {
		*(u16 *)w->area.xsave = FCW_RESET;
		*(u32 *)(w->area.xsave + MXCSR_OFFSET) = MXCSR_RESET;
		err = world_allow(cpu, w);
	}
	pages = err ? NULL : pages_alloc(BACKEND_WORLD_PAGES);
	if (!pages)
		return err ?: -REGENT_HC_ENOSPC;
	w->backend = pages;
	reset_state(&state);
	err = backend_world_create(cpu, w, pages, pages_pa(pages), &state, RESET_RIP);
	if (err)
		return err;
	backend_vcpu_control(w);
	w->memory = (u8 *)v;
	return 0;
}

/* What L says of a new vCPU in its page */
static int vcpu_identify(struct cpu *cpu, struct vcpu *v)
{
	const struct regent_vcpu_page *page = vcpu_page(cpu, v);
	u32 number = *(const volatile u32 *)&page->number;

	if (number >= REGENT_VM_VCPUS)
		return -REGENT_HC_EINVAL;
	v->number = number;
	v->told = REGENT_NEVER;
	if (*(const volatile u32 *)&page->has_apic)
		vcpu_apic_init(v, *(const volatile u32 *)&page->apic_id);
	return vm_add_vcpu(v);
}

static void vcpu_free(struct vcpu *v)
{
	vm_remove_vcpu(v);
	pages_free(v->world.backend, BACKEND_WORLD_PAGES);
	pages_free(v->cpuid, 1);
	world_area_free(&v->world);
	vm_put(v->vm);
	pages_free(v, 1);
}

/**
 * vcpu_create() - see REGENT_HC_VCPU_CREATE
 * @cpu: this CPU
 * @id: id of the VM, any number
 * @page_pa: physical address of L's page for the vCPU
 *
 * Return: the vCPU's id or a negative REGENT_HC_E*.
 */
s64 vcpu_create(struct cpu *cpu, u64 id, u64 page_pa)
{
	struct vcpu *v;
	struct vm *vm;
	int err;

	if (!vm_is_linux_page(page_pa))
		return -REGENT_HC_EINVAL;
	vm = vm_get(id);
	if (!vm)
		return -REGENT_HC_EINVAL;
	v = pages_alloc(1);
	if (!v) {
		vm_put(vm);
		return -REGENT_HC_ENOSPC;
	}
	v->vm = vm;
	v->page_pa = page_pa;
	v->world.kind = WORLD_VM;
	err = table_add(cpu, &v->world);
	if (!err) {
		err = vcpu_build(cpu, v);
		if (!err)
			err = vcpu_identify(cpu, v);
		if (err)
			table_remove(&v->world);
	}
	if (err) {
		vcpu_free(v);
		return err;
	}
	return table_publish(&v->world);
}

/**
 * vcpu_claim() - take a vCPU that does not run, for a hypercall
 * @cpu: this CPU
 * @id: any number
 * @err: filled in when there is none to take
 *
 * Return: the vCPU, to be given back by vcpu_unclaim(); or NULL.
 */
struct vcpu *vcpu_claim(struct cpu *cpu, u64 id, s64 *err)
{
	struct world *w = table_claim(cpu, id);

	if (!w) {
		*err = table_ask(cpu, id, 0);
		return NULL;
	}
	if (w->kind == WORLD_VM && !w->scheduled) {
		backend_vcpu_open(cpu, w);
		return vcpu_of(w);
	}
	*err = w->kind == WORLD_VM ? -REGENT_HC_EBUSY : -REGENT_HC_EINVAL;
	if (!w->scheduled)
		table_give(w, WORLD_NOBODYS);
	return NULL;
}

/**
 * vcpu_unclaim() - undo vcpu_claim()
 * @cpu: this CPU, which has not run the vCPU since
 * @v: the vCPU
 */
void vcpu_unclaim(struct cpu *cpu, struct vcpu *v)
{
	backend_vcpu_close(cpu);
	table_give(&v->world, WORLD_NOBODYS);
}

/**
 * vcpu_end_any() - free a vCPU of any VM, at the end of a takeover
 * @cpu: this CPU
 *
 * Return: 0 when there is none; -REGENT_HC_EBUSY to be called again.
 */
s64 vcpu_end_any(struct cpu *cpu)
{
	const struct world *w;
	bool is_vcpu;
	u64 id;

	for (id = 1; table_has(id); id++) {
		w = table_hold(id);
		is_vcpu = w && w->kind == WORLD_VM;
		table_release();
		if (!is_vcpu)
			continue;
		vcpu_destroy(cpu, id);
		return -REGENT_HC_EBUSY;
	}
	return 0;
}

/**
 * vcpu_destroy() - see REGENT_HC_VCPU_DESTROY
 * @cpu: this CPU
 * @id: any number
 *
 * A vCPU that K schedules stops first.
 *
 * Return: 0 or a negative REGENT_HC_E*; the vCPU then stays.
 */
s64 vcpu_destroy(struct cpu *cpu, u64 id)
{
	struct world *w = table_claim(cpu, id);
	s64 err;

	if (!w)
		return table_ask(cpu, id, WORLD_ASK_STOP);
	if (w->kind != WORLD_VM) {
		if (!w->scheduled)
			table_give(w, WORLD_NOBODYS);
		return -REGENT_HC_EINVAL;
	}
	err = table_retire(cpu, id, &w);
	if (!err)
		vcpu_free(vcpu_of(w));
	return err;
}
