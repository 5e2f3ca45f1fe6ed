/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypercalls, by which L asks K.
 *
 * A hypercall is VMMCALL (SVM) or VMCALL (VMX) at CPL 0 with
 *
 *	r11	REGENT_HC_MAGIC
 *	rax	number; on return the result, a negative REGENT_HC_E* for errors
 *	rdi, rsi, rdx	arguments
 *
 * No known hypervisor's call convention reads r11, so that a call to L0 never matches by
 * chance. A call without the magic, or from another CPL, is not Regent's: see world/exit.c.
 *
 * A long hypercall does a bounded piece of its work, writes its progress into its
 * argument registers and leaves RIP on the instruction: Linux takes its interrupts and
 * executes the call again. The caller sees one call.
 */
#ifndef REGENT_ABI_HYPERCALL_H
#define REGENT_ABI_HYPERCALL_H

#define REGENT_HC_MAGIC		0x746e656745727547ull

/**
 * DOC: Hypercall numbers
 *
 * REGENT_HC_NULL - does nothing and returns 0. For measurements.
 *
 * REGENT_HC_LEAVE - hands this CPU back. Returns 0, on the bare machine. Any context, NMI
 * included; the caller saves only what a C call clobbers, see takeover/svm_trampoline.S.
 *
 * REGENT_HC_COUNTER - rdi: CPU, rsi: enum regent_counter. Returns the counter's value;
 * -REGENT_HC_EINVAL for a CPU or counter that does not exist.
 *
 * REGENT_HC_CHECK - computes the CRC-32 of K's text and read-only data, for L to compare
 * with what it loaded. rdi: 0, rsi: 0 at first; in the repeated calls they hold progress and
 * state. Returns the CRC.
 *
 * REGENT_HC_DEBUG_FAULT - rdi: enum regent_debug_fault. Makes K fault. Returns
 * -REGENT_HC_EFAULT after K has caught its fault; the CPUs are then being handed back.
 * -REGENT_HC_EPERM unless L allows it (debug=1). For REGENT_FAULT_WAIT, -REGENT_HC_EBUSY
 * when no other CPU comes to hold the lock.
 *
 * REGENT_HC_DONATE - rdi: physical address of a 2 MiB chunk that Linux gives to K. K zaps
 * the chunk from the host world's nested tables before the call returns.
 *
 * REGENT_HC_RETURN - a donated chunk of which K uses nothing goes back to Linux. rdi: 0: returns
 * the address of such a chunk, which K will not use any more, or 0 when there is none to spare.
 * rdi: that address, once every CPU has flushed: the host world may use it, when every CPU has
 * flushed once more. -REGENT_HC_EINVAL for any other address, -REGENT_HC_EBUSY while a CPU has not
 * flushed, -REGENT_HC_ENOSPC when pages for the host world's tables are missing.
 *
 * REGENT_HC_FLUSHED - returns 0 while a CPU may still hold a translation that a zap
 * removed, else 1. L makes every CPU enter K once and asks again.
 *
 * REGENT_HC_IOAPIC - rdi: enum regent_ioapic_mode. The modes follow one another: DIRECT,
 * TRAPPED, then SHADOWED once every CPU has flushed, and DIRECT again once no CPU is
 * forwarded. -REGENT_HC_EBUSY for any other change.
 *
 * REGENT_HC_FORWARD - rdi: 1: K takes this CPU's interrupts and forwards them; 0: they go
 * straight to Linux again. The caller holds interrupts off. rsi, for 1: a vector (32 to
 * 255) of this CPU that Linux uses for nothing else. K's timer and kicks from other CPUs
 * arrive on that vector; Linux gets it when there are events.
 * -REGENT_HC_EBUSY while the IOAPICs are not SHADOWED, or while an interrupt is in service
 * (for 0: ask again once Linux has written its EOI); -REGENT_HC_EOPNOTSUPP when the APIC is
 * off, has moved since the takeover, or has a timer that does not count.
 *
 * REGENT_HC_WORLD_START - rdi: id of a test world that may run on this CPU, which is
 * forwarded; rsi: shares (1 to 65536) in bits 0-31, the guarantee min in bits 32-47 and the
 * cap max in bits 48-63, both in thousandths of a CPU. K schedules the world from now on.
 * -REGENT_HC_EINVAL for bad arguments; -REGENT_HC_EBUSY when the world is scheduled already;
 * -REGENT_HC_ENOSPC when K cannot give the guarantee.
 *
 * REGENT_HC_WORLD_STOP - rdi: id of a test world of any CPU. K stops scheduling the world, and
 * no CPU owns it any more. -REGENT_HC_EBUSY when another CPU owns the world: K has
 * requested the stop there; ask again.
 *
 * REGENT_HC_WORLD_ALLOW - rdi: id of a test world that is not scheduled; rsi: 1: the world may
 * run on this CPU as well; 0: it may not. A new world may run on the CPU that created it.
 * -REGENT_HC_EBUSY when the world is scheduled; -REGENT_HC_ENOSPC as REGENT_HC_TEST_CREATE.
 *
 * REGENT_HC_WORLD_WAKE - rdi: id of a world of any CPU. Ends the world's wait; a world that
 * does not wait will not wait the next time.
 *
 * REGENT_HC_WORLD_INFO - rdi: id of a test world, or REGENT_WORLD_SYSTEM + CPU for a host
 * world, or REGENT_WORLD_IDLE + CPU; rsi: enum regent_world_info. Returns the value;
 * -REGENT_HC_EINVAL when there is no such world.
 *
 * REGENT_HC_TEST_CREATE - rdi: enum regent_test_mode. Creates a test world that may run on
 * this CPU. Returns its id; -REGENT_HC_ENOSPC when K has no free pages (donate a chunk and
 * ask again); -REGENT_HC_ENFILE when there are too many worlds.
 *
 * REGENT_HC_TEST_RUN - rdi: id of a world that is not scheduled and may run on this CPU.
 * Switches to the world, which runs until it yields or an interrupt for Linux arrives.
 * Returns the number of times that the world has found all its registers right so far, or a
 * negative REGENT_HC_E*. This CPU then owns the world: on other CPUs the call returns
 * -REGENT_HC_EBUSY until the world has been stopped here.
 *
 * REGENT_HC_TEST_INFO - rdi: id, rsi: enum regent_test_info. Returns the value.
 *
 * REGENT_HC_TEST_DESTROY - rdi: id. -REGENT_HC_EBUSY as REGENT_HC_WORLD_STOP.
 *
 * REGENT_HC_TEST_NAP - rdi: id of a world that is not scheduled; rsi: bits 0-47: ns that a
 * world of REGENT_TEST_NAP sleeps each time it waits, 0 to sleep until another world or CPU
 * wakes it; bits 48-63: id of a world that it wakes before it sleeps, 0 for none.
 * -REGENT_HC_EBUSY when the world is scheduled.
 *
 * REGENT_HC_TEST_PART - rdi: enum regent_test_part. Does that part of a switch out and
 * back, with Linux's own state, to be measured. -REGENT_HC_EINVAL when no test world may
 * run on this CPU, or K does not use XSAVE; -REGENT_HC_EPERM unless L was loaded with
 * debug=1.
 *
 * REGENT_HC_TEST_SKIP - rdi: enum regent_test_skip, rsi: enum regent_test_side. A test of
 * the tests, which must name the register: from now on, on all CPUs, a switch between Linux
 * and a test world does not give that side its own value of the register. What the switch
 * moves is left with the other side's value; in what the CPU moves by itself, the switch
 * flips a bit that does no harm while the register is not used, so that a second switch
 * flips it back. A test world that an interrupt has stopped halfway is spared.
 * REGENT_SKIP_NONE ends this. -REGENT_HC_EINVAL for a register that this machine does not
 * switch, or whose loss Linux would not survive; -REGENT_HC_EPERM unless L was loaded with
 * debug=1.
 *
 * REGENT_HC_VM_CREATE - rdi: physical address of the VM's page (struct regent_vm_page), which
 * Linux keeps until the VM has been destroyed. Creates a VM without memory. Returns its id;
 * -REGENT_HC_EINVAL for an address that is no memory of Linux's; -REGENT_HC_EOPNOTSUPP where
 * K cannot run VMs; -REGENT_HC_ENOSPC and -REGENT_HC_ENFILE as REGENT_HC_TEST_CREATE.
 *
 * REGENT_HC_VM_DESTROY - rdi: id of a VM. -REGENT_HC_EBUSY while it has vCPUs, and while
 * there is more to free: ask again.
 *
 * REGENT_HC_VM_END_ALL - destroys a vCPU or a part of a VM, whosever it is. Returns 0 when
 * there is nothing to destroy any more, else -REGENT_HC_EBUSY: ask again. A vCPU that K schedules
 * stops first. For L before a handback, when no hypercall runs a vCPU.
 *
 * REGENT_HC_VM_MAP - rdi: id of a VM; rsi: number of entries in its page, at most
 * REGENT_VM_MAPS. Maps each page, in their order. Returns 0; or REGENT_VM_RESIZED and a number in
 * bits 0-31: where a page was to go, there was one of another size, or another one. That was
 * taken away, and L makes the call again when no CPU can have old translations any more.
 * -REGENT_HC_EINVAL for an address that is none or no memory of Linux's; -REGENT_HC_ENOSPC when
 * memory for tables is missing. Unless it returns 0, some may be mapped.
 *
 * REGENT_HC_VM_ZAP - rdi: id of a VM in bits 0-15, number of pages above; rsi:
 * guest-physical address. Takes a range of REGENT_VM_ZAP bytes at most away; of a page of 2 MiB,
 * all of it. A vCPU that runs meanwhile may hold translations until its REGENT_HC_VCPU_RUN
 * returns, or REGENT_HC_VM_SYNC returns 0; none does so that is run later. -REGENT_HC_EINVAL for
 * a bad range.
 *
 * REGENT_HC_VM_TRIM - rdi: id of a VM; rsi: what REGENT_HC_VM_MAP has returned with
 * REGENT_VM_RESIZED. L says that all vCPUs have exited since, or had not been entered. K frees
 * tables that were detached until then. -REGENT_HC_EBUSY: there are more, ask again.
 *
 * REGENT_HC_VM_MSI - rdi: id of a VM in bits 0-15, data of a message signalled interrupt in bits
 * 32-63; rsi: its address. Sends it to the VM's APICs, from any context. Returns REGENT_WAKE_*
 * in bits 0-31, and above them the number of vCPUs that got it.
 *
 * REGENT_HC_VCPU_CREATE - rdi: id of a VM; rsi: physical address of the vCPU's page (struct
 * regent_vcpu_page), as for the VM. Returns the id of a world; errors as
 * REGENT_HC_VM_CREATE.
 *
 * REGENT_HC_VCPU_DESTROY - rdi: id of a vCPU that does not run.
 *
 * REGENT_HC_VCPU_RUN - rdi: id of a vCPU; rsi: REGENT_RUN_*. Runs it until L has something to
 * do: enum regent_vcpu_exit, which the vCPU's page says more of. The caller has interrupts off.
 * On a direct CPU the vCPU runs in the hypercall only. On a forwarded one K schedules it, with the
 * weights in its page, and the hypercall waits: when something arrives for Linux before the run
 * is over, it returns REGENT_VCPU_RUNNING or REGENT_VCPU_WAITING, and the vCPU goes on.
 * -REGENT_HC_ENOSPC when memory for Linux's own state on this CPU is missing;
 * -REGENT_HC_ENFILE when K cannot give the guarantee; -REGENT_HC_EBUSY when it runs elsewhere.
 *
 * REGENT_HC_VCPU_WAIT - rdi: id of a vCPU; rsi: 0 or REGENT_WAIT_STOP. The caller has interrupts
 * off. Waits until the run of a vCPU is over that K schedules on this CPU, and returns as
 * REGENT_HC_VCPU_RUN; on another CPU it returns at once. When a run is over while no hypercall
 * waits for it, struct regent_shared.stopped says so, and this call returns why. With
 * REGENT_WAIT_STOP the run is over at once; -REGENT_HC_EBUSY while another CPU has to do that:
 * ask again.
 *
 * REGENT_HC_VM_SYNC - rdi: id of a VM. -REGENT_HC_EBUSY while a vCPU that K schedules may use
 * translations which REGENT_HC_VM_ZAP has taken away before: K makes it exit; ask again. From
 * any context.
 *
 * REGENT_HC_VCPU_GET, REGENT_HC_VCPU_SET - rdi: id of a vCPU that does not run; rsi: enum
 * regent_vcpu_part. Copies that part to the vCPU's page, or from there. -REGENT_HC_EINVAL for
 * values that no processor has.
 */
