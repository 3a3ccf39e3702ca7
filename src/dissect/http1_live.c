// SPDX-License-Identifier: GPL-2.0-or-later
/* Exchanges that go on, told as far as they have come. */
#include "dissect/http1_conn.h"
#include "entry.h"
#include "items.h"

static bool is_in(const struct h1 *h, const struct h1_exchange *x, enum dir dir)
{
	return h->stream[dir].x == x;
}

/* A head that is not whole: what there is of it tells what the message is. */
static int read_part_of_head(const struct h1_stream *s, struct message *copy)
{
	struct h1_message m = { .msg = copy };

	return h1_head_read(&m, &s->lines);
}

/* The message of a version, NULL when there is none yet, or no memory (*ret_failed). */
static struct message *copy_message(struct h1 *h, struct h1_exchange *x, enum dir dir,
				    struct entry_part *ret_part, bool *ret_kept, bool *ret_failed)
{
	bool request = h1_is_request_dir(h, dir);
	struct h1_message *m = request ? &x->request : &x->response;
	const struct h1_stream *s = &h->stream[dir];

	/* The head of an interim answer is not that of the answer. */
	if (!m->begun || (!request && x->request.begun && is_in(h, x, dir) && s->state == H1_HEAD &&
			  h1_head_status(&s->lines.text) / 100 == 1))
		return NULL;
	struct message *copy = live_copy(&x->live, !request, m->msg, m->done, ret_kept);
	*ret_part = m->part;
	if (is_in(h, x, dir)) {
		digest_part_end(&s->digest, ret_part, h1_candidate_offset(s));
		ret_part->last_us = m->msg->end_us;
		ret_part->whole = false;
	}
	if (copy && is_in(h, x, dir) && s->state == H1_HEAD && read_part_of_head(s, copy)) {
		message_free(copy);
		copy = NULL;
	}
	*ret_failed |= !copy;
	return copy;
}

static void tell(struct h1 *h, struct h1_exchange *x, int64_t now)
{
	int64_t start = x->request.begun ? x->request.msg->start_us : x->response.msg->start_us;
	struct entry_part part[2] = { 0 };
	bool kept[2] = { false, false };
	bool failed = false;

	if (x->unproven || !live_due(&x->live, h->sink, start, now))
		return;
	struct message *q = copy_message(h, x, h->request_dir, &part[0], &kept[0], &failed);
	struct message *a = copy_message(h, x, !h->request_dir, &part[1], &kept[1], &failed);
	struct entry *e = NULL;
	if (failed) {
		message_free(q);
		message_free(a);
	} else {
		e = h1_entry_new_take(x, q, a, h->request_dir == DIR_WRITE);
	}
	if (!e)
		return;
	e->items = items_merge_take(items_copy(http_stream_items(x->request.items)),
				    items_copy(http_stream_items(x->response.items)));
	for (int i = 0; i < 2; i++) {
		e->part[i] = part[i];
		e->body_kept[i] = kept[i];
	}
	live_tell(&x->live, h->sink, e, now);
}

void h1_tell_live(struct h1 *h, int64_t now)
{
	for (struct h1_exchange *x = h->head; x; x = x->next)
		tell(h, x, now);
	for (int dir = 0; dir < 2; dir++) {
		struct h1_exchange *x = h->stream[dir].x;
		if (x && !x->queued && (!dir || x != h->stream[0].x))
			tell(h, x, now);
	}
}
