// SPDX-License-Identifier: GPL-2.0-only
/* Memory slots and notifiers: the rules of takeover/kvm/slots.h, against a map of pages. */
#include "../../takeover/kvm/slots.h"
#include "unit.h"

#define PAGE	REGENT_PAGE_SIZE
#define SLOTS	6
#define PAGES	64		/* of the VM's, and of the VMM's */
#define HVA	0x7f0000000000ul
#define TOP	(1ull << 40)

static struct vm_slot slot[SLOTS];

static enum slot_change ask(unsigned int which, u64 gpa, u64 pages, u64 hva, bool readonly)
{
	struct vm_slot to = {
		.gpa = gpa * PAGE, .size = pages * PAGE, .hva = HVA + hva * PAGE,
		.readonly = readonly,
	};
	enum slot_change change = slot_change(slot, SLOTS, which, &to);

	assert_true(slot_fits(to.gpa, to.size, to.hva, TOP));
	if (change == SLOT_EMPTY)
		slot[which].size = 0;
	else if (change == SLOT_FILL || change == SLOT_MOVE)
		slot[which] = to;
	return change;
}

static int setup(void **state)
{
	(void)state;
	memset(slot, 0, sizeof(slot));
	return 0;
}

static void what_fits(void **state)
{
	(void)state;
	assert_true(slot_fits(0, PAGE, HVA, TOP));
	assert_true(slot_fits(TOP - PAGE, PAGE, HVA, TOP));
	assert_true(slot_fits(0, 0, 0, TOP));
	assert_false(slot_fits(TOP, 0, HVA, TOP));
	assert_false(slot_fits(TOP - PAGE, 2 * PAGE, HVA, TOP));
	assert_false(slot_fits(PAGE, 0 - PAGE, HVA, TOP));
	assert_false(slot_fits(0 - PAGE, 2 * PAGE, HVA, TOP));
	assert_false(slot_fits(1, PAGE, HVA, TOP));
	assert_false(slot_fits(0, PAGE + 1, HVA, TOP));
	assert_false(slot_fits(0, PAGE, HVA + 8, TOP));
	/* 2^31 pages are too many, whatever the processor can address. */
	assert_true(slot_fits(0, SLOT_PAGES * PAGE, HVA, 1ull << 57));
	assert_false(slot_fits(0, (SLOT_PAGES + 1) * PAGE, HVA, 1ull << 57));
}

static void changes(void **state)
{
	(void)state;
	assert_int_equal(ask(0, 0, 0, 0, false), SLOT_REFUSED);
	assert_int_equal(ask(0, 8, 4, 0, false), SLOT_FILL);
	assert_int_equal(ask(0, 8, 5, 0, false), SLOT_REFUSED);
	assert_int_equal(ask(0, 8, 3, 0, false), SLOT_REFUSED);
	assert_int_equal(ask(0, 8, 4, 1, false), SLOT_REFUSED);
	assert_int_equal(ask(0, 8, 4, 0, true), SLOT_REFUSED);
	/* To where it overlaps itself, and to where it is */
	assert_int_equal(ask(0, 10, 4, 0, false), SLOT_MOVE);
	assert_int_equal(ask(0, 10, 4, 0, false), SLOT_MOVE);
	assert_int_equal(ask(1, 13, 1, 0, false), SLOT_OVERLAPS);
	assert_int_equal(ask(1, 9, 2, 0, false), SLOT_OVERLAPS);
	assert_int_equal(ask(1, 9, 10, 0, false), SLOT_OVERLAPS);
	assert_int_equal(ask(1, 14, 1, 0, false), SLOT_FILL);
	assert_int_equal(ask(2, 9, 1, 0, false), SLOT_FILL);
	assert_int_equal(ask(0, 11, 4, 0, false), SLOT_OVERLAPS);
	assert_int_equal(slot[0].gpa, 10 * PAGE);
	assert_int_equal(ask(0, 0, 0, 0, false), SLOT_EMPTY);
	assert_int_equal(ask(0, 0, 0, 0, false), SLOT_REFUSED);
	/* What was there is forgotten. */
	assert_int_equal(ask(0, 20, 7, 3, true), SLOT_FILL);
}

