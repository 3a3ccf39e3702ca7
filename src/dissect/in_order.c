// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/in_order.h"

#include <errno.h>
#include <stdlib.h>

#include "base/account.h"
#include "base/limits.h"

static const char no_answer[] = "which answer is its own cannot be told: bytes were lost";
static const char no_request[] = "which request it answers cannot be told: bytes were lost";

static struct exchange *begin(struct exchange *x, enum part part, const struct pdu *p)
{
	return x && !exchange_begin_part(x, part, p->offset, p->first_us) ? x : NULL;
}

/* None that wait will be answered, as far as anybody can tell. */
static void leave_waiting(struct exchanges *l)
{
	for (struct exchange *x = l->head, *next; x; x = next) {
		next = x->next;
		if (!x->alone && !x->message[PART_RESPONSE])
			exchange_leave_alone(l, x, no_answer);
	}
}

/* Answers that have begun end here, but for one that goes on for good without being waited for. */
static void end_answers(struct exchanges *l)
{
	for (struct exchange *x = l->head, *next; x; x = next) {
		next = x->next;
		if (x->message[PART_RESPONSE] && !x->done[PART_RESPONSE] &&
		    !(x->alone && x->message[PART_REQUEST]))
			exchange_end_part(l, x, PART_RESPONSE, x->message[PART_RESPONSE]->end_us);
	}
}

/*
 * When LIMIT_PIPELINE wait, the first whose answer has not begun is told as it is, and its answer
 * will be told by itself: those behind it keep their places.
 */
static struct exchange *add(struct in_order *o)
{
	struct exchanges *l = &o->l;
	struct exchange *x = l->count < LIMIT_PIPELINE ? NULL : l->head;

	while (x && (x->alone || x->message[PART_RESPONSE]))
		x = x->next;
	if (x) {
		o->skip++;
		exchange_fault(x, "too many others waited for an answer");
		exchange_tell(l, x);
	}
	return exchange_new(l);
}

struct exchange *in_order_request(struct in_order *o, const struct pdu *p)
{
	bool waits = !o->ahead && o->waited >= LIMIT_ONE_BY_ONE;

	if (waits && (o->doubt || o->blind)) {
		leave_waiting(&o->l);
		o->doubt = false;
	}
	if (exchange_waiting(&o->l))
		o->ahead = true;
	else if (!o->ahead && !o->doubt)
		o->waited++;
	o->answered_last = false;
	struct exchange *x = begin(add(o), PART_REQUEST, p);
	if (x && o->doubt)
		exchange_leave_alone(&o->l, x, no_answer);
	return x;
}

struct exchange *in_order_answer(struct in_order *o, const struct pdu *p)
{
	struct exchange *x = o->skip ? NULL : exchange_waiting(&o->l);
	const char *why = o->skip    ? "its request was told before: too many others waited"
			  : o->doubt ? no_request
				     : "the request was not seen";

	o->answered_last = true;
	o->blind = false;
	if (x)
		return begin(x, PART_RESPONSE, p);
	o->skip -= o->skip > 0;
	x = begin(add(o), PART_RESPONSE, p);
	if (x)
		exchange_leave_alone(&o->l, x, why);
	return x;
}

struct exchange *in_order_notice(struct in_order *o, const struct pdu *p)
{
	struct exchange *x = begin(add(o), PART_RESPONSE, p);

	if (x)
		exchange_leave_alone(&o->l, x, NULL);
	return x;
}

/* Bytes are missing where messages may have begun; an answer that has begun ends, and is gone. */
static void note_loss(struct in_order *o, enum part part)
{
	/* What waits is answered next, unless its answers may be what is missing. */
	if (part == PART_RESPONSE) {
		leave_waiting(&o->l);
		end_answers(&o->l);
		o->skip = 0;
		o->blind = true;
	} else {
		o->answered_last = false;
	}
	o->doubt = true;
}

