// SPDX-License-Identifier: GPL-2.0-only
/*
 * L's side of VMX: is it there and free, switching it on and off on a CPU, and the
 * VMCS, which only the CPU that it is current on can fill in. Intel SDM volume 3,
 * "Introduction to Virtual Machine Extensions" and "VMX Support for the Operating
 * System".
 */
#include <linux/mm.h>
#include <linux/perf_event.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/special_insns.h>

#include <hw/cr.h>
#include <hw/pte.h>
#include <hw/vmcs.h>
#include <hw/vmx.h>

#include "l.h"
#include "../src/vmx/vmx.h"

extern const u8 regent_k_vmx[], regent_k_vmx_end[];

/* vmx_trampoline.S */
extern const char regent_vmx_resume[], regent_vmx_out[];
long regent_vmx_enter(void);
long regent_vmx_leave(void);
long regent_vmcall(u64 nr, u64 a, u64 b);
bool regent_vmxon(u64 pa);
bool regent_vmxoff(u64 vmcs);

#define CPUID_VMX		(1u << 5)	/* 1 ECX */
#define CR4_FRED		(1ull << 32)

static struct vmx_caps caps;

static bool vmx_is_this_cpu(void)
{
	switch (boot_cpu_data.x86_vendor) {
	case X86_VENDOR_INTEL:
	case X86_VENDOR_CENTAUR:
	case X86_VENDOR_ZHAOXIN:
		return true;
	}
	return false;
}

static const char *vmx_probe_machine(void)
{
	/* Linux hides the feature, too, where the firmware has switched it off. */
	if (!(cpuid_ecx(1) & CPUID_VMX))
		return "this CPU does not offer VMX (or a hypervisor below hides it); enable it in the firmware, or nested virtualization below";
	return NULL;
}

static u64 read_msr(u32 msr)
{
	u64 v;

	return rdmsrl_safe(msr, &v) ? 0 : v;
}

static void read_caps(struct vmx_caps *c)
{
	bool true_ones;

	c->basic = read_msr(VMX_MSR_BASIC);
	true_ones = c->basic & VMX_BASIC_TRUE;
	c->pin = read_msr(true_ones ? VMX_MSR_TRUE_PIN : VMX_MSR_PIN);
	c->proc = read_msr(true_ones ? VMX_MSR_TRUE_PROC : VMX_MSR_PROC);
	c->exit = read_msr(true_ones ? VMX_MSR_TRUE_EXIT : VMX_MSR_EXIT);
	c->entry = read_msr(true_ones ? VMX_MSR_TRUE_ENTRY : VMX_MSR_ENTRY);
	c->proc2 = c->proc >> 63 ? read_msr(VMX_MSR_PROC2) : 0;
	c->cr0_fixed0 = read_msr(VMX_MSR_CR0_FIXED0);
	c->cr0_fixed1 = read_msr(VMX_MSR_CR0_FIXED1);
	c->cr4_fixed0 = read_msr(VMX_MSR_CR4_FIXED0);
	c->cr4_fixed1 = read_msr(VMX_MSR_CR4_FIXED1);
	c->ept_vpid = c->proc2 >> 33 & 1 ? read_msr(VMX_MSR_EPT_VPID) : 0;
}

/* Must every bit that VMX fixes be as Linux has it? CR4.VMXE is Regent's. */
static bool fixed_bits_fit(const struct vmx_caps *c)
{
	u64 cr0 = read_cr0(), cr4 = __read_cr4() | X86_CR4_VMXE;

	return !(c->cr0_fixed0 & ~cr0) && !(cr0 & ~c->cr0_fixed1) &&
	       !(c->cr4_fixed0 & ~cr4) && !(cr4 & ~c->cr4_fixed1);
}

static const char *feature_control(void)
{
	u64 v;

	if (rdmsrl_safe(VMX_MSR_FEATURE_CONTROL, &v))
		return "this CPU has no IA32_FEATURE_CONTROL; use another CPU or hypervisor below";
	return vmx_locked_off(v);
}

/* Instructions that Linux has, and that would be #UD to a world. */
static bool instructions_stay(const struct vmx_caps *c)
{
	static const struct {
		u32 feature;
		u32 control;
	} need[] = {
		{ X86_FEATURE_RDTSCP, VMX_PROC2_RDTSCP },
		{ X86_FEATURE_RDPID, VMX_PROC2_RDTSCP },
		{ X86_FEATURE_INVPCID, VMX_PROC2_INVPCID },
		{ X86_FEATURE_XSAVES, VMX_PROC2_XSAVES },
		{ X86_FEATURE_WAITPKG, VMX_PROC2_USER_WAIT },
		{ X86_FEATURE_PCONFIG, VMX_PROC2_PCONFIG },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(need); i++)
		if (cpu_has(&boot_cpu_data, need[i].feature) &&
		    !(c->proc2 >> 32 & need[i].control))
			return false;
	return true;
}

