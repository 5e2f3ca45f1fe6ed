// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sequences of hypercalls with any arguments, as a hostile root would make
 * them, into the real hypercall() and the real nested tables. Whatever comes:
 * no access outside K's memory, no chunk lost from the tables or given twice,
 * and each call ends after a bounded number of pieces.
 */
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <asm/prctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <hw/pte.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/irq.h>
#include <regent/k.h>
#include <regent/l0.h>
#include <regent/ptab.h>
#include <regent/sched.h>
#include <regent/test.h>
#include <regent/vm.h>
#include <regent/world.h>

/* As source, so that its state can be put back before each sequence. */
#include "../../../src/mm/host.c"

#define CPUS		8
#define PRESENT		0x2dull		/* CPUs 1, 4, 6 and 7 have no area */
#define IMAGE		8192
#define POOL		16
#define CHUNK_PA	0x40000000ull
#define ROOT_PA		(CHUNK_PA + 0x100000)
#define POOL_PA		(CHUNK_PA + 0x101000)
#define ZERO_PA		(CHUNK_PA + 0x1ff000)
#define PIECES		(IMAGE / 512)

/* What the linker script makes in K; read-only there, writable here. */
asm(".data\n"
    ".balign 4096\n"
    ".globl k_params, k_image_start, k_text_end, k_rodata_end\n"
    "k_params: .zero 8192\n"
    "k_image_start: .zero 4096\n"
    "k_text_end: .zero 4096\n"
    "k_rodata_end: .zero 8\n"
    ".text\n");
extern struct regent_params params asm("k_params");

static jmp_buf left;
static unsigned long events;

const struct npt_kind *const backend_npt = &npt_kind_svm;

void l0_resume(struct cpu *cpu, enum l0_agreement what)
{
	if (cpu != cpu_of(0) || what != L0_ASYNC_PF)
		abort();
}

void backend_leave(struct cpu *cpu, u64 result)
{
	if (cpu != cpu_of(0) || result)
		abort();
	longjmp(left, 1);
}

s64 debug_fault(u64 kind)
{
	if (kind >= REGENT_FAULTS)
		abort();
	return -REGENT_HC_EFAULT;
}

void k_abort(const char *why)
{
	(void)why;
	abort();
}

void event_post(u32 type, u64 a, u64 b)
{
	(void)a;
	(void)b;
	events += type;
}

/* Worlds and the page pool have tests of their own in the machine. */
u64 pages_table_alloc(void *ctx)
{
	(void)ctx;
	return 0;
}

void pages_free(void *first, u32 count)
{
	(void)first;
	(void)count;
}

u32 pages_free_count(void)
{
	return 0;
}

int pages_add(u32 slot, u64 pa)
{
	if (host_chunk(slot) != pa)
		abort();
	return 0;
}

/* The last chunk is always free. */
u32 pages_withdraw(void)
{
	u32 slot = k_params.nr_chunks + host.nr_chunks;

	return slot > k_params.nr_chunks && host_owns(host_chunk(slot - 1)) ? slot - 1 :
									       REGENT_MAX_CHUNKS;
}

s64 test_world_create(struct cpu *cpu, u64 mode)
{
	return cpu == cpu_of(0) ? (s64)(mode & 63) : -1;
}

s64 test_world_destroy(struct cpu *cpu, u64 id)
{
	return cpu == cpu_of(0) && id ? 0 : -REGENT_HC_EINVAL;
}

s64 test_world_info(u64 id, u64 what)
{
	return id + what;
}

s64 vm_create(u64 page_pa)
{
	return page_pa ? 1 : -REGENT_HC_EINVAL;
}

s64 vm_destroy(u64 id)
{
	return id ? 0 : -REGENT_HC_EINVAL;
}

s64 vm_end_all(struct cpu *cpu)
{
	return cpu == cpu_of(0) ? 0 : -REGENT_HC_EBUSY;
}

s64 vm_map(struct cpu *cpu, u64 id, u64 count)
{
	return cpu == cpu_of(0) && id && count ? 0 : -REGENT_HC_EINVAL;
}

