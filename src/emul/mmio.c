// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linux's accesses to devices that K has in between: the local APIC of a
 * forwarded CPU, and the IOAPICs.
 */
#include <hw/cr.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/decode.h>
#include <regent/emul.h>
#include <regent/insn.h>
#include <regent/irq.h>
#include <regent/k.h>

/* Where an access goes: an IOAPIC's number, this CPU's APIC, or to neither. */
#define APIC		(-1)
#define NO_DEVICE	(-2)

/*
 * The registers are 32 bits wide, and an APIC's are 16 bytes apart. The manuals leave
 * open what other accesses do: then the device itself is asked. To an APIC nothing is
 * written so, since it is K's: processors do not agree there, and some ignore it.
 */
static u64 device_read(struct cpu *cpu, int where, u32 offset, int width)
{
	if (where != APIC)
		return ioapic_read(cpu, where, offset, width);
	if (width == 4 && !(offset % 16))
		return forward_apic_read(cpu, offset);
	return forward_apic_peek(cpu, offset, width);
}

static void device_write(struct cpu *cpu, int where, u32 offset, int width, u64 value)
{
	if (where != APIC)
		ioapic_write(cpu, where, offset, width, value);
	else if (width == 4 && !(offset % 16))
		forward_apic_write(cpu, offset, value);
}

/* What lies behind the page is not the device's. */
static bool in_page(int where, u32 offset, int width)
{
	u64 base = where == APIC ? 0 : k_params.ioapic[where];

	return ((base + offset) & (REGENT_PAGE_SIZE - 1)) + width <= REGENT_PAGE_SIZE;
}

/* Which device Linux's tables lead to, and where in it. */
static int device_at(struct cpu *cpu, const struct world *world, u64 va, u32 *offset)
{
	u64 pa = guest_address(world, va);
	int nr;

	*offset = pa - k_params.apic_base;
	if (cpu->forwarded && pa - k_params.apic_base < REGENT_PAGE_SIZE)
		return APIC;
	nr = pa ? ioapic_find(pa) : -1;
	if (nr < 0)
		return NO_DEVICE;
	*offset = pa - k_params.ioapic[nr];
	return nr;
}

/* Return: false when the instruction cannot be done. @again: not yet, or it faults. */
static bool move_memory(struct world *world, struct guest_access *a, bool *again)
{
	enum guest_result result;

	a->user = backend_cpl(world) == 3;
	result = guest_copy(world, a);
	if (result == GUEST_FAULT)
		backend_page_fault(world, a->fault, a->error);
	*again = result == GUEST_FAULT || result == GUEST_AGAIN;
	return result != GUEST_REFUSED;
}

/*
 * One element from a device to memory, the other way, or between devices. A device's
 * registers can be read twice, so that the memory may still fault after that.
 */
static bool execute_movs(struct cpu *cpu, struct world *world, const struct decode *d,
			 struct decode_regs *r)
{
	struct guest_access from = { .va = decode_address(d, r), .width = d->width };
	struct guest_access to = { .va = decode_target(d, r), .width = d->width, .write = true };
	u32 from_offset, to_offset;
	int source = device_at(cpu, world, from.va, &from_offset);
	int target = device_at(cpu, world, to.va, &to_offset);
	bool again = false;

	/* The bases of FS and GS are not at hand. Linux uses neither here. */
	if (d->segment >= DECODE_FS || (source == NO_DEVICE && target == NO_DEVICE))
		return false;
	if ((source != NO_DEVICE && !in_page(source, from_offset, d->width)) ||
	    (target != NO_DEVICE && !in_page(target, to_offset, d->width)))
		return false;
	if (source != NO_DEVICE)
		from.value = device_read(cpu, source, from_offset, d->width);
	else if (!move_memory(world, &from, &again))
		return false;
	if (again)
		return true;
	decode_apply(d, r, from.value, &to.value);
	if (target != NO_DEVICE)
		device_write(cpu, target, to_offset, d->width, to.value);
	else if (!move_memory(world, &to, &again))
		return false;
	if (!again)
		backend_put_regs(world, r);
	return true;
}

static bool execute(struct cpu *cpu, struct world *world, int where, u32 offset)
{
	struct decode_regs r = { .segment_base = { 0 } };
	u8 code[INSN_MAX];
	struct decode d;
	u64 mem = 0, out;
	int n = insn_fetch(world, code);

	/* Taken away meanwhile: executed again, it faults as it should. */
	if (!n)
		return true;
	if (decode(code, n, backend_decode_mode(world), &d) != DECODE_OK)
		return false;
	backend_get_regs(world, &r);
	if (decode_idle(&d, &r)) {
		backend_put_regs(world, &r);
		return true;
	}
	if (d.op == DECODE_MOVS)
		return execute_movs(cpu, world, &d, &r);
	if (!in_page(where, offset, d.width))
		return false;
	if (d.reads)
		mem = device_read(cpu, where, offset, d.width);
	decode_apply(&d, &r, mem, &out);
	if (d.writes)
		device_write(cpu, where, offset, d.width, out);
	backend_put_regs(world, &r);
	return true;
}

/*
 * What K cannot do is a general protection fault of Linux's: it costs the program that
 * did it, or the kernel's thread, and not the worlds. On the bare machine it would have
 * worked, or not: no manual defines what an APIC does with such an instruction.
 */
static void __attribute__((noinline))
access(struct cpu *cpu, struct world *world, int where, u32 offset)
{
	if (!execute(cpu, world, where, offset)) {
		event_post(REGENT_EV_DEVICE_REFUSED, offset, backend_rip(world));
		backend_inject(world, HW_TRAP_GP, 0);
	}
}

/*
 * What Linux does nearly always: a MOV of 32 bits. The rest of execute() would cost
 * as much as all of the exit besides.
 */
static bool execute_move(struct cpu *cpu, struct world *world, u32 offset)
{
	struct decode_move m;
	u64 code[2];
	int n;

	if (offset % 16 || backend_decode_mode(world) != DECODE_64)
		return false;
	n = insn_peek(cpu, world, code);
	if (!n || !decode_move(code[0], code[1], &m) || m.length > n)
		return false;
	if (!m.store)
		*backend_reg(world, m.reg) = forward_apic_read(cpu, offset);
	else
		forward_apic_write(cpu, offset, m.reg == DECODE_NO_REG ? m.imm :
				   (u32)*backend_reg(world, m.reg));
	backend_advance(world, m.length);
	return true;
}

/**
 * mmio_apic() - the host world touched its local APIC's page
 * @cpu: this CPU, forwarded
 * @world: its host world
 * @offset: where in the page
 */
void mmio_apic(struct cpu *cpu, struct world *world, u32 offset)
{
	if (unlikely(!execute_move(cpu, world, offset)))
		access(cpu, world, APIC, offset);
}

/**
 * mmio_ioapic() - the host world touched a page that its tables do not have
 * @cpu: this CPU
 * @world: its host world
 * @pa: physical address
 *
 * Return: false when the page is no IOAPIC's.
 */
bool mmio_ioapic(struct cpu *cpu, struct world *world, u64 pa)
{
	int nr = ioapic_find(pa);

	if (nr < 0)
		return false;
	cpu->exits[REGENT_EXIT_NPF]--;
	cpu->exits[REGENT_EXIT_IOAPIC]++;
	access(cpu, world, nr, pa - k_params.ioapic[nr]);
	return true;
}