#define REGENT_HC_NULL		0
#define REGENT_HC_LEAVE		1
#define REGENT_HC_COUNTER	2
#define REGENT_HC_CHECK		3
#define REGENT_HC_DEBUG_FAULT	4
#define REGENT_HC_DONATE	5
#define REGENT_HC_FLUSHED	6
#define REGENT_HC_TEST_CREATE	7
#define REGENT_HC_TEST_RUN	8
#define REGENT_HC_TEST_INFO	9
#define REGENT_HC_TEST_DESTROY	10
#define REGENT_HC_TEST_SKIP	11
#define REGENT_HC_IOAPIC	12
#define REGENT_HC_FORWARD	13
#define REGENT_HC_WORLD_START	14
#define REGENT_HC_WORLD_STOP	15
#define REGENT_HC_WORLD_INFO	16
#define REGENT_HC_WORLD_ALLOW	17
#define REGENT_HC_WORLD_WAKE	18
#define REGENT_HC_TEST_NAP	19
#define REGENT_HC_TEST_PART	20
#define REGENT_HC_VM_CREATE	21
#define REGENT_HC_VM_DESTROY	22
#define REGENT_HC_VM_MAP	23
#define REGENT_HC_VM_ZAP	24
#define REGENT_HC_VCPU_CREATE	25
#define REGENT_HC_VCPU_DESTROY	26
#define REGENT_HC_VCPU_RUN	27
#define REGENT_HC_VCPU_GET	28
#define REGENT_HC_VCPU_SET	29
#define REGENT_HC_VM_END_ALL	30
#define REGENT_HC_VM_MSI	31
#define REGENT_HC_VCPU_WAIT	32
#define REGENT_HC_VM_SYNC	33
#define REGENT_HC_VM_TRIM	34
#define REGENT_HC_RETURN	35
#define REGENT_HC_MAX		36

