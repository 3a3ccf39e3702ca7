// SPDX-License-Identifier: GPL-2.0-or-later
/* Frames of one direction, one after the other, as far as it is known where they begin. */
#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "dissect/http2.h"
#include "items.h"

/* Bytes of the frame that is read are those of its stream. */
static void note_bytes(struct h2 *h, enum dir dir, const uint8_t *data, size_t len, int64_t now)
{
	struct h2_stream *s = h->flow[dir].stream;

	if (!s)
		return;
	struct h2_side *side = &s->side[dir];
	XXH64_update(&side->digest, data, len);
	side->part.length += len;
	side->part.last_us = now;
	s->live.changed = true;
	if (side->msg)
		side->msg->end_us = now;
}

static void begin_part(struct h2 *h, enum dir dir, struct h2_stream *s)
{
	struct h2_flow *f = &h->flow[dir];
	struct h2_side *side = &s->side[dir];

	f->stream = s;
	side->hole = false;
	if (side->part.seen)
		return;
	side->part =
		(struct entry_part){ .seen = true, .offset = f->head_at, .first_us = f->head_us };
	XXH64_reset(&side->digest, 0);
}

/* The stream of a frame that may not be its first; NULL: it is closed, or there is no memory. */
static struct h2_stream *stream_of(struct h2 *h, enum dir dir, uint32_t id, bool may_begin)
{
	struct h2_stream *s = h2_stream_find(h, id);
	bool fresh = id > h->last_id;

	if (s)
		return s->side[dir].done ? NULL : s;
	if (!(may_begin && fresh) && (!h->lossy || h2_stream_was_reset(h, id)))
		return NULL;
	if (fresh)
		h->last_id = id;
	return h2_stream_new(h, id);
}

static int begin_data(struct h2 *h, enum dir dir)
{
	struct h2_flow *f = &h->flow[dir];
	struct h2_stream *s = stream_of(h, dir, f->frame.stream, false);

	f->fixed = f->frame.flags & H2_PADDED ? 1 : 0;
	if (!s)
		return 0;
	begin_part(h, dir, s);
	if (s->tunnel)
		return 0;
	struct message *m = h2_message(h, s, dir, f->head_us);
	if (!m)
		return -ENOMEM;
	m->framing_size += H2_HEAD_SIZE;
	return 0;
}

static int begin_headers(struct h2 *h, enum dir dir)
{
	struct h2_flow *f = &h->flow[dir];
	struct h2_stream *s = stream_of(h, dir, f->frame.stream, true);

	f->fixed = (uint8_t)((f->frame.flags & H2_PADDED ? 1 : 0) +
			     (f->frame.flags & H2_WITH_PRIORITY ? 5 : 0));
	if (s)
		begin_part(h, dir, s);
	return h2_block_begin(h, dir, s, f->head_us);
}

/* A header block goes on in frames that follow each other: another frame breaks it. */
static int begin_continuation(struct h2 *h, enum dir dir, int64_t now)
{
	struct h2_flow *f = &h->flow[dir];
	bool expected = f->frame.type == H2_CONTINUATION;

	if (f->block && expected && f->block->id == f->frame.stream) {
		if (f->block->stream && !f->block->promise)
			f->stream = f->block->stream;
		f->block->size += H2_HEAD_SIZE;
		return 0;
	}
	if (expected) {
		hpack_forget(&f->hpack);
		f->lost = true;
	}
	if (!f->block)
		return 0;
	h2_block_spoil(h, dir, HTTP_NOTE_HEAD_BAD);
	return h2_block_end(h, dir, now);
}

static int begin_frame(struct h2 *h, enum dir dir, int64_t now)
{
	struct h2_flow *f = &h->flow[dir];
	int r = f->block || f->frame.type == H2_CONTINUATION ? begin_continuation(h, dir, now) : 0;

	f->fixed = f->pad = 0;
	f->left = f->frame.len;
	if (r)
		return r;
	switch (f->frame.type) {
	case H2_DATA:
		return begin_data(h, dir);
	case H2_HEADERS:
		return begin_headers(h, dir);
	case H2_PUSH_PROMISE:
		f->fixed = f->frame.flags & H2_PADDED ? 5 : 4;
		return 0;
	case H2_RST_STREAM:
		f->fixed = 4;
		return 0;
	case H2_GOAWAY:
		f->fixed = 8;
		return 0;
	default:
		return 0;
	}
}

