// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's INS and OUTS: one element in each round, as if the instruction had been interrupted
 * after it. L has the port, the vCPU the memory: AMD APM volume 3, "INS", "OUTS".
 */
#include <hw/cr.h>
#include <regent/backend.h>

#include "vm.h"

#define RFLAGS_DF	(1ull << 10)
#define TYPE_CODE	8	/* of a segment's access rights */
#define TYPE_DOWN	4
#define TYPE_WRITE	2

enum { RCX = 1, RSI = 6, RDI = 7 };

/* Segments other than FS and GS have no base in 64-bit mode, and none has a limit. */
static bool find_address(struct vcpu *v, const struct insn_string *s, u64 offset, int size,
			 bool write, u64 *va)
{
	const struct regent_segment *seg;
	struct regent_vcpu_sregs sregs;
	bool inside;

	backend_get_sregs(&v->world, &sregs);
	seg = &sregs.seg[vcpu_segment(s->segment)];
	*va = offset;
	if (backend_decode_mode(&v->world) == DECODE_64) {
		if (s->segment == DECODE_FS || s->segment == DECODE_GS)
			*va += seg->base;
		return vcpu_canonical(*va) && vcpu_canonical(*va + size - 1);
	}
	*va = (u32)(seg->base + offset);
	if (seg->access & TYPE_DOWN && !(seg->access & TYPE_CODE))
		inside = offset > seg->limit;
	else
		inside = offset + size - 1 <= seg->limit;
	if (!(sregs.cr0 & HW_CR0_PE))
		return inside;
	/* Bit 1 of a code segment's type is the right to read. */
	return inside && !seg->unusable &&
	       (write ? (seg->access & (TYPE_CODE | TYPE_WRITE)) == TYPE_WRITE :
			!(seg->access & TYPE_CODE) || seg->access & TYPE_WRITE);
}

static void set_masked(u64 *reg, u64 value, u64 mask)
{
	/* 32 bits clear the upper half, as in any register. */
	*reg = mask == 0xffff ? (*reg & ~mask) | (value & mask) : value & mask;
}

/* An element is done: move on, and behind the instruction after the last one. */
static void step(struct vcpu *v)
{
	struct world *w = &v->world;
	struct decode_regs r;
	u64 *index = backend_reg(w, v->io.write ? RSI : RDI), *count = backend_reg(w, RCX);

	backend_get_regs(w, &r);
	set_masked(index, r.flags & RFLAGS_DF ? *index - v->io.size : *index + v->io.size,
		   v->string.mask);
	if (v->string.repeated) {
		set_masked(count, *count - 1, v->string.mask);
		if (*count & v->string.mask) {
			/* Interrupts may come between two elements. */
			backend_set_shadow(w, false);
			return;
		}
	}
	backend_advance(w, v->io.next - backend_rip(w));
}

static bool memory_of(struct vcpu *v, u64 *va)
{
	u64 offset = *backend_reg(&v->world, v->io.write ? RSI : RDI) & v->string.mask;

	if (find_address(v, &v->string, offset, v->io.size, !v->io.write, va))
		return true;
	backend_inject(&v->world, v->string.segment == DECODE_SS ? HW_TRAP_SS : HW_TRAP_GP, 0);
	return false;
}

/**
 * vcpu_string_io() - a vCPU has begun INS or OUTS, or goes on with it
 * @cpu: this CPU
 * @v: the vCPU
 * @io: the access
 *
 * For INS the memory is looked for first, because what has been read from a device is gone.
 */
void vcpu_string_io(struct cpu *cpu, struct vcpu *v, const struct io_access *io)
{
	struct regent_vcpu_page *page;
	u8 code[DECODE_MAX];
	u64 va, data = 0;
	int n = vcpu_code(cpu, v, code);

	v->io = *io;
	if (!n || !insn_string(code, n, backend_decode_mode(&v->world), &v->string) ||
	    v->string.write != io->write) {
		vcpu_odd_code(cpu, v, n);
		return;
	}
	if (v->string.repeated && !(*backend_reg(&v->world, RCX) & v->string.mask)) {
		backend_advance(&v->world, io->next - backend_rip(&v->world));
		return;
	}
	if (!memory_of(v, &va) ||
	    !vcpu_copy(cpu, v, va, &data, io->size, io->write ? COPY_READ : COPY_TRY))
		return;
	page = vcpu_page(cpu, v);
	page->address = io->port;
	page->size = io->size;
	page->write = io->write;
	page->data = data;
	if (io->write)
		step(v);
	else
		v->pending = VCPU_STRING_READ;
	vcpu_end(&v->world, REGENT_VCPU_IO);
}

/**
 * vcpu_complete_string() - L has read a port for a vCPU's INS
 * @cpu: this CPU
 * @v: the vCPU
 *
 * If the memory has gone since, L maps it again, and comes here again.
 */
void vcpu_complete_string(struct cpu *cpu, struct vcpu *v)
{
	u64 data = *(const volatile u64 *)&vcpu_page(cpu, v)->data, va;

	if (!memory_of(v, &va))
		return;
	if (vcpu_copy(cpu, v, va, &data, v->io.size, COPY_WRITE))
		step(v);
	else if (v->ended)
		v->pending = VCPU_STRING_READ;
}
