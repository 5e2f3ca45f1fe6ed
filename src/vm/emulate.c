// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's accesses to devices that are in memory: K decodes the instruction, L has the
 * device. What decode.h does not know, and what moves from memory to memory, L is told.
 */
#include <hw/cr.h>
#include <regent/backend.h>
#include <regent/insn.h>

#include "peek.h"
#include "vm.h"

/**
 * vcpu_code() - the first bytes of the instruction on which a vCPU has exited
 * @cpu: this CPU
 * @v: the vCPU
 * @code: where to, DECODE_MAX bytes
 *
 * Where L has to map a page first, the run is over.
 *
 * Return: how many bytes are known.
 */
int vcpu_code(struct cpu *cpu, struct vcpu *v, u8 *code)
{
	u64 va = backend_code_address(&v->world), gpa = 0;
	const u8 *page = vcpu_peek(cpu, v);
	enum walk_result result = WALK_OK;
	int n;

	for (n = 0; page && n < DECODE_MAX; n++)
		code[n] = page[n];
	if (n)
		return n;
	for (n = 0; n < DECODE_MAX; n++, va++) {
		if (!page || !(va & (REGENT_PAGE_SIZE - 1))) {
			result = vcpu_walk(cpu, v, va, &gpa);
			page = result == WALK_OK ? vm_page(cpu, v->vm, gpa) : NULL;
			if (!page)
				break;
		}
		code[n] = page[va & (REGENT_PAGE_SIZE - 1)];
	}
	/* The next page may be none of the instruction's: only without any byte L is asked. */
	if (!n && result != WALK_FAULT)
		vcpu_fault(cpu, v, gpa, false, result == WALK_OK);
	return n;
}

/* Of one page that is there, and another one that L has to map: the address of the latter. */
static void want_more(struct cpu *cpu, struct vcpu *v, int known)
{
	u64 va = backend_code_address(&v->world) + known, gpa;
	enum walk_result result = vcpu_walk(cpu, v, va, &gpa);

	if (result != WALK_FAULT)
		vcpu_fault(cpu, v, gpa, false, result == WALK_OK);
}

/**
 * vcpu_skip() - go on behind the instruction that K has executed, or is about to, for a vCPU
 * @cpu: this CPU
 * @v: the vCPU
 *
 * Return: false when the instruction is not known (any more), or L has to map it first: it is
 * executed again.
 */
bool vcpu_skip(struct cpu *cpu, struct vcpu *v)
{
	bool wide = backend_decode_mode(&v->world) == DECODE_64;
	int length = vcpu_length_plain(cpu, v);
	u8 code[DECODE_MAX];
	int i, n;

	if (!length) {
		n = vcpu_code(cpu, v, code);
		for (i = 1; i <= n && !length; i++)
			length = insn_length(code, i, wide);
		if (n && !length)
			want_more(cpu, v, n);
	}
	if (length <= 0)
		return false;
	backend_advance(&v->world, length);
	return true;
}

/**
 * vcpu_unknown() - L is told that K cannot execute an instruction
 * @cpu: this CPU
 * @v: the vCPU, whose RIP is on the instruction
 */
void vcpu_unknown(struct cpu *cpu, struct vcpu *v)
{
	struct regent_vcpu_page *page;
	u8 code[DECODE_MAX];
	int i, n = vcpu_code(cpu, v, code);

	/* L maps it first; what is nowhere is told without its bytes. */
	if (!n && v->ended)
		return;
	page = vcpu_page(cpu, v);
	for (i = 0; i < n; i++)
		page->insn[i] = code[i];
	page->insn_length = n;
	vcpu_end(&v->world, REGENT_VCPU_UNKNOWN);
}

static void get_all_regs(const struct vcpu *v, struct decode_regs *r)
{
	struct regent_vcpu_sregs sregs;
	u32 i;

	backend_get_regs(&v->world, r);
	backend_get_sregs(&v->world, &sregs);
	for (i = DECODE_ES; i <= DECODE_GS; i++)
		r->segment_base[i] = sregs.seg[vcpu_segment(i)].base;
}

/* Find the instruction; false when the run is over, or the vCPU executes it again. */
static bool find_insn(struct cpu *cpu, struct vcpu *v, struct decode *d)
{
	u8 code[DECODE_MAX];
	int n = vcpu_code(cpu, v, code);
	int result;

	if (!n)
		return false;
	result = decode(code, n, backend_decode_mode(&v->world), d);
	if (result == DECODE_OK && d->op != DECODE_MOVS)
		return true;
	if (result == DECODE_MORE)
		want_more(cpu, v, n);
	else
		vcpu_unknown(cpu, v);
	return false;
}