/* The two fields of rsi in REGENT_HC_TEST_NAP */
#define REGENT_NAP_NS_MASK	((1ull << 48) - 1)
#define REGENT_NAP_WAKES_SHIFT	48

/* Ids for REGENT_HC_WORLD_INFO, to which a CPU's number is added */
#define REGENT_WORLD_SYSTEM	0x100000000ull
#define REGENT_WORLD_IDLE	0x200000000ull

#define REGENT_HC_EPERM		1
#define REGENT_HC_EFAULT	14
#define REGENT_HC_EBUSY		16
#define REGENT_HC_EINVAL	22
#define REGENT_HC_ENFILE	23
#define REGENT_HC_ENOSPC	28
#define REGENT_HC_ENOSYS	38
#define REGENT_HC_EOPNOTSUPP	95

#ifndef __ASSEMBLY__
/*
 * Exit reasons, the same for both vendors: REASON, name of the counter in sysfs. A new
 * reason takes a line here and a line in src/world/exit.c, which names its handlers, and
 * the backend's decoder (backend_exit_reason()) has to return it.
 *
 *	HYPERCALL	a hypercall of Regent's; in a test world, any hypercall
 *	L0_CALL		a hypercall that is not Regent's, for L0
 *	MSR		RDMSR or WRMSR
 *	NPF		nested page fault
 *	VIRT_INSN	an SVM or VMX instruction
 *	INTERRUPT	a physical interrupt is pending, on a forwarded CPU or in another world
 *	IRQ_WINDOW	Linux can take an interrupt now
 *	APIC		Linux accessed its local APIC, on a forwarded CPU
 *	IOAPIC		Linux accessed an IOAPIC
 *	HLT		Linux halted on a forwarded CPU with other worlds, or one of these did
 *	MWAIT		the same for MWAIT
 *	PAUSE		the same for many PAUSEs in a row
 *	CPUID		CPUID; unconditional on VMX, as are those of CONTROL
 *	CONTROL		XSETBV, INVD, a control register
 *	NMI		an NMI for Linux arrived, or the NMI window opened
 *	SLICE		the time slice of the running world is over
 *	DEBUG_REG	a world other than Linux accessed a debug register for the first time
 *	IO		a vCPU accessed an I/O port
 *	EXCEPTION	a vCPU raised #DB or #AC, which it gets then
 *	MC		a machine check arrived in another world; K delivers it to Linux
 *	SHUTDOWN	triple fault
 *	ENTRY_FAILED	the CPU refused the world's state
 *	OTHER		an exit that K has not asked for
 */
