// SPDX-License-Identifier: GPL-2.0-or-later
#include "keep/keep_pending.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sys/queue.h>

#include "base/limits.h"
#include "event.h"

struct waiting_packet {
	STAILQ_ENTRY(waiting_packet) next;
	struct ev_packet packet; /* and its bytes */
};

STAILQ_HEAD(waiting_packets, waiting_packet);

/* A connection with such packets, and all such connections by the age of their first. */
struct waiting_conn {
	TAILQ_ENTRY(waiting_conn) order;
	struct waiting_packets packets;
	unsigned count;
	uint32_t slot;
	uint64_t gen, since;
	size_t bytes;
};

struct keep_pending {
	struct waiting_conn *of[LIMIT_WIRE_FLOWS]; /* by slot */
	TAILQ_HEAD(, waiting_conn) order;
	size_t bytes;
};

struct keep_pending *keep_pending_new(void)
{
	struct keep_pending *k = calloc(1, sizeof(*k));

	if (k)
		TAILQ_INIT(&k->order);
	return k;
}

/* It waits no more; put NULL: in vain. How many packets. */
static unsigned end(struct keep_pending *k, struct waiting_conn *c, pending_put_fn *put, void *ctx)
{
	struct waiting_packet *w;
	unsigned count = c->count;

	TAILQ_REMOVE(&k->order, c, order);
	k->of[c->slot] = NULL;
	k->bytes -= c->bytes;
	while ((w = STAILQ_FIRST(&c->packets))) {
		STAILQ_REMOVE_HEAD(&c->packets, next);
		if (put)
			put(ctx, &w->packet);
		free(w);
	}
	free(c);
	return count;
}

void keep_pending_free(struct keep_pending *k)
{
	struct waiting_conn *c;

	while (k && (c = TAILQ_FIRST(&k->order)))
		end(k, c, NULL, NULL);
	free(k);
}

static struct waiting_conn *conn_of(struct keep_pending *k, const struct ev_packet *p)
{
	struct waiting_conn *c = k->of[p->slot];

	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	STAILQ_INIT(&c->packets);
	c->slot = p->slot;
	c->gen = p->gen;
	c->since = p->ktime;
	TAILQ_INSERT_TAIL(&k->order, c, order);
	k->of[p->slot] = c;
	return c;
}

unsigned keep_pending_add(struct keep_pending *k, const struct ev_packet *p)
{
	size_t size = sizeof(struct waiting_packet) + p->have;
	struct waiting_conn *c = k->of[p->slot];
	unsigned lost = c && c->gen != p->gen ? end(k, c, NULL, NULL) : 0;

	while (k->bytes + size > LIMIT_KEEP_WAITING && !TAILQ_EMPTY(&k->order))
		lost += end(k, TAILQ_FIRST(&k->order), NULL, NULL);
	struct waiting_packet *w = malloc(size);
	c = w ? conn_of(k, p) : NULL;
	if (!c) {
		free(w);
		return lost + 1;
	}
	memcpy(&w->packet, p, sizeof(*p) + p->have);
	STAILQ_INSERT_TAIL(&c->packets, w, next);
	c->count++;
	c->bytes += size;
	k->bytes += size;
	return lost;
}

void keep_pending_let(struct keep_pending *k, uint32_t slot, uint64_t gen, pending_put_fn *put,
		      void *ctx)
{
	struct waiting_conn *c = k->of[slot];

	if (c && c->gen == gen)
		end(k, c, put, ctx);
}

unsigned keep_pending_look(struct keep_pending *k, uint64_t now_ns, pending_look_fn *look,
			   pending_put_fn *put, void *ctx)
{
	struct waiting_conn *c = TAILQ_FIRST(&k->order), *next;
	unsigned lost = 0;

	for (; c; c = next) {
		enum pending_state is = look(ctx, c->slot, c->gen);
		next = TAILQ_NEXT(c, order);
		if (is != PENDING_UNKNOWN)
			end(k, c, is == PENDING_LET ? put : NULL, ctx);
		else if (now_ns > c->since && now_ns - c->since > LIMIT_KEEP_WAIT_NS)
			lost += end(k, c, NULL, NULL);
	}
	return lost;
}
