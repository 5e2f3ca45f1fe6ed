// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers of the XSAVE area, by component. Between kernel_fpu_begin() and
 * kernel_fpu_end().
 */
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>

#include "worlds.h"

#define COMPONENTS	16	/* names in the tally */
#define LEGACY		512
#define HEADER		64
#define X87_CONTROL	0
#define X87_TAG		4
#define MXCSR		24
#define MXCSR_MASK	28
#define ST0		32
#define XMM0		160
#define XMM_END		416
#define ALIGNMENT	64

enum { X87, SSE, AVX, BNDREGS, BNDCSR, OPMASK, ZMM_HI, HI_ZMM, PT, PKRU };
/* Those that take any bits; of the others, only what is there is compared. */
#define FREE_BITS	(1u << AVX | 1u << OPMASK | 1u << ZMM_HI | 1u << HI_ZMM)

static const char * const name[COMPONENTS] = {
	[X87] = "X87", [SSE] = "SSE", [AVX] = "AVX", [BNDREGS] = "BNDREGS",
	[BNDCSR] = "BNDCSR", [OPMASK] = "OPMASK", [ZMM_HI] = "ZMM_HI256",
	[HI_ZMM] = "HI16_ZMM", [PKRU] = "PKRU", [COMPONENTS - 1] = "MXCSR",
};

static u32 area_size;
static u64 present;		/* components that are switched, filled, compared */
static u32 mxcsr_mask;
static struct { u32 offset, size; } place[COMPONENTS];

/**
 * struct xstate - areas of one test
 * @memory: what to free
 * @kept: Linux's own
 * @want: with patterns, as XSAVE shows them
 * @got: found afterwards
 */
struct xstate {
	void *memory;
	u8 *kept;
	u8 *want;
	u8 *got;
};

static void save(u8 *area)
{
	asm volatile("xsave64 %0" : "+m" (*(u8 (*)[LEGACY + HEADER])area)
		     : "a" ((u32)present), "d" (0) : "memory");
}

static void load(const u8 *area)
{
	asm volatile("xrstor64 %0" : : "m" (*(const u8 (*)[LEGACY + HEADER])area),
		     "a" ((u32)present), "d" (0) : "memory");
}

/**
 * xstate_probe() - find out what this CPU has; between kernel_fpu_begin() and _end()
 *
 * Return: false when it has no XSAVE.
 */
bool xstate_probe(void)
{
	static u8 area[LEGACY] __aligned(16);
	u32 low, high, eax, ebx, ecx, edx;
	unsigned int i;

	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return false;
	asm volatile("xgetbv" : "=a" (low), "=d" (high) : "c" (0));
	/* AMX can be disarmed (XFD), and has no names here: left alone. */
	present = low & GENMASK(PKRU, 0);
	cpuid_count(0xd, 0, &eax, &area_size, &ecx, &edx);
	for (i = AVX; i <= PKRU; i++) {
		cpuid_count(0xd, i, &eax, &ebx, &ecx, &edx);
		place[i].size = eax;
		place[i].offset = ebx;
	}
	asm volatile("fxsave64 %0" : "=m" (area));
	mxcsr_mask = *(u32 *)(area + MXCSR_MASK) ?: 0xffbf;
	return true;
}

/**
 * xstate_new() - areas for a test
 */
struct xstate *xstate_new(void)
{
	struct xstate *x = kzalloc(sizeof(*x), GFP_KERNEL);
	u32 size = ALIGN(area_size, ALIGNMENT);

	if (!x)
		return NULL;
	x->memory = kzalloc(3 * size + ALIGNMENT, GFP_KERNEL);
	x->kept = PTR_ALIGN(x->memory, ALIGNMENT);
	x->want = x->kept + size;
	x->got = x->want + size;
	if (x->memory)
		return x;
	kfree(x);
	return NULL;
}

/**
 * xstate_free() - undo xstate_new()
 * @x: or NULL
 */
void xstate_free(struct xstate *x)
{
	if (x)
		kfree(x->memory);
	kfree(x);
}

/**
 * xstate_keep() - save Linux's own
 * @x: areas
 */
void xstate_keep(struct xstate *x)
{
	save(x->kept);
}

static void randomize(u8 *at, size_t n, struct rnd *r)
{
	for (; n >= 8; n -= 8, at += 8)
		*(u64 *)at = rnd(r);
}

/* No exception is unmasked, no reserved bit is set. */
static void fill_legacy(u8 *area, struct rnd *r)
{
	u64 bits = rnd(r);
	int i;

	*(u16 *)(area + X87_CONTROL) = 0x37f ^ (bits & 0xc00);	/* rounding */
	area[X87_TAG] = bits >> 16;
	*(u32 *)(area + MXCSR) = (0x1f80 | (bits >> 32 & 0xe07f)) & mxcsr_mask;
	for (i = ST0; i < XMM0; i += 16) {
		*(u64 *)(area + i) = rnd(r);
		*(u16 *)(area + i + 8) = rnd(r);
	}
	randomize(area + XMM0, XMM_END - XMM0, r);
}

/**
 * xstate_fill() - load patterns
 * @x: areas
 * @r: where patterns come from
 *
 * Not all bits of the area are registers: what XSAVE shows is what counts.
 */
void xstate_fill(struct xstate *x, struct rnd *r)
{
	unsigned int i;

	memset(x->want + LEGACY, 0, HEADER);
	*(u64 *)(x->want + LEGACY) = present;
	fill_legacy(x->want, r);
	for (i = AVX; i <= PKRU; i++) {
		if (!(present >> i & 1))
			continue;
		memset(x->want + place[i].offset, 0, place[i].size);
		if (FREE_BITS >> i & 1)
			randomize(x->want + place[i].offset, place[i].size, r);
		else if (i == PKRU)
			*(u32 *)(x->want + place[i].offset) = rnd(r);
	}
	load(x->want);
	save(x->want);
}

static bool same(const struct xstate *x, u32 offset, u32 size)
{
	return !memcmp(x->want + offset, x->got + offset, size);
}

/**
 * xstate_compare() - count the components that have changed
 * @x: areas, after xstate_fill()
 * @t: counts
 */
void xstate_compare(struct xstate *x, struct worlds_tally *t)
{
	u64 *n = t->mismatches + WORLDS_XSTATE;
	unsigned int i;

	save(x->got);
	n[X87] += !same(x, 0, MXCSR) || !same(x, ST0, XMM0 - ST0);
	n[COMPONENTS - 1] += !same(x, MXCSR, 4);
	n[SSE] += !same(x, XMM0, XMM_END - XMM0);
	for (i = AVX; i <= PKRU; i++)
		if (present >> i & 1)
			n[i] += !same(x, place[i].offset, place[i].size);
}

/**
 * xstate_restore() - put Linux's own back
 * @x: areas, after xstate_keep()
 */
void xstate_restore(struct xstate *x)
{
	load(x->kept);
}

/**
 * xstate_name() - name of a component
 * @component: its number
 *
 * Return: NULL for none that is known, or that this CPU does not have.
 */
const char *xstate_name(unsigned int component)
{
	if (component == COMPONENTS - 1)
		return name[component];
	return component < COMPONENTS && present >> component & 1 ? name[component] : NULL;
}