#define REGENT_EXIT_LIST(X)						\
	X(HYPERCALL, hypercall)						\
	X(L0_CALL, outer_call)						\
	X(MSR, msr)							\
	X(NPF, nested_fault)						\
	X(VIRT_INSN, virt_insn)						\
	X(INTERRUPT, interrupt)						\
	X(IRQ_WINDOW, window)						\
	X(APIC, apic)							\
	X(IOAPIC, ioapic)						\
	X(HLT, halt)							\
	X(MWAIT, mwait)							\
	X(PAUSE, pause)							\
	X(CPUID, cpuid)							\
	X(CONTROL, control)						\
	X(NMI, nmi)							\
	X(SLICE, slice)							\
	X(DEBUG_REG, debug_reg)						\
	X(IO, io)							\
	X(EXCEPTION, exception)						\
	X(MC, mc)							\
	X(SHUTDOWN, shutdown)						\
	X(ENTRY_FAILED, entry_failed)					\
	X(OTHER, other)

#define REGENT_EXIT_ENUM(reason, name)	REGENT_EXIT_##reason,

/* REGENT_EXIT_REASONS is the number of reasons. */
enum regent_exit_reason {
	REGENT_EXIT_LIST(REGENT_EXIT_ENUM)
	REGENT_EXIT_REASONS
};

