// SPDX-License-Identifier: GPL-2.0-only
/*
 * What K reads and writes of Linux's memory by Linux's own addresses. The length of an
 * intercepted instruction, for CPUs that do not save the next RIP, and whether one
 * waits. Only the few that Regent intercepts can be met; an instruction that another
 * CPU of the guest has changed meanwhile gives 0, and is then simply executed again.
 */
#include <hw/cr.h>
#include <hw/pte.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/emul.h>
#include <regent/insn.h>
#include <regent/irq.h>
#include <regent/k.h>
#include <regent/mtype.h>
#include <regent/ptab_walk.h>

static u64 *__attribute__((noinline)) map_page(struct cpu *cpu, u64 pa)
{
	/* Tables in K's memory: Linux would read zeros there. */
	if (pa >> k_params.phys_bits || host_owns(pa))
		return NULL;
	return mapcache_page(&cpu->mapcache, pa, MAPCACHE_RAM);
}

static inline u64 *guest_page(struct cpu *cpu, u64 pa)
{
	u64 *page = mapcache_hit(&cpu->mapcache, pa);

	return likely(page) ? page : map_page(cpu, pa);
}

static inline u64 *__attribute__((always_inline)) guest_table(void *ctx, u64 pa)
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
	u64 words[2];
	int i, n = backend_code_words(world, words);

	for (i = 0; i < n; i++)
		code[i] = words[i / 8] >> i % 8 * 8;
	if (n == INSN_MAX)
		return n;
	tables(world, &pt);
	n = fetch_page(&pt, va, code, INSN_MAX);
	if (n && n < INSN_MAX)
		n += fetch_page(&pt, va + n, code + n, INSN_MAX - n);
	return n;
}

/* Linux's modules; no call of a function in the walk. */
static inline bool __attribute__((always_inline))
walk_code(struct cpu *cpu, const struct world *world, u64 va, u64 *pa)
{
	struct ptab_leaf leaf;
	struct ptab pt;

	backend_paging(world, &pt);
	pt.page = guest_table;
	pt.ctx = cpu;
	if (ptab_walk_inline(&pt, va, &leaf) != PTAB_OK)
		return false;
	*pa = leaf.pa;
	return true;
}

static int __attribute__((noinline))
peek_slow(struct cpu *cpu, const struct world *world, u64 va, u64 code[2])
{
	u64 at = va & (REGENT_PAGE_SIZE - 1);
	const u8 *page;
	u64 pa;

	if (at > REGENT_PAGE_SIZE - 16 ||
	    (!in_image(va, &pa) && !walk_code(cpu, world, va, &pa)))
		return 0;
	page = (const u8 *)guest_page(cpu, pa - at);
	if (!page)
		return 0;
	code[0] = ((const u64 *)(page + at))[0];
	code[1] = ((const u64 *)(page + at))[1];
	return 16;
}

/**
 * insn_peek() - the same, where it costs little
 * @cpu: this CPU
 * @world: the world, of this CPU
 * @code: where to, the first byte lowest
 *
 * Read once, because another CPU may change the code meanwhile.
 *
 * Return: how many bytes are known; 0 where insn_fetch() has to find them.
 */
