// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers that are neither general nor in the XSAVE area. Those that
 * Linux can do without for a millisecond in the kernel, preemption off, are
 * filled with patterns; the others must not have changed.
 */
#include <linux/bug.h>
#include <linux/kernel.h>
#include <asm/desc_defs.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/special_insns.h>

#include "worlds.h"

/**
 * struct reg - one of them
 * @name: as in the reports
 * @msr: MSR number if there is no @read
 * @mask: bits that a pattern may change; 0: compared only
 * @fixed: bits that are always set in a pattern
 * @address: a pattern has to be a canonical address
 * @read: read it
 * @write: write it
 */
struct reg {
	const char *name;
	u32 msr;
	u64 mask;
	u64 fixed;
	bool address;
	u64 (*read)(void);
	void (*write)(u64 value);
};

#define GET(reg)							\
	static u64 get_##reg(void)					\
	{								\
		u64 v;							\
									\
		asm volatile("mov %%" #reg ", %0" : "=r" (v));		\
		return v;						\
	}
GET(cr0)
GET(cr2)
GET(cr3)
GET(cr4)
GET(cr8)
GET(dr0)
GET(dr1)
GET(dr2)
GET(dr3)
GET(dr6)
GET(dr7)
GET(cs)
GET(ss)
GET(ds)
GET(es)
GET(fs)
GET(gs)

#define SET(reg)							\
	static void set_##reg(u64 v)					\
	{								\
		asm volatile("mov %0, %%" #reg : : "r" (v));		\
	}
SET(cr2)
SET(dr0)
SET(dr1)
SET(dr2)
SET(dr3)
SET(dr6)
SET(dr7)

#define SET_SEGMENT(reg)						\
	static void set_##reg(u64 v)					\
	{								\
		asm volatile("mov %0, %%" #reg : : "r" ((u32)v));	\
	}
SET_SEGMENT(ds)
SET_SEGMENT(es)
SET_SEGMENT(fs)

static u64 get_xcr0(void)
{
	u32 low, high;

	asm volatile("xgetbv" : "=a" (low), "=d" (high) : "c" (0));
	return low | (u64)high << 32;
}

static void set_xcr0(u64 v)
{
	asm volatile("xsetbv" : : "c" (0), "a" ((u32)v), "d" ((u32)(v >> 32)));
}

#define GET_TABLE(name, insn, what)					\
	static u64 get_##name(void)					\
	{								\
		struct desc_ptr t;					\
									\
		asm volatile(insn " %0" : "=m" (t));			\
		return t.what;						\
	}
GET_TABLE(gdtr_base, "sgdt", address)
GET_TABLE(gdtr_limit, "sgdt", size)
GET_TABLE(idtr_base, "sidt", address)
GET_TABLE(idtr_limit, "sidt", size)

static u64 get_ldtr(void)
{
	u64 v = 0;

	asm volatile("sldt %w0" : "+r" (v));
	return (u16)v;
}

static u64 get_tr(void)
{
	u64 v = 0;

	asm volatile("str %w0" : "+r" (v));
	return (u16)v;
}

#define ADDRESS		.mask = ~0ull, .address = true
#define PATTERN(m)	.mask = (m)
#define BOTH(reg)	.read = get_##reg, .write = set_##reg

/*
 * XCR0 comes first: XSAVE and XRSTOR need it right. The selector of FS comes
 * before FS_BASE, since writing it changes the base.
 */
static const struct reg regs[] = {
	{ "XCR0", BOTH(xcr0) },
	{ "CR0", .read = get_cr0 },
	{ "CR2", BOTH(cr2), ADDRESS },
	{ "CR3", .read = get_cr3 },
	{ "CR4", .read = get_cr4 },
	{ "CR8", .read = get_cr8 },
	{ "DR0", BOTH(dr0), PATTERN(~0ull) },
	{ "DR1", BOTH(dr1), PATTERN(~0ull) },
	{ "DR2", BOTH(dr2), PATTERN(~0ull) },
	{ "DR3", BOTH(dr3), PATTERN(~0ull) },
	{ "DR6", BOTH(dr6), PATTERN(0x400f), .fixed = 0xffff0ff0 },
	{ "DR7", BOTH(dr7), PATTERN(0xffff0000), .fixed = 0x400 },
	{ "GDTR_BASE", .read = get_gdtr_base },
	{ "GDTR_LIMIT", .read = get_gdtr_limit },
	{ "IDTR_BASE", .read = get_idtr_base },
	{ "IDTR_LIMIT", .read = get_idtr_limit },
	{ "LDTR", .read = get_ldtr },
	{ "TR", .read = get_tr },
	{ "CS", .read = get_cs },
	{ "SS", .read = get_ss },
	{ "DS", BOTH(ds), PATTERN(__USER_DS) },
	{ "ES", BOTH(es), PATTERN(__USER_DS) },
	{ "FS", BOTH(fs), PATTERN(__USER_DS) },
	{ "GS", .read = get_gs },
	{ "FS_BASE", MSR_FS_BASE, ADDRESS },
	{ "GS_BASE", MSR_GS_BASE },
	{ "KERNEL_GS_BASE", MSR_KERNEL_GS_BASE, ADDRESS },
	{ "STAR", MSR_STAR, PATTERN(~0ull) },
	{ "LSTAR", MSR_LSTAR, ADDRESS },
	{ "CSTAR", MSR_CSTAR, ADDRESS },
	{ "SFMASK", MSR_SYSCALL_MASK, PATTERN(~0u) },
	{ "SYSENTER_CS", MSR_IA32_SYSENTER_CS, PATTERN(0xffff) },
	{ "SYSENTER_ESP", MSR_IA32_SYSENTER_ESP, PATTERN(~0u) },
	{ "SYSENTER_EIP", MSR_IA32_SYSENTER_EIP, PATTERN(~0u) },
	{ "TSC_AUX", MSR_TSC_AUX, PATTERN(~0u) },
	{ "DEBUGCTL", MSR_IA32_DEBUGCTLMSR, PATTERN(DEBUGCTLMSR_LBR | DEBUGCTLMSR_BTF) },
	{ "EFER", MSR_EFER },
	{ "PAT", MSR_IA32_CR_PAT },
	{ "APIC_BASE", MSR_IA32_APICBASE },
	{ "SPEC_CTRL", MSR_IA32_SPEC_CTRL },
	{ "U_CET", 0x6a0 },
	{ "S_CET", 0x6a2 },
	{ "PL3_SSP", 0x6a7 },
	{ "ISST", 0x6a8 },
};

enum reg_use { REG_FILLED, REG_COMPARED, REG_ABSENT };

static u8 use[ARRAY_SIZE(regs)];

static const char * const frame_name[F_REGS] = {
	"RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "RBP", "R8", "R9", "R10", "R11",
	"R12", "R13", "R14", "R15", "RSP", "RFLAGS",
};

static u64 reg_read(const struct reg *reg)
{
	return reg->read ? reg->read() : native_read_msr(reg->msr);
}

static void reg_write(const struct reg *reg, u64 value)
{
	if (reg->write)
		reg->write(value);
	else
		native_write_msr(reg->msr, (u32)value, value >> 32);
}

static u64 reg_pattern(const struct reg *reg, u64 random)
{
	/* A selector that is always valid: none, or a user's data. */
	if (reg->write && reg->mask == __USER_DS)
		return random & 1 ? __USER_DS : 0;
	if (reg->address)
		return (s64)(random << 17) >> 17;	/* four levels' worth */
	return (random & reg->mask) | reg->fixed;
}

/* An MSR that is not there, or (emulators) that takes no value. */
static enum reg_use probe_msr(const struct reg *reg)
{
	u64 value, other, found;

	if (rdmsrl_safe(reg->msr, &value))
		return REG_ABSENT;
	if (!reg->mask)
		return REG_COMPARED;
	other = value ^ (reg->mask & 0x1001);
	if (wrmsrl_safe(reg->msr, other) || rdmsrl_safe(reg->msr, &found))
		return REG_ABSENT;
	wrmsrl_safe(reg->msr, value);
	return found == other ? REG_FILLED : REG_ABSENT;
}

/**
 * regs_probe() - find out what this CPU has; preemption off
 */
void regs_probe(void)
{
	unsigned int i;

	BUILD_BUG_ON(F_REGS + ARRAY_SIZE(regs) > WORLDS_XSTATE);
	for (i = 0; i < ARRAY_SIZE(regs); i++)
		use[i] = !regs[i].read ? probe_msr(&regs[i]) :
			 regs[i].mask ? REG_FILLED : REG_COMPARED;
}

/**
 * regs_keep() - note Linux's own values; preemption off until regs_restore()
 * @kept: WORLDS_XSTATE words
 */
void regs_keep(u64 *kept)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(regs); i++)
		if (use[i] != REG_ABSENT)
			kept[i] = reg_read(&regs[i]);
	set_dr7(0x400);	/* no breakpoint while DR0 to DR3 are patterns */
}

/**
 * regs_fill() - load patterns
 * @kept: from regs_keep()
 * @want: what regs_compare() is to find
 * @r: where patterns come from
 */
void regs_fill(const u64 *kept, u64 *want, struct rnd *r)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		want[i] = kept[i];
		if (use[i] != REG_FILLED)
			continue;
		want[i] = reg_pattern(&regs[i], rnd(r));
		reg_write(&regs[i], want[i]);
	}
}

