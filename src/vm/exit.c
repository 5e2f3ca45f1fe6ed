// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a vCPU does that makes it exit. A handler emulates it, and the vCPU goes on; or it ends
 * the run, because L has something to do: vcpu_end().
 *
 * To step over an instruction its length is needed, and so, on processors that do not save it,
 * the instruction itself, which L may have to map first: each handler does that before
 * anything else, so that the instruction can be executed again.
 */
#include <hw/cr.h>
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/insn.h>

#include "peek.h"
#include "vm.h"

#define KVM_ENOSYS		1000
#define CPUID_1_ECX_OSXSAVE	(1u << 27)
#define CPUID_1_EDX_APIC	(1u << 9)
#define CPUID_XSTATE		0xd
#define XCR0_X87		(1ull << 0)
#define XCR0_SSE		(1ull << 1)
#define XCR0_AVX		(1ull << 2)
#define XCR0_MPX		(3ull << 3)
#define XCR0_AVX512		(7ull << 5)
#define XCR0_AMX		(3ull << 17)
#define CR4_OSXSAVE		(1ull << 18)

static void refuse(struct world *world)
{
	backend_inject(world, HW_TRAP_GP, 0);
}

/**
 * vcpu_call() - a vCPU makes a hypercall: there is none
 * @cpu: this CPU
 * @world: its current world
 */
void vcpu_call(struct cpu *cpu, struct world *world)
{
	(void)cpu;
	world->regs.rax = -KVM_ENOSYS;
	backend_advance(world, backend_insn_length(world) ?: BACKEND_CALL_LENGTH);
}

/**
 * vcpu_npf() - a vCPU touches what its nested table does not have
 * @cpu: this CPU
 * @world: its current world
 *
 * It is the APIC; or L maps it; or it is a device, which L has said of this very page.
 */
void vcpu_npf(struct cpu *cpu, struct world *world)
{
	struct vcpu *v = vcpu_of(world);
	struct npf f;

	backend_npf(world, &f);
	if (!f.fetch && v->has_apic && v->apic.enabled && !v->apic.x2apic &&
	    f.gpa - VCPU_APIC_BASE < REGENT_PAGE_SIZE) {
		vcpu_apic_page(cpu, v, &f);
		return;
	}
	if (!f.fetch && vcpu_is_device(v, f.gpa, f.write)) {
		vcpu_device(cpu, v, &f);
		return;
	}
	backend_complete_interrupts(world);
	vcpu_fault(cpu, v, f.gpa, f.write, f.fetch);
}

/**
 * vcpu_undefined() - a vCPU executes an instruction that it does not have
 * @cpu: this CPU
 * @world: its current world
 */
void vcpu_undefined(struct cpu *cpu, struct world *world)
{
	(void)cpu;
	backend_inject(world, HW_TRAP_UD, BACKEND_NO_ERROR_CODE);
}

/**
 * vcpu_hlt() - a vCPU waits for an interrupt
 * @cpu: this CPU
 * @world: its current world
 */
void vcpu_hlt(struct cpu *cpu, struct world *world)
{
	struct vcpu *v = vcpu_of(world);

	if (!vcpu_skip(cpu, v))
		return;
	if (v->has_apic)
		v->mp_state = REGENT_MP_HALTED;		/* vcpu_apic_enter() does the rest */
	else
		vcpu_end(world, REGENT_VCPU_HLT);
}

/* The first one that fits, which is remembered until L sets others. */
static const struct regent_vcpu_cpuid *__attribute__((noinline))
search_leaf(const struct vcpu *v, struct vcpu_leaf *known, u32 function, u32 index)
{
	u32 i;

	for (i = 0; i < v->nr_cpuid; i++) {
		const struct regent_vcpu_cpuid *c = &v->cpuid[i];

		if (c->function == function && (!c->indexed || c->index == index)) {
			*known = (struct vcpu_leaf){ function, index, c };
			return c;
		}
	}
	return NULL;
}

static inline const struct regent_vcpu_cpuid *find_leaf(struct vcpu *v, u32 function, u32 index)
{
	struct vcpu_leaf *known = &v->leaf[(function ^ function >> 27 ^ index << 1) % VCPU_LEAVES];

	if (likely(known->function == function && known->index == index && known->leaf))
		return known->leaf;
	return search_leaf(v, known, function, index);
}

