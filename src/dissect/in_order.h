/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What protocols have in common whose answers come in the order of the requests, without a key:
 * both directions of a connection, cut into PDUs (pdu.h) that belong to exchanges (exchange.h). The
 * protocol tells of each PDU, once its length is known, which exchange it belongs to (now[]);
 * bytes, gaps and what is no PDU are accounted for here.
 *
 * An answer belongs to the first request that waits. Once bytes are missing where messages may have
 * begun, it belongs to nobody (HACKING, "Sessions and dissectors"): a request that was lost may
 * have one, too. That ends when the connection has been quiet after an answer, or with the next
 * request of a client that waited for each of its first LIMIT_ONE_BY_ONE answers.
 *
 * Where one request alone waits, and gaps come at their place in time, all that comes before the
 * client's next word is its answer: with what is missing, and the bytes behind it, whether these
 * can be read or not.
 *
 * After bytes were lost the footing is looked for where the lost bytes end and at each change of
 * direction. What is no PDU without that is handed over at once.
 */
#ifndef CLEARTAP_IN_ORDER_H
#define CLEARTAP_IN_ORDER_H

#include "dissect/exchange.h"
#include "dissect/pdu.h"

struct in_order;

/* What becomes of the bytes of an answer behind lost ones. */
enum in_order_rest {
	REST_NOBODYS, /* others may stand between them */
	REST_UNREAD,  /* they are its own, and mean nothing by themselves */
	REST_READ,    /* a PDU is looked for with which it goes on */
};

struct in_order_ops {
	const char *name;
	size_t size;	    /* of the protocol's state, which begins with a struct in_order */
	struct pdu_ops pdu; /* keep, length, whole; of the rest IN_ORDER_PDU_OPS */
	struct exchange_ops exchange;
	/* A PDU begins: now[dir] is what it belongs to; NULL: nothing. 0, or -EPROTO to give up. */
	int (*begin)(struct in_order *o, enum dir dir, const struct pdu *p);
	/*
	 * Does a PDU of requests, of answers, begin with these bytes, which follow lost ones? 1; 0:
	 * more are needed; -EPROTO. What more bytes follow must not change the answer.
	 */
	int (*resumes)(bool request, const uint8_t *data, size_t len);
	/* The direction of requests, by the bytes by which the protocol was chosen. */
	enum dir (*client_of)(const struct first_bytes *first);
	/* What bytes are of that are missing between PDUs; NULL: now[dir]. */
	struct exchange *(*going_on)(struct in_order *o, enum dir dir);
	/* Of `x` alone, which has no other to be taken for: it forgets what may not hold any more.
	 */
	enum in_order_rest (*rest)(struct in_order *o, struct exchange *x);
	/* Bytes of `x` (NULL: of nobody) were lost, and PDUs may have been; it may be gone. */
	void (*lost)(struct in_order *o, enum dir dir, struct exchange *x, int64_t now);
	/* Is about to be freed: the protocol must not point to it any more. */
	void (*gone)(struct in_order *o, const struct exchange *x);
	/* The connection ends: end what has no other end, free what the state holds. */
	void (*end)(struct in_order *o, int64_t now);
};

struct in_order {
	const struct in_order_ops *ops;
	struct exchanges l;
	struct pdu_stream in[2]; /* all by enum dir */
	struct exchange *now[2]; /* what the PDU that goes on belongs to */
	enum gap_why why[2];	 /* bytes of it are not there */
	uint64_t stray[2];	 /* bytes after a loss that begin no message */
	struct exchange
		*holed; /* what the answering side sends is of it, as lost bytes were; NULL */
	bool unread;	/* and is not read */
	bool mended;	/* a PDU was found with which it went on */
	uint64_t gap, gap_end; /* where the last gap is */
	bool seek[2];	       /* after a loss: messages may begin again here */
	enum dir client, last_dir;
	size_t taken;	    /* of the last feed */
	bool broken;	    /* what came is not the protocol */
	bool in_time;	    /* gaps come at their place in time */
	bool doubt;	    /* which answer is whose is not known */
	bool blind;	    /* since answers were lost none has been recognised */
	bool ahead;	    /* a request was sent before the answer to the one before had come */
	bool answered_last; /* the last message was an answer */
	unsigned waited;    /* requests that came after all answers */
	unsigned skip;	    /* answers to come whose requests were told already */
};

#define IN_ORDER_PDU_OPS                                                                           \
	.begin = in_order_pdu_begin, .bytes = in_order_bytes, .gap = in_order_missing,             \
	.lost = in_order_lost, .resumes = in_order_resumes, .stray = in_order_stray

/* A request, or an answer, begins. NULL when out of memory. */
struct exchange *in_order_request(struct in_order *o, const struct pdu *p);
struct exchange *in_order_answer(struct in_order *o, const struct pdu *p);
/* A message that the answering side sends by itself. */
struct exchange *in_order_notice(struct in_order *o, const struct pdu *p);

static inline enum part in_order_part(const struct in_order *o, enum dir dir)
{
	return dir == o->client ? PART_REQUEST : PART_RESPONSE;
}

/* Of the operations of a dissector: */
void *in_order_open(const struct entry_sink *sink, const struct conn_hint *hint,
		    const struct in_order_ops *ops);
int in_order_feed(void *state, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		  int64_t now);
int in_order_gap(void *state, enum dir dir, uint64_t len, uint64_t offset, enum gap_why why,
		 int64_t now);
void in_order_idle(void *state, int64_t now);
void in_order_tick(void *state, int64_t now);
bool in_order_alive(const void *state);
void in_order_become(void *state, struct become *ret);
void in_order_give_way(void *state);
void in_order_close(void *state, int64_t now);
#define IN_ORDER_DISSECTOR_OPS                                                                     \
	.feed = in_order_feed, .gap = in_order_gap, .idle = in_order_idle, .tick = in_order_tick,  \
	.alive = in_order_alive, .become = in_order_become, .give_way = in_order_give_way,         \
	.close = in_order_close

/* Of the operations of a PDU: */
int in_order_pdu_begin(void *ctx, enum dir dir, const struct pdu *p);
void in_order_bytes(void *ctx, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		    int64_t now);
void in_order_missing(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now);
void in_order_lost(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now);
int in_order_resumes(void *ctx, enum dir dir, const uint8_t *data, size_t len);
void in_order_stray(void *ctx, enum dir dir, uint64_t len, int64_t now);

#endif
