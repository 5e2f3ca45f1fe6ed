// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMX backend: <regent/backend.h> on the VMCS. Intel SDM volume 3, part "Virtual
 * Machine Extensions".
 *
 * Neither takeover nor handback runs a piece of K on Linux's page tables or the
 * other way round: L launches Linux as a world, and K's first instruction is that of
 * an exit; in the end an entry that fails makes the processor load Linux's state
 * where it had K's. So there is always an IDT for an NMI.
 */
#include <hw/asm.h>
#include <hw/cr.h>
#include <hw/vmcs.h>
#include <hw/vmx.h>
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/k.h>

#include "vmx.h"

#define DEBUGCTL_BTF	(1ull << 1)
#define VMCALL_LENGTH	3		/* bytes of VMCALL */

static struct vmx_block *block_of(const struct world *world)
{
	return world->backend;
}

/* A CPU may have had translations for these before; the tags say nothing about whose. */
static void flush_everything(void)
{
	hw_invept(VMX_INV_ALL, 0);
	hw_invvpid(VMX_INV_ALL, 0);
}

static void block_init(struct vmx_block *b, const struct regent_handoff *h)
{
	b->forced = 0;
	b->nmi_waits = false;
	b->vmcs = h->backend_pa[VMX_PA_VMCS];
	b->apic = (u8 *)b + REGENT_PAGE_SIZE;
	b->event = 0;
	b->launched = 0;
	b->loaded = true;
	b->stale = false;
	b->pin = hw_vmread(VMCS_PIN_CONTROLS);
	b->proc = hw_vmread(VMCS_PROC_CONTROLS);
	b->proc2 = hw_vmread(VMCS_PROC2_CONTROLS);
	vmx_pebs_init(b, h);
}

/**
 * backend_cpu_init() - make Linux on this CPU a world, not yet running
 * @cpu: this CPU, in the first exit
 * @from: from k_entry: Linux's registers, on K's stack
 *
 * Linux's first instruction as a world is a null hypercall; an NMI may have come
 * before it. An entry that has failed is tried again, and then reported.
 */
void backend_cpu_init(struct cpu *cpu, u64 from)
{
	struct regent_handoff *h = cpu->handoff;
	struct world *w = &cpu->system;

	w->backend = (void *)percpu_va(h->cpu, REGENT_PERCPU_BACKEND);
	w->backend_host = 0;
	w->backend_flags = 0;
	w->regs = *(const struct world_regs *)from;
	block_init(block_of(w), h);
	h->left = 0;
	hw_vmwrite(VMCS_HOST_RIP, (u64)vmx_exit);
	hw_vmwrite(VMCS_HOST_RSP, (u64)(&w->regs + 1));
	asid_init(&cpu->asids, VMX_VPID_WORLDS, VMX_VPIDS);
	flush_everything();
	backend_settle(w);
	if (block_of(w)->reason == VMX_REASON_VMCALL) {
		w->regs.rax = 0;
		backend_skip_hypercall(w);
	}
}

/**
 * backend_resume() - enter a world
 * @world: of this CPU
 */
void backend_resume(struct world *world)
{
	vmx_resume(world);
	__builtin_unreachable();
}

/**
 * backend_enter() - the same, as the last thing that an exit does
 * @world: of this CPU
 *
 * Return: not at all. It is said here to do so, that a call of it can be a jump.
 */
struct world *backend_enter(struct world *world)
{
	return vmx_resume(world);
}