/**
 * enum regent_ioapic_mode - how Linux's accesses reach the IOAPICs
 * @REGENT_IOAPIC_DIRECT: without an exit
 * @REGENT_IOAPIC_TRAPPED: each access exits to K, which repeats it
 * @REGENT_IOAPIC_SHADOWED: each access exits to K, which keeps a shadow and masks pins
 *	whose interrupts Linux cannot take yet
 */
enum regent_ioapic_mode {
	REGENT_IOAPIC_DIRECT, REGENT_IOAPIC_TRAPPED, REGENT_IOAPIC_SHADOWED,
};

/**
 * enum regent_cost - operations of K's that cost far more than one instruction
 * @REGENT_COST_IBPB: indirect branch prediction barriers
 * @REGENT_COST_FLUSH: entries that drop all of a world's translations
 * @REGENT_COST_INVLPG: changes of one of K's own mappings
 * @REGENT_COST_WRMSR: MSRs of class REG_WORLD loaded in switches
 * @REGENT_COST_XSAVE: XSAVE and XRSTOR, each of which counts
 * @REGENT_COSTS: number of these counters
 */
enum regent_cost {
	REGENT_COST_IBPB = 0, REGENT_COST_FLUSH, REGENT_COST_INVLPG,
	REGENT_COST_WRMSR, REGENT_COST_XSAVE, REGENT_COSTS
};

/**
 * enum regent_counter - the counters of a CPU that REGENT_HC_COUNTER reads
 * @REGENT_COUNTER_EXITS: first of the exit counters, one for each enum regent_exit_reason
 * @REGENT_COUNTER_ENTRY_MAX: longest single stay in K, in TSC ticks
 * @REGENT_COUNTER_HIDDEN_READS: pages of K's memory that Linux read for the first time
 * @REGENT_COUNTER_HIDDEN_WRITES: writes to K's memory and fetches from it; Linux got #GP
 * @REGENT_COUNTER_TABLE_PAGES: pages left for nested tables; not of one CPU
 * @REGENT_COUNTER_COSTS: first of the counters of enum regent_cost
 * @REGENT_COUNTERS: number of counters
 */
enum regent_counter {
	REGENT_COUNTER_EXITS = 0,
	REGENT_COUNTER_ENTRY_MAX = REGENT_EXIT_REASONS,
	REGENT_COUNTER_HIDDEN_READS,
	REGENT_COUNTER_HIDDEN_WRITES,
	REGENT_COUNTER_TABLE_PAGES,
	REGENT_COUNTER_COSTS,
	REGENT_COUNTERS = REGENT_COUNTER_COSTS + REGENT_COSTS
};

