// SPDX-License-Identifier: GPL-2.0-only
/* What L prepares for VMX: controls from capabilities, the VMCS's fields, the bitmaps. */
#include <hw/cr.h>
#include <hw/vmcs.h>
#include <regent/abi/msrtab.h>
#include "../../src/vmx/vmx.h"
#include "unit.h"

#define ALL	0xffffffff00000000ull	/* nothing must be set, everything may */
#define EPT_ALL	0x00000f0106734141ull	/* as a CPU of today reports it */

static const struct vmx_caps able = {
	.basic = 6ull << VMX_BASIC_TYPE_SHIFT | VMX_BASIC_TRUE | 4,
	.pin = ALL | 0x16, .proc = ALL | 0x04006172, .proc2 = ALL,
	.exit = ALL | 0x36dfb, .entry = ALL | 0x11fb, .ept_vpid = EPT_ALL,
};

static void takes_what_it_needs(void **state)
{
	struct vmx_caps c = able;
	struct vmx_controls to;

	(void)state;
	assert_null(vmx_choose(&c, &to));
	assert_int_equal(to.pin, 0x16 | 1 << 3 | 1 << 5);
	/* Nothing exits that need not: no HLT, CR3, port or interrupt. */
	assert_int_equal(to.proc, 0x04006172 | 1u << 28 | 1u << 31);
	assert_int_equal(to.proc2, 1 << 1 | 1 << 3 | 1 << 5 | 1 << 7 | 1 << 12 | 1 << 20 |
			 1 << 26 | 1 << 27);
	assert_int_equal(to.exit & 0x3c0204, 0x3c0204);
	assert_int_equal(to.entry & 0xc204, 0xc204);
}

static void does_without_what_is_not_there(void **state)
{
	struct vmx_caps c = able;
	struct vmx_controls to;

	(void)state;
	c.proc2 = 0xe2ull << 32;
	assert_null(vmx_choose(&c, &to));
	assert_int_equal(to.proc2, 0xa2);
}

/* What has no length must not be skipped by one: all reasons there are. */
static void only_instructions_have_lengths(void **state)
{
	static const u8 without[] = {
		VMX_REASON_EVENT, VMX_REASON_INTERRUPT, VMX_REASON_TRIPLE_FAULT,
		VMX_REASON_INIT, VMX_REASON_INTERRUPT_WINDOW, VMX_REASON_NMI_WINDOW,
		VMX_REASON_INVALID_STATE, VMX_REASON_EPT_VIOLATION, VMX_REASON_TIMER,
	};
	u32 reason, i, n = 0;

	(void)state;
	for (i = 0; i < sizeof(without); i++)
		assert_false(vmx_is_instruction(without[i]));
	for (reason = 0; reason < 100; reason++)
		n += vmx_is_instruction(reason);
	assert_int_equal(n, 30);
	assert_true(vmx_is_instruction(VMX_REASON_HLT));
	assert_false(vmx_is_instruction(VMX_REASON_ENTRY_FAILED | VMX_REASON_INVALID_STATE));
}

/* Lock, VMXON inside SMX, VMXON outside SMX */
static void firmware_decides(void **state)
{
	(void)state;
	assert_null(vmx_locked_off(0x5));
	assert_null(vmx_locked_off(0x7));
	assert_non_null(strstr(vmx_locked_off(0x1), "switched VMX off"));
	assert_non_null(strstr(vmx_locked_off(0x3), "switched VMX off"));
	assert_non_null(strstr(vmx_locked_off(0x4), "nobody has locked"));
	assert_non_null(strstr(vmx_locked_off(0), "nobody has locked"));
}

/* Each of these alone is a reason, and its words say which. */
static void refuses(void **state)
{
	static const struct {
		size_t where;
		u64 value;
		const char *word;
	} bad[] = {
		{ offsetof(struct vmx_caps, basic), 4, "write-back" },
		{ offsetof(struct vmx_caps, pin), ALL & ~(1ull << 37), "virtual NMIs" },
		{ offsetof(struct vmx_caps, pin), ALL | 1, "virtual NMIs" },
		{ offsetof(struct vmx_caps, proc), ALL & ~(1ull << 60), "MSR bitmaps" },
		/* Without the true controls CR3 must exit. */
		{ offsetof(struct vmx_caps, proc), ALL | 0x0401e172, "MSR bitmaps" },
		{ offsetof(struct vmx_caps, proc2), ALL & ~(1ull << 39), "unrestricted" },
		{ offsetof(struct vmx_caps, proc2), ALL & ~(1ull << 37), "VPID" },
		{ offsetof(struct vmx_caps, proc2), ALL & ~(1ull << 33), "EPT" },
		{ offsetof(struct vmx_caps, ept_vpid), EPT_ALL & ~(1ull << 25), "flushed" },
		{ offsetof(struct vmx_caps, exit), ALL & ~(1ull << 53), "EFER" },
		{ offsetof(struct vmx_caps, entry), ALL & ~(1ull << 46), "PAT" },
	};
	struct vmx_controls to;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct vmx_caps c = able;
		const char *why;

		*(u64 *)((char *)&c + bad[i].where) = bad[i].value;
		why = vmx_choose(&c, &to);
		assert_non_null(why);
		if (!strstr(why, bad[i].word))
			fail_msg("%zu: %s", i, why);
	}
}