/* Linux's state, as an exit is to load it. */
static void put_linux_as_host(void)
{
	static const u16 move[][2] = {
		{ VMCS_HOST_CR0, VMCS_GUEST_CR0 }, { VMCS_HOST_CR3, VMCS_GUEST_CR3 },
		{ VMCS_HOST_CR4, VMCS_GUEST_CR4 }, { VMCS_HOST_PAT, VMCS_GUEST_PAT },
		{ VMCS_HOST_EFER, VMCS_GUEST_EFER },
		{ VMCS_HOST_FS_BASE, VMCS_GUEST_BASE(REGENT_FS) },
		{ VMCS_HOST_GS_BASE, VMCS_GUEST_BASE(REGENT_GS) },
		{ VMCS_HOST_TR_BASE, VMCS_GUEST_BASE(REGENT_TR) },
		{ VMCS_HOST_SS_SELECTOR, VMCS_GUEST_SELECTOR(REGENT_SS) },	/* may be 0 */
		{ VMCS_HOST_TR_SELECTOR, VMCS_GUEST_SELECTOR(REGENT_TR) },
		{ VMCS_HOST_GDTR_BASE, VMCS_GUEST_GDTR_BASE },
		{ VMCS_HOST_IDTR_BASE, VMCS_GUEST_IDTR_BASE },
		{ VMCS_HOST_SYSENTER_CS, VMCS_GUEST_SYSENTER_CS },
		{ VMCS_HOST_SYSENTER_ESP, VMCS_GUEST_SYSENTER_ESP },
		{ VMCS_HOST_SYSENTER_EIP, VMCS_GUEST_SYSENTER_EIP },
		{ VMCS_HOST_RSP, VMCS_GUEST_RSP },
	};
	u32 i;

	for (i = 0; i < sizeof(move) / sizeof(move[0]); i++)
		hw_vmwrite(move[i][0], hw_vmread(move[i][1]));
	hw_vmwrite(VMCS_HOST_RIP, k_params.leave);
}

/* What an exit cannot load, L puts back. */
static void tell_linux_state(struct regent_handoff *h, bool nmi_waits)
{
	struct regent_state *s = &h->state;
	u64 shadow = hw_vmread(VMCS_CR4_SHADOW) & HW_CR4_VMXE;
	int n;

	for (n = 0; n < REGENT_SEGMENTS; n++) {
		s->seg[n].selector = hw_vmread(VMCS_GUEST_SELECTOR(n));
		s->seg[n].base = hw_vmread(VMCS_GUEST_BASE(n));
	}
	s->cr4 = (hw_vmread(VMCS_GUEST_CR4) & ~HW_CR4_VMXE) | shadow;
	s->dr7 = hw_vmread(VMCS_GUEST_DR7);
	s->debugctl = hw_vmread(VMCS_GUEST_DEBUGCTL);
	s->gdtr_limit = hw_vmread(VMCS_GUEST_GDTR_LIMIT);
	s->idtr_limit = hw_vmread(VMCS_GUEST_IDTR_LIMIT);
	h->left = REGENT_LEFT | (nmi_waits ? REGENT_LEFT_NMI : 0);
}

/*
 * K's translations have Linux's own tag on the bare machine. Linux's from before the
 * takeover are still there, too.
 */
static void flush_own(void)
{
	u64 cr4;

	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	asm volatile("mov %0, %%cr4" : : "r"(cr4 ^ HW_CR4_PGE) : "memory");
	asm volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
}

/**
 * backend_leave() - hand this CPU back
 * @cpu: this CPU
 * @result: what Linux finds in RAX
 *
 * Linux goes on in its trampoline, on the stack it had when it asked. The last
 * entry fails, because RFLAGS is not a valid one, and the processor loads what is
 * Linux's then: an entry that fails does so like an exit. But where Linux has
 * NMIs blocked (it asks in its NMI handler), that has to be the processor's own
 * blocking, which only an entry makes: then it does execute its hypercall again,
 * whose exit keeps it so. No NMI can come in between.
 */
void backend_leave(struct cpu *cpu, u64 result)
{
	struct regent_handoff *h = cpu->handoff;
	const struct vmx_block *b = block_of(&cpu->system);

	cpu->busy = 0;
	__atomic_store_n(&cpu->entered, 0, __ATOMIC_RELEASE);
	tell_linux_state(h, b->nmi_waits);
	vmx_pebs_leave(b, h);
	put_linux_as_host();
	hw_vmwrite(VMCS_ENTRY_EVENT, 0);
	hw_vmwrite(VMCS_PROC_CONTROLS, b->proc & ~(VMX_PROC_NMI_WINDOW |
						   VMX_PROC_INTERRUPT_WINDOW));
	if (b->reason == VMX_REASON_VMCALL &&
	    (hw_vmread(VMCS_GUEST_INTERRUPTIBILITY) & VMX_BLOCKED_NMI))
		hw_vmwrite(VMCS_PIN_CONTROLS, b->pin & ~(VMX_PIN_NMI | VMX_PIN_VIRTUAL_NMI));
	else
		hw_vmwrite(VMCS_GUEST_RFLAGS, 0);
	flush_own();
	vmx_leave(result, &h->left, b->launched);
}

