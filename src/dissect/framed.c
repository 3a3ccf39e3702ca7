// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/framed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/account.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "entry.h"

#define KEY_STRAY UINT64_MAX

static const char no_answer[] = "no answer was seen";
static const char no_request[] = "the request was not seen";
static const char lost_answer[] = "its answer was lost";
static const char used_again[] = "its id was used again before an answer came";
static const char untold_answer[] = "which answer belongs to it cannot be told: bytes were lost";
static const char untold_request[] = "which request it answers cannot be told: bytes were lost";
static const char no_message[] = "bytes that begin no message";

static void gone(void *owner, const struct exchange *x)
{
	struct framed *f = owner;

	for (int dir = 0; dir < 2; dir++) {
		if (f->now[dir] == x)
			f->now[dir] = NULL;
		if (f->stray[dir] == x)
			f->stray[dir] = NULL;
	}
}

void framed_begin(struct framed *f, const struct entry_sink *sink, const struct conn_hint *hint,
		  const struct framed_ops *ops)
{
	*f = (struct framed){ .ops = ops };
	exchanges_begin(&f->l, sink, &ops->exchange);
	f->l.gone = gone;
	f->l.owner = f;
	f->in[0].account = f->in[1].account = sink->account;
	if (hint->opener_known)
		framed_know_client(f, hint->opener);
}

void *framed_open(const struct entry_sink *sink, const struct conn_hint *hint,
		  const struct framed_ops *ops)
{
	struct framed *f = malloc(sizeof(*f));

	if (!f)
		return NULL;
	account_change(sink->account, 0, sizeof(*f));
	framed_begin(f, sink, hint, ops);
	return f;
}

void framed_close(void *state, int64_t now)
{
	struct framed *f = state;

	(void)now;
	framed_end(f);
	account_change(f->l.sink.account, sizeof(*f), 0);
	free(f);
}

void framed_know_client(struct framed *f, enum dir client)
{
	f->client = client;
	f->client_known = true;
	f->l.client = client == DIR_WRITE;
}

struct exchange *framed_new(struct framed *f, uint64_t key)
{
	struct exchange *x = exchange_new(&f->l);

	if (x)
		exchange_set_key(&f->l, x, key);
	return x;
}

static bool missed(const struct exchange *x, enum dir dir)
{
	return ((const struct framed_exchange *)x)->missed[dir];
}

struct exchange *framed_answered(struct framed *f, enum dir dir, uint64_t key)
{
	const char *why = no_request;
	struct exchange *x;

	while ((x = exchange_find(&f->l, key)) && missed(x, dir) && missed(x, !dir)) {
		exchange_leave_alone(&f->l, x, untold_answer);
		why = untold_request;
	}
	if (x)
		return x;
	x = framed_new(f, key);
	if (x)
		((struct framed_exchange *)x)->alone = why;
	return x;
}

struct exchange *framed_asked(struct framed *f, uint64_t key)
{
	struct exchange *x = exchange_find(&f->l, key);

	if (x)
		exchange_leave_alone(&f->l, x,
				     missed(x, 0) || missed(x, 1) ? lost_answer : used_again);
	return framed_new(f, key);
}

/* What came before is no PDU, and is told. */
static void end_stray(struct framed *f, enum dir dir)
{
	struct exchange *x = f->stray[dir];

	f->stray[dir] = NULL;
	if (x)
		exchange_tell(&f->l, x);
}

int framed_place(struct framed *f, enum dir dir, struct exchange *x, enum part part,
		 const struct pdu *p)
{
	end_stray(f, dir);
	f->now[dir] = x;
	f->part[dir] = part;
	return x ? exchange_begin_part(x, part, p->offset, p->first_us) : -ENOMEM;
}

void framed_done(struct framed *f, enum dir dir, const struct pdu *p)
{
	struct exchange *x = f->now[dir];

	f->now[dir] = NULL;
	if (!x)
		return;
	if (!exchange_end_part(&f->l, x, f->part[dir], p->last_us) &&
	    f->part[dir] == PART_RESPONSE && !x->message[PART_REQUEST])
		exchange_leave_alone(&f->l, x, ((struct framed_exchange *)x)->alone);
}

