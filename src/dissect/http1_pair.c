// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which answer belongs to which request (RFC 9112 section 9.3), also when bytes are missing.
 *
 * Answers come in the order of the requests. As long as nothing is missing where messages may have
 * begun, the first one belongs to the first request that waits. After such a hole of the answers'
 * direction an answer can only be that of a request which was sent before it; if one waits, it is
 * that one's when the client sent no other before the answer began. That is known when the next
 * bytes of the client follow those of the request; until then the exchange is unproven, and if they
 * do not follow, it is two. After a hole of the requests' direction nobody knows how many answers
 * are still to come.
 *
 * A client that waits for each answer has had those to all but its last request. One is taken for
 * that when its first LIMIT_ONE_BY_ONE requests, with nothing missing, each came after the end of
 * the answer to the one before, and until it sends one that did not.
 */
#include <errno.h>
#include <stdlib.h>

#include "dissect/http1_conn.h"
#include "base/account.h"
#include "base/limits.h"

static const char untold_answer[] = "which answer belongs to it cannot be told: bytes were lost";
static const char lost_answer[] = "its answer was lost";
static const char untold_request[] = "which request it answers cannot be told: bytes were lost";

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
	live_end(&x->live, h->sink, e);
	if (e)
		h->sink->emit(h->sink->ctx, e);
	else
		entry_sink_lose(h->sink);
	h1_exchange_free(x, h->sink->account);
}