/* Can it only be an answer to `x` that comes next? */
static bool is_only(const struct in_order *o, const struct exchange *x)
{
	const struct pdu_stream *asked = &o->in[o->client];

	if (!x || x->alone || !x->done[PART_REQUEST] || !o->in_time || o->doubt || o->blind ||
	    o->skip || asked->lost || pdu_begun(asked) || o->now[o->client])
		return false;
	for (const struct exchange *other = o->l.head; other; other = other->next)
		if (other != x && !other->alone && !other->done[PART_RESPONSE])
			return false;
	return true;
}

/* Bytes of an answer are missing. Do those that follow belong to it? */
static bool open_hole(struct in_order *o, struct exchange *x)
{
	enum in_order_rest rest = o->holed || is_only(o, x) ? o->ops->rest(o, x) : REST_NOBODYS;

	if (rest == REST_NOBODYS)
		return false;
	o->holed = x;
	o->unread = rest == REST_UNREAD;
	return true;
}

/* The client goes on, or nobody does: what came of the answer is all of it. */
static void close_hole(struct in_order *o, int64_t now)
{
	enum dir dir = !o->client;
	bool begun = o->mended && pdu_begun(&o->in[dir]);

	o->mended = false;
	if (!o->holed && !begun)
		return;
	/* Nor can a PDU go on that was found there. */
	pdu_drop_held(&o->in[dir], &o->ops->pdu, o, dir, now);
	o->holed = NULL;
	note_loss(o, PART_RESPONSE);
	o->ops->lost(o, dir, NULL, now);
}

int in_order_pdu_begin(void *ctx, enum dir dir, const struct pdu *p)
{
	struct in_order *o = ctx;
	int r = o->ops->begin(o, dir, p);
	struct exchange *x = o->now[dir];

	/* Of what is long the rest is not shown. */
	o->why[dir] = GAP_TRUNCATED;
	if (x && o->stray[dir]) {
		message_add_number(x->message[in_order_part(o, dir)], "skipped",
				   (int64_t)o->stray[dir]);
		o->stray[dir] = 0;
	}
	return r;
}

void in_order_bytes(void *ctx, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		    int64_t now)
{
	struct in_order *o = ctx;

	if (o->now[dir])
		exchange_bytes(o->now[dir], in_order_part(o, dir), data, len, offset, now);
}

void in_order_missing(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct in_order *o = ctx;

	o->why[dir] = why;
	if (o->now[dir])
		exchange_gap(o->now[dir], in_order_part(o, dir), len, why, now);
}

/* The one that waits, when bytes there can only be of its answer; NULL. */
static struct exchange *only_one(struct in_order *o, uint64_t offset, int64_t now)
{
	struct exchange *x = exchange_waiting(&o->l);

	if (o->holed || !is_only(o, x) || o->ops->rest(o, x) == REST_NOBODYS)
		return o->holed;
	return exchange_begin_part(x, PART_RESPONSE, offset, now) ? NULL : x;
}

/* What goes on ends here, as far as it came; what follows is whose nobody knows. */
void in_order_lost(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct in_order *o = ctx;
	enum part part = in_order_part(o, dir);
	struct exchange *x = o->ops->going_on ? o->ops->going_on(o, dir) : o->now[dir];

	if (!x && part == PART_RESPONSE)
		x = only_one(o, o->gap_end - len, now);
	if (x)
		exchange_gap(x, part, len, why, now);
	o->now[dir] = NULL;
	o->seek[dir] = true;
	if (part == PART_RESPONSE && open_hole(o, x))
		return;
	note_loss(o, part);
	o->ops->lost(o, dir, x, now);
}

/* Looked for where the lost bytes end and at each change of direction, however bytes are cut. */
int in_order_resumes(void *ctx, enum dir dir, const uint8_t *data, size_t len)
{
	struct in_order *o = ctx;

	if (!o->seek[dir] || (o->holed && o->unread && dir != o->client))
		return -EPROTO;
	int found = o->ops->resumes(dir == o->client, data, len);
	o->seek[dir] = !found;
	o->mended |= found > 0 && o->holed && dir != o->client;
	return found;
}

