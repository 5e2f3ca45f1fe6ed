// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions of vCPUs that K executes for them, from any bytes, with any registers and any page
 * tables: accesses to devices and to the APIC's page, INS and OUTS, MOV CRn, and what is stepped
 * over. The real src/vm/emulate.c, string.c, exit.c and walk.c, on a processor that is a struct.
 *
 * Whatever comes: nothing outside the VM's memory is accessed, nothing is written that the VM may
 * not write, what L is told is one access within one page, and each exit either ends the run, or
 * moves the vCPU on, or leaves it an exception, or leaves the processor to find out by itself.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <asm/prctl.h>
#include <sys/syscall.h>
#include <hw/cr.h>
#include <hw/pte.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>
#include "../../../src/vm/vm.h"

#define CHECK(cond)	do { if (!(cond)) abort(); } while (0)
#define PAGES		16		/* of memory, from 0 on */
#define READ_ONLY	0xe100u		/* a bit for each: pages 8 and 13 to 15 */
#define ABSENT		0x1800u		/* pages 11 and 12, and all above */
#define DEVICE		0x40000ull
#define APIC		0xfee00000ull
#define ROUNDS		8

asm(".data\n.balign 4096\n.globl k_params\nk_params: .zero 8192\n.text\n");
extern struct regent_params params asm("k_params");

/* The processor */
static struct {
	struct regent_vcpu_sregs s;
	u64 rip, flags, rsp;
	struct npf npf;
	struct io_access io;
	enum control_access control;
	int injected;			/* a vector, or -1 */
	bool event, moved;
} p;

static u32 absent;
static u8 *memory[PAGES];		/* each of its own, so that ASan sees its end */
static struct vcpu *v;
static struct vm vm;
static struct regent_vcpu_page page;
static struct cpu cpu;

/* --- the input ------------------------------------------------------------------------------- */

static const uint8_t *data;
static size_t left;

static u64 take(int bytes)
{
	u64 value = 0;
	int i;

	for (i = 0; i < bytes; i++)
		if (left) {
			value |= (u64)*data++ << 8 * i;
			left--;
		}
	return value;
}

/* An address that is somewhere near memory or the device, or any */
static u64 take_address(void)
{
	u64 kind = take(1), value = take(kind & 1 ? 2 : 8);

	return kind & 2 ? DEVICE + (value & 0xfff) : kind & 4 ? APIC + (value & 0xfff) : value;
}

/* --- the backend ----------------------------------------------------------------------------- */

u64 backend_rip(const struct world *w)
{
	(void)w;
	return p.rip;
}

int backend_decode_mode(const struct world *w)
{
	(void)w;
	if (p.s.efer & HW_EFER_LMA && p.s.seg[REGENT_CS].access & 1u << 13)
		return DECODE_64;
	return p.s.seg[REGENT_CS].access & 1u << 14 ? DECODE_32 : DECODE_16;
}

u64 backend_code_address(const struct world *w)
{
	return backend_decode_mode(w) == DECODE_64 ? p.rip :
						     (u32)(p.s.seg[REGENT_CS].base + p.rip);
}

int backend_insn_length(const struct world *w)
{
	(void)w;
	return 0;
}

void backend_advance(struct world *w, int length)
{
	(void)w;
	p.rip += length;
	p.moved = true;
}

u64 *backend_reg(struct world *w, int n)
{
	u64 *place[] = {
		&w->regs.rax, &w->regs.rcx, &w->regs.rdx, &w->regs.rbx, &p.rsp, &w->regs.rbp,
		&w->regs.rsi, &w->regs.rdi, &w->regs.r8, &w->regs.r9, &w->regs.r10, &w->regs.r11,
		&w->regs.r12, &w->regs.r13, &w->regs.r14, &w->regs.r15,
	};

	CHECK(n >= 0 && n < 16);
	return place[n];
}

