// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/exchange.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/account.h"
#include "base/limits.h"
#include "entry.h"

static const char not_due[] = "";

/* Going through fewer than INDEX_FROM costs less than an index. */
enum { INDEX_FROM = 32, INDEX_BITS = 8 };
#define INDEX_BYTES ((1U << INDEX_BITS) * sizeof(struct exchange *))

void exchanges_begin(struct exchanges *l, const struct entry_sink *sink,
		     const struct exchange_ops *ops)
{
	*l = (struct exchanges){ .sink = *sink, .ops = ops };
}

struct exchange *exchange_new(struct exchanges *l)
{
	struct exchange *x = calloc(1, l->ops->size);

	if (!x)
		return NULL;
	struct exchange *first = l->count < LIMIT_PIPELINE ? NULL : l->head;
	while (first && first->lasting)
		first = first->next;
	if (first) {
		exchange_fault(first, "too many others waited for an answer");
		exchange_tell(l, first);
	}
	x->account = l->sink.account;
	account_change(x->account, 0, l->ops->size);
	x->before = l->last;
	*(l->last ? &l->last->next : &l->head) = x;
	l->last = x;
	l->count++;
	return x;
}

struct exchange *exchange_waiting(const struct exchanges *l)
{
	struct exchange *x = l->head;

	while (x && (x->done[PART_RESPONSE] || x->alone))
		x = x->next;
	return x;
}

static struct exchange **chain_of(const struct exchanges *l, uint64_t key)
{
	return &l->index[key * 0x9e3779b97f4a7c15 >> (64 - INDEX_BITS)];
}

static void index_add(struct exchanges *l, struct exchange *x)
{
	struct exchange **p = chain_of(l, x->key);

	while (*p)
		p = &(*p)->chain;
	*p = x;
	x->chain = NULL;
}

static void index_remove(struct exchanges *l, struct exchange *x)
{
	struct exchange **p = chain_of(l, x->key);

	while (*p != x)
		p = &(*p)->chain;
	*p = x->chain;
}

static void index_make(struct exchanges *l)
{
	l->index = calloc(1U << INDEX_BITS, sizeof(struct exchange *));
	if (!l->index)
		return;
	account_change(l->sink.account, 0, INDEX_BYTES);
	for (struct exchange *x = l->head; x; x = x->next)
		if (x->has_key)
			index_add(l, x);
}

static void index_free(struct exchanges *l)
{
	if (l->index)
		account_change(l->sink.account, INDEX_BYTES, 0);
	free(l->index);
	l->index = NULL;
}

void exchange_set_key(struct exchanges *l, struct exchange *x, uint64_t key)
{
	if (l->index && x->has_key)
		index_remove(l, x);
	x->key = key;
	x->has_key = true;
	if (l->index)
		index_add(l, x);
	else if (l->count >= INDEX_FROM)
		index_make(l);
}

struct exchange *exchange_find(const struct exchanges *l, uint64_t key)
{
	struct exchange *x = l->index ? *chain_of(l, key) : l->head;

	while (x && (x->key != key || x->done[PART_RESPONSE] || x->alone))
		x = l->index ? x->chain : x->next;
	return x;
}

int exchange_begin_part(struct exchange *x, enum part part, uint64_t offset, int64_t now)
{
	struct digest *d = &x->digest[part];

	if (x->message[part])
		return 0;
	x->message[part] = message_new(part == PART_REQUEST, x->account);
	if (!x->message[part])
		return -ENOMEM;
	x->message[part]->rendered = true;
	x->message[part]->start_us = x->message[part]->end_us = now;
	d->at = offset;
	digest_begin(d);
	digest_part_begin(d, &x->part[part], now);
	x->live.changed = true;
	return 0;
}

static void note_time(struct exchange *x, enum part part, int64_t now)
{
	x->message[part]->end_us = x->part[part].last_us = now;
	x->live.changed = true;
}

