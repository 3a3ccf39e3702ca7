// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where does a message begin? After the one before; and when that is not known, at a line that is a
 * start line after a gap, after an LF, or after the other side spoke. All else is stray.
 */
#include <errno.h>
#include <string.h>

#include "dissect/http1_conn.h"
#include "base/limits.h"

static int flush_candidate(struct h1 *h, enum dir dir);

/* A message, or bytes that are none, begins in this direction. 0 or -ENOMEM. */
static int begin_message(struct h1 *h, enum dir dir, int64_t now)
{
	const struct h1_stream *other = &h->stream[!dir];

	/* Half a start line that is answered was no start line. */
	if (other->state == H1_SEEK && other->lines.size && h1_lacks_request(h, dir)) {
		int r = flush_candidate(h, !dir);
		if (r)
			return r;
	}
	return h1_begin_message(h, dir, now);
}

/* Bytes of the direction that are part of no message: a stray one begins, or goes on. */
static int stray(struct h1 *h, enum dir dir, const void *data, size_t len, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];

	if (!len)
		return 0;
	s->found = true;
	if (!s->x) {
		if (h->lossy)
			h1_note_hole(h, dir);
		int r = begin_message(h, dir, now);
		if (r)
			return r;
		http_note(h1_message_of(h, dir), HTTP_NOTE_STRAY);
	}
	struct message *m = h1_message_of(h, dir);
	m->end_us = now;
	if (h->lossy && !h1_is_request_dir(h, dir) && http_has_note(m, HTTP_NOTE_STRAY)) {
		h1_set_apart(h); /* it may be the end of another */
		h1_note_hole(h, dir);
		if (!s->x)
			return -ENOMEM;
	}
	if (http_has_note(m, HTTP_NOTE_STRAY))
		payload_put(&m->body, data, len, LIMIT_OPAQUE_BYTES);
	else
		m->unplaced += len;
	return 0;
}

/* What was stray is before a message after all: say how much of it there was. */
static void skip_prefix(struct message *m)
{
	uint64_t lost = m->body.missing[GAP_LOST], truncated = m->body.missing[GAP_TRUNCATED];

	m->skipped = m->body.present;
	payload_free(&m->body);
	m->body.missing[GAP_LOST] = lost;
	m->body.missing[GAP_TRUNCATED] = truncated;
	m->notes &= ~(1U << HTTP_NOTE_STRAY);
	if (m->skipped)
		http_note(m, HTTP_NOTE_SKIPPED);
}

static void know_roles(struct h1 *h, enum dir request_dir)
{
	h->roles_known = true;
	h->request_dir = request_dir;
}

/* A start line was read whole: of a new message, or of the one whose start was being looked for. */
static int start_found(struct h1 *h, enum dir dir)
{
	struct h1_stream *s = &h->stream[dir];

	if (!h->roles_known)
		know_roles(h, s->start_line.kinds == H1_REQUEST ? dir : !dir);
	if (s->x && h1_is_apart(h, dir))
		h1_end_apart(h, dir);
	if (!s->x) {
		int r = begin_message(h, dir, s->start_us);
		s->state = H1_HEAD;
		return r;
	}
	struct message *m = h1_message_of(h, dir);
	skip_prefix(m);
	/* Whatever was told of the body is not what will be. */
	s->x->live.told[!m->request] = SIZE_MAX;
	m->start_us = s->start_us;
	digest_part_begin(&s->digest, h1_part_of(h, dir), s->start_us);
	/* An interim answer before it may be among what is missing. */
	h1_part_of(h, dir)->whole = m->request || !m->body.missing[GAP_LOST];
	s->state = H1_HEAD;
	return 0;
}

/* Bytes of a line that were not kept are part of no message either. */
static void stray_cut(struct h1 *h, enum dir dir, uint64_t cut)
{
	struct message *m = h1_message_of(h, dir);

	if (http_has_note(m, HTTP_NOTE_STRAY))
		payload_skip(&m->body, cut, GAP_TRUNCATED);
	else
		m->unplaced += cut;
}

