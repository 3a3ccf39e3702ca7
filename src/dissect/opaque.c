// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bytes of a protocol that is not understood, as exchanges: what the side that opened the
 * connection (else the one that spoke first) wrote, and what came back until it wrote again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dissect/digest.h"
#include "dissect/dissect.h"
#include "dissect/known.h"
#include "dissect/live.h"
#include "entry.h"
#include "base/account.h"
#include "base/limits.h"
#include "message.h"

struct opaque {
	struct entry_sink sink;
	struct message *message[2]; /* request, response; NULL: nothing */
	struct entry_part part[2];
	struct digest digest[2];
	struct live live;
	enum dir request_dir;
	bool request_known;
	bool emitted;
	bool mid_stream;     /* nobody saw what came before its first byte */
	bool joined;	     /* another protocol's first message follows */
	const char *gave_up; /* the protocol that was spoken until its first byte */
	const char *known;   /* what its bytes look like, though nobody takes it apart */
};

static void *opaque_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	struct opaque *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->sink = *sink;
	account_change(sink->account, 0, sizeof(*o));
	o->request_known = hint->opener_known;
	o->request_dir = hint->opener;
	o->mid_stream = hint->mid_stream;
	o->gave_up = hint->gave_up;
	return o;
}

static bool gave_way(const struct opaque *o)
{
	return (o->message[0] && o->message[0]->body.gave_way) ||
	       (o->message[1] && o->message[1]->body.gave_way);
}

static const char *reason_of(const struct opaque *o, struct entry *e)
{
	if (o->gave_up)
		return entry_printf(e, "not understood any more: it was %s until here", o->gave_up);
	if (o->joined)
		return entry_printf(e,
				    "joined mid-stream: %" PRId64
				    " bytes came before the first message that is understood",
				    e->request_size + e->response_size);
	if (o->mid_stream)
		return "joined mid-stream: what came before was not seen";
	const char *what = gave_way(o) ? "not kept: memory was short" : "not copied";
	if (e->lost_bytes && e->truncated_bytes)
		return entry_printf(e, "%" PRId64 " bytes lost, %" PRId64 " %s", e->lost_bytes,
				    e->truncated_bytes, what);
	if (e->lost_bytes)
		return entry_printf(e, "%" PRId64 " bytes lost", e->lost_bytes);
	if (e->truncated_bytes)
		return entry_printf(e, "%" PRId64 " bytes %s", e->truncated_bytes, what);
	return "";
}

static struct buf take_body(struct entry *e, struct message *m)
{
	e->lost_bytes += (int64_t)m->body.missing[GAP_LOST];
	e->truncated_bytes += (int64_t)m->body.missing[GAP_TRUNCATED];
	return payload_take_bytes(&m->body);
}

/* What the first `most` bytes of a message look like; of what has no start, nothing. */
static const char *recognise(const struct opaque *o, const struct message *m, size_t most)
{
	if (o->known || !m || o->mid_stream || m->body.missing[0] || m->body.missing[1])
		return o->known;
	size_t len = m->body.bytes.len < most ? m->body.bytes.len : most;
	return known_protocol((const uint8_t *)m->body.bytes.data, len);
}

static void fill_entry(const struct opaque *o, struct entry *e, struct message *q,
		       struct message *a, const char *known)
{
	e->protocol = "tls";
	e->timestamp_us = q ? q->start_us : a->start_us;
	if (q && a)
		e->elapsed_us = a->end_us > q->start_us ? a->end_us - q->start_us : 0;
	if (q) {
		e->request_size = (int64_t)q->body.size;
		e->request_body = take_body(e, q);
	}
	if (a) {
		e->response_size = (int64_t)a->body.size;
		e->response_body = take_body(e, a);
	}
	e->summary = entry_printf(e, "%s%s%" PRId64 " bytes sent, %" PRId64 " bytes answered",
				  known ? known : "", known ? ", not taken apart: " : "",
				  e->request_size, e->response_size);
	e->reason = reason_of(o, e);
	e->complete = !*e->reason;
	e->message[0] = q;
	e->message[1] = a;
}

static void emit(struct opaque *o)
{
	bool any = o->message[0] || o->message[1];
	struct entry *e = any ? entry_new() : NULL;

	if (any && !e)
		entry_sink_lose(&o->sink);
	for (int i = 0; i < 2; i++)
		if (o->message[i])
			digest_part_end(&o->digest[i], &o->part[i], o->digest[i].at);
	if (e) {
		o->emitted = true;
		for (int i = 0; i < 2; i++)
			o->known = recognise(o, o->message[i], SIZE_MAX);
		fill_entry(o, e, o->message[0], o->message[1], o->known);
		o->mid_stream = false;
		o->gave_up = NULL;
		memcpy(e->part, o->part, sizeof(e->part));
		o->message[0] = o->message[1] = NULL;
	}
	live_end(&o->live, &o->sink, e);
	if (e)
		o->sink.emit(o->sink.ctx, e);
	for (int i = 0; i < 2; i++) {
		message_free(o->message[i]);
		o->message[i] = NULL;
		o->part[i] = (struct entry_part){ 0 };
		digest_release(&o->digest[i]);
	}
}

