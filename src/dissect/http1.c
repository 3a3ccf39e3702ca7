// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * HTTP/1.x (RFC 9112). Bytes are pushed in any portions: what comes out depends on the bytes and on
 * the order of the directions, never on how the bytes were cut, and each byte is looked at once.
 */
#include "dissect/http1.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "entry.h"
#include "limits.h"

enum h1_state {
	H1_SEEK, /* between messages, or looking for the next one */
	H1_HEAD,
	H1_FIXED,
	H1_UNTIL_CLOSE,
	H1_CHUNK_SIZE,
	H1_CHUNK_EXT,
	H1_CHUNK_DATA,
	H1_CHUNK_END,
	H1_TRAILER,
};

/* One direction. */
struct h1_stream {
	enum h1_state state;
	bool candidate; /* H1_SEEK: a message may begin with the next byte, or has begun */
	bool digits;	/* H1_CHUNK_SIZE: one was there */
	struct h1_start_line start_line;
	struct h1_lines lines;
	uint64_t left;	       /* of the body, or of the chunk */
	uint64_t early[2];     /* missing before the roles are known, by enum gap_why */
	int64_t start_us;      /* of the first byte in lines */
	struct h1_exchange *x; /* whose message this is, NULL between messages */
};

struct h1 {
	struct entry_sink sink;
	struct h1_stream stream[2]; /* by enum dir */
	bool roles_known, spoke;
	bool pipelined; /* a request was sent before the answer to another */
	bool uncertain; /* requests or answers were lost: pairing stops until it is quiet */
	enum dir request_dir, last_dir;
	struct h1_exchange *head, **tail; /* requests without their whole answer, in order */
	size_t queued;
	struct dissection *inner; /* what follows a switch of protocols */
};

static const char untold_answer[] = "which answer belongs to it cannot be told: bytes were lost";

static enum h1_verdict probe_line(uint8_t kinds, const uint8_t *data, size_t len)
{
	struct h1_start_line line = { .kinds = kinds };
	enum h1_verdict v = H1_MORE;

	for (size_t i = 0; i < len && v == H1_MORE; i++)
		if (i || (*data != '\r' && *data != '\n'))
			v = h1_start_line_step(&line, data[i]);
	return v;
}

static enum probe_verdict http1_probe(enum dir dir, const uint8_t *data, size_t len)
{
	(void)dir;
	while (len && (*data == '\r' || *data == '\n'))
		data++, len--;
	enum h1_verdict v = probe_line(H1_REQUEST | H1_RESPONSE, data, len);
	return v == H1_YES ? PROBE_YES : v == H1_MORE ? PROBE_MAYBE : PROBE_NO;
}

static bool is_request_dir(const struct h1 *h, enum dir dir)
{
	return h->roles_known && dir == h->request_dir;
}

static struct h1_message *message_of(const struct h1 *h, enum dir dir)
{
	struct h1_exchange *x = h->stream[dir].x;

	return is_request_dir(h, dir) ? &x->request : &x->response;
}

static void *http1_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	struct h1 *h = calloc(1, sizeof(*h));

	(void)hint;
	if (!h)
		return NULL;
	h->sink = *sink;
	h->tail = &h->head;
	h->stream[0].candidate = h->stream[1].candidate = true;
	return h;
}

static void queue_append(struct h1 *h, struct h1_exchange *x)
{
	x->queued = true;
	*h->tail = x;
	h->tail = &x->next;
	h->queued++;
}

static void queue_remove(struct h1 *h, struct h1_exchange *x)
{
	struct h1_exchange **p = &h->head;

	if (!x->queued)
		return;
	while (*p != x)
		p = &(*p)->next;
	*p = x->next;
	if (h->tail == &x->next)
		h->tail = p;
	x->queued = false;
	h->queued--;
}

static void emit(struct h1 *h, struct h1_exchange *x)
{
	queue_remove(h, x);
	h->sink.emit(h->sink.ctx, h1_exchange_take_entry(x, h->request_dir == DIR_WRITE));
	h1_exchange_free(x);
}

/* Emit it when nothing more can come to it. */
static void check_done(struct h1 *h, struct h1_exchange *x)
{
	bool request = x->request.done || !x->request.begun;
	bool response = x->response.done || x->alone;

	if (request && response && h->stream[0].x != x && h->stream[1].x != x)
		emit(h, x);
}