void backend_get_regs(const struct world *w, struct decode_regs *r)
{
	int i;

	memset(r, 0x5a, sizeof(*r));
	for (i = 0; i < 16; i++)
		r->gpr[i] = *backend_reg((struct world *)w, i);
	r->rip = p.rip;
	r->flags = p.flags;
}

void backend_put_regs(struct world *w, const struct decode_regs *r)
{
	int i;

	for (i = 0; i < 16; i++)
		*backend_reg(w, i) = r->gpr[i];
	CHECK(!((r->flags ^ p.flags) & ~0x8d5ull));
	p.flags = r->flags;
	p.rip = r->rip;
	p.moved = true;
}

void backend_get_sregs(const struct world *w, struct regent_vcpu_sregs *s)
{
	(void)w;
	*s = p.s;
}

int backend_cpl(const struct world *w)
{
	(void)w;
	return p.s.seg[REGENT_SS].access >> 5 & 3;
}

bool backend_flag_ac(const struct world *w)
{
	(void)w;
	return p.flags >> 18 & 1;
}

void backend_npf(const struct world *w, struct npf *f)
{
	(void)w;
	*f = p.npf;
}

void backend_io_access(const struct world *w, struct io_access *io)
{
	(void)w;
	*io = p.io;
}

enum control_access backend_control_access(struct world *w)
{
	(void)w;
	return p.control;
}

void backend_inject(struct world *w, u8 vector, u32 error)
{
	(void)w;
	(void)error;
	CHECK(vector < 32 && p.injected < 0);
	p.injected = vector;
}

void backend_page_fault(struct world *w, u64 address, u32 error)
{
	p.s.cr2 = address;
	backend_inject(w, HW_TRAP_PF, error);
}

void backend_complete_interrupts(struct world *w)
{
	(void)w;
}

bool backend_event_pending(const struct world *w)
{
	(void)w;
	return p.event;
}

void backend_set_shadow(struct world *w, bool on)
{
	(void)w;
	(void)on;
}

u64 backend_cr4(const struct world *w)
{
	(void)w;
	return p.s.cr4 | HW_CR4_MCE;
}

bool backend_set_cr4(struct world *w, u64 cr4)
{
	(void)w;
	if (cr4 & ~0x7ffull)
		return false;
	p.s.cr4 = cr4;
	return true;
}

void backend_set_cr8(struct world *w, u8 cr8)
{
	(void)w;
	CHECK(cr8 < 16);
	p.s.cr8 = cr8;
}

/* No walk is remembered, so that all of them are made. */
void backend_paging(const struct world *w, struct ptab *pt)
{
	(void)w;
	pt->root = p.s.cr3;
}

const u8 *place_note(struct cpu *c, struct vcpu *a, u64 va)
{
	(void)c;
	(void)a;
	(void)va;
	return NULL;
}

/* As on SVM: the processor reads PAE's top entries itself. */
u64 backend_pdptes_wanted(const struct world *w)
{
	(void)w;
	return NPF_NONE;
}

/* What exit.c and others have besides, and is not called here */
void backend_set_pdptes(struct world *w, const u64 pdpte[4]) { (void)w; (void)pdpte; abort(); }
bool backend_exit_is_cpuid(const struct world *w) { (void)w; abort(); }
bool backend_exit_is_msr(const struct world *w) { (void)w; abort(); }
u64 backend_npf_gpa(const struct world *w) { (void)w; abort(); }
int backend_vcpu_irq_queued(const struct world *w) { (void)w; abort(); }
bool vcpu_msr_fast(struct cpu *c, struct vcpu *a) { (void)c; (void)a; abort(); }
bool vcpu_apic_is_quiet(const struct vcpu *a, u32 r, bool w) { (void)a; (void)r; (void)w; abort(); }
int backend_exception(struct world *w) { (void)w; abort(); }
int backend_delivering(const struct world *w) { (void)w; return -1; }
u64 backend_exit_code(const struct world *w) { (void)w; abort(); }
void backend_entry_refused(struct world *w) { (void)w; abort(); }
void backend_vcpu_irq(struct world *w, int what) { (void)w; (void)what; abort(); }
void vcpu_reset(struct vcpu *a) { (void)a; abort(); }
void vcpu_iret(struct vcpu *a) { (void)a; abort(); }
bool vcpu_stepped(struct vcpu *a) { (void)a; abort(); }