/*
 * The message that bytes of this direction belong to, after the exchange before was sent on: 0 the
 * request, 1 the response, -ENOMEM.
 */
static int message_of(struct opaque *o, enum dir dir, uint64_t offset, int64_t now)
{
	if (!o->request_known) {
		o->request_known = true;
		o->request_dir = dir;
	}
	if (dir == o->request_dir && o->message[1])
		emit(o);
	int i = dir != o->request_dir;
	o->digest[i].at = offset;
	if (!o->message[i]) {
		o->message[i] = message_new(!i, o->sink.account);
		if (!o->message[i]) {
			entry_sink_lose(&o->sink);
			return -ENOMEM;
		}
		o->message[i]->start_us = now;
		digest_begin(&o->digest[i]);
		digest_part_begin(&o->digest[i], &o->part[i], now);
	}
	o->message[i]->end_us = o->part[i].last_us = now;
	o->live.changed = true;
	return i;
}

static int opaque_feed(void *state, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		       int64_t now)
{
	struct opaque *o = state;
	int i = message_of(o, dir, offset, now);

	if (i < 0)
		return 0;
	digest_bytes(&o->digest[i], data, len);
	payload_put(&o->message[i]->body, data, len, LIMIT_OPAQUE_BYTES);
	return 0;
}

static int opaque_gap(void *state, enum dir dir, uint64_t len, uint64_t offset, enum gap_why why,
		      int64_t now)
{
	struct opaque *o = state;
	int i = message_of(o, dir, offset, now);

	if (i < 0)
		return 0;
	o->part[i].whole = false;
	digest_skip(&o->digest[i], len);
	payload_skip(&o->message[i]->body, len, why);
	return 0;
}

static void opaque_idle(void *state, int64_t now)
{
	(void)now;
	emit(state);
}

/* The request is done once an answer began: what comes next of it is another exchange. */
static struct message *copy_part(struct opaque *o, int i, struct entry *e)
{
	bool done = !i && o->message[1];
	struct message *copy =
		o->message[i] ? live_copy(&o->live, i, o->message[i], done, &e->body_kept[i])
			      : NULL;

	e->part[i] = o->part[i];
	if (copy)
		digest_part_end(&o->digest[i], &e->part[i], o->digest[i].at);
	e->part[i].whole &= done;
	return copy;
}

/* As far as it has come: what follows may say otherwise, but for a request that is done. */
static const char *recognise_live(struct opaque *o)
{
	if (o->message[0] && o->message[1])
		o->known = recognise(o, o->message[0], SIZE_MAX);
	const struct message *last = o->message[o->message[1] != NULL];
	return recognise(o, last, LIMIT_LIVE_BODY);
}

static void opaque_tick(void *state, int64_t now)
{
	struct opaque *o = state;
	struct message *first = o->message[0] ? o->message[0] : o->message[1];

	if (!first || !live_due(&o->live, &o->sink, first->start_us, now))
		return;
	struct entry *e = entry_new();
	if (!e)
		return;
	const char *known = recognise_live(o);
	struct message *q = copy_part(o, 0, e), *a = copy_part(o, 1, e);
	if (!q && !a) {
		entry_free(e);
		return;
	}
	fill_entry(o, e, q, a, known);
	live_tell(&o->live, &o->sink, e, now);
}

static bool opaque_alive(const void *state)
{
	const struct opaque *o = state;

	return o->message[0] || o->message[1];
}

static void opaque_give_way(void *state)
{
	struct opaque *o = state;

	for (int i = 0; i < 2; i++)
		if (o->message[i])
			payload_give_way(&o->message[i]->body);
}

static void opaque_close(void *state, int64_t now)
{
	struct opaque *o = state;

	(void)now;
	emit(o);
	account_change(o->sink.account, sizeof(*o), 0);
	free(o);
}

void opaque_note_joined(void *state)
{
	struct opaque *o = state;

	o->joined = !o->emitted;
}

const struct dissector dissect_opaque = {
	.name = "tls",
	.open = opaque_open,
	.feed = opaque_feed,
	.gap = opaque_gap,
	.idle = opaque_idle,
	.tick = opaque_tick,
	.alive = opaque_alive,
	.give_way = opaque_give_way,
	.close = opaque_close,
};
