// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * HTTP/2 (RFC 9113), as somebody sees it who stands beside the connection: both directions, with
 * gaps, perhaps not from its beginning. Frames say how long they are, so what is missing inside of
 * one is missing there alone; after a loss whose frames are not known, one has to be proven
 * (http2_prove.c).
 */
#include "dissect/http2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

static void *http2_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	struct h2 *h = calloc(1, sizeof(*h));
	bool late = hint->mid_stream || hint->lossy;

	if (!h)
		return NULL;
	h->sink = *sink;
	account_change(sink->account, 0, sizeof(*h));
	h->upgraded = hint->upgraded;
	h->depth = hint->depth;
	h->roles_known = hint->opener_known;
	h->client = hint->opener;
	h->lossy = late;
	TAILQ_INIT(&h->streams);
	for (int dir = 0; dir < 2; dir++) {
		struct h2_flow *f = &h->flow[dir];
		f->hpack.partial = late;
		f->lost = !hint->mid_stream;
		f->strict = hint->lossy;
		f->seek_first = true;
		f->frame_size = H2_FRAME_SIZE;
		f->credit = LIMIT_H2_CREDIT;
	}
	return h;
}

/* The only stream that bytes of a direction, which lie in no known frame, can be of; NULL. */
static struct h2_stream *only_stream(const struct h2 *h, enum dir dir)
{
	struct h2_stream *s, *only = NULL;

	TAILQ_FOREACH(s, &h->streams, of_conn)
	{
		if (s->side[dir].done || (!s->side[dir].msg && !s->tunnel))
			continue;
		if (only)
			return NULL;
		only = s;
	}
	return only;
}

/* Bytes that are there, and belong to no frame. */
static void pass_over(struct h2 *h, enum dir dir, size_t len)
{
	struct h2_stream *s = len ? only_stream(h, dir) : NULL;

	h->flow[dir].skipped += len;
	if (s && !s->tunnel)
		s->side[dir].msg->unplaced += len;
}

/* What was begun to be read in this direction ends here; its frames are not known any more. */
int h2_lose_framing(struct h2 *h, enum dir dir, enum http_note note, int64_t now)
{
	struct h2_flow *f = &h->flow[dir];
	struct h2_stream *s;
	/* Each looks at all streams, and a peer that goes on so speaks something else. */
	int r = note == HTTP_NOTE_HEAD_BAD && ++h->broken > LIMIT_H2_BROKEN ? -EPROTO : 0;

	if (f->block && !r) {
		h2_block_spoil(h, dir, note);
		f->block->end_stream = false;
		r = h2_block_end(h, dir, now);
	}
	if (f->state == H2_HEAD || f->state == H2_PRELUDE)
		pass_over(h, dir, f->have);
	hpack_forget(&f->hpack);
	f->lost = h->lossy = true;
	f->stream = NULL;
	f->have = 0;
	TAILQ_FOREACH(s, &h->streams, of_conn)
	{
		struct h2_side *side = &s->side[dir];
		if (side->done)
			continue;
		side->lost = side->hole = side->unframed = true;
		if (side->msg)
			http_note(side->msg, HTTP_NOTE_HOLE);
		http_stream_gap(side->items, 0, GAP_LOST, now);
	}
	h2_prove_begin(f);
	f->skipped = 0;
	return r;
}

/* The client's first bytes, unless these come in the middle. */
static ssize_t feed_prelude(struct h2 *h, enum dir dir, const uint8_t *data, size_t len)
{
	struct h2_flow *f = &h->flow[dir];
	size_t n = 0;

	while (n < len && f->have < H2_PREFACE_SIZE && data[n] == (uint8_t)H2_PREFACE[f->have])
		f->bytes[f->have++] = data[n++];
	if (f->have == H2_PREFACE_SIZE) {
		h2_set_client(h, dir);
		h->at_start[dir] = f->at + n == H2_PREFACE_SIZE;
		f->hpack.partial = h->flow[!dir].hpack.partial = h->lossy = false;
		f->state = H2_HEAD;
		f->have = 0;
	} else if (n < len && !f->have && !h->lossy) {
		f->state = H2_HEAD;
	} else if (n < len) {
		f->state = H2_SEEK;
		f->at -= f->strict ? 0U : f->have;
		if (!f->strict && buf_put(&f->seek, f->bytes, f->have))
			return -ENOMEM;
		f->have = 0;
	}
	return (ssize_t)n;
}