int insn_peek(struct cpu *cpu, const struct world *world, u64 code[2])
{
	u64 va = backend_code_address(world);
	u64 at = va & (REGENT_PAGE_SIZE - 1);
	const u8 *page;
	u64 pa;
	int n = backend_code_words(world, code);

	if (n)
		return n;
	if (unlikely(!in_image(va, &pa) || at > REGENT_PAGE_SIZE - 16))
		return peek_slow(cpu, world, va, code);
	page = (const u8 *)mapcache_hit(&cpu->mapcache, pa - at);
	if (unlikely(!page))
		return peek_slow(cpu, world, va, code);
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
 * @world: the host world of this CPU
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

/* A walk that remembers the last table, which has the leaf. */
struct leaf_walk {
	struct cpu *cpu;
	u64 *table;
};

static u64 *walk_table(void *ctx, u64 pa)
{
	struct leaf_walk *walk = ctx;

	walk->table = guest_page(walk->cpu, pa);
	return walk->table;
}

/* Linux relies on the bits that tell that a page was used. Not if it changes the entry. */
static bool mark_used(const struct leaf_walk *walk, u64 va, const struct ptab_leaf *leaf,
		      bool write)
{
	u64 *entry = walk->table + (va >> (12 + 9 * (leaf->level - 1)) & 511);
	u64 found = leaf->entry;

	return __atomic_compare_exchange_n(entry, &found,
					   found | HW_PTE_A | (write ? HW_PTE_D : 0), false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* K has these devices in between: their registers are no memory. */
static bool is_trapped(const struct cpu *cpu, u64 pa)
{
	return ioapic_find(pa) >= 0 ||
	       (cpu->forwarded && pa - k_params.apic_base < REGENT_PAGE_SIZE);
}

/* One address: where it leads, if Linux may use it so. */
static enum guest_result reach(const struct world *world, struct guest_access *a, u64 va, u64 *pa)
{
	struct leaf_walk walk = { .cpu = this_cpu() };
	struct ptab_leaf leaf;
	struct ptab pt;
	bool found;

	tables(world, &pt);
	pt.page = walk_table;
	pt.ctx = &walk;
	found = ptab_walk(&pt, va, &leaf) == PTAB_OK;
	if (!found || (a->write && !(leaf.rights & HW_PTE_W)) ||
	    (a->user && !(leaf.rights & HW_PTE_U))) {
		a->fault = va;
		a->error = (found ? HW_PF_PRESENT : 0) | (a->write ? HW_PF_WRITE : 0) |
			   (a->user ? HW_PF_USER : 0);
		return GUEST_FAULT;
	}
	*pa = leaf.pa;
	if (*pa >> k_params.phys_bits || host_owns(*pa) || is_trapped(walk.cpu, *pa))
		return GUEST_REFUSED;
	return mark_used(&walk, va, &leaf, a->write) ? GUEST_OK : GUEST_AGAIN;
}

static void copy_bytes(struct guest_access *a, u64 pa, int first, int count)
{
	enum mapcache_type type = mtype_of(&k_params.mtrr, pa) == MTYPE_WB ? MAPCACHE_RAM :
									      MAPCACHE_MMIO;
	u64 at = pa & (REGENT_PAGE_SIZE - 1);
	volatile u8 *p = mapcache_page(&this_cpu()->mapcache, pa - at, type);
	u8 *value = (u8 *)&a->value + first;
	int i;

	for (i = 0; i < count; i++) {
		if (a->write)
			p[at + i] = value[i];
		else
			value[i] = p[at + i];
	}
}

/**
 * guest_copy() - read or write Linux's memory in its place
 * @world: the host world of this CPU
 * @a: what
 *
 * It may lie in two pages: nothing is done unless Linux may use both.
 *
 * Return: enum guest_result.
 */
enum guest_result guest_copy(const struct world *world, struct guest_access *a)
{
	u64 left = REGENT_PAGE_SIZE - (a->va & (REGENT_PAGE_SIZE - 1));
	int here = (u64)a->width < left ? a->width : (int)left;
	enum guest_result result;
	u64 pa[2];

	result = reach(world, a, a->va, &pa[0]);
	if (result == GUEST_OK && here < a->width)
		result = reach(world, a, a->va + here, &pa[1]);
	if (result != GUEST_OK)
		return result;
	copy_bytes(a, pa[0], 0, here);
	if (here < a->width)
		copy_bytes(a, pa[1], here, a->width - here);
	return GUEST_OK;
}

/**
 * insn_length_of() - bytes of the instruction a world exited on
 * @world: the world, of this CPU
 *
 * What Linux exits by at CPL 0 is 64-bit code; elsewhere K skips nothing.
 *
 * Return: 2 to 15, or 0 when there is no such instruction (any more).
 */
int insn_length_of(const struct world *world)
{
	u8 code[INSN_MAX];
	int n = insn_fetch(world, code);
	int i, length;

	for (i = 1; i <= n; i++) {
		length = insn_length(code, i, true);
		if (length)
			return length > 0 ? length : 0;
	}
	return 0;
}

/*
 * The length of what exits most by its own instruction, without insn_length_of(), which reads
 * all that an instruction can be long. 0: another instruction, or one with prefixes.
 */
static int length_at_once(struct cpu *cpu, const struct world *world)
{
	u64 va = backend_code_address(world);
	u64 at = va & (REGENT_PAGE_SIZE - 1);
	const u8 *page;
	u64 pa;

	if (at == REGENT_PAGE_SIZE - 1 ||
	    (!in_image(va, &pa) && !walk_code(cpu, world, va, &pa)))
		return 0;
	page = (const u8 *)guest_page(cpu, pa - at);
	if (unlikely(!page))
		return 0;
	switch (*(const u16 *)(page + at)) {
	case 0x300f:		/* WRMSR */
	case 0x320f:		/* RDMSR */
		return 2;
	}
	return page[at] == 0xf4;	/* HLT */
}

/**
 * insn_skip() - go on behind the instruction that a world has executed
 * @cpu: this CPU
 * @world: its current world
 *
 * Return: false when the instruction cannot be found (any more); it is executed again.
 */
bool insn_skip(struct cpu *cpu, struct world *world)
{
	int length = backend_insn_length(world);

	if (!length)
		length = length_at_once(cpu, world);
	if (!length)
		length = insn_length_of(world);
	if (!length)
		return false;
	backend_advance(world, length);
	return true;
}