static struct {
	u64 field, value;
} written[256];
static size_t count;

static void record(u64 field, u64 value)
{
	size_t i;

	for (i = 0; i < count; i++)
		assert_int_not_equal(written[i].field, field);
	assert_true(count < ARRAY_SIZE(written));
	written[count].field = field;
	written[count++].value = value;
}

static u64 value_of(u64 field)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (written[i].field == field)
			return written[i].value;
	fail_msg("field %llx is not written", field);
	return 0;
}

/* Every field once, and what an exit loads is K's. */
static void fields(void **state)
{
	const u64 area = 0xffffff0040020000ull;
	struct regent_handoff h = {
		.cpu_va = area + REGENT_PERCPU_CPU, .cr3 = 0x5000, .cr4 = 0x20,
	};
	struct vmx_controls c;

	(void)state;
	count = 0;
	assert_null(vmx_choose(&able, &c));
	h.state.seg[REGENT_LDTR].unusable = 1;
	h.state.seg[REGENT_TR].access = 0x8b;
	h.state.cr4 = 0x1006b0;
	vmx_put_controls(record, &c);
	vmx_put_host(record, &h, 0x1234000);
	vmx_put_guest(record, &h.state);
	assert_int_equal(value_of(VMCS_HOST_CR3), 0x5000);
	assert_int_equal(value_of(VMCS_HOST_CR4), 0x20 | HW_CR4_VMXE);
	assert_int_equal(value_of(VMCS_HOST_IDTR_BASE), 0x1234000);
	assert_int_equal(value_of(VMCS_HOST_GDTR_BASE),
			 area + REGENT_PERCPU_HANDOFF + offsetof(struct regent_handoff, gdt));
	assert_int_equal(value_of(VMCS_HOST_GS_BASE), h.cpu_va);
	assert_int_equal(value_of(VMCS_LINK_POINTER), ~0ull);
	assert_int_equal(value_of(VMCS_GUEST_ACCESS(REGENT_LDTR)), 1 << 16);
	assert_int_equal(value_of(VMCS_GUEST_ACCESS(REGENT_TR)), 0x8b);
	/* VMXE is set, and Linux reads that it is not. */
	assert_int_equal(value_of(VMCS_GUEST_CR4), 0x1006b0 | HW_CR4_VMXE);
	assert_int_equal(value_of(VMCS_CR4_MASK), HW_CR4_VMXE);
	assert_int_equal(value_of(VMCS_CR4_SHADOW), 0);
}

static u8 maps[3][VMX_BITMAP_SIZE];

static bool exits(const u8 *map, u32 msr, bool write)
{
	const u8 *part = map + (write ? 2048 : 0) + (msr >> 30 == 3 ? 1024 : 0);

	return part[(msr & 0x1fff) / 8] >> (msr & 7) & 1;
}

static void bitmaps(void **state)
{
	(void)state;
	vmx_prepare_machine(maps[0], maps[1], maps[2]);
	assert_true(exits(maps[0], 0x3a, false) && exits(maps[0], 0x3a, true));
	assert_true(exits(maps[0], 0xc0000080, false) && exits(maps[0], 0xc0000080, true));
	assert_false(exits(maps[0], 0x10, false) || exits(maps[0], 0xc0000082, true));
	assert_false(exits(maps[0], 0x80b, true) || exits(maps[0], 0x6e0, true));
	assert_true(exits(maps[1], 0x80b, true) && exits(maps[1], 0x6e0, true));
	assert_true(exits(maps[1], 0x1b, true));
	assert_false(exits(maps[1], 0x1b, false));
	assert_false(exits(maps[2], 0xc0000102, true) || exits(maps[2], 0x174, false));
	assert_true(exits(maps[2], 0x10, false) && exits(maps[2], 0x277, true));
	assert_true(exits(maps[2], 0x173, true) && exits(maps[2], 0xc0000103, false));
}

static void eptp(void **state)
{
	(void)state;
	assert_int_equal(vmx_eptp(0x123000, 4), 0x12301e);
	assert_int_equal(vmx_eptp(0x123000, 5), 0x123026);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_it_needs),
		cmocka_unit_test(does_without_what_is_not_there),
		cmocka_unit_test(firmware_decides),
		cmocka_unit_test(only_instructions_have_lengths),
		cmocka_unit_test(refuses),
		cmocka_unit_test(fields),
		cmocka_unit_test(bitmaps),
		cmocka_unit_test(eptp),
	};

	return cmocka_run_group_tests_name("vmx_prep", tests, NULL, NULL);
}
