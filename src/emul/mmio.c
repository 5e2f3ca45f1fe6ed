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

/**
 * mmio_access() - the host world touched a page that its tables do not have
 * @cpu: this CPU
 * @world: its system world
 * @pa: physical address
 *
 * Return: false when the page is no such device's. An instruction that K cannot
 * do works on the bare machine, so that K gives its CPUs back then.
 */
bool mmio_access(struct cpu *cpu, struct world *world, u64 pa)
{
	bool is_apic = cpu->forwarded && (pa ^ k_params.apic_base) < REGENT_PAGE_SIZE;
	int nr = is_apic ? APIC : ioapic_find(pa);

	if (!is_apic && nr < 0)
		return false;
	cpu->exits[REGENT_EXIT_NESTED_FAULT]--;
	cpu->exits[is_apic ? REGENT_EXIT_APIC : REGENT_EXIT_IOAPIC]++;
	if (!execute(cpu, world, nr, is_apic ? pa - k_params.apic_base :
			    pa - k_params.ioapic[nr])) {
		backend_exit_describe(world);
		k_abort("an access to an APIC that K cannot execute");
	}
	return true;
}
