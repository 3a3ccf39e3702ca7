// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bytes of a protocol that is not understood, as exchanges: what the side that opened the
 * connection (else the one that spoke first) wrote, and what came back until it wrote again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "dissect/digest.h"
#include "dissect/dissect.h"
#include "dissect/payload.h"
#include "entry.h"
#include "base/limits.h"

struct side {
	struct payload bytes;
	int64_t start_us, end_us; /* 0: nothing */
	struct entry_part part;
};

struct opaque {
	struct entry_sink sink;
	struct side side[2];	 /* request, response */
	struct digest digest[2]; /* the same */
	enum dir request_dir;
	bool request_known;
	bool emitted;
	bool joined; /* another protocol's first message follows */
};

static void *opaque_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	struct opaque *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->sink = *sink;
	o->request_known = hint->opener_known;
	o->request_dir = hint->opener;
	return o;
}

static int put_side(struct buf *out, const char *name, const struct side *s)
{
	int r = s->start_us ? detail_member(out, name) : 0;

	if (r || !s->start_us)
		return r;
	r = buf_putc(out, '{');
	r = r ? r : payload_put_json(&s->bytes, out);
	return r ? r : buf_putc(out, '}');
}

static int put_detail(const struct opaque *o, struct buf *out)
{
	const int64_t request_us[2] = { o->side[0].start_us, o->side[0].end_us };
	const int64_t response_us[2] = { o->side[1].start_us, o->side[1].end_us };
	int r = buf_putc(out, '{');

	r = r ? r : put_side(out, "request", &o->side[0]);
	r = r ? r : put_side(out, "response", &o->side[1]);
	r = r ? r : detail_events(out, request_us, response_us);
	return r ? r : buf_putc(out, '}');
}

static const char *reason_of(const struct opaque *o, struct entry *e)
{
	if (o->joined)
		return entry_printf(e,
				    "joined mid-stream: %" PRId64
				    " bytes came before the first message that is understood",
				    e->request_size + e->response_size);
	if (e->lost_bytes && e->truncated_bytes)
		return entry_printf(e, "%" PRId64 " bytes lost, %" PRId64 " not copied",
				    e->lost_bytes, e->truncated_bytes);
	if (e->lost_bytes)
		return entry_printf(e, "%" PRId64 " bytes lost", e->lost_bytes);
	if (e->truncated_bytes)
		return entry_printf(e, "%" PRId64 " bytes not copied", e->truncated_bytes);
	return "";
}

static void fill_entry(struct opaque *o, struct entry *e)
{
	struct side *q = &o->side[0], *a = &o->side[1];

	e->protocol = "tls";
	e->timestamp_us = q->start_us ? q->start_us : a->start_us;
	if (q->start_us && a->start_us)
		e->elapsed_us = a->end_us > q->start_us ? a->end_us - q->start_us : 0;
	e->request_size = (int64_t)q->bytes.size;
	e->response_size = (int64_t)a->bytes.size;
	e->lost_bytes = (int64_t)(q->bytes.missing[GAP_LOST] + a->bytes.missing[GAP_LOST]);
	e->truncated_bytes =
		(int64_t)(q->bytes.missing[GAP_TRUNCATED] + a->bytes.missing[GAP_TRUNCATED]);
	e->summary = entry_printf(e, "%" PRId64 " bytes sent, %" PRId64 " bytes answered",
				  e->request_size, e->response_size);
	e->reason = reason_of(o, e);
	e->complete = !*e->reason;
	if (put_detail(o, &e->detail))
		buf_reset(&e->detail);
	for (int i = 0; i < 2; i++)
		e->part[i] = o->side[i].part;
	e->request_body = q->bytes.bytes;
	e->response_body = a->bytes.bytes;
	q->bytes.bytes = a->bytes.bytes = (struct buf){ 0 };
}

static void emit(struct opaque *o)
{
	struct entry *e = o->side[0].start_us || o->side[1].start_us ? entry_new() : NULL;

	for (int i = 0; i < 2; i++)
		if (o->side[i].start_us)
			digest_part_end(&o->digest[i], &o->side[i].part, o->digest[i].at);
	if (e) {
		o->emitted = true;
		fill_entry(o, e);
		o->sink.emit(o->sink.ctx, e);
	}
	for (int i = 0; i < 2; i++) {
		payload_free(&o->side[i].bytes);
		digest_release(&o->digest[i]);
		o->side[i] = (struct side){ 0 };
	}
}

/* The side that bytes of this direction belong to, after the exchange before was sent on. */
static struct side *side_of(struct opaque *o, enum dir dir, uint64_t offset, int64_t now)
{
	if (!o->request_known) {
		o->request_known = true;
		o->request_dir = dir;
	}
	if (dir == o->request_dir && o->side[1].start_us)
		emit(o);
	struct side *s = &o->side[dir != o->request_dir];
	struct digest *d = &o->digest[dir != o->request_dir];
	d->at = offset;
	if (!s->start_us) {
		s->start_us = now;
		digest_begin(d);
		digest_part_begin(d, &s->part, now);
	}
	s->end_us = s->part.last_us = now;
	return s;
}

static int opaque_feed(void *state, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		       int64_t now)
{
	struct opaque *o = state;
	struct side *s = side_of(o, dir, offset, now);

	digest_bytes(&o->digest[s - o->side], data, len);
	payload_put(&s->bytes, data, len, LIMIT_OPAQUE_BYTES);
	return 0;
}

static int opaque_gap(void *state, enum dir dir, uint64_t len, uint64_t offset, enum gap_why why,
		      int64_t now)
{
	struct opaque *o = state;
	struct side *s = side_of(o, dir, offset, now);

	s->part.whole = false;
	digest_skip(&o->digest[s - o->side], len);
	payload_skip(&s->bytes, len, why);
	return 0;
}

static void opaque_idle(void *state, int64_t now)
{
	(void)now;
	emit(state);
}

static void opaque_close(void *state, int64_t now)
{
	(void)now;
	emit(state);
	free(state);
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
	.close = opaque_close,
};