static enum regent_exit_reason event_reason(void)
{
	u32 event = hw_vmread(VMCS_EXIT_EVENT);

	return (event & VMX_EVENT_TYPE) == VMX_EVENT_NMI ? REGENT_EXIT_NMI : REGENT_EXIT_OTHER;
}

/**
 * backend_exit_reason() - why the world exited, in K's words
 * @world: of this CPU
 */
enum regent_exit_reason backend_exit_reason(const struct world *world)
{
	switch (block_of(world)->reason) {
	case VMX_REASON_VMCALL:
		return backend_is_hypercall(world) ? REGENT_EXIT_HYPERCALL
						   : REGENT_EXIT_OUTER_CALL;
	case VMX_REASON_EVENT:
		return event_reason();
	case VMX_REASON_NMI_WINDOW:
		return REGENT_EXIT_NMI;
	case VMX_REASON_RDMSR:
	case VMX_REASON_WRMSR:
		return REGENT_EXIT_MSR;
	case VMX_REASON_EPT_VIOLATION:
		return REGENT_EXIT_NESTED_FAULT;
	case VMX_REASON_INTERRUPT:
		return REGENT_EXIT_INTERRUPT;
	case VMX_REASON_INTERRUPT_WINDOW:
		return REGENT_EXIT_WINDOW;
	case VMX_REASON_HLT:
		return REGENT_EXIT_HALT;
	case VMX_REASON_MWAIT:
		return REGENT_EXIT_MWAIT;
	case VMX_REASON_TIMER:
		return REGENT_EXIT_SLICE;
	case VMX_REASON_PAUSE:
		return REGENT_EXIT_PAUSE;
	case VMX_REASON_CPUID:
		return REGENT_EXIT_CPUID;
	case VMX_REASON_XSETBV:
	case VMX_REASON_INVD:
	case VMX_REASON_CR:
		return REGENT_EXIT_CONTROL;
	case VMX_REASON_GETSEC:
	case VMX_REASON_VMCLEAR ... VMX_REASON_VMXON:
	case VMX_REASON_INVEPT:
	case VMX_REASON_INVVPID:
	case VMX_REASON_VMFUNC:
	case VMX_REASON_SEAMCALL:
	case VMX_REASON_TDCALL:
		return REGENT_EXIT_VIRT_INSN;
	}
	return REGENT_EXIT_OTHER;
}

/**
 * backend_is_hypercall() - is this exit a call of Regent's own?
 * @world: of this CPU
 */
bool backend_is_hypercall(const struct world *world)
{
	return block_of(world)->reason == VMX_REASON_VMCALL &&
	       world->regs.r11 == REGENT_HC_MAGIC && backend_cpl(world) == 0;
}

/**
 * backend_is_shutdown() - did the world end in a triple fault?
 * @world: of this CPU
 */
bool backend_is_shutdown(const struct world *world)
{
	return block_of(world)->reason == VMX_REASON_TRIPLE_FAULT;
}

/**
 * backend_entry_failed() - the CPU refused the world's state
 * @world: of this CPU
 */
bool backend_entry_failed(const struct world *world)
{
	return block_of(world)->reason & VMX_REASON_ENTRY_FAILED;
}

/**
 * backend_settle() - take note of an exit, forget what the last entry used up
 * @world: of this CPU; called once after each exit
 *
 * An NMI is gone with its exit, so that it is noted at once.
 */
void backend_settle(struct world *world)
{
	struct vmx_block *b = block_of(world);

	b->reason = unlikely(b->forced) ? b->forced : hw_vmread(VMCS_EXIT_REASON) &
		    (VMX_REASON_BASIC | VMX_REASON_ENTRY_FAILED);
	/* What is made up may come before the first entry. */
	if (likely(!b->forced && !(b->reason & VMX_REASON_ENTRY_FAILED)))
		b->launched = 1;
	b->forced = 0;
	b->event = 0;
	b->at_exit = true;
	if (unlikely(b->reason == VMX_REASON_EVENT && event_reason() == REGENT_EXIT_NMI)) {
		this_cpu()->nmi_late = 1;
		vmx_unblock_nmi();
	}
	if (unlikely(b->reason == VMX_REASON_NMI_WINDOW ||
		     b->reason == VMX_REASON_INTERRUPT_WINDOW))
		vmx_window_is_open(b);
}