s64 vm_zap(u64 id, u64 gpa)
{
	return id && gpa ? 0 : -REGENT_HC_EINVAL;
}

s64 vm_trim(u64 id, u64 resized)
{
	return id && resized ? 0 : -REGENT_HC_EBUSY;
}

s64 vm_msi(struct cpu *cpu, u64 id, u64 address)
{
	return cpu == cpu_of(0) && id && address ? 1 : -REGENT_HC_EINVAL;
}

s64 vm_sync(struct cpu *cpu, u64 id)
{
	return cpu == cpu_of(0) && id ? 0 : -REGENT_HC_EBUSY;
}

s64 vcpu_create(struct cpu *cpu, u64 id, u64 page_pa)
{
	return cpu == cpu_of(0) && id && page_pa ? 1 : -REGENT_HC_EINVAL;
}

s64 vcpu_destroy(struct cpu *cpu, u64 id)
{
	return cpu == cpu_of(0) && id ? 0 : -REGENT_HC_EINVAL;
}

s64 vcpu_get(struct cpu *cpu, u64 id, u64 part)
{
	return cpu == cpu_of(0) && id && part ? 0 : -REGENT_HC_EINVAL;
}

s64 vcpu_set(struct cpu *cpu, u64 id, u64 part)
{
	return cpu == cpu_of(0) && id && part ? 0 : -REGENT_HC_EINVAL;
}

s64 table_start(struct cpu *cpu, u64 id, u64 weights)
{
	return cpu == cpu_of(0) && id && weights ? 0 : -REGENT_HC_EINVAL;
}

s64 table_stop(struct cpu *cpu, u64 id)
{
	return cpu == cpu_of(0) && id ? 0 : -REGENT_HC_EINVAL;
}

s64 table_allow(struct cpu *cpu, u64 id, bool on)
{
	return cpu == cpu_of(0) && id ? on : -REGENT_HC_EINVAL;
}

s64 test_world_nap(struct cpu *cpu, u64 id, u64 how)
{
	return cpu == cpu_of(0) && id && how ? 0 : -REGENT_HC_EINVAL;
}

s64 table_wake(struct cpu *cpu, u64 id)
{
	return cpu == cpu_of(0) && id ? 0 : -REGENT_HC_EINVAL;
}

s64 world_info(u64 id, u64 what)
{
	return id ^ what;
}

s64 damage_choose(u64 item, u64 side)
{
	return item < REGENT_SKIPS && side < REGENT_SIDES ? 0 : -REGENT_HC_EINVAL;
}

s64 world_switch_part(struct cpu *cpu, u64 part)
{
	return cpu == cpu_of(0) && part < REGENT_PARTS ? 0 : -REGENT_HC_EINVAL;
}

/* So have the APICs. */
int ioapic_mode(u64 mode)
{
	return mode <= REGENT_IOAPIC_SHADOWED ? 0 : -REGENT_HC_EINVAL;
}

int mode_forward(struct cpu *cpu, u64 vector)
{
	(void)vector;
	return cpu == cpu_of(0) ? 0 : -REGENT_HC_EBUSY;
}

int mode_direct(struct cpu *cpu, bool anyway)
{
	return cpu == cpu_of(0) || anyway ? 0 : -REGENT_HC_EBUSY;
}

static u64 *page_at(void *ctx, u64 pa)
{
	(void)ctx;
	if (pa - CHUNK_PA >= REGENT_CHUNK_SIZE)
		return NULL;
	return (u64 *)(REGENT_VA_CHUNKS + (pa - CHUNK_PA));
}

