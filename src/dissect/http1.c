// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * HTTP/1.x (RFC 9112). Bytes are pushed in any portions: what comes out depends on the bytes and on
 * the order of the directions, never on how the bytes were cut, and each byte is looked at once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dissect/http1_conn.h"
#include "base/account.h"
#include "items.h"
#include "base/limits.h"

static int http1_probe(enum dir dir, const uint8_t *data, size_t len)
{
	struct h1_start_line line = { .kinds = H1_REQUEST | H1_RESPONSE };
	enum h1_verdict v = H1_MORE;

	(void)dir;
	while (len && (*data == '\r' || *data == '\n'))
		data++, len--;
	for (size_t i = 0; i < len && v == H1_MORE; i++)
		v = h1_start_line_step(&line, data[i]);
	return v == H1_YES ? PROBE_YES : v == H1_MORE ? PROBE_MAYBE : PROBE_NO;
}

static void *http1_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	struct h1 *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->lossy = h->uncertain = h->stream[0].hole = h->stream[1].hole = hint->lossy;
	h->in_order = hint->in_order;
	h->sink = sink;
	account_change(sink->account, 0, sizeof(*h));
	h->tail = &h->head;
	h->stream[0].candidate = h->stream[1].candidate = true;
	h->stream[0].lines.account = h->stream[1].lines.account = sink->account;
	return h;
}

static bool is_websocket(const struct message *m)
{
	for (size_t i = 0; i < m->headers.count; i++)
		if (http_is(m->headers.list[i].name, "upgrade"))
			return http_is(m->headers.list[i].value, "websocket");
	return false;
}

/*
 * The other side agreed to speak something else: whatever it is, it is found out anew, unless it is
 * WebSocket, in which the exchange goes on.
 */
static void switch_protocols(struct h1 *h, enum dir dir, int64_t now)
{
	struct h1_stream *request = &h->stream[!dir];
	struct h1_exchange *x = h->stream[dir].x;

	if (x->response.msg->status == 101 && is_websocket(x->response.msg) && !x->unproven)
		h->goes_on = true;
	h->early_at = h1_candidate_offset(request);
	h->early = request->lines.text;
	account_change(h->sink->account, h->early.cap, 0);
	request->lines.text = (struct buf){ 0 };
	h1_lines_reset(&request->lines);
	if (request->x)
		h1_end_message(h, !dir, 0);
	h1_end_message(h, dir, now);
	h1_drop_unanswered(h, NULL, "the connection switched to another protocol");
	h->switched = true;
	if (h->goes_on)
		h->head = x;
}

/* The answer to a HEAD may come before all of that is there, or was seen to be missing. */
static bool answers_head(const struct h1 *h, enum dir dir)
{
	const struct h1_stream *other = &h->stream[!dir];
	const struct h1_exchange *x = h->stream[dir].x;
	const struct buf *start = &other->lines.text;

	if (other->x == x && other->state == H1_HEAD)
		return start->len > 5 && !memcmp(start->data, "HEAD ", 5);
	return x->request.msg && http_is_method(x->request.msg, "HEAD");
}

/* What follows the head: RFC 9112 section 6.3. */
static int begin_body(struct h1 *h, enum dir dir, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];
	struct h1_message *m = h1_framing_of(h, dir);
	bool request = h1_is_request_dir(h, dir);
	const struct message *q = s->x->request.msg;
	uint16_t status = m->msg->status;
	bool connect = q && http_is_method(q, "CONNECT");

	if (!request && (status == 101 || (connect && status / 100 == 2))) {
		switch_protocols(h, dir, now);
		return 0;
	}
	if (request ? connect
		    : answers_head(h, dir) || status / 100 == 1 || status == 204 || status == 304)
		m->chunked = m->has_length = m->close_delimited = false;
	else if (!request && !m->chunked && !m->has_length)
		m->close_delimited = true;
	/* What it announces is awaited with its request alone. */
	if (!request && status / 100 == 1) {
		http_note(m->msg, HTTP_NOTE_ENDED_EARLY);
		m->part.whole = false;
	}
	s->left = m->has_length ? m->length : 0;
	s->digits = false;
	if (m->chunked)
		s->state = H1_CHUNK_SIZE;
	else if (m->close_delimited)
		s->state = H1_UNTIL_CLOSE;
	else if (s->left)
		s->state = H1_FIXED;
	else
		h1_end_message(h, dir, now);
	if (s->x)
		m->items = http_stream_new(m->msg);
	return 0;
}