/**
 * enum regent_test_mode - the program of a test world, and the mode it runs in
 * @REGENT_TEST_REAL: real mode; checks its registers, then yields
 * @REGENT_TEST_32: protected mode without paging; the same
 * @REGENT_TEST_64: long mode; the same
 * @REGENT_TEST_BENCH: real mode; only yields
 * @REGENT_TEST_SPIN: real mode; counts rounds and never yields
 * @REGENT_TEST_NAP: as @REGENT_TEST_REAL, but waits by HLT instead of yielding
 * @REGENT_TEST_PLAIN: as @REGENT_TEST_64, but leaves the debug registers alone
 * @REGENT_TEST_MODES: number of modes
 */
enum regent_test_mode {
	REGENT_TEST_REAL = 0,
	REGENT_TEST_32,
	REGENT_TEST_64,
	REGENT_TEST_BENCH,
	REGENT_TEST_SPIN,
	REGENT_TEST_NAP,
	REGENT_TEST_PLAIN,
	REGENT_TEST_MODES
};

/**
 * enum regent_world_state - what a world does
 * @REGENT_STATE_STOPPED: it is not scheduled
 * @REGENT_STATE_BLOCKED: it waits for an event
 * @REGENT_STATE_RUNNABLE: it could run, but another world runs on its CPU
 * @REGENT_STATE_RUNNING: it runs
 * @REGENT_STATE_DEAD: it did something forbidden, and never runs again
 * @REGENT_STATES: number of states
 */
enum regent_world_state {
	REGENT_STATE_STOPPED = 0, REGENT_STATE_BLOCKED, REGENT_STATE_RUNNABLE,
	REGENT_STATE_RUNNING, REGENT_STATE_DEAD, REGENT_STATES
};

/**
 * enum regent_world_info - what REGENT_HC_WORLD_INFO reads of a world
 * @REGENT_INFO_STATE: enum regent_world_state
 * @REGENT_INFO_CPU: Linux's number of the CPU that the world is on, or was on last
 * @REGENT_INFO_SHARES: its shares of that CPU
 * @REGENT_INFO_MIN: guaranteed thousandths of a CPU
 * @REGENT_INFO_MAX: thousandths of a CPU that it gets at most
 * @REGENT_INFO_RAN: ns that it has run
 * @REGENT_INFO_WAITED: ns that it was runnable while another world ran
 * @REGENT_INFO_SWITCHES: number of times that it was switched in
 * @REGENT_INFO_EXITS: number of its exits
 * @REGENT_INFO_MOVES: number of times that K moved it from one CPU to another
 * @REGENT_INFO_KIND: enum regent_world_kind of <linux/regent.h>
 * @REGENT_INFOS: number of these values
 */
enum regent_world_info {
	REGENT_INFO_STATE = 0, REGENT_INFO_CPU, REGENT_INFO_SHARES, REGENT_INFO_MIN,
	REGENT_INFO_MAX, REGENT_INFO_RAN, REGENT_INFO_WAITED, REGENT_INFO_SWITCHES,
	REGENT_INFO_EXITS, REGENT_INFO_MOVES, REGENT_INFO_KIND, REGENT_INFOS
};

/**
 * enum regent_test_info - what REGENT_HC_TEST_INFO reads of a test world
 * @REGENT_TEST_ROUNDS: number of times that it found all its registers right
 * @REGENT_TEST_WRONG: number of the first register that it found wrong, 0 for none
 * @REGENT_TEST_SWITCHES: number of times that it was switched in
 * @REGENT_TEST_INFOS: number of these values
 */
enum regent_test_info {
	REGENT_TEST_ROUNDS = 0,
	REGENT_TEST_WRONG,
	REGENT_TEST_SWITCHES,
	REGENT_TEST_INFOS
};

/**
 * enum regent_test_part - the part of a switch that REGENT_HC_TEST_PART does
 * @REGENT_PART_NONE: nothing; the caller subtracts its cost
 * @REGENT_PART_XSAVE: XSAVE, XRSTOR, and XCR0
 * @REGENT_PART_MITIGATIONS: what keeps one owner of the CPU from steering the next one
 * @REGENT_PARTS: number of parts
 */
