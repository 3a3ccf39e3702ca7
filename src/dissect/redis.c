// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Redis, RESP2 and RESP3: a command and its answer are an entry, and so is what the server sends by
 * itself (messages of subscriptions, invalidations). MONITOR is one that goes on.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

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

	return dir == r->o.client ? request_length(s, data, len, seen)
				  : answer_length(data, len, seen, !s->depth);
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
	struct exchange **x = &r->o.now[r->o.client];
	struct resp_head h = { .n = 1 };

	if (*x)
		return 0;
	bool array = p->data[0] == '*';
	if (array && resp_head(p->data, p->len, 0, &h) <= 0)
		return -EPROTO;
	/* Nothing is asked, and nothing answered. */
	if (h.n <= 0 || (!array && is_blank(p)))
		return 0;
	r->resp[r->o.client].argument = 0;
	*x = in_order_request(&r->o, p);
	if (!*x)
		return -ENOMEM;
	redis_of(*x)->arguments = (uint64_t)h.n;
	redis_of(*x)->inlined = !array;
	return 0;
}

static int begin(struct in_order *o, enum dir dir, const struct pdu *p)
{
	struct redis *r = (struct redis *)o;

	return dir == o->client ? begin_request(r, p) : redis_answer_begin(r, p);
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
		exchange_leave_alone(&r->o.l, &x->x, NULL);
	if (strcmp(x->name, "SYNC") != 0 && strcmp(x->name, "PSYNC") != 0)
		return 0;
	exchange_leave_alone(&r->o.l, &x->x, "replication begins, which is not taken apart");
	return -EPROTO;
}

static int end_request(struct redis *r, const struct pdu *p)
{
	struct redis_exchange *x = redis_of(r->o.now[r->o.client]);
	struct message *m = x->x.message[PART_REQUEST];

	r->o.now[r->o.client] = NULL;
	buf_free(&r->scratch);
	if (x->key.len)
		message_add_text(m, "key", message_text(m, x->key.data, x->key.len));
	m->content_type = (struct text){ "text/plain", 10 };
	int error = note_mode(r, x);
	exchange_end_part(&r->o.l, &x->x, PART_REQUEST, p->last_us);
	return error;
}

static int request_whole(struct redis *r, const struct pdu *p)
{
	struct resp *s = &r->resp[r->o.client];
	struct redis_exchange *x = redis_of(r->o.now[r->o.client]);
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
	exchange_end_part(&r->o.l, &x->x, PART_RESPONSE, now);
}

static int whole(void *ctx, enum dir dir, const struct pdu *p)
{
	struct redis *r = ctx;

	return dir == r->o.client ? request_whole(r, p) : redis_answer_whole(r, p);
}

/* Which elements are missing nobody knows; what is published may come at any time. */
static enum in_order_rest rest(struct in_order *o, struct exchange *x)
{
	const struct redis *r = (const struct redis *)o;

	(void)x;
	return r->monitor || r->subscribed[0] + r->subscribed[1] + r->subscribed[2] ? REST_NOBODYS
										    : REST_UNREAD;
}

static void lost(struct in_order *o, enum dir dir, struct exchange *x, int64_t now)
{
	struct redis *r = (struct redis *)o;

	r->resp[dir].depth = r->resp[dir].quiet = 0;
	if (x && dir == o->client)
		exchange_end_part(&o->l, x, PART_REQUEST, now);
}

/* Commands begin with a word that is one, or are arrays of which it is the first. */
static enum dir client_of(const struct first_bytes *first)
{
	for (int dir = 0; dir < 2; dir++)
		if (first[dir].len && (isalpha(*first[dir].data) ||
				       redis_resumes(true, first[dir].data, first[dir].len) > 0))
			return (enum dir)dir;
	return first[DIR_READ].len && *first[DIR_READ].data == '*' ? DIR_READ : DIR_WRITE;
}

static void gone(struct in_order *o, const struct exchange *x)
{
	struct redis *r = (struct redis *)o;

	if (r->monitor == x)
		r->monitor = NULL;
}

static void end(struct in_order *o, int64_t now)
{
	struct redis *r = (struct redis *)o;

	if (r->monitor)
		exchange_end_part(&o->l, r->monitor, PART_RESPONSE, now);
	buf_free(&r->scratch);
}

static const struct in_order_ops ops = {
	.name = "redis",
	.size = sizeof(struct redis),
	.pdu = { IN_ORDER_PDU_OPS, .keep = REDIS_KEEP, .length = length, .whole = whole },
	.exchange = { "redis", sizeof(struct redis_exchange), fill, free_texts },
	.begin = begin,
	.resumes = redis_resumes,
	.client_of = client_of,
	.rest = rest,
	.lost = lost,
	.gone = gone,
	.end = end,
};

static void *redis_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	return in_order_open(sink, hint, &ops);
}

const struct dissector dissect_redis = {
	.name = "redis",
	.probe = redis_probe,
	.open = redis_open,
	IN_ORDER_DISSECTOR_OPS,
};
