/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What L may ask K.
 *
 * A hypercall is VMMCALL (SVM) or VMCALL (VMX) at CPL 0 with
 *
 *	r11	REGENT_HC_MAGIC
 *	rax	number; on return the result, a negative REGENT_HC_E* for errors
 *	rdi, rsi, rdx	arguments
 *
 * r11 is a register that no known hypervisor's call convention reads, so that
 * the calls of an outer hypervisor never match by chance. Without the magic,
 * or from another CPL, the call is not Regent's: see world/exit.c.
 *
 * A long hypercall does a bounded piece of its work, writes its progress into
 * its argument registers and leaves RIP on the instruction: Linux takes its
 * interrupts and executes the call again. The caller sees one call.
 */
#ifndef REGENT_ABI_HYPERCALL_H
#define REGENT_ABI_HYPERCALL_H

#define REGENT_HC_MAGIC		0x746e656745727547ull

/**
 * DOC: Hypercall numbers
 *
 * REGENT_HC_NULL - nothing; returns 0. For measuring.
 *
 * REGENT_HC_LEAVE - hand this CPU back. Returns on the bare machine, 0. Any
 * context, NMI included; the caller saves nothing but what a C call clobbers,
 * see takeover/trampoline.S.
 *
 * REGENT_HC_COUNTER - rdi: CPU, rsi: enum regent_counter. Returns its value;
 * -REGENT_HC_EINVAL for a CPU or counter that is not there.
 *
 * REGENT_HC_CHECK - CRC-32 of K's text and read-only data, to compare with
 * what was loaded. rdi: 0, rsi: 0 at the start (progress and state of the
 * restarted call afterwards). Returns the CRC.
 *
 * REGENT_HC_DEBUG_FAULT - rdi: enum regent_debug_fault: make K fault. Returns
 * -REGENT_HC_EFAULT after K caught itself; the CPUs are then being handed
 * back. -REGENT_HC_EPERM unless L enabled it with its debug parameter.
 *
 * REGENT_HC_DONATE - rdi: physical address of a 2 MiB chunk that Linux gives
 * to K. It is zapped from the host world's tables before the call returns.
 *
 * REGENT_HC_FLUSHED - 0 while a CPU may still hold a translation that a zap
 * removed, else 1. L makes every CPU enter K once and asks again.
 *
 * REGENT_HC_IOAPIC - rdi: enum regent_ioapic_mode. Each mode follows from the
 * one beside it: DIRECT, TRAPPED, then (every CPU having flushed) SHADOWED, and
 * back to DIRECT when no CPU is forwarded any more. -REGENT_HC_EBUSY otherwise.
 *
 * REGENT_HC_FORWARD - rdi: 1: K takes this CPU's interrupts and forwards them;
 * 0: they go straight to Linux again. Called with interrupts off. rsi: for 1, a
 * vector (32 to 255) of this CPU that Linux uses for nothing else: K's timer
 * comes there, and kicks of other CPUs. Linux gets it when there are events.
 * -REGENT_HC_EBUSY while the IOAPICs are not SHADOWED, or while an interrupt is
 * in service (for 0: ask again once it has had its EOI); -REGENT_HC_EOPNOTSUPP
 * where the APIC is off or has moved since the takeover, or its timer does not count.
 *
 * REGENT_HC_WORLD_START - rdi: id of a test world that may run on this CPU, which is
 * forwarded; rsi: shares (1 to 65536) in bits 0-31, the guarantee min in 32-47 and
 * the cap max in 48-63, both in thousandths of a CPU. From now on it is scheduled.
 * -REGENT_HC_EINVAL; -REGENT_HC_EBUSY when it is already; -REGENT_HC_ENOSPC when
 * the guarantee cannot be given.
 *
 * REGENT_HC_WORLD_STOP - rdi: id, of any CPU. It is scheduled no more, and nobody's.
 * -REGENT_HC_EBUSY when it is another CPU's, which has been asked: ask again.
 *
 * REGENT_HC_WORLD_ALLOW - rdi: id of a world that is not scheduled; rsi: 1: it may run
 * on this CPU, too; 0: it may not. At first it may where it was made.
 * -REGENT_HC_EBUSY when it is scheduled; -REGENT_HC_ENOSPC as REGENT_HC_TEST_CREATE.
 *
 * REGENT_HC_WORLD_WAKE - rdi: id, of any CPU. It goes on if it waits, else when it
 * waits next.
 *
 * REGENT_HC_WORLD_INFO - rdi: id of a test world, or REGENT_WORLD_SYSTEM + CPU, or
 * REGENT_WORLD_IDLE + CPU; rsi: enum regent_world_info. -REGENT_HC_EINVAL when
 * there is none of that id.
 *
 * REGENT_HC_TEST_CREATE - rdi: enum regent_test_mode. Makes a test world that may run
 * on this CPU. Returns its id; -REGENT_HC_ENOSPC when K has no free pages (then
 * donate a chunk and ask again); -REGENT_HC_ENFILE when there are too many.
 *
 * REGENT_HC_TEST_RUN - rdi: id of a world that is not scheduled and may run on this
 * CPU. Switches to it; it runs until it yields or an interrupt wants Linux. Returns
 * the world's result so far: the number of times it found all its registers right, or
 * a negative REGENT_HC_E*. The world is this CPU's then: to another one it is busy until
 * it has been stopped here.
 *
 * REGENT_HC_TEST_INFO - rdi: id, rsi: enum regent_test_info.
 *
 * REGENT_HC_TEST_DESTROY - rdi: id. -REGENT_HC_EBUSY as REGENT_HC_WORLD_STOP.
 *
 * REGENT_HC_TEST_NAP - rdi: id of a world that is not scheduled; rsi: ns that it sleeps
 * each time it waits (REGENT_TEST_NAP) in bits 0-47, 0 for until it is woken; id of a
 * world that it wakes before in bits 48-63, 0 for none. -REGENT_HC_EBUSY.
 *
 * REGENT_HC_TEST_PART - rdi: enum regent_test_part. Does that part of a switch out and
 * back, with Linux's own state, to be measured. -REGENT_HC_EINVAL where no test world
 * may run on this CPU, or K does without XSAVE; -REGENT_HC_EPERM unless L was loaded
 * with debug=1.
 *
 * REGENT_HC_TEST_SKIP - rdi: enum regent_test_skip, rsi: enum regent_test_side.
 * From now on switches between Linux and test worlds, on all CPUs, do not give
 * that side this register of its own: what the switch moves is left as the
 * other side had it; of what the CPU moves by itself, a bit is flipped that
 * does no harm while nobody works with it (so that a second switch flips it
 * back). Not of a test world that an interrupt has stopped on its way. A test
 * of the tests: they must name the register. REGENT_SKIP_NONE ends it.
 * -REGENT_HC_EINVAL for what this machine does not switch, and for what Linux
 * would not survive. -REGENT_HC_EPERM unless L was loaded with debug=1.
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
#define REGENT_HC_MAX		21

/* How REGENT_HC_TEST_NAP is told what */
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
/**
 * enum regent_exit_reason - why a world came to K, in the words of no vendor
 */
