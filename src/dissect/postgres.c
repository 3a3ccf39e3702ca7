// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PostgreSQL, from the first message inside TLS on: a simple query is an entry, and so is each
 * Execute with the Parse, Bind and Describe before it and the Sync behind it, with the SQL that it
 * stands for. What the server says by itself (NOTIFY) is one, too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/account.h"
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

static const struct exchange_ops exchange_ops = {
	.protocol = "postgres",
	.size = sizeof(struct pg_exchange),
	.fill = fill,
	.free = free_texts,
};

static enum part part_of(const struct postgres *p, enum dir dir)
{
	return dir == p->client ? PART_REQUEST : PART_RESPONSE;
}

static int64_t length(void *ctx, enum dir dir, const uint8_t *data, size_t len, size_t seen)
{
	(void)seen;
	return pg_length(dir == ((struct postgres *)ctx)->client, data, len);
}

static int begin(void *ctx, enum dir dir, const struct pdu *d)
{
	struct postgres *p = ctx;
	int r = 0;

	if (dir == p->client)
		pg_request_begin(p, d);
	else
		r = pg_answer_begin(p, d);
	struct exchange *x = p->now[dir];
	if (x && p->stray[dir])
		message_add_number(x->message[part_of(p, dir)], "skipped", (int64_t)p->stray[dir]);
	p->stray[dir] = 0;
	return r;
}

static int whole(void *ctx, enum dir dir, const struct pdu *d)
{
	struct postgres *p = ctx;

	return dir == p->client ? pg_request_whole(p, d) : pg_answer_whole(p, d);
}

static void bytes(void *ctx, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		  int64_t now)
{
	struct postgres *p = ctx;

	if (p->now[dir])
		exchange_bytes(p->now[dir], part_of(p, dir), data, len, offset, now);
}

static void gap(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct postgres *p = ctx;

	if (p->now[dir])
		exchange_gap(p->now[dir], part_of(p, dir), len, why, now);
}

/* The exchange in which bytes are missing: the one that goes on in that direction. */
static struct exchange *going_on(const struct postgres *p, enum dir dir)
{
	struct exchange *x = p->now[dir];

	if (x)
		return x;
	if (dir == p->client)
		return p->unit ? &p->unit->x : NULL;
	x = p->alone ? &p->alone->x : exchange_waiting(&p->l);
	return x && x->message[PART_RESPONSE] ? x : NULL;
}

static void lost(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct postgres *p = ctx;
	struct exchange *x = going_on(p, dir);

	if (x)
		exchange_gap(x, part_of(p, dir), len, why, now);
	p->now[dir] = NULL;
	if (dir != p->client) {
		p->copy = p->alone = NULL;
		p->aborted = false;
	}
	p->seek[dir] = true;
	in_order_lost(&p->order, &p->l, part_of(p, dir));
	if (dir != p->client)
		return;
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

/* Looked for where the lost bytes end and at each change of direction, however bytes are cut. */
static int resumes(void *ctx, enum dir dir, const uint8_t *data, size_t len)
{
	struct postgres *p = ctx;

	if (!p->seek[dir])
		return -EPROTO;
	int found = pg_resumes(dir == p->client, data, len);
	p->seek[dir] = !found;
	return found;
}

static void stray(void *ctx, enum dir dir, uint64_t len, int64_t now)
{
	struct postgres *p = ctx;

	if (p->now[dir])
		exchange_unread(p->now[dir], part_of(p, dir), len, now);
	else
		p->stray[dir] += len;
}

static const struct pdu_ops pdu_ops = {
	.keep = PG_KEEP,
	.length = length,
	.begin = begin,
	.bytes = bytes,
	.gap = gap,
	.whole = whole,
	.lost = lost,
	.resumes = resumes,
	.stray = stray,
};

static enum dir client_of(const struct first_bytes *first)
{
	if (!first)
		return DIR_WRITE;
	for (int dir = 0; dir < 2; dir++)
		if (first[dir].len &&
		    (!first[dir].data[0] || pg_resumes(true, first[dir].data, first[dir].len) > 0))
			return (enum dir)dir;
	return first[DIR_WRITE].len ? DIR_READ : DIR_WRITE;
}

static void gone(void *owner, const struct exchange *x)
{
	struct postgres *p = owner;
	struct pg_exchange **const own[] = { &p->unit, &p->alone, &p->copy };

	for (int dir = 0; dir < 2; dir++)
		if (p->now[dir] == x)
			p->now[dir] = NULL;
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (*own[i] && &(*own[i])->x == x)
			*own[i] = NULL;
}

static void *postgres_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	struct postgres *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	exchanges_begin(&p->l, sink, &exchange_ops);
	p->l.gone = gone;
	p->l.owner = p;
	p->in[0].account = p->in[1].account = sink->account;
	p->statements.account = p->portals.account = sink->account;
	account_change(sink->account, 0, sizeof(*p));
	p->order.doubt = hint->lossy;
	p->client = hint->opener_known ? hint->opener : client_of(hint->first);
	p->l.client = p->client == DIR_WRITE;
	return p;
}

static int postgres_feed(void *state, enum dir dir, const uint8_t *data, size_t len,
			 uint64_t offset, int64_t now)
{
	struct postgres *p = state;

	p->seek[dir] |= dir != p->last_dir;
	p->last_dir = dir;
	p->taken = 0;
	return pdu_feed(&p->in[dir], &pdu_ops, p, dir, data, len, offset, now, &p->taken)
		       ? DISSECT_BECOME
		       : 0;
}

static int postgres_gap(void *state, enum dir dir, uint64_t len, uint64_t offset, enum gap_why why,
			int64_t now)
{
	struct postgres *p = state;

	return pdu_gap(&p->in[dir], &pdu_ops, p, dir, len, offset, why, now);
}

static void postgres_become(void *state, struct become *ret)
{
	struct postgres *p = state;

	*ret = (struct become){
		.hint = { .opener_known = true, .opener = p->client, .gave_up = "postgres" }
	};
	pdu_become(p->in, p->last_dir, p->taken, ret);
	p->broken = true;
}

static void postgres_idle(void *state, int64_t now)
{
	struct postgres *p = state;

	in_order_quiet(&p->order);
	(void)now;
}

static void postgres_tick(void *state, int64_t now)
{
	exchanges_tick(&((struct postgres *)state)->l, now);
}

static bool postgres_alive(const void *state)
{
	return ((const struct postgres *)state)->l.head != NULL;
}

static void postgres_give_way(void *state)
{
	exchanges_give_way(&((struct postgres *)state)->l);
}

static void postgres_close(void *state, int64_t now)
{
	struct postgres *p = state;

	pg_unit_end(p, now);
	exchanges_end(&p->l, p->broken ? "what followed was not understood"
				       : "no answer before the connection ended");
	sql_statements_free(&p->statements);
	sql_statements_free(&p->portals);
	pdu_free(&p->in[0]);
	pdu_free(&p->in[1]);
	buf_free(&p->scratch);
	account_change(p->l.sink.account, sizeof(*p), 0);
	free(p);
}

const struct dissector dissect_postgres = {
	.name = "postgres",
	.probe = pg_probe,
	.open = postgres_open,
	.feed = postgres_feed,
	.gap = postgres_gap,
	.idle = postgres_idle,
	.tick = postgres_tick,
	.alive = postgres_alive,
	.give_way = postgres_give_way,
	.become = postgres_become,
	.close = postgres_close,
};
