/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The MSRs to print. Numbers are written out here and not taken from a header:
 * the dumper is an independent witness. One that is not there prints "absent".
 */
#ifndef DUMPER_MSRS_H
#define DUMPER_MSRS_H

static const struct {
	const char *name;
	u32 msr;
} single_msrs[] = {
	/* Modes, system calls, bases */
	{ "efer", 0xc0000080 },
	{ "star", 0xc0000081 },
	{ "lstar", 0xc0000082 },
	{ "cstar", 0xc0000083 },
	{ "sfmask", 0xc0000084 },
	{ "fs_base", 0xc0000100 },
	{ "gs_base", 0xc0000101 },
	{ "kernel_gs_base", 0xc0000102 },
	{ "tsc_aux", 0xc0000103 },
	{ "tsc_ratio", 0xc0000104 },
	{ "sysenter_cs", 0x174 },
	{ "sysenter_esp", 0x175 },
	{ "sysenter_eip", 0x176 },

	/* Memory types */
	{ "pat", 0x277 },
	{ "mtrr_cap", 0xfe },
	{ "mtrr_def_type", 0x2ff },
	{ "mtrr_fix64k_00000", 0x250 },
	{ "mtrr_fix16k_80000", 0x258 },
	{ "mtrr_fix16k_a0000", 0x259 },
	{ "smrr_base", 0x1f2 },
	{ "smrr_mask", 0x1f3 },

	/* AMD system */
	{ "syscfg", 0xc0010010 },
	{ "hwcr", 0xc0010015 },
	{ "top_mem", 0xc001001a },
	{ "top_mem2", 0xc001001d },
	{ "vm_cr", 0xc0010114 },
	{ "ignne", 0xc0010115 },
	{ "smm_ctl", 0xc0010116 },
	{ "vm_hsave_pa", 0xc0010117 },
	{ "virt_spec_ctrl", 0xc001011f },
	{ "sev_status", 0xc0010131 },
	{ "osvw_id_length", 0xc0010140 },
	{ "osvw_status", 0xc0010141 },
	{ "ls_cfg", 0xc0011020 },
	{ "de_cfg", 0xc0011029 },

	/* Intel system */
	{ "feature_control", 0x3a },
	{ "misc_enable", 0x1a0 },
	{ "misc_features_enables", 0x140 },
	{ "umwait_control", 0xe1 },
	{ "energy_perf_bias", 0x1b0 },

	/* Time and interrupts */
	{ "apic_base", 0x1b },
	{ "tsc_adjust", 0x3b },
	{ "tsc_deadline", 0x6e0 },

	/* Speculation */
	{ "spec_ctrl", 0x48 },
	{ "arch_capabilities", 0x10a },
	{ "tsx_ctrl", 0x122 },
	{ "mcu_opt_ctrl", 0x123 },

	/* Extended state, protection keys, shadow stacks */
	{ "xss", 0xda0 },
	{ "xfd", 0x1c4 },
	{ "xfd_err", 0x1c5 },
	{ "pkrs", 0x6e1 },
	{ "u_cet", 0x6a0 },
	{ "s_cet", 0x6a2 },
	{ "pl0_ssp", 0x6a4 },
	{ "pl1_ssp", 0x6a5 },
	{ "pl2_ssp", 0x6a6 },
	{ "pl3_ssp", 0x6a7 },
	{ "isst_addr", 0x6a8 },

	/* Debugging, branch records, counters' controls */
	{ "debugctl", 0x1d9 },
	{ "lbr_select", 0x1c8 },
	{ "lbr_tos", 0x1c9 },
	{ "lbr_ctl", 0x14ce },
	{ "lbr_depth", 0x14cf },
	{ "last_branch_from", 0x1db },
	{ "last_branch_to", 0x1dc },
	{ "last_int_from", 0x1dd },
	{ "last_int_to", 0x1de },
	{ "dbg_extn_cfg", 0xc000010f },
	{ "rtit_ctl", 0x570 },
	{ "ds_area", 0x600 },
	{ "pebs_enable", 0x3f1 },
	{ "pmu_fixed_ctrl", 0x38d },
	{ "pmu_global_status", 0x38e },
	{ "pmu_global_ctrl", 0x38f },
	{ "amd_pmu_global_status", 0xc0000300 },
	{ "amd_pmu_global_ctrl", 0xc0000301 },
	{ "ibs_fetch_ctl", 0xc0011030 },
	{ "ibs_op_ctl", 0xc0011033 },

	/* Machine check */
	{ "mcg_cap", 0x179 },
	{ "mcg_status", 0x17a },
	{ "mcg_ctl", 0x17b },
	{ "mcg_ext_ctl", 0x4d0 },

	/* The outer hypervisor, if there is one: KVM's, then Hyper-V's */
	{ "kvm_wall_clock", 0x4b564d00 },
	{ "kvm_system_time", 0x4b564d01 },
	{ "kvm_async_pf_en", 0x4b564d02 },
	{ "kvm_steal_time", 0x4b564d03 },
	{ "kvm_pv_eoi_en", 0x4b564d04 },
	{ "kvm_poll_control", 0x4b564d05 },
	{ "kvm_async_pf_int", 0x4b564d06 },
	{ "kvm_async_pf_ack", 0x4b564d07 },
	{ "kvm_migration_control", 0x4b564d08 },
	{ "hv_guest_os_id", 0x40000000 },
	{ "hv_hypercall", 0x40000001 },
	{ "hv_apic_assist", 0x40000073 },
	{ "hv_reference_tsc", 0x40000021 },
	{ "hv_scontrol", 0x40000080 },
	{ "hv_siefp", 0x40000082 },
	{ "hv_simp", 0x40000083 },
};

/* Numbered registers: name0, name1, ... */
static const struct {
	const char *name;
	u32 first;
	u32 stride;
	u32 count;
} msr_rows[] = {
	{ "mtrr_fix4k_", 0x268, 1, 8 },
	{ "iorr_base", 0xc0010016, 2, 2 },
	{ "iorr_mask", 0xc0010017, 2, 2 },
	{ "pmu_intel_evtsel", 0x186, 1, 8 },
	{ "pmu_k7_evtsel", 0xc0010000, 1, 4 },
	{ "pmu_core_evtsel", 0xc0010200, 2, 6 },
	{ "dr_addr_mask_123_", 0xc0011019, 1, 3 },
	{ "dr_addr_mask_0_", 0xc0011027, 1, 1 },
};

#endif
