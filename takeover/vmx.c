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
#include "native.h"
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

static u64 vmx_read_msr(u32 msr)
{
	u64 v;

	return rdmsrl_safe(msr, &v) ? 0 : v;
}

static void vmx_read_caps(struct vmx_caps *c)
{
	bool true_ones;

	c->basic = vmx_read_msr(VMX_MSR_BASIC);
	true_ones = c->basic & VMX_BASIC_TRUE;
	c->pin = vmx_read_msr(true_ones ? VMX_MSR_TRUE_PIN : VMX_MSR_PIN);
	c->proc = vmx_read_msr(true_ones ? VMX_MSR_TRUE_PROC : VMX_MSR_PROC);
	c->exit = vmx_read_msr(true_ones ? VMX_MSR_TRUE_EXIT : VMX_MSR_EXIT);
	c->entry = vmx_read_msr(true_ones ? VMX_MSR_TRUE_ENTRY : VMX_MSR_ENTRY);
	c->proc2 = c->proc >> 63 ? vmx_read_msr(VMX_MSR_PROC2) : 0;
	c->cr0_fixed0 = vmx_read_msr(VMX_MSR_CR0_FIXED0);
	c->cr0_fixed1 = vmx_read_msr(VMX_MSR_CR0_FIXED1);
	c->cr4_fixed0 = vmx_read_msr(VMX_MSR_CR4_FIXED0);
	c->cr4_fixed1 = vmx_read_msr(VMX_MSR_CR4_FIXED1);
	c->ept_vpid = c->proc2 >> 33 & 1 ? vmx_read_msr(VMX_MSR_EPT_VPID) : 0;
}

/* Must every bit that VMX fixes be as Linux has it? CR4.VMXE is Regent's. */
static bool vmx_fixed_bits_fit(const struct vmx_caps *c)
{
	u64 cr0 = read_cr0(), cr4 = __read_cr4() | X86_CR4_VMXE;

	return !(c->cr0_fixed0 & ~cr0) && !(cr0 & ~c->cr0_fixed1) &&
	       !(c->cr4_fixed0 & ~cr4) && !(cr4 & ~c->cr4_fixed1);
}

static const char *vmx_feature_control(void)
{
	u64 v;

	if (rdmsrl_safe(VMX_MSR_FEATURE_CONTROL, &v))
		return "this CPU has no IA32_FEATURE_CONTROL; use another CPU or hypervisor below";
	return vmx_locked_off(v);
}

/* Instructions that Linux has, and that would be #UD to a world. */
static bool vmx_instructions_stay(const struct vmx_caps *c)
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

static __always_inline u64 vmx_get_cr4(void)
{
	u64 cr4;

	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	return cr4;
}

static const char *vmx_probe_cpu(void)
{
	const char *why = vmx_feature_control();
	struct vmx_controls controls;
	struct vmx_caps c;

	if (why)
		return why;
	/* Not as Linux knows it: who has not told Linux of it counts, too. */
	if (vmx_get_cr4() & X86_CR4_VMXE)
		return "another hypervisor owns VMX (CR4.VMXE is set); if it is KVM: modprobe -r kvm_intel";
	vmx_read_caps(&c);
	why = vmx_choose(&c, &controls);
	if (why)
		return why;
	if (!vmx_instructions_stay(&c))
		return "VMX takes instructions from Linux that this CPU has; use another CPU or hypervisor below";
	if (!vmx_fixed_bits_fit(&c))
		return "Linux has control register bits that VMX does not allow; use another CPU or hypervisor below";
	if ((__read_cr4() & X86_CR4_LA57) && !(c.ept_vpid & VMX_CAP_EPT_5_LEVELS))
		return "five-level paging without five-level EPT; boot with no5lvl";
	if (__read_cr4() & CR4_FRED)
		return "FRED event delivery is on; boot with fred=off";
	return NULL;
}

