// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions in K: either an access that was expected to fault, or a bug, and
 * then K writes down what it knows and gives its CPUs back.
 */
#include <hw/asm.h>
#include <hw/cr.h>
#include <regent/cpu.h>
#include <regent/k.h>

struct trap_frame {
	u64 r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

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

/* Without frame pointers: every return address that lies on the stack. */
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

static void report(const struct trap_frame *f)
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
 * machine_check() - #MC came in K, or in another world than Linux
 * @cpu: this CPU
 *
 * Whether it waits while GIF is clear is up to the processor. It is Linux's: the
 * CPU is made to look behind, so that the next entry takes the slow way and
 * delivers it.
 */
void machine_check(struct cpu *cpu)
{
	cpu->mc_pending = 1;
	cpu->tlb_seen--;
}

/**
 * trap() - an exception in K, called from stubs.S on an IST stack
 * @f: what the CPU and stubs.S pushed; RIP may be changed
 */
void trap(struct trap_frame *f);
void trap(struct trap_frame *f)
{
	const struct fixup *x;

	/* Also on an instruction that may fault, which is then done again. */
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
	report(f);
	k_abort("K faulted");
}
