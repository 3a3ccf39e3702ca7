// SPDX-License-Identifier: GPL-2.0-or-later
/* Which answer belongs to which request (RFC 9112 section 9.3), also when bytes are missing. */
#include <errno.h>
#include <stdlib.h>

#include "dissect/http1_conn.h"
#include "base/limits.h"

static const char untold_answer[] = "which answer belongs to it cannot be told: bytes were lost";

bool h1_is_request_dir(const struct h1 *h, enum dir dir)
{
	return h->roles_known && dir == h->request_dir;
}

struct h1_message *h1_framing_of(const struct h1 *h, enum dir dir)
{
	struct h1_exchange *x = h->stream[dir].x;

	return h1_is_request_dir(h, dir) ? &x->request : &x->response;
}

struct message *h1_message_of(const struct h1 *h, enum dir dir)
{
	return h1_framing_of(h, dir)->msg;
}

struct entry_part *h1_part_of(const struct h1 *h, enum dir dir)
{
	return &h1_framing_of(h, dir)->part;
}

uint64_t h1_candidate_offset(const struct h1_stream *s)
{
	return s->state == H1_SEEK && s->lines.size ? s->digest.begin : s->digest.at;
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
	struct entry *e = h1_exchange_take_entry(x, h->request_dir == DIR_WRITE);

	queue_remove(h, x);
	live_end(&x->live, &h->sink, e);
	if (e)
		h->sink.emit(h->sink.ctx, e);
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

void h1_stream_reset(struct h1_stream *s)
{
	s->state = H1_SEEK;
	s->candidate = true;
	h1_lines_reset(&s->lines);
	s->start_line = (struct h1_start_line){ 0 };
}

/* A message whose end is not known by its framing is not known to be whole. */
static void end_part(struct h1_stream *s, struct h1_message *m)
{
	m->part.whole &= s->state != H1_SEEK;
	m->part.last_us = m->msg->end_us;
	digest_part_end(&s->digest, &m->part, h1_candidate_offset(s));
	if (s->state != H1_SEEK || !s->lines.size)
		digest_release(&s->digest);
}

void h1_end_message(struct h1 *h, enum dir dir, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];
	struct h1_exchange *x = s->x;
	struct h1_message *m = h1_framing_of(h, dir);

	m->done = true;
	x->live.changed = true;
	if (now)
		m->msg->end_us = now;
	end_part(s, m);
	s->x = NULL;
	if (s->state != H1_SEEK)
		h1_stream_reset(s);
	/* What the answer ended, a request whose own end is unknown has ended too. */
	struct h1_stream *other = &h->stream[!dir];
	if (!h1_is_request_dir(h, dir) && other->x == x && other->state == H1_SEEK) {
		x->request.done = true;
		end_part(other, &x->request);
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
void h1_drop_unanswered(struct h1 *h, const struct h1_exchange *keep, const char *missing)
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
	h1_drop_unanswered(h, NULL, untold_answer);
}

/*
 * Bytes are missing where the next answer, or request, would begin. A client that waits for each
 * answer has had those to all but its last request; with one that does not, nobody can tell.
 */
void h1_gap_between(struct h1 *h, enum dir dir)
{
	struct h1_exchange *first = next_unanswered(h), *last = first;

	for (struct h1_exchange *x = first; x; x = x->next)
		last = x;
	if (h1_is_request_dir(h, dir) ? first && h->pipelined : first != last && h->pipelined)
		stop_pairing(h);
	else if (!h1_is_request_dir(h, dir) && first != last)
		h1_drop_unanswered(h, last, "its answer was lost");
}

bool h1_lacks_request(const struct h1 *h, enum dir dir)
{
	return h->roles_known && dir != h->request_dir && !h->uncertain && !next_unanswered(h);
}

static struct h1_exchange *begin_response(struct h1 *h)
{
	struct h1_exchange *x = h->uncertain ? NULL : next_unanswered(h);

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
						!s->x->response.msg->body.size));
}

/* Out of memory: an exchange without a message is none. */
static void forget(struct h1 *h, enum dir dir)
{
	struct h1_exchange *x = h->stream[dir].x;

	h->stream[dir].x = NULL;
	if (x->request.msg || x->response.msg)
		return;
	queue_remove(h, x);
	live_end(&x->live, &h->sink, NULL);
	h1_exchange_free(x);
}

/* A message, or bytes that are none, begins in this direction. */
int h1_begin_message(struct h1 *h, enum dir dir, int64_t now)
{
	struct h1_stream *s = &h->stream[dir];
	bool request = h1_is_request_dir(h, dir);

	s->x = request ? begin_request(h) : begin_response(h);
	if (!s->x)
		return -ENOMEM;
	struct h1_message *m = h1_framing_of(h, dir);
	if (!m->msg)
		m->msg = message_new(request);
	if (!m->msg) {
		forget(h, dir);
		return -ENOMEM;
	}
	m->msg->note_texts = http_notes;
	m->begun = true;
	s->x->live.changed = true;
	m->msg->start_us = m->msg->end_us = now;
	if (!m->part.seen)
		digest_part_begin(&s->digest, &m->part, now);
	s->interim = false;
	for (int why = 0; why < 2; why++) {
		m->msg->body.missing[why] += s->early[why];
		s->early[why] = 0;
	}
	if (request && is_over(h, !dir))
		h1_end_message(h, !dir, 0);
	return 0;
}
