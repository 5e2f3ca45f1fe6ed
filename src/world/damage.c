// SPDX-License-Identifier: GPL-2.0-only
/*
 * A test of the tests: leave one register out of the switch, see
 * REGENT_HC_TEST_SKIP. To leave a register out is the same as to give the next
 * world the value that the last one had there.
 */
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/debug.h>
#include <regent/k.h>
#include <regent/world.h>

#define FLIP		(1ull << 20)
#define XCR0_LEAST	1ull

#define MSR_U_CET	0x6a0
#define MSR_PL3_SSP	0x6a7

/* What to damage, REGENT_SKIP_NONE for nothing; world_switch() looks at it. */
u32 damage_item;
static u32 damage_side;

static const u32 msr_of[] = {
	[REGENT_SKIP_DEBUGCTL - REGENT_SKIP_DEBUGCTL] = MSR_REG_DEBUGCTL,
	[REGENT_SKIP_TSC_AUX - REGENT_SKIP_DEBUGCTL] = MSR_REG_TSC_AUX,
	[REGENT_SKIP_SPEC_CTRL - REGENT_SKIP_DEBUGCTL] = MSR_REG_SPEC_CTRL,
	[REGENT_SKIP_U_CET - REGENT_SKIP_DEBUGCTL] = MSR_U_CET,
	[REGENT_SKIP_PL3_SSP - REGENT_SKIP_DEBUGCTL] = MSR_PL3_SSP,
};

/* Place in k_params.world_msr; k_params.nr_world_msrs if it is not there. */
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

static u64 *general(struct world_regs *r, u32 item)
{
	u64 *const reg[] = {
		&r->rax, &r->rbx, &r->rcx, &r->rdx, &r->rsi, &r->rdi, &r->rbp,
		&r->r8, &r->r9, &r->r10, &r->r11, &r->r12, &r->r13, &r->r14, &r->r15,
	};

	return reg[item - REGENT_SKIP_RAX];
}

/**
 * damage_choose() - see REGENT_HC_TEST_SKIP
 * @item: enum regent_test_skip
 * @side: enum regent_test_side
 */
s64 damage_choose(u64 item, u64 side)
{
	if (item >= REGENT_SKIPS || side >= REGENT_SIDES)
		return -REGENT_HC_EINVAL;
	if (is_msr(item) && msr_place(item) == k_params.nr_world_msrs)
		return -REGENT_HC_EINVAL;
	/* Linux uses these two at once. */
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
	case REGENT_SKIP_XCR0:	/* both may have the same */
		to->xcr0 = to->xcr0 == XCR0_LEAST ? k_params.xcr0_all : XCR0_LEAST;
		break;
	case REGENT_SKIP_DR0 ... REGENT_SKIP_DR3:
		to->dr[item - REGENT_SKIP_DR0] = from->dr[item - REGENT_SKIP_DR0];
		break;
	default:
		i = msr_place(item);
		to->msr[i] = from->msr[i];
		/* The plain switch knows only 0 there. */
		if (i)
			to->rare |= AREA_UNSURE(i);
	}
}

static bool is_meant(const struct world *to)
{
	if (to->kind != WORLD_TEST)
		return damage_side == REGENT_SIDE_LINUX;
	return damage_side == REGENT_SIDE_TEST && to->yielded;
}

/**
 * damage_fault() - K faults in the middle of a switch, if that is asked for
 * @to: its registers are in the processor, but it is not the current world yet, or
 *	not known to be so
 */
void damage_fault(const struct world *to)
{
	if (damage_item != REGENT_SKIP_FAULT || !is_meant(to))
		return;
	damage_item = REGENT_SKIP_NONE;
	debug_fault(REGENT_FAULT_UD);
}

/**
 * damage() - between saving one world and loading the next
 * @from: its state is saved
 * @to: what is to be left out, is damaged in its state
 */
void damage(const struct world *from, struct world *to)
{
	u32 item = __atomic_load_n(&damage_item, __ATOMIC_ACQUIRE);

	if (item == REGENT_SKIP_FAULT || !is_meant(to))
		return;
	if (is_general(item))
		*general(&to->regs, item) ^= FLIP;
	else if (item > REGENT_SKIP_R15)
		backend_damage(to, item);
	else if (item != REGENT_SKIP_NONE)
		damage_area(&from->area, &to->area, item);
}