/*
 * As Linux would have it without Regent: its XCR0 and XSS are in the processor, and
 * of CR4, which shows in some leaves, K has the same bits there.
 */
static void answer_cpuid(struct world_regs *r)
{
	u32 eax = r->rax, ebx, ecx = r->rcx, edx;

	asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	r->rax = eax;
	r->rbx = ebx;
	r->rcx = ecx;
	r->rdx = edx;
}

/**
 * backend_answer() - answer an exit that needs nothing of the rest of K's
 * @cpu: this CPU
 * @world: its system world
 *
 * CPUID exits in any case. Return: true when that is done.
 */
bool backend_answer(struct cpu *cpu, struct world *world)
{
	if (block_of(world)->reason != VMX_REASON_CPUID)
		return false;
	cpu->exits[REGENT_EXIT_CPUID]++;
	answer_cpuid(&world->regs);
	vmx_advance(world, hw_vmread(VMCS_GUEST_RIP) + hw_vmread(VMCS_EXIT_INSN_LENGTH));
	return true;
}

static void set_xcr(struct world *world)
{
	const struct world_regs *r = &world->regs;

	if (vmx_guarded_xsetbv(r->rcx, (u32)r->rax | r->rdx << 32))
		backend_skip(world);
	else
		backend_inject(world, HW_TRAP_GP, 0);
}

/*
 * CR4.VMXE as Linux sees it is in the shadow. Once that has the bit which Linux is
 * about to write, the instruction does not exit any more: it is executed again, and
 * the processor looks at all the other bits.
 */
static void move_to_cr4(struct world *world, u32 qualification)
{
	u64 value = *backend_reg(world, qualification >> VMX_CR_QUAL_REG_SHIFT & 15);

	hw_vmwrite(VMCS_CR4_SHADOW, value & HW_CR4_VMXE);
}

/**
 * backend_control() - the world did something to its control registers
 * @world: of this CPU
 */
void backend_control(struct world *world)
{
	u32 qualification;

	switch (block_of(world)->reason) {
	case VMX_REASON_XSETBV:
		set_xcr(world);
		return;
	case VMX_REASON_INVD:	/* without what would be lost, K's memory, too */
		asm volatile("wbinvd" : : : "memory");
		backend_skip(world);
		return;
	}
	qualification = hw_vmread(VMCS_QUALIFICATION);
	if ((qualification & (VMX_CR_QUAL_NUMBER | VMX_CR_QUAL_TYPE)) == 4) {
		move_to_cr4(world, qualification);
		return;
	}
	backend_exit_describe(world);
	k_abort("an access to a control register that was not asked for");
}

/**
 * backend_nested() - what nested tables look like
 */
const struct nested_kind *backend_nested(void)
{
	return &nested_ept;
}

/**
 * backend_exit_describe() - write an exit that K does not know to the log
 * @world: of this CPU
 */
void backend_exit_describe(const struct world *world)
{
	log_hex("VMX exit ", block_of(world)->reason);
	log_hex(" instruction error ", hw_vmread(VMCS_INSN_ERROR));
	log_hex(" qualification ", hw_vmread(VMCS_QUALIFICATION));
	log_hex(" physical ", hw_vmread(VMCS_GUEST_PHYSICAL));
	log_hex(" event ", hw_vmread(VMCS_EXIT_EVENT));
	log_hex(" while delivering ", hw_vmread(VMCS_VECTORING));
	log_hex(" rip ", hw_vmread(VMCS_GUEST_RIP));
	log_hex(" rsp ", hw_vmread(VMCS_GUEST_RSP));
	log_hex(" rflags ", hw_vmread(VMCS_GUEST_RFLAGS));
	log_hex(" cr0 ", hw_vmread(VMCS_GUEST_CR0));
	log_hex(" cr3 ", hw_vmread(VMCS_GUEST_CR3));
	log_hex(" cr4 ", hw_vmread(VMCS_GUEST_CR4));
	log_text("\n");
}

/**
 * backend_nested_fault() - decode an EPT violation
 * @world: of this CPU
 * @f: filled in
 */
