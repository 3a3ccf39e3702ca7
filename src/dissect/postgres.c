// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PostgreSQL, from the first message inside TLS on: a simple query is an entry, and so is each
 * Execute with the Parse, Bind and Describe before it and the Sync behind it, with the SQL that it
 * stands for. What the server says by itself (NOTIFY) is one, too.
 */
#include "dissect/postgres_internal.h"
#include "entry.h"

static void fill(const struct exchange *x, struct entry *e)
{
	const struct pg_exchange *q = (const struct pg_exchange *)x;

	e->method = q->method ? q->method : "";
	e->summary = entry_text(e, q->line.data,
				q->line.len < LIMIT_SUMMARY ? q->line.len : LIMIT_SUMMARY);
	e->status = entry_text(e, q->status.data, q->status.len);
	e->failed = q->failed;
	e->version = "3";
}

void pg_count(struct pg_exchange *x)
{
	size_t n = x->line.cap + x->status.cap + x->error.cap + x->statement.cap;

	for (unsigned i = 0; i < x->column_count; i++)
		n += x->columns[i].name.cap;
	exchange_holds(&x->x, n);
}

static void free_texts(struct exchange *x)
{
	struct pg_exchange *q = pg_of(x);

	for (unsigned i = 0; i < q->column_count; i++)
		buf_free(&q->columns[i].name);
	buf_free(&q->line);
	buf_free(&q->status);
	buf_free(&q->error);
	buf_free(&q->statement);
}

static int64_t length(void *ctx, enum dir dir, const uint8_t *data, size_t len, size_t seen)
{
	(void)seen;
	return pg_length(dir == ((struct postgres *)ctx)->o.client, data, len);
}

static int begin(struct in_order *o, enum dir dir, const struct pdu *d)
{
	struct postgres *p = (struct postgres *)o;

	if (dir != o->client)
		return pg_answer_begin(p, d);
	pg_request_begin(p, d);
	return 0;
}

static int whole(void *ctx, enum dir dir, const struct pdu *d)
{
	struct postgres *p = ctx;

	return dir == p->o.client ? pg_request_whole(p, d) : pg_answer_whole(p, d);
}

static struct exchange *going_on(struct in_order *o, enum dir dir)
{
	const struct postgres *p = (const struct postgres *)o;
	struct exchange *x = o->now[dir];

	if (x)
		return x;
	if (dir == o->client)
		return p->unit ? &p->unit->x : NULL;
	x = p->alone ? &p->alone->x : exchange_waiting(&o->l);
	return x && x->message[PART_RESPONSE] ? x : NULL;
}

/* Messages say what they are; of which columns rows are, lost ones may have said. */
static enum in_order_rest rest(struct in_order *o, struct exchange *x)
{
	(void)o;
	pg_forget_columns(pg_of(x));
	return REST_READ;
}

static void lost(struct in_order *o, enum dir dir, struct exchange *x, int64_t now)
{
	struct postgres *p = (struct postgres *)o;

	(void)x;
	if (dir != o->client) {
		p->copy = p->alone = NULL;
		p->aborted = false;
		return;
	}
	/* What was prepared meanwhile, under names that are known too, nobody knows. */
	sql_statements_free(&p->statements);
	sql_statements_free(&p->portals);
	/* What else came of it neither: its answer goes on to the next ReadyForQuery. */
	if (p->unit && (!p->unit->expected || p->unit->expect[p->unit->expected - 1] != 'S')) {
		p->unit->expect[0] = 'S';
		p->unit->expected = 1;
		p->unit->answered = 0;
	}
	pg_unit_end(p, now);
}

static enum dir client_of(const struct first_bytes *first)
{
	for (int dir = 0; dir < 2; dir++)
		if (first[dir].len &&
		    (!first[dir].data[0] || pg_resumes(true, first[dir].data, first[dir].len) > 0))
			return (enum dir)dir;
	return first[DIR_WRITE].len ? DIR_READ : DIR_WRITE;
}

static void gone(struct in_order *o, const struct exchange *x)
{
	struct postgres *p = (struct postgres *)o;
	struct pg_exchange **const own[] = { &p->unit, &p->alone, &p->copy };

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (*own[i] && &(*own[i])->x == x)
			*own[i] = NULL;
}

static void end(struct in_order *o, int64_t now)
{
	struct postgres *p = (struct postgres *)o;

	pg_unit_end(p, now);
	sql_statements_free(&p->statements);
	sql_statements_free(&p->portals);
	buf_free(&p->scratch);
}

static const struct in_order_ops ops = {
	.name = "postgres",
	.size = sizeof(struct postgres),
	.pdu = { IN_ORDER_PDU_OPS, .keep = PG_KEEP, .length = length, .whole = whole },
	.exchange = { "postgres", sizeof(struct pg_exchange), fill, free_texts },
	.begin = begin,
	.resumes = pg_resumes,
	.client_of = client_of,
	.going_on = going_on,
	.rest = rest,
	.lost = lost,
	.gone = gone,
	.end = end,
};

static void *postgres_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	struct postgres *p = in_order_open(sink, hint, &ops);

	if (p)
		p->statements.account = p->portals.account = sink->account;
	return p;
}

const struct dissector dissect_postgres = {
	.name = "postgres",
	.probe = pg_probe,
	.open = postgres_open,
	IN_ORDER_DISSECTOR_OPS,
};
