/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What protocols of requests and answers have in common, once their bytes are told apart: exchanges
 * that wait, their two messages with sizes, times, gaps and digests, and the entries made of them,
 * also while they go on. The protocol says which exchange bytes belong to and when a message ends.
 *
 * A protocol's own exchange begins with a struct exchange. Its messages are structures (message.h):
 * what the protocol reads goes into their members (message_add_text(), message_add_number(), the
 * body as people would write it); fill() derives from these what the list shows. Redaction masks in
 * them by name and by look, so a password that the protocol knows to be one must never get there.
 */
#ifndef CLEARTAP_EXCHANGE_H
#define CLEARTAP_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissect/digest.h"
#include "dissect/dissect.h"
#include "dissect/live.h"
#include "message.h"

enum part { PART_REQUEST, PART_RESPONSE };

#define EXCHANGE_FAULTS 4

struct exchange {
	struct exchange *next, *before;
	struct exchange *chain;	    /* of the index of keys */
	struct message *message[2]; /* by enum part; NULL: not begun */
	struct entry_part part[2];
	struct digest digest[2];
	uint64_t size[2]; /* bytes on the stream, missing ones too */
	uint64_t lost[2]; /* of both parts, by enum gap_why */
	bool done[2];
	const char *alone;		     /* why there is no other part: a constant */
	const char *faults[EXCHANGE_FAULTS]; /* constants */
	struct live live;
	uint64_t key; /* see exchange_set_key() */
	bool has_key;
	bool lasting; /* does not give way to others; the protocol bounds how many there are */
	size_t *account;
	size_t holds; /* of that, what the protocol's struct holds beyond itself */
};

struct exchange_ops {
	const char *protocol;
	size_t size; /* of the protocol's own struct */
	/*
	 * What the entry says beyond sizes, times and reasons: method, summary, status, version.
	 * The messages are e->message, copies for a version of what goes on, and may be NULL.
	 */
	void (*fill)(const struct exchange *x, struct entry *e);
	void (*free)(struct exchange *x); /* what the protocol's struct holds; NULL: nothing */
};

/* Those of one connection, oldest first. */
struct exchanges {
	struct entry_sink sink;
	const struct exchange_ops *ops;
	struct exchange *head, *last;
	struct exchange **index; /* by key, where many wait; NULL: go through them */
	size_t count;
	/* Is about to be freed: nothing may point to it any more. NULL: nobody wants to know. */
	void (*gone)(void *owner, const struct exchange *x);
	void *owner;
	bool client; /* the traced program is the one that asks */
};

void exchanges_begin(struct exchanges *l, const struct entry_sink *sink,
		     const struct exchange_ops *ops);
/* All end, as far as they came; `alone` says why those without an answer have none. */
void exchanges_end(struct exchanges *l, const char *alone);
/*
 * A new one, the last; NULL when out of memory. When LIMIT_PIPELINE wait, the first that is
 * not lasting is told as it is.
 */
struct exchange *exchange_new(struct exchanges *l);
/* The first whose answer has not ended; NULL when none waits. */
struct exchange *exchange_waiting(const struct exchanges *l);
/* An id that the answer names, in whatever way the protocol has it. */
void exchange_set_key(struct exchanges *l, struct exchange *x, uint64_t key);
/* The first of that key whose answer has not ended. */
struct exchange *exchange_find(const struct exchanges *l, uint64_t key);
/* A message begins at `offset` of its direction, unless it has. 0 or -ENOMEM. */
int exchange_begin_part(struct exchange *x, enum part part, uint64_t offset, int64_t now);
/* Bytes of a message that has begun, and bytes of it that are missing. */
void exchange_bytes(struct exchange *x, enum part part, const void *data, size_t len,
		    uint64_t offset, int64_t now);
void exchange_gap(struct exchange *x, enum part part, uint64_t len, enum gap_why why, int64_t now);
/* Bytes of it that came and cannot be understood, since others are missing. */
void exchange_unread(struct exchange *x, enum part part, uint64_t len, int64_t now);
/* So many bytes are held by the protocol's struct now, beyond itself. */
void exchange_holds(struct exchange *x, size_t bytes);
/* The entry will say it, once, and is not complete. `fault` is a constant. */
void exchange_fault(struct exchange *x, const char *fault);
/* Text of the body as people read it; LIMIT_RENDERED_BYTES are kept. */
void exchange_text(struct exchange *x, enum part part, const char *text, size_t len);
/*
 * The message has ended; once both have, the exchange is told and freed, and true is returned. A
 * message that never began counts as ended after exchange_leave_alone().
 */
bool exchange_end_part(struct exchanges *l, struct exchange *x, enum part part, int64_t now);
/*
 * The other part will not come: NULL when none is due (a notice, a message that nobody confirms),
 * else why. Told and freed when what has begun has ended; then true.
 */
bool exchange_leave_alone(struct exchanges *l, struct exchange *x, const char *why);
/* Tell it as it is and free it. */
void exchange_tell(struct exchanges *l, struct exchange *x);
void exchanges_tick(struct exchanges *l, int64_t now);
/* Memory is short: bodies are let go. */
void exchanges_give_way(struct exchanges *l);

#endif