static int end_frame(struct h2 *h, enum dir dir, int64_t now)
{
	struct h2_flow *f = &h->flow[dir];
	struct h2_stream *s = f->stream;

	f->state = H2_HEAD;
	f->have = 0;
	f->stream = NULL;
	if (f->frame.type == H2_DATA) {
		if (s && f->frame.flags & H2_END_STREAM)
			h2_stream_end_side(h, s, dir);
		return 0;
	}
	bool block = f->frame.type == H2_HEADERS || f->frame.type == H2_PUSH_PROMISE ||
		     f->frame.type == H2_CONTINUATION;
	if (!block || !f->block || !(f->frame.flags & H2_END_HEADERS))
		return 0;
	return h2_block_end(h, dir, now);
}

static uint32_t number(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)(p[1] << 16 | p[2] << 8 | p[3]);
}

static void take_reset(struct h2 *h, enum dir dir, uint32_t code)
{
	struct h2_stream *s = h2_stream_find(h, h->flow[dir].frame.stream);
	bool client = h->roles_known && dir == h->client;

	h2_stream_note_reset(h, h->flow[dir].frame.stream);
	/* The largest stands for one that was lost. */
	for (int i = 0; s && i < 2; i++)
		if (s->side[i].msg && code < UINT32_MAX)
			s->side[i].msg->reset = code + 1;
	if (s)
		h2_stream_finish(h, s, h2_error(code, client ? H2_RESET_CLIENT : H2_RESET_SERVER));
}

/* What the server says that it did not look at will have no answer. */
static void take_goaway(struct h2 *h, enum dir dir, uint32_t last, uint32_t code)
{
	struct h2_flow *f = &h->flow[dir];

	f->goaway = code < UINT32_MAX ? code + 1 : code;
	/* Each looks at all streams, and nobody needs many. */
	if (!h->roles_known || dir == h->client || f->goaways == LIMIT_H2_GOAWAYS)
		return;
	f->goaways++;
	for (struct h2_stream *s = TAILQ_FIRST(&h->streams), *next; s; s = next) {
		next = TAILQ_NEXT(s, of_conn);
		if (s->id & 1 && s->id > last && !s->side[dir].msg)
			h2_stream_finish(h, s, h2_error(code, H2_NOT_PROCESSED));
	}
}

static int take_promise(struct h2 *h, enum dir dir, uint32_t id)
{
	struct h2_flow *f = &h->flow[dir];
	struct h2_stream *s = h2_stream_find(h, id) ? NULL : h2_stream_new(h, id);

	if (s) {
		s->promised_on = f->frame.stream;
		if (!h->roles_known)
			h2_set_client(h, !dir);
	}
	return h2_block_begin(h, dir, s, f->head_us);
}

/* What is fixed at the start of the frame's content is there. */
static int take_fixed(struct h2 *h, enum dir dir, int64_t now)
{
	struct h2_flow *f = &h->flow[dir];
	bool padded = f->frame.flags & H2_PADDED &&
		      (f->frame.type == H2_DATA || f->frame.type == H2_HEADERS ||
		       f->frame.type == H2_PUSH_PROMISE);
	const uint8_t *p = f->bytes + padded;

	f->state = H2_CONTENT;
	f->have = 0;
	if (padded)
		f->pad = f->bytes[0];
	if (f->pad > f->left)
		return h2_lose_framing(h, dir, HTTP_NOTE_HEAD_BAD, now);
	if (f->frame.type == H2_RST_STREAM)
		take_reset(h, dir, number(p));
	else if (f->frame.type == H2_GOAWAY)
		take_goaway(h, dir, number(p) & INT32_MAX, number(p + 4));
	else if (f->frame.type == H2_PUSH_PROMISE)
		return take_promise(h, dir, number(p) & INT32_MAX);
	return 0;
}