void exchange_bytes(struct exchange *x, enum part part, const void *data, size_t len,
		    uint64_t offset, int64_t now)
{
	/* Bytes of others may stand between those of one message. */
	x->digest[part].at = offset;
	digest_bytes(&x->digest[part], data, len);
	x->size[part] += len;
	note_time(x, part, now);
}

void exchange_gap(struct exchange *x, enum part part, uint64_t len, enum gap_why why, int64_t now)
{
	digest_skip(&x->digest[part], len);
	x->part[part].whole = false;
	x->size[part] += len;
	x->lost[why] += len;
	note_time(x, part, now);
}

void exchange_unread(struct exchange *x, enum part part, uint64_t len, int64_t now)
{
	digest_skip(&x->digest[part], len);
	x->part[part].whole = false;
	x->size[part] += len;
	note_time(x, part, now);
}

void exchange_holds(struct exchange *x, size_t bytes)
{
	account_change(x->account, x->holds, bytes);
	x->holds = bytes;
}

void exchange_fault(struct exchange *x, const char *fault)
{
	for (int i = 0; i < EXCHANGE_FAULTS; i++) {
		if (!x->faults[i])
			x->faults[i] = fault;
		if (x->faults[i] == fault)
			return;
	}
}

void exchange_text(struct exchange *x, enum part part, const char *text, size_t len)
{
	struct message *m = x->message[part];

	if (m)
		payload_put(&m->body, text, len, LIMIT_RENDERED_BYTES);
}

static void put_reason(struct buf *out, uint64_t n, const char *what)
{
	if (out->len)
		buf_puts(out, "; ");
	if (n)
		buf_printf(out, "%" PRIu64 " ", n);
	buf_puts(out, what);
}

static void fill_reason(const struct exchange *x, struct entry *e)
{
	struct buf reason = { 0 };

	if (x->alone && *x->alone)
		put_reason(&reason, 0, x->alone);
	for (int i = 0; i < EXCHANGE_FAULTS && x->faults[i]; i++)
		put_reason(&reason, 0, x->faults[i]);
	if (x->lost[GAP_LOST])
		put_reason(&reason, x->lost[GAP_LOST], "bytes lost");
	if (x->lost[GAP_TRUNCATED])
		put_reason(&reason, x->lost[GAP_TRUNCATED], "bytes not copied");
	for (int i = 0; i < 2; i++)
		if (e->message[i] && e->message[i]->body.gave_way)
			put_reason(&reason, 0,
				   i ? "the answer's text was not kept: memory was short"
				     : "the request's text was not kept: memory was short");
	e->complete = !reason.len;
	e->reason = entry_text(e, reason.data, reason.len);
	buf_free(&reason);
}

/* Takes both messages. */
static void fill_entry(const struct exchanges *l, const struct exchange *x, struct entry *e,
		       struct message *q, struct message *a)
{
	e->protocol = l->ops->protocol;
	e->role = l->client ? "client" : "server";
	e->timestamp_us = q ? q->start_us : a->start_us;
	if (q && a)
		e->elapsed_us = a->end_us > q->start_us ? a->end_us - q->start_us : 0;
	e->request_size = (int64_t)x->size[PART_REQUEST];
	e->response_size = (int64_t)x->size[PART_RESPONSE];
	e->lost_bytes = (int64_t)x->lost[GAP_LOST];
	e->truncated_bytes = (int64_t)x->lost[GAP_TRUNCATED];
	e->message[0] = q;
	e->message[1] = a;
	for (int i = 0; i < 2; i++)
		if (e->message[i] && e->message[i]->unplaced)
			message_add_number(e->message[i], "unplaced",
					   (int64_t)e->message[i]->unplaced);
	l->ops->fill(x, e);
	fill_reason(x, e);
	if (q)
		e->request_body = payload_take_bytes(&q->body);
	if (a)
		e->response_body = payload_take_bytes(&a->body);
}

static void unlink_exchange(struct exchanges *l, struct exchange *x)
{
	if (l->index && x->has_key)
		index_remove(l, x);
	*(x->before ? &x->before->next : &l->head) = x->next;
	*(x->next ? &x->next->before : &l->last) = x->before;
	if (!--l->count)
		index_free(l);
}

