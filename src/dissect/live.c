// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/live.h"

#include "base/limits.h"
#include "dissect/dissect.h"
#include "entry.h"
#include "items.h"
#include "message.h"

static int64_t interval_us(int64_t age_us, size_t cost)
{
	int64_t us = age_us / LIMIT_LIVE_INTERVAL_PART;
	int64_t least = (int64_t)(cost * 1000 / LIMIT_LIVE_RATE) * 1000;

	if (us < LIMIT_LIVE_INTERVAL_MS * 1000)
		us = LIMIT_LIVE_INTERVAL_MS * 1000;
	if (us > LIMIT_LIVE_INTERVAL_MAX_MS * 1000)
		us = LIMIT_LIVE_INTERVAL_MAX_MS * 1000;
	return us > least ? us : least;
}

static bool has_place(struct live *l, const struct entry_sink *sink)
{
	if (!sink->live_use || sink->live_use->open < LIMIT_LIVE_AT_ONCE)
		return true;
	l->refused = true;
	sink->live_use->refused++;
	return false;
}

bool live_due(struct live *l, const struct entry_sink *sink, int64_t start_us, int64_t now)
{
	if (!sink->live || l->refused)
		return false;
	if (!l->number)
		return now - start_us >= LIMIT_LIVE_MS * 1000 && has_place(l, sink);
	return l->changed && now - l->told_us >= interval_us(now - start_us, l->cost);
}

static size_t shown(const struct message *m)
{
	size_t n = m->body.bytes.len;

	return n < LIMIT_LIVE_BODY ? n : LIMIT_LIVE_BODY;
}

struct message *live_copy(struct live *l, int part, struct message *m, bool done, bool *ret_kept)
{
	size_t n = done ? m->body.bytes.len : shown(m);
	bool kept = l->number && (l->given[part] || l->told[part] == n);
	struct message *copy = message_keep_stored(m) ? NULL : message_copy(m);

	if (!copy)
		return NULL;
	if (!kept && done) {
		copy->body.bytes = m->body.bytes;
		m->body.bytes = (struct buf){ 0 };
	} else if (!kept && buf_put(&copy->body.bytes, m->body.bytes.data, n)) {
		message_free(copy);
		return NULL;
	}
	if (done) {
		buf_free(&m->body.bytes);
		l->given[part] = true;
	}
	l->told[part] = n;
	*ret_kept = kept;
	return copy;
}

void live_tell(struct live *l, const struct entry_sink *sink, struct entry *e, int64_t now)
{
	if (!l->number) {
		l->number = ++*sink->live;
		if (sink->live_use)
			sink->live_use->open++;
	}
	l->told_us = now;
	l->cost = e->request_body.len + e->response_body.len + items_bytes(e->items);
	for (int i = 0; i < 2; i++)
		l->cost += e->message[i] ? e->message[i]->arena.used : 0;
	l->changed = false;
	e->live = l->number;
	e->open = true;
	/* It is not over: how long it took is not known. */
	e->elapsed_us = -1;
	sink->emit(sink->ctx, e);
}

void live_end(struct live *l, const struct entry_sink *sink, struct entry *e)
{
	if (!l->number)
		return;
	if (sink->live_use)
		sink->live_use->open--;
	for (int i = 0; e && i < 2; i++) {
		struct buf *body = i ? &e->response_body : &e->request_body;
		if (!e->message[i] || !(l->given[i] || l->told[i] == body->len))
			continue;
		e->body_kept[i] = true;
		buf_free(body);
	}
	if (e)
		e->live = l->number;
	*l = (struct live){ 0 };
}