/* Their preemption timer counts at another rate than they say (Intel's errata). */
static bool vmx_timer_is_wrong(void)
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
	vmx_read_caps(&caps);
	if (!(caps.ept_vpid & VMX_CAP_EPT_1G))
		found &= ~REGENT_FEAT_1G;
	if (caps.proc2 >> 32 & VMX_PROC2_PAUSE_LOOP)
		found |= REGENT_FEAT_PAUSE_FILTER;
	if ((caps.pin >> 32 & VMX_PIN_TIMER) && (caps.exit >> 32 & VMX_EXIT_SAVE_TIMER) &&
	    !vmx_timer_is_wrong())
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
	backend[VMX_PARAM_TIMER_RATE] = vmx_read_msr(VMX_MSR_MISC) & VMX_MISC_TIMER_RATE;
	backend[VMX_PARAM_REVISION] = caps.basic & VMX_BASIC_REVISION;
	return 0;
}

/* Only its first word is software's. */
static u64 vmx_region(void)
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

	h->backend_pa[VMX_PA_VMCS] = vmx_region();
	h->backend_pa[VMX_PA_VMXON] = vmx_region();
	if (!block || !h->backend_pa[VMX_PA_VMCS] || !h->backend_pa[VMX_PA_VMXON])
		return -ENOMEM;
	h->backend_pa[VMX_PA_APIC] = donated_pa(block + PAGE_SIZE);
	h->backend_pa[VMX_PA_BLOCK] = donated_pa(block);
	((struct vmx_block *)block)->pebs_exit.index = VMX_MSR_PEBS_ENABLE;
	return k_map(area + REGENT_PERCPU_BACKEND, donated_pa(block), 2 * PAGE_SIZE,
		     HW_PTE_K_DATA);
}

static void vmx_put_field(u64 field, u64 value)
{
	hw_vmwrite(field, value);
}

/* LDT and TSS: their base is in the GDT. */
static void vmx_system_segment(struct regent_segment *s, u16 selector, u64 gdt)
{
	const struct ldttss_desc *d = (void *)(gdt + (selector & ~7));

	capture_segment(s, selector);
	if (!s->unusable)
		s->base = d->base0 | d->base1 << 16 | d->base2 << 24 | (u64)d->base3 << 32;
}

static void vmx_capture_rest(struct regent_state *s)
{
	u16 fs, gs, ldt, tr;

	asm volatile("mov %%fs, %0; mov %%gs, %1" : "=rm"(fs), "=rm"(gs));
	asm volatile("sldt %0; str %1" : "=rm"(ldt), "=rm"(tr));
	capture_segment(&s->seg[REGENT_FS], fs);
	capture_segment(&s->seg[REGENT_GS], gs);
	rdmsrl(MSR_FS_BASE, s->seg[REGENT_FS].base);
	rdmsrl(MSR_GS_BASE, s->seg[REGENT_GS].base);
	vmx_system_segment(&s->seg[REGENT_LDTR], ldt, s->gdtr_base);
	vmx_system_segment(&s->seg[REGENT_TR], tr, s->gdtr_base);
	rdmsrl(MSR_IA32_DEBUGCTLMSR, s->debugctl);
	rdmsrl(MSR_IA32_SYSENTER_CS, s->sysenter[0]);
	rdmsrl(MSR_IA32_SYSENTER_ESP, s->sysenter[1]);
	rdmsrl(MSR_IA32_SYSENTER_EIP, s->sysenter[2]);
}

