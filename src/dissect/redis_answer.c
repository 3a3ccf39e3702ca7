// SPDX-License-Identifier: GPL-2.0-or-later
/* What Redis answers, and sends by itself: as text, or as JSON where it is more than one value. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dissect/redis_internal.h"

#define MASK "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"

static const char *const subscriptions[] = { "SUBSCRIBE",   "PSUBSCRIBE",   "SSUBSCRIBE",
					     "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE",
					     "MESSAGE",	    "PMESSAGE",	    "SMESSAGE" };

#define CONFIRMATIONS 6

/* Where the word is in the table above, -1 for no such word. */
static int kind_of(const char *word)
{
	for (int i = 0; i < (int)(sizeof(subscriptions) / sizeof(*subscriptions)); i++)
		if (!strcmp(word, subscriptions[i]))
			return i;
	return -1;
}

static struct resp *side(struct redis *r)
{
	return &r->resp[!r->o.client];
}

/* Whose answer goes on; NULL: between messages. */
static struct exchange *answer_of(const struct redis *r)
{
	return r->o.now[!r->o.client];
}

/* The first string of an array stands in one PDU with the array's length (redis.c). */
static void read_word(struct resp *s, const struct pdu *p, const struct resp_head *h)
{
	struct resp_head first;

	s->word[0] = '\0';
	s->number = 0;
	if ((h->type != '*' && h->type != '>') || p->size == h->size)
		return;
	const uint8_t *word = p->data + h->size;
	size_t len = p->len - h->size;
	/* It may be no string, or longer than what is kept of it. */
	if (resp_head(word, len, 0, &first) <= 0 || !strchr("$=", first.type) || first.n < 0)
		return;
	size_t there = len - first.size;
	redis_word(s->word, word + first.size, (size_t)first.n < there ? (size_t)first.n : there);
}

/* Is what begins sent by the server itself? */
static bool is_notice(struct redis *r, char type)
{
	struct exchange *x = exchange_waiting(&r->o.l);
	int kind = kind_of(side(r)->word);

	if (type != '>' && type != '*')
		return false;
	if (kind >= CONFIRMATIONS)
		return type == '>' || !x || r->subscribed[0] + r->subscribed[1] + r->subscribed[2];
	return type == '>' && (kind < 0 || !x || kind_of(redis_of(x)->name) < 0);
}

static bool is_monitored(const uint8_t *line, size_t len)
{
	return len > 4 && line[0] == '+' && line[1] >= '0' && line[1] <= '9' &&
	       memchr(line, '[', len < 40 ? len : 40);
}

int redis_answer_begin(struct redis *r, const struct pdu *p)
{
	struct resp *s = side(r);
	struct resp_head h;

	if (answer_of(r))
		return 0;
	if (resp_head(p->data, p->len, 0, &h) <= 0)
		return -EPROTO;
	read_word(s, p, &h);
	if (r->monitor && is_monitored(p->data, p->len))
		r->o.now[!r->o.client] = r->monitor;
	else if (is_notice(r, h.type))
		r->o.now[!r->o.client] = in_order_notice(&r->o, p);
	else
		r->o.now[!r->o.client] = in_order_answer(&r->o, p);
	if (!answer_of(r))
		return -ENOMEM;
	if (answer_of(r)->message[PART_REQUEST] || *redis_of(answer_of(r))->name)
		return 0;
	redis_of(answer_of(r))->notice = h.type == '>' || kind_of(s->word) >= CONFIRMATIONS;
	if (redis_of(answer_of(r))->notice)
		snprintf(redis_of(answer_of(r))->name, REDIS_WORD, "%s",
			 *s->word ? s->word : "PUSH");
	return 0;
}

/* A message that somebody published is told as its text, not as the array that it is in. */
static bool is_message(struct redis *r)
{
	return redis_of(answer_of(r))->notice && kind_of(side(r)->word) >= CONFIRMATIONS;
}

/* Commas and colons before a value; is it the name of a member? */
static bool begin_value(struct resp *s, struct buf *out)
{
	struct resp_level *l = s->depth ? &s->levels[s->depth - 1] : NULL;

	if (!l)
		return false;
	bool map = l->type == '%', name = map && !(l->done & 1);
	if (l->done && !s->quiet)
		buf_puts(out, map && !name ? ":" : ",");
	return name;
}

static void put_number(struct buf *out, const uint8_t *text, size_t len, bool quoted)
{
	quoted |= *text != '-' && (*text < '0' || *text > '9');
	if (quoted)
		buf_put_json(out, text, len);
	else
		buf_put(out, text, len);
}

/* A value within an array. */
static void put_value(struct buf *out, char type, const uint8_t *text, size_t len, bool name)
{
	if (type == ':' || type == ',')
		put_number(out, text, len, name);
	else if (type == '#' && !name)
		buf_puts(out, *text == 't' ? "true" : "false");
	else if (type == '_' && !name)
		buf_puts(out, "null");
	else
		buf_put_json(out, text, len);
}

