// SPDX-License-Identifier: GPL-2.0-only
/*
 * K's image: copied out of the module into K's memory, its parameters and IDT
 * filled in, and mapped with the rights that its parts ask for.
 */
#include <linux/cpu.h>
#include <linux/errno.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <asm/page.h>
#include <asm/pgtable.h>
#include <asm/processor.h>
#include <asm/tsc.h>

#include <hw/pte.h>
#include <regent/abi/msrtab.h>
#include <regent/crc.h>
#include <regent/prep.h>
#include <regent/ptab.h>

#include "l.h"

static u8 *image;

/**
 * image_va() - where Linux sees an address of K's image
 * @k_va: address in the image
 */
void *image_va(u64 k_va)
{
	return image + (k_va - REGENT_VA_IMAGE);
}

static bool image_header_ok(const struct regent_image_header *h, size_t size)
{
	return size >= sizeof(*h) && h->magic == REGENT_IMAGE_MAGIC &&
	       h->abi == REGENT_IMAGE_ABI && h->file_end == size &&
	       h->text_end <= h->rodata_end && h->rodata_end <= h->file_end &&
	       h->file_end <= h->image_end && h->image_end <= REGENT_CHUNK_SIZE / 2;
}

static int image_map(const struct regent_image_header *h)
{
	u64 pa = donated_pa(image);
	int err;

	err = k_map(REGENT_VA_IMAGE, pa, h->text_end, HW_PTE_K_TEXT);
	if (!err)
		err = k_map(REGENT_VA_IMAGE + h->text_end, pa + h->text_end,
			    h->rodata_end - h->text_end, HW_PTE_K_RO);
	if (!err)
		err = k_map(REGENT_VA_IMAGE + h->rodata_end, pa + h->rodata_end,
			    h->image_end - h->rodata_end, HW_PTE_K_DATA);
	return err;
}

#define FXSAVE_SIZE	512

static void image_add_world_msr(struct regent_params *p, u32 msr, bool exists)
{
	const struct reg_entry *row = reg_find(msr);

	if (!exists || p->nr_world_msrs == ARRAY_SIZE(p->world_msr))
		return;
	if (!row || !(row->trap & REG_TRAP_WRITE))
		p->world_msr_live |= 1u << p->nr_world_msrs;
	p->world_msr[p->nr_world_msrs++] = msr;
}

/**
 * image_xsave() - the size of an XSAVE area with all that this machine has
 * @xcr0_all: filled in with the components; 0 when Linux does not use XSAVE, and the size is
 *	that of an FXSAVE area
 *
 * Return: bytes, in standard format.
 */
u32 image_xsave(u64 *xcr0_all)
{
	u32 eax, ebx, ecx, edx;

	*xcr0_all = 0;
	/* Booted with noxsave, the feature stays. */
	if (!(__read_cr4() & X86_CR4_OSXSAVE))
		return FXSAVE_SIZE;
	cpuid_count(0xd, 0, &eax, &ebx, &ecx, &edx);
	*xcr0_all = eax | (u64)edx << 32;
	return ecx;
}

/* What a switch between worlds moves; the rows of class REG_WORLD a world can see. */
static void image_fill_switch(struct regent_params *p)
{
	p->xsave_size = image_xsave(&p->xcr0_all);
	/* First what has a value of its own in each world, and costs least there. */
	image_add_world_msr(p, MSR_TSC_AUX, boot_cpu_has(X86_FEATURE_RDTSCP));
	image_add_world_msr(p, MSR_IA32_DEBUGCTLMSR, !regent.backend->owns_debugctl);
	image_add_world_msr(p, MSR_IA32_SPEC_CTRL, boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL) &&
			    !(p->features & REGENT_FEAT_V_SPEC_CTRL));
	image_add_world_msr(p, MSR_IA32_U_CET, p->features & REGENT_FEAT_CET);
	image_add_world_msr(p, MSR_IA32_PL3_SSP, p->features & REGENT_FEAT_CET);
	if (cpu_mitigations_off())
		return;
	if (boot_cpu_has(X86_FEATURE_IBPB))
		p->mitigations |= REGENT_MITIGATE_IBPB;
	p->mitigations |= REGENT_MITIGATE_RSB;
	if (boot_cpu_has(X86_FEATURE_MD_CLEAR) &&
	    (boot_cpu_has_bug(X86_BUG_MDS) || boot_cpu_has_bug(X86_BUG_TAA) ||
	     boot_cpu_has_bug(X86_BUG_MMIO_STALE_DATA) || boot_cpu_has_bug(X86_BUG_RFDS)))
		p->mitigations |= REGENT_MITIGATE_BUFFERS;
	if (boot_cpu_has(X86_FEATURE_FLUSH_L1D) && boot_cpu_has_bug(X86_BUG_L1TF))
		p->mitigations |= REGENT_MITIGATE_L1D;
}

/* Without a TSC of known frequency no CPU can be forwarded. */
static void image_fill_clock(struct regent_params *p)
{
	if (!tsc_khz)
		return;
	p->tsc_khz = tsc_khz;
	p->ns_per_tick = div64_u64(1000000ull << 32, tsc_khz);
	p->ticks_per_ns = div64_u64((u64)tsc_khz << 32, 1000000);
}

static void image_fill_params(struct regent_params *p)
{
	p->features = probe_features();
	if (regent_debug)
		p->features |= REGENT_FEAT_DEBUG_FAULT;
	regent.features = p->features;
	p->nr_cpus = nr_cpu_ids;
	p->phys_bits = boot_cpu_data.x86_phys_bits;
	p->levels = p->features & REGENT_FEAT_LA57 ? 5 : 4;
	p->leave = (u64)regent.backend->out;
	image_fill_switch(p);
	image_fill_clock(p);
	p->code_base = __START_KERNEL_map;
	p->code_size = MODULES_VADDR - __START_KERNEL_map;
	p->code_phys = phys_base;
	p->flags_offset = offsetof(struct task_struct, thread_info.flags);
	p->flag_polling = _TIF_POLLING_NRFLAG;
	p->flags_resched = _TIF_NEED_RESCHED;
	p->trampoline = (u64)regent.backend->mapped & PAGE_MASK;
}

int image_do(void)
{
	const struct l_backend *b = regent.backend;
	const struct regent_image_header *h = (const void *)b->image;
	size_t size = b->image_end - b->image;

	if (!image_header_ok(h, size)) {
		pr_err("the module's K image is damaged; build it again\n");
		return -ENOEXEC;
	}
	image = donated_pages(h->image_end / PAGE_SIZE);
	if (!image)
		return -ENOMEM;
	memcpy(image, b->image, size);
	regent.header = (void *)image;
	regent.params = image_va(h->params);
	image_fill_params(regent.params);
	desc_build_idt(image_va(h->idt), h->stubs);
	return image_map(h);
}

void image_undo(void)
{
	regent.params = NULL;
	regent.header = NULL;
	image = NULL;
}