void framed_one_way(struct framed *f, enum dir dir)
{
	if (f->now[dir])
		exchange_leave_alone(&f->l, f->now[dir], NULL);
}

static struct exchange *stray_of(struct framed *f, enum dir dir, uint64_t offset, int64_t now)
{
	enum part part = dir == f->client ? PART_REQUEST : PART_RESPONSE;
	struct exchange *x = f->stray[dir] ? f->stray[dir] : framed_new(f, KEY_STRAY);

	f->stray[dir] = x;
	if (!x || exchange_begin_part(x, part, offset, now))
		return NULL;
	x->alone = "";
	x->done[part] = true;
	f->part[dir] = part;
	return x;
}

static void stray_bytes(struct framed *f, enum dir dir, uint64_t len, uint64_t offset, int64_t now)
{
	struct exchange *x = stray_of(f, dir, offset, now);

	if (!x)
		return;
	enum part part = x->message[PART_REQUEST] ? PART_REQUEST : PART_RESPONSE;
	x->size[part] += len;
	x->digest[part].at += len;
	x->part[part].whole = false;
	x->message[part]->end_us = x->part[part].last_us = now;
	x->live.changed = true;
	exchange_fault(x, no_message);
}

void framed_stray(void *ctx, enum dir dir, uint64_t len, int64_t now)
{
	struct framed *f = ctx;

	stray_bytes(f, dir, len, f->end[dir] - f->gap - len, now);
}

void framed_bytes(void *ctx, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		  int64_t now)
{
	struct framed *f = ctx;

	if (f->now[dir])
		exchange_bytes(f->now[dir], f->part[dir], data, len, offset, now);
	else
		stray_bytes(f, dir, len, offset, now);
}

static void stray_gap(struct framed *f, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct exchange *x = stray_of(f, dir, f->end[dir] - len, now);

	if (x)
		exchange_gap(x, x->message[PART_REQUEST] ? PART_REQUEST : PART_RESPONSE, len, why,
			     now);
}

void framed_missing(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct framed *f = ctx;

	if (f->now[dir])
		exchange_gap(f->now[dir], f->part[dir], len, why, now);
	else
		stray_gap(f, dir, len, why, now);
}

void framed_lost(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct framed *f = ctx;

	f->now[dir] = NULL;
	for (struct exchange *x = f->l.head; x; x = x->next)
		((struct framed_exchange *)x)->missed[dir] = true;
	if (f->ops->lost)
		f->ops->lost(f, dir);
	stray_gap(f, dir, len, why, now);
}

int framed_resumes(void *ctx, enum dir dir, const uint8_t *data, size_t len)
{
	struct framed *f = ctx;

	(void)data;
	(void)len;
	f->doubt[dir] = f->seek[dir];
	f->seek[dir] = false;
	return f->doubt[dir] ? 1 : -EPROTO;
}

int64_t framed_length(void *ctx, enum dir dir, const uint8_t *data, size_t len, size_t seen)
{
	struct framed *f = ctx;

	(void)seen;
	if (f->doubt[dir]) {
		int v = f->ops->begins(f, dir, data, len);
		if (v <= PROBE_NO)
			return v < PROBE_NO ? 0 : -EPROTO;
		f->doubt[dir] = false;
	}
	return f->ops->length(f, dir, data, len);
}

/* No PDU begins where one should: what comes is none until the direction changes. */
static void lose_footing(struct framed *f, enum dir dir, uint64_t taken, int64_t now)
{
	struct pdu_stream *p = &f->in[dir];
	uint64_t from = p->held.len || p->now.size ? p->now.offset : taken;

	pdu_free(p);
	p->lost = true;
	f->now[dir] = NULL;
	f->broken |= !f->doubt[dir];
	f->doubt[dir] = f->seek[dir] = false;
	if (f->end[dir] > from)
		stray_bytes(f, dir, f->end[dir] - from, from, now);
}

/* Bytes or a gap of a direction. Is it another one than that of those before? */
static bool note_direction(struct framed *f, enum dir dir)
{
	bool flip = f->spoke && dir != f->last_dir;

	if (!f->spoke && !f->client_known) {
		f->client = dir;
		f->l.client = dir == DIR_WRITE;
	}
	f->spoke = true;
	f->last_dir = dir;
	f->seek[dir] |= flip;
	return flip;
}