/* Bytes as far as frames are known; the number taken, or -errno. */
static ssize_t feed_frames(struct h2 *h, enum dir dir, const uint8_t *data, size_t len, int64_t now)
{
	struct h2_flow *f = &h->flow[dir];
	size_t at = 0;

	while (at < len && f->state != H2_SEEK) {
		const uint8_t *p = data + at;
		ssize_t n = f->state == H2_PRELUDE ? feed_prelude(h, dir, p, len - at)
						   : h2_feed_frame(h, dir, p, len - at, now);
		if (n < 0)
			return n;
		at += (size_t)n;
		f->at += (size_t)n;
	}
	return (ssize_t)at;
}

/* After a loss: passes over what is not proven to be frames. The number of bytes, or -errno. */
static ssize_t prove_frame(struct h2 *h, enum dir dir, const uint8_t *data, size_t len, int64_t now)
{
	struct h2_flow *f = &h->flow[dir];
	size_t n = h2_prove(h, f, data, len);
	bool found = f->state == H2_HEAD;

	f->at += n;
	pass_over(h, dir, n);
	if (!found)
		return f->skipped > LIMIT_H2_SEEK ? -EPROTO : (ssize_t)n;
	f->head_at = f->at - H2_HEAD_SIZE;
	f->head_us = now;
	ssize_t r = h2_feed_frame(h, dir, NULL, 0, now);
	return r ? r : (ssize_t)n;
}

/* As far as frames are known, or have to be proven: the number of bytes, or -errno. */
static ssize_t feed_known(struct h2 *h, enum dir dir, const uint8_t *data, size_t len, int64_t now)
{
	struct h2_flow *f = &h->flow[dir];
	size_t at = 0;

	while (at < len && (f->state != H2_SEEK || f->strict)) {
		ssize_t n = f->state == H2_SEEK ? prove_frame(h, dir, data + at, len - at, now)
						: feed_frames(h, dir, data + at, len - at, now);
		if (n < 0)
			return n;
		at += (size_t)n;
	}
	return (ssize_t)at;
}

/* Joined late: where a frame begins, its bytes are read as such. 0 or -errno. */
static int look_for_frame(struct h2 *h, enum dir dir, bool end, int64_t now)
{
	struct h2_flow *f = &h->flow[dir];
	int v = h2_seek(f, end);

	pass_over(h, dir, f->seek_from);
	f->at += f->seek_from;
	if (f->seek_from)
		buf_drop(&f->seek, f->seek_from);
	f->seek_from = 0;
	if (v != PROBE_YES)
		return f->skipped > LIMIT_H2_SEEK ? -EPROTO : 0;
	struct buf found = f->seek;
	f->seek = (struct buf){ 0 };
	f->state = H2_HEAD;
	ssize_t n = feed_known(h, dir, (const uint8_t *)found.data, found.len, now);
	buf_free(&found);
	return n < 0 ? (int)n : 0;
}

static void add_credit(struct h2_flow *f, size_t len)
{
	size_t more = len < LIMIT_H2_CREDIT ? len * LIMIT_H2_EXPANSION : LIMIT_H2_CREDIT;

	f->credit =
		more < LIMIT_H2_CREDIT - f->credit ? f->credit + (uint32_t)more : LIMIT_H2_CREDIT;
}

/* The other side speaks, or nobody does. 0 or -errno. */
static int end_of_turn(struct h2 *h, enum dir dir, bool quiet)
{
	struct h2_flow *f = &h->flow[dir];

	if (f->state != H2_SEEK)
		return 0;
	if (!f->strict)
		return look_for_frame(h, dir, true, f->last_us);
	h2_prove_end(f, quiet);
	return 0;
}

