// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inboxes and letters, see <regent/inbox.h>. Every step is one atomic
 * instruction, or a loop that only the success of another CPU repeats.
 */
#include <regent/inbox.h>

/**
 * letter_post() - say that there is something to see
 * @l: the letter; what there is to see has been written
 *
 * Return: true when the caller has to inbox_put() it; else it is in an inbox, or
 * whoever reads it looks again.
 */
bool letter_post(struct letter *l)
{
	return __atomic_exchange_n(&l->state, LETTER_POSTED, __ATOMIC_SEQ_CST) ==
	       LETTER_IDLE;
}

/**
 * letter_open() - begin to look
 * @l: taken out of an inbox, or not closed
 */
void letter_open(struct letter *l)
{
	__atomic_store_n(&l->state, LETTER_READ, __ATOMIC_SEQ_CST);
}

/**
 * letter_close() - done with looking
 * @l: opened
 *
 * Return: false when it has been posted meanwhile: open it, and look again.
 */
bool letter_close(struct letter *l)
{
	u32 read = LETTER_READ;

	return __atomic_compare_exchange_n(&l->state, &read, LETTER_IDLE, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/**
 * letter_keep() - it is for another inbox, into which the caller puts it
 * @l: opened
 */
void letter_keep(struct letter *l)
{
	__atomic_store_n(&l->state, LETTER_POSTED, __ATOMIC_SEQ_CST);
}

/**
 * letter_retire() - what it is about goes
 * @l: the letter
 *
 * Return: true when nobody puts it anywhere any more; false while it is in an
 * inbox, or is read.
 */
bool letter_retire(struct letter *l)
{
	u32 idle = LETTER_IDLE;

	return __atomic_compare_exchange_n(&l->state, &idle, LETTER_POSTED, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/**
 * letter_begin() - undo letter_retire(): it may be posted from now on
 * @l: retired; what was to be posted meanwhile is not
 */
void letter_begin(struct letter *l)
{
	__atomic_store_n(&l->state, LETTER_IDLE, __ATOMIC_SEQ_CST);
}

/**
 * inbox_put() - put a letter there
 * @inbox: any CPU's
 * @l: letter_post() or letter_keep() said so
 *
 * Return: true when the inbox was empty: its owner has to be told.
 */
bool inbox_put(struct inbox *inbox, struct letter *l)
{
	struct letter *first = __atomic_load_n(&inbox->first, __ATOMIC_RELAXED);

	do {
		l->next = first;
	} while (!__atomic_compare_exchange_n(&inbox->first, &first, l, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return !first;
}

/**
 * inbox_take() - take all that is there
 * @inbox: any CPU's
 *
 * Return: the letters, in a list; take the next one out of it before a letter is
 * opened.
 */
struct letter *inbox_take(struct inbox *inbox)
{
	if (!__atomic_load_n(&inbox->first, __ATOMIC_SEQ_CST))
		return NULL;
	return __atomic_exchange_n(&inbox->first, NULL, __ATOMIC_SEQ_CST);
}