/* The frame goes on with what is next of it, or ends. */
static int step(struct h2 *h, enum dir dir, int64_t now)
{
	struct h2_flow *f = &h->flow[dir];
	int r = 0;

	if (f->state == H2_FIXED && f->have == f->fixed)
		r = take_fixed(h, dir, now);
	if (f->state == H2_CONTENT && f->left == f->pad)
		f->state = H2_PADDING;
	if (f->state == H2_PADDING && !f->left && !r)
		r = end_frame(h, dir, now);
	return r;
}

/* Bytes that are gathered up to `want`; the number taken. */
static size_t gather(struct h2_flow *f, const uint8_t *data, size_t len, size_t want)
{
	size_t n = want - f->have < len ? want - f->have : len;

	memcpy(f->bytes + f->have, data, n);
	f->have = (uint8_t)(f->have + n);
	return n;
}

static ssize_t feed_head(struct h2 *h, enum dir dir, const uint8_t *data, size_t len, int64_t now)
{
	struct h2_flow *f = &h->flow[dir];

	if (!f->have) {
		f->head_at = f->at;
		f->head_us = now;
	}
	size_t n = gather(f, data, len, H2_HEAD_SIZE);
	if (f->have < H2_HEAD_SIZE)
		return (ssize_t)n;
	f->frame = h2_frame_read(f->bytes);
	if (!f->head_at && f->frame.type == H2_SETTINGS && !f->frame.flags)
		h->at_start[dir] = true;
	bool good = h->lossy ? h2_frame_is_plausible(f->bytes, f->frame_size)
			     : h2_frame_is_valid(&f->frame);
	int r = good ? begin_frame(h, dir, now) : h2_lose_framing(h, dir, HTTP_NOTE_HEAD_BAD, now);
	if (!r && good) {
		note_bytes(h, dir, f->bytes, H2_HEAD_SIZE, now);
		f->have = 0;
		f->state = H2_FIXED;
		r = f->fixed > f->left ? h2_lose_framing(h, dir, HTTP_NOTE_HEAD_BAD, now)
				       : step(h, dir, now);
	}
	return r ? r : (ssize_t)n;
}

/* Bytes of the frame that are no content. */
static void note_framing(struct h2_flow *f, enum dir dir, size_t n)
{
	struct message *m = f->stream ? f->stream->side[dir].msg : NULL;

	if (f->block && f->frame.type != H2_DATA)
		f->block->size += n;
	else if (m && f->frame.type == H2_DATA)
		m->framing_size += n;
}

static void feed_data(struct h2 *h, enum dir dir, const uint8_t *data, size_t len, int64_t now)
{
	struct h2_flow *f = &h->flow[dir];
	struct h2_stream *s = f->stream;
	size_t room = h->held < LIMIT_H2_HELD ? LIMIT_H2_HELD - h->held : 0;

	if (s && s->tunnel && s->side[dir].unframed) {
		/* What is missing before them nobody knows: nothing of them is kept. */
		dissect_gap(s->tunnel, dir, len, GAP_TRUNCATED, now);
	} else if (s && s->tunnel) {
		dissect_feed(s->tunnel, dir, data, len, f->at, now);
	} else if (s) {
		struct payload *body = &s->side[dir].msg->body;
		if (room > LIMIT_BODY_BYTES - body->bytes.len)
			room = LIMIT_BODY_BYTES - body->bytes.len;
		payload_put(body, data, len, body->bytes.len + room);
		if (!room)
			http_stream_give_way(s->side[dir].items);
		http_stream_feed(s->side[dir].items, data, len, now);
		h2_account(h, s);
	}
}

/* SETTINGS_MAX_FRAME_SIZE is what the other side may send. */
static void feed_settings(struct h2 *h, enum dir dir, const uint8_t *data, size_t len)
{
	struct h2_flow *f = &h->flow[dir];

	while (len) {
		size_t n = gather(f, data, len, 6);
		data += n;
		len -= n;
		if (f->have < 6)
			return;
		f->have = 0;
		if (f->bytes[0] == 0 && f->bytes[1] == 5)
			h->flow[!dir].frame_size = number(f->bytes + 2);
	}
}

