// SPDX-License-Identifier: GPL-2.0-only
/*
 * What K reads of Linux's memory by Linux's own addresses. The length of an
 * intercepted instruction, for CPUs that do not save the next RIP, and whether one
 * waits. Only the few that Regent intercepts can be met; an instruction that another
 * CPU of the guest has changed meanwhile gives 0, and is then simply executed again.
 */
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/insn.h>
#include <regent/k.h>

static u64 *__attribute__((noinline)) map_page(struct cpu *cpu, u64 pa)
{
	/* Tables in K's memory: Linux would read zeros there. */
	if (pa >> k_params.phys_bits || host_owns(pa))
		return NULL;
	return mapcache_page(&cpu->window, pa, MAPCACHE_RAM);
}

static inline u64 *guest_page(struct cpu *cpu, u64 pa)
{
	u64 *page = mapcache_hit(&cpu->window, pa);

	return likely(page) ? page : map_page(cpu, pa);
}

static u64 *guest_table(void *ctx, u64 pa)
{
	return guest_page(ctx, pa);
}

static void tables(const struct world *world, struct ptab *pt)
{
	backend_paging(world, pt);
	pt->page = guest_table;
	pt->alloc = NULL;
	pt->ctx = this_cpu();
}

/* Linux's image never moves. */
static inline bool in_image(u64 va, u64 *pa)
{
	*pa = va - k_params.code_base + k_params.code_phys;
	return va - k_params.code_base < k_params.code_size;
}

/* Elsewhere only its page tables tell. */
static bool translate(const struct ptab *pt, u64 va, u64 *pa)
{
	struct ptab_leaf leaf;

	if (likely(in_image(va, pa)))
		return true;
	if (ptab_walk(pt, va, &leaf) != PTAB_OK)
		return false;
	*pa = leaf.pa;
	return true;
}

/* As much as lies in one page, so that it takes one walk. */
static int fetch_page(const struct ptab *pt, u64 va, u8 *code, int n)
{
	int left = REGENT_PAGE_SIZE - (va & (REGENT_PAGE_SIZE - 1));
	const u8 *p;
	u64 pa;
	int i;

	if (!translate(pt, va, &pa))
		return 0;
	p = (const u8 *)guest_table(pt->ctx, pa & ~(REGENT_PAGE_SIZE - 1));
	if (!p)
		return 0;
	p += pa & (REGENT_PAGE_SIZE - 1);
	if (n > left)
		n = left;
	for (i = 0; i < n; i++)
		code[i] = p[i];
	return n;
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
	int n = backend_code_bytes(world, code);

	if (n == INSN_MAX)
		return n;
	tables(world, &pt);
	n = fetch_page(&pt, va, code, INSN_MAX);
	if (n && n < INSN_MAX)
		n += fetch_page(&pt, va + n, code + n, INSN_MAX - n);
	return n;
}

/**
 * insn_peek() - the same, where it costs little
 * @cpu: this CPU
 * @world: the world, of this CPU, in 64-bit mode, exited on a nested page fault
 * @code: where to, the first byte lowest
 *
 * Read once, because another CPU may change the code meanwhile.
 *
 * Return: how many bytes are known; 0 where insn_fetch() has to find them.
 */
int insn_peek(struct cpu *cpu, const struct world *world, u64 code[2])
{
	const u8 *page;
	u64 at, pa;
	int n = backend_code_words(world, code);

	if (n || !in_image(backend_code_address(world), &pa))
		return n;
	at = pa & (REGENT_PAGE_SIZE - 1);
	if (at > REGENT_PAGE_SIZE - 16)
		return 0;
	page = (const u8 *)guest_page(cpu, pa - at);
	if (unlikely(!page))
		return 0;
	code[0] = ((const u64 *)(page + at))[0];
	code[1] = ((const u64 *)(page + at))[1];
	return 16;
}

/**
 * insn_waits() - is a HLT or MWAIT what a world executes next?
 * @world: the world, of this CPU
 */
bool insn_waits(const struct world *world)
{
	u64 va = backend_code_address(world);
	struct ptab pt;
	u8 code[3];
	int n;

	tables(world, &pt);
	n = fetch_page(&pt, va, code, sizeof(code));
	if (!n || code[0] == 0xf4)
		return n;
	if (n < 3)
		n += fetch_page(&pt, va + n, code + n, sizeof(code) - n);
	return n == 3 && code[0] == 0x0f && code[1] == 0x01 && code[2] == 0xc9;
}

/**
 * guest_address() - where something of Linux's lies
 * @world: the system world of this CPU
 * @va: Linux's address of it
 *
 * Return: the physical address, 0 when there is none.
 */
u64 guest_address(const struct world *world, u64 va)
{
	struct ptab pt;
	u64 pa;

	tables(world, &pt);
	return translate(&pt, va, &pa) ? pa : 0;
}

/**
 * guest_word() - a word of Linux's memory
 * @pa: its physical address
 *
 * Return: where K finds it until it maps other pages; NULL when it is not aligned,
 * at 0, or K's.
 */
u64 *guest_word(u64 pa)
{
	u64 *page;

	if (!pa || pa % 8)
		return NULL;
	page = guest_table(this_cpu(), pa & ~(REGENT_PAGE_SIZE - 1));
	return page ? page + (pa & (REGENT_PAGE_SIZE - 1)) / 8 : NULL;
}

/**
 * insn_length_of() - bytes of the instruction a world exited on
 * @world: the world, of this CPU
 *
 * Return: 2 to 15, or 0 when there is no such instruction (any more).
 */
int insn_length_of(const struct world *world)
{
	u8 code[INSN_MAX];
	int n = insn_fetch(world, code);
	int i, length;

	for (i = 1; i <= n; i++) {
		length = insn_length(code, i);
		if (length)
			return length > 0 ? length : 0;
	}
	return 0;
}
