// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linux's accesses to devices that K has in between: the local APIC of a
 * forwarded CPU, and the IOAPICs.
 */
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/decode.h>
#include <regent/insn.h>
#include <regent/irq.h>
#include <regent/k.h>

/* Where an access goes: an IOAPIC's number, or this CPU's APIC. */
#define APIC	(-1)

static u32 device_read(struct cpu *cpu, int where, u32 offset)
{
	return where == APIC ? forward_apic_read(cpu, offset)
			     : ioapic_read(cpu, where, offset);
}

static void device_write(struct cpu *cpu, int where, u32 offset, u32 value)
{
	if (where == APIC)
		forward_apic_write(cpu, offset, value);
	else
		ioapic_write(cpu, where, offset, value);
}

/* Registers are 32 bits wide. The manuals leave open what other accesses do. */
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
	if (decode(code, n, backend_decode_mode(world), &d) != DECODE_OK || d.width != 4)
		return false;
	/* The other operand is memory, too. */
	if (d.op == DECODE_MOVS)
		return false;
	backend_get_regs(world, &r);
	if (decode_idle(&d, &r)) {
		backend_put_regs(world, &r);
		return true;
	}
	if (d.reads)
		mem = device_read(cpu, where, offset);
	decode_apply(&d, &r, mem, &out);
	if (d.writes)
		device_write(cpu, where, offset, out);
	backend_put_regs(world, &r);
	return true;
}

/*
 * An instruction that K cannot do works on the bare machine, so that K gives its
 * CPUs back then.
 */
static void __attribute__((noinline))
access(struct cpu *cpu, struct world *world, int where, u32 offset)
{
	if (!execute(cpu, world, where, offset)) {
		backend_exit_describe(world);
		k_abort("an access to an APIC that K cannot execute");
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

	if (backend_decode_mode(world) != DECODE_64)
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
 * @world: its system world
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
 * @world: its system world
 * @pa: physical address
 *
 * Return: false when the page is no IOAPIC's.
 */
bool mmio_ioapic(struct cpu *cpu, struct world *world, u64 pa)
{
	int nr = ioapic_find(pa);

	if (nr < 0)
		return false;
	cpu->exits[REGENT_EXIT_NESTED_FAULT]--;
	cpu->exits[REGENT_EXIT_IOAPIC]++;
	access(cpu, world, nr, pa - k_params.ioapic[nr]);
	return true;
}
