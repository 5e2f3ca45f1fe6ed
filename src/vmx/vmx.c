// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMX backend: <regent/backend.h> on the VMCS. Intel SDM volume 3, part "Virtual
 * Machine Extensions".
 *
 * K never runs on Linux's page tables, nor Linux on K's, so that an NMI always finds an IDT that
 * fits. At the takeover L launches Linux as a world, and K's first instruction is that of an
 * exit. At the handback K makes an entry that fails, and the processor loads Linux's state from
 * the host fields, which had K's.
 */
#include <hw/asm.h>
#include <hw/cr.h>
#include <hw/vmcs.h>
#include <hw/vmx.h>
#include <regent/abi/msrtab.h>
#include <regent/backend.h>
#include <regent/cpu.h>
#include <regent/decode.h>
#include <regent/k.h>

#include "block.h"
#include "vmx.h"

#define DEBUGCTL_BTF	(1ull << 1)

/* Another hypervisor may have left translations with the same tags on this CPU. */
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
	b->queued = 0;
	b->launched = 0;
	b->loaded = true;
	b->live = true;
	b->opened = NULL;
	b->stale = false;
	b->pin = hw_vmread(VMCS_PIN_CONTROLS);
	b->proc = hw_vmread(VMCS_PROC_CONTROLS);
	b->proc2 = hw_vmread(VMCS_PROC2_CONTROLS);
	vmx_pebs_init(b, h);
}

/**
 * backend_cpu_init() - make Linux on this CPU a world, in its first exit
 * @cpu: this CPU
 * @from: address of Linux's registers on K's stack, from k_entry
 *
 * Linux's first instruction as a world is a null hypercall, but an NMI may have exited before
 * it. If L's entry has failed, K's first entry fails again and is reported.
 */
void backend_cpu_init(struct cpu *cpu, u64 from)
{
	struct regent_handoff *h = cpu->handoff;
	struct world *w = &cpu->host;

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
	backend_exit_begin(w);
	if (block_of(w)->reason == VMX_REASON_VMCALL) {
		w->regs.rax = 0;
		backend_advance(w, BACKEND_CALL_LENGTH);
	}
}

/**
 * backend_resume() - enter a world outside an exit: at the takeover, and after a fault of K's
 * @world: the current world of this CPU
 */
void backend_resume(struct world *world)
{
	vmx_resume(world);
	__builtin_unreachable();
}

/**
 * backend_enter() - enter a world at the end of an exit
 * @world: the current world of this CPU
 *
 * Return: never. The type says otherwise so that the compiler makes the call a jump.
 */
struct world *backend_enter(struct world *world)
{
	return vmx_resume(world);
}

/**
 * backend_enter_vcpu() - the same of a vCPU, whose registers are cleared at its exit
 * @world: the current world of this CPU, a vCPU
 *
 * Return: as backend_enter(). The exit goes to world_exit_vcpu(), as its VMCS says.
 */
struct world *backend_enter_vcpu(struct world *world)
{
	return vmx_resume(world);
}

/* Copy Linux's state to the host fields, from which the last exit loads it. */
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

/* Tell L the part of Linux's state that no exit loads. L puts it back. */
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
 * Flush VPID 0 by a change of CR4.PGE. K's translations have that tag, and so has Linux on the bare
 * machine, whose translations from before the takeover may still be there, too.
 */
static void flush_own(void)
{
	u64 cr4;

	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	asm volatile("mov %0, %%cr4" : : "r"(cr4 ^ HW_CR4_PGE) : "memory");
	asm volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
}

/**
 * backend_leave() - hand this CPU back to Linux
 * @cpu: this CPU
 * @result: the value that Linux finds in RAX
 *
 * Linux continues in its trampoline, on the stack that it had at its last exit. RFLAGS 0 makes
 * K's last entry fail, and a failed entry loads the host fields like an exit: Linux's state.
 *
 * If Linux makes the hypercall in its NMI handler, NMIs must be blocked by the processor itself
 * afterwards, and only an entry without virtual NMIs sets that. The entry then succeeds, Linux
 * executes its hypercall again, and the exit of that loads Linux's state with NMIs still
 * blocked. No NMI can arrive between the two.
 *
 * Does not return.
 */