static void seek(struct h1_stream *s)
{
	s->state = H1_SEEK;
	s->candidate = true;
	h1_lines_reset(&s->lines);
	s->start_line = (struct h1_start_line){ 0 };
}

static void end_message(struct h1 *h, enum dir dir, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];
	struct h1_exchange *x = s->x;
	struct h1_message *m = message_of(h, dir);

	m->done = true;
	if (now)
		m->end_us = now;
	s->x = NULL;
	if (s->state != H1_SEEK)
		seek(s);
	/* What the answer ended, a request whose own end is unknown has ended too. */
	struct h1_stream *other = &h->stream[!dir];
	if (!is_request_dir(h, dir) && other->x == x && other->state == H1_SEEK) {
		x->request.done = true;
		other->x = NULL;
	}
	check_done(h, x);
}

/* The first request that has no answer yet. */
static struct h1_exchange *next_unanswered(const struct h1 *h)
{
	struct h1_exchange *x = h->head;

	while (x && x->response.begun)
		x = x->next;
	return x;
}

static struct h1_exchange *begin_request(struct h1 *h)
{
	struct h1_exchange *x = h1_exchange_new();

	if (!x)
		return NULL;
	if (h->queued >= LIMIT_PIPELINE)
		h->uncertain = true;
	x->alone = h->uncertain;
	if (x->alone)
		x->missing = untold_answer;
	else
		queue_append(h, x);
	return x;
}

/* Give up on requests that wait, but for `keep`. */
static void drop_unanswered(struct h1 *h, const struct h1_exchange *keep, const char *missing)
{
	for (struct h1_exchange *x = h->head, *next; x; x = next) {
		next = x->next;
		if (x == keep || x->response.begun)
			continue;
		queue_remove(h, x);
		x->alone = true;
		x->missing = missing;
		check_done(h, x);
	}
}

static void stop_pairing(struct h1 *h)
{
	h->uncertain = true;
	drop_unanswered(h, NULL, untold_answer);
}

/*
 * Bytes are missing where the next answer, or request, would begin. A client that waits for each
 * answer has had those to all but its last request; with one that does not, nobody can tell.
 */
static void gap_between(struct h1 *h, enum dir dir)
{
	struct h1_exchange *first = next_unanswered(h), *last = first;

	for (struct h1_exchange *x = first; x; x = x->next)
		last = x;
	if (is_request_dir(h, dir) ? first && h->pipelined : first != last && h->pipelined)
		stop_pairing(h);
	else if (!is_request_dir(h, dir) && first != last)
		drop_unanswered(h, last, "its answer was lost");
}

static int flush_candidate(struct h1 *h, enum dir dir);

static struct h1_exchange *begin_response(struct h1 *h)
{
	enum dir request_dir = h->request_dir;
	struct h1_exchange *x = h->uncertain ? NULL : next_unanswered(h);

	/* Half a start line that is answered was no start line. */
	if (!x && !h->uncertain && h->roles_known && h->stream[request_dir].lines.size &&
	    h->stream[request_dir].state == H1_SEEK) {
		flush_candidate(h, request_dir);
		x = next_unanswered(h);
	}
	if (x) {
		h->pipelined |= x->next != NULL;
		return x;
	}
	x = h1_exchange_new();
	if (x)
		x->missing = h->uncertain
				     ? "which request it answers cannot be told: bytes were lost"
				     : "the request was not seen";
	return x;
}

/*
 * Does a new request mean that this answer has ended? When its end was lost, or when it says it has
 * a body that does not come and may be the answer to a HEAD that was not seen.
 */
static bool is_over(const struct h1 *h, enum dir dir)
{
	const struct h1_stream *s = &h->stream[dir];

	return s->x && (s->state == H1_SEEK || (s->state == H1_FIXED && !s->x->request.begun &&
						!s->x->response.body.size));
}

/* A message, or bytes that are none, begins in this direction. */
static int begin_message(struct h1 *h, enum dir dir, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];
	bool request = is_request_dir(h, dir);

	s->x = request ? begin_request(h) : begin_response(h);
	if (!s->x)
		return -ENOMEM;
	struct h1_message *m = message_of(h, dir);
	m->begun = true;
	m->start_us = m->end_us = now;
	for (int why = 0; why < 2; why++) {
		m->body.missing[why] += s->early[why];
		s->early[why] = 0;
	}
	if (request && is_over(h, !dir))
		end_message(h, !dir, 0);
	return 0;
}

