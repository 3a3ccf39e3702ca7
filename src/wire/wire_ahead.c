// SPDX-License-Identifier: GPL-2.0-or-later
/* Sessions that end before the wire was told of their packets. One that another takes the place of
 * stays unread. */
#include <stdio.h>

#include "wire/wire_conn.h"

static struct wire_ahead *place(const struct wire *w, const struct wire_address *local,
				const struct wire_address *remote)
{
	return &w->ahead[wire_ends_hash(w, local, remote) & (LIMIT_WIRE_AHEAD - 1)];
}

void wire_read_ahead(struct wire *w, const struct wire_address *local,
		     const struct wire_address *remote, uint32_t netns, int64_t now_us,
		     const struct wire_read *r)
{
	pthread_mutex_lock(&w->lock);
	if (w->ahead) {
		struct wire_ahead *a = place(w, local, remote);
		*a = (struct wire_ahead){ .local = *local,
					  .remote = *remote,
					  .netns = netns,
					  .until_us = now_us + LIMIT_WIRE_LINGER_MS * 1000,
					  .plain = { r->plain[0], r->plain[1] },
					  .library = r->library,
					  .tgid = r->tgid,
					  .midway = r->midway };
		snprintf(a->name, sizeof(a->name), "%s", r->connection);
		snprintf(a->comm, sizeof(a->comm), "%s", r->comm);
	}
	pthread_mutex_unlock(&w->lock);
}

void wire_take_ahead(struct wire *w, struct wire_conn *c, int64_t now_us)
{
	struct wire_ahead *a = w->ahead ? place(w, &c->local, &c->remote) : NULL;

	if (!a || !a->tgid || a->netns != c->mine.netns || now_us > a->until_us ||
	    !wire_same_address(&a->local, &c->local) || !wire_same_address(&a->remote, &c->remote))
		return;
	wire_take_read(w, c,
		       &(struct wire_read){ .connection = a->name,
					    .library = a->library,
					    .plain = { a->plain[0], a->plain[1] },
					    .midway = a->midway,
					    .tgid = a->tgid,
					    .comm = a->comm });
	a->tgid = 0;
}

bool wire_by_address(const struct wire *w)
{
	return w->options.by_address;
}