/* --- the rest of K --------------------------------------------------------------------------- */

static bool there(u64 gpa)
{
	return gpa >> 12 < PAGES && !(absent >> (gpa >> 12) & 1);
}

void *vm_page(struct cpu *c, const struct vm *a, u64 gpa)
{
	CHECK(c == &cpu && a == &vm);
	return there(gpa) ? memory[gpa >> 12] : NULL;
}

void *vm_page_to_write(struct cpu *c, const struct vm *a, u64 gpa)
{
	CHECK(c == &cpu && a == &vm);
	return there(gpa) && !(READ_ONLY >> (gpa >> 12) & 1) ? memory[gpa >> 12] : NULL;
}

/* L's page for the vCPU */
void *mapcache_page(struct mapcache *mc, u64 pa, enum mapcache_type type)
{
	CHECK(mc == &cpu.mapcache && pa == v->page_pa && type == MAPCACHE_RAM);
	return &page;
}

void vcpu_end(struct world *w, enum regent_vcpu_exit reason)
{
	CHECK(w == &v->world);
	v->ended = true;
	v->reason = reason;
}

void vcpu_fault(struct cpu *c, struct vcpu *a, u64 gpa, bool write, bool fetch)
{
	(void)write;
	(void)fetch;
	CHECK(c == &cpu && a == v);
	page.address = gpa;
	vcpu_end(&v->world, REGENT_VCPU_FAULT);
}

bool vcpu_apic_write(struct cpu *c, struct vcpu *a, u32 reg, u64 value)
{
	CHECK(c == &cpu && a == v && reg < 0x100 && !(value >> 32));
	return true;
}

bool vcpu_apic_read(struct vcpu *a, u32 reg, u64 *value)
{
	CHECK(a == v && reg < 0x100);
	*value = 0x123456789abcdefull;
	return true;
}

/* --- one exit -------------------------------------------------------------------------------- */

/* Tables as a system has them, in pages 1 to 4, among other bytes that the input has put there */
static void put_tables(void)
{
	u64 *entry[4] = {
		(u64 *)memory[1], (u64 *)memory[2], (u64 *)memory[3], (u64 *)memory[4],
	};
	u32 i;

	for (i = 0; i < 3; i++)
		entry[i][0] = (i + 2) << 12 | HW_PTE_P | HW_PTE_W | HW_PTE_U;
	for (i = 0; i < PAGES; i++)
		entry[3][i] = i << 12 | HW_PTE_P | HW_PTE_W | HW_PTE_U;
	entry[3][DEVICE >> 12] = DEVICE | HW_PTE_P | HW_PTE_W | HW_PTE_U;
	entry[3][(DEVICE >> 12) + 1] = APIC | HW_PTE_P | HW_PTE_W;
	p.s.cr3 = 0x1000;
	p.s.cr0 |= HW_CR0_PG | HW_CR0_PE;
	p.s.cr4 |= HW_CR4_PAE;
	p.s.efer |= HW_EFER_LMA | HW_EFER_LME;
}

static void put_bytes(u64 at, u64 n)
{
	for (; n && at < PAGES << 12; n--, at++)
		memory[at >> 12][at & 0xfff] = take(1);
}