/* Bits of leaf 1 that tell what the vCPU has switched on */
static void __attribute__((noinline)) show_state(const struct vcpu *v, struct world_regs *r)
{
	r->rcx &= ~(u64)CPUID_1_ECX_OSXSAVE;
	if (backend_cr4(&v->world) & CR4_OSXSAVE)
		r->rcx |= CPUID_1_ECX_OSXSAVE;
	if (v->has_apic && !v->apic.enabled)
		r->rdx &= ~(u64)CPUID_1_EDX_APIC;
}

/* How large an area the vCPU needs depends on XCR0, which the processor has: it knows. */
static void __attribute__((noinline)) show_xsave_size(u32 index, struct world_regs *r)
{
	u32 a = CPUID_XSTATE, b, c = index, d;

	if (!k_params.xcr0_all)
		return;
	asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	r->rbx = b;
}

static inline void show_leaf(struct vcpu *v, const struct regent_vcpu_cpuid *c)
{
	struct world_regs *r = &v->world.regs;
	u32 function = r->rax, index = r->rcx;

	r->rax = c->eax;
	r->rbx = c->ebx;
	r->rcx = c->ecx;
	r->rdx = c->edx;
	if (unlikely(function == 1))
		show_state(v, r);
	else if (unlikely(function == CPUID_XSTATE && index <= 1))
		show_xsave_size(index, r);
}

/**
 * vcpu_cpuid() - a vCPU executes CPUID
 * @cpu: this CPU
 * @world: its current world
 *
 * It sees what L has set, and zeros otherwise.
 */
void vcpu_cpuid(struct cpu *cpu, struct world *world)
{
	static const struct regent_vcpu_cpuid nothing;
	struct world_regs *r = &world->regs;
	const struct regent_vcpu_cpuid *c = find_leaf(vcpu_of(world), r->rax, r->rcx);

	if (vcpu_skip(cpu, vcpu_of(world)))
		show_leaf(vcpu_of(world), c ?: &nothing);
}

static inline bool fast_cpuid(struct cpu *cpu, struct vcpu *v)
{
	struct world_regs *r = &v->world.regs;
	const struct regent_vcpu_cpuid *c = find_leaf(v, r->rax, r->rcx);
	int length = c ? vcpu_length_plain(cpu, v) : 0;

	if (!length)
		return false;
	backend_advance(&v->world, length);
	show_leaf(v, c);
	return true;
}

/**
 * vcpu_exit_fast() - handle a short exit of a vCPU's, after which it gets nothing new
 * @cpu: this CPU, which has no other work
 * @world: its current world
 *
 * Return: true when the vCPU goes on; else nothing has been done.
 */
bool vcpu_exit_fast(struct cpu *cpu, struct world *world)
{
	struct vcpu *v = vcpu_of(world);

	if (unlikely(v->nmis || v->nmi_iret ||
		     __atomic_load_n(&v->posted_what, __ATOMIC_RELAXED)))
		return false;
	if (backend_exit_is_cpuid(world))
		return fast_cpuid(cpu, v);
	if (backend_exit_is_msr(world))
		return vcpu_msr_fast(cpu, v);
	if (backend_npf_gpa(world) - VCPU_APIC_BASE < REGENT_PAGE_SIZE)
		return vcpu_apic_page_fast(cpu, v);
	return false;
}

/* Find the MOV to or from CR4 or CR8 that has exited. False when something else is there. */
static bool find_cr(struct cpu *cpu, struct vcpu *v, bool wide, bool write, int cr,
		    struct insn_cr *insn)
{
	u8 code[DECODE_MAX];
	int n = vcpu_code(cpu, v, code);

	if (insn_cr(code, n, wide, insn) && insn->cr == cr && insn->write == write)
		return true;
	vcpu_odd_code(cpu, v, n);
	return false;
}

