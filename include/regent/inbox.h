/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one CPU has to tell another: a letter in its inbox. Anybody puts letters
 * there at any time and nobody ever waits: who comes first to an empty inbox
 * rings (with an interrupt), and the owner takes all that is there at once.
 *
 * A letter belongs to the thing that it is about, and says only: look at it. What
 * there is to see is written to that thing before, so that many messages about one
 * thing are one letter:
 *
 *	IDLE	in no inbox			letter_post() says whether to put it
 *	POSTED	in an inbox, or to be put there	letter_open(), then look
 *	READ	somebody looks			letter_close(), look again if it says so
 *
 * Who looks and finds that it is for another CPU puts the letter there
 * (letter_keep()). Plain logic.
 */
#ifndef REGENT_INBOX_H
#define REGENT_INBOX_H

#include <regent/abi/types.h>

enum letter_state { LETTER_IDLE, LETTER_POSTED, LETTER_READ };

/**
 * struct letter - a message, embedded in what it is about; zeroed at first
 * @next: in an inbox; its owner's
 * @state: enum letter_state
 */
struct letter {
	struct letter *next;
	u32 state;
};

/**
 * struct inbox - letters that have come; zeroed at first
 * @first: the latest
 */
struct inbox {
	struct letter *first;
};

bool letter_post(struct letter *l);
void letter_open(struct letter *l);
bool letter_close(struct letter *l);
void letter_keep(struct letter *l);
bool letter_retire(struct letter *l);
void letter_begin(struct letter *l);
bool inbox_put(struct inbox *inbox, struct letter *l);
struct letter *inbox_take(struct inbox *inbox);

#endif
