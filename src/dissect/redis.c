// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Redis, RESP2 and RESP3: a command and its answer are an entry, and so is what the server sends by
 * itself (messages of subscriptions, invalidations). MONITOR is one that goes on.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/account.h"
#include "dissect/redis_internal.h"
#include "entry.h"

static void fill(const struct exchange *x, struct entry *e)
{
	const struct redis_exchange *q = (const struct redis_exchange *)x;

	e->method = entry_text(e, q->name, strlen(q->name));
	e->summary = entry_text(e, q->line.data,
				q->line.len < LIMIT_SUMMARY ? q->line.len : LIMIT_SUMMARY);
	e->status = entry_text(e, q->status.data, q->status.len);
	e->failed = q->failed;
}

static void free_texts(struct exchange *x)
{
	buf_free(&redis_of(x)->line);
	buf_free(&redis_of(x)->key);
	buf_free(&redis_of(x)->status);
}

static const struct exchange_ops exchange_ops = {
	.protocol = "redis",
	.size = sizeof(struct redis_exchange),
	.fill = fill,
	.free = free_texts,
};

static enum part part_of(const struct redis *r, enum dir dir)
{
	return dir == r->client ? PART_REQUEST : PART_RESPONSE;
}

/* The first string of an array comes with the array's length: it tells what the array is. */
static int64_t answer_length(const uint8_t *data, size_t len, size_t seen, bool outermost)
{
	struct resp_head h;
	if (!outermost || (*data != '*' && *data != '>'))
		return resp_length(data, len, seen);
	int r = resp_head(data, len, 0, &h);
	if (r <= 0 || h.n < 1)
		return r <= 0 ? r : (int64_t)h.size;
	int64_t first = len > h.size ? resp_length(data + h.size, len - h.size, 0) : 0;
	if (first <= 0)
		return first;
	bool short_word = first < REDIS_WORD + 8;
	return short_word && len < h.size + (size_t)first ? 0 : (int64_t)h.size + first;
}

static int64_t request_length(const struct resp *s, const uint8_t *data, size_t len, size_t seen)
{
	if (s->depth && *data != '$')
		return -EPROTO;
	if (*data == '*' || s->depth)
		return resp_length(data, len, seen);
	if (!isalpha(*data) && !isspace(*data) && *data != '"')
		return -EPROTO;
	const uint8_t *end = memchr(data + seen, '\n', len - seen);
	return end ? end - data + 1 : 0;
}

static int64_t length(void *ctx, enum dir dir, const uint8_t *data, size_t len, size_t seen)
{
	struct redis *r = ctx;
	struct resp *s = &r->resp[dir];

	return dir == r->client ? request_length(s, data, len, seen)
				: answer_length(data, len, seen, !s->depth);
}

/* What came before the message and began none. */
void redis_note_stray(struct redis *r, enum dir dir)
{
	struct message *m = r->resp[dir].x->message[part_of(r, dir)];

	if (r->stray[dir])
		message_add_number(m, "skipped", (int64_t)r->stray[dir]);
	r->stray[dir] = 0;
}

static bool is_blank(const struct pdu *p)
{
	for (size_t i = 0; i < p->len; i++)
		if (!isspace(p->data[i]))
			return false;
	return true;
}

static int begin_request(struct redis *r, const struct pdu *p)
{
	struct resp *s = &r->resp[r->client];
	struct resp_head h = { .n = 1 };

	if (s->x)
		return 0;
	bool array = p->data[0] == '*';
	if (array && resp_head(p->data, p->len, 0, &h) <= 0)
		return -EPROTO;
	/* Nothing is asked, and nothing answered. */
	if (h.n <= 0 || (!array && is_blank(p)))
		return 0;
	s->argument = 0;
	s->x = in_order_request(&r->order, &r->l, p->offset, p->first_us);
	if (!s->x)
		return -ENOMEM;
	redis_of(s->x)->arguments = (uint64_t)h.n;
	redis_of(s->x)->inlined = !array;
	redis_note_stray(r, r->client);
	return 0;
}

static int begin(void *ctx, enum dir dir, const struct pdu *p)
{
	struct redis *r = ctx;

	/* Of what is long the rest is not shown. */
	r->resp[dir].why = GAP_TRUNCATED;
	return dir == r->client ? begin_request(r, p) : redis_answer_begin(r, p);
}