static void start(void)
{
	u64 how = take(1);
	u32 i;

	memset(&p, 0, sizeof(p));
	memset(v, 0, sizeof(*v));
	memset(&page, 0xa5, sizeof(page));
	v->vm = &vm;
	absent = ABSENT;
	p.injected = -1;
	p.rip = how & 1 ? 0x5000 + take(2) % 0x1000 : take_address();
	p.flags = take(3) | 2;
	p.rsp = take_address();
	for (i = 0; i < 16; i++)
		*backend_reg(&v->world, i) = how & 2 && i < 8 ? take_address() : DEVICE + 8 * i;
	for (i = 0; i < REGENT_SEGMENTS; i++)
		p.s.seg[i] = (struct regent_segment){
			.access = take(2) | 0x80, .limit = how & 4 ? take(4) : ~0u,
			.base = how & 4 ? take_address() : 0,
		};
	p.s.cr0 = how & 8 ? HW_CR0_PG | HW_CR0_PE : take(1) & 1;
	p.s.cr0 |= how & 16 ? HW_CR0_WP : 0;
	p.s.cr3 = take(2);
	p.s.cr4 = take(1) | (how & 32 ? HW_CR4_SMAP : 0);
	p.s.efer = how & 64 ? HW_EFER_LMA : 0;
	for (i = 0; i < PAGES; i++)
		memset(memory[i], 0, 4096);
	if (how & 128)
		put_tables();
	/* Anything anywhere */
	for (i = take(1) % 4; i; i--)
		put_bytes(take(2), take(1) % 32);
}

/*
 * What the vCPU is about to execute: what makes such an exit, something that accesses memory, or
 * any bytes.
 */
static void put_code(u64 exit)
{
	static const u8 opcodes[] = {
		0x8b, 0x89, 0x8a, 0x88, 0xc6, 0xc7, 0xa0, 0xa1, 0xa3, 0xa4, 0xa5, 0xaa, 0xab, 0xac,
		0xad, 0x01, 0x0a, 0x21, 0x33, 0x39, 0x80, 0x81, 0x83, 0x84, 0x86, 0x87, 0xf6, 0xf7,
		0xfe, 0xff, 0x6c, 0x6d, 0x6e, 0x6f, 0x63, 0xe4, 0xf4,
	};
	static const u8 two[] = {
		0x20, 0x22, 0xa2, 0x09, 0xb6, 0xb7, 0xbe, 0xa3, 0xab, 0xba, 0xc3,
	};
	static const u8 prefixes[] = {
		0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x48, 0x44, 0x2e, 0x65, 0x41,
	};
	u64 at = p.rip, kind = take(1), n;

	if (at >> 12 >= PAGES - 1)
		return;
	for (n = kind % 4; n; n--)
		memory[at >> 12][at & 0xfff] = prefixes[take(1) % sizeof(prefixes)], at++;
	if (exit % 8 == 3) {
		memory[at >> 12][at & 0xfff] = 0x6c | (exit & 8 ? 2 : 0) | (kind >> 4 & 1);
		at++;
	} else if (kind & 16) {
		memory[at >> 12][at & 0xfff] = 0x0f;
		at++;
		memory[at >> 12][at & 0xfff] = two[take(1) % sizeof(two)];
		at++;
	} else if (kind & 32) {
		memory[at >> 12][at & 0xfff] = opcodes[take(1) % sizeof(opcodes)];
		at++;
	}
	put_bytes(at, kind >> 6 ? 10 : 3);
}

static void check_access(void)
{
	CHECK(page.size == 1 || page.size == 2 || page.size == 4 || page.size == 8);
	CHECK(page.write <= 1);
	if (v->reason == REGENT_VCPU_MMIO) {
		CHECK((page.address & 0xfff) + page.size <= 4096);
		CHECK(page.address >> 12 == p.npf.gpa >> 12);
		CHECK(page.address == v->device_gpa);
		CHECK(!page.write || page.size == 8 || !(page.data >> 8 * page.size));
	} else {
		CHECK(page.size <= 4 && page.address == p.io.port);
		CHECK(page.write == p.io.write);
		CHECK(!page.write || !(page.data >> 8 * page.size));
	}
}