static u64 get_cr4(void)
{
	u64 cr4;

	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	return cr4;
}

static const char *vmx_probe_cpu(void)
{
	const char *why = feature_control();
	struct vmx_controls controls;
	struct vmx_caps c;

	if (why)
		return why;
	/* Not as Linux knows it: who has not told Linux of it counts, too. */
	if (get_cr4() & X86_CR4_VMXE)
		return "another hypervisor owns VMX (CR4.VMXE is set); if it is KVM: modprobe -r kvm_intel";
	read_caps(&c);
	why = vmx_choose(&c, &controls);
	if (why)
		return why;
	if (!instructions_stay(&c))
		return "VMX takes instructions from Linux that this CPU has; use another CPU or hypervisor below";
	if (!fixed_bits_fit(&c))
		return "Linux has control register bits that VMX does not allow; use another CPU or hypervisor below";
	if ((__read_cr4() & X86_CR4_LA57) && !(c.ept_vpid & VMX_CAP_EPT_5_LEVELS))
		return "five-level paging without five-level EPT; boot with no5lvl";
	if (__read_cr4() & CR4_FRED)
		return "FRED event delivery is on; boot with fred=off";
	return NULL;
}

/* Their preemption timer counts at another rate than they say (Intel's errata). */
static bool timer_is_wrong(void)
{
	static const u32 models[] = {
		0x106a0, 0x106a1, 0x106a4, 0x106a5, 0x106e5, 0x20652, 0x20655, 0x206e6, 0x306a8,
	};
	u32 model = cpuid_eax(1) & 0x0fff3fff;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(models); i++)
		if (models[i] == model)
			return true;
	return false;
}

static u32 vmx_features(u32 found)
{
	read_caps(&caps);
	if (!(caps.ept_vpid & VMX_CAP_EPT_1G))
		found &= ~REGENT_FEAT_1G;
	if (caps.proc2 >> 32 & VMX_PROC2_PAUSE_LOOP)
		found |= REGENT_FEAT_PAUSE_FILTER;
	if ((caps.pin >> 32 & VMX_PIN_TIMER) && (caps.exit >> 32 & VMX_EXIT_SAVE_TIMER) &&
	    !timer_is_wrong())
		found |= REGENT_FEAT_SLICE_TIMER;
	return found;
}

static int vmx_machine(void)
{
	u8 *bitmap = donated_pages(1);
	u8 *forward = donated_pages(1);
	u8 *guest = donated_pages(1);
	u64 *backend = regent.params->backend;
	struct vmx_controls c;

	if (!bitmap || !forward || !guest)
		return -ENOMEM;
	if (vmx_choose(&caps, &c))
		return -EOPNOTSUPP;
	vmx_prepare_machine(bitmap, forward, guest);
	backend[VMX_PARAM_MSR_BITMAP] = donated_pa(bitmap);
	backend[VMX_PARAM_FORWARD_MSR_BITMAP] = donated_pa(forward);
	backend[VMX_PARAM_GUEST_MSR_BITMAP] = donated_pa(guest);
	backend[VMX_PARAM_PIN_PROC] = c.pin | (u64)c.proc << 32;
	backend[VMX_PARAM_PROC2] = c.proc2;
	backend[VMX_PARAM_EXIT_ENTRY] = c.exit | (u64)c.entry << 32;
	backend[VMX_PARAM_EPT_VPID] = caps.ept_vpid;
	backend[VMX_PARAM_TIMER_RATE] = read_msr(VMX_MSR_MISC) & VMX_MISC_TIMER_RATE;
	backend[VMX_PARAM_REVISION] = caps.basic & VMX_BASIC_REVISION;
	return 0;
}

/* Only its first word is software's. */
static u64 region(void)
{
	u32 *page = donated_pages(1);

	if (!page)
		return 0;
	*page = caps.basic & VMX_BASIC_REVISION;
	return donated_pa(page);
}

