/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AMQP 0-9-1 with RabbitMQ's extensions: what its files share. Sections are those of 0-9-1. */
#ifndef CLEARTAP_AMQP_H
#define CLEARTAP_AMQP_H

#include <sys/queue.h>

#include "base/limits.h"
#include "dissect/framed.h"

struct items;

enum { AMQP_METHOD = 1, AMQP_HEADER = 2, AMQP_BODY = 3, AMQP_HEARTBEAT = 8 };
#define AMQP_HEAD      7 /* bytes of a frame before its payload; one more ends it */
#define AMQP_ARGUMENTS (AMQP_HEAD + 4)
#define AMQP_END       0xce

/* LOGIN: of the one exchange that begins a connection; MESSAGE: content follows, no answer. */
enum amqp_kind {
	AMQP_KIND_ASK,
	AMQP_KIND_ANSWER,
	AMQP_KIND_TELL,
	AMQP_KIND_MESSAGE,
	AMQP_KIND_ACK,
	AMQP_KIND_LOGIN
};
enum amqp_side { AMQP_SIDE_CLIENT, AMQP_SIDE_SERVER, AMQP_SIDE_EITHER };
enum amqp_type {
	AMQP_TYPE_END,
	AMQP_TYPE_BIT,
	AMQP_TYPE_U8,
	AMQP_TYPE_U16,
	AMQP_TYPE_U32,
	AMQP_TYPE_U64,
	AMQP_TYPE_SHORT,
	AMQP_TYPE_LONG,
	AMQP_TYPE_TABLE,
	AMQP_TYPE_SECRET
};
/* Arguments that say how it goes on. */
enum amqp_role {
	AMQP_ROLE_NONE,
	AMQP_ROLE_TAG,
	AMQP_ROLE_NO_WAIT,
	AMQP_ROLE_NO_ACK,
	AMQP_ROLE_CODE,
	AMQP_ROLE_CLASS,
	AMQP_ROLE_METHOD,
	AMQP_ROLES
};

struct amqp_argument {
	enum amqp_type type;
	const char *name; /* NULL: not shown */
	enum amqp_role role;
};

struct amqp_method {
	uint16_t class_id, id;
	const char *name;
	enum amqp_kind kind;
	enum amqp_side side; /* who sends it */
	uint16_t answers;    /* id of its request, of the same class */
	struct amqp_argument arguments[10];
};

/* What the keys of exchanges are of. */
enum amqp_key_kind { AMQP_KEY_LOGIN = 1, AMQP_KEY_ASK, AMQP_KEY_TAG, AMQP_KEY_CONSUMER };

static inline uint64_t amqp_key(enum amqp_key_kind kind, unsigned channel, uint64_t what)
{
	return (uint64_t)kind << 60 | (uint64_t)channel << 44 | (what & ((1ULL << 44) - 1));
}

/* What an exchange of a channel waits for. */
enum amqp_wait { AMQP_ASKED, AMQP_PUBLISHED, AMQP_DELIVERED, AMQP_CONSUMERS, AMQP_WAITS };

TAILQ_HEAD(amqp_waiting, amqp_exchange);

struct amqp_exchange {
	struct framed_exchange f;	  /* first */
	const struct amqp_method *method; /* that asks; NULL: none was seen */
	const char *name;		  /* where that is not of a method: a constant */
	struct amqp_channel *channel;	  /* NULL: of none, or that has ended */
	struct amqp_waiting *list;	  /* of its channel; NULL: does not wait */
	TAILQ_ENTRY(amqp_exchange) next;
	uint64_t tag;	      /* of delivery or publication, where it waits for an ack of it */
	bool due;	      /* its message is answered */
	struct items *items;  /* of a consumer: what it got */
	struct text consumer; /* its tag, in one of its messages */
	const char *status;   /* a constant; NULL: none */
	bool failed, no_ack;
};

/* The content that goes on in a direction of a channel. */
struct amqp_content {
	struct amqp_exchange *x; /* NULL: none */
	enum part part;
	bool sized;    /* its header has come, */
	uint64_t left; /* and so much of its body is to come */
};

struct amqp_channel {
	TAILQ_ENTRY(amqp_channel) by_use; /* the longest idle one comes first */
	struct amqp_channel *chain;
	uint16_t number;
	bool counted[2];		/* by enum part: all that this side sent was seen */
	bool confirms;			/* what is published is acknowledged */
	bool acks;			/* the client acknowledges what it gets */
	bool ahead;			/* it asked before it had an answer */
	uint64_t published;		/* since it confirms */
	uint64_t delivered;		/* the highest tag */
	struct amqp_content content[2]; /* by enum dir */
	struct amqp_waiting waiting[AMQP_WAITS];
};