static ssize_t feed_content(struct h2 *h, enum dir dir, const uint8_t *data, size_t len,
			    int64_t now)
{
	struct h2_flow *f = &h->flow[dir];
	size_t content = f->left - f->pad, n = content < len ? content : len;
	int r = 0;

	note_bytes(h, dir, data, n, now);
	if (f->frame.type == H2_DATA)
		feed_data(h, dir, data, n, now);
	else if (f->frame.type == H2_SETTINGS)
		feed_settings(h, dir, data, n);
	else if (f->block) {
		f->block->size += n;
		r = h2_block_feed(h, dir, data, n);
	}
	f->left -= (uint32_t)n;
	r = r ? r : step(h, dir, now);
	return r ? r : (ssize_t)n;
}

/* What is fixed, or padding. */
static ssize_t feed_rest(struct h2 *h, enum dir dir, const uint8_t *data, size_t len, int64_t now)
{
	struct h2_flow *f = &h->flow[dir];
	size_t n = f->state == H2_FIXED ? gather(f, data, len, f->fixed)
		   : f->left < len	? f->left
					: len;

	note_bytes(h, dir, data, n, now);
	note_framing(f, dir, n);
	f->left -= (uint32_t)n;
	int r = step(h, dir, now);
	return r ? r : (ssize_t)n;
}

ssize_t h2_feed_frame(struct h2 *h, enum dir dir, const uint8_t *data, size_t len, int64_t now)
{
	switch (h->flow[dir].state) {
	case H2_HEAD:
		return feed_head(h, dir, data, len, now);
	case H2_CONTENT:
		return feed_content(h, dir, data, len, now);
	default:
		return feed_rest(h, dir, data, len, now);
	}
}

/* What tells where the content begins, and where its padding, is missing. */
static void gap_fixed(struct h2 *h, enum dir dir)
{
	struct h2_flow *f = &h->flow[dir];

	f->pad = 0;
	f->have = 0;
	f->state = H2_CONTENT;
	if (f->frame.type == H2_RST_STREAM)
		take_reset(h, dir, UINT32_MAX);
	else if (f->frame.type == H2_PUSH_PROMISE)
		hpack_forget(&f->hpack);
}

static void gap_content(struct h2 *h, enum dir dir, uint32_t n, enum gap_why why, int64_t now)
{
	struct h2_flow *f = &h->flow[dir];
	struct h2_stream *s = f->frame.type == H2_DATA ? f->stream : NULL;

	if (s && s->tunnel) {
		dissect_gap(s->tunnel, dir, n, why, now);
	} else if (s) {
		payload_skip(&s->side[dir].msg->body, n, why);
		if (n)
			http_stream_gap(s->side[dir].items, n, why, now);
	} else if (f->block && n) {
		h2_block_spoil(h, dir, HTTP_NOTE_HEAD_GAP);
		if (f->block->msg)
			f->block->msg->body.missing[why] += n;
	}
}

int h2_gap_frame(struct h2 *h, enum dir dir, uint32_t n, enum gap_why why, int64_t now)
{
	struct h2_flow *f = &h->flow[dir];

	if (f->state == H2_FIXED)
		gap_fixed(h, dir);
	uint32_t most = f->left - (f->state == H2_CONTENT ? f->pad : f->left);
	uint32_t content = n < most ? n : most;
	f->have = 0;
	f->left -= n;
	if (f->left < f->pad)
		f->pad = (uint8_t)f->left;
	if (f->stream) {
		f->stream->side[dir].lost = true;
		f->stream->side[dir].part.length += n;
		f->stream->live.changed = true;
	}
	gap_content(h, dir, content, why, now);
	if (f->block)
		f->block->size += n;
	else
		note_framing(f, dir, n - content);
	return step(h, dir, now);
}