static void tell(struct cpu *cpu, struct vcpu *v, u64 gpa, const struct decode *d, bool write,
		 u64 value)
{
	struct regent_vcpu_page *page = vcpu_page(cpu, v);

	page->address = gpa;
	page->size = d->width;
	page->write = write;
	page->data = value;
	vcpu_end(&v->world, REGENT_VCPU_MMIO);
}

/**
 * vcpu_odd_code() - an instruction does not look as the exit that it has made
 * @cpu: this CPU
 * @v: the vCPU
 * @n: number of its bytes that are known
 *
 * With all its bytes it has been changed, and the vCPU executes what is there now; or it has
 * more prefixes than K looks at. To repeat either without Linux's turn could take for ever.
 */
void vcpu_odd_code(struct cpu *cpu, struct vcpu *v, int n)
{
	if (v->ended)
		return;
	if (n == DECODE_MAX)
		vcpu_unknown(cpu, v);
	else if (n)
		want_more(cpu, v, n);
	if (!v->ended)
		vcpu_end(&v->world, REGENT_VCPU_INTERRUPTED);
}

/*
 * Find the access to @f: the instruction, its registers and its address. False when the run is
 * over, or when the vCPU executes it again: another vCPU may have changed the code or the
 * tables since, and K must not access for it what the processor would not.
 */
static bool find_access(struct cpu *cpu, struct vcpu *v, const struct npf *f, struct decode *d,
			struct decode_regs *r)
{
	u64 gpa;

	backend_complete_interrupts(&v->world);
	/* K delivers no event through a device, and walks no tables in one: an unusual stack. */
	if (f->tables || backend_event_pending(&v->world)) {
		vcpu_unknown(cpu, v);
		return false;
	}
	if (!find_insn(cpu, v, d))
		return false;
	get_all_regs(v, r);
	if (decode_idle(d, r)) {
		backend_put_regs(&v->world, r);
		return false;
	}
	if (vcpu_walk(cpu, v, decode_address(d, r), &gpa) != WALK_OK) {
		vcpu_end(&v->world, REGENT_VCPU_INTERRUPTED);
		return false;
	}
	if ((gpa & (REGENT_PAGE_SIZE - 1)) + d->width > REGENT_PAGE_SIZE) {
		vcpu_unknown(cpu, v);
		return false;
	}
	if (gpa >> REGENT_PAGE_SHIFT != f->gpa >> REGENT_PAGE_SHIFT) {
		vcpu_end(&v->world, REGENT_VCPU_INTERRUPTED);
		return false;
	}
	v->device_gpa = gpa;
	return true;
}

/*
 * What guests do nearly always: a MOV of 32 bits, at a place that K remembers. The address is that
 * of the access that has faulted: should another vCPU have changed the code since, it is still
 * where this vCPU has just made an access.
 */
static inline bool find_move(struct cpu *cpu, struct vcpu *v, const struct npf *f,
			     struct decode_move *m)
{
	const u8 *code;

	if (f->tables || backend_delivering(&v->world) >= 0 || backend_event_pending(&v->world))
		return false;
	code = vcpu_peek(cpu, v);
	return code && decode_move(((const volatile u64 *)code)[0],
				   ((const volatile u64 *)code)[1], m) && m->store == f->write;
}

/* The same as vcpu_device(), without a walk to the device, and without all of the registers. */
static bool move_device(struct cpu *cpu, struct vcpu *v, const struct npf *f)
{
	const struct decode d = { .width = 4 };
	struct world *world = &v->world;
	struct decode_move m;
	u64 value;

	if ((f->gpa & (REGENT_PAGE_SIZE - 1)) > REGENT_PAGE_SIZE - 4 || !find_move(cpu, v, f, &m))
		return false;
	v->device_gpa = f->gpa;
	if (!m.store) {
		v->move = m;
		v->pending = VCPU_MOVE_READ;
		tell(cpu, v, f->gpa, &d, false, 0);
		return true;
	}
	value = m.reg == DECODE_NO_REG ? m.imm : (u32)*backend_reg(world, m.reg);
	backend_advance(world, m.length);
	tell(cpu, v, f->gpa, &d, true, value);
	return true;
}