static void set_status(struct redis_exchange *x, char type, const uint8_t *text, size_t len,
		       uint64_t size)
{
	const uint8_t *blank = memchr(text, ' ', len);

	buf_reset(&x->status);
	x->failed = type == '-' || type == '!';
	if (x->failed)
		buf_put(&x->status, text, blank ? (size_t)(blank - text) : len);
	else if (type == '$' || type == '=')
		buf_printf(&x->status, "%" PRIu64 " bytes", size);
	else if (type == '_')
		buf_puts(&x->status, "nil");
	else
		buf_put(&x->status, text, len < LIMIT_SUMMARY ? len : LIMIT_SUMMARY);
}

/* A notice of pub/sub is its last value; all before it goes to the line. */
static bool put_notice(struct redis *r, struct redis_exchange *x, const uint8_t *text, size_t len)
{
	struct resp *s = side(r);
	size_t shown = len < LIMIT_SUMMARY ? len : LIMIT_SUMMARY;

	if (!is_message(r) || s->depth != 1)
		return false;
	if (!s->levels[0].done)
		return true;
	if (x->line.len)
		buf_putc(&x->line, ' ');
	if (x->line.len < LIMIT_SUMMARY)
		redis_put_argument(&x->line, text, shown);
	buf_reset(&r->scratch);
	if (s->levels[0].left == 1) {
		buf_put(&r->scratch, text, len);
	} else {
		buf_reset(&x->key);
		buf_put(&x->key, text, shown);
	}
	return true;
}

static void put_text(struct redis *r, uint64_t missing)
{
	struct resp *s = side(r);

	redis_count(redis_of(answer_of(r)));
	exchange_text(answer_of(r), PART_RESPONSE, r->scratch.data, r->scratch.len);
	if (missing && !s->quiet)
		payload_skip(&answer_of(r)->message[PART_RESPONSE]->body, missing,
			     r->o.why[!r->o.client]);
}

/* A value that is no array. `missing` bytes of it are not there. */
static void take_value(struct redis *r, char type, const uint8_t *text, size_t len,
		       uint64_t missing)
{
	struct redis_exchange *x = redis_of(answer_of(r));
	struct resp *s = side(r);
	struct resp_level *l = s->depth ? &s->levels[s->depth - 1] : NULL;
	struct buf *out = &r->scratch;
	bool hidden = x->hides && (type == '$' || type == '=');

	buf_reset(out);
	if (type == ':' && s->depth == 1)
		s->number = strtoll((const char *)text, NULL, 10);
	if (!l)
		set_status(x, type, text, len, len + missing);
	if (put_notice(r, x, text, len)) {
		put_text(r, missing);
		return;
	}
	bool name = begin_value(s, out);
	if (l && l->type == '%' && !name)
		hidden |= l->secret;
	if (l)
		l->secret = name && redis_names_secret(text, len);
	if (s->quiet)
		return;
	if (hidden && !name)
		buf_puts(out, l ? "\"" MASK "\"" : MASK);
	else if (l)
		put_value(out, type, text, len, name);
	else
		buf_put(out, text, len);
	put_text(r, hidden ? 0 : missing);
}

/* An answer to SUBSCRIBE and its kind: how many there are now. */
static void note_subscription(struct redis *r)
{
	int kind = kind_of(side(r)->word);
	int64_t n = side(r)->number;

	if (kind < 0 || kind >= CONFIRMATIONS)
		return;
	int which = kind % 3;
	r->subscribed[which] = which == 2 ? n : n - r->subscribed[!which];
	if (r->subscribed[which] < 0)
		r->subscribed[which] = 0;
}

/* UNSUBSCRIBE without names is answered once for each that there was, at least once. */
static void count_replies(struct redis *r, struct redis_exchange *x)
{
	int kind = kind_of(x->name);

	if (x->replies || kind < 0 || kind >= CONFIRMATIONS)
		return;
	x->replies = r->subscribed[kind % 3] > 0 ? r->subscribed[kind % 3] : 1;
}

/* MONITOR goes on, and is not what later answers wait for. */
static void begin_monitor(struct redis *r, struct redis_exchange *x)
{
	r->monitor = &x->x;
	exchange_text(&x->x, PART_RESPONSE, "\n", 1);
	exchange_leave_alone(&r->o.l, &x->x, NULL);
}

/* The connection is as it was at first. */
static void end_modes(struct redis *r, int64_t now)
{
	if (r->monitor)
		exchange_end_part(&r->o.l, r->monitor, PART_RESPONSE, now);
	r->monitor = NULL;
	memset(r->subscribed, 0, sizeof(r->subscribed));
}