/* Bytes of the direction that are part of no message: a stray one begins, or goes on. */
static int stray(struct h1 *h, enum dir dir, const void *data, size_t len, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];

	if (!len)
		return 0;
	if (!s->x) {
		int r = begin_message(h, dir, now);
		if (r)
			return r;
		message_of(h, dir)->notes |= 1U << H1_NOTE_STRAY;
	}
	struct h1_message *m = message_of(h, dir);
	m->end_us = now;
	if (m->notes & 1U << H1_NOTE_STRAY)
		payload_put(&m->body, data, len, LIMIT_OPAQUE_BYTES);
	else
		m->unplaced += len;
	return 0;
}

/* What was stray is before a message after all: say how much of it there was. */
static void skip_prefix(struct h1_message *m)
{
	uint64_t lost = m->body.missing[GAP_LOST], truncated = m->body.missing[GAP_TRUNCATED];

	m->skipped = m->body.size - lost - truncated;
	payload_free(&m->body);
	m->body.missing[GAP_LOST] = lost;
	m->body.missing[GAP_TRUNCATED] = truncated;
	m->notes &= ~(1U << H1_NOTE_STRAY);
	m->notes |= m->skipped ? 1U << H1_NOTE_SKIPPED : 0;
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
	if (s->x && (!(message_of(h, dir)->notes & 1U << H1_NOTE_STRAY) ||
		     (is_request_dir(h, dir) && s->x->response.begun)))
		end_message(h, dir, 0);
	if (!s->x) {
		int r = begin_message(h, dir, s->start_us);
		s->state = H1_HEAD;
		return r;
	}
	struct h1_message *m = message_of(h, dir);
	skip_prefix(m);
	m->start_us = s->start_us;
	s->state = H1_HEAD;
	return 0;
}

/* Bytes of a line that were not kept are part of no message either. */
static void stray_cut(struct h1 *h, enum dir dir, uint64_t cut)
{
	struct h1_message *m = message_of(h, dir);

	if (m->notes & 1U << H1_NOTE_STRAY)
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
		if (!s->x && (*data == '\r' || *data == '\n'))
			return 1;
		s->start_us = now;
		s->start_line = (struct h1_start_line){ .kinds = 3 };
	}
	s->start_line.kinds &= possible_kinds(h, dir);
	while (n < len && v == H1_MORE)
		v = h1_start_line_step(&s->start_line, data[n++]);
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

static ssize_t feed_seek(struct h1 *h, enum dir dir, const uint8_t *data, size_t len, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];

	if (s->candidate)
		return feed_candidate(h, dir, data, len, now);
	const uint8_t *lf = memchr(data, '\n', len);
	size_t n = lf ? (size_t)(lf - data) + 1 : len;
	s->candidate = lf != NULL;
	int r = stray(h, dir, data, n, now);
	return r ? r : (ssize_t)n;
}

/* The other side agreed to speak something else: whatever it is, it is found out anew. */
static int switch_protocols(struct h1 *h, enum dir dir, int64_t now)
{
	const struct conn_hint hint = { .opener_known = true, .opener = h->request_dir };
	struct h1_stream *request = &h->stream[!dir];
	struct h1_lines early = request->lines;

	h->inner = dissect_open(&h->sink, &hint);
	if (!h->inner)
		return -ENOMEM;
	request->lines = (struct h1_lines){ 0 };
	if (request->x)
		end_message(h, !dir, 0);
	end_message(h, dir, now);
	drop_unanswered(h, NULL, "the connection switched to another protocol");
	dissect_feed(h->inner, !dir, (const uint8_t *)early.text.data, early.text.len, 0, now);
	h1_lines_reset(&early);
	return 0;
}

/* What follows the head: RFC 9112 section 6.3. */
static int begin_body(struct h1 *h, enum dir dir, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];
	struct h1_message *m = message_of(h, dir);
	struct h1_exchange *x = s->x;
	bool request = is_request_dir(h, dir);

	if (!request && (m->status == 101 || (x->connect_method && m->status / 100 == 2)))
		return switch_protocols(h, dir, now);
	if (request ? x->connect_method
		    : x->head_method || m->status / 100 == 1 || m->status == 204 ||
			      m->status == 304)
		m->chunked = m->has_length = m->close_delimited = false;
	else if (!request && !m->chunked && !m->has_length)
		m->close_delimited = true;
	s->left = m->has_length ? m->length : 0;
	s->digits = false;
	if (m->chunked)
		s->state = H1_CHUNK_SIZE;
	else if (m->close_delimited)
		s->state = H1_UNTIL_CLOSE;
	else if (s->left)
		s->state = H1_FIXED;
	else
		end_message(h, dir, now);
	return 0;
}