/* Bytes that nobody understands, since what came before them is missing. */
void in_order_stray(void *ctx, enum dir dir, uint64_t len, int64_t now)
{
	struct in_order *o = ctx;
	struct exchange *x = o->now[dir];

	/* Those before the gap of which they begin what is missing, or behind it. */
	if (!x && dir != o->client)
		x = only_one(o, o->gap - len, now);
	if (!x) {
		o->stray[dir] += len;
		return;
	}
	exchange_unread(x, in_order_part(o, dir), len, now);
	x->message[in_order_part(o, dir)]->unplaced += len;
}

static void gone(void *owner, const struct exchange *x)
{
	struct in_order *o = owner;

	for (int dir = 0; dir < 2; dir++)
		if (o->now[dir] == x)
			o->now[dir] = NULL;
	if (o->holed == x)
		o->holed = NULL;
	o->ops->gone(o, x);
}

void *in_order_open(const struct entry_sink *sink, const struct conn_hint *hint,
		    const struct in_order_ops *ops)
{
	struct in_order *o = calloc(1, ops->size);

	if (!o)
		return NULL;
	account_change(sink->account, 0, ops->size);
	o->ops = ops;
	exchanges_begin(&o->l, sink, &ops->exchange);
	o->l.gone = gone;
	o->l.owner = o;
	o->in[0].account = o->in[1].account = sink->account;
	o->doubt = hint->lossy;
	o->in_time = hint->in_order;
	if (hint->opener_known)
		o->client = hint->opener;
	else
		o->client = hint->first ? ops->client_of(hint->first) : DIR_WRITE;
	o->l.client = o->client == DIR_WRITE;
	return o;
}

int in_order_feed(void *state, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		  int64_t now)
{
	struct in_order *o = state;

	o->seek[dir] |= dir != o->last_dir;
	o->last_dir = dir;
	o->taken = 0;
	if (dir == o->client)
		close_hole(o, now);
	return pdu_feed(&o->in[dir], &o->ops->pdu, o, dir, data, len, offset, now, &o->taken)
		       ? DISSECT_BECOME
		       : 0;
}

int in_order_gap(void *state, enum dir dir, uint64_t len, uint64_t offset, enum gap_why why,
		 int64_t now)
{
	struct in_order *o = state;

	o->gap = offset;
	o->gap_end = offset + len;
	if (dir == o->client)
		close_hole(o, now);
	return pdu_gap(&o->in[dir], &o->ops->pdu, o, dir, len, offset, why, now);
}

void in_order_become(void *state, struct become *ret)
{
	struct in_order *o = state;

	*ret = (struct become){
		.hint = { .opener_known = true, .opener = o->client, .gave_up = o->ops->name }
	};
	pdu_become(o->in, o->last_dir, o->taken, ret);
	o->broken = true;
}

void in_order_idle(void *state, int64_t now)
{
	struct in_order *o = state;

	close_hole(o, now);
	if (o->answered_last && !o->blind)
		o->doubt = false;
}

void in_order_tick(void *state, int64_t now)
{
	exchanges_tick(&((struct in_order *)state)->l, now);
}

bool in_order_alive(const void *state)
{
	return ((const struct in_order *)state)->l.head != NULL;
}

void in_order_give_way(void *state)
{
	exchanges_give_way(&((struct in_order *)state)->l);
}

void in_order_close(void *state, int64_t now)
{
	struct in_order *o = state;

	close_hole(o, now);
	o->ops->end(o, now);
	exchanges_end(&o->l, o->broken ? "what followed was not understood"
				       : "no answer before the connection ended");
	pdu_free(&o->in[0]);
	pdu_free(&o->in[1]);
	account_change(o->l.sink.account, o->ops->size, 0);
	free(o);
}
