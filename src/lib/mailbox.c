// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mailboxes and requests, see <regent/mailbox.h>. Each step is one atomic instruction, or a
 * loop that repeats only after another CPU has succeeded.
 */
#include <regent/mailbox.h>

/**
 * request_post() - ask for a look at the request's subject
 * @r: the request; the sender has written to the subject what there is to see
 *
 * Return: true when the caller has to put the request with mailbox_put(); false when it is in
 * a mailbox already, or its reader will look again.
 */
bool request_post(struct request *r)
{
	return __atomic_exchange_n(&r->state, REQUEST_POSTED, __ATOMIC_SEQ_CST) ==
	       REQUEST_IDLE;
}

/**
 * request_open() - begin to look at the subject
 * @r: a request that was taken out of a mailbox, or that request_close() has not closed
 */
void request_open(struct request *r)
{
	__atomic_store_n(&r->state, REQUEST_READ, __ATOMIC_SEQ_CST);
}

/**
 * request_close() - end the look at the subject
 * @r: an opened request
 *
 * Return: false when the request has been posted meanwhile: open it, and look again.
 */
bool request_close(struct request *r)
{
	u32 read = REQUEST_READ;

	return __atomic_compare_exchange_n(&r->state, &read, REQUEST_IDLE, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/**
 * request_keep() - the subject is for another CPU, in whose mailbox the caller puts the request
 * @r: an opened request
 */
void request_keep(struct request *r)
{
	__atomic_store_n(&r->state, REQUEST_POSTED, __ATOMIC_SEQ_CST);
}

/**
 * request_retire() - let no CPU post the request, because its subject goes away
 * @r: the request
 *
 * Return: true when no CPU will put it in a mailbox any more; false while it is in a mailbox
 * or a CPU reads it.
 */
bool request_retire(struct request *r)
{
	u32 idle = REQUEST_IDLE;

	return __atomic_compare_exchange_n(&r->state, &idle, REQUEST_POSTED, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/**
 * request_begin() - undo request_retire(), so that the request may be posted
 * @r: a retired request; posts since then are lost
 */
void request_begin(struct request *r)
{
	__atomic_store_n(&r->state, REQUEST_IDLE, __ATOMIC_SEQ_CST);
}

/**
 * mailbox_put() - put a request in a mailbox
 * @mailbox: any CPU's
 * @r: a request that request_post() or request_keep() told the caller to put
 *
 * Return: true when the mailbox was empty, so that the caller has to kick its owner.
 */
bool mailbox_put(struct mailbox *mailbox, struct request *r)
{
	struct request *first = __atomic_load_n(&mailbox->first, __ATOMIC_RELAXED);

	do {
		r->next = first;
	} while (!__atomic_compare_exchange_n(&mailbox->first, &first, r, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return !first;
}

/**
 * mailbox_take() - take all requests out of a mailbox
 * @mailbox: any CPU's
 *
 * Return: a list of the requests, or NULL. Read the next one's address before a request is
 * opened, because it may then be put in another mailbox.
 */
struct request *mailbox_take(struct mailbox *mailbox)
{
	if (!__atomic_load_n(&mailbox->first, __ATOMIC_SEQ_CST))
		return NULL;
	return __atomic_exchange_n(&mailbox->first, NULL, __ATOMIC_SEQ_CST);
}