static int end_head(struct h1 *h, enum dir dir, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];
	struct h1_message *m = message_of(h, dir);
	struct h1_exchange *x = s->x;
	uint16_t status = is_request_dir(h, dir) ? 0 : h1_head_status(&s->lines.text);

	if (x->queued && status / 100 == 1 && status != 101) {
		int r = h1_head_read_interim(m, &s->lines, s->start_us);
		m->begun = false;
		s->x = NULL;
		seek(s);
		return r;
	}
	int r = h1_head_read(x, m, &s->lines);
	h1_lines_reset(&s->lines);
	return r ? r : begin_body(h, dir, now);
}

static ssize_t feed_head(struct h1 *h, enum dir dir, const uint8_t *data, size_t len, int64_t now)
{
	bool end;
	size_t n = h1_lines_feed(&h->stream[dir].lines, data, len, &end);
	int r = end ? end_head(h, dir, now) : 0;

	return r ? r : (ssize_t)n;
}

static size_t feed_bytes(struct h1 *h, enum dir dir, const uint8_t *data, size_t len)
{
	struct h1_stream *s = &h->stream[dir];
	size_t n = s->state == H1_UNTIL_CLOSE || len < s->left ? len : (size_t)s->left;

	payload_put(&message_of(h, dir)->body, data, n, LIMIT_BODY_BYTES);
	if (s->state != H1_UNTIL_CLOSE)
		s->left -= n;
	return n;
}

/* The end of the body can no longer be found by its framing. */
static void lose_framing(struct h1 *h, enum dir dir, enum h1_note note)
{
	message_of(h, dir)->notes |= 1U << note;
	seek(&h->stream[dir]);
}

static int hex_digit(uint8_t c)
{
	return c >= '0' && c <= '9'			? c - '0'
	       : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
							: -1;
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
			lose_framing(h, dir, H1_NOTE_CHUNK_BAD);
			break;
		}
		n++;
	}
	message_of(h, dir)->framing_size += n;
	return n;
}

static size_t feed_chunk_ext(struct h1 *h, enum dir dir, const uint8_t *data, size_t len)
{
	const uint8_t *lf = memchr(data, '\n', len);
	size_t n = lf ? (size_t)(lf - data) + 1 : len;

	message_of(h, dir)->framing_size += n;
	if (lf)
		end_chunk_line(&h->stream[dir]);
	return n;
}

static size_t feed_chunk_end(struct h1 *h, enum dir dir, uint8_t c)
{
	struct h1_stream *s = &h->stream[dir];

	if (c != '\r' && c != '\n') {
		lose_framing(h, dir, H1_NOTE_CHUNK_BAD);
		return 0;
	}
	message_of(h, dir)->framing_size++;
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

	if (end) {
		int r = h1_trailer_read(message_of(h, dir), &s->lines);
		if (r)
			return r;
		end_message(h, dir, now);
	}
	return (ssize_t)n;
}

static ssize_t feed_body(struct h1 *h, enum dir dir, const uint8_t *data, size_t len, int64_t now)
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
		n = feed_bytes(h, dir, data, len);
		if (!s->left)
			s->state = H1_CHUNK_END;
		return (ssize_t)n;
	case H1_TRAILER:
		return feed_trailer(h, dir, data, len, now);
	default:
		n = feed_bytes(h, dir, data, len);
		if (s->state == H1_FIXED && !s->left)
			end_message(h, dir, now);
		return (ssize_t)n;
	}
}

/* After the other side spoke, a message may begin whatever came before. */
static void note_flip(struct h1 *h, enum dir dir)
{
	struct h1_stream *s = &h->stream[dir];

	if (h->spoke && dir != h->last_dir && s->state == H1_SEEK)
		s->candidate = true;
	h->spoke = true;
	h->last_dir = dir;
}

static int http1_feed(void *state, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		      int64_t now)
{
	struct h1 *h = state;
	struct h1_stream *s = &h->stream[dir];

	if (!h->inner)
		note_flip(h, dir);
	while (len) {
		if (h->inner) {
			dissect_feed(h->inner, dir, data, len, offset, now);
			return 0;
		}
		if (s->x)
			message_of(h, dir)->end_us = now;
		ssize_t n = s->state == H1_SEEK	  ? feed_seek(h, dir, data, len, now)
			    : s->state == H1_HEAD ? feed_head(h, dir, data, len, now)
						  : feed_body(h, dir, data, len, now);
		if (n < 0)
			return (int)n;
		data += n;
		len -= (size_t)n;
		offset += (size_t)n;
	}
	return 0;
}

