// SPDX-License-Identifier: GPL-2.0-only
/*
 * The length of an intercepted instruction, for CPUs that do not save the
 * next RIP. Only the few that Regent intercepts can be met; an instruction
 * that another CPU of the guest has changed meanwhile gives 0, and is then
 * simply executed again.
 */
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/insn.h>
#include <regent/k.h>

static u64 *guest_table(void *ctx, u64 pa)
{
	struct cpu *cpu = ctx;

	/* Tables in K's memory: Linux would read zeros there. */
	if (pa >> k_params.phys_bits || host_owns(pa))
		return NULL;
	return mapcache_page(&cpu->window, pa, MAPCACHE_RAM);
}

static int fetch_byte(const struct ptab *pt, u64 va, u8 *byte)
{
	struct ptab_leaf leaf;
	u64 page;
	const u8 *p;

	if (ptab_walk(pt, va, &leaf) != PTAB_OK)
		return -1;
	page = leaf.pa & ~(REGENT_PAGE_SIZE - 1);
	p = (const u8 *)guest_table(pt->ctx, page);
	if (!p)
		return -1;
	*byte = p[leaf.pa & (REGENT_PAGE_SIZE - 1)];
	return 0;
}

/**
 * insn_fetch() - the first bytes of the instruction a world exited on
 * @world: the world, of this CPU
 * @code: where to, INSN_MAX bytes
 *
 * Return: how many could be read.
 */
int insn_fetch(const struct world *world, u8 *code)
{
	u64 va = backend_code_address(world);
	struct ptab pt;
	int n;

	backend_paging(world, &pt);
	pt.page = guest_table;
	pt.alloc = NULL;
	pt.ctx = this_cpu();
	for (n = 0; n < INSN_MAX; n++)
		if (fetch_byte(&pt, va + n, &code[n]))
			break;
	return n;
}

/**
 * insn_length_of() - bytes of the instruction a world exited on
 * @world: the world, of this CPU
 *
 * Return: 2 to 15, or 0 when there is no such instruction (any more).
 */
int insn_length_of(const struct world *world)
{
	struct cpu *cpu = this_cpu();
	u64 va = backend_code_address(world);
	u8 code[INSN_MAX];
	struct ptab pt;
	int n;

	backend_paging(world, &pt);
	pt.page = guest_table;
	pt.alloc = NULL;
	pt.ctx = cpu;
	for (n = 0; n < INSN_MAX; n++) {
		int length;

		if (fetch_byte(&pt, va + n, &code[n]))
			break;
		length = insn_length(code, n + 1);
		if (length)
			return length > 0 ? length : 0;
	}
	return 0;
}