enum regent_exit_reason {
	REGENT_EXIT_HYPERCALL = 0,
	REGENT_EXIT_OUTER_CALL,		/* a hypercall that is not Regent's */
	REGENT_EXIT_MSR,
	REGENT_EXIT_NESTED_FAULT,
	REGENT_EXIT_VIRT_INSN,		/* an SVM or VMX instruction */
	REGENT_EXIT_INTERRUPT,		/* one arrived, on a forwarded CPU */
	REGENT_EXIT_WINDOW,		/* Linux can take one now */
	REGENT_EXIT_APIC,		/* Linux used its APIC, on a forwarded CPU */
	REGENT_EXIT_IOAPIC,		/* Linux used an IOAPIC */
	REGENT_EXIT_HALT,		/* HLT, on a forwarded CPU with other worlds */
	REGENT_EXIT_MWAIT,		/* likewise */
	REGENT_EXIT_PAUSE,		/* many PAUSEs, likewise */
	REGENT_EXIT_CPUID,		/* unconditional on VMX, as the next one */
	REGENT_EXIT_CONTROL,		/* XSETBV, INVD, a control register */
	REGENT_EXIT_NMI,		/* an NMI that is Linux's, or its window */
	REGENT_EXIT_SLICE,		/* the time of the world that ran is over */
	REGENT_EXIT_OTHER,
	REGENT_EXIT_REASONS
};

/**
 * enum regent_ioapic_mode - who gets at the IOAPICs
 * @REGENT_IOAPIC_DIRECT: Linux
 * @REGENT_IOAPIC_TRAPPED: Linux's accesses come to K, which repeats them
 * @REGENT_IOAPIC_SHADOWED: K keeps a shadow, and masks what Linux cannot take
 */
enum regent_ioapic_mode {
	REGENT_IOAPIC_DIRECT, REGENT_IOAPIC_TRAPPED, REGENT_IOAPIC_SHADOWED,
};

/**
 * enum regent_cost - what K does that costs far more than its one instruction
 * @REGENT_COST_IBPB: indirect branch prediction barrier
 * @REGENT_COST_FLUSH: all of a world's translations dropped at its entry
 * @REGENT_COST_INVLPG: a mapping of K's own changed
 * @REGENT_COST_WRMSR: a register of class "world" loaded in a switch
 * @REGENT_COST_XSAVE: XSAVE and XRSTOR, each counted
 */
enum regent_cost {
	REGENT_COST_IBPB = 0, REGENT_COST_FLUSH, REGENT_COST_INVLPG,
	REGENT_COST_WRMSR, REGENT_COST_XSAVE, REGENT_COSTS
};

