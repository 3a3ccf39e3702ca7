// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MySQL and MariaDB, from the client's login on, which is the first that TLS hides: a command and
 * all that answers it are an entry, with the SQL that it stands for.
 */
#include "dissect/mysql_internal.h"

#include <errno.h>

#include "entry.h"

static void fill(const struct exchange *x, struct entry *e)
{
	const struct my_exchange *q = (const struct my_exchange *)x;

	e->method = q->command ? q->command->name : "";
	e->summary = entry_text(e, q->line.data,
				q->line.len < LIMIT_SUMMARY ? q->line.len : LIMIT_SUMMARY);
	e->status = entry_text(e, q->status.data, q->status.len);
	e->failed = q->failed;
}

void my_count(struct my_exchange *x)
{
	exchange_holds(&x->x,
		       x->line.cap + x->status.cap + x->error.cap + x->sql.cap + x->columns.cap);
}

static void free_texts(struct exchange *x)
{
	struct my_exchange *q = my_of(x);

	buf_free(&q->line);
	buf_free(&q->status);
	buf_free(&q->error);
	buf_free(&q->sql);
	buf_free(&q->columns);
}

/* Packets that begin nothing are numbered as what goes on; it does not, and nothing was lost. */
static bool is_unasked(const struct mysql *m, enum dir dir, uint8_t number)
{
	return m->spoke && number && !m->o.l.head && !m->split[dir] && !m->zip && !m->o.doubt &&
	       !m->o.blind;
}

static int64_t length(void *ctx, enum dir dir, const uint8_t *data, size_t len, size_t seen)
{
	const struct mysql *m = ctx;

	(void)seen;
	if (len >= MY_HEAD && is_unasked(m, dir, data[3]))
		return -EPROTO;
	if (dir != m->o.client || m->split[dir])
		return my_length(data, len);
	/* Whether it is a login its first bytes must tell. */
	if (!m->spoke && !my_is_login(data, len))
		return 0;
	int64_t size = my_length(data, len);
	bool begins = size > MY_HEAD && !data[3];
	return begins && !my_command(data[MY_HEAD]) ? -EPROTO : size;
}

static int begin(struct in_order *o, enum dir dir, const struct pdu *p)
{
	struct mysql *m = (struct mysql *)o;
	struct pdu at = *p;

	if (m->zip)
		at.offset = m->wrap[dir].offset;
	return dir == o->client ? my_request_begin(m, &at) : my_answer_begin(m, &at);
}

static int whole(void *ctx, enum dir dir, const struct pdu *p)
{
	struct mysql *m = ctx;
	bool goes_on = m->split[dir];

	m->split[dir] = p->size == MY_HEAD + MY_SPLIT;
	/* What is long is read in its first packet. */
	if (goes_on && dir != m->o.client) {
		m->o.now[dir] = NULL;
		return 0;
	}
	return dir == m->o.client ? my_request_whole(m, p) : my_answer_whole(m, p);
}

static void bytes(void *ctx, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		  int64_t now)
{
	struct mysql *m = ctx;

	if (m->zip)
		my_zip_settle(m, dir, now);
	else
		in_order_bytes(ctx, dir, data, len, offset, now);
}

static void missing(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct mysql *m = ctx;

	if (m->zip)
		my_zip_settle(m, dir, now);
	in_order_missing(ctx, dir, m->zip ? 0 : len, why, now);
}

static struct exchange *going_on(struct in_order *o, enum dir dir)
{
	const struct mysql *m = (const struct mysql *)o;
	const struct my_exchange *asking = m->asking ? m->asking : m->sending;
	const struct my_exchange *x = dir == o->client ? asking : m->answering;

	return o->now[dir] ? o->now[dir] : x ? (struct exchange *)&x->x : NULL;
}

static void pdu_lost(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct mysql *m = ctx;

	if (m->zip)
		my_zip_settle(m, dir, now);
	in_order_lost(ctx, dir, m->zip ? 0 : len, why, now);
}

static void stray(void *ctx, enum dir dir, uint64_t len, int64_t now)
{
	in_order_stray(ctx, dir, ((struct mysql *)ctx)->zip ? 0 : len, now);
}