static int end_head(struct h1 *h, enum dir dir, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];
	struct h1_message *m = h1_framing_of(h, dir);
	struct h1_exchange *x = s->x;
	uint16_t status = h1_is_request_dir(h, dir) ? 0 : h1_head_status(&s->lines.text);

	if (x->queued && status / 100 == 1 && status != 101) {
		int r = h1_head_read_interim(m->msg, &s->lines, s->start_us);
		m->begun = false;
		s->x = NULL;
		h1_stream_reset(s);
		s->interim = true;
		return r;
	}
	int r = h1_head_read(m, &s->lines);
	h1_lines_reset(&s->lines);
	return r ? r : begin_body(h, dir, now);
}

static ssize_t feed_head(struct h1 *h, enum dir dir, const uint8_t *data, size_t len, int64_t now)
{
	bool end;
	size_t n = h1_lines_feed(&h->stream[dir].lines, data, len, &end);

	digest_bytes(&h->stream[dir].digest, data, n);
	int r = end ? end_head(h, dir, now) : 0;
	return r ? r : (ssize_t)n;
}

/* After the other side spoke, a message may begin whatever came before. */
static void note_flip(struct h1 *h, enum dir dir)
{
	struct h1_stream *s = &h->stream[dir];

	if (h->spoke && dir != h->last_dir && s->state == H1_SEEK) {
		/* Nor does it begin with the last bytes of what is none. */
		if (h->lossy && s->x)
			h1_close_seek(h, dir);
		s->candidate = true;
		s->found = false;
	}
	h->spoke = true;
	h->last_dir = dir;
}

/* What the direction is in goes on. */
static void note_byte(struct h1 *h, enum dir dir, int64_t now)
{
	struct h1_exchange *x = h->stream[dir].x;

	if (!x)
		return;
	h1_message_of(h, dir)->end_us = now;
	x->live.changed = true;
}

static int http1_feed(void *state, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		      int64_t now)
{
	struct h1 *h = state;
	struct h1_stream *s = &h->stream[dir];

	const uint8_t *start = data;

	note_flip(h, dir);
	h1_note_bytes(h, dir);
	s->digest.at = offset - s->doubt;
	while (len) {
		note_byte(h, dir, now);
		ssize_t n = s->state == H1_SEEK	  ? h1_feed_seek(h, dir, data, len, now)
			    : s->state == H1_HEAD ? feed_head(h, dir, data, len, now)
						  : h1_feed_body(h, dir, data, len, now);
		if (n < 0)
			return (int)n;
		data += n;
		len -= (size_t)n;
		if (h->switched) {
			h->taken = (size_t)(data - start);
			return DISSECT_BECOME;
		}
	}
	return 0;
}

/* A head that will not be whole: what there is of it tells at least what the message was. */
static int cut_head(struct h1 *h, enum dir dir, enum http_note note)
{
	struct h1_stream *s = &h->stream[dir];
	struct h1_message *m = h1_framing_of(h, dir);
	int r = h1_head_read(m, &s->lines);

	m->has_length = m->chunked = m->close_delimited = false;
	h1_lose_framing(h, dir, note);
	/* The answer itself comes after an interim one. */
	if (!m->msg->request && m->msg->status / 100 == 1 && m->msg->status != 101)
		h1_set_apart(h);
	return r;
}

static int http1_gap(void *state, enum dir dir, uint64_t len, uint64_t offset, enum gap_why why,
		     int64_t now)
{
	struct h1 *h = state;
	struct h1_stream *s = &h->stream[dir];

	note_flip(h, dir);
	s->digest.at = offset - s->doubt;
	note_byte(h, dir, now);
	/* Are the missing bytes its body, or other answers? */
	bool doubtful = h1_is_doubtful(h, dir);
	h1_end_doubt(h, dir, now);
	bool known = (s->state == H1_FIXED && !doubtful) || s->state == H1_UNTIL_CLOSE ||
		     (s->state == H1_CHUNK_DATA && len <= s->left);
	if (known)
		len -= h1_gap_body(h, dir, len, why, now);
	if (!len)
		return 0;
	if (s->state == H1_SEEK)
		return h1_gap_seek(h, dir, len, why, now);
	int r = 0;
	if (s->state == H1_HEAD)
		r = cut_head(h, dir, HTTP_NOTE_HEAD_GAP);
	else
		h1_lose_framing(h, dir, doubtful ? HTTP_NOTE_HOLE : HTTP_NOTE_FRAMING_LOST);
	payload_skip(&h1_message_of(h, dir)->body, len, why);
	digest_skip(&s->digest, len);
	return r;
}

