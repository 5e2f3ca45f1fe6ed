// SPDX-License-Identifier: GPL-2.0-only
/*
 * A test of the tests: make a switch leave one register out, see REGENT_HC_TEST_SKIP. The next
 * world then finds another value in that register: the last world's, or its own with a bit
 * flipped.
 */
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include <regent/test.h>
#include <regent/world.h>

#define FLIP		(1ull << 20)
#define XCR0_LEAST	1ull

#define MSR_U_CET	0x6a0
#define MSR_PL3_SSP	0x6a7

/* The register to damage, REGENT_SKIP_NONE for none; world_switch() checks it. */
u32 damage_item;
/* Whose registers to damage: enum regent_test_side. */
static u32 damage_side;

static const u32 msr_of[] = {
	[REGENT_SKIP_DEBUGCTL - REGENT_SKIP_DEBUGCTL] = MSR_REG_DEBUGCTL,
	[REGENT_SKIP_TSC_AUX - REGENT_SKIP_DEBUGCTL] = MSR_REG_TSC_AUX,
	[REGENT_SKIP_SPEC_CTRL - REGENT_SKIP_DEBUGCTL] = MSR_REG_SPEC_CTRL,
	[REGENT_SKIP_U_CET - REGENT_SKIP_DEBUGCTL] = MSR_U_CET,
	[REGENT_SKIP_PL3_SSP - REGENT_SKIP_DEBUGCTL] = MSR_PL3_SSP,
};

/* Index of an item's MSR in k_params.world_msr; k_params.nr_world_msrs if it is not there. */
static u32 msr_place(u32 item)
{
	u32 i = 0;

	while (i < k_params.nr_world_msrs &&
	       k_params.world_msr[i] != msr_of[item - REGENT_SKIP_DEBUGCTL])
		i++;
	return i;
}

static bool is_msr(u64 item)
{
	return item >= REGENT_SKIP_DEBUGCTL && item <= REGENT_SKIP_PL3_SSP;
}

static bool is_general(u64 item)
{
	return item >= REGENT_SKIP_RAX && item <= REGENT_SKIP_R15;
}

static u64 *general_reg(struct world_regs *r, u32 item)
{
	u64 *const reg[] = {
		&r->rax, &r->rbx, &r->rcx, &r->rdx, &r->rsi, &r->rdi, &r->rbp,
		&r->r8, &r->r9, &r->r10, &r->r11, &r->r12, &r->r13, &r->r14, &r->r15,
	};

	return reg[item - REGENT_SKIP_RAX];
}

/**
 * damage_choose() - choose the register that switches leave out, see REGENT_HC_TEST_SKIP
 * @item: the register, enum regent_test_skip; REGENT_SKIP_NONE ends the damage
 * @side: the worlds whose register is damaged, enum regent_test_side
 *
 * Return: 0, or -REGENT_HC_EINVAL: no such item or side, K does not switch this MSR here, or Linux
 * cannot do without the register.
 */
s64 damage_choose(u64 item, u64 side)
{
	if (item >= REGENT_SKIPS || side >= REGENT_SIDES)
		return -REGENT_HC_EINVAL;
	if (is_msr(item) && msr_place(item) == k_params.nr_world_msrs)
		return -REGENT_HC_EINVAL;
	/* Linux uses these two right after the hypercall, and would crash. */
	if (side == REGENT_SIDE_LINUX &&
	    (item == REGENT_SKIP_RSP || item == REGENT_SKIP_GS_BASE))
		return -REGENT_HC_EINVAL;
	__atomic_store_n(&damage_item, REGENT_SKIP_NONE, __ATOMIC_RELEASE);
	__atomic_store_n(&damage_side, (u32)side, __ATOMIC_RELEASE);
	__atomic_store_n(&damage_item, (u32)item, __ATOMIC_RELEASE);
	return 0;
}

static void damage_area(const struct world_state_area *from, struct world_state_area *to,
			u32 item)
{
	u32 i;

	switch (item) {
	case REGENT_SKIP_XSAVE:
		for (i = 0; i < k_params.xsave_size; i++)
			to->xsave[i] = from->xsave[i];
		break;
	case REGENT_SKIP_XCR0:	/* change it: both worlds may have the same value */
		to->xcr0 = to->xcr0 == XCR0_LEAST ? k_params.xcr0_all : XCR0_LEAST;
		break;
	case REGENT_SKIP_DR0 ... REGENT_SKIP_DR3:
		to->dr[item - REGENT_SKIP_DR0] = from->dr[item - REGENT_SKIP_DR0];
		break;
	default:
		i = msr_place(item);
		to->msr[i] = from->msr[i];
		/* The plain switch moves MSR 0 only, and takes the others for 0. */
		if (i)
			to->rare |= AREA_UNSURE(i);
	}
}

/* Test worlds are damaged only while they hold nothing but their pattern. */
static bool is_meant(const struct world *to)
{
	if (to->kind != WORLD_TEST)
		return damage_side == REGENT_SIDE_LINUX;
	return damage_side == REGENT_SIDE_TEST && to->yielded;
}

/**
 * damage_fault() - make K fault once in the middle of a switch, if a test has chosen that
 * @to: the next world; it is the current one already unless it is Linux
 * @item: the caller's place in the switch: REGENT_SKIP_FAULT_EARLY or REGENT_SKIP_FAULT_LATE
 */
void damage_fault(const struct world *to, u32 item)
{
	if (damage_item != item || !is_meant(to))
		return;
	damage_item = REGENT_SKIP_NONE;
	debug_fault(REGENT_FAULT_UD);
}

/**
 * damage() - damage the chosen register, between saving one world and loading the next
 * @from: the last world, whose state is saved
 * @to: the next world, whose saved state is damaged
 */
void damage(const struct world *from, struct world *to)
{
	u32 item = __atomic_load_n(&damage_item, __ATOMIC_ACQUIRE);

	if (item >= REGENT_SKIP_FAULT_EARLY || !is_meant(to))
		return;
	if (is_general(item))
		*general_reg(&to->regs, item) ^= FLIP;
	else if (item > REGENT_SKIP_R15)
		backend_damage(to, item);
	else if (item != REGENT_SKIP_NONE)
		damage_area(&from->area, &to->area, item);
}