/* An inline command: words between blanks, some in quotes. */
static void take_line(struct redis *r, struct redis_exchange *x, const uint8_t *text, size_t len)
{
	size_t starts[64], ends[64], n = 0;

	for (size_t i = 0; i < len && n < 64; i++) {
		if (isspace(text[i]))
			continue;
		bool quoted = text[i] == '"' || text[i] == '\'';
		const uint8_t *end = quoted ? memchr(text + i + 1, text[i], len - i - 1) : NULL;
		starts[n] = i + (end != NULL);
		while (!end && i < len && !isspace(text[i]))
			i++;
		ends[n++] = end ? (size_t)(end - text) : i;
		i = end ? (size_t)(end - text) : i;
	}
	x->arguments = n;
	for (size_t i = 0; i < n; i++)
		redis_request_argument(r, x, text + starts[i], ends[i] - starts[i], 0);
}

/* Commands that change how the connection goes on. 0, or -EPROTO: it is no RESP any more. */
static int note_mode(struct redis *r, struct redis_exchange *x)
{
	bool reply = !strcmp(x->name, "CLIENT") && !strcmp(x->sub, "REPLY");
	bool on = reply && x->line.len > 2 && !strncasecmp(x->line.data + x->line.len - 2, "on", 2);
	bool mute = (r->silent && !on) || (r->skip && !reply) || (reply && !on);

	r->silent &= !on;
	r->skip &= reply;
	if (reply && !on)
		*(toupper(x->line.data[x->line.len - 1]) == 'P' ? &r->skip : &r->silent) = true;
	if (mute)
		exchange_leave_alone(&r->l, &x->x, NULL);
	if (strcmp(x->name, "SYNC") != 0 && strcmp(x->name, "PSYNC") != 0)
		return 0;
	exchange_leave_alone(&r->l, &x->x, "replication begins, which is not taken apart");
	return -EPROTO;
}

static int end_request(struct redis *r, const struct pdu *p)
{
	struct resp *s = &r->resp[r->client];
	struct redis_exchange *x = redis_of(s->x);
	struct message *m = x->x.message[PART_REQUEST];

	s->x = NULL;
	buf_free(&r->scratch);
	if (x->key.len)
		message_add_text(m, "key", message_text(m, x->key.data, x->key.len));
	m->content_type = (struct text){ "text/plain", 10 };
	int error = note_mode(r, x);
	exchange_end_part(&r->l, &x->x, PART_REQUEST, p->last_us);
	return error;
}

static int request_whole(struct redis *r, const struct pdu *p)
{
	struct resp *s = &r->resp[r->client];
	struct redis_exchange *x = redis_of(s->x);
	struct resp_head h;

	if (!x)
		return 0;
	if (x->inlined) {
		take_line(r, x, p->data, p->len);
		return end_request(r, p);
	}
	resp_head(p->data, p->len, 0, &h);
	if (h.type == '*') {
		s->depth = 1;
		s->levels[0].left = (uint64_t)h.n;
		return 0;
	}
	if (h.n < 0)
		return -EPROTO;
	size_t there = p->len - h.size, n = (size_t)h.n;
	if (!p->missing && there == n + 2 && memcmp(p->data + h.size + n, "\r\n", 2) != 0)
		return -EPROTO;
	n = there < n ? there : n;
	redis_request_argument(r, x, p->data + h.size, n, (uint64_t)h.n - n);
	if (--s->levels[0].left)
		return 0;
	s->depth = 0;
	return end_request(r, p);
}

void redis_end_answer(struct redis *r, struct redis_exchange *x, int64_t now)
{
	struct message *m = x->x.message[PART_RESPONSE];

	m->content_type = x->json ? (struct text){ "application/json", 16 }
				  : (struct text){ "text/plain", 10 };
	if (x->notice && x->key.len)
		message_add_text(m, "channel", message_text(m, x->key.data, x->key.len));
	exchange_end_part(&r->l, &x->x, PART_RESPONSE, now);
}

static int whole(void *ctx, enum dir dir, const struct pdu *p)
{
	struct redis *r = ctx;

	return dir == r->client ? request_whole(r, p) : redis_answer_whole(r, p);
}

static void bytes(void *ctx, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		  int64_t now)
{
	struct redis *r = ctx;

	if (r->resp[dir].x)
		exchange_bytes(r->resp[dir].x, part_of(r, dir), data, len, offset, now);
}

static void gap(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct redis *r = ctx;

	r->resp[dir].why = why;
	if (r->resp[dir].x)
		exchange_gap(r->resp[dir].x, part_of(r, dir), len, why, now);
}

/* What goes on ends here, as far as it came; what follows is whose nobody knows. */
static void lost(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct redis *r = ctx;
	struct resp *s = &r->resp[dir];
	struct redis_exchange *x = s->x ? redis_of(s->x) : NULL;

	s->x = NULL;
	s->depth = s->quiet = 0;
	if (x)
		exchange_gap(&x->x, part_of(r, dir), len, why, now);
	r->seek[dir] = true;
	in_order_lost(&r->order, &r->l, part_of(r, dir));
	if (x && dir == r->client)
		exchange_end_part(&r->l, &x->x, PART_REQUEST, now);
}

