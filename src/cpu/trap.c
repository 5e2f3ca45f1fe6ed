// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions in K. One is either expected, on an access that has a fix-up, or a bug: then K logs
 * what it knows and gives all CPUs back to Linux.
 */
#include <hw/asm.h>
#include <hw/cr.h>
#include <regent/cpu.h>
#include <regent/k.h>

/* What trap_slow, stubs.S and the CPU push, lowest address first. */
struct trap_frame {
	u64 r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

/* An entry of .fixups: an exception at @from continues at @to. */
struct fixup {
	u64 from;
	u64 to;
};

extern const struct fixup k_fixups_start[], k_fixups_end[];

#define BACKTRACE_DEPTH		16

static bool in_text(u64 va)
{
	return va >= (u64)k_image_start && va < (u64)k_text_end;
}

/* K has no frame pointers: log every word on the stack that looks like a return address. */
static void backtrace(const struct cpu *cpu, u64 rsp)
{
	u64 bottom = cpu->stack_top - REGENT_STACK_PAGES * REGENT_PAGE_SIZE;
	int shown = 0;

	if (rsp < bottom)
		rsp = bottom;
	for (rsp &= ~7ull; rsp < cpu->stack_top && shown < BACKTRACE_DEPTH; rsp += 8) {
		u64 word = *(u64 *)rsp;

		if (in_text(word)) {
			log_hex(" from K+", word - (u64)k_image_start);
			shown++;
		}
	}
}

static void report_fault(const struct trap_frame *f)
{
	static const char * const name[] = {
		[0] = "#DE", [1] = "#DB", [2] = "NMI", [3] = "#BP", [6] = "#UD",
		[8] = "#DF", [10] = "#TS", [11] = "#NP", [12] = "#SS", [13] = "#GP",
		[14] = "#PF", [17] = "#AC", [18] = "#MC",
	};
	const char *what = NULL;

	if (f->vector < sizeof(name) / sizeof(name[0]))
		what = name[f->vector];
	log_text(what ? what : "exception");
	log_hex(" vector ", f->vector);
	log_hex(" error ", f->error);
	log_hex(" at K+", f->rip - (u64)k_image_start);
	if (f->vector == HW_TRAP_PF)
		log_hex(" address ", hw_read_cr2());
	log_hex(" rsp ", f->rsp);
	backtrace(this_cpu(), f->rsp);
	log_text("\n");
	event_post(REGENT_EV_FAULT, f->vector, f->rip);
}

/**
 * machine_check() - note a #MC that arrived in K or in another world than Linux
 * @cpu: this CPU
 *
 * The #MC is for Linux, and K's way out delivers it. (On SVM it depends on the processor whether
 * a #MC waits while GIF is clear.)
 *
 * Context: an exit, or the exception itself.
 */
void machine_check(struct cpu *cpu)
{
	work_ask(&cpu->work, WORK_MC);
}

/*
 * Did the exception interrupt an entry? While RSP walks through a world's registers (enter.S),
 * some of them are in the processor only. While RSP is on K's stack, or in the guard page below,
 * the world's state is complete in memory.
 */
static bool in_entry(const struct cpu *cpu, u64 rsp)
{
	u64 size = (REGENT_STACK_PAGES + 1) * REGENT_PAGE_SIZE;

	return cpu->stack_top - rsp > size;
}

/**
 * trap() - handle an exception in K
 * @f: the exception's frame; a fix-up changes its RIP
 *
 * Context: an IST stack; trap_slow calls it. Does not return from a bug of K's.
 */
void trap(struct trap_frame *f);
void trap(struct trap_frame *f)
{
	const struct fixup *x;

	/* A #MC may hit an instruction that has a fix-up. Execute that instruction again. */
	if (f->vector == HW_TRAP_MC) {
		machine_check(this_cpu());
		return;
	}
	for (x = k_fixups_start; x < k_fixups_end; x++) {
		if (x->from == f->rip) {
			f->rip = x->to;
			return;
		}
	}
	if (this_cpu()->faults)
		k_abort("a fault in a fault");
	if (in_entry(this_cpu(), f->rsp))
		this_cpu()->recover = NULL;
	report_fault(f);
	k_abort("K faulted");
}
