// SPDX-License-Identifier: GPL-2.0-or-later
/* One entry of what both ends tell of an exchange: the client's, with the better bytes of the two.
 */
#include <string.h>

#include "items.h"
#include "message.h"
#include "session/twin.h"

static const char *copy(struct entry *e, const char *text)
{
	return entry_text(e, text, strlen(text));
}

static void copy_endpoint(struct entry *e, struct endpoint *to, const struct endpoint *from)
{
	if (!to->pid) {
		to->pid = from->pid;
		to->process = copy(e, from->process);
		to->container = copy(e, from->container);
	}
	if (!*to->ip) {
		to->ip = copy(e, from->ip);
		to->port = from->port;
	}
}

/* How much of it is there: 2 all, 1 some, 0 nothing. */
static int worth(const struct entry_part *part)
{
	return !part->seen ? 0 : part->whole ? 2 : 1;
}

/* Is the server's better? It must have the body with it, not have left it to an earlier version. */
static bool is_better(const struct twin *t, int i)
{
	const struct entry_part *c = &t->part[END_CLIENT][i], *s = &t->part[END_SERVER][i];

	if (t->entry[END_SERVER]->body_kept[i])
		return false;
	return worth(s) > worth(c) || (worth(s) == 1 && worth(c) == 1 && s->length > c->length);
}

static void swap_body(struct buf *a, struct buf *b)
{
	struct buf body = *a;

	*a = *b;
	*b = body;
}

static void swap_message(struct entry *e, struct entry *other, int i)
{
	struct message *m = e->message[i];

	e->message[i] = other->message[i];
	other->message[i] = m;
	if (i == 0)
		swap_body(&e->request_body, &other->request_body);
	else
		swap_body(&e->response_body, &other->response_body);
	e->body_kept[i] = other->body_kept[i];
	e->part[i] = other->part[i];
}

/* What an entry of the server's end has to say as one of the client's. */
static void take_client(struct entry *e, const struct entry *client)
{
	e->role = "client";
	e->library = client->library;
	e->bind = client->bind;
	e->connection = copy(e, client->connection);
	e->goroutine = client->goroutine;
	e->timestamp_us = client->timestamp_us;
	e->elapsed_us = client->elapsed_us;
}

static int worth_of(const struct entry_part part[2])
{
	return worth(&part[0]) + worth(&part[1]);
}

/* What either end was not told can have put together what is not: no answer is before its request.
 */
static bool is_causal(const struct twin *t, const bool server[2])
{
	const struct message *q = t->entry[server[0] ? END_SERVER : END_CLIENT]->message[0];
	const struct message *a = t->entry[server[1] ? END_SERVER : END_CLIENT]->message[1];

	return !q || !a || q->start_us <= a->start_us;
}

/* The client's entry with the better message of each part; where they go together only, of both. */
static struct entry *choose(struct twin *t, bool *ret_server)
{
	struct entry *client = t->entry[END_CLIENT], *server = t->entry[END_SERVER];
	void (*refill)(struct entry *) = dissect_refill(client);
	bool better[2] = { is_better(t, 0), is_better(t, 1) };

	if (!refill)
		better[0] = better[1] =
			(better[0] || better[1]) &&
			worth_of(t->part[END_SERVER]) > worth_of(t->part[END_CLIENT]);
	if (better[0] != better[1] && !is_causal(t, better))
		better[0] = better[1] = false;
	*ret_server = better[0] || better[1];
	if (better[0] && better[1]) {
		take_client(server, client);
		return server;
	}
	if (!*ret_server)
		return client;
	const char *reason = client->reason;
	swap_message(client, server, better[1]);
	refill(client);
	if (!client->message[0] || !client->message[1]) { /* still */
		client->complete = false;
		client->reason = reason;
	}
	return client;
}

/* The messages below the exchange, of both ends; where these differ, the client's. */
static struct items *take_items(struct twin *t, bool differs)
{
	struct items *l = t->entry[END_CLIENT]->items, *from = t->entry[END_SERVER]->items;

	t->entry[END_CLIENT]->items = t->entry[END_SERVER]->items = NULL;
	if (!l || !differs)
		return items_unite_take(l, from);
	items_free(from);
	return l;
}

struct entry *twin_merge(struct twin *t, bool differs)
{
	int64_t server_elapsed_us = t->entry[END_SERVER]->elapsed_us;
	bool server_lacks = !t->entry[END_SERVER]->complete, swapped;
	struct items *items = take_items(t, differs);
	struct entry *e = choose(t, &swapped);
	struct entry *other = t->entry[e == t->entry[END_CLIENT] ? END_SERVER : END_CLIENT];

	e->items = items;
	e->server_elapsed_us = server_elapsed_us;
	if (!t->part[END_CLIENT][0].seen)
		e->timestamp_us = t->entry[END_SERVER]->timestamp_us;
	copy_endpoint(e, &e->src, &other->src);
	copy_endpoint(e, &e->dst, &other->dst);
	e->ends = "both";
	if (differs)
		e->remark = "the ends of the connection have different bytes: these are the "
			    "client's";
	else if (swapped)
		e->remark = "bytes that are missing at the client's end are the server's";
	else if (server_lacks && e->complete)
		e->remark = "bytes are missing at the server's end";
	entry_free(other);
	t->entry[0] = t->entry[1] = NULL;
	return e;
}