/* Emit it when nothing more can come to it. */
static void check_done(struct h1 *h, struct h1_exchange *x)
{
	if (x->unproven)
		return;
	bool request = x->request.done || !x->request.begun;
	bool response = x->response.done || x->alone;

	if (!request || !response || h->stream[0].x == x || h->stream[1].x == x)
		return;
	if (h->goes_on && x->response.msg && x->response.msg->status == 101)
		queue_remove(h, x);
	else
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
	if (h1_is_request_dir(h, dir) && m->part.whole && (!h->least || m->part.length < h->least))
		h->least = (uint32_t)(m->part.length < UINT32_MAX ? m->part.length : UINT32_MAX);
	s->x = NULL;
	if (s->state != H1_SEEK)
		h1_stream_reset(s);
	/* What the answer ended, a request whose own end is unknown has ended too. */
	struct h1_stream *other = &h->stream[!dir];
	if (!h1_is_request_dir(h, dir) && other->x == x && other->state == H1_SEEK) {
		x->request.done = true;
		/* After a loss, half a line is no beginning of the next request. */
		if (h->lossy) {
			x->request.msg->unplaced += other->lines.size;
			h1_lines_reset(&other->lines);
		}
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

/* Does the client wait for each answer? */
static bool waits(const struct h1 *h)
{
	return h->in_order && h->one_by_one >= LIMIT_ONE_BY_ONE && !h->pipelined;
}

static struct h1_stream *answers(struct h1 *h)
{
	return &h->stream[!h->request_dir];
}

/* It did not wait for an answer: what was concluded from that holds no more. */
static void note_pipelined(struct h1 *h)
{
	h->pipelined = true;
	h->overlap = false;
	for (struct h1_exchange *x = h->head, *next, *hole = NULL; x; x = next) {
		next = x->next;
		hole = hole || !x->after_hole ? hole : x;
		if (!hole || x->response.begun)
			continue;
		h->uncertain = true;
		queue_remove(h, x);
		x->alone = true;
		x->missing = untold_answer;
		check_done(h, x);
	}
}

/* The client has sent nothing between the request and the answer after it. */
static void prove(struct h1 *h)
{
	struct h1_exchange *x = h->unproven;

	h->unproven = NULL;
	x->unproven = false;
	/* Only what has begun by now is proven. */
	if (answers(h)->x == x && answers(h)->state == H1_SEEK)
		answers(h)->hole = true;
	check_done(h, x);
}

static void forget_answer(struct h1 *h, struct h1_exchange *x)
{
	if (answers(h)->x == x) {
		answers(h)->x = NULL;
		h1_stream_reset(answers(h));
	}
	h1_message_free(&x->response, h->sink->account);
}

/* The answer of x becomes an exchange of its own; x may still wait for one. */
static void split(struct h1 *h, struct h1_exchange *x, bool still_waits)
{
	struct h1_exchange *y = x->response.begun ? h1_exchange_new(h->sink->account) : NULL;

	if (y) {
		y->response = x->response;
		y->missing = untold_request;
		if (answers(h)->x == x)
			answers(h)->x = y;
	} else {
		forget_answer(h, x);
	}
	x->response = (struct h1_message){ 0 };
	if (still_waits)
		return;
	x->alone = true;
	x->missing = untold_answer;
	queue_remove(h, x);
	check_done(h, x);
	if (y)
		check_done(h, y);
}

void h1_give_up(struct h1 *h)
{
	struct h1_exchange *x = h->unproven;

	if (!x)
		return;
	const struct message *m = x->response.msg;
	if (x->response.done && !m->has_head && !m->body.present) {
		prove(h);
		return;
	}
	h->unproven = NULL;
	x->unproven = false;
	answers(h)->hole = true;
	h->uncertain |= !waits(h);
	split(h, x, false);
}

bool h1_is_apart(const struct h1 *h, enum dir dir)
{
	const struct h1_stream *s = &h->stream[dir];

	return !http_has_note(h1_message_of(h, dir), HTTP_NOTE_STRAY) ||
	       (s->hole && s->x->request.begun) || (s->found && h->lossy) ||
	       (h1_is_request_dir(h, dir) && s->x->response.begun);
}

void h1_set_apart(struct h1 *h)
{
	struct h1_exchange *x = answers(h)->x;

	if (!x->request.begun)
		return;
	if (h->unproven == x)
		h->unproven = NULL;
	x->unproven = false;
	split(h, x, true);
}

void h1_end_apart(struct h1 *h, enum dir dir)
{
	if (!h1_is_request_dir(h, dir) && http_has_note(h1_message_of(h, dir), HTTP_NOTE_STRAY))
		h1_set_apart(h);
	h1_end_message(h, dir, 0);
}

void h1_note_hole(struct h1 *h, enum dir dir)
{
	h->stream[dir].hole = true;
	h->lossy = true;
	if (h1_is_request_dir(h, dir)) {
		h1_give_up(h);
		h->ahead |= h->asked;
		h->asked |= h->in_order;
	} else {
		h->overlap = false;
		/* Of two holes that are told at once nobody knows which was first. */
		h->asked &= h->in_order && h->stream[h->request_dir].hole;
	}
}

void h1_note_hidden(struct h1 *h, enum dir dir, uint64_t len)
{
	h1_note_hole(h, dir);
	/* Where several requests may be, one may have been sent ahead. */
	h->ahead |= h1_is_request_dir(h, dir) && len / 2 >= h->least;
}

void h1_note_bytes(struct h1 *h, enum dir dir)
{
	if (h->unproven && h1_is_request_dir(h, dir) && !h->stream[dir].hole)
		prove(h);
	if (h->roles_known && !h1_is_request_dir(h, dir)) {
		if (h->overlap)
			note_pipelined(h);
		h->asked = false;
	}
}

void h1_be_quiet(struct h1 *h)
{
	h1_give_up(h);
	if (h->pipelined || next_unanswered(h) || h->stream[0].x || h->stream[1].x ||
	    (h->lossy && h->last_dir == h->request_dir))
		return;
	h->stream[0].hole = h->stream[1].hole = false;
	h->uncertain = h->overlap = h->missed = h->ahead = false;
	if (h->lossy && !waits(h))
		h->one_by_one = 0;
	h->lossy = false;
}

/* A request begins: what does that say of the answers to those before? */
static void note_request(struct h1 *h, bool after_hole)
{
	struct h1_stream *a = answers(h);
	bool all_answered = !next_unanswered(h), going = a->x && a->state != H1_SEEK;
	bool hidden = h->in_order && a->hole;

	if (h->in_order && h->asked && !after_hole)
		note_pipelined(h);
	else if ((h->asked && !(h->in_order && after_hole)) || going || (!all_answered && !hidden))
		h->overlap = true;
	else if (!h->lossy && h->one_by_one < LIMIT_ONE_BY_ONE)
		h->one_by_one++;
	h->asked = true;
	/* What was lost may have been one before the answer, that is still to come. */
	if (h->lossy && a->x && a->x->request.begun && !a->x->response.msg->status && !waits(h))
		h->uncertain = true;
	if (waits(h) && a->hole) {
		/* Of several in a row nobody knows whether they had all come. */
		h->uncertain |= h->missed;
		h->missed = true;
		h1_drop_unanswered(h, NULL, lost_answer);
		a->hole = false;
	} else if (all_answered && !h->uncertain) {
		a->hole = false;
	}
}

static struct h1_exchange *begin_request(struct h1 *h)
{
	bool after_hole = h->stream[h->request_dir].hole;

	h1_give_up(h);
	h->stream[h->request_dir].hole = false;
	if (after_hole)
		h->uncertain = !waits(h) || h->ahead || h->asked || (h->uncertain && h->in_order);
	note_request(h, after_hole);
	struct h1_exchange *x = h1_exchange_new(h->sink->account);
	if (!x)
		return NULL;
	if (h->queued >= LIMIT_PIPELINE)
		h->uncertain = true;
	x->after_hole = after_hole;
	x->number = ++h->requests;
	x->alone = h->uncertain;
	if (x->alone)
		x->missing = untold_answer;
	else
		queue_append(h, x);
	return x;
}

bool h1_lacks_request(const struct h1 *h, enum dir dir)
{
	return h->roles_known && dir != h->request_dir && !h->uncertain && !next_unanswered(h);
}

/* Bytes were lost before this answer; `first` waits. NULL: nobody knows whose it may be. */
static struct h1_exchange *choose_after_hole(struct h1 *h, struct h1_exchange *first)
{
	struct h1_exchange *last = first;

	for (struct h1_exchange *x = first; x; x = x->next)
		last = x;
	if (last->number != h->requests || first != last || h->stream[h->request_dir].hole) {
		stop_pairing(h);
		return NULL;
	}
	answers(h)->hole = false;
	if (h->in_order)
		return last;
	last->unproven = true;
	h->unproven = last;
	return last;
}

static struct h1_exchange *begin_response(struct h1 *h)
{
	bool stray = answers(h)->found && h->lossy;
	struct h1_exchange *x = stray ? NULL : next_unanswered(h);

	if (stray)
		answers(h)->hole = true;
	if (x && answers(h)->hole)
		x = choose_after_hole(h, x);
	h->missed &= !x;
	if (x)
		return x;
	x = h1_exchange_new(h->sink->account);
	if (x)
		x->missing = h->uncertain ? untold_request : "the request was not seen";
	return x;
}

/*
 * Does a new request mean that this answer has ended? When its end was lost, or when it says it has
 * a body that does not come and may be the answer to a HEAD that was not seen.
 */
static bool is_over(const struct h1 *h, enum dir dir)
{
	const struct h1_stream *s = &h->stream[dir];

	return s->x && (s->state == H1_SEEK || (s->state == H1_FIXED && !s->doubt &&
						(!s->x->request.begun || s->x->unproven) &&
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
	live_end(&x->live, h->sink, NULL);
	h1_exchange_free(x, h->sink->account);
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
		m->msg = message_new(request, h->sink->account);
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
		m->part.whole &= request || !s->early[why];
		s->early[why] = 0;
	}
	if (request && is_over(h, !dir))
		h1_end_message(h, !dir, 0);
	return 0;
}
