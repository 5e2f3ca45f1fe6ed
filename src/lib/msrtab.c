// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows of the register table, see <regent/abi/msrtab.h>, sorted by index, and SVM's MSR
 * permission map, which is built from them. Plain logic.
 */
#include <regent/abi/msrtab.h>

#define R(idx, nm, own, sw, tr, cl, wh)					\
	{ .index = (idx), .name = nm, .owner = REG_##own,		\
	  .when_switched = REG_##sw, .trap = REG_TRAP_##tr,		\
	  .cls = REG_##cl, .when = REG_##wh }

const struct reg_entry reg_table[] = {
	/* index      name              owner     switched traps  class     when */
	R(0x0000001b, "APIC_BASE",      LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x0000003a, "FEATURE_CONTROL", REGENT,  NEVER,  BOTH,  OWNED,    HOT),
	R(0x00000048, "SPEC_CTRL",      SWITCHED, EXIT,   NONE,  VOLATILE, HOT),
	R(0x000000c1, "PMC0",           LINUX,    WORLD,  NONE,  VOLATILE, COLD),
	R(0x000000e7, "MPERF",          LINUX,    NEVER,  NONE,  VOLATILE, COLD),
	R(0x000000e8, "APERF",          LINUX,    NEVER,  NONE,  VOLATILE, COLD),
	R(0x000000fe, "MTRR_CAP",       LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x00000122, "TSX_CTRL",       LINUX,    WORLD,  NONE,  TRACKED,  COLD),
	R(0x00000174, "SYSENTER_CS",    SWITCHED, VMLOAD, NONE,  OWNED,    HOT),
	R(0x00000175, "SYSENTER_ESP",   SWITCHED, VMLOAD, NONE,  OWNED,    HOT),
	R(0x00000176, "SYSENTER_EIP",   SWITCHED, VMLOAD, NONE,  OWNED,    HOT),
	R(0x00000179, "MCG_CAP",        LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x0000017a, "MCG_STATUS",     LINUX,    NEVER,  NONE,  VOLATILE, COLD),
	R(0x0000017b, "MCG_CTL",        LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x000001a0, "MISC_ENABLE",    LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x000001c4, "XFD",            LINUX,    WORLD,  NONE,  VOLATILE, COLD),
	R(0x000001d9, "DEBUGCTL",       LINUX,    WORLD,  WRITE, VOLATILE, COLD),
	R(0x000001db, "LASTBRANCHFROM", LINUX,    WORLD,  NONE,  VOLATILE, COLD),
	R(0x000001dc, "LASTBRANCHTO",   LINUX,    WORLD,  NONE,  VOLATILE, COLD),
	R(0x00000200, "MTRR_BASE0",     LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x00000201, "MTRR_MASK0",     LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x00000202, "MTRR_BASE1",     LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x00000203, "MTRR_MASK1",     LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x00000204, "MTRR_BASE2",     LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x00000205, "MTRR_MASK2",     LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x00000206, "MTRR_BASE3",     LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x00000207, "MTRR_MASK3",     LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x00000208, "MTRR_BASE4",     LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x00000209, "MTRR_MASK4",     LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x0000020a, "MTRR_BASE5",     LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x0000020b, "MTRR_MASK5",     LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x0000020c, "MTRR_BASE6",     LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x0000020d, "MTRR_MASK6",     LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x0000020e, "MTRR_BASE7",     LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x0000020f, "MTRR_MASK7",     LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x00000250, "MTRR_FIX64K_0",  LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x00000258, "MTRR_FIX16K_8",  LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x00000259, "MTRR_FIX16K_A",  LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x00000268, "MTRR_FIX4K_C0",  LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x00000269, "MTRR_FIX4K_C8",  LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x0000026a, "MTRR_FIX4K_D0",  LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x0000026b, "MTRR_FIX4K_D8",  LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x0000026c, "MTRR_FIX4K_E0",  LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x0000026d, "MTRR_FIX4K_E8",  LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x0000026e, "MTRR_FIX4K_F0",  LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x0000026f, "MTRR_FIX4K_F8",  LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x00000277, "PAT",            SWITCHED, EXIT,   NONE,  TRACKED,  HOT),
	R(0x000002ff, "MTRR_DEF_TYPE",  LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0x000006a0, "U_CET",          LINUX,    WORLD,  NONE,  VOLATILE, COLD),
	R(0x000006a2, "S_CET",          SWITCHED, EXIT,   NONE,  TRACKED,  HOT),
	R(0x000006a4, "PL0_SSP",        LINUX,    WORLD,  NONE,  VOLATILE, COLD),
	R(0x000006a5, "PL1_SSP",        LINUX,    WORLD,  NONE,  TRACKED,  COLD),
	R(0x000006a6, "PL2_SSP",        LINUX,    WORLD,  NONE,  TRACKED,  COLD),
	R(0x000006a7, "PL3_SSP",        LINUX,    WORLD,  NONE,  VOLATILE, COLD),
	R(0x000006a8, "ISST",           SWITCHED, EXIT,   NONE,  TRACKED,  HOT),
	R(0x000006e0, "TSC_DEADLINE",   LINUX,    WORLD,  NONE,  VOLATILE, COLD),
	R(0x00000da0, "XSS",            LINUX,    WORLD,  NONE,  TRACKED,  COLD),
	/* MSRs of a KVM below: outside of the map's ranges, so that K repeats each access. */
	R(0x4b564d00, "KVM_WALL_CLOCK", LINUX,    NEVER,  BOTH,  VOLATILE, COLD),
	R(0x4b564d01, "KVM_SYS_TIME",   LINUX,    NEVER,  BOTH,  TRACKED,  COLD),
	R(0x4b564d02, "KVM_ASYNC_PF",   LINUX,    NEVER,  BOTH,  TRACKED,  COLD),
	R(0x4b564d03, "KVM_STEAL_TIME", LINUX,    NEVER,  BOTH,  TRACKED,  COLD),
	R(0x4b564d04, "KVM_PV_EOI",     LINUX,    NEVER,  BOTH,  TRACKED,  COLD),
	R(0x4b564d05, "KVM_POLL",       LINUX,    NEVER,  BOTH,  TRACKED,  COLD),
	R(0x4b564d06, "KVM_ASYNC_INT",  LINUX,    NEVER,  BOTH,  TRACKED,  COLD),
	R(0xc0000080, "EFER",           SWITCHED, EXIT,   BOTH,  OWNED,    HOT),
	R(0xc0000081, "STAR",           SWITCHED, VMLOAD, NONE,  OWNED,    HOT),
	R(0xc0000082, "LSTAR",          SWITCHED, VMLOAD, NONE,  OWNED,    HOT),
	R(0xc0000083, "CSTAR",          SWITCHED, VMLOAD, NONE,  OWNED,    HOT),
	R(0xc0000084, "SFMASK",         SWITCHED, VMLOAD, NONE,  OWNED,    HOT),
	R(0xc0000100, "FS_BASE",        SWITCHED, VMLOAD, NONE,  TRACKED,  HOT),
	R(0xc0000101, "GS_BASE",        SWITCHED, VMLOAD, NONE,  OWNED,    HOT),
	R(0xc0000102, "KERNEL_GS_BASE", SWITCHED, VMLOAD, NONE,  TRACKED,  HOT),
	R(0xc0000103, "TSC_AUX",        LINUX,    WORLD,  WRITE, TRACKED,  COLD),
	R(0xc0000104, "TSC_RATIO",      LINUX,    WORLD,  NONE,  TRACKED,  COLD),
	R(0xc0010000, "PERF_CTL0",      LINUX,    WORLD,  NONE,  VOLATILE, COLD),
	R(0xc0010010, "SYSCFG",         LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0xc0010015, "HWCR",           LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0xc001001a, "TOP_MEM",        LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0xc001001d, "TOP_MEM2",       LINUX,    NEVER,  NONE,  TRACKED,  COLD),
	R(0xc0010114, "VM_CR",          REGENT,   NEVER,  BOTH,  OWNED,    HOT),
	R(0xc0010117, "VM_HSAVE_PA",    REGENT,   NEVER,  BOTH,  OWNED,    HOT),
	R(0xc001011f, "VIRT_SPEC_CTRL", LINUX,    WORLD,  NONE,  VOLATILE, COLD),
	R(0xc0010200, "PERF_CTL0_EXT",  LINUX,    WORLD,  NONE,  VOLATILE, COLD),

	R(REG_CR0,        "CR0",        SWITCHED, EXIT,   NONE,  TRACKED,  HOT),
	R(REG_CR2,        "CR2",        SWITCHED, EXIT,   NONE,  TRACKED,  HOT),
	R(REG_CR3,        "CR3",        SWITCHED, EXIT,   NONE,  TRACKED,  HOT),
	R(REG_CR4,        "CR4",        SWITCHED, EXIT,   NONE,  TRACKED,  HOT),
	R(REG_CR8,        "CR8",        LINUX,    WORLD,  NONE,  TRACKED,  HOT),
	R(REG_DR6,        "DR6",        SWITCHED, EXIT,   NONE,  TRACKED,  HOT),
	R(REG_DR7,        "DR7",        SWITCHED, EXIT,   NONE,  TRACKED,  HOT),
	R(REG_RFLAGS,     "RFLAGS",     SWITCHED, EXIT,   NONE,  VOLATILE, HOT),
	R(REG_XCR0,       "XCR0",       LINUX,    WORLD,  NONE,  TRACKED,  COLD),
	R(REG_GDTR_BASE,  "GDTR_BASE",  SWITCHED, EXIT,   NONE,  OWNED,    HOT),
	R(REG_GDTR_LIMIT, "GDTR_LIMIT", SWITCHED, EXIT,   NONE,  OWNED,    HOT),
	R(REG_IDTR_BASE,  "IDTR_BASE",  SWITCHED, EXIT,   NONE,  OWNED,    HOT),
	R(REG_IDTR_LIMIT, "IDTR_LIMIT", SWITCHED, EXIT,   NONE,  OWNED,    HOT),
	R(REG_ES,         "ES",         SWITCHED, EXIT,   NONE,  TRACKED,  HOT),
	R(REG_CS,         "CS",         SWITCHED, EXIT,   NONE,  OWNED,    HOT),
	/* An interrupt from user space loads 0, which Linux keeps on Intel. */
	R(REG_SS,         "SS",         SWITCHED, EXIT,   NONE,  TRACKED,  HOT),
	R(REG_DS,         "DS",         SWITCHED, EXIT,   NONE,  TRACKED,  HOT),
	R(REG_FS,         "FS",         SWITCHED, VMLOAD, NONE,  TRACKED,  HOT),
	R(REG_GS,         "GS",         SWITCHED, VMLOAD, NONE,  TRACKED,  HOT),
	R(REG_LDTR,       "LDTR",       SWITCHED, VMLOAD, NONE,  TRACKED,  HOT),
	R(REG_TR,         "TR",         SWITCHED, VMLOAD, NONE,  OWNED,    HOT),
	R(REG_DR0,        "DR0",        LINUX,    WORLD,  NONE,  VOLATILE, COLD),
	R(REG_DR1,        "DR1",        LINUX,    WORLD,  NONE,  VOLATILE, COLD),
	R(REG_DR2,        "DR2",        LINUX,    WORLD,  NONE,  VOLATILE, COLD),
	R(REG_DR3,        "DR3",        LINUX,    WORLD,  NONE,  VOLATILE, COLD),
	R(REG_APIC_LVTT,  "APIC_LVTT",  LINUX,    WORLD,  NONE,  TRACKED,  COLD),
	R(REG_APIC_LVTPC, "APIC_LVTPC", LINUX,    WORLD,  NONE,  TRACKED,  COLD),
	R(REG_APIC_LVT0,  "APIC_LVT0",  LINUX,    WORLD,  NONE,  TRACKED,  COLD),
	R(REG_APIC_LVT1,  "APIC_LVT1",  LINUX,    WORLD,  NONE,  TRACKED,  COLD),
	R(REG_APIC_LVTERR, "APIC_LVTERR", LINUX,  WORLD,  NONE,  TRACKED,  COLD),
	R(REG_APIC_SVR,   "APIC_SVR",   LINUX,    WORLD,  NONE,  TRACKED,  COLD),
	R(REG_APIC_TPR,   "APIC_TPR",   LINUX,    WORLD,  NONE,  TRACKED,  COLD),
	R(REG_APIC_LDR,   "APIC_LDR",   LINUX,    WORLD,  NONE,  TRACKED,  COLD),
	R(REG_APIC_ID,    "APIC_ID",    LINUX,    WORLD,  NONE,  TRACKED,  COLD),
};

const unsigned int reg_table_size = sizeof(reg_table) / sizeof(reg_table[0]);

/**
 * reg_find() - the row of an MSR or pseudo register
 * @index: MSR number or enum reg_pseudo
 *
 * Return: the row, or NULL when the table does not list it.
 */
const struct reg_entry *reg_find(u32 index)
{
	unsigned int low = 0, high = reg_table_size;

	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (reg_table[mid].index == index)
			return &reg_table[mid];
		if (reg_table[mid].index < index)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* First bit of an MSR in the permission map (two bits each), or -1. */
static int bitmap_bit(u32 index)
{
	static const u32 start[] = { 0x00000000, 0xc0000000, 0xc0010000 };
	unsigned int i;

	for (i = 0; i < 3; i++)
		if (index - start[i] < 0x2000)
			return (i * 0x2000 + (index - start[i])) * 2;
	return -1;
}

/**
 * msr_bitmap_covers() - can the permission map let this MSR through?
 * @index: MSR number
 *
 * Return: false for an MSR that always exits.
 */
bool msr_bitmap_covers(u32 index)
{
	return bitmap_bit(index) >= 0;
}

static void bitmap_trap(u8 *bitmap, u32 index, u8 kinds)
{
	int bit = bitmap_bit(index);

	if (bit >= 0)
		bitmap[bit / 8] |= kinds << (bit % 8);
}

/**
 * msr_bitmap_build() - build SVM's MSR permission map for the host world
 * @bitmap: MSR_BITMAP_SIZE bytes, zeroed
 */
void msr_bitmap_build(u8 *bitmap)
{
	unsigned int i;

	for (i = 0; i < reg_table_size; i++)
		bitmap_trap(bitmap, reg_table[i].index, reg_table[i].trap);
}

/**
 * msr_bitmap_forward() - intercept the APIC's MSRs as well, for a forwarded CPU
 * @bitmap: MSR_BITMAP_SIZE bytes that msr_bitmap_build() has filled in
 */
void msr_bitmap_forward(u8 *bitmap)
{
	u32 i;

	bitmap_trap(bitmap, MSR_REG_APIC_BASE, REG_TRAP_WRITE);
	bitmap_trap(bitmap, MSR_REG_TSC_DEADLINE, REG_TRAP_BOTH);
	for (i = 0; i < 256; i++)
		bitmap_trap(bitmap, MSR_REG_X2APIC + i, REG_TRAP_BOTH);
}

/**
 * msr_bitmap_pass() - stop intercepting an MSR
 * @bitmap: MSR_BITMAP_SIZE bytes
 * @index: an MSR that the map covers; for others nothing happens
 */
void msr_bitmap_pass(u8 *bitmap, u32 index)
{
	int bit = bitmap_bit(index);

	if (bit >= 0)
		bitmap[bit / 8] &= ~(3u << (bit % 8));
}