enum regent_test_part {
	REGENT_PART_NONE = 0, REGENT_PART_XSAVE, REGENT_PART_MITIGATIONS, REGENT_PARTS
};

/**
 * enum regent_test_side - whose registers REGENT_HC_TEST_SKIP damages
 * @REGENT_SIDE_LINUX: those of the host world
 * @REGENT_SIDE_TEST: those of test worlds
 * @REGENT_SIDES: number of sides
 */
enum regent_test_side { REGENT_SIDE_LINUX = 0, REGENT_SIDE_TEST, REGENT_SIDES };

/**
 * enum regent_test_skip - the register that REGENT_HC_TEST_SKIP leaves out of the switch
 * @REGENT_SKIP_NONE: nothing: switches are whole again
 * @REGENT_SKIP_XSAVE: the XSAVE (or FXSAVE) area
 * @REGENT_SKIP_XCR0: XCR0
 * @REGENT_SKIP_DR0: DR0
 * @REGENT_SKIP_DR1: DR1
 * @REGENT_SKIP_DR2: DR2
 * @REGENT_SKIP_DR3: DR3
 * @REGENT_SKIP_DEBUGCTL: IA32_DEBUGCTL
 * @REGENT_SKIP_TSC_AUX: IA32_TSC_AUX
 * @REGENT_SKIP_SPEC_CTRL: IA32_SPEC_CTRL
 * @REGENT_SKIP_U_CET: IA32_U_CET
 * @REGENT_SKIP_PL3_SSP: IA32_PL3_SSP
 * @REGENT_SKIP_RAX: RAX
 * @REGENT_SKIP_RBX: RBX
 * @REGENT_SKIP_RCX: RCX
 * @REGENT_SKIP_RDX: RDX
 * @REGENT_SKIP_RSI: RSI
 * @REGENT_SKIP_RDI: RDI
 * @REGENT_SKIP_RBP: RBP
 * @REGENT_SKIP_R8: R8
 * @REGENT_SKIP_R9: R9
 * @REGENT_SKIP_R10: R10
 * @REGENT_SKIP_R11: R11
 * @REGENT_SKIP_R12: R12
 * @REGENT_SKIP_R13: R13
 * @REGENT_SKIP_R14: R14
 * @REGENT_SKIP_R15: R15
 * @REGENT_SKIP_RSP: RSP
 * @REGENT_SKIP_RFLAGS: RFLAGS
 * @REGENT_SKIP_CR0: CR0
 * @REGENT_SKIP_CR2: CR2
 * @REGENT_SKIP_CR3: CR3
 * @REGENT_SKIP_CR4: CR4
 * @REGENT_SKIP_EFER: EFER
 * @REGENT_SKIP_PAT: IA32_PAT
 * @REGENT_SKIP_DR6: DR6
 * @REGENT_SKIP_DR7: DR7
 * @REGENT_SKIP_FS_BASE: base of FS
 * @REGENT_SKIP_GS_BASE: base of GS
 * @REGENT_SKIP_KERNEL_GS_BASE: IA32_KERNEL_GS_BASE
 * @REGENT_SKIP_STAR: IA32_STAR
 * @REGENT_SKIP_LSTAR: IA32_LSTAR
 * @REGENT_SKIP_CSTAR: IA32_CSTAR
 * @REGENT_SKIP_SFMASK: IA32_FMASK
 * @REGENT_SKIP_SYSENTER_CS: IA32_SYSENTER_CS
 * @REGENT_SKIP_SYSENTER_ESP: IA32_SYSENTER_ESP
 * @REGENT_SKIP_SYSENTER_EIP: IA32_SYSENTER_EIP
 * @REGENT_SKIP_GDTR: GDTR
 * @REGENT_SKIP_IDTR: IDTR
 * @REGENT_SKIP_LDTR: LDTR
 * @REGENT_SKIP_TR: TR
 * @REGENT_SKIP_ES: ES
 * @REGENT_SKIP_SS: SS
 * @REGENT_SKIP_DS: DS
 * @REGENT_SKIP_FS: FS
 * @REGENT_SKIP_GS: GS
 * @REGENT_SKIP_FAULT_EARLY: no register: K faults once, before it loads that side's registers
 * @REGENT_SKIP_FAULT_LATE: the same, after K has loaded them
 * @REGENT_SKIPS: number of these values
 */
