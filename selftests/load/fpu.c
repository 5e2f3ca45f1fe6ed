// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers: what a thread leaves in its vector and x87 registers must be there
 * after others ran. Several processes with patterns of their own compete.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#define REGISTERS	16
#define COMPETITORS	3

/* Load all, let others run inside of one asm block, and store all. */
#define EACH(op)							\
	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9)	\
	op(10) op(11) op(12) op(13) op(14) op(15)

#define LOAD_XMM(n)	"movdqu 16*" #n "(%[in]), %%xmm" #n "\n\t"
#define STORE_XMM(n)	"movdqu %%xmm" #n ", 16*" #n "(%[out])\n\t"
#define LOAD_YMM(n)	"vmovdqu 32*" #n "(%[in]), %%ymm" #n "\n\t"
#define STORE_YMM(n)	"vmovdqu %%ymm" #n ", 32*" #n "(%[out])\n\t"
#define CLOBBER(n)	"xmm" #n,

#define ACROSS_YIELD(load, store)					\
	asm volatile(EACH(load)						\
		     "mov %[nr], %%eax\n\t"				\
		     "syscall\n\t"					\
		     "mov %[spin], %%ecx\n\t"				\
		     "1: dec %%ecx\n\t"					\
		     "jnz 1b\n\t"					\
		     EACH(store)					\
		     : : [in] "r" (in), [out] "r" (out),		\
			 [nr] "i" (SYS_sched_yield), [spin] "r" (spin)	\
		     : EACH(CLOBBER) "rax", "rcx", "r11", "memory", "cc")

static void xmm_across_yield(const uint8_t *in, uint8_t *out, uint32_t spin)
{
	ACROSS_YIELD(LOAD_XMM, STORE_XMM);
}

static void ymm_across_yield(const uint8_t *in, uint8_t *out, uint32_t spin)
{
	ACROSS_YIELD(LOAD_YMM, STORE_YMM);
	asm volatile("vzeroupper" : : : EACH(CLOBBER) "cc");
}

/* Eight values on the x87 stack, and rounding modes of both units. */
static void x87_across_yield(uint64_t seed)
{
	double in[8], out[8];
	uint16_t cw = 0x037f | (seed & 3) << 10, cw_after;
	uint32_t mxcsr = 0x1f80 | (seed >> 2 & 3) << 13, mxcsr_after;
	int i;

	for (i = 0; i < 8; i++)
		in[i] = (double)(int32_t)(seed >> i) + i;
	asm volatile("fninit; fldcw %0; ldmxcsr %1" : : "m" (cw), "m" (mxcsr));
	for (i = 0; i < 8; i++)
		asm volatile("fldl %0" : : "m" (in[i]));
	syscall(SYS_sched_yield);
	for (i = 7; i >= 0; i--)
		asm volatile("fstpl %0" : "=m" (out[i]));
	asm volatile("fnstcw %0; stmxcsr %1" : "=m" (cw_after), "=m" (mxcsr_after));
	asm volatile("fninit");
	asm volatile("ldmxcsr %0" : : "m" (*(uint32_t[]){ 0x1f80 }));
	if (memcmp(in, out, sizeof(in)))
		fail("x87 registers changed");
	if (cw != cw_after || mxcsr != (mxcsr_after & ~0x3fU))
		fail("control words 0x%x 0x%x became 0x%x 0x%x", cw, mxcsr, cw_after,
		     mxcsr_after);
}

static void one_round(uint64_t *random, bool avx)
{
	uint64_t in[REGISTERS * 4], out[REGISTERS * 4];
	size_t len = avx ? sizeof(in) : sizeof(in) / 2;
	int i;

	for (i = 0; i < REGISTERS * 4; i++)
		in[i] = next_random(random);
	memset(out, 0, sizeof(out));
	if (avx)
		ymm_across_yield((uint8_t *)in, (uint8_t *)out, 500);
	else
		xmm_across_yield((uint8_t *)in, (uint8_t *)out, 500);
	if (memcmp(in, out, len))
		fail("%s registers changed", avx ? "AVX" : "SSE");
	x87_across_yield(next_random(random));
}

static void compete(uint64_t seed)
{
	bool avx = __builtin_cpu_supports("avx");
	uint64_t random = seed * 0x9e3779b97f4a7c15ULL + 1;
	int i;

	while (running()) {
		for (i = 0; i < 100; i++) {
			one_round(&random, false);
			if (avx)
				one_round(&random, true);
		}
		count(100);
	}
}

/* Only the parent counts; a child tells of a failure by its status. */
void run_fpu(void)
{
	int pid[COMPETITORS - 1] = { 0 }, i, parent = getpid();

	for (i = 0; i < COMPETITORS - 1; i++) {
		pid[i] = spawn();
		if (!pid[i])
			break;
	}
	compete(i + 1);
	if (getpid() != parent)
		_exit(0);
	for (i = 0; i < COMPETITORS - 1; i++) {
		kill(pid[i], SIGTERM);
		reap(pid[i], "a competitor");
	}
}