/**
 * enum regent_counter - what REGENT_HC_COUNTER reads
 * @REGENT_COUNTER_EXITS: first of the exit counters, one for each reason
 * @REGENT_COUNTER_ENTRY_MAX: longest single stay in K, TSC ticks
 * @REGENT_COUNTER_HIDDEN_READS: first reads of a page of K's memory
 * @REGENT_COUNTER_HIDDEN_WRITES: writes and fetches, each got #GP
 * @REGENT_COUNTER_TABLE_PAGES: pages left for nested tables
 * @REGENT_COUNTER_COSTS: first of the counters of enum regent_cost
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
 * enum regent_test_mode - what a test world runs in
 */
enum regent_test_mode {
	REGENT_TEST_REAL = 0,		/* real mode */
	REGENT_TEST_32,			/* protected mode, no paging */
	REGENT_TEST_64,			/* long mode */
	REGENT_TEST_BENCH,		/* real mode: yields, and does nothing else */
	REGENT_TEST_SPIN,		/* real mode: counts rounds and never yields */
	REGENT_TEST_NAP,		/* as REAL, but waits by HLT instead of yielding */
	REGENT_TEST_PLAIN,		/* as 64, but leaves the debug registers alone */
	REGENT_TEST_MODES
};

/**
 * enum regent_world_state - what a world does
 * @REGENT_STATE_STOPPED: it is not scheduled
 * @REGENT_STATE_BLOCKED: it waits for something
 * @REGENT_STATE_RUNNABLE: it could run, but another one does
 * @REGENT_STATE_RUNNING: it runs
 * @REGENT_STATE_DEAD: it did something it must not, and never runs again
 */
enum regent_world_state {
	REGENT_STATE_STOPPED = 0, REGENT_STATE_BLOCKED, REGENT_STATE_RUNNABLE,
	REGENT_STATE_RUNNING, REGENT_STATE_DEAD, REGENT_STATES
};

/**
 * enum regent_world_info - what REGENT_HC_WORLD_INFO reads
 * @REGENT_INFO_STATE: enum regent_world_state
 * @REGENT_INFO_CPU: Linux's number of the CPU that it is on, or was on last
 * @REGENT_INFO_SHARES: of its CPU
 * @REGENT_INFO_MIN: guaranteed thousandths of a CPU
 * @REGENT_INFO_MAX: thousandths of a CPU that it gets at most
 * @REGENT_INFO_RAN: ns it has run
 * @REGENT_INFO_WAITED: ns it could have run, but another one did
 * @REGENT_INFO_SWITCHES: times it was switched in
 * @REGENT_INFO_EXITS: times it came to K
 * @REGENT_INFO_MOVES: times it went from one CPU to another by itself
 */
enum regent_world_info {
	REGENT_INFO_STATE = 0, REGENT_INFO_CPU, REGENT_INFO_SHARES, REGENT_INFO_MIN,
	REGENT_INFO_MAX, REGENT_INFO_RAN, REGENT_INFO_WAITED, REGENT_INFO_SWITCHES,
	REGENT_INFO_EXITS, REGENT_INFO_MOVES, REGENT_INFOS
};

/**
 * enum regent_test_info - what REGENT_HC_TEST_INFO reads
 * @REGENT_TEST_ROUNDS: times the world found all its registers right
 * @REGENT_TEST_WRONG: number of the first register it found wrong, 0 for none
 * @REGENT_TEST_SWITCHES: times it was switched in
 */
enum regent_test_info {
	REGENT_TEST_ROUNDS = 0,
	REGENT_TEST_WRONG,
	REGENT_TEST_SWITCHES,
	REGENT_TEST_INFOS
};

/**
 * enum regent_test_part - what REGENT_HC_TEST_PART does
 * @REGENT_PART_NONE: nothing, to be subtracted
 * @REGENT_PART_XSAVE: XSAVE, XRSTOR, and XCR0
 * @REGENT_PART_MITIGATIONS: what keeps one owner from steering the other
 */
enum regent_test_part {
	REGENT_PART_NONE = 0, REGENT_PART_XSAVE, REGENT_PART_MITIGATIONS, REGENT_PARTS
};

/**
 * enum regent_test_side - whose registers REGENT_HC_TEST_SKIP damages
 * @REGENT_SIDE_LINUX: those of the host world
 * @REGENT_SIDE_TEST: those of test worlds
 */
enum regent_test_side { REGENT_SIDE_LINUX = 0, REGENT_SIDE_TEST, REGENT_SIDES };

/**
 * enum regent_test_skip - what REGENT_HC_TEST_SKIP leaves out of the switch
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
	/* of everything, half: K faults when that side's registers are loaded; once */
	REGENT_SKIP_FAULT,
	REGENT_SKIPS
};

/**
 * enum regent_debug_fault - ways to make K fault on purpose
 */
enum regent_debug_fault {
	REGENT_FAULT_PF = 0,
	REGENT_FAULT_GP,
	REGENT_FAULT_UD,
	REGENT_FAULT_STACK,		/* recursion into the guard page */
	REGENT_FAULT_WRITE_TEXT,	/* K's text is read-only */
	REGENT_FAULT_EXEC_DATA,		/* K's data is not executable */
	REGENT_FAULT_LOCKED,		/* #UD, others waiting for a lock */
	REGENT_FAULTS
};
#endif

#endif