static void free_exchange(struct exchanges *l, struct exchange *x)
{
	if (l->gone)
		l->gone(l->owner, x);
	if (l->ops->free)
		l->ops->free(x);
	account_change(x->account, l->ops->size + x->holds, 0);
	for (int i = 0; i < 2; i++) {
		message_free(x->message[i]);
		digest_release(&x->digest[i]);
	}
	free(x);
}

void exchange_tell(struct exchanges *l, struct exchange *x)
{
	struct entry *e = x->message[0] || x->message[1] ? entry_new() : NULL;

	unlink_exchange(l, x);
	if (e) {
		for (int i = 0; i < 2; i++) {
			if (x->message[i])
				digest_part_end(&x->digest[i], &x->part[i], x->digest[i].at);
			x->part[i].whole &= x->done[i];
		}
		memcpy(e->part, x->part, sizeof(e->part));
		fill_entry(l, x, e, x->message[0], x->message[1]);
		x->message[0] = x->message[1] = NULL;
	}
	live_end(&x->live, &l->sink, e);
	if (e)
		l->sink.emit(l->sink.ctx, e);
	free_exchange(l, x);
}

static bool tell_when_done(struct exchanges *l, struct exchange *x)
{
	for (int i = 0; i < 2; i++)
		if (!x->done[i] && (x->message[i] || !x->alone))
			return false;
	exchange_tell(l, x);
	return true;
}

bool exchange_end_part(struct exchanges *l, struct exchange *x, enum part part, int64_t now)
{
	if (x->message[part])
		note_time(x, part, now);
	x->done[part] = true;
	return tell_when_done(l, x);
}

bool exchange_leave_alone(struct exchanges *l, struct exchange *x, const char *why)
{
	x->alone = why ? why : not_due;
	return tell_when_done(l, x);
}

void exchanges_end(struct exchanges *l, const char *alone)
{
	while (l->head) {
		struct exchange *x = l->head;
		for (int i = 0; i < 2; i++)
			if (x->message[i] && !x->done[i])
				exchange_fault(x, i ? "the answer did not end"
						    : "the request did not end");
		if (!x->alone && (!x->message[0] || !x->message[1]))
			x->alone = alone;
		exchange_tell(l, x);
	}
}

/* The message of a version, NULL when it has not begun, or there is no memory (*ret_failed). */
static struct message *copy_part(struct exchange *x, enum part part, struct entry *e,
				 bool *ret_failed)
{
	if (!x->message[part])
		return NULL;
	struct message *copy =
		live_copy(&x->live, part, x->message[part], x->done[part], &e->body_kept[part]);
	e->part[part] = x->part[part];
	digest_part_end(&x->digest[part], &e->part[part], x->digest[part].at);
	e->part[part].whole &= x->done[part];
	*ret_failed |= !copy;
	return copy;
}

static void tell_live(struct exchanges *l, struct exchange *x, int64_t now)
{
	const struct message *first = x->message[0] ? x->message[0] : x->message[1];
	bool failed = false;

	if (!first || !live_due(&x->live, &l->sink, first->start_us, now))
		return;
	struct entry *e = entry_new();
	if (!e)
		return;
	struct message *q = copy_part(x, PART_REQUEST, e, &failed);
	struct message *a = copy_part(x, PART_RESPONSE, e, &failed);
	if (failed) {
		message_free(q);
		message_free(a);
		entry_free(e);
		return;
	}
	fill_entry(l, x, e, q, a);
	live_tell(&x->live, &l->sink, e, now);
}

void exchanges_tick(struct exchanges *l, int64_t now)
{
	for (struct exchange *x = l->head; x; x = x->next)
		tell_live(l, x, now);
}

void exchanges_give_way(struct exchanges *l)
{
	for (struct exchange *x = l->head; x; x = x->next)
		for (int i = 0; i < 2; i++)
			if (x->message[i])
				payload_give_way(&x->message[i]->body);
}