static void vmx_fill_vmcs(struct regent_handoff *h)
{
	const struct regent_params *p = regent.params;
	struct vmx_controls c = {
		.pin = p->backend[VMX_PARAM_PIN_PROC],
		.proc = p->backend[VMX_PARAM_PIN_PROC] >> 32,
		.proc2 = p->backend[VMX_PARAM_PROC2],
		.exit = p->backend[VMX_PARAM_EXIT_ENTRY],
		.entry = p->backend[VMX_PARAM_EXIT_ENTRY] >> 32,
	};

	vmx_put_controls(vmx_put_field, &c);
	vmx_put_host(vmx_put_field, h, regent.header->idt);
	vmx_put_field(VMCS_HOST_RIP, regent.header->entry);
	vmx_put_field(VMCS_HOST_RSP, h->stack_top);
	vmx_put_field(VMCS_MSR_BITMAP, p->backend[VMX_PARAM_MSR_BITMAP]);
	vmx_put_field(VMCS_EPT_POINTER, vmx_eptp(p->npt_root, p->levels));
	vmx_put_field(VMCS_VPID, VMX_VPID_HOST);
	/* perf's NMI may switch it on again before the first exit. */
	vmx_put_field(VMCS_EXIT_MSR_LOAD_LIST,
		      h->backend_pa[VMX_PA_BLOCK] + offsetof(struct vmx_block, pebs_exit));
	vmx_put_field(VMCS_EXIT_MSR_LOADS, !!h->pebs);
	vmx_capture_rest(&h->state);
	vmx_put_guest(vmx_put_field, &h->state);
	vmx_put_field(VMCS_GUEST_RIP, h->resume);
}

/*
 * CR4 without Linux's knowledge: what it keeps of it has no VMXE. All translations
 * go, because Linux's and K's have the same tag on the bare machine.
 */
static __always_inline void vmx_set_cr4(u64 cr4)
{
	asm volatile("mov %0, %%cr4" : : "r"(cr4 ^ X86_CR4_PGE) : "memory");
	asm volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
}

/* Not where it may have interrupted perf: as KVM leaves it to a crash kernel. */
static void vmx_tell_perf(bool on)
{
	if (!in_nmi())
		intel_pt_handle_vmx(on);
}

/* Its records would be written by K's page tables, see src/vmx/pebs.c. */
static void vmx_stop_pebs(struct regent_handoff *h)
{
	h->pebs = vmx_read_msr(VMX_MSR_PEBS_ENABLE);
	if (h->pebs)
		wrmsrl_safe(VMX_MSR_PEBS_ENABLE, 0);
}

static void vmx_resume_pebs(struct regent_handoff *h)
{
	if (h->pebs)
		wrmsrl_safe(VMX_MSR_PEBS_ENABLE, h->pebs);
}

/* VMX on, the VMCS filled in: all but the launch. */
static int vmx_launch_ready(struct regent_handoff *h)
{
	h->left = 0;
	vmx_stop_pebs(h);
	vmx_tell_perf(true);
	vmx_set_cr4(h->state.cr4 | X86_CR4_VMXE);
	if (!regent_vmxon(h->backend_pa[VMX_PA_VMXON])) {
		vmx_set_cr4(h->state.cr4);
		vmx_tell_perf(false);
		vmx_resume_pebs(h);
		pr_err("CPU %u: VMXON failed\n", h->cpu);
		return -EIO;
	}
	if (!hw_vmclear(h->backend_pa[VMX_PA_VMCS]) ||
	    !hw_vmptrld(h->backend_pa[VMX_PA_VMCS])) {
		pr_err("CPU %u: the VMCS is refused\n", h->cpu);
		return -EIO;
	}
	vmx_fill_vmcs(h);
	/* VMXON drops nothing: what is tagged is an earlier takeover's, or KVM's. */
	hw_invept(VMX_INV_ALL, 0);
	hw_invvpid(VMX_INV_ALL, 0);
	return 0;
}

static noinstr long vmx_come_back(void)
{
	return regent_vmx_leave();
}

/* Loading a selector changes the base; the kernel's GS must be right at all times. */
static noinstr void vmx_restore_user_segments(const struct regent_state *s)
{
	u16 fs = s->seg[REGENT_FS].selector, gs = s->seg[REGENT_GS].selector;
	u64 user_base;

	if (fs) {
		asm volatile("mov %0, %%fs" : : "r"((u32)fs));
		l_wrmsr(MSR_FS_BASE, s->seg[REGENT_FS].base);
	}
	if (gs) {
		user_base = l_rdmsr(MSR_KERNEL_GS_BASE);
		asm volatile("swapgs; mov %0, %%gs; swapgs" : : "r"((u32)gs) : "memory");
		l_wrmsr(MSR_KERNEL_GS_BASE, user_base);
	}
}

