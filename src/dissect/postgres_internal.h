/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PostgreSQL's protocol, version 3: what postgres.c (who answers what), postgres_request.c,
 * postgres_answer.c and postgres_value.c share. */
#ifndef CLEARTAP_POSTGRES_INTERNAL_H
#define CLEARTAP_POSTGRES_INTERNAL_H

#include "base/limits.h"
#include "dissect/in_order.h"
#include "dissect/sql.h"

#define PG_KEEP	   (LIMIT_RENDERED_BYTES + 64)
#define PG_EXPECT  64 /* messages of one exchange that are answered one by one */
#define PG_COLUMNS 32 /* of a result that are shown */

struct pg_column {
	struct buf name;
	uint32_t type;
	bool binary;
};

struct pg_exchange {
	struct exchange x;
	const char *method; /* a constant */
	struct buf line, status, error;
	struct buf statement; /* name of the prepared statement */
	char sqlstate[6];
	char expect[PG_EXPECT]; /* messages that wait for their answers, by type */
	unsigned expected, answered;
	bool executes; /* an Execute came: the next message but Sync begins another exchange */
	bool failed;
	uint64_t rows, shown; /* of the last result, and of it in the body */
	unsigned results;
	bool listing; /* a list of rows has begun */
	struct pg_column columns[PG_COLUMNS];
	unsigned column_count;
	uint64_t secret; /* parameters, as sql_put_masked() tells */
};

struct postgres {
	struct in_order o;
	struct pg_exchange *unit;  /* whose request goes on */
	struct pg_exchange *copy;  /* that gets what the client copies */
	struct pg_exchange *alone; /* an answer without a request that goes on */
	bool aborted;		   /* after an error nothing is run until a Sync */
	struct sql_statements statements, portals;
	struct buf scratch;
};

static inline struct pg_exchange *pg_of(struct exchange *x)
{
	return (struct pg_exchange *)x;
}

/* What its texts take counts. */
void pg_count(struct pg_exchange *x);

/* What is left of a message that is read from its start; nothing is read past its end. */
struct pg_reader {
	const uint8_t *p;
	size_t len;
	bool cut; /* there was less than asked for */
};

static inline uint32_t pg_be(struct pg_reader *r, size_t n)
{
	uint32_t v = 0;

	if (n > r->len) {
		r->cut = true;
		r->len = 0;
		return 0;
	}
	r->len -= n;
	while (n--)
		v = v << 8 | *r->p++;
	return v;
}

struct text pg_string(struct pg_reader *r);

/* postgres_request.c */
/* A message begins; p->now[client] is what it belongs to. */
void pg_request_begin(struct postgres *p, const struct pdu *d);
int pg_request_whole(struct postgres *p, const struct pdu *d);
/* Nothing more comes to the request that goes on. */
void pg_unit_end(struct postgres *p, int64_t now);

/* postgres_answer.c */
int pg_answer_begin(struct postgres *p, const struct pdu *d);
int pg_answer_whole(struct postgres *p, const struct pdu *d);
void pg_forget_columns(struct pg_exchange *x);
/* All that it waits for has come. */
void pg_end_answer(struct postgres *p, struct pg_exchange *x, int64_t now);

/* postgres_value.c */
/* A value as JSON has it. */
void pg_put_value(struct buf *out, uint32_t type, bool binary, const uint8_t *data, size_t len);

/* postgres_probe.c */
int pg_probe(enum dir dir, const uint8_t *data, size_t len);
/* 1; 0: more bytes are needed to tell; -EPROTO. */
int pg_resumes(bool request, const uint8_t *data, size_t len);
/* Bytes of the message that begins here; 0: more are needed; -EPROTO. */
int64_t pg_length(bool request, const uint8_t *data, size_t len);

#endif
