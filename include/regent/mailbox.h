/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests from one CPU to another. Each CPU has a mailbox, in which any CPU may put a
 * request at any time without waiting. The CPU that puts a request in an empty mailbox kicks
 * the mailbox's owner (with an interrupt), and the owner takes all requests at once.
 *
 * A request is embedded in a subject (a world, say) and carries no message: it only asks its
 * reader to look at the subject. The sender first writes to the subject what there is to
 * see, so that many messages about one subject need only one request:
 *
 *	IDLE: the request is in no mailbox. request_post() says whether to put it in one.
 *	POSTED: it is in a mailbox or about to be. The CPU that takes it out calls
 *		request_open(), and then looks at the subject.
 *	READ: a CPU looks at the subject. It then calls request_close(), and looks again if
 *		that returns false.
 *
 * A reader that finds that the subject is for another CPU puts the request in that CPU's
 * mailbox, after request_keep(). Plain logic.
 */
#ifndef REGENT_MAILBOX_H
#define REGENT_MAILBOX_H

#include <regent/abi/types.h>

/* States of a request, see above */
enum request_state { REQUEST_IDLE, REQUEST_POSTED, REQUEST_READ };

/**
 * struct request - a request, embedded in its subject; zeroed at first
 * @next: next request in the mailbox; it belongs to the mailbox's owner
 * @state: enum request_state; changed atomically
 */
struct request {
	struct request *next;
	u32 state;
};

/**
 * struct mailbox - the requests for one CPU; zeroed at first
 * @first: the latest request, NULL for none; changed atomically
 */
struct mailbox {
	struct request *first;
};

bool request_post(struct request *r);
void request_open(struct request *r);
bool request_close(struct request *r);
void request_keep(struct request *r);
bool request_retire(struct request *r);
void request_begin(struct request *r);
bool mailbox_put(struct mailbox *mailbox, struct request *r);
struct request *mailbox_take(struct mailbox *mailbox);

#endif