static void *fixed(u64 va, size_t size)
{
	void *p = mmap((void *)va, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (p != (void *)va)
		abort();
	return p;
}

/* Only the areas that exist: any other access is a crash, as in K. */
static void map_once(void)
{
	static bool done;
	u32 i;

	if (done)
		return;
	done = true;
	fixed(REGENT_VA_CHUNKS, REGENT_CHUNK_SIZE);
	for (i = 0; i < CPUS; i++)
		if (PRESENT >> i & 1)
			fixed((u64)cpu_of(i) & ~4095ull, 4096);
}

static void identity_map(u64 pa, u64 size)
{
	struct ptab pt = {
		.fmt = &ptab_npt, .root = ROOT_PA, .levels = 4, .max_leaf = 3,
		.page = page_at,
	};
	u64 *root = page_at(NULL, ROOT_PA);
	u64 *pdpt = page_at(NULL, ROOT_PA - REGENT_PAGE_SIZE);

	memset(pdpt, 0, REGENT_PAGE_SIZE);
	root[0] = (ROOT_PA - REGENT_PAGE_SIZE) | ptab_npt.table;
	if (ptab_map(&pt, pa, pa, size, HW_NPT_WORLD))
		abort();
}

static void start(u8 features)
{
	map_once();
	memset(&host, 0, sizeof(host));
	memset((void *)REGENT_VA_CHUNKS, 0, REGENT_CHUNK_SIZE);
	params.features = REGENT_FEAT_1G | (features & 1 ? REGENT_FEAT_DEBUG_FAULT : 0);
	params.nr_cpus = CPUS;
	params.area[0] = PRESENT;
	params.phys_bits = 40;
	params.levels = 4;
	params.npt_root = ROOT_PA;
	params.forward_root = ROOT_PA;
	params.zero_page = ZERO_PA;
	params.pool = POOL_PA;
	params.pool_pages = POOL;
	params.nr_chunks = 1;
	params.chunk[0] = CHUNK_PA;
	identity_map(0, 4ull << 30);
	cpu_of(0)->entered = 1;
	cpu_of(0)->self = cpu_of(0);
	/* K reaches its CPU through GS, which user space here does not use. */
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, (u64)cpu_of(0)))
		abort();
}

/* A call is made again while K says so, as Linux's CPU would. */
static void call(struct world *w)
{
	int i;

	for (i = 0; i <= PIECES; i++)
		if (hypercall(cpu_of(0), w))
			return;
	abort();
}

static void check_donation(u64 pa, u64 answer)
{
	struct ptab pt = {
		.fmt = &ptab_npt, .root = ROOT_PA, .levels = 4, .page = page_at,
	};
	struct ptab_leaf leaf;

	if (answer)
		return;
	if (!host_owns(pa) || ptab_walk(&pt, pa, &leaf) != PTAB_ABSENT)
		abort();
}

/* What has gone back is Linux's: it is mapped, as memory. */
static void check_return(u64 pa, u64 answer)
{
	struct ptab pt = {
		.fmt = &ptab_npt, .root = ROOT_PA, .levels = 4, .page = page_at,
	};
	struct ptab_leaf leaf;

	if (answer || !pa)
		return;
	if (host_owns(pa) || ptab_walk(&pt, pa, &leaf) != PTAB_OK || leaf.pa != pa ||
	    !(leaf.entry & HW_PTE_W))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w;

	if (!size)
		return 0;
	start(data[0]);
	for (data++, size--; size >= 17; data += 17, size -= 17) {
		u64 pa;

		memset(&w, 0, sizeof(w));
		w.regs.rax = data[0] < 0xf0 ? data[0] % (REGENT_HC_MAX + 1) : ~0ull - data[0];
		memcpy(&w.regs.rdi, data + 1, 8);
		memcpy(&w.regs.rsi, data + 9, 8);
		if (w.regs.rax == REGENT_HC_DONATE && data[16] & 1)
			w.regs.rdi = (w.regs.rdi & 0x7ff) << 21;
		/* The chunk that is on its way, now and then */
		if (w.regs.rax == REGENT_HC_RETURN && data[16] & 1)
			w.regs.rdi = host.leaving ? host.chunk[host.leaving - 1] : 0;
		if (data[16] & 2)
			cpu_of(0)->tlb_seen = host_tlb_sequence();
		pa = w.regs.rdi;
		if (!setjmp(left)) {
			bool donate = w.regs.rax == REGENT_HC_DONATE;
			bool gives = w.regs.rax == REGENT_HC_RETURN;

			call(&w);
			if (donate)
				check_donation(pa, w.regs.rax);
			if (gives)
				check_return(pa, w.regs.rax);
		}
	}
	return 0;
}