static int http2_feed(void *state, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		      int64_t now)
{
	struct h2 *h = state;
	struct h2_flow *f = &h->flow[dir];
	int r = end_of_turn(h, !dir, false);

	if (r)
		return r;
	f->last_us = now;
	add_credit(f, len);
	if (f->state != H2_SEEK || f->strict)
		f->at = offset;
	ssize_t n = feed_known(h, dir, data, len, now);
	if (n < 0)
		return (int)n;
	data += n;
	len -= (size_t)n;
	if (!len)
		return 0;
	if (buf_put(&f->seek, data, len))
		return -ENOMEM;
	return look_for_frame(h, dir, false, now);
}

/* Bytes of frames that nobody saw are missing. */
static int gap_frames(struct h2 *h, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct h2_flow *f = &h->flow[dir];
	bool seeking = f->state == H2_SEEK;

	if (seeking)
		pass_over(h, dir, f->seek.len);
	f->at += f->seek.len;
	buf_free(&f->seek);
	int r = h2_lose_framing(h, dir, HTTP_NOTE_HEAD_GAP, now);
	struct h2_stream *s = only_stream(h, dir);
	if (s && s->tunnel)
		dissect_gap(s->tunnel, dir, len, why, now);
	else if (s)
		payload_skip(&s->side[dir].msg->body, len, why);
	if (s && !s->tunnel)
		http_stream_gap(s->side[dir].items, len, why, now);
	return r;
}

static int http2_gap(void *state, enum dir dir, uint64_t len, uint64_t offset, enum gap_why why,
		     int64_t now)
{
	struct h2 *h = state;
	struct h2_flow *f = &h->flow[dir];
	bool inside = f->state == H2_FIXED || f->state == H2_CONTENT || f->state == H2_PADDING;
	uint32_t n = !inside ? 0 : len < f->left ? (uint32_t)len : f->left;
	int r = n ? h2_gap_frame(h, dir, n, why, now) : 0;

	f->last_us = now;
	if (!r && n < len)
		r = gap_frames(h, dir, len - n, why, now);
	f->at = offset + len;
	return r;
}

static void settle(struct h2 *h)
{
	end_of_turn(h, DIR_WRITE, true);
	end_of_turn(h, DIR_READ, true);
}

static void http2_idle(void *state, int64_t now)
{
	struct h2 *h = state;

	settle(h);
	h2_streams_idle(h, now);
}

static void http2_give_way(void *state)
{
	h2_streams_give_way(state);
}

static void http2_tick(void *state, int64_t now)
{
	h2_streams_tick(state, now);
}

static bool http2_alive(const void *state)
{
	const struct h2 *h = state;

	return h->count > 0;
}

/* A message that ends inside a frame. */
static void close_flow(struct h2 *h, enum dir dir)
{
	struct h2_flow *f = &h->flow[dir];
	struct message *m = f->stream ? f->stream->side[dir].msg : NULL;

	if (m && f->frame.type == H2_DATA && f->state == H2_CONTENT)
		m->expected = f->left - f->pad;
	if (f->block) {
		f->block->end_stream = false;
		h2_block_end(h, dir, f->last_us);
	}
}

static void http2_close(void *state, int64_t now)
{
	struct h2 *h = state;

	(void)now;
	settle(h);
	close_flow(h, h->client);
	close_flow(h, !h->client);
	uint32_t code = h->flow[!h->client].goaway;
	h2_streams_free(h, code ? h2_error(code - 1, H2_GONE) : NULL);
	for (int dir = 0; dir < 2; dir++) {
		hpack_free(&h->flow[dir].hpack);
		h2_block_free(h, (enum dir)dir);
		buf_free(&h->flow[dir].seek);
	}
	account_change(h->sink.account, sizeof(*h), 0);
	free(h);
}

const struct dissector dissect_http2 = {
	.name = "http2",
	.probe = h2_probe,
	.open = http2_open,
	.feed = http2_feed,
	.gap = http2_gap,
	.idle = http2_idle,
	.tick = http2_tick,
	.alive = http2_alive,
	.give_way = http2_give_way,
	.close = http2_close,
	.refill = http_entry_refill,
};