void backend_nested_fault(const struct world *world, struct nested_fault *f)
{
	u32 q = hw_vmread(VMCS_QUALIFICATION);

	(void)world;
	f->pa = hw_vmread(VMCS_GUEST_PHYSICAL);
	f->present = q & VMX_EPT_QUAL_PRESENT;
	f->write = q & VMX_EPT_QUAL_WRITE;
	f->fetch = q & VMX_EPT_QUAL_FETCH;
}

/**
 * backend_touched() - is this exit an access to one page?
 * @world: of this CPU
 * @page: physical address
 * @offset: filled in: where in the page
 */
bool backend_touched(const struct world *world, u64 page, u32 *offset)
{
	u64 at;

	if (block_of(world)->reason != VMX_REASON_EPT_VIOLATION)
		return false;
	at = hw_vmread(VMCS_GUEST_PHYSICAL) - page;
	*offset = at;
	return at < REGENT_PAGE_SIZE;
}

/**
 * backend_msr_access() - decode an intercepted MSR access
 * @world: of this CPU
 * @a: filled in
 */
void backend_msr_access(const struct world *world, struct msr_access *a)
{
	a->index = world->regs.rcx;
	a->write = block_of(world)->reason == VMX_REASON_WRMSR;
	a->value = (u32)world->regs.rax | world->regs.rdx << 32;
}

/* Whether the rest is allowed, the CPU says. */
static int write_efer(u64 value)
{
	u64 was = hw_vmread(VMCS_GUEST_EFER);
	u64 ours = hw_rdmsr(MSR_REG_EFER);
	u64 kept;
	bool ok;

	if ((value ^ was) & HW_EFER_LME)
		return -1;	/* paging is on */
	/* LMA is read-only, and its being written is ignored. */
	value = (value & ~HW_EFER_LMA) | (was & HW_EFER_LMA);
	ok = guarded_wrmsr(MSR_REG_EFER, value | HW_EFER_NXE);
	kept = hw_rdmsr(MSR_REG_EFER);
	hw_wrmsr(MSR_REG_EFER, ours);
	if (!ok)
		return -1;
	hw_vmwrite(VMCS_GUEST_EFER, (kept & ~HW_EFER_NXE) | (value & HW_EFER_NXE));
	return 1;
}

/* As firmware would switch VMX off: kvm_intel then refuses to load. */
static int feature_control(struct msr_access *a)
{
	if (a->write)
		return -1;
	a->value = (this_cpu()->handoff->feature_control_found | VMX_FEATURE_CONTROL_LOCK) &
		   ~(u64)(VMX_FEATURE_CONTROL_SMX | VMX_FEATURE_CONTROL_VMXON);
	return 1;
}

/**
 * backend_switched_msr() - an access to an MSR that the switch holds, or Regent
 * @world: of this CPU
 * @a: the access; a read puts the value there
 *
 * Return: 1 done, 0 not such an MSR, -1 the world gets #GP.
 */
int backend_switched_msr(struct world *world, struct msr_access *a)
{
	switch (a->index) {
	case VMX_MSR_FEATURE_CONTROL:
		return feature_control(a);
	case VMX_MSR_PEBS_ENABLE:	/* reads do not exit */
		return vmx_pebs_write(block_of(world), a->value) ? 1 : -1;
	case MSR_REG_EFER:
		if (a->write)
			return write_efer(a->value);
		a->value = hw_vmread(VMCS_GUEST_EFER);
		return 1;
	}
	return 0;
}

/**
 * backend_rip() - where the world is
 * @world: of this CPU
 */
u64 backend_rip(const struct world *world)
{
	(void)world;
	return hw_vmread(VMCS_GUEST_RIP);
}

/**
 * backend_cpl() - its privilege level
 * @world: of this CPU
 */
int backend_cpl(const struct world *world)
{
	if (unlikely(!block_of(world)->loaded))
		return block_of(world)->cpl;
	return hw_vmread(VMCS_GUEST_ACCESS(REGENT_SS)) >> VMX_ACCESS_DPL_SHIFT & 3;
}

/**
 * backend_code_address() - linear address of the current instruction
 * @world: of this CPU, in long mode
 */
u64 backend_code_address(const struct world *world)
{
	u64 rip = hw_vmread(VMCS_GUEST_RIP);

	(void)world;
	/* Compatibility mode has a segment base and 32-bit addresses. */
	if (hw_vmread(VMCS_GUEST_ACCESS(REGENT_CS)) & VMX_ACCESS_LONG)
		return rip;
	return (u32)(hw_vmread(VMCS_GUEST_BASE(REGENT_CS)) + rip);
}

