// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/http1.h"

#include <stdlib.h>

#include "base/account.h"
#include "items.h"

void h1_message_account(struct h1_message *m, size_t *account)
{
	size_t was = m->items_bytes;

	m->items_bytes = http_stream_bytes(m->items);
	account_change(account, was, m->items_bytes);
}

void h1_message_free(struct h1_message *m, size_t *account)
{
	message_free(m->msg);
	http_stream_free(m->items);
	account_change(account, m->items_bytes, 0);
	*m = (struct h1_message){ 0 };
}

struct h1_exchange *h1_exchange_new(size_t *account)
{
	struct h1_exchange *x = calloc(1, sizeof(*x));

	if (x)
		account_change(account, 0, sizeof(*x));
	return x;
}

void h1_exchange_free(struct h1_exchange *x, size_t *account)
{
	if (!x)
		return;
	account_change(account, sizeof(*x), 0);
	h1_message_free(&x->request, account);
	h1_message_free(&x->response, account);
	free(x);
}

static struct message *take_message(struct h1_message *m)
{
	struct message *msg = m->msg;

	if (!m->begun)
		return NULL;
	m->msg = NULL;
	return msg;
}

/* What only HTTP/1.x can say of a message. */
static void add_members(struct message *m)
{
	if (m && m->skipped)
		message_add_number(m, "skipped", (int64_t)m->skipped);
	if (m && m->unplaced)
		message_add_number(m, "unplaced", (int64_t)m->unplaced);
}

struct entry *h1_entry_new_take(const struct h1_exchange *x, struct message *q, struct message *a,
				bool client)
{
	add_members(q);
	add_members(a);
	struct entry *e = http_entry_new_take(q, a, x->missing);
	if (!e)
		return NULL;
	e->role = client ? "client" : "server";
	e->part[0] = x->request.part;
	e->part[1] = x->response.part;
	/* Interim answers alone. */
	if (!a && x->response.msg)
		e->response_size = (int64_t)message_size(x->response.msg);
	return e;
}

struct entry *h1_exchange_take_entry(struct h1_exchange *x, bool client)
{
	http_stream_end(x->request.items);
	http_stream_end(x->response.items);
	struct message *q = take_message(&x->request), *a = take_message(&x->response);
	struct entry *e = h1_entry_new_take(x, q, a, client);
	if (e)
		e->items = items_merge_take(http_stream_take_items(x->request.items),
					    http_stream_take_items(x->response.items));
	return e;
}

struct upgraded *h1_exchange_take_upgraded(struct h1_exchange *x, const struct entry_sink *sink,
					   enum dir request_dir)
{
	struct upgraded *u = malloc(sizeof(*u));

	if (u) {
		*u = (struct upgraded){ .message = { take_message(&x->request),
						     take_message(&x->response) },
					.part = { x->request.part, x->response.part },
					.missing = x->missing,
					.request_dir = request_dir };
		live_move(&x->live, &u->live, sink);
		account_change(sink->account, 0, sizeof(*u));
		add_members(u->message[0]);
		add_members(u->message[1]);
	}
	h1_exchange_free(x, sink->account);
	return u;
}
