// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a body ends (RFC 9112 sections 6 and 7): by its length, by chunks, with the connection. */
#include <string.h>

#include "base/account.h"
#include "base/hex.h"
#include "base/limits.h"
#include "dissect/http1_conn.h"

static size_t feed_bytes(struct h1 *h, enum dir dir, const uint8_t *data, size_t len, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];
	struct h1_message *m = h1_framing_of(h, dir);
	size_t n = s->state == H1_UNTIL_CLOSE || len < s->left ? len : (size_t)s->left;

	digest_bytes(&s->digest, data, n);
	payload_put(&m->msg->body, data, n, LIMIT_BODY_BYTES);
	if (m->items) {
		http_stream_feed(m->items, data, n, now);
		h1_message_account(m, h->sink->account);
	}
	if (s->state != H1_UNTIL_CLOSE)
		s->left -= n;
	return n;
}

void h1_lose_framing(struct h1 *h, enum dir dir, enum http_note note)
{
	http_note(h1_message_of(h, dir), note);
	h1_stream_reset(&h->stream[dir]);
	h1_note_hole(h, dir);
}

static void end_chunk_line(struct h1_stream *s)
{
	s->state = s->left ? H1_CHUNK_DATA : H1_TRAILER;
}

static size_t feed_chunk_size(struct h1 *h, enum dir dir, const uint8_t *data, size_t len)
{
	struct h1_stream *s = &h->stream[dir];
	size_t n = 0;

	while (n < len && s->state == H1_CHUNK_SIZE) {
		int digit = hex_digit(data[n]);
		if (digit >= 0 && s->left < 1ULL << 56) {
			s->left = s->left << 4 | (unsigned)digit;
			s->digits = true;
		} else if (s->digits && data[n] == '\n') {
			end_chunk_line(s);
		} else if (s->digits && memchr(" \t;\r", data[n], 4)) {
			s->state = H1_CHUNK_EXT;
		} else {
			h1_lose_framing(h, dir, HTTP_NOTE_CHUNK_BAD);
			break;
		}
		n++;
	}
	digest_bytes(&s->digest, data, n);
	h1_message_of(h, dir)->framing_size += n;
	return n;
}

static size_t feed_chunk_ext(struct h1 *h, enum dir dir, const uint8_t *data, size_t len)
{
	const uint8_t *lf = memchr(data, '\n', len);
	size_t n = lf ? (size_t)(lf - data) + 1 : len;

	digest_bytes(&h->stream[dir].digest, data, n);
	h1_message_of(h, dir)->framing_size += n;
	if (lf)
		end_chunk_line(&h->stream[dir]);
	return n;
}

static size_t feed_chunk_end(struct h1 *h, enum dir dir, uint8_t c)
{
	struct h1_stream *s = &h->stream[dir];

	if (c != '\r' && c != '\n') {
		h1_lose_framing(h, dir, HTTP_NOTE_CHUNK_BAD);
		return 0;
	}
	digest_bytes(&s->digest, &c, 1);
	h1_message_of(h, dir)->framing_size++;
	if (c == '\n') {
		s->state = H1_CHUNK_SIZE;
		s->digits = false;
	}
	return 1;
}

static ssize_t feed_trailer(struct h1 *h, enum dir dir, const uint8_t *data, size_t len,
			    int64_t now)
{
	struct h1_stream *s = &h->stream[dir];
	bool end;
	size_t n = h1_lines_feed(&s->lines, data, len, &end);

	digest_bytes(&s->digest, data, n);
	if (end) {
		int r = h1_trailer_read(h1_message_of(h, dir), &s->lines);
		if (r)
			return r;
		h1_end_message(h, dir, now);
	}
	return (ssize_t)n;
}

/*
 * An answer whose request is not known for certain may be that of a HEAD, and then has no body
 * whatever it says: what begins as the next answer does, is that, and nobody's. Elsewhere, a body
 * is.
 */
static const uint8_t next_answer[] = "HTTP/1.";
#define DOUBT_MAX (sizeof(next_answer) - 1)

bool h1_is_doubtful(const struct h1 *h, enum dir dir)
{
	const struct h1_stream *s = &h->stream[dir], *other = &h->stream[!dir];

	if (s->state != H1_FIXED || h1_is_request_dir(h, dir) || s->x->response.msg->body.size)
		return false;
	const struct h1_message *q = &s->x->request;
	bool known =
		q->begun && (q->msg->has_head || (other->x == s->x && other->state == H1_HEAD));
	return !known || s->x->unproven;
}

void h1_end_doubt(struct h1 *h, enum dir dir, int64_t now)
{
	size_t n = h->stream[dir].doubt;

	h->stream[dir].doubt = 0;
	if (n)
		feed_bytes(h, dir, next_answer, n, now);
}

/* Bytes that are as the next answer's so far; the number taken, 0: the next byte is body. */
static ssize_t feed_doubt(struct h1 *h, enum dir dir, const uint8_t *data, size_t len, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];
	size_t n = 0;

	if (!s->doubt)
		s->start_us = now;
	while (n < len && s->doubt < DOUBT_MAX && data[n] == next_answer[s->doubt]) {
		s->doubt++;
		n++;
	}
	if (s->doubt < DOUBT_MAX) {
		if (n < len || s->doubt >= s->left)
			h1_end_doubt(h, dir, now);
		if (!s->left)
			h1_end_message(h, dir, now);
		return (ssize_t)n;
	}
	s->doubt = 0;
	h1_end_message(h, dir, 0);
	h1_note_hole(h, dir);
	s->found = true;
	ssize_t r = h1_feed_seek(h, dir, next_answer, DOUBT_MAX, s->start_us);
	return r < 0 ? r : (ssize_t)n;
}

ssize_t h1_feed_body(struct h1 *h, enum dir dir, const uint8_t *data, size_t len, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];
	size_t n;

	switch (s->state) {
	case H1_CHUNK_SIZE:
		return (ssize_t)feed_chunk_size(h, dir, data, len);
	case H1_CHUNK_EXT:
		return (ssize_t)feed_chunk_ext(h, dir, data, len);
	case H1_CHUNK_END:
		return (ssize_t)feed_chunk_end(h, dir, *data);
	case H1_CHUNK_DATA:
		n = feed_bytes(h, dir, data, len, now);
		if (!s->left)
			s->state = H1_CHUNK_END;
		return (ssize_t)n;
	case H1_TRAILER:
		return feed_trailer(h, dir, data, len, now);
	default:
		if (h1_is_doubtful(h, dir)) {
			ssize_t taken = feed_doubt(h, dir, data, len, now);
			if (taken)
				return taken;
		}
		n = feed_bytes(h, dir, data, len, now);
		if (s->state == H1_FIXED && !s->left)
			h1_end_message(h, dir, now);
		return (ssize_t)n;
	}
}

uint64_t h1_gap_body(struct h1 *h, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];
	uint64_t n = s->state == H1_UNTIL_CLOSE || len < s->left ? len : s->left;

	payload_skip(&h1_message_of(h, dir)->body, n, why);
	if (n)
		http_stream_gap(h1_framing_of(h, dir)->items, n, why, now);
	h1_part_of(h, dir)->whole = false;
	digest_skip(&s->digest, n);
	if (s->state == H1_UNTIL_CLOSE)
		return n;
	s->left -= n;
	if (!s->left && s->state == H1_FIXED)
		h1_end_message(h, dir, now);
	else if (!s->left)
		s->state = H1_CHUNK_END;
	return n;
}
