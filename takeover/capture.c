// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the registers of the table on this CPU: those that the switch to K
 * changes quickly, in the rendezvous; the others outside of it.
 */
#include <linux/slab.h>
#include <asm/apic.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>

#include "l.h"

/* MSRs of the hot rows: number and row. The same on every CPU. */
static struct hot_msr {
	u32 msr;
	u32 row;
} *hot;
static unsigned int hots;
static unsigned int hots_untrapped;	/* these come first */

/* Rows of the pseudo registers, which follow the MSRs in the table. */
static unsigned int pseudo_row;

/* Rows of the MSRs that K is told. */
static struct {
	unsigned int efer, pat, s_cet, isst, hsave, vm_cr, feature_control;
} row;

static unsigned int capture_row(u32 index)
{
	return reg_find(index) - reg_table;
}

/**
 * capture_probe() - find out which registers this CPU has
 * @c: this CPU's record; its exists[] is filled in
 *
 * On that CPU, may sleep or not.
 */
void capture_probe(struct l_cpu *c)
{
	unsigned int i;
	u64 v;

	for (i = 0; i < reg_table_size; i++) {
		u32 index = reg_table[i].index;

		if (index < REG_PSEUDO)
			c->exists[i] = !rdmsrl_safe(index, &v);
		else if (index >= REG_APIC_LVTT && index <= REG_APIC_ID)
			c->exists[i] = boot_cpu_has(X86_FEATURE_APIC);
		else if (index == REG_XCR0)
			c->exists[i] = __read_cr4() & X86_CR4_OSXSAVE;
		else
			c->exists[i] = true;
	}
}

/**
 * capture_setup() - make the list of MSRs to read in the rendezvous
 *
 * Process context, after capture_probe() on the boot CPU. Return: 0 or -ENOMEM.
 */
int capture_setup(void)
{
	const struct l_cpu *c = raw_cpu_ptr(&l_cpus);
	unsigned int i, trapped;

	hot = kcalloc(reg_table_size, sizeof(*hot), GFP_KERNEL);
	if (!hot)
		return -ENOMEM;
	hots = 0;
	for (trapped = 0; trapped < 2; trapped++) {
		for (i = 0; i < reg_table_size && reg_table[i].index < REG_PSEUDO; i++)
			if (reg_table[i].when == REG_HOT && c->exists[i] &&
			    !!(reg_table[i].trap & REG_TRAP_READ) == trapped)
				hot[hots++] = (struct hot_msr){ reg_table[i].index, i };
		if (!trapped)
			hots_untrapped = hots;
	}
	pseudo_row = capture_row(REG_CR0);
	row.efer = capture_row(MSR_REG_EFER);
	row.pat = capture_row(MSR_REG_PAT);
	row.s_cet = capture_row(MSR_REG_S_CET);
	row.isst = capture_row(MSR_REG_ISST);
	row.hsave = capture_row(MSR_REG_VM_HSAVE_PA);
	row.vm_cr = capture_row(MSR_REG_VM_CR);
	row.feature_control = capture_row(MSR_REG_FEATURE_CONTROL);
	return 0;
}

void capture_cleanup(void)
{
	kfree(hot);
	hot = NULL;
}