/* Which slot has each page, as changes are made at random; 0 for none */
static void against_a_map(void **state)
{
	u64 seed = 11, n, page, hva;
	u8 map[PAGES], user[PAGES];
	unsigned int which, i;

	(void)state;
	memset(map, 0, sizeof(map));
	for (n = 0; n < 20000; n++) {
		u64 gpa = unit_below(&seed, PAGES), pages = unit_below(&seed, PAGES - gpa + 1);
		bool free = true, there, same;
		enum slot_change change;

		which = unit_below(&seed, SLOTS);
		if (unit_below(&seed, 2) || pages > 12)
			pages = 0;
		there = slot[which].size;
		if (there && pages && unit_below(&seed, 2))
			pages = slot[which].size / PAGE;
		if (gpa + pages > PAGES)
			gpa = PAGES - pages;
		hva = unit_below(&seed, 2) && there ? (slot[which].hva - HVA) / PAGE :
						      unit_below(&seed, PAGES - pages + 1);
		same = there && pages * PAGE == slot[which].size &&
		       HVA + hva * PAGE == slot[which].hva;
		for (page = gpa; page < gpa + pages; page++)
			free &= !map[page] || map[page] == which + 1;
		change = ask(which, gpa, pages, hva, false);
		assert_int_equal(change, !pages ? (there ? SLOT_EMPTY : SLOT_REFUSED) :
				 there && !same ? SLOT_REFUSED : !free ? SLOT_OVERLAPS :
				 there ? SLOT_MOVE : SLOT_FILL);
		for (page = 0; page < PAGES && change >= SLOT_EMPTY; page++) {
			if (map[page] == which + 1)
				map[page] = 0;
			if (page - gpa < pages)
				map[page] = which + 1;
		}
		memset(user, 0, sizeof(user));
		for (i = 0; i < SLOTS; i++)
			for (page = 0; page < slot[i].size / PAGE; page++)
				user[(slot[i].hva - HVA) / PAGE + page] = 1;
		for (page = 0; page < PAGES; page++) {
			const struct vm_slot *s = slot_find(slot, SLOTS, page * PAGE + 0x123);

			assert_int_equal(s ? s - slot + 1 : 0, map[page]);
			assert_int_equal(slot_uses(slot, SLOTS, HVA + page * PAGE,
						   HVA + (page + 1) * PAGE), user[page]);
		}
		assert_false(slot_uses(slot, SLOTS, 0, HVA));
		assert_false(slot_uses(slot, SLOTS, HVA + PAGES * PAGE, ~0ul));
		assert_null(slot_find(slot, SLOTS, ~0ull));
	}
}

/* At the end of all addresses nothing wraps. */
static void the_last_page(void **state)
{
	(void)state;
	slot[2] = (struct vm_slot){ .gpa = 0, .size = PAGE, .hva = 0x7fffffffe000ul };
	assert_true(slot_uses(slot, SLOTS, 0x7fffffffe000ul, ~0ul));
	assert_true(slot_uses(slot, SLOTS, 0x7fffffffefff, 0x7ffffffff000ul));
	assert_false(slot_uses(slot, SLOTS, 0x7ffffffff000ul, ~0ul));
	assert_null(slot_find(slot, SLOTS, 0 - PAGE));
	assert_null(slot_find(slot, SLOTS, PAGE));
}

static void notifiers(void **state)
{
	struct vm_zaps z = { 0 };
	unsigned long s = z.sequence;

	(void)state;
	assert_false(zaps_stale(&z, HVA, PAGE, s));
	zaps_begin(&z, HVA + PAGE, HVA + 2 * PAGE, true);
	assert_true(zaps_stale(&z, HVA + PAGE, PAGE, s));
	assert_false(zaps_stale(&z, HVA, PAGE, s));
	assert_false(zaps_stale(&z, HVA + 2 * PAGE, PAGE, s));
	/* A larger page that has some of it */
	assert_true(zaps_stale(&z, HVA, 0x200000, s));
	/* Two at once: all between them counts, until both have ended. */
	zaps_begin(&z, HVA + 4 * PAGE, HVA + 5 * PAGE, true);
	assert_true(zaps_stale(&z, HVA + 3 * PAGE, PAGE, s));
	zaps_end(&z, true);
	assert_true(zaps_stale(&z, HVA, PAGE, s));		/* asked before the end */
	assert_false(zaps_stale(&z, HVA, PAGE, z.sequence));
	assert_true(zaps_stale(&z, HVA + PAGE, PAGE, z.sequence));
	zaps_end(&z, true);
	assert_false(zaps_stale(&z, HVA + PAGE, PAGE, z.sequence));
	assert_int_equal(z.zapping, 0);
	/* One that no slot has to do with makes nothing old, but is counted. */
	s = z.sequence;
	zaps_begin(&z, HVA, HVA + PAGE, false);
	assert_int_equal(z.zapping, 1);
	assert_false(zaps_stale(&z, HVA, PAGE, s));
	zaps_end(&z, false);
	assert_false(zaps_stale(&z, HVA, PAGE, s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_fits, setup),
		cmocka_unit_test_setup(changes, setup),
		cmocka_unit_test_setup(against_a_map, setup),
		cmocka_unit_test_setup(the_last_page, setup),
		cmocka_unit_test_setup(notifiers, setup),
	};

	return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