static void http1_idle(void *state, int64_t now)
{
	struct h1 *h = state;

	(void)now;
	for (int dir = 0; dir < 2; dir++) {
		if (h->lossy)
			h1_close_seek(h, dir);
		if (h->stream[dir].x && h->stream[dir].state == H1_SEEK)
			h1_end_message(h, dir, 0);
	}
	h1_be_quiet(h);
}

static void close_stream(struct h1 *h, enum dir dir, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];

	h1_close_seek(h, dir);
	h1_place_early(h, dir, now);
	if (!s->x)
		return;
	struct message *m = h1_message_of(h, dir);
	if (s->state == H1_HEAD)
		cut_head(h, dir, HTTP_NOTE_ENDED_EARLY);
	else if (s->state == H1_FIXED) {
		h1_end_doubt(h, dir, m->end_us);
		m->expected = s->left;
	} else if (s->state != H1_SEEK && s->state != H1_UNTIL_CLOSE)
		http_note(m, HTTP_NOTE_ENDED_EARLY);
	if (s->state == H1_FIXED || s->state >= H1_CHUNK_SIZE)
		h1_part_of(h, dir)->whole = false;
	h1_end_message(h, dir, 0);
}

static void http1_become(void *state, struct become *ret)
{
	struct h1 *h = state;

	*ret = (struct become){
		.hint = { .opener_known = true, .opener = h->request_dir, .upgraded = true },
		.taken = h->taken,
		.early = h->early,
		.early_at = h->early_at
	};
	h->early = (struct buf){ 0 };
	if (!h->goes_on)
		return;
	ret->next = &dissect_websocket;
	ret->upgraded = h1_exchange_take_upgraded(h->head, h->sink, h->request_dir);
	h->head = NULL;
}

static void http1_tick(void *state, int64_t now)
{
	h1_tell_live(state, now);
}

static bool http1_alive(const void *state)
{
	const struct h1 *h = state;

	return h->head || h->stream[0].x || h->stream[1].x;
}

static void give_way(struct h1_message *m, size_t *account)
{
	http_stream_give_way(m->items);
	h1_message_account(m, account);
	if (m->msg)
		payload_give_way(&m->msg->body);
}

static void exchange_give_way(struct h1_exchange *x, size_t *account)
{
	give_way(&x->request, account);
	give_way(&x->response, account);
}

static void http1_give_way(void *state)
{
	struct h1 *h = state;

	for (struct h1_exchange *x = h->head; x; x = x->next)
		exchange_give_way(x, h->sink->account);
	for (int dir = 0; dir < 2; dir++)
		if (h->stream[dir].x)
			exchange_give_way(h->stream[dir].x, h->sink->account);
}

static void http1_close(void *state, int64_t now)
{
	struct h1 *h = state;

	close_stream(h, h->request_dir, now);
	close_stream(h, !h->request_dir, now);
	h1_give_up(h);
	h1_drop_unanswered(h, NULL, "no answer before the connection ended");
	buf_free(&h->early);
	for (int dir = 0; dir < 2; dir++) {
		h1_lines_reset(&h->stream[dir].lines);
		digest_release(&h->stream[dir].digest);
	}
	account_change(h->sink->account, sizeof(*h), 0);
	free(h);
}

const struct dissector dissect_http1 = {
	.name = "http",
	.probe = http1_probe,
	.open = http1_open,
	.feed = http1_feed,
	.gap = http1_gap,
	.idle = http1_idle,
	.tick = http1_tick,
	.alive = http1_alive,
	.give_way = http1_give_way,
	.become = http1_become,
	.close = http1_close,
	.refill = http_entry_refill,
};