/*
 * LTR wants a TSS that is not busy, and marks it so: in the writable alias of the GDT,
 * since Linux's own mapping is read-only.
 */
static noinstr void vmx_restore_gdt_and_tr(const struct regent_state *s)
{
	struct desc_struct *writable = get_current_gdt_rw();
	struct desc_ptr gdt, alias = {
		.address = (unsigned long)writable, .size = s->gdtr_limit,
	};

	l_store_gdt(&gdt);
	gdt.size = s->gdtr_limit;
	writable[GDT_ENTRY_TSS].type = DESC_TSS;
	l_load_gdt(&alias);
	asm volatile("ltr %w0" : : "r"(GDT_ENTRY_TSS * 8));
	l_load_gdt(&gdt);
}

/*
 * What an exit does not load as it was: GDT, IDT and TR have other limits, LDTR is
 * empty, DR7 and DEBUGCTL are as after reset.
 */
static noinstr void vmx_restore_rest(const struct regent_state *s)
{
	u16 ldt = s->seg[REGENT_LDTR].selector;
	struct desc_ptr idt;

	vmx_restore_gdt_and_tr(s);
	l_store_idt(&idt);
	idt.size = s->idtr_limit;
	l_load_idt(&idt);
	asm volatile("lldt %0" : : "r"(ldt));
	vmx_restore_user_segments(s);
	l_wrmsr(MSR_IA32_DEBUGCTLMSR, s->debugctl);
	asm volatile("mov %0, %%dr7" : : "r"(s->dr7));
}

/*
 * The VMCS goes back to memory before its page goes back to Linux. CR4 reads without
 * VMXE in a world, and on a CPU that has been here already. perf is told when all of
 * Linux's state is there: it can be traced.
 */
static noinstr void vmx_disable(struct regent_handoff *h)
{
	u64 left = h->left;

	if (!(vmx_get_cr4() & X86_CR4_VMXE))
		return;
	/* An NMI may have done all of this in the meantime: doing it again is no harm. */
	regent_vmxoff(h->backend_pa[VMX_PA_VMCS]);
	h->left = 0;
	vmx_set_cr4(h->state.cr4);
	if (left)
		vmx_restore_rest(&h->state);
	vmx_tell_perf(false);
	vmx_resume_pebs(h);
	/* It came while K was on its way out; Linux's handler cannot tell. */
	if (left & REGENT_LEFT_NMI)
		asm volatile("int $2");
}

static noinstr long vmx_enter(struct regent_handoff *h)
{
	u64 why = 0;
	long err = vmx_launch_ready(h);

	if (err)
		return err;
	err = regent_vmx_enter();
	if (!err)
		return 0;
	/* Handed back at once, or never launched: only then is there a reason to read. */
	if (!h->left)
		why = hw_vmread(VMCS_INSN_ERROR);
	vmx_disable(h);
	pr_err("CPU %u: VMLAUNCH failed, VM-instruction error %llu\n", h->cpu, why);
	return err;
}

/* Called through a pointer, which an assembler's function has no hash and no ENDBR for. */
static long vmx_hypercall(u64 nr, u64 a, u64 b)
{
	return regent_vmcall(nr, a, b);
}

const struct l_backend l_backend_vmx = {
	.name = "vmx",
	.image = regent_k_vmx,
	.image_end = regent_k_vmx_end,
	.kvm_is_loaded = "KVM is loaded; stop its VMs, then: modprobe -r kvm_intel kvm (regentctl enter does it)",
	.nested = &npt_kind_vmx,
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
	.hypercall = vmx_hypercall,
};
