/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What protocols of PDUs have in common beyond pdu.h and exchange.h: both directions of a
 * connection, whose PDUs belong to exchanges that a key names. The protocol tells of each PDU, once
 * its length is known, which message it belongs to (framed_place()); bytes, gaps and what is no PDU
 * are accounted for here.
 *
 * After bytes were lost the footing is looked for where the lost bytes end and at each change of
 * direction. Where it is lost without that, the protocol is not what it was taken for: it hands
 * over at the next change of direction.
 */
#ifndef CLEARTAP_FRAMED_H
#define CLEARTAP_FRAMED_H

#include "dissect/exchange.h"
#include "dissect/pdu.h"

/* The protocol's own exchange begins with this. */
struct framed_exchange {
	struct exchange x;
	bool missed[2];	   /* by enum dir: PDUs may have been lost since it began */
	const char *alone; /* why it has no request: a constant */
};

struct framed;

struct framed_ops {
	const char *name;
	struct pdu_ops pdu; /* keep, begin, whole; of the rest FRAMED_PDU_OPS */
	struct exchange_ops exchange;
	/* As that of struct pdu_ops; more than the length may be waited for, as begin() needs it.
	 */
	int64_t (*length)(const struct framed *f, enum dir dir, const uint8_t *data, size_t len);
	/*
	 * Does a PDU begin with these bytes, which follow lost ones? PROBE_NO, PROBE_MAYBE when
	 * more are needed, else yes. What more bytes follow must not change the answer.
	 */
	int (*begins)(const struct framed *f, enum dir dir, const uint8_t *data, size_t len);
	/* PDUs of the direction may have been lost. NULL: no interest. */
	void (*lost)(struct framed *f, enum dir dir);
};

/* One connection; the protocol's state begins with it. */
struct framed {
	const struct framed_ops *ops;
	struct exchanges l;
	struct pdu_stream in[2]; /* all by enum dir */
	struct exchange *now[2]; /* what the PDU that goes on belongs to */
	enum part part[2];	 /* of that */
	struct exchange *stray[2];
	uint64_t end[2]; /* offset behind what is looked at */
	uint64_t gap;	 /* of these, bytes that are missing */
	bool seek[2];	 /* the footing may be found with the next bytes */
	bool doubt[2];	 /* the next PDU has to prove that it is one */
	bool broken;
	bool spoke, client_known;
	enum dir last_dir, client; /* client: the direction of the side that opened it */
};

#define FRAMED_PDU_OPS                                                                             \
	.length = framed_length, .bytes = framed_bytes, .gap = framed_missing,                     \
	.lost = framed_lost, .resumes = framed_resumes, .stray = framed_stray

/* A state that is a struct framed alone; NULL when out of memory. */
void *framed_open(const struct entry_sink *sink, const struct conn_hint *hint,
		  const struct framed_ops *ops);
void framed_close(void *state, int64_t now);
void framed_begin(struct framed *f, const struct entry_sink *sink, const struct conn_hint *hint,
		  const struct framed_ops *ops);
/* The protocol has told which side the client is. */
void framed_know_client(struct framed *f, enum dir client);
/* As exchange_new(). */
struct exchange *framed_new(struct framed *f, uint64_t key);
/*
 * The exchange of that key that waits for an answer, else a new one without a request. Never one
 * whose answer, and a new request with its key, may have been lost since.
 */
struct exchange *framed_answered(struct framed *f, enum dir dir, uint64_t key);
/* A request uses a key anew: what waited for its answer with the same will have none. */
struct exchange *framed_asked(struct framed *f, uint64_t key);
/* The bytes of the PDU belong to this message. 0 or -ENOMEM. */
int framed_place(struct framed *f, enum dir dir, struct exchange *x, enum part part,
		 const struct pdu *p);
/* The PDU has ended and its message with it: told when nothing more is due. */
void framed_done(struct framed *f, enum dir dir, const struct pdu *p);
/* The PDU has ended, and its message goes on. */
static inline void framed_rest(struct framed *f, enum dir dir)
{
	f->now[dir] = NULL;
}
/* No answer is due to the message of the PDU, which is about to end. */
void framed_one_way(struct framed *f, enum dir dir);
/* All end. Frees what is in here. */
void framed_end(struct framed *f);

/* Strays are told here; false: the entry is the protocol's to fill. */
bool framed_fill(const struct exchange *x, struct entry *e);
/* The member `name` of the request, as far as the list shows it; "" when there is none. */
const char *framed_summary(struct entry *e, const char *name);
/* The body is what follows in the PDU from `from` on; what is not kept of it is missing there. */
void framed_body(const struct pdu *p, struct message *m, const uint8_t *from);

/* Of the operations of a dissector: */
int framed_feed(void *state, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		int64_t now);
int framed_gap(void *state, enum dir dir, uint64_t len, uint64_t offset, enum gap_why why,
	       int64_t now);
void framed_idle(void *state, int64_t now);
void framed_tick(void *state, int64_t now);
bool framed_alive(const void *state);
void framed_become(void *state, struct become *ret);
void framed_give_way(void *state);
#define FRAMED_DISSECTOR_OPS                                                                       \
	.feed = framed_feed, .gap = framed_gap, .idle = framed_idle, .tick = framed_tick,          \
	.alive = framed_alive, .become = framed_become, .give_way = framed_give_way

/* Of the operations of a PDU: */
int64_t framed_length(void *ctx, enum dir dir, const uint8_t *data, size_t len, size_t seen);
void framed_bytes(void *ctx, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		  int64_t now);
void framed_missing(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now);
void framed_lost(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now);
int framed_resumes(void *ctx, enum dir dir, const uint8_t *data, size_t len);
void framed_stray(void *ctx, enum dir dir, uint64_t len, int64_t now);

/* Seen once and kept as text: copied into the message. Members that are empty are left out. */
void framed_text(struct message *m, const char *name, struct text t);
/* The content type that a payload looks to have: a constant. */
const char *framed_guess_type(const void *data, size_t len);

#endif
