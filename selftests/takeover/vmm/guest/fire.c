// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory under fire: the vCPUs know what is in each page, check it, and write something new,
 * while the VMM and Linux do to the memory behind it what they like. In each round another
 * vCPU has a page, so that one also finds what another one has written.
 */
#include "inside.h"

#define FIRE		((volatile struct fire *)GUEST_FIRE)
#define WORDS		512
#define PAGES_A_ROUND	64

static u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static volatile u64 *page_at(u32 page)
{
	return (volatile u64 *)(FIRE->gpa + page * 4096ul);
}

/* One vCPU at a time: struct shared has place for one mismatch. */
static void tell_mismatch(u32 page, u32 version, u64 wanted, u64 found)
{
	while (__atomic_exchange_n(&FIRE->lock, 1, __ATOMIC_ACQUIRE))
		asm volatile("pause");
	FIRE->page = page;
	FIRE->version = version;
	check(__LINE__, "a word of a page", wanted, found);
	__atomic_store_n(&FIRE->lock, 0, __ATOMIC_RELEASE);
}

static void fill_page(u32 page, u32 version)
{
	volatile u64 *word = page_at(page);
	u64 seed = fire_seed(page, version);
	u32 i;

	for (i = FIRE_FIRST; i < WORDS; i += FIRE_STEP)
		word[i] = fire_word(seed, version, i);
	FIRE->of[page] = version;
}

/* The first wrong word tells; then the page is made right. */
static void check_page(u32 page)
{
	volatile u64 *word = page_at(page);
	u32 version = FIRE->of[page];
	u64 seed = fire_seed(page, version), wanted, found;
	u32 i;

	for (i = FIRE_FIRST; i < WORDS; i += FIRE_STEP) {
		wanted = fire_word(seed, version, i);
		found = word[i];
		if (found == wanted)
			continue;
		tell_mismatch(page, version, wanted, found);
		fill_page(page, version);
		return;
	}
}

static void follow_request(void)
{
	u32 request = __atomic_load_n(&FIRE->request, __ATOMIC_ACQUIRE);
	u32 i;

	if (request == FIRE->answer)
		return;
	for (i = FIRE->first; i < FIRE->first + FIRE->count; i++) {
		FIRE->left[i] = FIRE->away;
		if (!FIRE->away && FIRE->zeroed)
			FIRE->of[i] = FIRE_EMPTY;
	}
	__atomic_store_n(&FIRE->answer, request, __ATOMIC_RELEASE);
}

/* All vCPUs come to the end of a round before the next one begins. */
static void end_round(u32 round)
{
	if (__atomic_add_fetch(&FIRE->waiting, 1, __ATOMIC_SEQ_CST) < FIRE_VCPUS) {
		while (__atomic_load_n(&FIRE->round, __ATOMIC_ACQUIRE) == round)
			asm volatile("pause");
		return;
	}
	follow_request();
	FIRE->waiting = 0;
	__atomic_store_n(&FIRE->round, round + 1, __ATOMIC_RELEASE);
}

static void work_on(u32 page, u64 random)
{
	u32 version;

	if (FIRE->left[page])
		return;
	check_page(page);
	if (random & 3)
		return;
	version = FIRE->of[page] + 1;
	fill_page(page, version > 255 ? 1 : version);
}

void guest_fire(void)
{
	u32 me = __atomic_fetch_add(&FIRE->tickets, 1, __ATOMIC_SEQ_CST);
	u64 state = 0x1234567 * (me + 1), random;
	u32 i, round, page;

	for (round = 0; !FIRE->stop; round++) {
		for (i = 0; i < PAGES_A_ROUND; i++) {
			random = next_random(&state);
			page = (random >> 8) % FIRE->pages;
			page ^= (page ^ round ^ me) & 1;
			work_on(page, random);
		}
		end_round(round);
	}
	/* The other one may wait for this one. */
	__atomic_store_n(&FIRE->round, ~0u, __ATOMIC_RELEASE);
}

/*
 * Of arg[1] pages from arg[0] on, arg[2] bytes apart: each is zero at first, and has its own
 * number afterwards.
 */
void guest_touch(void)
{
	u64 first = SHARED->arg[0], pages = SHARED->arg[1], step = SHARED->arg[2], i;

	for (i = 0; i < pages; i++) {
		volatile u64 *word = (volatile u64 *)(first + i * step);

		if (!CHECK("a page that is new", 0, word[i % WORDS]))
			return;
		word[i % WORDS] = i + 1;
	}
	for (i = 0; i < pages; i++)
		if (!CHECK("a page that was written", i + 1,
			   ((volatile u64 *)(first + i * step))[i % WORDS]))
			return;
}