/* A head that will not be whole: what there is of it tells at least what the message was. */
static int cut_head(struct h1 *h, enum dir dir, enum h1_note note)
{
	struct h1_stream *s = &h->stream[dir];
	struct h1_message *m = message_of(h, dir);
	int r = h1_head_read(s->x, m, &s->lines);

	m->has_length = m->chunked = m->close_delimited = false;
	lose_framing(h, dir, note);
	return r;
}

static int gap_seek(struct h1 *h, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];

	if (!h->roles_known && !s->lines.size) {
		s->early[why] += len;
		return 0;
	}
	int r = flush_candidate(h, dir);
	if (!r && !s->x) {
		gap_between(h, dir);
		r = begin_message(h, dir, now);
		if (!r)
			message_of(h, dir)->notes |= 1U << H1_NOTE_STRAY;
	}
	if (r)
		return r;
	payload_skip(&message_of(h, dir)->body, len, why);
	seek(s);
	return 0;
}

/* The part of a gap that a body of known length covers; the body may end with it. */
static uint64_t gap_body(struct h1 *h, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];
	uint64_t n = s->state == H1_UNTIL_CLOSE || len < s->left ? len : s->left;

	payload_skip(&message_of(h, dir)->body, n, why);
	if (s->state == H1_UNTIL_CLOSE)
		return n;
	s->left -= n;
	if (!s->left && s->state == H1_FIXED)
		end_message(h, dir, now);
	else if (!s->left)
		s->state = H1_CHUNK_END;
	return n;
}

static int http1_gap(void *state, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct h1 *h = state;
	struct h1_stream *s = &h->stream[dir];

	if (h->inner) {
		dissect_gap(h->inner, dir, len, why, now);
		return 0;
	}
	note_flip(h, dir);
	if (s->x)
		message_of(h, dir)->end_us = now;
	bool known = s->state == H1_FIXED || s->state == H1_UNTIL_CLOSE ||
		     (s->state == H1_CHUNK_DATA && len <= s->left);
	if (known)
		len -= gap_body(h, dir, len, why, now);
	if (!len)
		return 0;
	if (s->state == H1_SEEK)
		return gap_seek(h, dir, len, why, now);
	int r = 0;
	if (s->state == H1_HEAD)
		r = cut_head(h, dir, H1_NOTE_HEAD_GAP);
	else
		lose_framing(h, dir, H1_NOTE_FRAMING_LOST);
	payload_skip(&message_of(h, dir)->body, len, why);
	return r;
}

static void http1_idle(void *state, int64_t now)
{
	struct h1 *h = state;

	if (h->inner) {
		dissect_idle(h->inner, now);
		return;
	}
	for (int dir = 0; dir < 2; dir++)
		if (h->stream[dir].x && h->stream[dir].state == H1_SEEK)
			end_message(h, dir, 0);
	h->uncertain = false;
}

static void close_stream(struct h1 *h, enum dir dir)
{
	struct h1_stream *s = &h->stream[dir];

	if (s->state == H1_SEEK && s->lines.size)
		flush_candidate(h, dir);
	if (!s->x)
		return;
	struct h1_message *m = message_of(h, dir);
	if (s->state == H1_HEAD)
		cut_head(h, dir, H1_NOTE_ENDED_EARLY);
	else if (s->state == H1_FIXED)
		m->expected = s->left;
	else if (s->state != H1_SEEK && s->state != H1_UNTIL_CLOSE)
		m->notes |= 1U << H1_NOTE_ENDED_EARLY;
	end_message(h, dir, 0);
}

static void http1_close(void *state, int64_t now)
{
	struct h1 *h = state;

	close_stream(h, h->request_dir);
	close_stream(h, !h->request_dir);
	drop_unanswered(h, NULL, "no answer before the connection ended");
	if (h->inner)
		dissect_close(h->inner, now);
	for (int dir = 0; dir < 2; dir++)
		h1_lines_reset(&h->stream[dir].lines);
	free(h);
}

const struct dissector dissect_http1 = {
	.name = "http",
	.probe = http1_probe,
	.open = http1_open,
	.feed = http1_feed,
	.gap = http1_gap,
	.idle = http1_idle,
	.close = http1_close,
};