/**
 * vcpu_device() - execute a vCPU's access to a device
 * @cpu: this CPU
 * @v: the vCPU
 * @f: what has made it exit
 *
 * A write is told to L when it is done, a read is finished by vcpu_complete_memory().
 */
void vcpu_device(struct cpu *cpu, struct vcpu *v, const struct npf *f)
{
	struct decode d = { .width = 0 };
	struct decode_regs r;
	u64 value;

	if (move_device(cpu, v, f) || !find_access(cpu, v, f, &d, &r))
		return;
	v->insn = d;
	if (d.reads) {
		v->pending = VCPU_MEMORY_READ;
		tell(cpu, v, v->device_gpa, &d, false, 0);
		return;
	}
	decode_apply(&d, &r, 0, &value);
	backend_put_regs(&v->world, &r);
	tell(cpu, v, v->device_gpa, &d, true, value);
}

static inline bool move_apic(struct cpu *cpu, struct vcpu *v, const struct npf *f)
{
	u32 offset = f->gpa & (REGENT_PAGE_SIZE - 1);
	struct world *world = &v->world;
	struct decode_move m;
	u64 value, *reg;

	if (offset & 15 || !find_move(cpu, v, f, &m))
		return false;
	reg = m.reg == DECODE_NO_REG ? NULL : backend_reg(world, m.reg);
	if (m.store) {
		value = reg ? (u32)*reg : m.imm;
		backend_advance(world, m.length);
		vcpu_apic_write(cpu, v, offset / 16, value);
		return true;
	}
	vcpu_apic_read(v, offset / 16, &value);
	*reg = (u32)value;
	backend_advance(world, m.length);
	return true;
}

/**
 * vcpu_apic_page() - execute a vCPU's access to its APIC's page
 * @cpu: this CPU
 * @v: the vCPU
 * @f: what has made it exit
 *
 * Registers are accessed in 32 bits at a multiple of 16; the manuals leave open what else does.
 */
void vcpu_apic_page(struct cpu *cpu, struct vcpu *v, const struct npf *f)
{
	struct decode d = { .width = 0 };
	struct decode_regs r;
	u64 mem = 0, value;
	u32 offset;
	bool whole;

	if (likely(move_apic(cpu, v, f)))
		return;
	if (!find_access(cpu, v, f, &d, &r))
		return;
	offset = v->device_gpa & (REGENT_PAGE_SIZE - 1);
	whole = d.width == 4 && !(offset & 15);
	if (d.reads && whole)
		vcpu_apic_read(v, offset / 16, &mem);
	decode_apply(&d, &r, mem, &value);
	backend_put_regs(&v->world, &r);
	if (d.writes && whole)
		vcpu_apic_write(cpu, v, offset / 16, (u32)value);
}

/**
 * vcpu_apic_page_fast() - the same, where nothing follows from it
 * @cpu: this CPU
 * @v: the vCPU, which has exited by an access to that page
 *
 * Return: false when nothing has been done.
 */
bool __attribute__((noinline)) vcpu_apic_page_fast(struct cpu *cpu, struct vcpu *v)
{
	struct npf f = { .tables = false };

	backend_npf(&v->world, &f);
	return v->has_apic && v->apic.enabled && !v->apic.x2apic && !f.fetch &&
	       vcpu_apic_is_quiet(v, (f.gpa & (REGENT_PAGE_SIZE - 1)) / 16, f.write) &&
	       move_apic(cpu, v, &f);
}

/**
 * vcpu_complete_memory() - L has read a device's memory for a vCPU
 * @cpu: this CPU
 * @v: the vCPU
 *
 * What reads and writes has the write as another end of the run.
 */
void vcpu_complete_memory(struct cpu *cpu, struct vcpu *v)
{
	u64 data = *(const volatile u64 *)&vcpu_page(cpu, v)->data;
	struct decode_regs r;
	u64 value;

	get_all_regs(v, &r);
	decode_apply(&v->insn, &r, data, &value);
	backend_put_regs(&v->world, &r);
	if (v->insn.writes)
		tell(cpu, v, v->device_gpa, &v->insn, true, value);
}

/**
 * vcpu_complete_move() - the same of a MOV to a register of 32 bits
 * @cpu: this CPU
 * @v: the vCPU
 */
void vcpu_complete_move(struct cpu *cpu, struct vcpu *v)
{
	*backend_reg(&v->world, v->move.reg) =
		(u32)*(const volatile u64 *)&vcpu_page(cpu, v)->data;
	backend_advance(&v->world, v->move.length);
}