/* Looked for where the lost bytes end and at each change of direction, however bytes are cut. */
static int resumes(void *ctx, enum dir dir, const uint8_t *data, size_t len)
{
	struct redis *r = ctx;

	if (!r->seek[dir])
		return -EPROTO;
	int found = redis_resumes(dir == r->client, data, len);
	r->seek[dir] = !found;
	return found;
}

/* Bytes that nobody understands, since what came before them is missing. */
static void stray(void *ctx, enum dir dir, uint64_t len, int64_t now)
{
	struct redis *r = ctx;

	if (r->resp[dir].x)
		exchange_unread(r->resp[dir].x, part_of(r, dir), len, now);
	else
		r->stray[dir] += len;
}

static const struct pdu_ops pdu_ops = {
	.keep = REDIS_KEEP,
	.length = length,
	.begin = begin,
	.bytes = bytes,
	.gap = gap,
	.whole = whole,
	.lost = lost,
	.resumes = resumes,
	.stray = stray,
};

/* Commands begin with a word that is one, or are arrays of which it is the first. */
static enum dir client_of(const struct first_bytes *first)
{
	if (!first)
		return DIR_WRITE;
	for (int dir = 0; dir < 2; dir++)
		if (first[dir].len && (isalpha(*first[dir].data) ||
				       redis_resumes(true, first[dir].data, first[dir].len) > 0))
			return (enum dir)dir;
	return first[DIR_READ].len && *first[DIR_READ].data == '*' ? DIR_READ : DIR_WRITE;
}

static void gone(void *owner, const struct exchange *x)
{
	struct redis *r = owner;

	for (int dir = 0; dir < 2; dir++)
		if (r->resp[dir].x == x)
			r->resp[dir].x = NULL;
	if (r->monitor == x)
		r->monitor = NULL;
}

static void *redis_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	struct redis *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	exchanges_begin(&r->l, sink, &exchange_ops);
	r->l.gone = gone;
	r->l.owner = r;
	r->in[0].account = r->in[1].account = sink->account;
	account_change(sink->account, 0, sizeof(*r));
	r->order.doubt = hint->lossy;
	r->client = hint->opener_known ? hint->opener : client_of(hint->first);
	r->l.client = r->client == DIR_WRITE;
	return r;
}

static int redis_feed(void *state, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		      int64_t now)
{
	struct redis *r = state;

	r->seek[dir] |= dir != r->last_dir;
	r->last_dir = dir;
	r->taken = 0;
	return pdu_feed(&r->in[dir], &pdu_ops, r, dir, data, len, offset, now, &r->taken)
		       ? DISSECT_BECOME
		       : 0;
}

static int redis_gap(void *state, enum dir dir, uint64_t len, uint64_t offset, enum gap_why why,
		     int64_t now)
{
	struct redis *r = state;

	return pdu_gap(&r->in[dir], &pdu_ops, r, dir, len, offset, why, now);
}

static void redis_become(void *state, struct become *ret)
{
	struct redis *r = state;

	*ret = (struct become){
		.hint = { .opener_known = true, .opener = r->client, .gave_up = "redis" }
	};
	pdu_become(r->in, r->last_dir, r->taken, ret);
	r->broken = true;
}

static void redis_idle(void *state, int64_t now)
{
	(void)now;
	in_order_quiet(&((struct redis *)state)->order);
}

static void redis_tick(void *state, int64_t now)
{
	exchanges_tick(&((struct redis *)state)->l, now);
}

static bool redis_alive(const void *state)
{
	return ((const struct redis *)state)->l.head != NULL;
}

static void redis_give_way(void *state)
{
	exchanges_give_way(&((struct redis *)state)->l);
}

static void redis_close(void *state, int64_t now)
{
	struct redis *r = state;

	if (r->monitor)
		exchange_end_part(&r->l, r->monitor, PART_RESPONSE, now);
	exchanges_end(&r->l, r->broken ? "what followed was not understood"
				       : "no answer before the connection ended");
	pdu_free(&r->in[0]);
	pdu_free(&r->in[1]);
	buf_free(&r->scratch);
	account_change(r->l.sink.account, sizeof(*r), 0);
	free(r);
}

const struct dissector dissect_redis = {
	.name = "redis",
	.probe = redis_probe,
	.open = redis_open,
	.feed = redis_feed,
	.gap = redis_gap,
	.idle = redis_idle,
	.tick = redis_tick,
	.alive = redis_alive,
	.give_way = redis_give_way,
	.become = redis_become,
	.close = redis_close,
};