/**
 * backend_paging() - the world's own page tables
 * @world: of this CPU, in long mode
 * @pt: format, root and levels are filled in
 */
void backend_paging(const struct world *world, struct ptab *pt)
{
	(void)world;
	pt->fmt = &ptab_x86;
	pt->root = hw_vmread(VMCS_GUEST_CR3) & ptab_x86.addr;
	pt->levels = hw_vmread(VMCS_GUEST_CR4) & HW_CR4_LA57 ? 5 : 4;
	pt->max_leaf = 3;
}

/*
 * Single-stepped: the trap comes after the instruction, as without Regent. The
 * processor delivers what is pending right after the entry.
 */
static void __attribute__((noinline)) step_trap(void)
{
	if (hw_vmread(VMCS_GUEST_DEBUGCTL) & DEBUGCTL_BTF)
		return;		/* from branch to branch, and this is none */
	hw_vmwrite(VMCS_GUEST_PENDING_DEBUG,
		   hw_vmread(VMCS_GUEST_PENDING_DEBUG) | VMX_PENDING_BS);
}

/* An instruction also ends an interrupt shadow and clears RF. */
void vmx_advance(struct world *world, u64 next)
{
	u64 rip = hw_vmread(VMCS_GUEST_RIP);
	u64 flags = hw_vmread(VMCS_GUEST_RFLAGS);
	u32 blocked = hw_vmread(VMCS_GUEST_INTERRUPTIBILITY);

	/* A CPUID of a 32-bit program at the end of its 4 GiB: entries refuse more. */
	if (unlikely(next >> 32 && !(rip >> 32)) &&
	    !(hw_vmread(VMCS_GUEST_ACCESS(REGENT_CS)) & VMX_ACCESS_LONG))
		next = (u32)next;
	block_of(world)->at_exit = false;
	hw_vmwrite(VMCS_GUEST_RIP, next);
	if (unlikely(blocked & (VMX_BLOCKED_STI | VMX_BLOCKED_SS)))
		hw_vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
			   blocked & ~(VMX_BLOCKED_STI | VMX_BLOCKED_SS));
	if (unlikely(flags & HW_RFLAGS_RF))
		hw_vmwrite(VMCS_GUEST_RFLAGS, flags & ~HW_RFLAGS_RF);
	if (unlikely(flags & HW_RFLAGS_TF))
		step_trap();
}

/**
 * backend_skip_hypercall() - go on behind a hypercall of Regent's own
 * @world: of this CPU; L writes VMCALL without prefixes
 */
void backend_skip_hypercall(struct world *world)
{
	vmx_advance(world, hw_vmread(VMCS_GUEST_RIP) + VMCALL_LENGTH);
}

/* Was it an instruction that made the exit, and has it not been skipped yet? */
static bool length_is_known(const struct vmx_block *b)
{
	return b->at_exit && vmx_is_instruction(b->reason);
}

/**
 * backend_skip() - go on behind the current instruction
 * @world: of this CPU
 *
 * Return: false when it cannot be found; it is executed again.
 */
bool backend_skip(struct world *world)
{
	u32 length = length_is_known(block_of(world)) ? hw_vmread(VMCS_EXIT_INSN_LENGTH)
						      : (u32)insn_length_of(world);

	if (!length)
		return false;
	vmx_advance(world, hw_vmread(VMCS_GUEST_RIP) + length);
	return true;
}

/**
 * backend_flush() - drop all cached translations of the world
 * @world: of this CPU
 *
 * At once: K has none of them. What is tagged with its EPT pointer goes; only that
 * table changes.
 */
void backend_flush(struct world *world)
{
	(void)world;
	this_cpu()->costs[REGENT_COST_FLUSH]++;
	hw_invept(VMX_INV_SINGLE, hw_vmread(VMCS_EPT_POINTER));
}

/**
 * backend_outer_call() - repeat a hypercall to the hypervisor below
 * @world: of this CPU; the answer is put into its registers
 *
 * On the bare machine VMCALL only fails where VMX is on.
 *
 * Return: false when nobody is there.
 */
bool backend_outer_call(struct world *world)
{
	return k_has(REGENT_FEAT_OUTER) && vmx_guarded_vmcall(&world->regs);
}
