/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The entries into K by exceptions and interrupts: 256 stubs, REGENT_STUB_STRIDE bytes apart,
 * from which L builds the IDT. All run on IST stacks, because an exception can come while RSP
 * points into a world's register save area (see svm/enter.S). Interrupts and NMIs are held
 * off whenever K runs, except where the backend lets one in; these go to the backend.
 */
#include <regent/abi/handoff.h>

	.text
	.balign	REGENT_STUB_STRIDE
	.globl	k_stubs
k_stubs:
vector = 0
	.rept 256
	.balign	REGENT_STUB_STRIDE
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || \
	      vector == 21 || vector == 29 || vector == 30)
	pushq	$0			/* the CPU pushes no error code */
	.endif
	pushq	$vector
	jmp	trap_entry
vector = vector + 1
	.endr

/*
 * trap_entry - the common part: sends interrupts, NMIs and #MC to the backend, and all other
 * exceptions to trap_slow
 *
 * In:	on an IST stack: vector, error code, RIP, CS, RFLAGS, RSP, SS
 */
trap_entry:
	cmpq	$31, (%rsp)
	ja	backend_arrival
	cmpq	$2, (%rsp)
	je	backend_nmi
	cmpq	$18, (%rsp)
	je	backend_mc
	jmp	trap_slow