static int vmx_cpu(struct regent_handoff *h, u64 area)
{
	u8 *block = donated_pages(2);	/* struct vmx_block, virtual APIC */

	h->backend_pa[VMX_PA_VMCS] = region();
	h->backend_pa[VMX_PA_VMXON] = region();
	if (!block || !h->backend_pa[VMX_PA_VMCS] || !h->backend_pa[VMX_PA_VMXON])
		return -ENOMEM;
	h->backend_pa[VMX_PA_APIC] = donated_pa(block + PAGE_SIZE);
	h->backend_pa[VMX_PA_BLOCK] = donated_pa(block);
	((struct vmx_block *)block)->pebs_exit.index = VMX_MSR_PEBS_ENABLE;
	return k_map(area + REGENT_PERCPU_BACKEND, donated_pa(block), 2 * PAGE_SIZE,
		     HW_PTE_K_DATA);
}

static void put(u64 field, u64 value)
{
	hw_vmwrite(field, value);
}

/* LDT and TSS: their base is in the GDT. */
static void system_segment(struct regent_segment *s, u16 selector, u64 gdt)
{
	const struct ldttss_desc *d = (void *)(gdt + (selector & ~7));

	capture_segment(s, selector);
	if (!s->unusable)
		s->base = d->base0 | d->base1 << 16 | d->base2 << 24 | (u64)d->base3 << 32;
}

static void capture_rest(struct regent_state *s)
{
	u16 fs, gs, ldt, tr;

	asm volatile("mov %%fs, %0; mov %%gs, %1" : "=rm"(fs), "=rm"(gs));
	asm volatile("sldt %0; str %1" : "=rm"(ldt), "=rm"(tr));
	capture_segment(&s->seg[REGENT_FS], fs);
	capture_segment(&s->seg[REGENT_GS], gs);
	rdmsrl(MSR_FS_BASE, s->seg[REGENT_FS].base);
	rdmsrl(MSR_GS_BASE, s->seg[REGENT_GS].base);
	system_segment(&s->seg[REGENT_LDTR], ldt, s->gdtr_base);
	system_segment(&s->seg[REGENT_TR], tr, s->gdtr_base);
	rdmsrl(MSR_IA32_DEBUGCTLMSR, s->debugctl);
	rdmsrl(MSR_IA32_SYSENTER_CS, s->sysenter[0]);
	rdmsrl(MSR_IA32_SYSENTER_ESP, s->sysenter[1]);
	rdmsrl(MSR_IA32_SYSENTER_EIP, s->sysenter[2]);
}

static void fill_vmcs(struct regent_handoff *h)
{
	const struct regent_params *p = regent.params;
	struct vmx_controls c = {
		.pin = p->backend[VMX_PARAM_PIN_PROC],
		.proc = p->backend[VMX_PARAM_PIN_PROC] >> 32,
		.proc2 = p->backend[VMX_PARAM_PROC2],
		.exit = p->backend[VMX_PARAM_EXIT_ENTRY],
		.entry = p->backend[VMX_PARAM_EXIT_ENTRY] >> 32,
	};

	vmx_put_controls(put, &c);
	vmx_put_host(put, h, regent.header->idt);
	put(VMCS_HOST_RIP, regent.header->entry);
	put(VMCS_HOST_RSP, h->stack_top);
	put(VMCS_MSR_BITMAP, p->backend[VMX_PARAM_MSR_BITMAP]);
	put(VMCS_EPT_POINTER, vmx_eptp(p->nested_root, p->levels));
	put(VMCS_VPID, VMX_VPID_HOST);
	/* perf's NMI may switch it on again before the first exit. */
	put(VMCS_EXIT_MSR_LOAD_LIST,
	    h->backend_pa[VMX_PA_BLOCK] + offsetof(struct vmx_block, pebs_exit));
	put(VMCS_EXIT_MSR_LOADS, !!h->pebs);
	capture_rest(&h->state);
	vmx_put_guest(put, &h->state);
	put(VMCS_GUEST_RIP, h->resume);
}

/*
 * CR4 without Linux's knowledge: what it keeps of it has no VMXE. All translations
 * go, because Linux's and K's have the same tag on the bare machine.
 */
static void set_cr4(u64 cr4)
{
	asm volatile("mov %0, %%cr4" : : "r"(cr4 ^ X86_CR4_PGE) : "memory");
	asm volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
}

/* Not where it may have interrupted perf: as KVM leaves it to a crash kernel. */
static void tell_perf(bool on)
{
	if (!in_nmi())
		intel_pt_handle_vmx(on);
}

/* Its records would be written by K's page tables, see src/vmx/pebs.c. */
static void stop_pebs(struct regent_handoff *h)
{
	h->pebs = read_msr(VMX_MSR_PEBS_ENABLE);
	if (h->pebs)
		wrmsrl_safe(VMX_MSR_PEBS_ENABLE, 0);
}

