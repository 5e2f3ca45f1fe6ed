// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events that meet: the table of Intel's "Double Fault Exception" (AMD's is the same), written
 * down case by case, and which of SVM's events an entry delivers again.
 */
#include "../../src/svm/event.h"
#include "unit.h"

#define ERROR(code)	(SVM_EVENT_ERROR | (u64)(code) << 32)
#define EVENT(type, v)	(SVM_EVENT_VALID | (u64)(type) << SVM_EVENT_TYPE_SHIFT | (v))

static const u8 contributory[] = { 0, 10, 11, 12, 13 };
static const u8 benign[] = { 1, 2, 3, 4, 5, 6, 7, 9, 16, 17, 18, 19 };

static void two_contributory_ones(void **state)
{
	u32 i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(contributory); i++)
		for (j = 0; j < ARRAY_SIZE(contributory); j++)
			assert_int_equal(event_merge(contributory[i], contributory[j]), 8);
}

static void page_faults(void **state)
{
	u32 i;

	(void)state;
	assert_int_equal(event_merge(14, 14), 8);
	for (i = 0; i < ARRAY_SIZE(contributory); i++) {
		assert_int_equal(event_merge(14, contributory[i]), 8);
		/* The other way round they come one after the other. */
		assert_int_equal(event_merge(contributory[i], 14), 14);
	}
}

static void a_triple_fault(void **state)
{
	u32 i;

	(void)state;
	assert_int_equal(event_merge(8, 14), EVENT_SHUTDOWN);
	for (i = 0; i < ARRAY_SIZE(contributory); i++)
		assert_int_equal(event_merge(8, contributory[i]), EVENT_SHUTDOWN);
	for (i = 0; i < ARRAY_SIZE(benign); i++)
		assert_int_equal(event_merge(8, benign[i]), benign[i]);
}

/* What is benign, or no exception at all, makes no double fault, whatever its vector. */
static void all_others(void **state)
{
	u32 i, vector;

	(void)state;
	for (vector = 0; vector < 32; vector++) {
		assert_int_equal(event_merge(EVENT_NOTHING, vector), vector);
		assert_int_equal(event_merge(EVENT_OTHER, vector), vector);
		for (i = 0; i < ARRAY_SIZE(benign); i++) {
			assert_int_equal(event_merge(benign[i], vector), vector);
			if (vector != 8)
				assert_int_equal(event_merge(vector, benign[i]), benign[i]);
		}
	}
}

/* INT 13 is no #GP; and what QEMU calls exception 0x31 is an interrupt. */
static void what_was_delivered(void **state)
{
	u32 type, vector;

	(void)state;
	assert_int_equal(svm_delivering(0), EVENT_NOTHING);
	assert_int_equal(svm_delivering(EVENT(SVM_EVENT_EXCEPTION, 13) & ~SVM_EVENT_VALID),
			 EVENT_NOTHING);
	for (type = 0; type < 8; type++)
		for (vector = 0; vector < 256; vector++)
			assert_int_equal(svm_delivering(EVENT(type, vector)),
					 type == SVM_EVENT_EXCEPTION && vector < 32 ?
						 (int)vector : EVENT_OTHER);
	assert_int_equal(event_merge(svm_delivering(EVENT(SVM_EVENT_SOFT, 13)), 13), 13);
	assert_int_equal(event_merge(svm_delivering(EVENT(SVM_EVENT_INTR, 0x41)), 14), 14);
	assert_int_equal(event_merge(svm_delivering(EVENT(SVM_EVENT_EXCEPTION, 14) |
						     ERROR(2)), 14), 8);
}

static void what_comes_again(void **state)
{
	u64 fault = EVENT(SVM_EVENT_EXCEPTION, 14) | ERROR(0x12345);
	u32 vector;

	(void)state;
	assert_true(svm_event_again(0) == 0);
	assert_true(svm_event_again(fault & ~SVM_EVENT_VALID) == 0);
	assert_true(svm_event_again(fault) == fault);
	for (vector = 0; vector < 256; vector++) {
		u64 irq = EVENT(SVM_EVENT_INTR, vector);

		assert_true(svm_event_again(irq) == irq);
		/* The instruction is executed again. */
		assert_true(svm_event_again(EVENT(SVM_EVENT_SOFT, vector)) == 0);
		if (vector >= 32)
			assert_true(svm_event_again(EVENT(SVM_EVENT_EXCEPTION, vector)) == irq);
		else if (vector == 3 || vector == 4)
			assert_true(svm_event_again(EVENT(SVM_EVENT_EXCEPTION, vector)) == 0);
		else
			assert_true(svm_event_again(EVENT(SVM_EVENT_EXCEPTION, vector)) ==
				    EVENT(SVM_EVENT_EXCEPTION, vector));
	}
	assert_true(svm_event_again(EVENT(SVM_EVENT_NMI, 2)) == EVENT(SVM_EVENT_NMI, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_contributory_ones),
		cmocka_unit_test(page_faults),
		cmocka_unit_test(a_triple_fault),
		cmocka_unit_test(all_others),
		cmocka_unit_test(what_was_delivered),
		cmocka_unit_test(what_comes_again),
	};

	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