#define read_selector(seg)						\
({									\
	u16 sel;							\
	asm volatile("mov %%" #seg ", %0" : "=rm"(sel));		\
	sel;								\
})

static void capture_tables(u64 *pseudo)
{
	struct desc_ptr t;
	u16 sel;

	native_store_gdt(&t);
	pseudo[REG_GDTR_BASE - REG_PSEUDO] = t.address;
	pseudo[REG_GDTR_LIMIT - REG_PSEUDO] = t.size;
	store_idt(&t);
	pseudo[REG_IDTR_BASE - REG_PSEUDO] = t.address;
	pseudo[REG_IDTR_LIMIT - REG_PSEUDO] = t.size;
	asm volatile("sldt %0" : "=m"(sel));
	pseudo[REG_LDTR - REG_PSEUDO] = sel;
	asm volatile("str %0" : "=m"(sel));
	pseudo[REG_TR - REG_PSEUDO] = sel;
}

/**
 * capture_hot() - read what the switch to K changes
 * @to: values by row of the table
 * @trapped: also the MSRs that K traps; as a world they cost an exit each, and
 *	are all of a class whose view is not compared
 *
 * In the rendezvous, interrupts off. Straight code: this is time that Linux is
 * away.
 */
void capture_hot(u64 *to, bool trapped)
{
	unsigned int n = trapped ? hots : hots_untrapped;
	u64 *pseudo = to + pseudo_row;
	unsigned int i;
	u64 v;

	for (i = 0; i < n; i++)
		to[hot[i].row] = __rdmsr(hot[i].msr);
	pseudo[REG_CR0 - REG_PSEUDO] = read_cr0();
	pseudo[REG_CR2 - REG_PSEUDO] = read_cr2();
	pseudo[REG_CR3 - REG_PSEUDO] = __read_cr3();
	pseudo[REG_CR4 - REG_PSEUDO] = __read_cr4();
	asm volatile("mov %%cr8, %0" : "=r"(v));
	pseudo[REG_CR8 - REG_PSEUDO] = v;
	asm volatile("mov %%dr6, %0" : "=r"(v));
	pseudo[REG_DR6 - REG_PSEUDO] = v;
	asm volatile("mov %%dr7, %0" : "=r"(v));
	pseudo[REG_DR7 - REG_PSEUDO] = v;
	pseudo[REG_RFLAGS - REG_PSEUDO] = native_save_fl();
	pseudo[REG_ES - REG_PSEUDO] = read_selector(es);
	pseudo[REG_CS - REG_PSEUDO] = read_selector(cs);
	pseudo[REG_SS - REG_PSEUDO] = read_selector(ss);
	pseudo[REG_DS - REG_PSEUDO] = read_selector(ds);
	pseudo[REG_FS - REG_PSEUDO] = read_selector(fs);
	pseudo[REG_GS - REG_PSEUDO] = read_selector(gs);
	capture_tables(pseudo);
}

static u64 capture_apic(u32 pseudo)
{
	static const u32 reg[] = {
		APIC_LVTT, APIC_LVTPC, APIC_LVT0, APIC_LVT1, APIC_LVTERR,
		APIC_SPIV, APIC_TASKPRI, APIC_LDR, APIC_ID,
	};
	u32 offset = reg[pseudo - REG_APIC_LVTT];

	if (x2apic_enabled())
		return native_apic_msr_read(offset);
	return native_apic_mem_read(offset);
}

/**
 * capture_apic_id() - APIC id of this CPU, as its local APIC says
 */
u32 capture_apic_id(void)
{
	u32 id = capture_apic(REG_APIC_ID);

	return x2apic_enabled() ? id : id >> 24;
}

static u64 capture_debug(u32 pseudo)
{
	u64 v;

	switch (pseudo) {
	case REG_DR0:
		asm volatile("mov %%dr0, %0" : "=r"(v));
		return v;
	case REG_DR1:
		asm volatile("mov %%dr1, %0" : "=r"(v));
		return v;
	case REG_DR2:
		asm volatile("mov %%dr2, %0" : "=r"(v));
		return v;
	default:
		asm volatile("mov %%dr3, %0" : "=r"(v));
		return v;
	}
}

/**
 * capture_cold() - read what Regent does not touch
 * @c: this CPU's record
 * @to: values by row of the table
 *
 * On that CPU, preemption off.
 */
void capture_cold(struct l_cpu *c, u64 *to)
{
	unsigned int i;

	for (i = 0; i < reg_table_size; i++) {
		u32 index = reg_table[i].index;

		if (reg_table[i].when != REG_COLD || !c->exists[i])
			continue;
		if (index < REG_PSEUDO)
			rdmsrl_safe(index, &to[i]);
		else if (index == REG_XCR0)
			to[i] = xgetbv(XCR_XFEATURE_ENABLED_MASK);
		else if (index >= REG_APIC_LVTT)
			to[i] = capture_apic(index);
		else
			to[i] = capture_debug(index);
	}
}

/**
 * capture_segment() - what a selector stands for, but for its base
 * @s: filled in
 * @selector: of one of this CPU's segment registers
 *
 * Linux's flat segments have what LAR and LSL say; null selectors have nothing.
 */
void capture_segment(struct regent_segment *s, u16 selector)
{
	u32 access = 0, limit = 0;
	bool ok;

	s->selector = selector;
	s->base = 0;
	s->unusable = !(selector & ~3);
	if (s->unusable) {
		s->access = 0;
		s->limit = 0;
		return;
	}
	asm volatile("lar %[sel], %[access]"
		     : "=@ccz"(ok), [access] "=r"(access)
		     : [sel] "r"((u32)selector));
	s->unusable = !ok;
	if (s->unusable) {
		s->access = 0;
		s->limit = 0;
		return;
	}
	asm volatile("lsl %[sel], %[limit]" : [limit] "=r"(limit) : [sel] "r"((u32)selector));
	s->access = (access >> 8) & 0xf0ff;
	s->limit = limit;
}

/**
 * capture_state() - what K needs to run Linux on as a world
 * @h: filled in from what capture_hot() has just read into l_cpu.found
 *
 * In the rendezvous, interrupts off.
 */
void capture_state(struct regent_handoff *h)
{
	const u64 *v = this_cpu_ptr(&l_cpus)->found;
	const u64 *pseudo = v + pseudo_row;
	struct regent_state *s = &h->state;

	s->cr0 = pseudo[REG_CR0 - REG_PSEUDO];
	s->cr2 = pseudo[REG_CR2 - REG_PSEUDO];
	s->cr3 = pseudo[REG_CR3 - REG_PSEUDO];
	s->cr4 = pseudo[REG_CR4 - REG_PSEUDO];
	s->dr6 = pseudo[REG_DR6 - REG_PSEUDO];
	s->dr7 = pseudo[REG_DR7 - REG_PSEUDO];
	s->rflags = pseudo[REG_RFLAGS - REG_PSEUDO];
	s->efer = v[row.efer];
	s->pat = v[row.pat];
	s->s_cet = v[row.s_cet];
	s->isst = v[row.isst];
	h->hsave_found = v[row.hsave];
	h->vm_cr_found = v[row.vm_cr];
	h->feature_control_found = v[row.feature_control];
	s->gdtr_base = pseudo[REG_GDTR_BASE - REG_PSEUDO];
	s->gdtr_limit = pseudo[REG_GDTR_LIMIT - REG_PSEUDO];
	s->idtr_base = pseudo[REG_IDTR_BASE - REG_PSEUDO];
	s->idtr_limit = pseudo[REG_IDTR_LIMIT - REG_PSEUDO];
	capture_segment(&s->seg[REGENT_ES], pseudo[REG_ES - REG_PSEUDO]);
	capture_segment(&s->seg[REGENT_CS], pseudo[REG_CS - REG_PSEUDO]);
	capture_segment(&s->seg[REGENT_SS], pseudo[REG_SS - REG_PSEUDO]);
	capture_segment(&s->seg[REGENT_DS], pseudo[REG_DS - REG_PSEUDO]);
}