static void write_cr8(struct cpu *cpu, struct vcpu *v)
{
	bool wide = backend_decode_mode(&v->world) == DECODE_64;
	struct insn_cr insn;
	u64 value;

	if (!find_cr(cpu, v, wide, true, 8, &insn))
		return;
	value = *backend_reg(&v->world, insn.reg);
	if (!wide)
		value = (u32)value;
	if (value >> 4) {
		refuse(&v->world);
		return;
	}
	backend_set_cr8(&v->world, value);
	backend_advance(&v->world, insn.length);
}

static void access_cr4(struct cpu *cpu, struct vcpu *v, bool write)
{
	struct world *world = &v->world;
	bool wide = backend_decode_mode(world) == DECODE_64;
	struct insn_cr insn;
	u64 *value;

	if (!find_cr(cpu, v, wide, write, 4, &insn))
		return;
	value = backend_reg(world, insn.reg);
	if (write && !backend_set_cr4(world, wide ? *value : (u32)*value)) {
		refuse(world);
		return;
	}
	if (write)
		v->mce = *value & HW_CR4_MCE;
	else
		*value = v->mce ? backend_cr4(world) : backend_cr4(world) & ~HW_CR4_MCE;
	backend_advance(world, insn.length);
}

static bool all_or_none(u64 xcr0, u64 bits)
{
	return !(xcr0 & bits) || (xcr0 & bits) == bits;
}

/**
 * vcpu_xcr0_valid() - would XSETBV accept it? Intel SDM volume 1, "XSAVE-Supported Features"
 * @xcr0: any value
 */
bool vcpu_xcr0_valid(u64 xcr0)
{
	if (!(xcr0 & XCR0_X87) || xcr0 & ~k_params.xcr0_all)
		return false;
	if ((xcr0 & XCR0_AVX && !(xcr0 & XCR0_SSE)) ||
	    (xcr0 & XCR0_AVX512 && !(xcr0 & XCR0_AVX)))
		return false;
	return all_or_none(xcr0, XCR0_MPX) && all_or_none(xcr0, XCR0_AVX512) &&
	       all_or_none(xcr0, XCR0_AMX);
}

/* The vCPU is loaded, and so is its XCR0. */
static void set_xcr0(struct cpu *cpu, struct vcpu *v)
{
	struct world_regs *r = &v->world.regs;
	u64 xcr0 = (u32)r->rax | r->rdx << 32;

	if (!(backend_cr4(&v->world) & CR4_OSXSAVE)) {
		backend_inject(&v->world, HW_TRAP_UD, BACKEND_NO_ERROR_CODE);
		return;
	}
	/* The intercept may come before the processor's own look at the privilege level. */
	if (backend_cpl(&v->world) || (u32)r->rcx || !vcpu_xcr0_valid(xcr0)) {
		refuse(&v->world);
		return;
	}
	if (!vcpu_skip(cpu, v))
		return;
	v->world.area.xcr0 = xcr0;
	hw_xsetbv(xcr0);
}

/**
 * vcpu_control() - a vCPU accesses CR4 or CR8, flushes caches, or uses what K does not offer
 * @cpu: this CPU
 * @world: its current world
 *
 * Caches are coherent, so that there is nothing to flush for the VM; INVD would lose what
 * others have written.
 */
void vcpu_control(struct cpu *cpu, struct world *world)
{
	switch (backend_control_access(world)) {
	case CONTROL_CR4_READ:
		access_cr4(cpu, vcpu_of(world), false);
		return;
	case CONTROL_CR4_WRITE:
		access_cr4(cpu, vcpu_of(world), true);
		return;
	case CONTROL_CR8_WRITE:
		write_cr8(cpu, vcpu_of(world));
		return;
	case CONTROL_CACHE:
		vcpu_skip(cpu, vcpu_of(world));
		return;
	case CONTROL_XSETBV:
		set_xcr0(cpu, vcpu_of(world));
		return;
	case CONTROL_IRET:
		vcpu_iret(vcpu_of(world));
		return;
	case CONTROL_AGAIN:
		vcpu_of(world)->mce = backend_cr4(world) & HW_CR4_MCE;
		return;
	case CONTROL_OTHER:
		refuse(world);
		return;
	}
}

/**
 * vcpu_io() - a vCPU accesses an I/O port: L has the devices
 * @cpu: this CPU
 * @world: its current world
 */