int framed_feed(void *state, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		int64_t now)
{
	struct framed *f = state;
	size_t taken = 0;

	if (note_direction(f, dir) && f->broken)
		return DISSECT_BECOME;
	f->end[dir] = offset + len;
	f->gap = 0;
	if (pdu_feed(&f->in[dir], &f->ops->pdu, f, dir, data, len, offset, now, &taken))
		lose_footing(f, dir, offset + taken, now);
	return 0;
}

int framed_gap(void *state, enum dir dir, uint64_t len, uint64_t offset, enum gap_why why,
	       int64_t now)
{
	struct framed *f = state;

	note_direction(f, dir);
	f->end[dir] = offset + len;
	f->gap = len;
	pdu_gap(&f->in[dir], &f->ops->pdu, f, dir, len, offset, why, now);
	f->seek[dir] = f->in[dir].lost;
	return 0;
}

void framed_become(void *state, struct become *ret)
{
	const struct framed *f = state;

	*ret = (struct become){ .hint = { .mid_stream = true,
					  .lossy = true,
					  .opener_known = f->client_known,
					  .opener = f->client,
					  .gave_up = f->ops->name } };
}

void framed_idle(void *state, int64_t now)
{
	(void)state;
	(void)now;
}

void framed_tick(void *state, int64_t now)
{
	exchanges_tick(&((struct framed *)state)->l, now);
}

bool framed_alive(const void *state)
{
	return ((const struct framed *)state)->l.count > 0;
}

void framed_give_way(void *state)
{
	exchanges_give_way(&((struct framed *)state)->l);
}

void framed_end(struct framed *f)
{
	for (int dir = 0; dir < 2; dir++) {
		struct pdu_stream *p = &f->in[dir];
		if (!p->now.size && p->held.len)
			stray_bytes(f, dir, p->held.len, p->now.offset, p->now.first_us);
		pdu_free(p);
	}
	exchanges_end(&f->l, no_answer);
}

bool framed_fill(const struct exchange *x, struct entry *e)
{
	if (x->key != KEY_STRAY)
		return false;
	e->summary = x->faults[0] ? "bytes that are not understood" : "missing bytes";
	return true;
}

const char *framed_summary(struct entry *e, const char *name)
{
	const struct message_member *p = e->message[0] ? e->message[0]->own : NULL;

	while (p && strcmp(p->name, name) != 0)
		p = p->next;
	if (!p || !p->text.data)
		return "";
	return entry_text(e, p->text.data,
			  p->text.len < LIMIT_SUMMARY ? p->text.len : LIMIT_SUMMARY);
}

void framed_text(struct message *m, const char *name, struct text t)
{
	struct text copy = t.len ? message_text(m, t.data, t.len) : (struct text){ 0 };

	if (copy.data)
		message_add_text(m, name, copy);
}

void framed_body(const struct pdu *p, struct message *m, const uint8_t *from)
{
	size_t len = p->len - (size_t)(from - p->data);

	payload_put(&m->body, from, len, LIMIT_RENDERED_BYTES);
	payload_skip(&m->body, p->missing, GAP_LOST);
	payload_skip(&m->body, p->size - p->missing - p->len, GAP_TRUNCATED);
	const char *type = framed_guess_type(from, len);
	m->content_type = message_text(m, type, strlen(type));
}

/* As far as a first look tells; a sequence that is cut off at its end is none that is wrong. */
static bool looks_like_text(const uint8_t *p, size_t len)
{
	size_t looked = len < 512 ? len : 512;

	for (size_t i = 0; i < looked;) {
		size_t n = utf8_length(p + i, looked - i);
		if ((p[i] < ' ' && !(p[i] >= '\t' && p[i] <= '\r')) || p[i] == 0x7f)
			return false;
		if (!n && (looked == len || looked - i > 3))
			return false;
		i += n ? n : 1;
	}
	return true;
}

const char *framed_guess_type(const void *data, size_t len)
{
	const uint8_t *p = data;

	if (!looks_like_text(p, len))
		return "application/octet-stream";
	while (len && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
		p++;
		len--;
	}
	return len && (*p == '{' || *p == '[') ? "application/json" : "text/plain";
}