#define AMQP_CHAINS 64

struct amqp {
	struct framed f; /* first */
	TAILQ_HEAD(, amqp_channel) channels;
	struct amqp_channel *chain[AMQP_CHAINS];
	unsigned channel_count, consumers;
	uint64_t at[2], end[2];	 /* by enum dir: the next byte of the frame, and its last one */
	uint64_t payload_end[2]; /* of a body; 0: it is none */
	bool bad[2];		 /* the frame does not end as it should */
};

/* The channel, which is new when it is not known yet; NULL when out of memory. */
struct amqp_channel *amqp_channel_of(struct amqp *m, unsigned number);
/* Nothing more comes on it: what waits is told, `why` it has no answer. */
void amqp_end_channel(struct amqp *m, struct amqp_channel *ch, const char *why);
void amqp_free_channel(struct amqp *m, struct amqp_channel *ch, const char *why);
void amqp_list(struct amqp_exchange *q, enum amqp_wait which);
void amqp_unlist(struct amqp_exchange *q);
void amqp_free_exchange(struct exchange *x);
/* Requests and answers may have been lost since it began. */
bool amqp_missed_both(const struct amqp_exchange *q);
/* Its answer is in what answers another, or is that its channel is closed. */
void amqp_answer_elsewhere(struct amqp *m, struct amqp_exchange *q, const char *status, bool failed,
			   const struct pdu *p);
/* As exchange_leave_alone(). */
void amqp_leave_alone(struct amqp *m, struct amqp_exchange *q, const char *why);
/* From now on the exchange goes on, and lists what comes to its tag. */
void amqp_begin_consumer(struct amqp *m, struct amqp_channel *ch, struct amqp_exchange *q);
void amqp_end_consumer(struct amqp *m, struct amqp_exchange *q);
struct amqp_exchange *amqp_find_consumer(struct amqp *m, const struct amqp_channel *ch,
					 struct text tag);
/* What goes on in a direction of the channel has ended; `why` (NULL: well) it does not go on. */
void amqp_end_content(struct amqp *m, struct amqp_channel *ch, enum dir dir, const char *why);

/* What a method says beyond its members. */
struct amqp_read {
	uint64_t value[AMQP_ROLES];
	bool failed; /* it is cut off, or is not what it should be */
};

/* NULL: there is none. */
const struct amqp_method *amqp_method(unsigned class_id, unsigned id);
static inline uint64_t amqp_key_of_ask(const struct amqp_channel *ch, const struct amqp_method *m,
				       enum dir asks)
{
	return amqp_key(AMQP_KEY_ASK, ch->number,
			(uint64_t)asks << 32 | (uint64_t)m->class_id << 16 | m->id);
}

static inline uint64_t amqp_key_of_tag(const struct amqp_channel *ch, enum amqp_wait list,
				       uint64_t tag)
{
	return amqp_key(AMQP_KEY_TAG, ch->number, tag << 1 | (list == AMQP_DELIVERED));
}

static inline uint64_t amqp_number(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

static inline unsigned amqp_channel_number(const uint8_t *frame)
{
	return (unsigned)amqp_number(frame + 1, 2);
}

static inline const struct amqp_method *amqp_method_of(const uint8_t *frame)
{
	return amqp_method((unsigned)amqp_number(frame + AMQP_HEAD, 2),
			   (unsigned)amqp_number(frame + 9, 2));
}

static inline enum part amqp_part_of(const struct framed *f, enum dir dir)
{
	return dir == f->client ? PART_REQUEST : PART_RESPONSE;
}

/*
 * A frame begins: the exchange that it belongs to, and as what (*ret_part, PART_REQUEST unless
 * written); NULL when out of memory.
 */
struct amqp_exchange *amqp_begin_frame(struct amqp *m, enum dir dir, const struct pdu *p,
				       enum part *ret_part);
/* Read arguments of a method, as far as they are there, into the message; NULL: look only. */
void amqp_read_method(const struct amqp_method *m, const struct pdu *p, struct message *msg,
		      struct amqp_read *ret);
/* The same of a content header (4.2.6.1); *ret_size: of the body. False: it is none. */
bool amqp_read_header(const struct pdu *p, struct message *msg, uint64_t *ret_size);
/* What a reply code says (a constant). */
const char *amqp_code(unsigned code);
/* The text of a member; empty when there is none. */
struct text amqp_member(const struct message *m, const char *name);
/* What the list shows of it. */
const char *amqp_summary(struct entry *e);

#endif