static void resume_pebs(struct regent_handoff *h)
{
	if (h->pebs)
		wrmsrl_safe(VMX_MSR_PEBS_ENABLE, h->pebs);
}

static long vmx_enter(struct regent_handoff *h)
{
	long err = -EIO;
	u64 why = 0;

	h->left = 0;
	stop_pebs(h);
	tell_perf(true);
	set_cr4(h->state.cr4 | X86_CR4_VMXE);
	if (!regent_vmxon(h->backend_pa[VMX_PA_VMXON])) {
		set_cr4(h->state.cr4);
		tell_perf(false);
		resume_pebs(h);
		pr_err("CPU %u: VMXON failed\n", h->cpu);
		return err;
	}
	if (hw_vmclear(h->backend_pa[VMX_PA_VMCS]) &&
	    hw_vmptrld(h->backend_pa[VMX_PA_VMCS])) {
		fill_vmcs(h);
		/* VMXON drops nothing: what is tagged is an earlier takeover's, or KVM's. */
		hw_invept(VMX_INV_ALL, 0);
		hw_invvpid(VMX_INV_ALL, 0);
		err = regent_vmx_enter();
		if (err && !h->left)
			why = hw_vmread(VMCS_INSN_ERROR);
	}
	if (err)
		pr_err("CPU %u: VMLAUNCH failed, VM-instruction error %llu\n", h->cpu, why);
	return err;
}

static long vmx_come_back(void)
{
	return regent_vmx_leave();
}

/* Loading a selector changes the base; the kernel's GS must be right at all times. */
static void restore_user_segments(const struct regent_state *s)
{
	u16 fs = s->seg[REGENT_FS].selector, gs = s->seg[REGENT_GS].selector;
	u64 user_base;

	if (fs) {
		asm volatile("mov %0, %%fs" : : "r"((u32)fs));
		wrmsrl(MSR_FS_BASE, s->seg[REGENT_FS].base);
	}
	if (gs) {
		rdmsrl(MSR_KERNEL_GS_BASE, user_base);
		asm volatile("swapgs; mov %0, %%gs; swapgs" : : "r"((u32)gs) : "memory");
		wrmsrl(MSR_KERNEL_GS_BASE, user_base);
	}
}

/*
 * What an exit does not load as it was: GDT, IDT and TR have other limits, LDTR is
 * empty, DR7 and DEBUGCTL are as after reset.
 */
static void restore_rest(const struct regent_state *s)
{
	u16 ldt = s->seg[REGENT_LDTR].selector;
	struct desc_ptr table;

	native_store_gdt(&table);
	table.size = s->gdtr_limit;
	native_load_gdt(&table);
	store_idt(&table);
	table.size = s->idtr_limit;
	native_load_idt(&table);
	force_reload_TR();
	asm volatile("lldt %0" : : "r"(ldt));
	restore_user_segments(s);
	wrmsrl(MSR_IA32_DEBUGCTLMSR, s->debugctl);
	asm volatile("mov %0, %%dr7" : : "r"(s->dr7));
}

/*
 * The VMCS goes back to memory before its page goes back to Linux. CR4 reads without
 * VMXE in a world, and on a CPU that has been here already.
 */
static void vmx_disable(struct regent_handoff *h)
{
	u64 left = h->left;

	if (!(get_cr4() & X86_CR4_VMXE))
		return;
	/* An NMI may have done all of this in the meantime: doing it again is no harm. */
	regent_vmxoff(h->backend_pa[VMX_PA_VMCS]);
	h->left = 0;
	set_cr4(h->state.cr4);
	tell_perf(false);
	if (left)
		restore_rest(&h->state);
	resume_pebs(h);
	/* It came while K was on its way out; Linux's handler cannot tell. */
	if (left & REGENT_LEFT_NMI)
		asm volatile("int $2");
}

const struct l_backend l_backend_vmx = {
	.name = "vmx",
	.image = regent_k_vmx,
	.image_end = regent_k_vmx_end,
	.kvm_is_loaded = "KVM is loaded; stop its VMs, then: modprobe -r kvm_intel kvm (regentctl enter does it)",
	.nested = &nested_ept,
	.resume = regent_vmx_resume,
	.out = regent_vmx_out,
	.owns_debugctl = true,
	.is_this_cpu = vmx_is_this_cpu,
	.probe_machine = vmx_probe_machine,
	.probe_cpu = vmx_probe_cpu,
	.features = vmx_features,
	.prepare_machine = vmx_machine,
	.prepare_cpu = vmx_cpu,
	.enter = vmx_enter,
	.leave = vmx_come_back,
	.disable = vmx_disable,
	.hypercall = regent_vmcall,
};