enum regent_test_skip {
	REGENT_SKIP_NONE = 0,
	/* moved by world_switch() */
	REGENT_SKIP_XSAVE, REGENT_SKIP_XCR0,
	REGENT_SKIP_DR0, REGENT_SKIP_DR1, REGENT_SKIP_DR2, REGENT_SKIP_DR3,
	REGENT_SKIP_DEBUGCTL, REGENT_SKIP_TSC_AUX, REGENT_SKIP_SPEC_CTRL,
	REGENT_SKIP_U_CET, REGENT_SKIP_PL3_SSP,
	/* moved by the backend's assembly */
	REGENT_SKIP_RAX, REGENT_SKIP_RBX, REGENT_SKIP_RCX, REGENT_SKIP_RDX,
	REGENT_SKIP_RSI, REGENT_SKIP_RDI, REGENT_SKIP_RBP,
	REGENT_SKIP_R8, REGENT_SKIP_R9, REGENT_SKIP_R10, REGENT_SKIP_R11,
	REGENT_SKIP_R12, REGENT_SKIP_R13, REGENT_SKIP_R14, REGENT_SKIP_R15,
	/* moved by the CPU */
	REGENT_SKIP_RSP, REGENT_SKIP_RFLAGS,
	REGENT_SKIP_CR0, REGENT_SKIP_CR2, REGENT_SKIP_CR3, REGENT_SKIP_CR4,
	REGENT_SKIP_EFER, REGENT_SKIP_PAT, REGENT_SKIP_DR6, REGENT_SKIP_DR7,
	REGENT_SKIP_FS_BASE, REGENT_SKIP_GS_BASE, REGENT_SKIP_KERNEL_GS_BASE,
	REGENT_SKIP_STAR, REGENT_SKIP_LSTAR, REGENT_SKIP_CSTAR, REGENT_SKIP_SFMASK,
	REGENT_SKIP_SYSENTER_CS, REGENT_SKIP_SYSENTER_ESP, REGENT_SKIP_SYSENTER_EIP,
	REGENT_SKIP_GDTR, REGENT_SKIP_IDTR, REGENT_SKIP_LDTR, REGENT_SKIP_TR,
	REGENT_SKIP_ES, REGENT_SKIP_SS, REGENT_SKIP_DS, REGENT_SKIP_FS, REGENT_SKIP_GS,
	/* no registers */
	REGENT_SKIP_FAULT_EARLY, REGENT_SKIP_FAULT_LATE,
	REGENT_SKIPS
};

/* So few pages left for nested tables, and Linux is asked for more. */
#define REGENT_TABLES_LOW	24

/**
 * enum regent_debug_fault - ways to make K fault on purpose
 * @REGENT_FAULT_PF: #PF, a write to an address that is not mapped
 * @REGENT_FAULT_GP: #GP, a write to an address that is not canonical
 * @REGENT_FAULT_UD: #UD
 * @REGENT_FAULT_STACK: recursion into the stack's guard page
 * @REGENT_FAULT_WRITE_TEXT: a write to K's text, which is read-only
 * @REGENT_FAULT_EXEC_DATA: a call into K's data, which is not executable
 * @REGENT_FAULT_LOCKED: #UD while K holds two nested locks, for which other CPUs wait
 * @REGENT_FAULT_WAIT: no fault: wait for the outer one of these locks
 * @REGENT_FAULT_TWICE: #UD that K takes for a fault in its fault: the CPU is lost
 * @REGENT_FAULTS: number of these values
 */
enum regent_debug_fault {
	REGENT_FAULT_PF = 0,
	REGENT_FAULT_GP,
	REGENT_FAULT_UD,
	REGENT_FAULT_STACK,
	REGENT_FAULT_WRITE_TEXT,
	REGENT_FAULT_EXEC_DATA,
	REGENT_FAULT_LOCKED,
	REGENT_FAULT_WAIT,
	REGENT_FAULT_TWICE,
	REGENT_FAULTS
};
#endif

#endif