/**
 * regs_compare() - count the registers that have changed
 * @want: from regs_fill()
 * @t: counts
 */
void regs_compare(const u64 *want, struct worlds_tally *t)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		if (use[i] == REG_ABSENT || reg_read(&regs[i]) == want[i])
			continue;
		t->mismatches[F_REGS + i]++;
		if (i == 0)	/* what follows needs it */
			set_xcr0(want[i]);
	}
}

/**
 * regs_restore() - put Linux's values back
 * @kept: from regs_keep()
 */
void regs_restore(const u64 *kept)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(regs); i++)
		if (use[i] == REG_FILLED)
			reg_write(&regs[i], kept[i]);
}

/**
 * worlds_name() - what a place of struct worlds_tally counts
 * @number: the place
 *
 * Return: its name, NULL if there is none.
 */
const char *worlds_name(unsigned int number)
{
	if (number < F_REGS)
		return frame_name[number];
	number -= F_REGS;
	if (number < ARRAY_SIZE(regs))
		return regs[number].name;
	number += F_REGS;
	return number >= WORLDS_XSTATE ? xstate_name(number - WORLDS_XSTATE) : NULL;
}

/**
 * regs_describe() - say what is done with a register
 * @number: its place in struct worlds_tally
 * @text: where to
 * @size: of @text
 */
int regs_describe(unsigned int number, char *text, size_t size)
{
	static const char * const word[] = { "filled", "compared", "absent" };
	const char *name = worlds_name(number);
	unsigned int i = number - F_REGS;
	const char *how = "filled";

	if (!name)
		return 0;
	if (number >= F_REGS && i < ARRAY_SIZE(regs))
		how = word[use[i]];
	else if (number == F_RSP)
		how = "compared";
	return scnprintf(text, size, "%s %s\n", name, how);
}