static int end_answer(struct redis *r, const struct pdu *p)
{
	struct redis_exchange *x = redis_of(answer_of(r));

	buf_free(&r->scratch);
	r->o.now[!r->o.client] = NULL;
	if (&x->x == r->monitor)
		return 0;
	if (!x->failed)
		count_replies(r, x);
	note_subscription(r);
	if (!strcmp(x->name, "RESET") || !strcmp(x->name, "QUIT"))
		end_modes(r, p->last_us);
	if (!x->failed && --x->replies > 0) {
		exchange_text(&x->x, PART_RESPONSE, "\n", 1);
		return 0;
	}
	if (!strcmp(x->name, "MONITOR") && !x->failed && x->x.message[PART_REQUEST])
		begin_monitor(r, x);
	else
		redis_end_answer(r, x, p->last_us);
	return 0;
}

static void end_aggregate(struct redis *r, char type)
{
	struct resp *s = side(r);

	if (!s->quiet && !is_message(r))
		exchange_text(answer_of(r), PART_RESPONSE, type == '%' ? "}" : "]", 1);
	if (s->quiet == s->depth--)
		s->quiet = 0;
}

/* A value has ended, and with it maybe what it was the last of. */
static int end_value(struct redis *r, const struct pdu *p)
{
	struct resp *s = side(r);

	while (s->depth) {
		struct resp_level *l = &s->levels[s->depth - 1];
		l->done++;
		if (--l->left)
			return 0;
		end_aggregate(r, l->type);
		/* Attributes precede what they are of, and are no value. */
		if (l->type == '|')
			return 0;
	}
	return end_answer(r, p);
}

static void count_status(struct redis_exchange *x, const struct resp_head *h)
{
	static const struct {
		char type;
		const char *what;
	} kinds[] = { { '*', "element" }, { '~', "member" }, { '%', "pair" }, { '>', "element" } };

	buf_reset(&x->status);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].type == h->type)
			buf_printf(&x->status, "%" PRId64 " %s%s", h->n, kinds[i].what,
				   h->n == 1 ? "" : "s");
}

/* An array, set or map begins. */
static int take_aggregate(struct redis *r, const struct resp_head *h, const struct pdu *p)
{
	struct resp *s = side(r);
	struct redis_exchange *x = redis_of(answer_of(r));
	struct resp_level *above = s->depth ? &s->levels[s->depth - 1] : NULL;
	bool pairs = !above && x->pairs && h->type == '*' && !(h->n & 1);
	char type = pairs || h->type == '%' ? '%' : h->type;
	bool hidden = type == '|' || (above && above->secret && (above->done & 1));

	if (s->depth == LIMIT_RESP_DEPTH) {
		exchange_fault(answer_of(r), "nested too deeply to be followed");
		return -EPROTO;
	}
	if (!above && type != '|' && !is_message(r)) {
		count_status(x, h);
		x->json = true;
	}
	buf_reset(&r->scratch);
	if (type != '|')
		begin_value(s, &r->scratch);
	if (hidden && type != '|' && !s->quiet)
		buf_puts(&r->scratch, "\"" MASK "\"");
	s->levels[s->depth++] =
		(struct resp_level){ .type = type,
				     .left = (uint64_t)h->n << (h->type == '%' || h->type == '|') };
	if (hidden && !s->quiet)
		s->quiet = s->depth;
	if (!s->quiet && !is_message(r))
		buf_putc(&r->scratch, type == '%' ? '{' : '[');
	put_text(r, 0);
	if (h->n)
		return 0;
	/* Empty: it ends where it begins. */
	end_aggregate(r, type);
	return type == '|' ? 0 : end_value(r, p);
}

static int take_element(struct redis *r, const struct resp_head *h, const uint8_t *data, size_t len,
			const struct pdu *p, uint64_t missing)
{
	if (strchr("*~%>|", h->type) && h->n >= 0)
		return take_aggregate(r, h, p);
	if (h->n < 0) {
		take_value(r, '_', (const uint8_t *)"", 0, 0);
		return end_value(r, p);
	}
	size_t n = len < (size_t)h->n ? len : (size_t)h->n;
	take_value(r, h->type, data, n, missing);
	return end_value(r, p);
}

int redis_answer_whole(struct redis *r, const struct pdu *p)
{
	const uint8_t *data = p->data;
	size_t len = p->len;

	if (!answer_of(r))
		return 0;
	while (len) {
		struct resp_head h;
		resp_head(data, len, 0, &h);
		bool line = strchr("+-:_#,(", h.type), counted = strchr("$=!", h.type) && h.n >= 0;
		size_t size = h.size + (counted ? (size_t)h.n + 2 : 0);
		const uint8_t *text = line ? data + 1 : data + h.size;
		size_t there = len - (size_t)(text - data);
		if (answer_of(r) == r->monitor && answer_of(r)) {
			buf_reset(&r->scratch);
			redis_put_monitored(&r->scratch, text, (size_t)h.n);
			put_text(r, 0);
			return end_answer(r, p);
		}
		if (counted && size <= len && memcmp(data + size - 2, "\r\n", 2) != 0)
			return -EPROTO;
		int error = take_element(r, &h, text, there, p,
					 counted && there < (size_t)h.n ? (size_t)h.n - there : 0);
		if (error)
			return error;
		data += size < len ? size : len;
		len -= size < len ? size : len;
	}
	return 0;
}
