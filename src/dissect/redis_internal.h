/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RESP, the protocol of Redis: what redis.c (who answers what), redis_answer.c, redis_text.c and
 * redis_probe.c share. */
#ifndef CLEARTAP_REDIS_INTERNAL_H
#define CLEARTAP_REDIS_INTERNAL_H

#include "base/limits.h"
#include "dissect/in_order.h"

#define REDIS_KEEP (LIMIT_RENDERED_BYTES + 64) /* of a string, with its length before it */
#define REDIS_WORD 24			       /* bytes of the longest name of a command */

/* An element: its first line, "$5\r\n", and for strings with a length what follows. */
struct resp_head {
	char type;
	int64_t n;   /* the number in the line; of a line of text, its length */
	size_t size; /* of the line, with its end */
};

/* An aggregate that goes on. */
struct resp_level {
	uint64_t left, done; /* elements; of a map names and values */
	char type;
	bool secret; /* the name that came last is that of a secret */
};

/* The elements of one direction. */
struct resp {
	struct resp_level levels[LIMIT_RESP_DEPTH];
	unsigned depth;
	unsigned quiet; /* depth from which on nothing is written; 0: all is */
	unsigned argument;
	char word[REDIS_WORD]; /* the first string of an array, in upper case */
	int64_t number;	       /* the last number in it */
};

struct redis_exchange {
	struct exchange x;
	char name[REDIS_WORD], sub[REDIS_WORD]; /* upper case */
	struct buf line;			/* the command as people write it, of a bound */
	struct buf key, status;
	uint64_t arguments; /* the command's name is the first */
	int64_t replies;    /* that it gets; 0: as many as there are subscriptions */
	uint8_t key_at;	    /* 0: none */
	uint8_t masked;	    /* arguments that are secrets, after the one that said so */
	bool inlined, notice, failed;
	bool named;   /* the last argument, or the key, is the name of a secret */
	bool hides;   /* what it answers is */
	bool unknown; /* bytes of the command's name are missing */
	bool pairs;   /* it answers names and values */
	bool json;    /* its answer is more than one value */
};

struct redis {
	struct in_order o;
	struct resp resp[2];
	int64_t subscribed[3];	  /* channels, patterns, shard channels */
	struct exchange *monitor; /* whose answer goes on for good */
	bool silent, skip;	  /* CLIENT REPLY: nothing is answered; nor is the next one */
	struct buf scratch;
};

static inline struct redis_exchange *redis_of(struct exchange *x)
{
	return (struct redis_exchange *)x;
}

/* What its texts take counts. */
static inline void redis_count(struct redis_exchange *x)
{
	exchange_holds(&x->x, x->line.cap + x->key.cap + x->status.cap);
}

/* redis_text.c */
/* Upper case, as much as fits. */
void redis_word(char out[static REDIS_WORD], const uint8_t *text, size_t len);
/* An argument as people write it: with quotes where it needs them. */
void redis_put_argument(struct buf *out, const uint8_t *text, size_t len);
/* Is it the name of a secret: "user:1:password", "requirepass"? */
bool redis_names_secret(const uint8_t *text, size_t len);
/* An argument of the command, which is told to be text of it. `missing` bytes of it are not there.
 */
void redis_request_argument(struct redis *r, struct redis_exchange *x, const uint8_t *text,
			    size_t len, uint64_t missing);
/* A line of MONITOR, with the secrets in it masked. */
void redis_put_monitored(struct buf *out, const uint8_t *line, size_t len);

/* redis.c */
void redis_end_answer(struct redis *r, struct redis_exchange *x, int64_t now);

/* redis_answer.c */
int redis_answer_begin(struct redis *r, const struct pdu *p);
int redis_answer_whole(struct redis *r, const struct pdu *p);

/* redis_probe.c */
/* Which argument of that command, in upper case, is its key; -1: no such command. */
int redis_command_key(const char *name);
/* The head of the element that begins here: 1; 0: more bytes are needed; -EPROTO. */
int resp_head(const uint8_t *data, size_t len, size_t seen, struct resp_head *ret);
/* Its length, with what it says of itself; 0: more are needed; -EPROTO. */
int64_t resp_length(const uint8_t *data, size_t len, size_t seen);
int redis_probe(enum dir dir, const uint8_t *data, size_t len);
/* Do requests, answers, begin like this? 1; 0: more bytes are needed to tell; -EPROTO. */
int redis_resumes(bool request, const uint8_t *data, size_t len);

#endif