/* L has done its part: what is still to be done, which may be another access. */
static void complete(void)
{
	u8 pending = v->pending;

	v->pending = VCPU_NOTHING;
	v->ended = false;
	v->reason = REGENT_VCPU_INTERRUPTED;
	page.data = take(8);
	/* Meanwhile memory may have gone, or another vCPU may have unmapped it. */
	if (!(take(1) % 4))
		absent |= take(2);
	if (!(take(1) % 4))
		memset(memory[4], 0, 4096);
	p.moved = false;
	if (pending == VCPU_PORT_READ)
		vcpu_complete_port(&cpu, v);
	else if (pending == VCPU_STRING_READ)
		vcpu_complete_string(&cpu, v);
	else if (pending == VCPU_MEMORY_READ)
		vcpu_complete_memory(&cpu, v);
	if (pending == VCPU_PORT_READ || pending == VCPU_MEMORY_READ)
		CHECK(p.moved);
	if (v->ended && v->reason == REGENT_VCPU_MMIO) {
		CHECK(pending == VCPU_MEMORY_READ && v->insn.writes && page.write);
		check_access();
	}
	CHECK(v->pending == VCPU_NOTHING ||
	      (v->pending == VCPU_STRING_READ && v->reason == REGENT_VCPU_FAULT));
}

static void one_exit(u64 kind)
{
	static const enum control_access controls[] = {
		CONTROL_CR4_READ, CONTROL_CR4_WRITE, CONTROL_CR8_WRITE, CONTROL_CACHE,
	};

	v->ended = false;
	v->pending = VCPU_NOTHING;
	v->has_apic = kind & 64;
	v->apic.enabled = true;
	p.injected = -1;
	p.moved = false;
	p.event = kind >= 0xfe;
	p.npf = (struct npf){ .gpa = take_address(), .write = kind & 8, .tables = kind == 0xf0 };
	v->device = true;
	v->device_page = kind & 16 ? p.npf.gpa >> 12 : DEVICE >> 12;
	p.io = (struct io_access){
		.port = take(2), .size = 1 << take(1) % 3, .write = kind & 8,
		.string = kind % 8 == 3, .next = p.rip + 1 + take(1) % 15,
	};
	p.control = controls[take(1) % 4];
	switch (kind & 7) {
	case 0: case 1: case 2:
		vcpu_npf(&cpu, &v->world);
		break;
	case 3: case 4:
		vcpu_io(&cpu, &v->world);
		break;
	case 5:
		vcpu_control(&cpu, &v->world);
		break;
	case 6:
		vcpu_cpuid(&cpu, &v->world);
		break;
	case 7:
		vcpu_hlt(&cpu, &v->world);
		break;
	}
	if (v->ended && (v->reason == REGENT_VCPU_MMIO || v->reason == REGENT_VCPU_IO))
		check_access();
	if (v->ended && v->reason == REGENT_VCPU_UNKNOWN)
		CHECK(page.insn_length <= DECODE_MAX);
	CHECK(!v->pending || v->ended);
	if (v->pending)
		complete();
}

static void make_memory(void)
{
	u32 i;

	for (i = 0; i < PAGES && !v; i++)
		memory[i] = aligned_alloc(4096, 4096);
	if (!v)
		v = aligned_alloc(64, (sizeof(*v) + 63) & ~63ull);
	cpu.self = &cpu;
	cpu.mapcache.changes = 1;	/* 0 stands for no CPU's window */
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, (u64)&cpu))
		abort();
}

/* Nobody has written what cannot be written: @check, or note what it is. */
static void look_at_read_only(bool check)
{
	static u8 was[PAGES][4096];
	u32 i;

	for (i = 0; i < PAGES; i++) {
		if (!((READ_ONLY | ABSENT) >> i & 1))
			continue;
		if (check)
			CHECK(!memcmp(was[i], memory[i], 4096));
		else
			memcpy(was[i], memory[i], 4096);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	u64 kind;
	int i;

	make_memory();
	data = input;
	left = size;
	start();
	for (i = 0; i < ROUNDS && left; i++) {
		kind = take(1);
		put_code(kind);
		look_at_read_only(false);
		one_exit(kind);
		look_at_read_only(true);
	}
	return 0;
}
