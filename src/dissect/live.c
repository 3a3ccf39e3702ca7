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

void live_use_init(struct live_use *of, struct live_use *all, struct common *common)
{
	*of = (struct live_use){ .all = all, .share = { .of = common, .holder = of } };
	TAILQ_INIT(&of->told);
}

static void take_place(struct live *l, struct live_use *use)
{
	if (!use)
		return;
	l->placed = true;
	use->open++;
	if (!use->all)
		return;
	use->all->open++;
	share_change(&use->share, 0, 1);
	TAILQ_INSERT_TAIL(&use->told, l, of_use);
}

static void leave_place(struct live *l, struct live_use *use)
{
	if (!l->placed)
		return;
	l->placed = false;
	use->open--;
	if (!use->all)
		return;
	use->all->open--;
	share_change(&use->share, 1, 0);
	TAILQ_REMOVE(&use->told, l, of_use);
}

/*
 * Whose longest idle one gives way? For an owner below his share that of whoever has most; past it
 * one of his own that has had nothing to tell for a while.
 */
static bool make_place(struct live_use *mine, int64_t now)
{
	bool below = mine->open < LIMIT_LIVE_AT_ONCE / LIMIT_SHARE;
	struct live_use *from = below ? share_largest(mine->share.of)->holder : mine;
	struct live *l = TAILQ_FIRST(&from->told);

	if (below ? from->open <= mine->open + 1
		  : now - l->told_us < LIMIT_LIVE_INTERVAL_MAX_MS * 1000)
		return false;
	leave_place(l, from);
	l->gave_way = true;
	from->gave_way++;
	from->all->gave_way++;
	return true;
}

static bool has_place(struct live *l, struct live_use *use, int64_t now)
{
	if (!use ||
	    (use->all ? share_allows(&use->share, LIMIT_LIVE_AT_ONCE) || make_place(use, now)
		      : use->open < LIMIT_LIVE_AT_ONCE))
		return true;
	l->refused = true;
	use->refused++;
	if (use->all)
		use->all->refused++;
	return false;
}

bool live_due(struct live *l, const struct entry_sink *sink, int64_t start_us, int64_t now)
{
	if (!sink->live || l->refused || l->gave_way)
		return false;
	if (!l->number)
		return now - start_us >= LIMIT_LIVE_MS * 1000 && has_place(l, sink->live_use, now);
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
		copy->body.bytes = payload_take_bytes(&m->body);
	} else if (!kept && buf_put(&copy->body.bytes, m->body.bytes.data, n)) {
		message_free(copy);
		return NULL;
	}
	if (done) {
		struct buf rest = payload_take_bytes(&m->body);
		buf_free(&rest);
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
		take_place(l, sink->live_use);
	} else if (l->placed && sink->live_use->all) {
		TAILQ_REMOVE(&sink->live_use->told, l, of_use);
		TAILQ_INSERT_TAIL(&sink->live_use->told, l, of_use);
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
	leave_place(l, sink->live_use);
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

void live_move(struct live *from, struct live *to, const struct entry_sink *sink)
{
	struct live_use *use = sink->live_use;

	*to = *from;
	if (from->placed && use && use->all) {
		TAILQ_INSERT_BEFORE(from, to, of_use);
		TAILQ_REMOVE(&use->told, from, of_use);
	}
	*from = (struct live){ 0 };
}