/* What was kept open for an answer that will not come to an end. */
static void end_requests(struct mysql *m, bool all)
{
	for (struct exchange *x = m->o.l.head, *next; x; x = next) {
		next = x->next;
		if (my_of(x)->keeps_open && !x->done[PART_REQUEST] && x->message[PART_REQUEST] &&
		    (all || x->done[PART_RESPONSE] || x->alone))
			exchange_end_part(&m->o.l, x, PART_REQUEST,
					  x->message[PART_REQUEST]->end_us);
	}
}

/* Whether a packet describes a column or is a row those before it tell. */
static enum in_order_rest rest(struct in_order *o, struct exchange *x)
{
	(void)x;
	return ((const struct mysql *)o)->zip ? REST_NOBODYS : REST_UNREAD;
}

static void lost(struct in_order *o, enum dir dir, struct exchange *x, int64_t now)
{
	struct mysql *m = (struct mysql *)o;

	m->split[dir] = false;
	if (dir != o->client) {
		m->answering = NULL;
		end_requests(m, false);
		return;
	}
	m->asking = NULL;
	/* What was closed or prepared meanwhile, under numbers that are known too, nobody knows. */
	sql_statements_free(&m->statements);
	if (x)
		exchange_end_part(&o->l, x, PART_REQUEST, now);
}

static void gone(struct in_order *o, const struct exchange *x)
{
	struct mysql *m = (struct mysql *)o;
	struct my_exchange **const own[] = { &m->asking, &m->sending, &m->answering };

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (*own[i] && &(*own[i])->x == x)
			*own[i] = NULL;
}

static void end(struct in_order *o, int64_t now)
{
	struct mysql *m = (struct mysql *)o;

	if (m->answering && m->answering->may_end)
		my_answer_end(m, m->answering, now);
	end_requests(m, true);
	sql_statements_free(&m->statements);
	for (int dir = 0; dir < 2; dir++)
		pdu_free(&m->outer[dir]);
	buf_free(&m->scratch);
}

static const struct in_order_ops ops = {
	.name = "mysql",
	.size = sizeof(struct mysql),
	.pdu = { .keep = MY_KEEP,
		 .length = length,
		 .begin = in_order_pdu_begin,
		 .bytes = bytes,
		 .gap = missing,
		 .whole = whole,
		 .lost = pdu_lost,
		 .resumes = in_order_resumes,
		 .stray = stray },
	.exchange = { "mysql", sizeof(struct my_exchange), fill, free_texts },
	.begin = begin,
	.resumes = my_resumes,
	.client_of = my_client_of,
	.going_on = going_on,
	.rest = rest,
	.lost = lost,
	.gone = gone,
	.end = end,
};

static void *mysql_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	struct mysql *m = in_order_open(sink, hint, &ops);

	if (m)
		m->statements.account = m->outer[0].account = m->outer[1].account = sink->account;
	return m;
}

/* After the login both directions may go on compressed, within the bytes of one call. */
static int mysql_feed(void *state, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		      int64_t now)
{
	struct mysql *m = state;

	if (m->zip)
		return my_zip_feed(m, dir, data, len, offset, now);
	int r = in_order_feed(state, dir, data, len, offset, now);
	size_t taken = m->o.taken;
	if (!r || !m->zip)
		return r;
	r = my_zip_feed(m, dir, data + taken, len - taken, offset + taken, now);
	m->o.taken += taken;
	return r;
}

static int mysql_gap(void *state, enum dir dir, uint64_t len, uint64_t offset, enum gap_why why,
		     int64_t now)
{
	struct mysql *m = state;

	if (m->zip)
		return my_zip_gap(m, dir, len, offset, why, now);
	int r = in_order_gap(state, dir, len, offset, why, now);
	/* The login ended within the gap, of which nobody knows what comes behind it. */
	m->outer[dir].lost = m->zip_seek[dir] = m->zip;
	return m->zip ? 0 : r;
}

static void mysql_become(void *state, struct become *ret)
{
	struct mysql *m = state;

	for (int dir = 0; m->zip && dir < 2; dir++) {
		pdu_free(&m->o.in[dir]);
		m->o.in[dir] = m->outer[dir];
		m->outer[dir] = (struct pdu_stream){ 0 };
	}
	in_order_become(state, ret);
}

const struct dissector dissect_mysql = {
	.name = "mysql",
	.probe = my_probe,
	.open = mysql_open,
	.feed = mysql_feed,
	.gap = mysql_gap,
	.idle = in_order_idle,
	.tick = in_order_tick,
	.alive = in_order_alive,
	.become = mysql_become,
	.give_way = in_order_give_way,
	.close = in_order_close,
};