/* The bytes gathered in lines begin no message. */
static int flush_candidate(struct h1 *h, enum dir dir)
{
	struct h1_stream *s = &h->stream[dir];
	uint64_t cut = s->lines.cut;

	/* Chosen by a start line so long that it was not seen whole: most likely a request's. */
	if (!h->roles_known)
		know_roles(h, dir);
	int r = stray(h, dir, s->lines.text.data, s->lines.text.len, s->start_us);
	if (!r && cut)
		stray_cut(h, dir, cut);
	h1_lines_reset(&s->lines);
	s->candidate = false;
	return r;
}

static uint8_t possible_kinds(const struct h1 *h, enum dir dir)
{
	return !h->roles_known	       ? H1_REQUEST | H1_RESPONSE
	       : dir == h->request_dir ? H1_REQUEST
				       : H1_RESPONSE;
}

/* Bytes where a start line may be; the number taken, or -errno. */
static ssize_t feed_candidate(struct h1 *h, enum dir dir, const uint8_t *data, size_t len,
			      int64_t now)
{
	struct h1_stream *s = &h->stream[dir];
	enum h1_verdict v = H1_MORE;
	size_t n = 0;
	bool end;

	if (!s->lines.size) {
		if (!s->x && (*data == '\r' || *data == '\n')) {
			digest_bytes(&s->digest, data, 1);
			return 1;
		}
		if (!s->interim)
			digest_begin(&s->digest);
		s->start_us = now;
		s->start_line = (struct h1_start_line){ .kinds = H1_REQUEST | H1_RESPONSE };
	}
	s->start_line.kinds &= possible_kinds(h, dir);
	while (n < len && v == H1_MORE)
		v = h1_start_line_step(&s->start_line, data[n++]);
	digest_bytes(&s->digest, data, n);
	int r = 0;
	if (v != H1_NO) {
		h1_lines_feed(&s->lines, data, n, &end);
		r = v == H1_YES ? start_found(h, dir) : 0;
	} else {
		r = flush_candidate(h, dir);
		r = r ? r : stray(h, dir, data, n, now);
		s->candidate = data[n - 1] == '\n';
	}
	return r ? r : (ssize_t)n;
}

ssize_t h1_feed_seek(struct h1 *h, enum dir dir, const uint8_t *data, size_t len, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];

	if (s->candidate)
		return feed_candidate(h, dir, data, len, now);
	const uint8_t *lf = memchr(data, '\n', len);
	size_t n = lf ? (size_t)(lf - data) + 1 : len;
	s->candidate = lf != NULL;
	if (!s->x)
		digest_begin(&s->digest);
	int r = stray(h, dir, data, n, now);
	digest_bytes(&s->digest, data, n);
	return r ? r : (ssize_t)n;
}

int h1_gap_seek(struct h1 *h, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];

	/* Whose they are, what comes after them tells, and what is missing of the other direction.
	 */
	if ((!h->roles_known && !s->lines.size) || (h->in_order && !s->x && !s->lines.size)) {
		s->early[why] += len;
		h1_note_hidden(h, dir, len);
		digest_skip(&s->digest, len);
		s->candidate = true;
		s->found = false;
		return 0;
	}
	int r = flush_candidate(h, dir);
	/* More of the same changes nothing. */
	if (!s->x || h1_message_of(h, dir)->body.present)
		h1_note_hole(h, dir);
	if (!r && !s->x) {
		digest_begin(&s->digest);
		r = begin_message(h, dir, now);
		if (!r)
			http_note(h1_message_of(h, dir), HTTP_NOTE_STRAY);
	}
	if (r)
		return r;
	payload_skip(&h1_message_of(h, dir)->body, len, why);
	digest_skip(&s->digest, len);
	h1_stream_reset(s);
	s->found = false;
	return 0;
}

int h1_place_early(struct h1 *h, enum dir dir, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];

	if (!h->roles_known || s->x || !(s->early[0] || s->early[1]))
		return 0;
	int r = begin_message(h, dir, now);
	if (!r)
		http_note(h1_message_of(h, dir), HTTP_NOTE_STRAY);
	return r;
}

void h1_close_seek(struct h1 *h, enum dir dir)
{
	if (h->stream[dir].state == H1_SEEK && h->stream[dir].lines.size)
		flush_candidate(h, dir);
}