void vcpu_io(struct cpu *cpu, struct world *world)
{
	struct vcpu *v = vcpu_of(world);
	struct regent_vcpu_page *page;
	struct io_access io;

	backend_io_access(world, &io);
	if (io.string) {
		vcpu_string_io(cpu, v, &io);
		return;
	}
	page = vcpu_page(cpu, v);
	page->address = io.port;
	page->size = io.size;
	page->write = io.write;
	page->data = io.write ? world->regs.rax & ((1ull << 8 * io.size) - 1) : 0;
	if (io.write) {
		backend_advance(world, io.next - backend_rip(world));
	} else {
		v->io = io;
		v->pending = VCPU_PORT_READ;
	}
	vcpu_end(world, REGENT_VCPU_IO);
}

/**
 * vcpu_complete_port() - L has read a port for a vCPU
 * @cpu: this CPU
 * @v: the vCPU
 */
void vcpu_complete_port(struct cpu *cpu, struct vcpu *v)
{
	u64 data = *(const volatile u64 *)&vcpu_page(cpu, v)->data;
	u64 mask = (1ull << 8 * v->io.size) - 1;
	u64 *rax = &v->world.regs.rax;

	/* A result of 32 bits clears the upper half, as in any register. */
	*rax = (v->io.size == 4 ? 0 : *rax & ~mask) | (data & mask);
	backend_advance(&v->world, v->io.next - backend_rip(&v->world));
}

/**
 * vcpu_window() - a vCPU can take an interrupt, as its APIC or L wanted to know
 * @cpu: this CPU
 * @world: its current world
 */
void vcpu_window(struct cpu *cpu, struct world *world)
{
	struct vcpu *v = vcpu_of(world);

	(void)cpu;
	/* The interrupt itself has waited for this, and the next entry delivers it. */
	if (backend_vcpu_irq_queued(world) != VCPU_IRQ_NONE)
		return;
	v->window = false;
	backend_vcpu_irq(world, VCPU_IRQ_NONE);
	if (v->tells_window && !(v->has_apic && vapic_pending(&v->apic) != VAPIC_NONE))
		vcpu_end(world, REGENT_VCPU_WINDOW);
}

/**
 * vcpu_exception() - a vCPU has raised an exception that K looks at: it gets it
 * @cpu: this CPU
 * @world: its current world
 */
void vcpu_exception(struct cpu *cpu, struct world *world)
{
	int vector = backend_exception(world);

	if (vector == HW_TRAP_DB && vcpu_stepped(vcpu_of(world)))
		return;
	if (backend_delivering(world) == HW_TRAP_DF)
		vcpu_shutdown(cpu, world);
	else if (vector == HW_TRAP_DB && backend_delivering(world) >= 0)
		backend_complete_interrupts(world);	/* a breakpoint met by the delivery */
	else
		backend_inject(world, vector, vector == HW_TRAP_AC ? 0 :
								    BACKEND_NO_ERROR_CODE);
}

/**
 * vcpu_shutdown() - a vCPU has made a triple fault
 * @cpu: this CPU
 * @world: its current world, whose state the processor may have left undefined
 */
void vcpu_shutdown(struct cpu *cpu, struct world *world)
{
	struct vcpu *v = vcpu_of(world);

	(void)cpu;
	/* As after INIT, so that whoever runs it again runs something that is defined */
	vcpu_reset(v);
	vcpu_end(world, REGENT_VCPU_SHUTDOWN);
}

/**
 * vcpu_entry_failed() - the processor does not accept a vCPU's state
 * @cpu: this CPU
 * @world: its current world
 */
void vcpu_entry_failed(struct cpu *cpu, struct world *world)
{
	backend_entry_refused(world);
	vcpu_page(cpu, vcpu_of(world))->data = backend_exit_code(world);
	vcpu_end(world, REGENT_VCPU_FAIL_ENTRY);
}

/**
 * vcpu_unexpected() - a vCPU has made an exit that K has not asked for
 * @cpu: this CPU
 * @world: its current world
 */
void vcpu_unexpected(struct cpu *cpu, struct world *world)
{
	vcpu_page(cpu, vcpu_of(world))->data = backend_exit_code(world);
	vcpu_end(world, REGENT_VCPU_UNEXPECTED);
}