void backend_leave(struct cpu *cpu, u64 result)
{
	struct regent_handoff *h = cpu->handoff;
	const struct vmx_block *b = block_of(&cpu->host);

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

static enum regent_exit_reason event_reason(const struct world *world)
{
	u32 event = hw_vmread(VMCS_EXIT_EVENT);

	if ((event & VMX_EVENT_TYPE) == VMX_EVENT_NMI)
		return REGENT_EXIT_NMI;
	if (world->kind == WORLD_VM && ((u8)event == HW_TRAP_DB || (u8)event == HW_TRAP_AC))
		return REGENT_EXIT_EXCEPTION;
	return world->kind != WORLD_HOST && (u8)event == HW_TRAP_MC ? REGENT_EXIT_MC :
								      REGENT_EXIT_OTHER;
}

/**
 * backend_exit_is_call() - is this exit a hypercall, to Regent or to L0?
 * @world: the world of this CPU that exited
 *
 * Return: true when the exit is a VMCALL.
 */
bool backend_exit_is_call(const struct world *world)
{
	return block_of(world)->reason == VMX_REASON_VMCALL;
}

/**
 * backend_exit_is_cpuid() - is this exit a CPUID?
 * @world: of this CPU
 */
bool backend_exit_is_cpuid(const struct world *world)
{
	return block_of(world)->reason == VMX_REASON_CPUID;
}

/**
 * backend_exit_is_msr() - is this exit an access to an MSR?
 * @world: of this CPU
 */
bool backend_exit_is_msr(const struct world *world)
{
	u32 reason = block_of(world)->reason;

	return reason == VMX_REASON_RDMSR || reason == VMX_REASON_WRMSR;
}

/*
 * In another world than Linux any call is for K. Linux calls K with the magic and from CPL 0; its
 * other calls are for L0.
 */
static enum regent_exit_reason call_reason(const struct world *world)
{
	return world->kind != WORLD_HOST ||
	       (world->regs.r11 == REGENT_HC_MAGIC && backend_cpl(world) == 0) ?
	       REGENT_EXIT_HYPERCALL : REGENT_EXIT_L0_CALL;
}

/**
 * backend_exit_reason() - decode why the world exited
 * @world: the world of this CPU that exited
 *
 * An interrupt that made the exit stays pending. An NMI does not; backend_exit_begin() has noted
 * it.
 *
 * Return: the reason; REGENT_EXIT_OTHER for an exit that K did not ask for.
 */
enum regent_exit_reason backend_exit_reason(const struct world *world)
{
	u32 reason = block_of(world)->reason;

	if (reason & VMX_REASON_ENTRY_FAILED)
		return REGENT_EXIT_ENTRY_FAILED;
	switch (reason) {
	case VMX_REASON_VMCALL:
		return call_reason(world);
	case VMX_REASON_EVENT:
		return event_reason(world);
	case VMX_REASON_NMI_WINDOW:
		return REGENT_EXIT_NMI;
	case VMX_REASON_RDMSR:
	case VMX_REASON_WRMSR:
		return REGENT_EXIT_MSR;
	case VMX_REASON_EPT_VIOLATION:
		return REGENT_EXIT_NPF;
	case VMX_REASON_INTERRUPT:
		return REGENT_EXIT_INTERRUPT;
	case VMX_REASON_INIT:
		return world->kind != WORLD_HOST ? REGENT_EXIT_INTERRUPT : REGENT_EXIT_OTHER;
	case VMX_REASON_INTERRUPT_WINDOW:
		return REGENT_EXIT_IRQ_WINDOW;
	case VMX_REASON_HLT:
		return REGENT_EXIT_HLT;
	case VMX_REASON_MONITOR:
	case VMX_REASON_MWAIT:
		return REGENT_EXIT_MWAIT;
	case VMX_REASON_TIMER:
		return REGENT_EXIT_SLICE;
	case VMX_REASON_PAUSE:
		return REGENT_EXIT_PAUSE;
	case VMX_REASON_CPUID:
		return REGENT_EXIT_CPUID;
	case VMX_REASON_IO:
		return REGENT_EXIT_IO;
	case VMX_REASON_XSETBV:
	case VMX_REASON_INVD:
	case VMX_REASON_WBINVD:
	case VMX_REASON_RDPMC:
	case VMX_REASON_CR:
		return REGENT_EXIT_CONTROL;
	case VMX_REASON_DR:
		return REGENT_EXIT_DEBUG_REG;
	case VMX_REASON_TRIPLE_FAULT:
		return REGENT_EXIT_SHUTDOWN;
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
 * backend_exit_begin() - note the exit's reason, and forget the event that the entry delivered
 * @world: the world of this CPU that exited
 *
 * Call it once after each exit. An NMI that made the exit is no longer pending, so note it here.
 */
void backend_exit_begin(struct world *world)
{
	struct vmx_block *b = block_of(world);

	if (unlikely(world->kind == WORLD_VM)) {
		vmx_vcpu_exit(world);
		return;
	}
	b->reason = unlikely(b->forced) ? b->forced : hw_vmread(VMCS_EXIT_REASON) &
		    (VMX_REASON_BASIC | VMX_REASON_ENTRY_FAILED);
	/* An exit that K has made up may come before the first entry. */
	if (likely(!b->forced && !(b->reason & VMX_REASON_ENTRY_FAILED)))
		b->launched = 1;
	b->forced = 0;
	b->event = 0;
	b->at_exit = true;
	if (unlikely(b->reason == VMX_REASON_EVENT && event_reason(world) == REGENT_EXIT_NMI)) {
		this_cpu()->nmi_late = 1;
		vmx_unblock_nmi();
	}
	if (unlikely(b->reason == VMX_REASON_NMI_WINDOW ||
		     b->reason == VMX_REASON_INTERRUPT_WINDOW))
		vmx_window_is_open(b);
}

/*
 * Give Linux the processor's own answer, which is the one without Regent: Linux's XCR0 and XSS are
 * in the processor, and those bits of CR4 that some leaves show are the same in K's CR4.
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
 * backend_exit_fastpath() - handle exits that need only the backend: CPUID, which always exits
 * @cpu: this CPU
 * @world: its host world
 *
 * Return: true when the exit is handled.
 */
bool backend_exit_fastpath(struct cpu *cpu, struct world *world)
{
	if (block_of(world)->reason != VMX_REASON_CPUID)
		return false;
	cpu->exits[REGENT_EXIT_CPUID]++;
	answer_cpuid(&world->regs);
	vmx_advance(world, hw_vmread(VMCS_GUEST_RIP) + hw_vmread(VMCS_EXIT_INSN_LENGTH));
	return true;
}

static void skip_insn(struct world *world)
{
	backend_advance(world, hw_vmread(VMCS_EXIT_INSN_LENGTH));
}

static bool set_xcr(struct world *world)
{
	const struct world_regs *r = &world->regs;

	if (!guarded_xsetbv(r->rcx, (u32)r->rax | r->rdx << 32))
		return false;
	skip_insn(world);
	return true;
}

/*
 * Linux reads CR4.VMXE from the shadow, and a move to CR4 exits when it differs from the shadow in
 * that bit. Put Linux's new bit there and execute the instruction again: it does not exit any
 * more, and the processor checks all other bits.
 */
static void move_to_cr4(struct world *world, u32 qualification)
{
	u64 value = *backend_reg(world, qualification >> VMX_CR_QUAL_REG_SHIFT & 15);

	hw_vmwrite(VMCS_CR4_SHADOW, value & HW_CR4_VMXE);
}

/**
 * backend_control() - emulate XSETBV, INVD, or a move to CR4 that changes VMXE
 * @world: the world of this CPU that exited
 *
 * Return: false when the world gets #GP.
 */
bool backend_control(struct world *world)
{
	u32 qualification;

	switch (block_of(world)->reason) {
	case VMX_REASON_XSETBV:
		return set_xcr(world);
	case VMX_REASON_INVD:	/* as WBINVD: INVD would lose what K has written, too */
		asm volatile("wbinvd" : : : "memory");
		skip_insn(world);
		return true;
	}
	qualification = hw_vmread(VMCS_QUALIFICATION);
	if ((qualification & (VMX_CR_QUAL_NUMBER | VMX_CR_QUAL_TYPE)) == 4) {
		move_to_cr4(world, qualification);
		return true;
	}
	backend_exit_describe(world);
	k_abort("an access to a control register that was not asked for");
}

const struct npt_kind *const backend_npt = &npt_kind_vmx;

/**
 * backend_exit_describe() - log an exit that K cannot handle
 * @world: the world of this CPU that exited
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
 * backend_npf_gpa() - read the address of an EPT violation
 * @world: the world of this CPU that exited
 *
 * Return: the guest-physical address; NPF_NONE when the exit is no EPT violation.
 */
u64 backend_npf_gpa(const struct world *world)
{
	if (block_of(world)->reason != VMX_REASON_EPT_VIOLATION)
		return NPF_NONE;
	return hw_vmread(VMCS_GUEST_PHYSICAL);
}

/**
 * backend_npf() - decode an EPT violation
 * @world: the world of this CPU that exited by it
 * @f: filled in
 */
void backend_npf(const struct world *world, struct npf *f)
{
	u32 q = hw_vmread(VMCS_QUALIFICATION);

	(void)world;
	f->gpa = hw_vmread(VMCS_GUEST_PHYSICAL);
	f->present = q & VMX_EPT_QUAL_PRESENT;
	f->write = q & VMX_EPT_QUAL_WRITE;
	f->fetch = q & VMX_EPT_QUAL_FETCH;
	f->tables = (q & VMX_EPT_QUAL_LINEAR) && !(q & VMX_EPT_QUAL_FINAL);
}

/**
 * backend_msr_access() - decode an intercepted MSR access
 * @world: the world of this CPU that exited by it
 * @a: filled in; the value counts for a write only
 */
void backend_msr_access(const struct world *world, struct msr_access *a)
{
	a->index = world->regs.rcx;
	a->write = block_of(world)->reason == VMX_REASON_WRMSR;
	a->value = (u32)world->regs.rax | world->regs.rdx << 32;
}

/* Try the value on the CPU, which knows what is allowed, and take it as the CPU has kept it. */
static int write_efer(u64 value)
{
	u64 was = hw_vmread(VMCS_GUEST_EFER);
	u64 ours = hw_rdmsr(MSR_REG_EFER);
	u64 kept;
	bool ok;

	if (value == was)
		return 1;
	if ((value ^ was) & HW_EFER_LME)
		return -1;	/* paging is on */
	/* LMA is read-only: the processor ignores what is written there. */
	value = (value & ~HW_EFER_LMA) | (was & HW_EFER_LMA);
	ok = guarded_wrmsr(MSR_REG_EFER, value | HW_EFER_NXE);
	kept = hw_rdmsr(MSR_REG_EFER);
	hw_wrmsr(MSR_REG_EFER, ours);
	if (!ok)
		return -1;
	hw_vmwrite(VMCS_GUEST_EFER, (kept & ~HW_EFER_NXE) | (value & HW_EFER_NXE));
	return 1;
}

/* Show VMX as switched off by the firmware, so that kvm_intel refuses to load. */
static int feature_control(struct msr_access *a)
{
	if (a->write)
		return -1;
	a->value = (this_cpu()->handoff->feature_control_found | VMX_FEATURE_CONTROL_LOCK) &
		   ~(u64)(VMX_FEATURE_CONTROL_SMX | VMX_FEATURE_CONTROL_VMXON);
	return 1;
}

/**
 * backend_switched_msr() - emulate an access to an MSR that entries switch or Regent uses
 * @world: this CPU's host world
 * @a: the access; a read stores the value here
 *
 * Return: 1: done; 0: no such MSR; -1: the world gets #GP.
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
 * backend_rip() - read the world's RIP
 * @world: the current world of this CPU
 *
 * Return: RIP.
 */
u64 backend_rip(const struct world *world)
{
	(void)world;
	return hw_vmread(VMCS_GUEST_RIP);
}

/**
 * backend_cpl() - read the world's privilege level
 * @world: the current world of this CPU, or its host world
 *
 * Return: 0 to 3.
 */
int backend_cpl(const struct world *world)
{
	if (unlikely(!block_of(world)->loaded))
		return block_of(world)->cpl;
	return hw_vmread(VMCS_GUEST_ACCESS(REGENT_SS)) >> VMX_ACCESS_DPL_SHIFT & 3;
}

/**
 * backend_code_address() - find the linear address of the current instruction
 * @world: the current world of this CPU
 *
 * Return: the linear address.
 */
u64 backend_code_address(const struct world *world)
{
	u64 rip = hw_vmread(VMCS_GUEST_RIP);

	/* In compatibility mode CS has a base, and linear addresses have 32 bits. */
	if (backend_decode_mode(world) == DECODE_64)
		return rip;
	return (u32)(hw_vmread(VMCS_GUEST_BASE(REGENT_CS)) + rip);
}

/**
 * backend_paging() - describe the world's own page tables
 * @world: the current world of this CPU, in long mode
 * @pt: format, root, levels and largest leaf are filled in
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
 * The world single-steps: make #DB pending after the instruction, as without Regent. The processor
 * delivers a pending debug exception right after the entry.
 */
static void __attribute__((noinline)) step_trap(void)
{
	if (hw_vmread(VMCS_GUEST_DEBUGCTL) & DEBUGCTL_BTF)
		return;		/* it steps from branch to branch, and this is no branch */
	hw_vmwrite(VMCS_GUEST_PENDING_DEBUG,
		   hw_vmread(VMCS_GUEST_PENDING_DEBUG) | VMX_PENDING_BS);
}

/* Move RIP to @next. The end of an instruction also ends an interrupt shadow and clears RF. */
void vmx_advance(struct world *world, u64 next)
{
	u64 rip = hw_vmread(VMCS_GUEST_RIP);
	u64 flags = hw_vmread(VMCS_GUEST_RFLAGS);
	u32 blocked = hw_vmread(VMCS_GUEST_INTERRUPTIBILITY);

	/*
	 * A 32-bit program may execute CPUID at the end of its 4 GiB. RIP wraps there, because
	 * entries refuse a larger one outside 64-bit mode.
	 */
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
 * backend_advance() - move RIP behind the instruction that K has executed for the world
 * @world: the current world of this CPU
 * @length: the instruction's length in bytes
 */
void backend_advance(struct world *world, int length)
{
	vmx_advance(world, hw_vmread(VMCS_GUEST_RIP) + length);
}

/**
 * backend_insn_length() - find the length of the instruction that made the exit
 * @world: the world of this CPU that exited
 *
 * Return: bytes; 0 when no instruction made the exit, or RIP has moved since the exit.
 */
int backend_insn_length(const struct world *world)
{
	const struct vmx_block *b = block_of(world);

	return b->at_exit && vmx_is_instruction(b->reason) ? hw_vmread(VMCS_EXIT_INSN_LENGTH) : 0;
}

/**
 * backend_flush() - drop all cached translations of the world that come from its EPT
 * @world: the current world of this CPU
 *
 * INVEPT does it at once, which is early enough because K uses none of these translations. The
 * world's own page tables need no flush: K changes the EPT only. Of a vCPU it is the other way
 * round: K has changed its registers, and drops what comes from its page tables.
 */
void backend_flush(struct world *world)
{
	this_cpu()->costs[REGENT_COST_FLUSH]++;
	if (world->kind == WORLD_VM && !block_of(world)->live)
		world->asid.pool = NULL;
	else if (world->kind == WORLD_VM)
		hw_invvpid(VMX_INV_SINGLE, world->asid.number);
	else
		hw_invept(VMX_INV_SINGLE, hw_vmread(VMCS_EPT_POINTER));
}
